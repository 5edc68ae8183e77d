"""Second opinions: OpenSSL, ldns and GnuTLS on every deployment of the lab, beside `siptls check`.

Three words are compared: accepted by DANE, accepted by PKIX alone, not accepted. So an oracle that silently leaves the
TLSA records aside is a difference, and every difference has its explanation in `comparison.py`.
"""

import contextlib
import os
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from servers import namespace
from servers.checking import Checked, Told
from servers.comparison import EXPLAINED, TABLE, differing, table, word_of
from servers.lab import Lab
from servers.opinion import Opinion

pytestmark = pytest.mark.server("nsd", "unbound", "kamailio", "ldns-signzone")

_INSIDE = ("unshare", "mount", "ip")
NEEDED = {
    "openssl": ("openssl",),
    "ldns-dane": ("ldns-dane", *_INSIDE),
    "gnutls-cli": ("gnutls-cli", *_INSIDE),
}


@pytest.fixture(scope="module")
def told(lab: Lab, checked: Checked) -> Mapping[str, Told]:
    """What `siptls check` says of each deployment."""
    return {name: checked(name) for name in lab.deployments}


@pytest.fixture(scope="module")
def by_openssl(lab: Lab) -> Mapping[str, Opinion]:
    """OpenSSL's opinion, where there are TLSA records to hand to it."""
    return {name: lab.openssl_opinion_of(name) for name, each in lab.deployments.items() if each.tlsa}


def outside() -> tuple[object, ...]:
    """All that a namespace has its own of."""
    addresses = subprocess.run(["ip", "-brief", "address", "show"], check=True, capture_output=True, timeout=30).stdout
    root_key = namespace.ROOT_KEY.read_bytes() if namespace.ROOT_KEY.exists() else None
    return Path("/etc/resolv.conf").read_bytes(), root_key, Path("/proc/self/mounts").read_text(), addresses


@pytest.fixture(scope="module")
def before() -> tuple[object, ...]:
    """How things stood before there was a namespace."""
    return outside()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the servers of the namespace write."""
    return tmp_path_factory.mktemp("inside")


@pytest.fixture(scope="module")
def by_others(lab: Lab, before: tuple[object, ...], directory: Path) -> namespace.Opinions:
    """The opinions of those who find the server and its records themselves."""
    if missing := namespace.missing_permission():
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"{missing} is missing", pytrace=False)
        pytest.skip(f"not run: {missing} missing")
    return namespace.opinions_inside(lab, directory)


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.server(*programs)) for name, programs in NEEDED.items()])
def oracle(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def opinions(request: pytest.FixtureRequest, oracle: str) -> Mapping[str, Opinion]:
    """What one of the others says."""
    if oracle == "openssl":
        by_openssl: Mapping[str, Opinion] = request.getfixturevalue("by_openssl")
        return by_openssl
    by_others: namespace.Opinions = request.getfixturevalue("by_others")
    return by_others[oracle]


def test_whoever_differs_from_siptls_check_differs_for_a_reason(
    told: Mapping[str, Told], opinions: Mapping[str, Opinion], oracle: str
) -> None:
    differences = differing(told, opinions)
    unexplained = {name: words for name, words in differences.items() if name not in EXPLAINED[oracle]}
    assert unexplained == {}
    assert EXPLAINED[oracle].keys() - differences.keys() == set(), "these agree: they need no explanation"


def test_each_of_the_others_judges_many_servers_and_not_all_alike(
    lab: Lab, opinions: Mapping[str, Opinion], oracle: str
) -> None:
    assert len(opinions) >= (80 if oracle == "openssl" else 100)
    assert opinions.keys() <= lab.deployments.keys()
    words = Counter(opinion.word for opinion in opinions.values())
    assert words["dane"] >= 40
    assert words["no"] >= 20
    assert (words["pkix"] >= 10) == (oracle != "openssl")  # s_client has no verdict without TLSA records


def test_most_of_what_siptls_check_accepts_by_dane_each_of_the_others_accepts_by_dane(
    told: Mapping[str, Told], opinions: Mapping[str, Opinion]
) -> None:
    ours = [name for name, each in told.items() if word_of(each) == "dane" and name in opinions]
    assert len(ours) >= 40
    assert sum(opinions[name].word == "dane" for name in ours) >= 0.85 * len(ours)


@pytest.mark.server(*(program for programs in NEEDED.values() for program in programs))
def test_nothing_is_accepted_by_dane_alone_against_all_the_others(
    told: Mapping[str, Told],
    by_openssl: Mapping[str, Opinion],
    by_others: namespace.Opinions,
    pytestconfig: pytest.Config,
) -> None:
    everyone = {"openssl": by_openssl, **by_others}
    pytestconfig.stash[TABLE] = list(table(told, everyone))  # the terminal's summary shows it
    for name in [name for name, each in told.items() if word_of(each) == "dane"]:
        assert any(name in said and said[name].word == "dane" for said in everyone.values()), name


@pytest.mark.server(*(program for programs in NEEDED.values() for program in programs))
def test_nothing_of_the_namespace_is_left_outside(
    by_others: namespace.Opinions, before: tuple[object, ...], directory: Path
) -> None:
    assert (directory / "unbound.conf").exists()
    assert outside() == before
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it may end at any time
            assert str(directory).encode() not in (process / "cmdline").read_bytes()
