"""Revocation lists: who may speak, for whom, until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import forged_messages as forge
import pytest
from cryptography import x509
from forged_messages import NOW, revocation_list

from app.signatures.report import Outcome, Stage, Verdict
from app.signatures.verify import WITHOUT_REVOCATION

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
