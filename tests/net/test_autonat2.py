"""AutoNAT, version 2: who says that it has reached us has brought a number there."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
from libp2p.utils.varint import encode_uvarint

from py_peer.core import limits
from py_peer.net.autonat import RefusedError
from py_peer.net.autonat2 import (
    DIAL_BACK,
    DIAL_REQUEST,
    Asker,
    DialBack,
    DialBackResponse,
    DialDataRequest,
    DialResponse,
    Message,
    Server,
)
from py_peer.net.dial_back import Turns
from py_peer.net.streams import EndedError, GarbageError
from tests.net.raw_peer import RawStream, raw_peer
from tests.net.support import Member, member, naming, still_hears, trio_test, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NOBODY: Final = "/ip4/127.0.0.1/tcp/1"
ELSEWHERE: Final = "/ip4/11.0.0.1/tcp/1"


@asynccontextmanager
async def asker() -> AsyncIterator[tuple[Member, Asker]]:
    """Run a member that asks."""
    async with member(loopback=True) as one:
        asks = Asker()
        host: Any = one.node.host
        host.set_stream_handler(DIAL_BACK, asks.handle)
        yield one, asks


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[Member, Asker, Member]]:
    """Run one who asks, connected to one who serves."""
    async with asker() as (one, asks), member(loopback=True) as serves:
        host: Any = serves.node.host
        host.set_stream_handler(DIAL_REQUEST, Server(serves.node, Turns()).handle)
        await one.dial(serves)
        yield one, asks, serves


def where(one: Member) -> str:
    return f"/ip4/127.0.0.1/tcp/{one.port}"


@trio_test
async def test_the_first_address_where_the_asker_is_is_dialled_and_nobody_comes_or_goes() -> None:
    async with pair() as (one, asks, serves):
        assert await asks.ask(one.node.host, serves.id, [ELSEWHERE, where(one), NOBODY]) == where(one)
        assert await asks.ask(one.node.host, serves.id, [NOBODY, where(one)]) is None
        with pytest.raises(RefusedError):
            await asks.ask(one.node.host, serves.id, [ELSEWHERE])
        assert serves.counts("dialled back: reached", "dialled back: not reached", "dialled back: refused") == [1, 1, 1]
        assert one.seen.names(serves.id) == ["up", "joined"]
        await until(lambda: len(one.node.host.get_network().get_connections()) == 1)
        assert len(serves.node.host.get_network().get_connections()) == 1
        assert one.counts("unexpected faults") == serves.counts("unexpected faults") == [0]


@trio_test
async def test_somebody_else_there_is_not_the_one_who_asks() -> None:
    async with pair() as (one, asks, serves), member(loopback=True) as other:
        assert await asks.ask(one.node.host, serves.id, [where(other)]) is None


@trio_test
async def test_requests_beyond_the_budget_are_refused() -> None:
    async with pair() as (one, asks, serves):
        for _ in range(limits.NAT_RANGE_BURST):
            await asks.ask(one.node.host, serves.id, [where(one)])
        with pytest.raises(RefusedError):
            await asks.ask(one.node.host, serves.id, [where(one)])


@trio_test
async def test_an_answer_is_believed_only_with_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NAT_PATIENCE_ASKED", 5.0)
    scenes: list[tuple[str, bytes, type[Exception] | None]] = [
        ("a lie", _response(status=200, dialStatus=200), GarbageError),
        ("an address that there is not", _response(status=200, addrIdx=7, dialStatus=200), GarbageError),
        ("not reached", _response(status=200, dialStatus=100), None),
        ("no number was taken", _response(status=200, dialStatus=101), RefusedError),
        ("rejected", _response(status=100), RefusedError),
        ("nothing known", _response(status=4_000), RefusedError),
        ("it wants something first", _framed(Message(dialDataRequest=DialDataRequest(numBytes=2**60))), RefusedError),
        ("the end", b"", EndedError),
    ]
    async with asker() as (one, asks):
        for scene, data, outcome in scenes:

            async def answer(stream: RawStream, data: bytes = data) -> None:
                await stream.read_frame()
                await stream.write(data)
                await stream.finish()

            with naming(scene):
                async with raw_peer(one.port, handlers={DIAL_REQUEST: answer}) as peer:
                    await until(lambda peer=peer: peer.id in one.node.peers.records)
                    if outcome is None:
                        assert await asks.ask(one.node.host, peer.id, [NOBODY]) is None
                    else:
                        with pytest.raises(outcome):
                            await asks.ask(one.node.host, peer.id, [NOBODY])


@trio_test
async def test_a_number_that_nobody_waits_for_changes_nothing_and_garbage_is_a_strike() -> None:
    async with asker() as (one, _), raw_peer(one.port) as peer:
        stream = await peer.open(DIAL_BACK)
        await stream.write(_framed(DialBack(nonce=7)))
        assert DialBackResponse.FromString(await stream.read_frame()).status == 0
        await stream.finish()
        assert one.counts("strikes") == [0]
        stream = await peer.open(DIAL_BACK)
        await stream.write(encode_uvarint(limits.MAX_NAT_MESSAGE + 1))
        await stream.wait_end()
        assert one.counts("strikes", "unexpected faults") == [1, 0]
        await still_hears(one)


def _framed(message: Any) -> bytes:
    data = bytes(message.SerializeToString())
    return encode_uvarint(len(data)) + data


def _response(**fields: int) -> bytes:
    return _framed(Message(dialResponse=DialResponse(**fields)))
