"""Peers that the user named: one entry for each, dialled again and again, not too fast, and each cause told once."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import trio
import trio.testing
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.addresses import parse_dial_address
from py_peer.core.events import DialFailed
from py_peer.net.dial import DialError
from py_peer.service.named import JITTER, PAUSES, Named, Pace
from tests.net.support import until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import pytest

    from py_peer.core.addresses import DialAddress
    from py_peer.core.events import Event

PEERS = [ID.from_pubkey(create_new_key_pair(bytes([number]) * 32).public_key) for number in range(9)]
ANN, BOB = PEERS[:2]


def at(port: int, peer_id: ID | None = None) -> str:
    return f"/ip4/192.0.2.1/tcp/{port}" + (f"/p2p/{peer_id}" if peer_id else "")


class FakeNode:
    """A network in which `homes` says who answers at which port."""

    def __init__(self, homes: dict[int, ID]) -> None:
        self.homes = homes
        self.peers = SimpleNamespace(records={})
        self.bans = SimpleNamespace(refusal=lambda peer_id: self.refused.get(peer_id, ""))
        self.refused: dict[ID, str] = {}
        self.dials: list[tuple[float, int]] = []
        self.cause = "connection refused"
        self.slow: set[int] = set()
        """Ports at which nothing comes back."""

    async def dial(self, address: DialAddress, *, forgive: bool = False) -> ID:
        await trio.lowlevel.checkpoint()
        self.dials.append((trio.current_time(), address.port))
        if address.port in self.slow:
            await trio.sleep(limits.DIAL_TIMEOUT)
            raise DialError(self.cause)
        found = self.homes.get(address.port)
        if found is None or address.peer_id not in (None, str(found)):
            raise DialError(self.cause)
        if found in self.refused and not forgive:
            raise DialError(self.refused[found])
        self.peers.records[found] = None
        return found

    def times(self, port: int) -> list[float]:
        return [when for when, where in self.dials if where == port]


class Scene:
    """Named peers, the network, and what was told."""

    def __init__(self, addresses: list[str], homes: dict[int, ID]) -> None:
        self.told: list[Event] = []
        self.node = FakeNode(homes)
        self.named = Named(addresses, self.told.append, Pace(), self.node.dial, keep=True)

    @property
    def causes(self) -> list[str]:
        return [event.cause for event in self.told if isinstance(event, DialFailed)]

    def go(self, peer_id: ID) -> None:
        """Have a connected peer go."""
        del self.node.peers.records[peer_id]
        self.named.moved(peer_id)


def played(addresses: list[str], homes: dict[int, ID]) -> Callable[[Callable[[Scene], Awaitable[None]]], None]:
    """Play a scene in which time passes as fast as nothing happens."""

    def decorator(play: Callable[[Scene], Awaitable[None]]) -> None:
        async def run() -> None:
            scene = Scene(addresses, homes)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(scene.named.run, scene.node)
                await trio.sleep(0.5)
                await play(scene)
                nursery.cancel_scope.cancel()

        trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))  # it begins at 0

    return decorator


def test_a_start_with_several_peers_dials_them_all_at_once() -> None:
    @played([at(port) for port in range(1, 9)], {})
    async def _(scene: Scene) -> None:
        assert sorted(port for when, port in scene.node.dials if when == 0) == list(range(1, 9))


def test_after_that_never_more_than_one_dial_a_second_over_all_peers() -> None:
    @played([at(port) for port in range(1, 9)], {})
    async def _(scene: Scene) -> None:
        await trio.sleep(300)
        times = [when for when, _ in scene.node.dials[8:]]
        assert len(times) > 100
        assert min(later - earlier for earlier, later in itertools.pairwise(times)) > 0.99
        assert len({len(scene.node.times(port)) // 4 for port in range(1, 9)}) <= 2  # everybody had his turns


def test_one_who_is_back_is_dialled_before_many_where_nobody_ever_was() -> None:
    @played([at(port, ANN if port == 1 else None) for port in range(1, 62)], {1: ANN})
    async def _(scene: Scene) -> None:
        await trio.sleep(20)
        del scene.node.homes[1]
        scene.go(ANN)
        await trio.sleep(100)  # until the pauses are long
        for _ in range(5):
            back = trio.current_time()
            scene.node.homes[1] = ANN
            await trio.sleep(PAUSES[-1] * (1 + JITTER) + 2)
            assert ANN in scene.node.peers.records
            assert scene.node.times(1)[-1] - back <= PAUSES[-1] * (1 + JITTER) + 2
            del scene.node.homes[1]
            scene.go(ANN)
            await trio.sleep(61)
        times = [when for when, _ in scene.node.dials[61:]]
        assert min(later - earlier for earlier, later in itertools.pairwise(times)) > 0.99
        assert all(len(scene.node.times(port)) > 4 for port in range(2, 62))  # nobody is forgotten for it


def test_one_that_came_by_itself_and_went_is_dialled_before_them_too() -> None:
    @played([at(1, ANN), *(at(port) for port in range(2, 62))], {})
    async def _(scene: Scene) -> None:
        await trio.sleep(100)
        scene.node.peers.records[ANN] = None
        scene.named.moved(ANN)
        await trio.sleep(1)
        scene.go(ANN)
        scene.node.homes[1] = ANN
        await trio.sleep(4)
        assert ANN in scene.node.peers.records


def test_what_the_user_asks_for_is_dialled_before_many_where_nobody_ever_was() -> None:
    @played([at(port) for port in range(1, 62)], {})
    async def _(scene: Scene) -> None:
        await trio.sleep(100)
        scene.node.homes[7] = ANN
        scene.named.add(parse_dial_address(at(7)), forgive=True)
        await trio.sleep(3)
        assert ANN in scene.node.peers.records


def test_the_pauses_grow_and_end_at_the_longest_each_a_little_different() -> None:
    @played([at(1)], {})
    async def _(scene: Scene) -> None:
        await trio.sleep(300)
        pauses = [later - earlier for earlier, later in itertools.pairwise(scene.node.times(1))]
        for pause, meant in zip(pauses, (*PAUSES, *[PAUSES[-1]] * 100), strict=False):
            assert 0.8 * meant <= pause <= 1.2 * meant + 1
        assert len({round(pause, 3) for pause in pauses[5:]}) > 5


def test_each_new_cause_is_told_once_until_the_peer_is_there() -> None:
    @played([at(1, ANN)], {})
    async def _(scene: Scene) -> None:
        await trio.sleep(100)
        assert scene.causes == ["connection refused"]
        scene.node.cause = "no route"
        await trio.sleep(100)
        scene.node.cause = "connection refused"
        await trio.sleep(100)
        assert scene.causes == ["connection refused", "no route"]
        scene.node.homes[1] = ANN
        await trio.sleep(30)
        assert ANN in scene.node.peers.records
        del scene.node.homes[1]
        scene.go(ANN)
        await trio.sleep(30)
        assert scene.causes == ["connection refused", "no route", "connection refused"]


def test_however_many_causes_there_are_so_many_are_told() -> None:
    @played([at(1, ANN)], {})
    async def _(scene: Scene) -> None:
        for number in range(40):
            scene.node.cause = f"cause {number}"
            await trio.sleep(20)
        assert len(scene.causes) == 8


def test_a_peer_that_goes_is_dialled_at_once_and_while_it_is_there_not_at_all() -> None:
    @played([at(1, ANN)], {1: ANN})
    async def _(scene: Scene) -> None:
        await trio.sleep(1_000)
        assert len(scene.node.dials) == 1
        scene.go(ANN)
        await trio.sleep(0.1)
        assert len(scene.node.dials) == 2
        assert ANN in scene.node.peers.records


def test_a_peer_that_comes_by_itself_is_not_dialled() -> None:
    @played([at(1, ANN)], {})
    async def _(scene: Scene) -> None:
        scene.node.peers.records[ANN] = None
        scene.named.moved(ANN)
        dials = len(scene.node.dials)
        await trio.sleep(100)
        assert len(scene.node.dials) == dials


def test_several_addresses_of_one_peer_are_tried_in_turn_and_first_where_it_has_answered_last() -> None:
    @played([at(1, ANN), at(2, ANN), at(3, ANN)], {2: ANN})
    async def _(scene: Scene) -> None:
        await trio.sleep(100)
        assert [port for _, port in scene.node.dials] == [1, 2]
        scene.go(ANN)
        await trio.sleep(100)
        assert [port for _, port in scene.node.dials] == [1, 2, 2]
        scene.node.homes = {3: ANN}
        scene.go(ANN)
        await trio.sleep(100)
        assert [port for _, port in scene.node.dials[3:]] == [2, 1, 3]


def test_an_address_that_is_slow_holds_the_next_one_up_for_a_quarter_of_a_second_and_the_others_are_given_up() -> None:
    @played([at(1, ANN), at(2, ANN), at(3, ANN)], {1: ANN, 2: ANN, 3: ANN})
    async def _(scene: Scene) -> None:
        await trio.sleep(100)
        scene.node.slow = {1}
        scene.node.dials.clear()
        scene.go(ANN)
        gone = trio.current_time()
        await until(lambda: ANN in scene.node.peers.records)
        (one, first), (other, second) = scene.node.dials
        assert (first, second) == (1, 2)
        assert limits.NEXT_WAY_AFTER <= other - one <= 1 / limits.DIALS_PER_SECOND
        assert trio.current_time() - gone < 3
        assert scene.causes == []
        await trio.sleep(100)
        assert len(scene.node.dials) == 2


def test_of_a_peer_who_leaves_the_line_of_strangers_all_addresses_do_and_in_order() -> None:
    @played([*(at(port) for port in range(10, 20)), at(1, ANN), at(2, ANN)], {})
    async def _(scene: Scene) -> None:
        await trio.sleep(2)
        scene.named.add(parse_dial_address(at(1, ANN)), forgive=True)
        await trio.sleep(4)
        assert [port for _, port in scene.node.dials if port < 10][:2] == [1, 2]


def test_an_address_without_a_peer_id_joins_the_peer_that_answers_there() -> None:
    @played([at(1, ANN), at(2)], {1: ANN, 2: ANN})
    async def _(scene: Scene) -> None:
        assert sorted(port for _, port in scene.node.dials) == [1, 2]
        del scene.node.homes[1]
        scene.go(ANN)
        await trio.sleep(30)
        assert [port for _, port in scene.node.dials[2:]] == [1, 2]
        assert ANN in scene.node.peers.records


def test_an_address_where_somebody_else_answers_becomes_that_peers() -> None:
    @played([at(1, ANN), at(2)], {2: ANN})
    async def _(scene: Scene) -> None:
        await trio.sleep(5)
        scene.node.homes[2] = BOB
        scene.go(ANN)
        await trio.sleep(30)
        assert BOB in scene.node.peers.records
        dials = len(scene.node.times(2))
        scene.node.homes[1] = ANN
        await trio.sleep(30)
        assert ANN in scene.node.peers.records
        assert len(scene.node.times(2)) == dials
        del scene.node.homes[2]
        scene.go(BOB)
        await trio.sleep(30)
        assert len(scene.node.times(2)) > dials


def test_a_peer_that_comes_back_as_another_at_its_address_is_taken() -> None:
    @played([at(1)], {1: ANN})
    async def _(scene: Scene) -> None:
        scene.node.homes[1] = BOB
        scene.go(ANN)
        await trio.sleep(5)
        assert BOB in scene.node.peers.records


def test_a_refused_peer_is_not_dialled_and_then_it_is() -> None:
    @played([at(1, ANN)], {1: ANN})
    async def _(scene: Scene) -> None:
        scene.node.refused[ANN] = "it has sent garbage"
        scene.go(ANN)
        await trio.sleep(600)
        assert len(scene.node.dials) == 1
        assert scene.causes == ["it has sent garbage"]
        scene.node.refused.clear()
        await trio.sleep(20)
        assert ANN in scene.node.peers.records


def test_waking_begins_anew_with_whoever_is_not_there() -> None:
    @played([at(1, ANN), at(2, BOB)], {2: BOB})
    async def _(scene: Scene) -> None:
        await trio.sleep(200)
        scene.named.wake()
        woken = trio.current_time()
        await trio.sleep(10)
        assert next(when for when in scene.node.times(1) if when >= woken) - woken < 1
        assert len([when for when in scene.node.times(1) if when >= woken]) >= 3
        assert len(scene.node.times(2)) == 1


def test_one_that_is_dropped_is_dialled_no_more_and_one_that_is_added_at_once() -> None:
    @played([at(1, ANN), at(2, BOB)], {})
    async def _(scene: Scene) -> None:
        scene.named.drop(ANN)
        dials = len(scene.node.times(1))
        await trio.sleep(100)
        assert len(scene.node.times(1)) == dials
        assert scene.named.add(parse_dial_address(at(1, ANN))) == ""
        await trio.sleep(0.1)
        assert len(scene.node.times(1)) == dials + 1


def test_what_the_user_adds_again_is_dialled_at_once_and_forgiven() -> None:
    @played([at(1)], {1: ANN})
    async def _(scene: Scene) -> None:
        scene.node.refused[ANN] = "it was let go"
        scene.go(ANN)
        await trio.sleep(100)
        assert ANN not in scene.node.peers.records
        scene.named.add(parse_dial_address(at(1)), forgive=True)
        await trio.sleep(2)
        assert ANN in scene.node.peers.records


def test_there_are_only_so_many_and_the_first_that_is_too_much_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_NAMED_ADDRESSES", 2)

    @played([at(1), at(2), at(3)], {})
    async def _(scene: Scene) -> None:
        full = "2 addresses are dialled already; /status names some, and /disconnect ADDR makes room"
        assert scene.causes[0] == full
        assert scene.named.add(parse_dial_address(at(4))) == full
        assert not scene.named.add(parse_dial_address(at(1)))
        await trio.sleep(100)
        assert {port for _, port in scene.node.dials} == {1, 2}


def test_an_address_that_is_forgotten_is_dialled_no_more_and_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_NAMED_ADDRESSES", 4)

    @played([at(1), at(2, ANN), at(3, ANN), at(4)], {4: BOB})
    async def _(scene: Scene) -> None:
        assert scene.named.dialling() == (at(1), at(2, ANN), at(3, ANN))
        assert scene.named.holder(parse_dial_address(at(4))) == BOB
        assert scene.named.forget(parse_dial_address(at(9))) == []
        assert scene.named.forget(parse_dial_address(at(2, BOB))) == []
        for port in (1, 2):  # as it was named, and without its peer ID
            dials = len(scene.node.times(port))
            (forgotten,) = scene.named.forget(parse_dial_address(at(port)))
            assert forgotten.startswith(at(port))
            await trio.sleep(100)
            assert len(scene.node.times(port)) == dials
        assert scene.named.dialling() == (at(3, ANN),)
        assert scene.named.add(parse_dial_address(at(7))) == ""
        scene.node.homes[3] = ANN
        await trio.sleep(20)
        assert ANN in scene.node.peers.records


def test_an_address_that_is_forgotten_in_the_middle_of_a_round_is_left_out() -> None:
    @played([at(1, ANN), at(2, ANN)], {})
    async def _(scene: Scene) -> None:
        while scene.node.dials[-1][1] != 1:  # noqa: ASYNC110 - what is waited for has no event
            await trio.sleep(0.1)
        dials = len(scene.node.times(2))
        assert scene.named.forget(parse_dial_address(at(2)))
        await trio.sleep(100)
        assert len(scene.node.times(2)) == dials


def test_a_peer_is_worth_waiting_for_while_it_has_not_been_away_for_long() -> None:
    named: Any = Named([at(1)], lambda _: None, Pace(), FakeNode({}).dial, keep=True)
    assert named.is_dialling()

    @played([at(1, ANN)], {1: ANN})
    async def _(scene: Scene) -> None:
        assert not scene.named.is_dialling()
        del scene.node.homes[1]
        scene.go(ANN)
        await trio.sleep(5)
        assert scene.named.is_dialling()
        await trio.sleep(limits.NAMED_PEER_WAIT)
        assert not scene.named.is_dialling()


def test_of_a_name_one_address_after_the_other_is_dialled_and_the_causes_are_told_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And it is asked again each time: what stands in the DNS may have become something else."""

    async def resolve(address: DialAddress) -> tuple[DialAddress, ...]:
        await trio.lowlevel.checkpoint()
        assert address.text == "/dnsaddr/room.test"
        return tuple(parse_dial_address(at(port)) for port in (1, 2, 3))

    monkeypatch.setattr("py_peer.net.dnsaddr.resolve", resolve)

    @played(["/dnsaddr/room.test"], {})
    async def _(scene: Scene) -> None:
        assert [port for _, port in scene.node.dials] == [1, 2, 3]
        assert scene.causes == ["connection refused"]
        scene.node.homes[2] = ANN
        await trio.sleep(2)
        assert [port for _, port in scene.node.dials[3:]] == [1, 2]
        assert ANN in scene.node.peers.records


def test_a_list_that_is_not_kept_can_be_dialled_again() -> None:
    async def run() -> None:
        node = FakeNode({1: ANN})
        named: Any = Named([at(1), at(2, BOB)], lambda _: None, Pace(), node.dial)
        assert await named.run(node) == 1
        assert await named.run(node) == 1
        node.homes[2] = BOB
        assert await named.run(node) == 2

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))
