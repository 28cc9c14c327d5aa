"""Connections as the user sees them: /connect, /disconnect and /ping, and what is done when the machine has slept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

import trio
from libp2p.peer.id import ID

from py_peer.chatroom import _log_system_message
from py_peer.core import limits
from py_peer.core.addresses import AddressError, id_with_nick, parse_named_address, short_id
from py_peer.core.cleaning import clean_line
from py_peer.core.events import Answer, Notice, Pinged
from py_peer.core.requests import Connect, Disconnect, PingPeer, StopDialling
from py_peer.core.waking import Waking, read_clocks
from py_peer.net.streams import NotSupportedError
from py_peer.service.named import Named, Pace

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.core.events import Event
    from py_peer.core.requests import Request
    from py_peer.core.settings import Settings
    from py_peer.net.node import Node
    from py_peer.service.finder import Finder

LOOK_SECONDS: Final = 1.0
"""How often the clocks are compared."""


@final
class Links:
    """The peers named by the user, at the start and later, and the watch over time that passes without us."""

    def __init__(self, settings: Settings, emit: Callable[[Event], None], finder: Finder) -> None:
        self._emit = emit
        self._finder = finder
        self.nick_of: Callable[[str], str] = short_id
        """Returns what a peer is called."""

        self._node: Node | None = None
        self._nursery: trio.Nursery | None = None
        pace = Pace()
        self.named = Named(settings.connect, emit, pace, finder.dial, keep=True)
        self.bootstrap = Named(settings.bootstrap, emit, pace, finder.dial)
        self.handlers: dict[type[Request], Callable[[Any], None]] = {
            Connect: self.connect,
            Disconnect: self.disconnect,
            StopDialling: self.stop_dialling,
            PingPeer: self.ping,
        }

    def is_dialling(self) -> bool:
        """Return whether a peer that the user named is still worth waiting for."""
        return self.named.is_dialling() or self.bootstrap.is_dialling()

    def dialling(self) -> tuple[str, ...]:
        """Return the addresses that the user named, and where nobody is yet, or any more."""
        return self.named.dialling() + self.bootstrap.dialling()

    def moved(self, peer_id: ID) -> None:
        """Take note that a peer has come or gone."""
        self.named.moved(peer_id)
        self.bootstrap.moved(peer_id)

    async def run(self, node: Node) -> None:
        """Reach who was named, and keep watch."""
        self._node = node
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self.named.run, node)
            nursery.start_soon(self._watch, node)

    # --- Requests ---------------------------------------------------------------------------------

    def connect(self, request: Connect) -> None:
        """Dial an address, and again whenever its peer goes; who was let go, or is banned, is taken again."""
        try:
            address = parse_named_address(request.address)
        except AddressError as error:
            self._answer(request, str(error), failed=True)
            return
        peer_id = ID.from_string(address.peer_id) if address.peer_id else None
        if peer_id is not None and self._node is not None:
            self._node.bans.forgiven(peer_id)
        if reason := self.named.add(address, forgive=True):
            self._answer(request, f"Not dialled: {reason}", failed=True)
        elif self._node is not None and peer_id in self._node.peers.records:
            self._answer(request, f"Connected to {self._name(str(peer_id))} already; it is dialled when it goes")
        else:
            self._answer(request, f"Dialling {address.text}")

    def disconnect(self, request: Disconnect) -> None:
        """Let a peer go, neither dial it nor take it until /connect names it."""
        if (found := self._peer(request)) is None:
            return
        node, peer_id = found
        node.bans.keep_away(peer_id)
        self.named.drop(peer_id)
        self._in_background(node.disconnect, peer_id)
        _log_system_message(f"Disconnecting from {peer_id}, as told")
        name = self._name(request.peer_id)
        was = "Disconnected from" if peer_id in node.peers.records else "Not connected to"
        self._answer(request, f"{was} {name}; it is neither dialled nor taken until /connect names it")

    def stop_dialling(self, request: StopDialling) -> None:
        """Dial an address no more; who is connected under it is let go as by name."""
        try:
            address = parse_named_address(request.address)
        except AddressError as error:
            self._answer(request, str(error), failed=True)
            return
        peer_id = ID.from_string(address.peer_id) if address.peer_id else self.named.holder(address)
        if self._node is not None and peer_id in self._node.peers.records:
            self.disconnect(Disconnect(request.ticket, str(peer_id)))
        elif forgotten := self.named.forget(address):
            self._finder.stop_naming(forgotten)
            self._answer(request, f"No longer dialled: {', '.join(forgotten)}")
        else:
            self._answer(request, f"{address.text} is not dialled", failed=True)

    def ping(self, request: PingPeer) -> None:
        """Measure how far a peer is."""
        if (found := self._peer(request)) is None:
            return
        node, peer_id = found
        if peer_id in node.peers.records:
            self._in_background(self._ping, node, request, peer_id)
        else:
            self._answer(request, f"{self._name(request.peer_id)} is not connected to us", failed=True)

    async def _ping(self, node: Node, request: PingPeer, peer_id: ID) -> None:
        name = self._name(request.peer_id)
        try:
            seconds = await node.ping(peer_id, limits.ASKED_PING_TIMEOUT)
        except NotSupportedError:
            self._answer(request, f"{name} is there, but speaks no ping")
        except trio.TooSlowError:
            self._answer(request, f"{name} has not answered within {limits.ASKED_PING_TIMEOUT:g} s", failed=True)
        except Exception as error:  # noqa: BLE001 - whatever it was, the peer was not reached
            node.counters.caught(f"ping of {peer_id}", error)
            self._answer(request, f"{name} was not reached: its connection has just ended", failed=True)
        else:
            if record := node.peers.records.get(peer_id):
                record.rtt = seconds
                self._emit(Pinged(request.peer_id, seconds))
            self._answer(request, f"{name} has answered within {seconds * 1000:.1f} ms")

    def _peer(self, request: Disconnect | PingPeer) -> tuple[Node, ID] | None:
        """Return the peer that a request names, with the node; None, and answered, if that is none."""
        try:
            peer_id = ID.from_string(request.peer_id)
        except ValueError:
            self._answer(request, f"'{clean_line(request.peer_id, limits.MAX_NICK_CHARS)}' is no peer ID", failed=True)
            return None
        if self._node is None:
            self._answer(request, "There are no connections yet", failed=True)
            return None
        return self._node, peer_id

    def _name(self, peer_id: str) -> str:
        return id_with_nick(peer_id, self.nick_of(peer_id))

    def _in_background(self, work: Callable[..., Any], *arguments: object) -> None:
        if self._nursery is not None:
            self._nursery.start_soon(work, *arguments)

    def _answer(self, request: Request, text: str, *, failed: bool = False) -> None:
        self._emit(Answer(request.ticket, text, failed))

    # --- Sleep and wake ---------------------------------------------------------------------------

    async def _watch(self, node: Node) -> None:
        """Notice that time has passed without us: then nobody may be there any more, and no back-off holds."""
        waking = Waking(LOOK_SECONDS, read_clocks)
        while True:
            await trio.sleep(LOOK_SECONDS)
            missed = waking.missed()
            if abs(missed) < limits.WAKE_SECONDS:
                continue
            if missed > 0:
                text = f"{missed:.0f} s have passed without py-peer; looking who is still there"
                _log_system_message(text)
                self._emit(Notice(text))
            node.probe()
            node.interfaces.stir()
            self.named.wake()
            self._finder.wake()
