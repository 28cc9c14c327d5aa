"""What we say is signed as others verify it, and numbered as they expect it."""

from __future__ import annotations

import itertools
from typing import Any, cast

from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.pubsub.validators import signature_validator

from py_peer.net.author import Author


def test_each_message_holds_for_the_library_and_comes_after_those_before_it_and_after_a_restart() -> None:
    host = new_host(key_pair=create_new_key_pair())
    messages = []
    for _ in range(3):  # the same key, started again
        author = Author(cast("Any", host))
        messages += [author.message("room", b"%d" % number) for number in range(10)]
    assert all(signature_validator(message) for message in messages)
    assert {message.from_id for message in messages} == {host.get_id().to_bytes()}
    numbers = [int.from_bytes(message.seqno, "big") for message in messages]
    assert all(later > earlier for earlier, later in itertools.pairwise(numbers))


def test_a_message_that_is_changed_does_not_hold() -> None:
    author = Author(cast("Any", new_host(key_pair=create_new_key_pair())))
    for change in ({"data": b"no"}, {"topicIDs": ["other"]}, {"seqno": b"1"}):
        message = author.message("room", b"yes")
        for name in change:
            message.ClearField(cast("Any", name))
        message.MergeFrom(type(message)(**cast("Any", change)))
        assert not signature_validator(message)
