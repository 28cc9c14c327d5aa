"""That a peer is somewhere: who says so, and of what kind his word is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from py_peer.core.addresses import DialAddress


@final
class Source(Enum):
    """How we came to know an address. The value is what a person is told, behind "Found 12D3…"."""

    NAMED = "by name"
    """The user named it, at the start or with /connect."""

    MDNS = "by mDNS"
    MEMORY = "from an earlier run"
    """We were connected there in an earlier run."""

    KADEMLIA = "by Kademlia"
    TOPIC = "by the discovery topic"
    ITSELF = "by itself"
    """It said so while it was connected (identify); taken of those alone of whom somebody else told, too."""

    @property
    def is_told(self) -> bool:
        """Whether it is the word of a stranger."""
        return self in (Source.KADEMLIA, Source.TOPIC, Source.ITSELF)


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """What one source says at one time: a peer, and where it can be dialled. Nothing of it has been proved.

    `teller` is the peer ID of the connected peer that handed it to us, and `teller_ip` the IP address at which that one
    is connected; both are "" for what no peer told (mDNS, memory, the user). An IP address may have a zone.
    """

    peer_id: str
    addresses: tuple[DialAddress, ...]
    source: Source
    teller: str = ""
    teller_ip: str = ""
