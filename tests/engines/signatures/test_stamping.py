"""A time-stamp added to a signature that has none: it proves the time, and changes nothing that was signed."""

from __future__ import annotations

from datetime import timedelta

import forged_messages as forge
import forged_tokens as tokens
import pytest
from forged_messages import CONTENT
from forged_tokens import STAMPED

from app.sandbox import signing
from app.signatures import cms, stamping
from app.signatures.asn1 import Malformed
from app.signatures.report import Outcome, Stage, Verdict


@pytest.fixture(scope="module")
def tsa(world):
    return tokens.authority(world.ca)


def stamp(message: bytes, tsa) -> bytes:
    return stamping.stamped(message, tokens.token(stamping.value_to_stamp(message), tsa))


@pytest.mark.parametrize("attached", [True, False])
def test_a_stamped_signature_is_judged_as_of_its_stamp(world, tsa, attached):
    message = forge.message(world.head, attached=attached)
    later = stamp(message, tsa)
    signer = world.verify(later, None if attached else CONTENT).signers[0]

    assert signer.verdict is Verdict.VALID
    assert signer.stages[Stage.TIMESTAMP] is Outcome.PASS
    assert signer.reference_time == STAMPED
    before, after = cms.read(message).signers[0], cms.read(later).signers[0]
    assert (before.signed, before.value) == (after.signed, after.value)


def test_it_makes_a_later_revocation_harmless(world, tsa):
    message = forge.message(world.head)
    revoked = (world.head.certificate.serial_number, STAMPED + timedelta(days=1), ())
    lists = (forge.revocation_list(world.ca, [revoked]), forge.revocation_list(world.root))

    assert world.verify(message, lists=lists).verdict is not Verdict.VALID
    assert world.verify(stamp(message, tsa), lists=lists).verdict is Verdict.VALID


def test_a_second_stamp_stands_beside_the_first(world, tsa):
    twice = stamp(stamp(forge.message(world.head), tsa), tsa)

    assert len([one for one in cms.read(twice).signers[0].unsigned if one.oid == cms.TIMESTAMP_TOKEN]) == 2
    assert world.verify(twice).verdict is Verdict.VALID


def test_a_stamp_over_another_signature_proves_nothing(world, tsa):
    message = forge.message(world.head)
    other = stamping.stamped(message, tokens.token(b"another value", tsa))

    assert world.verify(other).signers[0].stages[Stage.TIMESTAMP] is not Outcome.PASS


def test_a_message_of_two_signers_or_of_none_is_not_stamped(world):
    second = world.issue(whose=forge.subject(iin="IIN900202400123"), owner="second")
    signers = [forge.signer(one, forge.attributes(one)) for one in (world.head, second)]
    message = signing.signed_data(signers, content=CONTENT, certificates=[world.head.der, second.der])

    for junk in (message, b"", b"\x30\x00", CONTENT):
        with pytest.raises(Malformed):
            stamping.stamped(junk, b"\x30\x00")
