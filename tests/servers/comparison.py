"""What `siptls check` says beside what others say, and why they may differ."""

from collections.abc import Iterator, Mapping

import pytest

from servers.checking import Told
from servers.opinion import Opinion, Word

TABLE = pytest.StashKey[list[str]]()

_HOST_ONLY = "it judges the host, and does not ask how the SIP domain leads there"
_NO_SIP_URI = "it knows no SIP URI identities (RFC 5922 section 7.1) and wants the host as dNSName"
_HOST_NAMED = "the host's name is enough for it; behind an unsigned delegation only the domain's counts (RFC 5922)"
_WILDCARD = "it takes wildcards in certificates; SIP knows none (RFC 5922 section 7.2)"
_COMMON_NAME = "it takes the Common Name where there is no subjectAltName; siptls does so only if the policy allows"
_SECOND_SERVER = "it is asked about the second server; siptls is content with the first (RFC 7673 section 3.1)"
_LONG = "it follows more aliases than siptls does by default (policy.limits)"
_ALIAS = "it asks for TLSA records of a target without a secure address, which RFC 7673 section 3.2 forbids"
_NO_PROOF = (
    "it asks for TLSA records of the domain, though nobody proves that no SRV record is there (RFC 7673 section 3.1)"
)

_HANDED_YES = "it is handed records that nobody signed, and cannot know that: they prove nothing (RFC 7673 section 3.4)"
_HANDED_NO = "it is handed records that nobody signed, and cannot know that: they refuse nothing (RFC 7673 section 3.4)"
_HANDED_BOGUS = "it is handed the records, and cannot know that the DNS does not give them so"
_NOTHING_USABLE = "it does not start without a usable record; RFC 7673 section 4.1 goes on with PKIX"

_NAMES_COUNT = "it compares names for usage 3, where they do not count (RFC 7671 section 5.1)"

_NEVER_NAMES = "libdane never compares names (RFC 7671 section 5.2)"
_ABSENT = "libdane finds a trust anchor only among the certificates sent (RFC 7671 sections 5.2.2 and 5.2.3)"
_FAILED = "libdane takes a failed lookup for one without records (RFC 7673 section 3.4)"

# Where the others and the standards that siptls follows differ by right, by the name of the deployment. Whatever is not
# named here must agree: accepted by DANE, accepted by PKIX, or not accepted.
EXPLAINED: Mapping[str, Mapping[str, str]] = {
    "openssl": {
        "unusable": _NOTHING_USABLE,
        "unknown-matching": _NOTHING_USABLE,
        "dane-ta-uri": _NO_SIP_URI,
        "dane-ta-wildcard": _WILDCARD,
        "dane-ta-cn": _COMMON_NAME,
        "unsigned": _HANDED_NO,
        "unsigned-host": _HANDED_YES,
        "mixed": _HANDED_YES,
        "bogus": _HANDED_BOGUS,
        "bogus-srv": _HOST_ONLY,
        "bogus-tlsa": _HANDED_BOGUS,
        "hosted-unsigned": _HOST_ONLY,
        "naptr-unsigned": _HOST_ONLY,
        "naptr-bogus": _HOST_ONLY,
        "order": _SECOND_SERVER,
        "alias-unsigned": _ALIAS,
        "dname-unsigned": _HANDED_NO,
        "srv-alias-unsigned": _HANDED_YES,
        "tlsa-alias-unsigned": _HANDED_NO,
        "tlsa-alias-long": _HANDED_BOGUS,
        "bogus-address": _HOST_ONLY,
        "direct-unsigned": _HANDED_NO,
        "opt-out-direct": _NO_PROOF,
        "unsigned.nsec3": _HANDED_YES,
        "unsigned.opt-out": _HANDED_YES,
        "unknown-algorithm": _HANDED_NO,
        "unknown-digest": _HANDED_NO,
        "refused": _HANDED_BOGUS,
        "unanswered": _HANDED_BOGUS,
    },
    "ldns-dane": {
        "dane-ee-bare": _NAMES_COUNT,
        "dane-ta-uri": _NO_SIP_URI,
        "dane-ta-wildcard": _WILDCARD,
        "dane-ta-cn": _COMMON_NAME,
        "no-tlsa": _NO_SIP_URI,
        "unsigned-host": _HOST_NAMED,
        "bogus-srv": _HOST_ONLY,
        "hosted-unsigned": _HOST_ONLY,
        "naptr-unsigned": _HOST_ONLY,
        "naptr-to-bogus": _HOST_ONLY,
        "naptr-bogus": _HOST_ONLY,
        "order": _SECOND_SERVER,
        "alias-unsigned": _ALIAS,
        "dname": _NAMES_COUNT,
        "srv-alias-unsigned": _HOST_NAMED,
        "tlsa-dname": _NAMES_COUNT,
        "tlsa-alias-long": _LONG,
        "opt-out-direct": _NO_PROOF,
        "direct-no-tlsa": _NO_SIP_URI,
        "unsigned.nsec3": _HOST_NAMED,
        "unsigned.opt-out": _HOST_NAMED,
    },
    "gnutls-cli": {
        "agility": "libdane counts every record, also beside a stronger digest (RFC 7671 section 9)",
        "unusable": "libdane fails without a usable record; RFC 7673 section 4.1 goes on with PKIX",
        "unknown-matching": "libdane takes a matching type that it does not know for a record that does not match",
        "dane-ta-key": _ABSENT,
        "dane-ta-full": _ABSENT,
        "dane-ta-name": _NEVER_NAMES,
        "dane-ta-wildcard": _NEVER_NAMES,
        "dane-ta-cn": _NEVER_NAMES,
        "dane-ta-stranger": "libdane does not ask whether the trust anchor that was sent has signed anything",
        "pkix-ee-private": "libdane only compares certificates for usage 1; gnutls-cli tells PKIX's refusal beside it",
        "no-tlsa": _NO_SIP_URI,
        "unsigned-host": _HOST_NAMED,
        "bogus-srv": _HOST_ONLY,
        "bogus-denial": _FAILED,
        "hosted-unsigned": _HOST_ONLY,
        "naptr-unsigned": _HOST_ONLY,
        "naptr-to-bogus": _HOST_ONLY,
        "naptr-bogus": _HOST_ONLY,
        "order": _SECOND_SERVER,
        "alias-unsigned": _ALIAS,
        "srv-alias-unsigned": _HOST_NAMED,
        "tlsa-alias-loop": _FAILED,
        "tlsa-alias-long": _LONG,
        "opt-out-direct": _NO_PROOF,
        "direct-no-tlsa": _NO_SIP_URI,
        "unsigned.nsec3": _HOST_NAMED,
        "unsigned.opt-out": _HOST_NAMED,
    },
}


def word_of(told: Told) -> Word:
    """Our verdict in the words of the others."""
    outcome, method, _ = told.summary
    if outcome != "ACCEPTED":
        return "no"
    return "pkix" if method == "pkix" else "dane"


def differing(told: Mapping[str, Told], opinions: Mapping[str, Opinion]) -> dict[str, str]:
    """The deployments on which one other oracle has another opinion, and both."""
    return {
        name: f"{word_of(told[name])} ({told[name].summary[2]}) | {opinion.word} ({opinion.reason})"
        for name, opinion in opinions.items()
        if opinion.word != word_of(told[name])
    }


def table(told: Mapping[str, Told], opinions: Mapping[str, Mapping[str, Opinion]]) -> Iterator[str]:
    """One line for each deployment; an asterisk marks a difference, which is explained below."""
    yield f"{'deployment':<24}{'siptls check':<42}" + "".join(f"{oracle:<42}" for oracle in opinions).rstrip()
    for name, said in told.items():
        outcome, method, code = said.summary
        ours = f"{word_of(said):<5}{method if outcome == 'ACCEPTED' else outcome} {code}"
        cells = [_cell(by_name.get(name), word_of(said)) for by_name in opinions.values()]
        yield f"{name:<24}{ours:<42}" + "".join(f"{cell:<42}" for cell in cells).rstrip()
    for oracle, why in EXPLAINED.items():
        for explanation in dict.fromkeys(why.values()):
            names = ", ".join(name for name, given in why.items() if given == explanation)
            yield f"* {oracle}: {explanation}: {names}"


def _cell(opinion: Opinion | None, ours: Word) -> str:
    """One opinion in at most 41 columns; nothing where there was nothing to judge."""
    if opinion is None:
        return "-"
    return f"{opinion.word + ('*' if opinion.word != ours else ''):<6}{opinion.reason}"[:41]
