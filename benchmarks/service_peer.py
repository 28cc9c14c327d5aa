"""One service in a process of its own, driven by JSON lines: the child of the service-to-service figures.

Commands, on standard input: `{"do": "send", "count": …, "rate": …}`, the same as `direct` with a `peer`,
`{"do": "expect", "count": …}`, `{"do": "report"}`, `{"do": "stop"}`. Each text carries its number and the time at which
it was handed to the service; time.monotonic is the same clock in all processes of one machine.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from array import array
from typing import Any, final

from py_peer.core.direct_events import DirectReceived, DirectSent
from py_peer.core.events import (
    Dropped,
    Failed,
    MessageReceived,
    MessageRefused,
    MessageSent,
    PeerDisconnected,
    PeerJoined,
    Ready,
    Stopped,
)
from py_peer.core.requests import SendDirect, SendText, Stop
from py_peer.core.settings import Settings, Transports
from py_peer.headless import HeadlessService

TEXT_BYTES = 100
WINDOW = 256
"""Texts on their way at once, as piped input has them."""


def say(what: str, **values: Any) -> None:
    """Tell the parent."""
    print(json.dumps({"event": what, "at": time.monotonic(), **values}), flush=True)


@final
class ServicePeer:
    """A service and what it has sent and heard."""

    def __init__(self, settings: Settings) -> None:
        self._service = HeadlessService(settings)
        self._commands: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._to_send = 0
        self._sent = 0
        self._refused = 0
        self._expected = 0
        self._numbers = array("l")  # arrays, so that the memory that is measured is not ours
        self._delays = array("d")
        self._said_at: dict[int, float] = {}
        self._confirmed = array("d")
        self._first = self._last = 0.0

    async def run(self) -> None:
        """Serve until `stop`, or until the parent is gone."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read_commands, args=(loop,), daemon=True).start()
        self._service.start()
        obeying = asyncio.create_task(self._obey())
        event = await self._service.next_event()
        while not isinstance(event, Stopped):
            self._take(event)
            event = self._service.poll_event() or await self._service.next_event()  # in batches, as front-ends do
        obeying.cancel()
        self._service.join(3)

    def _read_commands(self, loop: asyncio.AbstractEventLoop) -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(self._commands.put_nowait, json.loads(line))
        loop.call_soon_threadsafe(self._commands.put_nowait, {"do": "stop"})

    def _take(self, event: object) -> None:
        match event:
            case MessageReceived() | DirectReceived():
                self._note(event.text)
            case MessageSent():
                self._sent += 1
                self._tell_sent()
            case MessageRefused():
                self._refused += 1
                self._tell_sent()
            case DirectSent():
                self._confirmed.append(time.monotonic() - self._said_at.pop(event.ticket))
                if len(self._confirmed) == self._to_send:
                    say("confirmed", delays=list(self._confirmed))
            case _:
                self._pass_on(event)

    def _note(self, text: str) -> None:
        """Take note of a text that has come."""
        now = time.monotonic()
        number, _, rest = text.partition(" ")
        self._numbers.append(int(number))
        self._delays.append(now - float(rest.partition(" ")[0]))
        self._first = self._first or now
        self._last = now
        if len(self._numbers) == self._expected:
            self._report()

    def _pass_on(self, event: object) -> None:
        match event:
            case Ready():
                address = next(text for text in event.addresses if text.startswith("/ip4/127.0.0.1/"))
                say("ready", address=address)
            case PeerJoined():
                say("joined", peer=event.peer_id)
            case PeerDisconnected():
                say("disconnected", peer=event.peer_id)
            case Dropped():
                say("dropped", count=event.count, reason=event.what)
            case Failed():
                say("failed", reason=event.reason)

    def _tell_sent(self) -> None:
        if self._sent + self._refused == self._to_send:
            say("sent", sent=self._sent, refused=self._refused)

    def _report(self) -> None:
        say(
            "received",
            delays=list(self._delays),
            in_order=list(self._numbers) == sorted(self._numbers),
            distinct=len(set(self._numbers)),
            seconds=self._last - self._first,
        )

    async def _obey(self) -> None:
        while True:
            command = await self._commands.get()
            match command["do"]:
                case "send":
                    await self._send(command["count"], command["rate"])
                case "direct":
                    await self._send_direct(command["peer"], command["count"], command["rate"])
                case "expect":
                    self._expected = command["count"]
                    self._numbers, self._delays, self._first = array("l"), array("d"), 0.0
                    say("expecting")
                case "report":
                    self._report()
                case "stop":
                    self._service.request(Stop(self._service.new_ticket()))

    async def _send(self, count: int, rate: float) -> None:
        """Hand `count` texts to the service, evenly, at `rate` a second (0: all at once)."""
        self._to_send, self._sent, self._refused = count, 0, 0
        start = time.monotonic()
        for number in range(count):
            if rate:
                wait = start + number / rate - time.monotonic()
                if wait > 0:
                    await asyncio.sleep(wait)
            text = f"{number} {time.monotonic():.6f} ".ljust(TEXT_BYTES, ".")
            request = SendText(self._service.new_ticket(), text)
            while number - self._sent - self._refused >= WINDOW or not self._service.request(request):  # noqa: ASYNC110
                await asyncio.sleep(0.001)  # the text's time stands: what it waits here is part of its delay
        say("handed over", seconds=time.monotonic() - start)

    async def _send_direct(self, peer_id: str, count: int, rate: float) -> None:
        """Hand `count` direct messages to the service, evenly, at `rate` a second."""
        self._to_send, self._confirmed = count, array("d")
        start = time.monotonic()
        for number in range(count):
            await asyncio.sleep(max(0.0, start + number / rate - time.monotonic()))
            ticket = self._service.new_ticket()
            self._said_at[ticket] = now = time.monotonic()
            text = f"{number} {now:.6f} ".ljust(TEXT_BYTES, ".")
            self._service.request(SendDirect(ticket, peer_id, text))


def main() -> None:
    """Run with the wishes in the first argument, a JSON object of Settings' fields."""
    wishes = json.loads(sys.argv[1])
    wishes["connect"] = tuple(wishes.get("connect", ()))
    wishes["transports"] = Transports(stock=wishes.pop("stock_net", False))
    asyncio.run(ServicePeer(Settings(**wishes)).run())


if __name__ == "__main__":
    main()
