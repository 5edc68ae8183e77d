"""Drivers of the siptls core: DNS, TLS and path validation over asyncio, trio, anyio and blocking sockets.

To connect, import `siptls_io.asyncio`, `siptls_io.trio`, `siptls_io.anyio` or `siptls_io.blocking`, and call
``connect()`` there.
"""

from __future__ import annotations

from .a_labels import to_a_labels
from .ad_resolver import AdResolver
from .address_selection import rfc6724_order, source_address
from .anchors import anchors_from_pem, system_anchors
from .cancellation import Cancellation, Cancelled
from .clients import ClientOptions, judge_client, judge_client_async
from .connection import Connection, NoService, NotConnected, PeerInsufficient, PeerRejected, PeerUndetermined
from .errors import (
    InvalidCrl,
    InvalidFile,
    InvalidPem,
    InvalidServer,
    InvalidStatus,
    InvalidTrustAnchor,
    InvalidZone,
    MissingLibrary,
)
from .offline import OfflinePerformer
from .paths import validate_path
from .pem import certificates_from_pem
from .performer import BlockingPerformer, Performer
from .resolver import Cache, Resolver
from .revocation import check_revocation, crls_from_files
from .tls import ClientCertificate
from .unbound import UnboundResolver
from .verify import verify_chain
from .zone_files import ZoneFiles

__all__ = [
    "AdResolver",
    "BlockingPerformer",
    "Cache",
    "Cancellation",
    "Cancelled",
    "ClientCertificate",
    "ClientOptions",
    "Connection",
    "InvalidCrl",
    "InvalidFile",
    "InvalidPem",
    "InvalidServer",
    "InvalidStatus",
    "InvalidTrustAnchor",
    "InvalidZone",
    "MissingLibrary",
    "NoService",
    "NotConnected",
    "OfflinePerformer",
    "PeerInsufficient",
    "PeerRejected",
    "PeerUndetermined",
    "Performer",
    "Resolver",
    "UnboundResolver",
    "ZoneFiles",
    "anchors_from_pem",
    "certificates_from_pem",
    "check_revocation",
    "crls_from_files",
    "judge_client",
    "judge_client_async",
    "rfc6724_order",
    "source_address",
    "system_anchors",
    "to_a_labels",
    "validate_path",
    "verify_chain",
]
