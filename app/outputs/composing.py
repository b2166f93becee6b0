"""The facts of a paper: what it says, in one language, as plain JSON values that are kept with it.

A client's paper says what its pages say to him: nothing of the Exchange's own stages, and of its people their units.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import and_, or_, select

from app import bilingual, db
from app.accounts import queries as people
from app.accounts.models import User
from app.applications import conditions, facts, filing
from app.applications import queries as applications
from app.applications.beginning import BEGUN
from app.applications.clocks import EXTEND, extension_of
from app.applications.models import Application, History
from app.applications.views.hub import act_words, is_internal
from app.audit.models import AuditEntry
from app.organisations.models import Membership, Organisation
from app.outputs import queries
from app.permissions import EXECUTOR_ROLES
from app.terms import say, terms
from app.web.templating import ZONE, date_text, date_time_text
from app.workflows.machine import Procedure

Facts = dict[str, Any]

OF_PEOPLE = frozenset(
    {
        "acting_head_appointed",
        "acting_head_ended",
        "admin_given",
        "admin_withdrawn",
        "codes_set",
        "contacts_changed",
        "first_head_changed",
        "iin_corrected",
        "key_checked",
        "key_confirmed",
        "member_added",
        "member_changed",
        "member_switched_off",
        "member_switched_on",
        "organisation_created",
        "organisation_renamed",
        "partner_added",
        "partner_removal_requested",
        "partnership_ended",
        "user_created",
    }
)
"""Acts of the audit log on an organisation, its people and partners; not how people sign in, which is their own."""


def bounds(since: date, until: date) -> tuple[datetime, datetime]:
    """Return the first moment of a period and the first one after it, in Kazakhstan's days."""
    return datetime.combine(since, time(), ZONE), datetime.combine(until + timedelta(days=1), time(), ZONE)


# The extract: where the applications of the organisation stand


def extract(found: Sequence[Application], language: str) -> Facts:
    """Return the rows of an extract: one for each application, with where it stands now."""
    return {"applications": [_standing(each, language) for each in found]}


def _standing(application: Application, language: str) -> Facts:
    procedure = applications.procedure(application)
    process = procedure.processes[application.process]
    return {
        "number": application.number,
        "procedure": procedure.title[language],
        "process": process.short_title[language],
        "state": say(process.state_key, language),
        "created": date_text(application.created_at),
        "submitted": date_text(applications.received_at(application)),
        "registered": date_text(application.registered_at),
        "registration_number": application.registration_number,
        "outcome": _outcome(application, language),
        "archived": date_text(application.archived_at),
    }


def _outcome(application: Application, language: str) -> str:
    """Return what was decided once all is over, and has been told; nothing before."""
    if application.archived_at is None:
        return ""
    outcome = next((str(each["outcome"]) for each in facts.of(application).answers.values() if "outcome" in each), "")
    return say("st.refused" if outcome == "refuse" else "st.positive", language) if outcome else ""


# The report: who did what


def report(user: User, company: Organisation, since: date, until: date, language: str) -> tuple[Facts, set[int]]:
    """Return what was done from ``since`` to the end of ``until``, oldest first, and the applications it names.

    On the organisation's applications everything that ``user`` sees of them; on others' what its own people did.  To
    whoever speaks for the whole organisation also what was done to its people and partners.
    """
    begin, end = bounds(since, until)
    own = {row.user_id for row in _members(company)}
    statement = (
        select(History, Application)
        .join(Application, Application.id == History.application_id)
        .where(queries.may_be_told(user), History.at >= begin, History.at < end)
        .where(or_(Application.organisation_id == company.id, History.by_id.in_(own)))
    )
    rows: list[tuple[datetime, int, Facts]] = []
    named: set[int] = set()
    for row, application in db.session.execute(statement).unique():
        told = _told(application, row, language)
        if told is not None:
            rows.append((row.at, row.id, told))
            named.add(application.id)
    if queries.speaks_for_all(user):
        rows += _of_people(company, own, begin, end, language)
    rows.sort(key=lambda each: each[:2])
    return {"operations": [each for _, _, each in rows]}, named


def _members(company: Organisation) -> Sequence[Membership]:
    return db.session.scalars(select(Membership).where(Membership.organisation_id == company.id)).unique().all()


def _told(application: Application, row: History, language: str) -> Facts | None:
    """Return a row of history as the organisation is told it; None for what is the Exchange's own."""
    procedure = applications.procedure(application)
    stage, target = procedure.stages.get(row.stage), procedure.processes.get(row.target)
    if row.act == conditions.DECIDE:
        asked = conditions.read(procedure, row)
        if asked is None or asked.table.is_internal:
            return None
        act, words = asked.table.title[language], str(asked.row.words[language])
    elif is_internal(application, procedure, row):
        return None
    elif row.act == EXTEND:
        act, words = _extended(procedure, row, language)
    else:
        act, words = act_words(procedure, row, language), _words(row, language)
    return {
        "at": date_time_text(row.at),
        "who": _who(row, language),
        "what": act,
        "on": application.number,
        "where": " → ".join(
            part
            for part in (stage.title[language] if stage else "", target.short_title[language] if target else "")
            if part
        ),
        "words": words,
    }


def _extended(procedure: Procedure, row: History, language: str) -> tuple[str, str]:
    days, reason = extension_of(row.words)
    term = next((each.title[language] for each in procedure.terms if each.key == row.stage), row.stage)
    return say("history.extend", language, term=term, n=days), reason


def _words(row: History, language: str) -> str:
    if row.act == BEGUN:
        return date_text(row.words)
    if filing.marked(row):
        return ""  # the ids of comments left open
    return bilingual.said(row.texts, language) if row.texts else row.words


def _who(row: History, language: str) -> str:
    if row.by is None:
        return say("workflow.executor.system", language)
    if row.by.is_exchange:
        held = next((executor for executor, role in EXECUTOR_ROLES.items() if role in row.by.roles), "")
        return say(f"workflow.executor.{held}" if held else "app.exchange", language)
    if row.on_behalf_of is not None:
        return say("acting.who_for_whom", language, who=row.by.name, whom=row.on_behalf_of.name)
    return row.by.name


def _of_people(
    company: Organisation, own: set[int], begin: datetime, end: datetime, language: str
) -> Iterator[tuple[datetime, int, Facts]]:
    subjects = [f"organisation {company.id}", *(f"user {ident}" for ident in own)]
    statement = select(AuditEntry).where(
        and_(AuditEntry.at >= begin, AuditEntry.at < end),
        AuditEntry.act.in_(OF_PEOPLE),
        AuditEntry.subject.in_(subjects),
    )
    found = db.session.scalars(statement).all()
    meant = [int(row.subject.split()[1]) for row in found if row.subject.startswith("user ")]
    known = people.by_ids({*(row.user_id for row in found if row.user_id is not None), *meant})
    for row in found:
        who = known.get(row.user_id) if row.user_id is not None else None
        kind, ident = row.subject.split()
        yield (
            row.at,
            row.id,
            {
                "at": date_time_text(row.at),
                "who": _name(who, language),
                "what": _act_of_people(row.act, language),
                "on": known[int(ident)].name if kind == "user" and int(ident) in known else company.names[language],
                "where": "",
                "words": "",
            },
        )


def _name(who: User | None, language: str) -> str:
    if who is None:
        return say("workflow.executor.system", language)
    return say("app.exchange", language) if who.is_exchange else who.name


def _act_of_people(act: str, language: str) -> str:
    key = f"activity.{act}"
    return say(key if key in terms() else "activity.other", language)


# The reference: one application with its papers


def reference(application: Application, language: str) -> Facts:
    """Return where one application stands, what was done on it, and the documents that were made of it."""
    rows = (_told(application, row, language) for row in reversed(applications.history(application)))
    return {
        "applications": [_standing(application, language)],
        "operations": [row for row in rows if row is not None],
        "documents": [
            {
                "name": each.name,
                "sha256": each.sha256,
                "at": date_time_text(each.at),
                "signers": [
                    f"{item.signer_name} / {item.for_name}" if item.for_name else item.signer_name
                    for item in each.signatures
                ],
            }
            for each in reversed(applications.documents(application))
            if each.signatures and each.kind == "application"
        ],
    }
