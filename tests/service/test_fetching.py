"""A file comes whole or not at all, from whoever has it, and what has come of it is not fetched again."""

from __future__ import annotations

import errno
import os
from functools import partial
from typing import TYPE_CHECKING

import pytest
from libp2p.crypto.ed25519 import create_new_key_pair

from py_peer.core import limits
from py_peer.core.events import Answer, Notice
from py_peer.core.file_events import (
    FilesReport,
    TransferDone,
    TransferFailed,
    TransferProgress,
    TransferStarted,
    TransferState,
)
from py_peer.core.requests import CancelTransfer, GetFile, RequestFiles, UnshareFile
from py_peer.net.streams import EndedError
from tests.net.support import trio_test, until
from tests.service.file_friends import PIECE, Friend, Gate, done, failures, falsify, friend, get, received, write

if TYPE_CHECKING:
    from pathlib import Path

    from libp2p.peer.id import ID


BEFORE_PIECES = 3
"""Requests of one who fetches, before those for pieces: what the file is, twice, and the hashes of its pieces."""


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request is for one piece, and nobody waits long."""
    monkeypatch.setattr(limits, "PIECES_BYTES", PIECE)
    monkeypatch.setattr(limits, "MORE_SOURCES_BYTES", 2 * PIECE)
    monkeypatch.setattr(limits, "SOURCE_PAUSE", 0.1)
    monkeypatch.setattr(limits, "COME_SECONDS", 0.1)


# --- One source -----------------------------------------------------------------------------------


@trio_test
async def test_files_of_every_size_come_whole_and_are_served_on(tmp_path: Path) -> None:
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)
        for count, size in enumerate((0, 1, PIECE, 5 * PIECE + 7), 1):
            file = await alice.share(write(tmp_path / f"{size}.bin", size))
            ticket = await get(bob, file)
            event = await done(bob, file, count)
            started = await bob.see(TransferStarted, lambda event, ticket=ticket: event.ticket == ticket)  # type: ignore[misc]
            assert (started.transfer.received, started.transfer.size) == (0, size)
            assert event.path == str(bob.folder / f"{size}.bin")
        assert bob.made() == sorted(["0.bin", "1.bin", f"{PIECE}.bin", f"{5 * PIECE + 7}.bin"])
        await until(lambda: len(bob.files._shared.listing()) == 4)
        assert not any(file.offered for file in bob.files._shared.listing())


@trio_test
async def test_no_file_is_overwritten_and_a_file_goes_where_the_user_wants_it(tmp_path: Path) -> None:
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)
        file = await alice.share(write(tmp_path / "a.tar.gz", 10))
        bob.folder.mkdir()
        (bob.folder / "a.tar.gz").write_bytes(b"mine")
        await get(bob, file)
        assert (await done(bob, file)).path == str(bob.folder / "a (1).tar.gz")
        await get(bob, file, str(tmp_path / "b.bin"))
        assert (await done(bob, file, 2)).path == str(tmp_path / "b.bin")
        (tmp_path / "other").mkdir()
        await get(bob, file, str(tmp_path / "other"))
        assert (await done(bob, file, 3)).path == str(tmp_path / "other" / "a.tar.gz")
        await get(bob, file, str(tmp_path / "nowhere" / "b.bin"))
        await until(lambda: failures(bob))
        assert failures(bob) == [f"Not fetched: a.tar.gz: there is no folder {tmp_path}/nowhere"]
        assert (bob.folder / "a.tar.gz").read_bytes() == b"mine"


@trio_test
async def test_how_far_it_is_is_told_and_a_transfer_can_be_cancelled_and_gone_on_with(tmp_path: Path) -> None:
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)
        file = await alice.share(write(tmp_path / "a.bin", 6 * PIECE))
        await bob.listed(file)
        gate = alice.serve(BEFORE_PIECES + 3)
        await get(bob, file)
        event = await bob.see(TransferProgress, lambda event: event.transfer.received == 3 * PIECE)
        assert (event.transfer.name, event.transfer.size) == ("a.bin", 6 * PIECE)
        assert event.transfer.rate > 0
        assert event.transfer.peer_ids == (str(alice.id),)
        assert "transfer 1" in await refused(bob, GetFile(99, "a.bin"))
        assert "there is no transfer 7" in await refused(bob, CancelTransfer(98, "7"))
        bob.ask(lambda ticket: CancelTransfer(ticket, "a.bin"))
        failed = await bob.see(TransferFailed)
        assert (failed.cancelled, failed.kept, failed.reason) == (True, 3 * PIECE, "it was cancelled")
        assert bob.made() == [f".a.bin.{file.root[:12]}.part"]
        bob.events.clear()
        gate.left, gate.asked = 99, 0
        gate.opened.set()
        await get(bob, file)
        await done(bob, file)
        assert bob.told(TransferStarted)[0].transfer.received == 3 * PIECE
        assert gate.asked == BEFORE_PIECES + 3
        assert bob.made() == ["a.bin"]


async def refused(one: Friend, request: GetFile | CancelTransfer | UnshareFile) -> str:
    one.files.handlers[type(request)](request)
    return (await one.see(Answer, lambda event: event.ticket == request.ticket and event.failed)).text


@trio_test
async def test_a_try_that_ends_before_anything_is_checked_takes_nothing_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)
        file = await alice.share(write(tmp_path / "a.bin", 6 * PIECE))
        await bob.listed(file)
        bob.folder.mkdir()
        part = bob.folder / f".a.bin.{file.root[:12]}.part"
        part.write_bytes((tmp_path / "a.bin").read_bytes()[: 3 * PIECE])
        gate = alice.serve(BEFORE_PIECES - 1)
        await get(bob, file)
        await until(lambda: gate.asked == BEFORE_PIECES)  # the hashes, which do not come
        bob.ask(lambda ticket: CancelTransfer(ticket, "a.bin"))
        await bob.see(TransferFailed)
        assert part.stat().st_size == 3 * PIECE
        gate.opened.set()
        with monkeypatch.context() as patch:
            patch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1_000}))
            await get(bob, file)
            await until(lambda: failures(bob))
        assert "786,432 bytes are missing, and the disk of" in failures(bob)[0]
        assert part.stat().st_size == 3 * PIECE
        bob.events.clear()
        await get(bob, file)
        await done(bob, file)
        assert bob.told(TransferStarted)[0].transfer.received == 3 * PIECE


@trio_test
async def test_a_part_of_which_nothing_is_right_is_thrown_away(tmp_path: Path) -> None:
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)
        file = await alice.share(write(tmp_path / "a.bin", PIECE))
        await bob.listed(file)
        bob.folder.mkdir()
        (bob.folder / f".a.bin.{file.root[:12]}.part").write_bytes(bytes(PIECE))
        alice.serve(BEFORE_PIECES)
        await get(bob, file)
        await bob.see(TransferStarted)
        bob.ask(lambda ticket: CancelTransfer(ticket, "a.bin"))
        assert (await bob.see(TransferFailed)).kept == 0
        assert bob.made() == []


@trio_test
async def test_a_part_that_is_damaged_is_fetched_again_where_it_is(tmp_path: Path) -> None:
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)
        file = await alice.share(write(tmp_path / "a.bin", 6 * PIECE))
        await bob.listed(file)
        bob.folder.mkdir()
        part = bob.folder / f".a.bin.{file.root[:12]}.part"
        part.write_bytes((tmp_path / "a.bin").read_bytes() + b"and more")
        falsify(part, PIECE + 3)
        gate = alice.serve(99)
        await get(bob, file)
        await done(bob, file)
        assert bob.told(TransferStarted)[0].transfer.received == 5 * PIECE
        assert gate.asked == BEFORE_PIECES + 1


@trio_test
async def test_a_full_disk_ends_a_transfer_alone_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)
        file = await alice.share(write(tmp_path / "a.bin", 6 * PIECE))
        real, written = os.write, 0

        def write_until_full(descriptor: int, data: bytes) -> int:
            nonlocal written
            if len(data) == PIECE:
                written += 1
                if written > 2:
                    raise OSError(errno.ENOSPC, "No space left on device")
            return real(descriptor, data)

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", write_until_full)
            await get(bob, file)
            failed = await bob.see(TransferFailed)
        assert (failed.reason, failed.kept) == (f"the disk of {bob.folder} is full", 2 * PIECE)
        bob.events.clear()
        await get(bob, file)
        await done(bob, file)
        assert bob.told(TransferStarted)[0].transfer.received == 2 * PIECE


@trio_test
async def test_a_file_that_has_no_room_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)
        file = await alice.share(write(tmp_path / "a.bin", PIECE))
        usage = type("Usage", (), {"free": 1_000})
        monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
        await get(bob, file)
        await until(lambda: failures(bob))
        assert "262,144 bytes are missing, and the disk of" in failures(bob)[0]
        assert bob.made() == []


@trio_test
async def test_transfers_beyond_the_limit_wait_for_their_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TRANSFERS", 1)
    monkeypatch.setattr(limits, "WAITING_TRANSFERS", 2)
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)
        files = [await alice.share(write(tmp_path / f"{number}.bin", PIECE)) for number in range(4)]
        for file in files:
            await bob.listed(file)
        gate = alice.serve(0)
        for file in files:
            await get(bob, file)
        assert failures(bob) == ["Not fetched: 3 files are being fetched or wait for it already"]
        assert [event.text for event in bob.told(Notice)] == ["1.bin waits for its turn", "2.bin waits for its turn"]
        await until(lambda: any(one.state is TransferState.ASKING for one in bob.files._transfers.shown()))
        bob.ask(RequestFiles)
        (report,) = bob.told(FilesReport)
        assert [transfer.name for transfer in report.transfers] == ["0.bin", "1.bin", "2.bin"]
        assert {transfer.size for transfer in report.transfers} == {PIECE}
        assert sorted(transfer.state.value for transfer in report.transfers) == ["asking", "waiting", "waiting"]
        gate.left = 99
        gate.opened.set()
        await until(lambda: len(bob.told(TransferDone)) == 3)
        assert sorted(bob.made()) == ["0.bin", "1.bin", "2.bin"]


@trio_test
async def test_who_sends_nothing_holds_up_what_he_offers_and_nothing_else(tmp_path: Path) -> None:
    async with (
        friend("alice", tmp_path) as alice,
        friend("mallory", tmp_path) as mallory,
        friend("bob", tmp_path) as bob,
    ):
        await bob.meet(mallory, alice)
        hanging = [await mallory.share(write(tmp_path / f"{number}.bin", 1)) for number in range(4)]
        file = await alice.share(write(tmp_path / "a.bin", 1))
        for one in (*hanging, file):
            await bob.listed(one)
        gate = mallory.serve(0)
        for one in (*hanging, file):
            await get(bob, one)
        await done(bob, file)
        states = {transfer.name: transfer.state.value for transfer in bob.files._transfers.shown()}
        assert states == {"0.bin": "asking", "1.bin": "asking", "2.bin": "waiting", "3.bin": "waiting"}
        assert [event.text for event in bob.told(Notice)] == ["2.bin waits for its turn", "3.bin waits for its turn"]
        gate.left = 99
        gate.opened.set()
        await until(lambda: len(bob.told(TransferDone)) == 5)


@trio_test
async def test_what_is_asked_for_at_once_begins_in_that_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TRANSFERS", 1)
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)
        files = [await alice.share(write(tmp_path / f"{number}.bin", 1)) for number in range(8)]
        for file in files:
            await bob.listed(file)
        for file in files:
            bob.ask(partial(GetFile, file=file.file_id))
        await until(lambda: len(bob.told(TransferDone)) == 8)
        assert [event.transfer.name for event in bob.told(TransferStarted)] == [file.name for file in files]


@trio_test
async def test_what_is_cancelled_before_it_starts_ends_like_what_is_cancelled_later(tmp_path: Path) -> None:
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)
        file = await alice.share(write(tmp_path / "a.bin", PIECE))
        await bob.listed(file)
        alice.serve(0)
        ticket = await get(bob, file)
        bob.ask(lambda ticket: CancelTransfer(ticket, "1"))
        failed = await bob.see(TransferFailed)
        assert (failed.ticket, failed.name, failed.cancelled, failed.kept) == (ticket, "a.bin", True, 0)
        assert failures(bob) == []


# --- Sources that go, and others that have the file -----------------------------------------------


@trio_test
async def test_what_came_before_a_source_was_lost_stays_and_it_goes_on_when_it_is_back(tmp_path: Path) -> None:
    async with friend("bob", tmp_path) as bob, friend("alice", tmp_path) as alice:
        await bob.meet(alice)
        file = await alice.share(write(tmp_path / "a.bin", 6 * PIECE))
        await bob.listed(file)
        gate = alice.serve(BEFORE_PIECES + 2)
        await get(bob, file)
        await until(lambda: received(bob) == 2 * PIECE)
        before = gate.asked
        gate.left = 99
        await alice.part(bob)
        gate.opened.set()
        notice = await bob.see(Notice, lambda event: "waiting up to 60 seconds" in event.text)
        assert notice.text.startswith("a.bin: alice sends no more of it: the stream")
        (transfer,) = bob.files._transfers.shown()
        assert (transfer.state.value, transfer.rate, transfer.seconds_left) == ("no source", 0.0, None)
        await bob.meet(alice)
        await done(bob, file)
        list_describe_and_four_pieces = 6
        assert gate.asked <= before + list_describe_and_four_pieces


@trio_test
async def test_who_does_not_come_back_is_waited_for_and_then_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SOURCE_SECONDS", 0.3)
    async with friend("bob", tmp_path) as bob:
        async with friend("alice", tmp_path) as alice:
            await bob.meet(alice)
            file = await alice.share(write(tmp_path / "a.bin", 6 * PIECE))
            await bob.listed(file)
            alice.serve(BEFORE_PIECES + 2)
            await get(bob, file)
            await until(lambda: received(bob) == 2 * PIECE)
        failed = await bob.see(TransferFailed)
        assert "alice sends no more of it" in failed.reason
        assert failed.reason.endswith("and nobody who has it came within 0 seconds")
        assert failed.kept == 2 * PIECE


@trio_test
async def test_a_file_comes_from_two_at_once_who_have_it(tmp_path: Path) -> None:
    async with (
        friend("alice", tmp_path) as alice,
        friend("carol", tmp_path) as carol,
        friend("bob", tmp_path) as bob,
    ):
        await carol.meet(alice)
        file = await alice.share(write(tmp_path / "a.bin", 12 * PIECE))
        await get(carol, file)
        await done(carol, file)
        await until(carol.files._shared.listing)
        await bob.meet(alice, carol)
        await until(lambda: {alice.id, carol.id} <= bob.files._board._listed)
        gates = [one.serve(BEFORE_PIECES + 4) for one in (alice, carol)]
        await get(bob, file)
        await until(lambda: received(bob) >= 8 * PIECE)
        (transfer,) = bob.files._transfers.shown()
        assert set(transfer.peer_ids) == {str(alice.id), str(carol.id)}
        for gate in gates:
            gate.left = 99
            gate.opened.set()
        await done(bob, file)
        (offer,) = bob.files._board.offers()
        assert offer.peer_id == str(alice.id)


@trio_test
async def test_when_its_offerer_is_gone_a_file_comes_from_another_one_who_has_it(tmp_path: Path) -> None:
    async with friend("carol", tmp_path) as carol, friend("bob", tmp_path) as bob:
        async with friend("alice", tmp_path) as alice:
            await carol.meet(alice)
            await bob.meet(alice)
            file = await alice.share(write(tmp_path / "a.bin", 6 * PIECE))
            await get(carol, file)
            await done(carol, file)
            await until(carol.files._shared.listing)
            await bob.listed(file)
            alice.serve(BEFORE_PIECES + 2)
            await get(bob, file)
            await until(lambda: received(bob) == 2 * PIECE)
            await bob.meet(carol)
            await done(bob, file)  # alice says nothing any more, and is not given up yet
        bob.events.clear()
        await get(bob, file)
        assert (await done(bob, file)).path == str(bob.folder / "a (1).bin")


@trio_test
async def test_who_sends_something_else_loses_his_place_and_the_file_is_whole_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REFUSED_PAUSE", 0.0)
    async with (
        friend("alice", tmp_path) as alice,
        friend("mallory", tmp_path) as mallory,
        friend("bob", tmp_path) as bob,
    ):
        await mallory.meet(alice)
        file = await alice.share(write(tmp_path / "a.bin", 8 * PIECE))
        await get(mallory, file)
        await done(mallory, file)
        await until(mallory.files._shared.listing)
        for piece in range(8):
            falsify(mallory.folder / "a.bin", piece * PIECE)
        await bob.meet(mallory, alice)
        gate = alice.serve(BEFORE_PIECES)
        await get(bob, file)
        await until(lambda: bob.node.counters["files: a source failed, WrongHashError"] == 1)
        assert bob.node.counters["strikes"] == 1
        gate.left = 99
        gate.opened.set()
        await done(bob, file)
        assert bob.node.counters["files: a source failed, WrongHashError"] == 1


@trio_test
async def test_an_offerer_who_lies_himself_is_said_and_nothing_of_it_is_kept(tmp_path: Path) -> None:
    async with friend("mallory", tmp_path) as mallory, friend("bob", tmp_path) as bob:
        await bob.meet(mallory)
        file = await mallory.share(write(tmp_path / "a.bin", PIECE))
        falsify(tmp_path / "a.bin", 0)
        await get(bob, file)
        failed = await bob.see(TransferFailed)
        assert failed.kept == 0
        assert failed.reason == (
            "mallory sends no more of it: piece 0 is not what its hash stands for; and nobody else who is here has it"
        )
        assert bob.made() == []


@trio_test
async def test_a_file_that_is_not_offered_any_more_is_said_at_once(tmp_path: Path) -> None:
    async with friend("bob", tmp_path) as bob:
        async with friend("alice", tmp_path) as alice:
            await bob.meet(alice)
            file = await alice.share(write(tmp_path / "a.bin", 6 * PIECE))
            await bob.listed(file)
            gate = alice.serve(BEFORE_PIECES + 2)
            await get(bob, file)
            await until(lambda: received(bob) == 2 * PIECE)
            alice.ask(lambda ticket: UnshareFile(ticket, "a.bin"))
            gate.left = 99
            gate.opened.set()
            failed = await bob.see(TransferFailed)
            assert failed.reason == (
                "alice sends no more of it: the file is not shared here; and nobody else who is here has it"
            )
            await get(bob, file)
            await until(lambda: failures(bob))
            reason = "it is not offered any more; and nobody else who is here has it"
            assert failures(bob) == [f"Not fetched: a.bin: alice offered it, but {reason}"]
        await get(bob, file)
        await until(lambda: len(failures(bob)) == 2)
        reason = "nobody has told where it is; and nobody else who is here has it"
        assert failures(bob)[1] == f"Not fetched: a.bin: alice offered it, but {reason}"


@trio_test
async def test_an_offerer_who_is_not_connected_is_dialled(tmp_path: Path) -> None:
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)
        file = await alice.share(write(tmp_path / "a.bin", 6 * PIECE))
        await bob.listed(file)
        await alice.part(bob)
        await until(lambda: not bob.node.peers.records)

        async def call(peer_id: str) -> None:
            assert peer_id == str(alice.id)
            await bob.meet(alice)

        bob.files._sources.call = call
        await get(bob, file)
        await done(bob, file)


@trio_test
async def test_who_comes_again_and_again_and_brings_nothing_is_not_waited_for_without_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SOURCE_SECONDS", 0.5)
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)
        file = await alice.share(write(tmp_path / "a.bin", 2 * PIECE))
        await bob.listed(file)
        gate = alice.files._shared.pace = HangsUp(BEFORE_PIECES + 1)  # type: ignore[assignment]
        await get(bob, file)
        failed = await bob.see(TransferFailed)
        assert failed.reason.startswith("alice sends no more of it: the stream ")
        assert failed.reason.endswith("; and nobody who has it came within 0 seconds")
        assert failed.kept == PIECE
        assert gate.asked >= BEFORE_PIECES + 3  # two pieces, and what the file is, once more at least
        assert len(bob.told(Notice)) == 1


class HangsUp(Gate):
    """A server that answers so many requests, and ends every stream that asks for more."""

    async def wait(self, peer_id: ID) -> None:
        if self.left <= 0:
            self.asked += 1
            raise EndedError("it has had enough")
        await super().wait(peer_id)


@trio_test
async def test_who_is_there_and_silent_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FILE_SILENCE", 1.0)
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)
        file = await alice.share(write(tmp_path / "a.bin", 2 * PIECE))
        await bob.listed(file)
        gate = alice.serve(BEFORE_PIECES + 1)
        await get(bob, file)
        failed = await bob.see(TransferFailed)
        reason = "alice sends no more of it: nothing came for 1 seconds; and nobody else who is here has it"
        assert (failed.reason, failed.kept) == (reason, PIECE)
        gate.opened.set()


@trio_test
async def test_who_comes_back_and_shares_the_file_a_moment_later_is_waited_for(tmp_path: Path) -> None:
    path = write(tmp_path / "a.bin", 6 * PIECE)
    key_pair = create_new_key_pair()
    async with friend("bob", tmp_path) as bob:
        async with friend("alice", tmp_path, key_pair=key_pair) as alice:
            await bob.meet(alice)
            file = await alice.share(path)
            await bob.listed(file)
            alice.serve(BEFORE_PIECES + 2)
            await get(bob, file)
            await until(lambda: received(bob) == 2 * PIECE)
        await bob.see(Notice, lambda event: "waiting up to 60 seconds" in event.text)
        async with friend("alice", tmp_path, key_pair=key_pair) as alice:
            gate = alice.serve(99)
            await bob.meet(alice)
            await until(lambda: gate.asked > 3)  # what it offers, and again and again whether it has the file
            assert bob.told(TransferFailed) == []
            assert (await alice.share(path)).file_id != file.file_id
            await done(bob, file)
        assert len(bob.told(Notice)) == 1
