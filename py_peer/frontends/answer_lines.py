"""The answers to commands, as the chat prints them: pure functions from reports and memory to lines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from py_peer.core.addresses import leads_through_relay, short_id, short_npub, without_peer_id
from py_peer.core.cleaning import clean_line
from py_peer.core.commands import MAX_WORD_CHARS
from py_peer.core.entries import Delivery, Kind
from py_peer.core.topics import shown_topic
from py_peer.core.transcript import MESSAGES
from py_peer.core.wrapping import wrap_lines
from py_peer.frontends.invite import invite_line, qr_lines
from py_peer.frontends.lines import MOST_MEANT, first_address, message_lines, remark, remarks, some

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from py_peer.core.entries import Entry
    from py_peer.core.events import PeerInfo, StatusReport
    from py_peer.core.roster import Roster
    from py_peer.core.transcript import Transcript

MOST_FOUND: Final = 100
"""Messages that /find shows, the latest."""


def peers_lines(report: StatusReport, columns: int | None = None) -> list[str]:
    """Return the answer to /peers on a screen of so many columns; None where nobody breaks lines."""
    if not report.peers:
        return ["📡 No peers connected"]
    rows = (f"  - {_peer(peer)}{'  ignored' * (peer.peer_id in report.ignored)}" for peer in report.peers)
    lines = [f"📡 Connected peers ({len(report.peers)}):", *rows]
    return lines if columns is None else [row for line in lines for row in wrap_lines(line, columns, "")]


def _identity(report: StatusReport) -> str:
    if report.is_test_key:
        return "a test key, which everybody can make"
    return f"kept in {report.identity}" if report.identity else "of this session alone"


def status_lines(report: StatusReport, columns: int | None = None, nick: Callable[[str], str] = short_id) -> list[str]:
    """Return the answer to /status; `nick` says what a peer is called."""
    lines = [
        "📊 Status:",
        f"  - Multiaddr: {first_address(report.addresses, report.peer_id)}",
        f"  - Nickname: {report.nickname}",
        f"  - Connected peers: {len(report.peers)}",
        f"  - Subscribed topics: {', '.join(report.topics)}",
        f"  - From the Internet: {_outside(report, nick)}",
        f"  - Peer ID: {report.peer_id}",
        f"  - Identity: {_identity(report)}",
        *([f"  - Nostr: {report.npub}"] if report.npub else []),
        f"  - In the room: {sum(peer.in_room for peer in report.peers)}",
    ]
    if others := report.addresses[1:]:
        lines.append("  - Also reached under, each with /p2p/ and the peer ID behind it:")
        plain = [without_peer_id(address) for address in others]
        # Nothing in them is a place to break at, so that their indent is kept here.
        lines += [
            f"    {row}" for one in plain for row in ([one] if columns is None else wrap_lines(one, columns - 4, ""))
        ]
    if text := remark(report.addresses):
        lines.insert(2, f"  - {text}")
    if report.waiting:
        lines.append(f"  - Waiting to be sent: {report.waiting}")
    if report.muted:
        lines.append(f"  - Muted: {_called(report.muted, nick)}")
    if report.ignored:
        lines.append(f"  - Ignored: {_called(report.ignored, nick)}")
    if report.banned:
        lines.append(f"  - Refused for a while: {_called(report.banned, nick)}")
    if report.kept_away:
        lines.append(f"  - Let go with /disconnect: {_called(report.kept_away, nick)}")
    if report.dialling:
        lines.append(f"  - Dialling: {some(report.dialling)}")
    if report.stock_net:
        lines.append("  - Network: py-libp2p's own classes, not py-peer's")
    return lines if columns is None else [row for line in lines for row in wrap_lines(line, columns, "")]


def _outside(report: StatusReport, nick: Callable[[str], str]) -> str:
    """Return how others reach us from outside of our network."""
    match report.reachability:
        case "public":
            return f"reachable at {without_peer_id(report.outside[0])}" if report.outside else "reachable"
        case "announced":
            return "announced; nobody has tried"
        case "private":
            return "private: nobody reaches us from outside"
        case "relayed":
            return f"relayed by {_called((report.relay,), nick)}"
    return "not known: too few have tried, or nobody"


def _called(peer_ids: tuple[str, ...], nick: Callable[[str], str]) -> str:
    """Return what peers are called, each with the end of its ID; of many, how many more there are."""
    names = ((nick(peer_id), short_id(peer_id)) for peer_id in peer_ids)
    return some(tuple(id8 if name == id8 else f"{name}({id8})" for name, id8 in names))


def multiaddr_lines(report: StatusReport) -> list[str]:
    """Return the answer to /multiaddr."""
    return [
        "📋 Copy this multiaddress:",
        first_address(report.addresses, report.peer_id),
        *remarks(report.addresses),
    ]


def invite_lines(report: StatusReport, columns: int | None) -> list[str]:
    """Return the answer to /invite on a screen of so many columns; None where nobody breaks lines."""
    if not report.addresses:
        return ["📡 There is no address to hand on"]
    line = invite_line(report.addresses[0])
    if told := remarks(report.addresses, columns):  # no camera's owner can use it
        return ["📋 Others on this machine join with:", line, *told]
    return ["📋 Others join with:", line, *qr_lines(report.addresses[0], columns)]


def ignored_lines(report: StatusReport, nick: Callable[[str], str] = short_id) -> list[str]:
    """Return the answer to /ignore alone; `nick` says what a peer is called."""
    fault = [f"❌ {report.ignored_fault}"] if report.ignored_fault else []
    if not report.ignored:
        return fault or ["📡 Nobody is ignored"]
    return [*fault, f"📡 Ignored ({len(report.ignored)}):", *(f"  - {nick(one)}  {one}" for one in report.ignored)]


def whois_lines(roster: Roster, word: str, columns: int | None = None) -> list[str]:
    """Return the answer to /whois."""
    lines = _whois(roster, word)
    return lines if columns is None else [row for line in lines for row in wrap_lines(line, columns, "")]


def _whois(roster: Roster, word: str) -> list[str]:
    found = roster.find(word)
    if len(found) != 1:
        return not_one_lines(roster, found, word)
    (peer_id,) = found
    name = roster.name(peer_id)
    head = [f"📡 {name.of(peer_id)}", f"  - Peer ID: {peer_id}"]
    if not name.plain:
        head.append("  - The name is not this peer's alone: the end of the ID goes beside it")
    row = roster.get(peer_id)
    if peer_id in roster.ignored:
        head.append("  - Ignored: /unignore shows again what this peer says")
    if npub := roster.npub(peer_id):
        head.append(f"  - Nostr: {npub}")
    if row is None:
        return [*head, "  - Not connected to us: the messages come through others"]
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.connected_since))
    facts = {
        "Found": row.found,
        "Address": row.address,
        "Connected": f"since {since}, {'by the peer' if row.inbound else 'by us'}",
        "Round trip": f"{row.rtt * 1000:.2f} ms" if row.rtt is not None else "",
        "Agent": row.agent_version,
        "In the room": "yes" if row.in_room else "no",
        "On topics": ", ".join(map(shown_topic, row.topics)),
    }
    return head + [f"  - {name}: {fact}" for name, fact in facts.items() if fact]


def not_one_lines(roster: Roster, found: Sequence[str], word: str) -> list[str]:
    """Return what is said when `word` means nobody, or all of the peers `found`."""
    if not found and roster.is_self(word):
        return ["📡 That is you"]
    if not found:
        called = clean_line(word, MAX_WORD_CHARS)
        return [f"📡 Nobody who is here or has spoken is called '{called}'; /peers lists who is connected"]
    shown = [f"  - {roster.nick(peer_id)}  {peer_id}" for peer_id in found[:MOST_MEANT]]
    more = [f"  … and {len(found) - MOST_MEANT} more"] * (len(found) > MOST_MEANT)
    return [f"📡 {len(found)} peers may be meant; take one's ID:", *shown, *more]


def last_messages_lines(transcript: Transcript, count: int, columns: int | None) -> list[str]:
    """Return the answer to /last."""
    entries = transcript.last(count)
    if not entries:
        return ["📡 No messages yet"]
    gone = transcript.forgotten if len(entries) < count else 0
    lines = [f"📡 {gone:,} older message(s) are no longer kept"] if gone else []
    return lines + [line for entry in entries for line in entry_lines(entry, columns)]


def found_lines(transcript: Transcript, text: str, columns: int | None) -> list[str]:
    """Return the answer to /find."""
    entries = [entry for number in transcript.find(text) if (entry := transcript.get(number)) is not None]
    found = [entry for entry in entries if entry.kind in MESSAGES]
    if not found:
        return [f"📡 No message holds '{clean_line(text, MAX_WORD_CHARS)}'"]
    older = len(found) - MOST_FOUND
    lines = [f"📡 {older:,} older message(s) hold it, too"] if older > 0 else []
    return lines + [line for entry in found[-MOST_FOUND:] for line in entry_lines(entry, columns)]


def entry_lines(entry: Entry, columns: int | None) -> list[str]:
    """Return a message of the transcript with its time."""
    clock = time.strftime("[%H:%M:%S]", time.localtime(entry.timestamp))
    clock = f"{clock} {shown_topic(entry.topic)}".rstrip()
    if entry.kind is Kind.OWN:
        state = {Delivery.WAITING: ", waiting", Delivery.REFUSED: ", not sent"}.get(entry.delivery or Delivery.SENT, "")
        who = f"{entry.author} (You{state})".lstrip()  # before the service is ready there is no name yet
        return message_lines(f"{clock} {who}: {entry.text}", columns)
    id8 = f"({short_id(entry.peer_id)})"
    return message_lines(f"{clock} [{entry.author.removesuffix(id8)}{id8}]: {entry.text}", columns)


def _peer(peer: PeerInfo) -> str:
    parts = [f"{short_id(peer.peer_id)}..."]
    if peer.nick != short_id(peer.peer_id):
        parts.append(peer.nick)
    if peer.rtt is not None:
        parts.append(f"{peer.rtt * 1000:.2f} ms")
    if leads_through_relay(peer.address):
        parts.append("relayed")
    if peer.npub:
        parts.append(short_npub(peer.npub))
    if peer.found:
        parts.append(peer.found)
    parts += map(shown_topic, peer.topics)
    if not peer.in_room:
        parts.append("not in the room")
    return "  ".join(parts)
