"""Who is ignored is not shown, is passed on all the same, and stays ignored in later runs."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits
from py_peer.core.events import (
    Answer,
    IgnoreList,
    MessageReceived,
    MessageSent,
    NickLearned,
    Notice,
    PeerJoined,
    Ready,
    Started,
    StatusReport,
)
from py_peer.core.requests import Ignore, RequestStatus, Unignore
from py_peer.net.identity import new_identity
from py_peer.net.kept_file import KeptFileError
from py_peer.net.private_files import take_lock
from py_peer.service.ignored import HEAD, change_ignored, load_ignored, parse_ignored
from tests.loops import run
from tests.service.support import Person, person

EVE, MALLORY = (new_identity().peer_id for _ in range(2))
DEADLINE = 20.0


async def told(someone: Person, ticket: int) -> Answer:
    return await someone.see(Answer, lambda answer: answer.ticket == ticket)


# --- In the room ----------------------------------------------------------------------------------


def test_who_is_ignored_is_not_shown_but_passed_on_and_counted() -> None:
    async def scene() -> None:
        async with person("alice", intro=False) as alice:
            address = await alice.address()
            async with (
                person("bob", intro=False, connect=(address,)) as bob,
                person("carol", intro=False, connect=(address,)) as carol,
            ):
                await alice.see_all(PeerJoined, 2)
                await bob.see(PeerJoined)
                await carol.see(PeerJoined)
                bobs = (await bob.see(Started)).peer_id
                await alice.see(NickLearned, lambda event: event.peer_id == bobs)
                answer = await told(alice, alice.ask(lambda ticket: Ignore(ticket, bobs)))
                assert (answer.text, answer.failed) == (f"Ignored from now on: {bobs[-8:]} (bob)", False)
                assert (await alice.see(IgnoreList)).peer_ids == (bobs,)
                bob.say("unheard")
                assert (await carol.see(MessageReceived)).text == "unheard"
                await bob.see(MessageSent)
                carol.say("heard")
                assert (await alice.see(MessageReceived)).text == "heard"
                ticket = alice.ask(RequestStatus)
                assert (await alice.see(StatusReport, lambda report: report.ticket == ticket)).ignored == (bobs,)
                answer = await told(alice, alice.ask(lambda ticket: Unignore(ticket, bobs)))
                assert answer.text == f"Shown again: {bobs[-8:]} (bob)"
                bob.say("heard again")
                texts = [message.text for message in await alice.see_all(MessageReceived, 2)]
                assert texts == ["heard", "heard again"]

    run(scene())


def test_who_is_ignored_stays_ignored_in_the_next_run(tmp_path: Path) -> None:
    async def scene() -> None:
        async with person("alice", data=tmp_path / "data") as alice:
            await told(alice, alice.ask(lambda ticket: Ignore(ticket, EVE)))
        async with person("alice", data=tmp_path / "data") as alice:
            assert (await alice.see(IgnoreList)).peer_ids == (EVE,)

    run(scene())


def test_what_was_asked_for_just_before_leaving_is_kept(tmp_path: Path) -> None:
    async def scene() -> None:
        async with person("alice", data=tmp_path) as alice:
            await alice.see(Started)
            alice.ask(lambda ticket: Ignore(ticket, EVE))
            alice.ask(lambda ticket: Ignore(ticket, MALLORY))
            await alice.leave()

    run(scene())
    assert load_ignored(tmp_path / "ignored.txt") == (EVE, MALLORY)


def test_without_a_folder_the_list_is_of_this_session_alone() -> None:
    async def scene() -> None:
        async with person("alice") as alice:
            assert not (await told(alice, alice.ask(lambda ticket: Ignore(ticket, EVE)))).failed
        async with person("alice") as alice:
            ticket = alice.ask(RequestStatus)
            assert (await alice.see(StatusReport, lambda report: report.ticket == ticket)).ignored == ()

    run(scene())


def test_nobody_ignores_himself_nor_what_is_no_peer() -> None:
    async def scene() -> None:
        async with person("alice") as alice:
            me = (await alice.see(Started)).peer_id
            answer = await told(alice, alice.ask(lambda ticket: Ignore(ticket, me)))
            assert (answer.text, answer.failed) == ("That is you; what you say yourself is always shown", True)
            answer = await told(alice, alice.ask(lambda ticket: Ignore(ticket, "bob\x1b[2J\n# all")))
            assert (answer.text, answer.failed) == ("'bob # all' is not a peer ID", True)

    run(scene())


def test_what_holds_already_is_said_to_do_so() -> None:
    async def scene() -> None:
        async with person("alice") as alice:
            answers = [
                (await told(alice, alice.ask(lambda ticket, request=request: request(ticket, EVE)))).text  # type: ignore[misc]
                for request in (Unignore, Ignore, Ignore, Unignore)
            ]
            id8 = EVE[-8:]
            assert answers == [
                f"{id8} is not ignored",
                f"Ignored from now on: {id8}",
                f"{id8} is ignored already",
                f"Shown again: {id8}",
            ]
            assert [event.peer_ids for event in alice.events if isinstance(event, IgnoreList)] == [(EVE,), ()]

    run(scene())


def test_of_a_thousand_the_next_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_IGNORED", 1)

    async def scene() -> None:
        async with person("alice", data=tmp_path) as alice:
            await told(alice, alice.ask(lambda ticket: Ignore(ticket, EVE)))
            answer = await told(alice, alice.ask(lambda ticket: Ignore(ticket, MALLORY)))
            assert (answer.text, answer.failed) == ("1 peers are ignored already; /unignore one first", True)
            assert not (await told(alice, alice.ask(lambda ticket: Ignore(ticket, EVE)))).failed

    run(scene())


def test_a_file_that_is_no_list_is_said_and_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "ignored.txt"
    file.write_text(f"{EVE}\nbob\n")

    async def scene() -> None:
        async with person("alice", data=tmp_path) as alice:
            fault = f"{file} holds no peer ID in line 2; nobody in it is ignored until it is mended or moved away"
            notice = await alice.see(Notice)
            assert notice.text == fault
            assert any(isinstance(event, Ready) for event in alice.events[: alice.events.index(notice)])
            ticket = alice.ask(RequestStatus)
            assert (await alice.see(StatusReport, lambda report: report.ticket == ticket)).ignored_fault == fault
            answer = await told(alice, alice.ask(lambda ticket: Ignore(ticket, MALLORY)))
            assert answer.text == (
                f"Ignored from now on: {MALLORY[-8:]}; in this session only: {file} holds no peer ID in line 2"
            )
            assert not answer.failed

    run(scene())
    assert file.read_text() == f"{EVE}\nbob\n"


# --- The file -------------------------------------------------------------------------------------


def test_a_peer_is_put_in_once_and_taken_out(tmp_path: Path) -> None:
    file = tmp_path / "data" / "ignored.txt"
    change_ignored(file, EVE, ignore=False)
    assert not file.exists()
    for _ in range(2):
        change_ignored(file, EVE, ignore=True)
    change_ignored(file, MALLORY, ignore=True)
    assert file.read_text() == f"{HEAD}{EVE}\n{MALLORY}\n"
    change_ignored(file, EVE, ignore=False)
    assert load_ignored(file) == (MALLORY,)


@pytest.mark.skipif(os.name != "posix", reason="modes and links are POSIX's")
def test_the_file_is_for_the_user_alone_and_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "ignored.txt").symlink_to(tmp_path / "elsewhere.txt")
    change_ignored(tmp_path / "ignored.txt", EVE, ignore=True)
    assert (tmp_path / "ignored.txt").is_symlink()
    assert stat.S_IMODE((tmp_path / "elsewhere.txt").stat().st_mode) == 0o600


def test_what_a_person_has_written_into_the_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "ignored.txt"
    file.write_bytes(f"\ufeff# mine\r\n\r\n {EVE}  # shouts\r\n{MALLORY}\n{EVE}".encode())
    assert load_ignored(file) == (EVE, MALLORY)
    change_ignored(file, MALLORY, ignore=False)
    assert file.read_text() == f"# mine\n\n {EVE}  # shouts\n{EVE}\n"
    change_ignored(file, EVE, ignore=False)
    assert file.read_text() == "# mine\n\n"


def test_programs_that_share_the_file_do_not_undo_each_others_changes(tmp_path: Path) -> None:
    peers = [new_identity().peer_id for _ in range(8)]
    together = threading.Barrier(len(peers))

    def ignore(peer_id: str) -> None:
        together.wait(DEADLINE)
        change_ignored(tmp_path / "ignored.txt", peer_id, ignore=True)

    threads = [threading.Thread(target=ignore, args=(peer_id,)) for peer_id in peers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert set(load_ignored(tmp_path / "ignored.txt")) == set(peers)


def test_a_file_that_is_kept_busy_is_waited_for_and_then_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("py_peer.net.kept_file.LOCK_SECONDS", 0.05)
    held = take_lock(tmp_path / "ignored.txt")
    refused: list[KeptFileError] = []

    def change() -> None:
        try:
            change_ignored(tmp_path / "ignored.txt", EVE, ignore=True)
        except KeptFileError as error:
            refused.append(error)

    thread = threading.Thread(target=change)
    thread.start()
    thread.join(DEADLINE)
    held.release()
    assert [str(error) for error in refused] == [f"is kept busy by process {os.getpid()}"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xfe", "is no text"),
        (b"#\n" + EVE.encode() + b"x\n", "holds no peer ID in line 2"),
        (b"{}\n", "holds no peer ID in line 1"),
        (b"#" * (limits.MAX_IGNORED_BYTES + 1), f"has more than {limits.MAX_IGNORED_BYTES:,} bytes"),
    ],
    ids=["no text", "no peer ID", "no peer ID at all", "too large"],
)
def test_what_is_no_list_is_called_so(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "ignored.txt").write_bytes(data)
    with pytest.raises(KeptFileError) as refused:
        load_ignored(tmp_path / "ignored.txt")
    assert str(refused.value) == reason


@given(st.text(max_size=100))
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    with contextlib.suppress(KeptFileError):
        assert not parse_ignored(text)
