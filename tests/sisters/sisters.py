"""Peers of the chat that are not ours, in processes of their own. They take and tell what ours do with --json."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, final

from interop.builds import BUILDS, GO, RUST
from tests.network.peers import ENDED, PATIENCE, Peer

JS: Final = Path(__file__).parents[2] / "interop" / "js"
MODULES: Final = JS / "node_modules"
AGAIN: Final = 0.5
"""Seconds after which somebody who was not heard says something again."""


@dataclass(eq=False)
class Sister(Peer):
    """A peer in another language, which takes and tells what interop/README.md says; all of that is heard."""

    unheard: frozenset[str] = frozenset()

    def _read(self, stream: IO[bytes]) -> None:
        super()._read(stream)
        self._note({"event": ENDED})  # which it does not tell by itself


@final
@dataclass(eq=False)
class GoPeer(Sister):
    """A go-libp2p peer: a new key in each life."""

    def program(self) -> tuple[str, ...]:
        return (str(GO.program), "--port", str(self.port))


@final
@dataclass(eq=False)
class RustPeer(Sister):
    """A rust-libp2p peer: a new key in each life."""

    def program(self) -> tuple[str, ...]:
        return (str(RUST.program), "--port", str(self.port))


@final
@dataclass(eq=False)
class GnostrPeer(Sister):
    """A rust-libp2p peer that is set up as gnostr's own chat is, and says and reads what that does."""

    def program(self) -> tuple[str, ...]:
        return (str(RUST.program), "gnostr", "--name", self.name)


@final
@dataclass(eq=False)
class JsPeer(Sister):
    """A js-libp2p peer: a new key in each life."""

    def program(self) -> tuple[str, ...]:
        return ("node", str(JS / "peer.mjs"), "--port", str(self.port))


@final
@dataclass(eq=False)
class BrowserPeer(Sister):
    """A page in a Chromium: it calls, at once or when it is told to, and cannot be called."""

    def program(self) -> tuple[str, ...]:
        return ("node", str(JS / "browser" / "run.mjs"))


KINDS: Final[dict[str, type[Sister]]] = {"go": GoPeer, "rust": RustPeer, "node": JsPeer, "browser": BrowserPeer}


def missing(kind: str) -> str:
    """Return why there is no such peer here, or ""; `kind` is of KINDS."""
    if kind in BUILDS:
        return BUILDS[kind].missing()
    return missing_js() if kind == "node" else missing_browser()


def talk(*peers: Peer) -> None:
    """Have each say something until all others have heard it: some libraries lose what is said at the very first."""
    end = time.monotonic() + PATIENCE
    said: dict[Peer, list[str]] = {peer: [] for peer in peers}

    def unheard() -> list[Peer]:
        return [
            peer
            for peer, texts in said.items()
            if not all(set(texts) & set(other.texts()) for other in peers if other is not peer)
        ]

    while silent := unheard():
        if time.monotonic() > end:
            raise AssertionError(f"not heard: {', '.join(peer.name for peer in silent)}; {silent[0].told[-5:]}")
        for peer in silent:
            said[peer].append(f"{peer.name} says {time.monotonic()}")
            peer.say(said[peer][-1])
        with contextlib.suppress(AssertionError):
            peers[0].wait_for(lambda: not unheard(), "each other", AGAIN)


def missing_browser() -> str:
    """Return why there is no browser peer here, or ""."""
    if shutil.which("chromium") is None:
        return "chromium is not installed"
    return missing_js()


def missing_js() -> str:
    """Return why there is no js-libp2p peer here, or ""."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not (MODULES / ".package-lock.json").exists():  # npm writes it last
        return "the packages of the js-libp2p peer are not installed: make sisters"
    return ""


def missing_js_quic() -> str:
    """Return why there is no QUIC in the js-libp2p peer, or ""; it is a program made for each system."""
    if reason := missing_js():
        return reason
    return "" if list(MODULES.glob("@chainsafe/libp2p-quic-*")) else "no QUIC of js-libp2p for this system is installed"
