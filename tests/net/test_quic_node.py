"""A node with QUIC: where it listens, whom it calls, what it says when it cannot, and how its connections end."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable

from py_peer.core import limits
from py_peer.core.addresses import parse_dial_address
from py_peer.core.listening import LOOPBACK
from py_peer.core.settings import Transports
from py_peer.net.dial import DialError, SomebodyElseError
from py_peer.net.interfaces import Interfaces
from py_peer.net.quic_connection import QUICConnection
from tests.interfaces import interface
from tests.net.raw_peer import raw_peer
from tests.net.support import Member, member, together, trio_test, until

if TYPE_CHECKING:
    from py_peer.core.addresses import DialAddress

NEAR = Transports(loopback=True, quic=True)
FAR = Transports(quic=True)


def quic_address(one: Member, ip: str = LOOPBACK, peer_id: str = "") -> DialAddress:
    kind = "ip6" if ":" in ip else "ip4"
    return parse_dial_address(f"/{kind}/{ip}/udp/{one.port}/quic-v1/p2p/{peer_id or one.id}")


async def call(one: Member, other: Member, ip: str = LOOPBACK) -> None:
    await one.node.dial(quic_address(other, ip))
    await together(one, other)


@trio_test
async def test_it_listens_on_the_same_number_of_udp_and_tells_tcp_first() -> None:
    async with member(transports=NEAR) as one:
        assert [address.partition("/p2p/")[0] for address in one.node.addresses] == [
            f"/ip4/127.0.0.1/tcp/{one.port}",
            f"/ip4/127.0.0.1/udp/{one.port}/quic-v1",
        ]
        assert one.node.notice == ""


@trio_test
async def test_without_it_there_is_no_udp_port_and_others_are_called_over_quic_all_the_same() -> None:
    async with member(loopback=True) as one, member(transports=NEAR) as other:
        assert not any("quic" in address for address in one.node.addresses)
        await call(one, other)
        await other.say(b"hello")
        await until(lambda: one.texts() == [b"hello"])


@trio_test
async def test_by_ip4_and_ip6_each_hears_the_other_and_knows_where_he_is() -> None:
    for ip in ("127.0.0.1", "::1"):
        async with member(transports=FAR) as one, member(transports=FAR) as other:
            await call(one, other, ip)
            for first, second in ((one, other), (other, one)):
                await first.say(b"hello")
                await until(lambda second=second: second.texts() == [b"hello"])
                record = first.node.peers.records[second.id]
                assert record.address == quic_address(second, ip).text.partition("/p2p/")[0]


@trio_test
async def test_a_taken_udp_port_is_told_and_tcp_is_listened_on_alone() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((LOOPBACK, 0))
        port = taken.getsockname()[1]
        async with member(transports=Transports(port=port, loopback=True, quic=True)) as one:
            assert one.port == port
            assert one.node.notice == f"UDP port {port} of IPv4 is taken by another program: no QUIC there"
            assert not any("quic" in address for address in one.node.addresses)
        async with member(transports=NEAR) as one:  # a free one is free for both
            assert any("quic" in address for address in one.node.addresses)


@trio_test
async def test_the_librarys_own_classes_have_tcp_alone_and_that_is_said() -> None:
    async with member(transports=Transports(loopback=True, quic=True, stock=True)) as one:
        assert "TCP alone" in one.node.notice
        assert not any("quic" in address for address in one.node.addresses)
        with pytest.raises(DialError, match="take the peer's /tcp address"):
            await one.node.dial(parse_dial_address("/ip4/127.0.0.1/udp/1/quic-v1"))
        for end in ("ws", "tls/ws"):
            with pytest.raises(DialError, match="nothing is dialled over WebSockets: take the peer's /tcp address"):
                await one.node.dial(parse_dial_address(f"/ip4/127.0.0.1/tcp/{one.port}/{end}"))


@trio_test
async def test_somebody_else_there_is_said_and_let_go() -> None:
    async with member(transports=NEAR) as one, member(transports=NEAR) as other:
        nobody = str(ID.from_pubkey(create_new_key_pair().public_key))
        with pytest.raises(SomebodyElseError, match="somebody else answers there"):
            await one.node.dial(quic_address(other, peer_id=nobody))
        with pytest.raises(DialError, match="our own address"):
            await one.node.dial(parse_dial_address(f"/ip4/127.0.0.1/udp/{one.port}/quic-v1"))
        await until(lambda: not (one.node.peers.records or other.node.peers.records))


@trio_test
async def test_who_does_not_answer_is_waited_for_in_time() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind((LOOPBACK, 0))
        async with member(transports=NEAR) as one:
            with pytest.raises(DialError, match="no answer within"):
                await one.node.dial(
                    parse_dial_address(f"/ip4/127.0.0.1/udp/{mute.getsockname()[1]}/quic-v1"), timeout=0.2
                )


@trio_test
async def test_who_is_banned_is_let_go_and_not_let_in_again() -> None:
    async with member(transports=NEAR) as one, member(transports=NEAR) as other:
        await call(one, other)
        for _ in range(limits.STRIKES + 1):
            other.node.bans.strike(one.id, "it broke a rule")
        await until(lambda: not (one.node.peers.records or other.node.peers.records))
        with suppress(DialError):  # it may be there for a moment
            await one.node.dial(quic_address(other))
        await until(lambda: other.node.counters["refused: by the peer's ID"] == 1)
        await until(lambda: not one.node.peers.records)
        with pytest.raises(DialError, match="refused for a while"):
            await other.node.dial(quic_address(one))


@trio_test
async def test_who_hangs_up_as_soon_as_he_is_met_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang_up(conn: QUICConnection) -> None:
        conn.end()
        raise MuxedConnUnavailable

    async with member(transports=NEAR) as one, member(transports=NEAR) as other:
        monkeypatch.setattr(QUICConnection, "accept_stream", hang_up)
        for _ in range(4):
            with suppress(DialError):
                await one.node.dial(quic_address(other))
        for either in (one, other):
            await until(lambda either=either: not either.node.peers.records)
            await until(lambda either=either: not either.node.host.get_network().get_connections())


@trio_test
async def test_who_stops_says_goodbye_and_is_missed_at_once() -> None:
    async with member(transports=NEAR) as one:
        async with member(transports=NEAR) as other:
            await call(one, other)
            await other.say(b"last words")
        await until(lambda: not one.node.peers.records, limits.CLOSE_TIMEOUT)
        assert one.texts() == [b"last words"]


@trio_test
async def test_what_an_interface_carried_that_is_gone_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    there = [interface("lo", "127.0.0.1/8", loopback=True)]
    monkeypatch.setattr(limits, "INTERFACE_INTERVAL", 0.02)
    monkeypatch.setattr("py_peer.net.node.read_interfaces", lambda: tuple(there))
    async with member(transports=FAR) as one, member(transports=NEAR) as other:
        await call(one, other)
        assert isinstance(one.node.interfaces, Interfaces)
        there.clear()
        await until(lambda: not one.node.peers.records)
        await until(lambda: not other.node.peers.records)


@trio_test
async def test_who_has_too_many_connections_to_us_gets_no_more() -> None:
    async with member(transports=NEAR) as one, member(transports=NEAR) as other:
        for _ in range(limits.MAX_CONNECTIONS_PER_PEER + 2):
            await one.node.dial(quic_address(other), fresh=True)
        await until(lambda: other.node.counters["refused: too many connections of one peer"] == 2)
        await until(lambda: len(other.node.host.get_network().get_connections()) == limits.MAX_CONNECTIONS_PER_PEER)
        await together(one, other)


@trio_test
async def test_peers_over_tcp_and_quic_are_in_one_room() -> None:
    async with member(transports=NEAR) as one, member(transports=NEAR) as other, raw_peer(one.port) as third:
        await third.join("room")
        await call(one, other)
        await other.say(b"from quic")
        await until(lambda: one.texts() == [b"from quic"])
        await until(lambda: third.id in one.node.pubsub.room())


def test_aioquic_is_imported_when_it_is_used_and_not_before() -> None:
    code = """
import sys
import trio
from py_peer.core.addresses import parse_dial_address
from py_peer.core.settings import Transports
from tests.net.support import member

async def main():
    async with member(transports=Transports(loopback=True, quic=True)) as one:
        async with member(transports=Transports(loopback=True, quic=True)) as other:
            before = "aioquic" in sys.modules
            await one.node.dial(parse_dial_address(other.node.addresses[-1]))
            print(before, "aioquic" in sys.modules)

trio.run(main)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == "False True\n"
