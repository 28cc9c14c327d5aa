"""Who is called what in this session, and whose name stands plain.

The rules, for a reader who has to tell people apart by what a line shows:

1. Who had a name first keeps it plain, under whatever name he goes now. Everybody else whose name looks like it
   (`py_peer.core.confusables`) is shown with the short ID beside it.
2. Nobody has the program's own words plain, nor a word that is, or looks like, a short ID, or begins like a peer ID
   or a key of Nostr's: a peer whose name is not known is called by the one, and any peer by the beginning of the other.
3. The table is bounded. Strangers who only announce names are forgotten first, then those who have spoken; who is
   connected is forgotten last, so that many of the first cannot push out one of the others.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING, Final, Generic, TypeVar, final

from py_peer.core import limits
from py_peer.core.addresses import short_id
from py_peer.core.announcement import Latest
from py_peer.core.confusables import forms, words
from py_peer.core.rates import TokenBucket
from py_peer.core.speakers import Name

if TYPE_CHECKING:
    from py_peer.core.announcement import Announcement

OWN_WORDS: Final = (
    *("You", "System", "Peers", "Room"),
    *("py-peer", "Universal Connectivity", "Universal Connectivity Chat"),
)
"""What the program calls itself, its panels and its user."""

_ID_LIKE: Final = re.compile(r"(?=.*\d)(?=.+[A-Z])(?=.*[a-z])[0-9A-Za-z]{8}")
"""Eight letters and digits with a capital inside: as seven of ten short IDs, and as few nicknames."""

_ID_BEGINNINGS: Final = ("12D3KooW", "16Uiu2HA", "npub1")
"""Of Ed25519 and secp256k1 keys, and of keys of Nostr's; those of RSA keys begin with Qm, as words may, and need more
to be told from them."""

_NOBODY: Final[frozenset[str]] = frozenset()
M = TypeVar("M")
"""What proves an announcement: the signed message, for who passes it on."""


class Rank(IntEnum):
    """How well a peer is known; the lowest are forgotten first."""

    ANNOUNCED = 0
    SPOKEN = 1
    CONNECTED = 2
    SELF = 3


@final
@dataclass(slots=True)
class _Peer(Generic[M]):
    nick: str = ""
    forms: frozenset[str] = _NOBODY
    """What the nickname looks like; none if nobody may have it plain."""

    words: frozenset[str] = _NOBODY
    """What its words look like, and the whole."""

    had: int = 0
    """How many names belong to it."""

    held: set[str] = field(default_factory=set)
    rank: Rank = Rank.ANNOUNCED
    spoken: bool = False
    latest: Latest = field(default_factory=Latest)
    bucket: TokenBucket = field(default_factory=lambda: TokenBucket(limits.NICK_FLOOD_RATE, limits.NICK_FLOOD_BURST))
    proof: M | None = None
    npub: str = ""
    """The Nostr key that is bound to it."""


@final
class Names(Generic[M]):
    """The names of a session. Peers are named by their IDs in base58; `M` is whatever proves an announcement."""

    def __init__(self, nickname: str, peer_id: str, most: int, most_held: int) -> None:
        """Begin a session of `peer_id`, who is called `nickname` and has that name first.

        At most `most` peers are known, and `most_held` forms of names belong to anybody.
        """
        self._own_id = peer_id
        self._most = most
        self._most_held = most_held
        self._peers: dict[Rank, dict[str, _Peer[M]]] = {rank: {} for rank in Rank}  # who was heard last stands last
        self._holders: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._bound: dict[str, dict[str, None]] = {}
        """The peers of each Nostr key: one person may have several."""

        self._own = self._add(peer_id, Rank.SELF)
        self.rename(nickname)

    def __len__(self) -> int:
        """Return how many peers besides ourselves are known."""
        return sum(map(len, self._peers.values())) - 1

    def __contains__(self, peer_id: str) -> bool:
        """Say whether a peer is known, or is ourselves."""
        return self._find(peer_id) is not None

    # --- What happens -----------------------------------------------------------------------------

    def rename(self, nickname: str) -> None:
        """Call the user `nickname` from now on."""
        self._call(self._own_id, self._own, nickname)

    def connect(self, peer_id: str) -> None:
        """Note that a peer is connected."""
        self._meet(peer_id, Rank.CONNECTED)

    def disconnect(self, peer_id: str) -> None:
        """Note that a peer is not connected any more."""
        if (peer := self._peers[Rank.CONNECTED].pop(peer_id, None)) is not None:
            self._put(peer_id, peer, Rank.SPOKEN if peer.spoken else Rank.ANNOUNCED)

    def speak(self, peer_id: str) -> None:
        """Note that a peer has spoken."""
        if (peer := self._meet(peer_id, Rank.SPOKEN)) is not None:
            peer.spoken = True

    def announce(self, peer_id: str, announcement: Announcement, proof: M, now: float, wall: int) -> str:
        """Take an announcement of a peer; return "", or why it is not taken and not to be passed on.

        `now` is in seconds of a monotonic clock, `wall` in milliseconds since 1970.
        """
        peer = self._meet(peer_id, Rank.ANNOUNCED)
        if peer is None:
            return "too many names are known"
        if not peer.latest.is_older_than(announcement.at, wall):
            return "not newer than what is known"
        if not peer.bucket.take(now):
            return "too many of one author"
        peer.latest.take(announcement.at, wall)
        peer.proof = proof
        if announcement.nick != peer.nick:
            self._call(peer_id, peer, announcement.nick)
        return ""

    def bind(self, peer_id: str, npub: str) -> bool:
        """Note which Nostr key is bound to a peer, "" for none; say whether that is new."""
        peer = self._find(peer_id)
        if peer is None or peer.npub == npub:
            return False
        self._unbind(peer_id, peer.npub)
        peer.npub = npub
        if npub:
            self._bound.setdefault(npub, {})[peer_id] = None
        return True

    # --- What is asked ----------------------------------------------------------------------------

    def called(self, peer_id: str) -> Name:
        """Return what a peer is called: by its nickname, else by the end of its ID."""
        peer = self._find(peer_id)
        if peer is None or not peer.nick:
            return Name(short_id(peer_id))
        plain = (
            bool(peer.forms)
            and all(self._holders.get(form) == peer_id for form in peer.forms)
            and all(self._ids.get(form, peer_id) == peer_id for form in peer.words)
        )
        return Name(peer.nick, plain)

    def npub(self, peer_id: str) -> str:
        """Return the Nostr key that is bound to a peer, or ""."""
        peer = self._find(peer_id)
        return peer.npub if peer is not None else ""

    def bound(self, npub: str) -> str:
        """Return a peer to whom a Nostr key is bound, the one bound last, or ""."""
        return next(reversed(self._bound.get(npub, {})), "")

    def proofs(self, most: int) -> list[M]:
        """Return what proves the names of up to `most` peers, the best known and latest heard first."""
        ranked = (self._peers[rank] for rank in sorted(Rank, reverse=True))
        proofs = (peer.proof for peers in ranked for peer in reversed(peers.values()) if peer.proof is not None)
        return [proof for _, proof in zip(range(most), proofs, strict=False)]

    # --- The table --------------------------------------------------------------------------------

    def _find(self, peer_id: str) -> _Peer[M] | None:
        for peers in self._peers.values():
            if (peer := peers.get(peer_id)) is not None:
                return peer
        return None

    def _meet(self, peer_id: str, rank: Rank) -> _Peer[M] | None:
        """Return the record of a peer, of this rank at least; a new one if there is room for one more."""
        peer = self._find(peer_id)
        if peer is None:
            if sum(map(len, self._peers.values())) > self._most and not self._forget(rank):
                return None
            return self._add(peer_id, rank)
        del self._peers[peer.rank][peer_id]
        self._put(peer_id, peer, max(peer.rank, rank))
        return peer

    def _add(self, peer_id: str, rank: Rank) -> _Peer[M]:
        peer: _Peer[M] = _Peer()
        self._put(peer_id, peer, rank)
        # A short ID belongs to its peer, whoever was called so before.
        for form in forms(short_id(peer_id)):
            self._ids.setdefault(form, peer_id)
        return peer

    def _put(self, peer_id: str, peer: _Peer[M], rank: Rank) -> None:
        peer.rank = rank
        self._peers[rank][peer_id] = peer

    def _forget(self, rank: Rank) -> bool:
        """Forget somebody no better known than `rank`; False if there is nobody."""
        for lower in Rank:
            if lower <= min(rank, Rank.CONNECTED) and (peers := self._peers[lower]):
                peer_id = next(iter(peers))
                forgotten = peers.pop(peer_id)
                self._unbind(peer_id, forgotten.npub)
                for form in forgotten.held:
                    del self._holders[form]
                for form in forms(short_id(peer_id)):
                    if self._ids.get(form) == peer_id:
                        del self._ids[form]
                return True
        return False

    def _call(self, peer_id: str, peer: _Peer[M], nick: str) -> None:
        """Give a peer a new name; it belongs to it if it is nobody's."""
        whole = forms(nick)
        parts = words(nick)
        peer.nick = nick
        peer.words = whole.union(*map(forms, parts))
        nobodys = peer.words & _own_words() or any(map(_ID_LIKE.fullmatch, [*parts, *_raw_words(nick)]))
        nobodys = nobodys or any(map(_id_beginning().match, peer.words))
        peer.forms = _NOBODY if nobodys else whole
        if nobodys or any(self._holders.get(form, peer_id) != peer_id for form in whole):
            return
        new = whole - peer.held
        if peer.rank is not Rank.SELF:
            if new and peer.had >= limits.NAMES_PER_PEER:
                return
            while len(self._holders) + len(new) > self._most_held:
                if not self._forget_holder(peer_id):
                    return
        peer.had += bool(new)
        peer.held |= new
        self._holders.update(dict.fromkeys(new, peer_id))

    def _unbind(self, peer_id: str, npub: str) -> None:
        if peers := self._bound.get(npub):
            peers.pop(peer_id, None)
            if not peers:
                del self._bound[npub]

    def _forget_holder(self, peer_id: str) -> bool:
        """Forget a stranger, for room in the table of names; False if there is none but `peer_id`, who stands last."""
        return next(iter(self._peers[Rank.ANNOUNCED]), peer_id) != peer_id and self._forget(Rank.ANNOUNCED)


def _raw_words(nick: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", nick))


@cache
def _id_beginning() -> re.Pattern[str]:
    """Return what finds the beginning of a peer ID in a form. Forms have no capitals, and "m" is "rn" in them."""
    qm = (f"{form}[0-9a-z]{{6}}" for form in forms("Qm"))
    return re.compile("|".join([*sorted(_NOBODY.union(*map(forms, _ID_BEGINNINGS))), *qm]))


@cache
def _own_words() -> frozenset[str]:
    return _NOBODY.union(*map(forms, OWN_WORDS))
