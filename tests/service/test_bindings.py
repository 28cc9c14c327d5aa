"""Nostr keys that peers announce are checked, each in its turn, and what does not hold costs nobody his name."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING
from unittest.mock import AsyncMock, Mock

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID

from py_peer.core import limits, limits_nostr, nostr_binding
from py_peer.core.announcement import NICK_TOPIC, Announcement, decode, encode
from py_peer.core.events import IgnoreList, NickLearned, PeerLeft, Ready, Started, Statistics, StatusReport
from py_peer.core.names import Names
from py_peer.core.nip19 import npub
from py_peer.core.nostr import commit_event, derived_secret, sign_event
from py_peer.core.nostr_binding import make_claim
from py_peer.core.nostr_events import NostrBound, NostrHeard
from py_peer.core.requests import Ignore, RequestStatistics, RequestStatus, WatchNostr
from py_peer.core.schnorr import public_key
from py_peer.frontends.nostr_lines import nostr_sentence
from py_peer.service import bindings
from py_peer.service.bindings import Bindings
from py_peer.service.nicks import Nicks
from tests.loops import run
from tests.net.raw_peer import signed
from tests.nostr_relay import LocalRelay
from tests.service.support import person

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from py_peer.core.events import Event

US, BOB, EVE = (f"12D3KooW{name * 11}" for name in ("UsUs", "BobB", "EveE"))
KEY, OTHER_KEY = bytes(31) + b"\x03", bytes(31) + b"\x05"
NPUB, OTHER_NPUB = (npub(public_key(key)) for key in (KEY, OTHER_KEY))
NOON = 1_700_000_000_000
FAULT = "dropped: an announced Nostr key, its signature does not hold"
PATIENCE = 20.0


class Board:
    """Names, the keys that are bound to them, and what was told, one by one."""

    def __init__(self) -> None:
        self.names: Names[str] = Names("Me", US, limits.KNOWN_NAMES, limits.HELD_NAMES)
        self.counters: Counter[str] = Counter()
        self._tell, self._told = trio.open_memory_channel[NostrBound](1_000)
        self.bindings = Bindings(lambda: self.names, self._emit)

    def _emit(self, event: Event) -> None:
        assert isinstance(event, NostrBound)
        self._tell.send_nowait(event)

    def announce(self, peer_id: str, nostr: object = None, at: int = NOON) -> None:
        self.names.connect(peer_id)
        self.bindings.take(peer_id, Announcement("x", at, nostr))

    def bind(self, peer_id: str, key: bytes, at: int = NOON) -> None:
        self.announce(peer_id, make_claim(key, peer_id, at), at)

    async def told(self) -> NostrBound:
        return await self._told.receive()

    def nothing_told(self) -> bool:
        return not self._told.statistics().current_buffer_used


def in_time(scene: Callable[[Board], Awaitable[None]]) -> None:
    """Run a scene with a board that works, under a deadline; threads have a part in it, so the clock is a real one."""

    async def limited() -> None:
        board = Board()
        with trio.fail_after(PATIENCE):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(board.bindings.run, board.counters)
                await scene(board)
                nursery.cancel_scope.cancel()

    trio.run(limited)


def test_a_key_that_has_signed_is_bound_and_told_once() -> None:
    async def scene(board: Board) -> None:
        board.bind(BOB, KEY)
        assert await board.told() == NostrBound(BOB, NPUB)
        board.bind(BOB, KEY, NOON + 60_000)
        board.bind(EVE, OTHER_KEY)  # checked after Bob's
        assert await board.told() == NostrBound(EVE, OTHER_NPUB)
        assert (board.names.npub(BOB), board.names.bound(NPUB)) == (NPUB, BOB)
        assert not board.counters

    in_time(scene)


def test_a_new_key_takes_the_place_of_the_old_one_and_without_one_there_is_none() -> None:
    async def scene(board: Board) -> None:
        board.bind(BOB, KEY)
        assert await board.told() == NostrBound(BOB, NPUB)
        board.bind(BOB, OTHER_KEY, NOON + 1_000)
        assert await board.told() == NostrBound(BOB, OTHER_NPUB)
        assert board.names.bound(NPUB) == ""
        board.announce(BOB, at=NOON + 2_000)
        assert await board.told() == NostrBound(BOB, "")
        assert board.names.npub(BOB) == ""

    in_time(scene)


def test_what_another_has_signed_binds_nobody_and_ends_what_was_bound() -> None:
    async def scene(board: Board) -> None:
        claim = make_claim(KEY, BOB, NOON)
        board.announce(BOB, claim)
        assert await board.told() == NostrBound(BOB, NPUB)
        board.announce(EVE, claim)  # copied
        board.announce(BOB, claim, NOON + 60_000)  # by who has Bob's key, and not that of Nostr
        assert await board.told() == NostrBound(BOB, "")
        assert board.counters == {FAULT: 2}
        assert board.names.npub(EVE) == ""

    in_time(scene)


@pytest.mark.parametrize("nostr", [True, [], {}, {"pubkey": "x", "sig": None}], ids=["true", "list", "empty", "wrong"])
def test_what_cannot_be_a_key_is_counted(nostr: object) -> None:
    async def scene(board: Board) -> None:
        board.announce(EVE, nostr)
        board.bind(BOB, KEY)
        assert await board.told() == NostrBound(BOB, NPUB)
        assert sum(board.counters.values()) == 1
        assert all(reason.startswith("dropped: an announced Nostr key, it") for reason in board.counters)

    in_time(scene)


def test_of_a_flood_of_one_peer_few_are_checked_and_the_newest_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_nostr, "BINDING_RATE", 1.0)
    checked: list[str] = []

    def check(announcement: Announcement, peer_id: str) -> tuple[str, str]:
        checked.append(peer_id)
        return f"npub1 of {announcement.at}", ""

    monkeypatch.setattr(bindings, "_checked", check)

    async def scene(board: Board) -> None:
        for at in range(500):
            board.announce(EVE, "anything", at)
        for _ in range(limits_nostr.BINDING_BURST):
            board.announce(EVE, "anything", 500)
            assert await board.told() == NostrBound(EVE, "npub1 of 500")
            board.announce(EVE)
            assert await board.told() == NostrBound(EVE, "")
        for at in range(1_000):
            board.announce(EVE, "anything", at)
        board.bind(BOB, KEY, 7)
        assert await board.told() == NostrBound(BOB, "npub1 of 7")  # nobody waits for Eve
        assert checked == [*[EVE] * limits_nostr.BINDING_BURST, BOB]
        assert await board.told() == NostrBound(EVE, "npub1 of 999")

    in_time(scene)


def test_of_all_together_no_more_are_checked_than_there_is_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_nostr, "BINDINGS_BURST", 3)
    monkeypatch.setattr(limits_nostr, "BINDINGS_RATE", 10.0)

    async def scene(board: Board) -> None:
        since = trio.current_time()
        for number in range(8):
            board.bind(f"peer {number}", KEY)
        assert [(await board.told()).peer_id for _ in range(8)] == [f"peer {number}" for number in range(8)]
        assert trio.current_time() - since >= 0.4

    in_time(scene)


def test_what_waits_is_bounded_and_who_is_forgotten_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KNOWN_NAMES", 10)
    checked: list[str] = []

    def check(_: Announcement, peer_id: str) -> tuple[str, str]:
        checked.append(peer_id)
        return "npub1 of them", ""

    monkeypatch.setattr(bindings, "_checked", check)

    async def scene(board: Board) -> None:
        board.bind(BOB, KEY)
        for number in range(205):
            board.bindings.take(f"stranger {number}", Announcement("x", NOON, {}))
            assert len(board.bindings) <= 2 * limits.KNOWN_NAMES
        assert len(board.bindings) > 1  # there are strangers among them
        board.bind(EVE, KEY)
        assert await board.told() == NostrBound(BOB, "npub1 of them")
        assert await board.told() == NostrBound(EVE, "npub1 of them")
        assert checked == [BOB, EVE]

    in_time(scene)


def test_what_comes_while_the_one_before_it_is_checked_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(announcement: Announcement, peer_id: str) -> tuple[str, str]:
        if announcement.at == NOON:
            trio.from_thread.run_sync(board_of[0].announce, peer_id, newer[peer_id], NOON + 1)
        return f"npub1 of {announcement.at}", ""

    monkeypatch.setattr(bindings, "_checked", check)
    board_of: list[Board] = []
    newer: dict[str, object] = {EVE: None, BOB: {}}

    async def scene(board: Board) -> None:
        board_of[:] = [board]
        board.announce(EVE, {})
        board.announce(BOB, {})
        assert await board.told() == NostrBound(BOB, f"npub1 of {NOON + 1}")
        assert board.names.npub(EVE) == ""
        assert board.nothing_told()

    in_time(scene)


# --- The board of nicknames -----------------------------------------------------------------------


def test_the_name_holds_whatever_is_said_of_a_key_and_the_message_is_passed_on() -> None:
    async def scene() -> None:
        told: list[Event] = []
        nicks = Nicks("Me", US, told.append)
        bob = create_new_key_pair()
        peer_id = str(ID.from_pubkey(bob.public_key))
        for at, nostr in enumerate([make_claim(KEY, EVE, NOON), "x", None], NOON):
            message = signed(bob, NICK_TOPIC, encode(Announcement(f"bob {at}", at, nostr)), at)
            assert nicks.take(message, ID(message.from_id)) == ""
            assert nicks.called(peer_id).nick == f"bob {at}"
            assert nicks.kept() == [message]
        assert nicks.npub(peer_id) == ""

    trio.run(scene)


def test_our_own_key_is_announced_and_known_as_ours() -> None:
    said: list[bytes] = []
    come = trio.Event()
    node = Mock(counters=Counter())
    node.pubsub.subscribe = AsyncMock()

    async def publish(topic: str, data: bytes) -> None:
        assert topic == NICK_TOPIC
        said.append(data)
        come.set()

    node.pubsub.publish = publish

    async def scene() -> None:
        ours, theirs = Nicks("Me", BOB, lambda _: None), Board()
        ours.use_nostr_key(KEY)
        with trio.fail_after(PATIENCE):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ours.run, node)
                nursery.start_soon(theirs.bindings.run, theirs.counters)
                await come.wait()
                announced = decode(said[0])
                theirs.announce(BOB, announced.nostr, announced.at)
                assert await theirs.told() == NostrBound(BOB, NPUB)
                nursery.cancel_scope.cancel()
        assert (ours.npub(BOB), ours.bound(NPUB)) == (NPUB, BOB)

    trio.run(scene)


# --- From one service to the other ----------------------------------------------------------------


def test_a_key_is_bound_at_once_to_who_comes_and_to_who_is_heard_through_others() -> None:
    async def scene() -> None:
        async with (
            person("alice", intro=False, nostr_key=KEY) as alice,
            person("bob", intro=False, connect=(await alice.address(),)) as bob,
        ):
            alices_id = (await alice.see(Started)).peer_id
            assert (await bob.see(NostrBound)) == NostrBound(alices_id, NPUB)
            bob.ask(RequestStatus)
            report = await bob.see(StatusReport)
            assert (report.npub, [peer.npub for peer in report.peers]) == ("", [NPUB])
            alice.ask(RequestStatus)
            report = await alice.see(StatusReport)
            assert (report.npub, [peer.npub for peer in report.peers]) == (NPUB, [""])
            async with person("carol", intro=False, connect=(await bob.address(),)) as carol:
                assert (await carol.see(NostrBound)) == NostrBound(alices_id, NPUB)

    run(scene())


def test_who_comes_back_without_the_key_or_with_another_is_seen_so(tmp_path: Path) -> None:
    async def scene() -> None:
        async with person("alice", intro=False) as alice:
            for key, seen in ((KEY, NPUB), (OTHER_KEY, OTHER_NPUB), (None, "")):
                where = (await alice.address(),)
                async with person("bob", intro=False, connect=where, identity=tmp_path / "key", nostr_key=key) as bob:
                    bobs_id = (await bob.see(Started)).peer_id
                    assert await alice.see(NostrBound) == NostrBound(bobs_id, seen)
                await alice.see(PeerLeft)
                alice.events = [event for event in alice.events if isinstance(event, Ready)]

    run(scene())


def about_git(key: bytes, text: str) -> str:
    return sign_event(key, int(time.time()), 1, [("gnostr", "git")], text).json()


def test_what_a_relay_brings_of_a_bound_key_is_its_peers_and_silent_when_he_is_ignored() -> None:
    async def scene(relay: LocalRelay) -> None:
        async with (
            person("alice", intro=False, nostr_key=KEY) as alice,
            person("bob", intro=False, nostr_relays=(relay.url,), connect=(await alice.address(),)) as bob,
        ):
            alices_id = (await alice.see(Started)).peer_id
            await bob.see(NickLearned)
            await bob.see(NostrBound)
            bob.ask(lambda ticket: WatchNostr(ticket, on=True))
            heard = await bob.see(NostrHeard, lambda event: event.text == "of alice")
            assert (heard.npub, heard.peer_id, heard.nick, heard.plain) == (NPUB, alices_id, "alice", True)
            assert f"that is {alices_id[-8:]}]" in nostr_sentence(heard)
            heard = await bob.see(NostrHeard, lambda event: event.text == "of somebody")
            assert (heard.npub, heard.peer_id, heard.nick) == (OTHER_NPUB, "", "")
            bob.ask(lambda ticket: Ignore(ticket, alices_id))
            await bob.see(IgnoreList)
            await asyncio.to_thread(relay.publish, about_git(KEY, "not to be seen"), about_git(OTHER_KEY, "seen"))
            await bob.see(NostrHeard, lambda event: event.text == "seen")
            assert {event.text for event in bob.events if isinstance(event, NostrHeard)} == {
                "of alice",
                "of somebody",
                "seen",
            }

    with LocalRelay() as relay:
        relay.publish(about_git(KEY, "of alice"), about_git(OTHER_KEY, "of somebody"))
        run(scene(relay))


def test_a_derived_key_is_nobodys_whoever_has_bound_it() -> None:
    commit = "0" * 39 + "3"  # of which KEY can be derived
    event = commit_event("{}", commit, derived_secret(commit), int(time.time()))
    assert event.pubkey == public_key(KEY).hex()

    async def scene(relay: LocalRelay) -> None:
        async with (
            person("alice", intro=False, nostr_key=KEY) as alice,
            person("bob", intro=False, nostr_relays=(relay.url,), connect=(await alice.address(),)) as bob,
        ):
            await bob.see(NostrBound)
            bob.ask(lambda ticket: WatchNostr(ticket, on=True))
            heard = await bob.see(NostrHeard)
            assert (heard.standing, heard.peer_id) == ("derived", "")

    with LocalRelay() as relay:
        relay.publish(event.json())
        run(scene(relay))


def test_who_claims_anothers_key_is_known_by_his_name_alone_and_the_lie_is_in_the_figures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nostr_binding, "make_claim", lambda secret, _, at: make_claim(secret, BOB, at))

    async def scene() -> None:
        async with (
            asyncio.timeout(PATIENCE),
            person("eve", intro=False, nostr_key=KEY) as eve,
            person("bob", intro=False, connect=(await eve.address(),)) as bob,
        ):
            await bob.see(NickLearned, lambda event: event.nick == "eve")
            dropped: dict[str, int] = {}
            while not dropped:  # it is checked beside all else
                bob.ask(RequestStatistics)
                statistics = await bob.see(Statistics)
                bob.events.remove(statistics)
                dropped = {
                    reason: count for reason, count in statistics.messages_dropped.items() if "Nostr key" in reason
                }
            assert dropped == {"an announced Nostr key, its signature does not hold": 1}
            assert not any(isinstance(event, NostrBound) for event in bob.events)

    run(scene())
