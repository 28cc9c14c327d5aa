"""The table of options makes flags, completions and the man page; what each has to say is in all of them."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from py_peer import __version__
from py_peer.core.exit_codes import ExitCode
from py_peer.frontends.arguments import parse_arguments
from py_peer.frontends.option import Option
from py_peer.frontends.options import KEPT, OPTIONS, SHELLS
from py_peer.frontends.parser import make_parser
from py_peer.frontends.sub_commands import SUB_COMMANDS, SubCommand
from py_peer.service.ignored import FILE as IGNORED
from py_peer.service.remembered import FILE as REMEMBERED
from py_peer.service.undelivered import FILE as UNDELIVERED
from tests.frontends.programs import DEADLINE, ROOT

if TYPE_CHECKING:
    from pathlib import Path


def completion(capsys: pytest.CaptureFixture[str], shell: str) -> str:
    with pytest.raises(SystemExit) as ended:
        parse_arguments(["--print-completion", shell], {})
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_flags_and_variables_mean_one_thing_each() -> None:
    flags = [flag for option in OPTIONS.values() for flag in option.flags]
    flags += [option.opposite for option in KEPT.values() if option.is_switch]
    assert len(flags) == len(set(flags))
    variables = [name for option in OPTIONS.values() for name in option.variables]
    assert len(variables) == len(set(variables))


@pytest.mark.parametrize("shell", SHELLS)
def test_a_completion_knows_every_option_and_command(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    script = completion(capsys, shell)
    for option in OPTIONS.values():
        assert option.flags[-1].lstrip("-") in script
    for name in (*(word for entry in SUB_COMMANDS for word in entry.split()), "tokyo-night"):
        assert name in script


@pytest.mark.parametrize(("shell", "row"), [("zsh", "--ws["), ("fish", "-l ws ")])
def test_what_may_stand_without_a_value_is_not_asked_for_one(
    capsys: pytest.CaptureFixture[str], shell: str, row: str
) -> None:
    rows = [line for line in completion(capsys, shell).splitlines() if row in line]
    assert rows
    assert not [line for line in rows if "]:" in line or line.split("-d ")[0].endswith("-x ") or line.endswith(" -x")]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["--no-i"], ["--no-intro"]),
        (["--no-h"], ["--no-headless"]),
        (["--int"], ["--intro"]),
        (["--theme", "tok"], ["tokyo-night"]),
        (["doc"], ["doctor"]),
        (["doctor", "--po"], ["--port"]),
        (["k"], ["kv"]),
        (["kv", "pr"], ["provide", "providers"]),
        (["kv", "put", "--boo"], ["--bootstrap"]),
        (["network", "show", "ipfs-"], ["ipfs-lan"]),
        (["nostr", "p"], ["publish"]),
        (["nostr", "key", "n"], ["new"]),
        (["--log-file", "deb"], ["debug.log"]),
        (["--print-completion", ""], [*SHELLS]),
        (["--ws", "--no-i"], ["--no-intro"]),
    ],
)
def test_bash_completes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str], completed: list[str]
) -> None:
    (tmp_path / "debug.log").touch()
    (tmp_path / "completion").write_text(completion(capsys, "bash"))
    script = (
        'source completion; COMP_WORDS=(py-peer "$@"); COMP_CWORD=$#; '
        '_shtab_py_peer py-peer "${COMP_WORDS[$COMP_CWORD]}" "${COMP_WORDS[$COMP_CWORD-1]}"; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script, "bash", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=True,
    )
    assert done.stdout.split() == completed
    assert done.stderr == ""


def test_a_shell_that_is_not_known_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_arguments(["--print-completion", "csh"], {})
    assert ended.value.code == 2
    assert "'csh' is not known; did you mean 'zsh'?" in capsys.readouterr().err


def test_the_man_page_tells_of_every_option_and_command() -> None:
    manpage = pytest.importorskip("argparse_manpage.manpage")
    more = {"include": str(ROOT / "docs" / "man.txt"), "version": __version__}
    page = str(manpage.Manpage(make_parser(), more, format="single-commands-section")).replace("\\", "")
    for option in OPTIONS.values():
        if option.name != "help":
            assert option.flags[-1] in page
    for name in SUB_COMMANDS:
        assert f"py-peer {name}" in page
    assert "REMOTE_PEER" in page
    assert f'"py-peer {__version__}"' in page
    files, exits = page.split(".SH FILES")[1].split(".SH EXIT STATUS")
    for name in (
        "config.toml",
        "identity.key",
        "nostr.key",
        IGNORED,
        REMEMBERED,
        UNDELIVERED,
        "crash-",
        "system_messages.txt",
    ):
        assert name in files
    for code in ExitCode:
        assert f".B {code}" in exits


def test_a_sub_command_has_options_of_the_chat_before_and_behind_its_name() -> None:
    for name, key in (("doctor", ()), ("kv get", ("k",))):
        for argv in ([*name.split(), "-p", "4001", *key], ["-p", "4001", *name.split(), *key]):
            found = parse_arguments(argv, {})
            assert (found.command, found.settings.transports.port) == (name, 4001)
    assert parse_arguments(["--nick", "doctor"], {}).command == ""
    first, *more = ("/ip4/192.0.2.7/tcp/1", "/ip4/192.0.2.7/tcp/2", "/ip4/192.0.2.7/tcp/3")
    found = parse_arguments(["-c", first, "kv", "get", "k", "--peer", more[0], "-c", more[1]], {})
    assert found.settings.connect == (first, *more)


def test_a_sub_command_can_have_arguments_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    own = (
        Option("files", "files to give", metavar="FILE", many=True),
        Option("quick", "do not wait", ("--quick",), default=False),
        Option("level", "how far", ("--level",), "N", int, 3),
    )
    entry = SubCommand("give", "give something", "py_peer.frontends.give", ("port",), own)
    monkeypatch.setitem(SUB_COMMANDS, "give", entry)
    found = parse_arguments(["give", "a", "b", "--quick", "-p", "1"], {})
    assert found.own == {"files": ["a", "b"], "quick": True, "level": 3}
    assert found.settings.transports.port == 1
    assert parse_arguments(["give", "a"], {}).own["quick"] is False


def test_an_option_of_another_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_arguments(["id", "--ui"], {})
    assert ended.value.code == 2
    assert "unrecognized arguments: --ui" in capsys.readouterr().err
