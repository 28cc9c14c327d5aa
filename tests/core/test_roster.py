"""Who is there, from events alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.events import (
    Event,
    Failed,
    FailureKind,
    Identified,
    MessageReceived,
    NickLearned,
    NicknameChanged,
    PeerConnected,
    PeerDisconnected,
    PeerFound,
    PeerInfo,
    PeerJoined,
    PeerLeft,
    PeerMoved,
    Pinged,
    Ready,
    Started,
    StatusReport,
    Stopped,
)
from py_peer.core.limits import KNOWN_SPEAKERS
from py_peer.core.nostr_events import NostrBound
from py_peer.core.roster import Roster, State
from py_peer.core.topic_events import TopicJoined, TopicLeft, TopicPeerJoined, TopicPeerLeft
from py_peer.core.topics import ROOM_TOPIC

US, ANN, BOB, EVE = (f"12D3KooW{name * 8}" for name in ("UsUs", "AnnA", "BobB", "EveE"))
HERE = "/ip4/127.0.0.1/tcp/1"
READY = Ready(US, "us", ())


def after(*events: Event, now: float = 10.0) -> Roster:
    roster = Roster()
    for event in events:
        roster.tell(event, now)
    return roster


def report(*peers: PeerInfo) -> StatusReport:
    return StatusReport(1, US, "us", (), peers, (), 0, ())


# --- The peers ------------------------------------------------------------------------------------


def test_a_peer_is_all_that_was_told_of_it() -> None:
    roster = after(
        PeerConnected(ANN, HERE, inbound=True),
        Identified(ANN, "ipfs/0.1.0", "go/1", ()),
        Pinged(ANN, 0.002),
        PeerJoined(ANN, 1),
        MessageReceived(ANN, "Ann", "hi", 0.0),
    )
    assert roster.rows() == (PeerInfo(ANN, "Ann", HERE, True, True, 0.002, "go/1", 10.0),)
    assert roster.room_size == 1


def test_who_moves_from_a_relay_to_a_direct_connection_is_where_it_is_now() -> None:
    roster = after(
        PeerConnected(ANN, f"/ip4/192.0.2.9/tcp/1/p2p/{BOB}/p2p-circuit", inbound=True),
        PeerMoved(ANN, HERE, inbound=False),
    )
    assert [(peer.address, peer.inbound) for peer in roster.rows()] == [(HERE, False)]


def test_until_a_peer_speaks_it_is_called_by_its_id() -> None:
    roster = after(PeerConnected(ANN, HERE, inbound=False))
    assert [peer.nick for peer in roster.rows()] == [ANN[-8:]]
    assert roster.nick(BOB) == BOB[-8:]


def test_a_peer_that_comes_back_still_has_its_nickname() -> None:
    connected = PeerConnected(ANN, HERE, inbound=False)
    roster = after(connected, MessageReceived(ANN, "Ann", "hi", 0.0), PeerDisconnected(ANN), connected)
    assert [peer.nick for peer in roster.rows()] == ["Ann"]


def test_who_is_in_the_room_comes_first_and_then_the_alphabet_decides() -> None:
    connected = [PeerConnected(peer, HERE, inbound=False) for peer in (ANN, BOB, EVE)]
    heard = [
        MessageReceived(ANN, "zoe", "hi", 0.0),
        MessageReceived(BOB, "Bob", "hi", 0.0),
        MessageReceived(EVE, "ann", "hi", 0.0),
    ]
    roster = after(*connected, *heard, PeerJoined(ANN, 1), PeerJoined(BOB, 2))
    assert [peer.nick for peer in roster.rows()] == ["Bob", "zoe", "ann"]
    roster.tell(PeerLeft(BOB, 1), 11.0)
    assert [peer.nick for peer in roster.rows()] == ["zoe", "ann", "Bob"]


def test_news_of_a_peer_that_is_gone_brings_nobody_back() -> None:
    assert after(PeerLeft(ANN, 0), Pinged(ANN, 0.1), Identified(ANN, "", "", ()), PeerDisconnected(ANN)).rows() == ()


def test_who_is_on_a_topic_is_known_from_when_we_join_it_until_we_leave_it() -> None:
    roster = after(
        *(PeerConnected(peer_id, HERE, inbound=True) for peer_id in (ANN, BOB, EVE)),
        PeerJoined(ANN, 1),
        TopicJoined(1, "news", 1, (BOB,)),
        TopicPeerJoined("news", EVE, 2),
        TopicPeerJoined("sport", EVE, 1),
        TopicPeerJoined("news", "somebody who has gone", 3),
    )

    def there(topic: str) -> set[str]:
        return {peer.peer_id for peer in roster.rows(topic) if peer.in_room}

    assert [there(topic) for topic in ("news", "sport", ROOM_TOPIC)] == [{BOB, EVE}, {EVE}, {ANN}]
    assert roster.rows("news")[0].in_room
    roster.tell(TopicPeerLeft("news", BOB, 1), 10.0)
    assert there("news") == {EVE}
    roster.tell(TopicLeft(2, "news"), 10.0)
    assert [there(topic) for topic in ("news", "sport")] == [set(), {EVE}]


def test_after_a_loss_a_report_puts_it_right() -> None:
    roster = after(PeerConnected(ANN, HERE, inbound=False), MessageReceived(BOB, "Bob", "hi", 0.0))
    bob = PeerInfo(BOB, BOB[-8:], HERE, False, True, 0.1, "js", 5.0)
    roster.tell(report(bob), 11.0)
    assert roster.rows() == (PeerInfo(BOB, "Bob", HERE, False, True, 0.1, "js", 5.0),)


# --- The user's own state -------------------------------------------------------------------------

FAILED = Failed(FailureKind.CANNOT_LISTEN, "taken")


@pytest.mark.parametrize(
    ("events", "state", "size"),
    [
        ([], State.STARTING, 0),
        ([Started(US)], State.STARTING, 0),
        ([READY], State.ALONE, 0),
        ([READY, PeerConnected(ANN, HERE, inbound=False)], State.ALONE, 0),
        ([READY, PeerJoined(ANN, 1)], State.READY, 1),
        ([READY, PeerJoined(ANN, 1), PeerJoined(BOB, 2)], State.READY, 2),
        ([READY, PeerJoined(ANN, 1), PeerLeft(ANN, 0)], State.ALONE, 0),
        ([READY, PeerJoined(ANN, 1), PeerDisconnected(ANN)], State.ALONE, 0),
        ([READY, PeerJoined(ANN, 1), Stopped(0, reached=True)], State.LEAVING, 1),
        ([FAILED], State.FAILED, 0),
        ([FAILED, Stopped(0, reached=False)], State.FAILED, 0),
    ],
)
def test_the_user_sees_how_they_stand(events: list[Event], state: State, size: int) -> None:
    roster = after(*events)
    assert (roster.state, roster.room_size) == (state, size)


def test_who_named_a_peer_is_connecting_until_it_is_there_and_reconnecting_when_it_has_gone() -> None:
    roster = Roster(named=True)
    states = []
    for event in (READY, PeerJoined(ANN, 1), PeerLeft(ANN, 0)):
        roster.tell(event, 0.0)
        states.append(roster.state)
    assert states == [State.STARTING, State.READY, State.RECONNECTING]


# --- Who is meant ---------------------------------------------------------------------------------


@pytest.fixture
def three() -> Roster:
    """Ann and Bob, who are connected, and Eve, who is heard through others."""
    return after(
        PeerConnected(ANN, HERE, inbound=False),
        PeerConnected(BOB, HERE, inbound=False),
        MessageReceived(ANN, "Ann", "hi", 0.0),
        MessageReceived(EVE, "Eve", "hi", 0.0),
    )


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("ann", [ANN]),
        ("@Ann", [ANN]),
        (ANN, [ANN]),
        (ANN[-8:], [ANN]),
        (BOB[:14].lower(), [BOB]),
        (BOB[-5:], [BOB]),
        ("eve", [EVE]),
        ("12D3KooW", [ANN, BOB, EVE]),
        ("An", []),
        ("bB", []),
        ("", []),
        ("nobody", []),
    ],
)
def test_a_peer_is_found_by_its_name_or_a_part_of_its_id(three: Roster, word: str, found: list[str]) -> None:
    assert three.find(word) == found


def test_a_nickname_that_is_the_short_id_of_another_does_not_stand_for_it(three: Roster) -> None:
    three.tell(MessageReceived(EVE, BOB[-8:], "I am Bob", 0.0), 11.0)
    assert three.find(BOB[-8:]) == [BOB]


@pytest.mark.parametrize("part", [BOB[:32], BOB[:16].lower(), BOB[-12:]])
def test_a_nickname_that_is_a_part_of_anothers_id_may_mean_both(three: Roster, part: str) -> None:
    three.tell(MessageReceived(EVE, part, "I am Bob", 0.0, plain=False), 11.0)
    assert three.find(part) == [BOB, EVE]
    assert three.find(f"{part}({EVE[-8:]})") == [EVE]


def test_a_nickname_that_is_a_short_part_of_anothers_id_is_a_nickname(three: Roster) -> None:
    three.tell(MessageReceived(EVE, BOB[-5:], "hi", 0.0), 11.0)
    assert three.find(BOB[-5:]) == [EVE]


def test_two_of_one_nickname_are_both_meant(three: Roster) -> None:
    three.tell(MessageReceived(EVE, "ANN", "hi", 0.0), 11.0)
    assert three.find("Ann") == [ANN, EVE]


def test_a_name_is_known_before_anybody_speaks_and_after_he_has_gone(three: Roster) -> None:
    three.tell(NickLearned(BOB, "Bob", plain=True), 11.0)
    row = three.get(BOB)
    assert row is not None
    assert (row.nick, row.plain) == ("Bob", True)
    three.tell(PeerDisconnected(BOB), 12.0)
    assert three.called(BOB) == f"{BOB[-8:]} (Bob)"
    assert (three.find("bob"), three.find_again("bob")) == ([], [BOB])
    three.tell(PeerJoined(BOB, 1), 13.0)
    assert three.nick(BOB) == "Bob"


def test_who_has_gone_without_a_word_is_found_again_unless_somebody_here_is_meant(three: Roster) -> None:
    three.tell(PeerDisconnected(BOB), 11.0)
    assert (three.find(BOB[-5:]), three.find_again(BOB[-5:])) == ([], [BOB])
    assert three.find_again("12D3KooW") == [ANN, EVE]
    assert three.names() == ["Eve", "Ann", EVE[-8:], ANN[-8:]]


def test_of_several_with_one_name_each_is_found_by_the_name_with_the_id_beside_it(three: Roster) -> None:
    three.tell(NickLearned(BOB, "Ann", plain=False), 11.0)
    assert three.find("Ann") == [BOB, ANN] or three.find("Ann") == [ANN, BOB]
    assert three.find(f"Ann({BOB[-8:]})") == [BOB]
    assert three.find(f"@Ann({ANN[-8:]})") == [ANN]
    assert {"Ann", f"Ann({BOB[-8:]})"} < set(three.names())


@pytest.mark.parametrize("word", ["us", "@US", US, US[-8:], f"us({US[-8:]})"])
def test_the_user_knows_himself(three: Roster, word: str) -> None:
    assert not three.is_self(word)
    three.tell(READY, 10.0)
    assert three.is_self(word)
    assert not three.is_self("bob")
    three.tell(NicknameChanged("them"), 10.0)
    assert three.is_self("them")
    assert not three.is_self("us")
    assert not Roster().is_self("")


def test_names_and_addresses_are_there_to_be_completed(three: Roster) -> None:
    assert three.names() == ["Eve", "Ann", BOB[-8:], EVE[-8:], ANN[-8:]]
    assert three.addresses() == [HERE, ANN, BOB, EVE]


ids = st.sampled_from([ANN, BOB, EVE])
events = st.one_of(
    st.builds(PeerConnected, ids, st.just(HERE), st.booleans()),
    st.builds(PeerDisconnected, ids),
    st.builds(PeerJoined, ids, st.just(1)),
    st.builds(PeerLeft, ids, st.just(0)),
    st.builds(Pinged, ids, st.just(0.1)),
    st.builds(MessageReceived, ids, st.sampled_from(["Ann", "Bob"]), st.just("hi"), st.just(0.0)),
    st.just(READY),
)


def test_how_somebody_was_found_is_known_from_the_connection_or_told_later_and_the_first_word_counts() -> None:
    roster = after(PeerConnected(ANN, HERE, inbound=False, found="by name"), PeerFound(ANN, "by mDNS", ()))
    assert [row.found for row in roster.rows()] == ["by name"]
    roster = after(PeerFound(BOB, "by mDNS", ()), PeerConnected(ANN, HERE, inbound=True))
    assert [row.found for row in roster.rows()] == [""]
    roster.tell(PeerFound(ANN, "by the discovery topic", ()), 0.0)
    roster.tell(PeerFound(ANN, "by mDNS", ()), 0.0)
    assert [row.found for row in roster.rows()] == ["by the discovery topic"]


@given(st.lists(events, max_size=40))
def test_whatever_is_told_everybody_is_there_once_and_can_be_found(told: list[Event]) -> None:
    roster = after(*told)
    rows = roster.rows()
    assert len({peer.peer_id for peer in rows}) == len(rows) <= 3
    assert roster.room_size == sum(peer.in_room for peer in rows)
    assert (roster.state is State.READY) == (roster.room_size > 0)
    for peer in rows:
        assert roster.find(peer.peer_id) == [peer.peer_id]
        assert peer.peer_id in roster.find(peer.nick)
        assert roster.get(peer.peer_id) == peer


# --- Nostr ----------------------------------------------------------------------------------------

NPUB = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"


def test_a_nostr_key_is_its_peers_while_it_is_bound() -> None:
    connected = PeerConnected(ANN, HERE, inbound=False)
    roster = after(connected, NostrBound(ANN, NPUB))
    assert [peer.npub for peer in roster.rows()] == [NPUB]
    assert after(NostrBound(ANN, NPUB), connected).rows()[0].npub == NPUB
    assert roster.find(NPUB) == [ANN]
    assert roster.names() == [ANN[-8:], NPUB]
    roster.tell(NostrBound(ANN, ""), 11.0)
    assert [peer.npub for peer in roster.rows()] == [""]
    assert roster.find(NPUB) == []
    assert roster.names() == [ANN[-8:]]


def test_a_nostr_key_of_two_peers_means_both() -> None:
    roster = after(*(PeerConnected(one, HERE, inbound=False) for one in (ANN, BOB)))
    for one in (ANN, BOB):
        roster.tell(NostrBound(one, NPUB), 11.0)
    assert sorted(roster.find(f"@{NPUB}")) == [ANN, BOB]


def test_a_report_puts_right_which_keys_are_bound() -> None:
    roster = after(PeerConnected(ANN, HERE, inbound=False), NostrBound(ANN, NPUB))
    ann = PeerInfo(ANN, "Ann", HERE, False, True, None, "", 10.0)
    roster.resync(report(ann))
    assert roster.npub(ANN) == ""
    roster.resync(report(replace(ann, npub=NPUB)))
    assert roster.npub(ANN) == roster.rows()[0].npub == NPUB


def test_keys_of_many_strangers_are_forgotten_the_oldest_first() -> None:
    roster = after(*(NostrBound(f"peer {number}", NPUB) for number in range(KNOWN_SPEAKERS + 1)))
    assert roster.npub("peer 0") == ""
    assert roster.npub("peer 1") == roster.npub(f"peer {KNOWN_SPEAKERS}") == NPUB
