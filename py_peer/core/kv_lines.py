"""The lines of `py-peer kv shell`: gnostr's commands, and what is printed for them.

A command is a word in capitals, a key without blanks and, where there is one, a value to the end of the line.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from py_peer.core.dht_events import KeyProvided, LookupFailed, ProvidersFound, ValueFound, ValuePut
from py_peer.core.events import MessageReceived
from py_peer.core.json_lines import one_line
from py_peer.core.requests import FindProviders, GetValue, JoinTopic, ProvideKey, PutValue
from py_peer.core.topic_events import TopicJoined
from py_peer.core.topics import read_topic

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.core.events import Event
    from py_peer.core.requests import Request

LEAVING: Final = ("QUIT", "EXIT", "Q")
WORDS: Final = ("GET", "PUT", "GET_PROVIDERS", "PUT_PROVIDER", "TOPIC")

NO_COMMAND: Final = "expected GET, GET_PROVIDERS, PUT or PUT_PROVIDER (or TOPIC or QUIT)"
NO_KEY: Final = "Expected key"
NO_VALUE: Final = "Expected value"
NO_TOPIC: Final = "Expected topic"
"""gnostr's words for a line that is no command, and two more commands, which it leaves out there."""


class LineError(ValueError):
    """A line is no command; the text says what was expected."""


def requests_of(line: str, new_ticket: Callable[[], int]) -> tuple[Request, ...]:
    """Return what a line asks for: PUT also has it written down that we provide the key. Raises LineError.

    An empty line asks for nothing.
    """
    word, _, rest = line.strip().partition(" ")
    rest = rest.lstrip()
    key, _, value = rest.partition(" ")
    value = value.strip()
    if not word:
        return ()
    if word not in WORDS:
        raise LineError(NO_COMMAND)
    if word == "TOPIC":
        if not (topic := read_topic(rest)):
            raise LineError(NO_TOPIC)
        return (JoinTopic(new_ticket(), topic),)
    if not key:
        raise LineError(NO_KEY)
    if word == "PUT":
        if not value:
            raise LineError(NO_VALUE)
        put = PutValue(new_ticket(), key, value)
        return put, ProvideKey(new_ticket(), key, behind=put.ticket)
    if value:
        msg = f"expected nothing behind the key, and there is {value[:40]!r}"
        raise LineError(msg)
    kinds: dict[str, Callable[[int, str], Request]] = {
        "GET": GetValue,
        "GET_PROVIDERS": FindProviders,
        "PUT_PROVIDER": ProvideKey,
    }
    return (kinds[word](new_ticket(), key),)


def result_line(event: Event, request: Request | None = None) -> str:
    """Return the line for the answer to a request, or for a text on a topic; "" for an event that is no result."""
    found: dict[str, Any]
    match event:
        case ValueFound():
            found = {"value": event.value} | ({"base64": event.base64} if event.base64 else {})
        case LookupFailed():
            found = {"providers": []} if isinstance(request, FindProviders) else {"value": None}
        case ProvidersFound():
            found = {"providers": event.peer_ids}
        case ValuePut():
            found = {"kept_by": event.peers, "asked": event.asked}
        case KeyProvided():
            found = {"provided_to": event.peers, "asked": event.asked}
        case TopicJoined():
            return _line({"topic": event.topic, "peers": event.peers})
        case MessageReceived():
            return _line({"topic": event.topic, "from": event.peer_id, "text": event.text})
        case _:
            return ""
    return _line({"key": event.key} | found)


def _line(found: dict[str, Any]) -> str:
    return one_line(json.dumps(found, ensure_ascii=False, separators=(",", ":")))
