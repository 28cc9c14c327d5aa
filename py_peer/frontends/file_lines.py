"""What is said of files: a sentence for each event, and the answer to /files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from py_peer.core.addresses import short_id
from py_peer.core.bars import duration, facts, percent
from py_peer.core.cleaning import clean_line
from py_peer.core.file_events import (
    FileOffered,
    FileProvided,
    FileServed,
    FileShared,
    HashingProgress,
    TransferDone,
    TransferFailed,
    TransferProgress,
    TransferStarted,
)
from py_peer.core.sizes import shown_size
from py_peer.core.speakers import Name
from py_peer.core.wrapping import wrap_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.core.events import Event
    from py_peer.core.file_events import FilesReport, Offer, SharedFile, Transfer

SIGN: Final = "📎"
SIGNS: Final[dict[type[Event], str]] = {
    **dict.fromkeys((FileOffered, FileProvided, FileServed, FileShared, HashingProgress), SIGN),
    **dict.fromkeys((TransferStarted, TransferProgress), SIGN),
    TransferDone: "✓",
    TransferFailed: "❌",
}
"""What a line begins with."""

MOST_LISTED: Final = 30
"""Offers that are listed, the latest; --json has them all."""

MOST_PATH_CHARS: Final = 1_000

_INDENT: Final = "    "
_ITEM: Final = re.compile(" +- ")
"""What has an indent of its own where it is broken."""


def file_sentence(  # noqa: C901, PLR0911 - one for each type
    event: Event, called: Callable[[str], str] = short_id
) -> str:
    """Return what an event about files says, or "" for another one; `called` is as for `lines.sentence`."""
    match event:
        case FileOffered(offer=offer):
            return f"{_offerer(offer)} offers {_named(offer.name, offer.size)}: /get {offer.file_id}"
        case HashingProgress():
            return f"Reading {event.name} before it is offered: {percent(event.done, event.size)} %"
        case FileShared(file=file):
            remark = f"; {file.remark}" if file.remark else ""
            return f"You offer {_named(file.name, file.size)}; others fetch it with /get {file.file_id}{remark}"
        case FileProvided(file=file):
            remark = f"; {file.remark}" if file.remark else ""
            told = f"{event.peers} of {event.asked} peer(s) have been told" if event.asked else "nobody is there yet"
            how = f"others fetch it with /fetch {quoted(event.name)}"
            return f"You provide {_named(event.name, file.size)}: {told}; {how}{remark}"
        case FileServed():
            who, name = Name(event.nick, event.plain).of(event.peer_id), event.name or event.file_id
            if event.reason:
                return f"{who} has not got all of {name}, but {shown_size(event.sent)}: {event.reason}"
            return f"{who} has fetched {name}"
        case TransferStarted(transfer=transfer):
            return _started(transfer, called, asked=event.ticket != 0)
        case TransferProgress(transfer=transfer):
            share = percent(transfer.received, transfer.size)
            parts = [f"{share} %"] if share is not None else []
            return f"Fetching {transfer.name or transfer.file_id}: {' · '.join([*parts, *facts(transfer)])}"
        case TransferDone():
            how = "" if event.verified else "; it came without a hash, so nothing shows whether it is right"
            took = f"{_named(event.name or event.file_id, event.size)} in {duration(event.seconds)}"
            return f"Fetched {took}: {_path(event.path)}{how}"
        case TransferFailed():
            return failed_transfer(event, f"{fetched_again(event)} goes on")
        case _:
            return ""


def failed_transfer(event: TransferFailed, again: str) -> str:
    """Return how a transfer has ended; `again` says how to go on where something is kept."""
    kept = f"; {shown_size(event.kept)} are kept: {again}" if event.kept else ""
    name = event.wanted or event.name or event.file_id
    return f"Cancelled: {name}{kept}" if event.cancelled else f"Not fetched: {name}: {event.reason}{kept}"


def fetched_again(event: TransferFailed) -> str:
    """Return the command that goes on with a transfer."""
    return f"/fetch {quoted(event.wanted)}" if event.wanted else f"/get {event.file_id}"


def quoted(name: str) -> str:
    """Return a name as the first argument of a command."""
    quote = "'" if '"' in name else '"'
    return f"{quote}{name}{quote}" if len(name.split()) > 1 else name


def files_lines(report: FilesReport, columns: int | None = None, called: Callable[[str], str] = short_id) -> list[str]:
    """Return the answer to /files for a terminal of so many columns; None where nobody breaks lines."""
    lines: list[str] = []
    if report.transfers:
        lines.append(f"{SIGN} Being fetched ({len(report.transfers)}):")
        lines += [f"  - {_transfer(transfer, called)}" for transfer in report.transfers]
    if report.shared:
        lines.append(f"{SIGN} Shared by you ({len(report.shared)}), for as long as you are here:")
        lines += [f"  - {_shared(file)}" for file in report.shared]
    if report.offers:
        lines.append(f"{SIGN} Offered by others ({len(report.offers):,}), the latest last; /get fetches:")
        if (more := len(report.offers) - MOST_LISTED) > 0:
            lines.append(f"    … {more:,} older ones; --json has them all")
        lines += [f"  - {_offer(offer)}" for offer in report.offers[-MOST_LISTED:]]
    else:
        lines.append(f"{SIGN} Nobody else offers a file; /share offers one of yours")
    if report.refused:
        lines.append("  Offers that were not taken:")
        lines += [f"    - {_times(count)}: {reason}" for reason, count in report.refused.items()]
    if report.downloads:
        lines.append(f"  What is fetched goes to {_path(report.downloads)}")
    if columns is None:
        return lines
    return [row for line in lines for row in wrap_lines(line, columns, "" if _ITEM.match(line) else _INDENT)]


def _started(transfer: Transfer, called: Callable[[str], str], *, asked: bool) -> str:
    name = _named(transfer.name or transfer.file_id, transfer.size)
    source = f" from {' and '.join(map(called, transfer.peer_ids))}" if transfer.peer_ids else ""
    here = f"; {shown_size(transfer.received)} are here already" if transfer.received else ""
    why = "" if asked else ", as --auto-get says"
    return f"Fetching {name}{source}{why}: transfer {transfer.number}{here}"


def _transfer(transfer: Transfer, called: Callable[[str], str]) -> str:
    share = percent(transfer.received, transfer.size)
    known = " · ".join([*([] if share is None else [f"{share} %"]), *facts(transfer)])
    source = ["from " + " and ".join(map(called, transfer.peer_ids))] if transfer.peer_ids else []
    return "  ".join([str(transfer.number), transfer.name or transfer.file_id, known, *source])


def _shared(file: SharedFile) -> str:
    told = "" if file.offered else "provided" if file.provided else "fetched from others"
    served = f"fetched {_times(file.served)}" if file.served else "fetched by nobody yet"
    parts = [file.file_id, file.name, shown_size(file.size), told, served, _path(file.path), file.remark]
    return "  ".join(part for part in parts if part)


def _offer(offer: Offer) -> str:
    size = shown_size(offer.size) if offer.size is not None else ""
    parts = [offer.file_id, offer.name, size, f"{_offerer(offer)}, {duration(offer.seconds)} ago"]
    return "  ".join(part for part in parts if part)


def _offerer(offer: Offer) -> str:
    return Name(offer.nick, offer.plain).of(offer.peer_id)


def _named(name: str, size: int | None) -> str:
    if not name:
        return "a file"
    return name if size is None else f"{name} ({shown_size(size)})"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _path(path: str) -> str:
    return clean_line(path, MOST_PATH_CHARS)
