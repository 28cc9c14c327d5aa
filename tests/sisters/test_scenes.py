"""The scenes of the matrix see what is lost, changed, or comes again: between two who only play at it."""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, Any, Final, cast, final

import pytest

from interop import scenes
from interop.columns import COLUMNS, Pair
from interop.oddities import ODDITIES
from interop.outcomes import Outcome, explained
from py_peer.core.limits import MAX_TEXT_BYTES
from tests.network.peers import Peer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

KIND: Final = "text/plain"


@final
class Player(Peer):
    """Peer of a process that is not there: what it says the other is told at once, as `way` has it."""

    other: Player
    way: Callable[[str], Sequence[str]] = staticmethod(lambda text: (text,))
    refused_from: float = 1e9
    read: int = 0
    """Bytes that it tells to have read."""

    def command(self, name: str, /, **arguments: Any) -> None:
        text = arguments.get("text", "")
        if name == "stats":
            self._note({"event": "statistics", "gossip_received_bytes": self.read})
        elif len(text) > self.refused_from:
            self._note({"event": "message_refused", "reason": "too large"})
        elif name == "msg":
            self._note({"event": "direct_sent"})
            for came in self.way(text):
                self.other._note({"event": "direct_received", "peer_id": self.id, "text": came, "type": KIND})
        else:
            for came in self.way(text):
                self.other._note({"event": "message_received", "peer_id": self.id, "text": came})


class Play:
    """Stands for a pair."""

    def __init__(self, folder: Path) -> None:
        self.ours, self.theirs = Player("ours", folder), Player("theirs", folder)
        self.ours.other, self.theirs.other = self.theirs, self.ours
        self.ways = ((self.ours, self.theirs), (self.theirs, self.ours))
        for one, other in self.ways:
            one._note({"event": "started", "peer_id": one.name})
            one._note({"event": "peer_joined", "peer_id": other.name})
        self._numbers = itertools.count()

    def start(self) -> None:
        """Both are there."""

    def met(self) -> None:
        """Both are there."""

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        self.ours.wait_for(condition, what, 0.0)

    new_text = Pair.new_text
    speak = Pair.speak


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    for name in ("GRACE", "HEARTBEATS", "LOST"):
        monkeypatch.setattr(scenes, name, 0.0)
    monkeypatch.setattr(scenes, "START", 0.0)
    return Play(tmp_path)


def shown(scene: Callable[[Pair], Outcome], play: Play) -> Outcome:
    return scene(cast("Pair", play))


@pytest.mark.parametrize("scene", [scenes.first_words, scenes.many, scenes.twice, scenes.most, scenes.direct])
def test_where_all_is_whole_nothing_has_failed(scene: Callable[[Pair], Outcome], play: Play) -> None:
    assert not shown(scene, play).failed


def test_a_direct_message_that_is_changed_on_its_way_is_not_whole(play: Play) -> None:
    play.theirs.way = lambda text: (text[:100],)
    outcome = shown(scenes.direct, play)
    assert outcome.failed
    assert (outcome.values["to_them"], outcome.values["to_us"]) == (scenes.COUNT, 2)


def test_a_direct_message_that_comes_twice_fails(play: Play) -> None:
    play.ours.way = lambda text: (text, text)
    outcome = shown(scenes.direct, play)
    assert (outcome.failed, outcome.text) == (True, "100 / 100, 100 / 0 changed or again")


def test_a_text_that_comes_again_when_all_have_come_fails(play: Play) -> None:
    text = "said before"
    play.ours.say(text)
    play.ours.way = lambda new: (new, text) if new.startswith("the same") else (new,)
    outcome = explained("rust", "twice", shown(scenes.twice, play), ODDITIES)
    assert (outcome.failed, outcome.text) == (True, "2 / 2, 2 / 0 of those before again")


def test_a_text_of_theirs_that_is_lost_without_a_word_fails_and_one_that_is_refused_does_not(play: Play) -> None:
    play.theirs.refused_from = 100_000
    assert (shown(scenes.most, play).failed, shown(scenes.most, play).text) == (False, "100,000 B")
    play.theirs.way = lambda text: (text,) if len(text) <= MAX_TEXT_BYTES else ()
    outcome = shown(scenes.most, play)
    assert (outcome.failed, outcome.text) == (True, "60,000 B")
    assert scenes.UNTOLD in outcome.reason


@pytest.mark.parametrize("language", ["go", "rust", "node", "browser"])
def test_a_first_word_that_has_reached_ours_and_is_not_shown_is_not_excused(language: str, play: Play) -> None:
    play.theirs.way = lambda _: ()
    play.ours.read = 500
    assert not explained(language, "first", shown(scenes.first_words, play), ODDITIES).failed
    play.ours.read = scenes.FIRST + 500
    assert explained(language, "first", shown(scenes.first_words, play), ODDITIES).failed


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import sys; sys.exit('the port is taken')", "theirs has ended with 1: the port is taken"),
        ("raise SystemExit(3)", "theirs has ended with 3: it said nothing"),
    ],
)
def test_a_peer_that_ends_by_itself_is_not_waited_for_and_its_last_words_are_told(
    program: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = Pair(COLUMNS[0], tmp_path)
    monkeypatch.setattr(pair.theirs, "program", lambda: (sys.executable, "-c", program))
    try:
        with pytest.raises(AssertionError, match=words):
            pair.start()
    finally:
        pair.close()
