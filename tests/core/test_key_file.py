"""A key's bytes are those of the other peers, and nothing else is taken for a key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.key_file import KeyFileError, decode_key, encode_key, peer_id_of

HALVES = st.binary(min_size=32, max_size=32)
SEED, PUBLIC = bytes(range(32)), bytes(range(32, 64))


@given(HALVES, HALVES)
def test_what_was_written_is_read(seed: bytes, public: bytes) -> None:
    assert decode_key(encode_key(seed, public)) == (seed, public)


def test_the_older_form_with_the_public_key_twice_is_read() -> None:
    assert decode_key(b"\x08\x01\x12\x60" + SEED + PUBLIC + PUBLIC) == (SEED, PUBLIC)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "nothing"),
        (b"\n", "no libp2p key"),
        (b"\x08\x01\x12\x20" + SEED, "no libp2p key"),
        (encode_key(SEED, PUBLIC)[:-1], "67 bytes, where a key of this kind has 68"),
        (encode_key(SEED, PUBLIC) + b"\n", "69 bytes, where a key of this kind has 68"),
        (b"\x08\x01\x12\x60" + SEED + PUBLIC + SEED, "two public keys that differ"),
        (b"\x08\x00\x12\xa7\x09", "an RSA key, where an Ed25519 key is needed"),
        (b"\x08\x02\x12\x20" + SEED, "a secp256k1 key, where an Ed25519 key is needed"),
        (b"\x08\x03\x12\x79", "an ECDSA key, where an Ed25519 key is needed"),
        (b"CAESQK1p", "a key in base64: decode it first"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----", "a key in PEM"),
    ],
)
def test_anything_else_is_called_by_its_name(data: bytes, what: str) -> None:
    with pytest.raises(KeyFileError) as refused:
        decode_key(data)
    assert str(refused.value) == what


@given(st.binary(max_size=120) | st.binary(max_size=100).map(lambda rest: b"\x08\x01\x12\x40" + rest))
def test_no_bytes_do_worse_than_be_refused(data: bytes) -> None:
    try:
        seed, public = decode_key(data)
    except KeyFileError:
        return
    assert data in (encode_key(seed, public), b"\x08\x01\x12\x60" + seed + public + public)


def test_a_peer_id_is_the_public_key_itself() -> None:
    assert peer_id_of(PUBLIC) == "12D3KooWBynX2HaNg73xSLq9TJDQjQKozxCh7MgVqKgGGXWXYzQn"
