"""go-libp2p and rust-libp2p peers that speak TLS and no Noise, or both, and ours, over TCP and a WebSocket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.network.peers import Peer, free_port, met, party
from tests.sisters.sisters import Sister, talk
from tests.sisters.test_relay import each_kind

if TYPE_CHECKING:
    from pathlib import Path


@each_kind
@pytest.mark.parametrize("dials", ["we dial", "they dial"])
@pytest.mark.parametrize("above", ["", "/ws"], ids=["TCP", "WebSocket"])
@pytest.mark.parametrize("offered", [("tls",), ("tls", "noise")], ids=["TLS", "TLS and Noise"])
def test_we_hear_each_other_with_tls(
    kind: type[Sister], dials: str, above: str, offered: tuple[str, ...], tmp_path: Path
) -> None:
    port = free_port()
    ours = Peer("ours", tmp_path / "ours")
    theirs = kind("theirs", tmp_path / "theirs", options=("--ws", str(port)))
    theirs.options += tuple(part for name in offered for part in ("--security", name))
    first: Peer
    second: Peer
    if dials == "we dial":
        first, second = theirs, ours
        ours.connect = (f"/ip4/127.0.0.1/tcp/{port}/ws" if above else theirs.address,)
    else:
        first, second = ours, theirs
        theirs.connect = (ours.address + above,)
    with party(first):
        first.see("ready")
        with party(second):
            met(ours, theirs)
            talk(ours, theirs)
            theirs.kill()
            ours.see("peer_left")
