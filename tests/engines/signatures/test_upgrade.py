"""A time-stamp that joins a signature later."""

from __future__ import annotations

from datetime import timedelta

import forged_messages as forge
import forged_tokens as tokens
import pytest
from forged_messages import CONTENT, NOW
from forged_tokens import STAMPED

from app.sandbox import signing
from app.signatures import cms
from app.signatures.asn1 import Malformed, armour
from app.signatures.report import Verdict
from app.signatures.upgrade import to_stamp, with_time_stamp

FORMS = {
    "DER": lambda message: message,
    "BER": forge.as_ber,
    "PEM": lambda message: armour(message, "CMS").encode(),
}


@pytest.fixture(scope="module")
def tsa(world):
    return tokens.authority(world.ca)


@pytest.mark.parametrize("form", FORMS)
def test_a_time_stamp_joins_and_what_was_signed_stays(form, world, tsa):
    message = FORMS[form](forge.message(world.head, forge.attributes(world.head, at=STAMPED)))
    (signer,) = cms.read(cms.read_cms(message)).signers

    upgraded = with_time_stamp(message, tokens.token(signer.value, tsa))

    report = world.verify(upgraded)
    assert (report.verdict, report.notes) == (Verdict.VALID, ())
    assert report.content == CONTENT
    assert report.signers[0].reference_time == STAMPED
    assert cms.read(upgraded).signers[0].signed == signer.signed


def test_each_of_two_signers_gets_his_own_and_a_second_one_joins_the_first(world, tsa):
    holders = [world.issue(owner="one"), world.issue(owner="two", whose=forge.subject(iin="IIN900202400123"))]
    signers = [forge.signer(one, forge.attributes(one, at=STAMPED)) for one in holders]
    message = signing.signed_data(signers, content=CONTENT, certificates=[one.der for one in holders])

    for moment in (STAMPED + timedelta(hours=1), STAMPED):
        values = [signer.value for signer in cms.read(message).signers]
        for value in values:
            place = [signer.value for signer in cms.read(message).signers].index(value)
            message = with_time_stamp(message, tokens.token(value, tsa, at=moment), signer=place)

    report = world.verify(message)
    assert (report.verdict, report.notes) == (Verdict.VALID, ())
    assert [signer.reference_time for signer in report.signers] == [STAMPED, STAMPED]


@pytest.mark.parametrize("signer", [-1, 1])
def test_a_signer_that_is_not_there_gets_none(signer, world):
    with pytest.raises(Malformed):
        with_time_stamp(forge.message(world.head), b"\x30\x00", signer=signer)
    with pytest.raises(Malformed):
        with_time_stamp(b"no message", b"\x30\x00")


def test_a_token_of_another_signature_changes_nothing_and_is_told(world, tsa):
    upgraded = with_time_stamp(forge.message(world.head), tokens.token(b"another", tsa))

    report = world.verify(upgraded)

    assert (report.verdict, report.notes) == (Verdict.VALID, ("timestamp_imprint",))
    assert report.signers[0].reference_time == NOW


def test_what_is_to_be_stamped_is_the_value_of_the_one_signer(world):
    second = world.issue(whose=forge.subject(iin="IIN900202400123"), owner="second")
    signers = [forge.signer(one, forge.attributes(one)) for one in (world.head, second)]
    one, two = (
        forge.message(world.head),
        signing.signed_data(signers, content=CONTENT, certificates=[world.head.der, second.der]),
    )

    assert to_stamp(one) == (cms.read(one).signers[0].value, cms.SHA256)
    for junk in (two, b"", b"\x30\x00", CONTENT):
        with pytest.raises(Malformed):
            to_stamp(junk)
