"""Front-ends take over the process's signals; each test gets them back."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from py_peer.leaving import SIGNALS

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
