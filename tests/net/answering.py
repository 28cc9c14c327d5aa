"""Somebody of whom a node asks something, and who answers in his own way."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from libp2p.utils.varint import encode_uvarint

from tests.net.raw_peer import raw_peer
from tests.net.support import member, still_hears, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.net.raw_peer import RawPeer, RawStream
    from tests.net.support import Member

    Fetch = Callable[[Member, RawPeer], Awaitable[bytes]]


@asynccontextmanager
async def asking(protocol: str, request: bytes, handler: Any) -> AsyncIterator[tuple[Member, RawPeer]]:
    """Run a node that is connected to somebody who reads `request`, and then does on the stream what `handler` does."""

    async def answer(stream: RawStream) -> None:
        assert await stream.read(len(request)) == request
        await handler(stream)

    async with member() as one, raw_peer(one.port, handlers={protocol: answer}) as peer:
        await until(lambda: peer.id in one.node.peers.records)
        yield one, peer


async def notices(protocol: str, request: bytes, said: bytes, fetch: Fetch, error: type[Exception]) -> None:
    """See `fetch` raise `error` for the answer `said`, and the node live on."""

    async def lie(stream: RawStream) -> None:
        await stream.write(said)
        await stream.finish()

    async with asking(protocol, request, lie) as (one, peer):
        with pytest.raises(error):
            await fetch(one, peer)
        await still_hears(one)


# --- Ways to answer a question that is a frame ----------------------------------------------------


def replying(answer: Any) -> Callable[[RawStream], Awaitable[None]]:
    """Answer with a message, in a frame."""

    async def reply(stream: RawStream) -> None:
        await stream.read_frame()
        await stream.write_frame(bytes(answer.SerializeToString()))
        await stream.finish()

    return reply


async def rubbish(stream: RawStream) -> None:
    await stream.read_frame()
    await stream.write_frame(b"\xff\xff")


async def endless(stream: RawStream) -> None:
    await stream.write(encode_uvarint(2**40))


async def hang_up(stream: RawStream) -> None:
    await stream.read_frame()
    await stream.finish()


async def abort(stream: RawStream) -> None:
    await stream.read_frame()
    await stream.abort()


async def half(stream: RawStream) -> None:
    await stream.read_frame()
    await stream.write(encode_uvarint(1_000) + b"\x08")
    await stream.finish()
