"""gnostr's own chat on topics: what is said goes out as its JSON, and what it says is told, kind by kind."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, final

import trio

from py_peer.core import limits_gnostr
from py_peer.core.cleaning import clean_nick, clean_text
from py_peer.core.gnostr import (
    CHAT,
    JOIN,
    LEAVE,
    NO_COMMIT,
    NOSTR_EVENT,
    Chunks,
    GnostrError,
    GnostrMessage,
    NotGnostrError,
    decode_message,
    encode_message,
    encode_text,
)
from py_peer.core.gnostr_events import GnostrHeard
from py_peer.core.rates import TokenBucket
from py_peer.service.wires import AS_NOTHING, GNOSTR, OtherWires

if TYPE_CHECKING:
    from py_peer.core.speakers import Name
    from py_peer.service.wires import Company

FORGET_EVERY = 15.0
"""Seconds after which it is looked which chunks have waited too long, though nobody says anything."""


@final
class GnostrWire:
    """The wire of all topics beside the room, with what chunks there are of messages that are not whole."""

    name = GNOSTR

    def __init__(self, company: Company, *, greets: bool) -> None:
        """With `greets` it is said on each topic that we come and go, as gnostr does."""
        self._company = company
        self._greets = greets
        self._others = OtherWires(company)
        self._verifications = TokenBucket(limits_gnostr.NOSTR_RATE, limits_gnostr.NOSTR_BURST)
        self.chunks = Chunks()

    def encode(self, text: str) -> list[bytes]:
        """Return the payloads of a text: one, or chunks where that is too large."""
        return encode_text(self._company.nickname(), text, str(uuid.uuid4()))

    def greeting(self, *, leaving: bool = False) -> bytes:
        """Return gnostr's word for coming, or for going."""
        kind = LEAVE if leaving else JOIN
        return encode_message(GnostrMessage(self._company.nickname(), ("", ""), kind)) if self._greets else b""

    def hear(self, author: str, data: bytes, topic: str) -> None:
        """Tell what somebody has said, or count why nothing is told."""
        if (name := self._company.speaker(author, "")) is None:
            return
        try:
            message = decode_message(data)
        except GnostrError as error:
            self._count(str(error))
            if isinstance(error, NotGnostrError):
                self._others.tell(author, topic, name, AS_NOTHING)
            return
        try:
            whole = self._put_together(author, message, topic)
        except GnostrError as error:
            self._count(str(error))
            return
        if whole is not None:
            self._tell(author, whole, topic)

    def left(self, topic: str) -> None:
        """Forget the chunks of a topic."""
        self.chunks.forget_topic(topic)

    async def run(self) -> None:
        """Forget chunks that have waited too long, whether or not somebody speaks."""
        while True:
            await trio.sleep(FORGET_EVERY)
            self.chunks.forget_old(trio.current_time())
            self._count_given_up()

    def _put_together(self, author: str, message: GnostrMessage, topic: str) -> GnostrMessage | None:
        if not message.total:
            return message
        try:
            return self.chunks.take(topic, author, message, trio.current_time())
        finally:
            self._count_given_up()

    def _tell(self, author: str, message: GnostrMessage, topic: str) -> None:
        claim = clean_nick(message.sender)
        if message.kind == CHAT:
            self._tell_text(author, message, topic, claim)
            return
        if (name := self._company.speaker(author, claim)) is None:
            return
        if message.kind == NOSTR_EVENT:
            self._tell_event(author, message, topic, name)
            return
        self._count(message.kind)
        commit = "" if message.commit_id == NO_COMMIT else message.commit_id
        text = clean_text(message.text)
        self._company.emit(GnostrHeard(topic, author, name.nick, message.kind, text, time.time(), name.plain, commit))

    def _tell_text(self, author: str, message: GnostrMessage, topic: str, claim: str) -> None:
        if not (text := clean_text(message.text)).strip():
            self._count("messages without a text")
            return
        self._count(CHAT)
        if message.commit_id != NO_COMMIT:
            self._count("commits that are named beside a text, and not shown")
        self._company.hear(author, text, topic, claim)

    def _tell_event(self, author: str, message: GnostrMessage, topic: str, name: Name) -> None:
        """Tell the Nostr event in a message, with what its signature is worth; one that is bad is counted alone."""
        from py_peer.core.nostr import NostrError, Standing, badge_of, commit_of, read_event  # noqa: PLC0415 - rare

        if not self._verifications.take(trio.current_time()):
            self._count("Nostr events that were not verified, too many at once")
            return
        try:
            event = read_event(message.nostr_event or "".join(message.content[:1]))
        except NostrError:
            self._count("Nostr events that are none")
            return
        badge = badge_of(event)
        if badge.standing is Standing.BAD:
            self._count("Nostr events whose hash or signature does not hold")
            return
        signer = self._company.bound(badge.npub) if badge.standing is Standing.VERIFIED else ""
        if signer and self._company.speaker(signer, "") is None:
            return
        self._count(NOSTR_EVENT)
        self._company.emit(
            GnostrHeard(
                topic,
                author,
                name.nick,
                NOSTR_EVENT,
                clean_text(event.content),
                time.time(),
                name.plain,
                commit_of(event),
                badge.standing.value,
                badge.npub,
                badge.sentence,
                signer,
            )
        )

    def _count_given_up(self) -> None:
        for _ in range(self.chunks.given_up):
            self._count("messages that were given up before all their chunks had come")
        self.chunks.given_up = 0

    def _count(self, what: str) -> None:
        self._company.count(f"gnostr: {what}")
