"""Limits of files."""

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
