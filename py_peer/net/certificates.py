"""The certificates of libp2p's TLS: ours, and what a stranger's proves. QUIC and TLS on a connection share them.

A certificate here vouches for nobody. Its key is a fresh one, and in one extension the key of the peer signs it; that
is all that is believed of it. Who shows one has proved to TLS that the fresh key is his.

The library has the same (security/tls/certificate.py, 0.8.1), but knows no ECDSA keys, takes what it does not
understand although it is critical, and raises whatever the stranger's bytes make it raise.

Spec: https://github.com/libp2p/specs/blob/master/tls/tls.md. Pinned by tests/net/test_certificates.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast, final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from libp2p.crypto.keys import KeyType, PublicKey
from libp2p.crypto.pb import crypto_pb2
from libp2p.crypto.serialization import deserialize_public_key

from py_peer.core import limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from libp2p.crypto.keys import PrivateKey

_EXTENSION: Final = x509.ObjectIdentifier("1.3.6.1.4.1.53594.1.1")
_SIGNED: Final = b"libp2p-tls-handshake:"
"""What is signed before the certificate's own key."""

_UNDERSTOOD: Final = (_EXTENSION, x509.OID_BASIC_CONSTRAINTS, x509.OID_KEY_USAGE)
"""Extensions that may be critical; the others two forbid nothing that is done with a certificate here."""

_BEGINNING: Final = datetime(1975, 1, 1, tzinfo=UTC)
_END: Final = datetime(4096, 1, 1, tzinfo=UTC)
"""As the Rust peers have it: neither our clock nor theirs has to be right."""


class CertificateError(Exception):
    """A certificate proves nothing; the text says why, and holds nothing of it."""


@asn1.sequence
class _SignedKey:
    """What is in the extension: a peer's key, and what it signed."""

    key: bytes
    signature: bytes


@final
@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """A certificate of ours, and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        """The certificate as others get it."""
        return self.certificate.public_bytes(serialization.Encoding.DER)


def make_certificate(host_key: PrivateKey) -> OwnCertificate:
    """Return a certificate, with a key of its own, that shows who has `host_key`. It takes 0.3 ms."""
    key = ec.generate_private_key(ec.SECP256R1())
    signed = _SignedKey(
        key=host_key.get_public_key().serialize(), signature=host_key.sign(_SIGNED + _encoded(key.public_key()))
    )
    certificate = (
        x509.CertificateBuilder()
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGINNING)
        .not_valid_after(_END)
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(key.public_key())
        .add_extension(x509.UnrecognizedExtension(_EXTENSION, asn1.encode_der(signed)), critical=False)
        .sign(key, hashes.SHA256())
    )
    return OwnCertificate(certificate, key)


_NAME: Final = x509.Name([x509.NameAttribute(x509.OID_ORGANIZATION_NAME, "libp2p.io")])


def peer_key(chain: Sequence[bytes]) -> PublicKey:
    """Return the key of the peer whom a stranger's certificates, in DER, prove. Raises CertificateError."""
    if len(chain) != 1:
        msg = f"{len(chain)} certificates, and it has to be one"
        raise CertificateError(msg)
    if len(chain[0]) > limits.MAX_CERTIFICATE_BYTES:
        raise CertificateError("it is too large")
    try:
        return _key_in(x509.load_der_x509_certificate(chain[0]))
    except CertificateError:
        raise
    except Exception as error:  # the libraries raise what they like at what they cannot read
        msg = f"it cannot be read, or a signature in it does not hold ({type(error).__name__})"
        raise CertificateError(msg) from error


def _key_in(certificate: x509.Certificate) -> PublicKey:
    if not certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc:
        raise CertificateError("it has expired or is not valid yet; a clock may be wrong")
    if any(one.critical and one.oid not in _UNDERSTOOD for one in certificate.extensions):
        raise CertificateError("it has a critical extension that nobody here understands")
    certificate.verify_directly_issued_by(certificate)
    extension = certificate.extensions.get_extension_for_oid(_EXTENSION).value
    signed = asn1.decode_der(_SignedKey, cast("x509.UnrecognizedExtension", extension).value)
    key = _public_key(signed.key)
    if not key.verify(_SIGNED + _encoded(certificate.public_key()), signed.signature):
        raise CertificateError("no peer has signed it")
    return key


def _encoded(key: object) -> bytes:
    """Return a key as a certificate has it (SubjectPublicKeyInfo)."""
    data: bytes = cast("ec.EllipticCurvePublicKey", key).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return data


def _public_key(data: bytes) -> PublicKey:
    """Return the key of a peer, as others are told it."""
    key = crypto_pb2.PublicKey.FromString(data)
    return _ECDSAKey(key.data) if key.key_type == crypto_pb2.ECDSA else deserialize_public_key(data)


@final
class _ECDSAKey(PublicKey):
    """A kind of key that the library can only name (0.8.1)."""

    def __init__(self, data: bytes) -> None:
        self._key = cast("ec.EllipticCurvePublicKey", serialization.load_der_public_key(data))
        if not isinstance(self._key, ec.EllipticCurvePublicKey):
            raise CertificateError("its peer's key is of another kind than it says")

    def to_bytes(self) -> bytes:
        return _encoded(self._key)

    def get_type(self) -> KeyType:
        return KeyType.ECDSA

    def verify(self, data: bytes, signature: bytes) -> bool:
        self._key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        return True
