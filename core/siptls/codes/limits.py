"""Limits, the policy, and the resolver."""

from __future__ import annotations

from typing import Final

from .entry import Code

ENTRIES: Final = (
    Code(
        "limit.dns",
        "error",
        "a DNS answer, or the number of lookups, is over a limit",
        fix="raise policy.limits",
    ),
    Code(
        "limit.seconds",
        "error",
        "the run took too long",
        fix="try again; raise policy.limits",
    ),
    Code(
        "limit.targets",
        "note",
        "more targets than are tried",
        fix="raise policy.limits",
    ),
    Code(
        "limit.addresses",
        "note",
        "more addresses than are tried",
        fix="raise policy.limits",
    ),
    Code(
        "limit.attempts",
        "note",
        "more connections than are tried",
        fix="raise policy.limits",
    ),
    Code(
        "limit.chain",
        "error",
        "the server sent more certificates than are looked at",
        fix="raise policy.limits",
    ),
    Code(
        "limit.sans",
        "error",
        "the certificate has more names than are looked at",
        fix="raise policy.limits",
    ),
    Code(
        "limit.paths",
        "note",
        "more path validations than are made",
        fix="raise policy.limits",
    ),
    Code(
        "policy.too-weak",
        "error",
        "verified, but by less than the policy requires",
        fix="lower the requirement, or publish what it asks for",
    ),
    Code(
        "policy.relaxed",
        "warning",
        "an option that relaxes the rules decided this",
    ),
    Code(
        "resolver.not-trusted",
        "note",
        "nobody validated the DNS answers for us, so all count as insecure",
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
        reference="RFC 6698 section 4.1",
    ),
)
