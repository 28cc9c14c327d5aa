"""What py-peer can do beside chatting: `py-peer doctor`, say. One table; each is imported when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, final

from py_peer.core.exit_codes import ExitCode
from py_peer.frontends import checks
from py_peer.frontends.option import Option
from py_peer.frontends.options import KEPT, NETWORKS, NODE

if TYPE_CHECKING:
    from py_peer.frontends.arguments import Arguments


@final
class Runs(Enum):
    """What peer a sub-command runs; none of them is in the room."""

    NO_PEER = "none"
    ERRAND = "errand"
    """One that leaves when it has done what it is there for: a client of others, in whose tables it does not stand."""

    SERVER = "server"
    """One that stays until it is told to leave."""


@final
@dataclass(frozen=True, slots=True)
class SubCommand:
    """One row of the table."""

    name: str
    """One word, or two, of which the first is that of a group."""

    help: str
    module: str
    """The module with `run(arguments: Arguments) -> int`, which does it and returns the exit code."""

    options: tuple[str, ...] = ()
    """Options of the chat that may stand behind its name, too; before it all may stand."""

    own: tuple[Option, ...] = ()
    """Options and positional arguments of its own; `Arguments.own` has their values."""

    runs: Runs = Runs.NO_PEER
    undone: ExitCode = ExitCode.OK
    """What it ends with when it is ended before it has done what it is there for."""

    @property
    def arguments(self) -> str:
        """What has to stand behind its name."""
        wanted = (one for one in self.own if one.required or not one.flags)
        return "".join(f" {' '.join(filter(None, (*one.flags, one.shown_metavar)))}" for one in wanted)


GROUPS: Final = {
    "nostr": "sign what is said of commits, and check what others have signed, as Nostr does",
    "git": "publish commits where others find them, though you be gone, and find those of others: in the DHT",
    "kv": "keep and find values, and who provides what, by keys: a store that all who take part in Kademlia hold",
    "network": "the networks that --network knows",
}

_KEY: Final = Option("key", "any text in UTF-8 is one", metavar="KEY", check=checks.something)


def _kv(name: str, undone: ExitCode, text: str, *own: Option) -> SubCommand:
    return SubCommand(f"kv {name}", text, "py_peer.frontends.asked_once", NODE, own, Runs.ERRAND, undone)


_REVS: Final = Option(
    "revs",
    "a revision; or a range, which is what B has and A has not",
    metavar="REV|A..B",
    check=checks.something,
    default="HEAD",
    default_text="HEAD",
    bare=True,
    kept=False,
)
_REPO: Final = Option(
    "repo", "the repository, or a folder in it", ("--repo",), "PATH", checks.path, default_text="here", is_folder=True
)

SUB_COMMANDS: Final = {
    entry.name: entry
    for entry in (
        SubCommand(
            "id",
            "show your peer ID; the key is made if there is none yet",
            "py_peer.frontends.id_command",
            ("json", "identity", "ephemeral", "secret_key_seed", "config"),
        ),
        SubCommand(
            "doctor",
            "look for what would keep the chat from working, and say what to do",
            "py_peer.frontends.doctor",
            ("json", *KEPT, "secret_key_seed", "config"),
        ),
        _kv(
            "put",
            ExitCode.NOT_SENT,
            "have a value kept under a key",
            _KEY,
            Option("value", "the value", metavar="VALUE", check=checks.something),
        ),
        _kv("forget", ExitCode.NOT_SENT, "give up what you have put under a key: it is not put anew", _KEY),
        _kv("get", ExitCode.NOT_FOUND, "show the value that is kept under a key", _KEY),
        _kv("provide", ExitCode.NOT_SENT, "have it written down that you provide a key", _KEY),
        _kv("providers", ExitCode.NOT_FOUND, "show who provides a key", _KEY),
        SubCommand(
            "kv shell",
            "obey lines on standard input: GET, PUT, GET_PROVIDERS, PUT_PROVIDER, TOPIC, QUIT",
            "py_peer.frontends.kv_shell",
            (*NODE, "topic"),
            runs=Runs.SERVER,
        ),
        SubCommand(
            "provide",
            "serve a file to whoever asks for it by its name, until you end it",
            "py_peer.frontends.provide_command",
            tuple(name for name in NODE if name != "timeout"),  # it stays
            (
                Option("path", "the file", ("--path",), "PATH", checks.path, is_file=True, required=True),
                Option("name", "what it is asked for by", ("--name",), "NAME", checks.own_name, default_text="its own"),
            ),
            Runs.SERVER,
        ),
        SubCommand(
            "get",
            "find who provides a file by its name, and fetch it",
            "py_peer.frontends.get_command",
            NODE,
            (
                Option("name", "what it is provided by", ("--name",), "NAME", checks.wanted_name, required=True),
                Option(
                    "out", "the file or the folder it goes to", ("--out",), "PATH", default_text="here", is_file=True
                ),
                Option(
                    "hash", "the hash that it must have, as py-peer provide tells it", ("--hash",), "HEX", checks.root
                ),
            ),
            Runs.ERRAND,
            ExitCode.NOT_FOUND,
        ),
        SubCommand(
            "git publish",
            "put commits into the DHT: objects, which nobody can replace; messages, patches and tags, which anyone can",
            "py_peer.frontends.git_publish_command",
            NODE,
            (
                _REVS,
                _REPO,
                Option("tags", "publish no tags", ("--no-tags",), default=True, kept=False),
                Option("patches", "publish no patches", ("--no-patches",), default=True, kept=False),
            ),
            Runs.ERRAND,
            ExitCode.NOT_SENT,
        ),
        SubCommand(
            "git forget",
            "give up what you have published of commits: it is not put anew",
            "py_peer.frontends.git_publish_command",
            NODE,
            (_REVS, _REPO),
            Runs.ERRAND,
            ExitCode.NOT_SENT,
        ),
        SubCommand(
            "git show",
            "show a commit that somebody has published, and whether it hashes to its ID",
            "py_peer.frontends.asked_once",
            NODE,
            (
                Option("what", "its whole ID, or a tag", metavar="ID|TAG", check=checks.something),
                Option("patch", "with its patch", ("--patch",), default=False, kept=False),
            ),
            Runs.ERRAND,
            ExitCode.NOT_FOUND,
        ),
        SubCommand(
            "nostr key",
            "make a key of Nostr, or show whose it is",
            "py_peer.frontends.nostr_key",
            ("json", "nostr_key", "config"),
            (Option("what", "make one, or show the npub of yours", metavar="new|show", choices=("new", "show")),),
        ),
        SubCommand(
            "nostr publish",
            "sign an event about a commit, and have the relays take it that --nostr-relay names, or print it",
            "py_peer.frontends.nostr_publish",
            ("json", "timeout", "nostr_key", "nostr_relay", "config"),
            (
                Option("rev", "a branch, a tag or an ID; HEAD if none is named", metavar="REV", bare=True, kept=False),
                Option(
                    "repo",
                    "the repository",
                    ("--repo",),
                    "PATH",
                    checks.path,
                    ".",
                    "the one you are in",
                    is_folder=True,
                ),
                Option(
                    "derived",
                    "sign with the key that is made from the commit's ID: anyone can",
                    ("--derived",),
                    default=False,
                    kept=False,
                ),
            ),
            undone=ExitCode.NOT_SENT,
        ),
        SubCommand(
            "nostr verify",
            "check events in files, on standard input (-) or, by their IDs, on the relays that --nostr-relay names",
            "py_peer.frontends.nostr_verify",
            ("json", "timeout", "nostr_relay", "config"),
            (
                Option(
                    "what",
                    "a file with an event a line, - for standard input, or an event's ID: a note, a nevent or digits",
                    metavar="FILE|-|ID",
                    default=(),
                    bare=True,
                    many=True,
                    kept=False,
                ),
            ),
            undone=ExitCode.NOT_FOUND,
        ),
        SubCommand(
            "nostr watch",
            "show what the relays bring that --nostr-relay names, until you end it; no peer runs for it",
            "py_peer.frontends.nostr_watch",
            ("json", "nostr_relay", "config"),
            (
                Option("all", "also what is not about Git", ("--all",), default=False, kept=False),
                Option("count", "leave after so many events", ("--count",), "N", checks.count, kept=False, kind=int),
            ),
        ),
        SubCommand("network list", "show the networks", "py_peer.frontends.networks", ("json",)),
        SubCommand(
            "network show",
            "show a network: its bootstrap peers, and what they speak",
            "py_peer.frontends.networks",
            ("json",),
            (Option("name", "the network", metavar="NAME", check=checks.one_of(NETWORKS), choices=NETWORKS),),
        ),
    )
}


def runs_a_peer(command: str) -> bool:
    """Return whether a sub-command runs a peer."""
    return SUB_COMMANDS[command].runs is not Runs.NO_PEER


def run_sub_command(arguments: Arguments) -> int:
    """Do what `arguments.command` names; return the exit code."""
    from importlib import import_module  # noqa: PLC0415 - not on the way to the chat

    code: int = import_module(SUB_COMMANDS[arguments.command].module).run(arguments)
    return code


def markdown_table() -> str:
    """Return the README's table."""
    lines = ["| command | what it does |", "|---|---|"]
    usages = ((f"{entry.name}{entry.arguments}".replace("|", "\\|"), entry.help) for entry in SUB_COMMANDS.values())
    lines += [f"| `py-peer {usage}` | {text} |" for usage, text in usages]
    return "\n".join(lines) + "\n"
