"""The log: nowhere unless asked for, and never a line that another could have forged."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from typing import TYPE_CHECKING

import pytest

from py_peer.frontends.log_setup import MAX_HELD_LINES, CleanFormatter, HeldLog, join_library_log, set_up_logging

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOGGERS = ("", "py_peer", "libp2p", "py.warnings", "asyncio")


@pytest.fixture(autouse=True)
def _logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("lastResort", "raiseExceptions"):
        monkeypatch.setattr(logging, name, getattr(logging, name))
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger.level, logger.propagate, list(logger.handlers)) for logger in loggers]
    yield
    logging.captureWarnings(capture=False)
    for logger, (level, propagate, handlers) in zip(loggers, before, strict=True):
        for handler in set(logger.handlers) - set(handlers):
            handler.close()
        logger.setLevel(level)
        logger.propagate = propagate
        logger.handlers[:] = handlers


def make_noise() -> None:
    # As importing libp2p leaves its logger behind.
    logging.getLogger("libp2p").propagate = False
    join_library_log(verbose=logging.getLogger("py_peer").level == logging.DEBUG)
    logging.getLogger("py_peer.net").debug("a detail of ours")
    logging.getLogger("py_peer.net").warning("a worry of ours")
    logging.getLogger("libp2p.network").debug("a detail of the library")
    logging.getLogger("libp2p.network").warning("a worry of the library")
    logging.debug("bare")  # noqa: LOG015 - as libp2p does at the first connection
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("a warning", stacklevel=1)

    def fail() -> None:
        raise RuntimeError("in a thread")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


def test_without_verbose_nothing_reaches_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logging(verbose=False, log_file=None, held=None)
    make_noise()
    assert capfd.readouterr() == ("", "")


def test_verbose_tells_everything_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    set_up_logging(verbose=True, log_file=None, held=None)
    make_noise()
    out, err = capfd.readouterr()
    assert out == ""
    for words in ("detail of ours", "worry of ours", "detail of the library", "worry of the library", "in a thread"):
        assert words in err


def test_what_the_library_says_loudly_of_who_goes_at_once_is_left_to_who_catches_it(
    capfd: pytest.CaptureFixture[str],
) -> None:
    set_up_logging(verbose=True, log_file=None, held=None)
    join_library_log(verbose=True)
    swarm, client = (logging.getLogger(f"libp2p.{name}") for name in ("network.swarm", "protocol_muxer.client"))
    swarm.warning("[ADDCONN_FAIL] add_conn failed for peer %s: %r\n%s", "12D3KooW", OSError(), "Traceback")
    client.error("MultiselectClient handshake: %s failed: %s", "write", "it has gone")
    client.error("Failed to open stream to peer 12D3KooW:\n  Error: it has gone")
    client.debug("MultiselectClient handshake: reading response")
    client.error("MultiselectClient: another fault")
    lines = capfd.readouterr().err.splitlines()
    assert [line.rpartition(": ")[2] for line in lines] == ["reading response", "another fault"]


def test_a_log_file_takes_it_instead(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "chat.log"
    path.write_text("before\n")
    set_up_logging(verbose=True, log_file=str(path), held=None)
    make_noise()
    assert capfd.readouterr() == ("", "")
    written = path.read_text()
    assert written.startswith("before\n")
    assert "detail of the library" in written


def test_a_log_file_without_verbose_gets_what_matters(tmp_path: Path) -> None:
    path = tmp_path / "chat.log"
    set_up_logging(verbose=False, log_file=str(path), held=None)
    make_noise()
    written = path.read_text()
    assert "worry of ours" in written
    assert "worry of the library" in written
    assert "in a thread" in written
    assert "detail" not in written


def test_a_log_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"Is a directory|Permission denied"):
        set_up_logging(verbose=False, log_file=str(tmp_path), held=None)


def test_a_log_line_can_neither_steer_the_terminal_nor_forge_another() -> None:
    record = logging.LogRecord("py_peer", logging.INFO, "", 0, "hi\x1b[2J\n2026 INFO forged: %s", ("\x9b31m",), None)
    assert CleanFormatter("%(message)s").format(record) == "hi\n    2026 INFO forged: "


def test_held_lines_wait_are_bounded_and_say_how_many_went() -> None:
    held = HeldLog()
    told = []
    held.on_line = lambda: told.append(1)
    for number in range(MAX_HELD_LINES + 5):
        held.handle(logging.LogRecord("py_peer", logging.INFO, "", 0, f"{number}", (), None))
    lines = held.take()
    assert len(told) == MAX_HELD_LINES + 5
    assert lines[:2] == ["(5 log lines left out)", "5"]
    assert len(lines) == MAX_HELD_LINES + 1
    assert held.take() == []


def test_lines_let_go_are_printed_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    held = HeldLog()
    held.handle(logging.LogRecord("py_peer", logging.INFO, "", 0, "kept", (), None))
    held.let_go()
    held.handle(logging.LogRecord("py_peer", logging.INFO, "", 0, "next", (), None))
    assert capfd.readouterr().err == "kept\nnext\n"
