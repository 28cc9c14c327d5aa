"""What a stranger can say to end a host of py-libp2p as it comes: a node lives on, and hears him when he behaves."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import trio
import trio.lowlevel
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.custom_types import TProtocol
from libp2p.pubsub.pb import rpc_pb2
from libp2p.utils.varint import encode_uvarint

from py_peer.core import limits
from py_peer.net.counters import UNEXPECTED
from tests.net.raw_peer import MESHSUB, GoneError, raw_peer, secure, signed
from tests.net.support import ROOM, Member, member, naming, still_hears, trio_test, until

# --- The frames that end a host -------------------------------------------------------------------

RSA_AUTHOR = b"\x12\x20" + bytes(32)  # the hash of a key that is not in the ID
GARBAGE_KEY = rpc_pb2.Message(
    data=b"x", topicIDs=[ROOM], from_id=RSA_AUTHOR, seqno=b"1", signature=b"s", key=b"\xff\xfe"
)
HOSTILE_FRAMES = {
    "malformed, five bytes": b"\xff\xff\xff\xff\xff",
    "a field that is cut off": b"\x12\xff\x01abc",
    "an RSA author with a garbage key": rpc_pb2.RPC(publish=[GARBAGE_KEY]).SerializeToString(),
    "an author of no bytes": rpc_pb2.RPC(publish=[rpc_pb2.Message(topicIDs=[ROOM], seqno=b"1")]).SerializeToString(),
    "an author of a megabyte": rpc_pb2.RPC(
        publish=[rpc_pb2.Message(topicIDs=[ROOM], seqno=b"1", from_id=bytes(1 << 20), signature=b"s")]
    ).SerializeToString(),
    "a sequence number of a megabyte": rpc_pb2.RPC(
        publish=[rpc_pb2.Message(topicIDs=[ROOM], seqno=bytes(1 << 20), from_id=RSA_AUTHOR, signature=b"s")]
    ).SerializeToString(),
    "a thousand topics": rpc_pb2.RPC(
        publish=[rpc_pb2.Message(topicIDs=[ROOM] * 1000, seqno=b"1", from_id=RSA_AUTHOR)]
    ).SerializeToString(),
    "a garbage peer record": rpc_pb2.RPC(senderRecord=b"\xff" * 1000).SerializeToString(),
    "six thousand subscriptions": rpc_pb2.RPC(
        subscriptions=[rpc_pb2.RPC.SubOpts(subscribe=True, topicid=f"{n}") for n in range(6_000)]
    ).SerializeToString(),
    "a topic that is not UTF-8": b"\x0a\x06\x08\x01\x12\x02\xff\xfe",
    "a pruning for ever": rpc_pb2.RPC(
        control=rpc_pb2.ControlMessage(prune=[rpc_pb2.ControlPrune(topicID=ROOM, backoff=2**64 - 1)])
    ).SerializeToString(),
    "nothing": b"",
}


@trio_test
async def test_a_hostile_frame_ends_nothing_and_its_sender_is_heard_when_it_behaves() -> None:
    async with member() as one:
        for name, frame in HOSTILE_FRAMES.items():
            with naming(name):
                async with raw_peer(one.port) as peer:
                    gossip = await peer.join(ROOM)
                    await gossip.write_frame(frame)
                    await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"sorry", 9)])
                    await until(lambda: one.texts()[-1:] == [b"sorry"])
                    await still_hears(one)
        assert one.texts() == [b"sorry", b"are you there?"] * len(HOSTILE_FRAMES)


@trio_test
async def test_a_stream_with_too_many_malformed_frames_is_reset_and_a_new_one_is_taken() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        for _ in range(limits.BAD_FRAMES):
            await gossip.write_frame(b"\xff\xff\xff\xff\xff")
        await gossip.wait_end()
        assert gossip.rst
        await (await peer.join(ROOM)).send_rpc(publish=[signed(peer.key_pair, ROOM, b"sorry", 9)])
        await until(lambda: one.texts() == [b"sorry"])


@trio_test
async def test_a_frame_that_claims_too_much_ends_its_stream_and_no_more() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        for length in (encode_uvarint(limits.MAX_RPC_IN + 1), encode_uvarint(2**62), b"\xff" * 11):
            with naming(repr(length)):
                gossip = await peer.join(ROOM)
                await gossip.write(length)
                await gossip.wait_end()
                assert gossip.rst
        await (await peer.join(ROOM)).send_rpc(publish=[signed(peer.key_pair, ROOM, b"sorry", 9)])
        await until(lambda: one.texts() == [b"sorry"])


EMPTY = {"publish": b"\x12\0", "ihave": b"\x0a\0", "iwant": b"\x12\0", "graft": b"\x1a\0", "prune": b"\x22\0"}


@trio_test
async def test_an_rpc_of_four_megabytes_of_nothing_does_not_hold_others_up() -> None:
    """Two million empty entries in one frame; meanwhile the node answers others within a second."""
    async with member() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        for number, (kind, entry) in enumerate(EMPTY.items(), 1):
            body = entry * ((limits.MAX_RPC_IN - 16) // 2)
            if kind != "publish":
                body = b"\x1a" + encode_uvarint(len(body)) + body
            await gossip.write_frame(body)
            await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"sorry", number)])
            longest = 0.0
            while len(one.heard) < number:
                start = trio.current_time()
                await trio.sleep(0.005)
                longest = max(longest, trio.current_time() - start)
            assert longest < 1.0, kind
        assert one.counts("dropped: not a topic of ours") == [limits.MAX_RPC_MESSAGES]
        await still_hears(one)


class HandlerError(Exception):
    """A fault of a handler."""


@trio_test
async def test_a_handler_that_raises_costs_its_stream_and_is_counted_as_unexpected() -> None:
    async def raises(_: Any) -> None:
        raise HandlerError

    async with member() as one, raw_peer(one.port) as peer:
        one.node.host.set_stream_handler(TProtocol("/raises"), raises)
        stream = await peer.open("/raises")
        await stream.wait_end()
        assert stream.rst
        assert UNEXPECTED.pop("HandlerError") == 1
        await still_hears(one)


@trio_test
async def test_a_peer_that_comes_at_the_first_moment_is_heard() -> None:
    """Nothing listens before Pubsub runs: who hammers at the port from the start gets in when all is ready."""
    with trio.socket.socket() as probe:
        await probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ones: list[Member] = []

    async def hammer() -> None:
        while True:
            try:
                async with raw_peer(port) as peer:
                    gossip = await peer.open(MESHSUB)
                    await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"early", 1)])
                    await until(lambda: b"early" in ones[0].texts())
                    return
            except OSError:
                await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hammer)
        await trio.lowlevel.checkpoint()
        async with member(port=port) as one:
            ones.append(one)
            await until(lambda: not nursery.child_tasks)
            await still_hears(one)


# --- Before anybody has proved who he is ----------------------------------------------------------


@trio_test
async def test_a_line_that_claims_too_much_is_refused_at_once_and_without_memory() -> None:
    async with member() as one:
        for claimed in (2**40, 2**30, limits.MAX_MULTISTREAM_LINE + 1):
            async with await trio.open_tcp_stream("127.0.0.1", one.port) as stream:
                await stream.send_all(b"\x13/multistream/1.0.0\n" + encode_uvarint(claimed))
                with trio.fail_after(limits.HANDSHAKE_TIMEOUT / 2):
                    await _read_to_end(stream)
        await still_hears(one)


@pytest.mark.parametrize("protocol", ["/plaintext/2.0.0", "/secio/1.0.0"])
@trio_test
async def test_a_connection_without_noise_is_refused(protocol: str) -> None:
    line = protocol.encode() + b"\n"
    async with member() as one, await trio.open_tcp_stream("127.0.0.1", one.port) as stream:
        await stream.send_all(b"\x13/multistream/1.0.0\n" + bytes([len(line)]) + line)
        answer = b""
        while not answer.endswith(b"na\n"):
            answer += await stream.receive_some()
        assert line not in answer


@trio_test
async def test_no_multiplexer_but_yamux_is_taken() -> None:
    async with member() as one:
        secured = await secure("127.0.0.1", one.port, create_new_key_pair())
        await secured.write(b"\x13/multistream/1.0.0\n\x0d/mplex/6.7.0\n")
        answer = b""
        while not answer.endswith((b"na\n", b"/mplex/6.7.0\n")):
            answer += await secured.read()
        assert answer.endswith(b"na\n")
        await secured.close()


@trio_test
async def test_bytes_that_are_no_handshake_end_their_connection_and_nothing_else() -> None:
    async with member() as one:
        half_way = b"\x13/multistream/1.0.0\n\x02\xff\n"
        for rubbish in (b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 100, b"\x01\n", half_way, b"\xff" * 64):
            async with await trio.open_tcp_stream("127.0.0.1", one.port) as stream:
                await stream.send_all(rubbish)
                await stream.send_eof()
                await _read_to_end(stream)
        secured = await secure("127.0.0.1", one.port, create_new_key_pair())
        await secured.write(b"\xff" * 64)
        await secured.close()
        await still_hears(one)


async def _read_to_end(stream: trio.SocketStream) -> None:
    try:
        while await stream.receive_some():
            pass
    except trio.BrokenResourceError:
        pass


@trio_test
async def test_a_malformed_protocol_line_on_a_stream_ends_that_stream_alone() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        for rubbish in (b"\xff" * 20, encode_uvarint(2**40), b"\x00", b"\x02\xff\n", b"\x05abcde"):
            stream = await peer.open()
            await stream.write(rubbish)
            await stream.finish()
            await stream.wait_end()
        await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"sorry", 9)])
        await until(lambda: one.texts() == [b"sorry"])


@trio_test
async def test_a_protocol_that_nobody_speaks_is_declined() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        with pytest.raises(GoneError):
            await peer.open("/nobody/speaks/this")


# --- Noise on the terminal ------------------------------------------------------------------------


CONNECT = """
import logging, trio
from tests.net.support import member
async def main():
    async with member() as a, member() as b:
        await a.dial(b)
        await a.say(b"hi")
trio.run(main)
print([type(handler).__name__ for handler in logging.getLogger().handlers])
"""


def test_connecting_prints_nothing_and_puts_no_handler_on_the_root_logger() -> None:
    """In a process of its own: pytest has handlers on the root logger, which hide the fault."""
    program = subprocess.run([sys.executable, "-c", CONNECT], capture_output=True, text=True, timeout=30, check=True)
    assert program.stdout == "['NullHandler']\n"
    assert program.stderr == ""
