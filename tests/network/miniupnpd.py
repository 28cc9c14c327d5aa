"""miniupnpd, as many routers at home run it, in front of a home of ours."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from typing import TYPE_CHECKING, Final, final

from tests.network.namespaces import INTERFACE
from tests.network.routers import LAN, no_routers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.network.routers import Home

PATIENCE: Final = 10.0

_CONFIGURATION: Final = f"""
ext_ifname={INTERFACE}
listening_ip={LAN}
enable_upnp=yes
secure_mode=yes
uuid=ad665b6c-953c-4f49-904e-d97b7dff1e5b
allow 1024-65535 0.0.0.0/0 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
"""

_CHAINS: Final = """
add table inet filter;
add chain inet filter miniupnpd;
add chain inet filter forward { type filter hook forward priority filter; };
add rule inet filter forward jump miniupnpd;
add chain inet filter prerouting_miniupnpd;
add chain inet filter postrouting_miniupnpd;
add chain inet filter prerouting { type nat hook prerouting priority dstnat; };
add rule inet filter prerouting jump prerouting_miniupnpd;
add chain inet filter postrouting { type nat hook postrouting priority srcnat; };
add rule inet filter postrouting jump postrouting_miniupnpd
"""
"""What it writes its rules into."""


def no_miniupnpd() -> str:
    """Return why there can be no miniupnpd here, or ""."""
    if reason := no_routers():
        return reason
    return "" if shutil.which("miniupnpd") else "not installed: miniupnpd (Debian: apt install miniupnpd-nftables)"


@final
class Miniupnpd:
    """One that runs in a router."""

    def __init__(self, home: Home, log: Path) -> None:
        self._space = home.router.space
        self._log = log

    @property
    def forwarded(self) -> str:
        """The rules by which ports are forwarded now, in nftables' words."""
        return self._space.run("nft", "list", "chain", "inet", "filter", "prerouting_miniupnpd")

    @property
    def asked(self) -> int:
        """How often it was asked to forward a port."""
        return self._log.read_text(errors="replace").count("#AddPortMapping")


@contextlib.contextmanager
def answering(home: Home, folder: Path) -> Iterator[Miniupnpd]:
    """Run it in the router of a home, to the end of the block."""
    home.router.space.run("nft", _CHAINS)
    configuration, log = folder / "miniupnpd.conf", folder / "miniupnpd.log"
    configuration.write_text(_CONFIGURATION)
    command = [*home.router.space.inside, "miniupnpd", "-d", "-f", str(configuration), "-P", str(folder / "pid")]
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            yield Miniupnpd(home, log)
        finally:
            process.terminate()
            process.wait(PATIENCE)
