"""A transcript keeps what was said within bounds, and finds it again."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.entries import Entry, Kind
from py_peer.core.transcript import MESSAGES, Transcript


def said(number: int, text: str, author: str = "Bob") -> Entry:
    return Entry(number, Kind.SAID, 0.0, text, author)


def note(number: int, text: str) -> Entry:
    return Entry(number, Kind.NOTE, 0.0, text)


entries = st.builds(
    Entry,
    number=st.integers(0, 12),
    kind=st.sampled_from(Kind),
    timestamp=st.just(0.0),
    text=st.text("abÄß ", max_size=6),
    author=st.text("aB", max_size=2),
)


@given(st.lists(st.lists(entries, max_size=5), max_size=12), st.integers(1, 6), st.integers(1, 30), st.integers(0, 4))
def test_it_does_what_a_plain_list_would(batches: list[list[Entry]], most: int, chars: int, last: int) -> None:
    transcript = Transcript(most, chars)
    model: list[Entry] = []
    newest, forgotten = -1, 0
    for batch in batches:
        for entry in batch:
            places = [place for place, kept in enumerate(model) if kept.number == entry.number]
            if places:
                model[places[0]] = entry
            elif entry.number > newest:
                model.append(entry)
                newest = entry.number
        gone = []
        while len(model) > 1 and (len(model) > most or sum(len(kept.text + kept.author) for kept in model) > chars):
            gone.append(model.pop(0))
        assert transcript.put(batch) == [entry.number for entry in gone]
        forgotten += sum(entry.kind in MESSAGES for entry in gone)
        assert list(transcript) == model
        assert len(transcript) == len(model)
        assert transcript.forgotten == forgotten
        messages = [entry for entry in model if entry.kind in MESSAGES]
        assert transcript.last(last) == messages[len(messages) - min(last, len(messages)) :]
        holding = [entry.number for entry in model if "A" in entry.text.upper() or "A" in entry.author.upper()]
        assert transcript.find("A") == holding
        assert all(transcript.get(entry.number) is entry for entry in model)
        assert transcript.get(99) is None


def test_a_replacement_keeps_its_place() -> None:
    transcript = Transcript(10, 1000)
    transcript.put([said(1, "one"), said(2, "two")])
    transcript.put([replace(said(1, "one"), text="changed")])
    assert [entry.text for entry in transcript] == ["changed", "two"]


def test_what_replaces_a_forgotten_entry_does_not_come_back() -> None:
    transcript = Transcript(1, 1000)
    assert transcript.put([said(1, "one"), said(2, "two")]) == [1]
    assert transcript.put([said(1, "changed")]) == []
    assert [entry.number for entry in transcript] == [2]
    assert transcript.forgotten == 1


def test_one_entry_larger_than_all_that_may_be_kept_is_shown_all_the_same() -> None:
    transcript = Transcript(10, 100)
    transcript.put([said(1, "one"), said(2, "x" * 1000)])
    assert [entry.number for entry in transcript] == [2]


def test_only_messages_are_counted_and_shown_again() -> None:
    transcript = Transcript(2, 1000)
    transcript.put([note(1, "a"), said(2, "b"), note(3, "c"), said(4, "d")])
    assert transcript.forgotten == 1
    assert [entry.number for entry in transcript.last(5)] == [4]


def test_it_finds_what_is_written_in_capitals_and_whoever_said_it() -> None:
    transcript = Transcript(10, 1000)
    transcript.put([said(1, "STRASSE"), said(2, "nothing", "Straße 5"), note(3, "straße"), said(4, "street")])
    assert transcript.find("straße") == [1, 2, 3]
    assert transcript.find("") == []


def test_a_busy_day_is_kept_within_bounds_however_long() -> None:
    transcript = Transcript(20_000, 1_000_000)
    for number in range(100_000):
        transcript.put([said(number, "about forty characters are usual in a chat")])
    assert transcript.forgotten == 100_000 - len(transcript)
    assert sum(len(entry.text + entry.author) for entry in transcript) <= 1_000_000
    assert transcript.last(1)[0].number == 99_999
