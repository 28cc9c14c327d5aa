"""The release of py-libp2p that our own classes were checked against, and what is done with any other.

They reach into what the library does not promise to keep. On another release its own classes are used, which are
slower and hold a stranger to nothing, and that is said to the user. Ours are imported all the same, and so is what both
share: a release that lacks one of the names asked for there ends the program, which says that the release is the cause.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Final

CHECKED: Final = "0.8.1"
ADVICE: Final = "install py-peer again as the README says"


@cache
def installed() -> str:
    """Return which release of py-libp2p is there; "?" when nobody knows. Looking takes 0.7 ms."""
    try:
        return version("libp2p")
    except PackageNotFoundError:
        return "?"


def difference() -> str:
    """Return which release is there, and which should be, as a part of a sentence; "" when it is the one."""
    there = installed()
    if there == CHECKED:
        return ""
    name = f"py-libp2p {there}"
    if there == "?":
        name = "an unknown release of py-libp2p" if find_spec("libp2p") else "no py-libp2p"
    return f"{name} is installed, and py-peer was tested with {CHECKED} alone"


def remark(*, stock: bool = False) -> str:
    """Return what the user has to know about the classes that a node runs on; "" when they are our own.

    With `stock` he has asked for the library's. On a release that ours were not checked against there are no others.
    """
    if other := difference():
        return (
            f"WARNING: {other}. It runs on the library's own connections and GossipSub: slower, and without py-peer's "
            f"limits on what strangers may send. Please {ADVICE}."
        )
    if stock:
        return (
            f"--stock-net: this runs on py-libp2p {CHECKED}'s own connections and GossipSub, for comparing: slower, "
            "and without py-peer's limits on what strangers may send."
        )
    return ""
