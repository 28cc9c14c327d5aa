"""Keys and values as the service does them, between real nodes on loopback."""

from __future__ import annotations

import base64
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from py_peer.core import limits
from py_peer.core.dht_events import KeyProvided, LookupFailed, ProvidersFound, ValueFound, ValuePut
from py_peer.core.events import Answer, KademliaBootstrap, Started
from py_peer.core.requests import FindProviders, GetValue, ProvideKey, PutValue
from tests.loops import run
from tests.service.support import Person, person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from py_peer.core.events import Event
    from py_peer.core.requests import Request

QUIET: dict[str, Any] = {"intro": False, "loopback": True}
VALUE = " blue\n\tand \x1b[31mred\u202e "


async def answer(someone: Person, make: type[Request], *arguments: str) -> Any:
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
            assert (await answer(one, FindProviders, "k")).asked == 0

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


def test_without_kademlia_it_is_told_how_to_turn_it_on() -> None:
    async def scene() -> None:
        async with person("a", **QUIET) as one:
            refused = await answer(one, PutValue, "k", "v")
            assert refused.failed
            assert "--bootstrap" in refused.text

    run(scene())
