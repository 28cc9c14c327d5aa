"""Everything that touches libp2p: host, connections, dialling, GossipSub, ping, identify, Kademlia.

Workarounds for faults of the library stand here and nowhere else, each under a comment that names
the fault, the release it was seen in and the test that pins it.
"""

from py_peer.net import lazy_library

lazy_library.put_off()  # here, since it has to come before anything of the library is imported
