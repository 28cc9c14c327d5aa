"""What Prometheus reads is what /stats shows, whoever else knocks at the port, and however."""

from __future__ import annotations

import asyncio
import http.client
import socket
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing
from prometheus_client.parser import text_string_to_metric_families

from py_peer.core import limits
from py_peer.core.events import Failed, FailureKind, MessageReceived, Notice, PeerJoined, Ready, Statistics
from py_peer.core.figures import FIGURES
from py_peer.core.requests import RequestStatistics
from py_peer.headless import HeadlessService
from py_peer.net.counters import Counters
from py_peer.service.metrics import Server, text_of
from tests.loops import run
from tests.service.support import PATIENCE, person

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from py_peer.core.events import Event
    from tests.service.support import Person

SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
TEXT = b"# nothing\n"
MOVING = {"uptime_seconds", "memory_bytes", "file_descriptors", "tasks", "threads", "gc_collections", "queue_items"}
"""Figures that are others a moment later, whatever happens."""

LOOPBACK = ("127.0.0.1", 0)


async def url(someone: Person) -> str:
    notice = await someone.see(Notice, lambda event: "http://" in event.text)
    return notice.text.partition("http://")[2].split("/")[0].split(";")[0]


def address_of(where: str) -> tuple[str, int]:
    host, _, port = where.rpartition(":")
    return host, int(port)


def fetch(where: str, path: str = "/metrics", method: str = "GET") -> tuple[int, str, str]:
    """Return status, content type and body, as a scraper gets them."""
    connection = http.client.HTTPConnection(*address_of(where), timeout=PATIENCE)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type") or "", answer.read().decode()
    finally:
        connection.close()


def samples(text: str) -> dict[str, Any]:
    """Return what the library's own parser reads, by the names of the table."""
    found: dict[str, Any] = {}
    for family in text_string_to_metric_families(text):
        name = family.name.removeprefix("py_peer_")
        assert name != family.name
        for sample in family.samples:
            if sample.labels:
                found.setdefault(name, {}).update(dict.fromkeys(sample.labels.values(), sample.value))
            else:
                found[name] = sample.value
    return found


async def figures_of(someone: Person) -> Statistics:
    ticket = someone.ask(RequestStatistics)
    return await someone.see(Statistics, lambda event: event.ticket == ticket)


def test_a_scrape_tells_the_figures_that_the_event_tells() -> None:
    async def scene() -> None:
        async with (
            person("alice", intro=False, metrics=LOOPBACK) as alice,
            person("bob", connect=(await alice.address(),)) as bob,
        ):
            await bob.see(PeerJoined)
            for text in ("one", "two", "three"):
                bob.say(text)
            await alice.see_all(MessageReceived, 4)
            before = await figures_of(alice)
            status, kind, text = await asyncio.to_thread(fetch, await url(alice))
            assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
            event = await figures_of(alice)
            read = samples(text)
            assert read["messages_received"] == 4
            for figure in FIGURES:
                value = getattr(event, figure.name)
                if figure.name in MOVING:
                    assert (figure.name in read) == (value is not None)
                elif value != {} and "gossip" not in figure.name and figure.name != "ping_seconds":
                    # Something may have happened meanwhile.
                    assert read[figure.name] in (getattr(before, figure.name), value), figure.name
            for peer_id in (bob, alice):
                assert str(await peer_id.address()).rsplit("/", 1)[1] not in text

    run(scene())


def test_names_are_such_as_prometheus_wants() -> None:
    text = text_of(lambda: STATISTICS)().decode()
    assert "# TYPE py_peer_messages_dropped_total counter\n" in text
    assert 'py_peer_messages_dropped_total{reason="its author is muted"} 3.0\n' in text
    assert "# TYPE py_peer_memory_bytes gauge\n" in text
    assert "py_peer_file_descriptors " not in text.replace("# HELP py_peer_file_descriptors ", "").replace(
        "# TYPE py_peer_file_descriptors ", ""
    )
    names = {family.name for family in text_string_to_metric_families(text)}
    assert names == {f"py_peer_{figure.name}" for figure in FIGURES}


def test_a_taken_port_ends_the_service_and_says_which() -> None:
    async def scene() -> None:
        with socket.create_server(("127.0.0.1", 0)) as stranger:
            port = stranger.getsockname()[1]
            async with person("alice", metrics=("127.0.0.1", port)) as alice:
                failed = await alice.see(Failed)
                assert failed.kind is FailureKind.CANNOT_LISTEN
                assert failed.reason.startswith(f"--metrics 127.0.0.1:{port}: it is taken by another program")
                assert not any(isinstance(event, Ready) for event in alice.events)

    run(scene())


def test_who_waits_for_ready_can_scrape_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    answers: list[int] = []
    emit = HeadlessService._emit

    def knock(service: HeadlessService, event: Event) -> None:
        """Knock in the very moment of Ready, before the session can do anything else."""
        if isinstance(event, Ready):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as scraper:
                answers.append(scraper.getpeername()[1])
        emit(service, event)

    monkeypatch.setattr(HeadlessService, "_emit", knock)

    async def scene() -> None:
        async with person("alice", metrics=("127.0.0.1", port)) as alice:
            await alice.see(Ready)
            assert answers == [port]

    run(scene())


def test_an_address_that_is_not_ours_ends_the_service_and_says_so() -> None:
    async def scene() -> None:
        async with person("alice", metrics=("2001:db8::1", 9100)) as alice:
            failed = await alice.see(Failed)
            assert failed.kind is FailureKind.CANNOT_LISTEN
            assert failed.reason.startswith("--metrics [2001:db8::1]:9100: ")
            assert "Errno" not in failed.reason

    run(scene())


@pytest.mark.parametrize(
    ("host", "warned"),
    [("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True)],  # noqa: S104
)
def test_where_it_serves_is_said_and_who_else_can_read_it(host: str, warned: bool) -> None:
    async def scene() -> None:
        async with person("alice", metrics=(host, 0)) as alice:
            notice = await alice.see(Notice, lambda event: "http://" in event.text)
            assert notice.text.startswith("Statistics for Prometheus: http://")
            assert (not notice.text.endswith("/metrics")) == warned

    run(scene())


def test_an_open_scrape_does_not_keep_the_service() -> None:
    async def scene() -> None:
        async with person("alice", metrics=LOOPBACK) as alice:
            host, _, port = (await url(alice)).partition(":")
            with (
                socket.create_connection((host, int(port))) as silent,
                socket.create_connection((host, int(port))) as half,
            ):
                half.sendall(SCRAPE[:20])
                began = time.monotonic()
                await alice.leave()
                assert time.monotonic() - began < 2
                silent.close()

    run(scene())


def test_a_hundred_who_say_nothing_and_a_thousand_bytes_of_garbage_do_not_keep_a_scraper_waiting() -> None:
    async def scene() -> None:
        async with person("alice", metrics=LOOPBACK) as alice:
            where = await url(alice)
            with ExitStack() as stack:
                for number in range(100):
                    crowd = stack.enter_context(socket.create_connection(address_of(where), timeout=PATIENCE))
                    if number % 2:
                        crowd.sendall(bytes(range(256)) * 4)
                began = time.monotonic()
                status, _, text = await asyncio.to_thread(fetch, where)
                assert time.monotonic() - began < 2
            assert status == 200
            assert samples(text)["connections_refused"]["too slow for the statistics"] >= 100 - 50 - limits.MAX_SCRAPES

    run(scene())


# --- On a clock of the test's own ---------------------------------------------------------------------

STATISTICS = Statistics(
    1,
    **{figure.name: {} if figure.label else 0 for figure in FIGURES},  # type: ignore[arg-type]
)
STATISTICS = replace(STATISTICS, messages_dropped={"its author is muted": 3}, memory_bytes=5, file_descriptors=None)


def served(scene: Callable[[Server, Counters], Coroutine[Any, Any, None]]) -> None:
    """Play a scene with a server whose seconds pass at once."""
    counters = Counters()
    trio.run(scene, Server(lambda: TEXT, counters), counters, clock=trio.testing.MockClock(autojump_threshold=0))


async def answer_to(server: Server, said: bytes) -> bytes:
    ours, theirs = trio.testing.memory_stream_pair()
    await ours.send_all(said)
    await ours.send_eof()
    await server.serve(theirs)
    await theirs.aclose()
    return b"".join([part async for part in ours])


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (SCRAPE, b"200"),
        (b"GET /metrics?name%5B%5D=x HTTP/1.0\r\n\r\n", b"200"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (b"GET /metrics/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", b"405"),
        (b"GET /metrics HTTP/1.1\r\n\r\n", b"400"),
        (b"\x13/multistream/1.0.0\n\r\n\r\n", b"400"),
        (bytes(64), b"400"),
        (b"GET /" + b"x" * limits.MAX_SCRAPE_BYTES, b"431"),
    ],
)
def test_each_request_has_its_answer(said: bytes, status: bytes) -> None:
    async def scene(server: Server, counters: Counters) -> None:
        answer = await answer_to(server, said)
        assert answer.split()[1] == status
        assert answer.endswith(b"\r\n\r\n" + TEXT) == (status == b"200")
        assert not counters

    served(scene)


def test_the_head_alone_comes_without_the_text() -> None:
    async def scene(server: Server, _: Counters) -> None:
        answer = await answer_to(server, SCRAPE.replace(b"GET", b"HEAD"))
        assert answer.split()[1] == b"200"
        assert answer.endswith(b"\r\n\r\n")

    served(scene)


@pytest.mark.parametrize("said", [b"", b"GET /met"])
def test_who_goes_without_having_asked_is_let_go(said: bytes) -> None:
    async def scene(server: Server, counters: Counters) -> None:
        await answer_to(server, said)
        assert not counters

    served(scene)


def test_who_says_nothing_has_some_seconds() -> None:
    async def scene(server: Server, counters: Counters) -> None:
        ours, theirs = trio.testing.memory_stream_pair()
        await ours.send_all(SCRAPE[:10])
        began = trio.current_time()
        await server.serve(theirs)
        assert trio.current_time() - began == limits.SCRAPE_TIMEOUT
        assert counters == {"refused: too slow for the statistics": 1}

    served(scene)


def test_of_too_many_the_oldest_has_to_go_and_the_newest_is_answered() -> None:
    async def scene(server: Server, counters: Counters) -> None:
        async with trio.open_nursery() as nursery:
            silent = [trio.testing.memory_stream_pair() for _ in range(3 * limits.MAX_SCRAPES)]
            for _, theirs in silent:
                nursery.start_soon(server.serve, theirs)
            began = trio.current_time()
            await trio.testing.wait_all_tasks_blocked()
            assert counters["refused: too slow for the statistics"] == 2 * limits.MAX_SCRAPES
            assert (await answer_to(server, SCRAPE)).split()[1] == b"200"
            assert trio.current_time() == began
            nursery.cancel_scope.cancel()

    served(scene)
