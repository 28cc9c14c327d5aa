"""Several ways to one peer: who is first to be there wins, and a slow one holds up the others a quarter of a second.

After RFC 8305 (happy eyeballs), section 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import trio

from py_peer.core import limits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

Way = TypeVar("Way")
Result = TypeVar("Result")


class DialError(Exception):
    """A dial failed; the text says why, in words for the user."""


class NotNowError(DialError):
    """Nothing was dialled, because of a limit of our own that time lifts; it says nothing of who is there."""


class SomebodyElseError(DialError):
    """Another peer is there than the one that was looked for."""


async def race(
    ways: Iterable[Way],
    dial: Callable[[Way], Awaitable[Result]],
    pause: float = limits.NEXT_WAY_AFTER,
    most: int = limits.WAYS_AT_ONCE,
) -> Result:
    """Dial `ways` one after the other until one answers, and return what that gives; the others are cancelled.

    The next one is begun when the last one has failed, or has taken `pause` seconds, and no more than `most` are under
    way. It is asked for when it is begun; there has to be one. Raises DialError when all have failed, with each cause
    once and in order: NotNowError if there is one among them.
    """
    errors: dict[int, DialError] = {}
    results: list[Result] = []
    free = trio.Semaphore(most - 1)

    async def go(number: int, way: Way, failed: trio.Event) -> None:
        try:
            results.append(await dial(way))
            nursery.cancel_scope.cancel()
        except DialError as error:
            errors[number] = error
            failed.set()
            free.release()

    async with trio.open_nursery() as nursery:
        for number, way in enumerate(ways):
            failed = trio.Event()
            nursery.start_soon(go, number, way, failed)
            with trio.move_on_after(pause):
                await failed.wait()
            await free.acquire()
    if results:
        return results[0]
    raise _together([errors[number] for number in sorted(errors)])


def _together(errors: list[DialError]) -> DialError:
    kind = DialError
    if any(isinstance(error, NotNowError) for error in errors):
        kind = NotNowError
    elif all(isinstance(error, SomebodyElseError) for error in errors):
        kind = SomebodyElseError
    return kind("; ".join(dict.fromkeys(map(str, errors))))
