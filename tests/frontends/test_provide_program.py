"""What `py-peer provide` answers to the requests of the original, written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.net.raw_peer import GoneError, RawPeer, raw_peer
from tests.net.support import trio_test
from tests.network.peers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.frontends.programs import Piped

PROTOCOL = "/file-exchange/1"
REQUEST = bytes.fromhex("65 61 2e 74 78 74")
ANSWER = bytes.fromhex("85 18 68 18 65 18 6c 18 6c 18 6f")


async def answered(peer: RawPeer, request: bytes) -> tuple[bytes, bool]:
    """Ask as the original does; return all that comes, and whether it ended in order."""
    stream = await peer.open(PROTOCOL)
    await stream.write(request)
    await stream.finish()
    await stream.wait_end()
    data = b""
    try:
        while True:
            data += await stream.read(1)
    except GoneError:
        return data, stream.fin and not stream.rst


def test_the_original_gets_a_file_by_its_name_and_nothing_else(piped: Callable[..., Piped], tmp_path: Path) -> None:
    (tmp_path / "hello").write_bytes(b"hello")
    (tmp_path / "secret").write_bytes(b"secret")
    port = free_port()
    provider = piped("provide", "--path", str(tmp_path / "hello"), "--name", "a.txt", "--port", str(port))
    provider.expect("^Provided: a.txt")

    @trio_test
    async def scene() -> None:
        async with raw_peer(port) as peer:
            assert await answered(peer, REQUEST) == (ANSWER, True)
            for name in ("hello", "secret", "./secret", str(tmp_path / "secret"), "../a.txt", ""):
                request = bytes([0x78, len(name.encode())]) + name.encode()
                assert await answered(peer, request) == (b"", True)
            for garbage in ("f6", "9f", "81" * 100, "5f", "7f616161ff"):
                assert await answered(peer, bytes.fromhex(garbage)) == (b"", False)
            assert await answered(peer, REQUEST) == (ANSWER, True)

    scene()
    provider.expect("has fetched a.txt$")
