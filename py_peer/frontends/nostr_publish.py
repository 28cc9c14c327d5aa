"""`py-peer nostr publish`: an event of Nostr about a commit, signed; for relays that are named, or printed."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

from py_peer.core import nip19
from py_peer.core.commits import commit_json
from py_peer.core.exit_codes import ExitCode
from py_peer.core.nostr import NostrError, badge_of, commit_event, derived_secret
from py_peer.frontends.nostr_key import chosen_key
from py_peer.net.nostr_key import NostrKeyError
from py_peer.service.repository import RepositoryError, read_commit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from py_peer.core.nostr import NostrEvent
    from py_peer.frontends.arguments import Arguments
    from py_peer.service.nostr_errands import Answered


def run(arguments: Arguments) -> int:
    """Sign, and have the relays take it; print where it is, or, without relays, the event."""
    try:
        commit = read_commit(arguments.own["repo"], arguments.own["rev"] or "").commit
        secret = derived_secret(commit.id) if arguments.own["derived"] else chosen_key(arguments).secret
        event = commit_event(commit_json(commit), commit.id, secret, int(time.time()))
    except RepositoryError as error:
        _tell(f"{error}")
        return ExitCode.NOT_FOUND
    except NostrKeyError as error:
        _tell(f"{error}; or sign with the commit's own key: --derived")
        return ExitCode.USAGE
    except NostrError as error:
        _tell(f"There can be no event about this commit: {error}")
        return ExitCode.NOT_SENT
    relays = arguments.settings.nostr_relays
    answers: Sequence[Answered] = ()
    if relays:
        from py_peer.service.nostr_errands import publish_to  # noqa: PLC0415 - not where no relay is named

        answers = publish_to(relays, event, arguments.timeout)
    _show(event, answers, as_json=arguments.json)
    if not relays or any(answer.done for answer in answers):
        return ExitCode.OK
    return ExitCode.NOT_SENT if any(answer.reached for answer in answers) else ExitCode.NOBODY_REACHED


def _show(event: NostrEvent, answers: Sequence[Answered], *, as_json: bool) -> None:
    badge = badge_of(event)
    _tell(badge.sentence)
    for one in answers:
        said = f": {one.words}" if one.words else ""
        _tell(f"{one.relay} has taken it{said}" if one.done else f"{one.relay}{said}")
    if not answers:
        _tell("It is published nowhere, as no relay is named: --nostr-relay URL names one")
    name = nevent(event, [one.relay for one in answers if one.done])
    if as_json:
        relays = [{"relay": one.relay, "taken": one.done, "words": one.words} for one in answers]
        fields = {"event": json.loads(event.json()), "nevent": name, "standing": badge.standing.value, "relays": relays}
        print(json.dumps(fields, ensure_ascii=False))
    elif not answers:
        print(event.json())
    elif any(one.done for one in answers):
        print(name)


def nevent(event: NostrEvent, relays: Sequence[str] = ()) -> str:
    """Return the nevent of an event, with as many of the first relays as fit into it."""
    data, author = bytes.fromhex(event.id), bytes.fromhex(event.pubkey)
    fitting = [relay for relay in relays if len(relay) <= nip19.MAX_ENTRY]
    while True:
        try:
            return nip19.encode(nip19.Entity("nevent", data, tuple(fitting), author, event.kind))
        except NostrError:  # too long; without relays it never is
            fitting.pop()


def _tell(sentence: str) -> None:
    print(f"py-peer: {sentence}", file=sys.stderr)
