"""Our Noise sessions and the library's are the same on the wire, whatever the connection makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
import trio
from cryptography.exceptions import InvalidTag
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as new_x25519
from libp2p.io.exceptions import ConnectionClosedError, IncompleteReadError
from libp2p.peer.id import ID
from libp2p.security.noise.exceptions import PeerIDMismatchesPubkey
from libp2p.security.noise.transport import Transport

from py_peer.net.noise import NoiseTransport
from tests.net.support import trio_test

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (1, 2, 65_518, 65_519, 65_520, 200_000)
KINDS = ((NoiseTransport, Transport), (Transport, NoiseTransport), (NoiseTransport, NoiseTransport))


class FakeConn:
    """One end of a connection that is read in parts of `part` bytes."""

    part = 131_072

    def __init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[bytes](1_000)
        self.other: FakeConn = self
        self.come = bytearray()

    async def write(self, data: bytes) -> None:
        await self.other._send.send(bytes(data))

    async def read(self, n: int | None = None) -> bytes:
        if not self.come:
            try:
                self.come += await self._receive.receive()
            except trio.EndOfChannel:
                return b""
        end = min(self.part, self.part if n is None else n)
        data = bytes(self.come[:end])
        del self.come[:end]
        return data

    def end(self) -> None:
        """Say that nothing more comes from here."""
        self.other._send.close()


def transport(kind: type[Transport]) -> Transport:
    return kind(create_new_key_pair(), noise_privkey=new_x25519().private_key)


async def shaken(kind: type[Transport], other: type[Transport]) -> tuple[Any, Any, FakeConn, FakeConn]:
    """Return two sessions that have shaken hands, and the connections under them."""
    near, far = FakeConn(), FakeConn()
    near.other, far.other = far, near
    dialler, listener = transport(kind), transport(other)
    sessions: dict[str, Any] = {}

    async def listen() -> None:
        sessions["far"] = await listener.secure_inbound(cast("Any", far))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        sessions["near"] = await dialler.secure_outbound(cast("Any", near), listener.local_peer)
    assert sessions["far"].get_remote_peer() == dialler.local_peer
    return sessions["near"], sessions["far"], near, far


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("part", [1_000, 131_072])
def test_what_is_written_is_read_on_the_other_side_and_what_the_library_says_is_what_we_say(
    kinds: tuple[type[Transport], type[Transport]], part: int
) -> None:
    @trio_test
    async def talk() -> None:
        near, far, one, other = await shaken(*kinds)
        one.part = other.part = part
        for size in SIZES:
            text = bytes(range(256)) * (size // 256) + bytes(size % 256)
            for speaker, hearer in ((near, far), (far, near)):
                await speaker.write(text)
                assert await hearer.read(size) == text

    talk()


@trio_test
async def test_a_message_is_read_as_it_came_or_in_any_parts() -> None:
    near, far, _, _ = await shaken(NoiseTransport, NoiseTransport)
    for text in (b"0123", b"4567", b"89ab"):
        await near.write(text)
    assert [await far.read(n) for n in (0, 1, 5)] == [b"", b"0", b"12345"]
    assert [await far.read(), await far.read()] == [b"67", b"89ab"]


@trio_test
async def test_large_data_goes_in_messages_of_the_largest_and_out_in_one_write() -> None:
    near, _, _, other = await shaken(NoiseTransport, Transport)
    await near.write(bytes(2 * 65_519 + 1))
    out = other._receive.receive_nowait()
    lengths = []
    while out:
        length = int.from_bytes(out[:2], "big")
        lengths.append(length)
        out = out[2 + length :]
    assert lengths == [65_535, 65_535, 17]


def tampered(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def shortened(data: bytes) -> bytes:
    return b"\0\0" + data


@pytest.mark.parametrize("spoil", [tampered, shortened])
def test_a_message_that_is_not_what_was_written_is_an_error_and_nothing_else(spoil: Callable[[bytes], bytes]) -> None:
    @trio_test
    async def talk() -> None:
        near, far, _, other = await shaken(Transport, NoiseTransport)
        await near.write(b"pay me a hundred")
        other.come += spoil(other._receive.receive_nowait())
        with pytest.raises(InvalidTag):
            await far.read(1)

    talk()


@trio_test
async def test_a_message_that_comes_twice_is_an_error() -> None:
    near, far, _, other = await shaken(Transport, NoiseTransport)
    await near.write(b"pay me a hundred")
    other.come += other._receive.receive_nowait() * 2
    assert await far.read() == b"pay me a hundred"
    with pytest.raises(InvalidTag):
        await far.read()


@trio_test
async def test_an_end_is_told_and_what_came_before_it_is_read() -> None:
    near, far, one, _ = await shaken(NoiseTransport, NoiseTransport)
    await near.write(b"the last word")
    one.end()
    assert await far.read(100) == b"the last word"
    with pytest.raises(IncompleteReadError) as told:
        await far.read(1)
    assert told.value.is_clean_close


@trio_test
async def test_an_end_within_a_message_and_an_empty_message_are_ends_too() -> None:
    near, far, one, other = await shaken(Transport, NoiseTransport)
    await near.write(b"")
    with pytest.raises(ConnectionClosedError):
        await far.read()
    await near.write(b"cut short")
    other.come += other._receive.receive_nowait()[:5]
    one.end()
    with pytest.raises(IncompleteReadError) as told:
        await far.read()
    assert not told.value.is_clean_close


@trio_test
async def test_who_is_somebody_else_is_refused() -> None:
    near, far = FakeConn(), FakeConn()
    near.other, far.other = far, near
    dialler, listener = transport(NoiseTransport), transport(NoiseTransport)
    stranger = ID.from_pubkey(create_new_key_pair().public_key)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listener.secure_inbound, cast("Any", far))
        with pytest.raises(PeerIDMismatchesPubkey):
            await dialler.secure_outbound(cast("Any", near), stranger)
        nursery.cancel_scope.cancel()
