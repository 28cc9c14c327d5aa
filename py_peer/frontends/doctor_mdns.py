"""Whether peers of the local network can be found, and on which interfaces: for `py-peer doctor`.

Unless mDNS is switched off one question is sent there, as the chat does; nothing is announced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from py_peer.core.interfaces import usable
from py_peer.frontends.doctor import Finding, Level, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from py_peer.core.interfaces import Interface
    from py_peer.frontends.arguments import Arguments
    from py_peer.net.multicast_probe import MulticastReport

SECONDS: Final = 1.5
"""For an answer; the slowest peers take half a second."""

GROUPS: Final = {"IPv4": "224.0.0.251", "IPv6": "ff02::fb"}
NOBODY: Final = (
    "if a py-peer runs on another machine there, its firewall, a guest Wi-Fi whose devices do not see each other, "
    "a VPN or a container may be in the way; --connect finds it all the same"
)


def check_mdns(arguments: Arguments) -> Iterator[Finding]:
    """Whether multicast leaves and comes back, and who answers."""
    from py_peer.net.interfaces import read_interfaces  # noqa: PLC0415 - for this command alone
    from py_peer.net.multicast_probe import probe_multicast  # noqa: PLC0415

    settings = arguments.settings
    if not settings.mdns:
        yield ok("mdns", f"off, as {arguments.held['mdns'].origin} says")
        return
    try:
        there = read_interfaces()
    except OSError as error:
        advice = "name peers with --connect"
        yield warning("mdns", f"the interfaces of this machine cannot be read: {error}", advice)
        return
    used = usable(there, settings.mdns_interfaces)
    if missing := [name for name in settings.mdns_interfaces if name not in {one.name for one in there}]:
        names = ", ".join(one.name for one in there)
        yield warning("mdns", f"no interface is called {', '.join(missing)}", f"there are {names}")
    if others := [f"{one.name} ({_why_not(one)})" for one in there if one not in used]:
        yield ok("mdns", f"not used: {', '.join(others)}")
    if not used:
        advice = "switch a network on, or name an interface with --mdns-interface, also one that is loopback"
        if settings.mdns_interfaces:
            advice = "switch it on, or leave --mdns-interface out for every interface that is up"
        yield warning("mdns", "there is no interface for it: peers of the local network are not found", advice)
        return
    yield from _judged(probe_multicast(SECONDS, settings.mdns_interfaces))


def _judged(reports: Sequence[MulticastReport]) -> Iterator[Finding]:
    alone = not any(report.peers for report in reports)
    for report in reports:
        where = f"{report.interface}, {report.family}"
        rule = f"let the firewall of this machine pass UDP port 5353 to {GROUPS[report.family]}, in and out"
        if report.problem:
            yield warning("mdns", f"{where}: {report.problem}", f"if it is a firewall: {rule}")
        elif not report.heard_itself:
            yield warning("mdns", f"{where}: multicast is blocked: our own question did not come back", rule)
        else:
            answers = f"{report.peers} peer(s) answered" if report.peers else "no other peer answered"
            yield Finding("mdns", Level.OK, f"{where}: multicast works, {answers}", NOBODY if alone else "")
            alone = False  # once is enough


def _why_not(interface: Interface) -> str:
    if not interface.up:
        return "down"
    if interface.loopback:
        return "loopback"
    if interface.tunnel:
        return "a tunnel"
    if not interface.multicast:
        return "without multicast"
    return "not named" if interface.addresses else "without an address"
