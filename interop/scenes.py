"""What two peers in one room have to show, scene by scene. A scene raises AssertionError where one hears nothing."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from benchmarks.table import milliseconds
from interop.columns import Pair, answer
from interop.outcomes import NOTHING, Outcome, counted
from py_peer.core.limits import MAX_TEXT_BYTES
from tests.network.peers import LET_GO
from tests.sisters.matrix import START

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.network.peers import Peer, Told

COUNT: Final = 100
GROWTH: Final = 60
"""Bytes by which each of many texts is longer than the last: large ones, on a busy machine, wait longer than Rust keeps
them for."""

FIRST: Final = 20_000
"""Bytes of a first text: many more than all else that is read at first, so that it shows in their number."""

SIZE: Final = 3_000_000
SILENCE: Final = 90.0
GRACE: Final = 1.0
"""Seconds in which what was said before something that has come may come still: not all verify in order."""

HEARTBEATS: Final = 2.5
"""Seconds in which what was heard already is offered again: with each heartbeat of theirs, of 1 s."""

LOST: Final = 5.0
"""Seconds after which a first word is lost. It may be asked for after a heartbeat of 1 s."""

STALE: Final = 90.0
"""Seconds in which both are to be in one room again: over QUIC some notice after 45 s that the other is gone."""

MOST: Final = 2 * 1024 * 1024
"""Bytes: larger texts are not tried."""

UNTOLD: Final = "it does not come, and nobody is told"
"""What became of a text that theirs neither refuses nor ours hears."""

TAG: Final = 40
"""Characters by which a text that is cut when it is shown is known."""


def first_words(pair: Pair) -> Outcome:
    """Have each say something at the moment at which it tells that the other has come, and see when that is heard."""
    pair.start()
    said: dict[Peer, tuple[str, float]] = {}

    def coming() -> list[tuple[Peer, Peer]]:
        return [(one, other) for one, other in pair.ways if one not in said and other.ids and other.id in one.room()]

    while len(said) < len(pair.ways):
        pair.wait_for(coming, "the other in its room")
        for one, _ in coming():
            said[one] = (pair.new_text("first").ljust(FIRST, "."), time.monotonic())
            one.say(said[one][0])
    delays: list[float | None] = []
    for one, other in pair.ways:
        text, when = said[one]
        told: Told | None = None
        with contextlib.suppress(AssertionError):
            told = other.see("message_received", LOST, text=text)
        delays.append(told["at"] - when if told else None)
    pair.met()
    to_them, to_us = delays
    values = {"to_them": to_them, "to_us": to_us, "reached": to_us is not None or _reached(pair.ours)}
    return Outcome(_both(delays, "lost"), values, met=None not in delays)


def many(pair: Pair) -> Outcome:
    """Have both say a hundred texts at once, each longer than the last."""
    texts = {
        one: [
            f"{pair.new_text('grüße 🎈')} of {one.name} ".ljust(GROWTH * number, "x") for number in range(1, COUNT + 1)
        ]
        for one, _ in pair.ways
    }
    for number in range(COUNT):
        for one, said in texts.items():
            one.say(said[number])
    heard: list[list[str]] = []
    for one, other in pair.ways:
        with contextlib.suppress(AssertionError):
            other.wait_for(lambda: set(texts[one]) <= set(other.texts()), "all of them", START)  # noqa: B023 - at once
        heard.append([text for text in other.texts() if text in set(texts[one])])
    again = [len(shown) - len(set(shown)) for shown in heard]
    in_order = [sorted(shown, key=said.index) == shown for shown, said in zip(heard, texts.values(), strict=True)]
    outcome = counted([len(set(shown)) for shown in heard], COUNT, again=again, in_order=in_order)
    faults = [f"{' / '.join(map(str, again))} again"] if any(again) else []
    faults += [] if all(in_order) else ["not in order"]
    return replace(outcome, text=", ".join([outcome.text, *faults]), met=outcome.met and not faults)


def twice(pair: Pair) -> Outcome:
    """Have each say the same text twice; and see that neither this nor anything before it comes once more."""
    same = {one: pair.new_text("the same") for one, _ in pair.ways}
    for one, text in same.items():
        one.say(text)
        one.say(text)
    for one, other in pair.ways:
        pair.speak(one, other)
    time.sleep(HEARTBEATS)
    shown = [Counter(other.texts()) for _, other in pair.ways]
    counts = [found.pop(text, 0) for found, text in zip(shown, same.values(), strict=True)]
    again = [found.total() - len(found) for found in shown]
    outcome = counted(counts, 2, again=again)
    if not any(again):
        return outcome
    return replace(outcome, text=f"{outcome.text}, {' / '.join(map(str, again))} of those before again", met=False)


def largest(pair: Pair) -> Outcome:
    """Have each say the largest text that ours say."""
    sizes = []
    for one, other in pair.ways:
        text = pair.new_text("large").ljust(MAX_TEXT_BYTES, "x")
        one.say(text)
        with contextlib.suppress(AssertionError):
            other.see("message_received", text=text)
        sizes.append(MAX_TEXT_BYTES if text in other.texts() else 0)
    to_them, to_us = sizes
    values = {"to_them": to_them, "to_us": to_us}
    return Outcome(f"{to_them:,} / {to_us:,} B", values, met=to_them == to_us == MAX_TEXT_BYTES)


def one_more(pair: Pair) -> Outcome:
    """Have each try one byte more, ours and then theirs, and talk on."""
    text = pair.new_text("too large").ljust(MAX_TEXT_BYTES + 1, "x")
    refused = answer(pair.ours, "say", "message_refused", "message_sent", text=text)["event"] == "message_refused"
    lost = why_lost(pair, MAX_TEXT_BYTES + 1)
    for one, other in pair.ways:
        pair.speak(one, other)
    shown = f"{'refused' if refused else 'sent'} / {lost or 'heard'}"
    return Outcome(shown, {"refused": refused, "lost": lost}, met=refused and not lost)


def most(pair: Pair) -> Outcome:
    """Find the largest text that theirs can say and ours hears; and talk on."""
    least, too_much = MAX_TEXT_BYTES, MOST
    lost = why_lost(pair, MOST)
    if not lost:
        least = MOST
    while lost and too_much - least > 1:
        size = (least + too_much) // 2
        if why := why_lost(pair, size):
            too_much, lost = size, why
        else:
            least = size
    for one, other in pair.ways:
        pair.speak(one, other)
    note = f"one byte more: {lost}, and both talk on" if lost else "more was not tried"
    return Outcome(f"{least:,} B", {"to_us": least, "lost": lost}, note, met=lost != UNTOLD)


def why_lost(pair: Pair, size: int) -> str:
    """Have theirs say a text of so many bytes; return what became of it, or "" when ours heard it."""
    tag = pair.new_text("of theirs").ljust(TAG, ".")
    refused = len(pair.theirs.all("message_refused"))
    pair.theirs.say(tag.ljust(size, "x"))

    def heard() -> bool:
        return any(text.startswith(tag) for text in reversed(pair.ours.texts()))

    def settled() -> bool:
        return heard() or len(pair.theirs.all("message_refused")) > refused

    marker = pair.new_text("after it")
    pair.theirs.say(marker)
    pair.ours.wait_for(lambda: settled() or marker in pair.ours.texts(), f"anything after {size:,} bytes")
    with contextlib.suppress(AssertionError):
        pair.ours.wait_for(settled, f"{size:,} bytes", GRACE)
    if heard():
        return ""
    said = pair.theirs.all("message_refused")[refused:]
    return f'refused ("{said[0]["reason"]}")' if said else UNTOLD


def files(pair: Pair) -> Outcome:
    """Have each offer a file, and the other fetch it."""
    path, body = pair.folder / "file", os.urandom(SIZE)
    path.write_bytes(body)
    wanted = hashlib.sha256(body).hexdigest()
    pair.ours.command("share", path=str(path), id="share")
    file_id = pair.ours.see("file_shared", id="share")["file"]["file_id"]
    there = pair.theirs.see("file_received", file_id=file_id)
    equal = [there["sha256"] == wanted]

    file_id = answer(pair.theirs, "share", "file_shared", path=str(path))["file_id"]
    pair.ours.wait_for(
        lambda: file_id in [told["offer"]["file_id"] for told in pair.ours.all("file_offered")], "an offer"
    )
    pair.ours.command("get", file=file_id, path=str(pair.folder / "fetched"))
    pair.ours.see("transfer_done", file_id=file_id)
    equal.append((pair.folder / "fetched").read_bytes() == body)
    shown = "equal both ways" if all(equal) else " / ".join("equal" if same else "not equal" for same in equal)
    return Outcome(
        f"{SIZE // 1_000_000} MB {shown}", dict(zip(("to_them", "to_us"), equal, strict=True)), met=all(equal)
    )


def direct(pair: Pair) -> Outcome:
    """Have each write a hundred direct messages to the other, the last one as large as it may be."""
    texts = [f"between us: {number} grüße 🎈".ljust(GROWTH * number, "x") for number in range(COUNT - 1)]
    texts.append("x" * MAX_TEXT_BYTES)
    for text in texts:
        for one, other in pair.ways:
            one.command("msg", peer=other.id, text=text)
    counts, strange = [], []
    for one, other in pair.ways:
        with contextlib.suppress(AssertionError):
            other.wait_for(lambda: len(other.all("direct_received")) >= COUNT, "all of them", START)  # noqa: B023 - at once
            one.wait_for(lambda: len(one.all("direct_sent")) >= COUNT, "all confirmed", START)  # noqa: B023 - at once
        shown = Counter(told["text"] for told in other.all("direct_received") if told["peer_id"] == one.id)
        whole = (shown & Counter(texts)).total()
        counts.append(min(len(one.all("direct_sent")), whole))
        strange.append(shown.total() - whole)
    types = sorted({told["type"] for told in pair.theirs.all("direct_received")})
    outcome = counted(counts, COUNT, types=types, strange=strange)
    faults = [f"{' / '.join(map(str, strange))} changed or again"] if any(strange) else []
    met = outcome.met and not faults and types == ["text/plain"]
    return replace(outcome, text=", ".join([outcome.text, *faults]), met=met)


def ping(pair: Pair) -> Outcome:
    """Have each measure how far the other is."""
    before = len(pair.ours.all("pinged"))
    said = answer(pair.ours, "ping", "answer", peer=pair.theirs.id)["text"]
    there = answer(pair.theirs, "ping", "pinged", "ping_failed", "error", peer=pair.ours.id)
    times = [
        pair.ours.all("pinged")[-1]["rtt"] if len(pair.ours.all("pinged")) > before else None,
        there.get("rtt"),
    ]
    values = {"to_them": times[0], "to_us": times[1], "said": said}
    return Outcome(_both(times), values, _refusal(there), met=None not in times)


def identify(pair: Pair) -> Outcome:
    """See that each has told the other what it is."""
    protocols = [len(other.see("identified", peer_id=one.id)["protocols"]) for one, other in pair.ways]
    agent = pair.ours.see("identified", peer_id=pair.theirs.id)["agent_version"]
    shown = " / ".join(map(str, protocols))
    return Outcome(f"{shown} protocols", {"protocols": protocols, "agent": agent}, met=all(protocols))


def silence(pair: Pair) -> Outcome:
    """Have nobody say anything for 90 s, and then each one text; nobody may have been let go meanwhile."""
    before = _gone(pair)
    time.sleep(SILENCE)
    delays = [pair.speak(one, other) for one, other in pair.ways]
    gone = _gone(pair) - before
    shown = _both(delays) + (f", {gone} disconnected" if gone else "")
    return Outcome(shown, {"delays": delays, "gone": gone}, met=not gone)


def they_restart(pair: Pair) -> Outcome:
    """Kill theirs, start it again with another key, and wait until both talk and the old one is gone."""
    was, start = pair.theirs.id, time.monotonic()
    pair.theirs.kill()
    pair.theirs.start()
    pair.wait_for(lambda: pair.theirs.last("ready"), "theirs ready")
    back = pair.meet_again(start, STALE)
    pair.ours.wait_for(lambda: was not in pair.ours.room(), "that the old one is gone", LET_GO)
    left = [told["at"] for told in pair.ours.all("peer_left") if told["peer_id"] == was]
    gone = max(left) - start
    return Outcome(f"{back:.1f} s; gone {gone:.1f} s", {"back": back, "gone": gone}, met=gone < LET_GO)


def we_restart(pair: Pair) -> Outcome:
    """Kill ours, start it again, who is the same peer, and wait until both talk."""
    start = time.monotonic()
    pair.ours.kill()
    pair.ours.start()
    back = pair.meet_again(start, STALE)
    return Outcome(f"{back:.1f} s", {"back": back})


def _reached(ours: Peer) -> bool:
    """Return whether ours has read as many bytes of gossip as a first text has, whatever became of them."""
    return bool(answer(ours, "stats", "statistics")["gossip_received_bytes"] >= FIRST)


def _gone(pair: Pair) -> int:
    return sum(len(peer.all("peer_disconnected")) for peer, _ in pair.ways)


def _both(delays: Sequence[float | None], none: str = NOTHING) -> str:
    """Return two delays beside each other, in milliseconds."""
    shown = [none if seconds is None else milliseconds(seconds) for seconds in delays]
    return " / ".join(shown) if None in delays else f"{shown[0].removesuffix(' ms')} / {shown[1]}"


def _refusal(told: dict[str, Any]) -> str:
    """Return why a peer has not done what it was told to, in its own words."""
    return "" if "reason" not in told else f'theirs says: "{told["reason"]}"'


@dataclass(frozen=True)
class Scene:
    """A row of the table."""

    name: str
    title: str
    play: Callable[[Any], Outcome]
    """Takes the pair of the column, or its ground."""

    idle: bool = False
    """Whether it mostly waits, so that all columns can do it at once."""

    needed: bool = False
    """Whether no other scene of the column can be played when this one has no end."""


SCENES: Final = (
    Scene("first", "first text right after the other is there", first_words, needed=True),
    Scene("many", "100 texts each way, in order, none twice", many),
    Scene("twice", "the same text twice", twice, idle=True),
    Scene("largest", "the largest text, 60,000 bytes", largest),
    Scene("one-more", "one byte more", one_more),
    Scene("most", "the largest text of theirs", most),
    Scene("files", "a file both ways", files),
    Scene("direct", "100 direct messages each way", direct),
    Scene("ping", "ping", ping),
    Scene("identify", "identify", identify),
    Scene("silence", "a text each way after 90 s of silence", silence, idle=True),
    Scene("they-restart", "theirs killed and started again", they_restart, idle=True),
    Scene("we-restart", "ours killed and started again", we_restart, idle=True),
)
QUICK: Final = tuple(scene for scene in SCENES if scene.play is not silence)
