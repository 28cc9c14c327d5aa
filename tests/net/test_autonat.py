"""AutoNAT: who asks is dialled where he is, and nobody else; what is answered is read with care."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
import trio
from google.protobuf.message import DecodeError
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID
from libp2p.utils.varint import encode_uvarint
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.net.autonat import (
    AUTONAT,
    DIAL,
    DIAL_RESPONSE,
    Dial,
    DialBack,
    DialResponse,
    Message,
    PeerInfo,
    RefusedError,
    ask,
)
from py_peer.net.dial_back import Turns, dial_back_addresses
from py_peer.net.streams import EndedError, GarbageError, NotSupportedError, SilentError
from tests.net.raw_peer import RawPeer, RawStream, raw_peer
from tests.net.support import Member, member, naming, still_hears, trio_test, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

NOBODY: Final = "/ip4/127.0.0.1/tcp/1"
OK, FAILED, REFUSED, BAD = 0, 100, 101, 200


@asynccontextmanager
async def server() -> AsyncIterator[Member]:
    """Run a member that dials others back."""
    async with member(loopback=True) as one:
        host: Any = one.node.host
        host.set_stream_handler(AUTONAT, DialBack(one.node, Turns()).handle)
        yield one


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[Member, Member]]:
    """Run one who asks, connected to a server."""
    async with server() as serves, member(loopback=True) as asks:
        await asks.dial(serves)
        yield asks, serves


def where(one: Member) -> str:
    return f"/ip4/127.0.0.1/tcp/{one.port}"


async def say(peer: RawPeer, message: bytes) -> Any:
    """Send a request, and return the answer; the server must close its side behind it."""
    stream = await peer.open(AUTONAT)
    await stream.write_frame(message)
    answer = Message.FromString(await stream.read_frame())
    await stream.wait_end()
    await stream.finish()
    assert answer.type == DIAL_RESPONSE
    return answer.dialResponse


def request(peer_id: ID, *addresses: str, kind: int = DIAL) -> bytes:
    told = PeerInfo(id=peer_id.to_bytes(), addrs=[Multiaddr(one).to_bytes() for one in addresses])
    return bytes(Message(type=kind, dial=Dial(peer=told)).SerializeToString())


# --- Asking and serving ---------------------------------------------------------------------------


@trio_test
async def test_who_is_reached_is_told_where_and_sees_nobody_come() -> None:
    async with pair() as (asks, serves):
        assert await ask(asks.node.host, serves.id, [NOBODY, where(asks)]) == where(asks)
        assert await ask(asks.node.host, serves.id, [NOBODY]) is None
        assert serves.counts("dialled back: reached", "dialled back: not reached") == [1, 1]
        assert asks.seen.names(serves.id) == ["up", "joined"]
        assert asks.counts("unexpected faults") == serves.counts("unexpected faults") == [0]
        assert len(asks.node.host.get_network().get_connections()) == 1


@trio_test
async def test_somebody_else_at_the_address_is_not_the_one_who_asks() -> None:
    async with pair() as (asks, serves), member(loopback=True) as other:
        assert await ask(asks.node.host, serves.id, [where(other)]) is None


@trio_test
async def test_nobody_is_dialled_but_who_asks_where_he_is() -> None:
    async with pair() as (asks, serves):
        for address in ("/ip4/127.0.0.2/tcp/4001", "/ip4/11.0.0.1/tcp/4001", f"/dns4/localhost/tcp/{asks.port}"):
            with naming(address), pytest.raises(RefusedError):
                await ask(asks.node.host, serves.id, [address])
        assert serves.counts("dialled back: refused") == [3]


def test_of_what_is_told_only_plain_addresses_at_the_askers_own_ip_are_dialled() -> None:
    peer = ID.from_pubkey(create_new_key_pair().public_key)
    mine = [f"/ip4/11.0.0.1/tcp/{port}" for port in range(1, 9)]
    others = ["/ip4/11.0.0.2/tcp/1", "/ip6/2a00::1/tcp/1", "/ip4/11.0.0.1/udp/1/quic-v1", "/dns4/a.example/tcp/1"]

    def told(*addresses: str, ip: str = "11.0.0.1") -> list[str]:
        raw = [Multiaddr(address).to_bytes() for address in addresses]
        return [one.text.removesuffix(f"/p2p/{peer}") for one in dial_back_addresses(peer, ip, [b"\xff", *raw])]

    assert told(*others) == []
    assert told(*others, *mine) == mine[: limits.NAT_DIALS]
    assert told(*others * 4, *mine) == []  # no more are looked at
    assert told(*mine, ip="") == []  # through a relay nobody knows who asks
    assert told("/ip4/11.0.0.1/tcp/1", ip="::ffff:11.0.0.1") == ["/ip4/11.0.0.1/tcp/1"]


@trio_test
async def test_requests_beyond_the_budget_of_a_range_are_refused_and_dial_nobody() -> None:
    async with pair() as (asks, serves):
        for _ in range(limits.NAT_RANGE_BURST):
            await ask(asks.node.host, serves.id, [where(asks)])
        with pytest.raises(RefusedError):
            await ask(asks.node.host, serves.id, [where(asks)])


@trio_test
async def test_who_asks_for_another_or_for_nothing_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HANDSHAKE_TIMEOUT", 0.3)
    other = ID.from_pubkey(create_new_key_pair().public_key)
    async with server() as one, raw_peer(one.port) as peer:
        assert (await say(peer, request(other, where(one)))).status == BAD
        assert (await say(peer, request(peer.id, where(one), kind=DIAL_RESPONSE))).status == BAD
        assert (await say(peer, b"")).status == BAD
        assert (await say(peer, request(peer.id))).status == REFUSED
        assert one.counts("strikes") == [0]
        for scene, data, cost in (
            ("no protobuf", encode_uvarint(4) + b"\xff\xff\xff\xff", 1),
            ("too large", encode_uvarint(limits.MAX_NAT_MESSAGE + 1), 2),
            ("half a frame", encode_uvarint(100) + b"\x12", 2),
        ):
            with naming(scene):
                stream = await peer.open(AUTONAT)
                await stream.write(data)
                await stream.wait_end()
                assert one.counts("strikes", "unexpected faults") == [cost, 0]
        await still_hears(one)


# --- Answers --------------------------------------------------------------------------------------


def answering(data: bytes) -> Callable[[RawStream], Awaitable[None]]:
    async def answer(stream: RawStream) -> None:
        await stream.read_frame()
        await stream.write(data)
        await stream.finish()

    return answer


async def known(one: Member, peer: RawPeer) -> None:
    await until(lambda: peer.id in one.node.peers.records)


def framed(**fields: Any) -> bytes:
    data = bytes(Message(type=DIAL_RESPONSE, dialResponse=DialResponse(**fields)).SerializeToString())
    return encode_uvarint(len(data)) + data


@trio_test
async def test_an_answer_is_read_whatever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NAT_PATIENCE_ASKED", 1.0)
    there = Multiaddr("/ip4/11.0.0.1/tcp/4001").to_bytes()
    scenes: list[tuple[bytes, str | type[Exception] | None]] = [
        (framed(status=OK, addr=there), "/ip4/11.0.0.1/tcp/4001"),
        (framed(status=OK), ""),
        (framed(status=OK, addr=b"\xff\xff"), ""),
        (framed(status=FAILED), None),
        (framed(status=REFUSED), RefusedError),
        (framed(status=12_345), RefusedError),
        (encode_uvarint(2) + b"\x08\x00", GarbageError),
        (encode_uvarint(2) + b"\xff\xff", DecodeError),
        (encode_uvarint(limits.MAX_NAT_MESSAGE + 1), GarbageError),
        (b"", EndedError),
    ]
    async with member(loopback=True) as one:
        for data, outcome in scenes:
            with naming(repr(data)):
                async with raw_peer(one.port, handlers={AUTONAT: answering(data)}) as peer:
                    await known(one, peer)
                    if isinstance(outcome, type):
                        with pytest.raises(outcome):
                            await ask(one.node.host, peer.id, [NOBODY])
                    else:
                        assert await ask(one.node.host, peer.id, [NOBODY]) == outcome
        async with raw_peer(one.port) as peer:
            await known(one, peer)
            with pytest.raises(NotSupportedError):
                await ask(one.node.host, peer.id, [NOBODY])

        async def mute(_: RawStream) -> None:
            await trio.sleep_forever()

        async with raw_peer(one.port, handlers={AUTONAT: mute}) as peer:
            await known(one, peer)
            with pytest.raises(SilentError):
                await ask(one.node.host, peer.id, [NOBODY])
