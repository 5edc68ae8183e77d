"""GnuTLS' libdane, called in this process: TLSA records and a chain, no names, no path to a trusted root."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import POINTER, byref, c_char_p, c_int, c_uint, c_void_p
from datetime import datetime
from typing import Any, Final

from differential.libssl import Record, function

_IGNORE_LOCAL_RESOLVER: Final = 1
_IGNORE_DNSSEC: Final = 2
_X509: Final = 1
_TIME: Final = ctypes.CFUNCTYPE(ctypes.c_long, POINTER(ctypes.c_long))


class _Datum(ctypes.Structure):
    _fields_ = (("data", c_char_p), ("size", c_uint))


class LibDane:
    """The system's libdane.

    Raises:
        OSError: there is none.
    """

    def __init__(self) -> None:
        dane, gnutls = ctypes.CDLL("libgnutls-dane.so.0"), ctypes.CDLL("libgnutls.so.30")
        self._raw = function(
            dane, "dane_raw_tlsa", c_int, c_void_p, POINTER(c_void_p), POINTER(c_char_p), POINTER(c_int), c_int, c_int
        )
        self._verify = function(
            dane,
            "dane_verify_crt_raw",
            c_int,
            c_void_p,
            POINTER(_Datum),
            c_uint,
            c_int,
            c_void_p,
            c_uint,
            c_uint,
            POINTER(c_uint),
        )
        self._forget = function(dane, "dane_query_deinit", None, c_void_p)
        self._state = c_void_p()
        begun = function(dane, "dane_state_init", c_int, POINTER(c_void_p), c_uint)
        assert begun(byref(self._state), _IGNORE_LOCAL_RESOLVER | _IGNORE_DNSSEC) == 0
        self.version: str = function(gnutls, "gnutls_check_version", c_char_p, c_char_p)(None).decode("ascii")
        self._now = 0
        self._clock: Any = _TIME(self._time)
        function(gnutls, "gnutls_global_set_time_function", None, _TIME)(self._clock)

    def _time(self, _pointer: object) -> int:
        return self._now

    def ask(self, chain: Sequence[bytes], records: Sequence[Record], at: datetime) -> bool:
        """Judge a chain.

        Args:
            chain: what the peer sent in DER, its own certificate first.
            records: the TLSA records, as if DNSSEC had proven them.
            at: when the certificates must be valid.

        Returns:
            Whether it says that a record matches and nothing speaks against it.
        """
        self._now = int(at.timestamp())
        rdata = [bytes(record[:3]) + record[3] for record in records]
        data = (c_char_p * (len(rdata) + 1))(*rdata, None)
        lengths = (c_int * (len(rdata) + 1))(*map(len, rdata), 0)
        query, status = c_void_p(), c_uint()
        if self._raw(self._state, byref(query), data, lengths, 1, 0) != 0:
            return False
        try:
            certificates = (_Datum * len(chain))(*[_Datum(der, len(der)) for der in chain])
            said = self._verify(self._state, certificates, len(chain), _X509, query, 0, 0, byref(status))
            return bool(said == 0 and status.value == 0)
        finally:
            self._forget(query)
