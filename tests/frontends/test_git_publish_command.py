"""What `py-peer git publish` and `git forget` say when nothing has begun, over a service without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from py_peer.core.events import PeerConnected
from py_peer.core.exit_codes import ExitCode
from py_peer.core.git_events import CommitsPublished, PublishProgress
from py_peer.frontends.arguments import parse_arguments
from py_peer.frontends.git_publish_command import GitPublish
from tests.frontends.fakes import ADDRESS, ANN, FakeService, Stage
from tests.loops import run

if TYPE_CHECKING:
    from py_peer.core.events import Event

HERE = PeerConnected(ANN, ADDRESS, inbound=False)
NOBODY = CommitsPublished(1, (), 4, 0, 0, 0)
IDS = ("a" * 40, "b" * 40)
READING = "it has not begun within 0.1 s; --timeout gives it more"


@pytest.mark.parametrize(
    ("command", "events", "said", "code"),
    [
        (
            "publish",
            (),
            "Not published: nobody was there to take it; name a peer with --connect or --bootstrap",
            ExitCode.NOBODY_REACHED,
        ),
        (
            "publish",
            (HERE, NOBODY),
            "Not published: none of the 1 connected peer(s) was found to take part in the DHT",
            ExitCode.NOBODY_REACHED,
        ),
        ("publish", (HERE,), f"Not published: {READING}", ExitCode.NOT_SENT),
        ("forget", (), f"Not forgotten: {READING}", ExitCode.NOT_SENT),
    ],
    ids=["alone", "no-dht", "reading", "forgetting"],
)
def test_it_says_why_nothing_has_begun_and_what_to_do(
    capsys: pytest.CaptureFixture[str], command: str, events: tuple[Event, ...], said: str, code: ExitCode
) -> None:
    async def scene() -> ExitCode:
        service, stage = FakeService(), Stage()
        service.emit(*events)
        arguments = parse_arguments(["git", command, "--timeout", "0.1", "--ephemeral"])
        return await stage.run(GitPublish(service, stage.screen, stage.watchdog, arguments))

    assert run(scene()) == code
    assert capsys.readouterr().err.splitlines()[-1] == f"py-peer: {said}"


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["people", "scripts"])
def test_who_ends_it_before_has_the_ids_of_what_is_kept_by_then(
    capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    async def scene() -> list[str]:
        service, stage = FakeService(), Stage()
        publishing = GitPublish(
            service, stage.screen, stage.watchdog, parse_arguments(["git", "publish", "--ephemeral", *more])
        )
        await publishing.show([PublishProgress(1, 0, 12), *(PublishProgress(1, n, 12, (IDS[n],)) for n in (0, 1))])
        publishing.take_leave((), "")
        return stage.lines

    lines = run(scene())
    assert [line for line in lines if not line.startswith("{")] == ([] if more else list(IDS))
    assert capsys.readouterr().err.endswith("not all of it is published yet; the same command publishes the rest\n")
