"""Events of Nostr: held to NIP-01, and to what another hand makes of them."""

from __future__ import annotations

import contextlib
import json
import random
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from nostr_sdk import Event, EventBuilder, EventId, Keys, Kind, PublicKey, SecretKey, Tag, Timestamp

from py_peer.core import limits_nostr, nostr, schnorr
from py_peer.core.commits import Commit, commit_json
from py_peer.core.nostr import NostrError, NostrEvent, Standing, badge_of, check_event, read_event, sign_event

SECRET = bytes.fromhex("67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa")
NPUB = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"
NOW = 1_700_000_000
COMMIT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
COMMIT_256 = "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"

texts = some.text() | some.text(alphabet='\0\1\7\b\t\n\v\f\r\x1b\x1f"\\/\x7f\x80\u2028\u2029\ufeff\uffff\U0001f600a')
tags_of = some.lists(some.lists(texts, min_size=1, max_size=4).map(tuple), max_size=5).map(tuple)


def signed(**changes: Any) -> dict[str, Any]:
    """Return the fields of an event, changed after it was signed."""
    event = sign_event(SECRET, NOW, 1, (("gnostr", "git"), ("e", "x", "")), 'hello\n"you"')
    return {**json.loads(event.json()), **changes}


# --- To the letter --------------------------------------------------------------------------------


def test_what_is_hashed_is_what_nip_01_says() -> None:
    every = 'line\nquote"back\\return\rtab\tbs\bff\fslash/ü\x7f\u2028🎉'
    assert (
        nostr.serialize("ab", 5, 1, [["e", "f"], ["x"]], every)
        == (
            r'[0,"ab",5,1,[["e","f"],["x"]],"line\nquote\"back\\return\rtab\tbs\bff\fslash/ü' + '\x7f\u2028🎉"]'
        ).encode()
    )


SHORT = {8: r"\b", 9: r"\t", 10: r"\n", 12: r"\f", 13: r"\r"}


@pytest.mark.parametrize("code", range(0x20), ids=hex)
def test_a_control_character_is_escaped_as_every_library_does_it(code: int) -> None:
    escaped = SHORT.get(code, f"\\u{code:04x}")
    assert nostr.serialize("", 0, 0, [], chr(code)) == f'[0,"",0,0,[],"{escaped}"]'.encode()
    event = sign_event(SECRET, NOW, 1, [[chr(code)]], chr(code))
    assert Event.from_json(event.json()).verify_id()


@given(texts, tags_of, some.integers(0, limits_nostr.MAX_CREATED_AT), some.integers(0, limits_nostr.MAX_KIND))
def test_an_id_is_the_one_that_another_hand_computes_and_its_signature_holds_there(
    content: str, tags: tuple[tuple[str, ...], ...], created_at: int, kind: int
) -> None:
    event = sign_event(SECRET, created_at, kind, tags, content)
    check_event(event)
    theirs = [Tag.parse(list(tag)) for tag in tags]
    computed = EventId.compute(
        PublicKey.parse(event.pubkey), Timestamp.from_secs(created_at), Kind(kind), theirs, content
    )
    assert event.id == computed.to_hex()
    read = Event.from_json(event.json())
    assert read.verify()
    assert (read.content(), [tuple(tag.to_vec()) for tag in read.tags()]) == (content, list(tags))


@given(texts, tags_of, some.integers(0, 2**40), some.integers(0, limits_nostr.MAX_KIND), some.integers(1, 2**255))
def test_an_event_of_another_hand_is_read_and_holds_here(
    content: str, tags: tuple[tuple[str, ...], ...], created_at: int, kind: int, secret: int
) -> None:
    keys = Keys(SecretKey.parse(f"{secret:064x}"))
    builder = EventBuilder(Kind(kind), content).tags([Tag.parse(list(tag)) for tag in tags])
    theirs = builder.custom_created_at(Timestamp.from_secs(created_at)).finalize(keys)
    event = read_event(theirs.as_json())
    check_event(event)
    assert (event.id, event.pubkey) == (theirs.id().to_hex(), keys.public_key().to_hex())
    assert (event.content, event.created_at, event.kind) == (content, created_at, kind)
    assert json.loads(event.json()) == json.loads(theirs.as_json())


def test_events_of_the_public_key_that_begins_with_a_zero_byte_are_whole() -> None:
    secret = next(one for number in range(1, 2_000) if not schnorr.public_key(one := number.to_bytes(32, "big"))[0])
    event = sign_event(secret, NOW, 1, [], "")
    assert (len(event.pubkey), badge_of(event).standing) == (64, Standing.VERIFIED)


# --- What is refused ------------------------------------------------------------------------------

BIG = "x" * limits_nostr.MAX_EVENT_BYTES
TOO_MANY = [["t"]] * (limits_nostr.MAX_TAGS + 1)
REFUSED = {
    "no id": ({"id": None}, "its id is not 64"),
    "capitals": ({"id": signed()["id"].upper()}, "its id is not 64 hexadecimal digits in small letters"),
    "capital key": ({"pubkey": signed()["pubkey"].upper()}, "its pubkey is not 64"),
    "capital signature": ({"sig": signed()["sig"].upper()}, "its sig is not 128"),
    "npub": ({"pubkey": NPUB}, "its pubkey is not 64"),
    "long": ({"sig": "0" * 130}, "its sig is not 128"),
    "other digits": ({"id": "٣" * 64}, "its id is not 64"),
    "line end": ({"id": "0" * 63 + "\n"}, "its id is not 64"),
    "time as text": ({"created_at": str(NOW)}, "its created_at is no whole number"),
    "time with a point": ({"created_at": 1.5}, "its created_at is no whole number"),
    "whole time with a point": ({"created_at": 1.0}, "its created_at is no whole number"),
    "true": ({"created_at": True}, "its created_at is no whole number"),
    "before 1970": ({"created_at": -1}, "its created_at is no whole number"),
    "late": ({"created_at": limits_nostr.MAX_CREATED_AT + 1}, "its created_at is no whole number"),
    "kind": ({"kind": 65_536}, "its kind is no whole number from 0 to 65535"),
    "kind below 0": ({"kind": -1}, "its kind is no whole number"),
    "no kind": ({"kind": None}, "its kind is no whole number"),
    "no content": ({"content": None}, "its content is no text"),
    "content": ({"content": ["a"]}, "its content is no text"),
    "tags": ({"tags": {"e": "f"}}, "its tags are no list"),
    "text for tags": ({"tags": "ab"}, "its tags are no list"),
    "text for a tag": ({"tags": ["ab"]}, "one of its tags is no list of texts"),
    "empty tag": ({"tags": [[]]}, "one of its tags is no list of texts"),
    "null in a tag": ({"tags": [["e", None]]}, "one of its tags is no list of texts"),
    "number in a tag": ({"tags": [["e", 1]]}, "one of its tags is no list of texts"),
    "many tags": ({"tags": TOO_MANY}, "it has 2,001 tags"),
    "long tag": ({"tags": [["t"] * 65]}, "a tag has 65 texts"),
    "half a pair": ({"content": "\ud800"}, "half of a surrogate pair"),
    "half a pair in a tag": ({"tags": [["\udc00"]]}, "half of a surrogate pair"),
    "large": ({"content": BIG}, "65,536"),
}


@pytest.mark.parametrize(("changes", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_event_is_refused_with_the_reason(changes: dict[str, Any], words: str) -> None:
    fields = signed(**changes)
    for data in (fields, json.dumps(fields)):
        with pytest.raises(NostrError, match=words):
            read_event(data)


@pytest.mark.parametrize("name", NostrEvent.__slots__)
def test_an_event_that_lacks_something_is_refused(name: str) -> None:
    fields = signed()
    del fields[name]
    with pytest.raises(NostrError, match=f"it has no {name}"):
        read_event(fields)


JSON = json.dumps(signed())
TEXTS: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "not JSON, at its character 1"),
    "no object": ("[]", "not a JSON object"),
    "two events": (JSON + JSON, "not JSON"),
    "key twice": (JSON[:-1] + ', "kind": 2}', "a key stands twice"),
    "key twice within": (JSON[:-1] + ', "more": {"a": 1, "a": 2}}', "a key stands twice"),
    "mark": ("\ufeff" + JSON, "not JSON"),
    "control": (JSON.replace("hello", "hel\nlo"), "not JSON"),
    "latin-1": (JSON.replace("hello", "hällo").encode("latin-1"), "not UTF-8"),
    "utf-16": (JSON.encode("utf-16"), "not UTF-8"),
    "deep": ("[" * 60_000, "nested too deeply"),
    "deep objects": ('{"a":' * 12_000, "nested too deeply"),
    "many digits": (JSON.replace(str(NOW), "1" * 40_000), "its created_at is no whole number"),
    "exponent": (JSON.replace(str(NOW), "17e8"), "its created_at is no whole number"),
    "minus zero": (JSON.replace(str(NOW), "-0"), "its created_at is no whole number"),
    "not a number": (JSON.replace(str(NOW), "NaN"), "its created_at is no whole number"),
    "infinite": (JSON.replace(str(NOW), "1e999"), "its created_at is no whole number"),
    "large": (b" " * 70_000, "it has 70,000 bytes, and 65,536 are the most"),
}


@pytest.mark.parametrize(("text", "words"), TEXTS.values(), ids=TEXTS.keys())
def test_what_is_no_json_of_an_event_is_refused_with_the_reason(text: str | bytes, words: str) -> None:
    with pytest.raises(NostrError, match=words):
        read_event(text)


def test_keys_that_nip_01_does_not_know_are_ignored() -> None:
    event = read_event(json.dumps(signed(seen_on=["wss://a"], ots=None, score=-1.5)))
    check_event(event)


def test_an_event_of_a_megabyte_is_refused_before_it_is_read() -> None:
    with pytest.raises(NostrError, match="1,048,576 bytes"):
        read_event("{" * 1_048_576)
    with pytest.raises(NostrError, match="65,536"):
        sign_event(SECRET, NOW, 1, [], BIG)


# --- What does not hold ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"content": "other"}, "its ID is not the hash of what it says"),
        ({"created_at": NOW + 1}, "its ID is not the hash"),
        ({"tags": []}, "its ID is not the hash"),
        ({"kind": 2}, "its ID is not the hash"),
        ({"id": "0" * 64}, "its ID is not the hash"),
        ({"pubkey": "1" * 64}, "its ID is not the hash"),
        ({"sig": "0" * 128}, "its signature does not hold"),
        ({"sig": signed()["sig"][2:] + "00"}, "its signature does not hold"),
    ],
    ids=["content", "time", "tags", "kind", "id", "author", "signature", "shifted"],
)
def test_an_event_that_was_changed_is_bad_and_says_why(changes: dict[str, Any], words: str) -> None:
    event = read_event(signed(**changes))
    with pytest.raises(NostrError, match=words):
        check_event(event)
    badge = badge_of(event)
    assert badge.standing is Standing.BAD
    assert badge.sentence.startswith(f"bad: {words}")


def test_a_key_that_is_no_point_of_the_curve_signs_nothing() -> None:
    pubkey = "eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34"  # vector 5 of BIP-340
    fields = signed(pubkey=pubkey)
    fields["id"] = nostr.event_id(read_event(fields))
    assert badge_of(read_event(fields)).sentence == "bad: its signature does not hold"


def test_what_holds_is_said_with_who_signed_it() -> None:
    badge = badge_of(read_event(signed()))
    assert (badge.standing, badge.npub, badge.sentence) == (Standing.VERIFIED, NPUB, f"verified: signed by {NPUB}")


# --- The key of a commit --------------------------------------------------------------------------


@pytest.mark.parametrize("commit_id", [COMMIT, COMMIT_256], ids=["sha-1", "sha-256"])
def test_the_key_of_a_commit_is_its_id_and_what_it_signs_is_marked(commit_id: str) -> None:
    secret = nostr.derived_secret(commit_id)
    assert secret.hex() == commit_id.rjust(64, "0")
    event = nostr.commit_event('{"id":"…"}', commit_id, secret, NOW)
    assert (event.kind, event.tags) == (1, (("gnostr", "git"), ("commit", commit_id)))
    assert event.pubkey == Keys(SecretKey.parse(secret.hex())).public_key().to_hex()
    badge = badge_of(event)
    assert badge.standing is Standing.DERIVED
    assert badge.sentence.startswith("derived key: ")
    assert badge.sentence.endswith("so anyone can have signed it")
    assert nostr.commit_of(event) == commit_id
    assert nostr.is_about_git(event)


def test_an_event_about_a_commit_by_a_key_of_somebody_is_not_marked() -> None:
    assert badge_of(nostr.commit_event("{}", COMMIT, SECRET, NOW)).standing is Standing.VERIFIED


JSON_OF_IT = commit_json(Commit(COMMIT, "b" * 40, (), "Ada", "ada@x", "Ada", "ada@x", "Engines weave", NOW))


@pytest.mark.parametrize(
    ("tags", "content"),
    [
        ((("commit", "0" * 39 + "1"), ("commit", COMMIT)), "{}"),
        ((("commit", COMMIT.upper()),), "{}"),
        ((("commit", f" {COMMIT}\n"),), "{}"),
        ((("commit", "", COMMIT),), "{}"),
        ((), JSON_OF_IT),
        ((), JSON_OF_IT.replace(COMMIT, "".join(f"\\u{ord(digit):04x}" for digit in COMMIT))),
        ((), f"look at {COMMIT}!"),
    ],
    ids=["second tag", "capitals", "blanks", "second item", "JSON", "JSON with escapes", "text"],
)
def test_the_key_of_a_commit_is_marked_however_the_commit_is_named(
    tags: tuple[tuple[str, ...], ...], content: str
) -> None:
    made = partial(nostr.sign_event, created_at=NOW, kind=1, tags=(nostr.GIT_TAG, *tags), content=content)
    assert badge_of(made(nostr.derived_secret(COMMIT))).standing is Standing.DERIVED
    assert badge_of(made(SECRET)).standing is Standing.VERIFIED


def test_of_the_commits_that_an_event_names_so_many_are_looked_at() -> None:
    others = [("commit", f"{number:040x}") for number in range(1, limits_nostr.MAX_NAMED_COMMITS)]
    secret = nostr.derived_secret(COMMIT)
    last = sign_event(secret, NOW, 1, [*others, *others, ("commit", COMMIT)], "{}")
    assert badge_of(last).standing is Standing.DERIVED
    beyond = sign_event(secret, NOW, 1, [*others, ("commit", "f" * 40), ("commit", COMMIT)], "{}")
    assert badge_of(beyond).standing is Standing.VERIFIED


NO_KEYS = {
    "0": "0" * 40,
    "0 of 64": "0" * 64,
    "n": f"{schnorr.ORDER:064x}",
    "top": "f" * 64,
    "none": "",
    "39": COMMIT[:-1],
    "41": COMMIT + "0",
    "capitals": COMMIT.upper(),
    "no hex": "g" * 40,
    "other digits": "\N{ARABIC-INDIC DIGIT FOUR}" * 40,
    "line end": COMMIT + "\n",
}


@pytest.mark.parametrize("commit_id", NO_KEYS.values(), ids=NO_KEYS.keys())
def test_no_key_is_derived_from_0_from_what_is_not_below_the_order_and_from_what_is_no_id(commit_id: str) -> None:
    with pytest.raises(NostrError):
        nostr.derived_secret(commit_id)
    event = nostr.commit_event("{}", commit_id, SECRET, NOW)
    assert badge_of(event).standing is Standing.VERIFIED


def test_the_largest_key_of_a_commit_is_one() -> None:
    largest = f"{schnorr.ORDER - 1:064x}"
    assert badge_of(nostr.commit_event("{}", largest, nostr.derived_secret(largest), NOW)).standing is Standing.DERIVED


# --- Hostile --------------------------------------------------------------------------------------

values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text() | some.text("0123456789abcdef"),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(), inner, max_size=4),
    max_leaves=12,
)


@given(some.dictionaries(some.sampled_from([*NostrEvent.__slots__, "more"]), values))
def test_an_event_of_any_values_is_read_or_refused(changes: dict[str, Any]) -> None:
    fields = signed(**changes)
    for data in (fields, json.dumps(fields)):
        with contextlib.suppress(NostrError):
            assert badge_of(read_event(data)).sentence


@given(some.text() | some.binary())
def test_anything_at_all_is_refused_with_a_sentence(data: str | bytes) -> None:
    with pytest.raises(NostrError) as refused:
        read_event(data)
    assert str(refused.value)


def test_a_thousand_events_with_bytes_changed_are_refused_or_say_the_same() -> None:
    chance = random.Random(12)
    whole = json.dumps(signed(), ensure_ascii=False).encode()
    events = []
    for _ in range(1_000):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(data))
            match chance.randrange(3):
                case 0:
                    data[place] = chance.randrange(256)
                case 1:
                    del data[place]
                case _:
                    data.insert(place, chance.randrange(256))
        try:
            events.append(read_event(bytes(data)))
        except NostrError:
            continue
    own = read_event(whole)
    assert events
    assert {badge_of(event).standing for event in events if event != own} == {Standing.BAD}
