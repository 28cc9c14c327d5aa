"""The library as it comes, run beside the tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio

from tests.interfaces import interface

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
COURTESY = 0.1


@pytest.fixture(scope="session", autouse=True)
def stock_program() -> Iterator[subprocess.Popen[bytes]]:
    """Start `stock.py`, which takes its time, while the tests run."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.net.stock"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as program:
        yield program
        program.kill()


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nodes tell of their loopback addresses alone, so that nothing is sent anywhere else."""
    monkeypatch.setattr("py_peer.net.node.read_interfaces", lambda: (interface("lo", "127.0.0.1/8", "::1/128"),))


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses of 0.1 s that the library makes twice at the end of each connection.

    They are most of what these tests would wait for. The modules that test how connections end override this.
    """
    sleep = trio.sleep

    async def shorter(seconds: float) -> None:
        await sleep(0.01 if seconds == COURTESY else seconds)

    monkeypatch.setattr(trio, "sleep", shorter)


@pytest.fixture(scope="session")
def stock(stock_program: subprocess.Popen[bytes]) -> dict[str, Any]:
    """What became of py-libp2p as it comes in each scene of `stock.py`."""
    output, _ = stock_program.communicate(timeout=60)
    return dict(json.loads(output))
