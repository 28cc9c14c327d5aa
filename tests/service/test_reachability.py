"""How we are reached is asked of peers on the Internet, believed when they agree, and told with what works."""

from __future__ import annotations

from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import trio
import trio.testing
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.core.listening import parse_listen_address
from py_peer.core.settings import Transports
from py_peer.net.autonat import AUTONAT, RefusedError
from py_peer.net.connections import PeerRecord
from py_peer.net.counters import Counters
from py_peer.net.interfaces import Interfaces
from py_peer.net.streams import EndedError, GarbageError
from py_peer.service.reachability import Reachability
from tests.interfaces import interface

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

    import pytest

    from py_peer.core.interfaces import Interface

US = ID.from_pubkey(create_new_key_pair().public_key)
SEEN: Final = "/ip4/11.100.0.1/tcp/50000"
OUTSIDE: Final = "/ip4/11.100.0.1/tcp/4001"
QUIC: Final = "/ip4/11.100.0.1/udp/4001/quic-v1"
RELAY: Final = f"/ip4/11.50.0.1/tcp/4001/p2p/{US}"


class Scene:
    """A node whose peers answer as the test says."""

    def __init__(self) -> None:
        self.answers: dict[ID, str | Exception | None] = {}
        self.asked: list[tuple[ID, list[str]]] = []
        self.leaves = False
        """Whether who is asked hangs up."""

        self.told: list[Any] = []
        self.there: tuple[Interface, ...] = (interface("eth0", "192.168.0.7/24"),)
        self.outside: list[tuple[str, ...]] = [()]
        self.records: dict[ID, PeerRecord] = {}
        self.node: Any = SimpleNamespace(
            host=SimpleNamespace(get_id=lambda: US),
            peer_id=str(US),
            addresses=(f"/ip4/192.168.0.7/tcp/4001/p2p/{US}",),
            bound=tuple(map(parse_listen_address, ("/ip4/0.0.0.0/tcp/4001", "/ip6/::/tcp/4001"))),
            counters=Counters(),
            interfaces=Interfaces(lambda: self.there),
            peers=SimpleNamespace(records=self.records),
            set_outside=lambda _, addresses: self.outside.append(addresses),
            relays=None,
        )

    async def ask(self, _: object, peer_id: ID, addresses: Sequence[str]) -> str | None:
        self.asked.append((peer_id, list(addresses)))
        await trio.lowlevel.checkpoint()
        if self.leaves:
            del self.records[peer_id]
        answer = self.answers[peer_id]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @asynccontextmanager
    async def running(self, **transports: Any) -> AsyncIterator[Reachability]:
        one = Reachability(Transports(**transports), self.told.append)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one.run, self.node)
            await trio.testing.wait_all_tasks_blocked()
            yield one
            nursery.cancel_scope.cancel()

    async def meet(
        self,
        one: Reachability,
        ip: str,
        answer: str | Exception | None,
        *,
        inbound: bool = False,
        protocols: tuple[str, ...] = (AUTONAT,),
        agent: str = "",
    ) -> ID:
        peer_id = ID.from_pubkey(create_new_key_pair().public_key)
        where = ip if "/" in ip else f"/ip{6 if ':' in ip else 4}/{ip}/tcp/4001"
        record = self.records[peer_id] = PeerRecord(peer_id, where, inbound, protocols=protocols, agent_version=agent)
        record.observed = Multiaddr(SEEN).to_bytes()
        self.answers[peer_id] = answer
        one.moved(peer_id)
        one.identified(record)
        await trio.testing.wait_all_tasks_blocked()
        return peer_id

    async def meet_all(self, one: Reachability, *answers: str | Exception | None) -> None:
        for number, answer in enumerate(answers, len(self.records) + 1):
            await self.meet(one, f"11.{number}.0.1", answer)

    @property
    def statuses(self) -> list[str]:
        return [event.status for event in self.told]


def timeless(test: Callable[[Scene], Coroutine[Any, Any, None]]) -> Callable[[pytest.MonkeyPatch], None]:
    """Run an async test on a clock that jumps."""

    def run(monkeypatch: pytest.MonkeyPatch) -> None:
        async def with_scene() -> None:
            scene = Scene()
            monkeypatch.setattr("py_peer.service.reachability.ask", scene.ask)
            await test(scene)

        trio.run(with_scene, clock=trio.testing.MockClock(autojump_threshold=0))

    run.__name__ = test.__name__
    return run


@timeless
async def test_three_who_reach_us_make_us_public_and_the_address_is_told_to_others(scene: Scene) -> None:
    async with scene.running() as one:
        await scene.meet_all(one, OUTSIDE, OUTSIDE)
        assert not scene.told
        await scene.meet_all(one, OUTSIDE)
        assert scene.statuses == ["public"]
        assert one.now.addresses == scene.outside[-1] == (f"{OUTSIDE}/p2p/{US}",)
        assert {tuple(addresses) for _, addresses in scene.asked} == {(OUTSIDE,)}
        await scene.meet_all(one, OUTSIDE, OUTSIDE)
        assert len(scene.asked) == 3  # enough have answered


@timeless
async def test_three_who_do_not_reach_us_make_us_private_at_once_and_one_in_time(scene: Scene) -> None:
    async with scene.running() as one:
        await scene.meet_all(one, None)
        assert not scene.told
        await trio.sleep(limits.NAT_PATIENCE + limits.NAT_LOOK_INTERVAL)
        assert scene.statuses == ["private"]
        one._begin_anew()
        await scene.meet_all(one, None, None)
        assert scene.statuses == ["private", "unknown", "private"]


@timeless
async def test_one_range_is_asked_once_and_nobody_who_is_not_on_the_internet(scene: Scene) -> None:
    async with scene.running() as one:
        asked = await scene.meet(one, "11.1.0.1", OUTSIDE)
        for ip in ("11.1.0.2", "192.168.0.9", "127.0.0.1", f"/ip4/11.5.0.1/tcp/1/p2p/{US}/p2p-circuit"):
            await scene.meet(one, ip, OUTSIDE)
        await scene.meet(one, "11.2.0.1", OUTSIDE, protocols=("/other",))
        assert [peer_id for peer_id, _ in scene.asked] == [asked]


@timeless
async def test_who_gives_no_answer_is_asked_again_later_and_costs_nothing_else(scene: Scene) -> None:
    async with scene.running() as one:
        await scene.meet_all(one, RefusedError("not now"), GarbageError("what?"))
        await trio.sleep(limits.NAT_LOOK_INTERVAL)
        assert len(scene.asked) == 2
        await trio.sleep(limits.NAT_RETRY)
        assert len(scene.asked) == 4
        assert not scene.told
        assert scene.node.counters["asked to dial us back: no answer"] == 4
        assert "strikes" not in scene.node.counters


@timeless
async def test_who_hangs_up_when_it_is_asked_is_never_asked_again(scene: Scene) -> None:
    async with scene.running() as one:
        scene.leaves = True
        gone = await scene.meet(one, "11.1.0.1", EndedError("gone"))
        scene.leaves = False
        await scene.meet(one, "11.2.0.1", None, agent="js-libp2p/2.10.0 node/20")
        scene.records[gone] = PeerRecord(gone, "/ip4/11.1.0.1/tcp/4001", inbound=False, protocols=(AUTONAT,))
        await trio.sleep(5 * limits.NAT_RETRY)
        assert [peer_id for peer_id, _ in scene.asked] == [gone]


@timeless
async def test_an_address_that_nobody_asked_about_is_told_to_nobody(scene: Scene) -> None:
    async with scene.running() as one:
        await scene.meet_all(one, *["/ip4/11.66.0.1/tcp/666"] * 3)
        assert scene.statuses == ["public"]
        assert one.now.addresses == ()


@timeless
async def test_peers_who_come_from_outside_uncalled_show_that_we_are_reached(scene: Scene) -> None:
    async with scene.running() as one:
        for number in range(3):
            await scene.meet(one, f"11.{number}.0.1", None, inbound=True, protocols=())
        assert scene.statuses == ["public"]


@timeless
async def test_elsewhere_everybody_is_asked_again(scene: Scene) -> None:
    async with scene.running() as one:
        await scene.meet_all(one, OUTSIDE, OUTSIDE, OUTSIDE)
        scene.answers = dict.fromkeys(scene.answers)
        scene.there = (interface("wlan0", "10.0.0.7/24"),)
        scene.node.interfaces.look()
        await trio.testing.wait_all_tasks_blocked()
        assert scene.statuses[0] == "public"
        assert scene.statuses[-1] == "private"
        assert scene.outside[-1] == ()


@timeless
async def test_what_the_user_or_a_router_says_holds_until_peers_say_otherwise(scene: Scene) -> None:
    async with scene.running(told=("/dns4/peer.example/tcp/4001",)) as one:
        assert scene.statuses == ["announced"]
        one._note_forwarded((OUTSIDE, QUIC))
        await trio.testing.wait_all_tasks_blocked()
        assert one.now.addresses == (f"{OUTSIDE}/p2p/{US}", f"{QUIC}/p2p/{US}")
        await scene.meet_all(one, None, None, None)
        assert scene.statuses[1] == "public"
        assert scene.asked[-1][1] == [OUTSIDE, QUIC]
        assert scene.statuses[-1] == "private"
        assert not one.now.addresses


@timeless
async def test_who_announces_an_address_that_leads_nowhere_from_outside_is_not_reached_by_it(scene: Scene) -> None:
    late = limits.NAT_PATIENCE + limits.NAT_LOOK_INTERVAL
    relayed = f"{RELAY}/p2p-circuit/p2p/{US}"
    for told in ("/ip4/127.0.0.1/tcp/4001", "/ip4/192.168.0.7/tcp/4001", "/ip6/fd00::7/tcp/4001", relayed):
        async with scene.running(told=(told,)) as one:
            await trio.sleep(late)
            assert not scene.told
            assert one._reservations.is_wanted
    async with scene.running(told=("/ip4/192.168.0.7/tcp/4001", OUTSIDE)) as one:
        await trio.sleep(late)
        assert scene.statuses == ["announced"]
        assert not one._reservations.is_wanted


@timeless
async def test_a_place_at_a_relay_is_wanted_while_nobody_reaches_us(scene: Scene) -> None:
    async with scene.running() as one:
        relays = one._reservations
        assert not relays.is_wanted
        await trio.sleep(limits.NAT_PATIENCE + limits.NAT_LOOK_INTERVAL)
        assert relays.is_wanted
        relays.relay, relays.addresses = "relay", (f"{RELAY}/p2p-circuit/p2p/{US}",)
        one._look()
        assert one.now == scene.told[-1]
        assert (one.now.status, one.now.addresses, one.now.relay) == ("relayed", relays.addresses, "relay")
        await scene.meet_all(one, OUTSIDE, OUTSIDE, OUTSIDE)
        assert one.now.status == "public"
        assert not relays.is_wanted


@timeless
async def test_a_relay_that_is_named_is_wanted_from_the_start(scene: Scene) -> None:
    async with scene.running(relays=(RELAY,)) as one:
        assert one._reservations.is_wanted
