"""Who sends garbage again and again is let go and refused for a while, and nobody else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.io.exceptions import IOException
from libp2p.pubsub.pb import rpc_pb2

from py_peer.core import limits
from py_peer.net.dial import DialError
from tests.net.raw_peer import (
    DATA,
    IDENTIFY_PROTOCOL,
    MESHSUB,
    PING_PROTOCOL,
    WINDOW,
    GoneError,
    RawPeer,
    RawStream,
    raw_peer,
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
        except (GoneError, IOException):
            await trio.lowlevel.checkpoint()


@pytest.mark.parametrize("attack", [bad_frames, bad_length, unsigned, too_much_on_a_stream, bad_push])
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
        await until(lambda: one.node.host.get_peerstore().addrs(other.id))
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
