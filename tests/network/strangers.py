"""Strangers around a room: those who come and go all the time, and one who floods. Each scene returns figures."""

from __future__ import annotations

import contextlib
import json
import math
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import trio

from py_peer.chatroom import CHAT_TOPIC
from tests.frontends.programs import environment
from tests.net.raw_peer import GoneError, raw_peer
from tests.network.ledger import Account, Ledger
from tests.network.peers import PATIENCE, Peer, Usage, party, whole
from tests.network.scenes import AGAIN, around, talk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WARM_UP: Final = 10
AT_ONCE: Final = 8
FLOOD_RATE: Final = 1_000.0


# --- Coming and going -----------------------------------------------------------------------------


def come_and_go(folder: Path, count: int) -> tuple[Usage, Usage]:
    """Have `count` strangers come and go, one in three of them in the middle of things.

    Return what the program held before and what it holds afterwards, tasks and descriptors as soon as they are no more
    than before.
    """
    peer = Peer("host", folder / "host")
    with party(peer):
        peer.wait_for(lambda: peer.last("ready"), "ready")
        _visit(peer, WARM_UP)
        before = peer.usage()
        _visit(peer, count)
        deadline = time.monotonic() + PATIENCE
        after = peer.usage()
        while (after.descriptors, after.tasks) > (before.descriptors, before.tasks) and time.monotonic() < deadline:
            after = peer.usage()
        return before, after


def _visit(peer: Peer, count: int) -> None:
    """Have strangers come, a few at once, and wait until the last of them has gone."""
    visited = len(peer.all("peer_connected")) + count - count // 3

    async def visit(number: int, limiter: trio.CapacityLimiter) -> None:
        async with limiter:
            if number % 3 == 2:
                await (await trio.open_tcp_stream(peer.host, peer.port)).aclose()
                return
            with contextlib.suppress(GoneError):
                async with raw_peer(peer.port) as stranger:
                    gossip = await stranger.join(CHAT_TOPIC)
                    while not stranger.gossip_streams:  # noqa: ASYNC110 - nothing tells of it
                        await trio.sleep(0.005)
                    if number % 3:
                        await gossip.finish()

    async def all_of_them() -> None:
        limiter = trio.CapacityLimiter(AT_ONCE)
        with trio.fail_after(PATIENCE + count / 10):
            async with trio.open_nursery() as nursery:
                for number in range(count):
                    nursery.start_soon(visit, number, limiter)

    trio.run(all_of_them)
    peer.wait_for(lambda: len(peer.all("peer_connected")) >= visited, f"{visited} visits")
    peer.wait_for(lambda: len(peer.all("peer_disconnected")) >= visited, f"{visited} leaves")


# --- A flood --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Flooded:
    """What became of honest texts under a flood."""

    account: Account
    said: int
    heard: int
    slowest: float
    """Seconds that the slowest honest text took from its author to the one who was flooded."""

    flood: int
    """Messages of the flood that were shown."""

    muted: int
    """How often the flooder was muted."""


def flood(folder: Path, seconds: float) -> Flooded:
    """Have one author say a thousand messages a second to a peer, to whom an honest one says one a second."""
    victim, honest = around(folder, "victim honest")
    with party(victim, honest):
        whole(victim, honest)
        ledger = Ledger(victim, honest)
        with _flooder(folder, victim.port, int(FLOOD_RATE * seconds)):
            victim.wait_for(lambda: victim.last("peer_muted"), "the flooder muted")
            talk(ledger, seconds)
            account = ledger.settle(AGAIN)
        sent = {told["text"]: told["at"] for told in honest.all("message_sent")}
        shown = {told["text"]: told["at"] for told in victim.all("message_received")}
        delays = [shown[text] - when for text, when in sent.items() if text in shown]
        return Flooded(
            account,
            said=len(sent),
            heard=len(delays),
            slowest=max(delays, default=math.inf),
            flood=len(shown) - len(delays),
            muted=len(victim.all("peer_muted")),
        )


@contextlib.contextmanager
def _flooder(folder: Path, port: int, count: int) -> Iterator[None]:
    """Run the crowd of the benchmark, of one author."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.crowd", str(port), "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        env=environment(),
    ) as crowd:
        try:
            assert crowd.stdin is not None
            command: dict[str, Any] = {"count": count, "rate": FLOOD_RATE, "prefix": "flood "}
            crowd.stdin.write(json.dumps(command).encode() + b"\n")
            crowd.stdin.flush()
            yield
        finally:
            crowd.kill()
