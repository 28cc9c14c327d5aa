"""The peers of the demo as processes: they talk, they are missed when they die, and they never outlive the program."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from py_peer.core.direct_events import DirectReceived
from py_peer.core.events import MessageReceived, PeerJoined, PeerLeft
from py_peer.core.file_events import FileOffered
from py_peer.demo import script
from py_peer.demo.cast import ROOT, Cast
from tests.loops import run
from tests.service.support import PATIENCE, Person, person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PACE = 0.02
"""Three seconds for all that is said."""

GONE_WITHIN = 3.0


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@asynccontextmanager
async def playing(address: str, *names: str) -> AsyncIterator[tuple[Cast, list[str]]]:
    """Have all of the cast, or those named, come to `address`; what is reported is in the list."""
    reports: list[str] = []
    cast = Cast("Alice", reports.append, pace=PACE)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(script, "NAMES", names or script.NAMES)
        coming = asyncio.create_task(cast.run(address))
        try:
            yield cast, reports
        finally:
            coming.cancel()
            cast.close()


@asynccontextmanager
async def alice_at_home() -> AsyncIterator[tuple[Person, str]]:
    """Run the user's service on loopback alone, and give its address."""
    async with person("Alice", loopback=True, intro=False) as alice:
        yield alice, await alice.address()


async def first_of(reports: list[str]) -> str:
    async with asyncio.timeout(PATIENCE):
        while not reports:  # noqa: ASYNC110 - the sentence is all that there is to wait for
            await asyncio.sleep(0.01)
    return reports[0]


def processes() -> list[psutil.Process]:
    """Return the bots that this process has started."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "py_peer.demo.bot" in child.cmdline():
                found.append(child)
    return found


async def bots(count: int) -> list[psutil.Process]:
    async with asyncio.timeout(PATIENCE):
        while len(found := processes()) < count:  # noqa: ASYNC110 - nobody tells of a new process
            await asyncio.sleep(0.01)
    return found


@pytest.mark.alone  # the peers of the demo give way to every other program
def test_everything_in_the_script_is_said_and_the_user_is_answered() -> None:
    async def scene() -> None:
        async with alice_at_home() as (alice, address), playing(address) as (_, reports):
            lines = [
                line.text for name in script.NAMES for visit in script.visits(name, "Alice") for line in visit.lines
            ]
            directly = [line.removeprefix(script.DIRECTLY) for line in lines if line.startswith(script.DIRECTLY)]
            expected = [line for line in lines if line != script.SHARES and not line.startswith(script.DIRECTLY)]
            heard = await alice.see_all(MessageReceived, len(expected))
            assert sorted(message.text for message in heard) == sorted(expected)
            assert [message.text for message in await alice.see_all(DirectReceived, len(directly))] == directly
            assert len(await alice.see_all(FileOffered, lines.count(script.SHARES))) == 1
            await alice.see(PeerLeft)
            alice.say("ping")
            await alice.see(MessageReceived, lambda message: message.text.startswith("pong"))
            alice.say("kenji, are you there?")
            await alice.see(MessageReceived, lambda message: message.text == script.reply("Kenji", "Kenji", 0))
            assert not reports

    run(scene())


def test_one_that_dies_is_reported_in_a_sentence() -> None:
    async def scene() -> None:
        async with alice_at_home() as (alice, address), playing(address, "Echo") as (_, reports):
            await alice.see(PeerJoined)
            (echo,) = processes()
            echo.kill()
            assert await first_of(reports) == f"Echo of the demo is gone: it has ended with {echo_code()}"

    def echo_code() -> int:
        return 1 if sys.platform == "win32" else -9

    run(scene())


def test_one_that_cannot_reach_the_user_says_why() -> None:
    async def scene() -> None:
        async with playing("/ip4/127.0.0.1/tcp/1", "Echo") as (_, reports):
            assert await first_of(reports) == (
                "Echo of the demo is gone: cannot reach /ip4/127.0.0.1/tcp/1: connection refused: nothing listens there"
            )

    run(scene())


def test_closing_ends_them_all_at_once_those_too_that_have_just_been_started() -> None:
    async def scene() -> None:
        async with alice_at_home() as (_, address), playing(address) as (cast, reports):
            started = await bots(4)
            start = time.monotonic()
            cast.close()
            assert time.monotonic() - start < 1
            assert not [bot for bot in started if bot.is_running() and bot.status() != psutil.STATUS_ZOMBIE]
            await asyncio.sleep(0)
            assert not reports

    run(scene())


PARENT = """
    import asyncio
    from py_peer.demo.cast import Cast
    from tests.loops import run
    from tests.service.support import person

    async def scene():
        async with person("Alice", loopback=True, intro=False) as alice:
            cast = Cast("Alice", print, pace=0.02)
            await cast.run(await alice.address())
            print("all", flush=True)
            await asyncio.Event().wait()

    run(scene())
"""


def test_none_outlives_the_program_however_that_ends(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline().strip() == b"all"
        started = psutil.Process(parent.pid).children()
        assert len(started) == len(script.NAMES)
        parent.kill()
    _, left = psutil.wait_procs(started, GONE_WITHIN)
    assert not [bot for bot in left if bot.is_running() and bot.status() != psutil.STATUS_ZOMBIE]


def test_a_bot_is_silent_and_writes_nothing_and_ends_with_its_input(tmp_path: Path) -> None:
    async def scene() -> None:
        async with alice_at_home() as (alice, address):
            folder = tmp_path / "bot"
            folder.mkdir()
            with subprocess.Popen(  # noqa: ASYNC220 - to start it takes no time
                [sys.executable, "-m", "py_peer.demo.bot", "Echo", address, "--pace=0.02"],
                cwd=folder,
                env={"PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            ) as bot:
                await alice.see(MessageReceived)
                said, _ = await asyncio.to_thread(bot.communicate, timeout=PATIENCE)
            assert not said
            assert bot.returncode == 0
            assert not list(folder.iterdir())

    run(scene())
