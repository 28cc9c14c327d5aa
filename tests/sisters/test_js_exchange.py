"""Files between a js-libp2p peer and ours, both ways, on this machine; direct messages are in test_interop.py."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final

import pytest

from tests.network.peers import Peer, met, party
from tests.sisters.sisters import JsPeer, missing_js

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REASON = missing_js()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

LARGEST: Final = 4 * 1024 * 1024
SIZES: Final = (0, 1, 100_000, LARGEST)
SILENCE: Final = 1.0


@pytest.fixture(scope="module")
def couple(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Peer, JsPeer]]:
    """Ours and theirs, in one room."""
    folder = tmp_path_factory.mktemp("couple")
    options = ("--downloads", str(folder / "downloads"))
    ours = Peer("ours", folder / "ours", options=options, limits={"FILE_SILENCE": SILENCE})
    theirs = JsPeer("theirs", folder / "theirs", connect=(ours.address,))
    with party(ours):
        ours.wait_for(lambda: ours.last("ready"), "ready")  # the js-libp2p peer calls once
        with party(theirs):
            met(ours, theirs)
            yield ours, theirs


def made(folder: Path, size: int) -> tuple[str, str]:
    """Return the path of a new file of random bytes, and their SHA-256."""
    path, body = folder / "a file", os.urandom(size)
    path.write_bytes(body)
    return str(path), hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("size", SIZES)
def test_js_fetches_what_we_share_whole(couple: tuple[Peer, JsPeer], tmp_path: Path, size: int) -> None:
    ours, theirs = couple
    path, sha256 = made(tmp_path, size)
    ours.command("share", path=path, id=path)
    file_id = ours.see("file_shared", id=path)["file"]["file_id"]
    received = theirs.see("file_received", file_id=file_id)
    assert (received["size"], received["sha256"], received["peer_id"]) == (size, sha256, ours.id)


@pytest.mark.parametrize("size", SIZES)
def test_we_fetch_what_js_shares_whole(couple: tuple[Peer, JsPeer], tmp_path: Path, size: int) -> None:
    ours, theirs = couple
    path, sha256 = made(tmp_path, size)
    before = len(theirs.all("file_shared"))
    theirs.command("share", path=path)
    theirs.wait_for(lambda: len(theirs.all("file_shared")) > before, "file_shared")
    file_id = theirs.all("file_shared")[-1]["file_id"]
    ours.wait_for(lambda: file_id in offered(ours, theirs), "the offer")
    ours.command("get", file=file_id, path=str(tmp_path / "fetched"))
    done = ours.see("transfer_done", file_id=file_id)
    assert (done["size"], done["verified"]) == (size, False)
    assert hashlib.sha256((tmp_path / "fetched").read_bytes()).hexdigest() == sha256
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a file", "fetched"]


def offered(ours: Peer, theirs: Peer) -> list[str]:
    """Return the IDs that one peer has offered to another."""
    offers = [told["offer"] for told in ours.all("file_offered")]
    return [offer["file_id"] for offer in offers if offer["peer_id"] == theirs.id]


def test_a_file_that_js_does_not_take_is_said_to_be_one_and_costs_nothing_else(
    couple: tuple[Peer, JsPeer], tmp_path: Path
) -> None:
    ours, theirs = couple
    path, _ = made(tmp_path, LARGEST + 1)
    ours.command("share", path=path, id="too large")
    file = ours.see("file_shared", id="too large")["file"]
    assert "JavaScript" in file["remark"]
    assert "too long" in theirs.see("transfer_failed", file_id=file["file_id"])["reason"]
    theirs.command("get", peer=ours.id, file="and now for something else")
    theirs.see("file_received", file_id="and now for something else", size=0)


def test_an_id_that_we_do_not_know_has_no_bytes_and_what_is_not_shared_any_more_has_none_either(
    couple: tuple[Peer, JsPeer], tmp_path: Path
) -> None:
    ours, theirs = couple
    theirs.command("get", peer=ours.id, file="never heard of")
    theirs.see("file_received", file_id="never heard of", size=0)
    path, _ = made(tmp_path, 10)
    ours.command("share", path=path, id="taken back")
    file_id = ours.see("file_shared", id="taken back")["file"]["file_id"]
    theirs.see("file_received", file_id=file_id, size=10)
    ours.command("unshare", file=file_id, id="unshared")
    ours.see("answer", id="unshared")
    theirs.command("get", peer=ours.id, file=file_id)
    theirs.see("file_received", file_id=file_id, size=0)


def test_an_id_that_js_does_not_know_ends_that_transfer_alone(couple: tuple[Peer, JsPeer]) -> None:
    """It gives no answer and leaves the stream open."""
    ours, theirs = couple
    theirs.command("offer", file="nothing-behind-it")
    ours.wait_for(lambda: "nothing-behind-it" in offered(ours, theirs), "the offer")
    ours.command("get", file="nothing-behind-it", id="nothing")
    theirs.see("serving_failed")
    answer = ours.see("answer", id="nothing")
    assert answer["failed"]
    assert "did not send it: nothing came for" in answer["text"]
    theirs.say("and yet")
    ours.see("message_received", text="and yet")
