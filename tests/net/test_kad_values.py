"""Values in Kademlia: of five nodes each holds what one has put, and every reader finds the same."""

from __future__ import annotations

from tests.net.support import trio_test
from tests.net.test_kademlia import people


@trio_test
async def test_what_one_puts_all_others_take_and_each_finds() -> None:
    async with people(3) as (a, b, c):
        await b.meet(a)
        await c.meet(a)
        await c.dht.refresh()
        told = await b.dht.put_value(b"deadbeef", "größer".encode())
        assert (told.took, told.asked) == (2, 2)
        found = await c.dht.get_value(b"deadbeef")
        assert found.record is not None
        assert (found.record.value, found.said, found.asked) == ("größer".encode(), 2, 2)
        assert (await a.dht.get_value(b"\xde\xad\xbe\xef")).record is None


@trio_test
async def test_who_provides_a_key_is_found_by_others_and_by_himself() -> None:
    async with people(3) as (a, b, c):
        await b.meet(a)
        await c.meet(a)
        told = await b.dht.provide(b"bread")
        assert told.took == told.asked >= 1
        heard: list[str] = []
        found = await c.dht.find_providers(b"bread", lambda finding: heard.append(finding.peer_id))
        assert found.peers == (b.id.to_bytes(),)
        assert heard == [str(b.id)]
        assert (await b.dht.find_providers(b"bread", lambda _: None)).peers == (b.id.to_bytes(),)
        assert (await a.dht.find_providers(b"bread", lambda _: None)).peers == (b.id.to_bytes(),)
