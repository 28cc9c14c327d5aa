"""Limits of Kademlia, and what is kept in its name."""

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
