"""Files and direct messages through pipes: what is asked for, what is waited for, and how it ends; no network."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from py_peer.core.dht_events import LookupFailed
from py_peer.core.direct_events import DirectRefused, DirectSent, DirectWaiting
from py_peer.core.events import Answer, MessageReceived, NickLearned, PeerInfo, PeerJoined, StatusReport, Stopped
from py_peer.core.exit_codes import ExitCode
from py_peer.core.file_events import (
    FileOffered,
    FileProvided,
    FileShared,
    FilesReport,
    HashingProgress,
    Offer,
    SharedFile,
    Transfer,
    TransferDone,
    TransferFailed,
    TransferStarted,
)
from py_peer.core.requests import (
    CancelTransfer,
    FetchFile,
    GetFile,
    ProvideFile,
    RequestFiles,
    SendDirect,
    ShareFile,
    TakeStrangers,
    UnshareFile,
)
from py_peer.frontends.paths import MOST_OFFERED, paths_like, whole_path
from py_peer.frontends.piped import WINDOW, PlainChat
from tests.frontends.fakes import ADDRESS, ANN, US, FakeService, Stage
from tests.frontends.test_front_end import when
from tests.frontends.test_piped import Typed
from tests.frontends.test_scripted import chat_over as json_chat
from tests.frontends.test_scripted import commands, said
from tests.loops import run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from py_peer.core.events import Event
    from py_peer.core.requests import Request

R = TypeVar("R", bound="Request")
OFFER = Offer("k3xab", ANN, "Ann", plain=True, seconds=0.0, name="my photo.jpg", size=10)
TRANSFER = Transfer(7, "k3xab", "my photo.jpg", "/d/my photo.jpg", (ANN,), 0, 10, 0.0, None)
DONE = TransferDone(7, "k3xab", "my photo.jpg", "/d/my photo.jpg", 10, 1.0, verified=True)
NAME = NickLearned(ANN, "Ann Lee", plain=True)
PATIENCE = 0.2


def piped(stage: Stage, service: FakeService, lines: str, patience: float = PATIENCE) -> PlainChat:
    return PlainChat(
        service, stage.screen, stage.watchdog, Typed(lines.encode(errors="surrogateescape")), patience=patience
    )


def talk(
    lines: str,
    meanwhile: Callable[[FakeService, Stage], Awaitable[None]],
    *events: Event,
    patience: float = PATIENCE,
) -> tuple[ExitCode, list[str], list[Request]]:
    """Let a script write `lines` and end its input while something else goes on; return how it ends."""

    async def scene() -> tuple[ExitCode, list[str], list[Request]]:
        stage, service = Stage(), FakeService(peers=1)
        service.emit(*events)
        running = asyncio.create_task(stage.run(piped(stage, service, lines, patience)))
        await meanwhile(service, stage)
        return await running, stage.lines, service.requests

    return run(scene())


def answered(lines: str, kind: type[R], asks: int, *answers: Event) -> tuple[ExitCode, list[str], list[R]]:
    """Let a script write `lines` and end its input; return how it ends, and what it has asked of a kind.

    When it has asked `asks` times, under the tickets 1, 2, …, and has come to wait for the answers, they are given.
    """

    def asked(requests: list[Request]) -> list[R]:
        return [request for request in requests if isinstance(request, kind)]

    async def answer(service: FakeService, _stage: Stage) -> None:
        await when(lambda: len(asked(service.requests)) == asks)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not asks or service.stop is None, "it has not waited for the answers"
        service.emit(*answers)

    code, shown, requests = talk(lines, answer)
    return code, shown, asked(requests)


async def shown(stage: Stage, text: str) -> None:
    """Wait until a text is shown, and everybody has had the time to do what follows from it."""
    await when(lambda: any(text in line for line in stage.lines))
    for _ in range(20):
        await asyncio.sleep(0)


def asked(service: FakeService, kind: type[Any]) -> Any:
    return next((request for request in service.requests if isinstance(request, kind)), None)


async def nothing(_service: FakeService, _stage: Stage) -> None:
    """Let nothing go on."""


# --- Files ----------------------------------------------------------------------------------------


def test_a_script_that_gets_a_file_and_quits_has_its_file() -> None:
    async def fetch(service: FakeService, stage: Stage) -> None:
        await when(lambda: asked(service, GetFile))
        service.emit(TransferStarted(asked(service, GetFile).ticket, TRANSFER))
        await shown(stage, "Fetching my photo.jpg")
        assert service.stop is None
        service.emit(DONE)

    code, lines, requests = talk("/get my photo.jpg\n/quit\n", fetch, FileOffered(OFFER))
    assert code is ExitCode.OK
    assert "✓ Fetched my photo.jpg (10 B) in 1 s: /d/my photo.jpg" in lines
    assert GetFile(1, "my photo.jpg") in requests
    assert lines[-1] == "Goodbye!"


def test_a_script_that_gets_a_file_at_once_waits_until_it_is_offered() -> None:
    async def offer(service: FakeService, stage: Stage) -> None:
        await shown(stage, "Peer joined")
        assert asked(service, GetFile) is None
        service.emit(FileOffered(OFFER))
        await when(lambda: asked(service, GetFile))
        service.emit(TransferStarted(asked(service, GetFile).ticket, TRANSFER), DONE)

    code, _, requests = talk("/get k3x ~/here/\n", offer, patience=60.0)
    assert code is ExitCode.OK
    assert GetFile(1, "k3x", f"{Path('~/here').expanduser()}/") in requests


def test_a_file_that_nobody_offers_is_asked_for_all_the_same_and_the_exit_code_says_it_was_not_found() -> None:
    async def refuse(service: FakeService, stage: Stage) -> None:
        await when(lambda: asked(service, GetFile))
        service.emit(Answer(asked(service, GetFile).ticket, "nobody offers it", failed=True))

    code, lines, _ = talk("/get nothing\n", refuse)
    assert code is ExitCode.NOT_FOUND
    assert lines[-3:] == ["❌ nobody offers it", "⚠️  Not fetched: 1 file(s)", "Goodbye!"]


@pytest.mark.parametrize(("cancelled", "code"), [(False, ExitCode.NOT_FOUND), (True, ExitCode.OK)])
def test_a_fetch_that_fails_has_its_exit_code_and_one_that_was_cancelled_has_none(
    cancelled: bool,
    code: ExitCode,
) -> None:
    async def fail(service: FakeService, stage: Stage) -> None:
        await when(lambda: asked(service, GetFile))
        ticket = asked(service, GetFile).ticket
        service.emit(TransferStarted(ticket, TRANSFER), TransferFailed(7, "k3xab", "x", "no", 0, cancelled=cancelled))

    assert talk("/get k3xab\n", fail, FileOffered(OFFER))[0] is code


def test_a_fetch_that_is_cancelled_before_it_starts_has_no_exit_code_either() -> None:
    async def cancel(service: FakeService, stage: Stage) -> None:
        await when(lambda: asked(service, GetFile))
        ticket = asked(service, GetFile).ticket
        service.emit(TransferFailed(7, "k3xab", "x", "it was cancelled", 0, cancelled=True, ticket=ticket))

    assert talk("/get k3xab\n", cancel, FileOffered(OFFER))[0] is ExitCode.OK


def test_a_file_that_cannot_be_shared_has_its_exit_code() -> None:
    async def refuse(service: FakeService, stage: Stage) -> None:
        await when(lambda: asked(service, ShareFile))
        service.emit(Answer(asked(service, ShareFile).ticket, "Not shared: x: No such file", failed=True))

    code, lines, _ = talk("/share x\n", refuse)
    assert code is ExitCode.NOT_FOUND
    assert lines[-2:] == ["⚠️  Not shared: 1 file(s)", "Goodbye!"]


@pytest.mark.skipif(os.name == "nt", reason="names of files are text there")
def test_a_file_whose_name_is_not_utf_8_can_be_shared_through_a_pipe() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        chat = PlainChat(service, stage.screen, stage.watchdog, Typed(b"/share /tmp/\xff\xe9.txt\n"), patience=PATIENCE)
        await stage.run(chat)
        assert os.fsencode(asked(service, ShareFile).path) == b"/tmp/\xff\xe9.txt"

    run(scene())


def test_who_is_told_to_leave_in_the_middle_says_what_is_not_there() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        service.emit(FileOffered(OFFER))
        chat = piped(stage, service, "/get k3xab\n")
        running = asyncio.create_task(stage.run(chat))
        await when(lambda: asked(service, GetFile))
        service.emit(TransferStarted(asked(service, GetFile).ticket, TRANSFER))
        await shown(stage, "Fetching")
        chat.leave()
        assert await running is ExitCode.NOT_FOUND
        assert stage.lines[-2:] == ["⚠️  Not fetched to the end: 1 file(s)", "Goodbye!"]

    run(scene())


def test_what_nobody_has_asked_for_keeps_nobody() -> None:
    code, lines, _ = talk("hello\n", nothing, TransferStarted(0, TRANSFER))
    assert code is ExitCode.OK
    assert lines[-1] == "Goodbye!"


def test_a_text_that_was_not_sent_weighs_more_than_a_file_that_was_not_fetched() -> None:
    async def refuse(service: FakeService, stage: Stage) -> None:
        await when(lambda: asked(service, GetFile))
        service.emit(Answer(asked(service, GetFile).ticket, "no", failed=True))

    assert talk(f"/get k3xab\n{'x' * 60_001}\n", refuse, FileOffered(OFFER))[0] is ExitCode.NOT_SENT


def test_a_path_goes_to_the_service_from_the_root_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/bob")
    assert whole_path("~/a file") == "/home/bob/a file"
    assert whole_path("here/") == f"{tmp_path}/here/"
    assert whole_path("../x") == str(tmp_path.parent / "x")

    async def share(service: FakeService, stage: Stage) -> None:
        await when(lambda: asked(service, ShareFile))
        ticket = asked(service, ShareFile).ticket
        shared = SharedFile("m7y", "/x", "notes.txt", 1, "00", offered=True, served=0)
        service.emit(HashingProgress(ticket, "notes.txt", 1, 2))
        await shown(stage, "Reading notes.txt")
        assert service.stop is None
        service.emit(FileShared(ticket, shared))

    code, lines, requests = talk("/share 'my notes.txt'\n", share)
    assert code is ExitCode.OK
    assert ShareFile(1, str(tmp_path / "my notes.txt")) in requests
    assert "📎 You offer notes.txt (1 B); others fetch it with /get m7y" in lines


def test_the_other_commands_ask_what_they_say() -> None:
    async def answer(service: FakeService, stage: Stage) -> None:
        await when(lambda: asked(service, TakeStrangers))
        service.emit(*(Answer(request.ticket, "done") for request in service.requests))
        service.emit(FilesReport(asked(service, RequestFiles).ticket, (OFFER,), (), (), "/d", {}))

    _, lines, requests = talk("/unshare my notes\n/files\n/cancel 7\n/strangers OFF\n", answer)
    assert {UnshareFile(1, "my notes"), RequestFiles(2), CancelTransfer(3, "7"), TakeStrangers(4, take=False)} <= {
        *requests
    }
    assert "  - k3xab  my photo.jpg  10 B  Ann, 0 s ago" in lines


PROVIDED = SharedFile("a" * 52, "/x", "a b.txt", 10, "00", offered=False, served=0, provided="a b.txt")


def test_files_are_provided_and_fetched_by_name_and_the_exit_code_says_which_were_not_there() -> None:
    async def answer(service: FakeService, stage: Stage) -> None:
        await when(lambda: len([one for one in service.requests if isinstance(one, FetchFile)]) == 3)
        shown = Transfer(1, "a" * 52, "a b.txt", "/d/a b.txt", (), 0, 10, 0.0, None)
        service.emit(
            FileProvided(1, "a b.txt", PROVIDED, 3, 4),
            TransferStarted(2, shown),
            LookupFailed(3, "nothing", 4, "none knows it"),
            TransferFailed(2, "b" * 52, "liar", "no", 0, ticket=4, wanted="liar", wrong_hash=True),
            TransferDone(1, "a" * 52, "a b.txt", "/d/a b.txt", 10, 1.0, verified=True),
        )

    code, lines, requests = talk('/provide /x "a b.txt"\n/fetch "a b.txt" /d\n/fetch nothing\n/fetch liar\n', answer)
    assert {ProvideFile(1, "/x", "a b.txt"), FetchFile(2, "a b.txt", "/d"), FetchFile(3, "nothing")} <= {*requests}
    assert code is ExitCode.NOT_FOUND
    assert (
        '📎 You provide a b.txt (10 B): 3 of 4 peer(s) have been told; others fetch it with /fetch "a b.txt"' in lines
    )
    assert "❌ Not found: nothing: none knows it" in lines
    assert "❌ Not fetched: liar: no" in lines
    assert "⚠️  Not fetched: 2 file(s)" in lines


def test_that_nobody_was_there_to_ask_for_a_name_has_a_code_of_its_own() -> None:
    async def answer(service: FakeService, stage: Stage) -> None:
        await when(lambda: asked(service, FetchFile))
        service.emit(LookupFailed(1, "x", 0, "nobody is there to be asked"))

    code, lines, _ = talk("/fetch x\n", answer)
    assert code is ExitCode.NOBODY_REACHED
    assert "⚠️  Not fetched: 1 file(s)" in lines


def test_a_file_is_provided_under_its_own_name_if_no_other_is_given() -> None:
    async def answer(service: FakeService, stage: Stage) -> None:
        await when(lambda: asked(service, ProvideFile))
        service.emit(Answer(1, "Not provided: /y/my.txt: why", failed=True))
        await when(lambda: "❌ Not provided: /y/my.txt: why" in stage.lines)

    code, _, requests = talk("/provide /y/my.txt\n", answer)
    assert ProvideFile(1, "/y/my.txt", "my.txt") in requests
    assert code is ExitCode.NOT_FOUND


# --- Direct messages ------------------------------------------------------------------------------


def confirmed(request: SendDirect, waited: float = 0.0) -> DirectSent:
    return DirectSent(request.ticket, request.peer_id, "Ann Lee", True, request.text, 0.0, waited)


def away(request: SendDirect) -> DirectWaiting:
    return DirectWaiting(request.ticket, request.peer_id, "Ann Lee", True, request.text, "away", 1)


def test_a_direct_message_keeps_the_program_until_it_is_delivered() -> None:
    async def confirm(service: FakeService, stage: Stage) -> None:
        await when(lambda: asked(service, SendDirect))
        service.emit(away(asked(service, SendDirect)))
        await shown(stage, "not delivered yet")
        assert service.stop is None
        service.emit(confirmed(asked(service, SendDirect)))

    code, lines, requests = talk("/msg Ann Lee hello\n", confirm, NAME, patience=60.0)
    assert code is ExitCode.OK
    assert SendDirect(1, ANN, "hello") in requests
    assert any(line.startswith("📨 [DM to Ann Lee(") for line in lines)


def test_whom_a_script_writes_to_at_once_is_waited_for() -> None:
    async def come(service: FakeService, stage: Stage) -> None:
        await shown(stage, "Peer joined")
        service.emit(NAME)
        await when(lambda: asked(service, SendDirect))
        service.emit(away(asked(service, SendDirect)))
        service.emit(confirmed(asked(service, SendDirect), 2.0))

    code, _, requests = talk('/msg "Ann Lee" hello\n', come, patience=60.0)
    assert code is ExitCode.OK
    assert SendDirect(1, ANN, "hello") in requests


def test_one_that_could_not_be_delivered_in_time_is_told_and_has_its_exit_code() -> None:
    async def wait(service: FakeService, stage: Stage) -> None:
        await when(lambda: asked(service, SendDirect))
        service.emit(away(asked(service, SendDirect)))

    code, lines, _ = talk("/msg Ann Lee hello\n", wait, NAME)
    assert code is ExitCode.NOT_SENT
    assert lines[-2:] == ["⚠️  Not delivered: 1 direct message(s)", "Goodbye!"]


@pytest.mark.parametrize(
    ("kept", "lost", "lines"),
    [
        (5, 0, ["📨 Not delivered yet: 2 direct message(s); kept, and sent when py-peer runs and the peer is there"]),
        (0, 2, ["⚠️  Lost: 2 direct message(s), neither delivered nor kept"]),
        (
            1,
            1,
            [
                "⚠️  Lost: 1 direct message(s), neither delivered nor kept",
                "📨 Not delivered yet: 1 direct message(s); kept, and sent when py-peer runs and the peer is there",
            ],
        ),
    ],
)
def test_what_is_kept_is_told_from_what_is_lost(kept: int, lost: int, lines: list[str]) -> None:
    async def wait(service: FakeService, stage: Stage) -> None:
        service.stopping = False
        await when(lambda: sum(isinstance(request, SendDirect) for request in service.requests) == 2)
        service.emit(away(asked(service, SendDirect)))
        service.emit(*(away(request) for request in service.requests if isinstance(request, SendDirect)))
        await when(lambda: service.stop is not None)
        service.emit(Stopped(lost, reached=True, kept=kept, lost=lost))

    code, shown_lines, _ = talk("/msg Ann Lee hello\n/msg Ann Lee you\n", wait, NAME)
    assert code is ExitCode.NOT_SENT
    assert shown_lines[-len(lines) - 1 :] == [*lines, "Goodbye!"]


@pytest.mark.parametrize("who", ["bob", US[-8:], US])
def test_nobody_writes_to_himself(who: str) -> None:
    code, lines, requests = talk(f"/msg {who} hello\n", nothing, patience=60.0)
    assert code is ExitCode.NOT_SENT
    assert "📡 That is you" in lines
    assert asked_of(requests) == []


def asked_of(requests: list[Request]) -> list[Request]:
    return [request for request in requests if isinstance(request, SendDirect)]


@pytest.mark.parametrize("line", ["/msg Zoe hello", f"/msg {ANN} hello"])
def test_one_to_nobody_and_one_that_is_refused_have_it_too(line: str) -> None:
    async def refuse(service: FakeService, stage: Stage) -> None:
        if ANN in line:
            await when(lambda: asked(service, SendDirect))
            ticket = asked(service, SendDirect).ticket
            service.emit(DirectRefused(ticket, ANN, "Ann", True, "hello", "no"))

    code, lines, _ = talk(f"{line}\n", refuse)
    assert code is ExitCode.NOT_SENT
    assert "⚠️  Not delivered: 1 direct message(s)" in lines


def test_a_direct_message_that_is_too_large_is_not_sent() -> None:
    code, lines, requests = talk(f"/msg Ann {'x' * 60_001}\n", nothing, NAME)
    assert code is ExitCode.NOT_SENT
    assert any(line.startswith("❌ Line 1 was not sent: it has 60,001 bytes") for line in lines)
    assert not any(isinstance(request, SendDirect) for request in requests)


def test_many_direct_messages_go_out_in_order_and_not_all_at_once() -> None:
    async def confirm(service: FakeService, stage: Stage) -> None:
        for count in range(400):
            await when(partial(has_asked, service, count + 1))
            assert len(directs(service)) <= count + WINDOW
            service.emit(confirmed(directs(service)[count]))

    def has_asked(service: FakeService, count: int) -> bool:
        return len(directs(service)) >= count

    def directs(service: FakeService) -> list[SendDirect]:
        return [request for request in service.requests if isinstance(request, SendDirect)]

    lines = "".join(f"/msg {ANN} {number}\n" for number in range(400))
    code, _, requests = talk(lines, confirm)
    assert code is ExitCode.OK
    assert [one.text for one in requests if isinstance(one, SendDirect)] == [str(number) for number in range(400)]


# --- --json ---------------------------------------------------------------------------------------


def test_commands_with_two_arguments_are_objects_with_two_keys_and_their_ids_come_back() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(peers=1)
        ann = PeerInfo(ANN, "Ann", ADDRESS, inbound=False, in_room=True, rtt=0.1, agent_version="", connected_since=0.0)
        report = StatusReport(0, US, "bob", (ADDRESS,), (ann,), (), 0, ())
        data = commands(
            {"command": "msg", "peer": "Ann", "text": "/quit\n it", "id": 1},
            {"command": "get", "file": "k3x", "path": "/a b/'c'", "id": 2},
            {"command": "get", "file": "k3x", "id": 3},
            {"command": "share", "path": "/d", "id": 4},
            {"command": "files", "id": 5},
            {"command": "quit"},
        )
        chat = json_chat(stage, service, data)
        chat.note(report)
        running = asyncio.create_task(stage.run(chat))
        await when(lambda: asked(service, RequestFiles))
        direct, get, again, share, files = service.requests
        assert (direct, get, again) == (
            SendDirect(1, ANN, "/quit\n it"),
            GetFile(2, "k3x", "/a b/'c'"),
            GetFile(3, "k3x"),
        )
        assert isinstance(direct, SendDirect)
        service.emit(away(direct), confirmed(direct), TransferStarted(2, TRANSFER), DONE)
        service.emit(Answer(again.ticket, "it is being fetched already", failed=True))
        service.emit(HashingProgress(share.ticket, "d", 1, 2), Answer(share.ticket, "it is a folder", failed=True))
        service.emit(FilesReport(files.ticket, (OFFER,), (), (), "/d", {}))
        assert await running is ExitCode.NOT_FOUND
        ids = {name: [event.get("id") for event in said(stage, name)] for name in ("answer", "files_report")}
        assert ids == {"answer": [3, 4], "files_report": [5]}
        assert [event["id"] for event in said(stage, "direct_waiting") + said(stage, "direct_sent")] == [1, 1]
        assert [event["id"] for event in said(stage, "transfer_started")] == [2]
        assert said(stage, "ended")[0]["reason"] == "Not fetched: 1 file(s); Not shared: 1 file(s)"

    run(scene())


# --- Tab ------------------------------------------------------------------------------------------


def test_tab_knows_the_files_each_command_is_about() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        chat = piped(stage, service, "")
        shared = SharedFile("m7y", "/x", "notes.txt", 1, "00", offered=True, served=0)
        for event in (
            FileOffered(OFFER),
            FileShared(1, shared),
            TransferStarted(1, TRANSFER),
            PeerJoined(ANN, 1),
            NAME,
        ):
            chat.note(event)
        chat.note(MessageReceived(ANN, "Ann Lee", "hi", 0.0))
        for typed, candidates in (
            ("/get m", ("my photo.jpg",)),
            ("/unshare ", ("notes.txt", "m7y")),
            ("/cancel ", ("my photo.jpg", "k3xab")),
            ("/msg ann", ("Ann Lee ",)),
            ("/files ", ()),
        ):
            assert chat.complete(typed, len(typed)).candidates == candidates

    run(scene())


def test_tab_knows_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "my files").mkdir()
    for name in ("my files/a b.txt", "my notes", ".hidden", "odd\nname"):
        (tmp_path / name).touch()
    assert paths_like("") == ["my files/", "my notes"]
    assert paths_like("my ") == ["my files/", "my notes"]
    assert paths_like("my files/") == ["my files/a b.txt"]
    assert paths_like("~/my f") == ["~/my files/"]
    assert paths_like("~") == ["~/"]
    assert paths_like(".h") == [".hidden"]
    assert paths_like(f"{tmp_path}/my n") == [f"{tmp_path}/my notes"]
    assert paths_like("nowhere/") == paths_like("\0") == paths_like("my notes/") == []
    for number in range(MOST_OFFERED + 5):
        (tmp_path / f"x{number}").touch()
    assert len(paths_like("x")) == MOST_OFFERED
