"""A js-libp2p peer calls ours over a WebSocket inside TLS: chat, files, direct messages, an end.

What it does over the other transports is in test_interop.py.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from tests.network.peers import Peer, met, party
from tests.sisters.sisters import JsPeer, missing_js
from tests.web_certificates import sign_itself

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REASON = missing_js()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

COUNT = 100


@pytest.fixture
def couple(tmp_path: Path) -> Iterator[tuple[Peer, JsPeer]]:
    """Ours and theirs, in one room."""
    certificate, key = map(str, sign_itself(tmp_path, "127.0.0.1"))
    secured = ("--wss-cert", certificate, "--wss-key", key)
    ours = Peer("ours", tmp_path / "ours", options=("--downloads", str(tmp_path / "downloads"), *secured))
    trusting = ("env", f"NODE_EXTRA_CA_CERTS={certificate}")
    theirs = JsPeer("theirs", tmp_path / "theirs", (f"{ours.address}/tls/ws",), inside=trusting)
    with party(ours):
        ours.wait_for(lambda: ours.last("ready"), "ready")
        with party(theirs):
            met(ours, theirs)
            assert "/tls/ws" in theirs.see("peer_connected")["address"]
            yield ours, theirs


def test_a_room_inside_tls(couple: tuple[Peer, JsPeer], tmp_path: Path) -> None:
    ours, theirs = couple
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

    path.write_bytes(body[::-1])
    ours.command("share", path=str(path), id="ours")
    file_id = ours.see("file_shared", id="ours")["file"]["file_id"]
    received = theirs.see("file_received", file_id=file_id)
    assert received["sha256"] == hashlib.sha256(body[::-1]).hexdigest()

    theirs.leave()
    ours.see("peer_left")
