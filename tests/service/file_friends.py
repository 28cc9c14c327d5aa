"""Friends who share files: real nodes on loopback with all of `py_peer.service.files`, in one trio loop."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from py_peer.core.events import Answer, Event
from py_peer.core.file_events import FileShared, TransferDone, TransferFailed
from py_peer.core.requests import GetFile, ShareFile
from py_peer.core.settings import Settings, Transports
from py_peer.core.speakers import Name
from py_peer.net.dial import DialError
from py_peer.net.file_messages import FILE_EXCHANGE
from py_peer.net.node import open_node
from py_peer.net.sister_files import SISTER_FILE
from py_peer.service.files import Files
from py_peer.service.offers import FILE_TOPIC
from tests.net.support import ROOM, Recorder, dial_address, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from libp2p.crypto.keys import KeyPair
    from libp2p.custom_types import StreamHandlerFn, TProtocol
    from libp2p.peer.id import ID

    from py_peer.core.file_events import SharedFile
    from py_peer.core.requests import Request
    from py_peer.net.connections import PeerRecord
    from py_peer.net.node import Node

E = TypeVar("E", bound=Event)
PIECE = 256 * 1024


@dataclass
class Watcher(Recorder):
    """An observer that lets the files know who comes, goes, and says what it is."""

    identify: Callable[[PeerRecord], None] = lambda _: None

    def identified(self, record: PeerRecord) -> None:
        super().identified(record)
        self.identify(record)


class Gate:
    """Stands in for the pace of a server: so many requests are answered, and the next ones when it opens."""

    def __init__(self, requests: float) -> None:
        self.left = requests
        self.asked = 0
        self.opened = trio.Event()

    async def wait(self, peer_id: ID) -> None:
        del peer_id
        self.asked += 1
        self.left -= 1
        if self.left < 0:
            await self.opened.wait()


@dataclass
class Friend:
    """A node with files, and what its user is told."""

    name: str
    node: Node
    files: Files
    folder: Path
    seen: Watcher
    events: list[Event] = field(default_factory=list)
    ignored: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    tickets: int = 0

    @property
    def id(self) -> ID:
        return self.node.host.get_id()

    async def meet(self, *others: Friend) -> None:
        """Connect, and wait until each knows what the other speaks and hears what it offers."""
        for other in others:
            await self.node.dial(dial_address("127.0.0.1", other.node.port, str(other.id)))
            for one, two in ((self, other), (other, self)):
                one.names[str(two.id)] = two.name
                await until(lambda one=one, two=two: one.knows(two))

    def knows(self, other: Friend) -> bool:
        record = self.node.peers.records.get(other.id)
        topic = self.node.pubsub.peer_topics.get(FILE_TOPIC, ())
        return record is not None and bool(record.protocols) and other.id in topic

    async def part(self, other: Friend) -> None:
        await self.node.disconnect(other.id)
        await until(lambda: other.id not in self.node.peers.records)

    async def see(self, kind: type[E], when: Callable[[E], object] = lambda _: True) -> E:
        """Return the first event of a kind, told already or to come."""
        await until(lambda: any(isinstance(event, kind) and when(event) for event in self.events))
        return next(event for event in self.events if isinstance(event, kind) and when(event))

    def told(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def ask(self, make: Callable[[int], Request]) -> int:
        """Make a request and return its ticket."""
        self.tickets += 1
        request = make(self.tickets)
        self.files.handlers[type(request)](request)
        return self.tickets

    def made(self) -> list[str]:
        """Return what is in the downloads."""
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.is_dir() else []

    def serve(self, requests: float) -> Gate:
        """Answer so many requests of py-peers from now on, and the next ones when the gate opens."""
        gate = self.files._shared.pace = Gate(requests)  # type: ignore[assignment]
        return gate

    async def share(self, path: Path) -> SharedFile:
        ticket = self.ask(lambda ticket: ShareFile(ticket, str(path)))
        return (await self.see(FileShared, lambda event: event.ticket == ticket)).file

    async def listed(self, file: SharedFile) -> None:
        """Wait until a file is known by its name."""
        await until(lambda: any(one.file_id == file.file_id and one.name for one in self.files._board.offers()))


@asynccontextmanager
async def friend(
    name: str,
    folder: Path,
    *,
    key_pair: KeyPair | None = None,
    port: int = 0,
    protocols: tuple[TProtocol, ...] = (FILE_EXCHANGE, SISTER_FILE),
    streams: Mapping[TProtocol, StreamHandlerFn] | None = None,
    **settings: Any,
) -> AsyncIterator[Friend]:
    """Run a node with files, whose downloads are a folder of its name.

    It serves files on `protocols`, or as `streams` do.
    """
    events: list[Event] = []
    seen = Watcher()
    downloads = folder / name
    files = Files(Settings(name, downloads=downloads, **settings), events.append)
    seen.moved, seen.identify = files.moved, files.identified
    async with open_node(
        room_topic=ROOM,
        observer=seen,
        admit=lambda _: True,
        transports=Transports(port=port, loopback=True),
        key_pair=key_pair,
        boards=files.boards,
        streams={protocol: files.streams[protocol] for protocol in protocols} if streams is None else streams,
    ) as node:
        one = Friend(name, node, files, downloads, seen, events)

        async def call(peer_id: str) -> None:
            raise DialError("nobody has told where it is")

        files.know(lambda peer_id: Name(one.names.get(peer_id, peer_id[-8:])), one.ignored.__contains__, call)
        await node.pubsub.subscribe(ROOM)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(files.run, node)
            yield one
            assert node.counters["unexpected faults"] == 0
            nursery.cancel_scope.cancel()


def write(path: Path, size: int) -> Path:
    """Make a file of random bytes."""
    path.write_bytes(os.urandom(size))
    return path


def falsify(path: Path, start: int) -> None:
    """Change a byte of a file so that nobody notices."""
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(start)
        (byte,) = file.read(1)
        file.seek(start)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


async def get(one: Friend, file: SharedFile, path: str = "") -> int:
    """Ask for a file as soon as it is known."""
    await one.listed(file)
    return one.ask(lambda ticket: GetFile(ticket, file.file_id, path))


async def done(one: Friend, file: SharedFile, count: int = 1) -> TransferDone:
    """See a file there, as it was shared."""
    await until(lambda: len(one.told(TransferDone)) >= count or one.told(TransferFailed) or failures(one))
    assert (one.told(TransferFailed), failures(one)) == ([], [])
    event = one.told(TransferDone)[count - 1]
    assert (event.file_id, event.size, event.verified) == (file.file_id, file.size, True)
    with open(event.path, "rb") as here, open(file.path, "rb") as there:  # noqa: ASYNC230, PTH123
        assert here.read() == there.read()
    return event


def failures(one: Friend) -> list[str]:
    return [event.text for event in one.told(Answer) if event.failed]


def received(one: Friend) -> int:
    """Return how much has come of what is being fetched."""
    return max((transfer.received for transfer in one.files._transfers.shown()), default=0)
