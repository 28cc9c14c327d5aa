"""The workers of `make test`, which run the tests side by side, and what they must know of each other.

A test marked `alone` promises what a busy machine would break: while it runs, the other workers wait. Each worker holds
a lock of its own during a test; to be alone is to hold the gate, which everybody passes before a test, and to wait for
the locks of the others.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from filelock import FileLock
from hypothesis import settings
from hypothesis.internal.conjecture import providers

from py_peer.net.counters import UNEXPECTED

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

POLL_SECONDS: Final = 0.005
MOST_TRACEBACKS: Final = 5
PEER_ID: Final = re.compile(r"12D3KooW\w{44}")


def _lock(config: Any, name: str) -> FileLock:
    return FileLock(Path(config.option.basetemp).parent / f"{name}.lock", poll_interval=POLL_SECONDS)


@contextlib.contextmanager
def _turn(config: Any, *, alone: bool) -> Iterator[None]:
    """Hold what a test of this worker needs."""
    me, count = config.workerinput["workerid"], config.workerinput["workercount"]
    with contextlib.ExitStack() as held:
        with contextlib.ExitStack() as passing:
            passing.enter_context(_lock(config, "gate"))
            for name in {f"gw{number}" for number in range(count)} - {me} if alone else {me}:
                held.enter_context(_lock(config, name))
            if alone:
                held.push(passing.pop_all())
        yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Wait for this test's turn, before the time that it may take begins."""
    if not hasattr(item.config, "workerinput"):
        return (yield)
    with _turn(item.config, alone=item.get_closest_marker("alone") is not None):
        return (yield)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name no test by what may be of a random key: every worker is to find the same names."""
    if not isinstance(val, bytes | str):
        return None
    text = val.decode("latin-1") if isinstance(val, bytes) else val
    if isinstance(val, bytes) and not (text.isascii() and text.isprintable()):
        return argname
    return PEER_ID.sub("ID", text) if PEER_ID.search(text) else None


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Spare the garbage collector what was imported: with all of it, it takes a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Have the same examples drawn in each worker: hypothesis draws constants, too, of all that was imported before."""
    if settings().derandomize:
        providers._get_local_constants = lambda: providers._local_constants


# --- A run in which `py_peer.net` caught exceptions of types that nobody expects has failed ----------


class _Tracebacks(logging.Handler):
    """Keeps the first tracebacks of what was caught, each with the test that it came in."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and len(self.texts) < MOST_TRACEBACKS:
            self.texts.append(f"{os.environ.get('PYTEST_CURRENT_TEST', '')}\n{self.format(record)}")


_tracebacks = _Tracebacks()
logging.getLogger("py_peer.net.counters").addHandler(_tracebacks)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker has caught."""
    output = getattr(node, "workeroutput", {})
    UNEXPECTED.update(output.get("unexpected", {}))
    _tracebacks.texts += output.get("tracebacks", ())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the one who started the workers, or fail the run."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["unexpected"] = dict(UNEXPECTED)
        session.config.workeroutput["tracebacks"] = _tracebacks.texts
    elif UNEXPECTED and session.exitstatus == 0:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name the types, and show the first of them."""
    if UNEXPECTED:
        terminalreporter.section("exceptions of unexpected types, caught by py_peer.net", red=True)
        for name, count in UNEXPECTED.items():
            terminalreporter.line(f"{name}: {count}")
        for text in _tracebacks.texts:
            terminalreporter.line(text)
