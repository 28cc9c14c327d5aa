"""Two who reach each other through a third, over real connections: what they say comes, and what ends is noticed."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.custom_types import TProtocol
from libp2p.peer.envelope import unmarshal_envelope
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.addresses import DialAddress, parse_dial_address, through
from py_peer.core.settings import Transports
from py_peer.net.dial import DialError
from py_peer.net.relay import RelayClient, RelayError, Reservation, _told_limits
from py_peer.net.relay_messages import (
    HOP,
    STOP,
    VOUCHER_DOMAIN,
    Hop,
    HopMessage,
    Limit,
    Peer,
    Status,
    Stop,
    StopMessage,
    Voucher,
    read_message,
)
from py_peer.net.streams import GarbageError, StreamFaultError, write_frame
from tests.net.raw_peer import RawPeer, RawStream, raw_peer, silence
from tests.net.support import Member, member, naming, still_hears, together, trio_test, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SOON = 0.3
BULK = TProtocol("/bulk")
LOOPBACK = Transports(loopback=True)
RELAY = Transports(loopback=True, relay_server=True)


@pytest.fixture(autouse=True)
def _no_direct_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is reached through a relay stays so."""
    monkeypatch.setattr("py_peer.net.dcutr.HolePuncher.consider", lambda *_: None)


def place(one: Member) -> DialAddress:
    """Where a member listens, with its peer ID."""
    return parse_dial_address(one.node.addresses[0])


def client(one: Member) -> RelayClient:
    assert one.node.relays is not None
    return one.node.relays


@dataclass
class Trio:
    """One reaches two through the relay."""

    relay: Member
    one: Member
    two: Member
    address: DialAddress
    """Where two is reached."""


@asynccontextmanager
async def three(kind: Transports = LOOPBACK, *, quic: bool = False) -> AsyncIterator[Trio]:
    """Run a relay, which is called over QUIC or TCP, one who has reserved there, and one who may call."""
    server = replace(RELAY, quic=quic)
    async with member(transports=server) as relay, member(loopback=True) as one, member(transports=kind) as two:
        there = parse_dial_address(relay.node.addresses[int(quic)])
        await two.node.dial(there)
        reservation, _ = await client(two).reserve(there)
        yield Trio(relay, one, two, parse_dial_address(reservation.addresses[0]))


@asynccontextmanager
async def connected(*, quic: bool = False) -> AsyncIterator[Trio]:
    """Run the three, of whom one has called."""
    async with three(quic=quic) as all_three:
        await all_three.one.node.dial(all_three.address)
        await together(all_three.one, all_three.two)
        yield all_three


# --- Through a relay ------------------------------------------------------------------------------


@pytest.mark.parametrize("quic", [False, True], ids=["tcp", "quic"])
@trio_test
async def test_two_speak_through_a_relay(quic: bool) -> None:
    async with connected(quic=quic) as all_three:
        one, two, relay = all_three.one, all_three.two, all_three.relay
        where = all_three.address.text.removesuffix(f"/p2p/{two.id}")
        assert ("/quic-v1/" in where) is quic
        assert one.node.peers.records[two.id].address == where
        assert [record.inbound for record in (one.node.peers.records[two.id], two.node.peers.records[one.id])] == [0, 1]
        await one.node.disconnect(relay.id)  # with it goes what is on it
        await until(lambda: two.id not in one.node.peers.records and one.id not in two.node.peers.records)
        await one.node.dial(all_three.address)  # connects to the relay, too
        await together(one, two)
        for number in range(20):
            await one.say(b"one %d" % number)
            await two.say(b"two %d" % number)
        await until(lambda: len([text for text in two.texts() if text.startswith(b"one")]) == 20)
        await until(lambda: len([text for text in one.texts() if text.startswith(b"two")]) == 20)
        assert relay.counts("relay: reservations", "relay: circuits") == [1, 2]
        assert two.counts("relays: circuits taken", "unexpected faults") == [2, 0]


@pytest.mark.parametrize("quic", [False, True], ids=["tcp", "quic"])
@trio_test
async def test_who_gives_up_writing_breaks_nothing(quic: bool) -> None:
    """What was begun of a message goes out before the next one, or nobody could read what comes then."""

    async def drain(stream: Any) -> None:
        while await stream.read(65_536):
            pass

    async with connected(quic=quic) as all_three:
        one, two = all_three.one, all_three.two
        host: Any = two.node.host
        host.set_stream_handler(BULK, drain)
        began = all_three.relay.counts("relay bytes")[0]
        for _ in range(20):
            stream: Any = await one.node.host.new_stream(two.id, [BULK])
            with trio.move_on_after(0.01) as hurry:
                for _ in range(100):
                    await stream.write(bytes(1_000_000))
            assert hurry.cancelled_caught
            await stream.reset()
        await one.say(b"still here")
        await until(lambda: b"still here" in two.texts())
        assert all_three.relay.counts("relay bytes")[0] > began + 1_000_000
        assert "/p2p-circuit" in one.node.peers.records[two.id].address


@trio_test
async def test_who_comes_through_a_relay_counts_for_himself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("py_peer.net.connections._is_loopback", lambda _: False)
    async with three() as all_three, member(loopback=True) as third:
        callers = all_three.one, third
        for caller in callers:
            await caller.node.dial(place(all_three.relay))
        monkeypatch.setattr(limits, "MAX_INBOUND_PER_ADDRESS", 1)
        for caller in callers:
            await caller.node.dial(all_three.address)
        await until(lambda: len(all_three.two.node.peers.records) == 3)


@trio_test
async def test_a_relay_that_is_gone_takes_its_connections_with_it() -> None:
    async with member(loopback=True) as one, member(loopback=True) as two:
        async with member(transports=RELAY) as relay:
            there = place(relay)
            await two.node.dial(there)
            told: list[Reservation] = []
            async with trio.open_nursery() as nursery:
                failures: list[str] = []

                async def keep() -> None:
                    try:
                        await client(two).keep(there, told.append)
                    except RelayError as error:
                        failures.append(str(error))

                nursery.start_soon(keep)
                await until(lambda: told)
                await one.node.dial(parse_dial_address(told[0].addresses[0]))
                await together(one, two)
                await relay.node.disconnect(two.id)
                await until(lambda: failures)
        assert failures == ["the connection to it has ended"]
        await until(lambda: not one.node.peers.records and not two.node.peers.records)


@trio_test
async def test_a_reservation_is_renewed_before_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RELAY_RESERVATION_SECONDS", 2.0)
    monkeypatch.setattr(limits, "RELAY_RENEW_LEAST", 0.1)
    async with member(transports=RELAY) as relay, member(loopback=True) as two:
        await two.node.dial(place(relay))
        told: list[Reservation] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client(two).keep, place(relay), told.append)
            await until(lambda: len(told) >= 3)
            nursery.cancel_scope.cancel()
        assert told[0].addresses == (f"{place(relay).text}/p2p-circuit/p2p/{two.id}",)
        assert relay.counts("relay: reservations")[0] >= 3


# --- What is refused ------------------------------------------------------------------------------


@trio_test
async def test_who_is_refused_by_a_relay_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async with three() as all_three, member(loopback=True) as other:
        one, two, relay = all_three.one, all_three.two, all_three.relay
        await one.node.dial(place(relay))
        await other.node.dial(place(relay))
        scenes: list[tuple[str, str, int, DialAddress | None]] = [
            ("no reservation", "RELAY_CIRCUITS", 9, through(place(relay), str(other.id))),
            ("there are too many circuits", "RELAY_CIRCUITS", 0, all_three.address),
            ("there are too many circuits of one peer", "RELAY_CIRCUITS_OF_ONE", 0, all_three.address),
            ("there are too many circuits between two peers", "RELAY_CIRCUITS_OF_TWO", 0, all_three.address),
            ("there are too many reservations", "RELAY_RESERVATIONS", 1, None),
        ]
        for reason, limit, size, address in scenes:
            with naming(reason), monkeypatch.context() as patched:
                patched.setattr(limits, limit, size)
                if address is None:
                    with pytest.raises(RelayError, match="gives no more reservations"):
                        await client(other).reserve(place(relay))
                else:
                    with pytest.raises(DialError, match="the relay: "):
                        await one.node.dial(address)
                assert relay.counts(f"relay: refused: {reason}") == [1]
        await client(two).reserve(place(relay))  # its own place is free for it, whatever else there is
        monkeypatch.setattr(limits, "RELAY_RESERVATIONS", 1)
        await client(two).reserve(place(relay))
        await relay.node.disconnect(two.id)
        await client(other).reserve(place(relay))  # who has gone leaves his place


@trio_test
async def test_a_circuit_ends_with_what_it_may_carry_and_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RELAY_CIRCUIT_BYTES", 20_000)
    async with connected() as all_three:
        one, two, relay = all_three.one, all_three.two, all_three.relay
        await one.say(b"x" * 30_000)
        await until(lambda: relay.counts("relay: circuits ended: too much") == [1])
        await until(lambda: two.id not in one.node.peers.records and one.id not in two.node.peers.records)
        monkeypatch.setattr(limits, "RELAY_CIRCUIT_SECONDS", 2.0)
        monkeypatch.setattr(limits, "RELAY_CIRCUIT_BYTES", 2_000_000)
        await one.node.dial(all_three.address)
        await until(lambda: relay.counts("relay: circuits ended: too long") == [1])
        await until(lambda: two.id not in one.node.peers.records and one.id not in two.node.peers.records)


@trio_test
async def test_a_circuit_on_which_nothing_comes_makes_room_for_others_and_one_with_pings_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "PING_INTERVAL", 0.1)
    monkeypatch.setattr(limits, "RELAY_CIRCUIT_SILENCE", 2.0)
    async with connected() as all_three, raw_peer(all_three.relay.port) as silent:
        relay, one = all_three.relay, all_three.one
        stream = await silent.open(HOP)
        request = HopMessage(type=Hop.CONNECT, peer=Peer(id=all_three.two.id.to_bytes()))
        await stream.write_frame(request.SerializeToString())
        await until(lambda: relay.counts("relay: circuits ended: nothing came, or was taken") == [1])
        await stream.wait_end()
        assert all_three.two.id in one.node.peers.records


@trio_test
async def test_nobody_relays_through_who_is_relayed_himself() -> None:
    async with three(RELAY) as all_three:
        one, two = all_three.one, all_three.two
        await one.node.dial(all_three.address)
        with pytest.raises(RelayError, match="reached through a relay itself"):
            await client(one).reserve(all_three.address)
        stream: Any = await one.node.host.new_stream(two.id, [HOP])
        await write_frame(stream, HopMessage(type=Hop.RESERVE).SerializeToString(), 5)
        assert (await read_message(stream, HopMessage)).status == Status.PERMISSION_DENIED
        assert two.counts("relay: refused: asked through a relay") == [1]


@trio_test
async def test_circuits_are_taken_of_relays_alone_at_which_we_have_reserved() -> None:
    async with member(loopback=True) as two, raw_peer(two.port) as stranger:
        stream = await stranger.open(STOP)
        request = StopMessage(type=Stop.CONNECT, peer=Peer(id=stranger.id.to_bytes()))
        await stream.write_frame(request.SerializeToString())
        assert StopMessage.FromString(await stream.read_frame()).status == Status.PERMISSION_DENIED
        await stream.wait_end()
        assert two.counts("refused: a circuit of a relay that we have not asked", "relays: circuits taken") == [1, 0]


# --- On the wire ----------------------------------------------------------------------------------


async def ask(peer: RawPeer, protocol: str, message: Any) -> Any:
    stream = await peer.open(protocol)
    await stream.write_frame(message.SerializeToString())
    return type(message).FromString(await stream.read_frame())


@trio_test
async def test_a_reservation_comes_with_a_voucher_that_the_relay_has_signed() -> None:
    async with member(transports=RELAY) as relay, raw_peer(relay.port) as peer:
        answer = await ask(peer, HOP, HopMessage(type=Hop.RESERVE))
        assert (answer.type, answer.status, answer.HasField("limit")) == (Hop.STATUS, Status.OK, False)
        envelope = unmarshal_envelope(answer.reservation.voucher)
        envelope.validate(VOUCHER_DOMAIN)
        assert ID.from_pubkey(envelope.public_key) == relay.id
        assert envelope.payload_type == b"\x03\x02"
        word = Voucher.FromString(envelope.raw_payload)
        assert (word.relay, word.peer) == (relay.id.to_bytes(), peer.id.to_bytes())
        assert word.expiration == answer.reservation.expire
        assert 3_500 < word.expiration - time.time() <= 3_600


@trio_test
async def test_garbage_costs_who_sends_it_a_strike_and_a_relay_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RELAY_PATIENCE", SOON)
    scenes = {
        "no message": b"\x04\xff\xff\xff\xff",
        "too long": b"\xff\xff\xff\x7f",
        "a status": HopMessage(type=Hop.STATUS, status=Status.OK),
        "a circuit to nobody": HopMessage(type=Hop.CONNECT),
        "a circuit to no peer": HopMessage(type=Hop.CONNECT, peer=Peer(id=b"nobody")),
        "nothing": b"",
    }
    async with member(transports=RELAY) as relay:
        strikes = 0
        for scene, what in scenes.items():
            async with raw_peer(relay.port) as peer:
                with naming(scene):
                    stream = await peer.open(HOP)
                    if isinstance(what, bytes):
                        await stream.write(what)
                    else:
                        await stream.write_frame(what.SerializeToString())
                    await stream.wait_end()
                    strikes += scene != "nothing"
                    await until(lambda: relay.counts("strikes") == [strikes])  # noqa: B023 - at once
        assert relay.counts("unexpected faults") == [0]
        await still_hears(relay)


@trio_test
async def test_what_a_false_relay_answers_ends_the_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RELAY_PATIENCE", 2.0)
    answers = {
        "something else": (HopMessage(type=Hop.RESERVE), GarbageError),
        "no reservation": (HopMessage(type=Hop.STATUS, status=Status.OK), GarbageError),
        "an unknown status": (HopMessage(type=Hop.STATUS, status=999), RelayError),
        "no message": (None, GarbageError),
        "silence": (..., StreamFaultError),
    }
    key = create_new_key_pair()
    peer_id = ID.from_pubkey(key.public_key)
    answer: Any = None

    async def hop(stream: RawStream) -> None:
        await stream.read_frame()
        if answer is ...:
            await silence(stream)
        await stream.write_frame(b"\xff\xff" if answer is None else answer.SerializeToString())
        await stream.finish()

    async with member(loopback=True) as two, raw_peer(two.port, key, {HOP: hop}):
        await until(lambda: peer_id in two.node.peers.records)
        false = parse_dial_address(f"/ip4/127.0.0.1/tcp/1/p2p/{peer_id}")
        for scene, (said, kind) in answers.items():
            answer = said
            with naming(scene), pytest.raises(kind):
                await client(two).reserve(false)
        answer = HopMessage(type=Hop.STATUS, status=Status.OK)
        circuit = await client(two).connect(false, peer_id)
        assert circuit.where == f"{two.node.peers.records[peer_id].address}/p2p/{peer_id}/p2p-circuit"
        assert await circuit.read() == b""  # the stream ends behind the answer
        await circuit.aclose()
        assert await circuit.read() == b""


@pytest.mark.parametrize(
    ("seconds", "size", "says"),
    [
        (0, 0, ""),
        (120, 131_072, "after 2 min or 131.1 kB"),
        (120_000, 0, "after 1 d 9 h"),
        (2**32 - 1, 2**64 - 1, ""),
        (2**32 - 1, 5_000_000, "after 5.0 MB"),
    ],
)
def test_the_limits_of_a_relay_are_told_in_large_units_and_what_nobody_comes_to_is_none(
    seconds: int, size: int, says: str
) -> None:
    assert _told_limits(Limit(duration=seconds, data=size)) == says
