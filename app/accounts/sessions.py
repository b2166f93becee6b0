"""Login sessions: one row for each sign-in, which its owner sees and ends.

Moments are the real ones, also where the demo's clock has been moved: that is for the terms of applications.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select, true, update

from app import db
from app.accounts import policy
from app.accounts.models import LoginSession, User
from app.audit import operations as audit
from app.errors import NotFound

SEEN_AGAIN = timedelta(minutes=1)
"""How old the note of somebody's presence may become before it is written anew."""

_BROWSERS = (
    ("Yandex", r"YaBrowser/(\d+)"),
    ("Edge", r"Edg(?:A|iOS)?/(\d+)"),
    ("Opera", r"OPR/(\d+)"),
    ("Firefox", r"(?:Firefox|FxiOS)/(\d+)"),
    ("Chrome", r"(?:Chrome|CriOS)/(\d+)"),
    ("Safari", r"Version/(\d+).*Safari/"),
)
_SYSTEMS = (
    ("Android", r"Android"),
    ("iOS", r"iPhone|iPad"),
    ("Windows", r"Windows"),
    ("macOS", r"Mac OS X|Macintosh"),
    ("Linux", r"Linux|X11"),
)


def browser_name(agent: str) -> str:
    """Return browser and system out of a User-Agent, "" where neither is known: "Firefox 141, Windows"."""
    found = next((f"{name} {match[1]}" for name, shape in _BROWSERS if (match := re.search(shape, agent))), "")
    system = next((name for name, shape in _SYSTEMS if re.search(shape, agent)), "")
    return ", ".join(part for part in (found, system) if part)


def begin(
    user: User, *, address: str, agent: str, now: datetime, way: str = "password", place_id: int | None = None
) -> str:
    """Begin a session of ``user`` and return its secret; ``way`` is how he got in (``password``, ``key``).

    ``place_id`` is the membership in which it begins, None: his usual one.
    """
    token = secrets.token_urlsafe(32)
    db.session.add(
        LoginSession(
            user_id=user.id,
            token_hash=_hashed(token),
            address=address[:45],
            browser=browser_name(agent)[:100],
            way=way,
            place_id=place_id or (user.usual.id if user.usual is not None else None),
            begun_at=now,
            last_seen_at=now,
        )
    )
    db.session.flush()
    return token


def of_secret(token: str, *, now: datetime) -> LoginSession | None:
    """Return the session of a secret with its user, if it stands and he is active."""
    found = db.session.scalars(select(LoginSession).where(LoginSession.token_hash == _hashed(token))).unique().first()
    return found if found is not None and found.user.is_active and stands(found, now=now) else None


def stands(session: LoginSession, *, now: datetime) -> bool:
    """Tell whether a session has neither been ended nor ended by itself."""
    return session.ended_at is None and now < ends_at(session)


def ends_at(session: LoginSession) -> datetime:
    """Return when a session ends by itself if nobody comes."""
    given = policy.rules().sessions
    idle = session.last_seen_at + timedelta(minutes=given.idle_minutes)
    return min(idle, session.begun_at + timedelta(hours=given.absolute_hours))


def left(session: LoginSession, *, seen: bool, now: datetime) -> tuple[int, str]:
    """Return how many seconds remain of a session, and what ends it: ``idle`` (presence prolongs it) or ``absolute``.

    ``seen``: its owner is there now, whether that has been noted or not.
    """
    given = policy.rules().sessions
    idle = (now if seen else session.last_seen_at) + timedelta(minutes=given.idle_minutes)
    absolute = session.begun_at + timedelta(hours=given.absolute_hours)
    return max(0, int((min(idle, absolute) - now).total_seconds())), "idle" if idle < absolute else "absolute"


def is_long_unseen(session: LoginSession, *, now: datetime) -> bool:
    """Tell whether the presence of the session's owner should be noted anew."""
    return now - session.last_seen_at >= SEEN_AGAIN


def note_presence(session: LoginSession, *, now: datetime) -> None:
    """Note that the owner of a session is there."""
    db.session.execute(
        update(LoginSession).where(LoginSession.id == session.id).values(last_seen_at=now),
        execution_options={"synchronize_session": "evaluate"},
    )


def standing_of(user: User, *, now: datetime) -> Sequence[LoginSession]:
    """Return the standing sessions of ``user``, the one seen last first."""
    rows = db.session.scalars(
        select(LoginSession)
        .where(LoginSession.user_id == user.id, LoginSession.ended_at.is_(None))
        .order_by(LoginSession.last_seen_at.desc(), LoginSession.id.desc())
    )
    return [row for row in rows.unique() if stands(row, now=now)]


def end(user: User, session_id: int, *, now: datetime) -> None:
    """End one session of ``user``.

    Raises:
        NotFound: he has no such standing session.
    """
    session = next((row for row in standing_of(user, now=now) if row.id == session_id), None)
    if session is None:
        raise NotFound
    close(session, ending="owner", now=now)
    audit.record("session_ended", f"user {user.id}", by=user.id, at=now, session=session.id)


def close(session: LoginSession, *, ending: str, now: datetime) -> None:
    """Let a session be over; ``ending`` is a word of the code: logout, owner, password, roles, block,
    compromise, codes, guesses, generator."""
    session.ended_at, session.ending = now, ending


def place_in(session: LoginSession) -> int | None:
    """Return the membership in which the owner of a session works in it; None: in his only one, or at the Exchange.

    A place that he has lost is left for another one of his.
    """
    user = session.user
    usual = user.usual
    if usual is not None and usual.id == session.place_id and usual.is_active:
        return usual.id  # so it is with nearly everybody, and nothing is asked of the database
    if usual is None or (session.place_id is None and usual.is_active):
        return None
    places = user.places
    own = next((each.id for each in places if each.id == session.place_id), None)
    return own or (usual.id if usual in places else next((each.id for each in places), None))


def move(session: LoginSession, place_id: int) -> None:
    """Let the owner of a session work elsewhere in it; what a one-time code has opened is shut."""
    session.place_id = place_id
    session.opened_at = session.used_at = session.code_at = None


def move_all(user: User, place_id: int, *, to: int) -> None:
    """Let the sessions in which ``user`` works in a membership that he has lost go on in another one of his."""
    db.session.execute(
        update(LoginSession)
        .where(LoginSession.user_id == user.id, LoginSession.ended_at.is_(None), LoginSession.place_id == place_id)
        .values(place_id=to, opened_at=None, used_at=None, code_at=None),
        execution_options={"synchronize_session": "fetch"},
    )


def end_all(user: User, *, ending: str, now: datetime, but: int | None = None, place_id: int | None = None) -> int:
    """End the sessions of ``user``, all but one if ``but`` names it, and return how many they were.

    To be called whenever what he may do changes: password, roles, block, being switched off.  ``place_id``: his
    rights have changed in one membership, and sessions in which he works elsewhere go on.
    """
    here_alone = true() if place_id is None else or_(LoginSession.place_id.is_(None), LoginSession.place_id == place_id)
    ended = db.session.execute(
        update(LoginSession)
        .where(
            LoginSession.user_id == user.id,
            LoginSession.ended_at.is_(None),
            LoginSession.id != (but or 0),
            here_alone,
        )
        .values(ended_at=now, ending=ending),
        execution_options={"synchronize_session": "fetch"},
    )
    if but is not None:  # what was opened by a code ends even where the session goes on
        db.session.execute(
            update(LoginSession)
            .where(LoginSession.id == but)
            .values(opened_at=None, used_at=None, code_at=None, proved_at=None),
            execution_options={"synchronize_session": "fetch"},
        )
    return int(ended.rowcount)  # type: ignore[attr-defined]


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
