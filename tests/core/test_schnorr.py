"""Keys and signatures of Nostr, held to the vectors of BIP-340 (bip340_vectors.csv is its test-vectors.csv)."""

import csv
from pathlib import Path

import pytest

from py_peer.core import schnorr

VECTORS = list(csv.DictReader(Path(__file__).with_name("bip340_vectors.csv").read_text(encoding="ascii").splitlines()))
ONE = (1).to_bytes(32, "big")


def of(vector: dict[str, str], name: str) -> bytes:
    return bytes.fromhex(vector[name])


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["index"] for vector in VECTORS])
def test_a_signature_of_bip_340_holds_where_it_says_so(vector: dict[str, str]) -> None:
    held = schnorr.holds(of(vector, "public key"), of(vector, "signature"), of(vector, "message"))
    assert held == (vector["verification result"] == "TRUE")


SIGNED = [vector for vector in VECTORS if vector["secret key"] and len(vector["message"]) == 64]


@pytest.mark.parametrize("vector", SIGNED, ids=[vector["index"] for vector in SIGNED])
def test_a_signature_is_the_one_of_bip_340(vector: dict[str, str]) -> None:
    assert schnorr.public_key(of(vector, "secret key")) == of(vector, "public key")
    made = schnorr.sign(of(vector, "secret key"), of(vector, "message"), of(vector, "aux_rand"))
    assert made == of(vector, "signature")


def test_two_signatures_of_one_thing_are_not_the_same() -> None:
    digest = bytes(32)
    one, other = schnorr.sign(ONE, digest), schnorr.sign(ONE, digest)
    assert one != other
    assert schnorr.holds(schnorr.public_key(ONE), one, digest)
    assert schnorr.holds(schnorr.public_key(ONE), other, digest)


ORDER = schnorr.ORDER.to_bytes(32, "big")


@pytest.mark.parametrize(
    "secret", [bytes(32), ORDER, b"\xff" * 32, b"", b"\1" * 31, b"\1" * 33], ids=["0", "n", "top", "none", "31", "33"]
)
def test_what_is_no_secret_key_is_refused(secret: bytes) -> None:
    for use in (schnorr.check_secret, schnorr.public_key, lambda it: schnorr.sign(it, bytes(32))):
        with pytest.raises(schnorr.NostrError, match="secret key"):
            use(secret)


def test_the_largest_secret_key_is_one() -> None:
    secret = (schnorr.ORDER - 1).to_bytes(32, "big")
    assert schnorr.public_key(secret) == schnorr.public_key(ONE)  # the same point, turned over


@pytest.mark.parametrize("sizes", [(0, 64), (31, 64), (33, 64), (32, 0), (32, 63), (32, 65)], ids=str)
def test_what_is_no_key_or_no_signature_holds_nothing(sizes: tuple[int, int]) -> None:
    assert not schnorr.holds(b"\1" * sizes[0], b"\1" * sizes[1], bytes(32))


@pytest.mark.parametrize(("digest", "randomness"), [(b"", b""), (bytes(33), b""), (bytes(32), b"1")], ids=str)
def test_only_a_hash_is_signed(digest: bytes, randomness: bytes) -> None:
    with pytest.raises(schnorr.NostrError):
        schnorr.sign(ONE, digest, randomness)
