"""/dnsaddr: the addresses of peers in the DNS. Only for what the user named, never on a stranger's word.

Spec: https://github.com/multiformats/multiaddr/blob/master/protocols/DNSADDR.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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


def system_resolver() -> dns.asyncresolver.Resolver:
    """Return what asks the name servers of the system, as they are named now: a machine comes into other networks."""
    return dns.asyncresolver.Resolver()


async def resolve(address: DialAddress) -> tuple[DialAddress, ...]:
    """Return the addresses that a /dnsaddr stands for and this version dials, at least one. Raises DialError."""
    try:
        with trio.fail_after(limits.DNS_TIMEOUT):
            return await _resolve(address, system_resolver())
    except (trio.TooSlowError, dns.exception.Timeout):
        msg = f"no name server has answered within {limits.DNS_TIMEOUT:g} s"
        raise DialError(msg) from None
    except dns.resolver.NXDOMAIN:
        msg = f"there is no _dnsaddr.{address.host} in the DNS; is the name right?"
        raise DialError(msg) from None
    except dns.resolver.NoResolverConfiguration:
        msg = "this machine names no name server"
        raise DialError(msg) from None
    except dns.exception.DNSException as error:
        msg = f"the name _dnsaddr.{address.host} cannot be resolved ({type(error).__name__}: {error})"
        raise DialError(msg) from error


async def _resolve(address: DialAddress, resolver: dns.asyncresolver.Resolver) -> tuple[DialAddress, ...]:
    names = [(address, 1)]
    records = 0
    found: dict[DialAddress, None] = {}
    for name, depth in names:  # which grows while it is walked through
        try:
            texts = await _records(name.host, resolver)
        except dns.resolver.NXDOMAIN:
            if name is address:
                raise
            continue
        for text in texts[: limits.DNSADDR_RECORDS - records]:
            records += 1
            try:
                read = parse_named_address(text)
            except AddressError:
                continue
            if name.peer_id not in (None, read.peer_id):
                continue
            if read.kind != DNSADDR:
                found[read] = None
            elif depth < limits.DNSADDR_DEPTH and all(read != known for known, _ in names):
                names.append((read, depth + 1))
    if not found:
        raise DialError(_nothing(address, records))
    return tuple(found)


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
