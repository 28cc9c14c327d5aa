"""Peers we knew: where those whom we met in the room were is kept in a file, and they are looked for in the next run.

The file tells with whom one talked. It is for the user alone, holds no message and no name, and may be deleted at any
time. Two programs may share it: what is new is put into what stands in it at that moment, under a lock.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, final

import anyio.to_thread
import trio

from py_peer.core import limits
from py_peer.core.findings import Finding, Source
from py_peer.core.ranges import Kind, kind_of
from py_peer.core.remembered import DAY, LaterFormatError, Places, RememberedError
from py_peer.net.connections import remote_ip
from py_peer.net.kept_file import BrokenFileError, KeptFileError, change_kept, read_kept
from py_peer.net.multiaddrs import dialable
from py_peer.service.kept import Troubles

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from libp2p.peer.id import ID

    from py_peer.core.addresses import DialAddress
    from py_peer.core.events import Event
    from py_peer.net.connections import PeerRecord
    from py_peer.net.node import Node

FILE: Final = "peers.json"


@final
@dataclass(slots=True)
class _Met:
    """What we know of one peer in this run."""

    reached: dict[str, None] = field(default_factory=dict)
    """Where we have dialled it, the latest last."""

    told: tuple[str, ...] = ()
    """Where it says that it listens, at the address from which it has called."""

    in_room: bool = False


@final
class RememberedPeers:
    """Keeps where the peers of the room are, and tells the finder where they were."""

    def __init__(
        self,
        folder: Path,
        found: Callable[[Finding], None],
        emit: Callable[[Event], None],
        *,
        loopback: bool = False,
    ) -> None:
        """Keep them in `folder`, and tell `found` of them. With `loopback` it is peers on this machine."""
        self._file = folder / FILE
        self._found = found
        self._kinds = {Kind.PUBLIC, Kind.PRIVATE} | ({Kind.LOOPBACK} if loopback else set())
        self._met: dict[str, _Met] = {}  # who was met last comes last
        self._recalled: dict[str, None] = {}
        self._new: set[str] = set()
        """Who is to be written; `_failed` those who were dialled in vain."""

        self._failed: set[str] = set()
        self._stale = False
        self._changed = trio.Event()
        self._troubles = Troubles(self._file, "where peers are is not kept", emit)

    def way(self) -> str:
        """Return what this way of finding has come to."""
        count = len(self._recalled)
        return f"memory: {count} peer{'s' * (count != 1)} of earlier runs looked for"

    async def run(self, node: Node) -> None:
        """Look for the peers of earlier runs, and keep where those of this run are, until cancelled."""
        node.dialled = self.dialled
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._recall, node)
                while True:
                    await self._changed.wait()
                    await trio.sleep(limits.REMEMBER_AFTER)
                    await self._write()
                    await trio.sleep(limits.REMEMBER_PAUSE)
        finally:
            for peer_id in node.peers.records:  # who is still there was last seen now
                self._note(str(peer_id))
            with trio.CancelScope(shield=True), trio.move_on_after(limits.REMEMBER_PATIENCE):
                await self._write(limits.REMEMBER_PATIENCE / 2)

    # --- What happens -----------------------------------------------------------------------------

    def dialled(self, address: DialAddress, peer_id: ID | None) -> None:
        """Take note of who has answered at an address; None is nobody."""
        if peer_id is None:
            if address.peer_id in self._recalled and address.peer_id not in self._met:
                self._failed.add(address.peer_id)
                self._changed.set()
        elif self._is_kept(address):
            met = self._meet(str(peer_id))
            text = address.text if address.peer_id else f"{address.text}/p2p/{peer_id}"
            met.reached.pop(text, None)
            met.reached[text] = None
            if len(met.reached) > limits.REMEMBERED_ADDRESSES:
                del met.reached[next(iter(met.reached))]
            self._note(str(peer_id))

    def identified(self, record: PeerRecord) -> None:
        """Take note of where a peer that has called us says that it listens."""
        if record.inbound:
            ip = remote_ip(record.address)
            addresses = dialable(record.listen, record.peer_id.to_bytes(), limits.LISTEN_ADDRESSES)
            here = [one.text for one in addresses if one.host == ip and self._is_kept(one)]
            if here:
                self._meet(str(record.peer_id)).told = tuple(here[: limits.REMEMBERED_ADDRESSES])
                self._note(str(record.peer_id))

    def joined(self, peer_id: ID) -> None:
        """Take note that a peer is in the room; nobody else is remembered."""
        self._meet(str(peer_id)).in_room = True
        self._note(str(peer_id))

    def _meet(self, peer_id: str) -> _Met:
        met = self._met[peer_id] = self._met.pop(peer_id, _Met())
        self._failed.discard(peer_id)
        if len(self._met) > limits.REMEMBERED_PEERS:
            strangers = (one for one, known in self._met.items() if not (known.reached and known.in_room))
            del self._met[next(strangers, next(iter(self._met)))]
        return met

    def _note(self, peer_id: str) -> None:
        met = self._met.get(peer_id)
        if met is not None and met.in_room:
            self._new.add(peer_id)
            self._changed.set()

    def _is_kept(self, address: DialAddress) -> bool:
        """Say whether an address may mean the same in another run."""
        if address.kind.startswith("dns"):
            return not f".{address.host.lower().rstrip('.')}".endswith(".localhost")
        return kind_of(address.host) in self._kinds

    # --- The file ---------------------------------------------------------------------------------

    async def _recall(self, node: Node) -> None:
        """Tell the finder of the peers of earlier runs, a few at a time, while few are there."""
        try:
            places, moved = await anyio.to_thread.run_sync(self._read, abandon_on_cancel=True)
        except KeptFileError as error:
            self._troubles.fault(error)
            return
        if moved:
            self._troubles.moved()
        self._troubles.left_out(places.left_out)
        if places.pause > DAY:  # that time has passed is to be written, too
            self._stale = True
            self._changed.set()
        known = ((peer_id, tuple(filter(self._is_kept, addresses))) for peer_id, addresses in places.best())
        for number, (peer_id, addresses) in enumerate((who, where) for who, where in known if where):
            if number and number % limits.RECALLED_AT_ONCE == 0:
                await trio.sleep(limits.RECALL_PAUSE)
                while len(node.peers.records) >= limits.TARGET_CONNECTIONS:  # noqa: ASYNC110
                    await trio.sleep(limits.RECALL_PAUSE)
            self._recalled[peer_id] = None
            self._found(Finding(peer_id, addresses, Source.MEMORY))

    def _read(self) -> tuple[Places, bool]:
        """Return what is remembered, and whether the file could not be understood and was moved aside."""
        try:
            return _places(read_kept(self._file, limits.REMEMBERED_BYTES)), False
        except BrokenFileError:
            moved = change_kept(self._file, limits.REMEMBERED_BYTES, _unchanged, aside=True)
        return _places(read_kept(self._file, limits.REMEMBERED_BYTES)), moved

    async def _write(self, patience: float | None = None) -> None:
        """Put what is new into the file; what could not be written stays new."""
        self._changed = trio.Event()
        new, failed, stale = self._new, self._failed, self._stale
        if not any(met.in_room for met in self._met.values()):
            failed = set()  # where nobody at all was met, it may be our own network that is to blame
        met = {peer_id: self._met[peer_id] for peer_id in new if peer_id in self._met}
        if not (met or failed or stale):
            return
        change = partial(
            _changed,
            reached={peer_id: tuple(reversed(one.reached)) for peer_id, one in met.items() if one.reached},
            told={peer_id: one.told for peer_id, one in met.items() if one.told and not one.reached},
            failed=failed,
        )
        write = partial(change_kept, self._file, limits.REMEMBERED_BYTES, change, patience, aside=True)
        self._new, self._failed, self._stale = set(), self._failed - failed, False
        try:
            if await anyio.to_thread.run_sync(write, abandon_on_cancel=True):
                self._troubles.moved()
        except BaseException as error:
            self._new |= new
            self._failed |= failed
            self._stale |= stale
            if not isinstance(error, KeptFileError):
                raise
            self._troubles.fault(error)


def _changed(
    data: bytes | None,
    *,
    reached: Mapping[str, tuple[str, ...]],
    told: Mapping[str, tuple[str, ...]],
    failed: Collection[str],
) -> bytes:
    """Return a file with what is new in it. Raises KeptFileError."""
    places = _places(data)
    for peer_id, addresses in reached.items():
        places.reached(peer_id, addresses)
    for peer_id, addresses in told.items():
        places.told(peer_id, addresses)
    for peer_id in failed:
        places.failed(peer_id)
    return places.write()


def _unchanged(data: bytes | None) -> None:
    """Leave a file as it is, if it can be understood. Raises KeptFileError."""
    _places(data)


def _places(data: bytes | None) -> Places:
    """Return what a file holds. Raises KeptFileError; of it BrokenFileError, where nobody understands it."""
    try:
        return Places(data, time.time())
    except LaterFormatError as error:
        raise KeptFileError(str(error)) from error
    except RememberedError as error:
        raise BrokenFileError(str(error)) from error
