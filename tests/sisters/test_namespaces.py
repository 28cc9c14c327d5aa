"""Values that can be verified, below /pk/ and /ipns/, between ours and peers in other languages, either way.

Their keys are no text, so that no user types them; ours is a node in this process.
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID

from interop.columns import answer
from py_peer.core.addresses import parse_dial_address
from py_peer.core.git_records import json_key, message_key, object_key
from py_peer.core.records import RecordRefusedError, received
from py_peer.service.published import find_published
from tests import wire_sent
from tests.net.kad_member import kad_member
from tests.net.support import trio_test, until
from tests.net.test_ipns_rule import KEY as IPNS
from tests.net.test_ipns_rule import entry
from tests.network.peers import party
from tests.sisters.sisters import KINDS, missing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from py_peer.net.kademlia import Kademlia
    from tests.network.peers import Peer, Told

LACKING: Final = {kind: reason for kind in ("go", "rust", "node") if (reason := missing(kind))}
each_kind = pytest.mark.parametrize("kind", [kind for kind in ("go", "rust", "node") if kind not in LACKING])


def public_key() -> tuple[bytes, bytes]:
    """Return the key of a record below /pk/, and the one value that it can have."""
    own = ID.from_pubkey(create_new_key_pair().public_key).to_bytes()
    return b"/pk/" + own, own[2:]  # the ID is the public key, behind two bytes


@asynccontextmanager
async def couple(kind: str, folder: Path) -> AsyncIterator[tuple[Kademlia, Peer]]:
    """Run theirs, and ours that has called it; each has the other in its table."""
    theirs = KINDS[kind]("theirs", folder, options=("--kademlia",))
    with party(theirs):
        await trio.to_thread.run_sync(partial(theirs.see, "ready"))
        async with kad_member() as (one, dht):
            await one.node.dial(parse_dial_address(f"{theirs.address}/p2p/{theirs.id}"))
            await until(lambda: dht.table)
            yield dht, theirs


async def at(peer: Peer, command: str, key: bytes, value: bytes | None = None) -> Told:
    """Have theirs put a value, or look for one; return what it tells."""
    given = {"key": key.hex()} | ({} if value is None else {"value": value.hex()})
    events = ("value_put", "put_failed", "value", "get_failed")
    return await trio.to_thread.run_sync(partial(answer, peer, command, *events, **given))


async def put_at(peer: Peer, key: bytes, value: bytes) -> None:
    """Have theirs put a value, as soon as it knows whom to give it to."""
    while (await at(peer, "put_value", key, value))["event"] != "value_put":  # noqa: ASYNC110 - it tells nothing before
        await trio.sleep(0.05)


@each_kind
@trio_test
async def test_a_public_key_goes_both_ways(kind: str, tmp_path: Path) -> None:
    async with couple(kind, tmp_path) as (dht, theirs):
        key, value = public_key()
        await put_at(theirs, key, value)
        found = await dht.get_value(key)
        assert found.record is not None
        assert found.record.value == value
        key, value = public_key()
        assert (await dht.put_value(key, value)).took == 1
        assert (await at(theirs, "get_value", key))["value"] == value.hex()


@pytest.mark.skipif("go" in LACKING, reason=LACKING.get("go", ""))
@trio_test
async def test_a_signed_record_goes_to_go_and_back_and_an_older_one_is_refused(tmp_path: Path) -> None:
    async with couple("go", tmp_path) as (dht, theirs):
        await put_at(theirs, IPNS, entry(2))
        found = await dht.get_value(IPNS)
        assert found.record is not None
        assert found.record.value == entry(2)
        with pytest.raises(RecordRefusedError, match="older"):
            await dht.put_value(IPNS, entry(1))
        assert (await dht.put_value(IPNS, entry(3))).took == 1
        assert (await at(theirs, "get_value", IPNS))["value"] == entry(3).hex()


@each_kind
@trio_test
async def test_a_commit_is_kept_by_rust_alone_and_node_says_that_it_has_taken_it(kind: str, tmp_path: Path) -> None:
    key, mine = object_key(wire_sent.COMMIT_ID), wire_sent.COMMIT
    async with couple(kind, tmp_path) as (dht, _):
        assert (await dht.put_value(key, mine)).took == (kind != "go")
        dht.renew_no_more(key)
        found = await find_published(dht, wire_sent.COMMIT_ID, patch=False)
        assert (found.raw, found.asked) == (mine if kind == "rust" else b"", 1)
    async with couple(kind, tmp_path) as (dht, _):
        texts = json_key(wire_sent.COMMIT_ID), message_key(wire_sent.COMMIT_ID)
        took = [(await dht.put_value(one, b"a text")).took for one in texts]
        for one in texts:
            dht.renew_no_more(one)
        found = await find_published(dht, wire_sent.COMMIT_ID)
        assert (sum(took), found.json, found.message) == ((0, b"", b"") if kind == "go" else (2, b"a text", b"a text"))


@pytest.mark.skipif("node" in LACKING, reason=LACKING.get("node", ""))
@trio_test
async def test_node_takes_what_it_holds_itself_for_the_best_and_has_all_others_keep_it(tmp_path: Path) -> None:
    """What it hands them then it dates with now, so that by our rule it is the latest."""
    async with couple("node", tmp_path) as (dht, theirs):
        await put_at(theirs, b"key", b"old")
        now = time.time_ns()
        dht.upkeep._kept.shelf.put(received(b"key", b"later", now, 0, now), "somebody")
        assert (await at(theirs, "get_value", b"key"))["value"] == b"old".hex()
        found = await dht.get_value(b"key")
        assert found.record is not None
        assert found.record.value == b"old"
        assert found.record.time > now


def test_all_are_there() -> None:
    if LACKING:
        pytest.skip("; ".join(f"{kind}: {reason}" for kind, reason in LACKING.items()))
