"""A frozen class does what a dataclass of the standard library does that is frozen and has slots."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, fields, replace
from typing import TYPE_CHECKING

import pytest

from py_peer.core import commands, direct_events, events, file_events, requests
from py_peer.core.events import MessageSent, PeerJoined, PeerLeft
from py_peer.core.frozen import frozen

if TYPE_CHECKING:
    from types import ModuleType


@frozen
class Ours:
    """One of ours."""

    name: str
    count: int = 0
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Theirs:
    """The same from the standard library."""

    name: str
    count: int = 0
    more: tuple[str, ...] = ()


def test_it_is_made_compared_hashed_replaced_and_shown_as_the_standard_librarys() -> None:
    one, same, other = Ours("a", 1), Ours("a", count=1), Ours("a", 2)
    assert one == same
    assert one != other
    assert len({one, same, other}) == 2
    assert replace(one, count=2) == other
    assert repr(one) == repr(Theirs("a", 1)).replace("Theirs", "Ours")
    assert [field.name for field in fields(one)] == [field.name for field in fields(Theirs("a"))]
    assert not hasattr(one, "__dict__")
    match one:
        case Ours(name, count):
            assert (name, count) == ("a", 1)


def test_two_types_are_never_equal() -> None:
    others: tuple[object, ...] = (PeerLeft("a", 1), "a")
    assert PeerJoined("a", 1) not in others


@pytest.mark.parametrize("module", [commands, direct_events, events, file_events, requests])
def test_every_class_of_the_modules_that_have_dozens_is_made_so(module: ModuleType) -> None:
    made = [cls for cls in vars(module).values() if isinstance(cls, type) and hasattr(cls, "__dataclass_fields__")]
    assert made
    assert {vars(cls)["__repr__"] for cls in made} == {vars(Ours)["__repr__"]}


def test_what_the_type_checker_alone_sees_to() -> None:
    with pytest.raises(FrozenInstanceError):
        Theirs("a").count = 1  # type: ignore[misc]
    ours = Ours("a")
    ours.count = 1  # type: ignore[misc] # mypy fails here if that is none any more
    assert ours.count == 1


def test_all_fields_count() -> None:
    assert MessageSent(1, "a", 1, 0.0) != MessageSent(1, "a", 1, 1.0)
