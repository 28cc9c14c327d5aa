"""Of several who say that they have a file, the first who begins to give it: who is silent holds up nobody.

They are asked one after the other, each a head start after the one before, whatever that one does. So the one who was
to come first comes first where it is there, and thirty who say nothing cost seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import trio

from py_peer.service.jobs import FetchError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from py_peer.service.jobs import Fetched


async def _nothing() -> None:
    pass


@final
@dataclass(frozen=True, slots=True)
class Begun:
    """What somebody has begun to give. One of both is called, once."""

    take: Callable[[], Awaitable[Fetched]]
    """Fetches it. Raises FetchError, PartError."""

    leave: Callable[[], Awaitable[None]] = _nothing
    """Ends it, unread. Raises nothing."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A way to a file, which is known by the names of those who are asked."""

    name: str
    begin: Callable[[], Awaitable[Begun]]
    """Asks for the first of it. Raises FetchError."""

    lead: float
    """Seconds for which the next one is not asked, if this one says nothing."""


@final
class Ways:
    """The ways to a file that are left."""

    def __init__(self, ways: Iterable[Way]) -> None:
        self._fresh = list(ways)
        self._slow: list[Way] = []  # asked already, while another one came first
        self._silent: list[Way] = []

    @property
    def are_over(self) -> bool:
        """Whether there is none left."""
        return not (self._fresh or self._slow or self._silent)

    def again(self, way: Way) -> None:
        """Try a way once more, with those who were silent."""
        self._silent.append(way)

    async def first(self, seconds: float, patience: float, failures: list[FetchError]) -> tuple[Way, Begun] | None:
        """Return the first that begins within so many `seconds`, and what it gives; None when none does.

        Those who were silent have another try, of `patience` seconds, when there are no others; a way that has failed
        is not tried again, and why it has is added to `failures`.
        """
        ways, self._slow = [*self._fresh, *self._slow], []
        if not ways:
            ways, self._silent, seconds = self._silent, [], patience
        waiting: dict[Way, None] = dict.fromkeys(ways)
        asked: set[Way] = set()
        first: list[tuple[Way, Begun]] = []

        async def ask(way: Way, answered: trio.Event) -> None:
            asked.add(way)
            try:
                with trio.fail_after(seconds):
                    begun = await way.begin()
            except trio.TooSlowError:
                failures.append(FetchError(f"{way.name} gave no answer within {seconds:.0f} seconds"))
                if seconds < patience:
                    self._silent.append(way)
            except FetchError as error:
                failures.append(error)
            else:
                if first:
                    await begun.leave()
                    return
                first.append((way, begun))
                nursery.cancel_scope.cancel()
            del waiting[way]
            answered.set()

        async with trio.open_nursery() as nursery:
            for way in ways:
                answered = trio.Event()
                nursery.start_soon(ask, way, answered)
                with trio.move_on_after(way.lead):
                    await answered.wait()
        self._fresh = [way for way in waiting if way not in asked]
        self._slow = [way for way in waiting if way in asked]
        return first[0] if first else None
