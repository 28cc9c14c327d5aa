"""js-libp2p and ours through a relay, whoever is the relay, and whoever is reached through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.network.peers import Peer, party
from tests.sisters.sisters import JsPeer, missing_js

if TYPE_CHECKING:
    from pathlib import Path

REASON = missing_js()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

COUNT = 20


def through(relay: Peer, peer: Peer) -> str:
    """Return where a peer is reached through a relay."""
    return f"{relay.address}/p2p/{relay.id}/p2p-circuit/p2p/{peer.id}"


def speak(ours: Peer, theirs: Peer) -> None:
    """Have both say to each other alone what nobody else could pass on, both ways."""
    for one, other in ((ours, theirs), (theirs, ours)):
        texts = [f"{one.name} {number} grüße 🎈".ljust(100 * number, "x") for number in range(COUNT)]
        for text in texts:
            one.command("msg", peer=other.id, text=text)
        other.see("direct_received", text=texts[-1])
        assert [told["text"] for told in other.all("direct_received") if told["peer_id"] == one.id] == texts


def test_theirs_is_reached_through_our_relay(tmp_path: Path) -> None:
    relay = Peer("relay", tmp_path / "relay", options=("--relay-server",))
    with party(relay):
        relay.see("ready")
        theirs = JsPeer("theirs", tmp_path / "theirs", options=("--relay", f"{relay.address}/p2p/{relay.id}"))
        with party(theirs):
            assert theirs.see("ready")["addresses"].count(through(relay, theirs)) == 1
            ours = Peer("ours", tmp_path / "ours", connect=(through(relay, theirs),))
            with party(ours):
                ours.see("ready")
                assert "/p2p-circuit" in ours.see("peer_connected", peer_id=theirs.id)["address"]
                theirs.see("peer_joined", peer_id=ours.id)  # gossip, too: a relay of ours tells of no limit
                speak(ours, theirs)
                other = JsPeer("other", tmp_path / "other", options=("--relayed",), connect=(through(relay, theirs),))
                with party(other):
                    other.see("ready")
                    theirs.see("peer_joined", peer_id=other.id)
                    assert "/p2p-circuit" in other.see("peer_connected", peer_id=theirs.id)["address"]
                    speak(other, theirs)


@pytest.mark.parametrize("limits", ["", "--unlimited"])
def test_ours_is_reached_through_their_relay(tmp_path: Path, limits: str) -> None:
    relay = JsPeer("relay", tmp_path / "relay", options=("--relay-server", *filter(None, [limits])))
    with party(relay):
        relay.see("ready")
        ours = Peer("ours", tmp_path / "ours", options=("--relay", f"{relay.address}/p2p/{relay.id}"))
        with party(ours):
            addresses = ours.see("reachability_changed", status="relayed")["addresses"]
            assert through(relay, ours) in addresses
            theirs = JsPeer("theirs", tmp_path / "theirs", options=("--relayed",), connect=(through(relay, ours),))
            with party(theirs):
                theirs.see("ready")
                assert "/p2p-circuit" in ours.see("peer_connected", peer_id=theirs.id)["address"]
                if limits:
                    ours.see("peer_joined", peer_id=theirs.id)
                    speak(ours, theirs)
                relay.kill()
                ours.see("reachability_changed", status="unknown")
                ours.see("peer_disconnected", peer_id=theirs.id)
