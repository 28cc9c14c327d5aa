"""The file with a key of Nostr: made once, closed to others, never written over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from py_peer.core import nip19
from py_peer.net.nostr_key import NoKeyError, NostrKeyError, given_key, new_key, read_key

NSEC = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"
SECRET = bytes.fromhex("67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa")
NPUB = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"


def kept(path: Path, text: str | bytes = NSEC, mode: int = 0o600) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def test_a_new_key_is_an_nsec_in_a_file_of_the_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "nostr.key"
    old = os.umask(0)
    try:
        key = new_key(path)
    finally:
        os.umask(old)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert path.read_text() == nip19.encode(nip19.Entity("nsec", key.secret)) + "\n"
    assert read_key(path) == key
    assert new_key(tmp_path / "other").secret != key.secret


@pytest.mark.parametrize("there", ["my diary\n", ""], ids=["diary", "empty"])
def test_a_file_that_is_there_is_never_written_over(tmp_path: Path, there: str) -> None:
    path = kept(tmp_path / "nostr.key", there)
    with pytest.raises(NostrKeyError, match="is there already, and is not written over"):
        new_key(path)
    assert path.read_text() == there
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", [NSEC, f"{NSEC}\n", f"  {NSEC.upper()}\r\n", SECRET.hex(), SECRET.hex().upper()])
def test_a_key_is_an_nsec_or_its_digits(tmp_path: Path, text: str) -> None:
    assert read_key(kept(tmp_path / "k", text)).secret == SECRET
    assert given_key(text, "VARIABLE").secret == SECRET


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty"),
        (NSEC[:-1] + "7", "not whole"),
        (NPUB, "an npub is the public half"),
        (nip19.encode(nip19.Entity("note", SECRET)), "this note is no key"),
        ("0" * 64, "no secret key"),
        ("g" * 64, "no secret key"),
        (b"\xff" * 64, "neither an nsec"),
        ("my diary", "it is neither an nsec nor 64 hexadecimal digits"),
    ],
    ids=["empty", "mistyped", "npub", "note", "zero", "no hex", "bytes", "diary"],
)
def test_what_is_no_key_is_refused_with_what_to_do_and_not_repeated(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    path = kept(tmp_path / "k", text)
    with pytest.raises(NostrKeyError, match=words) as refused:
        read_key(path)
    assert str(path) in refused.value.reason
    assert "py-peer nostr key new" in refused.value.advice
    with pytest.raises(NostrKeyError, match=words) as refused:
        given_key(text if isinstance(text, str) else text.decode("latin-1"), "VARIABLE")
    assert refused.value.reason.startswith("VARIABLE (environment) holds no key")
    assert not text or (text if isinstance(text, str) else text.decode("latin-1")) not in str(refused.value)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o666], ids=oct)
def test_a_file_that_others_can_open_is_refused_as_ssh_refuses_it(tmp_path: Path, mode: int) -> None:
    path = kept(tmp_path / "my key", mode=mode)
    with pytest.raises(NostrKeyError, match="can be opened by others") as refused:
        read_key(path)
    assert refused.value.advice == f"Close it with: chmod 600 '{path}'"


def test_a_key_that_is_not_there_and_one_that_cannot_be_a_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NoKeyError, match="Make one with: py-peer nostr key new"):
        read_key(tmp_path / "nostr.key")
    with pytest.raises(NostrKeyError, match="is a folder"):
        read_key(tmp_path)
    with pytest.raises(NostrKeyError, match="more than"):
        read_key(kept(tmp_path / "film", "x" * 2_000))
    with pytest.raises(NostrKeyError, match="cannot be made"):
        new_key(kept(tmp_path / "file") / "below" / "nostr.key")


def test_where_a_key_is_shown_its_secret_is_not(tmp_path: Path) -> None:
    key = read_key(kept(tmp_path / "k"))
    assert key.npub == NPUB
    for secret in (NSEC, repr(SECRET), SECRET.hex()):
        assert secret not in f"{key!r} {key}"
