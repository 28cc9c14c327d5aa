"""Who opens five hundred connections to a peer and begins handshakes on them, none of which is ever finished."""

from __future__ import annotations

from contextlib import suppress
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final, final

import trio
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

from tests.network.inside import running_in
from tests.network.namespaces import INTERFACE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractContextManager

    from tests.network.namespaces import Host
    from tests.network.peers import Peer

CONNECTIONS: Final = 500
PAUSE: Final = 1.0
"""Seconds after which whoever was refused calls again."""

_BEGIN: Final = b"\x13/multistream/1.0.0\n"


async def _silence(_: trio.SocketStream) -> None:
    """Say nothing."""


async def _drops(stream: trio.SocketStream) -> None:
    """Say one byte each five seconds."""
    for byte in cycle(_BEGIN):
        await stream.send_all(bytes([byte]))
        await trio.sleep(5)


async def _half_noise(stream: trio.SocketStream) -> None:
    await stream.send_all(_BEGIN + b"\x07/noise\n" + b"\0\x20" + bytes(16))


async def _half_tls(stream: trio.SocketStream) -> None:
    await stream.send_all(_BEGIN + b"\x0b/tls/1.0.0\n" + b"\x16\x03\x01\x3f\xff\x01\0\x3f\xfb\x03\x03" + bytes(8_000))


async def _half_websocket(stream: trio.SocketStream) -> None:
    await stream.send_all(b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nX-Long: " + bytes(100).hex().encode())


_WAYS: Final[tuple[Callable[[trio.SocketStream], Awaitable[None]], ...]] = (
    _silence,
    _drops,
    _half_noise,
    _half_tls,
    _half_websocket,
)


@final
class Flood:
    """Five hundred connections from one host, half of them from one address, the others from forty; of QUIC, too."""

    def __init__(self, host: Host, victim: Peer) -> None:
        self.calls = 0
        """How many connections were made."""

        self.words = 0
        """How many QUIC connections were begun."""

        self._host = host
        self._victim = victim
        self._from: list[str] = []
        for number in range(100, 140):
            other = host.bridge.address(number)
            host.space.run("ip", "address", "add", f"{other}/24", "dev", INTERFACE)
            self._from += [host.address, other]

    def running(self) -> AbstractContextManager[None]:
        """Go on until the end of the block."""
        return running_in(self._host, self._run)

    async def _run(self) -> None:
        async with trio.open_nursery() as nursery:
            for source in self._from[1::2]:
                nursery.start_soon(self._half_quic, source)
            for source, way, _ in zip(cycle(self._from), cycle(_WAYS), range(CONNECTIONS), strict=False):
                nursery.start_soon(self._call_again_and_again, way, source)

    async def _call_again_and_again(self, way: Any, source: str) -> None:
        while True:
            with suppress(OSError):
                stream = await trio.open_tcp_stream(self._victim.host, self._victim.port, local_address=source)
                self.calls += 1
                async with stream, trio.open_nursery() as nursery:
                    nursery.start_soon(self._say, way, stream)
                    with suppress(trio.BrokenResourceError):
                        while await stream.receive_some():
                            pass
                    nursery.cancel_scope.cancel()
            await trio.sleep(PAUSE)

    async def _say(self, way: Any, stream: trio.SocketStream) -> None:
        """Say something to somebody who may hang up meanwhile."""
        with suppress(trio.BrokenResourceError):
            await way(stream)

    async def _half_quic(self, source: str) -> None:
        """Say the first word of QUIC again and again, each time of another connection."""
        with trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM) as wire:
            await wire.bind((source, 0))
            while True:
                caller = QuicConnection(configuration=QuicConfiguration(alpn_protocols=["libp2p"]))
                caller.connect((self._victim.host, self._victim.port), now=0.0)
                with suppress(OSError):
                    await wire.sendto(caller.datagrams_to_send(now=0.0)[0][0], (self._victim.host, self._victim.port))
                    self.words += 1
                await trio.sleep(PAUSE)
