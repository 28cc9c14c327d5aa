"""All columns at once: a few at work, and beside them all of those that only wait."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from interop.columns import Column
from interop.oddities import ODDITIES
from interop.outcomes import Outcome, explained, nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interop.columns import Pair
    from interop.finding import Ground
    from interop.progress import Progress
    from interop.scenes import Scene

Cells = dict[Column, dict[str, Outcome]]
"""What each scene has shown, by its name."""

NO_END: Final = "no end"
"""What a scene has shown that broke off."""

NOT_PLAYED: Final = Outcome("not played", met=False)
"""What stands for a scene to which its column has not come."""

AT_WORK: Final = 1 + (os.cpu_count() or 1)
"""Columns that do something else than waiting; one more than processors, as the two wait for each other, too."""

LOOKED_FOR: Final = ("PY_PEER_MDNS", "PY_PEER_DISCOVERY", "PY_PEER_REMEMBER", "PY_PEER_UPNP")
"""How ours find others, which is off in a column: each has one other to find."""


@dataclass(frozen=True)
class Part:
    """Columns, and what is played in each."""

    columns: Sequence[Column]
    scenes: Sequence[Scene]
    stage: Callable[[Column, Path], Pair | Ground]
    """Makes what the scenes take, from a column and a folder that is its own."""

    @property
    def size(self) -> int:
        """Return how many cells are to be played."""
        return sum(not (column.impossible or column.missing) for column in self.columns) * len(self.scenes)


def run(parts: Sequence[Part], progress: Progress) -> Cells:
    """Play the scenes in each column. Ctrl-C ends all peers, and is raised."""
    os.environ |= dict.fromkeys(LOOKED_FOR, "0")
    slots = threading.Semaphore(AT_WORK)
    cells: Cells = {}
    with tempfile.TemporaryDirectory(prefix="py-peer-interop-", ignore_cleanup_errors=True) as folder:
        stages: list[Pair | Ground] = []
        threads: list[threading.Thread] = []
        for part in parts:
            for column in part.columns:
                if reason := column.impossible or column.missing:
                    cells[column] = {scene.name: nothing(reason) for scene in part.scenes}
                    continue
                place = Path(folder) / str(len(stages))
                place.mkdir()
                stages.append(part.stage(column, place))
                cells[column] = dict.fromkeys((scene.name for scene in part.scenes), NOT_PLAYED)
                work = (stages[-1], part.scenes, cells[column], slots, progress)
                threads.append(threading.Thread(target=_play, args=work, daemon=True))
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            progress.hush()
            for stage in stages:
                stage.close()
    return cells


def _play(
    stage: Pair | Ground,
    scenes: Sequence[Scene],
    cells: dict[str, Outcome],
    slots: threading.Semaphore,
    progress: Progress,
) -> None:
    """Play the scenes of one column, in their order."""
    name = str(stage.column)
    possible = True
    for scene in scenes:
        with contextlib.nullcontext() if scene.idle or not possible else slots:
            progress.begins(name, scene.title)
            if possible:
                language = stage.column.language.name
                outcome = attempt(lambda: explained(language, scene.name, scene.play(stage), ODDITIES))  # noqa: B023 - it is called at once
            else:
                outcome = Outcome("not tried", note="the two have not met", met=False)
            possible = possible and not (scene.needed and outcome.text == NO_END)
            cells[scene.name] = outcome
            progress.ends(name, " ".join(filter(None, (outcome.cell, outcome.note and f"({outcome.note})"))))
    stage.close()


def attempt(play: Callable[[], Outcome]) -> Outcome:
    """Return what a scene shows; one that ends with an error has failed, and the note says what was seen."""
    try:
        return play()
    except Exception as error:  # noqa: BLE001 - one column must not end the others, whatever it was
        seen = str(error).partition("\n")[0] or type(error).__name__
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        return Outcome(NO_END, note=kind + seen, met=False)
