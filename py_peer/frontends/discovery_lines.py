"""The answer to /discover: how others are looked for, who is known, and why not everybody is dialled."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from py_peer.core.addresses import id_with_nick, short_id, without_peer_id
from py_peer.core.bars import duration
from py_peer.core.events import Notice, PeerFound
from py_peer.core.wrapping import wrap_lines

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from py_peer.core.events import DiscoveryReport, Event, KnownPeer

STATES: Final = ("connected", "dialling", "waiting", "not dialled")
"""In this order: a person looks first for who is there."""

MOST_LISTED: Final = 10
"""Peers that are listed of each state, those told of last; --json has them all."""

MOST_NAMED: Final = 3
"""Peers found together who are told one by one: of more, as from memory, a line each would push the talk away."""

ALONE: Final = (
    "  - Start py-peer on another machine of this network, /connect to an address, or hand on yours with /invite",
    "  - `py-peer doctor` looks for what is in the way",
)
OFF: Final = (
    "  - /connect dials an address, /invite shows yours",
    "  - --mdns, --discovery, --bootstrap and --kademlia look for others, from the start on",
)


def discovery_lines(report: DiscoveryReport, columns: int | None = None, ignored: Container[str] = ()) -> list[str]:
    """Return the answer to /discover, for a terminal of so many columns; None where nobody breaks lines.

    Of who is `ignored` no nickname is shown: it could be a message.
    """
    lines = ["📡 Others are found by:", *(f"  - {way}" for way in report.ways)] if report.ways else []
    if report.peers:
        lines.append(f"📡 Known peers ({len(report.peers):,}):")
        lines += _by_state(report.peers, ignored)
    elif report.ways:
        lines += ["📡 Nobody has been found yet", *ALONE]
    else:
        lines += ["📡 Nobody is looked for: every way to find others is switched off", *OFF]
    if named := _not_met(report):
        lines.append(f"  Named, and nobody there yet ({len(named):,}):")
        lines += [f"    - {address}" for address in named[:MOST_LISTED]]
        lines += _more(len(named))
    if refused := report.refused.items():
        lines.append("  Told of, and left out:")
        lines += [f"    - {f'{count:,} times' if count > 1 else 'once'}: {reason}" for reason, count in refused]
    if report.forgotten:
        lines.append(f"  Forgotten, to make room for others: {report.forgotten:,}")
    return lines if columns is None else [row for line in lines for row in wrap_lines(line, columns, "")]


def folded(events: Iterable[Event]) -> list[Event]:
    """Return `events` with one notice in place of many peers that were found together in one way."""
    told: list[Event] = []
    for source, group in groupby(events, lambda event: event.source if isinstance(event, PeerFound) else None):
        together = list(group)
        if source is not None and len(together) > MOST_NAMED:
            together = [Notice(f"Found {len(together)} peers {source}; /discover lists them")]
        told += together
    return told


def _by_state(peers: tuple[KnownPeer, ...], ignored: Container[str]) -> list[str]:
    groups: dict[str, list[KnownPeer]] = {state: [] for state in STATES}
    for peer in sorted(peers, key=lambda peer: peer.seconds):
        groups.setdefault(peer.state, []).append(peer)
    lines: list[str] = []
    for state, group in groups.items():
        if group:
            lines.append(f"  {state.capitalize()} ({len(group):,}):")
            lines += [f"    - {_row(peer, ignored)}" for peer in group[:MOST_LISTED]]
        lines += _more(len(group))
    return lines


def _more(count: int) -> list[str]:
    return [f"    … and {count - MOST_LISTED:,} more; --json has them all"] * (count > MOST_LISTED)


def _not_met(report: DiscoveryReport) -> list[str]:
    """Return the addresses that are dialled of nobody who is listed: without a peer ID, or with one in the DNS."""
    listed = {peer.peer_id for peer in report.peers}
    return [address for address in report.dialling if address.rpartition("/p2p/")[2] not in listed]


def _row(peer: KnownPeer, ignored: Container[str]) -> str:
    """Return who it is, who told of it, where it is, and what hinders."""
    id8 = short_id(peer.peer_id)
    told = ", ".join(peer.sources)
    if peer.state != "connected":
        told += f", {duration(peer.seconds)} ago"
    # The ID stands in front already.
    places = [without_peer_id(address) for address in peer.addresses]
    where = f"{places[0]}{f' and {len(places) - 1} more' * (len(places) > 1)}" if places else "no address"
    who = id8 if peer.peer_id in ignored else id_with_nick(peer.peer_id, peer.nick)
    return "  ".join(part for part in (who, told, where, peer.reason) if part)
