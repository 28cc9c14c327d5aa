"""What is shown of a patch: its first lines, each of them what it is."""

from __future__ import annotations

from py_peer.core import limits_git
from py_peer.core.patch_view import (
    ADDED,
    HEAD,
    HUNK,
    PATCH_HEAD,
    PLAIN,
    REMOVED,
    kinds,
    patch_spans,
    shown_part,
)

PATCH = """diff --git a/x.py b/x.py
index 111..222 100644
--- a/x.py
+++ b/x.py
@@ -1,4 +1,4 @@ def f():
 the same
--- an option that went
+++ an option that came
\\ No newline at end of file
diff --git a/y b/y
new file mode 100644
Binary file: y, 12 bytes
"""
KINDS = [HEAD, HEAD, HEAD, HEAD, HUNK, PLAIN, REMOVED, ADDED, PLAIN, HEAD, HEAD, HEAD, PLAIN]


def test_each_line_is_what_git_means_by_it() -> None:
    assert list(kinds(PATCH.split("\n"))) == KINDS


def test_where_the_lines_stand_is_found_behind_the_head_alone() -> None:
    text = f"Fields\n    + no line of the patch\n{PATCH_HEAD}\n{PATCH}"
    found = {kind: [text[begin:end] for begin, end in spans] for kind, spans in patch_spans(text).items()}
    lines = list(zip(PATCH.split("\n"), KINDS, strict=True))
    assert found == {kind: [line for line, one in lines if one == kind] for kind in (HEAD, HUNK, REMOVED, ADDED)}
    assert patch_spans(text.replace(PATCH_HEAD, "The patch")) == {}


def test_what_is_long_is_cut_and_what_is_left_out_is_counted() -> None:
    most = limits_git.SHOWN_PATCH_LINES
    lines = [f"+{number}" for number in range(most)]
    assert shown_part("\n".join(lines)) == lines
    *shown, last = shown_part("\n".join([*lines, "+a", "+b"]))
    assert shown == lines
    assert last == (
        "[… 2 more lines of the patch not shown; --json has them, as has the file that its author shares with /diff]"
    )
    wide = "+" * (limits_git.SHOWN_LINE_CHARS + 1)
    assert shown_part(wide) == [wide[:-1] + "…"]
