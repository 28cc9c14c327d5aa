"""gnostr's own chat with peers in other languages, which say its JSON and read ours on a topic: libp2p's GossipSub is
what it stands on in any of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.network.namespaces import hosts
from tests.network.namespaces import missing as lacking_namespaces
from tests.network.peers import Peer, party
from tests.sisters.sisters import KINDS, GnostrPeer, missing

if TYPE_CHECKING:
    from pathlib import Path

TOPIC: Final = "gnostr"
ZEROS: Final = "0" * 40
THERE: Final = [kind for kind in ("go", "node") if not missing(kind)]


def of_gnostr(text: str, kind: str = "Chat", **more: object) -> str:
    """Return what gnostr says on the topic, as its source has it."""
    said = {"from": "carol", "content": [text, ""], "kind": kind, "commit_id": ZEROS, **more}
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False)


def ours_says(content: str, kind: str) -> str:
    """Return what we say there, byte by byte."""
    return f'{{"from":"alice","content":{content},"kind":"{kind}","commit_id":"{ZEROS}"}}'


@pytest.mark.parametrize("kind", THERE)
def test_a_peer_in_another_language_says_gnostrs_json_and_reads_ours(kind: str, tmp_path: Path) -> None:
    ours = Peer("alice", tmp_path / "ours", options=("--wire", "gnostr", "--topic", TOPIC, "--intro"))
    with party(ours):
        assert ours.see("topic_joined", topic=TOPIC)["wire"] == "gnostr"
        theirs = KINDS[kind]("carol", tmp_path / "theirs", (ours.address,))
        with party(theirs):
            theirs.see("ready")
            theirs.command("topic", name=TOPIC)
            theirs.see("topic_joined", topic=TOPIC)
            ours.see("topic_peer_joined", topic=TOPIC, peer_id=theirs.id)

            ours.command("say", text='hello, "carol" é😀')
            ours.see("message_sent", topic=TOPIC)
            theirs.see("message_received", topic=TOPIC, text=ours_says('["hello, \\"carol\\" é😀",""]', "Chat"))
            heard = [told["text"] for told in theirs.all("message_received") if told.get("topic") == TOPIC]
            assert heard[0] == ours_says('["",""]', "Join")

            for text in (
                of_gnostr("", "Join"),
                of_gnostr("part two", message_id="m", sequence_num=1, total_chunks=2, nostr_event=None),
                of_gnostr("part one, ", message_id="m", sequence_num=0, total_chunks=2, nostr_event=None),
                of_gnostr("3f786850e387550fdab836ed7e6dc881de23001b", "GitCommitId"),
                "raw text",
                of_gnostr("the last", extra={"of": ["a", "newer", "gnostr"]}),
            ):
                theirs.command("say_on", topic=TOPIC, text=text)
            first = ours.see("message_received", topic=TOPIC, text="part one, part two")
            assert (first["peer_id"], first["nick"], first["plain"]) == (theirs.id, "carol", False)
            ours.see("message_received", topic=TOPIC, text="the last")
            kinds = [(told["kind"], told["text"]) for told in ours.all("gnostr_heard")]
            assert kinds == [("Join", ""), ("GitCommitId", "3f786850e387550fdab836ed7e6dc881de23001b")]
            assert "raw text" not in ours.texts()
            ours.command("stats")
            assert ours.see("statistics")["gnostr"] == {
                "Join": 1,
                "Chat": 2,
                "GitCommitId": 1,
                "texts that are not gnostr's JSON": 1,
            }


NEEDS_RUST: Final = pytest.mark.skipif(bool(missing("rust")), reason=missing("rust"))
"""One that is set up as gnostr is: messages that are not its JSON, or a kind that it does not know, it cannot read."""


@NEEDS_RUST
@pytest.mark.parametrize("transport", ["tcp", "quic-v1"])
def test_one_who_is_set_up_as_gnostr_is_talks_with_ours(transport: str, tmp_path: Path) -> None:
    ours = Peer("alice", tmp_path / "ours", options=("--wire", "gnostr", "--topic", TOPIC, "--intro"))
    with party(ours):
        ours.see("topic_joined", topic=TOPIC)
        address = ours.address if transport == "tcp" else ours.address.replace("/tcp/", "/udp/") + "/quic-v1"
        theirs = GnostrPeer("carol", tmp_path / "theirs", (address,), options=("--topic", TOPIC))
        with party(theirs):
            assert ours.see("topic_peer_joined", topic=TOPIC)["peer_id"] == theirs.id
            assert theirs.see("topic_peer_joined", topic=TOPIC)["peer_id"] == ours.id
            heard = talk_as_gnostr(ours, theirs)
            assert [told["kind"] for told in heard] == ["Join", "Chat", "Chat"]
            assert {told["from"] for told in heard} == {"alice"}
            assert {told["peer_id"] for told in heard} == {ours.id}
            theirs.leave()
            left = ours.see("gnostr_heard", kind="Leave")
            assert (left["peer_id"], left["nick"], left["plain"]) == (theirs.id, "carol", False)


@NEEDS_RUST
def test_ours_passes_on_what_two_of_gnostrs_say_who_do_not_know_each_other(tmp_path: Path) -> None:
    ours = Peer("alice", tmp_path / "ours", options=("--wire", "gnostr", "--topic", TOPIC))
    with party(ours):
        ours.see("topic_joined", topic=TOPIC)
        carol, dave = (
            GnostrPeer(name, tmp_path / name, (ours.address,), options=("--topic", TOPIC)) for name in ("carol", "dave")
        )
        with party(carol, dave):
            for peer in (carol, dave):
                peer.see("topic_peer_joined", peer_id=ours.id)
            ours.wait_for(lambda: len(ours.all("topic_peer_joined")) == len((carol, dave)), "both")
            for one, other in ((carol, dave), (dave, carol)):
                one.say(f"from {one.name}")
                ours.see("message_received", text=f"from {one.name}", peer_id=one.id)
                assert other.see("heard", text=f"from {one.name}")["peer_id"] == one.id


def talk_as_gnostr(ours: Peer, theirs: Peer) -> list[dict[str, Any]]:
    """Have both say something short and something long; return what theirs has heard."""
    long = "é😀" * 20_000
    ours.command("say", text="hello, carol", topic=TOPIC)
    ours.command("say", text=long[:17_000], topic=TOPIC)
    theirs.see("heard", text="hello, carol")
    theirs.see("heard", text=long[:17_000])  # of two chunks
    theirs.say("hello, alice")
    theirs.command("say_in_chunks", text=long[:1_000])
    first = ours.see("message_received", text="hello, alice")
    assert (first["topic"], first["nick"], first["peer_id"]) == (TOPIC, "carol", theirs.id)
    ours.see("message_received", text=long[:1_000])  # of thirteen
    assert not theirs.all("unreadable")
    return theirs.all("heard")


@NEEDS_RUST
@pytest.mark.skipif(bool(lacking_namespaces()), reason=lacking_namespaces())
@pytest.mark.parametrize("second", ["ours", "gnostr"])
def test_one_who_is_set_up_as_gnostr_is_and_ours_find_each_other_by_mdns_alone(second: str, tmp_path: Path) -> None:
    with hosts(2) as made:
        for host in made:
            host.route_multicast()
        ours, theirs = (
            kind(name, tmp_path / name, host=host.address, inside=host.space.inside, options=options)
            for kind, name, host, options in (
                (Peer, "alice", made[0], ("--mdns", "--wire", "gnostr", "--topic", TOPIC, "--intro")),
                (GnostrPeer, "carol", made[1], ("--mdns", "--topic", TOPIC)),
            )
        )
        one, other = (theirs, ours) if second == "ours" else (ours, theirs)
        with party(one):
            one.see("ready")
            with party(other):
                assert ours.see("topic_peer_joined", topic=TOPIC)["peer_id"] == theirs.id
                talk_as_gnostr(ours, theirs)
                theirs.leave()
                ours.see("gnostr_heard", kind="Leave", peer_id=theirs.id)


def test_all_are_there() -> None:
    if lacking := [reason for kind in ("go", "node", "rust") if (reason := missing(kind))]:
        pytest.skip("; ".join(lacking))
