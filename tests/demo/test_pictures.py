"""The pictures of the README tell nothing of the machine on which they were made, and ask nobody for anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.pictures import PICTURES, faults, without_fonts

FONTS = (
    '<style>@font-face {\n font-family: "F";\n src: url("https://example.org/f.woff2");\n }\n .a { fill: red }</style>'
)


def test_there_are_pictures() -> None:
    assert (PICTURES / "room.svg").exists()


@pytest.mark.parametrize("picture", sorted(PICTURES.glob("*.svg")), ids=lambda picture: picture.name)
def test_a_picture_holds_nothing_that_it_must_not(picture: Path) -> None:
    assert not faults(picture.read_text(encoding="utf-8"))


def test_no_font_is_fetched() -> None:
    assert faults(FONTS)
    assert not faults(without_fonts(FONTS))
    assert ".a { fill: red }" in without_fonts(FONTS)


@pytest.mark.parametrize("text", ["/ip4/192.0.2.7/tcp/4001", "/ip6/2001:db8::1/tcp/4001", str(Path.home())])
def test_addresses_and_paths_of_the_machine_are_found(text: str) -> None:
    assert faults(f"<text>{text}</text>")
    assert not faults("<text>/ip4/127.0.0.1/tcp/4001</text>")
