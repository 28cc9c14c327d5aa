"""Files by name with rust-libp2p's own `/file-exchange/1`, which is that of gnostr, both ways."""

from __future__ import annotations

import hashlib
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID

from interop.columns import answer
from py_peer.net.named_files import NotThereError, TooLargeError, open_named
from tests.frontends.programs import run_to_its_end
from tests.net.shelf import Shelf
from tests.net.support import Member, dial_address, member, trio_test
from tests.network.peers import Peer, Told, party, until
from tests.sisters.sisters import RustPeer, missing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

REASON = missing("rust")
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

KADEMLIA: Final = ("--kademlia",)
KEY: Final = "größe 🎈".encode().hex()
LARGE: Final = 5 * 1024 * 1024
TOO_LARGE: Final = LARGE + 512 * 1024
"""Of random bytes: more than 10 MiB as numbers."""

FILES: Final = {
    "empty": b"",
    "größe 🎈": b"hello",
    "every byte": bytes(range(256)),
    "large": os.urandom(LARGE),
    "too large": os.urandom(TOO_LARGE),
}


@asynccontextmanager
async def couple(folder: Path) -> AsyncIterator[tuple[Member, Shelf, RustPeer]]:
    """Ours and theirs, connected."""
    theirs = RustPeer("theirs", folder / "theirs")
    with party(theirs):
        await told(theirs, "ready")
        async with member() as ours:
            await ours.node.dial(dial_address("127.0.0.1", theirs.port))
            shelf = Shelf(ours, folder)
            yield ours, shelf, theirs
            shelf.close()


async def told(peer: RustPeer, event: str, **fields: Any) -> Told:
    """Wait until theirs has told something."""
    return await trio.to_thread.run_sync(lambda: peer.see(event, **fields))


async def fetched(ours: Member, theirs: RustPeer, name: str) -> bytes:
    fetch = await open_named(ours.node.host, ID.from_string(theirs.id), name)
    body = bytearray()
    try:
        while data := await fetch.read(1 << 20):
            body += data
    finally:
        await fetch.aclose()
    return bytes(body)


@trio_test
async def test_rust_fetches_what_we_have_by_name(tmp_path: Path) -> None:
    async with couple(tmp_path) as (ours, shelf, theirs):
        for number, (name, body) in enumerate(FILES.items()):
            shelf.names[name] = shelf.put(create_new_key_pair(), body, str(number))
        for name, body in FILES.items():
            theirs.command("get_file", peer=str(ours.id), name=name)
            if name == "too large":
                await told(theirs, "transfer_failed", file_id=name)
            else:
                sha256 = (await told(theirs, "file_received", file_id=name))["sha256"]
                assert sha256 == hashlib.sha256(body).hexdigest()
        theirs.command("get_file", peer=str(ours.id), name="unknown")
        await told(theirs, "transfer_failed", file_id="unknown")
        assert ours.counts("strikes", "unexpected faults") == [0, 0]


@trio_test
async def test_we_fetch_what_rust_has_by_name(tmp_path: Path) -> None:
    async with couple(tmp_path) as (ours, _, theirs):
        for number, (name, body) in enumerate(FILES.items()):
            path = tmp_path / str(number)
            path.write_bytes(body)
            theirs.command("put_file", path=str(path), name=name)
            await told(theirs, "file_shared", file_id=name)
            if name == "too large":
                with pytest.raises(TooLargeError):
                    await fetched(ours, theirs, name)
            else:
                assert await fetched(ours, theirs, name) == body
        with pytest.raises(NotThereError):
            await fetched(ours, theirs, "unknown")


def test_what_rust_provides_py_peer_gets_by_its_name_alone(tmp_path: Path) -> None:
    theirs = RustPeer("theirs", tmp_path / "theirs", options=KADEMLIA)
    between = Peer("between", tmp_path / "between", connect=(theirs.address,), options=KADEMLIA)
    (tmp_path / "hello").write_bytes(b"hello")
    with party(theirs):
        theirs.see("ready")
        with party(between):
            theirs.command("put_file", path=str(tmp_path / "hello"), name="größe 🎈")
            until(lambda: answer(theirs, "provide", "provided", "provide_failed", key=KEY)["event"] == "provided")
            goal = ("--out", str(tmp_path / "goal"), "--timeout", "15")
            got = run_to_its_end(tmp_path, "get", "--name", "größe 🎈", "-c", between.address, *goal)
    assert (got.returncode, got.stdout) == (0, f"{tmp_path / 'goal'}\n"), got.stderr
    assert (tmp_path / "goal").read_bytes() == b"hello"
    assert "cannot be verified" in got.stderr


def test_what_py_peer_provides_rust_gets_by_its_name_alone(tmp_path: Path) -> None:
    (tmp_path / "hello").write_bytes(b"hello")
    ours = Peer("ours", tmp_path / "ours", options=KADEMLIA)
    theirs = RustPeer("theirs", tmp_path / "theirs", connect=(ours.address,), options=KADEMLIA)
    with party(ours):
        ours.see("ready")
        with party(theirs):
            ours.command("provide", path=str(tmp_path / "hello"), name="größe 🎈")
            ours.see("file_provided")
            until(lambda: ours.id in answer(theirs, "find", "providers", key=KEY)["peers"])
            theirs.command("get_file", peer=ours.id, name="größe 🎈")
            assert theirs.see("file_received")["sha256"] == hashlib.sha256(b"hello").hexdigest()
