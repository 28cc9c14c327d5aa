"""Several ways to one peer: a slow one holds up the others a quarter of a second, and who is first wins."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_address
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits
from py_peer.core.addresses import parse_dial_address
from py_peer.net.dial import DialError, NotNowError, SomebodyElseError, interleaved
from py_peer.net.racing import race
from tests.net.support import dial_address, member, trio_test, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PAUSE = limits.NEXT_WAY_AFTER


class Ways:
    """Ways of which each takes its time, and then fails if it has a cause to."""

    def __init__(self, *ways: tuple[float, DialError | None]) -> None:
        self.ways = ways
        self.begun: list[float] = []
        self.given_up: list[int] = []
        self.asked_for = 0

    def __iter__(self) -> Iterator[int]:
        for number in range(len(self.ways)):
            self.asked_for += 1
            yield number

    async def dial(self, number: int) -> int:
        seconds, error = self.ways[number]
        self.begun.append(trio.current_time())
        try:
            await trio.sleep(seconds)
        except trio.Cancelled:
            self.given_up.append(number)
            raise
        if error is not None:
            raise error
        return number


def run(ways: Ways, most: int = limits.WAYS_AT_ONCE) -> tuple[int, float]:
    """Race, by a clock that goes on when nobody does anything; return who won, and when."""

    async def main() -> tuple[int, float]:
        return await race(ways, ways.dial, PAUSE, most), trio.current_time()

    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


REFUSED = DialError("refused")


def test_who_answers_in_time_is_the_only_one_asked() -> None:
    ways = Ways((PAUSE / 2, None), (0, None))
    assert run(ways) == (0, PAUSE / 2)
    assert ways.asked_for == 1


def test_when_one_fails_the_next_is_begun_at_once() -> None:
    ways = Ways((0.2, REFUSED), (0.2, REFUSED), (0.2, None))
    assert run(ways)[0] == 2
    assert ways.begun == pytest.approx([0, 0.2, 0.4])


def test_a_slow_one_goes_on_beside_the_next_and_may_win() -> None:
    ways = Ways((1.0, None), (5.0, None))
    assert run(ways) == (0, 1.0)
    assert ways.begun == pytest.approx([0, PAUSE])
    assert ways.given_up == [1]


def test_the_first_to_answer_wins_and_the_others_are_given_up() -> None:
    ways = Ways((5.0, None), (5.0, REFUSED), (0.2, None), (0, None))
    assert run(ways) == pytest.approx((2, 2 * PAUSE + 0.2))
    assert sorted(ways.given_up) == [0, 1]
    assert ways.asked_for == 3


def test_only_so_many_are_under_way_and_the_next_is_not_asked_for_before_there_is_room() -> None:
    ways = Ways(*[(5.0, REFUSED)] * 3, (0, None))
    assert run(ways, most=2) == pytest.approx((3, 5.0 + PAUSE))
    assert ways.begun == pytest.approx([0, PAUSE, 5.0, 5.0 + PAUSE])


def test_when_all_fail_each_cause_is_told_once_and_in_order() -> None:
    with pytest.raises(DialError, match=r"^silent; refused$") as caught:
        run(Ways((5.0, DialError("silent")), (0, REFUSED), (0, REFUSED)))
    assert type(caught.value) is DialError


def test_that_one_may_be_dialled_later_or_that_others_are_everywhere_is_told() -> None:
    with pytest.raises(NotNowError):
        run(Ways((0, REFUSED), (0, NotNowError("too often"))))
    with pytest.raises(SomebodyElseError):
        run(Ways((0, SomebodyElseError("not he")), (0, SomebodyElseError("nor she"))))
    with pytest.raises(DialError) as caught:
        run(Ways((0, SomebodyElseError("not he")), (0, REFUSED)))
    assert type(caught.value) is DialError


@given(st.lists(st.ip_addresses().map(str), unique=True))
def test_ip_addresses_of_both_families_take_turns_and_the_first_stays_the_first(hosts: list[str]) -> None:
    mixed = interleaved(hosts)
    assert sorted(mixed) == sorted(hosts)
    assert mixed[:1] == hosts[:1]
    for family in (4, 6):
        assert [one for one in mixed if ip_address(one).version == family] == [
            one for one in hosts if ip_address(one).version == family
        ]
    fewer = min(sum(ip_address(one).version == family for one in hosts) for family in (4, 6))
    versions = [ip_address(one).version for one in mixed[: 2 * fewer]]
    assert all(one != other for one, other in pairwise(versions))


@asynccontextmanager
async def silence(port: int) -> AsyncIterator[trio.Event]:
    """Listen on another address of this machine, say nothing to who comes, and tell when he has hung up."""
    hung_up = trio.Event()

    async def wait(stream: trio.SocketStream) -> None:
        while await stream.receive_some():
            pass
        hung_up.set()

    async with trio.open_nursery() as nursery:
        await nursery.start(partial(trio.serve_tcp, wait, port, host="127.0.0.2"))
        yield hung_up
        nursery.cancel_scope.cancel()


@trio_test
async def test_a_name_with_a_silent_ip_address_is_reached_at_the_other_and_the_silent_one_is_hung_up_on() -> None:
    async with member() as one, member(loopback=True) as other, silence(other.port) as hung_up:
        addresses = ["127.0.0.2", "127.0.0.1"]

        async def getaddrinfo(host: str, port: int, *_: Any) -> list[Any]:
            await trio.lowlevel.checkpoint()
            return [(None, None, None, "", (ip, port)) for ip in addresses]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(trio.socket, "getaddrinfo", getaddrinfo)
            assert await one.node.dial(parse_dial_address(f"/dns/two.example/tcp/{other.port}")) == other.id
        with trio.fail_after(5):
            await hung_up.wait()
        assert len(one.node.host.get_network().get_connections()) == 1


@trio_test
async def test_two_ways_to_one_peer_at_once_end_with_a_connection_or_two_and_both_say_that_it_is_there() -> None:
    async with member() as one, member() as other:
        found: list[object] = []

        async def dial(host: str) -> None:
            found.append(await one.node.dial(dial_address(host, other.port, str(other.id))))

        for _ in range(10):
            async with trio.open_nursery() as nursery:
                for host in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
                    nursery.start_soon(dial, host)
            assert 1 <= len(one.node.host.get_network().get_connections(other.id)) <= 3
            await one.node.disconnect(other.id)
            await until(lambda: not other.node.peers.records)
        assert found == [other.id] * 30
