"""One socket of mDNS, served on loopback, where a socket of the test stands for the group."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing
from google.protobuf.message import DecodeError
from zeroconf import DNSIncoming  # type: ignore[attr-defined]

from py_peer.core.listening import told_on
from py_peer.net.counters import Counters
from py_peer.net.mdns_link import DROPPED, Guard
from py_peer.net.mdns_packets import SERVICES, Records
from py_peer.net.mdns_socket import LinkSocket
from tests.interfaces import BOTH, interface
from tests.net import dns_by_hand as dns
from tests.net.support import trio_test, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from py_peer.net.mdns_link import Heard

US = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
ALICE = "12D3KooWNjoUki9Hk6jgYDBnE4bvd9cU5y2ftAKz8pSdyhcuarP4"
LOOPBACK = interface("lo", "127.0.0.1/8", loopback=True)


class Scene:
    """A served socket, the group, and what was heard."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.group = socket.socket(type=socket.SOCK_DGRAM)
        self.group.bind(("127.0.0.1", 0))
        self.group.setblocking(False)
        self.served = socket.socket(type=socket.SOCK_DGRAM)
        self.served.bind(("127.0.0.1", 0))
        self.where = self.served.getsockname()
        self.said: list[tuple[str, str]] = []
        self.heard: list[Heard] = []
        self.faults: list[OSError | None] = []
        self.counters = Counters()
        self.scope = trio.CancelScope()
        monkeypatch.setattr("py_peer.net.mdns_socket.group", lambda *_: self.group.getsockname())
        monkeypatch.setattr("py_peer.net.mdns_link.FIRST_PAUSES", (1_000.0,))
        monkeypatch.setattr("py_peer.net.mdns_link.UNASKED", 1)
        records = Records(US, 4001, told_on(LOOPBACK, BOTH))
        self.link = LinkSocket(LOOPBACK, 4, self.served, records, Guard(self.counters))

    async def run(self) -> None:
        await self.link.run(self.scope, lambda heard, _: self.heard.append(heard), self.faults.append)

    def listen(self) -> list[tuple[str, str]]:
        """Return what the group has been told until now: of which service, and whether asked, told or left."""
        while True:
            try:
                message = DNSIncoming(self.group.recv(9_000))
            except BlockingIOError:
                return self.said
            if message.is_query():
                self.said.append((message.questions[0].name, "asks"))
            else:
                answer = message.answers()[0]
                self.said.append((answer.name, "tells" if answer.ttl else "leaves"))

    def send(self, data: bytes) -> None:
        self.group.sendto(data, self.where)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    one = Scene(monkeypatch)
    yield one
    one.group.close()
    one.served.close()


@trio_test
async def test_it_asks_tells_answers_hears_and_says_goodbye(scene: Scene) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scene.run)
        begun = {(service, what) for service in SERVICES for what in ("asks", "tells")}
        await until(lambda: len(scene.listen()) >= len(begun))
        assert set(scene.said) == begun
        scene.said.clear()

        scene.send(dns.asks(dns.ROOM))  # nothing else is due for 1,000 s
        await until(lambda: scene.listen().count((SERVICES[1], "tells")) == 2)  # to the asker's port, and to all

        scene.send(dns.go_says(f"/ip4/127.0.0.1/tcp/1/p2p/{ALICE}"))
        await until(lambda: scene.heard)
        assert scene.heard[0].peer_id == ALICE
        assert scene.faults
        assert not any(scene.faults)
        assert not scene.counters

        scene.said.clear()
        scene.scope.cancel()
    assert scene.listen() == [(service, "leaves") for service in SERVICES]


@trio_test
async def test_no_packet_and_no_error_of_the_socket_ends_it(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    greeting = dns.go_says(f"/ip4/127.0.0.1/tcp/1/p2p/{ALICE}")
    real = trio.socket.from_stdlib_socket

    def failing_once(made: socket.socket) -> trio.socket.SocketType:
        ears = real(made)
        recvfrom = ears.recvfrom

        async def fail(_: int) -> Any:
            monkeypatch.setattr(ears, "recvfrom", recvfrom)
            raise ConnectionResetError

        monkeypatch.setattr(ears, "recvfrom", fail)
        return ears

    def choke(*_: object, **__: object) -> bool:
        raise DecodeError

    monkeypatch.setattr(trio.socket, "from_stdlib_socket", failing_once)
    monkeypatch.setattr("py_peer.net.mdns_socket.FAILED_PAUSE", 0.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scene.run)
        with monkeypatch.context() as patch:
            patch.setattr("py_peer.net.mdns_link.is_believable", choke)
            scene.send(greeting)
            await until(lambda: scene.counters["caught: DecodeError"])
        assert scene.counters[f"{DROPPED}the socket failed"] == 1
        scene.send(greeting)
        await until(lambda: scene.heard)
        scene.scope.cancel()


@trio_test
async def test_a_flood_is_read_at_a_pace(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("py_peer.core.limits.MDNS_READ_BURST", 5)
    monkeypatch.setattr("py_peer.core.limits.MDNS_READ_RATE", 0.001)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scene.run)
        for _ in range(20):
            scene.send(dns.go_says(f"/ip4/127.0.0.1/tcp/1/p2p/{ALICE}"))
        await until(lambda: len(scene.heard) == 6)
        await trio.testing.wait_all_tasks_blocked()
        assert len(scene.heard) == 6
        scene.scope.cancel()
