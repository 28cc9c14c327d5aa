"""A real relay of Nostr for tests: nostr-sdk's own, which is rust-nostr's, on a loop of its own in a thread.

It can be stopped and started again on the same port, with the events that it had.
"""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, final

import nostr_sdk

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path
    from types import TracebackType
    from typing import Self

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds that anything may take here."""


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return the one loop of all relays: nostr-sdk calls databases on one that it is told once."""
    loop = asyncio.new_event_loop()
    nostr_sdk.uniffi_set_event_loop(loop)
    threading.Thread(target=loop.run_forever, name="relays of Nostr", daemon=True).start()
    return loop


@final
class LocalRelay:
    """A relay on 127.0.0.1. To be used as a context; its methods may be called in any thread, and wait."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._database: Any = None
        self._relay: Any = None
        self.port = 0
        """0 before it has run for the first time."""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"ws://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Run it, with what it had before, where it was before."""
        self._wait(self._start())

    def stop(self) -> None:
        """Have it let everybody go, and listen no more."""
        if self._relay is not None:
            self._relay.shutdown()
            self._relay = None

    def publish(self, event: str) -> None:
        """Have a client of nostr-sdk hand it an event, as JSON; raises where the relay refuses it."""
        self._wait(self._publish(event))

    def events(self) -> list[str]:
        """Return what it has taken, as JSON, the latest first."""
        return self._wait(self._events())

    def _wait(self, doing: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(doing, _loop()).result(PATIENCE)

    async def _start(self) -> None:
        if self._database is None:
            self._database = await nostr_sdk.NostrLmdb.open(str(self._folder))
        builder = nostr_sdk.LocalRelayBuilder().addr("127.0.0.1").database(self._database)
        self._relay = (builder.port(self.port) if self.port else builder).build()
        await self._relay.run()
        self.port = int(str(await self._relay.url()).rstrip("/").rpartition(":")[2])

    async def _publish(self, event: str) -> None:
        client = nostr_sdk.Client()
        try:
            await client.add_relay(nostr_sdk.RelayUrl.parse(self.url))
            await client.connect(timedelta(seconds=PATIENCE))
            sent = await client.send_event(nostr_sdk.Event.from_json(event))
            assert not sent.failed, sent.failed
        finally:
            await client.shutdown()

    async def _events(self) -> list[str]:
        return [event.as_json() for event in await self._database.query(nostr_sdk.Filter())]
