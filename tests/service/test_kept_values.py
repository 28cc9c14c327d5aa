"""What is put is in the data folder: there in the next run, told once when somebody has overtaken it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from py_peer.core import limits
from py_peer.core.dht_events import ValueFound, ValuePut
from py_peer.core.events import Notice, Statistics
from py_peer.core.requests import ForgetValue, GetValue, PutValue, RequestStatistics
from tests.loops import run
from tests.service.support import person
from tests.service.test_data import QUIET, answer

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.service.support import Person


def kept_in(folder: Path) -> dict[str, Any]:
    return {**QUIET, "kademlia": True, "data": folder, "identity": folder / "identity.key"}


async def figures(someone: Person) -> Statistics:
    ticket = someone.ask(RequestStatistics)
    return await someone.see(Statistics, lambda event: event.ticket == ticket)


def test_what_one_has_put_is_there_in_the_next_run_and_goes_to_who_comes(tmp_path: Path) -> None:
    async def scene() -> None:
        async with person("alice", **kept_in(tmp_path)) as alice:
            put = await answer(alice, PutValue, "colour", "blue")
            assert isinstance(put, ValuePut)
            await alice.leave()
        async with (
            person("alice", **kept_in(tmp_path)) as alice,
            person("bob", **QUIET, bootstrap=(await alice.address(),)) as bob,
        ):
            found = await answer(bob, GetValue, "colour")
            assert isinstance(found, ValueFound)
            assert (found.value, found.peers) == ("blue", 1)
            kept = [(await figures(one)).dht_values for one in (alice, bob)]
            assert kept == [{"ours": 1, "others": 0}, {"ours": 0, "others": 1}]

    run(scene())


def test_what_one_gives_up_makes_room_and_is_not_there_in_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "KAD_SENDER_WEIGHT", 2 * limits.KAD_VALUE_WEIGHT)

    async def scene() -> None:
        async with person("alice", **kept_in(tmp_path)) as alice:
            await answer(alice, PutValue, "colour", "blue")
            refused = await answer(alice, PutValue, "size", "large")
            assert (refused.failed, "as 1 of yours are kept" in refused.text) == (True, True)
            given_up = [await answer(alice, ForgetValue, key) for key in ("colour", "size")]
            assert [one.failed for one in given_up] == [False, True]
            assert isinstance(await answer(alice, PutValue, "size", "large"), ValuePut)
            await alice.leave()
        async with person("alice", **kept_in(tmp_path)) as alice:
            given_up = [await answer(alice, ForgetValue, key) for key in ("colour", "size")]
            assert [one.failed for one in given_up] == [True, False]

    run(scene())


def test_who_is_overtaken_is_told_once_in_words_that_are_clean(tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            person("alice", **kept_in(tmp_path)) as alice,
            person("bob", **QUIET, bootstrap=(await alice.address(),)) as bob,
        ):
            await answer(alice, PutValue, "col\x1b[31mour", "blue")
            for value in ("red", "green"):
                put = await answer(bob, PutValue, "col\x1b[31mour", value)
                assert (put.peers, put.asked) == (1, 1)
            found = await answer(alice, GetValue, "col\x1b[31mour")
            assert found.value == "green"
            said = [event.text for event in alice.events if isinstance(event, Notice)]
            assert [text for text in said if "DHT" in text] == [
                "Somebody has put a later value of colour into the DHT; yours is given up"
            ]

    run(scene())


def test_a_file_that_cannot_be_understood_is_moved_aside_and_that_is_told(tmp_path: Path) -> None:
    async def scene() -> None:
        (tmp_path / "dht.sqlite").write_bytes(b"no database")
        async with person("alice", **kept_in(tmp_path)) as alice:
            await alice.see(
                Notice, lambda notice: notice.text.endswith("it is dht.sqlite.broken now, and a new one is begun")
            )
            await answer(alice, PutValue, "colour", "blue")

    run(scene())


def test_without_a_key_of_ones_own_nothing_is_written(tmp_path: Path) -> None:
    async def scene() -> None:
        async with person("alice", **(kept_in(tmp_path) | {"identity": None})) as alice:
            await answer(alice, PutValue, "colour", "blue")
        assert not (tmp_path / "dht.sqlite").exists()

    run(scene())
