"""Limits of direct messages."""

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
