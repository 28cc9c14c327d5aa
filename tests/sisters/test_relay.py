"""Peers of three other languages and ours through a relay, whoever is the relay, and whoever is reached through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.network.peers import Peer, party
from tests.network.routers import Nat, internet, no_routers
from tests.sisters.sisters import KINDS, RustPeer, Sister, missing, talk

if TYPE_CHECKING:
    from pathlib import Path

    from _pytest.mark.structures import ParameterSet

COUNT: Final = 20


def through(relay: Peer, peer: Peer) -> str:
    """Return where a peer is reached through a relay."""
    return f"{relay.address}/p2p/{relay.id}/p2p-circuit/p2p/{peer.id}"


def of(name: str, *more: str) -> ParameterSet:
    """Return a kind of peer to test with, where it is here, and what more there is to the test."""
    lacking = pytest.mark.skipif(bool(missing(name)), reason=missing(name))
    return pytest.param(KINDS[name], *more, id="-".join((name, *more)), marks=lacking)


each_kind = pytest.mark.parametrize("kind", [of("go"), of("rust"), of("node")])


def speak(one: Peer, other: Peer) -> None:
    """Have both speak in the room, and to each other alone what nobody else could pass on."""
    talk(one, other)
    for peer, to in ((one, other), (other, one)):
        texts = [f"{peer.name} {number} grüße 🎈".ljust(100 * number, "x") for number in range(COUNT)]
        for text in texts:
            peer.command("msg", peer=to.id, text=text)
        to.see("direct_received", text=texts[-1])
        assert [told["text"] for told in to.all("direct_received") if told["peer_id"] == peer.id] == texts


@each_kind
def test_theirs_is_reached_through_our_relay(kind: type[Sister], tmp_path: Path) -> None:
    relay = Peer("relay", tmp_path / "relay", options=("--relay-server",))
    with party(relay):
        relay.see("ready")
        theirs = kind("theirs", tmp_path / "theirs", options=("--relay", f"{relay.address}/p2p/{relay.id}"))
        with party(theirs):
            assert theirs.see("ready")["addresses"].count(through(relay, theirs)) == 1
            for caller in (
                Peer("ours", tmp_path / "ours"),
                kind("another of theirs", tmp_path / "another", options=("--relayed",)),
            ):
                caller.connect = (through(relay, theirs),)
                with party(caller):
                    caller.see("ready")
                    assert "/p2p-circuit" in caller.see("peer_connected", peer_id=theirs.id)["address"]
                    theirs.see("peer_joined", peer_id=caller.id)
                    speak(caller, theirs)


@each_kind
@pytest.mark.parametrize("limits", ["", "--unlimited"])
def test_ours_is_reached_through_their_relay(kind: type[Sister], tmp_path: Path, limits: str) -> None:
    relay = kind("relay", tmp_path / "relay", options=("--relay-server", *filter(None, [limits])))
    with party(relay):
        relay.see("ready")
        ours = Peer("ours", tmp_path / "ours", options=("--relay", f"{relay.address}/p2p/{relay.id}"))
        with party(ours):
            addresses = ours.see("reachability_changed", status="relayed")["addresses"]
            assert through(relay, ours) in addresses
            theirs = kind("theirs", tmp_path / "theirs", options=("--relayed",), connect=(through(relay, ours),))
            with party(theirs):
                theirs.see("ready")
                assert "/p2p-circuit" in ours.see("peer_connected", peer_id=theirs.id)["address"]
                if limits or kind is RustPeer:  # the others say nothing where a relay has limits
                    ours.see("peer_joined", peer_id=theirs.id)
                    speak(ours, theirs)
                relay.kill()
                ours.see("reachability_changed", status="unknown")
                ours.see("peer_disconnected", peer_id=theirs.id)


@pytest.mark.skipif(bool(no_routers()), reason=no_routers())
@pytest.mark.parametrize(("kind", "is_called"), [of("go", "ours"), of("go", "theirs"), of("rust", "ours")])
def test_ours_and_theirs_behind_routers_go_on_without_the_relay(
    kind: type[Sister], is_called: str, tmp_path: Path
) -> None:
    """Who is called begins; rust-libp2p does so once only, and meets the other by chance."""
    with internet(1, Nat.CONE, Nat.CONE) as net:
        hosts = [net.hosts[0], *(home.hosts[0] for home in net.homes)]
        kinds: tuple[type[Peer], ...] = (Peer, Peer, kind)
        relay, ours, theirs = (
            each(name, tmp_path / name, (), host.address, host.space.inside)
            for name, each, host in zip(("relay", "ours", "theirs"), kinds, hosts, strict=True)
        )
        relay.options = ("--relay-server",)
        ours.options = ("--no-quic",)
        theirs.options = ("--dcutr",)
        with party(relay):
            relay.see("ready")
            called, caller = (ours, theirs) if is_called == "ours" else (theirs, ours)
            called.options += ("--relay", f"{relay.address}/p2p/{relay.id}")
            if caller is theirs:
                caller.options += ("--relayed",)
            with party(called):
                called.see(*(("reachability_changed",) if called is ours else ("ready",)))
                caller.connect = (through(relay, called),)
                with party(caller):
                    caller.see("ready")
                    theirs.wait_for(
                        lambda: any(
                            told["peer_id"] == ours.id and "/p2p-circuit" not in told["address"]
                            for told in theirs.all("peer_connected")
                        ),
                        "a direct way",
                    )
                    talk(ours, theirs)
                    relay.kill()
                    theirs.see("peer_left", peer_id=relay.id)
                    talk(ours, theirs)
