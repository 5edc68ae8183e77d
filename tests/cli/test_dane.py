"""`siptls dane`: TLSA records made, held against the rules and against servers, and changed in time.

After a change that is meant, write the golden texts anew (``PYTHONPATH=tests python -m cli.test_dane``) and read what
differs.
"""

import contextlib
import re
import shlex
import socket
import ssl
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import dns.message
import dns.rdatatype
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from cli.console import GLYPHS, Run, run, run_process
from cli.offline import DOMAIN, HOST, NOW, World, leaf, root, tlsa
from cli.test_offline import WATCHED
from forged import SUBJECT_ALT_NAME, der, sequence
from loopback_dns import NameServer, Script, response
from loopback_tls import CURRENT, Behaviour, LoopbackServer, Seen, says, server_context
from loopback_tls import tls as tls_server
from pki import Issued, Issuer, self_signed
from servers.opinion import openssl_opinion

FORMS = list(product(range(4), range(2), range(3)))
SERVER = f"{HOST}:5061"
OWNER = f"_5061._tcp.{HOST}"
ZONE = """\
$TTL 7200
@ NAPTR 10 50 "s" "SIPS+D2T" "" _sips._tcp
_sips._tcp SRV 10 0 5061 sip1
sip1 A 192.0.2.10
"""
GOLDEN = Path(__file__).parent / "golden"
OFFLINE = ("--zone", "example.com=signed.zone", "--dnssec", "secure", "--chain", "domain.pem", "--ca-file", "roots.pem")
AT = ("--now", "2026-11-22T12:00:00Z")
WORLDS = (
    ("dane-generate", ("dane", "generate", "--cert", "domain.pem", "--host", HOST, "--ttl", "3600")),
    ("dane-lint", ("dane", "lint", "3 1 2 " + "ab" * 64, "2 0 7 00", "--chain", "domain.pem", "--domain", DOMAIN, *AT)),
    ("dane-check", ("dane", "check", SERVER, "--domain", DOMAIN, *OFFLINE, *AT)),
    ("dane-rollover", ("dane", "rollover", SERVER, "--next-cert", "host.pem", *OFFLINE, *AT)),
    ("dane-json", ("dane", "lint", "3 1 1 " + "ab" * 32, "--chain", "domain.pem", *AT, "--format", "json")),
)


def golden(arguments: Sequence[str]) -> str:
    """What is printed in a world whose files do not change."""
    with contextlib.chdir(GOLDEN):
        ran = run(*arguments)
    assert ran.err == ""
    text = re.sub(r" *\b\d+ ms\b", " N ms", ran.out)
    return re.sub(r'("(seconds|duration_ms|expires_in)":) [0-9.e-]+', r"\1 0", text)


@pytest.mark.parametrize(("name", "arguments"), WORLDS)
def test_the_text_is_the_golden_one(name: str, arguments: Sequence[str]) -> None:
    text = golden(arguments)
    assert text == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert "json" in arguments or max(len(line) for line in text.splitlines()) <= 80


def whole(issued: Issued) -> bytes:
    """The chain with its root."""
    return b"".join([issued.pem, *[each.pem for each in issued.above]])


def both_names() -> Issued:
    """A certificate for the domain and the host, below an intermediate authority."""
    return root().intermediate("Intermediate").leaf(uris=[f"sip:{DOMAIN}"], dns=[HOST])


def numbers(form: tuple[int, int, int]) -> tuple[str, ...]:
    names = ("--usage", "--selector", "--matching")
    return tuple([text for name, number in zip(names, form, strict=True) for text in (name, str(number))])


def served(world: World, zone: str, chain: bytes, *statuses: str) -> World:
    """A world in which a server presents a chain."""
    world.zone(zone).trust(root()).dnssec(*(statuses or ("secure",)))
    world.arguments += ["--chain", world.write("served.pem", chain)]
    return world


def check(world: World, *more: str, server: str = SERVER) -> Run:
    return run("dane", "check", server, *world.arguments, "--now", NOW, *more)


def rollover(world: World, *more: str, server: str = SERVER) -> Run:
    return run("dane", "rollover", server, *world.arguments, "--now", NOW, *more)


def codes(ran: Run) -> dict[str, str]:
    """The findings: each code with its severity."""
    return {finding["code"]: finding["severity"] for finding in ran.json["findings"]}


def harmless(ran: Run) -> bool:
    return all(c == "\n" or c in GLYPHS or (c.isascii() and c.isprintable()) for c in ran.out + ran.err)


class TestGenerate:
    @pytest.mark.req("R6698-2.2-1", "R7671-8-1")
    @pytest.mark.parametrize("form", FORMS)
    def test_what_is_printed_goes_into_the_zone_and_a_client_accepts_it(
        self, world: World, form: tuple[int, int, int]
    ) -> None:
        issued = both_names()
        file = world.write("chain.pem", whole(issued))
        ran = run("dane", "generate", "--cert", file, "--host", HOST, *numbers(form))
        assert (ran.exit_code, ran.err) == (0, "")
        assert max(len(line) for line in ran.out.splitlines()) <= 80
        served(world, ZONE + ran.out, whole(issued))
        checked = check(world, "--domain", DOMAIN, "--format", "json")
        method = ("pkix-ta", "pkix-ee", "dane-ta", "dane-ee")[form[0]]
        assert (checked.exit_code, checked.verdict) == (0, ("ACCEPTED", method, "dane.match"))
        assert "error" not in codes(checked).values()

    @pytest.mark.parametrize("form", [form for form in FORMS if form[2]])
    def test_with_another_digit_no_client_does(self, world: World, form: tuple[int, int, int]) -> None:
        issued = both_names()
        ran = run(
            "dane",
            "generate",
            "--cert",
            world.write("c.pem", whole(issued)),
            "--host",
            HOST,
            *numbers(form),
            "--format",
            "json",
        )
        (record,) = ran.json["records"]
        digits = record["rdata"]
        changed = digits[:-1] + ("0" if digits[-1] != "0" else "1")
        served(world, f"{ZONE}_5061._tcp.sip1 TLSA {changed}\n", whole(issued))
        assert check(world).exit_code == 1

    def test_files_in_der_will_do(self, world: World) -> None:
        issued = leaf()
        file = world.write("leaf.der", issued.der)
        assert tlsa(issued).split()[-1] in run("dane", "generate", "--cert", file, "--owner", OWNER).out

    @pytest.mark.parametrize("usage", ["1", "3", "pkix-ee", "Dane-EE"])
    @pytest.mark.req("R7218-2-1")
    def test_of_a_private_key_only_the_public_key_is_read(self, world: World, usage: str) -> None:
        issued = leaf()
        keys = {
            "pkcs8.pem": issued.key_pem,
            "sec1.pem": issued.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
            "key.der": issued.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
            "public.der": issued.spki,
            "public.pem": pem("PUBLIC KEY", issued.spki),
            "both.pem": issued.pem + issued.key_pem,
        }
        for name, octets in keys.items():
            ran = run("dane", "generate", "--key", world.write(name, octets), "--usage", usage)
            assert (ran.exit_code, ran.err) == (0, "")
            assert tlsa(issued).split()[-1] in ran.out
            private = issued.key.private_numbers()
            assert "PRIVATE" not in ran.out
            assert f"{getattr(private, 'private_value', 0):x}" not in ran.out

    def test_keys_that_cannot_be_read_are_told_without_being_shown(self, world: World) -> None:
        issued = leaf()
        encrypted = issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
        for octets, said in (
            (encrypted, "an encrypted private key"),
            (issued.pem, "a certificate and no key"),
            (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no key that can be read"),
            (b"", "no key that can be read"),
            (b"\x30\x03\x02\x01\x00", "no key that can be read"),
            (bytes(1 << 20) + b"x", "more than 1048576 octets"),
        ):
            ran = run("dane", "generate", "--key", world.write("key", octets))
            assert (ran.exit_code, ran.out) == (2, "")
            assert said in ran.err
            assert "BEGIN" not in ran.err
        assert run("dane", "generate", "--key", str(world.folder / "nothing")).exit_code == 2

    @pytest.mark.req("R7671-5.2.2-4")
    def test_an_authority_is_the_highest_in_the_file_and_it_is_said_which(self, world: World) -> None:
        issued = both_names()
        above = root().issued
        for name, content, said in (
            ("whole", whole(issued), "the certificate authority 2 above the server's (cn 'Trusted Root'"),
            ("without", issued.presented_pem, "the certificate authority 1 above the server's (cn 'Intermediate'"),
            ("alone", above.pem, "the certificate authority itself (cn 'Trusted Root'"),
        ):
            file = world.write(f"{name}.pem", content)
            ran = run(
                "dane", "generate", "--cert", file, "--usage", "DANE-TA", "--selector", "Cert", "--format", "json"
            )
            assert ran.json["of"].startswith(said)
            assert any("must send this authority's certificate" in remark for remark in ran.json["remarks"])
        ran = run("dane", "generate", "--cert", world.write("leaf.pem", issued.pem), "--usage", "2")
        assert (ran.exit_code, ran.out) == (2, "")
        assert "a certificate authority's certificate" in ran.err

    def test_a_server_is_asked_what_it_presents_and_nothing_is_verified(self) -> None:
        issued = self_signed(cn="nobody", **CURRENT)
        with LoopbackServer(tls_server(server_context(issued))) as server:
            ran = run("dane", "generate", "--connect", f"127.0.0.1:{server.port}", "--owner", OWNER)
            seen = server.only()
        assert ran.exit_code == 0
        assert tlsa(issued).split()[-1] in ran.out
        assert "; nothing was verified" in ran.out
        assert seen.received == b""

    def test_a_server_that_presents_nothing_is_told(self, world: World) -> None:
        with LoopbackServer(says(b"SIP/2.0 400 Bad Request\r\n\r\n")) as server:
            ran = run("dane", "generate", "--connect", f"127.0.0.1:{server.port}", "--format", "json")
        assert (ran.exit_code, ran.error["code"]) == (3, "tls.plain-sip")
        world.zone("nothing TXT x\n").dnssec("secure")
        ran = run("dane", "generate", "--connect", f"nothing.{DOMAIN}", *world.arguments, "--format", "json")
        assert (ran.exit_code, ran.error["code"]) == (3, "locate.no-address")

    def test_offline_the_name_of_the_server_makes_the_owner_name(self, world: World) -> None:
        served(world, ZONE, leaf().pem)
        ran = run("dane", "generate", "--connect", HOST, *world.arguments, "--format", "json")
        assert ran.json["records"][0]["owner"] == OWNER

    def test_the_owner_name_is_made_of_host_port_and_transport(self, world: World) -> None:
        file = world.write("leaf.pem", leaf().pem)

        def owner(*more: str) -> object:
            return run("dane", "generate", "--cert", file, *more, "--format", "json").json["records"][0]["owner"]

        assert owner("--host", "bücher.example") == "_5061._tcp.xn--bcher-kva.example"
        assert owner("--host", HOST.upper(), "--port", "443", "--transport", "wss") == f"_443._tcp.{HOST}"
        assert owner("--host", HOST, "--transport", "tls-sctp") == f"_5061._sctp.{HOST}"
        assert owner("--owner", f"{OWNER}.") == OWNER
        assert owner() == ""
        assert run("dane", "generate", "--cert", file).out.splitlines()[-3].startswith("        IN TLSA 3 1 1 (")

    @pytest.mark.req("R7671-10.1-1")
    def test_what_is_not_recommended_is_said_when_it_is_made(self, world: World) -> None:
        file = world.write("leaf.pem", leaf().pem)
        ran = run("dane", "generate", "--cert", file, "--matching", "full", "--selector", "cert")
        assert "; warning: a TLSA record holds a whole certificate" in ran.out

    @pytest.mark.server("openssl")
    @pytest.mark.req("R7671-8-1")
    @pytest.mark.parametrize("form", [form for form in FORMS if form != (2, 1, 0)])
    def test_openssl_accepts_a_server_by_what_is_made_of_it(self, world: World, form: tuple[int, int, int]) -> None:
        authority = Issuer.root("Opinion Root", **CURRENT)
        issued = authority.leaf(dns=[HOST], **CURRENT)
        with LoopbackServer(tls_server(server_context(issued, chain=whole(issued)))) as server:
            file = world.write("chain.pem", whole(issued))
            ran = run("dane", "generate", "--cert", file, *numbers(form), "--format", "json")
            rdata = ran.json["records"][0]["rdata"]
            opinion = openssl_opinion(
                "127.0.0.1",
                server.port,
                base_domain=HOST,
                tlsa=[rdata],
                ca_file=Path(world.write("roots.pem", authority.pem)),
            )
        assert (opinion.word, opinion.reason) == ("dane", "matched")

    @pytest.mark.server("danetool")
    def test_danetool_makes_the_same_record(self, world: World) -> None:
        file = world.write("leaf.pem", leaf().pem)
        ran = subprocess.run(
            ["danetool", "--tlsa-rr", "--host", HOST, "--port", "5061", "--proto", "tcp", "--load-certificate", file],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        digits = re.findall(r"\b[0-9a-f]{64}\b", ran.stdout)
        ours = run("dane", "generate", "--cert", file, "--format", "json").json["records"][0]
        assert digits == [ours["data"]]

    @pytest.mark.server("ldns-dane")
    @pytest.mark.parametrize("form", [form for form in FORMS if form[0] in (1, 3)])
    def test_ldns_makes_the_same_records(self, world: World, form: tuple[int, int, int]) -> None:
        file = world.write("leaf.pem", root().leaf(cn=HOST, dns=[HOST]).pem)  # it wants to see the name
        command = ["ldns-dane", "-s", "-c", file, "-a", "127.0.0.1", "create", HOST, "5061", *map(str, form)]
        ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        ours = run("dane", "generate", "--cert", file, "--host", HOST, *numbers(form), "--format", "json")
        (record,) = ours.json["records"]
        owner, _, _, _, *rdata = ran.stdout.split()
        assert (owner, tuple(map(int, rdata[:3])), "".join(rdata[3:])) == (f"{OWNER}.", form, record["data"])


def pem(label: str, octets: bytes) -> bytes:
    """Octets in PEM (RFC 7468)."""
    import base64

    return f"-----BEGIN {label}-----\n{base64.encodebytes(octets).decode()}-----END {label}-----\n".encode()


class TestLint:
    @pytest.mark.req("R7671-8-1")
    def test_it_exits_with_1_where_something_breaks_and_else_with_0(self, world: World) -> None:
        chain = world.write("chain.pem", whole(both_names()))
        good = run("dane", "generate", "--cert", chain, "--format", "json").json["records"][0]["rdata"]
        bad = "3 1 2 " + "ab" * 64
        for records, code, word in (((good,), 0, "✓ SOUND"), ((bad,), 1, "✗ BROKEN"), ((good, bad), 1, "✗ BROKEN")):
            ran = run("dane", "lint", *records, "--chain", chain, "--domain", DOMAIN, "--host", HOST, "--now", NOW)
            assert (ran.exit_code, ran.err) == (code, "")
            assert ran.first_line.startswith(word)
            assert ran.out.endswith(f"  exit {code}\n")

    def test_json_tells_each_record_and_each_finding(self, world: World) -> None:
        issued = both_names()
        chain = world.write("chain.pem", whole(issued))
        records = (f"dane-ee spki sha2-256 {tlsa(issued).split()[-1]}", "3 1 1 " + "ab " * 32, "2 0 9 00")
        ran = run("dane", "lint", *records, "--chain", chain, "--now", NOW, "--format", "json")
        assert set(ran.json) == {"owner", "records", "missing", "findings", "exit"}
        assert [each["result"] for each in ran.json["records"]] == ["match", "no-match", "unusable"]
        assert ran.json["records"][1]["computed"] == [
            {"of": "the server's certificate", "data": ran.json["records"][0]["data"]}
        ]
        assert ran.json["records"][0]["acronyms"] == "DANE-EE(3) SPKI(1) SHA2-256(1)"
        assert codes(ran) == {"dane.record-unusable": "warning", "dane.next-or-stale": "note"}
        assert "RFC 6698 section 4.1" in ran.json["findings"][0]["reference"]

    def test_records_may_stand_in_a_zone(self, world: World) -> None:
        world.zone(ZONE + tlsa(leaf()))
        ran = run("dane", "lint", *world.arguments, "--host", HOST, "--format", "json")
        assert [each["owner"] for each in ran.json["records"]] == [OWNER]
        assert ran.json["records"][0]["ttl"] == 7200

    def test_a_server_without_records_is_not_called_sound(self, world: World) -> None:
        world.zone(ZONE)
        ran = run("dane", "lint", *world.arguments, "--host", HOST, "--format", "json")
        assert (ran.exit_code, codes(ran)) == (0, {"dane.none-published": "warning"})
        text = run("dane", "lint", *world.arguments, "--host", HOST)
        assert (text.exit_code, text.first_line[:12]) == (0, "! NO RECORDS")

    @pytest.mark.parametrize(
        ("host", "found"),
        [("spi1.example.com", "no such name"), (DOMAIN, "none")],
    )
    def test_a_host_that_the_zone_does_not_have_is_no_service_as_in_check(
        self, world: World, host: str, found: str
    ) -> None:
        served(world, ZONE + tlsa(leaf()), leaf().presented_pem)
        lint = ("dane", "lint", *world.arguments[:2], "--host", host, "--chain", world.write("own.pem", leaf().pem))
        ran = run(*lint, "--format", "json")
        assert (ran.exit_code, ran.json["exit"], ran.json["records"]) == (4, 4, [])
        assert codes(ran) == {"locate.no-address": "error", "dane.none-published": "warning"}
        first = ran.json["findings"][0]
        assert (first["code"], first["expected"]) == ("locate.no-address", f"an address of {host} in the zone")
        assert first["found"] == found
        assert ran.json["missing"] == []  # nobody knows whose record would be wanted there
        text = run(*lint)
        assert (text.exit_code, text.err) == (4, "")
        assert text.first_line == f"○ NO SERVICE  {host}  the zone has no such host"
        assert text.out.endswith("  exit 4\n")
        assert check(world, server=host).exit_code == 4

    def test_records_without_an_address_are_linted_all_the_same(self, world: World) -> None:
        world.zone(tlsa(leaf()))
        ran = run("dane", "lint", *world.arguments, "--host", HOST, "--format", "json")
        assert ran.exit_code == 0
        assert len(ran.json["records"]) == 1
        assert "locate.no-address" not in codes(ran)

    def test_a_host_whose_address_stands_elsewhere_is_there(self, world: World) -> None:
        world.zone("sip1 CNAME sip1.provider.example.\nsip2 AAAA 2001:db8::1\n")
        for host in ("sip1.example.com", "sip2.example.com"):
            ran = run("dane", "lint", *world.arguments, "--host", host, "--format", "json")
            assert (ran.exit_code, codes(ran)) == (0, {"dane.none-published": "warning"})

    def test_a_root_that_clients_have_may_be_given(self, world: World) -> None:
        issued = both_names()
        chain = world.write("chain.pem", issued.presented_pem)
        record = run(
            "dane", "generate", "--cert", world.write("root.pem", root().pem), *numbers((0, 0, 1)), "--format", "json"
        )
        rdata = record.json["records"][0]["rdata"]
        roots = world.write("roots.pem", root().pem)
        for more, result in (((), "unknown"), (("--ca-file", roots), "match")):
            ran = run("dane", "lint", rdata, "--chain", chain, *more, "--now", NOW, "--format", "json")
            assert ran.json["records"][0]["result"] == result


class TestCheck:
    @pytest.mark.req("R7671-10.3-2", "R7673-6-1")
    def test_each_record_is_told_with_what_it_is_good_for(self, world: World) -> None:
        issued = both_names()
        digest = tlsa(issued)
        zone = ZONE + digest + "_5061._tcp.sip1 TLSA 3 1 1 " + "ab" * 32 + "\n_5061._tcp.sip1 TLSA 3 9 1 00\n"
        ran = check(served(world, zone, whole(issued)), "--format", "json")
        assert (ran.exit_code, ran.verdict) == (0, ("ACCEPTED", "dane-ee", "dane.match"))
        results = {each["rdata"]: each["result"] for each in ran.json["records"]}
        assert sorted(results.values()) == ["match", "no-match", "unusable"]
        assert results[f"3 1 1 {digest.split()[-1]}"] == "match"
        assert (ran.json["security"], ran.json["ttl"], ran.json["owner"]) == ("secure", 7200, OWNER)

    @pytest.mark.req("R7671-8-1", "R7671-9-4")
    def test_what_breaks_for_other_clients_exits_with_5(self, world: World) -> None:
        issued = both_names()
        zone = ZONE + tlsa(issued) + "_5061._tcp.sip1 TLSA 3 0 1 " + "ab" * 32 + "\n"
        ran = check(served(world, zone, whole(issued)), "--format", "json")
        assert (ran.exit_code, ran.verdict[0]) == (5, "ACCEPTED")
        assert codes(ran)["dane.form-unmatched"] == "error"

    @pytest.mark.req("R7671-8-1")
    def test_the_records_that_would_match_are_printed_and_make_it_right(self, world: World) -> None:
        issued = both_names()
        served(world, ZONE + "_5061._tcp.sip1 TLSA 3 1 1 " + "ab" * 32 + "\n", whole(issued))
        ran = check(world)
        assert ran.exit_code == 1
        lines = ran.out[ran.out.index("PUBLISH") :].splitlines()[1:4]
        again = World(world.folder / "again")
        again.folder.mkdir()
        served(again, ZONE + "\n".join([line[5:] for line in lines]) + "\n", whole(issued))
        assert check(again).exit_code == 0
        (wanted,) = check(world, "--format", "json").json["missing"]
        assert wanted["rdata"] == check(again, "--format", "json").json["records"][0]["rdata"]

    @pytest.mark.req("R7671-10.3-2")
    def test_all_addresses_must_present_what_the_records_name(self, world: World) -> None:
        issued = both_names()
        zone = ZONE + tlsa(issued) + "sip1 A 192.0.2.11\nsip1 A 192.0.2.12\nsip1 AAAA 2001:db8::1\n"
        world.zone(zone).trust(root()).dnssec("secure")
        for address, presented in (("192.0.2.10", issued), ("192.0.2.11", issued), ("[2001:db8::1]", issued)):
            world.chain(presented, f"{address}:5061")
        assert codes(check(world, "--format", "json"))["dane.address-not-seen"] == "note"
        world.chain(leaf(), "192.0.2.12:5061")
        ran = check(world, "--format", "json")
        assert (ran.exit_code, ran.verdict[0]) == (5, "ACCEPTED")
        (finding,) = [each for each in ran.json["findings"] if each["code"] == "dane.address-differs"]
        assert finding["found"].startswith("192.0.2.12: uri 'sip:example.com'")
        assert check(world, "--no-audit").exit_code == 0

    @pytest.mark.req("R7671-5.2-1", "R7671-5.2.2-4")
    def test_a_trust_anchor_that_is_not_sent_is_told(self, world: World) -> None:
        issued = both_names()
        record = run(
            "dane", "generate", "--cert", world.write("c.pem", whole(issued)), *numbers((2, 0, 1)), "--host", HOST
        )
        served(world, ZONE + record.out, issued.presented_pem)
        ran = check(world, "--format", "json")
        assert (ran.exit_code, ran.verdict[2]) == (1, "dane.ta-not-sent")
        assert "dane.ta-not-sent" in codes(ran)

    @pytest.mark.req("R7673-6-1")
    def test_without_dnssec_the_records_protect_nobody(self, world: World) -> None:
        issued = both_names()
        ran = check(
            served(world, ZONE + tlsa(issued), whole(issued), "insecure"), "--domain", DOMAIN, "--format", "json"
        )
        assert (ran.exit_code, ran.verdict) == (5, ("INSUFFICIENT", "pkix", "policy.too-weak"))
        assert codes(ran)["dane.unsigned"] == "error"
        assert [each["result"] for each in ran.json["records"]] == ["match"]

    @pytest.mark.req("R7673-6-2")
    def test_a_server_without_records_is_told_to_have_some(self, world: World) -> None:
        ran = check(served(world, ZONE, whole(both_names())), "--domain", DOMAIN, "--format", "json")
        assert (ran.exit_code, ran.verdict[0]) == (5, "INSUFFICIENT")
        assert codes(ran) == {"dane.none-published": "warning"}
        assert "0 record(s), secure" in check(world).out

    @pytest.mark.req("R7673-6-2")
    def test_clients_without_dane_are_thought_of(self, world: World) -> None:
        issued = self_signed(uris=[f"sip:{DOMAIN}"])
        ran = check(served(world, ZONE + tlsa(issued), issued.pem), "--domain", DOMAIN, "--format", "json")
        assert ran.exit_code == 0
        assert codes(ran)["dane.ee-only"] == "warning"

    @pytest.mark.req("R7673-6-1", "R7673-4.1-3")
    def test_for_a_domain_the_certificate_may_name_the_domain_or_the_host(self, world: World) -> None:
        named = root().leaf(uris=[f"sip:{DOMAIN}"])
        record = run("dane", "generate", "--cert", world.write("c.pem", named.pem), *numbers((1, 1, 1)), "--host", HOST)
        served(world, ZONE + record.out, named.presented_pem)
        without, with_domain = check(world, "--format", "json"), check(world, "--domain", DOMAIN, "--format", "json")
        assert (without.exit_code, with_domain.exit_code) == (1, 0)
        assert "dane.names" in codes(without)
        assert "dane.names" not in codes(with_domain)
        assert with_domain.json["verdict"]["domain"] == DOMAIN

    @pytest.mark.req("R7673-6-1")
    def test_the_way_from_the_domain_must_be_secure(self, world: World) -> None:
        issued = both_names()
        served(world, ZONE + tlsa(issued), whole(issued), "secure", f"_sips._tcp.{DOMAIN}=insecure")
        ran = check(world, "--domain", DOMAIN, "--format", "json")
        assert (ran.exit_code, ran.verdict) == (5, ("INSUFFICIENT", "pkix", "policy.too-weak"))
        assert codes(ran)["dane.unsigned"] == "error"

    @pytest.mark.parametrize("statuses", [("secure",), ("insecure",), ("secure", f"_sips._tcp.{DOMAIN}=insecure")])
    @pytest.mark.parametrize(
        ("old", "new", "found"),
        [
            ("5061 sip1", "5062 sip1", f"{HOST}:5062"),
            ("5061 sip1", "5061 other", f"other.{DOMAIN}:5061"),
            ("5061 sip1", "5061 .", "locate.no-service"),
            ("_sips._tcp SRV 10 0 5061 sip1\n", "@ A 192.0.2.99\n", f"{DOMAIN}:5061"),
        ],
    )
    def test_a_server_that_a_domain_does_not_lead_to_is_rejected_for_it(
        self, world: World, statuses: Sequence[str], old: str, new: str, found: str
    ) -> None:
        issued = both_names()
        served(world, ZONE.replace(old, new) + "other A 192.0.2.11\n" + tlsa(issued), whole(issued), *statuses)
        ran = check(world, "--domain", DOMAIN, "--format", "json")
        assert (ran.exit_code, ran.verdict) == (1, ("REJECTED", "none", "dane.not-a-target"))
        assert ran.json["verdict"]["domain"] == DOMAIN
        (finding,) = [each for each in ran.json["findings"] if each["code"] == "dane.not-a-target"]
        assert finding["expected"] == SERVER
        assert finding["found"].removesuffix(".unproven") == found
        (step,) = ran.json["verdict"]["steps"]
        assert (step["code"], step["expected"], step["found"]) == ("dane.not-a-target", SERVER, finding["found"])
        # What is said of the records is as true as without a domain.
        assert [each["result"] for each in ran.json["records"]] == ["match"]
        assert ("dane.unsigned" in codes(ran)) is (statuses[0] == "insecure")

    def test_the_text_rejects_it_for_the_domain_and_says_so_once(self, world: World) -> None:
        issued = both_names()
        served(world, ZONE.replace("5061 sip1", "5062 sip1") + tlsa(issued), whole(issued))
        ran = check(world, "--domain", DOMAIN)
        assert " ".join(ran.out.partition("\n\n")[0].split()) == (f"✗ REJECTED {SERVER} dane.not-a-target for {DOMAIN}")
        assert ran.out.count("dane.not-a-target —") == 1
        assert "VERIFIED" not in ran.out
        assert f"found     {HOST}:5062" in ran.out
        assert ran.out.index("DOMAIN  example.com") < ran.out.index("dane.not-a-target —") < ran.out.index("PEER  ")

    @pytest.mark.req("R7673-3.1-2")
    @pytest.mark.parametrize("leads", [True, False])
    @pytest.mark.parametrize(
        ("name", "status", "code"),
        [
            (f"_sips._tcp.{DOMAIN}", "bogus", "dnssec.bogus"),
            (f"_sips._tcp.{DOMAIN}", "failed", "locate.servfail"),
            (DOMAIN, "bogus", "dnssec.bogus"),
        ],
    )
    def test_a_domain_whose_servers_are_not_known_leaves_it_open(
        self, world: World, leads: bool, name: str, status: str, code: str
    ) -> None:
        issued = both_names()
        zone = ZONE if leads else ZONE.replace("5061 sip1", "5062 sip1")
        host = f"{HOST}=secure"
        served(world, zone + tlsa(issued), whole(issued), "secure", f"{name}={status}", host)
        ran = check(world, "--domain", DOMAIN, "--format", "json")
        assert (ran.exit_code, ran.verdict) == (3, ("UNDETERMINED", "none", code))
        assert ran.json["verdict"]["domain"] == DOMAIN
        assert not {"dane.not-a-target", "dane.unsigned"} & set(codes(ran))
        assert [each["result"] for each in ran.json["records"]] == ["match"]
        assert check(world, "--domain", DOMAIN).first_line == f"? UNDETERMINED  {SERVER}  {code} for {DOMAIN}"

    def test_a_target_without_an_address_is_a_target(self, world: World) -> None:
        zone = ZONE.replace("sip1 A 192.0.2.10", "sip1 TXT x\nother A 192.0.2.11")
        zone += "_sips._tcp SRV 20 0 5061 other\n" + tlsa(leaf())
        served(world, zone, leaf().pem)
        ran = check(world, "--domain", DOMAIN, "--format", "json")
        assert (ran.exit_code, ran.verdict[2]) == (4, "locate.no-service")
        assert "dane.not-a-target" not in codes(ran)

    @pytest.mark.parametrize(
        ("statuses", "names", "outcome"),
        [
            (("insecure",), "domain", ("INSUFFICIENT", "pkix", "policy.too-weak")),
            (("insecure",), "host", ("REJECTED", "none", "id.srv-target-only")),
            (("secure", f"_sips._tcp.{DOMAIN}=insecure"), "domain", ("INSUFFICIENT", "pkix", "policy.too-weak")),
            (("secure", f"_sips._tcp.{DOMAIN}=insecure"), "host", ("REJECTED", "none", "id.srv-target-only")),
            # RFC 7673 section 4.1: the SRV answer alone makes the target's name one that counts.
            (("secure", f"{HOST}=insecure"), "host", ("INSUFFICIENT", "pkix", "policy.too-weak")),
            (("secure",), "host", ("ACCEPTED", "dane-ee", "dane.match")),
        ],
    )
    @pytest.mark.req("R7673-4.1-3", "R5922-7.3-1")
    def test_for_a_domain_the_verdict_is_what_a_client_that_calls_it_comes_to(
        self, world: World, statuses: Sequence[str], names: str, outcome: tuple[str, str, str]
    ) -> None:
        issued = leaf(domain=names == "domain")
        served(world, ZONE + tlsa(issued), issued.pem, *statuses)
        ran = check(world, "--domain", DOMAIN, "--format", "json")
        assert ran.verdict == outcome
        called = run("check", f"sip:{DOMAIN}", *world.arguments, "--now", NOW, "--require", "dane", "--format", "json")
        assert called.verdict == outcome
        assert ran.json["verdict"]["domain"] == DOMAIN

    def test_other_servers_of_the_domain_have_no_say(self, world: World) -> None:
        issued = both_names()
        zone = ZONE + "_sips._tcp SRV 5 0 5061 first\nfirst A 192.0.2.9\n" + tlsa(issued)
        zone += tlsa(issued, "_5061._tcp.first")
        world.zone(zone).trust(root()).dnssec("secure").chain(issued, "192.0.2.9:5061")
        world.chain(leaf(), f"{HOST}:5061")
        ran = check(world, "--domain", DOMAIN, "--format", "json")
        assert (ran.exit_code, ran.verdict[2]) == (1, "dane.no-match")
        assert ran.json["verdict"]["target"]["host"] == HOST

    @pytest.mark.parametrize(
        ("records", "statuses", "verdict"),
        [
            ("_sips._tcp SRV 10 0 5061 sip1\n", ("secure",), ("REJECTED", "none", "dane.not-a-target")),
            ("", ("secure",), ("ACCEPTED", "dane-ee", "dane.match")),
            ("", ("secure", f"_sips._tcp.{DOMAIN}=insecure"), ("INSUFFICIENT", "pkix", "policy.too-weak")),
            ("", ("secure", f"_sips._tcp.{DOMAIN}=bogus"), ("UNDETERMINED", "none", "dnssec.bogus")),
        ],
    )
    def test_a_host_with_the_name_of_the_domain_is_its_server_only_without_srv_records(
        self, world: World, records: str, statuses: Sequence[str], verdict: tuple[str, str, str]
    ) -> None:
        issued = both_names()
        zone = f"{records}@ A 192.0.2.7\nsip1 A 192.0.2.10\n{tlsa(issued, '_5061._tcp')}"
        served(world, zone, whole(issued), *statuses)
        ran = check(world, "--domain", DOMAIN, "--format", "json", server=f"{DOMAIN}:5061")
        assert ran.verdict == verdict
        assert check(world, "--format", "json", server=f"{DOMAIN}:5061").verdict[0] == "ACCEPTED"

    def test_for_a_domain_too_a_server_that_is_down_leaves_it_open(self, world: World) -> None:
        world.zone(ZONE + tlsa(leaf())).dnssec("secure").trust(root())
        ran = check(world, "--domain", DOMAIN, "--format", "json")
        assert (ran.exit_code, ran.verdict[2]) == (3, "net.refused")

    @pytest.mark.req("R7671-7-1", "R7671-5.4-2")
    def test_records_at_the_canonical_name_count_and_pkix_ta_at_an_alias_is_told(self, world: World) -> None:
        issued = both_names()
        zone = ZONE.replace("sip1 A 192.0.2.10", "sip1 CNAME edge.example.net.")
        record = tlsa(issued, "_5061._tcp.edge")
        served(world, zone, whole(issued)).zone("edge A 192.0.2.77\n" + record, "example.net")
        ran = check(world, "--domain", DOMAIN, "--format", "json")
        assert (ran.exit_code, ran.json["owner"]) == (0, "_5061._tcp.edge.example.net")
        authority = run(
            "dane", "generate", "--cert", world.write("r.pem", root().pem), *numbers((0, 0, 1)), "--host", HOST
        )
        again = World(world.folder / "again")
        again.folder.mkdir()
        served(again, zone + authority.out, whole(issued)).zone("edge A 192.0.2.77\n", "example.net")
        assert codes(check(again, "--format", "json"))["dane.pkix-ta-hosted"] == "warning"

    @pytest.mark.parametrize("status", ["bogus", "failed"])
    def test_lookups_that_fail_leave_it_open(self, world: World, status: str) -> None:
        issued = both_names()
        served(world, ZONE + tlsa(issued), whole(issued), "secure", f"_tcp.{HOST}={status}")
        ran = check(world, "--format", "json")
        assert (ran.exit_code, ran.verdict[0]) == (3, "UNDETERMINED")
        assert (ran.json["security"], ran.json["records"], ran.json["findings"]) == (None, [], [])

    def test_a_server_that_is_down_leaves_it_open_and_the_records_are_told(self, world: World) -> None:
        world.zone(ZONE + tlsa(leaf())).dnssec("secure").trust(root())
        ran = check(world, "--format", "json")
        assert (ran.exit_code, ran.verdict[2]) == (3, "net.refused")
        assert [each["result"] for each in ran.json["records"]] == ["unknown"]
        assert "nothing was presented" in check(world).out

    def test_offline_nothing_is_sent_anywhere(self, world: World) -> None:
        issued = both_names()
        served(world, ZONE + tlsa(issued), whole(issued))
        file = world.write("next.pem", leaf().pem)
        for arguments in (
            ("dane", "check", SERVER, "--domain", DOMAIN, *world.arguments),
            ("dane", "rollover", SERVER, "--next-cert", file, *world.arguments),
            ("dane", "generate", "--connect", SERVER, *world.arguments),
            ("dane", "lint", "--zone", world.arguments[1], "--host", HOST, "--chain", file),
        ):
            ran = run_process(*arguments, "--format", "json", program=("-c", WATCHED))
            assert (ran.exit_code in (0, 1), ran.err) == (True, "")
            assert ran.json["exit"] == ran.exit_code

    def test_over_the_network_a_server_is_looked_at_and_let_go(self, world: World) -> None:
        authority = Issuer.root("Network Root", **CURRENT)
        issued = authority.leaf(dns=[HOST], **CURRENT)
        roots = world.write("roots.pem", authority.pem)
        following = world.write("next.pem", authority.leaf(dns=[HOST], **CURRENT).pem)
        with (
            LoopbackServer(tls_server(server_context(issued))) as server,
            NameServer(signed_zone(server.port, tlsa(issued).split()[-1])) as resolver,
        ):
            place = f"{HOST}:{server.port}"
            asked = (place, "--resolver", resolver.address, "--trust-ad", "--ca-file", roots, "--format", "json")
            checked = run("dane", "check", *asked)
            planned = run("dane", "rollover", *asked, "--next-cert", following)
            doubting = run(
                "dane", "check", place, "--resolver", resolver.address, "--ca-file", roots, "--format", "json"
            )
            made = run("dane", "generate", "--connect", *asked)
        assert (checked.exit_code, checked.verdict) == (0, ("ACCEPTED", "dane-ee", "dane.match"))
        assert [each["result"] for each in checked.json["records"]] == ["match"]
        assert (planned.exit_code, len(planned.json["plan"]["stages"])) == (0, 3)
        assert codes(planned) == {"dane.rollover-ttl": "note"}
        assert (doubting.exit_code, codes(doubting)["dane.unsigned"]) == (5, "error")
        assert made.json["records"][0]["owner"] == f"_{server.port}._tcp.{HOST}"
        assert made.json["records"][0]["data"] == checked.json["records"][0]["data"]
        assert [seen.server_name for seen in server.seen] == [HOST] * 4
        assert {seen.received for seen in server.seen} == {b""}

    @pytest.mark.req("R7673-4.1-4")
    def test_over_the_network_a_domain_is_called_by_the_name_that_its_clients_ask_for(self, world: World) -> None:
        authority = Issuer.root("Network Root", **CURRENT)
        issued, other = authority.leaf(dns=[HOST], **CURRENT), authority.leaf(uris=[f"sip:{DOMAIN}"], **CURRENT)
        roots = world.write("roots.pem", authority.pem)
        with (
            LoopbackServer(named(server_context(issued), {DOMAIN: server_context(other)})) as server,
            NameServer(signed_zone(server.port, tlsa(issued).split()[-1])) as resolver,
        ):
            asked = ("dane", "check", f"{HOST}:{server.port}", "--domain", DOMAIN, "--resolver", resolver.address)
            trusting = run(*asked, "--ca-file", roots, "--trust-ad", "--format", "json")
            one = [seen.server_name for seen in server.seen]
            doubting = run(*asked, "--ca-file", roots, "--format", "json")
            two = [seen.server_name for seen in server.seen[len(one) :]]
            text = run(*asked, "--ca-file", roots).out
        assert (trusting.verdict, one) == (("ACCEPTED", "dane-ee", "dane.match"), [HOST])
        assert (doubting.verdict, two) == (("INSUFFICIENT", "pkix", "policy.too-weak"), [HOST, DOMAIN])
        assert "PEER  127.0.0.1  uri 'sip:example.com'" in text

    def test_over_the_network_no_other_server_of_the_domain_is_connected_to(self) -> None:
        issued = self_signed(dns=[HOST], **CURRENT)
        with (
            LoopbackServer(tls_server(server_context(issued))) as server,
            LoopbackServer(tls_server(server_context(issued))) as other,
            NameServer(signed_zone(server.port, tlsa(issued).split()[-1], other.port)) as resolver,
        ):
            place = ("--resolver", resolver.address, "--trust-ad", "--format", "json")
            ran = run("dane", "check", f"{HOST}:{server.port}", "--domain", DOMAIN, *place)
        assert (ran.exit_code, ran.verdict) == (1, ("REJECTED", "none", "dane.not-a-target"))
        assert (len(server.seen), other.seen) == (1, [])
        assert codes(ran)["dane.not-a-target"] == "error"

    def test_nobody_answers(self) -> None:
        ran = run("dane", "check", "localhost:1", "--resolver", "127.0.0.1:1", "--timeout", "5", "--format", "json")
        assert (ran.exit_code, ran.verdict[0]) == (3, "UNDETERMINED")


def named(context: ssl.SSLContext, others: dict[str, ssl.SSLContext]) -> Behaviour:
    """Serve TLS with a certificate for each name that a client may ask for."""

    def behave(connection: socket.socket, seen: Seen) -> None:
        def choose(tls: ssl.SSLSocket | ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
            seen.server_name = name
            tls.context = others.get(name or "", context)

        context.sni_callback = choose
        with context.wrap_socket(connection, server_side=True) as stream, contextlib.suppress(OSError):
            seen.received += stream.recv(4096)

    return behave


def signed_zone(port: int, digits: str, srv_port: int = 0) -> Script:
    """A resolver that says of all its answers that it has validated them."""
    records = {
        (f"{HOST}.", "A"): f"{HOST}. 60 IN A 127.0.0.1",
        (f"_sips._tcp.{DOMAIN}.", "SRV"): f"_sips._tcp.{DOMAIN}. 60 IN SRV 0 0 {srv_port or port} {HOST}.",
        (f"_{port}._tcp.{HOST}.", "TLSA"): f"_{port}._tcp.{HOST}. 60 IN TLSA 3 1 1 {digits}",
    }
    soa = "example.com. 60 IN SOA ns1.example.com. h.example.com. 1 2 3 4 60"

    def script(query: dns.message.Message, _tcp: bool) -> dns.message.Message:
        question = query.question[0]
        found = records.get((question.name.to_text(), dns.rdatatype.to_text(question.rdtype)))
        return response(query, found, ad=True) if found else response(query, authority=(soa,), ad=True)

    return script


class TestRollover:
    def world(self, world: World, issued: Issued, *more: str) -> World:
        return served(world, ZONE + tlsa(issued) + "".join(more), whole(issued))

    @pytest.mark.req("R7671-8.1-1")
    def test_the_plan_has_dates_and_lines_for_the_zone(self, world: World) -> None:
        current, following = both_names(), both_names()
        self.world(world, current)
        next_file = world.write("next.pem", whole(following))
        ran = rollover(world, "--next-cert", next_file, "--format", "json")
        stages = ran.json["plan"]["stages"]
        assert [(stage["action"], stage["at"]) for stage in stages] == [
            ("publish", "2026-11-22T12:00:00Z"),
            ("switch", "2026-11-22T16:00:00Z"),
            ("remove", "2026-11-22T20:00:00Z"),
        ]
        old, new = tlsa(current).split()[-1], tlsa(following).split()[-1]
        assert [[record["data"] for record in stage["records"]] for stage in stages] == [[old, new], [old, new], [new]]
        assert (ran.exit_code, ran.json["ttl"], ran.json["findings"]) == (0, 7200, [])
        text = rollover(world, "--next-cert", next_file)
        assert max(len(line) for line in text.out.splitlines()) <= 80
        assert f"{OWNER}. 7200 IN TLSA 3 1 1 (" in text.out

    @pytest.mark.req("R7671-8.1-1")
    def test_what_it_prints_for_the_zone_is_accepted_before_and_after(self, world: World) -> None:
        current, following = both_names(), both_names()
        self.world(world, current)
        text = rollover(world, "--next-cert", world.write("next.pem", whole(following))).out
        during = text[text.index("  1  ") : text.index("  2  ")].partition("\n")[2]
        lines = [line for line in during.splitlines() if line.startswith("     ")]
        for number, issued in enumerate((current, following)):
            other = World(world.folder / str(number))
            other.folder.mkdir()
            served(other, ZONE + "\n".join([line[5:] for line in lines]), whole(issued))
            assert check(other).exit_code == 0

    @pytest.mark.req("R7671-8.1-1")
    @pytest.mark.parametrize(
        ("switch", "code"), [("2026-11-22T16:00:00Z", 0), ("2026-11-22T15:59:59Z", 1), ("2026-12-24T00:00:00Z", 0)]
    )
    def test_a_switch_that_is_too_early_exits_with_1(self, world: World, switch: str, code: int) -> None:
        self.world(world, both_names())
        more = ("--next-cert", world.write("next.pem", whole(both_names())), "--switch", switch)
        ran = rollover(world, *more, "--format", "json")
        assert (ran.exit_code, list(codes(ran))) == (code, ["dane.rollover-late"] if code else [])
        assert rollover(world, *more).first_line.startswith("✗ STOP" if code else "✓ PLAN")
        if code:
            assert "found     2026-11-22T15:59:59Z, which is 0:00:01 too early" in rollover(world, *more).out

    def test_the_ttl_of_the_zone_and_the_day_of_publication_may_be_given(self, world: World) -> None:
        current, following = both_names(), both_names()
        self.world(world, current, tlsa(following))
        more = ("--next-cert", world.write("next.pem", whole(following)), "--ttl", "3600")
        since = ("--published", "2026-11-22T11:00:00Z")
        assert rollover(world, *more, *since, "--format", "json").json["plan"]["earliest"] == "2026-11-22T13:00:00Z"
        assert rollover(world, *more, "--format", "json").json["plan"]["earliest"] == "2026-11-22T14:00:00Z"

    def test_with_the_same_key_there_is_nothing_to_do(self, world: World) -> None:
        current = both_names()
        self.world(world, current)
        renewed = root().leaf(uris=[f"sip:{DOMAIN}"], key=current.key)
        for more in (
            ("--next-cert", world.write("n.pem", renewed.pem)),
            ("--next-key", world.write("n.key", renewed.key_pem)),
        ):
            ran = rollover(world, *more, "--switch", NOW, "--format", "json")
            assert (ran.exit_code, ran.json["plan"]["stages"]) == (0, [])
            assert "nothing has to be published or awaited" in " ".join(rollover(world, *more).out.split())

    def test_a_key_does_not_do_where_a_certificate_is_named(self, world: World) -> None:
        issued = both_names()
        record = run(
            "dane", "generate", "--cert", world.write("c.pem", issued.pem), *numbers((3, 0, 1)), "--host", HOST
        )
        served(world, ZONE + record.out, whole(issued))
        ran = rollover(world, "--next-key", world.write("n.key", leaf().key_pem), "--format", "json")
        assert (ran.exit_code, codes(ran)) == (1, {"dane.rollover-unmade": "error"})

    def test_before_there_is_a_next_key_the_dates_are_told(self, world: World) -> None:
        self.world(world, both_names())
        ran = rollover(world)
        assert ran.exit_code == 0
        assert "; _5061._tcp.sip1.example.com. 7200 IN TLSA 3 1 1 and the digest of what" in ran.out

    def test_where_nothing_is_published_yet_both_keys_are(self, world: World) -> None:
        served(world, ZONE, whole(both_names()))
        ran = rollover(world, "--next-cert", world.write("n.pem", leaf().pem), "--format", "json")
        assert len(ran.json["plan"]["added"]) == 2
        assert ran.json["ttl"] == 3600

    def test_a_certificate_that_expires_before_the_switch_is_told(self, world: World) -> None:
        self.world(world, both_names())
        following = root().leaf(uris=[f"sip:{DOMAIN}"], not_after=datetime(2030, 1, 1, tzinfo=UTC))
        more = ("--next-cert", world.write("n.pem", following.pem), "--switch", "2028-01-01T00:00:00Z")
        assert codes(rollover(world, *more, "--format", "json")) == {"dane.rollover-expires": "warning"}

    def test_what_is_wrong_with_the_next_certificate_is_told_now(self, world: World) -> None:
        issued = both_names()
        record = run(
            "dane", "generate", "--cert", world.write("c.pem", issued.pem), *numbers((1, 1, 1)), "--host", HOST
        )
        served(world, ZONE + record.out, whole(issued))
        old = root().leaf(dns=[HOST], not_after=datetime(2026, 11, 21, tzinfo=UTC))
        ran = rollover(world, "--next-cert", world.write("old.pem", old.pem), "--format", "json")
        assert (ran.exit_code, codes(ran)) == (1, {"chain.expired": "error"})

    def test_while_nothing_matches_what_is_there_now_nothing_is_fine(self, world: World) -> None:
        current, following = both_names(), both_names()
        served(world, ZONE + "_5061._tcp.sip1 TLSA 3 1 1 " + "ab" * 32 + "\n", whole(current))
        more = ("--next-cert", world.write("next.pem", whole(following)))
        ran = rollover(world, *more, "--format", "json")
        assert (ran.exit_code, codes(ran)) == (1, {"dane.no-match": "error"})
        assert tlsa(current).split()[-1] in ran.json["findings"][0]["found"]
        assert rollover(world, *more).first_line.startswith("✗ STOP")

    def test_where_only_the_next_key_is_published_the_outage_of_today_is_told(self, world: World) -> None:
        current, following = both_names(), both_names()
        served(world, ZONE + tlsa(following), whole(current))
        more = ("--next-cert", world.write("next.pem", whole(following)))
        ran = rollover(world, *more, "--format", "json")
        assert (ran.exit_code, codes(ran), ran.json["plan"]["stages"]) == (1, {"dane.no-match": "error"}, [])
        assert tlsa(current).split()[-1] in ran.json["findings"][0]["found"]
        text = rollover(world, *more)
        assert text.first_line.startswith("✗ STOP")
        assert "no record matches what it presents now; the records fit what comes next" in " ".join(text.out.split())

    def test_an_authority_that_does_not_match_today_is_told_without_a_next_certificate(self, world: World) -> None:
        served(world, ZONE + "_5061._tcp.sip1 TLSA 2 0 1 " + "ab" * 32 + "\n", whole(both_names()))
        ran = rollover(world, "--format", "json")
        assert (ran.exit_code, ran.json["plan"]["stages"]) == (1, [])
        assert codes(ran)["dane.no-match"] == "error"

    @pytest.mark.parametrize(
        ("first", "last"),
        [
            (datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)),
            (datetime(2026, 11, 23, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)),
        ],
    )
    def test_a_next_certificate_that_is_not_valid_at_the_switch_is_told(
        self, world: World, first: datetime, last: datetime
    ) -> None:
        self.world(world, both_names())
        old = root().leaf(uris=[f"sip:{DOMAIN}"], dns=[HOST], not_before=first, not_after=last)
        more = ("--next-cert", world.write("old.pem", old.pem))
        ran = rollover(world, *more, "--format", "json")
        assert (ran.exit_code, codes(ran)) == (0, {"dane.rollover-dates": "warning"})
        finding = ran.json["findings"][0]
        assert finding["expected"] == "valid at 2026-11-22T16:00:00Z"
        assert finding["found"] == f"valid from {first:%Y-%m-%d}T00:00:00Z to {last:%Y-%m-%d}T00:00:00Z"
        assert "dane.rollover-dates" in rollover(world, *more).out

    def test_a_next_certificate_that_is_malformed_is_told_with_its_file_and_place(self, world: World) -> None:
        self.world(world, both_names())
        names = sequence(der(0x82, HOST.encode()), der(0x9F, b"?"))
        extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(SUBJECT_ALT_NAME), names)
        file = world.write("malformed.pem", root().leaf(extensions=[(extension, False)]).pem)
        ran = rollover(world, "--next-cert", file, "--format", "json")
        assert (ran.exit_code, ran.error["code"], ran.error["file"]) == (2, "input.unreadable", file)
        assert ran.error["message"].startswith(f"{file}: certificate 1: extensions[")
        assert "subjectAltName" in ran.error["message"]
        text = rollover(world, "--next-cert", file)
        assert (text.exit_code, text.out) == (2, "")

    @pytest.mark.parametrize("known", [True, False])
    def test_a_day_of_publication_of_what_is_not_published_is_told_to_be_worth_nothing(
        self, world: World, known: bool
    ) -> None:
        self.world(world, both_names())
        more = ("--next-cert", world.write("n.pem", leaf().pem)) if known else ()
        since = ("--published", "2026-11-20T00:00:00Z")
        ran = rollover(world, *more, *since, "--format", "json")
        assert (ran.exit_code, codes(ran)) == (0, {"dane.rollover-unpublished": "warning"})
        expected = f"3 1 1 {tlsa(leaf()).split()[-1]}" if known else "3 1 1 and the digest of what comes next"
        assert ran.json["findings"][0]["expected"] == f"{expected} at {OWNER}"
        assert ran.json["plan"]["earliest"] == "2026-11-22T16:00:00Z"
        assert ran.json["plan"] == rollover(world, *more, "--format", "json").json["plan"]

    def test_records_that_may_be_forged_are_not_handed_on_without_a_word(self, world: World) -> None:
        current = both_names()
        served(world, ZONE + tlsa(current), whole(current), "insecure")
        ran = rollover(world, "--format", "json")
        assert (ran.exit_code, codes(ran)) == (0, {"dane.insecure": "note"})
        assert "compare them with those in the zone" in ran.json["findings"][0]["found"]

    @pytest.mark.parametrize("status", ["bogus", "failed"])
    def test_without_an_answer_there_is_no_plan(self, world: World, status: str) -> None:
        issued = both_names()
        served(world, ZONE + tlsa(issued), whole(issued), "secure", f"_tcp.{HOST}={status}")
        ran = rollover(world, "--format", "json")
        assert ran.exit_code == 3
        assert ran.error["code"] in {"dnssec.bogus", "dane.lookup-failed"}

    def test_without_a_server_there_is_no_plan(self, world: World) -> None:
        world.zone(ZONE + tlsa(leaf())).dnssec("secure").trust(root())
        assert rollover(world, "--format", "json").error["code"] == "net.refused"


CHAIN_FILE = str(GOLDEN / "domain.pem")
ZONE_FILE = str(GOLDEN / "signed.zone")
WRONG = [
    (("dane",), "siptls"),
    (("dane", "mend"), "mend"),
    (("dane", "generate"), "--cert, --key, --connect"),
    (("dane", "generate", "--cert", CHAIN_FILE, "--key", CHAIN_FILE), "expected one of"),
    (("dane", "generate", "--cert", CHAIN_FILE, "--usage", "4"), "3 or DANE-EE"),
    (("dane", "generate", "--cert", CHAIN_FILE, "--selector", "key"), "1 or SPKI"),
    (("dane", "generate", "--cert", CHAIN_FILE, "--matching", "-1"), "2 or SHA2-512"),
    (("dane", "generate", "--cert", CHAIN_FILE, "--owner", "a b"), "_5061._tcp.sip1.example.com"),
    (("dane", "generate", "--cert", CHAIN_FILE, "--owner", OWNER, "--port", "5061"), "--owner contradicts"),
    (("dane", "generate", "--cert", CHAIN_FILE, "--port", "5061"), "--port needs --host"),
    (("dane", "generate", "--cert", CHAIN_FILE, "--host", "-x"), "domain name"),
    (("dane", "generate", "--cert", CHAIN_FILE, "--host", "a" * 60 + ("." + "b" * 60) * 3 + ".c23456"), "room for"),
    (("dane", "generate", "--cert", CHAIN_FILE, "--ttl", "-1"), "--ttl"),
    (("dane", "generate", "--connect", "a b"), "HOST:PORT"),
    (("dane", "generate", "--connect", "[::g]:1"), "HOST:PORT"),
    (("dane", "generate", "--connect", "[::1::]:1"), "IPv6"),
    (("dane", "generate", "--connect", "host:99999"), "65535"),
    (("dane", "lint"), "3 1 1 8d0d"),
    (("dane", "lint", "3 1 1 00", "3 1 x 00"), "record 2: '3 1 x 00': expected a matching type"),
    (("dane", "lint", "3 1 1 0g"), "hexadecimal"),
    (("dane", "lint", "3 1 1 00", "--zone", f"example.com={ZONE_FILE}", "--host", HOST), "contradict --zone"),
    (("dane", "lint", "--zone", f"example.com={ZONE_FILE}"), "--zone needs --host"),
    (("dane", "lint", "--zone", f"example.com={ZONE_FILE}", "--host", "sip.example.org"), "no zone holds"),
    (("dane", "check",), "HOST[:PORT]"),
    (("dane", "check", "sip:example.com"), "HOST:PORT"),
    (("dane", "check", "192.0.2.1"), "an address has no TLSA records"),
    (("dane", "check", "[2001:db8::1]:5061"), "an address has no TLSA records"),
    (("dane", "check", HOST, "--domain", "a b"), "domain name"),
    (("dane", "check", HOST, "--chain", CHAIN_FILE), "--zone"),
    (("dane", "rollover", HOST, "--next-cert", CHAIN_FILE, "--next-key", CHAIN_FILE), "--next-cert contradicts"),
    (("dane", "rollover", HOST, "--switch", "tomorrow"), "2026-11-22T00:00:00Z"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=[shlex.join(arguments) for arguments, _ in WRONG])
def test_a_wrong_command_line_is_told_the_place_and_what_was_expected(arguments: Sequence[str], said: str) -> None:
    text = run(*arguments)
    assert (text.exit_code, text.out) == (2, "")
    assert text.err.startswith("siptls: ")
    assert said in text.err
    as_json = run(*arguments, "--format", "json")
    assert (as_json.exit_code, as_json.err, as_json.error["code"]) == (2, "", "usage.error")


@pytest.mark.parametrize("option", ["--cert", "--key"])
def test_files_that_cannot_be_read_are_told_with_their_name(world: World, option: str) -> None:
    files = [
        str(world.folder / "nothing.pem"),
        world.write("text.pem", "no PEM"),
        world.write("broken.der", b"\x30\x00"),
    ]
    for file in files:
        ran = run("dane", "generate", option, file, "--format", "json")
        assert (ran.exit_code, ran.error["code"], ran.error["file"]) == (2, "input.unreadable", file)


ESCAPES = (b"\x1b[31mRED\x1b[0m", b"\x9b31m", b"\r\n\x1b[2J", b"[red]bold[/red]", b"\xe2\x80\xae", b"; evil\n3 1 1")


@pytest.mark.parametrize("octets", ESCAPES)
@pytest.mark.parametrize("shown", [(), ("--ascii",), ("--format", "json")])
def test_hostile_text_acts_on_no_terminal_and_leaves_no_comment(
    world: World, octets: bytes, shown: Sequence[str]
) -> None:
    names = sequence(der(0x82, octets), der(0x86, b"sip:" + octets), der(0x82, b"other.example"))
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(SUBJECT_ALT_NAME), names)
    issued = root().leaf(extensions=[(extension, False)], cn=octets.decode("utf-8", "replace"))
    file = world.write("leaf.pem", issued.pem)
    made = run("dane", "generate", "--cert", file, "--host", HOST, *shown)
    record = run("dane", "generate", "--cert", file, "--usage", "1", "--host", HOST).out
    served(world, ZONE + record + f"_5061._tcp.sip1 TLSA 3 1 1 {'ab' * 32}\n", issued.pem)
    text = octets.decode("latin-1")
    runs = [
        made,
        check(world, *shown),
        rollover(world, "--next-cert", file, *shown),
        run("dane", "lint", "1 1 1 " + "ab" * 32, "--chain", file, "--domain", DOMAIN, *shown),
        run("dane", "lint", text, *shown),
        run("dane", "check", text, *shown),
        run("dane", "generate", "--connect", text, *shown),
        run("dane", "generate", "--cert", text, *shown),
        run("dane", "generate", "--cert", file, "--owner", text, *shown),
    ]
    assert all(map(harmless, runs))
    assert [ran.exit_code for ran in runs] == [0, 1, runs[2].exit_code, 1, 2, 2, 2, 2, 2]
    if not shown:
        lines = made.out.splitlines()
        assert all(re.match(r"; |_5061\._tcp\.|    ", line) for line in lines)


@pytest.mark.parametrize("columns", ["40", "57", "200"])
def test_reports_fit_the_terminal(monkeypatch: pytest.MonkeyPatch, world: World, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    issued = both_names()
    served(world, ZONE + tlsa(issued), whole(issued))
    file = world.write("next.pem", leaf().pem)
    runs = [check(world), rollover(world), run("dane", "lint", "3 1 1 00", "--chain", file)]
    for ran in runs:
        text = [
            line
            for line in ran.out.splitlines()
            if "TLSA 3 1 1" not in line and not re.fullmatch(r" *[0-9a-f]{64}", line)
        ]
        assert max(map(len, text)) <= int(columns)


def test_python_reads_the_json_of_every_verb(world: World) -> None:
    issued = both_names()
    served(world, ZONE + tlsa(issued), whole(issued))
    place = {"host", "port", "owner"}
    keys: list[tuple[tuple[str, ...], set[str]]] = [
        (("generate", "--connect", SERVER), {"records", "of", "source", "verified", "remarks", "findings", "exit"}),
        (
            ("check", SERVER),
            {*place, "domain", "security", "ttl", "records", "missing", "verdict", "findings", "duration_ms", "exit"},
        ),
        (("rollover", SERVER), {*place, "ttl", "plan", "findings", "exit"}),
    ]
    for verb, wanted in keys:
        ran = run_process("dane", *verb, *world.arguments, "--now", NOW, "--format", "json")
        assert (ran.exit_code, ran.err) == (0, "")
        found: dict[str, Any] = ran.json
        assert set(found) == wanted


if __name__ == "__main__":
    for world_name, its_arguments in WORLDS:
        (GOLDEN / f"{world_name}.txt").write_text(golden(its_arguments), encoding="utf-8")


@pytest.mark.parametrize(
    "more",
    [
        ("--ttl", "2147483647", "--now", "9990-01-01T00:00:00Z"),
        ("--ttl", "2147483647", "--switch", "0001-01-01T00:00:00Z", "--now", "2026-11-22T00:00:00Z"),
        ("--published", "2030-01-01T00:00:00Z", "--now", "2026-11-22T00:00:00Z"),
    ],
)
def test_times_of_a_rollover_that_make_no_sense_are_usage_errors(more: tuple[str, ...]) -> None:
    pages = Path(__file__).parents[2] / "docs" / "examples"
    world = ("--zone", f"example.com={pages / 'example.com.zone'}", "--dnssec", "secure")
    files = ("--chain", str(pages / "chain.pem"), "--ca-file", str(pages / "roots.pem"))
    ran = run("dane", "rollover", "sip1.example.com", *world, *files, "--next-cert", str(pages / "renewed.pem"), *more)
    assert ran.exit_code == 2
    assert ran.out == ""
    assert "bug" not in ran.err
