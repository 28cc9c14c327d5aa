"""The entry point: arguments, then one of the front-ends over one service."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from itertools import pairwise

TYPE_CHECKING = False  # `typing` would take longer than all else up to where signals are ours

if __package__ in (None, ""):  # run as a file, `python py_peer/main.py`: make the package importable, and only that
    _here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - nothing heavy is imported here
    sys.path[:] = [os.path.dirname(_here), *(entry for entry in sys.path if os.path.abspath(entry) != _here)]  # noqa: PTH100, PTH120

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from py_peer.core.settings import Settings
    from py_peer.frontends.arguments import Arguments
    from py_peer.frontends.front_end import FrontEnd, Service
    from py_peer.frontends.leaving import Watchdog
    from py_peer.frontends.log_setup import HeldLog
    from py_peer.frontends.screen import Screen


def main(argv: Sequence[str] | None = None) -> int:
    """Run py-peer; return its exit code. `argv` is sys.argv without its first part if None.

    Raises SystemExit for --help, --version and bad arguments. Signals are left ignored: the process is to end.
    """
    _leave_silently_on_signals(sys.argv[1:] if argv is None else argv)
    arguments = None
    try:
        from py_peer.frontends.arguments import parse_arguments  # noqa: PLC0415

        arguments = parse_arguments(argv)
        return _run_sub_command(arguments) if arguments.command else _chat(arguments)
    except Exception as fault:  # noqa: BLE001 - nothing above would know what to do
        return _crash(fault, arguments)


_UNDONE = {
    "get": 6,
    "kv get": 6,
    "kv providers": 6,
    "kv put": 5,
    "kv forget": 5,
    "kv provide": 5,
    "git publish": 5,
    "git forget": 5,
    "git show": 6,
    "nostr publish": 5,
    "nostr verify": 6,
}
"""What sub-commands end with that are ended before they have done anything: `SubCommand.undone`, not imported yet."""


def _early_code(words: Sequence[str]) -> int:
    """Return what a program ends with that is ended before its arguments are read; an option's value may mislead it."""
    if any(word.partition("=")[0] == "--oneshot" for word in words):
        return 4  # ExitCode.NOBODY_REACHED
    for word, after in pairwise([*words, ""]):
        if word in ("get", "provide"):
            return _UNDONE.get(word, 0)
        if word in ("git", "kv", "nostr"):
            return _UNDONE.get(f"{word} {after}", 0)
    return 0


def _leave_silently_on_signals(words: Sequence[str]) -> None:
    """Make a signal end the program on the spot, while it is not even known what is asked for.

    As KeyboardInterrupt it would be a traceback; in a callback of a module half imported, nothing but a complaint.
    """
    code = _early_code(words)

    def leave(_number: int, _frame: FrameType | None) -> None:
        os._exit(code)

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:  # as a shell wishes of what it runs in the background
            signal.signal(number, leave)


def _chat(arguments: Arguments) -> int:
    # What follows is imported step by step, so that the first line is there before the first heavy import.
    from py_peer.frontends.leaving import Watchdog, leave_at_once_on_signals  # noqa: PLC0415
    from py_peer.frontends.screen import Screen, mend_standard_streams  # noqa: PLC0415

    leave_at_once_on_signals(*_early_end(arguments))
    mend_standard_streams(json=arguments.json)
    if arguments.oneshot is not None:
        from py_peer.frontends.oneshot_text import with_text  # noqa: PLC0415

        arguments = with_text(arguments)
    if arguments.ui:
        from py_peer.frontends.fitness import fit_for_full_screen  # noqa: PLC0415

        arguments = fit_for_full_screen(arguments)
    held = _set_up_logging(arguments)
    screen = Screen(sys.stdout)
    screen.show([_first_line(arguments)])

    from py_peer.headless import HeadlessService  # noqa: PLC0415

    service = HeadlessService(arguments.settings)
    if not arguments.ui:  # the full screen is painted first: importing libp2p would take half of its time
        service.start()
    from py_peer.frontends.running import run_front_end  # noqa: PLC0415

    return run_front_end(arguments, lambda: _front_end(arguments, service, screen, Watchdog(), held))


def _first_line(arguments: Arguments) -> str:
    if not arguments.json:
        return "Starting Universal Connectivity Application..."
    from py_peer import __version__  # noqa: PLC0415
    from py_peer.core.json_lines import Starting, event_line  # noqa: PLC0415 - costs 40 ms, with --json only

    return event_line(Starting(__version__), time.time())


def _early_end(arguments: Arguments) -> tuple[str, int]:
    """Return the last line, and the exit code, of a program that is told to leave before it has come up."""
    from py_peer.core.exit_codes import ExitCode  # noqa: PLC0415

    unsent = arguments.oneshot is not None
    code = ExitCode.NOBODY_REACHED if unsent else ExitCode.OK
    if not arguments.json:
        return "Goodbye!", code
    from py_peer.core.json_lines import Ended, event_line  # noqa: PLC0415

    return event_line(Ended(int(code), int(unsent), ""), time.time()), code


def _crash(fault: Exception, arguments: Arguments | None) -> int:
    """Say that a fault of ours has ended the program before or beside a front-end; return the exit code."""
    import threading  # noqa: PLC0415

    from py_peer.core.cleaning import clean_line  # noqa: PLC0415
    from py_peer.core.exit_codes import ExitCode  # noqa: PLC0415
    from py_peer.core.limits import MAX_ERROR_CHARS  # noqa: PLC0415
    from py_peer.frontends.crash import report_crash  # noqa: PLC0415
    from py_peer.frontends.screen import finish_standard_streams  # noqa: PLC0415

    reason = clean_line(f"{type(fault).__name__}: {fault}", MAX_ERROR_CHARS)
    said = report_crash({"py-peer": fault}, (), arguments.held if arguments else {})
    print(f"py-peer: a fault of its own has ended it: {reason}. {said}", file=sys.stderr)
    finish_standard_streams()
    if threading.active_count() > 1:  # the service may be in the middle of an import, and nobody can interrupt that
        os._exit(ExitCode.FAULT)
    return ExitCode.FAULT


def _run_sub_command(arguments: Arguments) -> int:
    from py_peer.frontends.log_setup import set_up_logging  # noqa: PLC0415
    from py_peer.frontends.screen import finish_standard_streams, mend_standard_streams  # noqa: PLC0415
    from py_peer.frontends.sub_commands import run_sub_command, runs_a_peer  # noqa: PLC0415

    mend_standard_streams(json=arguments.json)
    if runs_a_peer(arguments.command):
        _set_up_logging(arguments)
    else:
        set_up_logging(verbose=arguments.verbose, log_file=None, held=None)
    try:
        code = run_sub_command(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # nobody waits for the rest (`py-peer doctor | head -1`)
        return 0
    except OSError as error:
        if error.filename is not None:
            raise
        print(f"py-peer: standard output cannot be written: {error.strerror or error}", file=sys.stderr)
        return 1
    else:
        return code
    finally:
        finish_standard_streams()


def _set_up_logging(arguments: Arguments) -> HeldLog | None:
    from py_peer.frontends.log_setup import HeldLog, set_up_logging  # noqa: PLC0415
    from py_peer.frontends.screen import on_a_terminal  # noqa: PLC0415

    silent = arguments.headless or arguments.json or arguments.oneshot or arguments.command
    typed = not silent and on_a_terminal() and sys.stderr.isatty()
    held = HeldLog() if typed and arguments.verbose and arguments.log_file is None else None
    try:
        set_up_logging(verbose=arguments.verbose, log_file=arguments.log_file, held=held)
    except OSError as error:
        from py_peer.frontends.arguments import refuse_option  # noqa: PLC0415

        refuse_option(
            arguments.held, "log_file", f"{arguments.log_file!r} cannot be written: {error.strerror or error}"
        )
    return held


def _front_end(
    arguments: Arguments, service: Service, screen: Screen, watchdog: Watchdog, held: HeldLog | None
) -> FrontEnd:
    if arguments.ui:
        gc.disable()  # until the service has imported its part: there is nothing to collect, and the first frame waits
        from py_peer.ui.chat import FullScreenChat  # noqa: PLC0415

        return FullScreenChat(service, screen, watchdog, held, arguments)
    if arguments.oneshot is not None:
        return _one_shot(arguments, service, screen, watchdog)
    patience = _patience(arguments.settings)
    if arguments.json:
        from py_peer.frontends.scripted import JsonChat  # noqa: PLC0415
        from py_peer.frontends.stdin_lines import standard_input  # noqa: PLC0415

        scripted = JsonChat(service, screen, watchdog, standard_input(), patience=patience, stays=arguments.headless)
        scripted.talk.start(arguments.settings.topics)
        return scripted
    if arguments.headless:
        from py_peer.frontends.printer import Printer  # noqa: PLC0415

        return Printer(service, screen, watchdog)
    from py_peer.frontends.interactive import make_chat  # noqa: PLC0415

    chat = make_chat(service, screen, watchdog, held, patience=patience)
    chat.talk.start(arguments.settings.topics)
    return chat


def _patience(settings: Settings) -> float:
    """Return how many seconds somebody who was named, or is near, is worth waiting for at the end of piped input."""
    from py_peer.core import limits  # noqa: PLC0415

    if settings.connect or settings.bootstrap:
        return limits.NAMED_PEER_WAIT
    return limits.LOOK_WAIT if settings.mdns or settings.remember else 0.0


def _one_shot(arguments: Arguments, service: Service, screen: Screen, watchdog: Watchdog) -> FrontEnd:
    from py_peer.frontends.oneshot import OneShot  # noqa: PLC0415

    kind: type[OneShot] = OneShot
    if arguments.json:
        from py_peer.frontends.scripted import JsonOneShot  # noqa: PLC0415

        kind = JsonOneShot
    one = kind(service, screen, watchdog, arguments.oneshot or "", timeout=arguments.timeout)
    one.topic = [one.topic, *arguments.settings.topics][-1]
    return one


if __name__ == "__main__":
    sys.exit(main())
