"""Counts of what was dropped, refused and caught, so that nothing is lost in silence."""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

GARBAGE: Final = frozenset(
    {
        "DecodeError",
        "FrameError",
        "GarbageError",
        "MessageTooLarge",
        "NoMultistreamError",
        "ParseError",
        "UnicodeDecodeError",
        "WrongAnswerError",
    }
)
"""Types of exceptions that only who breaks a protocol causes: no network does, whatever it loses."""

EXPECTED_FAULTS: Final = GARBAGE | frozenset(
    {
        # The other side went away, or a connection ended under a stream.
        "ClosedResourceError",
        "BrokenResourceError",
        "ConnectionClosedError",
        "EndedError",
        "IncompleteReadError",
        "MuxedConnUnavailable",
        "MuxedStreamEOF",
        "MuxedStreamError",
        "MuxedStreamReset",
        "RawConnError",
        "StreamClosed",
        "StreamEOF",
        "StreamError",
        "StreamFailure",
        "StreamReset",
        "SwarmException",
        # It said nothing for too long, or went in the middle of a line.
        "MultiselectCommunicatorError",
        "MultiselectError",
        "SilentError",
        "TooSlowError",
        # It does not speak as we do, or is not wanted.
        "MuxerUpgradeFailure",
        "RefusedError",
        "SecurityUpgradeFailure",
        # A browser, or a scanner of ports, asked for a page, or does not trust our certificate.
        "TLSError",
        "WebSocketError",
    }
)
"""Types of exceptions that strangers and failing networks cause in stream handlers; any other is a fault of ours."""


@final
class Counters(Counter[str]):
    """Counters of one node by name, each "what" or "what: why" (`counted` in `py_peer.core.figures`).

    Names are ours, none comes from outside, so there are not many.
    """

    @contextmanager
    def catching(self, where: str) -> Iterator[None]:
        """Catch what the block raises: for one of many things that are done one after the other, or side by side."""
        try:
            yield
        except Exception as error:  # noqa: BLE001
            self.caught(where, error)

    def caught(self, where: str, error: BaseException) -> None:
        """Count an exception that a guard caught, by its type; one that nobody expects is logged with its traceback."""
        for leaf in _leaves(error):
            name = type(leaf).__name__
            self[f"caught: {name}"] += 1
            if name in EXPECTED_FAULTS:
                log.debug("%s: %s: %s", where, name, leaf)
            else:
                self["unexpected faults"] += 1
                UNEXPECTED[name] += 1
                log.error("%s: unexpected %s: %s", where, name, leaf, exc_info=leaf)


UNEXPECTED: Final[Counter[str]] = Counter()
"""Unexpected types caught in this process; the test run fails when it is not empty at its end."""


def is_garbage(error: BaseException) -> bool:
    """Say whether the other side broke a protocol, so that it and not the network is to blame."""
    return any(type(leaf).__name__ in GARBAGE for leaf in _leaves(error))


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
