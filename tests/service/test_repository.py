"""Repositories of every kind, made by Git: what is read of them, and what is said where nothing can be."""

from __future__ import annotations

import gc
import itertools
import os
import random
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest
import trio
from dulwich.objects import ObjectID
from dulwich.pack import Pack
from dulwich.repo import Repo

from py_peer.core import limits_git
from py_peer.core.commits import DiffStat, holds
from py_peer.service import repository
from py_peer.service.packs import Packed, packed
from py_peer.service.repository import RepositoryError, in_thread, read_commit, read_commits, read_head, read_tags
from tests.git_repository import GitRepository, needs_git

if TYPE_CHECKING:
    from pathlib import Path

    from dulwich.objects import RawObjectID

pytestmark = needs_git


@pytest.fixture
def repo(tmp_path: Path) -> GitRepository:
    """Return a repository without a commit."""
    return GitRepository(tmp_path / "repo")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    """Return one with five commits, a merge and tags, which no test changes."""
    made = GitRepository(tmp_path_factory.mktemp("history"))
    made.commit("one", {"a.txt": b"1\n2\n3\n"})
    made.commit("two", {"a.txt": b"1\nzwei\n3\n", "sub/b.txt": b"b\n"})
    made.git("tag", "light")
    made.git("tag", "-m", "annotated", "v1.0")
    made.git("checkout", "-q", "-b", "side")
    made.commit("aside", {"side.txt": b"s\n"})
    made.git("checkout", "-q", "main")
    made.commit("three", {"c.txt": b"c\n"})
    made.git("merge", "-q", "--no-ff", "-m", "four", "side")
    return made


def applied(repo: GitRepository, rev: str = "HEAD") -> None:
    """Have Git apply the patch of a commit to its parent, and find the commit's files."""
    patch = read_commit(str(repo.path), rev).patch
    repo.git("read-tree", f"{rev}^")
    repo.git("apply", "--cached", stdin=patch)
    assert repo.git("write-tree") == repo.git("rev-parse", f"{rev}^{{tree}}")
    repo.git("read-tree", "HEAD")


def refused(repo: GitRepository) -> None:
    """Have Git refuse to apply the patch of HEAD, as there is something that it does not tell."""
    repo.git("read-tree", "--empty")
    with pytest.raises(subprocess.CalledProcessError):
        repo.git("apply", "--cached", stdin=read_commit(str(repo.path)).patch)
    assert repo.git("ls-files") == ""
    repo.git("read-tree", "HEAD")


class TestCommits:
    """What a commit is, and what it changes."""

    def test_head_is_read_from_a_folder_within(self, history: GitRepository) -> None:
        assert read_head(str(history.path / "sub")) == history.head()

    def test_the_object_is_the_one_that_hashes_to_the_id(self, history: GitRepository) -> None:
        found = read_commit(str(history.path), "v1.0")
        assert found.id == history.git("rev-parse", "v1.0^{commit}")
        assert holds(found.raw, found.id)
        assert found.commit.message == "two\n"
        assert (found.commit.author_name, found.commit.committer_name) == ("Ada Lovelace", "Grace Hopper")

    def test_the_patch_is_gits_own(self, history: GitRepository) -> None:
        found = read_commit(str(history.path), "light")
        assert found.stat == DiffStat(files=2, added=2, removed=1)
        git = history.git("diff", "--abbrev=12", "light^", "light")
        assert found.patch.decode() == git + "\n"
        assert (found.left_out, found.remark) == (0, "")

    def test_of_a_root_commit_everything_is_new(self, history: GitRepository) -> None:
        found = read_commit(str(history.path), "light~1")
        assert found.stat == DiffStat(1, 3, 0)
        assert b"new file mode 100644\nindex 000000000000..01e79c32a8c9\n--- /dev/null\n+++ b/a.txt\n" in found.patch

    def test_a_merge_is_told_by_what_it_brought(self, history: GitRepository) -> None:
        found = read_commit(str(history.path), "HEAD")
        assert len(found.commit.parents) == 2
        assert found.stat == DiffStat(1, 1, 0)
        assert b"b/side.txt" in found.patch

    def test_a_commit_that_changes_nothing(self, repo: GitRepository) -> None:
        repo.commit("one", {"a": b"a\n"})
        repo.commit("", {})
        found = read_commit(str(repo.path))
        assert (found.stat, found.patch, found.commit.message) == (DiffStat(0, 0, 0), b"", "")

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ({"a": b"1\n2"}, {"a": b"1\n2\n3"}),
            ({"a": b"1\r\n2\rx\n"}, {"a": b"1\r\n2\ry\n"}),
            ({"a": b"\n" * 50 + b"x\n" * 50}, {"a": b"\n" * 48 + b"x\n" * 53 + b"\n"}),
            ({"a": b"a\n"}, {"a": b""}),
            ({"a": b"a\n"}, {"a": None, "b": b""}),
            ({"a b.txt": b"a\n"}, {"a b.txt": b"b\n"}),
            ({'q"\\\n\t\x01.txt': b"a\n", "ü.txt": b"1\n"}, {'q"\\\n\t\x01.txt': b"b\n", "ü.txt": b"2\n"}),
            ({"old.txt": b"moved\n" * 9, "x": b"x\n"}, {"old.txt": None, "new/name.txt": b"moved\n" * 9}),
            ({"deep/er/a": b"1\n"}, {"deep/er/a": None, "deep": b"a file now\n"}),
        ],
        ids=[
            "no newline",
            "returns",
            "blank",
            "emptied",
            "moved to empty",
            "space",
            "odd",
            "renamed",
            "file for folder",
        ],
    )
    def test_git_applies_the_patch(
        self, repo: GitRepository, before: dict[str, bytes], after: dict[str, bytes | None]
    ) -> None:
        repo.commit("before", dict(before))
        if "deep" in after:
            repo.commit("gone", {"deep/er/a": None})
            (repo.path / "deep/er").rmdir()
            (repo.path / "deep").rmdir()
            repo.git("reset", "-q", "--soft", "HEAD^")
            after = {"deep": after["deep"]}
        repo.commit("after", after)
        applied(repo)

    def test_modes_and_links_are_told(self, repo: GitRepository) -> None:
        repo.commit("one", {"run": b"x\n"})
        (repo.path / "run").chmod(0o755)
        (repo.path / "link").symlink_to("run")
        repo.commit("two")
        assert b"old mode 100644\nnew mode 100755\n" in read_commit(str(repo.path)).patch
        applied(repo)
        (repo.path / "link").unlink()
        repo.commit("three", {"link": b"a file now\n"})
        applied(repo)

    def test_a_renamed_file_is_told_as_one(self, repo: GitRepository) -> None:
        repo.commit("one", {"old.txt": b"x\n" * 20})
        repo.commit("two", {"old.txt": None, "new.txt": b"x\n" * 20})
        found = read_commit(str(repo.path))
        assert found.stat == DiffStat(1, 0, 0)
        assert b"similarity index 100%\nrename from old.txt\nrename to new.txt\n" in found.patch

    def test_so_is_one_that_was_changed_on_the_way(self, repo: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
        lines = [b"line %d\n" % number for number in range(20)]
        repo.commit("one", {"old.txt": b"".join(lines), "gone.txt": b"else\n" * 9, "link": b"x" * 50})
        changed = b"".join([*lines[:10], b"another\n", *lines[11:]])
        repo.commit("two", {"old.txt": None, "gone.txt": None, "to/new.txt": changed, "other.txt": b"other\n" * 9})
        found = read_commit(str(repo.path))
        assert found.stat == DiffStat(3, 10, 10)
        assert repo.git("show", "--format=", "--shortstat") == " 3 files changed, 10 insertions(+), 10 deletions(-)"
        assert b"rename from old.txt\nrename to to/new.txt\nindex " in found.patch
        applied(repo)
        for limit, value in (("MAX_RENAME_PAIRS", 3), ("MAX_RENAME_BYTES", 398)):  # the files have one more
            with monkeypatch.context() as patched:
                patched.setattr(limits_git, limit, value)
                assert read_commit(str(repo.path)).stat == DiffStat(4, 29, 29)

    def test_a_submodule_is_told_by_its_commit(self, repo: GitRepository) -> None:
        inner = GitRepository(repo.path / "inner")
        inner_id = inner.commit("inner", {"a": b"a\n"})
        repo.commit("outer")
        assert f"+Subproject commit {inner_id}\n".encode() in read_commit(str(repo.path)).patch

    @pytest.mark.skipif(os.name == "nt", reason="names are text there")
    def test_a_name_that_is_no_utf_8_is_escaped(self, repo: GitRepository) -> None:
        repo.commit("one")
        (repo.path / os.fsdecode(b"\xff.txt")).write_bytes(b"x\n")
        repo.commit("two")
        assert b'diff --git "a/\\377.txt" "b/\\377.txt"' in read_commit(str(repo.path)).patch
        applied(repo)


class TestBounds:
    """What is binary, huge, or takes too long."""

    def test_a_binary_file_is_told_by_its_size(self, repo: GitRepository) -> None:
        repo.commit("one", {"logo.png": bytes(1_234)})
        repo.commit("two", {"logo.png": bytes(5_000)})
        found = read_commit(str(repo.path))
        assert b"Binary files a/logo.png (1,234 bytes) and b/logo.png (5,000 bytes) differ\n" in found.patch
        assert len(found.patch) < 300
        assert found.stat == DiffStat(1, 0, 0)

    def test_a_huge_file_is_named(self, repo: GitRepository) -> None:
        repo.commit("one", {"big.txt": b"x\n" * (limits_git.MAX_DIFFED // 2 + 1), "small.txt": b"s\n"})
        found = read_commit(str(repo.path))
        assert b"# left out, too large to be compared: more than 1,048,576 bytes\n" in found.patch
        assert b"+s\n" in found.patch
        assert (str(found.stat), found.left_out) == ("more than 2 files, +1 -0", 1)
        refused(repo)

    def test_so_it_is_when_it_is_larger_than_an_object_may_be(
        self, repo: GitRepository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits_git, "MAX_OBJECT", 10_000)
        repo.commit("one", {"big.txt": b"x" * 10_001})
        assert b"too large to be compared" in read_commit(str(repo.path)).patch

    def test_so_it_is_in_a_pack_where_it_is_not_even_unpacked(
        self, repo: GitRepository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits_git, "MAX_DIFFED", 10_000)
        lines = [b"%d\n" % number for number in range(5_000)]
        repo.commit("one", {"big.txt": b"".join(lines), "small.txt": b"s\n"})
        repo.commit("two", {"big.txt": b"".join([*lines, b"more\n"]), "small.txt": b"t\n"})
        repo.git("gc", "-q", "--aggressive")
        read: list[int] = []
        whole = Pack.get_raw

        def get_raw(pack: Pack, asked: ObjectID | RawObjectID) -> tuple[int, bytes]:
            kind, data = whole(pack, asked)
            read.append(len(data))
            return kind, data

        shared = repo.path.parent / "shared"
        repo.git("clone", "-q", "--shared", "--no-checkout", ".", str(shared))
        with monkeypatch.context() as patched:
            patched.setattr(Pack, "get_raw", get_raw)
            for path, rev in itertools.product((repo.path, shared), ("HEAD", "HEAD^")):
                found = read_commit(str(path), rev)
                assert b"too large to be compared" in found.patch
                assert found.stat == DiffStat(2, 1, 1 if rev == "HEAD" else 0, whole=False)
        assert max(read) < 1_000

    @pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
    def test_the_size_of_what_is_packed_is_told_before_it_is_unpacked(self, tmp_path: Path, algorithm: str) -> None:
        repo = GitRepository(tmp_path / "packed", f"--object-format={algorithm}")
        for number in range(1, 40):
            lines = b"".join(b"%d %d\n" % (line, line % number) for line in range(number * 40))
            repo.commit(f"number {number}", {"a.txt": lines, f"sub/{number}": b"x" * number})
        repo.git("gc", "-q", "--aggressive")
        (pack,) = (repo.path / ".git/objects/pack").glob("*.pack")
        entries = [line.split() for line in repo.git("verify-pack", "-v", str(pack.with_suffix(".idx"))).splitlines()]
        entries = [words for words in entries if len(words) >= 5 and words[1] in ("commit", "tree", "blob")]
        names = "\n".join(words[0] for words in entries).encode()
        told = repo.git("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=names).splitlines()
        whole = {name: int(size) for name, size in map(str.split, told)}
        with Repo(str(repo.path)) as opened:
            packs = list(opened.object_store.packs)
            chains: dict[str, tuple[int, int]] = {}
            for name, _kind, size, _packed, _offset, *delta in sorted(entries, key=lambda words: int([*words, "0"][5])):
                largest, differences = chains[delta[1]] if delta else (0, 0)
                chains[name] = max(whole[name], largest), differences + int(size) * bool(delta)
                assert packed(packs, ObjectID(name.encode())) == Packed(whole[name], sum(chains[name]))
        assert sum(len(words) > 5 for words in entries) > 20

    def test_nothing_is_unpacked_that_is_made_of_too_much(
        self, repo: GitRepository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lines = [b"%d\n" % number for number in range(5_000)]
        for number in range(5):  # the shorter ones are kept as differences to the longer
            repo.commit(f"number {number}", {"a.txt": b"".join(lines[: 1_000 + 1_000 * number])})
        repo.git("gc", "-q", "--aggressive")
        assert read_commit(str(repo.path), "HEAD~3").stat == DiffStat(1, 1_000, 0)
        with monkeypatch.context() as patched:
            patched.setattr(limits_git, "MAX_OBJECT", 15_000)
            found = read_commit(str(repo.path), "HEAD~3")
            assert b"too large to be compared" in found.patch
            assert found.left_out == 1
            patched.setattr(limits_git, "MAX_OBJECT", 100)
            with pytest.raises(RepositoryError, match=r"the object [0-9a-f]{12} takes more than 100 bytes"):
                read_commit(str(repo.path), "HEAD~3")
        monkeypatch.setattr(limits_git, "MAX_DELTAS", 2)
        assert b"too large to be compared" in read_commit(str(repo.path), "HEAD~3").patch

    @pytest.mark.parametrize("is_packed", [False, True], ids=["loose", "packed"])
    def test_a_tag_of_megabytes_is_none_and_hides_no_other(
        self, repo: GitRepository, monkeypatch: pytest.MonkeyPatch, is_packed: bool
    ) -> None:
        only = repo.commit("one", {"a.txt": b"a\n"})
        repo.git("tag", "-m", "annotated", "v1")
        repo.git("tag", "-m", "long " * 1_000, "v2")
        if is_packed:
            repo.git("repack", "-qad")
        monkeypatch.setattr(limits_git, "MAX_OBJECT", 4_000)
        assert read_tags(str(repo.path), {only}) == {"v1": only}
        with pytest.raises(
            RepositoryError, match=f"the object {repo.git('rev-parse', 'v2')[:12]} takes more than 4,000"
        ):
            read_commit(str(repo.path), "v2")

    def test_a_huge_patch_is_cut_between_files(self, repo: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits_git, "MAX_PATCH", 1_600)
        monkeypatch.setattr(limits_git, "MAX_PATCH_LEFT", 500)
        repo.commit("one", {f"{number}.txt": b"line\n" * 50 for number in range(9)})
        found = read_commit(str(repo.path))
        assert len(found.patch) <= 1_600
        assert found.patch.count(b" differ\n# left out, the patch would be too large\n") == 3  # which have room
        refused(repo)
        assert found.patch.endswith(b"# 7 more file(s) changed, and are left out: the patch would be too large\n")
        assert found.left_out == 7
        assert found.stat == DiffStat(9, 450, 0)  # they are counted all the same

    def test_more_files_than_are_looked_at(self, repo: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits_git, "MAX_CHANGED_FILES", 2)
        repo.commit("one", {f"{number}.txt": b"x\n" for number in range(4)})
        found = read_commit(str(repo.path))
        assert str(found.stat) == "more than 2 files, +2 -0"
        assert b"# more than 0 more file(s) changed" in found.patch
        refused(repo)

    def test_what_takes_too_long_is_left_out(self, history: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = iter([0.0, 1.0, 2.0, 99.0, 99.0, 99.0, 99.0])
        monkeypatch.setattr("py_peer.service.repository.time.monotonic", lambda: next(clock))
        found = read_commit(str(history.path), "light")
        assert (found.left_out, found.stat) == (2, DiffStat(2, 0, 0, whole=False))

    def test_lines_by_the_thousand_are_compared_in_time(self, repo: GitRepository) -> None:
        lines = [b"%d\n" % number for number in range(100_000)]
        repo.commit("one", {"a": b"".join(lines), "b": b"".join(lines)})
        alternating = b"".join(line if number % 2 else b"x" + line for number, line in enumerate(lines))
        lines[50_000] = b"changed\n"
        repo.commit("two", {"a": alternating, "b": b"".join(lines)})
        began = time.monotonic()
        found = read_commit(str(repo.path))
        assert time.monotonic() - began < limits_git.READ_SECONDS
        assert found.stat is not None
        assert 99_900 < found.stat.added < 100_000  # most lines of one file are told as replaced, and one of the other
        assert b"-50000\n+changed\n 50001\n" in found.patch

    def test_a_thread_that_hangs_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits_git, "READ_SECONDS", -4.9)
        gate = threading.Event()

        async def read() -> None:
            with trio.fail_after(20), pytest.raises(RepositoryError, match="could not be read within"):
                await in_thread(gate.wait, 20)
            gate.set()

        trio.run(read)


class TestRevisions:
    """Which words name a commit."""

    @pytest.mark.parametrize(
        "rev",
        [
            *("HEAD", "@", "main", "side", "light", "v1.0", "refs/heads/side", "heads/side", "tags/v1.0"),
            *("HEAD~", "HEAD~2", "HEAD~0", "HEAD^", "HEAD^2", "HEAD^2~1", "@~1^1", "HEAD^0", "main~1~"),
            *("v1.0^{}", "v1.0^{commit}~1"),
        ],
    )
    def test_they_mean_what_they_mean_to_git(self, history: GitRepository, rev: str) -> None:
        assert read_commit(str(history.path), rev).id == history.git("rev-parse", f"{rev}^{{commit}}")

    @pytest.mark.parametrize("digits", [4, 7, 12, 39, 40])
    def test_an_id_or_its_beginning(self, history: GitRepository, digits: int) -> None:
        assert read_commit(str(history.path), history.head()[:digits]).id == history.head()
        assert read_commit(str(history.path), f"{history.head()[:digits]}~1").id == history.git("rev-parse", "HEAD~1")
        assert read_commit(str(history.path), history.head()[:digits].upper()).id == history.head()

    @pytest.mark.parametrize(
        ("rev", "why"),
        [
            ("nothing", "has no commit 'nothing'"),
            ("a" * 40, "has no commit 'aaaa"),
            ("deadbee", "has no commit 'deadbee'"),
            ("HEAD~9", "'HEAD~9' does not exist: .* has 0 parent"),
            ("HEAD^3", r"'HEAD\^3' does not exist: .* has 2 parent"),
            ("HEAD~999999", "more than 100,000 steps"),
            ("HEAD:a.txt", "no revision"),
            *((rev, "no revision") for rev in ("HEAD@{yesterday}", "HEAD@{1}", "main@{u}", "@{-1}", "HEAD..", "..")),
            (":/two", "no revision"),
            ("--help", "has no commit '--help'"),
            ("HEAD HEAD", "no revision"),
            ("a\x1b[2Jb", "no revision"),
            ("\udcff", "has no commit"),
            ("ü", "has no commit 'ü'"),
            ("../../../etc/passwd", "no revision"),
            ("x" * 300, "no revision"),
            ("HEAD^{tree}", "no revision"),
            ("x" * 20, "has no commit"),
        ],
        ids=lambda value: ascii(value)[1:13],
    )
    def test_other_words_are_refused_in_a_sentence(self, history: GitRepository, rev: str, why: str) -> None:
        with pytest.raises(RepositoryError, match=why) as raised:
            read_commit(str(history.path), rev)
        assert str(raised.value).isprintable()
        assert len(str(raised.value)) < 300

    def test_a_tree_is_no_commit(self, history: GitRepository) -> None:
        with pytest.raises(RepositoryError, match="is no commit"):
            read_commit(str(history.path), history.git("rev-parse", "HEAD^{tree}"))

    def test_a_range_is_given_oldest_first(self, history: GitRepository) -> None:
        found = read_commits(str(history.path), "light..HEAD")
        git = history.git("rev-list", "light..HEAD").split()
        assert sorted(one.id for one in found) == sorted(git)
        assert found[-1].id == history.head()
        assert [one.commit.message for one in read_commits(str(history.path), "light~1..v1.0")] == ["two\n"]
        assert read_commits(str(history.path), "HEAD..light") == []
        assert [one.id for one in read_commits(str(history.path), "light")] == [
            read_commit(str(history.path), "light").id
        ]

    def test_a_range_has_an_end(self, history: GitRepository) -> None:
        with pytest.raises(RepositoryError, match=r"'light\.\.' has more than 2 commits; take some of them at a time"):
            read_commits(str(history.path), "light..", 2)

    @pytest.mark.parametrize(
        ("limit", "value", "why"),
        [
            ("READ_HISTORY_SECONDS", -1.0, "could not be read within -1 seconds"),
            ("MAX_STEPS", 1, r"what is in 'light\.\.' cannot be told within 1 steps"),
        ],
        ids=["time", "steps"],
    )
    def test_a_walk_has_an_end(
        self, history: GitRepository, monkeypatch: pytest.MonkeyPatch, limit: str, value: float, why: str
    ) -> None:
        monkeypatch.setattr(limits_git, limit, value)
        with pytest.raises(RepositoryError, match=why):
            read_commits(str(history.path), "light..")

    def test_no_commit_is_read_when_the_time_is_over(
        self, history: GitRepository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else the thread would read on after who waits for it has given up."""

        read: list[object] = []

        def slow(*asked: object, **_: object) -> None:
            read.append(asked)
            monkeypatch.setattr(time, "monotonic", lambda: float("inf"))

        monkeypatch.setattr(repository, "_read", slow)
        with pytest.raises(RepositoryError, match="could not be read within"):
            read_commits(str(history.path), "light..")
        assert len(read) == 1

    def test_without_patches_it_is_not_looked_for_changes(
        self, history: GitRepository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = read_commits(str(history.path), "light..")
        monkeypatch.setattr(repository, "_with_patch", None)
        found = read_commits(str(history.path), "light..", patches=False)
        assert [(one.id, one.raw, one.patch) for one in found] == [(one.id, one.raw, b"") for one in whole]

    def test_tags_that_lead_to_commits_are_found(self, history: GitRepository) -> None:
        two = history.git("rev-parse", "light")
        assert read_tags(str(history.path), {two}) == {"light": two, "v1.0": two}
        assert read_tags(str(history.path), {"a" * 40}) == {}


class TestKinds:
    """Repositories that are not plain ones."""

    def test_outside_of_any(self, tmp_path: Path) -> None:
        with pytest.raises(RepositoryError, match="is in no Git repository"):
            read_head(str(tmp_path))

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(RepositoryError, match="is in no Git repository"):
            read_head(str(tmp_path / "gone\x1b[2J"))

    @pytest.mark.skipif(os.name == "nt", reason="a folder that somebody is in stays there")
    def test_in_a_folder_that_has_been_removed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        with pytest.raises(RepositoryError, match="the folder that py-peer was started in has been removed"):
            read_head(".")

    def test_one_without_a_commit(self, repo: GitRepository) -> None:
        for read in (read_head, read_commit, read_commits):
            with pytest.raises(RepositoryError, match="the repository has no commit yet"):
                read(str(repo.path))
        assert read_tags(str(repo.path), {"a" * 40}) == {}

    def test_a_detached_head(self, repo: GitRepository) -> None:
        first = repo.commit("one")
        repo.commit("two")
        repo.git("checkout", "-q", "--detach", "HEAD^")
        assert read_head(str(repo.path)) == first

    def test_a_worktree_has_its_own_head(self, repo: GitRepository, tmp_path: Path) -> None:
        first = repo.commit("one", {"a": b"a\n"})
        repo.git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "other")
        other = GitRepository(tmp_path / "tree").commit("in the tree", {"b": b"b\n"})
        assert read_head(str(tmp_path / "tree")) == other
        assert read_commit(str(tmp_path / "tree")).stat == DiffStat(1, 1, 0)
        assert read_head(str(repo.path)) == first

    def test_a_bare_one(self, repo: GitRepository, tmp_path: Path) -> None:
        first = repo.commit("one", {"a": b"a\n"})
        repo.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
        assert read_commit(str(tmp_path / "bare.git")).id == first

    def test_one_that_is_packed_with_packed_refs(self, repo: GitRepository) -> None:
        repo.commit("one", {"a": b"a\n" * 100})
        second = repo.commit("two", {"a": b"a\n" * 101})
        repo.git("tag", "-m", "t", "v2")
        repo.git("gc", "-q", "--aggressive", "--prune=now")
        assert read_commit(str(repo.path), "v2").stat == DiffStat(1, 1, 0)
        assert read_tags(str(repo.path), {second}) == {"v2": second}

    def test_where_a_shallow_clone_ends_is_said(self, repo: GitRepository, tmp_path: Path) -> None:
        repo.commit("one", {"a": b"1\n"})
        repo.commit("two", {"a": b"2\n"})
        last = repo.commit("three", {"a": b"3\n"})
        repo.git("clone", "-q", "--depth=1", f"file://{repo.path}", str(tmp_path / "shallow"))
        found = read_commit(str(tmp_path / "shallow"))
        assert (found.id, found.stat, found.patch) == (last, None, b"")
        assert "its parent" in found.remark
        assert "git fetch --unshallow" in found.remark
        with pytest.raises(RepositoryError, match="it is a shallow clone"):
            read_commit(str(tmp_path / "shallow"), "HEAD~2")
        assert [one.id for one in read_commits(str(tmp_path / "shallow"), "HEAD")] == [last]

    def test_one_of_sha_256(self, tmp_path: Path) -> None:
        made = GitRepository(tmp_path / "sha256", "--object-format=sha256")
        made.commit("one", {"a": b"1\n"})
        last = made.commit("two", {"a": b"2\n"})
        made.git("tag", "-m", "t", "v1")
        found = read_commit(str(made.path))
        assert (found.id, len(found.id)) == (last, 64)
        assert holds(found.raw, last)
        assert read_commit(str(made.path), last[:12]).id == last
        assert found.patch.decode() == made.git("diff", "--abbrev=12", "HEAD^", "HEAD") + "\n"
        assert read_tags(str(made.path), {last}) == {"v1": last}
        made.git("gc", "-q")
        assert read_commit(str(made.path), "HEAD~1").stat == DiffStat(1, 1, 0)

    def test_nothing_that_the_configuration_names_is_run(self, repo: GitRepository, tmp_path: Path) -> None:
        ran = tmp_path / "ran"
        repo.commit("one", {"a": b"a\n", ".gitattributes": b"* filter=evil diff=evil\n"})
        for key in (
            "filter.evil.smudge",
            "filter.evil.clean",
            "diff.evil.command",
            "diff.evil.textconv",
            "diff.external",
        ):
            repo.git("config", key, f"touch {ran};cat")
        repo.git("config", "core.fsmonitor", f"touch {ran}")
        read_commit(str(repo.path))
        read_commits(str(repo.path), "HEAD..HEAD")
        assert not ran.exists()


class TestHostile:
    """Objects that no Git would write."""

    def test_strange_bytes_in_names_and_message_are_read(self, repo: GitRepository) -> None:
        tree = repo.git("hash-object", "-t", "tree", "-w", "/dev/null")
        person = b"\x1b]0;x\x07J\xf6rg\x00 \xe2\x80\xae <a@b> 99999999999999999999 +9999"
        raw = b"tree %s\nauthor %s\ncommitter %s\nencoding latin1\n\n\xe4\x1b[2J" % (tree.encode(), person, person)
        full_id = repo.write_object(raw)
        found = read_commit(str(repo.path))
        assert (found.id, found.raw, found.commit.time) == (full_id, raw, 0)
        assert found.commit.message == "ä\x1b[2J"

    def test_what_is_no_commit_inside_is_refused(self, repo: GitRepository) -> None:
        repo.write_object(b"tree nothing\n\n")
        with pytest.raises(RepositoryError, match="cannot be read: "):
            read_commit(str(repo.path))

    def test_a_commit_whose_files_are_not_there(self, repo: GitRepository) -> None:
        repo.write_object(b"tree %s\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\nm" % (b"a" * 40))
        with pytest.raises(RepositoryError, match="cannot be read"):
            read_commit(str(repo.path))

    def test_an_object_that_was_damaged(self, repo: GitRepository) -> None:
        full_id = repo.commit("one")
        file = repo.path / ".git/objects" / full_id[:2] / full_id[2:]
        file.chmod(0o644)
        file.write_bytes(b"garbage")
        with pytest.raises(RepositoryError, match="cannot be read"):
            read_commit(str(repo.path))

    def test_an_object_under_the_id_of_another(self, repo: GitRepository) -> None:
        first, second = repo.commit("one"), repo.commit("two")
        objects = repo.path / ".git/objects"
        file = objects / second[:2] / second[2:]
        file.unlink()
        file.write_bytes((objects / first[:2] / first[2:]).read_bytes())
        with pytest.raises(RepositoryError, match=r"does not hash to its ID|cannot be read"):
            read_commit(str(repo.path))

    def test_a_head_that_leads_to_itself(self, repo: GitRepository) -> None:
        repo.commit("one")
        (repo.path / ".git/refs/heads/main").write_text("ref: refs/heads/main\n")
        with pytest.raises(RepositoryError, match="cannot be read: SymrefLoop"):
            read_head(str(repo.path))

    @pytest.mark.filterwarnings("ignore:Exception ignored in")  # dulwich leaves a damaged pack open
    @pytest.mark.filterwarnings("ignore:unclosed")
    def test_a_repository_that_is_damaged_anywhere_is_read_or_refused(self, repo: GitRepository) -> None:
        last = ""
        for number in range(3):
            last = repo.commit(f"number {number}", {"a.txt": b"%d\n" % number * 50})
        repo.git("tag", "-m", "t", "v1")
        repo.git("gc", "-q")
        files = sorted(path for path in (repo.path / ".git").rglob("*") if path.is_file() and "hooks" not in path.parts)
        dice = random.Random(1)
        refused: list[str] = []
        for _ in range(100):
            path = dice.choice(files)
            whole = path.read_bytes()
            path.chmod(0o644)
            damaged = bytearray(whole)
            for _ in range(min(8, len(damaged))):
                damaged[dice.randrange(len(damaged))] = dice.randrange(256)
            path.write_bytes(damaged[: dice.randrange(len(damaged) + 1)] if dice.random() < 0.3 else damaged)
            try:
                assert read_commit(str(repo.path), last).id == last
                read_tags(str(repo.path), {last})
            except RepositoryError as error:
                refused.append(str(error))
            path.write_bytes(whole)
        gc.collect()
        assert 20 < len(refused) < 100
        assert all(map(str.isprintable, refused))
        assert read_commit(str(repo.path)).id == last

    def test_nothing_is_read_that_its_configuration_includes(self, repo: GitRepository, tmp_path: Path) -> None:
        full_id = repo.commit("one")
        included = tmp_path / "included"
        included.write_text("[core]\n\trepositoryformatversion = 9\n")
        config = repo.path / ".git/config"
        whole = config.read_text()
        config.write_text(f"{whole}[include]\n\tpath = {included.as_posix()}\n")
        assert read_head(str(repo.path)) == full_id
        config.write_text(whole + "#" * limits_git.MAX_CONFIG)
        with pytest.raises(RepositoryError, match="its config has more than 1,048,576 bytes"):
            read_head(str(repo.path))
        config.unlink()
        config.mkdir()
        with pytest.raises(RepositoryError, match="its config is no file"):
            read_head(str(repo.path))
        config.rmdir()
        assert read_head(str(repo.path)) == full_id

    def test_one_of_a_version_that_is_not_known(self, repo: GitRepository) -> None:
        repo.commit("one")
        subprocess.run(["git", "config", "core.repositoryformatversion", "9"], cwd=repo.path, check=True, timeout=60)
        with pytest.raises(RepositoryError, match="cannot be read"):
            read_commit(str(repo.path))
