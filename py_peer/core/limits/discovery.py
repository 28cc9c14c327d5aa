"""Limits of how peers are found."""

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
