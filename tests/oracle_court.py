"""The reference model, second half: what may be said of one peer, by D-REF, D-PATH, RFC 5922, RFC 6698 and RFC 7671.

A `Charge` is what the DNS says of a server, a `Server` what stands behind its address; `findings` gives every finding
that is allowed. Certificates are taken as the facts that they were made from.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Literal, TypeAlias

from forged import ANY_EKU, SERVER_AUTH, SIP_DOMAIN
from model_certificates import BY_DER, BY_SPKI, Cert, Names, Path, Server, constrained, valid_paths
from model_worlds import ModelWorld
from siptls import Policy, Revocation
from siptls.dns import Tlsa
from world import AT

Rule: TypeAlias = Literal["domain", "domain or target", "dane"]

METHODS = ("dane-ee", "dane-ta", "pkix-ee", "pkix-ta", "pkix")
"""The cheapest sufficient evidence first."""
SATISFYING = {
    "any": METHODS,
    "pkix": ("pkix-ee", "pkix-ta", "pkix"),
    "dane": ("dane-ee", "dane-ta", "pkix-ee", "pkix-ta"),
    "dane-ee": ("dane-ee",),
}
"""DESIGN section 3: which methods are enough for `policy.require`."""


@dataclass(frozen=True)
class Charge:
    """What the DNS says of a server.

    Attributes:
        rule: what D-STATE says applies.
        domain: the AUS domain.
        target: the server's host.
        bases: the TLSA base domain, and the securely expanded AUS domain; hosts that count beside the AUS domain.
        records: the TLSA records that count, or else those that merely constrain the path (A-17).
    """

    rule: Rule
    domain: str
    target: str
    bases: tuple[str, ...] = ()
    records: tuple[Tlsa, ...] = ()


@dataclass(frozen=True)
class Finding:
    """What may be found of a peer; ``codes`` are what the code may begin with."""

    outcome: str
    codes: tuple[str, ...]
    method: str = "none"
    identities: frozenset[str] = frozenset()
    lasts: float = math.inf
    """How long dates and CRLs hold, in seconds."""


# R6698-4.1-5 and R7671-9: which records count.


def usable(record: Tlsa, policy: Policy) -> bool:
    """Whether a record can be used at all."""
    if record.usage > 3 or record.selector > 1:
        return False
    if record.matching == 0:
        return record.data in (BY_SPKI if record.selector == 1 else BY_DER)
    size, digest = {1: (32, "sha256"), 2: (64, "sha512")}.get(record.matching, (0, ""))
    return len(record.data) == size and digest in policy.digests


def counting(records: Iterable[Tlsa], policy: Policy) -> tuple[Tlsa, ...]:
    """The records that may authenticate: usable, enabled (A-17), and of the strongest digest (R7671-9-1, -9-3)."""
    good = [record for record in records if usable(record, policy) and record.usage in policy.tlsa_usages]
    names = {1: "sha256", 2: "sha512"}

    def strongest(record: Tlsa) -> bool:
        alike = [r for r in good if (r.usage, r.selector) == (record.usage, record.selector) and r.matching]
        best = min([policy.digests.index(names[r.matching]) for r in alike], default=0)
        return record.matching == 0 or policy.digests.index(names[record.matching]) == best

    return tuple([record for record in good if strongest(record)])


def constraining(records: Iterable[Tlsa], policy: Policy) -> tuple[Tlsa, ...]:
    """Records of usages 0 and 1 that policy disables: alone they still constrain the path (A-17)."""
    everything = policy.replace(tlsa_usages=frozenset({0, 1}))
    return () if counting(records, policy) else counting(records, everything)


# RFC 5922 section 7.1 and D-REF: names.


def sip_hosts(names: Names) -> set[str]:
    """The hosts of the sip URIs without a user part (R5922-7.1-5 to -8); an address is no domain (A-03)."""
    found = [re.fullmatch(r"(?i)sip:([a-z0-9.-]+)(?::[0-9]+)?(?:;.*)?", uri) for uri in names.uris]
    return {match[1].lower() for match in found if match and not match[1][-1].isdigit()}


def identities(names: Names, policy: Policy) -> set[str]:
    """The SIP domain identities: sip URIs, else DNS names, else the common name if there is no SAN (D-REF row 1)."""
    if not names.has_san:
        name = names.cn
        return {name} if policy.allow_cn and name is not None and re.fullmatch(r"[a-z0-9.-]+", name) else set()
    return sip_hosts(names) or {name.lower() for name in names.dns}


def names_host(names: Names, host: str, *, wildcards: bool) -> bool:
    """Whether a DNS name is a host's, also beside sip URIs (D-REF row 2, A-11, A-12)."""
    known = {name.lower() for name in names.dns}
    return host in known or (wildcards and "*." + host.partition(".")[2] in known)


def proven(path: Path, policy: Policy) -> set[str]:
    """The domains among the identities: no wildcards, which equal only themselves (R5922-7.2-5), and D-PATH-1."""
    names = path.certs[0].names
    limited = sip_hosts(names) | {names.cn}
    found = {name for name in identities(names, policy) if not name.startswith("*")}
    return {name for name in found if name not in limited or may(path, name)}


def may(path: Path, name: str) -> bool:
    """Whether the dNSName constraints of every authority in a path let a sip URI or common name be (D-PATH-1)."""
    return constrained(path.binding, [name])


def named(path: Path, charge: Charge, policy: Policy) -> bool:
    """Whether the leaf of a path names one of the references (D-REF)."""
    names, domain = path.certs[0].names, charge.domain
    hosts = {"domain": (), "domain or target": (charge.target,), "dane": charge.bases}[charge.rule]
    if policy.require_target_name:
        hosts = hosts[:1]  # neither the AUS domain's name, nor that of its expansion
    of_host = any(
        names_host(names, host, wildcards=policy.allow_wildcards and host != domain)
        or (host in sip_hosts(names) and may(path, host))
        for host in hosts
    )
    if policy.require_target_name and charge.rule != "domain":
        return of_host
    return of_host or domain in proven(path, policy) or (policy.allow_ip_identity and _names_address(names, domain))


def _names_address(names: Names, domain: str) -> bool:
    try:
        return ip_address(domain).packed in names.ips
    except ValueError:
        return False


# RFC 5280 as D-PATH and RFC 5924 complete it.


def purposes(policy: Policy) -> set[str]:
    """The purposes that a server's certificate may have (A-04)."""
    return {SIP_DOMAIN, ANY_EKU} | (set() if policy.eku == "strict" else {SERVER_AUTH})


def flaws(path: Path, charge: Charge, policy: Policy) -> set[str]:
    """What makes a valid path useless here: the codes that may say so."""
    found: set[str] = set()
    if any(cert.eku and not purposes(policy) & set(cert.eku) for cert in (path.certs[0], *path.certs[1:-1])):
        found.add("chain.eku")  # D-PATH-2; of the anchor itself nothing is asked
    if not named(path, charge, policy):
        found |= {"id.", "cert.no-identities", "uri.ip-literal"}
        names = path.certs[0].names
        if not all(may(path, name) for name in sip_hosts(names) | (identities(names, policy) - set(names.dns))):
            found.add("chain.name-constraints")
    return found


@dataclass(frozen=True)
class Held:
    """What is to be said of a method.

    Attributes:
        codes: what is wrong with the paths that do not count.
        good: the paths that count; for DANE-EE the leaf alone.
        unsure: why a path that would count is not known to be unrevoked, which the policy requires.
        surely: whether the method holds whichever path a validator returns.
    """

    codes: tuple[str, ...] = ()
    good: tuple[Path, ...] = ()
    surely: bool = False
    unsure: tuple[str, ...] = ()


# The peer.


def means(record: Tlsa, cert: Cert) -> bool:
    """Whether a record means a certificate (RFC 6698 section 2.1)."""
    return record.data == cert.data(record.selector, record.matching)


class Court:
    """Says what may be found of one peer.

    Args:
        charge: what the DNS says of it.
        server: what it presents.
        world: for the local trust anchors, and what CRLs say.
        policy: what is wanted.
    """

    def __init__(self, charge: Charge, server: Server, world: ModelWorld, policy: Policy) -> None:
        self.charge, self.server, self.world, self.policy = charge, server, world, policy
        self.trusted = world.trusted
        self.pool = server.chain[1:]

    def findings(self) -> frozenset[Finding]:
        """Every finding that is allowed."""
        server, charge = self.server, self.charge
        if server.down:
            return frozenset([Finding("UNDETERMINED", (server.down,))])
        if server.raw_key is not None:
            return self.of_raw_key(server.raw_key)
        if not server.chain:
            return frozenset([Finding("REJECTED", ("tls.no-certificate",))])
        if server.chain[0].flaw == "garbage":
            return frozenset([Finding("REJECTED", ("cert.malformed",))])  # not even the key can be read
        ways = {
            "dane-ee": self.dane_ee,
            "dane-ta": self.dane_ta,
            "pkix-ee": self.pkix_ee,
            "pkix-ta": self.pkix_ta,
            "pkix": self.pkix,
        }
        open_to = METHODS[:4] if charge.records else METHODS[4:]  # no way back to PKIX after a mismatch: R6698-4.1-7
        return self.decide({method: ways[method]() for method in open_to})

    def of_raw_key(self, key: Cert) -> frozenset[Finding]:
        """R7671-5.1-3: only a record of usage 3 and selector 1 can mean a bare key."""
        pins = [record for record in self.charge.records if (record.usage, record.selector) == (3, 1)]
        if any(means(record, key) for record in pins):
            return self.decide({"dane-ee": Held((), (Path((key,)),), True)})
        return frozenset([Finding("REJECTED", ("cert.raw-public-key", *(["dane.no-match"] if pins else [])))])

    def decide(self, found: dict[str, Held]) -> frozenset[Finding]:
        """The first method that holds and is enough decides; else the first that holds."""
        enough = [method for method in found if self.means_as(method) in SATISFYING[self.policy.require]]
        allowed: list[Finding] = []
        for outcome, methods in (("ACCEPTED", enough), ("INSUFFICIENT", list(found))):
            for method in methods:
                allowed += [self.held(outcome, method, path) for path in found[method].good]
                if found[method].surely:
                    return frozenset(allowed)
        codes = tuple(sorted({code for held in found.values() for code in held.codes})) or ("dane.",)
        if self.server.chain and self.server.chain[0].flaw:
            codes = (*codes, "cert.malformed", "chain.malformed")
        unsure = tuple(sorted({code for held in found.values() for code in held.unsure}))
        allowed += [Finding("UNDETERMINED", unsure)] * bool(unsure)
        if not any(held.unsure and not held.good and not held.codes for held in found.values()):
            allowed.append(Finding("REJECTED", codes))
        return frozenset(allowed)

    def means_as(self, method: str) -> str:
        """A record whose usage policy disables constrains PKIX, but does not authenticate (A-17)."""
        return method if self.charge.rule == "dane" else "pkix"

    def held(self, outcome: str, method: str, path: Path) -> Finding:
        """What is found when a method holds; A-16 says whose names are proven by it."""
        if outcome == "INSUFFICIENT":
            return Finding(outcome, ("policy.too-weak",), method)
        names = {self.charge.domain}
        if method.startswith("pkix"):
            names |= proven(path, self.policy)
        code = "dane.match" if method != "pkix" else "id.match"
        ends = [] if method == "dane-ee" else [cert.not_after for cert in path.binding]
        if method != "dane-ee":
            ends += [said.until for said in self.crls(path) if said.until is not None]
        lasts = min([(end - AT).total_seconds() for end in ends], default=math.inf)
        return Finding(outcome, (code,), method, frozenset(names), lasts)

    def crls(self, path: Path) -> list[Revocation]:
        """What CRLs say of a path: of every certificate but the last."""
        return [] if self.policy.revocation == "off" else [self.world.crl_says(cert) for cert in path.certs[:-1]]

    def weigh(self, paths: Sequence[Path]) -> Held:
        """Say which of these paths count; a validator returns any one of them."""
        good: list[Path] = []
        wrong: set[str] = set()
        unsure: set[str] = set()
        for path in paths:
            said = self.crls(path)
            flawed = flaws(path, self.charge, self.policy)
            flawed |= {"chain.revoked"} if any(each.status == "revoked" for each in said) else set()
            unknown = {each.code for each in said if each.status == "unknown"}
            wrong |= flawed
            if not flawed and unknown and self.policy.revocation == "crl-required":
                unsure |= {*unknown, "chain.revocation-unknown"}
            elif not flawed:
                good.append(path)
        codes = tuple(sorted(wrong)) if paths else ("chain.",)
        return Held(codes, tuple(good), bool(good) and not wrong and not unsure, tuple(sorted(unsure)))

    # The methods. Each says which paths count; none and no code at all if no record of its usage means this peer.

    def of_usage(self, usage: int) -> list[Tlsa]:
        return [record for record in self.charge.records if record.usage == usage]

    def dane_ee(self) -> Held:
        """Usage 3: the leaf and nothing else (R7671-5.1-1, -5.1-2, R7673-4.2-1, A-22)."""
        leaf = self.server.chain[0]
        return Held((), (Path((leaf,)),), True) if any(means(record, leaf) for record in self.of_usage(3)) else Held()

    def dane_ta(self) -> Held:
        """Usage 2: a path to what the records name, which is never the leaf itself (A-21)."""
        certs: list[Cert] = []
        keys: list[tuple[str, int]] = []
        sent = False
        for record in self.of_usage(2):
            meant = [cert for cert in self.pool if not cert.flaw and means(record, cert)]
            sent = sent or bool(meant)
            if record.selector == 1:
                keys += [(cert.subject, cert.key) for cert in meant]  # D-PATH-4: only the key binds
                if record.matching == 0 and not meant and not means(record, self.server.chain[0]):
                    keys.append((self.server.chain[-1].issuer, BY_SPKI[record.data]))  # R7671-5.2.3-1
            else:
                certs += meant
                if record.matching == 0:
                    certs.append(BY_DER[record.data])  # R7671-5.2.2-1: it need not be sent
        if not certs and not keys:
            return Held()
        held = self.weigh(list(valid_paths(self.server.chain[0], self.pool, certs, keys, AT)))
        return held if sent or held.good else replace(held, codes=("dane.", *held.codes))

    def local_paths(self, through: Cert | None = None) -> list[Path]:
        paths = valid_paths(self.server.chain[0], self.pool, self.trusted, (), AT)
        return [path for path in paths if through is None or through in path.certs[1:]]

    def pkix_ee(self) -> Held:
        """Usage 1: the leaf, and everything that PKIX asks for (R6698-2.1.1-1)."""
        if not any(means(record, self.server.chain[0]) for record in self.of_usage(1)):
            return Held()
        return self.weigh(self.local_paths())

    def pkix_ta(self) -> Held:
        """Usage 0: a path to a local anchor through an authority that a record means (R7671-5.4-1, D-PATH-3)."""
        known = dict.fromkeys([*self.pool, *self.trusted])
        meant = [cert for cert in known if not cert.flaw and any(means(record, cert) for record in self.of_usage(0))]
        tried = [self.weigh(self.local_paths(cert)) for cert in meant]
        good = [path for each in tried for path in each.good]
        codes = tuple([code for each in tried for code in each.codes])
        unsure = tuple([code for each in tried for code in each.unsure])
        return Held(codes, tuple(good), any(each.surely for each in tried), unsure)

    def pkix(self) -> Held:
        """No usable record: RFC 5280 and the names."""
        return self.weigh(self.local_paths())
