"""What goes through a WebSocket, with TLS or without, comes out as it went in; whatever else comes ends it alone."""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from libp2p.io.exceptions import ConnectionClosedError

from py_peer.core import limits
from py_peer.core.addresses import parse_dial_address
from py_peer.net import tls, websocket
from py_peer.net.dial import DialError
from py_peer.net.tcp import TCPStream
from py_peer.net.web_certificate import WebCertificate
from tests.net.pipes import Socket, Way
from tests.net.support import member, together, trio_test, until
from tests.web_certificates import sign_itself

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

WS = parse_dial_address("/ip4/192.0.2.7/tcp/4001/ws")
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
MASK = bytes(4)
"""Zeros: what is sent under it is what it was."""


def ends(parts: Sequence[int] = ()) -> tuple[Any, Any]:
    """Return both ends of a connection, over which bytes come in such parts."""
    there, back = Way(parts=parts), Way(parts=parts)
    return TCPStream(Socket(back, there)), TCPStream(Socket(there, back))  # type: ignore[arg-type]


async def both(*tasks: Callable[[], Awaitable[Any]]) -> list[Any]:
    """Run side by side; return what they return."""
    found: list[Any] = [None] * len(tasks)

    async def run(index: int) -> None:
        found[index] = await tasks[index]()

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            for index in range(len(tasks)):
                nursery.start_soon(run, index)
    return found


async def opened(parts: Sequence[int] = ()) -> tuple[Any, Any]:
    client, server = ends(parts)
    return tuple(await both(partial(websocket.connect, client, WS), partial(websocket.accept, server)))


async def asked(data: bytes) -> tuple[Any, Any]:
    """Return our end, which has accepted, and the raw other end, which has said `data` after its request."""
    ours, theirs = ends()
    stream, _ = await both(partial(websocket.accept, ours), partial(theirs.write, REQUEST))
    await theirs.read()
    await theirs.write(data)
    return stream, theirs


def frame(opcode: int, body: bytes = b"", *, length: int | None = None, last: bool = True) -> bytes:
    """Return a frame as a client sends it."""
    size = len(body) if length is None else length
    short = size if size < 126 else 127
    return bytes([last << 7 | opcode, 0x80 | short]) + (size.to_bytes(8) if short == 127 else b"") + MASK + body


@settings(deadline=None, max_examples=40)
@given(
    texts=st.lists(st.binary(max_size=3_000), max_size=6),
    parts=st.lists(st.integers(1, 2_000), max_size=5),
    most=st.integers(1, 5_000),
)
def test_what_is_written_is_read_in_order_in_whatever_parts_it_comes(
    texts: list[bytes], parts: list[int], most: int
) -> None:
    async def scene() -> None:
        for writer, reader in [ends := await opened(parts), ends[::-1]]:
            for text in texts:
                await writer.write(text)
            read = b""
            while len(read) < len(b"".join(texts)):
                read += await reader.read(most)
            assert read == b"".join(texts)
        await ends[0].close()
        assert await ends[1].read() == b""
        await ends[1].write(b"nobody hears it")
        await ends[1].close()

    trio.run(scene)


@trio_test
async def test_who_is_cancelled_while_he_writes_or_reads_breaks_nothing() -> None:
    one, other = await opened([7])
    for _ in range(5):
        with trio.CancelScope() as scope:
            scope.cancel()
            await one.write(b"begun, ")
        with trio.CancelScope() as scope:
            scope.cancel()
            await other.read(3)
    await one.write(b"the end")
    read = b""
    while not read.endswith(b"the end"):
        read += await other.read(4)
    assert read == b"begun, " * 5 + b"the end"


@trio_test
async def test_of_a_frame_without_end_what_has_come_is_handed_on() -> None:
    stream, _ = await asked(frame(2, b"a beginning", length=(1 << 63) - 1))
    assert await stream.read() == b"a beginning"


@trio_test
async def test_pings_are_answered_and_are_no_content() -> None:
    stream, theirs = await asked(frame(9, b"one") + frame(9, b"two") + frame(10, b"?") + frame(2, b"content"))
    assert await stream.read() == b"content"
    assert await theirs.read() == b"\x8a\x03two"


@trio_test
async def test_a_close_is_an_end_and_is_answered() -> None:
    stream, theirs = await asked(frame(2, b"the last") + frame(8, b"\x03\xe8"))
    assert await stream.read() == b"the last"
    assert await stream.read() == b""
    assert await theirs.read() == b"\x88\x02\x03\xe8"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(frame(1, b"text"), id="text"),
        pytest.param(frame(3, b"?"), id="an opcode that there is not"),
        pytest.param(b"\x82\x01x", id="not masked"),
        pytest.param(frame(9, bytes(200)), id="a long ping"),
        pytest.param(frame(0, b"more"), id="a continuation of nothing"),
        pytest.param(b"\xf2\x80" + MASK, id="reserved bits"),
        pytest.param(frame(8, b"\x03"), id="half a close"),
    ],
)
@trio_test
async def test_what_breaks_the_rules_ends_the_connection(data: bytes) -> None:
    stream, theirs = await asked(data)
    with suppress(ConnectionClosedError):
        assert await stream.read() == b""
    await stream.close()
    assert (await theirs.read())[:1] == b"\x88"


EMPTY = [frame(2), frame(9), frame(10, b"?"), frame(2, last=False) + frame(0)]


@pytest.mark.parametrize("nothing", EMPTY)
@trio_test
async def test_who_sends_nothing_but_empty_frames_is_not_read_on(nothing: bytes) -> None:
    stream, _ = await asked(nothing * (limits.EMPTY_FRAMES + 1))
    with pytest.raises(ConnectionClosedError, match="nothing but empty frames"):
        await stream.read()


@trio_test
async def test_some_empty_frames_between_others_do_no_harm() -> None:
    stream, _ = await asked((b"".join(EMPTY) * 20 + frame(2, b"x")) * 100)
    read = b""
    while len(read) < 100:
        read += await stream.read()
    assert read == b"x" * 100


@trio_test
async def test_others_have_their_turn_while_thousands_of_small_frames_are_read() -> None:
    stream, _ = await asked(frame(2, b"x") * 10_000)
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(take_turns)
            read = b""
            while len(read) < 10_000:
                read += await stream.read()
            nursery.cancel_scope.cancel()
    assert turns > 100


@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=300), parts=st.lists(st.integers(1, 50), max_size=3))
def test_any_bytes_raise_what_the_layers_above_expect(data: bytes, parts: list[int]) -> None:
    async def scene() -> None:
        ours, theirs = ends(parts)
        await theirs.write(b"G" + data)
        theirs.stream.socket._outward.end()
        with pytest.raises(websocket.WebSocketError):
            await websocket.accept(ours)
        stream, theirs = await asked(data)
        theirs.stream.socket._outward.end()
        try:
            while await stream.read():
                pass
        except ConnectionClosedError:
            pass

    trio.run(scene)


@trio_test
async def test_a_browser_that_asks_for_a_page_is_told_that_there_is_none() -> None:
    ours, theirs = ends()
    await theirs.write(b"GET /index.html HTTP/1.1\r\nHost: here\r\n\r\n")
    with pytest.raises(websocket.WebSocketError):
        await websocket.accept(ours)
    assert (await theirs.read()).startswith(b"HTTP/1.1 400 ")


# --- Nodes -------------------------------------------------------------------------------------------------------


@trio_test
async def test_a_room_over_a_websocket_on_the_tcp_port() -> None:
    async with member() as a, member() as b, member() as c:
        await a.node.dial(parse_dial_address(f"/ip4/127.0.0.1/tcp/{b.port}/ws/p2p/{b.id}"))
        await a.dial(c)
        await together(a, b)
        assert [record.address for record in a.node.peers.records.values()] == [
            f"/ip4/127.0.0.1/tcp/{b.port}/ws",
            f"/ip4/127.0.0.1/tcp/{c.port}",
        ]
        await a.say(b"over both")
        await until(lambda: b.texts() == c.texts() == [b"over both"])
        await b.say(b"and back")
        await until(lambda: a.texts() == [b"and back"])


@trio_test
async def test_where_no_websocket_is_offered_that_is_said() -> None:
    async def answer(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    async with member() as a, trio.open_nursery() as nursery:
        listeners: Any = await nursery.start(partial(trio.serve_tcp, answer, 0, host="127.0.0.1"))
        with pytest.raises(DialError, match="no WebSocket"):
            await a.node.dial(parse_dial_address(f"/ip4/127.0.0.1/tcp/{listeners[0].socket.getsockname()[1]}/ws"))
        nursery.cancel_scope.cancel()


# --- TLS ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return sign_itself(tmp_path_factory.mktemp("certificate"), "192.0.2.7")


async def answer_tls(below: Any, certificate: tuple[Path, Path]) -> tls.TLSStream:
    """Answer who has begun TLS."""
    return await tls.accept(below, await WebCertificate(*certificate).context())


@asynccontextmanager
async def secured(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, host: str = "192.0.2.7", parts: Sequence[int] = ()
) -> AsyncIterator[tuple[Any, Any]]:
    """Give both ends of TLS; the client trusts the certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    client, server = ends(parts)
    one, other = await both(partial(tls.connect, client, host), partial(answer_tls, server, certificate))
    yield one, other


@pytest.mark.parametrize("parts", [(), (1, 100, 5_000)])
@trio_test
async def test_what_goes_through_tls_comes_out_as_it_went_in(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, parts: tuple[int, ...]
) -> None:
    body = bytes(range(256)) * 500
    async with secured(certificate, monkeypatch, parts=parts) as (client, server):
        for writer, reader in ((client, server), (server, client)):
            with trio.CancelScope() as scope:
                scope.cancel()
                await writer.write(body)
            await writer.write(body)
            read = b""
            while len(read) < 2 * len(body):
                read += await reader.read(30_000)
            assert read == 2 * body
        await client.close()
        assert await server.read() == b""
        await server.close()


@trio_test
async def test_a_certificate_for_somebody_else_is_refused_and_both_are_told(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    client, server = ends()

    async def refused(open_tls: Callable[[], Awaitable[Any]]) -> str:
        with pytest.raises(tls.TLSError) as caught:
            await open_tls()
        return str(caught.value)

    told = await both(
        partial(refused, partial(tls.connect, client, "192.0.2.8")),
        partial(refused, partial(answer_tls, server, certificate)),
    )
    assert told[0].startswith("the certificate of 192.0.2.8 is for another IP address")
    assert "ALERT" in told[1].upper()


@trio_test
async def test_what_is_no_tls_any_more_ends_the_connection(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with secured(certificate, monkeypatch) as (client, server):
        await client.stream.write(b"\x17\x03\x03\x00\x20" + bytes(32))
        with pytest.raises(ConnectionClosedError):
            await server.read()
        with pytest.raises((ConnectionClosedError, ssl.SSLError)):
            await client.read()
