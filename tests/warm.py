"""Programs that start warm: forked by a process that has imported the libraries, which is most of what a start takes.

What is our own is imported by each program for itself. A test that promises something of the start, or of what is
imported when, has its program start cold, as a shell does. So does everything that is no module of ours, and all of it
where there is no Linux.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from subprocess import PIPE
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias, final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).parents[1]
LIBRARIES: Final = ("janus", "libp2p", "msgspec", "prompt_toolkit", "textual.app", "trio_asyncio", "wcwidth")
OBEYED_AT_THE_START: Final = ("PYTHON", "LC_")
"""How variables begin that an interpreter reads when it starts, and not later."""

USUAL: Final = {"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
"""Of those, the ones that warm programs are started with."""

ENTER: Final = ("nsenter", "--net=")
"""How a command begins that runs in another network namespace."""

CLONE_NEWNET: Final = 0x40000000
MAX_REQUEST: Final = 1 << 17
_ONE_AT_A_TIME: Final = threading.Lock()


@final
class Warm:
    """A program that was started warm, with what tests use of `subprocess.Popen`."""

    def __init__(self, request: Mapping[str, Any], stdin: int, stdout: int, stderr: int) -> None:
        self.stdin: IO[bytes] | None = None
        self.stdout: IO[bytes] | None = None
        self.stderr: IO[bytes] | None = None
        self.returncode: int | None = None
        self._told, told = _pipe(buffering=0)
        with contextlib.ExitStack() as theirs:
            theirs.enter_context(told)
            if stdin == PIPE:
                end, self.stdin = _pipe()
                stdin = theirs.enter_context(end).fileno()
            if stdout == PIPE:
                self.stdout, end = _pipe()
                stdout = theirs.enter_context(end).fileno()
            if stderr == PIPE:
                self.stderr, end = _pipe()
                stderr = theirs.enter_context(end).fileno()
            with _ONE_AT_A_TIME:
                server = _server()
            data = json.dumps(request, ensure_ascii=False).encode("utf-8", "surrogateescape")
            socket.send_fds(server, [data], [stdin, stdout, stderr, told.fileno()])
        self.pid = int(self._told.readline())

    def poll(self) -> int | None:
        return self._wait(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._wait(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("a warm program", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has just ended, and its guardian knows
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _wait(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], seconds)[0]:
            self.returncode = int(self._told.readline())
            self._told.close()
        return self.returncode


Process: TypeAlias = "subprocess.Popen[bytes] | Warm"


def start(
    command: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    stdin: int,
    stdout: int,
    stderr: int,
    *,
    cold: bool = False,
    terminal: bool = False,
) -> Process:
    """Start a program, warm if it can be; the streams are descriptors or PIPE.

    With `terminal` it has a session of its own, whose terminal is its standard input.
    """
    network, *python = _parsed(command)
    if cold or not python or not sys.platform.startswith("linux") or _obeyed(env) != USUAL:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=terminal,
            preexec_fn=_take_terminal if terminal else None,  # noqa: PLW1509 - it takes no lock
        )
    request = {"python": python, "cwd": str(cwd), "env": dict(env), "network": network, "terminal": terminal}
    return Warm(request, stdin, stdout, stderr)


@contextlib.contextmanager
def script(code: str, *arguments: str) -> Iterator[Process]:
    """Run Python code, from which one reads, in a process of its own, to the end of the block."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(OBEYED_AT_THE_START)} | USUAL
    process = start([sys.executable, "-c", code, *arguments], ROOT, env, PIPE, PIPE, 2)
    with contextlib.ExitStack() as open_pipes:
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            open_pipes.enter_context(stream)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def _pipe(buffering: int = -1) -> tuple[IO[bytes], IO[bytes]]:
    """Return the end to read from, and the end to write to."""
    read, write = os.pipe()
    return os.fdopen(read, "rb", buffering), os.fdopen(write, "wb")


def _parsed(command: Sequence[str]) -> list[str]:
    """Return the file of the network namespace, or "", and the words behind `python`, none if that is another one."""
    words, network = list(command), ""
    if words[0] == ENTER[0] and words[1].startswith(ENTER[1]):
        network, words = words[1].removeprefix(ENTER[1]), words[2:]
    return [network, *words[1:]] if words[0] == sys.executable and words[1] in ("-c", "-m") else [network]


def _obeyed(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(OBEYED_AT_THE_START)}


@functools.cache
def _server() -> socket.socket:
    """Start the process that forks, for as long as this one lasts; return what it takes requests from."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-m", "tests.warm"]
        process = subprocess.Popen(command, stdin=theirs.fileno(), cwd=ROOT, env=dict(os.environ) | USUAL)

    def end() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the end already, and takes but a moment
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _take_terminal() -> None:
    """Make standard input the terminal of the session; under nohup SIGHUP is ignored, and children inherit that."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


# --- In the process that forks --------------------------------------------------------------------


def serve() -> None:
    """Fork a program for each request that comes by standard input, until that ends.

    Each has a guardian, who tells its number, waits for it, and tells how it has ended. Returns in the program, too,
    when that has ended in good order.
    """
    for name in LIBRARIES:
        importlib.import_module(name)
    control = socket.socket(fileno=os.dup(0))
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):  # nobody waits for a guardian
        signal.signal(number, signal.SIG_IGN)
    while True:
        request, descriptors, *_ = socket.recv_fds(control, MAX_REQUEST, 4)
        if not request:
            return
        if os.fork() == 0:
            control.close()
            _guard(json.loads(request.decode("utf-8", "surrogateescape")), *descriptors)
            return
        for descriptor in descriptors:
            os.close(descriptor)


def _guard(request: dict[str, Any], stdin: int, stdout: int, stderr: int, told: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(told)
        for number, descriptor in enumerate((stdin, stdout, stderr)):
            os.dup2(descriptor, number)
            os.close(descriptor)
        _become(**request)
        return
    os.write(told, b"%d\n" % pid)
    os.closerange(0, told)  # or the program's streams would not end with it
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.write(told, b"%d\n" % code)
    os._exit(0)


def _become(*, python: list[str], cwd: str, env: dict[str, str], network: str, terminal: bool) -> None:
    """Be what the command `python` with these words would be."""
    if network:
        _enter(network)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if terminal:
        os.setsid()
        _take_terminal()
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    kind, what, *arguments = python
    sys.argv = [kind, *arguments]
    sys.path[0] = cwd
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        buffering = 1 if name == "stderr" or os.isatty(number) else -1
        errors = "backslashreplace" if name == "stderr" else "surrogateescape"
        stream = open(number, mode, buffering, "utf-8", errors, closefd=False)  # noqa: SIM115 - for good
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(what, {"__name__": "__main__"})  # noqa: S102 - as `python -c` does


def _enter(network: str) -> None:
    descriptor = os.open(network, os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), f"setns: {network}")
    os.close(descriptor)


if __name__ == "__main__":
    serve()
