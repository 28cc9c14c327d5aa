"""The namespace /ipns/: what the peer in the key has signed stands there, and its highest number holds."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from Crypto.PublicKey import RSA
from libp2p.crypto import rsa
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID
from libp2p.records.pb.ipns_pb2 import IpnsEntry

from py_peer.core.records import Record, RecordRefusedError, rule_for
from py_peer.net.ipns_rule import _LARGEST_KEY, IpnsRule
from py_peer.net.kad_records import RULES
from py_peer.net.library import disarm

PAIR = create_new_key_pair()
KEY = b"/ipns/" + ID.from_pubkey(PAIR.public_key).to_bytes()
RULE = IpnsRule()


def entry(sequence: int = 1, validity: str = "2099-01-01T00:00:00Z", **changes: Any) -> bytes:
    """Return a record, signed by PAIR whatever is changed in what is signed."""
    fields = {
        "TTL": 1,
        "Value": b"/ipfs/x",
        "Sequence": sequence,
        "Validity": validity.encode(),
        "ValidityType": 0,
        **changes,
    }
    data = cbor2.dumps(fields)
    signature = PAIR.private_key.sign(b"ipns-signature:" + data)
    return bytes(IpnsEntry(data=data, signatureV2=signature).SerializeToString())


def test_what_the_peer_has_signed_is_taken_and_the_highest_number_holds_then_the_longer_time() -> None:
    assert isinstance(rule_for(KEY, RULES), IpnsRule)
    records = [entry(1), entry(2), entry(2, "2099-02-01T00:00:00Z")]
    for value in records:
        RULE.check(KEY, value)
    low, high, long = (Record(KEY, value, 9 - time, 0) for time, value in enumerate(records))
    assert max([long, low, high], key=RULE.rank) is long
    assert max([low, high], key=RULE.rank) is high


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff" * 99,
        bytes(10_240),
        IpnsEntry(value=b"/ipfs/x", sequence=9).SerializeToString(),
        entry().replace(b"/ipfs/x", b"/ipfs/y"),
        entry(validity="2020-01-01T00:00:00Z"),
        entry(validity="soon"),
        entry(Sequence="1"),
        entry(Extra=[1]),
        entry(Extra=cbor2.CBORTag(35, "(")),
    ],
    ids=["nothing", "noise", "zeros", "no data", "changed", "over", "no time", "no number", "a list", "a tag"],
)
def test_what_is_not_signed_is_over_or_has_more_in_it_than_it_should_is_refused(value: bytes) -> None:
    with pytest.raises(RecordRefusedError, match="IPNS record"):
        RULE.check(KEY, value)


def rsa_key(number: int, exponent: int) -> rsa.RSAPublicKey:
    return rsa.RSAPublicKey(RSA.construct((number, exponent), consistency_check=False))


def test_an_rsa_key_is_as_good_unless_it_would_be_much_work() -> None:
    pair = rsa.create_new_key_pair(2_048)
    data = IpnsEntry.FromString(entry()).data
    signature = pair.private_key.sign(b"ipns-signature:" + data)
    key = b"/ipns/" + ID.from_pubkey(pair.public_key).to_bytes()
    RULE.check(
        key,
        IpnsEntry(data=data, signatureV2=signature, pubKey=pair.public_key.serialize()).SerializeToString(),
    )
    assert len(rsa_key(2**4_095 + 1, 65_537).serialize()) <= _LARGEST_KEY
    assert isinstance(pair.public_key, rsa.RSAPublicKey)
    number = pair.public_key.impl.n
    for exponent in (number - 2, 2**40 + 1):
        slow = rsa_key(number, exponent)
        value = IpnsEntry(data=data, signatureV2=signature, pubKey=slow.serialize()).SerializeToString()
        with disarm(), pytest.raises(RecordRefusedError, match="does not hold") as refused:
            RULE.check(b"/ipns/" + ID.from_pubkey(slow).to_bytes(), value)
        assert "exponent" in str(refused.value.__cause__)


def test_what_one_peer_has_signed_does_not_stand_under_another_nor_under_no_peer() -> None:
    other = b"/ipns/" + ID.from_pubkey(create_new_key_pair().public_key).to_bytes()
    for key in (other, b"/ipns/", b"/ipns/QmX", b"/ipns/\xff\xff"):
        with pytest.raises(RecordRefusedError, match="IPNS record"):
            RULE.check(key, entry())
