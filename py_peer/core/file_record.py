"""What a file is, in the words of its offerer, who signs them: name, size, type and tree hash.

Everything here may have been put in by a stranger; `FileRecord` holds only what has been checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, final

from py_peer.core import limits, tree_hash
from py_peer.core.cleaning import clean_text
from py_peer.core.file_names import safe_name

LATEST: Final = 2**53 - 1
"""The latest time that JSON can carry."""

_MEDIA_TYPE: Final = re.compile(r"[0-9A-Za-z!#$&^_.+-]{1,64}/[0-9A-Za-z!#$&^_.+-]{1,64}")


class RecordError(ValueError):
    """A record that is none; the text says why, and holds nothing of it."""


@final
@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file as its offerer describes it. Made by `checked`, so that a name is a name and the sizes agree."""

    file_id: str
    name: str
    """Safe to show and to give to a file."""

    size: int
    """Bytes."""

    media_type: str
    """As in "image/png"; "" where it is not known."""

    piece_size: int
    root: bytes
    made: int
    """When it was signed, by the offerer's clock, in milliseconds since 1970."""

    offerer: str
    """The peer ID of who has signed it."""

    envelope: bytes = field(default=b"", repr=False)
    """The signed envelope itself, so that it can be passed on."""

    @property
    def pieces(self) -> int:
        """How many pieces the file has."""
        return tree_hash.pieces(self.size, self.piece_size)

    def piece_length(self, number: int) -> int:
        """Return the bytes of piece `number`, counted from 0."""
        return tree_hash.piece_length(self.size, self.piece_size, number)


def checked(  # noqa: PLR0913 - each is a field of the record, by name
    *,
    file_id: str,
    name: str,
    size: int,
    media_type: str,
    piece_size: int,
    root: bytes,
    made: int,
    offerer: str,
    envelope: bytes = b"",
) -> FileRecord:
    """Return the record of a file. Raises RecordError for what cannot be; a name is made safe, a strange type is ""."""
    if not is_file_id(file_id):
        raise RecordError("no file ID")
    if len(name.encode("utf-8", "surrogatepass")) > limits.MAX_SENT_NAME_BYTES:
        raise RecordError("a name that is too long")
    if not 0 <= size <= limits.MAX_FILE_BYTES:
        raise RecordError("a size that is too large")
    if piece_size != tree_hash.piece_size(size):
        raise RecordError("pieces of another size than the file's size makes them")
    if len(root) != tree_hash.HASH_BYTES or (size == 0 and root != tree_hash.EMPTY):
        raise RecordError("a root that is none")
    if not 0 <= made <= LATEST:
        raise RecordError("a time that is none")
    media_type = media_type.lower() if _MEDIA_TYPE.fullmatch(media_type) else ""
    return FileRecord(file_id, safe_name(name), size, media_type, piece_size, root, made, offerer, envelope)


def is_file_id(text: str) -> bool:
    """Say whether a text may be the ID of a file: nothing in it is cleaned away, and nothing sets words apart."""
    return (
        0 < len(text) <= limits.MAX_FILE_ID_BYTES
        and len(text.encode("utf-8", "surrogatepass")) <= limits.MAX_FILE_ID_BYTES
        and not any(character.isspace() for character in text)
        and clean_text(text) == text
    )
