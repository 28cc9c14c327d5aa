"""The chat through pipes: every line goes out or is counted, and the end of the input is an end; without a network."""

from __future__ import annotations

import asyncio
import io
import os
import time
from typing import TYPE_CHECKING

import pytest

from py_peer.core import limits
from py_peer.core.commands import COMMANDS
from py_peer.core.events import (
    Answer,
    Dropped,
    Failed,
    FailureKind,
    MessageReceived,
    MessageRefused,
    MessageSent,
    PeerInfo,
    PeerJoined,
    PeerLeft,
    StatusReport,
    Stopped,
)
from py_peer.core.exit_codes import ExitCode
from py_peer.core.requests import RequestStatus, SetNickname, UnshareFile
from py_peer.frontends.piped import WINDOW, PlainChat
from tests.frontends.fakes import ADDRESS, ANN, READY, US, FakeService, Stage
from tests.frontends.test_front_end import when
from tests.loops import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from py_peer.core.events import Event

BANNER = 7
"""Lines of the banner, the joining included."""


class Typed(io.BytesIO):
    """An input that ends."""

    def fileno(self) -> int:
        raise OSError("no file")


def chat_over(stage: Stage, service: FakeService, data: bytes, *, named: bool = False) -> PlainChat:
    patience = limits.NAMED_PEER_WAIT if named else 0.0
    return PlainChat(service, stage.screen, stage.watchdog, Typed(data), patience=patience)


@pytest.fixture
def pipe() -> Iterator[tuple[io.FileIO, io.FileIO]]:
    out, into = os.pipe()
    with io.FileIO(out, "rb") as reading, io.FileIO(into, "wb") as writing:
        yield reading, writing


def test_each_line_is_a_message_and_the_end_leaves_when_all_are_sent() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        chat = chat_over(stage, service, b"hello\r\n\n  indented\n//slash\nlast")
        assert await stage.run(chat) is ExitCode.OK
        assert service.texts == ["hello", "  indented", "/slash", "last"]
        assert service.stop is not None
        assert stage.lines[BANNER + 1 :] == [*["✓ Message sent to 1 peer(s)"] * 4, "Goodbye!"]

    run(scene())


def test_with_nobody_there_it_says_so_and_leaves_with_its_own_code() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        assert await stage.run(chat_over(stage, service, b"one\ntwo\n")) is ExitCode.NOBODY_REACHED
        assert stage.lines[-3:] == [
            "⚠️  No peers connected - 2 message(s) will be sent when one comes",
            "⚠️  Not sent: 2 message(s) - nobody was there",
            "Goodbye!",
        ]

    run(scene())


def test_the_service_gets_the_time_in_which_a_named_peer_may_come() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        await stage.run(chat_over(stage, service, b"one\n", named=True))
        assert service.stop is not None
        assert service.stop.drain == limits.NAMED_PEER_WAIT

    run(scene())


def test_an_empty_input_leaves_in_order() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        assert await stage.run(chat_over(stage, service, b"")) is ExitCode.OK
        assert service.stop is not None
        assert service.stop.drain == 0.0
        assert len(stage.lines) == BANNER + 1

    run(scene())


def test_somebody_left_before_all_was_sent_is_another_code() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1, answering=False)
        service.stopping = False
        running = asyncio.create_task(stage.run(chat_over(stage, service, b"one\ntwo\n")))
        await when(lambda: service.stop is not None)
        service.answer(1)
        service.emit(PeerLeft(ANN, 0), Stopped(1, reached=True))
        assert await running is ExitCode.NOT_SENT
        assert stage.lines[-2:] == ["⚠️  Not sent: 1 message(s)", "Goodbye!"]

    run(scene())


def test_of_a_failure_it_is_not_said_that_nobody_was_there() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(starting=False)
        running = asyncio.create_task(stage.run(chat_over(stage, service, b"one\n")))
        await when(lambda: bool(service.texts))
        service.emit(Failed(FailureKind.BAD_IDENTITY, "no key"), Stopped(1, reached=False))
        assert await running is ExitCode.USAGE
        assert stage.lines[-1] == "⚠️  Not sent: 1 message(s)"

    run(scene())


def test_a_hurried_leave_while_the_last_texts_go_out_counts_what_did_not() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1, answering=False)
        service.stopping = False
        chat = chat_over(stage, service, b"one\ntwo\n")
        running = asyncio.create_task(stage.run(chat))
        await when(lambda: service.stop is not None)
        chat.leave()
        assert await running is ExitCode.NOT_SENT
        assert stage.lines[-2:] == ["⚠️  Not sent: 2 message(s)", "Goodbye!"]

    run(scene())


def test_a_line_over_the_limit_is_refused_with_its_number_and_counts_as_not_sent() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        lines = [b"x" * 60_000, b"x" * 60_001, "é".encode() * 30_001, b"y" * 5_000_000, b"/" + b"/" * 60_000, b"ok"]
        assert await stage.run(chat_over(stage, service, b"\n".join(lines))) is ExitCode.NOT_SENT
        assert [len(text) for text in service.texts] == [60_000, 60_000, 2]
        refused = [line for line in stage.lines if line.startswith("❌")]
        assert refused == [
            "❌ Line 2 was not sent: it has 60,001 bytes, and a message may have 60,000",
            "❌ Line 3 was not sent: it has 60,002 bytes, and a message may have 60,000",
            "❌ Line 4 was not sent: it has 5,000,000 bytes, and a message may have 60,000",
        ]
        assert stage.lines[-2] == "⚠️  Not sent: 3 message(s)"

    run(scene())


def test_a_text_that_the_service_refuses_counts_as_not_sent() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1, answering=False)
        service.emit(MessageRefused(1, "one", "the outbox is full"))
        assert await stage.run(chat_over(stage, service, b"one\n")) is ExitCode.NOT_SENT
        assert "❌ Message not sent: the outbox is full" in stage.lines

    run(scene())


def test_input_that_is_not_utf8_is_sent_as_far_as_it_can_be_read() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        assert await stage.run(chat_over(stage, service, b"caf\xe9\n\xed\xa0\x80\n")) is ExitCode.OK
        assert service.texts == ["caf\ufffd", "\ufffd\ufffd\ufffd"]

    run(scene())


def test_commands_are_answered_before_it_leaves_and_never_sent() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        chat = chat_over(stage, service, b"/PEERS\n/status\n/multiaddr\n/help\n/per\x1b[2Jes\n")
        assert await stage.run(chat) is ExitCode.OK
        assert service.texts == []
        shown = stage.lines[BANNER:]
        assert "Unknown command: /peres (did you mean /peers?)" in shown
        assert "📡 No peers connected" in shown
        assert "📊 Status:" in shown
        assert "📋 Copy this multiaddress:" in shown
        assert any(line.startswith("/multiaddr ") for line in shown)

    run(scene())


def test_a_request_is_answered_before_it_leaves() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        chat = chat_over(stage, service, b"/peers\n")
        chat.handlers["peers"] = lambda _: chat.ask(SetNickname(service.new_ticket(), "Bob"))
        running = asyncio.create_task(stage.run(chat))
        await when(lambda: len(service.requests) == 1)
        for _ in range(100):
            await asyncio.sleep(0)
        assert not chat.is_leaving
        service.emit(Answer(service.requests[0].ticket, "You are called Bob"))
        assert await running is ExitCode.OK
        assert stage.lines[-2:] == ["📡 You are called Bob", "Goodbye!"]

    run(scene())


async def shown_after(line: str, *events: Event) -> list[str]:
    """Return what the chat shows when `line` is typed after `events`, without what it shows for them."""
    stage, service = Stage(), FakeService(peers=1, answering=False)
    chat = chat_over(stage, service, b"")
    batch = [READY, *events]
    for event in batch:
        chat.note(event)
    await chat.show(batch)
    before = len(stage.lines)
    assert await chat.obey(line)
    reports = [StatusReport(request.ticket, US, "bob", (ADDRESS,), (), (), 0, ()) for request in service.requests]
    for report in reports:
        chat.note(report)
    await chat.show(reports)
    assert service.texts == []
    return stage.lines[before:]


def test_the_last_messages_are_shown_again_with_their_time() -> None:
    said = [MessageReceived(ANN, "Ann", f"text {number}\nand more", 43_200.0) for number in range(30)]
    clock = time.strftime("[%H:%M:%S]", time.localtime(43_200.0))
    for line, first in (("/last", 10), ("/last 2", 28), ("/LAST 1000", 0)):
        shown = run(shown_after(line, *said))
        assert shown[:2] == [f"{clock} [Ann({ANN[-8:]})]: text {first}", "    and more"]
        assert len(shown) == 2 * (30 - first)
    assert run(shown_after("/last", PeerJoined(ANN, 1))) == ["📡 No messages yet"]


def test_messages_are_found_again() -> None:
    said = [MessageReceived(ANN, "Ann", text, 0.0) for text in ("Straße", "nothing", "STRASSE 5")]
    shown = run(shown_after("/find straße", *said))
    assert [line.partition(": ")[2] for line in shown] == ["Straße", "STRASSE 5"]
    assert run(shown_after("/find no\x1b[2Jbody", *said)) == ["📡 No message holds 'nobody'"]


def test_a_peer_is_told_of() -> None:
    heard = MessageReceived(ANN, "Ann", "hi", 0.0)
    shown = run(shown_after("/whois ann", heard))
    assert shown[:2] == ["📡 Ann", f"  - Peer ID: {ANN}"]
    assert run(shown_after("/whois carl", heard))[0].startswith("📡 Nobody who is here or has spoken is called 'carl'")


def test_an_invitation_is_a_command_to_paste_and_a_code() -> None:
    shown = run(shown_after("/invite"))
    assert shown[:2] == ["📋 Others join with:", f"py-peer -c {ADDRESS}"]
    assert len(shown) > 20


def test_nothing_is_cleared_in_a_pipe_and_what_is_for_the_full_screen_says_so() -> None:
    assert run(shown_after("/clear")) == []
    assert run(shown_after("/bell off")) == ["/bell is for the full screen: py-peer --ui"]
    assert run(shown_after("/bell")) == ["/bell on|off: say which"]


def test_every_command_of_the_table_is_done_here_or_in_the_full_screen() -> None:
    async def scene() -> None:
        chat = chat_over(Stage(), FakeService(), b"")
        assert {*chat.handlers, "quit"} == {entry.name for entry in COMMANDS if not entry.full_screen}

    run(scene())


def test_what_the_user_said_is_remembered_with_what_became_of_it() -> None:
    async def scene() -> None:
        stage = Stage()
        chat = chat_over(stage, FakeService(answering=False), b"")
        for text in ("one", "two", "three"):
            await chat.say(text)
        await chat.show([READY, MessageSent(1, "one", 1, 0.0), MessageRefused(2, "two", "no")])
        await chat.obey("/last")
        shown = [line.partition("] ")[2] for line in stage.lines[-3:]]
        assert shown == ["bob (You): one", "bob (You, not sent): two", "bob (You, waiting): three"]

    run(scene())


def test_after_lost_events_it_is_asked_once_who_is_there() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        chat = chat_over(stage, service, b"")
        batch = [READY, Dropped(3, "events"), Dropped(1, "events")]
        for event in batch:
            chat.note(event)
        await chat.show(batch)
        (request,) = service.requests
        assert isinstance(request, RequestStatus)
        ann = PeerInfo(ANN, ANN[-8:], "/ip4/127.0.0.1/tcp/1", True, True, None, "", 0.0)
        report = StatusReport(request.ticket, US, "bob", (ADDRESS,), (ann,), (), 0, ())
        before = len(stage.lines)
        chat.note(report)
        await chat.show([report])
        assert stage.lines[before:] == []
        assert chat.roster.rows() == (ann,)
        chat.note(Dropped(1, "events"))
        await chat.show([])
        assert len(service.requests) == 2

    run(scene())


@pytest.mark.parametrize("word", [b"quit", b"EXIT", b"q", b"/quit", b"/Exit", b"/q"])
def test_quit_is_the_end_of_the_input(word: bytes) -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        assert await stage.run(chat_over(stage, service, b"one\n" + word + b"\nnever\n")) is ExitCode.OK
        assert service.texts == ["one"]

    run(scene())


def test_no_more_than_a_few_hundred_texts_are_on_their_way_at_once() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1, answering=False)
        running = asyncio.create_task(stage.run(chat_over(stage, service, b"".join(b"%d\n" % n for n in range(1000)))))
        await when(lambda: len(service.texts) == WINDOW)
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(service.texts) == WINDOW
        service.answering = True
        service.answer(10)
        await when(lambda: len(service.texts) == 1000)
        service.answer(WINDOW)
        assert await running is ExitCode.OK
        assert service.texts == [str(number) for number in range(1000)]

    run(scene())


def test_a_long_input_with_nobody_there_and_nobody_named_is_counted_to_its_end() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        data = b"".join(b"%d\n" % number for number in range(5000)) + b"\n" + b"z" * 70_000 + b"\nlast"
        assert await stage.run(chat_over(stage, service, data)) is ExitCode.NOBODY_REACHED
        assert len(service.texts) == WINDOW
        assert stage.lines[-3:-1] == [
            f"⚠️  Not sent: {WINDOW} message(s) - nobody was there",
            f"⚠️  Not read: {5002 - WINDOW} line(s) of the input",
        ]

    run(scene())


def test_an_open_pipe_with_nobody_there_waits_for_somebody(pipe: tuple[io.FileIO, io.FileIO]) -> None:
    async def scene() -> None:
        reading, writing = pipe
        stage, service = Stage(), FakeService()
        chat = PlainChat(service, stage.screen, stage.watchdog, reading, patience=0.0)
        running = asyncio.create_task(stage.run(chat))
        writing.write(b"".join(b"%d\n" % number for number in range(WINDOW + 50)))
        await when(lambda: len(service.texts) == WINDOW)
        for _ in range(100):
            await asyncio.sleep(0)
        assert not chat.is_leaving
        service.room = 1
        service.emit(PeerJoined(ANN, 1), MessageReceived(ANN, "Ann", "hello", 0.0))
        service.answer(WINDOW)
        await when(lambda: len(service.texts) == WINDOW + 50)
        writing.close()
        assert await running is ExitCode.OK

    run(scene())


def test_an_answer_about_files_does_not_stand_before_the_banner() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(starting=False)
        running = asyncio.create_task(stage.run(chat_over(stage, service, b"early\n/unshare x\n")))
        await when(lambda: service.texts == ["early"])
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(service.requests) == 1
        service.emit(READY)
        await when(lambda: len(service.requests) > 1)
        asked = service.requests[1]
        assert isinstance(asked, UnshareFile)
        service.emit(Answer(asked.ticket, "Nothing is shared that is called 'x'", failed=True))
        await running
        assert stage.lines.index("❌ Nothing is shared that is called 'x'") > BANNER

    run(scene())


def test_a_hurried_leave_counts_the_lines_that_nobody_has_looked_at_whatever_they_say() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(starting=False)
        chat = chat_over(stage, service, b"early\n/msg ann hello\n/unshare x\nlater\n")
        running = asyncio.create_task(stage.run(chat))
        await when(lambda: service.texts == ["early"] and chat.unread == 1)
        chat.leave()
        assert await running is ExitCode.NOBODY_REACHED
        said = [line for line in stage.lines if "Not " in line]
        assert said == ["⚠️  Not sent: 1 message(s) - nobody was there", "⚠️  Not read: 3 line(s) of the input"]

    run(scene())


def test_what_was_typed_before_the_service_is_ready_waits_for_it() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(starting=False, answering=False)
        running = asyncio.create_task(stage.run(chat_over(stage, service, b"early\n")))
        await when(lambda: service.texts == ["early"])
        assert service.stop is None
        service.emit(READY, PeerJoined(ANN, 1), MessageSent(1, "early", 1, 0.0))
        assert await running is ExitCode.OK

    run(scene())
