"""Where peers were: what a file keeps of it from one run to the next.

Times are seconds since 1970, by a clock that may be moved. So an age is never the difference to a clock's word alone:
time that has passed since the file was written counts for a week at most, and for none where it is less than none.
A holiday or a wrong clock makes nobody forgotten, and nobody stays who is not met in a few weeks of use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, final

import msgspec

from py_peer.core import limits
from py_peer.core.addresses import AddressError, parse_dial_address, parse_peer_id, with_peer

if TYPE_CHECKING:
    from collections.abc import Collection

    from py_peer.core.addresses import DialAddress

DAY: Final = 86_400.0
LONGEST_PAUSE: Final = 7 * DAY
"""Of the time between two runs so much counts."""


Time: TypeAlias = Annotated[float, msgspec.Meta(ge=-(2**53), le=2**53)]
"""Sums of larger ones may be no numbers; before 1970 is what lies a month back where a clock begins anew."""


class RememberedError(ValueError):
    """What a file holds is not what we keep in it; the text says why, as in "the file …"."""


@final
class Remembered(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One peer. `reached` says whether we have dialled it there; else it came to us and told its port."""

    addresses: list[str]
    seen: Time
    """When it was last there."""

    reached: bool = False
    failures: int = 0
    """On how many days it was dialled in vain since."""

    tried: Time = 0.0
    """When the last of these days was."""


@final
class _File(msgspec.Struct, forbid_unknown_fields=True):
    written: Time
    peers: dict[str, Remembered]


@final
class Places:
    """The peers of a file, as it is at the time `now`."""

    def __init__(self, data: bytes | None, now: float) -> None:
        """Read a file; None is one that is not there. Raises RememberedError."""
        self._now = now
        self.pause = 0.0
        """Seconds that have passed since the file was written, as far as they count."""

        self.peers: dict[str, Remembered] = {}
        if data is not None:
            self._read(data)

    def _read(self, data: bytes) -> None:
        try:
            file = msgspec.json.decode(data, type=_File)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RememberedError(f"is not what py-peer wrote: {error}") from error
        for peer_id, peer in file.peers.items():
            if parse_peer_id(peer_id) != peer_id:
                raise RememberedError("holds something else than a peer ID")
            del peer.addresses[limits.REMEMBERED_ADDRESSES :]
            _parse(peer_id, peer)
        self.pause = min(max(0.0, self._now - file.written), LONGEST_PAUSE)
        moved = self._now - self.pause - file.written
        for peer in file.peers.values():
            peer.seen = min(peer.seen + moved, self._now)
            peer.tried = min(peer.tried + moved, self._now)
        self.peers = file.peers
        self._forget()

    def best(self) -> list[tuple[str, list[DialAddress]]]:
        """Return the peers with their addresses: first those whom we have reached, and of them who was there last."""
        return [(peer_id, _parse(peer_id, self.peers[peer_id])) for peer_id in sorted(self.peers, key=self._worth)]

    def reached(self, peer_id: str, addresses: Collection[str]) -> None:
        """Note that a peer is there, and was dialled at `addresses`, the latest first."""
        peer = self._met(peer_id)
        peer.addresses = list(dict.fromkeys([*addresses, *(peer.addresses if peer.reached else ())]))
        del peer.addresses[limits.REMEMBERED_ADDRESSES :]
        peer.reached = True

    def told(self, peer_id: str, addresses: Collection[str]) -> None:
        """Note that a peer is there, and says that it listens on `addresses`. What we have reached goes before."""
        peer = self._met(peer_id)
        known = peer.addresses[: limits.REMEMBERED_ADDRESSES - 1] if peer.reached else []
        peer.addresses = list(dict.fromkeys([*known, *addresses]))[: limits.REMEMBERED_ADDRESSES]

    def failed(self, peer_id: str) -> None:
        """Note that a peer was dialled in vain; it counts once a day."""
        peer = self.peers.get(peer_id)
        if peer is not None and self._now - peer.tried >= DAY:
            peer.failures += 1
            peer.tried = self._now

    def write(self) -> bytes:
        """Return the file, with what is too old or too much left out."""
        self._forget()
        return msgspec.json.format(msgspec.json.encode(_File(self._now, self.peers)), indent=1) + b"\n"

    def _met(self, peer_id: str) -> Remembered:
        peer = self.peers.setdefault(peer_id, Remembered([], self._now))
        peer.seen, peer.failures, peer.tried = self._now, 0, 0.0
        return peer

    def _forget(self) -> None:
        """Forget who was not there for long, or was dialled in vain too often, and of too many the least known."""
        since = self._now - limits.REMEMBERED_DAYS * DAY
        kept = [
            peer_id
            for peer_id, peer in self.peers.items()
            if peer.addresses and peer.seen > since and peer.failures < limits.REMEMBERED_FAILURES
        ]
        kept.sort(key=self._worth)
        self.peers = {peer_id: self.peers[peer_id] for peer_id in kept[: limits.REMEMBERED_PEERS]}

    def _worth(self, peer_id: str) -> tuple[bool, float]:
        peer = self.peers[peer_id]
        return not peer.reached, -peer.seen


def _parse(peer_id: str, peer: Remembered) -> list[DialAddress]:
    end = f"/p2p/{peer_id}"
    try:  # without its end: a thousand peer IDs, there and back, would take 0.1 s
        addresses = [parse_dial_address(text.removesuffix(end)) for text in peer.addresses]
    except AddressError as error:
        raise RememberedError(f"holds an address that is none: {error}") from error
    if any(one.peer_id for one in addresses) or not all(text.endswith(end) for text in peer.addresses):
        raise RememberedError("holds an address without the ID of its peer")
    return [with_peer(one, peer_id) for one in addresses]
