"""The full screen of the real program, used as a person would; a terminal emulator is the judge of what is seen."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import pytest

from tests.frontends.programs import Piped
from tests.ui.full_screen import (
    ALT_2,
    CTRL_C,
    CTRL_U,
    END,
    ENTER,
    ESCAPE,
    F2,
    FOCUS_IN,
    FOCUS_OUT,
    PAGE_UP,
    FullScreen,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TIME = r"\[\d\d:\d\d:\d\d\]"


class Pair:
    """Alice at a full screen, and Bob, whose program is driven through pipes."""

    def __init__(self, folder: Path) -> None:
        self.bob = Piped(["--nick", "Bob", "--no-intro"], folder)
        self.alice = FullScreen(folder, "--nick", "Alice", "-c", self.bob.address(), cold=True)
        self.alice.expect("Type your message")
        self.alice.send("typed early" + ENTER)
        self.alice.expect("● 1 peer")
        self.alice.expect("• Bob ")
        self.alice_id8 = self.bob.expect(r"^📡 (?:Peer joined: )?(\w{8}) (?:\(Alice\)|is called Alice)$")[1]

    def heard_by_bob(self, text: str) -> str:
        return f"[Alice({self.alice_id8})]: {text}"

    def bob_hears(self, *lines: str) -> None:
        """Wait until what Bob heard last is a message of these lines."""
        heard = [self.heard_by_bob(lines[0]), *("    " + line for line in lines[1:])]
        self.bob.wait_for(lambda: self.bob.lines[-len(heard) :] == heard, f"{lines}")

    def bob_says(self, *texts: str) -> None:
        """Let Bob say `texts`, and wait until the last of them is seen."""
        self.bob.send("".join(f"{text}\n" for text in texts))
        self.alice.expect(rf" Bob: {re.escape(texts[-1])}")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    pair = Pair(tmp_path_factory.mktemp("pair"))
    yield pair
    pair.alice.clean_up()
    pair.bob.clean_up()


@pytest.fixture
def alice(pair: Pair) -> FullScreen:
    """Alice's screen with an empty input, at the end of the room."""
    pair.alice.send(ESCAPE)
    pair.alice.expect("Alice > Type your message...")
    return pair.alice


def test_what_was_typed_before_it_was_ready_is_sent_when_somebody_is_there(pair: Pair, alice: FullScreen) -> None:
    pair.bob.wait_for(lambda: pair.heard_by_bob("typed early") in pair.bob.lines, "typed early")
    alice.expect(rf"{TIME} Alice \(You\): typed early ✓1 ")


def test_a_conversation(pair: Pair, alice: FullScreen) -> None:
    alice.send("hello bob" + ENTER)
    pair.bob_hears("hello bob")
    alice.expect(rf"{TIME} Alice \(You\): hello bob ✓1 ")
    pair.bob.send("hello yourself\n")
    alice.expect(rf"{TIME} Bob: hello yourself ")
    assert [title for title in ("Room: universal-connectivity", "Peers", "System") if title not in alice.text] == []


def test_a_paste_of_several_lines_is_one_message(pair: Pair, alice: FullScreen) -> None:
    alice.paste("first pasted\nsecond pasted\nquit")
    alice.expect("second pasted")
    alice.send(ENTER)
    pair.bob_hears("first pasted", "second pasted", "quit")
    alice.expect(r"Alice \(You\): first pasted .*\n\W +second pasted .*\n\W +quit ✓1 ")


def test_what_is_typed_and_pasted_goes_into_the_input_wherever_the_focus_is(pair: Pair, alice: FullScreen) -> None:
    alice.send(F2 + "typed ")  # in one go, as over a slow line
    alice.expect(r"^\W+typed")
    alice.send(F2)
    alice.paste("and pasted")
    alice.send(ENTER)
    pair.bob_hears("typed and pasted")


def what_is_read(screen: FullScreen) -> list[str]:
    """Return rows of the room without the scrollbar at their right, and without the lowest, where the mark appears."""
    return [line[:60] for line in screen.display[2:14]]


@pytest.mark.parametrize(("where", "down"), [("", "\x1b"), (F2, END)], ids=["escape", "end"])
def test_what_is_read_stays_while_messages_come(pair: Pair, alice: FullScreen, where: str, down: str) -> None:
    pair.bob_says(*(f"line {number} to leave with {down!r}" for number in range(40)))
    alice.send(where + PAGE_UP)
    alice.wait_gone("line 39 ")
    read = what_is_read(alice)
    pair.bob.send("one more\nand one\nand the last\n")
    alice.expect("3 new ↓")
    assert what_is_read(alice) == read
    alice.send(down)
    alice.expect("Bob: and the last")
    alice.wait_gone("new ↓")


def test_resizing_while_messages_come_loses_nothing(pair: Pair, alice: FullScreen) -> None:
    number = 0
    for size in [(100, 30), (40, 12), (20, 8), (120, 40), (100, 30)]:
        pair.bob.send("".join(f"flow {number + more}\n" for more in range(20)))
        alice.resize(*size)
        number += 20
        alice.expect(rf"flow {number - 1}\b")
        alice.expect("Alice > Type")
        assert max(map(len, alice.display)) <= size[0]


def test_ctrl_c_copies_what_the_mouse_has_selected(pair: Pair, alice: FullScreen) -> None:
    pair.bob_says("take the red pill, Neo")
    alice.drag("red pill", "l, Neo")
    alice.send(CTRL_C)
    alice.expect("Copied 8 characters")
    assert b"\x1b]52;c;" + base64.b64encode(b"red pill") + b"\a" in alice.raw
    alice.send(ESCAPE + "still here" + ENTER)
    pair.bob_hears("still here")


def test_a_click_on_a_peer_opens_its_menu(pair: Pair, alice: FullScreen) -> None:
    alice.click("• Bob")
    alice.expect("Mention in the input")
    alice.send(ENTER)
    alice.wait_gone("Mention in the input")
    alice.send("see you" + ENTER)
    pair.bob_hears("Bob: see you")


def test_a_new_nickname_is_seen_by_both(pair: Pair, alice: FullScreen) -> None:
    alice.send("/nick Captain" + ENTER)
    alice.expect("py-peer · Captain")
    alice.expect("Captain > Type your message...")
    alice.expect("You are called 'Captain'")
    assert alice.titles[-1] == "py-peer · Captain"
    pair.bob.expect(rf"^📡 Alice\({pair.alice_id8}\) is now called Captain$")
    alice.send("aye" + ENTER)
    pair.bob.expect(rf"^\[Captain\({pair.alice_id8}\)\]: aye$")
    pair.bob.send("/nick Robert\n")
    alice.expect(rf"{TIME} Bob is now called Robert")
    pair.bob.send("/nick Bob\n")
    alice.expect(rf"{TIME} Robert is now called Bob ")
    alice.send("/nick Alice" + ENTER)
    pair.bob.expect(rf"^📡 Captain\({pair.alice_id8}\) is now called Alice$")
    alice.titles.clear()


def switch(alice: FullScreen, onoff: str) -> None:
    alice.send(f"/bell {onoff}{ENTER}/notify {onoff}{ENTER}")
    alice.expect(f"The bell is {onoff}")
    alice.expect(f"Desktop notifications are {onoff}")


def test_bell_and_notifications_can_be_switched_off(pair: Pair, alice: FullScreen) -> None:
    switch(alice, "off")
    pair.bob_says("psst, Alice", "nobody is named here")
    assert (alice.bells, alice.notifications) == (0, [])
    switch(alice, "on")


def test_being_named_rings_once_and_is_counted_while_one_looks_elsewhere(pair: Pair, alice: FullScreen) -> None:
    pair.bob_says("Alice, look", "alice? Alice!", "look again, Alice")
    assert (alice.bells, len(alice.notifications)) == (1, 1)
    assert re.fullmatch("py-peer · Bob: .*[Aa]lice.*", alice.notifications[0])
    assert set(alice.titles) <= {"py-peer · Alice", "py-peer · Captain"}
    alice.send(FOCUS_OUT)
    pair.bob_says("where are you, Alice?")  # may be there before the focus is known to be gone
    pair.bob_says("come back, Alice", "nobody is named here")
    alice.wait_for(
        lambda: re.fullmatch(r"\([12]\) py-peer · Alice", alice.titles[-1]) is not None, "a title that counts"
    )
    alice.send(FOCUS_IN)
    alice.wait_for(lambda: alice.titles[-1] == "py-peer · Alice", "none in the title")


def test_a_direct_conversation_has_a_tab_until_it_is_closed(pair: Pair, alice: FullScreen) -> None:
    pair.bob.send("/msg Alice psst\n")
    alice.expect("1 Room  2 Bob ●1")
    alice.send(f"half a text{ALT_2}what is it?{ENTER}")  # in one go, as over a slow line
    alice.expect(r"Direct: Bob")
    alice.expect(rf"{TIME} Alice \(You\): what is it\? ✓ ")
    alice.expect(rf"{TIME} Bob: psst ")
    pair.bob.expect(r"\[DM from Alice\(\w+\)\]: what is it\?$")
    alice.send("/close" + ENTER)
    alice.wait_gone("2 Bob")
    alice.expect(r"^\W+half a text")
    alice.send(CTRL_U)
    alice.expect("Alice > Type your message...")


def test_a_click_at_an_offer_and_enter_fetch_the_file(pair: Pair, alice: FullScreen, tmp_path: Path) -> None:
    offered, fetched = tmp_path / "note.txt", tmp_path / "fetched.txt"
    offered.write_text("hello")
    pair.bob.send(f"/share {offered}\n")
    alice.expect("Bob offers note.txt")
    alice.click("Bob offers note.txt")
    alice.expect(r"^\W+/get \w+")
    alice.send(f" {fetched}{ENTER}")
    alice.expect(r"Fetched note\.txt|Fetched fetched\.txt")
    assert fetched.read_text() == "hello"
