"""A peer keeps its colour, and it can be read on every theme."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from py_peer.ui.colours import ON_DARK, ON_LIGHT, nick_colour, themed
from py_peer.ui.inks import MENTION_TINT

# Themes named ansi have the terminal's own colours, which are not known here.
THEMES = [name for name in BUILTIN_THEMES if not name.startswith("ansi")]
READABLE = 4.5
"""WCAG 2.2, 1.4.3: contrast of text."""


def contrast(one: Color, other: Color) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("name", THEMES)
def test_every_colour_is_readable_on_the_background_the_surface_and_a_mention_of_a_theme(name: str) -> None:
    theme = BUILTIN_THEMES[name].to_color_system().generate()
    background, surface = Color.parse(theme["background"]), Color.parse(theme["surface"])
    mention = background.blend(Color.parse(theme["accent"]), MENTION_TINT)
    for colour in ON_DARK if BUILTIN_THEMES[name].dark else ON_LIGHT:
        assert min(contrast(Color.parse(colour), behind) for behind in (background, surface, mention)) >= READABLE


@pytest.mark.parametrize("name", THEMES)
def test_what_is_well_what_is_not_and_what_is_quiet_can_be_read_on_every_theme(name: str) -> None:
    theme = BUILTIN_THEMES[name]
    colours = {**theme.to_color_system().generate(), **theme.variables}
    colours = themed(colours, dark=theme.dark, ansi=False)
    background, panel = Color.parse(colours["background"]), Color.parse(colours["panel"])
    for ink in ("text-success", "text-warning", "quiet"):
        assert contrast(Color.parse(colours[ink]), background) >= READABLE
    for ink in ("text-success", "text-warning"):  # of the own state, at the top
        assert contrast(Color.parse(colours[ink]), panel) >= READABLE


def test_a_peer_keeps_its_colour_and_peers_differ() -> None:
    peers = [f"12D3KooW{number}" for number in range(200)]
    for dark, palette in ((True, ON_DARK), (False, ON_LIGHT)):
        colours = [nick_colour(peer, dark=dark) for peer in peers]
        assert colours == [nick_colour(peer, dark=dark) for peer in peers]
        assert set(colours) == set(palette)
