"""`py-peer doctor` says whether a key of Nostr can be used, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from py_peer.frontends.arguments import parse_arguments
from py_peer.frontends.doctor import Level
from py_peer.frontends.doctor_nostr import check_nostr

if TYPE_CHECKING:
    from pathlib import Path

NSEC = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"
NPUB = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"


@pytest.mark.parametrize(
    ("argv", "environ", "level", "text", "advice"),
    [
        ((), {}, Level.OK, "no key: py-peer nostr key new makes one", ""),
        (("--nostr",), {}, Level.FAILURE, "There is no key of Nostr in ", "Make one with: py-peer nostr key new"),
        (("--nostr-key", "nowhere"), {}, Level.WARNING, "There is no key of Nostr in nowhere", "Make one with"),
        (("--nostr-key", "mine"), {}, Level.OK, f"{NPUB}, kept in ", ""),
        (("--nostr", "--nostr-key", "mine"), {}, Level.OK, f"{NPUB}, kept in ", ""),
        (("--nostr-key", "open"), {}, Level.WARNING, "open can be opened by others", "Close it with: chmod 600 open"),
        (("--nostr", "--nostr-key", "open"), {}, Level.FAILURE, "open can be opened by others", "chmod 600"),
        ((), {"PY_PEER_NSEC": NSEC}, Level.OK, f"{NPUB}, of PY_PEER_NSEC", ""),
        ((), {"PY_PEER_NSEC": NPUB}, Level.WARNING, "PY_PEER_NSEC (environment) holds no key", "It is an nsec"),
    ],
    ids=["none", "needed", "named", "there", "both", "open", "needed and open", "variable", "npub"],
)
def test_a_key_of_nostr_is_looked_at(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    argv: tuple[str, ...],
    environ: dict[str, str],
    level: Level,
    text: str,
    advice: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, mode in (("mine", 0o600), ("open", 0o644)):
        (tmp_path / name).write_text(NSEC)
        (tmp_path / name).chmod(mode)
    (finding,) = check_nostr(parse_arguments(["doctor", *argv], environ), environ)
    assert finding.level is level
    assert finding.text.startswith(text)
    assert advice in finding.advice
    assert NSEC not in finding.text + finding.advice
