"""The tab «Әріптестік»."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import catalogue, db
from app.accounts import queries as people
from app.errors import Conflict, Invalid, Problem
from app.organisations import operations, queries
from app.organisations.models import PARTNER_KINDS
from app.organisations.views.frame import Answer, blueprint, own, words_of
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.inputs import day, whole_number
from app.web.templating import ZONE, word


@blueprint.get("/partnership")
@allowed(Permission.VIEW_ORGANISATION)
def partnership() -> Answer:
    company = own()
    language = here.language()
    standing = queries.partnerships(company)
    adders = people.by_ids(item.added_by_id for item in standing)
    partners = [
        {
            "id": item.id,
            "kind": item.partner.kind,
            "code": item.partner.code,
            "name": item.partner.names[language],
            "bin": item.partner.bin,
            "added_at": item.added_at,
            "added_by": adders[item.added_by_id].name,
            "removal_requested_at": item.removal_requested_at,
            "until": _last_day(item.until),
            "scope": procedure_titles(item.procedures),
        }
        for item in standing
    ]
    is_partner = company.kind in PARTNER_KINDS
    return render_template(
        "organisations/partnership.html",
        groups=[]
        if is_partner
        else [
            {"key": f"role.{kind}", "partners": [item for item in partners if item["kind"] == kind]}
            for kind in PARTNER_KINDS
        ],
        clients=[
            {
                "code": item.issuer.code,
                "name": item.issuer.names[language],
                "since": item.added_at,
                "until": _last_day(item.until),
                "scope": procedure_titles(item.procedures),
            }
            for item in queries.partnerships_with(company)
        ]
        if is_partner
        else [],
        past=[_past(item, company.id) for item in queries.past_partnerships(company)],
        may_add=current_user.may(Permission.MANAGE_PARTNERS) and not is_partner,
    )


def _past(item: Any, own_id: int) -> dict[str, Any]:
    other = item.partner if item.issuer_id == own_id else item.issuer
    return {
        "name": other.names[here.language()],
        "code": other.code,
        "since": item.added_at,
        "over_at": item.ended_at or item.until,
        "reason": item.end_reason or "",
    }


def _last_day(until: datetime | None) -> datetime | None:
    """Return a moment of the last day on which a partnership stands."""
    return until - timedelta(seconds=1) if until else None


def procedure_titles(keys: list[str]) -> list[str]:
    """Return what procedures are called, in the language of the page."""
    known = catalogue.present().procedures
    titles = {each.key: each.title[here.language()] for each in known.procedures.values()}
    return [titles.get(key, key) for key in keys]


def _procedures() -> list[dict[str, Any]]:
    """Return the procedures by category, the newest version of each, as the form of a new partner offers them."""
    found: dict[str, dict[str, str]] = {}
    for each in sorted(catalogue.present().procedures.procedures.values(), key=lambda one: one.version):
        if "initiator" in each.open_to and each.started_by is None:
            found.setdefault(each.category, {})[each.key] = each.title[here.language()]
    return [{"key": f"cat.{category}", "options": sorted(titles.items())} for category, titles in found.items()]


@blueprint.get("/partnership/new")
@allowed(Permission.MANAGE_PARTNERS)
def new_partner() -> Answer:
    return _new_partner_page([])


def _new_partner_page(problems: list[Problem]) -> str:
    language = here.language()
    found = queries.possible_partners(own())
    return render_template(
        "organisations/partner_new.html",
        groups=[
            {
                "key": f"role.{kind}",
                "options": [(item.id, f"{item.code} – {item.names[language]}") for item in found if item.kind == kind],
            }
            for kind in PARTNER_KINDS
        ],
        chosen=request.form.get("partner_id", ""),
        categories=_procedures(),
        typed=request.form,
        picked=request.form.getlist("procedures"),
        problems=problems,
    )


@blueprint.post("/partnership/new")
@allowed(Permission.MANAGE_PARTNERS, secured=True)
def add_partner() -> Answer:
    form = request.form
    last = day(form.get("until"))
    try:
        if form.get("until", "").strip() and last is None:
            raise Invalid.at("until", "substitute.err.day")
        added = operations.add_partner(
            own(),
            whole_number(form.get("partner_id", "")),
            until=datetime.combine(last + timedelta(days=1), time(), ZONE) if last else None,
            procedures=form.getlist("procedures"),
            by=current_user,
            now=here.now(),
        )
    except Invalid as refusal:
        db.session.rollback()
        return _new_partner_page(list(refusal.problems)), 422
    flash(word("partner.added", company=added.partner.names[here.language()]), "success")
    return redirect(url_for(".partnership"), code=303)


@blueprint.post("/partnership/<int:partnership_id>/removal")
@allowed(Permission.MANAGE_PARTNERS, secured=True)
def request_removal(partnership_id: int) -> Answer:
    try:
        operations.request_removal(
            own(), partnership_id, reason=request.form.get("reason", ""), by=current_user, now=here.now()
        )
    except Conflict as refusal:
        db.session.rollback()
        flash(words_of(refusal), "info")
    else:
        flash(word("partner.removal_requested"), "success")
    return redirect(url_for(".partnership"), code=303)
