"""Direct messages on their way out: one after the other to each peer, confirmed by it, tried again while it is away.

A text is only told to wait, and written to the file, when it could not be delivered; one that is confirmed at once
never touches the disk.
"""

from __future__ import annotations

import time
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast, final

import trio
from google.protobuf.message import DecodeError
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.addresses import short_id
from py_peer.core.cleaning import clean_line
from py_peer.core.direct_events import DirectRefused, DirectSent, DirectWaiting
from py_peer.core.events import Notice
from py_peer.core.letters import Letter, Letters
from py_peer.core.rates import Buckets
from py_peer.core.speakers import Name
from py_peer.net.dial import DialError
from py_peer.net.direct import DIRECT, NotNowError, NotTakenError, send
from py_peer.net.streams import GarbageError, NotSupportedError, StreamFaultError
from py_peer.service.undelivered import wall

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from py_peer.core.events import Event
    from py_peer.net.node import Node
    from py_peer.service.undelivered import Undelivered

GRACE: Final = 1.0
"""So long a peer is waited for that may be just about to come, before a text for it is told to wait."""

LAST_WORDS: Final = 0.3
"""Seconds that a text on its way to a peer who is there gets when the user leaves, however much of a hurry he is in."""

MOST_NAMED: Final = 5
"""Of those for whom something waits at the start so many are named."""

NOT_SPOKEN: Final = (
    "its program knows no direct messages (those in Go and Rust do not); say it in the room, where everybody reads it"
)
GIVEN_UP: Final = f"it was not delivered within {limits.UNDELIVERED_SECONDS / 3600:.0f} hours, and is given up"

_as_id = lru_cache(maxsize=limits.UNDELIVERED)(ID.from_string)


async def _call_nobody(_peer_id: str) -> None:
    raise DialError("nobody has told where it is")


@final
class _Courier:
    """Who carries the texts for one peer."""

    def __init__(self, peer_id: str) -> None:
        self.peer_id = peer_id
        self.reason = ""
        """Why what is there waits; "" while it is on its way."""

        self.pause = limits.DIRECT_PAUSE
        self.stirred = trio.Event()
        self.tried = 0.0
        self.held_up: float | None = None
        """Since when the peer takes no more just now; None while it does."""

        self.told = False
        """Whether the user has been told that it goes slowly; once for all that was there then."""

    def stir(self) -> None:
        """End the pause, or leave out the next one."""
        self.stirred.set()


@final
class Deliveries:
    """The texts on their way, and who carries them."""

    def __init__(self, emit: Callable[[Event], None], kept: Undelivered, *, paced: bool) -> None:
        """Without `paced` they go as fast as they are confirmed."""
        self._emit = emit
        self._kept = kept
        self._paced = paced
        self._letters = Letters()
        self._couriers: dict[str, _Courier] = {}
        self._paces: Buckets[str] = Buckets(limits.DIRECT_RATE / 2, limits.DIRECT_BURST / 2, limits.MAX_TRACKED_PEERS)
        """Half of what a peer takes of us if it is one of ours."""

        self._written_to: dict[str, None] = {}
        self._node: Node | None = None
        self._nursery: trio.Nursery | None = None
        self._changed = trio.Event()
        self.called: Callable[[str], Name] = lambda peer_id: Name(short_id(peer_id))
        """Returns what a peer is called."""

        self.call: Callable[[str], Awaitable[object]] = _call_nobody
        """Dials a peer by what is known of where it is. Raises DialError."""

        self.somebody_may_come: Callable[[], bool] = lambda: False
        """Returns whether there are peers that may be about to be there."""

    @property
    def kept(self) -> int:
        """How many texts are there in the next run."""
        return sum(self._kept.holds(letter) for letter in self._letters)

    @property
    def lost(self) -> int:
        """How many texts are gone when this run ends."""
        return len(self._letters) - self.kept

    # --- What happens -----------------------------------------------------------------------------

    def accept(self, letter: Letter) -> str:
        """Take a text of the user; return why it is not taken, or ""."""
        if reason := self._letters.put(letter):
            return reason
        self._note_written_to(letter.peer_id)
        courier = self._couriers.get(letter.peer_id)
        if courier is not None and courier.reason:
            self._tell_waiting(courier, courier.reason)
            if trio.current_time() - courier.tried >= limits.DIRECT_PAUSE:
                courier.stir()
        self._start(letter.peer_id)
        self._note_change()
        return ""

    def moved(self, peer_id: ID) -> None:
        """Take note that a peer has come or gone, or has said what it speaks."""
        if self._couriers and (courier := self._couriers.get(str(peer_id))):
            if self._node is not None and peer_id in self._node.peers.records:
                courier.reason, courier.pause = "", limits.DIRECT_PAUSE
            courier.stir()

    def heard(self, peer_id: str) -> None:
        """Take note that a peer writes to us: to whom he writes he is no stranger, and takes more."""
        if (courier := self._couriers.get(peer_id)) is not None and courier.held_up is not None:
            courier.stir()

    def has_written_to(self, peer_id: str) -> bool:
        """Say whether the user has written to a peer in this run, or what he wrote before that was still waiting."""
        return peer_id in self._written_to

    # --- Running ----------------------------------------------------------------------------------

    async def run(self, node: Node) -> None:
        """Deliver, until cancelled; then see that what could not be delivered is kept."""
        self._node = node
        try:
            self._restore(await self._kept.load())
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self._kept.run)
                for peer_id in self._letters.peers():
                    self._start(peer_id)
                await trio.sleep_forever()
        finally:
            self._nursery = None
            with trio.CancelScope(shield=True), trio.move_on_after(limits.UNDELIVERED_PATIENCE):
                self._kept.keep(self._letters)
                await self._kept.write(limits.UNDELIVERED_PATIENCE / 2)

    async def drain(self, patience: float) -> None:
        """Wait while texts of this run are delivered; for peers who are away, up to `patience` seconds.

        It is waited for them as long as somebody may come.
        """
        began = trio.current_time()
        deadline = began + max(patience, LAST_WORDS)
        left = len(self._letters)
        while self._is_moving() and trio.current_time() < deadline:
            with trio.move_on_after(0.1):  # a dial that is given up has no event of its own
                await self._changed.wait()
            if len(self._letters) < left:
                left = len(self._letters)
                deadline = max(deadline, trio.current_time() + patience)
            if trio.current_time() - began > LAST_WORDS:
                self._kept.keep(self._letters)  # whoever ends the program now loses nothing

    def _is_moving(self) -> bool:
        """Say whether a text of this run is on its way, or may be, if its peer comes."""
        ours = {letter.peer_id for letter in self._letters if letter.ticket}
        may_come = self.somebody_may_come()
        return any(may_come or not ((courier := self._couriers.get(one)) and courier.reason) for one in ours)

    def _restore(self, waiting: list[Letter]) -> None:
        """Take what waited at the end of an earlier run, and say what waits for whom."""
        for letter in self._letters.put_before(waiting):
            self._tell_refused(letter, "too many direct messages wait already")
            self._kept.drop(letter)
        for letter in waiting:
            self._note_written_to(letter.peer_id)
        count = Counter(letter.peer_id for letter in waiting if not letter.is_due(wall()))
        if not count:
            return
        who = [f"{number} for {self.called(peer_id).of(peer_id)}" for peer_id, number in count.most_common(MOST_NAMED)]
        if (more := len(count) - MOST_NAMED) > 0:
            who.append(f"and more for {more} others")
        total = sum(count.values())
        messages = f"{total} direct messages wait" if total > 1 else "1 direct message waits"
        self._emit(Notice(f"{messages} from an earlier run: {', '.join(who)}; sent when the peer is here"))

    def _note_written_to(self, peer_id: str) -> None:
        self._written_to[peer_id] = None
        if len(self._written_to) > limits.DIRECT_KNOWN:
            del self._written_to[next(iter(self._written_to))]

    # --- One peer ---------------------------------------------------------------------------------

    def _start(self, peer_id: str) -> None:
        """Have somebody carry what is there for a peer."""
        if self._nursery is not None and peer_id not in self._couriers:
            courier = self._couriers[peer_id] = _Courier(peer_id)
            self._nursery.start_soon(self._carry, courier)

    async def _carry(self, courier: _Courier) -> None:
        """Deliver what there is for a peer, and end when there is nothing more."""
        while (letter := self._letters.first(courier.peer_id)) is not None:
            courier.stirred = trio.Event()
            courier.tried = trio.current_time()
            reason = await self._try(courier, letter)
            if not reason:
                courier.reason, courier.pause = "", limits.DIRECT_PAUSE
                continue
            if courier.held_up is not None and courier.tried - courier.held_up < limits.DIRECT_HELD_UP:
                self._tell_held_up(courier, letter, reason)
            else:
                self._tell_waiting(courier, reason)
                courier.reason = reason
            with trio.move_on_after(courier.pause):
                await courier.stirred.wait()
                continue
            courier.pause = min(2 * courier.pause, limits.DIRECT_PAUSE_LONGEST)
        del self._couriers[courier.peer_id]

    async def _try(self, courier: _Courier, letter: Letter) -> str:
        """Try to deliver the oldest text for a peer; return why it has to wait, or "" when it is done with."""
        if letter.is_due(wall()):
            self._refuse(letter, GIVEN_UP)
            return ""
        node, peer_id = cast("Node", self._node), _as_id(courier.peer_id)
        if reason := await self._reach(courier, node, peer_id):
            courier.held_up = None
            return reason
        record = node.peers.records.get(peer_id)
        if record is not None and record.protocols and DIRECT not in record.protocols:
            self._refuse(letter, NOT_SPOKEN)
            return ""
        while self._paced and not self._paces.take(courier.peer_id, trio.current_time()):  # noqa: ASYNC110 - it is time
            await trio.sleep(self._paces.wait(courier.peer_id, trio.current_time()))
        return await self._hand_over(courier, letter, node, peer_id)

    async def _hand_over(self, courier: _Courier, letter: Letter, node: Node, peer_id: ID) -> str:
        """Send a text to a peer who is there; return as `_try`."""
        held_up, courier.held_up = courier.held_up, None
        try:
            await send(node.host, peer_id, letter.text, letter.when)
        except NotSupportedError:
            self._refuse(letter, NOT_SPOKEN)
        except NotNowError as error:
            courier.held_up = courier.tried if held_up is None else held_up
            return str(error)
        except NotTakenError as error:
            self._refuse(letter, f"not taken: {error}")
        except StreamFaultError as error:
            return self._fault(node, peer_id, error)
        except DecodeError as error:
            return self._fault(node, peer_id, GarbageError(f"its answer cannot be read: {error}"))
        else:
            self._sent(letter)
        return ""

    async def _reach(self, courier: _Courier, node: Node, peer_id: ID) -> str:
        """See that a peer is connected; return why it is not, or ""."""
        reason = ""

        async def call() -> None:
            nonlocal reason
            reason = await self._call(courier)
            nursery.cancel_scope.cancel()

        if peer_id not in node.peers.records:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(call)
                nursery.start_soon(self._say_dialling, courier)
                while peer_id not in node.peers.records:
                    await courier.stirred.wait()
                    courier.stirred = trio.Event()
                nursery.cancel_scope.cancel()
        return "" if peer_id in node.peers.records else reason

    async def _call(self, courier: _Courier) -> str:
        """Dial a peer, and give it a moment to be there; return why it is not."""
        reason = ""
        try:
            await self.call(courier.peer_id)
        except DialError as error:
            reason = f": {clean_line(str(error), limits.MAX_ERROR_CHARS)}"
        if not reason or (self.somebody_may_come() and not courier.reason):
            await trio.sleep(GRACE)
        return f"it is not connected{reason}"

    async def _say_dialling(self, courier: _Courier) -> None:
        await trio.sleep(2 * GRACE)
        self._tell_waiting(courier, "it is not connected; it is being dialled")

    def _fault(self, node: Node, peer_id: ID, error: StreamFaultError) -> str:
        node.counters.caught(f"direct message to {peer_id}", error)
        if isinstance(error, GarbageError):
            node.bans.strike(peer_id, "its answers to direct messages cannot be read")
        return str(error)

    # --- What becomes of a text -------------------------------------------------------------------

    def _tell_waiting(self, courier: _Courier, reason: str) -> None:
        """Tell of each text for a peer that it waits, once, and keep it."""
        name = self.called(courier.peer_id)
        said = reason if self._kept.is_lasting else f"{reason}; it is kept for this run alone"
        letters = self._letters.to(courier.peer_id)
        for number, letter in enumerate(letters, 1):
            if not letter.told:
                letter.told = True
                who = letter.peer_id, name.nick, name.plain
                self._emit(DirectWaiting(letter.ticket, *who, letter.text, said, number))
        self._kept.keep(letters)

    def _tell_held_up(self, courier: _Courier, letter: Letter, reason: str) -> None:
        """Tell once, of the text whose turn it is, that the peer takes no more just now; keep all that is there."""
        letters = self._letters.to(courier.peer_id)
        self._kept.keep(letters)
        if not (courier.told or letter.told):
            courier.told = letter.told = True
            name = self.called(courier.peer_id)
            who = letter.peer_id, name.nick, name.plain
            self._emit(DirectWaiting(letter.ticket, *who, letter.text, reason, len(letters)))

    def _sent(self, letter: Letter) -> None:
        cast("Node", self._node).counters["direct sent"] += 1
        self._done(letter)
        name = self.called(letter.peer_id)
        who = letter.peer_id, name.nick, name.plain
        waited = max(0, wall() - letter.when) / 1000 if letter.told else 0.0
        self._emit(DirectSent(letter.ticket, *who, letter.text, time.time(), waited))

    def _refuse(self, letter: Letter, reason: str) -> None:
        self._done(letter)
        self._tell_refused(letter, reason)

    def _tell_refused(self, letter: Letter, reason: str) -> None:
        name = self.called(letter.peer_id)
        self._emit(DirectRefused(letter.ticket, letter.peer_id, name.nick, name.plain, letter.text, reason))

    def _done(self, letter: Letter) -> None:
        self._letters.take_out(letter)
        self._kept.drop(letter)
        self._note_change()

    def _note_change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
