"""The reviewers' page: at the left the application as it was sent, at the right their work on it, in tabs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import db
from app.applications import (
    approval,
    bundles,
    concluding,
    criteria,
    formal,
    judging,
    moves,
    places,
    queries,
    versions,
)
from app.applications.criteria import Ruling, Subject
from app.applications.models import WHOLE, Application, Remark
from app.applications.summary import comment_view
from app.applications.views import checking, frame
from app.applications.views.frame import Answer, blueprint
from app.applications.views.reading import reading
from app.errors import AppError, Conflict, Invalid, NotFound, Problem
from app.forms.criteria import THRESHOLD, Datum
from app.permissions import Permission
from app.terms import LANGUAGES, say
from app.web import here
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.inputs import whole_number
from app.web.templating import date_text, word
from app.workflows.parts import StageKind

TABS = ("formal", "criteria", "remarks", "conclusion", "documents")


@blueprint.get("/applications/<number>/panel")
@allowed(Permission.PROCESS)
def panel(number: str) -> Answer:
    return _page(_received(number), request.args.get("tab", ""))


def _received(number: str, *, for_update: bool = False) -> Application:
    """Return an application of which something was sent to the Exchange."""
    application = frame.one(number, for_update=for_update)
    if queries.received_at(application) is None:
        raise NotFound
    return application


def _page(application: Application, tab: str, problems: Iterable[Problem] = ()) -> str:
    tab = tab if tab in TABS else _first_tab(application)
    sent = versions.sent(application, user=current_user)
    left = request.args.get("left", "form")
    stage = judging.reviewing_stage(application, current_user)
    return render_template(
        "applications/panel.html",
        **frame.head(application),
        tab=tab,
        tabs=[
            {"href": _address(application, each), "key": f"review.tab.{each}", "current": each == tab, "count": None}
            for each in TABS
        ],
        left=left if left in ("form", "files") else "form",
        stages=reading(application),
        checklist=checking.view(application),
        version=sent[-1] if sent else None,
        reviewing=stage or "",
        work=_work(application),
        typed=request.form,
        problems=list(problems),
        **_TAB[tab](application),
    )


def _address(application: Application, tab: str, **given: Any) -> str:
    return url_for(".panel", number=application.number, tab=tab, **given)


def _first_tab(application: Application) -> str:
    """Return the tab that the present process is about."""
    if concluding.is_here(application):
        return "conclusion"
    stages = queries.procedure(application).processes[application.process].stages
    return "formal" if "completeness" in stages else "criteria"


def _work(application: Application) -> list[dict[str, str]]:
    """Return the stages in which the present user writes down what came of the review."""
    procedure = queries.procedure(application)
    return [
        {
            "key": stage,
            "title": procedure.stages[stage].title[here.language()],
            "href": url_for(".stage_page", number=application.number, stage=stage),
        }
        for stage in procedure.processes[application.process].stages
        if procedure.stages[stage].kind is StageKind.WORK
        and queries.acts_as(application, current_user, procedure.executor_of(stage, application.process))
    ]


# The formal check


def _formal(application: Application) -> dict[str, Any]:
    found = formal.check(application)
    language = here.language()
    document = next(
        (item for item in queries.documents(application) if item.kind == "application" and item.signatures), None
    )
    stages = queries.procedure(application).stages
    return {
        "check": found,
        "unreadable": {file.row.id for _, file in found.unreadable},
        "shortfalls": [
            {"place": each.place, "stage": stages[each.stage].title[language], "problem": each.problem}
            for each in found.answers
        ],
        "signed": document,
    }


# Criteria


def _criteria(application: Application) -> dict[str, Any]:
    subjects = criteria.of(application)
    rulings = [ruling for subject in subjects for ruling in subject.rulings]
    remarked = {row.place for row in _remarks(application)}
    return {
        "subjects": [_subject(subject, remarked) for subject in subjects],
        "judged": sum(1 for ruling in rulings if ruling.is_settled),
        "total": len(rulings),
        "stale": sum(1 for ruling in rulings if ruling.last is not None and not ruling.is_settled),
        "confirmable": sum(1 for ruling in rulings if not ruling.is_settled and criteria.default_of(ruling)),
        "may_judge": judging.reviewing_stage(application, current_user) is not None,
    }


def _subject(subject: Subject, remarked: set[str]) -> dict[str, Any]:
    language, found = here.language(), subject.criteria
    keys = [asked.text(subject.keys.get(asked.key), language) for asked in subject.form.keys]
    named = [subject.form.path_text(subject.path, language), *(words for words in keys if words)]
    return {
        "title": ", ".join(named),
        "set": word(
            "review.criteria.set", title=found.title[language], version=found.version, date=date_text(found.effective)
        ),
        "source": found.source[language],
        "demo_data": found.demo_data,
        "rulings": [_ruling(ruling, remarked) for ruling in subject.rulings],
    }


def _ruling(ruling: Ruling, remarked: set[str]) -> dict[str, Any]:
    language, judged, last = here.language(), ruling.judged, ruling.last
    labels = {datum.name: datum.field.label[language] for datum in judged.data}
    labels[THRESHOLD] = judged.threshold.field.label[language] if judged.threshold else THRESHOLD
    return {
        "key": ruling.key,
        "title": judged.criterion.title[language],
        "norm": judged.criterion.norm[language],
        "clause": judged.criterion.clause,
        "finding": str(judged.finding),
        "threshold": _datum(judged.threshold, ruling) if judged.threshold else None,
        "data": [_datum(datum, ruling) for datum in judged.data],
        "verdict": ruling.verdict,
        "note": last.note if last is not None and ruling.is_settled else "",
        "is_stale": last is not None and not ruling.is_settled,
        "changed": ", ".join(labels.get(name, name) for name in ruling.changed),
        "last": last,
        "seen": last.id if last is not None else 0,
        "history": ruling.verdicts,
        "place": ruling.place,
        "has_remark": ruling.place in remarked,
        "is_default": criteria.default_of(ruling),
    }


def _datum(datum: Datum, ruling: Ruling) -> dict[str, str]:
    language = here.language()
    return {
        "label": datum.field.label[language],
        "text": datum.text(language),
        "anchor": f"f-{ruling.stage}.{datum.path}" if datum.path else "",
    }


@blueprint.post("/applications/<number>/panel/criteria")
@allowed(Permission.PROCESS)
def judge(number: str) -> Answer:
    application = _received(number, for_update=True)
    round_, now = whole_number(request.form.get("round")) or 0, here.now()
    try:
        if "confirm" in request.form:
            rows = judging.confirm(application, round_=round_, by=current_user, now=now)
        else:
            rows = judging.judge(application, _words(), round_=round_, by=current_user, now=now)
    except (Conflict, Invalid) as refusal:
        return _refused(number, "criteria", refusal)
    flash(word("review.criteria.saved", n=len(rows)) if rows else word("review.criteria.nothing"), "success")
    return redirect(_address(application, "criteria"), code=303)


def _words() -> dict[str, judging.Word]:
    """Return what was said of each criterion for which a verdict was chosen."""
    found = {}
    for name, verdict in request.form.items():
        key = name.removeprefix("verdict-")
        if name.startswith("verdict-") and verdict:
            seen = whole_number(request.form.get(f"seen-{key}")) or 0
            found[key] = judging.Word(verdict, request.form.get(f"note-{key}", ""), seen)
    return found


def _refused(number: str, tab: str, refusal: AppError) -> Answer:
    db.session.rollback()
    return _page(_received(number), tab, problems_of(refusal)), code_of(refusal)


# Remarks


def _remarks(application: Application) -> list[Remark]:
    """Return every remark on the application, those of colleagues that are not sent yet too."""
    sent = [remark for bundle in bundles.of(application) for remark in bundle.remarks]
    return [*bundles.waiting(application), *(row for row in sent if row.state != "reopened")]


def _who_sends(application: Application) -> str:
    """Return who sends the remarks from here, to those who do not: the holder, or the role; nothing where none may."""
    procedure = queries.procedure(application)
    way = next(
        (
            each
            for each in procedure.transitions
            if each.source == application.process and "publish_remarks" in each.effects
        ),
        None,
    )
    if way is None:
        return ""
    return ", ".join(moves.executor_words(application, (way.by,), here.language(), reader=current_user))


def _remarks_tab(application: Application) -> dict[str, Any]:
    waiting, now = bundles.waiting(application), here.now()
    sending: list[dict[str, Any]] = [
        {"offer": offer, "words": frame.offer_words(offer), "unheeded": [], "is_quoted": False}
        for offer in frame.offers_for(application, current_user)
        if "publish_remarks" in offer.transition.effects
    ]
    term = bundles.term_of_next(application, now=now)
    may_write = approval.commenting_kind(application, current_user) == "remark"
    return {
        "waiting": [_remark(application, row) for row in waiting],
        "sending": [item for item in sending if not item["offer"].transition.stage],
        "sending_stage": next((item for item in sending if item["offer"].transition.stage), None),
        "sent_by": "" if sending else _who_sends(application),
        "term": term,
        "next_number": bundles.count(application) + 1,
        "may_write": may_write,
        "places": _places(application) if may_write else [],
        "prefilled": _prefilled(application),
        "bundles": [
            {"bundle": bundle, "remarks": [_remark(application, row) for row in bundle.remarks]}
            for bundle in bundles.of(application)
        ],
    }


def _remark(application: Application, row: Remark) -> dict[str, Any]:
    may_settle = approval.may_settle(application, row, current_user)
    return {
        "row": row,
        "view": comment_view(row),
        "label": row.labels.get(here.language()) or word("obj.field"),
        "anchor": f"f-{row.place}",
        "is_own": row.by_id == current_user.id and row.published_at is None,
        "may_resolve": may_settle and row.is_unsettled,
        "may_reopen": may_settle and row.state in ("answered", "resolved"),
    }


def _places(application: Application) -> list[tuple[str, str]]:
    version = versions.on_the_table(application, user=current_user)
    found = [(WHOLE, word("rounds.whole"))]
    if version is None:
        return found
    [answers] = versions.values(application, [version])
    for stage in queries.applicant_stages(application):
        of_stage = places.of_stage(application, stage, answers.get(stage, {}), version.forms)
        found += [(place.name, place.label(here.language())) for place in of_stage]
    return found


def _prefilled(application: Application) -> dict[str, str]:
    """Return the place and the words of a remark that is to be made of a criterion (``?criterion=``)."""
    key = request.args.get("criterion", "")
    ruling = next((each for each in criteria.rulings(application) if each.key == key), None) if key else None
    if ruling is None:
        return {"place": request.args.get("place", ""), "words": ""}
    # The remark is read by the applicant: it speaks the language of the application's documents.
    language = application.language if application.language in LANGUAGES else here.language()
    judged = ruling.judged
    shown = [*judged.data, *([judged.threshold] if judged.threshold else [])]
    data = "; ".join(f"{each.field.label[language]} – {each.text(language) or '—'}" for each in shown)
    criterion = judged.criterion
    title, norm = criterion.title[language], criterion.norm[language]
    words = say("review.remarks.of_criterion", language, title=title, norm=norm, data=data)
    return {"place": ruling.place, "words": words}


@blueprint.post("/applications/<number>/panel/remarks")
@allowed(Permission.PROCESS)
def act_on_remarks(number: str) -> Answer:
    application = _received(number, for_update=True)
    now, by, form = here.now(), current_user, request.form
    resolved, reopened = (whole_number(form.get(name)) for name in ("resolve", "reopen"))
    try:
        if resolved is not None:
            approval.resolve(application, resolved, by=by, now=now)
        elif reopened is not None:
            approval.reopen(application, reopened, form.get(f"why-{reopened}", ""), by=by, now=now)
        elif "back" in form:
            approval.comment(application, by=by, comments={form["back"]: ""}, now=now)
        else:
            place, said = form.get("place", ""), form.get("remark", "")
            if not said.strip():
                raise Invalid.at("remark", "err.required", field=word("review.remarks.words"))
            approval.comment(application, by=by, comments={place: said}, now=now)
    except (Conflict, Invalid) as refusal:
        return _refused(number, "remarks", refusal)
    flash(word("msg.saved"), "success")
    settled = resolved or reopened
    return redirect(_address(application, "remarks", _anchor=f"remark-{settled}" if settled else None), code=303)


# The conclusion


def _conclusion(application: Application) -> dict[str, Any]:
    form = concluding.form_of(application)
    if form is None:
        return {"has_conclusion": False}
    language, newest = here.language(), queries.latest(application, concluding.STAGE)
    values = newest.values.get(form.key, {}) if newest else {}
    recommended = next((asked for asked in form.fields if asked.key == concluding.RECOMMENDATION), None)
    draft = concluding.compose(application)
    value = values.get(concluding.RECOMMENDATION)
    may_draft = concluding.may_draft(application, current_user)
    differing = criteria.disagreement(application, value or draft.recommendation)

    def words(chosen: str | None) -> str:
        return recommended.text(chosen, language) if recommended is not None and chosen else ""

    standing = queries.position(application)
    return {
        "has_conclusion": True,
        "is_here": concluding.is_here(application),
        "may_draft": may_draft,
        "may_return": concluding.may_return(application, current_user),
        "text": values.get(concluding.TEXT) or {},
        "recommendation": words(value),
        "suggested": words(draft.recommendation),
        "draft": draft.text,
        "revision": newest.revision if newest else 0,
        "saved": newest,
        "is_sent": concluding.is_here(application) and standing.status(concluding.STAGE).is_done,
        "differing": word(differing[0], n=differing[1]) if differing else "",
        "arguments": criteria.notes(application, "argued"),
        "returns": criteria.notes(application, "returned"),
        "edit_href": url_for(".stage_page", number=application.number, stage=concluding.STAGE),
        "approve_href": url_for(".stage_page", number=application.number, stage=concluding.APPROVAL),
    }


@blueprint.post("/applications/<number>/panel/conclusion")
@allowed(Permission.PROCESS)
def act_on_conclusion(number: str) -> Answer:
    application = _received(number, for_update=True)
    now, by, form = here.now(), current_user, request.form
    said = "msg.saved"
    try:
        if "argue" in form:
            concluding.argue(application, form.get("argument", ""), by=by, now=now)
        elif "return" in form:
            words = form.get("return-words", "")
            concluding.return_draft(application, words, seen=frame.seen(), by=by, now=now)
            said = "history.return_conclusion"
        else:
            seen = whole_number(form.get("revision")) or 0
            concluding.write_draft(application, seen=seen, replace=bool(form.get("replace")), by=by, now=now)
            said = "review.conclusion.drafted"
    except (Conflict, Invalid) as refusal:
        return _refused(number, "conclusion", refusal)
    flash(word(said), "success")
    return redirect(_address(application, "conclusion"), code=303)


def _nothing_more(application: Application) -> dict[str, Any]:
    """The checklist is on every tab's page already."""
    return {}


_TAB = {
    "formal": _formal,
    "criteria": _criteria,
    "remarks": _remarks_tab,
    "conclusion": _conclusion,
    "documents": _nothing_more,
}
