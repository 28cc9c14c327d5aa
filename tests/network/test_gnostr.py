"""gnostr's own chat where mDNS is the only way to find each other, as it is for gnostr, and no address is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.network.namespaces import Kind, missing
from tests.network.test_discovery import found_by, lan

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

TOPIC: Final = "gnostr"
TALK: Final = ("--mdns", "--no-discovery", "--no-remember", "--intro", "--wire", "gnostr", "--topic", TOPIC)


@pytest.mark.parametrize("kind", [Kind.IPV4, Kind.IPV6], ids=["IPv4", "IPv6"])
def test_three_on_a_network_find_each_other_by_mdns_alone_and_talk_as_gnostr_does(kind: Kind, tmp_path: Path) -> None:
    with lan(kind, tmp_path, "ann bob cid", *TALK) as (_, (ann, bob, cid)):
        everybody = (ann, bob, cid)
        for peer in everybody:
            assert peer.see("topic_joined", topic=TOPIC)["wire"] == "gnostr"
        for peer in everybody:
            for other in everybody:
                if other is not peer and other.id not in peer.see("topic_joined", topic=TOPIC)["peer_ids"]:
                    peer.see("topic_peer_joined", topic=TOPIC, peer_id=other.id)
        ann.command("say", text="x" * 60_000)  # in chunks
        bob.command("say", text="found without an address")
        for peer, text in ((bob, "x" * 60_000), (cid, "x" * 60_000), (ann, "found without an address")):
            assert peer.see("message_received", text=text)["topic"] == TOPIC
        assert found_by(*everybody) == {"by mDNS"}
        cid.leave()
        for peer in (ann, bob):
            assert peer.see("gnostr_heard", kind="Leave")["peer_id"] == cid.id
