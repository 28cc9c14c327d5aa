"""What the service tells of files; as in `py_peer.core.events`, every string from outside has been cleaned.

A file is called by its ID, which its offerer made up: `file_id`. A transfer has a number of its own.
"""

from enum import Enum
from typing import final

from py_peer.core.events import Event
from py_peer.core.frozen import frozen


@final
@frozen
class Offer:
    """A file that another peer offers. `nick` and `plain` are as in MessageReceived.

    `name`, `size` (bytes), `media_type` and `root` (the tree hash, in hex) are known of files that py-peers offer; else
    they are "" and None. `seconds` have passed since it was heard of.
    """

    file_id: str
    peer_id: str
    nick: str
    plain: bool
    seconds: float
    name: str = ""
    size: int | None = None
    media_type: str = ""
    root: str = ""


@final
@frozen
class SharedFile:
    """A file that we serve.

    `offered` tells that we offer it ourselves; else we have fetched it, and serve it to who looks for another source.
    `served` counts how often somebody has fetched all of it. `remark` says who cannot fetch it, and why; "" where
    everybody can. `provided` is the name under which it is provided, "" where it is not: then it is not offered.
    """

    file_id: str
    path: str
    name: str
    size: int
    root: str
    offered: bool
    served: int
    remark: str = ""
    provided: str = ""


class TransferState(Enum):
    """What a transfer does just now."""

    WAITING = "waiting"
    """It has no turn yet; others come first."""

    ASKING = "asking"
    """The peers are asked what the file is, and who has it."""

    RECEIVING = "receiving"
    NO_SOURCE = "no source"
    """It had begun, and nobody is there who sends more of it."""


@final
@frozen
class Transfer:
    """A file that is being fetched.

    `received` of `size` bytes are here (None: not known yet), at `rate` bytes a second, so that `seconds_left` remain
    (None: not known, or nothing is received); `peer_ids` are who it comes from.
    """

    number: int
    file_id: str
    name: str
    path: str
    peer_ids: tuple[str, ...]
    received: int
    size: int | None
    rate: float
    seconds_left: float | None
    state: TransferState = TransferState.RECEIVING


@final
@frozen
class FileOffered(Event):
    """A peer offers a file that was not known."""

    offer: Offer


@final
@frozen
class HashingProgress(Event):
    """The file of request `ticket` is read before it can be offered: `done` of `size` bytes. At most one a second."""

    ticket: int
    name: str
    done: int
    size: int


@final
@frozen
class FileShared(Event):
    """The file of request `ticket` is offered to the room."""

    ticket: int
    file: SharedFile


@final
@frozen
class FileProvided(Event):
    """The file of request `ticket` is served by its name; that stands at `peers` of the `asked` closest peers."""

    ticket: int
    name: str
    file: SharedFile
    peers: int
    asked: int


@final
@frozen
class FileServed(Event):
    """Somebody has fetched a file of ours, or has tried: then `reason` says why not all of it was sent."""

    peer_id: str
    nick: str
    plain: bool
    file_id: str
    name: str
    sent: int
    reason: str = ""


@final
@frozen
class TransferStarted(Event):
    """The file of request `ticket` is being fetched; `transfer.received` bytes were here from an earlier try.

    `ticket` is 0 where nobody has asked (`--auto-get`).
    """

    ticket: int
    transfer: Transfer


@final
@frozen
class TransferProgress(Event):
    """How far a transfer is. At most five a second of each."""

    transfer: Transfer


@final
@frozen
class TransferDone(Event):
    """A file is there, whole, at `path`. `seconds` is how long this try took.

    `verified` tells whether every byte was held to the tree hash; files of other programs have none.
    """

    number: int
    file_id: str
    name: str
    path: str
    size: int
    seconds: float
    verified: bool


@final
@frozen
class TransferFailed(Event):
    """A transfer has ended without the file, or was cancelled. `kept` bytes stay for the next try.

    `ticket` is that of its request where it ended before it had started, else 0. `wanted` is the name by which it was
    asked for with FetchFile, else "". With `wrong_hash` what came is not what its hash stands for, or nobody has what
    was asked for by its hash.
    """

    number: int
    file_id: str
    name: str
    reason: str
    kept: int
    cancelled: bool = False
    ticket: int = 0
    wanted: str = ""
    wrong_hash: bool = False


@final
@frozen
class FilesReport(Event):
    """The answer to `RequestFiles`. Of offers the latest comes last. `refused` counts offers not taken, by reason."""

    ticket: int
    offers: tuple[Offer, ...]
    shared: tuple[SharedFile, ...]
    transfers: tuple[Transfer, ...]
    downloads: str
    """The folder that files are fetched into."""

    refused: dict[str, int]
