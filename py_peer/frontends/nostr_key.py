"""The key of Nostr that is meant, and `py-peer nostr key`, which makes one or shows whose it is.

A secret comes from a file or from the environment. What stands on a command line everybody on the machine can read,
and shells keep it; so `--nsec`, which gnostr has, is refused (`parser.py`).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from py_peer.core.cleaning import clean_path
from py_peer.core.exit_codes import ExitCode
from py_peer.frontends.configuration import Source
from py_peer.frontends.option import NSEC
from py_peer.net.nostr_key import NostrKeyError, given_key, new_key, read_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from py_peer.frontends.arguments import Arguments
    from py_peer.net.nostr_key import NostrKey


def key_file(arguments: Arguments) -> Path:
    """Return the file that is named, or where the key is kept."""
    from py_peer.frontends.places import nostr_key_file  # noqa: PLC0415 - not where one is named

    named = arguments.held["nostr_key"].value
    return Path(named) if named else nostr_key_file()


def chosen_key(arguments: Arguments, environ: Mapping[str, str] = os.environ) -> NostrKey:
    """Return the key to sign with: a flag's file, the environment, the kept file come in this order.

    Raises NostrKeyError.
    """
    source = arguments.held["nostr_key"].source
    if given := environ.get(NSEC, "").strip():
        if source is Source.ENVIRONMENT:
            named = arguments.held["nostr_key"].origin
            raise NostrKeyError(f"{NSEC} holds a key, and {named} names a file with one", "Unset one of the two")
        if source is not Source.FLAG:
            return given_key(given, NSEC)
    return read_key(key_file(arguments))


def run(arguments: Arguments) -> int:
    """Make a key, or find it; print its npub."""
    made = arguments.own["what"] == "new"
    try:
        key = new_key(key_file(arguments)) if made else chosen_key(arguments)
    except NostrKeyError as error:
        print(f"py-peer: {error}", file=sys.stderr)
        return ExitCode.USAGE
    if made:
        print(f"py-peer: A new key of Nostr is kept in {clean_path(key.file)}: keep a copy", file=sys.stderr)
        if os.environ.get(NSEC, "").strip():
            print(f"py-peer: {NSEC} is set, and holds in its place until it is unset", file=sys.stderr)
    if arguments.json:
        from json import dumps  # noqa: PLC0415 - for --json alone

        file = key.file and str(key.file)
        print(dumps({"npub": key.npub, "pubkey": key.pubkey, "file": file, "made": made}))
    else:
        print(key.npub)
    return ExitCode.OK
