"""What was said in a room of many kinds of peers, and what each of them saw of it: by reader and author.

The rule. A text was said when its author told that it was sent. It is owed to a reader when, from SETTLED seconds
before it was handed to its author until SETTLED seconds after, one and the same path led from the author to the reader.
A path is made of links. A link stands while both of its ends live and each of them tells that the other is here.
What is owed and is not shown is lost. What is not owed (somebody was down, not yet joined, or cut off) is counted
apart, and so is what is shown of it all the same, as newcomers are told what was said just before.

Shown again in one life of a reader is twice. Out of order are the pairs of texts of one author of which the later one
was shown first, in one life. A delay goes from the moment at which a text was handed to its author's process until its
reader's has written it, both by the clock of the one process that drives them all. It is taken of what is owed.
"""

from __future__ import annotations

import bisect
import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Told = Mapping[str, Any]

SETTLED: Final = 3.0
"""Seconds: a heartbeat until a new link is in the mesh, one to tell what was missed, and one to ask for it."""

ENDS: Final = ("killed", "ended")
AT_ONCE: Final = 1.0
"""Seconds around the end of a peer in which its links end because of it."""


@dataclass(frozen=True, slots=True)
class Said:
    """A text that is like no other, and when (seconds) it was handed to its author."""

    author: str
    text: str
    at: float


@dataclass(slots=True)
class Cell:
    """What one reader saw of one author."""

    owed: int = 0
    shown: int = 0
    """Of what was owed."""

    lost: list[float] = field(default_factory=list)
    """When (seconds) what was owed and not shown was said."""

    apart: int = 0
    apart_shown: int = 0
    """What was said and not owed, and what was shown of it."""

    twice: int = 0
    disordered: int = 0
    delays: list[float] = field(default_factory=list)
    """Seconds, of what was owed."""


@dataclass(frozen=True, slots=True)
class Link:
    """Two lives (peer IDs), each of which had the other in its room from one time to another."""

    ends: frozenset[str]
    start: float
    end: float


@dataclass(slots=True)
class Account:
    """What was said, and what became of it."""

    said: int = 0
    """Texts that their authors told to be sent."""

    unsent: dict[str, int] = field(default_factory=dict)
    """Texts that were handed to a peer, by its name, and that it did not tell to be sent, though it lived on."""

    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)
    """By the names of reader and author."""

    strange: list[str] = field(default_factory=list)
    """What was shown and was not said so: in another's name, back to its author, or by nobody."""

    broken: list[tuple[float, str, str]] = field(default_factory=list)
    """Links that ended while both ends lived: when, and whose they were."""

    @property
    def owed(self) -> int:
        """How many texts were owed, to all together."""
        return sum(cell.owed for cell in self.cells.values())

    @property
    def lost(self) -> int:
        """How many texts were owed to somebody and not shown."""
        return sum(len(cell.lost) for cell in self.cells.values())

    @property
    def clean(self) -> bool:
        """Whether each saw everything that it was owed, once, and as it was said; order is promised by nobody."""
        faults = sum(len(cell.lost) + cell.twice for cell in self.cells.values())
        return not (faults or self.strange or self.unsent)


def account(told: Mapping[str, Sequence[Told]], said: Sequence[Said]) -> Account:
    """Judge what was said. `told` is what each peer told, by its name, with the time (seconds) of each line as "at"."""
    found = Account(cells={(reader, author): Cell() for reader in told for author in told if reader != author})
    owners = {line["peer_id"]: name for name, lines in told.items() for line in lines if line["event"] == "started"}
    links = list(links_of(told))
    ends = {name: [line["at"] for line in lines if line["event"] in ENDS] for name, lines in told.items()}
    found.broken = _broken(links, ends, owners)
    sent = {name: {line["text"] for line in lines if line["event"] == "message_sent"} for name, lines in told.items()}
    shown = {name: _shown(lines) for name, lines in told.items()}
    for one in said:
        is_sent = one.text in sent[one.author]
        found.said += is_sent
        if not is_sent and not any(one.at <= end <= one.at + SETTLED for end in ends[one.author]):
            found.unsent[one.author] = found.unsent.get(one.author, 0) + 1
        reached = _reached(one, links, owners) if is_sent else set()
        for reader in told:
            if reader != one.author:
                _judge(found.cells[reader, one.author], one, shown[reader].get(one.text), owed=reader in reached)
    texts = {one.text: (one.author, number) for number, one in enumerate(said)}
    for reader, lines in told.items():
        for life in _lives(lines):
            _look_through(found, reader, life, texts, owners)
    return found


def links_of(told: Mapping[str, Sequence[Told]]) -> Iterator[Link]:
    """Yield the times in which two had each other in their rooms."""
    seen: defaultdict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for lines in told.values():
        for own, other, start, end in _sightings(lines):
            seen[own, other].append((start, end))
    for (one, other), spans in seen.items():
        if one < other:
            for start, end in spans:
                for back_start, back_end in seen.get((other, one), []):
                    if max(start, back_start) < min(end, back_end):
                        yield Link(frozenset((one, other)), max(start, back_start), min(end, back_end))


def _sightings(lines: Iterable[Told]) -> Iterator[tuple[str, str, float, float]]:
    """Yield who had whom in its room, by their IDs, from when until when."""
    own, here = "", dict[str, float]()
    for line in lines:
        match line["event"]:
            case "started" | "killed" | "ended":
                yield from ((own, other, start, line["at"]) for other, start in here.items())
                here.clear()
                own = line.get("peer_id", "")
            case "peer_joined":
                here.setdefault(line["peer_id"], line["at"])
            case "peer_left" if line["peer_id"] in here:
                yield own, line["peer_id"], here.pop(line["peer_id"]), line["at"]
    yield from ((own, other, start, math.inf) for other, start in here.items())


def _reached(said: Said, links: Iterable[Link], owners: Mapping[str, str]) -> set[str]:
    """Return the names of those to whom one path led from the author, all the time around a text."""
    steady = [link.ends for link in links if link.start <= said.at - SETTLED and said.at + SETTLED <= link.end]
    reached = {peer for peer, name in owners.items() if name == said.author}
    before = 0
    while before != len(reached):
        before = len(reached)
        for ends in steady:
            if ends & reached:
                reached |= ends
    return {owners[peer] for peer in reached if peer in owners} - {said.author}


def _judge(cell: Cell, said: Said, shown: float | None, *, owed: bool) -> None:
    if not owed:
        cell.apart += 1
        cell.apart_shown += shown is not None
        return
    cell.owed += 1
    if shown is None:
        cell.lost.append(said.at)
    else:
        cell.shown += 1
        cell.delays.append(shown - said.at)


def _shown(lines: Iterable[Told]) -> dict[str, float]:
    """Return when each text was shown first."""
    shown: dict[str, float] = {}
    for line in lines:
        if line["event"] == "message_received":
            shown.setdefault(line["text"], line["at"])
    return shown


def _lives(lines: Iterable[Told]) -> list[list[Told]]:
    lives: list[list[Told]] = []
    for line in lines:
        if line["event"] == "started" or not lives:
            lives.append([])
        lives[-1].append(line)
    return lives


def _look_through(
    found: Account,
    reader: str,
    life: Sequence[Told],
    texts: Mapping[str, tuple[str, int]],
    owners: Mapping[str, str],
) -> None:
    """Count in one life of a reader what was shown twice, out of order, or otherwise than it was said."""
    seen: defaultdict[str, list[int]] = defaultdict(list)
    for line in life:
        if line["event"] != "message_received":
            continue
        author, number = texts.get(line["text"], ("", 0))
        signed = owners.get(line["peer_id"], "somebody else")
        if signed == author == reader and line["peer_id"] != life[0].get("peer_id"):
            continue  # it has another ID now, and is told, as newcomers are, what it said before
        if signed != author or author == reader:
            found.strange.append(f"{reader} was shown {line['text'][:40]!r} of {signed}")
            continue
        cell, order = found.cells[reader, author], seen[author]
        place = bisect.bisect_left(order, number)
        if number in order[place : place + 1]:
            cell.twice += 1
        else:
            cell.disordered += len(order) - place
            order.insert(place, number)


def _broken(
    links: Iterable[Link], ends: Mapping[str, Sequence[float]], owners: Mapping[str, str]
) -> list[tuple[float, str, str]]:
    """Return the links that ended, and with none of their ends."""
    broken: list[tuple[float, str, str]] = []
    for link in links:
        one, other = sorted(owners[end] for end in link.ends)
        explained = any(abs(at - link.end) <= AT_ONCE for at in (*ends[one], *ends[other]))
        if link.end < math.inf and not explained:
            broken.append((link.end, one, other))
    return sorted(broken)
