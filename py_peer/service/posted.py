"""The commits that the user has posted in this session: what is served to others, and no more of the repository."""

from __future__ import annotations

from collections import OrderedDict
from typing import final

from py_peer.core import limits_git
from py_peer.net.commit_exchange import GivenCommit


@final
class Posted:
    """What is served; bounded by number and by bytes. What was posted longest ago makes room."""

    def __init__(self) -> None:
        self._commits: OrderedDict[str, GivenCommit] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        """Return how many commits are served."""
        return len(self._commits)

    def add(self, full_id: str, raw: bytes, patch: bytes) -> None:
        """Serve a commit from now on; posted again, it is the newest."""
        self._drop(full_id)
        self._commits[full_id] = GivenCommit(full_id, raw, patch)
        self._bytes += len(raw) + len(patch)
        while len(self) > limits_git.MAX_POSTED or self._bytes > limits_git.MAX_POSTED_BYTES:
            self._drop(next(iter(self._commits)))

    def find(self, prefix: str) -> list[GivenCommit]:
        """Return those whose ID begins with `prefix`: none for fewer digits than MIN_ID_PREFIX, the newest first."""
        if len(prefix) < limits_git.MIN_ID_PREFIX:
            return []
        return [commit for full_id, commit in reversed(self._commits.items()) if full_id.startswith(prefix)]

    def _drop(self, full_id: str) -> None:
        if (commit := self._commits.pop(full_id, None)) is not None:
            self._bytes -= len(commit.raw) + len(commit.patch)
