"""A crash of ours leaves a report that helps, says where it is, and tells nothing of what people said."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from py_peer import __version__
from py_peer.core.events import Failed, FailureKind, MessageReceived, Notice, Pinged, Stopped
from py_peer.core.exit_codes import ExitCode
from py_peer.frontends.arguments import parse_arguments
from py_peer.frontends.crash import KEPT_REPORTS, MAX_REPORT_BYTES, report_crash
from py_peer.frontends.front_end import RECENT_EVENTS, RUN_AGAIN, FrontEnd
from py_peer.frontends.printer import Printer
from tests.frontends.fakes import ADDRESS, ANN, FakeService, Stage
from tests.loops import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from py_peer.core.events import Event
    from py_peer.frontends.front_end import Faults
    from tests.frontends.programs import Piped

PRIVATE = "meet me at\nnoon"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "py-peer"


def raised(error: BaseException) -> BaseException:
    try:
        raise error  # noqa: TRY301 - it needs a traceback
    except BaseException as caught:  # noqa: BLE001 - whatever it is
        return caught


def the_report(state: Path) -> str:
    (path,) = state.iterdir()
    return path.read_text(encoding="utf-8")


def test_a_report_says_version_system_options_traceback_and_events(state: Path) -> None:
    held = parse_arguments(["--nick", "Ann", "-p", "4001", "-c", ADDRESS, "--log-file", "/l"], {"PY_PEER_UI": "1"}).held
    events = [Pinged(ANN, 17.5), Notice("noticed"), Failed(FailureKind.FAULT, "a reason")]
    said = report_crash({"the service": raised(KeyError("lost")), "the front-end": None}, events, held)
    assert said.startswith(f"Please report it; what helps to mend it is in {state}/crash-")
    text = the_report(state)
    assert text.startswith(f"py-peer {__version__} has crashed, ")
    assert f"CPython {sys.version.split()[0]}" in text
    assert "libp2p 0.8.1" in text
    assert "nick=given (flag), connect=given (flag), port=4001 (flag), ui=True (environment), log_file=given" in text
    assert "--- In the service\nTraceback (most recent call last):\n" in text
    assert "    raise error" in text
    assert "\nKeyError: 'lost'\n" in text
    assert "the front-end" not in text
    assert f"\nPinged peer_id={ANN[-8:]} rtt=17.5\nNotice\nFailed kind=FAULT\n" in text


def test_texts_names_addresses_and_the_users_home_are_left_out(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    fault = raised(ValueError(f"cannot show {PRIVATE!r} of Bobby in /home/ann/x\x1b[2J"))
    held = parse_arguments(["--nick", "Ann", "-c", ADDRESS], {}).held
    report_crash({"py-peer": fault}, [MessageReceived(ANN, "Bobby", PRIVATE, 0.0), Notice("noticed")], held)
    text = the_report(state)
    assert "ValueError: cannot show '[text]' of [text] in ~/x\n" in text
    assert "\x1b" not in text
    for private in ("noon", "Bobby", "/home/ann", "127.0.0.1", "noticed", "=Ann"):
        assert private not in text


def test_a_report_is_for_its_user_alone_and_bounded(state: Path) -> None:
    report_crash({"py-peer": raised(ValueError("x" * 1_000_000))})
    (path,) = state.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert state.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_size < 10_000


def test_a_long_chain_of_faults_is_cut(state: Path) -> None:
    fault: Exception = ValueError("the first")
    for number in range(3_000):
        cause, fault = fault, ValueError(f"{number:0200}")
        fault.__cause__ = cause
    report_crash({"py-peer": fault})
    (path,) = state.iterdir()
    assert path.stat().st_size == MAX_REPORT_BYTES


def test_faults_of_a_nursery_are_all_told(state: Path) -> None:
    report_crash(
        {"the service": raised(ExceptionGroup("both", [KeyError("one"), ExceptionGroup("in", [OSError("two")])]))}
    )
    text = the_report(state)
    assert "KeyError: 'one'" in text
    assert "OSError: two" in text


def test_the_oldest_reports_make_room(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("py_peer.frontends.crash.time.strftime", lambda _format: "crash-20260401-120000")
    state.mkdir(parents=True)
    for number in range(KEPT_REPORTS + 5):
        (state / f"crash-20200101-0000{number:02}.txt").touch()
    (state / "notes.txt").touch()
    assert "crash-" in report_crash({"py-peer": raised(KeyError())})
    assert "-2.txt" in report_crash({"py-peer": raised(KeyError())})
    reports = sorted(path.name for path in state.glob("crash-*"))
    assert len(reports) == KEPT_REPORTS
    assert reports[0] == "crash-20200101-000007.txt"
    assert (state / "notes.txt").exists()


def test_a_folder_that_cannot_be_written_is_a_sentence(state: Path) -> None:
    state.parent.mkdir()
    state.touch()
    said = report_crash({"py-peer": raised(KeyError())})
    assert said.startswith(f"No report could be left in {state}: ")
    assert said.endswith(RUN_AGAIN)


def test_a_fault_that_cannot_be_shown_is_a_sentence(state: Path) -> None:
    class Unspeakable(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise RuntimeError("not even this")

    assert report_crash({"py-peer": raised(Unspeakable())})  # it can: Python says <exception str() failed>
    assert "Unspeakable" in the_report(state)


# --- Where it comes from --------------------------------------------------------------------------


class Faulty(FrontEnd):
    async def show(self, events: Sequence[Event]) -> None:
        raise RuntimeError("a loose end")


def test_a_front_end_tells_of_the_faults_and_the_last_events_once(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[tuple[Faults, list[Event]]] = []

    def note(faults: Faults, events: Iterable[Event]) -> str:
        told.append((faults, list(events)))
        return "It is in the file."

    async def scene() -> None:
        stage, service = Stage(), FakeService(starting=False)
        service.fault = KeyError("lost")
        service.emit(*(Notice(str(number)) for number in range(100)))
        service.emit(Failed(FailureKind.FAULT, "KeyError: lost"), Stopped(0, reached=False))
        printer = Faulty(service, stage.screen, stage.watchdog)
        printer.on_crash = note
        assert await stage.run(printer) is ExitCode.FAULT

    run(scene())
    ((faults, events),) = told
    assert isinstance(faults["the service"], KeyError)
    assert faults["the front-end"] is None
    assert len(events) == RECENT_EVENTS
    assert isinstance(events[-1], Failed)
    assert capsys.readouterr().err.endswith("has ended it: KeyError: lost. It is in the file.\n")


def test_what_the_user_can_mend_is_no_crash() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(starting=False)
        service.emit(Failed(FailureKind.CANNOT_LISTEN, "taken"), Stopped(0, reached=False))
        printer = Printer(service, stage.screen, stage.watchdog)
        printer.on_crash = lambda _faults, _events: pytest.fail("a report")
        assert await stage.run(printer) is ExitCode.CANNOT_LISTEN

    run(scene())


def faulty(fault: str) -> tuple[str, ...]:
    return (sys.executable, "-c", f"import sys\n{fault}\nfrom py_peer.main import main\nsys.exit(main())")


THE_SERVICE_DIES = faulty("""
from py_peer.service import session
async def die(self, nursery):
    raise ValueError("nobody expected this")
session._Session._serve = die
""")
THE_FRONT_END_FAILS = faulty("""
from py_peer.frontends.front_end import FrontEnd
def fail(self, event):
    raise ValueError("nobody expected this")
FrontEnd.note = fail
""")
THE_START_FAILS = faulty("""
import py_peer.main
def fail(arguments):
    raise ValueError("nobody expected this")
py_peer.main._set_up_logging = fail
""")


@pytest.mark.parametrize("mode", [(), ("--headless",)], ids=["interactive", "headless"])
@pytest.mark.parametrize(
    ("command", "place"),
    [(THE_SERVICE_DIES, "the service"), (THE_FRONT_END_FAILS, "the front-end"), (THE_START_FAILS, "py-peer")],
    ids=["service", "front-end", "start"],
)
def test_the_program_says_where_its_report_is(
    piped: Callable[..., Piped], tmp_path: Path, command: tuple[str, ...], place: str, mode: tuple[str, ...]
) -> None:
    program = piped(*mode, command=command, XDG_STATE_HOME=str(tmp_path / "state"))
    assert program.leave(20) == 1
    (report,) = (tmp_path / "state" / "py-peer").iterdir()
    assert program.errors.rstrip("\n").endswith(
        f"ValueError: nobody expected this. Please report it; what helps to mend it is in {report}"
    )
    assert program.errors.count("\n") == 1
    text = report.read_text(encoding="utf-8")
    assert f"--- In {place}\n" in text
    assert "ValueError: nobody expected this" in text


@pytest.mark.parametrize(
    "name",
    [
        "stream_muxer.yamux.yamux.FLAG_SYN",
        "pubsub.mcache.MessageCache",
        "io.trio.TrioTCPStream",
        "exceptions.ParseError",
    ],
)
def test_a_release_of_the_library_that_lacks_a_name_is_said_to_be_the_wrong_one(
    piped: Callable[..., Piped], tmp_path: Path, name: str
) -> None:
    metadata = tmp_path / "libp2p-0.9.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: libp2p\nVersion: 0.9.0\n")
    module, _, moved = f"libp2p.{name}".rpartition(".")
    another_release = faulty(f"sys.path.insert(0, {str(tmp_path)!r})\nimport {module} as there\ndel there.{moved}")
    program = piped("--headless", command=another_release, XDG_STATE_HOME=str(tmp_path / "state"))
    assert program.leave(20) == 1
    (report,) = (tmp_path / "state" / "py-peer").iterdir()
    assert f"cannot import name {moved!r}" in program.errors
    assert program.errors.rstrip("\n").endswith(
        ". That may be because py-libp2p 0.9.0 is installed, and py-peer was tested with 0.8.1 alone: "
        f"install py-peer again as the README says; what helps to mend it is in {report}"
    )


def test_a_state_folder_that_cannot_be_made_is_no_second_crash(piped: Callable[..., Piped], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    program = piped(command=THE_START_FAILS, XDG_STATE_HOME=str(tmp_path / "file"))
    assert program.leave(20) == 1
    assert "nobody expected this. No report could be left in " in program.errors
    assert "Traceback" not in program.errors
