"""Kademlia: a table is joined through one peer that is known, and kept alive; no records for strangers."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest
import trio
from libp2p.kad_dht.pb.kademlia_pb2 import Message, Record

from py_peer.net.kademlia import kademlia
from tests.net.raw_peer import GoneError, raw_peer
from tests.net.support import Member, member, still_hears, trio_test, until

KAD = "/ipfs/kad/1.0.0"


async def join(one: Member, table: Any, bootstrap: Member) -> None:
    await one.dial(bootstrap)
    await table.join(bootstrap.id, one.node.peers.records[bootstrap.id].address)


@trio_test
async def test_three_peers_find_each_other_through_one_that_is_known() -> None:
    async with AsyncExitStack() as stack:
        members = [await stack.enter_async_context(member()) for _ in range(3)]
        tables = [await stack.enter_async_context(kademlia(one.node)) for one in members]
        bootstrap, a, b = members
        await join(a, tables[1], bootstrap)
        assert tables[1].size >= 1
        await until(lambda: tables[0].size == 1)
        await join(b, tables[2], bootstrap)
        await until(lambda: tables[0].size == tables[2].size == 2)
        await until(lambda: tables[1].size == 2)


@trio_test
async def test_joining_through_a_peer_without_kademlia_ends_in_time_and_leaves_an_empty_room() -> None:
    async with member() as one, member() as other, kademlia(one.node) as table:
        with trio.fail_after(15):
            await join(one, table, other)
        await one.say(b"still here")
        await until(lambda: other.texts() == [b"still here"])


@trio_test
async def test_records_of_strangers_are_not_kept() -> None:
    async with member() as one, kademlia(one.node) as table, raw_peer(one.port) as peer:
        dht = table._dht
        for message in (
            Message(type=Message.PUT_VALUE, key=b"key", record=Record(key=b"key", value=b"x" * 10_000)),
            Message(
                type=Message.ADD_PROVIDER,
                key=b"key",
                providerPeers=[Message.Peer(id=peer.id.to_bytes(), addrs=[b"\x04\x7f\x00\x00\x01\x06\x0f\xa1"])],
            ),
        ):
            stream = await peer.open(KAD)
            await stream.write_frame(message.SerializeToString())
            with pytest.raises(GoneError):
                await stream.read_frame()
        assert not dht.value_store.store
        assert not dht.provider_store.providers
        await still_hears(one)


@trio_test
async def test_garbage_on_the_kademlia_stream_hurts_nobody() -> None:
    async with member() as one, kademlia(one.node), raw_peer(one.port) as peer:
        for garbage in (b"\x05\xff\xff\xff\xff\xff", b"\xff" * 20, b"\x80\x80\x80\x80\x80\x20", b""):
            stream = await peer.open(KAD)
            try:
                await stream.write(garbage)
                await stream.finish()
                with trio.move_on_after(1):
                    await stream.wait_end()
            except GoneError:
                pass
        assert not peer.closed.is_set()
        await still_hears(one)
