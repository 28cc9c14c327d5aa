"""Events that answer what was asked about all that is there."""

from typing import final

from py_peer.core.events.base import Event
from py_peer.core.frozen import frozen
from py_peer.core.topics import TopicInfo


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
