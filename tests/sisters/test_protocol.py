"""The small peers in other languages keep to the protocol that interop/README.md has for them, each among its own kind.

Here is no peer of ours. A browser calls a Node peer, as no page can call another.
"""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import threading
from typing import TYPE_CHECKING, Final

import pytest
from libp2p.peer.id import ID

from tests.network.peers import Peer, Told, free_port, met, party
from tests.sisters.matrix import has_ip6
from tests.sisters.sisters import KINDS, Sister, missing, missing_js_quic, talk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START: Final = 60.0
"""Seconds in which a program starts, on a machine that has much else to do: a page is bundled for a Chromium, too."""

pytestmark = pytest.mark.timeout(4 * START)

LACKING: Final = {kind: reason for kind in KINDS if (reason := missing(kind))}

KEY: Final = "1220" + hashlib.sha256(b"a room").hexdigest()
SIZE: Final = 100_000
TEXT: Final = "grüße 🎈"
NUMBER: Final = (int, float)

EVENTS: Final[dict[str, dict[str, type | tuple[type, ...]]]] = {
    "started": {"peer_id": str},
    "ready": {"peer_id": str, "addresses": list},
    "peer_found": {"peer_id": str, "addresses": list},
    "peer_connected": {"peer_id": str, "address": str, "inbound": bool},
    "peer_disconnected": {"peer_id": str},
    "peer_joined": {"peer_id": str},
    "peer_left": {"peer_id": str},
    "message_received": {"peer_id": str, "text": str},
    "identified": {"peer_id": str, "protocol_version": str, "agent_version": str, "protocols": list},
    "direct_received": {"peer_id": str, "text": str, "type": str},
    "serving_failed": {"reason": str},
    "dial_failed": {"cause": str},
    "message_sent": {"text": str},
    "message_refused": {"reason": str},
    "file_shared": {"file_id": str},
    "file_received": {"peer_id": str, "file_id": str, "size": int, "sha256": str},
    "transfer_failed": {"reason": str},
    "direct_sent": {},
    "direct_refused": {"reason": str},
    "pinged": {"peer_id": str, "rtt": NUMBER},
    "ping_failed": {"reason": str},
    "provided": {},
    "provide_failed": {"reason": str},
    "providers": {"key": str, "peers": list},
    "value_put": {"key": str},
    "put_failed": {"key": str, "reason": str},
    "value": {"key": str, "value": (str, type(None))},
    "get_failed": {"key": str, "reason": str},
    "statistics": {"memory_bytes": int, "cpu_seconds": NUMBER},
    "error": {"command": str, "reason": str},
}
"""Every event, and what it has at least."""


@pytest.fixture(scope="module", params=[kind for kind in KINDS if kind not in LACKING])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def couple(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Peer, Peer]]:
    """One who is called, and one who has called; the second is of the kind in any case."""
    folder = tmp_path_factory.mktemp(kind)
    if kind == "browser":
        port = free_port()
        called: Sister = KINDS["node"]("called", folder / "called", options=("--kademlia", "--ws", str(port)))
        calls = KINDS[kind]("calls", folder / "calls", connect=(f"/ip4/127.0.0.1/tcp/{port}/ws",))
    else:
        called = KINDS[kind]("called", folder / "called", options=("--kademlia",))
        calls = KINDS[kind]("calls", folder / "calls", (called.address,), options=("--kademlia",))
    with party(called):
        called.wait_for(lambda: called.last("ready"), "ready", START)
        with party(calls):
            calls.wait_for(lambda: calls.last("ready"), "ready", START)
            met(called, calls)
            talk(called, calls)
            yield called, calls


def both_ways(couple: tuple[Peer, Peer]) -> Iterator[tuple[Peer, Peer]]:
    yield couple
    yield couple[::-1]


def answer(peer: Peer, /, *events: str, command: str, **arguments: object) -> Told:
    """Have a peer do something, and return the first of these events, or of `error`, that it tells from then on."""
    before = len(peer.told)
    peer.command(command, **arguments)

    def told() -> Told | None:
        return next((line for line in peer.told[before:] if line["event"] in (*events, "error")), None)

    peer.wait_for(told, f"{', '.join(events)} or error")
    found = told()
    assert found is not None
    if found["event"] == "error":
        assert found["command"] == command
        assert found["reason"]
    return found


def test_it_tells_who_it_is_where_it_listens_and_who_has_come(couple: tuple[Peer, Peer], kind: str) -> None:
    called, calls = couple
    for peer, other, inbound in ((called, calls, True), (calls, called, False)):
        assert peer.told[0]["event"] == "started"
        connected = peer.see("peer_connected", peer_id=other.id)
        assert connected["inbound"] is inbound
        assert connected["address"].startswith("/ip4/127.0.0.1/")
        assert (peer.last("ready") or {})["peer_id"] == peer.id
    here = [address for address in called.see("ready")["addresses"] if address.startswith("/ip4/127.0.0.1/")]
    ports = {address.removeprefix("/ip4/127.0.0.1").partition("/p2p/")[0] for address in here}
    assert f"/tcp/{called.port}" in ports
    assert len(ports) == (2 if kind == "browser" else 1), "it listens where it was not told to"


def test_it_tells_what_the_other_says_it_is(couple: tuple[Peer, Peer]) -> None:
    for peer, other in both_ways(couple):
        identified = peer.see("identified", peer_id=other.id)
        assert identified["agent_version"]
        assert "/ipfs/id/1.0.0" in identified["protocols"]
        assert any(name.startswith("/meshsub/") for name in identified["protocols"])


def test_a_text_goes_both_ways(couple: tuple[Peer, Peer]) -> None:
    for number, (peer, other) in enumerate(both_ways(couple)):
        for text in (f"{TEXT} {number}", f"{number}", f"two\nlines {number}"):
            assert answer(peer, "message_sent", "message_refused", command="say", text=text)["event"] == "message_sent"
            other.see("message_received", peer_id=peer.id, text=text)


def test_a_file_that_is_shared_is_fetched_and_again_when_it_is_asked_for(
    couple: tuple[Peer, Peer], tmp_path: Path
) -> None:
    for peer, other in both_ways(couple):
        path, body = tmp_path / "a file", os.urandom(SIZE)
        path.write_bytes(body)
        file_id = answer(peer, "file_shared", command="share", path=str(path))["file_id"]
        received = other.see("file_received", file_id=file_id)
        assert (received["peer_id"], received["size"]) == (peer.id, SIZE)
        assert received["sha256"] == hashlib.sha256(body).hexdigest()
        again = answer(other, "file_received", "transfer_failed", command="get", peer=peer.id, file=file_id)
        assert (again["event"], again["sha256"]) == ("file_received", received["sha256"])


def test_an_offer_with_nothing_behind_it_is_made(couple: tuple[Peer, Peer]) -> None:
    """It ends nothing; what the other makes of it differs."""
    for peer, _ in both_ways(couple):
        peer.command("offer", file="nothing")
    talk(*couple)


def test_a_direct_message_goes_both_ways(couple: tuple[Peer, Peer]) -> None:
    for peer, other in both_ways(couple):
        told = answer(peer, "direct_sent", "direct_refused", command="msg", peer=other.id, text=TEXT)
        assert told["event"] == "direct_sent"
        assert other.see("direct_received", peer_id=peer.id)["text"] == TEXT


def test_a_ping_comes_back_or_there_is_none(couple: tuple[Peer, Peer]) -> None:
    for peer, other in both_ways(couple):
        told = answer(peer, "pinged", "ping_failed", command="ping", peer=other.id)
        assert told["event"] in {"pinged", "error"}
        assert told.get("peer_id", other.id) == other.id
        assert 0 < told.get("rtt", 1) < 10


def test_who_provides_a_key_is_found_or_there_is_no_kademlia(couple: tuple[Peer, Peer]) -> None:
    called, calls = couple
    told = answer(calls, "provided", "provide_failed", command="provide", key=KEY)
    assert told["event"] in {"provided", "error"}
    if told["event"] == "provided":
        found = answer(called, "providers", command="find", key=KEY)
        assert found["key"] == KEY
        assert calls.id in found["peers"]


def test_a_value_that_was_put_is_found_or_there_is_no_kademlia(couple: tuple[Peer, Peer], kind: str) -> None:
    called, calls = couple
    own = ID.from_string(calls.id).to_bytes()
    for key, value in ((b"a key", b"a value"), (b"/pk/" + own, own[2:])):  # the ID is the key, behind two bytes
        record = {"key": key.hex(), "value": value.hex()}
        told = answer(calls, "value_put", "put_failed", command="put_value", **record)
        if told["event"] == "error":
            assert kind == "browser"
        elif kind == "go" and not key.startswith(b"/"):
            assert told["event"] == "put_failed", "Go takes what it can verify alone"
        else:
            assert told["event"] == "value_put"
            assert told.get("took", 1) == 1
            found = answer(called, "value", "get_failed", command="get_value", key=record["key"])
            assert record.items() <= found.items()
            assert answer(called, "value", "get_failed", command="get_value", key=value.hex()).get("value") is None


def test_it_says_what_it_holds_and_has_used(couple: tuple[Peer, Peer]) -> None:
    for peer, _ in both_ways(couple):
        told = answer(peer, "statistics", command="stats", id=7)
        if told["event"] == "statistics":
            assert told["id"] == 7
            assert 1 << 20 < told["memory_bytes"] < 1 << 31
            assert 0 <= told["cpu_seconds"] < 1_000


@pytest.mark.parametrize(
    "line", [b"nonsense", b'"say"', b"[1]", b"null", b"{}", b'{"command": 1}', b"\xff", b'{"command": "say"']
)
def test_a_line_that_is_no_command_is_an_error(couple: tuple[Peer, Peer], line: bytes) -> None:
    _, peer = couple
    before = len(peer.all("error"))
    assert peer.process is not None
    assert peer.process.stdin is not None
    peer.process.stdin.write(line + b"\n")
    peer.process.stdin.flush()
    peer.wait_for(lambda: len(peer.all("error")) > before, "error")


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("sing", {"text": "la"}),
        ("say", {"text": 1}),
        ("say", {}),
        ("say_on", {"topic": "where it is not", "text": 1}),
        ("topic", {}),
        ("offer", {}),
        ("msg", {"peer": "nobody", "text": "hello"}),
        ("get", {"peer": 7}),
        ("disconnect", {"peer": "12D3KooWCxanrC7xtuptc6mGZkaZrYARVd9TLKk4KiLKazH5Pz4Z"}),
        ("share", {"path": "/nowhere"}),
        ("find", {"key": "no hex"}),
        ("get_value", {"key": "no hex"}),
        ("put_value", {"key": "6b"}),
    ],
)
def test_a_command_that_cannot_be_done_is_an_error_and_it_goes_on(
    couple: tuple[Peer, Peer], command: str, arguments: dict[str, object]
) -> None:
    _, peer = couple
    assert answer(peer, command=command, **arguments)["event"] == "error"


def test_who_is_not_there_cannot_be_dialled(couple: tuple[Peer, Peer]) -> None:
    _, peer = couple
    nobody = f"/ip4/127.0.0.1/tcp/{free_port()}/ws"
    told = answer(peer, "dial_failed", command="connect", address=nobody)
    assert (told["event"], told["address"]) == ("dial_failed", nobody)


def test_it_disconnects_and_calls_when_it_is_told_to(couple: tuple[Peer, Peer]) -> None:
    called, calls = couple
    address = calls.see("peer_connected", peer_id=called.id)["address"]
    left = [len(peer.all("peer_disconnected")) for peer in couple]
    calls.command("disconnect", peer=called.id)
    for peer, other, before in zip(couple, couple[::-1], left, strict=True):
        peer.wait_for(lambda: len(peer.all("peer_disconnected")) > before, "peer_disconnected")  # noqa: B023 - at once
        peer.wait_for(lambda: other.id not in peer.room(), "peer_left")  # noqa: B023
    calls.command("connect", address=address)
    met(*couple)
    talk(*couple)


def test_it_listens_where_it_is_told_to_and_calls_over_what_it_does_not_listen_on_itself(
    couple: tuple[Peer, Peer], kind: str, tmp_path: Path
) -> None:
    _, calls = couple
    has_quic = kind != "browser" and not (kind == "node" and missing_js_quic())
    for option, end in (("--ws", "/tcp/{}/ws"), *((("--quic", "/udp/{}/quic-v1"),) if has_quic else ())):
        port = free_port()
        options = (option, str(port), "--ip6")
        # Each a new one: of whom they know more addresses some take another than they are told to.
        listens = KINDS["node" if kind == "browser" else kind](option, tmp_path / option, options=options)
        with party(listens):
            listens.wait_for(lambda: listens.last("ready"), "ready", START)  # noqa: B023 - it is called at once
            addresses = [host + end.format(port) for host in ("/ip4/127.0.0.1", "/ip6/::1")[: 1 + has_ip6()]]
            for address in addresses:
                assert any(here.startswith(address) for here in listens.see("ready")["addresses"])
            calls.command("connect", address=addresses[0])
            assert calls.see("peer_connected", peer_id=listens.id)["address"].startswith(addresses[0])


def test_every_line_is_an_event_that_is_known(couple: tuple[Peer, Peer]) -> None:
    for peer in couple:
        for told in peer.told:
            assert told["event"] in EVENTS, told
            for name, wanted in EVENTS[told["event"]].items():
                assert isinstance(told.get(name), wanted), told


def test_it_leaves_at_the_end_of_its_input_and_when_it_is_asked_to(couple: tuple[Peer, Peer]) -> None:
    called, calls = couple
    assert calls.process is not None
    assert calls.process.stdin is not None
    calls.process.stdin.close()
    assert calls.process.wait(START) == 0
    called.see("peer_left", peer_id=calls.id)
    with party(calls):
        calls.wait_for(lambda: calls.last("ready"), "ready", START)
        calls.signal(signal.SIGTERM)
        assert calls.process.wait(START) == 0


def test_an_option_that_it_does_not_know_ends_it_with_a_sentence(kind: str, tmp_path: Path) -> None:
    program = KINDS[kind]("never", tmp_path).program()
    ended = subprocess.run(
        [*program, "--nonsense"], cwd=tmp_path, stdin=subprocess.PIPE, capture_output=True, timeout=START, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"nonsense" in ended.stderr


@pytest.mark.parametrize(
    "given", [("--port", "abc"), ("--ws", "99999"), ("--relay", "no relay"), ("--interval", "abc")]
)
def test_what_cannot_be_an_option_ends_it_with_a_sentence(kind: str, given: tuple[str, str], tmp_path: Path) -> None:
    if kind == "browser":
        pytest.skip("a page listens nowhere")
    code, said = never(kind, tmp_path, *given)
    assert code == 2
    assert given[0].strip("-") in said or given[1] in said


@pytest.mark.parametrize("option", ["--port", "--ws", "--quic"])
def test_a_port_that_is_taken_ends_it_with_a_sentence(kind: str, option: str, tmp_path: Path) -> None:
    if kind == "browser" or (kind == "node" and option == "--quic" and missing_js_quic()):
        pytest.skip("it does not listen there")
    with socket.socket(type=socket.SOCK_DGRAM if option == "--quic" else socket.SOCK_STREAM) as taken:
        taken.bind(("", 0))
        if option != "--quic":
            taken.listen()
        port = str(taken.getsockname()[1])
        code, said = never(kind, tmp_path, option, port)
    assert code == 1
    assert port in said


def never(kind: str, folder: Path, *given: str) -> tuple[int, str]:
    """Return with what a peer that cannot start ends, and what it says to people."""
    program = [*KINDS[kind]("never", folder).program(), *given]
    with subprocess.Popen(
        program, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as run:
        assert run.stderr is not None
        end = threading.Timer(START, run.kill)  # its input is open all the while
        end.start()
        said = run.stderr.read().decode()
        code = run.wait(START)
        end.cancel()
    assert "   at " not in said, "these are lines of a program"
    return code, said


def test_all_are_there() -> None:
    if LACKING:
        pytest.skip("; ".join(f"{kind}: {reason}" for kind, reason in LACKING.items()))
