"""Events as lines: the texts that users and their scripts know, exactly."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from py_peer.core.commands import commands_line
from py_peer.core.entries import Delivery, Entry, Kind
from py_peer.core.events import (
    AddressesChanged,
    Answer,
    DialFailed,
    DiscoveryReport,
    Dropped,
    Event,
    Failed,
    FailureKind,
    Identified,
    IgnoreList,
    KademliaBootstrap,
    MessageReceived,
    MessageRefused,
    MessageSent,
    MessageWaiting,
    NickLearned,
    NicknameChanged,
    Notice,
    PeerBanned,
    PeerConnected,
    PeerDisconnected,
    PeerFound,
    PeerInfo,
    PeerJoined,
    PeerLeft,
    PeerMoved,
    PeerMuted,
    PeerUnmuted,
    Pinged,
    ReachabilityChanged,
    SendProgress,
    Started,
    Statistics,
    StatusReport,
    Stopped,
)
from py_peer.core.roster import Roster
from py_peer.core.transcript import Transcript
from py_peer.frontends.answer_lines import (
    entry_lines,
    found_lines,
    invite_lines,
    last_messages_lines,
    multiaddr_lines,
    peers_lines,
    status_lines,
    whois_lines,
)
from py_peer.frontends.lines import HERE_ALONE, NO_NETWORK, Narrator, banner, event_lines, sentence, unsent_line
from py_peer.frontends.printer import headless_lines
from tests.frontends.fakes import ADDRESS, ANN, READY, US

ID8 = ANN[-8:]
RELAYED = f"/ip4/192.0.2.9/tcp/1/p2p/{ANN}/p2p-circuit/p2p/{US}"
REPORT = StatusReport(1, US, "bob", (ADDRESS, "/ip6/::1/tcp/4001"), (), ("chat", "discovery"), 0, ())

INTERACTIVE = [
    (Started(US), []),
    (
        READY,
        [
            "=== Universal Connectivity Chat ===",
            "Nickname: bob",
            f"Peer ID: {US}",
            f"Multiaddr: {ADDRESS}",
            "Type messages and press Enter to send. Type 'quit' to exit.",
            commands_line(),
            "📡 Joined chat room as 'bob'",
        ],
    ),
    (PeerConnected(ANN, "/ip4/127.0.0.1/tcp/1", inbound=True), [f"📡 Connected to peer: {ID8}"]),
    (PeerJoined(ANN, 1), [f"📡 Peer joined: {ID8}"]),
    (PeerLeft(ANN, 0), [f"📡 Peer left: {ID8}"]),
    (PeerDisconnected(ANN), [f"📡 Disconnected from peer: {ID8}"]),
    (PeerMoved(ANN, ADDRESS, inbound=True), []),
    (DialFailed("/ip4/127.0.0.1/tcp/1", "refused"), ["📡 Failed to connect to /ip4/127.0.0.1/tcp/1: refused"]),
    (MessageReceived(ANN, "Ann", "hello", 0.0), [f"[Ann({ID8})]: hello"]),
    (MessageSent(1, "hello", 3, 0.0), ["✓ Message sent to 3 peer(s)"]),
    (MessageWaiting(1, 2), ["⚠️  No peers connected - 2 message(s) will be sent when one comes"]),
    (MessageRefused(1, "hello", "too much"), ["❌ Message not sent: too much"]),
    (SendProgress(250, 500), ["📡 Sending: 250 message(s) are out, 250 wait for their turn"]),
    (PeerMuted(ANN, 30.0), [f"📡 Muted for 30 s for saying too much at once: {ID8}"]),
    (PeerUnmuted(ANN, 7), [f"📡 Heard again: {ID8}; 7 message(s) of this peer were not shown"]),
    (Dropped(5, "events"), ["📡 Lost: 5 (events)"]),
    (KademliaBootstrap(3), ["📡 Kademlia bootstrap done: 3 peer(s) in the routing table"]),
    (KademliaBootstrap(0, "nobody"), ["📡 Kademlia bootstrap failed: nobody"]),
    (Notice("the log cannot be written"), ["📡 the log cannot be written"]),
    (Notice("❌ Error sending message: no"), ["❌ Error sending message: no"]),
    (Answer(1, "Done"), ["📡 Done"]),
    (Answer(1, "Nobody is there", failed=True), ["❌ Nobody is there"]),
    (PeerBanned(ANN, 600.0, "garbage"), [f"📡 Let go and refused for 10 min: {ID8}, because garbage"]),
    (IgnoreList((ANN,)), []),
    (Identified(ANN, "ipfs/0.1.0", "js", ("/ping",)), []),
    (Pinged(ANN, 0.002), []),
    (NickLearned(ANN, "Ann", plain=True), []),
    (NicknameChanged("rob"), []),
    (PeerFound(ANN, "by mDNS", ()), [f"📡 Found {ANN[-8:]} by mDNS"]),
    (AddressesChanged((ADDRESS, "/ip6/::1/tcp/4001")), [f"📡 The network has changed; others reach you at {ADDRESS}"]),
    (ReachabilityChanged("public", (ADDRESS,)), ["📡 Others on the Internet reach you"]),
    (
        ReachabilityChanged("announced"),
        ["📡 Others are told the address that you announce; nobody has tried yet whether it leads to you"],
    ),
    (ReachabilityChanged("private"), ["📡 Nobody on the Internet reaches you: a router or a firewall is in between"]),
    (ReachabilityChanged("relayed", (), ANN), [f"📡 Others on the Internet reach you through the relay {ID8}"]),
    (ReachabilityChanged("public", (ADDRESS,), previous="public"), []),
    (
        ReachabilityChanged("unknown", previous="public"),
        ["📡 It is not known any more whether others on the Internet reach you"],
    ),
    (Failed(FailureKind.FAULT, "why"), []),
    (Stopped(0, reached=False), []),
]

HEADLESS = [
    (Started(US), [f"Local peer id: {US}"]),
    (READY, [f"Listening on: {ADDRESS}"]),
    (PeerConnected(ANN, "/ip4/127.0.0.1/tcp/1", inbound=True), [f"Connected to: {ANN} via /ip4/127.0.0.1/tcp/1"]),
    (PeerDisconnected(ANN), [f"Disconnected from: {ANN}"]),
    (PeerJoined(ANN, 1), [f"Peer joined: {ANN}"]),
    (PeerLeft(ANN, 0), [f"Peer left: {ANN}"]),
    (
        Identified(ANN, "ipfs/0.1.0", "js/1", ("/ping", "/id")),
        [f"Received identify from {ANN}: protocol_version: ipfs/0.1.0, agent_version: js/1, 2 protocols"],
    ),
    (Pinged(ANN, 0.0016), [f"Received a ping from {ANN}, round trip time: 2 ms"]),
    (MessageReceived(ANN, "Ann", "hello", 0.0), [f"Received chat message from {ANN}: hello"]),
    (NickLearned(ANN, "Ann", plain=True), [f"Nickname of {ANN}: Ann"]),
    (NickLearned(ANN, "Anna", plain=True, previous="Ann"), [f"Nickname of {ANN}: Anna (was Ann)"]),
    (KademliaBootstrap(3), ["Kademlia bootstrap done: 3 peer(s) in the routing table"]),
    (KademliaBootstrap(0, "nobody"), ["Kademlia bootstrap failed: nobody"]),
    (DialFailed("/ip4/127.0.0.1/tcp/1", "refused"), ["Failed to connect to /ip4/127.0.0.1/tcp/1: refused"]),
    (PeerFound(ANN, "by mDNS", ()), [f"Found: {ANN} by mDNS"]),
    (AddressesChanged((ADDRESS,)), [f"The network has changed; others reach you at {ADDRESS}"]),
    (Notice("a word"), ["a word"]),
    (MessageSent(1, "hello", 3, 0.0), []),
]


HERE = f"/ip4/127.0.0.1/tcp/4001/p2p/{US}"
NEW, OLD = f"/ip4/192.0.2.8/tcp/4001/p2p/{US}", f"/ip6/2001:db8::7/tcp/4001/p2p/{US}"


@pytest.mark.parametrize(
    ("before", "now", "says"),
    [
        ((HERE,), (ADDRESS, HERE), f"others reach you at {ADDRESS}"),
        ((ADDRESS, HERE), (NEW, HERE), f"others reach you at {NEW}"),
        ((ADDRESS, OLD, HERE), (OLD, HERE), f"others reach you at {OLD}"),
        ((ADDRESS, HERE), (ADDRESS, NEW, HERE), "others reach you at /ip4/192.0.2.8/tcp/4001, too"),
        ((ADDRESS, OLD, HERE), (ADDRESS, HERE), "no longer at /ip6/2001:db8::7/tcp/4001"),
        (
            (ADDRESS, OLD, HERE),
            (ADDRESS, NEW, HERE),
            "others reach you at /ip4/192.0.2.8/tcp/4001, too, and no longer at /ip6/2001:db8::7/tcp/4001",
        ),
        (
            (ADDRESS,),
            (ADDRESS, *(f"/ip4/192.0.2.{number}/tcp/1" for number in range(9, 14))),
            "others reach you at /ip4/192.0.2.9/tcp/1, /ip4/192.0.2.10/tcp/1, /ip4/192.0.2.11/tcp/1 and 2 more, too",
        ),
    ],
)
def test_of_a_change_of_the_network_it_is_told_what_matters_to_others(
    before: tuple[str, ...], now: tuple[str, ...], says: str
) -> None:
    assert sentence(AddressesChanged(now, before)) == f"The network has changed; {says}"


def test_other_names_in_the_certificate_are_no_change_of_the_network() -> None:
    old, new = "/dns/old.example/tcp/1/tls/ws", "/dns/new.example/tcp/1/tls/ws"
    said = sentence(AddressesChanged((ADDRESS, new), (ADDRESS, old)))
    assert said == f"Your certificate is for other names; others reach you at {new}, too, and no longer at {old}"


@pytest.mark.parametrize("addresses", [(), (HERE,), (HERE, "/ip6/::1/tcp/4001")])
def test_a_network_that_has_gone_leaves_no_address_to_hand_on(addresses: tuple[str, ...]) -> None:
    assert sentence(AddressesChanged(addresses, (ADDRESS, HERE))) == NO_NETWORK


def test_what_matters_to_nobody_else_is_not_told() -> None:
    assert not sentence(AddressesChanged((ADDRESS, HERE, "/ip6/::1/tcp/4001"), (ADDRESS, HERE)))
    assert not sentence(AddressesChanged((HERE, "/ip6/::1/tcp/4001"), (HERE,)))
    assert not sentence(AddressesChanged((RELAYED, ADDRESS, HERE), (ADDRESS, HERE)))  # the place at the relay is told
    assert not sentence(AddressesChanged((HERE,), (RELAYED, HERE)))


def test_an_address_of_this_machine_alone_is_said_to_be_that_and_is_no_code_for_a_camera() -> None:
    report = replace(REPORT, addresses=(HERE,))
    assert banner(replace(READY, addresses=(HERE,)))[-1] == f"📡 {HERE_ALONE}"
    assert status_lines(report)[1:3] == [f"  - Multiaddr: {HERE}", f"  - {HERE_ALONE}"]
    assert multiaddr_lines(report)[1:] == [HERE, f"📡 {HERE_ALONE}"]
    assert invite_lines(report, None) == [
        "📋 Others on this machine join with:",
        f"py-peer -c {HERE}",
        f"📡 {HERE_ALONE}",
    ]


@pytest.mark.parametrize(("event", "lines"), INTERACTIVE, ids=lambda value: type(value).__name__)
def test_the_chat_tells_each_event_in_the_known_words(event: Event, lines: list[str]) -> None:
    assert Narrator().lines([event]) == lines


@pytest.mark.parametrize(("event", "lines"), HEADLESS, ids=lambda value: type(value).__name__)
def test_headless_prints_the_lines_that_scripts_wait_for(event: Event, lines: list[str]) -> None:
    assert headless_lines(event) == lines


def test_every_event_type_has_been_thought_of() -> None:
    # By name: a dataclass with slots is made twice, and both are subclasses.
    kinds = [kind for kind in Event.__subclasses__() if kind.__module__.startswith("py_peer.core.events.")]
    asked = {kind.__name__ for kind in (StatusReport, Statistics, DiscoveryReport)}  # shown by their askers
    known = {kind.__name__ for kind in kinds} - asked
    assert {type(event).__name__ for event, _ in INTERACTIVE} == known


def test_no_further_line_of_a_message_can_pass_for_a_line_of_the_program() -> None:
    message = MessageReceived(ANN, "Ann", "hi\n[Eve(12345678)]: forged\nGoodbye!", 0.0)
    for line in (*event_lines(message), *headless_lines(message)):
        assert [part.startswith("    ") for part in line.split("\n")] == [False, True, True]


def test_who_was_in_the_room_leaves_once() -> None:
    narrator = Narrator()
    told = narrator.lines(
        [
            PeerConnected(ANN, "/ip4/127.0.0.1/tcp/1", inbound=False),
            PeerJoined(ANN, 1),
            PeerLeft(ANN, 0),
            PeerDisconnected(ANN),
        ]
    )
    assert told == [f"📡 Connected to peer: {ID8}", f"📡 Peer joined: {ID8}", f"📡 Peer left: {ID8}"]
    assert narrator.lines([PeerDisconnected(ANN)]) == [f"📡 Disconnected from peer: {ID8}"]


def narrated(*batches: list[Event]) -> list[str]:
    """Return what a chat tells of batches of events, each known whole before it is told."""
    roster = Roster()
    narrator = Narrator(roster=roster)
    lines: list[str] = []
    for batch in batches:
        for event in batch:
            roster.tell(event, 0.0)
        lines += narrator.lines(batch)
    return lines


def test_who_joins_is_told_by_name_together_with_it_or_in_a_line_after_it() -> None:
    name = NickLearned(ANN, "Ann", plain=True)
    assert narrated([PeerJoined(ANN, 1), name]) == [f"📡 Peer joined: {ID8} (Ann)"]
    assert narrated([PeerJoined(ANN, 1)], [name], [name], [PeerLeft(ANN, 0)]) == [
        f"📡 Peer joined: {ID8}",
        f"📡 {ID8} is called Ann",
        f"📡 Peer left: {ID8} (Ann)",
    ]


def test_a_new_name_of_somebody_who_is_there_is_told_and_of_strangers_none() -> None:
    new = NickLearned(ANN, "Anna", True, "Ann", 3)
    assert narrated([new]) == []
    assert narrated([MessageReceived(ANN, "Ann", "hi", 0.0)], [new])[1:] == [
        f"📡 Ann({ID8}) is now called Anna, after 3 more names"
    ]


def test_a_name_that_is_not_the_peers_alone_is_shown_with_the_id_once() -> None:
    roster = Roster()
    roster.tell(MessageReceived(ANN, "Ann", "hi", 0.0, plain=False), 0.0)
    assert whois_lines(roster, f"Ann({ID8})")[0] == f"📡 Ann({ID8})"
    said = Entry(0, Kind.SAID, 0.0, "hi", f"Ann({ID8})", ANN)
    assert entry_lines(said, None)[0].endswith(f" [Ann({ID8})]: hi")


def test_of_many_texts_that_wait_the_count_is_said_once() -> None:
    events = [MessageWaiting(1, 1), MessageWaiting(2, 2), PeerJoined(ANN, 1), MessageWaiting(3, 3)]
    assert Narrator().lines(events) == [
        "⚠️  No peers connected - 2 message(s) will be sent when one comes",
        f"📡 Peer joined: {ID8}",
        "⚠️  No peers connected - 3 message(s) will be sent when one comes",
    ]


def test_peers_lists_everybody_or_nobody() -> None:
    assert peers_lines(REPORT) == ["📡 No peers connected"]
    ann = PeerInfo(ANN, "Ann", "/ip4/127.0.0.1/tcp/1", True, True, 0.0012, "js", 0.0)
    quiet = PeerInfo(US, US[-8:], "/ip4/127.0.0.1/tcp/2", False, False, None, "js", 0.0, found="by mDNS")
    report = StatusReport(1, US, "bob", (ADDRESS,), (ann, quiet), ("chat",), 0, ())
    assert peers_lines(report) == [
        "📡 Connected peers (2):",
        f"  - {ID8}...  Ann  1.20 ms",
        f"  - {US[-8:]}...  by mDNS  not in the room",
    ]
    assert peers_lines(report, 30)[-2:] == [f"  - {US[-8:]}...  by mDNS  not", "    in the room"]
    far = replace(ann, address=RELAYED.removesuffix(f"/p2p/{US}"))
    assert peers_lines(replace(report, peers=(far,)))[1] == f"  - {ID8}...  Ann  1.20 ms  relayed"


def test_status_begins_with_the_known_lines_and_may_say_more() -> None:
    report = StatusReport(1, US, "bob", REPORT.addresses, (), REPORT.topics, 4, (ANN,))
    lines = status_lines(report)
    assert lines[:5] == [
        "📊 Status:",
        f"  - Multiaddr: {ADDRESS}",
        "  - Nickname: bob",
        "  - Connected peers: 0",
        "  - Subscribed topics: chat, discovery",
    ]
    assert lines[-2:] == ["  - Waiting to be sent: 4", f"  - Muted: {ID8}"]
    test_key = replace(report, identity="", is_test_key=True)
    assert "  - Identity: a test key, which everybody can make" in status_lines(test_key)
    assert status_lines(replace(report, stock_net=True))[-1] == "  - Network: py-libp2p's own classes, not py-peer's"


def test_status_shows_other_addresses_without_what_all_end_with() -> None:
    lines = status_lines(replace(REPORT, addresses=(ADDRESS, f"/ip4/192.0.2.7/udp/1/quic-v1/p2p/{US}", RELAYED)))
    begin = lines.index("  - Also reached under, each with /p2p/ and the peer ID behind it:")
    assert lines[begin + 1 : begin + 3] == [
        "    /ip4/192.0.2.7/udp/1/quic-v1",
        f"    /ip4/192.0.2.9/tcp/1/p2p/{ANN}/p2p-circuit",
    ]
    assert not [line for line in status_lines(replace(REPORT, addresses=(ADDRESS,))) if "Also" in line]
    narrow = status_lines(replace(REPORT, addresses=(ADDRESS, RELAYED)), columns=40)
    begin = next(number for number, line in enumerate(narrow) if line.startswith("    /ip4/192.0.2.9"))
    assert all(line.startswith("    ") for line in narrow[begin : begin + 3])
    assert "" not in narrow


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ({}, "not known: too few have tried, or nobody"),
        ({"reachability": "private"}, "private: nobody reaches us from outside"),
        ({"reachability": "public", "outside": (ADDRESS,)}, f"reachable at {ADDRESS.partition('/p2p/')[0]}"),
        ({"reachability": "public"}, "reachable"),
        ({"reachability": "announced"}, "announced; nobody has tried"),
        ({"reachability": "relayed", "outside": (ADDRESS,), "relay": ANN}, f"relayed by Ann({ID8})"),
    ],
)
def test_status_says_how_others_reach_us_from_outside(found: dict[str, Any], says: str) -> None:
    report = replace(REPORT, **found)
    assert f"  - From the Internet: {says}" in status_lines(report, None, lambda _: "Ann")


def test_status_names_who_is_muted_and_of_many_tells_how_many_more() -> None:
    report = StatusReport(1, US, "bob", REPORT.addresses, (), REPORT.topics, 0, (ANN,) * 12, banned=(ANN,))
    assert status_lines(report, None, lambda _: "Ann")[-2:] == [
        f"  - Muted: {', '.join([f'Ann({ID8})'] * 10)} and 2 more",
        f"  - Refused for a while: Ann({ID8})",
    ]


def test_on_a_narrow_screen_what_follows_stands_under_the_text_not_left_of_the_label() -> None:
    lines = status_lines(REPORT, 48)
    assert all(len(line) <= 48 for line in lines)
    assert all(line.startswith(("📊", "  - ", "    ")) for line in lines)
    assert "".join(line.strip() for line in lines).count(ADDRESS) == 1


@pytest.mark.parametrize("columns", [36, 48, 80])
def test_on_a_narrow_screen_what_the_program_says_is_broken_between_words_and_what_is_copied_is_not(
    columns: int,
) -> None:
    lines = event_lines(READY, columns)
    assert f"Multiaddr: {ADDRESS}" in lines
    assert f"Peer ID: {US}" in lines
    said = "The quick brown fox jumps over the lazy dog, " * 3
    for event in (Notice(said), Answer(1, said), MessageRefused(1, "", said), DialFailed("/ip4/192.0.2.7", said)):
        lines += event_lines(event, columns)
    lines += Narrator(lambda: columns).lines([MessageWaiting(1, 3), MessageSent(1, "", 3, 0.0)])
    told = [line for line in lines if US not in line]
    assert max(map(len, told)) <= columns
    assert {"jumps", "/discover,", "message(s)"} <= set(" ".join(told).split())


def test_the_multiaddress_stands_alone_on_its_line() -> None:
    assert multiaddr_lines(REPORT) == ["📋 Copy this multiaddress:", ADDRESS]
    early = StatusReport(1, US, "bob", (), (), (), 0, ())
    assert multiaddr_lines(early)[1] == f"unknown/{US}"


def test_without_an_address_there_is_no_invitation() -> None:
    early = StatusReport(1, US, "bob", (), (), (), 0, ())
    assert invite_lines(early, None) == ["📡 There is no address to hand on"]


def test_all_that_is_known_of_a_peer_is_told() -> None:
    since = time.mktime((2026, 3, 5, 12, 0, 0, 0, 0, -1))
    roster = Roster()
    roster.tell(PeerConnected(ANN, "/ip4/127.0.0.1/tcp/1", inbound=True), since)
    assert whois_lines(roster, ID8) == [
        f"📡 {ID8}",
        f"  - Peer ID: {ANN}",
        "  - Address: /ip4/127.0.0.1/tcp/1",
        "  - Connected: since 2026-03-05 12:00:00, by the peer",
        "  - In the room: no",
    ]
    for event in (
        PeerFound(ANN, "by mDNS", ()),
        PeerJoined(ANN, 1),
        Pinged(ANN, 0.0012),
        Identified(ANN, "", "js/1", ()),
        MessageReceived(ANN, "Ann", "hi", 0.0),
    ):
        roster.tell(event, since)
    assert whois_lines(roster, "ann") == [
        "📡 Ann",
        f"  - Peer ID: {ANN}",
        "  - Found: by mDNS",
        "  - Address: /ip4/127.0.0.1/tcp/1",
        "  - Connected: since 2026-03-05 12:00:00, by the peer",
        "  - Round trip: 1.20 ms",
        "  - Agent: js/1",
        "  - In the room: yes",
    ]


def test_the_long_address_of_who_is_relayed_goes_on_in_a_second_row() -> None:
    roster = Roster()
    roster.tell(PeerConnected(ANN, RELAYED.removesuffix(f"/p2p/{US}"), inbound=True), 0.0)
    rows = whois_lines(roster, ID8, 80)
    assert max(map(len, rows)) <= 80
    assert "".join(row.strip() for row in rows).count("/p2p-circuit") == 1


def test_who_is_only_heard_through_others_is_told_so() -> None:
    roster = Roster()
    roster.tell(MessageReceived(ANN, "Ann", "hi", 0.0), 0.0)
    assert whois_lines(roster, "Ann")[-1] == "  - Not connected to us: the messages come through others"


def test_several_who_may_be_meant_are_listed_up_to_a_few() -> None:
    roster = Roster()
    for number in range(12):
        roster.tell(MessageReceived(f"12D3KooW{number:08}", "Ann", "hi", 0.0), 0.0)
    lines = whois_lines(roster, "Ann")
    assert lines[0] == "📡 12 peers may be meant; take one's ID:"
    assert lines[1] == "  - Ann  12D3KooW00000011"
    assert lines[-1] == "  … and 2 more"
    assert len(lines) == 12


def test_what_became_of_an_own_text_stands_beside_the_name() -> None:
    for delivery, state in ((Delivery.SENT, ""), (Delivery.WAITING, ", waiting"), (Delivery.REFUSED, ", not sent")):
        entry = Entry(1, Kind.OWN, 0.0, "one\ntwo", "bob", delivery=delivery)
        first, second = "\n".join(entry_lines(entry, None)).split("\n")
        assert first.endswith(f"] bob (You{state}): one")
        assert second == "    two"
    early = Entry(1, Kind.OWN, 0.0, "hello", delivery=Delivery.WAITING)
    assert entry_lines(early, None)[0].endswith("] (You, waiting): hello")


def test_it_is_told_when_older_messages_are_there_or_gone() -> None:
    transcript = Transcript(150, 10_000)
    transcript.put([Entry(number, Kind.SAID, 0.0, "hello", "Ann", ANN) for number in range(160)])
    assert last_messages_lines(transcript, 150, None)[0].startswith("[")
    assert last_messages_lines(transcript, 151, None)[0] == "📡 10 older message(s) are no longer kept"
    found = found_lines(transcript, "HELL", None)
    assert found[0] == "📡 50 older message(s) hold it, too"
    assert len(found) == 101


def test_what_was_not_sent_is_counted() -> None:
    assert unsent_line(3, reached=True) == "⚠️  Not sent: 3 message(s)"
    assert unsent_line(1, reached=False) == "⚠️  Not sent: 1 message(s) - nobody was there"


def test_on_a_terminal_a_long_message_does_not_come_back_to_column_0() -> None:
    message = MessageReceived(ANN, "Ann", "hi" + " " * 60 + "📡 Peer left: 12345678", 0.0)
    assert event_lines(message, 40) == [f"[Ann({ID8})]: hi", "    📡 Peer left: 12345678"]
    assert all(line.startswith("    ") for line in headless_lines(message, 40)[1:])


@pytest.mark.parametrize("columns", [None, 40])
def test_a_message_of_ten_thousand_lines_is_cut_and_that_is_said(columns: int | None) -> None:
    message = MessageReceived(ANN, "Ann", "a" + "\n" * 10_000, 0.0)
    lines = "\n".join(event_lines(message, columns)).split("\n")
    assert len(lines) == 1_001
    assert lines[-1] == "    [… 9,001 more lines not shown]"
