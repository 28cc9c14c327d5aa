"""A port that the router forwards to us because it was asked to: UPnP, as routers at home speak it.

miniupnpc blocks, for seconds where no router answers, and asks what is on the network to be read by C. So it is
imported and called in a thread of its own, for which nobody waits: not the start, and the end for a moment alone. A
forwarding lasts for as long as it was asked for, and is asked for again at half of that time.

NAT-PMP and PCP, which do the same, are left out: routers that speak only these are few, and miniupnpc speaks neither.

Spec: UPnP's WANIPConnection:2, 2.4 (https://upnp.org/specs/gw/UPnP-gw-WANIPConnection-v2-Service.pdf)
"""

from __future__ import annotations

import logging
import random
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, final

import anyio
import anyio.to_thread
import trio

from py_peer.core import limits
from py_peer.core.addresses import QUIC, WSS
from py_peer.core.cleaning import clean_line
from py_peer.core.ranges import Kind, kind_of
from py_peer.core.reachability import is_behind_a_router

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from py_peer.core.listening import ListenAddress
    from py_peer.net.interfaces import Interfaces

log = logging.getLogger(__name__)

T = TypeVar("T")

_NAME: Final = "py-peer"
_CONFLICT: Final = "ConflictInMappingEntry"
_FOR_EVER_ALONE: Final = "OnlyPermanentLeasesSupported"
_OTHER_PORTS: Final = range(20_000, 60_000)


class UpnpError(Exception):
    """The router does not do what it is asked for; the text says why."""


class Gateway(Protocol):
    """A router that can be asked. Every method blocks, and raises UpnpError. A protocol is "TCP" or "UDP"."""

    def external_ip(self) -> str:
        """Return its address on the other side, as it tells it."""

    def forward(self, protocol: str, port: int, outside: int, seconds: int) -> int:
        """Have a port of ours forwarded for so long; return the port at the other side: `outside`, or what is free."""

    def stop(self, protocol: str, port: int) -> None:
        """Have a port at the other side forwarded no more."""


@final
class Upnp:
    """Keeps the ports that we listen on forwarded while it runs."""

    def __init__(
        self,
        bound: Iterable[ListenAddress],
        tell: Callable[[tuple[str, ...]], None],
        find: Callable[[], Gateway | None] | None = None,
    ) -> None:
        """`bound` is where we listen. `tell` is told at which multiaddrs that is reached from outside, or ()."""
        own = [
            one for one in bound if not one.is_ip6 and one.transport != WSS and kind_of(one.host) is not Kind.LOOPBACK
        ]
        self._bound = own[: limits.UPNP_PORTS]
        self._tell = tell
        self._find = find or find_gateway
        self._forwarded: dict[tuple[str, int], int] = {}
        self._told: tuple[str, ...] = ()
        self._one_thread = anyio.CapacityLimiter(1)
        self.trouble = ""
        """Why there is a router, and no port forwarded; "" when there is one, or none was found."""

    async def run(self, interfaces: Interfaces) -> None:
        """Look for a router, have it forward, and again; anew at once when the interfaces change."""
        if not self._bound:
            return
        gateway: Gateway | None = None
        try:
            while True:
                changed = interfaces.changed
                was_there = gateway is not None
                try:
                    if gateway is None and is_behind_a_router(interfaces.now):
                        gateway = await self._in_thread(self._find)
                    self.trouble = ""
                    self._say(await self._forward(gateway) if gateway else ())
                except UpnpError as error:
                    log.debug("UPnP: %s", error)
                    self.trouble, gateway = str(error), None
                    self._say(())
                    if was_there:
                        continue  # it may have been started anew
                pause = limits.UPNP_LEASE / 2 if gateway else limits.UPNP_SEARCH_INTERVAL
                with trio.move_on_after(pause):
                    await changed.wait()
                    gateway = None
        finally:
            if gateway is not None:
                with trio.CancelScope(shield=True), trio.move_on_after(limits.CLOSE_TIMEOUT / 2):
                    await self._stop(gateway)

    async def _forward(self, gateway: Gateway) -> tuple[str, ...]:
        ip = await self._in_thread(gateway.external_ip)
        if not _is_public(ip):
            raise UpnpError("the router is behind another one: it has no public address itself")
        reached: list[str] = []
        for one in self._bound:
            protocol = "UDP" if one.transport == QUIC else "TCP"
            outside = self._forwarded.get((protocol, one.port), one.port)
            again = partial(gateway.forward, protocol, one.port, outside, limits.UPNP_LEASE)
            self._forwarded[protocol, one.port] = outside = await self._in_thread(again)
            reached.append(replace(one, host=ip, port=outside).text)
        return tuple(reached)

    async def _stop(self, gateway: Gateway) -> None:
        for (protocol, _), port in self._forwarded.items():
            with suppress(UpnpError):
                await self._in_thread(partial(gateway.stop, protocol, port))

    def _say(self, addresses: tuple[str, ...]) -> None:
        if addresses != self._told:
            self._told = addresses
            self._tell(addresses)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Call what blocks; one after the other, so that what is taken back comes behind what was asked for."""
        return await anyio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._one_thread)


def _is_public(ip: str) -> bool:
    try:
        return kind_of(ip) is Kind.PUBLIC
    except ValueError:
        return False


def find_gateway() -> Gateway | None:
    """Return a router that forwards, or None where no one answers. It blocks."""
    try:
        import miniupnpc  # noqa: PLC0415 - in a thread, and not where it is off

        found = miniupnpc.UPnP()
        found.discoverdelay = limits.UPNP_PATIENCE
        with suppress(Exception):  # on some systems it raises "Success"
            found.discover()
        found.selectigd()
    except Exception as error:  # noqa: BLE001 - it raises nothing else
        log.debug("UPnP: no router: %s", error)
        return None
    return _Gateway(found)


@final
class _Gateway:
    """A router, through miniupnpc."""

    def __init__(self, found: Any) -> None:
        self._found = found

    def external_ip(self) -> str:
        return str(_asked(self._found.externalipaddress))

    def forward(self, protocol: str, port: int, outside: int, seconds: int) -> int:
        for another in (outside, *random.sample(_OTHER_PORTS, limits.UPNP_OTHER_PORTS)):
            try:
                self._forward(protocol, port, another, seconds)
            except UpnpError as error:
                if _FOR_EVER_ALONE in str(error):
                    self._forward(protocol, port, another, 0)
                elif _CONFLICT in str(error):
                    continue
                else:
                    raise
            return another
        raise UpnpError("all ports that were asked for are taken")

    def _forward(self, protocol: str, port: int, outside: int, seconds: int) -> None:
        _asked(self._found.addportmapping, outside, protocol, self._found.lanaddr, port, _NAME, "", seconds)

    def stop(self, protocol: str, port: int) -> None:
        _asked(self._found.deleteportmapping, port, protocol)


def _asked(ask: Callable[..., T], *arguments: Any) -> T:
    try:
        return ask(*arguments)
    except Exception as error:  # it raises nothing else
        raise UpnpError(f"the router says: {clean_line(str(error), limits.MAX_ERROR_CHARS)}") from error
