"""What all events are."""

from py_peer.core.frozen import frozen


@frozen
class Event:
    """The base of all events."""
