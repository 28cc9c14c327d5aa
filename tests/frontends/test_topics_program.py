"""Topics between real programs: what docs/topics.md shows is what happens."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

from tests.frontends.pages import PLACE, page, pattern, section
from tests.frontends.programs import DEADLINE, run_to_its_end
from tests.frontends.test_scripted_program import read, seen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.frontends.programs import Piped, Terminal

PAGE = page("topics.md")


def test_two_people_see_what_the_page_shows(terminal: Callable[..., Terminal]) -> None:
    people: dict[str, Terminal] = {}
    someone: Terminal
    told: dict[str, int] = {}
    for line in section(PAGE, "Alice talks", "| command"):
        if line.startswith("    $ py-peer "):
            address = people["Alice"].address() if people else ""
            arguments = shlex.split(PLACE.sub(address, line).removeprefix("    $ py-peer "))
            someone = people[arguments[1].title()] = terminal(*arguments, "--no-intro", columns=120)
            someone.address()
            told.clear()
            if len(people) > 1:
                someone.expect(r"(joined: \w+ \(|is called )alice")
                people["Alice"].expect(r"(joined: \w+ \(|is called )bob")
        elif line.startswith("    > "):
            someone.send(line.removeprefix("    > ") + "\r")
        elif line.startswith("    "):
            told[line] = told.get(line, 0) + 1
            someone.expect_count(pattern(line.removeprefix("    ")), told[line])
        elif line.startswith("Alice sees"):
            someone = people["Alice"]
            told.clear()
    assert set(people) == {"Alice", "Bob"}
    people["Bob"].expect(pattern("📡 Peer left #art of code: m4wJWZNF (alice)"))
    assert re.search(r"^#art of code> hello, alice", people["Bob"].text, re.MULTILINE)


def test_scripts_talk_on_a_topic_as_the_page_shows(piped: Callable[..., Piped], tmp_path: Path) -> None:
    first = piped("--headless", "--no-intro", "--topic", "art of code")
    address = re.search(r"Listening on: (/ip4/127\S+)", first.expect(r"(?s)Listening on: .*").string)
    assert address is not None
    examples = [line.strip() for line in section(PAGE, "## Scripts", "When a script") if "py-peer -c" in line]
    for line in examples:
        printf, _, started = line.rpartition(" | ")
        arguments = [PLACE.sub(address[1], argument) for argument in shlex.split(started)[1:]]
        given = "\n".join(shlex.split(printf)[2:]) + "\n"
        ended = run_to_its_end(tmp_path, "--no-intro", *arguments, given=given)
        assert ended.returncode == 0, ended.stdout
        assert "✓ Message sent to 1 peer(s) on #art of code" in ended.stdout.splitlines()
    first.expect_count(r"^Received message on #art of code from \w+: the build is green$", len(examples))

    refused = run_to_its_end(tmp_path, "-c", address[1], given="/topic universal-connectivity-file\nnot for the room\n")
    assert refused.returncode == 5, refused.stdout
    assert "❌ Line 2 was not sent: it is for a topic that was not joined" in refused.stdout
    assert "not for the room" not in first.text


def test_a_script_reads_the_lines_that_the_page_shows(piped: Callable[..., Piped]) -> None:
    first = piped("--no-intro", "--topic", "art of code")
    one = piped("--json", "--no-intro", "-c", first.address())
    seen(one, "peer_joined")
    lines = [line.strip() for line in section(PAGE, "With `--json`", "`topic_peer_joined`") if line.startswith("    ")]
    for line in lines:
        if line.startswith('{"command"'):
            one.send(f"{line}\n")
            if '"topic"' in line or '"say"' in line:
                seen(one, "topic_joined")
    for line in lines:
        if line.startswith('{"event"'):
            promised = json.loads(line)
            found = seen(one, promised["event"], id=promised["id"])
            assert list(found) == list(promised)
            assert unchanging(found) == unchanging(promised)
            if promised["id"] == 2:
                first.expect(r"^#art of code \[\S+\]: hello$")
    one.end_input()
    assert one.leave(DEADLINE) == 0
    assert read(one)[-1]["event"] == "ended"


def unchanging(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key not in ("at", "timestamp", "peer_ids")}
