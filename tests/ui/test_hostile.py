"""Hostile strangers on the real screen: what they call themselves and say is shown as text, and as nothing else.

What they send goes the way it goes in the service: bytes, cleaned by core/cleaning, into events.
"""

from __future__ import annotations

import asyncio
import contextlib
import unicodedata
from typing import TYPE_CHECKING, Final, TypeAlias

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from wcwidth import wcswidth

from py_peer.core import limits
from py_peer.core.addresses import short_id
from py_peer.core.cleaning import clean_line, clean_nick, clean_text
from py_peer.core.events import (
    DialFailed,
    Identified,
    KademliaBootstrap,
    MessageReceived,
    Notice,
    PeerConnected,
    PeerJoined,
)
from py_peer.frontends.front_end import new_loop
from py_peer.ui.peer_menu import PeerMenu
from tests.core.test_cleaning import hostile
from tests.loops import run
from tests.ui.support import Scene, screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from textual.strip import Strip

    from py_peer.core.events import Event
    from py_peer.ui.log_view import LogView

CASES: Final = 10_000
PIECES: Final = 51
"""Drawn for an example, in which each is put together with each."""

OBEYED: Final = ("Cc", "Cs", "Zl", "Zp")
"""Categories of characters: controls, what is no character, and ends of lines."""

SIZES: Final = ((20, 8), (33, 12), (80, 24), (200, 50))
EXAMPLES: Final = 1
"""For each of the sizes. To draw one with many pieces is faster than many with few."""

PEERS: Final = tuple(f"12D3KooWCPZEzZ2B3VJ4bK6t6m6r{number:024}" for number in range(PIECES))
NOON: Final = 1_000_000.0

MARKUP: Final = (
    "[bold]",
    "[/]",
    "[/bold]",
    "[@click=app.quit()]quit[/]",
    "[link='file:///']",
    "[red on blue]",
    "\\[",
    "[[",
    "[$x]",
    ":smile:",
    "<b>",
    "{x}",
    "%s",
)
WIDTHS: Final = (
    "👩\u200d👩\u200d👧\u200d👦",
    "👍\U0001f3fd",
    "🏳\ufe0f\u200d🌈",
    "1\ufe0f\u20e3",
    "🇩🇪🇫🇷",
    "👩\u200d",
    "한",
    "\u1112",
    "漢字、",
    "अनुच्छेद",
    "สวัสดี",
    "العربية",
    "e\u0301\u0302",
)
HUGE: Final = (
    b"x" * 9000,
    b"[/]" * 2000,
    b"\n" * 1500,
    b"\x1b[2J" * 2000,
    "漢字".encode() * 1000,
    "👩\u200d👩\u200d👧\u200d👦".encode() * 300,
    "a\u0301\u0302".encode() * 1000,
)

words = st.lists(st.sampled_from(MARKUP + WIDTHS + (" ",)), max_size=8).map("".join)
pieces = st.one_of(hostile, words, st.binary(max_size=60)).map(
    lambda text: text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
)


def events(sent: Sequence[bytes], heard: Sequence[bytes]) -> Iterator[Event]:
    """Yield what the service makes of strangers, each of whom sends one of `sent`, and that with each of `heard`."""
    for peer_id, name in zip(PEERS, sent, strict=False):
        version = clean_line(name, limits.MAX_AGENT_CHARS)
        yield PeerConnected(peer_id, clean_line(b"/dns4/" + name, limits.MAX_ERROR_CHARS), inbound=True)
        yield PeerJoined(peer_id, len(sent))
        yield Identified(peer_id, version, version, (version,))
        cause = clean_line(name, limits.MAX_ERROR_CHARS)
        yield DialFailed(cause, cause)
        yield Notice(cause)
        yield KademliaBootstrap(0, cause)
        for more in heard:
            yield MessageReceived(peer_id, clean_nick(more) or short_id(peer_id), clean_text(name + more), NOON)


def judge(strips: Sequence[Strip], columns: int) -> None:
    """Every row fits, and has nothing in it that a terminal would obey."""
    for strip in strips:
        assert [ch for ch in strip.text if unicodedata.category(ch) in OBEYED] == []
        assert strip.cell_length <= columns


def rows(log: LogView) -> list[Strip]:
    """Return every row of a log."""
    found = []
    for top in range(0, max(log.virtual_size.height, 1), log.rows_in_view):
        log.scroll_to(y=top, animate=False)
        begin = log.scroll_offset.y
        found += [log.render_line(top - begin + row) for row in range(log.rows_in_view - (top - begin))]
    return found


def without_blanks(text: str) -> str:
    return "".join(text.split())


Show: TypeAlias = "Callable[[list[Event]], None]"


@pytest.fixture(scope="module", params=SIZES, ids=str)
def show(request: pytest.FixtureRequest) -> Iterator[Show]:
    """Show events on a screen, the same for all examples, and look at all of it."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        stack = contextlib.AsyncExitStack()
        shown: Scene = runner.run(stack.enter_async_context(screen(size=request.param)))
        yield lambda told: runner.run(tell(shown, told, request.param[0]))
        runner.run(stack.aclose())


async def tell(shown: Scene, told: list[Event], columns: int) -> None:
    ui = shown.ui
    logs = {"system": ui.system, "room": ui.room}
    for log in logs.values():
        log.clear()
    await shown.tell(*told)
    texts = {}
    for name in ("system", "peers", "room"):
        ui.action_panel(name)
        await shown.pilot.pause()
        judge(painted(shown), columns)
        if name in logs:
            strips = rows(logs[name])
            judge(strips, columns)
            # Terminals and Textual 8.2.8 differ over the vowels of India; the text fits whoever is right.
            assert max(wcswidth(strip.text.rstrip()) for strip in strips) <= columns
            texts[name] = without_blanks("".join(strip.text for strip in strips))
    ui.push_screen(PeerMenu(shown.chat.roster.rows()[0]))
    await shown.pilot.pause()
    judge(painted(shown), columns)
    ui.pop_screen()
    for event in told:
        match event:
            case MessageReceived():
                assert without_blanks(f"{event.nick}: {event.text}") in texts["room"]
            case Notice():
                assert without_blanks(event.text) in texts["system"]


def painted(shown: Scene) -> list[Strip]:
    return shown.ui.screen._compositor.render_strips()


MESSAGES_SHOWN: list[int] = []
"""How many by each example; those of one differ in their bytes."""


@settings(max_examples=EXAMPLES, phases=[Phase.generate])  # an example has too many texts to be made smaller
@given(st.lists(pieces, min_size=PIECES, max_size=PIECES, unique=True))
def test_strangers_are_shown_as_text(show: Show, drawn: list[bytes]) -> None:
    assume(max(map(len, drawn)) > 10)  # the first that is drawn is the simplest: single characters
    show(list(events(drawn, drawn)))
    MESSAGES_SHOWN.append(len(drawn) ** 2)


def test_so_is_what_is_huge(show: Show) -> None:
    show(list(events(HUGE, [b""])))


def test_ten_thousand_messages_were_shown() -> None:
    assert sum(MESSAGES_SHOWN) >= CASES


def test_what_looks_like_markup_is_there_to_the_letter() -> None:
    async def scene() -> None:
        async with screen() as shown:
            nick, agent = "[b]Eve[/]", "[@click=app.quit()]1.0[/]"
            await shown.join(PEERS[0])
            await shown.tell(
                Identified(PEERS[0], "", agent, ()), MessageReceived(PEERS[0], nick, "[bold]hello[/bold]", NOON)
            )
            assert f"  • {nick}" in shown.text()
            assert f"{nick}: [bold]hello[/bold]" in shown.text()
            await shown.pilot.press("f3", "enter")
            assert isinstance(shown.ui.screen, PeerMenu)
            assert f"╭─ {nick} ─" in shown.text()
            assert agent in shown.text()

    run(scene())
