"""The page of one application, its transitions, history and colleagues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import bilingual, db
from app.applications import (
    approval,
    assisting,
    bundles,
    composing,
    conditions,
    desk,
    extending,
    filing,
    holders,
    intake,
    issued,
    judging,
    letters,
    moves,
    queries,
    renewal,
    signing,
    transfer,
)
from app.applications.beginning import BEGUN
from app.applications.clocks import EXTEND, extension_of
from app.applications.models import AnyComment, Application, History
from app.applications.views import belonging, checking, frame, holding, prepared
from app.applications.views import extending as extending_view
from app.applications.views.frame import Answer, blueprint
from app.applications.views.reading import reading, said
from app.errors import Conflict, Invalid, Problem
from app.organisations import queries as organisations
from app.permissions import Permission
from app.terms import say, terms
from app.web import here
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.inputs import whole_number
from app.web.templating import date_text, named, word
from app.workflows.guards import ANSWERING, StageStatus
from app.workflows.machine import Procedure
from app.workflows.parts import Offer, StageKind


@blueprint.get("/applications/<number>")
@allowed(Permission.VIEW_APPLICATIONS)
def hub(number: str) -> Answer:
    return page_of(frame.one(number), [])


@blueprint.post("/applications/<number>/terms/<term>/extension")
@allowed(Permission.PROCESS)
def extend_term(number: str, term: str) -> Answer:
    application = frame.one(number, for_update=True)
    reason = request.form.get("reason", "")[:4000]
    try:
        extending.extend(application, term, reason=reason, by=current_user, seen=frame.seen(), now=here.now())
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        status = 409 if isinstance(refusal, Conflict) else 422
        return page_of(frame.one(number), problems_of(refusal)), status
    flash(word("extension.done"), "success")
    return redirect(url_for(".hub", number=number), code=303)


def page_of(application: Application, problems: list[Problem]) -> str:
    """Return the application's page."""
    head = frame.head(application)
    procedure: Procedure = head["procedure"]
    standing = queries.position(application)
    rows = frame.subprocesses(application)
    own = procedure.processes[application.process].stages
    counted = [stage for stage in own if _counts(procedure, stage, standing.status(stage))]
    in_standing = {offer.transition.trigger for row in rows for offer in row.offers}
    return render_template(
        "applications/hub.html",
        **head,
        stepper=frame.stepper(application),
        subprocesses=rows,
        written=frame.written(application),
        offers=[
            offered(application, offer)
            for offer in frame.offers_for(application, current_user)
            if offer.transition.trigger not in in_standing
            and offer.transition.stage is None
            and offer.transition.trigger != desk.REFUSE
        ],
        is_at_desk=current_user.may(Permission.REGISTER) and desk.is_at_desk(application),
        offer_words=frame.offer_words,
        done=sum(1 for stage in counted if standing.status(stage).is_done),
        total=len(counted),
        timeline=timeline(application),
        people=_people(application),
        belonging=belonging.panel(application),
        holders=holding.panel(application),
        colleagues=_colleagues(application),
        open_comments=sum(1 for item in said(application) if approval.is_left(item, current_user)),
        waiting_remarks=queries.waiting_remarks(application, user=current_user),
        in_hand=_in_hand(application),
        reviews=judging.reviewing_stage(application, current_user) is not None,
        results=results(application),
        to_sign=_to_sign(application),
        ending=_ending(application, procedure),
        scans=intake.scans(application) if head["paper"] else [],
        prepared=prepared.panel(application),
        may_enter=head["paper"] is not None and queries.enters(application, current_user),
        rulings=rulings(application),
        extendable=extending_view.offers(application),
        checklist=checking.view(application),
        has_newer_forms=renewal.may_renew(application, current_user) and bool(renewal.newer(application)),
        has_newer_procedure=transfer.may_transfer(application, current_user)
        and transfer.newer(application) is not None,
        panels=frame.panels(application),
        problems=problems,
        reason=request.form.get("reason", ""),
    )


def _in_hand(application: Application) -> bundles.Bundle | None:
    """Return the bundle of remarks that the organisation has to answer now, as its people see it."""
    process = queries.procedure(application).processes[application.process]
    if current_user.is_exchange or process.executor not in ANSWERING or application.sent_at is None:
        return None
    newest = next(iter(bundles.of(application)), None)
    return newest if newest is not None and newest.returned_at is None else None


def offered(application: Application, offer: Offer) -> dict[str, Any]:
    """Return a transition as a page offers it, with the comments that nothing was done about."""
    left = filing.unheeded(application, offer.transition, current_user)
    language = here.language()
    return {
        "offer": offer,
        "words": frame.offer_words(offer),
        "is_quoted": moves.is_quoted(offer.transition),
        "unheeded": [
            {"id": row.id, "label": row.labels.get(language) or word("obj.comment"), "words": row.words} for row in left
        ],
    }


def _counts(procedure: Procedure, stage: str, status: StageStatus) -> bool:
    found = procedure.stages[stage]
    is_needed = found.when is None or status is not StageStatus.SKIPPED
    return found.kind is StageKind.FILL and not found.optional and is_needed


def results(application: Application) -> list[dict[str, Any]]:
    """Return what the Exchange has sent: its letters and conclusions, newest first (IS2IN-25.c)."""
    language = here.language()
    found = []
    for letter in letters.of(application):
        shown = letter.copy or letter.document
        if letter.sent_at is None or shown is None or letter.document is None:
            continue
        subject = letter.words["subject"]
        row: dict[str, Any] = {
            "kind": letter.kind,
            "name": shown.name,
            "number": letter.number,
            "subject": subject.get(language) or subject["ru"],
            "at": letter.sent_at,
            "is_automatic": letter.is_automatic,
            "href": url_for("applications.file", number=application.number, document_id=shown.id),
            "signed": [],
        }
        if letter.copy is not None:
            row["original"] = url_for("applications.file", number=application.number, document_id=letter.document.id)
            row["signed"] = [
                {
                    "name": one.signer_name,
                    "href": url_for(
                        ".signature_report",
                        number=application.number,
                        document_id=letter.document.id,
                        signature_id=one.id,
                    ),
                }
                for one in letter.signatures
            ]
        if current_user.is_exchange:
            row["read"] = (letter.read_by.name, letter.read_at) if letter.read_by else None
        found.append(row)
    return found


def timeline(application: Application) -> list[dict[str, Any]]:
    """Return what has happened, newest first, as the present user may read it."""
    procedure = queries.procedure(application)
    language = here.language()
    comments = {item.id: item for item in queries.comments(application, user=current_user)}
    shown = []
    for row in queries.history(application):
        stage = procedure.stages.get(row.stage)
        if row.act in (conditions.DECIDE, EXTEND):
            shown += _ruling(procedure, row)
            continue
        if not current_user.is_exchange and is_internal(application, procedure, row):
            continue
        target = procedure.processes.get(row.target)
        shown.append(
            {
                "act": row.act,
                "title": act_words(procedure, row),
                "who": _who(row),
                "at": row.at,
                "stage": stage.title[language] if stage else "",
                "target": target.short_title[language] if target else "",
                "words": date_text(row.words)
                if row.act == BEGUN
                else _left_open(found, comments)
                if (found := filing.marked(row))
                else row.words,
                "passage": bilingual.passage(row.texts, language) if row.texts else None,
                "important": bool(row.target) or row.act in ("agree", "sign"),
            }
        )
    return shown


def _who(row: History) -> str:
    """Return who did it; to the Exchange's people also for whom, where he was a substitute."""
    if row.by is None:
        return word("workflow.executor.system")
    if row.on_behalf_of is not None and not row.by.is_exchange:  # an acting first head: both names, to everybody
        return word("acting.who_for_whom", who=row.by.name, whom=row.on_behalf_of.name)
    absent = row.on_behalf_of if current_user.is_exchange else None
    return word("queues.who_for_whom", who=row.by.name, whom=absent.name) if absent else named(row.by)


def _to_sign(application: Application) -> list[dict[str, str]]:
    """Return the papers that the present user has to sign with the key of the Exchange: what each is, and where."""
    found = []
    stage, written = letters.issuing_stage(application), signing.awaited_in(application)
    signer = queries.procedure(application).executor_of(stage, application.process) if stage else ""
    if written is not None and queries.acts_as(application, current_user, signer):
        subject = composing.words_of(application, written)["subject"]
        found.append({"subject": _subject(subject), "href": url_for(".issue_page", number=application.number)})
    found += [
        {"subject": _subject(letter.words["subject"]), "href": url_for(".letter_page", ident=letter.id)}
        for letter in issued.waiting(application)
        if signing.may_issue(letter, current_user)
    ]
    return found


def _subject(subject: bilingual.Texts) -> str:
    return bilingual.said(subject, here.language())


def _ending(application: Application, procedure: Procedure) -> dict[str, Any] | None:
    """Return why an application has ended before its time: the reason of the list, the words, who said it and when."""
    if not procedure.processes[application.process].final:
        return None
    row = next((each for each in queries.history(application) if each.target == application.process), None)
    if row is None or not row.words:
        return None
    language, refused = here.language(), desk.refusal(application)
    texts = refused.texts if refused else row.texts
    return {
        "title": procedure.processes[application.process].title[language],
        "reason": word(f"desk.reason.{refused.reason}") if refused else "",
        "passage": bilingual.passage(texts, language) if texts else None,
        "words": row.words,
        "who": _who(row),
        "at": row.at,
    }


def _ruling(procedure: Procedure, row: History) -> list[dict[str, Any]]:
    """Return a table asked or a term made longer as the history tells it; nothing of what is the Exchange's own."""
    language = here.language()
    asked = conditions.read(procedure, row) if row.act == conditions.DECIDE else None
    if row.act == conditions.DECIDE and (asked is None or (asked.table.is_internal and not current_user.is_exchange)):
        return []
    if asked is not None:
        title, words = asked.table.title[language], asked.row.words[language]
    else:
        days, reason = extension_of(row.words)
        term = next((each.title[language] for each in procedure.terms if each.key == row.stage), row.stage)
        title, words = word("history.extend", term=term, n=days), reason
    who = _who(row)
    return [
        {
            "act": row.act,
            "title": title,
            "who": who,
            "at": row.at,
            "stage": "",
            "target": "",
            "words": words,
            "passage": None,
            "important": False,
        }
    ]


def rulings(application: Application) -> list[dict[str, Any]]:
    """Return what decision tables have said of the application: title, words, whether the figures are illustrations."""
    language = here.language()
    return [
        {
            "key": key,
            "title": found.table.title[language],
            "words": found.row.words[language],
            "norm": found.table.norm[language] if found.table.norm else "",
            "demo": found.table.demo_data,
            "table": found.table.name,
        }
        for key, found in conditions.chosen(application).items()
        if current_user.is_exchange or not found.table.is_internal
    ]


def _left_open(ids: list[int], readable: Mapping[int, AnyComment]) -> str:
    """Return where comments stand that were left open, in the reader's language; only those he may read."""
    rows = (readable[ident] for ident in ids if ident in readable)
    return "; ".join(row.labels.get(here.language()) or word("obj.comment") for row in rows)


def is_internal(application: Application, procedure: Procedure, row: History) -> bool:
    """Tell whether only the Exchange may read it: its own stages, and what came before it called the organisation."""
    stage = procedure.stages.get(row.stage)
    if row.act in (letters.REWORDED, *holders.ACTS, *assisting.UNANSWERED) or (
        stage is not None and stage.kind in frame.INTERNAL
    ):
        return True
    called = application.submitted_at
    return procedure.started_by is not None and (called is None or row.at < called)


def act_words(procedure: Procedure, row: History, language: str = "") -> str:
    """Return what a row of the history says was done, in ``language`` or in that of the page."""
    language = language or here.language()
    for transition in (one for version in queries.versions_of(procedure) for one in version.transitions):
        if transition.trigger == row.act and transition.source == row.source:
            if transition.title is not None:
                return transition.title[language]
            if transition.key is not None:
                return say(transition.key, language)
    key = f"history.{row.act}"
    return say(key, language) if key in terms() else row.act


def _people(application: Application) -> list[dict[str, str]]:
    people = [{"key": "role.author", "name": named(application.author)}]
    first_head = organisations.first_head(application.organisation)
    if first_head is not None:
        people.append({"key": "role.first_head", "name": first_head.name})
    acting = organisations.acting_head(application.organisation)
    if acting is not None:
        people.append({"key": "role.acting", "name": acting.user.name})
    people += [
        {"key": "role.adviser" if item.executor == "adviser" else "role.executor", "name": item.user.name}
        for item in queries.assignments(application)
        if item.executor in ("adviser", *ANSWERING) and item.is_current
    ]
    return people


def _colleagues(application: Application) -> list[tuple[int, str]]:
    if application.archived_at is not None:
        return []
    return [(found.id, found.name) for found in filing.callable_people(application, current_user)]


@blueprint.post("/applications/<number>/colleagues")
@allowed(Permission.FILE)
def add_colleague(number: str) -> Answer:
    application = frame.one(number, for_update=True)
    chosen = request.form.get("colleague", "")
    try:
        filing.assign_colleague(application, whole_number(chosen), by=current_user, now=here.now())
    except Invalid as refusal:
        db.session.rollback()
        return page_of(frame.one(number), problems_of(refusal)), 422
    flash(word("app.colleague_added"), "success")
    return redirect(url_for(".hub", number=number), code=303)


GUARDED = frozenset({"send_for_approval", "send_file", "withdraw"})
"""The triggers that have a legal effect outside: they need a security session."""


@blueprint.post("/applications/<number>/transitions/<trigger>")
@allowed(Permission.VIEW_APPLICATIONS, secured=lambda number, trigger: trigger in GUARDED)
def transition(number: str, trigger: str) -> Answer:
    application = frame.one(number, for_update=True)
    try:
        if trigger == desk.REFUSE and desk.is_at_desk(application):
            moves.require_executor(application, current_user, "chancery", now=here.now(), takes=False)
            raise Conflict("desk.err.at_desk")  # with a reason of the list
        taken = filing.send(
            application,
            trigger,
            by=current_user,
            seen=frame.seen(),
            words=_reason(application, trigger),
            despite=bool(request.form.get("despite")),
            now=here.now(),
        )
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        application = frame.one(number)
        is_in_summary = any(item["offer"].transition.trigger == trigger for item in _summary_offers(application))
        page = (_summary_page if is_in_summary else page_of)(application, problems_of(refusal))
        return page, code_of(refusal)
    flash(_told(application, taken.trigger, taken.target), "success")
    if taken.target == queries.DELETED:
        return redirect(url_for(".under_review"), code=303)
    return redirect(url_for(".hub", number=number), code=303)


def _reason(application: Application, trigger: str) -> str | bilingual.Texts:
    """Return the reason that was typed, in both languages where a letter quotes it."""
    procedure = queries.procedure(application)
    elsewhere = (each for each in procedure.transitions if each.trigger == trigger)  # refused by its own words
    way = desk.way(procedure, application.process, trigger) or next(elsewhere, None)
    if way is not None and moves.is_quoted(way):
        return bilingual.typed(request.form, "reason")
    return request.form.get("reason", "")[:4000]


@blueprint.get("/applications/<number>/transitions/<trigger>")
@allowed(Permission.VIEW_APPLICATIONS)
def after_transition(number: str, trigger: str) -> Answer:
    """Lead to the application: a refusal stands at this address, and may be opened again or kept as a bookmark."""
    return redirect(url_for(".hub", number=frame.one(number).number), code=303)


def _told(application: Application, trigger: str, target: str) -> str:
    if target == queries.DELETED:
        return word("app.deleted", number=application.number)
    process = queries.procedure(application).processes[target].short_title[here.language()]
    if trigger != "send_file":
        return word("app.moved", process=process)
    return (
        word("msg.sent_ok") if frame.goes_to_registration(application, target) else word("app.sent_on", process=process)
    )


def _summary_offers(application: Application) -> list[dict[str, Any]]:
    """Return the transitions whose buttons stand on the page of the summary form."""
    return [
        offered(application, offer)
        for offer in frame.offers_for(application, current_user)
        if offer.transition.stage and frame.kind_of(application, offer.transition.stage) is StageKind.SUMMARY
    ]


@blueprint.get("/applications/<number>/summary")
@allowed(Permission.VIEW_APPLICATIONS)
def summary_page(number: str) -> Answer:
    return _summary_page(frame.one(number), [])


def _summary_page(application: Application, problems: list[Problem]) -> str:
    return render_template(
        "applications/summary.html",
        **frame.head(application),
        **frame.stage_of(application, StageKind.SUMMARY),
        stages=reading(application),
        offers=_summary_offers(application),
        in_hand=_in_hand(application),
        problems=problems,
    )


@blueprint.get("/applications/<number>/timeline")
@allowed(Permission.VIEW_APPLICATIONS)
def timeline_page(number: str) -> Answer:
    application = frame.one(number)
    return render_template("applications/timeline.html", **frame.head(application), timeline=timeline(application))
