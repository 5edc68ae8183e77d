"""Is the SIP server at the other end of this TLS connection really the domain it should be, and why?

This package is the protocol core: pure state machines that do no input or output. See `Outbound` to begin with.
"""

from __future__ import annotations

from . import codes, dane, dane_clientid, dns, identity, names, route_set
from .admission import Admission, AllowList, ClientVerdict
from .alias_row import Presentation, Refusal, Row
from .carrier import Carrier
from .certificate import Certificate
from .comparison import Comparison
from .delegation import Delegation
from .dns import Security
from .dns.question import Lookup
from .errors import (
    InvalidCertificate,
    InvalidName,
    InvalidPolicy,
    InvalidRecord,
    InvalidUri,
    InvalidVia,
    LocalProtocolError,
    SiptlsError,
)
from .events import (
    Action,
    Anchors,
    Answered,
    Close,
    Connect,
    ConnectFailed,
    Endpoint,
    Event,
    Failure,
    KeyAnchor,
    LookupFailed,
    PathRejected,
    PathValidated,
    Presented,
    TlsFacts,
    ValidatePath,
)
from .identity import Identity
from .inbound import Inbound
from .journal import Step
from .location import Locate
from .machine import Machine
from .outbound import Outbound
from .policy import Limits, Policy
from .references import compare_names
from .response_path import (
    Listening,
    ResponsePath,
    ResponseStep,
    listen_hints,
    received_from,
    response_plan,
    sent_by_us,
)
from .reuse import AliasTable
from .revocation import CheckRevocation, Crls, Revocation, RevocationChecked
from .route_set import NextHop, next_hop
from .target import Route, Target, TargetFailed, TargetFailure, TargetInUse
from .transport import too_large_for_udp
from .uri import SipUri
from .verdict import Outcome, Verdict
from .verification import Verification
from .via import Via

__version__ = "0.1.0"

__all__ = [
    "Action",
    "Admission",
    "AliasTable",
    "AllowList",
    "Anchors",
    "Answered",
    "Carrier",
    "Certificate",
    "CheckRevocation",
    "ClientVerdict",
    "Close",
    "Comparison",
    "Connect",
    "ConnectFailed",
    "Crls",
    "Delegation",
    "Endpoint",
    "Event",
    "Failure",
    "Identity",
    "Inbound",
    "InvalidCertificate",
    "InvalidName",
    "InvalidPolicy",
    "InvalidRecord",
    "InvalidUri",
    "InvalidVia",
    "KeyAnchor",
    "Limits",
    "Listening",
    "LocalProtocolError",
    "Locate",
    "Lookup",
    "LookupFailed",
    "Machine",
    "NextHop",
    "Outbound",
    "Outcome",
    "PathRejected",
    "PathValidated",
    "Policy",
    "Presentation",
    "Presented",
    "Refusal",
    "ResponsePath",
    "ResponseStep",
    "Revocation",
    "RevocationChecked",
    "Route",
    "Row",
    "Security",
    "SipUri",
    "SiptlsError",
    "Step",
    "Target",
    "TargetFailed",
    "TargetFailure",
    "TargetInUse",
    "TlsFacts",
    "ValidatePath",
    "Verdict",
    "Verification",
    "Via",
    "codes",
    "compare_names",
    "dane",
    "dane_clientid",
    "dns",
    "identity",
    "listen_hints",
    "names",
    "next_hop",
    "received_from",
    "response_plan",
    "route_set",
    "sent_by_us",
    "too_large_for_udp",
]
