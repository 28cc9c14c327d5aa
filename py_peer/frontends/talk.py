"""Where what is typed goes: the room, or a topic that was joined beside it; the commands for that, for every chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from py_peer.core.events import Answer
from py_peer.core.requests import JoinTopic, LeaveTopic
from py_peer.core.sizes import without_surrogates
from py_peer.core.topic_events import TopicJoined
from py_peer.core.topics import ROOM_TOPIC, SIGN, Topics, is_head, read_topic
from py_peer.frontends.lines import broken
from py_peer.frontends.paths import here
from py_peer.frontends.topic_lines import topics_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from py_peer.core.events import Event
    from py_peer.frontends.interactive import Chat, Handler


@final
class Talk:
    """Does the commands for a chat, and remembers which topics are joined, and where what is typed goes."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self.topics = Topics()
        self.lost = ""
        """Why what a script says goes nowhere: the topic that it was for was not joined, and it is not for the room."""

        self._joining: dict[int, str] = {}
        """What was asked for and not been answered yet, by its ticket."""

        self.handlers: dict[str, Handler] = {"topic": self._topic, "leave": self._leave}

    def start(self, names: Iterable[str]) -> None:
        """Take the topics that the session joins by itself at its start."""
        self.topics = Topics(tuple(names))

    def note(self, event: Event) -> None:
        """Remember what an event says."""
        match event:
            case TopicJoined():
                self._joining.pop(event.ticket, None)
            case Answer() if name := self._joining.pop(event.ticket, ""):
                if name not in self._joining.values():  # else it has been asked for again
                    self.topics.refuse(name)

    def words(self, typed: str) -> list[str]:
        """Return the topics that a typed command may be about, for completion."""
        word, _, argument = typed.partition(" ")
        if word.lower() not in ("/topic", "/leave"):
            return []
        names = [*self.topics.joined, *[ROOM_TOPIC] * (word.lower() == "/topic")]
        return [SIGN + name for name in names] if argument.startswith(SIGN) else names

    def lose(self) -> None:
        """Take note that a topic was not joined: the next lines of a script are for it."""
        self.lost = "it is for a topic that was not joined"

    async def _topic(self, argument: str) -> None:
        """Join a topic and talk there, or show which are joined."""
        if not argument:
            await self._chat.question(lambda report: topics_lines(report, self.topics.current, self._chat.columns()))
            return
        name, reason = await _read(argument)
        if reason := reason or self.topics.join(name):
            self.lose()
            await self._chat.print_lines(broken(f"❌ Not joined: {reason}", self._chat.columns()))
            return
        self.lost = ""
        ticket = self._chat.service.new_ticket()
        self._joining[ticket] = name
        self._chat.talks_on(name)
        await self._chat.ask(JoinTopic(ticket, name))

    async def _leave(self, argument: str) -> None:
        """Leave a topic: the one that is named, or the one where what is typed goes."""
        name, reason = await _read(argument)
        name = name or self.topics.current
        was_joined = name in self.topics.joined
        if reason := reason or self.topics.leave(name):
            await self._chat.print_lines(broken(f"❌ {reason[0].upper()}{reason[1:]}", self._chat.columns()))
            return
        self._joining = {ticket: other for ticket, other in self._joining.items() if other != name}
        if not was_joined:
            self._chat.was_never_on(name)
        self._chat.talks_on(self.topics.current)
        await self._chat.ask(LeaveTopic(self._chat.service.new_ticket(), name))


async def _read(argument: str) -> tuple[str, str]:
    """Return the topic that was typed, and why there is none; HEAD is read from the repository of this folder."""
    if not is_head(argument):
        return read_topic(without_surrogates(argument)), ""
    from py_peer.service.repository import RepositoryError, in_thread, read_head  # noqa: PLC0415 - needed only now

    try:
        return await in_thread(read_head, here()), ""
    except RepositoryError as error:
        return "", f"HEAD is no topic here: {error}"
