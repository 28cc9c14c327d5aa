"""The certificate for WebSockets inside TLS: what is wrong with it is said, and a renewed one is taken."""

from __future__ import annotations

import datetime as dt
import os
import socket
import ssl
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import trio

from py_peer.core import limits
from py_peer.core.addresses import parse_dial_address
from py_peer.core.settings import Transports
from py_peer.net.dial import DialError
from py_peer.net.listening import CannotListenError
from py_peer.net.web_certificate import WebCertificate, WebCertificateError
from tests.net.support import member, together, trio_test, until
from tests.web_certificates import sign_itself

if TYPE_CHECKING:
    from tests.net.support import Member


def refused(certificate: Path, key: Path) -> str:
    with pytest.raises(WebCertificateError) as caught:
        WebCertificate(certificate, key)
    return str(caught.value)


def test_the_hosts_that_it_names_are_told_without_those_that_stand_for_many(tmp_path: Path) -> None:
    names = ("*.peer.example", "peer.example", "192.0.2.7", "fd00::7", "0.0.0.0")  # noqa: S104
    certificate = WebCertificate(*sign_itself(tmp_path, *names))
    assert certificate.hosts == ("/dns/peer.example", "/ip4/192.0.2.7", "/ip6/fd00::7")
    assert certificate.remark == ""
    many = WebCertificate(*sign_itself(tmp_path, *(f"{number}.example" for number in range(50))))
    assert len(many.hosts) == limits.CERTIFICATE_HOSTS


@pytest.mark.parametrize(
    ("hosts", "begins", "ends", "words"),
    [
        (("peer.example",), -2, -1, "has expired on 20"),
        (("peer.example",), 1, 2, "is not valid before 20"),
        ((), -1, 1, "names no host that others could be told"),
        (("*.peer.example",), -1, 1, "names no host that others could be told"),
    ],
)
def test_one_that_browsers_refuse_is_taken_and_that_is_said(
    tmp_path: Path, hosts: tuple[str, ...], begins: float, ends: float, words: str
) -> None:
    certificate = WebCertificate(*sign_itself(tmp_path, *hosts, begins=begins, ends=ends))
    assert f"The certificate in {tmp_path / 'cert.pem'} {words}" in certificate.remark


def test_of_files_that_cannot_be_used_it_is_said_which_and_why(tmp_path: Path) -> None:
    certificate, key = sign_itself(tmp_path, "peer.example")
    none, diary = tmp_path / "none", tmp_path / "diary"
    diary.write_text("dear diary")
    assert refused(none, key) == f"--wss-cert: {none} is not there; correct the name, or make the file"
    assert refused(certificate, none) == f"--wss-key: {none} is not there; correct the name, or make the file"
    assert refused(tmp_path, key) == f"--wss-cert: {tmp_path} is a folder"
    for path in (diary, key):
        assert refused(path, key) == (
            f"--wss-cert: {path} is no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----"
        )
    assert "is no private key in PEM, which begins with" in refused(certificate, certificate)
    diary.write_bytes(b"x" * (limits.MAX_CERTIFICATE_FILE + 1))
    assert "has more than" in refused(diary, key)
    other = tmp_path / "other"
    other.mkdir()
    _, locked = sign_itself(other, "peer.example", password="secret")
    assert refused(certificate, locked) == (
        f"--wss-key: {locked} is locked with a password; unlock it: openssl pkey -in {locked} -out OTHER"
    )
    _, wrong = sign_itself(other, "peer.example")
    assert refused(certificate, wrong) == (
        f"--wss-key: the key in {wrong} belongs to another certificate than that in {certificate}"
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_that_nobody_writes_into_holds_up_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is not an ordinary file" in refused(tmp_path / "pipe", tmp_path / "pipe")


# --- Nodes -------------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A certificate for this machine, which is trusted, and its key."""
    files = sign_itself(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))
    monkeypatch.setattr(limits, "CERTIFICATE_INTERVAL", 0.0)
    return files


async def call(one: Member, other: Member) -> None:
    """Dial inside TLS, and hang up."""
    await one.node.dial(parse_dial_address(f"/ip4/127.0.0.1/tcp/{other.port}/tls/ws/p2p/{other.id}"))
    await together(one, other)
    await one.node.disconnect(other.id)
    await until(lambda: not (one.node.peers.records or other.node.peers.records))


@trio_test
async def test_a_room_over_a_websocket_inside_tls_on_the_tcp_port(files: tuple[Path, Path]) -> None:
    async with member(transports=Transports(wss=files)) as one, member() as other:
        assert f"/ip4/127.0.0.1/tcp/{one.port}/tls/ws/p2p/{one.id}" in one.node.addresses
        await other.node.dial(parse_dial_address(f"/ip4/127.0.0.1/tcp/{one.port}/tls/ws/p2p/{one.id}"))
        await together(one, other)
        assert [record.address for record in other.node.peers.records.values()] == [
            f"/ip4/127.0.0.1/tcp/{one.port}/tls/ws"
        ]
        await one.say(b"inside")
        await until(lambda: other.texts() == [b"inside"])
        async with member() as third:
            await third.dial(one)  # the same port without TLS


@trio_test
async def test_a_renewed_certificate_is_taken_and_one_that_cannot_be_used_changes_nothing(
    files: tuple[Path, Path],
) -> None:
    async with member(transports=Transports(wss=files)) as one, member() as other:
        await call(other, one)
        sign_itself(files[0].parent, "127.0.0.1")  # trusted, as it is in the file that is
        await call(other, one)
        was = [path.read_bytes() for path in files]
        files[1].write_text("half a k")
        await call(other, one)
        files[1].unlink()
        await call(other, one)
        sign_itself(files[0].parent, "192.0.2.7")
        with pytest.raises(DialError, match="is for another IP address"):
            await call(other, one)
        for path, data in zip(files, was, strict=True):
            path.write_bytes(data)
        await call(other, one)


@trio_test
async def test_what_becomes_of_the_certificate_is_said_once_and_other_hosts_are_told(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CERTIFICATE_WATCH", 0.01)
    folder, key = files[0].parent, files[1].read_bytes()
    async with member(transports=Transports(wss=files)) as one:

        def remarks() -> list[str]:
            return [text for what, text in one.seen.told if what == "remarked"]

        files[1].write_text("half a k")
        await until(remarks)
        assert remarks()[0].startswith("The certificate before holds, for the one that is there now cannot be used: --")
        files[1].write_bytes(key)
        await until(lambda: len(remarks()) == 2)
        assert remarks()[1] == f"The certificate in {files[0]} is a good one again, and is used"
        sign_itself(folder, "127.0.0.1", "peer.example")
        place = f"/dns/peer.example/tcp/{one.port}/tls/ws/p2p/{one.id}"
        await until(lambda: place in one.node.addresses)
        sign_itself(folder, "127.0.0.1", ends=-0.5)
        await until(lambda: place not in one.node.addresses)
        await until(lambda: len(remarks()) == 3)
        assert "has expired on 20" in remarks()[2]
        sign_itself(folder, "127.0.0.1")
        await until(lambda: len(remarks()) == 4)


def test_a_certificate_that_expires_while_it_is_used_is_remarked_upon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = WebCertificate(*sign_itself(tmp_path, "peer.example"))
    assert certificate.remark == ""
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=2)
    monkeypatch.setattr("py_peer.net.web_certificate.datetime", SimpleNamespace(now=lambda _: later))
    assert "has expired on" in certificate.remark


@trio_test
async def test_a_certificate_that_cannot_be_used_is_said_when_we_start(files: tuple[Path, Path]) -> None:
    with pytest.raises(CannotListenError, match="is no private key in PEM"):
        async with member(transports=Transports(wss=(files[0], files[0]))):
            pytest.fail("it listens")


@trio_test
async def test_without_a_certificate_tls_is_refused_and_that_is_said_in_plain_words() -> None:
    async with member() as one, member() as other:
        with pytest.raises(DialError) as caught:
            await call(other, one)
        assert str(caught.value) == "127.0.0.1 answers there, but speaks no TLS: take the address without /tls"
        assert not one.node.counters["unexpected faults"]


@pytest.mark.parametrize(
    ("hosts", "begins", "ends", "trusted", "words"),
    [
        (("127.0.0.1",), -1, 1, False, "is signed by itself alone: if you trust it, name its file in SSL_CERT_FILE"),
        (("127.0.0.1",), -2, -1, True, "has expired: who runs that peer has to renew it"),
        (("127.0.0.1",), 1, 2, True, "is not valid yet: look whether the clock of this machine is right"),
        (("192.0.2.7",), -1, 1, True, "is for another IP address: take the address with the one, or with the name,"),
    ],
)
@trio_test
async def test_why_a_certificate_is_not_trusted_is_said_in_plain_words(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hosts: tuple[str, ...],
    begins: float,
    ends: float,
    trusted: bool,
    words: str,
) -> None:
    files = sign_itself(tmp_path, *hosts, begins=begins, ends=ends)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))
    async with member(transports=Transports(wss=files)) as one, member() as other:
        with pytest.raises(DialError) as caught:
            await call(other, one)
        assert str(caught.value).startswith(f"the certificate of 127.0.0.1 {words}")
        assert str(caught.value).endswith("; or take another address of the peer, as over /tcp")
        assert not one.node.counters["unexpected faults"]


@trio_test
async def test_who_hangs_up_when_tls_begins_is_said_to() -> None:
    async def hang_up(stream: trio.SocketStream) -> None:
        await stream.receive_some()

    async with member() as one, trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, hang_up, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        with pytest.raises(DialError, match="hangs up when TLS begins: it may speak none"):
            await one.node.dial(parse_dial_address(f"/ip4/127.0.0.1/tcp/{port}/tls/ws"))
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("said", [b"\x16\x03\x01\x02\x00\x01\x00", b"\x16" + bytes(2_000), b"\x16\xff" * 30_000])
@trio_test
async def test_what_begins_as_tls_and_is_none_costs_that_connection_alone(
    files: tuple[Path, Path], said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HANDSHAKE_TIMEOUT", 0.5)
    async with member(transports=Transports(wss=files)) as one, member() as other:
        stream = await trio.open_tcp_stream("127.0.0.1", one.port)
        async with stream:
            await stream.send_all(said)
            try:
                while await stream.receive_some():
                    pass
            except trio.BrokenResourceError:
                pass
        await call(other, one)
        assert not one.node.counters["unexpected faults"]


@trio_test
async def test_who_asks_for_a_page_inside_tls_is_told_that_there_is_none(files: tuple[Path, Path]) -> None:
    async with member(transports=Transports(wss=files)) as one:

        def ask() -> bytes:
            with (
                socket.create_connection(("127.0.0.1", one.port), timeout=10) as plain,
                ssl.create_default_context().wrap_socket(plain, server_hostname="127.0.0.1") as secured,
            ):
                secured.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
                return secured.recv(1_000)

        assert (await trio.to_thread.run_sync(ask)).startswith(b"HTTP/1.1 400 ")
        assert not one.node.counters["unexpected faults"]
