"""A js-libp2p peer and ours find each other, each by its own means, and talk. On networks of our own."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.network.namespaces import CALL, Host, hosts, missing
from tests.network.peers import Peer, hear_each_other, met, party
from tests.sisters.sisters import JsPeer, missing_js

if TYPE_CHECKING:
    from pathlib import Path

REASON = missing_js() or missing()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)


def peers_on(made: list[Host], folder: Path, *options: str, **kinds: type[Peer]) -> list[Peer]:
    """Return a peer for each host; `kinds` are their names, and what they are."""
    return [
        kind(name, folder / name, host=host.address, inside=host.space.inside, options=options)
        for host, (name, kind) in zip(made, kinds.items(), strict=True)
    ]


def called(one: Peer, other: Peer) -> bool:
    """Whether one has dialled the other, as the other has seen it."""
    return any(told["peer_id"] == one.id and told["inbound"] for told in other.all("peer_connected"))


def test_js_finds_and_calls_us_and_we_find_and_call_js_by_mdns(tmp_path: Path) -> None:
    with hosts(4) as made:
        for host in made:
            host.route_multicast()
        for host in made[2:]:
            host.cannot_call()
        peers = peers_on(made, tmp_path, "--mdns", ours=Peer, theirs=JsPeer, our_quiet=Peer, their_quiet=JsPeer)
        with party(*peers):
            ours, theirs, our_quiet, their_quiet = peers
            met(ours, their_quiet)
            met(theirs, our_quiet)
            assert called(ours, their_quiet)
            assert called(theirs, our_quiet)
            met(ours, theirs)
            hear_each_other(*peers)


def test_js_and_we_find_each_other_by_the_discovery_topic_and_go_on_without_the_one_who_passed_it_on(
    tmp_path: Path,
) -> None:
    with hosts(4) as made:
        for quiet, other in ((3, 1), (2, 3)):  # who cannot call whom
            made[quiet].match("output", f"ip daddr {made[other].address} {CALL}", "drop")
        peers = peers_on(made, tmp_path, "--discovery", hub=Peer, ours=Peer, our_quiet=Peer, theirs=JsPeer)
        hub, ours, our_quiet, theirs = peers
        theirs.options += ("--interval", "500")
        for peer in peers[1:]:
            peer.connect = (hub.address,)
        with contextlib.ExitStack() as stack:
            stack.enter_context(party(hub))
            hub.wait_for(lambda: hub.last("ready"), "ready")  # the js-libp2p peer calls once
            stack.enter_context(party(*peers[1:]))
            met(ours, our_quiet, theirs)
            assert called(ours, theirs)
            assert called(theirs, our_quiet)
            hub.kill()
            ours.wait_for(lambda: not any(hub.id in peer.room() for peer in peers[1:]), "that the hub is gone")
            hear_each_other(ours, our_quiet, theirs)
