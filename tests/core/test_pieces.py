"""Each missing piece is asked of one source, and of a second one when a slow source holds up the end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.pieces import Pieces


def test_each_source_is_asked_for_other_pieces() -> None:
    pieces: Pieces[str] = Pieces([0, 1, 2, 5, 6, 7, 8])
    assert [pieces.take("a", 2), pieces.take("b", 2), pieces.take("a", 9)] == [range(2), range(2, 3), range(5, 9)]
    assert pieces.missing == 7


def test_what_a_source_did_not_bring_is_asked_of_another_one_first() -> None:
    pieces: Pieces[str] = Pieces(range(10))
    pieces.take("a", 4)
    assert pieces.came(0)
    pieces.give_back("a")
    assert pieces.take("b", 4) == range(1, 4)
    assert pieces.take("b", 9) == range(4, 10)


def test_the_last_pieces_of_a_slow_source_are_asked_of_a_second_one_and_not_of_a_third() -> None:
    pieces: Pieces[str] = Pieces(range(4))
    pieces.take("slow", 4)
    assert pieces.take("quick", 2) == range(2, 4)
    assert pieces.take("third", 4) == range(2)
    assert pieces.take("fourth", 4) == range(0)


def test_a_piece_that_comes_twice_counts_once() -> None:
    pieces: Pieces[str] = Pieces(range(1))
    pieces.take("slow", 1)
    pieces.take("quick", 1)
    assert [pieces.came(0), pieces.came(0)] == [True, False]
    assert pieces.missing == 0
    pieces.give_back("slow")
    assert pieces.take("slow", 1) == range(0)


@given(
    st.sets(st.integers(0, 40)),
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["take", "come", "go"]), st.integers(1, 5)), max_size=60
    ),
)
def test_whoever_comes_and_goes_every_piece_is_asked_for_until_it_is_there(
    missing: set[int], moves: list[tuple[str, str, int]]
) -> None:
    pieces: Pieces[str] = Pieces(sorted(missing))
    asked: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    there: set[int] = set()

    def come(source: str, most: int) -> None:
        for piece in asked[source][:most]:
            assert pieces.came(piece) is (piece not in there)
            there.add(piece)
        del asked[source][:most]

    for source, move, most in [*moves, *[(source, "go", 0) for source in "ab"]]:
        if move == "take":
            asked[source].extend(pieces.take(source, most))
        elif move == "come":
            come(source, most)
        else:
            pieces.give_back(source)
            asked[source].clear()
        assert there | {piece for one in asked.values() for piece in one} <= missing
    for _ in range(len(missing) + 1):
        asked["c"].extend(pieces.take("c", 3))
        come("c", 9)
    come("c", 100)
    assert there == missing
    assert pieces.missing == 0
