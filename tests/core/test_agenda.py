"""The agenda: the earliest first, each thing once, and only when it is due."""

from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.agenda import Agenda


def test_what_is_due_comes_out_in_its_order_and_once() -> None:
    agenda = Agenda[str]()
    for thing, when in (("b", 2.0), ("a", 1.0), ("c", 3.0)):
        agenda.put(thing, when)
    assert [agenda.take(2.5) for _ in range(3)] == ["a", "b", None]
    assert "c" in agenda
    agenda.put("c", 9.0)
    assert agenda.take(3.0) is None
    agenda.drop("c")
    assert agenda.take(9.0) is None


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 9), st.booleans()), max_size=400))
def test_it_agrees_with_a_simple_list_and_does_not_grow(changes: list[tuple[int, float, bool]]) -> None:
    agenda, simple = Agenda[int](), dict[int, float]()
    for thing, when, is_put in changes:
        if is_put:
            agenda.put(thing, when)
            simple[thing] = when
        else:
            agenda.drop(thing)
            simple.pop(thing, None)
        assert len(agenda) == len(simple)
        assert len(agenda._heap) <= 2 * 6 + 65
    taken = []
    while (one := agenda.take(9.0)) is not None:
        taken.append(one)
    assert [simple[one] for one in taken] == sorted(simple.values())
