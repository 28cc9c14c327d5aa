"""Dialling: one deadline for all of it, and a cause that a person understands."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

import pytest
import trio
import trio.lowlevel
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID

from py_peer.core.addresses import parse_dial_address
from py_peer.net.dial import DialError, dial
from tests.net.support import Member, dial_address, member, together, trio_test, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from libp2p.network.swarm import Swarm

NO_LIBP2P = "what answers there does not speak libp2p with Noise or TLS, and Yamux"
SOMEBODY = str(ID.from_pubkey(create_new_key_pair(bytes([3]) * 32).public_key))


@asynccontextmanager
async def server(answer: Callable[[trio.SocketStream], Awaitable[object]]) -> AsyncIterator[int]:
    """Run a TCP server on a free port of the loopback."""
    async with trio.open_nursery() as nursery:
        listeners: Any = await nursery.start(lambda task_status: _serve(answer, task_status))
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def _serve(answer: Callable[[trio.SocketStream], Awaitable[object]], task_status: Any) -> None:
    async def handle(stream: trio.SocketStream) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await answer(stream)

    await trio.serve_tcp(handle, 0, host="127.0.0.1", task_status=task_status)


async def silence(_: trio.SocketStream) -> None:
    await trio.sleep_forever()


async def hang_up(stream: trio.SocketStream) -> None:
    await stream.receive_some()  # what is closed unread is reset


async def cause(one: Member, port: int, host: str = "127.0.0.1", timeout: float = 0.5, **parts: Any) -> str:
    """Dial, and return the sentence with which that fails."""
    with pytest.raises(DialError) as caught:
        await dial(cast("Swarm", one.node.host.get_network()), dial_address(host, port, **parts), timeout=timeout)
    return str(caught.value)


@trio_test
async def test_a_dial_takes_no_quarter_of_a_second() -> None:
    """The library's own waits 250 ms for nothing."""
    async with member() as a, member() as b, member() as c:
        shortest = 1.0
        for other in (b, c):
            start = trio.current_time()
            assert await a.node.dial(other.address) == other.id
            shortest = min(shortest, trio.current_time() - start)
        assert shortest < 0.25


@trio_test
async def test_without_a_peer_id_whoever_proves_one_is_taken() -> None:
    async with member() as a, member() as b:
        assert await a.node.dial(dial_address("127.0.0.1", b.port)) == b.id
        await together(a, b)


@trio_test
async def test_of_each_dial_it_is_told_who_has_answered_but_not_of_one_that_was_none() -> None:
    async with member() as a, member() as b:
        told: list[tuple[int, ID | None]] = []
        a.node.dialled = lambda address, peer_id: told.append((address.port, peer_id))
        with pytest.raises(DialError):
            await a.node.dial(dial_address("127.0.0.1", 1))
        await a.node.dial(dial_address("127.0.0.1", b.port))
        await a.node.dial(dial_address("127.0.0.1", 1, str(b.id)))  # it is connected: nobody is asked
        assert told == [(1, None), (b.port, b.id)]


@trio_test
async def test_who_is_connected_is_not_dialled_again() -> None:
    async with member() as a, member() as b:
        await a.dial(b)
        for address in (b.address, dial_address("127.0.0.1", b.port), dial_address("127.0.0.1", 1, str(b.id))):
            assert await a.node.dial(address) == b.id
        assert len(a.node.host.get_network().get_connections(b.id)) == 1
        await until(lambda: len(b.node.host.get_network().get_connections(a.id)) == 1)
        assert a.seen.names(b.id) == ["up", "joined"]


@trio_test
async def test_a_server_that_says_nothing_is_given_up_at_the_deadline() -> None:
    async with member() as one, server(silence) as port:
        start = trio.current_time()
        sentence = await cause(one, port, timeout=0.2)
        assert trio.current_time() - start < 1
        assert sentence == "no answer within 0.2 s; is a libp2p peer listening there, and no firewall between?"


@trio_test
async def test_a_server_that_stalls_in_the_middle_is_given_up_at_the_deadline() -> None:
    async def stall(stream: trio.SocketStream) -> None:
        await stream.send_all(b"\x13/multistream/1.0.0\n\x07/noise\n")
        await trio.sleep_forever()

    async with member() as one, server(stall) as port:
        assert (await cause(one, port, timeout=0.2)).startswith("no answer within 0.2 s")


@trio_test
async def test_where_nothing_listens_the_connection_is_refused() -> None:
    async with member() as one:
        assert await cause(one, free_port()) == "connection refused: nothing listens there"


@trio_test
async def test_somebody_else_at_the_address_is_said() -> None:
    async with member() as one, member() as other:
        sentence = await cause(one, other.port, peer_id=SOMEBODY)
        assert sentence == f"somebody else answers there, not the peer {SOMEBODY}; check the address"
        assert one.node.host.get_network().get_connections() == []


@trio_test
async def test_nobody_dials_himself() -> None:
    async with member() as one:
        assert await cause(one, one.port, peer_id=str(one.id)) == "this is our own address"
        assert await cause(one, one.port) == "this is our own address"
        assert one.node.peers.records == {}


@trio_test
async def test_a_server_that_speaks_something_else_is_said_to_do_so() -> None:
    async def http(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    async def closes(stream: trio.SocketStream) -> None:
        await stream.receive_some()

    async def ssh(stream: trio.SocketStream) -> None:
        await stream.send_all(b"SSH-2.0-OpenSSH_9.6\r\n")
        await trio.sleep_forever()

    async with member() as one:
        for other_protocol in (http, closes, ssh):
            async with server(other_protocol) as port:
                sentence = await cause(one, port)
                assert sentence.startswith((NO_LIBP2P, "connection reset", "no answer")), other_protocol
        async with server(http) as port:
            assert (await cause(one, port)).startswith(NO_LIBP2P)


@trio_test
async def test_localhost_is_found_in_the_hosts_file_and_no_name_server_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbidden(*_: object, **__: object) -> None:
        pytest.fail("the library's resolver was asked")

    monkeypatch.setattr("multiaddr.resolvers.DNSResolver.resolve", forbidden)
    async with member() as a, member() as b:
        for kind in ("dns", "dns4"):
            assert await a.node.dial(dial_address("localhost", b.port, kind=kind)) == b.id
            await a.node.disconnect(b.id)


@trio_test
async def test_a_name_of_several_addresses_is_tried_until_one_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def resolve(host: str, port: int, *_: object) -> list[Any]:
        asked.append(host)
        return [(0, 0, 0, "", (ip, port)) for ip in ("127.0.0.2", "127.0.0.1", "127.0.0.1")]

    async with member() as a, member() as b, server(hang_up) as port:
        monkeypatch.setattr(trio.socket, "getaddrinfo", resolve)
        sentence = await cause(a, port, host="two.example", kind="dns")
        assert sentence.startswith("connection refused: nothing listens there; what answers there does not speak")
        assert await a.node.dial(dial_address("two.example", b.port, kind="dns4")) == b.id
    assert asked == ["two.example"] * 2


@trio_test
async def test_a_name_that_nobody_knows_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(*_: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(trio.socket, "getaddrinfo", resolve)
    async with member() as one:
        sentence = await cause(one, 1, host="nowhere.example", kind="dns")
        assert sentence == "the name nowhere.example cannot be resolved (Name or service not known)"


@trio_test
async def test_an_interface_that_is_not_there_is_said() -> None:
    async with member() as one:
        with pytest.raises(DialError, match="there is no interface nosuch here"):
            await one.node.dial(parse_dial_address("/ip6zone/nosuch/ip6/fe80::1/tcp/1"))


@trio_test
async def test_a_name_server_that_does_not_answer_is_within_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(*_: object) -> list[Any]:
        await trio.sleep_forever()
        return []

    monkeypatch.setattr(trio.socket, "getaddrinfo", resolve)
    async with member() as one:
        assert (await cause(one, 1, host="slow.example", kind="dns", timeout=0.1)).startswith("no answer within 0.1 s")


@trio_test
async def test_a_dial_that_failed_can_be_tried_again_at_once() -> None:
    """The library remembers for 60 s that a peer did not answer."""
    key_pair = create_new_key_pair()
    port = free_port()
    async with member() as one:
        await cause(one, port, peer_id=str(ID.from_pubkey(key_pair.public_key)))
        async with member(key_pair=key_pair, port=port) as other:
            assert await one.node.dial(other.address) == other.id


@trio_test
async def test_a_dial_that_is_given_up_leaves_no_connection_and_no_socket() -> None:
    hung_up = trio.Event()

    async def wait(stream: trio.SocketStream) -> None:
        while await stream.receive_some():
            pass
        hung_up.set()

    async with member() as one, server(wait) as port:
        await cause(one, port, timeout=0.1)
        with trio.fail_after(2):
            await hung_up.wait()
        assert one.node.host.get_network().get_connections() == []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
