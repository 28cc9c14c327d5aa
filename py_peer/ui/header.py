"""The line at the top: who one is, and how the room is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from py_peer.core.roster import State

if TYPE_CHECKING:
    from textual.app import RenderResult

STYLES = {State.READY: "bold $text-success", State.FAILED: "bold $text-error"}


@final
class Header(Widget):
    """One row: the program's name, the nickname, and at the right the own state."""

    ALLOW_SELECT: ClassVar[bool] = False
    DEFAULT_CSS: ClassVar[str] = """
    Header { height: 1; padding: 0 1; background: $panel; color: $text; }
    """

    state: reactive[State] = reactive(State.STARTING)
    peers: reactive[int] = reactive(0)
    """How many are in the room."""

    nickname: reactive[str] = reactive("")

    def __init__(self, nickname: str) -> None:
        super().__init__()
        self.set_reactive(Header.nickname, nickname)

    def render(self) -> RenderResult:
        """Return the row; what does not fit is left out from the left."""
        state = Content.styled(f"● {self._told()}", STYLES.get(self.state, "bold $text-warning"))
        room = self.size.width - state.cell_length
        names = [Content.styled("py-peer", "bold"), Content(" · "), Content(self.nickname)]
        for name in (Content.assemble(*names), Content(self.nickname)):
            if name.cell_length < room:
                return Content.assemble(name, " " * (room - name.cell_length), state)
        return state

    def _told(self) -> str:
        if self.state is State.READY:
            return "1 peer" if self.peers == 1 else f"{self.peers} peers"
        return str(self.state.value)
