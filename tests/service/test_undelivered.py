"""Direct messages to who is away: kept, in order, delivered once, and given up after a day."""

from __future__ import annotations

import os
import stat
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.addresses import short_id
from py_peer.core.direct_events import DirectReceived, DirectRefused, DirectSent, DirectWaiting
from py_peer.core.events import Notice, PeerConnected, Started
from py_peer.core.letters import Letter, LetterFile
from py_peer.core.requests import Connect, SendDirect
from py_peer.core.settings import Settings
from py_peer.net.dial import DialError
from py_peer.net.direct import DIRECT, Metadata, Request, Response, send
from py_peer.net.identity import new_identity
from py_peer.net.private_files import take_lock
from py_peer.service import undelivered
from py_peer.service.delivering import NOT_SPOKEN
from py_peer.service.direct import Direct
from py_peer.service.floods import Floods
from py_peer.service.undelivered import FILE, Undelivered
from tests.loops import run
from tests.net.raw_peer import IDENTIFY_PROTOCOL, RawStream, raw_peer
from tests.net.support import Member, member, trio_test, until
from tests.service.support import person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from libp2p.crypto.keys import KeyPair

    from py_peer.core.events import Event
    from tests.net.raw_peer import Handlers

    E = TypeVar("E", bound=Event)

BOB, EVE = (new_identity().peer_id for _ in range(2))
NOWHERE = "it is not connected: nobody has told where it is"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return what is added to the clock, in ms, by those who read it."""
    offset = [0]
    wall = undelivered.wall
    for module in ("delivering", "direct", "undelivered"):
        monkeypatch.setattr(f"py_peer.service.{module}.wall", lambda: wall() + offset[0])
    return offset


class Writer:
    """Somebody who writes direct messages, on a node of the net alone."""

    def __init__(self, one: Member, folder: Path | None, settings: dict[str, Any]) -> None:
        self.one = one
        self.events: list[Event] = []
        self.direct = Direct(Settings("alice", data=folder, **settings), str(one.id), self.events.append)
        self.tickets = 0
        self.calls: list[str] = []
        self.direct.deliveries.call = self._call

    async def _call(self, peer_id: str) -> None:
        self.calls.append(peer_id)
        msg = "nobody has told where it is"
        raise DialError(msg)

    def write(self, peer_id: str | ID, text: str = "hello") -> int:
        self.tickets += 1
        self.direct.handlers[SendDirect](SendDirect(self.tickets, str(peer_id), text))
        return self.tickets

    def told(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def see(self, kind: type[E], count: int = 1) -> list[E]:
        await until(lambda: len(self.told(kind)) >= count)
        return self.told(kind)


@asynccontextmanager
async def writer(folder: Path | None = None, key_pair: KeyPair | None = None, **settings: Any) -> AsyncIterator[Writer]:
    async with member(loopback=True, key_pair=key_pair) as one:
        someone = Writer(one, folder, settings)
        direct, noted = someone.direct, one.seen.identified

        def identified(record: Any) -> None:
            noted(record)
            direct.identified(record)

        one.seen.moved, one.seen.identified = direct.moved, identified  # type: ignore[method-assign]
        host: Any = one.node.host
        for protocol, handler in direct.streams.items():
            host.set_stream_handler(protocol, handler)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(direct.run, one.node)
            yield someone
            nursery.cancel_scope.cancel()


def kept(folder: Path, own: Member | str) -> list[str]:
    """Return the texts that the file of a folder keeps."""
    file = folder / FILE
    peer_id = own if isinstance(own, str) else str(own.id)
    data = file.read_bytes() if file.exists() else None
    return [letter.text for letter in LetterFile(data, peer_id, undelivered.wall()).letters()]


def keep(folder: Path, own: str, *letters: Letter) -> None:
    """Write a file as an earlier run has left it."""
    file = LetterFile(None, own, undelivered.wall())
    file.change(added=letters, removed=())
    (folder / FILE).write_bytes(file.write())


# --- Away and back --------------------------------------------------------------------------------


@trio_test
async def test_what_waits_is_told_once_kept_and_delivered_in_order_when_the_peer_is_back(tmp_path: Path) -> None:
    bobs_key = create_new_key_pair()
    bob_id = ID.from_pubkey(bobs_key.public_key)
    async with writer(tmp_path / "data") as alice:
        texts = [f"text {number}" for number in range(20)]
        for text in texts:
            alice.write(bob_id, text)
        waiting = await alice.see(DirectWaiting, 20)
        assert [(one.ticket, one.text, one.reason, one.waiting) for one in waiting] == [
            (number, f"text {number - 1}", NOWHERE, number) for number in range(1, 21)
        ]
        await until(lambda: kept(tmp_path / "data", alice.one) == texts)
        if os.name == "posix":
            assert stat.S_IMODE((tmp_path / "data" / FILE).stat().st_mode) == 0o600
        async with writer(key_pair=bobs_key) as bob:
            await alice.one.node.dial(bob.one.address)
            sent = await alice.see(DirectSent, 20)
            assert [(one.ticket, one.text) for one in sent] == list(zip(range(1, 21), texts, strict=True))
            assert all(one.waited > 0 for one in sent)
            assert [one.text for one in bob.told(DirectReceived)] == texts
            await until(lambda: not (tmp_path / "data" / FILE).exists())
        assert len(alice.told(DirectWaiting)) == 20


@trio_test
async def test_a_text_that_is_confirmed_at_once_never_touches_the_disk(tmp_path: Path) -> None:
    async with writer(tmp_path / "data") as alice, writer() as bob:
        await alice.one.dial(bob.one)
        alice.write(bob.one.id)
        (sent,) = await alice.see(DirectSent)
        assert sent.waited == 0
        assert not alice.told(DirectWaiting)
    assert not (tmp_path / "data").exists()


@trio_test
async def test_what_waits_is_delivered_by_the_next_run(tmp_path: Path) -> None:
    alices_key, bobs_key = create_new_key_pair(), create_new_key_pair()
    bob_id = ID.from_pubkey(bobs_key.public_key)
    async with writer(tmp_path, alices_key) as alice:
        alice.write(bob_id, "one")
        alice.write(bob_id, "two")
        await alice.see(DirectWaiting, 2)
    assert kept(tmp_path, alice.one) == ["one", "two"]
    async with writer(tmp_path, alices_key) as alice, writer(key_pair=bobs_key) as bob:
        (notice,) = await alice.see(Notice)
        assert (
            notice.text
            == f"2 direct messages wait from an earlier run: 2 for {str(bob_id)[-8:]}; sent when the peer is here"
        )
        alice.write(bob_id, "three")
        await alice.one.node.dial(bob.one.address)
        sent = await alice.see(DirectSent, 3)
        assert [(one.ticket, one.text) for one in sent] == [(0, "one"), (0, "two"), (1, "three")]
        assert [one.text for one in bob.told(DirectReceived)] == ["one", "two", "three"]
        await until(lambda: not (tmp_path / FILE).exists())
        assert [one.ticket for one in alice.told(DirectWaiting)] == [1]


@trio_test
async def test_who_does_not_answer_is_tried_again_while_he_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DIRECT_SECONDS", 0.2)
    monkeypatch.setattr(limits, "DIRECT_PAUSE", 0.1)
    asked: list[Any] = []

    async def deaf_at_first(stream: RawStream) -> None:
        asked.append(Request.FromString(await stream.read_frame()))
        if len(asked) > 2:
            await stream.write_frame(bytes(Response(metadata=Metadata(), status=200).SerializeToString()))

    async with writer() as alice, raw_peer(alice.one.port, handlers={DIRECT: deaf_at_first}) as bob:
        await until(lambda: bob.id in alice.one.node.peers.records)
        alice.write(bob.id)
        (waiting,) = await alice.see(DirectWaiting)
        assert waiting.reason == "it has not confirmed within 0 seconds; it is kept for this run alone"
        await alice.see(DirectSent)
        assert len(asked) == 3
        assert len({one.metadata.timestamp for one in asked}) == 1
        assert len(alice.told(DirectWaiting)) == 1


@trio_test
async def test_what_comes_again_because_its_confirmation_was_lost_is_confirmed_and_not_shown_again() -> None:
    async with writer() as bob, member(loopback=True) as alice:
        await alice.dial(bob.one)
        for _ in range(3):
            await send(alice.node.host, bob.one.id, "hello", 1_700_000_000_000)
        await send(alice.node.host, bob.one.id, "hello", 1_700_000_000_001)
        assert [one.text for one in bob.told(DirectReceived)] == ["hello", "hello"]
        assert bob.one.counts("ignored: direct messages that came again") == [2]
        for _ in range(2):  # one without a time is never taken for another
            await send(alice.node.host, bob.one.id, "ok", 0)
        assert len(bob.told(DirectReceived)) == 4


@trio_test
async def test_the_same_text_written_twice_in_one_moment_arrives_twice() -> None:
    async with writer() as alice, writer() as bob:
        await alice.one.dial(bob.one)
        for _ in range(5):
            alice.write(bob.one.id, "ha")
        await alice.see(DirectSent, 5)
        assert len(bob.told(DirectReceived)) == 5


@trio_test
async def test_a_peer_is_dialled_when_something_is_written_to_it_and_then_with_growing_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "DIRECT_PAUSE", 0.02)
    monkeypatch.setattr(limits, "DIRECT_PAUSE_LONGEST", 0.08)
    async with writer() as alice:
        alice.write(BOB)
        began = trio.current_time()
        await until(lambda: len(alice.calls) >= 6)
        assert trio.current_time() - began >= 0.02 + 0.04 + 3 * 0.08
        assert set(alice.calls) == {BOB}


@trio_test
async def test_who_comes_while_he_is_dialled_in_vain_is_not_kept_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("py_peer.service.delivering.GRACE", 0.05)

    async def dial_for_ever(_: str) -> None:
        await trio.sleep_forever()

    async with writer() as alice, writer() as bob:
        alice.direct.deliveries.call = dial_for_ever
        alice.write(bob.one.id)
        (waiting,) = await alice.see(DirectWaiting)
        assert waiting.reason.startswith("it is not connected; it is being dialled")
        await bob.one.node.dial(alice.one.address)
        await alice.see(DirectSent)


@trio_test
async def test_who_got_a_message_of_an_earlier_run_is_no_stranger(tmp_path: Path) -> None:
    key_pair = create_new_key_pair()
    async with writer() as bob:
        keep(tmp_path, str(ID.from_pubkey(key_pair.public_key)), Letter(str(bob.one.id), "hello", undelivered.wall()))
        async with writer(tmp_path, key_pair) as alice:
            await alice.one.node.dial(bob.one.address)
            await alice.see(DirectSent)
            bob.write(alice.one.id, "hello yourself")
            assert not (await alice.see(DirectReceived))[0].stranger


# --- Not delivered --------------------------------------------------------------------------------


@trio_test
async def test_what_waits_is_given_up_after_a_day(
    tmp_path: Path, clock: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DIRECT_PAUSE", 0.02)
    monkeypatch.setattr(limits, "DIRECT_PAUSE_LONGEST", 0.02)
    async with writer(tmp_path) as alice:
        alice.write(BOB, "old")
        await alice.see(DirectWaiting)
        await until(lambda: kept(tmp_path, alice.one) == ["old"])
        clock[0] = 23 * 3_600_000
        alice.write(BOB, "young")
        await alice.see(DirectWaiting, 2)
        tried = len(alice.calls)
        await until(lambda: len(alice.calls) >= tried + 2)
        assert not alice.told(DirectRefused)
        clock[0] = 24 * 3_600_000
        (given_up,) = await alice.see(DirectRefused)
        assert (given_up.ticket, given_up.text) == (1, "old")
        assert given_up.reason == "it was not delivered within 24 hours, and is given up"
        await until(lambda: kept(tmp_path, alice.one) == ["young"])


@trio_test
async def test_what_became_too_old_between_two_runs_is_given_up_at_the_start(tmp_path: Path) -> None:
    key_pair = create_new_key_pair()
    own, now = str(ID.from_pubkey(key_pair.public_key)), undelivered.wall()
    keep(tmp_path, own, Letter(BOB, "old", now - 25 * 3_600_000), Letter(EVE, "young", now - 3_600_000))
    async with writer(tmp_path, key_pair) as alice:
        (given_up,) = await alice.see(DirectRefused)
        assert (given_up.ticket, given_up.peer_id, given_up.text) == (0, BOB, "old")
        assert "1 direct message waits" in (await alice.see(Notice))[0].text
        await until(lambda: kept(tmp_path, alice.one) == ["young"])


@trio_test
async def test_a_peer_that_knows_no_direct_messages_is_named_as_that_at_once(tmp_path: Path) -> None:
    async def identify(stream: RawStream) -> None:
        await stream.write_frame(Identify(protocols=["/meshsub/1.1.0"]).SerializeToString())
        await stream.finish()

    async with (
        writer(tmp_path) as alice,
        raw_peer(alice.one.port) as shy,
        raw_peer(alice.one.port, handlers={IDENTIFY_PROTOCOL: identify}) as frank,
    ):
        for peer in (shy, frank):
            await until(lambda: peer.id in alice.one.node.peers.records)  # noqa: B023
        await until(lambda: alice.one.seen.count("identified"))
        for peer in (shy, frank):
            alice.write(peer.id, "one")
            alice.write(peer.id, "two")
        refusals = await alice.see(DirectRefused, 4)
        assert {one.reason for one in refusals} == {NOT_SPOKEN}
        assert not alice.told(DirectWaiting)


@trio_test
async def test_a_status_that_says_no_is_told_cleaned_and_the_next_text_goes_on() -> None:
    async def moody(stream: RawStream) -> None:
        text = Request.FromString(await stream.read_frame()).content
        answer = (
            Response(metadata=Metadata(), status=200)
            if text == "please"
            else Response(status=500, statusText="\x1b[2Jno\n")
        )
        await stream.write_frame(bytes(answer.SerializeToString()))
        await stream.finish()

    async with writer() as alice, raw_peer(alice.one.port, handlers={DIRECT: moody}) as bob:
        await until(lambda: bob.id in alice.one.node.peers.records)
        alice.write(bob.id, "now")
        alice.write(bob.id, "please")
        assert (await alice.see(DirectRefused))[0].reason == "not taken: no"
        assert (await alice.see(DirectSent))[0].text == "please"


def busy(times: int) -> tuple[Handlers, list[str]]:
    """Return what answers so many messages with "not now" and takes the others, and what it has taken."""
    taken: list[str] = []
    left = iter(range(times))

    async def answer(stream: RawStream) -> None:
        text = Request.FromString(await stream.read_frame()).content
        said = Response(metadata=Metadata(), status=200)
        if next(left, None) is not None:
            said = Response(status=500, statusText="not now: takes no more messages of a stranger")
        else:
            taken.append(text)
        await stream.write_frame(bytes(said.SerializeToString()))
        await stream.finish()

    return {DIRECT: answer}, taken


@trio_test
async def test_who_takes_no_more_just_now_is_tried_again_and_that_is_told_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(limits, "DIRECT_PAUSE", 0.01)
    handlers, taken = busy(4)
    async with writer(tmp_path) as alice, raw_peer(alice.one.port, handlers=handlers) as bob:
        await until(lambda: bob.id in alice.one.node.peers.records)
        tickets = [alice.write(bob.id, str(number)) for number in range(5)]
        assert [one.ticket for one in await alice.see(DirectSent, 5)] == tickets
        assert taken == ["0", "1", "2", "3", "4"]
        (waiting,) = alice.told(DirectWaiting)
        assert (waiting.ticket, waiting.waiting) == (tickets[0], 5)
        assert waiting.reason == "it takes no more messages of a stranger just now"
        assert not alice.told(DirectRefused)
        await until(lambda: not kept(tmp_path, alice.one))


@trio_test
async def test_who_takes_no_more_for_long_is_waited_for_as_one_who_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DIRECT_PAUSE", 0.01)
    monkeypatch.setattr(limits, "DIRECT_HELD_UP", 0.0)
    handlers, _ = busy(10_000)
    async with writer() as alice, raw_peer(alice.one.port, handlers=handlers) as bob:
        await until(lambda: bob.id in alice.one.node.peers.records)
        tickets = [alice.write(bob.id, str(number)) for number in range(3)]
        assert [one.ticket for one in await alice.see(DirectWaiting, 3)] == tickets


@trio_test
async def test_who_is_answered_takes_the_rest_at_once() -> None:
    """The pause would be longer than the test's patience."""
    handlers, taken = busy(1)
    async with writer() as alice, raw_peer(alice.one.port, handlers=handlers) as bob:
        await until(lambda: bob.id in alice.one.node.peers.records)
        alice.write(bob.id)
        await alice.see(DirectWaiting)
        assert not taken
        assert not await say(bob, "so what is it?")
        await alice.see(DirectSent)


@trio_test
async def test_who_answers_with_garbage_gets_a_strike_and_the_text_waits() -> None:
    async def rubbish(stream: RawStream) -> None:
        await stream.read_frame()
        await stream.write_frame(b"\xff\xff\xff")

    async with writer() as alice, raw_peer(alice.one.port, handlers={DIRECT: rubbish}) as bob:
        await until(lambda: bob.id in alice.one.node.peers.records)
        alice.write(bob.id)
        assert (await alice.see(DirectWaiting))[0].reason.startswith("its answer cannot be read")
        assert alice.one.counts("strikes", "unexpected faults") == [1, 0]


@trio_test
async def test_what_is_too_much_is_refused_and_what_was_taken_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "UNDELIVERED_PER_PEER", 2)
    async with writer() as alice:
        for number in range(3):
            alice.write(BOB, str(number))
        (refusal,) = await alice.see(DirectRefused)
        assert (refusal.text, refusal.reason) == ("2", "2 messages wait for this peer already, and no more can")
        assert [one.text for one in await alice.see(DirectWaiting, 2)] == ["0", "1"]


# --- Too many of others ---------------------------------------------------------------------------


@trio_test
async def test_who_says_too_much_is_refused_until_time_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DIRECT_BURST", 3)
    monkeypatch.setattr(limits, "DIRECT_RATE", 0.001)
    async with writer() as bob, raw_peer(bob.one.port) as flood, raw_peer(bob.one.port) as honest:
        bob.write(flood.id)
        bob.write(honest.id)
        answers = [await say(flood, f"text {number}") for number in range(5)]
        assert answers[:3] == ["", "", ""]
        assert set(answers[3:]) == {"not now: takes no more messages of yours"}
        assert not await say(honest, "hello")
        assert await say(flood, "text 0") == ""  # it has been taken already
        assert bob.one.counts("dropped: direct messages, too many of one peer") == [2]


@trio_test
async def test_one_stranger_who_floods_shuts_out_no_other_and_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STRANGER_RATE", 0.001)
    async with writer() as bob, raw_peer(bob.one.port) as flood, raw_peer(bob.one.port) as honest:
        answers = [await say(flood, f"text {number}") for number in range(limits.STRANGER_BURST + 30)]
        assert answers.count("not now: takes no more messages of a stranger") == 30
        assert not await say(honest, "hello")
        (told,) = bob.told(Notice)
        who = short_id(str(flood.id))
        more = f"More direct messages come than are taken, the last of {who}; 1 refused in all"
        assert told.text == f"{more}. /ignore {who} or /strangers off ends this"
        bob.write(flood.id)
        assert not await say(flood, "who is answered is no stranger")


def test_a_flood_is_told_with_growing_pauses_and_anew_when_it_was_quiet() -> None:
    told: list[Event] = []
    floods = Floods(told.append)
    for second in range(1_000):
        floods.note("Bob", stranger=False, now=float(second))
    texts = [event.text.split("; ")[1] for event in told if isinstance(event, Notice)]
    assert texts == [f"{count} refused in all. /ignore Bob ends this" for count in (1, 61, 181, 421, 901)]
    floods.note("Bob", stranger=False, now=1_000_000.0)
    assert len(told) == 6
    assert "; 1 refused" in told[-1].text  # type: ignore[attr-defined]


@trio_test
async def test_all_strangers_together_have_one_allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STRANGERS_BURST", 3)
    monkeypatch.setattr(limits, "STRANGERS_RATE", 0.001)
    async with writer() as bob:
        for number in range(5):
            async with raw_peer(bob.one.port) as stranger:
                answer = await say(stranger, "buy")
                assert answer == ("" if number < 3 else "not now: takes no more messages of strangers")
        async with raw_peer(bob.one.port) as friend:
            bob.write(friend.id)
            assert not await say(friend, "hello")
        assert [one.stranger for one in bob.told(DirectReceived)] == [True, True, True, False]


async def say(peer: Any, text: str) -> str:
    """Send a message by hand, and return why it is not taken."""
    stream = await peer.open(DIRECT)
    when = 1_700_000_000_000
    await stream.write_frame(bytes(Request(metadata=Metadata(timestamp=when), content=text).SerializeToString()))
    answer = Response.FromString(await stream.read_frame())
    await stream.finish()
    assert (answer.status == 200) == (not answer.statusText)
    return str(answer.statusText)


@trio_test
async def test_what_others_send_is_cleaned_and_what_cannot_be_seen_is_refused() -> None:
    async with writer() as bob, raw_peer(bob.one.port) as peer:
        assert not await say(peer, "one\x1b[2J\ntwo")
        assert await say(peer, "\x1b[2J \n") == "there is no text that can be seen"
        (first,) = bob.told(DirectReceived)
        assert first.text == "one\ntwo"


# --- The file -------------------------------------------------------------------------------------


@trio_test
async def test_what_another_key_has_left_for_a_day_is_gone_at_the_next_start(tmp_path: Path, clock: list[int]) -> None:
    keep(tmp_path, EVE, Letter(BOB, "long ago", undelivered.wall()))
    clock[0] = int(limits.UNDELIVERED_SECONDS * 1000)
    async with writer(tmp_path):
        await until(lambda: not (tmp_path / FILE).exists())


@trio_test
async def test_two_programs_share_a_file(tmp_path: Path) -> None:
    async with writer(tmp_path) as alice, writer(tmp_path) as carol:
        for number in range(5):
            alice.write(BOB, f"alice {number}")
            carol.write(BOB, f"carol {number}")
        await until(lambda: len(kept(tmp_path, alice.one)) == len(kept(tmp_path, carol.one)) == 5)
    assert kept(tmp_path, alice.one) == [f"alice {number}" for number in range(5)]
    assert kept(tmp_path, carol.one) == [f"carol {number}" for number in range(5)]


@trio_test
async def test_a_broken_file_is_moved_aside_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{")
    async with writer(tmp_path) as alice:
        (notice,) = await alice.see(Notice)
        assert notice.text == f"{tmp_path / FILE} cannot be understood; it is {FILE}.broken now, and a new one is begun"
        alice.write(BOB)
        await until(lambda: kept(tmp_path, alice.one) == ["hello"])
    assert (tmp_path / f"{FILE}.broken").read_text() == "{"


@trio_test
async def test_a_file_that_breaks_during_a_run_loses_nothing_that_waits(tmp_path: Path) -> None:
    async with writer(tmp_path) as alice:
        alice.write(BOB, "one")
        await until(lambda: kept(tmp_path, alice.one) == ["one"])
        (tmp_path / FILE).write_text("{")
        alice.write(BOB, "two")
        await until((tmp_path / f"{FILE}.broken").exists)
        await until(lambda: kept(tmp_path, alice.one) == ["one", "two"], 0.8 * limits.DIRECT_PAUSE)


@trio_test
async def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    later = '{"version": 2, "letters": {}}'
    (tmp_path / FILE).write_text(later)
    async with writer(tmp_path) as alice:
        (notice,) = await alice.see(Notice)
        assert "later version" in notice.text
        alice.write(BOB)
        (waiting,) = await alice.see(DirectWaiting)
        assert waiting.reason == f"{NOWHERE}; it is kept for this run alone"
        assert (alice.direct.deliveries.kept, alice.direct.deliveries.lost) == (0, 1)
    assert (tmp_path / FILE).read_text() == later


@trio_test
async def test_a_file_that_is_kept_busy_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undelivered, "AGAIN", 0.05)
    monkeypatch.setattr("py_peer.net.kept_file.LOCK_SECONDS", 0.05)
    async with writer(tmp_path) as alice:
        with take_lock(tmp_path / FILE):
            alice.write(BOB)
            (notice,) = await alice.see(Notice)
            assert "kept busy" in notice.text
        await until(lambda: kept(tmp_path, alice.one) == ["hello"])
        await until(lambda: alice.direct.deliveries.kept == 1)
        assert alice.direct.deliveries.lost == 0


@trio_test
async def test_the_file_is_written_in_a_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    change = Undelivered._change

    def noted(self: Undelivered, data: bytes | None, **more: Any) -> bytes | None:
        threads.append(threading.current_thread())
        return change(self, data, **more)

    monkeypatch.setattr(Undelivered, "_change", noted)
    async with writer(tmp_path) as alice:
        alice.write(BOB)
        await until(lambda: kept(tmp_path, alice.one) == ["hello"])
    assert threads
    assert threading.main_thread() not in threads


# --- Leaving --------------------------------------------------------------------------------------


def test_who_leaves_is_told_how_many_messages_are_kept_and_the_next_run_delivers_them(tmp_path: Path) -> None:
    data, key = tmp_path / "data", tmp_path / "data" / "identity.key"

    async def scene() -> None:
        async with person("bob", intro=False, loopback=True) as bob:
            bobs = (await bob.see(Started)).peer_id
            async with person("alice", intro=False, loopback=True, data=data, identity=key) as alice:
                ticket = alice.ask(lambda ticket: SendDirect(ticket, bobs, "hello"))
                await alice.see(DirectWaiting, lambda event: event.ticket == ticket)
                alice.ask(lambda ticket: SendDirect(ticket, bobs, "typed last"))
                stopped = await alice.leave()
                assert (stopped.unsent, stopped.kept, stopped.lost) == (0, 2, 0)
            async with person("alice", intro=False, loopback=True, data=data, identity=key) as alice:
                await alice.see(Notice, lambda event: "2 direct messages wait" in event.text)
                address = await bob.address()
                alice.ask(lambda ticket: Connect(ticket, address))
                assert [one.text for one in await bob.see_all(DirectReceived, 2)] == ["hello", "typed last"]
                assert [one.ticket for one in await alice.see_all(DirectSent, 2)] == [0, 0]
                stopped = await alice.leave()
                assert (stopped.unsent, stopped.kept) == (0, 0)

    run(scene())
    assert not (data / FILE).exists()


def test_without_a_key_that_stays_what_waits_at_the_end_is_lost_and_counted(tmp_path: Path) -> None:
    async def scene() -> None:
        async with person("alice", intro=False, loopback=True, data=tmp_path) as alice:
            alice.ask(lambda ticket: SendDirect(ticket, BOB, "hello"))
            assert (await alice.see(DirectWaiting)).reason.endswith("; it is kept for this run alone")
            stopped = await alice.leave()
            assert (stopped.unsent, stopped.kept, stopped.lost) == (1, 0, 1)

    run(scene())
    assert not (tmp_path / FILE).exists()


def test_what_was_typed_just_before_leaving_is_delivered_to_who_is_there() -> None:
    async def scene() -> None:
        async with (
            person("bob", intro=False, loopback=True) as bob,
            person("alice", intro=False, loopback=True, connect=(await bob.address(),)) as alice,
        ):
            bobs = (await bob.see(Started)).peer_id
            await alice.see(PeerConnected)
            for number in range(10):
                alice.ask(lambda ticket, number=number: SendDirect(ticket, bobs, str(number)))  # type: ignore[misc]
            stopped = await alice.leave(drain=1.0)
            assert (stopped.unsent, stopped.lost) == (0, 0)
            assert [one.text for one in await bob.see_all(DirectReceived, 10)] == [str(number) for number in range(10)]

    run(scene())


def test_who_is_being_dialled_is_waited_for() -> None:
    async def scene() -> None:
        async with person("bob", intro=False, loopback=True) as bob:
            bobs, address = (await bob.see(Started)).peer_id, await bob.address()
            async with person("alice", intro=False, loopback=True, connect=(address,)) as alice:
                alice.ask(lambda ticket: SendDirect(ticket, bobs, "first thing"))
                stopped = await alice.leave(drain=10.0)
                assert stopped.unsent == 0
                assert (await bob.see(DirectReceived)).text == "first thing"

    run(scene())
