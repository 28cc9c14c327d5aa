"""/show in a chat: what is asked, what a script waits for and how it ends, what Tab knows; no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from py_peer.core.events import MessageReceived, PeerConnected
from py_peer.core.exit_codes import ExitCode
from py_peer.core.git_events import CommitNotShown, CommitShown, CommitSource
from py_peer.core.requests import ShowCommit
from py_peer.frontends import piped as piped_chat
from py_peer.frontends.git_commands import COMPLETED
from tests.frontends.fakes import ANN, FakeService, Stage
from tests.frontends.test_exchange import answered, piped
from tests.frontends.test_git_lines import COMMIT
from tests.loops import run

if TYPE_CHECKING:
    from py_peer.core.events import Event


def script(lines: str, *answers: Event) -> tuple[ExitCode, list[str], list[ShowCommit]]:
    return answered(lines, ShowCommit, len(answers), *answers)


def shown(ticket: int) -> CommitShown:
    return CommitShown(ticket, COMMIT, verified=True, source=CommitSource.PEER, peer_id=ANN)


def missed(ticket: int, *, wrong: bool = False) -> CommitNotShown:
    return CommitNotShown(ticket, "3f2a9c1", "nobody has it", wrong_hash=wrong)


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ((shown(1), shown(2)), ExitCode.OK),
        ((shown(1), missed(2)), ExitCode.NOT_FOUND),
        ((missed(1, wrong=True), missed(2)), ExitCode.BAD_SIGNATURE),
    ],
    ids=["both", "one", "a lie"],
)
def test_a_script_waits_for_what_it_shows_and_its_code_says_what_became_of_it(
    answers: tuple[Event, ...], code: ExitCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(piped_chat, "ANSWER_SECONDS", 0.0)
    ended, lines, requests = script(f"/show 3F2A9C1\n/show 3f2a9c1be0 {ANN}\n", *answers)
    assert ended is code
    assert requests == [ShowCommit(1, "3f2a9c1"), ShowCommit(2, "3f2a9c1be0", ANN)]
    count = sum(isinstance(answer, CommitNotShown) for answer in answers)
    assert (f"⚠️  Not shown: {count} commit(s)" in lines) is (count > 0)


def test_a_peer_whom_nobody_knows_is_not_asked_and_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(piped_chat, "ANSWER_SECONDS", 0.0)
    code, lines, requests = script('/show 3f2a9c1 "Zoe of old"\n')
    assert code is ExitCode.NOT_FOUND
    assert not requests
    assert any("is called 'Zoe of old'" in line for line in lines)


@pytest.mark.parametrize(
    "line",
    ["/show", "/show fish", "/show 3f2a9c", f"/show {'0' * 65}"],
    ids=["none", "a word", "too short", "too long"],
)
def test_what_is_no_id_is_told_and_asked_of_nobody(line: str) -> None:
    _, lines, requests = script(f"{line}\n")
    assert any(shown.startswith("/show COMMIT [PEER]: ") for shown in lines)
    assert not requests


def test_a_peer_whose_name_is_no_utf_8_is_not_asked_and_the_commit_counts_as_not_shown() -> None:
    code, lines, requests = script("/show 3f2a9c1 \udcff\n")
    assert not requests
    assert code is ExitCode.NOT_FOUND
    assert "❌ Line 1 was not done: it is not UTF-8" in lines
    assert "⚠️  Not shown: 1 commit(s)" in lines
    assert not any("Not sent" in line for line in lines)


def test_tab_completes_the_commits_that_were_posted_the_latest_first() -> None:
    async def scene() -> None:
        chat = piped(Stage(), FakeService(), "", 0.0)

        def completed(text: str) -> tuple[str, ...]:
            return chat.complete(text, len(text)).candidates

        assert completed("/show ") == ()
        for text in ("commit 3f2a9c1be03f: x", "no commit 0000000be03f: x", "patch 3f2b9c1be03f: y", "commit ab: x"):
            chat.note(MessageReceived(ANN, "Ann", text, 0.0))
        assert completed("/show ") == ("3f2b9c1be03f", "3f2a9c1be03f")
        assert completed("/show 3f2a") == ("3f2a9c1be03f",)
        chat.note(PeerConnected(ANN, "/ip4/127.0.0.1/tcp/4002", inbound=True))
        assert "Ann" in completed("/show 3f2a9c1be03f A")
        for number in range(10 * COMPLETED):
            chat.note(MessageReceived(ANN, "Ann", f"commit {number:012x}: x", 0.0))
        assert len(completed("/show ")) == COMPLETED

    run(scene())
