"""What the DHT has of a commit: found by any peer, also when who published it is gone."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from py_peer.core.commits import Commit, CommitError, cleaned, parse_commit, read_commit_json
from py_peer.core.git_events import CommitShown, CommitSource
from py_peer.core.git_records import Published, json_key, message_key, object_key, patch_key
from py_peer.core.shown_commits import shown_patch

if TYPE_CHECKING:
    from py_peer.net.kad_values import Lookup
    from py_peer.net.kademlia import Kademlia


async def find_published(dht: Kademlia, commit_id: str, *, patch: bool = True) -> Published:
    """Return what is found of the commit with that whole ID, and its patch if that is wanted.

    As long as a few lookups take, a minute or so at most; the caller's deadline may be shorter.
    """
    found: dict[bytes, Lookup] = {}

    async def look(key: bytes) -> None:
        found[key] = await dht.get_value(key)

    async def look_for(*keys: bytes) -> None:
        async with trio.open_nursery() as nursery:
            for key in keys:
                nursery.start_soon(look, key)

    def value(key: bytes) -> bytes:
        lookup = found.get(key)
        return lookup.record.value if lookup is not None and lookup.record is not None else b""

    raw, text, message, diff = (of(commit_id) for of in (object_key, json_key, message_key, patch_key))
    await look_for(raw, *([diff] if patch else []))  # of the object Kademlia takes none that does not hash to the ID
    if not value(raw):
        await look_for(text, message)
    told = found[raw]
    return Published(
        commit_id, value(raw), value(text), value(message), value(diff), told.said, told.asked, told.unasked
    )


def shown_commit(ticket: int, found: Published, tag: str = "") -> CommitShown | None:
    """Return what is shown of a commit that was found in the DHT; None where there is nothing of it.

    Raises CommitError where the object hashes to the ID, and is none that can be read: it is what was asked for.
    """
    commit = _commit(found)
    if not (commit.tree or commit.message or found.patch):
        return None
    patch, patch_base64 = shown_patch(found.patch)
    return CommitShown(
        ticket,
        cleaned(commit),
        bool(found.raw),
        CommitSource.DHT,
        patch,
        patch_base64,
        tag=tag,
        peers=found.said,
        asked=found.asked,
    )


def _commit(found: Published) -> Commit:
    """Return the fields as they stand in the object; else as anyone may have put them there, or nothing."""
    if found.raw:
        commit = parse_commit(found.raw)
        if commit.id == found.commit_id:
            return commit
        raise CommitError("its ID is of another hash than those in it")
    with suppress(CommitError):
        commit = read_commit_json(found.json)
        if commit.id == found.commit_id:
            return commit
    return Commit(found.commit_id, "", (), "", "", "", "", found.message.decode(errors="replace"), 0)
