"""What our own classes do is what the library's do: the same checks on both, its traps disarmed and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.custom_types import TProtocol
from libp2p.network.stream.exceptions import StreamEOF, StreamReset

from tests.net.raw_peer import raw_peer, signed
from tests.net.support import ROOM, member, naming, still_hears, trio_test, until
from tests.net.test_traps import HOSTILE_FRAMES

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from tests.net.support import Member

CHECKED = TProtocol("/checked")
OURS, STOCK = "ours", "the library's"
LARGE = bytes(range(250)) * 240
"""The largest text that we send."""


@pytest.fixture(params=[OURS, STOCK])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def node(kind: str) -> AbstractAsyncContextManager[Member]:
    return member(stock=kind == STOCK, loopback=True)


def connections(one: Member) -> list[Any]:
    return list(one.node.host.get_network().get_connections())


# --- Messages -------------------------------------------------------------------------------------


@trio_test
async def test_all_that_is_said_arrives_and_from_us_in_order(kind: str) -> None:
    """The library handles each message in a task of its own, which loses their order."""
    async with node(kind) as a, node(kind) as b:
        await a.dial(b)
        said = [b"%d" % number for number in range(100)] + [LARGE] + [b"%d" % number for number in range(100, 120)]
        for text in said:
            await a.say(text)
            await trio.lowlevel.checkpoint()
        await until(lambda: len(b.heard) == len(said))
        assert (b.texts() == said) or (kind == STOCK and sorted(b.texts()) == sorted(said))


@trio_test
async def test_what_is_said_as_soon_as_somebody_is_in_the_room_is_heard(kind: str) -> None:
    async with node(kind) as a:
        for number in range(3):
            async with node(kind) as b:
                await b.dial(a)
                await a.say(b"welcome %d" % number)
                await until(lambda b=b, last=b"welcome %d" % number: last in b.texts())
                await b.say(b"thank you")
                assert await b.node.settle(5)
            await until(lambda: not a.node.peers.records)
        await until(lambda: a.texts() == [b"thank you"] * 3)


@trio_test
async def test_forged_tampered_unsigned_and_repeated_messages_are_not_heard(kind: str) -> None:
    async with node(kind) as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"first", 1)])
        await until(lambda: one.texts() == [b"first"])  # from here on its key is known
        forged = signed(peer.key_pair, ROOM, b"forged", 2)
        forged.signature = bytes(64)
        tampered = signed(peer.key_pair, ROOM, b"true", 3)
        tampered.data = b"false"
        unsigned = signed(peer.key_pair, ROOM, b"unsigned", 4)
        unsigned.ClearField("signature")
        another = create_new_key_pair()
        foreign = signed(another, ROOM, b"of another", 5)
        foreign.from_id = peer.id.to_bytes()
        last = signed(peer.key_pair, ROOM, b"last", 6)
        for message in (forged, tampered, unsigned, foreign, last, last, signed(peer.key_pair, ROOM, b"first", 1)):
            await gossip.send_rpc(publish=[message])
        await until(lambda: b"last" in one.texts())
        await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"end", 7)])
        await until(lambda: b"end" in one.texts())
        assert sorted(one.texts()) == [b"end", b"first", b"last"]


@trio_test
async def test_what_a_stranger_says_ends_nobody_on_the_librarys_classes_either() -> None:
    """For ours tests/net/test_traps.py says more."""
    async with node(STOCK) as one:
        for name, frame in HOSTILE_FRAMES.items():
            with naming(name):
                async with raw_peer(one.port) as peer:
                    await (await peer.join(ROOM)).write_frame(frame)
                    await still_hears(one)
        assert one.texts() == [b"are you there?"] * len(HOSTILE_FRAMES)


@trio_test
async def test_who_leaves_is_told_that_all_was_read(kind: str) -> None:
    async with node(kind) as a, node(kind) as b:
        await a.dial(b)
        for number in range(50):
            await a.say(b"%d" % number)
        assert await a.node.settle(5)
        await until(lambda: len(b.heard) == 50)


# --- Streams --------------------------------------------------------------------------------------


async def stream_between(a: Member, b: Member, handler: Any) -> Any:
    b.node.host.set_stream_handler(CHECKED, handler)
    return await a.node.host.new_stream(b.id, [CHECKED])


@trio_test
async def test_who_has_said_all_still_hears_the_answer(kind: str) -> None:
    async def count(stream: Any) -> None:
        got = 0
        while True:
            try:
                got += len(await stream.read(1_000))
            except StreamEOF:
                break
        await stream.write(got.to_bytes(4, "big"))
        await stream.close()

    async with node(kind) as a, node(kind) as b:
        await a.dial(b)
        stream = await stream_between(a, b, count)
        await stream.write(bytes(300_000))
        await stream.close_write()
        assert int.from_bytes(await stream.read(4), "big") == 300_000
        with pytest.raises(StreamEOF):
            await stream.read(1)


@trio_test
async def test_a_reset_ends_a_reader_that_waits(kind: str) -> None:
    """With our Yamux as a reset; with the library's it is an end like any other."""
    ended: list[BaseException] = []

    async def wait(stream: Any) -> None:
        try:
            await stream.read(10)
        except Exception as error:
            ended.append(error)
            raise

    async with node(kind) as a, node(kind) as b:
        await a.dial(b)
        stream = await stream_between(a, b, wait)
        await stream.reset()
        await until(lambda: ended)
        assert isinstance(ended[0], StreamReset if kind == OURS else (StreamReset, StreamEOF))


@trio_test
async def test_a_slow_reader_gets_all_of_it_and_holds_nobody_else_up(kind: str) -> None:
    awake = trio.Event()
    body = LARGE * 20

    async def sleep_and_read(stream: Any) -> None:
        await awake.wait()
        got = bytearray()
        while len(got) < len(body):
            got += await stream.read(65_536)
        await stream.write(b"1" if got == body else b"0")

    async with node(kind) as a, node(kind) as b, trio.open_nursery() as nursery:
        await a.dial(b)
        stream = await stream_between(a, b, sleep_and_read)
        written = trio.Event()

        async def write() -> None:
            await stream.write(body)
            written.set()

        nursery.start_soon(write)  # the library's window grows, ours does not
        await until(lambda: written.is_set() or not stream.muxed_stream.send_window)
        await a.say(b"meanwhile")
        await until(lambda: b.texts() == [b"meanwhile"])
        awake.set()
        assert await stream.read(1) == b"1"


@trio_test
async def test_a_connection_that_dies_is_noticed_by_both(kind: str) -> None:
    async with node(kind) as a, node(kind) as b:
        await a.dial(b)
        stream = await stream_between(a, b, lambda stream: stream.read(1))
        (connection,) = connections(a)
        await connection.muxed_conn.secured_conn.close()
        await until(lambda: not connections(a) and not connections(b), 5)
        with pytest.raises((StreamEOF, StreamReset)):
            await stream.read(1)
        await until(lambda: not b.node.pubsub.peers and not a.node.pubsub.peers)
