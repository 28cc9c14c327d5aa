"""Limits of what goes over connections, and of how many there are."""

# --- Frames ---------------------------------------------------------------------------------------

MAX_RPC_OUT = 65_536
"""rust-libp2p's gossipsub limit; one larger RPC and it closes our stream for good."""

MAX_RPC_IN = 4 * 1024 * 1024
"""js-libp2p and go-libp2p send messages of 1 MiB; a smaller limit would make their peers deaf to us."""

MAX_RPC_MESSAGES = 8_192
"""Messages read from one RPC: a megabyte of the smallest signed ones. (JS sends one in each.)"""

MAX_TOPICS_PER_PEER = 64
"""Topics that a peer may be in, of ours, and so many of which it is remembered that it is in them, in case we join
one; with 300 peers 4 MB of the longest names."""

MAX_TOPIC_BYTES = 128
"""The name of a topic: a commit's ID has 40 bytes, the longest in use elsewhere (drand's) 86."""

MAX_TOPICS = 8
"""Topics joined beside the room: each has a log, a queue, a mesh and a tab, of which a screen shows some eight."""

MAX_IDENTIFY = 64 * 1024
"""An identify message: 4 KiB is usual, 30 addresses and 60 protocols make 8 KiB."""

LISTEN_ADDRESSES = 32
"""Addresses kept of an identify message; with 300 peers 2.5 MB of the longest."""

MAX_MULTISTREAM_LINE = 1_024
"""multistream-select lines are protocol names; the library has no limit at all."""

MAX_STREAM_WINDOW = 256 * 1024
"""What a peer may send on one stream before we have read it: yamux's first window."""

FILE_WINDOW = 1024 * 1024
"""The same of a stream on which we fetch a file: it is what comes in one round trip, 10 MiB a second over 100 ms. With
more a chat would have to wait behind it."""

WINDOW_PATIENCE = 30.0
"""Who takes nothing off a stream for so long loses it. Rust's peers have been seen to read nothing for 18 s."""

MAX_STREAMS_PER_PEER = 64
"""Inbound streams open at once on one connection: GossipSub 1, and some for ping, identify, Kademlia, files."""

ANSWERS = 1_024
"""Yamux frames without a body that wait to be written, 12 kB; who wants more answers than he takes is not read on."""

AT_ONCE = 64
"""Parts of what has come, each some bytes, that are taken in before others have their turn: some 25 µs each."""

EMPTY_FRAMES = 256
"""Frames of a WebSocket in a row that bring nothing, pings among them; who sends more is not read on."""

# --- Caches ---------------------------------------------------------------------------------------

SEEN_MESSAGES = 32_768
"""Authors and sequence numbers remembered, so that no message is shown twice. About 150 bytes each."""

MESSAGE_CACHE_BYTES = 8 * 1024 * 1024
"""Messages kept for IWANT, for newcomers, and for who was cut off and comes back: 5,000 short ones."""

KEPT_MESSAGE_BYTES = 1_300
"""Memory that each of them takes beside its own bytes (protobuf 6.33, CPython 3.12)."""

REPLAY_BEATS = 50
"""Heartbeats of a second for which they are kept: who is back within that time has missed nothing. Rust's peers forget
after 60 s what they have seen, and would show it again."""

MAX_KNOWN_KEYS = 1_024
"""Public keys of authors kept, so that a key is decoded once."""

MAX_RSA_EXPONENT = 2**32
"""What an RSA key verifies with: in use 65,537 at most. With one as large as the key one signature takes 33 ms."""

# --- Connections ----------------------------------------------------------------------------------

MAX_CONNECTIONS = 300
MAX_INBOUND = 200
"""Inbound connections, unfinished handshakes among them, of which the oldest makes room for who comes next."""

MAX_INBOUND_PER_ADDRESS = 16
"""From one address that is not loopback, or one /64 of public IPv6: a household or an office behind one router."""

MAX_CONNECTIONS_PER_PEER = 3
MAX_FORMER_PEERS = 128
"""Peers that went whose addresses are kept, for Kademlia; each may have told 64 KiB."""

DIAL_TIMEOUT = 10.0
HANDSHAKE_TIMEOUT = 10.0
"""A dial is eleven ways from one to the other: with 700 ms for each it takes 8 s."""

MAX_TLS_HANDSHAKE = 16 * 1024
"""Bytes that somebody may have said before his handshake has ended. It takes 2 kB; OpenSSL would keep 130."""

MAX_CERTIFICATE_BYTES = 4 * 1024
"""Of a peer in TLS or QUIC. The usual ones have 400, one of a peer with the longest RSA key 1,700."""

QUIC_DATAGRAM = 1_232
"""Bytes of a datagram: what every path carries that carries IPv6."""

QUIC_IDLE = 60.0
"""A connection on which nothing comes for so long is over. Signs of life are asked for far sooner."""

QUIC_LEAST_PAUSE = 1.0
"""Between two such questions, however soon the other side says that it gives up."""

QUIC_WINDOW = 2 * 1024 * 1024
"""What a peer may send on all streams of a connection before we have read it: two files, or eight other streams."""

QUIC_UNSENT = 512 * 1024
"""Bytes of a stream that are written and not acknowledged: what is under way in 100 ms at 5 MB/s."""

QUIC_HOLES = 512
"""Gaps in what has come of a stream: what is lost on the way of a whole window makes fewer. Each is looked at for each
part that comes."""

QUIC_TLS_HOLES = 32
"""The same in what has come of a handshake, which takes a few packets; some cut it in ten parts, in no order."""

QUIC_PACKETS = 8_192
"""Packets of ours that are not acknowledged, some 500 bytes each: 10 MB under way."""

QUIC_FRAMES = 16
"""Frames of a packet, on average: usual are one to three, and each takes as long as a tenth of a packet."""

QUIC_FRAMES_SPARE = 1_024
"""How many more there may be at times, as when all streams end at once."""

MAX_TLS_MESSAGE = 16 * 1024
"""A message of a QUIC handshake: a certificate and what stands around it."""

QUIC_RETRY_FROM = 8
QUIC_FAILURE_RATE = 1.0
"""With so many handshakes unfinished, who calls has to show first that he is where he says; and when so many have
failed, less those that may fail a second: each takes us 2 ms, and whoever lies about where he is may send them."""

QUIC_BATCH = 64
QUIC_BATCH_SECONDS = 0.005
"""Datagrams that are taken in a go, and for how long: then it is others' turn."""

PUSH_RATE = 0.2
PUSH_BURST = 10
"""Identify messages a second that a peer may push, and at once: it does so when its addresses change. Each that says
something new is told, and looked at for addresses."""

MAX_NAMED_ADDRESSES = 64
"""Addresses named by the user, which are dialled for as long as the program runs."""

DIALS_PER_SECOND = 1.0
"""Of dials that are tried again, over all peers."""

PING_INTERVAL = 10.0
PING_TIMEOUT = 5.0
"""A connection on which nothing at all comes for so long after we asked is dead: with the interval, 15 s at most."""

PING_PATIENCE = 30.0
"""For the answer itself, which may wait behind a flood: a peer from whom other things come is not dead."""

ASKED_PING_TIMEOUT = 4.0
"""For the answer to /ping, so that its author knows more within 5 s."""

TWIN_TIMEOUT = 2.0
"""When a peer connects anew, its older connection must give a sign of life within this time."""

LATE_SECONDS = 1.0
"""A deadline that is noticed so much too late shows that it was we who were stopped, or starved."""

WAKE_SECONDS = 5.0
"""Time that has passed without us: the machine has slept, or the process was stopped."""

STREAM_REOPENS = 3
"""Our gossip stream is reopened this often when a peer closes it (Rust allows four), then the connection is closed."""

GREETING_SECONDS = 2.0
"""Two peers that meet have opened their gossip streams to each other within so many seconds."""

GOSSIP_ANSWER = 15.0
"""Seconds in which a peer that takes our gossip stream is to say which topics it is in; else it is let go, and dialled
again: over QUIC js-libp2p needs 10 s to see that we ended without a goodbye, rust-libp2p 13.5 s."""

BAD_FRAMES = 3
"""Malformed RPCs that one stream survives."""

STRIKES = 10
STRIKES_PER_SECOND = 1 / 30
"""A peer may break the rules so often at once, and then once in 30 s: a fault of its program, not garbage all day."""

BAN_SECONDS = 600.0
"""How long one who sends garbage is refused. Long enough that trying again is not worth it; people mend things."""

MAX_TRACKED_PEERS = 1_024
"""Peers whose strikes are counted, and as many who are refused; the oldest is forgotten. About 200 bytes each."""

# --- DNS ------------------------------------------------------------------------------------------

DNSADDR_DEPTH = 4
DNSADDR_RECORDS = 32
"""Of a /dnsaddr: names that lead to names, and records in all. The nodes of IPFS stand under two names with some ten
records each."""

DNS_TIMEOUT = 5.0
