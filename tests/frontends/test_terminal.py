"""The chat on a terminal, typed at as a person would; a terminal emulator is the judge of what is seen."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.frontends.programs import BUSY_SECONDS, DEADLINE, LEAVING_SECONDS, Piped, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ENTER, ALT_ENTER, CTRL_A, CTRL_C, CTRL_D, CTRL_K, TAB, UP = (
    "\r",
    "\x1b\r",
    "\x01",
    "\x03",
    "\x04",
    "\x0b",
    "\t",
    "\x1b[A",
)
CLEAR = CTRL_A + CTRL_K


class Pair:
    """Ann at a terminal, and Bob, whose program is driven through pipes."""

    def __init__(self, folder: Path) -> None:
        self.bob = Piped(["--nick", "Bob", "--no-intro"], folder)
        self.ann = Terminal(["--nick", "Ann", "--no-intro", "-c", self.bob.address()], folder, {})
        self.bob.expect(r"^📡 .*(\(Ann\)|is called Ann)$")
        self.ann.expect(r"^📡 .*(\(Bob\)|is called Bob)$")
        self.bob_id8 = self.bob.address()[-8:]
        self.ann_id8 = self.ann.address()[-8:]

    def heard_by_bob(self, text: str) -> str:
        return f"[Ann({self.ann_id8})]: {text}"

    def heard_by_ann(self, text: str) -> str:
        return f"[Bob({self.bob_id8})]: {text}"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    pair = Pair(tmp_path_factory.mktemp("pair"))
    yield pair
    pair.ann.clean_up()
    pair.bob.clean_up()


@pytest.fixture
def ann(pair: Pair) -> Terminal:
    """Ann's terminal with an empty prompt."""
    pair.ann.send(CLEAR)
    pair.ann.expect_prompt()
    return pair.ann


def last_lines(program: Terminal, count: int) -> list[str]:
    """Return the last lines above the prompt."""
    return program.display[-count - 1 : -1]


def test_what_is_typed_appears_there_and_what_is_said_there_appears_here(pair: Pair, ann: Terminal) -> None:
    ann.send("hello bob" + ENTER)
    pair.bob.wait_for(lambda: pair.heard_by_bob("hello bob") in pair.bob.lines, "hello bob")
    pair.bob.send("hello ann\n")
    ann.wait_for(
        lambda: last_lines(ann, 3) == ["> hello bob", "✓ Message sent to 1 peer(s)", pair.heard_by_ann("hello ann")],
        "a conversation",
    )
    ann.expect_prompt()


def test_a_line_half_typed_stays_whole_while_others_arrive(pair: Pair, ann: Terminal) -> None:
    ann.send("half a sen")
    ann.expect_prompt("half a sen")
    pair.bob.send("".join(f"interruption {number}\n" for number in range(30)))
    for ch in "tence, typed on":
        ann.send(ch)
    ann.expect(r"interruption 29$")
    ann.expect_prompt("half a sentence, typed on")
    shown = [line for line in ann.text.splitlines() if "interruption" in line]
    assert shown == [pair.heard_by_ann(f"interruption {number}") for number in range(30)]
    ann.send(ENTER)
    pair.bob.wait_for(lambda: pair.heard_by_bob("half a sentence, typed on") in pair.bob.lines, "the whole sentence")


def test_a_paste_of_several_lines_is_one_message(pair: Pair, ann: Terminal) -> None:
    ann.paste("first pasted\n  second pasted\nGoodbye!")
    ann.wait_for(lambda: ann.display[-3:] == ["> first pasted", "    second pasted", "  Goodbye!"], "the paste")
    ann.send(ENTER)
    whole = [pair.heard_by_bob("first pasted"), "      second pasted", "    Goodbye!"]
    pair.bob.wait_for(lambda: pair.bob.lines[-3:] == whole, "one message of three lines")


def test_alt_enter_breaks_the_line(pair: Pair, ann: Terminal) -> None:
    ann.send("above" + ALT_ENTER + "below" + ENTER)
    pair.bob.wait_for(lambda: pair.bob.lines[-2:] == [pair.heard_by_bob("above"), "    below"], "two lines")


def test_an_unknown_command_is_reported_and_never_sent(pair: Pair, ann: Terminal) -> None:
    ann.send("/perrs" + ENTER)
    ann.expect(r"^Unknown command: /perrs \(did you mean /peers\?\)$")
    ann.send("//perrs" + ENTER)
    pair.bob.wait_for(lambda: pair.heard_by_bob("/perrs") in pair.bob.lines, "the text with one slash")
    assert pair.bob.text.count("perrs") == 1


def test_commands_are_answered(pair: Pair, ann: Terminal) -> None:
    ann.send("/peers" + ENTER)
    ann.expect(rf"^📡 Connected peers \(1\):\n  - {pair.bob_id8}\.\.\.")
    ann.send("/STATUS" + ENTER)
    ann.expect(r"^📊 Status:\n  - Multiaddr: /ip4/")
    ann.expect(r"^  - Nickname: Ann\n  - Connected peers: 1\n  - Subscribed topics: chat, discovery$")
    ann.send("/multiaddr" + ENTER)
    ann.expect(r"^📋 Copy this multiaddress:\n/ip4/\S+/tcp/\d+/p2p/12D3KooW\w+$")
    ann.expect_prompt()


def test_tab_completes_a_command_and_shows_what_it_could_be(ann: Terminal) -> None:
    ann.send("/mu" + TAB)
    ann.expect_prompt("/multiaddr")
    ann.send(CLEAR + "/" + TAB + TAB)
    ann.expect(r"^/peers +/\w+ +.*\n/status +/\w+ ")
    ann.expect_prompt("/")


def test_tab_completes_a_peer_that_is_there(pair: Pair, ann: Terminal) -> None:
    ann.send(pair.bob_id8[:6].swapcase() + TAB)
    ann.expect_prompt(f"{pair.bob_id8}:")  # and a space, which cannot be seen
    ann.send(CLEAR + "/who" + TAB + "12D3" + TAB)
    ann.expect_prompt(f"/whois {pair.bob.address().rpartition('/')[2]}")


def test_a_screen_is_cleared_and_what_was_said_shown_again(pair: Pair, ann: Terminal) -> None:
    ann.send("remember this" + ENTER)
    ann.expect(r"^> remember this\n✓ Message sent")
    ann.send("/clear" + ENTER)
    ann.wait_for(lambda: ann.display == [">"], "an empty screen")
    ann.send("/last 1" + ENTER)
    ann.expect(r"^\[\d\d:\d\d:\d\d\] Ann \(You\): remember this$")
    ann.expect_prompt()


def test_up_brings_back_what_was_typed(pair: Pair, ann: Terminal) -> None:
    ann.send("once more" + ENTER)
    pair.bob.wait_for(lambda: pair.heard_by_bob("once more") in pair.bob.lines, "once more")
    ann.expect_prompt()
    ann.send(UP)
    ann.expect_prompt("once more")
    ann.send(UP + UP)  # to before it, and never past the first
    ann.send(CLEAR + CLEAR)
    ann.expect_prompt()


def test_nothing_is_sent_for_an_empty_line(pair: Pair, ann: Terminal) -> None:
    before = len(pair.bob.lines)
    ann.send(ENTER + "   " + ENTER + CLEAR + "after nothing" + ENTER)
    pair.bob.wait_for(lambda: pair.heard_by_bob("after nothing") in pair.bob.lines, "after nothing")
    assert pair.bob.lines[before:] == [pair.heard_by_bob("after nothing")]


def test_a_command_that_lacks_something_stays_in_the_input_with_the_reason(pair: Pair, ann: Terminal) -> None:
    ann.send("/msg Bob" + ENTER)
    ann.expect(r"/msg PEER TEXT: say what to write")
    ann.expect("^> /msg Bob$")
    ann.send(" psst" + ENTER)
    pair.bob.wait_for(lambda: pair.bob.lines[-1].endswith("]: psst"), "the message")


def test_a_long_reason_is_shown_whole_as_its_end_says_what_to_do(ann: Terminal) -> None:
    ann.resize(45, 24)
    ann.send("/connect /ip4/192.0.2.7/udp/4001/quic" + ENTER)
    ann.expect("dials /udp/PORT/quic-v1 alone: take the peer's /tcp address$".replace(" ", r"\s+"))
    ann.expect("^> /connect /ip4/192.0.2.7/udp/4001/quic$")
    ann.resize(100, 40)
    ann.send(CLEAR)
    ann.expect_prompt()


def test_a_text_over_the_limit_is_refused_and_stays_in_the_input(pair: Pair, ann: Terminal) -> None:
    ann.paste("\n".join(["wide " * 200] * 61))
    ann.send("the end")
    ann.expect("the end$")
    ann.send(ENTER)
    ann.expect(r"Not sent: it has 61,\d\d\d bytes, and a message may have 60,000")
    assert "the end" in ann.text
    ann.send(CTRL_C)
    assert ann.leave() == 0
    assert "wide" not in pair.bob.text


@pytest.mark.parametrize(
    "way",
    [
        "quit" + ENTER,
        CTRL_C,
        CTRL_D,
        "half a li" + CTRL_C,
        signal.SIGTERM,
        signal.SIGHUP,
    ],
    ids=["quit", "ctrl-c", "ctrl-d", "ctrl-c in a line", "SIGTERM", "SIGHUP"],
)
def test_every_way_out_gives_the_terminal_back(terminal: Callable[..., Terminal], way: str | signal.Signals) -> None:
    program = terminal()
    program.expect("^📡 Joined")
    program.expect_prompt()
    assert program.modes != program.modes_before
    if isinstance(way, str):
        program.send(way)
    else:
        program.signal(way)
    assert program.leave() == 0
    assert program.display[-1] == "Goodbye!"
    assert program.modes == program.modes_before
    assert program.raw.rfind(b"\x1b[?2004l") > program.raw.rfind(b"\x1b[?2004h")  # bracketed paste is off again
    assert "Traceback" not in program.text


def test_ctrl_c_while_it_starts_leaves(terminal: Callable[..., Terminal]) -> None:
    program = terminal()
    program.expect("^Starting Universal Connectivity Application...$")
    program.send(CTRL_C)
    assert program.leave() == 0
    assert program.display[-1] == "Goodbye!"
    assert program.modes == program.modes_before


def test_what_is_typed_before_it_is_ready_waits_and_what_is_left_is_counted(
    terminal: Callable[..., Terminal],
) -> None:
    program = terminal()
    program.expect("^Starting")
    program.send("too early" + ENTER + "/status" + ENTER)
    program.expect(r"^⚠  No peers connected - 1 message\(s\) will be sent when one comes$")
    program.expect(r"^  - Multiaddr: /ip4/")
    program.send("/quit" + ENTER)
    assert program.leave() == 5
    assert program.display[-2:] == ["⚠  Not sent: 1 message(s) - nobody was there", "Goodbye!"]


def test_a_closed_window_ends_it(terminal: Callable[..., Terminal]) -> None:
    program = terminal()
    program.expect("^📡 Joined")
    program.expect_prompt()
    program.hang_up()
    assert program.process.wait(LEAVING_SECONDS + BUSY_SECONDS) == 0


def test_log_lines_do_not_tear_the_line_being_typed(terminal: Callable[..., Terminal]) -> None:
    program = terminal("--verbose")
    program.expect("DEBUG libp2p")
    program.send("half a sentence")
    program.expect("^📡 Joined")
    program.expect_prompt("half a sentence")
    # A log line takes the prompt away for a moment: what counts is what is there once both are written.
    program.wait_for(lambda: program.text.count("half a sent") == 1, "what was typed, once")
    program.send(CTRL_C)
    assert program.leave() == 0


def test_a_narrow_window_wraps_and_stays_in_order(terminal: Callable[..., Terminal]) -> None:
    program = terminal(columns=30)
    program.expect("^📡 Joined")
    program.send("a sentence that is wider than the window it is typed in")
    program.wait_for(
        lambda: program.display[-2:] == ["> a sentence that is wider tha", "  n the window it is typed in"], "wrapped"
    )
    program.send(CTRL_C)
    assert program.leave() == 0


def test_in_a_narrow_window_help_is_broken_between_words(terminal: Callable[..., Terminal]) -> None:
    program = terminal(columns=45)
    program.expect("^📡 Joined")
    program.send("/help\r")
    program.expect("^/status               show the multiaddress,$")
    program.expect("^    the nickname, the number of peers and the$")
    program.send(CTRL_C)
    assert program.leave() == 0


@pytest.mark.parametrize("kind", ["dumb", ""])
def test_a_terminal_that_cannot_edit_gets_plain_lines(terminal: Callable[..., Terminal], kind: str) -> None:
    program = terminal(TERM=kind)
    program.expect("^📡 Joined")
    program.send("/nonsense\r")
    program.expect("^Unknown command: /nonsense")
    assert b"\x1b" not in program.raw
    program.send("quit\r")
    assert program.leave() == 0
    assert program.display[-1] == "Goodbye!"


def test_input_that_is_not_utf8_is_no_fault(terminal: Callable[..., Terminal]) -> None:
    program = terminal()
    program.expect("^📡 Joined")
    program.send(b"caf\xe9 \xff\xfe" + ENTER.encode())
    program.expect(r"^⚠  No peers connected - 1 message\(s\)", DEADLINE)
    program.send(CTRL_D)
    assert program.leave() == 5
