"""An event of Nostr about a commit, in words: its JSON is not for people."""

from __future__ import annotations

from typing import Final

from py_peer.core.cleaning import clean_line
from py_peer.core.commits import CommitError, cleaned, read_commit_json

AUTHOR_CHARS: Final = 200


def commit_words(text: str, commit_id: str) -> str:
    """Return what an event says, as it is told to people; `commit_id` is the ID in its tag, or ""."""
    try:
        commit = cleaned(read_commit_json(text))
    except CommitError:
        return text
    claimed = f" (its tag names {commit_id[:12]})" if commit_id not in ("", commit.id) else ""
    return f"commit {commit.short_id}{claimed} {commit.subject} ({clean_line(commit.author_name, AUTHOR_CHARS)})"
