"""Files between real programs: broken off and gone on with, from another one, several at once, under any name."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import trio
from libp2p.crypto.ed25519 import create_new_key_pair

from py_peer.net.sister_files import SISTER_FILE
from tests.network.offerers import Library, offerer
from tests.network.peers import Peer, met, party

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.net.raw_peer import RawStream

MEBIBYTE: Final = 1024 * 1024
REQUEST: Final = 2 * MEBIBYTE
"""Bytes of a file that one request asks for."""

OTHERS: Final = 5
"""Requests before those for pieces: what is offered, what the file is, its hashes."""


@contextmanager
def programs(folder: Path, **names: Mapping[str, float]) -> Iterator[list[Peer]]:
    """Run programs that all know each other; each name stands with the limits that are to be others."""
    made: list[Peer] = []
    with ExitStack() as stack:
        for name, limits in names.items():
            options = ("--downloads", str(folder / name / "downloads"))
            known = tuple(peer.address for peer in made)
            made.append(Peer(name, folder / name, connect=known, options=options, limits=limits))
            stack.enter_context(party(made[-1]))
        met(*made)
        yield made


def slow_after(size: int) -> dict[str, float]:
    """Return the limits of one who sends so many bytes of a file at once, and from then on 16 MiB a second."""
    return {"FILE_REQUEST_BURST": OTHERS + size // REQUEST, "FILE_REQUESTS_PER_SECOND": 8.0}


def share(peer: Peer, path: Path, size: int) -> tuple[str, str]:
    """Have a program offer a new file of random bytes; return the file's ID and its SHA-256."""
    body = os.urandom(size)
    path.write_bytes(body)
    peer.command("share", path=str(path), id=str(path))
    return peer.see("file_shared", id=str(path))["file"]["file_id"], hashlib.sha256(body).hexdigest()


def get(peer: Peer, *file_ids: str) -> None:
    """Have a program fetch files of which it has heard, now or soon."""
    peer.wait_for(lambda: {told["offer"]["file_id"] for told in peer.all("file_offered")} >= {*file_ids}, "the offers")
    for file_id in file_ids:
        peer.command("get", file=file_id)


def received(peer: Peer) -> int:
    """Return how many bytes of its only transfer are there, as it has told at last."""
    progress = peer.last("transfer_progress")
    return progress["transfer"]["received"] if progress else 0


def sha256(done: Mapping[str, Any]) -> str:
    with open(done["path"], "rb") as file:  # noqa: PTH123 - a path out of JSON
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_a_fetch_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    size = 64 * MEBIBYTE
    with programs(tmp_path, ann=slow_after(size // 2), bob={}) as (ann, bob):
        file_id, wanted = share(ann, tmp_path / "large.bin", size)
        get(bob, file_id)
        bob.wait_for(lambda: received(bob) >= size * 3 // 8, "the first half")
        bob.kill()
        before = bob.all("transfer_progress")[-1]["transfer"]["received"]
        assert before < size
        assert [path.suffix for path in (tmp_path / "bob" / "downloads").iterdir()] == [".part"]
        bob.start()
        bob.wait_for(lambda: len(bob.all("file_offered")) == 2, "the offer, in the second life")
        bob.command("get", file="large.bin")
        bob.wait_for(lambda: bob.last("transfer_started"), "transfer_started")
        assert (bob.last("transfer_started") or {})["transfer"]["received"] >= before
        done = bob.see("transfer_done")
        assert (sha256(done), done["verified"]) == (wanted, True)
        assert [path.name for path in (tmp_path / "bob" / "downloads").iterdir()] == ["large.bin"]


def test_when_the_offerer_is_killed_another_one_who_has_the_file_sends_the_rest(tmp_path: Path) -> None:
    size = 48 * MEBIBYTE
    slow = slow_after(size // 8)  # both together a third of it at once, or two thirds if nothing else is asked
    with programs(tmp_path, ann=slow, bob=slow, cid={}) as (ann, bob, cid):
        file_id, wanted = share(ann, tmp_path / "film.mkv", size)
        get(bob, file_id)
        assert sha256(bob.see("transfer_done")) == wanted
        get(cid, file_id)
        cid.wait_for(lambda: received(cid) >= size // 8, "an eighth of it")
        ann.kill()
        done = cid.see("transfer_done")
        assert (sha256(done), done["verified"]) == (wanted, True)
        assert any(bob.id in told["transfer"]["peer_ids"] for told in cid.all("transfer_progress"))


def test_four_files_come_at_once_two_of_each_peer_and_the_next_ones_when_there_is_a_place(tmp_path: Path) -> None:
    count, before_the_first_piece = 3, 4  # requests about each file
    slow = {"FILE_REQUEST_BURST": 2 * before_the_first_piece, "FILE_REQUESTS_PER_SECOND": 8.0}
    with programs(tmp_path, ann=slow, cid=slow, bob={}) as (ann, cid, bob):
        anns = dict(share(ann, tmp_path / f"a{number}.bin", 2 * REQUEST) for number in range(count))
        cids = dict(share(cid, tmp_path / f"c{number}.bin", 2 * REQUEST) for number in range(count))
        shared = anns | cids
        get(bob, *shared)
        bob.wait_for(lambda: len(bob.all("transfer_done")) == len(shared), "all of them")
        assert {done["file_id"]: sha256(done) for done in bob.all("transfer_done")} == shared
        running = most = 0
        for told in bob.told:
            running += (told["event"] == "transfer_started") - (told["event"] == "transfer_done")
            most = max(most, running)
        assert most == 4


HOSTILE_NAMES: Final = (
    "../../x",
    "..\\..\\x",
    "/etc/x",
    "C:\\x",
    "\\\\server\\share\\x",
    "CON",
    "con.txt",
    "LPT1 .log",
    "two\nlines\r\n",
    "\x1b[2J\x1b]0;title\x07x",
    "gnp.\u202eexe",
    "zero\u200bwidth\x00",
    "é" * 300,
    "x" * 300 + ".tar.gz",
    "",
    ".",
    "..",
    "-rf",
    ".bashrc",
    "trailing. . ",
    'a:b|c<d>e?f*g"h',
    "~/x",
)


def test_whatever_files_of_strangers_are_called_nothing_is_written_outside_of_the_folder(tmp_path: Path) -> None:
    key_pair = create_new_key_pair()
    files = {f"id-{number}": (name, f"body {number}".encode()) for number, name in enumerate(HOSTILE_NAMES)}
    by_sisters = ("../../x", "C:\\x", "CON", "-rf", ".bashrc", "..")
    library = Library(key_pair, files)

    async def send(stream: RawStream) -> None:
        await stream.write_frame((await stream.read_frame()).upper())
        await stream.finish()

    async def fetch(bob: Peer) -> None:
        async with offerer(bob, library.answers, key_pair):
            await trio.to_thread.run_sync(get, bob, *files)
            await trio.to_thread.run_sync(all_done, len(files))
        async with offerer(bob, {SISTER_FILE: send}) as sister:
            await sister.offer(*by_sisters)
            await trio.to_thread.run_sync(get, bob, *by_sisters)
            await trio.to_thread.run_sync(all_done, len(files) + len(by_sisters))

    def all_done(count: int) -> None:
        bob.wait_for(lambda: len(bob.all("transfer_done")) == count, f"{count} files")

    with programs(tmp_path, bob={}) as (bob,):
        outside = {path for path in tmp_path.rglob("*") if path.is_file()}
        trio.run(fetch, bob)
        downloads = tmp_path / "bob" / "downloads"
        assert {path for path in tmp_path.rglob("*") if path.is_file() and downloads not in path.parents} == outside
        bodies = sorted(path.read_bytes() for path in downloads.iterdir())
        assert bodies == sorted([body for _, body in files.values()] + [one.upper().encode() for one in by_sisters])
        assert [path.name for path in downloads.iterdir() if not is_plain(path.name)] == []


def is_plain(name: str) -> bool:
    """Say whether a name is one to a person, a shell, Windows and any file system."""
    is_seen = name.isprintable() and not set(name) & set('/\\:*?"<>|') and len(name.encode()) <= 255
    is_device = re.match(r"(?:con|lpt1)\s*(?:\.|$)", name, re.IGNORECASE)
    return is_seen and not is_device and not name.startswith((".", "-")) and not name.endswith((".", " "))
