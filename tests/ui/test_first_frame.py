"""The first frame is painted once, at its size, and nothing is worked out for what it does not show."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from textual._compositor import Compositor
from textual.css.stylesheet import Stylesheet

from py_peer.ui.log_view import LogView
from tests.loops import run
from tests.ui.support import screen

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest
    from textual.dom import DOMNode
    from textual.geometry import Size
    from textual.widget import Widget


def test_each_widget_is_dressed_twice_and_the_panels_stand_where_they_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    dressed: Counter[str] = Counter()
    placed: list[dict[str, Size]] = []
    apply, reflow = Stylesheet.apply, Compositor.reflow

    def counted(sheet: Stylesheet, node: DOMNode, **options: Any) -> None:
        dressed[node._css_type_name] += 1
        apply(sheet, node, **options)

    def noted(compositor: Compositor, parent: Widget, size: Size) -> object:
        result = reflow(compositor, parent, size)
        placed.append({log.id or "": log.size for log in parent.query(LogView)})
        return result

    monkeypatch.setattr(Stylesheet, "apply", counted)
    monkeypatch.setattr(Compositor, "reflow", noted)

    async def scene(size: tuple[int, int]) -> None:
        dressed.clear()
        placed.clear()
        async with screen(size=size, starts=False) as shown:
            assert shown.ui.focused is shown.ui.composer
            assert_once(dressed)
            assert placed[0] == placed[-1]

    for size in ((100, 30), (48, 16)):
        run(scene(size))


def assert_once(dressed: Mapping[str, int]) -> None:
    """Once when it comes and once when the screen does; not again for the focus, nor for the size of the screen."""
    assert {name: dressed[name] for name in ("Header", "PeersPanel", "LogView")} == {
        "Header": 2,
        "PeersPanel": 2,
        "LogView": 4,  # there are two
    }
    assert not dressed["Input"]
