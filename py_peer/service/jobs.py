"""A file that is to be fetched: what is asked for, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

import trio

from py_peer.core import limits
from py_peer.core.cleaning import clean_line
from py_peer.core.file_events import Transfer, TransferState
from py_peer.core.progress import Meter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from pathlib import Path

    from libp2p.peer.id import ID

    from py_peer.core.by_name import Wanted
    from py_peer.core.file_record import FileRecord
    from py_peer.core.offers import Offered


class FetchError(Exception):
    """A file was not fetched; the text says why, in a sentence without its end."""

    def __init__(self, text: str, *, in_folder: bool = False, wrong_hash: bool = False) -> None:
        """`in_folder` where the reason lies in the folder, and would be the same with other files.

        `wrong_hash` is as in TransferFailed.
        """
        super().__init__(text)
        self.in_folder = in_folder
        self.wrong_hash = wrong_hash


@final
class NobodyProvidesError(Exception):
    """Nobody provides a file by the name that was asked for; `asked` and `unasked` are as in LookupFailed."""

    def __init__(self, text: str, asked: int, unasked: int) -> None:
        super().__init__(text)
        self.asked = asked
        self.unasked = unasked


@final
@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that is there, whole. Of one with a record also the hashes of its pieces, by which others can have it."""

    path: Path
    record: FileRecord | None = None
    leaves: bytes = b""
    verified: bool = False
    """Whether every byte was held to a hash that was announced, or asked for."""


@final
@dataclass(slots=True)
class Job:
    """A file that is to be fetched, for request `ticket`; 0 where nobody has asked for it."""

    number: int
    ticket: int
    offer: Offered
    path: str
    """Where it goes, as in GetFile."""

    most: int = limits.MAX_FILE_BYTES
    """How large it may be, in bytes."""

    on_begun: Callable[[], None] = lambda: None
    """Called when the first byte may come."""

    name: str = ""
    goal: Path | None = None
    size: int | None = None
    before: int = 0
    """Bytes that an earlier try has left, and that count as here until it is known that they are not."""

    wanted: Wanted | None = None
    """What is asked for, where that is a name and no offer; `offer` follows when it is known what it is."""

    has_others: bool = False
    """Whether others may have it than those of whom it is being fetched, and are asked when these bring nothing."""

    look_again: Callable[[FileRecord], Awaitable[Iterable[ID]]] | None = None
    """Finds who has it by now, where that can be found out. Raises nothing."""

    peer_ids: dict[str, None] = field(default_factory=dict)
    """Who it comes from."""

    keeps: bool = False
    """Whether what has come is there for the next try."""

    meter: Meter = field(default_factory=lambda: Meter(trio.current_time()))
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    turn: trio.Event = field(default_factory=trio.Event)
    is_begun: bool = False

    @property
    def file_id(self) -> str:
        """The ID of the file."""
        return self.offer.file_id

    @property
    def asked_for(self) -> str:
        """What it was asked for by, as it is told; a file's name on the disk may be less."""
        if self.wanted is None:
            return self.name or self.file_id
        return clean_line(self.wanted.name, limits.MAX_PROVIDED_NAME_BYTES)

    @property
    def has_turn(self) -> bool:
        """Whether it waits for no other transfer."""
        return self.turn.is_set()

    @property
    def received(self) -> int:
        """How many bytes are here."""
        return self.before + self.meter.received

    @property
    def kept(self) -> int:
        """How many bytes stay when it ends now."""
        return self.received if self.keeps else 0

    @property
    def state(self) -> TransferState:
        """What it does just now."""
        if not self.is_begun:
            return TransferState.ASKING if self.has_turn else TransferState.WAITING
        is_fed = self.peer_ids or self.received == self.size
        return TransferState.RECEIVING if is_fed else TransferState.NO_SOURCE

    @property
    def is_auto(self) -> bool:
        """Whether nobody has asked for it."""
        return not self.ticket

    def start_over(self) -> None:
        """Forget what came from sources that have not brought all of it; another is asked."""
        self.keeps, self.before, self.meter = False, 0, Meter(trio.current_time())
        self.peer_ids.clear()

    def begin(self, goal: Path, size: int, before: int = 0) -> None:
        """Note that the first byte may come, perhaps once more, from another source; and what there is already."""
        self.goal, self.size, self.before = goal, size, before
        self.meter = Meter(trio.current_time())
        if not self.is_begun:
            self.is_begun = True
            self.on_begun()

    def add(self, count: int) -> None:
        """Note that `count` bytes have come, and are written."""
        self.meter.add(count, trio.current_time())

    def shown(self) -> Transfer:
        """Return how far it is, as a front-end is told of it."""
        now, state = trio.current_time(), self.state
        flows = state is TransferState.RECEIVING
        size = self.size if self.size is not None or self.offer.record is None else self.offer.record.size
        return Transfer(
            number=self.number,
            file_id=self.file_id,
            name=self.name,
            path=clean_line(str(self.goal or self.path), limits.MAX_PATH_CHARS),
            peer_ids=tuple(self.peer_ids),
            received=self.received,
            size=size,
            rate=self.meter.rate(now) if flows else 0.0,
            seconds_left=self.meter.seconds_left(size - self.received, now) if flows and size is not None else None,
            state=state,
        )
