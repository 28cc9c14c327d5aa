"""gnostr's own chat on topics: two of ours over the wire, what others say there, and who attacks with it."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest
import trio

from py_peer.core import limits_gnostr
from py_peer.core.events import Answer, MessageReceived, MessageSent, Notice, PeerMuted, Ready, Statistics, StatusReport
from py_peer.core.gnostr import KINDS, GnostrMessage, encode_message, encode_text
from py_peer.core.gnostr_events import GnostrHeard
from py_peer.core.gnostr_words import gnostr_sentence
from py_peer.core.nip19 import npub
from py_peer.core.nostr import commit_event, derived_secret, sign_event
from py_peer.core.requests import Ignore, JoinTopic, LeaveTopic, RequestStatistics, RequestStatus, SendText
from py_peer.core.schnorr import public_key
from py_peer.core.speakers import Name
from py_peer.core.topic_events import TopicJoined, TopicPeerJoined, TopicPeerLeft
from py_peer.core.topics import ROOM_TOPIC
from py_peer.net.counters import UNEXPECTED
from py_peer.service.gnostr_wire import FORGET_EVERY, GnostrWire
from py_peer.service.wires import Company, RawWire
from tests.loops import run
from tests.net.raw_peer import raw_peer, signed
from tests.net.support import until
from tests.service.support import Person, in_trio, person

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Container

    from py_peer.core.events import Event
    from tests.net.raw_peer import RawPeer, RawStream

TOPIC = "gnostr"
ZEROS = "0" * 40
COMMIT = "0123456789abcdef0123456789abcdef01234567"
PATIENCE = 20.0


def say(one: Person, text: str, topic: str = TOPIC) -> int:
    return one.ask(lambda ticket: SendText(ticket, text, topic))


async def counted(one: Person) -> dict[str, int]:
    """Return what is counted of gnostr's wire by now."""
    asked = one.ask(RequestStatistics)
    return (await one.see(Statistics, lambda event: event.ticket == asked)).gnostr


async def stranger(ann: Person, act: Callable[[RawPeer, RawStream], Awaitable[None]]) -> asyncio.Task[None]:
    """Have a peer made by hand act on the topic, in a loop and a thread of its own."""
    port = int((await ann.address()).split("/")[4])

    async def scene() -> None:
        with trio.fail_after(PATIENCE):
            async with raw_peer(port) as peer:
                await act(peer, await peer.join(TOPIC))

    return asyncio.create_task(asyncio.to_thread(trio.run, scene))


async def publish(peer: RawPeer, gossip: RawStream, *payloads: bytes) -> None:
    """Say some payloads, signed, a few in each RPC."""
    start = random.getrandbits(40)
    for at in range(0, len(payloads), 20):
        messages = [
            signed(peer.key_pair, TOPIC, payload, start + at + number)
            for number, payload in enumerate(payloads[at : at + 20])
        ]
        await gossip.send_rpc(publish=messages)


def payloads_of(peer: RawPeer) -> list[bytes]:
    """Return what the node has said on the topic."""
    return [message.data for rpc in peer.rpcs for message in rpc.publish if TOPIC in message.topicIDs]


# --- Two of ours ----------------------------------------------------------------------------------


def test_two_talk_in_gnostrs_wire_and_say_that_they_come_and_go() -> None:
    async def scene() -> None:
        async with person("ann", topics=(TOPIC,), wire="gnostr") as ann:
            async with person("bob", connect=(await ann.address(),), topics=(TOPIC,), wire="gnostr") as bob:
                assert (await ann.see(TopicJoined)).wire == "gnostr"
                bob_id = (await bob.see(Ready)).peer_id
                joined = await ann.see(GnostrHeard)
                assert (joined.kind, joined.topic, joined.peer_id, joined.text) == ("Join", TOPIC, bob_id, "")
                assert (await bob.see(GnostrHeard)).kind == "Join"
                say(ann, "hello, bob")
                heard = await bob.see(MessageReceived, lambda event: event.topic == TOPIC)
                assert (heard.text, heard.nick) == ("hello, bob", "ann")
                say(bob, "one\ntwo 😀")
                answer = await ann.see(MessageReceived, lambda event: event.topic == TOPIC)
                assert (answer.text, answer.peer_id) == ("one\ntwo 😀", bob_id)
                asked = ann.ask(RequestStatus)
                report = await ann.see(StatusReport, lambda event: event.ticket == asked)
                assert [one.wire for one in report.joined] == ["raw", "gnostr"]
                await bob.leave()
            left = await ann.see(GnostrHeard, lambda event: event.kind == "Leave")
            assert left.peer_id == bob_id
            await ann.see(TopicPeerLeft)
            assert await counted(ann) == {"Join": 1, "Chat": 1, "Leave": 1}

    run(scene())


def test_who_leaves_a_topic_says_so_there_and_may_come_again() -> None:
    async def scene() -> None:
        async with (
            person("ann", topics=(TOPIC,), wire="gnostr") as ann,
            person("bob", connect=(await ann.address(),), wire="gnostr") as bob,
        ):
            for count in (1, 3):
                bob.ask(lambda ticket: JoinTopic(ticket, TOPIC))
                await ann.see_all(GnostrHeard, count)
                bob.ask(lambda ticket: LeaveTopic(ticket, TOPIC))
                await ann.see_all(GnostrHeard, count + 1)
            kinds = [event.kind for event in await ann.see_all(GnostrHeard, 4)]
            assert kinds == ["Join", "Leave"] * 2

    run(scene())


def test_the_largest_text_goes_in_chunks_and_is_one_message_on_the_other_side() -> None:
    async def scene() -> None:
        text = "\x01é" * 20_000
        async with (
            person("ann", intro=False, topics=(TOPIC,), wire="gnostr") as ann,
            person("bob", intro=False, connect=(await ann.address(),), topics=(TOPIC,), wire="gnostr") as bob,
        ):
            await bob.see(TopicPeerJoined)
            say(bob, text)
            assert (await bob.see(MessageSent)).text == text
            assert (await ann.see(MessageReceived)).text == "é" * 20_000
            assert await counted(ann) == {"Chat": 1}

    run(scene())


def test_the_room_speaks_its_own_wire_whatever_is_spoken_on_topics() -> None:
    async def scene() -> None:
        async with (
            person("ann", intro=False, topics=(TOPIC,), wire="gnostr") as ann,
            person("bob", intro=False, connect=(await ann.address(),)) as bob,
        ):
            for one, other in ((ann, bob), (bob, ann)):
                one.say("to the room")
                heard = await other.see(MessageReceived)
                assert (heard.text, heard.topic) == ("to the room", ROOM_TOPIC)
            message = encode_message(GnostrMessage("eve", ("hi", ""))).decode()
            bob.say(message)
            assert (await ann.see(MessageReceived, lambda event: event.text != "to the room")).text == message

    run(scene())


# --- The two wires on one topic -------------------------------------------------------------------


def test_raw_text_on_a_topic_of_gnostrs_is_not_shown_and_json_on_a_raw_one_is_a_text_and_both_are_told_once() -> None:
    async def scene() -> None:
        async with (
            person("ann", intro=False, topics=(TOPIC,), wire="gnostr") as ann,
            person("bob", intro=False, connect=(await ann.address(),), topics=(TOPIC,)) as bob,
        ):
            await ann.see(TopicPeerJoined)
            for text in ("raw one", "raw two"):
                say(bob, text)
            for text in ("json one", "json two"):
                say(ann, text)
            heard = await bob.see_all(MessageReceived, 2)
            assert [json.loads(event.text)["content"] for event in heard] == [["json one", ""], ["json two", ""]]
            told = await bob.see(Notice)
            assert told.text == (
                "#gnostr: ann speaks gnostr's wire, which is shown as text here; with --wire gnostr you speak it, too"
            )
            told = await ann.see(Notice)
            assert told.text == (
                "#gnostr: bob says something that is not gnostr's JSON, and is not shown; without --wire gnostr it "
                "would be"
            )
            assert await counted(ann) == {"texts that are not gnostr's JSON": 2}
            assert await counted(bob) == {"messages on a topic with another wire, shown as text": 2}
            for one in (ann, bob):
                assert sum(isinstance(event, Notice) for event in one.events) == 1
            assert not [event for event in ann.events if isinstance(event, MessageReceived)]

    run(scene())


# --- What others say ------------------------------------------------------------------------------


def test_what_we_say_is_byte_by_byte_what_gnostr_says() -> None:
    seen: list[bytes] = []

    async def listen(peer: RawPeer, _gossip: RawStream) -> None:
        await until(lambda: len(payloads_of(peer)) == 3)
        seen.extend(payloads_of(peer))

    async def scene() -> None:
        async with person("ann", topics=(TOPIC,), wire="gnostr") as ann:
            listening = await stranger(ann, listen)
            await ann.see(TopicPeerJoined)
            say(ann, "hello")
            await ann.see(MessageSent, lambda event: event.topic == TOPIC)
            ann.ask(lambda ticket: LeaveTopic(ticket, TOPIC))
            await listening

    run(scene())
    said = [('["",""]', "Join"), ('["hello",""]', "Chat"), ('["",""]', "Leave")]
    assert seen == [
        f'{{"from":"ann","content":{content},"kind":"{kind}","commit_id":"{ZEROS}"}}'.encode() for content, kind in said
    ]


def test_every_kind_that_others_say_is_told_or_counted_cleaned_and_under_a_name_with_the_id_beside_it() -> None:
    secret = bytes(31) + b"\x07"
    events = {
        "verified": sign_event(secret, 1_700_000_000, 1, (), "signed \x1b[2J"),
        "derived": commit_event('{"id":"x"}', COMMIT, derived_secret(COMMIT), 1_700_000_000),
    }
    texts = {"GitCommitTime": "1700000000", "GitDiff": "+a\n-b"}

    async def speak(peer: RawPeer, gossip: RawStream) -> None:
        said = [
            GnostrMessage("al\x1b[31mice", (texts.get(kind, f"about \x1b[2J{kind}"), ""), kind, COMMIT)
            for kind in KINDS
            if kind != "NostrEvent"
        ]
        said += [GnostrMessage("alice", (event.json(),), "NostrEvent") for event in events.values()]
        bad = events["verified"].json().replace("signed", "forged")
        said += [GnostrMessage("alice", (text,), "NostrEvent") for text in (bad, "no event")]
        said += [GnostrMessage("alice", ("last", ""))]
        await publish(
            peer, gossip, encode_message(GnostrMessage("alice", ("x", ""), "Dance")), *map(encode_message, said)
        )
        await gossip.wait_end()

    async def scene() -> None:
        async with person("ann", intro=False, topics=(TOPIC,), wire="gnostr") as ann:
            speaking = await stranger(ann, speak)
            first = await ann.see(MessageReceived)
            assert (first.text, first.nick, first.plain) == ("about Chat", "alice", False)
            await ann.see(MessageReceived, lambda event: event.text == "last")
            heard = [event for event in ann.events if isinstance(event, GnostrHeard)]
            others = [kind for kind in KINDS if kind not in ("Chat", "NostrEvent")]
            assert [event.kind for event in heard] == [*others, "NostrEvent", "NostrEvent"]
            assert {(event.nick, event.plain, event.topic) for event in heard} == {("alice", False, TOPIC)}
            assert [event.text for event in heard[:-2]] == [texts.get(kind, f"about {kind}") for kind in others]
            assert {event.commit_id for event in heard[:-2]} == {COMMIT}
            assert [(event.standing, event.text) for event in heard[-2:]] == [
                ("verified", "signed "),
                ("derived", '{"id":"x"}'),
            ]
            assert heard[-2].badge.startswith("verified: signed by npub1")
            assert heard[-2].npub.startswith("npub1")
            assert await counted(ann) == {
                **dict.fromkeys(others, 1),
                "Chat": 2,
                "NostrEvent": 2,
                "Nostr events that are none": 1,
                "Nostr events whose hash or signature does not hold": 1,
                "commits that are named beside a text, and not shown": 1,
                "messages of a kind that is not known": 1,
            }
            await ann.leave()
            await speaking

    run(scene())


def test_who_is_ignored_is_not_heard_whatever_the_kind() -> None:
    async def scene() -> None:
        async with (
            person("ann", intro=False, topics=(TOPIC,), wire="gnostr") as ann,
            person("bob", connect=(await ann.address(),), topics=(), wire="gnostr") as bob,
        ):
            bob_id = (await bob.see(Ready)).peer_id
            ignoring = ann.ask(lambda ticket: Ignore(ticket, bob_id))
            await ann.see(Answer, lambda event: event.ticket == ignoring)
            bob.ask(lambda ticket: JoinTopic(ticket, TOPIC))
            say(bob, "not for you")
            await bob.see(MessageSent, lambda event: event.topic == TOPIC)
            await bob.leave()
            await ann.see(TopicPeerLeft)
            assert not [event for event in ann.events if isinstance(event, MessageReceived | GnostrHeard)]

    run(scene())


# --- Attacks --------------------------------------------------------------------------------------


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Return a message in which something is another, or missing, or too much."""
    spoiled = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(spoiled) + 1)
        match chance.randrange(5):
            case 0:
                spoiled[at:at] = chance.randbytes(chance.randint(1, 8))
            case 1:
                del spoiled[at : at + chance.randint(1, 30)]
            case 2:
                spoiled[at : at + 1] = bytes([chance.randrange(256)])
            case 3:
                spoiled[at:at] = spoiled[at : at + chance.randint(1, 60)]
            case _:
                spoiled[at:at] = chance.choice((b'"', b"{", b"[", b"9" * 400, b"\\ud800", b"null,", b"-1", b'"kind":'))
    return bytes(spoiled)


@pytest.mark.parametrize("wire", ["gnostr", "raw"])
def test_of_a_thousand_mutated_messages_none_raises_and_each_is_told_or_counted(
    caplog: pytest.LogCaptureFixture, wire: str
) -> None:
    chance = random.Random(12)
    event = commit_event('{"id":"x"}', COMMIT, derived_secret(COMMIT), 1_700_000_000)
    whole = [
        *(encode_message(GnostrMessage("alice", ("hello", ""), kind, COMMIT)) for kind in KINDS),
        encode_message(GnostrMessage("alice", (event.json(),), "NostrEvent")),
        *(encode_message(GnostrMessage("a", ("x", ""), message_id="i", number=n, total=3)) for n in range(3)),
    ]
    spoiled = [mutated(chance.choice(whole), chance) for _ in range(1_000)]

    async def speak(peer: RawPeer, gossip: RawStream) -> None:
        part = [spoiled.pop() for _ in range(250)]  # more of one author would be muted
        await publish(peer, gossip, *part, encode_message(GnostrMessage("alice", ("last", ""))))
        await gossip.wait_end()

    async def scene() -> None:
        async with person("ann", intro=False, topics=(TOPIC,), wire=wire) as ann:
            speaking = [await stranger(ann, speak) for _ in range(4)]
            while sum("last" in getattr(event, "text", "") for event in ann.events) < len(speaking):
                ann.events.append(await asyncio.wait_for(ann.service.next_event(), PATIENCE))
            assert not [event for event in ann.events if isinstance(event, PeerMuted)]
            told = [event for event in ann.events if isinstance(event, MessageReceived | GnostrHeard)]
            figures = await counted(ann)
            if wire == "raw":  # each is a text
                assert len(told) == 1_004
            else:  # all that came are counted, but for the chunks of messages that were not whole
                figures.pop("commits that are named beside a text, and not shown", None)  # of messages that are counted
                assert 0 <= 1_004 - sum(figures.values()) < 200
                assert sum(figures.get(kind, 0) for kind in KINDS) == len(told)
                assert 20 < len(told) < 900
            await ann.leave()
            await asyncio.gather(*speaking)

    before = UNEXPECTED.total()
    with caplog.at_level(logging.WARNING):
        run(scene())
    assert UNEXPECTED.total() == before
    assert not [record for record in caplog.records if record.exc_info]


def test_who_sends_chunks_without_end_is_bounded_and_an_honest_message_comes_through() -> None:
    async def attack(peer: RawPeer, gossip: RawStream) -> None:
        flood = [
            encode_message(GnostrMessage("eve", ("x" * 500, ""), message_id=str(n), number=0, total=1_024))
            for n in range(150)
        ]
        await publish(peer, gossip, *flood)
        honest = encode_text("eve", "y" * limits_gnostr.MAX_PAYLOAD_OUT, "honest")
        assert len(honest) == 2
        for payload in (*honest[::-1], encode_message(GnostrMessage("eve", ("last", "")))):
            await publish(peer, gossip, payload)
        await gossip.wait_end()

    async def scene() -> None:
        async with person("ann", intro=False, topics=(TOPIC,), wire="gnostr") as ann:
            attacking = await stranger(ann, attack)
            assert (await ann.see(MessageReceived)).text == "y" * limits_gnostr.MAX_PAYLOAD_OUT
            await ann.see(MessageReceived, lambda event: event.text == "last")
            given_up = 150 + 1 - limits_gnostr.HALF_PER_AUTHOR
            assert await counted(ann) == {
                "Chat": 2,
                "messages that were given up before all their chunks had come": given_up,
            }
            await ann.leave()
            await attacking

    run(scene())


def test_a_plain_name_is_only_one_that_was_announced() -> None:
    """Who calls himself as somebody else does who has announced it is seen with his ID beside it."""

    async def speak(peer: RawPeer, gossip: RawStream) -> None:
        await publish(peer, gossip, encode_message(GnostrMessage("bob", ("I am bob", ""))))
        await gossip.wait_end()

    async def scene() -> None:
        async with (
            person("ann", intro=False, topics=(TOPIC,), wire="gnostr") as ann,
            person("bob", intro=False, connect=(await ann.address(),), topics=(TOPIC,), wire="gnostr") as bob,
        ):
            await ann.see(TopicPeerJoined)
            speaking = await stranger(ann, speak)
            say(bob, "hello")
            true: Any = await ann.see(MessageReceived, lambda event: event.text == "hello")
            false = await ann.see(MessageReceived, lambda event: event.text == "I am bob")
            assert (true.nick, true.plain, false.nick, false.plain) == ("bob", True, "bob", False)
            await ann.leave()
            await bob.leave()
            await speaking

    run(scene())


# --- The wire alone, with a clock of the test's ---------------------------------------------------


DAN: Final = npub(public_key(bytes(31) + b"\x09").hex())
"""Whose key is bound to the peer "dan"."""


def alone(ignored: Container[str] = ()) -> tuple[GnostrWire, list[Event], Counter[str]]:
    """Return a wire that nobody is connected to, what it tells, and what it counts."""
    told: list[Event] = []
    counts: Counter[str] = Counter()

    def hear(author: str, text: str, topic: str, claim: str) -> None:
        told.append(MessageReceived(author, claim, text, 0.0, plain=False, topic=topic))

    def count(what: str) -> None:
        counts[what] += 1

    def speaker(author: str, claim: str) -> Name | None:
        return None if author in ignored else Name(claim or author)

    company = Company(told.append, hear, speaker, lambda: "ann", lambda key: "dan" * (key == DAN), count)
    return GnostrWire(company, greets=True), told, counts


def test_chunks_that_wait_are_forgotten_after_a_minute_though_nobody_says_anything() -> None:
    wire, _, counts = alone()

    async def scene() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wire.run)
            part = encode_message(GnostrMessage("eve", ("x" * 50_000, ""), message_id="m", number=0, total=2))
            wire.hear("eve", part, TOPIC)
            assert wire.chunks.size > 50_000
            await trio.sleep(limits_gnostr.CHUNK_SECONDS + 2 * FORGET_EVERY)
            assert wire.chunks.size == 0
            nursery.cancel_scope.cancel()

    in_trio(scene)
    assert counts == {"gnostr: messages that were given up before all their chunks had come": 1}


def test_of_more_nostr_events_than_can_be_verified_the_rest_is_counted() -> None:
    wire, told, counts = alone()
    event = sign_event(bytes(31) + b"\x07", 1_700_000_000, 1, (), "signed").json()
    data = encode_message(GnostrMessage("eve", (event,), "NostrEvent"))

    async def scene() -> None:
        for _ in range(limits_gnostr.NOSTR_BURST + 10):
            wire.hear("eve", data, TOPIC)
        await trio.sleep(1)
        wire.hear("eve", data, TOPIC)

    in_trio(scene)
    assert len(told) == limits_gnostr.NOSTR_BURST + 1
    assert counts["gnostr: Nostr events that were not verified, too many at once"] == 10


def test_the_event_beside_the_text_holds_where_both_are_there() -> None:
    wire, told, _ = alone()
    event = sign_event(bytes(31) + b"\x07", 1_700_000_000, 1, (), "signed").json()
    fields = {"from": "a", "content": ["another text"], "kind": "NostrEvent", "nostr_event": json.loads(event)}

    async def scene() -> None:
        wire.hear("eve", json.dumps(fields).encode(), TOPIC)

    in_trio(scene)
    (heard,) = told
    assert isinstance(heard, GnostrHeard)
    assert (heard.text, heard.standing, heard.signer) == ("signed", "verified", "")


def test_an_event_is_told_with_the_peer_to_whom_its_key_is_bound_and_one_about_a_commit_in_words() -> None:
    wire, told, _ = alone()
    commit: dict[str, Any] = {
        "id": COMMIT,
        "tree": "9" * 40,
        "parents": [],
        "author_name": "Ada",
        "author_email": "ada@example.org",
    }
    commit |= {"committer_name": "Ada", "committer_email": "ada@example.org", "message": "Add\nmore", "time": 1}
    event = commit_event(json.dumps(commit), COMMIT, bytes(31) + b"\x09", 1_700_000_000)

    async def scene() -> None:
        wire.hear("eve", encode_message(GnostrMessage("eve", (event.json(),), "NostrEvent")), TOPIC)

    in_trio(scene)
    (heard,) = told
    assert isinstance(heard, GnostrHeard)
    assert (heard.signer, heard.commit_id) == ("dan", COMMIT)
    assert gnostr_sentence(heard, lambda peer_id: f"<{peer_id}>") == (
        f"eve passes on a Nostr event [verified: signed by {DAN}, that is <dan>] commit {COMMIT[:12]} Add (Ada)"
    )


@pytest.mark.parametrize(
    ("kind", "content", "said"),
    [
        ("Chat", ("chat one", "", "chat two"), "chat one\nchat two"),
        ("System", ("a", "b", "c"), "eve, message of his system (commit 0123456789ab): a\nb\nc"),
        ("GitCommitAuthor", ("a", "b", "c"), "eve, author of the commit (commit 0123456789ab): a b c"),
        ("GitCommitId", (COMMIT, ""), f"eve, commit: {COMMIT}"),
        ("Join", ("with a word",), "eve joined! (commit 0123456789ab) with a word"),
        ("GitDiff", ("+a",), "eve says how files differ (commit 0123456789ab)\nThe patch, which nothing verifies:\n+a"),
    ],
    ids=["Chat", "System", "GitCommitAuthor", "GitCommitId", "Join", "GitDiff"],
)
def test_all_parts_of_a_message_are_shown(kind: str, content: tuple[str, ...], said: str) -> None:
    wire, told, _ = alone()
    wire.hear("eve", encode_message(GnostrMessage("eve", content, kind, COMMIT)), TOPIC)
    (heard,) = told
    assert (gnostr_sentence(heard) if isinstance(heard, GnostrHeard) else getattr(heard, "text", None)) == said


@pytest.mark.parametrize("content", [(), ("",), ("", " \n")], ids=["nothing", "empty", "blank"])
def test_a_chat_without_a_text_is_counted_and_not_shown(content: tuple[str, ...]) -> None:
    wire, told, counts = alone()
    wire.hear("eve", encode_message(GnostrMessage("eve", content)), TOPIC)
    assert (told, counts) == ([], {"gnostr: messages without a text": 1})


def test_of_a_long_patch_it_is_said_who_has_the_rest() -> None:
    wire, told, _ = alone()
    wire.hear("eve", encode_message(GnostrMessage("eve", ("+a\n" * 600,), "GitDiff")), TOPIC)
    (heard,) = told
    assert isinstance(heard, GnostrHeard)
    assert gnostr_sentence(heard).endswith("\n[… 100 more lines of the patch not shown; --json has them]")


def test_of_a_peer_who_is_ignored_no_event_is_told_that_his_key_has_signed_whoever_passes_it_on() -> None:
    ignored: set[str] = set()
    wire, told, _ = alone(ignored)
    event = sign_event(bytes(31) + b"\x09", 1_700_000_000, 1, (), "signed").json()

    async def scene() -> None:
        for _ in range(2):
            wire.hear("eve", encode_message(GnostrMessage("eve", (event,), "NostrEvent")), TOPIC)
            ignored.add("dan")

    in_trio(scene)
    assert len(told) == 1


def test_of_a_topic_that_is_left_no_chunks_are_kept() -> None:
    wire, _, _ = alone()

    async def scene() -> None:
        for topic in (TOPIC, "other"):
            wire.hear("eve", encode_message(GnostrMessage("eve", ("x", ""), message_id="m", total=2)), topic)
        wire.left(TOPIC)

    in_trio(scene)
    assert len(wire.chunks) == 1


def test_of_those_who_speak_another_wire_so_many_are_told_and_each_once() -> None:
    wire, told, counts = alone()
    for _ in range(2):
        for number in range(limits_gnostr.OTHER_WIRE_TOLD + 10):
            wire.hear(f"author {number}", b"raw", TOPIC)
    assert len(told) == limits_gnostr.OTHER_WIRE_TOLD
    assert counts == {"gnostr: texts that are not gnostr's JSON": 2 * (limits_gnostr.OTHER_WIRE_TOLD + 10)}


def test_what_an_ignored_author_says_is_asked_about_and_counted_once() -> None:
    asked: list[tuple[str, ...]] = []
    told: list[Event] = []

    def ignore(*said: str) -> None:
        asked.append(said)

    wire = RawWire(Company(told.append, ignore, ignore, lambda: "ann", lambda _: "", ignore))
    text = encode_message(GnostrMessage("eve", ("hi", "")))
    wire.hear("eve", text, TOPIC)
    assert (asked, told) == ([("eve", text.decode(), TOPIC, "")], [])
