"""A real relay of Nostr for tests: nostr-sdk's own, which is rust-nostr's, on a loop of its own in a thread.

It can be stopped and started again on the same port, with the events that it had. (They are handed to it again: a
database of nostr-sdk would be called through Python, also when Python is about to end.)
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar, final

import nostr_sdk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterable
    from types import TracebackType
    from typing import Self

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
