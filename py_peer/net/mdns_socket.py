"""One socket of mDNS, served: what is due is sent, what comes is heard, and a goodbye is said at the end."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final, final

import trio

from py_peer.core import limits
from py_peer.core.rates import TokenBucket
from py_peer.net.mdns_link import Link
from py_peer.net.multicast import group

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from py_peer.core.interfaces import IP, Interface
    from py_peer.net.mdns_link import Guard, Heard
    from py_peer.net.mdns_packets import Records

SAID_FAULTS: Final = 3
"""So many sendings fail in a row before it is said: a fresh interface needs some seconds until it has an address."""

LONGEST_PAUSE: Final = 60.0
"""Between tries to send on an interface that lets nothing out, in seconds."""

FAILED_PAUSE: Final = 1.0


@final
class LinkSocket:
    """Serves the socket of one interface and one IP version, which it owns from now on."""

    def __init__(self, interface: Interface, version: int, made: socket.socket, records: Records, guard: Guard) -> None:
        self._interface = interface
        self._made = made
        self._group = group(version, interface.index)
        self._guard = guard
        self._link = Link(interface, records, guard, self._send)
        self._fault: OSError | None = None
        self._sooner = trio.Event()

    async def run(
        self,
        scope: trio.CancelScope,
        on_heard: Callable[[Heard, float], None],
        on_fault: Callable[[OSError | None], None],
    ) -> None:
        """Ask, answer and listen until `scope` is cancelled.

        `on_fault` is told when nothing gets out, and with None when something does. Neither function may block.
        """
        self._link.begin(trio.current_time())
        with trio.socket.from_stdlib_socket(self._made) as ears:
            try:
                with scope:
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(self._speak, on_fault)
                        nursery.start_soon(self._listen, ears, on_heard)
            finally:
                self._link.leave()

    def _send(self, data: bytes, to: tuple[IP, int] | None) -> None:
        """Send without waiting, which a packet that has no room in the system's buffer is not worth."""
        try:
            if to is None:
                self._made.sendto(data, self._group)
            else:
                ip, port = to
                self._made.sendto(
                    data, (str(ip), port) if ip.version == 4 else (str(ip), port, 0, self._interface.index)
                )
        except BlockingIOError:
            self._guard.drop("ours, there was no room")
        except OSError as error:
            if to is None:
                self._fault = error
            else:
                self._guard.drop("ours, an asker is out of reach")

    async def _speak(self, on_fault: Callable[[OSError | None], None]) -> None:
        faults = 0
        while True:
            with trio.move_on_at(self._link.next_due()):
                await self._sooner.wait()
            self._sooner = trio.Event()
            self._fault = None
            if not self._link.speak(trio.current_time()):
                continue
            if self._fault is None:
                faults = 0
                on_fault(None)
                continue
            faults += 1
            if faults >= SAID_FAULTS:
                on_fault(self._fault)
            self._link.begin(trio.current_time() + min(LONGEST_PAUSE, 0.5 * 2 ** min(faults, 10)))

    async def _listen(self, ears: trio.socket.SocketType, on_heard: Callable[[Heard, float], None]) -> None:
        reading = TokenBucket(limits.MDNS_READ_RATE, limits.MDNS_READ_BURST)
        while True:
            try:
                data, address = await ears.recvfrom(limits.MDNS_PACKET + 1)
            except OSError:  # the interface goes, or Windows tells of a packet that did not arrive
                self._guard.drop("the socket failed")
                await trio.sleep(FAILED_PAUSE)
                continue
            now = trio.current_time()
            source = ipaddress.ip_address(address[0].partition("%")[0])
            if source.version == 6 and source.is_link_local and address[3] != self._interface.index:
                continue  # another socket has it
            due = self._link.next_due()
            try:
                for heard in self._link.hear(data, (source, address[1]), now):
                    on_heard(heard, now)
            except Exception as error:  # noqa: BLE001 - no packet ends the listening
                self._guard.caught(error)
            if self._link.next_due() < due:
                self._sooner.set()
            if not reading.take(now):
                await trio.sleep(reading.wait(now))
