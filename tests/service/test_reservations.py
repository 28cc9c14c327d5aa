"""A place at a relay is kept while it is wanted: at those that the user named first, and elsewhere when one fails."""

from __future__ import annotations

from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest
import trio
import trio.testing
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.net.connections import PeerRecord
from py_peer.net.counters import Counters
from py_peer.net.dial import DialError
from py_peer.net.relay import Reservation
from py_peer.net.relay_messages import HOP
from py_peer.net.streams import EndedError, GarbageError, NotSupportedError, StreamFaultError
from py_peer.service.reservations import Reservations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from py_peer.core.addresses import DialAddress

ANN, BEN, CAT, DAN = (ID.from_pubkey(create_new_key_pair().public_key) for _ in range(4))
NAMED: Final = f"/ip4/11.1.0.1/tcp/4001/p2p/{ANN}"


class Scene:
    """Relays that give places, until they are told not to."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        """Where a place was asked for, in order."""

        self.gone: dict[str, trio.Event] = {}
        self.dead: set[str] = set()
        self.records: dict[ID, PeerRecord] = {}
        self.changes: list[str] = []
        self.notices: list[str] = []
        self.fault: StreamFaultError | None = None
        """Why no place is given."""

        self.limits = ""
        self.times = 1
        """How often a place is given, the first time and when it is renewed."""

        self.node: Any = SimpleNamespace(
            relays=self, dial=self.dial, counters=Counters(), peers=SimpleNamespace(records=self.records)
        )

    async def dial(self, address: DialAddress) -> ID:
        await trio.lowlevel.checkpoint()
        if address.text in self.dead:
            raise DialError("nobody is there")
        return ANN if address.peer_id is None else ID.from_string(address.peer_id)

    async def keep(self, relay: DialAddress, told: Callable[[Any], None]) -> None:
        self.kept.append(relay.text)
        if self.fault is not None:
            raise self.fault
        gone = self.gone[relay.text] = trio.Event()
        for _ in range(self.times):
            told(Reservation(60, (f"{relay.text}/p2p-circuit/p2p/us",), self.limits))
        await gone.wait()
        raise EndedError("the relay is gone")

    def meet(self, peer_id: ID, address: str, *, rtt: float, inbound: bool = False, listen: str = "") -> None:
        record = PeerRecord(peer_id, address, inbound, rtt=rtt, protocols=(HOP,))
        record.listen = (Multiaddr(listen).to_bytes(),) if listen else ()
        self.records[peer_id] = record

    def reservations(self, *named: str) -> Reservations:
        made = Reservations(named, lambda: self.changes.append(made.relay), self.notices.append)
        return made

    @asynccontextmanager
    async def running(self, made: Reservations) -> AsyncIterator[None]:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(made.run, self.node)
            made.want(wanted=True)
            await trio.testing.wait_all_tasks_blocked()
            yield
            nursery.cancel_scope.cancel()


def timeless(test: Callable[[Scene], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run an async test on a clock that jumps."""

    def run() -> None:
        async def with_scene() -> None:
            await test(Scene())

        trio.run(with_scene, clock=trio.testing.MockClock(autojump_threshold=0))

    run.__name__ = test.__name__
    return run


@timeless
async def test_a_named_relay_is_called_and_its_place_told(scene: Scene) -> None:
    one = scene.reservations(NAMED)
    async with scene.running(one):
        assert scene.kept == [NAMED]
        assert (one.relay, one.addresses) == (str(ANN), (f"{NAMED}/p2p-circuit/p2p/us",))
        assert scene.changes == [str(ANN)]


@timeless
async def test_that_a_named_relay_ends_connections_is_said_once(scene: Scene) -> None:
    scene.limits, scene.times = "after 2 min or 131.1 kB", 3
    async with scene.running(scene.reservations(NAMED)):
        (notice,) = scene.notices
        assert notice.startswith(f"The relay {NAMED} ends each connection after 2 min or 131.1 kB, as it says; ")


@timeless
async def test_a_relay_that_is_named_without_its_id_is_known_by_who_is_there(scene: Scene) -> None:
    async with scene.running(scene.reservations("/ip4/11.1.0.1/tcp/4001")):
        assert scene.kept == [NAMED]


@timeless
async def test_when_a_relay_goes_another_is_taken_and_the_first_tried_again_later(scene: Scene) -> None:
    one = scene.reservations(NAMED)
    scene.meet(BEN, "/ip4/11.2.0.1/tcp/1", rtt=0.5)
    scene.meet(CAT, "/ip4/11.3.0.1/tcp/1", rtt=0.1)
    cat = f"/ip4/11.3.0.1/tcp/1/p2p/{CAT}"
    async with scene.running(one):
        scene.dead.add(NAMED)
        scene.gone[NAMED].set()
        await trio.testing.wait_all_tasks_blocked()
        assert scene.kept == [NAMED, cat]
        assert scene.changes == [str(ANN), "", str(CAT)]
        scene.dead.clear()
        await trio.sleep(limits.RELAY_RETRY)
        scene.gone[cat].set()
        await trio.testing.wait_all_tasks_blocked()
        assert scene.kept[2:] == [NAMED]


@timeless
async def test_a_relay_whose_places_do_not_last_is_asked_ever_more_seldom_until_one_lasts(scene: Scene) -> None:
    async with scene.running(scene.reservations(NAMED)):
        for pause in (1, 2, 4):
            before = len(scene.kept)
            scene.gone[NAMED].set()
            await trio.sleep(pause * limits.RELAY_RETRY - 0.1)
            assert len(scene.kept) == before
            await trio.sleep(limits.RELAY_RETRY)
            assert len(scene.kept) == before + 1
        await trio.sleep(limits.LASTING)
        scene.gone[NAMED].set()
        await trio.sleep(2 * limits.RELAY_RETRY)
        assert len(scene.kept) == 5


@timeless
async def test_a_relay_rests_at_whatever_address_it_is_met(scene: Scene) -> None:
    async with scene.running(scene.reservations(NAMED)):
        scene.gone[NAMED].set()
        scene.meet(ANN, "/ip4/11.0.0.1/udp/7/quic-v1", rtt=0.1)
        await trio.sleep(limits.RELAY_RETRY - 0.1)
        assert scene.kept == [NAMED]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (NotSupportedError(f"it does not speak {HOP}"), "it is no relay"),
        (GarbageError("a length of more than 9 bytes"), "what it answers is nothing that a relay says"),
        (EndedError("the relay is gone"), "the relay is gone"),
    ],
)
def test_why_there_is_no_place_is_said_in_plain_words(error: StreamFaultError, says: str) -> None:
    @timeless
    async def test(scene: Scene) -> None:
        scene.fault = error
        async with scene.running(scene.reservations(NAMED)):
            assert scene.notices == [f"There is no place for you at the relay {NAMED}: {says}"]

    test()


@timeless
async def test_why_a_named_relay_is_of_no_use_is_said_once(scene: Scene) -> None:
    scene.dead.add(NAMED)
    async with scene.running(scene.reservations(NAMED)):
        await trio.sleep(5 * limits.RELAY_RETRY)
        assert scene.notices == [f"There is no place for you at the relay {NAMED}: nobody is there"]


@timeless
async def test_nothing_is_reserved_that_is_not_wanted_and_a_place_is_given_up(scene: Scene) -> None:
    one = scene.reservations(NAMED)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.run, scene.node)
        await trio.sleep(10 * limits.RELAY_RETRY)
        assert not scene.kept
        one.want(wanted=True)
        await trio.testing.wait_all_tasks_blocked()
        assert one.relay == str(ANN)
        one.want(wanted=False)
        await trio.testing.wait_all_tasks_blocked()
        assert (one.relay, one.addresses) == ("", ())
        assert scene.changes == [str(ANN), ""]
        nursery.cancel_scope.cancel()


@timeless
async def test_of_peers_who_relay_only_those_are_asked_whom_others_can_reach(scene: Scene) -> None:
    scene.meet(ANN, "/ip4/192.168.1.7/tcp/1", rtt=0.1)
    scene.meet(DAN, "", rtt=0.1)  # its connection is just ending
    scene.meet(BEN, f"/ip4/11.2.0.1/tcp/1/p2p/{CAT}/p2p-circuit", rtt=0.1)
    scene.meet(CAT, "/ip4/11.3.0.1/tcp/50000", rtt=0.1, inbound=True, listen="/ip4/11.9.0.1/tcp/4001")
    one = scene.reservations()
    async with scene.running(one):
        assert not scene.kept
        scene.meet(CAT, "/ip4/11.3.0.1/tcp/50000", rtt=0.1, inbound=True, listen="/ip4/11.3.0.1/tcp/4001")
        one.stir()
        await trio.testing.wait_all_tasks_blocked()
        assert scene.kept == [f"/ip4/11.3.0.1/tcp/4001/p2p/{CAT}"]
