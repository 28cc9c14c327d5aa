"""Who we are: one Ed25519 key, kept in a file from one run to the next, or made for one session.

Nothing of libp2p is imported before a key pair is asked for, so that `py-peer id` answers at once.
"""

from __future__ import annotations

import os
import secrets
import shlex
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from nacl.bindings import crypto_sign_seed_keypair

from py_peer.core import limits
from py_peer.core.cleaning import clean_path
from py_peer.core.key_file import SEED, KeyFileError, decode_key, encode_key, peer_id_of
from py_peer.net.private_files import (
    TakenError,
    UnfitFileError,
    cause,
    is_open,
    make_folder,
    read_private,
    take_lock,
    write_private,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from libp2p.crypto.keys import KeyPair

_ALONE: Final = "this one runs with a key for this session alone"
_ELSE: Final = "Name another file with --identity, or run with --ephemeral"


class IdentityError(Exception):
    """A key cannot be had from a file: `reason` says which and why, `advice` what to do."""

    def __init__(self, reason: str, advice: str = _ELSE) -> None:
        super().__init__(f"{reason}. {advice}")
        self.reason = reason
        self.advice = advice


class NotKeptError(IdentityError):
    """There is no file, and none can be made."""


@final
@dataclass(frozen=True, slots=True)
class Identity:
    """A key. `file` is where it is kept, None for one of this session alone; `remark` is what the user should know."""

    seed: bytes = field(repr=False)
    file: Path | None = None
    remark: str = ""

    @property
    def peer_id(self) -> str:
        """The peer ID, in base58."""
        return peer_id_of(_public_half(self.seed))

    def key_pair(self) -> KeyPair:
        """Return the key as libp2p has it."""
        from libp2p.crypto.ed25519 import create_new_key_pair  # noqa: PLC0415 - imports all of libp2p

        return create_new_key_pair(self.seed)


def new_identity(remark: str = "") -> Identity:
    """Return a fresh key, which is not kept."""
    return Identity(secrets.token_bytes(SEED), remark=remark)


def seeded_identity(byte: int) -> Identity:
    """Return the key that gnostr, and whoever likes, makes of one byte."""
    remark = f"This is test key {byte}: everybody can make it, and speak in its name"
    return Identity(bytes([byte]) + bytes(SEED - 1), remark=remark)


def read_identity(path: Path) -> Identity:
    """Return the key in a file, which is left as it is. Raises FileNotFoundError, IdentityError if it is not taken."""
    file = Path(os.path.realpath(path))
    return Identity(_read(file), file)


def kept_identity(path: Path) -> Identity:
    """Return the key in a file; when there is no such file, make both.

    Raises NotKeptError when the file cannot be made, IdentityError for one that is there and is not taken.
    """
    try:
        return read_identity(path)
    except FileNotFoundError:
        seed = secrets.token_bytes(SEED)
    file = Path(os.path.realpath(path))
    try:
        make_folder(file.parent)
        write_private(file, encode_key(seed, _public_half(seed)), replace=False)
    except FileExistsError:  # another process was faster
        return read_identity(path)
    except (OSError, UnfitFileError) as error:
        raise NotKeptError(f"{clean_path(file)} cannot be made: {cause(error)}") from error
    return Identity(seed, file, f"A new key is kept in {clean_path(file)}")


@contextmanager
def hold_identity(path: Path | None, *, named: bool = False) -> Iterator[Identity]:
    """Have the key in a file, made when there is none, for as long as the block runs; None: a key for this block alone.

    While it is held no other process gets it: that one has a key of its own, and a remark that says so. So has one
    that can make no file, unless the user `named` it: NotKeptError. Where nothing can be locked (a folder that is read
    only, a file system without locks) the key is taken all the same, with a remark. Raises IdentityError.
    """
    if path is None:
        yield new_identity()
        return
    file = Path(os.path.realpath(path))  # two names of one file have one lock
    try:
        identity = kept_identity(file)
    except NotKeptError as error:
        if named:
            raise
        yield new_identity(f"{error.reason}; {_ALONE}")
        return
    with ExitStack() as held:
        try:
            held.callback(take_lock(file).release)
        except TakenError as error:
            identity = new_identity(f"The key in {clean_path(file)} is in use by {error}; {_ALONE}")
        except OSError as error:
            remark = f"The key in {clean_path(file)} cannot be locked ({cause(error)}): start no second py-peer with it"
            identity = replace(identity, remark=remark)
        yield identity


def _read(file: Path) -> bytes:
    """Return the private half of the key in a file. Raises FileNotFoundError or IdentityError."""
    advice = _ELSE
    try:
        seed, public = decode_key(read_private(file, limits.MAX_KEY_FILE_BYTES))
        if _public_half(seed) != public:
            reason = "holds two halves that do not belong together"
        elif is_open(file.stat()):  # what anybody could have read is no secret any more; ssh refuses it, too
            reason = "can be opened by others"
            advice = f"Close it with: chmod 600 {shlex.quote(clean_path(file))}"
        else:
            return seed
    except FileNotFoundError:
        raise
    except KeyFileError as error:
        reason = f"holds {error}"
    except UnfitFileError as error:
        reason = str(error)
    except OSError as error:
        reason = f"cannot be read: {cause(error)}"
    raise IdentityError(f"{clean_path(file)} {reason}", advice)


def _public_half(seed: bytes) -> bytes:
    return crypto_sign_seed_keypair(seed)[0]
