"""Values of the DHT: what a record is, which of two for one key holds, and who may put what under which key.

A record's time is when it was put, by the clock of who has put it; those who hold it pass it on unchanged. Of two
records of a raw key the later holds, and of two of one time the one with the greater value, so that everybody who has
seen both holds the same. A key that begins with "/" belongs to a namespace, whose rule says which values there are.

Times are nanoseconds since 1970. Spec: https://github.com/libp2p/specs/blob/master/kad-dht/README.md#entry-validation
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, final

from py_peer.core import limits

if TYPE_CHECKING:
    from collections.abc import Mapping

SECOND: Final = 1_000_000_000
MILLISECOND: Final = 1_000_000

_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)

UNTOLD: Final = 0
"""The time of a record of which nobody has said when it was put."""

Rank: TypeAlias = tuple[int | bytes, ...]


class RecordRefusedError(ValueError):
    """A record that is none; the text says why, and holds nothing of it; up to its first comma it is one of a few."""

    @property
    def kind(self) -> str:
        """What of the text can be counted."""
        return str(self).partition(",")[0]


@final
@dataclass(frozen=True, slots=True)
class Record:
    """A value under a key. Made by `received`, its time is none of a far future by our clock of then."""

    key: bytes
    value: bytes
    time: int
    expires: int

    def in_bounds(self, now: int) -> Record:
        """Return it as it may be kept at `now`: our clock may have been ahead when it was put, and be right since."""
        latest = now + limits.KAD_CLOCK_AHEAD * SECOND
        longest = limits.KAD_VALUE_SECONDS * SECOND
        if self.time <= latest and self.expires <= latest + longest:
            return self
        time = min(self.time, latest)
        return replace(self, time=time, expires=min(self.expires, max(time, now) + longest))


def check_size(key: bytes, value: bytes) -> None:
    """Raise RecordRefusedError for what no packet of Kademlia carries."""
    if not 0 < len(key) <= limits.MAX_KAD_KEY:
        raise RecordRefusedError(f"a key has 1 to {limits.MAX_KAD_KEY} bytes, and this one has {len(key):,}")
    if len(value) > limits.MAX_KAD_VALUE:
        most = f"{limits.MAX_KAD_VALUE:,}"
        raise RecordRefusedError(f"a value has at most {most} bytes, and this one has {len(value):,}")


def received(key: bytes, value: bytes, time: int | None, ttl: int, now: int) -> Record:
    """Return the record that somebody hands us at `now`; `time` and `ttl` (seconds, 0 for none) are what he says.

    Rust's have no time: they are as old as what is missing of the two days for which it keeps them, too, and a second
    more, as it rounds down; so no copy of Rust's is later than the record that it is one of. With neither a time nor a
    `ttl` nobody knows when it was put, and any other is later.

    A clock may be ahead of ours by `limits.KAD_CLOCK_AHEAD`; a time beyond that counts as that, so that a later put can
    always be later. Raises RecordRefusedError for one that has expired.
    """
    check_size(key, value)
    most = limits.KAD_VALUE_SECONDS * SECOND
    if time is None and not ttl:
        return Record(key, value, UNTOLD, now + most)
    time = now - max(0, most - (ttl - 1) * SECOND) if time is None else time
    time = min(time, now + limits.KAD_CLOCK_AHEAD * SECOND)
    expires = time + most
    if ttl:
        expires = min(expires, now + ttl * SECOND)
    if expires <= now:
        raise RecordRefusedError("a value that has expired")
    return Record(key, value, time, expires)


# --- Who may put what -----------------------------------------------------------------------------


class Rule(Protocol):
    """What holds in one namespace."""

    def check(self, key: bytes, value: bytes) -> None:
        """Raise RecordRefusedError for a value that cannot stand under a key."""

    def rank(self, record: Record) -> Rank:
        """Return what decides between two records of one key that have been checked: the greater holds."""


@final
class LatestRule:
    """Everybody may put anything, and the latest holds: for raw keys."""

    def check(self, key: bytes, value: bytes) -> None:
        """Take any value."""

    def rank(self, record: Record) -> Rank:
        """Return the time, then the value."""
        return record.time, record.value


@final
class PublicKeyRule:
    """Under /pk/ and a peer ID stands the public key that it is the hash of, as `PublicKey` in a protobuf.

    Spec: https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md
    """

    def check(self, key: bytes, value: bytes) -> None:
        """Take the one key that the ID is made of."""
        import hashlib  # noqa: PLC0415

        inline = b"\x00" + bytes([len(value)]) + value if len(value) <= _LONGEST_INLINE else None
        if key.removeprefix(b"/pk/") not in (inline, b"\x12\x20" + hashlib.sha256(value).digest()):
            raise RecordRefusedError("a public key of another peer than the one in its name")

    def rank(self, record: Record) -> Rank:
        """Return the time; there are no two values."""
        return (record.time,)


_LONGEST_INLINE: Final = 42
"""Bytes of a public key that stands in the peer ID itself."""

RAW: Final[Rule] = LatestRule()


def rule_for(key: bytes, rules: Mapping[bytes, Rule]) -> Rule:
    """Return the rule for a key, of those of the namespaces by name. Raises RecordRefusedError for an unknown one."""
    if not key.startswith(b"/"):
        return RAW
    rule = rules.get(key[1:].partition(b"/")[0])
    if rule is None:
        names = ", ".join(f"/{name.decode()}/" for name in rules)
        raise RecordRefusedError(f'a key that begins with "/" stands in a namespace, and here there are only {names}')
    return rule


# --- Times on the wire ----------------------------------------------------------------------------


def read_time(text: str) -> int | None:
    """Return the time that stands in a record as RFC 3339; None for what is none: some write other things there."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    seconds, fraction, zone = match.groups()
    try:
        when = datetime.fromisoformat(seconds + zone.replace("Z", "+00:00"))
    except ValueError:
        return None
    since = when - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND + int((fraction or "").ljust(9, "0"))


def write_time(time: int) -> str:
    """Return a time as RFC 3339 with nanoseconds, as Go and JavaScript write it."""
    seconds, rest = divmod(time, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
