"""Who breaks the rules again and again is banned for a while; who slips now and then is not."""

from __future__ import annotations

from py_peer.core.strikes import Strikes


def test_what_is_forgiven_is_forgiven_and_one_more_is_a_ban_that_ends() -> None:
    strikes = Strikes(burst=3, rate=0.1, seconds=60, limit=10)
    assert [strikes.strike(b"a", now) for now in (0.0, 0.0, 0.0, 1.0)] == [False, False, False, True]
    assert strikes.left(b"a", 2.0) == 59
    assert strikes.banned(2.0) == [b"a"]
    assert not strikes.strike(b"a", 3.0)  # it is banned already, and not for longer
    assert strikes.left(b"a", 61.0) == 0
    assert strikes.banned(61.0) == []
    assert not strikes.strike(b"a", 62.0)


def test_slips_that_come_slowly_are_no_garbage() -> None:
    strikes = Strikes(burst=2, rate=0.1, seconds=60, limit=10)
    assert not any(strikes.strike(b"a", 10.0 * number) for number in range(100))


def test_one_does_not_pay_for_another() -> None:
    strikes = Strikes(burst=1, rate=0.1, seconds=60, limit=10)
    assert [strikes.strike(peer, 0.0) for peer in (b"a", b"b", b"a")] == [False, False, True]
    assert strikes.left(b"b", 0.0) == 0


def test_who_is_forgiven_begins_anew() -> None:
    strikes = Strikes(burst=1, rate=0.1, seconds=60, limit=10)
    for _ in range(2):
        strikes.strike(b"a", 0.0)
    strikes.forgive(b"a")
    assert strikes.left(b"a", 0.0) == 0
    assert not strikes.strike(b"a", 0.0)


def test_however_many_come_the_tables_hold_so_many() -> None:
    strikes = Strikes(burst=1, rate=0.1, seconds=60, limit=3)
    for number in range(100):
        for _ in range(2):
            strikes.strike(bytes([number]), 0.0)
    assert strikes.banned(0.0) == [bytes([number]) for number in (97, 98, 99)]
    assert len(strikes._struck) <= 3
