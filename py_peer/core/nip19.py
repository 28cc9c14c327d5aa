"""Keys and IDs of Nostr as people see them: npub, nsec, note, nevent and nprofile, in and out.

Spec: https://github.com/nostr-protocol/nips/blob/master/19.md, which takes Bech32 of BIP-173 without its limit of 90
characters. The libraries for Bech32 hold that limit, or nobody keeps them, so its two dozen lines are here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import Final, final

from py_peer.core import limits_nostr
from py_peer.core.schnorr import NostrError, check_secret

_CHARSET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES: Final = {letter: value for value, letter in enumerate(_CHARSET)}
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_FOLDED: Final = [reduce(xor, (part * (top >> bit & 1) for bit, part in enumerate(_GENERATOR))) for top in range(32)]
"""What the polymod takes up for each five bits that are pushed out of it."""

_CHECKSUM: Final = 6

_BARE: Final = ("npub", "nsec", "note")
_WITH_MORE: Final = ("nevent", "nprofile")
_SPECIAL, _RELAY, _AUTHOR, _KIND = range(4)
"""Types of the entries of nevent and nprofile."""

MAX_ENTRY: Final = 255
"""Bytes of an entry: its length is one byte."""

_SIZES: Final = {_SPECIAL: 32, _AUTHOR: 32, _KIND: 4}


@final
@dataclass(frozen=True, slots=True)
class Entity:
    """What one of these strings stands for."""

    prefix: str
    """npub, nsec, note, nevent or nprofile."""

    data: bytes
    """The 32 bytes of the key or of the event's ID."""

    relays: tuple[str, ...] = ()
    """Addresses of relays that may have it; ASCII, and not cleaned."""

    author: bytes | None = None
    """Of an event: the 32 bytes of its author's public key."""

    kind: int | None = None
    """Of an event."""

    def __repr__(self) -> str:
        """Return it without a secret, which must not get into a log."""
        return f"Entity({self.prefix!r}, {'…' if self.prefix == 'nsec' else self.data.hex()!r})"


def encode(entity: Entity) -> str:
    """Return the string for it. Raises NostrError."""
    if len(entity.data) != _SIZES[_SPECIAL]:
        raise NostrError(f"what this {entity.prefix} stands for has {len(entity.data)} bytes, where it needs 32")
    if entity.prefix in _BARE:
        return _to_bech32(entity.prefix, entity.data)
    entries = [(_SPECIAL, entity.data)]
    try:
        entries += [(_RELAY, relay.encode("ascii")) for relay in entity.relays]
        if entity.author is not None:
            entries.append((_AUTHOR, entity.author))
        if entity.kind is not None:
            entries.append((_KIND, entity.kind.to_bytes(4, "big")))
        data = b"".join(bytes((number, len(value))) + value for number, value in entries)
    except (ValueError, OverflowError) as error:
        raise NostrError("this does not fit into a nevent: relays are ASCII of 255 characters at most") from error
    return _to_bech32(entity.prefix, data)


def decode(text: str) -> Entity:
    """Return what a string stands for; `nostr:` may stand before it (NIP-21). Raises NostrError."""
    prefix, data = _from_bech32(text.removeprefix("nostr:"))
    if prefix in _BARE:
        if len(data) != _SIZES[_SPECIAL]:
            raise NostrError(f"what this {prefix} stands for has {len(data)} bytes, where it needs 32")
        return Entity(prefix, check_secret(data) if prefix == "nsec" else data)
    if prefix not in _WITH_MORE:
        raise NostrError("only npub, nsec, note, nevent and nprofile are known here")
    return _from_entries(prefix, data)


def npub(public: bytes | str) -> str:
    """Return the npub of a public key, of its 32 bytes or their 64 hexadecimal digits. Raises NostrError."""
    return encode(Entity("npub", bytes.fromhex(public) if isinstance(public, str) else public))


def _from_entries(prefix: str, data: bytes) -> Entity:
    """Read the entries of a nevent or nprofile: those of unknown types are skipped, as NIP-19 wants."""
    special, author, kind, relays, at = None, None, None, list[str](), 0
    while at < len(data):
        number, length = data[at], data[at + 1] if at + 1 < len(data) else 0
        value = data[at + 2 : at + 2 + length]
        at += 2 + length
        if at > len(data):
            raise NostrError(f"this {prefix} ends in the middle of an entry")
        if len(value) != _SIZES.get(number, len(value)):
            raise NostrError(f"an entry of this {prefix} has {len(value)} bytes, where it needs {_SIZES[number]}")
        if number == _SPECIAL and special is None:
            special = value
        elif number == _AUTHOR and author is None:
            author = value
        elif number == _KIND and kind is None:
            kind = int.from_bytes(value, "big")
        elif number == _RELAY and len(relays) < limits_nostr.MAX_NIP19_RELAYS and value.isascii():
            relays.append(value.decode("ascii"))
    if special is None:
        raise NostrError(f"this {prefix} does not say what it stands for")
    return Entity(prefix, special, tuple(relays), author, kind)


def _to_bech32(prefix: str, data: bytes) -> str:
    number, bits = int.from_bytes(data, "big"), 8 * len(data)
    number, groups = number << (-bits % 5), -(-bits // 5)
    values = [number >> 5 * (groups - 1 - index) & 31 for index in range(groups)]
    check = _checksum([*_expanded(prefix), *values, *[0] * _CHECKSUM]) ^ 1
    values += [check >> 5 * (_CHECKSUM - 1 - index) & 31 for index in range(_CHECKSUM)]
    text = f"{prefix}1{''.join(_CHARSET[value] for value in values)}"
    if len(text) > limits_nostr.MAX_NIP19_CHARS:
        raise NostrError(f"a {prefix} has {limits_nostr.MAX_NIP19_CHARS:,} characters at most; leave relays out")
    return text


def _from_bech32(text: str) -> tuple[str, bytes]:
    if len(text) > limits_nostr.MAX_NIP19_CHARS:
        raise NostrError(f"this has more than {limits_nostr.MAX_NIP19_CHARS:,} characters")
    lower = text.lower()
    if text not in (lower, text.upper()):
        raise NostrError("small and capital letters are mixed in it")
    prefix, one, rest = lower.rpartition("1")
    if not one or not prefix.isascii() or not prefix.isalpha() or any(letter not in _VALUES for letter in rest):
        raise NostrError("this is no npub, nsec, note or nevent")
    values = [_VALUES[letter] for letter in rest]
    if len(values) < _CHECKSUM or _checksum([*_expanded(prefix), *values]) != 1:
        raise NostrError(f"this {prefix} is not whole: its last letters do not match the others")
    del values[-_CHECKSUM:]
    number = 0
    for value in values:
        number = number << 5 | value
    spare = 5 * len(values) % 8
    if spare >= 5 or number & ((1 << spare) - 1):
        raise NostrError(f"this {prefix} has bits that belong to nothing")
    return prefix, (number >> spare).to_bytes(5 * len(values) // 8, "big")


def _expanded(prefix: str) -> list[int]:
    codes = prefix.encode("ascii")
    return [*(code >> 5 for code in codes), 0, *(code & 31 for code in codes)]


def _checksum(values: list[int]) -> int:
    """Return BIP-173's polymod."""
    check = 1
    for value in values:
        check = (check & 0x1FFFFFF) << 5 ^ value ^ _FOLDED[check >> 25]
    return check
