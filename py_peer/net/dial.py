"""Dialling: one address, one deadline, one cause that a person understands.

The library's own `connect` (0.8.1) takes at least 250 ms, has no deadline, tries one address per transport and then
refuses the peer for 60 s (network/swarm.py:114, 886); its resolver does not know the hosts file, so that `localhost`
leaves the machine; and it cannot dial an address without /p2p. Pinned by tests/net/test_dial.py.
"""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, cast

import libp2p.transport.tcp.tcp as _tcp
import trio
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.peer.id import ID
from libp2p.security.noise.exceptions import PeerIDMismatchesPubkey
from libp2p.transport.exceptions import MuxerUpgradeFailure

from py_peer.core import limits
from py_peer.core.addresses import QUIC, RELAY, TCP

if TYPE_CHECKING:
    from collections.abc import Callable

    from libp2p.io.abc import ReadWriteCloser
    from libp2p.network.swarm import Swarm

    from py_peer.core.addresses import DialAddress


class DialError(Exception):
    """A dial failed; the text says why, in words for the user."""


class NotNowError(DialError):
    """Nothing was dialled, because of a limit of our own that time lifts; it says nothing of who is there."""


class SomebodyElseError(DialError):
    """Another peer is there than the one that was looked for."""


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
    _refuse_ourselves(swarm, expected)
    if expected is not None:
        if reason := refusal(expected):
            raise DialError(reason)
        if swarm.get_connections(expected) and not fresh:
            return expected
    if len(swarm.get_connections()) >= limits.MAX_CONNECTIONS:
        msg = f"there are {limits.MAX_CONNECTIONS} connections already"
        raise NotNowError(msg)
    try:
        with trio.fail_after(timeout):
            hosts = await _resolve(address)
            errors: list[DialError] = []
            for host in hosts:
                try:
                    return await _dial_ip(swarm, host, address, expected, refusal, fresh=fresh)
                except Exception as error:  # noqa: BLE001 - the next address may answer
                    errors.append(_explain(error, address))
    except trio.TooSlowError:
        msg = f"no answer within {timeout:g} s; is a libp2p peer listening there, and no firewall between?"
        raise DialError(msg) from None
    kind = SomebodyElseError if all(isinstance(error, SomebodyElseError) for error in errors) else DialError
    raise kind("; ".join(dict.fromkeys(map(str, errors))))


def _refuse_ourselves(swarm: Swarm, peer_id: ID | None) -> None:
    if peer_id == swarm.get_peer_id():
        msg = "this is our own address"
        raise DialError(msg)


async def _resolve(address: DialAddress) -> list[str]:
    """Return the IP addresses of the host, through the system's resolver, which knows the hosts file."""
    if address.kind in ("ip4", "ip6"):
        return [address.host]
    family = {"dns4": socket.AF_INET, "dns6": socket.AF_INET6}.get(address.kind, socket.AF_UNSPEC)
    try:
        infos = await trio.socket.getaddrinfo(address.host, address.port, family, socket.SOCK_STREAM)
    except OSError as error:
        msg = f"the name {address.host} cannot be resolved ({error.strerror or error})"
        raise DialError(msg) from error
    return list(dict.fromkeys(str(info[4][0]) for info in infos))


async def _dial_ip(  # noqa: PLR0913 - what a dial is
    swarm: Swarm,
    host: str,
    address: DialAddress,
    expected: ID | None,
    refusal: Callable[[ID], str],
    *,
    fresh: bool,
) -> ID:
    """Connect, secure, multiplex and register one connection."""
    if address.transport in (QUIC, RELAY):
        msg = f"this version does not dial /{address.transport}: take the peer's /tcp address"
        raise DialError(msg)
    # Not through the library's transport: it takes no zone (fe80::1%eth0) and hides the cause. But with its class of
    # stream: ours, or its own, whichever `library.disarm` has put there.
    stream = _tcp.TrioTCPStream(await trio.open_tcp_stream(host, address.port))  # type: ignore[attr-defined]
    raw = RawConnection(stream, True)  # noqa: FBT003
    try:
        if address.transport != TCP:
            raw.stream = await _websocket(stream, address)
        # Past upgrader.upgrade_security, which insists on an ID: with None, whatever the annotation says, the Noise
        # handshake takes whoever proves one.
        secured = await swarm.upgrader.security_multistream.secure_outbound(raw, cast("ID", expected))
        peer_id: ID = secured.get_remote_peer()
        _refuse_ourselves(swarm, peer_id)
        if reason := refusal(peer_id):
            raise DialError(reason)  # noqa: TRY301 - what is open is closed below, whatever the reason
        if swarm.get_connections(peer_id) and not fresh:
            await raw.close()
            return peer_id
        try:
            muxed = await swarm.upgrader.upgrade_connection(secured, peer_id)
        except MuxerUpgradeFailure as error:
            msg = "it hangs up once it knows who we are: it may refuse us for a while"
            raise DialError(msg) from error
        await swarm.add_conn(muxed, direction="outbound")
    except BaseException:
        with trio.CancelScope(shield=True), trio.move_on_after(limits.CLOSE_TIMEOUT):
            await raw.close()
        raise
    return peer_id


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
            return SomebodyElseError(f"somebody else answers there, not the peer {address.peer_id}; check the address")
        if isinstance(error, OSError) and error.errno in _CAUSES:
            return DialError(_CAUSES[error.errno])
        below = error.__cause__ or (error.exceptions[0] if isinstance(error, BaseExceptionGroup) else None)
        if below is None:
            break
        error = below
    if isinstance(error, OSError) and error.strerror:
        return DialError(error.strerror)
    return DialError(f"what answers there does not speak libp2p with Noise and Yamux ({type(error).__name__}: {error})")


_CAUSES = {
    errno.ECONNREFUSED: "connection refused: nothing listens there",
    errno.ECONNRESET: "connection reset by the other side",
    errno.EHOSTUNREACH: "no route to this host",
    errno.ENETUNREACH: "this network cannot be reached from here",
    errno.ETIMEDOUT: "no answer",
    errno.EADDRNOTAVAIL: "this address cannot be dialled from here",
}
