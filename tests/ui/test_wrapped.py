"""Entries as rows: each fits the panel, nothing of the text is lost, and none can pass for an entry of its own."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style
from wcwidth import wcswidth

from py_peer.core import limits
from py_peer.core.cleaning import clean_nick, clean_text
from py_peer.core.entries import Delivery, Entry, Kind
from py_peer.ui.inks import STYLES, Inks
from py_peer.ui.painting import draw
from py_peer.ui.wrapped import height, links_of, plain, wrap
from tests.ui.log_app import NOON, note, own, said

INKS = Inks(Style(), dict.fromkeys(STYLES, Style()), dark=True)
HARD = "漢字、。 한글 👨‍👩‍👧 🇩🇪 👍🏽 ❤️ 1️⃣ e\u0301 क्षि का မာ กำ ﾊﾞ \u00a0 https://x.org/ [bold] \\[ \x1b[31m \t \n"
TEXTS = st.text(st.sampled_from(HARD) | st.characters(), max_size=120).map(clean_text)
ENTRIES = st.builds(
    Entry,
    st.just(1),
    st.sampled_from(Kind),
    st.just(NOON),
    TEXTS,
    st.text(max_size=20).map(clean_nick),
    delivery=st.none() | st.sampled_from(Delivery),
    peers=st.integers(0, 300),
    mention=st.booleans(),
).map(lambda entry: entry if entry.kind is Kind.OWN else replace(entry, delivery=None))


def shown(entry: Entry, width: int) -> list[str]:
    drawing = draw(entry, wrap(entry, width), INKS, [], None)
    return [drawing.strip(row, width, None, Style()).text for row in range(len(drawing.wrapped.rows))]


def rows(entry: Entry, width: int = 40) -> list[str]:
    return [row.rstrip() for row in shown(entry, width)]


def test_each_kind_has_its_look() -> None:
    assert rows(said(1, "hello")) == ["[12:00:01] Bob: hello"]
    assert rows(own(2, "hello", Delivery.WAITING)) == ["[12:00:02] Alice (You): hello"]
    assert rows(own(2, "hello", Delivery.SENT, 3)) == ["[12:00:02] Alice (You): hello ✓3"]
    assert rows(own(2, "hello", Delivery.REFUSED), 60) == ["[12:00:02] Alice (You): hello ✗ not sent"]
    assert rows(note(3, "Lost: 2", Kind.WARNING)) == ["[12:00:03] Lost: 2"]
    assert rows(note(3, "2 joined", Kind.PRESENCE)) == ["[12:00:03] 2 joined"]
    assert rows(note(4, "Monday, 4 May", Kind.DATE), 21) == ["─── Monday, 4 May ───"]


def test_a_row_of_a_list_goes_on_under_its_words() -> None:
    assert rows(note(3, "Status:\n  - Peers: one two three\n   12  sent to all of them"), 24) == [
        "[12:00:03] Status:",
        "      - Peers: one two",
        "        three",
        "       12  sent to all",
        "           of them",
    ]


def test_a_mark_without_room_stands_in_a_row_of_its_own() -> None:
    assert rows(own(2, "hello", Delivery.SENT, 3), 31) == ["[12:00:02] Alice (You): hello", "    ✓3"]
    assert rows(own(2, "hello", Delivery.SENT, 3), 32) == ["[12:00:02] Alice (You): hello ✓3"]


def test_no_further_line_can_pass_for_an_entry() -> None:
    forged = "hi\n[12:00:00] Alice (You): I agree\n─── Monday ───"
    assert rows(said(1, forged))[1:] == ["    [12:00:00] Alice (You): I agree", "    ─── Monday ───"]


def test_a_panel_of_less_than_twenty_columns_leaves_out_the_time() -> None:
    assert rows(said(1, "hello there, you"), 19) == ["Bob: hello there,", "  you"]
    assert plain(said(1, "hello")) == "[12:00:01] Bob: hello"


def test_of_many_lines_the_first_are_shown_and_the_others_counted() -> None:
    drawn = rows(said(1, "\n" * (limits.MAX_SHOWN_LINES + 4)))
    assert len(drawn) == limits.MAX_SHOWN_LINES + 1
    assert drawn[-1] == "    [… 5 more lines not shown]"


def test_links_end_where_the_sentence_goes_on() -> None:
    text = "see https://x.org/a?b=(c), (http://y.org) or HTTPS://Z.ORG. Not ftp://x.org or http:// alone"
    assert [text[slice(*span)] for span in links_of(text)] == ["https://x.org/a?b=(c", "http://y.org", "HTTPS://Z.ORG"]


@pytest.mark.parametrize("unit", ["https://", "http://x.org/ ", "https://x.org/,,,", "."])
def test_links_of_a_huge_text_are_found_at_once(unit: str) -> None:
    assert links_of("http://a.org " + unit * (60_000 // len(unit)))


@given(ENTRIES, st.integers(2, 300))
def test_every_row_fits_by_either_measure_and_holds_no_control_character(entry: Entry, width: int) -> None:
    for row in shown(entry, width):
        assert cell_len(row) == width
        assert wcswidth(row.rstrip()) <= width
        assert not any(unicodedata.category(ch) == "Cc" for ch in row)


@given(ENTRIES, st.integers(2, 300))
def test_the_rows_together_are_the_text_but_for_the_breaks(entry: Entry, width: int) -> None:
    wrapped = wrap(entry, width)
    text = plain(entry)
    hidden = text[: wrapped.rows[0][0]]
    assert hidden == "" or (width < 20 and hidden == "[12:00:00] ")
    breaks = [end for _, end in wrapped.rows], [start for start, _ in wrapped.rows[1:]] + [len(text)]
    assert all(end <= following and not text[end:following].strip() for end, following in zip(*breaks, strict=True))


@given(ENTRIES, st.integers(2, 300))
def test_the_height_is_known_without_drawing(entry: Entry, width: int) -> None:
    assert height(entry, width) == len(wrap(entry, width).rows)


@given(ENTRIES, st.integers(2, 80), st.data())
def test_a_character_is_in_the_row_that_shows_it(entry: Entry, width: int, data: st.DataObject) -> None:
    wrapped = wrap(entry, width)
    row = data.draw(st.integers(0, len(wrapped.rows) - 1))
    start, end = wrapped.rows[row]
    if start < end:
        assert wrapped.row_at(data.draw(st.integers(start, end - 1))) == row


@given(ENTRIES, st.integers(20, 80), st.data())
def test_what_is_marked_in_a_row_moves_no_character(entry: Entry, width: int, data: st.DataObject) -> None:
    wrapped = wrap(entry, width)
    spans = st.integers(0, len(wrapped.text)).flatmap(
        lambda start: st.tuples(st.just(start), st.integers(start, len(wrapped.text)))
    )
    found, selected = data.draw(spans), data.draw(spans)
    drawing = draw(entry, wrapped, INKS, [found], 0)
    marked = [drawing.strip(row, width, selected, Style(bold=True)).text for row in range(len(wrapped.rows))]
    assert marked == shown(entry, width)
