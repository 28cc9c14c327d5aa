"""Peers in other languages and ours find each other, each by its own means, and talk. On networks of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from interop import discovering
from tests.network.namespaces import missing as no_namespaces
from tests.sisters.sisters import KINDS, missing

if TYPE_CHECKING:
    from pathlib import Path

LOOKING: Final = tuple(kind for kind in KINDS if kind != "browser")
"""A page has no network of its own to look around on."""

LACKING: Final = {kind: reason for kind in LOOKING if (reason := missing(kind))}
DIALS: Final = {True: "we dial", False: "they dial"}

pytestmark = pytest.mark.skipif(bool(no_namespaces()), reason=no_namespaces())
each_kind = pytest.mark.parametrize("kind", [kind for kind in LOOKING if kind not in LACKING])
either_dials = pytest.mark.parametrize("we_dial", DIALS, ids=DIALS.get)


@each_kind
@either_dials
def test_by_mdns(kind: str, tmp_path: Path, *, we_dial: bool) -> None:
    assert discovering.mdns(KINDS[kind], tmp_path, we_dial=we_dial).addresses


@each_kind
@either_dials
def test_by_the_discovery_topic_and_they_go_on_without_the_one_who_passed_it_on(
    kind: str, tmp_path: Path, *, we_dial: bool
) -> None:
    assert discovering.topic(KINDS[kind], tmp_path, we_dial=we_dial).addresses


@each_kind
@either_dials
def test_by_kademlia(kind: str, tmp_path: Path, *, we_dial: bool) -> None:
    discovering.kademlia(KINDS[kind], tmp_path, we_dial=we_dial)


@each_kind
def test_two_of_ours_by_what_they_have_written_down(kind: str, tmp_path: Path) -> None:
    discovering.served(KINDS[kind], tmp_path)


def test_all_are_there() -> None:
    if LACKING:
        pytest.skip("; ".join(f"{kind}: {reason}" for kind, reason in LACKING.items()))
