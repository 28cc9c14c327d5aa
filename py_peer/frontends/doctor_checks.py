"""What `py-peer doctor` looks at. A check takes the arguments of the chat and gives what it finds.

Checks open sockets and files, but leave nothing behind, and send nothing but mDNS's question.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
import stat
import sys
import tempfile
import time
from importlib import import_module, metadata
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING, Final

from py_peer.core.limits import MAX_CONNECTIONS, REMEMBERED_BYTES
from py_peer.frontends import places
from py_peer.frontends.doctor import Finding, failure, ok, warning
from py_peer.frontends.doctor_mdns import check_mdns
from py_peer.frontends.doctor_nostr import check_nostr
from py_peer.frontends.options import OPTIONS
from py_peer.frontends.screen import knows_cursor_moves
from py_peer.net.release import ADVICE, CHECKED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from py_peer.frontends.arguments import Arguments

OLDEST_PYTHON: Final = (3, 11)
NEWEST_PYTHON: Final = (3, 13)
COMPILED: Final = ("coincurve", "fastecdsa.curve", "cryptography", "google.protobuf")
"""Packages that are not Python alone: a wheel for another system breaks when it is imported."""

FIRST_YEAR: Final = 2026
"""No clock that is right shows an earlier one."""

LAST_YEAR: Final = 2100
CLOCK_SECONDS: Final = 0.1
CLOCK_SLIP: Final = 0.05

ENOUGH_FILES: Final = 2 * MAX_CONNECTIONS
"""Descriptors: one for each connection, and what Python and a terminal take."""

FEW_COLUMNS: Final = 40
FEW_ROWS: Final = 12


def check_python(_arguments: Arguments) -> Iterator[Finding]:
    """Which Python this is."""
    shown = f"{platform.python_implementation()} {platform.python_version()} on {platform.platform()}"
    if OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        yield ok("python", shown)
    else:
        yield warning("python", f"{shown} is not one that py-peer was tested with", "take Python 3.11, 3.12 or 3.13")


def check_packages(_arguments: Arguments) -> Iterator[Finding]:
    """Whether the packages are those that py-peer was tested with, and can be imported."""
    pins = _pins()
    others = [
        f"{name} {found or 'is missing'} instead of {pin}"
        for name, pin in ({"libp2p": CHECKED} | pins).items()
        if (found := _version(name)) != pin
    ]
    known = ", ".join(f"{name} {_version(name)}" for name in ("libp2p", "trio", "textual") if _version(name))
    if others:
        yield warning("packages", "; ".join(others), f"{ADVICE}; these versions are tested")
    else:
        yield ok("packages", f"{known}{', all as pinned' if pins else ''}")
    for name in COMPILED:
        try:
            import_module(name)
        except Exception as error:  # noqa: BLE001 - a broken extension raises what it likes
            yield failure("packages", f"{name} cannot be imported: {error}", "install py-peer again, on this machine")


def check_library(_arguments: Arguments) -> Iterator[Finding]:
    """Whether libp2p can be imported, and has been compiled to bytecode."""
    begun = time.monotonic()
    try:
        library = import_module("libp2p")
    except Exception as error:  # noqa: BLE001 - whatever it is, there is no chat
        yield failure("libp2p", f"it cannot be imported: {error}", ADVICE)
        return
    took = time.monotonic() - begun
    if library.__file__ and Path(cache_from_source(library.__file__)).exists():
        yield ok("libp2p", f"compiled, imported in {took:.1f} s")
    else:
        advice = f"{sys.executable} -m compileall -q {Path(str(library.__file__)).parent.parent}"
        yield warning("libp2p", f"not compiled: each start takes longer (the import took {took:.1f} s)", advice)


def check_listening(arguments: Arguments) -> Iterator[Finding]:
    """Whether it can be listened where that is wished."""
    from py_peer.core.listening import ANY_IP4, wished  # noqa: PLC0415 - not for --help
    from py_peer.net.listening import CannotListenError, TakenError, claim, without  # noqa: PLC0415 - imports libp2p

    for wish in wished(arguments.settings.transports):
        first, *others = wish.places
        over = "UDP" if first.is_udp else "TCP"
        at = "" if first.host == ANY_IP4 else f" of {first.host}"
        shown = f"{over} on {f'port {first.port}' if first.port else 'a free port'}{at}"
        try:
            claim(first, wish.option)
        except CannotListenError as error:
            reason, _, advice = str(error).partition("; ")
            yield failure("listening", reason, advice or f"choose another with {wish.option}")
            continue
        taken, lacking = [], ""
        for place in others:
            try:
                claim(place)
            except TakenError:
                taken.append(place)
            except CannotListenError as error:
                lacking = str(error).partition("; ")[0]
        if taken:
            yield warning("listening", f"{shown}, but {without(taken)}", f"choose another with {wish.option}")
        elif lacking:
            yield warning("listening", f"{shown}, on IPv4 alone: {lacking}", "peers with IPv6 alone cannot call you")
        else:
            quic = " and UDP (QUIC)" * any(one.is_udp != first.is_udp for one in others)
            yield ok("listening", f"{shown.replace('TCP', f'TCP{quic}', 1)}{', on IPv4 and IPv6' * bool(others)}")


def check_announced(arguments: Arguments) -> Iterator[Finding]:
    """Whether the addresses that others are to be told may lead here from the Internet."""
    from py_peer.core.addresses import parse_dial_address  # noqa: PLC0415 - not for --help
    from py_peer.core.hearsay import is_name  # noqa: PLC0415
    from py_peer.core.ranges import Kind, kind_of  # noqa: PLC0415

    for address in map(parse_dial_address, arguments.settings.transports.told):
        if not is_name(address) and (kind := kind_of(address.host)) is not Kind.PUBLIC:
            text = f"{address.text} is an address {kind.value}: nobody from elsewhere gets here by it"
            yield warning("announced", text, "with --announce tell a name, or the public address of your router")


def check_certificate(arguments: Arguments) -> Iterator[Finding]:
    """Whether WebSockets inside TLS can be answered with the certificate, if there is one."""
    if arguments.settings.transports.wss is None:
        return
    from py_peer.net.web_certificate import WebCertificate, WebCertificateError  # noqa: PLC0415 - few have one

    try:
        certificate = WebCertificate(*arguments.settings.transports.wss)
    except WebCertificateError as error:
        yield failure("certificate", str(error), "without --wss-cert and --wss-key the chat starts all the same")
    else:
        hosts = ", ".join(host.split("/")[2] for host in certificate.hosts)
        if certificate.remark:
            yield warning("certificate", certificate.remark, "renew it; a new one is taken without a new start")
        else:
            yield ok("certificate", f"holds for {hosts}")


def check_metrics(arguments: Arguments) -> Iterator[Finding]:
    """Whether statistics can be served where they are wanted."""
    from py_peer.core.listening import ListenAddress  # noqa: PLC0415 - not for --help
    from py_peer.net.listening import CannotListenError, claim  # noqa: PLC0415 - imports libp2p

    if arguments.settings.metrics is None:
        return
    host, port = arguments.settings.metrics
    shown = f"port {port} of {host}" if port else f"a free port of {host}"
    try:
        for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            claim(ListenAddress(str(address[0]), port))
    except (OSError, CannotListenError) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("; ")[0]
        yield failure("metrics", f"{shown}: {reason}", "with --metrics choose another, or leave it out")
    else:
        yield ok("metrics", f"served on {shown}")


def check_clock(_arguments: Arguments) -> Iterator[Finding]:
    """Whether the clock shows a time that can be, and goes as fast as time does."""
    wall, steady = time.time(), time.monotonic()
    time.sleep(CLOCK_SECONDS)
    slip = (time.time() - wall) - (time.monotonic() - steady)
    year = time.localtime().tm_year
    if not FIRST_YEAR <= year <= LAST_YEAR:
        yield failure("clock", f"it says that the year is {year}", "set the clock of this machine")
    elif abs(slip) > CLOCK_SLIP:
        yield warning(
            "clock", f"it has jumped by {slip:.2f} s just now", "times of messages may be out of order; let it settle"
        )
    else:
        yield ok("clock", time.strftime("%Y-%m-%d %H:%M:%S %z"))


def check_logs(arguments: Arguments) -> Iterator[Finding]:
    """Whether the logs can be written, and what is kept."""
    for path in [Path("system_messages.txt"), *([Path(arguments.log_file)] if arguments.log_file else [])]:
        if reason := _unwritable(path):
            advice = "start py-peer in a folder that is yours" if path.name == "system_messages.txt" else "name another"
            yield warning("log", f"{path} cannot be written: {reason}", advice)
        else:
            yield ok("log", f"{path} can be written")


def check_configuration(arguments: Arguments) -> Iterator[Finding]:
    """Whether what is kept can be used."""
    if arguments.fault:
        advice = "correct it; all else here is told of the flags and the defaults alone"
        yield failure("configuration", arguments.fault, advice)
        return
    config = Path(arguments.held["config"].value or places.config_file())
    yield ok("configuration", f"{config}{'' if config.exists() else ' (there is none; that is fine)'}")


def check_folders(_arguments: Arguments) -> Iterator[Finding]:
    """Whether the user's folders are there, or can be made, and are the user's alone."""
    for name, folder in (("data folder", places.data_folder()), ("state folder", places.state_folder())):
        if reason := _unwritable(folder / "probe"):
            there = _nearest(folder)
            advice = f"make it yours: chmod u+rwx {there}" if there.is_dir() else f"move {there} away: it is no folder"
            yield warning(name, f"{folder} cannot be written: {reason}", advice)
        elif folder.exists() and _open_to_others(folder, stat.S_IWGRP | stat.S_IWOTH):
            yield warning(name, f"others may write in {folder}", f"chmod 700 {folder}")
        else:
            yield ok(name, f"{folder}{'' if folder.exists() else ' (made when it is needed)'}")


def check_identity(arguments: Arguments) -> Iterator[Finding]:
    """Whether the key is there, and the user's alone."""
    from py_peer.net.identity import IdentityError, read_identity, seeded_identity  # noqa: PLC0415 - for this command alone

    path = arguments.settings.identity
    if (seed := arguments.settings.test_key) is not None:
        yield warning("identity", seeded_identity(seed).remark, "leave --secret-key-seed out, but for a test")
        return
    if path is None:
        yield ok("identity", "a new one for each run (--ephemeral)")
        return
    try:
        identity = read_identity(path)
    except FileNotFoundError:
        if not (reason := _unwritable(path)):
            yield ok("identity", f"{path} is made at the first start")
        elif arguments.settings.identity_named:
            yield failure("identity", f"{path} cannot be made: {reason}", "name another file with --identity")
        else:
            advice = "each run has a new peer ID, until the data folder is mended or --identity names another file"
            yield warning("identity", f"{path} cannot be made: {reason}", advice)
    except IdentityError as error:
        yield failure("identity", error.reason, error.advice)
    else:
        holder = _holder(identity.file or path)
        yield ok("identity", f"{identity.peer_id}, kept in {path}{f', in use by {holder}' * bool(holder)}")


def check_remembered(arguments: Arguments) -> Iterator[Finding]:
    """Whether the peers of earlier runs can be read."""
    from py_peer.core.remembered import Places, RememberedError  # noqa: PLC0415 - for this command alone
    from py_peer.net.kept_file import KeptFileError, read_kept  # noqa: PLC0415
    from py_peer.service.remembered import FILE  # noqa: PLC0415

    settings, name = arguments.settings, "remembered peers"
    if not settings.remember or settings.data is None:
        said = (arguments.held[word].origin for word in ("remember", "ephemeral") if _is_changed(arguments, word))
        yield ok(name, f"none, as {next(said)} says")
        return
    path = settings.data / FILE
    try:
        data = read_kept(path, REMEMBERED_BYTES)
        count = len(Places(data, time.time()).peers)
    except (KeptFileError, RememberedError) as error:
        yield warning(name, f"{path} {error}", "move it away; it is made anew when you have met somebody")
    else:
        yield ok(name, f"{count} in {path}" if data is not None else f"{path} is made when you have met somebody")


def check_terminal(_arguments: Arguments) -> Iterator[Finding]:
    """Whether the full screen would be readable."""
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    if encoding != "utf8":
        yield warning(
            "terminal",
            f"its characters are {sys.stdout.encoding}, not UTF-8",
            "set LANG=C.UTF-8, say; else some are shown as ?",
        )
    if not sys.stdout.isatty():
        yield ok("terminal", "standard output is none; --headless and pipes need none")
        return
    size = shutil.get_terminal_size()
    term = os.environ.get("TERM", "")
    if not knows_cursor_moves():
        yield warning(
            "terminal", f"TERM is {term!r}: it cannot place its cursor", "leave --ui out, or set TERM=xterm-256color"
        )
    elif size.columns < FEW_COLUMNS or size.lines < FEW_ROWS:
        yield warning(
            "terminal",
            f"it has {size.columns} columns and {size.lines} rows",
            f"--ui needs {FEW_COLUMNS} and {FEW_ROWS} to be of use",
        )
    else:
        yield ok("terminal", f"{size.columns} columns, {size.lines} rows, {_colours(term)} (TERM={term})")


def check_files(_arguments: Arguments) -> Iterator[Finding]:
    """Whether there can be as many connections as py-peer takes."""
    try:
        import resource  # noqa: PLC0415 - POSIX only
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < ENOUGH_FILES:
        room = "" if hard != resource.RLIM_INFINITY and hard < ENOUGH_FILES else f": ulimit -n {ENOUGH_FILES}"
        yield warning("open files", f"{soft} at once: fewer than {MAX_CONNECTIONS} peers", f"raise the limit{room}")
    else:
        yield ok("open files", "no limit" if soft == resource.RLIM_INFINITY else f"{soft} at once")


CHECKS: Final[dict[str, Callable[[Arguments], Iterator[Finding]]]] = {
    "configuration": check_configuration,
    "python": check_python,
    "packages": check_packages,
    "libp2p": check_library,
    "listening": check_listening,
    "announced": check_announced,
    "certificate": check_certificate,
    "metrics": check_metrics,
    "clock": check_clock,
    "log": check_logs,
    "folders": check_folders,
    "identity": check_identity,
    "nostr": check_nostr,
    "remembered peers": check_remembered,
    "mdns": check_mdns,
    "terminal": check_terminal,
    "open files": check_files,
}


def _is_changed(arguments: Arguments, switch: str) -> bool:
    return bool(arguments.held[switch].value != OPTIONS[switch].default)


def _holder(path: Path) -> str:
    """Return which process runs with a key, or ""; where none ever did there is no lock, and none is made."""
    from py_peer.net.private_files import TakenError, take_lock  # noqa: PLC0415 - for this command alone

    if Path(f"{path}.lock").exists():
        try:
            take_lock(path).release()
        except TakenError as error:
            return str(error)
        except OSError:  # it cannot be locked at all, which the chat says when it starts
            pass
    return ""


def _pins() -> dict[str, str]:
    """Return the versions that py-peer asks for; none where it runs from a folder and was never installed."""
    try:
        wanted = metadata.requires("py-peer") or []
    except metadata.PackageNotFoundError:
        return {}
    return {found[1]: found[2] for line in wanted if (found := re.match(r"([A-Za-z0-9_.-]+)==([^;\s]+)$", line))}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _unwritable(path: Path) -> str:
    """Return why a file cannot be written, or "". What would be made is not: its nearest folder is asked."""
    if path.exists():
        if not path.is_file():
            return "it is not a file"
        return "" if os.access(path, os.W_OK) else "it is write-protected"
    try:
        with tempfile.TemporaryFile(dir=_nearest(path)):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _nearest(path: Path) -> Path:
    """Return a path, or what of the folders above it is there."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


def _open_to_others(path: Path, modes: int) -> bool:
    return os.name == "posix" and bool(path.stat().st_mode & modes)


def _colours(term: str) -> str:
    if os.environ.get("NO_COLOR"):
        return "no colours (NO_COLOR)"
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "all colours"
    return "256 colours" if "256" in term else "16 colours"
