"""Commits that are posted, on the full screen: the user's own, and those of others, which a click opens."""

from __future__ import annotations

from py_peer.core.events import MessageReceived, MessageSent
from py_peer.core.git_events import CommitPosted
from py_peer.core.requests import PostCommit
from py_peer.core.topics import ROOM_TOPIC
from tests.frontends.fakes import ANN
from tests.loops import run
from tests.ui.support import screen
from tests.ui.test_transfers import click, room

SHORT = "06385e6c1247"
LINE = f"commit {SHORT}: The first — Ada, 1 file, +1 -0"


def test_a_click_at_a_commit_asks_to_show_it() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(MessageReceived(ANN, "Ann", LINE, 0.0, plain=True))
            await shown.tell(MessageReceived(ANN, "Ann", "commit to it", 0.0, plain=True))
            await click(shown, "commit to it")
            assert shown.ui.composer.text == ""
            await click(shown, SHORT)
            assert shown.ui.composer.text == f"/show {SHORT}"

    run(scene())


def test_what_the_user_posts_is_a_message_of_his_own() -> None:
    async def scene() -> None:
        async with screen(size=(140, 30)) as shown:
            await shown.type("/commit")
            (asked,) = [request for request in shown.service.requests if isinstance(request, PostCommit)]
            await shown.tell(CommitPosted(asked.ticket, ROOM_TOPIC, LINE, SHORT, "", 0))
            await shown.tell(MessageSent(asked.ticket, LINE, 1, 0.0))
            assert [line for line in room(shown) if SHORT in line] == [LINE]
            assert f"bob (You): {LINE} ✓1" in shown.text()
            assert shown.text().count(SHORT) == 1

    run(scene())


def test_to_one_peer_alone_no_commit_is_posted() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.type(f"/msg {ANN} hello")
            await shown.type("/commit")
            assert not any(isinstance(request, PostCommit) for request in shown.service.requests)
            assert "Not posted: commits are for the room or a topic; go there first" in shown.text()

    run(scene())
