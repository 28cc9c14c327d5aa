"""A service has the same peer ID in every run, and says so when it has not."""

from __future__ import annotations

import asyncio
from pathlib import Path

from py_peer.core.events import (
    Failed,
    FailureKind,
    MessageReceived,
    Notice,
    PeerJoined,
    PeerLeft,
    Started,
    StatusReport,
    Stopped,
)
from py_peer.core.requests import RequestStatus
from tests.loops import run
from tests.service.support import person


def test_a_service_has_the_same_peer_id_in_every_run(tmp_path: Path) -> None:
    file = tmp_path / "data" / "identity.key"

    async def scene() -> None:
        async with person("alice", identity=file) as alice:
            first = (await alice.see(Started)).peer_id
            assert (await alice.see(Notice)).text == f"A new key is kept in {file}"
            ticket = alice.ask(RequestStatus)
            assert (await alice.see(StatusReport, lambda report: report.ticket == ticket)).identity == str(file)
        async with person("alice", identity=file) as alice:
            assert (await alice.see(Started)).peer_id == first
            await alice.leave()
            assert not [event for event in alice.events if isinstance(event, Notice)]

    run(scene())


def test_of_two_services_on_one_key_the_second_has_a_key_of_its_own_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "identity.key"

    async def scene() -> None:
        async with person("alice", identity=file) as alice:
            first = (await alice.see(Started)).peer_id
            async with person("bob", identity=file, connect=(await alice.address(),)) as bob:
                assert (await bob.see(Started)).peer_id != first
                assert (await bob.see(Notice)).text.startswith(f"The key in {file} is in use by process ")
                await bob.see(PeerJoined)
                ticket = bob.ask(RequestStatus)
                assert (await bob.see(StatusReport, lambda report: report.ticket == ticket)).identity == ""

    run(scene())


def test_who_comes_back_with_the_same_key_is_heard_at_once(tmp_path: Path) -> None:
    async def scene() -> None:
        async with person("alice", intro=False) as alice:
            address = await alice.address()
            for number, text in enumerate(("first run", "second run"), 1):
                async with person("bob", intro=False, identity=tmp_path / "key", connect=(address,)) as bob:
                    await bob.see(PeerJoined)
                    bob.say(text)
                    assert (await alice.see_all(MessageReceived, number))[-1].text == text
                await alice.see_all(PeerLeft, number)
            assert len({message.peer_id for message in await alice.see_all(MessageReceived, 2)}) == 1

    run(scene())


def test_a_file_without_a_key_ends_the_service_before_it_starts_and_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "identity.key"
    file.write_text("my diary\n")

    async def scene() -> None:
        async with person("alice", identity=file) as alice:
            failed = await alice.see(Failed)
            assert failed.kind is FailureKind.BAD_IDENTITY
            assert failed.reason.startswith(f"{file} holds no libp2p key. Name another file")
            await alice.see(Stopped)
            assert [type(event) for event in alice.events] == [Failed, Stopped]
            async with asyncio.timeout(5):
                await asyncio.to_thread(alice.service.join, 5)

    run(scene())
    assert file.read_text() == "my diary\n"
