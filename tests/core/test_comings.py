"""Who is told to have come and gone, however fast he does it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.comings import Comings

ANN, BOB = "ann", "bob"
BOTH = frozenset({ANN, BOB})
NOBODY: frozenset[str] = frozenset()


def comings() -> Comings[str]:
    return Comings(rate=0.5, burst=2, most=10)


def test_each_peer_is_told_at_its_own_pace_and_ends_where_it_is() -> None:
    told = comings()
    assert told.news("news", frozenset({ANN}), BOTH, 0.0) == ([ANN], [])
    assert told.news("news", NOBODY, BOTH, 0.0) == ([], [ANN])
    assert told.news("news", frozenset({ANN}), BOTH, 0.0) == ([], [])
    assert told.news("news", NOBODY, BOTH, 0.0) == ([], [])
    assert told.news("sport", BOTH, BOTH, 0.0) == ([BOB], [])
    assert told.news("sport", BOTH, BOTH, 1.9) == ([], [])
    assert told.news("sport", BOTH, BOTH, 2.0) == ([ANN], [])


def test_that_somebody_has_left_who_has_gone_is_told_at_once() -> None:
    told = comings()
    for there in (frozenset({ANN}), NOBODY, frozenset({ANN})):
        told.news("news", there, BOTH, 0.0)
    told.begin("news", frozenset({ANN}))
    assert told.news("news", NOBODY, {BOB}, 0.0) == ([], [ANN])
    assert told.news("news", frozenset({ANN}), BOTH, 0.0) == ([], [])


def test_what_is_told_otherwise_is_not_told_again_and_a_topic_begins_anew() -> None:
    told = comings()
    told.begin("news", frozenset({ANN}))
    told.begin("news", frozenset({BOB}))
    assert told.news("news", BOTH, BOTH, 0.0) == ([], [])
    told.end("news")
    assert sorted(told.news("news", BOTH, BOTH, 0.0)[0]) == [ANN, BOB]


@given(
    st.lists(st.tuples(st.sampled_from(["news", "sport"]), st.frozensets(st.sampled_from(sorted(BOTH)))), max_size=60)
)
def test_in_the_end_what_was_told_is_true(moves: list[tuple[str, frozenset[str]]]) -> None:
    told = comings()
    shown: dict[str, set[str]] = {"news": set(), "sport": set()}
    true: dict[str, frozenset[str]] = {"news": NOBODY, "sport": NOBODY}

    def tell(topic: str, now: float) -> int:
        joined, left = told.news(topic, true[topic], BOTH, now)
        assert not shown[topic] & set(joined)
        assert shown[topic] >= set(left)
        shown[topic] = shown[topic].union(joined).difference(left)
        return len(joined) + len(left)

    lines = 0
    for topic, there in moves:
        true[topic] = there
        lines += tell(topic, 0.0)
    assert lines <= 4
    for now in range(2, 10, 2):
        for topic in true:
            tell(topic, float(now))
    assert shown == true
