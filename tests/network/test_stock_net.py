"""The whole program on the library's own classes, with its like and with an ordinary py-peer."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from tests.network.peers import Peer, hear_each_other, met, party

if TYPE_CHECKING:
    from pathlib import Path

STOCK = ("--stock-net",)


def fetch(sharer: Peer, getter: Peer, path: Path) -> None:
    """Have one offer a new file and the other fetch it whole."""
    path.write_bytes(os.urandom(300_000))
    sharer.command("share", path=str(path), id=path.name)
    file_id = sharer.see("file_shared", id=path.name)["file"]["file_id"]
    getter.wait_for(lambda: file_id in {told["offer"]["file_id"] for told in getter.all("file_offered")}, "the offer")
    getter.command("get", file=file_id)
    done = getter.see("transfer_done", file_id=file_id)
    with open(done["path"], "rb") as got:  # noqa: PTH123 - a path out of JSON
        assert got.read() == path.read_bytes()


def test_peers_on_the_librarys_classes_chat_share_and_come_back_with_their_like_and_with_others(tmp_path: Path) -> None:
    got = {name: ("--downloads", str(tmp_path / name / "got")) for name in ("ann", "bob", "cid")}
    ann = Peer("ann", tmp_path / "ann", options=(*STOCK, *got["ann"]))
    bob = Peer("bob", tmp_path / "bob", connect=(ann.address,), options=(*STOCK, *got["bob"]))
    cid = Peer("cid", tmp_path / "cid", connect=(ann.address, bob.address), options=got["cid"])
    with party(ann, bob, cid):
        met(ann, bob, cid)
        assert ann.all("notice")[0]["text"].startswith("--stock-net: ")
        assert not any("--stock-net" in told["text"] for told in cid.all("notice"))
        for peer in (ann, cid):
            peer.command("status", id="which")
            assert peer.see("status_report", id="which")["stock_net"] is (peer is ann)
        hear_each_other(ann, bob, cid)
        assert {told["nick"] for told in ann.all("message_received")} == {"bob", "cid"}
        for number, (sharer, getter) in enumerate(((ann, bob), (bob, cid), (cid, ann))):
            fetch(sharer, getter, tmp_path / f"file {number}")
            sharer.command("msg", peer=getter.id, text=f"for {getter.name} alone")
            assert getter.see("direct_received", text=f"for {getter.name} alone")["peer_id"] == sharer.id
        bob.kill()
        ann.wait_for(lambda: bob.id not in ann.room() | cid.room(), "that bob is gone")
        bob.start()
        met(ann, bob, cid)
        hear_each_other(ann, bob, cid)
        for number in range(20):
            bob.say(f"last words {number}")
        bob.wait_for(lambda: bob.all("message_sent")[-1]["text"] == "last words 19", "the last of them sent")
        bob.signal(signal.SIGINT)
        bob.see("ended", exit_code=0)
        said = {f"last words {number}" for number in range(20)}
        ann.wait_for(lambda: said <= {*ann.texts()} and said <= {*cid.texts()}, "the last words")
