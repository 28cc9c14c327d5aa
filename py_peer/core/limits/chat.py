"""Limits of what is said, shown and kept of a chat."""

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

# --- Statistics -----------------------------------------------------------------------------------

MAX_SCRAPES = 8
"""Connections to --metrics open at once; with one more, the oldest goes. Prometheus has one, for milliseconds."""

SCRAPE_TIMEOUT = 5.0
MAX_SCRAPE_BYTES = 16 * 1024
"""Of a request for statistics; Prometheus' own has some 300 bytes."""

# --- Leaving --------------------------------------------------------------------------------------

CLOSE_TIMEOUT = 1.0
"""For the host to close its connections; every way out ends within 2 s."""

SETTLE_PATIENCE = 3.0
"""At the end of piped input and of --oneshot: for the peers to read it all. Twice there and back with 700 ms a way."""

NAMED_PEER_WAIT = 30.0
"""At the end of piped input: how long a peer named with -c is waited for."""

LOOK_WAIT = 3.0
"""The same for somebody who may be found, from the start on: by then the peers of one network have met."""
