"""What a session is started with, after arguments and environment have been read."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Transports:
    """How others are reached, and how they reach us."""

    port: int = 0
    """TCP and UDP port to listen on; 0 takes a free one."""

    loopback: bool = False
    """Listen on 127.0.0.1 alone: nobody on another machine reaches this peer."""

    quic: bool = False
    """Listen on UDP, too, for QUIC, where the port is free."""

    ws: bool = False
    """Tell others that they may ask for WebSockets, which are answered on every TCP port of ours."""

    ws_port: int | None = None
    """With `ws`: listen on this port, too, and tell it for WebSockets; 0 takes a free one. None: the TCP port's."""

    wss: tuple[Path, Path] | None = None
    """Certificate and key, in PEM files, for WebSockets inside TLS, which are answered on the same ports."""

    listen: tuple[str, ...] = ()
    """Multiaddrs to listen on, instead of all that the port stands for."""

    told: tuple[str, ...] = ()
    """Multiaddrs under which we are reached, whatever our interfaces say, with our peer ID or none at their end; others
    are told them first."""

    upnp: bool = False
    """Ask a gateway of this network to pass our port on."""

    relays: tuple[str, ...] = ()
    """Multiaddrs of relays, through which we are reached when nothing else leads here."""

    relay_server: bool = False
    """Relay for others, within limits."""

    stock: bool = False
    """Run on py-libp2p's own classes, with its traps disarmed, for comparing; of the whole process."""


@final
class KademliaPart(Enum):
    """What we are in Kademlia."""

    SERVER = "server"
    """We answer requests, and stand in the tables of others."""

    CLIENT = "client"
    """We ask alone."""

    SERVER_WHEN_REACHED = "server when reached"
    """A client until it is known that others reach us: on the Internet tables are full of who cannot be dialled."""


@final
@dataclass(frozen=True, slots=True)
class Settings:
    """The wishes of the user, checked: a front-end builds it, the service obeys it."""

    nickname: str
    transports: Transports = Transports()
    connect: tuple[str, ...] = ()
    """Multiaddrs named with -c or REMOTE_PEER, in the order they were given."""

    bootstrap: tuple[str, ...] = ()
    """Kademlia bootstrap multiaddrs; none, no Kademlia, unless `kademlia` is set."""

    kademlia: bool = False
    """Take part in Kademlia without a bootstrap peer, too, so that others can bootstrap from here."""

    kademlia_protocol: str = "/ipfs/kad/1.0.0"
    """What the peers of the network speak it with."""

    kademlia_part: KademliaPart = KademliaPart.SERVER

    room: bool = True
    """Be in the chat's room. Else there is a peer that says nothing: no topics, no name, no entry in Kademlia by which
    the room is found."""

    mdns: bool = False
    """Look for peers on the local network, and be found there."""

    mdns_interfaces: tuple[str, ...] = ()
    """Names of the interfaces that are for mDNS; none: every one that is up and neither loopback nor a tunnel."""

    announce: bool = False
    """Announce ourselves on the discovery topic and dial who is announced there."""

    remember: bool = False
    """Keep good addresses of peers in `data`, and try them at the next start."""

    identity: Path | None = None
    """The file with our key, made when it is missing; None makes a key for this session alone."""

    test_key: int | None = None
    """Run with the key that is made of this byte, and that everybody can make, instead of one of `identity`."""

    identity_named: bool = False
    """The user named that file: when it cannot be made there is no session, instead of one with a key of its own."""

    data: Path | None = None
    """The folder of what is kept from one run to the next (who is ignored, where peers were); None keeps nothing."""

    downloads: Path | None = None
    """The folder that files are fetched into; None fetches none."""

    auto_get: int = 0
    """Files that are offered and have at most so many bytes are fetched without being asked for; 0 fetches none."""

    strangers: bool = True
    """Take direct messages of peers to whom the user has not written, and whom he has not named."""

    metrics: tuple[str, int] | None = None
    """Host and port where statistics are served as Prometheus text; None serves none."""

    topics: tuple[str, ...] = ()
    """Topics beside the room that are joined at the start."""

    nostr_key: bytes | None = field(default=None, repr=False)
    """The secret key of Nostr that is announced as ours; None announces none."""

    nostr_relays: tuple[str, ...] = ()
    """URLs of relays of Nostr, each once; none is contacted before it is asked for."""
    wire: str = "raw"
    """What is spoken on topics beside the room: "raw" as in the room, or "gnostr" for its own chat."""

    intro: bool = True
    """Say hello in the room once a session, and on topics with gnostr's wire that we come and go."""

    paced: bool = True
    """Hold the room's pace when sending and mute who does not; the benchmark lifts both."""

    @property
    def has_dht(self) -> bool:
        """Whether we take part in Kademlia."""
        return bool(self.bootstrap or self.kademlia)
