"""Having a paper made: first its facts and its pages, which takes a while, then in one act its number and its row.

There is no verb that changes a paper, lays it out again or takes it back.
Source: rules of electronic services, paragraphs 7.1, 9 and 45.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import date, datetime

import segno
from sqlalchemy import select

from app import db, pdf
from app.accounts.models import User
from app.applications import queries as applications
from app.applications.effects import next_number
from app.applications.models import Application, Counter
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotFound, NotPermitted, Problem
from app.organisations.models import Organisation
from app.outputs import composing, queries
from app.outputs.composing import Facts
from app.outputs.models import KINDS, OutputDocument, OutputSubject
from app.permissions import Permission
from app.terms import LANGUAGES
from app.web import here
from app.web.inputs import line_fault
from app.web.templating import ZONE, date_text, paper

MOST_ROWS = 3000
"""Operations in one paper, which takes some seconds to lay out.  What is more is refused, never cut (ESRV-16.3)."""

EARLIEST = date(2000, 1, 1)
LONGEST_REASON = 500


@dataclass(frozen=True)
class Order:
    """What somebody asks for: the kind of paper, its period or its application, the paper it is to stand for."""

    kind: str
    since: date | None = None
    until: date | None = None
    number: str = ""
    language: str = "kk"
    corrects: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Draft:
    """A paper that is laid out and waits for its row; nothing of it is kept yet."""

    order: Order
    number: str
    code: str
    facts: Facts
    content: bytes
    tells_of_people: bool
    subjects: frozenset[int] = field(default_factory=frozenset)


def series(now: datetime) -> str:
    """Return the series in which a paper of now is counted: one a year."""
    return f"output-{now.astimezone(ZONE).year}"


def _number(count: int, now: datetime) -> str:
    return f"OD-{now.astimezone(ZONE).year}-{count:06d}"


def draft(order: Order, *, by: User, now: datetime, code: str = "") -> Draft:
    """Gather what a paper says, as ``by`` may read it, and lay it out under the number that comes next.

    Nothing is written, so that nobody waits for the database meanwhile.  ``code`` is of ``code_of``.

    Raises:
        Invalid: the kind, the period, the application or the reason will not do; or there is too much for one paper.
        NotFound: he does not see the paper that is to be corrected.
        NotPermitted: he works for no organisation.
        Conflict: another paper stands for that one already.
    """
    company = by.organisation
    if company is None or not by.may(Permission.ORDER_OUTPUTS):
        raise NotPermitted
    corrected = _corrected(order, by)
    if corrected is not None:
        number = str((corrected.facts.get("applications") or [{}])[0].get("number", ""))
        order = Order(
            corrected.kind, corrected.since, corrected.until, number, order.language, corrected.id, order.reason.strip()
        )
    _require_sound(order, now)
    facts, subjects = _facts(order, company, by)
    if len(facts.get("operations", ())) > MOST_ROWS:
        raise Invalid.at("until", "outputs.err.too_many", n=len(facts["operations"]), most=MOST_ROWS)
    facts |= {
        "organisation": {"name": company.names[order.language], "bin": company.bin, "code": company.code},
        "ordered_by": by.name,
        "corrects": {"number": corrected.number, "on": date_text(corrected.at)} if corrected else None,
        "reason": order.reason if corrected else "",
        "is_whole": bool(queries.speaks_for_all(by)) if order.kind == "report" else False,
    }
    counted = db.session.scalar(select(Counter.value).where(Counter.series == series(now))) or 0
    number, code = _number(counted + 1, now), code or _spelt(secrets.token_bytes(16))
    tells_of_people = order.kind == "report" and queries.speaks_for_all(by)
    return Draft(order, number, code, facts, _laid_out(order, number, code, facts, now), tells_of_people, subjects)


def code_of(once: str, order: Order, *, by: User) -> str:
    """Return the code of the paper that one sending of the form makes: its hidden ``once``, what it asks, and who.

    Without the key of this installation nobody can tell it; the column is unique, so that there is one such paper.
    """
    said = json.dumps([once, by.id, asdict(order)], sort_keys=True, default=str)
    return _spelt(hmac.digest(here.config().secret_key.encode(), f"output {said}".encode(), "sha256")[:16])


def _spelt(secret: bytes) -> str:
    """Return 128 secret bits in letters and digits that are not taken for each other."""
    return base64.b32encode(secret).decode().rstrip("=").lower()


def _corrected(order: Order, by: User) -> OutputDocument | None:
    """Return the paper that is to be corrected: of his own organisation, seen by him, not corrected yet."""
    if order.corrects is None:
        return None
    found = queries.one(order.corrects, user=by)
    if by.organisation is None or found.organisation_id != by.organisation.id:
        raise NotFound
    if queries.corrections([found.id]):
        raise Conflict("outputs.err.corrected", number=found.number)
    if not order.reason.strip():
        raise Invalid.at("reason", "err.reason_required")
    if len(order.reason.strip()) > LONGEST_REASON:
        raise Invalid.at("reason", "outputs.err.reason_long", max=LONGEST_REASON)
    if line_fault(order.reason):
        raise Invalid.at("reason", line_fault(order.reason))
    return found


def _require_sound(order: Order, now: datetime) -> None:
    if order.kind not in KINDS:
        raise Invalid.at("kind", "err.required")
    if order.language not in LANGUAGES:
        raise Invalid.at("language", "err.required")
    if order.kind != "report":
        return
    problems = [
        Problem(name, "outputs.err.day")
        for name, found in (("since", order.since), ("until", order.until))
        if found is None or found < EARLIEST
    ]
    if problems:
        raise Invalid(problems=problems)
    today = now.astimezone(ZONE).date()
    if order.since is not None and order.until is not None:
        if order.until > today:
            raise Invalid.at("until", "outputs.err.future")
        if order.until < order.since:
            raise Invalid.at("until", "outputs.err.order")


def _facts(order: Order, company: Organisation, by: User) -> tuple[Facts, frozenset[int]]:
    if order.kind == "report" and order.since is not None and order.until is not None:
        found, named = composing.report(by, company, order.since, order.until, order.language)
        return found, frozenset(named)
    if order.kind == "reference":
        application = _application(order.number, by)
        return composing.reference(application, order.language), frozenset({application.id})
    standing = queries.own_applications(by)
    return composing.extract(standing, order.language), frozenset(each.id for each in standing)


def _application(number: str, by: User) -> Application:
    """Return the application of a reference; one that he does not see is refused like one that never was."""
    try:
        found = applications.by_number(number, user=by)
    except NotFound:
        raise Invalid.at("number", "outputs.err.number") from None
    if applications.is_being_entered(found):  # offered to him, and not his yet
        raise Invalid.at("number", "outputs.err.number")
    return found


def _laid_out(order: Order, number: str, code: str, facts: Facts, now: datetime) -> bytes:
    address = f"{here.config().base_url}/verify/{code}"
    page = paper(
        "pdf/output.html",
        order.language,
        kind=order.kind,
        number=number,
        at=now,
        since=order.since,
        until=order.until,
        facts=facts,
        address=address,
        code=grouped(code),
        qr=str(segno.make(address, error="m", micro=False).svg_data_uri(scale=3, border=2)),
        is_demo=here.config().is_demo,
    )
    return pdf.render(page)


def grouped(code: str) -> str:
    """Return a code as people read it: by fives."""
    return "-".join(code[start : start + 5] for start in range(0, len(code), 5))


def issue(made: Draft, *, by: User, now: datetime) -> OutputDocument:
    """Give a paper its number, keep its bytes and its row.

    Raises:
        Conflict: another paper has taken its number meanwhile (lay it out again), or stands for the same one.
    """
    order, company = made.order, by.organisation
    if company is None:
        raise NotPermitted
    if order.corrects is not None and queries.corrections([order.corrects]):
        raise Conflict("outputs.err.corrected", number="")
    if _number(next_number(series(now)), now) != made.number:
        raise Conflict("outputs.err.number_taken")
    row = OutputDocument(
        number=made.number,
        code=made.code,
        kind=order.kind,
        organisation_id=company.id,
        since=order.since if order.kind == "report" else None,
        until=order.until if order.kind == "report" else None,
        language=order.language,
        facts=made.facts,
        tells_of_people=made.tells_of_people,
        size=len(made.content),
        sha256=here.storage().put(made.content),
        corrects_id=order.corrects,
        reason=order.reason if order.corrects else "",
        by_id=by.id,
        at=now,
    )
    db.session.add(row)
    db.session.flush()
    db.session.add_all(OutputSubject(document_id=row.id, application_id=ident) for ident in sorted(made.subjects))
    audit.record(
        "output_issued", f"output {row.number}", by=by.id, at=now, kind=row.kind, sha256=row.sha256,
        organisation=company.id, corrects=row.corrects_id,
    )  # fmt: skip
    db.session.flush()
    return row
