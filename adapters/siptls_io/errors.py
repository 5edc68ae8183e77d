"""What a caller can do wrong with the adapters: files that cannot be read, addresses that are none."""

from __future__ import annotations

from siptls.errors import SiptlsError


class InvalidFile(SiptlsError, ValueError):
    """A file, or a text in its place, cannot be read as what it should be.

    Attributes:
        file: the file's path, or what the text stands for.
        line: the number of the offending line, counted from 1, or None if no line is to blame.
        problem: what is wrong there.
    """

    def __init__(self, file: str, line: int | None, problem: str) -> None:
        super().__init__(f"{file}: {problem}" if line is None else f"{file}:{line}: {problem}")
        self.file = file
        self.line = line
        self.problem = problem


class InvalidZone(InvalidFile):
    """A text is no zone in master-file syntax (RFC 1035 section 5.1)."""


class InvalidPem(InvalidFile):
    """A file does not hold the certificates or the key that it should hold in PEM (RFC 7468)."""


class InvalidCrl(InvalidFile):
    """A file does not hold the certificate revocation lists that it should hold, in DER or PEM (RFC 5280 section 5)."""


class InvalidServer(SiptlsError, ValueError):
    """A text is not the address of a name server.

    Attributes:
        text: the text as given.
        expected: what was expected.
    """

    def __init__(self, text: str, expected: str) -> None:
        super().__init__(f"not a name server: {text!r}: expected {expected}")
        self.text = text
        self.expected = expected


class InvalidStatus(SiptlsError, ValueError):
    """A DNSSEC status of an offline world is none of those that there are.

    Attributes:
        name: the name that should have this status.
        status: the status as given.
    """

    def __init__(self, name: str, status: object) -> None:
        super().__init__(f"not a DNSSEC status of {name!r}: {status!r}: expected secure, insecure, bogus or failed")
        self.name = name
        self.status = status


class InvalidTrustAnchor(InvalidFile):
    """A text holds no trust anchors for DNSSEC: DS or DNSKEY records in master-file syntax (RFC 4035 section 4.4)."""


class MissingLibrary(SiptlsError, ImportError):
    """A shared library is not on this system, or too old.

    Attributes:
        library: what it is called.
        package: the Debian package that it comes with.
    """

    def __init__(self, library: str, package: str, problem: str) -> None:
        super().__init__(
            f"{library} is missing: install the package {package} (Debian and Ubuntu) or unbound (elsewhere): {problem}"
        )
        self.library = library
        self.package = package
