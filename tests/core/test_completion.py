"""What Tab makes of a word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.commands import COMMANDS
from py_peer.core.completion import Completion, complete

ANN = "12D3KooWAnnAnnAn"
NICKS = ["Bob", "Ann", "bobby", "Al Ice", "[x]", "AnnAnnAn"]
FILES = ["my photo.jpg", "Notes.txt", "k3xab", "k3xcd"]
PATHS = ["~/my photo.jpg", "~/my music/", "notes"]
ADDRESSES = ["/ip4/127.0.0.1/tcp/1", "/dns4/a.example/tcp/2", ANN]


def completed(typed: str) -> list[str]:
    """Return what the text becomes; `|` marks the cursor."""
    text, cursor = typed.replace("|", "", 1), typed.index("|")
    found = complete(text, cursor, NICKS, ADDRESSES, FILES, paths_like)
    return [text[: found.start] + candidate + text[found.end :] for candidate in found.candidates]


@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("/pee|", ["/peers"]),
        ("  /PEE|", ["  /peers"]),
        ("/la|", ["/last "]),
        ("/ex|", ["/exit"]),
        ("/pe|lease", ["/peerslease"]),
        ("/nothing|", []),
        ("//pee|", []),
        ("say /pee|", []),
        ("/bell o|", ["/bell on", "/bell off"]),
        ("/notify |", ["/notify on", "/notify off"]),
        ("/bell on o|", []),
        ("/last |", []),
        ("/whois bob|", ["/whois Bob", "/whois bobby"]),
        ("/whois 12D3|", [f"/whois {ANN}"]),
        ("/whois annann|", ["/whois AnnAnnAn"]),
        ("/find Al I|", ["/find Al Ice"]),
        ("/msg bo|", ["/msg Bob ", "/msg bobby "]),
        ("/msg al i|", ["/msg Al Ice "]),
        ("/msg 12D3|", [f"/msg {ANN}"]),
        ("/msg Bob ask bobb|", ["/msg Bob ask bobby"]),
        ("/strangers o|", ["/strangers on", "/strangers off"]),
        ("/k|", ["/kv "]),
        ("/kv |", ["/kv put ", "/kv forget ", "/kv get ", "/kv provide ", "/kv providers "]),
        ("/KV  P|", ["/KV  put ", "/KV  provide ", "/KV  providers "]),
        ("/kv get bo|", []),
        ("/kv put bob bo|", []),
        ("well /kv p|", []),
    ],
)
def test_commands_and_what_they_take(typed: str, becomes: list[str]) -> None:
    assert completed(typed) == becomes


@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("/msg ann|", ["/msg Ann ", '/msg "Ann Lee" ', """/msg 'Ann "X" Lee' """]),
        ("/msg ann l|", ['/msg "Ann Lee" ']),
        ('/msg "ann l|', ['/msg "Ann Lee" ']),
        ("/msg 'bo|", ["/msg 'Bob Lee' "]),
        ("/msg bo|", ["/msg Bob Lee "]),
        ("/MSG bo|", ["/MSG Bob Lee "]),
        ("/whois ann l|", ["/whois Ann Lee"]),
        ("ann l|", ["Ann Lee: "]),
    ],
)
def test_a_name_that_begins_like_anothers_is_quoted_where_a_text_follows(typed: str, becomes: list[str]) -> None:
    nicks = ["Ann", "Ann Lee", 'Ann "X" Lee', "Bob Lee"]
    found = complete(typed[:-1], len(typed) - 1, nicks, ADDRESSES)
    assert [typed[: found.start] + candidate for candidate in found.candidates] == becomes


def paths_like(typed: str) -> list[str]:
    return [path for path in PATHS if path.startswith(typed)]


@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("/get k3x|", ["/get k3xab", "/get k3xcd"]),
        ("/get no|", ["/get Notes.txt"]),
        ("/get my ph|", ["/get my photo.jpg"]),
        ("/get |", [f"/get {file}" for file in FILES]),
        ("/get k3xab |", [f"/get k3xab {path}" for path in PATHS]),
        ("/get my photo.jpg ~/my m|", ["/get my photo.jpg ~/my music/"]),
        ('/get "my photo.jpg" ~/my m|', ['/get "my photo.jpg" ~/my music/']),
        ("/get nobody's ~/my ph|", ["/get nobody's ~/my photo.jpg"]),
        ("/unshare my|", ["/unshare my photo.jpg"]),
        ("/cancel k3xc|", ["/cancel k3xcd"]),
        ("/cancel k3xcd |", []),
        ("/share ~/my |", ["/share ~/my photo.jpg", "/share ~/my music/"]),
        ('/SHARE "~/my p|', ['/SHARE "~/my photo.jpg']),
        ("/share nothing|", []),
        ("/files |", []),
    ],
)
def test_files_by_name_and_id_and_paths_with_their_spaces(typed: str, becomes: list[str]) -> None:
    assert completed(typed) == becomes


@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("bo|", ["Bob: ", "bobby: "]),
        ("BOBB|", ["bobby: "]),
        ("@bobb|", ["@bobby: "]),
        ("ask bobb|", ["ask bobby"]),
        ("ask @bobb| now", ["ask @bobby now"]),
        ("one\nbobb|", ["one\nbobby"]),
        ("ask al i|", ["ask Al Ice"]),
        ("al |", ["Al Ice: "]),
        ("[|", ["[x]: "]),
        ("xbo|", []),
        ("|", [f"{nick}: " for nick in NICKS]),
        ("well |", [f"well {nick}" for nick in NICKS]),
    ],
)
def test_nicknames_anywhere_with_a_colon_where_they_address_somebody(typed: str, becomes: list[str]) -> None:
    assert completed(typed) == becomes


@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("call /ip4/|", ["call /ip4/127.0.0.1/tcp/1"]),
        ("call /dns|", ["call /dns4/a.example/tcp/2"]),
        ("is 12D3Koo| here", [f"is {ANN} here"]),
        ("call /ip6/|", []),
    ],
)
def test_addresses_and_ids_that_are_known(typed: str, becomes: list[str]) -> None:
    assert completed(typed) == becomes


def test_what_is_known_twice_is_offered_once() -> None:
    assert complete("b", 1, ["Bob", "Bob"], []) == Completion(0, 1, ("Bob: ",))


words = st.text(st.sampled_from("/@ \nabP|Ä。") | st.characters(), max_size=30)


@given(words | st.sampled_from([f"/{entry.name} x" for entry in COMMANDS]), st.integers(-3, 40), st.lists(words))
def test_whatever_is_typed_the_word_ends_at_the_cursor(text: str, cursor: int, known: list[str]) -> None:
    found = complete(text, cursor, known, known, known, lambda _typed: known)
    assert 0 <= found.start <= found.end <= len(text)
    assert found.end == max(0, min(cursor, len(text)))
    assert len(set(found.candidates)) == len(found.candidates)


@pytest.mark.parametrize("text", ["x" * 60_000, "x " * 30_000, " " * 60_000, "/" * 60_000])
def test_the_longest_text_takes_no_time(text: str) -> None:
    for head in ("", "/get ", "/msg "):
        typed = head + text
        assert complete(typed, len(typed), NICKS, ADDRESSES, FILES, paths_like).end == len(typed)
