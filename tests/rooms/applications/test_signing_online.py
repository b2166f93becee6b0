"""Signing while the authority answers: what it says at that moment decides, and each answer has its own words."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select
from test_eds import agreed, desk, pki  # noqa: F401, fixtures

from app import catalogue, config, db
from app.applications.models import Signature
from app.authorities.online import Online
from app.sandbox.services import Authority, Behaviour, Services
from app.terms import say
from app.web import clock


@pytest.fixture
def answering(house, pki, monkeypatch):  # noqa: F811
    """Return what lets the authority of the house answer, well-behaved or not."""
    running: list[Services] = []

    def answering(behaviour: Behaviour) -> None:
        authority = Authority(pki, partial(clock.now, house.config), behaviour=behaviour)
        services = Services(authority, port=0)
        running.append(services)
        threading.Thread(target=services.run, daemon=True).start()
        settings = config.read({"KEZEN_ENV": "test", "KEZEN_VAR": str(house.config.var), **services.environ})
        online = Online.of(settings, house.config.var / "authorities")
        monkeypatch.setattr(catalogue._shelf, "catalogue", replace(catalogue.present(), online=online))

    yield answering
    for services in running:
        services.close()


def signatures() -> int:
    return db.session.scalar(select(func.count(Signature.id))) or 0


@pytest.mark.req("IS2IN-22.2")
def test_a_good_answer_is_kept_with_the_signature(answering, desk, pki):  # noqa: F811
    answering(Behaviour.OK)

    page = desk.upload(pki.sign("first_head", desk.document(), attached=False))

    assert page.status == 303
    newest = db.session.scalars(select(Signature).order_by(Signature.id.desc()).limit(1)).one()
    assert "ocsp" in {one["kind"] for one in newest.report["signers"][0]["evidence"]}


def test_a_key_revoked_since_the_start_is_refused_and_nothing_moves(answering, desk, house, pki):  # noqa: F811
    answering(Behaviour.OK)
    before = signatures()
    message = pki.sign("first_head", desk.document(), attached=False)
    pki.revoke("first_head", at=clock.now(house.config) - timedelta(minutes=1))

    page = desk.upload(message)

    pki.renew("first_head")
    assert page.status == 422
    assert say("err.cert_revoked", "kk") in page.text
    assert signatures() == before


def test_a_status_that_the_authority_does_not_know_is_refused_with_its_own_words(answering, desk, pki):  # noqa: F811
    answering(Behaviour.UNKNOWN)
    before = signatures()

    page = desk.upload(pki.sign("first_head", desk.document(), attached=False))

    assert page.status == 422
    assert say("sig.reason.status_unknown", "kk") in page.text
    assert signatures() == before


def test_while_the_authority_is_down_the_lists_at_hand_count(answering, desk, pki):  # noqa: F811
    answering(Behaviour.DOWN)

    assert desk.upload(pki.sign("first_head", desk.document(), attached=False)).status == 303
