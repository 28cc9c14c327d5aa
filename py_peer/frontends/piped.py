"""The chat through pipes: each line of input is a message, each line of output is plain."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from py_peer.core import limits
from py_peer.core.cleaning import is_blank
from py_peer.core.events import Ready
from py_peer.core.exit_codes import ExitCode
from py_peer.core.sizes import oversize, oversize_text
from py_peer.core.topics import ROOM_TOPIC
from py_peer.core.typed_lines import Command, Misused, Say, Unknown, parse_line
from py_peer.frontends.interactive import Chat
from py_peer.frontends.stdin_lines import LineSplitter, LineTooLong, StdinReader
from py_peer.frontends.topic_lines import on_topic

if TYPE_CHECKING:
    from py_peer.core.events import Event
    from py_peer.frontends.front_end import Service
    from py_peer.frontends.leaving import Watchdog
    from py_peer.frontends.screen import Screen
    from py_peer.frontends.stdin_lines import InputLine, RawInput

WINDOW: Final = 256
"""Texts on their way at once, or keys looked for; while so many are not answered, no more input is taken."""

ANSWER_SECONDS: Final = 2.0
LONGEST_LINE: Final = limits.MAX_TEXT_BYTES + 256
"""A text of the largest size, and a slash before it or whom it is for."""


class PlainChat(Chat):
    """Reads lines from a stream until it ends, then leaves when they are sent, or says how many were not."""

    longest_line = LONGEST_LINE

    def __init__(
        self, service: Service, screen: Screen, watchdog: Watchdog, source: RawInput | None, *, patience: float
    ) -> None:
        """Read `source`. `patience`: how many seconds somebody is waited for who was named, or may be found."""
        super().__init__(service, screen, watchdog)
        self.reader = StdinReader(source, self.changed.set)
        self._splitter = LineSplitter(self.longest_line)
        self._waits = patience
        # A person who types at a terminal without more of an editor than its own, and leaves, leaves at once.
        self._typed = source is not None and source.isatty()
        self.not_taken = 0
        """Texts that were refused for what they are, whoever is there: too long, or for a topic that was not joined."""

        self._lines: deque[InputLine | LineTooLong] = deque()
        self._deserted: dict[str, bool] = {}
        """Where somebody was waited for in vain while the window was full, and whether that was said."""

        self._meeting_ends: float | None = None
        self._told_enough = False
        """Whether the input was read to its end, or to a line that says to leave."""

    def note(self, event: Event) -> None:
        """Remember when the service was ready."""
        super().note(event)
        if isinstance(event, Ready):
            self._meeting_ends = time.monotonic() + self._waits

    async def work(self) -> None:
        """Read and obey lines; then leave."""
        self.reader.start()
        self._told_enough = await self.read_lines()
        if self._told_enough and not self._typed:
            await self.ready.wait()  # so that a port that is taken is known
            await self._finish_exchange()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.answered(), ANSWER_SECONDS)
            self.leave_when_sent(limits.NAMED_PEER_WAIT if self.outstanding else 0.0)
        else:
            self.leave()

    async def close_input(self) -> None:
        """Count the messages of an input that is left in the middle."""
        if not (self._told_enough or self._typed):
            self._lines.extend(self._splitter.feed(self.reader.rest()))
            self._lines.extend(self._splitter.finish())
            self.unread += sum(isinstance(line, LineTooLong) or not is_blank(line.text) for line in self._lines)

    def last_lines(self) -> list[str]:
        """Say what was not done, how many lines were not read, and whether there may be more of them."""
        lines = super().last_lines()
        if not_fetched := self.exchange.not_fetched + self.exchange.alone:
            lines.append(f"⚠️  Not fetched: {not_fetched} file(s)")
        if self.exchange.not_shared:
            lines.append(f"⚠️  Not shared: {self.exchange.not_shared} file(s)")
        lines += self.key_value.last_lines() + self.git.last_lines()
        if self.unread:
            lines.append(f"⚠️  Not read: {self.unread} line(s) of the input")
        if self.unread and not self.reader.ended:
            lines.append("⚠️  The input had not come to its end; the rest of it was not read")
        return lines

    def unsent(self) -> int:
        """Count what was typed and not sent: on its way, refused, or not even looked at."""
        return super().unsent() + self.refused + self.not_taken + self.git.not_posted + self.unread

    def undelivered(self) -> int:
        """Count the direct messages that were not delivered, also those that will not be."""
        return super().undelivered() + self.exchange.refused

    def found_nobody(self) -> bool:
        """Return whether it is for want of anybody that texts were not sent."""
        return super().found_nobody() and not (self.not_taken or self.git.not_posted)

    def exit_code(self) -> ExitCode:
        """Tell texts that nobody was there for from those that were not sent though somebody was; then, files."""
        code = super().exit_code()
        if code is ExitCode.NOT_SENT and self.found_nobody():
            return ExitCode.NOBODY_REACHED
        missing = self.exchange.not_fetched + self.exchange.unfinished + self.exchange.not_shared
        if code is not ExitCode.OK:
            return code
        code = ExitCode.NOT_FOUND if missing else self.key_value.exit_code()
        code = self.git.exit_code() if code is ExitCode.OK else code
        return ExitCode.NOBODY_REACHED if code is ExitCode.OK and self.exchange.alone else code

    async def read_lines(self) -> bool:
        """Obey the input; return whether it was read as far as the user wanted, or False if nobody is to come."""
        while data := await self.reader.take():
            self._lines.extend(self._splitter.feed(data))
            while self._lines:
                if not await self._has_room():
                    return False
                if not await self._obey_line(self._lines.popleft()):
                    return True
        for line in self._splitter.finish():
            await self._obey_line(line)
        return True

    async def _obey_line(self, line: InputLine | LineTooLong) -> bool:
        if isinstance(line, LineTooLong):
            await self._refuse(line.number, oversize(line.size))
            return True
        return await self.obey_line(line)

    async def obey_line(self, line: InputLine) -> bool:
        """Do what a line says; False if it says to leave."""
        typed = line.text
        match parse_line(typed, bare_quit=True):
            case Say(text=text):
                await self._say_or_refuse(line.number, text)
                return True
            case Command(name=name) if name in self.talk.handlers:
                await self._wait_for_the_banner()
                if reason := _not_utf8(line) or self._names_nothing(typed):
                    self.talk.lose()
                    await self._say_not_done(line.number, reason)
                    return True
            case Misused(usage="/topic [NAME]") | Unknown(nearest="/topic"):
                self.talk.lose()
            case Command(name=name, more=more) if name in self.exchange.handlers:
                await self._wait_for_the_banner()
                if name == "share":  # names of files need not be UTF-8
                    return await self.obey(line.raw.decode(errors="surrogateescape"))
                if name == "msg" and (reason := oversize_text("".join(more))):
                    await self._refuse(line.number, reason)
                    return True
                await self._meet_who_is_meant(typed)
            case Command(name=name) if name in self.key_value.handlers or name in self.git.handlers:
                await self._wait_for_the_banner()
                if reason := _not_utf8(line):  # another key would be meant, or another value put, or another commit
                    self.git.not_posted += name in ("commit", "diff")
                    self.git.not_shown += name == "show"
                    self.key_value.not_taken += name in self.key_value.handlers
                    await self._say_not_done(line.number, reason)
                    return True
                await self._meet_who_is_meant(typed)
        return await self.obey(typed)

    async def _say_or_refuse(self, number: int, text: str) -> None:
        topic = self.talk.topics.current
        if reason := self.why_nowhere() or oversize_text(text):
            await self._refuse(number, reason)
        elif self._is_deserted(topic) and (waiting := list(self.outstanding.values()).count(topic)) >= WINDOW:
            self.refused += 1
            if not self._deserted[topic]:
                self._deserted[topic] = True
                reason = f"nobody is{on_topic(topic) or ' in the room'}, and {waiting} messages wait there"
                await self.say_refused(number, f"{reason}; nor is what follows there, until somebody comes")
        else:
            await self.say(text)

    def why_nowhere(self) -> str:
        """Return why a text goes nowhere that is for a topic which could not be joined, or "". A person has seen it."""
        return "" if self._typed else self.talk.lost

    async def _refuse(self, number: int, reason: str) -> None:
        self.not_taken += 1
        await self.say_refused(number, reason)

    async def say_refused(self, number: int, reason: str) -> None:
        """Say why a line was not sent."""
        await self.print_lines([f"❌ Line {number} was not sent: {reason}"])

    def _names_nothing(self, line: str) -> str:
        """Return that a script's variable was empty where the name of a topic was to be, or ""."""
        if self._typed or line.strip().lower() != "/topic" or line == line.rstrip():
            return ""
        return "it names no topic; without a space at its end it asks where you are"

    async def _say_not_done(self, number: int, reason: str) -> None:
        await self.print_lines([f"❌ Line {number} was not done: {reason}"])

    def holds_back(self) -> bool:
        """Return whether the next line waits while many texts are on their way."""
        return True

    async def _wait_for_the_banner(self) -> None:
        """Let no answer about files or one peer stand before the lines that say who this is; a text need not wait."""
        if not self._typed and not self.ready.is_set():
            self.unread += 1  # so it stays if nobody ever does it
            await self.ready.wait()
            self.unread -= 1

    async def _meet_who_is_meant(self, line: str) -> None:
        """Give the first seconds of a run to a peer or a file that a line names and that nobody has told of yet."""
        while not self._typed and self.exchange.is_unheard_of(
            parse_line(line, bare_quit=True, meant=self.exchange.meant)
        ):
            self.changed.clear()
            try:
                await asyncio.wait_for(self.changed.wait(), self._time_to_meet())
            except TimeoutError:
                return

    async def _finish_exchange(self) -> None:
        """Wait until what is fetched or looked for is there or has failed; a while, for those who were written to."""
        while (
            is_busy := self.exchange.is_busy or bool(self.key_value.asked) or self.git.is_busy
        ) or self.exchange.away:
            self.changed.clear()
            try:
                await asyncio.wait_for(self.changed.wait(), None if is_busy else self._time_to_meet())
            except TimeoutError:
                return

    def _time_to_meet(self) -> float | None:
        """Return how many seconds are left in which those come who were named or are found; None until it begins."""
        return self._meeting_ends and max(0.0, self._meeting_ends - time.monotonic())

    async def _has_room(self) -> bool:
        """Wait until one more text may be on its way; False if the input has ended and nobody is to come."""
        while self._looks_for_much() and self.holds_back():
            self.changed.clear()
            await self.changed.wait()
        deadline: float | None = None
        while max(len(self._on_their_way()), len(self.exchange.on_their_way)) >= WINDOW and self.holds_back():
            # The next lines may be for others, who are there.
            elsewhere = bool(self.talk.topics.joined) and len(self._on_their_way()) >= WINDOW
            if self.is_heard() or not self.ready.is_set() or not (self.reader.ended or elsewhere):
                deadline = None
            elif deadline is None:
                deadline = time.monotonic() + self._patience()
            elif time.monotonic() >= deadline:
                if not elsewhere:
                    return False
                self._deserted |= dict.fromkeys(self._on_their_way(), False)
                continue
            self.changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait(), deadline and max(0.0, deadline - time.monotonic()))
        return True

    def _looks_for_much(self) -> bool:
        """Return whether much is being looked for; all of it is answered, whoever is there."""
        return len(self.key_value.asked) >= WINDOW or self.git.is_full

    def is_heard(self) -> bool:
        """Return whether somebody is where the texts on their way are for."""
        return any(map(self.size_of, set(self._on_their_way()) or {ROOM_TOPIC}))

    def _on_their_way(self) -> list[str]:
        """Return the topics of the texts on their way, but for those where somebody was waited for in vain."""
        return [topic for topic in self.outstanding.values() if not self._is_deserted(topic)]

    def _is_deserted(self, topic: str) -> bool:
        if self.size_of(topic):
            self._deserted.pop(topic, None)
        return topic in self._deserted

    def _patience(self) -> float:
        # A peer that has called may be about to join.
        return max(0.0 if self.reached else self._waits, limits.DIAL_TIMEOUT if self.connected else 0.0)


def _not_utf8(line: InputLine) -> str:
    is_utf8 = "\ufffd" not in line.text or line.text.encode() == line.raw
    return "" if is_utf8 else "it is not UTF-8"
