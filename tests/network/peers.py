"""Peers in processes of their own: started, stopped, killed and started again, and what each of them told."""

from __future__ import annotations

import contextlib
import json
import math
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Final

from tests import warm
from tests.frontends.programs import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

PATIENCE: Final = 20.0
WHOLE_AGAIN: Final = 30.0
"""What is promised: after whatever happened the room is whole again within so many seconds."""

LET_GO: Final = 20.0
"""What is promised: a peer that hangs is let go within so many seconds."""

Told = dict[str, Any]
"""A line of --json, with the time at which it came (time.monotonic) as "at"."""

UNHEARD: Final = frozenset({"starting", "pinged", "identified", "nick_learned"})
"""Events of ours that nobody waits for in most tests, and of which there are many."""

PROGRAM: Final = (sys.executable, "-m", "tests.network.program")
KILLED: Final = "killed"
ENDED: Final = "ended"
ENDS: Final = (KILLED, ENDED)
"""The last event of a life; the first of them is noted for a peer that had no time to say it."""

_PORTS: Final = iter(range(random.randrange(10_000, 30_000), 32_000))
_CHANGED: Final = threading.Condition()
"""Any peer has told something; one for all of them, as many a wait is for several."""


@dataclass(frozen=True)
class Usage:
    """What a process holds."""

    memory: int
    """Bytes."""

    descriptors: int
    tasks: int


@dataclass(eq=False)
class Peer:
    """One peer of the room. It keeps its name and its port through several lives; what it told is of all of them."""

    name: str
    folder: Path
    connect: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    inside: tuple[str, ...] = ()
    """What the command is preceded by, for a life in a namespace."""

    limits: Mapping[str, float] = field(default_factory=dict)
    """Of `core.limits`, those that are to be others."""

    options: tuple[str, ...] = ()
    """More of the command line; without `--mdns`, `--discovery` or `--remember` a peer looks for nobody."""

    port: int = 0
    unheard: frozenset[str] = UNHEARD
    told: list[Told] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    """Its peer IDs, one for each life: all the same, as the key is kept."""

    def __post_init__(self) -> None:
        self.changed = _CHANGED
        self.process: warm.Process | None = None
        self.port = self.port or free_port()
        self._thread: threading.Thread | None = None
        self._asked = 0

    # --- Life -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin a life, without waiting for it."""
        self.clean_up()
        self.folder.mkdir(parents=True, exist_ok=True)
        connect = [part for address in self.connect for part in ("--connect", address)]
        homes = {f"XDG_{kind}_HOME": str(self.folder / kind.lower()) for kind in ("CONFIG", "DATA", "STATE")}
        with (self.folder / "stderr").open("ab") as errors:
            self.process = warm.start(
                [*self.inside, *self.program(), *self.options, *connect],
                self.folder,
                environment(HOME=str(self.folder), PY_PEER_EPHEMERAL="", **homes),
                subprocess.PIPE,
                subprocess.PIPE,
                errors.fileno(),
            )
        assert self.process.stdout is not None
        self._thread = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._thread.start()

    def program(self) -> tuple[str, ...]:
        """Return the command, without what every peer takes: `options` and those to connect to."""
        arguments = ("--headless", "--json", "--no-intro", "--nick", self.name, "--port", str(self.port))
        return (*PROGRAM, json.dumps(dict(self.limits)), *arguments, "--identity", str(self.folder / "identity.key"))

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def leave(self) -> None:
        """End this life in good order."""
        self.signal(signal.SIGTERM)
        self._wait()

    def kill(self) -> None:
        """End this life as kill -9 does."""
        assert self.process is not None
        self.process.kill()
        self._wait()
        self._note({"event": KILLED})

    def clean_up(self) -> None:
        """End whatever life there is."""
        if self.process is None:
            return
        self.process.kill()
        self._wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        self.process = None

    def _wait(self) -> None:
        assert self.process is not None
        assert self._thread is not None
        self.process.wait(PATIENCE)
        self._thread.join(PATIENCE)

    # --- What it does and tells -------------------------------------------------------------------

    @property
    def id(self) -> str:
        return self.ids[-1]

    @property
    def address(self) -> str:
        return self.address_at(self.port)

    def address_at(self, port: int) -> str:
        """Return its address without its ID, as people do not type it; `port` may be a proxy's."""
        return f"/ip{6 if ':' in self.host else 4}/{self.host}/tcp/{port}"

    def command(self, name: str, /, **arguments: object) -> None:
        """Have it do something."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"command": name, **arguments}).encode() + b"\n")
        self.process.stdin.flush()

    def say(self, text: str) -> None:
        self.command("say", text=text)

    def usage(self) -> Usage:
        """Ask what the process holds now."""
        self._asked += 1
        self.command("stats", id=self._asked)
        self.wait_for(lambda: (self.last("statistics") or {}).get("id") == self._asked, "statistics")
        told = self.last("statistics") or {}
        return Usage(told["memory_bytes"], told["file_descriptors"], told["tasks"])

    def all(self, event: str) -> list[Told]:
        with self.changed:
            return [told for told in self.told if told["event"] == event]

    def last(self, event: str) -> Told | None:
        """Return the last event of a kind in this life."""
        with self.changed:
            for told in reversed(self.told):
                if told["event"] == event:
                    return told
                if told["event"] in ("started", *ENDS):
                    break
        return None

    def see(self, event: str, seconds: float = PATIENCE, **fields: object) -> Told:
        """Return the first event of a kind that has these fields, told already or to come."""

        def seen() -> Told | None:
            return next((told for told in self.all(event) if fields.items() <= told.items()), None)

        self.wait_for(seen, f"{event} {fields}", seconds)
        found = seen()
        assert found is not None
        return found

    def room(self, when: float = math.inf) -> frozenset[str]:
        """Return the peer IDs of those whom this peer, in this life, says (or said at a time) to be in the room."""
        room: set[str] = set()
        with self.changed:
            for told in self.told:
                if told["at"] > when:
                    break
                if told["event"] in ("started", *ENDS):
                    room.clear()
                elif told["event"] == "peer_joined":
                    room.add(told["peer_id"])
                elif told["event"] == "peer_left":
                    room.discard(told["peer_id"])
        return frozenset(room)

    def lives(self) -> list[list[Told]]:
        """Return what was told in each life."""
        lives: list[list[Told]] = []
        with self.changed:
            for told in self.told:
                if told["event"] == "started":
                    lives.append([])
                lives[-1].append(told)
        return lives

    def texts(self) -> list[str]:
        """Return what was shown, in order."""
        return [told["text"] for told in self.all("message_received")]

    def wait_for(self, condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
        with self.changed:
            if not self.changed.wait_for(condition, seconds):
                told = "\n".join(map(str, self.told[-20:]))
                raise AssertionError(f"{self.name} did not see in {seconds:g} s: {what}\n--- told, at last:\n{told}")

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            told = json.loads(line)
            if told["event"] not in self.unheard:
                self._note(told)

    def _note(self, told: Told) -> None:
        with self.changed:
            self.told.append(told | {"at": time.monotonic()})  # the program's own clock may be moved
            if told["event"] == "started":
                self.ids.append(told["peer_id"])
            self.changed.notify_all()


def whole(hub: Peer, *others: Peer, seconds: float = WHOLE_AGAIN) -> float:
    """Wait until the hub has every other in its room, and they the hub; return how many seconds that took."""
    start = time.monotonic()

    def is_whole() -> bool:
        if not all(peer.last("ready") for peer in (hub, *others)):
            return False
        return hub.room() >= {other.id for other in others} and all(hub.id in other.room() for other in others)

    hub.wait_for(is_whole, "the whole room", seconds)
    return time.monotonic() - start


def met(*peers: Peer, seconds: float = PATIENCE) -> float:
    """Wait until every one of these has all others in its room; return how many seconds after the last Ready it was."""
    ready = 0.0
    for peer in peers:
        peer.wait_for(lambda: peer.last("ready"), "ready")  # noqa: B023 - it is called at once
        ready = max(ready, (peer.last("ready") or {})["at"])

    def unmet() -> dict[str, list[str]]:
        """Whom each does not have in its room."""
        lacking = {
            peer.name: [other.name for other in peers if other.id not in peer.room() | {peer.id}] for peer in peers
        }
        return {name: others for name, others in lacking.items() if others}

    try:
        peers[0].wait_for(lambda: not unmet(), "all in one room", seconds)
    except AssertionError as error:
        raise AssertionError(f"not met: {unmet()}\n{error}") from None
    return time.monotonic() - ready


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait for what no peer tells unasked."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def hear_each_other(*peers: Peer) -> None:
    """Have each say something, and wait until all others show it."""
    said = {peer: f"{peer.name} says {len(peer.all('message_sent'))}" for peer in peers}
    for peer, text in said.items():
        peer.say(text)

    def all_heard() -> bool:
        return all(text in other.texts() for peer, text in said.items() for other in peers if other is not peer)

    peers[0].wait_for(all_heard, f"{', '.join(said.values())} heard by all")


@contextlib.contextmanager
def party(*peers: Peer) -> Iterator[None]:
    """Run peers, the first of which the others call, to the end of the block."""
    try:
        for peer in peers:
            peer.start()
        yield
    finally:
        for peer in peers:
            peer.clean_up()


def free_port() -> int:
    """Return a port on which nothing listens now, below those that systems give to who asks for any."""
    for port in _PORTS:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError
