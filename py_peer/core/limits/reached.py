"""Limits of how we are reached from outside, and of relays."""

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
