"""A room of many kinds of peers, in a line or in a mesh, which talk while some of them go and come back.

In a line each has a connection to the next alone. In a mesh each dials all others that it can: a browser those who take
WebSockets, and who is behind a relay is dialled through it and dials nobody. The driver dials for all of them, at the
start and again for who comes back, as people would; ours dial again by themselves as well. Of two who dial each other
the second does it when they have met, unless all are to dial at one moment: the gossip of rust-libp2p does not always
survive that with go- and js-libp2p (docs/interop.md).
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, final

from interop.accounts import SETTLED, Account, Said, account
from tests.network.peers import Peer, free_port
from tests.sisters.sisters import BrowserPeer, GoPeer, JsPeer, RustPeer, missing

if TYPE_CHECKING:
    from pathlib import Path

    from tests.network.peers import Told

Progress: TypeAlias = Callable[[str], object]
Shape: TypeAlias = Literal["line", "mesh"]
SHAPES: Final[tuple[Shape, ...]] = ("line", "mesh")

START: Final = 60.0
"""Seconds in which they start and meet, on a machine that has much else to do."""

LAST_WORDS: Final = 10.0
"""Seconds after the last text in which what is missing may still be asked for."""

LOOK: Final = 0.1
"""Seconds between two looks at whether all have met."""

REPORTS: Final = 15.0
"""Seconds between two lines of progress."""

KILLED_AT: Final = 0.25
BACK_AT: Final = 0.35
LEAVES_AT: Final = 0.7
"""When, in shares of the time, one is killed, is started again, and one leaves without goodbye."""


KINDS: Final[Mapping[str, type[Peer]]] = {
    "browser": BrowserPeer,
    "node": JsPeer,
    "ours": Peer,
    "rust": RustPeer,
    "go": GoPeer,
}
"""In the order in which they stand in a line: the browser beside who takes WebSockets, ours in the middle."""

TAKE_WS: Final = frozenset({"node", "ours"})
CALL_ONLY: Final = frozenset({"browser"})
"""They dial WebSockets and nothing else, and cannot be dialled."""

RELAY: Final = "ours"
"""Who is the relay of a mesh."""

WHO: Final[Mapping[Shape, Mapping[str, tuple[str, ...]]]] = {
    "line": {"killed": ("ours", "rust", "node"), "left": ("go", "rust", "browser")},
    "mesh": {"killed": ("rust", "browser"), "left": ("node", "rust", "browser"), "relayed": ("go", "node", "rust")},
}
"""Who has which part, in each shape: the first of these that is here."""


@dataclass(frozen=True)
class Plan:
    """What is done."""

    shape: Shape
    kinds: tuple[str, ...] = tuple(KINDS)
    """Names of KINDS; one that is named again is there again, as "go 2"."""

    seconds: float = 300.0
    rate: float = 10.0
    """Texts a second, of all together; each who is there speaks in turn."""

    size: int = 100
    """Bytes of a text, at least those that tell it from the others."""

    at_once: bool = False
    """Of two who dial each other neither waits for the other."""

    killed: str = ""
    left: str = ""
    relayed: str = ""
    """Names of those to whom this happens; "" is nobody."""

    ours_limits: Mapping[str, float] = field(default_factory=dict)
    """Names of `core.limits`, for ours, with other values than they have."""

    ours_options: tuple[str, ...] = ()
    """More of the command line of ours."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all who are there, in the order of a line."""
        named: list[str] = []
        for kind in KINDS:
            named += [kind if number == 1 else f"{kind} {number}" for number in range(1, self.kinds.count(kind) + 1)]
        return tuple(named)

    def with_parts(self) -> Plan:
        """Return the plan with somebody to be killed, to leave and, in a mesh, to be behind a relay."""
        killed, left, relayed = (
            next((name for name in WHO[self.shape].get(part, ()) if name in self.kinds), "")
            for part in ("killed", "left", "relayed")
        )
        return replace(self, killed=killed, left=left, relayed=relayed if RELAY in self.kinds else "")

    def dials(self) -> list[tuple[str, str]]:
        """Return who dials whom, by their names.

        Raises:
            ValueError: two stand beside each other in a line of whom none can dial the other.
        """
        if self.shape == "mesh":
            return [pair for pair in itertools.permutations(self.names, 2) if self._can_dial(*pair)]
        dials: list[tuple[str, str]] = []
        for one, other in itertools.pairwise(self.names):
            ways = [pair for pair in ((one, other), (other, one)) if self._can_dial(*pair)]
            if not ways:
                raise ValueError(f"no line: neither {one} nor {other} can dial the other")
            dials.append(ways[0])
        return dials

    def _can_dial(self, one: str, other: str) -> bool:
        caller, called = kind_of(one), kind_of(other)
        if called in CALL_ONLY or (caller in CALL_ONLY and (called not in TAKE_WS or other == self.relayed)):
            return False
        return one != self.relayed and (other != self.relayed or one != RELAY)


def kind_of(name: str) -> str:
    """Return the kind of one that is named so in a plan."""
    return name.partition(" ")[0]


def missing_kind(kind: str) -> str:
    """Return why there are no peers of a kind here, or ""."""
    return "" if kind == "ours" else missing(kind)


@dataclass
class Course:
    """What has come of a plan. Times are in seconds after the first text."""

    plan: Plan
    start: float
    """When the first text was said, by the clock of the account."""

    account: Account
    happened: list[tuple[float, str]]
    unmet: list[tuple[str, str]]
    """Who was to dial whom, and had not met when the talk began."""

    died: list[str]
    """Who ended by itself."""

    @property
    def clean(self) -> bool:
        """Whether all met and stayed together, all lived, and each saw everything that it was owed, once."""
        return self.account.clean and not (self.unmet or self.died or self.account.broken)


def hold(plan: Plan, folder: Path, progress: Progress = lambda _: None) -> Course:
    """Run a room to its end; return what has come of it. The peers keep their things in the folder.

    Raises:
        AssertionError: a peer did not start.
        ValueError: see Plan.dials.
    """
    room = _Room(plan, folder)
    try:
        unmet = room.open()
        progress("all have met" if not unmet else f"have not met: {unmet}")
        room.talk(progress)
        return Course(plan, room.start, room.settle(), room.happened, unmet, room.died)
    finally:
        for peer in room.peers.values():
            peer.clean_up()


@final
class _Room:
    """The peers of a plan, and what they are told to do."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.dials = plan.dials()
        self.peers = {name: KINDS[kind_of(name)](name, folder / name.replace(" ", "-")) for name in plan.names}
        self.ws: dict[str, int] = {}
        """Where each who takes WebSockets does."""

        self.to_dial: list[tuple[str, str]] = []
        self.dialled: set[tuple[str, str]] = set()
        self.here: set[str] = set()
        """Who is there, and can speak."""

        self.awaited: set[str] = set()
        """Started again, and not ready yet."""

        self.died: list[str] = []
        self.happened: list[tuple[float, str]] = []
        self.said: list[Said] = []
        self.start = 0.0
        for name, peer in self.peers.items():
            if isinstance(peer, JsPeer):
                self.ws[name] = free_port()
                peer.options = ("--ws", str(self.ws[name]))
            elif type(peer) is Peer:
                self.ws[name] = peer.port
                peer.limits, peer.options = plan.ours_limits, plan.ours_options
                if plan.relayed and name == RELAY:
                    peer.options += ("--relay-server",)
            if plan.relayed and (name, plan.relayed) in self.dials and type(peer) is not Peer:
                peer.options += ("--relayed",)

    def open(self) -> list[tuple[str, str]]:
        """Start all and have them dial; return who was to meet and has not."""
        links = self.dials
        if self.plan.relayed:
            self._start(RELAY)
            relay, relayed = self.peers[RELAY], self.peers[self.plan.relayed]
            relayed.options += ("--relay", f"{relay.address}/p2p/{relay.id}")
            links = [*links, (self.plan.relayed, RELAY)]
        self._start(*self.peers.keys() - self.here)
        self.to_dial = list(self.dials)
        end = time.monotonic() + START
        while True:
            self._dial_due()
            unmet = [pair for pair in links if not self._have_met(*pair)]
            if not unmet or time.monotonic() > end:
                break
            time.sleep(LOOK)
        time.sleep(SETTLED)  # so that the first text is owed already
        return unmet

    def talk(self, progress: Progress) -> None:
        """Have those who are there speak in turn, and have happen to some what is to happen."""
        self.start = time.monotonic()
        seconds, turns = self.plan.seconds, itertools.cycle(self.peers)
        course = [
            (share * seconds, happens, name)
            for share, happens, name in (
                (KILLED_AT, self._kill, self.plan.killed),
                (BACK_AT, self._come_back, self.plan.killed),
                (LEAVES_AT, self._leave, self.plan.left),
            )
            if name
        ]
        report = REPORTS
        for number in range(int(seconds * self.plan.rate)):
            due = number / self.plan.rate
            time.sleep(max(0.0, self.start + due - time.monotonic()))
            while course and course[0][0] <= due:
                _, happens, name = course.pop(0)
                happens(name)
                progress(self.happened[-1][1])
            self._look_after(progress)
            if due >= report:
                report += REPORTS
                progress(f"{due:.0f} s of {seconds:g}, {number} texts said")
            speaker = next((name for name, _ in zip(turns, self.peers, strict=False) if name in self.here), None)
            if speaker is not None:
                self._say(speaker, number)

    def settle(self) -> Account:
        """Wait until nothing is missing, or may not be asked for any more; return the account."""
        end = time.monotonic() + LAST_WORDS
        while (judged := account(self._told(), self.said)).lost + len(judged.unsent) and time.monotonic() < end:
            time.sleep(0.5)
        return judged

    def _told(self) -> dict[str, list[Told]]:
        changed = self.peers[self.plan.names[0]].changed
        with changed:
            return {name: list(peer.told) for name, peer in self.peers.items()}

    def _start(self, *names: str) -> None:
        for name in names:
            self.peers[name].start()
        for name in names:
            peer = self.peers[name]
            peer.wait_for(lambda: peer.last("ready"), "ready", START)  # noqa: B023 - it is called at once
            self.here.add(name)

    def _have_met(self, one: str, other: str) -> bool:
        a, b = self.peers[one], self.peers[other]
        return b.id in a.room() and a.id in b.room()

    def _dial_due(self) -> None:
        """Dial what is to be dialled, and who may be dialled now.

        A way through the relay is dialled by those who have met the relay: rust-libp2p 0.56 gives up one through a
        relay that it is just dialling.
        """
        for one, other in list(self.to_dial):
            first = (one, RELAY) if other == self.plan.relayed else (other, one)
            waits = other == self.plan.relayed or (first in self.dialled and not self.plan.at_once)
            if not waits or self._have_met(*first):
                self.to_dial.remove((one, other))
                self.dialled.add((one, other))
                self._dial(one, other)

    def _dial(self, one: str, other: str) -> None:
        called = self.peers[other]
        if other == self.plan.relayed:
            relay = self.peers[RELAY]
            address = f"{relay.address}/p2p/{relay.id}/p2p-circuit"
        elif kind_of(one) in CALL_ONLY:
            address = f"{called.address_at(self.ws[other])}/ws"
        else:
            address = called.address
        address = f"{address}/p2p/{called.id}"
        with contextlib.suppress(OSError):  # it has died, which is noticed next
            self.peers[one].command("connect", address=address, addr=address)  # as theirs and as ours call it

    def _say(self, name: str, number: int) -> None:
        text = f"{name} {number:05d} ".ljust(self.plan.size, "x")
        self.said.append(Said(name, text, time.monotonic()))
        with contextlib.suppress(OSError):  # the same
            self.peers[name].say(text)

    def _note(self, what: str) -> None:
        self.happened.append((time.monotonic() - self.start, what))

    def _kill(self, name: str) -> None:
        self._gone(name)
        self.peers[name].kill()
        self._note(f"{name} is killed")

    def _come_back(self, name: str) -> None:
        self.peers[name].start()
        self.awaited.add(name)
        self._note(f"{name} is started again")

    def _leave(self, name: str) -> None:
        self._gone(name)
        self.peers[name].kill()
        self._note(f"{name} is killed, and does not come back")

    def _gone(self, name: str) -> None:
        self.here.discard(name)
        self.awaited.discard(name)
        self.to_dial = [pair for pair in self.to_dial if name not in pair]
        self.dialled = {pair for pair in self.dialled if name not in pair}

    def _look_after(self, progress: Progress) -> None:
        """Have who has come back dial and be dialled, and notice who has ended by itself."""
        self._dial_due()
        for name in [name for name in self.awaited if self.peers[name].last("ready")]:
            self.awaited.discard(name)
            self.here.add(name)
            self.to_dial += [pair for pair in self.dials if name in pair and self.here.issuperset(pair)]
            self._note(f"{name} is back")
            progress(self.happened[-1][1])
        for name in sorted(self.here | self.awaited):
            process = self.peers[name].process
            if process is not None and process.poll() is not None:
                self._gone(name)
                self.died.append(name)
                self._note(f"{name} has ended by itself")
                progress(self.happened[-1][1])
