"""What is said to relays and by them, and how they are named."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits_nostr
from py_peer.core.nostr import NostrError
from py_peer.core.nostr_messages import (
    EventTaken,
    Filter,
    RelayURLError,
    RequestClosed,
    StoredEnd,
    close_message,
    parse_relay_url,
    read_relay_message,
    request_message,
)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("wss://relay.example", "wss://relay.example"),
        ("WSS://Relay.Example:443/", "wss://relay.example"),
        ("ws://127.0.0.1:7777/inbox?a=b", "ws://127.0.0.1:7777/inbox?a=b"),
        ("ws://[::1]:80", "ws://[::1]"),
        ("wss://[2001:db8::1]:80/x/", "wss://[2001:db8::1]:80/x/"),
        ("wss://relay.example/?for=a/", "wss://relay.example/?for=a/"),
    ],
)
def test_a_relay_has_one_name(text: str, written: str) -> None:
    url = parse_relay_url(text)
    assert str(url) == written
    assert parse_relay_url(written) == url


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("relay.example", "it begins with wss:// or ws://"),
        ("https://relay.example", "did you mean 'wss://relay.example'?"),
        ("http://relay.example", "did you mean 'ws://relay.example'?"),
        ("wss:relay.example", "it begins with wss:// or ws://"),
        ("wss://", "names no host"),
        ("wss://:8080", "names no host"),
        ("wss://me:secret@relay.example", "neither a name before @"),
        ("wss://relay.example/#top", "nor a #"),
        ("wss://relay.example:0", "a port on which nobody listens"),
        ("wss://relay.example:65536", "look at its host and its port"),
        ("wss://relay.example:x", "look at its host and its port"),
        ("wss://[::1", "look at its host and its port"),
        ("wss://relay..example", "look at its host and its port"),
        (f"wss://{'a' * 64}.example", "look at its host and its port"),
        ("wss://relay example", "no blanks"),
        ("wss://rélay.example", "only ASCII"),
        ("wss://relay.example\r\nHost: x", "only ASCII"),
        (f"wss://{'a' * limits_nostr.MAX_URL_CHARS}", "2,048 characters at most"),
        ("", "it begins with wss:// or ws://"),
    ],
)
def test_what_names_no_relay_gets_a_word_that_helps(text: str, says: str) -> None:
    with pytest.raises(RelayURLError) as error:
        parse_relay_url(text)
    assert says in str(error.value)
    assert "secret" not in str(error.value)


@given(st.text() | st.text().map(lambda text: f"wss://{text}"))
def test_any_text_names_a_relay_or_gets_a_word(text: str) -> None:
    try:
        url = parse_relay_url(text)
    except RelayURLError as error:
        assert str(error).isprintable()  # noqa: PT017 - either is right
    else:
        assert parse_relay_url(str(url)) == url


def test_what_is_asked_is_written_as_nip_01_has_it() -> None:
    filters = Filter(kinds=(1,), since=5, limit=10), Filter(ids=("ab",), until=7)
    assert request_message("x", *filters) == ('["REQ","x",{"kinds":[1],"since":5,"limit":10},{"ids":["ab"],"until":7}]')
    assert close_message("x") == '["CLOSE","x"]'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('["OK","ab",true,""]', EventTaken("ab", accepted=True, reason="")),
        ('["OK","ab",false,"blocked:\\u001b[2J no"]', EventTaken("ab", accepted=False, reason="blocked: no")),
        ('["OK","ab",true]', EventTaken("ab", accepted=True, reason="")),
        ('["OK","ab",true,{}]', EventTaken("ab", accepted=True, reason="")),
        ('["EOSE","x"]', StoredEnd("x")),
        ('["CLOSED","x","auth-required: who are you?"]', RequestClosed("x", "auth-required: who are you?")),
    ],
)
def test_what_a_relay_says_is_read(text: str, message: object) -> None:
    assert read_relay_message(text) == message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
KINDS = st.sampled_from(["EVENT", "OK", "EOSE", "CLOSED", "NOTICE", "AUTH"])


@given(st.text() | JSON.map(json.dumps) | st.tuples(KINDS, JSON, JSON).map(json.dumps))
def test_anything_is_read_or_refused(text: str) -> None:
    with suppress(NostrError):
        read_relay_message(text)
