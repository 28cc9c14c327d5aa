"""The full screen: which widgets there are, where, and what leads from one to the other.

What is typed and chosen goes to a `Behind` (chat.py); what has happened comes from it as entries, rows and lines.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.constants import DRIVER
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Input, TextArea

from py_peer.core.commands import COMMANDS
from py_peer.core.entries import Entry, Kind
from py_peer.core.roster import State
from py_peer.core.speakers import Name
from py_peer.core.topics import ROOM_TOPIC
from py_peer.ui.colours import themed
from py_peer.ui.composer import Composer
from py_peer.ui.failure_page import FailurePage
from py_peer.ui.find_bar import FindBar
from py_peer.ui.header import Header
from py_peer.ui.help_page import HelpPage, everything
from py_peer.ui.hint import Hint
from py_peer.ui.keys import TURNING
from py_peer.ui.log_view import LogView
from py_peer.ui.logs import Logs
from py_peer.ui.peer_menu import IGNORE, UNIGNORE, PeerMenu
from py_peer.ui.peers_panel import PeersPanel
from py_peer.ui.prompt_screen import PromptScreen
from py_peer.ui.tab_bar import TabBar
from py_peer.ui.terminal import Attention
from py_peer.ui.transfers import Transfers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.driver import Driver
    from textual.screen import Screen

    from py_peer.core.roster import Roster, Row
    from py_peer.ui.behind import Behind

NARROW_COLUMNS: Final = 72
"""On a narrower screen the room has it all; F3 shows the peers instead."""

SHORT_ROWS: Final = 11
TALL_ROWS: Final = 18
"""On a lower screen the program's own lines are seen with F4 only."""

SYSTEM_ROWS: Final = 3
"""Rows that the System panel has at least, as in styles.tcss; for a longer answer it grows."""


@final
class ChatUI(App[None]):
    """The room, the peers, the program's own lines, and the input under them."""

    CSS_PATH = "styles.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (NARROW_COLUMNS, "-wide")]  # noqa: RUF012 - the base has no ClassVar
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (SHORT_ROWS, "-short"), (TALL_ROWS, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help"),
        Binding("f2", "panel('room')", "Room"),
        Binding("f3", "panel('peers')", "Peers"),
        Binding("f4", "panel('system')", "System"),
        Binding("ctrl+f", "find", "Find", priority=True),  # at once: the next key is for the bar
        *TURNING,
        Binding("f7", "cancel", show=False, priority=True),
        Binding("ctrl+l", "command('/clear')", show=False),
        Binding("ctrl+q", "quit", "Quit", priority=True),
        Binding("ctrl+c", "quit", show=False, system=True),
        Binding("escape", "home", show=False),
        Binding("end", "to_end", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
    ]

    def __init__(self, behind: Behind) -> None:
        # Textual 8.2.8 makes greys of the colours where there should be none, unless they are the terminal's own.
        super().__init__(ansi_color=bool(os.environ.get("NO_COLOR")) or None)
        self.behind = behind
        self.logs = Logs(id="room")
        self.tab_bar = TabBar()
        self.transfers = Transfers()
        self.system = LogView(id="system-log")
        self.composer = Composer(behind.nickname, behind.complete, behind.submitted)
        self.hint = Hint()
        self.attention = Attention(behind.nickname, self._write_to_terminal)
        self.fault: Exception | None = None
        """What has ended the screen, if nobody asked for it."""

        self._header = Header(behind.nickname)
        self._peers = PeersPanel(id="peers")
        self._ignored: tuple[str, ...] = ()
        self._find_bar = FindBar(self.logs.room)
        self._numbers = itertools.count(1)

    # --- What is where ----------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Yield the panels."""
        yield self._header
        yield self.tab_bar
        with Horizontal(id="middle"):
            yield self.logs
            yield self._peers
        with Vertical(id="system") as system:
            system.border_title = " System "
            yield self.system
        yield self.transfers
        yield self._find_bar
        yield self.composer
        with Horizontal(id="foot"):
            yield self.hint
            yield Footer(show_command_palette=False)

    def get_default_screen(self) -> PromptScreen:
        """Return the screen under all pages, which has the classes of its size before it is painted."""
        breakpoints = (self.HORIZONTAL_BREAKPOINTS, self.size.width), (self.VERTICAL_BREAKPOINTS, self.size.height)
        classes = (max(point for point in points if point[0] <= size)[1] for points, size in breakpoints)
        return PromptScreen(id="_default", classes=" ".join(classes))

    def on_mount(self) -> None:
        """Name the program in the terminal's title."""
        self.attention.show_title()
        self.app_resume_signal.subscribe(self, self._resumed)

    def on_ready(self) -> None:
        """Say that the first frame is painted."""
        self.behind.opened()

    @property
    def room(self) -> LogView:
        """The log of the room."""
        return self.logs.room

    @property
    def log_shown(self) -> LogView:
        """The log of the conversation that is shown."""
        return self.logs.current

    # --- What has happened ------------------------------------------------------------------------

    def tell(self, lines: Sequence[str], kind: Kind = Kind.NOTE) -> int:
        """Write `lines` into the System panel, each an entry of its own; return the number of the last."""
        now = time.time()
        entries = [Entry(next(self._numbers), kind, now, line) for line in lines]
        self.system.put(entries)
        return entries[-1].number

    def answer(self, lines: Sequence[str], kind: Kind = Kind.NOTE) -> None:
        """Write the answer to a command into the System panel, which grows if it must."""
        number = self.tell(["\n".join(lines)], kind)
        if len(lines) > SYSTEM_ROWS:
            self.query_one("#system").add_class("-grown")
            self.call_after_refresh(self.system.reveal, number, 0, len(lines))
        if not self.query_one("#system").display:
            self.action_panel("system")

    def show_peers(self, roster: Roster, topic: str = ROOM_TOPIC, size: int = 0) -> None:
        """Show who is there, and so how the room is, or another topic that is shown, where there are `size` others."""
        is_room = topic == ROOM_TOPIC
        self._peers.put(roster.rows(topic), "in room" if is_room else "here")
        self._ignored = roster.ignored
        state, peers = roster.state, roster.room_size
        if not is_room and state in (State.READY, State.ALONE, State.RECONNECTING):
            state, peers = State.READY if size else State.ALONE, size
        self._header.state, self._header.peers = state, peers

    def rename(self, nickname: str) -> None:
        """Show that the user is called something else."""
        self._header.nickname = nickname
        self.composer.rename(nickname)
        self.attention.rename(nickname)

    def show_failure(self, reason: str) -> None:
        """Say that the service has ended, over everything else."""
        self.push_screen(FailurePage(reason), lambda leave: self.behind.leave() if leave else None)

    def show_conversation(self, key: str) -> None:
        """Show another conversation, and let the user write there."""
        self._find_bar.close()
        self.logs.show(key)
        self.action_write()

    def copy_to_clipboard(self, text: str) -> None:
        """Put `text` on the clipboard, and say so; whatever copies comes here."""
        self.copy(text, f"{len(text):,} characters")

    def copy(self, text: str, what: str) -> None:
        """Put `text` on the clipboard, and say what it is."""
        super().copy_to_clipboard(text)
        self.hint.say(f"Copied {what} (OSC 52; a terminal may forbid it)")

    # --- What is typed and chosen -----------------------------------------------------------------

    def on_composer_submitted(self, _event: Composer.Submitted) -> None:
        """Go to the end of the log, where what was said stands, and to where an answer will stand."""
        self.query_one("#system").remove_class("-grown")
        self.log_shown.go_to_end()
        self.system.go_to_end()
        self.attention.look(looking=True)  # who types looks, whatever the terminal says of its focus

    def on_composer_hinted(self, event: Composer.Hinted) -> None:
        """Show what there is to say about the input."""
        self.hint.show(event.hints)

    def on_log_view_copied(self, event: LogView.Copied) -> None:
        """Put what was chosen in a log on the clipboard."""
        self.copy_to_clipboard(event.text)

    def on_log_view_wanted(self, event: LogView.Wanted) -> None:
        """Put a command into the input, where it waits for Enter; what is typed there stays."""
        self.action_write()
        if self.composer.text.strip():
            self.copy(event.command, event.command)
        else:
            self.composer.put(event.command)

    def on_transfers_chosen(self, event: Transfers.Chosen) -> None:
        """Ask whether a transfer is to be ended."""
        self.behind.ask_to_cancel(event.number)

    def on_peers_panel_chosen(self, event: PeersPanel.Chosen) -> None:
        """Offer what can be done with a peer."""
        more = UNIGNORE if event.row.peer_id in self._ignored else IGNORE
        self.push_screen(PeerMenu(event.row, (more,)), lambda wish: self._do_with(event.row, wish or ""))

    async def on_event(self, event: events.Event) -> None:
        """Go to the input first with what is typed or pasted where nothing can be written.

        It is decided here, where keys come one after the other. Over a slow line several come at once, and one that
        has come back from the widget with the focus would come after those behind it.
        """
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded and self._is_for_input(event):
            self.action_write()
        await super().on_event(event)

    def _is_for_input(self, event: events.Key | events.Paste) -> bool:
        if self.screen is not self.screen_stack[0] or isinstance(self.focused, Input | TextArea):
            return False
        return isinstance(event, events.Paste) or (event.is_printable and event.key not in self.screen.active_bindings)

    def on_app_focus(self) -> None:
        """Note that the user looks."""
        self.attention.look(looking=True)

    def on_app_blur(self) -> None:
        """Note that the user looks elsewhere."""
        self.attention.look(looking=False)

    def _do_with(self, row: Row, wish: str) -> None:
        match wish:
            case "mention":
                self.action_write()
                self.composer.insert(f"{Name(row.nick, row.plain).of(row.peer_id)}: ")
            case "copy-id":
                self.copy(row.peer_id, "the peer ID")
            case "copy-address":
                self.copy(row.address, "the address")
            case "msg" | "whois" | "ping" | "disconnect" | "ignore" | "unignore":
                self.action_command(f"/{wish} {row.peer_id}")

    # --- Keys -------------------------------------------------------------------------------------

    async def action_quit(self) -> None:
        """Leave the program."""
        self.behind.leave()

    async def key_ctrl_c(self) -> None:
        """Leave from a page, too: the bindings of the app end under it."""
        await self.action_quit()

    def action_write(self) -> None:
        """Go back to the input."""
        self._show_panel("")
        self.screen_stack[0].set_focus(self.composer)

    def action_home(self) -> None:
        """Go back to the input, and to the end of the log."""
        self.query_one("#system").remove_class("-grown")
        self.action_write()
        self.log_shown.go_to_end()

    def action_panel(self, name: str) -> None:
        """Go to a panel; where there is no room for it beside the room, it takes its place."""
        self._show_panel(name)
        {"room": self.log_shown, "peers": self._peers, "system": self.system}[name].focus()

    def action_to_end(self) -> None:
        """Go to the end of the log."""
        self.log_shown.go_to_end()

    def action_page(self, pages: int) -> None:
        """Scroll the log by a page."""
        self.log_shown.action_page(pages)

    def action_conversation(self, step: int) -> None:
        """Go to the conversation before or after, unless a page stands before them."""
        if self.screen is self.screen_stack[0]:
            self.behind.turn(step)

    def action_conversation_number(self, number: int) -> None:
        """Go to a conversation, counted from 1, unless a page stands before it."""
        if self.screen is self.screen_stack[0]:
            self.behind.go_to(number - 1)

    def on_tab_bar_chosen(self, event: TabBar.Chosen) -> None:
        """Go to the conversation that was clicked at."""
        self.behind.go_to(event.index)

    def action_cancel(self) -> None:
        """Ask which transfer is to be ended, unless a page stands before them."""
        if self.screen is self.screen_stack[0]:
            self.behind.ask_to_cancel(0)

    def action_command(self, line: str) -> None:
        """Do a command of the table."""
        self.behind.submitted(line)

    def action_help(self) -> None:
        """Show the commands and the keys."""
        self.push_screen(HelpPage(everything()))

    def action_find(self) -> None:
        """Search in the log, unless a page stands before it."""
        if self.screen is self.screen_stack[0]:
            self.find("")

    def find(self, text: str) -> None:
        """Search in the log for `text`, or let it be typed."""
        self._show_panel("")
        self._find_bar.open(self.log_shown, text)

    def on_find_bar_closed(self) -> None:
        """End the search."""
        self.action_write()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Yield what the command palette offers: the commands of the table first."""
        for entry in COMMANDS:
            yield SystemCommand(entry.usage, entry.help, lambda entry=entry: self._begin(entry.name, entry.arguments))
        yield from (command for command in super().get_system_commands(screen) if command.title != "Quit")

    def _begin(self, name: str, arguments: str) -> None:
        if arguments:
            self.action_write()
            self.composer.put(f"/{name} ")
        else:
            self.action_command(f"/{name}")

    def _show_panel(self, name: str) -> None:
        for panel in ("peers", "system"):
            self.screen_stack[0].set_class(panel == name, f"-show-{panel}")

    # --- The terminal -----------------------------------------------------------------------------

    def get_css_variables(self) -> dict[str, str]:
        """Return the colours of the theme, all of them readable."""
        theme = self.current_theme
        self.theme_variables = themed(super().get_css_variables(), dark=theme.dark, ansi=theme.ansi)
        return self.theme_variables

    def get_driver_class(self) -> type[Driver]:
        """Return the driver that paints on standard output, where the screen is not painted elsewhere."""
        if DRIVER is None and sys.platform != "win32":
            from py_peer.ui.driver import OutputDriver  # noqa: PLC0415 - POSIX only

            return OutputDriver
        return super().get_driver_class()

    def _resumed(self, _app: App[Any]) -> None:
        """Paint everything anew: while the program was stopped the terminal was somebody else's."""
        self.attention.show_title()
        self.refresh(layout=True)

    def _write_to_terminal(self, sequence: str) -> None:
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence)

    def _handle_exception(self, error: Exception) -> None:
        self.fault = self.fault or error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        # Textual 8.2.8 prints a traceback with the values of all variables, remote text among them; ours is logged.
        self._close_messages_no_wait()
