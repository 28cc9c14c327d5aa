"""Interfaces that are made up."""

from __future__ import annotations

import ipaddress

from py_peer.core.interfaces import Interface


def interface(name: str, *addresses: str, index: int = 1, **facts: bool) -> Interface:
    """Make an interface with addresses like 192.0.2.7/24."""
    return Interface(name, index, tuple(ipaddress.ip_interface(text) for text in addresses), **facts)
