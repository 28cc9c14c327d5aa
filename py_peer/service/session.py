"""One session of the service: what happens between start and stop, in trio.

The session answers requests from the first moment; the node and the room come up beside that. `Outgoing` has what
we say, `Links` the peers that the user named, `Nicks` who is called what, `Manners` who is heard; `Witness` makes
events of what happens. Here they are wired to the node and the room.
"""

from __future__ import annotations

import itertools
import logging
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, final

import trio
import trio.lowlevel
import trio_asyncio

from py_peer.chatroom import (
    CHAT_TOPIC,
    ChatMessage,
    ChatRoom,
    _log_system_message,
    system_log_handler,
    system_logger,
)
from py_peer.core import limits
from py_peer.core.addresses import short_id
from py_peer.core.announcement import NICK_TOPIC
from py_peer.core.cleaning import clean_line, clean_path
from py_peer.core.events import (
    Failed,
    FailureKind,
    MessageReceived,
    Notice,
    PeerInfo,
    Ready,
    Started,
    StatusReport,
    Stopped,
)
from py_peer.core.requests import Ignore, RequestStatistics, RequestStatus, SendText, SetNickname, Stop, Unignore
from py_peer.core.speakers import Name
from py_peer.core.topics import TopicInfo
from py_peer.net.identity import IdentityError, hold_identity, seeded_identity
from py_peer.net.listening import CannotListenError
from py_peer.net.node import open_node
from py_peer.service.commits import Commits
from py_peer.service.data import Data
from py_peer.service.direct import Direct
from py_peer.service.discovery import Discovery
from py_peer.service.files import Files
from py_peer.service.ignored import Ignored
from py_peer.service.links import Links
from py_peer.service.manners import Manners
from py_peer.service.nicks import Nicks
from py_peer.service.nostr import Nostr
from py_peer.service.outgoing import Outgoing
from py_peer.service.posting import Posting
from py_peer.service.publishing import Publishing
from py_peer.service.reachability import Reachability
from py_peer.service.statistics import Bookkeeper
from py_peer.service.topics import Topics
from py_peer.service.wires import RAW, Company, wire_of
from py_peer.service.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from libp2p.peer.id import ID

    from py_peer.core.events import Event
    from py_peer.core.requests import Request
    from py_peer.core.settings import Settings
    from py_peer.net.connections import PeerRecord
    from py_peer.net.identity import Identity
    from py_peer.net.node import Node
    from py_peer.service.bell_queue import BellQueue
    from py_peer.service.event_queue import EventQueue

log = logging.getLogger(__name__)

WAITING_GRACE: Final = 1.0
REQUESTS_PER_TURN: Final = 16


def run_session(
    settings: Settings, emit: Callable[[Event], None], events: EventQueue, requests: BellQueue[Request]
) -> Stopped:
    """Run a session to its end, in this thread; `emit` puts into `events`. Returns what the last event should say."""
    system_logger.disabled = not settings.room  # it is the chat's journal, in the folder where that is started
    try:
        with _held_identity(settings) as identity:
            session = _Session(settings, identity, emit, events, requests)
            trio.run(session.run)
            return session.outcome()
    except IdentityError as error:
        _log_system_message(f"ERROR: {error}")
        emit(Failed(FailureKind.BAD_IDENTITY, clean_line(str(error), limits.MAX_ERROR_CHARS)))
        return Stopped(unsent=0, reached=False)


def _held_identity(settings: Settings) -> AbstractContextManager[Identity]:
    """Have the key that the settings name, as long as the block runs. Raises IdentityError."""
    if settings.test_key is not None:
        return nullcontext(seeded_identity(settings.test_key))
    return hold_identity(settings.identity, named=settings.identity_named)


@final
class _Session:
    def __init__(
        self,
        settings: Settings,
        identity: Identity,
        emit: Callable[[Event], None],
        events: EventQueue,
        requests: BellQueue[Request],
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._emit = emit
        self._requests = requests
        self._peer_id = identity.peer_id
        self._node: Node | None = None
        self._topics = Topics(settings.topics, emit, wire_of(settings, self._company()), room=settings.room)
        self._outgoing = Outgoing(settings, emit, self._topics)
        self._discovery = Discovery(settings, self._peer_id, emit)
        self._links = Links(settings, emit, self._discovery.finder)
        self._ignored = Ignored(settings.data, self._peer_id, emit)
        self._manners = Manners(emit, self._ignored, paced=settings.paced)
        self._nicks = Nicks(settings.nickname, self._peer_id, emit)
        if settings.nostr_key is not None:
            self._nicks.use_nostr_key(settings.nostr_key)
        self._discovery.finder.called, self._discovery.finder.dialling = self._nicks.called, self._links.dialling
        self._ignored.nick_of = self._links.nick_of = lambda peer_id: self._nicks.called(peer_id).nick
        self._files = Files(settings, emit)
        self._files.know(self._nicks.called, self._manners.is_ignored, self._discovery.finder.call)
        self._direct = Direct(settings, self._peer_id, emit, lasting=settings.room and identity.file is not None)
        self._direct.called, self._direct.is_ignored = self._nicks.called, self._manners.is_ignored
        self._direct.is_named = self._links.named.names
        self._direct.deliveries.call = self._discovery.finder.call
        self._direct.deliveries.somebody_may_come = self._somebody_may_come
        self._data = Data(settings, emit)
        self._data.somebody_to_ask = lambda: self._discovery.somebody_to_ask(self._links.is_dialling)
        self._publishing = Publishing(settings, emit)
        self._files.know_dht(self._data.somebody_to_ask, self._discovery.finder.reach)
        self._commits = Commits(settings, emit, self._nicks.called, self._discovery.finder.call)
        self._commits.somebody_to_ask = self._publishing.somebody_to_ask = self._data.somebody_to_ask
        self._posting = Posting(emit, self._outgoing.accept, self._files, self._commits.posted)
        self._nostr = Nostr(settings, emit)
        self._nostr.bound, self._nostr.called = self._nicks.bound, self._nicks.called
        self._nostr.is_ignored = self._manners.is_ignored
        self._reachability = Reachability(settings.transports, emit)
        self._reachability.on_reached = self._discovery.reached_from_outside
        self._witness = Witness(emit, self._links, self._nicks, self._outgoing, self._discovery)
        self._witness.on_topics_changed = self._topics.changed
        self._witness.parts = (self._discovery, self._files, self._direct, self._reachability)
        self._room: ChatRoom | None = None
        self._bookkeeper = Bookkeeper(events, requests, self._outgoing, self._manners, self._ignored)
        self._bookkeeper.dht_values = self._discovery.kademlia.values_kept
        self._unread = 0
        self._handlers: dict[type[Request], Callable[[Any], object]] = {
            SendText: self._outgoing.accept,
            RequestStatus: lambda request: emit(self._status(request.ticket)),
            SetNickname: self._set_nickname,
            Ignore: self._ignored.accept,
            Unignore: self._ignored.accept,
            RequestStatistics: lambda request: emit(self._bookkeeper.report(request.ticket)),
        }
        """What is done about each request but Stop; none of them may block."""
        parts = (
            *(self._topics, self._links, self._discovery, self._files, self._direct, self._data),
            *(self._commits, self._publishing, self._posting, self._nostr),
        )
        self._handlers |= {kind: accept for part in parts for kind, accept in part.handlers.items()}

        system_log_handler.warn = lambda text: emit(Notice(clean_line(text, limits.MAX_ERROR_CHARS)))

    def outcome(self) -> Stopped:
        """Return what is left to say when everything has ended."""
        kept, lost = self._direct.deliveries.kept, self._direct.deliveries.lost
        return Stopped(self._outgoing.waiting + lost, self._outgoing.reached, self._unread, kept, lost)

    async def run(self) -> None:
        """Serve requests, and beside that bring up the node, until Stop or a failure."""
        _log_system_message("Starting Universal Connectivity Application...")
        self._emit(Started(self._peer_id))
        self._ignored.load()
        async with trio_asyncio.open_loop(), trio.open_nursery() as nursery:
            nursery.start_soon(self._run_node, nursery.cancel_scope)
            nursery.start_soon(self._tell_waiting)
            nursery.start_soon(self._ignored.run)
            nursery.start_soon(self._posting.run)
            nursery.start_soon(self._serve, nursery)
        _log_system_message("Stopped")

    async def _run_node(self, everything: trio.CancelScope) -> None:
        room = self._settings.room
        boards = {NICK_TOPIC: self._nicks, **self._discovery.boards, **self._files.boards}
        streams = self._files.streams | self._reachability.streams
        try:
            async with open_node(
                key_pair=self._identity.key_pair(),
                transports=self._settings.transports,
                room_topic=CHAT_TOPIC,
                observer=self._witness,
                admit=self._manners.admit,
                boards=boards if room else {},
                streams=streams | self._direct.streams | self._commits.streams if room else streams,
            ) as node:
                await self._run_room(node, everything)
        except CannotListenError as error:
            self._cannot_listen(error, everything)

    def _cannot_listen(self, error: CannotListenError, everything: trio.CancelScope) -> None:
        _log_system_message(f"ERROR: {error}")
        self._emit(Failed(FailureKind.CANNOT_LISTEN, clean_line(str(error), limits.MAX_ERROR_CHARS)))
        everything.cancel()

    async def _run_room(self, node: Node, everything: trio.CancelScope) -> None:
        async with trio.open_nursery() as nursery:
            certificate = node.certificate.remark if node.certificate else ""
            remarks = [node.remark, node.notice, certificate, self._identity.remark, self._ignored.fault]
            if self._settings.metrics is not None:  # who waits for Ready can ask at once
                try:
                    remarks.append(await self._serve_metrics(node, *self._settings.metrics, nursery))
                except CannotListenError as error:
                    self._cannot_listen(error, everything)
                    return
            if self._settings.room:
                await self._enter_room(node, nursery)
            if npub := self._nicks.npub(self._peer_id):
                remarks.append(f"Others see that this key of Nostr is yours: {npub}")
            self._come_up(node, nursery)
            for remark in filter(None, remarks):  # behind the banner, where it is seen
                _log_system_message(remark)
                self._emit(Notice(remark))

    async def _enter_room(self, node: Node, nursery: trio.Nursery) -> None:
        room = await ChatRoom.join_chat_room(node.host, node.pubsub, self._nicks.nickname, node.addresses[0])
        room.nick_of = lambda peer_id: self._nicks.called(peer_id).nick
        self._room = room
        room.add_message_handler(self._hear_in_room)
        room.add_system_message_handler(lambda text: self._emit(Notice(text)))
        nursery.start_soon(self._nicks.run, node)
        nursery.start_soon(room.start_message_handlers)
        nursery.start_soon(self._outgoing.run, node, room)
        nursery.start_soon(self._direct.run, node)

    def _come_up(self, node: Node, nursery: trio.Nursery) -> None:
        self._node = self._bookkeeper.node = self._witness.node = self._discovery.finder.node = node
        _log_system_message(f"Listening on {node.addresses[0]}")
        self._witness.addresses = node.addresses
        self._emit(Ready(self._peer_id, self._nicks.nickname, node.addresses))
        nursery.start_soon(self._topics.run, node)
        nursery.start_soon(self._discovery.run, node, self._links.bootstrap)
        nursery.start_soon(self._links.run, node)
        nursery.start_soon(self._files.run, node)
        nursery.start_soon(self._data.run, node)
        nursery.start_soon(self._commits.run, node)
        nursery.start_soon(self._publishing.run, node)
        self._bookkeeper.nostr_relays = self._nostr.connected
        nursery.start_soon(self._nostr.run, node)
        nursery.start_soon(self._reachability.run, node)
        nursery.start_soon(self._manners.run)
        nursery.start_soon(self._witness.run, node)

    # --- Requests ---------------------------------------------------------------------------------

    async def _serve(self, nursery: trio.Nursery) -> None:
        draining: trio.CancelScope | None = None
        for number in itertools.count(1):
            request = await self._requests.next(trio.Event)
            if number % REQUESTS_PER_TURN == 0:
                await trio.lowlevel.checkpoint()
            match request:
                case Stop():
                    if draining is not None:
                        draining.cancel()  # who asks again is in a hurry
                        continue
                    draining = trio.CancelScope()
                    nursery.start_soon(self._leave, request, draining, nursery.cancel_scope)
                case _:
                    self._handlers[type(request)](request)

    async def _tell_waiting(self) -> None:
        """Say that texts wait, once for all that came together, and not while a peer is just about to be there."""
        while True:
            await self._outgoing.untold()
            await trio.sleep(WAITING_GRACE if self._somebody_may_come() else 0.0)
            self._outgoing.tell_waiting()

    async def _leave(self, request: Stop, draining: trio.CancelScope, everything: trio.CancelScope) -> None:
        """Send what is left while anybody is there, or may come in time; see it arrive; end."""
        with draining:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._outgoing.drain, request.drain, self._somebody_may_come)
                nursery.start_soon(self._direct.deliveries.drain, request.drain)
            await self._topics.part()
            await self._settle(request.settle)
        if draining.cancelled_caught:
            await self._settle(limits.CLOSE_TIMEOUT / 2)
        everything.cancel()

    async def _settle(self, patience: float) -> None:
        self._witness.leaving = True
        if self._node is not None and (self._outgoing.said or self._topics.parted):
            await self._node.settle(patience)
            self._unread = len(self._node.pubsub.peers)

    def _somebody_may_come(self) -> bool:
        """Say whether a named peer is being reached, somebody may be found, or who has just come may join the room."""
        if self._links.is_dialling() or self._discovery.may_find():
            return True
        records = self._node.peers.records.values() if self._node else ()
        return any(trio.current_time() - record.arrived < limits.DIAL_TIMEOUT for record in records)

    def _status(self, ticket: int) -> StatusReport:
        node = self._node
        room = node.pubsub.room() if node else frozenset()
        self._witness.reported()
        self._topics.reported()
        return StatusReport(
            ticket=ticket,
            peer_id=self._peer_id,
            nickname=self._nicks.nickname,
            addresses=node.addresses if node else (),
            peers=tuple(self._info(record, room) for record in node.peers.records.values()) if node else (),
            topics=("chat", "discovery", *(topic.name for topic in self._topics)),
            joined=self._joined(room),
            waiting=self._outgoing.waiting,
            muted=self._manners.muted(),
            ignored=self._ignored.peers(),
            ignored_fault=self._ignored.fault,
            banned=tuple(map(str, node.bans.banned())) if node else (),
            kept_away=tuple(map(str, node.bans.kept_away())) if node else (),
            dialling=self._links.dialling(),
            identity=clean_path(self._identity.file or ""),
            is_test_key=self._settings.test_key is not None,
            stock_net=bool(node and node.remark),
            reachability=self._reachability.now.status,
            outside=self._reachability.now.addresses,
            relay=self._reachability.now.relay,
            npub=self._nicks.npub(self._peer_id),
        )

    def _joined(self, room: frozenset[ID]) -> tuple[TopicInfo, ...]:
        """Return where one can talk, with whom; `room` are those in the room."""
        there = [(CHAT_TOPIC, room, RAW)] if self._settings.room else []
        there += [(topic.name, topic.members, topic.wire.name) for topic in self._topics]
        return tuple(
            TopicInfo(name, tuple(sorted(map(str, peers))), self._outgoing.count(name), wire)
            for name, peers, wire in there
        )

    def _info(self, record: PeerRecord, room: frozenset[ID]) -> PeerInfo:
        peer_id = str(record.peer_id)
        name = self._nicks.called(peer_id)
        return PeerInfo(
            peer_id=peer_id,
            nick=name.nick,
            address=record.address,
            inbound=record.inbound,
            in_room=record.peer_id in room,
            rtt=record.rtt,
            agent_version=clean_line(record.agent_version, limits.MAX_AGENT_CHARS),
            connected_since=record.since,
            plain=name.plain,
            found=self._discovery.finder.found_by(peer_id),
            topics=tuple(topic.name for topic in self._topics if record.peer_id in topic.members),
            npub=self._nicks.npub(peer_id),
        )

    async def _serve_metrics(self, node: Node, host: str, port: int, nursery: trio.Nursery) -> str:
        from py_peer.service import metrics  # noqa: PLC0415 - 0.07 s of imports for those who ask

        listeners, where = await metrics.listen_for_metrics(host, port)
        nursery.start_soon(metrics.serve_metrics, listeners, self._bookkeeper.report, node.counters)
        return where

    # --- Messages of others -----------------------------------------------------------------------

    async def _hear_in_room(self, message: ChatMessage) -> None:
        self._hear(message.sender_id, message.message, CHAT_TOPIC)

    def _hear(self, author: str, text: str, topic: str, claim: str = "") -> Name | None:
        """Tell what somebody has said, who calls himself as he claims, and return what he is called.

        All of it has been cleaned. None: it is not told.
        """
        if (name := self._speaker(author, claim)) is not None:
            self._commits.hear(author, text)
            self._emit(MessageReceived(author, name.nick, text, time.time(), name.plain, topic))
        return name

    def _company(self) -> Company:
        return Company(self._emit, self._hear, self._speaker, lambda: self._nicks.nickname, self._bound, self._count)

    def _bound(self, npub: str) -> str:
        return self._nicks.bound(npub)

    def _speaker(self, author: str, claim: str = "") -> Name | None:
        """Return what somebody is called who has spoken, or None if the user ignores him.

        What he calls himself without having announced it holds for want of a better name, and never without his ID.
        """
        if self._manners.is_ignored(author):
            self._count("dropped: the author is ignored")
            return None
        name = self._nicks.hear(author)
        return Name(claim, plain=False) if claim and name.nick == short_id(author) else name

    def _count(self, what: str) -> None:
        if self._node is not None:
            self._node.counters[what] += 1

    def _set_nickname(self, request: SetNickname) -> None:
        self._nicks.set_nickname(request)
        if self._room is not None:
            self._room.nickname = self._nicks.nickname
