"""On a release of py-libp2p that our classes were not checked against, its own are used, and that is said."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio
from libp2p.custom_types import TProtocol
from libp2p.io.trio import TrioTCPStream
from libp2p.network.stream.net_stream import NetStream
from libp2p.pubsub.mcache import MessageCache
from libp2p.pubsub.rpc_queue import RpcQueue
from libp2p.security.secure_session import SecureSession
from libp2p.stream_muxer.yamux.yamux import Yamux, YamuxStream
from libp2p.tools.timed_cache.last_seen_cache import LastSeenCache

from py_peer.core import limits
from py_peer.net import library, release, streams
from py_peer.net.closing import layer_of
from py_peer.net.muxer import LimitedYamux
from py_peer.net.noise import NoiseSession
from py_peer.net.stock import StockPubsub
from tests.net.support import member, trio_test, until

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def looked_at_anew() -> Iterator[None]:
    release.installed.cache_clear()
    yield
    release.installed.cache_clear()


@pytest.fixture
def another_release(monkeypatch: pytest.MonkeyPatch, looked_at_anew: None) -> None:
    monkeypatch.setattr(release, "version", lambda _: "0.9.0")


def test_the_release_that_is_pinned_is_the_one_that_was_checked() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"libp2p=={release.CHECKED}" in project["dependencies"]
    assert release.installed() == release.CHECKED
    assert release.remark() == ""


@pytest.mark.usefixtures("another_release")
def test_the_user_is_told_which_release_is_there_and_which_should_be() -> None:
    assert release.remark().startswith(
        "WARNING: py-libp2p 0.9.0 is installed, and py-peer was tested with 0.8.1 alone."
    )
    assert len(release.remark()) <= limits.MAX_ERROR_CHARS
    assert release.remark(stock=True) == release.remark()


def test_who_asks_for_the_librarys_classes_is_told_that_he_has_them() -> None:
    assert release.remark(stock=True).startswith("--stock-net: this runs on py-libp2p 0.8.1's own")
    assert len(release.remark(stock=True)) <= limits.MAX_ERROR_CHARS


def test_a_library_of_which_nobody_knows_the_release_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_knows(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(release, "version", nobody_knows)
    assert release.remark().startswith("WARNING: an unknown release of py-libp2p is installed, and ")
    assert len(release.remark()) <= limits.MAX_ERROR_CHARS
    monkeypatch.setattr(release, "find_spec", lambda _: None)
    assert release.difference().startswith("no py-libp2p is installed, and ")


@pytest.mark.usefixtures("another_release")
@trio_test
async def test_on_another_release_the_whole_node_runs_on_the_librarys_classes() -> None:
    async with member() as a, member() as b:
        await a.dial(b)
        for one in (a, b):
            (connection,) = one.node.host.get_network().get_connections()
            assert type(connection.muxed_conn) is Yamux
            assert type(_below(connection.muxed_conn)) is SecureSession
            assert type(layer_of(_below(connection.muxed_conn), TrioTCPStream)) is TrioTCPStream
        pubsub: Any = a.node.pubsub
        assert isinstance(pubsub, StockPubsub)
        assert type(pubsub.peer_queues[b.id]) is RpcQueue
        assert type(pubsub.router.mcache) is MessageCache
        assert type(pubsub.seen_messages) is LastSeenCache
        gossip: Any = pubsub.peers[b.id]
        assert (type(gossip), type(gossip.muxed_stream)) == (NetStream, YamuxStream)
        await a.say(b"one")
        await until(lambda: b.texts() == [b"one"])
        await b.dial(a)  # the second connection makes the first one prove that it is alive
        a.node.probe()
        got = trio.Event()

        async def take(stream: Any) -> None:
            await streams.widen(stream)
            await stream.read(1)
            got.set()

        b.node.host.set_stream_handler(TProtocol("/wide"), take)
        stream = await a.node.host.new_stream(b.id, [TProtocol("/wide")])
        await stream.write(b"x")
        await got.wait()
        await a.node.disconnect(b.id)
        await until(lambda: not b.node.peers.records)


def test_a_name_that_another_release_does_not_have_is_done_without_and_ours_say_that_it_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr("libp2p.io.msgio.read_exactly")
    with library.disarm(stock=True):
        pass
    with pytest.raises(AttributeError, match="no read_exactly any more"), library.disarm():
        pass


@trio_test
async def test_nodes_of_both_kinds_may_run_in_a_process_one_after_the_other_but_not_beside_each_other() -> None:
    for stock in (True, False, True):
        async with member(stock=stock) as a, member(stock=stock) as b:
            await a.dial(b)
            assert isinstance(a.node.pubsub, StockPubsub) is stock
            with pytest.raises(RuntimeError, match="of the other kind"):
                async with member(stock=not stock):
                    pass
            await a.say(b"one")
            await until(lambda b=b: b.texts() == [b"one"])


@trio_test
async def test_on_the_release_that_was_checked_it_runs_on_ours() -> None:
    async with member() as a, member() as b:
        await a.dial(b)
        (connection,) = a.node.host.get_network().get_connections()
        assert type(connection.muxed_conn) is LimitedYamux
        assert type(_below(connection.muxed_conn)) is NoiseSession


def _below(muxed_conn: Any) -> Any:
    """Return the secured connection, without the gate before it."""
    return getattr(muxed_conn.secured_conn, "_conn", muxed_conn.secured_conn)
