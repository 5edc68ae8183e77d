"""What others think of a server: three opinions on DANE that share no line of code with ours, nor with each other."""

import dataclasses
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

# On an idle machine each takes a tenth of a second.
_SECONDS = 60.0
_PORT = "5061"

Word: TypeAlias = Literal["dane", "pkix", "no"]
"""Accepted because of TLSA records; accepted, and no TLSA record decided; not accepted."""


@dataclasses.dataclass(frozen=True)
class Opinion:
    """One word, why it is this one, all that was printed, and whether a server was connected to."""

    word: Word
    reason: str
    text: str
    connected: bool = True

    @property
    def accepted(self) -> bool:
        return self.word != "no"


Ask: TypeAlias = Callable[[str, Path], Opinion]
"""By the host name, as its users do; the file holds the only trust anchors."""


def _output(command: Sequence[str]) -> tuple[int, str]:
    """The exit status, and what was printed."""
    run = subprocess.run(
        command, check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, encoding="latin-1"
    )
    return run.returncode, run.stdout + run.stderr


def _unreadable(text: str) -> AssertionError:
    return AssertionError(f"this is no opinion: {text}")


def openssl_opinion(address: str, port: int, *, base_domain: str, tlsa: Sequence[str], ca_file: Path) -> Opinion:
    """Connect with `openssl s_client` and let it judge the peer by `tlsa` (RFC 6698 section 2.2 text).

    `base_domain` is the TLSA base domain: server name of the handshake and the name wanted in the certificate; not with
    usage 3, where names do not count (RFC 7671 section 5.1). `ca_file` is the only trust store, used by usages 0 and 1.
    """
    host = f"[{address}]" if ":" in address else address
    command = ["openssl", "s_client", "-brief", "-connect", f"{host}:{port}", "-servername", base_domain]
    command += ["-CAfile", str(ca_file), "-no-CApath", "-no-CAstore"]
    command += ["-dane_tlsa_domain", base_domain, "-dane_ee_no_namechecks", "-verify_return_error"]
    for record in tlsa:
        command += ["-dane_tlsa_rrdata", record]
    status, text = _output(command)
    if "Failed to import any TLSA records" in text:
        return Opinion("no", "no usable record", text, connected=False)
    # Not the exit code alone, and not without the record: s_client has gone on without DANE before.
    if status == 0 and "Verification: OK" in text and "DANE TLSA" in text:
        return Opinion("dane", "matched", text)
    if refused := re.search(r"^verify error:num=\d+:(.+)$", text, re.MULTILINE) or re.search(
        r"^Verification error: (.+)$", text, re.MULTILINE
    ):
        return Opinion("no", refused[1], text)
    raise _unreadable(text)


_LDNS_VALID = re.compile(r"^\S+ (dane|PKIX)-validated successfully$", re.MULTILINE)
_LDNS_REFUSED = re.compile(
    r"did not dane-validate, because: (.+)$|(queried resource records were bogus)|(No addresses) for", re.MULTILINE
)


def ldns_opinion(host: str, ca_file: Path) -> Opinion:
    """Let `ldns-dane` find and judge `host`; it takes the AD bit of its resolver, and falls back to PKIX by itself."""
    # -T: another exit status when it was PKIX without DANE.
    status, text = _output(["ldns-dane", "-T", "-f", str(ca_file), "verify", host, _PORT])
    if status == 1 and (refused := _LDNS_REFUSED.search(text)):
        return Opinion("no", next(filter(None, refused.groups())), text)
    methods = {valid[1] for valid in _LDNS_VALID.finditer(text)}  # one line for each address
    if status == 0 and methods == {"dane"}:
        return Opinion("dane", "validated", text)
    if status == 2 and methods == {"PKIX"}:
        return Opinion("pkix", "TLSA insecure" if "but were insecure" in text else "no usable TLSA", text)
    raise _unreadable(text)


_GNUTLS_SAYS = re.compile(r"^(?:- DANE: |\*\*\* DANE verification error: )(.+?) ?$", re.MULTILINE)
_GNUTLS_WITHOUT_RECORDS = {"No DANE data were found.", "No DNSSEC signature was found."}


def gnutls_opinion(host: str, ca_file: Path) -> Opinion:
    """Let `gnutls-cli` find and judge `host`; libunbound validates for it.

    It judges twice, by PKIX and by DANE, and never combines the two as RFC 6698 does: it would refuse a server that
    either refuses. So it is told to tell both and go on, and PKIX counts where DANE found no signed record.
    """
    command = ["gnutls-cli", "--dane", "--local-dns", "--insecure", "--x509cafile", str(ca_file), "--port", _PORT]
    status, text = _output([*command, host])
    if status == 1 and "Cannot resolve" in text:
        return Opinion("no", "no address", text)
    said, trusted = _GNUTLS_SAYS.search(text), "- Status: The certificate is trusted." in text
    if status != 0 or said is None or "- Handshake was completed" not in text:
        raise _unreadable(text)
    if said[1] == "Certificate matches.":
        return Opinion("dane", "matches", text)
    if said[1] in _GNUTLS_WITHOUT_RECORDS and trusted:
        return Opinion("pkix", said[1], text)
    return Opinion("no", said[1], text)
