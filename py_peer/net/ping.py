"""Ping: how far a peer is. Whether its connection is alive at all is seen by the muxer (`py_peer.net.muxer`).

py-libp2p 0.8.1's PingService rounds to whole milliseconds.

Spec: https://github.com/libp2p/specs/blob/master/ping/ping.md
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Final

import trio
from libp2p.custom_types import TProtocol
from libp2p.io.utils import read_exactly
from libp2p.network.stream.exceptions import StreamError

from py_peer.core import limits
from py_peer.net.streams import NotSupportedError, is_not_supported

if TYPE_CHECKING:
    from libp2p.abc import IHost, INetStream
    from libp2p.peer.id import ID

PING: Final = TProtocol("/ipfs/ping/1.0.0")
PING_BYTES: Final = 32


class WrongAnswerError(Exception):
    """The answer to a ping is not what was sent."""


async def ping(host: IHost, peer_id: ID, timeout: float = limits.PING_TIMEOUT) -> float:  # noqa: ASYNC109
    """Return the round-trip time to a connected peer, in seconds.

    Raises trio.TooSlowError when nothing came back within `timeout` seconds, NotSupportedError (the Rust peer speaks no
    ping), WrongAnswerError or a stream's error.
    """
    with trio.fail_after(timeout):
        try:
            stream = await host.new_stream(peer_id, [PING])
        except Exception as error:
            if is_not_supported(error):
                raise NotSupportedError("it speaks no ping") from error
            raise
        try:
            payload = secrets.token_bytes(PING_BYTES)
            sent = time.perf_counter()
            await stream.write(payload)
            if await read_exactly(stream, PING_BYTES) != payload:
                raise WrongAnswerError
            return time.perf_counter() - sent
        finally:
            with trio.CancelScope(shield=True), trio.move_on_after(limits.CLOSE_TIMEOUT):
                await stream.reset()


async def answer_pings(stream: INetStream) -> None:
    """Send back what a peer sends, 32 bytes at a time, until it stops or is silent for a minute."""
    try:
        while True:
            with trio.fail_after(6 * limits.PING_INTERVAL):
                payload = await read_exactly(stream, PING_BYTES)
            with trio.fail_after(limits.PING_PATIENCE):
                await stream.write(payload)
    except (StreamError, trio.TooSlowError):
        pass
    finally:
        with trio.CancelScope(shield=True), trio.move_on_after(limits.CLOSE_TIMEOUT):
            await stream.reset()
