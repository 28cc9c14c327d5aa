"""Keys of Kademlia between ours and peers in other languages: values, and who provides what, either way.

Which keys each of them takes says docs/interop.md. Ours are real programs, but where a key is no text.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import pytest

from interop.columns import answer
from py_peer.core import limits
from tests.frontends.programs import run_to_its_end
from tests.network.peers import Peer, Told, met, party, until
from tests.sisters.sisters import KINDS, missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KADEMLIA: Final = ("--kademlia",)
KEEPING: Final = ("node", "rust")
"""They keep a value under any key; Go does so below /pk/ and /ipns/ alone."""

PROVIDING: Final = ("go", "rust", "node")
MULTIHASH: Final = "\x12 " + "0123456789abcdef" * 2
"""A key of the form of a SHA-256, though a text as well. js-libp2p writes down providers of such keys alone, and is
silent when it is asked for those of others; what it provides itself others write down."""

SILENCE: Final = {"KAD_ANSWER_TIMEOUT": 4.0}
"""How long ours waits for an answer that does not come, in seconds."""

LACKING: Final = {kind: reason for kind in (*KEEPING, "go") if (reason := missing(kind))}
KEYS: Final = ("größe 🎈", "deadbeef", "a/b")
"""A text, one that looks like bytes in hexadecimal, and one with a slash in it that is no namespace."""

each_that_keeps = pytest.mark.parametrize("kind", [kind for kind in KEEPING if kind not in LACKING])
NAMES: Final = ("text", "hex", "slash")
PROVIDED: Final = [
    pytest.param(kind, key, id=f"{kind}-{name}")
    for kind in PROVIDING
    for key, name in zip((*KEYS, MULTIHASH), (*NAMES, "multihash"), strict=True)
    if kind not in LACKING
]


def ours(folder: Path, name: str = "ours", *connect: str) -> Peer:
    return Peer(name, folder / name, connect, options=KADEMLIA)


def theirs(kind: str, folder: Path, *connect: str) -> Peer:
    return KINDS[kind]("theirs", folder / "theirs", connect, options=KADEMLIA)


def ready(peer: Peer) -> None:
    peer.wait_for(lambda: peer.last("ready"), "ready")


def put(peer: Peer, key: str, value: str) -> Told:
    """Have ours put a value; return what it tells."""
    return answer(peer, "kv_put", "value_put", key=key, value=value)


def get(peer: Peer, key: str) -> Told:
    """Have ours look for a value; return what it tells."""
    return answer(peer, "kv_get", "value_found", "lookup_failed", key=key)


def put_at(peer: Peer, key: str, value: str) -> None:
    """Have theirs put a value, as soon as it knows whom to give it to."""

    def is_put() -> bool:
        told = answer(peer, "put_value", "value_put", "put_failed", key=key.encode().hex(), value=value.encode().hex())
        return bool(told["event"] == "value_put")

    until(is_put)


def got_at(peer: Peer, key: str) -> str | None:
    """Have theirs look for a value; return it."""
    value = answer(peer, "get_value", "value", key=key.encode().hex())["value"]
    return value if value is None else bytes.fromhex(value).decode()


@pytest.fixture(scope="module")
def couples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Peer, Peer]]]:
    """Run one of ours for each kind, and one of theirs that it has called."""
    made = {}
    with contextlib.ExitStack() as stack:
        for kind in {*KEEPING, *PROVIDING} - LACKING.keys():
            folder = tmp_path_factory.mktemp(kind)
            other = theirs(kind, folder)
            stack.enter_context(party(other))
            ready(other)
            one = ours(folder, "ours", other.address)
            one.limits = SILENCE
            stack.enter_context(party(one))
            made[kind] = (one, other)
        yield made


@each_that_keeps
@pytest.mark.parametrize("key", KEYS, ids=NAMES)
def test_what_ours_puts_theirs_finds(kind: str, key: str, couples: dict[str, tuple[Peer, Peer]]) -> None:
    one, other = couples[kind]
    told = put(one, key, f"{key} of ours")
    assert (told["peers"], told["asked"]) == (1, 1)
    assert got_at(other, key) == f"{key} of ours"


@each_that_keeps
@pytest.mark.parametrize("key", KEYS, ids=NAMES)
def test_what_theirs_puts_ours_finds_and_a_later_one_of_ours_is_found_by_theirs(
    kind: str, key: str, couples: dict[str, tuple[Peer, Peer]]
) -> None:
    one, other = couples[kind]
    key = f"their {key}"
    put_at(other, key, "theirs")
    told = get(one, key)
    assert (told["value"], told["peers"]) == ("theirs", 1)
    assert 0 <= told["seconds"] < 60
    assert put(one, key, "ours")["peers"] == 1
    assert got_at(other, key) == "ours"


@each_that_keeps
def test_the_largest_value_goes_both_ways_and_a_larger_one_of_theirs_is_refused(
    kind: str, couples: dict[str, tuple[Peer, Peer]]
) -> None:
    one, other = couples[kind]
    key, value = "k" * limits.MAX_KAD_KEY, "v" * limits.MAX_KAD_VALUE
    assert put(one, key, value)["peers"] == 1
    assert got_at(other, key) == value
    put_at(other, key, value.upper())
    assert get(one, key)["value"] == value.upper()
    larger = {"key": b"larger".hex(), "value": (value + "v").encode().hex()}
    assert answer(other, "put_value", "value_put", "put_failed", **larger)["event"] == "put_failed"
    assert put(one, key, value)["peers"] == 1, "it is refused, and no more"


@each_that_keeps
def test_what_nobody_has_put_neither_finds(kind: str, couples: dict[str, tuple[Peer, Peer]]) -> None:
    one, other = couples[kind]
    assert get(one, "nothing")["event"] == "lookup_failed"
    assert got_at(other, "nothing") is None


@each_that_keeps
def test_theirs_keeps_what_one_of_ours_has_put_for_another_who_comes_later(kind: str, tmp_path: Path) -> None:
    other = theirs(kind, tmp_path)
    with party(other):
        ready(other)
        first = ours(tmp_path, "first", other.address)
        with party(first):
            assert put(first, "key", "value")["peers"] == 1
            first.kill()
        later = ours(tmp_path, "later", other.address)
        with party(later):
            assert get(later, "key")["value"] == "value"


@each_that_keeps
def test_py_peer_kv_needs_nobody_but_theirs(kind: str, tmp_path: Path) -> None:
    other = theirs(kind, tmp_path)
    with party(other):
        ready(other)
        put_ = run_to_its_end(tmp_path, "kv", "put", "colour", "dark blue", "--connect", other.address)
        assert (put_.returncode, put_.stdout) == (0, "Put colour: 1 of 1 peer(s) keep it\n")
        for key, code, value in (("colour", 0, "dark blue\n"), ("size", 6, "")):
            got = run_to_its_end(tmp_path, "kv", "get", key, "--connect", other.address)
            assert (got.returncode, got.stdout) == (code, value)


@pytest.mark.parametrize(("kind", "key"), PROVIDED)
def test_who_provides_a_key_is_found_either_way(kind: str, key: str, couples: dict[str, tuple[Peer, Peer]]) -> None:
    one, other = couples[kind]
    told = answer(one, "kv_provide", "key_provided", key=key)
    keeps = int(kind != "node" or key == MULTIHASH)
    assert (told["peers"], told["asked"]) == (keeps, keeps)
    assert one.id in answer(other, "find", "providers", key=key.encode().hex())["peers"]

    theirs_ = key[:2] + key[2:].upper()

    def is_provided() -> bool:
        told = answer(other, "provide", "provided", "provide_failed", key=theirs_.encode().hex())
        return bool(told["event"] == "provided")

    until(is_provided)
    assert answer(one, "kv_providers", "providers_found", "lookup_failed", key=theirs_)["peer_ids"] == [other.id]


@pytest.mark.skipif("node" in LACKING, reason=LACKING.get("node", ""))
def test_node_is_silent_about_providers_of_a_text_and_stays_in_the_table(tmp_path: Path) -> None:
    other = theirs("node", tmp_path)
    with party(other):
        ready(other)
        first, second = (ours(tmp_path, name, other.address) for name in ("first", "second"))
        first.limits = second.limits = SILENCE
        with party(first, second):
            met(first, second, other)
            first.command("connect", address=second.address)
            for one in (first, second):  # who is met in the room need not be in the table yet
                until(lambda: get(one, "nothing")["asked"] == 2)  # noqa: B023 - it is called at once
            assert answer(first, "kv_provide", "key_provided", key="bread")["peers"] == 1
            found = answer(second, "kv_providers", "providers_found", "lookup_failed", key="bread")
            assert (found["peer_ids"], found["asked"]) == ([first.id], 1)
            assert put(first, "bread", "rye")["peers"] == 2
            assert got_at(other, "bread") == "rye"


@pytest.mark.skipif("node" in LACKING, reason=LACKING.get("node", ""))
def test_node_says_that_it_has_taken_a_value_below_what_it_knows_no_rule_for_and_has_not(
    couples: dict[str, tuple[Peer, Peer]],
) -> None:
    one, other = couples["node"]
    assert put(one, "a/b/c", "value")["peers"] == 1
    assert answer(other, "get_value", "value", key=b"a/b/c".hex())["value"] is None


@pytest.mark.skipif("go" in LACKING, reason=LACKING.get("go", ""))
def test_go_takes_no_value_under_a_text(couples: dict[str, tuple[Peer, Peer]]) -> None:
    one, _ = couples["go"]
    told = put(one, "key", "value")
    assert (told["peers"], told["asked"]) == (0, 1)
    assert get(one, "key")["value"] == "value", "it is kept by ours"


def test_all_are_there() -> None:
    if LACKING:
        pytest.skip("; ".join(f"{kind}: {reason}" for kind, reason in LACKING.items()))
