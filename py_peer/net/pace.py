"""A pace that is kept by waiting, where `core.rates` only says how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from py_peer.core.rates import TokenBucket


async def keep_pace(bucket: TokenBucket) -> None:
    """Wait until there is a token in the bucket, and take it."""
    while not bucket.take(trio.current_time()):  # noqa: ASYNC110 - what is waited for is time itself
        await trio.sleep(bucket.wait(trio.current_time()))
