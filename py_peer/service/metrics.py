"""Statistics as Prometheus text, over HTTP, for those who ask for it with --metrics.

The library's own server (prometheus_client 0.26) starts a thread for each connection and waits in it for ever: a
hundred callers who say nothing are a hundred threads, and it stops for nobody. So the library writes the text, h11
reads the HTTP, and the connections are trio's, few and short. Nothing of a request but its method and path is looked
at, and nothing of it comes back.

Formats: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import errno
import ipaddress
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, final

import h11
import trio
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from py_peer.core import limits
from py_peer.core.figures import FIGURES
from py_peer.net.listening import CannotListenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from prometheus_client.metrics_core import Metric
    from trio.abc import HalfCloseableStream

    from py_peer.core.events import Statistics
    from py_peer.net.counters import Counters

PATH: Final = b"/metrics"
PREFIX: Final = "py_peer_"
_READ_BYTES: Final = 4_096


async def listen_for_metrics(host: str, port: int) -> tuple[Sequence[trio.SocketListener], str]:
    """Listen at `host` and `port` (0: a free one); return what listens, and a sentence that says where.

    Who asks from now on is answered once it is served. Raises CannotListenError.
    """
    try:
        listeners = await trio.open_tcp_listeners(port, host=host)
    except OSError as error:
        raise CannotListenError(_cause(host, port, error)) from error
    return listeners, _where([listener.socket.getsockname()[:2] for listener in listeners])


async def serve_metrics(
    listeners: Sequence[trio.SocketListener], report: Callable[[], Statistics], counters: Counters
) -> None:
    """Serve what `report` returns until cancelled."""
    await trio.serve_listeners(Server(text_of(report), counters).serve, listeners)


def text_of(report: Callable[[], Statistics]) -> Callable[[], bytes]:
    """Return what writes the text of what `report` returns."""
    registry = CollectorRegistry(auto_describe=False)  # our own: the library's default one tells of the process
    registry.register(_Figures(report))
    return lambda: generate_latest(registry)


@final
class _Figures(Collector):
    """The table of figures as the library wants it: families of samples."""

    def __init__(self, report: Callable[[], Statistics]) -> None:
        self._report = report

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering does not collect."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Return a family for each figure; without samples where there is nothing to tell."""
        statistics = self._report()
        for figure in FIGURES:
            family = CounterMetricFamily if figure.is_counter else GaugeMetricFamily
            metric = family(PREFIX + figure.name, figure.help, labels=[figure.label] if figure.label else [])
            value = getattr(statistics, figure.name)
            parts = value.items() if isinstance(value, dict) else [("", value)]
            for label, part in parts:
                if part is not None:
                    metric.add_metric([label] if figure.label else [], part)
            yield metric


@final
class Server:
    """Answers one request a connection. When there are too many connections, the oldest has to go."""

    def __init__(self, text: Callable[[], bytes], counters: Counters) -> None:
        self._text = text
        self._counters = counters
        self._open: dict[trio.CancelScope, None] = {}

    async def serve(self, stream: HalfCloseableStream) -> None:
        """Answer a scraper, who has some seconds for all of it; whatever it says does not end the server."""
        with self._place():
            try:
                await self._answer(stream)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass  # it went away
            except Exception as error:  # noqa: BLE001
                self._counters.caught("metrics", error)

    @contextmanager
    def _place(self) -> Iterator[None]:
        # An honest scraper is done in a moment, so that it is never the oldest, however many only wait.
        if len(self._open) >= limits.MAX_SCRAPES:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.cancel()
        with trio.move_on_after(limits.SCRAPE_TIMEOUT) as scope:
            self._open[scope] = None
            try:
                yield
            finally:
                self._open.pop(scope, None)
        if scope.cancelled_caught:
            self._counters["refused: too slow for the statistics"] += 1

    async def _answer(self, stream: HalfCloseableStream) -> None:
        http = h11.Connection(h11.SERVER, limits.MAX_SCRAPE_BYTES)
        try:
            while (event := http.next_event()) is h11.NEED_DATA:
                http.receive_data(await stream.receive_some(_READ_BYTES))
        except h11.RemoteProtocolError as error:
            await _reply(http, stream, error.error_status_hint, b"this is no HTTP\n")
            return
        match event:
            case h11.Request(method=b"GET" | b"HEAD", target=target) if target.partition(b"?")[0] == PATH:
                text = self._text()
                await _reply(http, stream, 200, text if event.method == b"GET" else b"", size=len(text))
            case h11.Request(method=b"GET" | b"HEAD"):
                await _reply(http, stream, 404, b"the statistics are at /metrics\n" * (event.method == b"GET"))
            case h11.Request():
                await _reply(http, stream, 405, b"GET is enough\n")
            case _:
                pass  # it closed without a word


async def _reply(
    http: h11.Connection, stream: HalfCloseableStream, status: int, body: bytes, *, size: int | None = None
) -> None:
    headers = [
        ("Content-Type", CONTENT_TYPE_PLAIN_0_0_4 if status == 200 else "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body) if size is None else size)),
        ("Connection", "close"),
        *([("Allow", "GET, HEAD")] * (status == 405)),
    ]
    out = b""
    for event in (
        h11.Response(status_code=status, reason=HTTPStatus(status).phrase.encode(), headers=headers),
        h11.Data(data=body),
        h11.EndOfMessage(),
    ):
        out += http.send(event) or b""
    await stream.send_all(out)
    await stream.send_eof()


def _cause(host: str, port: int, error: OSError) -> str:
    below = error.__cause__  # trio's own error has no number
    root = below if isinstance(below, OSError) else error
    taken = root.errno == errno.EADDRINUSE
    why = "it is taken by another program; choose another port, or 0 for a free one" if taken else root.strerror or root
    return f"--metrics {_address(host, port)}: {why}"


def _where(addresses: list[tuple[str, int]]) -> str:
    urls = [f"http://{_address(host, port)}{PATH.decode()}" for host, port in addresses]
    shut = all(ipaddress.ip_address(host.partition("%")[0]).is_loopback for host, _ in addresses)
    return f"Statistics for Prometheus: {', '.join(urls)}" + (
        "" if shut else "; whoever reaches this machine can read them"
    )


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
