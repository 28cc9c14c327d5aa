"""What comes of peers in other languages comes as it is, and what they do wrong ends that transfer alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from py_peer.core import limits
from py_peer.core.events import Notice
from py_peer.core.file_events import FileOffered, TransferDone, TransferFailed
from py_peer.core.requests import GetFile
from py_peer.net.file_messages import FILE_EXCHANGE
from py_peer.net.sister_files import SISTER_FILE
from py_peer.net.streams import read_frame
from py_peer.service.fetching import WRITTEN
from tests.net.support import trio_test, until
from tests.service.file_friends import Friend, failures, friend, write

if TYPE_CHECKING:
    from pathlib import Path

    from libp2p.abc import INetStream
    from libp2p.custom_types import StreamHandlerFn, TProtocol


async def get_offered(one: Friend) -> None:
    """Ask for what is offered."""
    file_id = (await one.see(FileOffered)).offer.file_id
    one.ask(lambda ticket: GetFile(ticket, file_id))


@trio_test
async def test_a_file_of_a_peer_in_another_language_comes_and_nothing_says_that_it_is_right(tmp_path: Path) -> None:
    async with friend("bob", tmp_path) as bob, friend("js", tmp_path, protocols=(SISTER_FILE,)) as js:
        await bob.meet(js)
        for size in (1, 100_000, 4 * 1024 * 1024):
            bob.events.clear()
            file = await js.share(write(tmp_path / f"{size}.bin", size))
            offer = (await bob.see(FileOffered)).offer
            assert (offer.file_id, offer.name, offer.size) == (file.file_id, "", None)
            bob.ask(lambda ticket, file=file: GetFile(ticket, file.file_id))  # type: ignore[misc]
            event = await bob.see(TransferDone)
            assert not event.verified
            assert (bob.folder / file.file_id).read_bytes() == (tmp_path / f"{size}.bin").read_bytes()
        assert len(bob.made()) == 3
        assert bob.files._shared.listing() == ()


def sister(behaviour: str) -> dict[TProtocol, StreamHandlerFn]:
    """Return the streams of a peer in another language that serves files in some way."""

    async def handle(stream: INetStream) -> None:
        await read_frame(stream, 200, 10.0)
        if behaviour == "says nothing":
            await trio.sleep_forever()
        elif behaviour == "is cut off":
            await stream.write(b"\x80\x80\x20" + bytes(WRITTEN))
            await stream.close()
        elif behaviour == "stops":
            await stream.write(b"\x80\x80\x20" + bytes(WRITTEN))
            await trio.sleep_forever()
        elif behaviour == "has nothing":
            await stream.write(b"\x00")
            await stream.close()
        elif behaviour == "is huge":
            await stream.write(b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f")
        elif behaviour == "goes on":
            await stream.write(b"\x05" + bytes(200_000))

    return {SISTER_FILE: handle}


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("says nothing", "Not fetched: someid: js did not send it: nothing came for 0 seconds"),
        ("is cut off", "js did not send all of it: the stream ended 262,144 bytes too early; 262,144 bytes are"),
        ("stops", "js did not send all of it: nothing came for 0 seconds; 262,144 bytes are thrown away, since they"),
        ("is huge", "Not fetched: someid: js did not send it: it has 9,223,372,036,854,775,807 bytes, and"),
    ],
)
def test_a_peer_in_another_language_that_misbehaves_ends_that_transfer_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str, reason: str
) -> None:
    monkeypatch.setattr(limits, "FILE_SILENCE", 0.3)

    @trio_test
    async def scene() -> None:
        async with friend("bob", tmp_path) as bob, friend("js", tmp_path, streams=sister(behaviour)) as js:
            await bob.meet(js)
            await js.files._board.publish(js.node, "someid")
            await get_offered(bob)
            await until(lambda: failures(bob) or bob.told(TransferFailed))
            told = [*failures(bob), *(event.reason for event in bob.told(TransferFailed))]
            assert told[0].startswith(reason)
            assert [event.kept for event in bob.told(TransferFailed)] in ([], [0])
            assert bob.made() == []

    scene()


@trio_test
async def test_nothing_from_a_peer_in_another_language_is_an_empty_file_and_a_word_about_it(tmp_path: Path) -> None:
    async with friend("bob", tmp_path) as bob, friend("js", tmp_path, streams=sister("has nothing")) as js:
        await bob.meet(js)
        await js.files._board.publish(js.node, "../../someid")
        await get_offered(bob)
        await bob.see(TransferDone)
        (notice,) = bob.told(Notice)
        assert notice.text == "js says that someid has 0 bytes: it is empty, or it is not offered any more"
        assert bob.made() == ["someid"]


@trio_test
async def test_what_comes_behind_the_announced_length_is_not_taken(tmp_path: Path) -> None:
    async with friend("bob", tmp_path) as bob, friend("js", tmp_path, streams=sister("goes on")) as js:
        await bob.meet(js)
        await js.files._board.publish(js.node, "someid")
        await get_offered(bob)
        await bob.see(TransferDone)
        assert (bob.folder / "someid").read_bytes() == bytes(5)


@trio_test
async def test_who_offers_files_and_serves_none_is_said(tmp_path: Path) -> None:
    async with friend("bob", tmp_path) as bob, friend("js", tmp_path, streams={}) as js:
        await bob.meet(js)
        await js.files._board.publish(js.node, "someid")
        await get_offered(bob)
        await until(lambda: failures(bob))
        assert failures(bob) == ["Not fetched: someid: js has offered it, and serves no files"]
        assert FILE_EXCHANGE not in bob.node.peers.records[js.id].protocols
