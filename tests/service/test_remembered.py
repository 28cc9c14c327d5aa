"""Peers we knew: who was met in the room is looked for in the next run, for a while, and within limits."""

from __future__ import annotations

import itertools
import os
import stat
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.core.addresses import parse_dial_address
from py_peer.core.events import Event, Identified, Notice, PeerFound, PeerJoined, Ready, Started
from py_peer.core.remembered import DAY, Places
from py_peer.net.connections import PeerRecord
from py_peer.net.private_files import take_lock
from py_peer.service.remembered import FILE, RememberedPeers
from tests.loops import run
from tests.net.support import trio_test, until
from tests.service.support import in_trio, person

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from py_peer.core.findings import Finding

REMEMBERING = {"intro": False, "loopback": True, "remember": True}
DEADLINE = 20.0
DOCUMENTED = "/ip4/192.0.2.7/tcp/1"
"""Nobody is there (RFC 5737), and nobody is asked."""


def places(folder: Path) -> Places:
    file = folder / FILE
    return Places(file.read_bytes() if file.exists() else None, time.time())


def remembered(folder: Path) -> dict[str, list[str]]:
    """Return what the file of a folder holds: addresses by peer ID."""
    return {name: [one.text for one in known] for name, known in places(folder).best()}


# --- In the room ----------------------------------------------------------------------------------


def test_who_was_met_is_met_again_without_an_address(tmp_path: Path) -> None:
    async def scene() -> None:
        async with person("bob", intro=False, loopback=True) as bob:
            bobs = (await bob.see(Started)).peer_id
            async with person("alice", **REMEMBERING, data=tmp_path, connect=(await bob.address(),)) as alice:
                await alice.see(PeerJoined)
            async with person("alice", **REMEMBERING, data=tmp_path) as alice:
                assert (await alice.see(PeerJoined)).peer_id == bobs
                found = await alice.see(PeerFound)
                assert (found.peer_id, found.source) == (bobs, "from an earlier run")

    run(scene())


def test_who_has_called_us_is_remembered_where_he_listens(tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            person("alice", **REMEMBERING, data=tmp_path) as alice,
            person("bob", intro=False, loopback=True, connect=(await alice.address(),)) as bob,
        ):
            await alice.see(PeerJoined)
            await alice.see(Identified)
            await alice.leave()
            assert remembered(tmp_path) == {(await bob.see(Started)).peer_id: [await bob.address()]}

    run(scene())


def test_without_being_told_to_nothing_is_kept(tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            person("bob", intro=False, loopback=True) as bob,
            person("alice", intro=False, loopback=True, data=tmp_path, connect=(await bob.address(),)) as alice,
        ):
            await alice.see(PeerJoined)
            await alice.leave()

    run(scene())
    assert not (tmp_path / FILE).exists()


def test_a_file_that_is_broken_is_moved_aside_and_that_is_said_once(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{}")

    async def scene() -> None:
        async with (
            person("bob", intro=False, loopback=True) as bob,
            person("alice", **REMEMBERING, data=tmp_path, connect=(await bob.address(),)) as alice,
        ):
            notice = await alice.see(Notice)
            assert notice.text == (
                f"{tmp_path / FILE} cannot be understood; it is peers.json.broken now, and a new one is begun"
            )
            assert any(isinstance(event, Ready) for event in alice.events[: alice.events.index(notice)])
            await alice.see(PeerJoined)
            await alice.leave()
            assert len([event for event in alice.events if isinstance(event, Notice)]) == 1
            assert list(remembered(tmp_path)) == [(await bob.see(Started)).peer_id]

    run(scene())
    assert (tmp_path / f"{FILE}.broken").read_text() == "{}"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> float:
    """Let the last writing take its time, on a machine that is busy; return how long a user waits for it."""
    users = limits.REMEMBER_PATIENCE
    monkeypatch.setattr(limits, "REMEMBER_PATIENCE", DEADLINE)
    return users


# --- By itself ------------------------------------------------------------------------------------


class Memory:
    """The memory of a node without a network, and what was found in it."""

    def __init__(self, folder: Path) -> None:
        self.found: list[Finding] = []
        self.told: list[Event] = []
        self.peers = RememberedPeers(folder, self.found.append, self.told.append)
        self.node: Any = SimpleNamespace(peers=SimpleNamespace(records={}))

    def reach(self, *addresses: str, peer_id: ID | None = None) -> ID:
        """Dial a peer, and meet it in the room."""
        peer_id = peer_id or new_id()
        for address in addresses or (DOCUMENTED,):
            self.peers.dialled(parse_dial_address(f"{address}/p2p/{peer_id}"), peer_id)
        self.peers.joined(peer_id)
        return peer_id

    def called_by(self, peer_id: ID, ip: str, *listens: str) -> None:
        """Be called by a peer, and meet it in the room."""
        addresses = tuple(Multiaddr(one).to_bytes() for one in listens)
        self.peers.identified(PeerRecord(peer_id, f"/ip4/{ip}/tcp/40404", inbound=True, listen=addresses))
        self.peers.joined(peer_id)

    async def run(self, scene: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint) -> None:
        """Run, and leave when the scene is over."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.peers.run, self.node)
            await trio.testing.wait_all_tasks_blocked()
            await scene()
            nursery.cancel_scope.cancel()


def new_id() -> ID:
    return ID.from_pubkey(create_new_key_pair().public_key)


@trio_test
async def test_only_who_was_in_the_room_is_kept_and_where_he_can_be_in_another_run(tmp_path: Path) -> None:
    memory, eve = Memory(tmp_path), new_id()
    memory.peers.dialled(parse_dial_address(f"{DOCUMENTED}/p2p/{eve}"), eve)
    ports = ("/ip4/127.0.0.1/tcp/1", "/ip4/169.254.1.1/tcp/1", "/ip6zone/eth0/ip6/fe80::1/tcp/1")
    names = ("/dns4/localhost/tcp/1", "/dns/LocalHost./tcp/1", "/dns4/chat.example/tcp/1")
    bob = memory.reach(DOCUMENTED, *ports, *names)
    await memory.run()
    assert remembered(tmp_path) == {str(bob): [f"/dns4/chat.example/tcp/1/p2p/{bob}", f"{DOCUMENTED}/p2p/{bob}"]}


@trio_test
async def test_where_somebody_answers_to_an_address_without_a_peer_he_is_remembered(tmp_path: Path) -> None:
    memory, bob = Memory(tmp_path), new_id()
    memory.peers.dialled(parse_dial_address(DOCUMENTED), bob)
    memory.peers.joined(bob)
    await memory.run()
    assert remembered(tmp_path) == {str(bob): [f"{DOCUMENTED}/p2p/{bob}"]}


@trio_test
async def test_of_what_a_caller_tells_only_the_port_is_believed(tmp_path: Path) -> None:
    memory, bob = Memory(tmp_path), new_id()
    memory.called_by(bob, "192.0.2.7", "/ip4/192.0.2.8/tcp/1", "/ip4/192.0.2.7/tcp/2", "/ip4/127.0.0.1/tcp/3")
    await memory.run()
    assert remembered(tmp_path) == {str(bob): [f"/ip4/192.0.2.7/tcp/2/p2p/{bob}"]}


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@trio_test
async def test_the_file_is_for_the_user_alone(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "data")
    memory.reach()
    await memory.run()
    assert stat.S_IMODE((tmp_path / "data" / FILE).stat().st_mode) == 0o600


@trio_test
async def test_strangers_who_call_push_out_nobody_whom_we_have_reached(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    bob = memory.reach()
    for number in range(2 * limits.REMEMBERED_PEERS):
        stranger = ID(b"\x00\x24\x08\x01\x12\x20" + number.to_bytes(32, "big"))
        memory.called_by(stranger, "192.0.2.9", *(f"/ip4/192.0.2.9/tcp/{port}" for port in range(1, 9)))
    assert len(memory.peers._met) == limits.REMEMBERED_PEERS
    await memory.run()
    kept = remembered(tmp_path)
    assert len(kept) == limits.REMEMBERED_PEERS
    assert next(iter(kept)) == str(bob)
    assert max(map(len, kept.values())) == limits.REMEMBERED_ADDRESSES


def test_the_peers_of_earlier_runs_are_looked_for_a_few_at_a_time_while_few_are_there(tmp_path: Path) -> None:
    many = [str(new_id()) for _ in range(3 * limits.RECALLED_AT_ONCE)]
    before = Places(None, time.time())
    for peer_id in many:
        before.reached(peer_id, [f"{DOCUMENTED}/p2p/{peer_id}"])
    (tmp_path / FILE).write_bytes(before.write())

    async def scene() -> None:
        memory = Memory(tmp_path)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(memory.peers.run, memory.node)
            while not memory.found:  # a thread reads the file, and the clock must stand still
                await trio.lowlevel.checkpoint()
            await trio.sleep(limits.RECALL_PAUSE - 0.1)
            assert len(memory.found) == limits.RECALLED_AT_ONCE
            await trio.sleep(0.2)
            assert len(memory.found) == 2 * limits.RECALLED_AT_ONCE
            memory.node.peers.records = dict.fromkeys(range(limits.TARGET_CONNECTIONS))
            await trio.sleep(100 * limits.RECALL_PAUSE)
            assert len(memory.found) == 2 * limits.RECALLED_AT_ONCE
            memory.node.peers.records = {}
            await trio.sleep(2 * limits.RECALL_PAUSE)
            assert {finding.peer_id for finding in memory.found} == set(many)
            nursery.cancel_scope.cancel()

    in_trio(scene)


def test_what_was_kept_with_loopback_is_looked_for_with_it_alone(tmp_path: Path) -> None:
    here, there = str(new_id()), str(new_id())
    before = Places(None, time.time())
    before.reached(here, [f"/ip4/127.0.0.1/tcp/22/p2p/{here}"])
    before.reached(there, [f"/ip4/127.0.0.1/tcp/22/p2p/{there}", f"{DOCUMENTED}/p2p/{there}"])
    (tmp_path / FILE).write_bytes(before.write())

    async def scene() -> None:
        memory = Memory(tmp_path)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(memory.peers.run, memory.node)
            while not memory.found:  # a thread reads the file, and the clock must stand still
                await trio.lowlevel.checkpoint()
            await trio.sleep(limits.RECALL_PAUSE)
            [found] = memory.found
            assert (found.peer_id, [one.host for one in found.addresses]) == (there, ["192.0.2.7"])
            nursery.cancel_scope.cancel()

    in_trio(scene)


@trio_test
async def test_who_is_dialled_in_vain_counts_as_away_only_where_somebody_else_was_met(tmp_path: Path) -> None:
    bob = str(new_id())
    before = Places(None, time.time() - DAY)
    before.reached(bob, [f"{DOCUMENTED}/p2p/{bob}"])
    (tmp_path / FILE).write_bytes(before.write())
    for met in (False, True):
        memory = Memory(tmp_path)

        async def look(memory: Memory = memory, met: bool = met) -> None:
            await until(lambda: memory.found)
            memory.node.dialled(memory.found[0].addresses[0], None)
            if met:
                memory.reach()

        await memory.run(look)
        assert places(tmp_path).peers[bob].failures == int(met)


@trio_test
async def test_that_time_has_passed_is_kept_though_nobody_was_met(tmp_path: Path) -> None:
    bob = str(new_id())
    before = Places(None, time.time() - 5 * DAY)
    before.reached(bob, [f"{DOCUMENTED}/p2p/{bob}"])
    (tmp_path / FILE).write_bytes(before.write())
    memory = Memory(tmp_path)

    async def look() -> None:
        await until(lambda: memory.found)

    await memory.run(look)
    assert places(tmp_path).pause < DAY
    assert time.time() - places(tmp_path).peers[bob].seen > 4 * DAY


@trio_test
async def test_who_is_there_until_we_leave_was_last_seen_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMEMBER_AFTER", 0.0)
    memory = Memory(tmp_path)
    there, gone = memory.reach(), memory.reach()
    later = time.time() + 3_600.0

    async def look() -> None:
        await until((tmp_path / FILE).exists)
        await until(lambda: not trio.to_thread.current_default_thread_limiter().borrowed_tokens)
        await trio.testing.wait_all_tasks_blocked()  # the one who has written knows that it is done
        memory.node.peers.records = {there: None, new_id(): None}
        monkeypatch.setattr("py_peer.service.remembered.time", SimpleNamespace(time=lambda: later))

    await memory.run(look)
    seen = {peer_id: peer.seen for peer_id, peer in Places((tmp_path / FILE).read_bytes(), later).peers.items()}
    assert seen.keys() == {str(there), str(gone)}
    assert seen[str(there)] == later
    assert seen[str(gone)] < later


@trio_test
async def test_programs_that_share_the_file_do_not_undo_each_others_changes(tmp_path: Path) -> None:
    peers = set()
    async with trio.open_nursery() as nursery:
        for _ in range(4):
            memory = Memory(tmp_path)
            peers.add(str(memory.reach()))
            nursery.start_soon(memory.run)
    assert set(remembered(tmp_path)) == peers


@trio_test
async def test_a_file_that_another_program_keeps_busy_is_said_and_delays_no_leaving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    monkeypatch.setattr(limits, "REMEMBER_PATIENCE", patience)
    memory = Memory(tmp_path)
    memory.reach()
    held = take_lock(tmp_path / FILE)
    since = trio.current_time()
    await memory.run()
    assert trio.current_time() - since < 1.0  # a fifth of it, on a machine that is not busy
    held.release()
    (notice,) = memory.told
    assert isinstance(notice, Notice)
    text = f"is kept busy by process {os.getpid()}; until that is mended, where peers are is not kept"
    assert notice.text == f"{tmp_path / FILE} {text}"


def notices(memory: Memory) -> list[str]:
    return [notice.text for notice in memory.told if isinstance(notice, Notice)]


@trio_test
@pytest.mark.parametrize("data", [b"", b"garbage", b" " * (limits.REMEMBERED_BYTES + 1)])
async def test_what_breaks_while_we_run_is_moved_aside_too(data: bytes, tmp_path: Path) -> None:
    aside = tmp_path / f"{FILE}.broken"
    aside.write_bytes(b"an older one")
    eve = str(new_id())
    before = Places(None, time.time())
    before.reached(eve, [f"{DOCUMENTED}/p2p/{eve}"])
    (tmp_path / FILE).write_bytes(before.write())
    memory = Memory(tmp_path)

    async def look() -> None:
        await until(lambda: memory.found)
        (tmp_path / FILE).write_bytes(data)
        bobs.append(str(memory.reach()))

    bobs: list[str] = []
    await memory.run(look)
    assert list(remembered(tmp_path)) == bobs
    assert aside.read_bytes() == data
    assert [f"it is {FILE}.broken now" in text for text in notices(memory)] == [True]


@trio_test
async def test_a_folder_in_its_place_and_a_file_of_a_later_version_stay_as_they_are(tmp_path: Path) -> None:
    later = b'{"version": 2}'
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / FILE).write_bytes(later)
    (tmp_path / "folder" / FILE).mkdir(parents=True)
    for name, fault in (("later", "is of a later version of py-peer"), ("folder", "is a folder")):
        memory = Memory(tmp_path / name)

        async def look(memory: Memory = memory) -> None:
            await until(lambda: notices(memory))
            memory.reach()

        await memory.run(look)
        assert notices(memory)[0] == (
            f"{tmp_path / name / FILE} {fault}; until that is mended, where peers are is not kept"
        )
        assert not (tmp_path / name / f"{FILE}.broken").exists()
    assert (tmp_path / "later" / FILE).read_bytes() == later
    assert (tmp_path / "folder" / FILE).is_dir()


@trio_test
async def test_entries_that_cannot_be_understood_are_counted_and_cost_no_others(tmp_path: Path) -> None:
    eve, bob = (str(new_id()) for _ in range(2))
    before = Places(None, time.time())
    for peer_id in (eve, bob):
        before.reached(peer_id, [f"{DOCUMENTED}/p2p/{peer_id}"])
    (tmp_path / FILE).write_bytes(before.write().replace(f'"{eve}"'.encode(), b'"eve"'))
    memory = Memory(tmp_path)

    async def look() -> None:
        await until(lambda: memory.found)
        memory.reach()

    await memory.run(look)
    assert [finding.peer_id for finding in memory.found] == [bob]
    assert [text.partition(",")[0] for text in notices(memory)] == [
        f"1 entry of {tmp_path / FILE} cannot be understood"
    ]
    assert b'"eve"' not in (tmp_path / FILE).read_bytes()


@trio_test
async def test_a_disk_that_hangs_delays_no_leaving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    monkeypatch.setattr(limits, "REMEMBER_PATIENCE", patience)
    left = threading.Event()
    monkeypatch.setattr("py_peer.service.remembered.change_kept", lambda *_, **__: left.wait(DEADLINE))
    memory = Memory(tmp_path)
    memory.reach()
    since = trio.current_time()
    await memory.run()
    assert trio.current_time() - since < 1.0
    left.set()


def test_what_changes_all_the_time_is_written_once_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("py_peer.service.remembered.change_kept", lambda *_, **__: None)
    written: list[float] = []

    async def scene() -> None:
        memory = Memory(tmp_path)
        write = memory.peers._write

        async def note(*patience: float) -> None:
            written.append(trio.current_time())
            await write(*patience)

        monkeypatch.setattr(memory.peers, "_write", note)

        async def change() -> None:
            for _ in range(100):
                memory.reach()
                await trio.sleep(5)

        await memory.run(change)

    in_trio(scene)
    pauses = [later - earlier for earlier, later in itertools.pairwise(written)]
    assert len(pauses) >= 3
    assert min(pauses[:-1]) >= limits.REMEMBER_PAUSE  # the last one is when we leave
