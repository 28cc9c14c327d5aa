"""js-libp2p and go-libp2p with AutoNAT: they are dialled back when they ask, and not asked.

js-libp2p would hang up; go-libp2p serves nobody unless told to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.network.peers import Told, met, party, until
from tests.network.routers import internet, no_routers, peer_in
from tests.sisters.sisters import KINDS, missing

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(bool(no_routers()), reason=no_routers())


@pytest.mark.parametrize(("kind", "options"), [("node", ("--autonat",)), ("go", ())], ids=["node", "go"])
def test_it_is_served_and_stays(kind: str, options: tuple[str, ...], tmp_path: Path) -> None:
    if reason := missing(kind):
        pytest.skip(reason)
    with internet(2) as net:
        one, other = net.hosts
        ours = peer_in(one, "ours", tmp_path)
        theirs = KINDS[kind](kind, tmp_path / kind, (ours.address,), other.address, other.space.inside, options=options)
        with party(ours):
            ours.see("ready")  # they call once
            with party(theirs):
                met(ours, theirs)

                def told() -> Told:
                    ours.usage()
                    return ours.last("statistics") or {}

                until(lambda: told()["dial_backs_served"].get("reached"))
                assert not ours.all("peer_left")
                assert [told()[name] for name in ("dial_backs_asked", "faults_unexpected", "strikes")] == [{}, 0, 0]
