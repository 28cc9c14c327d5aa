"""Git's commits as they go from peer to peer: the raw object, which is hashed, its nine fields, the line about one.

All of this is pure: who reads a repository is `py_peer.service.repository`. A commit object is a few lines of headers,
an empty line and the message; its ID is the hash of "commit", its length and those bytes (git-hash-object), SHA-1 with
40 hex digits or SHA-256 with 64.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final, Literal, final

from py_peer.core import limits_git
from py_peer.core.cleaning import clean_line, clean_text
from py_peer.core.frozen import frozen
from py_peer.core.sizes import without_surrogates

Algorithm = Literal["sha1", "sha256"]

ALGORITHMS: Final[dict[int, Algorithm]] = {40: "sha1", 64: "sha256"}
"""Which hash an ID is of, by its number of hex digits."""

_ID = re.compile("[0-9a-f]{40}(?:[0-9a-f]{24})?")
_POSTED = re.compile(rf"(?:commit|patch) ([0-9a-f]{{{limits_git.SHORT_ID_CHARS}}}): ")
_IDENTITY = re.compile(rb"([^<]*)<([^>]*)>.*?(?: (-?[0-9]+) [+-][0-9]+)?", re.DOTALL)
_ENCODING = re.compile(
    r"utf-?8|us-ascii|latin-?1|iso-?8859-[0-9]{1,2}|(?:windows-|cp)125[0-8]|koi8-[ru]|shift[-_]jis|sjis"
    r"|euc-(?:jp|kr)|gbk|gb2312|gb18030|big5|iso-2022-jp",
    re.IGNORECASE,
)
"""The encodings that commits really have. Python knows others, some of which take quadratic time, or are no text."""


class CommitError(ValueError):
    """These bytes are no commit that can be read; the text is a sentence for the user."""


@final
@frozen
class Commit:
    """The nine fields of a commit, as the original's JSON has them. The texts are decoded, and not cleaned.

    `time` is the committer's, in seconds since 1970 (UTC).
    """

    id: str
    tree: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    committer_name: str
    committer_email: str
    message: str
    time: int

    @property
    def short_id(self) -> str:
        """The beginning of its ID, as it is said and shown."""
        return self.id[: limits_git.SHORT_ID_CHARS]

    @property
    def subject(self) -> str:
        """The first line of its message that says anything, cleaned and cut."""
        first = next((line for line in self.message.split("\n", 64) if line.strip()), "")
        return clean_line(first, limits_git.MAX_SUBJECT_CHARS)


@final
@frozen
class DiffStat:
    """How much a commit changes: files, and lines of text that come and go.

    With `whole` False there is more than was counted.
    """

    files: int
    added: int
    removed: int
    whole: bool = True

    def __str__(self) -> str:
        """Return it as people read it."""
        counted = f"{self.files:,} file{'' if self.files == 1 else 's'}, +{self.added:,} -{self.removed:,}"
        return counted if self.whole else f"more than {counted}"


# --- Hashes -----------------------------------------------------------------------------------------


def commit_id(raw: bytes, algorithm: Algorithm) -> str:
    """Return the ID of a commit object, in lower-case hex digits."""
    import hashlib  # noqa: PLC0415 - for who reads or checks a commit; the front-ends know what one is

    digest = hashlib.new(algorithm, b"commit %d\0" % len(raw), usedforsecurity=False)
    digest.update(raw)
    return digest.hexdigest()


def is_id(text: str) -> bool:
    """Return whether `text` is a whole ID, of either hash."""
    return _ID.fullmatch(text) is not None


def holds(raw: bytes, full_id: str) -> bool:
    """Return whether `raw` is the commit object that `full_id` names. Whatever is no ID names none."""
    return is_id(full_id) and commit_id(raw, ALGORITHMS[len(full_id)]) == full_id


# --- The raw object ---------------------------------------------------------------------------------


def parse_commit(raw: bytes) -> Commit:
    """Read a commit object. Raises CommitError, and nothing else, with what is wrong with it.

    Which hash it has is told by the length of the tree's ID in it.
    """
    if len(raw) > limits_git.MAX_COMMIT:
        raise CommitError(f"a commit of {len(raw):,} bytes is larger than {limits_git.MAX_COMMIT:,}")
    head, _, body = raw.partition(b"\n\n")
    lines = head.split(b"\n", limits_git.MAX_HEADER_LINES)
    if len(lines) > limits_git.MAX_HEADER_LINES:
        raise CommitError(f"it has more than {limits_git.MAX_HEADER_LINES:,} lines before its message")
    pairs = [(name, value) for name, _, value in (line.partition(b" ") for line in lines) if name]
    first = dict(reversed(pairs))
    for name in (b"tree", b"author", b"committer"):
        if name not in first:
            raise CommitError(f"it is no commit: it says nothing of its {name.decode()}")
    tree = _object_id(first[b"tree"], "tree")
    parents = tuple(_object_id(value, "parent") for name, value in pairs if name == b"parent")
    if len(parents) > limits_git.MAX_PARENTS:
        raise CommitError(f"it has {len(parents):,} parents, more than {limits_git.MAX_PARENTS}")
    if any(len(parent) != len(tree) for parent in parents):
        raise CommitError("its tree and its parents have IDs of different hashes")
    encoding = _encoding(first.get(b"encoding", b""))
    author_name, author_email, _ = _identity(first[b"author"], encoding)
    committer_name, committer_email, time = _identity(first[b"committer"], encoding)
    return Commit(
        id=commit_id(raw, ALGORITHMS[len(tree)]),
        tree=tree,
        parents=parents,
        author_name=author_name,
        author_email=author_email,
        committer_name=committer_name,
        committer_email=committer_email,
        message=_decoded(body, encoding),
        time=time,
    )


def _object_id(value: bytes, of_what: str) -> str:
    text = value.decode("ascii", "replace")
    if not is_id(text):
        raise CommitError(f"the ID of its {of_what} is none")
    return text


def _encoding(name: bytes) -> str:
    text = name.decode("ascii", "replace").strip()
    return text if _ENCODING.fullmatch(text) else "utf-8"


def _decoded(text: bytes, encoding: str) -> str:
    try:
        return text.decode(encoding, "replace")
    except LookupError:  # a number that no part of ISO 8859 has
        return text.decode("utf-8", "replace")


def _identity(value: bytes, encoding: str) -> tuple[str, str, int]:
    """Return name, mail address and time of a person; what cannot be told apart is all name, as Git shows it."""
    found = _IDENTITY.fullmatch(value)
    if found is None:
        return _decoded(value.strip(), encoding), "", 0
    name, email, time = found.groups()
    seconds = int(time) if time and len(time.lstrip(b"-")) <= limits_git.MAX_TIME_DIGITS else 0
    return _decoded(name.strip(), encoding), _decoded(email.strip(), encoding), seconds


# --- The fields as JSON -----------------------------------------------------------------------------


def commit_json(commit: Commit) -> str:
    """Return the nine fields as the original writes them: in their order, and without blanks."""
    import json  # noqa: PLC0415 - as hashlib

    fields = {name: getattr(commit, name) for name in _FIELDS}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def read_commit_json(text: str | bytes) -> Commit:
    """Read the nine fields; what stands beside them is left alone. Raises CommitError, and nothing else.

    Nothing says that they are those of the commit whose ID they name: only its raw object can show that.
    """
    import json  # noqa: PLC0415 - as hashlib

    if len(text) > limits_git.MAX_COMMIT_JSON:
        raise CommitError(f"it has {len(text):,} bytes, more than {limits_git.MAX_COMMIT_JSON:,}")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise CommitError("it is no JSON") from None
    if not isinstance(fields, dict):
        raise CommitError("it is no JSON object")
    for name, kind in _FIELDS.items():
        if name not in fields:
            raise CommitError(f"it has no field {name}")
        if type(fields[name]) is not kind:
            raise CommitError(f"its field {name} is of another type")
    parents = fields["parents"]
    if len(parents) > limits_git.MAX_PARENTS or not all(isinstance(parent, str) for parent in parents):
        raise CommitError("its field parents is no list of IDs")
    if not all(map(is_id, (fields["id"], fields["tree"], *parents))):
        raise CommitError("what it gives as the ID of the commit, its tree or a parent is none")
    if abs(fields["time"]) >= 10**limits_git.MAX_TIME_DIGITS:
        raise CommitError("its time is none")
    read = {name: without_surrogates(fields[name]) if kind is str else fields[name] for name, kind in _FIELDS.items()}
    return Commit(**read | {"parents": tuple(parents)})


_FIELDS: Final[dict[str, type]] = {
    "id": str,
    "tree": str,
    "parents": list,
    "author_name": str,
    "author_email": str,
    "committer_name": str,
    "committer_email": str,
    "message": str,
    "time": int,
}

# --- What people read -------------------------------------------------------------------------------


def cleaned(commit: Commit) -> Commit:
    """Return a commit whose texts may be shown as they are."""
    most = limits_git.MAX_ADDRESS_CHARS
    return replace(
        commit,
        author_name=clean_line(commit.author_name, most),
        author_email=clean_line(commit.author_email, most),
        committer_name=clean_line(commit.committer_name, most),
        committer_email=clean_line(commit.committer_email, most),
        message=clean_text(commit.message).rstrip("\n"),
    )


def commit_line(commit: Commit, stat: DiffStat | None) -> str:
    """Return the line that /commit says of a commit; with `stat` None it is not known what it changes."""
    author = clean_line(commit.author_name, limits_git.MAX_PERSON_CHARS)
    return _line("commit", commit, author or "nobody", stat)


def patch_line(commit: Commit, stat: DiffStat | None, file_name: str, left_out: int = 0) -> str:
    """Return the line that /diff says of a commit whose patch is offered as `file_name`; some files may be left out."""
    line = _line("patch", commit, file_name, stat)
    return f"{line}, {left_out:,} left out" if left_out else line


def posted_id(text: str) -> str | None:
    """Return the short ID of the commit that a line of either kind is about, None for any other text."""
    found = _POSTED.match(text)
    return found[1] if found else None


def _line(kind: str, commit: Commit, what: str, stat: DiffStat | None) -> str:
    facts = what if stat is None else f"{what}, {stat}"
    return f"{kind} {commit.short_id}: {commit.subject or '(no message)'} — {facts}"
