"""Nicknames travel: at once to who comes, through others, within limits, and nobody takes the name of another."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any
from unittest.mock import AsyncMock, Mock

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.announcement import NICK_TOPIC, decode
from py_peer.core.events import (
    Answer,
    IgnoreList,
    MessageReceived,
    MessageSent,
    NickLearned,
    NicknameChanged,
    PeerJoined,
    PeerLeft,
    Ready,
    Started,
    StatusReport,
)
from py_peer.core.requests import Ignore, RequestStatus, SetNickname
from py_peer.service.nicks import Nicks
from tests.loops import run
from tests.net.raw_peer import signed
from tests.service.support import Person, in_trio, person

if TYPE_CHECKING:
    from pathlib import Path

    from libp2p.crypto.keys import KeyPair
    from libp2p.pubsub.pb import rpc_pb2

    from py_peer.core.events import Event

AT_ONCE = 5.0
"""Seconds; it takes some 10 ms on a machine that is not busy, and the next repeat is a minute away."""


async def called(someone: Person, other: Person, nick: str) -> NickLearned:
    """Wait until `someone` is told that `other` is called `nick`."""
    peer_id = (await other.see(Started)).peer_id
    return await someone.see(NickLearned, lambda event: (event.peer_id, event.nick) == (peer_id, nick))


def rename(someone: Person, nick: str) -> int:
    return someone.ask(lambda ticket: SetNickname(ticket, nick))


def test_who_meets_knows_each_others_names_at_once() -> None:
    async def scene() -> None:
        async with (
            person("alice", intro=False) as alice,
            person("bob", intro=False, connect=(await alice.address(),)) as bob,
        ):
            await bob.see(PeerJoined)
            since = time.monotonic()
            assert (await called(bob, alice, "alice")).plain
            assert (await called(alice, bob, "bob")).plain
            assert time.monotonic() - since < AT_ONCE
            alice.ask(RequestStatus)
            (peer,) = (await alice.see(StatusReport)).peers
            assert (peer.nick, peer.plain) == ("bob", True)

    run(scene())


def test_a_latecomer_learns_the_names_of_those_it_is_not_connected_to() -> None:
    async def scene() -> None:
        async with (
            person("alice", intro=False) as alice,
            person("bob", intro=False, connect=(await alice.address(),)) as bob,
        ):
            await called(bob, alice, "alice")
            async with person("carol", intro=False, connect=(await bob.address(),)) as carol:
                await carol.see(PeerJoined)
                since = time.monotonic()
                await called(carol, alice, "alice")
                await called(carol, bob, "bob")
                assert time.monotonic() - since < AT_ONCE
                await called(alice, carol, "carol")
                assert len([event for event in carol.events if isinstance(event, PeerJoined)]) == 1

    run(scene())


def test_a_new_nickname_is_said_to_the_others_once() -> None:
    async def scene() -> None:
        async with (
            person("alice", intro=False) as alice,
            person("bob", intro=False, connect=(await alice.address(),)) as bob,
        ):
            await called(alice, bob, "bob")
            ticket = rename(bob, "  Rob\n(the [builder]) ")
            assert (await bob.see(NicknameChanged)).nickname == "Rob the builder"
            answer = await bob.see(Answer)
            assert (answer.ticket, answer.failed) == (ticket, False)
            assert answer.text == "You are called 'Rob the builder', which is what can be used of it"
            told = await called(alice, bob, "Rob the builder")
            assert (told.previous, told.untold, told.plain) == ("bob", 0, True)
            bob.say("it is me")
            heard = await alice.see(MessageReceived)
            assert (heard.nick, heard.plain) == ("Rob the builder", True)
            assert len([event for event in alice.events if isinstance(event, NickLearned)]) == 2
            bob.ask(RequestStatus)
            assert (await bob.see(StatusReport)).nickname == "Rob the builder"

    run(scene())


def test_what_cannot_be_seen_is_no_nickname() -> None:
    async def scene() -> None:
        async with person("alice", intro=False) as alice:
            rename(alice, "\u200b\x1b[2J")
            assert (await alice.see(Answer)).failed
            alice.ask(RequestStatus)
            assert (await alice.see(StatusReport)).nickname == "alice"

    run(scene())


def test_a_nickname_that_was_changed_before_anybody_came_is_the_one_that_is_said() -> None:
    async def scene() -> None:
        async with person("alice") as alice:
            rename(alice, "ann")
            await alice.see(NicknameChanged)
            async with person("bob", intro=False, connect=(await alice.address(),)) as bob:
                await called(bob, alice, "ann")
                assert (await bob.see(MessageReceived)).text == "Hello from ann (py-peer)"

    run(scene())


def test_of_30_changes_in_a_row_the_last_holds_and_the_others_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ANNOUNCE_BURST", 40)
    monkeypatch.setattr(limits, "NICK_FLOOD_BURST", 40)

    async def scene() -> None:
        async with (
            person("alice", intro=False) as alice,
            person("bob", intro=False, connect=(await alice.address(),)) as bob,
        ):
            await called(alice, bob, "bob")
            for number in range(30):
                rename(bob, f"name {number}")
                await bob.see(NicknameChanged, lambda event, nick=f"name {number}": event.nickname == nick)  # type: ignore[misc]
            bob.say("it is me")
            heard = await alice.see(MessageReceived)
            assert (heard.nick, heard.plain) == ("name 29", True)
            told = [event for event in alice.events if isinstance(event, NickLearned)]
            assert len(told) <= 2 + limits.NICK_TOLD_BURST
            assert told[-1].nick == "name 29"
            assert sum(event.untold for event in told) + len(told) <= 31

    run(scene())


def test_of_20_thieves_none_passes_for_another() -> None:
    async def scene() -> None:
        async with AsyncExitStack() as everybody:
            alice = await everybody.enter_async_context(person("Alice", intro=False))
            address = await alice.address()
            bob = await everybody.enter_async_context(person("Bob", intro=False, connect=(address,)))
            await called(alice, bob, "Bob")
            bobs_id = (await bob.see(Started)).peer_id
            nicks = (
                *("Bob", "bob", "BOB", "B0b", "B\u043eb", "\uff22\uff4f\uff42", "\u24b7\u24de\u24d1", "Bo\u200bb"),
                *("B\u00f6b", "Bob.", "Alice", "AIice", "\u0410lice", "You", "System", "py-peer"),
                *(bobs_id[-8:], "H9vKs2wQ", f"Bob({bobs_id[-8:]})", "Alice (You)"),
            )
            thieves = [
                await everybody.enter_async_context(person(nick, intro=False, connect=(address,))) for nick in nicks
            ]
            for thief in thieves:
                peer_id = (await thief.see(Started)).peer_id
                assert not (await alice.see(NickLearned, lambda event, peer_id=peer_id: event.peer_id == peer_id)).plain  # type: ignore[misc]
            bob.say("I am Bob")
            heard = await alice.see(MessageReceived)
            assert (heard.nick, heard.plain) == ("Bob", True)

    run(scene())


def test_who_comes_back_with_the_same_key_has_the_same_name_and_can_take_another(tmp_path: Path) -> None:
    async def scene() -> None:
        async with person("alice", intro=False) as alice:
            address = await alice.address()
            for nick in ("bob", "bob", "rob"):
                async with person(nick, intro=False, connect=(address,), identity=tmp_path / "key") as bob:
                    bob.say(f"back as {nick}")
                    await bob.see(MessageSent)
                    heard = await alice.see(MessageReceived)
                    alice.events.remove(heard)
                    assert (heard.nick, heard.plain) == (nick, True)
                await alice.see(PeerLeft)
                alice.events = [event for event in alice.events if isinstance(event, Started | Ready | NickLearned)]
            assert [(event.previous, event.nick) for event in alice.events if isinstance(event, NickLearned)] == [
                ("", "bob"),
                ("bob", "rob"),
            ]

    run(scene())


def test_a_change_of_who_is_ignored_is_passed_on_and_told_for_him_to_be_found_by() -> None:
    async def scene() -> None:
        async with (
            person("alice", intro=False) as alice,
            person("bob", intro=False, connect=(await alice.address(),)) as bob,
            person("carol", intro=False, connect=(await alice.address(),)) as carol,
        ):
            await called(carol, bob, "bob")
            await called(alice, bob, "bob")
            bobs_id = (await bob.see(Started)).peer_id
            alice.ask(lambda ticket: Ignore(ticket, bobs_id))
            await alice.see(IgnoreList)
            rename(bob, "carol")
            assert not (await called(carol, bob, "carol")).plain
            alice.ask(RequestStatus)
            report = await alice.see(StatusReport)
            assert sorted((peer.nick, peer.peer_id == bobs_id) for peer in report.peers) == [
                ("carol", False),
                ("carol", True),
            ]
            assert (await called(alice, bob, "carol")).previous == "bob"

    run(scene())


# --- The board by itself, with messages that no honest peer sends ----------------------------------


class Board:
    """What we know of names, and what was told."""

    def __init__(self) -> None:
        self.told: list[Event] = []
        self.nicks = Nicks("Me", "12D3KooWH3uVF6wv47WnArKHk5p6cvgCJEb74UTmxztmQDc298L3", self.told.append)

    def take(self, message: rpc_pb2.Message) -> str:
        return self.nicks.take(message, ID(message.from_id))

    def names(self) -> list[str]:
        return [event.nick for event in self.told if isinstance(event, NickLearned)]


def announcement(key_pair: KeyPair, nick: str, at: int, **more: Any) -> rpc_pb2.Message:
    payload = json.dumps({"nick": nick, "at": at, **more}).encode()
    return signed(key_pair, NICK_TOPIC, payload, at)


def test_a_flood_of_names_of_one_author_is_dropped_counted_and_told_at_a_pace() -> None:
    async def scene() -> None:
        board, eve = Board(), create_new_key_pair()
        reasons = Counter(board.take(announcement(eve, f"name {number}", number + 1)) for number in range(500))
        assert reasons == {
            "": limits.NICK_FLOOD_BURST,
            "dropped: an announcement, too many of one author": 500 - limits.NICK_FLOOD_BURST,
        }
        assert board.names() == [f"name {number}" for number in range(1 + limits.NICK_TOLD_BURST)]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(board.nicks.tell_later)
            await trio.sleep(1 / limits.NICK_TOLD_RATE + 2)
            nursery.cancel_scope.cancel()
        last = board.told[-1]
        assert isinstance(last, NickLearned)
        assert last.nick == f"name {limits.NICK_FLOOD_BURST - 1}"
        assert len(board.told) + last.untold == limits.NICK_FLOOD_BURST

    in_trio(scene)


def test_a_flood_of_strangers_is_told_at_a_pace_and_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KNOWN_NAMES", 50)
    monkeypatch.setattr(limits, "NICKS_TOLD_BURST", 30)

    async def scene() -> None:
        board = Board()
        for number in range(200):
            assert board.take(announcement(create_new_key_pair(), f"name {number}", 1)) == ""
        assert len(board.told) == 30
        async with trio.open_nursery() as nursery:
            nursery.start_soon(board.nicks.tell_later)
            await trio.sleep(60)
            nursery.cancel_scope.cancel()
        assert len(board.told) <= 30 + 50 + 20
        assert len(board.nicks.kept()) <= 1 + limits.NICKS_HANDED_ON

    in_trio(scene)


def test_who_speaks_is_told_under_the_new_name_first() -> None:
    async def scene() -> None:
        board, eve = Board(), create_new_key_pair()
        for number in range(limits.NICK_FLOOD_BURST):
            board.take(announcement(eve, f"name {number}", number + 1))
        last = f"name {limits.NICK_FLOOD_BURST - 1}"
        assert board.names()[-1] != last
        assert board.nicks.hear(str(ID.from_pubkey(eve.public_key))).nick == last
        assert board.names()[-1] == last

    in_trio(scene)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"bob", "dropped: an announcement, not JSON"),
        (b'{"nick": "", "at": 1}', "dropped: an announcement, nothing of the nickname can be seen"),
        (b'{"nick": "bob"}', "dropped: an announcement, no nickname or no time"),
        (b'{"nick": "bob", "at": 1, "more": "' + b"x" * 1_500 + b'"}', "dropped: an announcement, too large"),
        (b'{"nick": "bob", "at": 1, "more": "' + b"x" * 3_000 + b'"}', "dropped: an announcement that is too large"),
    ],
)
def test_what_is_no_announcement_is_not_passed_on_and_says_why(payload: bytes, reason: str) -> None:
    async def scene() -> None:
        board = Board()
        assert board.take(signed(create_new_key_pair(), NICK_TOPIC, payload, 1)) == reason
        assert board.told == []
        assert board.nicks.kept() == []

    in_trio(scene)


def test_an_announcement_that_somebody_sends_again_undoes_nothing_and_is_not_passed_on() -> None:
    async def scene() -> None:
        board, bob = Board(), create_new_key_pair()
        old, new = announcement(bob, "bob", 1), announcement(bob, "rob", 2, colour="unknown fields are ignored")
        assert board.take(old) == ""
        assert board.take(new) == ""
        assert board.take(old) == "dropped: an announcement, not newer than what is known"
        assert board.nicks.called(str(ID.from_pubkey(bob.public_key))).nick == "rob"
        assert board.nicks.kept() == [new]

    in_trio(scene)


def test_our_own_announcement_is_repeated_the_rarer_the_more_there_are() -> None:
    async def scene() -> None:
        board, node = Board(), Mock()
        published: list[float] = []

        async def publish(topic: str, data: bytes) -> None:
            assert topic == NICK_TOPIC
            assert decode(data).nick == "Me"
            published.append(trio.current_time())

        node.pubsub.subscribe = AsyncMock()
        node.pubsub.publish = publish
        with trio.move_on_after(300):
            await board.nicks.run(node)
        assert 4 <= len(published) <= 7
        for number in range(100):
            board.take(announcement(create_new_key_pair(), f"name {number}", 1))
        published.clear()
        with trio.move_on_after(3_000):
            await board.nicks.run(node)
        assert 8 <= len(published) <= 14

    in_trio(scene)
