"""What a chat never uses of the library is not loaded, is there whole when it is used, and breaks nothing."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import libp2p
import pytest

from py_peer.net import lazy_library
from tests.frontends.programs import DEADLINE, ROOT, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UNUSED: Final = frozenset(
    {
        *("Crypto.PublicKey", "OpenSSL", "aioquic", "cbor2", "dns", "httpx", "prometheus_client.metrics", "requests"),
        *("trio_websocket", "difflib", "dulwich", "prompt_toolkit", "textual", "urllib.request", "wcwidth", "zeroconf"),
    }
)
"""What is imported by the parts that are put off, and by our own modules for what a chat does not do yet."""

CHAT: Final = f"""
import sys, trio
import py_peer.main, py_peer.headless, py_peer.frontends.printer, py_peer.frontends.piped, py_peer.service.session
from tests.net.support import member, until

async def chat():
    async with member() as one, member() as other:
        await one.dial(other)
        await one.say(b"hello")
        await until(lambda: other.texts() == [b"hello"])
        await until(lambda: one.seen.count("identified") and one.seen.count("pinged"))

trio.run(chat)
print(sorted({UNUSED!r} & sys.modules.keys()))
"""

EVERY_PART: Final = """
import importlib, types
import py_peer.net.node
from py_peer.net.lazy_library import PARTS

parts = [importlib.import_module(name) for name in PARTS]
print(all(type(part) is not types.ModuleType for part in parts))
for part, listed in zip(parts, PARTS.values()):
    late = {name: getattr(part, name) for name in listed if "." not in name}
    assert not hasattr(part, "no_such_name")  # whoever asks has it run
    assert type(part) is types.ModuleType, part
    for path in listed:
        name, _, inner = path.partition(".")
        real = getattr(part, name)
        assert late[name].__name__ == real.__name__, path
        assert not inner or getattr(late[name], inner)._real() == getattr(real, inner), path
print(len(parts))
"""


def run(script: str) -> str:
    """Run a script in a Python of its own and return what it prints."""
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, env=environment(), cwd=ROOT, timeout=DEADLINE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_peers_meet_and_talk_and_nothing_is_loaded_for_what_they_do_not_do() -> None:
    assert run(CHAT) == "[]\n"


def test_every_part_is_there_when_it_is_used_with_all_that_is_expected_of_it() -> None:
    assert run(EVERY_PART) == f"True\n{len(lazy_library.PARTS)}\n"


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ModuleType]]:
    """A maker of modules that are put off: it is given the text of one and which of its names may be late."""
    monkeypatch.syspath_prepend(tmp_path)
    names: list[str] = []

    def make(text: str, *late: str) -> ModuleType:
        names.append(f"made_up_part_{len(names)}")
        (tmp_path / f"{names[-1]}.py").write_text(text)
        monkeypatch.setitem(lazy_library.PARTS, names[-1], frozenset(late))
        return importlib.import_module(names[-1])

    yield make
    for name in names:
        sys.modules.pop(name, None)


COUNTING: Final = """
import sys
sys.runs = getattr(sys, "runs", 0) + 1

class Thing:
    size = 3
    def __init__(self, name="thing"):
        self.name = name

CONSTANT = 5
"""


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    monkeypatch.setattr(sys, "runs", 0, raising=False)
    return lambda: getattr(sys, "runs", 0)


@pytest.mark.parametrize(
    "use",
    [
        lambda late: late("x").name == "x",
        lambda late: late.size == 3,
        lambda late: issubclass(type("Own", late.__mro_entries__(()), {}), late._real()),
        lambda late: not isinstance(7, late),
        lambda late: (late | None) == (late._real() | None),
        lambda late: (None | late) == (late._real() | None),
    ],
    ids=["called", "asked for something", "a base class", "an instance of it", "or nothing", "nothing or it"],
)
def test_a_part_runs_once_when_a_name_of_it_is_used(
    use: Callable[[Any], bool], made_up: Callable[..., ModuleType], runs: Callable[[], int]
) -> None:
    late = made_up(COUNTING, "Thing").Thing
    assert runs() == 0
    assert use(late)
    assert use(late)
    assert runs() == 1


def test_a_class_may_be_made_of_a_late_one(made_up: Callable[..., ModuleType]) -> None:
    part = made_up(COUNTING, "Thing")
    late = part.Thing

    class Own(late):  # type: ignore[misc, valid-type]
        pass

    assert Own.__mro__[1] is part.Thing
    assert isinstance(Own(), late)


def test_a_part_runs_at_once_for_a_name_that_is_not_listed(
    made_up: Callable[..., ModuleType], runs: Callable[[], int]
) -> None:
    part = made_up(COUNTING, "Thing")
    assert (part.CONSTANT, runs()) == (5, 1)
    assert isinstance(part.Thing, type)
    assert type(part) is ModuleType


def test_what_a_part_raises_is_raised_where_it_is_used_and_it_is_tried_again(
    made_up: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    late = made_up("import sys\nif not sys.mended: raise ImportError('broken')\ndef thing(): return 1", "thing").thing
    monkeypatch.setattr(sys, "mended", False, raising=False)
    with pytest.raises(ImportError, match="broken"):
        late()
    monkeypatch.setattr(sys, "mended", True)
    assert late() == 1


def test_a_name_that_the_library_has_moved_is_missed_when_it_is_used(made_up: Callable[..., ModuleType]) -> None:
    late = made_up(COUNTING, "Elsewhere").Elsewhere
    with pytest.raises(AttributeError, match="Elsewhere"):
        late()


def test_a_part_that_the_library_has_moved_is_missed_as_without_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(lazy_library.PARTS, "made_up_and_moved", frozenset({"Thing"}))
    with pytest.raises(ModuleNotFoundError, match="made_up_and_moved"):
        importlib.import_module("made_up_and_moved")


def test_on_another_release_everything_is_imported_as_it_comes(
    made_up: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch, runs: Callable[[], int]
) -> None:
    monkeypatch.setattr(lazy_library, "_is_checked", lambda: False)
    part = made_up(COUNTING, "Thing")
    assert (type(part), runs()) == (ModuleType, 1)
    assert isinstance(part.Thing, type)


def late_names(tree: ast.AST) -> set[str]:
    """What a module of the library calls the names that it imports from a part."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for part, listed in lazy_library.PARTS.items()
        if part.endswith(node.module.rpartition(".")[2])
        for alias in node.names
        if alias.name in listed
    }


def test_the_library_uses_no_late_name_where_only_the_class_itself_will_do() -> None:
    """`except` and `match` want a class, and `is` and the keys of a dictionary would not know it again."""
    for path in Path(libp2p.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if not any(name in text for names in lazy_library.PARTS.values() for name in names):
            continue
        tree = ast.parse(text)
        late = late_names(tree)
        for node in ast.walk(tree):
            match node:
                case ast.ExceptHandler(type=used) | ast.MatchClass(cls=used) if used is not None:
                    wanted = [used]
                case ast.Compare(left=left, comparators=others):
                    wanted = [left, *others]
                case ast.Dict(keys=keys):
                    wanted = [key for key in keys if key is not None]
                case _:
                    continue
            found = {one.id for use in wanted for one in ast.walk(use) if isinstance(one, ast.Name)} & late
            assert not found, f"{path}:{node.lineno}: {found}"
