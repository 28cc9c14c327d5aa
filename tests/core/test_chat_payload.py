"""Raw text is the text; of an old Python peer's JSON the message alone is believed."""

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from py_peer.core.chat_payload import decode_payload

OLD = {"message": "hello", "sender_id": "12D3KooWForged", "sender_nick": "alice", "timestamp": 1.5}
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.text())
@example('{"message": "hello"}')
@example("{}")
@example("{")
@example("[1, 2]")
def test_text_is_shown_as_it_is(text: str) -> None:
    assert decode_payload(text.encode()) == text


@given(st.binary())
def test_any_bytes_can_be_shown(data: bytes) -> None:
    assert isinstance(decode_payload(data), str)


@given(st.text(), values, values, values)
def test_a_chat_message_is_shown_as_its_text_whatever_else_it_claims(
    text: str, sender: object, nick: object, when: object
) -> None:
    payload = {"message": text, "sender_id": sender, "sender_nick": nick, "timestamp": when}
    assert decode_payload(json.dumps(payload).encode()) == text


@pytest.mark.parametrize(
    "payload",
    [
        {key: OLD[key] for key in OLD if key != "timestamp"},
        {**OLD, "one": "more"},
        {**OLD, "message": 7},
        {**OLD, "message": None},
        [OLD],
        "message",
    ],
)
def test_other_json_is_text_that_somebody_typed(payload: object) -> None:
    text = json.dumps(payload)
    assert decode_payload(text.encode()) == text


@pytest.mark.parametrize(
    "data",
    [
        b'{"message":' * 20_000,
        b'{"message":' + b"[" * 200_000,
        b'{"message":"x","sender_id":"","sender_nick":"","timestamp":' + b"9" * 200_000 + b"}",
        b'{"message":"x","sender_id":"","sender_nick":"","timestamp":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":1,' * 30_000,
        b'{"message":"' + b"x" * 4_000_000 + b'","sender_id":"","sender_nick":"","timestamp":0}',
        b'{"\xff":1}',
        b"{\x00\x00\x00",
    ],
)
def test_absurd_json_is_text_and_takes_no_time(data: bytes) -> None:
    start = time.process_time()
    assert decode_payload(data) == data.decode("utf-8", "replace")
    assert time.process_time() - start < 0.5
