"""What our choices on the wire lose, beside what others would: `python -m interop.choices`.

Each scene is run once for each choice, in a room of ours with the small peers of the other languages that can be run
here, every one in a process of its own, over TCP on the loopback. With `--write` the tables go into docs/wire.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

import trio
from libp2p.crypto.ed25519 import create_new_key_pair

from interop.accounts import SETTLED, Said, account
from interop.builds import GO, RUST
from interop.versions import versions
from py_peer.net import mesh
from tests.net.raw_peer import signed
from tests.net.support import ROOM
from tests.net.town import Town
from tests.network.peers import Peer, whole
from tests.sisters.sisters import GoPeer, JsPeer, RustPeer, missing_js

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from libp2p.peer.id import ID
    from libp2p.pubsub.pb import rpc_pb2

PAGE: Final = Path(__file__).parents[1] / "docs" / "wire.md"
INTERRUPTED: Final = 130
START: Final = 90.0
"""Seconds in which a room is whole, on a busy machine."""

FIGURES: Final = ("arrived", "half, the last after", "copies", "bytes a text", "lowest score")
"""Of a room: what arrived of what was owed, and how fast; at ours, how often a text came and what it cost on the wire;
and what the Node peers made of ours."""

TWICE: Final = 2
TEXTS: Final = 30
PAUSE: Final = 0.1
"""Texts that each says, and seconds between two of anybody's: a Rust peer shows 17 a second."""

ALONE: Final = ("--no-mdns", "--no-discovery", "--no-remember", "--no-upnp")
"""So that nobody else who runs on this machine, or near it, is in the room."""

LOOK: Final = 0.2
"""Seconds between two looks at the scores, since js-libp2p forgives within a few."""


@dataclass(eq=False)
class Ours(Peer):
    """py-peer, with a choice made otherwise."""

    changes: Mapping[str, Any] = field(default_factory=dict)

    def program(self) -> tuple[str, ...]:
        """Return the command."""
        arguments = super().program()
        start = arguments.index("--headless")
        changed = (sys.executable, "-m", "interop.changed", json.dumps(dict(self.changes)))
        return (*changed, *arguments[start:], *ALONE)


KINDS: Final[dict[str, tuple[type[Peer], Callable[[], str]]]] = {
    "Go": (GoPeer, GO.missing),
    "Rust": (RustPeer, RUST.missing),
    "Node": (JsPeer, missing_js),
}


@dataclass
class Scene:
    """One room, what is said in it, and what js-libp2p makes of ours meanwhile."""

    folder: Path
    peers: list[Peer] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    worst: float = 0.0
    """The lowest score that any of the Node peers has given one of ours."""

    def add(self, language: str, *called: Peer, **changes: Any) -> Peer:
        """Return a new peer, which calls others when it starts; `changes` are for ours ("py")."""
        name = f"{language}{len(self.peers)}"
        connect = tuple(one.address for one in called)
        if language == "py":
            peer: Peer = Ours(name, self.folder / name, connect, changes=changes)
        else:
            peer = KINDS[language][0](name, self.folder / name, connect)
        self.peers.append(peer)
        return peer

    def start(self, *peers: Peer) -> None:
        """Start peers one after the other, so that who calls is answered."""
        for peer in peers:
            peer.start()
            peer.see("ready", START)

    @property
    def ours(self) -> list[Peer]:
        """Those of ours who are there."""
        return [one for one in self.peers if isinstance(one, Ours) and one.process and one.last("ready")]

    def say(self, author: Peer, text: str) -> None:
        """Have somebody say something."""
        self.said.append(Said(author.name, text, time.monotonic()))
        author.say(text)

    def rest(self, seconds: float) -> None:
        """Let time pass, and ask the Node peers again and again what they make of ours."""
        end = time.monotonic() + seconds
        nodes = [one for one in self.peers if isinstance(one, JsPeer) and one.last("ready")]
        while (now := time.monotonic()) < end:
            ids = {one.id for one in self.ours}
            for node in nodes:
                node.command("scores")
                told = node.last("scores") or {"scores": {}}
                self.worst = min([self.worst, *(score for peer, score in told["scores"].items() if peer in ids)])
            time.sleep(min(LOOK, end - now))

    def talk(self, authors: Sequence[Peer], first: int, end: int) -> None:
        """Have each say the texts of these numbers."""
        for number in range(first, end):
            for author in authors:
                self.say(author, f"{number} of {author.name}")
                self.rest(PAUSE)

    def figures(self) -> list[str]:
        """Return what FIGURES names."""
        found = account({one.name: one.told for one in self.peers}, self.said)
        owed = sum(cell.owed for cell in found.cells.values())
        delays = sorted(delay for cell in found.cells.values() for delay in cell.delays)
        twice = sum(cell.twice for cell in found.cells.values())
        copies, size = self.costs()
        return [
            f"{len(delays)} of {owed}" + f", {twice} twice" * bool(twice),
            f"{1000 * statistics.median(delays):,.0f}, {1000 * delays[-1]:,.0f} ms",
            f"{copies:.2f}",
            f"{size:,.0f}",
            self.score(),
        ]

    def score(self) -> str:
        """Return the worst score."""
        return f"{self.worst:.1f}" if any(isinstance(one, JsPeer) for one in self.peers) else "-"

    def costs(self) -> tuple[float, float]:
        """Return how often a text came to one of ours, and the bytes of gossip for it there, both ways."""
        told = []
        for one in self.ours:
            one.usage()
            told.append(one.last("statistics") or {})
        new = sum(stats["messages_received"] for stats in told) or 1
        copies = sum(stats["messages_duplicate"] for stats in told)
        size = sum(stats["gossip_sent_bytes"] + stats["gossip_received_bytes"] for stats in told)
        return 1 + copies / new, size / len(told) / (len(self.said) or 1)


@contextlib.contextmanager
def scene() -> Iterator[Scene]:
    """Give an empty room, and end whoever is in it at the end of the block."""
    with tempfile.TemporaryDirectory() as folder:
        made = Scene(Path(folder))
        try:
            yield made
        finally:
            for peer in made.peers:
                peer.clean_up()


# --- The choices ----------------------------------------------------------------------------------


def line(ends: tuple[str, str], **changes: Any) -> list[str]:
    """Measure a line with ours in the middle, to which one more peer comes when half is said."""
    with scene() as room:
        hub = room.add("py", **changes)
        one, other, late = (room.add(language, hub) for language in (*ends, ends[1]))
        room.start(hub, one, other)
        whole(hub, one, other, seconds=START)
        room.rest(SETTLED)
        room.talk([hub, one, other], 0, TEXTS // 2)
        room.start(late)
        room.talk([hub, one, other], TEXTS // 2, TEXTS)
        room.rest(2 * SETTLED)
        return room.figures()


def ids(languages: Sequence[str]) -> str:
    """Measure message IDs, with all that others say passed on at once, and with all of it asked for."""
    wanted = (("Go", "Node"), ("Rust", "Node"), ("Go", "Rust"))
    lines = [pair for pair in wanted if set(pair) <= {*languages}] or [(one, one) for one in languages]
    rows = []
    for name, title in (("js", "SHA-256 of the number"), ("go", "author and number"), ("rust", "SipHash of the text")):
        for ends in lines:
            for push, how in ((True, "at once"), (False, "when asked for")):
                row = [title, f"{ends[0]}, ours, {ends[1]}", how, *line(ends, ids=name, push=push)]
                rows.append(row)
                print(row, file=sys.stderr)
    return table(["message ID", "line", "passed on", *FIGURES], rows) if rows else ""


def degrees(languages: Sequence[str]) -> str:
    """Measure the mesh, and whether Go's IDs are known, in a room of ten: all connected, one killed in the middle."""
    others = [language for language in ("Go", "Go", "Rust", "Node") if language in languages]
    choices: list[tuple[str, dict[str, Any]]] = [
        ("4/3/6", {"degrees": (4, 3, 6)}),
        ("6/4/12", {"degrees": (6, 4, 12)}),
        ("6/1/12", {"degrees": (6, 1, 12)}),
        ("4/3/6, Go's IDs not known", {"degrees": (4, 3, 6), "known": False}),
    ]
    rows = []
    for title, changes in choices * TWICE:
        with scene() as room:
            for language in [*["py"] * (10 - len(others)), *others]:
                room.add(language, *room.peers, **(changes if language == "py" else {}))
            room.start(*room.peers)
            whole(*room.peers, seconds=START)
            room.rest(2 * SETTLED)
            room.talk(room.peers, 0, TEXTS // 4)
            killed = room.peers[1]
            killed.kill()
            room.talk([one for one in room.peers if one is not killed], TEXTS // 4, TEXTS // 2)
            room.rest(2 * SETTLED)
            killed.clean_up()
            rows.append([title, *room.figures()])
        print(rows[-1], file=sys.stderr)
    return table(["mesh", *FIGURES], sorted(rows, key=lambda row: [title for title, _ in choices].index(row[0])))


def flood(languages: Sequence[str]) -> str:
    """Measure flood publishing with a Node peer that twelve of ours call from one address, six of each kind."""
    if not languages:
        return ""
    with scene() as room:
        node = room.add("Node")
        callers = {True: [], False: []}  # type: dict[bool, list[Peer]]
        for number in range(12):
            callers[bool(number % 2)].append(room.add("py", node, flood=bool(number % 2)))
        room.start(*room.peers)
        whole(node, *room.peers[1:], seconds=START)
        room.rest(3 * SETTLED)
        room.talk(room.peers[1:], 0, 5)
        room.rest(2 * SETTLED)
        heard = set(node.texts())
        rows = []
        for flooding, how in ((True, "to everybody"), (False, "to the mesh")):
            said = [one.text for one in room.said if one.author in {peer.name for peer in callers[flooding]}]
            rows.append([how, f"{sum(text in heard for text in said)} of {len(said)}", room.score()])
    print(rows, file=sys.stderr)
    return table(["our own messages go", "heard by Node", "lowest score"], rows)


SIZES: Final = (60_000, 65_000, 65_400, 70_000, 1_000_000)


def sizes(languages: Sequence[str]) -> str:
    """Measure what large texts do to a Rust peer that hears them of ours, with our limit of an RPC and without it."""
    if not {"Rust", "Node"} <= {*languages}:
        return ""
    rows = []
    for limit, how in ((65_536, "65,536"), (4 << 20, "4 MiB")):
        with scene() as room:
            hub = room.add("py", limits={"MAX_RPC_OUT": limit})
            rust, node = room.add("Rust", hub), room.add("Node", hub)
            room.start(*room.peers)
            whole(hub, rust, node, seconds=START)
            room.rest(SETTLED)
            for size in SIZES:
                small = [f"{number} after {size}" for number in range(5)]
                for text in (f"{size:x<{size}}", *small):
                    room.say(node, text)
                    room.rest(PAUSE)
                room.rest(SETTLED)
                heard = rust.texts()
                large = "heard" if any(len(text) == size for text in heard) else "not heard"
                rows.append([how, f"{size:,}", large, f"{sum(text in heard for text in small)} of {len(small)}"])
                print(rows[-1], file=sys.stderr)
    return table(["largest RPC of ours", "text of a Node peer", "by Rust, through ours", "texts after it"], rows)


class CountingTown(Town):
    """Routers of ours without a network, and how often a text came to any of them."""

    copies = 0

    async def _hear(self, router: Any, forwarder: ID, rpc: rpc_pb2.RPC) -> None:
        self.copies += len(rpc.publish)
        await super()._hear(router, forwarder, rpc)


async def _town(degrees: Sequence[int], dials: int) -> tuple[float, bool]:
    """Return how often a text comes to each of twenty, and whether the mesh falls apart when four fall silent."""
    with patch.multiple(mesh, DEGREE=degrees[0], DEGREE_LOW=degrees[1], DEGREE_HIGH=degrees[2]):
        town = CountingTown(20)
    await town.everybody_meets(dials)
    for _ in range(3):
        await town.heartbeat()
    town.copies = 0
    for number in range(20):
        await town.say(number, signed(create_new_key_pair(), ROOM, b"hello", number + 1))
        await town.deliver()
    copies = town.copies / 20 / 19
    town.dead = {*town.ids[::5]}
    return copies, town.parts() > 1


def alone(_: Sequence[str]) -> str:
    """Measure the mesh in rooms of ours alone, forty of twenty peers, in which chance makes the connections."""
    rows = []
    for degrees in ((4, 3, 6), (6, 4, 12), (6, 1, 12)):
        row = ["/".join(map(str, degrees))]
        for dials in (20, 4):
            rooms = [trio.run(_town, degrees, dials) for _ in range(40)]
            row += [
                f"{statistics.mean(copies for copies, _ in rooms):.1f}",
                f"{sum(apart for _, apart in rooms)} of 40",
            ]
        rows.append(row)
    head = [
        "mesh",
        "copies, all connected",
        "in parts when four fall silent",
        "copies, each has dialled four",
        "in parts",
    ]
    return table(head, rows)


CHOICES: Final[dict[str, tuple[Callable[[Sequence[str]], str], tuple[str, ...]]]] = {
    "ids": (ids, ("Go", "Rust", "Node")),
    "degrees": (degrees, ("Go", "Rust", "Node")),
    "alone": (alone, ()),
    "flood": (flood, ("Node",)),
    "sizes": (sizes, ("Rust", "Node")),
}
"""What measures each, and the languages whose peers take part if they are here."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write(page: Path, tables: Mapping[str, str], how: str) -> None:
    """Put tables into the page in place of those of the same names; the others stay."""
    text = page.read_text(encoding="utf-8")
    for name, made in tables.items():
        marked = re.compile(f"(?<=<!-- choice: {name} -->\n).*?(?=<!-- /choice -->)", re.DOTALL)
        text, count = marked.subn(lambda _, made=made: f"\n{made}\n{how}\n\n", text, count=1)  # type: ignore[misc]
        if not count:
            raise ValueError(f"{page.name} has no place for {name}")
    page.write_text(text, encoding="utf-8")


def main() -> int:
    """Run from the command line."""
    try:
        return _measure()
    except KeyboardInterrupt:
        print("Interrupted", file=sys.stderr)
        return INTERRUPTED


def _measure() -> int:
    """Measure the choices that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m interop.choices", description=__doc__)
    parser.add_argument("choices", nargs="*", choices=[*CHOICES, "all"], default="all", help="which (all)")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/wire.md")
    options = parser.parse_args()
    languages = []
    for language, (_, missing) in KINDS.items():
        if reason := missing():
            print(f"left out: {language}: {reason}", file=sys.stderr)
        else:
            languages.append(language)
    for name in CHOICES if "all" in options.choices else options.choices:
        measure, wanted = CHOICES[name]
        here = [language for language in wanted if language in languages]
        made = measure(here)
        print(f"{name}\n\n{made}")
        if options.write and made:
            made_of = "; ".join(f"{language}: {versions(language.lower())}" for language in here)
            how = f"{datetime.now(UTC):%Y-%m-%d}, `python -m interop.choices {name}`. {made_of}".strip()
            write(PAGE, {name: made}, how)
    return 0


if __name__ == "__main__":
    sys.exit(main())
