"""One libp2p host, put together by hand: Noise or TLS, Yamux, TCP, and nothing that the library would add by itself."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, final

from libp2p import new_swarm
from libp2p.abc import ISecureTransport
from libp2p.crypto.x25519 import create_new_key_pair as new_x25519
from libp2p.custom_types import TProtocol
from libp2p.host.basic_host import BasicHost
from libp2p.network.config import ConnectionConfig, RetryConfig
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX
from libp2p.stream_muxer.yamux.yamux import Yamux
from libp2p.transport.tcp.tcp import TCP

from py_peer.core import limits
from py_peer.net.connections import Admission
from py_peer.net.guard import guarded
from py_peer.net.identify import IDENTIFY, identify_handler
from py_peer.net.noise import NoiseTransport
from py_peer.net.ping import PING, answer_pings

if TYPE_CHECKING:
    from collections.abc import Callable

    from libp2p.abc import IRawConnection, ISecureConn
    from libp2p.crypto.keys import KeyPair
    from libp2p.peer.id import ID
    from multiaddr import Multiaddr

    from py_peer.net.bans import Bans
    from py_peer.net.counters import Counters

TLS: Final = "/tls/1.0.0"


def make_host(
    key_pair: KeyPair,
    advertised: Callable[[], list[Multiaddr]],
    counters: Counters,
    bans: Bans,
    *,
    stock: bool = False,
) -> BasicHost:
    """Return a host that does not run yet. `advertised` gives the addresses that others are told.

    With `stock` its Noise is the library's own, and it has no TLS. Not through `libp2p.new_host`, which would accept
    plaintext and secio connections.
    """
    security: Any = {NOISE: (Transport if stock else NoiseTransport)(key_pair, new_x25519().private_key)}
    if not stock:
        security[TLS] = _LateTLS(key_pair)  # behind Noise, which costs less
    swarm: Any = new_swarm(
        key_pair=key_pair,
        sec_opt=security,
        muxer_opt={TProtocol(YAMUX): Yamux},  # the library adds Mplex, which nobody needs and which has no limits
        transports=[TCP()],
        connection_config=ConnectionConfig(
            min_connections=0,
            low_watermark=0,
            high_watermark=limits.MAX_CONNECTIONS,
            max_connections=limits.MAX_CONNECTIONS,
            max_connections_per_peer=limits.MAX_CONNECTIONS_PER_PEER,
            inbound_upgrade_timeout=limits.HANDSHAKE_TIMEOUT,
            outbound_upgrade_timeout=limits.HANDSHAKE_TIMEOUT,
            inbound_stream_protocol_negotiation_timeout=limits.HANDSHAKE_TIMEOUT,
            # The answer may wait behind a flood; who gives none at all is cut by the muxer long before.
            outbound_stream_protocol_negotiation_timeout=limits.PING_PATIENCE,
        ),
        retry_config=RetryConfig(max_retries=0),
    )
    # Its limits are its own, and it remembers the rate of every peer that ever came (rcmgr/manager.py:220).
    swarm.set_resource_manager(None)
    host = BasicHost(
        swarm,
        addrs_factory=lambda _: advertised(),
        # Others' word on our address is taken up with NAT traversal; until then it is only memory.
        disable_identify_address_discovery=True,
    )
    # Identify is asked by `Node`, with a limit; the library's own is not.
    host._schedule_identify = lambda *_, **__: None  # type: ignore[method-assign] # noqa: SLF001 - no parameter for it
    host.set_stream_handler(IDENTIFY, identify_handler(host))
    host.set_stream_handler(PING, answer_pings)
    swarm.set_stream_handler(guarded(host._swarm_stream_handler, counters, bans))  # noqa: SLF001
    swarm.auto_connector = _NoAutoConnector()
    swarm.admission = Admission(swarm, counters)
    swarm._handle_inbound_connection = swarm.admission.handle  # noqa: SLF001
    bans.guard(swarm)
    return host


@final
class _LateTLS(ISecureTransport):
    """TLS, which is imported when somebody wants it: most never meet a peer without Noise."""

    def __init__(self, key_pair: KeyPair) -> None:
        self._key_pair = key_pair

    @cached_property
    def _transport(self) -> ISecureTransport:
        from py_peer.net.libp2p_tls import TLSTransport  # noqa: PLC0415 - 7 ms, and OpenSSL

        return TLSTransport(self._key_pair)

    async def secure_inbound(self, conn: IRawConnection) -> ISecureConn:
        """Shake hands with who dialled us. Raises HandshakeFailure, or as the connection does."""
        return await self._transport.secure_inbound(conn)

    async def secure_outbound(self, conn: IRawConnection, peer_id: ID) -> ISecureConn:
        """Shake hands with whom we dialled. Raises HandshakeFailure, or as the connection does."""
        return await self._transport.secure_outbound(conn, peer_id)


@final
class _NoAutoConnector:
    """Dials nobody.

    The library's reconnects whoever was let go, to half of the high watermark (network/auto_connector.py:262).
    """

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing."""

    async def run_background_task(self, nursery: object) -> None:
        """Do nothing."""

    async def maybe_connect(self) -> None:
        """Do nothing."""

    def record_disconnect(self, peer_id: object) -> None:
        """Do nothing."""
