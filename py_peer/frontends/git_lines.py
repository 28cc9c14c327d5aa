"""What is said of commits: the nine fields, and the patch with colours where a person looks at a terminal."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from py_peer.core import limits_git
from py_peer.core.addresses import short_id
from py_peer.core.git_events import CommitNotShown, CommitPosted, CommitShown, CommitSource
from py_peer.core.patch_view import ADDED, HEAD, HUNK, PATCH_HEAD, REMOVED, kinds, shown_part
from py_peer.core.wrapping import limit_lines, wrap_lines
from py_peer.frontends.screen import knows_cursor_moves

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.core.commits import Commit
    from py_peer.core.events import Event

SIGN: Final = "🔎"
SIGNS: Final[dict[type[Event], str]] = {CommitShown: SIGN, CommitNotShown: "❌", CommitPosted: "🔖"}
"""What a line begins with."""

INDENT: Final = "    "
"""Before all that others have written, so that none of it can pass for a line of the program."""

_COLOURS: Final = {ADDED: "32", REMOVED: "31", HUNK: "36", HEAD: "1"}


def git_sentence(event: Event, called: Callable[[str], str] = short_id) -> str:
    """Return what an event about a commit says in one sentence, or "" for another one; `called` as for `sentence`."""
    match event:
        case CommitShown():
            return f"Commit {event.commit.short_id} {_origin(event, called)}: {_verdict(event)}"
        case CommitPosted():
            return event.text
        case CommitNotShown():
            return f"Not shown: commit {event.asked}: {event.reason}"
        case _:
            return ""


def _origin(shown: CommitShown, called: Callable[[str], str]) -> str:
    match shown.source:
        case CommitSource.OWN:
            return "of your own"
        case CommitSource.PEER:
            return f"from {called(shown.peer_id)}"
        case CommitSource.DHT:
            by_tag = f", by the tag {shown.tag}, of which nothing says that it leads there" if shown.tag else ""
            return f"from the DHT{by_tag}"


def _verdict(shown: CommitShown) -> str:
    return "its object hashes to its ID" if shown.verified else "nothing verifies it; anybody can have put it there"


def shown_lines(shown: CommitShown, columns: int | None, called: Callable[[str], str] = short_id) -> list[str]:
    """Return the lines for a commit on a screen of so many columns; None where nobody breaks lines, or colours them."""
    lines = [f"{SIGN} {git_sentence(shown, called)}", *(f"{INDENT}{line}".rstrip() for line in body(shown, columns))]
    return painted_lines(lines, patch_lines(shown), columns)


def painted_lines(lines: list[str], patch: list[str], columns: int | None) -> list[str]:
    """Return lines as they go to a screen of so many columns, as above; the last of them are those of `patch`."""
    if columns is None:
        return lines
    painted = [""] * (len(lines) - len(patch)) + list(kinds(patch))
    return [
        _painted(row, kind)
        for line, kind in zip(lines, painted, strict=True)
        for row in wrap_lines(line, columns, INDENT)
    ]


def _painted(row: str, kind: str) -> str:
    return f"\x1b[{_COLOURS[kind]}m{row}\x1b[0m" if kind and has_colours() else row


def has_colours() -> bool:
    """Return whether colours are wanted, and the terminal knows any."""
    return not os.environ.get("NO_COLOR") and knows_cursor_moves()


def body(shown: CommitShown, columns: int | None = None) -> list[str]:
    """Return the nine fields and the patch, as much of it as is shown, in lines for a screen of so many columns."""
    patch = patch_lines(shown)
    return [*fields_lines(shown.commit, columns), *(["", PATCH_HEAD] if patch else []), *patch]


def patch_lines(shown: CommitShown) -> list[str]:
    """Return as much of the patch as is shown."""
    return shown_part(shown.patch) if shown.patch else []


def fields_lines(commit: Commit, columns: int | None = None) -> list[str]:
    """Return the nine fields of a cleaned commit, in lines; those that are not known are left out.

    On a screen of fewer columns than a name and an ID take, each ID has a line of its own.
    """
    parents = list(commit.parents[: limits_git.SHOWN_PARENTS])
    if more := len(commit.parents) - len(parents):
        parents.append(f"and {more:,} more")
    ids = {"commit": [commit.id], "tree": [commit.tree], "parents": parents} if commit.tree else {"commit": [commit.id]}
    is_narrow = columns is not None and columns < len(INDENT) + len(_field("", commit.id))
    lines = [
        line
        for name, values in ids.items()
        for line in ([name, *values] if is_narrow else [_field(name, " ".join(values) or "none")])
    ]
    others = {
        "author": _person(commit.author_name, commit.author_email),
        "committer": _person(commit.committer_name, commit.committer_email),
        "time": _time(commit.time) if commit.tree else "",
    }
    lines += [_field(name, value) for name, value in others.items() if value]
    if not (commit.tree or commit.message):  # nothing is known of it
        return lines
    message = limit_lines(commit.message, limits_git.SHOWN_MESSAGE_LINES) if commit.message.strip() else "(no message)"
    return [*lines, "", *(f"{INDENT}{line}".rstrip() for line in message.split("\n"))]


def _field(name: str, value: str) -> str:
    return f"{name:<9}  {value}"


def _person(name: str, email: str) -> str:
    return f"{name} <{email}>" if email else name


def _time(seconds: int) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):
        return f"{seconds} s since 1970"
