"""Who has posted which commit, as far as is remembered: those are asked for it."""

from __future__ import annotations

from collections import Counter
from typing import final

from py_peer.core.commits import posted_id


@final
class Posters:
    """Remembers so many posts; when there are too many, the oldest of whoever has posted most is forgotten.

    So who posts thousands pushes out nobody else's.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._posts: dict[tuple[str, str], None] = {}
        """Peer ID and short ID of the commit, in the order in which they were posted last."""

        self._of: Counter[str] = Counter()

    def __len__(self) -> int:
        """Return how many posts are remembered."""
        return len(self._posts)

    def hear(self, peer_id: str, text: str) -> None:
        """Take note of what a peer has said, if it is a line about a commit."""
        if (short_id := posted_id(text)) is None:
            return
        if (peer_id, short_id) in self._posts:  # then it is the latest
            self._forget((peer_id, short_id))
        self._posts[peer_id, short_id] = None
        self._of[peer_id] += 1
        if len(self._posts) > self._most:
            ((longest, _),) = self._of.most_common(1)
            self._forget(next(post for post in self._posts if post[0] == longest))

    def _forget(self, post: tuple[str, str]) -> None:
        del self._posts[post]
        self._of[post[0]] -= 1
        if not self._of[post[0]]:
            del self._of[post[0]]

    def find(self, asked: str) -> dict[str, list[str]]:
        """Return who has posted a commit whose ID is `asked`, or begins so: peer IDs, the latest first, by short ID."""
        found: dict[str, list[str]] = {}
        for peer_id, short_id in reversed(self._posts):
            if short_id.startswith(asked) or asked.startswith(short_id):
                found.setdefault(short_id, []).append(peer_id)
        return found
