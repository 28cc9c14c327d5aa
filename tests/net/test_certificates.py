"""What a certificate proves: the examples of the specification, every kind of key, and everything else nothing."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.rsa import create_new_key_pair as new_rsa
from libp2p.crypto.secp256k1 import create_new_key_pair as new_secp256k1
from libp2p.peer.id import ID
from libp2p.security.tls import certificate as stock

from py_peer.core import limits
from py_peer.net.certificates import CertificateError, make_certificate, peer_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from libp2p.crypto.keys import KeyPair

EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.53594.1.1")
NOW = datetime.now(UTC)

_HEAD = """
0201020204499602d2300a06082a8648ce3d040302302031123010060355040a13096c69627032702e696f310a3008060355040513013130
20170d3735303130313133303030305a180f34303936303130313133303030305a302031123010060355040a13096c69627032702e696f31
0a300806035504051301313059301306072a8648ce3d020106082a8648ce3d030107034200040c901d423c831ca85e27c73c263ba132721b
b9d7a84c4f0380b2a6756fd601331c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569e
"""
"""What the specification's examples have in common: the same serial number, names, times and key."""

ED25519 = f"""308201ae30820156a003{_HEAD}
a37c307a3078060a2b0601040183a25a0101046a3068042408011220a77f1d92fedb59dddaea5a1c4abd1ac2fbde7d7b879ed36450180992
3d7c11b90440d90d2769db992d5e6195dbb08e706b6651e024fda6cfb8846694a435519941cac215a8207792e42849cccc6cd8136c6e4bde
92a58c5e08cfd4206eb5fe0bf909300a06082a8648ce3d0403020346003043021f50f6b6c52711a881778718238f650c9fb48943ae6ee6d2
8427dc6071ae55e702203625f116a7a454db9c56986c82a25682f7248ea1cb764d322ea983ed36a31b77
"""
ECDSA = f"""308201f63082019da003{_HEAD}
a381c23081bf3081bc060a2b0601040183a25a01010481ad3081aa045f0803125b3059301306072a8648ce3d020106082a8648ce3d030107
03420004bf30511f909414ebdd3242178fd290f093a551cf75c973155de0bb5a96fedf6cb5d52da7563e794b512f66e60c7f55ba8a3acf3d
d72a801980d205e8a1ad29f2044730450220064ea8124774caf8f50e57f436aa62350ce652418c019df5d98a3ac666c9386a022100aa59d7
04a931b5f72fb9222cb6cc51f954d04a4e2e5450f8805fe8918f71eaae300a06082a8648ce3d04030203470030440220799395b0b6c1e940
a7e4484705f610ab51ed376f19ff9d7c16757cfbf61b8d4302206205c03fbb0f95205c779be86581d3e31c01871ad5d1f3435bcf375cb0e5
088a
"""
SECP256K1 = f"""308201ba3082015fa003{_HEAD}
a38184308181307f060a2b0601040183a25a01010471306f0425080212210206dc6968726765b820f050263ececf7f71e4955892776c0970
542efd689d2382044630440220145e15a991961f0d08cd15425bb95ec93f6ffa03c5a385eedc34ecf464c7a8ab022026b3109b8a3f40ef83
3169777eb2aa337cfb6282f188de0666d1bcec2a4690dd300a06082a8648ce3d0403020349003046022100e1a217eeef9ec9204b3f774a08
b70849646b6a1e6b8b27f93dc00ed58545d9fe022100b00dafa549d0f03547878338c7b15e7502888f6d45db387e5ae6b5d46899cef0
"""
INVALID = f"""308201f73082019da003{_HEAD}
a381c23081bf3081bc060a2b0601040183a25a01010481ad3081aa045f0803125b3059301306072a8648ce3d020106082a8648ce3d030107
03420004bf30511f909414ebdd3242178fd290f093a551cf75c973155de0bb5a96fedf6cb5d52da7563e794b512f66e60c7f55ba8a3acf3d
d72a801980d205e8a1ad29f204473045022100bb6e03577b7cc7a3cd1558df0da2b117dfdcc0399bc2504ebe7de6f65cade72802206de96e
2a5be9b6202adba24ee0362e490641ac45c240db71fe955f2c5cf8df6e300a06082a8648ce3d0403020348003045022100e847f267f43717
358f850355bdcabbefb2cfbf8a3c043b203a14788a092fe8db022027c1d04a2d41fd6b57a7e8b3989e470325de4406e52e084e34a3fd56ee
f0d0df
"""
EXAMPLES = {
    ED25519: "12D3KooWM6CgA9iBFZmcYAHA6A2qvbAxqfkmrYiRQuz3XEsk4Ksv",
    ECDSA: "QmfXbAwNjJLXfesgztEHe8HwgVDCMMpZ9Eax1HYq6hn9uE",
    SECP256K1: "16Uiu2HAkutTMoTzDw1tCvSRtu6YoixJwS46S1ZFxW8hSx9fWHiPs",
}


@pytest.mark.parametrize(("text", "peer_id"), EXAMPLES.items(), ids=["Ed25519", "ECDSA", "secp256k1"])
def test_a_certificate_of_the_specification_proves_its_peer(text: str, peer_id: str) -> None:
    assert ID.from_pubkey(peer_key([bytes.fromhex(text)])).to_base58() == peer_id


def test_the_certificate_that_the_specification_calls_invalid_proves_nothing() -> None:
    with pytest.raises(CertificateError):
        peer_key([bytes.fromhex(INVALID)])


@pytest.mark.parametrize("new", [create_new_key_pair, new_secp256k1, lambda: new_rsa(2_048), lambda: new_rsa(4_096)])
def test_what_we_make_proves_us_to_ourselves_and_to_the_library_whatever_our_key_is(new: Callable[[], KeyPair]) -> None:
    keys = new()
    ours = make_certificate(keys.private_key)
    assert peer_key([ours.der]) == keys.public_key
    assert stock.verify_certificate_chain([ours.certificate]) == keys.public_key
    assert ours.key.public_key() == ours.certificate.public_key()
    assert len(ours.der) < limits.MAX_CERTIFICATE_BYTES / 2


def test_each_certificate_has_a_key_of_its_own() -> None:
    host_key = create_new_key_pair().private_key
    one, other = make_certificate(host_key), make_certificate(host_key)
    assert one.key.public_key() != other.key.public_key()
    assert one.certificate.serial_number != other.certificate.serial_number


def test_what_the_library_makes_proves_its_peer() -> None:
    keys = create_new_key_pair()
    text, _ = stock.generate_certificate(keys.private_key, stock.create_cert_template())
    assert peer_key([ssl.PEM_cert_to_DER_cert(text)]) == keys.public_key


# --- What proves nothing --------------------------------------------------------------------------


class Forger:
    """Makes certificates of one peer, each with some of it otherwise."""

    def __init__(self) -> None:
        self.key: Any = ec.generate_private_key(ec.SECP256R1())
        self.host = create_new_key_pair().private_key
        self.begins, self.ends = NOW - timedelta(days=2), NOW + timedelta(days=2)
        self.more: list[tuple[x509.ExtensionType, bool]] = []
        self.issuer = self.subject = x509.Name([])
        self.signed_with: Any = self.key
        self.value: bytes | None = None

    def certificate(self) -> bytes:
        public = self.key.public_key()
        spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        value = self.value
        if value is None:
            signature = self.host.sign(b"libp2p-tls-handshake:" + spki)
            value = stock.encode_signed_key(self.host.get_public_key().serialize(), signature)
        builder = (
            x509.CertificateBuilder()
            .serial_number(1)
            .not_valid_before(self.begins)
            .not_valid_after(self.ends)
            .subject_name(self.subject)
            .issuer_name(self.issuer)
            .public_key(public)
        )
        for extension, critical in self.more:
            builder = builder.add_extension(extension, critical)
        if value:
            builder = builder.add_extension(x509.UnrecognizedExtension(EXTENSION, value), critical=bool(self.more))
        edwards = isinstance(self.signed_with, ed25519.Ed25519PrivateKey)
        made = builder.sign(self.signed_with, None if edwards else hashes.SHA256())
        return made.public_bytes(serialization.Encoding.DER)


def unknown(size: int = 1, *, critical: bool) -> tuple[x509.ExtensionType, bool]:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(size)), critical


def test_what_is_not_critical_is_ignored_and_ours_and_the_usual_ones_may_be() -> None:
    forger = Forger()
    forger.more = [unknown(critical=False), (x509.BasicConstraints(ca=False, path_length=None), True)]
    assert peer_key([forger.certificate()]) == forger.host.get_public_key()


def test_the_key_of_a_certificate_may_be_of_another_kind_than_ours() -> None:
    forger = Forger()
    forger.key = forger.signed_with = ed25519.Ed25519PrivateKey.generate()
    assert peer_key([forger.certificate()]) == forger.host.get_public_key()


FAULTS: dict[str, Callable[[Forger], Any]] = {
    "expired": lambda one: setattr(one, "ends", NOW - timedelta(days=1)),
    "not valid yet": lambda one: setattr(one, "begins", NOW + timedelta(days=1)),
    "without the extension": lambda one: setattr(one, "value", b""),
    "with what is no SignedKey": lambda one: setattr(one, "value", b"\x30\x03\x04\x01\x00"),
    "with a key that is none": lambda one: setattr(
        one, "value", stock.encode_signed_key(b"\x08\x01\x12\x01\x00", b"0")
    ),
    "with a key of no kind": lambda one: setattr(one, "value", stock.encode_signed_key(b"\x08\x63\x12\x01\x00", b"0")),
    "with an ECDSA key that is none": lambda one: setattr(
        one, "value", stock.encode_signed_key(b"\x08\x03\x12\x01\x00", b"0")
    ),
    "with the signature of another": lambda one: setattr(
        one,
        "value",
        stock.encode_signed_key(one.host.get_public_key().serialize(), create_new_key_pair().private_key.sign(b"0")),
    ),
    "signed by another": lambda one: setattr(one, "signed_with", ec.generate_private_key(ec.SECP256R1())),
    "issued by another": lambda one: setattr(
        one, "issuer", x509.Name([x509.NameAttribute(x509.OID_COMMON_NAME, "another")])
    ),
    "with a critical extension that nobody knows": lambda one: one.more.append(unknown(critical=True)),
    "with a critical extension that is not heeded": lambda one: one.more.append(
        (x509.NameConstraints([x509.DNSName("example.org")], None), True)
    ),
    "too large": lambda one: one.more.append(unknown(limits.MAX_CERTIFICATE_BYTES, critical=False)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_certificate_proves_nothing_when_it_is(fault: str) -> None:
    forger = Forger()
    assert peer_key([forger.certificate()]) == forger.host.get_public_key()
    FAULTS[fault](forger)
    with pytest.raises(CertificateError):
        peer_key([forger.certificate()])


def test_it_has_to_be_exactly_one() -> None:
    certificate = Forger().certificate()
    for chain in ([], [certificate, certificate]):
        with pytest.raises(CertificateError):
            peer_key(chain)


@given(st.sampled_from(list(EXAMPLES)), st.integers(0, 600), st.integers(1, 255))
def test_a_certificate_with_any_byte_changed_proves_nothing(text: str, place: int, change: int) -> None:
    data = bytearray.fromhex(text)
    data[place % len(data)] ^= change
    with pytest.raises(CertificateError):
        peer_key([bytes(data)])


@given(st.binary(max_size=300))
def test_what_is_no_certificate_proves_nothing(data: bytes) -> None:
    with pytest.raises(CertificateError):
        peer_key([data])


@given(st.binary(max_size=200))
def test_whatever_is_in_the_extension_nothing_but_a_certificate_error_is_raised(value: bytes) -> None:
    forger = Forger()
    forger.value = value or b"\0"
    with pytest.raises(CertificateError):
        peer_key([forger.certificate()])
