"""A server's TLS context: which certificate it shows to whom, and what it asks of clients."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL, crypto

from siptls.certificate import Certificate
from siptls.certificate_choice import CertificateChoice
from siptls.errors import InvalidCertificate, InvalidPolicy

from ..errors import InvalidPem
from ..pem import certificates_from_pem
from .session import Heard, TlsSession, server_name

_Key: TypeAlias = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey | Ed448PrivateKey
Version: TypeAlias = Literal["TLSv1.2", "TLSv1.3"]

_VERSIONS: Final[dict[str, int]] = {"TLSv1.2": SSL.TLS1_2_VERSION, "TLSv1.3": SSL.TLS1_3_VERSION}
_SESSION_ID: Final = b"siptls"


class ServerCertificate:
    """A certificate of the server itself, with its private key and the certificates of its issuers.

    Args:
        chain_file: PEM, the server's own certificate first, then its issuers; the root may be left out.
        key_file: PEM, the private key.
        password: of the private key, or None if it is not encrypted.

    Raises:
        InvalidPem: a file cannot be read, or the two do not belong together; with the file.

    Attributes:
        certificate: the server's own certificate.
    """

    __slots__ = ("_chain", "_key", "certificate", "chain_file", "key_file")

    def __init__(
        self,
        chain_file: str | os.PathLike[str],
        key_file: str | os.PathLike[str],
        *,
        password: str | None = None,
    ) -> None:
        self.chain_file: Final = os.fspath(chain_file)
        self.key_file: Final = os.fspath(key_file)
        chain = certificates_from_pem(self.chain_file)
        self.certificate: Final = Certificate(chain[0])
        try:
            CertificateChoice((), default=self.certificate)
            self._chain = [x509.load_der_x509_certificate(each) for each in chain]
        except (InvalidCertificate, ValueError) as error:
            raise InvalidPem(self.chain_file, None, f"a certificate that cannot be read ({error})") from error
        self._key = _private_key(self.key_file, password)
        self.load_into(SSL.Context(SSL.TLS_SERVER_METHOD))

    def load_into(self, context: SSL.Context) -> None:
        """Load the certificates and the key.

        Args:
            context: where to.

        Raises:
            InvalidPem: the TLS library cannot use them, or they do not belong together.
        """
        own, *issuers = self._chain
        try:
            context.use_certificate(own)
            for each in issuers:
                context.add_extra_chain_cert(each)
        except SSL.Error as error:
            raise InvalidPem(self.chain_file, None, f"a certificate that TLS cannot use ({error})") from error
        try:
            context.use_privatekey(self._key)
            context.check_privatekey()
        except (SSL.Error, TypeError) as error:
            raise InvalidPem(self.key_file, None, "not the key of the certificate") from error

    def __repr__(self) -> str:
        return f"<ServerCertificate {self.chain_file!r}>"


def _private_key(file: str, password: str | None) -> _Key:
    try:
        octets = Path(file).read_bytes()
    except OSError as error:
        raise InvalidPem(file, None, error.strerror or str(error)) from error
    try:
        key = load_pem_private_key(octets, None if password is None else password.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidPem(file, None, f"no private key in PEM that can be read ({error})") from error
    if not isinstance(key, _Key):
        raise InvalidPem(file, None, "a key of a kind that TLS does not use")
    return key


class _Shown:
    """The certificates that are shown at a time."""

    __slots__ = ("_choice", "_contexts")

    def __init__(self, choice: CertificateChoice, contexts: dict[bytes, SSL.Context]) -> None:
        self._choice = choice
        self._contexts = contexts

    def to(self, asked: str | None) -> SSL.Context:
        """Return the context with the certificate for who asks for this name."""
        return self._contexts[self._choice.choose(asked).der]


class ServerContext:
    """What TLS connections of a server have in common; `server_context` makes it.

    It may be used by several event loops and threads at the same time.
    """

    __slots__ = ("_ask", "_oldest", "_shown")

    def __init__(
        self, default: ServerCertificate, certificates: Iterable[ServerCertificate], *, ask: bool, oldest: Version
    ) -> None:
        if oldest not in _VERSIONS:
            raise InvalidPolicy("oldest", oldest, "TLSv1.2 or TLSv1.3")
        self._ask = ask
        self._oldest: Version = oldest
        self.renew(default, certificates)

    def renew(self, default: ServerCertificate, certificates: Iterable[ServerCertificate] = ()) -> None:
        """Show other certificates from now on; handshakes that have begun go on with the old ones.

        Args:
            default: as for `server_context`.
            certificates: as for `server_context`.
        """
        own = tuple(certificates)
        choice = CertificateChoice([each.certificate for each in own], default=default.certificate)
        self._shown = _Shown(choice, {each.certificate.der: self._context(each) for each in (*own, default)})

    def session(self) -> TlsSession:
        """Begin the server's side of a TLS connection."""
        heard, shown = Heard(), self._shown
        tls = SSL.Connection(shown.to(None), None)
        tls.set_app_data((heard, shown))
        tls.set_accept_state()
        return TlsSession(tls, heard)

    def _context(self, certificate: ServerCertificate) -> SSL.Context:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(_VERSIONS[self._oldest])
        context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_session_id(_SESSION_ID)  # without one, OpenSSL breaks off where a client tries to resume
        context.set_verify(SSL.VERIFY_PEER if self._ask else SSL.VERIFY_NONE, _taken)
        context.set_verify_depth(0)  # what OpenSSL would build a path for is not its affair, and costs time
        context.set_tlsext_servername_callback(_choose)
        certificate.load_into(context)
        return context


def server_context(
    default: ServerCertificate,
    certificates: Iterable[ServerCertificate] = (),
    *,
    ask: bool = True,
    oldest: Version = "TLSv1.2",
) -> ServerContext:
    """Make the TLS context of a server.

    It asks each client for a certificate and takes whatever comes, since `siptls.Inbound` is the judge of it: all that
    TLS proves is that the client holds the key. Every connection is a handshake of its own, since a resumed session
    presents no certificate (A-26). TLS 1.2 tickets are not handed out, and those of TLS 1.3, which the TLS library
    cannot be told to leave out, stand for sessions that nobody keeps.

    Args:
        default: what is shown to a client that sends no name, or one that no certificate holds. Best it has all SIP
            domains in its subjectAltName, and the host as its common name.
        certificates: the others, the preferred first: those of the hosts, for clients that follow SRV and DANE, and
            those of the SIP domains, for clients that know RFC 5922 only. `siptls.certificate_choice` tells which one
            is chosen.
        ask: whether to ask clients for a certificate (RFC 5922 section 7.4, RFC 5923 section 9.2). Without one no
            client is ever authenticated.
        oldest: the oldest version of TLS that is spoken. Clients that are authenticated by their own TLSA records need
            TLS 1.3.

    Returns:
        The context.

    Raises:
        InvalidPolicy: ``oldest`` is none of the two.

    Source: RFC 3261 section 26.3.1, RFC 8996, RFC 6066 section 3, RFC 7671 section 3.
    """
    return ServerContext(default, certificates, ask=ask, oldest=oldest)


def _taken(tls: SSL.Connection, _certificate: crypto.X509, _error: int, _depth: int, _good: int) -> bool:
    """Take any certificate; that there was one is all that is noted."""
    heard: Heard
    heard, _ = tls.get_app_data()
    heard.certificate = True
    return True


def _choose(tls: SSL.Connection) -> None:
    """Choose the certificate; this is called for every ClientHello, whether or not there is a name in it."""
    shown: _Shown
    _, shown = tls.get_app_data()
    context = shown.to(server_name(tls))
    if context is not tls.get_context():
        tls.set_context(context)
