"""Kademlia without a network: distances, the table of those who can be asked, and the records of who provides what.

Peer IDs and addresses are bytes as they stand on the wire, times are seconds of a monotonic clock.

Spec: https://github.com/libp2p/specs/blob/master/kad-dht/README.md
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar, final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

_Outer = TypeVar("_Outer")
_Inner = TypeVar("_Inner")

K: Final = 20
"""Peers that hold a record, and peers of one bucket (the spec's k)."""

_SHA_256: Final = b"\x12\x20"
"""The head of a multihash of 32 bytes of SHA-256."""

ROOM_KEYS: Final = (
    _SHA_256 + hashlib.sha256(b"universal-connectivity").digest(),
    b"universal-connectivity/0.1.0",
)
"""Under these those who are in the room are recorded: as the Go peer does it (the hash of the room's name), and as the
Rust peer does it (the bytes of its agent version)."""


def place(key: bytes) -> int:
    """Return where a key, or a peer ID, stands among the 2^256."""
    return int.from_bytes(hashlib.sha256(key).digest(), "big")


def is_multihash(key: bytes) -> bool:
    """Say whether a key has the form that the specification has in mind for those of providers."""
    return len(key) == len(_SHA_256) + 32 and key.startswith(_SHA_256)


@final
@dataclass(frozen=True, slots=True)
class Contact:
    """A peer, and the binary multiaddrs under which it may be. `ip` is where it was connected, if it was."""

    peer: bytes
    addresses: tuple[bytes, ...] = ()
    ip: str = ""


@final
class RoutingTable:
    """Peers that can be asked, in buckets: one for each number of leading bits that a peer's place shares with ours."""

    def __init__(self, own: bytes) -> None:
        self._own = own
        self._place = place(own)
        self._buckets: dict[int, dict[bytes, tuple[Contact, int]]] = {}

    def put(self, contact: Contact, is_here: Callable[[bytes], bool]) -> bool:
        """Take a peer, or what is new of it; return whether it is in the table.

        In a full bucket a peer makes room that is not connected (`is_here`); those who are have proved themselves.
        """
        if contact.peer == self._own:
            return False
        where = place(contact.peer)
        bucket = self._buckets.setdefault(self._shared_bits(where), {})
        if contact.peer not in bucket and len(bucket) >= K:
            gone = next((peer for peer in bucket if not is_here(peer)), None)
            if gone is None:
                return False
            del bucket[gone]
        bucket[contact.peer] = (contact, where)
        return True

    def drop(self, peer: bytes) -> None:
        """Take a peer out."""
        bucket = self._buckets.get(self._shared_bits(place(peer)), {})
        bucket.pop(peer, None)

    def get(self, peer: bytes) -> Contact | None:
        """Return a peer of the table."""
        found = self._buckets.get(self._shared_bits(place(peer)), {}).get(peer)
        return found[0] if found else None

    def closest(self, key: bytes, count: int = K) -> list[Contact]:
        """Return the peers that are closest to a key, the closest first."""
        where = place(key)
        everybody = [entry for bucket in self._buckets.values() for entry in bucket.values()]
        return [contact for contact, at in sorted(everybody, key=lambda entry: entry[1] ^ where)[:count]]

    def closer(self, key: bytes) -> int:
        """Return how many peers are closer to a key than we are."""
        where = place(key)
        own = self._place ^ where
        return sum(at ^ where < own for bucket in self._buckets.values() for _, at in bucket.values())

    def contacts(self) -> set[bytes]:
        """Return the IDs of all peers."""
        return {peer for bucket in self._buckets.values() for peer in bucket}

    def far_keys(self, count: int) -> list[bytes]:
        """Return random keys, one in each of the `count` largest parts of the world that are not ours."""
        return [self._key_in(bits) for bits in range(count)]

    def __len__(self) -> int:
        """Return how many peers there are."""
        return sum(len(bucket) for bucket in self._buckets.values())

    def _shared_bits(self, where: int) -> int:
        return 256 - (where ^ self._place).bit_length()

    def _key_in(self, bits: int) -> bytes:
        while True:
            key = _SHA_256 + secrets.token_bytes(32)
            if self._shared_bits(place(key)) == bits:
                return key


@final
@dataclass(frozen=True, slots=True)
class _Record:
    contact: Contact
    account: str
    told: float


@final
class Providers:
    """Who has said that he provides what. Where there are too many, whoever has most makes room, the oldest first.

    He is an account, which may be that of several peers: those of one household have no more room than one.
    """

    def __init__(self, *, per_key: int, per_peer: int, in_all: int, seconds: float, address_seconds: float) -> None:
        """Set how many records are kept, for how long a record holds, and for how long the addresses in it."""
        self._per_key = per_key
        self._per_peer = per_peer
        self._in_all = in_all
        self._seconds = seconds
        self._address_seconds = address_seconds
        self._records: dict[tuple[bytes, bytes], _Record] = {}  # by key and peer, the oldest first
        self._of_key: dict[bytes, dict[bytes, None]] = {}
        self._of_peer: dict[bytes, dict[bytes, None]] = {}
        self._of_account: dict[str, dict[tuple[bytes, bytes], None]] = {}

    def add(self, key: bytes, contact: Contact, account: str, now: float) -> int:
        """Keep a record, or renew it; return how many others had to make room."""
        self._forget(key, contact.peer)
        self._expire(now)
        before = len(self._records)
        keys, peers = self._of_peer.get(contact.peer, {}), self._of_key.get(key, {})
        if len(keys) >= self._per_peer:
            self._forget(next(iter(keys)), contact.peer)
        if len(peers) >= self._per_key:
            self._forget(key, self._first_of_most(key, peers, account))
        if len(self._records) >= self._in_all:
            most = max(self._of_account, key=lambda one: len(self._of_account[one]) + (one == account))
            self._forget(*next(iter(self._of_account[most])))
        forgotten = before - len(self._records)
        self._records[key, contact.peer] = _Record(contact, account, now)
        self._of_account.setdefault(account, {})[key, contact.peer] = None
        self._of_key.setdefault(key, {})[contact.peer] = None
        self._of_peer.setdefault(contact.peer, {})[key] = None
        return forgotten

    def _first_of_most(self, key: bytes, peers: Iterable[bytes], account: str) -> bytes:
        """Return, of the peers of a key, the first one of the account that has most of them, the new one among them."""
        accounts = {peer: self._records[key, peer].account for peer in peers}
        counts = Counter([*accounts.values(), account])
        return max(accounts, key=lambda peer: counts[accounts[peer]])

    def of(self, key: bytes, now: float) -> list[Contact]:
        """Return who provides `key`, without addresses where those are too old."""
        self._expire(now)
        records = [self._records[key, peer] for peer in self._of_key.get(key, ())]
        return [
            record.contact if now - record.told < self._address_seconds else Contact(record.contact.peer)
            for record in records
        ]

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self._records)

    def _expire(self, now: float) -> None:
        while self._records:
            oldest, record = next(iter(self._records.items()))
            if now - record.told < self._seconds:
                return
            self._forget(*oldest)

    def _forget(self, key: bytes, peer: bytes) -> None:
        record = self._records.pop((key, peer), None)
        if record is not None:
            _leave(self._of_key, key, peer)
            _leave(self._of_peer, peer, key)
            _leave(self._of_account, record.account, (key, peer))


def _leave(index: dict[_Outer, dict[_Inner, None]], outer: _Outer, inner: _Inner) -> None:
    del index[outer][inner]
    if not index[outer]:
        del index[outer]


@final
class Walk:
    """The walk towards a key: who has been heard of, who was asked, and who is to be asked next.

    `most` bounds how many are asked, whatever those who answer make up.
    """

    def __init__(self, key: bytes, most: int) -> None:
        self._place = place(key)
        self._most = most
        self._left: list[tuple[int, bytes]] = []  # the K closest of these are those that count
        self._heard: set[bytes] = set()
        self._connected: set[bytes] = set()
        self._asked: set[bytes] = set()
        self._answered: set[bytes] = set()
        self._put_off: dict[bytes, None] = {}

    def hear(self, peers: Iterable[bytes], connected: Collection[bytes] = ()) -> list[bytes]:
        """Take note of peers, some of whom are connected, to us or to who tells of them; return those not known."""
        new = [peer for peer in dict.fromkeys(peers) if peer not in self._heard]
        self._connected.update(connected)
        self._heard.update(new)
        self._left = sorted([*self._left, *((place(peer) ^ self._place, peer) for peer in new)])
        return new

    def next(self) -> bytes | None:
        """Return whom to ask next; None while all that count are asked.

        Of those that count the ones that are connected come first: of the others some may be gone long since.
        """
        if len(self._asked) >= self._most:
            return None
        to_ask = [peer for _, peer in self._left[:K] if peer not in self._asked]
        peer = next((peer for peer in to_ask if peer in self._connected), next(iter(to_ask), None))
        if peer is not None:
            self._asked.add(peer)
        return peer

    def answered(self, peer: bytes) -> None:
        """Take note that a peer has answered."""
        self._answered.add(peer)

    def failed(self, peer: bytes) -> None:
        """Take note that a peer gives no answer: the next one counts in its place."""
        self._left = [entry for entry in self._left if entry[1] != peer]

    def put_off(self, peer: bytes) -> None:
        """Take note that a peer cannot be asked just now: the next one counts in its place meanwhile."""
        self.failed(peer)
        self._put_off[peer] = None

    def again(self) -> bytes | None:
        """Return whom to ask now of those who were put off and would count, the one who has waited longest."""
        peer = next(self._that_would_count(), None)
        if peer is not None:
            del self._put_off[peer]
            self._left = sorted([*self._left, (place(peer) ^ self._place, peer)])
        return peer

    @property
    def unasked(self) -> int:
        """How many were put off, and could not be asked since, of those who would count."""
        return len(list(self._that_would_count()))

    def _that_would_count(self) -> Iterator[bytes]:
        bound = self._left[K - 1][0] if len(self._left) >= K else 1 << 256
        return (peer for peer in self._put_off if place(peer) ^ self._place < bound)

    @property
    def answers(self) -> int:
        """How many have answered."""
        return len(self._answered)

    def closest(self) -> list[bytes]:
        """Return those who answered, of the K closest, the closest first."""
        return [peer for _, peer in self._left[:K] if peer in self._answered]
