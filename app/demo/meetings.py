"""The demo's bodies and meetings: one held today, one coming, told with the rooms' own verbs."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select

from app import db
from app.accounts.models import User
from app.applications.models import Application
from app.bodies.voting import Choice, Presence
from app.decisions import convening, deciding, membership, minutes, queries, sitting
from app.decisions.models import AgendaItem, BodyMember, Meeting, Office
from app.demo import stories
from app.demo.stories import MEETING_STORIES, STORIES
from app.sandbox.pki import SandboxPki
from app.web import here
from app.web.templating import ZONE

_OUTSIDERS = {
    "listing_commission": (
        (Office.CHAIR, "Сүлейменов Қайрат Бақытұлы", "Тәуелсіз сарапшы"),
        (Office.MEMBER, "Ким Виктория Сергеевна", "Брокерлік ұйымдар қауымдастығының өкілі"),
    ),
    "management_board": (
        (Office.CHAIR, "Әбдірахманов Ерік Тоқтарұлы", "Басқарма төрағасы"),
        (Office.MEMBER, "Жақсыбекова Айнұр Маратқызы", "Басқарма төрағасының орынбасары"),
    ),
    "board_of_directors": (
        (Office.CHAIR, "Оразбаев Марат Сейітұлы", "Директорлар кеңесінің төрағасы"),
        (Office.MEMBER, "Петров Андрей Николаевич", "Тәуелсіз директор"),
        (Office.MEMBER, "Тұрсынова Меруерт Асанқызы", "Тәуелсіз директор"),
    ),
    "audit_committee": (
        (Office.CHAIR, "Тұрсынова Меруерт Асанқызы", "Тәуелсіз директор"),
        (Office.MEMBER, "Ли Сергей Владимирович", "Аудит жөніндегі сарапшы"),
        (Office.MEMBER, "Қанатова Әлия Бекқызы", "Аудит жөніндегі сарапшы"),
    ),
}
_STAFF = {"listing_commission": ("listing_head", "lawyer", "analyst"), "management_board": ("listing_head",)}
"""Body -> the Exchange's people who sit in it."""

CONDITIONS = (
    (
        {
            "kk": "Облигация ұстаушыларды сатып алу тәртібі туралы жариялау.",
            "ru": "Опубликовать порядок выкупа у держателей облигаций.",
        },
        10,
    ),
    (
        {
            "kk": "Тізімнен шығару күніне дейінгі барлық жарналарды төлеу.",
            "ru": "Оплатить все взносы, начисленные до дня исключения из списка.",
        },
        45,
    ),
)
"""Of the decision made at the meeting that was held: words, and in how many days it is due."""


def load(pki: SandboxPki) -> None:
    """Tell the meetings, unless they have been told."""
    with db.transaction() as session:
        if session.scalar(select(Meeting.id).limit(1)) is None:
            _Secretary(pki, here.now()).tell()


class _Secretary:
    def __init__(self, pki: SandboxPki, now: datetime) -> None:
        self.now, self.today = now, queries.local_day(now)
        self.tellers = [stories.teller(STORIES[number], number, pki) for number in MEETING_STORIES]
        self.by = self.person("secretary")

    def person(self, key: str) -> User:
        return self.tellers[0].person(key)

    def tell(self) -> None:
        """Name the members, hold one meeting with a decision and a postponement, appoint another."""
        for body in queries.bodies():
            self._members(body.key)
        decided, postponed, coming = (self._application(number) for number in MEETING_STORIES)
        held = self._meeting(self.today, f"{self.now.astimezone(ZONE):%H}:00", decided, postponed)
        self._sit(held)
        first, second = held.agenda
        self._decide(first)
        sitting.put_off(
            second,
            reason="Қосымша қаржылық мәліметтер сұратылды.",
            seen=held.version,
            by=self.by,
            now=self.now,
        )
        minutes.close(held, seen=held.version, by=self.by, now=self.now)
        day = self.today + timedelta(days=7)
        while day.weekday() >= 5:
            day += timedelta(days=1)
        self._meeting(day, "15:00", postponed, coming)
        self.tellers[0].lead(decided, "result")

    def _application(self, number: int) -> Application:
        return db.session.scalars(select(Application).order_by(Application.id).offset(number).limit(1)).one()

    def _members(self, body: str) -> None:
        people: list[tuple[Office, User | None, str, str]] = [
            (office, None, name, position) for office, name, position in _OUTSIDERS.get(body, ())
        ]
        people += [(Office.MEMBER, self.person(key), "", "") for key in _STAFF.get(body, ())]
        people.append((Office.SECRETARY, self.by, "", ""))
        for office, user, name, position in people:
            membership.add_member(
                body,
                user_id=user.id if user else None,
                name=name,
                position=position,
                office=office,
                since=self.today - timedelta(days=300),
                by=self.by,
                now=self.now,
            )

    def _meeting(self, day: date, starts: str, *applications: Application) -> Meeting:
        meeting = convening.create(
            "listing_commission",
            day=day,
            starts=starts,
            place="Алматы қ., Бас мәжіліс залы",
            is_remote=False,
            on_day_off=True,
            by=self.by,
            now=self.now,
        )
        for application in applications:
            convening.put_on(meeting, application, seen=meeting.version, by=self.by, now=self.now)
        convening.appoint(meeting, seen=meeting.version, by=self.by, now=self.now)
        return meeting

    def _sit(self, meeting: Meeting) -> None:
        """Everybody is there but the last, one of them from afar."""
        voters = queries.voters(meeting)
        presence: dict[int, str] = {member.id: Presence.PRESENT for member in voters}
        presence[voters[1].id], presence[voters[-1].id] = Presence.REMOTE, Presence.ABSENT
        sitting.record_attendance(meeting, presence, seen=meeting.version, by=self.by, now=self.now)

    def _decide(self, item: AgendaItem) -> None:
        """One has a conflict of interest, one votes against with an opinion; granted with conditions."""
        meeting = item.meeting
        there: list[BodyMember] = [each for each in queries.voters(meeting) if meeting.presence(each.id).is_there]
        reason = "Компанияның акцияларын иеленеді."
        sitting.declare_conflict(item, there[-1].id, reason=reason, seen=meeting.version, by=self.by, now=self.now)
        choices: dict[int, str] = {member.id: Choice.FOR for member in there[:-1]}
        choices[there[1].id] = Choice.AGAINST
        sitting.vote(
            item,
            proposal="grant_with_conditions",
            choices=choices,
            opinions={there[1].id: "Мерзімі жеткіліксіз деп санаймын."},
            seen=meeting.version,
            by=self.by,
            now=self.now,
        )
        for texts, days in CONDITIONS:
            due = self.today + timedelta(days=days)
            deciding.add_condition(item, texts=texts, due=due, seen=meeting.version, by=self.by, now=self.now)
        deciding.decide(item, {"effective_date": []}, seen=meeting.version, by=self.by, now=self.now)
