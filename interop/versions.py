"""What a peer in another language is made of, in a line."""

from __future__ import annotations

import re
import subprocess
from typing import Final

from interop import builds
from tests.sisters.sisters import missing

TOOLS: Final = {
    "go": ("go", "version"),
    "rust": ("rustc", "--version"),
    "node": ("node", "--version"),
    "browser": ("chromium", "--version"),
}
"""What tells the version of the language."""

JS: Final = ("libp2p", "@chainsafe/libp2p-gossipsub", "@libp2p/kad-dht")
PACKAGES: Final = {
    "go": (
        "github.com/libp2p/go-libp2p",
        "github.com/libp2p/go-libp2p-pubsub",
        "github.com/libp2p/go-libp2p-kad-dht",
    ),
    "rust": ("libp2p", "libp2p-gossipsub", "libp2p-kad", "libp2p-quic"),
    "node": (*JS, "@chainsafe/libp2p-quic"),
    "browser": JS,
}
"""Of the libraries, those that a fault is most often one of."""


def versions(language: str) -> str:
    """Return the versions of a language and its libraries; without the peer, why there is none."""
    if reason := missing(language):
        return f"not here: {reason}"
    resolved = builds.versions({"node": "js", "browser": "js"}.get(language, language))
    shown = [
        f"{name.removeprefix('github.com/libp2p/')} {resolved[name]}" for name in PACKAGES[language] if name in resolved
    ]
    return ", ".join([_tool(language), *shown])


def _tool(language: str) -> str:
    try:
        told = subprocess.run(TOOLS[language], capture_output=True, check=True, text=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError) as error:
        return f"{TOOLS[language][0]} of unknown version ({error})"
    number = re.search(r"\d+(?:\.\d+)+", told)
    return f"{TOOLS[language][0]} {number[0] if number else '?'}"
