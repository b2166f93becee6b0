"""The minutes of a meeting: made when it is over, in Kazakh and Russian, and corrected only by a new version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app import pdf
from app.accounts.models import User
from app.applications import queries as applications
from app.bodies import voting
from app.bodies.voting import Choice, Seat, Tally
from app.decisions import queries, sitting
from app.decisions.convening import LONGEST_WORDS, note
from app.decisions.models import AgendaItem, ItemState, Meeting, MeetingState, Minutes, Office, Vote
from app.errors import Conflict, Invalid, NotFound
from app.terms import say
from app.web import here
from app.web.templating import paper

LANGUAGES = ("kk", "ru")
"""Of the minutes, one after the other."""


@dataclass(frozen=True)
class Ballot:
    """One proposal put to the vote, the votes on it and what they amount to."""

    proposal: dict[str, str]
    votes: Sequence[Vote]
    tally: Tally


@dataclass(frozen=True)
class Matter:
    """One item as the minutes tell it; texts by language."""

    item: AgendaItem
    procedure: dict[str, str]
    company: dict[str, str]
    ballots: Sequence[Ballot]
    outcome: dict[str, str] | None

    @property
    def is_postponed(self) -> bool:
        """Whether it waits for another meeting."""
        return self.item.state == ItemState.POSTPONED


def matters(meeting: Meeting) -> list[Matter]:
    """Return what was before a meeting, in its order."""
    return [_matter(item) for item in meeting.agenda]


def _matter(item: AgendaItem) -> Matter:
    application = item.application
    words = {key: said.words for key, said in sitting.outcomes(application).items()}
    return Matter(
        item,
        applications.procedure(application).title.model_dump(),
        dict(application.organisation.names),
        [_ballot(item, number, words) for number in sorted({row.ballot for row in item.votes})],
        words.get(item.outcome) if item.outcome else None,
    )


def _ballot(item: AgendaItem, number: int, words: dict[str, dict[str, str]]) -> Ballot:
    cast = [row for row in item.votes if row.ballot == number]
    choices = {row.member_id: Choice(row.choice) for row in cast}
    seats = [
        Seat(seat.member, seat.is_chair, seat.is_there, seat.has_conflict, choices.get(seat.member))
        for seat in queries.seats(item)
    ]
    rule = queries.body(item.meeting.body).rule(item.meeting.day)
    proposal = cast[0].proposal
    return Ballot(words.get(proposal, dict.fromkeys(words, proposal)), cast, voting.tally(rule, seats))


def close(meeting: Meeting, *, seen: int, by: User, now: datetime) -> Minutes:
    """End a meeting and make its minutes.

    Raises:
        Conflict: it has moved, is not sitting, or a matter is neither decided nor postponed.
    """
    meeting.require_version(seen)
    sitting.require_sitting(meeting, now)
    left = [item.application.number for item in meeting.agenda if item.is_open]
    if left:
        raise Conflict("meetings.err.items_open", numbers=", ".join(left))
    meeting.state, meeting.held_at = MeetingState.HELD, now
    made = _make(meeting, reason="", text="", by=by, now=now)
    note(meeting, "closed", by=by, now=now)
    return made


def correct(meeting: Meeting, *, reason: str, text: str, seen: int, by: User, now: datetime) -> Minutes:
    """Make a new version of the minutes with a correction; the earlier ones stay as they are.

    Raises:
        Conflict: the meeting has moved, or has no minutes yet.
        Invalid: the correction or its reason is missing.
    """
    meeting.require_version(seen)
    if meeting.state != MeetingState.HELD:
        raise Conflict("meetings.err.not_held")
    reason, text = reason.strip()[:LONGEST_WORDS], text.strip()[:LONGEST_WORDS]
    if not text:
        raise Invalid.at("text", "err.required")
    if not reason:
        raise Invalid.at("reason", "err.reason_required")
    made = _make(meeting, reason=reason, text=text, by=by, now=now)
    note(meeting, "corrected", by=by, now=now, words=reason)
    return made


def version(meeting: Meeting, number: int) -> Minutes:
    """Return a version of the minutes; NotFound if there is none."""
    found = next((row for row in meeting.minutes if row.version == number), None)
    if found is None:
        raise NotFound
    return found


def _make(meeting: Meeting, *, reason: str, text: str, by: User, now: datetime) -> Minutes:
    number = len(meeting.minutes) + 1
    corrections = [(row.version, row.text, row.reason) for row in meeting.minutes if row.text]
    if text:
        corrections.append((number, text, reason))
    page = paper(
        "pdf/minutes.html",
        LANGUAGES[0],
        tell=_tell,
        tongues=LANGUAGES,
        meeting=meeting,
        body=queries.body(meeting.body),
        version=number,
        corrections=corrections,
        at=now,
        **_people(meeting),
        tally=queries.tally_of_meeting(meeting),
        matters=matters(meeting),
    )
    content = pdf.render(page)
    row = Minutes(
        version=number,
        reason=reason,
        text=text,
        size=len(content),
        sha256=here.storage().put(content),
        by_id=by.id,
        at=now,
    )
    meeting.minutes.append(row)
    return row


def _tell(code: str, key: str, **params: object) -> str:
    return say(key, code, **params)


def _people(meeting: Meeting) -> dict[str, Any]:
    return {
        "voters": [(member, meeting.presence(member.id)) for member in queries.voters(meeting)],
        "chair": queries.holder(meeting, Office.CHAIR),
        "secretary": queries.holder(meeting, Office.SECRETARY),
    }


def name(meeting: Meeting, row: Minutes) -> str:
    """Return the name of the file of a version."""
    again = f"-v{row.version}" if row.version > 1 else ""
    return f"{meeting.body}-{meeting.day.year}-{meeting.number}{again}.pdf"
