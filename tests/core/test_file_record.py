"""What a stranger may say that a file is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits, tree_hash
from py_peer.core.cleaning import clean_line
from py_peer.core.file_record import FileRecord, RecordError, checked, is_file_id

SOUND: dict[str, Any] = {
    "file_id": "abcdefghijklmnop",
    "name": "photo.png",
    "size": 1_000_000,
    "media_type": "image/png",
    "piece_size": 262_144,
    "root": bytes(32),
    "made": 1_700_000_000_000,
    "offerer": "12D3KooWBob",
}


def record(**changes: Any) -> FileRecord:
    return checked(**SOUND | changes)


def test_what_is_sound_is_taken_as_it_is() -> None:
    sound = record(envelope=b"signed")
    assert {name: getattr(sound, name) for name in SOUND} == SOUND
    assert sound.envelope == b"signed"
    assert sound.pieces == 4
    assert [sound.piece_length(number) for number in range(4)] == [262_144] * 3 + [213_568]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"file_id": ""}, "ID"),
        ({"file_id": "two words"}, "ID"),
        ({"file_id": "a\x1b[2Jb"}, "ID"),
        ({"file_id": "\u202egnp"}, "ID"),
        ({"file_id": "é" * 65}, "ID"),
        ({"file_id": "\ud800"}, "ID"),
        ({"name": "x" * 1_025}, "name"),
        ({"size": limits.MAX_FILE_BYTES + 1, "piece_size": limits.LARGEST_PIECE}, "size"),
        ({"piece_size": 0}, "pieces"),
        ({"piece_size": 524_288}, "pieces"),
        ({"piece_size": 4}, "pieces"),
        ({"size": 16 * 2**30 + 1}, "pieces"),
        ({"root": bytes(31)}, "root"),
        ({"size": 0}, "root"),
        ({"made": 2**53}, "time"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(RecordError, match=why):
        record(**changes)


def test_an_empty_file_has_the_root_of_the_empty_tree() -> None:
    assert record(size=0, root=tree_hash.EMPTY).pieces == 0


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("../../.ssh/authorized_keys", "authorized_keys"),
        ("C:\\Windows\\system32\\x.dll", "x.dll"),
        ("a\x1b[2Jb\u202egnp.exe", "abgnp.exe"),
        ("", "file"),
        ("\ud800.txt", "\ufffd.txt"),
    ],
)
def test_a_name_is_one_that_can_be_shown_and_given(sent: str, name: str) -> None:
    assert record(name=sent).name == name


@pytest.mark.parametrize("media_type", ["text", "text/", "a/b/c", "text/html; x=y", "a\n/b", "é/x", "x" * 200 + "/y"])
def test_a_type_that_is_none_is_not_known(media_type: str) -> None:
    assert not record(media_type=media_type).media_type


def test_types_are_written_small() -> None:
    assert record(media_type="Image/SVG+XML").media_type == "image/svg+xml"


@given(st.text(max_size=200))
def test_an_id_that_is_taken_is_one_word_that_shows_what_it_is(text: str) -> None:
    if is_file_id(text):
        assert len(text.encode()) <= limits.MAX_FILE_ID_BYTES
        assert text.split() == [text]
        assert clean_line(text, 200) == text


@pytest.mark.parametrize("text", ["a", "jyci63b4rqwmqkeb", "6f1c2c1e-0b0a-4b5e-9f57-1a2b3c4d5e6f", "é" * 64])
def test_usual_ids_are_taken(text: str) -> None:
    assert is_file_id(text)
