"""`py-peer kv` between real programs, none of which is in the room."""

from __future__ import annotations

import json
import re
import signal
import socket
from typing import TYPE_CHECKING, Any

import pytest

from py_peer.core import limits
from py_peer.frontends.kv_shell import MAX_LINE
from tests.frontends.programs import run_to_its_end

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.frontends.programs import Piped

HERE = ("--listen", "/ip4/127.0.0.1/tcp/0")
NOWHERE = ("--connect", "/ip4/127.0.0.1/tcp/9", "--timeout", "1")


def where(shell: Piped) -> str:
    """Return where a shell listens, as it says on standard error."""
    shell.wait_for(lambda: "Listening on: " in shell.errors, "where it listens")
    return shell.errors.split("Listening on: ")[1].split("\n")[0]


def kv(folder: Path, *arguments: str, given: str | bytes = b"") -> subprocess.CompletedProcess[str]:
    return run_to_its_end(folder, "kv", *arguments, given=given)


@pytest.fixture
def node(piped: Callable[..., Piped]) -> Callable[..., Piped]:
    """Start a shell that takes part in Kademlia, and stays while nobody closes its input."""
    return lambda *arguments: piped("kv", "shell", *HERE, *arguments)


def test_what_was_put_on_one_of_five_is_found_on_another_when_the_first_is_gone(
    node: Callable[..., Piped], tmp_path: Path
) -> None:
    nodes = [node()]
    for _ in range(4):
        nodes.append(node("--peer", where(nodes[-1])))
    for shell in nodes[1:]:
        where(shell)
        shell.send("GET nothing\n")  # all know each other when the answers are here
    for shell in nodes[1:]:
        shell.expect(r'^{"key":"nothing","value":null}$')
    nodes[0].send("PUT colour dark blue\n")
    told = json.loads(nodes[0].expect(r'^{"key":"colour","kept_by".*}$')[0])
    assert told["kept_by"] >= 1
    me = re.search(r"^Local peer id: (\S+)$", nodes[0].errors, re.MULTILINE)
    assert me is not None
    nodes[0].expect(r'^{"key":"colour","provided_to":[1-9].*}$')
    nodes[0].signal(signal.SIGKILL)
    late = kv(tmp_path, "get", "colour", "--connect", where(nodes[4]))
    assert (late.returncode, late.stdout) == (0, "dark blue\n")
    known = kv(tmp_path, "providers", "colour", "--connect", where(nodes[3]))
    assert (known.returncode, known.stdout) == (0, f"{me[1]}\n")


def test_each_command_does_one_thing_and_ends_with_a_code(node: Callable[..., Piped], tmp_path: Path) -> None:
    at = ("--connect", where(node()))
    put = kv(tmp_path, "put", "ключ", "grüne 🌳", *at)
    assert (put.returncode, put.stdout) == (0, "Put ключ: 1 of 1 peer(s) keep it\n")
    got = kv(tmp_path, "get", "ключ", *at)
    assert (got.returncode, got.stdout) == (0, "grüne 🌳\n")
    assert re.fullmatch(r"from 1 of 1 peer\(s\), put \d+ s ago\n", got.stderr)
    shown = kv(tmp_path, "get", "ключ", "--json", *at)
    (found,) = map(json.loads, shown.stdout.splitlines())
    assert (found["event"], found["value"], found["peers"]) == ("value_found", "grüne 🌳", 1)
    missed = kv(tmp_path, "get", "deadbeef", *at)
    assert (missed.returncode, missed.stdout) == (6, "")
    none = "none of the 1 peer(s) that were asked has a value for it"
    assert missed.stderr == f"py-peer: Not found: deadbeef: {none}\n"
    missed = kv(tmp_path, "get", "deadbeef", "--json", *at)
    assert (missed.returncode, json.loads(missed.stdout)["event"]) == (6, "lookup_failed")


def test_what_was_put_is_given_up_with_nobody_there(node: Callable[..., Piped], tmp_path: Path) -> None:
    me = ("--identity", str(tmp_path / "key"))
    kv(tmp_path, "put", "colour", "blue", "--connect", where(node()), *me)
    ended = [kv(tmp_path, "forget", "colour", *me) for _ in range(2)]
    assert [one.returncode for one in ended] == [0, 2]
    assert ended[0].stdout == "Forgotten: colour: it is not put anew; others keep it for two days at most\n"
    assert ended[1].stderr == "py-peer: Not forgotten: colour: you keep nothing under it that you have put\n"


def test_who_provides_a_key_is_shown_also_when_it_has_left(node: Callable[..., Piped], tmp_path: Path) -> None:
    at = ("--connect", where(node()))
    assert kv(tmp_path, "providers", "songs", *at).returncode == 6
    provided = kv(tmp_path, "provide", "songs", "--secret-key-seed", "7", *at)
    assert (provided.returncode, provided.stdout) == (0, "You provide songs: 1 of 1 peer(s) have been told\n")
    assert "This is test key 7: everybody can make it, and speak in its name" in provided.stderr
    me = run_to_its_end(tmp_path, "id", "--secret-key-seed", "7")
    assert me.stderr == "py-peer: This is test key 7: everybody can make it, and speak in its name\n"
    found = kv(tmp_path, "providers", "songs", *at)
    assert (found.returncode, found.stdout) == (0, me.stdout)


@pytest.mark.parametrize(
    "command", [("put", "k", "v"), ("get", "k"), ("provide", "k"), ("providers", "k")], ids=" ".join
)
def test_with_nobody_there_it_gives_up_in_time(tmp_path: Path, command: tuple[str, ...]) -> None:
    alone = kv(tmp_path, *command, *NOWHERE)
    assert alone.returncode == 4
    assert "Failed to connect to /ip4/127.0.0.1/tcp/9" in alone.stderr
    assert "There was no answer within 1 s: nobody was reached" in alone.stderr
    shown = kv(tmp_path, *command, *NOWHERE, "--json")
    (line,) = shown.stdout.splitlines()
    assert (shown.returncode, json.loads(line)["failed"]) == (4, True)


def test_what_can_never_be_had_is_refused_at_once(node: Callable[..., Piped], tmp_path: Path) -> None:
    large = kv(tmp_path, "put", "k", "x" * (limits.MAX_KAD_VALUE + 1), *NOWHERE[:2])
    assert large.returncode == 2
    assert f"a value has at most {limits.MAX_KAD_VALUE:,} bytes" in large.stderr
    for empty in (("get", ""), ("put", "", "v"), ("put", "k", "")):
        ended = kv(tmp_path, *empty, *NOWHERE[:2])
        assert (ended.returncode, "it is empty" in ended.stderr) == (2, True)
    other = kv(tmp_path, "put", "/other/name", "v", "--connect", where(node()))
    assert other.returncode == 2
    assert "Not put: /other/name: " in other.stderr


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = kv(tmp_path, "get", "k", "--listen", f"/ip4/127.0.0.1/tcp/{port}")
    assert ended.returncode == 3
    assert f"{port}" in ended.stderr
    assert ended.stdout == ""


def test_a_shell_reads_lines_and_writes_a_line_of_json_for_each_result(
    node: Callable[..., Piped], tmp_path: Path
) -> None:
    lines = ["GET colour", "PUT colour dark  blue", "GET colour", "GET_PROVIDERS colour", "PUT_PROVIDER song"]
    ended = kv(tmp_path, "shell", "--peer", where(node()), given="\n".join([*lines, "QUIT", "GET never"]))
    assert ended.returncode == 6  # the first was not there
    results: dict[str, list[dict[str, Any]]] = {"colour": [], "song": []}
    for line in ended.stdout.splitlines():
        result = json.loads(line)
        results[result["key"]].append(result)
    me = re.search(r"^Local peer id: (\S+)$", ended.stderr, re.MULTILINE)
    assert me is not None
    assert results["colour"] == [
        {"key": "colour", "value": None},
        {"key": "colour", "kept_by": 1, "asked": 1},
        {"key": "colour", "provided_to": 1, "asked": 1},
        {"key": "colour", "value": "dark  blue"},
        {"key": "colour", "providers": [me[1]]},
    ]
    assert results["song"] == [{"key": "song", "provided_to": 1, "asked": 1}]


def test_a_shell_says_on_standard_error_what_is_no_command(tmp_path: Path) -> None:
    given = b"get k\nGET\nPUT k\nPUT " + b"x" * MAX_LINE + b"\nGET \xff\nQ\n"
    ended = kv(tmp_path, "shell", given=given)
    assert (ended.returncode, ended.stdout) == (5, "")
    said = [line for line in ended.stderr.splitlines() if not line.startswith(("Local peer id", "Listening on"))]
    assert said == [
        "line 1: expected GET, GET_PROVIDERS, PUT or PUT_PROVIDER (or TOPIC or QUIT)",
        "line 2: Expected key",
        "line 3: Expected value",
        f"line 4: the line has {MAX_LINE + 4:,} bytes, and {MAX_LINE:,} at most can be of use",
        "line 5: the line is not UTF-8",
    ]
    first, second, *errors = map(json.loads, kv(tmp_path, "shell", "--json", given=given).stdout.splitlines())
    assert (first["event"], second["event"]) == ("started", "ready")
    assert [(one["event"], one["line"]) for one in errors] == [("error", number) for number in range(1, 6)]


def test_shells_hear_each_other_on_a_topic(node: Callable[..., Piped], piped: Callable[..., Piped]) -> None:
    first = node()
    second = node("--connect", where(first))
    for shell in (first, second):
        shell.send("TOPIC cats\n")
        shell.expect(r'^{"topic":"cats","peers":\d}$')
    chat = piped("--no-intro", "--connect", where(first))
    chat.address()
    chat.send("/topic cats\n")
    chat.send("miaow\n")
    for shell in (first, second):
        found = json.loads(shell.expect(r'^{"topic":"cats","from":.*}$')[0])
        assert found["text"] == "miaow"
    chat.expect(r"Peer joined #cats: \w+$")
    assert "Peer joined: " not in chat.text
    for shell in (first, second):
        shell.send("QUIT\n")
        assert shell.leave() == 0


def test_ctrl_c_ends_a_shell_and_an_errand(node: Callable[..., Piped], piped: Callable[..., Piped]) -> None:
    shell = node()
    where(shell)
    shell.signal(signal.SIGINT)
    assert shell.leave() == 0
    errand = piped("kv", "get", "k", *NOWHERE[:2])
    errand.wait_for(lambda: "Failed to connect" in errand.errors, "that nobody is there")
    errand.signal(signal.SIGINT)
    assert errand.leave() == 6
    assert errand.text == ""


def test_it_leaves_nothing_behind(node: Callable[..., Piped], tmp_path: Path) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    assert kv(tmp_path, "get", "k", "--connect", where(node())).returncode == 6
    assert {path.name for path in tmp_path.iterdir()} == before
