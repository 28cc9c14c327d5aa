"""What is said on the topic of nicknames: the payload, which of two announcements holds, and how often it is repeated.

docs/nicknames.md says the same for those who write another peer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, final

from py_peer.core import limits
from py_peer.core.cleaning import clean_nick

NICK_TOPIC: Final = "universal-connectivity-nick"
LATEST_TIME: Final = 2**53 - 1
"""The largest integer that every reader of JSON knows exactly; in milliseconds, 285,000 years."""


class AnnouncementError(ValueError):
    """A payload that announces no nickname; the text says why, and holds nothing of it."""


@final
@dataclass(frozen=True, slots=True)
class Announcement:
    """A nickname, cleaned, and when its author says it was announced, in milliseconds since 1970.

    `nostr` is what it says of a Nostr key, as it came (`py_peer.core.nostr_binding` checks it); None: it has none.
    """

    nick: str
    at: int
    nostr: object = None


def encode(announcement: Announcement) -> bytes:
    """Return the payload."""
    fields: dict[str, object] = {"nick": announcement.nick, "at": announcement.at}
    if announcement.nostr is not None:
        fields["nostr"] = announcement.nostr
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def decode(data: bytes, max_bytes: int = limits.MAX_ANNOUNCEMENT_BYTES) -> Announcement:
    """Return what a payload of at most `max_bytes` announces; fields that are not known are ignored.

    Raises AnnouncementError.
    """
    if len(data) > max_bytes:
        raise AnnouncementError("too large")
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise AnnouncementError("not JSON") from error
    nick, at = (fields.get("nick"), fields.get("at")) if isinstance(fields, dict) else (None, None)
    if not isinstance(nick, str) or type(at) is not int or not 0 <= at <= LATEST_TIME:
        raise AnnouncementError("no nickname or no time")
    if not (nick := clean_nick(nick)):
        raise AnnouncementError("nothing of the nickname can be seen")
    return Announcement(nick, at, fields.get("nostr"))


@final
@dataclass(slots=True)
class Latest:
    """When the announcement of one author that holds was made; says which of those that come is newer.

    A third party can send an old one again, and an author's clock may be wrong. One that lies in our future counts as
    made when it came, so that it holds no longer than until the next one of a clock that was put right; and of those
    only later and later ones count, so that each counts once.
    """

    made: int = -1
    ahead: int = -1

    def is_older_than(self, at: int, now: int) -> bool:
        """Say whether an announcement of the time `at` that comes at `now` is newer than the one that holds."""
        return at > (self.ahead if at > now else self.made)

    def take(self, at: int, now: int) -> None:
        """Let an announcement hold. Times in milliseconds."""
        if at > now:
            self.ahead = at
        self.made = max(self.made, min(at, now))


def repeat_after(known: int, least: float = limits.NICK_REPEAT) -> float:
    """Return after how many seconds an announcement is repeated where `known` peers are known, before jitter.

    The whole room then hears one in NICK_SHARE seconds, however large it is, or fewer while `least` seconds are longer.
    """
    return max(least, known * limits.NICK_SHARE)
