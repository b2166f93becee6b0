"""Evidence that came with the message: it counts when it is authentic, and only then."""

from __future__ import annotations

from datetime import timedelta

import forged_answers as answers
import forged_messages as forge
import forged_tokens as tokens
import pytest
from cryptography import x509
from forged_messages import NOW
from forged_tokens import STAMPED

from app.signatures import asn1, cms, enclosed
from app.signatures.asn1 import SEQUENCE, SET, tlv
from app.signatures.report import Verdict
from app.signatures.verify import verify

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
VALID, OPEN, BAD = Verdict.VALID, Verdict.INDETERMINATE, Verdict.INVALID


def _with(message: bytes, *, evidence: list[bytes] = (), attributes: list[bytes] = ()) -> bytes:
    """Return a message with evidence, which nobody signs, among its parts and those of its signer."""
    kind, holder = asn1.parse(message).children
    *parts, signers = holder.children[0].children
    kept = [part.raw for part in parts] + ([tlv(0xA1, *sorted(evidence))] if evidence else [])
    (info,) = signers.children
    unsigned = [one.raw for part in info.children if part.tag == 0xA1 for one in part.children]
    signed = [part.raw for part in info.children if part.tag != 0xA1]
    all_unsigned = sorted([*unsigned, *attributes])
    made = tlv(SEQUENCE, *signed, tlv(0xA1, *all_unsigned) if all_unsigned else b"")
    return tlv(SEQUENCE, kind.raw, tlv(0xA0, tlv(SEQUENCE, *kept, tlv(SET, made))))


def _attribute(oid: str, value: bytes) -> bytes:
    return tlv(SEQUENCE, asn1.oid(oid), tlv(SET, value))


def _values(*, lists: list[bytes] = (), basics: list[bytes] = ()) -> bytes:
    parts = [tlv(0xA0, tlv(SEQUENCE, *lists))] if lists else []
    parts += [tlv(0xA1, tlv(SEQUENCE, *basics))] if basics else []
    return _attribute(enclosed.REVOCATION_VALUES, tlv(SEQUENCE, *parts))


def _list(world, *entries, **how):
    return forge.revocation_list(world.ca, entries, **how)


def _answer(world, status=answers.GOOD, *, by=None, at=NOW - timedelta(minutes=1)):
    one = answers.single(answers.named(world.head, world.ca), status, this_update=at)
    return answers.answer([one], by or world.ca, enclosed=[], produced_at=at)


def _basic(answer: bytes) -> bytes:
    return asn1.parse(answer).children[1].children[0].children[1].content


def _in_message(answer: bytes) -> bytes:
    return tlv(0xA1, asn1.oid("1.3.6.1.5.5.7.16.2"), answer)


def _revoked(world):
    return world.head.certificate.serial_number, NOW - DAY, [x509.CRLReason(x509.ReasonFlags.superseded)]


WAYS = {
    "a list in the message": lambda w: {"evidence": [_list(w)]},
    "an answer in the message": lambda w: {"evidence": [_in_message(_answer(w))]},
    "a list among the values": lambda w: {"attributes": [_values(lists=[_list(w)])]},
    "an answer among the values": lambda w: {"attributes": [_values(basics=[_basic(_answer(w))])]},
    "both": lambda w: {"attributes": [_values(lists=[_list(w)], basics=[_basic(_answer(w))])]},
}


@pytest.mark.parametrize("way", WAYS)
def test_authentic_evidence_that_came_along_is_relied_upon_and_kept(way, world):
    message = _with(forge.message(world.head), **WAYS[way](world))

    report = world.verify(message, lists=())

    assert (report.verdict, report.reasons) == (VALID, ())
    kinds = {one.kind for one in report.signers[0].evidence}
    assert kinds & {"list", "ocsp"}
    assert world.verify(forge.message(world.head), lists=()).reasons == ("revocation_unknown",)


PROVES_NOTHING = {
    "a list of another authority": (lambda w: {"evidence": [_list(w, signed_by=w.root)]}, OPEN, "revocation_unknown"),
    "a list past its time": (
        lambda w: {"evidence": [_list(w, this_update=NOW - 9 * DAY, next_update=NOW - DAY)]}, OPEN, "revocation_stale"),
    "an answer of somebody else": (
        lambda w: {"evidence": [_in_message(_answer(w, by=w.head))]}, OPEN, "revocation_refused"),
    "an old answer": (
        lambda w: {"attributes": [_values(basics=[_basic(_answer(w, at=NOW - DAY))])]}, OPEN, "revocation_refused"),
    "no answer at all": (
        lambda w: {"evidence": [_in_message(answers.response(None, 3))]}, OPEN, "revocation_unknown"),
    "a list that names the signer": (lambda w: {"evidence": [_list(w, _revoked(w))]}, BAD, "revoked"),
}  # fmt: skip


@pytest.mark.parametrize("fault", PROVES_NOTHING)
def test_evidence_that_came_along_is_judged_like_any_other(fault, world):
    make, verdict, reason = PROVES_NOTHING[fault]

    report = world.verify(_with(forge.message(world.head), **make(world)), lists=())

    assert (report.verdict, reason in report.reasons) == (verdict, True), report.reasons


def test_a_good_list_that_came_along_does_not_silence_a_newer_one(world):
    message = _with(forge.message(world.head), evidence=[_list(world, this_update=NOW - 2 * DAY)])

    report = world.verify(message, lists=(_list(world, _revoked(world)),))

    assert (report.verdict, report.reasons) == (BAD, ("revoked",))


@pytest.mark.parametrize(
    "how",
    [
        {"evidence": [tlv(SEQUENCE, b"\x05\x00")]},
        {"evidence": [tlv(0xA1, b"\x05\x00")]},
        {"attributes": [_attribute(enclosed.REVOCATION_VALUES, b"\x05\x00")]},
        {"attributes": [_attribute(enclosed.REVOCATION_VALUES, tlv(SEQUENCE, tlv(0xA1)))]},
        {"attributes": [_attribute(enclosed.CERTIFICATE_VALUES, tlv(SEQUENCE, tlv(SEQUENCE)))]},
    ],
)
def test_evidence_that_cannot_be_read_is_told_and_left_aside(how, world):
    report = world.verify(_with(forge.message(world.head), **how))

    assert (report.verdict, report.notes) == (VALID, ("evidence_unreadable",))


def test_the_path_may_come_among_the_certificate_values(world):
    message = _with(
        forge.message(world.head), attributes=[_attribute(enclosed.CERTIFICATE_VALUES, tlv(SEQUENCE, world.ca.der))]
    )

    assert world.verify(message, intermediates=()).verdict is VALID
    assert "chain_untrusted" in world.verify(forge.message(world.head), intermediates=()).reasons


def test_a_signature_that_brings_all_its_evidence_is_valid_after_everything_has_expired(world):
    tsa = tokens.authority(world.root)
    holder = world.issue(owner="short-lived", not_after=STAMPED + DAY)
    stamped = tokens.message(holder, _token(tsa), at=STAMPED - 2 * DAY)
    at_that_time = {"this_update": STAMPED - HOUR, "next_update": STAMPED + 3 * DAY}
    lists = [forge.revocation_list(one, **at_that_time) for one in (world.ca, world.root)]
    path = _attribute(enclosed.CERTIFICATE_VALUES, tlv(SEQUENCE, world.ca.der))

    report = world.verify(_with(stamped, attributes=[_values(lists=lists), path]), lists=(), intermediates=(), at=NOW)

    assert (report.verdict, report.reasons) == (VALID, ())
    assert report.signers[0].timestamp.at == STAMPED
    assert world.verify(stamped, lists=(), intermediates=(), at=NOW).verdict is not VALID


def _token(tsa):
    return lambda value: tokens.token(value, tsa)


def test_many_pieces_cost_little(world):
    many = [_list(world, this_update=NOW - DAY - timedelta(seconds=one)) for one in range(64)]

    report = world.verify(_with(forge.message(world.head), evidence=many), lists=())

    assert report.verdict is VALID
    assert len(enclosed.read(*_parts(_with(forge.message(world.head), evidence=many))).lists) == enclosed.MOST


def _parts(message: bytes):
    data = cms.read(message)
    return data, data.signers[0]


def test_no_evidence_gives_trust(world):
    stranger = forge.authority("OTHER ROOT", "other-root", None)
    own = forge.certificate(forge.subject(), "own", stranger)
    message = _with(forge.message(own), evidence=[forge.revocation_list(stranger)],
                    attributes=[_attribute(enclosed.CERTIFICATE_VALUES, tlv(SEQUENCE, stranger.der))])  # fmt: skip

    report = verify(message, at=NOW, trust=world.store)

    assert (report.verdict, "chain_untrusted" in report.reasons) == (BAD, True)
