"""One row of the log as a Strip: pieces of the text, each in its style and with its place in the text.

The place (Textual's "offset", here the character and the number of the entry) is what the mouse selects by. So a
selection stays where it is when rows are broken anew, come or go.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Final, final

from rich.cells import cell_len, get_character_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from wcwidth import iter_graphemes

from py_peer.core.entries import Delivery, Kind
from py_peer.core.patch_view import patch_spans
from py_peer.core.transcript import MESSAGES
from py_peer.core.wrapping import one_column
from py_peer.ui.colours import nick_colour
from py_peer.ui.wrapped import CLOCK_COLUMNS, RULE_COLUMNS, columns_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from py_peer.core.entries import Entry
    from py_peer.core.wrapping import Span
    from py_peer.ui.inks import Inks
    from py_peer.ui.wrapped import Wrapped

_END = itemgetter(1)
_LONG_CLUSTER: Final = 64
"""Characters: none that was cleaned is longer."""


@final
@dataclass(slots=True)
class Drawing:
    """An entry that is in view: its rows, and what is drawn over the text in which style, the later over the former.

    The spans of a layer rise and do not overlap.
    """

    entry: Entry
    wrapped: Wrapped
    style: Style
    mark_style: Style
    layers: list[tuple[Sequence[Span], Style]]

    def strip(self, row: int, width: int, selected: Span | None, selected_style: Style) -> Strip:
        """Return a row, as wide as the panel."""
        start, end = self.wrapped.rows[row]
        layers = self.layers if selected is None else [*self.layers, ([selected], selected_style)]
        segments = list(self._indent(row))
        segments += self._text(start, end, layers)
        if row == len(self.wrapped.rows) - 1:
            if self.entry.kind is Kind.DATE and row == 0:
                segments = self._rule(segments, width)
            elif self.wrapped.mark:
                segments.append(Segment(" " * (end > start) + self.wrapped.mark, self.style + self.mark_style))
        strip = Strip(segments)
        if strip.cell_length < width:
            return Strip([*segments, Segment(" " * (width - strip.cell_length), self.style)], width)
        return strip.crop(0, width)

    def _indent(self, row: int) -> Iterator[Segment]:
        if row:
            # Each column leads to the row's first character.
            style = self.style + self._place(self.wrapped.rows[row][0])
            yield from [Segment(" ", style)] * self.wrapped.indent(row)

    def _text(self, start: int, end: int, layers: list[tuple[Sequence[Span], Style]]) -> Iterator[Segment]:
        over = [
            (max(begin, start), min(stop, end), style)
            for spans, style in layers
            for begin, stop in spans[bisect_right(spans, start, key=_END) : bisect_left(spans, (end,))]
        ]
        cuts = {start, end, *(begin for begin, _, _ in over), *(stop for _, stop, _ in over)}
        text = self.wrapped.text[start:end]
        if not one_column(text):
            cuts, over = _whole_clusters(text, start, cuts, over)
        places = sorted(cuts)
        for begin, stop in pairwise(places):
            style = self.style
            for first, last, layer in over:
                if first <= begin and stop <= last:
                    style += layer
            yield Segment(self.wrapped.text[begin:stop], style + self._place(begin))

    def _place(self, character: int) -> Style:
        return Style.from_meta({"offset": (character, self.entry.number)})

    def _rule(self, segments: list[Segment], width: int) -> list[Segment]:
        free = width - columns_of(self.wrapped.text)
        if free < RULE_COLUMNS:
            return segments
        left, right = "─" * (free // 2 - 1), "─" * (free - free // 2 - 1)
        return [Segment(f"{left} ", self.style), *segments, Segment(f" {right}", self.style)]


def draw(entry: Entry, wrapped: Wrapped, inks: Inks, found: Sequence[Span], current: int | None) -> Drawing:
    """Return an entry ready to be drawn. `found` are the places to be marked, `current` is the one that one is at."""
    of = inks.of
    style = inks.base + of["mention"] if entry.mention else inks.base
    if entry.delivery is Delivery.WAITING:
        style += of["waiting"]
    elif entry.kind.value in of:
        style += of[entry.kind.value]
    layers: list[tuple[Sequence[Span], Style]] = []
    if entry.kind is not Kind.DATE:
        layers.append(([(0, CLOCK_COLUMNS)], of["time"]))
    if entry.kind in MESSAGES and entry.delivery is not Delivery.WAITING:
        layers.append(([wrapped.author], Style(color=nick_colour(entry.peer_id, dark=inks.dark), bold=True)))
    if entry.kind is Kind.PATCH:
        layers += [(spans, of[kind]) for kind, spans in patch_spans(wrapped.text).items()]
    layers += [(wrapped.links, of["link"]), (found, of["found"])]
    if current is not None:
        layers.append((found[current : current + 1], of["found-current"]))
    mark = of["refused" if entry.delivery is Delivery.REFUSED else "sent"]
    return Drawing(entry, wrapped, style, mark, layers)


def whole_cluster(text: str, place: int) -> int:
    """Return `place`, or the end of the cluster that it stands within."""
    begin = text.rfind(" ", 0, place) + 1
    if one_column(text[begin : place + 1]):
        return place
    for cluster in iter_graphemes(text[begin : place + _LONG_CLUSTER]):
        if begin >= place:
            break
        begin += len(cluster)
    return max(begin, place)


def _whole_clusters(
    text: str, start: int, cuts: set[int], over: list[tuple[int, int, Style]]
) -> tuple[set[int], list[tuple[int, int, Style]]]:
    """Move the cuts out of clusters, to their ends.

    A cluster that is not as wide as its characters together gets a piece of its own: a click in what follows would be
    counted wrong.
    """
    clusters = list(iter_graphemes(text))
    ends = list(accumulate(map(len, clusters), initial=start))
    moved = {cut: ends[bisect_left(ends, cut)] for cut in cuts}
    whole = set(moved.values())
    for index, cluster in enumerate(clusters):
        if len(cluster) > 1 and cell_len(cluster) != sum(map(get_character_cell_size, cluster)):
            whole.update(ends[index : index + 2])
    return whole, [(moved[begin], moved[stop], style) for begin, stop, style in over]
