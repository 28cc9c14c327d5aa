"""How ours and a peer in another language find each other: by mDNS, on the discovery topic, by Kademlia.

Each scene has a small network of its own, in namespaces (tests/network/namespaces.py), on which who is to be called
cannot call; so it is plain who has found whom. It raises AssertionError when they do not come together.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from py_peer.core.findings import Source
from py_peer.core.kademlia import ROOM_KEYS
from tests.network.namespaces import Host, hosts
from tests.network.peers import Peer, met, party
from tests.sisters.sisters import AGAIN, RustPeer, talk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE: Final = 30.0
"""Seconds in which they are to come together."""


@dataclass(frozen=True)
class Found:
    """What has come of it."""

    seconds: float
    """From the moment at which both were there, and what is looked for, too."""

    addresses: tuple[str, ...]
    """Where the one who called was told that the other is; none where that was told on a walk to somebody else."""


def mdns(kind: type[Peer], folder: Path, *, we_dial: bool) -> Found:
    """Have both look around on one network. Whoever is to be dialled can call nobody there."""
    with hosts(2) as made:
        for host in made:
            host.route_multicast()
        _cannot_call(made[int(we_dial)], made[int(not we_dial)])
        ours, theirs = _on(made, folder, "--mdns", ours=Peer, theirs=kind)
        with party(ours, theirs):
            return _together(ours, theirs, we_dial=we_dial)


def topic(kind: type[Peer], folder: Path, *, we_dial: bool) -> Found:
    """Have both call a third of ours, and hear of each other on the discovery topic; the third then goes."""
    with _three(kind, folder, "--discovery", we_dial=we_dial) as (hub, ours, theirs):
        theirs.options += ("--interval", "500")
        with party(ours, theirs):
            found = _together(ours, theirs, we_dial=we_dial)
            hub.kill()
            ours.wait_for(lambda: hub.id not in ours.room() | theirs.room(), "that the third has gone", PATIENCE)
            talk(ours, theirs)
            return found


def kademlia(kind: type[Peer], folder: Path, *, we_dial: bool) -> Found:
    """Have one provide the room's key, and the other look for it; a third of ours knows both.

    Ours does both by itself. Theirs is told to, with the key that the big ones in its language have, and need not dial
    whom it has found.
    """
    key = ROOM_KEYS[kind is RustPeer].hex()
    with _three(kind, folder, "--kademlia", we_dial=we_dial) as (hub, ours, theirs), contextlib.ExitStack() as stack:
        if we_dial:
            stack.enter_context(party(theirs))
            met(hub, theirs)
            _until(lambda: theirs.command("provide", key=key), lambda: theirs.all("provided"), theirs, "provided")
            stack.enter_context(party(ours))
            found = _together(ours, theirs, we_dial=True)

            def by_the_record() -> bool:  # and not only met on the walk to it
                known = (ours.last("discovery_report") or {"peers": ()})["peers"]
                return any(peer["peer_id"] == theirs.id and Source.KADEMLIA.value in peer["sources"] for peer in known)

            _until(lambda: ours.command("discover"), by_the_record, ours, "told of theirs by Kademlia")
            return found
        stack.enter_context(party(ours))
        met(hub, ours)
        stack.enter_context(party(theirs))
        met(hub, theirs)
        start = time.monotonic()

        def is_found() -> bool:
            return any(ours.id in told["peers"] for told in theirs.all("providers"))

        _until(lambda: theirs.command("find", key=key), is_found, theirs, "ours among the providers")
        return Found(time.monotonic() - start, _addresses(theirs, ours))


def served(kind: type[Peer], folder: Path) -> Found:
    """Have two of ours find each other by what theirs has written down for them."""
    with hosts(3) as made:
        hub, ours, other = _on(made, folder, "--kademlia", hub=kind, ours=Peer, other=Peer)
        with party(hub):
            hub.wait_for(lambda: hub.last("ready"), "ready", PATIENCE)
            ours.connect = other.connect = (hub.address,)
            _cannot_call(made[2], made[1])
            with party(ours, other):
                return _together(ours, other, we_dial=True)


# --- How it is made ---------------------------------------------------------------------------------------------------


def _on(made: list[Host], folder: Path, *options: str, **kinds: type[Peer]) -> list[Peer]:
    """Return a peer for each host; `kinds` are their names, and what they are."""
    return [
        kind(name, folder / name, host=host.address, inside=host.space.inside, options=options)
        for host, (name, kind) in zip(made, kinds.items(), strict=True)
    ]


def _cannot_call(quiet: Host, other: Host) -> None:
    """Have all dropped with which one would begin to talk to another, over TCP and QUIC; it can answer."""
    quiet.match("output", f"ip daddr {other.address} ct state new", "drop")


@contextlib.contextmanager
def _three(kind: type[Peer], folder: Path, option: str, *, we_dial: bool) -> Iterator[tuple[Peer, Peer, Peer]]:
    """Run one of ours that ours and theirs, which are to be started, call; one of them cannot call the other."""
    with hosts(3) as made:
        hub, ours, theirs = _on(made, folder, option, hub=Peer, ours=Peer, theirs=kind)
        ours.connect = theirs.connect = (hub.address,)
        _cannot_call(*((made[2], made[1]) if we_dial else (made[1], made[2])))
        with party(hub):
            hub.wait_for(lambda: hub.last("ready"), "ready", PATIENCE)  # some call once
            yield hub, ours, theirs


def _together(ours: Peer, theirs: Peer, *, we_dial: bool) -> Found:
    """Wait until both are in one room and hear each other, and see who has called."""
    seconds = met(ours, theirs, seconds=PATIENCE)
    caller, called = (ours, theirs) if we_dial else (theirs, ours)
    if not any(told["peer_id"] == caller.id and told["inbound"] for told in called.all("peer_connected")):
        raise AssertionError(f"{caller.name} has not called {called.name}")
    talk(ours, theirs)
    return Found(seconds, _addresses(caller, called))


def _addresses(one: Peer, other: Peer) -> tuple[str, ...]:
    """Return where one was told, at last, that the other is."""
    told = [found["addresses"] for found in one.all("peer_found") if found["peer_id"] == other.id]
    return tuple(told[-1]) if told else ()


def _until(ask: Callable[[], None], condition: Callable[[], object], peer: Peer, what: str) -> None:
    """Have a peer asked again and again until something has come of it."""
    end = time.monotonic() + PATIENCE
    while not condition():
        ask()
        with contextlib.suppress(AssertionError):
            peer.wait_for(condition, what, AGAIN)
        if time.monotonic() > end:
            raise AssertionError(f"{peer.name}: not {what} within {PATIENCE:g} s: {peer.told[-5:]}")
