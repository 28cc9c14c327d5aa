"""The peers from whom files may be had: who is there, who speaks our file protocol, who can be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, final

import trio
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.addresses import short_id
from py_peer.core.speakers import Name
from py_peer.net.dial import DialError, NotNowError
from py_peer.net.file_exchange import WrongHashError, open_source
from py_peer.net.file_messages import FILE_EXCHANGE
from py_peer.net.streams import GarbageError, SilentError, StreamFaultError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from libp2p.abc import IHost

    from py_peer.core.file_record import FileRecord
    from py_peer.core.findings import Finding
    from py_peer.net.counters import Counters
    from py_peer.net.node import Node


async def _nobody(_: str) -> None:
    raise DialError("it is not connected")


async def _nowhere(_: Finding) -> None:
    raise DialError("it is not connected")


@final
class Sources:
    """The connected peers, as those see them who fetch."""

    def __init__(self) -> None:
        self.node: Node | None = None
        """The node, when it is up."""

        self.called: Callable[[str], Name] = lambda peer_id: Name(short_id(peer_id))
        """Returns what a peer is called."""

        self.call: Callable[[str], Awaitable[object]] = _nobody
        """Dials a peer by what is known of where it is. Raises DialError."""

        self.look_up: Callable[[Finding], Awaitable[object]] = _nowhere
        """Dials a peer where the DHT says that it is. Raises DialError."""

        self._findings: dict[str, tuple[Finding, ...]] = {}
        self._changed = trio.Event()

    @property
    def host(self) -> IHost:
        """The host of the node, which is up."""
        return cast("Node", self.node).host

    @property
    def counters(self) -> Counters:
        """The counters of the node, which is up."""
        return cast("Node", self.node).counters

    def name(self, peer_id: ID | str) -> str:
        """Return what a peer is called, for a sentence."""
        return self.called(str(peer_id)).of(str(peer_id))

    def is_here(self, peer_id: ID) -> bool:
        """Return whether a peer is connected."""
        return self.node is not None and peer_id in self.node.peers.records

    def speaks(self, peer_id: ID) -> bool:
        """Return whether a peer is connected and has said that it speaks our file protocol."""
        record = self.node.peers.records.get(peer_id) if self.node is not None else None
        return record is not None and FILE_EXCHANGE in record.protocols

    def speakers(self) -> list[ID]:
        """Return who is connected and speaks our file protocol."""
        return [peer_id for peer_id in self.node.peers.records if self.speaks(peer_id)] if self.node is not None else []

    def stir(self) -> None:
        """Take note that a peer has come or gone, or has said what it is."""
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    async def know(self, peer_id: ID) -> None:
        """Wait until a peer that is connected has said what it speaks, DESCRIBE_SECONDS at most."""
        with trio.move_on_after(limits.DESCRIBE_SECONDS):
            while self.node is not None and (record := self.node.peers.records.get(peer_id)) and not record.protocols:
                await self._changed.wait()

    def told(self, peer_id: str, findings: Sequence[Finding]) -> None:
        """Remember where several in the DHT say that a peer is who has something that is wanted."""
        self._findings.pop(peer_id, None)
        self._findings[peer_id] = tuple(findings)
        if len(self._findings) > limits.TRANSFERS * limits.PROVIDERS_ASKED:
            del self._findings[next(iter(self._findings))]

    async def reach(self, peer_id: str) -> ID:
        """Return the ID of a peer that is connected, after a dial if need be. Raises DialError.

        One that cannot be dialled may be about to come by itself. What a limit of our own forbids now is tried again.
        """
        wanted = ID.from_string(peer_id)
        give_up = trio.current_time() + limits.NOT_NOW_SECONDS
        while not self.is_here(wanted):
            try:
                await self._dial(peer_id)
            except DialError as error:
                with trio.move_on_after(limits.COME_SECONDS):
                    while not self.is_here(wanted):
                        await self._changed.wait()
                if self.is_here(wanted):
                    break
                if not isinstance(error, NotNowError) or trio.current_time() >= give_up:
                    raise
            else:
                break
        return wanted

    async def _dial(self, peer_id: str) -> None:
        """Dial a peer where the first says who is right about it, or where it is known to be. Raises DialError."""
        failure: DialError | None = None
        for finding in self._findings.get(peer_id, ()):
            try:
                await self.look_up(finding)
            except DialError as error:
                failure = error
            else:
                return
        if failure is not None:
            raise failure
        await self.call(peer_id)

    async def describe(self, peer_id: ID, file_id: str, offerer: str) -> FileRecord | None:
        """Ask a connected peer what a file is; None if it serves no such file of that offerer.

        Raises StreamFaultError; a peer that breaks the protocol gets a strike.
        """
        try:
            with trio.move_on_after(limits.DESCRIBE_SECONDS):
                async with open_source(self.host, peer_id) as source:
                    return await source.describe(file_id, offerer)
        except StreamFaultError as error:
            self.blame(peer_id, error)
            raise
        raise SilentError(f"it did not answer within {limits.DESCRIBE_SECONDS:.0f} seconds")

    def blame(self, peer_id: ID, error: StreamFaultError) -> None:
        """Count what went wrong with a peer, and hold it against one who lies or breaks the protocol."""
        if self.node is None:
            return
        self.node.counters[f"files: a source failed, {type(error).__name__}"] += 1
        if isinstance(error, GarbageError):
            self.node.bans.strike(peer_id, "it broke the protocol for files")
        elif isinstance(error, WrongHashError):
            self.node.bans.strike(peer_id, "it sent a file that is not what its hash stands for")
