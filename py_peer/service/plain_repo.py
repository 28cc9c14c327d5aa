"""A Git repository whose configuration is one file. Imported by who opens one, as dulwich is.

A configuration may include others, by any path: /dev/zero has no end, and a pipe has none that comes.
"""

from __future__ import annotations

from pathlib import Path
from typing import final

from dulwich.config import ConfigFile
from dulwich.repo import Repo

from py_peer.core import limits_git
from py_peer.service.packs import TooLargeError


@final
class PlainRepo(Repo):
    """Reads what its own configuration says; nothing that is needed here stands in an included one."""

    def get_config(self) -> ConfigFile:
        """Return the configuration. Raises TooLargeError, and OSError where it is no file."""
        path = Path(self.commondir()) / "config"
        if not path.exists():
            return ConfigFile()
        if not path.is_file():
            raise OSError("its config is no file")
        if path.stat().st_size > limits_git.MAX_CONFIG:
            raise TooLargeError(f"its config has more than {limits_git.MAX_CONFIG:,} bytes")
        return ConfigFile.from_path(path, expand_includes=False)
