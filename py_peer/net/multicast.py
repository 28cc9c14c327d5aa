"""Sockets for mDNS, each for one interface and one IP version; and what their errors mean in words."""

from __future__ import annotations

import errno
import socket
import struct
import sys
from typing import TYPE_CHECKING, Final

from py_peer.net.mdns_packets import PORT

if TYPE_CHECKING:
    from py_peer.core.interfaces import Interface

GROUP4: Final = "224.0.0.251"
GROUP6: Final = "ff02::fb"
HOPS: Final = 255

_IP_MULTICAST_ALL: Final = 49
"""Linux; Python has no name for it. Switched off, a socket hears what came by the interface on which it joined."""

_IS_LINUX: Final = sys.platform.startswith("linux")

_WORDS: Final = {
    errno.EACCES: "the system does not allow it",
    errno.EPERM: "the system or a firewall does not allow it",
    errno.EADDRINUSE: f"port {PORT} is held by a program that does not share it",
    errno.EADDRNOTAVAIL: "the interface has no address that is ready",
    errno.ENODEV: "the interface does no multicast",
    errno.ENETUNREACH: "the interface has no way to the group",
    errno.ENETDOWN: "the interface is down",
    errno.EAFNOSUPPORT: "this machine does not speak it",
}


def open_socket(interface: Interface, version: int) -> socket.socket:
    """Return a socket that hears what is said to the group on one interface, and speaks there. Raises OSError."""
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Others on this machine speak mDNS, too. On Linux not with SO_REUSEPORT, which some of them set: of the sockets
        # with it, on whichever interface, only one gets a packet (seen with 6.18).
        if hasattr(socket, "SO_REUSEPORT") and not _IS_LINUX:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if version == 4:
            _join4(made, interface)
        else:
            _join6(made, interface.index)
    except BaseException:
        made.close()
        raise
    return made


def _join4(made: socket.socket, interface: Interface) -> None:
    own = next(address.ip for address in interface.addresses if address.version == 4).packed
    # At the group's own address, where that is possible: what is sent to this machine alone is for the system's mDNS.
    made.bind((GROUP4 if _IS_LINUX else "", PORT))
    made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
    made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, HOPS)
    made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
    made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP4) + own)
    if _IS_LINUX:
        made.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)


def _join6(made: socket.socket, index: int) -> None:
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if _IS_LINUX:
        made.bind((GROUP6, PORT, 0, index))
    else:
        made.bind(("", PORT))
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, HOPS)
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 1)
    group = socket.inet_pton(socket.AF_INET6, GROUP6)
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group + struct.pack("@I", index))


def group(version: int, index: int) -> tuple[str, int] | tuple[str, int, int, int]:
    """Return where to send what everybody on an interface is to hear."""
    return (GROUP4, PORT) if version == 4 else (GROUP6, PORT, 0, index)


def in_words(error: OSError) -> str:
    """Return why there is no mDNS on an interface."""
    return _WORDS.get(error.errno or 0) or error.strerror or str(error)
