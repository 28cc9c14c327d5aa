"""What is known of who can be found, in lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from py_peer.core.addresses import short_id

if TYPE_CHECKING:
    from py_peer.core.events import DiscoveryReport


def discovery_lines(report: DiscoveryReport, columns: int | None = None) -> list[str]:
    """Return the answer to /discover, for a terminal of so many columns (None: no limit)."""
    del columns
    known = [f"  - {short_id(one.peer_id)} {', '.join(one.sources)}: {one.state} {one.reason}" for one in report.peers]
    return [f"📡 Known peers ({len(known)}):", *known]
