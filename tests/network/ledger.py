"""What was said in a room, and what became of it: nothing is to be lost without a word.

A text is owed to every other peer that lives when it is sent. It is accounted for when one of these holds:

- shown: that peer shows it;
- told: its author was told that it did not go. It was refused, or it still waits and its author knows;
- away: the author had been told that this peer had left the room before the text was sent, or that peer had been told
  that it was alone;
- noted: author or peer was told of a loss, with a number: each counts for as many texts as it says.

What is owed and none of these is lost without a word. Shown twice, or in another order than said, are faults as well.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from tests.network.peers import ENDS

if TYPE_CHECKING:
    from tests.network.peers import Peer, Told


@dataclass
class Account:
    """How many texts were owed, over all peers, and what became of them."""

    said: int = 0
    owed: int = 0
    shown: int = 0
    told: int = 0
    away: int = 0
    noted: int = 0
    lost: int = 0
    """Without a word."""

    twice: int = 0
    """Shown again to a peer in one life of it."""

    disordered: int = 0
    """Authors whose texts a peer showed in another order than they were said."""

    missing: tuple[str, ...] = ()
    """Which texts were not shown to whom, and had neither been away nor told."""

    def __str__(self) -> str:
        words = [f"{self.said} said, {self.owed} owed, {self.shown} shown"]
        words += [
            f"{count} {name}"
            for name in ("told", "away", "noted", "twice", "disordered")
            if (count := getattr(self, name))
        ]
        return ", ".join([*words, f"{self.lost} lost without a word"])

    @property
    def clean(self) -> bool:
        """Whether everything is accounted for, once and in order."""
        return not (self.lost or self.twice or self.disordered)


@final
class Ledger:
    """Has the peers of a room say things, and keeps the account."""

    def __init__(self, *peers: Peer) -> None:
        self.peers = peers
        self._said: list[tuple[Peer, str]] = []

    def say(self, peer: Peer, count: int = 1) -> None:
        """Have a peer say so many texts, each of which is like no other."""
        for _ in range(count):
            text = f"{peer.name} {len(self._said):06d}"
            self._said.append((peer, text))
            peer.say(text)

    def settle(self, seconds: float) -> Account:
        """Wait until everything is accounted for, or `seconds` have passed; return the account."""
        deadline = time.monotonic() + seconds
        changed = self.peers[0].changed
        with changed:
            while (account := self.account()).lost and (left := deadline - time.monotonic()) > 0:
                changed.wait(left)
        return account

    def account(self) -> Account:
        """Judge everything said so far."""
        account = Account(said=len(self._said))
        missing: list[str] = []
        for peer in self.peers:
            lost = self._judge(peer, account)
            noted = min(len(lost), _noted(peer) + sum(_noted(author) for author in {author for author, _ in lost}))
            account.noted += noted
            account.lost += len(lost) - noted
            missing += [f"{text} to {peer.name}" for _, text in lost]
            for life in peer.lives():
                shown = [told["text"] for told in life if told["event"] == "message_received"]
                account.twice += len(shown) - len(set(shown))
                numbers = {text: number for number, (_, text) in enumerate(self._said)}
                for author in self.peers:
                    order = [numbers[text] for text in dict.fromkeys(shown) if text.startswith(f"{author.name} ")]
                    account.disordered += order != sorted(order)
        account.missing = tuple(missing)
        return account

    def _judge(self, peer: Peer, account: Account) -> list[tuple[Peer, str]]:
        """Count what became of the texts owed to one peer; return those that nothing speaks for yet."""
        lost: list[tuple[Peer, str]] = []
        spans = _spans(peer)
        shown = set(peer.texts())
        sent = {author.name: {told["text"]: told for told in author.all("message_sent")} for author in self.peers}
        for author, text in self._said:
            if author is peer:
                continue
            went = sent[author.name].get(text)
            if went is not None and not any(start <= went["at"] < end for start, end in spans):
                continue
            account.owed += 1
            if text in shown:
                account.shown += 1
            elif went is None:
                if _was_told(author, text):
                    account.told += 1
                else:
                    lost.append((author, text))
            elif _is_away(author, peer, went["at"]):
                account.away += 1
            else:
                lost.append((author, text))
        return lost


def _spans(peer: Peer) -> list[tuple[float, float]]:
    """Return when each life of a peer had its room open: from, and up to."""
    spans = []
    for life in peer.lives():
        ready = next((told["at"] for told in life if told["event"] == "ready"), math.inf)
        ended = life[-1]["event"] in ENDS
        spans.append((ready, life[-1]["at"] if ended else math.inf))
    return spans


def _before(peer: Peer, when: float) -> list[Told]:
    return [told for told in peer.told if told["at"] <= when]


def _was_told(author: Peer, text: str) -> bool:
    """Whether an author knows that a text has not gone: it was refused, or waits."""
    if any(told["text"] == text for told in author.all("message_refused")):
        return True
    return bool(author.all("message_waiting")) or any(told["unsent"] for told in author.all("ended"))


def _is_away(author: Peer, peer: Peer, when: float) -> bool:
    """Whether the author knew that a peer was not in the room, or that peer knew that nobody was."""
    met = any(told["event"] == "peer_joined" and told["peer_id"] in peer.ids for told in _before(author, when))
    known = author.room(when) & set(peer.ids)
    return (met and not known) or not peer.room(when)


def _noted(peer: Peer) -> int:
    """Return how many losses a peer was told of."""
    unmuted = sum(int(told["dropped"]) for told in peer.all("peer_unmuted"))
    return unmuted + sum(int(told["count"]) for told in peer.all("dropped"))
