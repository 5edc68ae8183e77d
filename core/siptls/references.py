"""The reference identifiers of a target, and a certificate's names held against them (D-REF, RFC 9525 section 6).

Two kinds of references are told apart. The *domain* is held against the SIP identities of RFC 5922 section 7.1. A
*host* is one that a SECURE delegation, or the owner name of SECURE TLSA records, stands behind; it is held against
every dNSName and the host of every sip URI, since RFC 5922's choice between the two speaks of domains only (RFC 7673
section 4.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

from .certificate import Certificate, TooManyNames
from .comparison import Comparison, ReferenceKind, comparisons
from .delegation import D_REF, Name, Treatment
from .identity import (
    Identity,
    host_names,
    matches_address,
    matches_domain,
    matches_host,
    permitted,
    sip_identities,
)
from .journal import listed
from .names import domain as checked_domain
from .names import fold, ip_literal
from .policy import Policy

_TOLD: Final = 20  # names of a certificate in the evidence of a mismatch


class Identification:
    """What comparing the names of a certificate with the references came to.

    Args:
        code: the code of the match, or of the fault.
        identities: the domains proven by it; empty after a fault.
        notes: codes with their evidence, the decisive one among them.
    """

    __slots__ = ("code", "identities", "notes")

    def __init__(self, code: str, identities: tuple[Identity, ...], notes: tuple[tuple[str, object], ...]) -> None:
        self.code: Final = code
        self.identities: Final = identities
        self.notes: Final = notes


class References:
    """What a certificate is held against, decided before it is seen (RFC 9525 section 6.1).

    Args:
        domain: the AUS domain, or an IP address as text.
        hosts: names of hosts that a SECURE delegation or SECURE TLSA records stand behind.
        domain_counts: whether the domain itself suffices; False with ``policy.require_target_name``.
        host: the host that is connected to, for explanations only.
    """

    __slots__ = ("domain", "domain_counts", "host", "hosts")

    def __init__(self, domain: str, hosts: tuple[str, ...], domain_counts: bool, host: str) -> None:
        self.domain: Final = domain
        self.hosts: Final = hosts
        self.domain_counts: Final = domain_counts
        self.host: Final = host

    @classmethod
    def under(
        cls, treatment: Treatment, policy: Policy, domain: str, target: str, base: str = "", expansion: str = ""
    ) -> tuple[References, str | None]:
        """Return the references of a target, and the name to send in SNI, as the table `D_REF` has them.

        Args:
            treatment: what is to be done with the target.
            policy: whether the domain suffices under a secure delegation.
            domain: the AUS domain, or an IP address as text, which no SNI can carry (RFC 6066 section 3).
            target: the host that is connected to.
            base: the TLSA base domain, with `Treatment.DANE`.
            expansion: the canonical name of the domain, or an empty text.
        """
        # The canonical name of the domain is another name of the domain, not of the target.
        expansion = "" if policy.require_target_name else expansion
        terms = D_REF[treatment]
        hosts: tuple[str, ...] = ()
        for name in terms.references:
            host = _host(name, target, base, expansion)
            if host and host not in hosts:
                hosts += (host,)
        references = cls(domain, hosts, not (hosts and policy.require_target_name), target)
        server_name = _host(terms.server_name, target, base, expansion)
        return references, server_name or (domain if ip_literal(domain) is None else None)

    def check(self, path: list[Certificate], policy: Policy) -> Identification:
        """Compare the names of a certificate with the references.

        Args:
            path: the validated path, leaf first, as far as its constraints bind; or the leaf alone.
            policy: whether CN, wildcards and IP addresses count, and how many names are looked at.

        Returns:
            The match, or the fault that tells most.

        Raises:
            InvalidCertificate: a certificate is malformed where it is read.
        """
        leaf = path[0]
        try:
            leaf.names_up_to(policy.limits.sans)
        except TooManyNames:
            return Identification("limit.sans", (), (("limit.sans", f"more than {policy.limits.sans} names"),))
        packed = ip_literal(self.domain)
        if packed is not None:
            return self._check_address(path, packed, policy)
        seen = sip_identities(leaf, allow_cn=policy.allow_cn)
        identities = tuple([i for i in seen if permitted(i, path)])
        found = matches_domain(self.domain, identities) if self.domain_counts else None
        if found is not None:
            match = ("id.match", (self.domain, f"{found.origin} {found.domain}"))
            relaxed = (("policy.relaxed", "allow_cn"),) if found.origin == "cn" else ()
            return Identification("id.match", _proven(identities), (match, *relaxed, *barred(seen, identities)))
        for host in self.hosts:
            notes = self._match_host(host, path, policy)
            if notes:
                proven = (Identity(self.domain, "delegation"), *_proven(identities))
                return Identification("id.match-target", proven, (*notes, *barred(seen, identities)))
        code = self._fault(leaf, seen, frozenset(seen).difference(identities))
        return Identification(code, (), ((code, (self._expected(), self._presented(path, policy))),))

    def compare(self, path: list[Certificate], policy: Policy, *, limit: int = 100) -> tuple[Comparison, ...]:
        """Hold each name of a certificate against each reference and say whether it matches, and why.

        The names match for which `check` finds an identity; this is the account of it, for people.

        Args:
            path: as for `check`.
            policy: as for `check`.
            limit: of how many names the reasons are told for each reference; a name that matches is always told.

        Returns:
            The comparisons with the first reference, in the order of the certificate, then those with the next one.

        Raises:
            TooManyNames: there are more names than the policy wants to look at.
            InvalidCertificate: a certificate is malformed where it is read.
        """
        path[0].names_up_to(policy.limits.sans)
        return tuple(
            [
                each
                for reference, kind, wildcards in self._wanted(policy)
                for place, each in enumerate(comparisons(reference, kind, path, policy, wildcards=wildcards))
                if place < limit or each.matches
            ]
        )

    def _wanted(self, policy: Policy) -> list[tuple[str, ReferenceKind, bool]]:
        """The references in their order, how each is compared, and whether wildcards count for it (D-REF)."""
        if ip_literal(self.domain) is not None:
            return [(self.domain, "address", False)]
        domain: list[tuple[str, ReferenceKind, bool]] = [(self.domain, "domain", False)] if self.domain_counts else []
        return [*domain, *[(host, "host", policy.allow_wildcards and host != self.domain) for host in self.hosts]]

    def _match_host(self, host: str, path: list[Certificate], policy: Policy) -> tuple[tuple[str, object], ...]:
        names = [i for i in host_names(path[0]) if permitted(i, path)]
        relaxed: tuple[tuple[str, object], ...] = ()
        found = matches_host(host, names)
        if found is None and policy.allow_wildcards and host != self.domain:
            found = matches_host(host, names, allow_wildcards=True)
            relaxed = (("policy.relaxed", "allow_wildcards"),)
        if found is None:
            return ()
        return (("id.match-target", (host, f"{found.origin} {found.domain}")), *relaxed)

    def _check_address(self, path: list[Certificate], packed: bytes, policy: Policy) -> Identification:
        """A URI that names an address: nothing can match it, unless the policy lets iPAddress do so (A-23)."""
        if policy.allow_ip_identity and matches_address(packed, path[0]):
            notes = (("id.match", (self.domain, f"ip {self.domain}")), ("policy.relaxed", "allow_ip_identity"))
            return Identification("id.match", (Identity(self.domain, "ip"),), notes)
        evidence = (self.domain, self._presented(path, policy))
        return Identification("uri.ip-literal", (), (("uri.ip-literal", evidence),))

    def _fault(self, leaf: Certificate, seen: tuple[Identity, ...], barred: frozenset[Identity]) -> str:
        """Choose the most telling code for names that do not match; for ``barred`` ones some CA may not speak."""
        hosts = host_names(leaf)
        wanted = (*([self.domain] if self.domain_counts else []), *self.hosts)
        if any(matches_domain(name, barred) is not None for name in wanted):
            return "chain.name-constraints"
        if not self.domain_counts and matches_domain(self.domain, seen) is not None:
            return "id.target-name"
        if self.host != self.domain and not self.hosts and matches_host(self.host, hosts) is not None:
            return "id.srv-target-only"
        wildcards = [name for name in hosts if name.domain.startswith("*.")]
        if any(matches_host(name, wildcards, allow_wildcards=True) is not None for name in wanted):
            return "id.wildcard"
        beside = any(matches_domain(name, hosts) is not None for name in wanted)  # a dNSName that a sip URI hides
        if not beside and any(isinstance(name.value, str) and fold(name.value) in wanted for name in leaf.common_names):
            return "id.cn-only"
        return "id.mismatch" if seen else "cert.no-identities"

    def _expected(self) -> str:
        return " or ".join([*([self.domain] if self.domain_counts else []), *self.hosts])

    def _presented(self, path: list[Certificate], policy: Policy) -> str:
        """The names that do not match, each with the reason, or with one for each reference where they differ."""
        told: dict[str, dict[str, str]] = {}
        for reference, kind, wildcards in self._wanted(policy):
            for each in islice(comparisons(reference, kind, path, policy, wildcards=wildcards), _TOLD):
                told.setdefault(f"{each.kind} {each.text}", {})[reference] = each.reason
        texts: list[str] = []
        for name, reasons in told.items():
            same = len(set(reasons.values())) == 1
            why = [reason if same else f"{reason} ({reference})" for reference, reason in reasons.items()]
            texts.append(f"{name}: {', '.join(why[:1] if same else why)}")
        return "; ".join(texts) or "no names"


def _host(name: Name, target: str, base: str, expansion: str) -> str:
    """Return the host that is meant; the domain is none."""
    if name is Name.TARGET:
        return target
    if name is Name.BASE:
        return base
    return expansion if name is Name.EXPANSION else ""


def barred(seen: Sequence[Identity], identities: tuple[Identity, ...]) -> tuple[tuple[str, object], ...]:
    """Return what to note of identities of a certificate for which some authority may not speak; nothing if all count.

    Args:
        seen: all identities of the certificate.
        identities: those for which all authorities of the path may speak.
    """
    if len(identities) == len(seen):
        return ()
    counting = frozenset(identities)
    others = [f"{each.origin} {each.domain}" for each in seen if each not in counting]
    return (("chain.name-barred", ("names that all authorities of the path may speak for", listed(others))),)


def _proven(identities: tuple[Identity, ...]) -> tuple[Identity, ...]:
    """A wildcard is the name of no domain, so it proves none (RFC 5922 section 7.2)."""
    return tuple([identity for identity in identities if "*" not in identity.domain])


def compare_names(
    certificate: Certificate, domain: str, *, hosts: Sequence[str] = (), policy: Policy = Policy()
) -> tuple[Comparison, ...]:
    """Hold the names of a certificate against a SIP domain, and say of each whether it matches, and why.

    This looks at names alone: whether the certificate can be believed is for `Verification` to say.

    Args:
        certificate: the certificate of the peer.
        domain: the SIP domain, in A-labels, or an IP address.
        hosts: names of hosts that a SECURE delegation stands behind, in A-labels.
        policy: whether common names, wildcards and IP addresses count, and whether the domain does beside hosts.

    Returns:
        For the domain and then for each host one comparison with each name, in the order of the certificate; with each
        the first 100 names and all that match.

    Raises:
        InvalidName: ``domain`` or one of ``hosts`` is not a host name in A-labels.
        InvalidCertificate: the certificate is malformed, or holds more names than ``policy.limits.sans``.

    Source: RFC 5922 section 7, RFC 7673 section 4.1, RFC 9525 section 6.
    """
    name = domain if ip_literal(domain) is not None else checked_domain(domain)
    others = tuple([checked_domain(host) for host in hosts])
    domain_counts = not (others and policy.require_target_name)
    return References(name, others, domain_counts, name).compare([certificate], policy)
