"""OpenSSL's own judgement of a chain, called in this process: PKIX and DANE, no connection, any time of day."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable, Sequence
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_size_t, c_uint8, c_ulong, c_void_p
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from siptls.policy import Digest

Record: TypeAlias = tuple[int, int, int, bytes]
"""Usage, selector, matching type and association data of a TLSA record."""

SSL_SERVER: Final = 2
ANY_PURPOSE: Final = 7
NO_WILDCARDS: Final = 0x2
NO_PARTIAL_WILDCARDS: Final = 0x4
NEVER_CHECK_SUBJECT: Final = 0x20
_PARTIAL_CHAIN: Final = 0x80000
_NO_DANE_EE_NAME_CHECKS: Final = 1
_PARSED_AT_MOST: Final = 5_000
_MATCHING: Final[dict[Digest, int]] = {"sha256": 1, "sha512": 2}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What OpenSSL is asked.

    Attributes:
        chain: what the peer sent in DER, its own certificate first.
        store: the trusted certificates in DER.
        records: the TLSA records.
        hosts: the names of which one must be in the certificate; none asks for no name.
        at: when the certificates must be valid.
        purpose: `SSL_SERVER` or `ANY_PURPOSE`.
        name_flags: `NO_WILDCARDS` and the like.
        names_with_dane_ee: whether names count where a record of usage 3 matches, as they do by default.
        partial: whether a certificate of the store ends a path though it does not sign itself.
        digests: which digests are known, the strongest first.
    """

    chain: tuple[bytes, ...]
    at: datetime
    store: tuple[bytes, ...] = ()
    records: tuple[Record, ...] = ()
    hosts: tuple[str, ...] = ()
    purpose: int = SSL_SERVER
    name_flags: int = 0
    names_with_dane_ee: bool = True
    partial: bool = False
    digests: tuple[Digest, ...] = ("sha512", "sha256")


@dataclass(frozen=True)
class Answered:
    """What OpenSSL says: whether it accepts, the usage of the record that matched, which records it took, and why."""

    accepted: bool
    usage: int | None
    usable: tuple[bool, ...]
    error: str


def crashes(asked: Asked) -> bool:
    """Whether OpenSSL 3.0 would read through a null pointer (seen with 3.0.19).

    It replaces a self-signed certificate of the peer by the same one of the store, has no certificate of the peer left,
    and then holds a bare key of DANE-TA against the last of those.
    """
    usages = {usage for usage, *_ in asked.records}
    bare = any(each[:3] == (2, 1, 0) for each in asked.records)
    return asked.chain[0] in asked.store and bare and not usages.isdisjoint({0, 1})


class LibSsl:
    """The system's libssl.

    Raises:
        OSError: there is none.
    """

    def __init__(self) -> None:
        ssl_name, crypto_name = ctypes.util.find_library("ssl"), ctypes.util.find_library("crypto")
        if ssl_name is None or crypto_name is None:
            raise OSError("no libssl on this machine")
        self._ssl, self._crypto = ctypes.CDLL(ssl_name), ctypes.CDLL(crypto_name)
        self._bind_connection()
        self._bind_verifier()
        self._contexts: dict[tuple[Digest, ...], int] = {}
        self._parsed: dict[bytes, int] = {}
        self.version: str = function(self._crypto, "OpenSSL_version", c_char_p, c_int)(0).decode("ascii")

    def _bind_connection(self) -> None:
        ssl, crypto = self._ssl, self._crypto
        self._method = function(ssl, "TLS_client_method", c_void_p)
        self._context_new = function(ssl, "SSL_CTX_new", c_void_p, c_void_p)
        self._context_dane = function(ssl, "SSL_CTX_dane_enable", c_int, c_void_p)
        self._digest = function(ssl, "SSL_CTX_dane_mtype_set", c_int, c_void_p, c_void_p, c_uint8, c_uint8)
        self._ssl_new = function(ssl, "SSL_new", c_void_p, c_void_p)
        self._ssl_free = function(ssl, "SSL_free", None, c_void_p)
        self._dane_enable = function(ssl, "SSL_dane_enable", c_int, c_void_p, c_char_p)
        self._dane_flags = function(ssl, "SSL_dane_set_flags", c_ulong, c_void_p, c_ulong)
        self._add = function(ssl, "SSL_dane_tlsa_add", c_int, c_void_p, *[c_uint8] * 3, c_char_p, c_size_t)
        self._dane = function(ssl, "SSL_get0_dane", c_void_p, c_void_p)
        self._authority = function(ssl, "SSL_get0_dane_authority", c_int, c_void_p, c_void_p, c_void_p)
        octet = POINTER(c_uint8)
        self._matched = function(ssl, "SSL_get0_dane_tlsa", c_int, c_void_p, *[octet] * 3, c_void_p, c_void_p)
        self._digests = {
            "sha256": function(crypto, "EVP_sha256", c_void_p),
            "sha512": function(crypto, "EVP_sha512", c_void_p),
        }

    def _bind_verifier(self) -> None:
        crypto = self._crypto
        self._decode = function(crypto, "d2i_X509", c_void_p, c_void_p, POINTER(c_char_p), c_long)
        self._free = function(crypto, "X509_free", None, c_void_p)
        self._stack_new = function(crypto, "OPENSSL_sk_new_null", c_void_p)
        self._push = function(crypto, "OPENSSL_sk_push", c_int, c_void_p, c_void_p)
        self._stack_free = function(crypto, "OPENSSL_sk_free", None, c_void_p)
        self._store_new = function(crypto, "X509_STORE_new", c_void_p)
        self._trust = function(crypto, "X509_STORE_add_cert", c_int, c_void_p, c_void_p)
        self._store_free = function(crypto, "X509_STORE_free", None, c_void_p)
        self._verifier_new = function(crypto, "X509_STORE_CTX_new", c_void_p)
        self._verifier_free = function(crypto, "X509_STORE_CTX_free", None, c_void_p)
        self._init = function(crypto, "X509_STORE_CTX_init", c_int, *[c_void_p] * 4)
        self._set_dane = function(crypto, "X509_STORE_CTX_set0_dane", None, c_void_p, c_void_p)
        self._parameters = function(crypto, "X509_STORE_CTX_get0_param", c_void_p, c_void_p)
        self._purpose = function(crypto, "X509_VERIFY_PARAM_set_purpose", c_int, c_void_p, c_int)
        self._time = function(crypto, "X509_VERIFY_PARAM_set_time", None, c_void_p, c_long)
        self._flags = function(crypto, "X509_VERIFY_PARAM_set_flags", c_int, c_void_p, c_ulong)
        self._host_flags = function(crypto, "X509_VERIFY_PARAM_set_hostflags", None, c_void_p, ctypes.c_uint)
        self._host = function(crypto, "X509_VERIFY_PARAM_add1_host", c_int, c_void_p, c_char_p, c_size_t)
        self._verify = function(crypto, "X509_verify_cert", c_int, c_void_p)
        self._error = function(crypto, "X509_STORE_CTX_get_error", c_int, c_void_p)
        self._text = function(crypto, "X509_verify_cert_error_string", c_char_p, c_long)
        self._clear = function(crypto, "ERR_clear_error", None)

    def ask(self, asked: Asked) -> Answered:
        """Judge a chain; not one that `crashes`."""
        assert not crashes(asked), "OpenSSL would end this process"
        self._room(len(asked.chain) + len(asked.store))
        connection = self._ssl_new(self._context(asked.digests))
        verifier, stack, store = self._verifier_new(), self._stack_new(), self._store_new()
        try:
            self._dane_enable(connection, b"unused.invalid")
            if not asked.names_with_dane_ee:
                self._dane_flags(connection, _NO_DANE_EE_NAME_CHECKS)
            usable = tuple([self._add(connection, *each, len(each[3])) == 1 for each in asked.records])
            for der in asked.chain:
                self._push(stack, self._certificate(der))
            for der in asked.store:
                self._trust(store, self._certificate(der))
            self._init(verifier, store, self._certificate(asked.chain[0]), stack)
            self._set_parameters(self._parameters(verifier), asked)
            self._set_dane(verifier, self._dane(connection))
            accepted = self._verify(verifier) == 1
            error = self._text(self._error(verifier)).decode("ascii")
            return Answered(accepted, self._usage(connection) if accepted else None, usable, error)
        finally:
            self._clear()
            self._verifier_free(verifier)
            self._store_free(store)
            self._stack_free(stack)
            self._ssl_free(connection)

    def _set_parameters(self, parameters: int, asked: Asked) -> None:
        self._purpose(parameters, asked.purpose)
        self._time(parameters, int(asked.at.timestamp()))
        self._host_flags(parameters, asked.name_flags)
        if asked.partial:
            self._flags(parameters, _PARTIAL_CHAIN)
        for host in asked.hosts:
            self._host(parameters, host.encode("ascii"), 0)

    def _usage(self, connection: int) -> int | None:
        if self._authority(connection, None, None) < 0:
            return None
        usage, selector, matching = c_uint8(), c_uint8(), c_uint8()
        self._matched(connection, byref(usage), byref(selector), byref(matching), None, None)
        return usage.value

    def _context(self, digests: tuple[Digest, ...]) -> int:
        """The strongest digest has the highest ordinal; one that is not wanted has no function."""
        context = self._contexts.get(digests)
        if context is None:
            context = self._context_new(self._method())
            assert self._context_dane(context) == 1
            for name, matching in _MATCHING.items():
                wanted = name in digests
                ordinal = len(digests) - digests.index(name) if wanted else 0
                assert self._digest(context, self._digests[name]() if wanted else None, matching, ordinal) == 1
            self._contexts[digests] = context
        return context

    def _certificate(self, der: bytes) -> int:
        parsed = self._parsed.get(der)
        if parsed is None:
            parsed = self._decode(None, byref(c_char_p(der)), len(der))
            assert parsed, "no certificate for OpenSSL"
            self._parsed[der] = parsed
        return parsed

    def _room(self, wanted: int) -> None:
        """Forget all parsed certificates when there are many; never while some are in use."""
        if len(self._parsed) + wanted > _PARSED_AT_MOST:
            for each in self._parsed.values():
                self._free(each)
            self._parsed.clear()


def function(library: ctypes.CDLL, name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    """A function of a C library with its types."""
    found: Any = getattr(library, name)
    found.restype, found.argtypes = result, arguments
    called: Callable[..., Any] = found
    return called


def as_text(records: Sequence[Record]) -> list[str]:
    """The records as RFC 6698 section 2.2 writes them."""
    return [f"{usage} {selector} {matching} {data.hex()}" for usage, selector, matching, data in records]
