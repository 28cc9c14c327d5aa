"""Every limit, in one place, each with its reason. Sizes in bytes, times in seconds."""

# --- Text -----------------------------------------------------------------------------------------

MAX_TEXT_BYTES = 60_000
"""The largest chat text we send: a Rust peer goes deaf above 65,536 bytes an RPC, envelope included."""

MAX_SHOWN_TEXT_BYTES = 60_000
"""Of a larger text (JS and Go may send 1 MiB) this much is shown, and how much was cut is said."""

MAX_SHOWN_LINES = 1_000
"""Lines shown of one message: 60,000 bytes of a log have fewer, 60,000 line breaks would empty a terminal's memory."""

MAX_NICK_CHARS = 32
MAX_NICK_BYTES = 64
MAX_AGENT_CHARS = 64
"""Agent and protocol versions of peers are shown in one line."""

MAX_PROTOCOLS_SHOWN = 256
MAX_ERROR_CHARS = 300
"""A cause is a sentence, not a page."""

MAX_COMMAND_BYTES = 6 * MAX_TEXT_BYTES + 4_096
"""A line of a script: the largest text with every byte of it escaped, and what stands around it."""

MAX_COMMAND_ID_CHARS = 256
OPEN_COMMANDS = 4_096
"""Commands of a script whose answers are still to come; about 400 bytes each, were every ID of the largest."""

MAX_PASTE_CHARS = 4 * MAX_TEXT_BYTES
"""Of a text that is pasted into an input: it can be edited down from there."""

MAX_HISTORY_TEXTS = 500
MAX_HISTORY_BYTES = 1_000_000
"""Sent texts that an input remembers."""

# --- Rates ----------------------------------------------------------------------------------------

SEND_BURST = 200
SEND_RATE = 50.0
"""Our own pace, in messages and messages/s: half of what a receiver calls a flood. (Rust shows 17 a second.)"""

FLOOD_BURST = 400
FLOOD_RATE = 100.0
"""What one author may say before it is muted."""

MUTE_SECONDS = 30.0
MAX_TRACKED_AUTHORS = 4_096
"""Rate records kept; the one longest silent goes first. About 200 bytes each."""

# --- Nicknames ------------------------------------------------------------------------------------

MAX_ANNOUNCEMENT_BYTES = 1_024
"""Payload of an announcement: 64 bytes of a nickname, every one of them escaped, make 400."""

MAX_ANNOUNCEMENT_FRAME = 2_048
"""The signed message around it, which is kept for newcomers: with an RSA key 900 bytes more."""

NICK_REPEAT = 60.0
NICK_SHARE = 3.0
NICK_JITTER = 0.25
"""An announcement is repeated after NICK_REPEAT seconds, or NICK_SHARE for each known peer if that is longer, more or
less by the jitter: a room hears one in two seconds at most."""

ANNOUNCE_BURST = 5
ANNOUNCE_RATE = 0.5
"""Our own new nicknames, at once and a second; of those in between the last one is announced."""

NICK_FLOOD_BURST = 20
NICK_FLOOD_RATE = 1.0
"""Announcements that are taken of one author."""

NICKS_HANDED_ON = 64
"""Nicknames of others that a newcomer is told by us; some 20 kB. It hears the rest when they are repeated."""

KNOWN_NAMES = 2_048
"""Peers whose nicknames are known; about 2 kB each, half of it the signed message."""

NAMES_PER_PEER = 32
"""Names that one peer can have plain in a session: who has had more is squatting."""

HELD_NAMES = 16_384
"""Forms of names that belong to somebody, in all."""

NICK_TOLD_BURST = 3
NICK_TOLD_RATE = 0.1
"""Changes of one peer's nickname that a front-end is told; of those in between, how many there were."""

NICKS_TOLD_BURST = 256
NICKS_TOLD_RATE = 20.0
"""The same for all peers together."""

COMINGS_BURST = 20
COMINGS_RATE = 0.2
"""Comings and goings of one peer that a front-end is told, in the room and as many on the other topics: there it can be
on MAX_TOPICS, and leave them all. What was left out is told when there is time for it, as it is then."""

COMINGS_TOLD_EVERY = 5.0
"""How often that is looked after, in seconds."""

LEAVES_BURST = 60
LEAVES_RATE = 1.0
"""How often a peer may unsubscribe from topics of ours; each time more is a strike. No talker does it so often."""

# --- Queues ---------------------------------------------------------------------------------------

OUTBOX_TEXTS = 1_000
OUTBOX_BYTES = 4 * 1024 * 1024
"""Texts that wait for a peer, in memory."""

EVENT_QUEUE = 20_000
"""Events between the service and a front-end that is busy; the oldest message goes first."""

EVENT_QUEUE_BYTES = 16 * 1024 * 1024
REQUEST_QUEUE = 1_024
"""Requests between a front-end and the service; typing waits when it is full."""

SUBSCRIPTION_QUEUE = 4_096
"""Messages between GossipSub and the room; the read loops wait when it is full."""

PEER_QUEUE_RPCS = 4_096
PEER_QUEUE_BYTES = 4 * 1024 * 1024
"""RPCs waiting for one slow peer; above it what we relay to this peer is dropped and counted, our own texts wait."""

# --- The log --------------------------------------------------------------------------------------

LOG_ENTRIES = 20_000
LOG_CHARS = 8 * 1024 * 1024
"""What a chat keeps to be shown again and searched; the oldest goes first. A character takes one to four bytes."""

CONVERSATIONS = 50
STRANGERS_TABS = 5
DIRECT_LOG_ENTRIES = 2_000
DIRECT_LOG_CHARS = 256 * 1024
"""Direct conversations that the full screen keeps, closed ones too, and what it keeps of each: 50 MB if all are full
of the widest characters. So many strangers get a tab of their own, the others have one together."""

TOPIC_LOG_ENTRIES = 5_000
TOPIC_LOG_CHARS = 1024 * 1024
"""What the full screen keeps of each topic beside the room."""

KNOWN_SPEAKERS = 4_096
"""Nicknames remembered of those who spoke; the one longest silent is forgotten first."""

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

# --- Discovery ------------------------------------------------------------------------------------

BOOK_PEERS = 1_000
"""Peers in the address book; about 1 kB for each address."""

BOOK_ADDRESSES = 8
"""Addresses kept of one peer."""

TARGET_CONNECTIONS = 16
"""With so many peers connected nobody more is dialled by himself: GossipSub's mesh has 3 to 6 of them."""

FOUND_DIALS = 4
"""Found peers that are dialled at once, each at WAYS_AT_ONCE addresses at most."""

NEXT_WAY_AFTER = 0.25
"""A peer's next address is dialled when the one before has not answered for so long (RFC 8305, 8)."""

NEXT_WAY_OF_LOOKUP = 1.0
"""The same for a lookup, which has others to ask, and whose dials are counted: from afar a handshake takes a second."""

WAYS_AT_ONCE = 4
"""Addresses of one peer, or of one name, that are dialled at once."""

FOUND_DIAL_TIMEOUT = 5.0
"""For one address of a found peer, who may have others: with 400 ms a way it takes as long."""

BOOK_SHARE = 250
"""Peers in the book whom one stranger told of, or mDNS, or who were remembered, until they are reached."""

BOOK_PROVED = 400
"""Peers in the book who were reached: with two other shares there is still room for what strangers tell."""

BOOK_TELLERS = 3
"""Peers who told of one address, kept with it, and charged for dialling there."""

TOLD_BURST = 20
TOLD_RATE = 20 / 60
"""Dials on the word of strangers: enough for the target and some that fail, and then one in three seconds."""

TELLER_BURST = 10
TELLER_RATE = 10 / 60
"""The same on the word of one stranger: through one neighbour comes the word of a whole room."""

RANGE_BURST = 8
RANGE_RATE = 8 / 60
"""The same into one range (/24, or /48 of IPv6): a household has fewer peers, and a victim notices no more of it."""

PLACE_BURST = 3
PLACE_RATE = 1 / 600
"""The same to one address and port: somebody with a new key each time he starts is met, a victim is not hammered."""

HERE_BURST = 3
HERE_RATE = 1 / 600
"""The same to all IP addresses and ports of our own machine: two programs on it that do not hear each other by mDNS
meet, and nobody has us try its ports one after the other."""

TOLD_TRIES = 4
"""Dials of one peer at one address on the word of strangers, until it was reached there."""

NEAR_BURST = 60
NEAR_RATE = 1.0
"""Dials of what mDNS told: a room that starts at once in one network, and neighbours who lie."""

NEAR_PLACE_BURST = 10
NEAR_PLACE_RATE = 1 / 60
"""The same to one address and port."""

MEMORY_BURST = 32
MEMORY_RATE = 0.5
"""Dials where peers were reached, in this run or an earlier one."""

LOOKUP_BURST = 40
LOOKUP_RATE = 1.0
LOOKUP_TELLER_BURST = 30
LOOKUP_TELLER_RATE = 30 / 60
LOOKUP_CONNECTIONS = 64
"""Dials of peers that a lookup in Kademlia has to ask, and connections to such peers: a walk asks 60 at most. On
the word of one stranger so many: one answer tells of 20, each with several addresses, of whom some may have gone."""

LOOKUP_PLACES = 256
"""Addresses where a peer that a lookup had to ask was reached: these are worth as much as what is remembered."""

TRACKED_ALLOWANCES = 4_096
"""Tellers, ranges and addresses whose dials are counted; about 250 bytes each. At the rate of all dials together it
takes hours to fill that."""

FOUND_TRIES = 8
"""Dials in vain, one after the other, of an address that mDNS told or where the peer was; then it waits to be told."""

MEETING_PAUSE = 1.0
"""Of two who have just found each other the one with the larger peer ID waits so long for the other's dial."""

MEMORY_PAUSE = 1.0
"""An address remembered in a network of ours waits so long for mDNS, which may say that its peer has another one."""

NEAR_PAUSE = 2.0
NEAR_PAUSE_LONGEST = 300.0
PAUSE = 30.0
PAUSE_LONGEST = 1_800.0
"""After a dial in vain, near by and elsewhere; doubled each time, up to the longest."""

LASTING = 60.0
"""A connection that ends sooner is as good as a dial in vain."""

FINDINGS_TOLD_BURST = 30
FINDINGS_TOLD_RATE = 0.1
FINDINGS_SUMMED_SECONDS = 30.0
"""Peers found that a front-end is told of one by one; of the others, how many they were, so often at most."""

# --- The discovery topic --------------------------------------------------------------------------

MAX_ANNOUNCED_PEER_BYTES = 8 * 1024
MAX_ANNOUNCED_PEER_ADDRESSES = 64
MAX_ANNOUNCED_PEER_ADDRESS_BYTES = 512
"""Payload of a peer's announcement: a browser with three relays has 40 addresses of 130 bytes each."""

MAX_ANNOUNCED_PEER_FRAME = MAX_ANNOUNCED_PEER_BYTES + 1_024
"""The signed message around it; with an RSA key 900 bytes more."""

ANNOUNCED_ADDRESSES_READ = 32
"""Of a peer's addresses so many are looked at for those that we can dial; it takes up to 1 ms."""

PEER_REPEAT = 10.0
PEER_REPEAT_LONGEST = 600.0
"""Our own announcement is repeated after so many seconds, or NICK_SHARE for each peer that announces itself, too; with
the longest pause nobody silences us with many keys."""

OWN_ADDRESSES_ANNOUNCED = 8
"""Our addresses, the best first, and some of each transport; who has more interfaces is reached on one of these."""

OWN_ADDRESSES = 32
"""The same for who asks who we are: others read about as many."""

CERTIFICATE_HOSTS = 4
"""Of the names in our certificate so many are told."""

MAX_CERTIFICATE_FILE = 256 * 1024
"""A certificate with those that vouch for it has 4 to 10 kB."""

CERTIFICATE_INTERVAL = 10.0
"""A renewed certificate is taken after so many seconds, at the next call."""

CERTIFICATE_WATCH = 60.0
"""When nobody calls it is looked at as often: others are told of new hosts, and the user of what is wrong with it."""

PEER_ANNOUNCED_BURST = 4
PEER_ANNOUNCED_RATE = 0.2
"""Announcements that are taken of one author, at once and a second: twice what the other peers do."""

PEERS_READ_BURST_OF_ONE = 30
PEERS_READ_RATE_OF_ONE = 5.0
"""Announcements of others that are read of one connected peer, so that who floods us takes the others' turns from
nobody. A room of py-peers says one in NICK_SHARE seconds, 50 browsers say 5 a second, and a newcomer is handed
PEERS_HANDED_ON at once. What comes faster is not passed on, either: else our neighbours, to whom it all comes from us,
would find nobody whom we pass on. It comes again in 10 s."""

PEERS_FLOODED_SECONDS = 60.0
"""After more than that, chance drops half of what would be read of that peer, for so long."""

PEERS_READ_BURST = 100
PEERS_READ_RATE = 20.0
"""The same of all connected peers together: 20 ms of work a second. Not among them is what a connected peer announces
of itself: there are as many of these as connections, and each is held to PEER_ANNOUNCED_RATE."""

KNOWN_ANNOUNCERS = 2_048
"""Authors of announcements that are kept apart; about 300 bytes each. The one longest silent is forgotten first."""

ANNOUNCERS_OF_ONE = 16
"""Authors for whom our own pause grows, of those that one connected peer has passed on: with names that he made up he
makes it 48 s longer. With 16 connections, as many as we aim at, a large room is still seen to be one."""

PEERS_HANDED_ON = 16
PEERS_HANDED_ON_OF_ONE = 4
PEERS_HANDED_ON_SECONDS = 50.0
"""Announcements that a newcomer is told by us, 150 kB of the largest; how many of them one connected peer may have
passed on to us; and how old they may be: after 60 s the other peers have forgotten that they have seen them, and would
pass them on again."""

# --- Peers of earlier runs ------------------------------------------------------------------------

REMEMBERED_PEERS = 200
REMEMBERED_ADDRESSES = 4
REMEMBERED_BYTES = 512 * 1024
"""What is kept of where peers were; some 250 bytes each, 1 kB with the longest names."""

REMEMBERED_DAYS = 30
REMEMBERED_FAILURES = 5
"""Who was not met in that time, or was dialled in vain on so many days, is forgotten."""

RECALLED_AT_ONCE = 8
RECALL_PAUSE = 5.0
"""Peers of earlier runs that are looked for at once, and after how many seconds the next ones are, while few are there:
more would be dialled in vain and shown one by one."""

REMEMBER_AFTER = 2.0
REMEMBER_PAUSE = 60.0
"""What is new is written after 2 s, as several come at once, and then again after a minute at the earliest."""

REMEMBER_PATIENCE = 0.2
"""For the last writing, when the user leaves."""

# --- Kademlia -------------------------------------------------------------------------------------

MAX_KAD_REQUEST = 64 * 1024
"""A request of others: one provider record with every address of a busy host makes 4 kB."""

MAX_KAD_ANSWER = 256 * 1024
"""An answer of others: 20 peers with 20 addresses each make 30 kB, and as many providers again, or a few times more."""

MAX_KAD_ANSWER_OUT = 16 * 1024
"""Our own answers: rust-libp2p takes no larger ones."""

KAD_ADDRESSES = 8
MAX_ADDRESS_BYTES = 256
"""Addresses kept of a peer or a provider; WebTransport's, with two hashes of certificates, are the longest."""

KAD_PROVIDERS_READ = 100
"""Providers read from one answer; the next round brings others."""

KAD_PROVIDERS_FOUND = 20 * KAD_PROVIDERS_READ
"""The same of all answers of one search, so that one who makes up a hundred hides nobody of whom others tell."""

KAD_ANSWER_ADDRESSES = 1_000
"""Addresses read from one answer, of those who are closer and of providers each: 30 to 50 ms of work if all are of the
most tedious form, done in parts, so that nothing else waits for it."""

KAD_RECORDS = 2_048
KAD_RECORDS_PER_KEY = 128
KAD_RECORDS_PER_PEER = 64
"""Provider records kept for others; some 700 bytes each, 7 MB were all of the largest. A room of more than 128 finds
each other over those. When there are too many, whoever has most of them makes room."""

KAD_RECORD_SECONDS = 48 * 3_600.0
KAD_RECORD_ADDRESSES_SECONDS = 24 * 3_600.0
"""How long they hold, as the specification and Go have it."""

MAX_KAD_KEY = 512
"""Bytes of a key; a multihash has 34. A file's name, which is a key, has 255, and its announcement's key 70 more."""

MAX_KAD_VALUE = 10 * 1024
"""Bytes of a value. Rust takes packets of 16 KiB; beside it stand the key, twice, and 20 closer peers of 240 bytes."""

KAD_VALUE_SECONDS = 48 * 3_600
"""A value is kept so long after it was put, as in Go and Rust; who has put it puts it anew before that."""

KAD_VALUES_WEIGHT = 8 * 1024 * 1024
KAD_SENDER_WEIGHT = KAD_VALUES_WEIGHT // 8
KAD_VALUE_WEIGHT = 2_048
"""Values kept for others, and of those the ones that one has brought: bytes of keys and values, and so many more for
each, so that there are never more than 4,096 of them, and 512 of one who brought them. Beside them as many of our own
as others keep of one."""

KAD_VALUES_FILE = 4 * KAD_VALUES_WEIGHT
"""The file in which they are kept: pages of 4 KiB that are not full, and what several programs have put there."""

KAD_WRITE_SECONDS = 30.0
"""What others have us keep is on the disk so much later, at most: they can have 23 GB a day written by that. Our own is
there at once."""

KAD_PASS_SECONDS = 3_600.0
"""A value kept for others is looked up among those who should have it, and handed to those who have not, as in Go and
Rust; each time 20 % sooner or later, so that they do not all do it at once."""

KAD_RENEW_SECONDS = 22 * 3_600
"""Our own values are put anew, with a new time, before they expire: twice in their 48 h."""

KAD_UPKEEP_PAUSE = 1.0
KAD_UPKEEP_TURN = 2
"""Seconds between two turns of that, and values in one: all that can be kept has its turn in 34 minutes. Who is asked
by 19 others about each of as many values answers 38 requests a second, which takes some 5 % of a processor."""

KAD_REPAIRS = 32
"""Found values that wait to be handed to those who should have them; more are left to those who keep them."""

KAD_PROVIDED = KAD_RECORDS_PER_PEER - 2
"""Keys that we provide beside the room's two: others keep no more of one peer."""

KAD_CLOCK_AHEAD = 600
"""Seconds by which a clock of others may be ahead of ours."""

KAD_STREAMS_PER_PEER = 8
"""Streams of requests of one peer; Go has one, JS one for each request."""

KAD_REQUEST_BURST = 100
KAD_REQUESTS_PER_SECOND = 10.0
KAD_HELD_BACK = 5.0
"""Requests of one peer. A walk asks each peer once, a search has two; somebody announcing 64 files needs the burst. Who
asks faster waits for his answers, on each of his streams, and who would wait longer than those seconds is refused."""

KAD_IDLE_SECONDS = 60.0
"""A stream on which nothing is asked for so long is closed, as Go does it."""

KAD_ANSWER_TIMEOUT = 10.0
KAD_WALK_TIMEOUT = 60.0
KAD_TELL_TIMEOUT = 15.0
"""A walk to those who are then to keep something leaves so much of its time for that."""

KAD_WALK_PEERS = 60
"""Peers asked on the way to one key: three times the 20 that count; on the network of IPFS some 40 are."""

KAD_LAST_DIALS_SECONDS = 2.0
"""When nobody is left to be asked but who is being dialled, and nothing else happens for so long, the walk is over: a
program that was killed is told of for a minute, and over QUIC at each of its addresses nobody says that it is gone."""

KAD_PATIENCE = 6.0
KAD_AGAIN_SECONDS = 1.5
"""What is looked up for the user, and not found, waits so long at the end for those who could not be dialled just then,
as too much was dialled lately, and tries them again so often. One more of them can be dialled in 2 s, if one has told
of them all."""

KAD_AT_ONCE = 3
"""Peers asked at a time (the spec's alpha, as in the paper)."""

KAD_CONNECTIONS = 48
"""Peers who stay connected because a walk had to ask them, members of the room apart: on the network of IPFS each walk
meets some 40, who have nothing else to say to us. Fewer than LOOKUP_CONNECTIONS, so that a walk can always go on."""

KAD_ANNOUNCE_SECONDS = 3_600.0
"""We are recorded anew after an hour; Go's search takes a record of up to 48 h, its own are renewed in 3 h."""

KAD_SEARCH_SECONDS = 10.0
KAD_SEARCH_LONGEST = 300.0
KAD_FEW_PEERS = 4
"""The room is looked for every 10 s while fewer peers are in it; then 10 s later for each, up to 5 minutes."""

KAD_REFRESH_SECONDS = 600.0
KAD_REFRESH_SMALL = 60.0
"""Between two walks that refresh the table (the spec's 10 minutes), and the same while it has fewer than 20 peers."""

DHT_REQUESTS = 1_024
"""Requests about keys that wait for an answer; 16 MB, were all of them values of the largest."""

DHT_AT_ONCE = 4
"""Keys that are asked about side by side; each asks three peers at a time."""

DHT_REQUEST_BURST = 20
DHT_REQUESTS_PER_SECOND = 3.0
"""Requests about keys that are begun. Each asks every one of the closest once or twice; in a small network these are
always the same, who take 100 at once and then 10 a second, and our search for the room is among those."""

# --- Files ----------------------------------------------------------------------------------------

MAX_FILE_ID_BYTES = 128
"""A file's ID is text of whoever offers it; a UUID has 36 bytes."""

MAX_FILE_NAME_BYTES = 200
"""Of a name we give to a file, which systems hold to 255 bytes; a number and an ending may still come."""

MAX_SENT_NAME_BYTES = 1_024
"""Of a file's name as its offerer sends it; no system has names of more than 255 characters."""

MAX_PIECES = 65_536
"""Pieces of one file: 2 MiB of hashes. Larger files have larger pieces."""

SMALLEST_PIECE = 256 * 1024
LARGEST_PIECE = 4 * 1024 * 1024
"""What is hashed, asked for and verified as one, and held in memory by each of those who fetch it."""

MAX_FILE_BYTES = MAX_PIECES * LARGEST_PIECE
"""256 GiB."""

MAX_SISTER_FILE_BYTES = 64 * 1024 * 1024
"""The largest file served to peers in other languages: Rust peers fetch every offer on sight, into memory."""

JS_FILE_BYTES = 4 * 1024 * 1024
"""The largest that JavaScript's peers take."""

FILE_SILENCE = 30.0
"""A transfer on which nothing moves for so long is ended; an answer may take as long."""

MAX_FILE_RECORD = 4_096
"""What a file is, signed: some 300 bytes, 1 kB more with an RSA key, and the longest name."""

MAX_FILE_REQUEST = 512
"""A request on our own protocol: the longest ID, and what stands around it."""

MAX_REFUSAL = 1_024
"""Why a request is refused; MAX_ERROR_CHARS of it are shown."""

PIECES_ASKED = 64
"""Pieces that one request may ask for; the next request may be sent before they have come. Others have their turn in
between."""

FILE_STREAMS_PER_PEER = 8
"""Streams of our own protocol that one peer has open, most of them idle."""

FILE_IDLE_SECONDS = 60.0
"""A stream on which nothing is asked for so long is closed."""

FILE_REQUEST_BURST = 200
FILE_REQUESTS_PER_SECOND = 100.0
"""Requests of one peer that are answered; the next ones wait. At 1 MiB a request it is no limit at all."""

SHARED_FILES = 128
"""Files that we serve; each is kept open, and macOS gives a program 256 descriptors."""

SHARED_LEAVES_BYTES = 32 * 1024 * 1024
"""Hashes of the pieces of all of them: 256 GiB in the smallest pieces."""

OFFERS = 1_000
OFFERS_PER_PEER = SHARED_FILES
"""Offers kept of others, the oldest goes first; some 500 bytes each."""

OFFER_BURST = 20
OFFER_RATE = 0.2
"""Offers that are taken of one author, at once and a second."""

OWN_OFFER_BURST = 16
"""Our own, at the same rate: some less at once, since others may hear two in shorter order than we have said them."""

OFFER_SECONDS = 24 * 3_600.0
"""After that an offer is forgotten."""

OFFERS_TOLD_BURST = 30
OFFERS_TOLD_RATE = 0.5
"""Offers that a front-end is told of one by one; of the others, how many they were."""

DESCRIBE_SECONDS = 5.0
"""For a py-peer to say what it offers; then an offer is told without, or the file is looked for elsewhere."""

COME_SECONDS = 2.0
"""For a peer to come by itself who cannot be dialled, when a file of his is asked for."""

NOT_NOW_SECONDS = 12.0
"""For a dial that a limit of our own forbids: on the word of one who tells of many there is one in six seconds."""

TRANSFERS = 4
"""Files fetched at the same time; the next ones wait for their turn."""

TRANSFERS_OF_ONE = 2
"""Of these, those that one peer has offered, who may send nothing; one fewer of what nobody has asked for."""

AUTO_TRANSFERS = 2
"""Of these, those that nobody has asked for: what the user asks for finds a turn whatever strangers offer."""

WAITING_TRANSFERS = 100
SOURCES = 4
"""Peers from whom one file is fetched at the same time."""

PIECES_BYTES = 2 * 1024 * 1024
"""What is asked of one source at a time, and as much again before it has come, so that the window is always full."""

MORE_SOURCES_BYTES = 2 * PIECES_BYTES
"""While more is missing, others are asked whether they have the file, too."""

SOURCE_SECONDS = 60.0
"""So long somebody is waited for who has the file, when the last one is gone."""

LOOK_AGAIN_SECONDS = 12.0
"""While nobody is there who has a file that was asked for by its name, the DHT is asked again so often."""

SOURCE_PAUSE = 5.0
REFUSED_PAUSE = 60.0
"""Before a peer is asked again for the same file: one that was lost, and one that has said no."""

TRANSFER_TOLD_PAUSE = 0.2
"""Between two events of how far a transfer is."""

AUTO_GETS_OF_ONE = 10
AUTO_GETS = 50
"""Files an hour that are fetched without being asked for: of one peer, and of all."""

MAX_PROVIDED_NAME_BYTES = 255
"""Of a name that a file is provided under: what file systems allow a name."""

MAX_NAMED_ANSWER = 10 * 1024 * 1024
"""What the original of /file-exchange/1 reads of an answer, in which a byte takes one or two: of a file that looks
random some 5.5 MB are as much."""

NAMED_FETCH_SECONDS = 60.0
"""For the whole of such an answer, at which Rust gives up after 10 s; others who have the file are asked then."""

PROVIDED_BURST = 20
PROVIDED_PER_SECOND = 1.0
"""Files that are written down in the DHT as provided; each takes four requests to everybody, where there are few."""

ANNOUNCED_SECONDS = 10.0
"""For what the providers of a name say that they have; who is silent keeps nobody from those who are not."""

NEXT_PROVIDER_AFTER = 0.25
MAJORITY_LEAD = 1.5
VERIFIED_LEAD = 5.0
"""Seconds for which somebody is asked for a file by its name before the next one is asked beside him; for which one is
that more have than the next one; and for which those are who say what they have, before those who do not. So 32 who
are silent, and those of them who lead, cost 15 seconds at most: half of the deadline of `py-peer get`."""

PROVIDER_SECONDS = 10.0
"""For one of several to begin to give it. Who has not is asked again, FILE_SILENCE long, when others have failed."""

SLOWEST_SOURCE = 1_000
"""Bytes a second. Who sends a piece more slowly is left for others, or else would be a byte in half a minute."""

PROVIDERS_ASKED = 32
"""Of those who provide a name so many are asked for the file: the first who were found."""

SERVED_AT_ONCE = 16
SERVED_TO_ONE = 4
"""Streams on which files are sent at the same time, in all and to one peer; the next ones wait."""

SERVED_TOLD_PAUSE = 60.0
"""That one peer has fetched one file is told so often at most."""

WAITING_SERVED = 64
WAITING_TO_ONE = 16
"""Streams that wait for it, in all and of one peer."""

# --- Direct messages ------------------------------------------------------------------------------

MAX_DIRECT_FRAME = 64 * 1024
"""A direct message with everything around it."""

MAX_DIRECT_ANSWER = 4_096
"""What is read of an answer to one: two small fields, and why it is not taken."""

DIRECT_SECONDS = 5.0
"""For a message to be confirmed, as with the other peers."""

DIRECT_STREAMS = 8
"""Streams of one peer on which messages come at the same time: a program waits for each answer, a person types."""

DIRECT_BURST = 200
DIRECT_RATE = 5.0
"""Direct messages taken of one peer, at once and a second, whom the user has written to or named; our own pace is half
of it. A script may hand over a list of a hundred, nobody types so fast."""

STRANGER_BURST = 20
STRANGER_RATE = 0.2
"""The same of a stranger, so that one alone shuts out no other."""

STRANGERS_BURST = 200
STRANGERS_RATE = 1.0
"""The same of all strangers together: who makes up a thousand peers has no more than five at that pace."""

DIRECT_HELD_UP = 60.0
"""Who takes no more just now is tried again for so long without a word more; then what is there waits as for who is
away."""

FLOOD_TOLD_PAUSE = 60.0
FLOOD_TOLD_PAUSE_LONGEST = 3_600.0
"""Between two lines about direct messages that are too many; doubled each time."""

DIRECT_KNOWN = 4_096
"""Peers to whom the user has written in this run, and messages by which one that comes again is known; 200 bytes
each."""

DIRECT_PAUSE = 5.0
DIRECT_PAUSE_LONGEST = 600.0
"""Between two tries to deliver what waits; doubled each time. A peer that comes ends the pause."""

UNDELIVERED_PER_PEER = 300
UNDELIVERED = 1_000
UNDELIVERED_BYTES = 2 * 1024 * 1024
"""Direct messages that wait for their peers, and what they take in the file."""

UNDELIVERED_FILE_BYTES = 4 * UNDELIVERED_BYTES
"""The file is shared by all keys of a user; few have more than one."""

UNDELIVERED_SECONDS = 24 * 3_600.0
"""Then a message is given up; one of another key is taken out of the file, though nobody is told."""

UNDELIVERED_PATIENCE = 0.2
"""For the file to be written at the end of a session."""

# --- DNS ------------------------------------------------------------------------------------------

DNSADDR_DEPTH = 4
DNSADDR_RECORDS = 32
"""Of a /dnsaddr: names that lead to names, and records in all. The nodes of IPFS stand under two names with some ten
records each."""

DNS_TIMEOUT = 5.0

# --- Reached from outside -------------------------------------------------------------------------

NAT_CONFIDENCE = 3
"""Ranges from which peers must say the same before it is believed; as in other libp2p's."""

NAT_PATIENCE = 60.0
"""Who has found nobody for so long who reaches him takes himself for private, on the word of fewer."""

NAT_VOTE_SECONDS = 1_800.0
"""Then what a peer has said holds no more."""

NAT_ASK_AGAIN = 900.0
NAT_RETRY = 60.0
"""The same range is asked again after so many seconds, and after so many if it has not answered."""

NAT_ASKED = 4
"""Peers that are asked at once: each of them dials."""

NAT_LOOK_INTERVAL = 10.0
"""How often it is looked for who may be asked again."""

NAT_VOTES = 64
"""Ranges whose word is kept."""

NAT_PATIENCE_ASKED = 20.0
"""For an answer: whoever is asked waits for a dial that nobody answers, 15 s in Go."""

MAX_NAT_MESSAGE = 8 * 1024
"""A peer with all its transports on several interfaces tells some 2 kB of addresses."""

NAT_ADDRESSES = 16
"""Of the addresses in a request so many are looked at, for those that lead to who asks."""

NAT_DIALS = 4
"""Of these so many are dialled, all at once."""

NAT_DIAL_TIMEOUT = 5.0
"""For the whole of a dial back, the handshake included."""

NAT_SERVED_AT_ONCE = 4
"""Requests that are served at one time; one more is refused."""

NAT_SERVE_RATE = 0.5
NAT_SERVE_BURST = 10
NAT_RANGE_RATE = 0.05
NAT_RANGE_BURST = 3
"""Requests a second that are served: of all, and of one range, as IDs cost nothing. Go serves as many."""

RELAY_RETRY = 15.0
RELAY_RETRY_LONGEST = 900.0
"""A relay that gives no place, or none any more, rests for so long; doubled each time that a place did not last for
LASTING, up to the longest."""

UPNP_PATIENCE = 2_000
"""For a router to answer, in milliseconds, as miniupnpc wants it."""

UPNP_LEASE = 3_600
"""Seconds for which a port is forwarded: a program that was killed leaves it open for so long at most."""

UPNP_SEARCH_INTERVAL = 600.0
"""How often a router is looked for where there was none."""

UPNP_PORTS = 8
UPNP_OTHER_PORTS = 3
"""Ports that are forwarded; and ports that are tried for each when its number is taken there."""

# --- mDNS -----------------------------------------------------------------------------------------

INTERFACE_INTERVAL = 2.0
"""How often the interfaces are looked at: under 1 ms of work each time."""

MDNS_ADDRESSES = 8
"""Addresses of one peer on one interface: with so many of the longest an answer is one packet of Ethernet's size, and
the Go peer wants it all in one."""

MDNS_PACKET = 9_000
"""The largest packet that RFC 6762 allows."""

MDNS_STRINGS = 32
"""Addresses read from one packet; a Go peer with all its transports sends some 20."""

MDNS_RECORDS = 100
"""Questions and records in one packet: 1,500 questions of long names, which it has room for, take 9 ms to read."""

MDNS_TTL = 120
"""For how long others may remember our answer; we ask twice in that time."""

MDNS_ASK_INTERVAL = 60.0
MDNS_ASK_JITTER = 5.0
"""Questions, after the first ones. Who hears one asked does not ask it himself, so that a room asks once and not each
for himself."""

MDNS_TELL_INTERVAL = 10.0
"""That a known peer is still there is told this often at most."""

MDNS_FORGET = 200.0
"""Who has not been heard for so long has missed three questions."""

GOODBYE_SECONDS = 10.0
"""Within so many seconds after its goodbye a peer has gone; if it has not, somebody else has said it."""

MDNS_PEERS = 512
"""Peers on the local network; the one longest not heard makes room. About 2 kB each, with every address."""

MDNS_SOURCES = 256
MDNS_SOURCE_RATE = 10.0
MDNS_SOURCE_BURST = 40
"""Packets of one sender that are looked into; several peers may run on one machine."""

MDNS_RATE = 50.0
MDNS_BURST = 400
"""The same of all senders together: a question is answered by the whole room within 0.1 s. A packet with the most
addresses takes 2 ms."""

MDNS_READ_RATE = 500.0
MDNS_READ_BURST = 1_000
"""Packets of any kind that are read; with more the system's buffer overflows, which costs us nothing."""

MDNS_UNICAST_RATE = 5.0
MDNS_UNICAST_BURST = 20
"""Answers for one asker alone, 1 kB each."""

ALONE_SECONDS = 30.0
"""Who has met nobody for so long is told what may be the matter."""

# --- Relays ---------------------------------------------------------------------------------------

MAX_RELAY_MESSAGE = 8 * 1024
"""What is said of a reservation or a circuit: Go reads no more than 4 KiB of it, a relay with many addresses may say a
little more."""

RELAY_PATIENCE = 10.0
"""For each message of a relay, which may ask the other end before it answers."""

RELAY_RESERVATIONS = 128
RELAY_RESERVATIONS_OF_ONE_RANGE = 32
RELAY_RESERVATION_SECONDS = 3_600.0
"""Reservations that we give, in all and to one network of a household or an office, and how long they hold: as with
Go, but for the 8 that it gives to an IP address, where a room may well sit behind one."""

RELAY_REQUEST_RATE = 0.5
RELAY_REQUEST_BURST = 64
"""What one peer may ask of us as a relay, a second and at once: a whole room is called in a moment, and then seldom."""

RELAY_CIRCUITS = 256
RELAY_CIRCUITS_OF_ONE = 32
RELAY_CIRCUITS_OF_ONE_RANGE = 64
RELAY_CIRCUITS_OF_TWO = 2
"""Circuits open at once through us, in all and of one peer at either end, twice as many as Go's: everybody in a room
wants some 16. Each holds 128 kB, and 512 kB more where both ends send faster than they read. From one network come no
more than a quarter, as of the reservations, since IDs cost nothing; from one peer to another a second one, for when the
first is dead and that is not known yet."""

RELAY_CIRCUIT_SILENCE = 600.0
"""A circuit on which nothing has come from one end for so long is ended: whoever is in use there asks for a sign of
life, or has windows to open."""

RELAY_CIRCUIT_SECONDS = 24 * 3_600.0
RELAY_CIRCUIT_BYTES = 1024 * 1024 * 1024
"""Then a circuit is ended; the bytes are those of one direction. Go's two minutes and 128 KiB are there to find a
direct way with, and a chat through such a relay is cut every two minutes. A day of chat is some megabytes, and a few
files fit in beside. They are not told: Go and JavaScript open no gossip stream over what is said to be limited."""

RELAY_LINGER = 10.0
"""For one end of a circuit to close when the other one has."""

RELAYED_ADDRESSES = 8
"""Addresses of one relay that others are told as ours."""

RELAY_RENEW_LEAST = 30.0
RELAY_RENEW_LONGEST = 3_600.0
"""A reservation is renewed when three quarters of it are over, in these bounds whatever the relay's clock says."""

MAX_PUNCH_MESSAGE = 4 * 1024
"""What two peers say of where they are, as the specification has it."""

PUNCH_TRIES = 3
PUNCH_TIMEOUT = 5.0
PUNCH_ADDRESSES = 8
"""Tries to reach directly who is reached through a relay, for how long, and at how many addresses at once."""

PUNCH_RATE = 1 / 60.0
PUNCH_BURST = 2 * PUNCH_TRIES
"""Tries with one peer, who chooses what we dial then."""

DIRECT_GRACE = 30.0
"""A relayed connection beside a direct one is closed when nothing is open on it any more, or for so long nothing but
what peers keep open for good: some let their gossip and their pings run on where they are."""

MOVE_PATIENCE = 5.0
"""For a peer to read to its end the gossip stream that we leave for one over a direct connection."""

# --- Statistics -----------------------------------------------------------------------------------

MAX_SCRAPES = 8
"""Connections to --metrics open at once; with one more, the oldest goes. Prometheus has one, for milliseconds."""

SCRAPE_TIMEOUT = 5.0
MAX_SCRAPE_BYTES = 16 * 1024
"""Of a request for statistics; Prometheus' own has some 300 bytes."""

# --- Files ----------------------------------------------------------------------------------------

MAX_KEY_FILE_BYTES = 4_096
"""Ours has 68; the largest RSA key of the other peers, which is refused by its name, has 2,400."""

MAX_IGNORED = 1_000
"""Peers on the ignore list: a thousand lines are read at every start."""

MAX_IGNORED_BYTES = 64 * MAX_IGNORED
"""The largest peer ID in base58 has 53 characters."""

MAX_PATH_CHARS = 4_096
"""As Linux has it: scripts want all of a path."""

MAX_SHOWN_PATH_CHARS = 120
"""Of a path in a sentence, which has more to say."""

# --- Leaving --------------------------------------------------------------------------------------

CLOSE_TIMEOUT = 1.0
"""For the host to close its connections; every way out ends within 2 s."""

SETTLE_PATIENCE = 3.0
"""At the end of piped input and of --oneshot: for the peers to read it all. Twice there and back with 700 ms a way."""

NAMED_PEER_WAIT = 30.0
"""At the end of piped input: how long a peer named with -c is waited for."""

LOOK_WAIT = 3.0
"""The same for somebody who may be found, from the start on: by then the peers of one network have met."""
