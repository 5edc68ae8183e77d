"""The client's side of TLS, with the judgement left to the core: contexts, presented chains, and what went wrong.

The TLS library proves that the peer holds the key of the certificate that it presents. Whether that certificate is any
good is not asked here, and no application data may be sent before a verdict says so.
"""

from __future__ import annotations

import errno
import os
import re
import ssl
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Final, Protocol, TypeAlias, cast

from siptls.events import TlsFacts
from siptls.names import domain as checked_domain
from siptls.names import fold

from .a_labels import host_to_a_labels
from .errors import InvalidPem
from .handshake import Handshake, watch

TlsObject: TypeAlias = ssl.SSLSocket | ssl.SSLObject

_DETAIL = 200
_SHOWN = 40
"""How many octets of a clear-text greeting are shown."""


class ClientCertificate:
    """The certificate with which we answer a server that asks for one.

    It reaches the server before the server is judged: whoever answers at the address learns who we are. Therefore it
    can be limited to the domains that may know.

    Args:
        chain_file: PEM, our certificate first, then its issuers.
        key_file: PEM, the private key.
        domains: the SIP domains, as in a URI's host, that are shown it; None for all. They may hold U-labels.
        password: of the private key, or None if it is not encrypted.

    Raises:
        InvalidPem: a file cannot be read, or the two do not belong together; with the file.
        InvalidName: one of the domains is none.
    """

    __slots__ = ("chain_file", "domains", "key_file", "password")

    def __init__(
        self,
        chain_file: str | os.PathLike[str],
        key_file: str | os.PathLike[str],
        domains: Iterable[str] | None = None,
        *,
        password: str | None = None,
    ) -> None:
        self.chain_file: Final = os.fspath(chain_file)
        self.key_file: Final = os.fspath(key_file)
        self.domains: Final = (
            None if domains is None else frozenset([checked_domain(host_to_a_labels(domain)) for domain in domains])
        )
        self.password: Final = password
        for file in (self.chain_file, self.key_file):
            try:
                Path(file).read_bytes()
            except OSError as error:
                raise InvalidPem(file, None, error.strerror or str(error)) from error
        self.load_into(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    def may_be_shown_to(self, domain: str) -> bool:
        """Say whether a SIP domain may see the certificate."""
        return self.domains is None or fold(domain) in self.domains

    def load_into(self, context: ssl.SSLContext) -> None:
        """Load the certificate and its key.

        Args:
            context: where to.

        Raises:
            InvalidPem: the files are not what they should be.
        """
        try:
            # Without a password OpenSSL would ask for it at the terminal.
            context.load_cert_chain(self.chain_file, self.key_file, self.password or "")
        except ssl.SSLError as error:
            mismatch = error.reason == "KEY_VALUES_MISMATCH"
            problem = "not the key of the certificate" if mismatch else f"no certificate with key in PEM ({error})"
            raise InvalidPem(self.key_file if mismatch else self.chain_file, None, problem) from error
        except OSError as error:  # the files were there when this object was made
            raise InvalidPem(self.chain_file, None, error.strerror or str(error)) from error


def client_context(certificate: ClientCertificate | None = None) -> ssl.SSLContext:
    """Make a context for one connection attempt after another.

    Args:
        certificate: what is shown to a server that asks for a certificate.

    Returns:
        A context for TLS 1.2 and newer (RFC 8996) that judges nothing, resumes no session, since a resumed one presents
        no chain (A-26), and does not renegotiate, since the verdict is about the first handshake.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    if certificate is not None:
        certificate.load_into(context)
    watch(context)
    return context


class _Certificate(Protocol):
    def public_bytes(self, encoding: int, /) -> bytes: ...


_Chain: TypeAlias = Callable[[], "Sequence[_Certificate | bytes] | None"]
_DER = 2  # _ssl.ENCODING_DER


def _finder() -> Callable[[TlsObject], _Chain]:
    """Return what finds the method that gives the chain; public since Python 3.13, before that one level deeper.

    Raises:
        ImportError: this Python has neither.
    """
    probe = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="a")
    for path in ("get_unverified_chain", "_sslobj.get_unverified_chain"):
        find: Callable[[TlsObject], _Chain] = attrgetter(path)
        try:
            find(probe)
        except AttributeError:
            continue
        return find
    raise ImportError("this Python's ssl module cannot tell which certificates a peer presented")


_find_chain = _finder()


def presented_chain(tls: TlsObject) -> tuple[bytes, ...]:
    """Return the certificates that the peer presented.

    Args:
        tls: a session after its handshake; of an asyncio stream ``writer.get_extra_info("ssl_object")``.

    Returns:
        The certificates in DER as they came, the peer's own first; empty if there was none.
    """
    chain = _find_chain(tls)() or ()
    return tuple([each if isinstance(each, bytes) else each.public_bytes(_DER) for each in chain])


def tls_object(stream: object) -> TlsObject:
    """Return the TLS session of a ``trio.SSLStream``, which shows its own choice of it only."""
    return cast("TlsObject", attrgetter("_ssl_object")(stream))


def facts(tls: TlsObject, server_name: str | None, begun: Handshake | None = None) -> TlsFacts:
    """Return what is known of a session besides the certificates.

    Args:
        tls: a session after its handshake.
        server_name: the name that was sent in the server_name extension, or None.
        begun: what was heard during the handshake.

    Returns:
        The facts.
    """
    cipher = tls.cipher()
    asked = None if begun is None else begun.certificate_asked
    return TlsFacts(tls.version() or "", cipher[0] if cipher else "", server_name, asked)


# What OpenSSL says of octets that are no TLS record.
_NO_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}
)
_ALERT = re.compile(r"(?:SSLV3_ALERT|TLSV1(?:_ALERT)?|TLSV13_ALERT)_(\w+)")
# How servers put it that they want a certificate and got none; before TLS 1.3 there is no alert of its own for that.
# A decode_error is what GnuTLS makes of it.
_WANTED = frozenset(
    {"handshake_failure", "no_certificate", "bad_certificate", "certificate_unknown", "access_denied", "decode_error"}
)
_UNREACHABLE = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
    | {errno.EACCES, errno.EPERM}  # a firewall on this machine
)


def failure(error: Exception, begun: Handshake | None = None) -> tuple[str, str]:
    """Say what an error of a connection means.

    Args:
        error: an `OSError`, among them `ssl.SSLError`, or an `EOFError`; or an exception that has one as its cause.
        begun: what was heard during the handshake; None if nobody listened.

    Returns:
        A code of the catalogue that begins with ``net.`` or ``tls.``, and a detail, which is hostile text.
    """
    told = isinstance(error, EOFError | ssl.SSLError) or (isinstance(error, OSError) and error.errno is not None)
    if not told and isinstance(error.__cause__, Exception):
        return failure(error.__cause__, begun)  # how trio and anyio put it
    if begun is not None and begun.alert is not None:
        return _refusal(begun.alert, begun)
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return _tls_failure(error, begun)
    # Event loops have texts of their own; equal worlds shall give equal reports.
    detail = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    if isinstance(error, ssl.SSLError | EOFError):
        return "net.closed", "the peer closed the connection"
    if isinstance(error, ConnectionResetError) and error.errno is None:
        return "net.closed", "the peer closed the connection"  # how asyncio puts it
    if isinstance(error, ConnectionRefusedError):
        return "net.refused", detail
    if isinstance(error, TimeoutError):
        return "net.timeout", detail or "no answer in time"
    if isinstance(error, ConnectionError):
        return "net.reset", detail
    if isinstance(error, OSError) and error.errno in _UNREACHABLE:
        return "net.unreachable", detail
    return "net.unreachable" if isinstance(error, OSError) else "tls.handshake", detail[:_DETAIL]


def _tls_failure(error: ssl.SSLError, begun: Handshake | None) -> tuple[str, str]:
    reason: str = getattr(error, "reason", None) or ""  # there is none on errors that Python makes itself
    if alert := _ALERT.fullmatch(reason):
        return _refusal(alert[1].lower(), begun)
    if reason in _NO_TLS:
        if begun is None or not begun.first_octets:
            return "tls.plain-sip", "the peer does not speak TLS"
        shown = begun.first_octets[:_SHOWN]
        if _is_text(shown):
            return "tls.plain-sip", f"the peer sent: {shown.decode('ascii')}"
        return "tls.handshake", f"the peer does not speak TLS, it sent {shown[:16].hex()}"
    return "tls.handshake", (reason.lower().replace("_", " ") or str(error))[:_DETAIL]


def _refusal(alert: str, begun: Handshake | None) -> tuple[str, str]:
    """Say what an alert means, given what was asked for and shown before."""
    asked = begun is not None and begun.certificate_asked and not begun.certificate_shown
    if alert != "certificate_required" and not (asked and alert in _WANTED):
        return "tls.alert", f"alert {alert}"
    takes = "" if begun is None else "; ".join(begun.certificate_authorities)
    return "tls.client-cert-required", f"alert {alert}; it takes certificates of {takes}" if takes else f"alert {alert}"


def _is_text(octets: bytes) -> bool:
    return octets.isascii() and octets.replace(b"\r", b"").replace(b"\n", b"").decode("ascii").isprintable()
