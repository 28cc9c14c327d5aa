"""One peer of the demo: `python -m py_peer.demo.bot NAME ADDR` joins the room of the peer at ADDR and plays its part.

It listens on loopback alone, prints nothing but why it failed, writes no file, and ends when its standard input does:
whoever has started it holds the other end, and when they are gone, in whatever way, so is the bot.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final, NoReturn, final

from py_peer.core.addresses import parse_dial_address
from py_peer.core.direct_events import DirectReceived
from py_peer.core.events import DialFailed, Failed, MessageReceived, PeerJoined, PeerLeft, Stopped
from py_peer.core.requests import SendDirect, SendText, ShareFile, Stop
from py_peer.core.settings import Settings, Transports
from py_peer.demo import script
from py_peer.headless import HeadlessService

if TYPE_CHECKING:
    from collections.abc import Sequence

    from py_peer.core.requests import Request

NICENESS: Final = 5
"""The screen of the user goes first."""

AFTER_ARRIVAL: Final = 0.5
GAP: Final = 1.0
"""Between two lines of one peer, when it is late."""

ANSWER: Final = 1.2
RETRY: Final = 1.0
DRAIN: Final = 1.0
STOP_WITHIN: Final = 2.0


@final
class Bot:
    """Plays the part of `name` for the user `nick` at `address`.

    `since` is when the demo began, in seconds since 1970; `pace` stretches all pauses.
    """

    def __init__(self, name: str, address: str, *, nick: str, since: float, pace: float) -> None:
        self._name = name
        self._nick = nick
        self._settings = Settings(name, transports=Transports(loopback=True), connect=(address,), intro=False)
        self._user = parse_dial_address(address).peer_id or ""
        self._since = since
        self._pace = pace
        self._met = False
        self._answers = 0
        self._answer = ""
        """What is being typed as an answer; a later one takes its place."""

    async def run(self) -> None:
        """Come and go as the script has it; then stay. Raises SystemExit when the user was never reached."""
        for visit in script.visits(self._name, self._nick):
            await self._until(visit.come)
            lines = deque(visit.lines)
            while lines or visit.stays:  # again, after the user was out of reach
                await self._attend(lines, stays=visit.stays)
                await asyncio.sleep(RETRY * self._pace)

    async def _attend(self, lines: deque[script.Line], *, stays: bool) -> None:
        """Be in the room until everything is said or the user is out of reach."""
        service = HeadlessService(self._settings)
        service.start()
        speaking: asyncio.Task[None] | None = None
        leaving = False
        while not isinstance(event := await service.next_event(), Stopped):
            match event:
                case PeerJoined(peer_id=self._user) if speaking is None:
                    self._met = True
                    speaking = asyncio.create_task(self._speak(service, lines, stays=stays))
                case MessageReceived(peer_id=self._user):
                    self._hear(service, event.text)
                case DirectReceived(peer_id=self._user):
                    self._hear(service, event.text, directly=True)
                case DialFailed() if not self._met:
                    sys.exit(f"cannot reach {event.address}: {event.cause}")
                case Failed():
                    sys.exit(event.reason)
                case DialFailed() | PeerLeft(peer_id=self._user) if not leaving:
                    leaving = True
                    service.request(Stop(service.new_ticket()))
                case _:
                    pass
        if speaking is not None:
            speaking.cancel()
        service.join(STOP_WITHIN)

    async def _speak(self, service: HeadlessService, lines: deque[script.Line], *, stays: bool) -> None:
        await asyncio.sleep(AFTER_ARRIVAL * self._pace)
        while lines:
            await self._until(lines[0].at)
            service.request(self._request(service.new_ticket(), lines.popleft().text))
            await asyncio.sleep(GAP * self._pace)
        if not stays:
            service.request(Stop(service.new_ticket(), DRAIN))

    def _request(self, ticket: int, text: str) -> Request:
        if text == script.SHARES:
            return ShareFile(ticket, script.__file__)
        if text.startswith(script.DIRECTLY):
            return SendDirect(ticket, self._user, text.removeprefix(script.DIRECTLY))
        return SendText(ticket, text)

    def _hear(self, service: HeadlessService, text: str, *, directly: bool = False) -> None:
        answer = script.reply(self._name, text, self._answers, directly=directly)
        if not answer:
            return
        if not self._answer:
            asyncio.get_running_loop().call_later(ANSWER * self._pace, self._say_answer, service)
        self._answer = f"{script.DIRECTLY * directly}{answer}"

    def _say_answer(self, service: HeadlessService) -> None:
        service.request(self._request(service.new_ticket(), self._answer))
        self._answers += 1
        self._answer = ""

    async def _until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, self._since + at * self._pace - time.time()))


def main(argv: Sequence[str] | None = None) -> None:
    """Run one bot until standard input ends."""
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: os._exit(0))
    logging.disable()  # system_messages.txt is the user's, and stderr is for what ends us
    with contextlib.suppress(AttributeError, OSError):  # Windows has no nice
        os.nice(NICENESS)
    parser = argparse.ArgumentParser(prog="py_peer.demo.bot", description="One scripted peer of py-peer --demo.")
    parser.add_argument("name", choices=script.NAMES)
    parser.add_argument("address", metavar="ADDR")
    parser.add_argument("--nick", default="friend", help="what the user is called")
    parser.add_argument("--since", type=float, default=time.time(), help="when the demo began, seconds since 1970")
    parser.add_argument("--pace", type=float, default=1.0, help="what all pauses are multiplied with")
    found = parser.parse_args(argv)
    asyncio.run(Bot(found.name, found.address, nick=found.nick, since=found.since, pace=found.pace).run())


def _end_with_stdin() -> NoReturn:
    # Not through sys.stdin: its lock, held while it reads, is a fatal error at the interpreter's end.
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    os._exit(0)  # there is nothing to put in order: the kernel closes the connections, and the others notice


if __name__ == "__main__":
    main()
