"""Relays of Nostr are watched: each event is shown once, and what does not hold is counted and not shown."""

from __future__ import annotations

import dataclasses
import json
import time
from collections import Counter
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import nostr_sdk
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits_nostr
from py_peer.core.commits import Commit, commit_json
from py_peer.core.events import Answer, Notice
from py_peer.core.nostr import NostrEvent, commit_event, derived_secret, sign_event
from py_peer.core.nostr_events import NostrHeard, NostrRelayDown, NostrRelayUp, NostrReport
from py_peer.core.nostr_messages import event_message
from py_peer.core.requests import RequestNostr, WatchNostr
from py_peer.frontends.nostr_lines import nostr_sentence
from py_peer.net.nostr_stream import pace_of_all
from py_peer.service.nostr_feed import Feed, Judge
from tests.loops import run
from tests.nostr_relay import LocalRelay, in_time, pretending
from tests.service.support import person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from trio_websocket import WebSocketConnection

    from py_peer.core.events import Event

DEADLINE = 20.0
SECRET = b"\x01" * 32
COMMIT = Commit("a" * 40, "b" * 40, (), "Ada", "ada@x", "Ada", "ada@x", "Engines weave\n\nand more", 1_700_000_000)
RELAY = "ws://relay.example"


def now() -> int:
    return int(time.time())


def about_git(text: str = "hello", created_at: int | None = None) -> NostrEvent:
    return sign_event(SECRET, now() if created_at is None else created_at, 1, [("gnostr", "git")], text)


def by_another_hand(text: str) -> str:
    """Return an event that nostr-sdk has made and signed, as JSON."""
    built = nostr_sdk.EventBuilder(nostr_sdk.Kind(1), text).tags([nostr_sdk.Tag.parse(["gnostr", "git"])])
    made: str = built.finalize(nostr_sdk.Keys.generate()).as_json()
    return made


class Room:
    """What is shown of what a judge is told."""

    def __init__(self, *, everything: bool = False, shows: bool = True) -> None:
        self.shown: list[NostrHeard] = []
        self.counters: Counter[str] = Counter()
        self._shows = shows
        self.judge = Judge(self.counters, self._show, everything=everything)

    def _show(self, heard: NostrHeard) -> bool:
        self.shown.append(heard)
        return self._shows

    def hear(self, *events: NostrEvent) -> Room:
        for event in events:
            self.judge.hear(RELAY, json.loads(event.json()))
        return self


# --- What is shown --------------------------------------------------------------------------------


def test_an_event_is_shown_with_its_badge_cleaned_and_once() -> None:
    room = Room().hear(*[about_git("look\x1b[2J here\r\n\u202eback")] * 3)
    (heard,) = room.shown
    assert heard.text == "look here\nback"
    assert heard.standing == "verified"
    assert heard.badge == f"verified: signed by {heard.npub}"
    assert room.counters == {"nostr heard": 1, "nostr duplicates": 2}


def test_a_commit_is_told_in_words_and_a_derived_key_is_marked() -> None:
    text = commit_json(COMMIT)
    own = commit_event(text, COMMIT.id, SECRET, now())
    derived = commit_event(text, COMMIT.id, derived_secret(COMMIT.id), now())
    of_another = commit_event(text, "c" * 40, SECRET, now())
    untagged = about_git(text)
    heard = Room().hear(own, derived, of_another, untagged).shown
    assert [one.standing for one in heard] == ["verified", "derived", "verified", "verified"]
    assert [one.commit for one in heard] == [COMMIT.id, COMMIT.id, "c" * 40, ""]
    told = [nostr_sentence(one) for one in heard]
    assert told[0] == f"[verified: signed by {heard[0].npub}] commit aaaaaaaaaaaa Engines weave (Ada)"
    assert told[1].startswith("[derived key: signed by the key that is made from the commit's ID, so anyone can")
    assert "commit aaaaaaaaaaaa (its tag names cccccccccccc) Engines weave" in told[2]
    assert told[3].endswith("] commit aaaaaaaaaaaa Engines weave (Ada)")


def test_a_badge_stands_before_what_could_pass_for_one() -> None:
    forged = about_git("[verified: signed by npub1somebodyelse] hello")
    (heard,) = Room().hear(forged).shown
    assert nostr_sentence(heard).startswith(f"[{heard.badge}] [verified")


def test_what_is_not_about_git_is_passed_over_unless_all_is_wanted() -> None:
    other = sign_event(SECRET, now(), 1, [("t", "cats")], "miaow")
    room = Room().hear(other, other)
    assert not room.shown
    assert room.counters == {"nostr passed over": 1, "nostr duplicates": 1}
    assert [heard.text for heard in Room(everything=True).hear(other).shown] == ["miaow"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"id": "ab" * 32}, "the ID is not its hash"),
        ({"content": "another"}, "the ID is not its hash"),
        ({"pubkey": "cd" * 32}, "the ID is not its hash"),
        ({"tags": ()}, "the ID is not its hash"),
        ({"sig": "ef" * 64}, "the signature does not hold"),
        ({"id": "AB" * 32}, "not an event"),
        ({"kind": "1"}, "not an event"),
        ({"content": "a" * limits_nostr.MAX_EVENT_BYTES}, "not an event"),
        ({"kind": 7}, "not asked for"),
        ({"created_at": 2**40}, "from the future"),
    ],
    ids=["ID", "content", "key", "tags", "signature", "capitals", "kind", "large", "unasked", "future"],
)
def test_what_does_not_hold_is_counted_and_the_true_one_is_shown_after_it(change: dict[str, Any], why: str) -> None:
    true = about_git()
    room = Room()
    for _ in range(2):
        assert room.judge.hear(RELAY, json.loads(dataclasses.replace(true, **change).json())) is None
    assert not room.shown
    assert room.counters == {f"nostr refused: {why}": 2}
    room.hear(true)
    assert [heard.event_id for heard in room.shown] == [true.id]


@pytest.mark.parametrize("fields", [{}, {"id": []}, {"id": None, "tags": {}}], ids=str)
def test_what_is_no_event_is_refused(fields: dict[str, Any]) -> None:
    room = Room()
    assert room.judge.hear(RELAY, fields) is None
    assert room.counters == {"nostr refused: not an event": 1}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
FIELDS = st.sampled_from([*NostrEvent.__slots__, "more"])


@given(st.dictionaries(FIELDS, JSON, min_size=1))
def test_whatever_stands_in_an_event_is_judged(changes: dict[str, Any]) -> None:
    true = json.loads(about_git().json())
    changed = {name for name in true if json.dumps((true | changes)[name]) != json.dumps(true[name])}
    room = Room()
    room.judge.hear(RELAY, true | changes)
    assert len(room.shown) == (not changed)
    assert room.counters.total() == 1


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_nostr, "SEEN_EVENTS", 2)
    one, two, three = (about_git(str(number)) for number in range(3))
    room = Room().hear(one, two, three, three, one)
    assert [heard.text for heard in room.shown] == ["0", "1", "2", "0"]


def test_what_the_room_does_not_take_is_counted() -> None:
    room = Room(shows=False).hear(about_git())
    assert room.counters == {"nostr refused: too many at once": 1}


# --- A relay that goes and comes back -------------------------------------------------------------


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_nostr, "RECONNECT_FIRST", 0.05)
    monkeypatch.setattr(limits_nostr, "RECONNECT_MOST", 0.2)


class Watched:
    """A relay that is watched, and what is told of it."""

    def __init__(self, url: str, *, everything: bool = False) -> None:
        self.counters: Counter[str] = Counter()
        self._come, self.events = trio.open_memory_channel[Any](10_000)
        judge = Judge(self.counters, self._emit, everything=everything)
        self.feed = Feed(url, judge, self.counters, self._emit, pace_of_all())

    def _emit(self, event: Event) -> bool:
        self._come.send_nowait(event)
        return True

    async def next(self, kind: type[Any]) -> Any:
        while not isinstance(event := await self.events.receive(), kind):
            pass
        return event

    async def texts(self, count: int) -> list[str]:
        return [(await self.next(NostrHeard)).text for _ in range(count)]


@asynccontextmanager
async def watching(url: str, *, everything: bool = False) -> AsyncIterator[Watched]:
    watched = Watched(url, everything=everything)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watched.feed.run)
        yield watched
        nursery.cancel_scope.cancel()


@pytest.fixture
def relay() -> Iterator[LocalRelay]:
    with LocalRelay() as running:
        yield running


@pytest.mark.usefixtures("brisk")
def test_a_real_relay_is_followed_and_nothing_is_lost_while_it_is_away(relay: LocalRelay) -> None:
    in_thread = trio.to_thread.run_sync

    async def publish(*texts: str) -> None:
        events = [about_git(text, now() - len(texts) + number) for number, text in enumerate(texts)]
        await in_thread(partial(relay.publish, *(event.json() for event in events)))

    async def scene() -> None:
        await publish("before", "just before")
        async with watching(relay.url) as watched:
            assert await watched.next(NostrRelayUp) == NostrRelayUp(relay.url, again=False)
            assert await watched.texts(2) == ["before", "just before"]
            await in_thread(relay.publish, by_another_hand("live"))
            assert await watched.texts(1) == ["live"]
            await in_thread(relay.stop)
            down = await watched.next(NostrRelayDown)
            assert down.relay == relay.url
            assert watched.feed.info().cause
            await in_thread(relay.start)
            await publish("while away", "just now")  # it may be back already
            assert await watched.next(NostrRelayUp) == NostrRelayUp(relay.url, again=True)
            assert sorted(await watched.texts(2)) == ["just now", "while away"]
            assert watched.feed.info().heard == 5
            await publish("and on")
            assert await watched.texts(1) == ["and on"]

    in_time(scene)


@asynccontextmanager
async def serving(does: Callable[[WebSocketConnection, Any], Awaitable[None]]) -> AsyncIterator[str]:
    """Serve WebSockets; `does` gets each connection, with what is asked on it first."""

    async def take(connection: WebSocketConnection) -> None:
        await does(connection, json.loads(await connection.get_message()))

    async with pretending(take) as url:
        yield str(url)


def of(subscription: str, event: NostrEvent) -> str:
    return event_message(event).replace('["EVENT"', f'["EVENT","{subscription}"', 1)


@pytest.mark.usefixtures("brisk")
def test_a_relay_that_gives_less_than_it_has_is_asked_for_the_rest_when_it_is_back() -> None:
    begun = now()
    history = [about_git(str(number), begun - number) for number in range(5)]
    asked: list[dict[str, Any]] = []

    async def talk(connection: WebSocketConnection, request: Any) -> None:
        """Give one event at most for a question, the latest; there is but the oldest at first, and then it goes."""
        first = not asked
        while True:
            kind, subscription, *filters = request
            if kind == "REQ":
                asked.append(filters[0])
                until = filters[0].get("until", begun + 1)
                for event in [event for event in history[4 * first :] if event.created_at < until][:1]:
                    await connection.send_message(of(subscription, event))
                await connection.send_message(json.dumps(["EOSE", subscription]))
            if first:
                return
            request = json.loads(await connection.get_message())

    async def scene() -> None:
        async with serving(talk) as url, watching(url) as watched:
            assert await watched.texts(5) == ["4", "0", "1", "2", "3"]

    in_time(scene)
    assert asked[0] | {"since": 0} == {"kinds": [1], "since": 0, "limit": limits_nostr.WATCH_LIMIT}
    assert begun - 3_700 <= asked[0]["since"] <= begun - 3_500
    assert asked[1]["since"] > asked[0]["since"]  # since shortly before it went
    assert [one.get("until") for one in asked[1:5]] == [None, begun, begun - 1, begun - 2]


@pytest.mark.usefixtures("brisk")
def test_what_had_not_come_when_the_connection_ended_is_asked_for_again() -> None:
    begun = now()
    asked: list[int] = []

    async def talk(connection: WebSocketConnection, request: Any) -> None:
        _, live, filters = request
        asked.append(filters["since"])
        if len(asked) == 1:  # it goes before it has sent all
            await connection.send_message(of(live, about_git("first", begun)))
            return
        if len(asked) == 2:
            await connection.send_message(json.dumps(["CLOSED", live, "busy"]))
            await trio.sleep_forever()
        await connection.send_message(of(live, about_git("first", begun)))
        await connection.send_message(json.dumps(["EOSE", live]))
        _, older, filters = json.loads(await connection.get_message())
        assert filters["since"] == asked[-1]
        if len(asked) == 3:  # it goes between two pages
            await connection.send_message(of(older, about_git("second", begun - 1)))
            return
        for page in ("third", "nothing older"):
            await connection.send_message(of(older, about_git("third", begun - 2)))
            await connection.send_message(json.dumps(["EOSE", older]))
            if page == "third":
                _, older, _filters = [json.loads(await connection.get_message()) for _ in range(2)][1]
        if len(asked) == 4:
            await connection.get_message()  # that it does not want more
            return
        await trio.sleep_forever()

    async def scene() -> None:
        async with serving(talk) as url, watching(url) as watched:
            assert await watched.texts(3) == ["first", "second", "third"]
            while len(asked) < 5:  # noqa: ASYNC110 - nothing tells of it
                await trio.sleep(0.01)

    in_time(scene)
    assert asked[:4] == [asked[0]] * 4
    assert asked[4] - asked[0] >= limits_nostr.WATCH_BACK - limits_nostr.WATCH_OVERLAP


@pytest.mark.usefixtures("brisk")
def test_what_another_relay_has_brought_already_is_not_taken_for_all() -> None:
    begun = now()
    connections = 0

    async def talk(connection: WebSocketConnection, request: Any) -> None:
        nonlocal connections
        connections += 1
        await connection.send_message(of(request[1], about_git("known", begun)))
        await connection.send_message(json.dumps(["EOSE", request[1]]))
        if connections == 1:
            return
        _, older, filters = json.loads(await connection.get_message())
        assert filters["until"] == begun
        await connection.send_message(of(request[1], about_git("live, and of long ago", begun - 3_000)))
        await connection.send_message(of(older, about_git("older", begun - 1)))
        await connection.send_message(json.dumps(["EOSE", older]))
        _, older, filters = [json.loads(await connection.get_message()) for _ in range(2)][1]
        assert filters["until"] == begun - 1
        await trio.sleep_forever()

    async def scene() -> None:
        async with serving(talk) as url, watching(url) as watched:
            assert await watched.texts(3) == ["known", "live, and of long ago", "older"]

    in_time(scene)


@pytest.mark.usefixtures("brisk")
def test_a_relay_that_never_comes_to_an_end_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_nostr, "WATCH_PAGES", 3)
    begun = now()
    questions: list[int] = []

    async def talk(connection: WebSocketConnection, request: Any) -> None:
        questions.append(0)
        while True:
            if request[0] == "REQ":
                questions[-1] += 1
                number = sum(questions)
                await connection.send_message(of(request[1], about_git(f"{number}", begun - number)))
                await connection.send_message(json.dumps(["EOSE", request[1]]))
            if len(questions) == 1:
                return
            request = json.loads(await connection.get_message())

    async def scene() -> None:
        async with serving(talk) as url, watching(url) as watched:
            await watched.texts(5)
            with trio.move_on_after(0.3):
                await watched.next(NostrHeard)
                raise AssertionError
        assert questions == [1, 4]

    in_time(scene)


def test_the_pauses_grow_and_a_relay_that_is_away_is_told_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_nostr, "RECONNECT_FIRST", 0.1)
    monkeypatch.setattr(limits_nostr, "RECONNECT_MOST", 0.4)

    async def talk(connection: WebSocketConnection, _request: Any) -> None:
        await connection.aclose(1008, "auth-required")

    async def scene() -> None:
        async with watching("ws://127.0.0.1:1") as watched:
            down = await watched.next(NostrRelayDown)
            assert (down.relay, down.cause) == ("ws://127.0.0.1:1", "Connection refused")
            await trio.sleep(0.5)
            assert watched.events.statistics().current_buffer_used == 0
        async with serving(talk) as url, watching(url) as watched:
            downs = [await watched.next(NostrRelayDown) for _ in range(4)]
        assert {down.cause for down in downs} == {"it has closed the connection: auth-required"}
        assert downs[0].seconds == 0.1
        assert all(0.3 <= down.seconds <= 0.5 for down in downs[2:])

    in_time(scene)


@pytest.mark.usefixtures("brisk")
def test_a_relay_that_lies_in_every_way_brings_nothing_but_counts() -> None:
    true = about_git("true")
    changes: tuple[dict[str, Any], ...] = ({"sig": "ab" * 64}, {"id": "cd" * 32}, {"content": "x"})
    lies = [dataclasses.replace(true, **change) for change in changes]

    async def talk(connection: WebSocketConnection, request: Any) -> None:
        for lie in lies:
            await connection.send_message(of(request[1], lie))
        await connection.send_message(of("another", true))
        await connection.send_message(b"\x00")
        await connection.send_message('["EVENT"')
        await connection.send_message(of(request[1], dataclasses.replace(true, content="a" * 1_000_000)))
        for _ in range(3):
            await connection.send_message(of(request[1], true))
        await trio.sleep_forever()

    async def scene() -> None:
        async with serving(talk) as url, watching(url) as watched:
            assert await watched.texts(1) == ["true"]
            while watched.counters["nostr duplicates"] < 2:  # noqa: ASYNC110 - nothing tells of them
                await trio.sleep(0.01)
            assert watched.feed.connected
            assert watched.counters == {
                "nostr refused: the signature does not hold": 1,
                "nostr refused: the ID is not its hash": 2,
                "nostr refused: not asked for": 1,
                "nostr refused: no text": 1,
                "nostr refused: no message of a relay": 1,
                "nostr refused: too large": 1,
                "nostr heard": 1,
                "nostr duplicates": 2,
            }

    in_time(scene)


@pytest.mark.usefixtures("brisk")
def test_a_relay_that_does_not_answer_the_question_is_told_with_its_words() -> None:
    async def talk(connection: WebSocketConnection, request: Any) -> None:
        await connection.send_message(json.dumps(["CLOSED", request[1], "auth-required: who are you?"]))
        await trio.sleep_forever()

    async def scene() -> None:
        async with serving(talk) as url, watching(url) as watched:
            cause = (await watched.next(NostrRelayDown)).cause
            assert cause == "it does not answer: auth-required: who are you?"

    in_time(scene)


@pytest.mark.usefixtures("brisk")
def test_a_relay_that_gives_nothing_older_is_followed_all_the_same() -> None:
    begun = now()
    connections = 0

    async def talk(connection: WebSocketConnection, request: Any) -> None:
        nonlocal connections
        connections += 1
        live = request[1]
        await connection.send_message(of(live, about_git(f"had {connections}", begun)))
        await connection.send_message(json.dumps(["EOSE", live]))
        if connections == 1:
            return
        kind, older, filters = json.loads(await connection.get_message())
        assert (kind, filters["until"]) == ("REQ", begun)
        await connection.send_message(json.dumps(["CLOSED", older, "blocked: too many questions"]))
        await connection.send_message(of(live, about_git("live", begun)))
        await trio.sleep_forever()

    async def scene() -> None:
        async with serving(talk) as url, watching(url) as watched:
            assert await watched.texts(3) == ["had 1", "had 2", "live"]

    in_time(scene)


# --- In a session ---------------------------------------------------------------------------------


def test_no_relay_is_contacted_before_it_is_asked_for_nor_after_it_was_enough(relay: LocalRelay) -> None:
    relay.publish(about_git("hello").json())

    async def scene() -> None:
        async with person("bob", nostr_relays=(relay.url,)) as bob:
            await bob.address()
            ticket = bob.ask(RequestNostr)
            report = await bob.see(NostrReport, lambda event: event.ticket == ticket)
            assert not report.on
            assert [(one.relay, one.connected) for one in report.relays] == [(relay.url, False)]
            assert not [event for event in bob.events if isinstance(event, NostrRelayUp)]
            ticket = bob.ask(lambda number: WatchNostr(number, on=True))
            assert (await bob.see(NostrReport, lambda event: event.ticket == ticket)).on
            assert (await bob.see(NostrHeard)).text == "hello"
            ticket = bob.ask(RequestNostr)
            report = await bob.see(NostrReport, lambda event: event.ticket == ticket)
            assert [(one.connected, one.heard) for one in report.relays] == [(True, 1)]
            ticket = bob.ask(lambda number: WatchNostr(number, on=False))
            assert not (await bob.see(NostrReport, lambda event: event.ticket == ticket)).on

    run(scene())


def test_without_a_relay_it_is_said_how_one_is_named() -> None:
    async def scene() -> None:
        async with person("bob") as bob:
            bob.ask(lambda number: WatchNostr(number, on=True))
            answer = await bob.see(Answer)
            assert answer.failed
            assert "--nostr-relay wss://" in answer.text

    run(scene())


def test_a_flood_is_shown_as_far_as_one_can_read_it_and_counted(
    relay: LocalRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits_nostr, "SHOWN_BURST", 3)
    monkeypatch.setattr(limits_nostr, "SHOWN_PER_SECOND", 0.001)
    monkeypatch.setattr(limits_nostr, "REFUSED_TOLD_EVERY", 0.2)
    relay.publish(*(about_git(str(number), now() - number).json() for number in range(10)))

    async def scene() -> None:
        async with person("bob", nostr_relays=(relay.url,)) as bob:
            bob.ask(lambda number: WatchNostr(number, on=True))
            notice = await bob.see(Notice, lambda event: "relays of Nostr" in event.text)
            assert notice.text == "Refused of what relays of Nostr have sent: 7 too many at once"
            assert len([event for event in bob.events if isinstance(event, NostrHeard)]) == 3

    run(scene())
