"""Messages put together by chance out of right and wrong parts: VALID exactly when every part is right.

Everything here is really signed; so what is refused is refused for what it says, and nothing that is right is refused.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field, fields, replace

import forged_messages as forge
import forged_tokens as tokens
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from forged_messages import CONTENT, NOW
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.sandbox import signing
from app.signatures import asn1, cms
from app.signatures.asn1 import NULL, OCTETS, SEQUENCE, SET, tlv
from app.signatures.report import Verdict

SHA1, SHA256, SHA512 = "1.3.14.3.2.26", "2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.3"
RSA, WITH_SHA256, WITH_SHA512 = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.11", "1.2.840.113549.1.1.13"
TIME, UNKNOWN = "1.2.840.113549.1.9.5", "1.2.398.1.2.3"
OTHER_CONTENT = CONTENT + b"!"

DIGEST = hashlib.sha256(CONTENT).digest()
NOW_WRITTEN = tlv(asn1.GENERALIZED_TIME, NOW.strftime("%Y%m%d%H%M%SZ").encode())


def _named(der: bytes, *, old: bool = False) -> bytes:
    value = hashlib.sha1(der).digest() if old else hashlib.sha256(der).digest()
    return tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, tlv(OCTETS, value))))


def _attributes(head: bytes, other: bytes) -> dict[str, tuple[str, tuple[bytes, ...], bool]]:
    """Return by name: type, values, and whether it is right."""
    digest, data = tlv(OCTETS, DIGEST), asn1.oid(cms.ID_DATA)
    return {
        "type": (cms.CONTENT_TYPE, (data,), True),
        "another type": (cms.CONTENT_TYPE, (asn1.oid(cms.ID_SIGNED_DATA),), False),
        "no type": (cms.CONTENT_TYPE, (), False),
        "digest": (cms.MESSAGE_DIGEST, (digest,), True),
        "another digest": (cms.MESSAGE_DIGEST, (tlv(OCTETS, hashlib.sha256(OTHER_CONTENT).digest()),), False),
        "two digests": (cms.MESSAGE_DIGEST, (digest, digest), False),
        "time": (TIME, (NOW_WRITTEN,), True),
        "no time": (TIME, (tlv(NULL),), False),
        "certificate": (cms.SIGNING_CERTIFICATE_V2, (_named(head),), True),
        "another certificate": (cms.SIGNING_CERTIFICATE_V2, (_named(other),), False),
        "certificate by SHA-1": (cms.SIGNING_CERTIFICATE, (_named(head, old=True),), True),
        "another by SHA-1": (cms.SIGNING_CERTIFICATE, (_named(other, old=True),), False),
        "unknown": (UNKNOWN, (b"\x04\x03abc",), True),
    }


NAMES = tuple(_attributes(b"", b""))
ALGORITHMS = {
    "digest": {SHA256: True, SHA1: False, SHA512: False},
    "signature": {WITH_SHA256: True, RSA: True, WITH_SHA512: False, "1.2.840.10045.4.3.2": False},
}
FORMS = ("DER", "BER", "base64", "PEM")


@dataclass(frozen=True)
class Plan:
    """What a message is put together of."""

    attributes: tuple[str, ...] = ("type", "digest", "time", "certificate")
    in_order: bool = True
    digest: str = SHA256
    signature: str = WITH_SHA256
    parameters: bool = True
    named: str = "by name"
    signed_by: str = "head"
    enclosed: tuple[str, ...] = ("head", "ca")
    attached: bool = True
    given: str = "nothing"
    kind: str = cms.ID_DATA
    unsigned: str = "nothing"
    second: str = "nobody"
    version: int = 1
    form: str = field(default="DER")


_GOOD = Plan()
PLANS = st.builds(
    Plan,
    attributes=st.one_of(
        st.just(_GOOD.attributes), st.permutations(["type", "digest", "time", "certificate", "unknown"]).map(tuple),
        st.lists(st.sampled_from(NAMES), min_size=0, max_size=7).map(tuple),
        st.lists(st.sampled_from(NAMES), max_size=2).map(lambda more: (*_GOOD.attributes, *more)),
    ),
    in_order=st.sampled_from((True, True, True, False)),
    digest=st.sampled_from((SHA256,) * 6 + (SHA1, SHA512)),
    signature=st.sampled_from((WITH_SHA256,) * 6 + (RSA, RSA, WITH_SHA512, "1.2.840.10045.4.3.2")),
    parameters=st.booleans(),
    named=st.sampled_from(("by name",) * 4 + ("by key", "by key", "by another serial", "by another key")),
    signed_by=st.sampled_from(("head",) * 8 + ("clerk",)),
    enclosed=st.lists(st.sampled_from(("head", "head", "ca", "clerk")), max_size=4).map(tuple),
    attached=st.booleans(),
    given=st.sampled_from(("nothing", "the content", "the content", "another content")),
    kind=st.sampled_from((cms.ID_DATA,) * 8 + ("1.2.840.113549.1.9.16.1.4",)),
    unsigned=st.sampled_from(("nothing", "nothing", "junk", "junk for a token", "a token of another")),
    second=st.sampled_from(("nobody",) * 6 + ("good", "bad", "the same")),
    version=st.sampled_from((1, 3)),
    form=st.sampled_from(FORMS),
)  # fmt: skip


NEAR = st.builds(
    lambda plan, parts: replace(_GOOD, **{part: getattr(plan, part) for part in parts}),
    PLANS,
    st.sets(st.sampled_from([part.name for part in fields(Plan)]), max_size=4),
)
"""Plans of which a few parts alone are left to chance."""


@dataclass(frozen=True)
class Office:
    """Who there is, and what is the same in many messages."""

    world: object
    clerk: forge.Holder
    token: bytes

    def attributes(self, plan: Plan) -> list[bytes]:
        known = _attributes(self.world.head.der, self.clerk.der)
        return [signing.attribute(known[name][0], *known[name][1]) for name in plan.attributes]

    def message(self, plan: Plan) -> bytes | str:
        head = self.world.head
        key = asn1.parse(
            next(e for e in _extensions(head.der) if e.children[0].raw == asn1.oid("2.5.29.14")).children[-1].content
        )
        pieces = self.attributes(plan)
        ordered = sorted(pieces) if plan.in_order else pieces
        covered = tlv(SET, *ordered) if ordered else CONTENT
        private = head.private if plan.signed_by == "head" else self.clerk.private
        parameters = tlv(NULL) if plan.parameters else b""
        sid = {
            "by name": forge.tlv(
                SEQUENCE, head.certificate.issuer.public_bytes(), asn1.integer(head.certificate.serial_number)
            ),
            "by another serial": tlv(SEQUENCE, head.certificate.issuer.public_bytes(), asn1.integer(77)),
            "by key": tlv(0x80, key.content),
            "by another key": tlv(0x80, key.content[::-1]),
        }[plan.named]
        unsigned = {
            "nothing": b"",
            "junk": tlv(0xA1, signing.attribute(UNKNOWN, tlv(NULL))),
            "junk for a token": tlv(0xA1, signing.attribute(cms.TIMESTAMP_TOKEN, tlv(NULL))),
            "a token of another": tlv(0xA1, signing.attribute(cms.TIMESTAMP_TOKEN, self.token)),
        }[plan.unsigned]
        one = tlv(
            SEQUENCE,
            asn1.integer(plan.version),
            sid,
            tlv(SEQUENCE, asn1.oid(plan.digest), parameters),
            tlv(0xA0, *ordered) if ordered else b"",
            tlv(SEQUENCE, asn1.oid(plan.signature), parameters),
            tlv(OCTETS, private.sign(covered, padding.PKCS1v15(), hashes.SHA256())),
            unsigned,
        )
        seconds = {
            "nobody": [],
            "good": [forge.signer(self.clerk, forge.attributes(self.clerk))],
            "bad": [forge.signer(self.clerk, forge.attributes(self.clerk), change=lambda value: value[::-1])],
            "the same": [one],
        }[plan.second]
        people = {"head": head.der, "ca": self.world.ca.der, "clerk": self.clerk.der}
        enclosed = [people[name] for name in plan.enclosed] + (
            [self.clerk.der] if plan.second in ("good", "bad") else []
        )
        message = signing.signed_data(
            [one, *seconds],
            content=CONTENT if plan.attached else None,
            certificates=enclosed,
            content_type=plan.kind,
            digests=[plan.digest],
        )
        return {
            "DER": lambda: message,
            "BER": lambda: forge.as_ber(message) if plan.attached else message,
            "base64": lambda: base64.encodebytes(message),
            "PEM": lambda: asn1.armour(message, "CMS"),
        }[plan.form]()

    def is_right(self, plan: Plan) -> bool:
        """Whether every part is right: the rules of RFC 5652, 5.4 and 11, said once more and otherwise."""
        known = _attributes(self.world.head.der, self.clerk.der)
        kinds = [known[name][0] for name in plan.attributes]
        pieces = self.attributes(plan)
        return (
            all(known[name][2] for name in plan.attributes)
            and len(set(kinds)) == len(kinds)
            and {"type", "digest"} <= set(plan.attributes)
            and (plan.in_order or pieces == sorted(pieces))
            and ALGORITHMS["digest"][plan.digest]
            and ALGORITHMS["signature"][plan.signature]
            and plan.named in ("by name", "by key")
            and plan.signed_by == "head"
            and "head" in plan.enclosed
            and plan.kind == cms.ID_DATA
            and (plan.given == "the content" or (plan.attached and plan.given == "nothing"))
            and plan.second in ("nobody", "good")
        )


def _extensions(der: bytes):
    return asn1.parse(der).children[0].children[-1].children[0].children


@pytest.fixture(scope="module")
def office(world) -> Office:
    clerk = world.issue(whose=forge.subject(iin="IIN900202400123"), owner="clerk of chance")
    return Office(world, clerk, tokens.token(b"the value of another signature", tokens.authority(world.ca)))


GIVEN = {"nothing": None, "the content": CONTENT, "another content": OTHER_CONTENT}
_SETTINGS = settings(
    max_examples=400, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@_SETTINGS
@given(plan=NEAR | PLANS)
def test_a_message_is_valid_exactly_when_all_its_parts_are_right(plan, office, world):
    report = world.verify(office.message(plan), GIVEN[plan.given])

    assert (report.verdict is Verdict.VALID) is office.is_right(plan), report.reasons
    if report.verdict is Verdict.VALID:
        assert report.content == CONTENT
        assert {signer.certificate for signer in report.signers} <= {world.head.der, office.clerk.der}
        assert all(signer.timestamp is None for signer in report.signers)


WRONG = {
    "attributes": ("digest",), "digest": SHA512, "signature": WITH_SHA512, "named": "by another serial",
    "signed_by": "clerk", "enclosed": ("ca",), "given": "another content", "kind": cms.ID_SIGNED_DATA, "second": "bad",
}  # fmt: skip


@pytest.mark.parametrize("part", WRONG)
def test_one_wrong_part_is_enough(part, office, world):
    """So that each of the parts decides, whatever chance brings together."""
    plan = Plan(**{part: WRONG[part]})

    assert world.verify(office.message(Plan())).verdict is Verdict.VALID
    assert world.verify(office.message(plan), GIVEN[plan.given]).verdict is not Verdict.VALID


@settings(max_examples=200, deadline=None, derandomize=True)
@given(data=st.data())
def test_armour_may_have_white_space_anywhere(data, world):
    der = forge.message(world.head)
    written = base64.b64encode(der).decode()
    places = data.draw(st.lists(st.integers(0, len(written)), max_size=8))
    for place in sorted(places, reverse=True):
        written = written[:place] + data.draw(st.text(" \t\r\n\v\f", min_size=1, max_size=3)) + written[place:]
    label = data.draw(st.sampled_from(("", "CMS", "PKCS7")))
    text = f"-----BEGIN {label}-----\n{written}\n-----END {label}-----\n" if label else written

    assert cms.read_cms(text) == cms.read_cms(text.encode()) == der


@settings(max_examples=300, deadline=None, derandomize=True)
@given(octets=st.binary(max_size=400), start=st.sampled_from((b"", b"\x30", b"\x30\x80", b"\x30\x82\x01", b"MII")))
def test_octets_of_chance_are_no_message(octets, start, world):
    report = world.verify(start + octets)

    assert report.verdict is Verdict.INVALID
    assert report.signers == ()
