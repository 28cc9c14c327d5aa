"""A rust-libp2p peer that speaks TLS and no Noise, or both, and ours, over TCP and a WebSocket, whoever dials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interop.builds import RUST
from tests.network.peers import Peer, free_port, hear_each_other, met, party
from tests.sisters.sisters import RustPeer

if TYPE_CHECKING:
    from pathlib import Path

REASON = RUST.missing()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)


@pytest.mark.parametrize("dials", ["we dial", "rust dials"])
@pytest.mark.parametrize("above", ["", "/ws"], ids=["TCP", "WebSocket"])
@pytest.mark.parametrize("offered", [("tls",), ("tls", "noise")], ids=["TLS", "TLS and Noise"])
def test_we_hear_each_other_with_tls(dials: str, above: str, offered: tuple[str, ...], tmp_path: Path) -> None:
    port = free_port()
    ours = Peer("ours", tmp_path / "ours")
    theirs = RustPeer("theirs", tmp_path / "theirs", options=("--ws", str(port)))
    theirs.options += tuple(part for kind in offered for part in ("--security", kind))
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
            hear_each_other(ours, theirs)
            theirs.kill()
            ours.see("peer_left")
