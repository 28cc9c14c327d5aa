"""The address book: what is taken into it on whose word, who is dialled next, and that liars gain nothing."""

from __future__ import annotations

import functools
import itertools
import tracemalloc
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TYPE_CHECKING

import base58
import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits
from py_peer.core.address_book import NEVER, AddressBook
from py_peer.core.addresses import DialAddress, parse_dial_address, short_id
from py_peer.core.findings import Finding, Source
from py_peer.core.hearsay import OTHER_MACHINE
from py_peer.core.speakers import Name
from py_peer.core.spots import WRONG

if TYPE_CHECKING:
    from py_peer.core.events import KnownPeer

TOLD = (Source.TOPIC, Source.KADEMLIA)


@functools.cache
def peer(number: int) -> str:
    """Return a peer ID. One with a larger number is the larger one, and all but 0 are larger than ours."""
    return base58.b58encode(b"\x00\x24\x08\x01\x12\x20" + number.to_bytes(32, "big")).decode()


US, ANN, BOB, TELLER = peer(0), peer(1), peer(2), peer(10**30)


def at(host: str, port: int = 4001, peer_id: str = "") -> DialAddress:
    zone = f"/ip6zone/{host.partition('%')[2]}" if "%" in host else ""
    kind = "dns4" if host[-1].isalpha() and ":" not in host else "ip6" if ":" in host else "ip4"
    text = f"{zone}/{kind}/{host.partition('%')[0]}/tcp/{port}" + (f"/p2p/{peer_id}" if peer_id else "")
    return parse_dial_address(text)


@dataclass
class Scene:
    """A book, and a clock."""

    now: float = 100.0
    banned: dict[str, str] = field(default_factory=dict)
    us: str = US

    def __post_init__(self) -> None:
        self.book = AddressBook(self.us, lambda peer_id: self.banned.get(peer_id, ""), lambda: 0.5)

    def tell(self, who: str, *hosts: str, by: Source = Source.MDNS, teller: str = "", teller_ip: str = "") -> bool:
        addresses = tuple(at(host.split("|")[0], int(f"{host}|4001".split("|")[1])) for host in hosts)
        if by in TOLD:
            teller, teller_ip = teller or TELLER, teller_ip or "8.8.8.8"
        return self.book.take(Finding(who, addresses, by, teller, teller_ip), self.now)

    def dials(self, seconds: float = 0.0, cause: str = "refused", most: int = 10_000) -> list[tuple[float, str, str]]:
        """Dial, in vain, whoever is due within some seconds; return when, whom, and where."""
        start = self.now
        made: list[tuple[float, str, str]] = []
        while len(made) < most:
            dial, wait = self.book.next(self.now)
            if dial is not None:
                made.append((self.now - start, dial.peer_id, f"{dial.address.host}:{dial.address.port}"))
                self.book.begun(dial.peer_id, dial.address, self.now)
                self.book.ended(dial.peer_id, dial.address, self.now, cause)
            elif self.now + wait > start + seconds:
                break
            else:
                self.now += max(wait, 0.001)
        self.now = start + seconds
        return made

    def who(self, seconds: float = 0.0) -> list[str]:
        return [who for _, who, _ in self.dials(seconds)]

    def meet(self, who: str) -> None:
        """Dial one peer, and reach it."""
        dial, _ = self.book.next(self.now)
        assert dial is not None
        assert dial.peer_id == who
        self.book.begun(who, dial.address, self.now)
        self.book.came(who, self.now)
        self.book.ended(who, dial.address, self.now)

    def known(self, who: str) -> KnownPeer:
        every = self.book.known(self.now, lambda peer_id: Name(short_id(peer_id)))
        return next(one for one in every if one.peer_id == who)

    def reasons(self) -> set[str]:
        return {one.reason for one in self.book.known(self.now, lambda peer_id: Name(short_id(peer_id)))}

    def state(self, who: str) -> tuple[str, str]:
        return self.known(who).state, self.known(who).reason


# --- On whose word ----------------------------------------------------------------------------------

OUR_IPS = ["192.168.1.5", "8.8.8.8", "2001:db8::5", "127.0.0.1", "::1", "fe80::5"]
NOT_IN_THAT_NETWORK = "a private address, told by somebody who is not in that network"
NOT_ON_THIS_MACHINE = "an address of this machine, told by somebody who is not on it"


@pytest.mark.parametrize(
    ("host", "teller_ip", "reason"),
    [
        ("8.8.4.4", "9.9.9.9", ""),
        ("8.8.4.4", "", ""),
        ("10.1.2.3", "10.1.2.200", ""),
        ("10.1.2.3", "10.1.3.200", NOT_IN_THAT_NETWORK),
        ("10.1.2.3", "9.9.9.9", NOT_IN_THAT_NETWORK),
        ("10.1.2.3", "", NOT_IN_THAT_NETWORK),
        ("10.1.2.3", "127.0.0.1", NOT_IN_THAT_NETWORK),
        ("10.1.2.3", "no address", "no IP address"),
        ("100.64.1.1", "100.64.1.9", ""),
        ("100.64.1.1", "8.8.8.8", NOT_IN_THAT_NETWORK),
        ("198.51.100.7", "198.51.100.8", ""),
        ("198.51.100.7", "8.8.8.8", NOT_IN_THAT_NETWORK),
        ("fd00::1", "fd00::2", ""),
        ("fd00:0:0:1::1", "fd00:0:0:2::2", NOT_IN_THAT_NETWORK),
        ("169.254.1.1", "169.254.200.1", ""),
        ("169.254.1.1", "8.8.8.8", NOT_IN_THAT_NETWORK),
        ("::ffff:10.1.2.3", "8.8.8.8", NOT_IN_THAT_NETWORK),
        ("64:ff9b::10.1.2.3", "8.8.8.8", NOT_IN_THAT_NETWORK),
        ("2002:a01:203::1", "10.1.2.9", ""),
        ("127.0.0.1", "127.0.0.1", ""),
        ("127.9.9.9", "::1", ""),
        ("127.0.0.1", "192.168.1.1", NOT_ON_THIS_MACHINE),
        ("::1", "", NOT_ON_THIS_MACHINE),
        ("fe80::1%eth0", "fe80::2", "an address with the name of another machine's interface"),
        ("240.0.0.1", "8.8.8.8", "an address that nobody has"),
        ("0.1.2.3", "8.8.8.8", "an address that nobody has"),
        ("example.com", "8.8.8.8", "a name, told by somebody else: only IP addresses are taken"),
    ],
)
@pytest.mark.parametrize("source", TOLD)
def test_a_stranger_has_nobody_look_around_in_a_network_that_he_is_not_in(
    host: str, teller_ip: str, reason: str, source: Source
) -> None:
    scene = Scene()
    news = scene.book.take(Finding(ANN, (at(host),), source, TELLER, teller_ip), 100.0)
    assert news is not reason.startswith(("a", "n"))
    assert scene.book.refused == ({reason: 1} if reason else {})
    scene.now += 1
    if reason:
        assert not scene.dials(1e6)
        assert scene.state(ANN) == ("not dialled", reason)
    else:
        assert scene.who() == [ANN]


def test_a_peer_that_is_dialled_may_be_dialled_elsewhere_too_as_far_as_the_rules_allow_it_at_that_moment() -> None:
    scene = Scene()
    scene.tell(ANN, "8.8.4.4", "8.8.8.8", "10.1.2.3", by=Source.TOPIC)
    dial, _ = scene.book.next(scene.now)
    assert dial is not None
    scene.book.begun(ANN, dial.address, scene.now)
    assert scene.book.next(scene.now) == (None, NEVER)
    other = scene.book.another_way(ANN, [dial.address], scene.now)
    assert other is not None
    assert {dial.address.host, other.host} == {"8.8.4.4", "8.8.8.8"}
    scene.book.begun(ANN, other, scene.now)
    assert scene.book.another_way(ANN, [dial.address, other], scene.now) is None
    assert scene.book.another_way(BOB, [], scene.now) is None
    for number in range(3, limits.TELLER_BURST + 1):  # what the teller's word is worth is used up
        scene.tell(peer(number), f"8.8.{number}.8", by=Source.TOPIC)
    scene.dials()
    assert scene.book.another_way(ANN, [dial.address], scene.now) is None


def test_where_a_peer_was_dialled_in_vain_is_no_other_way_before_its_pause_is_over() -> None:
    scene = Scene()
    scene.tell(ANN, "8.8.4.4", "8.8.8.8", by=Source.TOPIC)
    ((_, _, _),) = scene.dials(most=1)
    dial, _ = scene.book.next(scene.now)
    assert dial is not None
    scene.book.begun(ANN, dial.address, scene.now)
    assert scene.book.another_way(ANN, [dial.address], scene.now) is None
    assert scene.book.another_way(ANN, [dial.address], scene.now + limits.PAUSE - 1) is None
    assert scene.book.another_way(ANN, [dial.address], scene.now + limits.PAUSE) is not None


def test_a_dial_that_is_given_up_is_neither_one_in_vain_nor_a_proof() -> None:
    scene = Scene()
    scene.tell(ANN, "8.8.4.4", by=Source.TOPIC)
    for _ in range(2 * limits.TOLD_TRIES):
        dial, _ = scene.book.next(scene.now)
        assert dial is not None
        scene.book.begun(ANN, dial.address, scene.now)
        assert scene.state(ANN) == ("dialling", "")
        scene.book.given_up(ANN, dial.address)
        scene.book.given_up(BOB, dial.address)
        scene.now += 1 / limits.PLACE_RATE
    assert scene.who(100.0)[0] == ANN
    assert scene.state(ANN)[1].startswith("again in")


def test_a_program_that_dies_of_quic_is_dialled_otherwise_if_there_is_another_way() -> None:
    scene = Scene()
    quic, tcp = (parse_dial_address(f"/ip4/8.8.4.4/{behind}") for behind in ("udp/9095/quic-v1", "tcp/9095"))
    scene.book.dies_of_quic(ANN)
    for addresses in ((quic,), (quic, tcp)):
        scene.book.take(Finding(ANN, addresses, Source.MDNS), scene.now)
        dial, _ = scene.book.next(scene.now)
        assert dial is not None
        assert dial.address.transport == addresses[-1].transport
        assert scene.book.another_way(ANN, [dial.address], scene.now) is None
    assert [one.transport for one in scene.book.ways_to(ANN, scene.now)[0]] == ["tcp"]


def test_the_loopback_of_others_is_no_news_beside_an_address_that_can_be_used() -> None:
    scene = Scene()
    scene.tell(ANN, "127.0.0.1", "8.8.4.4", "::1", by=Source.TOPIC)
    assert not scene.book.refused
    scene.tell(BOB, "127.0.0.1", "10.1.2.3", by=Source.TOPIC)
    assert scene.book.refused == {OTHER_MACHINE: 1, NOT_IN_THAT_NETWORK: 1}


@pytest.mark.parametrize("host", ["10.1.2.3", "fe80::1%eth0", "127.0.0.1", "198.51.100.7", "fd00::1", "8.8.8.8"])
def test_mdns_may_tell_of_any_ip_address(host: str) -> None:
    scene = Scene(us=peer(9))
    assert scene.tell(ANN, host)
    assert not scene.dials()
    scene.now += limits.MEETING_PAUSE
    assert scene.who() == [ANN]
    assert not scene.book.refused


def test_a_name_that_mdns_tells_is_not_asked_for() -> None:
    scene = Scene()
    assert not scene.tell(ANN, "example.com")
    assert not scene.dials(1e5)


# --- Through a relay --------------------------------------------------------------------------------

RELAY, ITS_PLACE = peer(50), "/ip4/11.1.0.1/tcp/4001"


def relayed(who: str, relay: str = RELAY) -> DialAddress:
    return parse_dial_address(f"{ITS_PLACE}/p2p/{relay}/p2p-circuit/p2p/{who}")


def test_another_at_our_relay_is_dialled_there_and_through_ourselves_nobody_is() -> None:
    scene = Scene()
    scene.book.look_around([relayed(US), at("8.8.8.8")], [])
    scene.book.take(Finding(ANN, (relayed(ANN),), Source.TOPIC, RELAY, "11.1.0.1"), 0.0)
    assert scene.book.ways_to(ANN, scene.now) == ((relayed(ANN),), "")
    assert scene.who() == [ANN]
    through_us = [
        parse_dial_address(f"/ip4/{host}/tcp/4001/p2p/{relay}/p2p-circuit/p2p/{BOB}")
        for host, relay in (("8.8.8.8", RELAY), ("8.8.4.4", US))
    ]
    scene.book.take(Finding(BOB, tuple(through_us), Source.TOPIC, RELAY, "11.1.0.1"), 0.0)
    assert scene.state(BOB) == ("not dialled", "our own address")


@pytest.mark.parametrize("source", TOLD)
def test_a_room_behind_one_relay_is_dialled_whole_as_soon_as_the_relay_is_connected(source: Source) -> None:
    scene = Scene()
    room = [peer(number) for number in range(1, limits.TARGET_CONNECTIONS)]
    for number, who in enumerate(room):
        scene.book.take(Finding(who, (relayed(who),), source, peer(900 + number % 2), "9.9.9.9"), 0.0)
    assert len(scene.dials(10.0)) == limits.PLACE_BURST  # these dial the relay, too, which may be anybody
    assert scene.reasons() >= {"11.1.0.1:4001 was dialled too often lately"}
    scene.book.came(RELAY, scene.now)
    assert set(scene.who(limits.PAUSE)) == set(room)


def test_why_nobody_is_dialled_is_said_of_the_address_that_leads_there_if_there_is_one() -> None:
    scene = Scene()
    both = (at("192.168.7.7"), relayed(ANN))
    for _ in range(limits.TOLD_TRIES):
        scene.book.take(Finding(ANN, both, Source.TOPIC, RELAY, "11.1.0.1"), scene.now)
        scene.dials(1 / limits.PLACE_RATE)
    said = f"tried {limits.TOLD_TRIES} times in vain: refused"
    assert scene.state(ANN) == ("not dialled", said)
    assert scene.book.ways_to(ANN, scene.now) == ((), said)


def test_who_is_said_to_be_behind_a_relay_by_ever_new_addresses_is_dialled_there_seldom() -> None:
    scene = Scene()
    scene.book.came(RELAY, scene.now)
    for number in range(50):
        where = parse_dial_address(f"/ip4/11.1.{number}.1/tcp/4001/p2p/{RELAY}/p2p-circuit/p2p/{ANN}")
        scene.book.take(Finding(ANN, (where,), Source.TOPIC, TELLER, "9.9.9.9"), scene.now)
    assert len(scene.dials(2 * limits.PAUSE)) == limits.PLACE_BURST
    assert scene.reasons() == {"it was dialled too often lately"}


def test_that_much_was_dialled_on_the_word_of_somebody_is_said_with_his_short_id() -> None:
    scene = Scene()
    for number in range(1, limits.TELLER_BURST + 3):
        scene.tell(peer(number), f"8.8.{number}.8", by=Source.TOPIC)
    scene.dials()
    assert f"too much was dialled lately on the word of {TELLER[-8:]}" in scene.reasons()


def test_what_is_remembered_is_dialled_where_it_means_the_same() -> None:
    scene = Scene()
    scene.tell(ANN, "192.168.1.7", by=Source.MEMORY)
    scene.tell(BOB, "8.8.8.8", by=Source.MEMORY)
    assert scene.who() == [BOB]
    assert scene.state(ANN) == ("not dialled", "a private address of a network that we are not in now")
    scene.book.look_around([parse_dial_address("/ip4/192.168.1.5/tcp/4001")], [ip_network("192.168.1.0/24")])
    assert scene.who() == [ANN]


@pytest.mark.parametrize("source", [Source.TOPIC, Source.KADEMLIA])
@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_of_loopback_whoever_is_on_our_machine_may_tell_and_nobody_else(host: str, source: Source) -> None:
    scene = Scene()
    scene.book.look_around([parse_dial_address("/ip4/192.168.1.5/tcp/4001")], [ip_network("192.168.1.0/24")], OUR_IPS)
    for teller_ip in ("192.168.1.6", "8.8.8.9", "2001:db8::6", "fe80::6", ""):
        scene.book.take(Finding(ANN, (at(host, 22),), source, TELLER, teller_ip), scene.now)
        assert scene.state(ANN) == ("not dialled", NOT_ON_THIS_MACHINE)
        asked = Finding(BOB, (at(host, 22),), source, TELLER, teller_ip)
        assert scene.book.for_lookup(asked, asked.addresses[0], scene.now)[0] == NOT_ON_THIS_MACHINE
    for who, teller_ip in zip((ANN, BOB, peer(7)), ("192.168.1.5", "fe80::5%eth0", "127.0.0.1"), strict=True):
        scene.book.take(Finding(who, (at(host, 22),), source, TELLER, teller_ip), scene.now)
    assert sorted(scene.who(10.0)) == sorted([ANN, BOB, peer(7)])


@pytest.mark.parametrize("source", [Source.TOPIC, Source.KADEMLIA])
@pytest.mark.parametrize(
    ("host", "teller_ip"),
    [
        ("192.168.1.5", "192.168.1.6"),
        ("::ffff:192.168.1.5", "192.168.1.6"),
        ("192.168.1.5", "192.168.1.5"),
        ("192.168.1.5", "127.0.0.1"),
        ("2001:db8::5", "192.168.1.5"),
        ("8.8.8.8", "192.168.1.6"),
        ("8.8.8.8", "9.9.9.9"),
        ("8.8.8.8", ""),
    ],
)
def test_another_program_on_our_machine_is_met_on_the_word_of_a_neighbour(
    host: str, source: Source, teller_ip: str
) -> None:
    scene = Scene()
    scene.book.look_around([parse_dial_address("/ip4/192.168.1.5/tcp/4001")], [ip_network("192.168.1.0/24")], OUR_IPS)
    assert scene.book.take(Finding(ANN, (at(host, 4002),), source, TELLER, teller_ip), scene.now)
    scene.now += limits.MEETING_PAUSE
    scene.meet(ANN)
    scene.tell(BOB, "192.168.1.5", by=source)
    assert scene.state(BOB) == ("not dialled", "our own address")


@pytest.mark.parametrize("source", [Source.TOPIC, Source.KADEMLIA])
def test_a_private_address_that_we_have_as_others_have_is_theirs_on_the_word_of_others(source: Source) -> None:
    scene = Scene()
    scene.book.look_around(
        [parse_dial_address("/ip4/172.17.0.1/tcp/4001")], [ip_network("172.17.0.0/16")], ["172.17.0.1"]
    )
    scene.book.take(Finding(ANN, (at("172.17.0.1", 4002),), source, TELLER, "192.168.1.6"), scene.now)
    assert scene.state(ANN) == ("not dialled", "a private address, told by somebody who is not in that network")


@pytest.mark.parametrize("source", [Source.TOPIC, Source.KADEMLIA])
def test_nobody_has_us_try_the_ports_of_our_own_machine_one_after_the_other(source: Source) -> None:
    scene = Scene()
    scene.book.look_around([parse_dial_address("/ip4/192.168.1.5/tcp/4001")], [ip_network("192.168.1.0/24")], OUR_IPS)
    for number in range(1_000):
        where = f"{OUR_IPS[number % 3]}|{number + 1}"
        scene.tell(peer(100 + number), where, by=source, teller=peer(5_000 + number), teller_ip=f"9.9.{number % 250}.1")
    assert len(scene.dials(10.0)) == limits.HERE_BURST
    assert scene.reasons() >= {"this machine was dialled too often lately"}
    lookup = Finding(BOB, (at("8.8.8.8", 22),), source, TELLER, "9.9.9.9")
    assert scene.book.for_lookup(lookup, lookup.addresses[0], scene.now) == (
        "this machine was dialled too often lately",
        True,
    )
    assert len(scene.dials(3_600.0)) <= 1 + 3_600 * limits.HERE_RATE
    # What mDNS tells, and whoever is elsewhere, has nothing to do with it.
    scene.tell(ANN, "8.8.4.4", by=source)
    scene.tell(BOB, "192.168.1.5|4002")
    assert {ANN, BOB} <= set(scene.who(limits.MEETING_PAUSE))


def test_the_peers_that_a_walk_asks_on_our_own_machine_have_the_same_few_dials() -> None:
    scene = Scene()
    scene.book.look_around([], [], OUR_IPS)
    asked = [Finding(BOB, (at("8.8.8.8", port),), Source.KADEMLIA, TELLER, "9.9.9.9") for port in range(1, 1_001)]
    answers = [scene.book.for_lookup(finding, finding.addresses[0], scene.now)[0] for finding in asked]
    assert answers.count("") == limits.HERE_BURST
    assert set(answers) == {"", "this machine was dialled too often lately"}


@pytest.mark.parametrize("teller_ip", [OUR_IPS[0], "127.0.0.1"])
def test_who_is_on_this_machine_himself_may_tell_a_walk_of_as_many_there_as_of_others(teller_ip: str) -> None:
    scene = Scene()
    scene.book.look_around([], [], OUR_IPS)
    asked = [Finding(BOB, (at("8.8.8.8", port),), Source.KADEMLIA, TELLER, teller_ip) for port in range(1, 1_001)]
    answers = [scene.book.for_lookup(finding, finding.addresses[0], scene.now)[0] for finding in asked]
    assert answers.count("") == limits.LOOKUP_TELLER_BURST < limits.LOOKUP_BURST


def test_one_who_may_not_tell_of_an_address_does_not_spoil_it_for_one_who_may() -> None:
    scene = Scene()
    assert not scene.tell(ANN, "10.1.2.3", by=Source.TOPIC)
    assert scene.tell(ANN, "10.1.2.3", by=Source.TOPIC, teller=BOB, teller_ip="10.1.2.4")
    assert not scene.tell(ANN, "10.1.2.3", by=Source.TOPIC)
    assert scene.who(1) == [ANN]


def test_we_are_nobody_we_look_for_and_our_address_is_nobody_elses() -> None:
    scene = Scene()
    scene.book.look_around([parse_dial_address("/ip4/8.8.8.8/tcp/4001")], [])
    assert not scene.tell(US, "8.8.4.4")
    scene.tell(ANN, "8.8.8.8", "::ffff:8.8.8.8")
    assert not scene.dials(1e5)
    assert scene.state(ANN) == ("not dialled", "our own address")
    scene.tell(BOB, "8.8.8.8|4002")
    assert scene.who(1) == [BOB]


def test_an_address_that_names_another_peer_is_not_taken() -> None:
    scene = Scene()
    scene.book.take(Finding(ANN, (at("8.8.8.8", peer_id=BOB),), Source.TOPIC), 100.0)
    assert not scene.dials(1e5)
    assert scene.book.refused == {"an address of another peer": 1}


def test_every_dial_knows_who_has_to_be_there() -> None:
    scene = Scene()
    scene.tell(ANN, "8.8.8.8")
    dial, _ = scene.book.next(101.0)
    assert dial is not None
    assert dial.address == at("8.8.8.8", peer_id=ANN)


def test_a_peer_without_an_address_that_we_can_dial_is_known() -> None:
    scene = Scene()
    assert not scene.tell(ANN, by=Source.TOPIC)
    assert scene.state(ANN) == ("not dialled", "no address that can be dialled from here")
    assert not scene.tell("not a peer ID", "8.8.8.8")
    assert scene.book.refused == {"not a peer ID": 1}
    assert scene.tell(ANN, "8.8.8.8", by=Source.TOPIC)


# --- When -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [Source.MDNS, Source.TOPIC])
def test_of_two_who_find_each_other_the_larger_one_waits_a_moment(source: Source) -> None:
    for us, wait in ((peer(0), 0), (peer(9), limits.MEETING_PAUSE)):
        scene = Scene(us=us)
        scene.tell(ANN, "8.8.8.8", by=source)
        assert scene.dials(3, most=1)[0][0] == pytest.approx(wait)


def test_who_came_by_himself_in_that_moment_is_not_dialled() -> None:
    scene = Scene(us=peer(9))
    scene.tell(ANN, "8.8.8.8")
    scene.book.came(ANN, scene.now)
    assert not scene.dials(1e5)
    assert scene.state(ANN) == ("connected", "")


def test_nearer_peers_are_dialled_first() -> None:
    scene = Scene()
    for number, source in enumerate((Source.TOPIC, Source.KADEMLIA, Source.MEMORY, Source.MDNS), start=1):
        scene.tell(peer(number), f"8.8.{number}.8", by=source)
    assert scene.who() == [peer(4), peer(3), peer(2), peer(1)]


def test_the_addresses_in_our_own_networks_are_dialled_first() -> None:
    scene = Scene()
    scene.tell(ANN, "8.8.4.4", "192.168.1.7", "8.8.8.8")
    scene.book.look_around([], [ip_network("192.168.1.0/24")])
    assert [where for _, _, where in scene.dials()] == ["192.168.1.7:4001", "8.8.4.4:4001", "8.8.8.8:4001"]


def test_dials_in_vain_on_the_word_of_a_stranger_are_few_and_ever_further_apart() -> None:
    scene = Scene()
    scene.tell(ANN, "8.8.8.8", by=Source.TOPIC)
    times = []
    for _ in range(10_000):  # it goes on being told every 10 s
        start = scene.now
        times += [start + when for when, _, _ in scene.dials(10, "no answer")]
        scene.tell(ANN, "8.8.8.8", by=Source.TOPIC)
    assert len(times) == limits.TOLD_TRIES
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert all(pause >= meant for pause, meant in zip(pauses, (30, 60, 120), strict=True))
    assert scene.state(ANN) == ("not dialled", "tried 4 times in vain: no answer")


def test_the_pause_grows_to_half_an_hour_and_is_said() -> None:
    scene = Scene()
    scene.tell(ANN, "8.8.8.8", by=Source.MEMORY)
    times = [when for when, _, _ in scene.dials(1e5)]
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses == pytest.approx([30, 60, 120, 240, 480, 960, 1_800])
    scene = Scene()
    scene.tell(ANN, "8.8.8.8", by=Source.MEMORY)
    scene.dials(2, "connection refused")
    assert scene.state(ANN) == ("waiting", "again in 28 s: connection refused")


def test_near_by_it_is_tried_again_soon_and_sooner_when_it_is_told_again() -> None:
    scene = Scene()
    scene.tell(ANN, "192.168.1.7")
    assert [round(when) for when, _, _ in scene.dials(31)] == [0, 2, 6, 14, 30]
    scene.tell(ANN, "192.168.1.7")
    assert [round(when) for when, _, _ in scene.dials(4)] == [1, 3]


def test_a_wrong_peer_ends_an_address_on_a_strangers_word_and_mdns_may_tell_of_it_later() -> None:
    scene = Scene()
    scene.tell(ANN, "8.8.8.8", by=Source.TOPIC)
    dial, _ = scene.book.next(scene.now)
    assert dial is not None
    scene.book.begun(ANN, dial.address, scene.now)
    scene.book.ended(ANN, dial.address, scene.now, "somebody else", wrong=True)
    assert scene.state(ANN) == ("not dialled", WRONG)
    scene.now += 1_000
    scene.tell(ANN, "8.8.8.8", by=Source.TOPIC)
    assert not scene.dials(1e5)
    scene.tell(ANN, "8.8.8.8", by=Source.MDNS)
    assert scene.who(1) == [ANN]


def test_who_is_banned_is_not_dialled_until_he_is_not_any_more() -> None:
    scene = Scene(banned={ANN: "it was let go with /disconnect"})
    scene.tell(ANN, "8.8.8.8")
    assert not scene.dials(100)
    assert scene.state(ANN) == ("not dialled", "it was let go with /disconnect")
    scene.banned.clear()
    assert scene.who(60)[:1] == [ANN]


def test_above_the_target_nobody_is_dialled_and_below_it_the_next_one_is() -> None:
    scene = Scene()
    others = [peer(number) for number in range(100, 100 + limits.TARGET_CONNECTIONS)]
    for other in others:
        scene.book.came(other, scene.now)
    scene.tell(ANN, "8.8.8.8")
    assert scene.book.next(scene.now) == (None, NEVER)
    assert scene.state(ANN) == ("not dialled", "enough connections (16)")
    scene.book.went(others[0], scene.now)
    assert scene.who() == [ANN]


def test_dials_under_way_count_for_the_target_and_there_are_only_so_many() -> None:
    scene = Scene()
    for number in range(1, 9):
        scene.tell(peer(number), f"8.8.{number}.8")
    for under_way in range(limits.FOUND_DIALS):
        dial, _ = scene.book.next(scene.now, under_way)
        assert dial is not None
        scene.book.begun(dial.peer_id, dial.address, scene.now)
        assert scene.state(dial.peer_id) == ("dialling", "")
    assert scene.book.next(scene.now, limits.FOUND_DIALS) == (None, NEVER)


def test_one_peer_is_not_dialled_at_two_addresses_at_a_time() -> None:
    scene = Scene()
    scene.tell(ANN, "8.8.8.8", "8.8.4.4")
    dial, _ = scene.book.next(scene.now)
    assert dial is not None
    scene.book.begun(ANN, dial.address, scene.now)
    assert scene.book.next(scene.now, 1) == (None, NEVER)


def test_who_was_there_and_went_is_dialled_again_a_bounded_number_of_times() -> None:
    scene = Scene()
    scene.tell(ANN, "8.8.8.8", by=Source.TOPIC)
    scene.meet(ANN)
    assert not scene.dials(100)
    scene.book.went(ANN, scene.now)
    times = [when for when, _, _ in scene.dials(1e5)]
    assert times[0] == pytest.approx(limits.NEAR_PAUSE + 0.5)
    assert len(times) == limits.FOUND_TRIES
    assert scene.state(ANN) == ("not dialled", "tried 9 times in vain: refused")
    scene.tell(ANN, "8.8.8.8", by=Source.TOPIC)
    assert scene.who(31)[:1] == [ANN]


def test_one_that_ends_each_connection_at_once_is_dialled_ever_less_often() -> None:
    scene = Scene()
    scene.tell(ANN, "8.8.8.8", by=Source.TOPIC)
    times = []
    for _ in range(100):
        dial, wait = scene.book.next(scene.now)
        if dial is None:
            if wait == NEVER:
                break
            scene.now += wait
            continue
        times.append(scene.now)
        scene.book.begun(ANN, dial.address, scene.now)
        scene.book.came(ANN, scene.now)
        scene.book.ended(ANN, dial.address, scene.now)
        scene.book.went(ANN, scene.now)
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses[:3] == pytest.approx([30, 60, 120])
    assert len(times) == limits.FOUND_TRIES


def test_after_a_goodbye_nobody_is_dialled_until_told_of_again() -> None:
    scene = Scene()
    scene.tell(ANN, "192.168.1.7")
    scene.meet(ANN)
    scene.book.left(ANN, scene.now)
    scene.book.left(BOB, scene.now)  # of whom nobody told
    scene.now += limits.GOODBYE_SECONDS / 2
    scene.book.went(ANN, scene.now)
    assert not scene.dials(1e5)
    assert scene.state(ANN) == ("not dialled", "it has said goodbye")
    scene.tell(ANN, "192.168.1.7", by=Source.KADEMLIA, teller_ip="192.168.1.8")
    assert not scene.dials(1e5)
    scene.tell(ANN, "192.168.1.7")
    assert scene.who()[:1] == [ANN]


def test_a_goodbye_counts_whoever_had_told_of_the_peer() -> None:
    scene = Scene()
    scene.tell(ANN, "8.8.8.8", by=Source.TOPIC)
    scene.book.left(ANN, scene.now)
    assert not scene.dials(1e5)
    scene.tell(ANN, "8.8.8.8", by=Source.TOPIC)
    assert scene.who() == [ANN]


def test_a_goodbye_that_somebody_else_has_said_is_none_when_the_peer_is_lost_later() -> None:
    scene = Scene()
    scene.tell(ANN, "8.8.8.8", by=Source.TOPIC)
    scene.meet(ANN)
    scene.book.left(ANN, scene.now)
    scene.now += limits.GOODBYE_SECONDS + 1
    scene.book.went(ANN, scene.now)
    assert set(scene.who(100)) == {ANN}


def test_who_was_heard_in_a_network_that_we_are_not_in_any_more_has_not_said_goodbye() -> None:
    scene = Scene()
    home = [ip_network("192.168.1.0/24")]
    scene.book.look_around([], home)
    scene.tell(ANN, "192.168.1.7")
    scene.tell(BOB, "192.168.1.8")
    scene.tell(BOB, "8.8.8.8", by=Source.TOPIC)
    scene.meet(ANN)
    scene.book.look_around([], [])
    scene.book.went(ANN, scene.now)
    assert [where for *_, where in scene.dials(60)] == ["8.8.8.8:4001", "8.8.8.8:4001"]
    assert scene.state(ANN) == ("not dialled", "a private address of a network that we are not in now")
    scene.book.look_around([], home)
    assert set(scene.who()) == {ANN, BOB}


def test_after_a_sleep_those_who_were_there_or_are_near_are_tried_at_once() -> None:
    scene = Scene()
    scene.tell(ANN, "8.8.8.8", by=Source.MEMORY)
    scene.tell(BOB, "8.8.4.4", by=Source.TOPIC)
    scene.dials(100)
    scene.book.wake(scene.now)
    assert scene.who() == [ANN]


def test_what_the_user_named_is_his_business_until_it_is_found_elsewhere() -> None:
    scene = Scene()
    named = at("8.8.8.8", peer_id=ANN)
    scene.book.take(Finding(ANN, (named,), Source.NAMED), scene.now)
    assert not scene.dials(1e5)
    assert scene.state(ANN) == ("waiting", "dialled for as long as it is named")
    assert scene.book.found_by(ANN) is Source.NAMED
    scene.book.stop_naming(named)
    assert scene.book.found_by(ANN) is None
    scene.book.take(Finding(ANN, (named,), Source.NAMED), scene.now)
    scene.tell(ANN, "192.168.1.7")
    assert [where for _, _, where in scene.dials()] == ["192.168.1.7:4001"]
    scene.book.stop_naming(named)
    assert scene.known(ANN).addresses == (at("192.168.1.7", peer_id=ANN).text,)


def test_the_first_source_is_how_a_peer_was_found_and_all_are_listed() -> None:
    scene = Scene()
    scene.tell(ANN, "192.168.1.7")
    scene.tell(ANN, "192.168.1.7", by=Source.TOPIC)
    assert scene.book.found_by(ANN) is Source.MDNS
    assert scene.known(ANN).sources == ("by mDNS", "by the discovery topic")
    scene.now += 5
    assert scene.known(ANN).seconds == 5


def test_a_peer_is_news_once_and_not_when_it_is_there_already() -> None:
    scene = Scene()
    assert scene.tell(ANN, "192.168.1.7")
    assert not scene.tell(ANN, "192.168.1.8")
    scene.book.came(BOB, scene.now)
    assert not scene.tell(BOB, "192.168.1.9")
    scene.book.went(BOB, scene.now)
    assert not scene.tell(BOB, "192.168.1.9")


# --- Liars ------------------------------------------------------------------------------------------


def test_ten_thousand_announcements_of_one_teller_cost_few_dials() -> None:
    scene = Scene()
    for number in range(10_000):
        scene.tell(peer(number + 1), f"8.{number // 250}.{number % 250}.8", by=Source.TOPIC)
    minutes = 10
    assert 0 < len(scene.dials(60 * minutes)) <= limits.TELLER_BURST + 60 * minutes * limits.TELLER_RATE + 1
    assert "on the word of" in scene.state(peer(10_000))[1]


def test_however_many_tellers_there_are_the_dials_on_the_word_of_strangers_are_bounded() -> None:
    scene = Scene()
    for number in range(2_000):
        host = f"8.{number // 250}.{number % 250}.8"
        scene.tell(peer(number + 1), host, by=Source.TOPIC, teller=peer(10**9 + number % 200))
    assert 0 < len(scene.dials(180)) <= limits.TOLD_BURST + 180 * limits.TOLD_RATE + 1
    assert len(scene.book) <= limits.BOOK_PEERS


def test_a_victims_network_and_its_address_are_spared_whatever_is_claimed() -> None:
    scene = Scene()
    for number in range(900):
        host = f"8.8.8.{number % 250}|{4_000 + number}"
        scene.tell(peer(number + 1), host, by=Source.TOPIC, teller=peer(10**9 + number % 90))
    assert 0 < len(scene.dials(180)) <= limits.RANGE_BURST + 180 * limits.RANGE_RATE + 1
    scene = Scene()
    for number in range(900):
        wrapped = ("8.8.8.8", "::ffff:8.8.8.8", "2002:808:808::1", "64:ff9b::8.8.8.8")[number % 4]
        scene.tell(peer(number + 1), wrapped, by=Source.TOPIC, teller=peer(10**9 + number % 90))
    assert 0 < len(scene.dials(600)) <= limits.PLACE_BURST + 600 * limits.PLACE_RATE
    assert "8.8.8.8:4001 was dialled too often lately" in scene.reasons()


def test_one_neighbour_with_many_names_in_mdns_is_bounded_too() -> None:
    scene = Scene()
    for number in range(2_000):
        scene.tell(peer(number + 1), "192.168.1.1|22")
    assert len(scene.book) == limits.BOOK_SHARE
    assert 0 < len(scene.dials(600)) <= limits.NEAR_PLACE_BURST + 600 * limits.NEAR_PLACE_RATE


def test_who_tells_of_everybody_first_holds_up_nobody_elses_word() -> None:
    scene = Scene()
    for number in range(1, 100):
        scene.tell(peer(number), f"8.8.{number}.8", by=Source.TOPIC)
    assert len(scene.dials()) == limits.TELLER_BURST
    left = next(one for one in range(1, 100) if "on the word of" in scene.state(peer(one))[1])
    scene.tell(peer(left), f"8.8.{left}.8", by=Source.TOPIC, teller=BOB)
    assert scene.who() == [peer(left)]


def test_one_teller_pushes_out_his_own_word_and_nobody_elses() -> None:
    scene = Scene()
    scene.tell(ANN, "192.168.1.7")
    scene.tell(BOB, "8.8.8.8", by=Source.TOPIC, teller=peer(10**9))
    for number in range(2_000):
        scene.tell(peer(number + 100), "8.8.4.4", by=Source.TOPIC)
    assert len(scene.book) == limits.BOOK_SHARE + 2
    assert scene.book.forgotten == 2_000 - limits.BOOK_SHARE
    assert scene.known(ANN)
    assert scene.known(BOB)
    assert scene.known(peer(2_099))


def test_a_full_book_forgets_the_oldest_word_of_who_told_most_and_never_what_was_proved() -> None:
    scene = Scene()
    scene.tell(ANN, "8.8.8.8", by=Source.TOPIC)
    scene.meet(ANN)
    scene.book.went(ANN, scene.now)
    scene.tell(BOB, "192.168.1.7")
    quiet, other = peer(10**6), peer(10**6 + 1)
    scene.tell(quiet, "8.8.4.4", by=Source.TOPIC, teller=peer(10**8))
    for number in range(1_500):
        scene.tell(peer(number + 100), "8.8.4.4", by=Source.TOPIC, teller=peer(10**9 + number % 10))
    assert len(scene.book) == limits.BOOK_PEERS
    assert scene.known(ANN)
    assert scene.known(BOB)
    scene.tell(other, "8.8.4.4", by=Source.KADEMLIA, teller=peer(10**8 + 1))
    for number in range(1_500):
        scene.tell(peer(number + 10_000), "8.8.4.4", by=Source.TOPIC, teller=peer(10**9 + number % 10))
    assert scene.known(quiet)
    assert scene.known(other)


def test_what_a_stranger_repeats_of_a_peer_that_is_near_makes_it_no_stranger() -> None:
    scene = Scene()
    scene.tell(ANN, "192.168.1.7")
    scene.tell(ANN, "192.168.1.7", by=Source.TOPIC)
    for number in range(limits.BOOK_SHARE):
        scene.tell(peer(number + 100), "8.8.4.4", by=Source.TOPIC)
    assert scene.known(ANN)


def test_who_is_connected_or_being_dialled_is_never_forgotten() -> None:
    scene = Scene()
    connected = [peer(number) for number in range(1, limits.BOOK_SHARE + 1)]
    for one in connected:
        scene.book.came(one, scene.now)
        scene.tell(one, "8.8.8.8", by=Source.TOPIC)
    assert not scene.tell(peer(10**6), "8.8.8.8", by=Source.TOPIC)
    assert scene.book.refused == {"the address book is full": 1}
    assert all(scene.state(one) == ("connected", "") for one in connected)


def test_tales_push_out_no_address_that_is_worth_more() -> None:
    scene = Scene()
    scene.tell(ANN, "192.168.1.7")
    scene.tell(ANN, "8.8.8.8", by=Source.TOPIC)
    for number in range(100):
        scene.tell(ANN, f"9.9.{number}.9", by=Source.TOPIC)
    addresses = scene.known(ANN).addresses
    assert len(addresses) == limits.BOOK_ADDRESSES
    assert at("192.168.1.7", peer_id=ANN).text in addresses
    assert at("8.8.8.8", peer_id=ANN).text in addresses
    scene.tell(ANN, "192.168.1.8")
    assert at("192.168.1.8", peer_id=ANN).text in scene.known(ANN).addresses


def test_a_finding_with_very_many_addresses_is_cut() -> None:
    scene = Scene()
    scene.tell(ANN, *(f"8.8.{number}.8" for number in range(50)))
    assert len(scene.known(ANN).addresses) == limits.BOOK_ADDRESSES
    assert scene.book.refused == {"more addresses than are kept of one peer": 50 - limits.BOOK_ADDRESSES}


def test_lookups_are_held_to_the_same_rules_and_have_an_allowance_of_their_own() -> None:
    scene = Scene()
    private = Finding(ANN, (at("10.1.2.3"),), Source.KADEMLIA, TELLER, "8.8.8.8")
    assert scene.book.for_lookup(private, private.addresses[0], scene.now) == (NOT_IN_THAT_NETWORK, False)
    made = 0
    for number in range(2_000):
        address = at(f"8.{number // 250}.{number % 250}.8")
        finding = Finding(peer(number + 1), (address,), Source.KADEMLIA, peer(10**9 + number % 500), "8.8.8.8")
        reason, passes = scene.book.for_lookup(finding, address, scene.now)
        made += not reason
        assert passes == bool(reason)
    assert made == limits.LOOKUP_BURST
    assert len(scene.book) == 0
    scene.tell(ANN, "10.1.2.3", by=Source.MEMORY)
    assert scene.book.for_lookup(private, private.addresses[0], scene.now) == ("", False)


def test_where_a_peer_was_reached_for_a_lookup_it_is_dialled_again_and_others_are_not() -> None:
    scene = Scene()
    ann, bob = (Finding(one, (at("8.8.8.8", 4001),), Source.KADEMLIA, TELLER, "9.9.9.9") for one in (ANN, BOB))

    def dialled(finding: Finding, times: int) -> int:
        answers = [scene.book.for_lookup(finding, finding.addresses[0], scene.now)[0] for _ in range(times)]
        return answers.count("")

    assert dialled(ann, 20) == limits.PLACE_BURST
    scene.book.answered(ANN, ann.addresses[0])
    assert dialled(ann, 20) == 20
    assert dialled(bob, 20) == 0
    assert dialled(ann, 1_000) == limits.MEMORY_BURST - 20
    scene.now += 60.0
    scene.book.answered(ANN, ann.addresses[0], wrong=True)
    assert dialled(ann, 20) == 0
    scene.book.answered(ANN, ann.addresses[0])
    for port in range(limits.LOOKUP_PLACES):
        scene.book.answered(BOB, at("8.8.4.4", port + 1))
    assert dialled(ann, 20) == 0


def test_who_is_there_for_lookups_alone_takes_nobodys_place() -> None:
    scene = Scene()
    for number in range(limits.LOOKUP_CONNECTIONS):
        scene.book.came(peer(number + 100), scene.now)
        scene.book.asked(peer(number + 100))
    scene.tell(ANN, "8.8.8.8")
    assert scene.who() == [ANN]
    finding = Finding(BOB, (at("8.8.4.4"),), Source.KADEMLIA, TELLER, "8.8.8.8")
    reason = f"enough connections for lookups ({limits.LOOKUP_CONNECTIONS})"
    assert scene.book.for_lookup(finding, finding.addresses[0], scene.now) == (reason, True)


def storm(book: AddressBook, first: int, count: int) -> None:
    """Tell of very many peers, each with every address that the book has room for."""
    for number in range(first, first + count):
        hosts = [f"8.{number // 250}.{number % 250}.{spot}" for spot in range(limits.BOOK_ADDRESSES)]
        addresses = tuple(DialAddress(f"/ip4/{host}/tcp/4001", "ip4", host, 4001, None) for host in hosts)
        book.take(Finding(peer(number), addresses, Source.TOPIC, peer(10**9 + number % 300), "8.8.8.8"), 100.0)


def test_memory_is_flat_once_the_book_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BOOK_PEERS", 200)
    for first in (1, 10_000):
        storm(AddressBook(US), first, 400)  # which keeps the peer IDs that are used here
    book = AddressBook(US)
    tracemalloc.start()
    try:
        storm(book, 1, 400)
        full = tracemalloc.get_traced_memory()[0]
        storm(book, 10_000, 400)
        assert tracemalloc.get_traced_memory()[0] < full * 1.05
        assert full < 3_000_000
    finally:
        tracemalloc.stop()
    assert len(book) == limits.BOOK_PEERS


HOSTS = ("8.8.8.8", "8.8.8.9", "::ffff:8.8.8.8", "9.9.9.9", "10.1.2.3", "10.1.2.4", "127.0.0.1", "fe80::1%eth0")
FINDINGS = st.builds(
    Finding,
    st.sampled_from([US, "garbage", *(peer(number) for number in range(1, 60))]),
    st.lists(st.builds(at, st.sampled_from(HOSTS), st.integers(1, 3)), max_size=10).map(tuple),
    st.sampled_from([Source.TOPIC, Source.KADEMLIA, Source.MDNS, Source.MEMORY]),
    st.sampled_from(["", *(peer(number) for number in range(100, 110))]),
    st.sampled_from(["", "garbage", "8.8.8.8", "10.1.2.9", "127.0.0.1"]),
)
STEPS = st.lists(
    st.one_of(FINDINGS, st.floats(0, 100), st.sampled_from(["reach", "wrong", "gone", "wake"])), max_size=40
)


@given(STEPS)
def test_no_story_makes_the_dials_overrun_or_the_book_grow(steps: list[Finding | float | str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "BOOK_PEERS", 20)
        scene = Scene()
        _play(scene, steps)


def _play(scene: Scene, steps: list[Finding | float | str]) -> None:
    told: list[str] = []
    here: list[str] = []
    start = scene.now
    for step in steps:
        match step:
            case Finding():
                scene.book.take(step, scene.now)
            case float():
                scene.now += step
            case "wake":
                scene.book.wake(scene.now)
            case "gone" if here:
                scene.book.went(here.pop(), scene.now)
        _dial_all(scene, step, told, here)
        assert len(scene.book) <= limits.BOOK_PEERS
    passed = scene.now - start
    again = sum(step == "reach" for step in steps) * limits.BOOK_ADDRESSES * limits.FOUND_TRIES
    assert len(told) <= limits.TOLD_BURST + passed * limits.TOLD_RATE + again + 1
    victims = [host for host in told if "8.8.8" in host]
    assert len(victims) <= limits.RANGE_BURST + passed * limits.RANGE_RATE + again + 1


def _dial_all(scene: Scene, step: object, told: list[str], here: list[str]) -> None:
    """Dial whoever is due; the step says how it ends."""
    for _ in range(50):
        dial, wait = scene.book.next(scene.now)
        if dial is None:
            assert wait > 0
            return
        assert dial.peer_id not in (US, "garbage", *here)
        if not {Source.MDNS.value, Source.MEMORY.value} & set(scene.known(dial.peer_id).sources):
            told.append(dial.address.host)
        scene.book.begun(dial.peer_id, dial.address, scene.now)
        if step == "reach":
            scene.book.came(dial.peer_id, scene.now)
            here.append(dial.peer_id)
        cause = "" if step == "reach" else "refused"
        scene.book.ended(dial.peer_id, dial.address, scene.now, cause, wrong=step == "wrong")
    pytest.fail("it dials without end")


# --- Whom the user asks for -----------------------------------------------------------------------


def test_whom_the_user_asks_for_is_dialled_in_spite_of_pauses_and_goodbyes_the_best_address_first() -> None:
    scene = Scene()
    scene.tell(ANN, "8.8.4.4", by=Source.MEMORY)
    scene.tell(ANN, "9.9.9.9")
    assert scene.dials(10 * 86_400)
    scene.book.left(ANN, scene.now)
    assert scene.state(ANN)[0] == "not dialled"
    ways, reason = scene.book.ways_to(ANN, scene.now)
    assert ([way.host for way in ways], reason) == (["9.9.9.9", "8.8.4.4"], "")


def test_of_whom_the_user_asks_for_it_is_said_why_he_is_not_dialled() -> None:
    scene = Scene()
    assert scene.book.ways_to(ANN, scene.now) == ((), "nobody has told where it is")
    scene.tell(ANN, "192.168.7.7", by=Source.TOPIC)
    assert scene.book.ways_to(ANN, scene.now) == ((), NOT_IN_THAT_NETWORK)
    scene.tell(BOB, "8.8.4.4")
    scene.banned[BOB] = "it was let go"
    assert scene.book.ways_to(BOB, scene.now) == ((), "it was let go")
    scene.banned.clear()
    (way,), _ = scene.book.ways_to(BOB, scene.now)
    scene.book.begun(BOB, way, scene.now)
    assert scene.book.ways_to(BOB, scene.now) == ((), "it is being dialled")


def test_what_strangers_tell_of_whom_the_user_asks_for_costs_no_more_than_it_may() -> None:
    scene = Scene()
    scene.tell(ANN, "8.8.4.4", by=Source.TOPIC)
    tries = 0
    while ways := scene.book.ways_to(ANN, scene.now)[0]:
        tries += 1
        scene.book.begun(ANN, ways[0], scene.now)
        scene.book.ended(ANN, ways[0], scene.now, "refused")
        scene.now += 3_600
    assert tries == limits.TOLD_TRIES
    assert "in vain: refused" in scene.book.ways_to(ANN, scene.now)[1]


def test_an_address_that_is_named_is_left_to_those_who_dial_it_anyway() -> None:
    scene = Scene()
    scene.tell(ANN, "8.8.4.4", by=Source.NAMED)
    assert scene.book.ways_to(ANN, scene.now) == ((), "dialled for as long as it is named")
