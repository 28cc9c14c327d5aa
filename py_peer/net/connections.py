"""Who may connect, and who is connected: admission of inbound connections, and one record a peer.

py-libp2p 0.8.1 holds an inbound slot, and a parked task, until shutdown (network/swarm.py:1999, 2060), so that after
250 inbound connections in a lifetime every further one is refused. `Admission.handle` stands in for the swarm's
handler and gives both back when the connection ends. Pinned by tests/net/test_connections.py.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, final

import trio
from libp2p.abc import INotifee
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.stream_muxer.yamux.yamux import Yamux
from libp2p.tools.anyio_service import LifecycleError

from py_peer.core import limits
from py_peer.core.addresses import leads_through_relay, socket_multiaddr, without_zone
from py_peer.core.ranges import Kind, household_of, kind_of
from py_peer.net.alive import LiveConn, probe
from py_peer.net.closing import layer_of
from py_peer.net.direct_first import put_direct_first
from py_peer.net.relayed_stream import RelayedStream
from py_peer.net.tcp import TCPStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from libp2p.abc import INetConn
    from libp2p.identity.identify.pb.identify_pb2 import Identify
    from libp2p.network.swarm import Swarm
    from libp2p.peer.id import ID

    from py_peer.net.counters import Counters
    from py_peer.net.web_certificate import WebCertificate

_HTTP: Final = b"G"
"""What a request for a WebSocket begins with, and nothing else that belongs on a TCP port of libp2p."""

_TLS: Final = b"\x16"
"""The same for TLS, which otherwise begins behind multistream-select."""


@final
class Admission:
    """Counts the inbound connections, those still shaking hands included, and refuses what is beyond the limits."""

    def __init__(self, swarm: Swarm, counters: Counters) -> None:
        self._swarm = swarm
        self._counters = counters
        self._callers: dict[_Caller, None] = {}
        """Oldest first."""

        self.certificate: WebCertificate | None = None
        """With one TLS is answered, in which a WebSocket is to be asked for."""

    async def handle(self, socket: Any, _listen_address: Any) -> None:
        """Take one inbound connection from handshake to end; the caller closes it. Stands in for the swarm's own."""
        source = source_of(socket)
        if self.reason_to_refuse(source):
            return
        with self._counted(_Caller(source)) as caller:
            with trio.fail_after(limits.HANDSHAKE_TIMEOUT):
                raw = RawConnection(await self._recognised(socket), initiator=False)
                secured = await self._swarm.upgrader.upgrade_security(raw, is_initiator=False)
                muxed = await self._swarm.upgrader.upgrade_connection(secured, secured.get_remote_peer())
            caller.has_finished = True
            await self._stay(muxed)

    async def take(self, muxed: Any, source: str, is_welcome: Callable[[], Awaitable[bool]]) -> None:
        """Take one inbound connection that is multiplexed by itself, from handshake to end; the caller closes it.

        `source` is its IP address. `is_welcome` waits for the end of the handshake and says whether it was a good one.
        """
        with self._counted(_Caller(source)) as caller:
            if await is_welcome():
                caller.has_finished = True
                await self._stay(muxed)

    @contextmanager
    def _counted(self, caller: _Caller) -> Iterator[_Caller]:
        """Count a connection as one of those that live, and what goes wrong with it; leave the block to make room."""
        self._callers[caller] = None
        try:
            with caller.scope:
                yield caller
        except LifecycleError:  # it came while the swarm was stopping, which has closed it (swarm.py:2705, 0.8.1)
            self._counters["refused: the node was stopping"] += 1
        except Exception as error:  # noqa: BLE001 - a stranger's failed handshake
            self._counters.caught(f"handshake with {caller.source}", error)
        finally:
            self._callers.pop(caller, None)

    async def _stay(self, muxed: Any) -> None:
        """Register a connection and wait for its end, which is now, if its peer has enough of them."""
        await self._swarm.add_conn(muxed, direction="inbound")
        older = self._swarm.get_connections(muxed.peer_id)[: limits.MAX_CONNECTIONS_PER_PEER]
        if not any(conn.muxed_conn is muxed for conn in older):
            # The library trims such connections only when they are 20 s old (swarm.py:2871).
            self._counters["refused: too many connections of one peer"] += 1
            await muxed.close()
        await muxed.event_closed.wait()

    async def _recognised(self, socket: Any) -> Any:
        """Return a connection, or the WebSocket on it if that is what its first bytes ask for.

        Raises WebSocketError or TLSError.
        """
        if not isinstance(socket, TCPStream):  # the library's, which cannot look ahead
            return socket
        first = (await socket.peek())[:1]
        if first == _TLS and self.certificate is not None:
            from py_peer.net import tls, websocket  # noqa: PLC0415 - not before somebody asks for one

            return await websocket.accept(await tls.accept(socket, await self.certificate.context()))
        if first == _HTTP:
            from py_peer.net import websocket  # noqa: PLC0415

            return await websocket.accept(socket)
        return socket

    def reason_to_refuse(self, source: str) -> str:
        """Return why a connection from an IP address is not taken now, which is counted, or ""."""
        reason = self._reason_to_refuse(source)
        if reason:
            self._counters[f"refused: {reason}"] += 1
        return reason

    def _reason_to_refuse(self, source: str) -> str:
        if len(self._swarm.get_connections()) >= limits.MAX_CONNECTIONS:
            return "too many connections"
        household = _household(source)
        from_there = [caller for caller in self._callers if caller.household == household]
        full = len(from_there) >= limits.MAX_INBOUND_PER_ADDRESS and not _is_loopback(source)
        if full and not self._make_room(from_there):
            return "too many connections from one address"
        if len(self._callers) >= limits.MAX_INBOUND and not self._make_room(self._callers):
            return "too many inbound connections"
        return ""

    def _make_room(self, callers: Iterable[_Caller]) -> bool:
        """Give up an unfinished handshake, so that who begins many and ends none locks nobody out.

        It is the oldest of those from the household that has the most of them. Its place is free at once: hundreds may
        call before it has noticed.
        """
        unfinished = [caller for caller in callers if not caller.has_finished]
        if not unfinished:
            return False
        ((most, _),) = Counter(caller.household for caller in unfinished).most_common(1)
        oldest = next(caller for caller in unfinished if caller.household == most)
        self._counters["refused: an unfinished handshake made room"] += 1
        del self._callers[oldest]
        oldest.scope.cancel()
        return True


@final
@dataclass(eq=False, slots=True)
class _Caller:
    """One who has connected to us."""

    source: str
    """The IP address; or relay and peer."""

    household: str = field(init=False)
    """All that counts as one with it."""

    has_finished: bool = False
    """Whether the handshake is over."""

    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    """What is done for it."""

    def __post_init__(self) -> None:
        self.household = _household(self.source)


def source_of(stream: Any) -> str:
    """Return what a connection counts as where those from one place are counted: an IP address; or relay and peer."""
    if isinstance(stream, RelayedStream):
        return stream.source
    remote = stream.get_remote_address()
    return remote[0] if remote else ""


def _is_address(source: str) -> bool:
    return bool(source) and "/" not in source


def _household(source: str) -> str:
    return household_of(source) if _is_address(source) else source


def _is_loopback(source: str) -> bool:
    return _is_address(source) and kind_of(source) is Kind.LOOPBACK


@final
@dataclass(slots=True)
class PeerRecord:
    """What is known of a connected peer. Strings are as the peer sent them: not cleaned."""

    peer_id: ID
    address: str
    inbound: bool
    since: float = field(default_factory=time.time)
    """For people; the wall clock may be moved."""

    arrived: float = field(default_factory=trio.current_time)
    rtt: float | None = None
    protocol_version: str = ""
    agent_version: str = ""
    protocols: tuple[str, ...] = ()
    listen: tuple[bytes, ...] = ()
    """Where it says that it listens: binary multiaddrs, the first of them."""

    observed: bytes = b""
    """Where it sees us: a binary multiaddr."""

    said: bytes | None = None
    """Its last identify message, whole; None until one has come."""

    pushed: Identify | None = None
    """The newest of what it has pushed beyond the rate; it is taken note of later."""


@final
class ConnectedPeers(INotifee):
    """One record for each connected peer, however many connections it has."""

    def __init__(
        self,
        on_up: Callable[[PeerRecord], None],
        on_down: Callable[[PeerRecord], None],
        on_ended: Callable[[ID, LiveConn], None],
        on_both: Callable[[ID], None],
        on_moved: Callable[[PeerRecord], None],
    ) -> None:
        """`on_ended` is told of each connection that we ended (`LiveConn.ended` says why), and before `on_down`.

        `on_both` is told of a peer who is connected directly and through a relay, `on_moved` of one who is reached
        directly now and was not before, or the other way round.
        """
        self.records: dict[ID, PeerRecord] = {}
        self._on_up = on_up
        self._on_down = on_down
        self._on_ended = on_ended
        self._on_both = on_both
        self._on_moved = on_moved

    async def connected(self, network: Any, conn: INetConn) -> None:
        """Note a connection; the first one to a peer is told.

        Who connects anew may have lost the older connection without our knowing: started again, or moved to another
        network. Which one is alive is asked at once, so that nothing more is said into the dead one.
        """
        peer_id = conn.muxed_conn.peer_id
        if conn.is_closed:  # before the swarm had it in its books, in which it would stay for good (swarm.py:2655)
            network.remove_conn(conn)
            return
        if peer_id in self.records:
            for other in network.get_connections(peer_id):
                if other is not conn:
                    probe(other, limits.TWIN_TIMEOUT)
            if put_direct_first(network, peer_id):
                self._follow(self.records[peer_id], network.get_connection(peer_id))
                self._on_both(peer_id)
            return
        record = self.records[peer_id] = PeerRecord(peer_id, *_whence(conn))
        self._on_up(record)

    async def disconnected(self, network: Any, conn: INetConn) -> None:
        """Note the end of a connection; the last one of a peer is told."""
        muxed_conn = conn.muxed_conn
        peer_id = muxed_conn.peer_id
        if isinstance(muxed_conn, LiveConn) and muxed_conn.ended:
            self._on_ended(peer_id, muxed_conn)
        if (record := self.records.get(peer_id)) is None:
            return
        if left := network.get_connections(peer_id):
            self._follow(record, left[0])
        else:
            del self.records[peer_id]
            self._on_down(record)

    def _follow(self, record: PeerRecord, conn: INetConn) -> None:
        """Take note over which connection a peer is reached now."""
        before = record.address
        record.address, record.inbound = _whence(conn)
        if leads_through_relay(before) != leads_through_relay(record.address):
            self._on_moved(record)

    async def opened_stream(self, network: Any, stream: Any) -> None:
        """Ignore."""

    async def closed_stream(self, network: Any, stream: Any) -> None:
        """Ignore."""

    async def listen(self, network: Any, multiaddr: Any) -> None:
        """Ignore."""

    async def listen_close(self, network: Any, multiaddr: Any) -> None:
        """Ignore."""


def _whence(conn: INetConn) -> tuple[str, bool]:
    """Return the address of a connection's other end, and whether it is the other end that has called."""
    return remote_multiaddr(conn.muxed_conn), not conn.muxed_conn.is_initiator


def remote_multiaddr(muxed_conn: Any) -> str:
    """Return the other end of a connection as a multiaddr without /p2p; "" when it is gone already."""
    top = layer_of(muxed_conn, RawConnection).stream if isinstance(muxed_conn, Yamux) else muxed_conn
    where: str | None = getattr(top, "where", None)
    return socket_multiaddr(top.get_remote_address()) if where is None else where  # the library's own stream has none


def remote_ip(address: str) -> str:
    """Return the IP address in what `remote_multiaddr` gives, without a zone."""
    return without_zone(address).split("/")[2] if address else ""
