"""The limits of what is done with Git, as in `py_peer.core.limits`: sizes in bytes, times in seconds."""

# --- Commits --------------------------------------------------------------------------------------

MAX_COMMIT = 262_144
"""A commit object that is read or taken: the largest of the Linux kernel, a merge of signed tags, has some 40 KiB."""

MAX_PARENTS = 256
"""Parents of a commit: the kernel's widest merge has 66."""

MAX_HEADER_LINES = 8_192
"""Lines of an object before its message: signatures and merged tags stand there, each line of them."""

MAX_COMMIT_JSON = 6 * MAX_COMMIT + 4_096
"""A commit as JSON: with every byte of it escaped, and what stands around it."""

MAX_TIME_DIGITS = 18
"""Digits of a time in seconds; what is larger fits no 64-bit number of most readers, and is shown as 0."""

SHORT_ID_CHARS = 12
"""Hex digits of an ID that are said and shown: what Git itself abbreviates to in the largest repositories."""

MAX_SUBJECT_CHARS = 100
"""A commit's first line, where it stands in a line with other things; Git's own advice is 50 to 72."""

MAX_PERSON_CHARS = 64
"""An author's name in such a line."""

MAX_ADDRESS_CHARS = 256
"""An author's whole name, or mail address, where it has a line of its own; mail itself takes no longer ones."""

# --- Patches and what is posted -------------------------------------------------------------------

MAX_PATCH = 1_048_576
"""A patch that is made, served or taken: a review of 20,000 lines. Files beyond it are left out, and named."""

MAX_PATCH_LEFT = 65_536
"""Of it, what is kept free for the names of files that are left out: some 300."""

MAX_POSTED = 256
"""Commits of this session that are served to others; the one longest ago goes first."""

MAX_POSTED_BYTES = 16_777_216
"""Their objects and patches together: they are held in memory."""

POSTS_WAITING = 64
"""Commits that are to be posted, and wait until those before them have been read."""

PATCH_FILES = 64
"""Patches that are offered as files at a time; the one longest ago goes first."""

MIN_ID_PREFIX = 7
"""Hex digits that name a commit: fewer are soon the beginning of several."""

# --- From peer to peer ----------------------------------------------------------------------------

MAX_COMMIT_REQUEST = 128
"""A request for a commit: the longest ID, and what stands around it."""

MAX_COMMIT_ANSWER = MAX_COMMIT + MAX_PATCH + 2_048
"""Its answer: the object, the patch, the ID, and why it is not given."""

COMMIT_SILENCE = 20.0
"""A stream on which nothing moves for so long is ended."""

COMMIT_SECONDS = 90.0
"""For the whole of an answer: the largest takes half of it over a line of a quarter of a megabit a second."""

COMMIT_LEAD = 5.0
"""Who has not given a commit by then is not waited for: the next one is asked beside."""

COMMIT_REQUEST_BURST = 60
COMMIT_REQUESTS_PER_SECOND = 1.0
"""Requests of one peer that are answered; the next ones are told to come later. A person types no faster."""

SHOWS_AT_ONCE = 4
"""Commits that are asked for at the same time."""

SHOWS_WAITING = 64
"""Those that are asked for, and wait for their turn."""

POSTED_HEARD = 1_000
"""Commits of which is remembered who has posted them; of whoever has posted most, the oldest is forgotten."""

POSTERS_ASKED = 32
"""Of those who have posted a commit so many are asked, one after the other, until one gives it."""

POSTERS_TOLD = 8
"""Of those who have not given it so many are named, each with the reason."""

# --- In the DHT -----------------------------------------------------------------------------------

MAX_PUBLISHED = 100
"""Commits that are published in one go: small ones, with the four values of each and no others of ours beside them,
have just room in KAD_SENDER_WEIGHT, what is kept of one peer. Where patches are larger some find none."""

MAX_PUBLISHED_TAGS = 64
"""Tags that are published with them: a commit has hardly ever more than a few, and each takes the room of a text."""

PUBLISH_REQUESTS = 8
"""Requests to publish that wait for their turn."""

PUT_AT_ONCE = 6
"""Values that are put side by side. Each has one request at a time with each of those who keep it, who take eight; in a
small network these are always the same, who answer 100 at once and then hold the others back to 10 a second."""

# --- Reading a repository -------------------------------------------------------------------------

MAX_REV_CHARS = 256
"""A revision that is typed: the name of a branch, and how many steps back."""

MAX_STEPS = 100_000
"""Steps back from a named commit, as in HEAD~3; each costs a look at one commit."""

MAX_DIFFED = 1_048_576
"""A file that is compared line by line, before and after; what is larger is named, and left out of the patch."""

MAX_DIFF_STEPS = 12_000_000
"""Steps of comparing the lines of one file, as `py_peer.core.patches` counts them: one to three seconds. What is not
reached by then is told as replaced, which is as good a patch and a worse one to read."""

MAX_RENAME_PAIRS = 400
"""Files of a commit that are gone, times those that are new, up to which they are compared: some may have been moved
and changed. Of more, those are told as moved that did not change."""

MAX_RENAME_BYTES = 4_194_304
"""Those files together: twenty of each with nothing but short lines take a second or two, and 50 MiB."""

MAX_CHANGED_FILES = 10_000
"""Files of one commit that are looked at; the first commit of a large project has more."""

MAX_OBJECT = 67_108_864
"""What an object of a repository may take to be unpacked; one that is kept as a difference needs others, too."""

MAX_DELTAS = 256
"""Differences in a row that an object in a pack is made of: Git makes 50, and has once made 250."""

MAX_STORES = 32
"""Folders with objects that a repository shares with others, as git clone --shared has it; Git itself follows five."""

MAX_HISTORY = 1_000
"""Commits of a range: as many are read, and no more."""

MAX_CONFIG = 1_048_576
"""The configuration of a repository; those of thousands of branches have some 100 bytes for each."""

MAX_TAGS = 10_000
"""Tags of a repository that are looked at."""

READ_SECONDS = 10.0
"""What reading one commit and its changes may take; files that were not reached by then are left out of the patch."""

READ_HISTORY_SECONDS = 120.0
"""What reading a range of commits may take: a hundred of a busy project take some 5 s on a quiet machine."""

# --- On the screen --------------------------------------------------------------------------------

SHOWN_PATCH_LINES = 500
"""Lines of a patch that are shown to people: some ten screens. A script gets all of it."""

SHOWN_PARENTS = 8
"""Of the parents of a commit; nearly all have one or two."""

SHOWN_MESSAGE_LINES = 200
"""Of the message of a commit."""

SHOWN_LINE_CHARS = 500
"""Of one of them; what a program has written may have a line of a megabyte."""
