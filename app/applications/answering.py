"""The answers of a stage: what was typed is read into them, saved, and finished.

Source: user manual, paragraphs 14.1 and 14.2; readings A17 to A20.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from app.accounts.models import User
from app.applications import (
    attachments,
    composing,
    criteria,
    effects,
    facts,
    formal,
    merging,
    moves,
    queries,
    summary,
)
from app.applications.merging import Act, Typed, Values, forms
from app.applications.models import Answers, Application
from app.errors import Conflict, Invalid, Problem
from app.forms.definitions import DynamicForm, Form
from app.forms.merge import Change, Clash
from app.forms.outline import SAME, Asked, leaves
from app.forms.reading import Choices, Parsed
from app.letter_templates import left_empty
from app.notifications import operations as notifications
from app.organisations import queries as organisations
from app.permissions import EXECUTOR_ROLES
from app.terms import DEFAULT_LANGUAGE
from app.web.templating import ZONE, date_time_text
from app.workflows.guards import Position, StageStatus
from app.workflows.parts import StageKind

__all__ = ["StageConflict", "Typed", "Values", "autosave", "forms", "read", "save", "store"]

MOST_AUTOSAVES = 120
"""How often in a minute one person's page may save a stage by itself; a page does it once in two seconds."""


class TooOften(Conflict):
    """So many saves in so short a time are no person's."""


class StageConflict(Conflict):
    """The same was changed meanwhile: ``clashes`` say what, ``theirs`` is what stands now.

    Without clashes: the act was decided on the whole stage as it stood, and it stands so no more.
    ``by`` is the person who is refused: what stands may be his own, from another window.
    """

    def __init__(self, theirs: Answers, clashes: Sequence[Clash] = (), *, by: User) -> None:
        time = date_time_text(theirs.at)
        if theirs.by_id == by.id:
            super().__init__("answers.err.conflict_own", time=time)
        else:
            super().__init__("app.err.stage_conflict", user=theirs.by.name, time=time)
        self.theirs = theirs
        self.clashes = tuple(clashes)


def simple_forms(application: Application, stage: str) -> list[Form]:
    """Return the simple forms of a stage."""
    return [form for form in forms(application, stage) if isinstance(form, Form)]


def choices(application: Application, language: str = DEFAULT_LANGUAGE) -> dict[str, list[tuple[str, str]]]:
    """Return the options that a form leaves to the room, by the source's name (IS2IN-14.g)."""
    employees = organisations.adviser_employees(application.organisation, procedure=queries.procedure(application).key)
    return {"partner_advisers": [(str(user.id), summary.person_words(user, language)) for user in employees]}


def require_stage(application: Application, stage: str, by: User, *, takes: bool = True) -> None:
    """Refuse what is not a form stage of the present process, or not this user's; ``takes`` as elsewhere in moves."""
    procedure = queries.procedure(application)
    process = procedure.processes[application.process]
    if stage not in process.stages or procedure.stages[stage].kind not in (StageKind.FILL, StageKind.WORK):
        raise Conflict("app.err.stage_not_here")
    moves.require_executor(application, by, procedure.executor_of(stage, process.key), takes=takes)


def read(
    application: Application, stage: str, typed: Typed, *, by: User, now: datetime, act: Act | None = None
) -> Values:
    """Return the stage's values with what was typed put in; what cannot be read stands beside them as texts.

    What others have saved since ``typed.seen`` is merged.  ``act``: what is done to rows or entries
    that the page showed (removed, moved): done to what was on the screen, so that it meets what others
    did to them.

    Raises:
        StageConflict: somebody else changed the same since ``typed.seen``.
        Invalid: a file will not do.
    """
    newest = queries.latest(application, stage)
    found = merging.merged(application, stage, typed, choices=choices(application), by=by, newest=newest, act=act)
    if found.clashes and newest is not None:
        raise StageConflict(newest, found.clashes, by=by)
    values = found.values
    for form in forms(application, stage):
        answers = attachments.put_in(application, stage, form, values[form.key], typed, by=by, now=now)
        values[form.key] = form.settled(answers)
    values.unread = merging.standing_texts(values.unread, values, values)
    return values


def unreadable(
    application: Application, stage: str, values: Values, came: Collection[str] | None = None
) -> list[Problem]:
    """Return what is wrong with the texts that are no values yet: all that are asked for, or those that ``came``."""
    given = choices(application)
    return [each for form in forms(application, stage) for each in faults(form, values, given, came).problems]


def faults_of(application: Application, stage: str, values: Values, *, now: datetime) -> list[Problem]:
    """Return everything for which «Дайын» refuses a stage: texts that cannot be read, gaps, broken rules."""
    given = choices(application)
    problems: list[Problem] = []
    for form in forms(application, stage):
        problems += faults(form, values, given).and_judged(_judged(form, values))
    return problems or _rules(application, stage, values, now)


def _judged(form: Form | DynamicForm, values: Values) -> Iterator[Problem]:
    """Yield what the form finds; of entries that say the same only those that say so as they are shown."""
    shown = merging.readable(form, values)
    same = None if shown is values.get(form.key) else {each.path for each in form.check(shown) if each.key == SAME}
    for problem in form.check(values.get(form.key, {})):
        if problem.key != SAME or same is None or problem.path in same:
            yield problem


def faults(form: Form | DynamicForm, values: Values, given: Choices, came: Collection[str] | None = None) -> Parsed:
    """Return what is wrong with the texts that are no values yet: all that are asked for, or those that ``came``."""
    texts = {name: [text] for found in values.unread.values() for name, text in found.items()}
    if not texts:
        return Parsed()
    half = merging.parse(form, texts, values.get(form.key, {}), given)
    if came is None:
        came = merging.fields_in(name for asked in _asked(form, values) for name in asked.field.paths(asked.prefix))
    told = [problem for problem in half.problems if problem.path in came]
    return replace(half, problems=tuple(told))


def _asked(form: Form | DynamicForm, values: Values) -> Iterator[Asked]:
    if isinstance(form, Form):
        yield from leaves(form.outline(values.get(form.key, {})))
        return
    for _, parts in form.outline(values.get(form.key, {})):
        yield from leaves(parts)


def gaps(application: Application, stage: str, values: Mapping[str, Any]) -> list[Problem]:
    """Return what still keeps a stage from being done, as notes."""
    return [found for form in forms(application, stage) for found in form.gaps(values.get(form.key, {}))]


def save(application: Application, stage: str, typed: Typed, *, by: User, done: bool, now: datetime) -> Answers:
    """Store a stage's answers: «Сақтау» as they are, «Дайын» only after every check; return what stands.

    What cannot be read is kept as a text beside the answers, for the page to show as a fault.

    Raises:
        StageConflict: somebody else changed the same since ``typed.seen``; nothing is stored.
        Invalid: a file will not do; for «Дайын» everything that is missing or wrong.
        NotPermitted, Conflict: the stage is not this user's, or not open.
    Source: user manual, paragraphs 14.1 and 14.2; readings A17, A20.
    """
    require_stage(application, stage, by)
    if done:
        problems = finish(application, stage, typed, by=by, now=now)
        if problems:
            raise Invalid(problems=problems)
    else:
        values = read(application, stage, typed, by=by, now=now)
        store(application, stage, values, act="save", by=by, now=now, key=typed.key)
    row = queries.latest(application, stage)
    assert row is not None  # it has just been stored
    return row


def finish(application: Application, stage: str, typed: Typed, *, by: User, now: datetime) -> list[Problem]:
    """Store a stage's answers and mark it as filled; return what keeps it from being so.

    Where something does, the answers and the files that came are kept as by «Сақтау».

    Raises:
        StageConflict, Invalid, NotPermitted, Conflict: as for ``save``; nothing is stored.
    """
    require_stage(application, stage, by)
    values = read(application, stage, typed, by=by, now=now)
    problems = faults_of(application, stage, values, now=now)
    if problems:
        _keep(application, stage, values, typed, by=by, now=now)
        return problems
    procedure, known = queries.procedure(application), facts.of(application)
    begun = procedure.save(queries.position(application), stage, known)
    effects.save_answers(application, stage, dict(values), by=by, now=now, unread=values.unread, key=typed.key)
    after = procedure.finish(begun, stage, known)
    _choose_adviser(application, stage, values, now=now)
    moves.stand_at(application, after, act="finish", by=by, now=now, stage=stage, also=_meeting(values))
    _call_next(application, begun, stage, by=by, now=now)
    return []


def _call_next(application: Application, before: Position, stage: str, *, by: User, now: datetime) -> None:
    """Tell the people of the Exchange whose stage has opened by this one being finished: it is their turn now."""
    procedure, known = queries.procedure(application), facts.of(application)
    opened = set(procedure.open_stages(queries.position(application), known)) - set(
        procedure.open_stages(before, known)
    )
    waiting = {procedure.executor_of(each, application.process) for each in opened}
    own = procedure.executor_of(stage, application.process)
    moves.tell(application, sorted((waiting & EXECUTOR_ROLES.keys()) - {own}), now=now, besides=by)


def keep(application: Application, stage: str, typed: Typed, *, by: User, now: datetime) -> None:
    """Store what was typed beside an act that was refused, as «Сақтау» would, but for its files.

    Raises:
        StageConflict, NotPermitted, Conflict: as for ``save``.
    """
    require_stage(application, stage, by)
    alone = replace(typed, uploads={}, removals=frozenset())
    _keep(application, stage, read(application, stage, alone, by=by, now=now), typed, by=by, now=now)


def _keep(application: Application, stage: str, values: Values, typed: Typed, *, by: User, now: datetime) -> None:
    """Store the values, unless they were kept already, or nothing was typed: what comes again adds nothing."""
    newest = queries.latest(application, stage)
    if newest is None and values == read(application, stage, Typed({}), by=by, now=now) and not values.unread:
        return
    is_begun = queries.position(application).status(stage) is StageStatus.FILLING
    if newest is not None and _says(newest, values) and not newest.is_autosaved and is_begun:
        return
    store(application, stage, values, act="save", by=by, now=now, key=typed.key)


def _says(row: Answers, values: Values) -> bool:
    return (row.values, row.unread) == (values, values.unread)


def _rules(application: Application, stage: str, values: Mapping[str, Any], now: datetime) -> list[Problem]:
    """Return what a finished stage says against what is known without it."""
    problems = []
    given = {key: value for form in values.values() for key, value in form.items()}
    if queries.procedure(application).stages[stage].kind is StageKind.FILL:
        bin_ = given.get("bin")
        if bin_ is not None and bin_ != application.organisation.bin:
            problems.append(Problem("bin", "app.err.bin_other", {"bin": application.organisation.bin}))
    meeting = given.get("meeting_date")
    if meeting is not None and meeting < now.astimezone(ZONE).date().isoformat():
        problems.append(Problem("meeting_date", "app.err.meeting_past"))
    return problems + _left_open(application, stage, given) + _rules_of_review(application, stage, given)


def _left_open(application: Application, stage: str, given: Mapping[str, Any]) -> list[Problem]:
    """Return the places in the text of an Exchange's paper that nobody has filled in, each at its field."""
    if composing.kind_of(application, stage) is None:
        return []
    return [
        Problem(f"{key}-{language}", "letter.err.empty_fact", {"fact": composing.fact_name(name)})
        for key in ("subject", "text", "conclusion_text")
        for language, text in (given.get(key) or {}).items()
        for name in left_empty(str(text))
    ]


def _rules_of_review(application: Application, stage: str, given: Mapping[str, Any]) -> list[Problem]:
    """Return what the Exchange's own work says against what is known: gaps taken as none, verdicts not heeded."""
    asked = {item.key for form in simple_forms(application, stage) for item in form.fields}
    if "despite_reason" in asked and given.get("verdict") == "complete" and not given.get("despite_reason"):
        gaps = formal.check(application).count
        if gaps:
            return [Problem("despite_reason", "review.err.incomplete", {"n": gaps})]
    recommendation = given.get("recommendation")
    if "approval_note" in asked:
        concluded = facts.of(application).answers.get("conclusion", {})
        recommendation = concluded.get("recommendation")
    if recommendation is None or queries.procedure(application).stages[stage].kind is not StageKind.WORK:
        return []
    differing = criteria.disagreement(application, str(recommendation))
    if differing is None:
        return []
    key, count = differing
    return [Problem("recommendation" if "recommendation" in asked else "approval_note", key, {"n": count})]


def _meeting(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the date of the meeting for the application's row: from then on nothing is withdrawn (IS2IN-26.b; A28)."""
    dates = [form["meeting_date"] for form in values.values() if form.get("meeting_date")]
    return {"meeting_at": dates[-1]} if dates else {}


def call_advisers(application: Application, *, now: datetime) -> None:
    """Call the advisers chosen while the Exchange's people entered an application, now that it is the client's."""
    position = queries.position(application)
    for stage, row in queries.answers(application).items():
        if position.status(stage).is_done:
            _choose_adviser(application, stage, row.values, now=now)


def _choose_adviser(application: Application, stage: str, values: Mapping[str, Any], *, now: datetime) -> None:
    """Make the chosen adviser executor, and tell him by mail and in the cabinet (IS2IN-14.h).

    Not while the Exchange's people enter it for somebody: till it is his, no partner of his knows of it.
    """
    if queries.is_being_entered(application):
        return
    for form in simple_forms(application, stage):
        for item in form.fields:
            chosen = values.get(form.key, {}).get(item.key)
            if item.source != "partner_advisers" or not chosen:
                continue
            key = queries.procedure(application).key
            known = organisations.adviser_employees(application.organisation, procedure=key)
            adviser = next((user for user in known if str(user.id) == chosen), None)
            if adviser is None or adviser in queries.assigned(application, "adviser"):
                continue
            effects.assign(application, adviser, "adviser", now=now)
            notifications.notify(
                [adviser],
                "notice.adviser_chosen",
                about=moves.about(application),
                params={"company": application.organisation.names},
                action_required=True,
                now=now,
            )


def store(
    application: Application,
    stage: str,
    values: Mapping[str, Any],
    *,
    act: str,
    by: User,
    now: datetime,
    words: str = "",
    taken: Mapping[str, Any] | None = None,
    key: str | None = None,
) -> None:
    """Keep the stage's values and stand where a saved stage stands, with the history row `act`.

    Texts that are no values yet stay as ``Values`` has them, else where no value was put there.
    ``taken``, ``key``: as for ``effects.save_answers``.
    """
    after = queries.procedure(application).save(queries.position(application), stage, facts.of(application))
    unread = values.unread if isinstance(values, Values) else None
    effects.save_answers(application, stage, dict(values), by=by, now=now, unread=unread, taken=taken, key=key)
    moves.stand_at(application, after, act=act, by=by, now=now, stage=stage, words=words)


def act_on(
    application: Application,
    stage: str,
    key: str,
    verb: Callable[[Mapping[str, Any]], dict[str, Any]],
    typed: Typed,
    *,
    act: str,
    by: User,
    now: datetime,
) -> None:
    """Do something to a form's answers as they were on the screen, so that it meets what others did to them.

    Raises:
        Invalid: the act will not do, or a file.
        StageConflict: as for ``save``.
    """
    values = read(
        application, stage, typed, by=by, now=now, act=lambda standing: {**standing, key: verb(standing[key])}
    )
    store(application, stage, values, act=act, by=by, now=now, key=typed.key)


def keep_undisputed(application: Application, stage: str, typed: Typed, *, by: User, now: datetime) -> Answers | None:
    """Store what nobody disputes of a save that ended in a ``StageConflict``; return what stands now.

    New files wait with the rest for the person's choice.

    Raises:
        NotPermitted, Conflict: the stage is not this user's, or not open.
    """
    require_stage(application, stage, by)
    newest = queries.latest(application, stage)
    found = merging.merged(application, stage, typed, choices=choices(application), by=by, newest=newest)
    found.values.unread = merging.standing_texts(found.values.unread, found.values, found.values)
    if newest is not None and _says(newest, found.values):
        return newest
    store(application, stage, found.values, act="save", by=by, now=now)
    return queries.latest(application, stage)


@dataclass(frozen=True)
class Autosaved:
    """What came of a save that the page made by itself.

    ``row`` is what stands now (None: nothing has ever been kept), ``since`` the revision the page
    began with; ``mine``, ``theirs`` and ``clashes`` as ``app.forms.merge.Merged`` has them; ``faults``
    of the texts that are no values yet.
    """

    row: Answers | None
    since: int
    values: Values
    mine: tuple[Change, ...]
    theirs: tuple[Change, ...]
    clashes: tuple[Clash, ...]
    faults: tuple[Problem, ...]


def autosave(application: Application, stage: str, typed: Typed, *, key: str, by: User, now: datetime) -> Autosaved:
    """Store what was typed since the page last sent it; nothing else changes, and nobody is told.

    Only what came is touched: files are not, and what both sides changed stands as it stands until
    somebody chooses.  The same ``key`` coming again finds what it did the first time.

    Raises:
        NotPermitted, Conflict: the stage is not this user's, or not open.
        TooOften: the page is out of its mind.
    """
    newest = queries.latest(application, stage)
    row = next(iter(merging.marked(application, stage, {key}, by)), None)
    if row is not None:
        newest = merging.revision(application, stage, row.revision - 1)
    else:
        require_stage(application, stage, by)
        queries.procedure(application).save(queries.position(application), stage, facts.of(application))
    if row is None and merging.autosaves(application, stage, by, since=now - timedelta(minutes=1)) >= MOST_AUTOSAVES:
        raise TooOften("answers.err.too_often")
    found = merging.merged(application, stage, typed, choices=choices(application), by=by, newest=newest)
    if row is None:
        row = newest
        if found.mine:
            row = effects.save_answers(
                application,
                stage,
                dict(found.values),
                by=by,
                now=now,
                unread=found.values.unread,
                key=key,
                is_autosaved=True,
            )
    told = unreadable(application, stage, found.values, merging.fields_in(typed.raw))
    return Autosaved(row, typed.seen, found.values, found.mine, found.theirs, found.clashes, tuple(told))
