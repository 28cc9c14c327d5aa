"""What a scene has shown, and what stands of it in a cell of the table."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

NOTHING: Final = "-"
"""Stands where there is nothing to count; the note says why."""

FAILED: Final = "FAILED"


@dataclass(frozen=True)
class Outcome:
    """What a scene has shown: a count or a figure, or a dash.

    Where two numbers stand side by side the first is what came from ours to theirs, the second what came to ours.
    """

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)
    """The numbers behind the text."""

    note: str = ""
    """The reason, of a dash or a shortfall."""

    met: bool = True
    """Whether it is all that was to be shown. A shortfall that is not met and has no reason of its own is a failure."""

    @property
    def failed(self) -> bool:
        """Whether this is a shortfall, or a dash, that nobody expected."""
        return not self.met or (self.text == NOTHING and not self.note)

    @property
    def cell(self) -> str:
        """Return what stands in the table, without the mark of its note."""
        return f"{FAILED}: {self.text}" if self.failed else self.text

    @property
    def reason(self) -> str:
        """Return what stands beneath the table."""
        return self.note or ("nobody expected this, and nothing says why" if self.failed else "")


def nothing(reason: str) -> Outcome:
    """Return a dash with its reason."""
    return Outcome(NOTHING, note=reason)


def counted(numbers: Sequence[int], of: int, **values: Any) -> Outcome:
    """Return how many of so many came, each way."""
    to_them, to_us = numbers
    found = {"to_them": to_them, "to_us": to_us, **values}
    text = f"{to_them} / {to_us}" + (f" of {of}" if {to_them, to_us} != {of} else "")
    return Outcome(text, found, met=to_them == to_us == of)


@dataclass(frozen=True)
class Oddity:
    """A shortfall that is known of peers in a language, and why it is there. It excuses only what it describes."""

    languages: tuple[str, ...]
    scene: str
    seen: Callable[[Mapping[str, Any]], object]
    """Whether the numbers of an outcome are this shortfall."""

    reason: str

    def explains(self, language: str, scene: str, outcome: Outcome) -> bool:
        """Whether this is why an outcome is as it is."""
        return language in self.languages and scene == self.scene and bool(self.seen(outcome.values))


def explained(language: str, scene: str, outcome: Outcome, oddities: Sequence[Oddity]) -> Outcome:
    """Return an outcome with its reason, if it is a shortfall for which there is one; one without numbers has none."""
    if outcome.values and not outcome.met:
        for oddity in oddities:
            if oddity.explains(language, scene, outcome):
                return replace(outcome, met=True, note="; ".join(filter(None, (oddity.reason, outcome.note))))
    return outcome
