"""Parts of py-libp2p that a chat never uses are loaded when they are used, and not before.

`import libp2p` (0.8.1) imports all that the library can do: QUIC and WebSocket, relays, its own mDNS, certificates from
an authority, metrics, name servers, RSA. Without that it is 694 modules instead of 1,339, half of the CPU time, and
54 MB instead of 91. A stand-in takes the place of each module named below. Nothing is faked: the stand-in is the
module, not yet run, and the first use of anything in it runs it, there and then. So it is with a package, whose modules
can be imported without it.

Most of the library says `from module import Name`, for which something has to be there. For the names listed here it
is a `_Later`, which finds the real one when it is called, when something of it is asked for, or when it is part of a
class or of a type. They were checked to be used in no other way. Whoever asks for any other name has the module run
at once.

On another release than the one checked nothing of this is done. A module that has moved is imported as it comes, and
a name that is gone is missed when it is used, and not when it is imported: nothing breaks that would not without this.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.machinery import PathFinder
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast, final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec

PARTS: Final[dict[str, frozenset[str]]] = {
    name: frozenset(names)
    for name, names in {
        # Certificates from an authority: requests, httpx and all that they import.
        "libp2p.security.tls.autotls.acme": ("ACMEClient", "compute_b36_peer_id"),
        "libp2p.security.tls.autotls.broker": ("BrokerClient",),
        # Other ways to be found: zeroconf, dnspython, miniupnpc.
        "libp2p.discovery.bootstrap": (),
        "libp2p.discovery.bootstrap.bootstrap": ("BootstrapDiscovery",),
        "libp2p.discovery.mdns": (),
        "libp2p.discovery.mdns.mdns": ("MDNSDiscovery", "create_mdns_discovery"),
        "libp2p.discovery.upnp.upnp": ("UpnpManager",),
        "multiaddr.resolvers": ("DNSResolver",),
        # Relays, Kademlia (its messages are used without it) and Bitswap.
        "libp2p.kad_dht": (),
        "libp2p.relay": (),
        "libp2p.relay.circuit_v2": (),
        # Peers kept in databases.
        "libp2p.peer.persistent": tuple(
            f"create_{kind}_peerstore"
            for one in ("sync", "async")
            for kind in (one, f"{one}_sqlite", f"{one}_memory", f"{one}_leveldb", f"{one}_rocksdb")
        ),
        # Other transports: aioquic, trio-websocket.
        "libp2p.transport": (),
        "libp2p.transport.quic.stream": ("QUICStream",),
        "libp2p.transport.quic.transport": ("QUICTransport",),
        "libp2p.transport.quic.utils": ("is_quic_multiaddr",),
        # Other keys and other security than Noise: pycryptodome.
        "libp2p.crypto.rsa": (
            "RSAPrivateKey",
            "RSAPrivateKey.from_bytes",
            "RSAPublicKey",
            "RSAPublicKey.from_bytes",
            "create_new_key_pair",
        ),
        "libp2p.security": (),
        "libp2p.security.pnet.protector": ("new_protected_conn",),
        "libp2p.security.secio.transport": (),
        # Metrics: prometheus-client and its web server.
        "prometheus_client": ("Counter", "Histogram"),
        "libp2p.rcmgr.prometheus_exporter": ("PrometheusExporter", "create_prometheus_exporter"),
    }.items()
}
"""What is put off: the names of modules, and for each those of its names that may be imported without running it."""

_running = RLock()


def put_off() -> None:
    """Have the parts put off that are not imported yet, if this is the release that was checked."""
    sys.meta_path.insert(0, _Finder())


@cache
def _is_checked() -> bool:
    from py_peer.net.release import CHECKED, installed  # noqa: PLC0415 - 25 modules; front-ends need none of the library

    return installed() == CHECKED


@final
class _Finder:  # of importlib.abc are only the types: it costs 10 ms
    """Finds the parts where they are, and nothing else."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a part is, with a loader that does not run it."""
        del target
        if fullname not in PARTS or not _is_checked():
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and spec.loader is not None:
            spec.loader = cast("Loader", _Loader(spec.loader))
        return spec


@final
class _Loader:
    """Makes the stand-in of a part."""

    def __init__(self, real: Loader) -> None:
        self.real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return what the real loader makes."""
        return self.real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Make a stand-in of the module, instead of running it."""
        module.__class__ = _Part


class _Part(ModuleType):
    """A module that runs at the first use of something in it. From then on it is a module like any other."""

    def __getattr__(self, name: str) -> Any:
        if name in PARTS[self.__name__]:
            return _Later(self, name)
        if name == "__path__":  # asked of each module on the way to another; a package has it from the beginning
            raise AttributeError(name)
        _run(self)
        return getattr(self, name)


def _run(module: ModuleType) -> None:
    """Run a part, if nobody has. Raises what it raises, and is tried again then at its next use."""
    spec = module.__spec__
    with _running:
        if isinstance(module, _Part) and spec is not None and isinstance(spec.loader, _Loader):
            spec.loader, late = spec.loader.real, spec.loader
            module.__loader__ = spec.loader
            module.__class__ = ModuleType
            try:
                spec.loader.exec_module(module)
            except BaseException:
                spec.loader = module.__loader__ = late
                module.__class__ = _Part
                raise


@final
class _Later:
    """A name of a part that may not have run yet."""

    def __init__(self, part: ModuleType, name: str) -> None:
        self._part = part
        self._name = name

    def _real(self) -> Any:
        _run(self._part)
        real: Any = self._part
        for name in self._name.split("."):
            real = getattr(real, name)
        return real

    def __getattr__(self, name: str) -> Any:
        path = f"{self._name}.{name}"
        return _Later(self._part, path) if path in PARTS[self._part.__name__] else getattr(self._real(), name)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._real()(*arguments, **named)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, self._real())

    def __or__(self, other: Any) -> Any:
        return self._real() | other

    def __ror__(self, other: Any) -> Any:
        return other | self._real()

    def __mro_entries__(self, bases: tuple[object, ...]) -> tuple[type, ...]:
        return (self._real(),)
