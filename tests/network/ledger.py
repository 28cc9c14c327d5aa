"""What was said in a room, and what became of it: nothing is to be lost without a word.

A text is owed to every other peer that lives when it is sent. It is accounted for when one of these holds:

- shown: that peer shows it;
- told: its author was told that it did not go. It was refused, or it still waits and its author knows;
- away: the author had been told that this peer had left the room before the text was sent, or that peer had been told
  that it was alone;
- noted: author or peer was told, soon after, that what was said may be lost, as nothing came from the other any more;
  or of a loss, with a number: each counts for as many texts as it says.

What is owed and none of these is lost without a word. Shown twice, or in another order than said, are faults as well.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from tests.network.peers import ENDS, LET_GO

if TYPE_CHECKING:
    from tests.network.peers import Peer


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


@dataclass(frozen=True)
class _Text:
    author: Peer
    text: str
    when: float


@final
class Ledger:
    """Has the peers of a room say things, and keeps the account."""

    def __init__(self, *peers: Peer) -> None:
        self.peers = peers
        self._said: list[_Text] = []

    def say(self, peer: Peer) -> None:
        """Have a peer say a text that is like no other."""
        said = _Text(peer, f"{peer.name} {len(self._said):06d}", time.monotonic())
        self._said.append(said)
        peer.say(said.text)

    def settle(self, seconds: float) -> Account:
        """Wait until everything is accounted for, or `seconds` have passed; return the account."""
        deadline = time.monotonic() + seconds
        changed = self.peers[0].changed
        with changed:
            while (account := self.account()).lost and (left := deadline - time.monotonic()) > 0:
                changed.wait(left)
        return account

    def slowest(self) -> float:
        """Return the longest that a text took from the moment it was said until somebody showed it, in seconds."""
        when = {said.text: said.when for said in self._said}
        shown = (told for peer in self.peers for told in peer.all("message_received"))
        return max(float(told["at"]) - when[told["text"]] for told in shown if told["text"] in when)

    def account(self) -> Account:
        """Judge everything said so far."""
        account = Account(said=len(self._said))
        missing: list[str] = []
        for peer in self.peers:
            lost = self._judge(peer, account)
            noted = min(len(lost), _losses(peer) + sum(_losses(author) for author in {said.author for said in lost}))
            account.noted += noted
            account.lost += len(lost) - noted
            missing += [f"{said.text} to {peer.name}" for said in lost]
            for life in peer.lives():
                self._compare([told["text"] for told in life if told["event"] == "message_received"], account)
        account.missing = tuple(missing)
        return account

    def _judge(self, peer: Peer, account: Account) -> list[_Text]:
        """Count what became of the texts owed to one peer; return those that nothing speaks for yet."""
        lost: list[_Text] = []
        spans = _spans(peer)
        shown = set(peer.texts())
        sent = {author.name: {told["text"]: told["at"] for told in author.all("message_sent")} for author in self.peers}
        for said in self._said:
            if said.author is peer:
                continue
            went = sent[said.author.name].get(said.text)
            if went is not None and not any(start <= went < end for start, end in spans):
                continue
            account.owed += 1
            if said.text in shown:
                account.shown += 1
            elif went is None and _was_told(said):
                account.told += 1
            elif went is not None and _is_away(said.author, peer, went):
                account.away += 1
            elif went is not None and (_was_warned(said.author, went) or _was_warned(peer, went)):
                account.noted += 1
            else:
                lost.append(said)
        return lost

    def _compare(self, shown: list[str], account: Account) -> None:
        """Count what was shown twice, and the authors whose texts were shown in another order."""
        account.twice += len(shown) - len(set(shown))
        numbers = {said.text: number for number, said in enumerate(self._said)}
        for author in self.peers:
            order = [numbers[text] for text in dict.fromkeys(shown) if text.startswith(f"{author.name} ")]
            account.disordered += order != sorted(order)


def _spans(peer: Peer) -> list[tuple[float, float]]:
    """Return when each life of a peer had its room open: from, and up to."""
    spans = []
    for life in peer.lives():
        ready = next((told["at"] for told in life if told["event"] == "ready"), math.inf)
        ended = life[-1]["event"] in ENDS
        spans.append((ready, life[-1]["at"] if ended else math.inf))
    return spans


def _was_told(said: _Text) -> bool:
    """Whether an author knows that a text has not gone: it was refused, or it waits, or was left over at the end."""
    author = said.author
    return (
        any(told["text"] == said.text for told in author.all("message_refused"))
        or any(told["at"] >= said.when for told in author.all("message_waiting"))
        or any(told["at"] >= said.when and told["unsent"] for told in author.all("ended"))
    )


def _is_away(author: Peer, peer: Peer, when: float) -> bool:
    """Whether the author knew that a peer was not in the room, or that peer knew that nobody was."""
    met = any(told["at"] <= when and told["peer_id"] in peer.ids for told in author.all("peer_joined"))
    return (met and not author.room(when) & set(peer.ids)) or not peer.room(when)


def _was_warned(peer: Peer, when: float) -> bool:
    """Whether a peer was told, of a time, that nothing had come from another, so that something may be lost."""
    warnings = (told for told in peer.all("notice") if told["text"].startswith("Nothing has come from"))
    return any(0 <= told["at"] - when <= LET_GO for told in warnings)


def _losses(peer: Peer) -> int:
    """Return how many losses a peer was told of."""
    unmuted = sum(int(told["dropped"]) for told in peer.all("peer_unmuted"))
    return unmuted + sum(int(told["count"]) for told in peer.all("dropped"))
