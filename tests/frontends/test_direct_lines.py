"""Direct messages are told so that none is taken for one of the room, or for a line of the program."""

from __future__ import annotations

import pytest
from wcwidth import wcswidth

from py_peer.core.addresses import short_id
from py_peer.core.cleaning import clean_nick
from py_peer.core.direct_events import DirectReceived, DirectRefused, DirectSent, DirectWaiting
from py_peer.core.events import Event, MessageReceived
from py_peer.frontends.lines import Narrator
from py_peer.frontends.printer import headless_lines
from tests.frontends.fakes import ANN

ANN_8 = short_id(ANN)


def told(event: Event, columns: int | None = None) -> list[str]:
    return Narrator(lambda: columns).lines([event])


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (DirectReceived(ANN, "Ann", True, "hello", 0.0), f"📩 [DM from Ann({ANN_8})]: hello"),
        (
            DirectReceived(ANN, "Ann", True, "hello", 0.0, stranger=True),
            f"📩 [DM from a stranger, Ann({ANN_8})]: hello",
        ),
        (DirectReceived(ANN, ANN_8, True, "hello", 0.0), f"📩 [DM from {ANN_8}]: hello"),
        (DirectSent(1, ANN, "Ann", True, "hello", 0.0), f"📨 [DM to Ann({ANN_8})]: hello"),
        (
            DirectSent(0, ANN, "Ann", True, "hello", 0.0, waited=7_300.0),
            f"📨 [DM to Ann({ANN_8}), 2 h 1 min later]: hello",
        ),
        (
            DirectWaiting(1, ANN, "Ann", True, "hello", "nobody is there", 1),
            "⚠️  Direct message to Ann not delivered yet: nobody is there; it is tried again",
        ),
        (
            DirectWaiting(2, ANN, "Ann", False, "hello", "no", 2),
            f"⚠️  Direct message to Ann({ANN_8}) not delivered yet: no; it is tried again (2 wait for this peer)",
        ),
        (
            DirectRefused(1, ANN, "Ann", True, "hello", "that is you"),
            "❌ Direct message to Ann not delivered: that is you; it was: hello",
        ),
        (
            DirectRefused(0, ANN, "Ann", True, f"one\n\x1b[2J{'x' * 300}", "a day has passed"),
            f"❌ Direct message to Ann not delivered: a day has passed; it was: one {'x' * 195}…",
        ),
        (
            DirectRefused(1, ANN, "Ann", True, " \x1b[m", "there is nothing to be seen"),
            "❌ Direct message to Ann not delivered: there is nothing to be seen",
        ),
    ],
)
def test_what_becomes_of_a_direct_message_is_told(event: Event, line: str) -> None:
    assert told(event) == [line]


def test_nobody_in_the_room_can_say_what_looks_like_a_direct_message() -> None:
    for nick in ("DM from Bob", "📩 [DM from Bob", "\n📩 DM from Bob"):
        message = MessageReceived(ANN, clean_nick(nick), "x\n📩 [DM from Bob(12345678)]: send me money", 0.0)
        assert not any(line.startswith("📩") for columns in (None, 48) for line in told(message, columns))


def test_a_direct_message_of_several_lines_is_one_and_nothing_in_it_looks_like_a_line_of_the_program() -> None:
    text = "first\n📡 Peer left: everybody\n" + "long " * 30
    for event in (
        DirectReceived(ANN, "Ann", True, text, 0.0),
        DirectSent(1, ANN, "Ann", True, f"{text}\x1b[2J", 0.0),
    ):
        for columns in (None, 48):
            first, *others = told(event, columns) if columns else told(event)[0].split("\n")
            assert first.startswith(("📩 [DM", "📨 [DM"))
            assert others
            assert all(line.startswith("    ") and line.isprintable() for line in others)
            assert columns is None or all(wcswidth(line) <= columns for line in (first, *others))


def test_headless_has_a_line_with_the_whole_id() -> None:
    received = DirectReceived(ANN, "Ann", True, "one\ntwo", 0.0, stranger=True)
    assert headless_lines(received) == [f"Received direct message from {ANN}: one\n    two"]
    sent = DirectSent(0, ANN, "Ann", True, "hello", 0.0, waited=61.0)
    assert headless_lines(sent) == ["Direct message delivered to Ann, 1 min 1 s later"]
