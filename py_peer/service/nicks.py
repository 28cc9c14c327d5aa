"""Nicknames: ours is announced, those of others are learned, and what is new is told at a pace that can be read."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, final

import trio

from py_peer.core import limits
from py_peer.core.addresses import peer_id_text
from py_peer.core.announcement import NICK_TOPIC, Announcement, AnnouncementError, decode, encode, repeat_after
from py_peer.core.cleaning import clean_nick
from py_peer.core.events import Answer, NickLearned, NicknameChanged
from py_peer.core.names import Names
from py_peer.core.rates import TokenBucket
from py_peer.net.pace import keep_pace
from py_peer.service.bindings import Bindings

if TYPE_CHECKING:
    from collections.abc import Callable

    from libp2p.peer.id import ID
    from libp2p.pubsub.pb import rpc_pb2

    from py_peer.core.events import Event
    from py_peer.core.requests import SetNickname
    from py_peer.core.speakers import Name
    from py_peer.net.node import Node

TELL_EVERY: Final = 1.0
"""How often it is looked which of the names that came too fast can be told, in seconds."""


@final
@dataclass(slots=True)
class _Told:
    """What the front-end knows of one peer's name."""

    name: Name
    bucket: TokenBucket
    untold: int = 0


@final
class Nicks:
    """What everybody is called; the board of the topic of nicknames (`py_peer.net.pubsub.Board`)."""

    def __init__(self, nickname: str, peer_id: str, emit: Callable[[Event], None]) -> None:
        """Begin as `nickname`. Names of who is ignored are told, too: /unignore has to find who is meant."""
        self.nickname = nickname
        self._emit = emit
        self._peer_id = peer_id
        self._own: rpc_pb2.Message | None = None
        self._announced = 0
        self._changed = trio.Event()
        self._late = trio.Event()
        self._told: dict[str, _Told] = {}
        self._untold: dict[str, None] = {}
        self._pace = TokenBucket(limits.NICKS_TOLD_RATE, limits.NICKS_TOLD_BURST)
        self._bindings = Bindings(lambda: self._names, emit)
        self._nostr_key: bytes | None = None

    @cached_property
    def _names(self) -> Names[rpc_pb2.Message]:
        # Made with the first use: a nickname with others than ASCII has a table read, which would hold up the start.
        return Names(self.nickname, self._peer_id, limits.KNOWN_NAMES, limits.HELD_NAMES)

    # --- Our own ----------------------------------------------------------------------------------

    def set_nickname(self, request: SetNickname) -> None:
        """Be called something else."""
        nickname = clean_nick(request.nickname)
        if not nickname:
            self._emit(Answer(request.ticket, "Nothing of that nickname can be seen; take another one", failed=True))
            return
        if nickname != self.nickname:
            self._names.rename(nickname)
            self.nickname = nickname
            self._changed.set()
            self._emit(NicknameChanged(nickname))
        cut = "" if nickname == request.nickname.strip() else ", which is what can be used of it"
        free = self._names.called(self._peer_id).plain
        others = "" if free else "; it is not free, so others see the end of your ID beside it"
        self._emit(Answer(request.ticket, f"You are called '{nickname}'{cut}{others}"))

    def use_nostr_key(self, secret: bytes) -> None:
        """Announce that the Nostr key of `secret` is ours, from the next announcement on."""
        from py_peer.core.nip19 import npub  # noqa: PLC0415 - for who has one
        from py_peer.core.schnorr import public_key  # noqa: PLC0415

        self._names.bind(self._peer_id, npub(public_key(secret)))
        self._nostr_key = secret

    async def run(self, node: Node) -> None:
        """Announce our nickname: now, when it changes, and again and again, the rarer the more peers there are."""
        await node.pubsub.subscribe(NICK_TOPIC)
        bucket = TokenBucket(limits.ANNOUNCE_RATE, limits.ANNOUNCE_BURST)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.tell_later)
            nursery.start_soon(self._bindings.run, node.counters)
            while True:
                await keep_pace(bucket)
                self._changed = trio.Event()
                # Later than the one before, even when the clock was put back.
                self._announced = max(_wall(), self._announced + 1)
                announcement = Announcement(self.nickname, self._announced, await self._claim(self._announced))
                await node.pubsub.publish(NICK_TOPIC, encode(announcement))
                jitter = random.uniform(1 - limits.NICK_JITTER, 1 + limits.NICK_JITTER)
                with trio.move_on_after(repeat_after(len(self._names)) * jitter):
                    await self._changed.wait()

    async def _claim(self, at: int) -> object:
        """Return what an announcement of that time says of our Nostr key."""
        if self._nostr_key is None:
            return None
        from py_peer.core.nostr_binding import make_claim  # noqa: PLC0415 - for who has one

        return await trio.to_thread.run_sync(make_claim, self._nostr_key, self._peer_id, at)

    # --- Those of others --------------------------------------------------------------------------

    def called(self, peer_id: str) -> Name:
        """Return what a peer is called."""
        return self._names.called(peer_id)

    def npub(self, peer_id: str) -> str:
        """Return the Nostr key that is bound to a peer, or ""."""
        return self._names.npub(peer_id)

    def bound(self, npub: str) -> str:
        """Return the ID of a peer to whom a Nostr key is bound, or ""."""
        return self._names.bound(npub)

    def peer_up(self, peer_id: str) -> None:
        """Note that a peer is connected."""
        self._names.connect(peer_id)

    def peer_down(self, peer_id: str) -> None:
        """Note that a peer is not connected any more."""
        self._names.disconnect(peer_id)

    def hear(self, peer_id: str) -> Name:
        """Note that a peer has spoken; return what it is called, which has been told."""
        self._names.speak(peer_id)
        if peer_id in self._untold:
            self._tell(peer_id)
        return self._names.called(peer_id)

    # --- The board --------------------------------------------------------------------------------

    def take(self, message: rpc_pb2.Message, forwarder: ID) -> str:
        """Learn a name from a signed message; return "", or why it is dropped and not passed on."""
        del forwarder  # a name is its author's word, whoever hands it on
        if message.ByteSize() > limits.MAX_ANNOUNCEMENT_FRAME:
            return "dropped: an announcement that is too large"
        try:
            announcement = decode(message.data)
        except AnnouncementError as error:
            return f"dropped: an announcement, {error}"
        peer_id = peer_id_text(message.from_id)
        before = self._names.called(peer_id)
        if reason := self._names.announce(peer_id, announcement, message, trio.current_time(), _wall()):
            return f"dropped: an announcement, {reason}"
        if self._names.called(peer_id) != before:
            self._note_new(peer_id)
        self._bindings.take(peer_id, announcement)
        return ""

    def keep(self, message: rpc_pb2.Message) -> None:
        """Keep our own announcement for newcomers."""
        self._own = message

    def kept(self) -> list[rpc_pb2.Message]:
        """Return what a newcomer is told: our own nickname, and those of the peers that we know best."""
        return [*([self._own] if self._own is not None else []), *self._names.proofs(limits.NICKS_HANDED_ON)]

    # --- Telling ----------------------------------------------------------------------------------

    def _note_new(self, peer_id: str) -> None:
        """Tell a new name, now or, where names come too fast, later."""
        if (told := self._told.get(peer_id)) is not None:
            told.untold += peer_id in self._untold  # the one before was not told, and never will be
        self._untold[peer_id] = None
        if len(self._untold) > limits.KNOWN_NAMES:  # a stranger's name; should he speak, it is told with that
            del self._untold[next(iter(self._untold))]
        self._tell_in_time(peer_id)
        if self._untold:
            self._late.set()

    def _tell_in_time(self, peer_id: str) -> None:
        told = self._told.get(peer_id)
        now = trio.current_time()
        if not self._pace.wait(now) and (told is None or told.bucket.take(now)):
            self._pace.take(now)
            self._tell(peer_id)

    def _tell(self, peer_id: str) -> None:
        self._untold.pop(peer_id, None)
        name = self._names.called(peer_id)
        told = self._told.pop(peer_id, None)
        if told is None:
            while len(self._told) >= limits.KNOWN_NAMES:
                forgotten = next(iter(self._told))
                del self._told[forgotten]
                self._untold.pop(forgotten, None)
            self._told[peer_id] = _Told(name, TokenBucket(limits.NICK_TOLD_RATE, limits.NICK_TOLD_BURST))
            self._emit(NickLearned(peer_id, name.nick, name.plain))
            return
        self._told[peer_id] = told
        if name != told.name:
            self._emit(NickLearned(peer_id, name.nick, name.plain, told.name.nick, told.untold))
        told.name, told.untold = name, 0

    async def tell_later(self) -> None:
        """Tell what came too fast, as time allows."""
        while True:
            await self._late.wait()
            self._late = trio.Event()
            while self._untold:
                await trio.sleep(TELL_EVERY)
                for peer_id in list(self._untold):
                    self._tell_in_time(peer_id)


def _wall() -> int:
    return time.time_ns() // 1_000_000
