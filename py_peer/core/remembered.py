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


VERSION: Final = 1
"""Of the file's format. A later one, with another meaning, is left to the program that wrote it."""

Time: TypeAlias = Annotated[float, msgspec.Meta(ge=-(2**53), le=2**53)]
"""Sums of larger ones may be no numbers; before 1970 is what lies a month back where a clock begins anew."""


class RememberedError(ValueError):
    """What a file holds is not what we keep in it; the text says so, as in "the file …"."""


class LaterFormatError(RememberedError):
    """The file is of a later version of py-peer, which still understands it."""


_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


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
class _Format(msgspec.Struct):
    version: int = VERSION


@final
class _Kept(msgspec.Struct):
    """What is read of a file: each peer by itself, so that a bad one costs no other."""

    written: Time
    peers: dict[str, msgspec.Raw]


@final
class _File(msgspec.Struct):
    version: int
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

        self.left_out = 0
        """Peers and addresses of the file that could not be understood."""

        self.peers: dict[str, Remembered] = {}
        if data is not None:
            self._read(data)

    def _read(self, data: bytes) -> None:
        try:
            if msgspec.json.decode(data, type=_Format).version > VERSION:
                raise LaterFormatError("is of a later version of py-peer")
            file = msgspec.json.decode(data, type=_Kept)
        except _UNREADABLE as error:
            raise RememberedError("cannot be understood") from error
        self.pause = min(max(0.0, self._now - file.written), LONGEST_PAUSE)
        moved = self._now - self.pause - file.written
        for peer_id, raw in file.peers.items():
            if (peer := self._read_peer(peer_id, raw)) is not None:
                peer.seen = min(peer.seen + moved, self._now)
                peer.tried = min(peer.tried + moved, self._now)
                self.peers[peer_id] = peer
        self._forget()

    def _read_peer(self, peer_id: str, raw: msgspec.Raw) -> Remembered | None:
        """Return a peer without those of its addresses that are none; None for what is no peer."""
        try:
            peer = msgspec.json.decode(raw, type=Remembered)
        except _UNREADABLE:
            peer = None
        if peer is None or parse_peer_id(peer_id) != peer_id:
            self.left_out += 1
            return None
        addresses = peer.addresses[: limits.REMEMBERED_ADDRESSES]
        peer.addresses = [text for text in addresses if _parse(peer_id, text) is not None]
        self.left_out += len(addresses) - len(peer.addresses)
        return peer

    def best(self) -> list[tuple[str, list[DialAddress]]]:
        """Return the peers with their addresses: first those whom we have reached, and of them who was there last."""
        peers = ((peer_id, self.peers[peer_id].addresses) for peer_id in sorted(self.peers, key=self._worth))
        return [(peer_id, [one for text in texts if (one := _parse(peer_id, text))]) for peer_id, texts in peers]

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
        return msgspec.json.format(msgspec.json.encode(_File(VERSION, self._now, self.peers)), indent=1) + b"\n"

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


def _parse(peer_id: str, text: str) -> DialAddress | None:
    """Return an address that ends in the ID of its peer; None for anything else."""
    without = text.removesuffix(f"/p2p/{peer_id}")  # a thousand peer IDs, there and back, would take 0.1 s
    try:
        address = parse_dial_address(without)
    except AddressError:
        return None
    return None if without == text or address.peer_id else with_peer(address, peer_id)
