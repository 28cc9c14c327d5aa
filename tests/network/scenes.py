"""What happens to a room, in scenes: each is told how long to last, and returns what it has shown.

A scene raises AssertionError when the room does not come together, or is not whole again in time.
"""

from __future__ import annotations

import contextlib
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from tests.network.ledger import Account, Ledger
from tests.network.peers import LET_GO, WHOLE_AGAIN, Peer, party, whole
from tests.network.program import MOVE_CLOCK
from tests.network.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.network.namespaces import Host

Limits: TypeAlias = "Mapping[str, float]"
USUAL: Final[Limits] = {}
QUICK: Final[Limits] = {"PING_INTERVAL": 1.0, "PING_TIMEOUT": 1.0}
"""Limits with which a silent peer is let go in two seconds instead of fifteen."""

LOSS_PERCENT: Final = 5
NARROW_KILOBITS: Final = 256

AGAIN: Final = 15.0
"""How long texts may take to be shown once the room is whole."""


@dataclass(frozen=True)
class Timed:
    """How long something took, and how long it may take; in seconds."""

    what: str
    seconds: float
    promised: float = WHOLE_AGAIN


@dataclass(frozen=True)
class Outcome:
    """What a scene has shown."""

    account: Account
    times: list[Timed]

    def __str__(self) -> str:
        times = (f"{timed.what} {timed.seconds:.1f} s" for timed in self.times)
        return f"{self.account}; {', '.join(times)}"

    @property
    def kept(self) -> bool:
        """Whether every promise was."""
        return self.account.clean and all(timed.seconds <= timed.promised for timed in self.times)


def talk(ledger: Ledger, seconds: float, rate: float = 1.0, during: Callable[[float], None] = lambda _: None) -> None:
    """Have every peer say something `rate` times a second; `during` is called each time, with the seconds passed."""
    start = time.monotonic()
    for number in range(int(seconds * rate)):
        time.sleep(max(0.0, start + number / rate - time.monotonic()))
        during(time.monotonic() - start)
        for peer in ledger.peers:
            ledger.say(peer)


def around(folder: Path, names: str, limits: Limits = USUAL) -> list[Peer]:
    """Return peers of which the first is the one that all others call."""
    first, *others = names.split()
    hub = Peer(first, folder / first, limits=limits)
    return [hub, *(Peer(name, folder / name, (hub.address,), limits=limits) for name in others)]


def _when_left(peer: Peer, witness: Peer) -> float:
    """Return when a witness was last told that a peer had left (time.monotonic)."""
    return max(float(told["at"]) for told in witness.all("peer_left") if told["peer_id"] == peer.id)


def _wait_until_let_go(one: Peer, other: Peer) -> None:
    one.wait_for(lambda: other.id not in one.room() and one.id not in other.room(), "each other let go", LET_GO)


# --- Lines ----------------------------------------------------------------------------------------


def bad_lines(folder: Path, seconds: float, limits: Limits = USUAL) -> Outcome:
    """Have four peers talk with a fifth over four bad lines: late, in single bytes, reset, silent for a time."""
    hub = Peer("hub", folder / "hub", limits=limits)
    with contextlib.ExitStack() as stack:
        late, sliced, torn, mute = (stack.enter_context(Proxy(hub.port, seed)) for seed in range(4))
        late.both(delay=0.5, jitter=0.2)
        sliced.both(slice_bytes=1)
        others = [
            Peer(name, folder / name, (hub.address_at(proxy.port),), limits=limits)
            for name, proxy in {"late": late, "sliced": sliced, "torn": torn, "mute": mute}.items()
        ]
        stack.enter_context(party(hub, *others))
        times = [Timed("first whole", whole(hub, *others))]
        torn.life = seconds / 4
        torn.reset()
        ledger = Ledger(hub, *others)

        def misbehave(passed: float) -> None:
            mute.both(silent=seconds / 4 < passed < seconds / 2)

        talk(ledger, seconds, during=misbehave)
        torn.life = float("inf")
        mute.both(silent=False)
        times.append(Timed("whole again", whole(hub, *others)))
        ledger.say(hub)
        return Outcome(ledger.settle(AGAIN), times)


def silent_line(folder: Path, seconds: float, limits: Limits = USUAL) -> Outcome:
    """Have a line take everything and pass nothing, until the peers have let each other go and found a new one."""
    hub, far, near = around(folder, "hub far near", limits)
    with Proxy(hub.port) as proxy:
        far.connect = (hub.address_at(proxy.port),)
        with party(hub, far, near):
            whole(hub, far, near)
            ledger = Ledger(hub, far, near)
            talk(ledger, 2)
            proxy.both(silent=True)
            start = time.monotonic()
            talk(ledger, seconds)
            _wait_until_let_go(hub, far)
            times = [Timed("let go", _when_left(far, hub) - start, LET_GO)]
            proxy.reset()
            proxy.both(silent=False)
            times.append(Timed("whole again", whole(hub, far, near)))
            ledger.say(hub)
            ledger.say(far)
            return Outcome(ledger.settle(AGAIN), times)


# --- Lives ----------------------------------------------------------------------------------------


def killed(folder: Path, limits: Limits = USUAL) -> Outcome:
    """Kill a peer of a room of five, then the one that all others call; each comes back at once, with key and port."""
    hub, *others = around(folder, "hub ann bob cid dan", limits)
    with party(hub, *others):
        whole(hub, *others)
        ledger = Ledger(hub, *others)
        times: list[Timed] = []
        for name, victim, witness in (("a peer", others[0], hub), ("the hub", hub, others[0])):
            start = time.monotonic()
            victim.kill()
            witness.wait_for(lambda: victim.id not in witness.room(), f"that {victim.name} is gone")  # noqa: B023
            times.append(Timed(f"{name} missed", time.monotonic() - start, LET_GO))
            start = time.monotonic()
            victim.start()
            whole(hub, *others)
            for peer in ledger.peers:
                ledger.say(peer)
            ledger.settle(AGAIN)
            times.append(Timed("back", time.monotonic() - start))
        return Outcome(ledger.account(), times)


def stopped(folder: Path, seconds: float, *, moved: bool = False, limits: Limits = USUAL) -> Outcome:
    """Stop a process as SIGSTOP, or the lid of a machine, does; the wall clock has moved when it goes on."""
    hub, sleeper, other = around(folder, "hub sleeper other", limits)
    with party(hub, sleeper, other):
        whole(hub, sleeper, other)
        ledger = Ledger(hub, sleeper, other)
        talk(ledger, 2)
        ledger.settle(AGAIN)
        sleeper.signal(signal.SIGSTOP)
        start = time.monotonic()
        for _ in range(int(seconds)):
            for peer in (hub, other):
                ledger.say(peer)
            time.sleep(1)
        hub.wait_for(lambda: sleeper.id not in hub.room(), "that the sleeper is gone", LET_GO)
        times = [Timed("let go", _when_left(sleeper, hub) - start, LET_GO)]
        if moved:
            sleeper.signal(MOVE_CLOCK)
        sleeper.signal(signal.SIGCONT)
        start = time.monotonic()
        ledger.say(sleeper)
        whole(hub, sleeper, other)
        for peer in ledger.peers:
            ledger.say(peer)
        account = ledger.settle(WHOLE_AGAIN)
        times.append(Timed("whole again", time.monotonic() - start))
        return Outcome(account, times)


# --- Networks -------------------------------------------------------------------------------------


def bad_network(folder: Path, hosts: list[Host], seconds: float, limits: Limits = USUAL) -> Outcome:
    """Have three hosts talk: packets to and from one are lost, its line is narrow; of another the cable is out."""
    peers = [
        Peer(name, folder / name, host=host.address, inside=host.space.inside, limits=limits)
        for name, host in zip(("hub", "lossy", "unplugged"), hosts, strict=True)
    ]
    hub, lossy, unplugged = peers
    lossy.connect = unplugged.connect = (hub.address,)
    for host in hosts[:2]:
        host.drop(LOSS_PERCENT)
    hosts[1].narrow(NARROW_KILOBITS)
    with party(*peers):
        times = [Timed("first whole", whole(*peers))]
        ledger = Ledger(*peers)
        talk(ledger, 2)
        hosts[2].pull_cable()
        start = time.monotonic()
        talk(ledger, seconds)
        _wait_until_let_go(hub, unplugged)
        times.append(Timed("let go", _when_left(unplugged, hub) - start, LET_GO))
        hosts[2].plug_in()
        times.append(Timed("whole again", whole(*peers)))
        for peer in peers:
            ledger.say(peer)
        return Outcome(ledger.settle(AGAIN), times)
