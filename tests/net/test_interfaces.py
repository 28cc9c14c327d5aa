"""The interfaces are put together when something of them is new, and then as they are."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import ifaddr
import psutil
import pytest

from py_peer.net import interfaces
from py_peer.net.interfaces import host_and_port, read_interfaces

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _afresh() -> Iterator[None]:
    """What a test has told of interfaces is forgotten."""
    interfaces._put_together.cache_clear()
    yield
    interfaces._put_together.cache_clear()


class Machine:
    """A machine with one interface, and how often all of it was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.index = 3
        self.address = "192.0.2.1"
        self.asked = 0
        monkeypatch.setattr(psutil, "net_if_stats", dict)
        monkeypatch.setattr(psutil, "net_if_addrs", lambda: {"eth0": [self.address]})
        monkeypatch.setattr(socket, "if_nameindex", lambda: [(self.index, "eth0")])
        monkeypatch.setattr(ifaddr, "get_adapters", self._adapters)

    def _adapters(self) -> list[ifaddr.Adapter]:
        self.asked += 1
        return [ifaddr.Adapter("eth0", "eth0", [ifaddr.IP(self.address, 24, "eth0")], self.index)]


def test_while_nothing_is_new_they_are_not_put_together_again(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    assert [read_interfaces() for _ in range(10)] == [read_interfaces()] * 10
    assert machine.asked == 1


def test_another_address_is_seen_and_another_index_of_the_same_name(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    read_interfaces()
    machine.address = "192.0.2.2"
    assert str(read_interfaces()[0].addresses[0]) == "192.0.2.2/24"
    machine.index = 4  # it was taken away and has come again
    assert read_interfaces()[0].index == 4


def test_a_link_local_end_of_a_connection_has_the_name_of_our_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {2: "eth0", 3: "Local Area Connection"}

    def name(index: int) -> str:
        if index not in names:
            raise OSError(index)
        return names[index]

    monkeypatch.setattr(socket, "if_indextoname", name)
    ends = {2: "fe80::1%eth0", 3: "fe80::1%3", 4: "fe80::1%4", 0: "fe80::1"}
    assert {index: host_and_port(("fe80::1", 80, 0, index)) for index in ends} == {
        index: (host, 80) for index, host in ends.items()
    }
    assert host_and_port(("fe80::1%eth1", 80, 0, 2)) == ("fe80::1%eth1", 80)
    assert host_and_port(("192.0.2.7", 80)) == ("192.0.2.7", 80)
