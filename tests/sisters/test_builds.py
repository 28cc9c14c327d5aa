"""What the small peers in other languages are made of, and where they are kept."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from interop import builds
from interop.builds import GO, RUST, NoToolError, versions

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("language", "library"), [("go", "github.com/libp2p/go-libp2p"), ("js", "libp2p"), ("rust", "libp2p")]
)
def test_the_versions_of_the_libraries_are_told(language: str, library: str) -> None:
    told = versions(language)
    if language == "rust" and (reason := RUST.missing()):
        assert told == {}
        pytest.skip(reason)
    assert library in told
    for version in told.values():
        assert re.match(r"\d+\.\d+\.\d+", version)


def test_a_program_is_built_once_for_each_state_of_its_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(builds, "HERE", tmp_path)
    monkeypatch.setattr(builds, "where", lambda: tmp_path / "kept")
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "source").write_text("one")
    build = replace(GO, language="made", tool=sys.executable, sources=("source",), lock="lock")
    build = replace(build, command=(shutil.which("cp") or "cp", "source", "{}/program"), made="{}/program")
    with pytest.raises(NoToolError):
        replace(build, tool="no such tool").make()
    with pytest.raises(FileNotFoundError):
        build.make()  # the tool has not said which versions it took
    (folder / "lock").write_text("versions")
    assert build.missing()
    build.make()
    assert not build.missing()
    assert build.program.read_text() == "one"
    assert build.kept_lock.read_text() == "versions"
    (folder / "source").write_text("two")
    assert build.missing()
    build.make()
    assert build.program.read_text() == "two"


def test_programs_of_old_sources_are_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(builds, "HERE", tmp_path)
    monkeypatch.setattr(builds, "where", lambda: tmp_path / "kept")
    monkeypatch.setattr(builds, "KEPT", 2)
    (tmp_path / "made").mkdir()
    build = replace(GO, language="made", tool=sys.executable, sources=("source",), made="{}/program")
    build = replace(build, command=(shutil.which("cp") or "cp", "source", "{}/program"))
    programs = []
    for age, text in enumerate(("one", "two", "three")):
        (tmp_path / "made" / "source").write_text(text)
        build.make()
        programs.append(build.program)
        os.utime(build.program, (age, age))
    assert [program.exists() for program in programs] == [False, True, True]


@pytest.mark.parametrize(
    ("tool", "options", "expected"),
    [
        ("no such tool", (), 0),
        ("no such tool", ("--kept",), 1),
        (sys.executable, (), 1),
    ],
)
def test_a_tool_that_is_not_installed_is_no_failure_but_a_build_that_failed_is(
    tool: str,
    options: tuple[str, ...],
    expected: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Whichever it is, the others are built."""
    monkeypatch.setattr(builds, "HERE", tmp_path)
    monkeypatch.setattr(builds, "where", lambda: tmp_path / "kept")
    copy = shutil.which("cp") or "cp"
    for language in ("first", "second"):
        (tmp_path / language).mkdir()
        (tmp_path / language / "source").write_text(language)
    first = replace(GO, language="first", tool=tool, sources=("source",), command=(copy, "nothing", "{}/program"))
    second = replace(first, language="second", tool=sys.executable, command=(copy, "source", "{}/program"))
    second = replace(second, made="{}/program")
    monkeypatch.setattr(builds, "BUILDS", {"first": first, "second": second})
    monkeypatch.setattr(sys, "argv", ["builds", *options])
    assert builds.main() == expected
    assert "first: not there: " in capfd.readouterr().err
    assert second.program.exists() is (not options)
