"""Keys and values as the service does them: between real nodes on loopback, and over a double of Kademlia."""

from __future__ import annotations

import base64
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from py_peer.core import limits
from py_peer.core.dht_events import KeyProvided, LookupFailed, ProvidersFound, ValueFound, ValuePut
from py_peer.core.events import Answer, KademliaBootstrap, PeerJoined, Started
from py_peer.core.requests import FindProviders, GetValue, ProvideKey, PutValue
from py_peer.core.settings import Settings
from py_peer.net.counters import UNEXPECTED, Counters
from py_peer.net.kad_values import Told
from py_peer.service.data import Data
from tests.loops import run
from tests.service.support import Person, in_trio, person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from py_peer.core.events import Event
    from py_peer.core.requests import Request

QUIET: dict[str, Any] = {"intro": False, "loopback": True}
VALUE = " blue\n\tand \x1b[31mred\u202e "


async def answer(someone: Person, make: type[Request], *arguments: str | int) -> Any:
    """Ask, and return what answers."""
    ticket = someone.ask(lambda number: make(number, *arguments))
    return await someone.see(Answered, lambda event: getattr(event, "ticket", 0) == ticket)


Answered: Any = ValuePut | ValueFound | KeyProvided | ProvidersFound | LookupFailed | Answer


@asynccontextmanager
async def network(size: int) -> AsyncIterator[list[Person]]:
    """Run some who take part in Kademlia; each has joined the table of the first."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(person("a", **QUIET, kademlia=True))
        people = [first]
        for number in range(1, size):
            wishes = {"bootstrap": (await first.address(),)}
            people.append(await stack.enter_async_context(person(f"p{number}", **QUIET, **wishes)))
        for one in people[1:]:
            assert (await one.see(KademliaBootstrap)).peers > 0
        yield people


def test_what_one_puts_others_get_byte_for_byte_and_who_provides_it_is_found() -> None:
    async def scene() -> None:
        async with network(3) as (a, b, c):
            put = await answer(b, PutValue, "00ff", VALUE)
            assert isinstance(put, ValuePut)
            assert (put.key, put.peers) == ("00ff", put.asked)
            assert 1 <= put.asked <= 2
            for one in (a, b, c):
                found = await answer(one, GetValue, "00ff")
                assert isinstance(found, ValueFound)
                assert found.value == " blue\n    and red "
                assert base64.b64decode(found.base64).decode() == VALUE
                assert found.seconds is not None
                assert 0 <= found.seconds < 60
            plain = await answer(c, PutValue, "plain", "grün")
            assert isinstance(plain, ValuePut)
            assert (await answer(a, GetValue, "plain")).base64 == ""
            missing = await answer(a, GetValue, "00FF")
            assert isinstance(missing, LookupFailed)
            assert missing.reason == f"none of the {missing.asked} peer(s) that were asked has a value for it"

            assert isinstance(await answer(a, FindProviders, "colour"), LookupFailed)
            provided = await answer(b, ProvideKey, "colour")
            assert isinstance(provided, KeyProvided)
            assert provided.peers == provided.asked > 0
            bs = (await b.see(Started)).peer_id
            for one in (a, b, c):
                assert (await answer(one, FindProviders, "colour")).peer_ids == (bs,)

    run(scene())


def test_what_is_asked_at_once_is_done_in_order_for_each_key() -> None:
    async def scene() -> None:
        async with network(2) as (_, b):
            for number in range(4):
                b.ask(lambda ticket, text=str(number): PutValue(ticket, "k", text))  # type: ignore[misc]
                b.ask(lambda ticket: GetValue(ticket, "k"))
            assert [found.value for found in await b.see_all(ValueFound, 4)] == ["0", "1", "2", "3"]

    run(scene())


def test_alone_a_value_is_kept_here_and_nobody_is_waited_for_who_cannot_come() -> None:
    async def scene() -> None:
        async with person("a", **QUIET, kademlia=True) as one:
            missing = await answer(one, GetValue, "k")
            assert (missing.asked, missing.reason) == (0, "nobody is there to be asked")
            put = await answer(one, PutValue, "k", "v")
            assert (put.peers, put.asked) == (0, 0)
            assert (await answer(one, GetValue, "k")).value == "v"
            assert (await answer(one, PutValue, "  ", "v")).key == "'  '"
            assert (await answer(one, FindProviders, "k")).asked == 0

    run(scene())


def test_who_has_come_and_takes_no_part_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NAMED_PEER_WAIT", "DIAL_TIMEOUT"):
        monkeypatch.setattr(limits, name, 1_000.0)

    async def scene() -> None:
        async with (
            person("a", **QUIET) as a,
            person("b", **QUIET, kademlia=True, connect=(await a.address(),)) as b,
        ):
            await b.see(PeerJoined)
            assert (await answer(b, GetValue, "k")).asked == 0

    run(scene())


def test_what_cannot_be_put_is_refused_with_its_limit() -> None:
    async def scene() -> None:
        async with person("a", **QUIET, kademlia=True) as one:
            for key, value, part in (
                ("k", "x" * (limits.MAX_KAD_VALUE + 1), f"{limits.MAX_KAD_VALUE:,} bytes"),
                ("k" * (limits.MAX_KAD_KEY + 1), "v", f"{limits.MAX_KAD_KEY} bytes"),
                ("/nobody/k", "v", "namespace"),
            ):
                refused: Event = await answer(one, PutValue, key, value)
                assert isinstance(refused, Answer)
                assert refused.failed
                assert refused.text.startswith("Not put: ")
                assert part in refused.text
            for make in (GetValue, ProvideKey, FindProviders):
                assert (await answer(one, make, "k" * (limits.MAX_KAD_KEY + 1))).failed

    run(scene())


def test_a_key_whose_value_was_refused_is_not_provided() -> None:
    async def scene() -> None:
        async with person("a", **QUIET, kademlia=True) as one:
            for key, value in (("k", "x" * (limits.MAX_KAD_VALUE + 1)), ("/nobody/k", "v")):
                put = one.ask(lambda ticket, key=key, value=value: PutValue(ticket, key, value))  # type: ignore[misc]
                provided = await answer(one, ProvideKey, key, put)
                assert (provided.failed, "its value was not put" in provided.text) == (True, True)
                assert isinstance(await answer(one, FindProviders, key), LookupFailed)
            put = one.ask(lambda ticket: PutValue(ticket, "k", "v"))
            assert isinstance(await answer(one, ProvideKey, "k", put), KeyProvided)

    run(scene())


def test_without_kademlia_it_is_told_how_to_turn_it_on() -> None:
    async def scene() -> None:
        async with person("a", **QUIET) as one:
            refused = await answer(one, PutValue, "k", "v")
            assert refused.failed
            assert "--bootstrap" in refused.text

    run(scene())


# --- Over a double --------------------------------------------------------------------------------


class OddError(Exception):
    """Nobody expects it."""


class Double:
    """A Kademlia that answers when it is told to, and notes what it was asked."""

    def __init__(self) -> None:
        self.begun: list[bytes] = []
        self.go_on = trio.Event()
        self.fault: Exception | None = None
        self.times: list[float] = []

    async def put_value(self, key: bytes, _value: bytes) -> Told:
        self.begun.append(key)
        self.times.append(trio.current_time())
        await self.go_on.wait()
        if self.fault is not None:
            raise self.fault
        return Told(1, 2)


@asynccontextmanager
async def over(double: Double) -> AsyncIterator[tuple[Data, list[Any]]]:
    """Run the service's part over a double; yield it and the events."""
    events: list[Any] = []
    data = Data(Settings("a", kademlia=True), events.append)

    async def somebody() -> Any:
        return double

    data.somebody_to_ask = somebody
    node: Any = SimpleNamespace(counters=Counters())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(data.run, node)
        yield data, events
        nursery.cancel_scope.cancel()


def ask(data: Data, ticket: int, key: str) -> None:
    data.handlers[PutValue](PutValue(ticket, key, "v"))


def test_a_few_keys_are_asked_about_at_a_time_and_of_one_key_one_thing() -> None:
    async def scene() -> None:
        double = Double()
        async with over(double) as (data, events):
            for ticket, key in enumerate("aaabcdef", 1):
                ask(data, ticket, key)
            await trio.testing.wait_all_tasks_blocked()
            assert sorted(double.begun) == [b"a", b"b", b"c", b"d"]
            double.go_on.set()
            await trio.testing.wait_all_tasks_blocked()
            assert Counter(double.begun) == Counter(b"aaabcdef"[n : n + 1] for n in range(8))
            assert sorted(event.ticket for event in events) == list(range(1, 9))
            assert [event.ticket for event in events if event.key == "a"] == [1, 2, 3]

    in_trio(scene)


def test_many_requests_are_begun_no_faster_than_others_take_them() -> None:
    async def scene() -> None:
        double = Double()
        double.go_on.set()
        async with over(double) as (data, events):
            start = trio.current_time()
            count = limits.DHT_REQUEST_BURST + 30
            for ticket in range(1, count + 1):
                ask(data, ticket, f"key {ticket}")
            await trio.sleep(1_000)
            assert len(events) == count
            assert max(double.times) - start == pytest.approx(30 / limits.DHT_REQUESTS_PER_SECOND, rel=0.05)

    in_trio(scene)


def test_too_many_are_refused_and_room_is_there_again_when_some_are_answered() -> None:
    async def scene() -> None:
        double = Double()
        async with over(double) as (data, events):
            for ticket in range(1, limits.DHT_REQUESTS + 3):
                ask(data, ticket, "k")
            assert [(event.ticket, event.failed) for event in events] == [(1_025, True), (1_026, True)]
            assert events[0].text == "Not put: k: 1,024 requests about keys wait already"
            double.go_on.set()
            await trio.sleep(1_000)
            assert len(events) == limits.DHT_REQUESTS + 2
            ask(data, 2_000, "k")
            await trio.sleep(1)
            assert events[-1] == ValuePut(2_000, "k", 1, 2)

    in_trio(scene)


def test_a_fault_with_one_key_ends_neither_the_others_nor_the_chat() -> None:
    async def scene() -> None:
        double = Double()
        double.go_on.set()
        async with over(double) as (data, events):
            double.fault = OddError("disk")
            ask(data, 1, "k")
            await trio.testing.wait_all_tasks_blocked()
            double.fault = None
            ask(data, 2, "k")
            await trio.testing.wait_all_tasks_blocked()
            assert events == [
                Answer(1, "Not put: k: a fault of this program, which --verbose shows", failed=True),
                ValuePut(2, "k", 1, 2),
            ]
        assert UNEXPECTED.pop("OddError") == 1

    in_trio(scene)


def test_somebody_is_waited_for_who_may_come_and_nobody_else() -> None:
    """A named peer is being reached: what is asked meanwhile is answered with it."""

    async def scene() -> None:
        async with (
            person("a", **QUIET, kademlia=True) as a,
            person("b", **QUIET, bootstrap=(await a.address(),)) as b,
        ):
            put = await answer(b, PutValue, "k", "v")  # before it has begun to dial
            assert (put.peers, put.asked) == (1, 1)

    run(scene())
