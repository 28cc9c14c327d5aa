"""A topic with a board: newcomers are told what it keeps at once, and what it refuses goes no further."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from libp2p.crypto.ed25519 import create_new_key_pair

from tests.net.raw_peer import raw_peer, signed
from tests.net.support import DISCOVERY, member, trio_test, until

if TYPE_CHECKING:
    from libp2p.peer.id import ID
    from libp2p.pubsub.pb import rpc_pb2


@dataclass
class Pinboard:
    """Takes whatever does not begin with "no", and keeps all that it has taken."""

    messages: list[rpc_pb2.Message] = field(default_factory=list)
    own: list[rpc_pb2.Message] = field(default_factory=list)

    def take(self, message: rpc_pb2.Message, forwarder: ID) -> str:
        if message.data.startswith(b"no"):
            return "dropped: not wanted"
        self.messages.append(message)
        return ""

    def keep(self, message: rpc_pb2.Message) -> None:
        self.own = [message]

    def kept(self) -> list[rpc_pb2.Message]:
        return [*self.own, *self.messages]

    def texts(self) -> list[bytes]:
        return [message.data for message in self.messages]


@trio_test
async def test_a_newcomer_is_told_what_is_kept_however_long_ago_it_was_said() -> None:
    one, other = Pinboard(), Pinboard()
    author = create_new_key_pair()
    one.messages = [signed(author, DISCOVERY, b"of somebody who is elsewhere", 1)]
    async with member(boards={DISCOVERY: one}) as first, member(boards={DISCOVERY: other}) as second:
        await first.node.pubsub.publish(DISCOVERY, b"of the first")
        first.node.pubsub.router.mcache.history = [[] for _ in first.node.pubsub.router.mcache.history]
        await second.dial(first)
        await until(lambda: len(other.messages) == 2)
        assert other.texts() == [b"of the first", b"of somebody who is elsewhere"]
        assert one.texts() == [b"of somebody who is elsewhere"]
        assert second.counts("announcements") == [2]


@trio_test
async def test_what_the_board_takes_is_relayed_and_what_it_refuses_is_not() -> None:
    boards = [Pinboard() for _ in range(3)]
    async with (
        member(boards={DISCOVERY: boards[0]}) as first,
        member(boards={DISCOVERY: boards[1]}) as second,
        member(boards={DISCOVERY: boards[2]}) as third,
        raw_peer(first.port) as stranger,
    ):
        await second.dial(first)
        await third.dial(second)
        gossip = await stranger.join(DISCOVERY)
        for number, text in enumerate((b"no, thanks", b"yes"), 1):
            await gossip.send_rpc(publish=[signed(stranger.key_pair, DISCOVERY, text, number)])
        await until(lambda: boards[2].texts() == [b"yes"])
        assert [board.texts() for board in boards] == [[b"yes"]] * 3
        assert first.counts("dropped: not wanted") == [1]
        assert second.counts("dropped: not wanted") == [0]


@trio_test
async def test_a_forged_announcement_does_not_reach_the_board() -> None:
    board = Pinboard()
    async with member(boards={DISCOVERY: board}) as one, raw_peer(one.port) as stranger:
        gossip = await stranger.join(DISCOVERY)
        forged = signed(create_new_key_pair(), DISCOVERY, b"I am somebody else", 1)
        forged.data = b"I am you"
        honest = signed(stranger.key_pair, DISCOVERY, b"I am I", 2)
        await gossip.send_rpc(publish=[forged, honest])
        await until(lambda: board.texts() == [b"I am I"])
        assert one.counts("dropped: not signed by its author") == [1]
