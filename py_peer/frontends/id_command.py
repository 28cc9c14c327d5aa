"""`py-peer id`: shows the peer ID, the key's, without starting anything."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from py_peer.core.exit_codes import ExitCode
from py_peer.net.identity import IdentityError, kept_identity

if TYPE_CHECKING:
    from py_peer.frontends.arguments import Arguments


def run(arguments: Arguments) -> int:
    """Print the peer ID; a key that is not there yet is made, as at the first start of the chat, and that is said."""
    path = arguments.settings.identity
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
    if identity.remark:
        print(f"py-peer: {identity.remark}", file=sys.stderr)
    if arguments.json:
        import json  # noqa: PLC0415 - for --json alone

        print(json.dumps({"peer_id": identity.peer_id, "file": str(identity.file), "made": bool(identity.remark)}))
    else:
        print(identity.peer_id)
    return ExitCode.OK
