"""Write requirements.txt from the pins in pyproject.toml, or, with --check, tell whether the two agree.

pip knows neither overrides nor constraints of a project, so it gets the finished list: every package with its version
and its hashes, and nothing else (no addresses).
"""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parent.parent
REQUIREMENTS = PROJECT / "requirements.txt"
PYPROJECT = PROJECT / "pyproject.toml"
LOCK = PROJECT / "uv.lock"

HEADER = """\
# Made by `make requirements` from the pins in pyproject.toml; for `pip install --no-deps -r requirements.txt`.
"""


def canonical(name: str) -> str:
    """Return a package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lines: list[str]) -> dict[str, str]:
    """Return name and version of each `name==version`; a line without an exact version counts as unpinned."""
    found = {}
    for line in lines:
        name, _, version = line.partition(";")[0].partition("==")
        found[canonical(re.split(r"[<>~!=\[ ]", name.strip())[0])] = version.strip().removesuffix(" \\").strip()
    return found


def pinned() -> dict[str, str]:
    """Return every pin in pyproject.toml, those of the tools included."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))
    uv = project["tool"]["uv"]
    return pins(
        [
            *project["project"]["dependencies"],
            *project["dependency-groups"]["dev"],
            *uv["override-dependencies"],
            *uv["constraint-dependencies"],
        ]
    )


def exported() -> dict[str, str]:
    """Return what requirements.txt names."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return pins([line for line in lines if line and line[0] not in " #"])


def faults() -> list[str]:
    """Return what does not agree, one sentence each."""
    ours, theirs = pinned(), exported()
    text = REQUIREMENTS.read_text(encoding="utf-8")
    direct = pins(tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["dependencies"])
    found = [f"{name} is not pinned exactly in pyproject.toml" for name, version in ours.items() if not version]
    found += [f"{name} is missing in requirements.txt" for name in direct if name not in theirs]
    found += [
        f"{name} is {version} in requirements.txt and {ours.get(name, 'absent')} in pyproject.toml"
        for name, version in theirs.items()
        if ours.get(name) != version
    ]
    found += [f"{name} has no hash in requirements.txt" for name in theirs if not _hashed(name, text)]
    if "://" in text:
        found.append("requirements.txt names an address")
    if LOCK.exists():
        # What uv resolved when it installed, tools included: a package that came in new is not pinned yet.
        locked = tomllib.loads(LOCK.read_text(encoding="utf-8"))["package"]
        found += [
            f"{package['name']} {package['version']} is installed, but pyproject.toml pins {ours.get(package['name'])}"
            for package in locked
            if "registry" in package["source"] and ours.get(package["name"]) != package["version"]
        ]
    return found


def _hashed(name: str, text: str) -> bool:
    return bool(re.search(rf"^{re.escape(name)}==[^\n]*\\\n    --hash=sha256:", text, re.MULTILINE))


def export() -> None:
    """Write requirements.txt anew."""
    uv = [found] if (found := shutil.which("uv")) else [sys.executable, "-m", "uv"]
    options = ["--format", "requirements.txt", "--no-emit-project", "--no-dev", "--no-header", "--no-annotate"]
    done = subprocess.run([*uv, "export", "--quiet", *options], check=True, capture_output=True, text=True, cwd=PROJECT)  # noqa: S603 - our own arguments
    lines = [line for line in done.stdout.splitlines() if not line.startswith("--")]
    REQUIREMENTS.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def main() -> int:
    """Write or check; return the exit code."""
    if "--check" not in sys.argv[1:]:
        export()
    found = faults()
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
