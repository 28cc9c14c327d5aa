"""Files by name, between real nodes on loopback: who provides them is found in the DHT, and whoever lies about them."""

from __future__ import annotations

import math
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.core.by_name import announcement_key, file_id
from py_peer.core.cbor import array_head, encode_text, numbers
from py_peer.core.dht_events import LookupFailed
from py_peer.core.events import Answer, Notice
from py_peer.core.file_events import (
    FileProvided,
    FileServed,
    FilesReport,
    TransferDone,
    TransferFailed,
    TransferStarted,
)
from py_peer.core.findings import Finding, Source
from py_peer.core.kademlia import Contact
from py_peer.core.records import RecordRefusedError
from py_peer.core.requests import CancelTransfer, FetchFile, ProvideFile, RequestFiles, UnshareFile
from py_peer.core.settings import Settings, Transports
from py_peer.net.dial import DialError, NotNowError
from py_peer.net.file_messages import FILE_EXCHANGE
from py_peer.net.kademlia import Providers, kademlia
from py_peer.net.named_files import NAMED_FILE
from py_peer.service import shared
from py_peer.service.first_to_answer import Begun, Way, Ways
from py_peer.service.jobs import Fetched, FetchError
from py_peer.service.sources import Sources
from tests.loops import run
from tests.net.support import dial_address, trio_test, until
from tests.service.file_friends import PIECE, Friend, failures, falsify, friend, received, write
from tests.service.support import Person, person
from tests.service.test_data import network

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from libp2p.abc import INetStream

    from py_peer.core.file_events import SharedFile
    from py_peer.core.requests import Request
    from py_peer.net.connections import PeerRecord
    from py_peer.net.kademlia import Kademlia

    Says = Callable[[INetStream], Awaitable[None]]

NAME = "summer photo"
SIZE = 3 * PIECE + 1


# --- Whole services -------------------------------------------------------------------------------


async def provide(one: Person, path: Path, name: str) -> FileProvided:
    ticket = one.ask(lambda ticket: ProvideFile(ticket, str(path), name))
    return await one.see(FileProvided, lambda event: event.ticket == ticket)


def test_what_one_of_five_provides_another_gets_who_knows_its_name_alone(tmp_path: Path) -> None:
    async def scene() -> None:
        async with network(5) as (a, _, _, _, e):
            path = write(tmp_path / "photo.png", SIZE)
            provided = await provide(a, path, NAME)
            assert (provided.name, provided.peers) == (NAME, provided.asked)
            assert provided.asked > 0
            file: SharedFile = provided.file
            assert (file.provided, file.offered, file.remark) == (NAME, False, "")
            ticket = e.ask(lambda ticket: FetchFile(ticket, NAME, str(tmp_path / "e.png"), file.root))
            assert (await e.see(TransferStarted)).ticket == ticket
            done = await e.see(TransferDone)
            assert (done.path, done.verified, done.size) == (str(tmp_path / "e.png"), True, SIZE)
            assert (tmp_path / "e.png").read_bytes() == path.read_bytes()
            assert (await a.see(FileServed)).reason == ""

            a.ask(lambda ticket: UnshareFile(ticket, NAME))
            await a.see(Answer)
            again = a.ask(RequestFiles)
            assert (await a.see(FilesReport, lambda event: event.ticket == again)).shared == ()

    run(scene())


def test_what_is_asked_for_before_there_is_a_node_is_done_when_there_is_one(tmp_path: Path) -> None:
    async def scene() -> None:
        async with network(1) as (a,):
            await provide(a, write(tmp_path / "photo.png", SIZE), NAME)
            wishes = Settings("b", Transports(loopback=True), bootstrap=(await a.address(),), intro=False)
            b = Person(wishes)
            b.ask(lambda ticket: FetchFile(ticket, NAME, str(tmp_path / "b.png")))
            b.ask(lambda ticket: ProvideFile(ticket, str(tmp_path / "photo.png"), "other"))
            b.service.start()
            await b.see(TransferDone)
            assert (await b.see(FileProvided)).asked == 1
            await b.leave()

    run(scene())


def test_what_cannot_be_provided_or_fetched_is_told(tmp_path: Path) -> None:
    async def scene() -> None:
        async with network(2) as (a, b), person("c", intro=False, loopback=True) as c:
            ticket = b.ask(lambda ticket: FetchFile(ticket, "nothing", str(tmp_path)))
            missing = await b.see(LookupFailed)
            assert (missing.ticket, missing.key, missing.asked) == (ticket, "nothing", 1)
            here, long = str(tmp_path), "x" * 256
            told: list[tuple[Person, Request, str]] = [
                (a, ProvideFile(1, f"{here}/missing", "it"), f"provided: {here}/missing: No such file"),
                (a, ProvideFile(2, here, "it"), f"provided: {here}: it is a folder"),
                (a, ProvideFile(3, here, "a\nb"), f"provided: {here}: a name has no control characters"),
                (b, FetchFile(2, long), f"fetched: {long[:119]}…: a name has at most 255 bytes"),
                (b, FetchFile(3, "it", "", "abc"), "fetched: it: a tree hash is 64 hexadecimal digits"),
                (c, FetchFile(1, "it"), "fetched: it: Kademlia"),
                (c, ProvideFile(2, here, "it"), f"provided: {here}: Kademlia"),
            ]
            for one, request, text in told:
                assert one.service.request(request)
                answer = await one.see(Answer, lambda event, request=request: event.ticket == request.ticket)  # type: ignore[misc]
                assert answer.failed
                assert answer.text.startswith(f"Not {text}"), answer.text

    run(scene())


# --- Nodes whose bytes are ours to falsify --------------------------------------------------------


@asynccontextmanager
async def dht_friend(name: str, folder: Path, **more: Any) -> AsyncIterator[tuple[Friend, Kademlia]]:
    """Run a node with files that takes part in the DHT."""
    async with friend(name, folder, kademlia=True, **more) as one:

        async def reach(finding: Finding) -> object:
            if not finding.addresses:
                raise DialError("nobody has told where it is")
            return await one.node.dial(replace(finding.addresses[0], peer_id=finding.peer_id))

        async with kademlia(one.node, reach) as dht:

            def identified(record: PeerRecord) -> None:
                one.files.identified(record)
                dht.identified(record)

            async def somebody_to_ask() -> Kademlia:
                await until(lambda: dht.table)
                return dht

            one.seen.identify = identified
            one.files.know_dht(somebody_to_ask, reach)
            yield one, dht


@asynccontextmanager
async def town(folder: Path, *names: str, **says: Says) -> AsyncIterator[dict[str, tuple[Friend, Kademlia]]]:
    """Run friends, all of whom know the first.

    Those of `says` serve nothing but what they say to who asks by name; as to what they have, they are silent.
    """
    async with AsyncExitStack() as stack:
        people: dict[str, tuple[Friend, Kademlia]] = {}
        for name in (*names, *says):
            streams = {"streams": {NAMED_FILE: says[name], FILE_EXCHANGE: silence}} if name in says else {}
            people[name] = await stack.enter_async_context(dht_friend(name, folder, **streams))
            if name != names[0]:
                await people[name][0].meet(people[names[0]][0])
        yield people


async def provided(one: Friend, path: Path) -> SharedFile:
    ticket = one.ask(lambda ticket: ProvideFile(ticket, str(path), NAME))
    return (await one.see(FileProvided, lambda event: event.ticket == ticket)).file


async def fetched(one: Friend, wanted: bytes, root: str = "") -> TransferDone:
    """Fetch it, and see that it is the one that is wanted."""
    one.ask(lambda ticket: FetchFile(ticket, NAME, "", root))
    await until(lambda: one.told(TransferDone) or one.told(TransferFailed) or failures(one))
    assert (one.told(TransferFailed), failures(one)) == ([], [])
    (done,) = one.told(TransferDone)
    assert (one.folder / NAME).read_bytes() == wanted
    assert one.made() == [NAME]  # and no part of what others have sent
    return done


async def not_fetched(one: Friend, root: str = "") -> str:
    one.ask(lambda ticket: FetchFile(ticket, NAME, "", root))
    await until(lambda: one.told(TransferFailed) or failures(one))
    assert one.made() == []
    return failures(one)[0] if failures(one) else one.told(TransferFailed)[0].reason


async def wrong_bytes(stream: INetStream) -> None:
    await stream.read()
    await stream.write(array_head(5) + numbers(memoryview(b"wrong")))
    await stream.close()


async def endless_bytes(stream: INetStream) -> None:
    await stream.read()
    await stream.write(b"\x9f")
    with suppress(Exception):
        while True:
            await stream.write(bytes(65_536))


async def silence(stream: INetStream) -> None:
    del stream
    await trio.sleep_forever()


class Turns:
    """Have a server say which files it has, and send nothing of them before something has happened."""

    def __init__(self, wait: Callable[[], Awaitable[None]]) -> None:
        self._wait = wait

    @asynccontextmanager
    async def turn(self, _: ID) -> AsyncIterator[None]:
        await self._wait()
        yield


async def original(stream: INetStream) -> None:
    """Answer as a program does that knows no more than names."""
    assert await stream.read() == encode_text(NAME)
    await stream.write(array_head(6) + numbers(memoryview(b"honest")))
    await stream.close()


@trio_test
async def test_who_sends_wrong_pieces_loses_to_one_who_has_the_same_file(tmp_path: Path) -> None:
    async with town(tmp_path, "hub", "ann", "liar", "bob") as people:
        ann, liar, bob = (people[name][0] for name in ("ann", "liar", "bob"))
        file = await provided(ann, write(tmp_path / "photo", SIZE))
        copy = tmp_path / "copy"
        copy.write_bytes((tmp_path / "photo").read_bytes())
        assert (await provided(liar, copy)).root == file.root
        falsify(copy, PIECE)
        wrong = bob.node.counters
        ann.files._shared.turns = Turns(lambda: until(lambda: wrong["files: a source failed, WrongHashError"]))  # type: ignore[assignment]
        done = await fetched(bob, (tmp_path / "photo").read_bytes())
        assert done.verified
        assert bob.node.counters["files: a source failed, WrongHashError"] == 1
        assert "2 peer(s) provide summer photo" in [event.text for event in bob.told(Notice)]


@trio_test
async def test_who_alone_provides_it_and_lies_is_told_by_the_hash(tmp_path: Path) -> None:
    async with town(tmp_path, "hub", "liar", "bob") as people:
        liar, bob = people["liar"][0], people["bob"][0]
        await provided(liar, write(tmp_path / "photo", SIZE))
        falsify(tmp_path / "photo", 2 * PIECE)
        bob.ask(lambda ticket: FetchFile(ticket, NAME))
        failed = await bob.see(TransferFailed)
        assert failed.wrong_hash
        assert (failed.wanted, failed.kept > 0) == (NAME, True)
        assert "is not what its hash stands for" in failed.reason


@trio_test
async def test_what_most_provide_is_fetched_and_another_by_its_hash(tmp_path: Path) -> None:
    async with town(tmp_path, "hub", "ann", "ada", "abe", "bob", "ben") as people:
        bodies = {"ann": b"one", "ada": b"two", "abe": b"one"}
        roots = {}
        for name, body in bodies.items():
            (tmp_path / f"of {name}").write_bytes(body)
            roots[body] = (await provided(people[name][0], tmp_path / f"of {name}")).root
        await fetched(people["bob"][0], b"one")
        (notice,) = [event.text for event in people["bob"][0].told(Notice)]
        files = "they have 2 different files, of which that of 2 of them is asked for first"
        assert notice == f"3 peer(s) provide summer photo; {files}"
        await fetched(people["ben"][0], b"two", roots[b"two"].upper())
        nobody = await not_fetched(people["hub"][0], "00" * 32)
        assert nobody == "none of those who provide it has the file of that hash"
        assert people["hub"][0].told(TransferFailed)[0].wrong_hash


@trio_test
async def test_who_makes_up_providers_hides_nobody_of_whom_others_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town(tmp_path, "crook", "ann", "bob") as people:
        (_, crook), (ann, _), (bob, dht) = people["crook"], people["ann"], people["bob"]
        nowhere = (Multiaddr("/ip4/127.0.0.1/tcp/9").to_bytes(),)
        ids = [ID.from_pubkey(create_new_key_pair().public_key).to_bytes() for _ in range(100)]
        false = [Contact(one, nowhere, "127.0.0.1") for one in ids]
        monkeypatch.setattr(crook.server.providers, "of", lambda *_: list(false))  # and they come before hers
        await provided(ann, write(tmp_path / "photo", SIZE))
        found = await dht.find_providers(NAME.encode(), lambda _: None)
        assert ann.id.to_bytes() in found.peers
        assert len(found.peers) > 50
        told = [Finding(str(ID(one)), (), Source.KADEMLIA, "crook") for one in (*ids, ids[0])]
        told.append(Finding(str(ann.id), (), Source.KADEMLIA, str(ann.id)))  # whatever the order of the answers was

        async def find_providers(_: bytes, take: Callable[[Finding], None]) -> Providers:
            for one in told:
                take(one)
            return Providers((b"?",), 2)

        monkeypatch.setattr(dht, "find_providers", find_providers)
        await fetched(bob, (tmp_path / "photo").read_bytes())
        assert f"{limits.PROVIDERS_ASKED} peer(s) provide {NAME}" in bob.told(Notice)[0].text


@trio_test
async def test_a_provider_is_dialled_where_the_first_says_who_is_right() -> None:
    dialled: list[Finding] = []

    async def look_up(finding: Finding) -> None:
        dialled.append(finding)
        if not finding.teller:
            raise DialError("it is not here")

    sources = Sources()
    sources.look_up = look_up
    wrong, right = (Finding(str(ID(b"ann")), (), Source.KADEMLIA, teller) for teller in ("", "honest"))
    sources.told(str(ID(b"ann")), [wrong, right, right])
    await sources.reach(str(ID(b"ann")))
    assert dialled == [wrong, right]


@trio_test
async def test_who_says_what_he_has_comes_before_those_who_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DESCRIBE_SECONDS", 1.0)
    async with town(tmp_path, "hub", "ann", "bob", liar=wrong_bytes) as people:
        await people["liar"][1].provide(NAME.encode())
        await provided(people["ann"][0], write(tmp_path / "photo", SIZE))
        bob = people["bob"][0]
        assert (await fetched(bob, (tmp_path / "photo").read_bytes())).verified
        assert "2 peer(s) provide summer photo; what 1 of them would send cannot be verified" in [
            event.text for event in bob.told(Notice)
        ]


@trio_test
async def test_of_those_who_say_nothing_each_is_tried_until_one_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DESCRIBE_SECONDS", 1.0)
    liars = {"endless": endless_bytes, "silent": silence, "mute": silence, "deaf": silence}
    async with town(tmp_path, "hub", "bob", **liars, honest=original) as people:
        for name in (*liars, "honest"):
            await people[name][1].provide(NAME.encode())
        assert not (await fetched(people["bob"][0], b"honest")).verified


@trio_test
async def test_who_announces_a_file_and_sends_no_hashes_of_it_holds_up_nobody(tmp_path: Path) -> None:
    async with town(tmp_path, "hub", "mute", "deaf", "ann", "bob") as people:
        (tmp_path / "other").write_bytes(b"other")
        for name in ("mute", "deaf"):
            await provided(people[name][0], tmp_path / "other")
            people[name][0].files._shared.turns = Turns(trio.sleep_forever)  # type: ignore[assignment]
        await provided(people["ann"][0], write(tmp_path / "photo", SIZE))
        await fetched(people["bob"][0], (tmp_path / "photo").read_bytes())


@trio_test
async def test_who_was_silent_once_is_asked_again_when_nobody_else_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    done = Fetched(Path("photo"))

    def way(name: str, seconds: float, failure: str = "") -> Way:
        async def take() -> Fetched:
            return done

        async def begin() -> Begun:
            asked.append(name)
            await trio.sleep(seconds)
            if failure:
                raise FetchError(failure)
            return Begun(take)

        return Way(name, begin, 0.0)

    failures: list[FetchError] = []
    ways = Ways([way("slow", 0.5), way("silent", math.inf), way("liar", 0.0, "no")])
    assert await ways.first(0.1, 1.0, failures) is None
    found = await ways.first(0.1, 5.0, failures)
    assert found is not None
    assert await found[1].take() is done
    assert asked[:3] == ["slow", "silent", "liar"]
    assert sorted(asked[3:]) == ["silent", "slow"]  # they were given up at one moment
    assert sorted(map(str, failures)) == [
        "no",
        "silent gave no answer within 0 seconds",
        "slow gave no answer within 0 seconds",
    ]


@trio_test
async def test_with_a_hash_those_who_say_nothing_are_held_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DESCRIBE_SECONDS", 1.0)
    liars = {"wrong": wrong_bytes, "other": wrong_bytes}
    (tmp_path / "photo").write_bytes(b"honest")
    async with town(tmp_path, "hub", "bob", **liars, honest=original) as people:
        hub, bob = people["hub"][0], people["bob"][0]
        root = (await provided(hub, tmp_path / "photo")).root
        hub.ask(lambda ticket: UnshareFile(ticket, NAME))
        for name in (*liars, "honest"):
            await people[name][1].provide(NAME.encode())
        assert (await fetched(bob, b"honest", root)).verified


@trio_test
async def test_an_announcement_stands_in_the_dht_and_nobody_can_make_one_for_another(tmp_path: Path) -> None:
    async with town(tmp_path, "hub", "ann", "bob") as people:
        (ann, _), (bob, dht) = people["ann"], people["bob"]
        file = await provided(ann, write(tmp_path / "photo", SIZE))
        key = announcement_key(NAME, str(ann.id))
        found = (await dht.get_value(key)).record
        assert found is not None
        assert bytes.fromhex(file.root) in found.value
        for other in (announcement_key(NAME, str(bob.id)), announcement_key("another", str(ann.id))):
            with pytest.raises(RecordRefusedError, match="a file "):
                await dht.put_value(other, found.value)
        assert file.file_id == file_id(NAME)


@trio_test
async def test_a_file_gets_the_name_that_was_asked_for_whatever_its_provider_calls_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "safe_name", lambda _: "evil.exe")
    async with town(tmp_path, "hub", "ann", "bob") as people:
        assert (await provided(people["ann"][0], write(tmp_path / "photo", SIZE))).name == "evil.exe"
        assert (await fetched(people["bob"][0], (tmp_path / "photo").read_bytes())).name == NAME


@trio_test
async def test_what_is_said_names_it_as_it_was_asked_for(tmp_path: Path) -> None:
    name = "../../etc/passwd"
    async with town(tmp_path, "hub", "ann", "bob") as people:
        ann, bob = (people[name][0] for name in ("ann", "bob"))
        ann.ask(lambda ticket: ProvideFile(ticket, str(write(tmp_path / "photo", 10)), name))
        await until(lambda: ann.told(FileProvided))
        bob.ask(lambda ticket: FetchFile(ticket, name, f"{tmp_path}/missing/x"))
        await until(lambda: failures(bob))
        assert f"1 peer(s) provide {name}" in [event.text for event in bob.told(Notice)]
        assert failures(bob) == [f"Not fetched: {name}: there is no folder {tmp_path}/missing"]


@trio_test
async def test_what_is_provided_anew_takes_the_place_of_what_was(tmp_path: Path) -> None:
    async with town(tmp_path, "hub", "ann", "bob") as people:
        ann, bob = people["ann"][0], people["bob"][0]
        old, new = write(tmp_path / "old", SIZE), write(tmp_path / "new", SIZE)
        first = await provided(ann, old)
        again = await provided(ann, old)
        assert again == first
        other = await provided(ann, new)
        assert (other.file_id, other.path) == (first.file_id, str(new))
        assert ann.files._shared.listing() == (other,)
        assert not ann.files._shared.offered()  # the room is not told
        await fetched(bob, new.read_bytes())


@trio_test
async def test_many_that_are_provided_at_once_are_no_more_than_others_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "KAD_STREAMS_PER_PEER", 4)
    monkeypatch.setattr(limits, "PROVIDED_PER_SECOND", 100.0)
    async with town(tmp_path, "hub", "ann") as people:
        (hub, _), (ann, _) = people["hub"], people["ann"]
        path = write(tmp_path / "photo", 1)
        count = 24
        for number in range(count):
            ann.ask(lambda ticket, name=str(number): ProvideFile(ticket, str(path), name))  # type: ignore[misc]
        await until(lambda: len(ann.told(FileProvided)) == count)
        assert {(event.peers, event.asked) for event in ann.told(FileProvided)} == {(1, 1)}
        assert not [name for name in hub.node.counters if "too many" in name]


@trio_test
async def test_what_is_withdrawn_is_not_given_though_it_is_still_written_down(tmp_path: Path) -> None:
    async with town(tmp_path, "hub", "ann", "bob") as people:
        (ann, dht), (bob, _) = people["ann"], people["bob"]
        await provided(ann, write(tmp_path / "photo", SIZE))
        assert dht.own_keys == {NAME.encode()}
        ann.ask(lambda ticket: UnshareFile(ticket, NAME))
        assert dht.own_keys == frozenset()
        reason = await not_fetched(bob)
        assert reason.endswith(" does not have it any more")


@trio_test
async def test_who_begins_to_provide_it_while_somebody_is_waited_for_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LOOK_AGAIN_SECONDS", 0.5)
    async with town(tmp_path, "hub", "ann", "bob") as people, dht_friend("abe", tmp_path) as (abe, _):
        (ann, _), (bob, dht) = people["ann"], people["bob"]
        path = write(tmp_path / "photo", 20 * PIECE)
        await provided(ann, path)
        abe.ask(lambda ticket: ProvideFile(ticket, str(path), NAME))  # where nobody is to be told
        await until(abe.files._shared.listing)
        told = [ann]

        async def find_providers(_: bytes, take: Callable[[Finding], None]) -> Providers:
            for one in told:
                take(Finding(str(one.id), (dial_address("127.0.0.1", one.node.port),), Source.KADEMLIA, "hub"))
            return Providers(tuple(one.id.to_bytes() for one in told), 1)

        monkeypatch.setattr(dht, "find_providers", find_providers)
        gate = ann.serve(5)
        bob.ask(lambda ticket: FetchFile(ticket, NAME))
        await until(lambda: received(bob) >= 8 * PIECE)
        await ann.part(bob)
        await bob.see(Notice, lambda event: "waiting up to 60 seconds" in event.text)
        ann.ask(lambda ticket: UnshareFile(ticket, NAME))
        gate.left = math.inf
        gate.opened.set()
        assert abe.id not in bob.node.peers.records
        told.append(abe)
        await bob.see(TransferDone)
        assert (bob.folder / NAME).read_bytes() == path.read_bytes()


@trio_test
async def test_a_dial_that_a_limit_of_our_own_forbids_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "COME_SECONDS", 0.01)
    monkeypatch.setattr(limits, "NOT_NOW_SECONDS", 0.05)
    answers: list[DialError] = [NotNowError("not now"), NotNowError("not now")]

    async def look_up(_: Finding) -> None:
        if answers:
            raise answers.pop(0)

    sources = Sources()
    sources.look_up = look_up
    ann = str(ID(b"ann"))
    sources.told(ann, [Finding(ann, (), Source.KADEMLIA, "hub")])
    assert str(await sources.reach(ann)) == ann
    answers += [NotNowError("not now")] * 1_000
    with pytest.raises(NotNowError):
        await sources.reach(ann)
    assert 900 < len(answers) < 1_000
    answers[:] = [DialError("nobody")]
    with pytest.raises(DialError, match="nobody"):
        await sources.reach(ann)


@trio_test
async def test_a_transfer_by_name_is_cancelled_and_goes_on(tmp_path: Path) -> None:
    async with town(tmp_path, "hub", "ann", "bob") as people:
        ann, bob = people["ann"][0], people["bob"][0]
        await provided(ann, write(tmp_path / "photo", 20 * PIECE))
        gate = ann.serve(5)
        bob.ask(lambda ticket: FetchFile(ticket, NAME))
        await until(lambda: received(bob) >= 8 * PIECE)
        bob.ask(lambda ticket: CancelTransfer(ticket, "1"))
        failed = await bob.see(TransferFailed)
        assert (failed.cancelled, failed.wanted) == (True, NAME)
        assert failed.kept >= 8 * PIECE
        gate.left = 99
        gate.opened.set()
        bob.ask(lambda ticket: FetchFile(ticket, NAME))
        started = (await until_seen(bob, 2)).transfer
        assert started.received == failed.kept
        await bob.see(TransferDone)
        assert (bob.folder / NAME).read_bytes() == (tmp_path / "photo").read_bytes()


async def until_seen(one: Friend, count: int) -> TransferStarted:
    await until(lambda: len(one.told(TransferStarted)) == count)
    return one.told(TransferStarted)[-1]
