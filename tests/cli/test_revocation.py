"""`siptls check` with revocation lists."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cli.console import run
from cli.offline import ZONE, World, leaf, root

GOOD, BAD = root().crl(), root().crl(leaf())


@pytest.fixture
def checked(tmp_path: Path) -> World:
    """A world in which PKIX accepts the server."""
    return World(tmp_path).zone(ZONE).chain(leaf()).trust(root())


@pytest.mark.req("GJ-7")
@pytest.mark.parametrize(
    ("lists", "options", "exit_code", "verdict"),
    [
        ([GOOD], [], 0, ("ACCEPTED", "pkix", "id.match")),
        ([BAD], [], 1, ("REJECTED", "none", "chain.revoked")),
        ([GOOD, BAD], [], 1, ("REJECTED", "none", "chain.revoked")),
        ([GOOD], ["--revocation", "crl-required"], 0, ("ACCEPTED", "pkix", "id.match")),
        ([BAD], ["--revocation", "crl-required"], 1, ("REJECTED", "none", "chain.revoked")),
        ([], ["--revocation", "off"], 0, ("ACCEPTED", "pkix", "id.match")),
        ([], [], 0, ("ACCEPTED", "pkix", "id.match")),
    ],
)
def test_lists_decide(
    checked: World, lists: list[bytes], options: list[str], exit_code: int, verdict: tuple[str, str, str]
) -> None:
    files = [option for number, crl in enumerate(lists) for option in ("--crl", checked.write(f"{number}.crl", crl))]
    ran = run(*checked.check("--format", "json", *files, *options))
    assert (ran.exit_code, ran.verdict) == (exit_code, verdict)


def test_a_list_of_somebody_else_is_a_warning_or_not_enough(checked: World) -> None:
    crl = checked.write("other.pem", x509.load_der_x509_crl(root().intermediate().crl()).public_bytes(Encoding.PEM))
    ran = run(*checked.check("--crl", crl))
    assert ran.exit_code == 0
    assert "no list is issued by CN=Trusted Root" in " ".join(ran.out.split())
    ran = run(*checked.check("--crl", crl, "--revocation", "crl-required", "--format", "json"))
    assert (ran.exit_code, ran.verdict) == (3, ("UNDETERMINED", "none", "chain.revocation-unknown"))


def test_options_that_contradict_each_other_are_refused(checked: World) -> None:
    crl = checked.write("one.crl", GOOD)
    ran = run(*checked.check("--crl", crl, "--revocation", "off"))
    assert ran.exit_code == 2
    assert "--revocation off" in ran.err
    for word in ("crl", "crl-required"):
        ran = run(*checked.check("--revocation", word))
        assert ran.exit_code == 2
        assert "--crl FILE" in ran.err


def test_a_file_that_holds_no_list_is_named(checked: World) -> None:
    for content, problem in ((b"", "no CRL in PEM"), (GOOD[:-1], "malformed"), (None, "No such file")):
        file = "nowhere.crl" if content is None else checked.write("bad.crl", content)
        ran = run(*checked.check("--crl", file))
        assert ran.exit_code == 2
        assert problem in ran.err
        assert Path(file).name in ran.err
