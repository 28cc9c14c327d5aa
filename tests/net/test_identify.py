"""Who peers say they are, and what we say."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import trio
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.utils.varint import encode_uvarint
from multiaddr import Multiaddr

from py_peer import __version__
from py_peer.core import limits
from tests.net.raw_peer import IDENTIFY_PROTOCOL, RawPeer, RawStream, raw_peer
from tests.net.support import Member, member, naming, still_hears, trio_test, until

if TYPE_CHECKING:
    import pytest

    from tests.net.raw_peer import Handlers

PUSH_PROTOCOL = "/ipfs/id/push/1.0.0"
HONEST = Identify(agent_version="rust/1.0", protocol_version="uc/1", protocols=["/a", "/b"])


def answering(body: bytes, said: trio.Event | None = None) -> Handlers:
    """Answer who asks for it with `body`; then `said` is set."""

    async def answer(stream: RawStream) -> None:
        await stream.write(body)
        await stream.finish()
        if said is not None:
            said.set()

    return {IDENTIFY_PROTOCOL: answer}


def framed(message: Identify) -> bytes:
    body = message.SerializeToString()
    return encode_uvarint(len(body)) + body


async def asks(peer: RawPeer) -> Identify:
    stream = await peer.open(IDENTIFY_PROTOCOL)
    return Identify.FromString(await stream.read_frame())


@trio_test
async def test_who_connects_says_who_it_is_both_ways() -> None:
    async with member() as a, member() as b:
        await a.dial(b)
        await until(lambda: a.seen.count("identified") and b.seen.count("identified"))
        for one, other in ((a, b), (b, a)):
            record = one.node.peers.records[other.id]
            assert record.agent_version == f"py-peer/{__version__}"
            assert {"/ipfs/ping/1.0.0", "/meshsub/1.1.0"} <= set(record.protocols)


@trio_test
async def test_a_strangers_words_are_taken_as_they_are_and_its_protocols_and_addresses_up_to_a_limit() -> None:
    many = Identify(
        agent_version="\x1b[31mevil",
        protocols=[f"/{number}" for number in range(1_000)],
        listen_addrs=[b"x" * limits.MAX_ADDRESS_BYTES, b"x" * (limits.MAX_ADDRESS_BYTES + 1), *(100 * [b"x"])],
    )
    async with member() as one, raw_peer(one.port, handlers=answering(framed(many))) as peer:
        await until(lambda: one.seen.count("identified"))
        record = one.node.peers.records[peer.id]
        assert record.agent_version == "\x1b[31mevil"  # cleaned where it is shown
        assert len(record.protocols) == limits.MAX_PROTOCOLS_SHOWN
        assert record.listen == (b"x" * limits.MAX_ADDRESS_BYTES, *((limits.LISTEN_ADDRESSES - 2) * (b"x",)))


GARBAGE = {
    "no protobuf": b"\x05\xff\xff\xff\xff\xff",
    "a length above the limit": encode_uvarint(limits.MAX_IDENTIFY + 1),
    "a length of 2**62": encode_uvarint(2**62),
    "a length that never ends": b"\xff" * 20,
    "less than announced": encode_uvarint(1_000) + b"abc",
    "nothing at all": b"",
    "addresses that are none": framed(Identify(listen_addrs=[os.urandom(20) for _ in range(20)], agent_version="x")),
    "a key that is none": framed(Identify(public_key=b"\xff" * 40, agent_version="x")),
    "somebody else's key": framed(Identify(public_key=b"\x08\x01\x12\x20" + bytes(32), agent_version="x")),
    "a record that is none": framed(Identify(signedPeerRecord=b"\xff" * 100, agent_version="x")),
    "a program that is not UTF-8": b"\x04\x32\x02\xff\xfe",
    "a version that is not UTF-8": b"\x04\x2a\x02\xff\xfe",
    "a protocol that is not UTF-8": b"\x04\x1a\x02\xff\xfe",
}


@trio_test
async def test_a_hostile_answer_hurts_nobody_and_the_peer_stays() -> None:
    async with member() as one:
        for name, body in GARBAGE.items():
            with naming(name):
                asked = answers(one)
                async with raw_peer(one.port, handlers=answering(body)) as peer:
                    await until(lambda before=asked: answers(one) > before)
                    await until(lambda who=peer.id: ("pinged", who) in one.seen.told)
                    assert not peer.closed.is_set()
        await still_hears(one)


def answers(one: Member) -> int:
    """Count the answers that were taken, and those that were not."""
    return one.seen.count("identified") + sum(count for name, count in one.node.counters.items() if "caught" in name)


@trio_test
async def test_an_answer_that_claims_too_much_is_refused_before_it_is_read() -> None:
    refused = trio.Event()

    async def wait(stream: RawStream) -> None:
        await stream.write(encode_uvarint(limits.MAX_IDENTIFY + 1))
        await stream.wait_end()
        refused.set()

    async with member() as one, raw_peer(one.port, handlers={IDENTIFY_PROTOCOL: wait}):
        with trio.fail_after(limits.DIAL_TIMEOUT / 2):
            await refused.wait()
        await until(lambda: one.counts("caught: MessageTooLarge") == [1])


@trio_test
async def test_an_answer_that_never_ends_is_given_up_and_the_peer_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DIAL_TIMEOUT", 0.2)

    async def drip(stream: RawStream) -> None:
        await stream.write(encode_uvarint(limits.MAX_IDENTIFY))
        while not stream.ended:
            await stream.write(b"x")
            await trio.sleep(0.01)

    async with member() as one, raw_peer(one.port, handlers={IDENTIFY_PROTOCOL: drip}) as peer:
        await until(lambda: one.node.counters["caught: TooSlowError"])
        assert not peer.closed.is_set()
        await still_hears(one)


@trio_test
async def test_we_say_who_we_are_and_where_without_addresses_that_nobody_can_dial() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        message = await asks(peer)
        addresses = [str(Multiaddr(raw)) for raw in message.listen_addrs]
        assert message.agent_version == f"py-peer/{__version__}"
        assert f"/ip4/127.0.0.1/tcp/{one.port}" in [address.split("/p2p/")[0] for address in addresses]
        assert not [address for address in addresses if "/0.0.0.0/" in address or "/::/" in address]
        assert str(Multiaddr(message.observed_addr)).startswith("/ip4/127.0.0.1/tcp/")
        assert set(message.protocols) >= {"/ipfs/ping/1.0.0", "/meshsub/1.1.0"}


@trio_test
async def test_what_a_peer_pushes_is_told() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        await until(lambda: peer.id in one.node.peers.records)
        stream = await peer.open(PUSH_PROTOCOL)
        await stream.write(framed(HONEST))
        await until(lambda: one.seen.count("identified"))
        record = one.node.peers.records[peer.id]
        assert (record.agent_version, record.protocol_version, record.protocols) == ("rust/1.0", "uc/1", ("/a", "/b"))


@trio_test
async def test_what_is_pushed_again_is_not_told_again_and_who_pushes_without_end_is_not_listened_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "PUSH_BURST", 6)
    monkeypatch.setattr(limits, "PUSH_RATE", 0.01)
    async with member() as one, raw_peer(one.port) as peer:
        await until(lambda: peer.id in one.node.peers.records)
        agents = ["a", "a", "a", "b", "b", "c", "d", "e"]
        for agent in agents:
            stream = await peer.open(PUSH_PROTOCOL)
            await stream.write(framed(Identify(agent_version=agent)))
            await stream.wait_end()
        assert one.seen.count("identified") == 3
        assert one.node.peers.records[peer.id].agent_version == "c"
        assert one.counts("ignored: identify pushes beyond the rate") == [1]


@trio_test
async def test_the_newest_of_what_is_pushed_beyond_the_rate_is_told_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PUSH_BURST", 1)
    monkeypatch.setattr(limits, "PUSH_RATE", 1.0)
    async with member() as one, raw_peer(one.port) as peer:
        await until(lambda: peer.id in one.node.peers.records)
        for number in range(60):
            stream = await peer.open(PUSH_PROTOCOL)
            await stream.write(framed(Identify(agent_version=str(number), protocols=[f"/{number}"])))
            await stream.wait_end()
        await until(lambda: one.node.peers.records[peer.id].agent_version == "59")
        assert one.node.host.get_peerstore().get_protocols(peer.id) == ["/59"]
        assert one.seen.count("identified") < 60


@trio_test
async def test_a_hostile_push_hurts_nobody() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        for name, body in GARBAGE.items():
            with naming(name):
                stream = await peer.open(PUSH_PROTOCOL)
                await stream.write(body)
                await stream.finish()
                await stream.wait_end()
        assert not peer.closed.is_set()
        await still_hears(one)


@trio_test
async def test_strangers_who_came_and_went_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with a new key, and as much to say as fits."""
    monkeypatch.setattr(limits, "MAX_FORMER_PEERS", 2)
    wordy = Identify(
        agent_version="x" * 1_000,
        protocols=[f"/{number}" for number in range(500)],
        listen_addrs=[Multiaddr(f"/ip4/192.0.2.{number}/tcp/4001").to_bytes() for number in range(200)],
    )
    async with member() as one:
        before = known_peers(one)
        for count in range(5):
            async with raw_peer(one.port, handlers=answering(framed(wordy))):
                await until(lambda wanted=count + 1: one.seen.count("identified") == wanted)
            await until(lambda: not one.node.peers.records)
        await until(lambda: known_peers(one) == before + 2)


def known_peers(one: Member) -> int:
    return len(one.node.host.get_peerstore().peer_ids())
