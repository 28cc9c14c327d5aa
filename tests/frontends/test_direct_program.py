"""Direct messages between real programs: to peers who are away, over restarts of both, with nothing left behind."""

from __future__ import annotations

import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.network.peers import PATIENCE, Peer, met, party

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "for your eyes 🎈 alone"


def acquainted(tmp_path: Path, **limits: float) -> tuple[Peer, Peer]:
    """Return two peers of whom the second calls the first."""
    ann = Peer("ann", tmp_path / "ann", limits=limits)
    return ann, Peer("bob", tmp_path / "bob", connect=(ann.address,), limits=limits)


def holders(folder: Path) -> list[Path]:
    """Return the files in which the text stands; also those that are being written and have no name yet."""
    found: list[Path] = []
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError, IsADirectoryError):  # a file may be replaced just now
            found += [path] if b"for your eyes" in path.read_bytes() else []
    return found


def wait_for_holders(peer: Peer, folder: Path, count: int) -> list[Path]:
    """Wait until the text stands in so many files of a folder; nothing tells when one is written."""
    deadline = time.monotonic() + PATIENCE
    with peer.changed:
        while len(found := holders(folder)) != count or any(path.name.startswith(".") for path in found):
            assert time.monotonic() < deadline, found
            peer.changed.wait(0.02)
    return found


def test_what_is_said_to_one_who_is_away_is_kept_for_the_user_alone_and_arrives_when_he_is_back(tmp_path: Path) -> None:
    ann, bob = acquainted(tmp_path)
    with party(ann, bob):
        met(ann, bob)
        bob.kill()
        ann.wait_for(lambda: bob.id not in ann.room(), "that bob is gone")
        ann.command("msg", peer=bob.id, text=SECRET, id=1)
        waiting = ann.see("direct_waiting", id=1)
        assert (waiting["waiting"], waiting["text"]) == (1, SECRET)
        assert waiting["reason"]
        (kept,) = wait_for_holders(ann, tmp_path, 1)
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        bob.start()
        sent = ann.see("direct_sent", id=1)
        assert sent["waited"] > 0
        assert bob.see("direct_received", text=SECRET)["peer_id"] == ann.id
        wait_for_holders(ann, tmp_path, 0)


def test_it_arrives_after_a_restart_of_the_sender_too_even_one_that_was_killed(tmp_path: Path) -> None:
    ann, bob = acquainted(tmp_path)
    with party(ann, bob):
        met(ann, bob)
        bob.leave()
        ann.wait_for(lambda: bob.id not in ann.room(), "that bob is gone")
        ann.command("msg", peer=bob.id, text=SECRET)
        ann.see("direct_waiting", text=SECRET)
        wait_for_holders(ann, tmp_path, 1)
        ann.kill()
        ann.start()
        ann.wait_for(lambda: ann.last("ready"), "ready")
        assert holders(tmp_path / "ann")
        bob.start()
        assert ann.see("direct_sent", text=SECRET)["ticket"] == 0
        bob.see("direct_received", text=SECRET)  # ann may hear of it before bob has written his line
        assert len(bob.all("direct_received")) == 1
        wait_for_holders(ann, tmp_path, 0)


def test_what_is_confirmed_at_once_is_on_no_disk(tmp_path: Path) -> None:
    ann, bob = acquainted(tmp_path)
    with party(ann, bob):
        met(ann, bob)
        for peer, other in ((ann, bob), (bob, ann)):
            peer.command("msg", peer=other.id, text=SECRET)
            other.see("direct_received", text=SECRET)
            peer.see("direct_sent", text=SECRET)
        assert holders(tmp_path) == []
        for peer in (ann, bob):
            peer.leave()
        assert holders(tmp_path) == []
