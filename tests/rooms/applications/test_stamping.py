"""Time-stamps that join accepted signatures when the authority answers (CAdES-T)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import application_at
from sqlalchemy import func, select
from test_eds import agreed, desk, pki  # noqa: F401, fixtures
from test_signing_online import answering  # noqa: F401, a fixture

from app import catalogue, db
from app.applications import queries, signing, stamping, verifying
from app.applications.models import Signature, SignatureStamp
from app.sandbox.services import Behaviour
from app.signatures.report import Verdict
from app.web import clock


def stamp_all(house) -> int:
    online, now = catalogue.present().online, clock.now(house.config)
    found = stamping.stamp_due(online, storage=house.app.extensions["kezen.storage"], now=now)
    db.session.expire_all()
    return found


def unstamped() -> int:
    statement = select(func.count(Signature.id)).outerjoin(SignatureStamp).where(SignatureStamp.id.is_(None))
    return db.session.scalar(statement) or 0


def test_without_an_authority_nothing_happens_and_nothing_is_lost(house):
    before = unstamped()

    assert before > 0
    assert stamp_all(house) == 0
    assert unstamped() == before


@pytest.mark.parametrize("behaviour", [Behaviour.DOWN, Behaviour.TRY_LATER])
def test_a_silent_authority_is_asked_again_later(answering, house, behaviour):  # noqa: F811
    before = unstamped()
    answering(behaviour)
    assert stamp_all(house) == 0
    assert unstamped() == before

    answering(Behaviour.OK)
    assert stamp_all(house) == before
    assert unstamped() == 0


def test_a_stamped_signature_stays_good_when_its_certificate_is_revoked(answering, house, browser, pki):  # noqa: F811
    answering(Behaviour.OK)
    assert stamp_all(house) > 0
    papers = queries.documents(application_at("archived"))
    document = next(item for item in papers if item.kind == "application" and item.signatures)
    signature = document.signatures[0]

    report = verifying.verified_again(document, signature)
    assert report.verdict is Verdict.VALID
    assert report.signers[0].timestamp.at == signature.stamp.proven_at
    assert report.signers[0].reference_time == signature.stamp.proven_at
    kinds = {one.kind for one in verifying.evidence(signature)}
    assert {"token", "certificate"} <= kinds
    now = clock.now(house.config)
    pki.revoke("first_head", at=now + timedelta(seconds=1))
    stamped, bare = (
        signing.judge(cms, sha256=document.sha256, now=now + timedelta(minutes=1)).report
        for cms in (verifying.as_kept(signature), house.app.extensions["kezen.storage"].get(signature.cms_sha256))
    )
    pki.renew("first_head")
    assert (stamped.verdict, bare.verdict) == (Verdict.VALID, Verdict.INVALID)
    assert stamped.signers[0].revoked_at == bare.signers[0].revoked_at is not None

    page = browser("issuer").get(f"/applications/{application_at('archived').number}/documents")
    assert "sig.timestamp" in page.terms()


def test_two_workers_keep_one_stamp(answering, house):  # noqa: F811
    answering(Behaviour.OK)
    first = stamp_all(house)
    assert stamp_all(house) == 0

    assert first == db.session.scalar(select(func.count(SignatureStamp.id)))
