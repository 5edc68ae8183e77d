"""What every ``connect()`` makes of its arguments."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from siptls.events import Anchors
from siptls.outbound import Outbound
from siptls.policy import Policy
from siptls.reuse import AliasTable
from siptls.revocation import Crls
from siptls.uri import SipUri

from .a_labels import to_a_labels
from .anchors import system_anchors
from .revocation import given_crls
from .tls import ClientCertificate, client_context


def outgoing(
    uri: str | SipUri,
    policy: Policy,
    anchors: Anchors | None,
    crls: Crls | Iterable[bytes],
    client_certificate: ClientCertificate | None,
    aliases: AliasTable | None,
    local_domain: str,
    clock: Callable[[], float],
) -> tuple[Outbound, ssl.SSLContext]:
    """Make the machine and the TLS context for one call of ``connect()``.

    Args:
        uri: a SIP or SIPS URI; the host may be an internationalised name.
        policy: what is wanted.
        anchors: the trust anchors; None takes the system's.
        crls: the CRLs, or each of them in DER.
        client_certificate: what may be shown to the server, if the URI's domain may see it.
        aliases: the connections that are open already, or None.
        local_domain: the domain of ours on behalf of which the connection is used.
        clock: the clock that the machine will be driven by; it starts when all is set up.

    Returns:
        The machine, and the context for its connections.

    Raises:
        InvalidUri: ``uri`` is not a SIP URI.
        InvalidPolicy: the policy names a transport without TLS, or there are CRLs that it would not look at.
        TypeError: ``crls`` is a single list, or holds something that is no octets.
    """
    parsed = SipUri.parse(to_a_labels(uri)) if isinstance(uri, str) else uri
    trusted = system_anchors() if anchors is None else anchors
    shown = client_certificate is not None and client_certificate.may_be_shown_to(parsed.host)
    lists = given_crls(crls, policy)
    context = client_context(client_certificate if shown else None)
    machine = Outbound(
        parsed,
        policy=policy,
        now=clock(),
        at=datetime.now(UTC),
        randbelow=secrets.randbelow,
        anchors=trusted,
        crls=lists,
        aliases=aliases,
        local_domain=local_domain,
    )
    return machine, context
