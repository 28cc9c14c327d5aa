"""Keys and values in a chat: what is asked, what is told of it, and how a script ends; no network."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from py_peer.core.dht_events import KeyProvided, LookupFailed, ProvidersFound, ValueFound, ValuePut
from py_peer.core.events import Answer
from py_peer.core.exit_codes import ExitCode
from py_peer.core.requests import FindProviders, ForgetValue, GetValue, ProvideKey, PutValue
from py_peer.frontends import piped as piped_chat
from py_peer.frontends.asked_once import is_for_want_of_peers
from py_peer.frontends.lines import event_lines
from py_peer.frontends.piped import WINDOW, PlainChat
from tests.frontends.fakes import ANN, US, FakeService, Stage
from tests.frontends.test_exchange import piped, talk
from tests.frontends.test_front_end import when
from tests.frontends.test_piped import Typed
from tests.frontends.test_scripted import chat_over as json_chat
from tests.frontends.test_scripted import commands, read, said
from tests.loops import run

if TYPE_CHECKING:
    from py_peer.core.events import Event
    from py_peer.core.requests import Request

KEYED = PutValue | ForgetValue | GetValue | ProvideKey | FindProviders


def asked(service: FakeService) -> list[Any]:
    return [request for request in service.requests if isinstance(request, KEYED)]


def script(lines: str, *answers: Event) -> tuple[ExitCode, list[str], list[Request]]:
    """Let a script write `lines` and end its input; its requests have the tickets 1, 2, … and are answered then."""

    async def answer(service: FakeService, _stage: Stage) -> None:
        await when(lambda: len(asked(service)) == lines.count("/kv"))
        for _ in range(20):
            await asyncio.sleep(0)
        assert service.stop is None, "it has not waited for the answers"
        service.emit(*answers)

    return talk(lines, answer)


# --- What is asked --------------------------------------------------------------------------------


def test_a_script_asks_and_waits_for_the_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(piped_chat, "ANSWER_SECONDS", 0.0)
    code, lines, requests = script(
        '/kv put colour dark  "blue" \n/kv get "my colour"\n/kv provide 00ff\n/kv providers colour\n',
        ValuePut(1, "colour", 3, 4),
        ValueFound(2, "my colour", "red", 2, 4, 90.0),
        KeyProvided(3, "00ff", 4, 4),
        ProvidersFound(4, "colour", (ANN, US), 4),
    )
    assert code is ExitCode.OK
    assert [request for request in requests if isinstance(request, KEYED)] == [
        PutValue(1, "colour", 'dark  "blue"'),
        GetValue(2, "my colour"),
        ProvideKey(3, "00ff"),
        FindProviders(4, "colour"),
    ]
    assert [line for line in lines if "🔑" in line] == [
        "🔑 Put colour: 3 of 4 peer(s) keep it",
        "🔑 my colour (from 2 of 4 peer(s), put 1 min 30 s ago): red",
        "🔑 You provide 00ff: 4 of 4 peer(s) have been told",
        "🔑 colour is provided by 2 peer(s): nnAnnAnn, you",
    ]
    assert lines[-1] == "Goodbye!"


@pytest.mark.parametrize(
    ("line", "answer", "code", "last"),
    [
        ("put k v", ValuePut(1, "k", 0, 0), 4, "⚠️  Nobody was there who takes part in the DHT, for 1 request(s)"),
        ("put k v", ValuePut(1, "k", 0, 4), 5, "⚠️  Not taken by the DHT: 1 key(s)"),
        (
            "put k v",
            Answer(1, "Not put: k: too large", failed=True),
            5,
            "⚠️  Not taken by the DHT: 1 key(s)",
        ),
        ("get k", Answer(1, "Not looked for: k: off", failed=True), 5, "⚠️  Refused: 1 request(s) about keys"),
        ("forget k", Answer(1, "Not forgotten: k: why", failed=True), 5, "⚠️  Refused: 1 request(s) about keys"),
        ("forget k", Answer(1, "Forgotten: k"), 0, ""),
        ("get k", LookupFailed(1, "k", 4, "why"), 6, "⚠️  Not found in the DHT: 1 key(s)"),
        ("get k", LookupFailed(1, "k", 0, "why"), 4, "⚠️  Nobody was there who takes part in the DHT, for 1 request(s)"),
        ("get k", ValueFound(1, "k", "v", 0, 0, 1.0), 0, ""),
        ("provide k", KeyProvided(1, "k", 0, 0), 4, "⚠️  Nobody was there who takes part in the DHT, for 1 request(s)"),
        ("providers k", LookupFailed(1, "k", 4, "why"), 6, "⚠️  Not found in the DHT: 1 key(s)"),
    ],
    ids=[
        "put-alone",
        "put-not-taken",
        "put-refused",
        "get-refused",
        "forget-nothing",
        "forgotten",
        "get-missing",
        "get-alone",
        "get-own",
        "provide-alone",
        "providers",
    ],
)
def test_the_exit_code_says_what_was_not_there(line: str, answer: Event, code: int, last: str) -> None:
    found, lines, _ = script(f"/kv {line}\n", answer)
    assert found == code
    assert not last or last in lines


def test_what_is_not_utf8_is_no_key() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        typed = Typed("/kv put colour grün\n".encode("latin-1"))
        chat = PlainChat(service, stage.screen, stage.watchdog, typed, patience=0.0)
        assert await stage.run(chat) is ExitCode.NOT_SENT
        assert asked(service) == []
        assert "❌ Line 1 was not done: it is not UTF-8" in stage.lines

    run(scene())


def test_a_script_of_many_keys_is_read_as_they_are_answered() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        lines = "".join(f"/kv put key{number} v\n" for number in range(WINDOW + 3))
        running = asyncio.create_task(stage.run(piped(stage, service, lines)))
        await when(lambda: len(asked(service)) == WINDOW)
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(asked(service)) == WINDOW
        service.emit(*(ValuePut(ticket, "k", 1, 1) for ticket in range(1, 4)))
        await when(lambda: len(asked(service)) == WINDOW + 3)
        service.emit(*(ValuePut(ticket, "k", 1, 1) for ticket in range(4, WINDOW + 4)))
        assert await running is ExitCode.OK

    run(scene())


def test_who_leaves_before_the_answer_is_told_so() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        chat = piped(stage, service, "/kv get k\n")
        running = asyncio.create_task(stage.run(chat))
        await when(lambda: bool(asked(service)))
        chat.leave()
        assert await running is ExitCode.NOT_FOUND
        assert "⚠️  Not answered by the DHT: 1 request(s)" in stage.lines

    run(scene())


def test_a_script_reads_the_answers_under_its_ids() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        data = commands(
            {"command": "kv_put", "key": " 'a b' ", "value": "one\ntwo ", "id": "p"},
            {"command": "kv_get", "key": "c", "id": "g"},
            {"command": "kv_get"},
        )
        running = asyncio.create_task(stage.run(json_chat(stage, service, data)))
        await when(lambda: len(asked(service)) == 2)
        assert asked(service) == [PutValue(1, " 'a b' ", "one\ntwo "), GetValue(2, "c")]
        service.emit(ValuePut(1, "'a b'", 1, 1), LookupFailed(2, "c", 1, "why"))
        assert await running is ExitCode.NOT_FOUND
        assert [(event["event"], event.get("id")) for event in read(stage) if event.get("id")] == [
            ("value_put", "p"),
            ("lookup_failed", "g"),
        ]
        assert len(said(stage, "error")) == 1
        assert said(stage, "ended")[0]["exit_code"] == 6

    run(scene())


# --- What is told ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (ValuePut(1, "k", 0, 0), "🔑 Put k: it is kept here alone; nobody is there to take it"),
        (ValuePut(1, "k", 0, 4), "🔑 Put k: it is kept here alone; none of 4 peer(s) has taken it"),
        (ValueFound(1, "k", "v", 0, 0, 1.0), "🔑 k (kept here, put 1 s ago): v"),
        (ValueFound(1, "k", "v", 1, 2, None), "🔑 k (from 1 of 2 peer(s), put nobody says when): v"),
        (
            ValueFound(1, "k", "v", 1, 2, 5.0, unasked=3),
            "🔑 k (from 1 of 2 peer(s), put 5 s ago; 3 more could not be asked just now): v",
        ),
        (KeyProvided(1, "k", 0, 0), "🔑 You provide k; nobody is there to write it down"),
        (LookupFailed(1, "k", 3, "nobody has it"), "❌ Not found: k: nobody has it"),
    ],
    ids=["alone", "not-taken", "own", "of-no-time", "unasked", "provided-alone", "missing"],
)
def test_each_answer_is_a_line(event: Event, line: str) -> None:
    assert event_lines(event) == [line]


@pytest.mark.parametrize(
    ("event", "again"),
    [
        (LookupFailed(1, "k", 3, "nobody has it"), False),
        (LookupFailed(1, "k", 0, "nobody is there"), True),
        (LookupFailed(1, "k", 3, "nobody has it", unasked=1), True),
        (ValueFound(1, "k", "v", 1, 2, 5.0, unasked=3), False),
    ],
    ids=["missing", "nobody", "unasked", "found"],
)
def test_a_program_that_asks_once_asks_again_while_nothing_is_found_and_somebody_could_not_be_asked(
    event: LookupFailed | ValueFound, again: bool
) -> None:
    assert is_for_want_of_peers(event) is again


def test_no_line_of_a_value_passes_for_one_of_the_program() -> None:
    event = ValueFound(1, "k", "one\n[ann(AnnAnnAn)]: two\n" + "x" * 60, 1, 1, 1.0)
    for columns in (None, 30):
        lines = "\n".join(event_lines(event, columns)).split("\n")
        assert all(line.startswith("    ") for line in lines[1:])
        assert columns is None or max(map(len, lines)) <= columns


def test_of_many_providers_some_are_named() -> None:
    (line,) = event_lines(ProvidersFound(1, "k", tuple(f"12D3KooW{number:08}" for number in range(50)), 9))
    assert line.endswith(", 00000019, 30 more")
