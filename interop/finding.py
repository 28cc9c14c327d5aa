"""How ours and theirs find each other, as rows of the table: the scenes themselves are in discovering.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from interop import discovering
from interop.outcomes import Outcome, nothing
from interop.scenes import Scene
from tests.sisters.sisters import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from interop.columns import Column
    from interop.discovering import Found
    from tests.network.peers import Peer


@final
@dataclass(frozen=True)
class Ground:
    """Where they are to find each other: networks that each scene makes for itself."""

    column: Column
    folder: Path

    @property
    def kind(self) -> type[Peer]:
        """Return what theirs is."""
        return KINDS[self.column.language.name]

    def close(self) -> None:
        """Nothing is left of a scene."""


def by_mdns(ground: Ground) -> Outcome:
    """Have both look around on one network."""
    return _after(discovering.mdns(ground.kind, ground.folder / "mdns", we_dial=ground.column.we_dial))


def by_topic(ground: Ground) -> Outcome:
    """Have both hear of each other on the discovery topic."""
    return _after(discovering.topic(ground.kind, ground.folder / "topic", we_dial=ground.column.we_dial))


def by_kademlia(ground: Ground) -> Outcome:
    """Have one provide the room's key, and the other find it."""
    return _after(discovering.kademlia(ground.kind, ground.folder / "kademlia", we_dial=ground.column.we_dial))


def through_theirs(ground: Ground) -> Outcome:
    """Have two of ours find each other by what theirs keeps for Kademlia."""
    if not ground.column.we_dial:
        return nothing("theirs only keeps what ours tell it here, and dials nobody")
    return _after(discovering.served(ground.kind, ground.folder / "served"))


def _after(found: Found) -> Outcome:
    return Outcome(f"{found.seconds:.1f} s", {"seconds": found.seconds, "addresses": found.addresses})


FINDING_SCENES: Final = (
    Scene("mdns", "by mDNS", by_mdns),
    Scene("topic", "on the discovery topic", by_topic),
    Scene("kademlia", "by Kademlia: one provides, the other finds", by_kademlia),
    Scene("served", "two of ours, by a Kademlia server of theirs", through_theirs),
)
