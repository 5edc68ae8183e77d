"""TLS to name servers that must prove who they are (RFC 8310, the strict usage profile).

Unlike the peers that a verdict is about, a name server is judged by the TLS library, and before anything is asked.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence

from .errors import InvalidPem


def server_context(protocols: Sequence[str], ca_file: str | os.PathLike[str] | None = None) -> ssl.SSLContext:
    """Make a context that accepts a server only with a valid certificate for the name or address that is asked for.

    Args:
        protocols: what is offered by ALPN (RFC 7301).
        ca_file: PEM, the roots; None takes the system's.

    Returns:
        A context for TLS 1.2 and newer. The common name of a certificate counts for nothing (RFC 9525 section 2).

    Raises:
        InvalidPem: there are no certificates in ``ca_file``.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise InvalidPem(os.fspath(ca_file or ""), None, "no certificates in PEM") from error
    except OSError as error:
        raise InvalidPem(os.fspath(ca_file or ""), None, error.strerror or str(error)) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(list(protocols))
    return context


def problem(error: ssl.SSLError) -> str:
    """Say why there is no TLS connection to a name server.

    Args:
        error: what the TLS library said.

    Returns:
        A text, in which the server may have its hand.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the name server is not authenticated: {error.verify_message}"
    return f"no TLS with the name server: {(error.reason or str(error)).lower().replace('_', ' ')}"
