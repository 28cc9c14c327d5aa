"""What the quick scenes of `make interop` show, with each language that is built here, over each transport."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

import pytest

from interop.columns import COLUMNS, Column, Pair
from interop.progress import Progress
from interop.running import Cells, Part, run
from interop.scenes import QUICK

if TYPE_CHECKING:
    from _pytest.fixtures import SubRequest

pytestmark = pytest.mark.timeout(600)

TRIED: Final = [column for column in COLUMNS if column.language.name != "browser"]


@pytest.fixture(scope="module")
def cells(request: SubRequest) -> Cells:
    """All columns at once, as far as they are asked for: most of the time they wait."""
    asked = {item.callspec.params["column"] for item in request.session.items if item.module is request.module}  # type: ignore[attr-defined]
    part = Part([column for column in TRIED if column in asked], QUICK, Pair)
    with Progress(part.size, io.StringIO()) as progress:
        return run([part], progress)


@pytest.mark.parametrize("column", TRIED, ids=str)
def test_everything_that_is_to_be_shown_is(column: Column, cells: Cells) -> None:
    if column.missing:
        pytest.skip(column.missing)
    shown = cells[column]
    assert list(shown) == [scene.name for scene in QUICK]
    assert [(name, outcome.text, outcome.reason) for name, outcome in shown.items() if outcome.failed] == []
