"""The Exchange's list of organisations, and the page of one of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import db
from app.accounts import queries as people
from app.errors import Conflict, Invalid, NotFound, Problem
from app.organisations import acting, admitting, operations, queries, staffing
from app.organisations.models import CODES, KINDS, ActingHead, Membership, Organisation, Partnership
from app.organisations.views.frame import Answer, blueprint, person_row
from app.permissions import Permission
from app.terms import LANGUAGES
from app.terms.folding import folded
from app.web import here, paging
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.giving import give
from app.web.inputs import whole_number
from app.web.templating import word

PAGE = 50


@blueprint.get("/orgs")
@allowed(Permission.VIEW_CLIENTS)
def orgs() -> Answer:
    words = request.args.get("q", "")[:200]
    kind = request.args.get("kind", "")
    language = here.language()
    found = [each for each in queries.search(words) if not kind or each.kind == kind]
    asked = {key: value for key, value in (("q", words), ("kind", kind)) if value}
    page = paging.asked_for("organisations.orgs", len(found), size=PAGE, **asked)
    former = queries.former_names()
    wanted = folded(words)
    return render_template(
        "organisations/orgs.html",
        query={"q": words, "kind": kind},
        kinds=[(each, word(f"role.{each}")) for each in KINDS],
        page=page,
        count=len(found),
        waiting=admitting.count_waiting() + len(queries.removals()) if current_user.may(Permission.ADMIT) else None,
        rows=[
            {
                "id": each.id,
                "code": each.code,
                "name": each.names[language],
                "bin": each.bin,
                "kind": each.kind,
                "is_active": each.is_active,
                "was": _found_by(former.get(each.id, []), wanted, each),
            }
            for each in found[page.start : page.start + PAGE]
        ],
    )


def _found_by(former: list[str], wanted: str, organisation: Organisation) -> str:
    """Return the former name by which an organisation was found, where no present one holds what was looked for."""
    present = (organisation.code, organisation.bin, *organisation.names.values())
    if not wanted or wanted in folded(" ".join(present)):
        return ""
    return next((name for name in former if wanted in folded(name)), "")


@blueprint.get("/orgs/<int:organisation_id>")
@allowed(Permission.VIEW_CLIENTS)
def org(organisation_id: int) -> Answer:
    return _page(_one(organisation_id), [])


def _one(organisation_id: int) -> Organisation:
    found = db.session.get(Organisation, organisation_id)
    if found is None:
        raise NotFound
    return found


def _page(organisation: Organisation, problems: list[Problem]) -> str:
    now = here.now()
    everybody = [*queries.people(organisation), *queries.switched_off(organisation)]
    checkers = people.by_ids(each.key_checked_by_id for each in everybody if each.key_checked_by_id)
    standing = [*queries.partnerships(organisation), *queries.partnerships_with(organisation)]
    return render_template(
        "organisations/org.html",
        org=organisation,
        people=[_person(each, checkers) for each in everybody],
        actings=[acting_row(row) for row in queries.actings(organisation)],
        partnerships=[_partnership(item, organisation) for item in standing],
        past=[_partnership(item, organisation) for item in queries.past_partnerships(organisation)],
        requests=queries.requests_of(organisation),
        may_admit=current_user.may(Permission.ADMIT),
        may_assist=current_user.may(Permission.ASSIST) and organisation in queries.answerable([organisation.kind]),
        iin_choices=[_with_iin(each) for each in everybody] if current_user.may(Permission.ADMIT) else [],
        code_choices=[(each, word(f"codes.setting.{each}")) for each in CODES]
        if current_user.may(Permission.GUARD_ACCOUNTS)
        else [],
        typed=request.form,
        now=now,
        problems=problems,
    )


def _person(member: Membership, checkers: dict[int, Any]) -> dict[str, Any]:
    checker = checkers.get(member.key_checked_by_id or 0)
    return person_row(member) | {
        "may_sign": member.may_sign,
        "key_at": member.key_confirmed_at,
        "key_by": checker.name if checker else "",
        "key_note": member.key_note or "",
    }


def _with_iin(member: Membership) -> tuple[str, str]:
    """Return a person as a choice whose value says which IIN was on the screen."""
    user = member.user
    return f"{user.id}-{user.iin}", f"{user.full_name}: {user.iin or '–'}"


def acting_row(row: ActingHead) -> dict[str, Any]:
    """Return an appointment as a page shows it."""
    now = here.now()
    state = "acting.st.holds" if row.holds_at(now) else "acting.st.to_come" if row.starts_at > now else "acting.st.over"
    if row.over_at <= now:
        state = "acting.st.ended" if row.ended_at else "acting.st.over"
    return {
        "id": row.id,
        "name": row.user.full_name,
        "head": row.head.full_name,
        "first": row.starts_at,
        "last": row.ends_at,
        "over_at": row.over_at,
        "basis": row.basis,
        "file_name": row.file_name,
        "by": row.by.name,
        "state": state,
        "is_open": row.over_at > now,
        "reason": row.end_reason,
    }


def _partnership(item: Partnership, organisation: Organisation) -> dict[str, Any]:
    language = here.language()
    other = item.partner if item.issuer_id == organisation.id else item.issuer
    return {
        "id": item.id,
        "href": url_for(".org", organisation_id=other.id),
        "name": other.names[language],
        "kind": other.kind,
        "since": item.added_at,
        "until": item.until,
        "over_at": item.ended_at or item.until,
        "procedures": item.procedures,
        "reason": item.end_reason or "",
        "asked_at": item.removal_requested_at,
    }


@blueprint.post("/orgs/<int:organisation_id>/name")
@allowed(Permission.ADMIT, secured=True)
def rename(organisation_id: int) -> Answer:
    organisation = db.session.get(Organisation, organisation_id, with_for_update={"of": Organisation})
    if organisation is None:
        raise NotFound
    form = request.form
    try:
        operations.rename(
            organisation,
            {language: form.get(f"name_{language}", "") for language in LANGUAGES},
            basis=form.get("basis", ""),
            seen={language: form.get(f"seen_{language}", "") for language in LANGUAGES},
            by=current_user,
            now=here.now(),
        )
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        return _page(_one(organisation_id), problems_of(refusal)), code_of(refusal)
    flash(word("org.renamed"), "success")
    return redirect(url_for(".org", organisation_id=organisation_id), code=303)


@blueprint.post("/orgs/<int:organisation_id>/people/<int:user_id>/key")
@allowed(Permission.ADMIT, secured=True)
def confirm_key(organisation_id: int, user_id: int) -> Answer:
    def confirm(organisation: Organisation, now: datetime) -> None:
        member = staffing.of(organisation, user_id)
        admitting.confirm_key(member, note=request.form.get("key_note", ""), by=current_user, now=now)

    return _done(organisation_id, "key.checked", confirm)


@blueprint.get("/orgs/<int:organisation_id>/acting/<int:acting_id>/file")
@allowed(Permission.VIEW_CLIENTS)
def acting_file_for_staff(organisation_id: int, acting_id: int) -> Answer:
    return give_order(_one(organisation_id), acting_id)


def give_order(organisation: Organisation, acting_id: int) -> Answer:
    """Answer with the order by which somebody acts."""
    row = next((each for each in queries.actings(organisation) if each.id == acting_id), None)
    if row is None:
        raise NotFound
    return give(here.storage().get(row.sha256), row.file_name, "application/octet-stream")


@blueprint.post("/orgs/<int:organisation_id>/acting/<int:acting_id>/end")
@allowed(Permission.ADMIT, secured=True)
def revoke_acting(organisation_id: int, acting_id: int) -> Answer:
    reason = request.form.get("reason", "")
    return _done(
        organisation_id,
        "acting.revoked",
        lambda organisation, now: acting.end(organisation, acting_id, reason=reason, by=current_user, now=now),
    )


def _done(organisation_id: int, told: str, verb: Callable[[Organisation, datetime], object]) -> Answer:
    """Call a verb and lead back to the organisation, or show its page with what was wrong."""
    organisation = _one(organisation_id)
    try:
        verb(organisation, here.now())
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        return _page(_one(organisation_id), problems_of(refusal)), code_of(refusal)
    flash(word(told), "success")
    return redirect(url_for(".org", organisation_id=organisation_id), code=303)


@blueprint.post("/orgs/<int:organisation_id>/codes")
@allowed(Permission.GUARD_ACCOUNTS, fresh=True)
def set_codes(organisation_id: int) -> Answer:
    organisation = _one(organisation_id)
    operations.set_codes(organisation, request.form.get("codes", ""), by=current_user, now=here.now())
    flash(word("codes.setting_saved"), "success")
    return redirect(url_for(".org", organisation_id=organisation_id), code=303)


@blueprint.post("/orgs/<int:organisation_id>/iin")
@allowed(Permission.ADMIT, secured=True)
def correct_iin(organisation_id: int) -> Answer:
    """Correct a person's IIN; the choice says whose it is and which number was on the screen."""
    organisation, form = _one(organisation_id), request.form
    chosen, _, number = form.get("iin_user", "").partition("-")
    user_id = whole_number(chosen)
    if user_id is None:
        return _page(organisation, [Problem("iin_user", "app.err.choice")]), 422
    try:
        member = staffing.of(organisation, user_id)
        iin, basis = form.get("iin", "").strip(), form.get("iin_basis", "")
        admitting.correct_iin(member, iin, basis=basis, seen=number, by=current_user, now=here.now())
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        return _page(_one(organisation_id), problems_of(refusal)), code_of(refusal)
    flash(word("org.iin_corrected"), "success")
    return redirect(url_for(".org", organisation_id=organisation_id), code=303)
