"""`py-peer doctor`: looks for what would keep the chat from working, and says what to do."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, final

from py_peer import __version__
from py_peer.core import limits
from py_peer.core.cleaning import clean_line
from py_peer.core.exit_codes import ExitCode
from py_peer.net import release

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from py_peer.frontends.arguments import Arguments


@final
class Level(StrEnum):
    """How bad it is: with a warning the chat runs, but something will be missing."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """What one check has found, in a sentence, and what to do about it."""

    check: str
    level: Level
    text: str
    advice: str = ""


def ok(check: str, text: str) -> Finding:
    """Return that all is well."""
    return Finding(check, Level.OK, text)


def warning(check: str, text: str, advice: str) -> Finding:
    """Return that something will be missing."""
    return Finding(check, Level.WARNING, text, advice)


def failure(check: str, text: str, advice: str) -> Finding:
    """Return that the chat would not run, or not as it was asked to."""
    return Finding(check, Level.FAILURE, text, advice)


WIDTH: Final = max(len(level) for level in Level)


def run(arguments: Arguments) -> int:
    """Make all checks, and print what they find; 0 when nothing fails, else 1."""
    from py_peer.frontends.doctor_checks import CHECKS  # noqa: PLC0415 - for this command alone

    if not arguments.json:
        print(f"py-peer {__version__}")
    found: list[Finding] = []
    for name, check in CHECKS.items():
        for finding in examine(name, check, arguments):
            found.append(finding)
            if not arguments.json:
                print(*lines(finding), sep="\n", flush=True)
    failures, warnings = (sum(one.level is level for one in found) for level in (Level.FAILURE, Level.WARNING))
    if arguments.json:
        report = {"ok": not failures, "version": __version__, "checks": [asdict(one) for one in found]}
        print(json.dumps(report, ensure_ascii=False))
    else:
        print(f"{failures} failure(s), {warnings} warning(s)")
    sys.stdout.flush()
    return ExitCode.FAULT if failures else ExitCode.OK


def examine(name: str, check: Callable[[Arguments], Iterable[Finding]], arguments: Arguments) -> list[Finding]:
    """Return what a check finds; one that breaks is a finding itself."""
    try:
        found = list(check(arguments))
    except Exception as error:  # noqa: BLE001 - a doctor who faints helps nobody
        advice = release.ADVICE if release.difference() else "please report it"
        found = [failure(name, f"the check itself has failed: {type(error).__name__}: {error}", advice)]
    return [
        Finding(one.check, one.level, *(clean_line(text, limits.MAX_ERROR_CHARS) for text in (one.text, one.advice)))
        for one in found
    ]


def lines(finding: Finding) -> list[str]:
    """Return the lines that show a finding."""
    shown = [f"{finding.level:<{WIDTH}}  {finding.check}: {finding.text}"]
    return [*shown, f"{'':<{WIDTH}}  -> {finding.advice}"] if finding.advice else shown
