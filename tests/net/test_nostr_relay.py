"""A relay of Nostr, as its client: a real one, and those that only say that they are one."""

from __future__ import annotations

import ssl
import time
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio

from py_peer.core import limits_nostr
from py_peer.core.nostr import read_event, sign_event
from py_peer.core.nostr_messages import (
    EventHeard,
    Filter,
    RelayNotice,
    StoredEnd,
    event_message,
    parse_relay_url,
    request_message,
)
from py_peer.net.nostr_relay import RelayError, fetch, open_relay, publish
from py_peer.net.nostr_stream import pace_of_all
from tests.nostr_relay import LocalRelay, in_time, pretending
from tests.web_certificates import sign_itself

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from trio_websocket import WebSocketConnection

    from py_peer.core.nostr import NostrEvent
    from py_peer.core.nostr_messages import RelayURL

DEADLINE = 20.0
SECRET = b"\x01" * 32
NOW = int(time.time())


def event(text: str = "hello", **more: Any) -> NostrEvent:
    return replace(sign_event(SECRET, NOW, 1, [("gnostr", "git")], text), **more)


@pytest.fixture(scope="module")
def relay() -> Iterator[LocalRelay]:
    with LocalRelay() as running:
        yield running


async def stored(url: RelayURL, *filters: Filter) -> list[NostrEvent]:
    found: list[dict[str, Any]] = []
    async with open_relay(url) as relay:
        await fetch(relay, filters, found.append)
    return [read_event(fields) for fields in found]


async def published(url: RelayURL, said: NostrEvent) -> str:
    async with open_relay(url) as relay:
        return await publish(relay, said)


# --- A real one -----------------------------------------------------------------------------------


def test_what_is_published_is_read_by_another_hand_and_fetched_again(relay: LocalRelay) -> None:
    said = event("Grüße\u0001\n🎉")

    async def scene() -> None:
        url = parse_relay_url(relay.url)
        assert await published(url, said) == ""
        assert (await published(url, said)).startswith("duplicate:")
        assert await stored(url, Filter(ids=(said.id,))) == [said]
        assert await stored(url, Filter(ids=("0" * 64,))) == []

    in_time(scene)
    assert said in [read_event(text) for text in relay.events()]


@pytest.mark.parametrize(
    "wrong", [{"id": "ab" * 32}, {"content": "another"}, {"sig": "cd" * 64}], ids=["ID", "content", "signature"]
)
def test_a_relay_that_refuses_an_event_says_why(relay: LocalRelay, wrong: dict[str, str]) -> None:
    async def scene() -> None:
        with pytest.raises(RelayError, match="it refuses the event: invalid: "):
            await published(parse_relay_url(relay.url), event(**wrong))

    in_time(scene)


# --- Those that only say that they are one --------------------------------------------------------


@asynccontextmanager
async def answering(does: Callable[[trio.SocketStream], Awaitable[None]]) -> AsyncIterator[RelayURL]:
    """Serve TCP, on which `does` is all that happens."""

    async def take(stream: trio.SocketStream) -> None:
        try:
            await does(stream)
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, take, 0, host="127.0.0.1"))
        yield parse_relay_url(f"ws://127.0.0.1:{listener.socket.getsockname()[1]}")
        nursery.cancel_scope.cancel()


async def sleep(_where: object) -> None:
    await trio.sleep_forever()


async def refused(url: RelayURL) -> str:
    with pytest.raises(RelayError) as error:
        async with open_relay(url):
            pass
    return str(error.value)


def test_what_is_not_of_nip_01_is_passed_over_and_counted() -> None:
    good = event()
    counters: Counter[str] = Counter()

    async def talk(connection: WebSocketConnection) -> None:
        await connection.send_message(b'["NOTICE","in bytes"]')
        for text in (
            *("", "garbage", "[]", "{}", "[1]", '["EVENT","x"]', '["EVENT","x",[]]', '["OK","x","yes"]', '["EOSE"]'),
            *("[" * 100_000, '["EVENT","x",' + '{"a":' * 20_000, '["NOTICE",1]', '["EOSE",null]', '["CLOSED",{}]'),
            '["NOTICE","' + "a" * limits_nostr.MAX_RELAY_MESSAGE + '"]',
            '["NOTICE","' + "a" * 1_000_000 + '"]',
            '["AUTH","challenge"]',
            '["NOTICE","\\u001b[2Jread \\nthis"]',
            event_message(good).replace('["EVENT"', '["EVENT","x"'),
        ):
            await connection.send_message(text)
        await sleep(connection)

    async def scene() -> None:
        async with pretending(talk) as url, open_relay(url, counters) as relay:
            heard = [await relay.receive() for _ in range(3)]
            assert heard[1] == RelayNotice("read this")
            assert isinstance(heard[2], EventHeard)
            assert read_event(heard[2].fields) == good

    in_time(scene)
    assert counters == {
        "nostr refused: no text": 1,
        "nostr refused: no message of a relay": 14,
        "nostr refused: too large": 2,
    }


def test_a_message_without_an_end_ends_the_connection_and_not_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_nostr, "MAX_RELAY_FRAME", 200_000)

    async def talk(connection: WebSocketConnection) -> None:
        await connection.send_message("a" * 300_000)
        await sleep(connection)

    counters: Counter[str] = Counter()

    async def scene() -> None:
        async with pretending(talk) as url, open_relay(url, counters) as relay:
            with pytest.raises(RelayError, match=r"^it has sent a message of more than 200,000 bytes$"):
                await relay.receive()

    in_time(scene)
    assert counters == {"nostr refused: too large": 1}


HANDSHAKE = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n"
)


async def shake_hands(stream: trio.SocketStream) -> None:
    from wsproto.utilities import generate_accept_token

    request = b""
    while b"\r\n\r\n" not in request:
        request += await stream.receive_some()
    (key,) = (line[19:] for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
    await stream.send_all(HANDSHAKE.format(generate_accept_token(key.strip()).decode()).encode())


@pytest.mark.parametrize("frame", [b"\x00\x00", b"\x89\x00"], ids=["empty parts", "pings"])
def test_frames_without_a_message_are_not_read_for_ever(monkeypatch: pytest.MonkeyPatch, frame: bytes) -> None:
    monkeypatch.setattr(limits_nostr, "RELAY_SILENT_BYTES", 50_000)

    async def talk(stream: trio.SocketStream) -> None:
        await shake_hands(stream)
        await stream.send_all(b"\x01\x00" if frame[0] == 0 else b"")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(drain, stream)
            while True:
                await stream.send_all(frame * 1_000)

    async def drain(stream: trio.SocketStream) -> None:
        while await stream.receive_some():
            pass

    async def scene() -> None:
        async with answering(talk) as url, open_relay(url) as relay:
            with pytest.raises(RelayError, match="no message comes to an end"):
                await relay.receive()

    in_time(scene)


def test_garbage_in_place_of_frames_ends_the_connection() -> None:
    async def talk(stream: trio.SocketStream) -> None:
        await shake_hands(stream)
        await stream.send_all(b"\xff" * 1_000)
        await sleep(stream)

    async def scene() -> None:
        async with answering(talk) as url, open_relay(url) as relay:
            with pytest.raises(RelayError, match="Invalid opcode"):
                await relay.receive()

    in_time(scene)


def test_who_closes_is_told_with_his_words() -> None:
    async def talk(connection: WebSocketConnection) -> None:
        await connection.aclose(4000, "go\x1b[31m away")

    async def scene() -> None:
        async with pretending(talk) as url, open_relay(url) as relay:
            with pytest.raises(RelayError, match=r"^it has closed the connection: go away$"):
                await relay.receive()

    in_time(scene)


@pytest.mark.parametrize(
    ("page", "says"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "it answers with HTTP 404: it is no relay"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "it answers with HTTP 200"),
        (b"SSH-2.0-OpenSSH_9\r\n", "what is there hangs up, or speaks no WebSocket"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "what is there hangs up, or speaks no WebSocket"),
        (b"", "what is there hangs up, or speaks no WebSocket"),
    ],
    ids=["404", "a page", "another protocol", "half a handshake", "nothing"],
)
def test_what_is_no_relay_is_told(page: bytes, says: str) -> None:
    async def talk(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(page)

    async def scene() -> None:
        async with answering(talk) as url:
            assert (await refused(url)).startswith(says)

    in_time(scene)


def test_a_page_without_an_end_in_place_of_a_handshake_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_nostr, "RELAY_SILENT_BYTES", 100_000)

    async def talk(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            await stream.send_all(b"a" * 10_000)

    async def scene() -> None:
        async with answering(talk) as url:
            assert await refused(url) == "what is there hangs up, or speaks no WebSocket"

    in_time(scene)


def test_who_says_nothing_at_all_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_nostr, "RELAY_TIMEOUT", 0.1)

    async def scene() -> None:
        async with answering(sleep) as url:
            assert await refused(url) == "no answer within 0.1 s"

    in_time(scene)


def test_nobody_there_is_told() -> None:
    async def scene() -> None:
        async with answering(sleep) as url:
            pass
        assert await refused(url) == "Connection refused"

    in_time(scene)


def test_a_word_about_another_event_is_none_about_ours() -> None:
    said = event()

    async def talk(connection: WebSocketConnection) -> None:
        await connection.get_message()
        await connection.send_message(f'["OK","{"0" * 64}",false,"blocked: not yours"]')
        await connection.send_message(f'["OK","{said.id}",true,"thank you"]')
        await sleep(connection)

    async def scene() -> None:
        async with pretending(talk) as url:
            assert await published(url, said) == "thank you"

    in_time(scene)


def test_a_relay_of_which_nothing_comes_is_pinged_and_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_nostr, "RELAY_PING_EVERY", 0.1)
    monkeypatch.setattr(limits_nostr, "RELAY_PONG_TIMEOUT", 1.0)

    async def deaf(stream: trio.SocketStream) -> None:
        await shake_hands(stream)
        await sleep(stream)

    async def scene() -> None:
        async with pretending(sleep) as url, open_relay(url) as relay:  # which answers pings
            with trio.move_on_after(1.5) as stayed:
                await relay.receive()
            assert stayed.cancelled_caught
        async with answering(deaf) as url, open_relay(url) as relay:
            with pytest.raises(RelayError, match="nothing has come of it for"):
                await relay.receive()

    in_time(scene)


@pytest.mark.parametrize("ends", [False, True], ids=["in silence", "when it is closed"])
def test_a_relay_was_heard_before_the_computer_slept(monkeypatch: pytest.MonkeyPatch, ends: bool) -> None:
    wakes = trio.Event()

    async def talk(stream: trio.SocketStream) -> None:
        await shake_hands(stream)
        await wakes.wait()
        if not ends:
            await sleep(stream)

    async def scene() -> None:
        async with answering(talk) as url:
            begun = time.time()
            async with open_relay(url) as relay:
                monkeypatch.setattr(time, "time", lambda: begun + 30_000)  # and trio's clock has stood still
                wakes.set()
                with trio.move_on_after(DEADLINE if ends else 0.1), suppress(RelayError):
                    await relay.receive()
                assert begun <= relay.heard_at < begun + DEADLINE

    in_time(scene)


def test_a_flood_has_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_nostr, "RELAY_BURST_BYTES", 200_000)
    monkeypatch.setattr(limits_nostr, "RELAY_BYTES_PER_SECOND", 100_000)

    async def talk(connection: WebSocketConnection) -> None:
        while True:
            await connection.send_message('["NOTICE","' + "a" * 10_000 + '"]')

    async def scene() -> None:
        read = 0
        async with pretending(talk) as url, open_relay(url) as relay:
            with trio.move_on_after(1.5):
                while True:
                    await relay.receive()
                    read += 1
        assert 1 <= read <= 45  # 200 kB at once, then 10 a second, and what was read with them

    in_time(scene)


def test_who_floods_leaves_the_others_their_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_nostr, "RELAYS_BURST_BYTES", 20_000)
    monkeypatch.setattr(limits_nostr, "RELAYS_BYTES_PER_SECOND", 100_000)

    async def flood(connection: WebSocketConnection) -> None:
        while True:
            await connection.send_message('["NOTICE","' + "a" * 10_000 + '"]')

    async def scene() -> None:
        pace, read, begun = pace_of_all(), Counter[str](), trio.current_time()
        enough = trio.Event()

        async def count(which: str, url: RelayURL) -> None:
            async with open_relay(url, None, pace) as relay:
                while True:
                    await relay.receive()
                    read[which] += 1
                    if len(read) == 2 and read.total() >= 20:
                        enough.set()

        async with pretending(flood) as one, pretending(flood) as another, trio.open_nursery() as nursery:
            nursery.start_soon(count, "one", one)
            nursery.start_soon(count, "another", another)
            await enough.wait()
            nursery.cancel_scope.cancel()
        assert trio.current_time() - begun >= 1.4  # 200 kB, of them 20 at once, and up to 16 too much of each

    in_time(scene)


def test_what_fails_in_the_block_comes_out_of_it_as_it_is() -> None:
    async def scene() -> None:
        async with pretending(sleep) as url:
            with pytest.raises(KeyError):
                async with open_relay(url):
                    raise KeyError

    in_time(scene)


# --- TLS ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"hosts": ("127.0.0.1",)}, "self-signed certificate; if you trust it, name its file in SSL_CERT_FILE"),
        ({"hosts": ("127.0.0.1",), "trusted": True, "begins": -2, "ends": -1}, "certificate has expired"),
        ({"hosts": ("192.0.2.7",), "trusted": True}, "IP address mismatch, certificate is not valid for '127.0.0.1'."),
        ({"hosts": ("127.0.0.1",), "trusted": True}, ""),
    ],
    ids=["signed by itself", "expired", "of another", "trusted"],
)
def test_a_certificate_has_to_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: dict[str, Any], says: str
) -> None:
    trusted = made.pop("trusted", False)
    certificate, key = sign_itself(tmp_path, *made.pop("hosts"), **made)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def talk(connection: WebSocketConnection) -> None:
        await connection.get_message()
        await connection.send_message('["EOSE","x"]')
        await sleep(connection)

    async def scene() -> None:
        async with serving_tls(talk, context) as url:
            if says:
                assert await refused(url) == f"its certificate does not hold: {says}"
                return
            async with open_relay(url) as relay:
                await relay.send(request_message("x", Filter()))
                assert await relay.receive() == StoredEnd("x")

    in_time(scene)


@asynccontextmanager
async def serving_tls(
    does: Callable[[WebSocketConnection], Awaitable[None]], context: ssl.SSLContext
) -> AsyncIterator[RelayURL]:
    """Serve WebSockets inside TLS, whose handshakes may fail."""
    from trio_websocket import wrap_server_stream

    async def take(stream: trio.SSLStream) -> None:
        try:
            await stream.do_handshake()
        except trio.BrokenResourceError:
            return
        async with trio.open_nursery() as nursery:
            request = await wrap_server_stream(nursery, stream)
            await does(await request.accept())

    async with trio.open_nursery() as nursery:
        serve = partial(trio.serve_ssl_over_tcp, take, 0, context, host="127.0.0.1", https_compatible=True)
        (listener,) = await nursery.start(serve)
        port = listener.transport_listener.socket.getsockname()[1]
        yield parse_relay_url(f"wss://127.0.0.1:{port}")
        nursery.cancel_scope.cancel()


def test_who_has_no_tls_is_told() -> None:
    async def talk(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def scene() -> None:
        async with answering(talk) as url:
            assert await refused(replace(url, secure=True)) == "there is no TLS: take ws:// if it has none"

    in_time(scene)


def test_nothing_of_a_relay_is_loaded_before_one_is_named() -> None:
    import subprocess
    import sys

    code = "import sys, py_peer.net.nostr_relay, py_peer.headless; print('trio_websocket' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=DEADLINE)
    assert done.stdout == "False\n"
