"""An address can be dialled, or the user is told in a sentence what to write instead."""

import base64
import re
import time

import base58
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multiaddr import Multiaddr

from py_peer.core.addresses import (
    HOST_KINDS,
    AddressError,
    DialAddress,
    parse_dial_address,
    parse_named_address,
    short_id,
    socket_multiaddr,
    split_list,
    without_zone,
)

ED25519 = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
RSA = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"
SECP256K1 = base58.b58encode(b"\x00\x25\x08\x02\x12\x21\x02" + bytes(32)).decode()
CID = b"\x01\x72" + base58.b58decode(ED25519)


def base36(data: bytes) -> str:
    number, digits = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


@pytest.mark.parametrize(
    ("text", "kind", "host"),
    [
        ("/ip4/192.0.2.7/tcp/4001", "ip4", "192.0.2.7"),
        ("/ip4/127.0.0.1/tcp/4001", "ip4", "127.0.0.1"),
        ("/ip6/2001:db8::1/tcp/4001", "ip6", "2001:db8::1"),
        ("/ip6/2001:DB8:0:0::1/tcp/4001", "ip6", "2001:db8::1"),
        ("/ip6zone/eth0/ip6/fe80::1/tcp/4001", "ip6", "fe80::1%eth0"),
        ("/dns/localhost/tcp/4001", "dns", "localhost"),
        ("/dns4/chat.example.org/tcp/4001", "dns4", "chat.example.org"),
        ("/dns6/a_b.x-1.example./tcp/4001", "dns6", "a_b.x-1.example."),
    ],
)
@pytest.mark.parametrize("name", ["p2p", "ipfs"])
def test_tcp_addresses_are_taken_with_and_without_a_peer(text: str, kind: str, host: str, name: str) -> None:
    found = parse_dial_address(text)
    assert found == DialAddress(found.text, kind, host, 4001, None)
    assert found.text == text.replace("2001:DB8:0:0::1", "2001:db8::1")
    assert parse_dial_address(f" {text}/\n") == found
    assert parse_dial_address(text.replace("/4001", "/04001")) == found
    for peer_id in (ED25519, RSA, SECP256K1):
        assert parse_dial_address(f"{text}/{name}/{peer_id}") == DialAddress(
            f"{found.text}/p2p/{peer_id}", kind, host, 4001, peer_id
        )


@pytest.mark.parametrize(
    ("above", "written", "transport", "sni"),
    [
        ("/ws", "/ws", "ws", ""),
        ("/wss", "/tls/ws", "wss", ""),
        ("/tls/ws", "/tls/ws", "wss", ""),
        ("/tls/sni/a.example.org/ws", "/tls/sni/a.example.org/ws", "wss", "a.example.org"),
    ],
)
def test_websockets_are_taken_with_and_without_a_peer(above: str, written: str, transport: str, sni: str) -> None:
    for peer_id, end in ((None, ""), (ED25519, f"/p2p/{ED25519}")):
        found = parse_dial_address(f"/dns4/example.org/tcp/443{above}{end}")
        text = f"/dns4/example.org/tcp/443{written}{end}"
        assert found == DialAddress(text, "dns4", "example.org", 443, peer_id, transport, sni)
        assert parse_dial_address(text) == found


def test_a_peer_id_may_be_written_as_a_cid() -> None:
    base32 = "b" + base64.b32encode(CID).decode().lower().rstrip("=")
    for written in (base32, "k" + base36(CID)):
        assert parse_dial_address(f"/ip4/127.0.0.1/tcp/1/p2p/{written}").peer_id == ED25519


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("", "begins with /"),
        ("localhost:4001", "begins with /"),
        ("ip4/127.0.0.1/tcp/4001", "begins with /"),
        ("/", "this version takes /ip4"),
        (f"/p2p/{ED25519}", "/dns6 and /ip6zone, and with -c and --bootstrap /dnsaddr, like"),
        (f"/dnsaddr/bootstrap.libp2p.io/p2p/{ED25519}", "goes with -c and --bootstrap alone"),
        ("/ip4/127.0.0.1/udp/4001", "dials /udp/PORT/quic-v1 alone"),
        ("/ip4/127.0.0.1/udp/4001/quic-v1/webtransport", "dials /udp/PORT/quic-v1 alone"),
        ("/ip4/127.0.0.1/udp/4001/webrtc-direct", "dials /udp/PORT/quic-v1 alone"),
        ("/ip4/127.0.0.1/tcp/4001/http", "goes on with /http"),
        ("/dns4/example.org/tcp/443/tls", "goes on with /tls"),
        ("/dns4/example.org/tcp/443/tls/sni/-x-/ws", "not a host name"),
        ("/dns4/example.org/tcp/443/ws/ws", "goes on with /ws"),
        (f"/ip4/127.0.0.1/tcp/4001/p2p/{ED25519}/p2p/{RSA}", "goes on after the peer ID"),
        (f"/ip4/127.0.0.1/tcp/4001/p2p-circuit/p2p/{RSA}", "does not say which peer the relay is"),
        (f"/ip4/127.0.0.1/tcp/4001/p2p/{ED25519}/p2p-circuit", "does not say who is to be reached"),
        ("/ip4/127.0.0.1", "has no port"),
        ("/ip4/127.0.0.1/tcp", "has no port"),
        ("/ip4/127.0.0.1/tcp/", "has no port"),
        ("/ip4/127.0.0.1/tcp//p2p/x", "has no port"),
        (f"/ip4/127.0.0.1/p2p/{ED25519}", "has no port"),
        ("/ip4/127.0.0.1/tcp/0", "from 1 to 65535"),
        ("/ip4/127.0.0.1/tcp/65536", "from 1 to 65535"),
        ("/ip4/127.0.0.1/tcp/-1", "from 1 to 65535"),
        ("/ip4/127.0.0.1/tcp/٤٢", "from 1 to 65535"),
        ("/ip4/127.0.0.1/tcp/http", "from 1 to 65535"),
        ("/ip4/256.0.0.1/tcp/4001", "not an IPv4 address"),
        ("/ip4/localhost/tcp/4001", "a name goes after /dns/"),
        ("/ip4//tcp/4001", "not an IPv4 address"),
        ("/ip6/127.0.0.1/tcp/4001", "not an IPv6 address"),
        ("/ip6/fe80::1%eth0/tcp/4001", "not an IPv6 address"),
        ("/ip6/fe80::1/tcp/4001", "/ip6zone/eth0/ip6/fe80::1/tcp/4001"),
        ("/ip6zone/eth0/ip4/127.0.0.1/tcp/4001", "/ip6zone/eth0/ip6/"),
        ("/ip6zone//ip6/fe80::1/tcp/4001", "/ip6zone/eth0/ip6/"),
        ("/ip6zone", "/ip6zone/eth0/ip6/"),
        ("/ip4/0.0.0.0/tcp/4001", "one of the peer's own"),
        ("/ip6/::/tcp/4001", "one of the peer's own"),
        ("/ip4/224.0.0.1/tcp/4001", "one of the peer's own"),
        ("/dns/-x-/tcp/4001", "not a host name"),
        ("/dns/" + "a" * 64 + "/tcp/4001", "not a host name"),
        ("/dns/two words/tcp/4001", "not a host name"),
        ("/ip4/127.0.0.1/tcp/4001/p2p", "not a peer ID"),
        ("/ip4/127.0.0.1/tcp/4001/p2p/alice", "not a peer ID"),
        (f"/ip4/127.0.0.1/tcp/4001/p2p/{ED25519[:-1]}", "was a character lost in copying?"),
        (f"/ip4/127.0.0.1/tcp/4001/p2p/{RSA}x", "was a character lost in copying?"),
        (f"/ip4/127.0.0.1/tcp/4001/p2p/{ED25519.replace('D', '0')}", "not a peer ID"),
        ("/ip4/127.0.0.1/tcp/4001/p2p/bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi", "not a peer ID"),
        ("/ip4/127.0.0.1/tcp/4001/p2p/k-1", "not a peer ID"),
    ],
)
def test_a_refused_address_is_repeated_with_advice(text: str, advice: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_dial_address(text)
    assert advice in str(caught.value)
    assert repr(text.strip()[:50])[:-1] in str(caught.value)


@pytest.mark.parametrize("head", [b"\x00\x24", b"\x00\x25", b"\x12\x20", b"\x12\x21", b"\x00\x20", b""])
def test_a_peer_id_has_the_length_that_it_says(head: bytes) -> None:
    right = {b"\x00\x24": 36, b"\x00\x25": 37, b"\x12\x20": 32}.get(head)
    for size in range(30, 42):
        peer_id = base58.b58encode(head + b"\x08" * size).decode()
        if size == right:
            assert parse_dial_address(f"/ip4/127.0.0.1/tcp/1/p2p/{peer_id}").peer_id == peer_id
        else:
            with pytest.raises(AddressError):
                parse_dial_address(f"/ip4/127.0.0.1/tcp/1/p2p/{peer_id}")


parts = st.one_of(
    st.sampled_from([*HOST_KINDS, "ip6zone", "tcp", "udp", "p2p", "ipfs", "ws", "quic-v1", "", "0", "4001", "::1"]),
    st.sampled_from(["127.0.0.1", "example.org", "eth0", ED25519, RSA, "k" + base36(CID), "b", "k", "k_1", "k 1"]),
    st.text(max_size=8),
)
alike = st.lists(parts, max_size=9).map(lambda names: "/" + "/".join(names))
tcp = st.tuples(
    st.sampled_from(["/ip4/127.0.0.1", "/ip6/::1", "/dns/localhost"]),
    st.sampled_from(["/tcp/1", "/tcp/65535"]),
    st.sampled_from(["", f"/p2p/{ED25519}"])
    | st.text("bk" + "abz129QmD", max_size=60).map(lambda name: f"/p2p/{name}"),
).map("".join)


@given(st.text() | alike | tcp)
def test_whatever_is_typed_is_an_address_or_a_sentence(text: str) -> None:
    try:
        address = parse_dial_address(text)
    except AddressError as error:
        sentence = str(error)
    else:
        sentence = "dialled"
        assert address.kind in HOST_KINDS
        assert 0 < address.port < 65_536
        zone, host = ("", address.host) if "%" not in address.host else address.host.split("%")[::-1]
        assert "/" not in host + zone
        again = f"/{address.kind}/{host}/tcp/{address.port}" + (f"/p2p/{address.peer_id}" if address.peer_id else "")
        Multiaddr(again)  # the network's own parser takes it too
    assert sentence.isprintable()
    assert 0 < len(sentence) < 800


@pytest.mark.parametrize("text", ["/" * 4_000_000, "/ip4/" + "1" * 4_000_000, "x" * 4_000_000, "/p2p/" + "z" * 990])
def test_a_huge_address_is_refused_at_once(text: str) -> None:
    start = time.process_time()
    with pytest.raises(AddressError) as caught:
        parse_dial_address(text)
    assert time.process_time() - start < 0.5
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("end", ["", "/", f"/p2p/{ED25519}"])
def test_only_the_user_may_name_a_place_in_the_dns(end: str) -> None:
    text = f" /dnsaddr/bootstrap.example.org{end}"
    parsed = parse_named_address(text)
    assert parsed.text == text.strip().rstrip("/")
    assert (parsed.kind, parsed.host) == ("dnsaddr", "bootstrap.example.org")
    assert parsed.peer_id == (ED25519 if "p2p" in end else None)
    with pytest.raises(AddressError):
        parse_dial_address(text)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("/dnsaddr/", "'' in '/dnsaddr/' is not a host name"),
        ("/dnsaddr/two words", "is not a host name"),
        ("/dnsaddr/example.org/tcp/4001", "after the name in a /dnsaddr comes /p2p/ and a peer ID, or nothing"),
        ("/dnsaddr/example.org/p2p/nobody", "is not a peer ID"),
        (f"/dnsaddr/example.org/p2p/{ED25519}/p2p-circuit", "goes on after the peer ID"),
        ("/dnsaddr/" + "a/" * 4_000_000, "is not an address"),
        ("/dnsaddr", "goes with -c"),
    ],
)
def test_such_a_place_is_refused_with_advice_too(text: str, advice: str) -> None:
    with pytest.raises(AddressError, match=re.escape(advice)):
        parse_named_address(text)


def test_a_list_is_split_at_commas_and_blanks_are_left_out() -> None:
    assert split_list(" /ip4/127.0.0.1/tcp/1 ,, /dns/a/tcp/2,\n") == ("/ip4/127.0.0.1/tcp/1", "/dns/a/tcp/2")
    assert split_list("  ") == ()


def test_the_short_id_is_the_last_eight_characters() -> None:
    assert short_id(ED25519) == "eQAJU5SA"
    assert short_id("abc") == "abc"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.7", "/ip4/192.0.2.7/tcp/80"),
        ("::ffff:192.0.2.7", "/ip4/192.0.2.7/tcp/80"),
        ("2001:db8::7%eth0", "/ip6/2001:db8::7/tcp/80"),
        ("fe80::7%eth0", "/ip6zone/eth0/ip6/fe80::7/tcp/80"),
        ("fe80::7", "/ip6/fe80::7/tcp/80"),
    ],
)
def test_the_other_end_of_a_socket_can_be_dialled_from_here_and_elsewhere_has_no_zone(host: str, address: str) -> None:
    assert socket_multiaddr((host, 80)) == address
    assert without_zone(address) == address.removeprefix("/ip6zone/eth0")
    if host != "fe80::7":
        assert parse_dial_address(address).text == address
    assert socket_multiaddr(None) == ""
