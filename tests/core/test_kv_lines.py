"""gnostr's lines are read as gnostr reads them, and what is found is a line of JSON that nothing in it can break."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.dht_events import KeyProvided, LookupFailed, ProvidersFound, ValueFound, ValuePut
from py_peer.core.events import Answer, MessageReceived
from py_peer.core.kv_lines import LEAVING, WORDS, LineError, requests_of, result_line
from py_peer.core.requests import FindProviders, GetValue, JoinTopic, ProvideKey, PutValue
from py_peer.core.topic_events import TopicJoined

if TYPE_CHECKING:
    from py_peer.core.events import Event
    from py_peer.core.requests import Request


def asked(line: str) -> tuple[Request, ...]:
    return requests_of(line, itertools.count(1).__next__)


@pytest.mark.parametrize(
    ("line", "requests"),
    [
        ("", ()),
        ("  ", ()),
        ("GET k", (GetValue(1, "k"),)),
        ("  GET   k  ", (GetValue(1, "k"),)),
        ("GET deadbeef", (GetValue(1, "deadbeef"),)),
        ("PUT k v", (PutValue(1, "k", "v"), ProvideKey(2, "k", behind=1))),
        ("PUT k two  words ", (PutValue(1, "k", "two  words"), ProvideKey(2, "k", behind=1))),
        ("GET_PROVIDERS k", (FindProviders(1, "k"),)),
        ("PUT_PROVIDER k", (ProvideKey(1, "k"),)),
        ("TOPIC t", (JoinTopic(1, "t"),)),
        ("TOPIC two words", (JoinTopic(1, "two words"),)),
        ("TOPIC  two   blanks ", (JoinTopic(1, "two   blanks"),)),
        ("TOPIC #art of code", (JoinTopic(1, "art of code"),)),
    ],
)
def test_a_line_asks_for(line: str, requests: tuple[Request, ...]) -> None:
    assert asked(line) == requests


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("GET", "Expected key"),
        ("PUT", "Expected key"),
        ("PUT k", "Expected value"),
        ("PUT k  ", "Expected value"),
        ("GET_PROVIDERS ", "Expected key"),
        ("PUT_PROVIDER", "Expected key"),
        ("TOPIC", "Expected topic"),
        ("TOPIC #", "Expected topic"),
        ("get k", "expected GET, GET_PROVIDERS, PUT or PUT_PROVIDER (or TOPIC or QUIT)"),
        ("hello", "expected GET, GET_PROVIDERS, PUT or PUT_PROVIDER (or TOPIC or QUIT)"),
        ("GET a b", "expected nothing behind the key, and there is 'b'"),
    ],
)
def test_what_is_no_command_is_answered_in_gnostrs_words(line: str, expected: str) -> None:
    with pytest.raises(LineError) as refused:
        asked(line)
    assert str(refused.value) == expected


@given(st.text())
def test_whatever_is_written_asks_for_something_or_is_refused(line: str) -> None:
    with contextlib.suppress(LineError):
        assert bool(asked(line)) == bool(line.strip())


@pytest.mark.parametrize(
    ("event", "request_", "line"),
    [
        (ValueFound(1, "k", "v", 1, 1, 0.0, ""), GetValue(1, "k"), '{"key":"k","value":"v"}'),
        (ValueFound(1, "k", "�", 1, 1, 0.0, "/w=="), GetValue(1, "k"), '{"key":"k","value":"�","base64":"/w=="}'),
        (LookupFailed(1, "k", 1, "none"), GetValue(1, "k"), '{"key":"k","value":null}'),
        (LookupFailed(1, "k", 1, "none"), FindProviders(1, "k"), '{"key":"k","providers":[]}'),
        (ProvidersFound(1, "k", ("A", "B"), 2), FindProviders(1, "k"), '{"key":"k","providers":["A","B"]}'),
        (ValuePut(1, "k", 2, 3), PutValue(1, "k", "v"), '{"key":"k","kept_by":2,"asked":3}'),
        (KeyProvided(1, "k", 2, 3), ProvideKey(1, "k"), '{"key":"k","provided_to":2,"asked":3}'),
        (TopicJoined(1, "t", 2), JoinTopic(1, "t"), '{"topic":"t","peers":2}'),
        (MessageReceived("A", "ann", "hi", 0.0, topic="t"), None, '{"topic":"t","from":"A","text":"hi"}'),
        (Answer(1, "Not put", failed=True), PutValue(1, "k", "v"), ""),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_result_is_a_line(event: Event, request_: Request | None, line: str) -> None:
    assert result_line(event, request_) == line


def test_the_readme_shows_every_word_and_every_kind_of_line() -> None:
    page = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([A-Z_]+)", page, re.MULTILINE)) == {*WORDS, LEAVING[0]}
    assert "| `QUIT`, `EXIT`, `Q` |" in page
    for event, request in (
        (ValuePut(1, "colour", 2, 2), PutValue(1, "colour", "dark blue")),
        (KeyProvided(1, "colour", 2, 2), ProvideKey(1, "colour")),
        (ValueFound(1, "colour", "dark blue", 1, 1, 0.0, ""), GetValue(1, "colour")),
        (ProvidersFound(1, "colour", ("12D3KooW…",), 2), FindProviders(1, "colour")),
        (TopicJoined(1, "cats", 1), JoinTopic(1, "cats")),
        (MessageReceived("12D3KooW…", "ann", "miaow", 0.0, topic="cats"), None),
    ):
        assert f"`{result_line(event, request)}`" in page


@given(st.text(), st.text())
def test_a_result_is_one_line_whatever_is_in_it(key: str, value: str) -> None:
    line = result_line(ValueFound(1, key, value, 1, 1, 0.0, ""), GetValue(1, key))
    assert line.splitlines() == [line]
    assert json.loads(line) == {"key": key, "value": value}
