"""What is announced on the discovery topic is read within limits, and what we announce can be read by others."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.rsa import create_new_key_pair as new_rsa
from libp2p.crypto.secp256k1 import create_new_key_pair as new_secp256k1
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from py_peer.net.peer_record import AnnouncedPeer, AnnouncedPeerError, decode, encode
from py_peer.net.protobufs import declare

KEY = create_new_key_pair(bytes([1]) * 32).public_key
KEY_BYTES = KEY.serialize()
PEER_ID = str(ID.from_pubkey(KEY))
OTHER = str(ID.from_pubkey(create_new_key_pair(bytes([2]) * 32).public_key))
ADDRESS = f"/ip4/192.0.2.7/tcp/4001/p2p/{PEER_ID}"


def field(number: int, data: bytes) -> bytes:
    """Return a field of bytes, as protobuf has it on the wire."""
    length = len(data)
    return bytes([number << 3 | 2, *([length] if length < 128 else [length & 127 | 128, length >> 7])]) + data


def binary(text: str) -> bytes:
    return bytes(Multiaddr(text).to_bytes())


# --- The payload ----------------------------------------------------------------------------------


def test_an_announcement_is_byte_for_byte_what_the_javascript_peers_send() -> None:
    assert encode(KEY, [ADDRESS]) == field(1, KEY_BYTES) + field(2, binary(ADDRESS))


@pytest.mark.parametrize("new", [create_new_key_pair, new_secp256k1, new_rsa], ids=["Ed25519", "secp256k1", "RSA"])
def test_a_peer_is_read_as_it_was_written_whatever_its_key(new: type) -> None:
    key = new().public_key
    addresses = ["/ip4/192.0.2.7/tcp/4001", "/dns4/chat.example/tcp/443/tls/ws", "/ip6/2001:db8::1/udp/9/quic-v1"]
    peer = decode(encode(key, addresses))
    assert ID(peer.peer_id) == ID.from_pubkey(key)
    assert [str(Multiaddr(one)) for one in peer.addresses] == addresses


def test_a_peer_without_addresses_and_with_fields_of_a_later_version_is_read() -> None:
    assert decode(field(1, KEY_BYTES) + field(9, b"later")) == AnnouncedPeer(ID.from_pubkey(KEY).to_bytes(), ())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no public key"),
        (b"\x0a", "no protobuf"),
        (b"hello", "no protobuf"),
        (field(1, b"\x08\x01\x12\x20" + bytes(3)), "no public key"),
        (field(1, KEY_BYTES[:-1]), "no public key"),
        (field(1, b"\x08\x09" + KEY_BYTES[2:]), "no public key"),
        (field(1, KEY_BYTES) + 5 * field(2, b"x"), "too many addresses"),
        (field(1, KEY_BYTES) + field(2, 11 * b"x"), "an address that is too long"),
        (field(1, KEY_BYTES) + field(9, 200 * b"x"), "too large"),
    ],
)
def test_what_announces_no_peer_is_refused_with_one_kind_of_error(data: bytes, reason: str) -> None:
    with pytest.raises(AnnouncedPeerError, match=f"^{reason}$"):
        decode(data, max_bytes=150, max_addresses=4, max_address_bytes=10)


@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda tail: field(1, KEY_BYTES) + tail))
def test_no_bytes_do_worse_than_be_refused(data: bytes) -> None:
    with contextlib.suppress(AnnouncedPeerError):
        peer = decode(data, max_addresses=4, max_address_bytes=40)
        assert len(peer.addresses) <= 4
        assert all(len(address) <= 40 for address in peer.addresses)


@pytest.mark.parametrize(
    "addresses", [["/ip4/192.0.2.7/tcp"], ["chat.example"], 65 * [ADDRESS], [f"/dns4/{600 * 'x'}/tcp/1"]]
)
def test_what_others_could_not_read_is_not_written(addresses: list[str]) -> None:
    with pytest.raises(AnnouncedPeerError):
        encode(KEY, addresses)


# --- Messages in protobuf's own words ---------------------------------------------------------------


def test_messages_are_declared_as_a_proto_file_has_them() -> None:
    messages = declare(
        "test",
        Request=("Metadata metadata = 1", "string content = 2"),
        Metadata=("string clientVersion = 1", "int64 timestamp = 2"),
        Response=("int32 status = 2", "optional string statusText = 3", "repeated uint32 sizes = 4"),
    )
    request = messages["Request"](metadata=messages["Metadata"](clientVersion="py", timestamp=1), content="hi")
    assert request.SerializeToString() == b"\x0a\x06\x0a\x02py\x10\x01\x12\x02hi"
    assert messages["Request"].FromString(request.SerializeToString()) == request
    response = messages["Response"](status=200, sizes=[1, 2])
    assert response.SerializeToString() == b"\x10\xc8\x01\x22\x02\x01\x02"
    assert not response.HasField("statusText")
    response.statusText = ""
    assert messages["Response"].FromString(response.SerializeToString()).HasField("statusText")


@pytest.mark.parametrize("line", ["bytes key", "repeated optional bytes key = 1", "nothing key = 1", ""])
def test_what_is_no_field_is_noticed_when_it_is_declared(line: str) -> None:
    with pytest.raises(ValueError):
        declare("test", Message=(line,))


def test_two_fields_with_one_number_are_noticed_when_they_are_declared() -> None:
    with pytest.raises(TypeError):
        declare("test", Message=("bytes one = 1", "bytes other = 1"))
