"""What the service tells of gnostr's own chat; as in `py_peer.core.events`, every string has been cleaned.

What somebody says there, the kind Chat, is told by MessageReceived, as what is said elsewhere is.
"""

from typing import final

from py_peer.core.events import Event
from py_peer.core.frozen import frozen


@final
@frozen
class GnostrHeard(Event):
    """Something else than a text came on a topic that speaks gnostr's wire. `kind` is gnostr's word for what it is.

    `nick` and `plain` are as in MessageReceived; of who has announced no nickname, `nick` is what he calls himself
    there, which nobody has checked, and so never plain. `text` may hold line breaks; `timestamp` is the local time of
    arrival, seconds since 1970. `commit_id` is the commit that it names, in a tag if it is a Nostr event, or "".
    """

    topic: str
    peer_id: str
    nick: str
    kind: str
    text: str
    timestamp: float
    plain: bool = False
    commit_id: str = ""
    standing: str = ""
    """Of a Nostr event what its signature is worth: "verified", or "derived", which anybody can have made."""

    npub: str = ""
    """The key that has signed it, and not who passed it on."""

    badge: str = ""
    """Both, in a sentence."""

    signer: str = ""
    """The peer to whom that key is bound (NostrBound), or ""; a derived key is everybody's."""
