"""--json and --oneshot as a script starts them: real programs that talk, and nothing on the output but the schema's."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped, unused-ignore]

from py_peer import __version__
from py_peer.core.json_lines import events_schema
from tests.frontends.programs import BUSY_SECONDS, DEADLINE, LEAVING_SECONDS, PY_PEER, environment, run_to_its_end

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.frontends.programs import Piped

SCHEMA = Draft202012Validator(events_schema())


def read(program: Piped) -> list[dict[str, Any]]:
    """Return all that the program has written in whole lines, held to the schema."""
    events = [json.loads(line) for line in program.text.split("\n")[:-1]]
    for event in events:
        SCHEMA.validate(event)
    return events


def seen(program: Piped, name: str, **fields: Any) -> dict[str, Any]:
    """Wait for an event and return it."""

    def found() -> dict[str, Any] | None:
        events = [json.loads(line) for line in program.text.split("\n")[:-1]]
        return next((one for one in events if one["event"] == name and fields.items() <= one.items()), None)

    program.wait_for(lambda: found() is not None, f"{name} {fields}")
    event = found()
    assert event is not None
    return event


def tell(program: Piped, command: str, **more: Any) -> None:
    program.send(json.dumps({"command": command, **more}) + "\n")


def address(program: Piped) -> str:
    addresses: list[str] = seen(program, "ready")["addresses"]
    return next(one for one in addresses if one.startswith("/ip4/127."))


def test_two_scripts_talk_and_every_line_is_of_the_schema(piped: Callable[..., Piped]) -> None:
    ann = piped("--json", "--headless", "--nick", "Ann", "--no-intro")
    bob = piped("--json", "--nick", "Bob", "--connect", address(ann))
    bob_id = seen(bob, "started")["peer_id"]
    seen(ann, "peer_joined", peer_id=bob_id)
    seen(ann, "message_received", text="Hello from Bob (py-peer)")
    tell(ann, "say", text='hello "Bob"\n/quit \u2028 \x1b[2J', id="greeting")
    assert seen(ann, "message_sent", id="greeting")["peers"] == 1
    received = seen(bob, "message_received", peer_id=seen(ann, "started")["peer_id"])
    assert received["text"] == 'hello "Bob"\n/quit \n '
    for number, name in enumerate(("peers", "status", "multiaddr")):
        tell(ann, name, id=number)
        assert [peer["peer_id"] for peer in seen(ann, "status_report", id=number)["peers"]] == [bob_id]
    tell(ann, "whois", peer=bob_id, id=7)
    assert seen(ann, "found_peers", id=7)["peers"][0]["connection"]["in_room"]
    ann.send("this is no JSON\n")
    seen(ann, "error", line=6)
    tell(bob, "say", text="bye", id=1)
    bob.end_input()
    assert bob.leave(DEADLINE) == 0
    seen(ann, "message_received", text="bye")
    seen(ann, "peer_left", peer_id=bob_id)
    ann.end_input()
    seen(ann, "peer_disconnected", peer_id=bob_id)
    assert ann.process.poll() is None
    ann.signal(signal.SIGTERM)
    assert ann.leave() == 0
    for program in (ann, bob):
        events = read(program)
        assert (events[0]["event"], events[0]["version"], events[-1]["event"]) == ("starting", __version__, "ended")
        assert {"started", "ready", "peer_connected", "identified", "peer_joined", "stopped"} <= {
            event["event"] for event in events
        }
        assert program.errors == ""


def test_nothing_said_with_nobody_there_is_lost_in_silence(tmp_path: Path) -> None:
    ended = run_to_its_end(tmp_path, "--json", given='{"command":"say","text":"x","id":1}\n')
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert (ended.returncode, ended.stderr) == (4, "")
    assert [event["event"] for event in events if event.get("id") == 1] == ["message_waiting"]
    assert (events[-1]["exit_code"], events[-1]["unsent"]) == (4, 1)


def test_a_port_in_use_is_told_as_an_event_too(tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:  # noqa: S104 - where the program would listen
        ended = run_to_its_end(tmp_path, "--json", "--headless", "--port", str(taken.getsockname()[1]))
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == events[-1]["exit_code"] == 3
    assert [event["event"] for event in events] == ["starting", "started", "failed", "stopped", "ended"]
    assert ended.stderr.startswith("py-peer: cannot listen: port ")


@pytest.mark.parametrize("sign", ["starting", "started", "ready"])
def test_a_signal_ends_it_with_a_last_line_at_any_time(piped: Callable[..., Piped], sign: str) -> None:
    program = piped("--json", "--headless", cold=sign == "starting")
    seen(program, sign)
    program.signal(signal.SIGTERM)
    assert program.leave() == 0
    assert (read(program)[-1]["event"], program.errors) == ("ended", "")


def test_a_script_that_does_not_read_does_not_keep_it(tmp_path: Path) -> None:
    out, into = os.pipe()
    with subprocess.Popen(
        [*PY_PEER, "--json"],
        stdin=subprocess.PIPE,
        stdout=into,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment(),
    ) as process:
        assert process.stdin is not None
        os.set_blocking(process.stdin.fileno(), False)
        os.write(process.stdin.fileno(), b"{}\n" * 20_000)
        end = time.monotonic() + DEADLINE
        while select.select([], [into], [], 0.01)[1]:  # until the pipe is full, and the program waits
            assert time.monotonic() < end
        process.send_signal(signal.SIGTERM)
        assert process.wait(LEAVING_SECONDS + BUSY_SECONDS) in (0, 4)
        for descriptor in (out, into):
            os.close(descriptor)


def test_it_is_utf8_wherever_it_runs(piped: Callable[..., Piped]) -> None:
    program = piped("--json", "--nick", "Zoë☕", "--headless", PYTHONIOENCODING="latin-1", LC_ALL="C")
    assert seen(program, "ready")["nickname"] == "Zoë☕"


# --- One text -------------------------------------------------------------------------------------


def test_one_text_is_read_before_it_is_over(piped: Callable[..., Piped], tmp_path: Path) -> None:
    bob = piped("--json", "--headless", "--no-intro")
    to_bob = ("--connect", address(bob))
    for name, arguments, given in (
        ("/quit", ("--oneshot", "/quit"), ""),
        ("two\nlines", ("--oneshot", "-", "--json"), "two\nlines\n\n"),
        ("x" * 60_000, ("--oneshot", "-"), "x" * 60_000 + "\r\n"),
    ):
        ended = run_to_its_end(tmp_path, *arguments, *to_bob, given=given)
        assert (ended.returncode, ended.stderr) == (0, "")
        seen(bob, "message_received", text=name)
        if "--json" in arguments:
            events = [json.loads(line) for line in ended.stdout.splitlines()]
            assert [event for event in events if not SCHEMA.is_valid(event)] == []
        else:
            assert ended.stdout.splitlines()[2:] == ["✓ Message sent to 1 peer(s)", "Goodbye!"]
    assert len([event for event in read(bob) if event["event"] == "message_received"]) == 3


def test_one_text_waits_for_somebody_who_comes_by_himself(piped: Callable[..., Piped]) -> None:
    ann = piped("--json", "--oneshot", "hello")
    bob = piped("--json", "--headless", "--no-intro", "--connect", address(ann))
    seen(bob, "message_received", text="hello")
    assert ann.leave(DEADLINE) == 0


def test_one_text_with_nobody_there_says_why(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    ended = run_to_its_end(tmp_path, "--oneshot", "x", "--timeout", "0.5", "--connect", f"/ip4/127.0.0.1/tcp/{port}")
    assert ended.returncode == 4
    lines = ended.stdout.splitlines()
    assert lines[2].startswith(f"📡 Failed to connect to /ip4/127.0.0.1/tcp/{port}: connection refused")
    assert lines[3:] == ["⚠️  Not sent: 1 message(s) - nobody was there", "Goodbye!"]


@pytest.mark.parametrize("mode", [(), ("--json",)], ids=["lines", "json"])
@pytest.mark.parametrize("sign", ["tarting", "12D3KooW"])
def test_one_text_that_is_given_up_was_not_sent(piped: Callable[..., Piped], mode: tuple[str], sign: str) -> None:
    program = piped("--oneshot", "x", *mode, cold=sign == "tarting")
    program.expect(sign)
    program.signal(signal.SIGINT)
    assert program.leave() == 4
    assert program.errors == ""


@pytest.mark.parametrize(
    ("text", "given", "reason"),
    [
        ("", b"", "there is no text that can be seen"),
        (" \n", b"", "there is no text that can be seen"),
        ("\x1b[2J\u200b", b"", "there is no text that can be seen"),
        ("-", b"\n\n", "there is no text that can be seen"),
        ("caf\udce9", b"", "the text is not UTF-8: byte 4 of it"),
        ("-", b"caf\xe9\n", "the text is not UTF-8: byte 4 of it"),
        ("é" * 30_001, b"", "it has 60,002 bytes, and a message may have 60,000"),
        ("-", "é".encode() * 60_001, "standard input has more than the 60,000 bytes that a message may have"),
    ],
    ids=["empty", "blank", "unseen", "empty input", "no UTF-8", "input no UTF-8", "too large", "input too large"],
)
def test_a_text_that_cannot_be_sent_is_refused_before_anything_starts(
    tmp_path: Path, text: str, given: bytes, reason: str
) -> None:
    ended = run_to_its_end(tmp_path, "--oneshot", text, given=given)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines()[-1] == f"py-peer: error: argument --oneshot: {reason}"
