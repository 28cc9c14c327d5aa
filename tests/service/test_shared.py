"""What the user shares: read once, kept open, served under an ID that nobody guesses, and told when it was fetched."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID

from py_peer.core import limits, tree_hash
from py_peer.core.file_events import SharedFile
from py_peer.core.file_record import is_file_id
from py_peer.net.counters import Counters
from py_peer.net.file_exchange import open_source
from py_peer.net.served import CHANGED, OpenFile
from py_peer.net.sister_files import open_fetch
from py_peer.service.shared import Shared, ShareError
from tests.net.shelf import PIECE, body, leaves_of, record_of
from tests.net.support import member, trio_test, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from py_peer.net.served import ServedFile
    from tests.net.support import Member

KEYS, OTHERS = create_new_key_pair(), create_new_key_pair()
SIZE = 3 * PIECE + 1
DATA = body(SIZE)
ONE, TWO = ID(b"one"), ID(b"two")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "photo.PNG"
    path.write_bytes(DATA)
    return path


def sharing() -> tuple[Shared, list[tuple[str, str, int, str]]]:
    """Return what shares files without a network, and what it tells of who fetches them."""
    shared, told = Shared(), list[tuple[str, str, int, str]]()
    shared.start(KEYS.private_key, Counters())
    shared.on_served = lambda peer_id, file, sent, reason: told.append((peer_id, file.name, sent, reason))
    return shared, told


def write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def served(shared: Shared) -> ServedFile:
    return shared.offered()[0]


# --- Sharing --------------------------------------------------------------------------------------


@trio_test
async def test_a_shared_file_has_an_id_of_its_own_and_says_what_it_is(path: Path) -> None:
    shared, _ = sharing()
    steps: list[tuple[int, int]] = []
    file = await shared.share(path, lambda done, size: steps.append((done, size)))
    assert file == SharedFile(
        file_id=file.file_id,
        path=str(path),
        name="photo.PNG",
        size=SIZE,
        root=tree_hash.root(leaves_of(DATA)).hex(),
        offered=True,
        served=0,
    )
    assert len(file.file_id) == 16
    assert is_file_id(file.file_id)
    assert served(shared).record.media_type == "image/png"
    assert (steps[0], steps[-1]) == ((0, SIZE), (SIZE, SIZE))
    assert shared.listing() == (file,)
    shared.close()


@trio_test
async def test_the_same_file_keeps_its_id_until_it_changes(path: Path) -> None:
    shared, _ = sharing()
    first = await shared.share(path)
    steps: list[int] = []
    assert await shared.share(path, lambda done, _: steps.append(done)) == first
    assert steps == []  # it was not read again
    write(path, DATA + b"!")
    os.utime(path, ns=(1, 1))
    second = await shared.share(path)
    assert second.file_id != first.file_id
    assert shared.listing() == (second,)  # of the first nobody could be given anything any more
    assert shared.unshare(second.file_id)
    assert not shared.unshare(second.file_id)
    assert shared.listing() == ()
    assert (await shared.share(path)).file_id not in {first.file_id, second.file_id}
    shared.close()


@trio_test
async def test_a_file_that_is_shared_twice_at_the_same_time_is_shared_once(path: Path) -> None:
    shared, _ = sharing()
    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(shared.share, path)
    assert len(shared.listing()) == 1
    shared.close()


@trio_test
async def test_what_is_no_ordinary_file_is_not_shared(tmp_path: Path) -> None:
    shared, _ = sharing()
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    for path, why in (
        (tmp_path / "missing", "No such file"),
        (tmp_path, "it is a folder"),
        (link, "it is a folder"),
        (fifo, "it is not an ordinary file"),
        (tmp_path / "nul\0", "null"),
    ):
        with pytest.raises(ShareError, match=why):
            await shared.share(path)
    with pytest.raises(ShareError, match="does not run yet"):
        await Shared().share(tmp_path / "early")


@trio_test
async def test_a_file_that_changes_while_it_is_read_is_not_shared(path: Path) -> None:
    shared, _ = sharing()
    for change in (
        lambda: os.truncate(path, 10),
        lambda: write(path, DATA + b"!"),
        lambda: os.utime(path, (1, 1)),
    ):
        write(path, DATA)
        with pytest.raises(ShareError, match="changed while it was read"):
            await shared.share(path, lambda _done, _size, change=change: change())  # type: ignore[misc] # a default
    assert shared.listing() == ()


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="there is no /proc")
@trio_test
async def test_a_file_that_does_not_hold_what_it_says_is_not_shared() -> None:
    shared, _ = sharing()
    with pytest.raises(ShareError, match="does not hold the 0 bytes"):
        await shared.share(Path("/proc/cpuinfo"))
    assert shared.listing() == ()


@trio_test
async def test_sharing_can_be_cancelled(path: Path) -> None:
    shared, _ = sharing()
    with trio.CancelScope() as scope:
        await shared.share(path, lambda _done, _size: scope.cancel())
    assert scope.cancelled_caught
    assert shared.listing() == ()


@trio_test
async def test_there_is_room_for_so_many_files_and_so_many_hashes(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, _ = sharing()
    monkeypatch.setattr(limits, "SHARED_FILES", 1)
    first = await shared.share(path)
    (tmp_path / "second").write_bytes(b"2")
    with pytest.raises(ShareError, match="no room for more"):
        await shared.share(tmp_path / "second")
    monkeypatch.setattr(limits, "SHARED_FILES", 2)
    monkeypatch.setattr(limits, "SHARED_LEAVES_BYTES", 4 * tree_hash.HASH_BYTES)
    with pytest.raises(ShareError, match="too large together"):
        await shared.share(tmp_path / "second")
    shared.unshare(first.file_id)
    assert await shared.share(tmp_path / "second")
    shared.close()


@trio_test
async def test_who_cannot_fetch_a_file_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared, _ = sharing()
    await shared.share(path)
    monkeypatch.setattr(limits, "JS_FILE_BYTES", SIZE - 1)
    assert "JavaScript" in shared.listing()[0].remark
    monkeypatch.setattr(limits, "MAX_SISTER_FILE_BYTES", SIZE - 1)
    assert "only py-peers" in shared.listing()[0].remark
    shared.close()


@trio_test
async def test_a_fetched_file_is_served_under_its_offerers_id(path: Path) -> None:
    shared, _ = sharing()
    record = record_of(OTHERS, DATA, file_id="same")
    file = await shared.add(record, path, leaves_of(DATA))
    await shared.add(record, path, leaves_of(DATA))  # fetched once more
    await shared.add(record_of(KEYS, b"ours", file_id="same"), small(path), leaves_of(b"ours"))
    assert [one.record.offerer for one in shared.find("same")] == [record.offerer, str(ID.from_pubkey(KEYS.public_key))]
    assert (file.file_id, file.offered, file.remark) == ("same", False, "only py-peers can fetch it here")
    assert list(shared.offered()) == []
    assert not shared.unshare("same")  # nothing of it is ours
    assert shared.unshare("same", record.offerer)
    assert len(shared.listing()) == 1
    with pytest.raises(ShareError, match="not what was fetched"):
        await shared.add(record, small(path), leaves_of(DATA))
    shared.close()


def small(path: Path) -> Path:
    other = path.with_name("small")
    other.write_bytes(b"ours")
    return other


@trio_test
async def test_a_change_is_told_once(path: Path) -> None:
    shared, _ = sharing()
    told: list[str] = []
    shared.on_changed = lambda _name, fault: told.append(fault)
    await shared.share(path)
    os.truncate(path, 1)
    for _ in range(3):
        assert not await served(shared).is_fit()
        shared.faulty(served(shared))
    assert told == [CHANGED]
    shared.close()


def test_a_file_that_is_closed_while_somebody_reads_it_is_closed_by_him(path: Path) -> None:
    file = OpenFile(path)
    with file._lock:
        file.close()
        assert not file._file.closed
    data = bytearray(4)
    assert file.read(0, memoryview(data)) == 4
    assert data == DATA[:4]
    assert file._file.closed
    with pytest.raises(ValueError, match="closed"):
        file.read(0, memoryview(data))


# --- Who has fetched what -------------------------------------------------------------------------


@trio_test
async def test_who_was_sent_every_piece_has_fetched_the_file_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared, told = sharing()
    await shared.share(path)
    file = served(shared)
    for first, count in ((0, 1), (2, 2), (0, 1)):
        shared.sent(ONE, file, first, count)
    shared.sent(TWO, file, 1, 1)  # who has the other pieces from elsewhere, or comes back for them
    assert told == []
    shared.sent(ONE, file, 1, 1)
    assert told == [(str(ONE), "photo.PNG", SIZE, "")]
    shared.sent(ONE, file, 0, 4)  # once more within a minute: counted, not told
    assert (len(told), file.served, shared.listing()[0].served) == (1, 2, 2)
    monkeypatch.setattr(limits, "SERVED_TOLD_PAUSE", 0.0)
    shared.sent(ONE, file, 0, 4)
    assert (len(told), file.served) == (2, 3)
    shared.close()


@trio_test
async def test_a_failure_is_told_once_with_what_was_sent(path: Path) -> None:
    shared, told = sharing()
    await shared.share(path)
    shared.sent(ONE, served(shared), 1, 2)
    for _ in range(4):  # on each of its streams
        shared.served(ONE, served(shared), 0, CHANGED)
    assert told == [(str(ONE), "photo.PNG", 2 * PIECE, CHANGED)]
    shared.close()


@trio_test
async def test_of_very_many_who_fetch_the_oldest_is_forgotten(path: Path) -> None:
    shared, _ = sharing()
    await shared.share(path)
    for number in range(1_000):
        shared.sent(ID(str(number).encode()), served(shared), 0, 1)
    assert len(shared._sent) == 256
    shared.close()


# --- Over the network -----------------------------------------------------------------------------


@asynccontextmanager
async def shared_by(one: Member) -> AsyncIterator[Shared]:
    shared = Shared()
    shared.start(one.node.host.get_private_key(), one.node.counters)
    for protocol, handler in shared.streams.items():
        one.node.host.set_stream_handler(protocol, handler)
    try:
        yield shared
    finally:
        shared.close()
        assert one.counts("unexpected faults") == [0]


@trio_test
async def test_a_shared_file_is_fetched_on_both_protocols_and_unshared_on_none(path: Path) -> None:
    async with member() as one, member() as two, shared_by(one) as shared:
        await two.node.dial(one.address)
        told: list[tuple[str, int, str]] = []
        shared.on_served = lambda _, file, sent, reason: told.append((file.file_id, sent, reason))
        file_id = (await shared.share(path)).file_id
        async with open_source(two.node.host, one.id) as source:
            (record,) = await source.offers()
            assert (record.file_id, record.offerer) == (file_id, str(one.id))
            await source.leaves(record)
            for number in range(record.pieces):
                await source.ask(record, number, 1)
            assert b"".join([await source.piece(record.piece_length(number)) for number in range(4)]) == DATA
        fetch = await open_fetch(two.node.host, one.id, file_id)
        got = b""
        while more := await fetch.read(1 << 20):
            got += more
        await fetch.aclose()
        assert got == DATA
        await until(lambda: shared.listing()[0].served == 2)
        assert told == [(file_id, SIZE, "")]
        assert one.counts("files: bytes sent", "files: sent") == [2 * SIZE, 2]
        shared.unshare(file_id)
        async with open_source(two.node.host, one.id) as source:
            assert await source.describe(file_id) is None
        fetch = await open_fetch(two.node.host, one.id, file_id)
        assert fetch.size == 0
        await fetch.aclose()


@pytest.mark.parametrize(
    ("size", "remark"),
    [
        (limits.MAX_NAMED_ANSWER // 2, ""),
        (limits.MAX_NAMED_ANSWER // 2 + 1, "perhaps only py-peers can fetch it: it has more than 5.2 MB"),
        (limits.MAX_NAMED_ANSWER + 1, "only py-peers can fetch it: it has more than 10.5 MB"),
    ],
)
@trio_test
async def test_what_is_provided_says_who_can_fetch_it(tmp_path: Path, size: int, remark: str) -> None:
    shared, _ = sharing()
    with (tmp_path / "x").open("wb") as file:
        file.truncate(size)
    await shared.provide(tmp_path / "x", "name")
    assert [(one.provided, one.offered, one.remark) for one in shared.listing()] == [("name", False, remark)]
    assert shared.by_name("name") is not None
    assert shared.by_name("x") is None
    shared.close()
