"""--json without a network: every event is a line of the schema, every line of input is answered."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import typing
from enum import Enum
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped, unused-ignore]

from py_peer.core import limits
from py_peer.core.events import (
    Answer,
    DiscoveryReport,
    Failed,
    FailureKind,
    KnownPeer,
    MessageReceived,
    MessageRefused,
    MessageSent,
    PeerInfo,
    PeerJoined,
    StatusReport,
    Stopped,
)
from py_peer.core.exit_codes import ExitCode
from py_peer.core.json_lines import SCRIPT_COMMANDS, Ended, Starting, event_name, event_types, events_schema
from py_peer.core.requests import RequestDiscovery, RequestStatus, SendText, Stop
from py_peer.frontends.oneshot import OneShot
from py_peer.frontends.piped import WINDOW
from py_peer.frontends.scripted import JsonChat, JsonOneShot
from tests.frontends.fakes import ADDRESS, ANN, READY, US, FakeService, Stage
from tests.frontends.test_front_end import when
from tests.frontends.test_piped import Typed
from tests.loops import run

SCHEMA = Draft202012Validator(events_schema())
ANN_INFO = PeerInfo(ANN, "Ann", ADDRESS, inbound=False, in_room=True, rtt=0.1, agent_version="", connected_since=0.0)


def read(stage: Stage) -> list[dict[str, Any]]:
    """Return what a script reads, held to the schema."""
    events = [json.loads(line) for line in stage.lines]
    for event in events:
        SCHEMA.validate(event)
    return events


def said(stage: Stage, name: str) -> list[dict[str, Any]]:
    return [event for event in read(stage) if event["event"] == name]


def commands(*lines: dict[str, Any] | bytes) -> bytes:
    return b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)


def chat_over(stage: Stage, service: FakeService, data: bytes, *, stays: bool = False) -> JsonChat:
    return JsonChat(service, stage.screen, stage.watchdog, Typed(data), patience=0.0, stays=stays)


def answers(data: bytes, *, code: ExitCode = ExitCode.OK, **service: Any) -> list[dict[str, Any]]:
    """Return all that a script reads that writes `data` and ends its input."""

    async def scene() -> list[dict[str, Any]]:
        stage = Stage()
        assert await stage.run(chat_over(stage, FakeService(**service), data)) is code
        return read(stage)

    return run(scene())


# --- Events ---------------------------------------------------------------------------------------


def some(kind: Any) -> Any:
    """Return a value of a type, with something in everything that holds something."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{field.name: some(hints[field.name]) for field in dataclasses.fields(kind)})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    inner = typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        return (some(inner[0]),)
    if typing.get_origin(kind) is dict:
        return {some(inner[0]): some(inner[1])}
    return some(inner[0]) if inner else kind(1)


def test_every_event_there_is_becomes_a_line_of_the_schema() -> None:
    kinds = [kind for kind in event_types() if kind not in (Failed, Stopped, Starting, Ended)]

    async def scene() -> None:
        stage, service = Stage(), FakeService(starting=False)
        service.emit(*(some(kind) for kind in (*kinds, Failed, Stopped)))
        await stage.run(chat_over(stage, service, b"", stays=True))
        assert {event["event"] for event in read(stage)} == {event_name(kind) for kind in event_types()} - {"starting"}

    run(scene())


def test_there_is_nothing_else_on_the_output_and_the_last_line_says_how_it_ended() -> None:
    events = answers(b"")
    assert [event["event"] for event in events] == ["started", "ready", "stopped", "ended"]
    assert events[-1] | {"at": 0} == {"event": "ended", "at": 0, "exit_code": 0, "unsent": 0, "reason": ""}
    assert events[0]["at"] <= events[-1]["at"]


def test_a_text_of_several_lines_is_one_line() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        service.emit(MessageReceived(ANN, "Ann", 'one\ntwo\u2028"three"\\', 0.0))
        await stage.run(chat_over(stage, service, b""))
        assert [event["text"] for event in said(stage, "message_received")] == ['one\ntwo\u2028"three"\\']
        assert len(stage.stream.getvalue().split("\n")) == len(read(stage)) + 1

    run(scene())


def test_a_failure_is_told_on_both_outputs(capsys: pytest.CaptureFixture[str]) -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(starting=False)
        service.emit(Failed(FailureKind.CANNOT_LISTEN, "port 1 is taken"), Stopped(0, reached=False))
        assert await stage.run(chat_over(stage, service, b"")) is ExitCode.CANNOT_LISTEN
        (ended,) = said(stage, "ended")
        assert (ended["exit_code"], ended["reason"][:13]) == (3, "cannot listen")

    run(scene())
    out, err = capsys.readouterr()
    assert (out, err[:22]) == ("", "py-peer: cannot listen")


# --- Commands -------------------------------------------------------------------------------------


def test_what_is_said_is_sent_whatever_it_looks_like_and_the_id_comes_back() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        texts = ["hello", "/quit", "quit", "  two\nlines\n", "//x"]
        data = commands(*({"command": "say", "text": text, "id": f"#{text}"} for text in texts))
        assert await stage.run(chat_over(stage, service, data)) is ExitCode.OK
        assert service.texts == texts
        assert [(event["text"], event["id"]) for event in said(stage, "message_sent")] == [
            (text, f"#{text}") for text in texts
        ]

    run(scene())


def test_an_id_comes_back_with_every_answer_and_with_nothing_else() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        running = asyncio.create_task(
            stage.run(chat_over(stage, service, commands({"command": "say", "text": "x", "id": 7}), stays=True))
        )
        await when(lambda: "message_waiting" in stage.stream.getvalue())
        service.emit(PeerJoined(ANN, 1), MessageSent(1, "x", 1, 0.0), MessageSent(1, "x", 1, 0.0))
        service.emit(Failed(FailureKind.FAULT, ""), Stopped(0, reached=True))
        await running
        assert [event["event"] for event in read(stage) if event.get("id") == 7] == ["message_waiting", "message_sent"]

    run(scene())


@pytest.mark.parametrize("name", ["peers", "status", "multiaddr"])
def test_a_question_is_answered_by_a_report(name: str) -> None:
    (report,) = [event for event in answers(commands({"command": name, "id": "q"})) if "id" in event]
    assert (report["event"], report["id"], report["addresses"]) == ("status_report", "q", [ADDRESS])


def test_a_question_asked_too_early_is_answered_later_with_its_own_id() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(starting=False)
        data = commands({"command": "peers", "id": 1}, {"command": "say", "text": "x", "id": 2}, b"{}")
        running = asyncio.create_task(stage.run(chat_over(stage, service, data)))
        await when(lambda: "error" in stage.stream.getvalue())
        assert service.texts == ["x"]
        service.emit(READY)
        await running
        assert [event["id"] for event in said(stage, "status_report")] == [1]

    run(scene())


def test_who_can_be_found_is_asked_when_there_is_something_to_tell_and_answered_with_its_own_id() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(starting=False)
        data = commands({"command": "discover"}, {"command": "discover", "id": "who"}, {"command": "say", "text": "x"})
        running = asyncio.create_task(stage.run(chat_over(stage, service, data)))
        await when(lambda: service.texts == ["x"])
        assert not [request for request in service.requests if isinstance(request, RequestDiscovery)]
        service.emit(READY)
        await when(lambda: len(service.requests) == 3)
        asked = [request.ticket for request in service.requests if isinstance(request, RequestDiscovery)]
        peer = KnownPeer(ANN, "Ann", ("by mDNS",), (ADDRESS,), "waiting", "refused", 1.0)
        service.emit(*(DiscoveryReport(ticket, ("mDNS",), (peer,), {"own": 2}, 3) for ticket in asked))
        await running
        first, second = said(stage, "discovery_report")
        assert "id" not in first
        assert second["id"] == "who"
        assert (second["ways"], second["refused"], second["forgotten"]) == (["mDNS"], {"own": 2}, 3)
        assert second["peers"] == [dataclasses.asdict(peer) | {"sources": ["by mDNS"], "addresses": [ADDRESS]}]

    run(scene())


def test_who_is_meant_by_a_name_is_said_in_full() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        report = StatusReport(0, US, "bob", (), (ANN_INFO,), (), 0, ())
        service.emit(report, MessageReceived(US, "Carl", "hi", 0.0))
        chat = chat_over(stage, service, b"")
        for event in (READY, report, MessageReceived(US, "Carl", "hi", 0.0)):
            chat.note(event)
        for name in ("Ann", "Carl", "nobody"):
            await chat.whois(name)
        peers = [event["peers"] for event in said(stage, "found_peers")]
        assert peers[0] == [{"peer_id": ANN, "nick": "Ann", "connection": peers[0][0]["connection"], "npub": ""}]
        assert peers[0][0]["connection"]["rtt"] == 0.1
        assert peers[1:] == [[{"peer_id": US, "nick": "Carl", "connection": None, "npub": ""}], []]

    run(scene())


def test_a_name_that_means_nobody_is_answered_in_words() -> None:
    answer = next(
        event for event in answers(commands({"command": "ignore", "peer": "Zoe", "id": "w"})) if "id" in event
    )
    assert (answer["event"], answer["id"], answer["failed"]) == ("answer", "w", True)
    assert answer["text"].startswith("Nobody who is here or has spoken is called 'Zoe'")


@pytest.mark.parametrize("name", sorted({*SCRIPT_COMMANDS} - {"quit"}))
def test_every_command_is_done(name: str) -> None:
    known = {"addr": ADDRESS, "switch": "on", "commit": "3f2a9c1"}
    argument = {key: known.get(key, "Ann") for key in SCRIPT_COMMANDS[name].keys}

    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        chat = chat_over(stage, service, commands({"command": name, "id": 1, **argument}), stays=True)
        ann = StatusReport(0, US, "bob", (ADDRESS,), (ANN_INFO,), (), 0, ())
        service.emit(ann)
        chat.note(ann)
        running = asyncio.create_task(stage.run(chat))
        asked = (RequestStatus, Stop)
        await when(
            lambda: (
                any(event.get("id") == 1 for event in read(stage))
                or any(not isinstance(request, asked) for request in service.requests)
            )
        )
        service.emit(*(Answer(request.ticket, "done") for request in service.requests))
        await when(lambda: any(event.get("id") == 1 for event in read(stage)))
        assert not said(stage, "error")
        chat.leave()
        await running

    run(scene())


def test_unknown_keys_and_empty_lines_are_nothing_to_speak_of() -> None:
    events = answers(commands(b"", b"  ", b"\r", {"command": "peers", "colour": {"x": [1, None]}}))
    assert [event["event"] for event in events] == ["started", "ready", "status_report", "stopped", "ended"]


def test_a_bad_line_is_answered_with_its_number_and_the_next_one_is_obeyed() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        good = {"command": "say", "text": "still here", "id": 9}
        bad = [b"hello", b'{"command":"say","text":"\xff\xfe"}', b'{"command":"no","id":"x"}', b"[" * 300_000]
        data = commands(bad[0], good, *bad[1:], good)
        assert await stage.run(chat_over(stage, service, data)) is ExitCode.OK
        errors = said(stage, "error")
        assert [error["line"] for error in errors] == [1, 3, 4, 5]
        assert [error.get("id") for error in errors] == [None, None, "x", None]
        assert all(error["reason"] and error["advice"] for error in errors)
        assert service.texts == ["still here"] * 2

    run(scene())


def test_a_line_that_is_too_long_is_not_kept_and_counts_as_not_sent() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        escaped = json.dumps({"command": "say", "text": "\x01" * (limits.MAX_TEXT_BYTES - 1) + "x"}).encode()
        long = json.dumps({"command": "say", "text": "x" * limits.MAX_COMMAND_BYTES}).encode()
        assert await stage.run(chat_over(stage, service, commands(escaped, long, escaped))) is ExitCode.NOT_SENT
        assert service.texts == ["\x01" * (limits.MAX_TEXT_BYTES - 1) + "x"] * 2
        (error,) = said(stage, "error")
        assert (error["line"], error["reason"][:17]) == (2, f"it has {len(long):,} by"[:17])
        assert said(stage, "ended")[0]["unsent"] == 1

    run(scene())


def test_more_commands_than_can_be_answered_are_refused_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "OPEN_COMMANDS", 3)
    data = commands(*({"command": "say", "text": "x", "id": number} for number in range(5)))
    events = answers(data, code=ExitCode.NOBODY_REACHED, answering=False)
    refused = [event for event in events if event["event"] == "error"]
    assert [event["id"] for event in refused] == [3, 4]
    assert refused[0]["reason"] == "3 commands wait for their answers"


# --- The end of the input -------------------------------------------------------------------------


def test_at_the_end_of_the_input_it_leaves_when_all_is_sent_with_the_codes_of_the_piped_chat() -> None:
    say = commands({"command": "say", "text": "x"})
    assert answers(say, peers=1)[-1]["exit_code"] == ExitCode.OK
    alone = answers(say, code=ExitCode.NOBODY_REACHED)[-1]
    assert (alone["unsent"], alone["reason"]) == (1, "Not sent: 1 message(s) - nobody was there")


def test_the_reason_of_the_end_has_no_signs_for_eyes() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        service.stopping = False
        chat = chat_over(stage, service, commands({"command": "msg", "peer": ANN, "text": "x", "id": 1}))
        running = asyncio.create_task(stage.run(chat))
        await when(lambda: bool(service.requests))
        chat.leave()
        service.emit(Stopped(0, reached=True, kept=1))
        await running
        assert said(stage, "ended")[0]["reason"].startswith("Not delivered yet: 1 direct message(s)")

    run(scene())


def test_a_text_that_the_service_refuses_is_told_and_counts() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1, answering=False)
        running = asyncio.create_task(
            stage.run(chat_over(stage, service, commands({"command": "say", "text": "x" * 60_001, "id": 1})))
        )
        await when(lambda: len(service.texts) == 1)
        service.emit(MessageRefused(1, "x", "too large"))
        assert await running is ExitCode.NOT_SENT
        assert said(stage, "message_refused")[0]["id"] == 1

    run(scene())


def test_headless_the_end_of_the_input_ends_nothing_but_quit_does() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        chat = chat_over(stage, service, commands({"command": "say", "text": "x"}), stays=True)
        running = asyncio.create_task(stage.run(chat))
        await when(lambda: bool(said(stage, "message_sent")) and chat.reader.ended)
        service.emit(MessageReceived(ANN, "Ann", "still there?", 0.0))
        await when(lambda: bool(said(stage, "message_received")))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not chat.is_leaving
        chat.leave()
        assert await running is ExitCode.OK

        stage, service = Stage(), FakeService(peers=1)
        data = commands({"command": "quit"}, {"command": "say", "text": "never"})
        assert await stage.run(chat_over(stage, service, data, stays=True)) is ExitCode.OK
        assert service.texts == []

    run(scene())


def test_with_nobody_there_a_script_is_still_heard() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(answering=False)
        say = [{"command": "say", "text": str(number)} for number in range(2 * WINDOW)]
        chat = chat_over(stage, service, commands(*say, {"command": "peers"}), stays=True)
        running = asyncio.create_task(stage.run(chat))
        await when(lambda: bool(said(stage, "status_report")))
        assert len(service.texts) == 2 * WINDOW
        chat.leave()
        assert await running is ExitCode.NOBODY_REACHED

    run(scene())


def test_with_somebody_there_no_more_than_a_few_hundred_texts_are_on_their_way_at_once() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1, answering=False)
        say = [{"command": "say", "text": str(number)} for number in range(2 * WINDOW)]
        running = asyncio.create_task(stage.run(chat_over(stage, service, commands(*say))))
        await when(lambda: len(service.texts) == WINDOW)
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(service.texts) == WINDOW
        service.answering = True
        service.answer(WINDOW)
        await when(lambda: len(service.texts) == 2 * WINDOW)
        assert await running is ExitCode.OK

    run(scene())


# --- One text -------------------------------------------------------------------------------------


def one_shot(stage: Stage, service: FakeService, text: str = "hello", timeout: float = 30.0) -> OneShot:
    return OneShot(service, stage.screen, stage.watchdog, text, timeout=timeout)


def test_one_text_is_sent_as_it_is_and_that_is_all() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        assert await stage.run(one_shot(stage, service, "/quit\nlater")) is ExitCode.OK
        assert service.texts == ["/quit\nlater"]
        assert stage.lines == [f"Local peer id: {US}", "✓ Message sent to 1 peer(s)", "Goodbye!"]
        assert [type(request) for request in service.requests] == [SendText, Stop]
        assert service.stop is not None
        assert service.stop.settle == limits.SETTLE_PATIENCE

    run(scene())


def test_one_text_for_which_nobody_comes_in_time_is_not_sent() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        assert await stage.run(one_shot(stage, service, timeout=0.01)) is ExitCode.NOBODY_REACHED
        assert stage.lines[-2:] == ["⚠️  Not sent: 1 message(s) - nobody was there", "Goodbye!"]

    run(scene())


def test_one_text_that_somebody_did_not_get_is_another_code() -> None:
    async def scene() -> None:
        for answer in ((), (MessageRefused(1, "hello", "the network library did not take it"),)):
            stage, service = Stage(), FakeService(peers=1, answering=False)
            service.emit(*answer)
            assert await stage.run(one_shot(stage, service, timeout=30.0 if answer else 0.01)) is ExitCode.NOT_SENT
            assert stage.lines[-2] == "⚠️  Not sent: 1 message(s)"

    run(scene())


def test_one_text_waits_for_somebody_to_come() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        running = asyncio.create_task(stage.run(one_shot(stage, service)))
        await when(lambda: service.texts == ["hello"])
        assert service.stop is None
        service.emit(PeerJoined(ANN, 1))
        service.answer(1)
        assert await running is ExitCode.OK

    run(scene())


def test_one_text_that_nobody_has_confirmed_is_said_to_be_so() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        service.stopping = False
        running = asyncio.create_task(stage.run(one_shot(stage, service)))
        await when(lambda: service.stop is not None)
        service.emit(Stopped(0, reached=True, unread=1))
        assert await running is ExitCode.OK
        assert stage.lines[-2] == "⚠️  1 peer(s) did not confirm in time that they have read it"

    run(scene())


def test_one_text_goes_out_though_nobody_reads_what_is_printed() -> None:
    async def scene() -> None:
        for kind in (OneShot, JsonOneShot):
            stage, service = Stage(), FakeService(peers=1)
            shot = kind(service, stage.screen, stage.watchdog, "hello", timeout=30.0)
            stage.screen.give_up()
            assert await stage.run(shot) is ExitCode.OK
            assert service.texts == ["hello"]

    run(scene())


def test_one_text_as_json_says_the_same() -> None:
    async def scene() -> None:
        for peers, code in ((1, ExitCode.OK), (0, ExitCode.NOBODY_REACHED)):
            stage, service = Stage(), FakeService(peers=peers)
            shot = JsonOneShot(service, stage.screen, stage.watchdog, "hello", timeout=0.01)
            assert await stage.run(shot) is code
            assert bool(said(stage, "message_sent")) == bool(peers)
            assert (said(stage, "ended")[0]["exit_code"], said(stage, "ended")[0]["unsent"]) == (code, 1 - peers)

    run(scene())
