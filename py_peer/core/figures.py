"""What is counted and measured, in one table: /stats, the Statistics event, its JSON and Prometheus read it.

Each row is a field of `py_peer.core.events.Statistics`. Names, labels and reasons are ours; nothing that came from
outside becomes one of them, so that there are not many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from collections.abc import Mapping


@final
@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table. `name` ends in its unit, if it has one; `help` says what it is, in a sentence."""

    name: str
    help: str
    label: str = ""
    """What tells its parts apart, where it has parts: then its value is a dict."""

    counted: str = ""
    """What the network's counters of it begin with, where it comes from there: "dropped" for "dropped: why"."""

    grows: bool = False
    """Whether it only ever grows, from 0 at the start, as what is counted does."""

    @property
    def is_counter(self) -> bool:
        """Whether it counts, in Prometheus' words; else it is a gauge."""
        return self.grows or bool(self.counted)


FIGURES: Final = (
    Figure("uptime_seconds", "Time since the start."),
    # Messages
    Figure("messages_sent", "Messages of ours that were handed to the room, greetings included.", counted="sent"),
    Figure("messages_received", "Messages of others that were handed to the front-end.", counted="received"),
    Figure("announcements_sent", "Messages of ours on topics beside the chat.", counted="announcements sent"),
    Figure("announcements_received", "Messages of others on topics beside the chat.", counted="announcements"),
    Figure("messages_relayed", "Copies of messages of others that were passed on.", counted="relayed"),
    Figure("messages_not_relayed", "Messages of others that were not passed on.", "reason", "not relayed"),
    Figure("messages_duplicate", "Copies of messages that were known already.", counted="duplicates"),
    Figure("messages_dropped", "Messages, or copies of them, that were dropped.", "reason", "dropped"),
    Figure("events_dropped", "Events that were dropped because the front-end was too slow.", grows=True),
    Figure("gossip_sent_bytes", "Written to gossip streams.", counted="gossip bytes out"),
    Figure("gossip_received_bytes", "Read from gossip streams.", counted="gossip bytes in"),
    Figure("queue_items", "What waits now, in each queue.", "queue"),
    # Peers
    Figure("peers_connected", "Peers with a connection."),
    Figure("peers_in_room", "Peers that a message said now is sent to."),
    Figure("peers_in_mesh", "Peers with whom messages of others are exchanged in full."),
    Figure("peers_muted", "Authors who are muted now, for saying too much."),
    Figure("peers_ignored", "Peers that the user ignores."),
    Figure("peers_banned", "Peers that are refused for a while."),
    Figure("connections", "Connections that are open, by who opened them.", "direction"),
    Figure("ping_seconds", "Round trips to the connected peers: the least, the median and the most.", "which"),
    Figure("dials_tried", "Dials that were begun.", counted="dials"),
    Figure("dials_failed", "Dials that reached nobody.", counted="dials failed"),
    Figure("connections_refused", "Connections that were not taken.", "reason", "refused"),
    Figure("peers_let_go", "Peers whose connections we closed.", "reason", "peers let go"),
    Figure("streams_ended", "Gossip streams of ours that a peer ended.", counted="gossip streams ended by the peer"),
    # What went wrong
    Figure("protocol_ignored", "Parts of what peers sent that were not looked at.", "reason", "ignored"),
    Figure("faults_caught", "Exceptions that peers and networks caused, by type.", "type", "caught"),
    Figure("faults_unexpected", "Exceptions that nobody expected: faults of ours.", counted="unexpected faults"),
    # The process
    Figure("memory_bytes", "Memory in use (the resident set)."),
    Figure("file_descriptors", "Open file descriptors."),
    Figure("tasks", "Tasks of the service."),
    Figure("threads", "Threads of the process."),
    Figure("gc_collections", "Runs of Python's garbage collector.", grows=True),
)


def count(counters: Mapping[str, int], figure: Figure) -> int | dict[str, int]:
    """Return the value of a counted figure, or its parts by their labels."""
    if not figure.label:
        return counters.get(figure.counted, 0)
    before = figure.counted + ": "
    return {name.removeprefix(before): value for name, value in counters.items() if name.startswith(before)}
