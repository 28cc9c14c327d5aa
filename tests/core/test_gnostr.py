"""gnostr's own chat: its JSON byte by byte, what others may send in its place, and chunks that never end."""

from __future__ import annotations

import contextlib
import json
import random
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits, limits_gnostr
from py_peer.core.gnostr import (
    CHAT,
    GIT_DIFF,
    JOIN,
    KINDS,
    LEAVE,
    NO_COMMIT,
    Chunks,
    GnostrError,
    GnostrMessage,
    NotGnostrError,
    decode_message,
    encode_message,
    encode_text,
    looks_like_gnostr,
)

ZEROS = "0" * 40
HELLO = f'{{"from":"alice","content":["hello",""],"kind":"Chat","commit_id":"{ZEROS}"}}'.encode()
"""As it stands in what is known of gnostr's wire."""

ID = "11e8f8a0-6c1b-4e5a-9d0e-3d2f4c7b8a90"
CHUNK = (
    f'{{"from":"alice","content":["hel",""],"kind":"Chat","commit_id":"{ZEROS}",'
    f'"message_id":"{ID}","sequence_num":0,"total_chunks":2}}'
).encode()
NEWER = (
    f'{{"from":"alice","content":["hello",""],"kind":"Chat","commit_id":"{ZEROS}","nostr_event":null,'
    f'"message_id":"{ID}","sequence_num":0,"total_chunks":1,"mood":{{"good":[1,2.5,true,null]}}}}'
).encode()


def chunk(number: int, total: int, text: str = "x", message_id: str = ID, kind: str = CHAT) -> GnostrMessage:
    return GnostrMessage("alice", (text, ""), kind, message_id=message_id, number=number, total=total)


# --- Byte by byte ---------------------------------------------------------------------------------


def test_a_text_is_written_and_read_byte_by_byte_as_gnostr_does() -> None:
    assert encode_text("alice", "hello", ID) == [HELLO]
    assert decode_message(HELLO) == GnostrMessage("alice", ("hello", ""), CHAT, ZEROS)
    assert encode_message(decode_message(HELLO)) == HELLO


def test_a_chunk_is_written_and_read_byte_by_byte() -> None:
    assert encode_message(chunk(0, 2, "hel")) == CHUNK
    assert decode_message(CHUNK) == chunk(0, 2, "hel")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_written_and_read(kind: str) -> None:
    message = GnostrMessage("bob", ("one", "two"), kind, "ab" * 20)
    data = encode_message(message)
    assert data == f'{{"from":"bob","content":["one","two"],"kind":"{kind}","commit_id":"{"ab" * 20}"}}'.encode()
    assert decode_message(data) == message


def test_what_serde_escapes_is_escaped_so_and_nothing_else() -> None:
    text = 'a"b\\c\x00\x08\t\n\x0c\r\x1f\x7f/é€😀\u2028'
    data = encode_message(GnostrMessage("a", (text, ""), CHAT))
    said = r'"a\"b\\c\u0000\b\t\n\f\r\u001f' + "\x7f/é€😀\u2028" + '"'
    assert data == f'{{"from":"a","content":[{said},""],"kind":"Chat","commit_id":"{ZEROS}"}}'.encode()
    assert decode_message(data).text == text


def test_half_a_surrogate_pair_becomes_a_question_mark_as_in_the_room() -> None:
    assert decode_message(encode_text("a", "x\ud800y", ID)[0]).text == "x?y"


# --- What others send -----------------------------------------------------------------------------


def test_keys_that_are_not_known_and_null_are_no_fault() -> None:
    assert decode_message(NEWER) == replace(decode_message(HELLO), message_id=ID, total=1)


def test_an_event_is_kept_as_it_came_and_chunks_need_all_three_keys() -> None:
    fields = json.loads(NEWER) | {"nostr_event": {"id": 1}}
    del fields["sequence_num"]
    read = decode_message(json.dumps(fields).encode())
    assert (read.nostr_event, read.total) == (b'{"id": 1}', 0)


def test_a_commit_id_that_is_none_is_as_if_there_were_none() -> None:
    assert decode_message(HELLO.replace(ZEROS.encode(), b"HEAD")).commit_id == NO_COMMIT
    assert decode_message(HELLO.replace(ZEROS.encode(), b"ab" * 32)).commit_id == "ab" * 32


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        ([], "Chat", ""),
        (["only one"], "NostrEvent", "only one"),
        (["a", "", "b"], "Chat", "a\nb"),
        (["a", "b"], "GitCommitId", "a b"),
        (["a", ""], "GitCommitTree", "a"),
        (["+a", "-b", " c", ""], "GitDiff", "+a\n-b\n c"),
    ],
)
def test_what_a_message_says_is_all_its_parts(content: list[str], kind: str, text: str) -> None:
    data = json.dumps({"from": "a", "content": content, "kind": kind, "commit_id": ZEROS}).encode()
    assert decode_message(data).text == text


NOT_GNOSTR: dict[str, bytes] = {
    "a text": b"hello",
    "nothing": b"",
    "no UTF-8": b"\xff\xfe",
    "a list": b'["from"]',
    "no JSON": b"{",
    "no from": b'{"content":["a",""],"kind":"Chat"}',
    "no content": b'{"from":"a","kind":"Chat"}',
    "no kind": b'{"from":"a","content":["a",""]}',
    "a number for from": HELLO.replace(b'"alice"', b"7"),
    "content that is no list": HELLO.replace(b'["hello",""]', b'"hello"'),
    "content that is no text": HELLO.replace(b'["hello",""]', b"[1,2]"),
    "content without end": HELLO.replace(b'["hello",""]', b"[" + b'"",' * 2048 + b'""]'),
    "a kind that is no text": HELLO.replace(b'"Chat"', b'{"Chat":1}'),
    "a negative number": CHUNK.replace(b'"sequence_num":0', b'"sequence_num":-1'),
    "a number that is not whole": CHUNK.replace(b'"sequence_num":0', b'"sequence_num":0.5'),
    "a number of many digits": CHUNK.replace(b'"total_chunks":2', b'"total_chunks":' + b"9" * 5_000),
    "true for a number": CHUNK.replace(b'"total_chunks":2', b'"total_chunks":true'),
    "depth": b'{"from":"a","x":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "something behind it": HELLO + b"x",
    "half a text": HELLO.replace(b"hello", b"hel\xff"),
}


@pytest.mark.parametrize("data", NOT_GNOSTR.values(), ids=NOT_GNOSTR)
def test_what_is_not_gnostrs_is_refused(data: bytes) -> None:
    with pytest.raises(NotGnostrError):
        decode_message(data)
    assert not looks_like_gnostr(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (HELLO.replace(b"Chat", b"Dance"), "a kind that is not known"),
        (HELLO.replace(b"hello", b"x" * limits_gnostr.MAX_PAYLOAD), "too large"),
        (CHUNK.replace(b":2}", b":1025}"), "more than a message may have"),
        (CHUNK.replace(b":2}", b":0}"), "are none"),
        (CHUNK.replace(b'"sequence_num":0', b'"sequence_num":2'), "are none"),
        (CHUNK.replace(ID.encode(), b"x" * 65), "are none"),
    ],
    ids=["kind", "size", "too many chunks", "no chunks", "number", "long ID"],
)
def test_what_is_beyond_a_limit_is_refused_for_that(data: bytes, reason: str) -> None:
    with pytest.raises(GnostrError, match=reason) as raised:
        decode_message(data)
    assert not isinstance(raised.value, NotGnostrError)


@given(
    st.binary(max_size=200)
    | st.builds(
        lambda value: json.dumps(value).encode(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from([*json.loads(NEWER)]) | st.text(max_size=3), inner, max_size=9)
            ),
            max_leaves=12,
        ),
    )
)
def test_nothing_but_one_error_comes_out_of_whatever_is_read(data: bytes) -> None:
    try:
        message = decode_message(data)
    except GnostrError:
        return
    assert isinstance(message.text, str)


@pytest.mark.parametrize(("data", "is_gnostr"), [(HELLO, True), (NEWER, True), (b" " + HELLO, False)])
def test_on_another_wire_only_what_gnostr_writes_is_taken_for_its_own(data: bytes, *, is_gnostr: bool) -> None:
    assert looks_like_gnostr(data) is is_gnostr


# --- Chunks ---------------------------------------------------------------------------------------


@given(st.text(max_size=300), st.integers(300, 1_000), st.randoms())
def test_a_text_comes_out_of_its_chunks_in_any_order_and_each_fits(text: str, most: int, order: random.Random) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits_gnostr, "MAX_PAYLOAD_OUT", most)
        payloads = encode_text("alice", text, ID)
    assert all(len(payload) <= most for payload in payloads)
    parts = [decode_message(payload) for payload in payloads]
    order.shuffle(parts)
    chunks = Chunks()
    whole = parts[0] if len(parts) == 1 else [chunks.take("t", "a", part, 0.0) for part in parts][-1]
    assert whole == GnostrMessage("alice", (text.encode("utf-8", "replace").decode(), ""), CHAT)
    assert (len(chunks), chunks.size) == (0, 0)


@pytest.mark.parametrize("text", ["x" * limits.MAX_TEXT_BYTES, "\x01" * limits.MAX_TEXT_BYTES, "😀" * 15_000])
def test_the_largest_text_goes_in_few_chunks_that_rust_takes(text: str) -> None:
    payloads = encode_text("n" * 64, text, ID)
    assert 1 < len(payloads) <= 8 or text[0] == "😀"
    assert max(map(len, payloads)) <= limits.MAX_TEXT_BYTES


def test_a_message_of_one_chunk_is_whole_at_once() -> None:
    assert Chunks().take("t", "a", chunk(0, 1, "hello"), 0.0) == GnostrMessage("alice", ("hello", ""), CHAT)


@pytest.mark.parametrize("rest", [("",), ()], ids=["two elements", "one element"])
def test_the_chunks_of_a_diff_are_its_lines(rest: tuple[str, ...]) -> None:
    chunks = Chunks()
    for number, line in ((2, " c"), (1, "-b")):
        part = replace(chunk(number, 3, kind=GIT_DIFF), content=(line, *rest))
        assert chunks.take("t", "a", part, 0.0) is None
    whole = chunks.take("t", "a", chunk(0, 3, "+a", kind=GIT_DIFF), 0.0)
    assert whole is not None
    assert whole.text == "+a\n-b\n c"


def test_a_chunk_that_comes_twice_counts_once() -> None:
    chunks = Chunks()
    chunks.take("t", "a", chunk(0, 2, "one"), 0.0)
    with pytest.raises(GnostrError, match="came before"):
        chunks.take("t", "a", chunk(0, 2, "another"), 0.0)
    whole = chunks.take("t", "a", chunk(1, 2, " two"), 0.0)
    assert whole is not None
    assert whole.text == "one two"


def test_who_changes_in_the_middle_how_many_there_are_loses_the_message() -> None:
    chunks = Chunks()
    chunks.take("t", "a", chunk(0, 3), 0.0)
    with pytest.raises(GnostrError, match="change how many"):
        chunks.take("t", "a", chunk(1, 1_024), 0.0)
    assert (len(chunks), chunks.size, chunks.given_up) == (0, 0, 1)


def test_nobody_adds_to_what_another_has_begun_nor_on_another_topic() -> None:
    chunks = Chunks()
    chunks.take("t", "a", chunk(0, 2), 0.0)
    assert chunks.take("t", "b", chunk(1, 2), 0.0) is None
    assert chunks.take("u", "a", chunk(1, 2), 0.0) is None
    assert len(chunks) == 3
    chunks.forget_topic("t")
    assert len(chunks) == 1


def test_what_does_not_become_whole_in_a_minute_from_its_first_chunk_is_forgotten() -> None:
    chunks = Chunks()
    for number in range(59):
        assert chunks.take("t", "a", chunk(number, 1_024), float(number)) is None
    chunks.forget_old(limits_gnostr.CHUNK_SECONDS)
    assert (len(chunks), chunks.size, chunks.given_up) == (0, 0, 1)


def test_a_message_that_grows_and_grows_is_dropped() -> None:
    chunks = Chunks()
    for number in range(limits_gnostr.MAX_WHOLE // 10_000):
        assert chunks.take("t", "a", chunk(number, 1_024, "x" * 10_000), 0.0) is None
    with pytest.raises(GnostrError, match="too large"):
        chunks.take("t", "a", chunk(1_023, 1_024, "x" * 10_000), 0.0)
    assert (len(chunks), chunks.given_up) == (0, 1)


def test_who_begins_many_messages_pushes_out_nobody_elses() -> None:
    chunks = Chunks()
    chunks.take("t", "honest", chunk(0, 2, "I am "), 0.0)
    for number in range(10_000):
        chunks.take("t", "a", chunk(0, 1_024, message_id=str(number)), 0.0)
    assert len(chunks) == 1 + limits_gnostr.HALF_PER_AUTHOR
    whole = chunks.take("t", "honest", chunk(1, 2, "here"), 0.0)
    assert whole is not None
    assert whole.text == "I am here"


def test_a_message_of_one_chunk_takes_the_place_of_nothing() -> None:
    chunks = Chunks()
    for number in range(limits_gnostr.HALF_PER_AUTHOR):
        chunks.take("t", "a", chunk(0, 2, message_id=str(number)), 0.0)
    assert chunks.take("t", "a", chunk(0, 1, "hello"), 0.0) is not None
    assert (len(chunks), chunks.given_up) == (limits_gnostr.HALF_PER_AUTHOR, 0)


def test_when_there_are_too_many_the_oldest_goes_of_who_has_most() -> None:
    chunks = Chunks()
    chunks.take("t", "early and small", chunk(0, 2, "I am "), 0.0)
    for number in range(2):
        chunks.take("t", "greedy", chunk(0, 2, "x" * 50_000, str(number)), 0.0)
    for number in range(limits_gnostr.HALF_MESSAGES - 2):
        chunks.take("t", f"author {number}", chunk(0, 2, "y" * 1_000), 0.0)
    whole = chunks.take("t", "early and small", chunk(1, 2, "here"), 0.0)
    assert whole is not None
    assert chunks.take("t", "greedy", chunk(1, 2, "", "0"), 0.0) is None  # it was given up, and begins anew
    assert chunks.take("t", "greedy", chunk(1, 2, "", "1"), 0.0) is not None


def test_however_many_attack_with_however_many_chunks_memory_is_bounded() -> None:
    attacker, chunks = random.Random(12), Chunks()
    text = "x" * 30_000
    tracemalloc.start()
    for number in range(5_000):
        author, message_id = f"author {attacker.randrange(200)}", f"{number % 20:064}"
        part = chunk(attacker.randrange(1_024), 1_024, text + str(number), message_id)
        with contextlib.suppress(GnostrError):
            chunks.take("t", author, part, number / 1_000)
        assert chunks.size <= limits_gnostr.HALF_BYTES
        assert len(chunks) <= limits_gnostr.HALF_MESSAGES
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 2 * limits_gnostr.HALF_BYTES
    chunks.forget_old(1_000.0)
    assert (len(chunks), chunks.size) == (0, 0)


def test_empty_chunks_fill_no_memory_either() -> None:
    chunks = Chunks()
    for number in range(20_000):
        author = f"author {number // 1_023}"
        with contextlib.suppress(GnostrError):
            chunks.take("t", author, chunk(number % 1_023, 1_024, "", str(number // 10_000)), 0.0)
        assert chunks.size <= limits_gnostr.HALF_BYTES


def test_join_and_leave_are_what_gnostr_says() -> None:
    for kind in (JOIN, LEAVE):
        data: dict[str, Any] = json.loads(encode_message(GnostrMessage("alice", ("", ""), kind)))
        assert data == {"from": "alice", "content": ["", ""], "kind": kind, "commit_id": ZEROS}
