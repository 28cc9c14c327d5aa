"""Keys and signatures of Nostr: Schnorr on secp256k1, by coincurve, which is libsecp256k1.

Spec: https://github.com/bitcoin/bips/blob/master/bip-0340.mediawiki. coincurve is imported when there is something to
sign or to verify: it takes 30 ms, and most who chat have nothing of the kind.
"""

from __future__ import annotations

from typing import Final

ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""The number of points: a secret is a number from 1 to one less than it."""

SECRET: Final = 32
PUBLIC: Final = 32
DIGEST: Final = 32
SIGNATURE: Final = 64


class NostrError(ValueError):
    """Something of Nostr is not what it should be. The text says what, as a sentence without a full stop."""


def check_secret(secret: bytes) -> bytes:
    """Return the 32 bytes of a secret key. Raises NostrError when they are none."""
    if len(secret) != SECRET:
        raise NostrError(f"a secret key has {SECRET} bytes, not {len(secret)}")
    if not 0 < int.from_bytes(secret, "big") < ORDER:
        raise NostrError("this number is no secret key: it is 0, or not below the order of secp256k1")
    return secret


def public_key(secret: bytes) -> bytes:
    """Return the 32 bytes of the public key that belongs to a secret one. Raises NostrError."""
    from coincurve import PublicKeyXOnly  # noqa: PLC0415 - see above

    return PublicKeyXOnly.from_secret(check_secret(secret)).format()


def sign(secret: bytes, digest: bytes, randomness: bytes = b"") -> bytes:
    """Return the 64 bytes of a signature of a hash of 32 bytes. Raises NostrError.

    `randomness`: 32 bytes; without them they are the system's, and so no two signatures are the same.
    """
    from coincurve import PrivateKey  # noqa: PLC0415 - see above

    if len(digest) != DIGEST or len(randomness) not in (0, 32):
        raise NostrError(f"a hash of {DIGEST} bytes is signed, with 32 bytes of randomness or none")
    return PrivateKey(check_secret(secret)).sign_schnorr(digest, randomness)


def holds(public: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether a signature of a message holds. Never raises: what is no key and no signature does not."""
    from coincurve import PublicKeyXOnly  # noqa: PLC0415 - see above

    if len(public) != PUBLIC or len(signature) != SIGNATURE:
        return False
    try:
        return PublicKeyXOnly(public).verify(signature, message)
    except ValueError:  # no point of the curve
        return False
