"""Entries of some rows each, one below the other: the same as a list of all rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from py_peer.ui.stack import Stack

STEPS = st.lists(
    st.tuples(st.sampled_from(["append", "resize", "drop"]), st.integers(0, 30), st.integers(1, 5)), max_size=40
)


@given(STEPS)
def test_each_row_leads_to_its_entry_and_each_entry_to_its_rows(steps: list[tuple[str, int, int]]) -> None:
    stack, heights, newest = Stack(), dict[int, int](), -1
    for what, choice, height in steps:
        if what == "append":
            newest += 1 + choice % 3
            heights[newest] = height
            stack.append(newest, height)
        elif heights and what == "resize":
            number = sorted(heights)[choice % len(heights)]
            heights[number] = height
            stack.resize(number, height)
        elif heights:
            number = min(heights) + choice // 8
            heights = {other: rows for other, rows in heights.items() if other > number}
            stack.drop(number)
        expected = [(number, row) for number, rows in heights.items() for row in range(rows)]
        assert [stack.at(row) for row in range(stack.rows)] == expected
        assert (stack.at(-1), stack.at(stack.rows)) == (None, None)
        assert [stack.top(number) for number in heights] == [expected.index((number, 0)) for number in heights]
        assert stack.numbers(0, newest) == list(heights)
        assert (len(stack), stack.newest, stack.oldest) == (len(heights), newest, min(heights, default=-1))
        assert [number for number in range(newest + 2) if number in stack] == list(heights)


def test_what_is_dropped_takes_no_memory() -> None:
    stack = Stack()
    for number in range(100_000):
        stack.append(number, 2)
        stack.drop(number - 10)
    assert (len(stack), stack.rows, stack.at(0)) == (10, 20, (99_990, 0))
    assert len(stack._numbers) < 3_000


def test_neighbours_end_at_the_ends() -> None:
    stack = Stack()
    stack.fill([(3, 1), (5, 2), (9, 1)])
    assert (stack.beside(5, -1), stack.beside(5, 1), stack.beside(3, -1), stack.beside(9, 1)) == (3, 9, None, None)
