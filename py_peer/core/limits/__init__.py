"""Every limit, each with its reason, in a file a subject. Sizes in bytes, times in seconds.

They are read as `limits.NAME`, from here: a test that has another value sets it here. Those of Git, of Nostr and of
gnostr's chat have modules of their own beside this one.
"""

from py_peer.core.limits.chat import *  # noqa: F403
from py_peer.core.limits.connections import *  # noqa: F403
from py_peer.core.limits.direct import *  # noqa: F403
from py_peer.core.limits.discovery import *  # noqa: F403
from py_peer.core.limits.files import *  # noqa: F403
from py_peer.core.limits.kademlia import *  # noqa: F403
from py_peer.core.limits.reached import *  # noqa: F403
