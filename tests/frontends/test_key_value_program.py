"""Keys and values between real programs: what docs/key-value.md shows is what happens."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

from tests.frontends.pages import PLACE, SOMEBODY, page, pattern, section
from tests.frontends.programs import DEADLINE, run_to_its_end
from tests.frontends.test_scripted_program import address, read, seen, tell

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.frontends.programs import Piped, Terminal

PAGE = page("key-value.md")
WHO = re.compile(r"12D3KooW[\w…]+")
VARIES = {r"\d+ s ago": r"\\d+ s ago", **SOMEBODY}
"""What is another at each run, in the page and as a pattern."""


def test_two_people_see_what_the_page_shows(terminal: Callable[..., Terminal]) -> None:
    people: dict[str, Terminal] = {}
    someone: Terminal
    for line in section(PAGE, "Alice is the first", "| command"):
        if line.startswith("    $ py-peer "):
            address = people["Alice"].address() if people else ""
            arguments = shlex.split(PLACE.sub(address, line).removeprefix("    $ py-peer "))
            someone = people[arguments[1].title()] = terminal(*arguments)
            someone.address()
        elif line.startswith("    > "):
            someone.send(line.removeprefix("    > ") + "\r")
        elif line.startswith("    "):
            someone.expect(pattern(line.strip(), VARIES))
        elif line.startswith("Alice finds"):
            someone = people["Alice"]
            someone.expect("is called bob")
    assert set(people) == {"Alice", "Bob"}


def test_the_command_line_prints_what_the_page_shows(piped: Callable[..., Piped], tmp_path: Path) -> None:
    first = piped("--dht", "--no-intro")
    page = "\n".join(line.strip() for line in section(PAGE, "## On the command line", "A peer that is started")[1:])
    examples = page.strip().removeprefix("$ ").split("\n$ ")
    assert len(examples) == 3
    for example in examples:
        line, *promised = example.splitlines()
        given, _, command = line.rpartition(" | ")
        arguments = shlex.split(PLACE.sub(first.address(), command))[1:]
        ended = run_to_its_end(tmp_path, *arguments, given="\n".join(shlex.split(given)[2:]) + "\n")
        assert ended.returncode == 0, ended.stderr
        said = [WHO.sub("somebody", line) for line in ended.stdout.splitlines()]
        assert sorted(said) == sorted(WHO.sub("somebody", line) for line in promised)


def test_a_script_has_what_it_asks_for_and_a_code_that_says_what_was_not_there(
    piped: Callable[..., Piped], tmp_path: Path
) -> None:
    (line,) = [line for line in section(PAGE, "## Scripts", "Through pipes") if "| py-peer" in line]
    printf, _, started = line.strip().partition(" | ")
    told, *arguments = "\n".join(shlex.split(printf)[2:]) + "\n", *shlex.split(started)[1:]
    first = piped("--dht", "--no-intro")
    options = [PLACE.sub(first.address(), argument) for argument in arguments]
    ended = run_to_its_end(tmp_path, *options, given=told)
    assert ended.returncode == 0, ended.stdout
    assert "🔑 Put colour: 1 of 1 peer(s) keep it" in ended.stdout.splitlines()
    assert re.search(
        pattern("🔑 colour (from 1 of 1 peer(s), put 0 s ago): dark blue", VARIES), ended.stdout, re.MULTILINE
    )

    missed = run_to_its_end(tmp_path, *options, given="/kv get size\n/kv get colour\n")
    assert missed.returncode == 6
    assert "⚠️  Not found in the DHT: 1 key(s)" in missed.stdout
    assert ": dark blue\n" in missed.stdout  # who has put it is gone

    alone = run_to_its_end(tmp_path, "--dht", given=told)
    assert alone.returncode == 4
    assert "🔑 Put colour: it is kept here alone; nobody is there to take it" in alone.stdout
    assert "🔑 colour (kept here, " in alone.stdout

    off = run_to_its_end(tmp_path, given=told)
    assert off.returncode == 5
    assert "❌ Not put: colour: Kademlia, by which keys are kept, is off; start with --" in off.stdout


def test_a_script_reads_the_lines_that_the_page_shows(piped: Callable[..., Piped]) -> None:
    first = piped("--dht", "--no-intro")
    one = piped("--json", "--no-intro", "--bootstrap", first.address())
    lines = [line.strip() for line in section(PAGE, "With `--json`", "`value` is cleaned") if line.startswith("    ")]
    for line in lines:
        if line.startswith('{"command"'):
            one.send(f"{line}\n")
        else:
            promised = json.loads(line)
            found = seen(one, promised["event"], id=promised["id"])
            assert list(found) == list(promised)
            assert unchanging(found) == unchanging(promised)
    one.end_input()
    assert one.leave(DEADLINE) == 6
    assert read(one)[-1]["event"] == "ended"


def unchanging(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key not in ("at", "seconds")}


def test_of_five_programs_a_newcomer_gets_what_one_has_put_who_was_killed(piped: Callable[..., Piped]) -> None:
    first = piped("--json", "--headless", "--no-intro", "--dht")
    others = [piped("--json", "--headless", "--no-intro", "--bootstrap", address(first)) for _ in range(4)]
    for one in others:
        seen(one, "kademlia_bootstrap", cause="")
    tell(others[0], "kv_put", key="00ff", value="dark blue", id=1)
    put = seen(others[0], "value_put", id=1)
    assert put["peers"] == put["asked"] > 0
    others[0].process.kill()
    newcomer = piped("--json", "--headless", "--no-intro", "--bootstrap", address(others[1]))
    tell(newcomer, "kv_get", key="00ff", id=2)
    assert seen(newcomer, "value_found", id=2)["value"] == "dark blue"


def test_a_value_outlives_the_program_that_has_put_it_when_nobody_was_there(
    piped: Callable[..., Piped], tmp_path: Path
) -> None:
    home = {"PY_PEER_EPHEMERAL": "", "XDG_DATA_HOME": str(tmp_path / "data")}
    before = piped("--json", "--dht", "--no-intro", **home)
    tell(before, "kv_put", key="k", value="v", id=1)
    assert seen(before, "value_put", id=1)["asked"] == 0
    before.end_input()
    assert before.leave(DEADLINE) == 4
    after = piped("--json", "--headless", "--dht", "--no-intro", **home)
    newcomer = piped("--json", "--headless", "--no-intro", "--bootstrap", address(after))
    tell(newcomer, "kv_get", key="k", id=2)
    assert seen(newcomer, "value_found", id=2)["value"] == "v"
