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
    """One row of the table. `name` ends in its unit, if it has one; `words` are few, `help` is a sentence."""

    name: str
    words: str
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
    Figure("uptime_seconds", "since the start", "Time since the start."),
    # Messages
    Figure("messages_sent", "messages sent", "Messages of ours, the greeting included.", counted="sent"),
    Figure(
        "messages_received",
        "messages received",
        "Messages of others, taken for the room and topics.",
        counted="received",
    ),
    Figure(
        "messages_relayed", "copies passed on", "Copies of others' messages, passed on to peers.", counted="relayed"
    ),
    Figure("messages_not_relayed", "not passed on", "Others' messages not passed on.", "reason", "not relayed"),
    Figure("messages_duplicate", "copies known already", "Copies of known messages.", counted="duplicates"),
    Figure("messages_dropped", "dropped", "Messages, or copies for a peer, that were dropped.", "reason", "dropped"),
    Figure("announcements_sent", "announcements sent", "Ours on other topics.", counted="announcements sent"),
    Figure("announcements_received", "announcements received", "Others' on other topics.", counted="announcements"),
    Figure("direct_sent", "direct messages sent", "Direct messages that a peer has confirmed.", counted="direct sent"),
    Figure("direct_received", "direct messages received", "Direct messages shown.", counted="direct received"),
    Figure("gnostr", "gnostr's wire", "Messages on topics with gnostr's wire, and what was dropped.", "what", "gnostr"),
    # Files
    Figure("files_sent", "files sent", "Files that somebody has fetched whole.", counted="files: sent"),
    Figure("files_fetched", "files fetched", "Files of others that are here, whole.", counted="files: fetched"),
    Figure("files_sent_bytes", "of files sent", "Sent to who fetches files.", counted="files: bytes sent"),
    Figure("files_received_bytes", "of files fetched", "Fetched of files.", counted="files: bytes received"),
    Figure("files_refused", "files", "What was refused or went wrong with files.", "reason", "files"),
    Figure("commits", "commits", "Commits asked for by us and of us, and what became of that.", "what", "commits"),
    # Nostr
    Figure("nostr_relays", "relays of Nostr", "Relays of Nostr with a connection."),
    Figure("nostr_heard", "events of Nostr", "Events of relays of Nostr, shown.", counted="nostr heard"),
    Figure("nostr_passed_over", "not about Git", "Events of relays, not about Git.", counted="nostr passed over"),
    Figure("nostr_duplicates", "known already", "Events of relays, known already.", counted="nostr duplicates"),
    Figure("nostr_refused", "of relays, refused", "What relays sent, and was refused.", "reason", "nostr refused"),
    # What waits, and is lost
    Figure("events_dropped", "events not shown", "Events dropped because the front-end was too slow.", grows=True),
    Figure("gossip_sent_bytes", "gossip sent", "Written to gossip streams.", counted="gossip bytes out"),
    Figure("gossip_received_bytes", "gossip received", "Read from gossip streams.", counted="gossip bytes in"),
    Figure("queue_items", "waiting", "What waits in each queue.", "queue"),
    Figure("slowest_queue_items", "waiting: RPCs to the slowest peer", "Of the RPCs that wait, those for one peer."),
    Figure("dht_values", "values of the DHT", "Values that are kept in the DHT's name, by who has put them.", "whose"),
    # Peers
    Figure("peers_connected", "peers connected", "Peers with a connection."),
    Figure("peers_in_room", "peers in the room", "Peers that a message said now is sent to."),
    Figure("peers_in_mesh", "peers in the mesh", "Peers with whom others' messages are exchanged in full."),
    Figure("peers_muted", "peers muted", "Authors who are muted now, for saying too much."),
    Figure("peers_ignored", "peers ignored", "Peers whom the user ignores."),
    Figure("peers_banned", "peers banned", "Peers who are refused for a while."),
    Figure("connections", "connections", "Open connections, by who opened them.", "direction"),
    Figure("ping_seconds", "round trip", "Round trips to the connected peers.", "which"),
    Figure("dials_tried", "dials", "Dials that were begun.", counted="dials"),
    Figure("dials_failed", "dials failed", "Dials that reached nobody.", counted="dials failed"),
    Figure(
        "dials_found",
        "dials of found peers",
        "Dials of peers whom the user has not named.",
        counted="dials of found peers",
    ),
    Figure(
        "peers_found", "peers found", "Peers found that were not known, by whether it was said.", "which", "peers found"
    ),
    Figure("connections_refused", "refused", "Connections that were not taken.", "reason", "refused"),
    Figure("strikes", "rules broken", "Rules that peers broke; too many make a ban.", counted="strikes"),
    Figure("peers_let_go", "let go", "Peers whose connections we closed.", "reason", "peers let go"),
    Figure(
        "streams_ended",
        "gossip streams ended",
        "Gossip streams of ours that peers ended.",
        counted="gossip streams ended by the peer",
    ),
    Figure(
        "dial_backs_asked",
        "asked to dial us",
        "Peers asked to dial us back (AutoNAT).",
        "answer",
        "asked to dial us back",
    ),
    Figure("dial_backs_served", "dialled back", "Peers who asked to be dialled back.", "answer", "dialled back"),
    Figure("relay_used", "relays", "What was done with the help of relays, and to do without.", "what", "relays"),
    Figure("relay_served", "relayed", "What was given to others as a relay, refused and ended.", "what", "relay"),
    Figure("relay_served_bytes", "relayed for others", "Carried between others as a relay.", counted="relay bytes"),
    Figure(
        "meshes_empty",
        "empty meshes",
        "Heartbeats at which peers were in a topic and none in its mesh.",
        counted="heartbeats with an empty mesh",
    ),
    # What went wrong
    Figure("protocol_ignored", "ignored", "Parts of what peers sent, not looked at.", "reason", "ignored"),
    Figure("faults_caught", "caught", "Exceptions that peers and networks caused.", "type", "caught"),
    Figure("faults_unexpected", "faults", "Exceptions of ours, caught.", counted="unexpected faults"),
    # The process
    Figure("memory_bytes", "memory", "Memory in use (the resident set)."),
    Figure("file_descriptors", "file descriptors", "Open file descriptors."),
    Figure("tasks", "tasks", "Tasks of the service."),
    Figure("threads", "threads", "Threads of the process."),
    Figure("gc_collections", "garbage collections", "Runs of Python's garbage collector.", grows=True),
)


def count(counters: Mapping[str, int], figure: Figure) -> int | dict[str, int]:
    """Return the value of a counted figure, or its parts by their labels."""
    if not figure.label:
        return counters.get(figure.counted, 0)
    before = figure.counted + ": "
    others = {other.counted for other in FIGURES if other is not figure}
    return {
        name.removeprefix(before): value
        for name, value in counters.items()
        if name.startswith(before) and name not in others
    }


def markdown_table() -> str:
    """Return the table of docs/metrics.md."""
    rows = ["| Prometheus | JSON | what it is |", "|---|---|---|"]
    for figure in FIGURES:
        metric = f"py_peer_{figure.name}{'_total' * figure.is_counter}"
        labels = f"{{{figure.label}}}" * bool(figure.label)
        rows.append(f"| `{metric}{labels}` | `{figure.name}` | {figure.help} |")
    return "\n".join(rows) + "\n"
