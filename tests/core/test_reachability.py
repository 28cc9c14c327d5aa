"""What others say of us is believed when enough of them agree, wherever each of them sits, and not for ever."""

from __future__ import annotations

import math
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits
from py_peer.core.reachability import SOMEWHERE, Status, Verdict, Votes, is_behind_a_router
from tests.interfaces import interface

HERE: Final = "/ip4/11.0.0.1/tcp/4001"
THERE: Final = "/ip4/11.0.0.1/tcp/4002"
FOUR: Final = [f"11.{number}.0.0/24" for number in range(9)]
SIX: Final = [f"2a00:{number}::/48" for number in range(9)]

said = st.tuples(st.sampled_from(FOUR + SIX), st.sampled_from([HERE, THERE, SOMEWHERE, None]), st.floats(0, 9_000))


def votes(*told: str | None, voices: list[str] = FOUR, into: Votes | None = None) -> Votes:
    made = into or Votes()
    for voice, address in zip(voices, told, strict=False):
        made.take(voice, address, 0.0)
    return made


@pytest.mark.parametrize(
    ("told", "at_once", "in_time"),
    [
        ((), Verdict(Status.UNKNOWN), Verdict(Status.UNKNOWN)),
        ((HERE, HERE), Verdict(Status.UNKNOWN), Verdict(Status.UNKNOWN)),
        ((HERE, HERE, HERE), Verdict(Status.PUBLIC, (HERE,)), Verdict(Status.PUBLIC, (HERE,))),
        ((HERE, HERE, HERE, None, None), Verdict(Status.PUBLIC, (HERE,)), Verdict(Status.PUBLIC, (HERE,))),
        ((HERE, HERE, THERE), Verdict(Status.PUBLIC), Verdict(Status.PUBLIC)),
        ((SOMEWHERE, SOMEWHERE, SOMEWHERE), Verdict(Status.PUBLIC), Verdict(Status.PUBLIC)),
        ((None,), Verdict(Status.UNKNOWN), Verdict(Status.PRIVATE)),
        ((None, None, None), Verdict(Status.PRIVATE), Verdict(Status.PRIVATE)),
        ((None, None, None, HERE, HERE), Verdict(Status.PRIVATE), Verdict(Status.PRIVATE)),
        ((None, None, None, HERE, HERE, HERE), Verdict(Status.UNKNOWN), Verdict(Status.UNKNOWN)),
        ((None, HERE), Verdict(Status.UNKNOWN), Verdict(Status.UNKNOWN)),
    ],
)
def test_a_majority_is_believed_and_few_only_that_nobody_reaches_us(
    told: tuple[str | None, ...], at_once: Verdict, in_time: Verdict
) -> None:
    assert votes(*told).verdict(1.0, patient=False) == at_once
    assert votes(*told).verdict(1.0, patient=True) == in_time


def test_one_range_has_one_voice_and_its_last_word_holds() -> None:
    one = Votes()
    for _ in range(9):
        one.take(FOUR[0], HERE, 0.0)
    assert one.verdict(1.0, patient=True).status is Status.UNKNOWN
    one.take(FOUR[0], None, 1.0)
    assert one.verdict(1.0, patient=True).status is Status.PRIVATE
    assert len(one) == 1


def test_that_somebody_came_says_that_we_are_reached_and_not_where() -> None:
    one = votes(SOMEWHERE)
    assert one.is_reached(1.0)
    assert one.age(FOUR[0], 1.0) == math.inf
    assert not votes(None).is_reached(1.0)
    known = votes(HERE, HERE, HERE)
    known.take(FOUR[0], SOMEWHERE, 1.0)
    assert known.verdict(2.0, patient=False) == Verdict(Status.PUBLIC, (HERE,))


def test_who_is_reached_over_one_version_of_ip_is_reached() -> None:
    both = votes(HERE, HERE, HERE, into=votes(None, None, None, None, voices=SIX))
    assert both.verdict(1.0, patient=True) == Verdict(Status.PUBLIC, (HERE,))


def test_what_was_said_long_ago_or_elsewhere_does_not_hold() -> None:
    old = votes(HERE, HERE, HERE)
    assert old.age(FOUR[0], 5.0) == 5
    assert old.age(SIX[0], 5.0) > limits.NAT_VOTE_SECONDS
    assert old.verdict(limits.NAT_VOTE_SECONDS, patient=True).status is Status.UNKNOWN
    moved = votes(HERE, HERE, HERE)
    moved.clear()
    assert moved.verdict(1.0, patient=True).status is Status.UNKNOWN


@given(st.lists(said, max_size=60))
def test_fewer_than_three_ranges_never_make_us_public_whatever_they_say(
    told: list[tuple[str, str | None, float]],
) -> None:
    heard = Votes()
    for voice, address, when in sorted(told, key=lambda one: one[2]):
        heard.take(voice, address, when)
    last = {voice: address for voice, address, _ in sorted(told, key=lambda one: one[2])}
    verdict = heard.verdict(9_000.0, patient=True)
    if verdict.status is Status.PUBLIC:
        assert max(sum(a is not None and (":" in v) is six for v, a in last.items()) for six in (False, True)) >= 3
    for address in verdict.addresses:
        assert sum(other == address for other in last.values()) >= limits.NAT_CONFIDENCE
    if verdict.status is Status.PRIVATE:
        assert None in last.values()


@given(st.lists(st.text(max_size=3), max_size=200))
def test_the_table_is_bounded(voices: list[str]) -> None:
    heard = Votes()
    for number, voice in enumerate(voices):
        heard.take(voice, None, float(number))
        assert len(heard) <= limits.NAT_VOTES
        assert heard.age(voice, float(number)) == 0
        assert not heard.is_reached(float(number))


def test_a_router_can_only_be_in_front_of_private_addresses() -> None:
    home = interface("eth0", "192.168.0.7/24", "2a00::7/64")
    assert is_behind_a_router([home])
    assert not is_behind_a_router([home, interface("eth1", "11.0.0.1/8")])
    assert not is_behind_a_router([interface("lo", "127.0.0.1/8", loopback=True), interface("eth0", "fd00::7/64")])
    assert not is_behind_a_router([interface("tun0", "10.8.0.2/24", tunnel=True)])
