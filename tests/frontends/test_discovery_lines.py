"""/discover: who is there first, then who is not and why, in few lines, on narrow screens and for scripts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from py_peer.core.events import DiscoveryReport, IgnoreList, KnownPeer, Notice, PeerFound
from py_peer.core.requests import RequestDiscovery, RequestStatistics, RequestStatus
from py_peer.frontends.discovery_lines import MOST_LISTED, discovery_lines, folded
from tests.frontends.fakes import ANN, READY, US, FakeService, Stage
from tests.frontends.test_front_end import when
from tests.frontends.test_piped import BANNER, chat_over
from tests.loops import run

if TYPE_CHECKING:
    from py_peer.core.requests import Request

BOB = f"{US[:-8]}BobBobBo"
HERE = KnownPeer(ANN, "Ann", ("by mDNS", "by name"), (f"/ip4/192.168.1.7/tcp/1/p2p/{ANN}",), "connected", "", 700.0)
AWAY = KnownPeer(
    BOB,
    BOB[-8:],
    ("by the discovery topic",),
    (f"/ip4/198.51.100.7/tcp/4001/p2p/{BOB}", f"/ip6/2001:db8::7/tcp/4001/p2p/{BOB}", "/ip4/198.51.100.8/tcp/1"),
    "not dialled",
    "a private address on a stranger's word",
    65.0,
)
REPORT = DiscoveryReport(1, ("mDNS: on eth0, 1 peer", "the discovery topic: 1 peer"), (AWAY, HERE), {})


def test_who_is_there_comes_first_and_of_each_it_is_told_how_he_was_found_where_he_is_and_why_he_is_not_dialled() -> (
    None
):
    assert discovery_lines(REPORT) == [
        "📡 Others are found by:",
        "  - mDNS: on eth0, 1 peer",
        "  - the discovery topic: 1 peer",
        "📡 Known peers (2):",
        "  Connected (1):",
        f"    - {ANN[-8:]} (Ann)  by mDNS, by name  /ip4/192.168.1.7/tcp/1",
        "  Not dialled (1):",
        f"    - BobBobBo  by the discovery topic, 1 min 5 s ago  /ip4/198.51.100.7/tcp/4001 and 2 more  {AWAY.reason}",
    ]


def test_who_is_behind_a_relay_is_shown_to_be_there() -> None:
    relayed = f"/ip4/198.51.100.9/tcp/1/p2p/{ANN}/p2p-circuit"
    lines = discovery_lines(replace(REPORT, peers=(replace(AWAY, addresses=(f"{relayed}/p2p/{BOB}",)),)))
    assert f"  {relayed}  " in lines[-1]


def test_of_many_the_latest_are_listed_and_the_others_counted() -> None:
    peers = tuple(replace(AWAY, nick=f"n{number}", seconds=float(-number)) for number in range(950))
    lines = discovery_lines(replace(REPORT, peers=peers))
    rows = lines[lines.index("  Not dialled (950):") + 1 :]
    assert ["(n949)" in rows[0], "(n940)" in rows[MOST_LISTED - 1]] == [True, True]
    assert rows[MOST_LISTED:] == ["    … and 940 more; --json has them all"]


@pytest.mark.parametrize("columns", [48, 80])
def test_on_a_narrow_screen_a_long_row_goes_on_under_its_words(columns: int) -> None:
    lines = discovery_lines(replace(REPORT, refused={"too many addresses of one " * 3: 12}), columns)
    assert all(len(line) <= columns for line in lines)
    place = next(number for number, line in enumerate(lines) if "BobBobBo" in line)
    assert lines[place + 1].startswith("      ")
    assert lines[place + 1][6] != " "


def test_what_was_left_out_is_counted_by_reason() -> None:
    report = replace(REPORT, refused={"too many of one announcer": 1200, "our own": 1}, forgotten=3)
    assert discovery_lines(report)[-4:] == [
        "  Told of, and left out:",
        "    - 1,200 times: too many of one announcer",
        "    - once: our own",
        "  Forgotten, to make room for others: 3",
    ]


def test_with_nobody_known_it_is_said_what_is_done_and_what_helps() -> None:
    lines = discovery_lines(DiscoveryReport(1, ("mDNS: on eth0, nobody yet",), (), {}))
    assert lines[:3] == ["📡 Others are found by:", "  - mDNS: on eth0, nobody yet", "📡 Nobody has been found yet"]
    assert "/connect" in lines[3]
    assert "doctor" in lines[4]
    lines = discovery_lines(DiscoveryReport(1, (), (), {}))
    assert lines[0] == "📡 Nobody is looked for: every way to find others is switched off"
    assert "--mdns" in lines[-1]


def test_addresses_that_were_named_and_where_nobody_is_yet_are_listed_unless_their_peer_is() -> None:
    nowhere, here = "/dnsaddr/example.org", AWAY.addresses[0]
    report = replace(REPORT, dialling=(nowhere, here))
    head = "  Named, and nobody there yet (1):"
    assert discovery_lines(report)[-2:] == [head, f"    - {nowhere}"]
    lines = discovery_lines(replace(report, peers=()))
    assert "📡 Nobody has been found yet" in lines
    assert lines[-2:] == [f"    - {nowhere}", f"    - {here}"]
    lines = discovery_lines(replace(report, dialling=tuple(f"/dns/h{number}/tcp/1" for number in range(12))))
    assert lines[-1] == "    … and 2 more; --json has them all"


def test_of_who_is_ignored_no_name_is_shown() -> None:
    assert "Ann)" in "".join(discovery_lines(REPORT))
    assert "Ann)" not in "".join(discovery_lines(REPORT, ignored=(ANN,)))


def test_a_few_who_are_found_together_are_told_one_by_one_and_many_as_one() -> None:
    near, known = PeerFound(ANN, "by mDNS", ()), PeerFound(BOB, "from an earlier run", ())
    assert folded([near, *[known] * 3, near, READY, near]) == [near, *[known] * 3, near, READY, near]
    many = Notice("Found 4 peers from an earlier run; /discover lists them")
    assert folded([near, *[known] * 4, READY, known]) == [near, many, READY, known]


def test_many_who_are_found_together_are_one_line_of_the_chat() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        service.emit(*[PeerFound(BOB, "from an earlier run", ())] * 8)
        await stage.run(chat_over(stage, service, b""))
        assert stage.lines[BANNER:] == ["📡 Found 8 peers from an earlier run; /discover lists them", "Goodbye!"]

    run(scene())


def asked(service: FakeService) -> list[type[Request]]:
    kinds = (RequestStatus, RequestDiscovery, RequestStatistics)
    return [type(request) for request in service.requests if isinstance(request, kinds)]


def test_asked_too_early_it_is_answered_in_its_place_before_a_pipe_is_left() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(starting=False)
        running = asyncio.create_task(stage.run(chat_over(stage, service, b"/peers\n/discover\n/nick\nx\n")))
        await when(lambda: service.texts == ["x"])
        assert asked(service) == []
        service.emit(READY)
        await when(lambda: len(asked(service)) == 3)
        assert asked(service) == [RequestStatus, RequestDiscovery, RequestStatus]
        (ticket,) = (request.ticket for request in service.requests if isinstance(request, RequestDiscovery))
        assert not running.done()
        service.emit(IgnoreList((ANN,)), replace(REPORT, ticket=ticket))
        await running
        answers = discovery_lines(REPORT, None, (ANN,))
        assert "📡 No peers connected" in stage.lines[BANNER:]
        begin = stage.lines.index(answers[0])
        assert stage.lines[begin : begin + len(answers)] == answers

    run(scene())
