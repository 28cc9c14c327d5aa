"""A browser: a page with js-libp2p in a Chromium without a window, which calls us at our one TCP port."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final

import pytest

from tests.network.peers import LET_GO, Peer, hear_each_other, met, party
from tests.sisters.sisters import BrowserPeer, missing_browser
from tests.web_certificates import sign_itself

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START: Final = 60.0
"""Seconds in which a page is bundled and a Chromium started, on a machine that has much else to do."""

REASON = missing_browser()
pytestmark = [pytest.mark.skipif(bool(REASON), reason=REASON), pytest.mark.timeout(4 * START)]

COUNT: Final = 100
SIZE: Final = 3_000_000


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return sign_itself(tmp_path_factory.mktemp("certificate"), "127.0.0.1")


@pytest.fixture(scope="module")
def couple(
    tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path]
) -> Iterator[tuple[Peer, BrowserPeer]]:
    """Ours, and the page that has called it."""
    folder = tmp_path_factory.mktemp("browser")
    ours = Peer("ours", folder / "ours", options=("--downloads", str(folder / "downloads")))
    page = BrowserPeer("page", folder / "page", options=("--trust", str(certificate[0])))
    with party(ours, page):
        for peer in (ours, page):
            peer.wait_for(lambda: peer.last("ready"), "ready", START)  # noqa: B023 - it is called at once
        page.command("connect", address=f"{ours.address}/ws")
        met(ours, page)
        yield ours, page


def test_a_hundred_texts_each_way(couple: tuple[Peer, BrowserPeer]) -> None:
    ours, page = couple
    texts = [f"{number} grüße 🎈".ljust(1 + 600 * number, "x") for number in range(COUNT)]
    for text in texts:
        for peer in couple:
            peer.say(text)
    for peer in couple:
        peer.wait_for(lambda: len(peer.texts()) >= COUNT, "all of them", START)  # noqa: B023 - it is called at once
        assert peer.texts() == texts
    assert {told["peer_id"] for told in ours.all("message_received")} == {page.id}


def test_a_hundred_direct_messages_each_way(couple: tuple[Peer, BrowserPeer]) -> None:
    texts = [f"between us: {number}" for number in range(COUNT)]
    for peer, other in (couple, couple[::-1]):
        for text in texts:
            peer.command("msg", peer=other.id, text=text)
    for peer, other in (couple, couple[::-1]):
        for event in ("direct_received", "direct_sent"):
            peer.wait_for(lambda: len(peer.all(event)) >= COUNT, event, START)  # noqa: B023 - it is called at once
        assert [(told["text"], told["peer_id"]) for told in peer.all("direct_received")] == [
            (text, other.id) for text in texts
        ]


def test_a_file_each_way(couple: tuple[Peer, BrowserPeer], tmp_path: Path) -> None:
    """Ours comes over the connection that the page has made: nobody can call a page."""
    ours, page = couple
    path, body = tmp_path / "a file", os.urandom(SIZE)
    path.write_bytes(body)
    sha256 = hashlib.sha256(body).hexdigest()

    ours.command("share", path=str(path))
    received = page.see("file_received", peer_id=ours.id)
    assert (received["size"], received["sha256"]) == (SIZE, sha256)

    page.command("share", path=str(path))
    offer = ours.see("file_offered")["offer"]
    ours.command("get", file=offer["file_id"], path=str(tmp_path / "fetched"))
    ours.see("transfer_done", file_id=offer["file_id"])
    assert hashlib.sha256((tmp_path / "fetched").read_bytes()).hexdigest() == sha256


def test_another_is_called_inside_tls_as_a_page_of_the_web_has_to(
    couple: tuple[Peer, BrowserPeer], certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    _, page = couple
    cert, key = map(str, certificate)
    other = Peer("other", tmp_path, options=("--wss-cert", cert, "--wss-key", key))
    with party(other):
        other.wait_for(lambda: other.last("ready"), "ready")
        page.command("connect", address=f"{other.address}/tls/ws")
        met(other, page)
        hear_each_other(other, page)


def test_a_tab_that_is_closed_has_left(couple: tuple[Peer, BrowserPeer]) -> None:
    ours, page = couple
    page.command("close")
    ours.see("peer_left", LET_GO, peer_id=page.id)
