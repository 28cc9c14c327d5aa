"""The program as a shell starts it: what it says, what it leaves behind, and how it ends; on pipes."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from py_peer import __version__
from py_peer.core.exit_codes import ExitCode
from py_peer.frontends.sub_commands import SUB_COMMANDS
from py_peer.main import _early_code
from tests.frontends.programs import (
    BUSY_SECONDS,
    DEADLINE,
    LEAVING_SECONDS,
    PY_PEER,
    ROOT,
    Piped,
    environment,
    run_to_its_end,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from py_peer.frontends.sub_commands import SubCommand

STARTING = "Starting Universal Connectivity Application..."


def run(
    folder: Path, *arguments: str, command: Sequence[str] = PY_PEER, given: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, *arguments],
        input=given,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(),
        timeout=DEADLINE,
        check=False,
    )


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_help_and_version_write_nothing_and_import_nothing_heavy(tmp_path: Path, option: str) -> None:
    script = (
        "import sys\nfrom py_peer.main import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        "heavy = {'asyncio', 'prompt_toolkit', 'trio', 'libp2p', 'janus', 'multiaddr', 'logging'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)\n"
    )
    done = run(tmp_path, option, command=(sys.executable, "-c", script))
    assert done.stderr == "[]\n"
    assert ("usage: py-peer" in done.stdout) if option == "--help" else (done.stdout == f"py-peer {__version__}\n")
    assert list(tmp_path.iterdir()) == []


INTERRUPTED = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), {number})

sys.meta_path.insert(0, Interrupting())
"""
"""Gives the program a signal in the middle of its imports."""


@pytest.mark.parametrize("entry", ["py_peer", "entry point"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("module", ["argparse", "py_peer.frontends.leaving"])
def test_a_signal_in_the_middle_of_the_first_imports_ends_it_silently(
    tmp_path: Path, module: str, number: signal.Signals, entry: str
) -> None:
    started = "from py_peer.main import main\nsys.exit(main())"
    if entry == "py_peer":
        started = "import runpy\nrunpy.run_module('py_peer', run_name='__main__', alter_sys=True)"
    script = INTERRUPTED.format(module=module, number=int(number)) + started
    done = run(tmp_path, "--headless", command=(sys.executable, "-c", script))
    assert (done.returncode, done.stdout, done.stderr) == (ExitCode.OK, "", "")


@pytest.mark.parametrize("words", [("--oneshot", "hello"), ("--oneshot=hello",)])
def test_a_signal_in_the_middle_of_the_first_imports_does_not_hide_that_nothing_was_sent(
    tmp_path: Path, words: Sequence[str]
) -> None:
    script = INTERRUPTED.format(module="argparse", number=int(signal.SIGTERM)) + "from py_peer.main import main\nmain()"
    assert run(tmp_path, *words, command=(sys.executable, "-c", script)).returncode == ExitCode.NOBODY_REACHED


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("get", "--name", "photo"), ExitCode.NOT_FOUND),
        (("--json", "kv", "put", "key", "value"), ExitCode.NOT_SENT),
        (("kv", "get", "key", "--json"), ExitCode.NOT_FOUND),
        (("provide", "--path", __file__), ExitCode.OK),
    ],
    ids=["get", "put", "kv get", "provide"],
)
@pytest.mark.parametrize("module", ["argparse", "py_peer.headless"])
def test_a_command_ended_before_it_has_come_up_says_by_its_code_what_was_not_done_and_nothing_else(
    tmp_path: Path, words: Sequence[str], code: ExitCode, module: str
) -> None:
    script = INTERRUPTED.format(module=module, number=int(signal.SIGTERM)) + "from py_peer.main import main\nmain()"
    done = run(tmp_path, *words, command=(sys.executable, "-c", script))
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


@pytest.mark.parametrize("command", SUB_COMMANDS.values(), ids=SUB_COMMANDS.keys())
def test_what_a_command_ends_with_is_known_before_its_arguments_are_read(command: SubCommand) -> None:
    name = command.name.split()
    for words in (name, ["--json", *name, "--timeout", "9"], ["--nick", "Ada L", *name], [*name, "git show"]):
        assert _early_code(words) == command.undone


@pytest.mark.parametrize(("words", "code"), [((), 0), (("--json",), 0), (("kv",), 0), (("--oneshot=x",), 4)])
def test_what_is_no_command_or_not_yet_one_ends_with_no_code_of_one(words: Sequence[str], code: int) -> None:
    assert _early_code(words) == code


def test_a_signal_that_is_ignored_stays_so_through_the_first_imports(tmp_path: Path) -> None:
    script = INTERRUPTED.format(module="argparse", number=int(signal.SIGINT))
    script += "signal.signal(signal.SIGINT, signal.SIG_IGN)\nfrom py_peer.main import main\nsys.exit(main())"
    assert run(tmp_path, "--version", command=(sys.executable, "-c", script)).stdout == f"py-peer {__version__}\n"


def test_the_main_thread_imports_neither_trio_nor_libp2p(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "import py_peer.main, py_peer.headless\n"
        "from py_peer.frontends import piped, printer, typed\n"
        "print(sorted({'trio', 'libp2p', 'multiaddr'} & set(sys.modules)))\n"
    )
    assert run(tmp_path, command=(sys.executable, "-c", script)).stdout == "[]\n"


def test_nothing_heavy_is_imported_before_the_first_line(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "import py_peer.main\n"
        "from py_peer.frontends.screen import Screen\n"
        "def show(self, lines):\n"
        "    heavy = {'asyncio', 'importlib.metadata', 'janus', 'libp2p', 'prompt_toolkit', 'textual', 'trio'}\n"
        "    print([*lines, *sorted(heavy & sys.modules.keys())], flush=True)\n"
        "    os._exit(0)\n"
        "Screen.show = show\n"
        "py_peer.main.main(['--headless'])\n"
    )
    assert run(tmp_path, command=(sys.executable, "-c", script)).stdout == f"{[STARTING]}\n"


def test_bad_arguments_end_before_anything_is_started(tmp_path: Path) -> None:
    done = run(tmp_path, "-c", "/ip4/127.0.0.1/udp/4001/webrtc-direct")
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: argument -c/--connect: " in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_log_file_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    done = run(tmp_path, "--log-file", str(tmp_path / "nowhere" / "chat.log"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: argument --log-file: " in done.stderr
    assert "No such file or directory" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        (sys.executable, "-c", "from py_peer.main import main; raise SystemExit(main())"),
        (sys.executable, str(ROOT / "py_peer" / "main.py"), "--verbose"),
        (sys.executable, "-P", str(ROOT / "py_peer" / "main.py"), "--log-file", "chat.log"),
    ],
    ids=["entry point", "as a file", "as a file with a safe path"],
)
def test_every_way_to_start_it_works(tmp_path: Path, command: Sequence[str]) -> None:
    done = run(tmp_path, "--nick", "Ann", command=command, given="/status\n")
    assert done.returncode == 0
    assert done.stdout.startswith(f"{STARTING}\n=== Universal Connectivity Chat ===\nNickname: Ann\nPeer ID: 12D3KooW")
    assert "  - Subscribed topics: chat, discovery\n" in done.stdout
    assert done.stdout.endswith("\nGoodbye!\n")
    assert ("DEBUG" in done.stderr) == ("--verbose" in command)
    assert "Traceback" not in done.stderr


def test_nobody_there_and_nobody_named_is_said_at_once(tmp_path: Path) -> None:
    done = run_to_its_end(tmp_path, given="one\ntwo\n")
    assert done.returncode == 4
    assert done.stderr == ""
    assert done.stdout.splitlines()[-3:] == [
        "⚠️  No peers connected - 2 message(s) will be sent when one comes",
        "⚠️  Not sent: 2 message(s) - nobody was there",
        "Goodbye!",
    ]


@pytest.mark.parametrize("mode", [(), ("--headless",)], ids=["interactive", "headless"])
def test_a_port_in_use_is_told_and_has_its_own_exit_code(tmp_path: Path, mode: Sequence[str]) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:  # noqa: S104 - where the program would listen
        port = str(taken.getsockname()[1])
        done = run_to_its_end(tmp_path, *mode, "--port", port)
    assert done.returncode == 3
    assert done.stderr.startswith(f"py-peer: cannot listen: port {port} is taken")
    assert "Listening" not in done.stdout
    assert "Multiaddr" not in done.stdout


@pytest.mark.parametrize(
    ("mode", "sign", "number"),
    [
        ((), "^📡 Joined", signal.SIGTERM),
        (("--headless",), "^Listening on", signal.SIGINT),
        (("--headless",), "^Listening on", signal.SIGHUP),
        ((), f"^{STARTING}", signal.SIGINT),
        (("--headless",), f"^{STARTING}", signal.SIGTERM),
        ((), f"^{STARTING}", signal.SIGHUP),
    ],
    ids=lambda value: value.name if isinstance(value, signal.Signals) else " ".join(value),
)
def test_a_signal_ends_it_in_order(
    piped: Callable[..., Piped], mode: Sequence[str], sign: str, number: signal.Signals
) -> None:
    program = piped(*mode, cold=STARTING in sign)
    program.expect(sign)
    program.signal(number)
    assert program.leave() == 0
    assert program.lines[-1] == "Goodbye!"
    assert program.errors == ""


def test_a_second_interrupt_does_not_break_the_leaving(piped: Callable[..., Piped]) -> None:
    program = piped()
    program.expect("^📡 Joined")
    for _ in range(100):
        if program.process.poll() is None:
            program.signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.process.wait(0.02)
    assert program.leave() == 0
    assert program.lines[-1] == "Goodbye!"
    assert program.errors == ""


def test_headless_does_not_read_its_input_and_the_end_of_it_ends_nothing(piped: Callable[..., Piped]) -> None:
    program = piped("--headless")
    program.send("quit\n")
    program.end_input()
    program.expect("^Listening on")
    assert program.process.poll() is None
    program.signal(signal.SIGTERM)
    assert program.leave() == 0


@pytest.mark.parametrize(
    ("arguments", "sign", "typed"),
    [
        ((), "📡 Joined".encode(), b"/help\n"),
        (("--json", "--headless"), b'"ready"', b'{"command":"peers"}\n'),
    ],
)
def test_a_reader_that_goes_away_ends_it_quietly(
    arguments: tuple[str, ...], sign: bytes, typed: bytes, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [*PY_PEER, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment(),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        while sign not in process.stdout.readline():
            assert process.poll() is None
        process.stdout.close()
        process.stdin.write(typed)
        process.stdin.flush()
        assert process.wait(LEAVING_SECONDS + BUSY_SECONDS) == 0
        assert process.stderr.read() == b""


def test_an_output_that_nobody_reads_does_not_keep_it(tmp_path: Path) -> None:
    out, into = os.pipe()
    with subprocess.Popen(
        PY_PEER, stdin=subprocess.PIPE, stdout=into, stderr=subprocess.PIPE, cwd=tmp_path, env=environment()
    ) as process:
        os.close(into)
        assert process.stdin is not None
        os.set_blocking(process.stdin.fileno(), False)
        full = False
        end = time.monotonic() + DEADLINE
        while not full and time.monotonic() < end:  # its input fills up when it is stuck in its output
            try:
                full = os.write(process.stdin.fileno(), b"/help\n" * 10_000) == 0
            except BlockingIOError:
                full = not _writable(process.stdin.fileno(), 1.0)
        assert full
        process.send_signal(signal.SIGTERM)
        assert process.wait(LEAVING_SECONDS + BUSY_SECONDS) == 0
        os.close(out)


def _writable(descriptor: int, seconds: float) -> bool:
    return bool(select.select([], [descriptor], [], seconds)[1])


def test_two_programs_talk_both_ways(piped: Callable[..., Piped]) -> None:
    ann = piped("--nick", "Ann", "--no-intro")
    bob = piped("--headless", "--nick", "Bob", "--connect", ann.address())
    ann_id = ann.address().rsplit("/", 1)[1]
    bob.expect(f"^Connected to: {ann_id} via /ip4/127.0.0.1/tcp/")
    bob.expect(f"^Received identify from {ann_id}: protocol_version: \\S+, agent_version: .+, \\d+ protocols$")
    bob.expect(f"^Received a ping from {ann_id}, round trip time: \\d+ ms$")
    bob_id = bob.expect("^Local peer id: (12D3KooW\\w+)$")[1]
    ann.expect(f"^📡 Connected to peer: {bob_id[-8:]}$")
    bob.expect(f"^Nickname of {ann_id}: Ann$")
    ann.expect(rf"^\[Bob\({bob_id[-8:]}\)\]: Hello from Bob \(py-peer\)$")
    ann.send("hello bob\n")
    ann.expect(r"^✓ Message sent to 1 peer\(s\)$")
    bob.expect(f"^Received chat message from {ann_id}: hello bob$")
    bob.signal(signal.SIGTERM)
    assert bob.leave() == 0
    ann.expect(rf"^📡 Peer left: {bob_id[-8:]} \(Bob\)$")
    ann.send("are you there?\n")
    ann.expect(r"^⚠️  No peers connected - 1 message\(s\) will be sent when one comes$")
    ann.end_input()
    assert ann.leave(DEADLINE) == 5
    assert ann.lines[-2:] == ["⚠️  Not sent: 1 message(s)", "Goodbye!"]


def test_five_hundred_lines_at_once_arrive_in_order(piped: Callable[..., Piped]) -> None:
    bob = piped("--headless")
    address = bob.address()
    ann = piped("--no-intro", REMOTE_PEER=address)
    ann.send("".join(f"line {number}\n" for number in range(500)))
    ann.end_input()
    assert ann.leave(DEADLINE + 10) == 0
    assert ann.lines.count("✓ Message sent to 1 peer(s)") == 500
    assert "📡 Sending: " in ann.text
    bob.expect(": line 499$")
    shown = [line.split(": ", 1)[1] for line in bob.lines if line.startswith("Received chat message")]
    assert shown == [f"line {number}" for number in range(500)]


def test_a_signal_ends_the_waiting_for_a_named_peer(piped: Callable[..., Piped]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the call and says nothing
        program = piped("--connect", f"/ip4/127.0.0.1/tcp/{silent.getsockname()[1]}")
        program.send("hello\n")
        program.end_input()
        program.expect(r"^⚠️  No peers connected - 1 message\(s\) will be sent when one comes$")
        program.signal(signal.SIGTERM)
        assert program.leave() == 4
    assert program.lines[-2:] == ["⚠️  Not sent: 1 message(s) - nobody was there", "Goodbye!"]


def test_one_line_to_a_named_peer_is_heard_and_ends_it(piped: Callable[..., Piped]) -> None:
    bob = piped("--headless", "--no-intro")
    ann = piped("--no-intro", "--connect", bob.address())
    ann.send("just this")
    ann.end_input()
    assert ann.leave(DEADLINE) == 0
    bob.expect(": just this$")
    assert "✓ Message sent to 1 peer(s)" in ann.lines


def test_a_reader_that_goes_away_in_the_middle_of_a_paste_hides_no_loss(
    piped: Callable[..., Piped], tmp_path: Path
) -> None:
    ann = piped("--no-intro")
    with subprocess.Popen(
        [*PY_PEER, "--no-intro", "-c", ann.address()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment(),
    ) as bob:
        assert bob.stdin is not None
        assert bob.stdout is not None
        assert bob.stderr is not None
        bob.stdin.write("".join(f"line {number}\n" for number in range(400)))
        bob.stdin.close()
        bob.stdout.readline()
        bob.stdout.close()
        assert bob.wait(20) in (ExitCode.NOBODY_REACHED, ExitCode.NOT_SENT)
        assert re.match(r"py-peer: standard output was closed\n(.*\n)*.*Not (sent|read): \d", bob.stderr.read())
