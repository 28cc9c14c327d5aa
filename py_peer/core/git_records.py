"""Commits in the DHT: the keys under which their parts stand, and which of these can be verified.

The raw object stands under `/py-peer-commit/ID`, and its ID is its hash: whoever keeps it refuses anything else, so
that nobody can put something in its place. The other keys are texts, those of gnostr's Git publisher and one of ours;
under them anyone can put anything, and what is found there is shown as unverified. See docs/git.md.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from py_peer.core.records import RecordRefusedError

if TYPE_CHECKING:
    from py_peer.core.records import Rank, Record

NAMESPACE: Final = b"py-peer-commit"
OBJECTS: Final = b"/%b/" % NAMESPACE
"""What the keys of raw objects begin with."""

_ID: Final = re.compile(rb"[0-9a-f]{40}|[0-9a-f]{64}")
_HASHES: Final = {40: hashlib.sha1, 64: hashlib.sha256}
"""By the number of hexadecimal digits in an ID: Git's two kinds of repositories."""


def is_commit_id(text: str) -> bool:
    """Return whether a text is a whole ID, in small letters."""
    return _ID.fullmatch(text.encode(errors="replace")) is not None


def object_key(commit_id: str) -> bytes:
    """Return where the raw object of a commit stands: what is hashed, without Git's header."""
    return OBJECTS + commit_id.encode()


def json_key(commit_id: str) -> bytes:
    """Return where the commit JSON stands. Anyone can put something there."""
    return f"{commit_id}/commit".encode()


def message_key(commit_id: str) -> bytes:
    """Return where the message of a commit stands, as gnostr has it. Anyone can put something there."""
    return commit_id.encode()


def patch_key(commit_id: str) -> bytes:
    """Return where the patch of a commit stands, as gnostr has it. Anyone can put something there."""
    return f"{commit_id}/diff".encode()


def tag_key(tag: str) -> bytes:
    """Return where the ID stands to which a tag leads, as gnostr has it. Anyone can put something there."""
    return tag.encode()


@final
@dataclass(frozen=True, slots=True)
class Published:
    """What was found of one commit; b"" stands for what was not. Of all this only `raw` is verified."""

    commit_id: str
    raw: bytes
    """The raw object; it hashes to the ID."""

    json: bytes
    message: bytes
    """Both are looked for only where there is no object."""

    patch: bytes
    asked: int
    """How many peers have answered about the object."""

    unasked: int = 0
    """As in `Lookup` of `py_peer.net.kad_values`."""


@final
class CommitRule:
    """Under `/py-peer-commit/ID` stands the object that hashes to ID; so there are no two values of one key."""

    def check(self, key: bytes, value: bytes) -> None:
        """Take the object that the key names."""
        commit_id = key.removeprefix(OBJECTS)
        if not _ID.fullmatch(commit_id):
            raise RecordRefusedError("a commit under no ID")
        digest = _HASHES[len(commit_id)](b"commit %d\0" % len(value) + value, usedforsecurity=False)
        if digest.hexdigest().encode() != commit_id:
            raise RecordRefusedError("a commit that does not hash to its ID")

    def rank(self, record: Record) -> Rank:
        """Return the time; there are no two values, unless somebody breaks SHA-1: then all have the greater one."""
        return record.time, record.value
