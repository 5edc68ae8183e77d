"""The machine held against the reference model: what it decided in a world, and what an attacker makes of that world.

case = case_of(octets)
assert not disagreements(case, seed)      # the verdict is one of those that the oracle allows
assert not successes(case, seed)          # no move of an attacker gets anybody accepted (laws 5a and 5b)
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from model_cases import Case
from model_certificates import Server
from model_worlds import EVIL, EVIL_ADDRESSES, ModelWorld
from oracle import Allowed, Oracle, Way, is_address
from oracle_court import Charge, Court, Rule
from play import WILD, Player
from siptls import Connect, Failure, Lookup, Outbound, Verdict
from siptls.dns import Address, Alias, Denial, Naptr, Record, Srv, Tlsa
from world import AT, INSECURE, SECURE, Said
from worlds import heard_in

DROPS = (Failure.TIMEOUT, Failure.SERVFAIL, Failure.BOGUS, Failure.REFUSED)


def run(case: Case, seed: int, jumps: tuple[float, ...] = ()) -> tuple[Verdict, Player]:
    """Let the machine decide, with answers in an order, and SRV draws, that the seed settles.

    Args:
        case: the world, and what is asked of it.
        seed: settles all that chance settles.
        jumps: how much time may pass between two events, in seconds.
    """
    rng = random.Random(seed)
    case.world.pick.seed(seed)
    machine = Outbound(
        case.uri, policy=case.policy, now=0.0, at=AT, randbelow=rng.randrange, anchors=case.world.anchors
    )
    player = Player(case.world, rng, jumps=jumps)
    player.play(machine)
    assert machine.verdict is not None
    return machine.verdict, player


def is_allowed(verdict: Verdict, allowed: Allowed) -> bool:
    """Whether a verdict is this one of those that are allowed."""
    target, endpoint = verdict.target, verdict.endpoint
    return (
        (verdict.outcome.value, verdict.method) == (allowed.outcome, allowed.method)
        and verdict.code.startswith(allowed.codes)
        and (target and target.host, target and target.port) == (allowed.host, allowed.port)
        and (endpoint and endpoint.address) == allowed.address
        and frozenset([identity.domain for identity in verdict.identities]) == allowed.identities
        and (verdict.expires == allowed.expires or not verdict.accepted)
    )


def disagreements(case: Case, seed: int, oracle: Oracle | None = None) -> list[str]:
    """Run the machine once; what it did that the model does not allow."""
    oracle = oracle or Oracle(case.world, case.uri, case.policy)
    verdict, player = run(case, seed)
    found: list[str] = []
    if not any(is_allowed(verdict, allowed) for allowed in oracle.allowed):
        listed = "\n  ".join(map(str, oracle.allowed))
        found.append(
            f"not allowed: {verdict.to_dict() | {'steps': ...}}, expires {verdict.expires}\nallowed:\n  {listed}"
        )
    for action in player.issued:
        if isinstance(action, Connect):
            place = action.endpoint.host, action.endpoint.port
            if place not in oracle.server_names:
                found.append(f"{action} to a server that must not be connected to")
            elif oracle.server_names[place] != action.server_name:
                found.append(f"{action}: the name to send is {oracle.server_names[place]}")
        elif isinstance(action, Lookup) and action.rrtype == "TLSA" and action.name not in oracle.may_ask:
            found.append(f"{action} must not be asked")
    return found


# Law 5: the attacker. He owns the network, but neither a key of the DNS nor one of an honest server.


def altered(case: Case) -> Case:
    """A copy of a case whose world can be changed."""
    world = case.world
    copy = replace(world, said=dict(world.said), peers=dict(world.peers), asked=[], open=[], names_sent=[])
    copy.paths, copy.revocation = copy.any_path, world.revocation
    return replace(case, world=copy)


def _lie(rng: random.Random, world: ModelWorld, name: str, rrtype: str, said: Said) -> Said:
    """What the attacker says instead of an INSECURE answer; steps that are signed stay as they are."""
    kept: list[Alias] = []
    for alias in said.aliases:
        if alias.security is not SECURE:
            break
        kept.append(alias)
    owner = kept[-1].target if kept else name
    honest = [address for address in world.peers if address not in EVIL_ADDRESSES]
    address = rng.choice([*EVIL_ADDRESSES, *honest])
    replacement = rng.choice([f"_sips._tcp.{EVIL}", "_sips._tcp.example.com"])
    target = rng.choice([EVIL, "sip.example.com", "sip.hoster.example", "example.com"])
    pin = world.peers[EVIL_ADDRESSES[0]].chain[0].data(1, 1)
    lies: dict[str, Record] = {
        "AAAA" if ":" in address else "A": Address(owner, address),
        "NAPTR": Naptr(owner, 0, 0, "s", "SIPS+D2T", "", replacement),
        "SRV": Srv(owner, 0, 0, 5061, target),
        "TLSA": Tlsa(owner, 3, 1, 1, pin),
    }
    if rng.random() < 0.25 or rrtype not in lies:
        return Said((), INSECURE, rng.choice(list(Denial)), tuple(kept))
    return Said((lies[rrtype],), INSECURE, None, tuple(kept))


def attacked(case: Case, rng: random.Random, *, lies: bool) -> Case:
    """Let the attacker drop some answers and connections; and, if he lies, alter what is not signed."""
    worse = altered(case)
    for _ in range(rng.randrange(1, 6)):
        if rng.random() < 0.2:
            worse.world.peers[rng.choice(sorted(worse.world.peers))] = Server(down="net.timeout")
            continue
        name, rrtype = rng.choice(sorted(worse.world.said))
        said = worse.world.said[name, rrtype]
        if lies and said.security is INSECURE and said.failure is None and rrtype != "CNAME":
            worse.world.said[name, rrtype] = _lie(rng, case.world, name, rrtype, said)
        else:
            worse.world.said[name, rrtype] = Said(failure=rng.choice(DROPS))
    return worse


def named_and_validated(case: Case, verdict: Verdict) -> bool:
    """Whether the presented chain has a validated path and names the AUS domain."""
    assert verdict.endpoint is not None
    charge = Charge("domain", verdict.domain, verdict.endpoint.host)
    server = case.world.peers[verdict.endpoint.address]
    found = Court(charge, server, case.world, case.policy.replace(require="any")).findings()
    return any(finding.outcome == "ACCEPTED" for finding in found)


def secure_ways(oracle: Oracle) -> Iterator[Way]:
    """The servers to which SECURE answers alone lead."""
    if not oracle.own or is_address(oracle.target):
        return
    if oracle.uri.port is not None:
        yield Way(oracle.target, oracle.uri.port, "host")
        return
    naptr = oracle.said(oracle.target, "NAPTR")
    replacement = oracle.chosen(naptr) if naptr.security is SECURE else None
    for name in {f"_sips._tcp.{oracle.target}", replacement} - {None}:
        srv = oracle.said(str(name), "SRV")
        if srv.security is SECURE and srv.failure is None:
            led_by = (naptr, srv)
            yield from [Way(r.target, r.port, "srv", led_by=led_by) for r in srv.records if isinstance(r, Srv)]
            if not srv.records:
                yield Way(oracle.target, 5061, "host", led_by=led_by)


def vouched_for(oracle: Oracle, verdict: Verdict) -> bool:
    """Whether a world's SECURE answers alone stand behind an ACCEPTED verdict: an honest server that they speak for."""
    assert verdict.target is not None
    assert verdict.endpoint is not None
    server = oracle.world.peers[verdict.endpoint.address]
    for way in secure_ways(oracle):
        if (way.host, way.port) != (verdict.target.host, verdict.target.port):
            continue
        answers = oracle.address_answers(way)
        pins = oracle.pins(way, answers)
        rule: Rule = "dane" if pins.state == "usable" else "domain" if way.delegation == "host" else "domain or target"
        charge = Charge(rule, oracle.domain, way.host, oracle.hosts(way, pins.base, answers), pins.counting)
        found = Court(charge, server, oracle.world, oracle.policy).findings()
        if any((each.outcome, each.method) == ("ACCEPTED", verdict.method) for each in found):
            return True
    return False


def moves(case: Case, seed: int, count: int) -> Iterator[str]:
    """Law 5a: let the attacker drop, lie and delay in turn, and say where he got somebody accepted.

    What he may reach is an honest server: one that proves the AUS domain by a validated path; or, by lies, one for
    which the SECURE answers speak that he cannot alter.
    """
    oracle = Oracle(case.world, case.uri, case.policy)
    hopeless = all(allowed.outcome != "ACCEPTED" for allowed in oracle.allowed)
    rng = random.Random(seed)
    for number in range(count):
        kind = ("drops", "lies", "delays")[number % 3]
        if kind == "delays" and case.policy.revocation == "crl":
            continue  # by this policy a look at CRLs that takes too long is a warning, and no network is asked for it
        worse = case if kind == "delays" else attacked(case, rng, lies=kind == "lies")
        if kind == "delays":
            verdict, _ = run(worse, seed + number, jumps=WILD)
        else:
            yield from [f"in the attacked world {worse}: {found}" for found in disagreements(worse, seed)]
            verdict, _ = run(worse, seed)
        if not verdict.accepted or named_and_validated(worse, verdict):
            continue
        if (hopeless and kind != "lies") or not vouched_for(oracle, verdict):
            yield f"the attacker, who {kind}, got {verdict!r} in {worse}"


@dataclass(frozen=True)
class Piece:
    """One piece of the evidence of a verdict: lookups of which one must be there, or a connection."""

    lookups: tuple[tuple[str, str], ...] = ()
    connection: str = ""


def evidence(case: Case, verdict: Verdict, player: Player) -> Iterator[Piece]:
    """The pieces that an ACCEPTED verdict stands on, each of which alone the attacker can take away."""
    assert verdict.target is not None
    assert verdict.endpoint is not None
    host, port = verdict.target.host, verdict.target.port
    asked = [(action.name, action.rrtype) for action in player.issued if isinstance(action, Lookup)]
    bases = {host, *[alias.target for t in ("A", "AAAA") for alias in heard_in(case.world, host, t).aliases[-1:]]}
    for question in asked:
        if question[1] in ("NAPTR", "SRV") or question in [(f"_{port}._tcp.{base}", "TLSA") for base in bases]:
            yield Piece((question,))
    addresses = tuple([question for question in asked if question[0] == host and question[1] in ("A", "AAAA")])
    if addresses:
        yield Piece(addresses)
    if (host, "CNAME") in asked:
        yield Piece(((host, "CNAME"),))
    yield Piece(connection=verdict.endpoint.address)


def pieces_not_needed(case: Case, seed: int) -> Iterator[str]:
    """Law 5b: take away each piece of the evidence of an ACCEPTED verdict, and say where nothing came of it."""
    verdict, player = run(case, seed)
    if not verdict.accepted:
        return
    for piece in evidence(case, verdict, player):
        worse = altered(case)
        for question in piece.lookups:
            worse.world.said[question] = Said(failure=DROPS[seed % 4])
        if piece.connection:
            worse.world.peers[piece.connection] = Server(down="net.closed")
        again, _ = run(worse, seed)
        same = (verdict.target and (verdict.target.host, verdict.target.port)) == (
            again.target and (again.target.host, again.target.port)
        )
        if piece.connection:
            same = again.endpoint == verdict.endpoint
        if again.accepted and same and again.method == verdict.method:
            yield f"still {again!r} without {piece}"
    if verdict.method != "dane-ee":
        worse = altered(case)
        worse.world.paths = lambda _question: "chain.unknown-ca"
        again, _ = run(worse, seed)
        if again.accepted and again.method != "dane-ee":
            yield f"still {again!r} without a path"
