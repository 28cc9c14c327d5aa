"""A js-libp2p peer that speaks TLS and no Noise, and ours, over TCP and a WebSocket, whoever dials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.network.peers import Peer, free_port, met, party
from tests.sisters.sisters import JsPeer, missing_js

if TYPE_CHECKING:
    from pathlib import Path

REASON = missing_js()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

COUNT = 100
TLS = ("--security", "tls")


@pytest.mark.parametrize("dials", ["we dial", "js dials"])
@pytest.mark.parametrize("above", ["", "/ws"], ids=["TCP", "WebSocket"])
def test_a_hundred_texts_each_way_with_tls_alone(dials: str, above: str, tmp_path: Path) -> None:
    port = free_port()
    if dials == "we dial":
        theirs = JsPeer("theirs", tmp_path / "theirs", options=(*TLS, "--ws", str(port)))
        address = f"/ip4/127.0.0.1/tcp/{port}/ws" if above else theirs.address
        ours = Peer("ours", tmp_path / "ours", connect=(address,))
        first: Peer = theirs
    else:
        first = ours = Peer("ours", tmp_path / "ours")
        theirs = JsPeer("theirs", tmp_path / "theirs", options=TLS, connect=(ours.address + above,))
    second = ours if first is theirs else theirs
    with party(first):
        first.wait_for(lambda: first.last("ready"), "ready")
        with party(second):
            met(ours, theirs)
            texts = [f"{number} grüße 🎈".ljust(1 + 600 * (number % 100), "x") for number in range(COUNT)]
            for peer, other in ((ours, theirs), (theirs, ours)):
                for text in texts:
                    peer.say(text)
                other.wait_for(lambda: len(other.all("message_received")) >= COUNT, "all of them", 60)  # noqa: B023 - at once
                assert [told["text"] for told in other.all("message_received")] == texts
            theirs.kill()
            ours.see("peer_left")
