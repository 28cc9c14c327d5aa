"""The networks that have a name, read from `networks.toml`; and `py-peer network`, which shows them."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from py_peer.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from py_peer.frontends.arguments import Arguments


@final
@dataclass(frozen=True, slots=True)
class Network:
    """A network that can be named."""

    name: str
    about: str
    protocol: str
    """What its peers speak Kademlia with."""

    public: bool
    """Whether its peers are strangers all over the Internet."""

    bootstrap: tuple[str, ...]
    """Multiaddrs of those who are asked first."""


def read_networks() -> Mapping[str, Network]:
    """Return all of them by their names."""
    table = tomllib.loads(Path(__file__).with_name("networks.toml").read_text(encoding="utf-8"))
    return {name: Network(name, **{**row, "bootstrap": tuple(row["bootstrap"])}) for name, row in table.items()}


def run(arguments: Arguments) -> int:
    """Print all networks, or the one that is named, with what the program has of it."""
    networks = read_networks()
    name = arguments.own.get("name")
    shown = list(networks.values()) if name is None else [networks[name]]
    if arguments.json:
        found = [asdict(one) for one in shown]
        print(json.dumps({"networks": found} if name is None else found[0]))
    elif name is None:
        print(*(f"{one.name:<{max(map(len, networks))}}  {one.about}" for one in shown), sep="\n")
    else:
        print(*_lines(shown[0]), sep="\n")
    return ExitCode.OK


def _lines(network: Network) -> list[str]:
    kind = "public" if network.public else "private"
    return [
        f"{network.name}: {network.about}",
        f"  Kademlia protocol: {network.protocol}",
        f"  Kind: {kind}",
        f"  Bootstrap peers: {len(network.bootstrap) or 'none'}",
        *(f"    {address}" for address in network.bootstrap),
    ]
