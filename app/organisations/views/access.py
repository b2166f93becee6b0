"""The public page «Request access», its test signature, and the page on which a newcomer follows his request."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import Response, make_response, redirect, render_template, request, session, url_for
from sqlalchemy.exc import IntegrityError

from app import db
from app.errors import Conflict, Invalid, Problem
from app.organisations import access, asked, keys
from app.organisations.models import KINDS, AccessRequest, RequestState
from app.organisations.views.frame import Answer, blueprint, site
from app.permissions import Permission
from app.terms import LANGUAGES
from app.web import here, transactions
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.inputs import given_cms, whole_number
from app.web.templating import word

FASTEST = timedelta(seconds=3)
"""Nobody fills this page in quicker; programs do."""
TRAP = "website"
"""A field that no person sees: who fills it in is a program."""
_CHALLENGE, _OPENED = "key_test", "access_opened"


@blueprint.get("/access")
@allowed(Permission.PUBLIC)
def access_new() -> Answer:
    session.setdefault(_OPENED, here.now().isoformat())
    return _form({"contacts": 1}, [])


@blueprint.post("/access")
@allowed(Permission.PUBLIC)
def access_send() -> Answer:
    contacts = _contacts()
    if "add" in request.form or "remove" in request.form:
        return _form(_changed(contacts), [])
    given = request.form.to_dict()
    said = asked.read(given, contacts=contacts)
    signed = hashlib.sha256(given_cms()).hexdigest()  # with a test signature it is another request than without
    seed = access.seed_of(given.get("once", ""), {**said, "signed": signed})
    earlier = access.sent_already(seed)
    if earlier is not None:
        return _sent(earlier)
    problems = [*_robot(), *asked.faults(said)]
    report, more = _tested(said) if not problems else (None, [])
    problems += more
    if problems:
        return _form({**given, "contacts": contacts}, problems), 422
    try:
        row = access.submit(
            said,
            key_report=report,
            language=here.language(),
            address=request.remote_addr or "",
            site=site(),
            now=here.now(),
            seed=seed,
        )
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        return _form({**given, "contacts": contacts}, problems_of(refusal)), 429
    except IntegrityError:  # the first of two clicks was quicker by less than a transaction
        db.session.rollback()
        twin = access.sent_already(seed)
        if twin is None:
            raise
        return _sent(twin)
    session.pop(_CHALLENGE, None)
    session.pop(_OPENED, None)
    return _sent(row)


def _sent(row: AccessRequest) -> Answer:
    return redirect(url_for(".access_status", token=access.token_of(row)), code=303)


@blueprint.get("/access/challenge")
@allowed(Permission.PUBLIC)
def access_challenge() -> Answer:
    """Give the text that is signed for a test; the same one until it is too old."""
    return give_challenge()


def give_challenge() -> Response:
    """Answer with the text of this session that is signed for a test."""
    now = here.now()
    text = session.get(_CHALLENGE, "")
    if not text or not keys.is_fresh(text, now=now) or not keys.is_fresh(text, now=now + keys.LIFE / 2):
        text = session[_CHALLENGE] = keys.challenge(request.host, now=now)
    answer = Response(text, mimetype="text/plain")
    answer.headers["Content-Disposition"] = 'attachment; filename="key-test.txt"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def judged(*, bin: str, iin: str) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Return what is known of the test signature that came, or why it will not do; nobody waits for the database."""
    transactions.between(writing=False)
    try:
        report = keys.judge(given_cms(), session.get(_CHALLENGE, ""), now=here.now())
    except (Conflict, Invalid) as refusal:
        found = problems_of(refusal)
        return None, [Problem(each.path or "cms", each.key, each.params) for each in found]
    finally:
        transactions.between(writing=True)
    problems = keys.faults(report, bin=bin, iin=iin)
    return (None, problems) if problems else (keys.kept(report), [])


def _tested(said: Mapping[str, Any]) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Return the report of the test signature, if one came; without one the key must be declared."""
    if given_cms():
        return judged(bin=said["bin"], iin=said["head"]["iin"])
    if request.form.get("declared") != "yes":
        return None, [Problem("declared", "access.err.key")]
    return None, []


def _contacts() -> int:
    return min(max(whole_number(request.form.get("contacts")) or 1, 1), asked.MOST_CONTACTS)


def _changed(contacts: int) -> dict[str, Any]:
    """Return what was typed with one contact person more or less."""
    given: dict[str, Any] = request.form.to_dict()
    gone = whole_number(request.form.get("remove"))
    if "add" in request.form:
        return {**given, "contacts": min(contacts + 1, asked.MOST_CONTACTS)}
    if gone is not None and gone < contacts and contacts > 1:
        for number in range(gone, contacts):
            for key in asked.PERSON:
                given[f"contacts-{number}-{key}"] = given.get(f"contacts-{number + 1}-{key}", "")
        contacts -= 1
    return {**given, "contacts": contacts}


def _robot() -> list[Problem]:
    """Return a refusal where a program seems to have filled the page in; a person only has to send it again."""
    opened = session.get(_OPENED, "")
    now = here.now()
    if request.form.get(TRAP):
        return [Problem("", "access.err.trap")]
    if not opened or now - datetime.fromisoformat(opened) < FASTEST:
        session.setdefault(_OPENED, now.isoformat())
        return [Problem("", "access.err.quick")]
    return []


def _form(typed: Mapping[str, Any], problems: list[Problem]) -> str:
    return render_template("organisations/access.html", problems=problems, **_context(typed))


def _context(typed: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "typed": typed,
        "contacts": range(int(typed.get("contacts", 1))),
        "most_contacts": asked.MOST_CONTACTS,
        "form_options": [(form, word(f"access.form.{form}")) for form in asked.FORMS],
        "mailboxes": [(kind, asked.MAILBOXES[asked.DESKS[kind]]) for kind in KINDS],
        "trap": TRAP,
        "once": typed.get("once") or secrets.token_urlsafe(24),
    }


@blueprint.get("/access/<token>")
@allowed(Permission.PUBLIC)
def access_status(token: str) -> Answer:
    answer = make_response(_status(access.by_token(token), None, []))
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


def _status(row: AccessRequest, typed: Mapping[str, Any] | None, problems: list[Problem]) -> str:
    is_asked = row.state == RequestState.MORE_ASKED
    return render_template(
        "organisations/access_status.html",
        row=row,
        steps=list(reversed(row.steps)),
        is_asked=is_asked,
        is_tested=bool(row.key_report),
        action=request.path,
        problems=problems,
        **_context(typed if typed is not None else _as_typed(row)),
    )


def _as_typed(row: AccessRequest) -> dict[str, Any]:
    """Return a request as its form shows it."""
    found: dict[str, Any] = {"kind": row.said["kind"], "bin": row.said["bin"], "contacts": len(row.said["contacts"])}
    found |= {f"name_{language}": row.said[f"name_{language}"] for language in LANGUAGES}
    persons = [("head", row.said["head"])]
    persons += [(f"contacts-{number}", person) for number, person in enumerate(row.said["contacts"])]
    for prefix, person in persons:
        found |= {f"{prefix}-{key}": value for key, value in person.items()}
    return found


@blueprint.post("/access/<token>")
@allowed(Permission.PUBLIC)
def access_answer(token: str) -> Answer:
    """Take the answer to what was asked; the whole request may be mended with it."""
    contacts = _contacts()
    if "add" in request.form or "remove" in request.form:
        return _status(access.by_token(token), _changed(contacts), [])
    given = request.form.to_dict()
    said = asked.read({**given, "legal_form": "other"}, contacts=contacts)
    report, problems = None, asked.faults(said, longest=asked.LONGEST_WHOLE_NAME)
    if not problems and given_cms():
        report, problems = judged(bin=said["bin"], iin=said["head"]["iin"])
    row = access.by_token(token, for_update=True)
    typed = {**given, "contacts": contacts}
    if problems:
        return _status(row, typed, problems), 422
    try:
        words = request.form.get("words", "")
        access.answer(row, said, words=words, key_report=report, site=site(), now=here.now())
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        return _status(access.by_token(token), typed, problems_of(refusal)), code_of(refusal)
    return redirect(url_for(".access_status", token=token), code=303)
