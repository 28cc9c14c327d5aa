"""What is written behind an option, or stands for it elsewhere, made into a value.

Each check takes the text and returns the value. Raises ArgumentTypeError, with a sentence, when it cannot be used.
"""

from __future__ import annotations

import math
import os
import re
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PORT: Final = 65_535
MAX_SEED: Final = 255
MAX_TIMEOUT: Final = 86_400.0
MAX_INTERFACE_CHARS: Final = 256
"""Windows has names of so many."""

YES: Final = ("1", "true", "yes", "on")
NO: Final = ("0", "false", "no", "off")


def any_text(text: str) -> str:
    """Return it as it is."""
    return text


def utf8(text: str) -> str:
    """Return a text, if it is UTF-8: bytes of the command line that are none come as surrogates."""
    if text.isprintable() or text == text.encode(errors="ignore").decode():
        return text
    msg = "it is not UTF-8"
    raise ArgumentTypeError(msg)


def something(text: str) -> str:
    """Return a text, if it is UTF-8 and not empty."""
    if not text:
        msg = "it is empty"
        raise ArgumentTypeError(msg)
    return utf8(text)


def path(text: str) -> str:
    """Return a path; with "" the folder would be meant where the program runs."""
    if not text:
        msg = "a path has something in it"
        raise ArgumentTypeError(msg)
    return text


def own_name(text: str) -> str:
    """Return a name that a file can be provided under."""
    from py_peer.core.by_name import problem_with_own  # noqa: PLC0415 - needed only now

    if reason := problem_with_own(text):
        raise ArgumentTypeError(reason)
    return text


def wanted_name(text: str) -> str:
    """Return a name that a file may be provided under."""
    from py_peer.core.by_name import problem_with  # noqa: PLC0415 - needed only now

    if reason := problem_with(text):
        raise ArgumentTypeError(reason)
    return text


def root(text: str) -> str:
    """Return a tree hash, in hexadecimal digits."""
    if re.fullmatch("[0-9a-fA-F]{64}", text):
        return text
    msg = "it is not a hash of 64 hexadecimal digits"
    raise ArgumentTypeError(msg)


def topic(text: str) -> str:
    """Return the name of a topic, to be read again by `read_topic`; or HEAD, whose commit is looked up when joining.

    What is kept holds in every folder, and in few of them is there a commit.
    """
    from py_peer.core.topics import HEAD, SIGN, is_head, read_topic, topic_problem  # noqa: PLC0415 - needed only now

    if is_head(text):
        return HEAD
    name = read_topic(text)
    if reason := topic_problem(name):
        raise ArgumentTypeError(reason)
    return f"{SIGN}{name}" if is_head(name) or name.startswith(SIGN) else name


def port(text: str) -> int:
    """Return the number of a port."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_PORT)) and int(text) <= MAX_PORT:
        return int(text)
    msg = f"{text[:40]!r} is not a port: it is a number from 1 to {MAX_PORT}, or 0 for a free one"
    raise ArgumentTypeError(msg)


def address(text: str) -> str:
    """Return the multiaddr of a peer that may be named, with or without its ID."""
    from py_peer.core.addresses import AddressError, parse_named_address  # noqa: PLC0415 - needed only now

    try:
        return parse_named_address(text).text
    except AddressError as error:
        raise ArgumentTypeError(str(error)) from error


def place(text: str) -> str:
    """Return a multiaddr to listen on."""
    from py_peer.core.addresses import AddressError  # noqa: PLC0415 - needed only now
    from py_peer.core.listening import parse_listen_address  # noqa: PLC0415

    try:
        return parse_listen_address(text).text
    except AddressError as error:
        raise ArgumentTypeError(str(error)) from error


def interface(text: str) -> str:
    """Return the name of an interface."""
    if 0 < len(text) <= MAX_INTERFACE_CHARS and text.isprintable() and "/" not in text:
        return text
    msg = f"{text[:40]!r} is not the name of an interface, like eth0"
    raise ArgumentTypeError(msg)


def host_and_port(text: str) -> tuple[str, int]:
    """Return a host and a port; 127.0.0.1 where no host is named."""
    host, _, number = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        msg = f"{text[:80]!r} is not HOST:PORT: an IPv6 address stands in brackets, like [::1]:9100"
        raise ArgumentTypeError(msg)
    host = host or "127.0.0.1"
    if any(char.isspace() or char in "/[]" for char in host):
        msg = f"{text[:80]!r} is not HOST:PORT, like 127.0.0.1:9100"
        raise ArgumentTypeError(msg)
    return host, port(number)


def count(text: str) -> int:
    """Return how many of something."""
    if re.fullmatch("[1-9][0-9]{0,8}", text):
        return int(text)
    msg = f"{text[:40]!r} is not a number from 1 to 999999999"
    raise ArgumentTypeError(msg)


def seed(text: str) -> int:
    """Return the byte that a test key is made of."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_SEED)) and int(text) <= MAX_SEED:
        return int(text)
    msg = f"{text[:40]!r} is not a seed: it is a number from 0 to {MAX_SEED}"
    raise ArgumentTypeError(msg)


def seconds(text: str) -> float:
    """Return a time."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if 0 < number <= MAX_TIMEOUT:
        return number
    msg = f"{text[:40]!r} is not a time: it is a number of seconds above 0, {MAX_TIMEOUT:.0f} at most"
    raise ArgumentTypeError(msg)


def file(text: str) -> str:
    """Return a path, its `~` made plain."""
    if text:
        return os.path.expanduser(text)  # noqa: PTH111 - nothing heavy is imported here
    msg = "it names no file"
    raise ArgumentTypeError(msg)


def size(text: str) -> str:
    """Return a size as `py_peer.core.sizes` reads it."""
    from py_peer.core.sizes import read_size  # noqa: PLC0415 - needed only now

    if read_size(text) is not None:
        return text.strip()
    msg = f"{text[:40]!r} is not a size, like 10 MB, or 0 for nothing"
    raise ArgumentTypeError(msg)


def one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    """Return a check that takes one of `choices` alone."""

    def check(text: str) -> str:
        if text in choices:
            return text
        advice = did_you_mean(text, choices) or f"; there are {', '.join(choices)}"
        msg = f"{text[:40]!r} is not known{advice}"
        raise ArgumentTypeError(msg)

    return check


def did_you_mean(word: str, known: tuple[str, ...], prefix: str = "") -> str:
    """Return "; did you mean …?" with the nearest of `known`, or "" when none is near.

    With `prefix` it is shown as a variable is.
    """
    import difflib  # noqa: PLC0415 - needed only now

    near = difflib.get_close_matches(word[:40].lower(), known, 1)
    shown = [f"{prefix}{word.upper()}" if prefix else word for word in near]
    return f"; did you mean {shown[0]!r}?" if shown else ""


def dialled(text: str) -> str:
    """Return a multiaddr that can be dialled."""
    from py_peer.core.addresses import AddressError, parse_dial_address  # noqa: PLC0415 - needed only now

    try:
        return parse_dial_address(text).text
    except AddressError as error:
        raise ArgumentTypeError(str(error)) from error


def relay(text: str) -> str:
    """Return the multiaddr of a relay."""
    found = dialled(text)
    if "/p2p-circuit" in found:
        msg = f"{found!r} leads through a relay itself, and such a peer relays for nobody; name the relay"
        raise ArgumentTypeError(msg)
    return found


def nostr_relay(text: str) -> str:
    """Return the URL of a relay of Nostr, as it is written here."""
    from py_peer.core.nostr_messages import RelayURLError, parse_relay_url  # noqa: PLC0415 - needed only now

    try:
        return str(parse_relay_url(text))
    except RelayURLError as error:
        raise ArgumentTypeError(str(error)) from error


def switch(text: str) -> bool:
    """Return what a switch in the environment is set to. Raises ArgumentTypeError."""
    word = text.strip().lower()
    if word not in (*YES, *NO):
        msg = f"{text[:40]!r} is neither on ({', '.join(YES)}) nor off ({', '.join(NO)})"
        raise ArgumentTypeError(msg)
    return word in YES
