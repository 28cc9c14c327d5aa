"""What is asked for and cannot be had together, or is one wish in place of another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from py_peer.core.topics import ROOM_TOPIC
from py_peer.frontends.configuration import ConfigurationError, Source, resolve
from py_peer.frontends.options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from py_peer.frontends.configuration import Held

_EITHER: Final = (("identity", "ephemeral"), ("listen", "port"))
"""Of which one alone can be had."""


def resolve_together(given: Mapping[str, Any], environ: Mapping[str, str], command: str) -> dict[str, Held]:
    """Return what holds, as `resolve` does, and can be had together. Raises ConfigurationError."""
    held = resolve(given, environ)
    if reason := _contradiction(held, command):
        raise ConfigurationError(reason)
    for pair in _EITHER:
        if all(held[name].value for name in pair):  # a key named now undoes a kept wish for none, and so on
            weaker, stronger = sorted(pair, key=lambda name: held[name].source)
            held[weaker] = replace(held[stronger], value=OPTIONS[weaker].default)
    return held


def _contradiction(held: Mapping[str, Held], command: str) -> str:
    """Return why what is asked for cannot be had together, or ""."""
    if held["demo"].value:
        for name in _NOT_IN_A_DEMO:
            if held[name].value and held[name].source is held["demo"].source:
                return f"argument --demo: it meets nobody but its own company; leave {OPTIONS[name].flags[-1]} out"
    if held["mdns_interface"].value and not held["mdns"].value and is_as_strong(held, "mdns_interface", "mdns"):
        return f"{place_of(held, 'mdns_interface')}: mDNS is off, as {place_of(held, 'mdns')} says; leave one out"
    if reason := _listening_contradiction(held):
        return reason
    full_screen = "demo" if held["demo"].value else "ui"
    for name in () if command else ("json", "oneshot"):
        if held[name].value is not None and held[name].value and is_as_strong(held, full_screen, name):
            return f"argument --{name}: the full screen has no use for it; leave --{full_screen} out"
    return _wire_contradiction(held) or _key_contradiction(held)


def _wire_contradiction(held: Mapping[str, Held]) -> str:
    """Return why the wire that is asked for could never be spoken, or "": in a chat a topic can be joined later."""
    wire, silent = held["wire"], held["headless"].value and not held["json"].value
    if (
        wire.source is not Source.FLAG
        or wire.value == OPTIONS["wire"].default
        or set(held["topic"].value) - {ROOM_TOPIC}
    ):
        return ""
    if held["oneshot"].value is None and not silent:
        return ""
    return "argument --wire: the room has its own, and no other topic is named; add --topic"


def _key_contradiction(held: Mapping[str, Held]) -> str:
    """Return why the keys that are asked for cannot be had together, or ""."""
    if held["identity"].value and held["ephemeral"].value and held["identity"].source is held["ephemeral"].source:
        places = place_of(held, "ephemeral"), place_of(held, "identity")
        return f"{places[0]}: no key is kept, but {places[1]} names one; leave one out"
    for name in ("identity", "ephemeral") if held["secret_key_seed"].value is not None else ():
        if held[name].value and held[name].source is held["secret_key_seed"].source:
            places = place_of(held, "secret_key_seed"), place_of(held, name)
            return f"{places[0]}: it says which key this run has, and so does {places[1]}; leave one out"
    return ""


_LISTENING: Final = ("listen", "announce", "ws", "wss_cert", "wss_key")
_NOT_IN_A_DEMO: Final = (
    *("connect", "bootstrap", "kademlia", "network", "mdns_interface", "relay", "relay_server", "secret_key_seed"),
    *_LISTENING,
)


def _listening_contradiction(held: Mapping[str, Held]) -> str:
    """Return why what is asked for of where we listen cannot be had together, or ""."""
    listen = held["listen"].value
    if listen and held["port"].value and held["listen"].source is held["port"].source:
        places = place_of(held, "listen"), place_of(held, "port")
        return f"{places[0]}: it says on which ports to listen, and so does {places[1]}; leave one out"
    for name, other in (("wss_cert", "wss_key"), ("wss_key", "wss_cert")):
        if held[name].value and not held[other].value:
            return f"{place_of(held, name)}: a certificate and its key go together; add {OPTIONS[other].flags[-1]}"
    if not held["wss_cert"].value and (wss := [one for one in listen if one.endswith("/tls/ws")]):
        return f"{place_of(held, 'listen')}: {wss[0]} is answered with a certificate; add --wss-cert and --wss-key"
    return _transport_contradiction(held)


def _transport_contradiction(held: Mapping[str, Held]) -> str:
    """Return why a transport that is asked for cannot be had, or ""."""
    from py_peer.core.addresses import QUIC  # noqa: PLC0415 - not for --help

    listen, ws = held["listen"].value, held["ws"].value
    quic = [one for one in listen if one.endswith(f"/{QUIC}")]
    if quic and not held["quic"].value and held["quic"].source >= held["listen"].source:
        says = f"{quic[0]} is QUIC, which is off, as {place_of(held, 'quic')} says"
        return f"{place_of(held, 'listen')}: {says}; leave one out"
    websockets = "wss_cert" if held["wss_cert"].value else "ws" if ws is not False else ""
    if websockets and quic and len(quic) == len(listen) and isinstance(ws, bool):
        places = place_of(held, websockets), place_of(held, "listen")
        return f"{places[0]}: WebSockets are on TCP, of which {places[1]} names no port; name one, too"
    for name, lacking in _NOT_ON_STOCK.items() if held["stock_net"].value else ():
        if held[name].value is not False and held[name].value not in (None, "", ()):  # a port may be 0
            return f"{place_of(held, name)}: py-libp2p's own classes {lacking}; leave --stock-net out"
    if held["stock_net"].value and (other := [one for one in listen if one.endswith(("/ws", f"/{QUIC}"))]):
        says = f"py-libp2p's own classes listen on TCP alone here, not at {other[0]}"
        return f"{place_of(held, 'listen')}: {says}; leave --stock-net out"
    return ""


_NOT_ON_STOCK: Final = {
    "wss_cert": "answer no WebSockets here",
    "ws": "answer no WebSockets here",
    "relay": "use no relay here",
    "relay_server": "are no relay here",
}


def is_as_strong(held: Mapping[str, Held], name: str, other: str) -> bool:
    """Whether a switch is on, and nothing that is nearer to the user speaks for the other."""
    return bool(held[name].value) and held[name].source >= held[other].source


def place_of(held: Mapping[str, Held], name: str) -> str:
    """Return where an option was given, in words."""
    one = held[name]
    if one.source is Source.FILE:
        return f"{one.origin}: key {name!r}"
    return f"{one.origin} (environment)" if one.source is Source.ENVIRONMENT else f"argument {one.origin}"
