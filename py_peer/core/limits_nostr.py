"""Limits of what is read of Nostr, each with its reason. Sizes in bytes, times in seconds.

A relay is a stranger, and so is a file: nothing of them has memory before it is within these.
"""

MAX_EVENT_BYTES = 65_536
"""JSON of one event: what relays take as they come (strfry; others take twice as much)."""

MAX_TAGS = 2_000
"""Tags of one event, as many as relays take: lists of contacts have some hundreds."""

MAX_TAG_ITEMS = 64
"""Strings of one tag. NIPs in use have five at most, lists of relays a dozen."""

MAX_CREATED_AT = 2**53 - 1
"""A later time is another number in JavaScript, and the event has another ID there."""

MAX_KIND = 65_535
"""NIP-01: two bytes."""

MAX_NIP19_CHARS = 5_000
"""NIP-19 names no limit, and BIP-173's of 90 does not hold for it; this is what its users have agreed on."""

MAX_NIP19_RELAYS = 16
"""Relays that a nevent or an nprofile may name: each may be connected to."""

MAX_KEY_FILE_BYTES = 1_024
"""A file with a key of Nostr has one line of 64 characters; comments may stand above it."""

MAX_EVENTS_READ = 100_000
"""Events of one file or of standard input that are looked at: some 20 s of checking."""
