"""A refusal at signing names the key that was chosen, says what is wrong with it and what may be done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from test_eds import Desk, agreed, desk, pki, unmoved  # noqa: F401, fixtures

from app import catalogue
from app.applications import signing
from app.errors import Invalid
from app.signatures import purpose
from app.terms import LANGUAGES, say
from app.web import here

MASK = "••••••••"


def refused(desk: Desk, cms: bytes) -> str:  # noqa: F811
    answer = desk.upload(cms)
    assert answer.status == 422
    return answer.main


def _key_of(holder) -> str:
    """Return how a key is named: by what its certificate says of its holder, the number masked."""
    name = " ".join(holder.name.split()[:2])
    return say("sign.refused.key", "kk", who=name, iin=MASK + holder.iin[-4:], bin=holder.bin)


@pytest.mark.req("IS2IN-22.2")
def test_the_key_of_another_organisation_is_named_and_the_right_one_is_asked_for(desk, pki, agreed, now):  # noqa: F811
    other = pki.accounts()["other_first_head"]

    told = refused(desk, pki.sign("other_first_head", desk.document(), attached=False, at=now))

    assert _key_of(other) in told
    assert other.iin not in told
    assert say("sign.next.organisation", "kk", bin=agreed.organisation.bin) in told
    assert unmoved(agreed)


def test_an_expired_key_is_to_be_replaced(desk, pki, agreed, now):  # noqa: F811
    pki.expire("first_head", at=now - timedelta(days=30))

    told = refused(desk, pki.sign("first_head", desk.document(), attached=False, at=now))

    assert say("err.cert_expired", "kk") in told
    assert say("sign.next.new_key", "kk") in told
    assert unmoved(agreed)


def test_a_revoked_key_is_to_be_replaced(desk, pki, agreed, now, house):  # noqa: F811
    content = desk.document()
    pki.revoke("first_head", at=now)
    catalogue.configure(house.config)

    assert say("sign.next.new_key", "kk") in refused(desk, pki.sign("first_head", content, attached=False, at=now))
    assert unmoved(agreed)


def test_the_key_of_somebody_without_the_right_to_sign_is_named(desk, pki, agreed, now):  # noqa: F811
    clerk = pki.accounts()["clerk"]

    told = refused(desk, pki.sign("clerk", desk.document(), attached=False, at=now))

    assert _key_of(clerk) in told
    assert say("sign.next.person", "kk") in told


def test_a_changed_document_is_to_be_opened_again(desk, pki, now):  # noqa: F811
    told = refused(desk, pki.sign("first_head", b"another", attached=False, at=now))

    assert say("sign.next.reload", "kk") in told


def test_where_no_certificate_is_known_none_is_named(desk):  # noqa: F811
    told = refused(desk, b"This is no signature.")

    assert MASK not in told
    assert say("sign.next.other", "kk") in told


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_has_no_ncalayer_running_is_told_where_its_certificate_is_accepted(language):
    assert "https://127.0.0.1:13579/" in say("sig.page.missing", language)


CHALLENGE = purpose.CHALLENGE + b"kezen.example\n5f1c\n2026-11-20T08:01:00Z\n"


def test_what_was_signed_at_a_door_is_no_document(desk, pki, agreed, now):  # noqa: F811
    told = refused(desk, pki.sign("first_head", CHALLENGE, attached=True, at=now))

    assert say("sign.err.challenge", "kk") in told
    assert unmoved(agreed)


def test_a_challenge_kept_as_a_document_is_signed_by_nobody(house, pki, now):  # noqa: F811
    sha256 = here.storage().put(CHALLENGE)

    with pytest.raises(Invalid) as refusal:
        signing.judge(pki.sign("first_head", CHALLENGE, attached=False, at=now), sha256=sha256, now=now)

    assert refusal.value.problems[0].key == "sign.err.challenge"
