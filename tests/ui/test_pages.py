"""The pages over the chat: help, one peer, the invitation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from textual.app import App
from textual.widgets import OptionList, Static

from py_peer.core.events import PeerInfo
from py_peer.ui.help_page import HelpPage
from py_peer.ui.invite_page import InvitePage
from py_peer.ui.peer_menu import PeerMenu, details
from tests.loops import run

if TYPE_CHECKING:
    from textual.screen import Screen

PEER_ID = "12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf"
ADDRESS = f"/ip4/192.0.2.17/tcp/40123/p2p/{PEER_ID}"
BOB = PeerInfo(PEER_ID, "Bob [b]", ADDRESS, False, True, 0.0123, "go-peer/1 [red]", 1_000.0)
CODE = ["█▀" * 20] * 19


def lines_of(screen: Screen[object]) -> str:
    """Return what is on the screen."""
    return "\n".join(strip.text for strip in screen._compositor.render_strips())


@pytest.mark.parametrize(("size", "key"), [((20, 8), "escape"), ((60, 20), "q"), ((100, 30), "f1"), ((20, 8), "enter")])
def test_the_help_page_shows_its_rows_as_they_are_and_closes(size: tuple[int, int], key: str) -> None:
    async def scene() -> None:
        app: App[None] = App()
        async with app.run_test(size=size) as pilot:
            app.animation_level = "none"
            rows = [(f"/word{number} [X]", "does [b]this[/b]") for number in range(40)]
            await app.push_screen(HelpPage([("Commands", rows), ("Keys", [("F1", "this page")])]))
            await pilot.pause()
            assert "/word0 [X]" in lines_of(app.screen)
            assert "[b]this[/b]" in lines_of(app.screen)
            await pilot.press("end")
            await pilot.pause()
            assert "this page" in lines_of(app.screen)
            await pilot.press(key)
            assert not isinstance(app.screen, HelpPage)

    run(scene())


def test_a_choice_for_a_peer_is_made_by_keys() -> None:
    async def scene() -> None:
        app: App[None] = App()
        results: list[str | None] = []
        ways = {"enter": "mention", "down enter": "msg", "down down enter": "copy-id", "up enter": "wave"}
        async with app.run_test(size=(20, 10)) as pilot:
            for keys in (*ways, "escape"):
                await app.push_screen(PeerMenu(BOB, [("Wave [i]now", "wave")]), results.append)
                await pilot.pause()
                assert "Bob [b]" in lines_of(app.screen)
                assert "Wave [i]now" in lines_of(app.screen)
                await pilot.press(*keys.split())
        assert results == [*ways.values(), None]

    run(scene())


def test_a_choice_for_a_peer_is_made_by_mouse() -> None:
    async def scene() -> None:
        app: App[None] = App()
        results: list[str | None] = []
        async with app.run_test(size=(60, 20)) as pilot:
            await app.push_screen(PeerMenu(BOB), results.append)
            await pilot.pause()
            await pilot.click(OptionList, offset=(3, 2))
            assert results == ["copy-id"]

    run(scene())


def test_the_details_of_a_peer_say_what_is_known_of_it() -> None:
    connected = "Connected for 1 h 1 min, 12.3 ms there and back"
    assert details(BOB, 4_670.0) == [PEER_ID, ADDRESS, "go-peer/1 [red]", connected]
    found = replace(BOB, found="by mDNS")
    assert details(found, 4_670.0) == [PEER_ID, ADDRESS, "go-peer/1 [red]", "Found by mDNS", connected]
    newcomer = PeerInfo(PEER_ID, "", ADDRESS, True, False, None, "", 1_000.0)
    assert details(newcomer, 999.0) == [PEER_ID, ADDRESS, "Connected for 0 s, not in the room"]


@pytest.mark.parametrize(
    ("size", "code", "line"),
    [
        ((100, 40), True, True),
        ((80, 24), True, True),
        ((50, 24), True, False),
        ((60, 20), False, True),
        ((20, 8), False, True),
    ],
)
def test_the_code_is_shown_whole_or_the_page_says_how_large_it_is(
    size: tuple[int, int], code: bool, line: bool
) -> None:
    async def scene() -> None:
        app: App[None] = App()
        async with app.run_test(size=size) as pilot:
            await app.push_screen(InvitePage(f"py-peer -c {ADDRESS}", CODE))
            await pilot.pause()
            shown = lines_of(app.screen)
            assert shown.count(CODE[0]) == (len(CODE) if code else 0)
            assert ("py-peer -c" in shown) == line
            assert app.screen.max_scroll_y == 0
            text = str(app.screen.query_one("#invite-code", Static).render())
            assert ("too small" in text) == (not code)

    run(scene())


def test_the_code_is_black_on_white_in_any_theme_and_without_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(theme: str) -> None:
        app: App[None] = App()
        async with app.run_test(size=(100, 40)) as pilot:
            app.theme = theme
            await app.push_screen(InvitePage(f"py-peer -c {ADDRESS}", CODE))
            await pilot.pause()
            for strip in app.screen._compositor.render_strips():
                for segment in strip:
                    if CODE[0] in segment.text:
                        assert segment.style is not None
                        assert segment.style.color is not None
                        assert segment.style.bgcolor is not None
                        assert segment.style.color.get_truecolor() == (0, 0, 0)
                        assert segment.style.bgcolor.get_truecolor() == (255, 255, 255)

    for theme in ("textual-dark", "textual-light"):
        run(scene(theme))
    monkeypatch.setenv("NO_COLOR", "1")
    run(scene("textual-dark"))


def test_the_code_comes_and_goes_with_the_size_of_the_window() -> None:
    async def scene() -> None:
        app: App[None] = App()
        async with app.run_test(size=(60, 20)) as pilot:
            await app.push_screen(InvitePage(f"py-peer -c {ADDRESS}", CODE))
            for size, shown in (((60, 20), 0), ((100, 40), len(CODE)), ((30, 10), 0)):
                await pilot.resize_terminal(*size)
                await pilot.pause()
                assert lines_of(app.screen).count(CODE[0]) == shown

    run(scene())


def test_c_copies_the_line_and_says_so() -> None:
    async def scene() -> None:
        app: App[None] = App()
        async with app.run_test(size=(60, 20)) as pilot:
            await app.push_screen(InvitePage(f"py-peer -c {ADDRESS}", CODE))
            await pilot.pause()
            await pilot.press("c")
            await pilot.pause()
            assert app.clipboard == f"py-peer -c {ADDRESS}"
            assert "copied" in lines_of(app.screen)
            await pilot.press("escape")
            assert not isinstance(app.screen, InvitePage)

    run(scene())
