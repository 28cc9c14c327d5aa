"""/commit and /diff through pipes and as objects: what is asked, what is waited for, and how it ends; no network."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from py_peer.core import limits_git
from py_peer.core.conversations import Conversations
from py_peer.core.entries import Delivery
from py_peer.core.events import Answer, MessageRefused, MessageSent, MessageWaiting
from py_peer.core.exit_codes import ExitCode
from py_peer.core.git_events import CommitPosted
from py_peer.core.journal import Journal
from py_peer.core.requests import PostCommit
from py_peer.core.topics import ROOM_TOPIC
from py_peer.frontends import piped as piped_chat
from tests.frontends.fakes import FakeService, Stage
from tests.frontends.test_exchange import answered, nothing, talk
from tests.frontends.test_front_end import when
from tests.frontends.test_scripted import chat_over as json_chat
from tests.frontends.test_scripted import commands, read
from tests.loops import run

if TYPE_CHECKING:
    from py_peer.core.events import Event

TEXT = "commit 06385e6c1247: The first — Ada, 1 file, +1 -0"
ID = "06385e6c1247" + "0" * 28


def posted(ticket: int, topic: str = ROOM_TOPIC) -> CommitPosted:
    return CommitPosted(ticket, topic, TEXT, ID, "", 0)


def sent(ticket: int) -> MessageSent:
    return MessageSent(ticket, TEXT, 1, 0.0)


def script(lines: str, *answers: Event) -> tuple[ExitCode, list[str], list[PostCommit]]:
    return answered(lines, PostCommit, lines.count("/commit") + lines.count("/diff"), *answers)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(piped_chat, "ANSWER_SECONDS", 0.0)


def test_a_script_waits_until_its_commits_are_said() -> None:
    code, lines, asked = script("/commit\n/diff v1.0~2\n", posted(1), sent(1), posted(2), sent(2))
    here = str(Path.cwd())
    assert asked == [PostCommit(1, here), PostCommit(2, here, "v1.0~2", patch=True)]
    assert code is ExitCode.OK
    assert [line for line in lines if "🔖" in line or "✓" in line] == [
        f"🔖 {TEXT}",
        "✓ Message sent to 1 peer(s)",
        f"🔖 {TEXT}",
        "✓ Message sent to 1 peer(s)",
    ]


@pytest.mark.parametrize(
    "answers",
    [
        (Answer(1, "Not posted: /tmp is in no Git repository", failed=True),),
        (posted(1), MessageRefused(1, TEXT, "you are not on it")),
    ],
    ids=["not read", "not sent"],
)
def test_a_commit_that_is_not_said_has_its_exit_code(answers: tuple[Event, ...]) -> None:
    code, lines, _ = script("/commit\n", *answers)
    assert code is ExitCode.NOT_SENT
    assert "⚠️  Not sent: 1 message(s)" in lines
    assert any(line.startswith("❌") for line in lines)


def test_that_nobody_is_there_is_not_the_reason_where_the_commit_cannot_be_read() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        running = asyncio.create_task(stage.run(json_chat(stage, service, commands({"command": "commit"}))))
        await when(lambda: any(isinstance(request, PostCommit) for request in service.requests))
        service.emit(Answer(1, "Not posted: the repository has no commit yet", failed=True))
        assert await running is ExitCode.NOT_SENT

    run(scene())


def test_a_commit_that_waits_for_somebody_and_is_never_said_is_told_as_a_text_is() -> None:
    code, lines, _ = script("/commit\n", posted(1), MessageWaiting(1, 1))
    assert code is ExitCode.NOT_SENT
    assert "⚠️  Not sent: 1 message(s)" in lines


def test_where_the_user_talks_it_is_said_and_nowhere_else() -> None:
    code, _, asked = script("/topic rust\n/commit\n", posted(2, "rust"), MessageSent(2, TEXT, 1, 0.0, "rust"))
    assert (code, asked[0].topic) == (ExitCode.OK, "rust")


def test_for_a_topic_that_was_not_joined_it_is_said_nowhere() -> None:
    code, lines, requests = talk("/topic \n/commit\n", nothing)
    assert not any(isinstance(request, PostCommit) for request in requests)
    assert code is ExitCode.NOT_SENT
    assert "❌ Not posted: it is for a topic that was not joined" in lines


def test_a_revision_that_is_no_utf_8_is_refused() -> None:
    code, lines, requests = talk("/commit \udcff\n", nothing)
    assert not any(isinstance(request, PostCommit) for request in requests)
    assert code is ExitCode.NOT_SENT
    assert "❌ Line 1 was not done: it is not UTF-8" in lines


def test_no_more_is_asked_for_than_the_service_takes() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        lines = [{"command": "commit"}] * (limits_git.POSTS_WAITING + 10)
        running = asyncio.create_task(stage.run(json_chat(stage, service, commands(*lines))))
        await when(lambda: len([one for one in service.requests if isinstance(one, PostCommit)]) >= 64)
        for _ in range(50):
            await asyncio.sleep(0)
        first = [one.ticket for one in service.requests if isinstance(one, PostCommit)]
        assert len(first) == limits_git.POSTS_WAITING
        service.emit(*(event for ticket in first for event in (posted(ticket), sent(ticket))))
        await when(lambda: len([one for one in service.requests if isinstance(one, PostCommit)]) == len(lines))
        rest = [one.ticket for one in service.requests if isinstance(one, PostCommit)][len(first) :]
        service.emit(*(event for ticket in rest for event in (posted(ticket), sent(ticket))))
        assert await running is ExitCode.OK

    run(scene())


def test_a_scripts_object_is_answered_under_its_id() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        data = commands({"command": "diff", "rev": "HEAD~1", "id": "a"})
        running = asyncio.create_task(stage.run(json_chat(stage, service, data)))
        await when(lambda: any(isinstance(request, PostCommit) for request in service.requests))
        service.emit(posted(1), sent(1))
        assert await running is ExitCode.OK
        answers = [event for event in read(stage) if event.get("id") == "a"]
        assert [event["event"] for event in answers] == ["commit_posted", "message_sent"]
        assert (answers[0]["commit_id"], answers[0]["text"]) == (ID, TEXT)

    run(scene())


def test_on_the_screen_it_is_a_text_of_the_users_own_where_it_is_said() -> None:
    room, elsewhere = Journal("bob", topic=ROOM_TOPIC), Journal("bob", topic="rust")
    [entry] = room.tell(posted(1), 0.0)[-1:]
    assert (entry.text, entry.delivery) == (TEXT, Delivery.WAITING)
    assert elsewhere.tell(posted(1), 0.0) == []
    assert room.tell(sent(1), 0.0)[0].delivery is Delivery.SENT
    conversations = Conversations("bob")
    conversations.join("rust", 0.0)
    assert [key for key, _ in conversations.tell(posted(2, "rust"), 0.0)] == ["#rust"]
