"""Accept TLS connections of SIP clients, know who each client is, and only then speak SIP.

`serve` is for asyncio and trio; `siptls_io.server.blocking` has the same for programs without an event loop.
"""

from __future__ import annotations

try:
    import OpenSSL
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        'siptls_io.server needs pyOpenSSL: pip install "siptls[server]"', name="OpenSSL"
    ) from _missing

from .arrival import Address, Arrival, Bounds, ClientConnection, Judge, MakeInbound, NotServed
from .context import ServerCertificate, ServerContext, server_context
from .serving import serve
from .stream import ServerStream

__all__ = [
    "Address",
    "Arrival",
    "Bounds",
    "ClientConnection",
    "Judge",
    "MakeInbound",
    "NotServed",
    "ServerCertificate",
    "ServerContext",
    "ServerStream",
    "serve",
    "server_context",
]

del OpenSSL
