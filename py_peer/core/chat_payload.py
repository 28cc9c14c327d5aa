"""The payload of a chat message: raw UTF-8, or the JSON of old Python peers, of which the text alone is believed."""

from __future__ import annotations

import json
from typing import Final

CHAT_MESSAGE_KEYS: Final = {"message", "sender_id", "sender_nick", "timestamp"}
MAX_JSON_BYTES: Final = 256 * 1024
"""Larger payloads are not looked into: nobody's ChatMessage is that long, and parsing costs time."""


def decode_payload(data: bytes) -> str:
    """Return the text of a chat payload. Bytes that are not UTF-8 become U+FFFD; nothing is raised."""
    if data[:1] == b"{" and len(data) <= MAX_JSON_BYTES:
        try:
            fields = json.loads(data)
        except (ValueError, RecursionError):  # not JSON, not UTF-8, an absurd number, or nested to overflow the stack
            fields = None
        if isinstance(fields, dict) and fields.keys() == CHAT_MESSAGE_KEYS and isinstance(fields["message"], str):
            return str(fields["message"])
    return data.decode("utf-8", "replace")
