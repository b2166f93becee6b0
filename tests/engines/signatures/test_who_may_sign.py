"""The applicant's own signatory, and nobody else."""

from __future__ import annotations

from datetime import timedelta

import forged_messages as forge
import pytest
from forged_messages import BIN, CONTENT, IIN, NOW

from app.sandbox import signing
from app.signatures.who import refusals
from app.terms import terms

OTHER = "900202400123"


@pytest.mark.req("IS2IN-22.2")
@pytest.mark.parametrize("purposes", [forge.FIRST_HEAD, forge.CAN_SIGN], ids=["first head", "responsible employee"])
def test_the_registered_signatory_of_the_applicant_is_accepted(purposes, world):
    report = world.verify(forge.message(world.issue(purposes=purposes)))

    assert refusals(report, bin=BIN, signing_iins={IIN}) == []


CASES = {
    "a certificate of another organisation": ({"whose": forge.subject(unit="BIN987654321098")}, ["err.cert_org"]),
    "a certificate of no organisation": (
        {"whose": forge.subject(unit=None), "purposes": ("1.3.6.1.5.5.7.3.4", "1.2.398.3.3.4.1.1")},
        ["err.cert_org", "sig.refusal.role"]),
    "a person not registered as signing": ({"whose": forge.subject(iin=f"IIN{OTHER}")}, ["err.cert_person"]),
    "an employee without the right to sign": (
        {"purposes": ("1.3.6.1.5.5.7.3.4", "1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.5")}, ["sig.refusal.role"]),
    "an expired certificate": (
        {"not_before": NOW - timedelta(days=400), "not_after": NOW - timedelta(days=1)},
        ["err.cert_expired", "sig.reason.signing_time_outside"]),
}  # fmt: skip


@pytest.mark.req("IS2IN-22.2")
@pytest.mark.parametrize("case", CASES)
def test_a_valid_looking_signature_of_the_wrong_one_is_refused_with_a_sentence(case, world):
    how, keys = CASES[case]
    report = world.verify(forge.message(world.issue(**how)))

    found = refusals(report, bin=BIN, signing_iins={IIN})

    assert found == keys
    assert all(key in terms() for key in found)


def test_a_revoked_certificate_and_an_unanswered_question_have_their_own_sentences(world):
    message = forge.message(world.head)
    revoked = forge.revocation_list(world.ca, [(world.head.certificate.serial_number, NOW - timedelta(days=1), ())])

    assert refusals(world.verify(message, lists=(revoked,)), bin=BIN, signing_iins={IIN}) == ["err.cert_revoked"]
    assert refusals(world.verify(message, lists=()), bin=BIN, signing_iins={IIN}) == ["err.ocsp"]


def test_a_signature_of_another_document_is_refused(world):
    report = world.verify(forge.message(world.head, attached=False), CONTENT + b" ")

    assert refusals(report, bin=BIN, signing_iins={IIN}) == ["err.doc_changed"]


def test_two_signers_are_one_too_many(world):
    second = world.issue(whose=forge.subject(iin=f"IIN{OTHER}"), owner="second")
    signers = [forge.signer(one, forge.attributes(one)) for one in (world.head, second)]
    message = signing.signed_data(signers, content=CONTENT, certificates=[world.head.der, second.der])

    found = refusals(world.verify(message), bin=BIN, signing_iins={IIN, OTHER})

    assert found == ["sig.refusal.one_signer"]


@pytest.mark.parametrize("message", [b"", b"%PDF", "қол"])
def test_what_is_no_signature_is_refused(message, world):
    found = refusals(world.verify(message), bin=BIN, signing_iins={IIN})

    assert found
    assert all(key in terms() for key in found)
