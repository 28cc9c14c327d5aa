"""What the service tells a front-end: frozen dataclasses, matched on their type.

Every string in an event that came from outside has been cleaned (`py_peer.core.cleaning`);
a front-end may print it as it is.
"""

from enum import Enum
from typing import final

from py_peer.core.frozen import frozen
from py_peer.core.topics import ROOM_TOPIC, TopicInfo


@frozen
class Event:
    """The base of all events."""


@final
@frozen
class Started(Event):
    """The peer ID is known; nothing listens yet."""

    peer_id: str


@final
@frozen
class Ready(Event):
    """The service listens and the room is joined.

    `addresses` are full multiaddrs with `/p2p/`, 0.0.0.0 and [::] expanded to the interfaces' own
    addresses; the first is the one to hand on.
    """

    peer_id: str
    nickname: str
    addresses: tuple[str, ...]


class FailureKind(Enum):
    """Why the service could not go on."""

    CANNOT_LISTEN = "cannot listen"
    BAD_IDENTITY = "bad identity"
    FAULT = "fault"


@final
@frozen
class Failed(Event):
    """The service ends by itself; `Stopped` follows."""

    kind: FailureKind
    reason: str


@final
@frozen
class Stopped(Event):
    """The last event. `unsent` texts were still waiting; `reached` tells whether anybody was ever in the room.

    `unread` peers have not confirmed in time that they have read all. (js-libp2p's never do.) `kept` direct messages
    are there for the next run; those that are neither delivered nor kept are `lost`, and among the unsent.
    """

    unsent: int
    reached: bool
    unread: int = 0
    kept: int = 0
    lost: int = 0


@final
@frozen
class PeerConnected(Event):
    """The first connection to a peer is up (said once a peer, not once a connection)."""

    peer_id: str
    address: str
    inbound: bool
    found: str = ""
    """As in PeerInfo."""


@final
@frozen
class PeerMoved(Event):
    """A connected peer is reached directly now, and not through a relay any more, or the other way round."""

    peer_id: str
    address: str
    inbound: bool


@final
@frozen
class PeerDisconnected(Event):
    """The last connection to a peer is gone."""

    peer_id: str


@final
@frozen
class PeerJoined(Event):
    """A connected peer subscribed to the room; from now on messages reach it."""

    peer_id: str
    room_size: int


@final
@frozen
class PeerLeft(Event):
    """A peer is no longer in the room."""

    peer_id: str
    room_size: int


@final
@frozen
class DialFailed(Event):
    """A dial to an address named by the user failed. `cause` is a sentence a person understands."""

    address: str
    cause: str


@final
@frozen
class Identified(Event):
    """A peer told its versions and protocols."""

    peer_id: str
    protocol_version: str
    agent_version: str
    protocols: tuple[str, ...]


@final
@frozen
class Pinged(Event):
    """A ping came back. `rtt` is in seconds."""

    peer_id: str
    rtt: float


@final
@frozen
class MessageReceived(Event):
    """A chat message of another peer. `nick` is the last eight characters of the ID unless a better one is known.

    `text` may hold line breaks; `timestamp` is the local time of arrival, seconds since 1970. Without `plain` the nick
    is shown with the short ID beside it: somebody else had it first. `topic` is where it was said.
    """

    peer_id: str
    nick: str
    text: str
    timestamp: float
    plain: bool = True
    topic: str = ROOM_TOPIC


@final
@frozen
class NickLearned(Event):
    """A peer is called something new.

    `plain` is as in MessageReceived. `previous` is the nickname that was told before, "" the first time; `untold` more
    came in between, faster than they are told.
    """

    peer_id: str
    nick: str
    plain: bool
    previous: str = ""
    untold: int = 0


@final
@frozen
class NicknameChanged(Event):
    """The user is called `nickname` from now on."""

    nickname: str


@final
@frozen
class MessageSent(Event):
    """The text of command `ticket` was handed to `peers` peers of the room, or of the topic that it was for."""

    ticket: int
    text: str
    peers: int
    timestamp: float
    topic: str = ROOM_TOPIC


@final
@frozen
class MessageWaiting(Event):
    """The text of command `ticket` waits for a peer to come; `waiting` texts wait on its topic, this one included."""

    ticket: int
    waiting: int
    topic: str = ROOM_TOPIC


@final
@frozen
class MessageRefused(Event):
    """The text of command `ticket` was not taken; nothing of it was sent."""

    ticket: int
    text: str
    reason: str
    topic: str = ROOM_TOPIC


@final
@frozen
class SendProgress(Event):
    """A long paste is going out at the room's pace. At most one a second.

    `sent` texts are out, of `total` that the service has taken so far; more may still be read.
    """

    sent: int
    total: int


@final
@frozen
class PeerMuted(Event):
    """An author said more than a room can bear and is not shown for `seconds`. Said once a mute."""

    peer_id: str
    seconds: float


@final
@frozen
class PeerUnmuted(Event):
    """An author is heard again; `dropped` of its messages were not shown."""

    peer_id: str
    dropped: int


@final
@frozen
class PeerBanned(Event):
    """A peer broke the rules again and again; it was let go and is refused for `seconds`. `reason` is a sentence."""

    peer_id: str
    seconds: float
    reason: str


@final
@frozen
class IgnoreList(Event):
    """Whom the user ignores: told at the start if it is anybody, and after each change."""

    peer_ids: tuple[str, ...]


@final
@frozen
class Dropped(Event):
    """Something was lost: how many of what, and why."""

    count: int
    what: str


@final
@frozen
class KademliaBootstrap(Event):
    """The table was joined (or not: then `cause` says why). `peers` are in the routing table."""

    peers: int
    cause: str = ""


@final
@frozen
class PeerFound(Event):
    """A peer that was not known is known now. `source` says how, as in "by mDNS" (`py_peer.core.findings.Source`)."""

    peer_id: str
    source: str
    addresses: tuple[str, ...]


@final
@frozen
class AddressesChanged(Event):
    """An interface has come or gone; `addresses` are as in Ready, `previous` those that were told before."""

    addresses: tuple[str, ...]
    previous: tuple[str, ...] = ()


@final
@frozen
class ReachabilityChanged(Event):
    """How we are reached from outside of our network has become known, or another.

    `status` is "unknown", "public", "announced" (as the user says with --announce, and nobody has tried yet), "private"
    (nobody reaches us) or "relayed": through the peer `relay` alone.
    `addresses` are full multiaddrs that work from outside, the best first. `previous` is the status before.
    """

    status: str
    addresses: tuple[str, ...] = ()
    relay: str = ""
    previous: str = "unknown"


@final
@frozen
class Notice(Event):
    """A sentence for the user that has no type of its own."""

    text: str


@final
@frozen
class Answer(Event):
    """What became of request `ticket`, in a sentence; with `failed` nothing was done, and it says why."""

    ticket: int
    text: str
    failed: bool = False


@final
@frozen
class PeerInfo:
    """One peer, as `/peers` shows it. `rtt` in seconds, None before the first ping; `connected_since` since 1970.

    `nick` and `plain` are as in MessageReceived.
    """

    peer_id: str
    nick: str
    address: str
    inbound: bool
    in_room: bool
    rtt: float | None
    agent_version: str
    connected_since: float
    plain: bool = True
    found: str = ""
    """How we came to know it, as in PeerFound; "" for one who came to us and of whom nobody had told."""

    topics: tuple[str, ...] = ()
    """The topics beside the room on which we both are."""

    npub: str = ""
    """The Nostr key that is bound to it, as in NostrBound."""


@final
@frozen
class KnownPeer:
    """One peer of the address book, as `/discover` shows it.

    `sources` are as in PeerFound, the first one first; `addresses`, the best one first. `seconds` have passed since it
    was last told of. `state` is "connected", "dialling", "waiting" or "not dialled"; `reason` says what is waited for,
    or why it is not dialled. `nick` and `plain` are as in MessageReceived.
    """

    peer_id: str
    nick: str
    sources: tuple[str, ...]
    addresses: tuple[str, ...]
    state: str
    reason: str
    seconds: float
    plain: bool = True


@final
@frozen
class DiscoveryReport(Event):
    """The answer to `RequestDiscovery`.

    `ways` are the ways of finding peers that are in use, each with what it has come to ("mDNS: on eth0, 3 peers");
    `refused` tells how often something was told and not taken into the book, by reason; `forgotten` peers made room
    for others. `dialling` is as in StatusReport.
    """

    ticket: int
    ways: tuple[str, ...]
    peers: tuple[KnownPeer, ...]
    refused: dict[str, int]
    forgotten: int = 0
    dialling: tuple[str, ...] = ()


@final
@frozen
class StatusReport(Event):
    """The answer to `RequestStatus`, for `/peers`, `/status` and `/multiaddr` alike (`ticket` tells whose)."""

    ticket: int
    peer_id: str
    nickname: str
    addresses: tuple[str, ...]
    peers: tuple[PeerInfo, ...]
    topics: tuple[str, ...]
    waiting: int
    muted: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    ignored_fault: str = ""
    """Why it is not known who was ignored in earlier runs; "" when it is."""

    identity: str = ""
    """The file that our key is kept in; "" for a key of this session alone."""

    is_test_key: bool = False
    """Whether it is the one of --secret-key-seed, which everybody can make."""

    banned: tuple[str, ...] = ()
    """Who is refused for a while, for sending garbage."""

    kept_away: tuple[str, ...] = ()
    """Who was let go with /disconnect."""

    dialling: tuple[str, ...] = ()
    """Addresses that the user named, and where nobody is yet, or any more."""

    stock_net: bool = False
    """Whether this runs on py-libp2p's own classes: on another release than ours were made for, or for comparing."""

    reachability: str = "unknown"
    outside: tuple[str, ...] = ()
    relay: str = ""
    """The status, the addresses and the relay of ReachabilityChanged, as they are now."""

    joined: tuple[TopicInfo, ...] = ()
    """Where one can talk: the room, and the topics that were joined."""

    npub: str = ""
    """The Nostr key that we announce as ours; "" if none."""


@final
@frozen
class Statistics(Event):
    """The answer to `RequestStatistics`. What each figure means, `py_peer.core.figures` says; None: not known here."""

    ticket: int
    uptime_seconds: float
    messages_sent: int
    messages_received: int
    messages_relayed: int
    messages_not_relayed: dict[str, int]
    messages_duplicate: int
    messages_dropped: dict[str, int]
    announcements_sent: int
    announcements_received: int
    direct_sent: int
    direct_received: int
    gnostr: dict[str, int]
    files_sent: int
    files_fetched: int
    files_sent_bytes: int
    files_received_bytes: int
    files_refused: dict[str, int]
    commits: dict[str, int]
    nostr_relays: int
    nostr_heard: int
    nostr_passed_over: int
    nostr_duplicates: int
    nostr_refused: dict[str, int]
    events_dropped: int
    gossip_sent_bytes: int
    gossip_received_bytes: int
    queue_items: dict[str, int]
    slowest_queue_items: int
    dht_values: dict[str, int]
    peers_connected: int
    peers_in_room: int
    peers_in_mesh: int
    peers_muted: int
    peers_ignored: int
    peers_banned: int
    connections: dict[str, int]
    ping_seconds: dict[str, float]
    dials_tried: int
    dials_failed: int
    dials_found: int
    peers_found: dict[str, int]
    connections_refused: dict[str, int]
    strikes: int
    peers_let_go: dict[str, int]
    streams_ended: int
    dial_backs_asked: dict[str, int]
    dial_backs_served: dict[str, int]
    relay_used: dict[str, int]
    relay_served: dict[str, int]
    relay_served_bytes: int
    meshes_empty: int
    protocol_ignored: dict[str, int]
    faults_caught: dict[str, int]
    faults_unexpected: int
    memory_bytes: int | None
    file_descriptors: int | None
    tasks: int
    threads: int
    gc_collections: int
