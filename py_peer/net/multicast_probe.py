"""Whether multicast works on this machine, and whether anybody answers: for `py-peer doctor`. Without an event loop."""

from __future__ import annotations

import contextlib
import random
import select
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from py_peer.core import limits
from py_peer.core.interfaces import usable
from py_peer.net.interfaces import read_interfaces
from py_peer.net.mdns_packets import SERVICES, concerns_us, peers_in, question
from py_peer.net.multicast import group, in_words, open_socket

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from py_peer.core.interfaces import Interface


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


@dataclass(slots=True)
class _Probe:
    interface: Interface
    version: int
    asked: list[bytes] = field(default_factory=list)
    problem: str = ""
    heard_itself: bool = False
    peers: set[str] = field(default_factory=set)

    def ask(self, stack: contextlib.ExitStack) -> socket.socket | None:
        """Ask for each service; return the socket that hears the answers, or None when there is a problem."""
        try:
            mouth = stack.enter_context(open_socket(self.interface, self.version))
            ear = stack.enter_context(open_socket(self.interface, self.version))
            for service in SERVICES:
                # Its number, which mDNS has no use for, tells it from those of others on this machine.
                asked = random.randbytes(2) + question(service)[2:]
                mouth.sendto(asked, group(self.version, self.interface.index))
                self.asked.append(asked)
            ear.setblocking(False)  # noqa: FBT003 - it has no name
        except OSError as error:
            self.problem = in_words(error)
            return None
        return ear

    def hear(self, ear: socket.socket) -> None:
        """Take one packet."""
        with contextlib.suppress(OSError):
            data = ear.recv(limits.MDNS_PACKET)
            self.heard_itself |= data in self.asked
            if concerns_us(data):
                self.peers |= peers_in(data, self.interface.zone)

    def report(self) -> MulticastReport:
        """Return what was seen."""
        family = f"IPv{self.version}"
        return MulticastReport(self.interface.name, family, self.problem, self.heard_itself, len(self.peers))


def probe_multicast(seconds: float, interfaces: Sequence[str] = ()) -> list[MulticastReport]:
    """Ask on every usable interface (or on those named) who is there, and listen for `seconds`; this blocks.

    Nothing is announced. There is one report for each interface and family, none where there is no usable interface.
    """
    try:
        there = read_interfaces()
    except OSError:
        there = ()
    probes = [_Probe(one, version) for one in usable(there, interfaces) for version in one.versions()]
    with contextlib.ExitStack() as stack:
        ears = {ear: probe for probe in probes if (ear := probe.ask(stack)) is not None}
        end = time.monotonic() + seconds
        while ears and (left := end - time.monotonic()) > 0:
            for ear in select.select(list(ears), [], [], left)[0]:
                ears[ear].hear(ear)
    return [probe.report() for probe in probes]
