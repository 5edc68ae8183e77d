"""Judge a client that connected, for programs that hold its TLS connection already."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypedDict, Unpack

import anyio

from siptls.admission import Authorize, ClientCertificate, ClientVerdict, DaneFailure
from siptls.dns import Lookup
from siptls.errors import InvalidName
from siptls.events import Anchors, TlsFacts, ValidatePath
from siptls.inbound import DomainOfClientName, Inbound
from siptls.policy import Policy
from siptls.revocation import CheckRevocation, Crls

from . import anyio as either_loop
from . import blocking
from .a_labels import host_to_a_labels
from .ad_resolver import AdResolver
from .anchors import system_anchors
from .offline import OfflinePerformer
from .paths import validate_path
from .resolver import Resolver
from .revocation import check_revocation, given_crls


class ClientOptions(TypedDict, total=False):
    """What may be passed to `judge_client`; each has the meaning that it has for `siptls.Inbound`."""

    public_key: bytes | None
    facts: TlsFacts | None
    client_name: str | None
    claims: Iterable[str]
    sent_by: str | None
    domain_of_client_name: DomainOfClientName | None
    dane_failure: DaneFailure
    anchors: Anchors | None
    crls: Crls | Iterable[bytes]
    authorize: Authorize | None
    client_certificate: ClientCertificate
    policy: Policy
    at: datetime | None


def judge_client(
    chain: Sequence[bytes], *, resolver: Resolver | None = None, **options: Unpack[ClientOptions]
) -> ClientVerdict:
    """Judge a client by what it presented, and block until the verdict is there.

    Nothing is looked up but the names that are passed here.

    Args:
        chain: the certificates in DER as the client presented them, its own first; empty if it presented none.
        resolver: answers questions to the DNS; None takes the system's name servers, none of which is trusted.
        options: ``public_key`` ``facts`` ``client_name`` ``claims`` ``sent_by`` ``domain_of_client_name``
            ``dane_failure`` ``anchors`` ``crls`` ``authorize`` ``client_certificate`` ``policy`` ``at``, as for
            `siptls.Inbound`. Without ``anchors``, or with None, the system's are taken; without ``at`` the time is now.
            ``crls`` may be the lists, each in DER. ``claims`` may be internationalised names.

    Returns:
        The verdict. Its ``admission`` says how to go on with the connection.

    Raises:
        InvalidName: a claim is no domain name, or ``claims`` is one text.
        InvalidPolicy: as for `siptls.Inbound`, or there are CRLs while ``policy.revocation`` is ``off``.
        InvalidServer: there is no ``resolver``, something is to be looked up, and the system names no name server.
        LocalProtocolError: ``at`` is naive.
        TypeError: there is no such option, ``crls`` is a single list, or it holds something that is no octets.
        OSError: this process has no file descriptors left.

    Source: RFC 5922 section 7.4, draft-ietf-dance-client-auth-13.
    """
    now = time.monotonic()
    machine = _inbound(chain, options, now)
    decided = _without_dns(machine, now)
    return decided if decided is not None else blocking.drive(machine, _performer(resolver).blocking())


async def judge_client_async(
    chain: Sequence[bytes], *, resolver: Resolver | None = None, **options: Unpack[ClientOptions]
) -> ClientVerdict:
    """Judge a client by what it presented, on asyncio or trio.

    Args:
        chain: as for `judge_client`.
        resolver: as for `judge_client`.
        options: as for `judge_client`.

    Returns:
        The verdict. Its ``admission`` says how to go on with the connection.

    Raises:
        InvalidName, InvalidPolicy, InvalidServer, LocalProtocolError, TypeError: as for `judge_client`.
    """
    now = anyio.current_time()
    machine = _inbound(chain, options, now)
    decided = _without_dns(machine, now)
    return decided if decided is not None else await either_loop.drive(machine, _performer(resolver))


def _inbound(chain: Sequence[bytes], options: ClientOptions, now: float) -> Inbound:
    """Make the machine; it knows which options there are."""
    claims, anchors, at = options.get("claims", ()), options.get("anchors"), options.get("at")
    if isinstance(claims, str):
        raise InvalidName(claims, "a collection of domain names, not one text")
    given: dict[str, Any] = {
        **options,
        "claims": [host_to_a_labels(claim) for claim in claims],
        "anchors": system_anchors() if anchors is None else anchors,
        "crls": given_crls(options.get("crls", ()), options.get("policy", Policy())),
        "at": datetime.now(UTC) if at is None else at,
    }
    return Inbound(tuple(chain), **given, now=now)


def _without_dns(machine: Inbound, now: float) -> ClientVerdict | None:
    """Bring a machine that asks the DNS nothing to its verdict; return None for any other, which a driver goes on with.

    Paths are validated and CRLs read without waiting for anybody, so it takes no threads and no tasks.
    """
    actions = machine.next_actions(now=now)
    if any(isinstance(action, Lookup) for action in actions):
        return None
    while machine.result is None:
        for action in actions:
            if isinstance(action, CheckRevocation):
                machine.receive(check_revocation(action), now=now)
            else:
                assert isinstance(action, ValidatePath)  # no name is asked about, and nobody is connected to
                machine.receive(validate_path(action), now=now)
        actions = machine.next_actions(now=now)
    return machine.result


def _performer(resolver: Resolver | None) -> OfflinePerformer:
    """What asks a resolver and connects to nobody."""
    return OfflinePerformer(AdResolver.system() if resolver is None else resolver, {})
