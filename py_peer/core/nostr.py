r"""Events of Nostr: read, serialised, signed and checked; and those about commits. Pure: bytes in, bytes out.

Spec: https://github.com/nostr-protocol/nips/blob/master/01.md. It asks that of the control characters seven be escaped
and "all other characters be included verbatim". That would not be JSON; every library for Nostr has the others as
\u0001 and so on, and so have we: else nobody's hash would be ours.

What is read is untrusted: no function here raises anything but NostrError, and nothing is cleaned yet.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, final

from py_peer.core import limits_nostr, schnorr
from py_peer.core.commits import CommitError, is_id, read_commit_json
from py_peer.core.nip19 import npub
from py_peer.core.schnorr import NostrError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ("Badge", "NostrError", "NostrEvent", "Standing", "badge_of", "check_event", "read_event", "sign_event")

_HEX: Final = {"id": 64, "pubkey": 64, "sig": 128}
"""Fields in hexadecimal, and how many digits they have: small letters only, as there is one ID for an event."""

_DIGITS: Final = re.compile("[0-9a-f]*")
_DIGITS_OF_IDS: Final = re.compile("[0-9a-f]{40,}")
_MAX_DIGITS: Final = 16
"""Of a number: MAX_CREATED_AT has as many."""

COMMIT_KIND: Final = 1
GIT_TAG: Final = ("gnostr", "git")
COMMIT_TAG: Final = "commit"


@final
@dataclass(frozen=True, slots=True)
class NostrEvent:
    """An event as NIP-01 has it; its hexadecimal fields have small letters."""

    id: str
    pubkey: str
    created_at: int
    """Seconds since 1970, as its author says."""

    kind: int
    tags: tuple[tuple[str, ...], ...]
    content: str
    sig: str

    def json(self) -> str:
        """Return it as JSON, in one line: what goes to relays."""
        return _dumps({name: getattr(self, name) for name in self.__slots__})


@final
class Standing(Enum):
    """What an event's signature is worth."""

    VERIFIED = "verified"
    DERIVED = "derived"
    """It holds, and anybody could have made it: the key is derived from the commit's ID."""

    BAD = "bad"


@final
@dataclass(frozen=True, slots=True)
class Badge:
    """What is said of an event's signature, everywhere in the same words."""

    standing: Standing
    npub: str
    """Whose key it is signed with; of a bad one, whose it says."""

    reason: str = ""
    """Of a bad one: what does not hold."""

    @property
    def sentence(self) -> str:
        """Return the words."""
        match self.standing:
            case Standing.VERIFIED:
                return f"verified: signed by {self.npub}"
            case Standing.DERIVED:
                return "derived key: signed by the key that is made from the commit's ID, so anyone can have signed it"
            case Standing.BAD:
                return f"bad: {self.reason}"


def read_json(data: str | bytes, most: int) -> Any:
    """Return what JSON of a stranger says. Raises NostrError.

    `most`: bytes that it may have. Keys that stand twice in an object are refused, as readers differ in which they
    take. A number that is not whole, is negative, or has more than 16 digits is None.
    """
    try:
        size = len(data if isinstance(data, bytes) else data.encode())
        if size > most:
            raise NostrError(f"it has {size:,} bytes, and {most:,} are the most")
        text = data.decode() if isinstance(data, bytes) else data
        return json.loads(
            text, parse_int=_number, parse_float=_nothing, parse_constant=_nothing, object_pairs_hook=_object
        )
    except UnicodeError as error:
        raise NostrError("it is not UTF-8") from error
    except RecursionError as error:
        raise NostrError("it is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise NostrError(f"it is not JSON, at its character {error.pos + 1:,}") from error


def read_event(data: str | bytes | dict[str, Any]) -> NostrEvent:
    """Return an event, whose hash and signature are yet to be checked. Raises NostrError.

    `data`: its JSON, or what `read_json` has made of it. Keys that NIP-01 does not know are ignored, as relays and
    clients add some.
    """
    most = limits_nostr.MAX_EVENT_BYTES
    fields = read_json(data, most) if isinstance(data, (str, bytes)) else data
    if not isinstance(fields, dict):
        raise NostrError("it is not a JSON object")
    if missing := [name for name in NostrEvent.__slots__ if name not in fields]:
        raise NostrError(f"it has no {missing[0]}")
    for name, size in _HEX.items():
        value = fields[name]
        if not isinstance(value, str) or len(value) != size or not _DIGITS.fullmatch(value):
            raise NostrError(f"its {name} is not {size} hexadecimal digits in small letters")
    if not isinstance(fields["content"], str):
        raise NostrError("its content is no text")
    event = NostrEvent(
        fields["id"],
        fields["pubkey"],
        _whole(fields, "created_at", limits_nostr.MAX_CREATED_AT),
        _whole(fields, "kind", limits_nostr.MAX_KIND),
        _tags(fields["tags"]),
        fields["content"],
        fields["sig"],
    )
    if len(serialize(event.pubkey, event.created_at, event.kind, event.tags, event.content)) > most:
        raise NostrError(f"it has more than {most:,} bytes")  # of one that was JSON already, or of halves of pairs
    return event


def serialize(pubkey: str, created_at: int, kind: int, tags: Sequence[Sequence[str]], content: str) -> bytes:
    """Return the bytes whose SHA-256 is an event's ID. Raises NostrError where a text cannot be UTF-8."""
    try:
        return _dumps([0, pubkey, created_at, kind, tags, content]).encode()
    except UnicodeError as error:
        raise NostrError("a text in it has half of a surrogate pair, which UTF-8 cannot have") from error


def event_id(event: NostrEvent) -> str:
    """Return the ID that the event must have by what it says. Raises NostrError."""
    return sha256(serialize(event.pubkey, event.created_at, event.kind, event.tags, event.content)).hexdigest()


def sign_event(secret: bytes, created_at: int, kind: int, tags: Iterable[Iterable[str]], content: str) -> NostrEvent:
    """Return an event, signed. Raises NostrError when the secret is none, or the event would be refused by others.

    `secret`: the 32 bytes of the secret key. `created_at`: seconds since 1970.
    """
    pubkey = schnorr.public_key(secret).hex()
    own = tuple(tuple(tag) for tag in tags)
    digest = sha256(serialize(pubkey, created_at, kind, own, content)).digest()
    event = NostrEvent(digest.hex(), pubkey, created_at, kind, own, content, schnorr.sign(secret, digest).hex())
    return read_event(event.json())


def check_event(event: NostrEvent) -> None:
    """Check that an event is what was signed: its ID, then its signature. Raises NostrError."""
    digest = event_id(event)
    if digest != event.id:
        raise NostrError("its ID is not the hash of what it says")
    if not schnorr.holds(bytes.fromhex(event.pubkey), bytes.fromhex(event.sig), bytes.fromhex(digest)):
        raise NostrError("its signature does not hold")


def badge_of(event: NostrEvent) -> Badge:
    """Check an event, and return what is to be said of it; takes some 0.1 ms. Never raises."""
    name = npub(event.pubkey)
    try:
        check_event(event)
    except NostrError as error:
        return Badge(Standing.BAD, name, str(error))
    return Badge(Standing.DERIVED if is_derived(event) else Standing.VERIFIED, name)


def commit_of(event: NostrEvent) -> str:
    """Return the first ID in the event's `commit` tags, "" if there is none."""
    return next((tag[1] for tag in event.tags if len(tag) > 1 and tag[0] == COMMIT_TAG and is_id(tag[1])), "")


def is_derived(event: NostrEvent) -> bool:
    """Return whether the event is signed with the key that everybody can derive from the ID of a commit it names."""
    return any(_derives(commit_id, event.pubkey) for commit_id in _named(event))


def _named(event: NostrEvent) -> Iterable[str]:
    """Return the IDs of commits that an event names in its `commit` tags and in its text, however they stand there."""
    texts = [item for tag in event.tags if tag[0] == COMMIT_TAG for item in tag[1:]] + [event.content]
    with suppress(CommitError):  # there it may be written with escapes
        texts.insert(0, read_commit_json(event.content).id)
    found = (run for text in texts for run in _DIGITS_OF_IDS.findall(text.lower()) if is_id(run))
    return islice(dict.fromkeys(found), limits_nostr.MAX_NAMED_COMMITS)


def _derives(commit_id: str, pubkey: str) -> bool:
    try:
        return schnorr.public_key(derived_secret(commit_id)).hex() == pubkey
    except NostrError:
        return False


def derived_secret(commit_id: str) -> bytes:
    """Return the secret key that is derived from a commit's ID, as gnostr does. Raises NostrError.

    The ID's digits are padded on the left with zeros to 64; one of SHA-256 has 64 of its own. It is public: whoever
    knows the ID can sign with it.
    """
    if not is_id(commit_id):
        raise NostrError("a commit's ID is 40 hexadecimal digits in small letters, or 64")
    try:
        return schnorr.check_secret(bytes.fromhex(commit_id.rjust(64, "0")))
    except NostrError as error:
        raise NostrError(f"no key can be derived from the commit {commit_id}: {error}") from error


def commit_event(commit_json: str, commit_id: str, secret: bytes, created_at: int) -> NostrEvent:
    """Return the event about a commit, as gnostr makes it: kind 1, the commit's JSON, two tags. Raises NostrError."""
    return sign_event(secret, created_at, COMMIT_KIND, (GIT_TAG, (COMMIT_TAG, commit_id)), commit_json)


def is_about_git(event: NostrEvent) -> bool:
    """Return whether it has gnostr's tag for Git."""
    return any(tag[:2] == GIT_TAG for tag in event.tags)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _whole(fields: dict[str, Any], name: str, most: int) -> int:
    value = fields[name]
    if type(value) is not int or not 0 <= value <= most:  # a bool is an int
        raise NostrError(f"its {name} is no whole number from 0 to {most}")
    return value


def _tags(value: Any) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, (list, tuple)):
        raise NostrError("its tags are no list")
    if len(value) > limits_nostr.MAX_TAGS:
        raise NostrError(f"it has {len(value):,} tags, and {limits_nostr.MAX_TAGS:,} are the most")
    for tag in value:
        if not isinstance(tag, (list, tuple)) or not tag or not all(isinstance(item, str) for item in tag):
            raise NostrError("one of its tags is no list of texts")
        if len(tag) > limits_nostr.MAX_TAG_ITEMS:
            raise NostrError(f"a tag has {len(tag):,} texts, and {limits_nostr.MAX_TAG_ITEMS} are the most")
    return tuple(tuple(tag) for tag in value)


def _number(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MAX_DIGITS and digits.isdigit() else None


def _nothing(_text: str) -> None:
    return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise NostrError("a key stands twice in one of its objects")
    return fields
