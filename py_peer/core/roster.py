"""Who is there, worked out from events alone."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from py_peer.core.addresses import id_with_nick, short_id
from py_peer.core.events import (
    DialFailed,
    Failed,
    Identified,
    IgnoreList,
    MessageReceived,
    NickLearned,
    NicknameChanged,
    PeerConnected,
    PeerDisconnected,
    PeerFound,
    PeerInfo,
    PeerJoined,
    PeerLeft,
    PeerMoved,
    Pinged,
    Ready,
    Started,
    StatusReport,
    Stopped,
)
from py_peer.core.gnostr_events import GnostrHeard
from py_peer.core.limits import KNOWN_SPEAKERS, MAX_NAMED_ADDRESSES
from py_peer.core.mentions import fold
from py_peer.core.nostr_events import NostrBound
from py_peer.core.speakers import Name, Speakers
from py_peer.core.topic_events import TopicJoined, TopicLeft, TopicPeerJoined, TopicPeerLeft
from py_peer.core.topics import ROOM_TOPIC

if TYPE_CHECKING:
    from collections.abc import Iterable

    from py_peer.core.events import Event

Row: TypeAlias = PeerInfo
"""One connected peer; its `nick` is the one last learned, else the end of its ID."""

SHORTEST_PART: Final = 3
"""Of a peer ID this many characters are taken for a part of it; fewer are too many peers."""

LONG_PART: Final = 8
"""This many may have been copied from an ID, though they are somebody's nickname: then both peers are meant."""


class State(Enum):
    """How the user stands with the room; the value is how it is said (of READY, how many peers)."""

    STARTING = "connecting…"
    ALONE = "alone"
    READY = "ready"
    RECONNECTING = "reconnecting…"
    LEAVING = "leaving…"
    FAILED = "failed"


@final
class Roster:
    """The connected peers and who has spoken, kept right by `tell` and, when events were lost, by `resync`."""

    def __init__(self, *, named: bool = False) -> None:
        """`named`: the user named peers, which are dialled for as long as the program runs."""
        self._named = named
        self._peers: dict[str, Row] = {}
        self._speakers = Speakers()
        self._names = Speakers()
        """Of those who have not spoken, or have gone, too."""

        self._npubs: dict[str, str] = {}
        """The Nostr keys that are bound to peers, whether they are connected or not."""

        self._own_id = self._own_nick = ""
        self.ignored: tuple[str, ...] = ()
        """Whom the user ignores; most of them are not here."""

        self.dialling: tuple[str, ...] = ()
        """Addresses that were dialled in vain, the last ones."""

        self._ready = False
        self._end: State | None = None
        self._reached = False

    # --- What is told -----------------------------------------------------------------------------

    def tell(self, event: Event, now: float) -> None:  # noqa: C901, PLR0912, PLR0915 - one for each type
        """Note what an event says; `now` is the local time, seconds since 1970."""
        match event:
            case Started():
                self._own_id = event.peer_id
            case Ready():
                self._ready = True
                self._own_id, self._own_nick = event.peer_id, event.nickname
            case NicknameChanged():
                self._own_nick = event.nickname
            case Failed():
                self._end = State.FAILED
            case Stopped():
                self.leave()
            case PeerConnected():
                self._meet(event.peer_id, now)
                told = {"address": event.address, "inbound": event.inbound, "found": event.found}
                self._change(event.peer_id, connected_since=now, **told)
            case PeerFound() if (known := self.get(event.peer_id)) is not None and not known.found:
                self._change(event.peer_id, found=event.source)
            case PeerMoved():
                self._change(event.peer_id, address=event.address, inbound=event.inbound)
            case PeerDisconnected():
                if self._peers.pop(event.peer_id, None) is not None:
                    self._names.hear(event.peer_id, self.name(event.peer_id))
            case PeerJoined():
                self._meet(event.peer_id, now)
                self._change(event.peer_id, in_room=True)
                self._reached = True
            case PeerLeft():
                self._change(event.peer_id, in_room=False)
            case TopicJoined() | TopicLeft() | TopicPeerJoined() | TopicPeerLeft():
                self._place(event)
            case DialFailed():
                others = [address for address in self.dialling if address != event.address]
                self.dialling = (*others, event.address)[-MAX_NAMED_ADDRESSES:]
            case Pinged():
                self._change(event.peer_id, rtt=event.rtt)
            case Identified():
                self._change(event.peer_id, agent_version=event.agent_version)
            case MessageReceived() | GnostrHeard():
                name = self._learn(event.peer_id, event.nick, plain=event.plain)
                self._speakers.hear(event.peer_id, name)
            case NickLearned():
                name = self._learn(event.peer_id, event.nick, plain=event.plain)
                if self._speakers.name(event.peer_id) is not None:
                    self._speakers.hear(event.peer_id, name)
            case NostrBound():
                self._bind(event.peer_id, event.npub)
            case IgnoreList():
                self.ignored = event.peer_ids
            case StatusReport():
                self.resync(event)

    def resync(self, report: StatusReport) -> None:
        """Take over who is there from a report; nicknames are never forgotten for it."""
        self.ignored = report.ignored
        self.dialling = report.dialling
        self._peers = {peer.peer_id: peer for peer in report.peers}
        for peer in report.peers:
            self._bind(peer.peer_id, peer.npub)
            if peer.nick != short_id(peer.peer_id):
                self._learn(peer.peer_id, peer.nick, plain=peer.plain)
            else:
                name = self.name(peer.peer_id)
                self._change(peer.peer_id, nick=name.nick, plain=name.plain)
        self._reached = self._reached or self.room_size > 0

    def leave(self) -> None:
        """Note that the user leaves."""
        self._end = self._end or State.LEAVING

    # --- What is asked ----------------------------------------------------------------------------

    def rows(self, topic: str = ROOM_TOPIC) -> tuple[Row, ...]:
        """Who is connected: who is in the room comes first, then who has a name, then the alphabet decides.

        With another topic it is the room, and who is there is `in_room`.
        """

        def place(peer: Row) -> tuple[bool, bool, str, str]:
            return not peer.in_room, peer.nick == short_id(peer.peer_id), peer.nick.casefold(), peer.peer_id

        rows = self._peers.values()
        if topic != ROOM_TOPIC:
            return tuple(sorted((replace(row, in_room=topic in row.topics) for row in rows), key=place))
        return tuple(sorted(rows, key=place))

    @property
    def room_size(self) -> int:
        """How many peers are in the room."""
        return sum(peer.in_room for peer in self._peers.values())

    @property
    def state(self) -> State:
        """How the user stands with the room."""
        if self._end is not None:
            return self._end
        if self.room_size:
            return State.READY
        if not self._ready or (self._named and not self._reached):
            return State.STARTING
        return State.RECONNECTING if self._named else State.ALONE

    def get(self, peer_id: str) -> Row | None:
        """Return what is known of a connected peer."""
        return self._peers.get(peer_id)

    def name(self, peer_id: str) -> Name:
        """Return how a peer is called: by its nickname if one is known, else by the end of its ID."""
        return self._names.name(peer_id) or Name(short_id(peer_id))

    def npub(self, peer_id: str) -> str:
        """Return the Nostr key that is bound to a peer, or ""."""
        return self._npubs.get(peer_id, "")

    def nick(self, peer_id: str) -> str:
        """Return the nickname of a peer if one is known, else the end of its ID."""
        return self.name(peer_id).nick

    def called(self, peer_id: str) -> str:
        """Return the short ID of a peer, and its nickname if one is known; of who is ignored it could be a message.

        We are "you".
        """
        if peer_id == self._own_id:
            return "you"
        return short_id(peer_id) if peer_id in self.ignored else id_with_nick(peer_id, self.nick(peer_id))

    def is_around(self, peer_id: str) -> bool:
        """Say whether a peer is connected or has spoken."""
        return peer_id in self._peers or self._speakers.name(peer_id) is not None

    def is_told_of(self, peer_id: str) -> bool:
        """Say whether the user is told what a peer says of itself: one who is around, and is not ignored."""
        return peer_id not in self.ignored and self.is_around(peer_id)

    def names(self, among: Iterable[str] | None = None) -> list[str]:
        """Return all that peers may be called, for completion: whoever spoke last first, IDs and keys at the end."""
        here = [*self._speakers.latest(), *(peer.peer_id for peer in self.rows())]
        ids = dict.fromkeys(here if among is None else among)
        called = [self.name(peer_id).of(peer_id) for peer_id in ids]
        return list(dict.fromkeys([*called, *map(short_id, ids), *filter(None, map(self.npub, ids))]))

    def addresses(self) -> list[str]:
        """Return the known addresses and, in full, the IDs of those who are or were heard, for completion."""
        peers = self.rows()
        ids = [*(peer.peer_id for peer in peers), *self._speakers.latest()]
        return list(dict.fromkeys([*(peer.address for peer in peers if peer.address), *ids]))

    def find(self, word: str, among: Iterable[str] | None = None) -> list[str]:
        """Return the IDs of the peers that `word` may mean: a nickname, an ID, or the beginning or end of one.

        A nickname with the short ID beside it means one peer, a bound Nostr key all of its peers. Looked for `among`
        some, or those here and heard.
        """
        known = dict.fromkeys([*self._peers, *self._speakers.latest()] if among is None else among)
        wanted = word.removeprefix("@")
        if wanted and (bound := [peer_id for peer_id in known if wanted == self.npub(peer_id)]):
            return bound
        exact = [peer_id for peer_id in known if wanted in (peer_id, short_id(peer_id), self._full_name(peer_id))]
        named = exact or [peer_id for peer_id in known if fold(self.name(peer_id).nick) == fold(wanted)]
        if exact or len(wanted) < (LONG_PART if named else SHORTEST_PART):
            return named
        lowered = wanted.lower()
        return [
            peer_id
            for peer_id in known
            if peer_id in named
            or peer_id.lower().endswith(lowered)
            or any(begun.lower().startswith(lowered) for begun in (peer_id, short_id(peer_id)))
        ]

    def find_again(self, word: str) -> list[str]:
        """Return the IDs of the peers that `word` may mean: those here and heard, else those who were here."""
        return self.find(word) or self.find(word, self._names.latest())

    def is_self(self, word: str) -> bool:
        """Say whether `word` is the user's own nickname or ID; a peer may be called the same."""
        wanted = word.removeprefix("@")
        id8 = short_id(self._own_id)
        ids = (self._own_id, id8, f"{self._own_nick}({id8})")
        return bool(wanted) and (wanted in ids or fold(wanted) == fold(self._own_nick))

    def _full_name(self, peer_id: str) -> str:
        return f"{self.name(peer_id).nick}({short_id(peer_id)})"

    def _learn(self, peer_id: str, nick: str, *, plain: bool) -> Name:
        name = Name(nick, plain)
        self._names.hear(peer_id, name)
        self._change(peer_id, nick=nick, plain=plain)
        return name

    def _meet(self, peer_id: str, now: float) -> None:
        if peer_id not in self._peers:
            name = self.name(peer_id)
            self._peers[peer_id] = Row(
                peer_id,
                name.nick,
                "",
                inbound=False,
                in_room=False,
                rtt=None,
                agent_version="",
                connected_since=now,
                plain=name.plain,
                npub=self.npub(peer_id),
            )

    def _bind(self, peer_id: str, npub: str) -> None:
        self._npubs.pop(peer_id, None)
        if npub:
            self._npubs[peer_id] = npub
            if len(self._npubs) > KNOWN_SPEAKERS:
                del self._npubs[next(iter(self._npubs))]
        self._change(peer_id, npub=npub)

    def _place(self, event: TopicJoined | TopicLeft | TopicPeerJoined | TopicPeerLeft) -> None:
        """Note who is on a topic, or not any more."""
        there = isinstance(event, TopicJoined | TopicPeerJoined)
        match event:
            case TopicJoined():
                peer_ids: Iterable[str] = event.peer_ids
            case TopicLeft():
                peer_ids = tuple(self._peers)
            case _:
                peer_ids = (event.peer_id,)
        for peer_id in peer_ids:
            if (known := self._peers.get(peer_id)) is not None:
                others = tuple(name for name in known.topics if name != event.topic)
                self._change(peer_id, topics=(*others, event.topic) if there else others)

    def _change(self, peer_id: str, **fields: Any) -> None:
        """Put fields of a connected peer right; news of one that is gone brings nobody back."""
        if (known := self._peers.get(peer_id)) is not None:
            self._peers[peer_id] = replace(known, **fields)
