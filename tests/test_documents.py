"""The documents say what the program does, and nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from py_peer.core import commands
from py_peer.core.exit_codes import ExitCode
from py_peer.frontends import options, sub_commands
from py_peer.frontends.arguments import parse_arguments

PROJECT = Path(__file__).parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [
    PROJECT / "README.md",
    PROJECT / "CONTRIBUTING.md",
    PROJECT / "CHANGELOG.md",
    *(PROJECT / "docs").glob("*.md"),
]


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("commands", commands.markdown_table()),
        ("options", options.markdown_table()),
        ("sub-commands", sub_commands.markdown_table()),
    ],
)
def test_the_tables_in_the_readme_are_those_of_the_program(name: str, table: str) -> None:
    shown = re.search(f"<!-- {name} -->\n(.*?)<!-- /{name} -->", README, re.DOTALL)
    assert shown is not None
    assert shown[1] == table


def test_the_configuration_in_the_readme_can_be_used(tmp_path: Path) -> None:
    example = re.search(r"configuration file itself:\n\n(.*?)\n\n", README, re.DOTALL)
    assert example is not None
    file = tmp_path / "config.toml"
    file.write_text(example[1], encoding="utf-8")
    found = parse_arguments(["--config", str(file)], {})
    assert found.ui
    assert found.log_file == str(tmp_path / "debug.log")


def test_every_option_that_help_shows_is_in_the_readme_and_the_other_way_round() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "py_peer", "--help"], check=True, capture_output=True, encoding="utf-8", cwd=PROJECT
    )
    offered = set(re.findall(r"^  (?:-\w[^,]*, )?(--[a-z-]+)", done.stdout, re.MULTILINE))
    rows = "\n".join(line for line in README.splitlines() if line.startswith("| `-"))
    assert offered == set(re.findall(r"`(--[a-z-]+)", rows))


def test_every_exit_code_of_this_version_is_in_the_readme() -> None:
    listed = {int(number) for number in re.findall(r"^\| (\d) \|", README, re.MULTILINE)}
    assert listed == {int(code) for code in ExitCode}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_links_to_is_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text.lower(), re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading).replace(" ", "-") for heading in headings}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in anchors
        elif not target.startswith("https://"):
            assert (document.parent / target).exists(), target


def test_every_make_target_that_a_document_names_exists() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        named = set(re.findall(r"(?:`|^    )make ([a-z][a-z-]+)", text, re.MULTILINE))
        assert named <= targets, document


def test_every_module_that_the_architecture_names_exists() -> None:
    text = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for path in re.findall(r"`((?:core|net)/\w+\.py)`", text):
        assert (PROJECT / "py_peer" / path).exists(), path
