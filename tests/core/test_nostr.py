"""Events of Nostr: held to NIP-01, and to what another hand makes of them."""

import json
from typing import Any

import pytest
from nostr_sdk import Event

from py_peer.core import nostr

SECRET = bytes.fromhex("67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa")


def signed(**changes: Any) -> dict[str, Any]:
    event = nostr.sign_event(SECRET, 1_700_000_000, 1, (("gnostr", "git"),), "hello")
    return {**json.loads(event.json()), **changes}


def test_an_event_of_ours_holds_there() -> None:
    event = nostr.read_event(signed())
    nostr.check_event(event)
    assert Event.from_json(event.json()).verify()


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"content": "other"}, "not the hash"), ({"sig": "0" * 128}, "signature does not hold")],
    ids=["content", "signature"],
)
def test_an_event_that_was_changed_does_not_hold(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(nostr.NostrError, match=words):
        nostr.check_event(nostr.read_event(signed(**changes)))
