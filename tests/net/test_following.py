"""A node's addresses are those of its interfaces, also when these come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from py_peer.core import limits
from py_peer.net.interfaces import Interfaces
from py_peer.net.muxer import LimitedYamux
from tests.interfaces import interface
from tests.net.support import Recorder, member, together, trio_test, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from py_peer.core.interfaces import Interface

LOOPBACK = interface("lo", "127.0.0.1/8", "::1/128", loopback=True)
CABLE = interface("eth0", "192.0.2.7/24", "fe80::7/64")


def addresses(told: Recorder) -> list[tuple[str, ...]]:
    return [what for name, what in told.told if name == "addresses"]


def ips(full: tuple[str, ...]) -> list[str]:
    return [address.split("/")[2] for address in full]


@trio_test
async def test_addresses_follow_the_interfaces_and_who_is_connected_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[Interface] = [LOOPBACK]
    monkeypatch.setattr(limits, "INTERFACE_INTERVAL", 0.02)
    monkeypatch.setattr("py_peer.net.node.read_interfaces", lambda: tuple(there))
    async with member() as one, member(loopback=True) as friend:
        await friend.dial(one)
        await until(lambda: one.seen.count("identified"))
        assert ips(one.node.addresses) == ["127.0.0.1", "::1"]
        assert not addresses(one.seen)

        there.append(CABLE)
        await until(lambda: addresses(one.seen))
        assert ips(one.node.addresses) == ["192.0.2.7", "127.0.0.1", "::1"]
        assert addresses(one.seen) == [one.node.addresses]
        known = friend.node.host.get_peerstore()
        await until(lambda: any("192.0.2.7" in str(address) for address in known.addrs(one.id)))
        await together(one, friend)

        there.remove(CABLE)
        await until(lambda: len(addresses(one.seen)) == 2)
        assert ips(one.node.addresses) == ["127.0.0.1", "::1"]
        assert all("192.0.2.7" not in str(address) for address in one.node.host.get_addrs())


@trio_test
async def test_whoever_is_connected_is_asked_for_a_sign_of_life_when_the_addresses_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there: list[Interface] = [LOOPBACK, CABLE]
    asked: list[LimitedYamux] = []
    monkeypatch.setattr(limits, "INTERFACE_INTERVAL", 0.02)
    monkeypatch.setattr("py_peer.net.node.read_interfaces", lambda: tuple(there))
    async with member() as one, member(loopback=True) as friend:
        await friend.dial(one)
        monkeypatch.setattr(LimitedYamux, "probe", lambda conn, _: asked.append(conn))
        there.remove(CABLE)
        await until(lambda: asked)
        assert asked == [conn.muxed_conn for conn in one.node.host.get_network().get_connections()]


@trio_test
async def test_a_connection_from_an_address_that_is_ours_no_more_is_cut_at_once_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there: list[Interface] = [LOOPBACK, interface("eth0", "127.0.0.2/24")]
    monkeypatch.setattr(limits, "INTERFACE_INTERVAL", 0.02)
    monkeypatch.setattr("py_peer.net.node.read_interfaces", lambda: tuple(there))
    async with member() as one, member(loopback=True) as friend, member(loopback=True) as other:
        await friend.node.dial(one.address_at("127.0.0.2"))
        await other.dial(one)
        await together(one, friend)
        before = len(one.node.host.get_network().get_connections())
        del there[1]
        await until(lambda: addresses(one.seen))
        assert one.seen.names(friend.id)[-1] == "down"  # before we are said to be elsewhere, so that it can be dialled
        assert other.id in one.node.peers.records
        assert (before, len(one.node.host.get_network().get_connections())) == (2, 1)


@trio_test
async def test_on_loopback_alone_interfaces_may_come_and_go() -> None:
    async with member(loopback=True) as one:
        assert one.node.interfaces.now == ()
        assert ips(one.node.addresses) == ["127.0.0.1"]


def test_when_the_system_does_not_say_what_was_there_is_there_still() -> None:
    answers: Iterator[tuple[Interface, ...] | OSError] = iter([(CABLE,), OSError("no"), (LOOPBACK,)])

    def read() -> tuple[Interface, ...]:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    interfaces = Interfaces(read)
    changed = interfaces.changed
    interfaces.look()
    assert interfaces.now == (CABLE,)
    assert not changed.is_set()
    interfaces.look()
    assert interfaces.now == (LOOPBACK,)
    assert changed.is_set()
    assert not interfaces.changed.is_set()
