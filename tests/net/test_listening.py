"""Listening, and saying so when that is not possible; leaving, and everybody noticing."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import pytest
import trio

from py_peer.net.listening import CannotListenError
from tests.interfaces import interface
from tests.net.raw_peer import is_refused, raw_peer
from tests.net.support import ROOM, member, together, trio_test, until

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def brisk() -> None:
    """Let the library take its time: how connections end is tested here."""


def has_ip6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as stranger:
        stranger.bind(("0.0.0.0", 0))  # noqa: S104 - what a stranger's server does
        stranger.listen()
        yield stranger.getsockname()[1]


async def refuses(port: int) -> str:
    with pytest.raises(CannotListenError) as caught:
        async with member(port=port):
            pytest.fail("it listens")
    return str(caught.value)


@trio_test
async def test_a_port_that_a_stranger_has_is_said_to_be_taken(taken_port: int) -> None:
    assert await refuses(taken_port) == (
        f"port {taken_port} is taken by another program; choose another with --port, or leave it out for a free one"
    )


@trio_test
async def test_a_port_that_another_peer_has_is_said_to_be_taken() -> None:
    """The library lets two of its hosts share a port, and each hears half of the callers."""
    async with member() as one:
        assert "is taken" in await refuses(one.port)
        assert not await is_refused(one.port)


@trio_test
async def test_a_port_that_was_just_left_can_be_taken_again() -> None:
    async with member() as one, raw_peer(one.port):
        port = one.port
        await until(lambda: one.node.peers.records)
    async with member(port=port) as again:
        assert again.port == port


@trio_test
async def test_a_port_that_was_asked_for_is_the_one_that_is_listened_on() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with member(port=port) as one, member() as other:
        assert one.port == port
        await other.dial(one)


@trio_test
async def test_the_addresses_are_full_and_can_be_handed_on() -> None:
    async with member() as one:
        assert f"/ip4/127.0.0.1/tcp/{one.port}/p2p/{one.id}" in one.node.addresses
        assert all(address.endswith(f"/tcp/{one.port}/p2p/{one.id}") for address in one.node.addresses)
        assert not [address for address in one.node.addresses if "/0.0.0.0/" in address or "/::/" in address]


@pytest.mark.skipif(not has_ip6(), reason="this machine has no IPv6")
@trio_test
async def test_ipv6_is_listened_on_at_the_same_port() -> None:
    async with member() as a, member() as b:
        assert await a.node.dial(b.address_at("::1")) == b.id
        await together(a, b)
        assert a.node.peers.records[b.id].address == f"/ip6/::1/tcp/{b.port}"


@trio_test
async def test_on_loopback_alone_nothing_else_is_listened_on(monkeypatch: pytest.MonkeyPatch) -> None:
    there = (interface("eth0", "192.0.2.7/24"), interface("lo", "127.0.0.1/8", "::1/128"))
    monkeypatch.setattr("py_peer.net.node.read_interfaces", lambda: there)
    async with member(loopback=True) as one, member() as other:
        assert one.node.addresses == (f"/ip4/127.0.0.1/tcp/{one.port}/p2p/{one.id}",)
        await other.dial(one)
        elsewhere = [host for host in ("127.0.0.2", "::1") if await answers(host, other.port)]
        assert elsewhere or sys.platform != "linux"
        assert not [host for host in elsewhere if await answers(host, one.port)]


async def answers(host: str, port: int) -> bool:
    try:
        await (await trio.open_tcp_stream(host, port)).aclose()
    except OSError:
        return False
    return True


@trio_test
async def test_a_port_taken_on_loopback_alone_is_said_to_be_taken(taken_port: int) -> None:
    with pytest.raises(CannotListenError, match="is taken"):
        async with member(port=taken_port, loopback=True):
            pytest.fail("it listens")


@trio_test
async def test_leaving_closes_every_socket_and_the_others_notice() -> None:
    async with member() as other:
        async with member() as one:
            port = one.port
            await one.dial(other)
            silent = await trio.open_tcp_stream("127.0.0.1", port)
        with trio.fail_after(2):
            async with silent:
                while await silent.receive_some():
                    pass
        await until(lambda: other.seen.names(one.id) == ["up", "joined", "left", "down"])
        with pytest.raises(OSError, match="all attempts to connect"):
            await trio.open_tcp_stream("127.0.0.1", port)


@trio_test
async def test_leaving_with_five_peers_takes_less_than_a_second() -> None:
    async with trio.open_nursery() as nursery:
        async with member() as one:
            for _ in range(5):
                nursery.start_soon(stay, one.port)
            await until(lambda: len(one.node.pubsub.room()) == 5)
            start = trio.current_time()
        assert trio.current_time() - start < 1


async def stay(port: int) -> None:
    async with raw_peer(port) as peer:
        await peer.join(ROOM)
        await peer.closed.wait()


@trio_test
async def test_leaving_in_the_middle_of_everything_is_clean() -> None:
    """Cancelled while connections are coming, texts are going and dials are under way."""
    async with member() as other:
        for moment in range(6):
            with trio.move_on_after(0.03 * moment):
                async with member() as one, trio.open_nursery() as nursery:
                    nursery.start_soon(stay, one.port)
                    nursery.start_soon(one.node.dial, other.address)
                    while True:
                        await one.say(b"and on")
                        await trio.sleep(0.001)
        await until(lambda: not other.node.peers.records)
