"""mDNS follows the interfaces, and tells of each peer once, when it moves, and now and then that it is still there."""

from __future__ import annotations

import errno
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import trio
import trio.testing

from py_peer.core import limits
from py_peer.core.addresses import parse_dial_address
from py_peer.core.findings import Source
from py_peer.net.counters import Counters
from py_peer.net.interfaces import Interfaces
from py_peer.net.mdns import TOLD_APART, Mdns
from py_peer.net.mdns_link import DROPPED, Heard
from tests.interfaces import BOTH, interface

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import pytest

    from py_peer.core.findings import Finding
    from py_peer.core.interfaces import Interface

ALICE, BOB = "12D3KooWNjoUki9Hk6jgYDBnE4bvd9cU5y2ftAKz8pSdyhcuarP4", "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"
CABLE = interface("eth0", "192.0.2.7/24", "fe80::7/64", index=2)
RADIO = interface("wlan0", "198.51.100.7/24", index=3)
ADDRESS = parse_dial_address("/ip4/192.0.2.9/tcp/1")
LOOPBACK = interface("lo", "127.0.0.1/8", loopback=True)


@dataclass
class Scene:
    """mDNS on interfaces that are made up, with sockets that hear what the test says."""

    there: list[Interface]
    told: list[Finding] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    opened: list[tuple[str, int]] = field(default_factory=list)
    refusal: int = 0
    """The error that opening a socket makes; 0: none."""

    ears: dict[tuple[str, int], Callable[[Heard, float], None]] = field(default_factory=dict)
    faults: dict[tuple[str, int], Callable[[OSError | None], None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.counters = Counters()
        self.interfaces = Interfaces(lambda: tuple(self.there))
        self.node: Any = SimpleNamespace(
            peer_id="us", port=4001, bound=BOTH, counters=self.counters, interfaces=self.interfaces
        )

    def open(self, one: Interface, version: int) -> tuple[str, int]:
        self.opened.append((one.name, version))
        if self.refusal:
            raise OSError(self.refusal, "no")
        return one.name, version

    def serve(self, one: Interface, version: int, *_: object) -> Any:
        async def run(
            scope: trio.CancelScope,
            on_heard: Callable[[Heard, float], None],
            on_fault: Callable[[OSError | None], None],
        ) -> None:
            where = (one.name, version)
            self.ears[where], self.faults[where] = on_heard, on_fault
            with scope:
                await trio.sleep_forever()
            del self.ears[where]

        return SimpleNamespace(run=run)

    def mdns(self, *wanted: str) -> Mdns:
        return Mdns(
            self.node,
            found=self.told.append,
            left=self.left.append,
            notice=self.notices.append,
            wanted=wanted,
        )

    def hear(self, peer_id: str, *hosts: str, on: tuple[str, int] = ("eth0", 4), at: float | None = None) -> None:
        addresses = tuple(parse_dial_address(f"/ip4/{host}/tcp/1/p2p/{peer_id}") for host in hosts)
        self.ears[on](Heard(peer_id, addresses), trio.current_time() if at is None else at)

    def hosts(self) -> list[list[str]]:
        return [[address.host for address in finding.addresses] for finding in self.told]

    async def change(self, *there: Interface) -> None:
        self.there[:] = there
        self.interfaces.look()
        await trio.testing.wait_all_tasks_blocked()


def timeless(test: Callable[..., Any]) -> Callable[[pytest.MonkeyPatch], None]:
    """Run an async test on a clock that jumps, with made-up sockets."""

    def run(monkeypatch: pytest.MonkeyPatch) -> None:
        async def with_scene() -> None:
            scene = Scene([CABLE, LOOPBACK])
            monkeypatch.setattr("py_peer.net.mdns.open_socket", scene.open)
            monkeypatch.setattr("py_peer.net.mdns.LinkSocket", scene.serve)
            await test(scene)

        trio.run(with_scene, clock=trio.testing.MockClock(autojump_threshold=0))

    run.__name__ = test.__name__
    return run


@asynccontextmanager
async def running(scene: Scene, *wanted: str) -> AsyncIterator[Mdns]:
    mdns = scene.mdns(*wanted)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mdns.run)
        await trio.testing.wait_all_tasks_blocked()
        yield mdns
        nursery.cancel_scope.cancel()


@timeless
async def test_a_peer_is_told_at_once_and_then_now_and_then(scene: Scene) -> None:
    async with running(scene) as mdns:
        for second in range(25):
            scene.hear(ALICE, "192.0.2.9", at=100.0 + second)
        assert scene.hosts() == [["192.0.2.9"]] * 3
        assert {(finding.peer_id, finding.source) for finding in scene.told} == {(ALICE, Source.MDNS)}
        assert mdns.summary() == "mDNS: on eth0, 1 peer"


@timeless
async def test_a_peer_that_moves_is_told_at_once_but_not_again_and_again(scene: Scene) -> None:
    async with running(scene):
        scene.hear(ALICE, "192.0.2.9", at=0.0)
        scene.hear(ALICE, "192.0.2.10", at=2.0)
        assert scene.hosts() == [["192.0.2.9"], ["192.0.2.10"]]
        for step in range(1, 100):
            scene.hear(ALICE, f"192.0.2.{step}", at=2.0 + step * TOLD_APART / 100)
        assert len(scene.told) == 2
        scene.hear(ALICE, "192.0.2.99", at=2.1 + TOLD_APART)
        assert scene.hosts()[2:] == [["192.0.2.99"]]


@timeless
async def test_what_is_heard_on_several_interfaces_is_told_together_until_the_last_goodbye(scene: Scene) -> None:
    async with running(scene) as mdns:
        await scene.change(CABLE, RADIO)
        scene.hear(ALICE, "192.0.2.9", at=0.0)
        scene.hear(ALICE, "198.51.100.9", on=("wlan0", 4), at=5.0)
        scene.hear(ALICE, "192.0.2.9", on=("eth0", 6), at=5.5)
        assert scene.hosts() == [["192.0.2.9"], ["192.0.2.9", "198.51.100.9"]]
        assert mdns.summary() == "mDNS: on eth0 and wlan0, 1 peer"
        scene.hear(ALICE)
        assert not scene.left
        scene.hear(ALICE, on=("wlan0", 4))
        assert scene.left == [ALICE]
        assert mdns.summary() == "mDNS: on eth0 and wlan0, 0 peers"


@timeless
async def test_who_says_goodbye_before_he_was_heard_has_left_too(scene: Scene) -> None:
    async with running(scene) as mdns:
        scene.hear(BOB)
        assert scene.left == [BOB]
        assert not scene.told
        assert mdns.summary() == "mDNS: on eth0, 0 peers"


@timeless
async def test_who_is_silent_is_forgotten_and_has_not_said_goodbye(scene: Scene) -> None:
    async with running(scene) as mdns:
        scene.hear(ALICE, "192.0.2.9")
        await trio.sleep(limits.MDNS_FORGET / 2)
        scene.hear(BOB, "192.0.2.10")
        await trio.sleep(limits.MDNS_FORGET / 2 + 40)
        assert mdns.summary() == "mDNS: on eth0, 1 peer"
        assert not scene.left


@timeless
async def test_peers_are_remembered_to_a_limit_and_the_one_longest_not_heard_makes_room(scene: Scene) -> None:
    async with running(scene) as mdns:
        for number in range(limits.MDNS_PEERS + 5):
            scene.ears["eth0", 4](Heard(f"peer{number}", (ADDRESS,)), float(number))
        assert f"{limits.MDNS_PEERS} peers" in mdns.summary()
        assert scene.counters[f"{DROPPED}peers, for later ones"] == 5
        assert "dropped: 5 peers, for later ones" in mdns.summary()


@timeless
async def test_interfaces_are_followed_and_what_was_heard_on_one_that_went_is_forgotten(scene: Scene) -> None:
    async with running(scene) as mdns:
        assert scene.opened == [("eth0", 4), ("eth0", 6)]
        await scene.change(CABLE, LOOPBACK, RADIO)
        assert scene.opened[2:] == [("wlan0", 4)]
        scene.hear(ALICE, "192.0.2.9")
        scene.hear(BOB, "198.51.100.9", on=("wlan0", 4))
        assert mdns.summary() == "mDNS: on eth0 and wlan0, 2 peers"
        await scene.change(RADIO)
        assert mdns.summary() == "mDNS: on wlan0, 1 peer"
        assert list(scene.ears) == [("wlan0", 4)]
        await scene.change(interface("wlan0", "198.51.100.8/24", index=3))
        assert scene.opened[3:] == [("wlan0", 4)]
        assert not scene.left  # it is we who have


@timeless
async def test_an_interface_that_refuses_is_said_once_and_tried_again(scene: Scene) -> None:
    scene.refusal = errno.EADDRINUSE
    async with running(scene) as mdns:
        await trio.sleep(10 * limits.INTERFACE_INTERVAL + 1)
        assert len(scene.notices) == 2
        assert scene.notices[0].startswith("No mDNS on eth0 (IPv4): port 5353 is held by a program")
        assert mdns.summary().startswith("mDNS: on no interface, 0 peers; not on eth0 (IPv4): port 5353")
        scene.refusal = 0
        await trio.sleep(limits.INTERFACE_INTERVAL)
        scene.hear(ALICE, "192.0.2.9")
        for on_fault in scene.faults.values():
            on_fault(None)
        assert mdns.summary() == "mDNS: on eth0, 1 peer"
        assert len(scene.notices) == 2


@timeless
async def test_an_interface_that_lets_nothing_out_is_said_once(scene: Scene) -> None:
    async with running(scene) as mdns:
        for _ in range(3):
            scene.faults["eth0", 6](OSError(errno.EPERM, "no"))
        assert len(scene.notices) == 1
        assert "not on eth0 (IPv6): the system or a firewall does not allow it" in mdns.summary()


@timeless
async def test_an_interface_that_was_named_and_is_missing_is_said_once_and_taken_when_it_comes(scene: Scene) -> None:
    async with running(scene, "wlan0", "lo") as mdns:
        assert scene.opened == [("lo", 4)]
        assert mdns.summary() == "mDNS: on lo, 0 peers; waits for wlan0"
        assert scene.notices == ["mDNS waits for wlan0: there is no such interface now. There are eth0 and lo."]
        await scene.change(LOOPBACK)
        await scene.change(LOOPBACK, RADIO)
        assert scene.opened[1:] == [("wlan0", 4)]
        assert mdns.summary() == "mDNS: on lo and wlan0, 0 peers"
        assert len(scene.notices) == 1
