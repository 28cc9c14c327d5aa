"""/dnsaddr: the addresses of peers in the DNS. Only for what the user named, never on a stranger's word.

Spec: https://github.com/multiformats/multiaddr/blob/master/protocols/DNSADDR.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

import dns.asyncbackend
import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver
import trio

from py_peer.core import limits
from py_peer.core.addresses import DNSADDR, AddressError, parse_named_address
from py_peer.net.dial import DialError

if TYPE_CHECKING:
    from py_peer.core.addresses import DialAddress

PREFIX: Final = "dnsaddr="

_NO_NAME: Final = (dns.exception.SyntaxError, dns.name.NameTooLong, dns.name.IDNAException)
"""Raised for a name that breaks the rules for names; of the first kind are LabelTooLong and EmptyLabel."""


def system_resolver() -> dns.asyncresolver.Resolver:
    """Return what asks the name servers of the system, as they are named now: a machine comes into other networks."""
    return dns.asyncresolver.Resolver()


async def resolve(address: DialAddress) -> tuple[DialAddress, ...]:
    """Return the addresses that a /dnsaddr stands for and this version dials, at least one. Raises DialError."""
    try:
        search = _Search(system_resolver())
    except (dns.exception.DNSException, ValueError) as error:  # the latter for a name server whose address is none
        raise DialError(_explain(error, address.host)) from None
    with trio.move_on_after(limits.DNS_TIMEOUT) as deadline:
        await search.follow(address)
    if search.found:
        return tuple(search.found)
    if deadline.cancelled_caught:
        search.failures.append(_explain(trio.TooSlowError(), address.host))
    raise DialError(search.failures[0] if search.failures else _nothing(address, search.records))


@final
class _Search:
    """What a name stands for, and what stand for those that it leads to, which are asked side by side.

    A name that cannot be resolved, or is silent, takes nothing from the others.
    """

    def __init__(self, resolver: dns.asyncresolver.Resolver) -> None:
        self._resolver = resolver
        self._names: set[DialAddress] = set()
        self.found: dict[DialAddress, None] = {}
        self.records = 0
        self.failures: list[str] = []

    async def follow(self, name: DialAddress, depth: int = 1) -> None:
        self._names.add(name)
        try:
            texts = await _records(name.host, self._resolver)
        except dns.exception.DNSException as error:
            self.failures.append(_explain(error, name.host))
            return
        async with trio.open_nursery() as nursery:
            for text in texts[: limits.DNSADDR_RECORDS - self.records]:
                self.records += 1
                try:
                    read = parse_named_address(text)
                except AddressError:
                    continue
                if name.peer_id not in (None, read.peer_id):
                    continue
                if read.kind != DNSADDR:
                    self.found[read] = None
                elif depth < limits.DNSADDR_DEPTH and read not in self._names:
                    self._names.add(read)
                    nursery.start_soon(self.follow, read, depth + 1)


async def _records(host: str, resolver: dns.asyncresolver.Resolver) -> list[str]:
    try:
        answer = await resolver.resolve(
            dns.name.from_text(f"_dnsaddr.{host}"),
            "TXT",
            search=False,
            lifetime=limits.DNS_TIMEOUT,
            backend=dns.asyncbackend.get_backend("trio"),
        )
    except dns.resolver.NoAnswer:
        return []
    texts = (b"".join(record.strings).decode("utf-8", "replace") for record in answer)
    return [text.removeprefix(PREFIX) for text in texts if text.startswith(PREFIX)]


def _nothing(address: DialAddress, records: int) -> str:
    if not records:
        return f"{address.host} has no dnsaddr records"
    whose = f" of the peer {address.peer_id}" if address.peer_id else ""
    return f"the dnsaddr records of {address.host} name no TCP address{whose}, and this version dials TCP only"


def _explain(error: Exception, host: str) -> str:
    if isinstance(error, (trio.TooSlowError, dns.exception.Timeout)):
        return f"no name server has answered within {limits.DNS_TIMEOUT:g} s"
    if isinstance(error, dns.resolver.NXDOMAIN):
        return f"there is no _dnsaddr.{host} in the DNS; is the name right?"
    if isinstance(error, (dns.resolver.NoResolverConfiguration, ValueError)):
        return "this machine names no name server"
    if isinstance(error, _NO_NAME):
        return f"{host} cannot be a name in the DNS"
    if _is_cut_off(error):
        return "no name server can be reached"
    return f"the name servers cannot look up _dnsaddr.{host}"


def _is_cut_off(error: Exception) -> bool:
    """Say whether no question left this machine, as without a network."""
    if not isinstance(error, dns.resolver.NoNameservers):
        return False
    return all(isinstance(cause, OSError) for _, _, _, cause, _ in error.kwargs["errors"])
