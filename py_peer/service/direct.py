"""Direct messages: to one peer alone, confirmed by it, kept while it is away; and those that others send us."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any, Final, final

import trio

from py_peer.core import limits
from py_peer.core.addresses import parse_peer_id, short_id
from py_peer.core.cleaning import clean_line, clean_text, is_blank
from py_peer.core.direct_events import DirectReceived, DirectRefused
from py_peer.core.events import Answer
from py_peer.core.letters import Letter
from py_peer.core.rates import Buckets, TokenBucket
from py_peer.core.requests import SendDirect, TakeStrangers
from py_peer.core.sizes import oversize, unseen
from py_peer.core.speakers import Name
from py_peer.net.direct import DIRECT, Receiver, not_now
from py_peer.service.delivering import Deliveries
from py_peer.service.floods import Floods
from py_peer.service.undelivered import Undelivered, wall

if TYPE_CHECKING:
    from collections.abc import Callable

    from libp2p.custom_types import StreamHandlerFn, TProtocol
    from libp2p.peer.id import ID

    from py_peer.core.events import Event
    from py_peer.core.requests import Request
    from py_peer.core.settings import Settings
    from py_peer.net.connections import PeerRecord
    from py_peer.net.direct import DirectMessage
    from py_peer.net.node import Node

_TRACKED: Final = limits.MAX_TRACKED_PEERS // 2
"""Of those who are no strangers, and as many of those who are."""

_YOURS: Final = {"one peer": "yours"}


@final
class Direct:
    """Sends and takes direct messages."""

    def __init__(
        self, settings: Settings, peer_id: str, emit: Callable[[Event], None], *, lasting: bool = True
    ) -> None:
        """`peer_id` is our own; when that is not `lasting` nobody could deliver in its name in the next run."""
        self._settings = settings
        self._peer_id = peer_id
        self._emit = emit
        self.called: Callable[[str], Name] = lambda peer_id: Name(short_id(peer_id))
        """Returns what a peer is called."""

        self.is_ignored: Callable[[str], bool] = lambda _peer_id: False
        """Returns whether the user wants nothing of a peer."""

        self.is_named: Callable[[ID], bool] = lambda _peer_id: False
        """Returns whether the user has named a peer."""

        kept = Undelivered(settings.data if lasting else None, peer_id, emit)
        self.deliveries = Deliveries(emit, kept, paced=settings.paced)
        """What is on its way."""

        self._takes_strangers = settings.strangers
        self._taken: dict[bytes, None] = {}
        self._floods = Floods(emit)
        self._of_known: Buckets[str] = Buckets(limits.DIRECT_RATE, limits.DIRECT_BURST, _TRACKED)
        self._of_strangers: Buckets[str] = Buckets(limits.STRANGER_RATE, limits.STRANGER_BURST, _TRACKED)
        """What may still come of each peer; who is a stranger no more begins anew."""

        self._strangers = TokenBucket(limits.STRANGERS_RATE, limits.STRANGERS_BURST)
        self._latest = 0
        self._node: Node | None = None
        self._receiver = Receiver(self._judge)
        self.streams: dict[TProtocol, StreamHandlerFn] = {DIRECT: self._receiver.handle}
        """What answers the streams of others, by protocol; there before the first peer is."""

        self.handlers: dict[type[Request], Callable[[Any], None]] = {
            SendDirect: self._send,
            TakeStrangers: self._take_strangers,
        }

    async def run(self, node: Node) -> None:
        """Deliver what waits, until cancelled."""
        self._node = node
        self._receiver.counters = node.counters
        self.deliveries.called = self.called
        await self.deliveries.run(node)

    def identified(self, record: PeerRecord) -> None:
        """Take note of what a peer says it is."""
        self.deliveries.moved(record.peer_id)

    def moved(self, peer_id: ID) -> None:
        """Take note that a peer has come or gone."""
        self.deliveries.moved(peer_id)

    # --- What the user asks for -------------------------------------------------------------------

    def _send(self, request: SendDirect) -> None:
        text = request.text.encode("utf-8", "replace").decode()  # half a surrogate pair has no bytes
        self._latest = max(wall(), self._latest + 1)
        letter = Letter(request.peer_id, text, self._latest, request.ticket)
        if reason := self._objection(letter) or self.deliveries.accept(letter):
            shown = clean_line(letter.peer_id, limits.MAX_ERROR_CHARS // 2)
            name = self.called(shown)
            self._emit(DirectRefused(request.ticket, shown, name.nick, name.plain, text, reason))

    def _objection(self, letter: Letter) -> str:
        if parse_peer_id(letter.peer_id) != letter.peer_id:
            return "there is no such peer ID"
        if letter.peer_id == self._peer_id:
            return "that is you"
        return oversize(len(letter.text.encode())) or unseen(letter.text)

    def _take_strangers(self, request: TakeStrangers) -> None:
        self._takes_strangers = request.take
        if request.take:
            text = "Direct messages of strangers are shown from now on, and marked"
        else:
            text = (
                "Direct messages of strangers are refused from now on; who you write to, or have named, is no stranger"
            )
        self._emit(Answer(request.ticket, text))

    # --- What others send -------------------------------------------------------------------------

    def _judge(self, message: DirectMessage) -> str:
        """Take a message, and show it unless it was shown before; return why it is not taken, or ""."""
        sender = str(message.sender)
        stranger = not (self.deliveries.has_written_to(sender) or self.is_named(message.sender))
        if self.is_ignored(sender):
            return self._dropped("the author is ignored", "takes no messages of yours")
        if stranger and not self._takes_strangers:
            return self._dropped("strangers are not wanted", "takes no direct messages of strangers")
        sign = hashlib.sha256(f"{sender} {message.when} {message.text}".encode()).digest()
        if message.when and sign in self._taken:
            self._count("ignored: direct messages that came again")
            return ""
        if is_blank(message.text):
            return self._dropped("nothing can be seen", unseen(message.text))
        if too_many := self._too_many(sender, stranger=stranger):
            self._floods.note(self.called(sender).of(sender), stranger=stranger, now=trio.current_time())
            self._count(f"dropped: direct messages, too many of {too_many}")
            return not_now(f"takes no more messages of {_YOURS.get(too_many, too_many)}")
        self._taken[sign] = None
        if len(self._taken) > limits.DIRECT_KNOWN:
            del self._taken[next(iter(self._taken))]
        self._count("direct received")
        self.deliveries.heard(sender)
        name = self.called(sender)
        text = clean_text(message.text)
        self._emit(DirectReceived(sender, name.nick, name.plain, text, time.time(), stranger))
        return ""

    def _too_many(self, sender: str, *, stranger: bool) -> str:
        """Count a message; return of whom it is one too many, or ""."""
        if not self._settings.paced:
            return ""
        now = trio.current_time()
        if not stranger:
            return "" if self._of_known.take(sender, now) else "one peer"
        if not self._of_strangers.take(sender, now):
            return "a stranger"
        return "" if self._strangers.take(now) else "strangers"

    def _dropped(self, why: str, reason: str) -> str:
        self._count(f"dropped: direct messages, {why}")
        return reason

    def _count(self, what: str) -> None:
        if self._node is not None:  # what comes in the first moment of all is taken, and not counted
            self._node.counters[what] += 1
