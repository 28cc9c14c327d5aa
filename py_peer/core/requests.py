"""What a front-end asks of the service: frozen dataclasses, the other way of `py_peer.core.events`."""

from dataclasses import dataclass
from typing import final


@dataclass(frozen=True, slots=True)
class Request:
    """The base of all requests. `ticket` comes back in the events that answer it."""

    ticket: int


@final
@dataclass(frozen=True, slots=True)
class SendText(Request):
    """Say `text` in the room. Answered by MessageSent, MessageWaiting (then, later, MessageSent) or MessageRefused."""

    text: str


@final
@dataclass(frozen=True, slots=True)
class RequestStatus(Request):
    """Answered by a StatusReport."""


@final
@dataclass(frozen=True, slots=True)
class Stop(Request):
    """End the service; answered by Stopped.

    `drain` seconds are given to what still waits to be sent while anything moves; 0 leaves at once.
    """

    drain: float = 0.0
