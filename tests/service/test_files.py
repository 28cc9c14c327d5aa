"""Files among real services: shared, listed, fetched, served on; and what is fetched without being asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from py_peer.core import limits
from py_peer.core.events import Answer, Notice, PeerDisconnected, PeerJoined, Started
from py_peer.core.file_events import FileOffered, FileServed, FileShared, FilesReport, TransferDone, TransferStarted
from py_peer.core.requests import (
    CancelTransfer,
    Disconnect,
    GetFile,
    Ignore,
    RequestFiles,
    ShareFile,
    UnshareFile,
)
from py_peer.net.counters import UNEXPECTED
from py_peer.net.sister_files import SISTER_FILE
from py_peer.service.transfers import FAULT
from tests.loops import run
from tests.net.support import trio_test, until
from tests.service.file_friends import PIECE, Friend, friend, write
from tests.service.support import Person, person

if TYPE_CHECKING:
    from py_peer.core.requests import Request

HERE = {"intro": False, "loopback": True}


async def answer(one: Person, request: type[Request], *arguments: str) -> Answer:
    ticket = one.ask(lambda ticket: request(ticket, *arguments))
    return await one.see(Answer, lambda event: event.ticket == ticket)


def test_a_file_is_shared_listed_fetched_and_not_served_any_more(tmp_path: Path) -> None:
    async def scene() -> None:
        downloads = tmp_path / "downloads"
        async with (
            person("alice", **HERE) as alice,
            person("bob", **HERE, connect=(await alice.address(),), downloads=downloads) as bob,
        ):
            await bob.see(PeerJoined)
            await alice.see(PeerJoined)
            path = write(tmp_path / "photo.png", PIECE + 1)
            alice.ask(lambda ticket: ShareFile(ticket, str(path)))
            file = (await alice.see(FileShared)).file
            assert (file.name, file.size, file.offered, file.served) == ("photo.png", PIECE + 1, True, 0)
            await bob.see(FileOffered)
            asked = bob.ask(lambda ticket: GetFile(ticket, file.file_id[:5]))
            assert (await bob.see(TransferStarted)).ticket == asked
            done = await bob.see(TransferDone)
            assert (done.path, done.verified) == (str(downloads / "photo.png"), True)
            assert (downloads / "photo.png").read_bytes() == path.read_bytes()
            served = await alice.see(FileServed)
            assert (served.name, served.sent, served.reason) == ("photo.png", PIECE + 1, "")
            assert served.peer_id == (await bob.see(Started)).peer_id
            bob.ask(RequestFiles)
            report = await bob.see(FilesReport)
            assert [(offer.name, offer.size) for offer in report.offers] == [("photo.png", PIECE + 1)]
            assert (report.downloads, report.transfers) == (str(downloads), ())
            assert (await answer(alice, UnshareFile, "photo.png")).text.startswith("Not served any more: photo.png")
            assert "there is no file" in (await answer(alice, UnshareFile, "photo.png")).text
            assert "there is no file" in (await answer(bob, GetFile, "nothing")).text
            assert (await answer(bob, CancelTransfer, "1")).text == "Not cancelled: there is no transfer 1"
            assert "there is no file" in (await answer(bob, CancelTransfer, "photo.png")).text
            missing = await answer(alice, ShareFile, str(tmp_path / "missing"))
            assert (missing.text, missing.failed) == (
                f"Not shared: {tmp_path}/missing: No such file or directory",
                True,
            )

    run(scene())


def test_who_was_let_go_is_not_dialled_for_a_file_and_the_user_is_told_why(tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            person("alice", **HERE) as alice,
            person("bob", **HERE, connect=(await alice.address(),), downloads=tmp_path) as bob,
        ):
            await bob.see(PeerJoined)
            path = write(tmp_path / "source", 10)
            alice.ask(lambda ticket: ShareFile(ticket, str(path)))
            file = (await bob.see(FileOffered)).offer
            await answer(bob, Disconnect, file.peer_id)
            await bob.see(PeerDisconnected)
            failed = await answer(bob, GetFile, file.file_id)
            assert failed.failed
            reason = "it was let go with /disconnect; /connect takes it again; and nobody else who is here has it"
            assert failed.text == f"Not fetched: source: alice offered it, but {reason}"

    run(scene())


# --- What is fetched without being asked for ------------------------------------------------------


def fetched(one: Friend) -> list[str]:
    return [event.name for event in one.told(TransferDone)]


@trio_test
async def test_small_files_are_fetched_without_being_asked_for_and_large_ones_are_not(tmp_path: Path) -> None:
    async with (
        friend("alice", tmp_path) as alice,
        friend("bob", tmp_path, auto_get=PIECE) as bob,
        friend("mallory", tmp_path) as mallory,
    ):
        bob.ignored.add(str(mallory.id))
        before = await alice.share(write(tmp_path / "before.bin", 1))
        await bob.meet(alice, mallory)
        await mallory.share(write(tmp_path / "evil.bin", 1))
        await alice.share(write(tmp_path / "large.bin", PIECE + 1))
        await alice.share(write(tmp_path / "small.bin", PIECE))
        await until(lambda: len(fetched(bob)) == 2)
        assert sorted(fetched(bob)) == ["before.bin", "small.bin"]
        assert {event.ticket for event in bob.told(TransferStarted)} == {0}
        bob.events.clear()
        await alice.part(bob)
        await bob.meet(alice)
        last = await alice.share(write(tmp_path / "last.bin", 1))
        await until(lambda: fetched(bob))
        assert fetched(bob) == ["last.bin"]
        assert bob.made() == ["before.bin", "last.bin", "small.bin"]
        assert before.file_id != last.file_id
        assert bob.node.counters["files: not fetched by --auto-get"] == 0


@trio_test
async def test_of_a_peer_in_another_language_a_file_that_turns_out_large_is_given_up(tmp_path: Path) -> None:
    async with (
        friend("js", tmp_path, protocols=(SISTER_FILE,)) as js,
        friend("bob", tmp_path, auto_get=PIECE) as bob,
    ):
        await bob.meet(js)
        await js.share(write(tmp_path / "large.bin", PIECE + 1))
        await until(lambda: bob.node.counters["files: not fetched by --auto-get"] == 1)
        await js.share(write(tmp_path / "empty.bin", 0))
        await until(lambda: bob.node.counters["files: not fetched by --auto-get"] == 2)
        small = await js.share(write(tmp_path / "small.bin", PIECE))
        await until(lambda: fetched(bob))
        assert bob.made() == [small.file_id]
        assert [event for event in bob.events if isinstance(event, (Answer, Notice))] == []


@trio_test
async def test_who_offers_very_many_small_files_gets_only_some_of_them_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "AUTO_GETS_OF_ONE", 3)
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path, auto_get=PIECE) as bob:
        for number in range(6):
            await alice.share(write(tmp_path / f"{number}.bin", 1))
        await bob.meet(alice)
        await until(lambda: len(bob.told(FileOffered)) == 6)
        await until(lambda: len(fetched(bob)) == 3)
        assert bob.files._transfers.shown() == ()


@trio_test
async def test_a_folder_that_cannot_be_looked_at_ends_nothing(tmp_path: Path) -> None:
    async with friend("alice", tmp_path) as alice, friend("n" * 300, tmp_path, auto_get=PIECE) as bob:
        await bob.meet(alice)
        await alice.share(write(tmp_path / "a.bin", 1))
        await alice.share(write(tmp_path / "b.bin", 1))
        await until(lambda: bob.node.counters["files: not fetched by --auto-get"] == 2)
        (notice,) = bob.told(Notice)
        assert notice.text.startswith(f"--auto-get fetches nothing: {tmp_path}/nnn")
        assert notice.text.endswith("cannot be looked at: File name too long")
        path = tmp_path / "c.bin"
        bob.ask(lambda ticket: GetFile(ticket, "a.bin", str(path)))
        await bob.see(TransferDone)
        assert path.is_file()


@trio_test
async def test_who_offers_files_and_sends_nothing_takes_no_turn_from_what_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TRANSFERS", 2)
    monkeypatch.setattr(limits, "AUTO_TRANSFERS", 1)
    async with (
        friend("alice", tmp_path) as alice,
        friend("mallory", tmp_path) as mallory,
        friend("bob", tmp_path, auto_get=PIECE) as bob,
    ):
        for number in range(3):
            await mallory.share(write(tmp_path / f"{number}.bin", 1))
        file = await alice.share(write(tmp_path / "a.bin", PIECE + 1))
        gate = mallory.serve(1)
        await bob.meet(mallory, alice)
        await bob.listed(file)
        await until(lambda: len(bob.files._transfers.shown()) == 3)
        bob.ask(lambda ticket: GetFile(ticket, file.file_id))
        await bob.see(TransferDone, lambda event: event.file_id == file.file_id)
        assert bob.told(Notice) == []
        gate.left = 99
        gate.opened.set()
        await until(lambda: len(fetched(bob)) == 4)


@trio_test
async def test_what_is_asked_for_finds_its_turn_though_its_offerer_has_files_fetched_unasked(tmp_path: Path) -> None:
    async with friend("mallory", tmp_path) as mallory, friend("bob", tmp_path, auto_get=PIECE) as bob:
        for number in range(3):
            await mallory.share(write(tmp_path / f"{number}.bin", 1))
        file = await mallory.share(write(tmp_path / "large.bin", PIECE + 1))
        gate = mallory.serve(1)
        await bob.meet(mallory)
        await bob.listed(file)
        await until(lambda: len(bob.files._transfers.shown()) == 3)
        bob.ask(lambda ticket: GetFile(ticket, "large.bin"))
        *autos, asked = bob.files._transfers.shown()
        assert sorted(one.state.value for one in autos) == ["asking", "waiting", "waiting"]
        assert (asked.name, asked.state.value, bob.told(Notice)) == ("large.bin", "asking", [])
        gate.left = 99
        gate.opened.set()
        await until(lambda: len(fetched(bob)) == 4)


@trio_test
async def test_scripts_are_told_all_of_a_path(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 200)
    folder.mkdir()
    async with friend("alice", folder) as alice:
        path = write(folder / "a.bin", 1)
        assert (await alice.share(path)).path == str(path)
        alice.ask(RequestFiles)
        report = await alice.see(FilesReport)
        assert (report.shared[0].path, report.downloads) == (str(path), str(folder / "alice"))
        alice.ask(lambda ticket: ShareFile(ticket, str(folder / "missing")))
        assert (await alice.see(Answer)).text.endswith("…: No such file or directory")


class OddError(Exception):
    pass


@trio_test
async def test_a_fault_of_ours_with_one_file_ends_neither_the_others_nor_the_chat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)

        async def fail(*_: object) -> None:
            raise OddError("a fault nobody has thought of")

        def tell(_: object) -> None:
            raise OddError("and another one")

        with monkeypatch.context() as patch:
            patch.setattr(alice.files._shared, "share", fail)
            asked = alice.ask(lambda ticket: ShareFile(ticket, "x"))
            failed = await alice.see(Answer, lambda event: event.ticket == asked)
            assert (failed.failed, failed.text) == (True, f"Not shared: x: {FAULT}")
        with monkeypatch.context() as patch:
            patch.setattr(bob.files._board, "on_news", tell)
            patch.setattr(bob.files._shared, "add", fail)
            file = await alice.share(write(tmp_path / "a.bin", 1))
            await bob.see(FileOffered)
            bob.ask(lambda ticket: GetFile(ticket, file.file_id))
            await bob.see(TransferDone)
            await until(lambda: bob.node.counters["unexpected faults"] == 2)
        await alice.share(write(tmp_path / "b.bin", 1))
        await bob.see(FileOffered, lambda event: event.offer.name == "b.bin")
        assert UNEXPECTED.pop("OddError") == 3
        alice.node.counters["unexpected faults"] = bob.node.counters["unexpected faults"] = 0


@pytest.mark.parametrize("auto_get", [0, PIECE])
def test_without_a_folder_or_without_the_wish_nothing_is_fetched_unasked(tmp_path: Path, auto_get: int) -> None:
    @trio_test
    async def scene() -> None:
        async with friend("alice", tmp_path) as alice, friend("bob", tmp_path, auto_get=auto_get) as bob:
            if auto_get:
                bob.folder.write_bytes(b"not a folder")
            await bob.meet(alice)
            await alice.share(write(tmp_path / "a.bin", 1))
            await bob.see(FileOffered)
            await until(lambda: bob.node.counters["files: not fetched by --auto-get"] == bool(auto_get))
            assert fetched(bob) == []
            if auto_get:
                await alice.share(write(tmp_path / "b.bin", 1))
                await until(lambda: bob.node.counters["files: not fetched by --auto-get"] == 2)
            told = [f"--auto-get fetches nothing: {bob.folder} cannot be written: File exists"] * bool(auto_get)
            assert [event.text for event in bob.told(Notice)] == told

    scene()


# --- What is served on ----------------------------------------------------------------------------


@trio_test
async def test_what_was_fetched_can_be_unshared_and_a_file_that_changes_is_said(tmp_path: Path) -> None:
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)
        path = write(tmp_path / "a.bin", PIECE)
        file = await alice.share(path)
        await bob.listed(file)
        bob.ask(lambda ticket: GetFile(ticket, file.file_id))
        await bob.see(TransferDone)
        await until(bob.files._shared.listing)
        bob.ask(lambda ticket: UnshareFile(ticket, "a.bin"))
        assert not (await bob.see(Answer)).failed
        assert bob.files._shared.listing() == ()
        path.write_bytes(os.urandom(10))
        bob.ask(lambda ticket: GetFile(ticket, file.file_id))
        notice = await alice.see(Notice)
        assert notice.text == "a.bin is not served any more: the file has changed since it was shared"


@trio_test
async def test_a_file_that_is_asked_for_in_the_first_moments_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("py_peer.service.files.FIRST_MOMENTS", 1.0)
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        bob.ask(lambda ticket: GetFile(ticket, "a.bin"))
        bob.ask(lambda ticket: GetFile(ticket, "nothing"))
        await alice.share(write(tmp_path / "a.bin", 1))
        await bob.meet(alice)
        assert (await bob.see(TransferDone)).name == "a.bin"
        assert [event.text for event in bob.told(Answer)] == [
            "Not fetched: there is no file “nothing”; /files lists what there is"
        ]


@trio_test
async def test_an_empty_file_that_somebody_has_fetched_counts_once(tmp_path: Path) -> None:
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)
        file = await alice.share(write(tmp_path / "empty", 0))
        await bob.listed(file)
        assert alice.files._shared.listing()[0].served == 0
        bob.ask(lambda ticket: GetFile(ticket, "empty"))
        await bob.see(TransferDone)
        assert [event.name for event in alice.told(FileServed)] == ["empty"]
        assert alice.files._shared.listing()[0].served == 1


def test_an_ignored_peer_is_not_listed(tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            person("alice", **HERE) as alice,
            person("bob", **HERE, connect=(await alice.address(),), downloads=tmp_path) as bob,
        ):
            await bob.see(PeerJoined)
            await answer(bob, Ignore, (await alice.see(Started)).peer_id)
            alice.ask(lambda ticket: ShareFile(ticket, str(write(tmp_path / "a.bin", 1))))
            await alice.see(FileShared)
            bob.ask(RequestFiles)
            assert (await bob.see(FilesReport)).offers == ()

    run(scene())
