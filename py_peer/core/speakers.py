"""What peers are called, as a front-end remembers it, whether they are connected or heard through others."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import final

from py_peer.core import limits
from py_peer.core.addresses import short_id


@final
@dataclass(frozen=True, slots=True)
class Name:
    """A nickname, and whether it is shown without the short ID beside it: `plain` says that it is nobody else's."""

    nick: str
    plain: bool = True

    def of(self, peer_id: str) -> str:
        """Return the name of a peer as it is shown."""
        return self.nick if self.plain else f"{self.nick}({short_id(peer_id)})"


@final
class Speakers:
    """The latest name of each peer that was heard of; of `most` peers, the one longest silent is forgotten first."""

    def __init__(self, most: int = limits.KNOWN_SPEAKERS) -> None:
        self._most = most
        self._names: OrderedDict[str, Name] = OrderedDict()

    def __len__(self) -> int:
        return len(self._names)

    def copy(self) -> Speakers:
        """Return another that knows the same, and goes its own way from here."""
        other = Speakers(self._most)
        other._names.update(self._names)
        return other

    def hear(self, peer_id: str, name: Name) -> None:
        """Note that a peer was heard of, under this name."""
        self._names[peer_id] = name
        self._names.move_to_end(peer_id)
        if len(self._names) > self._most:
            self._names.popitem(last=False)

    def name(self, peer_id: str) -> Name | None:
        """Return the name of a peer, or None if it was not heard of."""
        return self._names.get(peer_id)

    def latest(self) -> dict[str, Name]:
        """Return names by peer ID, whoever was heard of last first."""
        return dict(reversed(self._names.items()))
