"""A proxy on loopback through which two peers meet as over a bad line. Pure TCP: it knows nothing of what it passes.

It runs in a thread of its own, so that a test, and programs in processes of their own, can be on either side of it.
What it does to each direction is in a `Line`, and can be changed while it runs.
"""

from __future__ import annotations

import math
import random
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE: Final = 10.0
CHUNK: Final = 65_536
PACKET: Final = 1_400
"""Bytes that a narrow line lets through at a time."""

MAX_HELD: Final = 1_024
"""Chunks that are under way in one direction; then the proxy takes no more."""

LOOK_SECONDS: Final = 0.01
"""How soon a change of a line is noticed by what is held."""


@dataclass
class Line:
    """How one direction behaves. Times in seconds."""

    delay: float = 0.0
    jitter: float = 0.0
    """Each piece is late by `delay`, more or less by up to `jitter`; order is kept."""

    slice_bytes: int = 0
    """Passed on in pieces of so many bytes, each written alone; 0: as they come."""

    rate: float = math.inf
    """Bytes a second."""

    silent: bool = False
    """Takes what comes and passes nothing on, until it is no longer silent."""


@dataclass
class _Way:
    line: Line
    source: trio.SocketStream
    target: trio.SocketStream


@dataclass
class Proxy:
    """Takes connections on `port` of 127.0.0.1 and passes them on to `target`; to be used as a context.

    `life` is the mean of the seconds after which a connection is reset; they are random, and the same for a `seed`.
    """

    target: int
    seed: int = 1
    life: float = math.inf
    there: Line = field(default_factory=Line)
    """To the target."""

    back: Line = field(default_factory=Line)
    port: int = 0
    accepted: int = 0
    resets: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._open: set[trio.CancelScope] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=trio.run, args=(self._run,), name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._token.run_sync_soon(self._everything.cancel)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def both(self, **wishes: float | bool) -> None:
        """Change both directions."""
        for line in (self.there, self.back):
            for name, value in wishes.items():
                assert hasattr(line, name)
                setattr(line, name, value)

    def reset(self) -> None:
        """Reset every connection that is open."""
        trio.from_thread.run_sync(self._reset, trio_token=self._token)

    def _reset(self) -> None:
        for scope in self._open:
            scope.cancel()

    async def _run(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        listener, *_ = await trio.open_tcp_listeners(self.port, host="127.0.0.1")
        self.port = listener.socket.getsockname()[1]
        with trio.CancelScope() as self._everything:
            self._ready.set()
            await trio.serve_listeners(self._serve, [listener])

    async def _serve(self, caller: trio.SocketStream) -> None:
        self.accepted += 1
        life = self._random.expovariate(1 / self.life) if self.life < math.inf else math.inf
        try:
            called = await trio.open_tcp_stream("127.0.0.1", self.target)
        except OSError:
            return  # nobody listens there; that closes the caller's connection, too
        scope = trio.CancelScope(deadline=trio.current_time() + life)
        self._open.add(scope)
        try:
            with scope:
                async with trio.open_nursery() as nursery:
                    for way in (_Way(self.there, caller, called), _Way(self.back, called, caller)):
                        nursery.start_soon(self._pass_on, way)
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            _reset_at_close(caller, called)
        finally:
            self._open.discard(scope)
            if scope.cancelled_caught:
                self.resets += 1
                _reset_at_close(caller, called)
            await trio.aclose_forcefully(called)
            await trio.aclose_forcefully(caller)

    async def _pass_on(self, way: _Way) -> None:
        held_in, held_out = trio.open_memory_channel[tuple[float, bytes]](MAX_HELD)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write, way, held_out)
            due = 0.0
            async with held_in:
                while data := await way.source.receive_some(CHUNK):
                    late = way.line.delay + way.line.jitter * self._random.uniform(-1, 1)
                    due = max(due, trio.current_time() + late)
                    await held_in.send((due, data))

    async def _write(self, way: _Way, held: trio.MemoryReceiveChannel[tuple[float, bytes]]) -> None:
        line = way.line
        async for due, data in held:
            await trio.sleep_until(due)
            size = line.slice_bytes or (len(data) if line.rate == math.inf else PACKET)
            for start in range(0, len(data), size):
                piece = data[start : start + size]
                await trio.sleep(len(piece) / line.rate)
                await _until(lambda: not line.silent)
                await way.target.send_all(piece)
        await way.target.send_eof()


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - it is another thread that changes a line
        await trio.sleep(LOOK_SECONDS)


def _reset_at_close(*streams: trio.SocketStream) -> None:
    """Have the other end of each told of a reset, not of an end."""
    for stream in streams:
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
