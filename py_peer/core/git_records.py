"""Commits in the DHT: the keys under which their parts stand, and which of these can be verified.

The raw object stands under `/py-peer-commit/ID`, and its ID is its hash: whoever keeps it refuses anything else, so
that nobody can put something in its place. The other keys are texts, those of gnostr's Git publisher and one of ours;
under them anyone can put anything, and what is found there is shown as unverified. See docs/git.md.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from py_peer.core import limits_git
from py_peer.core.commits import CommitError, commit_json, holds, is_id, parse_commit
from py_peer.core.records import RecordRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from py_peer.core.records import Rank, Record

NAMESPACE: Final = b"py-peer-commit"
OBJECTS: Final = b"/%b/" % NAMESPACE
"""What the keys of raw objects begin with."""

OBJECT, JSON, MESSAGE, PATCH = "object", "json", "message", "patch"
"""The parts of a commit."""


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


def own_keys(commit_id: str) -> list[bytes]:
    """Return all keys under which something of a commit stands, but for the tags that lead to it."""
    return [key(commit_id) for key in (object_key, json_key, message_key, patch_key)]


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
    said: int
    asked: int
    unasked: int = 0
    """Of the object, as in `Lookup` of `py_peer.net.kad_values`."""


@final
@dataclass(frozen=True, slots=True)
class Part:
    """A value that is to be put: a part of a commit, or the ID to which a tag leads."""

    commit_id: str
    name: str
    """OBJECT, JSON, MESSAGE or PATCH; of a tag, what it is called."""

    key: bytes
    value: bytes


def parts(commits: Iterable[tuple[str, bytes, bytes]], tags: Mapping[str, str]) -> list[Part]:
    """Return what is to be put of commits, each by its ID, raw object and patch, and of the tags that lead to some.

    All objects come first, then what they say, tags, and patches last: there is not room for everything, neither with
    us nor with those who keep it. Nobody puts an empty value.
    """
    objects, texts, patches = list[Part](), list[Part](), list[Part]()
    for commit_id, raw, patch in commits:
        objects.append(Part(commit_id, OBJECT, object_key(commit_id), raw))
        patches.append(Part(commit_id, PATCH, patch_key(commit_id), patch))
        with suppress(CommitError):  # an object that Git takes, and nobody can read
            commit = parse_commit(raw)
            texts.append(Part(commit_id, JSON, json_key(commit_id), commit_json(commit).encode()))
            texts.append(Part(commit_id, MESSAGE, message_key(commit_id), commit.message.encode()))
    named = [Part(commit_id, tag, tag_key(tag), commit_id.encode()) for tag, commit_id in tags.items()]
    return [part for part in (*objects, *texts, *named, *patches) if part.value]


def fit_tags(tags: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the tags that are published, and one of each sort that is not, with the reason and how many more."""
    most = limits_git.MAX_PUBLISHED_TAGS
    own = [tag for tag in tags if is_id(tag.partition("/")[0])]
    names = [tag for tag in tags if not is_id(tag.partition("/")[0])]
    unfit: dict[str, str] = {}
    for left, reason in (
        (own, "where it would stand a commit has its message, JSON or patch"),
        (names[most:], f"{most} tags are published at a time; kv put TAG ID publishes one more"),
    ):
        if left:
            unfit[left[0]] = f"{reason} (so it is with {len(left) - 1:,} other tag(s))" if left[1:] else reason
    return {tag: tags[tag] for tag in names[:most]}, unfit


@final
class CommitRule:
    """Under `/py-peer-commit/ID` stands the object that hashes to ID; so there are no two values of one key."""

    def check(self, key: bytes, value: bytes) -> None:
        """Take the object that the key names."""
        commit_id = key.removeprefix(OBJECTS).decode("ascii", "replace")
        if not is_id(commit_id):
            raise RecordRefusedError("a commit under no ID")
        if not holds(value, commit_id):
            raise RecordRefusedError("a commit that does not hash to its ID")

    def rank(self, record: Record) -> Rank:
        """Return the time; there are no two values, unless somebody breaks SHA-1: then all have the greater one."""
        return record.time, record.value
