"""What OpenSSL thinks of a peer: an opinion on DANE that shares no line of code with ours."""

import dataclasses
import subprocess
from collections.abc import Sequence
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Opinion:
    """Whether OpenSSL connected, whether it went on after the handshake, and what it printed."""

    connected: bool
    accepted: bool
    text: str


def openssl_opinion(address: str, port: int, *, base_domain: str, tlsa: Sequence[str], ca_file: Path) -> Opinion:
    """Connect with `openssl s_client` and let it judge the peer by `tlsa` (RFC 6698 section 2.2 text).

    `base_domain` is the TLSA base domain: server name of the handshake and the name wanted in the certificate; not with
    usage 3, where names do not count (RFC 7671 section 5.1). `ca_file` is the only trust store, used by usages 0 and 1.
    """
    command = ["openssl", "s_client", "-brief", "-connect", f"{address}:{port}", "-servername", base_domain]
    command += ["-CAfile", str(ca_file), "-no-CApath", "-no-CAstore"]
    command += ["-dane_tlsa_domain", base_domain, "-dane_ee_no_namechecks", "-verify_return_error"]
    for record in tlsa:
        command += ["-dane_tlsa_rrdata", record]
    run = subprocess.run(
        command, check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, text=True, errors="replace"
    )
    text = run.stdout + run.stderr
    return Opinion(
        connected="Failed to import any TLSA records" not in text,
        # Not the exit code alone, and not without the record: s_client has gone on without DANE before.
        accepted=run.returncode == 0 and "Verification: OK" in text and "DANE TLSA" in text,
        text=text,
    )


# Where OpenSSL and RFC 5922/7673 differ by right, by the name of the deployment. Whatever is not named here must agree.
EXPLAINED_DIFFERENCES = {
    "dane-ta-uri": "OpenSSL knows no SIP URI identities (RFC 5922 section 7.1): it wants the host as dNSName",
    "unusable": "s_client does not start without a usable record; RFC 7673 section 4.1 goes on with PKIX",
    "unsigned": "OpenSSL is handed the records and cannot know that nobody signed them: they say nothing",
    "unsigned-host": "OpenSSL is handed the records and cannot know that nobody signed them: they prove nothing",
    "bogus": "OpenSSL is handed the records and cannot know that their signatures are damaged",
    "bogus-srv": "OpenSSL is handed the records and does not ask how the server was found",
    "bogus-tlsa": "OpenSSL is handed the records and cannot know that their signatures are damaged",
}
