"""gnostr's own chat with peers in other languages, which say its JSON and read ours on a topic: libp2p's GossipSub is
what it stands on in any of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from tests.network.peers import Peer, party
from tests.sisters.sisters import KINDS, missing

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


def test_all_are_there() -> None:
    if lacking := [reason for kind in ("go", "node") if (reason := missing(kind))]:
        pytest.skip("; ".join(lacking))
