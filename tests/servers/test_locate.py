"""`Locate` over the lab's resolver, beside `Locate` over the same zones as files: the same way for the same reasons."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from located import located
from servers.deployments import Deployment
from servers.lab import Lab
from servers.nameservers import RESOLVER_ADDRESS, RESOLVER_PORT
from servers.tree import Signing
from siptls import Route
from siptls_io import AdResolver, ZoneFiles
from siptls_io.zone_files import Status

pytestmark = pytest.mark.server("nsd", "unbound", "kamailio", "ldns-signzone")

RESOLVER = f"{RESOLVER_ADDRESS}:{RESOLVER_PORT}"
SECONDS = 30.0
HEAD = "$TTL 300\n@ SOA ns.example. hostmaster.ns.example. 1 3600 600 86400 60\n@ NS ns.example.\n"

# What DNSSEC makes of a zone as a whole.
STATUSES: Mapping[Signing, Status] = {
    Signing.SIGNED: "secure",
    Signing.NSEC3: "secure",
    Signing.OPT_OUT: "secure",
    Signing.UNSIGNED: "insecure",
    Signing.UNKNOWN_ALGORITHM: "insecure",
    Signing.UNKNOWN_DIGEST: "insecure",
    Signing.EXPIRED: "bogus",
    Signing.WRONG_DS: "bogus",
    Signing.UNSERVED: "bogus",
}
# What it makes of single names, each with all below it: damaged signatures, and denials that opt-out leaves unproven.
NAMES: Mapping[str, Status] = {
    "bogus.example": "bogus",
    "naptr-bogus.example": "bogus",
    "_tcp.naptr-bogus.example": "secure",
    "sip.naptr-bogus.example": "secure",
    "_sips._tcp.bogus-srv.example": "bogus",
    "_sip._tcp.bogus-srv.example": "bogus",
    "sip.bogus-address.example": "bogus",
    "_tcp.opt-out-silent.example": "insecure",
    "_udp.opt-out-silent.example": "insecure",
    "_tcp.opt-out-direct.example": "insecure",
    "_udp.opt-out-direct.example": "insecure",
    "_tcp.sip.opt-out.example": "insecure",
    "_udp.sip.opt-out.example": "insecure",
}
# The lab's resolver refuses these: here their zone ends above them, and nobody holds what is below.
CUT_OFF = {"refused.example": "sip NS ns.elsewhere.\n"}
WITHOUT = {"naptr-refused.example"}

# Where the two cannot say the same, with the reason.
OTHERWISE = {
    "srv-alias-loop": "the resolver gives up without an answer; the zone files call the circle by its name",
    "dual-bogus-a": "the files have one status for a name, whatever the type",
    "dual-bogus-aaaa": "the files have one status for a name, whatever the type",
    "bogus-denial": "the files have one status for a name, whether there are records or not",
}
# Where they go the same way, but what they tell on it differs.
_ONE_TYPE = "only one type of a name is damaged, and the files have one status for a name"
TOLD_OTHERWISE = {
    "bogus": _ONE_TYPE,
    "bogus-address": _ONE_TYPE,
    "srv-to-bogus": _ONE_TYPE,
    "failover-bogus": _ONE_TYPE,
    "dname-unsigned": "unbound calls a CNAME record bogus that a signed DNAME record makes, if it is asked for alone",
}


def text_of(deployment: Deployment) -> str:
    """The zone as the lab's name server holds it, but without signatures."""
    records = CUT_OFF.get(deployment.apex)
    kept = [line for line in deployment.records.splitlines() if records is None or not line.startswith("sip ")]
    return HEAD + "\n".join(kept) + "\n" + (records or "")


def files_of(lab: Lab) -> ZoneFiles:
    """The zones of all deployments as files, each with its status."""
    deployments = [each for each in lab.deployments.values() if each.apex not in WITHOUT]
    zones = {each.apex: text_of(each) for each in deployments}
    statuses: dict[str, Status] = {**{each.apex: STATUSES[each.signing] for each in deployments}, **NAMES}
    return ZoneFiles(zones, statuses)


@pytest.fixture(scope="module")
def files(lab: Lab) -> ZoneFiles:
    return files_of(lab)


@pytest.fixture(scope="module")
def network(lab: Lab) -> AdResolver:
    return AdResolver([RESOLVER], trusted=[RESOLVER], timeout=SECONDS, patience=SECONDS)


def way(route: Route) -> dict[str, object]:
    """Where a client goes, and what each host is worth."""
    return {
        "outcome": route.outcome,
        "code": route.code,
        "complete": route.complete,
        "targets": [
            (t.transport, t.host, t.port, t.priority, t.weight, t.delegation, sorted(t.addresses))
            for t in route.targets
        ],
    }


def told(route: Route) -> list[tuple[str, str, str]]:
    """What was found on the way, and how far it was protected; without the note on who was asked."""
    # The files know the status of the first step of an alias, so that it need not be asked for alone.
    left_out = ("resolver.trust-ad", "locate.alias")
    return [(step.code, step.hop, step.security) for step in route.findings if step.code not in left_out]


FORMS = ("sip:alice@{domain}", "sips:alice@{domain}", "sip:{domain};transport=tcp", "sips:{host}:5061", "sip:{host}")


@pytest.mark.req("R7672-2.1.3-1", "R7673-3.1-1", "R6672-2.2-2", "D-SEC-1", "D-SEC-3", "D-SEC-5", "D-SEC-6", "D-SEC-8")
@pytest.mark.parametrize("form", FORMS)
def test_a_client_goes_the_same_way_by_the_network_and_by_the_zone_files(
    lab: Lab, network: AdResolver, files: ZoneFiles, form: str
) -> None:
    compared = 0
    differing: dict[str, object] = {}
    for name, deployment in lab.deployments.items():
        uri = form.format(domain=deployment.domain, host=deployment.host)
        by_network, by_files = located(uri, network.answer), located(uri, files.answer)
        if way(by_network) != way(by_files):
            differing[name] = [way(by_network), way(by_files)]
        elif told(by_network) != told(by_files) and name not in TOLD_OTHERWISE:
            differing[name] = [told(by_network), told(by_files)]
        compared += 1
    assert {name: pair for name, pair in differing.items() if name not in OTHERWISE} == {}
    assert compared == len(lab.deployments) > 100


@pytest.mark.req("D-SEC-13", "R7672-2.1.3-2")
@pytest.mark.parametrize("name", OTHERWISE)
def test_where_the_two_cannot_say_the_same_they_differ_and_neither_says_more_than_it_knows(
    lab: Lab, network: AdResolver, files: ZoneFiles, name: str
) -> None:
    deployment = lab.deployments[name]
    by_network, by_files = [located(f"sip:{deployment.domain}", each.answer) for each in (network, files)]
    if name == "srv-alias-loop":
        assert (by_network.code, by_files.code) == ("locate.servfail", "locate.loop")
        assert by_network.outcome == by_files.outcome
    elif name == "bogus-denial":
        # By the network one address family fails, so there may be more addresses.
        assert {**way(by_network), "complete": True} == way(by_files)
        assert not by_network.complete
        assert "dnssec.bogus" in {code for code, _, _ in told(by_network)}
    else:
        # The files, being told that the name is sound, know of nothing wrong; the network leaves out what failed.
        (there,), (here,) = by_network.targets, by_files.targets
        assert set(there.addresses) < set(here.addresses)
        assert (there.host, there.delegation) == (here.host, here.delegation)


@pytest.mark.req("R6672-2.2-2", "R7671-7-1", "R7671-7-5", "R7672-2.1.3-1")
@pytest.mark.parametrize(
    ("name", "status"), [("dname", "secure"), ("dname-unsigned", "insecure"), ("alias-unsigned", "insecure")]
)
def test_a_dname_on_the_way_has_the_status_of_the_zone_that_it_leads_to(
    lab: Lab, network: AdResolver, files: ZoneFiles, name: str, status: str
) -> None:
    for resolver in (network, files):
        route = located(f"sip:{lab.deployments[name].domain}", resolver.answer)
        statuses = {step.security for step in route.findings if step.code == "locate.address"}
        assert statuses == {status}
        assert "locate.srv-cname" in [step.code for step in route.findings]
        assert [target.delegation.value for target in route.targets] == ["srv"]
