"""The proxy that plays a bad line does what it is told, and loses nothing of what it passes on."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.net.support import dial_address, member, trio_test, until
from tests.network.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 5.0
DATA = random.Random(1).randbytes(20_000)


@pytest.fixture
def echo() -> Iterator[int]:
    """Give the port of a server that sends back what it gets, to one after the other."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    conn, _ = server.accept()
                    with conn, contextlib.suppress(OSError):
                        while data := conn.recv(65_536):
                            conn.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def line(proxy: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), SECONDS) as conn:
        yield conn


def there_and_back(conn: socket.socket, data: bytes) -> tuple[list[bytes], float]:
    """Send `data`; return the pieces in which it came back, and the seconds that took."""
    start = time.monotonic()
    conn.sendall(data)
    pieces: list[bytes] = []
    while sum(map(len, pieces)) < len(data):
        pieces.append(conn.recv(65_536))
        assert pieces[-1]
    return pieces, time.monotonic() - start


def test_each_direction_is_late_and_keeps_the_order(echo: int) -> None:
    with Proxy(echo) as proxy, line(proxy) as conn:
        proxy.both(delay=0.1, jitter=0.05)
        pieces, seconds = there_and_back(conn, DATA)
        assert b"".join(pieces) == DATA
        assert 0.1 <= seconds < 0.1 + 0.2 + 1.0
        proxy.both(delay=0.0, jitter=0.0)
        assert there_and_back(conn, b"x")[1] < 0.1


def test_slices_arrive_as_slices_and_whole(echo: int) -> None:
    with Proxy(echo) as proxy, line(proxy) as conn:
        proxy.back.slice_bytes = 1
        pieces, _ = there_and_back(conn, DATA[:5_000])
        assert b"".join(pieces) == DATA[:5_000]
        assert len(pieces) > 5  # a reader who is slow finds several at once


def test_a_narrow_line_takes_its_time(echo: int) -> None:
    with Proxy(echo) as proxy, line(proxy) as conn:
        proxy.there.rate = 50_000
        assert 0.4 <= there_and_back(conn, DATA)[1] < 0.4 + 1.0


def test_silence_takes_everything_and_passes_it_on_when_it_ends(echo: int) -> None:
    with Proxy(echo) as proxy, line(proxy) as conn:
        proxy.both(silent=True)
        conn.sendall(DATA)
        conn.settimeout(0.2)
        with pytest.raises(TimeoutError):
            conn.recv(1)
        conn.settimeout(SECONDS)
        proxy.both(silent=False)
        assert b"".join(there_and_back(conn, b"x")[0]).startswith(DATA[:1])


def test_a_reset_ends_both_sides_at_once_and_the_next_connection_is_taken(echo: int) -> None:
    with Proxy(echo) as proxy:
        with line(proxy) as conn:
            there_and_back(conn, b"x")
            proxy.reset()
            with pytest.raises(ConnectionResetError):
                conn.recv(1)
        with line(proxy) as conn:
            there_and_back(conn, b"x")
        assert (proxy.accepted, proxy.resets) == (2, 1)


def test_a_connection_lives_as_long_as_it_is_given(echo: int) -> None:
    with Proxy(echo, life=0.05) as proxy, line(proxy) as conn, pytest.raises(ConnectionResetError):
        conn.recv(1)


def test_with_nobody_behind_it_a_call_is_ended(echo: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with Proxy(port) as proxy, line(proxy) as conn:
        assert conn.recv(1) == b""


@trio_test
async def test_two_peers_meet_and_talk_over_a_line_of_single_bytes() -> None:
    """py-libp2p 0.8.1 gives a message up, and the connection with it, that comes in more than 101 pieces."""
    async with member(loopback=True) as one, member(loopback=True) as other:
        with Proxy(one.port) as proxy:
            proxy.both(slice_bytes=1)
            await other.node.dial(dial_address("127.0.0.1", proxy.port))
            await until(lambda: other.id in one.node.pubsub.room() and one.id in other.node.pubsub.room())
            await other.say(b"x" * 1_000)
            await one.say(b"y" * 1_000)
            await until(lambda: one.texts() == [b"x" * 1_000] and other.texts() == [b"y" * 1_000])
