"""Kademlia for others: what is asked is answered, records are kept within bounds, and nobody is locked out."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.utils.varint import encode_uvarint
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.core.kademlia import ROOM_KEYS
from tests.net.kad_member import kad_member
from tests.net.raw_peer import IDENTIFY_PROTOCOL, GoneError, RawPeer, RawStream, raw_peer
from tests.net.support import naming, still_hears, trio_test, until

KAD = "/ipfs/kad/1.0.0"
KEY = b"\x12\x20" + bytes(32)
QUIC = Multiaddr("/ip4/192.0.2.7/udp/4001/quic-v1").to_bytes()
TCP = Multiaddr("/ip4/192.0.2.7/tcp/4001").to_bytes()


async def ask(peer: RawPeer, **request: Any) -> Message:
    """Return the answer to a request. Raises GoneError where there is none."""
    stream = await peer.open(KAD)
    await stream.write_frame(Message(**request).SerializeToString())
    answer = await stream.read_frame()
    await stream.finish()
    return Message.FromString(answer)


async def add(peer: RawPeer, key: bytes = KEY, addrs: tuple[bytes, ...] = (TCP,), **request: Any) -> RawStream:
    """Say that a peer provides a key, and return the stream: it stays open, as Go's does."""
    stream = await peer.open(KAD)
    record = Message.Peer(id=peer.id.to_bytes(), addrs=addrs)
    request = {"type": Message.ADD_PROVIDER, "key": key, "providerPeers": [record], **request}
    await stream.write_frame(Message(**request).SerializeToString())
    return stream


def says_it_speaks(*protocols: str, addresses: tuple[bytes, ...] = (TCP,)) -> dict[str, Any]:
    """Return the handler of one who answers identify with these protocols."""

    async def identify(stream: RawStream) -> None:
        await stream.write_frame(Identify(protocols=protocols, listen_addrs=addresses).SerializeToString())
        await stream.finish()

    return {IDENTIFY_PROTOCOL: identify}


# --- Records --------------------------------------------------------------------------------------


@trio_test
async def test_who_says_that_he_provides_a_key_is_found_under_it_and_nothing_is_answered() -> None:
    """Go writes the next request on the same stream: an answer to the record would be taken for that one's."""
    async with kad_member() as (one, _), raw_peer(one.port) as provider, raw_peer(one.port) as seeker:
        stream = await add(provider, addrs=(QUIC, TCP))
        await stream.write_frame(Message(type=Message.GET_PROVIDERS, key=KEY).SerializeToString())
        assert Message.FromString(await stream.read_frame()).type == Message.GET_PROVIDERS
        found = (await ask(seeker, type=Message.GET_PROVIDERS, key=KEY)).providerPeers
        assert [(peer.id, list(peer.addrs)) for peer in found] == [(provider.id.to_bytes(), [QUIC, TCP])]
        assert found[0].connection == Message.CONNECTED


@trio_test
async def test_a_provider_that_tells_no_address_is_kept_and_told_with_those_of_its_identify() -> None:
    """The Rust peer is one."""
    async with kad_member() as (one, dht), raw_peer(one.port, handlers=says_it_speaks("/meshsub/1.1.0")) as rust:
        await until(lambda: dht.server.known(rust.id.to_bytes()))
        await add(rust, ROOM_KEYS[1], addrs=())
        await until(lambda: len(dht.server.providers))
        async with raw_peer(one.port) as seeker:
            found = (await ask(seeker, type=Message.GET_PROVIDERS, key=ROOM_KEYS[1])).providerPeers
        ourselves, provider = found
        assert ourselves.id == one.id.to_bytes()
        assert (provider.id, list(provider.addrs)) == (rust.id.to_bytes(), [TCP])


@trio_test
async def test_what_one_says_of_another_is_not_kept() -> None:
    other = Message.Peer(id=create_new_key_pair().public_key.serialize()[:38], addrs=[TCP])
    async with kad_member() as (one, dht), raw_peer(one.port) as liar:
        await (await add(liar, providerPeers=[other] * 3)).wait_end()
        await (await add(liar, providerPeers=[])).wait_end()
        assert not len(dht.server.providers)
        assert one.counts("ignored: Kademlia, a provider record of somebody else") == [2]


@trio_test
async def test_of_giant_addresses_and_of_many_only_some_are_kept() -> None:
    giant = TCP + bytes(limits.MAX_ADDRESS_BYTES)
    many = tuple(Multiaddr(f"/ip4/192.0.2.{n}/tcp/1").to_bytes() for n in range(200))
    async with kad_member() as (one, dht), raw_peer(one.port) as peer:
        await add(peer, addrs=(giant, b"", *many))
        await until(lambda: len(dht.server.providers))
        (kept,) = dht.server.providers.of(KEY, trio.current_time())
        assert kept.addresses == many[: limits.KAD_ADDRESSES]


@trio_test
async def test_hundreds_of_keys_of_one_peer_take_the_place_of_its_own_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KAD_REQUEST_BURST", 1_000)
    async with kad_member() as (one, dht), raw_peer(one.port) as honest, raw_peer(one.port) as greedy:
        await add(honest)
        await until(lambda: len(dht.server.providers) == 1)
        stream = await greedy.open(KAD)
        record = Message.Peer(id=greedy.id.to_bytes(), addrs=[TCP])
        requests = [
            Message(type=Message.ADD_PROVIDER, key=b"key %d" % number, providerPeers=[record]).SerializeToString()
            for number in range(500)
        ]
        await stream.write(b"".join(encode_uvarint(len(request)) + request for request in requests))
        dropped = 500 - limits.KAD_RECORDS_PER_PEER
        await until(lambda: one.counts("ignored: Kademlia, provider records that made room") == [dropped])
        assert len(dht.server.providers) == 1 + limits.KAD_RECORDS_PER_PEER
        assert dht.server.providers.of(KEY, trio.current_time())
        await still_hears(one)


# --- Questions ------------------------------------------------------------------------------------


@trio_test
async def test_who_is_in_the_room_is_told_that_we_are_under_both_keys() -> None:
    async with kad_member() as (one, _), raw_peer(one.port) as seeker:
        for key in ROOM_KEYS:
            (ourselves,) = (await ask(seeker, type=Message.GET_PROVIDERS, key=key)).providerPeers
            assert ourselves.id == one.id.to_bytes()
            told = [str(Multiaddr(address)) for address in ourselves.addrs]
            assert f"/ip4/127.0.0.1/tcp/{one.port}" in told
            assert not any("p2p" in address for address in told)
        networks = [f"/ip4/192.168.1.7/tcp/{one.port}", f"/ip6/2001:db8::7/tcp/{one.port}"]
        one.node.addresses = (*(f"{text}/p2p/{one.id}" for text in networks), *one.node.addresses)
        (ourselves,) = (await ask(seeker, type=Message.GET_PROVIDERS, key=ROOM_KEYS[0])).providerPeers
        assert [str(Multiaddr(address)) for address in ourselves.addrs] == networks  # and no loopback


@trio_test
async def test_the_table_has_those_who_say_that_they_speak_kademlia_and_no_clients() -> None:
    async with (
        kad_member() as (one, dht),
        raw_peer(one.port, handlers=says_it_speaks(KAD)) as first,
        raw_peer(one.port, handlers=says_it_speaks("/meshsub/1.1.0")) as client,
    ):
        await until(lambda: dht.table.get(first.id.to_bytes()))
        await until(lambda: dht.server.known(client.id.to_bytes()))
        near = (await ask(client, type=Message.FIND_NODE, key=KEY)).closerPeers
        assert [(peer.id, list(peer.addrs)) for peer in near] == [(first.id.to_bytes(), [TCP])]
        assert not (await ask(first, type=Message.FIND_NODE, key=KEY)).closerPeers  # nobody is told of himself
        # Who is looked for by his ID is told, though he is a client, or we.
        near = (await ask(first, type=Message.FIND_NODE, key=client.id.to_bytes())).closerPeers
        assert [(peer.id, list(peer.addrs)) for peer in near] == [(client.id.to_bytes(), [TCP])]
        near = (await ask(first, type=Message.FIND_NODE, key=one.id.to_bytes())).closerPeers
        assert [peer.id for peer in near] == [one.id.to_bytes()]


@trio_test
async def test_the_loopback_of_another_machine_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Go names it first, once for each transport, and of all its addresses only so many are kept."""
    local = tuple(Multiaddr(text).to_bytes() for text in ("/ip4/127.0.0.1/tcp/4001", "/ip6/::1/tcp/4001"))
    async with (
        kad_member() as (one, dht),
        raw_peer(one.port, handlers=says_it_speaks(KAD, addresses=(*local, TCP))) as peer,
    ):
        await until(lambda: dht.table.get(peer.id.to_bytes()))
        here = dht.server.known(peer.id.to_bytes())
        assert here is not None
        assert set(here.addresses) == {*local, TCP}
        monkeypatch.setattr("py_peer.net.kad_server.remote_ip", lambda _: "192.0.2.7")
        there = dht.server.known(peer.id.to_bytes())
        assert there is not None
        assert there.addresses == (TCP,)


@trio_test
async def test_who_pushes_that_he_speaks_it_no_more_leaves_the_table_and_comes_in_again() -> None:
    async with kad_member() as (one, dht), raw_peer(one.port, handlers=says_it_speaks(KAD)) as peer:
        await until(lambda: len(dht.table) == 1)
        for protocols, size in (((), 0), ((KAD,), 1)):
            push = await peer.open("/ipfs/id/push/1.0.0")
            await push.write_frame(Identify(protocols=["/x", *protocols]).SerializeToString())
            await until(lambda size=size: len(dht.table) == size)


@trio_test
async def test_an_answer_is_never_larger_than_the_rust_peer_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A room of many with long addresses; each time others of them are told."""
    monkeypatch.setattr(limits, "MAX_KAD_ANSWER_OUT", 4 * 1024)
    monkeypatch.setattr("py_peer.net.kad_server.ROOM_FOR_PROVIDERS", 2 * 1024)
    long = tuple(Multiaddr(f"/dns4/{'a' * 60}.example/tcp/{n}").to_bytes() for n in range(1, 9))
    async with kad_member() as (one, dht), raw_peer(one.port) as seeker:
        for _ in range(6):
            async with raw_peer(one.port, handlers=says_it_speaks(KAD, addresses=long)) as peer:
                await add(peer, addrs=long)
                await until(lambda: dht.table.get(peer.id.to_bytes()))
        told = set()
        stream = await seeker.open(KAD)
        for _ in range(12):
            await stream.write_frame(Message(type=Message.GET_PROVIDERS, key=KEY).SerializeToString())
            frame = await stream.read_frame()
            answer = Message.FromString(frame)
            assert len(frame) <= 4 * 1024
            assert 1 <= len(answer.providerPeers) < 6
            assert 1 <= len(answer.closerPeers) < 6
            told |= {peer.id for peer in answer.providerPeers}
        assert len(told) > 3  # of whom three fit into one answer


# --- Who wants too much ---------------------------------------------------------------------------


@trio_test
async def test_streams_that_say_nothing_lock_nobody_out() -> None:
    async with kad_member() as (one, _), raw_peer(one.port) as silent, raw_peer(one.port) as honest:
        for _ in range(2 * limits.KAD_STREAMS_PER_PEER):
            await silent.open(KAD)
        too_many = "ignored: Kademlia, too many streams of one peer"
        await until(lambda: one.counts(too_many) == [limits.KAD_STREAMS_PER_PEER])
        assert (await ask(honest, type=Message.FIND_NODE, key=KEY)).type == Message.FIND_NODE


@trio_test
async def test_a_stream_that_says_nothing_ends_and_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KAD_IDLE_SECONDS", 0.1)
    monkeypatch.setattr(limits, "KAD_STREAMS_PER_PEER", 1)
    async with kad_member() as (one, _), raw_peer(one.port) as peer:
        for _ in range(3):
            stream = await peer.open(KAD)
            await stream.wait_end()
            assert not stream.rst


@trio_test
async def test_one_who_asks_without_end_is_held_back_and_others_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KAD_REQUEST_BURST", 5)
    monkeypatch.setattr(limits, "KAD_REQUESTS_PER_SECOND", 0.01)
    async with kad_member() as (one, _), raw_peer(one.port) as greedy, raw_peer(one.port) as honest:
        for _ in range(5):
            await ask(greedy, type=Message.FIND_NODE, key=KEY)
        with pytest.raises(GoneError):
            await ask(greedy, type=Message.FIND_NODE, key=KEY)
        assert one.counts("ignored: Kademlia, too many requests of one peer") == [1]
        await ask(honest, type=Message.FIND_NODE, key=KEY)


GARBAGE = {
    "no message": b"\x05\xff\xff\xff\xff\xff",
    "an endless length": b"\xff" * 20,
    "a gigabyte, it says": b"\x80\x80\x80\x80\x04",
    "the middle of one": b"\x80\x08" + bytes(10),
    "nothing": b"",
}
NONSENSE = {
    "no key": Message(type=Message.FIND_NODE),
    "a long key": Message(type=Message.GET_PROVIDERS, key=bytes(513)),
    "a record without a key": Message(type=Message.ADD_PROVIDER),
    "a record of nobody": Message(type=Message.ADD_PROVIDER, key=KEY),
    "a value that is none": Message(type=Message.PUT_VALUE, key=KEY),
}


@trio_test
async def test_garbage_and_nonsense_end_their_stream_and_no_more() -> None:
    async with kad_member() as (one, dht), raw_peer(one.port) as peer:
        for name, garbage in GARBAGE.items():
            with naming(name):
                stream = await peer.open(KAD)
                await stream.write(garbage)
                await stream.finish()
                await stream.wait_end()
        for name, request in NONSENSE.items():
            with naming(name):
                stream = await peer.open(KAD)
                await stream.write_frame(request.SerializeToString())
                await stream.wait_end()
                assert stream.rst
        assert not peer.closed.is_set()
        assert not len(dht.server.providers)
        assert (await ask(peer, type=Message.PING)).type == Message.PING
        await still_hears(one)
