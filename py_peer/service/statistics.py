"""How a session is doing: all the figures of `py_peer.core.figures`, put together when they are asked for."""

from __future__ import annotations

import gc
import mmap
import os
import statistics
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import trio

from py_peer.chatroom import CHAT_TOPIC
from py_peer.core.events import Statistics
from py_peer.core.figures import FIGURES, count

if TYPE_CHECKING:
    from collections.abc import Callable

    import janus

    from py_peer.core.requests import Request
    from py_peer.net.node import Node
    from py_peer.service.event_queue import EventQueue
    from py_peer.service.ignored import Ignored
    from py_peer.service.manners import Manners
    from py_peer.service.outgoing import Outgoing

MEMORY: Final = Path("/proc/self/statm")
DESCRIPTORS: Final = "/dev/fd"
"""On Linux and macOS alike a folder with an entry for each open descriptor; other systems have none."""


@final
class Bookkeeper:
    """Asks each part of a session for its figures. Nothing is kept here, so that nobody waits for it meanwhile."""

    def __init__(
        self,
        events: EventQueue,
        requests: janus.Queue[Request],
        outgoing: Outgoing,
        manners: Manners,
        ignored: Ignored,
    ) -> None:
        self._events = events
        self._requests = requests
        self._outgoing = outgoing
        self._manners = manners
        self._ignored = ignored
        self._since = time.monotonic()
        self.dht_values: Callable[[], dict[str, int]] = dict
        """Tells how many values of the DHT are kept."""

        self.nostr_relays: Callable[[], int] = int
        """Tells how many relays of Nostr are connected."""

        self.node: Node | None = None
        """The node, from when it runs; before that there is nothing to count."""

    def report(self, ticket: int = 0) -> Statistics:
        """Return what holds now. To be called in the service's thread."""
        counters = self.node.counters if self.node else {}
        counted: dict[str, Any] = {figure.name: count(counters, figure) for figure in FIGURES if figure.counted}
        return Statistics(
            ticket=ticket,
            uptime_seconds=round(time.monotonic() - self._since, 3),
            events_dropped=self._events.dropped,
            queue_items=self._queues(),
            dht_values=self.dht_values(),
            nostr_relays=self.nostr_relays(),
            slowest_queue_items=max(self._depths(), default=0),
            peers_muted=len(self._manners.muted()),
            peers_ignored=len(self._ignored.peers()),
            memory_bytes=_memory(),
            file_descriptors=_descriptors(),
            tasks=trio.lowlevel.current_statistics().tasks_living,
            threads=threading.active_count(),
            gc_collections=sum(generation["collections"] for generation in gc.get_stats()),
            **self._people(),
            **counted,
        )

    def _queues(self) -> dict[str, int]:
        items = {
            "events": self._events.sync_q.qsize(),
            "requests": self._requests.sync_q.qsize(),
            "texts to send": self._outgoing.waiting,
        }
        if self.node is None:
            return items
        pubsub = self.node.pubsub
        channels = pubsub.subscribed_topics_send.values()
        return items | {
            "messages to show": sum(channel.statistics().current_buffer_used for channel in channels),
            "RPCs to peers": sum(self._depths()),
        }

    def _depths(self) -> list[int]:
        return [len(queue) for queue in self.node.pubsub.peer_queues.values()] if self.node else []

    def _people(self) -> dict[str, Any]:
        if self.node is None:
            return {
                "peers_connected": 0,
                "peers_in_room": 0,
                "peers_in_mesh": 0,
                "peers_banned": 0,
                "connections": {},
                "ping_seconds": {},
            }
        records = self.node.peers.records
        connections = self.node.host.get_network().get_connections()
        dialled = sum(connection.muxed_conn.is_initiator for connection in connections)
        rtts = [record.rtt for record in records.values() if record.rtt is not None]
        return {
            "peers_connected": len(records),
            "peers_in_room": len(self.node.pubsub.room()),
            "peers_in_mesh": len(self.node.pubsub.router.mesh.get(CHAT_TOPIC, ())),
            "peers_banned": len(self.node.bans.banned()),
            "connections": {"inbound": len(connections) - dialled, "outbound": dialled},
            "ping_seconds": {"least": min(rtts), "median": statistics.median(rtts), "most": max(rtts)} if rtts else {},
        }


def _memory() -> int | None:
    """Return the resident set in bytes, or None where the system does not say."""
    try:
        return int(MEMORY.read_text().split()[1]) * mmap.PAGESIZE
    except (OSError, ValueError, IndexError):
        return None


def _descriptors() -> int | None:
    try:
        return len(os.listdir(DESCRIPTORS)) - 1  # noqa: PTH208 - one call; without the one that reads the folder
    except OSError:
        return None
