"""`py-peer nostr watch`: what relays of Nostr bring, a line an event, until it is ended. It runs no peer."""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from py_peer.core.exit_codes import ExitCode
from py_peer.core.nostr_events import NostrHeard
from py_peer.frontends.errand import tell
from py_peer.frontends.leaving import leave_at_once_on_signals
from py_peer.frontends.lines import event_lines
from py_peer.frontends.nostr_lines import not_shown
from py_peer.frontends.screen import Screen

if TYPE_CHECKING:
    from py_peer.core.events import Event
    from py_peer.frontends.arguments import Arguments


def run(arguments: Arguments) -> int:
    """Print events as they come, and on standard error how the relays are; return 0 when it has been enough."""
    relays = arguments.settings.nostr_relays
    if not relays:
        print("py-peer: No relay is named that could be watched: --nostr-relay URL names one", file=sys.stderr)
        return ExitCode.USAGE
    from py_peer.service.nostr_watch import watch  # noqa: PLC0415 - not where no relay is named

    screen = Screen(sys.stdout)
    counters: Counter[str] = Counter()
    leave_at_once_on_signals("", ExitCode.OK, lambda: "".join(f"{line}\n" for line in not_shown(counters)))

    def show(event: Event) -> bool:
        if not isinstance(event, NostrHeard):
            tell(*event_lines(event))
        elif arguments.json:
            from py_peer.core.json_lines import event_line  # noqa: PLC0415 - costs 40 ms, with --json only

            screen.show([event_line(event, time.time())])
        else:
            screen.show(event_lines(event, screen.columns()))
        return not screen.broken

    watch(relays, show, counters, everything=arguments.own["all"], count=arguments.own["count"])
    tell(*not_shown(counters))
    if screen.fault:
        print(f"py-peer: standard output cannot be written: {screen.fault}", file=sys.stderr)
        return ExitCode.FAULT
    return ExitCode.OK
