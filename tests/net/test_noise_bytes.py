"""Any bytes, in any parts, in a handshake and after it: our Noise makes of them what the library's makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import X25519PrivateKey
from libp2p.io.exceptions import IncompleteReadError
from libp2p.peer.id import ID
from libp2p.security.noise.transport import Transport

from py_peer.net import library
from py_peer.net.noise import NoiseTransport
from py_peer.net.tcp import TCPStream
from tests.net.pipes import ENDLESS, Socket, Way
from tests.net.support import trio_test
from tests.net.talks import PARTS, damages_at, read_all, said_while_cancelled, text, texts_around, wire_of

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = (NoiseTransport, Transport)
MOST = 65_519
TEXTS = texts_around(MOST)


@pytest.fixture(autouse=True, scope="module")
def _small_pieces() -> Iterator[None]:
    """Have the library read a message in more than a hundred pieces, as it does in a node."""
    with library.disarm():
        yield


def transport(kind: type[Transport], name: bytes, early_data: bytes | None = None) -> Transport:
    keys = create_new_key_pair(name * 32)
    return kind(keys, noise_privkey=X25519PrivateKey.from_bytes(name.swapcase() * 32), early_data=early_data)


class Talk:
    """Two sessions over two ways, each seen from one side: a dialler and a listener, of any kinds."""

    def __init__(self, parts: list[int] | None = None) -> None:
        self.there, self.back = Way(parts=parts or []), Way(parts=parts or [])
        self.near: Any = TCPStream(Socket(self.back, self.there))  # type: ignore[arg-type]
        self.far: Any = TCPStream(Socket(self.there, self.back))  # type: ignore[arg-type]

    async def shake(self, dialler: Transport, listener: Transport) -> None:
        """Shake hands; the ends are sessions then."""

        async def listen() -> None:
            self.far = await listener.secure_inbound(self.far)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            self.near = await dialler.secure_outbound(self.near, listener.local_peer)


async def talking(kind: type[Transport], other: type[Transport], parts: list[int] | None = None) -> Talk:
    talk = Talk(parts)
    await talk.shake(transport(kind, b"a"), transport(other, b"b"))
    return talk


def header(length: int) -> bytes:
    """Return what a message begins with."""
    return length.to_bytes(2, "big")


@settings(max_examples=25)
@given(TEXTS, PARTS, st.lists(st.one_of(st.none(), st.integers(1, 70_000)), min_size=1, max_size=4))
@example([MOST, 1], [65_537], [None])
@example([2 * MOST], [131_074], [None])
@example([2, 40], [1], [1])
def test_what_is_written_comes_however_it_is_split_and_merged_and_read(
    lengths: list[int], parts: list[int], sizes: list[int | None]
) -> None:
    if min(sizes, key=lambda size: size or ENDLESS) in range(1, 1_000):
        lengths = [min(length, 1_000) for length in lengths]

    @trio_test
    async def run() -> None:
        for kind in KINDS:
            talk = await talking(kind, NoiseTransport, parts)
            for length in lengths:
                await talk.near.write(text(length))
            talk.there.end()
            data, error = await read_all(talk.far, sizes)
            assert data == b"".join(map(text, lengths))
            assert isinstance(error, IncompleteReadError)
            assert error.is_clean_close

    run()


DAMAGES = damages_at(0, 1, 15, 16, 17, 65_535)


async def made_of(kind: type[Transport], damages: list[tuple[str, int, int]], parts: list[int]) -> tuple[bytes, bytes]:
    """Return what a session made of damaged messages, and what was written."""
    talk = await talking(Transport, kind, parts)
    messages = []
    for number in range(4):
        await talk.near.write(text(50 + number))
        messages.append(bytes(talk.there.held))
        talk.there.held.clear()
    talk.there.held += wire_of(messages, damages, header)
    talk.there.end()
    data, error = await read_all(talk.far, [None])
    assert not isinstance(error, (AssertionError, TypeError, BufferError, AttributeError))
    if kind is NoiseTransport:
        assert (await read_all(talk.far, [None]))[0] == b"", "something was read behind an error"
    return data, b"".join(text(50 + number) for number in range(4))


@settings(max_examples=60)
@given(DAMAGES, PARTS)
@example([("put in", 1, 0)], [])
@example([("put in", 1, 15)], [])
@example([("put in", 0, 65_535)], [1])
@example([("turn a bit", 2, 20)], [])
@example([("repeat", 1, 0)], [])
@example([("cut off", 3, 5)], [])
def test_what_is_damaged_is_an_end_behind_what_came_before_it_as_with_the_library(
    damages: list[tuple[str, int, int]], parts: list[int]
) -> None:
    @trio_test
    async def run() -> None:
        ours, written = await made_of(NoiseTransport, damages, parts)
        stock, _ = await made_of(Transport, damages, parts)
        assert written.startswith(ours)
        assert ours == stock

    run()


async def shaken_with(kind: type[Transport], wire: bytes, parts: list[int], *, dials: bool) -> str:
    """Return how a handshake ends with somebody who says this and no more."""
    talk = Talk(parts)
    talk.back.held += wire
    talk.back.end()
    one = transport(kind, b"a")
    try:
        if dials:
            await one.secure_outbound(talk.near, ID.from_pubkey(create_new_key_pair(b"b" * 32).public_key))
        else:
            await one.secure_inbound(talk.near)
    except Exception as error:  # noqa: BLE001 - any is a refusal
        return type(error).__name__
    raise AssertionError


@settings(max_examples=60)
@given(st.one_of(st.binary(max_size=300), st.binary(max_size=80).map(b"\0\x20".__add__)), PARTS, st.booleans())
@example(b"", [], False)
@example(b"\xff\xff" + bytes(65_535), [], False)
@example(b"\xff\xff" + bytes(65_534), [], True)
@example(b"\0\0\0\0", [], False)
@example(b"\0\x20" + bytes(32), [1], False)  # a key that makes no secret
def test_a_handshake_with_somebody_who_says_anything_ends_as_the_librarys_does(
    wire: bytes, parts: list[int], dials: bool
) -> None:
    @trio_test
    async def run() -> None:
        ours, stock = [await shaken_with(kind, wire, parts, dials=dials) for kind in KINDS]
        assert ours == stock
        assert ours not in {"TypeError", "AttributeError"}

    run()


@pytest.mark.parametrize("kinds", [(NoiseTransport, Transport), (Transport, NoiseTransport)])
def test_what_comes_with_the_end_of_a_handshake_and_what_comes_early_harm_nothing(kinds: Any) -> None:
    @trio_test
    async def run() -> None:
        talk = Talk()
        there, back = transport(kinds[0], b"a", b"early"), transport(kinds[1], b"b", b"early, too")

        async def dial() -> None:
            talk.near = await there.secure_outbound(talk.near, back.local_peer)
            await talk.near.write(b"at once")  # it may come with the last message of the handshake

        async with trio.open_nursery() as nursery:
            nursery.start_soon(dial)
            talk.far = await back.secure_inbound(talk.far)
        assert await talk.far.read(7) == b"at once"
        await talk.far.write(b"heard")
        assert await talk.near.read() == b"heard"

    run()


@settings(max_examples=25)
@given(TEXTS, st.lists(st.integers(5_000, 70_000), min_size=1, max_size=6))
@example([200_000, 1], [65_536, 30_000])
@example([40, 40, 40], [3, 57, 60])
def test_who_is_cancelled_while_he_reads_or_writes_tears_nothing(lengths: list[int], rooms: list[int]) -> None:
    @trio_test
    async def run() -> None:
        talk = await talking(NoiseTransport, NoiseTransport)
        written, read = await said_while_cancelled(talk, lengths, rooms)
        data, error = await read_all(talk.far, [None])
        assert read + data == written
        assert isinstance(error, IncompleteReadError)
        assert error.is_clean_close

    run()
