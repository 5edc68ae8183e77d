"""`siptls cert`: a certificate file is judged as its peers would judge it, and each name is told what it is worth.

After a change that is meant, write the golden texts anew (``PYTHONPATH=tests python -m cli.test_cert``).
"""

import contextlib
import io
import re
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from cli.conforming import kind_of
from cli.console import GLYPHS, Run, run, run_process
from cli.offline import DOMAIN, HOST, NOW
from pki import CLIENT_AUTH, SERVER_AUTH, SIP_DOMAIN, Issued, Issuer
from pki import NOW as AT
from siptls_cli import cert

GOLDEN = Path(__file__).parent / "golden"
JUDGED = ("--domain", DOMAIN, "--ca-file", "roots.pem", "--now", "2026-11-22T12:00:00Z")
WORLDS = (
    ("cert-verified", ("cert", "domain.pem", *JUDGED, "--host", HOST)),
    ("cert-rejected", ("cert", "host.pem", *JUDGED, "--host", HOST, "--role", "both", "--ascii")),
    ("cert-json", ("cert", "domain.pem", *JUDGED, "--host", HOST, "--format", "json")),
)

ROOT = Issuer.root("Trusted Root")
BOTH = (SERVER_AUTH, CLIENT_AUTH)


def golden(arguments: Sequence[str]) -> str:
    with contextlib.chdir(GOLDEN):
        ran = run(*arguments)
    assert ran.err == ""
    return re.sub(r'("(seconds|duration_ms|expires_in)":) [0-9.e-]+', r"\1 0", re.sub(r"\b\d+ ms\b", "N ms", ran.out))


@pytest.mark.parametrize(("name", "arguments"), WORLDS)
def test_the_text_is_the_golden_one(name: str, arguments: Sequence[str]) -> None:
    assert golden(arguments) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


class Bench:
    """A folder with the files of one certificate."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, content: bytes) -> str:
        path = self.folder / name
        path.write_bytes(content)
        return str(path)

    def judge(self, issued: Issued | bytes, *options: str, domain: str = DOMAIN, root: Issuer = ROOT) -> Run:
        """Judge a certificate, or the octets of a file, for a domain."""
        content = issued if isinstance(issued, bytes) else issued.presented_pem
        trusted = self.write("roots.pem", root.pem)
        file = self.write("chain.pem", content)
        return run("cert", file, "--domain", domain, "--ca-file", trusted, "--now", NOW, *options)

    def json(self, issued: Issued | bytes, *options: str, **more: Any) -> dict[str, Any]:
        ran = self.judge(issued, *options, "--format", "json", **more)
        assert ran.err == ""
        found = ran.json
        assert found.get("exit", 2) == ran.exit_code
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def verdict(found: dict[str, Any]) -> tuple[int, str, str, str]:
    said = found["verdict"]
    return found["exit"], said["outcome"], said["code"], said["certificate_role"]


def test_a_sip_uri_makes_the_certificate_speak_for_the_domain(bench: Bench) -> None:
    found = bench.json(ROOT.leaf(uris=[f"sip:{DOMAIN}"], dns=[HOST]))
    assert verdict(found) == (0, "ACCEPTED", "id.match", "server")
    assert found["names"] == [
        {"kind": "uri", "text": f"sip:{DOMAIN}", "identity": DOMAIN},
        {"kind": "dns", "text": HOST, "identity": None},
    ]


def test_each_name_is_held_against_each_reference_with_the_reason(bench: Bench) -> None:
    issued = ROOT.leaf(uris=["sip:alice@example.com", "https://example.com"], dns=[DOMAIN, f"*.{DOMAIN}", HOST])
    found = bench.json(issued, "--host", HOST)
    assert {(c["reference"], c["text"]): (c["matches"], c["reason"]) for c in found["comparisons"]} == {
        (DOMAIN, "sip:alice@example.com"): (False, "has a user part"),
        (DOMAIN, "https://example.com"): (False, "scheme is not sip"),
        (DOMAIN, DOMAIN): (True, "same name"),
        (DOMAIN, f"*.{DOMAIN}"): (False, "wildcard"),
        (DOMAIN, HOST): (False, "different name"),
        (HOST, "sip:alice@example.com"): (False, "has a user part"),
        (HOST, "https://example.com"): (False, "scheme is not sip"),
        (HOST, DOMAIN): (False, "different name"),
        (HOST, f"*.{DOMAIN}"): (False, "wildcard"),
        (HOST, HOST): (True, "same name"),
    }
    assert verdict(found) == (0, "ACCEPTED", "id.match", "server")


def test_the_name_of_the_host_alone_does_not_stand_for_the_domain(bench: Bench) -> None:
    issued = ROOT.leaf(dns=["other.example.net", HOST])
    for hosts in ((HOST,), ("backup.example.org", HOST)):
        options = [word for host in hosts for word in ("--host", host)]
        assert verdict(bench.json(issued, *options)) == (1, "REJECTED", "id.srv-target-only", "server")
    assert verdict(bench.json(issued)) == (1, "REJECTED", "id.mismatch", "server")


@pytest.mark.parametrize(
    ("issued", "options", "code"),
    [
        (ROOT.leaf(dns=[f"*.{DOMAIN}"]), ("--domain", f"a.{DOMAIN}"), "id.wildcard"),
        (ROOT.leaf(cn=DOMAIN), (), "id.cn-only"),
        (ROOT.leaf(uris=[f"sip:{DOMAIN}"], not_after=AT - timedelta(seconds=1)), (), "chain.expired"),
        (ROOT.leaf(uris=[f"sip:{DOMAIN}"], not_before=AT + timedelta(seconds=1)), (), "chain.not-yet-valid"),
        (ROOT.leaf(uris=[f"sip:{DOMAIN}"], eku=[CLIENT_AUTH]), (), "chain.eku"),
        (ROOT.leaf(uris=[f"sip:{DOMAIN}"], eku=[SERVER_AUTH]), ("--eku", "strict"), "chain.eku"),
        (Issuer.root("Other").intermediate().leaf(uris=[f"sip:{DOMAIN}"]), (), "chain.unknown-ca"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_peers_would_reject_is_rejected(bench: Bench, issued: Issued, options: Sequence[str], code: str) -> None:
    domain = options[1] if options[:1] == ("--domain",) else DOMAIN
    found = bench.json(issued, *(() if options[:1] == ("--domain",) else options), domain=domain)
    assert verdict(found) == (1, "REJECTED", code, "server")
    assert found["certificate"]["sha256"]


def test_a_common_name_counts_only_where_the_caller_says_so(bench: Bench) -> None:
    found = bench.json(ROOT.leaf(cn=DOMAIN), "--allow-cn")
    assert verdict(found) == (0, "ACCEPTED", "id.match", "server")
    assert found["names"] == [{"kind": "cn", "text": DOMAIN, "identity": DOMAIN}]
    assert "policy.relaxed" in {step["code"] for step in found["verdicts"]["server"]["steps"]}


@pytest.mark.parametrize("role", ["server", "client", "both"])
def test_the_role_says_as_what_the_certificate_is_shown(bench: Bench, role: str) -> None:
    for_both = bench.json(ROOT.leaf(uris=[f"sip:{DOMAIN}"], eku=BOTH), "--role", role)
    assert for_both["exit"] == 0
    assert sorted(for_both["verdicts"]) == (["client", "server"] if role == "both" else [role])
    for_servers = bench.json(ROOT.leaf(uris=[f"sip:{DOMAIN}"], eku=[SERVER_AUTH]), "--role", role)
    assert verdict(for_servers) == (
        (0, "ACCEPTED", "id.match", "server") if role == "server" else (1, "REJECTED", "chain.eku", "client")
    )


def test_a_client_is_judged_as_a_server_would_that_lets_in_this_domain_only(bench: Bench) -> None:
    issued = ROOT.leaf(uris=["sip:example.org"], eku=[SIP_DOMAIN])
    assert verdict(bench.json(issued, "--role", "client")) == (1, "REJECTED", "inbound.not-allowed", "client")
    accepted = bench.json(issued, "--role", "client", domain="example.org")
    assert verdict(accepted) == (0, "ACCEPTED", "inbound.allowed", "client")


def test_the_path_is_told_with_where_each_certificate_comes_from(bench: Bench) -> None:
    issued = ROOT.intermediate("Intermediate").leaf(uris=[f"sip:{DOMAIN}"])
    path = bench.json(issued)["path"]
    assert [(step["subject"], step["source"]) for step in path] == [
        ("", "file"),
        ("CN=Intermediate", "file"),
        ("CN=Trusted Root", "anchors"),
    ]
    assert bench.json(issued, root=Issuer.root("Another"))["path"] is None


def test_a_revoked_certificate_is_rejected_and_without_a_list_it_is_undetermined_if_one_is_required(
    bench: Bench,
) -> None:
    good, bad = ROOT.leaf(uris=[f"sip:{DOMAIN}"]), ROOT.leaf(uris=[f"sip:{DOMAIN}"])
    listed = ("--crl", bench.write("ca.crl", ROOT.crl(bad)))
    assert verdict(bench.json(good, *listed)) == (0, "ACCEPTED", "id.match", "server")
    assert verdict(bench.json(bad, *listed)) == (1, "REJECTED", "chain.revoked", "server")
    stranger = ("--crl", bench.write("other.crl", Issuer.root("Other Root").crl()))
    required = bench.json(good, *stranger, "--revocation", "crl-required")
    assert verdict(required) == (3, "UNDETERMINED", "chain.revocation-unknown", "server")
    assert bench.judge(good, "--revocation", "crl").exit_code == 2


def test_the_names_that_would_be_right_are_told_and_a_certificate_with_them_passes(bench: Bench) -> None:
    wanted = bench.json(ROOT.leaf(dns=["www.example.org"]), "--host", HOST)["subject_alt_name"]
    assert wanted == f"subjectAltName = URI:sip:{DOMAIN}, DNS:{DOMAIN}, DNS:{HOST}"
    better = ROOT.leaf(uris=[f"sip:{DOMAIN}"], dns=[DOMAIN, HOST], cn=HOST)
    found = bench.json(better, "--host", HOST)
    assert verdict(found) == (0, "ACCEPTED", "id.match", "server")
    assert not [finding for finding in found["lint"] if finding["severity"] == "error"]


def test_the_lint_adds_what_no_verdict_says(bench: Bench) -> None:
    issued = ROOT.leaf(uris=[f"sip:{DOMAIN}"], not_after=AT + timedelta(days=3))
    found = bench.json(issued, "--host", HOST)
    codes = {finding["code"] for finding in found["lint"]}
    assert {"cert.expires-soon", "cert.host-missing"} <= codes
    assert found["exit"] == 0
    text = bench.judge(issued, "--host", HOST).out
    assert "LINT" in text
    assert "3 days left" in text


@pytest.mark.req("R5922-7.1-4", "R4985-2-2")
def test_other_names_are_reported_and_are_never_an_identity(bench: Bench) -> None:
    srv_name = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7"), b"\x16\x10_sip.example.com")
    found = bench.json(ROOT.leaf(emails=[f"alice@{DOMAIN}"], ips=["192.0.2.10"], other=[srv_name]))
    assert {name["kind"]: name["identity"] for name in found["names"]} == {"email": None, "ip": None, "srv": None}
    assert verdict(found) == (1, "REJECTED", "cert.no-identities", "server")


# Input.


def test_pem_der_and_standard_input_are_read_alike(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    issued = ROOT.leaf(uris=[f"sip:{DOMAIN}"])
    in_pem, in_der = bench.json(issued.presented_pem), bench.json(issued.der)
    arguments = ("cert", "-", "--domain", DOMAIN, "--ca-file", bench.write("roots.pem", ROOT.pem), "--now", NOW)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(issued.presented_pem)))
    by_pipe = run(*arguments, "--format", "json").json
    for found in (in_pem, in_der, by_pipe):
        assert verdict(found) == (0, "ACCEPTED", "id.match", "server")
        assert found["certificate"] == in_pem["certificate"]
    assert by_pipe["file"] == "-"


GOOD = ROOT.leaf(uris=[f"sip:{DOMAIN}"])


@pytest.mark.parametrize(
    ("content", "line", "expected"),
    [
        (b"", None, "expected certificates in PEM (-----BEGIN CERTIFICATE-----), or one in DER"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", None, "expected certificates in PEM"),
        (b"text\n-----BEGIN CERTIFICATE-----\nAAAA\n", 2, "no -----END CERTIFICATE----- follows"),
        (b"-----BEGIN CERTIFICATE-----\n\xff!\n-----END CERTIFICATE-----\n", 2, "not Base64"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 1, "certificate 1: certificate: expected"),
        (GOOD.pem + b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", None, "certificate 2: "),
        (GOOD.der[:-1], None, "certificate 1: "),
        (GOOD.der + b"\0", None, "certificate 1: "),
        (b"\x30\x82" + bytes(2**20), None, "expected at most 1048576 octets"),
    ],
)
def test_what_is_no_certificate_is_unreadable_with_file_place_and_expectation(
    bench: Bench, content: bytes, line: int | None, expected: str
) -> None:
    ran = bench.judge(content)
    assert (ran.exit_code, ran.out) == (2, "")
    assert "chain.pem" in ran.err
    assert expected in ran.err
    error = bench.judge(content, "--format", "json").error
    assert error["code"] == "input.unreadable"
    assert error["file"].endswith("chain.pem")
    if line is not None:
        assert error["line"] == line


@given(st.data())
def test_whatever_a_certificate_holds_there_is_a_verdict_or_it_is_unreadable(data: st.DataObject) -> None:
    octets = bytearray(GOOD.der)
    for _ in range(data.draw(st.integers(1, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    options = data.draw(st.sampled_from([(), ("--role", "both"), ("--format", "json"), ("--allow-cn", "--ascii")]))
    ran = cert_of(bytes(octets), *options)
    assert ran.exit_code in (0, 1, 2, 3)
    assert (ran.err == "") is (ran.exit_code != 2 or "json" in options)
    if "json" in options:
        assert "Output" in kind_of(ran.json)


def test_a_certificate_whose_names_are_malformed_is_rejected_and_no_name_of_it_counts(bench: Bench) -> None:
    empty = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), b"\x30\x00")
    issued = ROOT.leaf(cn=DOMAIN, extensions=[(empty, False)])
    found = bench.json(issued, "--allow-cn")
    assert verdict(found) == (1, "REJECTED", "cert.malformed", "server")
    assert (found["names"], found["comparisons"]) == ([], [])
    assert "no name that could be compared" in bench.judge(issued).out


def test_a_chain_of_too_many_certificates_is_rejected(bench: Bench) -> None:
    assert verdict(bench.json(GOOD.pem * 21)) == (1, "REJECTED", "limit.chain", "server")


def test_an_internationalised_domain_may_be_given_as_people_write_it(bench: Bench) -> None:
    found = bench.json(ROOT.leaf(uris=["sip:xn--bcher-kva.example"]), domain="bücher.example")
    assert verdict(found) == (0, "ACCEPTED", "id.match", "server")
    assert found["domain"] == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("missing.pem", "--domain", DOMAIN), "input.unreadable"),
        ((".", "--domain", DOMAIN), "input.unreadable"),
        (("domain.pem",), "usage.error"),
        (("domain.pem", "--domain", "192.0.2.1"), "usage.error"),
        (("domain.pem", "--domain", "2001:db8::1"), "usage.error"),
        (("domain.pem", "--domain", f"sip:alice@{DOMAIN}"), "usage.error"),
        (("domain.pem", "--domain", "exa mple.com"), "usage.error"),
        (("domain.pem", "--domain", ""), "usage.error"),
        (("domain.pem", "--domain", DOMAIN, "--host", "192.0.2.1"), "usage.error"),
        (("domain.pem", "--domain", DOMAIN, "--role", "proxy"), "usage.error"),
        (("domain.pem", "--domain", DOMAIN, "--ca-file", "missing.pem"), "input.unreadable"),
        (("domain.pem", "--domain", DOMAIN, "--crl", "domain.pem"), "input.unreadable"),
        (("domain.pem", "--domain", DOMAIN, "--crl", "domain.pem", "--revocation", "off"), "usage.error"),
    ],
)
def test_what_cannot_be_understood_is_an_error_and_no_verdict(arguments: Sequence[str], code: str) -> None:
    with contextlib.chdir(GOLDEN):
        ran = run("cert", *arguments)
        error = run("cert", *arguments, "--format", "json")
    assert (ran.exit_code, ran.out, error.exit_code, error.err) == (2, "", 2, "")
    assert ran.err.startswith("siptls: ")
    assert error.error["code"] == code


def test_a_closed_standard_input_is_told_in_one_line() -> None:
    script = "import sys; sys.stdin = None; from siptls_cli.__main__ import main; sys.exit(main())"
    ran = run_process("cert", "-", "--domain", DOMAIN, program=("-c", script))
    assert (ran.exit_code, ran.out, ran.err) == (2, "", "siptls: standard input: it is closed\n")


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=60), st.booleans())
def test_nothing_in_a_certificate_acts_on_a_terminal(text: str, ascii_only: bool) -> None:
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, text)])
    issued = ROOT.leaf(subject=subject, uris=[f"sip:{DOMAIN}"], dns=["a\x1b[31m.example"])
    ran = cert_of(issued, *(("--ascii",) if ascii_only else ()))
    assert ran.exit_code == 1
    assert {character for character in ran.out if not " " <= character <= "~"} <= GLYPHS | {"\n"}
    assert all(len(line) <= 80 for line in ran.out.splitlines())


def cert_of(issued: Issued | bytes, *options: str) -> Run:
    """Judge a certificate that comes by standard input, against the system's trust anchors."""
    octets = issued if isinstance(issued, bytes) else issued.presented_pem
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(octets))
    try:
        return run("cert", "-", "--domain", DOMAIN, "--now", NOW, *options)
    finally:
        sys.stdin = before


def test_a_crowded_certificate_is_told_in_part_and_the_name_that_matches_always(bench: Bench) -> None:
    issued = ROOT.leaf(dns=[*[f"host{number}.example.net" for number in range(300)], DOMAIN])
    found = bench.json(issued)
    assert verdict(found) == (0, "ACCEPTED", "id.match", "server")
    text = bench.judge(issued).out
    assert f"✓ dns {DOMAIN}: same name" in text
    assert "more, none of which matches" in text
    assert text.count("different name") == 20


def test_the_gravest_exit_code_counts() -> None:
    assert set(cert.GRAVEST) == {0, 1, 3, 4, 5}
    assert cert.GRAVEST == (1, 3, 5, 4, 0)


if __name__ == "__main__":
    for world, words in WORLDS:
        (GOLDEN / f"{world}.txt").write_text(golden(words), encoding="utf-8")
