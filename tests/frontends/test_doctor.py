"""`py-peer doctor` finds what is wrong, says what to do, and leaves nothing behind."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest

from py_peer.core.exit_codes import ExitCode
from py_peer.core.remembered import Places
from py_peer.frontends import doctor, doctor_checks
from py_peer.frontends.arguments import Arguments, parse_arguments
from py_peer.frontends.doctor import Finding, Level
from py_peer.net import release
from py_peer.net.private_files import write_private
from tests.frontends.programs import DEADLINE, PY_PEER, environment
from tests.web_certificates import sign_itself

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Check = Callable[[Arguments], Iterator[Finding]]


SOMEBODY = "12D3KooWDwFt8aZ3UBoYgBjzPKNJ5xH6j4diuXPfSNEZKWBe6U6Y"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for kind in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))


def found(check: Check, *argv: str) -> list[Finding]:
    return doctor.examine("it", check, parse_arguments(["doctor", *argv], {}))


def the_one(check: Check, *argv: str) -> Finding:
    (finding,) = found(check, *argv)
    return finding


def run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PY_PEER, "doctor", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(**more),
        timeout=DEADLINE,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_a_sound_machine_is_told_line_by_line_and_nothing_is_left_behind(tmp_path: Path) -> None:
    home = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "DATA", "STATE")}
    done = run(tmp_path, **home)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("py-peer ")
    assert lines[-1].startswith("0 failure(s), ")
    for check in (
        "python: CPython",
        "libp2p: ",
        "listening: TCP and UDP (QUIC) on a free port",
        "clock: ",
        "identity: ",
    ):
        assert any(f"  {check}" in line for line in lines)
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_a_failure_in_json_too(tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:  # noqa: S104 - where the chat would listen
        port = str(taken.getsockname()[1])
        done = run(tmp_path, "--json", "--port", port)
    assert (done.returncode, done.stderr) == (1, "")
    report = json.loads(done.stdout)
    assert report["ok"] is False
    (bad,) = [finding for finding in report["checks"] if finding["level"] == "failure"]
    assert bad["check"] == "listening"
    assert bad["text"] == f"port {port} is taken by another program"
    assert bad["advice"] == "choose another with --port, or leave it out for a free one"


def test_the_doctor_takes_the_options_of_the_chat_that_is_in_trouble() -> None:
    chat = ["--ui", "--connect", "/ip4/127.0.0.1/tcp/1", "--metrics", "9100", "--no-intro", "--theme", "nord"]
    found = parse_arguments(["doctor", "--json", *chat], {})
    assert (found.command, found.settings.metrics, found.theme) == ("doctor", ("127.0.0.1", 9100), "nord")


def test_all_that_is_listened_on_is_looked_at_and_the_certificate(tmp_path: Path) -> None:
    files = sign_itself(tmp_path, "peer.example", "192.0.2.7")
    secured = ("--wss-cert", str(files[0]), "--wss-key", str(files[1]))
    assert found(doctor_checks.check_certificate, *secured) == [
        Finding("certificate", Level.OK, "holds for peer.example, 192.0.2.7")
    ]
    assert found(doctor_checks.check_certificate) == []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        places = ("--listen", "/ip4/127.0.0.1/tcp/0/ws", "--listen", f"/ip4/127.0.0.1/tcp/{port}")
        good, bad = found(doctor_checks.check_listening, *places)
    assert (good.level, good.text) == (Level.OK, "TCP on a free port of 127.0.0.1")
    assert (bad.level, bad.text) == (Level.FAILURE, f"port {port} is taken by another program")
    assert bad.advice == "choose another with --listen, or 0 for a free one"
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 0))  # noqa: S104 - what a stranger does
        port = taken.getsockname()[1]
        [finding] = found(doctor_checks.check_listening, "--port", str(port))
    assert finding.level is Level.WARNING
    assert finding.text.endswith(f", but UDP port {port} of IPv4 is taken by another program: no QUIC there")
    files[1].write_text("no key")
    [finding] = found(doctor_checks.check_certificate, *secured)
    assert (finding.level, "is no private key in PEM" in finding.text) == (Level.FAILURE, True)


def test_an_announced_address_that_leads_nowhere_from_outside_is_warned_of() -> None:
    good = ("--announce", "/dns/peer.example/tcp/4001", "--announce", "/ip4/11.0.0.1/tcp/4001")
    assert found(doctor_checks.check_announced, *good) == []
    near = "/ip4/192.168.0.7/tcp/4001"
    [finding] = found(doctor_checks.check_announced, *good, "--announce", near)
    assert (finding.level, finding.text) == (
        Level.WARNING,
        f"{near} is an address of a private network: nobody from elsewhere gets here by it",
    )


def test_a_taken_port_of_the_statistics_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        finding = the_one(doctor_checks.check_metrics, "--metrics", str(port))
    assert finding.level is Level.FAILURE
    assert finding.text == f"port {port} of 127.0.0.1: port {port} is taken by another program"
    assert the_one(doctor_checks.check_metrics, "--metrics", "0").level is Level.OK
    assert found(doctor_checks.check_metrics) == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"PY_PEER_PORT": "many"}, "PY_PEER_PORT (environment): 'many' is not a port"),
        ({"PY_PEER_CONFIG": "/nowhere/c.toml"}, "/nowhere/c.toml, which PY_PEER_CONFIG names, is not there"),
        ({"PY_PEER_IDENTITY": "k", "PY_PEER_EPHEMERAL": "1"}, "PY_PEER_EPHEMERAL (environment): no key is kept, but"),
    ],
)
def test_what_is_kept_and_cannot_be_used_is_a_failure_and_the_rest_is_looked_at(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, more: dict[str, str], words: str
) -> None:
    checks = {"configuration": doctor_checks.check_configuration, "listening": doctor_checks.check_listening}
    monkeypatch.setattr(doctor_checks, "CHECKS", checks)
    assert doctor.run(parse_arguments(["doctor", "--json", "--port", "0"], more)) == ExitCode.FAULT
    bad, listening = json.loads(capsys.readouterr().out)["checks"]
    assert (bad["check"], bad["level"], listening["level"]) == ("configuration", "failure", "ok")
    assert bad["text"].startswith(words)
    assert bad["advice"]


def test_warnings_alone_are_no_failure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def check(_arguments: Arguments) -> Iterator[Finding]:
        yield doctor.warning("it", "is\n\x1b[31mso so", "wait")

    monkeypatch.setattr(doctor_checks, "CHECKS", {"it": check})
    assert doctor.run(parse_arguments(["doctor"], {})) == ExitCode.OK
    assert capsys.readouterr().out.splitlines()[1:] == [
        "warning  it: is so so",
        "         -> wait",
        "0 failure(s), 1 warning(s)",
    ]


def test_a_check_that_breaks_is_a_failure_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_arguments: Arguments) -> Iterator[Finding]:
        raise KeyError("oh")

    monkeypatch.setattr(doctor_checks, "CHECKS", {"one": broken, "two": doctor_checks.check_clock})
    assert doctor.run(parse_arguments(["doctor"], {})) == ExitCode.FAULT
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("failure  one: the check itself has failed: KeyError: 'oh'")
    assert lines[3].startswith("ok       clock: ")


def test_an_old_python_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_checks, "OLDEST_PYTHON", (3, 99))
    assert the_one(doctor_checks.check_python).level is Level.WARNING


def test_other_versions_than_the_pinned_ones_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["trio==0.0.1", "janus==2.0.0", "no-such-thing==1.0", "colorama==9; sys_platform == 'win32'"]
    monkeypatch.setattr(metadata, "requires", lambda _name: wanted)
    finding = the_one(doctor_checks.check_packages)
    assert finding.level is Level.WARNING
    assert finding.text.endswith(" instead of 0.0.1; no-such-thing is missing instead of 1.0")
    assert "janus" not in finding.text
    assert "colorama" not in finding.text


def test_another_release_of_the_library_is_found_where_py_peer_was_never_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nowhere(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", nowhere)
    assert the_one(doctor_checks.check_packages).level is Level.OK
    monkeypatch.setattr(metadata, "version", lambda _name: "0.9.0")
    finding = the_one(doctor_checks.check_packages)
    assert (finding.level, finding.text) == (Level.WARNING, "libp2p 0.9.0 instead of 0.8.1")


def test_a_check_that_breaks_on_another_release_of_the_library_is_nothing_to_report(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_arguments: Arguments) -> Iterator[Finding]:
        raise ImportError("cannot import name 'FLAG_SYN'")

    assert the_one(broken).advice == "please report it"
    monkeypatch.setattr(release, "installed", lambda: "0.9.0")
    assert the_one(broken).advice == "install py-peer again as the README says"


def test_a_package_for_another_machine_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_checks, "COMPILED", ("no_such_module",))
    assert found(doctor_checks.check_packages)[-1].level is Level.FAILURE


def test_a_library_without_bytecode_is_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor_checks, "cache_from_source", lambda _path: str(tmp_path / "nothing"))
    finding = the_one(doctor_checks.check_library)
    assert finding.level is Level.WARNING
    assert "-m compileall" in finding.advice


def test_a_clock_in_another_century_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_checks, "FIRST_YEAR", 2099)
    assert "the year is" in the_one(doctor_checks.check_clock).text


def test_a_clock_that_jumps_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, steady = iter([1_800_000_000.0, 1_800_000_010.0]), iter([0.0, 0.1])
    monkeypatch.setattr(time, "time", lambda: next(wall))
    monkeypatch.setattr(time, "monotonic", lambda: next(steady))
    assert "it has jumped by 9.9" in the_one(doctor_checks.check_clock).text


def test_logs_that_cannot_be_written_are_warnings(tmp_path: Path) -> None:
    (tmp_path / "system_messages.txt").mkdir()
    first, second = found(doctor_checks.check_logs, "--log-file", "/proc/nowhere/x.log")
    assert first.text == "system_messages.txt cannot be written: it is not a file"
    assert second.level is Level.WARNING


def test_a_folder_that_others_may_write_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "data" / "py-peer").mkdir(parents=True)
    (tmp_path / "data" / "py-peer").chmod(0o777)
    finding = next(one for one in found(doctor_checks.check_folders) if one.check == "data folder")
    assert finding.level is Level.WARNING
    assert finding.advice == f"chmod 700 {tmp_path / 'data' / 'py-peer'}"


def test_a_folder_that_is_a_file_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "py-peer").touch()
    finding = next(one for one in found(doctor_checks.check_folders) if one.check == "state folder")
    assert finding.level is Level.WARNING
    assert finding.advice == f"move {tmp_path / 'state' / 'py-peer'} away: it is no folder"


def test_a_key_that_cannot_be_made_is_said_with_the_folder_that_is_to_be_mended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", Mock(side_effect=PermissionError(13, "not yours")))
    folder, _ = found(doctor_checks.check_folders)
    assert folder.text == f"{tmp_path / 'data' / 'py-peer'} cannot be written: not yours"
    assert folder.advice == f"make it yours: chmod u+rwx {tmp_path}"
    kept = the_one(doctor_checks.check_identity)
    assert kept.level is Level.WARNING
    assert kept.text == f"{tmp_path / 'data' / 'py-peer' / 'identity.key'} cannot be made: not yours"
    assert the_one(doctor_checks.check_identity, "--identity", "mine").level is Level.FAILURE


def test_a_test_key_is_called_one() -> None:
    finding = the_one(doctor_checks.check_identity, "--secret-key-seed", "1")
    assert (finding.level, finding.advice) == (Level.WARNING, "leave --secret-key-seed out, but for a test")
    assert "test key 1" in finding.text


def test_it_is_said_where_the_peers_of_earlier_runs_are_kept_and_how_many(tmp_path: Path) -> None:
    file = tmp_path / "data" / "py-peer" / "peers.json"
    none = the_one(doctor_checks.check_remembered)
    assert (none.level, none.text) == (Level.OK, f"{file} is made when you have met somebody")
    places = Places(None, time.time())
    places.reached(SOMEBODY, [f"/ip4/192.0.2.7/tcp/4001/p2p/{SOMEBODY}"])
    file.parent.mkdir(parents=True)
    write_private(file, places.write(), replace=True)
    assert the_one(doctor_checks.check_remembered).text == f"1 in {file}"
    file.write_bytes(b"{}")
    bad = the_one(doctor_checks.check_remembered)
    assert bad.level is Level.WARNING
    assert bad.text == f"{file} cannot be understood"
    assert bad.advice.startswith("move it away")


@pytest.mark.parametrize("option", ["--no-remember", "--ephemeral"])
def test_where_none_are_remembered_it_is_said_why(option: str) -> None:
    assert the_one(doctor_checks.check_remembered, option).text == f"none, as {option} says"


@dataclass
class FakeTerminal(io.StringIO):
    encoding: str = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("columns", "term", "more", "level", "words"),
    [
        (100, "xterm-256color", {}, Level.OK, "100 columns, 30 rows, 256 colours"),
        (100, "xterm", {"COLORTERM": "truecolor"}, Level.OK, "all colours"),
        (100, "xterm", {"NO_COLOR": "1"}, Level.OK, "no colours"),
        (100, "dumb", {}, Level.WARNING, "cannot place its cursor"),
        (20, "xterm", {}, Level.WARNING, "20 columns"),
    ],
)
def test_a_terminal_is_judged_by_what_it_can_show(
    monkeypatch: pytest.MonkeyPatch, columns: int, term: str, more: dict[str, str], level: Level, words: str
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("COLORTERM", raising=False)
    for name, value in {"TERM": term, "COLUMNS": str(columns), "LINES": "30", **more}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", FakeTerminal())
    finding = the_one(doctor_checks.check_terminal)
    assert finding.level is level
    assert words in finding.text


def test_a_terminal_that_knows_no_utf8_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", FakeTerminal(encoding="latin-1"))
    assert found(doctor_checks.check_terminal)[0].level is Level.WARNING


def test_few_open_files_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    resource: Any = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (100, 100_000))
    finding = the_one(doctor_checks.check_files)
    assert finding.level is Level.WARNING
    assert "ulimit -n" in finding.advice


def test_a_key_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"nonsense")
    key.chmod(0o600)
    finding = the_one(doctor_checks.check_identity, "--identity", str(key))
    assert finding.level is Level.FAILURE
    assert str(key) in finding.text
    assert finding.advice


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_key_that_others_can_read_is_a_failure_with_the_way_to_close_it(tmp_path: Path) -> None:
    from py_peer.net.identity import kept_identity

    key = tmp_path / "key"
    kept_identity(key)
    assert the_one(doctor_checks.check_identity, "--identity", str(key)).level is Level.OK
    key.chmod(0o644)
    finding = the_one(doctor_checks.check_identity, "--identity", str(key))
    assert finding.level is Level.FAILURE
    assert "chmod 600" in finding.advice


def test_a_key_in_use_is_told_with_the_process_that_has_it(tmp_path: Path) -> None:
    from py_peer.net.identity import hold_identity

    key = tmp_path / "key"
    with hold_identity(key) as identity:
        text = the_one(doctor_checks.check_identity, "--identity", str(key)).text
        assert text == f"{identity.peer_id}, kept in {key}, in use by process {os.getpid()}"
    assert "in use" not in the_one(doctor_checks.check_identity, "--identity", str(key)).text
