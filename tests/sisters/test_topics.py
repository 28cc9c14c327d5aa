"""Topics beside the room, between ours and peers in other languages: whoever is on one hears what is said there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.network.peers import Peer, party
from tests.sisters.sisters import KINDS, missing

if TYPE_CHECKING:
    from pathlib import Path

TOPIC: Final = "art of code"
THERE: Final = [kind for kind in ("go", "node") if not missing(kind)]


@pytest.mark.parametrize("kind", THERE)
def test_what_is_said_on_a_topic_goes_both_ways_and_who_was_there_first_is_found(kind: str, tmp_path: Path) -> None:
    ours = Peer("ours", tmp_path / "ours")
    with party(ours):
        ours.see("ready")
        theirs = KINDS[kind]("theirs", tmp_path / "theirs", (ours.address,))
        with party(theirs):
            theirs.see("ready")
            theirs.command("topic", name=TOPIC)
            theirs.see("topic_joined", topic=TOPIC)
            ours.see("peer_joined")
            theirs.see("peer_joined")

            # It has said so before we join, or says so now; it is there in both cases.
            ours.command("topic", name=TOPIC)
            joined = ours.see("topic_joined", topic=TOPIC)
            if not joined["peers"]:
                ours.see("topic_peer_joined", topic=TOPIC, peer_id=theirs.id)

            ours.command("say", text="to the topic")
            assert ours.see("message_sent", text="to the topic")["peers"] == 1
            assert theirs.see("message_received", text="to the topic")["topic"] == TOPIC
            theirs.command("say_on", topic=TOPIC, text="from the topic")
            assert ours.see("message_received", text="from the topic")["topic"] == TOPIC

            theirs.say("to the room")
            assert ours.see("message_received", text="to the room")["topic"] == "universal-connectivity"
            ours.command("say", text="in the room", topic="universal-connectivity")
            assert "topic" not in theirs.see("message_received", text="in the room")

            ours.command("leave", name=TOPIC)
            ours.see("topic_left", topic=TOPIC)
            theirs.command("say_on", topic=TOPIC, text="too late")
            theirs.say("after that")
            ours.see("message_received", text="after that")
            ours.command("topic", name=TOPIC)
            ours.wait_for(lambda: len(ours.all("topic_joined")) == 2, "topic_joined again")
            assert ours.all("topic_joined")[-1]["peers"] == 1
            ours.command("say", text="back")
            theirs.see("message_received", text="back")
            assert "too late" not in ours.texts()


@pytest.mark.parametrize("kind", THERE)
def test_a_peer_that_comes_and_goes_is_told_on_its_topic(kind: str, tmp_path: Path) -> None:
    ours = Peer("ours", tmp_path / "ours", options=("--topic", TOPIC))
    with party(ours):
        ours.see("topic_joined", topic=TOPIC)
        theirs = KINDS[kind]("theirs", tmp_path / "theirs", (ours.address,))
        with party(theirs):
            theirs.see("ready")
            theirs.command("topic", name=TOPIC)
            came = ours.see("topic_peer_joined", topic=TOPIC)
            assert (came["peer_id"], came["peers"]) == (theirs.id, 1)
            theirs.leave()
            gone = ours.see("topic_peer_left", topic=TOPIC)
            assert (gone["peer_id"], gone["peers"]) == (theirs.id, 0)


def test_all_are_there() -> None:
    if lacking := [reason for kind in ("go", "node") if (reason := missing(kind))]:
        pytest.skip("; ".join(lacking))
