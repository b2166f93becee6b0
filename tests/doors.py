"""An application led through the doors of the pages: every act is a form sent by who may send it, signed in.

What is typed are the examples of the forms, as the demo's stories type them; where a page carries a version or a
revision, the one that stands is sent, as the page would carry it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from browser import Browser, Page, signed_in, words
from factories import refetched
from houses import House

from app import catalogue, db
from app.applications import answering, conditions, criteria, document, queries
from app.applications.models import Application
from app.decisions import queries as meetings
from app.decisions.models import AgendaItem
from app.decisions.sitting import outcome_field
from app.demo import stories
from app.forms.definitions import DynamicForm
from app.forms.outline import Asked, Rows
from app.web import here
from app.workflows.parts import StageKind, Transition


class Visitor(stories._Teller):
    """Leads one application from page to page; asserts that every form is taken."""

    def __init__(self, house: House, story: stories.Story, pki: Any) -> None:
        super().__init__(story, 88, pki)
        self.house = house
        self.procedure = catalogue.present().procedures.get(story.procedure)
        self.number_of = ""
        self._browsers: dict[str, Browser] = {}

    # who is at the door

    @property
    def application(self) -> Application:
        """The application as it stands now."""
        return refetched(self.number_of)

    def door(self, part: str) -> Browser:
        """Return the browser of who plays a part, signed in."""
        key = stories._PEOPLE_OF[self.story.company].get(part, part)
        if key not in self._browsers:
            self._browsers[key] = signed_in(self.house, key)
        return self._browsers[key]

    def send(self, part: str, path: str, **data: Any) -> Page:
        """Send a form; it must be taken."""
        page = self.tried(part, path, **data)
        assert page.status == 303, f"{part} {path}: {page.status} {self._refusal(page)}"
        assert not page.location.startswith("/login"), f"{part} is not signed in any more"
        return page

    def tried(self, part: str, path: str, **data: Any) -> Page:
        """Send a form, whatever comes of it."""
        return self.door(part).post(path, data)

    def _refusal(self, page: Page) -> str:
        told = [item for item in page.root.iter() if item.get("data-error-for") or "alert" in item.get("class", "")]
        return " | ".join(map(words, told))[:800]

    def at(self, *rest: str) -> str:
        """Return the address of a page of the application."""
        return "/".join((f"/applications/{self.number_of}", *rest))

    # the applicant's side, and whatever is filled in

    def begin(self, **data: str) -> None:
        """Begin the procedure as who begins it, for the story's company; ``data`` goes with the form."""
        company = self.person("author").organisation
        assert company is not None
        path = f"/procedures/{self.procedure.key}/new"
        answer = self.send(self.procedure.started_by or "author", path, company=str(company.id), **data)
        self.number_of = answer.location.rsplit("/", 1)[1]

    def fill_stage(self, stage: str) -> None:
        """Fill and finish a stage by its forms' examples: entries and rows first, then all the rest at once."""
        part = self.procedure.executor_of(stage, self.application.process)
        if stage == "conclusion":
            self.judge_criteria()
        path = self.at("stages", stage)
        for form in answering.forms(self.application, stage):
            if isinstance(form, DynamicForm):
                self.send(part, path, add=form.key, revision=self.revision(stage), **self._criteria(form))
        newest = queries.latest(self.application, stage)
        there = newest.values if newest else {}  # what has been carried over has its rows
        for asking, prefix, values in list(self._examples(self.application, stage)):
            for section in asking.outline(values, prefix):
                carried = there.get(asking.key, {})
                items = [item for item in section.items if not carried.get(item.field.key)]
                self._add_rows_of(stage, items, part)
        typed = self.typed(self.application, stage)
        files = {
            name: [(io.BytesIO(upload.content), upload.name) for upload in uploads]
            for name, uploads in typed.uploads.items()
        }
        self.send(part, path, done="yes", revision=str(typed.seen), **{**typed.raw, **files})

    def revision(self, stage: str) -> str:
        """Return the revision of a stage's answers, as its page carries it."""
        newest = queries.latest(self.application, stage)
        return str(newest.revision if newest else 0)

    def _criteria(self, form: DynamicForm) -> dict[str, Any]:
        path = stories.CRITERIA_OF.get(self.story.procedure, stories.CRITERIA[form.key])
        raw = {f"{form.key}-{level.key}": option for level, option in zip(form.levels, path, strict=False)}
        return raw | {f"{form.key}-{item.key}": item.entry(item.example_value()) for item in form.keys}

    def _add_rows_of(self, stage: str, items: Any, part: str) -> None:
        for group in items:
            if isinstance(group, Asked):
                continue
            assert isinstance(group, Rows)
            for row in group.rows:
                data = {"row-add": group.path, "revision": self.revision(stage)}
                self.send(part, self.at("stages", stage), **data)
                self._add_rows_of(stage, row.items, part)

    def agree_and_send_signature(self) -> None:
        """Agree, and sign with the sandbox key."""
        self.send("first_head", self.at("review"), agree="yes", seen=self.seen)
        self.door("first_head").get(self.at("sign"))  # makes the document that is signed
        offered = document.offered(self.application)
        key = stories._PEOPLE_OF[self.story.company]["first_head"]
        self.send("first_head", self.at("sign"), **self._signed(key, offered.sha256))

    @property
    def seen(self) -> str:
        """The version of the application, as its pages carry it."""
        return str(self.application.version)

    def _signed(self, key: str, sha256: str) -> dict[str, str]:
        cms = stories.sign_as(self.pki, key, here.storage().get(sha256), self.now)
        return {"sha256": sha256, "cms": base64.b64encode(cms).decode()}

    # the Exchange's side

    def judge_criteria(self) -> None:
        """Confirm what the answers say by themselves, judge the rest as met."""
        path, round_ = self.at("panel", "criteria"), str(self.application.round)
        self.send("listing", path, confirm="yes", round=round_)
        left = [ruling.key for ruling in criteria.rulings(self.application) if not ruling.is_settled]
        said = {f"verdict-{key}": "met" for key in left} | {f"note-{key}": "Тексерілді" for key in left}
        self.send("listing", path, round=round_, **said)

    def issue_paper(self) -> None:
        """Sign what the present process has written, as the Exchange."""
        head = self.door("listing_head")
        opened = head.get(self.at("issue"))
        assert opened.status == 303
        path = opened.location
        shown = next(found for item in head.get(path).root.iter() if (found := item.get("data-sha256")))
        self.send("listing_head", f"{path}/sign", **self._signed("listing_head", shown))

    def meet(self) -> None:
        """Put the application on the agenda of the body that decides on it, and appoint the meeting."""
        [body, *_] = meetings.bodies_of(self.application)
        day = (self.now + timedelta(days=self.until_meeting.days)).date().isoformat()
        given = {"body": body, "day": day, "day_off": "yes", "starts": "15:00", "place": "Бас зал"}
        given["application"] = self.number_of
        made = self.send("secretary", "/meetings/new", **given)
        self.send("secretary", made.location, act="appoint", seen=self._meeting_seen())

    def decide(self) -> None:
        """Record who is there, the votes and the decision."""
        path, data = self.vote()
        self.send("secretary", path, **data)

    def vote(self) -> tuple[str, dict[str, Any]]:
        """Record who is there and the votes; return the form that records the decision."""
        path, votes, raw = self.ballot()
        self.send("secretary", path, **votes)
        later = (self.now + timedelta(days=30)).strftime("%d.%m.%Y")
        raw |= {name: [later] for name in ("effective_date", "remedy_by") if name in raw}
        return path, {"act": "decide", "seen": self._meeting_seen(), **raw}

    def ballot(self) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Record who is there; return the item's address, the form of its votes, and the answers of its decision."""
        path = f"/meetings/{self._item().meeting_id}"
        voters = [str(row.id) for row in meetings.voters(self._item().meeting)]
        there = {f"presence-{ident}": "present" for ident in voters}
        self.send("secretary", path, act="attend", seen=self._meeting_seen(), **there)
        raw = self.typed(self.application, "decision").raw
        outcome = raw[outcome_field(self.application).key][0]
        votes = {f"vote-{ident}": "for" for ident in voters}
        given = {"act": "vote", "proposal": outcome, "seen": self._meeting_seen(), **votes}
        return f"{path}/items/{self._item().id}", given, raw

    def _item(self) -> AgendaItem:
        found = meetings.live_item(self.application)
        assert found is not None
        return found

    def _meeting_seen(self) -> str:
        db.session.expire_all()
        return str(self._item().meeting.version)

    # from process to process

    def lead_to(self, until: str) -> None:
        """Lead the application along the main road to a process, everything done that its way asks."""
        road = self.procedure.main_road
        while (here_ := self.application.process) != until:
            target = road[road.index(here_) + 1]
            ways = (each for each in self.procedure.transitions if (each.source, each.target) == (here_, target))
            self.take(next(way for way in ways if not way.is_interruption))
            assert self.application.process == target

    def take(self, way: Transition) -> None:
        """Do what is left of the present process, with the outcomes that a transition wants, and take it."""
        application = self.application
        decided = (found.row.then for found in conditions.chosen(application).values())
        self.wanted = {key: value for row in decided for key, value in row.items() if isinstance(value, str)}
        self.wanted |= {use.outcome.field: use.outcome.value for use in way.guards if use.outcome is not None}
        if "record_meeting" in way.effects:
            self.meet()
            return
        if "record_decision" in way.effects and way.source == "decision":
            self.decide()
            return
        if way.trigger == "register":
            self.send(way.by, self.at("registration"), act="register", seen=self.seen)
            return
        kinds = {stage: each.kind for stage, each in self.procedure.stages.items()}
        if "adviser_choice" in self.left():
            self.send("author", self.at("stages", "adviser_choice"), skip="yes")
        while todo := [stage for stage in self.left() if kinds[stage] in (StageKind.FILL, StageKind.WORK)]:
            self.fill_stage(todo[0])
        left = {kinds[stage] for stage in self.left()}
        if StageKind.SIGNING in left:
            self.agree_and_send_signature()
        if StageKind.ISSUING in left:
            self.issue_paper()
        self.press(way.trigger, way.by)

    def left(self) -> tuple[str, ...]:
        """Return what must still be done in the present process."""
        application = self.application
        return self.procedure.unfinished(queries.position(application))

    def press(self, trigger: str, part: str, **data: Any) -> Page:
        """Press the button of a transition; it must be taken."""
        return self.send(part, self.at("transitions", trigger), seen=self.seen, **data)

    def refused(self, trigger: str, part: str, **data: Any) -> Page:
        """Press the button of a transition that is not to be had here; nothing moves."""
        before = self.application.version
        reasons = dict.fromkeys(("reason", "reason-kk", "reason-ru"), "себебі")
        page = self.tried(part, self.at("transitions", trigger), seen=str(before), **reasons, **data)
        assert page.status in (403, 409), page.status
        assert self.application.version == before
        return page

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Let something happen through the pages, and take all of it back after, who signed in meanwhile too."""
        connection, there = db.session.get_bind(), dict(self._browsers)
        db.session.commit()  # its own savepoint would be around this one, and end it
        db.session.remove()
        nested = connection.begin_nested()
        try:
            yield
        finally:
            db.session.remove()
            nested.rollback()
            self._browsers = there
