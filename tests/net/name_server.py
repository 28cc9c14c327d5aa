"""A name server on loopback that knows TXT records, or says nothing."""

from __future__ import annotations

from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence


class NameServer:
    """What it was asked, and a resolver that asks nobody else."""

    def __init__(self, port: int) -> None:
        self.asked: list[str] = []
        self._port = port

    def resolver(self) -> dns.asyncresolver.Resolver:
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = self._port
        return resolver


@asynccontextmanager
async def name_server(
    records: Mapping[str, Sequence[str]], odd: Mapping[str, bytes] = MappingProxyType({}), *, silent: bool = False
) -> AsyncIterator[NameServer]:
    """Answer for `_dnsaddr.` and each name with its records; for others that they do not exist.

    For those of `odd` the answer is these bytes behind the number of the question: nothing is none at all.
    """
    socket = trio.socket.socket(type=trio.socket.SOCK_DGRAM)
    with socket:
        await socket.bind(("127.0.0.1", 0))
        server = NameServer(socket.getsockname()[1])

        async def serve() -> None:
            while True:
                data, client = await socket.recvfrom(65_535)
                query = dns.message.from_wire(data)
                question = query.question[0]
                name = question.name.to_text(omit_final_dot=True)
                server.asked.append(name)
                host = name.removeprefix("_dnsaddr.")
                answer = data[:2] + odd[host] if odd.get(host) else _answer(query, records.get(host))
                if not (silent or odd.get(host) == b""):
                    await socket.sendto(answer, client)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            yield server
            nursery.cancel_scope.cancel()


def _answer(query: dns.message.Message, texts: Sequence[str] | None) -> bytes:
    answer = dns.message.make_response(query)
    if texts is None:
        answer.set_rcode(dns.rcode.NXDOMAIN)
    elif texts:
        quoted = [" ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255)) for text in texts]
        answer.answer.append(dns.rrset.from_text_list(query.question[0].name, 60, "IN", "TXT", quoted))
    return answer.to_wire(max_size=65_535)
