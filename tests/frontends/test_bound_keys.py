"""A peer and its Nostr key are shown as one, wherever a peer is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from py_peer.core.events import IgnoreList, MessageReceived, PeerConnected, PeerInfo, StatusReport
from py_peer.core.nostr_events import NostrBound, NostrHeard
from py_peer.core.roster import Roster
from py_peer.frontends.answer_lines import peers_lines, status_lines, whois_lines
from py_peer.frontends.lines import Narrator
from py_peer.frontends.printer import headless_lines
from py_peer.ui.peer_menu import details
from py_peer.ui.peers_panel import row_content

US, ANN = (f"12D3KooW{name * 11}" for name in ("UsUs", "AnnA"))
NPUB = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"
SHORT = "npub1…8qzvjptg"
INFO = PeerInfo(ANN, "Ann", "/ip4/127.0.0.1/tcp/1", False, True, 0.001, "", 0.0, npub=NPUB)
BOUND = NostrBound(ANN, NPUB)


@pytest.fixture
def roster() -> Roster:
    roster = Roster()
    for event in (PeerConnected(ANN, INFO.address, inbound=False), MessageReceived(ANN, "Ann", "hi", 0.0), BOUND):
        roster.tell(event, 0.0)
    return roster


def test_a_key_is_told_when_it_is_bound_and_when_it_is_not_any_more(roster: Roster) -> None:
    told = Narrator(roster=roster).lines([BOUND, NostrBound(ANN, "")])
    assert told == [
        f"📡 AnnAAnnA (Ann) is {NPUB} on Nostr: both keys have signed it",
        "📡 AnnAAnnA (Ann) has no Nostr key any more",
    ]
    assert headless_lines(BOUND) == [f"Nostr key of {ANN}: {NPUB}"]
    assert headless_lines(NostrBound(ANN, "")) == [f"Nostr key of {ANN}: none"]


def test_what_a_bound_key_has_signed_is_told_with_what_its_peer_is_called(roster: Roster) -> None:
    heard = NostrHeard("ws://a.example", "1" * 64, NPUB, 1, 0, "hi", "verified", f"verified: signed by {SHORT}")
    told = Narrator(roster=roster).lines([replace(heard, peer_id=ANN), heard])
    assert told == [
        f"🟣 [verified: signed by {SHORT}, that is AnnAAnnA (Ann)] hi",
        f"🟣 [verified: signed by {SHORT}] hi",
    ]


def test_of_strangers_and_of_who_is_ignored_nothing_is_told(roster: Roster) -> None:
    assert Narrator(roster=Roster()).lines([BOUND]) == []
    roster.tell(IgnoreList((ANN,)), 1.0)
    assert Narrator(roster=roster).lines([BOUND]) == []


def test_whois_has_the_key_and_finds_by_it(roster: Roster) -> None:
    for word in ("Ann", NPUB):
        assert f"  - Nostr: {NPUB}" in whois_lines(roster, word)
    roster.tell(NostrBound(ANN, ""), 1.0)
    assert not any("Nostr" in line for line in whois_lines(roster, "Ann"))


def test_lists_of_peers_have_the_end_of_the_key() -> None:
    report = StatusReport(1, US, "bob", (), (INFO,), ("chat",), 0, (), npub=NPUB)
    assert peers_lines(report)[1] == f"  - AnnAAnnA...  Ann  1.00 ms  {SHORT}"
    assert f"  - Nostr: {NPUB}" in status_lines(report)
    assert not any("Nostr" in line for line in status_lines(replace(report, npub="")))


def test_the_full_screen_has_it_where_there_is_room() -> None:
    assert NPUB in details(INFO, 1.0)
    assert SHORT in row_content(INFO, 60, 1.0, dark=True).plain
    for width in (20, 39):
        assert "npub" not in row_content(INFO, width, 1.0, dark=True).plain
        assert "Ann" in row_content(INFO, width, 1.0, dark=True).plain
