"""A file of 1 GiB, by its name: neither who provides it nor who gets it holds more memory than for a small one."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Final

import psutil
import pytest

from tests.network.peers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.frontends.programs import Piped

MEBIBYTE: Final = 1024 * 1024
SMALL, LARGE = MEBIBYTE, 1024 * MEBIBYTE
MORE: Final = 32 * MEBIBYTE
"""Bytes that either may hold more of the large one: the hashes of its pieces, and what is on its way."""

PATIENCE: Final = 200.0


def made(path: Path, size: int) -> Path:
    """Make a file that takes hardly any place on the disk; no two mebibytes of it are the same."""
    with path.open("wb") as file:
        file.truncate(size)
        for start in range(0, size, MEBIBYTE):
            file.seek(start)
            file.write(start.to_bytes(8, "big"))
    return path


def is_made(path: Path, size: int) -> bool:
    """Say whether a file is as that one."""
    rest = bytes(MEBIBYTE - 8)
    with path.open("rb") as file:
        whole = all(file.read(MEBIBYTE) == start.to_bytes(8, "big") + rest for start in range(0, size, MEBIBYTE))
        return whole and not file.read()


@contextlib.contextmanager
def most(program: Piped) -> Iterator[list[int]]:
    """Watch the memory of a program while the block runs; the list has the most that it held."""
    found = [0]
    over = threading.Event()

    def watch() -> None:
        process = psutil.Process(program.process.pid)
        with contextlib.suppress(psutil.Error):  # it has ended
            while not over.wait(0.01):
                found[0] = max(found[0], process.memory_info().rss)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


@pytest.mark.timeout(2 * PATIENCE)
def test_a_file_of_1_gib_takes_no_more_memory_than_one_of_1_mib(piped: Callable[..., Piped], tmp_path: Path) -> None:
    held: list[tuple[int, int]] = []
    for size in (SMALL, LARGE):
        path, goal, port = made(tmp_path / f"{size}.bin", size), tmp_path / "fetched", str(free_port())
        provider = piped("provide", "--path", str(path), "--name", "a file", "--port", port)
        with most(provider) as providing:
            provider.expect("^Provided: a file", PATIENCE)
            getter = piped("get", "--name", "a file", "--out", str(goal), "-c", f"/ip4/127.0.0.1/tcp/{port}")
            with most(getter) as getting:
                assert getter.leave(PATIENCE) == 0, getter.errors
        provider.clean_up()
        assert is_made(goal, size)
        goal.unlink()
        held.append((providing[0], getting[0]))
    for small, large in zip(*held, strict=True):
        assert large - small < MORE
