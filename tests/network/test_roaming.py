"""An address that vanishes costs seconds, not the room: what is said meanwhile is heard when there is a way again."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

import pytest

from tests.network.ledger import Ledger
from tests.network.namespaces import INTERFACE, Bridge, hosts, missing
from tests.network.peers import WHOLE_AGAIN, Peer, party, until, whole
from tests.network.scenes import AGAIN, QUICK, Outcome, Timed, talk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.network.namespaces import Host

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

ANN, BOB = 1, 2
SECOND: Final = "eth1"
PROMISED: Final = 15.0
"""Seconds that a text may take. It takes 2 to 4, of these 2 to miss the other; with the usual limits that may be 15."""

SECONDS: Final = 4.0
"""For so long they talk after it has happened."""


@dataclass
class Pair:
    """Ann and Bob, each on a host of its own with two interfaces, each of which is on a network of its own."""

    hosts: list[Host]
    second: Bridge
    ann: Peer
    bob: Peer
    named: tuple[Peer, Peer, tuple[str, ...]] = field(init=False)
    """Who names whom, and where."""

    def addresses(self, over: str = "tcp/{}") -> tuple[str, str]:
        """Return Ann's addresses on both networks."""
        behind = over.format(self.ann.port)
        return f"/ip4/{self.hosts[0].address}/{behind}", f"/ip4/{self.second.address(ANN)}/{behind}"

    def play(self, what: str, happens: Callable[[], object]) -> Outcome:
        """Have them talk before something happens and after it, and say how long the slowest text took."""
        with party(self.ann), party(self.bob):
            self.ann.see("ready")
            self.bob.see("ready")
            caller, called, addresses = self.named
            for address in addresses:
                caller.command("connect", addr=f"{address}/p2p/{called.id}")
            whole(self.ann, self.bob)
            ledger = Ledger(self.ann, self.bob)
            talk(ledger, 1, 4)
            ledger.settle(AGAIN)
            happens()
            talk(ledger, SECONDS, 4)
            self.ann.wait_for(lambda: (now := ledger.account()).shown == now.owed, f"all heard: {what}", WHOLE_AGAIN)
            return Outcome(ledger.account(), [Timed(what, ledger.slowest(), PROMISED)])


@contextlib.contextmanager
def pair(folder: Path) -> Iterator[Pair]:
    with hosts(2) as made, contextlib.ExitStack() as stack:
        second = Bridge(number=1)
        stack.callback(second.space.close)
        for number, host in ((ANN, made[0]), (BOB, made[1])):
            host.plug(second, number, SECOND)
        ann, bob = (
            Peer(name, folder / name, host=host.address, inside=host.space.inside, limits=QUICK)
            for name, host in zip(("ann", "bob"), made, strict=True)
        )
        yield Pair(made, second, ann, bob)


def another_address(folder: Path) -> Outcome:
    with pair(folder) as two:
        two.named = two.bob, two.ann, two.addresses()[:1]
        return two.play("another address", lambda: two.hosts[1].move(9))


def interface_gone(folder: Path) -> Outcome:
    with pair(folder) as two:
        two.named = two.bob, two.ann, two.addresses()
        return two.play("interface gone", two.hosts[1].unplug)


def silent_network(folder: Path) -> Outcome:
    """As a Wi-Fi that drops packets without a word."""
    with pair(folder) as two:
        two.named = two.bob, two.ann, two.addresses()

        def falls_silent() -> None:
            two.hosts[1].match("input", f"iif {INTERFACE}", "drop")
            two.hosts[1].match("output", f"oif {INTERFACE}", "drop")

        return two.play("silent network", falls_silent)


def from_tcp_to_quic(folder: Path) -> Outcome:
    with pair(folder) as two:
        two.named = two.bob, two.ann, (two.addresses()[0], two.addresses("udp/{}/quic-v1")[0])
        return two.play("from TCP to QUIC", lambda: two.hosts[1].match("output", "meta l4proto tcp", "drop"))


def pushed_address(folder: Path) -> Outcome:
    """Bob, whom Ann has named at his first address, gets another one beside it, and tells; then the first is gone."""
    with pair(folder) as two:
        host = two.hosts[1]
        first, other = f"{host.address}/{host.bridge.bits}", host.bridge.address(9)
        two.named = two.ann, two.bob, (f"/ip4/{host.address}/tcp/{two.bob.port}",)

        def move() -> None:
            host.space.run("sysctl", "-qw", f"net.ipv4.conf.{INTERFACE}.promote_secondaries=1")
            host.space.run("ip", "address", "add", f"{other}/{host.bridge.bits}", "dev", INTERFACE)
            until(lambda: f"/ip4/{other}/" in where(two.ann))
            host.space.run("ip", "address", "delete", first, "dev", INTERFACE)

        return two.play("pushed address", move)


def where(peer: Peer) -> str:
    """Return what a peer says of where others are."""
    asked = len(peer.all("discovery_report"))
    peer.command("discover")
    peer.wait_for(lambda: len(peer.all("discovery_report")) > asked, "what is known of others")
    return str(peer.last("discovery_report"))


SCENES: Final = (pushed_address, another_address, interface_gone, silent_network, from_tcp_to_quic)
Plays: TypeAlias = dict[str, Future[Outcome]]


@pytest.fixture(scope="module")
def plays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plays]:
    """Have all scenes played at once: each waits for most of its time."""
    with ThreadPoolExecutor(len(SCENES)) as pool:
        yield {scene.__name__: pool.submit(scene, tmp_path_factory.mktemp("roaming")) for scene in SCENES}


@pytest.mark.parametrize("name", [scene.__name__ for scene in SCENES])
def test_all_that_is_said_is_heard_once_and_in_order_though_the_way_between_them_becomes_another(
    plays: Plays, name: str
) -> None:
    outcome = plays[name].result()
    assert outcome.kept, outcome
