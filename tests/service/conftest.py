"""Each test writes its system_messages.txt in a folder of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from py_peer import chatroom

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def log_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    handler = chatroom.SystemLogHandler()
    monkeypatch.setattr(chatroom.system_logger, "handlers", [handler])
    yield tmp_path / "system_messages.txt"
    handler.close()
