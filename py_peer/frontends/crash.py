"""A crash of ours leaves a report: what helps to mend it, and nothing that people have said.

What exceptions say of themselves is kept, but for the texts of the last events; where the user's home is, is not.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import os
import platform
import sys
import time
import traceback
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from py_peer import __version__
from py_peer.core.addresses import short_id
from py_peer.core.cleaning import clean_line, clean_text
from py_peer.frontends.front_end import RUN_AGAIN
from py_peer.frontends.places import state_folder
from py_peer.net import release
from py_peer.net.private_files import make_folder, write_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from py_peer.core.events import Event
    from py_peer.frontends.configuration import Held
    from py_peer.frontends.front_end import Faults

KEPT_REPORTS: Final = 20
MAX_REPORT_BYTES: Final = 256 * 1024
MAX_LINE_CHARS: Final = 500
"""Of what an exception says: it may repeat what it could not read."""

SHORTEST_TEXT: Final = 3
"""A shorter text would be found in every word."""

PACKAGES: Final = ("libp2p", "trio", "textual", "prompt_toolkit", "janus")


def report_crash(faults: Faults, events: Iterable[Event] = (), held: Mapping[str, Held] | None = None) -> str:
    """Write a report and return a sentence that says where it is, or why there is none. Never raises an Exception.

    `faults` are the exceptions by where they were raised, `events` the last that came, `held` the options.
    """
    folder = Path()
    try:
        folder = state_folder()
        make_folder(folder)
        _forget_old_reports(folder)
        data = report(faults, list(events), held or {}).encode(errors="replace")
        path = _write(folder, data[:MAX_REPORT_BYTES])
    except Exception as error:  # noqa: BLE001 - a second crash would hide the first
        reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        return clean_line(f"No report could be left in {folder}: {reason}. {_advice() or RUN_AGAIN}", MAX_LINE_CHARS)
    return clean_line(f"{_advice() or 'Please report it'}; what helps to mend it is in {path}", MAX_LINE_CHARS)


def _advice() -> str:
    """Return what to do where the library is another than the one tested: it may lack what we import or call."""
    other = release.difference()
    return other and f"That may be because {other}: {release.ADVICE}"


def report(faults: Faults, events: list[Event], held: Mapping[str, Held]) -> str:
    """Return the text of a report."""
    raised = "".join(
        f"\n--- In {where}\n{''.join(traceback.format_exception(fault))}"
        for where, fault in faults.items()
        if fault is not None
    )
    versions = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    return "\n".join(
        [
            f"py-peer {__version__} has crashed, {time.strftime('%Y-%m-%d %H:%M:%S %z')}",
            f"{platform.python_implementation()} {platform.python_version()} on {platform.platform()}",
            versions,
            f"Options: {', '.join(_options(held)) or 'none'}",
            f"Terminal: TERM={clean_line(os.environ.get('TERM', ''), 40)}, {sys.getdefaultencoding()}",
            *_without(raised, events),
            "\n--- The last events, without their texts",
            *map(_event, events),
            "",
        ]
    )


def _without(raised: str, events: list[Event]) -> list[str]:
    """Return the lines of a traceback without the texts of events, and without the user's home."""
    for text in sorted({text for event in events for text in _texts(event)}, key=len, reverse=True):
        raised = raised.replace(text, "[text]").replace(repr(text)[1:-1], "[text]")
    with contextlib.suppress(RuntimeError):  # there is no home
        raised = raised.replace(str(Path.home()), "~")
    return [clean_text(line, MAX_LINE_CHARS) for line in raised.splitlines()]


def _texts(event: Event) -> Iterable[str]:
    for name in ("text", "nick", "nickname"):
        text = getattr(event, name, "")
        if isinstance(text, str) and len(text.strip()) >= SHORTEST_TEXT:
            yield text


def _event(event: Event) -> str:
    """Return an event's type with its numbers and the end of its peer ID."""
    fields = ((field.name, getattr(event, field.name)) for field in dataclasses.fields(event))
    return " ".join(
        [type(event).__name__, *(f"{name}={shown}" for name, value in fields if (shown := _shown(name, value)))]
    )


def _shown(name: str, value: Any) -> str:
    match value:
        case enum.Enum():
            return value.name
        case bool() | int() | float():
            return str(value)
        case str() if name == "peer_id":
            return short_id(value)
        case _:
            return ""


def _options(held: Mapping[str, Held]) -> Iterable[str]:
    """Yield the options that were given; only of numbers and switches what they were set to."""
    for name, one in held.items():
        if one.origin == "default":
            continue
        shown = one.value if isinstance(one.value, bool | int | float) else "given"
        yield f"{name}={shown} ({one.source.name.lower()})"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "is missing"


def _forget_old_reports(folder: Path) -> None:
    """Make room for one more; the names are in order of time."""
    reports = sorted(path for path in folder.glob("crash-*.txt") if path.is_file())
    for path in reports[: max(0, len(reports) - KEPT_REPORTS + 1)]:
        with contextlib.suppress(OSError):
            path.unlink()


def _write(folder: Path, data: bytes) -> Path:
    stem = time.strftime("crash-%Y%m%d-%H%M%S")
    names = (stem, *(f"{stem}-{number}" for number in range(2, KEPT_REPORTS)))  # of crashes within one second
    for name in names:
        path = folder / f"{name}.txt"
        with contextlib.suppress(FileExistsError):
            write_private(path, data, replace=False)
            return path
    msg = f"{stem} is there {len(names)} times"
    raise FileExistsError(msg)
