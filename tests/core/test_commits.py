"""Commits: what they hash to, what they say, and that no bytes of a stranger do more than be refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits_git
from py_peer.core.commits import (
    Commit,
    CommitError,
    DiffStat,
    cleaned,
    commit_id,
    commit_json,
    commit_line,
    holds,
    is_id,
    parse_commit,
    patch_line,
    posted_id,
    read_commit_json,
)

TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
PERSON = b"Ada Lovelace <ada@example.org> 1700000000 +0100"
ROOT = b"tree %s\nauthor %s\ncommitter %s\n\nThe first one\n\nIts body.\n" % (TREE.encode(), PERSON, PERSON)
ROOT_ID = "06385e6c124747da4356bf9464cb9907e0989eab"
"""As `git hash-object -t commit --stdin` has it."""


def made(**fields: object) -> Commit:
    """Return a commit with these fields, and ROOT's else."""
    known = parse_commit(ROOT)
    return Commit(**{name: getattr(known, name) for name in known.__dataclass_fields__} | fields)


def with_header(header: bytes, message: bytes = b"m") -> bytes:
    """Return an object with more in its header."""
    return b"tree %s\n%sauthor %s\ncommitter %s\n\n%s" % (TREE.encode(), header, PERSON, PERSON, message)


def by(person: bytes, encoding: bytes = b"") -> Commit:
    """Return the commit of an author, as it is read."""
    head = b"tree %s\nauthor %s\ncommitter %s\n" % (TREE.encode(), person, person)
    return parse_commit(head + encoding + b"\nm")


class TestObjects:
    """The raw object and its hash."""

    def test_the_id_is_the_one_that_git_gives(self) -> None:
        assert commit_id(ROOT, "sha1") == ROOT_ID
        assert parse_commit(ROOT).id == ROOT_ID

    def test_the_nine_fields_are_read(self) -> None:
        assert parse_commit(ROOT) == Commit(
            id=ROOT_ID,
            tree=TREE,
            parents=(),
            author_name="Ada Lovelace",
            author_email="ada@example.org",
            committer_name="Ada Lovelace",
            committer_email="ada@example.org",
            message="The first one\n\nIts body.\n",
            time=1_700_000_000,
        )

    def test_a_merge_names_its_parents_in_their_order(self) -> None:
        raw = with_header(b"parent %s\nparent %s\n" % (b"b" * 40, b"a" * 40))
        assert parse_commit(raw).parents == ("b" * 40, "a" * 40)

    def test_an_object_of_sha_256_is_known_by_its_tree(self) -> None:
        raw = ROOT.replace(TREE.encode(), b"c" * 64)
        assert len(parse_commit(raw).id) == 64
        assert parse_commit(raw).id == commit_id(raw, "sha256")

    def test_an_object_holds_its_own_id_alone(self) -> None:
        assert holds(ROOT, ROOT_ID)
        assert holds(ROOT, commit_id(ROOT, "sha256"))
        assert not holds(ROOT + b".", ROOT_ID)
        assert not holds(ROOT, ROOT_ID.upper())
        assert not holds(ROOT, ROOT_ID[:12])

    def test_lines_that_go_on_are_no_fields(self) -> None:
        raw = with_header(b"gpgsig -----BEGIN\n author Eve <e> 1 +0000\n parent x\n -----END\n")
        assert parse_commit(raw).author_name == "Ada Lovelace"

    def test_an_empty_message_is_one(self) -> None:
        assert parse_commit(ROOT.partition(b"\n\n")[0] + b"\n").message == ""


class TestStrangeTexts:
    """Names and messages that are not plain UTF-8."""

    @pytest.mark.parametrize("name", ["ISO-8859-1", "latin1", "windows-1252"])
    def test_the_encoding_that_is_named_is_used(self, name: str) -> None:
        assert by("Jörg <j>".encode("latin-1") + b" 1 +0000", b"encoding %s\n" % name.encode()).author_name == "Jörg"

    @pytest.mark.parametrize("name", ["idna", "unicode_escape", "rot13", "zlib", "../x", "iso-8859-99", "\udcff"])
    def test_any_other_encoding_is_taken_for_utf_8(self, name: str) -> None:
        encoding = b"encoding %s\n" % name.encode("utf-8", "surrogateescape")
        assert by(b"J\\xf6rg <j> 1 +0000", encoding).author_name == "J\\xf6rg"

    def test_what_is_no_utf_8_is_replaced(self) -> None:
        assert by(b"J\xf6rg <j> 1 +0000").author_name == "J\ufffdrg"

    @pytest.mark.parametrize(
        ("person", "name", "email", "time"),
        [
            (b"nobody", "nobody", "", 0),
            (b"a <b", "a <b", "", 0),
            (b"<> 5 +0000", "", "", 5),
            (b"a <b> ", "a", "b", 0),
            (b"a <b> -5 +0000", "a", "b", -5),
            (b"a <b> " + b"9" * 5_000 + b" +0000", "a", "b", 0),
            (b"a <b> > 7 +0000", "a", "b", 7),
        ],
        ids=["no mail", "open", "empty", "no time", "before 1970", "too large", "more brackets"],
    )
    def test_a_person_is_read_as_far_as_it_goes(self, person: bytes, name: str, email: str, time: int) -> None:
        commit = by(person)
        assert (commit.author_name, commit.author_email, commit.time) == (name, email, time)

    def test_what_is_shown_is_clean(self) -> None:
        commit = cleaned(parse_commit(ROOT.replace(b"Ada", b"\x1b[31mA\rda").replace(b"The first", b"\x1b]0;x\x07The")))
        assert commit.author_name == "A da Lovelace"
        assert commit.message.startswith("The one\n\nIts body.")


class TestRefused:
    """What is no commit says why."""

    @pytest.mark.parametrize(
        ("raw", "why"),
        [
            (b"", "says nothing of its tree"),
            (b"tree " + b"g" * 40 + b"\nauthor a\ncommitter a\n\n", "the ID of its tree is none"),
            (b"tree %s\nauthor a\n\ncommitter a" % TREE.encode(), "says nothing of its committer"),
            (with_header(b"parent %s\n" % (b"a" * 64)), "different hashes"),
            (with_header(b"parent \xff\n"), "the ID of its parent is none"),
            (with_header(b"parent %s\n" % (b"a" * 40) * (limits_git.MAX_PARENTS + 1)), "257 parents"),
            (with_header(b"x y\n" * limits_git.MAX_HEADER_LINES), "more than 8,192 lines"),
            (ROOT + bytes(limits_git.MAX_COMMIT), "larger than 262,144"),
        ],
        ids=["empty", "tree", "committer", "hashes", "parent", "parents", "lines", "size"],
    )
    def test_it_is_refused_with_a_sentence(self, raw: bytes, why: str) -> None:
        with pytest.raises(CommitError, match=why):
            parse_commit(raw)

    @given(st.binary() | st.tuples(st.binary(), st.binary()).map(lambda parts: with_header(parts[0] + b"\n", parts[1])))
    def test_no_bytes_do_anything_else(self, raw: bytes) -> None:
        try:
            commit = parse_commit(raw)
        except CommitError:
            return
        assert holds(raw, commit.id)
        assert read_commit_json(commit_json(commit)) == commit


class TestJson:
    """The nine fields as the original writes them."""

    def test_it_is_written_byte_for_byte(self) -> None:
        commit = made(parents=("a" * 40,), author_name='Jörg "J"', message="a\tb\n")
        assert commit_json(commit) == (
            f'{{"id":"{ROOT_ID}","tree":"{TREE}","parents":["{"a" * 40}"],"author_name":"Jörg \\"J\\"",'
            '"author_email":"ada@example.org","committer_name":"Ada Lovelace","committer_email":"ada@example.org",'
            '"message":"a\\tb\\n","time":1700000000}'
        )

    def test_it_is_read_again_with_what_others_add(self) -> None:
        fields = json.loads(commit_json(made())) | {"more": [1]}
        assert read_commit_json(json.dumps(fields)) == made()
        assert read_commit_json(json.dumps(fields).encode()) == made()

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "no JSON"),
            (b"\xff\xfe\xfd", "no JSON"),
            ("[" * 100_000, "no JSON"),
            ("[]", "no JSON object"),
            ('{"id":1}', "field id is of another type"),
            ("{}", "no field id"),
            (commit_json(made(time=True)), "field time is of another type"),
            (commit_json(made(time=10**18)), "its time is none"),
            (commit_json(made(tree="HEAD")), "is none"),
            (commit_json(made(parents=(5,))), "no list of IDs"),
            (commit_json(made(parents=(TREE,) * 257)), "no list of IDs"),
            (" " * (limits_git.MAX_COMMIT_JSON + 1), "more than"),
        ],
        ids=[
            "empty",
            "bytes",
            "deep",
            "list",
            "number",
            "missing",
            "bool",
            "time",
            "tree",
            "parent",
            "parents",
            "size",
        ],
    )
    def test_anything_else_is_refused_with_a_sentence(self, text: str | bytes, why: str) -> None:
        with pytest.raises(CommitError, match=why):
            read_commit_json(text)

    def test_a_half_character_becomes_a_whole_one(self) -> None:
        text = commit_json(made()).replace("The first", "\\ud800")
        assert read_commit_json(text).message.startswith("\ufffd one")


class TestLines:
    """The readable lines, and what is read back from them."""

    def test_a_commit_is_one_line(self) -> None:
        line = commit_line(parse_commit(ROOT), DiffStat(3, 1_200, 1))
        assert line == "commit 06385e6c1247: The first one — Ada Lovelace, 3 files, +1,200 -1"
        assert posted_id(line) == ROOT_ID[:12]

    def test_a_patch_is_one_line(self) -> None:
        line = patch_line(parse_commit(ROOT), DiffStat(1, 0, 0, whole=False), "06385e6c1247.patch")
        assert patch_line(parse_commit(ROOT), DiffStat(1, 0, 0, whole=False), "06385e6c1247.patch", 3) == (
            f"{line}, 3 left out"
        )
        assert line == "patch 06385e6c1247: The first one — 06385e6c1247.patch, more than 1 file, +0 -0"
        assert posted_id(line) == ROOT_ID[:12]

    def test_what_a_commit_changes_may_not_be_known(self) -> None:
        assert commit_line(made(), None) == "commit 06385e6c1247: The first one — Ada Lovelace"

    def test_nothing_of_a_commit_makes_a_second_line(self) -> None:
        commit = made(message="\n \na\rb\x1b[2Jc", author_name="x\ny" + "z" * 100)
        line = commit_line(commit, DiffStat(0, 0, 0))
        assert line.startswith("commit 06385e6c1247: a bc — x y")
        assert line.isprintable()
        assert len(line) < 300

    def test_without_a_message_and_without_a_name(self) -> None:
        line = commit_line(made(message=" \n", author_name="\u200b"), DiffStat(0, 0, 0))
        assert line == "commit 06385e6c1247: (no message) — nobody, 0 files, +0 -0"

    @pytest.mark.parametrize("text", ["", "commit", "commit 06385e6c1247", "a commit 06385e6c1247: b", "commit abc: d"])
    def test_other_texts_are_about_no_commit(self, text: str) -> None:
        assert posted_id(text) is None

    def test_an_id_is_whole_and_lower_case(self) -> None:
        assert is_id("a" * 40)
        assert is_id("0" * 64)
        assert not any(map(is_id, ("", "a" * 39, "a" * 41, "A" * 40, "g" * 40, "a" * 40 + "\n")))
