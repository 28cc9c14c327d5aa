"""Topics in a chat: where what is typed goes, what is shown of what comes, and how a script ends; no network."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dulwich import porcelain

from py_peer.core import limits, limits_git
from py_peer.core.events import (
    MessageReceived,
    MessageRefused,
    MessageSent,
    MessageWaiting,
    PeerInfo,
    PeerJoined,
    StatusReport,
)
from py_peer.core.exit_codes import ExitCode
from py_peer.core.gnostr_events import GnostrHeard
from py_peer.core.requests import JoinTopic, LeaveTopic, SendText
from py_peer.core.topic_events import TopicJoined, TopicLeft, TopicPeerJoined, TopicPeerLeft
from py_peer.core.topics import ROOM_TOPIC, TopicInfo
from py_peer.frontends.answer_lines import peers_lines
from py_peer.frontends.arguments import parse_arguments
from py_peer.frontends.lines import Narrator, event_lines
from py_peer.frontends.oneshot import OneShot
from py_peer.frontends.piped import WINDOW, PlainChat
from py_peer.frontends.printer import headless_lines
from py_peer.frontends.topic_lines import topics_lines
from tests.frontends.fakes import ANN, US, FakeService, Stage
from tests.frontends.test_exchange import piped
from tests.frontends.test_front_end import when
from tests.frontends.test_scripted import chat_over, commands, read, said
from tests.loops import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from py_peer.core.events import Event

COMMIT = "3f786850e387550fdab836ed7e6dc881de23001b"


def sent(service: FakeService) -> list[tuple[str, str]]:
    return [(request.topic, request.text) for request in service.requests if isinstance(request, SendText)]


def talk(lines: str, *topics: str, peers: int = 1) -> tuple[ExitCode, list[str], FakeService]:
    """Let a script write `lines` and end its input, in a session that has joined `topics` at its start."""

    async def scene() -> tuple[ExitCode, list[str], FakeService]:
        stage, service = Stage(), FakeService(peers=peers)
        chat = piped(stage, service, lines, 0.0)
        chat.talk.start(topics)
        return await stage.run(chat), stage.lines, service

    return run(scene())


def joined(*argv: str, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the topics that a program joins which is started so."""
    return parse_arguments(argv, environ or {}).settings.topics


def of_gnostr(kind: str, text: str = "", badge: str = "") -> GnostrHeard:
    return GnostrHeard("news", ANN, "ann", kind, text, 0.0, badge=badge)


# --- What is shown --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "line", "headless"),
    [
        (
            MessageReceived(ANN, "ann", "hi", 0.0, topic="news"),
            "#news [ann(nnAnnAnn)]: hi",
            f"Received message on #news from {ANN}: hi",
        ),
        (
            MessageReceived(ANN, "ann", "hi", 0.0, topic=COMMIT),
            "#3f786850e387…de23001b [ann(nnAnnAnn)]: hi",
            f"Received message on #{COMMIT} from {ANN}: hi",
        ),
        (
            MessageReceived(ANN, "ann", "hi", 0.0),
            "[ann(nnAnnAnn)]: hi",
            f"Received chat message from {ANN}: hi",
        ),
        (MessageSent(1, "hi", 2, 0.0, "news"), "✓ Message sent to 2 peer(s) on #news", ""),
        (MessageSent(1, "hi", 2, 0.0), "✓ Message sent to 2 peer(s)", ""),
        (MessageWaiting(1, 3, "news"), "⚠️  Nobody is on #news - 3 message(s) will be sent when one comes", ""),
        (MessageRefused(1, "hi", "you are not on #news", "news"), "❌ Message not sent: you are not on #news", ""),
        (TopicJoined(1, COMMIT, 2), f"📡 On #{COMMIT}, with 2 peer(s)", f"On #{COMMIT}, with 2 peer(s)"),
        (TopicJoined(1, ROOM_TOPIC, 2), "📡 In the room, with 2 peer(s)", "In the room, with 2 peer(s)"),
        (TopicLeft(1, "news"), "📡 Left #news", "Left #news"),
        (
            TopicLeft(1, "news", 2),
            "📡 Left #news; 2 message(s) there were not sent",
            "Left #news; 2 message(s) there were not sent",
        ),
        (TopicPeerJoined("news", ANN, 1), "📡 Peer joined #news: nnAnnAnn", f"Peer joined #news: {ANN}"),
        (TopicPeerLeft("news", ANN, 0), "📡 Peer left #news: nnAnnAnn", f"Peer left #news: {ANN}"),
        (
            TopicJoined(0, "news", 1, (ANN,), "gnostr"),
            "📡 On #news, with 1 peer(s), in gnostr's own wire",
            "On #news, with 1 peer(s), in gnostr's own wire",
        ),
        (of_gnostr("Join"), "📡 #news ann(nnAnnAnn) joined!", f"Received Join on #news from {ANN}"),
        (of_gnostr("Leave"), "📡 #news ann(nnAnnAnn) left!", f"Received Leave on #news from {ANN}"),
        (
            of_gnostr("System", "disk full\nhelp"),
            "📡 #news ann(nnAnnAnn), message of his system: disk full\n    help",
            f"Received System on #news from {ANN}: disk full\n    help",
        ),
        (
            of_gnostr("GitCommitTime", "1700000000"),
            "📡 #news ann(nnAnnAnn), time of the commit: 2023-11-14 22:13 UTC",
            f"Received GitCommitTime on #news from {ANN}: 1700000000",
        ),
        (
            of_gnostr("GitCommitTime", "9" * 11),
            "📡 #news ann(nnAnnAnn), time of the commit: 99999999999",
            f"Received GitCommitTime on #news from {ANN}: 99999999999",
        ),
        (
            GnostrHeard("news", ANN, "ann", "GitDiff", "+a\n-b", 0.0, plain=True),
            "📡 #news ann says how files differ\n    The patch, which nothing verifies:\n    +a\n    -b",
            f"Received GitDiff on #news from {ANN}: +a\n    -b",
        ),
        (
            of_gnostr("NostrEvent", "hi", badge="verified: signed by npub1x"),
            "📡 #news ann(nnAnnAnn) passes on a Nostr event [verified: signed by npub1x] hi",
            f"Received NostrEvent on #news from {ANN} (verified: signed by npub1x): hi",
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_every_event_shows_where_it_was_and_the_room_is_as_it_was(event: Event, line: str, headless: str) -> None:
    assert "\n".join(event_lines(event)) == line
    assert headless_lines(event) == ([headless] if headless else [])


def test_of_texts_that_wait_the_last_is_told_for_each_topic() -> None:
    waiting = [MessageWaiting(1, 1, "news"), MessageWaiting(2, 2, "news"), MessageWaiting(3, 1)]
    assert Narrator().lines(waiting) == [
        "⚠️  Nobody is on #news - 2 message(s) will be sent when one comes",
        "⚠️  No peers connected - 1 message(s) will be sent when one comes",
    ]


def test_further_lines_of_a_text_cannot_pass_for_another_topic() -> None:
    event = MessageReceived(ANN, "ann", "hi\n#news [bob(bobbobbo)]: never said", 0.0, topic="news")
    assert event_lines(event) == ["#news [ann(nnAnnAnn)]: hi\n    #news [bob(bobbobbo)]: never said"]


def test_the_list_says_who_is_where_what_waits_and_where_one_talks() -> None:
    joined = (TopicInfo(ROOM_TOPIC, (ANN, US), 0), TopicInfo("news", (ANN,), 0), TopicInfo(COMMIT, (), 3))
    report = StatusReport(1, US, "bob", (), (), ("chat", "discovery", "news", COMMIT), 0, (), joined=joined)
    assert topics_lines(report, "news") == [
        "📡 Topics (3):",
        "  - the room (universal-connectivity)  2 peer(s)",
        "  - #news  1 peer(s)  what you type goes here",
        f"  - #{COMMIT}  0 peer(s)  3 message(s) wait",
    ]
    report = replace(report, joined=(TopicInfo("news", (ANN,), 0, "gnostr"),))
    assert topics_lines(report, "news")[1] == "  - #news  1 peer(s)  gnostr's own wire  what you type goes here"


def test_peers_are_shown_with_the_topics_that_they_are_on() -> None:
    ann = PeerInfo(ANN, "ann", "", inbound=False, in_room=False, rtt=None, agent_version="", connected_since=0.0)
    ann.topics = ("news", COMMIT)  # type: ignore[misc]
    (_, line) = peers_lines(StatusReport(1, US, "bob", (), (ann,), (), 0, ()))
    assert line == "  - nnAnnAnn...  ann  #news  #3f786850e387…de23001b  not in the room"


# --- Where what is typed goes ---------------------------------------------------------------------


def test_what_is_typed_goes_to_the_topic_that_was_named_last() -> None:
    code, lines, service = talk("1\n/topic news\n2\n/topic #sport\n3\n/topic news\n4\n/leave\n5\n/leave sport\n6\n")
    assert code is ExitCode.OK
    assert sent(service) == [
        (ROOM_TOPIC, "1"),
        ("news", "2"),
        ("sport", "3"),
        ("news", "4"),
        (ROOM_TOPIC, "5"),
        (ROOM_TOPIC, "6"),
    ]
    wishes = [request for request in service.requests if isinstance(request, JoinTopic | LeaveTopic)]
    assert [(type(wish), wish.topic) for wish in wishes] == [
        (JoinTopic, "news"),
        (JoinTopic, "sport"),
        (JoinTopic, "news"),
        (LeaveTopic, "news"),
        (LeaveTopic, "sport"),
    ]
    assert "✓ Message sent to 1 peer(s) on #sport" in lines


def test_what_is_typed_goes_to_the_last_topic_of_the_start_and_back_to_the_room() -> None:
    code, lines, service = talk("1\n/topic universal-connectivity\n2\n/leave\n", "news", "sport")
    assert code is ExitCode.OK
    assert sent(service) == [("sport", "1"), (ROOM_TOPIC, "2")]
    assert "📡 In the room, with 1 peer(s)" in lines
    assert "❌ The room stays; /quit leaves the program" in lines


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("/topic universal-connectivity-file", "is for programs"),
        ("/topic a\x1bb", "neither control characters"),
        (f"/topic {'x' * 129}", "at most 128 bytes"),
        ("/topic one too many", "no more can be joined; /leave one first"),
    ],
    ids=["kept", "control", "long", "many"],
)
def test_what_a_script_says_for_a_topic_that_was_not_joined_goes_nowhere(line: str, why: str) -> None:
    names = [f"topic {number}" for number in range(limits.MAX_TOPICS)]
    code, lines, service = talk(f"1\n{line}\nnot for the room\n/topic topic 0\n2\n", *names)
    assert code is ExitCode.NOT_SENT
    assert sent(service) == [(names[-1], "1"), (names[0], "2")]
    assert any(why in shown for shown in lines)
    assert "❌ Line 3 was not sent: it is for a topic that was not joined" in lines
    assert lines[-2] == "⚠️  Not sent: 1 message(s)"


# --- HEAD as a topic ------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Stand in a repository; return the ID of its commit."""
    repo = porcelain.init(str(tmp_path))
    commit: bytes = repo.get_worktree().commit(b"first", committer=b"a <a@b>", author=b"a <a@b>")
    repo.close()
    below = tmp_path / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    return commit.decode()


def test_head_is_the_commit_that_is_checked_out_here_and_with_a_sign_a_name_like_others(repository: str) -> None:
    code, _, service = talk("/topic HEAD\n1\n/topic #HEAD\n2\n/leave HEAD\n/leave #HEAD\n3\n")
    assert code is ExitCode.OK
    assert sent(service) == [(repository, "1"), ("HEAD", "2"), (ROOM_TOPIC, "3")]
    code, _, service = talk("/topic HEAD\n1\n/leave HEAD\n2\n")
    assert sent(service) == [(repository, "1"), (ROOM_TOPIC, "2")]
    assert joined("--topic", "#HEAD", "--topic", "HEAD", "--topic", " HEAD ") == ("HEAD", repository)
    assert joined("--topic", "head", "--topic", "##x", "--topic", "#x") == ("head", "#x", "x")
    assert joined("kv", "shell", "--topic", "HEAD") == (repository,)
    assert joined("--topic", "HEAD", "--topic", repository) == (repository,)


def test_outside_a_repository_head_is_refused_and_nothing_goes_to_the_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, lines, service = talk("/topic HEAD\nsecret\n/leave HEAD\n")
    assert code is ExitCode.NOT_SENT
    assert sent(service) == []
    why = f"HEAD is no topic here: {tmp_path} is in no Git repository"
    assert f"❌ Not joined: {why}" in lines
    assert f"❌ {why}" in lines
    for argv in (("--topic", "HEAD"), ("kv", "shell", "--topic", "HEAD")):
        with pytest.raises(SystemExit) as left:
            joined(*argv)
        assert (left.value.code, f"argument --topic: {why}" in capsys.readouterr().err) == (ExitCode.USAGE, True)


@pytest.mark.parametrize(("kept", "shown"), [("HEAD", "HEAD"), (" HEAD ", "HEAD"), ("#HEAD", "#HEAD"), ("##x", "##x")])
def test_head_that_is_kept_stays_head_and_disturbs_nothing_that_joins_no_topic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kept: str, shown: str
) -> None:
    monkeypatch.chdir(tmp_path)  # no repository
    environ = {"PY_PEER_TOPIC": kept}
    for argv in (("nostr", "key", "show"), ("network", "list"), ("kv", "get", "key"), ("git", "publish")):
        assert joined(*argv, environ=environ) == ()
    assert parse_arguments(("doctor",), environ).fault == ""
    with pytest.raises(SystemExit) as left:
        joined("--print-config", environ=environ)
    assert left.value.code == ExitCode.OK
    assert f'topic = ["{shown}"] ' in capsys.readouterr().out


def test_a_topic_that_begins_with_a_blank_behind_its_sign_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        joined("--topic", "# x")
    assert "the name of a topic has neither" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line", ["/topic ", "/topik news", "/topic\t", "/topic \udcff\udcfe"], ids=["blank", "typo", "tab", "bytes"]
)
def test_what_a_script_says_after_a_line_that_may_have_been_for_a_topic_goes_nowhere(line: str) -> None:
    code, lines, service = talk(f"{line}\nsecret\n/topic news\nfor news\n/topic\n")
    assert code is ExitCode.NOT_SENT
    assert sent(service) == [("news", "for news")]
    assert "❌ Line 2 was not sent: it is for a topic that was not joined" in lines


@pytest.mark.parametrize(
    "line",
    [
        {"command": "topic", "name": ""},
        {"command": "topic", "name": "  "},
        {"command": "topik", "name": "news"},
        b'{"command":"topic","name":"news',
        b'{"command":"topic","name":"\xff"}',
    ],
    ids=["empty", "blank", "typo", "broken", "bytes"],
)
def test_what_a_script_with_json_says_after_such_a_line_goes_nowhere(line: dict[str, str] | bytes) -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        data = commands(
            line,
            {"command": "say", "text": "secret", "id": 1},
            {"command": "topic", "id": 2},
            {"command": "say", "text": "secret", "topic": " ", "id": 3},
            {"command": "topic", "name": ROOM_TOPIC},
            {"command": "say", "text": "for all", "id": 4},
        )
        assert await stage.run(chat_over(stage, service, data)) is ExitCode.NOT_SENT
        assert said(stage, "ended")[0]["unsent"] == 2
        assert sent(service) == [(ROOM_TOPIC, "for all")]
        assert [error.get("id") for error in said(stage, "error")] == [None, 1, 3]
        assert [report["id"] for report in said(stage, "status_report")] == [2]

    run(scene())


@pytest.mark.parametrize(
    "lines", ["/topic news\n{}/leave\nfor the room\n", "/topic news\n/topic news\n{}"], ids=["once", "twice"]
)
def test_what_is_said_after_the_service_has_not_joined_a_topic_does_not_go_to_the_room(lines: str) -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        service.full = True
        chat = piped(stage, service, "", 0.0)
        for line in lines.format("secret\n").splitlines():
            assert await chat.obey(line)
            while (event := service.poll_event()) is not None:  # what is said next is said after the answer
                chat.note(event)
        assert [said for said in sent(service) if said[1] == "secret"] == [("news", "secret")]
        assert (ROOM_TOPIC, "for the room") in sent(service) or "/leave" not in lines
        assert chat.talk.topics.joined == []
        assert chat.exit_code() is ExitCode.NOT_SENT

    run(scene())


def test_a_topic_that_is_left_and_joined_again_before_the_first_answer_is_joined() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        chat = piped(stage, service, "", 0.0)
        service.full = True
        await chat.obey("/topic news")
        await chat.obey("/leave news")
        service.full = False
        await chat.obey("/topic news")
        while (event := service.poll_event()) is not None:
            chat.note(event)
        assert (chat.talk.topics.joined, chat.talk.topics.current) == (["news"], "news")

    run(scene())


def test_a_script_whose_texts_were_refused_is_not_told_that_nobody_was_there() -> None:
    code, lines, _ = talk("/topic universal-connectivity-x\nhidden\n", peers=0)
    assert code is ExitCode.NOT_SENT
    assert "⚠️  Not sent: 1 message(s)" in lines


def test_a_script_that_talks_to_nobody_on_a_topic_ends_though_somebody_is_in_the_room() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=0)
        service.emit(PeerJoined(ANN, 1))
        service.answering = False
        chat = piped(stage, service, "text\n" * (WINDOW + 10), 0.0)
        chat.talk.start(["news"])
        code = await stage.run(chat)
        assert code is ExitCode.NOT_SENT
        assert len(sent(service)) == WINDOW
        assert f"⚠️  Not sent: {WINDOW + 10} message(s)" in stage.lines
        assert not [line for line in stage.lines if "Not read" in line]

    run(scene())


def test_what_waits_for_nobody_on_a_topic_does_not_hold_up_the_next_lines_though_the_input_stays_open() -> None:
    async def scene() -> None:
        out, into = os.pipe()
        stage, service = Stage(), FakeService(peers=1)
        service.deserted.add("empty")
        with os.fdopen(out, "rb", buffering=0) as source, os.fdopen(into, "wb", buffering=0) as input_:
            chat = PlainChat(service, stage.screen, stage.watchdog, source, patience=0.0)
            running = asyncio.create_task(stage.run(chat))
            input_.write(b"/topic empty\n" + b"text\n" * (WINDOW + 4) + b"/topic universal-connectivity\nfor all\n")
            await when(lambda: (ROOM_TOPIC, "for all") in sent(service))
            assert len(sent(service)) == WINDOW + 1
            (refused,) = [line for line in stage.lines if "was not sent" in line]
            assert refused.startswith(
                f"❌ Line {WINDOW + 2} was not sent: nobody is on #empty, and {WINDOW} messages wait"
            )
            service.deserted.clear()
            service.emit(TopicPeerJoined("empty", ANN, 1))
            service.answer(WINDOW)
            input_.write(b"/topic empty\nwelcome\n")
            await when(lambda: ("empty", "welcome") in sent(service))
            input_.close()
            assert await running is ExitCode.NOT_SENT
            assert stage.lines[-2] == "⚠️  Not sent: 4 message(s)"

    run(scene())


def test_who_is_on_a_topic_alone_has_been_reached() -> None:
    async def scene() -> ExitCode:
        stage, service = Stage(), FakeService(peers=0)
        service.emit(TopicJoined(0, "news", 0), TopicPeerJoined("news", ANN, 1))
        service.answering = False
        chat = piped(stage, service, "text\n", 0.0)
        chat.talk.start(["news"])
        return await stage.run(chat)

    assert run(scene()) is ExitCode.NOT_SENT  # and not that nobody was there


def test_one_text_goes_to_the_topic_of_the_start() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        one = OneShot(service, stage.screen, stage.watchdog, "hello", timeout=1.0)
        one.topic = "news"
        assert await stage.run(one) is ExitCode.OK
        assert sent(service) == [("news", "hello")]

    run(scene())


def test_one_text_for_a_topic_where_nobody_was_says_so() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        service.deserted.add("lonely")
        one = OneShot(service, stage.screen, stage.watchdog, "hello", timeout=0.01)
        one.topic = "lonely"
        assert await stage.run(one) is ExitCode.NOT_SENT
        assert "⚠️  Not sent: 1 message(s) - nobody was on #lonely" in stage.lines

    run(scene())


def test_on_a_narrow_terminal_a_refusal_is_broken_between_words() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        stage.screen.columns = lambda: 40  # type: ignore[method-assign]
        chat = piped(stage, service, "", 0.0)
        chat.talk.start(map(str, range(limits.MAX_TOPICS)))
        await chat.obey("/topic ninth")
        assert stage.lines[0] == "❌ Not joined: you are on 8 topics"
        assert max(map(len, stage.lines)) <= 40

    run(scene())


def test_tab_completes_the_topics_that_are_joined() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        chat = piped(stage, service, "", 0.0)
        chat.talk.start(["news", "art of code"])

        def completed(text: str) -> list[str]:
            found = chat.complete(text, len(text))
            return [text[: found.start] + candidate for candidate in found.candidates]

        assert completed("/topic n") == ["/topic news"]
        assert completed("/topic #art o") == ["/topic #art of code"]
        assert completed("/topic u") == ["/topic universal-connectivity"]
        assert completed("/leave ") == ["/leave news", "/leave art of code"]
        assert completed("/nick n") == []

    run(scene())


def test_who_is_where_is_known_again_when_events_were_lost() -> None:
    async def scene() -> None:
        stage = Stage()
        chat = piped(stage, FakeService(), "", 0.0)
        joined = (TopicInfo(ROOM_TOPIC, (ANN,), 0), TopicInfo("news", (ANN, US), 0))
        chat.note(StatusReport(1, US, "bob", (), (), (), 0, (), joined=joined))
        assert (chat.size_of("news"), chat.size_of("sport")) == (2, 0)

    run(scene())


# --- Scripts with --json --------------------------------------------------------------------------


def test_a_script_joins_talks_and_leaves() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        data = commands(
            {"command": "topic", "name": "#news", "id": 1},
            {"command": "say", "text": "a", "id": 2},
            {"command": "say", "text": "b", "topic": ROOM_TOPIC, "id": 3},
            {"command": "topic", "id": 4},
            {"command": "leave", "id": 5},
            {"command": "leave", "id": 6},
            {"command": "say", "text": "c", "id": 7},
        )
        assert await stage.run(chat_over(stage, service, data)) is ExitCode.OK
        assert sent(service) == [("news", "a"), (ROOM_TOPIC, "b"), (ROOM_TOPIC, "c")]
        answers = {event["id"]: event for event in read(stage) if "id" in event}
        assert [answers[number]["event"] for number in range(1, 8)] == [
            "topic_joined",
            "message_sent",
            "message_sent",
            "status_report",
            "topic_left",
            "answer",
            "message_sent",
        ]
        assert answers[2]["topic"] == "news"
        assert (answers[6]["failed"], answers[6]["text"]) == (True, "The room stays; /quit leaves the program")

    run(scene())


def test_what_a_script_says_after_a_topic_that_was_not_joined_is_refused_unless_it_says_where() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        chat = chat_over(
            stage,
            service,
            commands(
                {"command": "topic", "name": "one too many", "id": 1},
                {"command": "say", "text": "a", "id": 2},
                {"command": "say", "text": "b", "topic": "0", "id": 3},
                {"command": "topic", "name": "1", "id": 4},
                {"command": "say", "text": "c", "id": 5},
                {"command": "topic", "name": "a\x1bb", "id": 6},
                {"command": "say", "text": "d", "id": 7},
            ),
        )
        chat.talk.start(map(str, range(limits.MAX_TOPICS)))
        assert await stage.run(chat) is ExitCode.NOT_SENT
        assert said(stage, "ended")[0]["unsent"] == 2
        assert sent(service) == [("0", "b"), ("1", "c")]
        (answer,), (error, *more) = said(stage, "answer"), said(stage, "error")
        assert (answer["id"], answer["failed"]) == (1, True)
        assert (error["id"], error["line"], error["reason"]) == (2, 2, "it is for a topic that was not joined")
        assert [error["id"] for error in more] == [6, 7]

    run(scene())


def test_a_patch_on_a_topic_of_gnostrs_has_colours_where_a_terminal_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    event = of_gnostr("GitDiff", "diff --git a/x b/x\n@@ -1 +1 @@\n-old\n+new" + "\n" * 10_000)
    monkeypatch.setattr("py_peer.frontends.git_lines.has_colours", lambda: True)
    lines = event_lines(event, 80)
    assert lines[2:6] == [
        "\x1b[1m    diff --git a/x b/x\x1b[0m",
        "\x1b[36m    @@ -1 +1 @@\x1b[0m",
        "\x1b[31m    -old\x1b[0m",
        "\x1b[32m    +new\x1b[0m",
    ]
    assert len(lines) <= limits_git.SHOWN_PATCH_LINES + 4  # the last one is broken
    monkeypatch.setattr("py_peer.frontends.git_lines.has_colours", lambda: False)
    assert event_lines(event, 80)[4] == "    -old"
