"""Writes the JSON Schemas of what a script reads and writes with --json; the tests hold the files to the program.

python -m scripts.schemas
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from py_peer.core.json_lines import commands_schema, events_schema

DOCS: Final = Path(__file__).parent.parent / "docs"
SCHEMAS: Final = {"events.schema.json": events_schema, "commands.schema.json": commands_schema}


def text(schema: dict[str, Any]) -> str:
    """Return what the file of a schema holds."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the files."""
    for name, schema in SCHEMAS.items():
        (DOCS / name).write_text(text(schema()), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
