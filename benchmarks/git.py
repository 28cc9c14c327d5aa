"""Commits published in a network of our nodes, and read by others: how long it takes.

How to read it: the networks are those of the keys (`benchmarks.keys`), on this machine. One node publishes a history
of commits, each with four values: object, JSON, message and patch. Everybody knows everybody, so that each of up to
twenty nodes is asked twice for every value; after a hundred requests it holds the asker back to ten a second, which is
most of the time. Then another node looks for each commit by its ID, one after the other, with its patch, and verifies
it; what is timed is the whole of it. "without the pace" is the smallest network where nobody is held back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks.kad_peer import HELD
from benchmarks.keys import TO_THE_NEXT, network
from benchmarks.messages import both
from benchmarks.processes import BenchError
from benchmarks.table import FAILED, Row, percentile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.keys import Network
    from benchmarks.processes import Workshop

TABLE: Final = "Commits"
PERSON: Final = b"Ada Lovelace <ada@example.org>"
WHEN: Final = 1_700_000_000
VALUES: Final = 4
"""Of each commit."""

LINES: Final = 40
"""In a file, every one of which a commit changes: patches of some 3,000 bytes."""

PUBLISHER: Final = 1


def sizes(shop: Workshop, sizes: tuple[int, ...], count: int) -> Iterator[Row]:
    """Measure `count` commits in networks of these sizes."""
    folder = shop.new_folder()
    ids = history(folder, count + 1)
    for size, paced in [*((size, True) for size in sizes), (sizes[0], False)]:
        figure = f"network of {size}" if paced else f"network of {size}, without the pace"
        try:
            with network(shop, size, *([HELD] if paced else [])) as one:
                yield from _rows(one, figure, folder, ids)
        except BenchError as error:
            yield Row(figure, FAILED, kind="publish", table=TABLE, note=f"not measured: {error}")


def _rows(one: Network, figure: str, folder: Path, ids: list[str]) -> Iterator[Row]:
    before = one.cpu()
    published = one.do(PUBLISHER, "publish", path=str(folder), revs=f"{ids[0]}..HEAD")
    cpu = one.cpu() - before
    values = VALUES * (len(ids) - 1)
    seconds = published["seconds"]
    yield Row(figure, f"{seconds:.1f} s", kind="publish", table=TABLE, values={"seconds": seconds, "cpu": cpu})
    yield Row(figure, f"{values / seconds:.1f}/s", kind="values", table=TABLE)
    stored = published["stored"]
    yield Row(figure, f"{stored} of {values}", "all", stored == values, kind="stored", table=TABLE)
    shown = [one.do((PUBLISHER + TO_THE_NEXT) % one.size, "show", commit_id=commit_id) for commit_id in ids[1:]]
    times = [told["seconds"] for told in shown]
    typical = both(percentile(times, 0.5), percentile(times, 0.99))
    yield Row(figure, typical, kind="show", table=TABLE, values={"seconds": times})
    verified = sum(told["verified"] for told in shown)
    yield Row(figure, f"{verified} of {len(shown)}", "all", verified == len(shown), kind="verified", table=TABLE)


def history(folder: Path, count: int) -> list[str]:
    """Make a repository with so many commits; return their IDs, the oldest first."""
    from dulwich.objects import Blob, Commit, Tree  # noqa: PLC0415 - not for who measures something else
    from dulwich.refs import HEADREF  # noqa: PLC0415
    from dulwich.repo import Repo  # noqa: PLC0415

    ids: list[Any] = []
    with Repo.init(str(folder)) as repo:
        for number in range(count):
            blob = Blob.from_string(b"".join(b"line %d of change %d\n" % (line, number) for line in range(LINES)))
            tree = Tree()
            tree.add(b"file", 0o100644, blob.id)
            commit = Commit()
            commit.tree, commit.parents = tree.id, ids[-1:]
            commit.author = commit.committer = PERSON
            commit.author_time = commit.commit_time = WHEN + number
            commit.author_timezone = commit.commit_timezone = 0
            commit.message = b"Change %d\n\nSo that there is something to be published, and to be shown.\n" % number
            for made in (blob, tree, commit):
                repo.object_store.add_object(made)
            ids.append(commit.id)
        repo.refs[HEADREF] = ids[-1]
    return [one.decode() for one in ids]
