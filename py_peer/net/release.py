"""The release of py-libp2p that our own classes were checked against, and what is done with any other.

They reach into what the library does not promise to keep. On another release its own classes are used, which are
slower and hold a stranger to nothing, and that is said to the user.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final

CHECKED: Final = "0.8.1"


@cache
def installed() -> str:
    """Return which release of py-libp2p is there; "?" when nobody knows. Looking takes 0.7 ms."""
    try:
        return version("libp2p")
    except PackageNotFoundError:
        return "?"


def remark(*, stock: bool = False) -> str:
    """Return what the user has to know about the classes that a node runs on; "" when they are our own.

    With `stock` he has asked for the library's. On a release that ours were not checked against there are no others.
    """
    there = installed()
    if there != CHECKED:
        return (
            f"WARNING: py-libp2p {there} is installed, and py-peer was tested with {CHECKED} alone. It runs on the "
            "library's own connections and GossipSub: slower, and without py-peer's limits on what strangers may send. "
            "Install py-peer again as the README says."
        )
    if stock:
        return (
            f"--stock-net: this runs on py-libp2p {there}'s own connections and GossipSub, for comparing: slower, and "
            "without py-peer's limits on what strangers may send."
        )
    return ""
