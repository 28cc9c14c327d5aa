"""What a typed line means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.cleaning import is_blank
from py_peer.core.commands import COMMANDS, commands_line, completions, help_lines, markdown_table
from py_peer.core.typed_lines import Command, Misused, Nothing, Say, Unknown, parse_line

KNOWN = [word for entry in COMMANDS for word in (entry.name, *entry.aliases)]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("/quit", "quit"),
        ("/exit", "quit"),
        ("/q", "quit"),
        ("/QUIT", "quit"),
        ("/peers", "peers"),
        ("/Status", "status"),
        ("  /multiaddr \n", "multiaddr"),
        ("/help", "help"),
    ],
)
def test_a_command_is_known_by_name_and_alias_in_any_case(line: str, name: str) -> None:
    for bare_quit in (True, False):
        assert parse_line(line, bare_quit=bare_quit) == Command(name)


@pytest.mark.parametrize("word", ["quit", "exit", "q", "QUIT", " Exit ", "q\n"])
def test_a_bare_quit_leaves_only_where_it_counts(word: str) -> None:
    assert parse_line(word, bare_quit=True) == Command("quit")
    assert parse_line(word, bare_quit=False) == Say(word.rstrip("\n"))


def test_only_a_bare_quit_alone_leaves() -> None:
    for text in ("quit it", "q?", "I quit", "quit\nthen", "peers"):
        assert parse_line(text, bare_quit=True) == Say(text)


def test_what_follows_a_command_is_its_argument() -> None:
    assert parse_line("/help  Peers and more ", bare_quit=True) == Command("help", "Peers and more")
    assert parse_line("/QUIT\tnow", bare_quit=True) == Command("quit", "now")


@pytest.mark.parametrize(
    ("line", "name", "argument"),
    [
        ("/last", "last", ""),
        ("/LAST 5", "last", "5"),
        ("/find two words", "find", "two words"),
        ("/whois Ann", "whois", "Ann"),
        ("/bell ON", "bell", "ON"),
        ("/notify off", "notify", "off"),
    ],
)
def test_a_command_takes_its_argument(line: str, name: str, argument: str) -> None:
    assert parse_line(line, bare_quit=True) == Command(name, argument)


KNOWN_NAMES = {
    "peer": {"Al": ["1"], "Ann Lee": ["2"], "Ann": ["3"], "Zoe": ["4"], "Zoe Lee": ["4"], "Bo Lee": ["5", "6"]},
    "file": {"my photo.jpg": ["k3xab"], "k3xab": ["k3xab"]},
}


def meant(key: str, words: str) -> list[str]:
    return KNOWN_NAMES[key].get(words, [])


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/msg Bob hello there", Command("msg", "Bob", ("hello there",))),
        ("/msg Al Ice hello", Command("msg", "Al", ("Ice hello",))),
        ("/msg  @Bob   two  spaces ", Command("msg", "@Bob", ("two  spaces",))),
        ('/msg "Al Ice" hello', Command("msg", "Al Ice", ("hello",))),
        ("/msg 'Al Ice' \"hello\"", Command("msg", "Al Ice", ('"hello"',))),
        ("/msg 'Ann Lee' hi", Command("msg", "Ann Lee", ("hi",))),
        ("/msg Zoe Lee hi", Command("msg", "Zoe Lee", ("hi",))),
        ("/msg Bo Lee hi", Command("msg", "Bo Lee", ("hi",))),
        ("/msg Bob\nfirst\n  second", Command("msg", "Bob", ("first\n  second",))),
        ("/msg Bob first\nsecond\n", Command("msg", "Bob", ("first\nsecond",))),
        ("/get k3xab", Command("get", "k3xab")),
        ("/get my photo.jpg", Command("get", "my photo.jpg")),
        ("/get my photo.jpg ~/my pictures/", Command("get", "my photo.jpg", ("~/my pictures/",))),
        ("/get my house.jpg", Command("get", "my", ("house.jpg",))),
        ('/get "my house.jpg" "~/new one"', Command("get", "my house.jpg", ("~/new one",))),
        ("/get it's here", Command("get", "it's", ("here",))),
        ('/share "~/my photo.jpg"', Command("share", "~/my photo.jpg")),
        ("/share ~/my photo.jpg", Command("share", "~/my photo.jpg")),
        ("/share 'one' and 'two'", Command("share", "'one' and 'two'")),
        ("/unshare 'my photo.jpg'", Command("unshare", "my photo.jpg")),
        ("/cancel 3", Command("cancel", "3")),
        ("/kv put colour dark  blue ", Command("kv put", "colour", ("dark  blue",))),
        ("/KV  Put colour blue", Command("kv put", "colour", ("blue",))),
        ("/kv put 'my colour' \"blue\"", Command("kv put", "my colour", ('"blue"',))),
        ("/kv put Ann Lee", Command("kv put", "Ann", ("Lee",))),
        ("/kv get colour", Command("kv get", "colour")),
        ('/kv get "my colour"', Command("kv get", "my colour")),
        ("/kv providers it's", Command("kv providers", "it's")),
    ],
)
def test_of_two_arguments_the_first_is_a_word_or_what_is_known_or_stands_in_quotes(line: str, command: Command) -> None:
    assert parse_line(line, bare_quit=True, meant=meant) == command


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("/msg", "say which peer: its nickname, or the beginning or end of its ID"),
        ("/msg Bob", "say what to write"),
        ("/msg Bob \u200b", "there is no text that can be seen"),
        ("/msg 'Ann Lee'", "say what to write"),
        ('/msg "Al Ice', 'the quote is not closed; put " behind the name, then a space'),
        ("/msg 'Al Ice hello", "the quote is not closed; put ' behind the name, then a space"),
        ('/msg "Al Ice"hello', 'the quote is not closed; put " behind the name, then a space'),
        ('/get "my photo.jpg', 'the quote is not closed; put " behind the name, then a space'),
        ("/get", "say which file: its ID, the beginning of it, or its name; /files lists them"),
        ("/share ", "say where the file is, like ~/photo.jpg"),
        ("/cancel", "say which transfer: its number, or its file; /files lists them"),
        ("/strangers perhaps", "'perhaps' is neither"),
        ("/kv", "say which"),
        ("/kv pur colour blue", "'pur' is none of them"),
        ("/kv put", "say which key"),
        ("/kv put colour", "say which value"),
        ('/kv put "colour blue', 'the quote is not closed; put " behind the name, then a space'),
        ("/kv get", "say which key"),
        ("/kv get my colour", "a key with spaces stands in quotes"),
    ],
)
def test_what_is_missing_of_two_arguments_is_told(line: str, reason: str) -> None:
    misused = parse_line(line, bare_quit=True, meant=meant)
    assert isinstance(misused, Misused)
    assert misused.reason == reason


def test_a_nickname_that_begins_like_another_gets_nobodys_messages() -> None:
    """Who is called "Ann hello" must not get what is meant for Ann."""
    misused = parse_line("/msg Ann Lee told me", bare_quit=True, meant=meant)
    assert isinstance(misused, Misused)
    assert misused.reason == "'Ann' and 'Ann Lee' may be meant; put the one you mean in quotes"


def test_a_name_that_begins_with_a_quote_is_no_quote_that_is_open() -> None:
    line = "/msg 'tis me hello"
    assert parse_line(line, bare_quit=True, meant=lambda _, words: ["1"] * (words == "'tis me")) == Command(
        "msg", "'tis me", ("hello",)
    )


@pytest.mark.parametrize(
    ("line", "alone"),
    [
        ("/msg Bob", "Bob"),
        ('/msg "Al Ice"', "Al Ice"),
        ("/msg", ""),
        ("/kv put Ann", ""),
        ("/msg Ann Lee told me", ""),
        ("/msg Bob \u200b", ""),
    ],
)
def test_it_is_told_where_nothing_but_a_name_was_typed(line: str, alone: str) -> None:
    misused = parse_line(line, bare_quit=True, meant=meant)
    assert isinstance(misused, Misused)
    assert misused.alone == alone


@pytest.mark.parametrize("text", ["x" * 60_000, "x " * 30_000, "' " * 30_000, "'" * 60_000, "'x' " * 15_000])
def test_the_longest_message_to_one_peer_takes_no_time(text: str) -> None:
    asked: list[str] = []

    def noted(_key: str, words: str) -> list[str]:
        asked.append(words)
        return []

    parse_line(f"/msg {text}", bare_quit=True, meant=noted)
    assert len(asked) <= 21


@pytest.mark.parametrize(
    ("line", "report"),
    [
        ("/last x", "/last [N]: 'x' is not a number of messages"),
        ("/last 0", "/last [N]: '0' is not a number of messages"),
        ("/last -3", "/last [N]: '-3' is not a number of messages"),
        ("/last ²", "/last [N]: '²' is not a number of messages"),
        ("/find", "/find TEXT: say what to look for"),
        ("/whois ", "/whois PEER: say which peer: its nickname, or the beginning or end of its ID"),
        ("/bell", "/bell on|off: say which"),
        ("/KV", "/kv put|forget|get|provide|providers: say which"),
        ("/kv providers", "/kv providers KEY: say which key"),
        ("/notify maybe\x1b[2J", "/notify on|off: 'maybe' is neither"),
    ],
)
def test_an_argument_that_is_missing_or_wrong_is_told_and_nothing_is_done(line: str, report: str) -> None:
    misused = parse_line(line, bare_quit=True)
    assert isinstance(misused, Misused)
    assert misused.report() == report
    assert misused.text == line


def test_a_hostile_argument_is_told_clean_and_short() -> None:
    misused = parse_line("/last " + "9\x1b" * 100_000, bare_quit=True)
    assert isinstance(misused, Misused)
    assert misused.report().isprintable()
    assert len(misused.report()) < 120


def test_the_table_says_what_is_for_the_full_screen_only() -> None:
    remarked = [line for line in help_lines() if "only with --ui" in line]
    assert [line.split()[0] for line in remarked] == [f"/{entry.name}" for entry in COMMANDS if entry.full_screen]
    assert "| `/bell on\\|off` | " in markdown_table()


def test_an_unknown_word_is_reported_with_the_nearest_command() -> None:
    for line, word, nearest in (
        ("/pears", "/pears", "/peers"),
        ("/stat now", "/stat", "/status"),
        ("/qiut", "/qiut", "/quit"),
        ("/kw get x", "/kw", "/kv"),
        ("/ exit", "/", ""),
        ("/", "/", ""),
        ("/zzzzzz", "/zzzzzz", ""),
        ("/P", "/P", "/peers"),
    ):
        unknown = parse_line(line, bare_quit=True)
        assert unknown == Unknown(word, nearest, line)
        assert unknown.report().startswith(f"Unknown command: {word} ")
        assert (nearest or "/help") in unknown.report()


def test_two_slashes_send_one() -> None:
    assert parse_line("//etc/hosts is a file", bare_quit=True) == Say("/etc/hosts is a file")
    assert parse_line("//quit", bare_quit=True) == Say("/quit")
    assert parse_line("///", bare_quit=True) == Say("//")
    assert parse_line("//one\ntwo", bare_quit=True) == Say("/one\ntwo")


@pytest.mark.parametrize("blank", ["", " ", "\n", "\t \r\n", "\u3000", "\x00\x1b", "\x1b[0m", " \u200b\ufeff\n"])
def test_a_blank_line_is_nothing(blank: str) -> None:
    assert parse_line(blank, bare_quit=True) == Nothing()


def test_a_message_keeps_its_indentation_and_its_line_breaks() -> None:
    assert parse_line("  two\n    four\n\nend\n", bare_quit=True) == Say("  two\n    four\n\nend")


@pytest.mark.parametrize("text", ["/etc/hosts says\nx", "/quit\nis how one leaves", "/peers\n/status", "/kv\nput k v"])
def test_several_lines_that_begin_with_a_slash_are_neither_sent_nor_done_nor_lost(text: str) -> None:
    unknown = parse_line(text, bare_quit=True)
    assert isinstance(unknown, Unknown)
    assert unknown.text == text
    assert unknown.word in unknown.report()
    assert "\n" not in unknown.report()


@pytest.mark.parametrize("text", ["/quit\nis how one leaves", "/kv put colour blue\nand red"])
def test_a_known_command_with_more_lines_is_not_called_unknown(text: str) -> None:
    unknown = parse_line(text, bare_quit=True)
    assert isinstance(unknown, Unknown)
    assert not unknown.report().startswith("Unknown command")


def test_the_report_of_a_hostile_word_is_clean_and_short() -> None:
    unknown = parse_line("/\x1b[2J" + "x" * 100_000, bare_quit=True)
    assert isinstance(unknown, Unknown)
    assert "\x1b" not in unknown.report()
    assert len(unknown.report()) < 120


@given(st.text() | st.text(alphabet="/quitexs \n"), st.booleans())
def test_nothing_that_begins_with_one_slash_is_sent_and_nothing_else_is_lost(line: str, bare_quit: bool) -> None:
    match parse_line(line, bare_quit=bare_quit):
        case Say(text=text):
            typed = line.strip()
            assert typed.startswith("//") or not typed.startswith("/")
            assert text.strip() == typed[1:].strip() if typed.startswith("//") else text == line.rstrip("\r\n")
        case Command(name=name):
            assert name in KNOWN
            assert len(line.strip().splitlines()) == 1 or name == "msg"
        case Unknown(text=text) | Misused(text=text):
            assert line.strip().startswith("/")
            assert text == line
        case Nothing():
            assert is_blank(line)


@given(st.text(alphabet="kv '\"/\u00e4", min_size=1), st.text(alphabet="kv '\"/\u00e4", min_size=1))
def test_a_key_in_quotes_and_its_value_are_what_was_typed(key: str, value: str) -> None:
    quote = '"' if "'" in key else "'"
    line = parse_line(f"/kv  put {quote}{key}{quote}\t {value}", bare_quit=True)
    if value.strip() and quote not in key:
        assert line == Command("kv put", key, (value.strip(),))
    else:
        assert isinstance(line, Command | Misused)


def test_tab_completes_commands() -> None:
    assert completions("/") == list(dict.fromkeys(f"/{entry.name.split()[0]}" for entry in COMMANDS))
    assert completions("/PE") == ["/peers"]
    assert completions("/ex") == ["/exit"]
    assert completions("/nothing") == []
    assert completions("//") == []
    assert completions("") == []
    assert completions("pe") == []


@pytest.mark.parametrize("word", KNOWN)
def test_every_command_is_in_the_help_and_in_the_readme_table(word: str) -> None:
    assert any(f"/{word} " in line.replace(",", " ").replace(")", " ") + " " for line in help_lines())
    assert f"`/{word}`" in markdown_table() or f"`/{word} " in markdown_table()
    assert isinstance(parse_line(f"/{word}", bare_quit=False), Command | Misused)


def test_the_banner_names_every_command() -> None:
    assert commands_line().startswith("Commands: /peers, /status, /multiaddr, ")
    names = commands_line(full_screen=True).removeprefix("Commands: ").split(", ")
    assert names == list(dict.fromkeys(f"/{row.name.split()[0]}" for row in COMMANDS))
    assert "/bell" not in commands_line()
