"""Files that are fetched on a terminal: bars that stay above the line being typed, and tear nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.frontends.programs import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APP = (sys.executable, "-m", "tests.frontends.bars_app")


@pytest.fixture(params=[80, 48])
def window(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    window = Terminal((), tmp_path, {}, request.param, command=APP)
    yield window
    window.clean_up()


def bars(window: Terminal) -> list[str]:
    return [line for line in window.text.splitlines() if "█" in line or "░" in line]


def test_bars_stay_where_they_are_and_the_line_being_typed_stays_whole(window: Terminal) -> None:
    window.expect_prompt()
    window.send("/get one.jpg\r")
    window.expect(r"^one\.jpg  ░+  0 % ")
    window.send("/get two.jpg\r")
    window.expect(r"^two\.jpg  ░+  0 % ")
    for share in (10, 20, 30):
        window.send(f"one.jpg {share}\r")
        window.expect(rf"^one\.jpg  █+░+  {share} % · .*left$")
    window.send("say hello there\r")
    window.expect(r"^\[Ann\(\w+\)\]: hello there$")
    window.send("half of a li")
    window.expect_prompt("half of a li")
    assert len(bars(window)) == 2
    assert [line.split()[0] for line in window.display[-3:]] == ["one.jpg", "two.jpg", ">"]
    assert all(line.endswith((" left", " MB")) for line in bars(window))

    window.send("\x01\x0bone.jpg 100\r")  # Ctrl-A, Ctrl-K
    window.expect(r"^✓ Fetched one\.jpg \(1\.0 MB\)")
    window.expect_prompt()
    assert [line.split()[0] for line in bars(window)] == ["two.jpg"]
    assert window.display[-2].startswith("two.jpg  ░")
    window.send("/quit\r")
    assert window.leave() == 0
    assert bars(window) == []
