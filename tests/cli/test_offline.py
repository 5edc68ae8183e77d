"""Offline worlds: what the zones, statuses and chains of the command line mean, and that nothing leaves the machine."""

import base64
from pathlib import Path

import pytest

from cli.console import run, run_process
from cli.offline import HOST, NOW, URI, ZONE, World, accepted, leaf, root, tlsa
from pki import Issuer

# Every way in which Python resolves names or sends to the network raises an audit event before it happens.
WATCHED = """
import sys
def watch(event, arguments):
    if event.startswith(("socket.connect", "socket.send", "socket.bind", "socket.getaddr", "socket.gethostby")):
        raise SystemExit(f"network: {event} {arguments}")
sys.addaudithook(watch)
from siptls_cli.__main__ import main
sys.exit(main())
"""


def test_with_a_zone_nothing_is_sent_anywhere(tmp_path: Path) -> None:
    ran = run_process(*accepted(tmp_path).check(), program=("-c", WATCHED))
    assert (ran.exit_code, ran.err) == (0, "")


def test_the_watch_sees_what_is_sent() -> None:
    ran = run_process("check", "sip:127.0.0.1:1", program=("-c", WATCHED))
    assert ran.err.startswith("network: socket.connect")


def codes(world: World, *more: str) -> list[str]:
    return [step["code"] for step in run(*world.check("--format", "json", *more)).json["verdict"]["steps"]]


def test_the_zone_with_the_longest_name_holds_a_name(world: World) -> None:
    world.zone(ZONE).zone("@ A 192.0.2.99\n", HOST).dnssec("secure")
    targets = run(*world.locate("--format", "json")).json["targets"]
    assert [target["address"] for target in targets] == ["192.0.2.99"]


def test_an_alias_leads_from_zone_to_zone_with_the_status_of_each_hop(world: World) -> None:
    zone = ZONE.replace("sip1 A 192.0.2.10", "sip1 CNAME edge.example.net.")
    world.zone(zone).zone("edge A 192.0.2.77\n", "example.net").dnssec("secure", "example.net=insecure")
    found = run(*world.locate("--format", "json")).json
    assert [target["address"] for target in found["targets"]] == ["192.0.2.77"]
    step = next(step for step in found["steps"] if " A " in step["found"])
    assert step["found"] == f"{HOST} A -> edge.example.net (secure): 192.0.2.77 (insecure)"


def test_a_name_in_no_zone_is_refused(world: World) -> None:
    world.zone(ZONE.replace("5061 sip1", "5061 sip.example.net.")).dnssec("secure")
    ran = run(*world.check("--format", "json"))
    assert (ran.exit_code, ran.verdict) == (3, ("UNDETERMINED", "none", "locate.refused"))


def test_a_server_without_a_chain_refuses_connections(world: World) -> None:
    world.zone(ZONE).dnssec("secure").chain(leaf(), "192.0.2.11:5061").chain(leaf(), f"{HOST}:5062").trust(root())
    ran = run(*world.check("--format", "json"))
    assert (ran.exit_code, ran.verdict) == (3, ("UNDETERMINED", "none", "net.refused"))


@pytest.mark.parametrize("server", ["", f"{HOST}:5061", f"{HOST.upper()}.:5061", "192.0.2.10:5061"])
def test_a_chain_is_for_a_name_or_an_address_with_its_port_or_for_all(world: World, server: str) -> None:
    world.zone(ZONE).chain(leaf(), server).trust(root())
    assert run(*world.check("--format", "json")).verdict == ("ACCEPTED", "pkix", "id.match")


def test_a_chain_is_found_by_an_ipv6_address_however_it_is_written(world: World) -> None:
    world.zone(ZONE.replace("A 192.0.2.10", "AAAA 2001:db8::10")).chain(leaf(), "[2001:DB8:0::10]:5061").trust(root())
    assert run(*world.check("--format", "json")).verdict == ("ACCEPTED", "pkix", "id.match")


@pytest.mark.req("D-SEC-11")
def test_after_a_bad_server_the_next_one_is_tried(world: World) -> None:
    zone = ZONE + "_sips._tcp SRV 20 0 5061 sip2\nsip2 A 192.0.2.20\n" + tlsa(leaf()) + tlsa(leaf(), "_5061._tcp.sip2")
    world.zone(zone).dnssec("secure").chain(leaf(domain=False), f"{HOST}:5061").chain(leaf(), "sip2.example.com:5061")
    world.trust(root())
    ran = run(*world.check("--format", "json"))
    assert (ran.exit_code, ran.json["verdict"]["target"]["host"]) == (0, "sip2.example.com")
    assert "dane.no-match" in [step["code"] for step in ran.json["verdict"]["steps"]]


def test_a_status_is_for_a_name_and_all_below_it_and_the_longest_name_wins(world: World) -> None:
    world.zone(ZONE + tlsa(leaf())).chain(leaf()).trust(root()).dnssec("bogus", "example.com=secure")
    assert run(*world.check("--format", "json")).verdict == ("ACCEPTED", "dane-ee", "dane.match")
    world.dnssec(f"_tcp.{HOST}=failed")
    assert run(*world.check("--format", "json")).verdict == ("UNDETERMINED", "none", "dane.lookup-failed")


def test_without_a_status_everything_is_insecure(world: World) -> None:
    world.zone(ZONE + tlsa(leaf(domain=False))).chain(leaf()).trust(root())
    ran = run(*world.check("--format", "json"))
    assert ran.verdict == ("ACCEPTED", "pkix", "id.match")
    assert "delegation.tainted" in codes(world)


@pytest.mark.parametrize(
    ("now", "code", "exit_code"),
    [
        ("2026-11-22T12:00:00Z", "id.match", 0),
        ("2026-11-22t13:00:00.5+01:00", "id.match", 0),
        ("2030-01-01T00:00:00Z", "chain.expired", 1),
        ("2020-01-01T00:00:00-08:00", "chain.not-yet-valid", 1),
    ],
)
def test_certificates_are_judged_as_of_the_time_given(world: World, now: str, code: str, exit_code: int) -> None:
    world.zone(ZONE).chain(leaf()).trust(root())
    ran = run("check", URI, *world.arguments, "--now", now, "--format", "json")
    assert (ran.exit_code, ran.json["verdict"]["code"]) == (exit_code, code)


def test_a_given_ca_file_replaces_the_systems_roots(world: World) -> None:
    world.zone(ZONE).chain(leaf(trusted=False)).trust(root())
    ran = run(*world.check("--format", "json"))
    assert (ran.exit_code, ran.json["verdict"]["code"].partition(".")[0]) == (1, "chain")


def test_families_and_transports_can_be_chosen(world: World) -> None:
    world.zone(ZONE + "sip1 AAAA 2001:db8::10\n_sip._tcp SRV 5 0 5060 sip1\n_sip._udp SRV 5 0 5060 sip1\n")

    def found(*more: str) -> list[tuple[str, str]]:
        targets = run(*world.locate("--format", "json", *more)).json["targets"]
        return [(target["transport"], target["address"]) for target in targets]

    assert found() == [("TLS", "2001:db8::10"), ("TLS", "192.0.2.10")]
    assert found("-4") == [("TLS", "192.0.2.10")]
    assert found("-6") == [("TLS", "2001:db8::10")]
    assert found("-4", "-6") == found()
    assert found("-4", "--transport", "udp", "--transport", "tcp") == [("UDP", "192.0.2.10")]


def test_what_a_library_thinks_of_a_root_is_not_printed(world: World) -> None:
    # Some old roots have serial numbers that are not positive, which makes `cryptography` warn.
    old = Issuer.root("Old Root")
    der = bytearray(old.der)
    serial = old.certificate.serial_number.to_bytes(20)
    at = der.index(serial.lstrip(b"\0"))
    der[at] |= 0x80  # now it is negative
    pem = "-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der).decode() + "-----END CERTIFICATE-----\n"
    world.zone(ZONE).chain(leaf())
    ran = run_process(*world.check("--format", "json"), "--ca-file", world.write("both.pem", pem.encode() + root().pem))
    assert (ran.exit_code, ran.err) == (0, "")


def test_audit_is_the_default_and_can_be_switched_off(tmp_path: Path) -> None:
    world = accepted(tmp_path)
    assert "chain.also-pkix" in codes(world)
    assert "chain.also-pkix" not in codes(world, "--no-audit")


@pytest.mark.parametrize(
    ("flag", "with_it"),
    [("--strict-dane", ("REJECTED", "none", "dane.unusable")), ("--eku", ("REJECTED", "none", "chain.eku"))],
)
def test_options_of_the_policy_reach_the_judge(world: World, flag: str, with_it: tuple[str, str, str]) -> None:
    issued = root().leaf(uris=["sip:example.com"], eku=["1.3.6.1.5.5.7.3.1"])
    world.zone(ZONE + "_5061._tcp.sip1 TLSA 3 1 9 00\n").dnssec("secure").chain(issued).trust(root())
    more = (flag, "strict") if flag == "--eku" else (flag,)
    assert run(*world.check("--format", "json")).verdict == ("ACCEPTED", "pkix", "id.match")
    assert run(*world.check("--format", "json", *more)).verdict == with_it


def test_names_that_policy_may_allow_are_refused_without_it(world: World) -> None:
    world.zone(ZONE).dnssec("secure").trust(root()).chain(root().leaf(cn="example.com"), f"{HOST}:5061")
    assert run(*world.check("--format", "json")).exit_code == 1
    ran = run(*world.check("--format", "json", "--allow-cn"))
    assert ran.verdict == ("ACCEPTED", "pkix", "id.match")
    assert "policy.relaxed" in [step["code"] for step in ran.json["verdict"]["steps"]]


def test_wildcards_and_target_names_are_options(world: World) -> None:
    world.zone(ZONE).dnssec("secure").trust(root()).chain(root().leaf(dns=["*.example.com"]))
    assert run(*world.check("--format", "json")).exit_code == 1
    assert run(*world.check("--format", "json", "--allow-wildcards")).exit_code == 0


def test_the_target_name_can_be_required(world: World) -> None:
    world.zone(ZONE).dnssec("secure").trust(root()).chain(leaf())
    assert run(*world.check("--format", "json")).exit_code == 0
    assert run(*world.check("--format", "json", "--require-target-name")).verdict == (
        "REJECTED",
        "none",
        "id.target-name",
    )


def test_an_internationalised_uri_is_understood(world: World) -> None:
    world.zone(ZONE, "xn--bcher-kva.example")
    ran = run("locate", "sip:alice@bücher.example", *world.arguments, "--format", "json")
    assert ran.json["targets"][0]["host"] == "sip1.xn--bcher-kva.example"
    assert ran.json["uri"] == "sip:alice@xn--bcher-kva.example"


def test_a_password_in_the_uri_is_not_repeated(tmp_path: Path) -> None:
    world = accepted(tmp_path)
    for shown in (("--format", "json"), ()):
        ran = run("check", "sip:alice:secret@example.com", *world.arguments, "--now", NOW, *shown)
        assert "secret" not in ran.out.replace("/secret", "")
        assert ran.exit_code == 0


def test_python_reads_the_json_of_every_outcome(tmp_path: Path) -> None:
    for status, code in (("secure", 0), ("insecure", 0), ("bogus", 3), ("failed", 3)):
        folder = tmp_path / status
        folder.mkdir()
        world = World(folder).zone(ZONE + tlsa(leaf())).dnssec(status).chain(leaf()).trust(root())
        ran = run_process(*world.check("--format", "json"))
        assert (ran.exit_code, ran.err) == (code, "")
        assert set(ran.json) == {"uri", "verdict", "duration_ms", "exit"}
        assert ran.json["uri"] == URI
