"""The board of the topic on which files are offered, and what py-peers tell each other of their files.

On the topic an offer is a file's ID and no more. A py-peer that is connected is asked for all that it offers when it
comes, and again when it offers something, before that is told: so it is also known what it does not offer any more.
Nobody is handed old offers on the topic: peers in other languages would fetch them again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, final

import trio
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.addresses import peer_id_text
from py_peer.core.bars import duration
from py_peer.core.events import Notice
from py_peer.core.file_events import FileOffered, Offer
from py_peer.core.offers import OfferError, Offers, TakenError
from py_peer.core.rates import TokenBucket
from py_peer.net.file_exchange import open_source
from py_peer.net.streams import StreamFaultError

if TYPE_CHECKING:
    from collections.abc import Callable

    from libp2p.pubsub.pb import rpc_pb2

    from py_peer.core.events import Event
    from py_peer.core.offers import Offered
    from py_peer.net.file_exchange import Source
    from py_peer.net.node import Node
    from py_peer.service.sources import Sources

FILE_TOPIC: Final = "universal-connectivity-file"


@final
class OfferBoard:
    """Offers files, and hears who else does (`py_peer.net.pubsub.Board`)."""

    def __init__(self, sources: Sources, emit: Callable[[Event], None]) -> None:
        self._sources = sources
        self._emit = emit
        self._offers = Offers()
        self.is_ignored: Callable[[str], bool] = lambda _peer_id: False
        """Returns whether the user wants nothing of a peer."""

        self.on_news: Callable[[Offered], None] = lambda _offer: None
        """Called with each offer that was not known, when what can be known of it is."""

        self.is_shared: Callable[[str], bool] = lambda _file_id: True
        """Returns whether a file of ours is still offered."""

        self._nursery: trio.Nursery | None = None
        self._unknown: dict[ID, list[Offered]] = {}  # what the peers that are asked just now offer, and is not told yet
        self._listed: set[ID] = set()
        self._pace = TokenBucket(limits.OFFERS_TOLD_RATE, limits.OFFERS_TOLD_BURST)
        self._untold = 0
        self._own_pace = TokenBucket(limits.OFFER_RATE, limits.OWN_OFFER_BURST)
        self._to_offer: list[str] = []
        self._more_to_offer = trio.Event()

    async def run(self, node: Node) -> None:
        """Hear who offers what, until cancelled."""
        await node.pubsub.subscribe(FILE_TOPIC)
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._offer_in_turn, node)
            for peer_id in node.peers.records:
                self.identified(peer_id)
            try:
                await self._sum_up()
            finally:
                self._nursery = None  # who is told of while it closes is asked nothing any more

    async def _sum_up(self) -> None:
        while True:
            await trio.sleep(limits.FINDINGS_SUMMED_SECONDS)
            if self._untold:
                files = "files were" if self._untold > 1 else "file was"
                self._emit(Notice(f"{self._untold} more {files} offered; /files lists them"))
                self._untold = 0

    def offer(self, file_id: str) -> None:
        """Offer a file of ours, once, as soon as others take another offer of us."""
        self._to_offer = [*filter(self.is_shared, self._to_offer), file_id]
        self._more_to_offer.set()

    async def _offer_in_turn(self, node: Node) -> None:
        """Offer what is to be offered, no faster than others take it; tell the user when that takes a while."""
        while True:
            await self._more_to_offer.wait()
            self._more_to_offer = trio.Event()
            has_waited = False
            while self._to_offer:
                if pause := self._own_pace.wait(trio.current_time()):
                    if not has_waited:
                        has_waited = True
                        self._emit(Notice(f"Many files at once: the others are offered every {pause:.0f} seconds"))
                    await trio.sleep(pause)
                elif self.is_shared(file_id := self._to_offer.pop(0)):
                    self._own_pace.take(trio.current_time())
                    with node.counters.catching("offering a file"):
                        await self.publish(node, file_id)
            if has_waited:
                self._emit(Notice("All files that you share are offered now"))

    async def publish(self, node: Node, file_id: str) -> None:
        """Say an offer, now."""
        await node.pubsub.publish(FILE_TOPIC, file_id.encode())

    # --- The board --------------------------------------------------------------------------------

    def take(self, message: rpc_pb2.Message, forwarder: ID) -> str:
        """Take note of an offer; return "", or why it is dropped and not passed on."""
        del forwarder
        try:
            news = self._offers.hear(message.data, peer_id_text(message.from_id), trio.current_time())
        except TakenError:
            return ""  # elsewhere the two may be heard the other way round
        except OfferError as error:
            return f"dropped: a file offer, {error}"
        peer_id = ID(message.from_id)
        if self._nursery is not None and self._sources.is_here(peer_id):
            self._ask(self._nursery, peer_id, *([] if news is None else [news]))
        elif news is not None:
            self._tell(news)
        return ""

    def keep(self, message: rpc_pb2.Message) -> None:
        """Keep nothing: an offer is said once."""

    def kept(self) -> tuple[()]:
        """Return nothing, for the same reason."""
        return ()

    # --- What py-peers say of their files ---------------------------------------------------------

    def identified(self, peer_id: ID) -> None:
        """Ask a py-peer what it offers, when it has come."""
        if self._nursery is not None and self._sources.speaks(peer_id) and peer_id not in self._listed:
            self._ask(self._nursery, peer_id)

    def moved(self, peer_id: ID) -> None:
        """Take note that a peer has come or gone."""
        self._listed.discard(peer_id)

    def _ask(self, nursery: trio.Nursery, peer_id: ID, *news: Offered) -> None:
        if peer_id not in self._unknown:
            self._unknown[peer_id] = []
            nursery.start_soon(self._question, peer_id)
        self._unknown[peer_id].extend(news)

    async def _question(self, peer_id: ID) -> None:
        """Ask a connected peer what it offers, and tell what is new, whether it answers or not."""
        news = self._unknown[peer_id]
        with self._sources.counters.catching("asking what is offered"), trio.move_on_after(limits.DESCRIBE_SECONDS):
            await self._sources.know(peer_id)
            if self._sources.speaks(peer_id):
                try:
                    async with open_source(self._sources.host, peer_id) as source:
                        await self._describe(source, news)
                        del self._unknown[peer_id]  # what is offered from now on is asked for anew
                except StreamFaultError as error:
                    self._sources.blame(peer_id, error)
        if self._unknown.get(peer_id) is news:
            del self._unknown[peer_id]
        for offer in news:
            with self._sources.counters.catching("telling what is offered"):
                if offer in self._offers:
                    self._tell(offer)

    async def _describe(self, source: Source, news: list[Offered]) -> None:
        """Ask for all that a peer offers, and again when it offers more meanwhile."""
        peer_id = str(source.peer_id)
        is_known = False
        while not is_known:
            known = self._offers.of(peer_id)
            records = await source.offers()
            self._listed.add(source.peer_id)
            news += self._offers.listed(peer_id, records, known, trio.current_time())
            is_known = all(offer.record is not None or offer in known for offer in news)

    # --- What is told -----------------------------------------------------------------------------

    def offers(self) -> list[Offered]:
        """Return what others offer whom the user does not ignore, the latest offer last."""
        return [one for one in self._offers.offers(trio.current_time()) if not self.is_ignored(one.peer_id)]

    @property
    def refused(self) -> dict[str, int]:
        """How many offers were not taken, by reason."""
        return dict(self._offers.refused)

    def shown(self, offer: Offered) -> Offer:
        """Return an offer as a front-end is told of it."""
        name = self._sources.called(offer.peer_id)
        shown = Offer(offer.file_id, offer.peer_id, name.nick, name.plain, _age(offer))
        if (record := offer.record) is None:
            return shown
        return replace(shown, name=record.name, size=record.size, media_type=record.media_type, root=record.root.hex())

    def told(self, offer: Offered) -> str:
        """Return what tells an offer from others, for a sentence."""
        name = f"{offer.name} " if offer.name else ""
        return f"{name}of {self._sources.name(offer.peer_id)}, {duration(_age(offer))} ago"

    def _tell(self, offer: Offered) -> None:
        if self.is_ignored(offer.peer_id):
            return
        if self._pace.take(trio.current_time()):
            self._emit(FileOffered(self.shown(offer)))
        else:
            self._untold += 1
        self.on_news(offer)


def _age(offer: Offered) -> float:
    return trio.current_time() - offer.heard
