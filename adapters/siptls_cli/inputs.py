"""Turn what the command line was given into what a machine and its driver need: resolver, chains, anchors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from siptls import Anchors, Limits, Policy
from siptls_io import (
    AdResolver,
    ClientCertificate,
    MissingLibrary,
    OfflinePerformer,
    Performer,
    Resolver,
    UnboundResolver,
    ZoneFiles,
    anchors_from_pem,
    certificates_from_pem,
    system_anchors,
)
from siptls_io.asyncio import StreamPerformer
from siptls_io.tls import client_context

from .problem import Problem, shown

if TYPE_CHECKING:
    from siptls.policy import Family, RevocationCheck

    from .given import Check, Judged, Trust, World
    from .parameters import Security


def refuse_contradictions(given: World) -> None:
    """Refuse options that make no sense together, before any file is read.

    Args:
        given: the command line.

    Raises:
        Problem: what makes no sense.
    """
    if given["zone"]:
        if given["resolver"] or given["trust_ad"] or given["validate"] or given["trust_anchor"]:
            options = "--resolver, --validate, --trust-anchor and --trust-ad"
            raise Problem("usage.error", f"{options} make no sense with --zone: nothing is sent anywhere")
    elif given["chain"] or given["dnssec"]:
        option = "--chain" if given["chain"] else "--dnssec"
        raise Problem("usage.error", f"{option} makes no sense without --zone NAME=FILE: it describes an offline world")
    else:
        _refuse_two_validators(given)
    _refuse_repeated("--zone", (name.lower().rstrip(".") for name, _ in given["zone"]))
    _refuse_repeated("--dnssec", ((name or "all names").lower().rstrip(".") for name, _ in given["dnssec"]))
    _refuse_repeated("--chain", ("all servers" if key == "*" else key for key, _ in given["chain"]))


def resolver(given: World) -> Resolver:
    """Return who answers questions to the DNS.

    Args:
        given: the command line.

    Raises:
        InvalidZone, InvalidName, InvalidStatus, InvalidServer, InvalidTrustAnchor: what was given is not what it should
            be.
        MissingLibrary: we are to validate, and cannot.
    """
    if given["zone"]:
        statuses: dict[str, Security] = {name: status for name, status in given["dnssec"] if name is not None}
        for_all: list[Security] = [status for name, status in given["dnssec"] if name is None]
        return ZoneFiles(dict(given["zone"]), statuses, for_all[0] if for_all else "insecure")
    patience = min(5.0, given["timeout"])
    if given["resolver"] and not given["validate"]:
        return AdResolver(given["resolver"], given["resolver"] if given["trust_ad"] else (), patience)
    try:
        validating = _validating(given, patience)
    except MissingLibrary:
        if given["validate"] or given["trust_anchor"]:
            raise
        return AdResolver.system(patience)
    return click.get_current_context().with_resource(validating)  # closed when the command ends


def _validating(given: World, patience: float) -> UnboundResolver:
    if given["resolver"]:
        return UnboundResolver(given["resolver"], given["trust_anchor"], patience)
    return UnboundResolver.system(given["trust_anchor"], patience)


def performer(given: World, certificate: ClientCertificate | None = None) -> Performer:
    """Return what looks names up and connects, or in an offline world answers in its place.

    Args:
        given: the command line.
        certificate: what is shown to a server that asks for a certificate.

    Raises:
        InvalidZone, InvalidPem, InvalidName, InvalidStatus, InvalidServer, InvalidTrustAnchor, MissingLibrary: what was
            given is not what it should be, or cannot be done here.
    """
    if given["zone"]:
        chains = {key: certificates_from_pem(file) for key, file in given["chain"]}
        return OfflinePerformer(resolver(given), chains)
    return StreamPerformer(resolver(given), client_context(certificate))


def anchors(given: Trust) -> Anchors:
    """Return the trust anchors.

    Args:
        given: the command line.

    Raises:
        InvalidPem: the file is not what it should be.
    """
    return system_anchors() if given["ca_file"] is None else anchors_from_pem(given["ca_file"])


def revocation(given: Judged) -> RevocationCheck:
    """Return what revocation lists are to decide; with lists and without a word they are looked at.

    Args:
        given: the command line.

    Raises:
        Problem: there are lists that nobody is to look at, or nobody can look at any.
    """
    wanted = given["revocation"]
    if given["crl"]:
        if wanted == "off":
            raise Problem("usage.error", "--crl contradicts --revocation off: nobody would look at the list")
        return wanted or "crl"
    if wanted in ("crl", "crl-required"):
        raise Problem("usage.error", f"--revocation {wanted} needs --crl FILE: nothing is fetched")
    return "off"


def policy(given: Check) -> Policy:
    """Return what is wanted of a server.

    Args:
        given: the command line.

    Raises:
        Problem: there are lists that nobody is to look at, or nobody can look at any.
    """
    return Policy(
        require=given["require"],
        transports=given["transport"] or None,
        families=families(given),
        strict_dane=given["strict_dane"],
        require_target_name=given["require_target_name"],
        allow_cn=given["allow_cn"],
        allow_wildcards=given["allow_wildcards"],
        eku=given["eku"],
        revocation=revocation(given),
        audit=not given["no_audit"],
        limits=limits(given),
    )


def limits(given: World) -> Limits:
    """Return the limits of the run."""
    return Limits(seconds=given["timeout"])


def families(given: World) -> tuple[Family, ...]:
    """Return the address families to use; both options together leave both."""
    if given["ipv4"] == given["ipv6"]:
        return ("ipv6", "ipv4")
    return ("ipv4",) if given["ipv4"] else ("ipv6",)


def certificate(given: Check) -> ClientCertificate | None:
    """Return our certificate, or None if we have none to show.

    Args:
        given: the command line.

    Raises:
        Problem: there is a private key without its certificate.
        InvalidPem: a file is not what it should be.
    """
    file, key = given["cert"], given["key"]
    if file is not None:
        return ClientCertificate(file, key or file)
    if key is not None:
        raise Problem("usage.error", "--key needs --cert FILE, the certificate that belongs to it")
    return None


def _refuse_two_validators(given: World) -> None:
    """Refuse what leaves open who validates, or from which keys."""
    if given["trust_ad"]:
        if not given["resolver"]:
            raise Problem("usage.error", "--trust-ad needs --resolver ADDR[:PORT]: whose AD bit is to be believed?")
        if given["validate"]:
            raise Problem("usage.error", "--trust-ad contradicts --validate: the resolver validates, or we do")
        if given["trust_anchor"]:
            message = "--trust-ad contradicts --trust-anchor: the resolver validates, from its own trust anchors"
            raise Problem("usage.error", message)
    elif given["trust_anchor"] and given["resolver"] and not given["validate"]:
        raise Problem("usage.error", "--trust-anchor with --resolver needs --validate: otherwise nobody validates")


def _refuse_repeated(option: str, names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise Problem("usage.error", shown(f"{option} is given {count} times for {name}"))
