"""An offer is told once, with all that is known of it, and a flood of offers costs others nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import AsyncMock, Mock

import pytest
import trio
import trio.testing
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID
from libp2p.pubsub.pb import rpc_pb2

from py_peer.core import limits
from py_peer.core.events import Answer, Event, Notice
from py_peer.core.file_events import FileOffered, FilesReport, TransferDone
from py_peer.core.requests import GetFile, RequestFiles, UnshareFile
from py_peer.net.counters import Counters
from py_peer.net.file_messages import FILE_EXCHANGE
from py_peer.net.sister_files import SISTER_FILE
from py_peer.service.offers import FILE_TOPIC, OfferBoard
from py_peer.service.sources import Sources
from tests.net.support import trio_test, until
from tests.service.file_friends import PIECE, Friend, friend, write
from tests.service.support import in_trio

if TYPE_CHECKING:
    from pathlib import Path

    from libp2p.abc import INetStream

FORWARDER = ID(b"forwarder")


def board() -> tuple[OfferBoard, list[Event]]:
    """Return a board without a network, and what it tells."""
    events: list[Event] = []
    return OfferBoard(Sources(), events.append), events


def said(data: bytes, author: ID) -> rpc_pb2.Message:
    return rpc_pb2.Message(from_id=author.to_bytes(), data=data, topicIDs=[FILE_TOPIC])


def somebody() -> ID:
    return ID.from_pubkey(create_new_key_pair().public_key)


def offered(one: Friend) -> list[str]:
    return [event.offer.file_id for event in one.told(FileOffered)]


# --- What is told ---------------------------------------------------------------------------------


@trio_test
async def test_a_file_that_is_shared_is_offered_with_its_name_and_size_and_once(tmp_path: Path) -> None:
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)
        file = await alice.share(write(tmp_path / "photo.png", PIECE + 1))
        event = await bob.see(FileOffered)
        offer = event.offer
        assert (offer.file_id, offer.peer_id, offer.nick) == (file.file_id, str(alice.id), "alice")
        assert (offer.name, offer.size, offer.media_type, offer.root) == (
            "photo.png",
            PIECE + 1,
            "image/png",
            file.root,
        )
        await alice.share(tmp_path / "photo.png")
        other = await alice.share(write(tmp_path / "other.png", 1))
        await bob.see(FileOffered, lambda event: event.offer.file_id == other.file_id)
        assert offered(bob) == [file.file_id, other.file_id]
        assert offered(alice) == []


@trio_test
async def test_who_comes_later_hears_of_the_files_of_py_peers_and_nobody_is_handed_old_offers(tmp_path: Path) -> None:
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        files = [await alice.share(write(tmp_path / f"{number}.txt", number)) for number in range(3)]
        async with friend("js", tmp_path, protocols=(SISTER_FILE,)) as js:
            await bob.meet(js)
            await js.share(write(tmp_path / "js.txt", 1))
            await bob.see(FileOffered)
            await alice.meet(bob)
            for file in files:
                event = await bob.see(FileOffered, lambda event, file=file: event.offer.file_id == file.file_id)  # type: ignore[misc]
                assert event.offer.name == file.name
            await js.share(write(tmp_path / "more.txt", 1))
            await until(lambda: len(offered(alice)) == 1)
        assert alice.node.counters["announcements"] == 1
        assert [event.offer.name for event in alice.told(FileOffered)] == [""]


@trio_test
async def test_a_file_that_has_changed_and_one_that_is_not_shared_any_more_are_forgotten(tmp_path: Path) -> None:
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)
        old, other = await alice.share(write(tmp_path / "a.txt", 1)), await alice.share(write(tmp_path / "b.txt", 1))
        await bob.listed(old)
        await bob.listed(other)
        alice.ask(lambda ticket: UnshareFile(ticket, "b.txt"))
        new = await alice.share(write(tmp_path / "a.txt", 2))
        await bob.listed(new)
        assert [offer.file_id for offer in bob.files._board.offers()] == [new.file_id]


@trio_test
async def test_what_waits_to_be_offered_is_known_with_the_next_offer_of_its_peer(tmp_path: Path) -> None:
    async with friend("alice", tmp_path) as alice, friend("bob", tmp_path) as bob:
        await bob.meet(alice)
        known = await alice.share(write(tmp_path / "a.txt", 1))
        await bob.listed(known)
        waiting = await alice.files._shared.share(write(tmp_path / "b.txt", 1))
        await alice.files._board.publish(alice.node, known.file_id)
        await until(lambda: offered(bob) == [known.file_id, waiting.file_id])


@trio_test
async def test_of_one_name_the_latest_is_meant_and_of_two_peers_it_is_said_whose_they_are(tmp_path: Path) -> None:
    async with (
        friend("alice", tmp_path) as alice,
        friend("bob", tmp_path) as bob,
        friend("carol", tmp_path) as carol,
    ):
        await bob.meet(alice, carol)
        (tmp_path / "sub").mkdir()
        await bob.listed(await alice.share(write(tmp_path / "a.txt", 1)))
        await bob.listed(await alice.share(write(tmp_path / "sub" / "a.txt", 2)))
        bob.ask(lambda ticket: GetFile(ticket, "a.txt", ""))
        assert (await bob.see(TransferDone)).size == 2
        await bob.listed(await carol.share(write(tmp_path / "a.txt", 3)))
        bob.ask(lambda ticket: GetFile(ticket, "a.txt", ""))
        text = bob.told(Answer)[-1].text
        assert "may be one of 2 files" in text
        assert "(a.txt of alice" in text
        assert "(a.txt of carol" in text


@trio_test
async def test_a_peer_in_another_language_is_told_of_without_a_name(tmp_path: Path) -> None:
    async with friend("bob", tmp_path) as bob, friend("js", tmp_path, protocols=(SISTER_FILE,)) as js:
        await bob.meet(js)
        file = await js.share(write(tmp_path / "a.txt", 1))
        offer = (await bob.see(FileOffered)).offer
        assert (offer.file_id, offer.name, offer.size, offer.root) == (file.file_id, "", None, "")


@trio_test
async def test_a_peer_that_does_not_say_what_it_offers_is_told_of_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DESCRIBE_SECONDS", 0.3)

    async def hang(_: INetStream) -> None:
        await trio.sleep_forever()

    async def garbage(stream: INetStream) -> None:
        await stream.write(b"\x05hello")
        await stream.close()

    for handler, strikes in ((hang, 0), (garbage, 2)):
        async with friend("bob", tmp_path) as bob, friend("m", tmp_path, streams={FILE_EXCHANGE: handler}) as mallory:
            await bob.meet(mallory)
            await mallory.files._board.publish(mallory.node, "someid")
            offer = (await bob.see(FileOffered)).offer
            assert (offer.file_id, offer.name) == ("someid", "")
            assert bob.node.counters["strikes"] in (strikes, strikes // 2)


@trio_test
async def test_an_offer_of_one_who_is_not_connected_gets_its_name_when_he_comes(tmp_path: Path) -> None:
    async with (
        friend("alice", tmp_path) as alice,
        friend("bob", tmp_path) as bob,
        friend("carol", tmp_path) as carol,
    ):
        await alice.meet(carol)
        await bob.meet(carol)
        file = await alice.share(write(tmp_path / "a.txt", 1))
        assert (await bob.see(FileOffered)).offer.name == ""
        await bob.meet(alice)
        await bob.listed(file)
        assert len(bob.told(FileOffered)) == 1


@trio_test
async def test_of_an_ignored_peer_nothing_is_told_and_it_is_passed_on(tmp_path: Path) -> None:
    async with (
        friend("alice", tmp_path) as alice,
        friend("bob", tmp_path) as bob,
        friend("carol", tmp_path) as carol,
    ):
        bob.ignored.add(str(alice.id))
        await bob.meet(alice)
        await carol.meet(bob)
        await alice.share(write(tmp_path / "a.txt", 1))
        await carol.see(FileOffered)
        bob.ask(RequestFiles)
        assert bob.told(FilesReport)[0].offers == ()
        assert offered(bob) == []


# --- What is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"\xff", b"x" * 129, b"a b", b"\x1b[2J"])
def test_what_cannot_be_an_id_is_dropped(data: bytes) -> None:
    async def scene() -> None:
        one, events = board()
        assert one.take(said(data, somebody()), FORWARDER).startswith("dropped: a file offer, the ID ")
        assert (events, one.offers(), sum(one.refused.values())) == ([], [], 1)

    in_trio(scene)


def test_who_offers_what_another_has_offered_is_passed_on_and_not_told() -> None:
    async def scene() -> None:
        one, events = board()
        alice, mallory = somebody(), somebody()
        assert one.take(said(b"one", alice), FORWARDER) == ""
        assert one.take(said(b"one", mallory), FORWARDER) == ""
        assert [offer.peer_id for offer in one.offers()] == [str(alice)]
        assert len(events) == 1

    in_trio(scene)


def test_a_flood_of_offers_is_summed_up() -> None:
    async def scene() -> None:
        one, events = board()
        node = Mock(peers=Mock(records={}), counters=Counters())
        node.pubsub.subscribe = AsyncMock()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one.run, node)
            await trio.sleep(1)
            for mallory in [somebody() for _ in range(100)]:
                for number in range(10):
                    one.take(said(f"{mallory}{number}".encode(), mallory), FORWARDER)
            told = [event for event in events if isinstance(event, FileOffered)]
            assert len(told) == limits.OFFERS_TOLD_BURST
            await trio.sleep(limits.FINDINGS_SUMMED_SECONDS)
            notices = [event.text for event in events if isinstance(event, Notice)]
            assert notices == [f"{1_000 - len(told)} more files were offered; /files lists them"]
            assert len(one.offers()) == limits.OFFERS
            nursery.cancel_scope.cancel()

    in_trio(scene)


def test_what_one_offers_too_fast_is_dropped_and_not_passed_on() -> None:
    async def scene() -> None:
        one, _ = board()
        mallory = somebody()
        answers = [one.take(said(b"id%d" % number, mallory), FORWARDER) for number in range(limits.OFFER_BURST + 1)]
        assert answers == [*[""] * limits.OFFER_BURST, "dropped: a file offer, too many of one peer at once"]

    in_trio(scene)


def test_own_offers_are_made_no_faster_than_others_take_them_and_who_waits_is_told() -> None:
    async def scene() -> None:
        mine, events = board()
        theirs, _ = board()
        author = somebody()
        node = Mock(peers=Mock(records={}), counters=Counters())
        node.pubsub.subscribe = AsyncMock()
        refused: list[str] = []

        async def publish(_topic: str, data: bytes) -> None:
            refused.extend(filter(None, [theirs.take(said(data, author), FORWARDER)]))

        node.pubsub.publish = publish
        gone: set[str] = set()
        mine.is_shared = lambda file_id: file_id not in gone
        async with trio.open_nursery() as nursery:
            nursery.start_soon(mine.run, node)
            for number in range(limits.SHARED_FILES):
                mine.offer(f"id{number}")
            await trio.sleep(1)
            assert len(theirs.offers()) == limits.OWN_OFFER_BURST
            gone.add("id100")
            await trio.sleep(limits.SHARED_FILES / limits.OFFER_RATE)
            assert refused == []
            assert len(theirs.offers()) == limits.SHARED_FILES - 1
            assert [event.text for event in events if isinstance(event, Notice)] == [
                "Many files at once: the others are offered every 5 seconds",
                "All files that you share are offered now",
            ]
            nursery.cancel_scope.cancel()

    in_trio(scene)


def test_who_comes_when_all_ends_is_asked_nothing() -> None:
    async def scene() -> None:
        offers, _ = board()
        offers._sources = Mock(speaks=lambda _: True, is_here=lambda _: True)
        node = Mock(pubsub=Mock(subscribe=AsyncMock()), peers=Mock(records={}))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(offers.run, node)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        offers.identified(somebody())

    in_trio(scene)


def test_newcomers_are_handed_nothing() -> None:
    async def scene() -> None:
        one, _ = board()
        one.take(said(b"one", somebody()), FORWARDER)
        one.keep(said(b"two", somebody()))
        assert list(one.kept()) == []

    in_trio(scene)
