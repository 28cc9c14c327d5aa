"""Two or three services on loopback talk as people would, and each leaves when it is told to."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

import pytest

from py_peer.chatroom import ChatMessage
from py_peer.core import limits
from py_peer.core.events import (
    DialFailed,
    Failed,
    FailureKind,
    Identified,
    KademliaBootstrap,
    MessageReceived,
    MessageRefused,
    MessageSent,
    MessageWaiting,
    PeerConnected,
    PeerDisconnected,
    PeerJoined,
    PeerLeft,
    PeerMuted,
    Pinged,
    Ready,
    SendProgress,
    Started,
    StatusReport,
    Stopped,
)
from py_peer.core.requests import RequestStatus, Stop
from tests.loops import run
from tests.service.support import person, silent_server

DESCRIPTORS = Path("/proc/self/fd")


def test_two_people_meet_and_talk_both_ways() -> None:
    async def scene() -> None:
        async with person("alice", intro=False) as alice:
            address = await alice.address()
            async with person("bob", intro=False, connect=(address,)) as bob:
                joined = await bob.see(PeerJoined)
                assert joined.peer_id == address.rsplit("/", 1)[1]
                assert joined.room_size == 1
                bob.say("hello")
                heard = await alice.see(MessageReceived)
                me = (await bob.see(Started)).peer_id
                assert (heard.text, heard.peer_id, heard.nick, heard.plain) == ("hello", me, "bob", True)
                alice.say("grüß dich 🙂")
                assert (await bob.see(MessageReceived)).text == "grüß dich 🙂"
                assert (await bob.see(MessageSent)).peers == 1
                assert not (await alice.see(PeerConnected)).address.endswith(address)
                assert (await alice.see(Identified)).agent_version.startswith("py-peer/")
                assert 0 < (await alice.see(Pinged)).rtt < 5
            assert (await alice.see(PeerLeft)).room_size == 0
            await alice.see(PeerDisconnected)
            assert [type(event) for event in alice.events].count(PeerConnected) == 1
            assert [type(event) for event in alice.events].count(PeerJoined) == 1

    run(scene())


def test_ready_tells_addresses_that_can_be_dialled() -> None:
    async def scene() -> None:
        async with person("alice") as alice:
            ready = await alice.see(Ready)
            assert not [address for address in ready.addresses if "/0.0.0.0/" in address or "/ip6/::/" in address]
            port = int(ready.addresses[0].split("/")[4])
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                pass

    run(scene())


def test_text_typed_with_nobody_there_waits_and_goes_in_order_when_somebody_comes() -> None:
    async def scene() -> None:
        async with person("alice", intro=False) as alice:
            tickets = [alice.say(f"line {number}") for number in range(3)]
            waiting = await alice.see(MessageWaiting, lambda event: event.waiting == 3)
            assert waiting.ticket == tickets[-1]
            async with person("bob", intro=False, connect=(await alice.address(),)) as bob:
                heard = await bob.see_all(MessageReceived, 3)
                assert [event.text for event in heard] == ["line 0", "line 1", "line 2"]
                assert [event.ticket for event in await alice.see_all(MessageSent, 3)] == tickets

    run(scene())


def test_the_introduction_is_said_once_a_session_to_the_first_peer() -> None:
    async def scene() -> None:
        async with person("alice") as alice:
            address = await alice.address()
            async with person("bob", intro=False, connect=(address,)) as bob:
                assert (await bob.see(MessageReceived)).text == "Hello from alice (py-peer)"
            async with person("carol", intro=False, connect=(address,)) as carol:
                await carol.see(PeerJoined)
                alice.say("welcome")
                await carol.see(MessageReceived, lambda event: event.text == "welcome")
                # A newcomer may be replayed what was said in the last three seconds, the hello to bob included.
                hellos = [
                    event for event in carol.events if isinstance(event, MessageReceived) and "Hello" in event.text
                ]
                assert len(hellos) <= 1

    run(scene())


def test_the_same_text_twice_is_shown_twice() -> None:
    async def scene() -> None:
        async with (
            person("alice", intro=False) as alice,
            person("bob", intro=False, connect=(await alice.address(),)) as bob,
        ):
            for text in ("ha", "ha", "end"):
                bob.say(text)
            assert [event.text for event in await alice.see_all(MessageReceived, 3)] == ["ha", "ha", "end"]

    run(scene())


def test_three_people_in_a_triangle_hear_each_text_once() -> None:
    async def scene() -> None:
        async with (
            person("alice", intro=False) as alice,
            person("bob", intro=False, connect=(await alice.address(),)) as bob,
            person("carol", intro=False, connect=(await alice.address(), await bob.address())) as carol,
        ):
            for one in (alice, bob, carol):
                await one.see(PeerJoined, lambda event: event.room_size == 2)
            for number in range(20):
                alice.say(f"a{number}")
                bob.say(f"b{number}")
            alice.say("end")
            bob.say("end")
            heard = await carol.see_all(MessageReceived, 42)
            for author in "ab":
                assert [event.text for event in heard if event.text[0] == author] == [f"{author}{n}" for n in range(20)]

    run(scene())


def test_a_text_over_the_limit_is_refused_with_the_limit_and_one_at_the_limit_arrives() -> None:
    async def scene() -> None:
        async with (
            person("alice", intro=False) as alice,
            person("bob", intro=False, connect=(await alice.address(),)) as bob,
        ):
            ticket = bob.say("ü" * (limits.MAX_TEXT_BYTES // 2) + "x")
            refused = await bob.see(MessageRefused)
            assert refused.ticket == ticket
            assert "60,001" in refused.reason
            assert "60,000" in refused.reason
            whole = "ü" * (limits.MAX_TEXT_BYTES // 2)
            bob.say(whole)
            assert (await alice.see(MessageReceived)).text == whole

    run(scene())


def test_a_full_outbox_refuses_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "OUTBOX_TEXTS", 2)

    async def scene() -> None:
        async with person("alice") as alice:
            tickets = [alice.say(str(number)) for number in range(3)]
            refused = await alice.see(MessageRefused)
            assert (refused.ticket, refused.text) == (tickets[2], "2")
            assert (await alice.leave()).unsent == 2

    run(scene())


def test_old_python_peers_are_shown_by_their_text_and_their_signature() -> None:
    async def scene() -> None:
        async with (
            person("alice", intro=False) as alice,
            person("bob", intro=False, connect=(await alice.address(),)) as bob,
        ):
            bob.say(ChatMessage("hi", "QmForged", "root").to_json())
            heard = await alice.see(MessageReceived)
            assert (heard.text, heard.peer_id) == ("hi", (await bob.see(Started)).peer_id)

    run(scene())


def test_what_strangers_send_is_cleaned_before_it_is_an_event() -> None:
    async def scene() -> None:
        async with (
            person("alice", intro=False) as alice,
            person("bob", intro=False, connect=(await alice.address(),)) as bob,
        ):
            bob.say("a\x1b[2J\x1b]0;title\x07b\u202ec\r\nd")
            assert (await alice.see(MessageReceived)).text == "abc\nd"

    run(scene())


def test_a_pasted_log_goes_out_at_the_rooms_pace_whole_and_with_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SEND_BURST", 20)
    monkeypatch.setattr(limits, "SEND_RATE", 50.0)

    async def scene() -> None:
        async with (
            person("alice", intro=False) as alice,
            person("bob", intro=False, connect=(await alice.address(),)) as bob,
        ):
            await bob.see(PeerJoined)
            lines = [f"line {number}" for number in range(120)]
            for line in lines:
                bob.say(line)
            stopped = await bob.leave(drain=10)
            assert stopped == Stopped(unsent=0, reached=True)
            assert [event.text for event in await alice.see_all(MessageReceived, 120)] == lines
            progress = [event for event in bob.events if isinstance(event, SendProgress)]
            assert progress
            assert all(event.sent < event.total for event in progress)

    run(scene())


def test_a_flooder_is_muted_once_and_others_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FLOOD_BURST", 40)
    monkeypatch.setattr(limits, "FLOOD_RATE", 10.0)

    async def scene() -> None:
        async with (
            person("alice", intro=False) as alice,
            person("mallory", intro=False, paced=False, connect=(await alice.address(),)) as mallory,
            person("bob", intro=False, connect=(await alice.address(),)) as bob,
        ):
            await mallory.see(PeerJoined)
            await bob.see(PeerJoined)
            flooder = (await mallory.see(Started)).peer_id
            for number in range(300):
                mallory.say(f"flood {number}")
            muted = await alice.see(PeerMuted)
            assert muted.peer_id == flooder
            bob.say("still here")
            await alice.see(MessageReceived, lambda event: event.text == "still here")
            floods = [e for e in alice.events if isinstance(e, MessageReceived) and e.peer_id == flooder]
            assert 39 <= len(floods) < 100  # one of the forty was the announcement of the name
            alice.ask(RequestStatus)
            assert (await alice.see(StatusReport)).muted == (flooder,)
            assert len([event for event in alice.events if isinstance(event, PeerMuted)]) == 1

    run(scene())


def test_a_taken_port_is_a_failure_that_names_the_port() -> None:
    async def scene() -> None:
        with socket.create_server(("0.0.0.0", 0)) as stranger:  # noqa: S104
            port = stranger.getsockname()[1]
            async with person("alice", port=port) as alice:
                failed = await alice.see(Failed)
                assert failed.kind is FailureKind.CANNOT_LISTEN
                assert str(port) in failed.reason
                await alice.see(Stopped)

    run(scene())


def test_a_port_taken_by_another_py_peer_is_a_failure_too() -> None:
    async def scene() -> None:
        async with person("alice") as alice:
            port = int((await alice.address()).split("/")[4])
            async with person("bob", port=port) as bob:
                assert (await bob.see(Failed)).kind is FailureKind.CANNOT_LISTEN

    run(scene())


def test_a_fault_is_told_by_its_root_and_ends_the_service() -> None:
    async def scene() -> None:
        async with person("alice", port=70_000) as alice:  # arguments refuse such a port
            failed = await alice.see(Failed)
            assert failed.kind is FailureKind.FAULT
            assert failed.reason.startswith("OverflowError: ")
            await alice.see(Stopped)

    run(scene())


def test_a_named_peer_that_is_not_there_is_said_with_the_cause() -> None:
    async def scene() -> None:
        async with person("bob", connect=("/ip4/127.0.0.1/tcp/1",)) as bob:
            failed = await bob.see(DialFailed)
            assert failed.address == "/ip4/127.0.0.1/tcp/1"
            assert "refused" in failed.cause

    run(scene())


def test_an_address_without_a_peer_id_is_dialled() -> None:
    async def scene() -> None:
        async with person("alice", intro=False) as alice:
            address = (await alice.address()).split("/p2p/")[0].replace("/ip4/127.0.0.1", "/dns4/localhost")
            async with person("bob", intro=False, connect=(address,)) as bob:
                assert (await bob.see(PeerJoined)).peer_id == (await alice.see(Started)).peer_id

    run(scene())


def test_a_named_peer_that_goes_away_is_dialled_until_it_is_back() -> None:
    async def scene() -> None:
        async with person("alice", intro=False) as alice:
            address = (await alice.address()).split("/p2p/")[0]
            async with person("bob", intro=False, connect=(address,)) as bob:
                gone = (await bob.see(PeerJoined)).peer_id
                await alice.leave()
                await bob.see(PeerLeft)
                async with person("alice", intro=False, port=int(address.rsplit("/", 1)[1])) as again:
                    back = await bob.see(PeerJoined, lambda event: event.peer_id != gone)
                    assert back.peer_id == (await again.see(Started)).peer_id

    run(scene())


@pytest.mark.parametrize("when", ["at once", "started", "ready", "dialling", "talking"])
def test_it_stops_in_time_from_any_state(when: str) -> None:
    async def scene() -> None:
        with silent_server() as port:
            connect = (f"/ip4/127.0.0.1/tcp/{port}",) if when == "dialling" else ()
            async with person("alice", connect=connect) as alice:
                if when == "started":
                    await alice.see(Started)
                elif when in ("ready", "dialling"):
                    await alice.see(Ready)
                elif when == "talking":
                    async with person("bob", connect=(await alice.address(),)):
                        await alice.see(PeerJoined)
                        assert (await alice.leave()).reached
                        return
                assert await alice.leave() == Stopped(unsent=0, reached=False)

    run(scene())


def test_draining_with_nobody_there_and_nobody_named_ends_at_once_and_counts() -> None:
    async def scene() -> None:
        async with person("alice") as alice:
            alice.say("anybody?")
            async with asyncio.timeout(10):
                assert await alice.leave(drain=1_000) == Stopped(unsent=1, reached=False)

    run(scene())


def test_draining_gives_those_who_may_be_found_the_time_to_come_and_no_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(limits, "LOOK_WAIT", 0.5)

    async def scene() -> None:
        async with person("alice", remember=True, data=tmp_path) as alice:
            await alice.see(Ready)
            alice.say("is anybody there?")
            begun = time.monotonic()
            assert await alice.leave(drain=1_000) == Stopped(unsent=1, reached=False)
            assert time.monotonic() - begun > 0.3

    run(scene())


def test_draining_waits_for_a_named_peer_only_so_long() -> None:
    async def scene() -> None:
        with silent_server() as port:
            async with person("alice", connect=(f"/ip4/127.0.0.1/tcp/{port}",)) as alice:
                alice.say("anybody?")
                await alice.see(Ready)
                assert await alice.leave(drain=0.5) == Stopped(unsent=1, reached=False)

    run(scene())


def test_a_second_request_to_stop_cuts_the_first_short() -> None:
    async def scene() -> None:
        with silent_server() as port:
            async with person("alice", connect=(f"/ip4/127.0.0.1/tcp/{port}",)) as alice:
                alice.say("anybody?")
                await alice.see(Ready)
                alice.ask(lambda ticket: Stop(ticket, drain=1_000))
                assert await alice.leave() == Stopped(unsent=1, reached=False)

    run(scene())


def test_status_tells_who_is_there() -> None:
    async def scene() -> None:
        async with (
            person("alice", intro=False) as alice,
            person("bob", intro=False, connect=(await alice.address(),)) as bob,
        ):
            await bob.see(PeerJoined)
            await bob.see(Pinged)
            ticket = bob.ask(RequestStatus)
            report = await bob.see(StatusReport)
            assert report.ticket == ticket
            assert (report.nickname, report.topics) == ("bob", ("chat", "discovery"))
            (peer,) = report.peers
            assert peer.peer_id == (await alice.see(Started)).peer_id
            assert peer.in_room
            assert not peer.inbound
            assert peer.rtt is not None

    run(scene())


def test_kademlia_is_joined_through_a_bootstrap_peer() -> None:
    async def scene() -> None:
        nobody = ("/ip4/127.0.0.1/tcp/1",)  # a peer runs Kademlia when it is given a bootstrap peer, reached or not
        async with (
            person("alice", intro=False, bootstrap=nobody) as alice,
            person("bob", intro=False, bootstrap=((await alice.address()).split("/p2p/")[0],)) as bob,
        ):
            assert (await bob.see(KademliaBootstrap)).peers == 1

    run(scene())


@pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="counts descriptors where Linux lists them")
def test_leaving_closes_what_was_open() -> None:
    def open_now() -> int:
        return len(list(DESCRIPTORS.iterdir()))

    async def scene() -> None:
        before = open_now()
        for _ in range(3):
            async with (
                person("alice", intro=False) as alice,
                person("bob", intro=False, connect=(await alice.address(),)) as bob,
            ):
                await bob.see(PeerJoined)
        assert open_now() <= before + 2

    run(scene())
