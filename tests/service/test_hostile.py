"""The frames that end a host of py-libp2p, against a running service: it lives on, and still hears an honest peer."""

from __future__ import annotations

import asyncio

import trio

from py_peer.chatroom import CHAT_TOPIC
from py_peer.core.events import Failed, MessageReceived, PeerJoined, Stopped
from tests.loops import run
from tests.net.raw_peer import raw_peer
from tests.net.test_identify import GARBAGE, answering
from tests.net.test_traps import HOSTILE_FRAMES
from tests.service.support import person


def attack(port: int) -> None:
    """Throw every hostile frame and answer to identify at the service, each from a stranger of its own."""

    async def throw() -> None:
        with trio.fail_after(20):
            for frame in HOSTILE_FRAMES.values():
                async with raw_peer(port) as stranger:
                    gossip = await stranger.join(CHAT_TOPIC)
                    await gossip.write_frame(frame)
            for answer in GARBAGE.values():
                said = trio.Event()
                async with raw_peer(port, handlers=answering(answer, said)) as stranger:
                    await stranger.join(CHAT_TOPIC)
                    await said.wait()

    trio.run(throw)


def test_a_service_lives_on_and_still_hears() -> None:
    async def scene() -> None:
        async with person("alice", intro=False) as alice:
            address = await alice.address()
            async with person("bob", intro=False, connect=(address,)) as bob:
                await bob.see(PeerJoined)
                await asyncio.to_thread(attack, int(address.split("/")[4]))
                bob.say("still there?")
                await alice.see(MessageReceived, lambda event: event.text == "still there?")
                alice.say("yes")
                await bob.see(MessageReceived, lambda event: event.text == "yes")
                assert not [event for event in alice.events if isinstance(event, Failed | Stopped)]

    run(scene())
