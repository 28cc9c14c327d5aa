"""Listening, and saying so when that is not possible.

py-libp2p 0.8.1 raises nothing for a taken port and sets SO_REUSEPORT, with which two py peers share one port and each
hears half of the callers. So the port is bound once with a plain socket, and closed again, before the library binds it.
Pinned by tests/net/test_listening.py.
"""

from __future__ import annotations

import errno
import socket
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import trio
from multiaddr import Multiaddr

from py_peer.core.addresses import QUIC, TCP, WS, AddressError, parse_dial_address, with_peer
from py_peer.core.listening import ANY_IP4, ANY_IP6, LOOPBACK, ListenAddress, Wish, wished, with_websockets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from libp2p.network.swarm import Swarm
    from libp2p.peer.id import ID

    from py_peer.core.settings import Transports
    from py_peer.net.quic import QUICPort
    from py_peer.net.web_certificate import WebCertificate

_FREE_PORTS: Final = 8
"""So many free ports are tried before it is said that there is none."""


_SPOKEN: Final = {QUIC: "QUIC", WS: "WebSockets"}

_NOT_HERE: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class CannotListenError(Exception):
    """The port is taken, or not ours to take. The text says which, why, and what to do."""


class TakenError(CannotListenError):
    """Somebody else has the port."""


async def listen(
    swarm: Swarm, transports: Transports, quic: QUICPort | None = None
) -> tuple[tuple[ListenAddress, ...], str]:
    """Listen where the user wishes; return where that is, with what is spoken there, and what the user has to know.

    `quic` listens on UDP; None: these are the library's own classes, which have TCP alone here, and answer no
    WebSockets. Raises CannotListenError.
    """
    if quic is None:
        transports = replace(transports, ws=False, wss=None)
    bound: list[ListenAddress] = []
    lacking: list[ListenAddress] = []
    try:
        wishes = wished(transports)
    except AddressError as error:
        raise CannotListenError(str(error)) from error
    for wish in wishes:
        granted, taken = await _grant(swarm, quic, wish, bound)
        bound += granted
        lacking += taken
    return with_websockets(bound, ws=transports.ws, wss=transports.wss is not None), without(lacking)


def without(taken: Iterable[ListenAddress]) -> str:
    """Return what is to be said of parts of a port that somebody else has; "" when there are none."""
    return "; ".join(
        f"{'UDP ' * one.is_udp}port {one.port} of IPv{6 if one.is_ip6 else 4} is taken by another program: "
        f"no {_SPOKEN.get(one.transport, 'TCP')} there"
        for one in taken
    )


def told_by_the_user(transports: Transports, ours: ID) -> tuple[str, ...]:
    """Return the addresses that the user says are ours, with our peer ID. Raises CannotListenError."""
    peer_id = str(ours)
    told = []
    for text in transports.told:
        address = parse_dial_address(text)
        if address.peer_id is None:
            address = with_peer(address, peer_id)
        if address.peer_id != peer_id:
            msg = f"{text} is the address of another peer: ours is {peer_id}; with --announce name addresses of our own"
            raise CannotListenError(msg)
        told.append(address.text)
    return tuple(told)


async def read_certificate(transports: Transports) -> WebCertificate | None:
    """Return the certificate for WebSockets inside TLS, if there is to be one. Raises CannotListenError."""
    if transports.wss is None:
        return None
    from py_peer.net.web_certificate import WebCertificate, WebCertificateError  # noqa: PLC0415 - few have one

    try:
        return await trio.to_thread.run_sync(WebCertificate, *transports.wss)
    except WebCertificateError as error:
        raise CannotListenError(str(error)) from error


async def _grant(
    swarm: Swarm, quic: QUICPort | None, wish: Wish, bound: Sequence[ListenAddress]
) -> tuple[list[ListenAddress], list[ListenAddress]]:
    """Listen at the first of the places of a wish, and at the others as far as it can be.

    Return which those are, and which somebody else has.
    """
    first, *others = wish.places
    if any(one.covers(first) for one in bound):
        return [first], []
    for _ in range(1 if first.port else _FREE_PORTS):  # somebody may take a free port before we do
        place = first.at(claim(first, wish.option))
        if not first.port and not all(_is_free(one.at(place.port)) for one in others if one.is_udp):
            continue
        if await _listen(swarm, quic, place):
            break
    else:
        raise CannotListenError(_taken(first, wish.option))
    granted, taken = [place], []
    for other in (one.at(place.port) for one in others):
        try:
            if not any(one.covers(other) for one in (*bound, *granted)):
                claim(other)
                if not await _listen(swarm, quic, other):
                    raise TakenError  # noqa: TRY301 - somebody was faster
            granted.append(other)
        except TakenError:
            taken.append(other)
        except CannotListenError:  # no IPv6 here
            continue
    return granted, taken


async def _listen(swarm: Swarm, quic: QUICPort | None, place: ListenAddress) -> bool:
    """Listen at a place that was free just now; return whether it still was."""
    if quic is None and place.transport != TCP:
        msg = f"{place.text}: the network library's own classes, on which this runs, listen on TCP alone here"
        raise CannotListenError(msg)
    if quic is not None and place.is_udp:
        try:
            quic.listen(place.host, place.port)
        except OSError:
            return False
        return True
    # A start that is cancelled between the library's socket and its bind would leave the socket open (0.8.1).
    with trio.CancelScope(shield=True):
        return await swarm.listen(Multiaddr(place.over(TCP).text))


def _is_free(place: ListenAddress) -> bool:
    try:
        claim(place)
    except TakenError:
        return False
    except CannotListenError:  # nobody has it, for it cannot be had here
        return True
    return True


def claim(place: ListenAddress, option: str = "--port") -> int:
    """Return the port of a place, or a free one for 0.

    Raises CannotListenError if no socket that does not share can bind it; `option` is the one to choose another with.
    """
    family = socket.AF_INET6 if place.is_ip6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM if place.is_udp else socket.SOCK_STREAM) as probe:
            if sys.platform == "win32":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            elif not place.is_udp:
                # A port whose last connections linger in TIME_WAIT is free; one that is listened on is not.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if place.is_ip6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((place.host, place.port))
            bound: int = probe.getsockname()[1]
            return bound
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise TakenError(_taken(place, option)) from error
        if error.errno == errno.EACCES:
            msg = f"{_shown(place)} needs rights that this program does not have; choose one above 1023 with {option}"
        elif error.errno in _NOT_HERE and place.host in (ANY_IP4, ANY_IP6):
            msg = f"this machine has no IPv{6 if place.is_ip6 else 4} now; with {option} listen elsewhere"
        elif error.errno in _NOT_HERE:
            every = f"/ip6/{ANY_IP6}" if place.is_ip6 else f"/ip4/{ANY_IP4}"
            msg = f"{place.host} is no address of this machine; with {option} name one, or {every} for all"
        else:
            msg = f"{_shown(place)}: {error.strerror or error}"
        raise CannotListenError(msg) from error


def _taken(place: ListenAddress, option: str) -> str:
    free = ", or 0 for a free one" if place.port and option != "--port" else ", or leave it out for a free one"
    return f"{_shown(place)} is taken by another program; choose another with {option}{free}"


def _shown(place: ListenAddress) -> str:
    at = "" if place.host in (ANY_IP4, LOOPBACK) else f" of {place.host}"
    return f"{'UDP ' * place.is_udp}port {place.port}{at}"
