"""The front-end behind the full screen: the service's events become what is shown, what is typed becomes requests."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import sys
import time
from typing import TYPE_CHECKING, Any, Final, final

from py_peer.core.addresses import parse_peer_id
from py_peer.core.commands import LAST_MESSAGES, commands_line
from py_peer.core.conversations import ROOM, STRANGERS
from py_peer.core.dht_events import KeyProvided, LookupFailed, ProvidersFound, ValueFound, ValuePut
from py_peer.core.direct_events import DirectReceived, DirectRefused, DirectSent, DirectWaiting
from py_peer.core.entries import Kind
from py_peer.core.events import (
    AddressesChanged,
    DialFailed,
    Dropped,
    MessageRefused,
    NickLearned,
    NicknameChanged,
    PeerBanned,
    Ready,
    Started,
)
from py_peer.core.file_events import (
    FileOffered,
    FilesReport,
    HashingProgress,
    TransferDone,
    TransferFailed,
    TransferProgress,
)
from py_peer.core.git_events import CommitNotShown, CommitPosted, CommitShown
from py_peer.core.journal import Journal
from py_peer.core.nostr_events import NostrBound, NostrHeard, NostrRelayDown, NostrReport
from py_peer.core.requests import RequestFiles, SendDirect, SendText
from py_peer.core.roster import Roster
from py_peer.core.sizes import oversize_text, without_surrogates
from py_peer.core.topics import ROOM_TOPIC, topic_of
from py_peer.core.typed_lines import Command, Misused, Nothing, Say, Unknown, parse_line
from py_peer.demo.cast import Cast
from py_peer.frontends.answer_lines import multiaddr_lines, not_one_lines
from py_peer.frontends.discovery_lines import folded
from py_peer.frontends.file_lines import fetched_again
from py_peer.frontends.front_end import STARTING
from py_peer.frontends.git_lines import body
from py_peer.frontends.interactive import Chat
from py_peer.frontends.invite import invite_line, qr_rows
from py_peer.frontends.lines import first_address, remark, sentence
from py_peer.ui.app import ChatUI
from py_peer.ui.invite_page import InvitePage
from py_peer.ui.prompt_screen import FRAME_SECONDS
from py_peer.ui.tabs import NOBODY, Tabs
from py_peer.ui.terminal import screen_restorer
from py_peer.ui.transfers import CancelPage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from py_peer.core.entries import Entry
    from py_peer.core.events import DiscoveryReport, Event, Statistics, StatusReport
    from py_peer.core.requests import Request
    from py_peer.frontends.arguments import Arguments
    from py_peer.frontends.front_end import Service
    from py_peer.frontends.leaving import Watchdog
    from py_peer.frontends.log_setup import HeldLog
    from py_peer.frontends.screen import Screen

CLOSE_SECONDS: Final = 1.0
"""For the screen to give the terminal back."""

SWITCH_SECONDS: Final = 0.0005
TOO_BUSY: Final = "too much waits already for the service; try again in a moment"


@final
class FullScreenChat(Chat):
    """Drives one service and owns the screen."""

    bare_quit = False
    pause = FRAME_SECONDS  # more would be painted in the same frame anyway, at the price of each batch

    def __init__(
        self, service: Service, screen: Screen, watchdog: Watchdog, held: HeldLog | None, arguments: Arguments
    ) -> None:
        """Start `service` once the screen has been painted. Lines of the log that `held` keeps are shown too."""
        super().__init__(service, screen, watchdog)
        self.nickname = arguments.settings.nickname
        self.journal = Journal(self.nickname, topic=ROOM_TOPIC)
        self.roster = Roster(named=bool(arguments.settings.connect))
        self.handlers |= {
            "multiaddr": self.show_multiaddr,
            "bell": self._switch_bell,
            "notify": self._switch_notifications,
            "close": self._close,
        }
        self.ui = ChatUI(self)
        self.tabs = Tabs(self.ui, self.nickname)
        self.ui.attention.bell = arguments.bell
        self.ui.attention.desktop = arguments.notify
        if arguments.theme is not None:
            self.ui.theme = arguments.theme
        self._named = set(arguments.settings.connect)
        self.talk.start(arguments.settings.topics)
        self._held = held
        self._cast = Cast(self.nickname, self._miss) if arguments.demo else None
        self._closed = asyncio.Event()
        self._tasks: set[asyncio.Future[None]] = set()
        self._drafts: list[str] = []
        self._cancelling = RequestFiles(0), 0
        """What F7 or a click has asked last, and the number of the transfer that was clicked at."""

        self._within = contextvars.copy_context()
        """The context of the running screen: Textual finds its app in it."""

    async def work(self) -> None:
        """Show the screen until the user leaves it."""
        self._watchdog.restore_terminal = screen_restorer()
        try:
            await self.ui.run_async()
        finally:
            self._drafts = self.tabs.drafts()
            self._closed.set()
            if self._held is not None:
                self._held.let_go()
        if self.ui.fault is not None:
            raise self.ui.fault
        self.leave()

    def opened(self) -> None:
        """Start what has waited for the first frame: importing libp2p would have taken half of its time."""
        self._within = contextvars.copy_context()
        # The service's thread gives the lock away for every signature, and would wait 5 ms to get it back from a
        # screen that is being painted: a flood was three times as long on its way, a message twice.
        sys.setswitchinterval(SWITCH_SECONDS)
        self.service.start()
        self.ui.tell([STARTING, "Universal Connectivity Chat Started", f"Nickname: {self.nickname}"])
        for topic in self.talk.topics.joined:
            self.talks_on(topic)
        if self._held is not None:
            self._do(self._show_log(self._held))

    async def close_input(self) -> None:
        """Close the screen, which gives the terminal back."""
        self.roster.leave()
        for task in self._tasks:
            task.cancel()
        if self.ui.is_running:
            self.ui.exit()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), CLOSE_SECONDS)
        if self._cast is not None:
            self._cast.close()

    def failed(self) -> None:
        """Stay: the service is about to end, and then the user is told."""

    async def linger(self, leaving: asyncio.Task[Any]) -> None:
        """Say what has happened, and stay until the user leaves."""
        if self.ui.is_running:
            self._within.run(self.ui.show_failure, self.complaint().removeprefix("py-peer: "))
            await asyncio.wait((leaving,))

    def last_lines(self) -> list[str]:
        """Say what was typed and not sent, drafts too."""
        return [*super().last_lines(), *self._drafts]

    # --- What is shown ----------------------------------------------------------------------------

    async def show(self, events: Sequence[Event]) -> None:
        """Show a batch of events."""
        if self.ui.is_running:  # what comes while the program leaves has no screen to be shown on
            await asyncio.create_task(self._show(events), context=self._within)
            self._show_peers()

    def _show_peers(self) -> None:
        """Show who is there, and how many are where the user talks."""
        topic = self.tabs.topic
        self.talk.topics.current = topic
        self.ui.show_peers(self.roster, topic or ROOM_TOPIC, self.size_of(topic))

    async def _show(self, events: Sequence[Event]) -> None:
        await super().show(events)
        self.tabs.tell(events, time.time())
        self.ui.transfers.put(self.exchange.files)

    def record(self, entries: Sequence[Entry]) -> None:
        """Show entries of the room; call the user who is named in one."""
        self.ui.room.put(entries)
        self.tabs.heard_in_room(entries)
        if named := [entry for entry in entries if entry.mention]:
            self.ui.attention.named(len(named), named[-1].author, named[-1].text)

    async def narrate(self, events: Sequence[Event]) -> None:  # noqa: C901, PLR0912 - one for each type
        """Tell what is about connections rather than people."""
        for event in folded(events):
            match event:
                case Started():
                    self.ui.tell([f"Local peer id: {event.peer_id}"])
                case Ready():
                    lines = [
                        f"Multiaddr: {first_address(event.addresses, event.peer_id)}",
                        remark(event.addresses),
                        commands_line(full_screen=True),
                        f"Joined chat room as '{event.nickname}'",
                    ]
                    self.ui.tell([line for line in lines if line])
                    if self._cast is not None:
                        self._do(self._cast.run(event.addresses[0]))
                case MessageRefused():
                    slash = "/" * event.text.startswith("/")  # as it was typed
                    self.tabs.refused(slash + event.text, event.reason, event.topic)
                case DialFailed() if event.address in self._named:
                    self.ui.tell([f"{sentence(event)}; it is tried again"], Kind.WARNING)
                case DialFailed() | Dropped() | PeerBanned() | NostrRelayDown():
                    self.ui.tell([sentence(event)], Kind.WARNING)
                case NicknameChanged():
                    self.nickname = event.nickname
                    self.ui.rename(event.nickname)
                case NickLearned() | DirectReceived() | DirectSent() | DirectRefused() | CommitPosted():
                    pass  # it is told in the conversations
                case DirectWaiting() if event.ticket:
                    pass
                case NostrBound() if not self.roster.is_told_of(event.peer_id):
                    pass
                case TransferProgress() | HashingProgress():
                    pass  # there are bars for that
                case FileOffered(offer=offer):
                    self._note(sentence(event), command=f"/get {offer.file_id}")
                case TransferDone() | NostrHeard():
                    self._note(sentence(event, self.roster.called))
                case TransferFailed():
                    again = fetched_again(event) if event.kept else ""
                    self._note(sentence(event), Kind.NOTE if event.cancelled else Kind.WARNING, again)
                case NostrReport() | ValuePut() | ValueFound() | KeyProvided() | ProvidersFound() | LookupFailed():
                    await self.print_lines(sentence(event, self.roster.called).split("\n"))
                case CommitShown():
                    self.ui.answer([sentence(event, self.roster.called), *body(event)], Kind.PATCH)
                case CommitNotShown():
                    self.ui.tell([sentence(event, self.roster.called)], Kind.WARNING)
                case AddressesChanged():
                    if text := sentence(event):
                        self.ui.tell([text])
                    if isinstance(self.ui.screen, InvitePage):  # nobody should copy what leads nowhere any more
                        self.ui.pop_screen()
                        self._do(self.invite(""))
                case _:
                    if text := sentence(event, self.roster.called):
                        self.ui.tell([text])

    def _note(self, text: str, kind: Kind = Kind.NOTE, command: str = "") -> None:
        """Tell in the room what is about files; it is looked for there later."""
        self.record(self.journal.note(text, time.time(), kind, command))

    def columns(self) -> int | None:
        """Leave it to the panel to break lines."""
        return None

    async def print_lines(self, lines: Sequence[str]) -> None:
        """Show the answer to a command, without the sign that sets lines of the program off from messages elsewhere."""
        self.ui.answer([line.removeprefix("📡 ").removeprefix("❌ ") for line in lines])

    # --- What is typed ----------------------------------------------------------------------------

    def submitted(self, text: str) -> str:
        """Take what was typed; return why it was not taken, or ""."""
        match parse_line(text, bare_quit=False, meant=self.exchange.meant):
            case Say(text=said):
                return self._say(without_surrogates(said), self.tabs.peer_id)
            case Command(name="quit"):
                self.leave()
            case Command() as command:
                self._do(self.do(command))
            case Misused(alone=peer) if peer:
                self._do(self._open(peer))
            case Unknown() | Misused() as wrong:
                self.ui.tell([wrong.report()], Kind.WARNING)
                return wrong.report()
            case Nothing():
                pass
        return ""

    def _say(self, text: str, peer_id: str) -> str:
        if peer_id == STRANGERS:
            return f"Not sent: {NOBODY}"
        if reason := oversize_text(text):
            return f"Not sent: {reason}"
        ticket = self.service.new_ticket()
        topic = topic_of(peer_id)
        if not self.service.request(SendText(ticket, text, topic) if topic else SendDirect(ticket, peer_id, text)):
            return f"Not sent: {TOO_BUSY}"
        if topic:
            self.outstanding[ticket] = topic
        else:
            self.exchange.on_their_way.add(ticket)
        if peer_id == ROOM:
            self.record(self.journal.said(ticket, text, time.time()))
        else:
            self.tabs.said(ticket, text)
        return ""

    async def ask(self, request: Request) -> None:
        """Pass a request to the service; go where it is seen what becomes of it."""
        if isinstance(request, SendDirect):
            self.tabs.open(request.peer_id, self.roster.name(request.peer_id))
            self.tabs.said(request.ticket, request.text)
        await super().ask(request)

    # --- Commands ---------------------------------------------------------------------------------

    async def show_help(self, _argument: str) -> None:
        """Open the page of commands and keys."""
        self.ui.action_help()

    async def show_last(self, argument: str) -> None:
        """Bring back the last messages, and go to the first of them."""
        count = int(argument or LAST_MESSAGES)
        self.ui.log_shown.show_last(count)
        self.ui.hint.say(f"The last {count} messages, or as many as are kept" if count > 1 else "The last message")

    async def find(self, argument: str) -> None:
        """Search in the conversation that is shown."""
        self.ui.find(argument)

    async def clear(self, _argument: str) -> None:
        """Empty the panel of the conversation that is shown; the messages are kept."""
        self.ui.log_shown.clear()
        if self.tabs.peer_id == ROOM:
            self.journal.end_fold()

    async def invite(self, _argument: str) -> None:
        """Open the page with the line and the code that lead here."""
        await self.question(self._open_invitation)

    async def connect(self, argument: str) -> None:
        """Dial an address; when that fails it is tried again."""
        self._named.add(argument)
        await super().connect(argument)

    async def show_multiaddr(self, _argument: str) -> None:
        """Show the address to hand on, and copy it."""
        await self.question(self._copy_multiaddr)

    async def _open(self, word: str) -> None:
        """Go to the conversation with a peer."""
        found = self.roster.find_again(word)
        if not found and parse_peer_id(word) and not self.roster.is_self(word):
            found = [word]
        if len(found) == 1:
            self.tabs.open(found[0], self.roster.name(found[0]))
            self._show_peers()
        else:
            await self.print_lines(not_one_lines(self.roster, found, word))

    async def _close(self, _argument: str) -> None:
        """Close the conversation that is shown."""
        if self.tabs.topic not in ("", ROOM_TOPIC):
            await self.handlers["leave"](self.tabs.peer_id)
        elif reason := self.tabs.close():
            await self.print_lines([reason])
        self._show_peers()

    def talks_on(self, topic: str) -> None:
        """Go to a topic, or to the room."""
        if topic:
            self.tabs.join(topic)
        self._show_peers()

    def why_nowhere(self) -> str:
        """Return that the user talks to one peer alone."""
        return "" if self.tabs.topic else "commits are for the room or a topic; go there first"

    def was_never_on(self, topic: str) -> None:
        """Close the tab of a topic that was not joined."""
        self.tabs.leave(topic)

    def turn(self, step: int) -> None:
        """Go to the conversation before or after."""
        self.tabs.turn(step)
        self._show_peers()

    def go_to(self, index: int) -> None:
        """Go to a conversation."""
        self.tabs.go_to(index)
        self._show_peers()

    def ask_to_cancel(self, number: int) -> None:
        """Ask which transfer is to be ended; those that wait for their turn are known to the service alone."""
        self._cancelling = RequestFiles(self.service.new_ticket()), number
        self._do(self.ask_when_ready(self._cancelling[0]))

    async def answer(self, report: StatusReport | Statistics | DiscoveryReport | FilesReport) -> None:
        """Show the answer to a question; F7 has asked one, too."""
        request, number = self._cancelling
        if not isinstance(report, FilesReport) or report.ticket != request.ticket:
            await super().answer(report)
        elif report.transfers and len(self.ui.screen_stack) == 1:  # unless a page has opened meanwhile
            self.ui.push_screen(CancelPage(report.transfers, number), self._cancel)

    def _cancel(self, number: int | None) -> None:
        if number:
            self.submitted(f"/cancel {number}")

    def _open_invitation(self, report: StatusReport) -> list[str]:
        address = first_address(report.addresses, report.peer_id)
        text = remark(report.addresses)
        self.ui.push_screen(InvitePage(invite_line(address), [] if text else qr_rows(address, quiet=0), text))
        return []

    def _copy_multiaddr(self, report: StatusReport) -> list[str]:
        self.ui.copy(first_address(report.addresses, report.peer_id), "the multiaddress")
        return multiaddr_lines(report)

    async def _switch_bell(self, argument: str) -> None:
        self.ui.attention.bell = argument.lower() == "on"
        self.ui.tell([f"The bell is {argument.lower()}"])

    async def _switch_notifications(self, argument: str) -> None:
        self.ui.attention.desktop = argument.lower() == "on"
        self.ui.tell([f"Desktop notifications are {argument.lower()}"])

    def _miss(self, loss: str) -> None:
        """Tell that somebody of the demo is gone."""
        self.ui.tell([loss], Kind.WARNING)

    # --- In the background ------------------------------------------------------------------------

    def _do(self, work: Awaitable[None]) -> None:
        """Do something that may wait; a fault of it ends the program as any other does."""

        async def soon() -> None:
            # Textual has tasks begin at once: a command would be done while it still stands in the input.
            await asyncio.sleep(0)
            await work

        task = asyncio.ensure_future(soon())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self.note_fault)

    async def _show_log(self, held: HeldLog) -> None:
        """Show log lines as they come."""
        async for lines in held.follow():
            self.ui.tell(lines)
