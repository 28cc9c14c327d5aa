"""What a message and a key paint: one frame, of the widgets that stand there, and nothing where nothing happens."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from textual import events
from textual._compositor import Compositor
from textual.scrollbar import ScrollBar
from textual.widget import Widget

from py_peer.core.events import MessageReceived, Pinged
from py_peer.ui.scrollback import thumb
from tests.frontends.fakes import ANN
from tests.loops import run
from tests.ui.support import screen

if TYPE_CHECKING:
    from textual.geometry import Region
    from textual.strip import Strip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the frames, which widgets were asked for their rows, and how often a scrollbar was drawn."""
    count: Counter[str] = Counter()
    render_lines, render, render_update = Widget.render_lines, ScrollBar.render, Compositor.render_update

    def counted_lines(widget: Widget, crop: Region) -> list[Strip]:
        count[widget._css_type_name] += 1
        return render_lines(widget, crop)

    def counted_bar(bar: ScrollBar) -> object:
        count["a bar drawn"] += 1
        return render(bar)

    def counted_update(compositor: Compositor, **options: object) -> object:
        count["frames"] += 1
        return render_update(compositor, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Widget, "render_lines", counted_lines)
    monkeypatch.setattr(ScrollBar, "render", counted_bar)
    monkeypatch.setattr(Compositor, "render_update", counted_update)
    return count


def test_a_batch_of_messages_is_one_frame_of_the_log_alone(asked: Counter[str]) -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.join(ANN)
            await shown.tell(*(said(number) for number in range(300)))
            asked.clear()
            await shown.tell(*(said(number) for number in range(3)))
            assert asked["frames"] == 1
            assert not {"Header", "Composer", "FooterKey", "PeersPanel", "Vertical"} & asked.keys()
            assert asked["a bar drawn"] <= 1

    run(scene())


def test_the_bar_is_drawn_when_it_looks_different_and_then_alone(asked: Counter[str]) -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(*(said(number) for number in range(300)))
            log = shown.ui.room
            drawn = 0
            for number in range(40):
                bar = log.vertical_scrollbar
                before = thumb(log.rows_in_view, bar.window_virtual_size, bar.position)
                asked.clear()
                await shown.tell(said(number))
                after = thumb(log.rows_in_view, log.virtual_size.height, log.scroll_y)
                assert asked["a bar drawn"] == (before != after)
                drawn += asked["a bar drawn"]
            assert 0 < drawn < 10

    run(scene())


def test_a_key_asks_the_input_and_no_other_panel(asked: Counter[str]) -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.pilot.press("a")
            asked.clear()
            shown.ui.post_message(events.Key("b", "b"))
            await shown.settle()
            assert asked["frames"] == asked["Composer"] == 1
            assert asked.keys() <= {"frames", "Composer", "PromptScreen"}

    run(scene())


def test_what_nobody_sees_paints_nothing(asked: Counter[str]) -> None:
    async def scene() -> None:
        async with screen() as shown:
            asked.clear()
            await shown.tell(Pinged(ANN, 0.001))
            assert not asked

    run(scene())


def said(number: int) -> MessageReceived:
    return MessageReceived(ANN, "ann", f"message {number}", 0.0)
