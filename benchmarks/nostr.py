"""Events of Nostr signed and checked in a second, beside what libsecp256k1 by itself does, and beside nostr-sdk.

How to read it: all of it is one thread of one process, in turns, so that what disturbs one disturbs the others.
coincurve alone signs and verifies hashes that are there already, with keys that are read already: no event can be
faster. py-peer signs and checks an event about a commit, some 900 bytes: it serialises and hashes it as well, and what
comes from a relay is read before, within its limits. nostr-sdk is compiled Rust, called from Python, and does the same.
"""

from __future__ import annotations

import hashlib
import time
from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks.table import Row
from py_peer.core.nostr import badge_of, check_event, commit_event, read_event, sign_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TABLE: Final = "Nostr"
ALONE: Final = "coincurve alone"
OURS: Final = "py-peer"
OTHERS: Final = "nostr-sdk"
GOAL: Final = "half of coincurve alone"

SECRET: Final = hashlib.sha256(b"a key for measuring").digest()
COMMIT: Final = hashlib.sha1(b"a commit", usedforsecurity=False).hexdigest()
WHEN: Final = 1_700_000_000
MESSAGE: Final = "Names that travel\n\n" + "What a commit says for as long as its author has something to say. " * 8
SIGN, CHECK, READ, BADGE = ("sign", "check", "read and check", "read and say whose it is")


def rates(count: int, rounds: int) -> Iterator[Row]:
    """Measure `count` events in each of `rounds` turns; the median is told."""
    works = _works()
    seconds: dict[tuple[str, str], list[float]] = {of: [] for of in works}
    for _ in range(rounds):
        for of, work in works.items():
            work(max(1, count // 10))  # what runs for the first time takes longer
            begun = time.perf_counter()
            work(count)
            seconds[of].append((time.perf_counter() - begun) / count)
    typical = {of: median(all_of_it) for of, all_of_it in seconds.items()}
    for (figure, kind), each in typical.items():
        values = {"seconds": seconds[figure, kind]}
        is_goal = (figure, kind) == (CHECK, OURS)
        goal, met = (GOAL, 2 * typical[CHECK, ALONE] >= each) if is_goal else ("", None)
        yield Row(figure, f"{1 / each:,.0f}/s", goal, met, values, kind, TABLE)


def _works() -> dict[tuple[str, str], Callable[[int], None]]:
    """Return what is measured, by figure and by who does it; each takes how often."""
    import coincurve  # noqa: PLC0415 - not for who measures something else
    import nostr_sdk  # noqa: PLC0415 - not for who measures something else

    event = commit_event(f'{{"id":"{COMMIT}","message":"{MESSAGE}"}}'.replace("\n", "\\n"), COMMIT, SECRET, WHEN)
    line = event.json()
    digest, signature = bytes.fromhex(event.id), bytes.fromhex(event.sig)
    private = coincurve.PrivateKey(SECRET)
    public = coincurve.PublicKeyXOnly(bytes.fromhex(event.pubkey))
    keys = nostr_sdk.Keys.parse(SECRET.hex())

    def sdk_sign() -> None:
        builder = nostr_sdk.EventBuilder(nostr_sdk.Kind(1), event.content)
        tags = [nostr_sdk.Tag.parse(list(tag)) for tag in event.tags]
        builder.tags(tags).custom_created_at(nostr_sdk.Timestamp.from_secs(WHEN)).finalize(keys)

    def verify_alone() -> None:
        if not public.verify(signature, digest):
            raise AssertionError(line)

    def sdk_check() -> None:
        if not nostr_sdk.Event.from_json(line).verify():
            raise AssertionError(line)

    return {
        (SIGN, ALONE): _again(lambda: private.sign_schnorr(digest)),
        (SIGN, OURS): _again(lambda: sign_event(SECRET, WHEN, event.kind, event.tags, event.content)),
        (SIGN, OTHERS): _again(sdk_sign),
        (CHECK, ALONE): _again(verify_alone),
        (CHECK, OURS): _again(lambda: check_event(event)),
        (READ, OURS): _again(lambda: check_event(read_event(line))),
        (READ, OTHERS): _again(sdk_check),
        (BADGE, OURS): _again(lambda: badge_of(read_event(line))),
    }


def _again(work: Callable[[], object]) -> Callable[[int], None]:
    def again(count: int) -> None:
        for _ in range(count):
            work()

    return again
