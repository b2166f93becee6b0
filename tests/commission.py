"""A secretary who holds meetings of the deciding bodies of the demo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from factories import person

from app.accounts.models import User
from app.applications.models import Application
from app.bilingual import Texts, alike
from app.bodies.voting import Choice, Presence
from app.decisions import convening, deciding, queries, sitting
from app.decisions.models import AgendaItem, Meeting

COMMISSION = "listing_commission"


@dataclass
class Secretary:
    """Acts by the room's verbs, each time with the version that stands."""

    now: datetime
    user: User = field(default_factory=lambda: person("secretary"))

    @property
    def today(self) -> date:
        """The day in Kazakhstan."""
        return queries.local_day(self.now)

    def meeting(
        self, *applications: Application, days: int = 0, body: str = COMMISSION, appointed: bool = True
    ) -> Meeting:
        """Return a meeting in so many days with these on its agenda."""
        meeting = convening.create(
            body,
            day=self.today + timedelta(days=days),
            starts="15:00",
            place="Бас зал",
            is_remote=False,
            on_day_off=True,
            by=self.user,
            now=self.now,
        )
        for application in applications:
            self.put_on(meeting, application)
        if appointed:
            self.appoint(meeting)
        return meeting

    def put_on(self, meeting: Meeting, application: Application) -> AgendaItem:
        return convening.put_on(meeting, application, seen=meeting.version, by=self.user, now=self.now)

    def appoint(self, meeting: Meeting) -> None:
        convening.appoint(meeting, seen=meeting.version, by=self.user, now=self.now)

    def attend(self, meeting: Meeting, there: int = 5) -> None:
        """Record that the first ``there`` members with a vote are there."""
        voters = queries.voters(meeting)
        presence = {
            row.id: str(Presence.PRESENT if number < there else Presence.ABSENT) for number, row in enumerate(voters)
        }
        sitting.record_attendance(meeting, presence, seen=meeting.version, by=self.user, now=self.now)

    def vote(
        self, item: AgendaItem, proposal: str, signs: str = "+++++", opinions: Mapping[int, str] | None = None
    ) -> None:
        """Record votes in the order of the members with a vote: + for, - against, 0 abstained."""
        choices = {"+": Choice.FOR, "-": Choice.AGAINST, "0": Choice.ABSTAINED}
        cast = {row.id: str(choices[sign]) for row, sign in zip(queries.voters(item.meeting), signs, strict=False)}
        sitting.vote(
            item,
            proposal=proposal,
            choices=cast,
            opinions=opinions or {},
            seen=item.meeting.version,
            by=self.user,
            now=self.now,
        )

    def condition(self, item: AgendaItem, text: str | Texts, days: int | None = 10) -> None:
        due = self.today + timedelta(days=days) if days is not None else None
        texts = alike(text) if isinstance(text, str) else text
        deciding.add_condition(item, texts=texts, due=due, seen=item.meeting.version, by=self.user, now=self.now)

    def decide(self, item: AgendaItem, **raw: str) -> None:
        given = {name: [text] for name, text in raw.items()}
        deciding.decide(item, given, seen=item.meeting.version, by=self.user, now=self.now)
