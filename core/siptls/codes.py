"""The catalogue of codes: everything that a verdict or a step can say, with its meaning and what to do about it.

A code is stable: it is never renamed, and new ones come only with a minor release. This catalogue is the one source of
the texts of the command line and of the reference documentation.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

Severity: TypeAlias = Literal["ok", "note", "warning", "error"]


class Code(NamedTuple):
    """One entry of the catalogue.

    Attributes:
        id: the dotted name.
        severity: ``ok`` speaks for the peer or is a plain step; ``note`` is worth knowing; ``warning`` will or may
            break something; ``error`` can decide against a peer.
        title: the finding in one line.
        why: what is behind it, for the person who has to mend it; may be empty.
        fix: what to do about it; may be empty.
        reference: the document and section that the rule comes from; may be empty.
    """

    id: str
    severity: Severity
    title: str
    why: str
    fix: str
    reference: str


_ENTRIES: Final[tuple[tuple[str, Severity, str, str, str, str], ...]] = (
    # Locating the servers.
    ("uri.invalid", "error", "not a SIP URI", "", "write it as sip:user@example.com or sips:user@example.com",
     "RFC 3261 section 25.1"),
    ("uri.ip-literal", "error", "an IP address has no domain to verify",
     "SIP certificates name domains; the URI names an address", "use the domain's URI, or allow it by policy",
     "RFC 5922 section 7.3"),
    ("locate.transport", "error", "the URI leaves no transport that may be used",
     "its scheme and transport parameter exclude every transport of the policy", "change the URI or the policy",
     "RFC 3263 section 4.1"),
    ("locate.naptr", "ok", "NAPTR asked", "", "", "RFC 3263 section 4.1"),
    ("locate.naptr-chosen", "ok", "NAPTR record chosen", "the most preferred one with a usable transport", "",
     "RFC 3403 section 4.1"),
    ("locate.naptr-unusable", "warning", "no NAPTR record can be used, so SRV is asked at the domain itself",
     "none has flag s, no regexp, a name to go to and a transport that may be used",
     'publish for example: NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp', "RFC 3263 section 4.1"),
    ("locate.downgrade-possible", "note", "the choice of transport is not protected",
     "NAPTR was denied without DNSSEC: somebody on the path may have hidden it", "use a sips URI, or sign the zone",
     "RFC 3263 section 7"),
    ("locate.srv", "ok", "SRV asked", "", "", "RFC 3263 section 4.2"),
    ("locate.srv-root", "note", 'the domain says that it does not offer this (SRV target ".")', "", "",
     "RFC 2782"),
    ("locate.address", "ok", "address asked", "", "", "RFC 7984 section 3.1"),
    ("locate.alias", "ok", "alias asked alone, to see whether its first step is signed", "", "",
     "RFC 7672 section 2.1.3"),
    ("locate.bad-target", "error", "the SRV record names no host or no port", "", "correct the SRV record", "RFC 2782"),
    ("locate.srv-cname", "warning", "the target of an SRV record is an alias, which RFC 2782 forbids",
     "it is followed here; other clients may not do so", "let the SRV record name the host itself", "RFC 2782"),
    ("locate.no-address", "error", "the host has no address", "", "publish A or AAAA records for it",
     "RFC 3263 section 4.2"),
    ("locate.foreign-record", "note", "records that stand at another name, or are of another type, were dropped", "",
     "", "RFC 2181 section 5.4.1"),
    ("locate.no-service", "error", "the domain proves that it offers no such service", "DNSSEC vouches for the denial",
     "publish NAPTR, SRV and address records", "RFC 3263 section 4.2"),
    ("locate.no-service.unproven", "error", "the domain seems to offer no such service",
     "the denial is not protected by DNSSEC, so it may be forged: never fall back to another transport because of it",
     "publish NAPTR, SRV and address records; sign the zone", "RFC 3263 section 7"),
    ("locate.servfail", "error", "a name server failed to answer", "a failed lookup is never the same as no record",
     "ask the operator of the name servers; try again", "RFC 7673 section 3.1"),
    ("locate.refused", "error", "a name server refused to answer", "no zone at hand holds the name",
     "ask another resolver; offline, add the zone", "RFC 7673 section 3.1"),
    ("locate.timeout", "error", "no name server answered in time", "", "try again; check the resolver",
     "RFC 7673 section 3.1"),
    ("locate.malformed", "error", "the DNS answer makes no sense", "", "check the zone and the resolver",
     "RFC 7673 section 3.1"),
    ("dnssec.bogus", "error", "the DNS answer does not validate",
     "its signatures are wrong, expired or missing: this looks the same as an attack", "re-sign the zone; check its DS",
     "RFC 7673 section 3.1"),
    # Delegation.
    ("delegation.srv", "ok", "the delegation is secure: the target host may speak for the domain", "", "",
     "RFC 7673 section 3.1"),
    ("delegation.host", "ok", "the host is the domain itself", "", "", "RFC 6698 section 3"),
    ("delegation.tainted", "note", "the delegation is not secure: only the domain itself counts as identity",
     "some name on the way came from an answer that DNSSEC does not protect, or not from the domain", "sign the zone",
     "RFC 5922 section 7.3"),
    # DANE.
    ("dane.tlsa", "ok", "TLSA asked", "", "", "RFC 7673 section 3.3"),
    ("dane.insecure", "note", "TLSA records without DNSSEC are ignored", "", "sign the zone", "RFC 6698 section 4.1"),
    ("dane.match", "ok", "a TLSA record matches what the server presented", "", "", "RFC 6698 section 2.1"),
    ("dane.no-match", "error", "no TLSA record matches what the server presented",
     "the certificate was probably renewed while the TLSA record still names the old one, or this is not the server",
     "publish the record for the new key one TTL before each renewal, or keep the key", "RFC 7671 section 8.1"),
    ("dane.unusable", "error", "none of the TLSA records can be used", "", "publish for example 3 1 1 with SHA-256",
     "RFC 7671 section 10.3"),
    ("dane.record-unusable", "warning", "a TLSA record cannot be used", "", "remove or correct it",
     "RFC 6698 section 4.1"),
    ("dane.record-set-aside", "note", "a TLSA record is set aside: a stronger digest is there, or by policy", "",
     "", "RFC 7671 section 9"),
    ("dane.lookup-failed", "error", "the TLSA lookup failed, so this server is not used",
     "a failed lookup is treated as an attack, not as no record", "mend the name servers", "RFC 7673 section 3.4"),
    ("dane.ta-not-sent", "error", "no certificate that the server sent matches the DANE-TA records",
     "a digest cannot match a certificate that is not there", "send the trust anchor's certificate in the handshake",
     "RFC 7671 section 5.2.2"),
    ("dane.pkix-usage", "note", "the verdict leans on a PKIX usage while DANE usages are enabled",
     "it gives no more security against a DNSSEC compromise", "", "RFC 7671 section 4"),
    # Certificates, paths and names.
    ("cert.malformed", "error", "the server's certificate is malformed", "", "issue a new certificate",
     "RFC 5280 section 4.1"),
    ("cert.no-identities", "error", "the certificate names no SIP domain",
     "it has no sip URI without a user part and no DNS name in subjectAltName",
     "add URI:sip:example.com or DNS:example.com", "RFC 5922 section 7.3"),
    ("chain.valid", "ok", "the certificate path is valid", "", "", "RFC 5280 section 6"),
    ("chain.expired", "error", "a certificate has expired", "", "renew it", "RFC 5280 section 6.1.3"),
    ("chain.not-yet-valid", "error", "a certificate is not valid yet", "one of two clocks may be wrong",
     "check the clock of this machine", "RFC 5280 section 6.1.3"),
    ("chain.self-signed", "error", "the certificate is self-signed and no trust anchor", "",
     "use DANE-EE, or a certificate of a trusted authority", "RFC 5280 section 6.1"),
    ("chain.missing-intermediate", "error", "the server did not send its issuer's certificate", "",
     "configure the whole chain on the server", "RFC 5246 section 7.4.2"),
    ("chain.unknown-ca", "error", "the path ends at an authority that is not trusted here", "",
     "add the authority's root to the trust anchors, or change the authority", "RFC 5280 section 6.1"),
    ("chain.name-constraints", "error", "an authority in the path may not speak for this name", "",
     "use an authority without that constraint", "RFC 5280 section 4.2.1.10"),
    ("chain.eku", "error", "a certificate in the path is for another purpose", "",
     "issue it with id-kp-sipDomain or serverAuth, or without extended key usage", "RFC 5924 section 5"),
    ("chain.key-usage", "error", "the certificate's key may not be used for TLS", "", "issue it with digitalSignature",
     "RFC 5280 section 4.2.1.3"),
    ("chain.weak", "error", "a key or signature in the path is too weak or of a kind that is not supported", "",
     "use P-256 or RSA of at least 2048 bits with SHA-256", "RFC 5280 section 6.1"),
    ("chain.malformed", "error", "a certificate in the path is malformed", "", "issue it anew", "RFC 5280 section 4.1"),
    ("chain.invalid", "error", "no valid certificate path was found", "", "", "RFC 5280 section 6.1"),
    ("chain.timeout", "error", "the certificate path was not validated in time", "", "try again", ""),
    ("chain.also-pkix", "note", "PKIX alone would have accepted the certificate path", "", "", "RFC 5280 section 6"),
    ("chain.not-pkix", "note", "PKIX alone would not have accepted the certificate path",
     "clients without DANE will refuse this server", "", "RFC 5280 section 6"),
    ("id.match", "ok", "the certificate names the SIP domain", "", "", "RFC 5922 section 7.2"),
    ("id.match-target", "ok", "the certificate names the host that the domain securely delegates to", "", "",
     "RFC 7673 section 4.1"),
    ("id.not-needed", "ok", "DANE-EE binds the key itself: names, dates and purposes do not count", "", "",
     "RFC 7671 section 5.1"),
    ("id.mismatch", "error", "the certificate is for other names", "", "use a certificate that names the domain",
     "RFC 5922 section 7.3"),
    ("id.srv-target-only", "error", "the certificate names the host, not the SIP domain",
     "the way from the domain to the host is not protected here, so the host's name cannot stand for the domain",
     "add URI:sip: or DNS: with the domain to the certificate, or sign the zone and publish TLSA",
     "RFC 5922 section 4"),
    ("id.target-name", "error", "the certificate does not name the target host, which the policy asks for", "",
     "add DNS: with the host to the certificate", "RFC 7671 section 10.2"),
    ("id.wildcard", "error", "only a wildcard covers the name, and SIP allows none", "",
     "use a certificate that spells the name out", "RFC 5922 section 7.2"),
    ("id.cn-only", "error", "the name stands only in the Common Name", "",
     "put it into subjectAltName", "RFC 5922 section 7.1"),
    # Connections.
    ("net.refused", "error", "connection refused", "", "is the server running, and listening on this port?", ""),
    ("net.timeout", "error", "no connection in time", "", "check routing and firewalls", ""),
    ("net.reset", "error", "connection reset by the peer", "", "", ""),
    ("net.unreachable", "error", "the address cannot be reached from here", "", "", ""),
    ("net.closed", "error", "the peer closed the connection during the handshake", "", "", ""),
    ("net.unsupported", "error", "this program cannot connect over that transport", "", "", ""),
    ("tls.presented", "ok", "the server presented its certificates", "", "", "RFC 8446 section 4.4.2"),
    ("tls.no-certificate", "error", "the server presented no certificate", "", "configure a certificate",
     "RFC 5922 section 7.3"),
    ("tls.alert", "error", "the server ended the handshake with an alert",
     "the server complains about us, not we about it", "read the server's log", "RFC 8446 section 6"),
    ("tls.client-cert-required", "error", "the server demands a client certificate",
     "it asked for one, got none, and ended the connection", "give one that the server takes",
     "RFC 8446 section 4.3.2"),
    ("tls.plain-sip", "error", "the port answers in clear text, not in TLS", "", "point SRV at the TLS port", ""),
    ("tls.handshake", "error", "the TLS handshake failed", "", "", ""),
    # Limits, policy, resolver.
    ("limit.dns", "error", "a DNS answer or the number of lookups is over the limit", "", "raise policy.limits", ""),
    ("limit.seconds", "error", "the run took too long", "", "try again; raise policy.limits", ""),
    ("limit.targets", "note", "more targets than are tried", "", "raise policy.limits", ""),
    ("limit.addresses", "note", "more addresses than are tried", "", "raise policy.limits", ""),
    ("limit.attempts", "note", "more connections than are tried", "", "raise policy.limits", ""),
    ("limit.chain", "error", "the server sent more certificates than are looked at", "", "raise policy.limits", ""),
    ("limit.sans", "error", "the certificate has more names than are looked at", "", "raise policy.limits", ""),
    ("limit.paths", "note", "more path validations than are made", "", "raise policy.limits", ""),
    ("policy.too-weak", "error", "verified, but by less than the policy requires", "",
     "lower the requirement, or publish what it asks for", ""),
    ("policy.relaxed", "warning", "an option that relaxes the rules decided this", "", "", ""),
    ("resolver.not-trusted", "note", "nobody validated the DNS answers for us, so all count as insecure", "",
     "validate here, with libunbound (UnboundResolver, --validate), or trust a resolver that validates (--trust-ad)",
     "RFC 6698 section 4.1"),
    ("resolver.trust-ad", "note", "the resolver's word (the AD bit) is believed because the caller says so", "", "",
     "RFC 6698 section 4.1"),
    # The command line.
    ("usage.error", "error", "the command line cannot be understood", "", "see the help of the command", ""),
    ("input.unreadable", "error", "a file cannot be read as what it should be", "",
     "correct the file, or name another one", ""),
    ("output.unwritable", "error", "standard output cannot be written", "",
     "make room there, or write to another place", ""),
    ("internal.bug", "error", "this is a bug of siptls", "something happened that its authors did not think of",
     "report it with the output of --debug", ""),
    ("run.interrupted", "error", "interrupted before there was a result", "", "run it again", ""),
)  # fmt: skip

CATALOGUE: Final[dict[str, Code]] = {entry[0]: Code(*entry) for entry in _ENTRIES}
"""All codes by their id."""
