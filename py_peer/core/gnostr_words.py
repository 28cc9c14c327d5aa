"""What is said of gnostr's own chat, the same words in every front-end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from py_peer.core import gnostr, limits_git
from py_peer.core.addresses import short_id
from py_peer.core.commit_words import commit_words
from py_peer.core.patch_view import PATCH_HEAD, shown_part
from py_peer.core.speakers import Name

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.core.gnostr_events import GnostrHeard

_LABELS: Final = {
    "System": "message of his system",  # not of ours: anybody can send it
    "Raw": "raw text",
    "Command": "command, which nobody obeys",
    "GitCommitId": "commit",
    "GitCommitParent": "parent of the commit",
    "GitCommitTree": "tree of the commit",
    "GitCommitAuthor": "author of the commit",
    "GitCommitName": "committer",
    "GitCommitEmail": "e-mail of the commit",
    "GitCommitMessagePart": "message of the commit",
    "GitCommitHeader": "header of the commit",
    "GitCommitBody": "body of the commit",
    "GitCommitTime": "time of the commit",
    "OneShot": "text of a program",
    "Debug": "for those who look for faults",
}
_MOST_DIGITS: Final = 10
"""Of a time: seconds since 1970, up to the year 2286."""


def gnostr_sentence(event: GnostrHeard, called: Callable[[str], str] = short_id) -> str:
    """Return what an event says, without its topic; it may have several lines. `called` is what a peer is called."""
    who = Name(event.nick, event.plain).of(event.peer_id)
    is_named = bool(event.commit_id) and event.commit_id not in event.text
    about = f" (commit {event.commit_id[: limits_git.SHORT_ID_CHARS]})" if is_named else ""
    more = f" {event.text}" if event.text else ""
    match event.kind:
        case gnostr.JOIN:
            return f"{who} joined!{about}{more}"
        case gnostr.LEAVE:
            return f"{who} left!{about}{more}"
        case gnostr.NOSTR_EVENT:
            whose = f", that is {called(event.signer)}" if event.signer else ""
            said = commit_words(event.text, event.commit_id)
            return f"{who} passes on a Nostr event [{event.badge}{whose}] {said}"
        case gnostr.GIT_DIFF:
            return "\n".join([f"{who} says how files differ{about}", PATCH_HEAD, *shown_part(event.text, others="")])
        case kind:
            text = _time(event.text) if kind == "GitCommitTime" else event.text
            return f"{who}, {_LABELS.get(kind, kind)}{about}: {text}"


def _time(text: str) -> str:
    """Return a time as people read it, if it is one."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        return text
    return f"{datetime.fromtimestamp(int(text), UTC):%Y-%m-%d %H:%M} UTC"
