"""OCSP answers and lists together, by the policy; the words of the standard; evidence that is judged again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import forged_answers as answers
import forged_messages as forge
import forged_tokens as tokens
import pytest
from cryptography import x509
from forged_messages import NOW
from forged_tokens import STAMPED

from app.signatures import certificates, evidence, indications, signer
from app.signatures.asn1 import Malformed
from app.signatures.policy import WITHOUT_REVOCATION, Policy, Sources
from app.signatures.report import REASONS, Evidence, Findings, Outcome, Stage, Verdict
from app.signatures.trust import TestAnchorRefused
from app.signatures.verify import verify
from app.terms import say

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
VALID, OPEN, BAD = Verdict.VALID, Verdict.INDETERMINATE, Verdict.INVALID


@pytest.fixture
def said(world):
    """Give what the issuing authority itself answers about the head."""

    def said(status: bytes = answers.GOOD, *, at=NOW - timedelta(minutes=1), **how) -> bytes:
        one = answers.single(answers.named(world.head, world.ca), status, this_update=at)
        return answers.answer([one], world.ca, enclosed=[], produced_at=at, **how)

    return said


def _lists(world, *entries, **how):
    return forge.revocation_list(world.ca, entries, **how), forge.revocation_list(world.root)


def _entry(world, since, reason):
    return world.head.certificate.serial_number, since, [x509.CRLReason(reason)]


FORGED = {"signature_algorithm": "1.2.840.113549.1.1.5"}
WORDS = {
    "nothing at all": (lambda w, s: ((), ()), OPEN, ("revocation_unknown",), ()),
    "a list": (lambda w, s: (_lists(w), ()), VALID, (), ()),
    "an answer": (lambda w, s: ((), (s(),)), VALID, (), ("chain_revocation_unknown",)),
    "both": (lambda w, s: (_lists(w), (s(),)), VALID, (), ()),
    "an answer that the authority revoked it": (
        lambda w, s: (_lists(w), (s(answers.revoked(NOW - DAY, 4)),)), BAD, ("revoked",), ()),
    "a list that names it": (
        lambda w, s: (_lists(w, _entry(w, NOW - DAY, x509.ReasonFlags.superseded)), (s(),)), BAD, ("revoked",), ()),
    "unknown to the authority, in spite of a list": (
        lambda w, s: (_lists(w), (s(answers.UNKNOWN),)), OPEN, ("status_unknown",), ()),
    "never issued, in spite of a list": (
        lambda w, s: (_lists(w), (s(answers.revoked(forge.datetime(1970, 1, 1), 6),
            extensions=[answers.extension("1.3.6.1.5.5.7.48.1.9", b"\x05\x00")]),)), BAD, ("not_issued",), ()),
    "no answer": (
        lambda w, s: ((), (answers.response(None, 3),)), OPEN, ("revocation_unavailable",), ()),
    "no answer, but a list": (lambda w, s: (_lists(w), (answers.response(None, 3),)), VALID, (), ()),
    "an answer that may not be relied upon": (
        lambda w, s: ((), (s(**FORGED),)), OPEN, ("revocation_refused",), ()),
    "such an answer, but a list": (
        lambda w, s: (_lists(w), (s(**FORGED),)), VALID, (), ("revocation_answer_refused",)),
    "a good answer beside such a one": (
        lambda w, s: ((), (s(**FORGED), s())), VALID, (), ("revocation_answer_refused", "chain_revocation_unknown")),
    "an answer on another certificate": (
        lambda w, s: ((), (answers.answer([answers.single(answers.named(w.head, w.ca, serial=7))], w.ca),)),
        OPEN, ("revocation_unknown",), ()),
    "a list past its time": (
        lambda w, s: (_lists(w, this_update=NOW - 9 * DAY, next_update=NOW - DAY), ()),
        OPEN, ("revocation_stale",), ()),
    "a list past its time, but an answer": (
        lambda w, s: (_lists(w, this_update=NOW - 9 * DAY, next_update=NOW - DAY), (s(),)), VALID, (), ()),
    "a hold in a list, lifted by a newer answer": (
        lambda w, s: (_lists(w, _entry(w, NOW - 2 * DAY, x509.ReasonFlags.certificate_hold)), (s(),)), VALID, (), ()),
    "a hold in an answer, and an older list": (
        lambda w, s: (_lists(w), (s(answers.revoked(NOW - DAY, 6)),)), BAD, ("revoked",), ()),
    "a revocation is not lifted": (
        lambda w, s: (_lists(w, _entry(w, NOW - 2 * DAY, x509.ReasonFlags.affiliation_changed)), (s(),)),
        BAD, ("revoked",), ()),
}  # fmt: skip


@pytest.mark.parametrize("words", WORDS)
def test_lists_and_answers_are_heard_together(words, world, said):
    make, verdict, reasons, notes = WORDS[words]
    lists, answers_ = make(world, said)

    report = world.verify(forge.message(world.head), lists=lists, answers=answers_)

    assert (report.verdict, report.reasons) == (verdict, reasons)
    assert set(notes) <= set(report.notes)
    if not notes and verdict is VALID:
        assert report.notes == ()


@pytest.mark.parametrize(
    ("demand", "have", "verdict"),
    [
        (Sources.OCSP, {"ocsp"}, VALID),
        (Sources.OCSP, {"list"}, OPEN),
        (Sources.CRL, {"list"}, VALID),
        (Sources.CRL, {"ocsp"}, OPEN),
        (Sources.EITHER, {"ocsp"}, VALID),
        (Sources.EITHER, {"list"}, VALID),
        (Sources.BOTH, {"list"}, OPEN),
        (Sources.BOTH, {"ocsp"}, OPEN),
        (Sources.BOTH, {"ocsp", "list"}, VALID),
    ],
)
def test_the_policy_says_whose_word_is_needed(demand, have, verdict, world, said):
    rules = Policy("house", revocation=demand)

    report = world.verify(
        forge.message(world.head),
        policy=rules,
        lists=_lists(world) if "list" in have else (forge.revocation_list(world.root),),
        answers=(said(),) if "ocsp" in have else (),
    )

    assert report.verdict is verdict
    assert report.reasons == (() if verdict is VALID else ("revocation_incomplete",))


def test_without_revocation_what_is_missing_is_noted_and_what_is_known_counts(world, said):
    message = forge.message(world.head)

    without = world.verify(message, lists=(), policy=WITHOUT_REVOCATION)
    revoked = world.verify(message, lists=(), answers=(said(answers.revoked(NOW - DAY)),), policy=WITHOUT_REVOCATION)

    assert (without.verdict, without.notes) == (VALID, ("revocation_not_required", "chain_revocation_unknown"))
    assert revoked.verdict is BAD


def test_the_window_of_an_answer_is_the_policys(world, said):
    message, old = forge.message(world.head), said(at=NOW - HOUR)

    assert world.verify(message, lists=(), answers=(old,)).reasons == ("revocation_refused",)
    wider = Policy("house", ocsp_window=2 * HOUR)
    assert world.verify(message, lists=(), answers=(old,), policy=wider).verdict is VALID


def test_for_a_stamped_signature_an_answer_given_after_the_stamp_stays_good(world, said):
    tsa = tokens.authority(world.ca)
    message = tokens.message(world.head, lambda value: tokens.token(value, tsa))

    after = world.verify(message, lists=(), answers=(said(at=STAMPED + HOUR),))
    before = world.verify(message, lists=(), answers=(said(at=STAMPED - HOUR),))

    assert (after.verdict, after.reasons) == (VALID, ())
    assert before.reasons == ("revocation_refused",)


def test_an_authority_revoked_by_an_answer_spoils_the_chain(world):
    one = answers.single(answers.named(world.ca, world.root), answers.revoked(NOW - DAY, 4))
    answer = answers.answer([one], world.root, enclosed=[])

    assert world.verify(forge.message(world.head), answers=(answer,)).reasons == ("chain_revoked",)


# --- a signature of any other kind ------------------------------------------------------------------


def test_a_signer_is_judged_without_any_cms(world):
    findings = Findings()
    findings.judged |= {Stage.INTEGRITY}
    tsa = tokens.authority(world.ca)
    report = signer.judge(
        signer.Signature(
            certificate=certificates.read(world.head.der), stamped=b"<SignatureValue/>", findings=findings,
            tokens=[tokens.token(b"<SignatureValue/>", tsa)], algorithm="any",
        ),
        at=NOW, store=world.store,
    )  # fmt: skip

    assert report.verdict is VALID
    assert report.reference_time == STAMPED
    assert report.stages[Stage.SIGNED_ATTRIBUTES] is Outcome.NOT_VERIFIED


# --- the words of the standard ----------------------------------------------------------------------


def test_every_reason_has_its_sub_indication_and_no_other():
    weighty = {code for code, (_, weight) in REASONS.items() if weight is not Outcome.WARN}

    assert set(indications.SUB_INDICATIONS) == weighty


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_every_reason_and_stage_has_its_sentence(language):
    terms = [f"sig.reason.{code}" for code in REASONS] + [f"sig.stage.{stage.lower()}" for stage in Stage]

    told = {term: say(term, language) for term in terms}

    assert all(sentence and sentence != term for term, sentence in told.items())
    assert len(set(told.values())) == len(told)


@pytest.mark.parametrize(
    ("make", "told", "indication"),
    [
        (lambda w: forge.message(w.head), (), "TOTAL-PASSED"),
        (lambda w: b"", ("FORMAT_FAILURE",), "TOTAL-FAILED"),
        (lambda w: forge.message(w.head, forge.attributes(w.head, b"other")), ("HASH_FAILURE",), "TOTAL-FAILED"),
        (lambda w: forge.message(w.head, change=lambda v: v[:-1]), ("SIG_CRYPTO_FAILURE",), "TOTAL-FAILED"),
        (lambda w: forge.message(w.issue(owner="later", not_before=NOW + DAY), at=None),
            ("NOT_YET_VALID",), "TOTAL-FAILED"),
        (lambda w: forge.message(w.issue(owner="past", not_after=NOW - DAY), at=NOW - 2 * DAY),
            ("OUT_OF_BOUNDS_NO_POE",), "INDETERMINATE"),
        (lambda w: forge.message(w.issue(owner="past", not_after=NOW - DAY), at=NOW),
            ("EXPIRED", "SIG_CONSTRAINTS_FAILURE"), "TOTAL-FAILED"),
        (lambda w: forge.message(w.issue(owner="auth", purposes=("1.3.6.1.5.5.7.3.2",))),
            ("CHAIN_CONSTRAINTS_FAILURE",), "INDETERMINATE"),
    ],
)  # fmt: skip
def test_the_report_says_it_in_the_words_of_the_standard(make, told, indication, world, monkeypatch):
    plain = forge.message

    def message(holder, signed=None, *, at="", **how):
        if at != "":
            moment = [] if at is None else [at]
            attributes = forge.attributes(holder, at=moment[0] if moment else NOW)
            signed = attributes if moment else [attributes[0], *attributes[2:]]
        return plain(holder, signed, **how)

    monkeypatch.setattr(forge, "message", message)

    report = world.verify(make(world))

    assert (report.sub_indications, report.indication) == (told, indication)
    assert report.to_dict()["indication"] == indication


def test_a_revocation_is_proven_only_against_a_later_claim(world):
    lists = _lists(world, _entry(world, NOW - DAY, x509.ReasonFlags.superseded))
    early, late = (forge.message(world.head, forge.attributes(world.head, at=at)) for at in (NOW - 2 * DAY, NOW))

    assert world.verify(early, lists=lists).sub_indications == ("REVOKED_NO_POE",)
    assert world.verify(early, lists=lists).indication == "INDETERMINATE"
    assert world.verify(late, lists=lists).sub_indications == ("REVOKED",)
    assert world.verify(late, lists=lists).verdict is world.verify(early, lists=lists).verdict is BAD


# --- evidence ---------------------------------------------------------------------------------------


def test_the_evidence_alone_gives_the_same_verdict_again(world, said):
    tsa = tokens.authority(world.ca)
    message = tokens.message(world.head, lambda value: tokens.token(value, tsa))
    first = world.verify(message, answers=(said(at=STAMPED + HOUR),))

    kept = first.signers[0].evidence
    store = evidence.evidence_store(kept, world.store.anchors, environment="test")
    again = verify(message, at=NOW, trust=store)
    years_later = verify(message, at=NOW + 2000 * DAY, trust=store)

    assert sorted(one.kind for one in kept) == [*["certificate"] * 4, *["list"] * 2, "ocsp", "token"]
    assert [one["kind"] for one in first.to_dict()["signers"][0]["evidence"]] == [one.kind for one in kept]
    assert (again.verdict, again.notes) == (first.verdict, first.notes) == (VALID, ())
    assert (years_later.verdict, years_later.reasons) == (VALID, ())


def test_without_the_anchor_the_evidence_proves_nothing(world):
    kept = world.verify(forge.message(world.head)).signers[0].evidence

    report = verify(forge.message(world.head), at=NOW, trust=evidence.evidence_store(kept, (), environment="test"))

    assert "chain_untrusted" in report.reasons


def test_damaged_evidence_is_told_and_a_test_anchor_stays_refused_in_production(world):
    with pytest.raises(Malformed):
        evidence.evidence_store([Evidence("list", b"\x30\x00")], world.store.anchors, environment="test")
    with pytest.raises(TestAnchorRefused):
        evidence.evidence_store([], tuple(replace(one, is_test=True) for one in world.store.anchors))
