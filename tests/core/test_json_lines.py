"""What a script reads and writes: every event is a line of the schema, and any line is a command or a mistake."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped, unused-ignore]

from py_peer.core import limits
from py_peer.core.commands import COMMANDS
from py_peer.core.events import Answer, Event, Failed, FailureKind, MessageReceived, MessageSent, Ready
from py_peer.core.json_lines import (
    ONE_OBJECT,
    SCRIPT_COMMANDS,
    Mistake,
    Wish,
    commands_schema,
    event_line,
    event_name,
    event_types,
    events_schema,
    read_command,
)
from py_peer.core.typed_lines import Command
from scripts.schemas import DOCS, SCHEMAS, text

EVENTS = Draft202012Validator(events_schema())
A_COMMAND = Draft202012Validator(commands_schema())
KINDS = event_types()

st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))

SAY_LOOKS = '{"command": "say", "text": "…", "topic": "…"}'
"""What a `say` looks like."""


# --- Events ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=event_name)
def test_every_event_is_a_line_of_the_schema_whatever_it_holds(kind: type) -> None:
    of_its_kind = Draft202012Validator({"$ref": f"#/$defs/{event_name(kind)}", "$defs": EVENTS.schema["$defs"]})

    @settings(max_examples=30)
    @given(st.from_type(kind))
    def holds(event: Event) -> None:
        line = event_line(event, 1_700_000_000.123456, "a")
        assert len(line.splitlines()) == 1
        read = json.loads(line)
        of_its_kind.validate(read)
        assert (read["event"], read["at"], read["id"]) == (event_name(kind), 1_700_000_000.123, "a")
        fields = {field.name for field in dataclasses.fields(kind)}
        assert set(read) == fields | {"event", "at", "id"}

    holds()


def test_events_are_called_like_their_classes() -> None:
    names = [event_name(kind) for kind in KINDS]
    assert {"started", "ready", "message_received", "peer_joined", "error", "ended"} <= set(names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("kind", KINDS, ids=event_name)
def test_no_event_has_a_field_that_every_line_has(kind: type) -> None:
    assert not {field.name for field in dataclasses.fields(kind)} & {"event", "at", "id"}


def test_a_line_says_what_the_event_says() -> None:
    line = event_line(MessageReceived("12D3", "Ann", 'say "hi"\nthere', timestamp=2.5), 7.0)
    assert line.startswith('{"event":"message_received","at":7.0,"peer_id":"12D3"')
    assert json.loads(line)["text"] == 'say "hi"\nthere'
    assert json.loads(event_line(Failed(FailureKind.CANNOT_LISTEN, "why"), 0.0))["kind"] == "cannot listen"
    read = json.loads(event_line(Ready("12D3", "bob", ("/ip4/127.0.0.1",)), 0.0, 5))
    assert (read["id"], read["addresses"]) == (5, ["/ip4/127.0.0.1"])


def test_nothing_in_a_line_moves_a_terminal_or_ends_the_line_for_anybody() -> None:
    text = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029]))
    line = event_line(MessageSent(1, text, 1, 0.0), 0.0)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["text"] == text


def test_the_schema_notices_what_is_wrong() -> None:
    good = json.loads(event_line(Answer(1, "done"), 0.0))
    assert EVENTS.is_valid(good)
    assert EVENTS.is_valid(good | {"of a later version": 1})
    for name, value in (("ticket", "1"), ("text", None), ("event", "answered"), ("at", "now"), ("id", 1.5)):
        assert not EVENTS.is_valid(good | {name: value})
        assert name == "id" or not EVENTS.is_valid({key: value for key, value in good.items() if key != name})


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema_in_the_documents_is_the_programs(name: str) -> None:
    kept = (DOCS / name).read_text(encoding="utf-8")
    assert kept == text(SCHEMAS[name]()), "run `python -m scripts.schemas`"
    Draft202012Validator.check_schema(json.loads(kept))
    assert all("description" in part for part in json.loads(kept)["$defs"].values())


# --- Commands -------------------------------------------------------------------------------------

ARGUMENTS = {
    "topic": "news",
    "peer": "Ann",
    "name": "Bob",
    "text": " hello",
    "addr": "/ip4/127.0.0.1/tcp/1",
    "switch": "on",
    "file": "k3x",
    "path": "/home/a file ",
    "transfer": "1",
    "key": " a key",
    "value": " one\ntwo ",
    "hash": "00",
    "commit": "3f2a9c1",
    "rev": "HEAD~1",
}


@pytest.mark.parametrize("entry", SCRIPT_COMMANDS.values(), ids=lambda entry: entry.script_name)
def test_every_row_of_the_table_is_an_object(entry: Any) -> None:
    arguments = {key: ARGUMENTS[key] for key in entry.keys}
    command = {"command": entry.script_name, "id": "x", "unheard of": [{}], **arguments}
    A_COMMAND.validate(command)
    first, *more = arguments.values() or [""]
    assert read_command(json.dumps(command).encode()) == Wish(Command(entry.name, first, tuple(more)), "x")
    for key, optional in entry.keys.items():
        less = {name: value for name, value in command.items() if name != key}
        assert A_COMMAND.is_valid(less) == optional
        assert isinstance(read_command(json.dumps(less).encode()), Wish) == optional


def test_what_is_only_for_eyes_is_left_out() -> None:
    assert set(SCRIPT_COMMANDS) - {"say"} < {entry.script_name for entry in COMMANDS}
    assert not {"clear", "bell", "help"} & set(SCRIPT_COMMANDS)


def test_a_text_is_taken_as_it_is() -> None:
    for said in ("/quit", "  indented\n\tand more  ", "quit", "\u2028", "👩\u200d💻"):
        assert read_command(json.dumps({"command": "say", "text": said}).encode()) in (
            Wish(Command("say", said), None),
            Mistake("there is no text that can be seen", SAY_LOOKS, command="say"),
        )
    assert read_command(b'{"command":"say","text":"\\ud83d\\ude00\\u0000"}') == Wish(Command("say", "😀\x00"), None)


@pytest.mark.parametrize(
    ("line", "reason", "advice"),
    [
        (b"hello", "malformed", ONE_OBJECT),
        (b'{"command":"say","text":"x"', "truncated", ONE_OBJECT),
        (b'{"command":"peers"} x', "trailing", ONE_OBJECT),
        (b'["say"]', "Expected `object`", ONE_OBJECT),
        (b"17", "Expected `object`", ONE_OBJECT),
        (b"{}", "`command`", ONE_OBJECT),
        (b'{"command":7}', "Expected `str`, got `int`", ONE_OBJECT),
        (b'{"command":"say","text":NaN}', "malformed", ONE_OBJECT),
        (b'{"command":"say","text":"\xff"}', "not UTF-8: byte 26", ONE_OBJECT),
        (b'{"command":"peers","more":"\xed\xa0\x80"}', "not UTF-8", ONE_OBJECT),
        (b'{"command":"say","text":"\\ud800"}', "", ONE_OBJECT),
        (b'{"command":"peers","id":{}}', "`$.id`", ONE_OBJECT),
        (b'{"command":"peers","id":%s}' % (b"9" * 9_000), "`$.id`", ONE_OBJECT),
        (b'{"command":"peers","id":"%s"}' % (b"x" * 257), "`$.id`", ONE_OBJECT),
        (b'{"command":"peers","more":%s}' % (b"[" * 200_000), "nested too deep", ONE_OBJECT),
        (b'{"command":"peers","more":%s1%s}' % (b"[" * 100_000, b"]" * 100_000), "nested too deep", ONE_OBJECT),
        (b'{"command":"say"}', "`text`", SAY_LOOKS),
        (b'{"command":"say","text":null}', "`$.text`", SAY_LOOKS),
        (b'{"command":"say","text":" \\n"}', "there is no text that can be seen", SAY_LOOKS),
        (b'{"command":"say","text":"\\u0000\\u001b"}', "there is no text that", SAY_LOOKS),
        (b'{"command":"whois","peer":""}', "say which peer", '{"command": "whois", "peer": "…"}'),
        (b'{"command":"peesr"}', "unknown command 'peesr'", 'did you mean {"command": "peers"}?'),
        (b'{"command":"/Peers"}', "unknown command '/Peers'", 'did you mean {"command": "peers"}?'),
        (b'{"command":"%s"}' % (b"z" * 9_000), "unknown command 'zzz", "the commands are say, peers, "),
        (b'{"command":"\\u001b[2Jclear"}', "unknown command 'clear'", ""),
    ],
    ids=lambda value: value[:40].decode("latin-1") if isinstance(value, bytes) else "",
)
def test_a_bad_line_is_answered_with_what_is_wrong_and_what_to_do(line: bytes, reason: str, advice: str) -> None:
    mistake = read_command(line)
    assert isinstance(mistake, Mistake)
    assert reason in mistake.reason
    assert len(mistake.reason) <= limits.MAX_ERROR_CHARS
    assert mistake.advice.startswith(advice)
    assert mistake.advice


def test_the_id_comes_back_with_a_mistake_where_it_can_be_read() -> None:
    for line in (
        b'{"command":"no","id":"7"}',
        b'{"id":"7","command":"say","text":1}',
        b'{"id":"7"}',
        b'{"command":null,"id":"7"}',
    ):
        assert read_command(line).id == "7"
    for line in (b'{"id":"7"', b'{"id":[]}', b'{"command":0,"id":1.5}', b'"7"'):
        assert read_command(line).id is None


@given(st.one_of(st.binary(), st.text().map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_any_bytes_are_a_command_or_a_mistake(line: bytes) -> None:
    read_command(line)


OBJECTS = st.dictionaries(
    st.sampled_from(["command", "text", "peer", "id", "x"]),
    st.one_of(
        st.sampled_from([*SCRIPT_COMMANDS, "Ann"]),
        st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5),
    ),
)


@given(OBJECTS)
def test_what_is_obeyed_is_what_the_schema_allows(command: dict[str, Any]) -> None:
    read = read_command(json.dumps(command).encode())
    if isinstance(read, Wish):
        A_COMMAND.validate(command)


# --- The documents --------------------------------------------------------------------------------

PAGE = (DOCS / "json.md").read_text(encoding="utf-8")


def test_every_line_that_the_page_for_scripts_shows_is_of_the_schema() -> None:
    shown = [json.loads(line) for line in PAGE.splitlines() if line.startswith("    {")]
    for line in shown:
        (EVENTS if "event" in line else A_COMMAND).validate(line)
    assert {"event", "command"} <= {next(iter(line)) for line in shown}


def test_the_page_for_scripts_names_every_command_and_only_events_that_there_are() -> None:
    rows = [line.split("|")[1:3] for line in PAGE.splitlines() if line.startswith("| `")]
    commands = {word for row in rows for word in re.findall(r"`(\w+)`", re.sub(r"with(out)? `\w+`", "", row[0]))}
    assert commands == set(SCRIPT_COMMANDS)
    answers = {word for row in rows for word in re.findall(r"`(\w+)`", re.sub(r"with(out)? `\w+`", "", row[1]))}
    assert answers - {"ignore"} <= {event_name(kind) for kind in KINDS}
    assert f"{limits.MAX_COMMAND_BYTES:,} bytes" in PAGE
