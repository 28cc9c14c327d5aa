"""Where QUIC connections begin: ours, and those of who knocks on our UDP port with a datagram of no connection.

Nothing is kept of a stranger before he has sent a whole first datagram, and when many are at the door, before he has
shown that he gets what is sent to his address. What he is sent is smaller than what he has sent. aioquic forms what is
sent, as in its own server for asyncio.

Spec: RFC 9000, sections 6, 8.1 and 17.2.5. Pinned by tests/net/test_quic_door.py.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from aioquic.buffer import Buffer  # type: ignore[attr-defined]
from aioquic.quic.configuration import SMALLEST_MAX_DATAGRAM_SIZE
from aioquic.quic.packet import (
    QuicPacketType,
    encode_quic_retry,
    encode_quic_version_negotiation,
    pull_quic_header,
)
from aioquic.quic.retry import QuicRetryTokenHandler

from py_peer.net.certificates import make_certificate
from py_peer.net.quic_connection import QUICConnection
from py_peer.net.quic_engine import CONNECTION_ID, VERSIONS, Engine, configuration

if TYPE_CHECKING:
    from collections.abc import Callable

    from aioquic.quic.packet import QuicHeader
    from libp2p.crypto.keys import PrivateKey

_SHORTEST_FIRST_ID: Final = 8
"""Bytes of the connection ID that who calls makes up (RFC 9000, 7.2)."""

Beginning: TypeAlias = "Callable[..., QUICConnection]"
"""Makes a connection, of its other arguments than the first."""


@final
class Door:
    """Makes the connections of a node, and looks at who knocks."""

    def __init__(self, host_key: PrivateKey) -> None:
        self._tokens = QuicRetryTokenHandler()
        own = make_certificate(host_key)
        self._calls = configuration(own, dials=True)
        self._answers = configuration(own, dials=False)

    def outward(self) -> Beginning:
        """Return the beginning of a connection of ours."""
        return partial(QUICConnection, partial(Engine, configuration=self._calls))

    def _inward(self, **caller: Any) -> Beginning:
        return partial(QUICConnection, partial(Engine, configuration=self._answers, **caller))

    def look(self, data: bytes, address: tuple[Any, ...], now: float, *, crowded: bool) -> bytes | Beginning | None:
        """Return a datagram to answer with, or the beginning of a connection, or None for neither.

        `address` is whence it came. When it is `crowded`, who calls is asked to call again, with what we answer.
        """
        try:
            header = pull_quic_header(Buffer(data=data), CONNECTION_ID)
        except ValueError:
            return None
        calls = header.version is not None and header.packet_type != QuicPacketType.VERSION_NEGOTIATION
        if not calls or len(data) < SMALLEST_MAX_DATAGRAM_SIZE:
            return None
        if header.version not in VERSIONS:
            return encode_quic_version_negotiation(
                source_cid=header.destination_cid, destination_cid=header.source_cid, supported_versions=list(VERSIONS)
            )
        if header.packet_type != QuicPacketType.INITIAL or len(header.destination_cid) < _SHORTEST_FIRST_ID:
            return None
        if crowded and not header.token:
            return self._call_again(header, address, now)
        return self._admitted(header, address, now)

    def _call_again(self, header: QuicHeader, address: tuple[Any, ...], now: float) -> bytes:
        own_id = os.urandom(CONNECTION_ID)
        token = self._tokens.create_token(
            address=address,
            original_destination_connection_id=header.destination_cid,
            retry_source_connection_id=own_id,
            now=now,
        )
        return encode_quic_retry(
            version=VERSIONS[0],
            source_cid=own_id,
            destination_cid=header.source_cid,
            original_destination_cid=header.destination_cid,
            retry_token=token,
        )

    def _admitted(self, header: QuicHeader, address: tuple[Any, ...], now: float) -> Beginning | None:
        if not header.token:
            return self._inward(original_destination_connection_id=header.destination_cid)
        try:
            original = self._tokens.validate_token(
                address=address, destination_cid=header.destination_cid, token=header.token, now=now
            )
        except ValueError:
            return None
        return self._inward(
            original_destination_connection_id=original, retry_source_connection_id=header.destination_cid
        )
