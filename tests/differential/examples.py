"""For each explanation the smallest world that was found in which it makes the difference."""

from __future__ import annotations

from typing import Final

from differential.certificates import Description
from differential.dane_worlds import Pin, World

EXAMPLES: Final = {
    "DANE-EE needs no name": World(
        certificates=(
            Description(subject="leaf", key=("p256", 10), issuer="Level 1", signer=("p256", 1)),
            Description(
                subject="Level 1",
                key=("p256", 1),
                issuer="Level 1",
                signer=("p256", 1),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
            ),
        ),
        sent=(0, 1),
        trusted=(1,),
        pins=(Pin(usage=3, selector=0, matching=0, about=0),),
    ),
    "a common name is no name": World(
        certificates=(
            Description(subject="example.com", key=("p256", 10), issuer="Level 1", signer=("p256", 1)),
            Description(
                subject="Level 1",
                key=("p256", 1),
                issuer="Level 1",
                signer=("p256", 1),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
            ),
        ),
        sent=(0, 1),
        trusted=(1,),
    ),
    "a common name is not constrained": World(
        certificates=(
            Description(
                subject="sip1.example.net",
                key=("p256", 10),
                issuer="Level 1",
                signer=("p256", 1),
                uris=("sip:example.com",),
                key_ids=False,
            ),
            Description(
                subject="Level 1",
                key=("p256", 1),
                issuer="Level 2",
                signer=("p256", 2),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
                permitted=("example.com",),
                key_ids=False,
            ),
            Description(
                subject="Level 2",
                key=("p256", 2),
                issuer="Level 2",
                signer=("p256", 2),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
                key_ids=False,
            ),
        ),
        sent=(0, 1, 2),
        trusted=(2,),
    ),
    "a wildcard is no SIP domain": World(
        certificates=(
            Description(subject="leaf", key=("p256", 10), issuer="Level 1", signer=("p256", 1), dns=("*.example.net",)),
            Description(
                subject="Level 1",
                key=("p256", 1),
                issuer="Level 1",
                signer=("p256", 1),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
            ),
        ),
        sent=(0, 1),
        trusted=(1,),
        target="sip1.example.net",
    ),
    "a sip URI is a name": World(
        certificates=(
            Description(
                subject="leaf", key=("p256", 10), issuer="Level 1", signer=("p256", 1), uris=("sip:example.com",)
            ),
            Description(
                subject="Level 1",
                key=("p256", 1),
                issuer="Level 1",
                signer=("p256", 1),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
            ),
        ),
        sent=(0, 1),
        trusted=(1,),
    ),
    "beside a sip URI a dNSName is none": World(
        certificates=(
            Description(
                subject="leaf",
                key=("p256", 10),
                issuer="Level 1",
                signer=("p256", 1),
                uris=("sip:other.example.org",),
                dns=("example.com",),
            ),
            Description(
                subject="Level 1",
                key=("p256", 1),
                issuer="Level 1",
                signer=("p256", 1),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
            ),
        ),
        sent=(0, 1),
        trusted=(1,),
    ),
    "sipDomain is a purpose": World(
        certificates=(
            Description(
                subject="leaf",
                key=("p256", 10),
                issuer="Level 1",
                signer=("p256", 1),
                purposes=("1.3.6.1.5.5.7.3.20",),
                dns=("example.com",),
            ),
            Description(
                subject="Level 1",
                key=("p256", 1),
                issuer="Level 1",
                signer=("p256", 1),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
            ),
        ),
        sent=(0, 1),
        trusted=(1,),
    ),
    "serverAuth is none when strict": World(
        certificates=(
            Description(
                subject="leaf",
                key=("p256", 10),
                issuer="Level 1",
                signer=("p256", 1),
                purposes=("1.3.6.1.5.5.7.3.1",),
                dns=("example.com",),
            ),
            Description(
                subject="Level 1",
                key=("p256", 1),
                issuer="Level 1",
                signer=("p256", 1),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
            ),
        ),
        sent=(0, 1),
        trusted=(1,),
        eku="strict",
    ),
    "an anchor's purposes": World(
        certificates=(
            Description(
                subject="leaf",
                key=("p256", 10),
                issuer="Level 1",
                signer=("p256", 1),
                dns=("example.com",),
                key_ids=False,
            ),
            Description(
                subject="Level 1",
                key=("p256", 1),
                issuer="Level 2",
                signer=("p256", 2),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
                purposes=("1.3.6.1.5.5.7.3.4",),
                key_ids=False,
            ),
            Description(
                subject="Level 2",
                key=("p256", 2),
                issuer="Level 2",
                signer=("p256", 2),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
                key_ids=False,
            ),
        ),
        sent=(0, 1, 2),
        trusted=(2,),
        pins=(Pin(usage=2, selector=0, matching=0, about=1), Pin(usage=2, selector=0, matching=1, about=2)),
    ),
    "the policy's digests match": World(
        certificates=(
            Description(subject="leaf", key=("p256", 10), issuer="CA", signer=("p256", 1), dns=("example.com",)),
            Description(
                subject="CA",
                key=("p256", 1),
                issuer="CA",
                signer=("p256", 1),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
            ),
        ),
        sent=(0, 1),
        pins=(Pin(usage=3, selector=1, matching=1, about=0), Pin(usage=3, selector=1, matching=2, about=None)),
        digests=("sha256", "sha512"),
    ),
    "only other digests match": World(
        certificates=(
            Description(subject="leaf", key=("p256", 10), issuer="leaf", signer=("p256", 10), dns=("example.com",)),
        ),
        sent=(0,),
        trusted=(0,),
        pins=(Pin(usage=3, selector=0, matching=1, about=0),),
        digests=("sha512",),
    ),
    "one way fails, another one not": World(
        certificates=(
            Description(
                subject="leaf", key=("p256", 10), issuer="CA", signer=("p256", 1), dns=("example.com",), key_ids=False
            ),
            Description(
                subject="CA",
                key=("p256", 1),
                issuer="CA",
                signer=("p256", 1),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
                key_ids=False,
            ),
            Description(
                subject="CA",
                key=("p256", 2),
                issuer="CA",
                signer=("p256", 2),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
                key_ids=False,
            ),
        ),
        sent=(0, 2, 1),
        pins=(Pin(usage=2, selector=0, matching=1, about=1),),
    ),
    "a pinned key is no certificate": World(
        certificates=(
            Description(
                subject="leaf",
                key=("p256", 10),
                issuer="Level 1",
                signer=("p256", 1),
                dns=("example.com",),
                key_ids=False,
            ),
            Description(
                subject="Level 1",
                key=("p256", 1),
                issuer="Level 2",
                signer=("p256", 2),
                dates="expired",
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
                key_ids=False,
            ),
            Description(
                subject="Level 2",
                key=("p256", 2),
                issuer="Level 2",
                signer=("p256", 2),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
                key_ids=False,
            ),
        ),
        sent=(0, 1, 2),
        pins=(Pin(usage=2, selector=1, matching=1, about=1),),
    ),
    "any certificate may be an anchor": World(
        certificates=(
            Description(subject="leaf", key=("p256", 10), issuer="CA", signer=("p256", 1), dns=("example.com",)),
            Description(
                subject="CA",
                key=("p256", 1),
                issuer="Root",
                signer=("p256", 2),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
            ),
        ),
        sent=(0,),
        trusted=(1,),
    ),
    "the dates of a pinned authority count": World(
        certificates=(
            Description(subject="leaf", key=("p256", 10), issuer="Level 1", signer=("p256", 1), dns=("example.com",)),
            Description(
                subject="Level 1",
                key=("p256", 1),
                issuer="Level 2",
                signer=("p256", 2),
                dates="expired",
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
            ),
            Description(
                subject="Level 2",
                key=("p256", 2),
                issuer="Level 2",
                signer=("p256", 2),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
            ),
        ),
        sent=(0, 1, 2),
        trusted=(2,),
        pins=(Pin(usage=2, selector=0, matching=0, about=1),),
    ),
    "nobody vouches for itself": World(
        certificates=(
            Description(subject="leaf", key=("p256", 10), issuer="leaf", signer=("p256", 10), dns=("example.com",)),
        ),
        sent=(0,),
        trusted=(0,),
    ),
    "the last second is valid": World(
        certificates=(
            Description(
                subject="leaf",
                key=("p256", 10),
                issuer="Level 1",
                signer=("p256", 1),
                dates="last second",
                dns=("example.com",),
            ),
            Description(
                subject="Level 1",
                key=("p256", 1),
                issuer="Level 1",
                signer=("p256", 1),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
            ),
        ),
        sent=(0, 1),
        trusted=(1,),
    ),
    "authorities that the path library refuses": World(
        certificates=(
            Description(subject="leaf", key=("p256", 10), issuer="CA", signer=("ed25519", 1), dns=("example.com",)),
            Description(
                subject="CA",
                key=("ed25519", 1),
                issuer="CA",
                signer=("ed25519", 1),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
            ),
        ),
        sent=(0,),
        trusted=(1,),
    ),
    "a constraint is not an issuer": World(
        certificates=(
            Description(
                subject="leaf",
                key=("p256", 10),
                issuer="Level 1",
                signer=("p256", 1),
                dns=("example.com",),
                key_ids=False,
            ),
            Description(
                subject="Level 1",
                key=("p256", 1),
                issuer="Level 2",
                signer=("p256", 2),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
                key_ids=False,
            ),
            Description(
                subject="Level 2",
                key=("p256", 2),
                issuer="Level 2",
                signer=("p256", 2),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
                key_ids=False,
            ),
        ),
        sent=(0, 2),
        trusted=(2,),
        pins=(Pin(usage=0, selector=0, matching=0, about=1), Pin(usage=0, selector=0, matching=0, about=2)),
    ),
    "self-issued is not self-signed": World(
        certificates=(
            Description(
                subject="leaf",
                key=("p256", 10),
                issuer="Level 2",
                signer=("p256", 1),
                dns=("example.com",),
                key_ids=False,
            ),
            Description(
                subject="Level 2",
                key=("p256", 1),
                issuer="Level 2",
                signer=("p256", 2),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
                key_ids=False,
            ),
            Description(
                subject="Level 2",
                key=("p256", 2),
                issuer="Level 2",
                signer=("p256", 2),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
                key_ids=False,
            ),
        ),
        sent=(0, 1, 2),
        trusted=(2,),
    ),
    "unusable records are fatal when strict": World(
        certificates=(
            Description(subject="leaf", key=("p256", 10), issuer="Level 1", signer=("p256", 1), dns=("example.com",)),
            Description(
                subject="Level 1",
                key=("p256", 1),
                issuer="Level 1",
                signer=("p256", 1),
                ca=True,
                key_usage=("key_cert_sign", "crl_sign"),
            ),
        ),
        sent=(0, 1),
        trusted=(1,),
        pins=(Pin(usage=0, selector=0, matching=0, about=1, fault="short"),),
        strict_dane=True,
    ),
}
