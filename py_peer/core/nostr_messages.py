"""What is said between a client and a relay of Nostr, as text, and how a relay is named.

Spec: NIP-01, "Communication between clients and relays"; https://github.com/nostr-protocol/nips/blob/master/01.md.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final
from urllib.parse import urlsplit

from py_peer.core import limits_nostr
from py_peer.core.cleaning import clean_line
from py_peer.core.nostr import NostrError, read_json

if TYPE_CHECKING:
    from py_peer.core.nostr import NostrEvent

PORTS: Final = {"ws": 80, "wss": 443}
KINDS: Final = ("EVENT", "OK", "EOSE", "CLOSED", "NOTICE")
"""What a relay says by NIP-01; what it says beside that is of other NIPs."""


class RelayURLError(ValueError):
    """A text does not name a relay; the sentence says why."""


@final
@dataclass(frozen=True, slots=True)
class RelayURL:
    """Where a relay is. `resource` is the path, with the query behind it."""

    host: str
    port: int
    resource: str
    secure: bool

    def __str__(self) -> str:
        """Return it in the one way in which it is written here."""
        scheme = "wss" if self.secure else "ws"
        return f"{scheme}://{self.authority}{'' if self.resource == '/' else self.resource}"

    @property
    def authority(self) -> str:
        """The host, and the port where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS["wss" if self.secure else "ws"] else f"{host}:{self.port}"


def parse_relay_url(text: str) -> RelayURL:
    """Return where `text` leads. Raises RelayURLError."""
    shown = clean_line(text, limits_nostr.SHOWN_URL_CHARS)
    if len(text) > limits_nostr.MAX_URL_CHARS:
        raise RelayURLError(f"the URL of a relay has {limits_nostr.MAX_URL_CHARS:,} characters at most")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise RelayURLError(f"{shown!r} is not the URL of a relay: it has only ASCII in it, and no blanks")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")  # as whoever connects does: a label has 1 to 63 characters
    except ValueError:
        raise RelayURLError(f"{shown!r} is not the URL of a relay: look at its host and its port") from None
    if parts.scheme not in PORTS or not text.lower().startswith(f"{parts.scheme}://"):
        advice = f"; did you mean {'ws' + shown[4:]!r}?" if parts.scheme in ("http", "https") else ""
        raise RelayURLError(f"{shown!r} is not the URL of a relay: it begins with wss:// or ws://{advice}")
    if "@" in parts.netloc or parts.fragment:  # what stands before it may be a password
        raise RelayURLError("in the URL of a relay there is neither a name before @ nor a #")
    if not host:
        raise RelayURLError(f"{shown!r} names no host")
    if port == 0:
        raise RelayURLError(f"{shown!r} has a port on which nobody listens")
    resource = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return RelayURL(host, port or PORTS[parts.scheme], resource, parts.scheme == "wss")


# --- What we say ----------------------------------------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class Filter:
    """What a relay is asked for; what is None is not asked about. Times are in seconds since 1970."""

    ids: tuple[str, ...] | None = None
    kinds: tuple[int, ...] | None = None
    since: int | None = None
    until: int | None = None
    limit: int | None = None
    """How many of those that the relay has already, the latest ones."""

    def fields(self) -> dict[str, Any]:
        """Return it as it is written."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def event_message(event: NostrEvent) -> str:
    """Return what asks a relay to take an event."""
    return f'["EVENT",{event.json()}]'


def request_message(subscription: str, *filters: Filter) -> str:
    """Return what asks a relay for events that pass one of `filters`, those that it has and those that come."""
    return _written(["REQ", subscription, *(one.fields() for one in filters)])


def close_message(subscription: str) -> str:
    """Return what ends such a request."""
    return _written(["CLOSE", subscription])


def _written(message: list[Any]) -> str:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


# --- What a relay says ----------------------------------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class EventHeard:
    """An event that was asked for, as it came: nothing of it has been looked at."""

    subscription: str
    fields: dict[str, Any]


@final
@dataclass(frozen=True, slots=True)
class EventTaken:
    """What has become of an event that was handed over; `reason` is cleaned."""

    event_id: str
    accepted: bool
    reason: str


@final
@dataclass(frozen=True, slots=True)
class StoredEnd:
    """What the relay had is all there (EOSE); what comes now is new."""

    subscription: str


@final
@dataclass(frozen=True, slots=True)
class RequestClosed:
    """The relay has ended a request, or has not taken it; `reason` is cleaned."""

    subscription: str
    reason: str


@final
@dataclass(frozen=True, slots=True)
class RelayNotice:
    """Something for people to read, cleaned."""

    text: str


@final
@dataclass(frozen=True, slots=True)
class OtherMessage:
    """Something of another NIP, such as AUTH."""


RelayMessage: TypeAlias = EventHeard | EventTaken | StoredEnd | RequestClosed | RelayNotice | OtherMessage


def read_relay_message(text: str) -> RelayMessage:
    """Return what a relay says; texts for people are cleaned. Raises NostrError."""
    match read_json(text, limits_nostr.MAX_RELAY_MESSAGE):
        case ["EVENT", str(subscription), dict(fields)]:
            return EventHeard(subscription, fields)
        case ["OK", str(event_id), bool(accepted), *rest]:
            return EventTaken(event_id, accepted, _words(rest))
        case ["EOSE", str(subscription), *_]:
            return StoredEnd(subscription)
        case ["CLOSED", str(subscription), *rest]:
            return RequestClosed(subscription, _words(rest))
        case ["NOTICE", str(words), *_]:
            return RelayNotice(_words([words]))
        case [str(kind), *_] if kind not in KINDS:
            return OtherMessage()
        case _:
            raise NostrError("it is no message of a relay")


def _words(rest: list[Any]) -> str:
    return clean_line(rest[0], limits_nostr.RELAY_WORDS_CHARS) if rest and isinstance(rest[0], str) else ""
