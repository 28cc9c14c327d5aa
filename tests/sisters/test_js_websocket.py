"""A js-libp2p peer and ours over a WebSocket, whoever dials: chat, a file, direct messages, an end that is noticed."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from tests.network.peers import Peer, free_port, met, party
from tests.sisters.sisters import JsPeer, missing_js

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REASON = missing_js()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

COUNT = 100


@pytest.fixture(params=["we dial", "js dials"])
def couple(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Peer, JsPeer]]:
    """Ours and theirs, in one room."""
    port = free_port()
    downloads = ("--downloads", str(tmp_path / "downloads"))
    if request.param == "we dial":
        theirs = JsPeer("theirs", tmp_path / "theirs", options=("--ws", str(port)))
        ours = Peer("ours", tmp_path / "ours", options=downloads, connect=(f"/ip4/127.0.0.1/tcp/{port}/ws",))
        order: tuple[Peer, Peer] = theirs, ours
    else:
        ours = Peer("ours", tmp_path / "ours", options=downloads)
        theirs = JsPeer("theirs", tmp_path / "theirs", connect=(f"{ours.address}/ws",))
        order = ours, theirs
    first, second = order
    with party(first):
        first.wait_for(lambda: first.last("ready"), "ready")
        with party(second):
            met(ours, theirs)
            yield ours, theirs


def test_a_room_over_a_websocket(couple: tuple[Peer, JsPeer], tmp_path: Path) -> None:
    ours, theirs = couple
    assert "/ws" in ours.see("peer_connected")["address"] + theirs.see("peer_connected")["address"]
    texts = [f"{number} grüße 🎈".ljust(1 + 600 * (number % 100), "x") for number in range(COUNT)]
    for peer, other in ((ours, theirs), (theirs, ours)):
        for text in texts:
            peer.say(text)
        other.wait_for(lambda: len(other.all("message_received")) >= COUNT, "all of them", 60)  # noqa: B023 - at once
        assert [told["text"] for told in other.all("message_received")] == texts

    path, body = tmp_path / "a file", os.urandom(3_000_000)
    path.write_bytes(body)
    theirs.command("share", path=str(path))
    offer = ours.see("file_offered")["offer"]
    ours.command("get", file=offer["file_id"], path=str(tmp_path / "fetched"))
    ours.see("transfer_done", file_id=offer["file_id"])
    assert hashlib.sha256((tmp_path / "fetched").read_bytes()).digest() == hashlib.sha256(body).digest()

    ours.command("msg", peer=theirs.id, text="between us")
    theirs.see("direct_received", text="between us")
    theirs.command("msg", peer=ours.id, text="quite so")
    ours.see("direct_received", text="quite so")

    theirs.kill()
    ours.see("peer_left")
