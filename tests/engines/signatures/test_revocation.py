"""Revocation lists: who may speak, for whom, until when."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import forged_messages as forge
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding
from forged_messages import NOW, revocation_list

from app.signatures import asn1, certificates, revocation
from app.signatures.asn1 import Malformed
from app.signatures.report import Outcome, Stage, Verdict
from app.signatures.trust import Anchor
from app.signatures.verify import STRICT, WITHOUT_REVOCATION, verify

YESTERDAY, TOMORROW = NOW - timedelta(days=1), NOW + timedelta(days=1)
COMPROMISED = x509.CRLReason(x509.ReasonFlags.key_compromise)
HOLD = x509.CRLReason(x509.ReasonFlags.certificate_hold)
REMOVED = x509.CRLReason(x509.ReasonFlags.remove_from_crl)


def _revoked(world, since=YESTERDAY, *more, **how):
    number = world.head.certificate.serial_number
    return (revocation_list(world.ca, [(number + 1, since, ()), (number, since, more)], **how),)


LISTS = {
    "revoked yesterday": (lambda w: _revoked(w), "revoked", Verdict.INVALID),
    "on hold": (lambda w: _revoked(w, YESTERDAY, HOLD), "revoked", Verdict.INVALID),
    "revoked tomorrow, compromised since yesterday": (
        lambda w: _revoked(w, TOMORROW, COMPROMISED, x509.InvalidityDate(YESTERDAY.replace(tzinfo=None))),
        "revoked", Verdict.INVALID),
    "an old list that names it": (
        lambda w: _revoked(w, this_update=NOW - timedelta(days=30), next_update=YESTERDAY), "revoked", Verdict.INVALID),
    "an old list that does not": (
        lambda w: (revocation_list(w.ca, this_update=NOW - timedelta(days=30), next_update=YESTERDAY),),
        "revocation_stale", Verdict.INDETERMINATE),
    "no list": (lambda w: (), "revocation_unknown", Verdict.INDETERMINATE),
    "a list of another authority": (
        lambda w: (revocation_list(w.root),), "revocation_unknown", Verdict.INDETERMINATE),
    "a forged list under the authority's name": (
        lambda w: (revocation_list(w.ca, signed_by=w.head),), "revocation_unknown", Verdict.INDETERMINATE),
    "a delta list alone": (
        lambda w: (revocation_list(w.ca, extensions=[(x509.DeltaCRLIndicator(1), True)]),),
        "revocation_unknown", Verdict.INDETERMINATE),
    "a list for a part only": (
        lambda w: (revocation_list(w.ca, extensions=[(x509.IssuingDistributionPoint(
            full_name=None, relative_name=None, only_contains_user_certs=False, only_contains_ca_certs=True,
            only_some_reasons=None, indirect_crl=False, only_contains_attribute_certs=False), True)]),),
        "revocation_unknown", Verdict.INDETERMINATE),
}  # fmt: skip


@pytest.mark.parametrize("case", LISTS)
def test_only_a_fresh_authentic_list_that_does_not_name_it_clears_a_certificate(case, world):
    make, reason, verdict = LISTS[case]

    report = world.verify(forge.message(world.head), lists=make(world))

    assert report.reasons == (reason,)
    assert report.verdict is verdict


GOOD = {
    "revoked tomorrow": lambda w: _revoked(w, TOMORROW),
    "taken off the list again": lambda w: _revoked(w, YESTERDAY, REMOVED),
    "a newer list without the hold": lambda w: (
        *_revoked(w, YESTERDAY, HOLD, this_update=NOW - timedelta(days=3)), revocation_list(w.ca)),
}  # fmt: skip


@pytest.mark.parametrize("case", GOOD)
def test_a_list_that_does_not_hold_now_leaves_the_signature_valid(case, world):
    report = world.verify(forge.message(world.head), lists=GOOD[case](world))

    assert report.verdict is Verdict.VALID, report.reasons


def test_a_policy_may_do_without_lists_but_never_accepts_a_revoked_certificate(world):
    message = forge.message(world.head)

    without = world.verify(message, lists=(), policy=WITHOUT_REVOCATION)
    revoked = world.verify(message, lists=_revoked(world), policy=WITHOUT_REVOCATION)

    assert without.verdict is Verdict.VALID
    assert without.notes[0] == "revocation_not_required"
    assert without.signers[0].stages[Stage.REVOCATION] is Outcome.WARN
    assert revoked.verdict is Verdict.INVALID
    assert revoked.signers[0].revoked_at == YESTERDAY


def test_a_revoked_authority_takes_its_signers_with_it(world):
    number = world.ca.certificate.serial_number
    lists = (revocation_list(world.ca), revocation_list(world.root, [(number, YESTERDAY, ())]))

    report = world.verify(forge.message(world.head), lists=lists)

    assert report.reasons == ("chain_revoked",)


def test_a_missing_list_of_the_root_is_noted_only(world):
    report = world.verify(forge.message(world.head), lists=(revocation_list(world.ca),))

    assert report.verdict is Verdict.VALID
    assert report.notes == ("chain_revocation_unknown",)


def test_a_list_with_many_entries_is_searched_to_its_end(world):
    since = datetime(2026, 1, 1, tzinfo=UTC)
    number = world.head.certificate.serial_number
    entries = [(serial, since, ()) for serial in range(1, 3000)] + [(number, since, ())]

    report = world.verify(forge.message(world.head), lists=(revocation_list(world.ca, entries),))

    assert report.reasons == ("revoked",)


# --- who may sign a list ------------------------------------------------------------------------------


def _second_key(world, **how) -> forge.Holder:
    """Return a certificate of the issuing authority for another key, which signs its lists only."""
    values = {"usages": ("crl_sign",), "ca": None} | how
    return forge.authority("VECTOR ISSUING CA TEST", "ca lists", values.pop("issuer", world.ca), **values)


SIGNERS = {
    "the authority's own second key": (lambda w: _second_key(w), Verdict.VALID),
    "a key of the authority's name that the root certified": (lambda w: _second_key(w, issuer=w.root), Verdict.VALID),
    "a second key that may not sign lists": (
        lambda w: _second_key(w, usages=("digital_signature",)), Verdict.INDETERMINATE),
    "a second key that has expired": (
        lambda w: _second_key(w, not_after=NOW - timedelta(days=2)), Verdict.INDETERMINATE),
    "a self-signed key of the authority's name": (lambda w: _second_key(w, issuer=None), Verdict.INDETERMINATE),
}  # fmt: skip


@pytest.mark.parametrize("case", SIGNERS)
def test_another_key_may_sign_the_list_when_it_leads_to_the_same_anchor(case, world):
    make, verdict = SIGNERS[case]
    signer = make(world)

    report = world.verify(
        forge.message(world.head),
        lists=(revocation_list(world.ca, signed_by=signer),),
        intermediates=(world.ca, signer),
    )

    assert report.verdict is verdict, report.reasons


@pytest.mark.parametrize("own_is_newer", [False, True])
def test_a_list_of_one_key_does_not_silence_that_of_the_other(own_is_newer, world):
    signer = _second_key(world)
    older, newer = ({"this_update": NOW - timedelta(days=days)} for days in (3, 1))
    own = revocation_list(world.ca, [] if own_is_newer else _entry(world), **(newer if own_is_newer else older))
    others = revocation_list(
        world.ca, _entry(world) if own_is_newer else [], signed_by=signer, **(older if own_is_newer else newer)
    )

    report = world.verify(forge.message(world.head), lists=(own, others), intermediates=(world.ca, signer))

    assert report.reasons == ("revoked",)


def test_an_authority_of_the_same_name_under_another_anchor_signs_no_list_for_it(world):
    other_root = forge.authority("OTHER ROOT TEST", "other root", None)
    namesake = forge.authority("VECTOR ISSUING CA TEST", "namesake", other_root)
    store = replace(
        world.store,
        anchors=(*world.store.anchors, Anchor.of(other_root.der)),
        intermediates=(*world.store.intermediates, certificates.read(namesake.der)),
        lists=(revocation.read(revocation_list(namesake)),),
    )

    report = verify(forge.message(world.head), at=NOW, trust=store, policy=STRICT)

    assert report.reasons == ("revocation_unknown",)


def test_a_revoked_second_key_signs_no_list(world):
    signer = _second_key(world)
    number = signer.certificate.serial_number
    # The root's list cannot speak of what the issuing authority certified: only its own can.
    about_the_key = revocation_list(
        world.ca, [(number, YESTERDAY, (COMPROMISED,))], this_update=NOW - timedelta(days=2), next_update=YESTERDAY
    )

    report = world.verify(
        forge.message(world.head),
        lists=(about_the_key, revocation_list(world.ca, signed_by=signer)),
        intermediates=(world.ca, signer),
    )

    assert report.reasons == ("revocation_stale",)


def _indirect(world, entries, *, issuers=True, is_indirect=True) -> tuple[forge.Holder, bytes]:
    """Return an authority for lists, and its list: entries of (issuer that is named, or None; serial)."""
    authority = forge.authority("LISTS TEST", "lists", world.root, ca=None, usages=("crl_sign",))
    builder = x509.CertificateRevocationListBuilder().issuer_name(authority.certificate.subject)
    builder = builder.last_update(YESTERDAY).next_update(TOMORROW)
    for issuer, serial in entries:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(YESTERDAY)
        if issuer is not None:
            named = x509.CertificateIssuer([x509.DirectoryName(issuer.certificate.subject)])
            entry = entry.add_extension(named, critical=True)
        builder = builder.add_revoked_certificate(entry.build())
    if is_indirect:
        scope = x509.IssuingDistributionPoint(None, None, False, False, None, True, False)
        builder = builder.add_extension(scope, critical=True)
    return authority, builder.sign(authority.private, hashes.SHA256()).public_bytes(Encoding.DER)


def _pointing_to(world, authority: forge.Holder) -> forge.Holder:
    point = x509.DistributionPoint(None, None, None, [x509.DirectoryName(authority.certificate.subject)])
    return world.issue(owner="head", serial=4711, extensions=[(x509.CRLDistributionPoints([point]), False)])


INDIRECT = {
    "it is named under its own issuer": (lambda w: [(w.ca, 4711)], {}, "revoked"),
    "it is named under the issuer of the entry before": (lambda w: [(w.ca, 1), (None, 4711)], {}, "revoked"),
    "the number is another authority's": (lambda w: [(w.ca, 1), (w.root, 4711)], {}, ""),
    "the number is the list's own authority's": (lambda w: [(None, 4711)], {}, ""),
    "the list does not say that it speaks for others": (lambda w: [], {"is_indirect": False}, "revocation_unknown"),
}  # fmt: skip


@pytest.mark.parametrize("case", INDIRECT)
def test_a_list_for_several_authorities_names_each_entrys_own(case, world):
    entries, how, reason = INDIRECT[case]
    authority, written = _indirect(world, entries(world), **how)
    signer = _pointing_to(world, authority)

    report = world.verify(forge.message(signer), lists=(written,), intermediates=(world.ca, authority))

    assert report.reasons == ((reason,) if reason else ())


# --- delta lists --------------------------------------------------------------------------------------


def _numbered(world, number: int, entries=(), *, base: int | None = None, **how) -> bytes:
    extensions = [(x509.CRLNumber(number), False)]
    extensions += [(x509.DeltaCRLIndicator(base), True)] if base is not None else []
    return revocation_list(world.ca, entries, extensions=extensions, **how)


def _entry(world, *more, since=YESTERDAY):
    return [(world.head.certificate.serial_number, since, more)]


DELTAS = {
    "revoked since the base": (lambda w: (_numbered(w, 3), _numbered(w, 5, _entry(w), base=3)), "revoked"),
    "taken off since the base": (
        lambda w: (_numbered(w, 3, _entry(w, HOLD)), _numbered(w, 5, _entry(w, REMOVED), base=3)), ""),
    "still on hold by the base": (lambda w: (_numbered(w, 3, _entry(w, HOLD)), _numbered(w, 5, base=3)), "revoked"),
    "to be taken off tomorrow only": (
        lambda w: (_numbered(w, 3, _entry(w, HOLD)), _numbered(w, 5, _entry(w, REMOVED, since=TOMORROW), base=3)),
        "revoked"),
    "an old base that a fresh delta renews": (
        lambda w: (_numbered(w, 3, this_update=NOW - timedelta(days=9), next_update=YESTERDAY),
                   _numbered(w, 5, base=3)), ""),
    "a delta for a later base": (
        lambda w: (_numbered(w, 3, this_update=NOW - timedelta(days=9), next_update=YESTERDAY),
                   _numbered(w, 5, base=4)), "revocation_stale"),
    "a delta from before the base": (lambda w: (_numbered(w, 3), _numbered(w, 3, _entry(w), base=2)), ""),
    "a forged delta": (
        lambda w: (_numbered(w, 3), _numbered(w, 5, _entry(w), base=3, signed_by=w.head)), ""),
    "the newest of two deltas": (
        lambda w: (_numbered(w, 3), _numbered(w, 4, base=3), _numbered(w, 5, _entry(w), base=3)), "revoked"),
}  # fmt: skip


@pytest.mark.parametrize("case", DELTAS)
def test_a_delta_list_continues_its_base(case, world):
    make, reason = DELTAS[case]

    report = world.verify(forge.message(world.head), lists=make(world))

    assert report.reasons == ((reason,) if reason else ())


# --- reading ------------------------------------------------------------------------------------------


def test_a_list_from_the_future_does_not_speak(world):
    lists = (revocation_list(world.ca, this_update=TOMORROW),)

    assert world.verify(forge.message(world.head), lists=lists).reasons == ("revocation_unknown",)


def _signed_again(world, change) -> bytes:
    """Return a list of the authority's, its parts changed, with a true signature over the outcome."""
    tbs, algorithm, _ = asn1.parse(revocation_list(world.ca, _entry(world))).children
    body = asn1.tlv(asn1.SEQUENCE, *change([part.raw for part in tbs.children]))
    signature = world.ca.private.sign(body, padding.PKCS1v15(), hashes.SHA256())
    return asn1.tlv(asn1.SEQUENCE, body, algorithm.raw, asn1.tlv(asn1.BITS, b"\0", signature))


WHEN = asn1.tlv(0x17, b"261119080100Z")
UNKNOWN_CRITICAL = asn1.tlv(
    asn1.SEQUENCE, asn1.tlv(asn1.SEQUENCE, asn1.oid("1.2.398.9"), b"\x01\x01\xff", asn1.tlv(asn1.OCTETS, b"\x05\0"))
)


def _with_entries(*entries: bytes):
    return lambda parts: [*parts[:5], asn1.tlv(asn1.SEQUENCE, *entries), *parts[6:]]


def test_one_entry_with_an_unknown_critical_extension_voids_the_whole_list(world):
    """RFC 5280, 5.3: such a list must not be used for any certificate."""
    other = asn1.tlv(asn1.SEQUENCE, asn1.integer(12345), WHEN, UNKNOWN_CRITICAL)

    lists = (_signed_again(world, _with_entries(other)),)

    assert world.verify(forge.message(world.head), lists=lists).reasons == ("revocation_unknown",)


def test_a_number_that_a_list_has_padded_is_still_found(world):
    number = asn1.parse(asn1.integer(world.head.certificate.serial_number)).content
    padded = asn1.tlv(asn1.SEQUENCE, asn1.tlv(asn1.INTEGER, b"\0\0", number.lstrip(b"\0")), WHEN)

    lists = (_signed_again(world, _with_entries(padded)),)

    assert world.verify(forge.message(world.head), lists=lists).reasons == ("revoked",)


def test_a_number_inside_another_is_not_taken_for_it(world):
    number = asn1.parse(asn1.integer(world.head.certificate.serial_number)).content
    longer = asn1.tlv(asn1.SEQUENCE, asn1.tlv(asn1.INTEGER, b"\1", number), WHEN)

    lists = (_signed_again(world, _with_entries(longer)),)

    assert world.verify(forge.message(world.head), lists=lists).verdict is Verdict.VALID


def test_a_list_of_twenty_megabytes_costs_a_fraction_of_a_second(world):
    reason = asn1.tlv(
        asn1.SEQUENCE,
        asn1.tlv(asn1.SEQUENCE, asn1.oid("2.5.29.21"), asn1.tlv(asn1.OCTETS, b"\x0a\1\4")),
    )
    entries = [
        asn1.tlv(
            asn1.SEQUENCE, asn1.tlv(asn1.INTEGER, b"\x40" + hashlib.sha1(b"%d" % number).digest()[1:]), WHEN, reason
        )
        for number in range(400_000)
    ]
    number = asn1.integer(world.head.certificate.serial_number)
    own = asn1.tlv(asn1.SEQUENCE, number, WHEN, reason)
    good, bad = (_signed_again(world, _with_entries(*more)) for more in (entries, [*entries, own]))
    assert len(good) > 20_000_000
    message = forge.message(world.head)

    for written, reasons in ((good, ()), (bad, ("revoked",))):
        start = time.process_time()
        report = world.verify(message, lists=(written,))
        assert time.process_time() - start < 5  # a fraction of it on an idle machine
        assert report.reasons == reasons


def _extension(oid: str, value: bytes) -> bytes:
    return asn1.tlv(asn1.SEQUENCE, asn1.oid(oid), asn1.tlv(asn1.OCTETS, value))


def _with_extensions(*extensions: bytes):
    return lambda parts: [*parts, asn1.tlv(0xA0, asn1.tlv(asn1.SEQUENCE, *extensions))]


TWO_KINDS = asn1.tlv(asn1.SEQUENCE, b"\x81\1\xff\x82\1\xff")
NUMBER_ONE = _extension("2.5.29.20", b"\2\1\1")
MALFORMED = {
    "nothing": b"",
    "a number": asn1.tlv(asn1.INTEGER, b"\1"),
    "a scope for two kinds": _with_extensions(_extension("2.5.29.28", TWO_KINDS)),
    "a number of a list that is none": _with_extensions(_extension("2.5.29.20", b"\4\1\1")),
    "an extension twice": _with_extensions(NUMBER_ONE, NUMBER_ONE),
    "two sets of extensions": lambda parts: [*parts, *2 * [asn1.tlv(0xA0, asn1.tlv(asn1.SEQUENCE))]],
    "a date that is none": lambda parts: [*parts[:3], asn1.tlv(0x17, b"269919080100Z"), *parts[4:]],
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_no_list_is_malformed(case, world):
    made = MALFORMED[case]

    with pytest.raises(Malformed):
        revocation.read(made if isinstance(made, bytes) else _signed_again(world, made))


def test_entries_that_cannot_be_read_leave_the_question_open(world):
    number = asn1.integer(world.head.certificate.serial_number)
    for broken in (
        asn1.tlv(asn1.SEQUENCE, number),
        asn1.tlv(asn1.SEQUENCE, number, asn1.tlv(0x17, b"soon")),
        asn1.tlv(asn1.SET, number, WHEN),
        asn1.tlv(asn1.SEQUENCE, number, WHEN, asn1.tlv(asn1.SEQUENCE, number)),
        asn1.tlv(asn1.SEQUENCE, number, WHEN)[:-1] + b"\x30\x7f",
        b"\x30\x85" + number,
    ):
        lists = (_signed_again(world, _with_entries(broken)),)
        assert world.verify(forge.message(world.head), lists=lists).reasons == ("revocation_unknown",)
