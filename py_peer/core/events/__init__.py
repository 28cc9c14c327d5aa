"""What the service tells a front-end: frozen dataclasses, matched on their type.

Every string in an event that came from outside has been cleaned (`py_peer.core.cleaning`);
a front-end may print it as it is. Events of files, of Git, of Nostr and so on have modules of their own beside this.
"""

from py_peer.core.events.base import Event as Event
from py_peer.core.events.messages import *  # noqa: F403
from py_peer.core.events.peers import *  # noqa: F403
from py_peer.core.events.reports import *  # noqa: F403
from py_peer.core.events.session import *  # noqa: F403
