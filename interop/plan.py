"""What is done in a room of many kinds of peers: who they are, who dials whom, and what happens to whom."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

from tests.network.peers import Peer
from tests.sisters.sisters import BrowserPeer, GoPeer, JsPeer, RustPeer, missing

Shape: TypeAlias = Literal["line", "mesh"]
SHAPES: Final[tuple[Shape, ...]] = ("line", "mesh")

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
            ValueError: it is no room: one is alone, or some cannot be reached by the others.
        """
        if len(self.names) <= 1:
            raise ValueError(f"no room: {self.names[0] if self.names else 'nobody'} is alone")
        dials: list[tuple[str, str]] = []
        if self.shape == "mesh":
            dials += [pair for pair in itertools.permutations(self.names, 2) if self._can_dial(*pair)]
            reached = {self.names[0]}
            for _ in self.names:
                reached.update(*(pair for pair in self._links(dials) if not reached.isdisjoint(pair)))
            if apart := [name for name in self.names if name not in reached]:
                raise ValueError(f"no mesh: no way leads from {self.names[0]} to {', '.join(apart)}")
            return dials
        for one, other in itertools.pairwise(self.names):
            ways = [pair for pair in ((one, other), (other, one)) if self._can_dial(*pair)]
            if not ways:
                raise ValueError(f"no line: neither {one} nor {other} can dial the other")
            dials.append(ways[0])
        return dials

    def links(self) -> list[tuple[str, str]]:
        """Return who is to meet whom: who dial each other, and the relay and who is behind it.

        Raises:
            ValueError: see dials.
        """
        return self._links(self.dials())

    def _links(self, dials: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [*dials, (self.relayed, RELAY)] if self.relayed else dials

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
