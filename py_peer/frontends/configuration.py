"""What holds, and from where: flags before the environment, before the file, before the defaults.

Who is to be called is what flags and environment name together (that is what REMOTE_PEER always did), and the file's
list holds when neither says anything.
"""

from __future__ import annotations

import os
from argparse import ArgumentTypeError
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from py_peer.frontends.checks import NO, YES, did_you_mean, switch
from py_peer.frontends.option import NSEC, PREFIX
from py_peer.frontends.options import KEPT, OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from py_peer.frontends.option import Option

MAX_FILE_BYTES: Final = 256 * 1024
"""Of a configuration: a thousand addresses have room in it."""

MAX_COLUMN: Final = 40
"""Where a long value does not push the others' remarks aside."""

_KINDS: Final = {bool: "true or false", int: "a whole number", float: "a number", str: "a text in quotes"}


class ConfigurationError(Exception):
    """Something that cannot be used; the text says where it stands, why, and what to do."""


class Source(IntEnum):
    """Where a value comes from; the greater one holds."""

    DEFAULT = 0
    FILE = 1
    ENVIRONMENT = 2
    FLAG = 3


@final
@dataclass(frozen=True, slots=True)
class Held:
    """A value that holds. `origin` names the flag, the variable or the file that it comes from."""

    value: Any
    source: Source
    origin: str


def resolve(given: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Held]:
    """Return what holds for every option, by its name. `given` are the flags. Raises ConfigurationError."""
    flags = {name: _from_flag(OPTIONS[name], value) for name, value in given.items()}
    variables = {name: held for name, option in OPTIONS.items() if (held := _from_environment(option, environ))}
    config = flags.get("config") or variables.get("config")
    found = _from_file(Path(config.value), named=config.origin) if config else _from_default_file()
    layers = (found, variables, flags)
    resolved = {}
    for name, option in OPTIONS.items():
        here = [layer[name] for layer in layers if name in layer]
        resolved[name] = here[-1] if here else Held(option.default, Source.DEFAULT, "default")
        if option.adds_up and len(here) > 1 and here[-2].source is Source.ENVIRONMENT:
            flag, variable = here[-1], here[-2]
            value = (*flag.value, *variable.value)
            resolved[name] = Held(value, flag.source, f"{flag.origin}, {variable.origin}")
    return resolved


def _from_flag(option: Option, value: Any) -> Held:
    if option.many:
        value = tuple(value)
    flag = option.opposite if option.can_be_undone and value is option.default else option.flags[-1]
    return Held(value, Source.FLAG, flag)


def _from_environment(option: Option, environ: Mapping[str, str]) -> Held | None:
    set_ones = [
        (name, text)
        for name in option.variables
        if (text := environ.get(name, "")) and (option.never_blank or text.strip())
    ]
    if not option.many:
        set_ones = set_ones[:1]
    values: list[Any] = []
    for name, text in set_ones:
        try:
            if option.many:
                parts = [part.strip() for part in text.split(",") if part.strip()]
                values += map(option.check, parts or [""] * option.never_blank)
            else:
                values = [_from_word(option, text)]
        except ArgumentTypeError as error:
            msg = f"{name} (environment): {error}"
            raise ConfigurationError(msg) from error
    if not values:
        return None
    return Held(
        tuple(values) if option.many else values[0], Source.ENVIRONMENT, ", ".join(name for name, _ in set_ones)
    )


def _from_word(option: Option, text: str) -> Any:
    """Return the value of an option that is not repeated. Raises ArgumentTypeError."""
    is_word = option.is_switch or (option.bare and text.strip().lower() in (*YES, *NO))
    return switch(text) if is_word else option.check(text)


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return a sentence for each variable that looks like one of ours, and is none."""
    known = {NSEC, *(name for option in OPTIONS.values() for name in option.variables)}
    return [
        f"{name} (environment) means nothing here{did_you_mean(name.removeprefix(PREFIX), tuple(KEPT), PREFIX)}"
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in known
    ]


# --- The file -------------------------------------------------------------------------------------


def _from_default_file() -> dict[str, Held]:
    from py_peer.frontends.places import config_file  # noqa: PLC0415 - not needed where a file is named

    return _from_file(config_file())


def _from_file(path: Path, named: str = "") -> dict[str, Held]:
    """Return what stands in a file, checked; `named` is the flag or the variable that names it."""
    if path == Path(os.devnull):
        return {}
    from py_peer.net.private_files import UnfitFileError, cause, read_private  # noqa: PLC0415 - not for --help

    try:
        data = read_private(path, MAX_FILE_BYTES)
    except (FileNotFoundError, NotADirectoryError) as error:
        if not named:
            return {}
        msg = f"{path}, which {named} names, is not there: correct the name, or make the file"
        raise ConfigurationError(msg) from error
    except UnfitFileError as error:
        msg = f"{path} is no configuration of py-peer: it {error}; --config names another file"
        raise ConfigurationError(msg) from error
    except (OSError, ValueError) as error:
        msg = f"{path} cannot be read: {cause(error)}; --config names another file"
        raise ConfigurationError(msg) from error
    import tomllib  # noqa: PLC0415 - few have a configuration

    try:
        table = tomllib.loads(data.decode("utf-8-sig"))  # some editors begin a file with a mark
    except UnicodeDecodeError as error:
        msg = f"{path} is not TOML: byte {error.start} is no UTF-8; save the file as UTF-8"
        raise ConfigurationError(msg) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        msg = f"{path} is not TOML: {error}; a line of it looks like: port = 4001"
        raise ConfigurationError(msg) from error
    return {key: _from_key(path, key, value) for key, value in table.items()}


def _from_key(path: Path, key: str, value: Any) -> Held:
    option = KEPT.get(key)
    if option is None:
        keys = tuple(KEPT)
        advice = did_you_mean(key.replace("-", "_"), keys) or f"; the keys are {', '.join(keys)}"
        msg = f"{path}: {key[:40]!r} is not a key of the configuration{advice}"
        raise ConfigurationError(msg)
    try:
        if not option.many:
            return Held(_checked(option, value, path), Source.FILE, str(path))
        return Held(tuple(_checked(option, part, path) for part in _parts(value)), Source.FILE, str(path))
    except ArgumentTypeError as error:
        msg = f"{path}: key {key!r}: {error}"
        raise ConfigurationError(msg) from error


def _parts(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    msg = 'it is a list of texts, like ["one", "two"]'
    raise ArgumentTypeError(msg)


def _checked(option: Option, value: Any, path: Path) -> Any:
    if option.bare and isinstance(value, bool):
        return value
    wanted = (int, float) if option.kind is float else option.kind
    if not isinstance(value, wanted) or (isinstance(value, bool) and option.kind is not bool):
        shown = str(value)[:40]
        msg = f"{shown!r} is not {_KINDS[option.kind]}{' or true' * option.bare}"
        raise ArgumentTypeError(msg)
    if option.is_switch:
        return value
    checked = option.check(str(value))
    # The working directory may be another one each time; a key that comes and goes with it would be a trap.
    return str(path.parent / checked) if option.is_file or option.is_folder else checked


# --- What holds -----------------------------------------------------------------------------------


def printed(held: Mapping[str, Held]) -> str:
    """Return what holds as a configuration file, each line with where it comes from."""
    from py_peer.frontends.places import config_file, data_folder, state_folder  # noqa: PLC0415 - needed only now

    config = Path(held["config"].value or config_file())
    head = (
        f"# configuration: {config}{'' if config.exists() else ' (there is none)'}\n"
        f"# key and other data: {data_folder()}\n"
        f"# reports on crashes: {state_folder()}\n"
    )
    # Read back it would be beside the configuration, and not where the flag or the variable meant it.
    values = {
        name: str(Path(held[name].value).absolute())
        if (option.is_file or option.is_folder) and held[name].value
        else held[name].value
        for name, option in KEPT.items()
    }
    rows = [(_line(option, values[name]), held[name].origin) for name, option in KEPT.items()]
    width = min(MAX_COLUMN, max(len(line) for line, _ in rows))
    return head + "".join(f"{line:<{width}}  # {origin}\n" for line, origin in rows)


def _line(option: Option, value: Any) -> str:
    if value is None or value == "":
        return f"# {option.name} ="
    return f"{option.name} = {_toml(value)}"


def _toml(value: Any) -> str:
    import json  # noqa: PLC0415 - needed only now

    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case float():
            return f"{value:g}" if value != int(value) else str(int(value))
        case (str() as host, int() as port):
            return _toml(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        case tuple():
            return f"[{', '.join(_toml(part) for part in value)}]"
        case _:
            # A text of JSON is one of TOML; bytes that are no UTF-8 can be written in neither.
            text = json.dumps(str(value).encode(errors="replace").decode(), ensure_ascii=False)
            return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in text)
