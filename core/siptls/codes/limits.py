"""Limits, the policy, and the resolver."""

from __future__ import annotations

from typing import Final

from .entry import Code

ENTRIES: Final = (
    Code(
        "limit.dns",
        "error",
        "a DNS answer, or the number of lookups, is over a limit",
        why="limits bound the work that hostile data can cause",
        impact="calls from here to the domain, or to this server, fail",
        causes=(
            "the zone has very many records at one name, or a long chain of aliases",
            "somebody tries to keep this machine busy",
        ),
        confirm=(
            "$ dig +dnssec NAME TYPE",
            "the finding names the limit and the number",
        ),
        fix="raise policy.limits",
        reference="RFC 1034 section 5.3.3",
    ),
    Code(
        "limit.seconds",
        "error",
        "the run took too long",
        why="limits bound the work that hostile data can cause",
        impact="calls from here to the domain fail; trying again may help",
        causes=(
            "several lookups or connections have timed out one after the other",
            "the network or this machine is overloaded",
        ),
        confirm=(
            "$ siptls check URI --timeout 120",
            "the steps say where the time went",
        ),
        fix="try again; raise policy.limits",
        reference="RFC 4732 section 2.1.2",
    ),
    Code(
        "limit.handshakes",
        "error",
        "too many handshakes from one source at a time",
        why="who has not been judged yet may not keep all others waiting",
        impact="this connection is closed before anything is read from it; those that are open go on",
        causes=(
            "somebody opens connections and leaves the handshakes unfinished",
            "many clients behind one address connect at the same time, for example after a power failure",
        ),
        confirm=(
            "on the server:",
            "$ ss -tn state established '( sport = :5061 )'",
        ),
        fix="raise bounds of serve(), if that source has many good clients",
        reference="RFC 4732 section 4.4",
    ),
    Code(
        "limit.connections",
        "error",
        "too many connections from one source at a time",
        why="nobody may take all connections of a server, and so keep all others waiting",
        impact="this connection is closed before anything is read from it; those that are open go on",
        causes=(
            "somebody opens connections and leaves them idle",
            "very many clients sit behind one address",
            "the server does not end idle connections",
        ),
        confirm=(
            "on the server:",
            "$ ss -tn state established '( sport = :5061 )'",
        ),
        fix="end idle connections; raise bounds of serve(), if that source has many good clients",
        reference="RFC 4732 section 4.4",
    ),
    Code(
        "limit.targets",
        "note",
        "more targets than are tried",
        why="a domain may name very many servers; only the first ones are tried",
        impact="none, if one of the servers that are tried works",
        fix="raise policy.limits",
        reference="RFC 4732 section 2.1.2",
    ),
    Code(
        "limit.inbound-targets",
        "error",
        "the claimed domain has more servers than a client is held against",
        why="a certificate that names no server may belong to any of them; only the first ones are looked at",
        impact="the client is not taken for the domain, unless its certificate proves it and no record says otherwise",
        causes=(
            "the client presents a raw public key, or a certificate without the name of its host",
            "somebody claims a domain with very many servers to keep this machine busy",
        ),
        confirm=("$ dig _sips._tcp.DOMAIN SRV",),
        fix="name the host in the client's certificate; or raise policy.limits",
        reference="RFC 4732 section 2.1.2",
    ),
    Code(
        "limit.addresses",
        "note",
        "more addresses than are tried",
        why="a host may have very many addresses; only the first ones are tried",
        impact="none, if one of the addresses that are tried works",
        fix="raise policy.limits",
        reference="RFC 4732 section 2.1.2",
    ),
    Code(
        "limit.attempts",
        "note",
        "more connections than are tried",
        why="each connection costs time, so there is an end to them",
        impact="the call fails, if none of the connections that were made was accepted",
        fix="raise policy.limits",
        reference="RFC 4732 section 2.1.2",
    ),
    Code(
        "limit.chain",
        "error",
        "the peer sent more certificates than are looked at",
        why="limits bound the work that hostile data can cause",
        impact="calls with this peer fail from here",
        causes=(
            "the server sends the whole trust store instead of its chain",
            "somebody tries to keep this machine busy",
        ),
        confirm=(
            "$ openssl s_client -connect HOST:PORT -servername DOMAIN -showcerts",
            "count the certificates",
        ),
        fix="configure the chain of the server's own certificate; raise policy.limits",
        reference="RFC 8446 section 4.4.2, RFC 4732 section 2.1.2",
    ),
    Code(
        "limit.sans",
        "error",
        "the certificate has more names than are looked at",
        why="limits bound the work that hostile data can cause",
        impact="calls with this peer fail from here",
        causes=(
            "one certificate is used for all customers of a provider",
            "somebody tries to keep this machine busy",
        ),
        confirm=("$ openssl x509 -in FILE -noout -ext subjectAltName",),
        fix="use several certificates, chosen by SNI; raise policy.limits",
        reference="RFC 4732 section 2.1.2",
    ),
    Code(
        "limit.paths",
        "error",
        "more path validations than are made",
        why=(
            "TLSA records may name very many trust anchors, and a peer may send very many certificates of an issuer; "
            "only the first ones are tried"
        ),
        impact="the server is not used by this client, though the valid path may be through one that was not tried",
        causes=(
            "the zone publishes more TLSA records of usage 0 or 2 than anybody needs",
            "the server sends many certificates of one authority, and those that were tried are not good",
        ),
        confirm=(
            "$ dig +dnssec _5061._tcp.HOST TLSA",
            "$ openssl s_client -connect HOST:PORT -servername DOMAIN -showcerts",
        ),
        fix="publish fewer records, send one good chain; raise policy.limits.paths",
        reference="RFC 4732 section 2.1.2",
    ),
    Code(
        "policy.crls-unused",
        "warning",
        "there are CRLs, and by the policy nobody looks at them",
        why="revocation is off, as it is by default, so a certificate that is on a list is used all the same",
        impact="a peer with a stolen key whose certificate is revoked is accepted",
        causes=("CRLs were given to a machine without Policy(revocation=...)",),
        confirm=("$ siptls check URI --crl FILE",),
        fix='say revocation="crl" or "crl-required" in the policy, or give no CRLs',
        reference="RFC 5280 section 6.3",
    ),
    Code(
        "policy.too-weak",
        "error",
        "verified, but by less than the policy requires",
        why="the policy asks for more than was proven",
        impact="calls from here to this server fail; with another policy they would not",
        causes=(
            "--require dane is given, and the domain publishes no TLSA records, or its zone is not signed",
            "--require pkix is given, and only DANE vouches for the server",
        ),
        confirm=(
            "$ siptls check URI --require any",
            "$ dig +dnssec _PORT._tcp.HOST TLSA",
        ),
        fix="lower the requirement, or publish what it asks for",
        reference="RFC 7435 section 3",
    ),
    Code(
        "policy.relaxed",
        "warning",
        "an option that relaxes the rules decided this",
        why="by the rules of the standards the peer would have been rejected; the evidence names the option",
        impact="the call works, with less protection; other callers reject the same server",
        causes=("the option was given for a peer whose certificate could not be changed",),
        confirm=("run the same check again without the option",),
        fix="have the certificate mended, and take the option away",
        reference="RFC 5922 section 7",
    ),
    Code(
        "resolver.not-trusted",
        "note",
        "nobody validated the DNS answers for us, so all count as insecure",
        why="only whoever validates DNSSEC can say that an answer is not forged, and nobody here has done so",
        impact=(
            "DANE is not used, and nothing on the way to the server is protected; servers are judged by the domain's "
            "name alone"
        ),
        fix=(
            "validate here, with libunbound (UnboundResolver, --validate), or trust a resolver that validates "
            "(--trust-ad)"
        ),
        reference="RFC 6698 section 4.1",
    ),
    Code(
        "resolver.trust-ad",
        "note",
        "the resolver's word (the AD bit) is believed because the caller says so",
        why="whoever can change packets between here and the resolver can make every answer secure",
        impact="none, if the resolver runs on this machine, or the way to it is protected",
        reference="RFC 6698 section 4.1, RFC 4035 section 4.9.3",
    ),
)
