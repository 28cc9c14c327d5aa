"""What the measurement of our choices rests on: ours with one of them made otherwise, and tables in their places."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from libp2p.crypto.ed25519 import create_new_key_pair

from interop import builds, choices
from interop.changed import IDS, siphash_1_3
from interop.choices import CHOICES, PAGE, table, write
from py_peer.net.message_cache import message_id
from tests.net.raw_peer import signed

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

OTHERWISE = {"ids": "rust", "degrees": [6, 1, 12], "flood": False, "push": False, "known": False, "limits": {}}
LOOK = """
import json, sys
from interop import changed
from py_peer.core import limits
changed.change(json.loads(sys.argv[1]))
from py_peer.net import gossip, mesh, message_check
print(limits.MAX_RPC_OUT, gossip.message_id.__name__, message_check.message_id.__name__, mesh.DEGREE_LOW)
"""


def shown(changes: dict[str, Any]) -> list[str]:
    done = subprocess.run([sys.executable, "-c", LOOK, json.dumps(changes)], check=True, capture_output=True, text=True)
    return done.stdout.split()


def test_what_is_changed_is_what_the_program_uses() -> None:
    assert shown({"ids": "go", "degrees": [6, 4, 12], "limits": {"MAX_RPC_OUT": 7}}) == ["7", *["ids_of_go"] * 2, "4"]


def test_the_program_runs_with_every_choice_made_otherwise() -> None:
    command = [sys.executable, "-m", "interop.changed", json.dumps(OTHERWISE), "--version"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.startswith("py-peer ")


def test_the_ids_are_ours_gos_and_rusts() -> None:
    message = signed(create_new_key_pair(), "room", b"hello", 5)
    assert IDS["js"](message) == message_id(message)
    assert IDS["go"](message) == message.from_id + bytes(7) + b"\x05"
    assert IDS["rust"](message) == str(siphash_1_3(b"\x05" + bytes(7) + b"hello")).encode()


@pytest.mark.parametrize(
    ("data", "digest"),
    [(b"a", 4644417185603328019), (b"eight by", 15369927844200065709), (b"hello, room of all", 5516832933819700340)],
)
def test_siphash_is_that_of_python_without_a_key(data: bytes, digest: int) -> None:
    """`hash(data)` where PYTHONHASHSEED is 0, as CPython 3.11 and later have it."""
    assert siphash_1_3(data) == digest


def test_a_table_is_written_over_the_one_before_and_leaves_the_others(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- choice: ids -->\n<!-- /choice -->\n<!-- choice: flood -->\nkept\n<!-- /choice -->\n")
    for figure in ("0", "1"):
        write(page, {"ids": table(["a"], [[figure]])}, "how")
    assert page.read_text() == (
        "<!-- choice: ids -->\n\n| a |\n| --- |\n| 1 |\n\nhow\n\n<!-- /choice -->\n"
        "<!-- choice: flood -->\nkept\n<!-- /choice -->\n"
    )


@pytest.mark.parametrize("module", [builds, choices])
def test_what_can_be_chosen_is_shown(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["program", "--help"])
    with pytest.raises(SystemExit):
        module.main()
    shown = capsys.readouterr().out
    assert "[]" not in shown
    assert ",all}" in shown


@pytest.mark.parametrize(("named", "measured"), [([], ["a", "b"]), (["b"], ["b"])])
def test_those_choices_are_measured_that_are_named_or_all(
    named: list[str], measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def measure(name: str, _: object) -> str:
        done.append(name)
        return ""

    monkeypatch.setattr(choices, "CHOICES", {name: (partial(measure, name), ()) for name in ("a", "b")})
    monkeypatch.setattr(choices, "KINDS", {})
    monkeypatch.setattr(sys, "argv", ["program", *named])
    assert choices.main() == 0
    assert done == measured


def test_a_measurement_that_is_interrupted_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(choices, "CHOICES", {"a": (interrupted, ())})
    monkeypatch.setattr(choices, "KINDS", {})
    monkeypatch.setattr(sys, "argv", ["program"])
    assert choices.main() == 130
    assert capsys.readouterr().err == "Interrupted\n"


def test_every_choice_has_its_place_in_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [text.count(f"<!-- choice: {name} -->") for name in CHOICES] == [1] * len(CHOICES)
