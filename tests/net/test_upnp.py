"""A port is forwarded for as long as it is wanted, whatever the router does; nobody waits for it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
import trio
import trio.testing

from py_peer.core import limits
from py_peer.core.listening import parse_listen_address
from py_peer.net.interfaces import Interfaces
from py_peer.net.upnp import Upnp, UpnpError
from tests.interfaces import interface

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from py_peer.core.interfaces import Interface

PORT: Final = 4001
BOUND: Final = tuple(
    map(parse_listen_address, ("/ip4/0.0.0.0/tcp/4001", "/ip6/::/tcp/4001", "/ip4/0.0.0.0/udp/4001/quic-v1"))
)
THERE: Final = ("/ip4/11.0.0.1/tcp/4001", "/ip4/11.0.0.1/udp/4001/quic-v1")
AT_HOME: Final = interface("eth0", "192.168.0.7/24")


class Router:
    """A router that does what it is told, until it is told to fail."""

    def __init__(self, ip: str = "11.0.0.1") -> None:
        self.ip = ip
        self.fails = False
        self.taken: set[int] = set()
        self.asked: list[tuple[str, int, int, int]] = []
        self.open: dict[tuple[str, int], int] = {}

    def external_ip(self) -> str:
        return self.ip

    def forward(self, protocol: str, port: int, outside: int, seconds: int) -> int:
        if self.fails:
            raise UpnpError("the router says: no")
        self.asked.append((protocol, port, outside, seconds))
        outside += 1_000 * (outside in self.taken)
        self.open[protocol, outside] = port
        return outside

    def stop(self, protocol: str, port: int) -> None:
        del self.open[protocol, port]


class Scene:
    """A peer at home, and what is found there."""

    def __init__(self) -> None:
        self.router: Router | None = Router()
        self.searches = 0
        self.told: list[tuple[str, ...]] = []
        self.there: tuple[Interface, ...] = (AT_HOME,)
        self.interfaces = Interfaces(lambda: self.there)
        self.upnp = Upnp(BOUND, self.told.append, self.find)

    def find(self) -> Router | None:
        self.searches += 1
        return self.router

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.upnp.run, self.interfaces)
            await trio.testing.wait_all_tasks_blocked()
            yield
            nursery.cancel_scope.cancel()

    async def move(self, *there: Interface) -> None:
        self.there = there
        self.interfaces.look()
        await trio.testing.wait_all_tasks_blocked()


def timeless(test: Callable[[Scene], Coroutine[Any, Any, None]]) -> Callable[[pytest.MonkeyPatch], None]:
    """Run an async test on a clock that jumps; the threads, which it would not wait for, are none."""

    async def at_once(work: Callable[[], object], **_: object) -> object:
        await trio.lowlevel.checkpoint()
        return work()

    def run(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("anyio.to_thread.run_sync", at_once)

        async def with_scene() -> None:
            await test(Scene())

        trio.run(with_scene, clock=trio.testing.MockClock(autojump_threshold=0))

    run.__name__ = test.__name__
    return run


@timeless
async def test_both_ports_are_forwarded_and_taken_back_at_the_end(scene: Scene) -> None:
    assert scene.router is not None
    async with scene.running():
        assert scene.told == [THERE]
        assert scene.router.open == {("TCP", PORT): PORT, ("UDP", PORT): PORT}
    assert not scene.router.open


@timeless
async def test_a_forwarding_is_asked_for_again_at_half_its_time(scene: Scene) -> None:
    assert scene.router is not None
    async with scene.running():
        await trio.sleep(limits.UPNP_LEASE * 1.1)
        assert scene.router.asked == 3 * [
            ("TCP", PORT, PORT, limits.UPNP_LEASE),
            ("UDP", PORT, PORT, limits.UPNP_LEASE),
        ]
        assert scene.told == [THERE]
        assert scene.searches == 1


@timeless
async def test_another_port_is_taken_where_ours_is_not_free_and_kept(scene: Scene) -> None:
    assert scene.router is not None
    scene.router.taken = {PORT}
    async with scene.running():
        assert scene.told == [("/ip4/11.0.0.1/tcp/5001", "/ip4/11.0.0.1/udp/5001/quic-v1")]
        await trio.sleep(limits.UPNP_LEASE * 0.6)
        assert scene.router.asked[2:] == [
            ("TCP", PORT, 5001, limits.UPNP_LEASE),
            ("UDP", PORT, 5001, limits.UPNP_LEASE),
        ]
    assert not scene.router.open


@timeless
async def test_a_router_that_has_gone_is_told_and_one_that_comes_is_found(scene: Scene) -> None:
    assert scene.router is not None
    async with scene.running():
        scene.router.fails = True
        await trio.sleep(limits.UPNP_LEASE * 0.6)
        assert scene.told == [THERE, ()]
        assert scene.upnp.trouble == "the router says: no"
        scene.router = None
        await trio.sleep(2 * limits.UPNP_SEARCH_INTERVAL)
        searches = scene.searches
        scene.router = Router("11.0.0.2")
        await scene.move(interface("eth0", "192.168.0.8/24"))
        assert scene.searches == searches + 1
        assert scene.told[2:] == [("/ip4/11.0.0.2/tcp/4001", "/ip4/11.0.0.2/udp/4001/quic-v1")]
        assert not scene.upnp.trouble


@timeless
async def test_who_listens_on_loopback_alone_needs_no_router(scene: Scene) -> None:
    scene.upnp = Upnp([parse_listen_address("/ip4/127.0.0.1/tcp/4001")], scene.told.append, scene.find)
    async with scene.running():
        assert not scene.searches


@pytest.mark.parametrize("ip", ["192.168.1.1", "100.64.0.1", "", "router", "255.255.255.255"])
def test_a_router_that_is_behind_another_one_is_asked_for_nothing(ip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    @timeless
    async def play(scene: Scene) -> None:
        scene.router = Router(ip)
        async with scene.running():
            assert not scene.told
            assert not scene.router.asked
            assert "behind another one" in scene.upnp.trouble

    play(monkeypatch)


@pytest.mark.parametrize(
    "there",
    [(), (interface("eth0", "11.5.0.1/8"), AT_HOME), (interface("lo", "127.0.0.1/8", loopback=True),)],
    ids=["no network", "a public address", "loopback"],
)
def test_no_router_is_looked_for_where_none_can_help(
    there: tuple[Interface, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    @timeless
    async def play(scene: Scene) -> None:
        await scene.move(*there)
        async with scene.running():
            assert not scene.searches
            await scene.move(AT_HOME)
            assert scene.searches

    play(monkeypatch)


def test_the_end_does_not_wait_for_a_router_that_hangs() -> None:
    scene = Scene()
    hang = trio.Event()

    def find() -> Router | None:
        trio.from_thread.run_sync(found.set)
        trio.from_thread.run(hang.wait)
        return None

    async def play() -> None:
        scene.upnp = Upnp(BOUND, scene.told.append, find)
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(scene.upnp.run, scene.interfaces)
                await found.wait()
                nursery.cancel_scope.cancel()

    found = trio.Event()
    trio.run(play)
