"""Files by name as the service does them, between real nodes on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from py_peer.core.dht_events import LookupFailed
from py_peer.core.events import Answer
from py_peer.core.file_events import FileProvided, FileServed, TransferDone, TransferStarted
from py_peer.core.requests import FetchFile, ProvideFile
from tests.loops import run
from tests.service.file_friends import PIECE, write
from tests.service.test_data import network

if TYPE_CHECKING:
    from pathlib import Path

    from py_peer.core.file_events import SharedFile
    from tests.service.support import Person


async def provide(one: Person, path: Path, name: str) -> FileProvided:
    ticket = one.ask(lambda ticket: ProvideFile(ticket, str(path), name))
    return await one.see(FileProvided, lambda event: event.ticket == ticket)


def test_what_one_provides_another_gets_who_knows_its_name_alone(tmp_path: Path) -> None:
    async def scene() -> None:
        async with network(5) as (a, _, _, _, e):
            path = write(tmp_path / "photo.png", 3 * PIECE + 1)
            provided = await provide(a, path, "summer photo")
            assert (provided.name, provided.peers) == ("summer photo", provided.asked)
            assert provided.asked > 0
            file: SharedFile = provided.file
            assert (file.provided, file.offered, file.remark) == ("summer photo", False, "")
            ticket = e.ask(lambda ticket: FetchFile(ticket, "summer photo", str(tmp_path / "e.png")))
            assert (await e.see(TransferStarted)).ticket == ticket
            done = await e.see(TransferDone)
            assert (done.path, done.verified, done.size) == (str(tmp_path / "e.png"), True, 3 * PIECE + 1)
            assert (tmp_path / "e.png").read_bytes() == path.read_bytes()
            assert (await a.see(FileServed)).reason == ""

    run(scene())


def test_nobody_provides_it(tmp_path: Path) -> None:
    async def scene() -> None:
        async with network(2) as (a, b):
            ticket = b.ask(lambda ticket: FetchFile(ticket, "nothing", str(tmp_path)))
            missing = await b.see(LookupFailed)
            assert (missing.ticket, missing.key, missing.asked) == (ticket, "nothing", 1)
            a.ask(lambda ticket: ProvideFile(ticket, str(tmp_path / "missing"), "it"))
            assert (await a.see(Answer)).text == f"Not provided: {tmp_path}/missing: No such file or directory"

    run(scene())
