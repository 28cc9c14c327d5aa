"""The user's certificate for WebSockets inside TLS: what is wrong with it is said, and a renewed one is taken.

Nothing of libp2p hangs on it: who is there is proved by a key. It is what a page of the Web needs to call us.

Pinned by tests/net/test_web_certificate.py.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, final

import trio
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from py_peer.core import limits
from py_peer.core.addresses import AddressError, parse_dial_address
from py_peer.net.private_files import UnfitFileError, cause, read_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

CERTIFICATE: Final = "--wss-cert"
KEY: Final = "--wss-key"


class WebCertificateError(Exception):
    """A certificate, or its key, that cannot be used; the text says which, why, and what to do."""


@final
class WebCertificate:
    """The certificate that is in its files now."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Read the files, which blocks. Raises WebCertificateError."""
        self._files = (certificate, key)
        self._stamps: Any = None
        self._look_again = 0.0
        self._doubt = self._fault = ""
        self._load()
        self._known = self.hosts, self.remark

    @property
    def remark(self) -> str:
        """What the user has to know about it now, or ""."""
        return self._fault or _remark(self._leaf, self._files[0], self.hosts)

    async def watch(self, on_hosts: Callable[[], None], tell: Callable[[str], None]) -> None:
        """Look at the files, and at the clock, also when nobody calls. Runs until cancelled.

        `on_hosts` is called when there are other hosts, and `tell` with a sentence when there is another remark.
        """
        while True:
            await trio.sleep(limits.CERTIFICATE_WATCH)
            await self.context()
            (hosts, remark), self._known = self._known, (self.hosts, self.remark)
            if self.hosts != hosts:
                on_hosts()
            if self._known[1] != remark:
                tell(self._known[1] or f"The certificate in {self._files[0]} is a good one again, and is used")

    async def context(self) -> ssl.SSLContext:
        """Return what TLS is answered with. When the files have become others, those are read."""
        if trio.current_time() >= self._look_again:
            self._look_again = trio.current_time() + limits.CERTIFICATE_INTERVAL
            await trio.to_thread.run_sync(self._look)
        return self._context

    def _look(self) -> None:
        doubt, self._doubt = self._doubt, ""
        try:
            if self._read_stamps() != self._stamps:
                self._load()
        except (WebCertificateError, OSError) as error:
            self._doubt = f"The certificate before holds, for the one that is there now cannot be used: {error}"
        self._fault = self._doubt if doubt else ""  # at the first look it may be half written

    def _read_stamps(self) -> Any:
        status = [path.stat() for path in self._files]
        return [(one.st_mtime_ns, one.st_size, one.st_ino) for one in status]

    def _load(self) -> None:
        chain, key = (_read(path, option) for path, option in zip(self._files, (CERTIFICATE, KEY), strict=True))
        stamps = self._read_stamps()
        leaf = _certificate(chain, self._files[0])
        if _public(_key(key, self._files[1])) != _public(leaf):
            msg = f"{KEY}: the key in {self._files[1]} belongs to another certificate than that in {self._files[0]}"
            raise WebCertificateError(msg)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.options |= ssl.OP_NO_RENEGOTIATION
        try:
            context.load_cert_chain(*self._files)
        except (ssl.SSLError, OSError) as error:
            msg = f"{CERTIFICATE}: {self._files[0]} cannot be used: {getattr(error, 'reason', '') or cause(error)}"
            raise WebCertificateError(msg) from error
        self._context, self._stamps, self._leaf = context, stamps, leaf
        self.hosts = tuple(islice(_hosts(leaf), limits.CERTIFICATE_HOSTS))
        """The hosts that it holds for, like /dns/peer.example, the first of them."""


def _read(path: Path, option: str) -> bytes:
    try:
        return read_private(path, limits.MAX_CERTIFICATE_FILE)
    except FileNotFoundError as error:
        msg = f"{option}: {path} is not there; correct the name, or make the file"
        raise WebCertificateError(msg) from error
    except UnfitFileError as error:
        msg = f"{option}: {path} {error}"
        raise WebCertificateError(msg) from error
    except OSError as error:
        msg = f"{option}: {path} cannot be read: {cause(error)}"
        raise WebCertificateError(msg) from error


def _certificate(data: bytes, path: Path) -> x509.Certificate:
    """Return the first certificate of a file: those behind it vouch for it."""
    try:
        return x509.load_pem_x509_certificates(data)[0]
    except ValueError as error:
        msg = f"{CERTIFICATE}: {path} is no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----"
        raise WebCertificateError(msg) from error


def _key(data: bytes, path: Path) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(data, None)
    except TypeError as error:
        msg = f"{KEY}: {path} is locked with a password; unlock it: openssl pkey -in {path} -out OTHER"
        raise WebCertificateError(msg) from error
    except Exception as error:  # the libraries of the kinds of keys raise what they like
        msg = f"{KEY}: {path} is no private key in PEM, which begins with -----BEGIN PRIVATE KEY-----"
        raise WebCertificateError(msg) from error


def _public(one: Any) -> bytes:
    """Return the public key of a key or a certificate."""
    data: bytes = one.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return data


def _hosts(leaf: x509.Certificate) -> Iterator[str]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return
    found = [f"/dns/{name}" for name in names.get_values_for_type(x509.DNSName)]
    found += [f"/ip{ip.version}/{ip}" for ip in names.get_values_for_type(x509.IPAddress)]
    for host in found:
        with suppress(AddressError):  # a * stands for names that nobody here knows
            parse_dial_address(f"{host}/tcp/1")
            yield host


def _remark(leaf: x509.Certificate, path: Path, hosts: Sequence[str]) -> str:
    now, begin, end = datetime.now(UTC), leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if now > end:
        return f"The certificate in {path} has expired on {end:%Y-%m-%d}, and browsers refuse it; renew it"
    if now < begin:
        return f"The certificate in {path} is not valid before {begin:%Y-%m-%d}, and browsers refuse it until then"
    if not hosts:
        return f"The certificate in {path} names no host that others could be told; tell them with --announce"
    return ""
