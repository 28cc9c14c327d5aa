"""What names look like: two that a reader may take for one another have a form in common.

Unicode's rule (UTS 39, section 4) puts a prototype in the place of each character that looks like another one: "1" and
"I" become "l", "m" becomes "rn", and what is Cyrillic or Greek becomes Latin. Names are compared without case, width,
style, accents, spaces and punctuation, too. The prototypes of small and capital letters are not the same, so a name has
up to three forms.

Source of the table: https://www.unicode.org/Public/security/latest/confusables.txt, as the package
confusable-homoglyphs carries it. Its own module imports urllib, and knows pairs only; the file is read here.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Final

_UNSEEN: Final = re.compile(r"[\u200c-\u200f\ufe0f]")
_ACCENTS: Final = re.compile(r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
"""Marks that Latin, Greek and Cyrillic can do without. Those of other scripts are vowels, and stay."""

_ASCII: Final = {
    '"': "''",
    "%": "\u00ba/\u2080",
    "&": "\ua778",
    "0": "O",
    "1": "l",
    ";": "\u037e",
    "I": "l",
    "`": "'",
    "m": "rn",
    "|": "l",
    "}": "\u2775",
}
"""The part of the table that most names need, and every peer ID: theirs costs no reading of the file."""


def forms(name: str) -> frozenset[str]:
    """Return what a cleaned name looks like: one to three strings that are for comparing only."""
    plain = unicodedata.normalize("NFKC", _UNSEEN.sub("", name))
    return frozenset(_form(_form(variant).casefold()) for variant in (plain, plain.casefold(), plain.upper()))


def words(name: str) -> list[str]:
    """Return the words of a name, each as it would be written in the letters that it looks like."""
    return re.findall(r"\w+", _prototypes(unicodedata.normalize("NFKC", _UNSEEN.sub("", name))))


def _form(text: str) -> str:
    shown = _ACCENTS.sub("", _prototypes(text))
    return "".join(ch for ch in shown if unicodedata.category(ch)[0] in "LMN") or shown or text


def _prototypes(text: str) -> str:
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", text))
    table = _ASCII if bare.isascii() else _table()
    return unicodedata.normalize("NFD", "".join(table.get(ch, ch) for ch in bare))


@cache
def _table() -> dict[str, str]:
    """Return the prototype of each character that has one.

    Takes 40 ms, once, when the first name that is not all ASCII is compared: in their time no message is read.

    The file has each pair in both directions and does not say which is the prototype: it is the one that has several
    partners, or that is longer than a character. Of two characters that have only each other it does not matter.
    """
    raw = json.loads(files("confusable_homoglyphs").joinpath("confusables.json").read_bytes())
    table: dict[str, str] = {}
    for source, partners in raw.items():
        one, other = _UNSEEN.sub("", source), _UNSEEN.sub("", partners[0]["c"])
        if len(one) == 1 and len(partners) == 1 and (len(raw[partners[0]["c"]]), len(other), other) > (1, 1, one):
            table[one] = other
    return table
