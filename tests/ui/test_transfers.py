"""Files on the full screen: offers that a click fetches, bars while they come, and where they are in the end."""

from __future__ import annotations

from dataclasses import replace

from py_peer.core.file_events import (
    FileOffered,
    HashingProgress,
    Offer,
    Transfer,
    TransferDone,
    TransferFailed,
    TransferProgress,
    TransferStarted,
    TransferState,
)
from py_peer.core.requests import CancelTransfer
from py_peer.ui.transfers import CancelPage, Transfers
from tests.frontends.fakes import ANN
from tests.loops import run
from tests.ui.support import Scene, screen

OFFER = FileOffered(Offer("mzxw6ytb", ANN, "Ann", plain=True, seconds=0.0, name="photo.jpg", size=3_000_000))


def fetched(number: int = 1, received: int = 1_000_000) -> Transfer:
    return Transfer(number, f"id{number}", f"file-{number}.jpg", "/tmp", (ANN,), received, 4_000_000, 1e6, 3.0)  # noqa: S108


def strip(shown: Scene) -> list[str]:
    """Return the lines of the bars."""
    region = shown.ui.transfers.content_region
    return [line.strip() for line in shown.text().splitlines()[region.y : region.bottom]]


def room(shown: Scene) -> list[str]:
    return [entry.text for entry in shown.ui.room._transcript]


async def click(shown: Scene, text: str) -> None:
    """Click at a text, the lowest one on the screen."""
    row, line = [(row, line) for row, line in enumerate(shown.text().splitlines()) if text in line][-1]
    await shown.pilot.click(offset=(line.index(text) + 1, row))
    await shown.settle()


def test_a_click_at_an_offer_puts_the_command_into_the_input_and_what_is_typed_there_stays() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(OFFER)
            assert room(shown) == ["Ann offers photo.jpg (3.0 MB): /get mzxw6ytb"]
            shown.ui.composer.put("half a sentence")
            await click(shown, "/get mzxw6ytb")
            assert (shown.ui.composer.text, shown.ui.clipboard) == ("half a sentence", "/get mzxw6ytb")
            shown.ui.composer.empty()
            await click(shown, "photo.jpg")
            assert shown.ui.composer.text == "/get mzxw6ytb"
            assert shown.ui.focused is shown.ui.composer

    run(scene())


def test_each_transfer_has_a_bar_until_it_is_done_and_then_it_is_said_where_the_file_is() -> None:
    async def scene() -> None:
        async with screen() as shown:
            assert not shown.ui.transfers.display
            await shown.tell(TransferStarted(1, fetched(received=0)), TransferProgress(fetched()))
            (line,) = strip(shown)
            assert line.startswith("file-1.jpg")
            assert "█" in line
            assert "25 % · 1.0 MB of 4.0 MB · 1.0 MB/s · 3 s left" in line
            await shown.tell(TransferProgress(fetched(received=3_000_000)))
            assert "75 %" in strip(shown)[0]
            await shown.tell(
                TransferDone(1, "id1", "file-1.jpg", "/home/bob/file-1.jpg", 4_000_000, 4.0, verified=True)
            )
            assert not shown.ui.transfers.display
            assert room(shown) == ["Fetched file-1.jpg (4.0 MB) in 4 s: /home/bob/file-1.jpg"]

    run(scene())


def test_of_many_transfers_three_are_shown_and_how_many_more_there_are() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(HashingProgress(9, "mine.iso", 1_000, 4_000))
            await shown.tell(*(TransferStarted(number, fetched(number)) for number in range(1, 5)))
            lines = strip(shown)
            assert [line.split()[0] for line in lines] == ["reading", "file-1.jpg", "file-2.jpg", "+"]
            assert lines[-1] == "+ 2 more"

    run(scene())


def test_a_transfer_is_ended_by_click_or_key_after_a_question() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.pilot.press("f7")
            await shown.settle()
            assert not isinstance(shown.ui.screen, CancelPage)
            shown.service.transfers = (fetched(1), fetched(2))
            await shown.tell(*(TransferStarted(number, fetched(number)) for number in (1, 2)))
            await click(shown, "file-2.jpg")
            assert isinstance(shown.ui.screen, CancelPage)
            await shown.pilot.press("escape")
            await shown.settle()
            assert not any(isinstance(request, CancelTransfer) for request in shown.service.requests)
            await click(shown, "file-2.jpg")
            await shown.pilot.press("enter")
            await shown.settle()
            await shown.pilot.press("f7")
            await shown.settle()
            await shown.pilot.press("enter")
            await shown.settle()
            ended = [request.transfer for request in shown.service.requests if isinstance(request, CancelTransfer)]
            assert ended == ["2", "1"]
            await shown.tell(TransferFailed(2, "id2", "file-2.jpg", "", 1_000_000, cancelled=True))
            assert room(shown)[-1].startswith("Cancelled: file-2.jpg")

    run(scene())


def test_a_transfer_that_waits_for_its_turn_can_be_seen_and_ended_too() -> None:
    async def scene() -> None:
        async with screen() as shown:
            waiting = replace(fetched(5, received=0), state=TransferState.WAITING)
            shown.service.transfers = (*(fetched(number) for number in range(1, 5)), waiting)
            await shown.tell(*(TransferStarted(number, fetched(number)) for number in range(1, 5)))
            await shown.pilot.press("f7")
            await shown.settle()
            assert "5  file-5.jpg  0 B of 4.0 MB" in shown.text()
            assert "waits for its turn" in shown.text()
            await shown.pilot.press("end", "enter")
            await shown.settle()
            ended = [request.transfer for request in shown.service.requests if isinstance(request, CancelTransfer)]
            assert ended == ["5"]

    run(scene())


def test_bars_fit_a_narrow_screen() -> None:
    async def scene() -> None:
        async with screen(size=(48, 20)) as shown:
            long = replace(fetched(), name="a name that is longer than the screen is wide.jpg", size=None)
            await shown.tell(TransferStarted(1, long), TransferStarted(2, fetched(2)))
            assert all(len(line) <= 46 for line in strip(shown))
            assert "25 %" in strip(shown)[1]
            await shown.pilot.resize_terminal(20, 8)
            assert shown.ui.transfers.size.height == 1
            assert shown.ui.query_one(Transfers).region.right <= 20

    run(scene())
