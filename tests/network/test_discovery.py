"""Peers find each other: on networks of our own, with the real program, and no address given.

Each scene keeps several promises, as its programs take a second or two to start.
"""

from __future__ import annotations

import contextlib
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import pytest

from tests.frontends.programs import DEADLINE, PY_PEER, environment
from tests.network.namespaces import CALL, INTERFACE, MDNS, TUNNEL, Host, Kind, hosts, missing
from tests.network.peers import Peer, hear_each_other, met, party

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

TO_MEET: Final = 3.0
"""What is promised: seconds from the last Ready until all are in one room."""

FOUND_BY_ITSELF: Final = ("--mdns", "--discovery")
QUICK: Final = {"PING_INTERVAL": 1.0, "PING_TIMEOUT": 1.0, "NEAR_PAUSE": 0.5, "MEETING_PAUSE": 0.2}
"""Limits with which a peer whose address is gone is let go, and dialled again, in two seconds instead of ten."""


def peer_on(host: Host, name: str, folder: Path, *options: str, **limits: float) -> Peer:
    return Peer(name, folder / name, host=host.address, inside=host.space.inside, options=options, limits=limits)


@contextlib.contextmanager
def lan(kind: Kind, folder: Path, names: str, *options: str) -> Iterator[tuple[list[Host], list[Peer]]]:
    """Have each of these start on a host of its own, all on one bridge."""
    called = names.split()
    with hosts(len(called), kind) as made:
        peers = [peer_on(host, name, folder, *options, **QUICK) for host, name in zip(made, called, strict=True)]
        with party(*peers):
            yield made, peers


def found_by(*peers: Peer) -> set[str]:
    """Return how peers were found, of late. Who has been called by the other before he found him tells nothing."""
    return {told["source"] for peer in peers if (told := peer.last("peer_found"))}


def doctor(host: Host) -> str:
    """Return what `py-peer doctor` prints on a host; nothing there may be a failure."""
    command = [*host.space.inside, *PY_PEER, "doctor", "--mdns"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False, env=environment())
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_three_on_an_ip4_network_meet_and_meet_again_with_other_addresses_and_from_memory(tmp_path: Path) -> None:
    with lan(Kind.IPV4, tmp_path, "ann bob cid", "--mdns", "--remember") as (made, (ann, bob, cid)):
        assert met(ann, bob, cid) < TO_MEET
        hear_each_other(ann, bob, cid)
        assert found_by(ann, bob, cid) == {"by mDNS"}

        calls = [host.match("output", f"ip daddr {made[2].address} {CALL}") for host in made[:2]]
        cid.leave()
        ann.wait_for(lambda: cid.id not in ann.room() | bob.room(), "that cid has left")
        made[1].move(22)  # while bob runs
        hear_each_other(ann, bob)  # it is kept until there is a way again
        assert [count() for count in calls] == [0, 0]  # as cid has said goodbye
        made[2].move(33)
        cid.start()
        assert met(ann, bob, cid) < TO_MEET
        hear_each_other(ann, bob, cid)

        for peer in (ann, bob):
            peer.leave()
            peer.options = ("--remember",)
        for peer in (ann, bob):
            peer.start()
        assert met(ann, bob) < TO_MEET
        assert found_by(ann, bob) == {"from an earlier run"}


@pytest.mark.parametrize("kind", [Kind.IPV6, Kind.LINK_LOCAL])
def test_three_on_an_ip6_network_meet(kind: Kind, tmp_path: Path) -> None:
    with lan(kind, tmp_path, "ann bob cid", *FOUND_BY_ITSELF) as (_, peers):
        assert met(*peers) < TO_MEET
        hear_each_other(*peers)


def test_an_interface_that_comes_later_is_looked_on_too(tmp_path: Path) -> None:
    with hosts(2) as (one, both), hosts(1, number=1) as (other,):
        ann, bob, cid = (
            peer_on(host, name, tmp_path, "--mdns") for host, name in ((one, "ann"), (both, "bob"), (other, "cid"))
        )
        with party(ann, bob, cid):
            met(ann, bob)
            cid.wait_for(lambda: cid.last("ready"), "ready")
            assert not cid.room()
            both.plug(other.bridge, 2, "eth1")
            bob.wait_for(lambda: cid.id in bob.room() and bob.id in cid.room(), "each other on the other network")
            ann.say("from one network to the other")
            cid.wait_for(cid.texts, "what was said on the other network")


def test_nothing_of_mdns_goes_into_a_tunnel_or_a_loop_or_out_of_a_peer_that_is_to_send_none(tmp_path: Path) -> None:
    with hosts(3) as made:
        made[0].make_tunnel("10.8.0.1")
        to = {name: made[0].match("output", f"oifname {name} {MDNS}") for name in (INTERFACE, "lo", TUNNEL)}
        of_bob, bob_called = made[1].match("output", MDNS), made[1].match("input", CALL)
        ann, bob, cid = (peer_on(host, name, tmp_path) for host, name in zip(made, ("ann", "bob", "cid"), strict=True))
        ann.options = cid.options = FOUND_BY_ITSELF
        bob.options = ("--no-mdns", "--discovery")
        with party(ann, bob, cid):
            met(ann, cid)
            bob.wait_for(lambda: bob.last("ready"), "ready")
            ann.leave()  # with a goodbye
            bob.leave()
        assert to[INTERFACE]() > 1
        assert (to["lo"](), to[TUNNEL](), of_bob(), bob_called()) == (0, 0, 0, 0)


def test_where_multicast_is_blocked_doctor_says_so_and_so_does_the_chat_after_a_time_alone(tmp_path: Path) -> None:
    with hosts(3) as made:
        made[0].block_multicast("input", "output")
        made[2].block_multicast("input")
        ann, bob = (
            peer_on(host, name, tmp_path, *FOUND_BY_ITSELF, ALONE_SECONDS=1)
            for host, name in zip(made, ("ann", "bob"), strict=False)
        )
        with party(ann, bob):
            for peer in (ann, bob):
                peer.wait_for(lambda: "Nobody has been met for 1 s" in str(peer.all("notice")), "alone")  # noqa: B023
            with ThreadPoolExecutor() as threads:
                of_ann, of_bob, of_cid = threads.map(doctor, made)
            assert f"warning  mdns: {INTERFACE}, IPv4: the system or a firewall does not allow it" in of_ann
            assert f"ok       mdns: {INTERFACE}, IPv4: multicast works, 1 peer(s) answered" in of_bob
            assert f"warning  mdns: {INTERFACE}, IPv4: multicast is blocked" in of_cid


def test_one_bootstrap_address_finds_the_room_also_when_that_peer_is_gone(tmp_path: Path) -> None:
    with hosts(6) as made:
        first, *others, late = (
            peer_on(host, f"peer{which}", tmp_path, "--kademlia") for which, host in enumerate(made)
        )
        for other in others:
            other.options = ("--bootstrap", first.address)
        with party(first, *others):
            met(first, *others)
            hear_each_other(first, *others)
            first.kill()
            late.options = ("--bootstrap", f"{others[0].address}/p2p/{others[0].id}")
            with party(late):
                met(late, *others)
                hear_each_other(late, *others)
