"""The chat room: what is said on the topic, by whom, and what was said by us.

Built on the ordinary methods of a host and a pubsub (`get_id`, `subscribe`, `publish`, `peers`) and on nothing of an
event loop's own, so that it runs on doubles of them under asyncio as it does on the real ones under trio.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import anyio
import anyio.lowlevel
import anyio.to_thread

from py_peer.core.addresses import peer_id_text, short_id
from py_peer.core.chat_payload import decode_payload
from py_peer.core.cleaning import clean_line, clean_text, indent_lines
from py_peer.core.commands import help_lines
from py_peer.core.topics import ROOM_TOPIC
from py_peer.core.typed_lines import Command, Nothing, Say, Unknown, parse_line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CHAT_TOPIC: Final = ROOM_TOPIC
PUBSUB_DISCOVERY_TOPIC: Final = "universal-connectivity-browser-peer-discovery"
CHAT_ROOM_BUF_SIZE: Final = 128

MESSAGES_PER_TURN: Final = 16
"""Messages read in one go; then others get their turn."""

SYSTEM_LOG: Final = "system_messages.txt"

MAX_LOG_LINE: Final = 1_000
"""Characters of one line in system_messages.txt."""

log = logging.getLogger(__name__)


class SystemLogHandler(logging.FileHandler):
    """Appends to system_messages.txt, opened with the first line; a file that cannot be written is one warning."""

    def __init__(self) -> None:
        try:
            super().__init__(SYSTEM_LOG, encoding="utf-8", delay=True)
        except FileNotFoundError:  # the folder that we are in has been removed: so it cannot be written
            super().__init__(os.devnull, encoding="utf-8", delay=True)
            self.baseFilename = SYSTEM_LOG
        self.setFormatter(logging.Formatter("[%(asctime)s] %(message)s", "%H:%M:%S"))
        self.warn: Callable[[str], None] = lambda text: print(text, file=sys.stderr)
        self._broken = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; after a failure, none any more."""
        if self._broken:
            return
        try:
            super().emit(record)
        except OSError as error:
            self._give_up(error)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Take note of a failed write (a full disk)."""
        del record
        self._give_up(sys.exc_info()[1])

    def _give_up(self, error: BaseException | None) -> None:
        self._broken = True
        self.warn(f"{SYSTEM_LOG} cannot be written ({error}); going on without it")


system_logger = logging.getLogger("system_messages")
system_logger.setLevel(logging.INFO)
system_logger.propagate = False
system_log_handler = SystemLogHandler()
system_logger.addHandler(system_log_handler)


def _log_system_message(text: str) -> None:
    """Append one line to system_messages.txt; whatever is in `text`, it stays one line."""
    system_logger.info("%s", clean_line(text, MAX_LOG_LINE))


@dataclass
class ChatMessage:
    """A message as front-ends see it. `timestamp` is in seconds since 1970, now if it is not given."""

    message: str
    sender_id: str
    sender_nick: str
    timestamp: float | None = None

    def __post_init__(self) -> None:
        if self.timestamp is None:
            self.timestamp = time.time()

    def to_json(self) -> str:
        """Return the four fields as a JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote. Raises json.JSONDecodeError for bad text, KeyError for a missing field."""
        fields = json.loads(text)
        if not isinstance(fields, dict):
            raise KeyError("message")
        return cls(fields["message"], fields["sender_id"], fields["sender_nick"], fields["timestamp"])


class ChatRoom:
    """One room on one pubsub."""

    def __init__(self, host: Any, pubsub: Any, nickname: str, multiaddr: str | None = None) -> None:
        self.host = host
        self.pubsub = pubsub
        self.nickname = nickname
        self.peer_id = str(host.get_id())
        self.multiaddr = multiaddr or f"unknown/{self.peer_id}"
        self.chat_subscription: Any = None
        self.discovery_subscription: Any = None
        self.message_handlers: list[Callable[[ChatMessage], Awaitable[None]]] = []
        self.system_message_handlers: list[Callable[[str], Any]] = []
        self.running = False
        self._reading: anyio.CancelScope | None = None
        self.nick_of: Callable[[str], str] = short_id
        """What the author of a message is called, by the peer ID; who knows a better name sets it."""

        self.discovery_ignored = 0
        """Announcements on the discovery topic that were read and not acted on."""

    @classmethod
    async def join_chat_room(cls, host: Any, pubsub: Any, nickname: str, multiaddr: str | None = None) -> Self:
        """Return a room whose two topics are subscribed to. Raises what the pubsub raises."""
        room = cls(host, pubsub, nickname, multiaddr)
        await room._subscribe_to_topics()
        _log_system_message(f"Joined chat room as '{nickname}'")
        return room

    async def _subscribe_to_topics(self) -> None:
        try:
            self.chat_subscription = await self.pubsub.subscribe(CHAT_TOPIC)
            self.discovery_subscription = await self.pubsub.subscribe(PUBSUB_DISCOVERY_TOPIC)
        except Exception as error:
            _log_system_message(f"ERROR: Failed to subscribe to topics: {error}")
            raise

    async def publish_message(self, text: str) -> bool:
        """Say `text` in the room, as raw UTF-8; return whether the pubsub took it.

        A failure is logged and shown. Without message handlers the outcome is printed here.
        """
        try:
            await self.pubsub.publish(CHAT_TOPIC, text.encode("utf-8", "replace"))
        except Exception as error:  # noqa: BLE001 - whatever it was, the text was not said
            _log_system_message(f"ERROR: Failed to publish message: {error}")
            self._show_system_message(f"❌ Error sending message: {clean_line(str(error), MAX_LOG_LINE)}")
            return False
        if not self.message_handlers:
            count = self.get_peer_count()
            print(
                f"✓ Message sent to {count} peer(s)"
                if count
                else "⚠️  No peers connected - message sent to topic but no one will receive it"
            )
        return True

    def _show_system_message(self, text: str) -> None:
        if not self.system_message_handlers:
            print(text)
        for handler in self.system_message_handlers:
            try:
                handler(text)
            except Exception:
                log.exception("a handler of system messages has failed")

    def add_message_handler(self, handler: Callable[[ChatMessage], Awaitable[None]]) -> None:
        """Have `handler` awaited for each message of others, in order."""
        self.message_handlers.append(handler)

    def add_system_message_handler(self, handler: Callable[[str], Any]) -> None:
        """Have `handler` called for each system message."""
        self.system_message_handlers.append(handler)

    async def start_message_handlers(self) -> None:
        """Read both topics until `stop` is called or a subscription ends."""
        self.running = True
        async with anyio.create_task_group() as tasks:
            self._reading = tasks.cancel_scope
            tasks.start_soon(read_messages, self.discovery_subscription, self._ignore_announcement, self._is_running)
            await read_messages(self.chat_subscription, self._handle_chat_message, self._is_running)
            tasks.cancel_scope.cancel()

    def _is_running(self) -> bool:
        return self.running

    async def _ignore_announcement(self, message: Any) -> None:
        del message
        self.discovery_ignored += 1

    async def _handle_chat_message(self, message: Any) -> None:
        """Pass one message on; who wrote it is the signed `from`, whatever the payload says."""
        author = message.from_id
        sender_id = author if isinstance(author, str) else peer_id_text(author)  # doubles may have it as text
        if sender_id == self.peer_id:
            return
        text = clean_text(decode_payload(bytes(message.data)))
        chat_message = ChatMessage(text, sender_id, self.nick_of(sender_id))
        if not self.message_handlers:
            print(f"[{chat_message.sender_nick}]: {indent_lines(text, '    ')}")
        for handler in self.message_handlers:
            try:
                await handler(chat_message)
            except Exception:
                log.exception("a message handler has failed")

    async def run_interactive(self) -> None:
        """Talk over standard input and output, without a service: what is typed is said, `quit` ends it."""
        self.running = True
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.start_message_handlers)
            while self.running:
                line = await anyio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
                if not line or not await self._obey(line.rstrip("\n")):
                    break
            await self.stop()
            tasks.cancel_scope.cancel()

    async def _obey(self, line: str) -> bool:
        """Act on one typed line; False when it says to leave."""
        match parse_line(line, bare_quit=True):
            case Say(text=text):
                await self.publish_message(text)
            case Command(name="quit"):
                return False
            case Command(name="peers"):
                print(f"📡 Connected peers ({self.get_peer_count()}):")
                for peer_id in sorted(self.get_connected_peers()):
                    print(f"  - {short_id(peer_id)}...")
            case Command(name="status"):
                print(f"📊 Status:\n  - Multiaddr: {self.multiaddr}\n  - Nickname: {self.nickname}")
                print(f"  - Connected peers: {self.get_peer_count()}\n  - Subscribed topics: chat, discovery")
            case Command(name="multiaddr"):
                print(f"📋 Copy this multiaddress:\n{self.multiaddr}")
            case Command():
                print("\n".join(help_lines()))
            case Unknown() as unknown:
                print(unknown.report())
            case Nothing():
                pass
        return True

    async def stop(self) -> None:
        """Leave both topics; reading ends."""
        self.running = False
        if self._reading is not None:
            self._reading.cancel()
        for subscription in (self.chat_subscription, self.discovery_subscription):
            if subscription is not None:
                try:
                    await subscription.unsubscribe()
                except Exception as error:  # noqa: BLE001 - leaving goes on
                    log.debug("unsubscribing: %s", error)
        _log_system_message("Left chat room")

    def get_connected_peers(self) -> set[str]:
        """Return the IDs of the peers in the room."""
        peers = set(self.pubsub.peers)
        topics = getattr(self.pubsub, "peer_topics", None)
        if isinstance(topics, dict):  # the real pubsub knows who subscribed; a double may know its peers alone
            peers &= set(topics.get(CHAT_TOPIC, ()))
        return {str(peer_id) for peer_id in peers}

    def get_peer_count(self) -> int:
        """Return how many peers are in the room."""
        return len(self.get_connected_peers())


async def read_messages(
    subscription: Any, handle: Callable[[Any], Awaitable[None]], is_wanted: Callable[[], bool]
) -> None:
    """Handle what comes on one topic, until the subscription ends or it is not wanted any more."""
    for number in itertools.count(1):
        try:
            message = await subscription.get()
        except Exception:  # noqa: BLE001 - the subscription is gone: unsubscribed, or the pubsub ended
            return
        if not is_wanted():
            return
        try:
            await handle(message)
        except Exception:
            log.exception("a message could not be read")
        if number % MESSAGES_PER_TURN == 0:  # what is there already is returned without a pause
            await anyio.lowlevel.checkpoint()
