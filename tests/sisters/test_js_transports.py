"""A js-libp2p peer and ours over WebSockets, plain and inside TLS, and QUIC: chat, files, direct messages, an end."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from tests.network.peers import Peer, free_port, met, party
from tests.sisters.sisters import JsPeer, missing_js, missing_js_quic
from tests.web_certificates import sign_itself

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REASON = missing_js()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

COUNT = 100


WAYS = [f"{who} over {how}" for who in ("we dial", "js dials") for how in ("ws", "quic")]


@pytest.fixture(params=[*WAYS, "js dials over wss"])
def couple(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Peer, JsPeer]]:
    """Ours and theirs, in one room."""
    who, _, how = request.param.partition(" over ")
    if how == "quic" and (reason := missing_js_quic()):
        pytest.skip(reason)
    end = "/ip4/127.0.0.1" + {"ws": "/tcp/{}/ws", "quic": "/udp/{}/quic-v1", "wss": "/tcp/{}/tls/ws"}[how]
    port = free_port()
    certificate, key = sign_itself(tmp_path, "127.0.0.1")
    options = () if how == "wss" else (f"--{how}", str(port))
    trusting = ("env", f"NODE_EXTRA_CA_CERTS={certificate}")
    theirs = JsPeer("theirs", tmp_path / "theirs", options=options, inside=trusting)
    secured = ("--wss-cert", str(certificate), "--wss-key", str(key))
    ours = Peer("ours", tmp_path / "ours", options=("--downloads", str(tmp_path / "downloads"), *secured))
    if who == "we dial":
        ours.connect = (end.format(port),)
        order: tuple[Peer, Peer] = theirs, ours
    else:
        theirs.connect = (end.format(ours.port),)
        order = ours, theirs
    first, second = order
    with party(first):
        first.wait_for(lambda: first.last("ready"), "ready")
        with party(second):
            met(ours, theirs)
            assert end.partition("{}")[2] in second.see("peer_connected")["address"]
            yield ours, theirs


def test_a_room_over_another_transport_than_tcp(couple: tuple[Peer, JsPeer], tmp_path: Path) -> None:
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
