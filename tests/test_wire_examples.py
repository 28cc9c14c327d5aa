"""The examples of docs/wire.md are what our own code says and reads."""

import re
from pathlib import Path

import pytest

from tests.wire_examples import EXAMPLES, Example

PAGE = (Path(__file__).parent.parent / "docs" / "wire.md").read_text(encoding="utf-8")
SHOWN = {
    name: bytes.fromhex(block) for name, block in re.findall(r"<!-- example: (.+) -->\n\n((?:    [0-9a-f]+\n)+)", PAGE)
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.name)
def test_an_example_of_the_page_is_what_we_send_and_what_we_read(example: Example) -> None:
    assert SHOWN[example.name] == example.made(), "python -m tests.wire_examples prints it"
    assert example.read(SHOWN[example.name]) == example.means


def test_the_page_has_no_other_example() -> None:
    assert SHOWN.keys() == {one.name for one in EXAMPLES}
    assert PAGE.count("<!-- example:") == len(SHOWN)
