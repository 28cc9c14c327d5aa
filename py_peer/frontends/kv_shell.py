"""`py-peer kv shell`: lines in, a line of JSON for each result; everything else is on standard error."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, final

from py_peer.core import limits
from py_peer.core.dht_events import KeyProvided, LookupFailed, ValuePut
from py_peer.core.events import Answer, MessageReceived
from py_peer.core.exit_codes import ExitCode
from py_peer.core.json_lines import Error
from py_peer.core.kv_lines import LEAVING, LineError, requests_of, result_line
from py_peer.core.topic_events import TopicJoined
from py_peer.frontends.errand import Errand, run_errand, tell
from py_peer.frontends.key_value import KeyValue
from py_peer.frontends.key_value_lines import key_sentence
from py_peer.frontends.stdin_lines import InputLine, LineSplitter, LineTooLong, StdinReader, standard_input

if TYPE_CHECKING:
    from py_peer.core.events import Event
    from py_peer.frontends.arguments import Arguments
    from py_peer.frontends.front_end import Service
    from py_peer.frontends.leaving import Watchdog
    from py_peer.frontends.screen import Screen
    from py_peer.frontends.stdin_lines import RawInput

MAX_LINE: Final = limits.MAX_KAD_KEY + limits.MAX_KAD_VALUE + 64
"""Bytes; the last are for the word, and blanks."""

ADVICE: Final = "GET KEY, PUT KEY VALUE, GET_PROVIDERS KEY, PUT_PROVIDER KEY, TOPIC NAME or QUIT"
MOST_ASKED: Final = limits.DHT_REQUESTS // 2
"""Requests under way at which no further line is read."""


@final
class KvShell(Errand):
    """Obeys lines until their end, QUIT or Ctrl-C, and waits for the answers to what they ask."""

    stays = True

    def __init__(
        self, service: Service, screen: Screen, watchdog: Watchdog, arguments: Arguments, source: RawInput | None
    ) -> None:
        super().__init__(service, screen, watchdog, json=arguments.json)
        self._timeout = arguments.timeout
        self._reader = StdinReader(source, lambda: None)
        self._is_typed = source is not None and source.isatty()
        self._keys = KeyValue(self)
        self._changed = asyncio.Event()
        self._refused = 0

    async def work(self) -> None:
        """Obey the lines; then wait until everything is answered, for each answer at most --timeout."""
        self._reader.start()
        await self.ready.wait()
        await self._read()
        with contextlib.suppress(TimeoutError):
            while self._keys.asked and not self._is_typed:
                await asyncio.wait_for(self._until_asked_less_than(len(self._keys.asked)), self._timeout)
        if self._keys.asked and not self._is_typed:
            tell(f"py-peer: {len(self._keys.asked)} request(s) had no answer within {self._timeout:g} s")
        self.leave_when_sent(0.0)

    async def _read(self) -> None:
        splitter = LineSplitter(MAX_LINE)
        while data := await self._reader.take():
            for line in splitter.feed(data):
                if not await self._obey(line):
                    return
        for line in splitter.finish():
            await self._obey(line)

    async def _obey(self, line: InputLine | LineTooLong) -> bool:
        """Do what a line says; False if it says to leave."""
        if isinstance(line, LineTooLong):
            self._refuse(line.number, f"the line has {line.size:,} bytes, and {MAX_LINE:,} at most can be of use")
            return True
        text = line.text
        if text.strip() in LEAVING:
            return False
        try:
            requests = requests_of(text, self.service.new_ticket)
        except LineError as error:
            self._refuse(line.number, str(error))
            return True
        if text.encode() != line.raw:  # another key would be meant, or another value put
            self._refuse(line.number, "the line is not UTF-8")
            return True
        await self._until_asked_less_than(MOST_ASKED)
        for request in requests:
            await self._keys.ask(request)
        return True

    def _refuse(self, number: int, reason: str) -> None:
        self._refused += 1
        tell(reason if self._is_typed else f"line {number}: {reason}")
        if self.json:
            self.say(Error(number, reason, ADVICE))

    async def _until_asked_less_than(self, count: int) -> None:
        while len(self._keys.asked) >= count:
            self._changed.clear()
            await self._changed.wait()

    def note(self, event: Event) -> None:
        """Print what answers a request."""
        super().note(event)
        request = self._keys.asked.get(getattr(event, "ticket", 0))
        if request is None:
            if isinstance(event, MessageReceived | TopicJoined):  # also of one that was joined at the start
                self.say(event, result_line(event))
            return
        self._keys.note(event)
        self._changed.set()
        match event:
            case ValuePut(peers=0) | KeyProvided(peers=0) | LookupFailed():
                tell(key_sentence(event))
            case Answer():
                tell(event.text)
        line = result_line(event, request)
        self.say(event, *([line] if line else []))

    def exit_code(self) -> ExitCode:
        """Return, to a script, what was not there, or was not done; a person has read it."""
        code = super().exit_code()
        if code is not ExitCode.OK or self._is_typed:
            return code
        return ExitCode.NOT_SENT if self._refused else self._keys.exit_code()


def run(arguments: Arguments) -> int:
    """Obey lines, and return the exit code."""

    def make(service: Service, screen: Screen, watchdog: Watchdog) -> KvShell:
        return KvShell(service, screen, watchdog, arguments, standard_input())

    return run_errand(arguments, make)
