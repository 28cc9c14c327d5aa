"""Limits of what is read of Nostr, each with its reason. Sizes in bytes, times in seconds.

A relay is a stranger, and so is a file: nothing of them has memory before it is within these.
"""

MAX_EVENT_BYTES = 65_536
"""JSON of one event: what relays take as they come (strfry; others take twice as much)."""

MAX_TAGS = 2_000
"""Tags of one event, as many as relays take: lists of contacts have some hundreds."""

MAX_TAG_ITEMS = 64
"""Strings of one tag. NIPs in use have five at most, lists of relays a dozen."""

MAX_NAMED_COMMITS = 64
"""Commits that an event names whose keys it is compared with, 0.03 ms each. Events about commits name one; and who
would hide behind the key of a commit need not name it at all."""

MAX_CREATED_AT = 2**53 - 1
"""A later time is another number in JavaScript, and the event has another ID there."""

MAX_KIND = 65_535
"""NIP-01: two bytes."""

MAX_NIP19_CHARS = 5_000
"""NIP-19 names no limit, and BIP-173's of 90 does not hold for it; this is what its users have agreed on."""

MAX_NIP19_RELAYS = 16
"""Relays that a nevent or an nprofile may name: each may be connected to."""

MAX_KEY_FILE_BYTES = 1_024
"""A file with a key of Nostr has one line of 63 characters."""

MAX_EVENTS_READ = 100_000
"""Events of one file or of standard input that are looked at: half a minute of checking."""

# --- Relays ---------------------------------------------------------------------------------------

MAX_RELAYS = 16
"""Relays at once: each costs a connection, and brings much the same as the others."""

MAX_URL_CHARS = 2_048
SHOWN_URL_CHARS = 200
RELAY_WORDS_CHARS = 200
"""Of what a relay says for people to read: a sentence."""

MAX_RELAY_MESSAGE = 2 * MAX_EVENT_BYTES
r"""A message that is looked at: an event may be written with \u escapes, and then is longer than it is."""

MAX_RELAY_FRAME = 2 * 1024 * 1024
"""A message that is passed over, unread. Beyond, the connection ends: no relay that is in use takes such events."""

RELAY_SILENT_BYTES = 4 * MAX_RELAY_FRAME
"""What may come without a message's end: a page in place of a handshake, frames of no length, pings alone."""

RELAY_READ_BYTES = 16_384
"""Read at once; between two reads the chat has its turn."""

RELAY_BYTES_PER_SECOND = 256 * 1024
RELAY_BURST_BYTES = 1024 * 1024
"""Read of one relay: 1,000 small events a second at most, whose checking takes a tenth of one core. Who sends more has
to wait, as TCP has it, and so no event is lost by it. The busiest public relays bring a tenth of that."""

RELAYS_BYTES_PER_SECOND = 512 * 1024
RELAYS_BURST_BYTES = 4 * 1024 * 1024
"""The same of all relays that are watched: else sixteen that flood take more than a core. Each has its turn."""

RELAY_TIMEOUT = 10.0
"""For a connection with its handshakes, and for each message that is sent."""

RELAY_PING_EVERY = 30.0
RELAY_PONG_TIMEOUT = 20.0
"""A relay of which nothing has come for the first is pinged, and given up when nothing has come after the second."""

RELAY_CLOSE_TIMEOUT = 1.0

# --- Keys that are bound to peers -----------------------------------------------------------------

BINDING_BURST = 3
BINDING_RATE = 0.1
"""Nostr keys that are checked of one peer, at once and a second: it announces one a minute, and no faster than this do
people read that it is another. Of those in between the newest is checked."""

BINDINGS_BURST = 128
BINDINGS_RATE = 20.0
"""The same for all peers together: checking takes some 0.1 ms, and a newcomer is handed NICKS_HANDED_ON at once. Who
waits has his turn, as each peer has one place in the row: with KNOWN_NAMES of liars before him after 100 s."""

# --- Watching relays ------------------------------------------------------------------------------

WATCH_BACK = 3_600.0
"""Events of the time before the first connection are asked for: what was said in the last hour, to begin with."""

WATCH_OVERLAP = 900.0
"""After a connection has gone, events are asked for from so long before: clocks of authors differ. What is known is not
told again."""

WATCH_LIMIT = 500
"""Stored events that are asked for at once: many relays give no more."""

STORED_HELD = 100
STORED_TIMEOUT = 2.0
"""Stored events come with the latest first; so many are held, for so long, to be shown in their order: 13 MB of the
largest."""

WATCH_PAGES = 20
"""Questions for what is older and still new to us, after a relay was away: 10,000 events, some five hours of a busy
public relay."""

MAX_AHEAD = 900
"""An event may be from so far in the future; many relays have the same limit."""

RECONNECT_FIRST = 1.0
RECONNECT_MOST = 60.0
RECONNECT_STAYED = 60.0
"""Pauses between two tries double from the first to the most, and begin anew when a connection has stayed so long."""

SEEN_EVENTS = 10_000
"""IDs of events that are known, so that what several relays bring is told once: 1.5 MB."""

SHOWN_BURST = 600
SHOWN_PER_SECOND = 5.0
"""Events that the chat shows: all that was missed while a relay was away, and then no faster than one can read. The
others are counted."""

REFUSED_TOLD_EVERY = 60.0
"""How often it is told, at most, that events were refused."""
