"""Who sends garbage again and again is let go and refused for a while, and nobody else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.io.exceptions import IOException
from libp2p.pubsub.pb import rpc_pb2
from libp2p.utils.varint import encode_uvarint

from py_peer.core import limits
from py_peer.net.dial import DialError
from tests.net.raw_peer import (
    DATA,
    HEADER,
    IDENTIFY_PROTOCOL,
    MESHSUB,
    PING,
    PING_PROTOCOL,
    SYN,
    WINDOW,
    WINDOW_UPDATE,
    GoneError,
    RawPeer,
    RawStream,
    cut,
    raw_peer,
    secure,
    signed,
)
from tests.net.support import ROOM, Member, member, still_hears, trio_test, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from libp2p.crypto.keys import KeyPair


@pytest.fixture(autouse=True)
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgive little, so that the tests are short."""
    monkeypatch.setattr(limits, "STRIKES", 3)


async def bad_frames(peer: RawPeer) -> None:
    gossip = await peer.join(ROOM)
    for _ in range(limits.BAD_FRAMES):
        await gossip.write_frame(b"\xff\xff\xff\xff\xff")
    await gossip.wait_end()


async def bad_length(peer: RawPeer) -> None:
    gossip = await peer.join(ROOM)
    await gossip.write(b"\xff" * 11)
    await gossip.wait_end()


async def unsigned(peer: RawPeer) -> None:
    gossip = await peer.join(ROOM)
    message = signed(create_new_key_pair(), ROOM, b"x", 1)
    message.data = b"y"
    await gossip.send_rpc(publish=[message])


async def own_unsigned(peer: RawPeer) -> None:
    gossip = await peer.join(ROOM)
    message = signed(peer.key_pair, ROOM, b"x", 1)
    message.ClearField("signature")
    await gossip.send_rpc(publish=[message])


async def signed_by_nobody(peer: RawPeer) -> None:
    gossip = await peer.join(ROOM)
    message = signed(peer.key_pair, ROOM, b"x", 1)
    message.ClearField("from_id")
    await gossip.send_rpc(publish=[message])


async def bad_version(peer: RawPeer) -> None:
    await peer.secured.write(HEADER.pack(7, WINDOW_UPDATE, 0xFF00, 99, 0))
    await peer.closed.wait()


def stream_begins_with(rubbish: bytes) -> Callable[[RawPeer], Awaitable[None]]:
    async def attack(peer: RawPeer) -> None:
        stream = await peer.open()
        await stream.write(rubbish)
        await stream.wait_end()

    return attack


async def too_much_on_a_stream(peer: RawPeer) -> None:
    stream = await peer.open(MESHSUB)
    await peer.send(DATA, 0, stream.id, length=WINDOW + 1)
    await peer.closed.wait()


async def bad_push(peer: RawPeer) -> None:
    stream = await peer.open("/ipfs/id/push/1.0.0")
    await stream.write(b"\x05\xff\xff\xff\xff\xff")
    await stream.wait_end()


async def again_and_again(one: Member, key_pair: KeyPair, attack: Callable[[RawPeer], Awaitable[None]]) -> None:
    """Attack until one is banned, connecting anew where that is needed."""
    for _ in range(limits.STRIKES + 1):
        if one.seen.count("banned"):
            return
        try:
            async with raw_peer(one.port, key_pair) as peer:
                await attack(peer)
                await still_hears(one)
        except* (GoneError, IOException):  # banned in the middle of it, or before it
            await trio.lowlevel.checkpoint()


@pytest.mark.parametrize(
    "attack",
    [
        bad_frames,
        bad_length,
        unsigned,
        own_unsigned,
        signed_by_nobody,
        too_much_on_a_stream,
        bad_push,
        bad_version,
        stream_begins_with(b"\x05abcd\n"),
        stream_begins_with(b"\x02\xff\n"),
        stream_begins_with(b"\x05abcde"),
        stream_begins_with(b"\xff" * 20),
        stream_begins_with(encode_uvarint(2**40)),
        stream_begins_with(b"\x13/multistream/1.0.0\n\x02\xff\n"),
    ],
)
@trio_test
async def test_garbage_again_and_again_is_a_ban(attack: Callable[[RawPeer], Awaitable[None]]) -> None:
    key_pair = create_new_key_pair()
    async with member() as one, raw_peer(one.port) as honest:
        await honest.join(ROOM)
        await until(lambda: honest.id in one.node.pubsub.room())
        await again_and_again(one, key_pair, attack)
        await until(lambda: one.seen.count("banned"))
        with pytest.raises((GoneError, IOException)):
            async with raw_peer(one.port, key_pair):
                pass
        assert one.counts("peers let go: they sent garbage") == [1]
        assert one.seen.count("banned") == 1
        assert not honest.closed.is_set()
        await still_hears(one)


@pytest.mark.parametrize("rubbish", [b"\x05abcd\n\x06abcde\n", b"\x13/multistream/1.0.0\n\x02\xff\n", b"\xff" * 20])
@trio_test
async def test_garbage_where_a_connection_begins_is_a_ban(rubbish: bytes) -> None:
    key_pair = create_new_key_pair()
    async with member() as one:
        for number in range(limits.STRIKES + 1):
            secured = await secure("127.0.0.1", one.port, key_pair)
            try:
                await secured.write(rubbish)
                await until(lambda number=number: one.node.counters["strikes"] == number + 1)
            finally:
                await cut(secured)
        await until(lambda: one.seen.count("banned"))
        await still_hears(one)


@trio_test
async def test_the_reason_of_a_ban_names_the_protocol_or_says_that_there_was_none_yet() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        for _ in range(limits.STRIKES + 1):
            await stream_begins_with(b"\x05abcd\n")(peer)
        await until(lambda: one.seen.reasons)
        assert one.seen.reasons == ["it sent garbage where streams begin"]
        async with raw_peer(one.port) as other:
            for _ in range(limits.STRIKES + 1):
                await bad_push(other)
            await until(lambda: len(one.seen.reasons) == 2)
        assert one.seen.reasons[1] == "it broke the protocol /ipfs/id/push/1.0.0"


@trio_test
async def test_what_failing_networks_and_honest_strangers_do_is_no_garbage() -> None:
    async with member() as one:
        for begun in (b"", b"\x13", b"\x13/multistream/1.0.0\n", b"\x13/multistream/1.0.0\n\x0d/yamux"):
            secured = await secure("127.0.0.1", one.port, create_new_key_pair())
            await secured.write(begun)
            await cut(secured)
        async with raw_peer(one.port) as peer:
            for begun in (b"", b"\x13/multi", b"\x13/multistream/1.0.0\n", b"\x13/multistream/1.0.0\n\x03na"):
                for end in (RawStream.finish, RawStream.abort):
                    stream = await peer.open()
                    await stream.write(begun)
                    await end(stream)
            for _ in range(limits.STRIKES + 1):
                stream = await peer.open()
                for line in ("/multistream/1.0.0", "/nobody/speaks/this", "ls", "/nor/this"):
                    await stream.say(line)
                assert [await stream.hear() for _ in range(2)] == ["/multistream/1.0.0", "na"]
                await stream.abort()
                await peer.send(PING, SYN, 0, length=7)
                await peer.send(DATA, 0, 9_999, b"for a stream that was reset")
            await until(lambda: peer.frames[PING] > limits.STRIKES)
            assert one.counts("strikes") == [0]
            assert not peer.closed.is_set()
        await still_hears(one)


@trio_test
async def test_what_the_rust_peer_passes_on_in_good_faith_is_not_held_against_it() -> None:
    author = create_new_key_pair()
    async with member() as one, raw_peer(one.port) as hub:
        gossip = await hub.join(ROOM)
        for number in range(10):
            nameless = rpc_pb2.Message(data=b"x", topicIDs=[ROOM])
            unsigned = signed(author, ROOM, b"x", number)
            unsigned.ClearField("signature")
            unnumbered = rpc_pb2.Message(data=b"x", topicIDs=[ROOM], from_id=unsigned.from_id)
            unnumbered.signature = author.private_key.sign(b"libp2p-pubsub:" + unnumbered.SerializeToString())
            await gossip.send_rpc(publish=[nameless, unsigned, unnumbered])
        await gossip.send_rpc(publish=[signed(author, ROOM, b"end", 99)])
        await until(lambda: one.texts() == [b"end"])
        assert one.counts("dropped: no proper author or sequence number") == [20]
        assert one.counts("dropped: not signed by its author", "strikes") == [10, 0]


@pytest.mark.parametrize("protocol", [PING_PROTOCOL, IDENTIFY_PROTOCOL])
@trio_test
async def test_garbage_as_an_answer_counts(protocol: str) -> None:
    async def lies(stream: RawStream) -> None:
        await stream.write(b"\x20" + b"\xff" * 64)

    async with member() as one, raw_peer(one.port, handlers={protocol: lies}):
        await until(lambda: one.node.counters["strikes"])


@trio_test
async def test_a_banned_peer_is_not_dialled_until_the_ban_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async with member() as one, member() as other:
        await one.dial(other)
        monkeypatch.setattr(one.node.bans._strikes, "_seconds", 1.0)
        for _ in range(limits.STRIKES + 1):
            one.node.bans.strike(other.id, "it is a test")
        await until(lambda: one.seen.names(other.id) == ["up", "joined", "banned", "left", "down"])
        with pytest.raises(DialError, match="it has sent garbage and is refused for a while"):
            await one.node.dial(other.address)
        with pytest.raises(DialError, match="it hangs up once it knows who we are: it may refuse us for a while"):
            await other.node.dial(one.address)
        await until(lambda: not one.node.bans.banned())
        await one.dial(other)


@trio_test
async def test_who_is_kept_away_is_neither_dialled_nor_taken_until_forgiven() -> None:
    async with member() as one, member() as other:
        await one.dial(other)
        one.node.bans.keep_away(other.id)
        await one.node.disconnect(other.id)
        await until(lambda: not one.node.peers.records and not other.node.peers.records)
        with pytest.raises(DialError, match="it was let go with /disconnect"):
            await one.node.dial(other.address)
        with pytest.raises(DialError, match="it hangs up"):
            await other.node.dial(one.address)
        await one.node.dial(other.address, forgive=True)
        await until(lambda: other.id in one.node.pubsub.room())


@trio_test
async def test_one_who_has_gone_is_not_dialled_by_opening_a_stream_to_him() -> None:
    """The library would: it knows from identify where he is."""
    async with member() as one, member() as other:
        await one.dial(other)
        await until(lambda: other.id in one.node.host.get_peerstore().peers_with_addrs())
        await other.node.disconnect(one.id)
        await until(lambda: not one.node.peers.records)
        with pytest.raises(Exception, match="it is not connected"):
            await one.node.host.new_stream(other.id, [PING_PROTOCOL])  # type: ignore[list-item]
        assert not one.node.peers.records


@trio_test
async def test_keys_that_we_cannot_verify_are_not_held_against_who_passes_them_on() -> None:
    """An ECDSA key is not in the peer ID, and the library cannot read it (0.8.1)."""
    async with member() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        for number in range(20):
            message = rpc_pb2.Message(
                data=b"x",
                topicIDs=[ROOM],
                from_id=b"\x12\x20" + bytes(32),
                seqno=bytes([number]),
                signature=b"s",
                key=b"k",
            )
            await gossip.send_rpc(publish=[message])
        await until(lambda: one.counts("dropped: not signed by its author") == [20])
        assert one.counts("strikes") == [0]
        assert not peer.closed.is_set()
