"""What was sent comes back in its order, the draft after it, within bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from py_peer.ui.history import History

MUCH = 1_000_000


def make(*texts: str) -> History:
    history = History(100, MUCH)
    for text in texts:
        history.add(text)
    return history


def test_the_walk_goes_to_the_oldest_and_back_to_the_draft() -> None:
    history = make("one", "two")
    assert [history.older("draft"), history.older("two"), history.older("one")] == ["two", "one", None]
    assert [history.newer("one"), history.newer("two"), history.newer("draft")] == ["two", "draft", None]


def test_what_is_changed_on_the_way_stays_changed_until_the_walk_is_over() -> None:
    history = make("one", "two")
    history.older("draft")
    assert history.older("two, changed") == "one"
    assert history.newer("one") == "two, changed"
    history.end_walk()
    assert history.older("") == "two"


def test_no_text_stands_beside_itself_and_no_blank_one_is_kept() -> None:
    assert list(make("one", "one", " \n", "two", "one")) == ["one", "two", "one"]


def test_a_text_added_during_a_walk_leaves_the_draft_alone() -> None:
    history = make("one")
    history.older("draft")
    history.newer("one")
    history.add("refused")
    assert history.older("draft") == "refused"
    assert history.newer("refused") == "draft"


def test_bytes_are_bounded_and_the_newest_always_stays() -> None:
    history = History(100, 10)
    for text in ("aaaa", "bbbb", "ü" * 3, "x" * 50):
        history.add(text)
    assert list(history) == ["x" * 50]
    history.add("y")
    assert list(history) == ["y"]


TEXTS = st.lists(st.text("ab ", max_size=3))


@given(TEXTS, st.integers(1, 4))
def test_it_holds_what_a_plain_list_would(texts: list[str], bound: int) -> None:
    history = History(bound, MUCH)
    plain: list[str] = []
    for text in texts:
        history.add(text)
        if text.strip() and plain[-1:] != [text]:
            plain = [*plain, text][-bound:]
    assert list(history) == plain[::-1]
    walked, shown = [], "draft"
    while (older := history.older(shown)) is not None:
        walked.append(shown := older)
    assert walked == plain[::-1]


@given(TEXTS, st.lists(st.sampled_from(["older", "newer", "a", "b"])))
def test_the_draft_is_never_lost_on_a_walk(texts: list[str], steps: list[str]) -> None:
    history = make(*texts)
    shown = "draft"
    for step in steps:
        if step == "older":
            shown = history.older(shown) or shown
        elif step == "newer":
            shown = history.newer(shown) or shown
        else:
            history.add(step)
    while (newer := history.newer(shown)) is not None:
        shown = newer
    assert shown == "draft"
