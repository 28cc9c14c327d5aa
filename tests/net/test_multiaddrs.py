"""Binary multiaddrs of strangers: those that we dial are read, as the library has them; all others cost nothing."""

from __future__ import annotations

import os
import time

import pytest
import trio
from hypothesis import example, given, reject
from hypothesis import strategies as st
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.peer.id import ID
from multiaddr import Multiaddr
from multiaddr.exceptions import StringParseError

from py_peer.core import limits
from py_peer.core.addresses import AddressError, parse_dial_address, with_peer
from py_peer.net.kad_messages import ADDRESSES_READ, peers
from py_peer.net.multiaddrs import dialable, without_peer

PEER = ID.from_pubkey(create_new_key_pair(bytes([1]) * 32).public_key).to_bytes()
PEER_ID = str(ID(PEER))
OTHER = str(ID.from_pubkey(create_new_key_pair(bytes([2]) * 32).public_key))
ADDRESS = f"/ip4/192.0.2.7/tcp/4001/p2p/{PEER_ID}"
MANY = 1_000

names = st.from_regex(r"[a-z0-9_]([a-z0-9-]{0,9}[a-z0-9_])?(\.[a-z0-9]{1,10}){0,9}", fullmatch=True)
hosts = st.one_of(
    st.ip_addresses().map(lambda ip: f"/ip{ip.version}/{ip}"),
    st.sampled_from(["/ip6/fe80::1", "/ip6/::1", "/ip6/::ffff:10.0.0.1", "/ip4/0.0.0.0", "/ip4/224.0.0.1"]),
    st.builds(lambda kind, name: f"/{kind}/{name}", st.sampled_from(["dns", "dns4", "dns6"]), names),
)
over = ["", "/ws", "/wss", "/tls/ws", "/tls", "/tcp/1", "/http"]
tails = st.builds(
    str.__add__,
    st.sampled_from(over),
    st.sampled_from(["", f"/p2p/{PEER_ID}", f"/p2p/{OTHER}", f"/p2p/{OTHER}/p2p-circuit/p2p/{PEER_ID}"]),
)


def binary(text: str) -> bytes:
    return bytes(Multiaddr(text).to_bytes())


def read(*addresses: bytes) -> list[str]:
    return [one.text for one in dialable(addresses, PEER, MANY)]


def test_of_a_peers_addresses_those_are_taken_that_we_dial_each_once_and_with_its_id() -> None:
    relay = f"/ip4/192.0.2.9/tcp/4001/p2p/{OTHER}/p2p-circuit"
    addresses = [
        *("/ip4/192.0.2.7/tcp/4001", ADDRESS, "/ip6/2001:db8::1/tcp/4001", "/dns4/chat.example/tcp/4001"),
        *("/ip4/192.0.2.7/tcp/4001/ws", "/ip4/192.0.2.7/udp/4001/quic-v1", "/ip4/192.0.2.7/udp/9090/webrtc-direct"),
        *(relay, f"{relay}/p2p/{PEER_ID}", f"{relay}/webrtc/p2p/{PEER_ID}", f"/ip4/192.0.2.8/tcp/4001/p2p/{OTHER}"),
    ]
    taken = ("/ip4/192.0.2.7/tcp/4001", "/ip6/2001:db8::1/tcp/4001", "/dns4/chat.example/tcp/4001")
    others = ("/ip4/192.0.2.7/tcp/4001/ws", "/ip4/192.0.2.7/udp/4001/quic-v1")
    found = [f"{address}/p2p/{PEER_ID}" for address in (*taken, *others, relay)]
    assert read(*map(binary, addresses)) == found
    assert [one.text for one in dialable(map(binary, addresses), PEER, 2)] == found[:2]


@given(hosts, st.integers(0, 65_535), tails)
@example("/ip4/192.0.2.7", 0xDD03, "")  # ends as /ws does
@example("/ip4/192.0.2.7", 0xDE03, "/ws")
def test_an_address_is_read_as_the_library_reads_it(host: str, port: int, tail: str) -> None:
    try:
        address = binary(f"{host}/tcp/{port}{tail}")
    except StringParseError:  # names that no registry gives, such as a_b and ab--c, the library does not write
        reject()
    try:
        known = parse_dial_address(str(Multiaddr(address)))
    except AddressError:
        assert read(address) == []
    else:
        full = known if known.peer_id else with_peer(known, PEER_ID)
        assert list(dialable([address], PEER, 1)) == ([full] if full.peer_id == PEER_ID else [])


@given(st.lists(st.binary(max_size=60) | st.binary(max_size=40).map(lambda tail: b"\x04\xc0\x00\x02\x07" + tail)))
@example([b"\x35\x03a/b\x06\x00\x01", b"\x35\x02\xff\xfe\x06\x00\x01", b"\x35\x00\x06\x00\x01", b"\x06\x00\x01"])
def test_no_bytes_are_an_address_that_could_not_be_parsed(addresses: list[bytes]) -> None:
    for one in dialable(addresses, PEER, MANY):
        assert one == parse_dial_address(one.text)
        assert one.peer_id == PEER_ID


@given(st.binary(max_size=60))
def test_the_peer_at_the_end_is_taken_off_and_nobody_else(head: bytes) -> None:
    assert without_peer(head + binary(f"/p2p/{PEER_ID}"), PEER) == head
    assert without_peer(head + binary(f"/p2p/{OTHER}"), PEER) == head + binary(f"/p2p/{OTHER}")


@pytest.mark.parametrize("head", [b"\x04\x0b\0\0\1", b"\x35\x01a", binary("/ip4/11.0.0.1/tcp/1")])
def test_an_address_of_many_parts_is_not_read(head: bytes) -> None:
    long = [head + 80 * b"\x35\x01a" + os.urandom(2) + b"\x06\x00\x01" for _ in range(MANY)]
    before = time.process_time()
    assert read(*long) == []
    assert time.process_time() - before < 0.2  # it takes 2 ms; to read them, more than 1 s


# --- The peers of an answer in Kademlia ---------------------------------------------------------------


def answer(count: int, addresses: int) -> list[Message.Peer]:
    ids = (b"\0\x24\x08\x01\x12\x20" + number.to_bytes(32, "big") for number in range(count))
    told = [b"\x04\x0b\0" + number.to_bytes(2, "big") + b"\x06\x0f\xa1" for number in range(addresses)]
    return [Message.Peer(id=one, addrs=told) for one in ids]


async def _read(entries: list[Message.Peer], most: int) -> list[int]:
    return [len(addresses) async for _, addresses in peers(entries, most)]


def read_peers(entries: list[Message.Peer], most: int) -> list[int]:
    """Return how many addresses of each peer are taken."""
    return trio.run(_read, entries, most)


def test_of_an_answer_the_first_peers_are_read_and_of_each_the_first_addresses() -> None:
    assert read_peers(answer(5, 3), 4) == [3, 3, 3, 3]
    assert read_peers([Message.Peer(id=b"none"), *answer(1, 99)], 4) == [limits.KAD_ADDRESSES]
    assert read_peers([], 4) == []


def test_the_addresses_of_an_answer_have_a_limit_in_all() -> None:
    count = limits.KAD_ANSWER_ADDRESSES // ADDRESSES_READ + 2
    found = read_peers(answer(count, 2 * ADDRESSES_READ), count)
    assert found == [*((count - 2) * [limits.KAD_ADDRESSES]), limits.KAD_ADDRESSES, 0]


def test_others_have_their_turn_while_an_answer_is_read() -> None:
    turns = 0

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(count)
            await _read(answer(50, 1), 50)
            nursery.cancel_scope.cancel()

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    trio.run(run)
    assert turns > 40
