from __future__ import annotations

import errno
import socket
import ssl
from pathlib import Path

import pytest

from loopback_tls import CURRENT, LoopbackServer, server_context, tls
from pki import Issued, Issuer
from siptls.errors import InvalidName
from siptls_io.errors import InvalidPem
from siptls_io.handshake import Handshake
from siptls_io.tls import ClientCertificate, client_context, facts, failure, presented_chain

ROOT = Issuer.root(**CURRENT)
LEAF = ROOT.intermediate(**CURRENT).leaf(uris=["sip:example.com"], **CURRENT)


def files(folder: Path, issued: Issued, name: str = "client") -> tuple[Path, Path]:
    chain, key = folder / f"{name}.pem", folder / f"{name}.key"
    chain.write_bytes(issued.presented_pem)
    key.write_bytes(issued.key_pem)
    return chain, key


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.req("R7671-3-1", "R6066-3-1")
def test_the_whole_chain_is_seen_as_it_was_sent_by_sockets_and_by_memory_bios(newest: ssl.TLSVersion) -> None:
    with LoopbackServer(tls(server_context(LEAF, newest=newest))) as server:
        connection = socket.create_connection((server.address, server.port))
        with client_context().wrap_socket(connection, server_hostname="example.com") as stream:
            assert presented_chain(stream) == LEAF.presented
            assert len(LEAF.presented) == 2
            known = facts(stream, "example.com")
        assert server.only().server_name == "example.com"
    assert known.version == ("TLSv1.2" if newest is ssl.TLSVersion.TLSv1_2 else "TLSv1.3")
    assert known.cipher
    assert known.server_name == "example.com"
    assert known.certificate_asked is None


def test_a_session_without_a_handshake_presents_nothing() -> None:
    session = client_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="example.com")
    assert presented_chain(session) == ()
    assert facts(session, None).version == ""


@pytest.mark.req("R7671-3-1")
def test_contexts_are_for_tls_1_2_and_newer_and_judge_and_resume_nothing() -> None:
    context = client_context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_NONE
    assert not context.check_hostname
    for option in (ssl.OP_NO_TICKET, ssl.OP_NO_RENEGOTIATION, ssl.OP_NO_COMPRESSION):
        assert context.options & option
    assert not any("NULL" in str(cipher["name"]) or "ADH" in str(cipher["name"]) for cipher in context.get_ciphers())


def ssl_error(reason: str, kind: type[ssl.SSLError] = ssl.SSLError) -> ssl.SSLError:
    error = kind(1, f"[SSL: {reason}] something (_ssl.c:1006)")
    error.reason = reason
    return error


NO_TLS = ssl_error("WRONG_VERSION_NUMBER")


@pytest.mark.parametrize(
    ("error", "first_octets", "code", "detail"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), None, "net.refused", "Connection refused"),
        (OSError(errno.ECONNREFUSED, "Connect call failed"), None, "net.refused", "Connection refused"),
        (TimeoutError(), None, "net.timeout", "no answer in time"),
        (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), None, "net.timeout", "Connection timed out"),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), None, "net.reset", "Connection reset"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), None, "net.reset", "Broken pipe"),
        (ConnectionAbortedError(errno.ECONNABORTED, "Aborted"), None, "net.reset", "connection abort"),
        (ConnectionResetError(), None, "net.closed", "closed the connection"),
        (ssl_error("UNEXPECTED_EOF_WHILE_READING", ssl.SSLEOFError), None, "net.closed", "closed the connection"),
        (ssl_error("ZERO_RETURN", ssl.SSLZeroReturnError), None, "net.closed", "closed the connection"),
        (EOFError(), None, "net.closed", "closed the connection"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), None, "net.unreachable", "Network is unreachable"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), None, "net.unreachable", "No route to host"),
        (PermissionError(errno.EACCES, "Permission denied"), None, "net.unreachable", "Permission denied"),
        (OSError(errno.EMFILE, "Too many open files"), None, "net.unreachable", "Too many open files"),
        (ssl_error("SSLV3_ALERT_HANDSHAKE_FAILURE"), None, "tls.alert", "alert handshake_failure"),
        (ssl_error("TLSV1_ALERT_UNKNOWN_CA"), None, "tls.alert", "alert unknown_ca"),
        (ssl_error("TLSV1_ALERT_PROTOCOL_VERSION"), None, "tls.alert", "alert protocol_version"),
        (ssl_error("TLSV13_ALERT_CERTIFICATE_REQUIRED"), None, "tls.client-cert-required", "certificate_required"),
        (ssl_error("TLSV1_UNRECOGNIZED_NAME"), None, "tls.alert", "alert unrecognized_name"),
        (ssl_error("HTTPS_PROXY_REQUEST"), b"CONNECT me", "tls.plain-sip", "CONNECT me"),
        (NO_TLS, None, "tls.plain-sip", "does not speak TLS"),
        (NO_TLS, b"SIP/2.0 400 Bad Request\r\nVia: x", "tls.plain-sip", "SIP/2.0 400 Bad Request"),
        (NO_TLS, b"220 mail.example.com ESMTP\r\n", "tls.plain-sip", "220 mail.example.com ESMTP"),
        (NO_TLS, b"\0\1\2" + b"x" * 60, "tls.handshake", "000102787878"),
        (NO_TLS, b"\x1b[2J evil", "tls.handshake", "1b5b324a"),
        (ssl_error("UNEXPECTED_MESSAGE"), b"\x16\3\3", "tls.handshake", "unexpected message"),
        (ssl_error("EXCESSIVE_MESSAGE_SIZE"), b"\x16\3\3", "tls.handshake", "excessive message size"),
        (ssl.SSLError(1, "something else"), None, "tls.handshake", "something else"),
        (ValueError("server_hostname cannot be an empty string"), None, "tls.handshake", "cannot be an empty"),
    ],
)  # fmt: skip
def test_what_went_wrong_has_a_code(error: Exception, first_octets: bytes | None, code: str, detail: str) -> None:
    found = failure(error, None if first_octets is None else begun(first_octets))
    assert found[0] == code
    assert detail in found[1]
    assert len(found[1]) <= 200


def test_of_a_clear_text_greeting_only_the_beginning_is_shown() -> None:
    code, detail = failure(NO_TLS, begun(b"x" * 64))
    assert (code, detail.count("x")) == ("tls.plain-sip", 40)


ASKED = bytes([13, 0, 0, 6, 1, 64, 0, 0, 0, 0])
"""A CertificateRequest of TLS 1.2 that names no authority."""


@pytest.mark.parametrize(
    "alert", ["HANDSHAKE_FAILURE", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN", "NO_CERTIFICATE", "DECODE_ERROR"]
)
def test_an_alert_is_a_demand_for_a_certificate_if_one_was_asked_for_and_none_shown(alert: str) -> None:
    error = ssl_error(f"SSLV3_ALERT_{alert}")
    heard = begun(b"")
    assert failure(error, heard)[0] == "tls.alert"
    heard.saw("read", 13, ASKED, ssl.TLSVersion.TLSv1_2)
    heard.saw("write", 11, bytes([11, 0, 0, 3, 0, 0, 0]), ssl.TLSVersion.TLSv1_2)
    assert failure(error, heard) == ("tls.client-cert-required", f"alert {alert.lower()}")
    assert failure(ssl_error("TLSV1_ALERT_PROTOCOL_VERSION"), heard)[0] == "tls.alert"
    heard.saw("write", 11, bytes([11, 0, 0, 6, 0, 0, 3]) + b"any", ssl.TLSVersion.TLSv1_2)
    assert failure(error, heard) == ("tls.alert", f"alert {alert.lower()}")


def begun(first_octets: bytes) -> Handshake:
    """A handshake in which the peer sent this first."""
    made = Handshake()
    made.noted(first_octets)
    return made


# Our own certificate.


def test_a_client_certificate_is_shown_to_everybody_or_to_the_listed_domains(tmp_path: Path) -> None:
    chain, key = files(tmp_path, LEAF)
    assert ClientCertificate(chain, key).may_be_shown_to("example.com")
    listed = ClientCertificate(chain, key, ["Example.COM.", "example.net"])
    assert listed.may_be_shown_to("example.com")
    assert listed.may_be_shown_to("EXAMPLE.net.")
    assert not listed.may_be_shown_to("www.example.com")
    assert not ClientCertificate(chain, key, []).may_be_shown_to("example.com")
    with pytest.raises(InvalidName):
        ClientCertificate(chain, key, ["sip:example.com"])


def test_files_that_are_no_client_certificate_are_refused_by_name(tmp_path: Path) -> None:
    chain, key = files(tmp_path, LEAF)
    other_chain, other_key = files(tmp_path, ROOT.leaf(cn="other", **CURRENT), "other")
    junk = tmp_path / "junk"
    junk.write_bytes(b"junk")
    missing = tmp_path / "missing"
    for chain_file, key_file, blamed, problem in (
        (missing, key, missing, "No such file"),
        (chain, missing, missing, "No such file"),
        (tmp_path, key, tmp_path, "Is a directory"),
        (chain, other_key, other_key, "not the key of the certificate"),
        (junk, key, junk, "no certificate with key in PEM"),
        (chain, junk, chain, "no certificate with key in PEM"),
    ):
        with pytest.raises(InvalidPem, match=problem) as raised:
            ClientCertificate(chain_file, key_file)
        assert raised.value.file == str(blamed)
    ClientCertificate(other_chain, other_key)


def test_a_client_certificate_that_vanished_is_the_callers_mistake(tmp_path: Path) -> None:
    chain, key = files(tmp_path, LEAF)
    ours = ClientCertificate(chain, key)
    chain.unlink()
    with pytest.raises(InvalidPem, match="No such file"):
        client_context(ours)


def test_an_encrypted_key_needs_its_password_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    chain, key = files(tmp_path, LEAF)
    key.write_bytes(LEAF.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    ClientCertificate(chain, key, password="secret")  # noqa: S106 - of a key that lives for this test
    with pytest.raises(InvalidPem):
        ClientCertificate(chain, key)
    with pytest.raises(InvalidPem):
        ClientCertificate(chain, key, password="wrong")  # noqa: S106 - no password at all
