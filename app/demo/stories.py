"""The demo's applications: each is led by the rooms' verbs as far as its story goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import select

from app import catalogue, db, pdf
from app.accounts import queries as people
from app.accounts.models import User
from app.applications import (
    answering,
    approval,
    composing,
    conditions,
    criteria,
    document,
    entries,
    filing,
    judging,
    letters,
    moves,
    queries,
    rows,
    signing,
)
from app.applications.answering import Typed
from app.applications.attachments import Upload
from app.applications.models import Application, Letter
from app.bilingual import Texts
from app.demo.people import COMPANIES, PEOPLE, Company
from app.forms.definitions import DynamicForm, Form
from app.forms.outline import Asked, Part, Rows, leaves, typed_texts
from app.forms.parts import examples
from app.sandbox.pki import SandboxPki
from app.web import here
from app.web.templating import ZONE
from app.workflows.parts import StageKind, Transition

PROCEDURE = "share_listing"
CRITERIA = {
    "extra_listing_requirements": ("main", "shares", "premium"),
    "equity_package": ("main", "shares", "premium"),
    "debt_package": ("main", "debt_securities", "bonds"),
    "fund_package": ("main", "fund_securities", "etf"),
    "structured_package": ("main", "structured_securities"),
}
"""Dynamic form -> the criteria of the story's security."""

CRITERIA_OF = {
    "commercial_bonds": ("main", "debt_securities", "commercial_bonds"),
    "depositary_receipts": ("main", "depositary_receipts"),
}
"""Procedure -> the criteria of its security, where they are others."""


@dataclass(frozen=True)
class Story:
    """One application: whose, how far it goes, and whether the adviser takes part.

    ``within`` is the procedure of the company's application to which it belongs.
    """

    company: str
    until: str
    with_adviser: bool = True
    procedure: str = PROCEDURE
    within: str = ""


STORIES = (
    Story("ALTN", "archived"),
    Story("ALTN", "new"),
    Story("ALTN", "filling"),
    Story("ALTN", "first_head"),
    Story("ALTN", "registration"),
    Story("ALTN", "completeness"),
    Story("ALTN", "expertise"),
    Story("ALTN", "rework"),
    Story("ALTN", "rework_approval"),
    Story("ALTN", "conclusion"),
    Story("ALTN", "meeting"),
    Story("ALTN", "decision"),
    Story("ALTN", "letter"),
    Story("ALTN", "result"),
    Story("ALTN", "withdrawn"),
    Story("BRKT", "archived", with_adviser=False),
    Story("BRKT", "filling", with_adviser=False),
    Story("BRKT", "first_head", with_adviser=False),
    Story("BRKT", "registration", with_adviser=False),
    Story("BRKT", "expertise", with_adviser=False),
    Story("BRKT", "rework", with_adviser=False),
    Story("BRKT", "filling", with_adviser=False, procedure="bond_listing"),
    Story("BRKT", "expertise", with_adviser=False, procedure="bond_listing"),
    Story("ALTN", "first_head", procedure="commercial_bonds"),
    Story("BRKT", "registration", with_adviser=False, procedure="nonlisted_admission"),
    Story("ADIL", "first_head", procedure="auditor_inclusion"),
    Story("ADIL", "explanation", procedure="auditor_monitoring"),
    Story("BOLA", "registration", procedure="membership_admission"),
    Story("ALTN", "archived", procedure="corporate_event"),
    Story("ALTN", "explanation", procedure="disclosure_breach"),
    Story("BRKT", "opening_approval", procedure="exchange_delisting"),
    Story("BRKT", "meeting", with_adviser=False, procedure="voluntary_delisting"),
    Story("BRKT", "meeting", with_adviser=False, procedure="preliminary_consent"),
    Story("BRKT", "meeting", with_adviser=False, procedure="voluntary_delisting"),
    Story("BRKT", "archived", with_adviser=False, procedure="bond_programme"),
    Story("BRKT", "registration", with_adviser=False, procedure="bond_listing", within="bond_programme"),
)
MEETING_STORIES = tuple(number for number, told in enumerate(STORIES) if told.until == "meeting")[-3:]
"""The stories that ``app.demo.meetings`` goes on with: decided, postponed, and before the coming meeting."""

AFTER_MEETING = frozenset({"letter", "result", "archived"})
"""How far stories go whose meeting is over: it was on the day they are told."""

_PEOPLE_OF = {
    "ALTN": {"author": "issuer", "respondent": "issuer", "first_head": "first_head", "adviser": "adviser"},
    "BRKT": {"author": "other_issuer", "respondent": "other_issuer", "first_head": "other_first_head"},
    "ADIL": {"author": "auditor", "respondent": "auditor", "first_head": "auditor_head"},
    "BOLA": {"author": "candidate", "respondent": "candidate", "first_head": "candidate_head"},
}


def load(pki: SandboxPki, progress: Callable[[int, int], None]) -> None:
    """Tell every story that has not been told; a start that was killed half-way goes on where it was.

    ``progress`` is called with how many are told, of how many.
    """
    with db.transaction(writing=False) as session:
        told = len(session.scalars(select(Application.id)).all())
    for number, story in enumerate(STORIES):
        if number < told:
            continue
        with db.transaction():
            _Teller(story, number, pki).tell()
        progress(number + 1, len(STORIES))


def teller(story: Story, number: int, pki: SandboxPki) -> _Teller:
    """Return who tells a story further."""
    return _Teller(story, number, pki)


def sign_as(pki: SandboxPki, key: str, content: bytes, now: datetime) -> bytes:
    """Return a detached signature with the sandbox key of an account."""
    return pki.sign(key, content, attached=False, at=now)


@cache
def paper(words: str) -> bytes:
    """Return a one-page PDF that says ``words``: an attachment of the demo."""
    return pdf.render(
        f'<!doctype html><html lang="kk"><head><title>{words}</title></head><body><h1>{words}</h1></body></html>'
    )


class _Teller:
    def __init__(self, story: Story, number: int, pki: SandboxPki) -> None:
        self.story, self.number, self.pki = story, number, pki
        self.company: Company = next(found for found in COMPANIES if found.code == story.company)
        self.mark = f"belgi{story.company.lower()}{number:02d}"
        self.now = here.now()
        self.until_meeting = timedelta(days=0 if story.until in AFTER_MEETING else 7)
        self.wanted: dict[str, str] = {}
        """What must be answered for the way that is taken: field -> value."""

    def person(self, key: str) -> User:
        """Return who plays a part: an executor's word, or an account's key."""
        key = _PEOPLE_OF[self.story.company].get(key, key)
        email = next(found.email for found in PEOPLE if found.key == key)
        user = people.by_email(email)
        if user is None:
            raise LookupError(email)
        return user

    def tell(self) -> None:
        """Lead the application as far as its story goes."""
        application = self.begun()
        until = self.story.until
        if until == "new":
            self.fill(application, ("issuer",))
        elif until == "filling":
            self.fill_half(application)
        elif until == "withdrawn":
            self.lead(application, "registration")
            self.withdraw(application)
        elif until in ("rework", "rework_approval"):
            self.lead(application, "expertise")
            self.remark(application)
            if until == "rework_approval":
                self.answer(application)
        else:
            self.lead(application, until)

    def begun(self) -> Application:
        """Return a new application, of who begins the procedure: the company's author, or the Exchange's officer."""
        procedure = catalogue.present().procedures.get(self.story.procedure)
        organisation = self.person("author").organisation
        assert organisation is not None
        author = self.person(procedure.started_by or "author")
        parent = self._parent(organisation.id)
        return filing.create(procedure.key, company_id=organisation.id, author=author, now=self.now, parent=parent)

    def _parent(self, organisation_id: int) -> str:
        """Return the number of the application to which it belongs, "" where it stands by itself."""
        if not self.story.within:
            return ""
        statement = select(Application.number).where(
            Application.organisation_id == organisation_id, Application.procedure.like(f"{self.story.within}.v%")
        )
        return db.session.scalars(statement.order_by(Application.id.desc())).first() or ""

    def lead(self, application: Application, until: str) -> None:
        """Lead an application along the main road to a process, everything done that its way asks."""
        procedure = queries.procedure(application)
        road = procedure.main_road
        while application.process != until:
            target = road[road.index(application.process) + 1]
            ways = (
                each for each in procedure.transitions if (each.source, each.target) == (application.process, target)
            )
            self.go(application, next(way for way in ways if not way.is_interruption))
            db.session.flush()

    def go(self, application: Application, way: Transition) -> None:
        """Do what is left of the present process, with the outcomes that a transition wants, and take it."""
        decided = (found.row.then for found in conditions.chosen(application).values())
        self.wanted = {key: value for row in decided for key, value in row.items() if isinstance(value, str)}
        self.wanted |= {use.outcome.field: use.outcome.value for use in way.guards if use.outcome is not None}
        procedure = queries.procedure(application)
        left = procedure.unfinished(queries.position(application))
        if not self.story.with_adviser and "adviser_choice" in left:
            filing.skip(application, "adviser_choice", by=self.person("author"), now=self.now)
            db.session.expire(application)
            left = procedure.unfinished(queries.position(application))
        kinds = {stage: each.kind for stage, each in procedure.stages.items()}
        while todo := tuple(stage for stage in left if kinds[stage] in (StageKind.FILL, StageKind.WORK)):
            self.fill(application, todo)  # what was answered may ask for further stages
            left = procedure.unfinished(queries.position(application))
        if any(kinds[stage] is StageKind.SIGNING for stage in left):
            self.agree_and_sign(application)
        if any(kinds[stage] is StageKind.ISSUING for stage in left):
            self.issue(application)
        self.fire(application, way.trigger, way.by)

    # Filing

    def typed(self, application: Application, stage: str) -> Typed:
        """Return what a person would type: the forms' examples, marked as this story's own."""
        newest = queries.latest(application, stage)
        raw: dict[str, list[str]] = {}
        uploads: dict[str, list[Upload]] = {}
        for form, prefix, values in self._examples(application, stage):
            self._type(form.outline(values, prefix), raw, uploads)
        if composing.kind_of(application, stage):
            template = composing.typed(application, stage, composing.occasion(application, stage))
            raw |= {name: texts for name, texts in template.items() if name in raw and "conclusion" not in name}
        return Typed(raw, uploads, seen=newest.revision if newest else 0)

    def _examples(self, application: Application, stage: str) -> Iterator[tuple[Form, str, dict[str, Any]]]:
        """Yield every form of a stage, those of entries too: what its inputs begin with, and its example."""
        newest = queries.latest(application, stage)
        for form in answering.forms(application, stage):
            if not isinstance(form, DynamicForm):
                wanted = {
                    key: value for key, value in self.wanted.items() if key in {asked.key for asked in form.fields}
                }
                yield form, "", form.settled({**examples(form.fields), **wanted})
                continue
            for entry in form.entries(newest.values.get(form.key, {}) if newest else {}):
                [example] = form.entries(form.example_at(entry["path"]))
                yield form.form_of(entry), form.entry_path(entry), example["values"]

    def _type(self, parts: Iterable[Part], raw: dict[str, list[str]], uploads: dict[str, list[Upload]]) -> None:
        own = {
            "bin": self.company.bin,
            "full_name-kk": self.company.kk,
            "full_name-ru": self.company.ru,
            "full_name-en": self.company.en,
            "short_name-kk": self.company.kk,
            "short_name-ru": self.company.ru,
            "short_name-en": self.company.en,
            "email": f"info@{self.company.code.lower()}.example",
            "website": f"https://{self.company.code.lower()}.example",
            "meeting_date": (self.now.astimezone(ZONE) + self.until_meeting).strftime("%d.%m.%Y"),
            "opinion": "no_remarks",
            "despite_reason": "",
            **self.wanted,
        }
        parts = tuple(parts)
        typed = typed_texts(parts)
        for asked in leaves(parts):
            item = asked.field
            if item.type == "file":
                if asked.required:
                    name = f"{item.key}-{self.mark}.pdf"
                    uploads[asked.path] = [Upload(name, paper(f"{self.company.kk} {self.mark}"))]
                continue
            if item.source:
                raw[asked.path] = [str(self.person("adviser").id)]
                continue
            for path in item.paths(asked.prefix):
                if path in typed:
                    words = f"{typed[path]} {self.mark}" if item.type == "long_text" else typed[path]
                    raw[path] = [own.get(path, words)]

    def fill(self, application: Application, stages: tuple[str, ...]) -> None:
        """Fill and finish stages, each by its executor."""
        procedure = queries.procedure(application)
        for stage in stages:
            by = self.person(procedure.executor_of(stage, application.process))
            if stage == "conclusion":
                self.judge(application)
            is_carried = application.parent is not None and queries.latest(application, stage) is not None
            for form in answering.forms(application, stage):
                if isinstance(form, DynamicForm):
                    self._add_security(application, stage, form, by)
            for asking, prefix, values in list(self._examples(application, stage)):
                for part in asking.outline(values, prefix) if not is_carried else ():
                    self._add_rows(application, stage, part.items, by)
            answering.save(application, stage, self.typed(application, stage), by=by, done=True, now=self.now)
            db.session.expire(application)

    def judge(self, application: Application) -> None:
        """Judge the criteria: what the answers say by themselves, the rest as met."""
        by, round_ = self.person("listing"), application.round
        judging.confirm(application, round_=round_, by=by, now=self.now)
        left = [ruling for ruling in criteria.rulings(application) if not ruling.is_settled]
        words = {ruling.key: judging.Word("met", f"Тексерілді. {self.mark}", 0) for ruling in left}
        judging.judge(application, words, round_=round_, by=by, now=self.now)

    def _add_rows(self, application: Application, stage: str, items: Iterable[Asked | Rows], by: User) -> None:
        """Add the rows of the example to the groups of a stage, one after another."""
        for group in items:
            for row in group.rows if isinstance(group, Rows) else ():
                newest = queries.latest(application, stage)
                seen = Typed({}, seen=newest.revision if newest else 0)
                rows.add_row(application, stage, group.path, seen, by=by, now=self.now)
                db.session.expire(application)
                self._add_rows(application, stage, row.items, by)

    def _add_security(self, application: Application, stage: str, form: DynamicForm, by: User) -> None:
        path = CRITERIA_OF.get(self.story.procedure, CRITERIA[form.key])
        raw = {f"{form.key}-{level.key}": [option] for level, option in zip(form.levels, path, strict=False)}
        for item in form.keys:
            raw[f"{form.key}-{item.key}"] = [item.entry(item.example_value())]
        newest = queries.latest(application, stage)
        typed = Typed(raw, seen=newest.revision if newest else 0)
        entries.add_entry(application, stage, form.key, typed, by=by, now=self.now)
        db.session.expire(application)

    def fill_half(self, application: Application) -> None:
        """Fill every stage; where the story ends here, the last one is left open."""
        procedure = queries.procedure(application)
        [data] = [each for each in procedure.processes["filling"].subprocesses if each.key == "data"]
        *stages, last = data.stages
        if not self.story.with_adviser:
            stages = [stage for stage in stages if stage not in ("adviser_choice", "adviser_statement")]
        self.fill(application, tuple(stages))
        if not self.story.with_adviser:
            filing.skip(application, "adviser_choice", by=self.person("author"), now=self.now)
            db.session.expire(application)
        if self.story.until != "filling":
            self.fill(application, (last,))

    def dispatch(self, application: Application) -> None:
        """Send to the first head."""
        self.fire(application, "send_for_approval", "author")

    def sign_and_send(self, application: Application) -> None:
        """Agree, sign with the sandbox key, send."""
        self.agree_and_sign(application)
        self.fire(application, "send_file", "first_head")

    def agree_and_sign(self, application: Application) -> None:
        """Agree, and sign with the sandbox key."""
        first_head = self.person("first_head")
        approval.agree(application, by=first_head, comments={}, seen=application.version, now=self.now)
        db.session.expire(application)
        offered = document.offered(application)
        content = here.storage().get(offered.sha256)
        key = _PEOPLE_OF[self.story.company]["first_head"]
        cms = sign_as(self.pki, key, content, self.now)
        given = signing.judge(cms, sha256=offered.sha256, now=here.now())
        signing.accept(application, given, by=first_head, now=here.now())
        db.session.expire(application)

    # The Exchange's side

    def issue(self, application: Application) -> None:
        """Sign what the present process has written, as the Exchange, with the sandbox key."""
        stage = letters.issuing_stage(application)
        if stage is None:
            return
        head = self.person(moves.AUTHORISED)
        letter = letters.prepare(application, letters.written_in(application, stage), by=head, now=here.now())
        self.sign_letter(letter)
        db.session.expire(application)

    def sign_letter(self, letter: Letter) -> None:
        """Sign a paper of the Exchange with the sandbox key."""
        sha256 = letters.fixed(letter, now=here.now()).sha256
        cms = sign_as(self.pki, moves.AUTHORISED, here.storage().get(sha256), self.now)
        given = signing.judge(cms, sha256=sha256, now=here.now())
        signing.issue(letter, given, by=self.person(moves.AUTHORISED), now=here.now())

    def fire(self, application: Application, trigger: str, part: str, words: str | Texts = "") -> None:
        """Take a transition."""
        by = self.person(part)
        moves.fire(application, trigger, by=by, seen=application.version, words=words, now=here.now())
        db.session.expire(application)

    def work(self, application: Application, stage: str, part: str, trigger: str) -> None:
        """Fill a stage of the Exchange and take its transition."""
        self.fill(application, (stage,))
        self.issue(application)
        self.fire(application, trigger, part)

    def withdraw(self, application: Application) -> None:
        """Withdraw with a reason."""
        self.fire(application, "withdraw", "author", f"Эмиссия мерзімі өзгерді. {self.mark}")

    def remark(self, application: Application) -> None:
        """Write a remark on a field, finish the reviews, send the remarks."""
        words = {"issuer.legal_address": f"Мекенжайды құрылтай құжаттарына сәйкестендіріңіз. {self.mark}"}
        approval.comment(application, by=self.person("lawyer"), comments=words, now=self.now)
        self.fill(application, ("listing_review", "legal_review", "financial_review"))
        self.fire(application, "send_remarks", "listing")

    def answer(self, application: Application) -> None:
        """Answer the remarks and send to the first head again."""
        author = self.person("author")
        remarks = [item for item in queries.comments(application, user=author) if item.kind == "remark"]
        answers = {item.id: f"Түзетілді. {self.mark}" for item in remarks}
        approval.answer_all(application, answers, by=author, now=here.now())
        self.fire(application, "send_for_approval", "author")
