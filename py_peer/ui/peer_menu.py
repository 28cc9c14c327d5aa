"""What can be done with one peer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, Final, final

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from py_peer.core.speakers import Name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from py_peer.core.events import PeerInfo

OPTIONS: Final = (
    ("Mention in the input", "mention"),
    ("Write directly (/msg)", "msg"),
    ("Copy the peer ID", "copy-id"),
    ("Copy the address", "copy-address"),
    ("Show details (/whois)", "whois"),
    ("Measure how far it is (/ping)", "ping"),
    ("Let it go (/disconnect)", "disconnect"),
)
"""What can be done with every peer: how it is called, and what the menu results in."""

IGNORE: Final = ("Show nothing more of what it says (/ignore)", "ignore")
UNIGNORE: Final = ("Show again what it says (/unignore)", "unignore")


@final
class PeerMenu(ModalScreen[str | None]):
    """Shows a peer and what can be done with it. Results in the chosen option's id, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss(None)", "Close")]
    DEFAULT_CSS: ClassVar[str] = """
    PeerMenu { align: center middle; }
    PeerMenu > VerticalScroll {
        width: 100%; max-width: 76; height: auto; max-height: 100%; scrollbar-size-vertical: 1;
        border: round $border; background: $surface; padding: 0 1;
    }
    PeerMenu OptionList {
        height: auto; max-height: 100%; padding: 0; background: $surface; scrollbar-size-vertical: 1;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    PeerMenu Static { height: auto; margin-top: 1; color: $text-muted; }
    """

    def __init__(self, peer: PeerInfo, more: Sequence[tuple[str, str]] = ()) -> None:
        """Show `peer`; `more` options, each a label and an id, come after those of every peer."""
        super().__init__()
        self._peer = peer
        self._options = (*OPTIONS, *more)

    def compose(self) -> ComposeResult:
        """Yield the details and the options."""
        with VerticalScroll(can_focus=False) as box:
            box.border_title = Content(Name(self._peer.nick, self._peer.plain).of(self._peer.peer_id))
            box.border_subtitle = "Enter: do  Esc: close"
            options = (Option(Content(label), id=key) for label, key in self._options)
            yield OptionList(*options, markup=False, compact=True)
            yield Static("\n".join(details(self._peer, time.time())), markup=False)

    def on_mount(self) -> None:
        """Let choosing begin."""
        self.query_one(OptionList).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Close with what was chosen."""
        self.dismiss(event.option_id)


def details(peer: PeerInfo, now: float) -> list[str]:
    """Return what is known of a peer, a line each. `now` in seconds since 1970."""
    minutes, seconds = divmod(max(0, int(now - peer.connected_since)), 60)
    hours, minutes = divmod(minutes, 60)
    lasted = f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds} s"
    lines = [peer.peer_id, peer.address]
    if peer.agent_version:
        lines.append(peer.agent_version)
    if peer.found:
        lines.append(f"Found {peer.found}")
    if peer.npub:
        lines.append(peer.npub)
    trip = f", {peer.rtt * 1000:.1f} ms there and back" if peer.rtt is not None else ""
    lines.append(f"Connected for {lasted}{trip}{'' if peer.in_room else ', not in the room'}")
    return lines
