"""Who stands with whom: one peer of ours and one in another language, by one transport, whoever dials."""

from __future__ import annotations

import contextlib
import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, final

from tests.network import namespaces
from tests.network.peers import PATIENCE, Peer, Told, free_port
from tests.sisters.matrix import ENDS, PORT, QUIC, START, TCP, TRANSPORTS, WS
from tests.sisters.sisters import KINDS, missing, missing_js_quic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

AGAIN: Final = 0.5
"""Seconds after which somebody who was not heard says something again."""

REDIAL: Final = 2.0
"""Seconds after which a peer that does not redial by itself is told to call again."""


@dataclass(frozen=True)
class Language:
    """Peers in another language."""

    name: str
    """As in the KINDS of tests/sisters/sisters.py."""

    title: str
    transports: tuple[str, ...] = TRANSPORTS
    uncallable: str = ""
    """Why nobody can dial them, or ""."""

    unfindable: str = ""
    """Why they neither find others nor are found, or ""."""


LANGUAGES: Final = (
    Language("go", "Go"),
    Language("rust", "Rust"),
    Language("node", "Node"),
    Language(
        "browser",
        "Browser",
        (WS,),
        "a page of a browser cannot be called",
        "a page of a browser hears no mDNS, serves no Kademlia and calls only addresses for WebRTC that are announced",
    ),
)


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    language: Language
    we_dial: bool
    transport: str = ""
    """None where they are to find each other: then it is whatever leads to who is found."""

    def __str__(self) -> str:
        return f"{self.language.title}, {self.title}"

    @property
    def title(self) -> str:
        """Return what stands above it in the table of its language."""
        return ", ".join(filter(None, ("we dial" if self.we_dial else "they dial", self.transport)))

    @property
    def impossible(self) -> str:
        """Return why it can be nowhere, or ""."""
        if not self.transport and self.language.unfindable:
            return self.language.unfindable
        return self.language.uncallable if self.we_dial else ""

    @property
    def missing(self) -> str:
        """Return why it cannot be here, or ""."""
        if reason := missing(self.language.name):
            return reason
        if not self.transport:
            return namespaces.missing()
        return missing_js_quic() if (self.language.name, self.transport) == ("node", QUIC) else ""


COLUMNS: Final = tuple(
    Column(language, we_dial, transport)
    for language in LANGUAGES
    for we_dial, transport in itertools.product((True, False), language.transports)
)
FINDING: Final = tuple(Column(language, we_dial) for language in LANGUAGES for we_dial in (True, False))


@final
@dataclass(eq=False)
class Pair:
    """The two peers of a column."""

    column: Column
    folder: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        transport = self.column.transport
        options = ("--downloads", str(self.folder / "downloads"))
        self.ours = Peer("ours", self.folder / "ours", options=options, unheard=frozenset({"starting"}))
        self.theirs = KINDS[self.column.language.name]("theirs", self.folder / "theirs")
        port = self.theirs.port if transport == TCP else free_port()
        if transport != TCP and not self.column.language.uncallable:
            self.theirs.options = (PORT[transport], str(port))
        self._end = ENDS[transport]
        if self.column.we_dial:
            self.ours.connect = (f"/ip4/127.0.0.1{self._end.format(port)}",)

    @property
    def ways(self) -> tuple[tuple[Peer, Peer], tuple[Peer, Peer]]:
        """Return who speaks and who hears: ours to theirs, and theirs to ours."""
        return (self.ours, self.theirs), (self.theirs, self.ours)

    @property
    def called(self) -> str:
        """Return where ours is called, with its ID, which it keeps."""
        return f"/ip4/127.0.0.1{self._end.format(self.ours.port)}/p2p/{self.ours.id}"

    @property
    def connected(self) -> bool:
        """Whether ours is connected to theirs; true while it starts, and cannot be called."""
        if not self.ours.last("ready"):
            return True
        told = [told["event"] for told in self.ours.lives()[-1] if told.get("peer_id") == self.theirs.id]
        ends = [event for event in told if event in ("peer_connected", "peer_disconnected")]
        return ends[-1:] == ["peer_connected"]

    def start(self) -> None:
        """Start both, the one that is called first, and wait until each knows itself."""
        first, second = (self.theirs, self.ours) if self.column.we_dial else (self.ours, self.theirs)
        first.start()
        self.wait_for(lambda: first.last("ready"), f"{first.name} ready")
        if not self.column.we_dial:
            self.theirs.connect = (self.called,)
        second.start()
        self.wait_for(lambda: second.last("started"), f"{second.name} started")

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait for both to come; raises AssertionError, with the last words of who has ended by itself, at once."""
        deadline = time.monotonic() + START
        while True:
            try:
                return self.ours.wait_for(condition, what, AGAIN)
            except AssertionError:
                for peer in (self.ours, self.theirs):
                    if peer.process and (code := peer.process.poll()) is not None:
                        raise AssertionError(f"{peer.name} has ended with {code}: {_last_words(peer)}") from None
                if time.monotonic() > deadline:
                    raise AssertionError(f"not within {START:g} s: {what}") from None

    def met(self) -> None:
        """Wait until each has the other in its room."""
        self.wait_for(
            lambda: all(one.last("ready") and other.id in one.room() for one, other in self.ways), "in one room"
        )

    def close(self) -> None:
        """End both."""
        for peer in (self.ours, self.theirs):
            with contextlib.suppress(Exception):
                peer.clean_up()

    def new_text(self, what: str = "") -> str:
        """Return a text that was not said before."""
        return f"{what or 'number'} {next(self._numbers)}"

    def speak(self, one: Peer, other: Peer) -> float:
        """Have one say something new, and the other hear it; return the seconds that it took."""
        text, start = self.new_text(), time.monotonic()
        one.say(text)
        return float(other.see("message_received", peer_id=one.id, text=text)["at"]) - start

    def meet_again(self, start: float, seconds: float) -> float:
        """Have both speak until each has heard the other; return how many seconds after `start` that was.

        Whoever does not redial is told to call again.
        """
        deadline, redial = start + seconds, time.monotonic() + REDIAL
        said: dict[Peer, list[str]] = {self.ours: [], self.theirs: []}

        def unheard() -> list[Peer]:
            return [one for one, other in self.ways if not set(said[one]) & set(other.texts())]

        while silent := unheard():
            if time.monotonic() > deadline:
                raise AssertionError(f"not heard within {seconds:g} s: {', '.join(peer.name for peer in silent)}")
            for peer in silent:
                said[peer].append(self.new_text("again"))
                with contextlib.suppress(BrokenPipeError):
                    peer.say(said[peer][-1])
            if not self.column.we_dial and not self.connected and time.monotonic() > redial:
                redial = time.monotonic() + REDIAL
                self.theirs.command("connect", address=self.called)
            with contextlib.suppress(AssertionError):
                self.ours.wait_for(lambda: not unheard(), "each other", AGAIN)
        return time.monotonic() - start


def _last_words(peer: Peer) -> str:
    """Return the last line of what a peer has written beside its events."""
    lines = (peer.folder / "stderr").read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def answer(asked: Peer, command: str, *events: str, **arguments: Any) -> Told:
    """Have a peer do something, and return the first of these events that it tells from then on."""
    before = {event: len(asked.all(event)) for event in events}
    asked.command(command, **arguments)

    def told() -> Told | None:
        return next((new[0] for event, count in before.items() if (new := asked.all(event)[count:])), None)

    asked.wait_for(told, f"{' or '.join(events)} after {command}", PATIENCE)
    return told() or {}
