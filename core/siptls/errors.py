"""What a caller can do wrong. Everything a peer or a resolver does is a value, never one of these."""

from __future__ import annotations


class SiptlsError(Exception):
    """The base of every exception that this package raises."""


class LocalProtocolError(SiptlsError):
    """The driver broke the driving contract: it answered what was not asked, or answered twice."""


class InvalidUri(SiptlsError, ValueError):
    """A text is not a SIP or SIPS URI (RFC 3261 section 25.1).

    Attributes:
        text: the text as given.
        position: the column of the first offending character, counted from 0.
        expected: what should stand there.
    """

    def __init__(self, text: str, position: int, expected: str) -> None:
        super().__init__(f"not a SIP URI: {text!r}: at column {position + 1} expected {expected}")
        self.text = text
        self.position = position
        self.expected = expected


class InvalidVia(SiptlsError, ValueError):
    """A text is not a via-parm, or not the value of a Via header field (RFC 3261 section 25.1).

    Attributes:
        text: the text as given.
        position: the column of the first offending character, counted from 0.
        expected: what should stand there.
    """

    def __init__(self, text: str, position: int, expected: str) -> None:
        super().__init__(f"not a Via: {text!r}: at column {position + 1} expected {expected}")
        self.text = text
        self.position = position
        self.expected = expected


class InvalidName(SiptlsError, ValueError):
    """A text is not a domain name as it is needed here.

    Attributes:
        text: the text as given.
        expected: what was expected.
    """

    def __init__(self, text: str, expected: str) -> None:
        super().__init__(f"not a domain name: {text!r}: expected {expected}")
        self.text = text
        self.expected = expected


class InvalidRecord(SiptlsError, ValueError):
    """A text that the caller gave is not the resource record it should be.

    Attributes:
        text: the text as given.
        expected: what was expected, and where.
    """

    def __init__(self, text: str, expected: str) -> None:
        super().__init__(f"not a valid record: {text!r}: expected {expected}")
        self.text = text
        self.expected = expected


class InvalidPolicy(SiptlsError, ValueError):
    """An option of `Policy` or `Limits` has a value it cannot have.

    Attributes:
        option: the name of the option.
        value: the value as given.
        expected: what was expected.
    """

    def __init__(self, option: str, value: object, expected: str) -> None:
        super().__init__(f"policy option {option}={value!r}: expected {expected}")
        self.option = option
        self.value = value
        self.expected = expected


class InvalidCertificate(SiptlsError, ValueError):
    """Octets are not a certificate in strict DER (RFC 5280 section 4.1, X.690).

    Attributes:
        place: where in the certificate, for example ``extensions[3] subjectAltName``.
        expected: what was expected there.
    """

    def __init__(self, place: str, expected: str) -> None:
        super().__init__(f"malformed certificate: {place}: expected {expected}")
        self.place = place
        self.expected = expected
