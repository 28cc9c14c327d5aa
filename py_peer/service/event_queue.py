"""The queue of events between the service's thread and a front-end: bounded, and honest about what it drops."""

from __future__ import annotations

from collections import deque
from typing import Final, final

from py_peer.core import limits
from py_peer.core.dht_events import KeyProvided, LookupFailed, ProvidersFound, ValueFound, ValuePut
from py_peer.core.direct_events import DirectReceived, DirectRefused, DirectSent, DirectWaiting
from py_peer.core.events import (
    Answer,
    DiscoveryReport,
    Dropped,
    Event,
    Failed,
    Identified,
    IgnoreList,
    MessageReceived,
    MessageRefused,
    MessageSent,
    MessageWaiting,
    NicknameChanged,
    Ready,
    Started,
    Statistics,
    StatusReport,
    Stopped,
)
from py_peer.core.file_events import (
    FileProvided,
    FileShared,
    FilesReport,
    TransferDone,
    TransferFailed,
    TransferStarted,
)
from py_peer.core.git_events import CommitNotShown, CommitPosted, CommitShown, CommitsPublished, NotPublished
from py_peer.core.gnostr_events import GnostrHeard
from py_peer.core.nostr_events import NostrHeard, NostrReport
from py_peer.core.topic_events import TopicJoined, TopicLeft
from py_peer.service.bell_queue import BellQueue

KEPT: Final = (
    Started,
    Ready,
    Failed,
    Stopped,
    MessageSent,
    MessageWaiting,
    MessageRefused,
    StatusReport,
    Statistics,
    DiscoveryReport,
    Answer,
    IgnoreList,
    NicknameChanged,
    FilesReport,
    FileShared,
    FileProvided,
    TransferStarted,
    TransferDone,
    TransferFailed,
    DirectSent,
    DirectWaiting,
    DirectRefused,
    ValuePut,
    ValueFound,
    KeyProvided,
    ProvidersFound,
    LookupFailed,
    TopicJoined,
    TopicLeft,
    CommitPosted,
    CommitShown,
    CommitNotShown,
    CommitsPublished,
    NotPublished,
    NostrReport,
)
"""Events that are never dropped: there are no more of them than the front-end has asked for."""


@final
class EventQueue(BellQueue[Event]):
    """A queue that never makes the service wait: when it is full, the oldest event goes, and that is told.

    What strangers can cause (messages, comings and goings) is limited in number and in bytes of text; the answers to
    the front-end's own requests are kept.
    """

    def _init(self, maxsize: int) -> None:  # noqa: ARG002 - janus's signature
        self._number = 0
        self._kept: deque[tuple[int, Event]] = deque()
        self._loose: deque[tuple[int, Event]] = deque()
        self._bytes = 0
        self._lost = 0
        self.dropped = 0
        """Events dropped so far."""

    def _qsize(self) -> int:
        return len(self._kept) + len(self._loose) + (1 if self._lost else 0)

    def _keep(self, item: Event) -> None:
        self._number += 1
        if isinstance(item, KEPT):
            self._kept.append((self._number, item))
            return
        self._loose.append((self._number, item))
        self._bytes += _size(item)
        while len(self._loose) > limits.EVENT_QUEUE or self._bytes > limits.EVENT_QUEUE_BYTES:
            _, oldest = self._loose.popleft()
            self._bytes -= _size(oldest)
            self._lost += 1
            self.dropped += 1

    def _get(self) -> Event:
        if self._lost:
            lost, self._lost = self._lost, 0
            return Dropped(lost, "events, the oldest first, because they came faster than they could be shown")
        if self._kept and (not self._loose or self._kept[0][0] < self._loose[0][0]):
            return self._kept.popleft()[1]
        _, item = self._loose.popleft()
        self._bytes -= _size(item)
        return item


def _size(event: Event) -> int:
    if isinstance(event, Identified):
        return sum(map(len, event.protocols))
    return len(event.text) if isinstance(event, MessageReceived | DirectReceived | GnostrHeard | NostrHeard) else 0
