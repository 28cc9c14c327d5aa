"""The user's key of Nostr: an nsec, kept in a file of its own or given in the environment. libp2p has no part in it."""

from __future__ import annotations

import os
import secrets
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

from py_peer.core import limits_nostr, nip19, schnorr
from py_peer.core.cleaning import clean_path
from py_peer.core.schnorr import NostrError
from py_peer.net.private_files import UnfitFileError, cause, is_open, make_folder, read_private, write_private

_NAMES: Final = ("nsec1", "note1", "neven", "nprof", "nostr")
"""What names something of Nostr begins with, five letters of each."""


class NostrKeyError(Exception):
    """A key cannot be had: `reason` says which and why, `advice` what to do."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(f"{reason}. {advice}")
        self.reason = reason
        self.advice = advice


class NoKeyError(NostrKeyError):
    """There is no such file."""


@final
@dataclass(frozen=True, slots=True)
class NostrKey:
    """A secret key, and where it was found. Where the text is shown, the secret is not."""

    secret: bytes = field(repr=False)
    file: Path | None = None
    """None for one of the environment."""

    @property
    def pubkey(self) -> str:
        """The public key as NIP-01 has it: 64 hexadecimal digits."""
        return schnorr.public_key(self.secret).hex()

    @property
    def npub(self) -> str:
        """The public key as people see it."""
        return nip19.npub(self.pubkey)


def read_key(path: Path) -> NostrKey:
    """Return the key in a file, which is left as it is. Raises NoKeyError, NostrKeyError if it is not taken."""
    file, shown = Path(os.path.realpath(path)), clean_path(path)
    advice = "Name another file with --nostr-key, or move this one away and make a key with: py-peer nostr key new"
    try:
        secret = _secret(read_private(file, limits_nostr.MAX_KEY_FILE_BYTES))
        if is_open(file.stat()):  # what anybody could have read is no secret any more; ssh refuses it, too
            reason = "can be opened by others"
            advice = f"Close it with: chmod 600 {shlex.quote(shown)}"
        else:
            return NostrKey(secret, file)
    except FileNotFoundError:
        advice = "Make one with: py-peer nostr key new; or name another file with --nostr-key"
        raise NoKeyError(f"There is no key of Nostr in {shown}", advice) from None
    except NostrError as error:
        reason = f"holds no key of Nostr: {error}"
    except UnfitFileError as error:
        reason = str(error)
    except OSError as error:
        reason = f"cannot be read: {cause(error)}"
    raise NostrKeyError(f"{shown} {reason}", advice)


def new_key(path: Path) -> NostrKey:
    """Make a key, and a file of mode 0600 with its nsec. Raises NostrKeyError; a file that is there stays as it is."""
    file, shown = Path(os.path.realpath(path)), clean_path(path)
    secret = _fresh()
    line = nip19.encode(nip19.Entity("nsec", secret)) + "\n"
    try:
        make_folder(file.parent)
        write_private(file, line.encode(), replace=False)
    except FileExistsError:
        advice = "Name another one with --nostr-key, or move it away: without it nobody can sign as its npub any more"
        raise NostrKeyError(f"{shown} is there already, and is not written over", advice) from None
    except (OSError, UnfitFileError) as error:
        raise NostrKeyError(f"{shown} cannot be made: {cause(error)}", "Name another file with --nostr-key") from error
    return NostrKey(secret, file)


def given_key(text: str, variable: str) -> NostrKey:
    """Return the key that a variable of the environment holds. Raises NostrKeyError, which does not repeat it."""
    try:
        return NostrKey(_secret(text.encode(errors="replace")))
    except NostrError as error:
        advice = "It is an nsec, or 64 hexadecimal digits; unset it to use the key in the file"
        raise NostrKeyError(f"{variable} (environment) holds no key of Nostr: {error}", advice) from None


def _secret(data: bytes) -> bytes:
    """Return the secret of one line: an nsec, or its digits. Raises NostrError, which does not repeat it."""
    try:
        text = data.decode("ascii").strip()
    except UnicodeError:
        raise NostrError("it is neither an nsec nor 64 hexadecimal digits") from None
    if len(text) == 2 * schnorr.SECRET:
        try:
            return schnorr.check_secret(bytes.fromhex(text))
        except ValueError:  # NostrError is one, too
            raise NostrError("its 64 digits are no secret key") from None
    if not text:
        raise NostrError("it is empty")
    if text[:5].lower() == "npub1":
        raise NostrError("an npub is the public half, and signs nothing; the nsec is needed")
    if text[:5].lower() not in _NAMES:
        raise NostrError("it is neither an nsec nor 64 hexadecimal digits")
    entity = nip19.decode(text)
    if entity.prefix != "nsec":
        raise NostrError(f"this {entity.prefix} is no key to sign with; the nsec is needed")
    return entity.data


def _fresh() -> bytes:
    while True:
        try:
            return schnorr.check_secret(secrets.token_bytes(schnorr.SECRET))
        except NostrError:  # once in 2**128
            continue
