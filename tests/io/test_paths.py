from __future__ import annotations

import gc
import itertools
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

import forged
from pki import EMAIL_PROTECTION, NOW, SIP_DOMAIN, Issued, Issuer, self_signed
from siptls.events import Anchors, KeyAnchor, PathRejected, PathValidated, ValidatePath
from siptls_io import anchors as anchors_module
from siptls_io.paths import MAX_DEPTH, validate_path

ROOT = Issuer.root()
INTER = ROOT.intermediate()
LEAF = INTER.leaf(uris=["sip:example.com"])
DAY = timedelta(days=1)
WEAK_KEY = rsa.generate_private_key(65537, 1024)
CRITICAL = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True)
SIP_IN_URI_CONSTRAINT = x509.UniformResourceIdentifier("example.com")


def find(
    leaf: bytes,
    pool: Sequence[bytes],
    anchors: Anchors | Sequence[bytes],
    *,
    through: bytes | None = None,
    at: datetime = NOW,
) -> list[bytes] | str:
    """Ask for a path, and return it, or the code of the rejection."""
    given = anchors if isinstance(anchors, Anchors) else Anchors(tuple(anchors))
    action = ValidatePath(leaf, tuple(pool), given, at, through)
    event = validate_path(action)
    assert event.action is action
    if isinstance(event, PathRejected):
        assert len(event.detail) <= 200
        return event.reason
    return list(event.path)


def under(issuer: Issuer, leaf: Issued) -> list[bytes] | str:
    """Find a path for a leaf whose server sends its issuers but not the root."""
    return find(leaf.der, leaf.presented[1:], [ROOT.der])


# What is valid: the library's own profile refuses most of these, RFC 5922 and RFC 7671 need them.


@pytest.mark.req("R5922-7.1-1")
def test_a_path_over_an_intermediate_to_the_root_is_returned_leaf_first() -> None:
    assert find(LEAF.der, [INTER.der], [ROOT.der]) == [LEAF.der, INTER.der, ROOT.der]
    assert find(LEAF.der, [ROOT.der, INTER.der], [ROOT.der]) == [LEAF.der, INTER.der, ROOT.der]


@pytest.mark.parametrize(
    "leaf",
    [
        INTER.leaf(cn="example.com"),
        INTER.leaf(uris=["sip:example.com"]),
        INTER.leaf(dns=["example.com"], eku=[SIP_DOMAIN]),
        INTER.leaf(dns=["example.com"], eku=[EMAIL_PROTECTION], eku_critical=True),
        INTER.leaf(cn="example.com", dns=["example.com"], san_critical=True),
        INTER.leaf(cn="example.com", ca=None, key_usage=()),
        INTER.leaf(cn="example.com", ca=True),
        INTER.leaf(cn="example.com", key=WEAK_KEY),
    ],
    ids=["CN only", "URI only", "sipDomain", "mail only", "critical SAN", "no extensions", "leaf is CA", "RSA-1024"],
)
def test_names_and_purposes_of_the_leaf_are_left_to_the_core(leaf: Issued) -> None:
    assert find(leaf.der, [INTER.der], [ROOT.der]) == [leaf.der, INTER.der, ROOT.der]


def test_the_purposes_of_a_ca_are_left_to_the_core() -> None:
    mail = ROOT.intermediate(eku=[EMAIL_PROTECTION])
    leaf = mail.leaf(uris=["sip:example.com"])
    assert find(leaf.der, [mail.der], [ROOT.der]) == [leaf.der, mail.der, ROOT.der]


@pytest.mark.req("R7671-5.2.2-1", "R7671-5.2.2-3")
def test_an_anchor_need_not_be_self_signed_and_need_not_be_sent() -> None:
    assert find(LEAF.der, [], [INTER.der]) == [LEAF.der, INTER.der]
    assert find(LEAF.der, [INTER.der, ROOT.der], [INTER.der]) == [LEAF.der, INTER.der]


def test_an_rsa_chain_is_valid_too() -> None:
    root = Issuer.root("RSA Root", algorithm="rsa")
    leaf = root.intermediate("RSA Intermediate").leaf(uris=["sip:example.com"])
    assert find(leaf.der, leaf.presented[1:], [root.der]) == list(leaf.chain)


# What is not valid, with the code that says why.

OTHER = Issuer.root("Other Root")
OTHER_SAME_NAME = Issuer.root()
EXPIRED = ROOT.intermediate(not_after=NOW - DAY)
EXPIRED_ROOT = Issuer.root("Expired Root", not_after=NOW - DAY)
EARLY = ROOT.intermediate(not_before=NOW + DAY)
NO_CA = ROOT.intermediate(ca=False)
SHORT = ROOT.intermediate(path_length=0)
BELOW_SHORT = SHORT.intermediate("Test Intermediate 2")
PERMITTED = ROOT.intermediate(permitted=[x509.DNSName("example.com")])
EXCLUDED = ROOT.intermediate(excluded=[x509.DNSName("example.com")])
URI_CONSTRAINED = ROOT.intermediate(permitted=[SIP_IN_URI_CONSTRAINT])
NO_SIGN = ROOT.intermediate(key_usage=["crl_sign"])
WEAK_ROOT = Issuer.root("Weak Root", key=WEAK_KEY)
NO_CONSTRAINTS = Issuer.root("Root without basicConstraints", ca=None)
SELF = self_signed(cn="example.com", uris=["sip:example.com"])


def damaged(der: bytes) -> bytes:
    """A certificate whose signature does not fit."""
    return der[:-1] + bytes([der[-1] ^ 1])


def deep(count: int) -> Issued:
    issuer = ROOT
    for number in range(count):
        issuer = issuer.intermediate(f"Test Intermediate {number}")
    return issuer.leaf(uris=["sip:example.com"])


REJECTED: list[tuple[str, bytes, Sequence[bytes], Sequence[bytes], str]] = [
    ("expired leaf", INTER.leaf(cn="x", not_after=NOW - DAY).der, [INTER.der], [ROOT.der], "chain.expired"),
    ("early leaf", INTER.leaf(cn="x", not_before=NOW + DAY).der, [INTER.der], [ROOT.der], "chain.not-yet-valid"),
    ("expired intermediate", EXPIRED.leaf(cn="x").der, [EXPIRED.der], [ROOT.der], "chain.expired"),
    ("early intermediate", EARLY.leaf(cn="x").der, [EARLY.der], [ROOT.der], "chain.not-yet-valid"),
    ("expired anchor", EXPIRED_ROOT.leaf(cn="x").der, [], [EXPIRED_ROOT.der], "chain.expired"),
    ("self-signed leaf", SELF.der, [], [ROOT.der], "chain.self-signed"),
    ("self-signed leaf that is given as anchor", SELF.der, [], [SELF.der, ROOT.der], "chain.self-signed"),
    ("self-signed leaf that is the only anchor", SELF.der, [SELF.der], [SELF.der], "chain.self-signed"),
    ("leaf that is given as anchor", LEAF.der, [], [LEAF.der], "chain.unknown-ca"),
    ("intermediate not sent", LEAF.der, [], [ROOT.der], "chain.missing-intermediate"),
    ("something else sent", LEAF.der, [OTHER.der], [ROOT.der], "chain.missing-intermediate"),
    ("unknown root", LEAF.der, [INTER.der], [OTHER.der], "chain.unknown-ca"),
    ("unknown root that was sent", LEAF.der, [INTER.der, ROOT.der], [OTHER.der], "chain.unknown-ca"),
    ("no anchor at all", LEAF.der, [INTER.der], [], "chain.unknown-ca"),
    ("another root of the same name", LEAF.der, [INTER.der], [OTHER_SAME_NAME.der], "chain.invalid"),
    ("issuer that is no CA", NO_CA.leaf(cn="x").der, [NO_CA.der], [ROOT.der], "chain.invalid"),
    ("path too long for a CA", BELOW_SHORT.leaf(cn="x").der, [BELOW_SHORT.der, SHORT.der], [ROOT.der], "chain.invalid"),
    ("CA that may not sign certificates", NO_SIGN.leaf(cn="x").der, [NO_SIGN.der], [ROOT.der], "chain.invalid"),
    ("name not permitted", PERMITTED.leaf(dns=["x.org"]).der, [PERMITTED.der], [ROOT.der], "chain.name-constraints"),
    ("name excluded", EXCLUDED.leaf(dns=["example.com"]).der, [EXCLUDED.der], [ROOT.der], "chain.name-constraints"),
    (
        "SIP URI below a constraint of URIs",
        URI_CONSTRAINED.leaf(uris=["sip:example.com"]).der,
        [URI_CONSTRAINED.der],
        [ROOT.der],
        "chain.name-constraints",
    ),
    ("unknown critical extension", ROOT.leaf(extensions=[CRITICAL]).der, [], [ROOT.der], "chain.invalid"),
    ("RSA-1024 CA", WEAK_ROOT.leaf(cn="x").der, [], [WEAK_ROOT.der], "chain.weak"),
    ("anchor without basicConstraints", NO_CONSTRAINTS.leaf(cn="x").der, [], [NO_CONSTRAINTS.der], "chain.invalid"),
    ("damaged signature of the leaf", damaged(LEAF.der), [INTER.der], [ROOT.der], "chain.invalid"),
    ("damaged signature of the intermediate", LEAF.der, [damaged(INTER.der)], [ROOT.der], "chain.invalid"),
    ("empty leaf", b"", [], [ROOT.der], "chain.malformed"),
    ("garbage leaf", b"\x30\x03abc", [INTER.der], [ROOT.der], "chain.malformed"),
    ("cut leaf", LEAF.der[:-1], [INTER.der], [ROOT.der], "chain.malformed"),
    ("leaf with an octet too many", LEAF.der + b"\0", [INTER.der], [ROOT.der], "chain.malformed"),
]


@pytest.mark.req("R5922-7.1-1", "R7671-5.2-2", "T-D05", "R6698-A.1-1")
@pytest.mark.req("R5280-4.2-1", "R5280-4.2.1.3-1", "R5280-4.2.1.10-1", "R5280-4.2.1.10-2", "R5280-6.1.3-1")
@pytest.mark.parametrize(
    ("leaf", "pool", "anchors", "code"), [row[1:] for row in REJECTED], ids=[row[0] for row in REJECTED]
)
def test_no_path_is_valid_for(leaf: bytes, pool: Sequence[bytes], anchors: Sequence[bytes], code: str) -> None:
    assert find(leaf, pool, anchors) == code


def test_the_deepest_path_that_is_tried_has_eight_intermediates() -> None:
    leaf = deep(MAX_DEPTH)
    assert find(leaf.der, leaf.presented[1:], [ROOT.der]) == list(leaf.chain)
    too_deep = deep(MAX_DEPTH + 1)
    assert find(too_deep.der, too_deep.presented[1:], [ROOT.der]) == "chain.invalid"


def test_an_ed25519_leaf_is_taken_and_an_ed25519_ca_is_refused() -> None:
    """A limit of the library, which the documentation states."""
    key = ed25519.Ed25519PrivateKey.generate()
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ed25519")]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
    )
    leaf = builder.issuer_name(ROOT.certificate.subject).sign(ROOT.key, hashes.SHA256()).public_bytes(Encoding.DER)
    assert find(leaf, [], [ROOT.der]) == [leaf, ROOT.der]
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ed25519")])
    root = builder.issuer_name(name).add_extension(x509.BasicConstraints(True, None), True).sign(key, None)
    below = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(name)
        .public_key(LEAF.key.public_key())
        .serial_number(2)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .sign(key, None)
    )
    assert find(below.public_bytes(Encoding.DER), [], [root.public_bytes(Encoding.DER)]) == "chain.weak"


def test_malformed_certificates_in_the_pool_and_among_the_anchors_are_passed_over() -> None:
    junk = [b"", b"junk", LEAF.der[:-1], INTER.der + b"\0"]
    assert find(LEAF.der, [*junk, INTER.der], [*junk, ROOT.der]) == [LEAF.der, INTER.der, ROOT.der]
    assert find(LEAF.der, [INTER.der], junk) == "chain.unknown-ca"


def test_a_pool_of_hostile_size_is_answered_in_time() -> None:
    loop = [ROOT.cross_sign(ROOT) for _ in range(20)]
    tangle = [INTER.cross_sign(INTER).der for _ in range(10)] + [each.der for each in loop]
    assert find(LEAF.der, tangle, [OTHER.der]) == "chain.unknown-ca"
    assert find(LEAF.der, [*tangle, INTER.der], [ROOT.der]) != "chain.malformed"


def test_what_the_library_only_warns_of_is_used_and_makes_no_noise() -> None:
    """A root of serial number 0, as some systems still ship; the signature of an anchor is not looked at."""
    root = Issuer.root(serial=1)
    zero = root.der.replace(b"\xa0\3\2\1\2\2\1\1", b"\xa0\3\2\1\2\2\1\0", 1)
    leaf = root.leaf(uris=["sip:example.com"])
    assert zero != root.der
    script = (
        "import sys; from siptls_io.paths import validate_path; from siptls.events import Anchors, ValidatePath;"
        "from datetime import datetime, UTC; leaf, root = map(bytes.fromhex, sys.argv[1:]);"
        "print(validate_path(ValidatePath(leaf, (), Anchors((root,)), datetime(2026, 11, 22, 12, tzinfo=UTC))))"
    )
    ran = subprocess.run([sys.executable, "-c", script, leaf.der.hex(), zero.hex()], capture_output=True, check=True)
    assert (ran.stdout, ran.stderr) == (b"<PathValidated 2 certificate(s)>\n", b"")
    # Here warnings are errors, and then the certificate is as good as malformed.
    assert find(leaf.der, [], [zero]) == "chain.unknown-ca"


def test_an_anchor_with_early_dates_in_the_form_of_late_ones_is_refused_but_its_bare_key_is_none_the_worse() -> None:
    """As "Certum Trusted Network CA 2" is made, which Debian trusts."""
    name = ROOT.certificate.subject.public_bytes()
    dates = [b"20200101000000Z", b"20460101000000Z"]
    utc, generalized = [
        forged.certificate(
            subject=name,
            issuer=name,
            spki=ROOT.spki,
            validity=forged.sequence(*[forged.der(tag, date[cut:]) for date in dates]),
            extensions=[forged.authority()],
        )
        for tag, cut in ((0x17, 2), (0x18, 0))
    ]
    leaf = ROOT.leaf(uris=["sip:example.com"])
    assert find(leaf.der, [], [utc]) == [leaf.der, utc]
    assert find(leaf.der, [], [generalized]) == "chain.invalid"
    event = validate_path(ValidatePath(leaf.der, (), Anchors((generalized,)), NOW))
    assert isinstance(event, PathRejected)
    assert event.detail == "a date before 2050 is not written as UTCTime, as RFC 5280 section 4.1.2.5 has it"
    assert not isinstance(find(leaf.der, [generalized], Anchors((), (KeyAnchor(name, ROOT.spki),))), str)


def test_a_key_that_would_keep_us_busy_is_passed_over() -> None:
    def with_key(bits: int) -> bytes:
        numbers = rsa.RSAPublicNumbers(65537, (1 << (bits - 1)) + 1)
        return (
            x509.CertificateBuilder()
            .subject_name(INTER.certificate.subject)
            .issuer_name(ROOT.certificate.subject)
            .public_key(numbers.public_key())
            .serial_number(bits)
            .not_valid_before(NOW - DAY)
            .not_valid_after(NOW + DAY)
            .add_extension(x509.BasicConstraints(True, None), True)
            .sign(ROOT.key, hashes.SHA256())
            .public_bytes(Encoding.DER)
        )

    assert anchors_module.loaded_issuer(with_key(8_192)) is not None
    assert anchors_module.loaded_issuer(with_key(16_384)) is None
    big = with_key(16_384)
    assert find(LEAF.der, [big, INTER.der], [ROOT.der]) == [LEAF.der, INTER.der, ROOT.der]
    assert find(LEAF.der, [big], [big]) == "chain.unknown-ca"
    unknown_key = INTER.der.replace(bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d0277")) + bytes(2_000)
    assert anchors_module.loaded_issuer(unknown_key) is None


def test_a_leaf_with_names_that_cannot_be_parsed_is_malformed() -> None:
    leaf = ROOT.leaf(cn="example.com").der
    broken = leaf.replace(b"\x0c\x0bexample.com", b"\x0c\x0bexample\xffcom")
    assert broken != leaf
    assert find(broken, [], [ROOT.der]) in {"chain.invalid", "chain.malformed"}
    issuer = leaf.replace(b"\x0c\x09Test Root", b"\x0c\x09Test\xffRoot")
    assert find(issuer, [], [ROOT.der]) == "chain.malformed"
    assert find(issuer, [INTER.der], [OTHER.der]) == "chain.malformed"
    assert find(LEAF.der, [issuer, broken, INTER.der], [issuer, ROOT.der]) == [LEAF.der, INTER.der, ROOT.der]


# The same path whatever the order.


@pytest.mark.req("D-PATH-3", "T-D08")
def test_the_order_in_which_a_peer_sends_its_certificates_decides_nothing() -> None:
    cross = OTHER.cross_sign(INTER)
    anchors = Anchors((ROOT.der, OTHER.der))
    orders = itertools.permutations([INTER.der, cross.der, ROOT.der, OTHER.der])
    assert len({tuple(find(LEAF.der, pool, anchors)) for pool in orders}) == 1


# Through a certificate.


@pytest.mark.req("R7671-5.4-1")
def test_a_path_goes_on_past_a_trusted_intermediate_to_the_root_that_is_asked_for() -> None:
    anchors = Anchors((INTER.der, ROOT.der))
    assert find(LEAF.der, [INTER.der], anchors) == [LEAF.der, INTER.der]
    assert find(LEAF.der, [INTER.der], anchors, through=ROOT.der) == [LEAF.der, INTER.der, ROOT.der]
    # Also when the intermediate was not sent but is trusted here.
    assert find(LEAF.der, [], anchors, through=ROOT.der) == [LEAF.der, INTER.der, ROOT.der]
    assert find(LEAF.der, [], anchors, through=INTER.der) == [LEAF.der, INTER.der]


@pytest.mark.req("D-PATH-3", "T-D08", "R6698-A.1.1-1")
def test_of_cross_signed_certificates_each_is_found_in_every_order() -> None:
    cross = OTHER.cross_sign(INTER)
    anchors = Anchors((ROOT.der, OTHER.der))
    for pool in itertools.permutations([INTER.der, cross.der, ROOT.der, OTHER.der]):
        assert find(LEAF.der, pool, anchors, through=INTER.der) == [LEAF.der, INTER.der, ROOT.der]
        assert find(LEAF.der, pool, anchors, through=cross.der) == [LEAF.der, cross.der, OTHER.der]
        assert find(LEAF.der, pool, anchors, through=ROOT.der) == [LEAF.der, INTER.der, ROOT.der]
        assert find(LEAF.der, pool, anchors, through=OTHER.der) == [LEAF.der, cross.der, OTHER.der]


def test_a_cross_certificate_higher_up_is_found_too() -> None:
    lower = INTER.intermediate("Test Intermediate 2")
    leaf = lower.leaf(uris=["sip:example.com"])
    cross = OTHER.intermediate("Bridge").cross_sign(INTER)
    bridge = cross.issued.above[0]
    anchors = Anchors((ROOT.der, OTHER.der))
    for pool in itertools.permutations([lower.der, INTER.der, cross.der, bridge.der]):
        assert find(leaf.der, pool, anchors, through=bridge.der) == [
            leaf.der,
            lower.der,
            cross.der,
            bridge.der,
            OTHER.der,
        ]


def test_a_path_through_a_certificate_is_valid_as_a_whole() -> None:
    cross = OTHER.cross_sign(INTER, not_after=NOW - DAY)
    anchors = Anchors((ROOT.der, OTHER.der))
    assert find(LEAF.der, [INTER.der, cross.der], anchors, through=cross.der) == "chain.invalid"


@pytest.mark.req("T-D07")
@pytest.mark.parametrize("unrelated", [OTHER.der, LEAF.der, b"junk", Issuer.root().der])
def test_no_path_goes_through_a_certificate_that_vouches_for_nothing_in_it(unrelated: bytes) -> None:
    anchors = Anchors((ROOT.der, OTHER.der))
    assert find(LEAF.der, [INTER.der, unrelated], anchors, through=unrelated) == "chain.invalid"


def test_without_any_path_the_reason_is_that_of_the_path() -> None:
    assert find(LEAF.der, [INTER.der], [OTHER.der], through=OTHER.der) == "chain.unknown-ca"


def test_the_authority_that_is_missing_is_named() -> None:
    event = validate_path(ValidatePath(LEAF.der, (INTER.der,), Anchors((OTHER.der,)), NOW))
    assert isinstance(event, PathRejected)
    assert INTER.certificate.issuer.rfc4514_string() in event.detail


@pytest.mark.parametrize(
    ("leaf", "words"),
    [
        (INTER.leaf(not_after=NOW - DAY), "a certificate is out of its dates"),
        (ROOT.intermediate("Old", not_after=NOW - DAY).leaf(), "a certificate is out of its dates"),
        (ROOT.intermediate("Mute", key_usage=["crl_sign"]).leaf(), "the keyUsage of an authority has no keyCertSign"),
        (ROOT.intermediate("None", ca=None).leaf(), "an issuer has no basicConstraints, so it is no authority"),
        (
            ROOT.intermediate("End", ca=False).leaf(),
            "the basicConstraints of an issuer do not say that it is an authority",
        ),
        (
            ROOT.intermediate("Last", path_length=0).intermediate("One more").leaf(),
            "more authorities stand below one than its pathLenConstraint allows",
        ),
        (
            ROOT.intermediate("Only", permitted=[x509.DNSName("example.net")]).leaf(dns=["example.com"]),
            "an authority may speak only for other names than those of the certificate",
        ),
        (
            ROOT.intermediate("Not", excluded=[x509.DNSName("example.com")]).leaf(dns=["example.com"]),
            "an authority may not speak for a name of the certificate",
        ),
    ],
)
def test_why_no_path_is_valid_is_said_in_words_that_need_no_library_to_understand(leaf: Issued, words: str) -> None:
    event = validate_path(ValidatePath(leaf.der, tuple(leaf.presented[1:]), Anchors((ROOT.der,)), NOW))
    assert isinstance(event, PathRejected)
    assert event.detail == words


@pytest.mark.parametrize("name", ["Forbidden", "serial", "signature does not match", "\x1b[2J"])
def test_a_name_has_no_say_in_what_is_said_of_its_certificate(name: str) -> None:
    leaf = INTER.leaf(cn=name, not_after=NOW - DAY)
    event = validate_path(ValidatePath(leaf.der, (INTER.der,), Anchors((ROOT.der,)), NOW))
    assert isinstance(event, PathRejected)
    assert (event.reason, event.detail) == ("chain.expired", "a certificate is out of its dates")


def test_a_tangle_of_certificates_cannot_keep_the_search_busy() -> None:
    tangle = [ROOT.cross_sign(ROOT, serial=number + 1).der for number in range(18)]
    assert find(LEAF.der, [INTER.der, *tangle], [ROOT.der], through=OTHER.der) == "chain.invalid"


def test_roots_that_could_have_issued_each_other_do_not_hide_a_valid_path() -> None:
    renewed = [Issuer.root("Test Root", key=ROOT.key, serial=number).der for number in (1, 2)]
    for pool in itertools.permutations([INTER.der, *renewed]):
        for anchors in (Anchors((INTER.der,)), key_anchor(INTER), Anchors((ROOT.der,))):
            path = find(LEAF.der, pool, anchors)
            assert isinstance(path, list), anchors
            assert path[0] == LEAF.der
        assert find(LEAF.der, pool, [OTHER.der]) in {"chain.unknown-ca", "chain.invalid"}


# Bare keys as anchors.


def key_anchor(issuer: Issuer, spki: bytes | None = None) -> Anchors:
    name = issuer.certificate.subject.public_bytes()
    return Anchors(keys=(KeyAnchor(name, issuer.spki if spki is None else spki),))


@pytest.mark.req("R7671-5.2.3-1", "T-D06")
def test_a_bare_key_vouches_for_what_it_signed() -> None:
    for leaf, pool, issuer in ((LEAF.der, [], INTER), (LEAF.der, [INTER.der], ROOT), (LEAF.der, [INTER.der], INTER)):
        path = find(leaf, pool, key_anchor(issuer))
        assert isinstance(path, list)
        assert path[:-1] == [leaf, *([INTER.der] if issuer is ROOT else [])]
        stand_in = x509.load_der_x509_certificate(path[-1])
        assert stand_in.subject == issuer.certificate.subject
        assert stand_in.public_key() == issuer.key.public_key()


@pytest.mark.req("R7671-5.2.3-1", "T-D06")
@pytest.mark.parametrize("spki", [OTHER.spki, ROOT.spki, LEAF.spki, b"", b"junk", INTER.spki[:-1], INTER.spki + b"\0"])
def test_a_wrong_key_vouches_for_nothing(spki: bytes) -> None:
    assert find(LEAF.der, [], key_anchor(INTER, spki)) in {"chain.invalid", "chain.unknown-ca"}


@pytest.mark.parametrize("name", [b"", b"\x30", b"\x30\x80", b"\x30\x01", b"\x31\0", b"\x30\x82\xff\xff", b"\0" * 300])
def test_a_key_with_a_name_that_is_none_vouches_for_nothing(name: bytes) -> None:
    assert find(LEAF.der, [INTER.der], Anchors(keys=(KeyAnchor(name, INTER.spki),))) == "chain.unknown-ca"


def test_a_name_cannot_smuggle_anything_into_the_certificate_that_stands_for_a_key() -> None:
    name = INTER.certificate.subject.public_bytes()
    for smuggled in (name + name, name + b"\x30\0", name[:-1]):
        assert find(LEAF.der, [], Anchors(keys=(KeyAnchor(smuggled, INTER.spki),))) == "chain.unknown-ca"


@pytest.mark.req("T-D05", "R6698-A.1-1")
def test_a_bare_key_does_not_vouch_for_the_certificate_that_carries_it() -> None:
    own = Anchors(keys=(KeyAnchor(x509.load_der_x509_certificate(SELF.der).issuer.public_bytes(), SELF.spki),))
    assert find(SELF.der, [], own) == "chain.self-signed"
    assert find(SELF.der, [], Anchors((ROOT.der,), own.keys)) == "chain.self-signed"


@pytest.mark.req("R7671-5.2.3-1", "D-PATH-4", "R7671-5.2.1-1")
def test_only_the_key_of_a_bare_key_counts_and_not_the_dates_and_limits_of_its_certificate() -> None:
    old = Issuer.root("Old Root", not_after=NOW - DAY, path_length=0)
    leaf = old.intermediate("Test Intermediate 2").leaf(uris=["sip:example.com"])
    assert find(leaf.der, leaf.presented[1:], [old.der]) == "chain.expired"
    assert isinstance(find(leaf.der, leaf.presented[1:], key_anchor(old)), list)
    expired = old.leaf(uris=["sip:example.com"], not_after=NOW - DAY)
    assert find(expired.der, [], key_anchor(old)) == "chain.expired"
    far = NOW.replace(year=9000)
    lasting = old.leaf(uris=["sip:example.com"], not_after=far + DAY)
    assert isinstance(find(lasting.der, [], key_anchor(old), at=far), list)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_keys_of_every_size_stand_for_themselves(curve: ec.EllipticCurve) -> None:
    root = Issuer.root("Sized Root", key=ec.generate_private_key(curve))
    leaf = root.leaf(uris=["sip:example.com"])
    assert isinstance(find(leaf.der, [], key_anchor(root)), list)
    spki = root.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert spki == root.spki


# Anchors are prepared once.


def test_anchors_are_parsed_once_and_forgotten_with_their_object(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []
    loaded_issuer = anchors_module.loaded_issuer

    def counting(der: bytes) -> x509.Certificate | None:
        parsed.append(der)
        return loaded_issuer(der)

    monkeypatch.setattr(anchors_module, "loaded_issuer", counting)
    anchors = Anchors((ROOT.der, OTHER.der))
    prepared = anchors_module._prepared  # pyright: ignore[reportPrivateUsage]
    gc.collect()
    before = len(prepared)
    for _ in range(3):
        assert isinstance(validate_path(ValidatePath(LEAF.der, (INTER.der,), anchors, NOW)), PathValidated)
    assert parsed == [ROOT.der, OTHER.der]
    assert len(prepared) == before + 1
    del anchors
    gc.collect()
    assert len(prepared) == before


def test_a_naive_time_is_the_callers_mistake_and_still_no_crash() -> None:
    naive = NOW.replace(tzinfo=None)
    assert find(LEAF.der, [INTER.der], [ROOT.der], at=naive) == [LEAF.der, INTER.der, ROOT.der]
