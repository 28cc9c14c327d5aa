"""Frozen dataclasses that are made quickly, for the modules that have dozens of them: events, requests, commands.

Every front-end makes eighty of them before it can show a thing. `dataclass(frozen=True, slots=True)` compiles six
functions for each (CPython 3.12), which was 60 of the 450 ms up to the first frame of the full screen. Here only
`__init__` is compiled; what else such a class has is written once, below. That nobody assigns to a field is seen to by
mypy alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def frozen(cls: type[T]) -> type[T]:
    """Make a dataclass of `cls`, with slots, that is compared, hashed and shown by its fields."""
    for method in (__eq__, __hash__, __repr__):
        setattr(cls, method.__name__, method)
    return dataclass(slots=True, eq=False, repr=False)(cls)


def _fields(self: Any) -> Iterator[tuple[str, Any]]:
    return ((name, getattr(self, name)) for name in self.__dataclass_fields__)


def __eq__(self: object, other: object) -> bool:  # noqa: N807 - a method of the classes
    if self.__class__ is not other.__class__:
        return NotImplemented
    return all(getattr(self, name) == value for name, value in _fields(other))


def __hash__(self: object) -> int:  # noqa: N807
    return hash(tuple(_fields(self)))


def __repr__(self: object) -> str:  # noqa: N807
    fields = ", ".join(f"{name}={value!r}" for name, value in _fields(self))
    return f"{self.__class__.__qualname__}({fields})"
