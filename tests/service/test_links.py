"""/connect, /disconnect and /ping, who sends garbage, and a machine that has slept: with real services."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from py_peer.core import limits
from py_peer.core.events import (
    Answer,
    DialFailed,
    DiscoveryReport,
    MessageReceived,
    Notice,
    PeerConnected,
    PeerDisconnected,
    PeerJoined,
    PeerLeft,
    Pinged,
    Ready,
    Started,
    StatusReport,
)
from py_peer.core.requests import Connect, Disconnect, PingPeer, Request, RequestDiscovery, RequestStatus, StopDialling
from py_peer.core.waking import Clocks, read_clocks
from tests import warm
from tests.loops import run
from tests.service.support import Person, person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOBODY = "12D3KooWDwFt8aZ3UBoYgBjzPKNJ5xH6j4diuXPfSNEZKWBe6U6Y"


async def asked(someone: Person, make: Callable[[int], Request]) -> Answer:
    ticket = someone.ask(make)
    return await someone.see(Answer, lambda answer: answer.ticket == ticket)


async def peer_id(someone: Person) -> str:
    return (await someone.see(Started)).peer_id


def test_a_peer_is_connected_to_by_its_address_and_dialled_again_when_it_goes() -> None:
    async def scene() -> None:
        async with person("bob", intro=False) as bob:
            async with person("alice", intro=False) as alice:
                address = (await alice.address()).split("/p2p/")[0]
                answer = await asked(bob, lambda ticket: Connect(ticket, address))
                assert answer == Answer(answer.ticket, f"Dialling {address}")
                await bob.see(PeerJoined)
                full = await alice.address()
                answer = await asked(bob, lambda ticket: Connect(ticket, full))
                assert answer.text.startswith(f"Connected to {(await peer_id(alice))[-8:]}")
                assert answer.text.endswith(" already; it is dialled when it goes")
            await bob.see(PeerLeft)
            async with person("alice", intro=False, port=int(address.rsplit("/", 1)[1])):
                await bob.see_all(PeerJoined, 2)

    run(scene())


def test_an_address_that_is_none_is_refused_and_one_where_nobody_is_is_told() -> None:
    async def scene() -> None:
        async with person("bob", intro=False) as bob:
            answer = await asked(bob, lambda ticket: Connect(ticket, "here"))
            assert answer.failed
            assert "is not a multiaddr" in answer.text
            assert not (await asked(bob, lambda ticket: Connect(ticket, "/ip4/127.0.0.1/tcp/1"))).failed
            assert "refused" in (await bob.see(DialFailed)).cause

    run(scene())


@pytest.mark.parametrize("by_id", [True, False])
def test_who_is_disconnected_stays_away_until_connect(by_id: bool) -> None:
    async def scene() -> None:
        async with (
            person("alice", intro=False) as alice,
            person("bob", intro=False, connect=(await alice.address(),)) as bob,
        ):
            await bob.see(PeerJoined)
            them = await peer_id(alice)
            answer = await asked(bob, lambda ticket: Disconnect(ticket, them))
            assert answer.text.startswith(f"Disconnected from {them[-8:]}")
            await bob.see(PeerDisconnected)
            # Nor is it taken, and it says what it sees.
            address = await bob.address()
            await asked(alice, lambda ticket: Connect(ticket, address))
            assert "it hangs up once it knows who we are" in (await alice.see(DialFailed)).cause
            assert (await asked(bob, lambda ticket: PingPeer(ticket, them))).failed
            address = await alice.address()
            await asked(bob, lambda ticket: Connect(ticket, address if by_id else address.split("/p2p/")[0]))
            await bob.see_all(PeerJoined, 2)
            alice.say("back")
            await bob.see(MessageReceived)

    run(scene())


def test_discover_lists_who_was_named_and_what_became_of_it() -> None:
    nowhere = f"/ip4/127.0.0.1/tcp/1/p2p/{NOBODY}"

    async def scene() -> None:
        async with (
            person("alice", intro=False) as alice,
            person("bob", intro=False, connect=(await alice.address(), nowhere)) as bob,
        ):
            await bob.see(PeerJoined)
            await bob.see(DialFailed)
            ticket = bob.ask(RequestDiscovery)
            report = await bob.see(DiscoveryReport, lambda report: report.ticket == ticket)
            known = {peer.peer_id: (peer.state, peer.sources[0]) for peer in report.peers}
            assert known[await peer_id(alice)] == ("connected", "by name")
            assert known[NOBODY] == ("waiting", "by name")
            await asked(bob, lambda ticket: StopDialling(ticket, nowhere))
            them = await peer_id(alice)
            await asked(bob, lambda ticket: Disconnect(ticket, them))
            await bob.see(PeerDisconnected)
            ticket = bob.ask(RequestDiscovery)
            report = await bob.see(DiscoveryReport, lambda report: report.ticket == ticket)
            assert [(peer.state, peer.reason) for peer in report.peers] == [
                ("not dialled", "it was let go with /disconnect; /connect takes it again")
            ]

    run(scene())


def test_an_address_named_by_hand_is_shown_and_taken_back() -> None:
    nowhere = "/ip4/127.0.0.1/tcp/1"

    async def scene() -> None:
        async with person("alice", intro=False) as alice, person("bob", intro=False, connect=(nowhere,)) as bob:
            await bob.see(DialFailed)
            bob.ask(RequestStatus)
            assert (await bob.see(StatusReport)).dialling == (nowhere,)
            answer = await asked(bob, lambda ticket: StopDialling(ticket, nowhere))
            assert (answer.text, answer.failed) == (f"No longer dialled: {nowhere}", False)
            answer = await asked(bob, lambda ticket: StopDialling(ticket, nowhere))
            assert (answer.text, answer.failed) == (f"{nowhere} is not dialled", True)
            assert (await asked(bob, lambda ticket: StopDialling(ticket, "/here"))).failed
            bare = (await alice.address()).split("/p2p/")[0]
            await asked(bob, lambda ticket: Connect(ticket, bare))
            await bob.see(PeerJoined)
            answer = await asked(bob, lambda ticket: StopDialling(ticket, bare))
            assert answer.text.startswith("Disconnected from")
            await bob.see(PeerDisconnected)
            ticket = bob.ask(RequestStatus)
            report = await bob.see(StatusReport, lambda report: report.ticket == ticket)
            assert (report.dialling, report.kept_away) == ((), (await peer_id(alice),))

    run(scene())


def test_a_ping_is_answered_with_the_time_or_why_not() -> None:
    async def scene() -> None:
        async with (
            person("alice", intro=False) as alice,
            person("bob", intro=False, connect=(await alice.address(),)) as bob,
        ):
            await bob.see(PeerJoined)
            them = await peer_id(alice)
            answer = await asked(bob, lambda ticket: PingPeer(ticket, them))
            found = re.fullmatch(rf"{them[-8:]}( \(alice\))? has answered within ([0-9.]+) ms", answer.text)
            assert found
            told = [event for event in bob.events if isinstance(event, Pinged)][-1]
            assert (told.peer_id, f"{told.rtt * 1000:.1f}") == (them, found[2])
            bob.ask(RequestStatus)
            report = await bob.see(StatusReport)
            assert report.peers[0].rtt == told.rtt
            answer = await asked(bob, lambda ticket: PingPeer(ticket, NOBODY))
            assert (answer.text, answer.failed) == (f"{NOBODY[-8:]} is not connected to us", True)
            answer = await asked(bob, lambda ticket: PingPeer(ticket, "\x1b[2Jnobody"))
            assert (answer.text, answer.failed) == ("'nobody' is no peer ID", True)

    run(scene())


def test_what_is_asked_before_there_are_connections_is_answered() -> None:
    async def scene() -> None:
        async with person("bob", intro=False) as bob:
            for make in (Disconnect, PingPeer):
                assert (await asked(bob, partial(_about_nobody, make))).failed

    run(scene())


def _about_nobody(make: type[Disconnect | PingPeer], ticket: int) -> Request:
    return make(ticket, NOBODY)


NODE = """
import trio
from tests.net.support import member
async def main():
    async with member() as one:
        print(one.address.text + "/p2p/" + str(one.id), flush=True)
        await trio.sleep_forever()
trio.run(main)
"""


@contextmanager
def node_process() -> Iterator[tuple[warm.Process, str]]:
    """Run a node in a process of its own, which can be stopped; its address."""
    with warm.script(NODE) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().decode().strip()


def test_a_hung_peer_does_not_answer_and_that_is_said_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits.ASKED_PING_TIMEOUT < 5
    monkeypatch.setattr(limits, "ASKED_PING_TIMEOUT", 0.5)

    async def scene() -> None:
        with node_process() as (process, address):
            async with person("bob", intro=False, connect=(address,)) as bob:
                them = (await bob.see(PeerConnected)).peer_id
                await bob.see(Pinged)
                process.send_signal(signal.SIGSTOP)
                start = time.monotonic()
                answer = await asked(bob, lambda ticket: PingPeer(ticket, them))
                assert (answer.text, answer.failed) == (f"{them[-8:]} has not answered within 0.5 s", True)
                assert time.monotonic() - start < 2

    run(scene())


def test_after_a_sleep_who_is_gone_is_found_at_once_and_who_is_there_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PING_TIMEOUT", 0.5)
    slept = [0.0]

    def clocks() -> Clocks:
        running, sleeping, wall = read_clocks()
        return Clocks(running, sleeping + slept[0], wall + slept[0])

    monkeypatch.setattr("py_peer.service.links.read_clocks", clocks)

    async def scene() -> None:
        with node_process() as (process, address):
            async with (
                person("alice", intro=False) as alice,
                person("bob", intro=False, connect=(await alice.address(), address)) as bob,
            ):
                await bob.see_all(Pinged, 2)
                process.send_signal(signal.SIGSTOP)
                slept[0] = 3_600
                notice = await bob.see(Notice, lambda event: "have passed without py-peer" in event.text)
                assert 3_599 < int(notice.text.split()[0]) < 3_602
                gone = await bob.see(PeerDisconnected)
                assert gone.peer_id == address.rsplit("/", 1)[1]
                bob.say("still here?")
                await alice.see(MessageReceived)
                assert len([event for event in bob.events if isinstance(event, PeerDisconnected)]) == 1

    run(scene())


def test_a_clock_that_is_put_right_by_a_second_is_no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = [0.0]
    reads: list[None] = []

    def clocks() -> Clocks:
        reads.append(None)
        real = read_clocks()
        return Clocks(real.running, real.sleeping, real.wall + wall[0])

    monkeypatch.setattr("py_peer.service.links.read_clocks", clocks)
    monkeypatch.setattr("py_peer.service.links.LOOK_SECONDS", 0.05)

    async def scene() -> None:
        async with person("bob", intro=False) as bob:
            await bob.see(Ready)
            for step in (1.0, 0.0, 4.0, -3_600.0):
                wall[0] = step
                seen = len(reads)
                async with asyncio.timeout(5):
                    while len(reads) < seen + 2:  # noqa: ASYNC110 - another thread reads
                        await asyncio.sleep(0.01)
            await bob.leave()
            assert not [event for event in bob.events if isinstance(event, Notice)]

    run(scene())
