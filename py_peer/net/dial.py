"""Dialling: one address, one deadline, one cause that a person understands.

The library's own `connect` (0.8.1) takes at least 250 ms, has no deadline, tries one address per transport and then
refuses the peer for 60 s (network/swarm.py:114, 886); its resolver does not know the hosts file, so that `localhost`
leaves the machine; and it cannot dial an address without /p2p. Pinned by tests/net/test_dial.py.
"""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final, cast, final

import libp2p.transport.tcp.tcp as _tcp
import trio
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.network.exceptions import SwarmException
from libp2p.peer.id import ID
from libp2p.security.noise.exceptions import PeerIDMismatchesPubkey
from libp2p.transport.exceptions import MuxerUpgradeFailure

from py_peer.core import limits
from py_peer.core.addresses import QUIC, TCP
from py_peer.net.carrier import Carrier
from py_peer.net.closing import bottom_of
from py_peer.net.quic import QUICError
from py_peer.net.racing import DialError, NotNowError, SomebodyElseError, race
from py_peer.net.streams import StreamFaultError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from libp2p.io.abc import ReadWriteCloser
    from libp2p.network.swarm import Swarm

    from py_peer.core.addresses import DialAddress
    from py_peer.net.quic import QUICPort
    from py_peer.net.relay import RelayClient

__all__ = ["DialError", "NotNowError", "SomebodyElseError", "dial", "interleaved", "upgrade"]


async def dial(
    swarm: Swarm,
    address: DialAddress,
    refusal: Callable[[ID], str] = lambda _: "",
    timeout: float = limits.DIAL_TIMEOUT,  # noqa: ASYNC109
    *,
    fresh: bool = False,
) -> ID:
    """Connect to `address` and return who answered there.

    A peer that is connected already is not dialled again, unless it is to be a `fresh` connection. `timeout` (seconds)
    is for the whole of it: resolving, connecting, both handshakes. `refusal` returns why a peer is not wanted, or "".
    Raises DialError.
    """
    expected = None if address.peer_id is None else ID.from_string(address.peer_id)
    call = _Call(swarm, address, expected, refusal, fresh)
    if expected is not None:
        call.object_to(expected)
        if call.is_needless(expected):
            return expected
    if len(swarm.get_connections()) >= limits.MAX_CONNECTIONS:
        msg = f"there are {limits.MAX_CONNECTIONS} connections already"
        raise NotNowError(msg)
    try:
        with trio.fail_after(timeout):
            if address.via is not None:
                await dial(swarm, address.via, refusal)
            return await race(await _resolve(address), call.to)
    except trio.TooSlowError:
        msg = f"no answer within {timeout:g} s; is a libp2p peer listening there, and no firewall between?"
        raise DialError(msg) from None


async def upgrade(swarm: Swarm, stream: ReadWriteCloser, address: DialAddress) -> None:
    """Make a connection to a peer, whom `address` names, one of the swarm's. Raises as handshakes do."""
    expected = ID.from_string(cast("str", address.peer_id))
    await _Call(swarm, address, expected, lambda _: "", fresh=True).upgraded(stream)


async def _resolve(address: DialAddress) -> list[str]:
    """Return the IP addresses of the host, through the system's resolver, which knows the hosts file."""
    if address.kind in ("ip4", "ip6") or address.via is not None:
        if (zone := address.host.partition("%")[2]) and not _is_interface(zone):
            msg = f"there is no interface {zone} here"
            raise DialError(msg)
        return [address.host]
    family = {"dns4": socket.AF_INET, "dns6": socket.AF_INET6}.get(address.kind, socket.AF_UNSPEC)
    try:
        infos = await trio.socket.getaddrinfo(address.host, address.port, family, socket.SOCK_STREAM)
    except OSError as error:
        msg = f"the name {address.host} cannot be resolved ({error.strerror or error})"
        raise DialError(msg) from error
    return interleaved(list(dict.fromkeys(str(info[4][0]) for info in infos)))


def _is_interface(zone: str) -> bool:
    """Return whether a zone is an interface of ours: its name, or its number, which the system knows itself."""
    try:
        return zone.isdigit() or bool(socket.if_nametoindex(zone))
    except OSError:
        return False


def interleaved(hosts: Iterable[str]) -> list[str]:
    """Return IP addresses with the two families in turn, each in its order: one of them may lead nowhere (RFC 8305, 4).

    The resolver's first stays the first (RFC 6724).
    """
    families: dict[bool, list[str]] = {}
    for host in hosts:
        families.setdefault(":" in host, []).append(host)
    return [host for both in zip_longest(*families.values()) for host in both if host is not None]


@final
@dataclass(frozen=True, slots=True)
class _Call:
    """One dial: where to, and who is taken there."""

    swarm: Swarm
    address: DialAddress
    expected: ID | None
    refusal: Callable[[ID], str]
    fresh: bool

    def object_to(self, peer_id: ID) -> None:
        """Raise DialError for a peer that is not taken."""
        if peer_id == self.swarm.get_peer_id():
            msg = "this is our own address"
            raise DialError(msg)
        if reason := self.refusal(peer_id):
            raise DialError(reason)

    def is_needless(self, peer_id: ID) -> bool:
        """Return whether a peer is connected already, and that will do."""
        return bool(self.swarm.get_connections(peer_id)) and not self.fresh

    async def to(self, host: str) -> ID:
        """Connect to one IP address, secure, multiplex and register; return who is there. Raises DialError."""
        try:
            if self.address.transport == QUIC:
                return await self._quic(host)
            return await self.upgraded(await self._carrier(host))
        except DialError:
            raise
        except Exception as error:
            raise _explain(error, self.address) from error

    async def _register(self, muxed: Any) -> ID:
        """Add a connection to the swarm: wholly, though another way may win at this moment.

        A swarm that is just stopping starts no connection any more, and add_conn waits for that for ever (0.8.1).
        """
        with trio.CancelScope(shield=True), trio.fail_after(2 * limits.CLOSE_TIMEOUT):
            await self.swarm.add_conn(muxed, direction="outbound")
        peer_id: ID = muxed.peer_id
        return peer_id

    async def _quic(self, host: str) -> ID:
        """Connect over QUIC, which secures and multiplexes by itself, and register the connection."""
        quic: QUICPort | None = getattr(self.swarm, "quic", None)
        if quic is None:
            msg = "on the network library's own classes nothing is dialled over QUIC: take the peer's /tcp address"
            raise DialError(msg)
        conn = await quic.dial(host, self.address.port)
        try:
            if self.expected not in (None, conn.peer_id):
                raise _somebody_else(self.address)  # noqa: TRY301 - what is open is closed below
            self.object_to(conn.peer_id)
            # Also when the peer has called us meanwhile: it has this connection, too, and may be giving up its own.
            return await self._register(conn)
        except BaseException as error:
            if conn.is_closed and isinstance(error, SwarmException):
                raise DialError(_HANGS_UP) from error
            conn.end()
            raise

    async def _carrier(self, host: str) -> ReadWriteCloser:
        """Return what Noise and Yamux are to run over."""
        if self.address.via is not None:
            relays: RelayClient | None = getattr(self.swarm, "relays", None)
            if relays is None:
                msg = "on the network library's own classes nobody is reached through a relay"
                raise DialError(msg)
            try:
                return await relays.connect(self.address.via, cast("ID", self.expected))
            except StreamFaultError as error:
                msg = f"the relay: {error}"
                raise DialError(msg) from error
        if self.address.transport != TCP and not issubclass(_tcp.TrioTCPStream, Carrier):  # type: ignore[attr-defined]
            msg = (
                "on the network library's own classes nothing is dialled over WebSockets: take the peer's /tcp address"
            )
            raise DialError(msg)
        # Not through the library's transport: it takes no zone (fe80::1%eth0) and hides the cause. But with its class
        # of stream: ours, or its own, whichever `library.disarm` has put there.
        stream: ReadWriteCloser = _tcp.TrioTCPStream(await trio.open_tcp_stream(host, self.address.port))  # type: ignore[attr-defined]
        if self.address.transport == TCP:
            return stream
        try:
            return await _websocket(stream, self.address)
        except BaseException:
            await trio.aclose_forcefully(bottom_of(stream))
            raise

    async def upgraded(self, carrier: ReadWriteCloser) -> ID:
        """Secure, multiplex and register a connection."""
        raw = RawConnection(carrier, True)  # noqa: FBT003
        try:
            # Past upgrader.upgrade_security, which insists on an ID: with None, whatever the annotation says, the
            # handshake takes whoever proves one.
            upgrader = self.swarm.upgrader
            secured = await upgrader.security_multistream.secure_outbound(raw, cast("ID", self.expected))
            peer_id: ID = secured.get_remote_peer()
            self.object_to(peer_id)
            # Who has called us meanwhile is past this point with its call, and keeps it: of two that cross one stays.
            if self.is_needless(peer_id):
                await trio.aclose_forcefully(bottom_of(raw))
                return peer_id
            try:
                muxed = await upgrader.upgrade_connection(secured, peer_id)
            except MuxerUpgradeFailure as error:
                raise DialError(_HANGS_UP) from error
            return await self._register(muxed)
        except BaseException:
            await trio.aclose_forcefully(bottom_of(raw))  # at once: the way that was faster waits for it
            raise


async def _websocket(stream: ReadWriteCloser, address: DialAddress) -> ReadWriteCloser:
    """Return the WebSocket on a new connection. Raises DialError."""
    from py_peer.net import websocket  # noqa: PLC0415 - not before somebody is dialled so

    try:
        return await websocket.connect(stream, address)
    except websocket.WebSocketError as error:
        raise DialError(str(error)) from error


def _explain(error: BaseException, address: DialAddress) -> DialError:
    """Return the root of `error`, with a sentence for the user."""
    while True:
        if isinstance(error, DialError):
            return error
        if isinstance(error, PeerIDMismatchesPubkey):
            return _somebody_else(address)
        if isinstance(error, QUICError):
            return DialError(f"no QUIC with who is there: {error}")
        if isinstance(error, OSError) and error.errno in _CAUSES:
            return DialError(_CAUSES[error.errno])
        below = error.__cause__ or (error.exceptions[0] if isinstance(error, BaseExceptionGroup) else None)
        if below is None:
            break
        error = below
    if isinstance(error, OSError) and error.strerror:
        return DialError(error.strerror)
    cause = f"{type(error).__name__}: {error}"
    return DialError(f"what answers there does not speak libp2p with Noise or TLS, and Yamux ({cause})")


def _somebody_else(address: DialAddress) -> SomebodyElseError:
    return SomebodyElseError(f"somebody else answers there, not the peer {address.peer_id}; check the address")


_HANGS_UP: Final = "it hangs up once it knows who we are: it may refuse us for a while"

_CAUSES = {
    errno.ECONNREFUSED: "connection refused: nothing listens there",
    errno.ECONNRESET: "connection reset by the other side",
    errno.EHOSTUNREACH: "no route to this host",
    errno.ENETUNREACH: "this network cannot be reached from here",
    errno.ETIMEDOUT: "no answer",
    errno.EADDRNOTAVAIL: "this address cannot be dialled from here",
}
