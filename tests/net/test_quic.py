"""QUIC connections: streams whole and held to their windows, ends told apart, silence survived and death noticed."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
import trio
from libp2p.stream_muxer.exceptions import (
    MuxedConnUnavailable,
    MuxedStreamClosed,
    MuxedStreamEOF,
    MuxedStreamError,
    MuxedStreamReset,
)

from py_peer.core import limits
from py_peer.net.alive import SILENT
from py_peer.net.header_gate import BROKE_THE_PROTOCOL
from py_peer.net.quic import QUICError
from tests.net.quic_pair import LOOPBACK, Pair, deaf, everything, packet, pair, side
from tests.net.support import trio_test, until

if TYPE_CHECKING:
    from py_peer.net.quic_connection import QUICConnection

BODY = os.urandom(700_000)


def engine(conn: QUICConnection) -> Any:
    return conn._engine


def is_tidy(two: Pair) -> bool:
    """Whether no stream is remembered on either side."""
    ends: list[Any] = [two.here, two.there]
    return not any(end._streams or engine(end)._streams for end in ends)


@trio_test
async def test_however_soon_the_other_side_gives_up_it_is_not_asked_all_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with pair() as two:
        here: Any = two.here
        assert here._ask_at - here._asked == engine(here).idle_timeout / 3
        monkeypatch.setattr(type(engine(here)), "idle_timeout", 0.003)
        assert here._ask_at - here._asked == limits.QUIC_LEAST_PAUSE


# --- Streams --------------------------------------------------------------------------------------


@trio_test
async def test_who_is_there_and_where_is_known_to_both() -> None:
    async with pair() as two:
        assert two.here.peer_id == two.b.id
        assert two.there.peer_id == two.a.id
        assert two.here.is_initiator
        assert not two.there.is_initiator
        assert two.here.where == f"/ip4/127.0.0.1/udp/{two.b.port}/quic-v1"
        assert two.there.where == f"/ip4/127.0.0.1/udp/{two.a.port}/quic-v1"  # the port that the dialler listens on
        assert two.here.local_ip == two.there.local_ip == LOOPBACK


@trio_test
async def test_bytes_go_both_ways_whole_and_each_way_ends_on_its_own() -> None:
    async with pair() as two, trio.open_nursery() as nursery:
        near, far = await two.streams()
        nursery.start_soon(near.write, BODY)
        got = bytearray()
        while len(got) < len(BODY):
            got += await far.read(100_000)
        assert bytes(got) == BODY
        await near.close()
        with pytest.raises(MuxedStreamEOF):
            await far.read(1)
        with pytest.raises(MuxedStreamClosed):
            await near.write(b"more")
        await far.write(b"an answer")
        await far.close()
        assert await everything(near) == b"an answer"
        await until(lambda: is_tidy(two))


@trio_test
async def test_a_reset_is_told_from_an_end_and_what_came_before_it_can_be_read() -> None:
    async with pair() as two:
        for way in ("near", "far"):
            ends = await two.streams()
            one, other = ends if way == "near" else reversed(ends)
            await one.write(b"before")
            await until(lambda other=other: other.unread)
            await one.reset()
            assert await other.read() == b"before"
            with pytest.raises(MuxedStreamReset):
                await other.read()
            with pytest.raises(MuxedStreamReset):
                await other.write(b"after")
            with pytest.raises(MuxedStreamReset):
                await one.read()
        await until(lambda: is_tidy(two))


@trio_test
async def test_who_waits_for_a_stream_is_woken_by_its_reset() -> None:
    async with pair() as two, trio.open_nursery() as nursery:
        near, far = await two.streams()

        async def wait() -> None:
            with pytest.raises(MuxedStreamReset):
                await far.read()

        nursery.start_soon(wait)
        await near.reset()


@trio_test
async def test_streams_that_are_reset_at_once_make_room_for_others() -> None:
    async with pair() as two:
        for _ in range(3 * limits.MAX_STREAMS_PER_PEER):  # far more than there may be at once
            near = await two.here.open_stream()
            await near.write(b"x")
            await near.reset()
            await two.there.accept_stream()
        await until(lambda: is_tidy(two))


@trio_test
async def test_streams_at_which_nobody_looks_are_refused_and_leave_nothing() -> None:
    async with pair() as two:
        for _ in range(limits.MAX_STREAMS_PER_PEER):
            near = await two.here.open_stream()
            await near.write(b"x")
            await near.reset()
        near = await two.here.open_stream()
        await near.write(b"x")
        with pytest.raises(MuxedStreamReset):
            await near.read()
        await until(lambda: is_tidy(two))


@trio_test
async def test_a_stream_of_which_all_comes_in_one_datagram_is_offered_whole_and_can_be_answered() -> None:
    async with pair() as two:
        for _ in range(4 * limits.MAX_STREAMS_PER_PEER):  # far more than there may be at once: none keeps its place
            near = await two.here.open_stream()
            near.write_over = True
            two.here.send(near, b"a question", end=True)
            far = await two.there.accept_stream()
            assert await everything(far) == b"a question"
            await far.write(b"an answer")
            await far.close()
            assert await everything(near) == b"an answer"
        await until(lambda: is_tidy(two))


@trio_test
async def test_a_stream_of_which_all_comes_at_once_and_no_answer_is_wanted_is_offered() -> None:
    async with pair() as two:
        near = await two.here.open_stream()
        near.write_over = True
        engine(two.here).stop_stream(near.stream_id, 0)
        two.here.send(near, b"no question", end=True)
        far = await two.there.accept_stream()
        assert await everything(far) == b"no question"
        with pytest.raises(MuxedStreamClosed):
            await far.write(b"an answer")
        await until(lambda: is_tidy(two))


@pytest.mark.parametrize("before", [b"", b"before"])
@trio_test
async def test_a_stream_that_is_opened_and_reset_in_one_datagram_is_offered_and_keeps_no_place(before: bytes) -> None:
    async with pair() as two:
        for _ in range(4 * limits.MAX_STREAMS_PER_PEER):
            near = await two.here.open_stream()
            near.write_over = True
            name = (near.stream_id | 1 << 31).to_bytes(4, "big")
            frames = b"\x0a" + name + bytes([len(before)]) + before if before else b""
            frames += b"\x04" + name + b"\x00" + bytes([len(before)])
            two.here._send(packet(engine(two.here), frames), two.here.address)
            far = await two.there.accept_stream()
            if before:
                assert await far.read() == before
            with pytest.raises(MuxedStreamReset):
                await far.read()
        await until(lambda: not (two.there._streams or engine(two.there)._streams))


@trio_test
async def test_a_stream_that_is_heard_of_after_a_later_one_is_as_new() -> None:
    async with pair() as two:
        streams = [await two.here.open_stream() for _ in range(3)]
        for near in reversed(streams):
            near.write_over = True
            two.here.send(near, b"%d" % near.stream_id, end=True)
        for near in reversed(streams):
            far = await two.there.accept_stream()
            assert await everything(far) == b"%d" % near.stream_id


@trio_test
async def test_who_wants_no_more_of_a_stream_stops_who_writes_it_and_is_heard_on() -> None:
    async with pair() as two:
        near, far = await two.streams()
        await far.write(b"this way it goes on")
        engine(two.there).stop_stream(far.stream_id, 0)
        two.there.transmit()
        await until(lambda: near.write_over)
        with pytest.raises(MuxedStreamError):
            await near.write(b"x")
        assert await near.read() == b"this way it goes on"


@trio_test
async def test_who_sends_what_takes_long_leaves_others_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 20 datagrams no three are taken in a row: whose turn is first in a round, trio leaves to chance."""
    turns, seen = 0, list[int]()

    async def others() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    def receive(*_: object) -> None:
        seen.append(turns)
        begun = time.monotonic()
        while time.monotonic() - begun < 2 * limits.QUIC_BATCH_SECONDS:
            pass

    async with pair() as two, trio.open_nursery() as nursery:
        monkeypatch.setattr(two.there, "receive", receive)
        nursery.start_soon(others)
        for _ in range(20):
            two.here._send(packet(engine(two.here), b"\x01\x00\x00\x00"), two.here.address)
        await until(lambda: len(seen) >= 20)
        assert max(seen.count(turn) for turn in seen) <= 2
        nursery.cancel_scope.cancel()


# --- Limits ---------------------------------------------------------------------------------------


@trio_test
async def test_what_nobody_reads_is_held_to_the_window_and_its_writer_waits() -> None:
    async with pair() as two, trio.open_nursery() as nursery:
        near, far = await two.streams()
        nursery.start_soon(near.write, bytes(5_000_000))
        await until(lambda: far.unread > limits.MAX_STREAM_WINDOW - 100)
        for _ in range(20):  # and there it stays
            await trio.sleep(0.005)
            assert far.unread <= limits.MAX_STREAM_WINDOW
            assert engine(two.here).unsent(near.stream_id) <= limits.QUIC_UNSENT + 65_536
        for _ in range(20):
            before = far.received
            await far.read(200_000)
            await until(lambda before=before: far.received > before)
        nursery.cancel_scope.cancel()


@trio_test
async def test_the_streams_of_a_connection_together_are_held_to_its_window_which_comes_back() -> None:
    """However they end: what was not read makes room for others."""
    async with pair() as two:
        for _ in range(3):
            ends = [await two.streams() for _ in range(12)]
            async with trio.open_nursery() as nursery:
                for near, _ in ends:
                    nursery.start_soon(near.write, bytes(limits.MAX_STREAM_WINDOW))
                await until(lambda ends=ends: sum(far.unread for _, far in ends) > limits.QUIC_WINDOW // 2 - 100)
                assert sum(far.unread for _, far in ends) <= limits.QUIC_WINDOW
                nursery.cancel_scope.cancel()
            for index, (near, far) in enumerate(ends):
                if index % 3 == 0:
                    await near.reset()
                elif index % 3 == 1:
                    await far.reset()
                else:
                    await near.reset()
                    await far.reset()
        await until(lambda: is_tidy(two))
        near, far = await two.streams()
        await near.write(b"and nobody reads it")
        await near.close()
        await until(lambda far=far: far.read_over)
        await far.close()
        await far.reset()
        assert engine(two.there)._read == engine(two.there)._local_max_data.used  # no byte is given back twice
        near, far = await two.streams()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(near.write, bytes(2 * limits.QUIC_WINDOW))
            got = 0
            while got < 2 * limits.QUIC_WINDOW:
                got += len(await far.read())


@trio_test
async def test_who_writes_in_the_smallest_parts_waits_when_too_many_are_on_their_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with pair() as two:
        near, far = await two.streams()
        monkeypatch.setattr(limits, "QUIC_PACKETS", 40)
        with deaf(two.there):
            while not two.here.is_full(near):
                await near.write(b"x")
                await trio.lowlevel.checkpoint()
        assert near.sent < limits.QUIC_UNSENT
        await near.write(b"the last")  # which waits
        await near.close()
        assert (await everything(far)).endswith(b"xthe last")


@trio_test
async def test_a_wider_window_lets_more_come_unread() -> None:
    async with pair() as two, trio.open_nursery() as nursery:
        near, far = await two.streams()
        await far.widen(limits.FILE_WINDOW)
        nursery.start_soon(near.write, bytes(5_000_000))
        await until(lambda: far.unread > limits.FILE_WINDOW - 10_000)
        assert far.unread <= limits.FILE_WINDOW
        nursery.cancel_scope.cancel()


@trio_test
async def test_one_stream_too_many_waits_until_another_has_ended() -> None:
    async with pair() as two:
        ends = [await two.streams() for _ in range(limits.MAX_STREAMS_PER_PEER)]
        with trio.move_on_after(0.1):
            await two.here.open_stream()
            pytest.fail("one too many was opened")
        near, far = ends[0]
        await near.close()
        await far.close()
        near, far = await two.streams()
        await far.write(b"now")
        assert await near.read() == b"now"


@trio_test
async def test_who_opens_more_streams_than_he_may_is_let_go_for_it() -> None:
    async with pair() as two:
        engine(two.here)._remote_max_streams_bidi = 10_000
        for _ in range(2 * limits.MAX_STREAMS_PER_PEER):
            stream = await two.here.open_stream()
            await stream.write(b"x")
        await two.there.event_closed.wait()
        assert two.there.ended == BROKE_THE_PROTOCOL
        await two.here.event_closed.wait()
        assert two.here.ended == ""


@trio_test
async def test_a_write_that_is_given_up_leaves_a_stream_that_can_be_written_on() -> None:
    async with pair() as two:
        near, far = await two.streams()
        with trio.move_on_after(0.05) as scope:
            await near.write(b"a" * 3_000_000)
        assert scope.cancelled_caught
        got = bytearray()
        async with trio.open_nursery() as nursery:

            async def write_on() -> None:
                await near.write(b"b" * 100_000)
                await near.close()

            nursery.start_soon(write_on)
            got += await everything(far)
        assert set(got.rstrip(b"b")) == {ord("a")}  # a part of the first, then all of the second
        assert len(got) - len(got.rstrip(b"b")) == 100_000


@trio_test
async def test_who_takes_nothing_for_too_long_loses_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WINDOW_PATIENCE", 0.1)
    async with pair() as two:
        near, _ = await two.streams()
        with pytest.raises(MuxedStreamError, match="took nothing"):
            await near.write(bytes(5_000_000))


# --- The end --------------------------------------------------------------------------------------


@trio_test
async def test_what_was_written_comes_before_the_goodbye_and_the_goodbye_at_once() -> None:
    async with pair() as two:
        near, far = await two.streams()
        await near.write(BODY[:50_000])
        await two.here.close()
        await two.there.event_closed.wait()
        assert await far.read() == BODY[:50_000]
        with pytest.raises(MuxedStreamReset):
            await far.read()
        with pytest.raises(MuxedConnUnavailable):
            await two.there.accept_stream()
        with pytest.raises(MuxedStreamError):
            await two.there.open_stream()
        assert two.here.ended == two.there.ended == ""
        await until(lambda: two.a.books == two.b.books == [0, 0, 0])


@trio_test
async def test_closing_takes_a_moment_when_nobody_takes_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CLOSE_TIMEOUT", 0.1)
    async with pair() as two:
        near, _ = await two.streams()
        with deaf(two.here):
            await near.write(BODY[:200_000])
            await two.here.close()
        assert two.here.is_closed


@trio_test
async def test_the_abrupt_end_wakes_all_who_wait() -> None:
    async with pair() as two:
        near, _ = await two.streams()
        _, far = await two.streams()
        async with trio.open_nursery() as nursery:

            async def read() -> None:
                with pytest.raises(MuxedStreamReset):
                    await near.read()

            async def write() -> None:
                with pytest.raises(MuxedStreamReset):
                    await far.write(bytes(3_000_000))

            nursery.start_soon(read)
            nursery.start_soon(write)
            await until(lambda: engine(two.there).unsent(far.stream_id) >= limits.QUIC_UNSENT)
            await trio.aclose_forcefully(two.here)
        await two.there.event_closed.wait()


@trio_test
async def test_who_is_gone_without_a_word_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PING_INTERVAL", 0.2)
    monkeypatch.setattr(limits, "PING_TIMEOUT", 0.3)
    async with pair() as two:
        with deaf(two.there):
            await two.here.event_closed.wait()
        assert two.here.ended == SILENT


@trio_test
async def test_a_silent_connection_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Far longer than either side would wait for a sign of life, or call a connection idle."""
    for name, seconds in (("PING_INTERVAL", 0.1), ("PING_TIMEOUT", 0.5), ("QUIC_IDLE", 0.6)):
        monkeypatch.setattr(limits, name, seconds)
    async with pair() as two:
        near, far = await two.streams()
        await trio.sleep(1.5)
        await near.write(b"still here")
        assert await far.read() == b"still here"


@trio_test
async def test_an_idle_time_that_the_other_side_wants_short_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other side asks for nothing by itself, and calls a connection idle before we ask for signs of life."""
    async with side() as a:
        monkeypatch.setattr(limits, "QUIC_IDLE", 0.6)
        monkeypatch.setattr(limits, "QUIC_LEAST_PAUSE", 0.1)
        async with side() as b, trio.open_nursery() as nursery:
            b.guests.host = lambda conn: conn.event_closed.wait()
            here = await a.quic.dial(LOOPBACK, b.port)
            nursery.start_soon(here.start)
            with trio.move_on_after(1.5):
                await here.event_closed.wait()
            assert not here.is_closed
            here.end()


# --- Who calls ------------------------------------------------------------------------------------


@trio_test
async def test_nobody_there_is_a_handshake_that_ends_in_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HANDSHAKE_TIMEOUT", 0.2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind((LOOPBACK, 0))
        async with side() as a:
            with pytest.raises(QUICError, match="no handshake"):
                await a.quic.dial(LOOPBACK, mute.getsockname()[1])
            assert a.books == [0, 0, 0]


@trio_test
async def test_an_id_that_is_told_again_as_it_was_lost_on_the_way_is_forgotten_once() -> None:
    async with pair() as two:
        for connection_id in engine(two.here)._host_cids[1:]:  # all but the first are told
            connection_id.was_sent = False  # what aioquic notes at a loss
        two.here.transmit()
        assert not two.here.is_closed
        two.here.end()
        assert two.a.books == [0, 0, 0]


@trio_test
async def test_a_dial_that_is_given_up_leaves_nothing() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind((LOOPBACK, 0))
        async with side() as a:
            with trio.move_on_after(0.1):
                await a.quic.dial(LOOPBACK, mute.getsockname()[1])
            assert a.books == [0, 0, 0]


@trio_test
async def test_who_is_not_wanted_is_told_so_and_not_let_in() -> None:
    async with side() as a, side() as b:
        b.unwanted.add(a.id)
        here = await a.quic.dial(LOOPBACK, b.port)
        await here.event_closed.wait()
        assert b.guests.here == []
        assert b.counters["refused: by the peer's ID"] == 1


@trio_test
async def test_who_may_not_come_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HANDSHAKE_TIMEOUT", 0.2)
    async with side() as a, side() as b:
        b.guests.reason = "too many connections"
        with pytest.raises(QUICError):
            await a.quic.dial(LOOPBACK, b.port)
        assert b.books == [0, 0, 0]


@trio_test
async def test_ip6_is_dialled_and_listened_on() -> None:
    async with side("::1") as a, side("::1") as b:
        here = await a.quic.dial("::1", b.port)
        assert here.where == f"/ip6/::1/udp/{b.port}/quic-v1"
        assert here.local_ip == "::1"
        await until(lambda: b.guests.here)
        assert b.guests.here[0].where == f"/ip6/::1/udp/{a.port}/quic-v1"
        here.end()


@trio_test
async def test_the_other_family_is_dialled_from_a_port_of_its_own() -> None:
    async with side() as a, side("::1") as b:
        here = await a.quic.dial("::1", b.port)
        assert here.peer_id == b.id
        here.end()
