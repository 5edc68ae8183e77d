"""siptls and service-identity on the same names: a host that is looked for among dNSNames (RFC 9525 DNS-ID).

service-identity knows no sip URI and no SIP domain, so this is about the hosts that a secure delegation names. It
always takes wildcards; siptls does when its policy says so.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from hypothesis import strategies as st
from service_identity import VerificationError
from service_identity.cryptography import verify_certificate_hostname
from service_identity.exceptions import CertificateError

from differential.certificates import Description, certificate
from differential.search import search
from siptls.certificate import Certificate
from siptls.identity import host_names, matches_host

OURS_NOT = "only service-identity accepts"
THEIRS_NOT = "only siptls accepts"


@dataclass(frozen=True)
class Question:
    """A host that is looked for, and the dNSNames of a certificate."""

    host: str
    names: tuple[str, ...]


_HOSTS = (
    *["sip.example", "sip.example.com", "SIP.example.com", "sip1.example.com", "a.sip.example.com", "a-b.example.net"],
    *["xn--bcher-kva.example.com", "example.com", "0.example.com", "com", "sip.example.co", "example.com.net"],
)
_WILDCARDS = ("*.example.com", "*.sip.example.com", "*.example", "*.EXAMPLE.com", "*.example.net")
_ODD = (
    *["example.com.", "*", "*.", "*.*.example.com", "sip.*.com", "s*.example.com", "*p.example.com", "192.0.2.1"],
    *["-a.example.com", "_sip.example.com", "a..example.com", "sip.0", ".example.com", "*.com", "xn--*.example.com"],
)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """Names of which some are those that are looked for, or nearly so."""
    kinds = st.sampled_from([_HOSTS, _HOSTS, _HOSTS, _WILDCARDS, _WILDCARDS, _ODD] if draw(st.booleans()) else [_HOSTS])
    names = tuple([draw(st.sampled_from(draw(kinds))) for _ in range(draw(st.sampled_from([1, 1, 2, 3])))])
    near = [names[0].replace("*", label) for label in ("sip", "xn--bcher-kva", "a.b")]
    usual = [each for each in near if _is_host_name(each)]
    return Question(draw(st.sampled_from([*usual, *_HOSTS, "sip.0", "_sip.example.com"])), names)


@lru_cache(maxsize=1_000)
def _certificate(names: tuple[str, ...]) -> bytes:
    leaf = Description(subject="leaf", key=("p256", 10), issuer="leaf", signer=("p256", 10), dns=names)
    return certificate(leaf)


def _theirs(question: Question) -> bool | None:
    """What service-identity says; None where it refuses the certificate or the host."""
    parsed = x509.load_der_x509_certificate(_certificate(question.names))
    try:
        verify_certificate_hostname(parsed, question.host)
    except VerificationError:
        return False
    except (CertificateError, ValueError):
        return None
    return True


_HOST_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*(?!\d+$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.IGNORECASE)


def _is_host_name(text: str) -> bool:
    """RFC 1123 section 2.1: letters, digits and inner hyphens; the last label is no number."""
    return _HOST_NAME.fullmatch(text) is not None


def _is_wildcard(name: str) -> bool:
    """A whole label for which another one stands, above a domain of two labels (RFC 9525 section 6.3)."""
    return name.startswith("*.") and name.count(".") >= 2 and _is_host_name(name[2:])


def check(question: Question, tally: Counter[str]) -> None:
    """Hold both opinions against each other.

    Raises:
        AssertionError: they differ, and no limit explains it.
    """
    host, names = question.host, host_names(Certificate(_certificate(question.names)))
    exact = matches_host(host, names) is not None
    loose = matches_host(host, names, allow_wildcards=True) is not None
    theirs = _theirs(question)
    tally["questions"] += 1
    if theirs is None:
        tally["service-identity refuses the certificate"] += 1
        return
    wildcard = any(_is_wildcard(name) for name in question.names)
    # With the way it goes: who may say yes alone, when siptls takes wildcards.
    limits = {
        "no wildcard stands for an A-label": (THEIRS_NOT, wildcard and host.lower().startswith("xn--")),
        "a name that is no host name": (OURS_NOT, not all(map(_is_host_name, [host, *question.names]))),
    }
    may = {way for way, holds in limits.values() if holds}
    way = None if loose == theirs else THEIRS_NOT if loose else OURS_NOT
    assert way is None or way in may, f"siptls, with wildcards: {loose}; service-identity: {theirs}; {question}"
    assert loose or not exact, f"siptls: yes without wildcards and no with them; {question}"
    way = None if exact == theirs else THEIRS_NOT if exact else OURS_NOT
    may |= {OURS_NOT} if wildcard else set()
    assert way is None or way in may, f"siptls: {exact}; service-identity: {theirs}; {question}"
    tally["both accept"] += exact and theirs
    tally["holds: a wildcard is for those who ask for it"] += wildcard
    tally["decides: a wildcard is for those who ask for it"] += loose and theirs and not exact
    for limit, (known, holds) in limits.items():
        tally[f"holds: {limit}"] += holds
        tally[f"decides: {limit}"] += holds and loose != theirs and (known == OURS_NOT) == theirs
    tally["no limit holds"] += not may


def run(count: int, seed: int) -> Counter[str]:
    """Compare on so many questions.

    Raises:
        AssertionError: there is a difference that nothing explains; with the simplest question that shows it.
    """
    tally: Counter[str] = Counter()
    search(questions(), lambda question: check(question, tally), count, seed)
    return tally
