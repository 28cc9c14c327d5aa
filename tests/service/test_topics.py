"""Topics beside the room: joined at the start or later, each with its own people and texts."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest
import trio

from py_peer.core import limits
from py_peer.core.events import (
    Answer,
    MessageReceived,
    MessageRefused,
    MessageSent,
    MessageWaiting,
    PeerBanned,
    PeerDisconnected,
    PeerJoined,
    PeerLeft,
    PeerMuted,
    Ready,
    StatusReport,
)
from py_peer.core.requests import Ignore, JoinTopic, LeaveTopic, RequestStatus, SendText
from py_peer.core.topic_events import TopicJoined, TopicLeft, TopicPeerJoined, TopicPeerLeft
from py_peer.core.topics import ROOM_TOPIC, TopicInfo
from tests.loops import run
from tests.net.raw_peer import GoneError, raw_peer, signed
from tests.net.support import until
from tests.service.support import Person, person

NEWS = "news"
MOVES = (PeerJoined, PeerLeft, TopicPeerJoined, TopicPeerLeft)


def say_on(one: Person, topic: str, text: str) -> int:
    return one.ask(lambda ticket: SendText(ticket, text, topic))


def join(one: Person, topic: str = NEWS) -> int:
    return one.ask(lambda ticket: JoinTopic(ticket, topic))


def test_what_is_said_on_a_topic_is_told_with_its_name_to_those_who_are_on_it_alone() -> None:
    async def scene() -> None:
        async with person("ann", intro=False, topics=(NEWS,)) as ann:
            address = await ann.address()
            async with (
                person("bob", intro=False, connect=(address,), topics=(NEWS, "sport")) as bob,
                person("eve", intro=False, connect=(address,)) as eve,
            ):
                assert (await ann.see(TopicJoined)).ticket == 0
                came = await ann.see(TopicPeerJoined)
                assert (came.topic, came.peer_id, came.peers) == (NEWS, (await bob.see(Ready)).peer_id, 1)
                await ann.see_all(PeerJoined, 2)
                ticket = say_on(ann, NEWS, "for the topic")
                ann.say("for the room")
                sent = await ann.see(MessageSent, lambda event: event.ticket == ticket)
                assert (sent.topic, sent.peers) == (NEWS, 1)
                assert (await ann.see(MessageSent, lambda event: event.ticket != ticket)).topic == ROOM_TOPIC
                heard = await bob.see_all(MessageReceived, 2)
                assert {(event.topic, event.text) for event in heard} == {
                    (NEWS, "for the topic"),
                    (ROOM_TOPIC, "for the room"),
                }
                assert {event.nick for event in heard} == {"ann"}
                assert (await eve.see(MessageReceived)).text == "for the room"
                status = ann.ask(RequestStatus)
                report = await ann.see(StatusReport, lambda event: event.ticket == status)
                assert report.topics == ("chat", "discovery", NEWS)
                assert [(one.name, len(one.peer_ids), one.waiting) for one in report.joined] == [
                    (ROOM_TOPIC, 2, 0),
                    (NEWS, 1, 0),
                ]
                assert {peer.topics for peer in report.peers} == {(), (NEWS,)}
            left = await ann.see(TopicPeerLeft)
            assert (left.topic, left.peers) == (NEWS, 0)

    run(scene())


def test_who_is_not_in_the_room_can_name_its_topic_at_the_start() -> None:
    async def scene() -> None:
        async with person("ann", room=False, topics=(ROOM_TOPIC,)) as ann:
            assert (await ann.see(TopicJoined)).topic == ROOM_TOPIC

    run(scene())


def test_a_topic_is_joined_in_the_middle_and_who_was_on_it_before_is_there() -> None:
    async def scene() -> None:
        async with (
            person("ann", intro=False, topics=(NEWS,)) as ann,
            person("bob", intro=False, connect=(await ann.address(),)) as bob,
        ):
            await bob.see(PeerJoined)
            ticket = join(bob)
            say_on(bob, NEWS, "I am new here")
            joined = await bob.see(TopicJoined)
            assert (joined.ticket, joined.topic, joined.peers) == (ticket, NEWS, 1)
            assert (await ann.see(MessageReceived)).text == "I am new here"
            again = join(bob)
            assert (await bob.see(TopicJoined, lambda event: event.ticket == again)).peers == 1
            assert not [event for event in bob.events if isinstance(event, TopicPeerJoined)]

    run(scene())


def test_a_text_for_a_topic_waits_for_somebody_there_and_holds_up_nothing_in_the_room() -> None:
    async def scene() -> None:
        async with person("ann", topics=(NEWS,)) as ann:
            say_on(ann, NEWS, "first")
            waiting = await ann.see(MessageWaiting)
            assert (waiting.topic, waiting.waiting) == (NEWS, 1)
            async with person("bob", intro=False, connect=(await ann.address(),)) as bob:
                room = ann.say("to the room")
                assert (await ann.see(MessageSent)).ticket == room
                report = ann.ask(RequestStatus)
                joined = (await ann.see(StatusReport, lambda event: event.ticket == report)).joined
                assert joined[1] == TopicInfo(NEWS, (), 1)
                join(bob)
                heard = await bob.see(MessageReceived, lambda event: event.topic == NEWS)
                assert heard.text == "first"

    run(scene())


def test_who_has_left_a_topic_hears_nothing_there_and_what_waited_is_refused() -> None:
    async def scene() -> None:
        async with (
            person("ann", intro=False, topics=(NEWS,)) as ann,
            person("bob", intro=False, connect=(await ann.address(),)) as bob,
        ):
            join(bob)
            await ann.see(TopicPeerJoined)
            leaving = bob.ask(lambda ticket: LeaveTopic(ticket, NEWS))
            left = await bob.see(TopicLeft)
            assert (left.ticket, left.topic, left.unsent) == (leaving, NEWS, 0)
            await ann.see(TopicPeerLeft)
            waits = say_on(ann, NEWS, "to nobody")
            await ann.see(MessageWaiting)
            ann.ask(lambda ticket: LeaveTopic(ticket, NEWS))
            assert (await ann.see(TopicLeft)).unsent == 1
            refused = await ann.see(MessageRefused)
            assert (refused.ticket, refused.topic, refused.reason) == (waits, NEWS, "you have left #news")
            never = say_on(bob, NEWS, "neither")
            assert (await bob.see(MessageRefused)).reason == "you are not on #news"
            assert never
            wrong = bob.ask(lambda ticket: LeaveTopic(ticket, NEWS))
            answer = await bob.see(Answer, lambda event: event.ticket == wrong)
            assert (answer.failed, answer.text) == (True, "You are not on #news")
            join(bob)
            join(ann)
            back = await ann.see(TopicJoined, lambda event: event.ticket > 0)
            assert back.topic == NEWS
            say_on(ann, NEWS, "back")
            assert (await bob.see(MessageReceived)).text == "back"

    run(scene())


def test_what_was_said_before_a_topic_is_left_goes_out_first() -> None:
    async def scene() -> None:
        async with (
            person("ann", intro=False, topics=(NEWS,)) as ann,
            person("bob", intro=False, connect=(await ann.address(),), topics=(NEWS,)) as bob,
        ):
            await ann.see(TopicPeerJoined)
            for number in range(30):
                say_on(ann, NEWS, str(number))
            leaving = ann.ask(lambda ticket: LeaveTopic(ticket, NEWS))
            late = say_on(ann, NEWS, "too late")
            again = ann.ask(lambda ticket: LeaveTopic(ticket, NEWS))
            assert [event.text for event in await bob.see_all(MessageReceived, 30)] == list(map(str, range(30)))
            left = await ann.see(TopicLeft)
            assert (left.ticket, left.unsent) == (leaving, 0)
            assert (await ann.see(MessageRefused)).ticket == late
            assert (await ann.see(Answer)).ticket == again

    run(scene())


def test_names_that_cannot_be_and_one_topic_too_many_are_refused_in_a_sentence() -> None:
    async def scene() -> None:
        names = tuple(f"topic {number}" for number in range(limits.MAX_TOPICS))
        async with person("ann", topics=names) as ann:
            tickets = {
                join(ann, name): why
                for name, why in {
                    "one more": f"you are on {limits.MAX_TOPICS} topics beside the room already",
                    "": "say which topic",
                    "x" * (limits.MAX_TOPIC_BYTES + 1): "has at most 128 bytes, and this one 129",
                    "a\x1b[2J": "neither control characters nor others that cannot be shown",
                    "universal-connectivity-browser-peer-discovery": "is for programs",
                }.items()
            }
            for ticket, why in tickets.items():
                answer = await ann.see(Answer, lambda event, ticket=ticket: event.ticket == ticket)  # type: ignore[misc]
                assert answer.failed
                assert why in answer.text
            joined = await ann.see_all(TopicJoined, len(names))
            assert [event.topic for event in joined] == list(names)

    run(scene())


def test_who_is_ignored_is_not_heard_on_a_topic_either() -> None:
    async def scene() -> None:
        async with person("ann", intro=False, topics=(NEWS,)) as ann:
            async with person("bob", intro=False, connect=(await ann.address(),), topics=(NEWS,)) as bob:
                bob_id = (await bob.see(Ready)).peer_id
                await bob.see(TopicPeerJoined)
                ignoring = ann.ask(lambda ticket: Ignore(ticket, bob_id))
                await ann.see(Answer, lambda event: event.ticket == ignoring)
                say_on(bob, NEWS, "not for you")
                await bob.see(MessageSent)
                await ann.see(TopicPeerJoined)
                await bob.leave()
            await ann.see(TopicPeerLeft)
            assert not [event for event in ann.events if isinstance(event, MessageReceived)]

    run(scene())


def test_what_strangers_say_on_a_topic_is_cleaned_and_one_who_floods_it_is_muted_there_and_everywhere() -> None:
    def attack(port: int) -> None:
        async def flood() -> None:
            with trio.fail_after(20):
                async with raw_peer(port) as stranger:
                    gossip = await stranger.join(NEWS, ROOM_TOPIC)
                    said = [b"\x1b[2J\xff wiped", *(b"%d" % number for number in range(limits.FLOOD_BURST + 50))]
                    for start in range(0, len(said), 50):
                        messages = [
                            signed(stranger.key_pair, NEWS, text, start + number + 1)
                            for number, text in enumerate(said[start : start + 50])
                        ]
                        await gossip.send_rpc(publish=messages)
                    await gossip.send_rpc(publish=[signed(stranger.key_pair, ROOM_TOPIC, b"in the room", 10_000)])
                    await gossip.send_rpc(subscriptions=[{"subscribe": False, "topicid": ROOM_TOPIC}])
                    await gossip.wait_end()

        with contextlib.suppress(trio.TooSlowError):
            trio.run(flood)

    async def scene() -> None:
        async with person("ann", intro=False, topics=(NEWS,)) as ann:
            port = int((await ann.address()).split("/")[4])
            attacking = asyncio.create_task(asyncio.to_thread(attack, port))
            first = await ann.see(MessageReceived)
            assert (first.topic, first.text) == (NEWS, "\ufffd wiped")
            await ann.see(PeerMuted)
            await ann.see(PeerLeft)
            heard = await ann.see_all(MessageReceived, limits.FLOOD_BURST)
            assert {event.topic for event in heard} == {NEWS}
            await ann.leave()
            await attacking

    run(scene())


@pytest.mark.parametrize("topic", [NEWS, ROOM_TOPIC])
def test_one_who_comes_and_goes_all_the_time_is_told_now_and_then_and_let_go(topic: str) -> None:
    seen = threading.Event()

    def attack(port: int) -> None:
        async def flap() -> None:
            with trio.move_on_after(20):
                async with raw_peer(port) as stranger:
                    gossip = await stranger.join(NEWS, ROOM_TOPIC)
                    await until(seen.is_set)
                    while not gossip.ended:
                        for there in (False, True):
                            with contextlib.suppress(GoneError):
                                await gossip.send_rpc(subscriptions=[{"subscribe": there, "topicid": topic}])

        trio.run(flap)

    async def scene() -> None:
        async with person("ann", intro=False, topics=(NEWS,)) as ann:
            port = int((await ann.address()).split("/")[4])
            attacking = asyncio.create_task(asyncio.to_thread(attack, port))
            await ann.see(PeerJoined)
            await ann.see(TopicPeerJoined)
            seen.set()
            banned = await ann.see(PeerBanned)
            assert banned.reason == "it came and went again and again"
            await ann.see(PeerDisconnected)
            await attacking
            moves = [event for event in ann.events if isinstance(event, MOVES)]
            assert len(moves) <= limits.COMINGS_BURST + 8
            for joined, left in ((PeerJoined, PeerLeft), (TopicPeerJoined, TopicPeerLeft)):
                assert [type(event) for event in moves if isinstance(event, (joined, left))][-1] is left
                counts = [sum(isinstance(event, kind) for event in moves) for kind in (joined, left)]
                assert counts[0] == counts[1]

    run(scene())


def test_where_one_is_who_came_and_went_too_fast_is_told_when_it_has_settled() -> None:
    seen = threading.Event()

    def attack(port: int) -> None:
        async def flap() -> None:
            with trio.move_on_after(20):
                async with raw_peer(port) as stranger:
                    gossip = await stranger.join(NEWS)
                    await until(seen.is_set)
                    for _ in range(limits.COMINGS_BURST):
                        for there in (False, True):
                            await gossip.send_rpc(subscriptions=[{"subscribe": there, "topicid": NEWS}])
                    await gossip.wait_end()

        trio.run(flap)

    async def scene() -> None:
        async with person("ann", intro=False, topics=(NEWS,)) as ann:
            port = int((await ann.address()).split("/")[4])
            attacking = asyncio.create_task(asyncio.to_thread(attack, port))
            await ann.see(TopicPeerJoined)
            seen.set()
            joined = await ann.see_all(TopicPeerJoined, limits.COMINGS_BURST // 2 + 1)
            assert joined[-1].peers == 1
            assert sum(isinstance(event, TopicPeerLeft) for event in ann.events) == limits.COMINGS_BURST // 2
            await ann.leave()
            await attacking

    run(scene())
