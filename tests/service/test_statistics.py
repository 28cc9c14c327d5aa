"""The figures say what has happened: two who talk agree, and a flood is counted where it was dropped."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from typing import TYPE_CHECKING

from py_peer.core import limits
from py_peer.core.events import MessageReceived, MessageSent, PeerJoined, PeerMuted, Ready, Statistics
from py_peer.core.requests import RequestStatistics
from py_peer.service import statistics
from tests.loops import run
from tests.service.support import PATIENCE, person

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tests.service.support import Person

TEXTS = 25


async def figures(someone: Person) -> Statistics:
    ticket = someone.ask(RequestStatistics)
    return await someone.see(Statistics, lambda event: event.ticket == ticket)


async def when(someone: Person, holds: Callable[[Statistics], bool]) -> Statistics:
    """Return the first statistics for which something holds; what is asked for may still be on its way."""
    async with asyncio.timeout(PATIENCE):
        while not holds(found := await figures(someone)):
            pass
    return found


def test_what_one_has_sent_the_other_has_received() -> None:
    async def scene() -> None:
        async with (
            person("alice") as alice,
            person("bob", connect=(await alice.address(),)) as bob,
        ):
            await alice.see(PeerJoined)
            for number in range(TEXTS):
                bob.say(f"text {number}")
            alice.say("one")
            await bob.see_all(MessageSent, TEXTS)
            await alice.see_all(MessageReceived, TEXTS + 1)
            await bob.see_all(MessageReceived, 2)
            ours, theirs = await figures(alice), await figures(bob)
            assert theirs.messages_sent == ours.messages_received == TEXTS + 1  # the greeting is one
            assert ours.messages_sent == theirs.messages_received == 2
            assert ours.messages_relayed == theirs.messages_relayed == 0
            assert ours.announcements_received == theirs.announcements_sent
            theirs = await when(bob, lambda now: now.ping_seconds != {})
            ours = await when(alice, lambda now: now.ping_seconds != {})
            for one in (ours, theirs):
                assert (one.peers_connected, one.peers_in_room, one.peers_in_mesh) == (1, 1, 1)
                assert 0 < one.ping_seconds["least"] == one.ping_seconds["median"] == one.ping_seconds["most"] < 5
                assert one.gossip_sent_bytes > 100
                assert one.gossip_received_bytes > 100
                assert one.faults_unexpected == one.events_dropped == 0
            assert ours.connections == {"inbound": 1, "outbound": 0}
            assert theirs.connections == {"inbound": 0, "outbound": 1}
            assert (ours.dials_tried, theirs.dials_tried, theirs.dials_failed) == (0, 1, 0)

    run(scene())


def test_a_flood_is_counted_as_dropped_and_its_author_as_muted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FLOOD_BURST", 40)
    monkeypatch.setattr(limits, "FLOOD_RATE", 0.001)

    async def scene() -> None:
        async with (
            person("alice", intro=False) as alice,
            person("mallory", intro=False, paced=False, connect=(await alice.address(),)) as mallory,
        ):
            await mallory.see(PeerJoined)
            before = await figures(alice)
            assert (before.peers_muted, before.messages_dropped) == (0, {})
            for number in range(100):
                mallory.say(f"flood {number}")
            await alice.see(PeerMuted)
            after = await when(alice, lambda now: now.messages_received + sum(now.messages_dropped.values()) == 100)
            assert after.peers_muted == 1
            assert set(after.messages_dropped) == {"its author is muted"}
            assert 30 < after.messages_received <= 40  # an announcement of the nickname counts, too

    run(scene())


def test_a_dial_that_reaches_nobody_is_counted() -> None:
    async def scene() -> None:
        async with person("alice", connect=("/ip4/127.0.0.1/tcp/1",)) as alice:
            found = await when(alice, lambda now: now.dials_failed > 0)
            assert found.dials_tried >= found.dials_failed

    run(scene())


def test_before_anything_runs_there_are_statistics_all_the_same() -> None:
    async def scene() -> None:
        async with person("alice") as alice:
            early = await figures(alice)
            assert not [event for event in alice.events if isinstance(event, Ready)]
            assert (early.peers_connected, early.messages_sent, early.messages_dropped) == (0, 0, {})
            assert early.tasks > 0
            assert early.threads > 1

    run(scene())


def test_no_figure_is_negative_and_each_has_a_number() -> None:
    async def scene() -> None:
        async with person("alice") as alice:
            await alice.see(Ready)
            found = await figures(alice)
            for field in fields(found):
                value = getattr(found, field.name)
                parts = value.values() if isinstance(value, dict) else [value]
                assert all(part is None or part >= 0 for part in parts), field.name

    run(scene())


def test_where_the_system_does_not_say_memory_and_descriptors_are_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "MEMORY", tmp_path / "none")
    monkeypatch.setattr(statistics, "DESCRIPTORS", str(tmp_path / "none"))

    async def scene() -> None:
        async with person("alice") as alice:
            found = await figures(alice)
            assert (found.memory_bytes, found.file_descriptors) == (None, None)

    run(scene())
