"""How others are invited: a line to paste into a terminal, and a QR code."""

from __future__ import annotations

from typing import Final

QUIET_ZONE: Final = 4
"""Modules of light around a code, as ISO/IEC 18004 asks for."""

_HALVES: Final = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}
_INVERSE: Final = str.maketrans(" ▀▄█", "█▄▀ ")


def invite_line(multiaddr: str) -> str:
    """Return the command that leads to the peer at `multiaddr`."""
    return f"py-peer -c {multiaddr}"


def qr_rows(text: str, quiet: int = QUIET_ZONE) -> list[str]:
    """Return the QR code of `text` as rows of half blocks, dark on light, `quiet` modules of light around it."""
    import segno  # noqa: PLC0415 - needed only when it is asked for

    rows = [list(row) for row in segno.make_qr(text).matrix_iter(border=quiet)]
    rows += [[0] * len(rows[0])] * (len(rows) % 2)
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return ["".join(_HALVES[bool(upper), bool(lower)] for upper, lower in zip(*pair, strict=True)) for pair in pairs]


def qr_lines(text: str, columns: int | None) -> list[str]:
    """Return the lines of a QR code for a dark terminal; where it is too narrow for one, a line that says so."""
    # A code of dark blocks would have no light around it there.
    rows = [row.translate(_INVERSE) for row in qr_rows(text)]
    if columns is not None and len(rows[0]) > columns:
        return [f"(a QR code needs {len(rows[0])} columns; here are {columns})"]
    return rows
