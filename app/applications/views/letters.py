"""The Exchange's letters: the journal, the page on which one is signed and sent, previews."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app import db, spreadsheets
from app.applications import composing, issued, letters, queries, signing
from app.applications.models import Application, Letter
from app.applications.views import frame
from app.applications.views.exporting import XLSX
from app.applications.views.frame import Answer, blueprint
from app.bilingual import LANGUAGES
from app.errors import Conflict, Invalid, NotFound, NotPermitted, Problem
from app.permissions import Permission
from app.spreadsheets import Cell, Sheet
from app.terms import say
from app.web import here, paging, transactions
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.giving import give
from app.web.inputs import day, given_cms
from app.web.templating import ZONE, date_text, date_time_text, word
from app.workflows.parts import StageKind

PAGE = 50
LONGEST_SUBJECT, LONGEST_TEXT = 300, 10_000


def _one(ident: int) -> Letter:
    """Return a paper of an application that the present user sees.

    Raises:
        NotFound: there is none, or not for this user.
    """
    letter = db.session.get(Letter, ident)
    if letter is None or not queries.sees(letter.application, current_user):
        raise NotFound
    return letter


def _locked(ident: int) -> Letter:
    """Return a paper as it stands now; acts on one application stand in line."""
    letter = _one(ident)
    queries.by_number(letter.application.number, user=current_user, for_update=True)
    db.session.refresh(letter)
    return letter


def _period() -> tuple[datetime | None, datetime | None, list[Problem]]:
    """Return the period that the address names, in days of Kazakhstan, and what is wrong with it."""
    found: list[datetime | None] = []
    problems = []
    for name, after in (("from", 0), ("until", 1)):
        text = request.args.get(name, "").strip()
        typed = day(text)
        if text and typed is None:
            problems.append(Problem(name, "letter.err.date"))
        begin = datetime.combine(typed, time(), ZONE) + timedelta(days=after) if typed else None
        found.append(begin.astimezone(UTC) if begin else None)
    return found[0], found[1], problems


def _row(letter: Letter) -> dict[str, Any]:
    language = here.language()
    subject = letter.words["subject"]
    document = letter.copy or letter.document
    return {
        "id": letter.id,
        "kind": letter.kind,
        "number": letter.number,
        "at": letter.sent_at or letter.made_at,
        "application": letter.application.number,
        "company": letter.application.organisation.names[language],
        "subject": subject.get(language) or subject["ru"],
        "signer": ", ".join(one.signer_name for one in letter.signatures),
        "is_automatic": letter.is_automatic,
        "delivered_at": document.delivered_at if document else None,
        "read_at": letter.read_at,
        "read_by": letter.read_by.name if letter.read_by else "",
        "state": letter.state,
    }


@blueprint.get("/letters", endpoint="letters")
@allowed(Permission.PROCESS)
def journal() -> Answer:
    """Show the journal of what was sent, and what waits for a signature."""
    user = current_user
    since, until, problems = _period()
    query = {name: request.args.get(name, "").strip() for name in ("from", "until")}
    count = issued.count(since, until)
    page = paging.asked_for(".letters", count, size=PAGE, **{name: text for name, text in query.items() if text})
    found = issued.sent(since, until, start=page.start, most=PAGE)
    shown = render_template(
        "applications/letters.html",
        rows=[_row(letter) for letter in found],
        waiting=[_row(letter) | {"href": f"/letters/{letter.id}"} for letter in issued.waiting()]
        + [_finished(application, stage) for application, stage in signing.awaited(user)],
        query=query,
        page=page,
        problems=problems,
    )
    return (shown, 422) if problems else shown


def _finished(application: Application, stage: str) -> dict[str, Any]:
    """Return the finished paper of a stage as the list of what waits for a signature shows it."""
    language = here.language()
    subject = composing.words_of(application, stage)["subject"]
    written = queries.latest(application, stage)
    made = letters.present(application, stage)
    return {
        "id": made.id if made else "",
        "href": f"/applications/{application.number}/issue",
        "at": written.at if written else None,
        "application": application.number,
        "company": application.organisation.names[language],
        "subject": subject.get(language) or subject["ru"],
    }


@blueprint.get("/letters.xlsx")
@allowed(Permission.PROCESS, secured=True)
def letters_workbook() -> Response:
    """Give the journal of a period as a workbook; of what is no period the page says so."""
    since, until, problems = _period()
    if problems:
        asked: dict[str, Any] = {name: request.args[name] for name in ("from", "until") if name in request.args}
        return redirect(url_for(".letters", **asked), code=303)
    language = here.language()
    keys = ("number", "date", "addressee", "subject", "signer", "delivered", "read")
    lines = [[Cell(word("letter.journal"), "title")], [Cell(word(f"letter.{key}"), "head") for key in keys]]
    for row in map(_row, issued.sent(since, until)):
        read = f"{date_time_text(row['read_at'])}, {row['read_by']}" if row["read_at"] else ""
        signer = row["signer"] or say("letter.unsigned_system", language)
        day = row["at"].astimezone(ZONE).date()
        texts = (f"{row['company']} ({row['application']})", row["subject"], signer)
        lines.append(
            [Cell(row["number"]), Cell(day), *map(Cell, texts), Cell(date_time_text(row["delivered_at"])), Cell(read)]
        )
    sheet = Sheet(word("nav.letters"), lines, widths=(16, 12, 44, 50, 28, 18, 34), frozen=2)
    content = spreadsheets.write([sheet], title=word("letter.journal"), now=here.now())
    return give(content, f"letters-{date_text(here.now())}.xlsx", XLSX)


@blueprint.get("/applications/<number>/issue")
@allowed(Permission.PROCESS)
def issue_page(number: str) -> Answer:
    """Lead to the paper that the present process signs; when this page is the first to ask, it is made now."""
    application = frame.one(number)
    stage = letters.issuing_stage(application)
    if stage is None:
        raise NotFound
    written = letters.written_in(application, stage)
    found = letters.present(application, written)
    if found is None:
        try:
            found = _prepared(number, written)
        except (Conflict, Invalid) as refusal:
            db.session.rollback()
            for problem in problems_of(refusal):
                flash(word(problem.key, **problem.params), "error")
            return redirect(url_for(".stage_page", number=number, stage=written), code=303)
    return redirect(url_for(".letter_page", ident=found.id), code=303)


def _prepared(number: str, written: str) -> Letter:
    user = current_user
    db.session.rollback()
    db.begin_writing(True)
    made = letters.prepare(queries.by_number(number, user=user, for_update=True), written, by=user, now=here.now())
    db.session.commit()
    return made


@blueprint.get("/letters/<int:ident>")
@allowed(Permission.PROCESS)
def letter_page(ident: int) -> Answer:
    return _page(_one(ident), [])


def _fix(letter: Letter) -> Letter:
    """Make the bytes of a letter of its template, where this page is the first to ask for them."""
    if letter.document is not None or composing.missing(letter.words):
        return letter
    ident = letter.id
    db.session.rollback()
    db.begin_writing(True)
    letters.fixed(_one(ident), now=here.now())
    db.session.commit()
    return _one(ident)


def _page(letter: Letter, problems: list[Problem], *, typed: dict[str, dict[str, str]] | None = None) -> str:
    letter = _fix(letter)
    application, language = letter.application, here.language()
    subject = letter.words["subject"]
    stage = letters.issuing_stage(application) if letter.stage else None
    is_replaced = letters.is_replaced(letter)
    newer = letters.newest(letter) if is_replaced else letter
    return render_template(
        "applications/letter.html",
        **frame.head(application),
        letter=letter,
        row=_row(letter),
        is_replaced=is_replaced,
        newer=f"/letters/{newer.id}" if newer is not letter else "",
        heading=subject.get(language) or subject["ru"],
        words=typed or letter.words,
        worded=letters.mark(letter.words),
        tongues=LANGUAGES,
        may_edit=not letter.stage and letter.sent_at is None and not letter.signatures,
        may_sign=signing.may_issue(letter, current_user) and not letter.signatures and letter.document is not None,
        missing=[composing.fact_name(name) for name in composing.missing(letter.words)],
        document=letter.document,
        shown=letter.copy or letter.document,
        signatures=letter.signatures,
        offers=[
            {"offer": offer, "words": frame.offer_words(offer)}
            for offer in frame.offers_for(application, current_user)
            if letter.sent_at is None and offer.transition.stage is not None and offer.transition.stage == stage
        ],
        problems=problems,
    )


@blueprint.post("/letters/<int:ident>/sign")
@allowed(Permission.PROCESS, secured=True)
def issue(ident: int) -> Answer:
    """Verify what was given, then accept it; nobody waits for the database while it is verified."""
    sha256, now = request.form.get("sha256", ""), here.now()
    try:
        signing.issued(_one(ident), sha256, by=current_user)
        transactions.between(writing=False)
        given = signing.judge(given_cms(), sha256=sha256, now=now)
        transactions.between(writing=True)
        letter = _locked(ident)
        signing.issue(letter, given, by=current_user, now=now)
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        return _page(_one(ident), problems_of(refusal)), code_of(refusal)
    flash(word("letter.issued_sent", number=letter.number) if letter.number else word("letter.issued"), "success")
    return redirect(url_for(".letter_page", ident=ident) + "#send", code=303)


@blueprint.post("/letters/<int:ident>/words")
@allowed(Permission.PROCESS)
def reword(ident: int) -> Answer:
    """Keep other words of a letter that was drawn from its template alone."""
    letter = _one(ident)
    words = {
        part: {code: request.form.get(f"{part}-{code}", "").replace("\r\n", "\n").strip()[:most] for code in LANGUAGES}
        for part, most in (("subject", LONGEST_SUBJECT), ("text", LONGEST_TEXT))
    }
    empty = [f"{part}-{code}" for part, texts in words.items() for code, text in texts.items() if not text]
    try:
        if not signing.may_write(letter, current_user):
            raise NotPermitted("letter.err.not_authorised")
        if empty:
            raise Invalid(problems=[Problem(path, "letter.err.words") for path in empty])
        letters.reword(_locked(ident), words, seen=request.form.get("worded", ""), by=current_user, now=here.now())
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        return _page(_one(ident), problems_of(refusal), typed=words), code_of(refusal)
    flash(word("letter.words_kept"), "success")
    return redirect(url_for(".letter_page", ident=ident), code=303)


@blueprint.get("/applications/<number>/stages/<stage>/template")
@allowed(Permission.PROCESS)
def redraw(number: str, stage: str) -> Answer:
    """Lead to the stage with its text drawn anew from a template; nothing is kept by that."""
    application = frame.one(number)
    if not composing.templates_of(application, stage):
        raise NotFound
    template = request.args.get("template", "")
    return redirect(url_for(".stage_page", number=number, stage=stage, template=template), code=303)


@blueprint.get("/applications/<number>/stages/<stage>/preview.pdf")
@allowed(Permission.PROCESS)
def letter_preview(number: str, stage: str) -> Response:
    """Show what a stage has written so far as paper; nothing is kept."""
    application = frame.one(number)
    procedure = queries.procedure(application)
    if stage not in procedure.stages or procedure.stages[stage].kind is not StageKind.WORK:
        raise NotFound
    kind = composing.kind_of(application, stage)
    if kind is None:
        raise NotFound
    content = letters.set_as_paper(application, composing.words_of(application, stage), kind=kind, is_draft=True)
    return give(content, f"{application.number}-{kind}-draft.pdf", "application/pdf", inline=True)
