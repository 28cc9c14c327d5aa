"""Nobody speaks faster than the room can bear, and nobody pays for another's flood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.rates import Buckets, FloodGuard, TokenBucket, Verdict

# Steps in quarters of a second, now and then backwards, as a clock must not go and once will.
steps = st.lists(st.integers(-2, 40).map(lambda quarters: quarters / 4), min_size=1, max_size=200)
rates = st.sampled_from([0.5, 1.0, 3.0, 50.0, 100.0])
bursts = st.integers(1, 20)


@given(steps, rates, bursts)
def test_never_more_pass_than_the_burst_and_the_rate_allow(steps: list[float], rate: float, burst: int) -> None:
    bucket = TokenBucket(rate, burst)
    now = latest = 100.0
    passed = sum(bucket.take(now) for _ in range(3))
    for step in steps:
        now += step
        latest = max(latest, now)
        passed += sum(bucket.take(now) for _ in range(3))
        assert passed <= burst + rate * (latest - 100) + 0.001


@given(rates, bursts, st.floats(0, 1e7))
def test_who_waits_as_long_as_told_passes(rate: float, burst: int, start: float) -> None:
    bucket = TokenBucket(rate, burst)
    now = start
    for _ in range(burst):
        assert bucket.wait(now) == 0
        assert bucket.take(now)
    for _ in range(20):
        assert not bucket.take(now)
        pause = bucket.wait(now)
        assert 0 < pause <= 1 / rate + 1e-9
        now += pause
        assert bucket.take(now)


def test_a_rest_fills_the_bucket_to_the_brim_and_no_further() -> None:
    bucket = TokenBucket(rate=10, burst=5)
    assert [bucket.take(0) for _ in range(6)] == [True] * 5 + [False]
    assert [bucket.take(1000) for _ in range(6)] == [True] * 5 + [False]


def test_a_clock_that_rocks_to_and_fro_gives_nothing_away() -> None:
    bucket = TokenBucket(rate=1, burst=2)
    assert sum(bucket.take(now) for now in (10, 10, 10, 8, 10, 8, 10, 8, 10)) == 2
    assert bucket.take(11)


def test_a_flooder_is_muted_once_said_and_heard_again_once_said() -> None:
    guard = FloodGuard(burst=3, rate=1, mute_seconds=30, max_authors=10)
    verdicts = [guard.hear(b"flooder", 0) for _ in range(6)]
    assert verdicts == [Verdict.HEARD] * 3 + [Verdict.MUTED_NOW] + [Verdict.MUTED] * 2
    assert guard.muted() == [b"flooder"]
    assert guard.due_unmutes(29.9) == []
    assert guard.due_unmutes(30) == [(b"flooder", 3)]
    assert guard.due_unmutes(31) == []
    assert guard.hear(b"flooder", 31) is Verdict.HEARD


def test_who_goes_on_flooding_stays_muted() -> None:
    guard = FloodGuard(burst=3, rate=1, mute_seconds=30, max_authors=10)
    for tenth in range(1_000):
        guard.hear(b"flooder", tenth / 10)
        assert guard.due_unmutes(tenth / 10) == []
    assert [author for author, _ in guard.due_unmutes(99.9 + 30)] == [b"flooder"]


def test_who_speaks_at_the_rate_while_muted_is_heard_when_the_time_is_over() -> None:
    guard = FloodGuard(burst=3, rate=1, mute_seconds=30, max_authors=10)
    for _ in range(4):
        guard.hear(b"sorry", 0)
    for second in range(2, 30, 2):
        assert guard.hear(b"sorry", second) is Verdict.MUTED
    assert guard.due_unmutes(30) == [(b"sorry", 15)]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 20)), max_size=200), st.integers(1, 5))
def test_an_author_is_judged_as_if_alone(said: list[tuple[int, int]], burst: int) -> None:
    together = FloodGuard(burst, 1, 30, 100)
    alone = {author: FloodGuard(burst, 1, 30, 100) for author in range(5)}
    now = 0.0
    for author, pause in said:
        now += pause / 10
        key = bytes([author])
        together.due_unmutes(now)
        for guard in alone.values():
            guard.due_unmutes(now)
        assert together.hear(key, now) is alone[author].hear(key, now)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=300), st.integers(1, 8))
def test_memory_is_bounded_and_a_mute_outlives_any_crowd(said: list[tuple[int, int]], max_authors: int) -> None:
    guard = FloodGuard(burst=2, rate=1, mute_seconds=30, max_authors=max_authors)
    assert [guard.hear(b"flooder", 0) for _ in range(3)][-1] is Verdict.MUTED_NOW
    now = 0.0
    for author, pause in said:
        now = min(29.0, now + pause / 10)
        guard.hear(bytes([author]), now)
        assert len(guard) <= max_authors
        assert b"flooder" in guard.muted()
    assert guard.hear(b"flooder", 29) is Verdict.MUTED


def test_of_the_quiet_the_longest_silent_is_forgotten() -> None:
    guard = FloodGuard(burst=2, rate=0.001, mute_seconds=30, max_authors=2)
    guard.hear(b"first", 0)
    guard.hear(b"second", 1)
    guard.hear(b"first", 2)  # has spoken since, and has nothing left
    guard.hear(b"third", 3)  # takes the place of the second
    assert guard.hear(b"first", 4) is Verdict.MUTED_NOW
    assert guard.hear(b"second", 5) is Verdict.HEARD


@pytest.mark.parametrize("strangers", [1, 100])
def test_behind_a_full_table_strangers_share_one_allowance(strangers: int) -> None:
    guard = FloodGuard(burst=3, rate=1, mute_seconds=1_000, max_authors=5)
    for author in range(5):
        for _ in range(4):
            guard.hear(bytes([author]), 0)
    assert len(guard.muted()) == 5
    verdicts = [guard.hear(b"stranger %d" % (index % strangers), index / 10) for index in range(100)]
    heard = verdicts.count(Verdict.HEARD)
    assert 3 <= heard <= 3 + 10
    assert Verdict.MUTED_NOW not in verdicts
    assert len(guard) == 5


def test_each_key_has_a_bucket_of_its_own_and_waits_for_its_own() -> None:
    buckets: Buckets[str] = Buckets(rate=1.0, burst=2, most=10)
    assert [buckets.take("ann", 0.0) for _ in range(3)] == [True, True, False]
    assert buckets.wait("ann", 0.0) == 1.0
    assert buckets.wait("bob", 0.0) == 0.0
    assert buckets.take("bob", 0.0)
    assert buckets.take("ann", 1.0)


def test_of_too_many_keys_the_one_not_used_for_longest_is_forgotten() -> None:
    buckets: Buckets[str] = Buckets(rate=0.001, burst=1, most=2)
    for key in ("ann", "bob", "ann", "cid"):
        buckets.take(key, 0.0)
    assert len(buckets) == 2
    assert not buckets.take("ann", 0.0)
    assert buckets.take("bob", 0.0)
