"""Two who talk over a cipher, on ways that split, hold back and tear what is sent: for the tests of each cipher."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Protocol

import trio
from hypothesis import strategies as st

from tests.net.pipes import settled

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.net.pipes import Way

PARTS = st.lists(st.one_of(st.integers(1, 40), st.integers(1, 140_000)), max_size=6).filter(
    lambda parts: not parts or sum(parts) > 100 * len(parts)  # or a large message takes a minute
)


def texts_around(most: int) -> st.SearchStrategy[list[int]]:
    """Return lengths of what is written, around the `most` that one message of the cipher holds."""
    return st.lists(st.sampled_from([1, 2, 40, most - 1, most, most + 1, 2 * most, 200_000]), min_size=1, max_size=4)


def damages_at(*places: int) -> st.SearchStrategy[list[tuple[str, int, int]]]:
    """Return what is done to the messages on a wire; at `places` it is done more often."""
    return st.lists(
        st.tuples(
            st.sampled_from(["turn a bit", "cut off", "repeat", "leave out", "put in"]),
            st.integers(0, 40),
            st.one_of(st.sampled_from(places), st.integers(0, 70_000)),
        ),
        min_size=1,
        max_size=3,
    )


def text(size: int) -> bytes:
    return (hashlib.sha512(size.to_bytes(4, "big")).digest() * (size // 64 + 1))[:size]


class Talking(Protocol):
    """Two sessions, and the way from the one to the other."""

    near: Any
    far: Any
    there: Way


async def read_all(
    session: Any, sizes: list[int | None], ends: tuple[type[Exception], ...] = (Exception,)
) -> tuple[bytes, Exception]:
    """Read in parts of these sizes, the last one again and again, until there is one of the errors that are an end."""
    data = bytearray()
    sizes = list(sizes)
    while True:
        size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
        try:
            part = await session.read(size)
        except ends as error:
            return bytes(data), error
        assert part
        assert size is None or len(part) <= size
        data += part


def wire_of(messages: list[bytes], damages: list[tuple[str, int, int]], header: Callable[[int], bytes]) -> bytes:
    """Return messages of the wire, some of them other than they were written; `header` begins one of that length."""
    messages = list(messages)
    for damage, index, value in damages:
        at = index % len(messages)
        one = messages[at]
        if damage == "turn a bit":
            place = value % len(one)
            messages[at] = one[:place] + bytes([one[place] ^ 1 << value % 8]) + one[place + 1 :]
        elif damage == "cut off":
            messages[at] = one[: value % len(one)]
        elif damage == "repeat":
            messages.insert(at, one)
        elif damage == "leave out":
            messages[at] = b""
        else:
            messages.insert(at, header(value % 65_536) + bytes(index))
        messages = [one for one in messages if one] or [b"\0\0"]
    return b"".join(messages)


async def said_while_cancelled(talk: Talking, lengths: list[int], rooms: list[int]) -> tuple[bytes, bytes]:
    """Have both sides cancelled while they write and read, and begin again; return what was written and what was read.

    The connection takes and gives some bytes at a time.
    """
    read = bytearray()

    async def read_some(count: int | None) -> None:
        read.extend(await talk.far.read(count))

    for number, length in enumerate(lengths):
        talk.there.room = len(talk.there.held) + rooms[number % len(rooms)]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk.near.write, text(length))
            nursery.start_soon(read_some, None if number % 2 else 100_000)
            await settled()
            nursery.cancel_scope.cancel()
    talk.there.open_wide()
    await talk.near.write(b".")
    talk.there.end()
    return b"".join(map(text, lengths)) + b".", bytes(read)
