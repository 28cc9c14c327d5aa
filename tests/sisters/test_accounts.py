"""The account of a room finds what was owed and is lost, and takes nothing else for it."""

from __future__ import annotations

from typing import Any

import pytest

from interop.accounts import SETTLED, Account, Said, account, links_of

AT = 100.0
"""When Ann says something, in all these rooms; they begin at 0."""

Lines = list[dict[str, Any]]


def told(at: float, event: str, **fields: object) -> dict[str, Any]:
    return {"at": at, "event": event, **fields}


def started(name: str, at: float = 0.0, life: int = 1) -> dict[str, Any]:
    return told(at, "started", peer_id=f"{name}{life}")


def joined(name: str, at: float = 1.0, life: int = 1) -> dict[str, Any]:
    return told(at, "peer_joined", peer_id=f"{name}{life}")


def left(name: str, at: float, life: int = 1) -> dict[str, Any]:
    return told(at, "peer_left", peer_id=f"{name}{life}")


def shown(text: str, at: float = AT + 0.5, by: str = "ann1") -> dict[str, Any]:
    return told(at, "message_received", peer_id=by, text=text)


def line() -> dict[str, Lines]:
    """Return a room in which Ann and Bob, and Bob and Cid, have each other."""
    return {
        "ann": [started("ann"), joined("bob")],
        "bob": [started("bob"), joined("ann"), joined("cid")],
        "cid": [started("cid"), joined("bob")],
    }


def judged(room: dict[str, Lines], count: int = 1) -> Account:
    """Return the account of so many texts that Ann says, "0" and so on, one in a tenth of a second."""
    said = [Said("ann", str(number), AT + number / 10) for number in range(count)]
    room["ann"] += [told(one.at + 0.01, "message_sent", text=one.text) for one in said]
    return account({name: sorted(lines, key=lambda line: line["at"]) for name, lines in room.items()}, said)


def test_what_was_owed_and_is_not_shown_is_lost_to_each_by_itself() -> None:
    room = line()
    room["bob"].append(shown("0"))
    found = judged(room)
    bob, cid = found.cells["bob", "ann"], found.cells["cid", "ann"]
    assert (bob.owed, bob.shown, bob.lost) == (1, 1, [])
    assert (cid.owed, cid.shown, cid.lost) == (1, 0, [AT])
    assert (found.said, found.lost, found.clean) == (1, 1, False)


def test_what_each_sees_once_is_clean_and_its_delay_is_from_the_author_to_the_reader() -> None:
    room = line()
    room["bob"].append(shown("0", AT + 0.25))
    room["cid"].append(shown("0", AT + 0.5))
    found = judged(room)
    assert found.clean
    assert (found.cells["bob", "ann"].delays, found.cells["cid", "ann"].delays) == ([0.25], [0.5])


@pytest.mark.parametrize(
    ("at", "owed"), [(AT - SETTLED - 0.1, 1), (AT - SETTLED + 0.1, 0)], ids=["in time", "too lately"]
)
def test_a_text_is_owed_to_who_joined_some_time_before(at: float, owed: int) -> None:
    room = line()
    room["cid"] = [started("cid"), joined("bob", at)]
    cell = judged(room).cells["cid", "ann"]
    assert (cell.owed, cell.apart) == (owed, 1 - owed)


@pytest.mark.parametrize("order", ["ann bob cid dan", "dan cid bob ann"])
def test_a_path_may_have_many_links(order: str) -> None:
    room = line()
    room["cid"].append(joined("dan"))
    room["dan"] = [started("dan"), joined("cid")]
    assert judged({name: room[name] for name in order.split()}).cells["dan", "ann"].owed == 1


@pytest.mark.parametrize("who", ["bob", "cid"])
@pytest.mark.parametrize(("at", "owed"), [(AT + SETTLED + 0.1, 1), (AT + SETTLED - 0.1, 0)], ids=["later", "too early"])
def test_a_text_is_owed_over_a_link_that_stands_for_some_time_after(who: str, at: float, owed: int) -> None:
    """Whichever end tells that it is gone."""
    room = line()
    room[who].append(left({"bob": "cid", "cid": "bob"}[who], at))
    assert judged(room).cells["cid", "ann"].owed == owed


def test_who_was_killed_is_owed_nothing_though_the_others_have_not_noticed() -> None:
    room = line()
    room["bob"].append(told(AT - 20, "killed"))
    found = judged(room)
    assert [found.cells[name, "ann"].owed for name in ("bob", "cid")] == [0, 0]
    assert found.clean


def test_a_new_life_has_no_link_because_the_old_one_had() -> None:
    """Ann has not noticed that Bob was killed; the new Bob has her in its room, and she does not have him."""
    room = line()
    room["bob"] += [told(50, "killed"), started("bob", 51, life=2), joined("ann", 52), joined("cid", 52)]
    room["cid"] += [left("bob", 50), joined("bob", 52, life=2)]
    assert judged(room).cells["bob", "ann"].owed == 0
    room = line()
    room["bob"] += [told(50, "killed"), started("bob", 51, life=2), joined("ann", 52), joined("cid", 52)]
    for name in ("ann", "cid"):
        room[name] += [left("bob", 50), joined("bob", 52, life=2)]
    found = judged(room)
    assert [found.cells[name, "ann"].owed for name in ("bob", "cid")] == [1, 1]


def test_a_path_that_is_not_the_same_all_the_time_is_none() -> None:
    """Ann and Cid had each other until the text, and Bob comes between them with it."""
    room = line()
    room["ann"] = [started("ann"), joined("cid"), left("cid", AT + 1), joined("bob", AT - 1)]
    room["cid"].append(joined("ann"))
    found = judged(room)
    assert [found.cells[name, "ann"].owed for name in ("bob", "cid")] == [0, 0]


def test_what_is_shown_to_who_was_not_owed_it_is_counted_apart() -> None:
    room = line()
    room["cid"] = [started("cid"), joined("bob", AT + 0.1), shown("0")]
    cell = judged(room).cells["cid", "ann"]
    assert (cell.apart, cell.apart_shown, cell.shown, cell.delays) == (1, 1, 0, [])


def test_what_is_shown_again_is_twice_and_in_a_new_life_it_is_not() -> None:
    room = line()
    room["bob"] += [shown("0"), told(AT + 5, "killed"), started("bob", AT + 6, life=2), shown("0", AT + 7)]
    room["cid"] += [shown("0")]
    assert judged(room).clean
    room = line()
    room["bob"] += [shown("0"), shown("0", AT + 1)]
    room["cid"] += [shown("0")]
    found = judged(room)
    assert (found.cells["bob", "ann"].twice, found.cells["cid", "ann"].twice, found.clean) == (1, 0, False)
    assert found.cells["bob", "ann"].delays == [0.5], "the first of them counts"


def test_pairs_in_another_order_than_said_are_counted() -> None:
    room = line()
    room["bob"] += [shown(text, AT + 1 + place / 10) for place, text in enumerate(("1", "3", "0", "2"))]
    room["cid"] += [shown(str(number), AT + 1 + number / 10) for number in range(4)]
    found = judged(room, 4)
    assert (found.cells["bob", "ann"].disordered, found.cells["cid", "ann"].disordered) == (3, 0)
    assert found.clean


def test_what_its_author_did_not_send_is_owed_to_nobody_and_said() -> None:
    room = line()
    found = account(room, [Said("ann", "0", AT)])
    assert (found.said, found.unsent, found.clean) == (0, {"ann": 1}, False)
    assert found.cells["bob", "ann"].owed == 0


def test_what_its_author_had_no_time_to_send_is_nobodys_fault() -> None:
    room = line()
    room["ann"].append(told(AT + 0.1, "killed"))
    assert account(room, [Said("ann", "0", AT)]).clean


@pytest.mark.parametrize("by", ["cid1", "somebody"])
def test_a_text_in_anothers_name_is_strange(by: str) -> None:
    room = line()
    for name in ("bob", "cid"):
        room[name].append(shown("0"))
    room["bob"].append(shown("0", by=by))
    found = judged(room)
    assert (len(found.strange), found.cells["bob", "ann"].twice, found.clean) == (1, 0, False)


@pytest.mark.parametrize("life", [1, 2])
def test_who_is_back_under_another_id_may_be_told_what_it_said_before(life: int) -> None:
    room = line()
    for name in ("bob", "cid"):
        room[name].append(shown("0"))
    room["ann"] += [told(AT + 5, "killed"), started("ann", AT + 6, life), shown("0", AT + 7)]
    assert len(judged(room).strange) == (life == 1)


@pytest.mark.parametrize(("who", "text"), [("ann", "0"), ("bob", "nobody said this")])
def test_a_text_that_comes_back_to_its_author_or_was_never_said_is_strange(who: str, text: str) -> None:
    room = line()
    for name in ("bob", "cid"):
        room[name].append(shown("0"))
    room[who].append(shown(text, AT + 1))
    assert len(judged(room).strange) == 1


def test_a_link_that_ends_while_both_live_is_broken_and_with_its_end_it_is_not() -> None:
    room = line()
    room["bob"].append(left("ann", AT - 50))
    room["cid"].append(told(AT - 40, "killed"))
    assert judged(room).broken == [(AT - 50, "ann", "bob")]


def test_a_link_stands_while_both_have_each_other() -> None:
    room = {
        "ann": [started("ann"), joined("bob", 1), left("bob", 8), joined("bob", 9)],
        "bob": [started("bob"), joined("ann", 2), told(12, "ended")],
    }
    assert sorted((link.start, link.end) for link in links_of(room)) == [(2, 8), (9, 12)]
