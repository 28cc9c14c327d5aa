"""Who has posted which commit is remembered, and who posts very much pushes out nobody else's."""

from __future__ import annotations

from py_peer.core.posters import Posters


def line(short_id: str) -> str:
    return f"commit {short_id}: A subject — Ada, 1 file, +1 -0"


def test_who_has_posted_a_commit_is_found_by_its_id_or_the_beginning_of_it() -> None:
    posters = Posters(10)
    for peer_id in ("ann", "bob", "ann"):
        posters.hear(peer_id, line("3f2a9c1be03f"))
    posters.hear("carl", "patch 3f2a9c1be03f: A subject — 3f2a9c1be03f.patch, 1 file, +1 -0")
    posters.hear("dora", "I like commit 3f2a9c1be03f: it is short")
    posters.hear("ann", line("0000000be03f"))
    expected = {"3f2a9c1be03f": ["carl", "ann", "bob"]}  # the latest first
    for asked in ("3f2a9c1", "3f2a9c1be03f", "3f2a9c1be03f" + "0" * 28):
        assert posters.find(asked) == expected
    for asked in ("3f2a9c2", "3f2a9c1be03e" + "0" * 28, "f2a9c1b"):
        assert posters.find(asked) == {}
    assert len(posters) == 4


def test_several_that_begin_so_are_told_apart() -> None:
    posters = Posters(10)
    posters.hear("ann", line("3f2a9c1be03f"))
    posters.hear("bob", line("3f2a9c1fffff"))
    assert posters.find("3f2a9c1") == {"3f2a9c1be03f": ["ann"], "3f2a9c1fffff": ["bob"]}
    assert posters.find("3f2a9c1b") == {"3f2a9c1be03f": ["ann"]}


def test_a_flood_pushes_out_its_own_oldest_and_nobody_elses() -> None:
    posters = Posters(10)
    posters.hear("ann", line("aaaaaaaaaaaa"))
    for number in range(1_000):
        posters.hear("flood", line(f"{number:012x}"))
    assert len(posters) == 10
    assert posters.find("aaaaaaa") == {"aaaaaaaaaaaa": ["ann"]}
    assert posters.find(f"{999:012x}") == {f"{999:012x}": ["flood"]}
    assert posters.find(f"{0:012x}") == {}
