"""Texts that wait for a peer: in order, within bounds, and in a file that nothing written in it can make fail."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits
from py_peer.core.letters import LaterFormatError, Letter, LetterFile, Letters, LettersError
from py_peer.net.identity import new_identity

ALICE, BOB, EVE = (new_identity().peer_id for _ in range(3))
NOW = 1_700_000_000_000
DAY = 24 * 3_600_000


def letter(number: int, to: str = BOB, text: str = "") -> Letter:
    return Letter(to, text or f"text {number}", NOW + number, number)


def kept(data: bytes | None, own: str = ALICE, now: int = NOW) -> list[tuple[str, str]]:
    return [(one.peer_id, one.text) for one in LetterFile(data, own, now).letters()]


def file(*letters: Letter, own: str = ALICE, data: bytes | None = None, now: int = NOW) -> bytes:
    """Return a file with these texts in it, besides what stands in `data`."""
    changed = LetterFile(data, own, now)
    changed.change(added=letters, removed=())
    return changed.write()


# --- On the way -----------------------------------------------------------------------------------


def test_each_peer_gets_its_texts_in_the_order_in_which_they_were_written() -> None:
    letters = Letters()
    for number in range(4):
        assert not letters.put(letter(number, (BOB, EVE)[number % 2]))
    assert [one.ticket for one in letters.to(BOB)] == [0, 2]
    assert letters.peers() == {BOB: 2, EVE: 2}
    first = letters.first(EVE)
    assert first is not None
    letters.take_out(first)
    assert [one.ticket for one in letters] == [0, 2, 3]
    assert (len(letters), letters.first(ALICE)) == (3, None)


def test_texts_of_an_earlier_run_go_first() -> None:
    letters = Letters()
    letters.put(letter(2))
    assert not letters.put_before([letter(0), letter(1)])
    assert [one.ticket for one in letters.to(BOB)] == [0, 1, 2]


def test_what_is_too_much_is_refused_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "UNDELIVERED_PER_PEER", 2)
    monkeypatch.setattr(limits, "UNDELIVERED", 3)
    letters = Letters()
    assert [letters.put(letter(number)) for number in range(3)] == [
        "",
        "",
        "2 messages wait for this peer already, and no more can",
    ]
    assert not letters.put(letter(3, EVE))
    assert letters.put(letter(4, EVE)) == "3 direct messages wait already, and no more can"
    assert [one.ticket for one in letters.put_before([letter(9, ALICE)])] == [3]
    assert len(letters) == 3


def test_bytes_are_counted_as_the_file_has_them() -> None:
    letters = Letters()
    escaped = "\x01" * limits.MAX_TEXT_BYTES  # six bytes each in the file
    taken = 0
    while not letters.put(letter(taken, text=escaped)):
        taken += 1
    assert len(file(*letters)) <= limits.UNDELIVERED_BYTES
    letters.take_out(letters.to(BOB)[0])
    assert not letters.put(letter(99, text=escaped))


def test_a_text_is_given_up_after_a_day_whichever_way_the_clock_was_moved() -> None:
    one = letter(0)
    assert [one.is_due(NOW + hours * 3_600_000) for hours in (-25, -23, 0, 23, 24)] == [True, False, False, False, True]


# --- The file -------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from((BOB, EVE)), st.text(st.characters(codec="utf-8")).filter(str.strip))))
def test_what_is_written_is_read_again(texts: list[tuple[str, str]]) -> None:
    letters = [letter(number, to, f"x{text}") for number, (to, text) in enumerate(texts)]
    data = file(*letters)
    assert kept(data or None) == [(one.peer_id, one.text) for one in letters]
    assert bool(data) == bool(letters)
    assert all(one.told and not one.ticket for one in LetterFile(data or None, ALICE, NOW).letters())


def test_each_key_has_a_part_of_its_own() -> None:
    data = file(letter(1, EVE), own=BOB, data=file(letter(0)))
    assert kept(data) == [(BOB, "text 0")]
    assert kept(data, BOB) == [(EVE, "text 1")]
    changed = LetterFile(data, BOB, NOW)
    changed.change(added=(), removed=[letter(1, EVE)])
    assert kept(changed.write()) == [(BOB, "text 0")]
    assert kept(changed.write(), BOB) == []


def test_a_file_with_nothing_in_it_is_no_file() -> None:
    changed = LetterFile(file(letter(0)), ALICE, NOW)
    changed.change(added=(), removed=[letter(0)])
    assert changed.write() == b""


def test_what_another_key_has_left_is_gone_after_a_day() -> None:
    data = file(letter(0), own=EVE)
    assert kept(file(letter(1), data=data, now=NOW + DAY - 1), EVE)
    assert not kept(file(letter(1), data=data, now=NOW + DAY), EVE)
    assert not LetterFile(data, ALICE, NOW + DAY - 1).is_stale
    assert LetterFile(data, ALICE, NOW + DAY).is_stale
    assert not LetterFile(data, EVE, NOW + DAY).is_stale


def test_an_entry_that_is_none_costs_no_other() -> None:
    good = {"to": BOB, "text": "good", "when": NOW}
    bad = [{**good, "to": "bob"}, {**good, "text": "\x1b[m"}, {**good, "when": -1}, {**good, "more": 1}, {}, 7, None]
    bad.append({**good, "text": "x" * (limits.MAX_TEXT_BYTES + 1)})
    data = json.dumps({"version": 1, "messages": {ALICE: [*bad, good]}}).encode()
    read = LetterFile(data, ALICE, NOW)
    assert ([one.text for one in read.letters()], read.left_out) == (["good"], len(bad))


def test_a_later_format_is_told_from_what_nobody_understands() -> None:
    with pytest.raises(LaterFormatError):
        LetterFile(b'{"version": 2, "letters": []}', ALICE, NOW)
    for broken in (b"", b"{}", b"[]", b"\xff", b'{"version": 1}', b'{"version": 1, "messages": []}', b"[" * 100_000):
        with pytest.raises(LettersError):
            LetterFile(broken, ALICE, NOW)


@given(st.binary() | st.text().map(str.encode) | st.just(file(letter(0))).map(lambda data: data[:-20]))
def test_whatever_a_file_holds_it_is_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(LettersError):
        LetterFile(data, ALICE, NOW)
