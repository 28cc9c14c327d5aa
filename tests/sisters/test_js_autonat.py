"""js-libp2p with AutoNAT: it is dialled back when it asks, and not asked, since it would hang up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.network.peers import Told, met, party, until
from tests.network.routers import internet, no_routers, peer_in
from tests.sisters.sisters import JsPeer, missing_js

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(bool(missing_js() or no_routers()), reason=missing_js() or no_routers())


def test_it_is_served_and_stays(tmp_path: Path) -> None:
    with internet(2) as net:
        one, other = net.hosts
        ours = peer_in(one, "ours", tmp_path)
        inside, at = other.space.inside, other.address
        js = JsPeer("js", tmp_path / "js", (ours.address,), at, inside, options=("--autonat",))
        with party(ours, js):
            met(ours, js)

            def told() -> Told:
                ours.usage()
                return ours.last("statistics") or {}

            until(lambda: told()["dial_backs_served"].get("reached"))
            assert not ours.all("peer_left")
            assert [told()[name] for name in ("dial_backs_asked", "faults_unexpected", "strikes")] == [{}, 0, 0]
