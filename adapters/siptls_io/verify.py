"""One call without any I/O, for programs that hold the connection already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from siptls import dane
from siptls.dns import Alias, Security, Tlsa
from siptls.events import Anchors, ValidatePath
from siptls.policy import Policy
from siptls.revocation import CheckRevocation, Crls
from siptls.verdict import Verdict
from siptls.verification import Verification

from .a_labels import host_to_a_labels
from .anchors import system_anchors
from .paths import validate_path
from .revocation import check_revocation, given_crls


def verify_chain(
    chain: Sequence[bytes],
    *,
    domain: str,
    target: str | None = None,
    tlsa: Iterable[Tlsa | str] = (),
    tlsa_security: Security | None = None,
    delegation: Security = Security.INSECURE,
    aliases: Iterable[Alias] = (),
    anchors: Anchors | None = None,
    crls: Crls | Iterable[bytes] = (),
    at: datetime | None = None,
    policy: Policy = Policy(),
) -> Verdict:
    """Judge a certificate chain for a SIP domain, with what the caller knows of the DNS.

    Args:
        chain: the certificates in DER as the peer presented them, its own first.
        domain: the SIP domain that the connection is for: the host of the URI. It may be an internationalised name.
        target: the SRV target that was connected to; None when there was no SRV record.
        tlsa: the TLSA records of the server, as values or as text such as ``3 1 1 8d0d...``.
        tlsa_security: the DNSSEC status of the TLSA answer; None means that of ``delegation``.
        delegation: the weakest DNSSEC status of the NAPTR, SRV and address answers.
        aliases: the alias steps from the target, or the domain, to the name at which the TLSA records stood; none if
            they stood at the target or domain itself. A step that is not SECURE weakens ``delegation``.
        anchors: the trust anchors for PKIX; None takes the system's.
        crls: certificate revocation lists, each in DER; better as `Crls`, which are prepared once and may be large. The
            policy says what it means when none of them speaks of a certificate.
        at: when the certificates and CRLs must be valid, an aware datetime; None means now.
        policy: what is wanted.

    Returns:
        The verdict. A BOGUS or INDETERMINATE status makes it UNDETERMINED. TLSA records that are not SECURE are
        reported and decide nothing.

    Raises:
        InvalidName: ``domain`` or ``target`` is no domain name.
        InvalidPolicy: there are CRLs while ``policy.revocation`` is ``off``.
        InvalidRecord: a text in ``tlsa`` is no TLSA record. One that cannot be used is a finding, not an error.
        LocalProtocolError: ``at`` is naive.
        TypeError: ``crls`` is a single list, or holds something that is no octets.
    """
    machine = Verification(
        tuple(chain),
        domain=host_to_a_labels(domain),
        target=None if target is None else host_to_a_labels(target),
        tlsa=[dane.parse(record) if isinstance(record, str) else record for record in tlsa],
        tlsa_security=tlsa_security,
        delegation=delegation,
        aliases=aliases,
        anchors=system_anchors() if anchors is None else anchors,
        crls=given_crls(crls, policy),
        policy=policy,
        now=0.0,
        at=datetime.now(UTC) if at is None else at,
    )
    while machine.result is None:
        for action in machine.next_actions(now=0.0):
            if isinstance(action, CheckRevocation):
                machine.receive(check_revocation(action), now=0.0)
            else:
                assert isinstance(action, ValidatePath)  # a verification asks for nothing else
                machine.receive(validate_path(action), now=0.0)
    return machine.result
