"""A room over each transport: ours in the middle; peers of ours and of js-libp2p who call it and whom it calls."""

from __future__ import annotations

import itertools
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.network.peers import LET_GO, Peer, free_port, whole
from tests.sisters.sisters import JsPeer, missing_js, missing_js_quic

if TYPE_CHECKING:
    from pathlib import Path

TCP: Final = "TCP"
QUIC: Final = "QUIC"
WS: Final = "WebSocket"
TRANSPORTS: Final = (TCP, QUIC, WS)
ENDS: Final = {TCP: "/tcp/{}", QUIC: "/udp/{}/quic-v1", WS: "/tcp/{}/ws"}
PORT: Final = {TCP: "--port", QUIC: "--quic", WS: "--ws"}

LOOPBACKS: Final = ("/ip4/127.0.0.1", "/ip6/::1")
START: Final = 60.0
"""Seconds in which nine programs start at once on a machine of two cores."""


@dataclass(frozen=True)
class Room:
    """The one in the middle, and the others, none of whom knows another."""

    transport: str
    hub: Peer
    others: dict[Peer, str]
    """With how their addresses begin, which says whether it is IPv4 or IPv6."""

    lacking: str
    """Why some are not there, or ""."""

    @property
    def peers(self) -> tuple[Peer, ...]:
        return (self.hub, *self.others)

    def left(self) -> int:
        """Return how often somebody has left, as the others tell it."""
        return sum(len(peer.all("peer_left")) for peer in self.peers)

    def first_words(self) -> None:
        """Have each speak at the moment at which the one in the middle is in its room, and the other way round.

        js-libp2p drops what it says before its own stream to the other is there, so there the other is asked, too.
        """
        to_come = {pair for other in self.others for pair in ((self.hub, other), (other, self.hub))}
        said = {pair: f"{pair[0].name} to {pair[1].name}" for pair in to_come}

        def can_speak(one: Peer, other: Peer) -> bool:
            if not (one.last("ready") and other.last("ready")):
                return False
            return other.id in one.room() and (not isinstance(one, JsPeer) or one.id in other.room())

        while to_come:
            what = f"who is to come: {', '.join(said[pair] for pair in to_come)}"
            self.hub.wait_for(lambda: any(can_speak(*pair) for pair in to_come), what, START)
            for pair in [pair for pair in to_come if can_speak(*pair)]:
                pair[0].say(said[pair])
                to_come.remove(pair)
        for (_, other), text in said.items():
            other.see("message_received", text=text)
        for other, loopback in self.others.items():
            address = self.hub.see("peer_connected", peer_id=other.id)["address"]
            there = re.fullmatch(loopback + ENDS[self.transport].format(r"\d+"), address)
            assert there, f"{other.name} is at {address}"

    def talk(self, count: int) -> None:
        """Have each say so many texts, all at once, and all hear them: the one in the middle, and from it, in order.

        What it passes on may come in any order: gossip that was missed is asked for.
        """
        before = len(self.hub.all("message_sent"))
        said = {peer: [f"{before + number} of {peer.name}" for number in range(count)] for peer in self.peers}
        for number in range(count):
            for peer, texts in said.items():
                peer.say(texts[number])
        for one, (other, texts) in itertools.product(self.peers, said.items()):
            if one is not other:
                what = f"all that {other.name} says"
                try:
                    one.wait_for(lambda: set(texts) <= set(one.texts()), what, START)  # noqa: B023 - it is called at once
                except AssertionError as error:
                    raise AssertionError(f"{error}\n--- not heard:\n{self._unheard(said)}") from None
                heard = [text for text in one.texts() if text in set(texts)]
                assert sorted(heard) == sorted(texts), f"{one.name} heard of {other.name}: {heard}"
                assert heard == texts or self.hub not in {one, other}, f"{one.name} heard of {other.name}: {heard}"

    def _unheard(self, said: dict[Peer, list[str]]) -> str:
        """Return who has not heard what of whom, and who was disconnected or left: then it is no wonder."""
        lines: list[str] = []
        names = {peer.id: peer.name for peer in self.peers}
        for one in self.peers:
            heard = set(one.texts())
            for other, texts in said.items():
                if one is not other and (lacking := [text for text in texts if text not in heard]):
                    lines.append(f"{one.name}: {len(lacking)}, {lacking[0]} to {lacking[-1]}")
            lines += [
                f"{one.name}: {told['event']} {names.get(told['peer_id'])} at {told['at']:.1f}"
                for told in (*one.all("peer_disconnected"), *one.all("peer_left"))
            ]
        return "\n".join(lines)

    def kill_and_restart_others(self) -> None:
        """Kill all but the one in the middle, start them at once, and wait until it has noticed both.

        A peer of ours is who it was; js-libp2p has a new key in each life, so its old one has to be seen to be gone.
        """
        before = {other: other.id for other in self.others}
        for other in self.others:
            other.kill()
        for other in self.others:
            other.start()
        for other in self.others:
            other.wait_for(lambda: other.last("ready"), "ready", START)  # noqa: B023 - it is called at once
        whole(self.hub, *self.others, seconds=LET_GO)
        gone = {was: other.name for other, was in before.items() if was != other.id}
        self.hub.wait_for(lambda: not gone.keys() & self.hub.room(), f"that who was killed is gone: {gone}", LET_GO)


def room_over(transport: str, folder: Path) -> Room:
    """Return a room in which everyone is connected by one transport, half of them each by IPv4 and by IPv6."""
    lacking = {
        "js-libp2p": missing_js() or (missing_js_quic() if transport == QUIC else ""),
        "IPv6": "" if has_ip6() else "this machine has none",
    }
    loopbacks = LOOPBACKS[:1] if lacking["IPv6"] else LOOPBACKS
    kinds = (Peer,) if lacking["js-libp2p"] else (Peer, JsPeer)
    hub = Peer("hub", folder / "hub")
    others: dict[Peer, str] = {}
    for loopback, kind, calls in itertools.product(loopbacks, kinds, (True, False)):
        name = f"{kind.__name__} {'calling' if calls else 'called'} over {transport}{loopback.replace('/', ' ')}"
        other = kind(name, folder / name)
        port = free_port() if kind is JsPeer else other.port  # js-libp2p has one for each transport
        if kind is JsPeer:
            other.options = (PORT[transport], str(port), *(("--ip6",) if loopback.startswith("/ip6") else ()))
        if calls:
            other.connect = (loopback + ENDS[transport].format(hub.port),)
        else:
            hub.connect += (loopback + ENDS[transport].format(port),)
        others[other] = loopback
    return Room(transport, hub, others, "; ".join(f"{what}: {why}" for what, why in lacking.items() if why))


def has_ip6() -> bool:
    """Whether this machine can be called at ::1."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False
