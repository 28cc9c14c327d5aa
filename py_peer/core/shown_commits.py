"""A commit that has come from elsewhere, as it is shown: what can be verified is, and all of it is cleaned."""

from __future__ import annotations

import base64
from typing import Final

from py_peer.core import limits_git
from py_peer.core.cleaning import clean_text
from py_peer.core.commits import CommitError, cleaned, holds, parse_commit
from py_peer.core.git_events import CommitShown, CommitSource

_WHOLE: Final = 4 * limits_git.MAX_PATCH
"""Bytes that a cleaned line may have: a tab becomes four spaces, a byte that is no UTF-8 three."""


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
    return CommitShown(ticket, cleaned(commit), True, source, *shown_patch(patch), peer_id)  # noqa: FBT003 - verified


def shown_patch(patch: bytes) -> tuple[str, str]:
    """Return a patch that may be printed as it is, and all its bytes in base64 where these are others.

    Each line is cleaned by itself and stays one, so that none can hide the next, or pass for two.
    """
    lines = patch[: limits_git.MAX_PATCH].decode("utf-8", "replace").removesuffix("\n").split("\n")
    text = "\n".join(clean_text(line.removesuffix("\r"), _WHOLE).replace("\n", " ") for line in lines)
    return text, "" if text.encode() == patch.removesuffix(b"\n") else base64.b64encode(patch).decode()
