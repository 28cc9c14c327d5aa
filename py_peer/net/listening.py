"""Listening on a TCP port, and saying so when that is not possible.

py-libp2p 0.8.1 raises nothing for a taken port and sets SO_REUSEPORT, with which two py peers share one port and each
hears half of the callers. So the port is bound once with a plain socket, and closed again, before the library binds it.
Pinned by tests/net/test_listening.py.
"""

from __future__ import annotations

import errno
import socket
import sys
from typing import TYPE_CHECKING, Final

import trio
from multiaddr import Multiaddr

if TYPE_CHECKING:
    from libp2p.network.swarm import Swarm

ANY_IP4: Final = "0.0.0.0"  # noqa: S104 - a chat peer listens on every interface
ANY_IP6: Final = "::"
LOOPBACK: Final = "127.0.0.1"


class CannotListenError(Exception):
    """The port is taken, or not ours to take. The text says which, why, and what to do."""


async def listen(swarm: Swarm, port: int, *, loopback: bool = False) -> int:
    """Listen on `port` (0: a free one), on IPv4 and, where the machine has it, on IPv6; return the port.

    With `loopback`, on 127.0.0.1 alone. Raises CannotListenError.
    """
    host = LOOPBACK if loopback else ANY_IP4
    claim(socket.AF_INET, host, port)
    # A start that is cancelled between the library's socket and its bind would leave the socket open (0.8.1).
    with trio.CancelScope(shield=True):
        return await _listen(swarm, host, port)


async def _listen(swarm: Swarm, host: str, port: int) -> int:
    if not await swarm.listen(Multiaddr(f"/ip4/{host}/tcp/{port}")):
        raise CannotListenError(_taken(port))
    bound = _bound_port(swarm)
    if host != ANY_IP4:
        return bound
    try:
        claim(socket.AF_INET6, ANY_IP6, bound)
    except CannotListenError:
        return bound  # no IPv6 here, or somebody has that half of the port: IPv4 alone then
    await swarm.listen(Multiaddr(f"/ip6/{ANY_IP6}/tcp/{bound}"))
    return bound


def _bound_port(swarm: Swarm) -> int:
    for listener in swarm.listeners.values():
        for address in listener.get_addrs():
            return int(address.value_for_protocol("tcp"))
    msg = "the network library listens nowhere, and does not say why"
    raise CannotListenError(msg)


def claim(family: socket.AddressFamily, host: str, port: int) -> None:
    """Raise CannotListenError if `port` cannot be bound by a socket that does not share."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if sys.platform == "win32":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:  # a port whose last connections linger in TIME_WAIT is free; one that is listened on is not
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotListenError(_taken(port)) from error
        if error.errno == errno.EACCES:
            msg = f"port {port} needs rights that this program does not have; choose one above 1023"
            raise CannotListenError(msg) from error
        msg = f"port {port}: {error.strerror or error}"
        raise CannotListenError(msg) from error


def _taken(port: int) -> str:
    return f"port {port} is taken by another program; choose another with --port, or leave it out for a free one"
