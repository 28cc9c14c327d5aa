"""Listening, and saying so when that is not possible; leaving, and everybody noticing."""

from __future__ import annotations

import errno
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from py_peer.core.addresses import TCP, WS, parse_dial_address
from py_peer.core.hearsay import announced_addresses
from py_peer.core.listening import ANY_IP4, parse_listen_address
from py_peer.core.settings import Transports
from py_peer.net.listening import CannotListenError, claim
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


@contextmanager
def on_made_up_interfaces(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    there = (interface("eth0", "192.0.2.7/24", "fd00::7/64"), interface("lo", "127.0.0.1/8", "::1/128"))
    with monkeypatch.context() as patch:
        patch.setattr("py_peer.net.node.read_interfaces", lambda: there)
        yield


@pytest.mark.skipif(not has_ip6(), reason="this machine has no IPv6")
@trio_test
async def test_that_websockets_are_answered_on_the_tcp_port_is_told_when_it_is_wished(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosts = ["/ip4/192.0.2.7", "/ip6/fd00::7", "/ip4/127.0.0.1", "/ip6/::1"]
    with on_made_up_interfaces(monkeypatch):
        async with member(transports=Transports(ws=True)) as one, member() as other:
            ends = [f"/tcp/{one.port}{more}/p2p/{one.id}" for more in ("", "/ws")]
            assert list(one.node.addresses) == [host + end for host in hosts for end in ends]
            await other.node.dial(parse_dial_address(one.node.addresses[-1]))
            await together(one, other)


@trio_test
async def test_a_port_for_websockets_is_another_one_and_told_as_such() -> None:
    async with member(transports=Transports(ws=True, ws_port=0)) as one, member() as other:
        [port] = {place.port for place in one.node.bound if place.transport == WS}
        assert port != one.port
        await other.node.dial(parse_dial_address(f"/ip4/127.0.0.1/tcp/{port}/ws/p2p/{one.id}"))
        await together(one, other)
        assert f"/ip4/127.0.0.1/tcp/{port}/ws/p2p/{one.id}" in one.node.addresses


@pytest.mark.skipif(not has_ip6(), reason="this machine has no IPv6")
@trio_test
async def test_named_places_are_listened_on_and_nothing_else() -> None:
    places = ("/ip4/127.0.0.1/tcp/0", "/ip6/::1/tcp/0/ws", "/ip4/127.0.0.1/udp/0/quic-v1")
    async with member(transports=Transports(listen=places)) as one, member() as other:
        assert [place.at(0).text for place in one.node.bound] == [*places]
        assert len(one.node.addresses) == len({place.port for place in one.node.bound}) == len(places)
        for text in one.node.addresses:
            await other.node.dial(parse_dial_address(text))
            await together(one, other)
            await other.node.disconnect(one.id)
            await until(lambda: not (other.node.peers.records or one.node.peers.records))
        assert not await answers("::1", one.port)


@pytest.mark.skipif(not has_ip6(), reason="this machine has no IPv6")
@trio_test
async def test_who_listens_on_all_of_ipv6_is_not_reached_by_ipv4() -> None:
    async with member(transports=Transports(listen=("/ip6/::/tcp/0",))) as one:
        assert await answers("::1", one.port)
        assert not await answers("127.0.0.1", one.port)


@pytest.mark.skipif(not has_ip6(), reason="this machine has no IPv6")
@trio_test
async def test_a_name_leads_to_every_transport() -> None:
    async with member(transports=Transports(quic=True, ws=True)) as one, member() as other:
        for kind in ("dns", "dns4"):
            for end in (f"/udp/{one.port}/quic-v1", f"/tcp/{one.port}/ws"):
                await other.node.dial(parse_dial_address(f"/{kind}/localhost{end}/p2p/{one.id}"))
                [record] = other.node.peers.records.values()
                assert record.address.endswith(end)
                await other.node.disconnect(one.id)
                await until(lambda: not (other.node.peers.records or one.node.peers.records))


@trio_test
async def test_one_port_can_be_named_for_several_transports_and_for_all_and_one_interface() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    places = (f"/ip4/127.0.0.1/tcp/{port}/ws", f"/ip4/0.0.0.0/tcp/{port}", f"/ip4/127.0.0.1/udp/{port}/quic-v1")
    async with member(transports=Transports(listen=places)) as one:
        here = [address for address in one.node.addresses if address.startswith("/ip4/127.0.0.1/")]
        ends = (f"/tcp/{port}", f"/tcp/{port}/ws", f"/udp/{port}/quic-v1")
        assert here == [f"/ip4/127.0.0.1{end}/p2p/{one.id}" for end in ends]


@pytest.mark.skipif(not has_ip6(), reason="this machine has no IPv6")
@trio_test
async def test_each_part_of_a_port_that_somebody_has_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket(socket.AF_INET6) as tcp:
        udp.bind(("0.0.0.0", 0))  # noqa: S104 - what a stranger does
        port = udp.getsockname()[1]
        tcp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        tcp.bind(("::", port))
        tcp.listen()
        with on_made_up_interfaces(monkeypatch):
            async with member(transports=Transports(port=port, quic=True)) as one:
                assert one.node.notice == (
                    f"port {port} of IPv6 is taken by another program: no TCP there; "
                    f"UDP port {port} of IPv4 is taken by another program: no QUIC there"
                )
                assert [place.text for place in one.node.bound] == [
                    f"/ip4/0.0.0.0/tcp/{port}",
                    f"/ip6/::/udp/{port}/quic-v1",
                ]


@trio_test
async def test_where_there_is_no_ipv6_all_of_a_free_port_is_had_and_nothing_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class OfIPv4(socket.socket):
        def __init__(self, family: int = -1, kind: int = -1, proto: int = -1, fileno: int | None = None) -> None:
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, "not supported")
            super().__init__(family, kind, proto, fileno)

    monkeypatch.setattr("socket.socket", OfIPv4)
    async with member(transports=Transports(quic=True)) as one:
        assert {place.host for place in one.node.bound} == {ANY_IP4}
        assert len(one.node.bound) == 2
        assert one.node.notice == ""


@trio_test
async def test_on_the_librarys_own_classes_nobody_is_told_of_what_they_do_not_answer() -> None:
    async with member(transports=Transports(stock=True, quic=True, ws=True, ws_port=0)) as one:
        assert {place.transport for place in one.node.bound} == {TCP}
    with pytest.raises(CannotListenError, match="listen on TCP alone here"):
        async with member(transports=Transports(stock=True, listen=("/ip4/127.0.0.1/tcp/0/ws",))):
            pytest.fail("it listens")


@trio_test
async def test_of_several_places_the_one_that_cannot_be_had_is_named(taken_port: int) -> None:
    free = "/ip4/127.0.0.1/tcp/0"
    taken = f"port {taken_port} is taken by another program; choose another with "
    for transports, text in (
        (Transports(listen=(free, f"/ip4/127.0.0.1/tcp/{taken_port}")), f"{taken}--listen, or 0 for a free one"),
        (Transports(ws=True, ws_port=taken_port), f"{taken}--ws, or 0 for a free one"),
        (
            Transports(listen=(free, "/ip4/192.0.2.7/tcp/0")),
            "192.0.2.7 is no address of this machine; with --listen name one, or /ip4/0.0.0.0 for all",
        ),
    ):
        with pytest.raises(CannotListenError) as caught:
            async with member(transports=transports):
                pytest.fail("it listens")
        assert str(caught.value) == text


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("/ip6/::/tcp/1", "this machine has no IPv6 now; with --listen listen elsewhere"),
        ("/ip6/::1/tcp/1", "::1 is no address of this machine; with --listen name one, or /ip6/:: for all"),
    ],
)
def test_where_there_is_no_ipv6_that_is_said(monkeypatch: pytest.MonkeyPatch, place: str, text: str) -> None:
    def fail(*_: object) -> NoReturn:
        raise OSError(errno.EAFNOSUPPORT, "not supported")

    monkeypatch.setattr("py_peer.net.listening.socket.socket", fail)
    with pytest.raises(CannotListenError) as caught:
        claim(parse_listen_address(place), "--listen")
    assert str(caught.value) == text


@trio_test
async def test_what_the_user_says_of_us_is_told_first_and_by_our_name() -> None:
    ours = create_new_key_pair()
    us = ID.from_pubkey(ours.public_key)
    said = ("/dns4/peer.example/tcp/4001", f"/ip4/203.0.113.9/tcp/80/ws/p2p/{us}")
    async with member(key_pair=ours, transports=Transports(told=said)) as one, member() as other:
        first = [f"{said[0]}/p2p/{us}", said[1]]
        assert list(one.node.addresses[:2]) == announced_addresses(one.node.addresses, loopback=False)[:2] == first
        await other.node.dial(one.address_at("127.0.0.1"))
        await until(lambda: any(record.listen for record in other.node.peers.records.values()))
        [record] = other.node.peers.records.values()
        assert [f"{Multiaddr(raw)}/p2p/{us}" for raw in record.listen[:2]] == first


@trio_test
async def test_an_address_of_another_peer_is_not_told_as_ours() -> None:
    theirs = ID.from_pubkey(create_new_key_pair().public_key)
    with pytest.raises(CannotListenError, match="is the address of another peer: ours is"):
        async with member(transports=Transports(told=(f"/ip4/203.0.113.9/tcp/80/p2p/{theirs}",))):
            pytest.fail("it listens")


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
