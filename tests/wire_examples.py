"""The examples of docs/wire.md: each made by our own code, and read by it.

What every peer hears of us is made by the code that sends it (`tests.wire_sent`), the rest of its parts.

`python -m tests.wire_examples` prints them as the page has them.
"""

from __future__ import annotations

import json
import random
import textwrap
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from libp2p.crypto.serialization import deserialize_public_key
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.kad_dht.pb.kademlia_pb2 import Message as KadMessage
from libp2p.peer.envelope import consume_envelope
from libp2p.peer.id import ID
from libp2p.pubsub.pb import rpc_pb2
from libp2p.stream_muxer.yamux.yamux import FLAG_SYN, TYPE_DATA, TYPE_WINDOW_UPDATE
from libp2p.utils import encode_varint_prefixed
from multiaddr import Multiaddr

from py_peer.chatroom import CHAT_TOPIC
from py_peer.core import announcement, gnostr, limits, nostr, nostr_binding, schnorr, tree_hash
from py_peer.core.cbor import BytesReader, TextReader
from py_peer.core.chat_payload import decode_payload
from py_peer.core.commits import commit_json, holds, parse_commit, read_commit_json
from py_peer.core.frames import FrameBuffer
from py_peer.core.git_records import object_key
from py_peer.core.kademlia import ROOM_KEYS, Contact
from py_peer.core.records import MILLISECOND, SECOND, Record, rule_for
from py_peer.net import (
    autonat,
    autonat2,
    commit_exchange,
    dcutr,
    direct,
    file_messages,
    kad_messages,
    kad_records,
    mdns_packets,
    peer_record,
)
from py_peer.net.header_gate import HEADER, VERSION
from py_peer.net.message_cache import message_id
from py_peer.net.message_check import MessageCheck
from py_peer.net.relay_messages import Hop, HopMessage, Peer, Status, Stop, StopMessage
from py_peer.net.signatures import PREFIX, Signatures
from tests import wire_sent
from tests.wire_sent import ADDRESS, FILE_ID, KEYS, NUMBER, OTHER, PEER, PROTOCOLS, TOPICS, WHEN

if TYPE_CHECKING:
    from collections.abc import Callable

GNOSTR_TEXT: Final = gnostr.GnostrMessage("alice", ("hello", ""), "Chat", "0" * 40)
GNOSTR_CHUNK: Final = gnostr.GnostrMessage(
    "alice", ("hel", ""), "Chat", "0" * 40, message_id="11e8f8a0-6c1b-4e5a-9d0e-3d2f4c7b8a90", number=0, total=2
)
VALUE_PUT: Final = WHEN * MILLISECOND
NOSTR_SECRET: Final = bytes(range(1, 33))
NONCE: Final = 0x0102030405060708
TAKEN: Final = b"\x03\x10\xc8\x01"
"""The least that says that a direct message is taken."""


@dataclass(frozen=True)
class Example:
    """Bytes that our code makes, and what it reads in them."""

    name: str
    made: Callable[[], bytes]
    read: Callable[[bytes], object]
    means: object


def _signed_part() -> bytes:
    message = wire_sent.message()
    message.ClearField("signature")
    message.ClearField("key")
    return PREFIX + message.SerializeToString()


def _frame(data: bytes) -> bytes:
    frames = FrameBuffer(65_536)
    frames.feed(data)
    frame = frames.take()
    assert frame is not None
    assert not len(frames)
    return frame


def _read_said(data: bytes) -> object:
    (message,) = rpc_pb2.RPC.FromString(_frame(data)).publish
    assert Signatures().hold(message)
    assert MessageCheck(OTHER.to_bytes()).take(message) == ""
    number = int.from_bytes(message.seqno, "big")
    return str(ID(message.from_id)), number, decode_payload(message.data), message_id(message).hex()


def _read_control(data: bytes) -> object:
    control = rpc_pb2.RPC.FromString(_frame(data)).control
    return {
        name.name: [(one.topicID if "topicID" in one.DESCRIPTOR.fields_by_name else "") for one in entries]
        for name, entries in control.ListFields()
    }


def _record() -> bytes:
    return file_messages.sign(
        KEYS.private_key,
        file_id=FILE_ID,
        name="a.txt",
        size=1,
        media_type="text/plain",
        root=tree_hash.root(tree_hash.leaf(b"a")),
        made=WHEN,
    ).envelope


def _read_record(data: bytes) -> object:
    record = file_messages.open_envelope(data)
    return record.offerer, record.file_id, record.name, record.size, record.made


def _read_request(data: bytes) -> object:
    request = direct.Request.FromString(_frame(data))
    return request.metadata.clientVersion, request.metadata.timestamp, request.content, request.type


def _read_commit(data: bytes) -> object:
    answer = commit_exchange.Answer.FromString(_frame(data))
    assert holds(answer.object, answer.id)
    return answer.status, answer.id, answer.object, answer.patch


def _kad(**fields: Any) -> bytes:
    return encode_varint_prefixed(KadMessage(key=ROOM_KEYS[0], **fields).SerializeToString())


def _value(key: bytes, value: bytes) -> Record:
    return Record(key, value, VALUE_PUT, VALUE_PUT + limits.KAD_VALUE_SECONDS * SECOND)


def _put_value(key: bytes, value: bytes) -> bytes:
    message = KadMessage(type=KadMessage.PUT_VALUE, key=key)
    return encode_varint_prefixed(kad_records.put_record(message, _value(key, value), VALUE_PUT).SerializeToString())


def _read_value(data: bytes) -> object:
    message = KadMessage.FromString(_frame(data))
    record = kad_records.read_record(message, message.key, VALUE_PUT)
    assert record is not None
    rule_for(record.key, kad_records.RULES).check(record.key, record.value)
    return record


def _provider() -> Any:
    return kad_messages.entry(Contact(PEER.to_bytes(), (Multiaddr(ADDRESS).to_bytes(),)), connected=True)


def _read_kad(data: bytes) -> object:
    message = KadMessage.FromString(_frame(data))
    there = [kad_messages.where(one.id, one.addrs) for one in message.providerPeers]
    return message.type, message.key == ROOM_KEYS[0], [str(at.text) for places in there for at in places]


def _claim() -> object:
    with patch.object(schnorr, "sign", partial(schnorr.sign, randomness=bytes(32))):
        return nostr_binding.make_claim(NOSTR_SECRET, str(PEER), WHEN)


def _nostr_event() -> nostr.NostrEvent:
    secret = nostr.derived_secret(wire_sent.COMMIT_ID)
    content = commit_json(parse_commit(wire_sent.COMMIT))
    with patch.object(schnorr, "sign", partial(schnorr.sign, randomness=bytes(32))):
        return nostr.commit_event(content, wire_sent.COMMIT_ID, secret, WHEN // 1_000)


def _read_nostr_event(data: bytes) -> object:
    event = nostr.read_event(data)
    return nostr.badge_of(event).standing, nostr.commit_of(event), read_commit_json(event.content).message


def _read_claim(data: bytes) -> object:
    read = announcement.decode(data)
    return read.nick, nostr_binding.check_claim(read.nostr, str(PEER), read.at)


def _mdns() -> mdns_packets.Records:
    with patch.object(random, "choices", lambda *_, k: list("abcdefghijklmnopqrstuvwxyz012345"[:k])):
        return mdns_packets.Records(str(PEER), 4001, [(IPv4Address("192.0.2.7"), "/tcp/4001")])


def _read_mdns(data: bytes) -> object:
    packet = _mdns().read(data, "eth0")
    assert packet is not None
    places = {peer: [at.text for at in places] for peer, places in packet.found.items()}
    return sorted(packet.asked), places


def _framed(message: Any) -> bytes:
    return encode_varint_prefixed(message.SerializeToString())


def _read_peer_record(data: bytes) -> object:
    _, record = consume_envelope(data, "libp2p-peer-record")
    return str(record.peer_id), list(map(str, record.addrs))


def _read_subscriptions(data: bytes) -> object:
    rpc = rpc_pb2.RPC.FromString(_frame(data))
    return [one.topicid for one in rpc.subscriptions if one.subscribe], _read_peer_record(rpc.senderRecord)


def _read_identify(data: bytes) -> object:
    message = Identify.FromString(_frame(data))
    listens = [str(Multiaddr(one)) for one in message.listen_addrs]
    return message.agent_version, listens, list(message.protocols), _read_peer_record(message.signedPeerRecord)


def _addresses() -> list[bytes]:
    return [Multiaddr(ADDRESS).to_bytes()]


EXAMPLES: Final = (
    Example(
        "public key",
        KEYS.public_key.serialize,
        lambda data: str(ID.from_pubkey(deserialize_public_key(data))),
        str(PEER),
    ),
    Example(
        "multistream-select",
        lambda: b"".join(encode_varint_prefixed(line) for line in (b"/multistream/1.0.0\n", b"/noise\n")),
        lambda data: data.count(b"\n"),
        2,
    ),
    Example(
        "Yamux opens stream 1 and sends 5 bytes",
        lambda: (
            HEADER.pack(VERSION, TYPE_WINDOW_UPDATE, FLAG_SYN, 1, 0)
            + HEADER.pack(VERSION, TYPE_DATA, 0, 1, 5)
            + b"hello"
        ),
        lambda data: (HEADER.unpack_from(data), HEADER.unpack_from(data, 12), data[24:]),
        ((0, 1, 1, 1, 0), (0, 0, 0, 1, 5), b"hello"),
    ),
    Example(
        "identify",
        wire_sent.identified,
        _read_identify,
        ("py-peer/0.1.0", [ADDRESS], list(PROTOCOLS), (str(PEER), [ADDRESS])),
    ),
    Example(
        "subscriptions",
        wire_sent.subscribed,
        _read_subscriptions,
        (sorted(TOPICS), (str(PEER), [ADDRESS])),
    ),
    Example(
        "what is signed",
        _signed_part,
        lambda data: KEYS.public_key.verify(data, wire_sent.message().signature),
        True,
    ),
    Example(
        "a chat message",
        wire_sent.published,
        _read_said,
        (str(PEER), NUMBER, "hello", message_id(wire_sent.message()).hex()),
    ),
    Example(
        "its ID", lambda: message_id(wire_sent.message()), lambda data: data == message_id(wire_sent.message()), True
    ),
    Example(
        "GRAFT, with IHAVE",
        wire_sent.grafted,
        _read_control,
        {"ihave": [CHAT_TOPIC], "graft": [CHAT_TOPIC]},
    ),
    Example(
        "IWANT",
        wire_sent.asked_for,
        _read_control,
        {"iwant": [""]},
    ),
    Example(
        "PRUNE",
        wire_sent.pruned,
        _read_control,
        {"prune": [CHAT_TOPIC]},
    ),
    Example(
        "IDONTWANT",
        wire_sent.unwanted,
        _read_control,
        {"idontwant": [""]},
    ),
    Example(
        "a text of gnostr's", lambda: gnostr.encode_text("alice", "hello", "")[0], gnostr.decode_message, GNOSTR_TEXT
    ),
    Example(
        "a coming of gnostr's",
        lambda: gnostr.encode_message(gnostr.GnostrMessage("alice", ("", ""), gnostr.JOIN)),
        gnostr.decode_message,
        gnostr.GnostrMessage("alice", ("", ""), "Join", "0" * 40),
    ),
    Example(
        "a chunk of gnostr's",
        lambda: gnostr.encode_message(GNOSTR_CHUNK),
        gnostr.decode_message,
        GNOSTR_CHUNK,
    ),
    Example(
        "a nickname",
        lambda: announcement.encode(announcement.Announcement("bob", WHEN)),
        lambda data: (announcement.decode(data).nick, announcement.decode(data).at),
        ("bob", WHEN),
    ),
    Example(
        "a nickname with a key of Nostr",
        lambda: announcement.encode(announcement.Announcement("bob", WHEN, _claim())),
        _read_claim,
        ("bob", schnorr.public_key(NOSTR_SECRET).hex()),
    ),
    Example(
        "an announced peer",
        lambda: peer_record.encode(KEYS.public_key, [ADDRESS]),
        lambda data: (str(ID(peer_record.decode(data).peer_id)), list(peer_record.decode(data).addresses)),
        (str(PEER), _addresses()),
    ),
    Example(
        "a file is asked for",
        wire_sent.file_asked_for,
        lambda data: _frame(data).decode(),
        FILE_ID,
    ),
    Example("a file of five bytes", lambda: wire_sent.file_sent(b"hello"), _frame, b"hello"),
    Example("a file is asked for by name", wire_sent.named_asked_for, TextReader(255).feed, wire_sent.NAME),
    Example("a file by name", lambda: wire_sent.named_sent(b"hello\x00\x17"), BytesReader(100).feed, b"hello\x00\x17"),
    Example(
        "describe",
        wire_sent.described,
        lambda data: file_messages.Request.FromString(_frame(data)).describe,
        FILE_ID,
    ),
    Example("the record of a file", _record, _read_record, (str(PEER), FILE_ID, "a.txt", 1, WHEN)),
    Example(
        "a direct message",
        lambda: wire_sent.direct_message(TAKEN),
        _read_request,
        ("py-peer/0.1.0", WHEN, "hello", "text/plain"),
    ),
    Example(
        "it is taken",
        lambda: wire_sent.direct_answer(wire_sent.direct_message(TAKEN)),
        lambda data: direct.Response.FromString(_frame(data)).status,
        200,
    ),
    Example(
        "a commit is asked for",
        wire_sent.commit_asked_for,
        lambda data: commit_exchange.Request.FromString(_frame(data)).id,
        wire_sent.COMMIT_ID[:12],
    ),
    Example(
        "what is hashed of an event of Nostr",
        lambda: nostr.serialize("ab" * 32, WHEN // 1_000, 1, [["t", "\N{PARTY POPPER}"]], 'a "b"\\\n\x01'),
        lambda data: json.loads(data)[4:],
        [[["t", "\N{PARTY POPPER}"]], 'a "b"\\\n\x01'],
    ),
    Example(
        "an event of Nostr about a commit",
        lambda: _nostr_event().json().encode(),
        _read_nostr_event,
        (nostr.Standing.DERIVED, wire_sent.COMMIT_ID, "Empty\n"),
    ),
    Example(
        "a commit",
        wire_sent.commit_given,
        _read_commit,
        (200, wire_sent.COMMIT_ID, wire_sent.COMMIT, b""),
    ),
    Example(
        "GET_PROVIDERS",
        lambda: _kad(type=KadMessage.GET_PROVIDERS),
        _read_kad,
        (KadMessage.GET_PROVIDERS, True, []),
    ),
    Example(
        "ADD_PROVIDER",
        lambda: _kad(type=KadMessage.ADD_PROVIDER, providerPeers=[_provider()]),
        _read_kad,
        (KadMessage.ADD_PROVIDER, True, [f"{ADDRESS}/p2p/{PEER}"]),
    ),
    Example(
        "PUT_VALUE",
        lambda: _put_value(b"colour", b"dark blue"),
        _read_value,
        _value(b"colour", b"dark blue"),
    ),
    Example(
        "PUT_VALUE of a commit",
        lambda: _put_value(object_key(wire_sent.COMMIT_ID), wire_sent.COMMIT),
        _read_value,
        _value(object_key(wire_sent.COMMIT_ID), wire_sent.COMMIT),
    ),
    Example(
        "an mDNS question",
        lambda: mdns_packets.question(mdns_packets.SERVICES[0]),
        _read_mdns,
        (["_p2p._udp.local."], {}),
    ),
    Example(
        "an mDNS answer",
        lambda: _mdns().answer(mdns_packets.SERVICES[0]),
        _read_mdns,
        ([], {str(PEER): [f"{ADDRESS}/p2p/{PEER}"]}),
    ),
    Example(
        "RESERVE",
        lambda: _framed(HopMessage(type=Hop.RESERVE)),
        lambda data: HopMessage.FromString(_frame(data)).type,
        Hop.RESERVE,
    ),
    Example(
        "CONNECT to a relay",
        lambda: _framed(HopMessage(type=Hop.CONNECT, peer=Peer(id=OTHER.to_bytes()))),
        lambda data: str(ID(HopMessage.FromString(_frame(data)).peer.id)),
        str(OTHER),
    ),
    Example(
        "CONNECT from a relay",
        lambda: _framed(StopMessage(type=Stop.CONNECT, peer=Peer(id=PEER.to_bytes()))),
        lambda data: str(ID(StopMessage.FromString(_frame(data)).peer.id)),
        str(PEER),
    ),
    Example(
        "STATUS of a relay",
        lambda: _framed(HopMessage(type=Hop.STATUS, status=Status.OK)),
        lambda data: HopMessage.FromString(_frame(data)).status,
        Status.OK,
    ),
    Example(
        "DCUtR CONNECT",
        lambda: _framed(dcutr.HolePunch(type=dcutr.CONNECT, ObsAddrs=_addresses())),
        lambda data: list(dcutr.HolePunch.FromString(_frame(data)).ObsAddrs),
        _addresses(),
    ),
    Example(
        "DCUtR SYNC",
        lambda: _framed(dcutr.HolePunch(type=dcutr.SYNC)),
        lambda data: dcutr.HolePunch.FromString(_frame(data)).type,
        dcutr.SYNC,
    ),
    Example(
        "AutoNAT 1: dial me",
        lambda: _framed(
            autonat.Message(
                type=autonat.DIAL,
                dial=autonat.Dial(peer=autonat.PeerInfo(id=PEER.to_bytes(), addrs=_addresses())),
            )
        ),
        lambda data: list(autonat.Message.FromString(_frame(data)).dial.peer.addrs),
        _addresses(),
    ),
    Example(
        "AutoNAT 2: dial me",
        lambda: _framed(autonat2.Message(dialRequest=autonat2.DialRequest(addrs=_addresses(), nonce=NONCE))),
        lambda data: autonat2.Message.FromString(_frame(data)).dialRequest.nonce,
        NONCE,
    ),
    Example(
        "AutoNAT 2: dialled back",
        lambda: _framed(autonat2.DialBack(nonce=NONCE)),
        lambda data: autonat2.DialBack.FromString(_frame(data)).nonce,
        NONCE,
    ),
)


def block(example: Example) -> str:
    """Return an example as the page has it."""
    lines = textwrap.wrap(example.made().hex(), 112)
    return f"<!-- example: {example.name} -->\n\n" + "".join(f"    {line}\n" for line in lines)


if __name__ == "__main__":
    print("\n".join(map(block, EXAMPLES)))
