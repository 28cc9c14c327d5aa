"""A stranger's name for a file becomes one safe component; what a user writes means one file or none."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from py_peer.core import limits
from py_peer.core.file_names import NO_NAME, NotOneFileError, find, free_name, safe_name

HOSTILE = {
    "": NO_NAME,
    ".": NO_NAME,
    "..": NO_NAME,
    "/": NO_NAME,
    "../../../etc/passwd": "passwd",
    "..\\..\\Windows\\System32\\drivers\\etc\\hosts": "hosts",
    "/etc/shadow": "shadow",
    "C:\\autoexec.bat": "autoexec.bat",
    "C:evil.exe": "C_evil.exe",
    "\\\\server\\share\\x.txt": "x.txt",
    "....//....//x": "x",
    "x/../": "x",
    "CON": "_CON",
    "con.txt": "_con.txt",
    "Aux .tar.gz": "_Aux .tar.gz",
    "COM¹": "_COM¹",
    "nul\x00.txt": "_nul.txt",
    "a\x00b\nc\rd\x1b[2Je": "ab c de",
    "\x1b]0;title\x07x.txt": "x.txt",
    "photo\u202egpj.exe": "photogpj.exe",
    "\u200b\u2060\ufeff": NO_NAME,
    ".bashrc": "bashrc",
    "-rf": "rf",
    "--help": "help",
    "~/.ssh/authorized_keys": "authorized_keys",
    "~root": "root",
    " . . x . . ": "x",
    "report.pdf. . .": "report.pdf",
    "file.txt:stream:$DATA": "file.txt_stream_$DATA",
    'a<b>c"d|e?f*g': "a_b_c_d_e_f_g",
    "\ud800x": "\ufffdx",
    "cafe\u0301.txt": "café.txt",
    "a\u3000b\xa0c": "a b c",
}


@pytest.mark.parametrize(("name", "safe"), HOSTILE.items(), ids=[f"name {number}" for number in range(len(HOSTILE))])
def test_a_hostile_name_is_a_harmless_one(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@pytest.mark.parametrize("name", ["notes.txt", "a b (1).tar.gz", "Übung.pdf", "писмо", "👩‍🚀.png", "x" * 190 + ".jpeg"])
def test_an_ordinary_name_stays_as_it_is(name: str) -> None:
    assert safe_name(name) == name


def test_a_long_name_is_cut_and_keeps_its_ending() -> None:
    name = safe_name("ä" * 1_000 + ".tar.gz")
    assert name.endswith("ä.tar.gz")
    assert limits.MAX_FILE_NAME_BYTES - 2 < len(name.encode()) <= limits.MAX_FILE_NAME_BYTES


ODD = "/\\.-~:* …\0\n\u202e\u200d\ufe0f\u0301\ud800\u0644\u094d\u1160\u1161\U0001f468"
PIECES = st.sampled_from([*ODD, "..", "con", "COM1", "nul.", ".tar.gz", ".t", "\x1b[", "ä" * 99, "x" * 198])


@given(st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=12).map("".join)))
@example("x" * 199 + " .y")
@example(".\u0300-")
@example("con" + " " * 300 + ".t")
def test_whatever_the_name_it_is_one_safe_component(text: str) -> None:
    name = safe_name(text)
    assert 0 < len(name.encode()) <= limits.MAX_FILE_NAME_BYTES
    assert name == safe_name(name)
    assert PurePosixPath(name).name == PureWindowsPath(name).name == name
    assert not PureWindowsPath(name).is_reserved()
    assert name[0] not in ".-~ "
    assert name[-1] not in ". "
    assert not {unicodedata.category(ch) for ch in name} & {"Cc", "Cs", "Zl", "Zp"}
    assert not set(name) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200e\u200f\ufeff")


def test_a_name_that_is_taken_gets_a_number_in_front_of_its_ending() -> None:
    assert free_name("a.tar.gz", {"a.tar.gz", "a (1).tar.gz"}.__contains__) == "a (2).tar.gz"
    assert free_name("a.min.js", {"a.min.js"}.__contains__) == "a.min (1).js"
    assert free_name("Makefile", {"Makefile"}.__contains__) == "Makefile (1)"
    assert free_name("a.txt", set[str]().__contains__) == "a.txt"


class File(NamedTuple):
    file_id: str
    name: str = ""


REPORT = File("abcdefghijklmnop", "report.pdf")
PHOTO = File("abzdefghijklmnop", "photo.jpg")


@pytest.mark.parametrize("wanted", ["abcdefghijklmnop", "abc", "report.pdf"])
def test_a_file_is_meant_by_its_id_its_beginning_or_its_name(wanted: str) -> None:
    assert find(wanted, [REPORT, PHOTO]) is REPORT


@pytest.mark.parametrize("wanted", ["", "zz", "report"])
def test_what_means_no_file_is_said(wanted: str) -> None:
    with pytest.raises(NotOneFileError, match="there is no file"):
        find(wanted, [REPORT, PHOTO])


def test_a_beginning_of_several_files_says_which() -> None:
    with pytest.raises(NotOneFileError, match=r"one of 2 files: abcde.* \(report\.pdf\), abzde.*photo"):
        find("ab", [REPORT, PHOTO])


@pytest.mark.parametrize("file_id", ["report.pdf", "report.pdf "])
def test_who_takes_the_name_of_another_file_for_his_id_is_not_asked_in_its_place(file_id: str) -> None:
    with pytest.raises(NotOneFileError, match="2 files"):
        find("report.pdf", [REPORT, File(file_id)])


def test_who_calls_his_file_by_the_id_of_another_does_not_hide_it() -> None:
    assert find(REPORT.file_id, [File("qqqqqqqqqqqqqqqq", REPORT.file_id), REPORT]) is REPORT


def test_an_id_that_is_the_beginning_of_another_can_be_asked_for() -> None:
    assert find("a", [File("a"), File("ab")]) == File("a")
