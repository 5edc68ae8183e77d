"""The whole lab: tree, name server, resolver, Kamailio and octet recorder, up while a block runs."""

import contextlib
import dataclasses
import socket
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TypeAlias

from servers.daemon import wait_until
from servers.deployments import RECORDER_ADDRESS, SIP_ADDRESS, Authorities, Deployment, make_deployments
from servers.detours import SIP_ADDRESS_6, make_detours
from servers.kamailio import SIPS_PORT, Kamailio, answering
from servers.nameservers import serving, validating
from servers.octets import OctetRecorder, recording
from servers.opinion import Opinion, openssl_opinion
from servers.proxies import Proxies, make_proxies
from servers.tree import NAME_SERVER_ADDRESS, Tree, Zone, write_tree

_TURN_SECONDS = 300.0

Credentials: TypeAlias = Mapping[str, tuple[Path, Path]]
"""The PEM files of the chain and the key that servers show, by the domain."""


@dataclasses.dataclass(frozen=True)
class Lab:
    """What is up: the deployments by name, the file with the public root, and those who saw what came in."""

    deployments: Mapping[str, Deployment]
    ca_file: Path
    tree: Tree
    credentials: Credentials
    kamailio: Kamailio
    recorder: OctetRecorder
    proxies: Proxies

    def openssl_opinion_of(self, name: str) -> Opinion:
        """What OpenSSL thinks of Kamailio as the server of a deployment with TLSA records."""
        deployment = self.deployments[name]
        before = self.kamailio.now()
        opinion = openssl_opinion(
            deployment.address, SIPS_PORT, base_domain=deployment.host, tlsa=deployment.tlsa, ca_file=self.ca_file
        )
        # The log is shared: what one test began must not end in the next one.
        self.kamailio.ended(before, count=1 if opinion.connected else 0)
        return opinion


@contextlib.contextmanager
def _only_one() -> Generator[None]:
    """Wait for another run on this machine to end: the addresses are fixed."""
    with socket.socket(socket.AF_UNIX) as lock:

        def locked() -> bool:
            try:
                # A name in Linux's abstract namespace: no file that could be left behind, or put there by others.
                lock.bind("\0siptls-tests-servers")
            except OSError:
                return False
            return True

        wait_until(locked, seconds=_TURN_SECONDS, what="another run of these tests to end")
        yield


def _write_credentials(deployments: Mapping[str, Deployment], directory: Path) -> dict[str, tuple[Path, Path]]:
    """The PEM files of every deployment that shows a certificate, by its domain."""
    credentials: dict[str, tuple[Path, Path]] = {}
    for deployment in deployments.values():
        if deployment.shown is not None:
            chain, key = directory / f"{deployment.name}.pem", directory / f"{deployment.name}.key"
            chain.write_bytes(deployment.chain)
            key.write_bytes(deployment.shown.key_pem)
            credentials[deployment.apex] = (chain, key)
    return credentials


def _make_zones(deployments: Mapping[str, Deployment], proxies: Proxies) -> list[Zone]:
    """The zones of all deployments and of the proxies, and the two above them."""
    above = [Zone(".", ""), Zone("example.", f"ns A {NAME_SERVER_ADDRESS}")]
    return [*above, *(deployment.zone for deployment in deployments.values()), *proxies.zones]


@contextlib.contextmanager
def sip_servers(
    credentials: Mapping[str, tuple[Path, Path]], directory: Path
) -> Generator[tuple[Kamailio, OctetRecorder]]:
    """Kamailio and the octet recorder on their addresses, while the block runs."""
    # The hoster does not know the domains that point to it: it shows its own certificate for their names.
    hoster, watched = credentials["hoster.example"], credentials["watched.example"]
    with (
        answering([SIP_ADDRESS, SIP_ADDRESS_6], credentials, hoster, directory) as kamailio,
        recording(RECORDER_ADDRESS, SIPS_PORT, *watched) as recorder,
    ):
        yield kamailio, recorder


@contextlib.contextmanager
def running_lab(directory: Path) -> Generator[Lab]:
    """Write everything below `directory` and start every server; end them all with the block."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(_only_one())
        authorities = Authorities()
        deployments = make_deployments(authorities) | make_detours(authorities)
        proxies = make_proxies(authorities)
        ca_file = directory / "public-root.pem"
        ca_file.write_bytes(authorities.public.pem)
        tree = write_tree(directory, _make_zones(deployments, proxies))
        credentials = _write_credentials(deployments, directory)
        stack.enter_context(serving(tree, directory))
        stack.enter_context(validating(tree, directory))
        kamailio, recorder = stack.enter_context(sip_servers(credentials, directory))
        yield Lab(deployments, ca_file, tree, credentials, kamailio, recorder, proxies)
