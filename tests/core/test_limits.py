"""The files of limits are one table: no name stands in two of them, and nobody reads a file by itself."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import py_peer
from py_peer.core import limits

FILES = [f"{limits.__name__}.{file.name}" for file in pkgutil.iter_modules(limits.__path__)]


def test_a_limit_stands_in_one_file() -> None:
    names = [name for file in FILES for name in vars(importlib.import_module(file)) if name.isupper()]
    assert len(names) > 400
    assert len(names) == len(set(names))
    assert set(names) <= vars(limits).keys()


def test_a_limit_is_read_where_a_test_can_set_it() -> None:
    sources = Path(py_peer.__file__).parent.rglob("*.py")
    read = {path.name for path in sources if re.search(r"core\.limits\.\w", path.read_text())}
    assert read <= {"__init__.py"}
