r"""Cleaning of text that came from outside, before a terminal, a log or a file sees it.

Three promises, whatever the input:

1. Printing the result writes its characters and nothing else: no cursor moves but those of "\n", no colours,
   titles, modes, bells or answers, no reordering by bidirectional controls, no character that cannot be seen.
2. A cleaned text is left alone by a second cleaning.
3. The work is bounded: what exceeds the limit is cut off before it is decoded, and the rest takes linear time.

Sequences are those of ECMA-48 in their 7-bit and 8-bit forms. Which characters are invisible follows Unicode's
Default_Ignorable_Code_Point; a joiner or an emoji selector stays only where it changes what is seen.
"""

import re
import unicodedata
from functools import lru_cache

from py_peer.core.limits import MAX_NICK_BYTES, MAX_NICK_CHARS, MAX_SHOWN_PATH_CHARS, MAX_SHOWN_TEXT_BYTES

MAX_MARKS = 4
"""Combining marks on one base character: Hebrew and Tibetan need three or four, more climb over other lines."""

TAB = "    "
"""A tab moves the cursor by a width that only the terminal knows."""

_NOTICE_ROOM = 48
_SMALLEST_LIMIT = 64
_CONTINUATION = range(0x80, 0xC0)
"""The bytes that go on with a character of UTF-8."""

_SEQUENCE = re.compile(
    # CSI with its parameters; a bounded part of them, so that an endless one hides only itself.
    r"(?:\x1b\[|\x9b)[0-?]{0,256}+[ -/]{0,16}+[@-~]?"
    # OSC up to BEL or ST, then DCS, SOS, PM, APC and screen's title (ESC k) up to ST. Without its end only the
    # introducer goes (below) and the body stays as text: nothing after it may vanish. No body holds an ESC or a C1,
    # so no character is scanned twice as a body.
    r"|(?:\x1b\]|\x9d)[^\x07\x18\x1a\x1b\x80-\x9f]*+(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b[PX^_k]|[\x90\x98\x9e\x9f])[^\x18\x1a\x1b\x80-\x9f]*+(?:\x1b\\|\x9c)"
    # ESC with its intermediates and its final character.
    r"|\x1b[ -/]{0,4}+[0-~]"
)
_BREAK = re.compile(r"\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_GONE = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f"  # C0 but the line feed, DEL, C1
    r"\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    r"\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164"  # zero width, bidirectional controls, fillers
    r"\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb"  # selectors but the emoji one, byte order mark
    r"\ufdd0-\ufdef\ufffe\uffff\U0001fffe\U0001ffff\U0010fffe\U0010ffff"  # no characters at all
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"  # format, tags
)
_SETS_OFF = re.compile(
    # The blank Braille pattern is the one letter-like character that shows nothing and is not a space.
    r"[\u2800"
    # Brackets, colons and what looks like them: as in "[Bob(12345678)]: hello".
    r"()\[\]:\u02d0\u02f8\u0589\u05c3\u0703\u0704\u16ec\u1803\u1809\u205a\u207d\u207e\u208d\u208e\u2236\u2768\u2769"
    r"\u2772\u2773\u2985\u2986\u29f4\u2a74\u2e28\u2e29\u3014\u3015\ua4fd\ua789\ufd3e\ufd3f\ufe13\ufe30\ufe35\ufe36\ufe47"
    r"\ufe48\ufe55\ufe59\ufe5a\uff08\uff09\uff1a\uff3b\uff3d\uff5f\uff60]"
)
_SURROGATE = re.compile(r"[\ud800-\udfff]")

_ZWNJ, _ZWJ, _EMOJI_STYLE, _KEYCAP = "\u200c", "\u200d", "\ufe0f", "\u20e3"
_JOINERS = _ZWNJ + _ZWJ + _EMOJI_STYLE
_PICTURE = re.compile(
    r"[\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    r"\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_JOINING_SCRIPT = re.compile(
    r"[\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af\ua840-\ua87f\ua8e0-\ua8ff\ufb50-\ufdff\ufe70-\ufefc"
    r"\U00011000-\U000114ff]"
)
_VIRAMA_CLASS = 9
_FIRST_ODD = "\u0300"
"""Below it there are neither marks nor joiners."""


def clean_text(text: str | bytes, max_bytes: int = MAX_SHOWN_TEXT_BYTES) -> str:
    r"""Return a message that may be printed as it is; its line breaks (all as "\n") are kept.

    Bytes are read as UTF-8, what is not UTF-8 shows as U+FFFD. The result has at most `max_bytes` bytes (64 at
    least); where something was cut, it ends in "[… N more bytes not shown]".
    """
    if isinstance(text, str) and text.isascii() and text.isprintable() and len(text) <= max_bytes:
        return text
    max_bytes = max(max_bytes, _SMALLEST_LIMIT)
    head, hidden = _head(text, max_bytes)
    shown = _settle(_strip(head))
    room = max_bytes - _NOTICE_ROOM if hidden else max_bytes
    if _size(shown) > room:
        whole = _size(shown)
        shown = _cut(shown, max_bytes - _NOTICE_ROOM)
        hidden += whole - _size(shown)
    if hidden:
        shown = shown.rstrip(_JOINERS)
        return f"{shown} [… {hidden} more bytes not shown]" if shown else f"[… {hidden} more bytes not shown]"
    return shown


def is_blank(text: str) -> bool:
    """Return whether nothing of a message can be seen: who gets it would see an empty one."""
    return not clean_text(text).strip()


def clean_line(text: str | bytes, max_chars: int) -> str:
    """Return one line of at most `max_chars` characters, without spaces at its ends; "…" ends what was cut.

    A line break becomes a space, so that nothing behind it can pass for a line of its own.
    """
    # Escape sequences and marks may take many bytes for a character; what lies far beyond the limit is not looked at.
    head, _ = _head(text, max(16 * max_chars + 1024, _SMALLEST_LIMIT))
    parts = (part.strip() for part in _strip(head).split("\n"))
    line = _settle(_from_first_base(" ".join(part for part in parts if part))).strip()
    if len(line) <= max_chars:
        return line
    return line[: max_chars - 1].rstrip(_JOINERS).rstrip() + "…" if max_chars > 0 else ""


def clean_path(path: object) -> str:
    """Return a path as it is told to people: one line that leaves room for what is said of it."""
    return clean_line(str(path), MAX_SHOWN_PATH_CHARS)


def clean_nick(text: str | bytes) -> str:
    """Return a nickname: one line of 1 to MAX_NICK_CHARS characters and at most MAX_NICK_BYTES bytes, spaces folded.

    It has none of the brackets and colons that set a name off from what stands beside it. Returns "" if nothing that
    can be seen is left.
    """
    head, _ = _head(text, 16 * MAX_NICK_BYTES)
    nick = " ".join(_SETS_OFF.sub(" ", _strip(head)).split())
    nick = " ".join(_settle(_from_first_base(nick)).split())
    return _cut(nick[:MAX_NICK_CHARS], MAX_NICK_BYTES).rstrip(_JOINERS).rstrip()


def indent_lines(text: str, prefix: str) -> str:
    """Put `prefix` before every line of `text` but the first, so that none can pass for a line of the program."""
    return _BREAK.sub("\n", text).replace("\n", "\n" + prefix)


def _head(text: str | bytes, max_bytes: int) -> tuple[str, int]:
    """Return what of `text` is looked at, and how many bytes of it (as UTF-8) are not: none up to `max_bytes`."""
    if isinstance(text, str):
        if len(text) * 4 <= max_bytes:
            return text, 0
        text = text.encode("utf-8", "surrogatepass")
    if len(text) <= max_bytes:
        return text.decode("utf-8", "replace"), 0
    end = max_bytes - _NOTICE_ROOM
    while end > max_bytes - _NOTICE_ROOM - 3 and text[end] in _CONTINUATION:
        end -= 1  # a character is not cut in two
    return text[:end].decode("utf-8", "replace"), len(text) - end


def _strip(text: str) -> str:
    """Take out what can be judged by itself: sequences, controls, invisible characters."""
    text = _SEQUENCE.sub("", text)
    text = _BREAK.sub("\n", text).replace("\t", TAB)
    return _SURROGATE.sub("\ufffd", _GONE.sub("", text))


def _settle(text: str) -> str:
    """Take out what must be judged by its neighbours: marks too many or on nothing, joiners that join nothing."""
    if text.isascii() or not any(ch >= _FIRST_ODD and _is_odd(ch) for ch in set(text)):
        return text
    kept: list[str] = []
    base, previous, marks = "", "", 0
    for index, ch in enumerate(text):
        if ch < _FIRST_ODD or not _is_odd(ch):
            base, marks = ("" if ch == "\n" else ch), 0
        else:
            following = text[index + 1 : index + 2]
            if ch == _EMOJI_STYLE:
                keep = previous == base != "" and _takes_emoji_style(base, following)
            elif ch in _JOINERS:
                keep = _joins(ch, previous, marks, following)
            else:
                # A mark that stands on nothing would land on whatever was printed before it.
                keep = base != "" and marks < MAX_MARKS
                marks += keep
            if not keep:
                continue
        kept.append(ch)
        previous = ch
    return "".join(kept)


@lru_cache(maxsize=4096)
def _is_odd(ch: str) -> bool:
    return ch in _JOINERS or _is_mark(ch)


def _is_mark(ch: str) -> bool:
    # Vowels and finals of decomposed Hangul are letters, but take no room of their own, as marks do.
    return unicodedata.category(ch)[0] == "M" or "\u1160" <= ch <= "\u11ff" or "\ud7b0" <= ch <= "\ud7ff"


def _takes_emoji_style(base: str, following: str) -> bool:
    if following == _KEYCAP and base in "0123456789#*":
        return True
    # A wide picture is an emoji already.
    return _PICTURE.match(base) is not None and unicodedata.east_asian_width(base) != "W"


def _joins(joiner: str, previous: str, marks: int, following: str) -> bool:
    """Whether a joiner after `previous` (kept already) and before `following` (not yet judged) changes the picture."""
    if joiner == _ZWJ and _PICTURE.match(following):
        return previous == _EMOJI_STYLE or _PICTURE.match(previous) is not None
    if not _JOINING_SCRIPT.match(previous):
        return False
    if unicodedata.combining(previous) == _VIRAMA_CLASS:
        return True
    if not _JOINING_SCRIPT.match(following):
        return False
    return marks < MAX_MARKS or not _is_mark(following)  # what follows must be sure to stay


def _from_first_base(line: str) -> str:
    """Drop spaces, marks and joiners until something that stands by itself."""
    for index, ch in enumerate(line):
        if not ch.isspace() and not _is_odd(ch):
            return line[index:]
    return ""


def _cut(text: str, max_bytes: int) -> str:
    if _size(text) <= max_bytes:
        return text
    return text.encode()[:max_bytes].decode("utf-8", "ignore")


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
