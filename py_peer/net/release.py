"""The release of py-libp2p that our own classes were checked against, and what is done with any other.

They reach into what the library does not promise to keep. On another release its own classes are used, which are
slower and hold a stranger to nothing, and that is said to the user.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Final

CHECKED: Final = "0.8.1"


def installed() -> str:
    """Return which release of py-libp2p is there; "?" when nobody knows."""
    try:
        return version("libp2p")
    except PackageNotFoundError:
        return "?"


def is_checked() -> bool:
    """Say whether our own classes may stand in for the library's."""
    return installed() == CHECKED


def remark() -> str:
    """Return what the user has to know about the release, or ""."""
    if is_checked():
        return ""
    return (
        f"WARNING: py-libp2p {installed()} is installed, and py-peer was tested with {CHECKED} alone. It runs without "
        "its own connections: slower, and without their limits on what strangers may send. Install py-peer again as "
        "the README says."
    )
