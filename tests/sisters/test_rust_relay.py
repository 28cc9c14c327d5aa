"""rust-libp2p and ours through a relay, whoever is the relay, and whoever is reached through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interop.builds import RUST
from tests.network.peers import Peer, hear_each_other, party
from tests.sisters.sisters import RustPeer
from tests.sisters.test_js_relay import through

if TYPE_CHECKING:
    from pathlib import Path

REASON = RUST.missing()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)


TEXT = "grüße 🎈".ljust(2_000, "x")


def speak(one: Peer, other: Peer) -> None:
    """Have both speak in the room, and to each other alone what nobody else could pass on."""
    hear_each_other(one, other)
    for peer, to in ((one, other), (other, one)):
        peer.command("msg", peer=to.id, text=TEXT)
        to.see("direct_received", peer_id=peer.id, text=TEXT)


def test_theirs_is_reached_through_our_relay(tmp_path: Path) -> None:
    relay = Peer("relay", tmp_path / "relay", options=("--relay-server",))
    with party(relay):
        relay.see("ready")
        theirs = RustPeer("theirs", tmp_path / "theirs", options=("--relay", f"{relay.address}/p2p/{relay.id}"))
        with party(theirs):
            assert theirs.see("ready")["addresses"].count(through(relay, theirs)) == 1
            for kind, more in ((Peer, ()), (RustPeer, ("--relayed",))):
                caller = kind(kind.__name__, tmp_path / kind.__name__, (through(relay, theirs),), options=more)
                with party(caller):
                    caller.see("ready")
                    assert "/p2p-circuit" in caller.see("peer_connected", peer_id=theirs.id)["address"]
                    theirs.see("peer_joined", peer_id=caller.id)
                    speak(caller, theirs)


@pytest.mark.parametrize("limits", ["", "--unlimited"])
def test_ours_is_reached_through_their_relay(tmp_path: Path, limits: str) -> None:
    relay = RustPeer("relay", tmp_path / "relay", options=("--relay-server", *filter(None, [limits])))
    with party(relay):
        relay.see("ready")
        ours = Peer("ours", tmp_path / "ours", options=("--relay", f"{relay.address}/p2p/{relay.id}"))
        with party(ours):
            addresses = ours.see("reachability_changed", status="relayed")["addresses"]
            assert through(relay, ours) in addresses
            theirs = RustPeer("theirs", tmp_path / "theirs", options=("--relayed",), connect=(through(relay, ours),))
            with party(theirs):
                theirs.see("ready")
                assert "/p2p-circuit" in ours.see("peer_connected", peer_id=theirs.id)["address"]
                ours.see("peer_joined", peer_id=theirs.id)
                speak(ours, theirs)
                relay.kill()
                ours.see("reachability_changed", status="unknown")
                ours.see("peer_disconnected", peer_id=theirs.id)
