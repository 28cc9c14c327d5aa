"""Scenes run on asyncio's own loop, as `main` does, whatever was imported before."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from py_peer.frontends.front_end import new_loop

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


def run(scene: Coroutine[Any, Any, T]) -> T:
    """Run a scene to its end and return what it returns."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(scene)
