"""Limits of gnostr's own chat wire, each with its reason. Sizes in bytes, times in seconds.

The original keeps chunks for ever, in memory that the first of them names the size of. Here nothing of them outlives
these bounds, whoever sends how many.
"""

MAX_PAYLOAD = 65_536
"""JSON of one message that is looked at: rust-libp2p's GossipSub, on which gnostr stands, sends none that is larger."""

MAX_PAYLOAD_OUT = 60_000
"""JSON of one message of ours, as of a text in the room: with signature and addresses around it Rust takes no more."""

MAX_CONTENT = 2_048
"""Elements of `content`: two are sent, a diff may have one for each line."""

MAX_MESSAGE_ID_CHARS = 64
"""Of what chunks share: gnostr's are UUIDs, of 36 characters."""

MAX_CHUNKS = 1_024
"""Chunks of one message: gnostr sends each line of a diff as one."""

MAX_WHOLE = 256 * 1024
"""What the chunks of one message hold together; far more than is shown of a text."""

CHUNK_SECONDS = 60.0
"""For the last chunk of a message to come, after the first one: what is lost is not sent again."""

CHUNK_OVERHEAD = 256
"""Counted for each chunk beside its text: Python's own share, so that empty ones are no way to fill memory."""

HALF_PER_AUTHOR = 8
"""Messages of one author of which chunks are missing. Who begins one more loses the oldest."""

HALF_MESSAGES = 64
"""Such messages of all authors together, on all topics. Then the oldest goes of who has most of them."""

HALF_BYTES = 4 * 1024 * 1024
"""What they hold together, overhead included; what goes is as with HALF_MESSAGES."""

OTHER_WIRE_TOLD = 32
"""Peers of whom it is said that they talk on a topic in another wire than ours; more are counted alone."""

NOSTR_BURST = 200
NOSTR_RATE = 100.0
"""Signatures of Nostr events that are verified, of all authors: each costs some 0.1 ms of the thread that does all."""
