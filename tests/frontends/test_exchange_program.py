"""Real programs exchange a file and direct messages, written to as a shell script writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from py_peer.core.exit_codes import ExitCode
from tests.frontends.programs import Piped, run_to_its_end

if TYPE_CHECKING:
    from pathlib import Path

    from tests.frontends.programs import Program

BODY = bytes(range(256)) * 4_096


def test_a_script_of_three_lines_has_its_file_and_its_message_delivered(
    programs: list[Program], tmp_path: Path
) -> None:
    (tmp_path / "my notes.txt").write_bytes(BODY)
    ann = Piped(["--nick", "Ann Lee", "--no-intro"], tmp_path)
    programs.append(ann)
    address = ann.address()
    ann.send("/share my notes.txt\n/share nothing.txt\n")
    ann.expect(r"^📎 You offer my notes\.txt \(1\.0 MB\); others fetch it with /get [a-z2-7]{16}$")
    ann.expect(r"^❌ Not shared: .*nothing\.txt: ")
    options = ("--nick", "Bob", "--no-intro", "--connect", address, "--downloads", str(tmp_path / "bob"))
    script = '/get my notes.txt\n/msg "Ann Lee" thank you\n/quit\n'
    bob = run_to_its_end(tmp_path, *options, given=script)
    assert bob.returncode == ExitCode.OK, bob.stdout
    assert (tmp_path / "bob" / "my notes.txt").read_bytes() == BODY
    assert "✓ Fetched my notes.txt (1.0 MB) in " in bob.stdout
    assert "📨 [DM to Ann Lee(" in bob.stdout
    ann.expect(r"^📩 \[DM from (a stranger, )?Bob\(\w+\)\]: thank you$")
    ann.expect(r"^📎 Bob(\(\w+\))? has fetched my notes\.txt$")
