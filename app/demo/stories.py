"""The demo's applications: each is led by the rooms' verbs as far as its story goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import select

from app import db, pdf
from app.accounts import queries as people
from app.accounts.models import User
from app.applications import answering, approval, document, entries, filing, moves, queries, rows, signing
from app.applications.answering import Typed
from app.applications.attachments import Upload
from app.applications.models import Application
from app.demo.people import COMPANIES, PEOPLE, Company
from app.forms.definitions import DynamicForm, Form
from app.forms.outline import Asked, Part, Rows, leaves, typed_texts
from app.sandbox.pki import SandboxPki
from app.web import here

PROCEDURE = "share_listing"
CRITERIA = {
    "extra_listing_requirements": ("main", "shares", "premium"),
    "debt_package": ("main", "debt_securities", "bonds"),
}
"""Dynamic form -> the criteria of the story's security."""


@dataclass(frozen=True)
class Story:
    """One application: whose, how far it goes, and whether the adviser takes part."""

    company: str
    until: str
    with_adviser: bool = True
    procedure: str = PROCEDURE


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
)

_PEOPLE_OF = {
    "ALTN": {"author": "issuer", "first_head": "first_head", "adviser": "adviser"},
    "BRKT": {"author": "other_issuer", "first_head": "other_first_head"},
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
        author = self.person("author")
        organisation = author.organisation
        assert organisation is not None
        application = filing.create(self.story.procedure, company_id=organisation.id, author=author, now=self.now)
        if self.story.until == "new":
            self.fill(application, ("issuer",))
            return
        steps: tuple[tuple[str, Callable[[Application], None]], ...] = (
            ("filling", self.fill_half),
            ("first_head", self.dispatch),
            ("registration", self.sign_and_send),
            ("withdrawn", self.withdraw),
            ("completeness", lambda item: self.work(item, "registration", "chancery", "register")),
            ("expertise", lambda item: self.work(item, "completeness", "listing", "accept")),
            ("rework", self.remark),
            ("rework_approval", self.answer),
            ("conclusion", self.finish_expertise),
            ("meeting", lambda item: self.work(item, "conclusion", "listing_head", "approve_conclusion")),
            ("decision", lambda item: self.work(item, "meeting", "secretary", "schedule_meeting")),
            ("letter", lambda item: self.work(item, "decision", "secretary", "record_decision")),
            ("result", lambda item: self.work(item, "letter", "listing", "send_letter")),
            ("archived", lambda item: self.fire(item, "archive", "listing")),
        )
        sideways = {"withdrawn", "rework", "rework_approval"}
        for target, step in steps:
            if target in sideways and not self._goes_by(target):
                continue
            step(application)
            db.session.flush()
            if target == self.story.until:
                return

    def _goes_by(self, target: str) -> bool:
        if target == "withdrawn":
            return self.story.until == "withdrawn"
        return self.story.until in (("rework", "rework_approval") if target == "rework" else ("rework_approval",))

    # Filing

    def typed(self, application: Application, stage: str) -> Typed:
        """Return what a person would type: the forms' examples, marked as this story's own."""
        newest = queries.latest(application, stage)
        raw: dict[str, list[str]] = {}
        uploads: dict[str, list[Upload]] = {}
        for form, prefix, values in self._examples(application, stage):
            self._type(form.outline(values, prefix), raw, uploads)
        return Typed(raw, uploads, seen=newest.revision if newest else 0)

    def _examples(self, application: Application, stage: str) -> Iterator[tuple[Form, str, dict[str, Any]]]:
        """Yield every form of a stage, those of entries too: what its inputs begin with, and its example."""
        newest = queries.latest(application, stage)
        for form in answering.forms(application, stage):
            if not isinstance(form, DynamicForm):
                yield form, "", form.example()
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
            "meeting_date": (self.now + timedelta(days=7)).strftime("%d.%m.%Y"),
            "opinion": "no_remarks",
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
            for form in answering.forms(application, stage):
                if isinstance(form, DynamicForm):
                    self._add_security(application, stage, form, by)
            for asking, prefix, values in list(self._examples(application, stage)):
                for part in asking.outline(values, prefix):
                    self._add_rows(application, stage, part.items, by)
            answering.save(application, stage, self.typed(application, stage), by=by, done=True, now=self.now)
            db.session.expire(application)

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
        path = CRITERIA[form.key]
        raw = {f"{form.key}-{level.key}": [option] for level, option in zip(form.levels, path, strict=True)}
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
        self.fire(application, "send_file", "first_head")

    # The Exchange's side

    def fire(self, application: Application, trigger: str, part: str, words: str = "") -> None:
        """Take a transition."""
        by = self.person(part)
        moves.fire(application, trigger, by=by, seen=application.version, words=words, now=here.now())
        db.session.expire(application)

    def work(self, application: Application, stage: str, part: str, trigger: str) -> None:
        """Fill a stage of the Exchange and take its transition."""
        self.fill(application, (stage,))
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

    def finish_expertise(self, application: Application) -> None:
        """Finish the reviews without remarks."""
        self.fill(application, ("listing_review", "legal_review", "financial_review"))
        self.fire(application, "finish_expertise", "listing")
