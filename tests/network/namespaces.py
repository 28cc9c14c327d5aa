"""Hosts of our own in network namespaces, cabled to one bridge: packets are dropped, the line narrowed, cables pulled.

Each namespace belongs to a child process that waits on a pipe, and has no name: when the test ends, however it does,
the pipe closes, the child ends, and the kernel takes the namespace and its cables away. The machine's own network is
not touched, and nothing leaves it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE: Final = 10.0
NETWORK: Final = "198.51.100"
"""Addresses that are for documentation: nothing on any network has them."""

INTERFACE: Final = "eth0"


class NotHereError(Exception):
    """This machine makes no namespaces, or has not the tools; the text says what is missing."""


@final
class Space:
    """One network namespace, which lasts as long as its child."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self.pid = self._child.pid
        self.inside: tuple[str, ...] = ("nsenter", f"--net=/proc/{self.pid}/ns/net")
        """What a command is to be preceded by, to run in the namespace."""

        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.write(b"\n")
            self._child.stdin.flush()
        if not self._child.stdout.readline():  # an echo comes from inside
            raise NotHereError("the kernel gives no network namespace to this user")
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *command: str) -> str:
        """Run a command in the namespace; return what it prints."""
        return _run(*self.inside, *command)

    def close(self) -> None:
        """Give the namespace back."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        self._child.wait(PATIENCE)
        self._child.stdout.close()


@final
class Host:
    """One host of the little network."""

    def __init__(self, number: int, space: Space, bridge: Space) -> None:
        self.address = f"{NETWORK}.{number}"
        self.space = space
        self._bridge = bridge
        self._port = f"port{number}"
        bridge.run(
            *("ip", "link", "add", "name", self._port, "type", "veth"),
            *("peer", "name", INTERFACE, "netns", str(self.space.pid)),
        )
        bridge.run("ip", "link", "set", self._port, "master", "bridge", "up")
        self.space.run("ip", "address", "add", f"{self.address}/24", "dev", INTERFACE)
        self.space.run("ip", "link", "set", INTERFACE, "up")

    def pull_cable(self) -> None:
        """Cut the host off. It keeps its address, and no connection is told."""
        self._bridge.run("ip", "link", "set", self._port, "down")

    def plug_in(self) -> None:
        """End `pull_cable`."""
        self._bridge.run("ip", "link", "set", self._port, "up")

    def drop(self, percent: int) -> None:
        """Have so many percent of the packets that come in dropped, at random."""
        self.space.run("nft", "add table inet loss; flush table inet loss")
        self.space.run("nft", "add chain inet loss incoming { type filter hook input priority 0; }")
        self.space.run(
            "nft", f"add rule inet loss incoming iif {INTERFACE} numgen random mod 100 < {percent} counter drop"
        )

    def dropped(self) -> int:
        """Return how many packets have been dropped."""
        words = self.space.run("nft", "list", "table", "inet", "loss").split()
        return int(words[words.index("packets") + 1])

    def narrow(self, kilobits: int) -> None:
        """Let out at most so many kilobits a second."""
        self.space.run(
            *("tc", "qdisc", "add", "dev", INTERFACE, "root"),
            *("tbf", "rate", f"{kilobits}kbit", "burst", "16kb", "latency", "400ms"),
        )


@contextlib.contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """Make `count` hosts on one bridge. Raises NotHereError where that cannot be."""
    if reason := missing():
        raise NotHereError(reason)
    with contextlib.ExitStack() as stack:
        bridge = Space()
        stack.callback(bridge.close)
        bridge.run("ip", "link", "add", "bridge", "type", "bridge")
        bridge.run("ip", "link", "set", "bridge", "up")
        made: list[Host] = []
        for number in range(1, count + 1):
            space = Space()
            stack.callback(space.close)
            made.append(Host(number, space, bridge))
        yield made


@functools.cache
def missing() -> str:
    """Return why there can be no namespaces here, or ""."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "network namespaces need root, on Linux"
    lacking = [tool for tool in ("ip", "tc", "nft", "unshare", "nsenter") if shutil.which(tool) is None]
    if lacking:
        return f"not installed: {', '.join(lacking)} (Debian: apt install iproute2 nftables util-linux)"
    try:
        Space().close()
    except (NotHereError, OSError, subprocess.SubprocessError) as error:
        return str(error)
    return ""


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode:
        raise NotHereError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
