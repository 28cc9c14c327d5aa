"""Repositories for tests, made by Git itself, with a history that is the same in every run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import final

import pytest

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")

_PERSON = {
    "GIT_AUTHOR_NAME": "Ada Lovelace",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "1700000000 +0100",
    "GIT_COMMITTER_NAME": "Grace Hopper",
    "GIT_COMMITTER_EMAIL": "grace@example.org",
    "GIT_COMMITTER_DATE": "1700000100 +0000",
}


@final
class GitRepository:
    """A folder with a repository in it."""

    def __init__(self, path: Path, *options: str) -> None:
        """Make `path` one; `options` are those of git init. Without any it is taken as it is if it has one."""
        self.path = path
        if not (path / ".git").exists():
            path.mkdir(parents=True, exist_ok=True)
            self.git("init", "-q", "-b", "main", *options)

    def git(self, *arguments: str | bytes, stdin: bytes = b"") -> str:
        """Return what git says, without the line's end; nothing of the user's settings counts."""
        nowhere = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(self.path)}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            input=stdin,
            stdout=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], **nowhere, **_PERSON},
            check=True,
            timeout=60,
        )
        return done.stdout.decode("utf-8", "replace").rstrip("\n")

    def commit(self, message: str, files: dict[str, bytes | None] | None = None) -> str:
        """Write files, delete those that are None, and commit all of it; return the ID."""
        for name, data in (files or {}).items():
            file = self.path / name
            if data is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "--allow-empty-message", "-m", message)
        return self.head()

    def history(self, count: int) -> list[str]:
        """Make a new repository's history in one go, of commits each of which changes one file; return their IDs."""
        stream = b""
        for number in range(count):
            message, data = b"Change %d\n\nIts reason.\n" % number, b"line %d\n" % number * 9
            stream += b"commit refs/heads/main\n"
            stream += b"author Ada Lovelace <ada@example.org> 1700000000 +0100\n"
            stream += b"committer Grace Hopper <grace@example.org> 1700000100 +0000\n"
            stream += b"data %d\n%s" % (len(message), message)
            stream += b"M 100644 inline file %d\ndata %d\n%s" % (number % 7, len(data), data)
        self.git("fast-import", "--quiet", stdin=stream)
        self.git("reset", "-q", "--hard")
        return self.git("rev-list", "--reverse", "main").split()

    def head(self) -> str:
        """Return the ID of HEAD."""
        return self.git("rev-parse", "HEAD")

    def write_object(self, raw: bytes) -> str:
        """Write a commit object as it is, however odd, and let main be it; return its ID."""
        full_id = self.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw)
        (self.path / ".git/refs/heads/main").write_text(full_id + "\n")
        return full_id
