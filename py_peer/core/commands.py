"""The commands of the chat, in one table: parser, /help, Tab-completion, the TUI and the README read it.

What a line of input means `py_peer.core.typed_lines` says; what a command does is looked up by its name in the
front-ends.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, final

from py_peer.core import limits_git
from py_peer.core.cleaning import clean_line
from py_peer.core.frozen import frozen
from py_peer.core.sizes import unseen

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_WORD_CHARS: Final = 40
"""Of what was typed wrongly this much is repeated to the user."""

LAST_MESSAGES: Final = 20
"""Messages that /last shows when it is not told how many."""


def _count(argument: str) -> str:
    if not argument or re.fullmatch("[1-9][0-9]{0,8}", argument):
        return ""
    return f"{shown_word(argument)} is not a number of messages"


def _text(argument: str) -> str:
    return "" if argument else "say what to look for"


def _peer(argument: str) -> str:
    return "" if argument else "say which peer: its nickname, or the beginning or end of its ID"


def _said(argument: str) -> str:
    return unseen(argument) if argument else "say what to write"


def _file(argument: str) -> str:
    return "" if argument else "say which file: its ID, the beginning of it, or its name; /files lists them"


def _path(argument: str) -> str:
    return "" if argument else "say where the file is, like ~/photo.jpg"


def _own_name(argument: str) -> str:
    from py_peer.core.by_name import problem_with_own  # noqa: PLC0415 - needed only here

    return problem_with_own(argument) if argument else ""


def _wanted_name(argument: str) -> str:
    from py_peer.core.by_name import problem_with  # noqa: PLC0415 - needed only here

    return problem_with(argument) if argument else "say which file: the name that somebody provides it under"


def _transfer(argument: str) -> str:
    return "" if argument else "say which transfer: its number, or its file; /files lists them"


def _key(argument: str) -> str:
    return "" if argument else "say which key"


def _value(argument: str) -> str:
    return "" if argument else "say which value"


def _address(argument: str) -> str:
    from py_peer.core.addresses import EXAMPLE, AddressError, parse_named_address  # noqa: PLC0415 - needed only here

    try:
        parse_named_address(argument)
    except AddressError as error:
        return str(error) if argument else f"say where, like {EXAMPLE}"
    return ""


def _commit(argument: str) -> str:
    if re.fullmatch(f"[0-9a-fA-F]{{{limits_git.MIN_ID_PREFIX},64}}", argument):
        return ""
    if not argument:
        return "say which commit: its ID, or the beginning of it"
    return f"{shown_word(argument)} is no ID of a commit, nor the beginning of one of {limits_git.MIN_ID_PREFIX} digits"


def _topic(argument: str) -> str:
    if not argument:
        return ""
    from py_peer.core.topics import read_topic, topic_problem  # noqa: PLC0415 - needed only here

    return topic_problem(read_topic(argument))


def _switch(argument: str) -> str:
    if argument.lower() in SWITCH:
        return ""
    return f"{shown_word(argument)} is neither" if argument else "say which"


def _switch_or_nothing(argument: str) -> str:
    return _switch(argument) if argument else ""


def shown_word(argument: str) -> str:
    """Return what was typed wrongly, as it is repeated to the user."""
    return f"'{clean_line(argument, MAX_WORD_CHARS)}'"


SWITCH: Final = ("on", "off")
"""What a switch can be set to."""


@final
@frozen
class CommandEntry:
    """One row of the table. `name` and `aliases` are written without their slash; `arguments` as `/help` shows them.

    A name may have two words: then the first is that of several rows. There are two arguments at most. Of what is typed
    the second is all that stands behind the first.
    """

    name: str
    help: str
    aliases: tuple[str, ...] = ()
    arguments: str = ""
    checks: tuple[Callable[[str], str], ...] = ()
    """For each argument, what returns why it cannot be used, or ""."""

    full_screen: bool = False
    """Whether it is only for the full-screen front-end."""

    for_eyes: bool = False
    """Whether it only shows again, or elsewhere, what a script has read already."""

    never_blank: bool = False
    """Whether a key that a script may leave out says something where it is there: its variable may have been empty."""

    several_lines: bool = False
    """Whether its last argument is a text, which may have several lines."""

    script_keys: tuple[str, ...] = ()
    """What a script's object may have behind the arguments; nobody types it."""

    @property
    def script_name(self) -> str:
        """What it is called in a script's object."""
        return self.name.replace(" ", "_")

    @property
    def keys(self) -> dict[str, bool]:
        """What the arguments are called in a script's object, and whether each may be missing."""
        typed = {
            "switch" if "|" in word else word.strip("[]").lower(): word.startswith("[")
            for word in self.arguments.split()
        }
        return typed | dict.fromkeys(self.script_keys, True)

    def problem(self, *arguments: str) -> str:
        """Return why these arguments cannot be used, or ""."""
        given = (*arguments, "", "")
        checked = zip(self.checks, given, strict=False)
        return next((reason for check, argument in checked if (reason := check(argument))), "")

    @property
    def usage(self) -> str:
        """What is typed: the slash, the name and the arguments."""
        return f"/{self.name} {self.arguments}".rstrip()


COMMANDS: Final = (
    CommandEntry("peers", "show who is connected"),
    CommandEntry("status", "show the multiaddress, the nickname, the number of peers and the topics"),
    CommandEntry("multiaddr", "show the multiaddress to hand on to others"),
    CommandEntry("discover", "show who was found, how, and why not everybody is dialled"),
    CommandEntry("stats", "show what was sent, received and dropped and why, what waits, and how far the peers are"),
    CommandEntry("invite", "show the command with which others join, and a QR code of the multiaddress", for_eyes=True),
    CommandEntry("nick", "be called NAME from now on; alone, show what you are called", arguments="[NAME]"),
    CommandEntry(
        "connect",
        "dial a peer, and again whenever it goes; takes back /disconnect",
        arguments="ADDR",
        checks=(_address,),
    ),
    CommandEntry(
        "disconnect",
        "let a peer go, and neither dial nor take it until /connect; or give up dialling an address",
        arguments="PEER",
        checks=(_peer,),
    ),
    CommandEntry("ping", "measure how far a connected peer is", arguments="PEER", checks=(_peer,)),
    CommandEntry(
        "whois", "show what is known of a peer, by its nickname or a part of its ID", arguments="PEER", checks=(_peer,)
    ),
    CommandEntry(
        "ignore",
        "show nothing more of a peer, now and in later runs; alone, list who is ignored",
        arguments="[PEER]",
    ),
    CommandEntry("unignore", "show again what a peer says", arguments="PEER", checks=(_peer,)),
    CommandEntry(
        "msg",
        "send TEXT to one peer alone; it is kept while the peer is away",
        arguments="PEER TEXT",
        checks=(_peer, _said),
        several_lines=True,
    ),
    CommandEntry(
        "strangers",
        "take direct messages of peers to whom you have not written, or refuse them",
        arguments="on|off",
        checks=(_switch,),
    ),
    CommandEntry(
        "topic",
        "talk on another topic beside the room, which is joined if it is not yet; alone, show which are joined",
        arguments="[NAME]",
        checks=(_topic,),
        never_blank=True,
    ),
    CommandEntry(
        "leave",
        "leave a topic; alone, the one where you talk; the room stays",
        arguments="[NAME]",
        checks=(_topic,),
        never_blank=True,
    ),
    CommandEntry("share", "offer a file to the room, for as long as you are here", arguments="PATH", checks=(_path,)),
    CommandEntry("unshare", "serve a file no more", arguments="FILE", checks=(_file,)),
    CommandEntry("files", "show what is offered, what you share, and what is being fetched"),
    CommandEntry(
        "get",
        "fetch a file that is offered, into the downloads or to PATH; goes on where it was broken off",
        arguments="FILE [PATH]",
        checks=(_file,),
    ),
    CommandEntry("cancel", "end a transfer; /get goes on with it", arguments="TRANSFER", checks=(_transfer,)),
    CommandEntry(
        "kv put",
        "have VALUE, to the end of the line, kept under KEY in the DHT",
        arguments="KEY VALUE",
        checks=(_key, _value),
    ),
    CommandEntry(
        "kv forget", "give up what you have put under KEY: it is not put anew", arguments="KEY", checks=(_key,)
    ),
    CommandEntry("kv get", "show the value that is kept under KEY in the DHT", arguments="KEY", checks=(_key,)),
    CommandEntry(
        "kv provide",
        "have it written down in the DHT that you provide KEY, for as long as you are here",
        arguments="KEY",
        checks=(_key,),
    ),
    CommandEntry("kv providers", "show who provides KEY", arguments="KEY", checks=(_key,)),
    CommandEntry(
        "provide",
        "serve a file to whoever asks the DHT for NAME, for as long as you are here; alone, under its own name",
        arguments="PATH [NAME]",
        checks=(_path, _own_name),
    ),
    CommandEntry(
        "fetch",
        "find in the DHT who provides NAME, and fetch it, into the downloads or to PATH",
        arguments="NAME [PATH]",
        checks=(_wanted_name,),
        script_keys=("hash",),
    ),
    CommandEntry(
        "commit",
        "say a line about a commit of the repository of this folder, HEAD if none is named; others can /show it",
        arguments="[REV]",
    ),
    CommandEntry(
        "diff",
        "do the same, and offer the patch as a file; a merge is compared with its first parent",
        arguments="[REV]",
    ),
    CommandEntry(
        "show",
        "show a commit that somebody has posted, and its patch; asked of who has posted it, or of PEER",
        arguments="COMMIT [PEER]",
        checks=(_commit,),
    ),
    CommandEntry(
        "nostr",
        "show what relays of Nostr bring about commits, or no more; alone, show how the relays are doing",
        arguments="[on|off]",
        checks=(_switch_or_nothing,),
        never_blank=True,
    ),
    CommandEntry(
        "last",
        f"show the last N messages again, {LAST_MESSAGES} if none is given",
        arguments="[N]",
        checks=(_count,),
        for_eyes=True,
    ),
    CommandEntry("find", "show the messages that hold TEXT", arguments="TEXT", checks=(_text,), for_eyes=True),
    CommandEntry("clear", "empty the screen; the messages are kept for /last", for_eyes=True),
    CommandEntry(
        "bell",
        "ring, or not, when somebody names you or writes to you alone",
        arguments="on|off",
        checks=(_switch,),
        full_screen=True,
    ),
    CommandEntry(
        "notify",
        "have the desktop tell you, or not, when somebody names you or writes to you alone",
        arguments="on|off",
        checks=(_switch,),
        full_screen=True,
    ),
    CommandEntry("close", "close the conversation that is shown", full_screen=True),
    CommandEntry("help", "show these commands", for_eyes=True),
    CommandEntry("quit", "leave", aliases=("exit", "q")),
)
ESCAPE_HELP: Final = ("//text", "send /text")

_ENTRIES: Final = {entry.name: entry for entry in COMMANDS}
_NAMES: Final = {word: entry.name for entry in COMMANDS for word in (entry.name, *entry.aliases)}
_FIRST_WORDS: Final = tuple(dict.fromkeys(word.split()[0] for word in _NAMES))


def command_of(typed: str) -> tuple[str, CommandEntry | None]:
    """Return what of a line that begins with a slash is the command's name, one word or two, and its row if it is one.

    In capitals or not, by its name or an alias.
    """
    words = typed.split(maxsplit=2)[:2]
    end = len(words[0])
    if len(words) > 1 and second_words(words[0]):
        end = typed.index(words[1], end) + len(words[1])
    name = " ".join(typed[1:end].split()).lower()
    return typed[:end], _ENTRIES.get(_NAMES.get(name, ""))


def second_words(first: str) -> list[str]:
    """Return what may stand behind the first word of a command of two, slash included; nothing behind another."""
    start = f"{first[1:].lower()} "
    return [entry.name.removeprefix(start) for entry in COMMANDS if entry.name.startswith(start)]


def completions(prefix: str) -> list[str]:
    """Return the first words of commands, slash included, that `prefix` can become; aliases where no name fits."""
    if not prefix.startswith("/"):
        return []
    start = prefix[1:].lower()
    names = [f"/{entry.name.split()[0]}" for entry in COMMANDS if entry.name.startswith(start)]
    return list(dict.fromkeys(names)) or [f"/{word}" for word in _NAMES if word.startswith(start)]


def commands_line(*, full_screen: bool = False) -> str:
    """Return the line under the banner that names every command there is, in lines or on the full screen."""
    names = [entry.name.split()[0] for entry in COMMANDS if full_screen or not entry.full_screen]
    return "Commands: " + ", ".join(f"/{name}" for name in dict.fromkeys(names))


def help_rows(*, full_screen: bool = False) -> list[tuple[str, str]]:
    """Return what is typed and what it does, one a command; in lines, what is only on the full screen says so."""
    return [*((entry.usage, _described(entry, full_screen=full_screen)) for entry in COMMANDS), ESCAPE_HELP]


def help_lines() -> list[str]:
    """Return the lines of `/help`, one a command, in two columns."""
    rows = help_rows()
    width = max(len(usage) for usage, _ in rows)
    return [f"{usage:<{width}}  {text}" for usage, text in rows]


def markdown_table() -> str:
    """Return the table of the README."""
    rows = [(entry.usage, _described(entry, "`")) for entry in COMMANDS] + [ESCAPE_HELP]
    bar = r"\|"  # in a table of Markdown a bar ends the cell, in code too
    cells = [f"| `{usage.replace('|', bar)}` | {text} |" for usage, text in rows]
    lines = ["| command | what it does |", "|---|---|", *cells]
    return "\n".join(lines) + "\n"


def _described(entry: CommandEntry, quote: str = "", *, full_screen: bool = False) -> str:
    aliases = ", ".join(f"{quote}/{alias}{quote}" for alias in entry.aliases)
    remarks = [f"also {aliases}"] * bool(aliases) + [f"only with {quote}--ui{quote}"] * (
        entry.full_screen and not full_screen
    )
    return f"{entry.help} ({'; '.join(remarks)})" if remarks else entry.help


def nearest(word: str) -> str:
    """Return the first word of the command that a word resembles, slash included, or ""."""
    if not word or len(word) > MAX_WORD_CHARS:
        return ""
    begun = [known for known in _FIRST_WORDS if known.startswith(word)]
    import difflib  # noqa: PLC0415 - for what was typed wrongly

    close = begun or difflib.get_close_matches(word, _FIRST_WORDS, n=1, cutoff=0.5)
    return f"/{close[0]}" if close else ""
