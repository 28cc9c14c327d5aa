"""What a front-end asks of the service: frozen dataclasses, the other way of `py_peer.core.events`."""

from typing import final

from py_peer.core.frozen import frozen
from py_peer.core.limits import CLOSE_TIMEOUT
from py_peer.core.topics import ROOM_TOPIC


@frozen
class Request:
    """The base of all requests. `ticket` comes back in the events that answer it."""

    ticket: int


@final
@frozen
class SendText(Request):
    """Say `text` in the room, or on another topic that is joined.

    Answered by MessageSent, MessageWaiting (then, later, MessageSent) or MessageRefused.
    """

    text: str
    topic: str = ROOM_TOPIC


@final
@frozen
class JoinTopic(Request):
    """Join a topic beside the room. Answered by TopicJoined, or by an Answer that it failed."""

    topic: str


@final
@frozen
class LeaveTopic(Request):
    """Leave a topic; what waits there is refused. Answered by TopicLeft, or by an Answer that it failed."""

    topic: str


@final
@frozen
class RequestStatus(Request):
    """Answered by a StatusReport."""


@final
@frozen
class SetNickname(Request):
    """Be called `nickname` from now on, and tell the others. Answered by an Answer."""

    nickname: str


@final
@frozen
class Connect(Request):
    """Dial a multiaddr as if it had been named at the start, and again whenever it goes. Answered by an Answer."""

    address: str


@final
@frozen
class Disconnect(Request):
    """Let a peer go, and neither dial nor take it until Connect names it. Answered by an Answer."""

    peer_id: str


@final
@frozen
class StopDialling(Request):
    """Dial an address no more; let go, as with Disconnect, the peer that is there. Answered by an Answer."""

    address: str


@final
@frozen
class PingPeer(Request):
    """Measure how far a connected peer is, now. Answered by an Answer."""

    peer_id: str


@final
@frozen
class Ignore(Request):
    """Show nothing more of what a peer says, in this run and the next ones. Answered by an Answer."""

    peer_id: str


@final
@frozen
class Unignore(Request):
    """Hear a peer again. Answered by an Answer."""

    peer_id: str


@final
@frozen
class RequestStatistics(Request):
    """Answered by a Statistics event."""


@final
@frozen
class RequestDiscovery(Request):
    """Answered by a DiscoveryReport."""


@final
@frozen
class SendDirect(Request):
    """Say `text` to one peer. Answered by DirectSent, DirectWaiting (then, later, DirectSent) or DirectRefused."""

    peer_id: str
    text: str


@final
@frozen
class TakeStrangers(Request):
    """Take direct messages of strangers from now on, or refuse them. Answered by an Answer."""

    take: bool


@final
@frozen
class ShareFile(Request):
    """Offer a file to the room. Answered by FileShared, behind HashingProgress, or by an Answer that it failed."""

    path: str


@final
@frozen
class UnshareFile(Request):
    """Serve a file no more. `file` is its ID, or the beginning of it, or its name. Answered by an Answer."""

    file: str


@final
@frozen
class RequestFiles(Request):
    """Answered by a FilesReport."""


@final
@frozen
class GetFile(Request):
    """Fetch a file that was offered. `file` is as in UnshareFile; `path` is where it goes, "" for the downloads.

    Answered by TransferStarted, or by an Answer that it failed. TransferDone or TransferFailed follows.
    """

    file: str
    path: str = ""


@final
@frozen
class CancelTransfer(Request):
    """End a transfer. `transfer` is its number, or as `file` in UnshareFile. Answered by an Answer."""

    transfer: str


@final
@frozen
class PutValue(Request):
    """Have `value` kept under `key` in the DHT, and keep it ourselves. Answered by ValuePut."""

    key: str
    value: str


@final
@frozen
class ForgetValue(Request):
    """Keep what we have put under `key` no more, nor put it anew. Answered by an Answer."""

    key: str


@final
@frozen
class GetValue(Request):
    """Look for the value of `key` in the DHT. Answered by ValueFound or LookupFailed."""

    key: str


@final
@frozen
class ProvideKey(Request):
    """Have it written down in the DHT that we provide `key`, and again as long as we run. Answered by KeyProvided.

    Not when the earlier request with ticket `behind` was refused.
    """

    key: str
    behind: int = 0


@final
@frozen
class FindProviders(Request):
    """Look in the DHT for those who provide `key`. Answered by ProvidersFound or LookupFailed."""

    key: str


@final
@frozen
class ProvideFile(Request):
    """Serve a file to whoever asks for `name`, and say in the DHT that we do.

    Answered by FileProvided, behind HashingProgress, or by an Answer that it failed.
    """

    path: str
    name: str


@final
@frozen
class FetchFile(Request):
    """Find who provides `name`, and fetch it from one of them. `path` and the answers are those of GetFile.

    When nobody provides it that is answered by LookupFailed. `root` is the tree hash that it must have, in hex; with ""
    it is the one that is announced by most.
    """

    name: str
    path: str = ""
    root: str = ""


@final
@frozen
class ShowCommit(Request):
    """Get the commit whose ID is `commit`, or begins so, from `peer_id`, or else from those who have posted it.

    Answered by CommitShown or CommitNotShown.
    """

    commit: str
    peer_id: str = ""


@final
@frozen
class PublishCommits(Request):
    """Put commits of the repository at `path` into the DHT: `revs` is a revision, or a range of them as A..B.

    Answered by PublishProgress and NotPublished, then by CommitsPublished; or by an Answer that it failed.
    """

    path: str
    revs: str
    tags: bool = True
    """Whether also those tags that lead to one of them."""

    patches: bool = True


@final
@frozen
class ForgetCommits(Request):
    """Keep no more, nor put anew, what PublishCommits has put of some commits. Answered by an Answer.

    The fields are those of PublishCommits; a whole ID as `revs` needs no repository.
    """

    path: str
    revs: str


@final
@frozen
class ShowPublished(Request):
    """Look in the DHT for a commit by its whole ID, or by a tag. Answered by CommitShown or LookupFailed."""

    what: str
    patch: bool = True


@final
@frozen
class PostCommit(Request):
    """Say a line about a commit of the repository that `folder` is in: `rev`, or HEAD; with `patch`, offer that, too.

    Answered by CommitPosted, behind which follows what follows a SendText, or by an Answer that it failed.
    """

    folder: str
    rev: str = ""
    topic: str = ROOM_TOPIC
    patch: bool = False


@final
@frozen
class WatchNostr(Request):
    """Show what relays of Nostr bring, or no more. Answered by a NostrReport, or by an Answer that it failed."""

    on: bool


@final
@frozen
class RequestNostr(Request):
    """Answered by a NostrReport."""


@final
@frozen
class Stop(Request):
    """End the service; answered by Stopped.

    `drain` seconds are given to what still waits to be sent while anything moves; 0 leaves at once. `settle` seconds
    are given to the peers to read what was sent.
    """

    drain: float = 0.0
    settle: float = CLOSE_TIMEOUT / 2
