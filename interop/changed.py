"""py-peer with one choice of its GossipSub made otherwise, so that what each choice loses can be measured.

`python -m interop.changed CHANGES ARGUMENTS…`: CHANGES is a JSON object; the rest is py-peer's.

    {"ids": "go"}            message IDs as Go makes them, or "rust" for Rust's
    {"degrees": [6, 4, 12]}  of the mesh: wanted, lowest, highest
    {"flood": false}         our own messages go to the mesh alone
    {"known": false}         Go's IDs for what was heard are not known
    {"push": false}          nobody is in the mesh: what others say goes on when it is asked for
    {"limits": {"NAME": 1}}  of py_peer.core.limits
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import TYPE_CHECKING, Any

from py_peer.core import limits
from py_peer.main import main

if TYPE_CHECKING:
    from collections.abc import Callable

WORD = (1 << 64) - 1


def ids_of_js(message: Any) -> bytes:
    """Return the message ID as js-libp2p's peers of this chat make it, and we."""
    return hashlib.sha256(str(int.from_bytes(message.seqno, "big")).encode()).digest()


def ids_of_go(message: Any) -> bytes:
    """Return the message ID as go-libp2p-pubsub makes it where nothing else is asked for."""
    return bytes(message.from_id + message.seqno)


def ids_of_rust(message: Any) -> bytes:
    """Return the message ID as the Rust peer makes it: the hash of the data by Rust's standard library, in decimal."""
    return str(siphash_1_3(len(message.data).to_bytes(8, "little") + message.data)).encode()


def siphash_1_3(data: bytes) -> int:
    """Return SipHash with one and three rounds and a key of zeros (https://www.aumasson.jp/siphash/siphash.pdf)."""
    state = [0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573]
    whole = len(data) - len(data) % 8
    words = [int.from_bytes(data[at : at + 8], "little") for at in range(0, whole, 8)]
    words.append(int.from_bytes(data[whole:], "little") | (len(data) & 0xFF) << 56)
    for word in words:
        state[3] ^= word
        _round(state)
        state[0] ^= word
    state[2] ^= 0xFF
    for _ in range(3):
        _round(state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _round(state: list[int]) -> None:
    def add(one: int, other: int) -> None:
        state[one] = (state[one] + state[other]) & WORD

    def turn(which: int, bits: int, other: int | None = None) -> None:
        turned = (state[which] << bits | state[which] >> 64 - bits) & WORD
        state[which] = turned if other is None else turned ^ state[other]

    for one, other, bits in ((0, 1, 13), (2, 3, 16)):
        add(one, other)
        turn(other, bits, one)
    turn(0, 32)
    for one, other, bits in ((0, 3, 21), (2, 1, 17)):
        add(one, other)
        turn(other, bits, one)
    turn(2, 32)


IDS: dict[str, Callable[[Any], bytes]] = {"js": ids_of_js, "go": ids_of_go, "rust": ids_of_rust}


def change(changes: dict[str, Any]) -> None:
    """Make the choices; before anything of py_peer.net is used."""
    for name, value in changes.get("limits", {}).items():
        setattr(limits, name, value)
    from py_peer.net import message_cache  # noqa: PLC0415 - the limits come first

    if "ids" in changes:
        message_cache.message_id = IDS[changes["ids"]]  # type: ignore[assignment]  # who imports it later gets this
    from py_peer.net import mesh  # noqa: PLC0415
    from py_peer.net.gossip import Router  # noqa: PLC0415
    from py_peer.net.message_check import MessageCheck  # noqa: PLC0415

    router: Any = Router
    if "degrees" in changes:
        mesh.DEGREE, mesh.DEGREE_LOW, mesh.DEGREE_HIGH = changes["degrees"]  # type: ignore[misc]
    if not changes.get("known", True):
        check: Any = MessageCheck
        check.has = lambda self, mid: self._ids.has(mid)
    if not changes.get("push", True):
        mesh.DEGREE = mesh.DEGREE_LOW = mesh.DEGREE_HIGH = 0  # type: ignore[misc]
        router.handle_graft = _refuse
    if not changes.get("flood", True):
        router.publish = _to_the_mesh(router.publish)


async def _refuse(self: Any, graft: Any, sender: Any) -> None:
    """Answer a GRAFT with a PRUNE."""
    await self.emit_prune(graft.topicID, sender, False, False)  # noqa: FBT003 - no peers, and it does not leave


def _to_the_mesh(publish: Any) -> Any:
    async def without_flood(self: Any, forwarder: Any, message: Any) -> None:
        subscribed, self.pubsub.peer_topics = self.pubsub.peer_topics, {}
        try:
            await publish(self, forwarder, message)  # it waits for nothing in between
        finally:
            self.pubsub.peer_topics = subscribed

    return without_flood


if __name__ == "__main__":
    change(json.loads(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
