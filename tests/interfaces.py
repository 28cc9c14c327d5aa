"""Interfaces that are made up."""

from __future__ import annotations

import ipaddress
from typing import Final

from py_peer.core.interfaces import Interface
from py_peer.core.listening import ANY_IP4, ANY_IP6, ListenAddress

BOTH: Final = (ListenAddress(ANY_IP4, 4001), ListenAddress(ANY_IP6, 4001))
"""TCP on all interfaces."""


def interface(name: str, *addresses: str, index: int = 1, **facts: bool) -> Interface:
    """Make an interface with addresses like 192.0.2.7/24."""
    return Interface(name, index, tuple(ipaddress.ip_interface(text) for text in addresses), **facts)
