"""A room that lives for weeks: what is remembered of messages and of peers does not grow with how many there were."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.pubsub.pb import rpc_pb2

from py_peer.core import limits
from py_peer.net import mesh
from py_peer.net.message_check import MessageCheck
from tests.net.raw_peer import signed
from tests.net.support import ROOM, trio_test
from tests.net.town import Town, beat, join, leave, stranger, taken

if TYPE_CHECKING:
    import pytest

TABLES = (dict, list, set, deque)
AT_MOST = 20
"""What each table may hold in these tests; more of everything is thrown at it."""


def tables(owner: object) -> dict[str, int]:
    """Return how many entries each table of an object has, and of the objects of ours in it."""
    sizes: dict[str, int] = {}
    for name, value in vars(owner).items():
        if isinstance(value, TABLES) and not isinstance(value, Counter):
            inner = value.values() if isinstance(value, dict) else ()
            sizes[name] = len(value) + sum(len(one) for one in inner if isinstance(one, TABLES))
        elif type(value).__module__.startswith(("py_peer", "libp2p")) and hasattr(value, "__dict__"):
            sizes |= {f"{name}.{inner}": size for inner, size in tables(value).items()}
    return sizes


def test_what_was_seen_of_many_messages_of_many_authors_is_trimmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SEEN_MESSAGES", AT_MOST)
    monkeypatch.setattr(limits, "MAX_KNOWN_KEYS", AT_MOST)
    check = MessageCheck(b"me")
    full = {}
    for number in range(3 * AT_MOST):
        message = signed(create_new_key_pair(), ROOM, b"x", number + 1)
        assert check.take(message) == ""
        assert check.take(message) == "duplicates"
        if number == AT_MOST:
            full = tables(check)
    assert full == {"_ids._keys": AT_MOST, "_heard._keys": AT_MOST, "_signatures._keys": AT_MOST} | {
        "_ids._order": AT_MOST,
        "_heard._order": AT_MOST,
    }
    assert tables(check) == full


@trio_test
async def test_the_messages_that_are_kept_for_who_asks_are_trimmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MESSAGE_CACHE_BYTES", 4_000)
    town = Town(1)
    router = town.routers[town.ids[0]]
    author = create_new_key_pair()
    for number in range(10 * AT_MOST):
        await router.publish(stranger(), signed(author, ROOM, bytes(100), number + 1))
    kept = tables(router)["mcache._kept"]
    assert 0 < kept < AT_MOST
    for _ in range(limits.REPLAY_BEATS):
        await beat(router)
    assert tables(router)["mcache._kept"] == 0


def everything(number: int) -> rpc_pb2.RPC:
    """Return an RPC with each control message that there is."""
    mids = [b"%d of %d" % (one, number) for one in range(10)]
    return rpc_pb2.RPC(
        control=rpc_pb2.ControlMessage(
            graft=[rpc_pb2.ControlGraft(topicID=ROOM)],
            ihave=[rpc_pb2.ControlIHave(topicID=ROOM, messageIDs=mids)],
            iwant=[rpc_pb2.ControlIWant(messageIDs=mids)],
            prune=[rpc_pb2.ControlPrune(topicID=ROOM, backoff=10**6)],
            idontwant=[rpc_pb2.ControlIDontWant(messageIDs=mids)],
        )
    )


@trio_test
async def test_of_peers_that_have_gone_only_a_few_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_FORMER_PEERS", AT_MOST)
    monkeypatch.setattr(mesh, "MAX_BACKOFFS", AT_MOST)
    town = Town(1)
    router: Any = town.routers[town.ids[0]]
    empty = tables(router)
    router.max_iwant_requests_per_second = router.max_ihave_messages_per_second = 2
    for number in range(3 * AT_MOST):
        peer_id = stranger()
        await join(router, peer_id)
        for _ in range(4):  # above every rate
            await router.handle_rpc(everything(number), peer_id)
        taken(router, peer_id)
        leave(router, peer_id)
        await beat(router)
    grown = {name: size - empty.get(name, 0) for name, size in tables(router).items() if size > empty.get(name, 0)}
    assert grown == {"_gone": AT_MOST, "back_off": 1 + AT_MOST}  # one topic, and those who are in it


@trio_test
async def test_what_one_peer_says_it_does_not_want_is_bounded_and_forgotten_at_the_next_heartbeat() -> None:
    town = Town(1)
    router = town.routers[town.ids[0]]
    one = stranger()
    await join(router, one)
    before = tables(router)
    for number in range(50):
        await router.handle_rpc(everything(number), one)
    assert tables(router)["dont_send_message_ids"] - before["dont_send_message_ids"] <= 200
    await beat(router)
    assert tables(router)["dont_send_message_ids"] == before["dont_send_message_ids"]
