"""Relays of Nostr for tests: a real one, and those that only say that they are one.

The real one is nostr-sdk's own, which is rust-nostr's, on a loop of its own in a thread.
It can be stopped and started again on the same port, with the events that it had. (They are handed to it again: a
database of nostr-sdk would be called through Python, also when Python is about to end.)
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, final

import nostr_sdk
import trio
from trio_websocket import ConnectionClosed, serve_websocket

from py_peer.core.nostr_messages import parse_relay_url

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
    from types import TracebackType
    from typing import Self

    from trio_websocket import WebSocketConnection, WebSocketRequest

    from py_peer.core.nostr_messages import RelayURL

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds that anything may take here."""


@final
class LocalRelay:
    """A relay on 127.0.0.1. To be used as a context; its methods may be called in any thread, and wait."""

    def __init__(self) -> None:
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay of Nostr", daemon=True)
        self._relay: Any = None
        self._kept: list[str] = []
        self.port = 0
        """0 before it has run for the first time."""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"ws://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._relay.shutdown()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def start(self) -> None:
        """Run it, with what it had before, where it was before."""
        self._wait(self._start())

    def stop(self) -> None:
        """Have it let everybody go, and listen no more."""
        self._kept = self.events()
        self._wait(self._stop())

    def publish(self, *events: str) -> None:
        """Have a client of nostr-sdk hand it events, as JSON; raises where the relay refuses one."""
        self._wait(self._publish(events))

    def events(self) -> list[str]:
        """Return what a client of nostr-sdk finds there, as JSON."""
        return self._wait(self._events())

    def _wait(self, doing: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(PATIENCE)

    async def _start(self) -> None:
        deadline = self._loop.time() + PATIENCE
        while True:
            builder = nostr_sdk.LocalRelayBuilder().addr("127.0.0.1")
            relay = (builder.port(self.port) if self.port else builder).build()
            try:
                await relay.run()
                break
            except nostr_sdk.NostrSdkError.Generic:  # the port that it has drawn is taken
                if self._loop.time() > deadline:
                    raise
                await asyncio.sleep(0.01)
        self._relay = relay
        self.port = int(str(await self._relay.url()).rstrip("/").rpartition(":")[2])
        if self._kept:
            await self._publish(self._kept)

    async def _stop(self) -> None:
        deadline = self._loop.time() + PATIENCE
        while self._loop.time() < deadline:
            self._relay.shutdown()  # the word is lost now and then (0.45.1)
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                return
            writer.close()
            await asyncio.sleep(0.01)
        raise TimeoutError("the relay does not stop")

    async def _publish(self, events: Iterable[str]) -> None:
        async with self._client() as client:
            for event in events:
                sent = await client.send_event(nostr_sdk.Event.from_json(event))
                assert not sent.failed, sent.failed

    async def _events(self) -> list[str]:
        everything = nostr_sdk.ReqTarget.auto([nostr_sdk.Filter()])
        async with self._client() as client:
            return [event.as_json() for event in await client.fetch_events(everything)]

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Any]:
        client = nostr_sdk.Client()
        try:
            await client.add_relay(nostr_sdk.RelayUrl.parse(self.url))
            await client.connect(timedelta(seconds=PATIENCE))
            yield client
        finally:
            await client.shutdown()


def in_time(scene: Callable[[], Awaitable[None]]) -> None:
    """Run a scene under trio, with a deadline."""

    async def hurried() -> None:
        with trio.fail_after(PATIENCE):
            await scene()

    trio.run(hurried)


@asynccontextmanager
async def pretending(
    does: Callable[[WebSocketConnection], Awaitable[None]], context: ssl.SSLContext | None = None
) -> AsyncIterator[RelayURL]:
    """Serve WebSockets on which `does` is all that happens."""

    async def take(request: WebSocketRequest) -> None:
        connection = await request.accept()
        with suppress(ConnectionClosed):
            await does(connection)

    async with trio.open_nursery() as nursery:
        server = await nursery.start(partial(serve_websocket, take, "127.0.0.1", 0, context, disconnect_timeout=0.1))
        yield parse_relay_url(f"{'wss' if context else 'ws'}://127.0.0.1:{server.port}")
        nursery.cancel_scope.cancel()
