"""A key of Nostr: `py-peer nostr key`, and what never stands on a command line."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from py_peer.core.exit_codes import ExitCode
from py_peer.frontends.arguments import parse_arguments
from tests.frontends.programs import DEADLINE, environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.frontends.programs import SubCommand

NSEC = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"
NPUB = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"
OTHER = "0" * 63 + "1"


def test_a_key_is_made_once_and_shown_by_its_npub(sub_command: SubCommand, tmp_path: Path) -> None:
    file = tmp_path / "data" / "py-peer" / "nostr.key"
    lacking = sub_command("nostr", "key", "show")
    assert (lacking.returncode, lacking.stdout) == (ExitCode.USAGE, "")
    assert f"There is no key of Nostr in {file}. Make one with: py-peer nostr key new" in lacking.stderr
    made = sub_command("nostr", "key", "new")
    assert (made.returncode, made.stderr) == (0, f"py-peer: A new key of Nostr is kept in {file}: keep a copy\n")
    npub = made.stdout.strip()
    shown = sub_command("nostr", "key", "show", "--json")
    assert (shown.returncode, shown.stderr) == (0, "")
    found = json.loads(shown.stdout)
    assert (found["npub"], found["file"], found["made"]) == (npub, str(file), False)
    again = sub_command("nostr", "key", "new")
    assert (again.returncode, again.stdout) == (ExitCode.USAGE, "")
    assert "is there already, and is not written over" in again.stderr
    assert file.read_text().strip() not in made.stdout + made.stderr + shown.stdout


@pytest.mark.parametrize(
    ("arguments", "variables", "expected"),
    [
        ((), {"PY_PEER_NSEC": NSEC}, NPUB),
        (("--nostr-key", "mine"), {"PY_PEER_NSEC": OTHER}, NPUB),
        ((), {"PY_PEER_NOSTR_KEY": "mine"}, NPUB),
        (("--config", "config.toml"), {"PY_PEER_NSEC": ""}, NPUB),
        ((), {"PY_PEER_NSEC": OTHER, "PY_PEER_NOSTR_KEY": "mine"}, "Unset one of the two"),
        ((), {"PY_PEER_NSEC": NPUB}, "PY_PEER_NSEC (environment) holds no key of Nostr: an npub is the public half"),
    ],
    ids=["variable", "flag", "file by variable", "file by configuration", "both", "npub"],
)
def test_a_flag_comes_before_the_environment_and_that_before_the_configuration(
    sub_command: SubCommand,
    tmp_path: Path,
    arguments: tuple[str, ...],
    variables: dict[str, str],
    expected: str,
) -> None:
    (tmp_path / "mine").write_text(NSEC)
    (tmp_path / "mine").chmod(0o600)
    (tmp_path / "config.toml").write_text('nostr_key = "mine"')
    done = sub_command("nostr", "key", "show", *arguments, **variables)
    assert expected in done.stdout + done.stderr
    assert done.returncode == (0 if expected == NPUB else ExitCode.USAGE)
    assert "means nothing here" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--nsec", NSEC),
        (f"--nsec={NSEC}",),
        ("--nsec", NSEC, "nostr", "key", "show"),
        ("nostr", "key", "show", "--nsec", NSEC),
        ("nostr", "key", "--nsec"),
    ],
    ids=["chat", "equals", "before", "behind", "bare"],
)
def test_an_nsec_on_the_command_line_is_refused_and_not_repeated(
    sub_command: SubCommand, arguments: tuple[str, ...]
) -> None:
    done = sub_command(*arguments)
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
    assert "argument --nsec: others on this machine can read a command line" in done.stderr
    assert "--nostr-key" in done.stderr
    assert "PY_PEER_NSEC" in done.stderr
    assert NSEC not in done.stderr


@pytest.mark.parametrize(
    "words", ["--nsec=", "nostr --nsec ", "nostr key show ", "nostr ", "nostr publish a "], ids=str.strip
)
def test_an_nsec_is_repeated_by_no_complaint(capsys: pytest.CaptureFixture[str], words: str) -> None:
    for nsec in (NSEC, NSEC.upper()):
        with pytest.raises(SystemExit):
            parse_arguments(f"{words}{nsec}".split(), {})
        said = capsys.readouterr().err
        assert said
        assert nsec not in said


def test_what_holds_is_shown_without_the_secret(sub_command: SubCommand) -> None:
    done = sub_command("--print-config", PY_PEER_NSEC=NSEC)
    assert done.returncode == 0
    assert NSEC not in done.stdout + done.stderr


def test_a_new_key_beside_one_of_the_environment_is_said_not_to_hold_yet(sub_command: SubCommand) -> None:
    done = sub_command("nostr", "key", "new", PY_PEER_NSEC=NSEC)
    assert "PY_PEER_NSEC is set, and holds in its place" in done.stderr
    assert done.stdout.strip() != NPUB


def test_what_signs_and_what_speaks_with_relays_is_imported_when_it_is_used(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from py_peer.frontends import nostr_key, nostr_publish, nostr_verify\n"
        "heavy = {'coincurve', 'dulwich', 'libp2p', 'trio', 'trio_websocket'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
