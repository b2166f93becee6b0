"""Who stands on the applicant's side: a partner, for the procedures that its partnership covers."""

from __future__ import annotations

import pytest
from factories import application_at, company, messages_of, organisation, partnership, person, user
from sqlalchemy import select

from app import db
from app.applications import addressees, moves, queries
from app.applications.models import Application, Assignment
from app.organisations.models import PartnershipScope
from app.web import here


@pytest.mark.parametrize(("covered", "is_inside"), [("", True), ("share_listing", True), ("bond_listing", False)])
def test_a_partnership_for_another_procedure_opens_nothing_though_others_have_filed_it(house, covered, is_inside):
    application = application_at("filling")
    firm = organisation("SERK", kind="adviser")
    adviser = user(firm)
    joined = partnership(company("ALTN"), firm, by=person("issuer"))
    if covered:
        db.session.add(PartnershipScope(partnership_id=joined.id, procedure=covered))
    now = here.now()
    place = {"application_id": application.id, "user_id": adviser.id, "organisation_id": firm.id}
    db.session.add(Assignment(**place, executor="adviser", at=now))
    db.session.flush()
    filed = db.session.scalars(select(Application.procedure)).all()
    assert application.procedure.startswith("share_listing.")
    assert any(each.startswith("bond_listing.") for each in filed)

    assert queries.is_inside(application, adviser) is is_inside
    told = [each for each in addressees.around(application).get("adviser", ()) if each.id == adviser.id]
    assert [each.is_active for each in told] == [is_inside]
    moves.tell(application, ["adviser"], now=now)
    assert bool(messages_of(adviser)) is is_inside
