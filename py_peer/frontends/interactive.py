"""The chat in plain lines: what is typed goes to the room, what happens is told.

`TerminalChat` (typed.py) keeps the line being typed whole on a terminal; `PlainChat` (piped.py) reads and writes plain
lines. Here is what both do: obey what was typed, and know which texts have not gone out yet.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final, TypeAlias

from py_peer.core import limits
from py_peer.core.addresses import parse_peer_id
from py_peer.core.commands import LAST_MESSAGES, help_lines
from py_peer.core.completion import complete
from py_peer.core.events import DiscoveryReport, Dropped, MessageRefused, MessageSent, Statistics, StatusReport
from py_peer.core.file_events import FilesReport, HashingProgress
from py_peer.core.journal import Journal
from py_peer.core.requests import (
    Connect,
    Disconnect,
    Ignore,
    PingPeer,
    RequestDiscovery,
    RequestStatistics,
    RequestStatus,
    SendText,
    SetNickname,
    Stop,
    StopDialling,
    Unignore,
)
from py_peer.core.roster import Roster
from py_peer.core.sizes import without_surrogates
from py_peer.core.transcript import Transcript
from py_peer.core.typed_lines import Command, Misused, Nothing, Say, Unknown, parse_line
from py_peer.frontends.answer_lines import (
    found_lines,
    ignored_lines,
    invite_lines,
    last_messages_lines,
    multiaddr_lines,
    not_one_lines,
    peers_lines,
    status_lines,
    whois_lines,
)
from py_peer.frontends.direct_lines import direct_end_lines
from py_peer.frontends.discovery_lines import discovery_lines, folded
from py_peer.frontends.exchange import Exchange
from py_peer.frontends.figure_lines import stats_lines
from py_peer.frontends.file_lines import files_lines
from py_peer.frontends.front_end import FrontEnd
from py_peer.frontends.git_commands import GitCommands
from py_peer.frontends.key_value import KeyValue
from py_peer.frontends.lines import Narrator, broken, unsent_line
from py_peer.frontends.nostr_commands import NostrCommands
from py_peer.frontends.paths import paths_like
from py_peer.frontends.screen import on_a_terminal
from py_peer.frontends.talk import Talk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from py_peer.core.completion import Completion
    from py_peer.core.entries import Entry
    from py_peer.core.events import Event
    from py_peer.core.requests import Request
    from py_peer.frontends.front_end import Service
    from py_peer.frontends.leaving import Watchdog
    from py_peer.frontends.log_setup import HeldLog
    from py_peer.frontends.screen import Screen

Handler: TypeAlias = "Callable[..., Awaitable[object]]"
"""Does a command; takes its argument, "" if there is none, and the second one if the command has two."""

LAST_WORDS_SECONDS: Final = 0.4
"""How long a hurried leave takes to send what was typed just before."""

log = logging.getLogger(__name__)


class Chat(FrontEnd):
    """What a chat does with what was typed, wherever it comes from, and what it remembers of what happens.

    A front-end that does a command in its own way overrides its method, or puts a row of its own into `handlers`.
    """

    bare_quit = True
    """Whether the words quit, exit and q leave without a slash, too."""

    def __init__(self, service: Service, screen: Screen, watchdog: Watchdog) -> None:
        super().__init__(service, screen, watchdog)
        self.outstanding: dict[int, str] = {}
        """Tickets of texts that were neither sent nor refused yet, and the topic that each is for."""

        self.refused = 0
        self.unread = 0
        """Lines of the input that nobody has looked at. What they say is not known: messages, commands."""

        self.changed = asyncio.Event()
        """Set when something has come from the service."""

        self.journal = Journal()
        self.transcript = Transcript(limits.LOG_ENTRIES, limits.LOG_CHARS)
        self.roster = Roster()
        self.handlers: dict[str, Handler] = {
            "peers": lambda _: self.question(lambda report: peers_lines(report, self.columns())),
            "status": lambda _: self.question(lambda report: status_lines(report, self.columns(), self.roster.nick)),
            "discover": lambda _: self.ask_when_ready(RequestDiscovery(self.service.new_ticket())),
            "stats": lambda _: self.ask_when_ready(RequestStatistics(self.service.new_ticket())),
            "multiaddr": lambda _: self.question(multiaddr_lines),
            "invite": self.invite,
            "nick": self.nick,
            "connect": self.connect,
            "disconnect": self.disconnect,
            "ping": lambda word: self.ask_about(word, PingPeer),
            "whois": self.whois,
            "ignore": self.ignore,
            "unignore": self.unignore,
            "last": self.show_last,
            "find": self.find,
            "clear": self.clear,
            "help": self.show_help,
        }
        """The commands that this front-end does, by their names in the table; /quit is every caller's own."""

        self.exchange = Exchange(self)
        self.key_value = KeyValue(self)
        self.git = GitCommands(self)
        self.handlers |= self.exchange.handlers | self.key_value.handlers | self.git.handlers

        self.handlers |= NostrCommands(self).handlers
        self.talk = Talk(self)
        self.handlers |= self.talk.handlers
        self.unanswered: set[int] = set()
        """Tickets of requests, other than texts and questions, that no event has answered yet."""

        self._questions: dict[int, Callable[[StatusReport], list[str]]] = {}
        self._unasked: list[Request] = []
        """What is asked when the service is ready, in this order."""

        self._stale = False
        self._resync: int | None = None
        self._narrator = Narrator(screen.columns, self.roster)

    # --- What is shown ----------------------------------------------------------------------------

    async def print_lines(self, lines: Sequence[str]) -> None:
        """Print `lines`, each of them whole."""
        self.screen.show(lines)

    async def narrate(self, events: Sequence[Event]) -> None:
        """Tell what has happened."""
        if lines := self._narrator.lines(folded(events)):
            await self.print_lines(lines)

    def record(self, entries: Sequence[Entry]) -> None:
        """Keep entries of the journal."""
        self.transcript.put(entries)

    def columns(self) -> int | None:
        """Return how many columns a line of an answer may have; None where nobody breaks it, or somebody later."""
        return self.screen.columns()

    async def show(self, events: Sequence[Event]) -> None:
        """Show a batch of events, and each answer in its place among them."""
        now = time.time()
        self.record([entry for event in events for entry in self.journal.tell(event, now)])
        told: list[Event] = []
        for event in events:
            if isinstance(event, StatusReport | Statistics | DiscoveryReport | FilesReport):
                await self.narrate(told)
                told.clear()
                await self.answer(event)
            else:
                told.append(event)
        await self.narrate(told)
        await self._ask_what_waits()
        self.changed.set()

    def note(self, event: Event) -> None:
        """Remember who is there, and which texts are still on their way."""
        super().note(event)
        self.roster.tell(event, time.time())
        self.exchange.note(event)
        self.talk.note(event)
        self.key_value.note(event)
        self.git.note(event)
        if not isinstance(event, HashingProgress):  # the answer is still to come
            self.unanswered.discard(getattr(event, "ticket", 0))
        match event:
            case MessageSent():
                self.outstanding.pop(event.ticket, None)
            case MessageRefused():
                self.outstanding.pop(event.ticket, None)
                self.refused += 1
            case Dropped():
                self._stale = True
            case StatusReport() if event.ticket == self._resync:
                self._resync = None
            case _:
                pass

    # --- What is typed ----------------------------------------------------------------------------

    def complete(self, text: str, cursor: int) -> Completion:
        """Return what the word that ends at `cursor` can become."""
        if text.startswith("/unignore "):
            return complete(text, cursor, self.roster.names(self.roster.ignored), self.roster.ignored)
        addresses = self.roster.addresses()
        if text.startswith("/disconnect "):
            addresses = [*self.roster.dialling, *addresses]
        return complete(
            text,
            cursor,
            self.roster.names(),
            addresses,
            [*self.exchange.words(text), *self.talk.words(text), *self.git.words(text)],
            paths_like,
        )

    async def obey(self, line: str) -> bool:
        """Do what `line` says; False if it says to leave."""
        match parse_line(line, bare_quit=self.bare_quit, meant=self.exchange.meant):
            case Say(text=text):
                await self.say(text)
            case Command(name="quit"):
                return False
            case Command() as command:
                await self.do(command)
            case Unknown() | Misused() as wrong:
                await self.print_lines(broken(wrong.report(), self.columns()))
            case Nothing():
                pass
        return True

    async def do(self, command: Command) -> None:
        """Do what a command says."""
        if (handler := self.handlers.get(command.name)) is None:
            await self.print_lines([f"/{command.name} is for the full screen: py-peer --ui"])
        else:
            await handler(command.argument, *command.more)

    async def say(self, text: str, topic: str = "") -> None:
        """Send `text` to where the user talks, or on another topic."""
        ticket = self.service.new_ticket()
        text, topic = without_surrogates(text), topic or self.talk.topics.current
        self.outstanding[ticket] = topic
        self.record(self.journal.said(ticket, text, time.time(), topic))
        await self.ask(SendText(ticket, text, topic))

    def talks_on(self, topic: str) -> None:
        """Show where what is typed goes from now on."""

    def was_never_on(self, topic: str) -> None:
        """Show no more a topic that was not joined, and from which the user has turned away."""

    def why_nowhere(self) -> str:
        """Return why what is typed goes neither to the room nor to a topic, or ""."""
        return ""

    async def question(self, answer: Callable[[StatusReport], list[str]]) -> None:
        """Ask for a report, and print what `answer` makes of it; before the service is ready there is none."""
        self.note_question(answer)
        await self._ask_what_waits()

    def note_question(self, answer: Callable[[StatusReport], list[str]]) -> int:
        """Take a question that is to be asked; return its ticket."""
        ticket = self.service.new_ticket()
        self._questions[ticket] = answer
        self._unasked.append(RequestStatus(ticket))
        return ticket

    async def ask_when_ready(self, request: Request) -> None:
        """Pass a request to the service behind all that was asked before; until it is ready it has nothing to tell."""
        self.unanswered.add(request.ticket)
        self._unasked.append(request)
        await self._ask_what_waits()

    async def ask(self, request: Request) -> None:
        """Pass a request to the service; wait while its queue is full."""
        if not isinstance(request, SendText | RequestStatus | Stop):
            self.unanswered.add(request.ticket)
        await super().ask(request)

    async def answered(self) -> None:
        """Wait until every command has been answered."""
        while self._questions or self.unanswered:
            self.changed.clear()
            await self.changed.wait()

    async def ask_about(
        self, word: str, make: Callable[[int, str], Request], among: Sequence[str] | None = None
    ) -> bool:
        """Ask something about the one peer that `word` means; say so when it is nobody or several.

        Return whether it was asked.
        """
        # Of one who is not among them, or has gone, the service says so.
        found = (self.roster.find(word, among) if among else []) or self.roster.find_again(word)
        if not found and not self.roster.is_self(word) and (peer_id := parse_peer_id(word)):
            found = [peer_id]
        if len(found) == 1:
            await self.ask(make(self.service.new_ticket(), found[0]))
        else:
            lines = not_one_lines(self.roster, found, word)
            await self.print_lines([row for line in lines for row in broken(line, self.columns())])
        return len(found) == 1

    # --- Commands ---------------------------------------------------------------------------------

    async def connect(self, argument: str) -> None:
        """Dial an address."""
        await self.ask(Connect(self.service.new_ticket(), argument))

    async def disconnect(self, argument: str) -> None:
        """Let a peer go, or dial an address no more."""
        if argument.startswith("/"):
            await self.ask(StopDialling(self.service.new_ticket(), argument))
            return
        dialled = [address.rpartition("/p2p/")[2] for address in self.roster.dialling if "/p2p/" in address]
        await self.ask_about(argument, Disconnect, None if self.roster.find(argument) else dialled)

    async def invite(self, _argument: str) -> None:
        """Show how others join."""
        await self.question(lambda report: invite_lines(report, self.screen.columns()))

    async def nick(self, argument: str) -> None:
        """Be called something else, or show what the user is called."""
        if argument:
            await self.ask(SetNickname(self.service.new_ticket(), without_surrogates(argument)))
        else:
            await self.question(lambda report: [f"📡 You are called '{report.nickname}'"])

    async def whois(self, argument: str) -> None:
        """Show what is known of a peer."""
        await self.question(lambda _report: whois_lines(self.roster, argument, self.columns()))

    async def ignore(self, argument: str) -> None:
        """Show nothing more of a peer, or show who is ignored."""
        if argument:
            await self.ask_about(argument, Ignore)
        else:
            await self.question(lambda report: ignored_lines(report, self.roster.nick))

    async def unignore(self, argument: str) -> None:
        """Show again what a peer says."""
        await self.ready.wait()  # until then it is not known who is ignored
        await self.ask_about(argument, Unignore, self.roster.ignored)

    async def show_last(self, argument: str) -> None:
        """Show the last messages again."""
        count = int(argument or LAST_MESSAGES)
        await self.print_lines(last_messages_lines(self.transcript, count, self.screen.columns()))

    async def find(self, argument: str) -> None:
        """Show the messages that hold a text."""
        await self.print_lines(found_lines(self.transcript, argument, self.screen.columns()))

    async def clear(self, argument: str) -> None:
        """Empty the screen; what was printed into a pipe stays there."""

    async def show_help(self, _argument: str) -> None:
        """Show the commands."""
        await self.print_lines([row for line in help_lines() for row in broken(line, self.columns())])

    # --- The end ----------------------------------------------------------------------------------

    def unsent(self) -> int:
        """Return how many texts of the user have not gone out, or not to the one peer they are for."""
        return len(self.outstanding) + self.undelivered()

    def undelivered(self) -> int:
        """Return how many direct messages have not been confirmed."""
        return self.exchange.waiting

    def found_nobody(self) -> bool:
        """Return whether texts were not sent because nobody was there. When the service has failed that is why."""
        return not self.reached and self._failed is None

    def drain_seconds(self) -> float:
        """Return how long a hurried leave may take to send what was typed just before."""
        return LAST_WORDS_SECONDS if self.outstanding or self.exchange.on_their_way else 0.0

    def last_lines(self) -> list[str]:
        """Say how many texts were not sent, and how many files are not there."""
        lines = direct_end_lines(self.undelivered(), self.exchange.waiting, self.stopped)
        if count := self.unsent() - self.undelivered() - self.unread:
            lines.append(unsent_line(count, reached=not self.found_nobody()))
        if unfinished := self.exchange.unfinished:
            lines.append(f"⚠️  Not fetched to the end: {unfinished} file(s)")
        if waiting := len(self.key_value.asked):
            lines.append(f"⚠️  Not answered by the DHT: {waiting} request(s)")
        if waiting := len(self.git.asked):
            lines.append(f"⚠️  Not shown yet: {waiting} commit(s)")
        return lines

    async def answer(self, report: StatusReport | Statistics | DiscoveryReport | FilesReport) -> None:
        """Print the answer to the question for which a report was asked."""
        if isinstance(report, Statistics):
            await self.print_lines(stats_lines(report, self.columns()))
            return
        if isinstance(report, DiscoveryReport):
            await self.print_lines(discovery_lines(report, self.columns(), self.roster.ignored))
            return
        if isinstance(report, FilesReport):
            await self.print_lines(files_lines(report, self.columns(), self.roster.called))
            return
        answer = self._questions.pop(report.ticket, None)
        if answer is not None and (lines := answer(report)):
            await self.print_lines(lines)

    async def _ask_what_waits(self) -> None:
        """Ask what could not be asked before the service was ready, and who is there when events were lost."""
        if not self.ready.is_set():
            return
        if self._stale and self._resync is None:
            self._stale = False
            self._resync = self.service.new_ticket()
            self._unasked.append(RequestStatus(self._resync))
        while self._unasked:
            await self.ask(self._unasked.pop(0))


def make_chat(service: Service, screen: Screen, watchdog: Watchdog, held: HeldLog | None, *, patience: float) -> Chat:
    """Return the chat that fits standard input and output; `patience` is as for `PlainChat`."""
    if on_a_terminal():
        from py_peer.frontends.typed import TerminalChat  # noqa: PLC0415 - prompt_toolkit is needed only here

        try:
            return TerminalChat(service, screen, watchdog, held)
        except Exception:
            log.exception("prompt_toolkit cannot drive this terminal; going on with plain lines")
    if held is not None:
        held.let_go()
    from py_peer.frontends.piped import PlainChat  # noqa: PLC0415 - needed only here
    from py_peer.frontends.stdin_lines import standard_input  # noqa: PLC0415

    return PlainChat(service, screen, watchdog, standard_input(), patience=patience)
