"""What the service tells of commits; as in `py_peer.core.events`, every string from outside has been cleaned."""

from enum import Enum
from typing import final

from py_peer.core.commits import Commit
from py_peer.core.events import Event
from py_peer.core.frozen import frozen


class CommitSource(Enum):
    """Where a commit comes from."""

    OWN = "own"
    """The user has posted it."""

    PEER = "peer"
    """A peer has given it."""

    DHT = "dht"
    """It was found in the DHT."""


@final
@frozen
class CommitPosted(Event):
    """What request `ticket` says of a commit has gone where texts go; what becomes of it is told as of any text.

    From now on the commit is given to who asks for it. `file` is the name of its patch where that is offered, too, and
    `left_out` how many files are not in the patch, which says so itself, as `text` does.
    """

    ticket: int
    topic: str
    text: str
    commit_id: str
    file: str = ""
    left_out: int = 0


@final
@frozen
class CommitShown(Event):
    """The commit that request `ticket` asks for: its nine fields, and its patch, which nothing holds to its ID.

    `verified`: the object was there, and hashes to the ID. Else the fields are what somebody has put in the DHT; "", 0
    or nothing where nobody has.
    """

    ticket: int
    commit: Commit
    verified: bool
    source: CommitSource
    patch: str = ""
    patch_base64: str = ""
    """The bytes of the patch, where `patch` does not show all of them as they are: not UTF-8, or cleaned."""

    peer_id: str = ""
    """Who has given it, if it was one peer."""

    tag: str = ""
    """What it was asked for by in the DHT, if not by its ID; nothing says that the tag leads there."""

    peers: int = 0
    asked: int = 0
    """In the DHT: how many of those who were asked have said so."""


@final
@frozen
class CommitNotShown(Event):
    """What request `ticket` asks for was not got; `asked` is the ID, or the beginning of it, as it was typed.

    `wrong_hash`: somebody has given a commit object that is not the one that the ID stands for.
    """

    ticket: int
    asked: str
    reason: str
    wrong_hash: bool = False


@final
@frozen
class PublishProgress(Event):
    """Of `total` values of request `ticket` so many are done: put into the DHT, or refused.

    `commits` are the IDs of those whose objects are there since it was told last.
    """

    ticket: int
    done: int
    total: int
    commits: tuple[str, ...] = ()


@final
@frozen
class NotPublished(Event):
    """One value of request `ticket` is not in the DHT: the `part` of a commit, or a tag. `reason` says why."""

    ticket: int
    commit_id: str
    part: str
    """ "object", "json", "message", "patch", or the tag."""

    reason: str


@final
@frozen
class CommitsPublished(Event):
    """Request `ticket` is done: `stored` of `values` are in the DHT, each at `peers` others or more of the `asked`.

    `commits` are the IDs of those whose objects are. With nobody there to ask, `asked` is 0, and nothing was put.
    """

    ticket: int
    commits: tuple[str, ...]
    values: int
    stored: int
    peers: int
    asked: int
