"""What `py-peer get` says when it has nothing, over a service without a network."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from py_peer.core.dht_events import LookupFailed
from py_peer.core.events import Notice, PeerConnected
from py_peer.core.exit_codes import ExitCode
from py_peer.core.file_events import TransferFailed
from py_peer.frontends.arguments import parse_arguments
from py_peer.frontends.get_command import Get
from tests.frontends.fakes import ADDRESS, ANN, FakeService, Stage

if TYPE_CHECKING:
    from py_peer.core.events import Event

OTHER = "name one that does with --connect or --bootstrap"
HERE = PeerConnected(ANN, ADDRESS, inbound=False)
NOBODY = LookupFailed(1, "photo", 0, "nobody is there to be asked")
BROKEN_OFF = TransferFailed(1, "k3x", "photo", "nobody has it", 563_900_000, wanted="photo")
FOUND = Notice("1 peer(s) provide photo")


@pytest.mark.parametrize(
    ("events", "said", "code"),
    [
        (
            (),
            "photo: nobody was there to be asked; name a peer with --connect or --bootstrap",
            ExitCode.NOBODY_REACHED,
        ),
        (
            (HERE, NOBODY),
            f"photo: none of the 1 connected peer(s) was found to take part in the DHT; {OTHER}",
            ExitCode.NOBODY_REACHED,
        ),
        (
            (HERE, LookupFailed(1, "photo", 3, "nobody; 2 more could not be asked", unasked=2), BROKEN_OFF),
            "photo: nobody has it; 563.9 MB are kept: the same command goes on",
            ExitCode.NOT_FOUND,
        ),
        ((HERE, NOBODY, FOUND), "photo: nothing has come within 0.1 s; --timeout gives it more", ExitCode.NOT_FOUND),
        (
            (HERE, BROKEN_OFF),
            "photo: nobody has it; 563.9 MB are kept: the same command goes on",
            ExitCode.NOT_FOUND,
        ),
    ],
    ids=["alone", "no-dht", "asked-again", "silent-provider", "broken-off"],
)
def test_it_says_why_nothing_has_come_and_what_to_do(
    capsys: pytest.CaptureFixture[str], events: tuple[Event, ...], said: str, code: ExitCode
) -> None:
    async def scene() -> ExitCode:
        service, stage = FakeService(), Stage()
        service.emit(*events)
        arguments = parse_arguments(["get", "--name", "photo", "--timeout", "0.1", "--ephemeral"])
        return await stage.run(Get(service, stage.screen, stage.watchdog, arguments))

    assert asyncio.run(scene()) == code
    assert capsys.readouterr().err.splitlines()[-1] == f"py-peer: Not fetched: {said}"
