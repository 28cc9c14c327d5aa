"""Names of files that are provided: what they may be, the keys that follow from them, and which file is meant."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits, tree_hash
from py_peer.core.by_name import announced_by, announcement_key, file_id, groups, problem_with, problem_with_own
from py_peer.core.file_record import FileRecord, is_file_id
from py_peer.core.json_lines import Wish, read_command
from py_peer.core.typed_lines import Command, Misused, parse_line
from tests.frontends.fakes import ANN

LONGEST = "ü" * (limits.MAX_PROVIDED_NAME_BYTES // 2)


@given(st.text(max_size=300))
def test_whatever_a_name_is_its_file_has_an_id_and_its_key_says_what_it_is_of(name: str) -> None:
    assert is_file_id(file_id(name))
    if not problem_with(name):
        key = announcement_key(name, ANN)
        assert announced_by(key) == (name, ANN)
        assert len(key) <= limits.MAX_KAD_KEY


def test_the_id_of_a_name_is_the_one_that_is_written_down() -> None:
    assert file_id("summer photo.png") == "xkb245dvpnqyu7rsnfixff5ojaq6wz75dlvk3hsz67uvqmlaum5q"
    assert file_id("a") != file_id("a ")


@pytest.mark.parametrize(
    "key", [b"", b"/py-peer-file/", b"/py-peer-file/a", b"/pk/a/b", b"/py-peer-file//b", b"/py-peer-file/\xff/b"]
)
def test_another_key_is_none_of_a_file(key: bytes) -> None:
    with pytest.raises(ValueError):
        announced_by(key)


@pytest.mark.parametrize(
    "name", ["", " ", "\u200b", "\ud800", LONGEST + "xx", "a\nb", "\x1b[31m", "a\u202eb", " a", "a "], ids=repr
)
def test_we_provide_nothing_under_a_name_that_others_cannot_type(name: str) -> None:
    assert problem_with_own(name)


@pytest.mark.parametrize(
    "name", ["a", "../../etc/passwd", "/etc/passwd", "a b.txt", "grün", LONGEST, "00ff"], ids=lambda name: name[:9]
)
def test_a_name_is_any_text_and_never_a_path(name: str) -> None:
    assert problem_with(name) == problem_with_own(name) == ""


def test_a_script_asks_for_a_file_by_its_hash_too() -> None:
    def wish(line: bytes) -> Command:
        read = read_command(line)
        assert isinstance(read, Wish)
        return read.command

    assert wish(b'{"command":"fetch","name":"a b","hash":"00"}') == Command("fetch", "a b", ("", "00"))
    assert wish(b'{"command":"fetch","name":"a b","path":"/x","hash":"00"}') == Command("fetch", "a b", ("/x", "00"))
    assert wish(b'{"command":"fetch","name":"a b","path":""}') == Command("fetch", "a b")


def record(offerer: str, root: int) -> FileRecord:
    return FileRecord("i", "n", 1, "", tree_hash.piece_size(1), bytes([root]) * 32, 0, offerer)


def test_what_most_announce_comes_first_and_of_as_many_another_for_each_who_asks() -> None:
    a, b, c, d = record("a", 3), record("b", 1), record("c", 2), record("d", 1)
    assert groups([a, b, c, d])[0] == [b, d]
    seconds = [str(groups([a, b, c, d], asker=str(number))[1]) for number in range(30)]
    assert set(seconds) == {str([a]), str([c])}
    assert seconds == [str(groups([c, a, b, d], asker=str(number))[1]) for number in range(30)]
    assert groups([replace(a), c], root=bytes([3]) * 32) == [[a]]
    assert groups([], root=b"") == []


def test_the_commands_take_names_with_spaces() -> None:
    def parse(line: str) -> object:
        return parse_line(line, bare_quit=False)

    assert parse('/provide "/my files/x" summer photo') == Command("provide", "/my files/x", ("summer photo",))
    assert parse("/provide /x") == Command("provide", "/x")
    assert parse('/fetch "summer photo" /my files') == Command("fetch", "summer photo", ("/my files",))
    assert parse('/fetch "summer photo" photos') == Command("fetch", "summer photo", ("photos",))
    assert parse('/fetch "a ./b"') == Command("fetch", "a ./b")
    assert parse("/fetch summer photo") == Command("fetch", "summer photo")
    assert parse("/fetch ../../etc/passwd") == Command("fetch", "../../etc/passwd")
    for path in ("/my files", "~/x", "./a b", "../x", "C:\\x"):
        assert parse(f"/fetch summer  photo {path}") == Command("fetch", "summer  photo", (path,))
    assert parse("/fetch .hidden photo.png") == Command("fetch", ".hidden photo.png")
    for line in ("/provide", "/fetch", f"/fetch {LONGEST}xx", f"/provide /x {LONGEST}xx", "/provide /x \u202e"):
        assert isinstance(parse(line), Misused), line
