"""The states that the full screen can be in, brought about over a service without a network, by a clock that stands."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, final

from textual.widgets import Input

from py_peer.core.commits import Commit
from py_peer.core.direct_events import DirectReceived, DirectSent, DirectWaiting
from py_peer.core.events import (
    AddressesChanged,
    DialFailed,
    DiscoveryReport,
    KademliaBootstrap,
    KnownPeer,
    MessageReceived,
    MessageRefused,
    PeerConnected,
    PeerDisconnected,
    PeerFound,
    PeerJoined,
    PeerLeft,
    PeerMuted,
    Pinged,
)
from py_peer.core.file_events import (
    FileOffered,
    Offer,
    Transfer,
    TransferDone,
    TransferFailed,
    TransferStarted,
)
from py_peer.core.git_events import CommitShown, CommitSource
from py_peer.core.topic_events import TopicPeerJoined
from tests.frontends.fakes import ANN, US

if TYPE_CHECKING:
    import pytest

    from tests.ui.support import Scene

EVENING: Final = 1_777_931_760.0
"""Monday, 4 May 2026, 21:56 in UTC."""

ZOE: Final = "12D3KooWQ8f3kNwHbVtXyGm2JcR5pLsDaZ7uE4hYqT9ZoeQ4kT9x"
MING: Final = "12D3KooWLm4vTzRk9WxNqHs6PbYdC2fGjE8aU3uKoM5MingW7cDq"
GO: Final = "12D3KooWBd7hYcXs3KqVmPj8TfRnE5wLgZ2aU6uHoN4GoPeer2vR"
RUST: Final = "12D3KooWFn6jZbWr2LpUkNi7SeQmD4vKfY3zT5tGnM9RustH5sWp"
FLOODER: Final = "12D3KooWKs5gXaVq8JnTjMh6RdPkC3uHeW9yS4rFmL7FloodB3xZ"
SILENT: Final = tuple(
    f"12D3KooWPq{seed}LmNoPq{seed}StUvWx{seed}HjKm{seed}wXyZ"
    for seed in ("3aRt", "7bSu", "5cTv", "9dUw", "2eVx", "8fWy")
)
CODE: Final = """\
def retry(dial, times=3):
    for attempt in range(times):
        if dial():
            return True  # 👍
    return False"""


@final
class Clock:
    """A clock that stands until it is moved, in UTC."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = EVENING
        monkeypatch.setenv("TZ", "UTC0")
        time.tzset()
        monkeypatch.setattr(time, "time", lambda: self.now)

    def heard(self, text: str, peer_id: str = ANN, nick: str = "Ann") -> MessageReceived:
        """Return what somebody says 17 seconds later."""
        self.now += 17
        return MessageReceived(peer_id, nick, text, self.now)


async def talk(scene: Scene, clock: Clock) -> None:
    """Let five people talk until after midnight; six others are silent, and one is too loud."""
    service, say = scene.service, scene.chat.submitted
    everybody = (ANN, ZOE, MING, GO, RUST, *SILENT)
    service.room = len(everybody)
    await scene.tell(
        KademliaBootstrap(9),
        *(PeerConnected(peer_id, "/ip4/192.0.2.21/tcp/4001", inbound=False) for peer_id in everybody),
        *(PeerJoined(peer_id, number) for number, peer_id in enumerate(everybody, 1)),
    )
    clock.now += 130
    await scene.tell(
        clock.heard("Good evening! Who has a relay that still works from behind two routers?", ZOE, "Zoë"),
        clock.heard("Mine does: https://example.net/relays?lang=en#list (since Tuesday)."),
        clock.heard("みなさん、こんばんは 👋 我也是。", MING, "小明"),
    )
    clock.now += 40
    say("Mine fails every second time, and I do not know why")
    await scene.tell(
        clock.heard(
            "bob: which transport? QUIC through a carrier's NAT is a lottery, TCP mostly holds.", GO, "go-peer"
        ),
        clock.heard(CODE, RUST, "rusty"),
    )
    clock.now += 7_500
    service.room = 8
    await scene.tell(
        clock.heard("Past midnight here. I leave the node running.", ZOE, "Zoë"),
        *(PeerLeft(peer_id, number) for number, peer_id in ((10, ZOE), (9, SILENT[4]), (8, SILENT[5]))),
        PeerConnected(FLOODER, "/ip4/192.0.2.66/tcp/4001", inbound=True),
        PeerMuted(FLOODER, 30.0),
        *(Pinged(peer_id, rtt) for peer_id, rtt in ((ANN, 0.0042), (MING, 0.312), (GO, 0.0287), (RUST, 0.00061))),
        DialFailed("/ip4/192.0.2.7/tcp/4001", "no answer within 5 s"),
        DialFailed(f"/dns4/relay.example.net/tcp/4001/p2p/{GO}", "the name is not known"),
    )
    say("Good night, Zoë")
    service.answering = False
    say("I send the log tomorrow")
    await scene.tell(MessageRefused(service.requests[-1].ticket, "I send the log tomorrow", "the room is full"))
    scene.ui.composer.empty()
    await scene.tell(clock.heard("bob, try with three attempts."))
    say("Will do, thank you!")
    await scene.settle()


async def scroll_back(scene: Scene, clock: Clock) -> None:
    """Let the user read what was said earlier while more is said."""
    await scene.tell(*(clock.heard(f"That was line {number} of what I had to say about it.") for number in range(40)))
    await scene.pilot.press("pageup", "pageup")
    await scene.tell(clock.heard("one"), clock.heard("two", MING, "小明"), clock.heard("three", GO, "go-peer"))


async def search(scene: Scene) -> None:
    """Let the user look for a word that is there twice."""
    await scene.pilot.press("ctrl+f")
    scene.ui.query_one(Input).value = "attempt"
    await scene.settle()


async def select(scene: Scene) -> None:
    """Let the user choose messages with the keys."""
    await scene.pilot.press("f2", "up", "up", "shift+up", "shift+up", "shift+up")
    await scene.settle()


async def mistype(scene: Scene) -> None:
    """Let the user mistype a command."""
    await scene.type("/pears")


async def ask_for_help(scene: Scene) -> None:
    """Let the user ask for help."""
    await scene.pilot.press("f1")
    await scene.settle()


async def look_around(scene: Scene, clock: Clock) -> None:
    """Let the user ask who can be found; of three one is there, one is tried again, and one is not to be dialled."""

    def known(peer_id: str, nick: str, source: str, state: str, reason: str = "") -> KnownPeer:
        address = f"/ip4/192.168.1.7/tcp/40123/p2p/{peer_id}"
        return KnownPeer(peer_id, nick, (source,), (address,), state, reason, 65.0)

    clock.now += 60
    await scene.tell(
        PeerFound(SILENT[4], "by mDNS", ()),
        AddressesChanged((f"/ip4/192.168.1.4/tcp/4001/p2p/{US}", f"/ip4/127.0.0.1/tcp/4001/p2p/{US}")),
    )
    await scene.type("/discover")
    peers = (
        known(
            SILENT[4], SILENT[4][-8:], "by the discovery topic", "not dialled", "a private address, told by a stranger"
        ),
        known(RUST, "rusty", "from an earlier run", "waiting", "again in 12 s: no answer within 5 s"),
        known(ANN, "Ann", "by mDNS", "connected"),
    )
    ways = ("mDNS: on eth0 and wlan0, 3 peers", "the discovery topic: 2 peers announced there")
    ticket = scene.service.requests[-1].ticket
    await scene.tell(DiscoveryReport(ticket, ways, peers, {"not a peer ID": 2}, 1))


async def whisper(scene: Scene, clock: Clock) -> None:
    """Let Ann, a stranger with somebody else's name, and one with a long name write to the user, who answers Ann."""

    def wrote(text: str, peer_id: str, nick: str, *, plain: bool = True, stranger: bool = False) -> DirectReceived:
        clock.now += 20
        return DirectReceived(peer_id, nick, plain, text, clock.now, stranger)

    await scene.tell(
        wrote("Are you still up? I have a question that is not for everybody.", ANN, "Ann"),
        wrote("Buy my coins! https://coins.example.net", FLOODER, "rusty", plain=False, stranger=True),
        wrote("明日の話ですが", MING, "小明", stranger=True),
        wrote("Hello", SILENT[0], "Somebody with a long name"),
    )
    await scene.pilot.press("f6")
    await scene.type("Yes, ask")
    ticket = scene.service.requests[-1].ticket
    await scene.tell(DirectSent(ticket, ANN, "Ann", plain=True, text="Yes, ask", timestamp=clock.now))
    await scene.tell(PeerDisconnected(ANN))
    await scene.type("Where are you?")
    away = DirectWaiting(
        scene.service.requests[-1].ticket, ANN, "Ann", plain=True, text="", reason="it is not connected", waiting=1
    )
    await scene.tell(away, clock.heard("Is anybody awake?", ZOE, "Zoë"))


async def fetch(scene: Scene) -> None:
    """Let files be offered; one has come, one has not, four come."""

    def transfer(number: int, name: str, received: int, size: int | None) -> Transfer:
        left = None if size is None else (size - received) / 2e7
        return Transfer(number, f"id{number}", name, "", (GO,), received, size, 2e7, left)

    running = (
        transfer(3, "What was said about relays, all of it.pdf", 1_500_000, 3_412_000),
        transfer(4, "holiday.mp4", 400_000_000, 1_000_000_000),
        transfer(5, "7c7d2b1e-0a37-4a0e-bf6b-5b1c6f2f0001", 12_000_000, None),
        transfer(6, "last.zip", 0, 1_000),
    )
    scene.service.transfers = running
    await scene.tell(
        FileOffered(
            Offer("mzxw6ytb4k2q9abc", MING, "小明", plain=True, seconds=0.0, name="relays.pdf", size=3_412_000)
        ),
        FileOffered(Offer("7c7d2b1e-0a37-4a0e-bf6b-5b1c6f2f0001", GO, "go-peer", plain=True, seconds=0.0)),
        TransferDone(1, "id1", "relays.pdf", "/home/bob/Downloads/relays.pdf", 3_412_000, 2.0, verified=True),
        TransferFailed(2, "id2", "big.iso", "nothing came for 30 s", 500_000_000),
        *(TransferStarted(9, one) for one in running),
    )


async def discuss(scene: Scene, clock: Clock) -> None:
    """Go to two topics; a peer comes to the second one and talks there, somebody else on the first."""

    def heard(text: str, topic: str, peer_id: str = GO, nick: str = "go-peer") -> MessageReceived:
        return replace(clock.heard(text, peer_id, nick), topic=topic)

    commit = "3f786850e387550fdab836ed7e6dc881de23001b"
    await scene.type("/topic #art of code")
    await scene.type(f"/topic {commit}")
    await scene.tell(TopicPeerJoined(commit, GO, 1), heard("Why does this one touch the parser?", commit))
    await scene.type("Because quotes were lost")
    await scene.tell(heard("bob, look at this", "art of code", ZOE, "Zoë"), heard("I see, thank you", commit))


async def review(scene: Scene) -> None:
    """Let a commit of somebody who is here be shown."""
    commit = Commit(
        "3f786850e387550fdab836ed7e6dc881de23001b",
        tree="89e6c98d92887913cadf06b2adb97f26cde4849b",
        parents=("2b66fd261ee5c6cfc8de7fa466bab600bcfe4f69",),
        author_name="小明",
        author_email="ming@example.org",
        committer_name="小明",
        committer_email="ming@example.org",
        message="Quotes are kept\n\n- in the parser\n+ in its tests",
        time=1_777_900_000,
    )
    patch = (
        "diff --git a/parser.py b/parser.py\nindex 1111111..2222222 100644\n--- a/parser.py\n+++ b/parser.py\n"
        "@@ -10,3 +10,3 @@ def read(line):\n     words = line.split()\n"
        '-    return words\n+    return shlex.split(line)  # "…"'
    )
    await scene.tell(CommitShown(9, commit, True, CommitSource.PEER, patch, peer_id=MING))


async def fail(scene: Scene) -> None:
    """Let the port be taken."""
    scene.ui.show_failure("Cannot listen on port 4001: it is in use; choose another with -p, or leave it out")
    await scene.settle()
