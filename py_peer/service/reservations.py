"""A place at a relay, while we need one: reserved, kept, and another taken when it is lost.

Relays that the user named come first, and are called; then those of the peers who are here and relay for others.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, final

import trio

from py_peer.core import limits
from py_peer.core.addresses import leads_through_relay, parse_dial_address, with_peer
from py_peer.core.cleaning import clean_line
from py_peer.core.ranges import Kind, kind_of
from py_peer.net.connections import remote_ip
from py_peer.net.dial import DialError
from py_peer.net.multiaddrs import dialable
from py_peer.net.relay_messages import HOP
from py_peer.net.streams import GarbageError, NotSupportedError, StreamFaultError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from py_peer.core.addresses import DialAddress
    from py_peer.net.connections import PeerRecord
    from py_peer.net.node import Node
    from py_peer.net.relay import RelayClient, Reservation

log = logging.getLogger(__name__)


@final
class Reservations:
    """Keeps one reservation while it is wanted."""

    def __init__(self, named: tuple[str, ...], changed: Callable[[], None], notice: Callable[[str], None]) -> None:
        """`named` are multiaddrs of relays; `changed` is called when a place was got or lost.

        `notice` takes a sentence for the user, why a relay that he has named is of no use.
        """
        self._named = [parse_dial_address(text) for text in named]
        self._changed = changed
        self._notice = notice
        self._said: dict[str, str] = {}
        self._limited: set[str] = set()
        self._rest: dict[str, float] = {}
        self._pauses: dict[str, float] = {}
        """For how long a relay rests where a place did not last. Both are by peer ID, or by an address without one."""

        self._stirred = trio.Event()
        self._scope: trio.CancelScope | None = None
        self.is_wanted = False
        """Whether there is to be one."""

        self.relay = ""
        """The peer ID of the relay where we have a place; "" for none."""

        self.addresses: tuple[str, ...] = ()
        """Where we are reached through it: multiaddrs with our peer ID."""

    @property
    def has_named(self) -> bool:
        """Whether the user has named a relay."""
        return bool(self._named)

    def want(self, *, wanted: bool) -> None:
        """Get a place, or give it up."""
        if wanted == self.is_wanted:
            return
        self.is_wanted = wanted
        self.stir()
        if not wanted and self._scope is not None:
            self._scope.cancel()

    def stir(self) -> None:
        """Look again: somebody has come who may be a relay."""
        stirred, self._stirred = self._stirred, trio.Event()
        stirred.set()

    async def run(self, node: Node) -> None:
        """Get a place, and another when it is lost. Runs until cancelled."""
        client = node.relays
        if client is None:
            return
        while True:
            stirred = self._stirred
            relay = next(self._candidates(node), None) if self.is_wanted else None
            if relay is None:
                with trio.move_on_after(limits.RELAY_RETRY):
                    await stirred.wait()
                continue
            with trio.CancelScope() as self._scope, node.counters.catching(f"the place at {relay.text}"):
                await self._keep(node, client, relay)
            self._scope = None
            if self.relay:
                self.relay, self.addresses = "", ()
                self._changed()

    async def _keep(self, node: Node, client: RelayClient, relay: DialAddress) -> None:
        """Have a place at a relay until that ends, and let the relay rest then."""
        since: float | None = None
        name = _name(relay)

        def told(reservation: Reservation) -> None:
            nonlocal since
            since = trio.current_time() if since is None else since
            self.relay, self.addresses = name, reservation.addresses
            self._changed()
            self._note_limits(relay, reservation.limits)

        try:
            name = str(await node.dial(relay))
            await client.keep(relay if relay.peer_id else with_peer(relay, name), told)
        except (DialError, StreamFaultError) as error:
            self._note(relay, _cause(error))
            if since is not None:
                pause = 2 * self._pauses.pop(name, limits.RELAY_RETRY / 2)
                if trio.current_time() - since < limits.LASTING:
                    self._pauses[name] = min(pause, limits.RELAY_RETRY_LONGEST)
        finally:
            # By both: it may be met at another address, and a named one without its ID is known by that alone.
            until = trio.current_time() + self._pauses.get(name, limits.RELAY_RETRY)
            self._rest[name] = self._rest[_name(relay)] = until
            while len(self._rest) > limits.MAX_CONNECTIONS:
                gone = next(iter(self._rest))
                del self._rest[gone]
                self._pauses.pop(gone, None)

    def _note(self, relay: DialAddress, cause: str) -> None:
        log.debug("no place at %s: %s", relay.text, cause)
        if relay in self._named and self._said.get(relay.text) != cause:
            self._said[relay.text] = cause
            self._notice(f"There is no place for you at the relay {relay.text}: {cause}")

    def _note_limits(self, relay: DialAddress, limits: str) -> None:
        if limits and relay in self._named and relay.text not in self._limited:
            self._limited.add(relay.text)
            self._notice(
                f"The relay {relay.text} ends each connection {limits}, as it says; who wants to stay calls again."
            )

    def _candidates(self, node: Node) -> Iterator[DialAddress]:
        found = filter(None, map(_relay, sorted(node.peers.records.values(), key=lambda one: one.rtt or 1.0)))
        for relay in (*self._named, *found):
            if self._rest.get(_name(relay), 0.0) <= trio.current_time():
                yield relay


def _name(relay: DialAddress) -> str:
    return relay.peer_id or relay.text


def _cause(error: Exception) -> str:
    """Return why a relay is of no use, for people."""
    if isinstance(error, NotSupportedError):
        return "it is no relay"
    if isinstance(error, GarbageError):
        return "what it answers is nothing that a relay says"
    return clean_line(str(error), limits.MAX_ERROR_CHARS)


def _relay(record: PeerRecord) -> DialAddress | None:
    """Return the address at which a peer relays for us, as far as others can reach it."""
    ip = remote_ip(record.address)
    if HOP not in record.protocols or leads_through_relay(record.address) or not ip or kind_of(ip) is not Kind.PUBLIC:
        return None
    if not record.inbound:
        with suppress(ValueError):
            return with_peer(parse_dial_address(record.address), str(record.peer_id))
    listens = dialable(record.listen, record.peer_id.to_bytes(), limits.LISTEN_ADDRESSES)
    return next((one for one in listens if one.host == ip), None)
