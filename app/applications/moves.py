"""The one way an application changes where it stands: rows, history, audit and messages together.

Whatever moves an application goes through ``stand_at`` or ``fire``; so a position never changes
without its history row, and two people at once get a conflict, never half of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import bindparam, insert, update
from sqlalchemy.orm.attributes import set_committed_value

from app import bilingual, db
from app.accounts.models import User
from app.applications import addressees, clocks, conditions, effects, facts, holders, queries, taking
from app.applications.models import Application, Assignment, History, Letter, PaperIntake
from app.audit import operations as audit
from app.bilingual import Texts
from app.errors import Conflict, Invalid, NotPermitted, Term
from app.notifications import operations as notifications
from app.organisations import queries as organisations
from app.organisations.models import ActingHead
from app.permissions import EXECUTOR_ROLES
from app.statements import Statement
from app.terms import LANGUAGES, say
from app.web import here
from app.web.templating import date_text, date_time_text
from app.workflows.guards import APPLICANT, Position
from app.workflows.parts import Transition

LONGEST_REASON = 4000
"""How many characters a reason may have, in each language."""

AUTHORISED = "listing_head"
"""Who signs the letters that no stage of a procedure gives to somebody."""

_APPLICATION = db.table_of(Application)
_ADD_HISTORY = Statement(
    insert(db.table_of(History)),
    ("application_id", "at", "by_id", "act", "stage", "source", "target", "words", "texts", "for_id"),
)


@cache
def _move(columns: frozenset[str]) -> Statement:
    """Return the update of these columns, if the row is still as it was seen."""
    unchanged = (_APPLICATION.c.id == bindparam("ident"), _APPLICATION.c.version == bindparam("seen"))
    return Statement(update(_APPLICATION).where(*unchanged), sorted(columns))


def stand_at(
    application: Application,
    position: Position,
    *,
    act: str,
    by: User | None,
    now: datetime,
    stage: str = "",
    words: str | Texts = "",
    also: Mapping[str, object] = MappingProxyType({}),
    also_told: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Store a new position, and ``also`` these columns of the application, with the history and audit rows.

    ``by`` None: the system itself.  ``also_told``: what the audit says besides.

    Raises:
        Conflict: another transaction has moved the application meanwhile.
    """
    position = queries.procedure(application).settled(position, facts.of(application))
    source = application.process
    moved = position.process != source
    absent = _absent(application, stage, by, now)
    changed = {**also, **position.to_dict(), "entered_at": now if moved else application.entered_at}
    if any(getattr(application, name) != value for name, value in changed.items()):
        changed["version"] = application.version + 1
        seen = {"ident": application.id, "seen": application.version}
        if _move(frozenset(changed)).run(seen | changed) != 1:
            raise Conflict("app.err.moved", number=application.number)
        for name, value in changed.items():
            set_committed_value(application, name, value)
    target = position.process if moved else ""
    said = {"stage": stage, "source": source, "target": target}
    note(application, act, **said, words=words, by=by, absent=absent, also_told=also_told, now=now)
    if moved:
        taking.settle(application, source, now=now)


def note(
    application: Application,
    act: str,
    *,
    by: User | None,
    now: datetime,
    stage: str = "",
    source: str = "",
    target: str = "",
    words: str | Texts = "",
    absent: User | None = None,
    also_told: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Add an act to the history and the audit; by itself it moves nothing.

    ``absent`` is the colleague for whom ``by`` acts as his substitute.
    """
    by_id = by.id if by else None
    row = {"at": now, "by_id": by_id, "act": act, "stage": stage, "source": source, "target": target}
    said = {
        "words": bilingual.said(words, application.language),
        "texts": None if isinstance(words, str) else dict(words),
    }
    _ADD_HISTORY.run({"application_id": application.id, **row, **said, "for_id": absent.id if absent else None})
    behalf = {"on_behalf_of": absent.id} if absent else {}
    audit.record(
        act, f"application {application.number}", by=by_id, at=now, stage=stage, target=target, **behalf, **also_told
    )


def touch(application: Application) -> None:
    """Let the version grow by an act that leaves the position as it is, so that two people at once get a conflict.

    Raises:
        Conflict: another transaction has moved the application meanwhile.
    """
    changed = {"version": application.version + 1}
    seen = {"ident": application.id, "seen": application.version}
    if _move(frozenset(changed)).run(seen | changed) != 1:
        raise Conflict("app.err.moved", number=application.number)
    set_committed_value(application, "version", changed["version"])


def _absent(application: Application, stage: str, by: User | None, now: datetime) -> User | None:
    """Return the colleague for whom ``by`` acts as his substitute, None if for himself or for the organisation."""
    if by is None:
        return None
    procedure = queries.procedure(application)
    process = procedure.processes[application.process]
    executor = procedure.executor_of(stage, process.key) if stage in process.stages else process.executor
    if executor == "first_head":
        return _acted_for_head(application, by, now=now)
    if not by.is_exchange:
        return None
    return holders.acted_for(application, by, executor or "", now=now)


def _acted_for_head(application: Application, by: User, *, now: datetime) -> User | None:
    """Return the first head for whom ``by`` acts; from this act on he may read the application for good (A11)."""
    head = queries.acting_for(by, now=now)
    own = application.organisation_id
    known = any(row.user_id == by.id and row.organisation_id == own for row in application.assignments)
    if head is not None and not known:
        row = Assignment(user=by, organisation_id=own, executor="acting_head", at=now, is_current=True)
        application.assignments.append(row)
        db.session.flush()
    return head


def require_executor(
    application: Application, user: User, executor: str, *, now: datetime | None = None, takes: bool = True
) -> None:
    """Refuse an act of somebody who is not its executor now; what nobody has taken out of a queue he takes by it.

    ``takes`` false: only ask.

    Raises:
        NotPermitted: names who is.
        Held: a colleague of the same role holds it.
    """
    role = EXECUTOR_ROLES.get(executor)
    if role is None and queries.acts_as(application, user, executor, now=now):
        return
    if executor == "first_head":
        _require_still_acting(application, user, now=now or here.now())
    if role is None or role not in user.roles:
        raise NotPermitted("app.err.not_executor", who=Term(f"workflow.executor.{executor}"))
    now = now or here.now()
    held = holders.holding(application, executor)
    if held is not None and not holders.may_act(application, user, executor, now=now):
        raise taking.Held(held)
    if held is None and takes:
        taking.take(application, executor, by=user, now=now)


def is_quoted(transition: Transition) -> bool:
    """Tell whether the reason of a transition is the Exchange's own and stands in a letter: it is given in both
    languages then.  What an applicant says is quoted as he said it.
    """
    writes = any(name in effects.LETTERS for name in transition.effects)
    return transition.reason_required and transition.by in EXECUTOR_ROLES and writes


def _require_still_acting(application: Application, user: User, *, now: datetime) -> None:
    """Tell whoever acted for the first head that his time is over.

    Raises:
        NotPermitted: says since when.
    """
    if user.organisation is not application.organisation or user.membership is None:
        return
    own = user.membership.organisation_id
    past = [row.over_at for row in user.membership.actings if row.organisation_id == own and row.over_at <= now]
    if past and not user.membership.is_first_head:
        raise NotPermitted("acting.err.over", until=date_time_text(max(past)))


def fire(
    application: Application, trigger: str, *, by: User, seen: int, now: datetime, words: str | Texts = ""
) -> Transition:
    """Take the transition ``trigger``: check, move, carry out its effects, tell whom it concerns.

    ``seen`` is the version on the screen; ``words`` the reason, where one is asked: in both languages where a
    letter quotes it (``is_quoted``).

    Raises:
        Conflict: the application has moved, the transition does not begin here, a guard refuses it, or
            a term is over after which the system moves it.
        NotPermitted: ``by`` is not the executor who may take it.
        Invalid: a reason is asked and none was given, or not in both languages, or it is too long.
    """
    application.require_version(seen)
    entered = queries.entering(application) if trigger != "delete" else None
    if entered is not None:
        raise Conflict("paper.err.only_enter" if isinstance(entered, PaperIntake) else "assisted.err.only_offer")
    if trigger == "delete" and queries.is_duty(application):
        raise Conflict("app.err.duty")
    procedure = queries.procedure(application)
    offered = [item for item in procedure.transitions if item.trigger == trigger]
    here = [item for item in offered if item.source == application.process]
    for transition in (here or offered)[:1]:
        require_executor(application, by, transition.by, now=now)
        if transition.reason_required:
            _require_reason(transition, words)
    clocks.require_time(application, now=now)
    return _take(application, trigger, by=by, now=now, words=words.strip() if isinstance(words, str) else words)


def _require_reason(transition: Transition, words: str | Texts) -> None:
    if is_quoted(transition):
        texts = {} if isinstance(words, str) else words
        keys = {"missing": "err.reason_required", "long": "app.err.comment_long"}
        problems = bilingual.faults(texts, "reason", **keys, most=LONGEST_REASON)
        if problems:
            raise Invalid(problems=problems)
    elif isinstance(words, str) and not words.strip():
        raise Invalid.at("reason", "err.reason_required")


def fire_by_system(application: Application, trigger: str, *, now: datetime) -> Transition:
    """Take a timer's transition, as ``fire`` does; its history row names nobody.

    Raises:
        Conflict: the transition does not begin here, or another transaction has moved the application.
    """
    return _take(application, trigger, by=None, now=now)


def _take(
    application: Application, trigger: str, *, by: User | None, now: datetime, words: str | Texts = ""
) -> Transition:
    fired = queries.procedure(application).fire(queries.position(application), trigger, facts.of(application))
    taken = fired.transition
    for table, row in conditions.decide(application, taken, now=now):
        note(application, conditions.DECIDE, stage=table, words=row, by=by, now=now)
    also: dict[str, object] = {}
    for name in taken.effects:
        also.update(effects.carry_out(name, application, by=by, words=words, now=now))
    stand_at(application, fired.position, act=trigger, by=by, now=now, words=words, also=also)
    tell(application, taken.notify, now=now, besides=by, news=_news(application, taken))
    if by is not None and any(name in effects.LETTERS for name in taken.effects):
        call_to_sign(application, AUTHORISED, now=now, besides=by)
    return taken


def _news(application: Application, taken: Transition) -> notifications.Message | None:
    """Return what is said of a transition instead of where it leads: of a meeting that is appointed its date."""
    if "record_meeting" not in taken.effects:
        return None
    has_withdrawal = queries.procedure(application).started_by is None
    key = "notice.meeting_appointed" if has_withdrawal else "notice.meeting_set"
    params = {"number": application.number, "date": date_text(application.meeting_at)}
    return notifications.Message(key, params)


def tell(
    application: Application,
    executors: Sequence[str],
    *,
    now: datetime,
    besides: User | None = None,
    news: notifications.Message | None = None,
) -> None:
    """Tell the people who are ``executors`` where the application stands and whether they must act; each once.

    ``news`` is said instead to those who need not act.
    """
    process = queries.procedure(application).processes[application.process]
    params = {"process": process.title.model_dump(), "number": application.number}
    news = news or notifications.Message("notice.moved", params)
    call = notifications.Message("notice.your_action", params, action_required=True)
    acting = queries.current_executors(application)
    around = addressees.around(application)
    told: dict[notifications.Addressee, notifications.Message] = {}
    for executor in executors:
        for person in around.get(executor, ()):
            if executor in acting:
                told[person] = call
            elif besides is None or person.id != besides.id:
                told.setdefault(person, news)
    notifications.post(told.items(), about=_about(application, acting, around), now=now)


def call_to_sign(application: Application, executor: str, *, now: datetime, besides: User) -> None:
    """Tell the authorised person that a paper of the Exchange waits for a signature."""
    message = notifications.Message("notice.letter_waits", {"number": application.number}, action_required=True)
    people = [person for person in addressees.around(application).get(executor, ()) if person.id != besides.id]
    notifications.post([(person, message) for person in people], about=about(application), now=now)


def tell_of_letter(letter: Letter, *, now: datetime) -> None:
    """Tell those who answer for the organisation that a letter of the Exchange is there for them."""
    around = addressees.around(letter.application)
    people = {each.id: each for executor in ("author", "respondent", "first_head") for each in around.get(executor, ())}
    staff = {each.id for executor in EXECUTOR_ROLES for each in around.get(executor, ())}
    subject = letter.words["subject"]
    params = {"number": letter.number, "subject": bilingual.everywhere(subject)}
    message = notifications.Message("notice.letter", params)
    found = [(person, message) for ident, person in people.items() if ident not in staff]
    notifications.post(found, about=about(letter.application), now=now)


def tell_applicant(application: Application, message: notifications.Message, *, now: datetime) -> None:
    """Tell the applicant's people, each once."""
    around = addressees.around(application)
    people = {person for executor in APPLICANT for person in around.get(executor, ())}
    told = [(person, message) for person in sorted(people, key=lambda each: each.id)]
    notifications.post(told, about=about(application), now=now)


def about(application: Application) -> notifications.About:
    """Return what a message says of the application: procedure, present executor, author (IS2IN-8.1)."""
    return _about(application, queries.current_executors(application), addressees.around(application))


def _about(
    application: Application, executors: Sequence[str], around: Mapping[str, Sequence[notifications.Addressee]]
) -> notifications.About:
    names = {key: [person.name for person in people] for key, people in around.items() if key not in EXECUTOR_ROLES}
    acting = organisations.acting_head(application.organisation) if "first_head" in names else None

    def said(language: str) -> str:
        return ", ".join(_words(executors, _with_both(names, acting, language), language)) or "—"

    return notifications.About(
        number=application.number,
        url=effects.url(application),
        procedure=queries.procedure(application).title.model_dump(),
        executor={language: said(language) for language in LANGUAGES},
        author=around["author"][0].name,
        company=application.organisation.names,
    )


def executor_words(
    application: Application, executors: tuple[str, ...], language: str, *, reader: User | None = None
) -> list[str]:
    """Return who acts now in words: the person's name, or the role at the Exchange.

    To a ``reader`` of the Exchange the role's holder is named too.
    """
    names = {
        executor: [user.name for user in queries.executor_people(application, executor)]
        for executor in executors
        if executor not in EXECUTOR_ROLES
    }
    if reader is not None and reader.is_exchange:
        for row in application.holdings:
            if row.executor in executors:
                role = say(f"workflow.executor.{row.executor}", language)
                names[row.executor] = [say("queues.role_holder", language, role=role, user=row.user.name)]
    acting = organisations.acting_head(application.organisation) if names.get("first_head") else None
    return _words(executors, _with_both(names, acting, language), language)


def _with_both(
    names: Mapping[str, Sequence[str]], acting: ActingHead | None, language: str
) -> Mapping[str, Sequence[str]]:
    """Return the same with both names where somebody acts for the first head (A26)."""
    if acting is None or "first_head" not in names:
        return names
    both = say("acting.who_for_whom", language, who=acting.user.name, whom=acting.head.name)
    others = [name for name in names["first_head"] if name not in (acting.user.name, acting.head.name)]
    return {**names, "first_head": [both, *others]}


def _words(executors: Sequence[str], names: Mapping[str, Sequence[str]], language: str) -> list[str]:
    said = [names.get(executor) or [say(f"workflow.executor.{executor}", language)] for executor in executors]
    return list(dict.fromkeys(name for each in said for name in each))
