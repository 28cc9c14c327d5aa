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
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias, final

from interop.accounts import SETTLED, Account, Said, account
from interop.plan import CALL_ONLY, KINDS, RELAY, Plan, kind_of
from tests.network.peers import WHOLE_AGAIN, Peer, free_port
from tests.sisters.sisters import JsPeer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.network.peers import Told

Progress: TypeAlias = Callable[[str], object]

START: Final = 60.0
"""Seconds in which they start and meet, on a machine that has much else to do."""

LAST_WORDS: Final = 10.0
"""Seconds after the last text in which what is missing may still be asked for."""

SECOND_COPY: Final = 2.0
"""Seconds after that in which gossip may still bring again, with the next heartbeat, what has been shown already."""

LOOK: Final = 0.1
"""Seconds between two looks at whether all have met."""

REPORTS: Final = 15.0
"""Seconds between two lines of progress."""

KILLED_AT: Final = 0.25
BACK_AT: Final = 0.35
LEAVES_AT: Final = 0.7
"""When, in shares of the time, one is killed, is started again, and one leaves without goodbye."""


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

    unready: list[str] = field(default_factory=list)
    """Who was started again, and was not ready START seconds later."""

    unmet_again: list[tuple[str, str]] = field(default_factory=list)
    """Who was to meet again, and had not WHOLE_AGAIN seconds after one of them was back."""

    @property
    def clean(self) -> bool:
        """Whether all met, again too, and stayed together, all lived, and each saw all that it was owed, once.

        Where nothing was owed to anybody nothing is shown, and that is not clean.
        """
        apart = self.unmet or self.died or self.unready or self.unmet_again or self.account.broken
        return bool(self.account.clean and self.account.owed and not apart)


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
        judged = room.settle(progress)
        return Course(plan, room.start, judged, room.happened, unmet, room.died, room.unready, room.unmet_again)
    finally:
        for peer in room.peers.values():
            peer.clean_up()


@final
class _Room:
    """The peers of a plan, and what they are told to do."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.dials, self.links = plan.dials(), plan.links()
        self.peers = {name: KINDS[kind_of(name)](name, folder / name.replace(" ", "-")) for name in plan.names}
        self.ws: dict[str, int] = {}
        """Where each who takes WebSockets does."""

        self.to_dial: list[tuple[str, str]] = []
        self.dialled: set[tuple[str, str]] = set()
        self.here: set[str] = set()
        """Who is there, and can speak."""

        self.awaited: dict[str, float] = {}
        """Started again, and not ready yet: until when each may be."""

        self.to_meet: dict[tuple[str, str], float] = {}
        """Of whom one is back, and who have not met again yet: until when they may."""

        self.unready: list[str] = []
        self.unmet_again: list[tuple[str, str]] = []
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
        if self.plan.relayed:
            self._start(RELAY)
            relay, relayed = self.peers[RELAY], self.peers[self.plan.relayed]
            relayed.options += ("--relay", f"{relay.address}/p2p/{relay.id}")
        self._start(*self.peers.keys() - self.here)
        self.to_dial = list(self.dials)
        end = time.monotonic() + START
        while True:
            self._dial_due()
            unmet = [pair for pair in self.links if not self._have_met(*pair)]
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

    def settle(self, progress: Progress) -> Account:
        """Wait for those who are to be back, and until nothing is missing, or may not be asked for any more.

        Returns the account.
        """
        end = time.monotonic() + LAST_WORDS
        while self.awaited or self.to_meet or (self._is_missing() and time.monotonic() < end):
            time.sleep(LOOK)
            self._look_after(progress)
        time.sleep(SECOND_COPY)
        self._look_after(progress)
        return account(self._told(), self.said)

    def _is_missing(self) -> bool:
        judged = account(self._told(), self.said)
        return bool(judged.lost or judged.unsent)

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
        self.awaited[name] = time.monotonic() + START
        self._note(f"{name} is started again")

    def _leave(self, name: str) -> None:
        self._gone(name)
        self.peers[name].kill()
        self._note(f"{name} is killed, and does not come back")

    def _gone(self, name: str) -> None:
        self.here.discard(name)
        self.awaited.pop(name, None)
        self.to_meet = {pair: until for pair, until in self.to_meet.items() if name not in pair}
        self.to_dial = [pair for pair in self.to_dial if name not in pair]
        self.dialled = {pair for pair in self.dialled if name not in pair}

    def _look_after(self, progress: Progress) -> None:
        """Have who has come back dial and be dialled, and notice who has not, and who has ended by itself."""
        self._dial_due()
        now = time.monotonic()
        for name in [name for name in self.awaited if self.peers[name].last("ready")]:
            del self.awaited[name]
            self.here.add(name)
            links = [pair for pair in self.links if name in pair and self.here.issuperset(pair)]
            self.to_meet |= {(min(pair), max(pair)): now + WHOLE_AGAIN for pair in links}
            self.to_dial += [pair for pair in self.dials if name in pair and self.here.issuperset(pair)]
            self._note(f"{name} is back")
            progress(self.happened[-1][1])
        late = [name for name, until in self.awaited.items() if now > until]
        self.unready += late
        self.awaited = {name: until for name, until in self.awaited.items() if name not in late}
        self.to_meet = {pair: until for pair, until in self.to_meet.items() if not self._have_met(*pair)}
        apart = [pair for pair, until in self.to_meet.items() if now > until]
        self.unmet_again += apart
        self.to_meet = {pair: until for pair, until in self.to_meet.items() if pair not in apart}
        for name in sorted(self.here | self.awaited.keys()):
            process = self.peers[name].process
            if process is not None and process.poll() is not None:
                self._gone(name)
                self.died.append(name)
                self._note(f"{name} has ended by itself")
                progress(self.happened[-1][1])
