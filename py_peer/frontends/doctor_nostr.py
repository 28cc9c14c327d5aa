"""Whether there is a key of Nostr that can be used: for `py-peer doctor`. No relay is contacted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from py_peer.frontends.doctor import Finding, failure, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from py_peer.frontends.arguments import Arguments


def check_nostr(arguments: Arguments, environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Whether the key is one, and the user's alone. With --nostr the chat does not start without it."""
    from py_peer.frontends.nostr_key import chosen_key  # noqa: PLC0415 - for this command alone
    from py_peer.frontends.option import NSEC  # noqa: PLC0415
    from py_peer.net.nostr_key import NoKeyError, NostrKeyError  # noqa: PLC0415

    needed, named = arguments.held["nostr"].value, arguments.held["nostr_key"].value
    try:
        key = chosen_key(arguments, environ)
    except NostrKeyError as error:
        if isinstance(error, NoKeyError) and not (needed or named):
            yield ok("nostr", "no key: py-peer nostr key new makes one")
        else:
            yield (failure if needed else warning)("nostr", error.reason, error.advice)
    else:
        yield ok("nostr", f"{key.npub}, {f'kept in {key.file}' if key.file else f'of {NSEC}'}")
