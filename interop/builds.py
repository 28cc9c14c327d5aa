"""The small peers in other languages as programs: built once for each state of their sources, and kept.

`python -m interop.builds` builds what can be built here and says what cannot, and why: 1 is a build that has failed,
and a tool that is not installed is no failure. `--kept go rust` only says whether these are there; `--where` prints the
folder.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

HERE: Final = Path(__file__).parent
PATIENCE: Final = 1_800.0
"""Seconds that a build may take: Rust's takes five minutes on two quiet cores, without a cache."""

KEPT: Final = 8
"""Programs of one language, of other states of its sources: 40 MB each."""


class BuildError(Exception):
    """A small peer could not be built; says why."""


class NoToolError(BuildError):
    """What it is built with is not installed."""


@dataclass(frozen=True, slots=True)
class Build:
    """How a small peer is made from its folder."""

    language: str
    tool: str
    sources: tuple[str, ...]
    """Patterns, in the folder of the language."""

    command: tuple[str, ...]
    """What is run there; `{}` is the folder that the build may keep things in from one time to the next."""

    made: str
    """The program that the command makes; `{}` is as above."""

    lock: str = ""
    """Where the command writes which versions it has taken, in the folder, if they are not all among the sources."""

    @property
    def folder(self) -> Path:
        """Where its sources are."""
        return HERE / self.language

    @property
    def program(self) -> Path:
        """Where the program of these very sources is, or would be."""
        digest = hashlib.sha256()
        for path in sorted(path for pattern in self.sources for path in self.folder.glob(pattern)):
            digest.update(f"{path.relative_to(self.folder)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
        return where() / f"{self.language}-{digest.hexdigest()[:16]}"

    @property
    def kept_lock(self) -> Path:
        """Where it stands which versions the program was made of."""
        return self.program.with_suffix(".lock")

    def missing(self) -> str:
        """Return why there is no such peer here, or ""."""
        if self.program.exists():
            return ""
        if shutil.which(self.tool) is None:
            return f"{self.tool} is not installed"
        return f"the {self.language} peer is not built: make sisters"

    def make(self) -> None:
        """Build the program, if it is not there. What the tools say goes to standard error.

        Raises:
            NoToolError: what it is built with is not installed.
            BuildError: it could not be built.
        """
        if self.program.exists():
            return
        if shutil.which(self.tool) is None:
            raise NoToolError(self.missing())
        kept = where() / self.language
        kept.mkdir(parents=True, exist_ok=True)
        # Another clone may build other sources in the same folder: what it makes is not ours.
        with (kept / "building").open("wb") as building:
            if sys.platform != "win32":
                import fcntl  # noqa: PLC0415 - Windows has none

                fcntl.flock(building, fcntl.LOCK_EX)
            if not self.program.exists():
                self._make(kept)
        for old in sorted(self._programs(), key=lambda path: path.stat().st_mtime)[:-KEPT]:
            old.with_suffix(".lock").unlink(missing_ok=True)
            old.unlink(missing_ok=True)

    def _programs(self) -> list[Path]:
        """Return the programs of this language that are kept."""
        return [path for path in where().glob(f"{self.language}-*") if not path.suffix]

    def _make(self, kept: Path) -> None:
        program = self.program
        command = [part.format(kept) for part in self.command]
        try:
            subprocess.run(command, cwd=self.folder, check=True, stdout=sys.stderr, timeout=PATIENCE)
        except (OSError, subprocess.SubprocessError) as error:
            raise BuildError(f"{self.language}: {error}") from error
        if self.lock:
            shutil.copy2(self.folder / self.lock, self.kept_lock)
        # Whole or not at all, whoever looks meanwhile.
        half = program.with_suffix(f".{os.getpid()}")
        shutil.copy(self.made.format(kept), half)
        half.replace(program)


GO: Final = Build(
    "go", "go", ("go.mod", "go.sum", "*.go"), ("go", "build", "-trimpath", "-o", "{}/peer", "."), "{}/peer"
)
RUST: Final = Build(
    "rust",
    "cargo",
    ("Cargo.toml", "src/**/*.rs"),
    ("cargo", "build", "--release", "--target-dir", "{}/target"),
    "{}/target/release/peer",
    "Cargo.lock",
)
BUILDS: Final = {build.language: build for build in (GO, RUST)}


def where() -> Path:
    """Return the folder that the programs are kept in."""
    return platformdirs.user_cache_path("py-peer") / "interop"


def versions(language: str) -> dict[str, str]:
    """Return the versions of the libraries that a small peer is made of: "go", "js" or "rust".

    Of Go and JavaScript these are what its package names; of Rust the parts of rust-libp2p as they were resolved for
    the program that is kept, and nothing when none is.
    """
    if language == "go":
        mod = (GO.folder / "go.mod").read_text(encoding="utf-8")
        return dict(re.findall(r"^\t(\S+) v(\S+)$", mod, re.MULTILINE))
    if language == "js":
        return dict(json.loads((HERE / "js" / "package.json").read_text(encoding="utf-8"))["dependencies"])
    if not RUST.kept_lock.exists():
        return {}
    packages = tomllib.loads(RUST.kept_lock.read_text(encoding="utf-8"))["package"]
    return {package["name"]: package["version"] for package in packages if package["name"].startswith("libp2p")}


def main() -> int:
    """Return 0 when all that was asked for is there, or cannot be, as its tool is not installed."""
    parser = argparse.ArgumentParser(prog="python -m interop.builds", description=__doc__)
    parser.add_argument("languages", nargs="*", choices=[*BUILDS, "all"], default="all", help="which (all)")
    parser.add_argument("--kept", action="store_true", help="build nothing, only say whether they are there")
    parser.add_argument("--where", action="store_true", help="print the folder that they are kept in")
    options = parser.parse_args()
    if options.where:
        print(where())
        return 0
    failed = 0
    for build in (BUILDS[name] for name in (BUILDS if "all" in options.languages else options.languages)):
        start = time.monotonic()
        try:
            if options.kept and (reason := build.missing()):
                raise BuildError(reason)  # noqa: TRY301 - said as one that could not be built
            build.make()
        except BuildError as error:
            failed += not isinstance(error, NoToolError)
            print(f"{build.language}: not there: {error}", file=sys.stderr)
        else:
            print(f"{build.language}: {build.program.name}, {time.monotonic() - start:.1f} s", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
