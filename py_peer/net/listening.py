"""Listening, and saying so when that is not possible.

py-libp2p 0.8.1 raises nothing for a taken port and sets SO_REUSEPORT, with which two py peers share one port and each
hears half of the callers. So the port is bound once with a plain socket, and closed again, before the library binds it.
Pinned by tests/net/test_listening.py.
"""

from __future__ import annotations

import errno
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import trio
from multiaddr import Multiaddr

from py_peer.core.addresses import QUIC
from py_peer.core.listening import ANY_IP4, ANY_IP6, LOOPBACK, ListenAddress

if TYPE_CHECKING:
    from libp2p.network.swarm import Swarm

    from py_peer.core.settings import Transports
    from py_peer.net.quic import QUICPort

_FREE_PORTS: Final = 8
"""So many free ports are tried before it is said that there is none."""


class CannotListenError(Exception):
    """The port is taken, or not ours to take. The text says which, why, and what to do."""


async def listen(swarm: Swarm, wishes: Transports, quic: QUICPort | None = None) -> tuple[ListenAddress, ...]:
    """Listen where the user wishes; return where that is, on IPv6, too, where the machine has it.

    With `wishes.loopback`, on 127.0.0.1 alone. With `quic`, on the same ports of UDP, too, where they are free. Raises
    CannotListenError.
    """
    host = LOOPBACK if wishes.loopback else ANY_IP4
    first = await _listen(swarm, ListenAddress(host, wishes.port), udp=quic is not None)
    bound = [first]
    if not wishes.loopback:
        with suppress(CannotListenError):  # no IPv6 here, or somebody has that half of the port: IPv4 alone then
            bound.append(await _listen(swarm, ListenAddress(ANY_IP6, first.port)))
    if quic is not None:
        for one in tuple(bound):
            with suppress(OSError):  # somebody has that half of the port: TCP alone then
                bound.append(ListenAddress(one.host, quic.listen(one.host, one.port), QUIC))
    return tuple(bound)


async def _listen(swarm: Swarm, place: ListenAddress, *, udp: bool = False) -> ListenAddress:
    """Listen at a place with TCP; return it, with its port. With `udp` one that we choose is free there, too."""
    tries = 1 if place.port else _FREE_PORTS  # somebody may take a free port before we do
    for _ in range(tries):
        bound = place.at(claim(place.host, place.port))
        if udp and not place.port and not _is_free(bound, socket.SOCK_DGRAM):
            continue
        # A start that is cancelled between the library's socket and its bind would leave the socket open (0.8.1).
        with trio.CancelScope(shield=True):
            if await swarm.listen(Multiaddr(bound.text)):
                return bound
    raise CannotListenError(_taken(place.port))


def claim(host: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return `port`, or a free one for 0. Raises CannotListenError if no socket that does not share can bind it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, kind) as probe:
            if sys.platform == "win32":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            elif (
                kind == socket.SOCK_STREAM
            ):  # a port whose last connections linger in TIME_WAIT is free; one that is listened on is not
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((host, port))
            bound: int = probe.getsockname()[1]
            return bound
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotListenError(_taken(port)) from error
        if error.errno == errno.EACCES:
            msg = f"port {port} needs rights that this program does not have; choose one above 1023"
            raise CannotListenError(msg) from error
        msg = f"port {port}: {error.strerror or error}"
        raise CannotListenError(msg) from error


def _is_free(place: ListenAddress, kind: socket.SocketKind) -> bool:
    try:
        claim(place.host, place.port, kind)
    except CannotListenError:
        return False
    return True


def _taken(port: int) -> str:
    return f"port {port} is taken by another program; choose another with --port, or leave it out for a free one"
