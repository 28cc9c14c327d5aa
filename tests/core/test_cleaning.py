"""Text from outside can be printed: hypothesis writes it, a terminal emulator is the judge."""

# ruff: noqa: RUF001 (letters of many scripts are what this is about)

import time
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyte import Screen, Stream
from wcwidth import wcwidth

from py_peer.core.cleaning import MAX_MARKS, clean_line, clean_nick, clean_text, indent_lines
from py_peer.core.limits import MAX_NICK_BYTES, MAX_NICK_CHARS, MAX_SHOWN_TEXT_BYTES

# --- Hostile text ---------------------------------------------------------------------------------

INTRODUCERS = ["\x1b", "\x1b[", "\x9b", "\x1b]", "\x9d", "\x1bP", "\x90", "\x1b_", "\x9f", "\x1bX", "\x1b^", "\x1bk"]
ENDS = ["\x07", "\x1b\\", "\x9c", "\x18", "\x1a"]
WHOLE = [
    "\x1b[2J",
    "\x1b[31m",
    "\x1b]0;title\x07",
    "\x1b]52;c;cm0=\x1b\\",
    "\x1b[?1049h",
    "\x1bc",
    "\x1b(0",
    "\x1b#8",
    "\x1b[6n",
]
BREAKS = ["\n", "\r", "\r\n", "\x85", "\u2028", "\u2029", "\x0b", "\x0c"]
HIDDEN = [
    chr(c) for c in (0x200B, 0x200C, 0x200D, 0x200E, 0x202E, 0x2066, 0x061C, 0x2060, 0xFEFF, 0xAD, 0x180E, 0xFE0F)
]
HIDDEN += [chr(c) for c in (0xFE00, 0xE0041, 0xE0100, 0x115F, 0x3164, 0x034F, 0xFFF9, 0x1D173, 0xD83D, 0xDE00)]
MARKS = [chr(c) for c in (0x0301, 0x0327, 0x20E3, 0x093F, 0x094D, 0x064E, 0x0E38, 0x1161, 0x11A8)]
BASES = [*"a1#[;m \t", "é", "\u0627", "\u0915", "漢", "👩", "❤", "🏳", "🌈", "\U0001f3fd", "\u2800", "\u00a0"]

pieces = st.one_of(
    st.sampled_from(INTRODUCERS),
    st.sampled_from(ENDS),
    st.sampled_from(WHOLE),
    st.sampled_from(BREAKS),
    st.sampled_from(HIDDEN),
    st.sampled_from(MARKS),
    st.sampled_from(BASES),
    st.text(alphabet="0123456789;?<=> !$m", max_size=6),
    st.characters(max_codepoint=0x9F),
    st.text(st.characters(exclude_categories=()), max_size=4),
)
runs = st.builds(lambda piece, times: piece * times, pieces, st.sampled_from([1, 1, 1, 2, 7, 40]))
hostile = st.lists(runs, max_size=12).map("".join)
hostile_bytes = st.one_of(st.binary(max_size=200), hostile.map(lambda text: text.encode("utf-8", "surrogatepass")))
anything = st.one_of(hostile, hostile_bytes)


# --- The judge ------------------------------------------------------------------------------------


class Listener:
    """Stands where a screen would, and remembers what the text made the terminal do."""

    def __init__(self) -> None:
        self.done: set[str] = set()
        self.drawn = ""

    def __getattr__(self, event: str) -> Callable[..., None]:
        def hear(*arguments: object, **_: object) -> None:
            self.done.add(event)
            if event == "draw":
                self.drawn += str(arguments[0])
            elif event == "linefeed":
                self.drawn += "\n"

        return hear


def judge(text: str) -> None:
    """A terminal draws the characters of `text`, feeds lines, and does nothing else."""
    listener = Listener()
    Stream(listener).feed(text)  # type: ignore[arg-type]
    assert listener.done <= {"draw", "linefeed"}
    assert listener.drawn == text
    text.encode()

    # pyte ignores the rest of a text after a zero-width character of combining class 0 (an Indic vowel, a joiner),
    # which no terminal does, so the screen is shown the text without them.
    text = "".join(ch for ch in text if ch == "\n" or wcwidth(ch) > 0 or unicodedata.combining(ch))
    screen = Screen(40, 2 + len(text) + text.count("\n"))
    before = (screen.title, screen.icon_name, screen.mode.copy(), screen.margins, screen.charset, screen.cursor.attrs)
    Stream(screen).feed(text.replace("\n", "\r\n"))
    after = (screen.title, screen.icon_name, screen.mode.copy(), screen.margins, screen.charset, screen.cursor.attrs)
    assert after == before
    rows = [screen.buffer[y] for y in range(screen.lines)]
    cells = "".join(row[x].data for row in rows for x in range(screen.columns))
    assert without_blanks(cells) == without_blanks(text)
    assert screen.cursor.y >= text.count("\n")
    plain = {cell._replace(data="") for row in rows for cell in row.values()}
    assert len(plain) <= 1  # one set of colours


def without_blanks(text: str) -> str:
    """What a person compares: canonically equal, without spaces and line breaks."""
    return unicodedata.normalize("NFD", "".join(text.split()))


# --- Promises -------------------------------------------------------------------------------------


@given(anything)
@example("\x1b]0;title\x07\x9b2J\x1bPq\x9c")
@example("a" + "\u0301" * 50 + "\n" + "\u0301b")
def test_a_terminal_shows_a_cleaned_message_and_does_nothing_else(text: str | bytes) -> None:
    judge(clean_text(text))


@given(anything, st.integers(0, 60))
def test_a_terminal_shows_a_cleaned_line_on_one_line(text: str | bytes, limit: int) -> None:
    line = clean_line(text, limit)
    judge(line)
    assert "\n" not in line
    assert len(line) <= limit
    assert line == line.strip()


@given(anything)
def test_a_terminal_shows_a_cleaned_nick(text: str | bytes) -> None:
    nick = clean_nick(text)
    judge(nick)
    assert len(nick) <= MAX_NICK_CHARS
    assert len(nick.encode()) <= MAX_NICK_BYTES
    assert nick == " ".join(nick.split())


@given(anything, st.integers(64, 200), st.integers(1, 40))
def test_cleaning_twice_is_cleaning_once(text: str | bytes, max_bytes: int, max_chars: int) -> None:
    message, line, nick = clean_text(text, max_bytes), clean_line(text, max_chars), clean_nick(text)
    assert clean_text(message, max_bytes) == message
    assert clean_line(line, max_chars) == line
    assert clean_nick(nick) == nick


@given(anything, st.integers(64, 200))
def test_no_result_is_larger_than_its_limit(text: str | bytes, max_bytes: int) -> None:
    shown = clean_text(text, max_bytes)
    assert len(shown.encode()) <= max_bytes


@given(hostile)
def test_nothing_that_cannot_be_seen_is_left(text: str) -> None:
    marks = 0
    for ch in clean_text(text):
        assert unicodedata.category(ch) not in {"Cs", "Zl", "Zp"}
        assert ch == "\n" or unicodedata.category(ch) != "Cc"
        assert ch not in set(HIDDEN) - {"\u200c", "\u200d", "\ufe0f"}
        marks = marks + 1 if unicodedata.category(ch)[0] == "M" and ch != "\ufe0f" else 0
        assert marks <= MAX_MARKS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello, world! [brackets] {braces} \\backslash /slash",
        "two lines\nand an empty one\n\nbetween",
        "Grüße, naïve façade, Škoda, Żółć, Tiếng Việt",
        "Привет, мир. Γειά σου. Բարեւ. გამარჯობა",
        "שלום עולם, שָׁלוֹם",
        "مرحبا بالعالم، مُحَمَّد",
        "می\u200cخواهم",
        "नमस्ते दुनिया, क्\u200dष, বাংলা র\u200d্য, தமிழ், ශ්\u200dරී",
        "สวัสดีชาวโลก ที่นี่",
        "你好,世界。こんにちは カタカナ 안녕하세요",
        "བོད་སྐད་ བསྒྲུབས",
        "e\u0301 decomposed, \u1112\u1161\u11ab decomposed",
        "😀 👍🏽 🇩🇪 ❤️ ☺️ ✔️ 1️⃣ #️⃣ ⌨️ 🕊️",
        "👩\u200d👩\u200d👧\u200d👦 🏳️\u200d🌈 👩🏽\u200d🚀 🐦\u200d⬛ ⛓️\u200d💥 🙂\u200d↔️",
        "┌─┐│ ▓▒░ ⣿⠀⣿ √∞ ≠ → € № ™ © \u00a0|",
        "[31m is what is left of nothing; 0;title",
    ],
)
def test_ordinary_text_passes_unchanged(text: str) -> None:
    assert clean_text(text) == text
    assert clean_text(text.encode()) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b[Hcleared", "cleared"),
        ("a\x9b31mred\x9b0mb", "aredb"),
        ("\x1b]0;title\x07a\x1b]2;title\x1b\\b\x9d0;title\x9cc", "abc"),
        ("\x1b]8;;https://example.org/\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0;2;0\x1b\\a\x1b_G\x1b\\b\x1b^p\x1b\\c\x1bXs\x1b\\d", "abcd"),
        ("\x1bca\x1b(0b\x1b#8c\x1b7d", "abcd"),
        ("ring\x07\x07, back\x08\x08, \x00nul\x7f", "ring, back, nul"),
        ("a\r\nb\rc\x85d\u2028e\u2029f\x0bg\x0ch", "a\nb\nc\nd\ne\nf\ng\nh"),
        ("user\u202etxt.exe\u2066x\u2069\u200e\u200f\u061c", "usertxt.exex"),
        ("pay\u200bpal\u2060\ufeff\u00ad\u180e", "paypal"),
        ("a\U000e0041\U000e0042\ufe00\U000e0100", "a"),
        ("a\u200db a\ufe0f 😀\ufe0f \u200d\u200c", "ab a 😀 "),
        ("a\u200d👩 👩\u200da a\u200c👩 1\ufe0f2", "a👩 👩a a👩 12"),
        ("a\tb", "a    b"),
        ("z" + "\u0301" * 30, "z" + "\u0301" * MAX_MARKS),
        ("\u0301at the start\n\u0301of a line", "at the start\nof a line"),
        ("half a pair: \ud83d", "half a pair: \ufffd"),
        (b"caf\xc3\xa9 \xff", "café \ufffd"),
    ],
)
def test_what_acts_or_hides_is_taken_out(text: str | bytes, shown: str) -> None:
    assert clean_text(text) == shown


@pytest.mark.parametrize("opening", INTRODUCERS)
def test_a_sequence_without_its_end_does_not_swallow_the_text(opening: str) -> None:
    text = "the rest of a long message, and one more line\n" * 20
    assert clean_text(opening + text).endswith(text[8:])
    assert clean_text(opening + "1;" * 500 + "\n" + text).endswith(text)


def test_a_large_message_is_cut_and_says_how_much() -> None:
    shown = clean_text("x" * 1_000_000)
    kept = len(shown.split(" [… ")[0])
    assert shown == "x" * kept + f" [… {1_000_000 - kept} more bytes not shown]"
    assert MAX_SHOWN_TEXT_BYTES - 100 < len(shown.encode()) <= MAX_SHOWN_TEXT_BYTES
    assert clean_text("x" * MAX_SHOWN_TEXT_BYTES) == "x" * MAX_SHOWN_TEXT_BYTES


def test_a_message_is_cut_between_characters() -> None:
    for size in range(100, 110):
        for text in ("é" * 100, "漢" * 100, "😀" * 100, "x" + "😀" * 100):
            shown, _, notice = clean_text(text.encode(), size).partition(" [… ")
            assert "\ufffd" not in shown
            assert text.startswith(shown)
            assert notice == f"{len(text.encode()) - len(shown.encode())} more bytes not shown]"


def test_a_text_that_grows_in_cleaning_is_cut_as_well() -> None:
    assert len(clean_text(b"\xff" * 60_000).encode()) <= MAX_SHOWN_TEXT_BYTES
    assert len(clean_text("\t" * 60_000)) <= MAX_SHOWN_TEXT_BYTES


def test_a_cut_leaves_no_half_of_a_joined_emoji() -> None:
    for size in range(64, 120):
        shown = clean_text("\t" * 10 + "👩\u200d" * 3 + "👩" + "\t" * 15, size)
        assert "\u200d [" not in shown
        assert clean_text(shown, size) == shown


def test_a_line_break_cannot_forge_a_line() -> None:
    assert clean_line("bob\n[alice]: yes\r\nno", 60) == "bob [alice]: yes no"
    assert clean_line("a long cause that goes on", 10) == "a long ca…"
    assert clean_nick("bob\n[alice") == "bob alice"
    assert indent_lines("one\ntwo\r\nthree\u2028four", "  ") == "one\n  two\n  three\n  four"


@pytest.mark.parametrize("nothing", ["", "   ", "\u200b\u2060", "\u2800\u3164 ", "\x1b[31m", "\u0301\u0301", b"\x00\n"])
def test_a_nick_that_shows_nothing_is_no_nick(nothing: str | bytes) -> None:
    assert clean_nick(nothing) == ""


def test_a_nick_keeps_within_both_limits() -> None:
    assert clean_nick("  Ada   Lovelace ") == "Ada Lovelace"
    assert clean_nick("x" * 100) == "x" * MAX_NICK_CHARS
    assert clean_nick("😀" * 100) == "😀" * (MAX_NICK_BYTES // 4)


@pytest.mark.parametrize(
    "unit",
    [
        "\x1b[",
        "\x1b]",
        "\x9d",
        "\x1bP a",
        "\x9b0;",
        "\x1b[0",
        "\u0301",
        "👩\u200d",
        "\u0627\u200c",
        "\ud800",
        "\t",
        "\n",
        "  \n",
    ],
)
def test_four_mebibytes_of_hostile_text_take_no_time(unit: str) -> None:
    text = unit * (4 * 1024 * 1024 // len(unit.encode("utf-8", "surrogatepass")))
    data = text.encode("utf-8", "surrogatepass")
    start = time.process_time()
    for clean in (clean_text, clean_nick, lambda given: clean_line(given, 64)):
        clean(text)
        clean(data)
    assert time.process_time() - start < 2.0  # six cleanings; quadratic work would take minutes
