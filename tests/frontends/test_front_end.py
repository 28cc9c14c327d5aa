"""One way out for all front-ends: in order, in time, with the right exit code; on a service without a network."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from typing import TYPE_CHECKING

import pytest

from py_peer.core.events import Failed, FailureKind, MessageReceived, Started, Stopped
from py_peer.core.exit_codes import ExitCode
from py_peer.core.requests import RequestStatus, Stop
from py_peer.frontends.front_end import FrontEnd
from py_peer.frontends.leaving import SERVICE_SECONDS, SIGNALS
from py_peer.frontends.printer import Printer
from tests.frontends.fakes import ADDRESS, ANN, DEADLINE, READY, US, FakeService, Stage
from tests.loops import run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from py_peer.core.events import Event

OPENING = [f"Local peer id: {US}", f"Listening on: {ADDRESS}"]


async def when(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 - the doubles tell nobody when they change
            await asyncio.sleep(0)


def test_headless_prints_and_leaves_with_goodbye() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        printer = Printer(service, stage.screen, stage.watchdog)
        running = asyncio.create_task(stage.run(printer))
        await when(lambda: stage.lines == OPENING)
        printer.leave()
        assert await running is ExitCode.OK
        assert stage.lines == [*OPENING, "Goodbye!"]
        assert [type(request) for request in service.requests] == [Stop]
        assert not printer.left_behind

    run(scene())


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_leaves_and_a_second_one_changes_nothing(number: signal.Signals) -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        service.stopping = False
        running = asyncio.create_task(stage.run(Printer(service, stage.screen, stage.watchdog)))
        await when(lambda: stage.lines == OPENING)
        signal.raise_signal(number)
        await when(lambda: service.stop is not None)
        signal.raise_signal(number)
        service.emit(Stopped(0, reached=False))
        assert await running is ExitCode.OK
        assert stage.lines[-1] == "Goodbye!"

    run(scene())


def test_events_that_are_already_there_are_shown_before_goodbye() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        printer = Printer(service, stage.screen, stage.watchdog)
        service.emit(*(MessageReceived(ANN, "Ann", str(number), 0.0) for number in range(2000)))
        printer.leave()
        assert await stage.run(printer) is ExitCode.OK
        assert stage.lines == [*OPENING, *(f"Received chat message from {ANN}: {n}" for n in range(2000)), "Goodbye!"]

    run(scene())


def test_a_service_that_does_not_stop_is_left_behind_in_time() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        service.stopping = service.ends_in_time = False
        printer = Printer(service, stage.screen, stage.watchdog)
        printer.leave()
        begun = time.monotonic()
        assert await stage.run(printer) is ExitCode.OK
        assert time.monotonic() - begun == pytest.approx(SERVICE_SECONDS, abs=0.3)
        assert printer.left_behind
        assert stage.lines[-1] == "Goodbye!"

    run(scene())


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        (FailureKind.CANNOT_LISTEN, ExitCode.CANNOT_LISTEN, "py-peer: cannot listen: port 1 is taken"),
        (FailureKind.FAULT, ExitCode.FAULT, "port 1 is taken. Run it again with --verbose"),
    ],
)
def test_a_failure_is_told_on_stderr_with_what_to_do(
    capsys: pytest.CaptureFixture[str], kind: FailureKind, code: ExitCode, words: str
) -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(starting=False)
        service.emit(Failed(kind, "port 1 is taken"), Stopped(0, reached=False))
        assert await stage.run(Printer(service, stage.screen, stage.watchdog)) is code
        assert stage.lines == []

    run(scene())
    assert words in capsys.readouterr().err


def test_the_end_of_a_service_that_has_failed_before_it_began_is_waited_for() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(starting=False)
        printer = Printer(service, stage.screen, stage.watchdog)
        service.emit(Failed(FailureKind.BAD_IDENTITY, "no key"))
        asyncio.get_running_loop().call_later(0.05, service.emit, Stopped(0, reached=False))
        assert await stage.run(printer) is ExitCode.USAGE
        assert [type(event) for event in printer._recent] == [Failed, Stopped]

    run(scene())


def test_a_service_that_ends_without_a_word_is_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        service.emit(Stopped(0, reached=False))
        assert await stage.run(Printer(service, stage.screen, stage.watchdog)) is ExitCode.FAULT

    run(scene())
    assert "the service has ended by itself" in capsys.readouterr().err


def test_a_fault_of_the_front_end_ends_it_with_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "lastResort", None)  # as the program does

    class Faulty(FrontEnd):
        async def show(self, events: Sequence[Event]) -> None:
            raise RuntimeError("a \x1b[31mloose end")

    async def scene() -> None:
        stage, service = Stage(), FakeService()
        assert await stage.run(Faulty(service, stage.screen, stage.watchdog)) is ExitCode.FAULT
        assert service.stop is not None

    run(scene())
    complaint = capsys.readouterr().err
    assert "RuntimeError: a loose end" in complaint
    assert "Traceback" not in complaint


def test_output_that_nobody_reads_any_more_ends_it_quietly(capsys: pytest.CaptureFixture[str]) -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(starting=False)
        running = asyncio.create_task(stage.run(Printer(service, stage.screen, stage.watchdog)))
        stage.stream.close()
        service.emit(Started(US), READY)
        assert await running is ExitCode.OK
        assert service.stop is not None

    run(scene())
    assert capsys.readouterr() == ("", "")


def test_a_request_waits_while_the_queue_is_full() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        service.refusals = 3
        await asyncio.wait_for(Printer(service, stage.screen, stage.watchdog).ask(RequestStatus(1)), DEADLINE)
        assert service.requests == [RequestStatus(1)]

    run(scene())
