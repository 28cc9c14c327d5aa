"""A js-libp2p peer and ours find each other, each by its own means, and talk. On networks of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.network.namespaces import Host, hosts, missing
from tests.network.peers import Peer, hear_each_other, met, party
from tests.sisters.sisters import JsPeer, missing_js

if TYPE_CHECKING:
    from pathlib import Path

REASON = missing_js() or missing()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)


def peer_on(host: Host, name: str, folder: Path, kind: type[Peer], *options: str) -> Peer:
    return kind(name, folder / name, host=host.address, inside=host.space.inside, options=options)


def test_js_and_we_find_each_other_by_the_discovery_topic_and_go_on_without_the_one_who_passed_it_on(
    tmp_path: Path,
) -> None:
    with hosts(3) as made:
        hub, ours, theirs = (
            peer_on(host, name, tmp_path, kind, "--discovery")
            for host, (name, kind) in zip(made, {"hub": Peer, "ours": Peer, "theirs": JsPeer}.items(), strict=True)
        )
        with party(hub):
            hub.wait_for(lambda: hub.last("ready"), "ready")
            ours.connect = theirs.connect = (f"{hub.address}/p2p/{hub.id}",)
            with party(ours, theirs):
                met(hub, ours, theirs)
                hub.kill()
                ours.wait_for(lambda: hub.id not in ours.room() | theirs.room(), "that the hub is gone")
                hear_each_other(ours, theirs)
