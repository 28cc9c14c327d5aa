"""Strangers whose files and messages are traps: each ends that one thing, with a sentence, and the program chats on."""

from __future__ import annotations

import re
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.utils.varint import encode_uvarint

from py_peer.net.direct import DIRECT, Metadata, Response
from py_peer.net.direct import Request as Message
from py_peer.net.file_messages import Refusal
from py_peer.net.sister_files import SISTER_FILE
from tests.net.raw_peer import GoneError, RawPeer, RawStream, silence
from tests.network.offerers import Library, Offerer, offerer
from tests.network.peers import PATIENCE, Peer, Told, party

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.network.offerers import Handler

PATIENT: Final = {
    "FILE_SILENCE": 1.0,
    "SOURCE_SECONDS": 1.0,
    "SOURCE_PAUSE": 0.1,
    "DESCRIBE_SECONDS": 1.0,
    "DIRECT_SECONDS": 1.0,
}
"""How long the program waits here, in place of half a minute."""

NUMBERS: Final = count(1)
BODY: Final = bytes(600_000)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """A program in whose room they are."""
    folder = tmp_path_factory.mktemp("host")
    one = Peer("host", folder / "host", options=("--downloads", str(folder / "downloads")), limits=PATIENT)
    with party(one):
        one.wait_for(lambda: one.last("ready"), "ready")
        yield one


async def still_chats(host: Peer, stranger: Offerer) -> None:
    text = f"still there? {next(NUMBERS)}"
    await stranger.say(text.encode())
    await trio.to_thread.run_sync(lambda: host.see("message_received", text=text))
    assert host.last("ended") is None


async def fetch(host: Peer, file_id: str) -> Told:
    """Have the program fetch an offer; return what it says in the end."""
    command = f"get {next(NUMBERS)}"

    def end() -> Told:
        host.wait_for(lambda: any(offer["file_id"] == file_id for offer in offers(host)), "the offer")
        host.command("get", file=file_id, id=command)
        host.wait_for(lambda: ends(host, file_id, command), "the end")
        return ends(host, file_id, command)[0]

    return await trio.to_thread.run_sync(end)


def offers(host: Peer) -> list[Told]:
    return [told["offer"] for told in host.all("file_offered")]


def ends(host: Peer, file_id: str, command: str) -> list[Told]:
    """Return what says that a transfer is over, or was none."""
    over = [told for name in ("transfer_done", "transfer_failed") for told in host.all(name)]
    return [told for told in over if told["file_id"] == file_id] + [
        told for told in host.all("answer") if told.get("id") == command
    ]


def run(host: Peer, scene: Any) -> None:
    async def limited() -> None:
        with trio.fail_after(PATIENCE):
            await scene(host)

    trio.run(limited)


# --- The protocol of the other languages ----------------------------------------------------------


async def hang_up(stream: RawStream) -> None:
    await stream.finish()


async def reset(stream: RawStream) -> None:
    await stream.abort()


async def send(stream: RawStream, *parts: bytes, then: Any = hang_up) -> None:
    await stream.read_frame()
    for part in parts:
        await stream.write(part)
    await then(stream)


async def send_without_end(stream: RawStream) -> None:
    while True:
        await stream.write(bytes(60_000))


SISTERS: Final[dict[str, tuple[Handler, str]]] = {
    "says nothing": (partial(send, then=silence), "nothing came for 1 second"),
    "hangs up without an answer": (send, "ended the stream without an answer"),
    "resets it without an answer": (partial(send, then=reset), "the stream (was reset|ended)|without an answer"),
    "announces 2^62 bytes": (
        lambda stream: send(stream, encode_uvarint(2**62), then=send_without_end),
        r"4,611,686,018,427,387,904 bytes, and [\d,]+ are allowed",
    ),
    "announces a length without an end": (lambda stream: send(stream, b"\xff" * 20, then=silence), "a length of more"),
    "sends less than it has announced": (
        lambda stream: send(stream, encode_uvarint(100_000), bytes(10)),
        "the stream ended 99,990 bytes too early",
    ),
    "hangs in the middle": (
        lambda stream: send(stream, encode_uvarint(100_000), bytes(10), then=silence),
        "nothing came for 1 second",
    ),
    "resets it in the middle": (
        lambda stream: send(stream, encode_uvarint(100_000), bytes(10), then=reset),
        "the stream (was reset|ended)",
    ),
}


@pytest.mark.parametrize("trap", SISTERS)
def test_a_fetch_from_one_who_lies_hangs_or_resets_ends_with_a_sentence(host: Peer, trap: str) -> None:
    answer, sentence = SISTERS[trap]

    async def scene(host: Peer) -> None:
        async with offerer(host, {SISTER_FILE: answer}) as stranger:
            file_id = f"sister-{next(NUMBERS)}"
            await stranger.offer(file_id)
            end = await fetch(host, file_id)
            assert re.search(sentence, end.get("reason") or end["text"]), end
            assert list(downloads(host).glob(".*.part")) == []
            await still_chats(host, stranger)

    run(host, scene)


def downloads(host: Peer) -> Path:
    return host.folder.parent / "downloads"


@pytest.mark.parametrize("size", [0, 10])
def test_of_one_who_sends_without_end_as_much_is_taken_as_was_announced(host: Peer, size: int) -> None:
    ended = trio.Event()

    async def answer(stream: RawStream) -> None:
        try:
            await send(stream, encode_uvarint(size), then=send_without_end)
        except GoneError:
            ended.set()

    async def scene(host: Peer) -> None:
        async with offerer(host, {SISTER_FILE: answer}) as stranger:
            file_id = f"endless-{next(NUMBERS)}"
            await stranger.offer(file_id)
            end = await fetch(host, file_id)
            assert (end["event"], end["size"]) == ("transfer_done", size)
            assert (downloads(host) / file_id).stat().st_size == size
            await ended.wait()
            await still_chats(host, stranger)

    run(host, scene)


# --- Our own protocol -----------------------------------------------------------------------------


class Hangs(Library):
    async def pieces(self, stream: RawStream, body: bytes, asked: Any) -> None:
        del body, asked
        await stream.write(encode_uvarint(262_144) + bytes(100))
        await silence(stream)


class Forgets(Library):
    async def leaves(self, stream: RawStream, body: bytes) -> None:
        del body
        await silence(stream)


class Announces(Library):
    async def pieces(self, stream: RawStream, body: bytes, asked: Any) -> None:
        del body, asked
        await stream.write(encode_uvarint(2**62))
        await send_without_end(stream)


class Resets(Library):
    async def pieces(self, stream: RawStream, body: bytes, asked: Any) -> None:
        del body, asked
        await stream.write(encode_uvarint(262_144) + bytes(100_000))
        await stream.abort()


class Lies(Library):
    async def pieces(self, stream: RawStream, body: bytes, asked: Any) -> None:
        await super().pieces(stream, body[::-1].replace(b"\0", b"\1"), asked)


class LiesFromTheStart(Library):
    async def leaves(self, stream: RawStream, body: bytes) -> None:
        await stream.write_frame(bytes(32) * 3)
        del body


class Refuses(Library):
    async def pieces(self, stream: RawStream, body: bytes, asked: Any) -> None:
        del body, asked
        await stream.write_frame(b"")
        await stream.write_frame(Refusal(reason="\x1b[2Jtoo busy\nsaid \u202eboot").SerializeToString())


OURS: Final = {
    Hangs: "nothing came for 1 second",
    Forgets: "nothing .*came within|nothing came for",
    Announces: "announced 4,611,686,018,427,387,904 bytes",
    Resets: "the stream (was reset|ended)",
    Lies: "is not what its hash stands for",
    LiesFromTheStart: "do not belong to the file",
    Refuses: "too busy said boot",
}


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_a_py_peer_that_breaks_its_own_protocol_is_told_apart_and_costs_nothing_else(
    host: Peer, kind: type[Library]
) -> None:
    async def scene(host: Peer) -> None:
        key_pair, file_id = create_new_key_pair(), f"ours-{next(NUMBERS)}"
        library = kind(key_pair, {file_id: (kind.__name__, BODY)})
        async with offerer(host, library.answers, key_pair) as stranger:
            end = await fetch(host, file_id)
            assert end["event"] == "transfer_failed" or end["failed"], end
            assert re.search(OURS[kind], end.get("reason") or end["text"]), end
            assert not (downloads(host) / kind.__name__).exists()
            await still_chats(host, stranger)

    run(host, scene)


# --- Direct messages ------------------------------------------------------------------------------


async def answer_frame(stream: RawStream, frame: bytes) -> None:
    await stream.read_frame()
    await stream.write_frame(frame)


ANSWERS: Final[dict[str, tuple[Handler, str]]] = {
    "never answers": (lambda stream: send(stream, then=silence), "within 1 second"),
    "hangs up": (send, "hung up without an answer"),
    "resets it": (partial(send, then=reset), "reset|hung up"),
    "answers with another protobuf": (lambda stream: answer_frame(stream, b"\xff\xff\xff"), "."),
    "answers without a status": (lambda stream: answer_frame(stream, b""), "status 0"),
    "announces an answer of 2^62 bytes": (
        lambda stream: send(stream, encode_uvarint(2**62), then=send_without_end),
        "4,611,686,018,427,387,904",
    ),
    "says no": (
        lambda stream: answer_frame(stream, Response(status=500, statusText="no\x1b[2J\nway").SerializeToString()),
        "no way",
    ),
}


@pytest.mark.parametrize("trap", ANSWERS)
def test_a_message_that_is_answered_badly_is_told_with_the_reason(host: Peer, trap: str) -> None:
    answer, sentence = ANSWERS[trap]

    async def scene(host: Peer) -> None:
        async with offerer(host, {DIRECT: answer}) as stranger:
            await still_chats(host, stranger)  # it is in the room
            host.command("msg", peer=stranger.id, text=trap)

            def told() -> list[Told]:
                return [
                    one
                    for name in ("direct_waiting", "direct_refused")
                    for one in host.all(name)
                    if one["text"] == trap
                ]

            await trio.to_thread.run_sync(lambda: host.wait_for(told, "what became of it"))
            assert re.search(sentence, told()[0]["reason"]), told()
            assert not [one for one in host.all("direct_sent") if one["text"] == trap]
            await still_chats(host, stranger)

    run(host, scene)


MESSAGES: Final = {
    "nothing": b"",
    "no protobuf": b"\x05\xff\xff\xff\xff\xff",
    "2^62 bytes": encode_uvarint(2**62) + bytes(100_000),
    "a length without an end": b"\xff" * 20,
    "half of it": b"\x20half of it",
}


@pytest.mark.parametrize("what", MESSAGES)
def test_a_message_that_is_none_is_not_shown_and_the_next_one_is(host: Peer, what: str) -> None:
    async def scene(host: Peer) -> None:
        async with offerer(host, {}) as stranger:
            before = len(host.all("direct_received"))
            bad = await stranger.peer.open(DIRECT)
            await bad.write(MESSAGES[what])
            await bad.finish()
            text = f"an honest one {next(NUMBERS)}"
            assert await said(stranger.peer, text) == 200
            await trio.to_thread.run_sync(lambda: host.see("direct_received", text=text, stranger=True))
            assert len(host.all("direct_received")) == before + 1
            await still_chats(host, stranger)

    run(host, scene)


async def said(peer: RawPeer, text: str) -> int:
    """Send a direct message as one should; return the status that is answered."""
    stream = await peer.open(DIRECT)
    message = Message(metadata=Metadata(clientVersion="1", timestamp=next(NUMBERS)), content=text, type="text/plain")
    await stream.write_frame(message.SerializeToString())
    status: int = Response.FromString(await stream.read_frame()).status
    await stream.finish()
    return status
