"""What a text is on the wire of a topic: raw UTF-8, as in the room, or a message of gnostr's own chat.

One wire holds for all topics beside the room (`--wire`); the room has its own. They are never mixed: what comes in
another one is counted, and told once for each peer that sends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, final

from py_peer.core import limits_gnostr
from py_peer.core.chat_payload import decode_payload
from py_peer.core.cleaning import clean_text
from py_peer.core.events import Notice
from py_peer.core.topics import shown_topic

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.core.events import Event
    from py_peer.core.settings import Settings
    from py_peer.core.speakers import Name

GNOSTR: Final = "gnostr"
RAW: Final = "raw"
_GNOSTR_BEGINS: Final = b'{"from":'


@final
@dataclass(frozen=True, slots=True)
class Company:
    """Those whom a wire stands between."""

    emit: Callable[[Event], None]
    hear: Callable[[str, str, str, str], Name | None]
    """Takes what somebody has said, cleaned: who has signed it, the text, the topic, what he calls himself in it.

    Returns what he is called; None: it is not shown.
    """

    speaker: Callable[[str, str], Name | None]
    """Takes who has signed something, and what he calls himself in it; returns what he is called.

    None: nothing of him is shown.
    """

    nickname: Callable[[], str]
    """Returns what we are called."""

    bound: Callable[[str], str]
    """Takes an npub; returns the ID of the peer to whom that key is bound, or ""."""

    count: Callable[[str], None]
    """Counts something, by a name of ours (`py_peer.net.counters`)."""


class Wire(Protocol):
    """What a topic speaks."""

    @property
    def name(self) -> str:
        """What it is called in the options."""

    def encode(self, text: str) -> list[bytes]:
        """Return the payloads of a text, in their order."""

    def greeting(self, *, leaving: bool = False) -> bytes:
        """Return what is said once on each topic when somebody is there, or before it is left; b"" for nothing."""

    def hear(self, author: str, data: bytes, topic: str) -> None:
        """Take what somebody else has said. Never raises."""

    def left(self, topic: str) -> None:
        """Forget what is kept of a topic."""

    async def run(self) -> None:
        """Do what is to be done now and then."""


def wire_of(settings: Settings, company: Company) -> Wire:
    """Return the wire that the settings ask for."""
    if settings.wire == GNOSTR:
        from py_peer.service.gnostr_wire import GnostrWire  # noqa: PLC0415 - for those who talk so

        return GnostrWire(company, greets=settings.intro)
    return RawWire(company)


@final
class RawWire:
    """Raw UTF-8: whoever subscribes to the topic reads it, in any language."""

    name = RAW

    def __init__(self, company: Company) -> None:
        self._company = company
        self._others = OtherWires(company)

    def encode(self, text: str) -> list[bytes]:
        """Return the one payload of a text."""
        return [text.encode("utf-8", "replace")]

    def greeting(self, *, leaving: bool = False) -> bytes:  # noqa: ARG002 - another wire's
        """Return b"": nobody greets on a topic."""
        return b""

    def hear(self, author: str, data: bytes, topic: str) -> None:
        """Tell what somebody has said. JSON of gnostr's chat is a text like any other here; that it came is told."""
        name = self._company.hear(author, clean_text(decode_payload(data)), topic, "")
        if name is not None and data.startswith(_GNOSTR_BEGINS):
            self._note_gnostr(author, data, topic, name)

    def _note_gnostr(self, author: str, data: bytes, topic: str, name: Name) -> None:
        from py_peer.core.gnostr import looks_like_gnostr  # noqa: PLC0415 - hardly ever

        if looks_like_gnostr(data):
            self._company.count("gnostr: messages on a topic with another wire, shown as text")
            self._others.tell(author, topic, name, _AS_TEXT)

    def left(self, topic: str) -> None:
        """Forget nothing: nothing is kept."""

    async def run(self) -> None:
        """Do nothing."""


_AS_TEXT: Final = "speaks gnostr's wire, which is shown as text here; with --wire gnostr you speak it, too"
AS_NOTHING: Final = "says something that is not gnostr's JSON, and is not shown; without --wire gnostr it would be"


@final
class OtherWires:
    """Tells who speaks another wire than ours on a topic: once for each, and of so many."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._told: set[tuple[str, str]] = set()

    def tell(self, author: str, topic: str, name: Name, what: str) -> None:
        """Tell of one, if it has not been told."""
        if (author, topic) in self._told or len(self._told) >= limits_gnostr.OTHER_WIRE_TOLD:
            return
        self._told.add((author, topic))
        self._company.emit(Notice(f"{shown_topic(topic)}: {name.of(author)} {what}"))
