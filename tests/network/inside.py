"""Threads that live in a host of our own: what they open is opened there, and nobody waits for a program to start."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.network.namespaces import Host

CLONE_NEWNET: Final = 0x40000000
PATIENCE: Final = 10.0


def enter(host: Host) -> None:
    """Move this thread into the network namespace of a host, and with it every thread that it starts."""
    with Path(f"/proc/{host.space.pid}/ns/net").open("rb") as file:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def running_in(host: Host, *work: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """Run async functions on a host, in a thread with a loop of its own, until the block ends."""
    scope = trio.CancelScope()
    failures: list[BaseException] = []
    tokens: list[trio.lowlevel.TrioToken] = []
    begun = threading.Event()

    async def main() -> None:
        tokens.append(trio.lowlevel.current_trio_token())
        begun.set()
        with scope:
            async with trio.open_nursery() as nursery:
                for one in work:
                    nursery.start_soon(one)

    def live() -> None:
        try:
            enter(host)
            trio.run(main)
        except BaseException as error:  # noqa: BLE001 - raised in the test
            failures.append(error)
            begun.set()

    thread = threading.Thread(target=live, name=f"on {host.address}")
    thread.start()
    try:
        assert begun.wait(PATIENCE)
        yield
    finally:
        for token in tokens:
            with contextlib.suppress(trio.RunFinishedError):
                token.run_sync_soon(scope.cancel)
        thread.join(PATIENCE)
    assert not thread.is_alive()
    if failures:
        raise failures[0]


def call_in(host: Host, work: Callable[[], object]) -> None:
    """Call a function in a thread on a host, and wait for its end. Raises what it raises."""
    failures: list[BaseException] = []

    def live() -> None:
        try:
            enter(host)
            work()
        except BaseException as error:  # noqa: BLE001 - raised in the test
            failures.append(error)

    thread = threading.Thread(target=live)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    if failures:
        raise failures[0]
