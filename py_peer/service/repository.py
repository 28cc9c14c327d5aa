"""What is read of a Git repository: commits, and what they change.

All of dulwich is here, in `packs.py` and in `plain_repo.py`. It is imported when something is read, and everything here
is meant for a thread (`in_thread`): it reads files, and a repository may be large. Nothing is written, and no program
is started: no hook, filter or command that a repository's configuration names. What goes wrong is a RepositoryError,
whose text is a sentence for the user.
"""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar, cast, final

import anyio
import anyio.to_thread

from py_peer.core import limits, limits_git
from py_peer.core.cleaning import clean_line, clean_path
from py_peer.core.commits import Commit, CommitError, DiffStat, holds, parse_commit
from py_peer.core.frozen import frozen
from py_peer.service.packs import TooLargeError, bound, packed, stores

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from dulwich.objects import Commit as GitCommit
    from dulwich.objects import ObjectID, TreeEntry
    from dulwich.pack import Pack
    from dulwich.repo import Repo

    from py_peer.core.patches import Side

    Pair: TypeAlias = tuple[TreeEntry | None, TreeEntry | None]
    """A file before a commit, and after it."""

T = TypeVar("T")

_REVISION: Final = re.compile(r"((?:(?!@\{|\.\.)[^~^:\s\x00-\x1f])+?)((?:~[0-9]{0,6}|\^[0-9]{0,3}|\^\{(?:commit)?\})*)")
_STEP: Final = re.compile("([~^])([0-9]*)")
_ITSELF: Final = re.compile(r"\^\{(?:commit)?\}")
"""Says that a tag means the commit that it leads to, which it does here anyway."""

_UPPER_CASE_ID: Final = re.compile("(?=.*[A-F])[0-9a-fA-F]{4,64}")

_COMMIT_TYPE: Final = 1
_SUBMODULE: Final = 0o160000
_TAGS: Final = b"refs/tags/"
_ROOM_FOR_REMARK: Final = 128
_PATIENCE: Final = 5.0
"""Seconds beyond READ_SECONDS: the file that was begun then is finished."""


class RepositoryError(Exception):
    """A repository cannot give what was asked for; the text says why."""


@final
@frozen
class RepoCommit:
    """A commit of a repository, and what it changes beside its first parent."""

    commit: Commit
    raw: bytes
    """The object itself, which is what its ID is the hash of."""

    stat: DiffStat | None
    """None where the parent is not there: behind the end of a shallow clone."""

    patch: bytes = b""
    """In the format of git-diff, MAX_PATCH bytes at most. With a file left out, `git apply` takes none of it."""

    left_out: int = 0
    """Files whose change is not in the patch, as it is too large or would have taken too long; the patch says so."""

    remark: str = ""
    """Why there is no patch."""

    @property
    def id(self) -> str:
        """Its whole ID."""
        return self.commit.id


async def in_thread(read: Callable[..., T], *args: object, seconds: float | None = None) -> T:
    """Do one of the functions below in a thread. Raises RepositoryError, also when it takes longer than `seconds`.

    None: as one commit may take.
    """
    if seconds is None:
        seconds = limits_git.READ_SECONDS
    try:
        with anyio.fail_after(seconds + _PATIENCE):
            return await anyio.to_thread.run_sync(partial(read, *args), abandon_on_cancel=True)
    except TimeoutError:
        raise _too_slow(seconds) from None


def _too_slow(seconds: float) -> RepositoryError:
    return RepositoryError(f"it could not be read within {seconds:.0f} seconds")


def read_head(path: str) -> str:
    """Return the whole ID of the commit that HEAD is, in the repository that `path` is in."""
    with _opened(path) as repo:
        return _resolved(repo, "HEAD")


def read_commit(path: str, rev: str = "") -> RepoCommit:
    """Return a commit, HEAD if none is named, with its patch."""
    with _opened(path) as repo:
        return _read(repo, _resolved(repo, rev or "HEAD"))


def read_commits(
    path: str, revs: str = "", most: int = limits_git.MAX_HISTORY, *, patches: bool = True
) -> list[RepoCommit]:
    """Return one commit, or those of a range (`A..B`: what B has and A has not), the oldest first.

    More than `most` are refused, and what takes longer than READ_HISTORY_SECONDS: nothing else ends a thread. Without
    `patches` it is not looked what they change.
    """
    until = time.monotonic() + limits_git.READ_HISTORY_SECONDS
    with _opened(path) as repo:
        first, dots, last = revs.partition("..")
        if not dots:
            return [_read(repo, _resolved(repo, revs or "HEAD"), patches=patches)]
        exclude, include = (_resolved(repo, rev or "HEAD") for rev in (first, last))
        found = list(islice(_walked(repo, include, exclude, revs, until), most + 1))
        if len(found) > most:
            raise RepositoryError(f"{_shown(revs)} has more than {most:,} commits; take some of them at a time")
        commits: list[RepoCommit] = []
        for full_id in reversed(found):
            _check_time(until)
            commits.append(_read(repo, full_id, patches=patches))
        return commits


def _walked(repo: Repo, include: str, exclude: str, revs: str, until: float) -> Iterator[str]:
    """Yield the commits that one has and another has not, the newest first. The walk is done before the first comes."""
    from dulwich.walk import Walker  # noqa: PLC0415 - as above

    steps = 0

    def parents(commit: GitCommit) -> list[ObjectID]:
        nonlocal steps
        steps += 1
        _check_time(until)
        if steps > limits_git.MAX_STEPS:
            raise RepositoryError(f"what is in {_shown(revs)} cannot be told within {limits_git.MAX_STEPS:,} steps")
        return repo.get_parents(commit.id, commit)

    for entry in Walker(repo.object_store, [_oid(include)], [_oid(exclude)], get_parents=parents):
        yield entry.commit.id.decode()


def _check_time(until: float) -> None:
    if time.monotonic() > until:
        raise _too_slow(limits_git.READ_HISTORY_SECONDS)


def read_tags(path: str, ids: Collection[str]) -> dict[str, str]:
    """Return the tags that lead to one of these commits, and to which."""
    with _opened(path) as repo:
        found: dict[str, str] = {}
        tags = (ref for ref in repo.refs.allkeys() if ref.startswith(_TAGS))
        for ref in sorted(tags)[: limits_git.MAX_TAGS]:
            try:
                full_id = repo.get_peeled(ref).decode()
            except (KeyError, TooLargeError):  # a tag of what a shallow clone has not, or of megabytes
                continue
            if full_id in ids:
                found[ref.removeprefix(_TAGS).decode("utf-8", "replace")] = full_id
        return found


# --- Names of commits -------------------------------------------------------------------------------


@contextmanager
def _opened(path: str) -> Iterator[Repo]:
    from dulwich.errors import NotGitRepository  # noqa: PLC0415 - 0.1 s of imports for who reads a repository

    from py_peer.service.plain_repo import PlainRepo  # noqa: PLC0415

    try:
        whole = os.path.abspath(path)  # noqa: PTH100 - for the other's error, which pathlib's does not have
    except FileNotFoundError:
        raise RepositoryError("the folder that py-peer was started in has been removed") from None
    try:
        with PlainRepo.discover(whole) as repo:
            for store in stores(repo):
                bound(store)
            yield repo
    except RepositoryError:
        raise
    except TooLargeError as error:
        raise RepositoryError(f"the repository of {clean_path(path)} cannot be read: {error}") from None
    except NotGitRepository:
        raise RepositoryError(f"{clean_path(path)} is in no Git repository") from None
    except Exception as error:
        # What a damaged or strange repository makes a library raise has many types.
        cause = clean_line(f"{type(error).__name__}: {error}", limits.MAX_ERROR_CHARS // 2)
        raise RepositoryError(f"the repository of {clean_path(path)} cannot be read: {cause}") from error


def _resolved(repo: Repo, rev: str) -> str:
    """Return the ID of the commit that a revision names: a branch, a tag, an ID or its beginning, and ~N and ^N."""
    found = _REVISION.fullmatch(rev) if len(rev) <= limits_git.MAX_REV_CHARS else None
    if found is None:
        raise RepositoryError(f"{_shown(rev)} is no revision: name a branch, a tag or an ID, also with ~N or ^N")
    full_id = _named(repo, "HEAD" if found[1] == "@" else found[1])
    steps = [(sign, int(digits or "1")) for sign, digits in _STEP.findall(_ITSELF.sub("", found[2]))]
    if sum(number for sign, number in steps if sign == "~") > limits_git.MAX_STEPS:
        raise RepositoryError(f"{_shown(rev)} is more than {limits_git.MAX_STEPS:,} steps back")
    for sign, number in steps:
        which = [1] * number if sign == "~" else [number] * (number > 0)
        for parent in which:
            full_id = _parent(repo, full_id, parent, rev)
    return full_id


def _named(repo: Repo, name: str) -> str:
    from dulwich import objectspec  # noqa: PLC0415 - as above

    try:
        if name == "HEAD":
            return repo.head().decode()
    except KeyError:
        raise RepositoryError("the repository has no commit yet") from None
    try:
        return objectspec.parse_commit(repo, name.encode("utf-8", "surrogateescape")).id.decode()
    except objectspec.AmbiguousShortId as error:
        reason = f"{_shown(name)} is the beginning of {len(error.options)} commits; type more of it"
        raise RepositoryError(reason) from None
    except ValueError:
        raise RepositoryError(f"{_shown(name)} is no commit") from None
    except KeyError:
        if _UPPER_CASE_ID.fullmatch(name):
            return _named(repo, name.lower())
        raise RepositoryError(f"the repository has no commit {_shown(name)}{_shallow(repo)}") from None


def _parent(repo: Repo, full_id: str, which: int, rev: str) -> str:
    commit, _ = _commit(repo, full_id)
    if len(commit.parents) < which:
        raise RepositoryError(f"{_shown(rev)} does not exist: {commit.short_id} has {len(commit.parents)} parent(s)")
    return commit.parents[which - 1]


def _shallow(repo: Repo) -> str:
    return "; it is a shallow clone, and may be there after git fetch --unshallow" if repo.get_shallow() else ""


def _shown(rev: str) -> str:
    return f"'{clean_line(rev, limits_git.MAX_SUBJECT_CHARS)}'"


# --- Commits ----------------------------------------------------------------------------------------


def _commit(repo: Repo, full_id: str) -> tuple[Commit, bytes]:
    short = full_id[: limits_git.SHORT_ID_CHARS]
    try:
        kind, raw = repo.object_store.get_raw(_oid(full_id))
    except KeyError:
        raise RepositoryError(f"the repository has no commit '{short}'{_shallow(repo)}") from None
    if kind != _COMMIT_TYPE:
        raise RepositoryError(f"'{short}' is no commit")
    try:
        commit = parse_commit(raw)
    except CommitError as error:
        raise RepositoryError(f"commit {short} cannot be read: {error}") from None
    if not holds(raw, full_id):
        raise RepositoryError(f"commit {short} is damaged: it does not hash to its ID; git fsck tells more")
    return commit, raw


def _read(repo: Repo, full_id: str, *, patches: bool = True) -> RepoCommit:
    commit, raw = _commit(repo, full_id)
    if not patches:
        return RepoCommit(commit, raw, None)
    before: str | None = None
    if commit.parents:
        parent = commit.parents[0]
        if _oid(parent) not in repo.object_store:
            remark = f"its parent {parent[: limits_git.SHORT_ID_CHARS]} is not there: what it changes cannot be told"
            return RepoCommit(commit, raw, None, remark=remark + _shallow(repo))
        before = _commit(repo, parent)[0].tree
    return _with_patch(repo, commit, raw, before)


def _with_patch(repo: Repo, commit: Commit, raw: bytes, before: str | None) -> RepoCommit:
    """Compare a commit's tree with the one `before`; None: with an empty one."""
    from py_peer.core.patches import file_patch, named  # noqa: PLC0415 - as above

    deadline = time.monotonic() + limits_git.READ_SECONDS
    packs = [pack for store in stores(repo) for pack in store.packs]
    files, more = _changes(repo, before, commit.tree, deadline)
    files = _with_moved(repo, packs, files)
    parts: list[bytes] = []
    left: list[Pair] = []
    size = added = removed = too_large = 0
    whole = not more
    for number, (old, new) in enumerate(files):
        if time.monotonic() > deadline:
            left += files[number:]
            whole = False
            break
        part = file_patch(_side(repo, packs, old), _side(repo, packs, new))
        added, removed, whole = added + part.added, removed + part.removed, whole and part.whole
        if size + len(part.data) > limits_git.MAX_PATCH - _ROOM_FOR_REMARK - limits_git.MAX_PATCH_LEFT:
            left.append((old, new))
        else:
            parts.append(part.data)
            size += len(part.data)
            too_large += not part.whole
    if left or more:
        sides = ((_named_side(old), _named_side(new)) for old, new in left + more)
        counted = f"more than {len(left):,}" if more else f"{len(left):,}"
        remark = f"# {counted} more file(s) changed, and are left out: the patch would be too large\n".encode()
        parts += [*named(sides, limits_git.MAX_PATCH - _ROOM_FOR_REMARK - size), remark]
    stat = DiffStat(len(files), added, removed, whole)
    return RepoCommit(commit, raw, stat, b"".join(parts), too_large + len(left) + len(more))


def _changes(repo: Repo, before: str | None, after: str, deadline: float) -> tuple[list[Pair], list[Pair]]:
    """Return the files that differ, before and after, and, if there are more than are looked at, the next one.

    What was moved as it is is a pair.
    """
    from dulwich.diff_tree import tree_changes  # noqa: PLC0415 - as above

    pairs: list[Pair] = []
    more: list[Pair] = []
    for change in tree_changes(repo.object_store, _oid(before) if before else None, _oid(after)):
        if len(pairs) >= limits_git.MAX_CHANGED_FILES or time.monotonic() > deadline:
            more.append((change.old, change.new))
            break
        pairs.append((change.old, change.new))
    gone = {(old.sha, stat.S_IFMT(old.mode)): old for old, new in pairs if old and new is None}
    moved: dict[bytes, TreeEntry] = {}
    for old, new in pairs:
        if old is None and new and (source := gone.pop((new.sha, stat.S_IFMT(new.mode)), None)):
            moved[new.path] = source
    return _joined(pairs, moved), more


def _with_moved(repo: Repo, packs: list[Pack], pairs: list[Pair]) -> list[Pair]:
    """Make a pair also of what was moved and changed, unless there is too much to compare."""
    from py_peer.core.renames import moved  # noqa: PLC0415 - as above

    gone = {old.path: old for old, new in pairs if old and new is None and stat.S_ISREG(old.mode)}
    made = {new.path: new for old, new in pairs if new and old is None and stat.S_ISREG(new.mode)}
    if not 0 < len(gone) * len(made) <= limits_git.MAX_RENAME_PAIRS:
        return pairs
    room = limits_git.MAX_RENAME_BYTES
    contents: list[dict[bytes, bytes]] = []
    for entries in (gone, made):
        contents.append({})
        for path, entry in entries.items():
            if (data := _blob(repo, packs, entry.sha)) is not None:
                contents[-1][path] = data
                room -= len(data)
            if room < 0:
                return pairs
    return _joined(pairs, {path: gone[before] for path, before in moved(*contents).items()})


def _joined(pairs: list[Pair], moved: dict[bytes, TreeEntry]) -> list[Pair]:
    """Put what each of the moved files was before beside it, instead of telling it as gone."""
    sources = {source.path for source in moved.values()}
    kept = [(old, new) for old, new in pairs if new or (old and old.path not in sources)]
    return [(old or (moved.get(new.path) if new else None), new) for old, new in kept]


def _side(repo: Repo, packs: list[Pack], entry: TreeEntry | None) -> Side | None:
    """Return a file with what is in it; of a submodule Git tells which commit it is at."""
    from py_peer.core.patches import Side  # noqa: PLC0415 - as above

    if entry is None:
        return None
    if stat.S_IFMT(entry.mode) == _SUBMODULE:
        data: bytes | None = b"Subproject commit " + entry.sha + b"\n"
    else:
        data = _blob(repo, packs, entry.sha)
    return Side(entry.path, entry.mode, entry.sha.decode(), data)


def _named_side(entry: TreeEntry | None) -> Side | None:
    """Return a file of which nothing more is told."""
    from py_peer.core.patches import Side  # noqa: PLC0415 - as above

    return Side(entry.path, entry.mode, entry.sha.decode(), None) if entry else None


def _blob(repo: Repo, packs: list[Pack], full_id: ObjectID) -> bytes | None:
    """Return what is in a file, or None if that is too large to be compared."""
    try:
        found = packed(packs, full_id)
        if found and found.size > limits_git.MAX_DIFFED:
            return None
        _, data = repo.object_store.get_raw(full_id)
    except KeyError:
        short = full_id.decode()[: limits_git.SHORT_ID_CHARS]
        raise RepositoryError(f"the file with ID {short} is not there, as in a partial clone") from None
    except TooLargeError:
        return None
    return data if len(data) <= limits_git.MAX_DIFFED else None


def _oid(full_id: str) -> ObjectID:
    return cast("ObjectID", full_id.encode())
