"""A Nostr key is bound to a peer by what both have signed, and by nothing that somebody else can make or send again."""

from __future__ import annotations

import json

import nostr_sdk
import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits
from py_peer.core.announcement import LATEST_TIME, Announcement, decode, encode
from py_peer.core.nostr import NostrError, check_event, event_id, read_event, sign_event
from py_peer.core.nostr_binding import BINDING_KIND, check_claim, make_claim

SECRET = bytes(31) + b"\x03"
PUBLIC = "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"
"""The public key of the secret 3, as the first test vector of BIP-340 has it."""

PEER = "12D3KooWH3uVF6wv47WnArKHk5p6cvgCJEb74UTmxztmQDc298L3"
OTHER = "12D3KooWQYV9dGMFoRzNStwpXztXaBUjtPqi6aU76ZgUriHhKust"
NOON = 1_700_000_000_123
CLAIM = make_claim(SECRET, PEER, NOON)


def test_what_was_announced_is_read_as_the_key_that_is_bound() -> None:
    announced = decode(encode(Announcement("bob", NOON, CLAIM)))
    assert check_claim(announced.nostr, PEER, announced.at) == PUBLIC


@pytest.mark.parametrize("at", [0, 999, LATEST_TIME])
def test_any_time_that_an_announcement_can_have_can_be_signed(at: int) -> None:
    assert check_claim(make_claim(SECRET, PEER, at), PEER, at) == PUBLIC


def test_it_is_an_event_of_nip_01_that_names_the_peer() -> None:
    fields = {
        "pubkey": CLAIM["pubkey"],
        "created_at": 1_700_000_000,
        "kind": 30_078,
        "tags": [["d", f"py-peer:{PEER}"]],
        "content": f"I am {PEER} in Universal Connectivity",
        "sig": CLAIM["sig"],
    }
    unsigned = read_event(fields | {"id": "0" * 64})
    event = read_event(fields | {"id": event_id(unsigned)})
    check_event(event)
    assert nostr_sdk.Event.from_json(event.json()).verify()


def test_with_the_longest_nickname_it_is_an_announcement_still() -> None:
    nick = "\N{BUG}" * 16
    payload = encode(Announcement(nick, LATEST_TIME, CLAIM))
    assert decode(payload) == Announcement(nick, LATEST_TIME, CLAIM)
    assert len(payload) < limits.MAX_ANNOUNCEMENT_BYTES // 2


def test_who_knows_nothing_of_it_reads_the_nickname() -> None:
    fields = json.loads(encode(Announcement("bob", NOON, CLAIM)))
    assert (fields["nick"], fields["at"]) == ("bob", NOON)
    assert set(fields) == {"nick", "at", "nostr"}


def test_without_a_key_nothing_is_said_of_one() -> None:
    assert encode(Announcement("bob", NOON)) == b'{"nick":"bob","at":1700000000123}'
    assert decode(b'{"nick":"bob","at":5,"nostr":null}') == Announcement("bob", 5)


@pytest.mark.parametrize(
    ("peer_id", "at"), [(OTHER, NOON), (PEER, NOON + 1_000), (PEER, NOON - 1_000)], ids=["copied", "later", "earlier"]
)
def test_a_claim_holds_for_one_peer_and_one_time_alone(peer_id: str, at: int) -> None:
    with pytest.raises(NostrError, match="signature does not hold"):
        check_claim(CLAIM, peer_id, at)


def test_what_the_key_has_signed_else_binds_nothing() -> None:
    tags, content = (("d", f"py-peer:{PEER}"),), f"I am {PEER} in Universal Connectivity"
    assert check_claim(_claim(NOON // 1000, BINDING_KIND, tags, content), PEER, NOON) == PUBLIC
    for said in (
        (NOON // 1000, 1, tags, content),
        (NOON // 1000, BINDING_KIND, (), content),
        (NOON // 1000, BINDING_KIND, (("d", "py-peer"),), content),
        (NOON // 1000, BINDING_KIND, tags, "hello"),
    ):
        with pytest.raises(NostrError, match="signature does not hold"):
            check_claim(_claim(*said), PEER, NOON)


def _claim(created_at: int, kind: int, tags: tuple[tuple[str, ...], ...], content: str) -> dict[str, str]:
    event = sign_event(SECRET, created_at, kind, tags, content)
    return {"pubkey": event.pubkey, "sig": event.sig}


NO_CLAIMS: dict[str, object] = {
    "nothing": None,
    "a truth": True,
    "a number": 7,
    "a text": "npub1",
    "a list": [],
    "a list of one": [CLAIM],
    "empty": {},
    "no signature": {"pubkey": CLAIM["pubkey"]},
    "no key": {"sig": CLAIM["sig"]},
    "null for a key": CLAIM | {"pubkey": None},
    "a number for a key": CLAIM | {"pubkey": 7},
    "a list for a key": CLAIM | {"pubkey": [CLAIM["pubkey"]]},
    "capital letters": CLAIM | {"pubkey": CLAIM["pubkey"].upper()},
    "a line break": CLAIM | {"pubkey": CLAIM["pubkey"] + "\n"},
    "too short": CLAIM | {"pubkey": CLAIM["pubkey"][:-1]},
    "other digits": CLAIM | {"pubkey": "\u0661" * 64},
    "no UTF-8": CLAIM | {"pubkey": "\ud800" * 64},
    "no point": CLAIM | {"pubkey": "0" * 64},
    "beyond the field": CLAIM | {"pubkey": "f" * 64},
    "another's key": CLAIM | {"pubkey": make_claim(bytes(31) + b"\x02", PEER, NOON)["pubkey"]},
    "an object for a signature": CLAIM | {"sig": {}},
    "a longer signature": CLAIM | {"sig": CLAIM["sig"] + "00"},
    "zeros": CLAIM | {"sig": "0" * 128},
    "ones": CLAIM | {"sig": "f" * 128},
    "one bit": CLAIM | {"sig": f"{int(CLAIM['sig'], 16) ^ 1:0128x}"},
}


@pytest.mark.parametrize("claim", NO_CLAIMS.values(), ids=NO_CLAIMS)
def test_what_is_no_claim_is_refused_in_words_that_are_ours(claim: object) -> None:
    with pytest.raises(NostrError) as error:
        check_claim(claim, PEER, NOON)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 80


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON | st.fixed_dictionaries({"pubkey": JSON, "sig": JSON}))
def test_whatever_is_claimed_nothing_else_is_raised(claim: object) -> None:
    with pytest.raises(NostrError):
        check_claim(claim, PEER, NOON)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
def test_no_key_and_no_signature_is_more_than_refused(pubkey: bytes, sig: bytes) -> None:
    with pytest.raises(NostrError):
        check_claim({"pubkey": pubkey.hex(), "sig": sig.hex()}, PEER, NOON)


def test_what_came_with_the_announcement_is_kept_as_it_came_and_hurts_nobody_who_reads_the_name() -> None:
    for nostr in ("true", '"npub1"', "[]", "{}", "[" * 200 + "]" * 200, '{"pubkey":1e999}', '{"pubkey":"\\ud800"}'):
        announced = decode(b'{"nick":"bob","at":5,"nostr":' + nostr.encode() + b"}")
        assert (announced.nick, announced.at) == ("bob", 5)
        with pytest.raises(NostrError):
            check_claim(announced.nostr, PEER, 5)


def test_two_of_one_time_differ_and_both_hold() -> None:
    again = make_claim(SECRET, PEER, NOON)
    assert again["sig"] != CLAIM["sig"]
    assert check_claim(again, PEER, NOON) == PUBLIC
