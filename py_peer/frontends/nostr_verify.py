"""`py-peer nostr verify`: says how events stand, in a line each: those of files, of standard input, or of relays."""

from __future__ import annotations

import json
import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, final

from py_peer.core import limits_nostr, nip19
from py_peer.core.cleaning import clean_line, clean_path
from py_peer.core.exit_codes import ExitCode
from py_peer.core.nostr import NostrError, Standing, badge_of, read_event, read_json
from py_peer.net.private_files import cause

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from py_peer.core.nostr import Badge, NostrEvent
    from py_peer.frontends.arguments import Arguments

STDIN: Final = "-"
STANDARD_INPUT: Final = "standard input"
_EVENT_ID: Final = re.compile("[0-9a-f]{64}")
_NAMES: Final = re.compile("(?:nostr:)?(?:note|nevent|nprofile|npub|nsec)1", re.IGNORECASE)
_CHUNK: Final = 65_536


class UnreadableError(Exception):
    """A file cannot be read any further; the text says why."""


@final
@dataclass(frozen=True, slots=True)
class Wanted:
    """An event that relays are to be asked for."""

    event_id: str
    name: str
    """As it was typed."""

    relays: tuple[str, ...] = ()
    """Those that its nevent names."""


@final
class Verifier:
    """Prints how events stand, and remembers what the program is to end with."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self.bad = 0
        self.seen = 0
        self.outcome = ExitCode.OK

    def take(self, where: str, text: bytes) -> None:
        """Look at an event that stands somewhere, as JSON."""
        try:
            event = read_event(_fields(text))
        except NostrError as error:
            self._say(where, None, None, str(error))
        else:
            self.tell(where, event, badge_of(event))

    def tell(self, where: str, event: NostrEvent, badge: Badge) -> None:
        """Print how an event stands."""
        self._say(where, event, badge, badge.reason)

    def fail(self, sentence: str, outcome: ExitCode) -> None:
        """Say what cannot be looked at."""
        print(f"py-peer: {sentence}", file=sys.stderr)
        self.outcome = self.outcome or outcome

    def _say(self, where: str, event: NostrEvent | None, badge: Badge | None, reason: str) -> None:
        self.seen += 1
        standing = badge.standing if badge else Standing.BAD
        self.bad += standing is Standing.BAD
        if self._as_json:
            fields = {
                "where": where,
                "id": event and event.id,
                "npub": badge.npub if badge and standing is not Standing.BAD else None,
                "standing": standing.value,
                "reason": reason,
            }
            print(json.dumps(fields, ensure_ascii=False), flush=True)
        else:
            name = nip19.encode(nip19.Entity("note", bytes.fromhex(event.id))) + ": " if event else ""
            print(f"{where}: {name}{badge.sentence if badge else f'bad: {reason}'}", flush=True)


def run(arguments: Arguments) -> int:
    """Check what is named, standard input if nothing is; return 7 if something does not hold."""
    verifier = Verifier(as_json=arguments.json)
    wanted: dict[str, Wanted] = {}
    for name in arguments.own["what"] or (STDIN,):
        try:
            event = _event_named(name)
        except NostrError as error:
            shown = "" if "nsec1" in name.lower() else f"{clean_line(name, limits_nostr.SHOWN_URL_CHARS)}: "
            verifier.fail(f"{shown}{error}", ExitCode.USAGE)
            continue
        if event is None:
            _verify_file(name, verifier)
        else:
            wanted[event.event_id] = event
    if wanted:
        _verify_on_relays(wanted, arguments, verifier)
    return ExitCode.BAD_SIGNATURE if verifier.bad else verifier.outcome


def _event_named(name: str) -> Wanted | None:
    """Return the event that is named by its ID, None for a file. Raises NostrError for what names something else."""
    if _EVENT_ID.fullmatch(name):
        return Wanted(name, name)
    if not _NAMES.match(name):
        return None
    try:
        entity = nip19.decode(name)
    except NostrError as error:
        raise NostrError(f"{error}; a file of such a name is written with ./ before it") from error
    if entity.prefix not in ("note", "nevent"):
        raise NostrError(f"this {entity.prefix} names no event; a note or a nevent does")
    return Wanted(entity.data.hex(), name, entity.relays)


def _verify_file(name: str, verifier: Verifier) -> None:
    shown = STANDARD_INPUT if name == STDIN else clean_path(name)
    seen = verifier.seen
    try:
        for number, line in _lines(name):
            if verifier.seen - seen >= limits_nostr.MAX_EVENTS_READ:
                most = f"{limits_nostr.MAX_EVENTS_READ:,}"
                verifier.fail(f"{shown} has more than {most} events: the rest is not looked at", ExitCode.NOT_SENT)
                return
            verifier.take(f"{shown}:{number}", line)
    except UnreadableError as error:
        verifier.fail(f"{shown} cannot be read: {error}", ExitCode.NOT_FOUND)
    else:
        if verifier.seen == seen:
            verifier.fail(f"there is no event in {shown}", ExitCode.NOT_FOUND)


def _lines(name: str) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file that have something in them, with their numbers; of one too long its beginning.

    Raises UnreadableError, and so tells it from an error of whoever takes the lines.
    """
    most, number = limits_nostr.MAX_RELAY_MESSAGE, 0
    with _opened(name) as file:
        while True:
            try:
                line = rest = file.readline(most + 2)
                while rest and not rest.endswith(b"\n"):
                    rest = file.readline(_CHUNK)
            except OSError as error:
                raise UnreadableError(cause(error)) from error
            if not line:
                return
            number += 1
            if line.strip():
                yield number, line


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    if name == STDIN:
        if sys.stdin is None:
            raise UnreadableError("it is closed")
        if sys.stdin.isatty():
            print("py-peer: Events are read from here, one a line; Ctrl-D ends it", file=sys.stderr)
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - it is closed below
    except (OSError, ValueError) as error:
        raise UnreadableError(cause(error)) from error
    with file:
        yield file


def _fields(text: bytes) -> Any:
    """Return the fields of an event in a line; what a relay writes around it may be there."""
    if len(text) > limits_nostr.MAX_RELAY_MESSAGE:  # of which there may be more
        raise NostrError(f"it has more than {limits_nostr.MAX_RELAY_MESSAGE:,} bytes")
    found = read_json(text, limits_nostr.MAX_RELAY_MESSAGE)
    return found[-1] if isinstance(found, list) and found[:1] == ["EVENT"] else found


def _verify_on_relays(wanted: Mapping[str, Wanted], arguments: Arguments, verifier: Verifier) -> None:
    relays = arguments.settings.nostr_relays
    if not relays:
        hints = dict.fromkeys(
            clean_line(relay, limits_nostr.SHOWN_URL_CHARS) for one in wanted.values() for relay in one.relays
        )
        hint = f"; it may be on {', '.join(hints)}" if hints else ""
        verifier.fail(
            f"No relay is named that could be asked for it: --nostr-relay URL names one{hint}", ExitCode.USAGE
        )
        return
    from py_peer.service.nostr_errands import fetch_from  # noqa: PLC0415 - not where no relay is named

    fetched = fetch_from(relays, wanted, arguments.timeout)
    for answer in fetched.answers:
        if not answer.done:
            print(f"py-peer: {answer.relay}: {answer.words}", file=sys.stderr)
    reached = any(answer.reached for answer in fetched.answers)
    outcome = ExitCode.NOT_FOUND if reached else ExitCode.NOBODY_REACHED
    for one in wanted.values():
        if one.event_id in fetched.events:
            verifier.tell("relay", *fetched.events[one.event_id])
        else:
            reason = "no relay that was asked has sent it" if reached else "no relay was reached"
            verifier.fail(f"{clean_path(one.name)} was not found: {reason}", outcome)
