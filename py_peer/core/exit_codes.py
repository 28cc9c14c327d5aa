"""The exit codes of py-peer, in one place."""

from enum import IntEnum
from typing import final


@final
class ExitCode(IntEnum):
    """What the process tells its caller when it ends."""

    OK = 0
    """An orderly leave with nothing left undone: quit, end of input, Ctrl-C, SIGTERM."""

    FAULT = 1
    """A fault of ours."""

    USAGE = 2
    """Bad arguments, or a refused configuration."""

    CANNOT_LISTEN = 3
    """The port is taken, or the address is not ours."""

    NOBODY_REACHED = 4
    """Nobody was there, where reaching somebody was all there was to do."""

    NOT_SENT = 5
    """Somebody was reached, but something that was typed was not sent."""

    NOT_FOUND = 6
    """What was asked for does not exist, could not be fetched, or could not be offered."""

    BAD_SIGNATURE = 7
    """A signature or a hash does not hold."""
