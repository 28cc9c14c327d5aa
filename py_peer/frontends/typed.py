"""The chat on a terminal: prompt_toolkit keeps the line being typed whole while others arrive above it.

Enter sends, Alt-Enter breaks the line, a paste of several lines stays one message; Up brings back what was typed, Tab
completes a command, a nickname, a path and so on, Ctrl-C and Ctrl-D leave.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, cast, final

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app, run_in_terminal
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Always, has_focus, has_validation_error
from prompt_toolkit.input import create_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout.containers import ConditionalContainer
from prompt_toolkit.layout.layout import walk
from prompt_toolkit.output import create_output
from prompt_toolkit.shortcuts import CompleteStyle
from prompt_toolkit.validation import ValidationError, Validator

from py_peer.core import limits
from py_peer.core.bars import progress_lines
from py_peer.core.cleaning import is_blank
from py_peer.core.file_events import HashingProgress, TransferProgress
from py_peer.core.sizes import oversize_text
from py_peer.core.topics import shown_topic
from py_peer.core.typed_lines import Command, Misused, Say, Unknown, parse_line
from py_peer.frontends.interactive import Chat
from py_peer.frontends.leaving import terminal_restorer
from py_peer.frontends.lines import broken

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from prompt_toolkit.document import Document
    from prompt_toolkit.layout.containers import Container, Window

    from py_peer.core import completion
    from py_peer.core.events import Event
    from py_peer.frontends.front_end import Service
    from py_peer.frontends.leaving import Watchdog
    from py_peer.frontends.log_setup import HeldLog
    from py_peer.frontends.screen import Screen

Complete: TypeAlias = "Callable[[str, int], completion.Completion]"
Meant: TypeAlias = "Callable[[str, str], Collection[str]]"
"""As for `parse_line`."""

PROMPT: Final = "> "
CLOSE_SECONDS: Final = 0.5


@final
class TerminalChat(Chat):
    """Asks for lines at a prompt and prints everything else above it."""

    def __init__(self, service: Service, screen: Screen, watchdog: Watchdog, held: HeldLog | None) -> None:
        """Print the lines of `held` above the prompt too, on stderr."""
        super().__init__(service, screen, watchdog)
        watchdog.restore_terminal = terminal_restorer()
        self._prompt = _make_prompt(self._head, self.complete, self.exchange.meant)
        self._held = held
        self._closed = asyncio.Event()
        self._closed.set()

    async def work(self) -> None:
        """Ask for lines and obey them until one, or Ctrl-C or Ctrl-D, says to leave."""
        logging_task = asyncio.create_task(self._print_log(self._held)) if self._held is not None else None
        self._closed.clear()
        try:
            with contextlib.suppress(EOFError), self._losing_the_terminal():
                while not self.is_leaving and await self.obey(await self._ask_line()):
                    pass
        finally:
            self._closed.set()
            if logging_task is not None and self._held is not None:
                logging_task.cancel()
                self._held.let_go()
        self.leave()

    async def narrate(self, events: Sequence[Event]) -> None:
        """Tell what has happened; how far a file is, a bar shows that stays where it is."""
        told = [event for event in events if not isinstance(event, TransferProgress | HashingProgress)]
        if len(told) < len(events):
            self._prompt.app.invalidate()
        await super().narrate(told)

    def _head(self) -> str:
        """Return what stands before the line being typed, the bars in lines of their own above it."""
        prompt = f"{shown_topic(self.talk.topics.current)}{PROMPT}"
        if self._prompt.app.is_done:  # what was typed stays on the screen, what was under way does not
            return prompt
        columns = self._prompt.app.output.get_size().columns
        return "".join(f"{line}\n" for line in progress_lines(self.exchange.files, columns - 1)) + prompt

    async def print_lines(self, lines: Sequence[str]) -> None:
        """Print `lines` above the line being typed."""
        with self._losing_the_terminal():
            await run_in_terminal(partial(self.screen.show, lines))

    async def clear(self, argument: str) -> None:
        """Empty the screen; what was scrolled out of it stays."""
        del argument
        output = self._prompt.app.output
        with self._losing_the_terminal():
            output.erase_screen()
            output.cursor_goto(0, 0)
            output.flush()

    def talks_on(self, topic: str) -> None:
        """Show at the prompt where what is typed goes."""
        super().talks_on(topic)
        self._prompt.app.invalidate()

    async def close_input(self) -> None:
        """End the prompt, which gives the terminal back as it was."""
        if self._prompt.app.is_running and not self._prompt.app.is_done:
            self._prompt.app.exit(exception=EOFError())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closed.wait(), CLOSE_SECONDS)

    @contextlib.contextmanager
    def _losing_the_terminal(self) -> Iterator[None]:
        """Take an error of the terminal as its end: the window was closed."""
        try:
            yield
        except OSError:
            self.screen.give_up()

    async def _ask_line(self) -> str:
        # Faults of a key binding are ours to report, and SIGINT is handled where all signals are.
        return await self._prompt.prompt_async(set_exception_handler=False, handle_sigint=False)

    async def _print_log(self, held: HeldLog) -> None:
        """Print log lines above the line being typed as they come."""
        async for lines in held.follow():
            text = "".join(f"{line}\n" for line in lines)
            with self._losing_the_terminal():
                await run_in_terminal(partial(print, text, end="", file=sys.stderr, flush=True))


def _make_prompt(head: Callable[[], str], complete: Complete, meant: Meant) -> PromptSession[str]:
    source = create_input()
    # prompt_toolkit switches echo on while it prints above the prompt: a key pressed at that moment would appear in the
    # middle of somebody's message. Nothing here needs the terminal's own line editing, so it stays off.
    source.cooked_mode = source.raw_mode  # type: ignore[method-assign]
    sink = create_output()
    # Where the cursor is need not be known: there is no menu to place. To ask would cost a round trip to the terminal
    # for everything that is printed, which over a slow line is felt.
    if hasattr(sink, "enable_cpr"):
        sink.enable_cpr = False
    session: PromptSession[str] = PromptSession(
        head,
        multiline=True,
        prompt_continuation=" " * len(PROMPT),
        key_bindings=_key_bindings(),
        completer=_Completer(complete),
        complete_while_typing=False,
        complete_style=CompleteStyle.READLINE_LIKE,
        validator=_Sendable(meant),
        validate_while_typing=False,
        reserve_space_for_menu=0,
        interrupt_exception=EOFError,
        input=source,
        output=sink,
    )
    _show_refusals_whole(session.layout.container)
    return session


def _show_refusals_whole(layout: Container) -> None:
    """Give the line in which prompt_toolkit says why something is refused as many rows as it needs: it has one."""
    for part in walk(layout):
        if isinstance(part, ConditionalContainer) and part.filter is has_validation_error:
            refusal = cast("Window", part.content)
            refusal.height, refusal.wrap_lines, refusal.dont_extend_height = None, Always(), Always()


def _key_bindings() -> KeyBindings:
    bindings = KeyBindings()
    typing = has_focus(DEFAULT_BUFFER)

    @bindings.add("enter", filter=typing)
    def _send(event: KeyPressEvent) -> None:
        if not is_blank(event.current_buffer.text):
            event.current_buffer.validate_and_handle()

    @bindings.add("escape", "enter", filter=typing)
    def _break_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @bindings.add(Keys.BracketedPaste, filter=typing)
    def _paste(event: KeyPressEvent) -> None:
        # Some terminals send the line breaks of a paste as the Enter key does.
        text = event.data.replace("\r\n", "\n").replace("\r", "\n")
        if len(text) > limits.MAX_PASTE_CHARS:
            event.current_buffer.validation_error = ValidationError(
                event.current_buffer.cursor_position,
                f"Too large: {len(text):,} characters; a message may have {limits.MAX_TEXT_BYTES:,} bytes",
            )
        else:
            event.current_buffer.insert_text(text)

    @bindings.add("c-c")
    def _leave(event: KeyPressEvent) -> None:  # wherever the cursor is, in a search too
        event.app.exit(exception=EOFError())

    @bindings.add("c-z")
    @bindings.add("c-s")
    def _ignore(event: KeyPressEvent) -> None:
        """Ctrl-Z would type itself, Ctrl-S once stopped terminals."""

    return bindings


@final
class _Completer(Completer):
    """Completes what the chat can complete."""

    def __init__(self, complete: Complete) -> None:
        self._complete = complete

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Yield what the word before the cursor can become."""
        del complete_event
        found = self._complete(document.text, document.cursor_position)
        for candidate in found.candidates:
            yield Completion(candidate, start_position=found.start - found.end, display=candidate.strip())


@final
class _Sendable(Validator):
    """Refuses, before it is sent, what would be refused anyway: the text stays in the input."""

    def __init__(self, meant: Meant) -> None:
        self._meant = meant

    def validate(self, document: Document) -> None:
        """Raise ValidationError with the reason."""
        match parse_line(document.text, bare_quit=True, meant=self._meant):
            case Say(text=text) | Command(name="msg", more=(text,)) if reason := oversize_text(text):
                raise _refusal(document, f"Not sent: {reason}")
            case Unknown() as unknown if "\n" in document.text.strip():
                raise _refusal(document, unknown.report())
            case Misused() as wrong:
                raise _refusal(document, wrong.report())
            case _:
                pass


def _refusal(document: Document, reason: str) -> ValidationError:
    """Return what shows a reason whole, in as many rows as it needs: what to do stands at its end."""
    rows = broken(reason, get_app().output.get_size().columns - 1)
    return ValidationError(document.cursor_position, "\n".join(rows))
