"""A commit that has come from elsewhere, as it is shown: what can be verified is, and all of it is cleaned."""

from __future__ import annotations

import base64

from py_peer.core import limits_git
from py_peer.core.cleaning import clean_text
from py_peer.core.commits import CommitError, cleaned, holds, parse_commit
from py_peer.core.git_events import CommitShown, CommitSource


class WrongHashError(CommitError):
    """What was given for a commit is not the object that its ID stands for."""


def show_object(  # noqa: PLR0913 - what there is of a commit
    ticket: int, commit_id: str, raw: bytes, patch: bytes, source: CommitSource, peer_id: str = ""
) -> CommitShown:
    """Return what is shown of a commit object that somebody has given for a whole ID, and of its patch.

    `peer_id` is who has given it, if it was one peer. Takes up to a second, for the largest patch. Raises
    WrongHashError, and CommitError for what is no commit.
    """
    if not holds(raw, commit_id):
        raise WrongHashError("what it gives does not hash to that ID")
    commit = parse_commit(raw)
    if commit.id != commit_id:
        raise CommitError("its tree has an ID of another hash than its own")
    text = clean_patch(patch)
    is_all = text.encode() == patch.removesuffix(b"\n")
    rest = "" if is_all else base64.b64encode(patch).decode()
    return CommitShown(ticket, cleaned(commit), True, source, text, rest, peer_id)  # noqa: FBT003 - it is verified


def clean_patch(patch: bytes) -> str:
    """Return a patch that may be printed as it is. Each line is cleaned by itself, so that none can hide the next."""
    lines = patch[: limits_git.MAX_PATCH].decode("utf-8", "replace").removesuffix("\n").split("\n")
    return "\n".join(clean_text(line, 4 * limits_git.MAX_PATCH) for line in lines)
