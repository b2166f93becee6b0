"""The page of signing: read, sign, send."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import db
from app.applications import document, queries, signing
from app.applications.models import Application, Document
from app.applications.views import frame
from app.applications.views.frame import Answer, blueprint
from app.applications.views.reading import reading
from app.errors import Conflict, Invalid, NotFound, Problem
from app.permissions import Permission
from app.web import here, transactions
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.inputs import given_cms
from app.web.templating import word
from app.workflows.parts import StageKind


@blueprint.get("/applications/<number>/sign")
@allowed(Permission.VIEW_APPLICATIONS)
def sign(number: str) -> Answer:
    application = frame.one(number)
    return _page(application, [])


def _page(application: Application, problems: list[Problem]) -> str:
    procedure = queries.procedure(application)
    stage = next((key for key in procedure.processes[application.process].stages if _signs(application, key)), None)
    if stage is None or current_user.is_exchange:
        raise NotFound
    is_open = signing.stage_of(application) is not None
    offers = [
        offer
        for offer in frame.offers_for(application, current_user)
        if offer.transition.stage and _signs(application, offer.transition.stage)
    ]
    is_new = any(frame.goes_to_registration(application, offer.transition.target) for offer in offers)
    words = "send" if is_new else "send_again" if application.sent_at else "send_on"
    offered = _offered(application) if is_open else queries.present_document(application)
    return render_template(
        "applications/sign.html",
        **frame.head(application),
        **frame.stage_of(application, StageKind.SIGNING),
        document=offered,
        attachments=[
            item
            for view in reading(application)
            for sheet in view.sheets
            for section in sheet.sections
            for shown in section.fields
            for item in shown.files
        ],
        signatures=offered.signatures if offered else [],
        may_sign=is_open and queries.acts_as(application, current_user, "first_head"),
        offers=[{"offer": offer, "words": frame.offer_words(offer)} for offer in offers],
        send_key=f"app.sign.{words}_help",
        problems=problems,
    )


def _signs(application: Application, stage: str) -> bool:
    return frame.kind_of(application, stage) == "signing"


def _offered(application: Application) -> Document:
    """Return the document of this round; when this page is the first to ask, it is made and kept now."""
    standing = queries.present_document(application)
    if standing is not None:
        return standing
    number, user = application.number, current_user
    transactions.between(writing=True)
    made = document.offered(queries.by_number(number, user=user))
    db.session.commit()
    return made


@blueprint.post("/applications/<number>/sign")
@allowed(Permission.VIEW_APPLICATIONS, secured=True)
def accept(number: str) -> Answer:
    """Verify what was given, then accept it; nobody waits for the database while it is verified.

    It is accepted at the moment when that is done: who acted for the first head may have come to his end meanwhile.
    """
    sha256 = request.form.get("sha256", "")
    try:
        signing.offered(frame.one(number), sha256)
        transactions.between(writing=False)
        given = signing.judge(given_cms(), sha256=sha256, now=here.now())
        transactions.between(writing=True)
        application = frame.one(number, for_update=True)
        signing.accept(application, given, by=current_user, now=here.now_again())
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        return _page(frame.one(number), problems_of(refusal)), code_of(refusal)
    flash(word("sig.signed_by_key"), "success")
    return redirect(url_for(".sign", number=number) + "#send", code=303)
