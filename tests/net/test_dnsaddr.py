"""/dnsaddr: what stands in the DNS is found, filtered and bounded, and what goes wrong is a sentence."""

from __future__ import annotations

import errno
import io
import re
from typing import TYPE_CHECKING

import pytest
from dns.asyncresolver import Resolver

from py_peer.core import limits
from py_peer.core.addresses import DNSADDR, DialAddress, parse_named_address
from py_peer.net.dial import DialError
from py_peer.net.dnsaddr import resolve
from tests.net.name_server import name_server
from tests.net.support import trio_test

if TYPE_CHECKING:
    from tests.net.name_server import NameServer

ANN = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
SERVFAIL = b"\x80\x02" + bytes(8)
BOB = "QmbLHAnMoJPWSCR5Zhtx6BHJX9KiKNN6tpvbUcqanj75Nb"


def tcp(number: int, peer_id: str = "") -> str:
    return f"/ip4/192.0.2.{number}/tcp/4001" + f"/p2p/{peer_id}" * bool(peer_id)


def records(*addresses: str) -> list[str]:
    return [f"dnsaddr={address}" for address in addresses]


async def found(server: NameServer, text: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr("py_peer.net.dnsaddr.system_resolver", server.resolver)
    return [address.text for address in await resolve(parse_named_address(text))]


async def cause(server: NameServer, text: str, monkeypatch: pytest.MonkeyPatch) -> str:
    with pytest.raises(DialError) as caught:
        await found(server, text, monkeypatch)
    return str(caught.value)


@trio_test
async def test_a_name_stands_for_the_addresses_in_its_records(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [
        *records(tcp(1, ANN), "/ip4/192.0.2.1/udp/4001/webrtc-direct", "garbage", "/dns4/host.test/tcp/1"),
        "other=1",
    ]
    async with name_server({"room.test": texts}) as server:
        addresses = await found(server, "/dnsaddr/room.test", monkeypatch)
        assert sorted(addresses) == ["/dns4/host.test/tcp/1", tcp(1, ANN)]
        assert server.asked == ["_dnsaddr.room.test"]


@trio_test
async def test_names_lead_to_names_and_a_peer_id_takes_only_what_is_of_that_peer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the nodes of IPFS stand in the DNS."""
    book = {
        "room.test": records(f"/dnsaddr/a.room.test/p2p/{ANN}", f"/dnsaddr/b.room.test/p2p/{BOB}"),
        "a.room.test": records(tcp(1, ANN), tcp(3, BOB)),
        "b.room.test": records(tcp(2, BOB)),
    }
    async with name_server(book) as server:
        assert sorted(await found(server, "/dnsaddr/room.test", monkeypatch)) == [tcp(1, ANN), tcp(2, BOB)]
        server.asked.clear()
        assert await found(server, f"/dnsaddr/room.test/p2p/{BOB}", monkeypatch) == [tcp(2, BOB)]
        assert server.asked == ["_dnsaddr.room.test", "_dnsaddr.b.room.test"]


@trio_test
async def test_names_that_lead_to_each_other_end(monkeypatch: pytest.MonkeyPatch) -> None:
    book = {"a.test": records("/dnsaddr/b.test"), "b.test": records("/dnsaddr/a.test", tcp(1))}
    async with name_server(book) as server:
        assert await found(server, "/dnsaddr/a.test", monkeypatch) == [tcp(1)]
        assert server.asked == ["_dnsaddr.a.test", "_dnsaddr.b.test"]


@trio_test
async def test_a_name_that_leads_nowhere_takes_nothing_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DNS_TIMEOUT", 0.2)
    causes = {
        "silent.test": "no name server has answered within 0.2 s",
        "failing.test": "the name servers cannot look up _dnsaddr.failing.test",
        "nobody.test": "there is no _dnsaddr.nobody.test in the DNS",
        ".".join(["a" * 60] * 4) + ".test": "cannot be a name in the DNS",  # it is too long
    }
    book = {f"{number}.test": records(f"/dnsaddr/{name}") for number, name in enumerate(causes)}
    book["room.test"] = [*records(*(f"/dnsaddr/{name}" for name in causes)), *records("/dnsaddr/good.test")]
    book["good.test"] = records(tcp(1))
    async with name_server(book, {"silent.test": b"", "failing.test": SERVFAIL}) as server:
        assert await found(server, "/dnsaddr/room.test", monkeypatch) == [tcp(1)]
        for number, why in enumerate(causes.values()):
            assert why in await cause(server, f"/dnsaddr/{number}.test", monkeypatch)


@trio_test
async def test_a_chain_of_names_is_followed_only_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    book = {f"{n}.test": records(f"/dnsaddr/{n + 1}.test", tcp(n)) for n in range(1, 10)}
    async with name_server(book) as server:
        assert await found(server, "/dnsaddr/1.test", monkeypatch) == [
            tcp(n) for n in range(1, limits.DNSADDR_DEPTH + 1)
        ]
        assert len(server.asked) == limits.DNSADDR_DEPTH


@trio_test
async def test_only_so_many_records_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    book = {
        "room.test": records(*(f"/dnsaddr/{n}.test" for n in range(8))),
        **{f"{n}.test": records(*(tcp(n * 16 + m) for m in range(16))) for n in range(8)},
    }
    async with name_server(book) as server:
        assert len(await found(server, "/dnsaddr/room.test", monkeypatch)) == limits.DNSADDR_RECORDS - 8


@trio_test
async def test_a_record_in_several_strings_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    long = f"/dns4/{'.'.join(['a' * 60] * 4)}/tcp/4001/p2p/{ANN}"
    async with name_server({"room.test": records(long)}) as server:
        assert await found(server, "/dnsaddr/room.test", monkeypatch) == [long]


@trio_test
async def test_what_goes_wrong_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    book = {
        "empty.test": [],
        "other.test": ["v=spf1"],
        "quic.test": records(f"/ip4/192.0.2.1/udp/4001/quic-v1/p2p/{ANN}", tcp(1, ANN)),
    }
    async with name_server(book) as server:
        for text, sentence in (
            ("/dnsaddr/nobody.test", "there is no _dnsaddr.nobody.test in the DNS; is the name right?"),
            ("/dnsaddr/empty.test", "empty.test has no dnsaddr records"),
            ("/dnsaddr/other.test", "other.test has no dnsaddr records"),
            (
                "/dnsaddr/quic.test/p2p/" + BOB,
                f"name no TCP address of the peer {BOB}, and this version dials TCP only",
            ),
        ):
            assert sentence in await cause(server, text, monkeypatch)


@trio_test
@pytest.mark.parametrize("name", [f"{'a' * 64}.test", "a..test", "a." * 130 + "test", "ä\u2028.test", "\\300.test"])
async def test_what_can_be_no_name_is_asked_of_nobody(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with name_server({}) as server:
        address = DialAddress(f"/dnsaddr/{name}", DNSADDR, name, 0, None)
        monkeypatch.setattr("py_peer.net.dnsaddr.system_resolver", server.resolver)
        with pytest.raises(DialError, match=f"^{re.escape(name)} cannot be a name in the DNS$"):
            await resolve(address)
        assert server.asked == []


@trio_test
@pytest.mark.parametrize("configured", ["", "nameserver localhost"])
async def test_where_no_name_server_is_named_it_is_said(configured: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("py_peer.net.dnsaddr.system_resolver", lambda: Resolver(io.StringIO(configured)))
    with pytest.raises(DialError, match=r"^this machine names no name server$"):
        await resolve(parse_named_address("/dnsaddr/room.test"))


@trio_test
async def test_name_servers_that_fail_are_told_from_those_that_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with name_server({}, {"room.test": SERVFAIL}) as server:
        why = await cause(server, "/dnsaddr/room.test", monkeypatch)
        assert why == "the name servers cannot look up _dnsaddr.room.test"

    async def no_network(*_: object, **__: object) -> None:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr("dns.asyncquery.udp", no_network)
    async with name_server({}) as server:
        assert await cause(server, "/dnsaddr/room.test", monkeypatch) == "no name server can be reached"


@trio_test
async def test_a_name_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DNS_TIMEOUT", 0.2)
    async with name_server({}, silent=True) as server:
        why = await cause(server, "/dnsaddr/room.test", monkeypatch)
    assert why == "no name server has answered within 0.2 s"
