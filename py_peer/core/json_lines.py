"""What a script reads and writes with --json: events and commands, each an object on a line of its own.

An event is a dataclass; its line has the class's name, in small letters, as "event", the time as "at", and its fields.
A command is a row of the table of commands, or "say"; its keys are made from the row. So neither a new event nor a new
command needs a word here. Unknown keys are ignored, both ways.
"""

from __future__ import annotations

import difflib
import re
from functools import cache
from typing import Annotated, Any, Final, TypeAlias, TypeGuard, final

import msgspec
from msgspec import UNSET, UnsetType

from py_peer.core import (
    dht_events,
    direct_events,
    events,
    file_events,
    git_events,
    gnostr_events,
    limits,
    nostr_events,
    topic_events,
)
from py_peer.core.cleaning import clean_line
from py_peer.core.commands import COMMANDS, MAX_WORD_CHARS, CommandEntry
from py_peer.core.events import Event, PeerInfo
from py_peer.core.frozen import frozen
from py_peer.core.sizes import unseen
from py_peer.core.typed_lines import Command

SAY: Final = CommandEntry(
    "say",
    "send a text to the room, or on TOPIC, as one message, whatever it begins with",
    arguments="TEXT [TOPIC]",
    checks=(unseen,),
    never_blank=True,
)
SCRIPT_COMMANDS: Final = {
    entry.script_name: entry for entry in (SAY, *COMMANDS) if not (entry.for_eyes or entry.full_screen)
}

Id: TypeAlias = (
    Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
    | Annotated[str, msgspec.Meta(max_length=limits.MAX_COMMAND_ID_CHARS)]
    | None
)
"""What a script calls a command by; it comes back in every event that answers it. (More than 2^53 is no exact number
in JavaScript.)"""

ONE_OBJECT: Final = 'a command is one JSON object on one line, in UTF-8: {"command": "say", "text": "hello"}'


# --- Events of the program's own, beside those of the service -------------------------------------


@final
@frozen
class Starting(Event):
    """The first line: the program has begun to start."""

    version: str


@final
@frozen
class Error(Event):
    """Line `line` of the input was not obeyed, and nothing of it was done: why, and what to do."""

    line: int
    reason: str
    advice: str


@final
@frozen
class FoundPeer:
    """Somebody who is connected or has spoken. `connection` is null where the messages come through others.

    `npub` is the Nostr key that is bound to the peer, "" if none is.
    """

    peer_id: str
    nick: str
    connection: PeerInfo | None
    npub: str = ""


@final
@frozen
class FoundPeers(Event):
    """The answer to `whois`: everybody who may be meant; nobody, if there is no such peer."""

    peers: tuple[FoundPeer, ...]


@final
@frozen
class Ended(Event):
    """The last line. `reason` is "" after an orderly leave.

    `unsent` texts of this run were not sent; lines of the input that were not read count among them.
    """

    exit_code: int
    unsent: int
    reason: str


MODULES: Final = (
    events,
    direct_events,
    file_events,
    dht_events,
    topic_events,
    nostr_events,
    git_events,
    gnostr_events,
)
"""Where the events of the service are."""

_UNESCAPED: Final = re.compile("[\x7f-\x9f\u2028\u2029]")
"""What JSON need not escape: a terminal obeys it, or a script that reads lines takes it for the end of one."""


def event_types() -> list[type[Event]]:
    """Return every type of event that a script may read."""
    everything = [kind for module in MODULES for kind in vars(module).values()]
    everything += globals().values()
    return list(dict.fromkeys(kind for kind in everything if _is_event(kind)))


def event_name(kind: type[Event]) -> str:
    """Return what a type of event is called: `message_received` for MessageReceived."""
    return _in_small_letters(kind.__name__)


@cache
def _in_small_letters(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def event_line(event: Event, at: float, command_id: Id = None) -> str:
    """Return the line of an event, without its end. `at` is the local time, seconds since 1970.

    `command_id` is what the script called the command by that this event answers.
    """
    head: dict[str, Any] = {"event": event_name(type(event)), "at": round(at, 3)}
    if command_id is not None:
        head["id"] = command_id
    return one_line(msgspec.json.encode(head | msgspec.to_builtins(event)).decode())


def one_line(json: str) -> str:
    """Return JSON without what a terminal, or a script that reads lines, takes for more than a character."""
    return _UNESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json)


def _is_event(kind: object) -> TypeGuard[type[Event]]:
    return isinstance(kind, type) and issubclass(kind, Event) and kind is not Event


# --- Commands -------------------------------------------------------------------------------------


@final
@frozen
class Wish:
    """A command that can be obeyed, of the table or "say"."""

    command: Command
    id: Id


@final
@frozen
class Mistake:
    """A line that is no command: why, and what to do. `id` is the script's, where it can be read.

    `command` is the one that was misused, or may have been meant.
    """

    reason: str
    advice: str
    id: Id = None
    command: str = ""


def read_command(line: bytes) -> Wish | Mistake:
    """Return what a line of input asks for. The caller limits its length; nothing is raised."""
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        reason = f"the line is not UTF-8: byte {error.start + 1} of it"
        return Mistake(reason, ONE_OBJECT, _id_in(line.decode(errors="replace")), "topic" if b"topic" in line else "")
    try:
        head = msgspec.json.decode(text, type=_Head)
    except (msgspec.DecodeError, RecursionError) as error:
        return Mistake(_reason(error), ONE_OBJECT, _id_in(text), "topic" if "topic" in text else "")
    entry = SCRIPT_COMMANDS.get(head.command)
    if entry is None:
        nearest = _nearest(head.command)
        advice = (
            f"did you mean {usage(SCRIPT_COMMANDS[nearest])}?"
            if nearest
            else f"the commands are {', '.join(SCRIPT_COMMANDS)}"
        )
        return Mistake(f"unknown command '{clean_line(head.command, MAX_WORD_CHARS)}'", advice, head.id, nearest)
    try:
        wish = msgspec.json.decode(text, type=shape(entry))
    except msgspec.DecodeError as error:
        return Mistake(_reason(error), usage(entry), head.id, entry.name)
    arguments = [_argument(key, getattr(wish, key)) for key in entry.keys]
    if reason := _blank(entry, wish) or entry.problem(*arguments):
        return Mistake(reason, usage(entry), head.id, entry.name)
    first, *more = arguments or [""]
    while more and not more[-1]:
        more.pop()
    return Wish(Command(entry.name, first, tuple(more)), head.id)


def _argument(key: str, argument: str | UnsetType) -> str:
    if argument is UNSET:
        return ""
    return argument if key in ("text", "path", "key", "value") else argument.strip()


def _blank(entry: CommandEntry, wish: msgspec.Struct) -> str:
    """Return that a key which may be missing is there and says nothing, where that may not be, or ""."""
    blank = [
        key
        for key, optional in entry.keys.items()
        if optional and getattr(wish, key) is not UNSET and not getattr(wish, key).strip()
    ]
    return f"'{blank[0]}' is there, and says nothing" if entry.never_blank and blank else ""


@cache
def shape(entry: CommandEntry) -> type[msgspec.Struct]:
    """Return the type of a command's object."""
    missing = (str | UnsetType, UNSET) if entry.never_blank else (str, "")
    arguments = [(key, *missing) if optional else (key, str) for key, optional in entry.keys.items()]
    return msgspec.defstruct(
        entry.script_name,
        [*arguments, ("id", Id, None)],
        tag_field="command",
        tag=entry.script_name,
        namespace={"__doc__": f"{entry.help[0].upper()}{entry.help[1:]}."},
    )


def usage(entry: CommandEntry) -> str:
    """Return what a command's object looks like."""
    arguments = "".join(f', "{key}": "…"' for key in entry.keys)
    return f'{{"command": "{entry.script_name}"{arguments}}}'


class _Head(msgspec.Struct):
    """What every command has."""

    command: str
    id: Id = None


class _Named(msgspec.Struct):
    """Of an object that is no command, what it is called by."""

    id: Id = None


def _id_in(text: str) -> Id:
    try:
        return msgspec.json.decode(text, type=_Named).id
    except (msgspec.DecodeError, RecursionError):
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "the object is nested too deep"
    return clean_line(str(error), limits.MAX_ERROR_CHARS)


def _nearest(word: str) -> str:
    close = difflib.get_close_matches(word[:MAX_WORD_CHARS].lower().removeprefix("/"), SCRIPT_COMMANDS, n=1, cutoff=0.5)
    return close[0] if close else ""


# --- The schema -----------------------------------------------------------------------------------


def events_schema() -> dict[str, Any]:
    """Return the JSON Schema of every line that the program writes."""
    kinds = event_types()
    _, parts = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    for kind in kinds:
        part = parts.pop(kind.__name__)
        part["title"] = event_name(kind)
        part["properties"] = {
            "event": {"const": event_name(kind)},
            "at": {"type": "number", "description": "When it was written, in seconds since 1970."},
            "id": {"$ref": "#/$defs/id"},
            **part["properties"],
        }
        part["required"] = [name for name in part["properties"] if name != "id"]
        parts[event_name(kind)] = part
    return _schema("A line that py-peer --json writes", parts, [event_name(kind) for kind in kinds])


def commands_schema() -> dict[str, Any]:
    """Return the JSON Schema of every line that the program understands."""
    shapes = [shape(entry) for entry in SCRIPT_COMMANDS.values()]
    _, parts = msgspec.json.schema_components(shapes, ref_template="#/$defs/{name}")
    for part in parts.values():
        part["properties"]["id"] = {"$ref": "#/$defs/id"}
    return _schema("A line that py-peer --json reads", parts, list(parts))


def _schema(title: str, parts: dict[str, Any], names: list[str]) -> dict[str, Any]:
    described = "What the script called the command by; it comes back in every event that answers the command."
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": "Readers ignore what they do not know: keys, and events.",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in names],
        "$defs": {"id": {"description": described, **msgspec.json.schema(Id)}, **parts},
    }
