"""DANE as OpenSSL's C code does it, called in this process through ctypes, without a connection."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable, Iterable
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_size_t, c_uint8, c_ulong, c_void_p
from datetime import datetime
from typing import Any, Final

_ANY_PURPOSE: Final = 7
_NO_DANE_EE_NAME_CHECKS: Final = 1


class OpenSslMissing(Exception):
    """There is no libssl that speaks DANE."""


class OpenSslDane:
    """The system's libssl.

    Attributes:
        version: what the library says of itself.

    Raises:
        OpenSslMissing: there is none, or it is too old for DANE.
    """

    def __init__(self) -> None:
        ssl_name, crypto_name = ctypes.util.find_library("ssl"), ctypes.util.find_library("crypto")
        if ssl_name is None or crypto_name is None:
            raise OpenSslMissing("no libssl on this machine")
        self._ssl, self._crypto = ctypes.CDLL(ssl_name), ctypes.CDLL(crypto_name)
        try:
            self._bind()
        except AttributeError as error:
            raise OpenSslMissing(f"{ssl_name} is too old: {error}") from None
        text = self._version(0)
        self.version: str = text.decode("ascii", "replace")
        self._context = self._context_new(self._client_method())
        if self._enable(self._context) != 1:
            raise OpenSslMissing(f"{self.version}: SSL_CTX_dane_enable failed")

    def _bind(self) -> None:
        ssl, crypto = self._ssl, self._crypto
        self._version = _function(crypto, "OpenSSL_version", c_char_p, c_int)
        self._client_method = _function(ssl, "TLS_client_method", c_void_p)
        self._context_new = _function(ssl, "SSL_CTX_new", c_void_p, c_void_p)
        self._enable = _function(ssl, "SSL_CTX_dane_enable", c_int, c_void_p)
        self._store = _function(ssl, "SSL_CTX_get_cert_store", c_void_p, c_void_p)
        self._ssl_new = _function(ssl, "SSL_new", c_void_p, c_void_p)
        self._ssl_free = _function(ssl, "SSL_free", None, c_void_p)
        self._base = _function(ssl, "SSL_dane_enable", c_int, c_void_p, c_char_p)
        self._flags = _function(ssl, "SSL_dane_set_flags", c_ulong, c_void_p, c_ulong)
        self._add = _function(ssl, "SSL_dane_tlsa_add", c_int, c_void_p, c_uint8, c_uint8, c_uint8, c_char_p, c_size_t)
        self._parameters = _function(ssl, "SSL_get0_param", c_void_p, c_void_p)
        self._dane = _function(ssl, "SSL_get0_dane", c_void_p, c_void_p)
        self._decode = _function(crypto, "d2i_X509", c_void_p, c_void_p, POINTER(c_char_p), c_long)
        self._free = _function(crypto, "X509_free", None, c_void_p)
        self._stack_new = _function(crypto, "OPENSSL_sk_new_null", c_void_p)
        self._push = _function(crypto, "OPENSSL_sk_push", c_int, c_void_p, c_void_p)
        self._stack_free = _function(crypto, "OPENSSL_sk_free", None, c_void_p)
        self._verifier_new = _function(crypto, "X509_STORE_CTX_new", c_void_p)
        self._verifier_init = _function(crypto, "X509_STORE_CTX_init", c_int, c_void_p, c_void_p, c_void_p, c_void_p)
        self._verifier_default = _function(crypto, "X509_STORE_CTX_set_default", c_int, c_void_p, c_char_p)
        self._verifier_parameters = _function(crypto, "X509_STORE_CTX_get0_param", c_void_p, c_void_p)
        self._take_over = _function(crypto, "X509_VERIFY_PARAM_set1", c_int, c_void_p, c_void_p)
        self._purpose = _function(crypto, "X509_VERIFY_PARAM_set_purpose", c_int, c_void_p, c_int)
        self._time = _function(crypto, "X509_VERIFY_PARAM_set_time", None, c_void_p, c_long)
        self._set_dane = _function(crypto, "X509_STORE_CTX_set0_dane", None, c_void_p, c_void_p)
        self._verify = _function(crypto, "X509_verify_cert", c_int, c_void_p)
        self._verifier_free = _function(crypto, "X509_STORE_CTX_free", None, c_void_p)
        self._clear = _function(crypto, "ERR_clear_error", None)

    def verify(
        self, chain: tuple[bytes, ...], records: Iterable[tuple[int, int, int, bytes]], base: bytes, at: datetime
    ) -> bool:
        """Judge a chain by DANE, beginning with DER: everything is decoded anew and nothing is kept.

        Args:
            chain: the certificates in DER, the peer's own first.
            records: usage, selector, matching type and association data of the TLSA records.
            base: the TLSA base domain.
            at: the time at which the certificates are judged.

        Returns:
            Whether the chain is accepted.
        """
        connection = self._ssl_new(self._context)
        verifier = self._verifier_new()
        stack = self._stack_new()
        certificates = [self._decode(None, byref(c_char_p(der)), len(der)) for der in chain]
        try:
            self._base(connection, base)
            self._flags(connection, _NO_DANE_EE_NAME_CHECKS)
            for usage, selector, matching, data in records:
                self._add(connection, usage, selector, matching, data, len(data))
            for certificate in certificates:
                self._push(stack, certificate)
            self._verifier_init(verifier, self._store(self._context), certificates[0], stack)
            self._verifier_default(verifier, b"ssl_server")
            parameters = self._verifier_parameters(verifier)
            self._take_over(parameters, self._parameters(connection))
            self._purpose(parameters, _ANY_PURPOSE)
            self._time(parameters, int(at.timestamp()))
            self._set_dane(verifier, self._dane(connection))
            return bool(self._verify(verifier) == 1)
        finally:
            self._clear()
            self._verifier_free(verifier)
            self._stack_free(stack)
            for certificate in certificates:
                self._free(certificate)
            self._ssl_free(connection)


def _function(library: ctypes.CDLL, name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
    return function  # type: ignore[no-any-return]
