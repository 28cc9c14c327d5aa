"""The room runs on doubles of a host and a pubsub, under asyncio, as the lesson's tests do."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import AsyncMock, Mock

import base58
import pytest

from py_peer import chatroom
from py_peer.chatroom import CHAT_ROOM_BUF_SIZE, CHAT_TOPIC, PUBSUB_DISCOVERY_TOPIC, ChatMessage, ChatRoom
from tests.loops import run

if TYPE_CHECKING:
    from pathlib import Path

ALICE = base58.b58decode("12D3KooWH3uVF6wv47WnArKHk5p6cvgCJEb74UTmxztmQDc298L3")


def make_room(peers: tuple[str, ...] = (), multiaddr: str | None = None) -> ChatRoom:
    host = Mock()
    host.get_id.return_value = "QmOurselves"
    pubsub = AsyncMock()
    pubsub.peers = dict.fromkeys(peers, object())
    return ChatRoom(host, pubsub, "bob", multiaddr)


def said(data: bytes, author: bytes = ALICE) -> Any:
    return SimpleNamespace(from_id=author, data=data)


async def hear(room: ChatRoom, *messages: Any) -> None:
    """Let the room read `messages` and then the end of its subscription."""
    room.chat_subscription = AsyncMock()
    room.chat_subscription.get.side_effect = [*messages, RuntimeError("the end")]
    room.discovery_subscription = AsyncMock()
    room.discovery_subscription.get.side_effect = RuntimeError("the end")
    await asyncio.wait_for(room.start_message_handlers(), 5)


def test_the_names_of_the_lesson_hold() -> None:
    assert CHAT_TOPIC == "universal-connectivity"
    assert PUBSUB_DISCOVERY_TOPIC == "universal-connectivity-browser-peer-discovery"
    assert CHAT_ROOM_BUF_SIZE == 128


def test_a_chat_message_survives_json_with_exactly_its_four_fields() -> None:
    message = ChatMessage("hi", "QmA", "al")
    assert json.loads(message.to_json()).keys() == {"message", "sender_id", "sender_nick", "timestamp"}
    assert ChatMessage.from_json(message.to_json()) == message


def test_a_timestamp_is_kept_and_defaults_to_now() -> None:
    assert ChatMessage("hi", "QmA", "al", 1.5).timestamp == 1.5
    assert (ChatMessage("hi", "QmA", "al").timestamp or 0) > 1.6e9


@pytest.mark.parametrize("text", ["", "not json", "{"])
def test_bad_json_raises_its_own_error(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        ChatMessage.from_json(text)


@pytest.mark.parametrize("text", ["{}", "[]", '{"message": "hi", "sender_id": "a", "sender_nick": "b"}'])
def test_a_missing_field_raises_key_error(text: str) -> None:
    with pytest.raises(KeyError):
        ChatMessage.from_json(text)


def test_joining_subscribes_to_both_topics() -> None:
    async def scene() -> None:
        double = make_room()
        room = await ChatRoom.join_chat_room(double.host, double.pubsub, "bob")
        assert [call.args for call in double.pubsub.subscribe.await_args_list] == [
            (CHAT_TOPIC,),
            (PUBSUB_DISCOVERY_TOPIC,),
        ]
        assert room.peer_id == "QmOurselves"
        assert room.multiaddr == "unknown/QmOurselves"
        assert not room.running

    run(scene())


def test_a_failed_subscription_is_logged_and_raised(log_file: Path) -> None:
    async def scene() -> None:
        room = make_room()
        room.pubsub.subscribe.side_effect = ValueError("no\ntopic")
        with pytest.raises(ValueError, match="topic"):
            await ChatRoom.join_chat_room(room.host, room.pubsub, "bob")

    run(scene())
    assert log_file.read_text().splitlines()[-1].endswith("] ERROR: Failed to subscribe to topics: no topic")


def test_the_text_itself_is_published() -> None:
    room = make_room(("QmA", "QmB"))
    run(room.publish_message("grüß dich"))
    room.pubsub.publish.assert_awaited_once_with(CHAT_TOPIC, "grüß dich".encode())


def test_without_handlers_the_outcome_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    run(make_room(("QmA", "QmB")).publish_message("hi"))
    run(make_room().publish_message("hi"))
    assert capsys.readouterr().out.splitlines() == [
        "✓ Message sent to 2 peer(s)",
        "⚠️  No peers connected - message sent to topic but no one will receive it",
    ]


def test_with_a_handler_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    room = make_room(("QmA",))
    room.add_message_handler(AsyncMock())
    run(room.publish_message("hi"))
    run(hear(room, said(b"yo")))
    assert capsys.readouterr().out == ""


def test_a_failed_publication_is_logged_and_shown(log_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    room = make_room()
    room.pubsub.publish.side_effect = ValueError("too\x1b[2Jlate")
    assert run(room.publish_message("hi")) is False
    assert capsys.readouterr().out == "❌ Error sending message: toolate\n"
    assert log_file.read_text().endswith("] ERROR: Failed to publish message: toolate\n")


def test_messages_reach_every_handler_although_one_raises(caplog: pytest.LogCaptureFixture) -> None:
    async def bad(message: ChatMessage) -> None:
        raise ValueError(message.message)

    heard: list[ChatMessage] = []

    async def good(message: ChatMessage) -> None:
        heard.append(message)

    room = make_room()
    room.add_message_handler(bad)
    room.add_message_handler(good)
    with caplog.at_level(logging.ERROR):
        run(hear(room, said(b"one"), said(b"two")))
    assert [message.message for message in heard] == ["one", "two"]
    assert heard[0].sender_id == base58.b58encode(ALICE).decode()
    assert heard[0].sender_nick == heard[0].sender_id[-8:]
    assert "a message handler has failed" in caplog.text


def test_the_signed_author_counts_not_the_payload() -> None:
    heard: list[ChatMessage] = []
    room = make_room()

    async def note(message: ChatMessage) -> None:
        heard.append(message)

    room.add_message_handler(note)
    run(hear(room, said(ChatMessage("hi", "QmForged", "root").to_json().encode())))
    signed = base58.b58encode(ALICE).decode()
    assert [(message.message, message.sender_id, message.sender_nick) for message in heard] == [
        ("hi", signed, signed[-8:])
    ]


def test_own_messages_are_skipped() -> None:
    handler = AsyncMock()
    room = make_room()
    room.peer_id = base58.b58encode(ALICE).decode()
    room.add_message_handler(handler)
    run(hear(room, said(b"mine")))
    handler.assert_not_awaited()


def test_without_handlers_a_message_is_printed_cleaned_and_indented(capsys: pytest.CaptureFixture[str]) -> None:
    run(hear(make_room(), said(b"one\x1b]0;title\x07\n[System]: two")))
    nick = base58.b58encode(ALICE).decode()[-8:]
    assert capsys.readouterr().out == f"[{nick}]: one\n    [System]: two\n"


def test_peers_are_counted_as_the_pubsub_knows_them() -> None:
    room = make_room(("QmA", "QmB"))
    assert room.get_connected_peers() == {"QmA", "QmB"}
    assert room.get_peer_count() == 2


async def start_and_stop(room: ChatRoom) -> None:
    """Let the room read, then stop it and see the reading end."""
    reading = asyncio.create_task(room.start_message_handlers())
    while not room.running:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0)
    await room.stop()
    await asyncio.wait_for(reading, 5)


def test_stop_ends_the_reading_although_nothing_comes() -> None:
    async def scene() -> None:
        room = make_room()
        room.chat_subscription, room.discovery_subscription = AsyncMock(), AsyncMock()
        room.chat_subscription.get.side_effect = room.discovery_subscription.get.side_effect = asyncio.Event().wait
        await start_and_stop(room)

    run(scene())


def test_a_subscription_that_always_has_something_leaves_others_their_turn() -> None:
    async def scene() -> None:
        room = make_room()
        room.add_message_handler(AsyncMock())
        room.chat_subscription, room.discovery_subscription = AsyncMock(), AsyncMock()
        room.chat_subscription.get.return_value = said(b"again")
        await start_and_stop(room)

    run(scene())


def test_a_message_that_cannot_be_read_does_not_end_the_reading() -> None:
    handler = AsyncMock()
    room = make_room()
    room.add_message_handler(handler)
    run(hear(room, said(b"one", author=None), said(b"two", author="QmSomebody")))  # type: ignore[arg-type]
    assert [call.args[0].message for call in handler.await_args_list] == ["two"]


def test_stop_leaves_both_topics() -> None:
    room = make_room()
    room.running = True
    room.chat_subscription, room.discovery_subscription = AsyncMock(), AsyncMock()
    run(room.stop())
    assert not room.running
    room.chat_subscription.unsubscribe.assert_awaited_once()
    room.discovery_subscription.unsubscribe.assert_awaited_once()


def test_an_unwritable_log_file_is_one_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "system_messages.txt").mkdir()
    for number in range(3):
        chatroom._log_system_message(f"line {number}")
    assert capsys.readouterr().err.count("system_messages.txt cannot be written") == 1


@pytest.mark.skipif(os.name == "nt", reason="a folder that somebody is in stays there")
def test_so_it_is_in_a_folder_that_has_been_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    monkeypatch.setattr(chatroom.system_logger, "handlers", [chatroom.SystemLogHandler()])
    chatroom._log_system_message("a line")
    assert capsys.readouterr().err.count("system_messages.txt cannot be written") == 1


def test_nothing_is_written_before_the_first_line(log_file: Path) -> None:
    make_room()
    assert not log_file.exists()


def test_a_line_of_the_log_cannot_be_forged(log_file: Path) -> None:
    chatroom._log_system_message("Joined chat room as 'a\n[00:00:00] Connected to peer: x\x1b[2J'")
    assert len(log_file.read_text().splitlines()) == 1
    assert "\x1b" not in log_file.read_text()
