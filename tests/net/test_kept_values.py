"""What is kept of Kademlia on a disk: there in the next run, bounded, private, and no trouble with it ends anything."""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from libp2p.crypto.ed25519 import create_new_key_pair

from py_peer.core import limits
from py_peer.core.by_name import announcement_key, file_id
from py_peer.core.records import SECOND, Record, received
from py_peer.net.kept_values import KeptValues
from tests.net.shelf import record_of
from tests.net.support import naming, trio_test

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from py_peer.net.kept_file import KeptFileError


class Told:
    """What the user is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def fault(self, error: KeptFileError) -> None:
        self.said.append(str(error))

    def moved(self) -> None:
        self.said.append("moved")

    def left_out(self, count: int) -> None:
        if count:
            self.said.append(f"{count} left out")

    def without_room(self, count: int, most: int) -> None:
        if count:
            self.said.append(f"{count} without room beside {most}")


def record(name: str, value: bytes = b"value") -> Record:
    now = time.time_ns()
    return received(name.encode(), value, now - SECOND, 0, now)


async def run_of(file: Path, *puts: tuple[Record, str], drops: tuple[bytes, ...] = ()) -> tuple[KeptValues, list[str]]:
    """Run, put some, drop some, and stop; return what is there then and what was told."""
    told = Told()
    kept = KeptValues(file, told)
    await kept.load()
    for one, sender in puts:
        kept.shelf.put(one, sender)
    for key in drops:
        kept.shelf.drop(key)
    await kept.close()
    return kept, told.said


@trio_test
async def test_the_next_run_has_what_this_one_kept_and_whose_it_is(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "dht.sqlite"
    mine, theirs, gone = record("mine"), record("theirs", bytes(10_240)), record("gone")
    await run_of(file, (mine, ""), (theirs, "them"), (gone, "them"))
    await run_of(file, drops=(b"gone",))
    kept, told = await run_of(file)
    assert {(one.record, one.sender) for one in kept.shelf} == {(mine, ""), (theirs, "them")}
    assert not told
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o600


@trio_test
async def test_what_we_announced_of_files_is_not_put_anew_by_a_run_that_does_not_provide_them(tmp_path: Path) -> None:
    keys = create_new_key_pair()
    file = record_of(keys, b"photo", file_id=file_id("photo"))
    announced = record(announcement_key("photo", file.offerer).decode(), file.envelope)
    for sender, is_there in (("", False), ("them", True)):
        await run_of(tmp_path / f"f{sender}", (announced, sender))
        kept, told = await run_of(tmp_path / f"f{sender}")
        assert (len(kept.shelf) == 1, told) == (is_there, [])


@trio_test
async def test_what_has_expired_meanwhile_is_gone_unless_it_is_our_own(tmp_path: Path) -> None:
    then = time.time_ns() - (limits.KAD_VALUE_SECONDS + 60) * SECOND
    old = [received(key, b"v", then, 0, then) for key in (b"mine", b"theirs")]
    await run_of(tmp_path / "f", (old[0], ""), (old[1], "them"))
    kept, _ = await run_of(tmp_path / "f")
    assert [one.record.key for one in kept.shelf] == [b"mine"]


@trio_test
async def test_a_file_that_is_none_of_ours_is_moved_aside_and_one_of_a_later_version_stays(tmp_path: Path) -> None:
    file = tmp_path / "f"
    await run_of(file, (record("a"), "x"))
    whole = file.read_bytes()
    for name, data in (
        ("no database", b"hello, I am a poem" * 999),
        ("half of one", whole[:9_000]),
        ("a page overwritten", whole[:4_096] + b"\xff" * (len(whole) - 4_096)),
        ("too large", bytes(limits.KAD_VALUES_FILE + 1)),
    ):
        with naming(name):
            file.write_bytes(data)
            (tmp_path / "f-journal").write_bytes(b"left")
            kept, told = await run_of(file, (record("b"), "x"))
            assert told == ["moved"]
            assert (tmp_path / "f.broken").read_bytes() == data
            kept, told = await run_of(file)
            assert [one.record.key for one in kept.shelf] == [b"b"]
            assert not told
    with sqlite3.connect(file) as later:
        later.execute("PRAGMA user_version = 2")
    later.close()
    data = file.read_bytes()
    _, told = await run_of(file, (record("c"), "x"))
    assert told == ["was written by a later version"]
    assert file.read_bytes() == data


@trio_test
async def test_rows_that_are_none_are_left_out_and_told(tmp_path: Path) -> None:
    file = tmp_path / "f"
    await run_of(file, (record("a"), "x"))
    with sqlite3.connect(file) as foreign:
        for row in (
            ("text", b"v", 1, 1, "x"),
            (b"k", 7, 1, 1, "x"),
            (b"k" * 513, b"v", 1, 1, "x"),
            (b"l", b"v", -1, 1, "x"),
        ):
            foreign.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?)", row)
    foreign.close()
    kept, told = await run_of(file)
    assert told == ["4 left out"]
    assert [one.record.key for one in kept.shelf] == [b"a"]


@trio_test
async def test_values_of_our_own_that_find_no_room_stay_in_the_file_and_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "dht.sqlite"
    mine = [record(f"key {number}") for number in range(5)]
    await run_of(file, *((one, "") for one in mine))
    monkeypatch.setattr(limits, "KAD_SENDER_WEIGHT", 3 * limits.KAD_VALUE_WEIGHT)
    kept, said = await run_of(file, (record("others"), "sender"))
    assert (kept.shelf.own_count, said) == (2, ["3 without room beside 2"])
    monkeypatch.undo()
    kept, said = await run_of(file)
    assert (kept.shelf.own_count, len(kept.shelf), said) == (5, 6, [])


@trio_test
async def test_what_was_put_while_the_clock_was_ahead_can_be_put_anew_and_that_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "f"
    then = time.time_ns() + 365 * 24 * 3_600 * SECOND
    for year, ahead in enumerate((received(b"key", b"old", then, 0, then), Record(b"key", b"old", 2**62, 2**62))):
        with naming(f"{year}"):
            await run_of(file, (ahead, ""))
            kept, told = await run_of(file)
            assert not told
            now = time.time_ns()
            found = kept.shelf.get(b"key", now)
            assert found is not None
            assert found.record.time == now + limits.KAD_CLOCK_AHEAD * SECOND
            new = replace(found.record, value=b"new", time=found.record.time - 1)
            await run_of(file, (new, ""))
            again, _ = await run_of(file)
            assert [one.record.value for one in again.shelf] == [b"new"]
            file.unlink()


@trio_test
async def test_what_is_forgotten_is_gone_from_the_file_though_it_had_found_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "dht.sqlite"
    await run_of(file, *((record(f"key {number}"), "") for number in range(3)), (record("others"), "sender"))
    monkeypatch.setattr(limits, "KAD_SENDER_WEIGHT", 2 * limits.KAD_VALUE_WEIGHT)
    kept = KeptValues(file)
    await kept.load()
    assert sorted(await kept.keys_of({b"value"})) == [b"key 0", b"key 1", b"key 2"]
    gone = [key for key in (b"key 0", b"key 1", b"key 2", b"others", b"key 0") if await kept.forget(key)]
    assert await kept.keys_of({b"value"}) == []
    await kept.close()
    assert gone == [b"key 0", b"key 1", b"key 2"]
    kept, _ = await run_of(file)
    assert [one.record.key for one in kept.shelf] == [b"others"]


@trio_test
async def test_two_programs_share_a_folder_and_nothing_that_either_user_has_put_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "f"
    await run_of(file, (record("old"), "x"), (record("both"), "x"))
    first = KeptValues(file)
    await first.load()
    first.shelf.put(record("a"), "")
    assert await first.write()
    mine = record("both", b"put by the second")
    _, told = await run_of(file, (record("b"), ""), (mine, ""), (record("old", b"new"), "y"))
    assert not told
    first.shelf.drop(b"old")
    first.shelf.put(replace(mine, value=b"brought", time=mine.time - 1), "x")
    await first.close()
    again, _ = await run_of(file)
    assert {one.record.value for one in again.shelf if one.record.key == b"both"} == {mine.value}
    assert {one.record.key for one in again.shelf if one.is_own} == {b"a", b"b", b"both"}
    assert {one.record.key for one in again.shelf} == {b"a", b"b", b"both", b"old"}


@trio_test
async def test_where_there_is_no_room_or_no_folder_it_is_said_and_what_is_in_memory_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "KAD_VALUES_FILE", 8 * 4_096)
    told = Told()
    kept = KeptValues(tmp_path / "f", told)
    await kept.load()
    kept.shelf.put(record("a"), "x")
    assert await kept.write()
    for number in range(9):
        kept.shelf.put(record(f"b{number}", bytes(10_000)), "x")
    assert not await kept.write()
    assert told.said == ["cannot be written: database or disk is full"]
    assert len(kept.shelf) == 10
    for number in range(9):
        kept.shelf.drop(b"b%d" % number)
    kept.shelf.put(record("c"), "x")
    assert await kept.write()
    await kept.close()
    again, _ = await run_of(tmp_path / "f")
    assert [one.record.key for one in again.shelf] == [b"a", b"c"]
    (tmp_path / "file").write_bytes(b"")
    _, said = await run_of(tmp_path / "file" / "f", (record("a"), "x"))
    assert len(said) == 1
    assert said[0].startswith("cannot be opened: ")
