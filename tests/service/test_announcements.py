"""The discovery topic: who announces himself is found, hostile announcements cost little and go no further."""

from __future__ import annotations

import random
import secrets
from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID
from libp2p.pubsub.pb import rpc_pb2

from py_peer.chatroom import PUBSUB_DISCOVERY_TOPIC
from py_peer.core import limits
from py_peer.core.events import PeerFound, PeerJoined, Started
from py_peer.core.findings import Source
from py_peer.core.hearsay import announced_addresses
from py_peer.core.requests import Connect
from py_peer.net.counters import Counters
from py_peer.net.peer_record import decode, encode
from py_peer.net.protobufs import declare
from py_peer.service.announcements import Announcements
from tests.loops import run
from tests.net.raw_peer import signed
from tests.service.support import in_trio, person

if TYPE_CHECKING:
    from collections.abc import Iterable

    from libp2p.crypto.keys import KeyPair

    from py_peer.core.findings import Finding

ANNOUNCING = {"intro": False, "loopback": True, "announce": True}
TAKEN = ""
UNREAD = "dropped: announced peers, more than we read"


def test_two_who_know_a_third_meet() -> None:
    async def scene() -> None:
        async with (
            person("bob", **ANNOUNCING) as bob,
            person("alice", **ANNOUNCING, connect=(await bob.address(),)) as alice,
        ):
            await alice.see(PeerJoined)
            async with person("carol", **ANNOUNCING, connect=(await bob.address(),)) as carol:
                alices, carols = [(await one.see(Started)).peer_id for one in (alice, carol)]
                for one, other in ((alice, carols), (carol, alices)):
                    await one.see(PeerJoined, lambda event, other=other: event.peer_id == other)  # type: ignore[misc]
                told = [event for one in (alice, carol) for event in one.events if isinstance(event, PeerFound)]
                assert {event.source for event in told} == {"by the discovery topic"}

    run(scene())


def test_who_does_not_announce_himself_passes_on_what_others_announce_and_looks_for_nobody() -> None:
    async def scene() -> None:
        async with person("bob", intro=False, loopback=True) as bob:
            address = await bob.address()
            async with person("alice", **ANNOUNCING) as alice, person("carol", **ANNOUNCING) as carol:
                alices = (await alice.see(Started)).peer_id
                for one in (alice, carol):
                    one.ask(lambda ticket: Connect(ticket, address))
                await carol.see(PeerJoined, lambda event: event.peer_id == alices)
                await bob.leave()
                assert not any(isinstance(event, PeerFound) for event in bob.events)

    run(scene())


# --- The board by itself, with messages that no honest peer sends ----------------------------------


class Board:
    """The board of a node to which `self.forwarder` is connected, and what was found by it."""

    def __init__(self, address: str = "/ip4/198.51.100.4/tcp/40404") -> None:
        self.found: list[Finding] = []
        self.board = Announcements(self.found.append)
        self.forwarder = ID.from_pubkey(create_new_key_pair().public_key)
        self.node = SimpleNamespace(
            peers=SimpleNamespace(records={self.forwarder: SimpleNamespace(address=address)}),
            counters=Counters(),
        )
        self.board._node = self.node  # type: ignore[assignment]

    def take(self, message: rpc_pb2.Message, forwarder: ID | None = None) -> str:
        return self.board.take(message, forwarder or self.forwarder)

    def connect(self) -> KeyPair:
        """Return the keys of another who is connected to us."""
        key_pair = create_new_key_pair()
        record = SimpleNamespace(address="/ip4/198.51.100.5/tcp/1")
        self.node.peers.records[ID.from_pubkey(key_pair.public_key)] = record
        return key_pair


def announcement(author: KeyPair, addresses: Iterable[str], of: KeyPair | None = None) -> rpc_pb2.Message:
    return signed(author, PUBSUB_DISCOVERY_TOPIC, encode((of or author).public_key, addresses), secrets.randbits(63))


def test_who_announces_himself_is_found_where_we_can_dial_him() -> None:
    async def scene() -> None:
        board, bob = Board(), create_new_key_pair()
        addresses = [
            "/ip4/192.0.2.7/udp/9/webrtc-direct",
            "/ip4/192.0.2.7/tcp/4001",
            "/dns4/chat.example/tcp/443/tls/ws",
        ]
        assert board.take(announcement(bob, addresses)) == TAKEN
        (finding,) = board.found
        bobs = str(ID.from_pubkey(bob.public_key))
        assert [one.text for one in finding.addresses] == [f"{address}/p2p/{bobs}" for address in addresses[1:]]
        assert (finding.peer_id, finding.source) == (bobs, Source.TOPIC)
        assert (finding.teller, finding.teller_ip) == (str(board.forwarder), "198.51.100.4")

    in_trio(scene)


def test_addresses_for_others_are_passed_on_and_found_by_nobody_here() -> None:
    async def scene() -> None:
        board, browser = Board(), create_new_key_pair()
        relay = str(ID.from_pubkey(create_new_key_pair().public_key))
        assert board.take(announcement(browser, [f"/ip4/192.0.2.7/tcp/1/ws/p2p/{relay}/p2p-circuit/webrtc"])) == TAKEN
        assert board.take(announcement(create_new_key_pair(), [])) == TAKEN
        assert board.found == []
        assert len(list(board.board.kept())) == 2

    in_trio(scene)


def test_an_address_for_us_is_not_looked_for_behind_many_for_others() -> None:
    async def scene() -> None:
        board = Board()
        for others in (limits.ANNOUNCED_ADDRESSES_READ - 1, limits.ANNOUNCED_ADDRESSES_READ):
            addresses = [*others * ["/ip4/192.0.2.7/udp/9/webrtc-direct"], "/ip4/192.0.2.7/tcp/4001"]
            assert board.take(announcement(create_new_key_pair(), addresses)) == TAKEN
        assert len(board.found) == 1

    in_trio(scene)


def test_nobody_announces_another() -> None:
    async def scene() -> None:
        board, eve, bob = Board(), create_new_key_pair(), create_new_key_pair()
        reason = board.take(announcement(eve, ["/ip4/192.0.2.7/tcp/4001"], of=bob))
        assert reason == "dropped: an announced peer, not by itself"
        assert board.found == []
        assert list(board.board.kept()) == []

    in_trio(scene)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\x0a", "no protobuf"),
        (b"", "no public key"),
        (b"x" * limits.MAX_ANNOUNCED_PEER_BYTES + b"x", "too large"),
        (b"x" * limits.MAX_ANNOUNCED_PEER_FRAME, "too large"),
    ],
)
def test_what_announces_nobody_is_not_passed_on_and_says_why(payload: bytes, reason: str) -> None:
    async def scene() -> None:
        board = Board()
        message = signed(create_new_key_pair(), PUBSUB_DISCOVERY_TOPIC, payload, 1)
        assert board.take(message) == f"dropped: an announced peer, {reason}"
        assert board.found == []

    in_trio(scene)


def test_of_one_author_no_more_is_taken_than_an_honest_one_says() -> None:
    async def scene() -> None:
        board, eve = Board(), create_new_key_pair()
        message = announcement(eve, ["/ip4/192.0.2.7/tcp/4001"])
        for forwarder, rest in ((board.forwarder, UNREAD), (ID.from_pubkey(eve.public_key), None)):
            reasons = Counter(board.take(message, forwarder) for _ in range(1_000))
            many = 1_000 if rest is None else limits.PEERS_READ_BURST_OF_ONE
            assert reasons[TAKEN] == limits.PEER_ANNOUNCED_BURST == len(board.found)
            assert reasons["dropped: an announced peer, too many of one author"] == many - limits.PEER_ANNOUNCED_BURST
            assert rest is None or reasons[rest] == 1_000 - many
            await trio.sleep(limits.PEERS_FLOODED_SECONDS)
            board.found.clear()
        assert board.take(message) == TAKEN

    in_trio(scene)


_PEER = declare("test", Peer=("bytes publicKey = 1", "repeated bytes addrs = 2"))["Peer"]


def from_nobody(addresses: int) -> rpc_pb2.Message:
    """Return an announcement of an author whose key was made up (making 10,000 real ones would take a while)."""
    key = b"\x08\x01\x12\x20" + secrets.token_bytes(32)
    places = [b"\x04" + secrets.token_bytes(4) + b"\x06\x0f\xa1" for _ in range(addresses)]
    data = _PEER(publicKey=key, addrs=places).SerializeToString()
    return rpc_pb2.Message(data=data, from_id=b"\x00\x24" + key, topicIDs=[PUBSUB_DISCOVERY_TOPIC])


def test_10_000_authors_with_thousands_of_addresses_are_dropped() -> None:
    async def scene() -> None:
        board = Board()
        message = from_nobody(5_000)
        reasons = Counter(board.take(message) for _ in range(10_000))
        assert reasons == {"dropped: an announced peer, too large": 10_000}

    in_trio(scene)


def test_10_000_authors_cost_a_bounded_part_of_our_time_and_memory() -> None:
    async def scene() -> None:
        board = Board()
        forwarders = [ID.from_pubkey(board.connect().public_key) for _ in range(10)]
        reasons = Counter(
            board.take(from_nobody(limits.MAX_ANNOUNCED_PEER_ADDRESSES), forwarders[number % 10])
            for number in range(10_000)
        )
        assert reasons == {TAKEN: limits.PEERS_READ_BURST, UNREAD: 10_000 - limits.PEERS_READ_BURST}
        assert len(board.found) == limits.PEERS_READ_BURST
        assert max(len(finding.addresses) for finding in board.found) == limits.BOOK_ADDRESSES
        assert board.board.way() == (
            "the discovery topic: 100 peers announced there; "
            "9900 announcements left unread, since more came than we read"
        )
        assert len(list(board.board.kept())) == limits.PEERS_HANDED_ON
        assert len(board.board._authors) == limits.PEERS_READ_BURST

    in_trio(scene)


async def flood(board: Board, seconds: int, rate: int = 300) -> None:
    """Hand on `rate` announcements of made-up authors a second, all by `board.forwarder`."""
    for _ in range(seconds * 10):
        for _ in range(rate // 10):
            board.take(from_nobody(0))
        await trio.sleep(0.1)


def test_while_one_peer_floods_us_those_are_read_who_announce_themselves_and_whom_others_pass_on() -> None:
    async def scene() -> None:
        board, bob, carol = Board(), create_new_key_pair(), create_new_key_pair()
        dave = board.connect()
        await flood(board, 20)
        for author, forwarder in ((bob, bob), (carol, dave)):
            message = announcement(author, ["/ip4/192.0.2.7/tcp/4001"])
            assert board.take(message, ID.from_pubkey(forwarder.public_key)) == TAKEN
        kept = [ID(message.from_id) for message in board.board.kept()]
        assert len(kept) == limits.PEERS_HANDED_ON_OF_ONE + 2
        assert kept[-2:] == [ID.from_pubkey(author.public_key) for author in (bob, carol)]
        await flood(board, 10)
        assert {ID(message.from_id) for message in board.board.kept()} >= set(kept[-2:])

    in_trio(scene)


def test_behind_a_relay_of_a_flood_others_are_found_within_a_few_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        monkeypatch.setattr("random.random", random.Random(1).random)
        relay, board, bob = Board(), Board(), create_new_key_pair()
        turns: list[bool] = []
        for tenth in range(2_000):
            for _ in range(5):
                if relay.take(message := from_nobody(0)) == TAKEN:
                    board.take(message)
            if tenth % 100 == 77:
                message = announcement(bob, [])
                assert relay.take(message, ID.from_pubkey(bob.public_key)) == TAKEN
                turns.append(board.take(message) == TAKEN)
            await trio.sleep(0.1)
        assert len(turns) == 20
        assert turns.count(True) >= 5
        assert any(turns[:5])

    in_trio(scene)


def test_of_those_who_have_gone_no_pace_is_kept() -> None:
    async def scene() -> None:
        board = Board()
        for _ in range(50):
            peer_id = ID.from_pubkey(board.connect().public_key)
            board.take(from_nobody(0), peer_id)
            del board.node.peers.records[peer_id]
        assert len(board.board._paces) <= 2

    in_trio(scene)


# --- Our own announcement -------------------------------------------------------------------------


class Publisher(Board):
    """A board that announces us, and what it has published."""

    def __init__(self, *addresses: str) -> None:
        super().__init__()
        self.key_pair = create_new_key_pair()
        self.node.host = Mock(get_public_key=lambda: self.key_pair.public_key)
        self.node.pubsub = self
        self.node.addresses = addresses
        self.published: list[float] = []
        self.latest: tuple[bytes, ...] = ()

    async def publish(self, topic: str, data: bytes) -> None:
        self.latest = decode(data).addresses
        self.published.append(trio.current_time())
        self.board.keep(signed(self.key_pair, topic, data, len(self.published)))

    async def run(self, seconds: float) -> None:
        self.published.clear()
        with trio.move_on_after(seconds):
            await self.board.run(self.node)  # type: ignore[arg-type]


def test_we_are_announced_at_once_every_10_s_and_more_rarely_the_more_there_are() -> None:
    async def scene() -> None:
        us = Publisher("/ip4/192.0.2.7/tcp/4001")
        await us.run(100)
        assert us.published[0] == 0
        assert 9 <= len(us.published) <= 14
        others = [(announcement(one, []), ID.from_pubkey(one.public_key)) for one in (us.connect() for _ in range(30))]

        async def announce_others() -> None:
            while True:
                for message, author in others:
                    us.take(message, author)
                await trio.sleep(limits.PEER_REPEAT)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(announce_others)
            await us.run(1_000)
            nursery.cancel_scope.cancel()
        assert us.board.announcers() == 30
        assert 9 <= len(us.published) <= 15

    in_trio(scene)


def test_nobody_silences_us_by_announcing_himself_under_many_names() -> None:
    async def scene() -> None:
        us = Publisher("/ip4/192.0.2.7/tcp/4001")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(flood, us, 600, 20)
            await us.run(600)
        assert len(us.published) >= 600 / (limits.ANNOUNCERS_OF_ONE * limits.NICK_SHARE * (1 + limits.NICK_JITTER))

    in_trio(scene)


def test_nobody_silences_us_by_announcing_himself_under_many_names_over_many_connections() -> None:
    async def scene() -> None:
        us = Publisher("/ip4/192.0.2.7/tcp/4001")
        for _ in range(limits.MAX_CONNECTIONS):
            key_pair = us.connect()
            us.take(announcement(key_pair, []), ID.from_pubkey(key_pair.public_key))
        assert us.board.announcers() == limits.MAX_CONNECTIONS
        await us.run(limits.PEER_REPEAT_LONGEST * (1 + limits.NICK_JITTER) + 1)
        assert len(us.published) == 2

    in_trio(scene)


def test_new_addresses_are_announced_soon() -> None:
    async def scene() -> None:
        us = Publisher("/ip4/192.0.2.7/tcp/4001")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(us.run, 60)
            await trio.sleep(3)
            us.node.addresses = ("/ip4/192.0.2.8/tcp/4001",)
            await trio.sleep(2)
            assert len(us.published) == 2
            assert us.latest == (b"\x04\xc0\x00\x02\x08\x06\x0f\xa1",)
            nursery.cancel_scope.cancel()

    in_trio(scene)


def test_who_has_no_address_for_others_announces_nothing() -> None:
    async def scene() -> None:
        us = Publisher("/ip4/127.0.0.1/tcp/4001")
        await us.run(100)
        assert us.published == []

    in_trio(scene)


def test_a_newcomer_is_handed_our_announcement_and_others_but_none_that_the_others_have_forgotten() -> None:
    async def scene() -> None:
        us = Publisher("/ip4/192.0.2.7/tcp/4001")
        others = [announcement(create_new_key_pair(), []) for _ in range(2)]
        us.take(others[0])
        await trio.sleep(limits.PEERS_HANDED_ON_SECONDS)
        us.take(others[1])
        await us.run(1)
        kept = list(us.board.kept())
        assert kept[0] == others[1]
        assert [ID(message.from_id) for message in kept[1:]] == [ID.from_pubkey(us.key_pair.public_key)]

    in_trio(scene)


def test_newcomers_are_told_of_nobody_who_has_gone_and_he_is_not_counted() -> None:
    async def scene() -> None:
        board = Board()
        bob, eve = (create_new_key_pair() for _ in range(2))
        bobs = ID.from_pubkey(bob.public_key)
        board.node.peers.records[bobs] = None
        for author in (bob, eve):
            assert board.take(announcement(author, [])) == TAKEN
        board.board.moved(bobs)  # one of his connections ends, or somebody says goodbye in his name
        assert len(list(board.board.kept())) == board.board.announcers() == 2
        del board.node.peers.records[bobs]
        board.board.moved(bobs)
        assert [ID(message.from_id) for message in board.board.kept()] == [ID.from_pubkey(eve.public_key)]
        assert board.board.way() == "the discovery topic: 1 peer announced there"
        assert board.take(announcement(bob, [])) == TAKEN
        assert len(list(board.board.kept())) == board.board.announcers() == 2

    in_trio(scene)


def test_of_one_to_whom_we_are_not_connected_newcomers_are_told_until_he_misses_his_turn() -> None:
    async def scene() -> None:
        board = Board()
        board.take(announcement(create_new_key_pair(), []))
        await trio.sleep(2 * limits.PEER_REPEAT - 1)
        assert len(list(board.board.kept())) == 1
        await trio.sleep(2)
        assert list(board.board.kept()) == []

    in_trio(scene)


def test_of_our_addresses_those_are_announced_that_mean_something_elsewhere() -> None:
    ours = [
        *("/ip4/192.168.1.5/tcp/1/p2p/12D3KooWH3uVF6wv47WnArKHk5p6cvgCJEb74UTmxztmQDc298L3", "/ip4/203.0.113.9/tcp/1"),
        *("/ip4/169.254.3.4/tcp/1", "/ip4/127.0.0.1/tcp/1", "/ip6/2001:db8::1/tcp/1", "/ip6/::1/tcp/1"),
    ]
    assert announced_addresses(ours, loopback=False) == [ours[0], ours[1], ours[4]]
    assert announced_addresses(ours, loopback=True) == [ours[3], ours[5]]
    many = [f"/ip4/192.0.2.{number}/tcp/1" for number in range(20)]
    assert announced_addresses(many, loopback=False) == many[: limits.OWN_ADDRESSES_ANNOUNCED]
    ends = [f"{host}/tcp/1{more}" for host in ("/ip4/203.0.113.9", "/ip6/2001:db8::1") for more in ("", "/ws")]
    named = [*ends[1:], "/dns/peer.example/tcp/1/tls/ws", "/dns/localhost/tcp/1/tls/ws"]
    # Each kind of host and transport has its place; the others have what is left.
    first = [*many[: limits.OWN_ADDRESSES_ANNOUNCED - 4], *named[:-1]]
    assert announced_addresses([*many, *named], loopback=False) == first
    assert announced_addresses(named, loopback=True) == named[-1:]
