"""Keys and values in the DHT, as the user asks for them: each request waits for its turn and for somebody to ask."""

from __future__ import annotations

import base64
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, final

import trio
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.cleaning import clean_line, clean_path, clean_text
from py_peer.core.dht_events import KeyProvided, LookupFailed, ProvidersFound, ValueFound, ValuePut
from py_peer.core.events import Answer
from py_peer.core.rates import TokenBucket
from py_peer.core.records import SECOND, UNTOLD, RecordRefusedError, check_size
from py_peer.core.requests import FindProviders, ForgetValue, GetValue, ProvideKey, PutValue
from py_peer.net.pace import keep_pace
from py_peer.service.transfers import FAULT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    from py_peer.core.events import Event
    from py_peer.core.git_records import Published
    from py_peer.core.requests import Request
    from py_peer.core.settings import Settings
    from py_peer.net.kad_values import Lookup
    from py_peer.net.kademlia import Kademlia, Providers
    from py_peer.net.node import Node

    KeyRequest: TypeAlias = PutValue | ForgetValue | GetValue | ProvideKey | FindProviders

OFF: Final = (
    "Kademlia, by which keys are kept, is off; start with --bootstrap or --network, or with --dht to be the first"
)

NOBODY: Final = "nobody is there to be asked"

FAILED: Final = {
    PutValue: "Not put",
    ForgetValue: "Not forgotten",
    GetValue: "Not looked for",
    ProvideKey: "Not provided",
    FindProviders: "Not looked for",
}
"""What the answer to a request that is refused begins with."""


@final
class Data:
    """What one session does with keys."""

    def __init__(self, settings: Settings, emit: Callable[[Event], None]) -> None:
        self._is_on = settings.has_dht
        self._emit = emit
        self._node: Node | None = None
        self._waiting: dict[str, deque[KeyRequest]] = {}
        """What has no answer yet, by its key: what is asked about one is done in the order in which it was asked."""

        self._refused: deque[int] = deque(maxlen=limits.DHT_REQUESTS)
        """The tickets of the latest requests that were refused."""

        self._count = 0
        self._keys, self._next_key = trio.open_memory_channel[str](limits.DHT_REQUESTS)
        self._turn = trio.Lock()
        self._pace = TokenBucket(limits.DHT_REQUESTS_PER_SECOND, limits.DHT_REQUEST_BURST)
        self.somebody_to_ask: Callable[[], Awaitable[Kademlia]]
        """Waits until somebody is in the table, or nobody is to be expected."""

        self.handlers: dict[type[Request], Callable[[Any], None]] = dict.fromkeys(FAILED, self._accept)

    async def run(self, node: Node) -> None:
        """Do what is asked, until cancelled. A fault with one request ends neither the others nor the chat."""
        self._node = node
        async with trio.open_nursery() as nursery:
            for _ in range(limits.DHT_AT_ONCE):
                nursery.start_soon(self._work)

    # --- Requests ---------------------------------------------------------------------------------

    def _accept(self, request: KeyRequest) -> None:
        try:
            check_size(request.key.encode(), request.value.encode() if isinstance(request, PutValue) else b"")
        except RecordRefusedError as error:
            self._fail(request, str(error))
            return
        if not self._is_on:
            self._fail(request, OFF)
        elif self._count >= limits.DHT_REQUESTS:
            self._fail(request, f"{self._count:,} requests about keys wait already")
        else:
            self._count += 1
            if request.key not in self._waiting:
                self._waiting[request.key] = deque()
                self._keys.send_nowait(request.key)
            self._waiting[request.key].append(request)

    async def _work(self) -> None:
        """Take one key after the other, and do what is asked about it."""
        async for key in self._next_key:
            while waiting := self._waiting[key]:
                await self._answer(waiting[0])
                waiting.popleft()
                self._count -= 1
            del self._waiting[key]

    async def _answer(self, request: KeyRequest) -> None:
        if isinstance(request, ProvideKey) and request.behind in self._refused:
            self._fail(request, "its value was not put")
            return
        dht = await self.somebody_to_ask()
        async with self._turn:
            await keep_pace(self._pace)
        try:
            self._emit(await self._ask(dht, request))
        except RecordRefusedError as error:
            self._fail(request, str(error))
        except Exception as error:  # noqa: BLE001 - one request must not end the others
            if self._node is not None:
                self._node.counters.caught("a request about a key", error)
            self._fail(request, FAULT)

    async def _ask(self, dht: Kademlia, request: KeyRequest) -> Event:  # noqa: PLR0911 - one for each
        """Return what has become of a request. Raises RecordRefusedError for a value that cannot be put."""
        ticket, key = request.ticket, request.key.encode()
        shown = clean_line(request.key, limits.MAX_KAD_KEY) or ascii(request.key)  # of blanks alone nothing can be seen
        match request:
            case PutValue():
                told = await dht.put_value(key, request.value.encode())
                return ValuePut(ticket, shown, told.took, told.asked)
            case ForgetValue():
                if not await dht.forget(key):
                    raise RecordRefusedError("you keep nothing under it that you have put")
                return Answer(ticket, f"Forgotten: {shown}: it is not put anew; others keep it for two days at most")
            case ProvideKey():
                told = await dht.provide(key)
                return KeyProvided(ticket, shown, told.took, told.asked)
            case FindProviders():
                providers = await dht.find_providers(key, lambda _: None)
                if providers.peers:
                    peer_ids = tuple(str(ID(peer)) for peer in providers.peers)
                    return ProvidersFound(ticket, shown, peer_ids, providers.asked)
                return _not_found(ticket, shown, providers, "knows who provides it")
            case GetValue():
                lookup = await dht.get_value(key)
                if (record := lookup.record) is None:
                    return _not_found(ticket, shown, lookup, "has a value for it")
                value = clean_text(record.value)
                raw = "" if value.encode() == record.value else base64.b64encode(record.value).decode()
                since = None if record.time == UNTOLD else round(max(0.0, (time.time_ns() - record.time) / SECOND), 3)
                return ValueFound(ticket, shown, value, lookup.said, lookup.asked, since, raw, lookup.unasked)

    def _fail(self, request: KeyRequest, reason: str) -> None:
        self._refused.append(request.ticket)
        text = f"{FAILED[type(request)]}: {clean_path(request.key)}: {reason}"
        self._emit(Answer(request.ticket, clean_line(text, limits.MAX_ERROR_CHARS), failed=True))


def why_none(looked: Lookup | Providers | Published, has_it: str) -> str:
    """Return why nothing was found: none of those who have answered `has_it`."""
    reason = f"none of the {looked.asked} peer(s) that were asked {has_it}" if looked.asked else NOBODY
    if looked.unasked:
        reason += f"; {looked.unasked} more could not be asked just now, as too much was dialled lately"
    return reason


def _not_found(ticket: int, key: str, looked: Lookup | Providers, has_it: str) -> LookupFailed:
    return LookupFailed(ticket, key, looked.asked, why_none(looked, has_it), looked.unasked)
