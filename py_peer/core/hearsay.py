"""Which addresses may be dialled on whose word: nobody has us look around in a network that he is not in himself.

And which of our own others are told.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from py_peer.core import limits
from py_peer.core.addresses import is_of_this_machine, parse_dial_address
from py_peer.core.findings import Source
from py_peer.core.listening import first_of_each
from py_peer.core.ranges import Kind, kind_of, place, range_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from py_peer.core.addresses import DialAddress
    from py_peer.core.findings import Finding


OTHER_MACHINE: Final = "an address of this machine, told by somebody who is not on it"


def is_name(address: DialAddress) -> bool:
    """Say whether an address has a name for its host, and not an IP address."""
    return address.kind.startswith("dns")


def objection(address: DialAddress, finding: Finding, own: Container[str]) -> str:  # noqa: PLR0911 - one for each rule
    """Return why an address must not be dialled on the word of one who tells of it, or "".

    `own` are the IP addresses of this machine, in the form of `place`. Of those tells who is here, and who is in the
    same network: dials there have a budget of their own, else anybody could have us try our own ports. (What is private
    and told by others is theirs: every machine with containers has the same 172.17.0.1.) Of loopback only who is here
    may tell. What mDNS tells is on the same link, or from here, which the reader of its packets sees to. What is
    remembered has been reached; whether it means the same in the network that we are in now is another question.
    """
    if finding.source is Source.NAMED:
        return ""
    if is_name(address):
        # Whoever chooses names has us ask name servers for him, and puts behind them what he likes, when he likes.
        return "" if finding.source is Source.MEMORY else "a name, told by somebody else: only IP addresses are taken"
    try:
        kind = kind_of(address.host)
        teller = kind_of(finding.teller_ip) if finding.teller_ip else None
    except ValueError:
        return "no IP address"
    if kind is Kind.UNUSABLE:
        return "an address that nobody has"
    if finding.source in (Source.MDNS, Source.MEMORY):
        return ""
    if "%" in address.host:
        return "an address with the name of another machine's interface"
    from_here = teller is Kind.LOOPBACK or (teller is not None and place(finding.teller_ip) in own)
    if kind is Kind.LOOPBACK:
        return "" if from_here else OTHER_MACHINE
    if kind is Kind.PUBLIC or (from_here and place(address.host) in own):
        return ""
    if kind is teller and _is_neighbour(address, finding):
        return ""
    return "a private address, told by somebody who is not in that network"


def _is_neighbour(address: DialAddress, finding: Finding) -> bool:
    return range_of(address.host) == range_of(finding.teller_ip)


def announced_addresses(addresses: Iterable[str], *, loopback: bool) -> list[str]:
    """Return which of our multiaddrs others are told: those that mean something elsewhere, and not too many.

    With `loopback` it is those of this machine, where all who can hear us are. Who has many interfaces tells of some
    places for each kind of host and transport, so that a browser reaches him, too.
    """
    told = {Kind.LOOPBACK} if loopback else {Kind.PUBLIC, Kind.PRIVATE}
    fit = (one for one in addresses if _kind_of_own(one) in told)
    return first_of_each(fit, limits.OWN_ADDRESSES_ANNOUNCED, way_of)


@lru_cache(maxsize=256)  # the same are asked about again and again
def _kind_of_own(address: str) -> Kind:
    """Return what kind of place one of our own multiaddrs is; a name that the user gives us is for all."""
    if is_of_this_machine(address):
        return Kind.LOOPBACK
    parsed = parse_dial_address(address)
    return Kind.PUBLIC if is_name(parsed) else kind_of(parsed.host)


@lru_cache(maxsize=256)
def way_of(address: str) -> tuple[str, str]:
    """Return the kind of a multiaddr's host, and its transport."""
    parsed = parse_dial_address(address)
    return parsed.kind, parsed.transport
