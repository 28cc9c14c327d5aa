"""`py-peer id`: shows the peer ID, the key's, without starting anything."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from py_peer.core.exit_codes import ExitCode
from py_peer.net.identity import IdentityError, kept_identity, seeded_identity

if TYPE_CHECKING:
    from py_peer.frontends.arguments import Arguments
    from py_peer.net.identity import Identity


def run(arguments: Arguments) -> int:
    """Print the peer ID; a key that is not there yet is made, as at the first start of the chat, and that is said."""
    path, seed = arguments.settings.identity, arguments.settings.test_key
    if seed is not None:
        return _show(seeded_identity(seed), json=arguments.json)
    if path is None:
        origin = arguments.held["ephemeral" if arguments.held["ephemeral"].value else "demo"].origin
        advice = "--no-ephemeral shows the one that is kept"
        print(f"py-peer: there is no peer ID to show: each run has a new one ({origin}); {advice}", file=sys.stderr)
        return ExitCode.USAGE
    try:
        identity = kept_identity(path)
    except IdentityError as error:
        print(f"py-peer: bad identity: {error}", file=sys.stderr)
        return ExitCode.USAGE
    return _show(identity, json=arguments.json)


def _show(identity: Identity, *, json: bool) -> int:
    if identity.remark:
        print(f"py-peer: {identity.remark}", file=sys.stderr)
    if json:
        from json import dumps  # noqa: PLC0415 - for --json alone

        file = identity.file and str(identity.file)
        made = bool(file and identity.remark)
        print(dumps({"peer_id": identity.peer_id, "file": file, "made": made, "test_key": not file}))
    else:
        print(identity.peer_id)
    return ExitCode.OK
