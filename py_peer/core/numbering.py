"""What the entries of one log have in common: their numbers rise, and a new day is told before its first one."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, timedelta
from typing import Final, final

from py_peer.core.entries import Entry, Kind

ONE_DAY: Final = timedelta(days=1)


@final
class Numbering:
    """Gives entries their numbers. A clock that goes back makes no entry of a day that was there before."""

    def __init__(self) -> None:
        self._number = 0
        self._day: date | None = None

    def add(self, entry: Entry) -> list[Entry]:
        """Return `entry` with its number, after the date if a new day has begun."""
        return [*self.new_day(entry.timestamp), self.numbered(entry)]

    def numbered(self, entry: Entry) -> Entry:
        """Return `entry` with its number."""
        self._number += 1
        return replace(entry, number=self._number)

    def new_day(self, now: float) -> list[Entry]:
        """Return the date if a new day has begun. `now` is the local time, seconds since 1970."""
        day = date(*time.localtime(now)[:3])
        before = self._day
        # A clock that is put right may go back over midnight; only one that was days ahead is followed back.
        if before is not None and before - ONE_DAY <= day <= before:
            return []
        self._day = day
        if before is None:
            return []
        return [self.numbered(Entry(0, Kind.DATE, now, f"{day:%A}, {day.day} {day:%B} {day.year}"))]
