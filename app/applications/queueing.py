"""The queues of the Exchange: take, give back, hand over to a colleague, take over from one.

None of them moves the application, so its version does not grow; two people at once meet at the row of who
holds it, and the second is told who was first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import lazyload

from app import db
from app.accounts import queries as people
from app.accounts.models import User
from app.applications import holders, moves, queries, taking
from app.applications.models import Application, Holding
from app.errors import AppError, Conflict, Invalid, NotFound, NotPermitted, Term
from app.notifications import operations as notifications
from app.permissions import EXECUTOR_ROLES, queues_headed_by, queues_of

MOST_AT_ONCE = 50
LONGEST_WORD = 1000


def queues_here(application: Application) -> tuple[str, ...]:
    """Return the queues in which the application lies now, or out of which it has been taken."""
    return taking.queues_at(queries.procedure(application), application.process)


def colleagues(executor: str) -> list[User]:
    """Return who may be given the work of a queue, by name."""
    role = EXECUTOR_ROLES.get(executor)
    return sorted(people.holders(role), key=lambda user: user.name) if role else []


def may_hand_over(application: Application, executor: str, user: User, *, now: datetime) -> bool:
    """Tell whether ``user`` may say who works on it: the queue's head always, the holder by passing it on."""
    if executor in queues_headed_by(user.roles):
        return True
    return holders.holder(application, executor) is not None and holders.may_act(application, user, executor, now=now)


def take(application: Application, executor: str, *, by: User, now: datetime) -> None:
    """Become the named executor of what lies in a queue; twice is once.

    Raises:
        NotPermitted: ``by`` does not hold the queue's role.
        Held: a colleague was first.
        Conflict: the application is in another process now.
    """
    _require_here(application, executor)
    if executor not in queues_of(by.roles):
        raise NotPermitted("app.err.not_executor", who=Term(f"workflow.executor.{executor}"))
    taking.take(application, executor, by=by, now=now)


def give_back(application: Application, executor: str, *, by: User, now: datetime, words: str = "") -> None:
    """Lay it back into the queue: who holds it, his substitute, or the head; what lies there stays there.

    Raises:
        NotPermitted: ``by`` is none of these.
        Invalid: the words are too long.
    """
    _require_here(application, executor)
    held = holders.holding(application, executor)
    if held is None:
        if executor in queues_of(by.roles) | queues_headed_by(by.roles):
            return
        raise NotPermitted
    if not may_hand_over(application, executor, by, now=now):
        raise NotPermitted("queues.err.not_yours", user=held.user.name)
    words = _said(words)
    taking.end(application, held, "given_back", now=now)
    taking.note(application, "give_back", by=by, now=now, executor=executor, holder=held.user, words=words)
    if held.user_id != by.id:
        _tell(application, held.user, "notice.work_given_back", by=by, now=now)


def hand_over(
    application: Application,
    executor: str,
    to_id: int | None,
    *,
    seen: int,
    by: User,
    now: datetime,
    words: str = "",
) -> None:
    """Make a person of the role the holder, instead of nobody or of who holds it; both are told.

    ``seen`` is the id of the holder on the screen, 0 for nobody.

    Raises:
        NotPermitted: ``by`` is neither the queue's head nor its holder.
        Invalid: the person chosen is not of the role, or the words are too long.
        Conflict: somebody else holds it than was on the screen.
    """
    _require_here(application, executor)
    if not may_hand_over(application, executor, by, now=now):
        raise NotPermitted("queues.err.head_only", role=Term(f"workflow.executor.{executor}"))
    words = _said(words)
    chosen = next((user for user in colleagues(executor) if user.id == to_id), None)
    if chosen is None:
        raise Invalid.at("to", "queues.err.choose")
    held = holders.holding(application, executor)
    if held is not None and held.user_id == chosen.id:
        return
    _require_seen(held, seen)
    _give(application, executor, chosen, by=by, now=now, words=words)


def choose_next(application: Application, to_id: int | None, *, by: User, now: datetime) -> User | None:
    """Name who takes up the process that the application has just come to, as whoever sent it there has chosen.

    Nobody is named where nobody was chosen, or where it has come back to somebody.

    Raises:
        Invalid: the person chosen is not of the role that works there.
    """
    executor = queries.procedure(application).processes[application.process].executor or ""
    if to_id is None or executor not in queues_here(application):
        return None
    chosen = next((user for user in colleagues(executor) if user.id == to_id), None)
    if chosen is None:
        raise Invalid.at("to", "queues.err.choose")
    if holders.holding(application, executor) is None:
        _give(application, executor, chosen, by=by, now=now, words="")
    return chosen


def _give(application: Application, executor: str, chosen: User, *, by: User, now: datetime, words: str) -> None:
    held = holders.holding(application, executor)
    if held is not None:
        taking.end(application, held, "reassigned", now=now)
    taking.begin(application, executor, chosen, by=by, now=now)
    said = f"{held.user.name} → {chosen.name}" if held else chosen.name
    said = f"{said}. {words}" if words else said
    taking.note(application, "hand_over", by=by, now=now, executor=executor, holder=chosen, words=said)
    if chosen.id != by.id:
        _tell(application, chosen, "notice.work_given", by=by, now=now, words=words, is_call=True)
    if held is not None and held.user_id != by.id:
        _tell(application, held.user, "notice.work_reassigned", by=by, now=now, words=words, to=chosen.name)


def take_over(application: Application, executor: str, *, seen: int, by: User, now: datetime, words: str) -> None:
    """Become the holder instead of a colleague, with a reason that he is told.

    ``seen`` is the id of the holder on the screen.

    Raises:
        NotPermitted: ``by`` does not hold the queue's role.
        Invalid: no reason is given, or it is too long.
        Conflict: somebody else holds it than was on the screen.
    """
    _require_here(application, executor)
    if executor not in queues_of(by.roles):
        raise NotPermitted("app.err.not_executor", who=Term(f"workflow.executor.{executor}"))
    held = holders.holding(application, executor)
    if held is not None and held.user_id == by.id:
        return
    _require_seen(held, seen)
    words = _said(words)
    if not words:
        raise Invalid.at("words", "err.reason_required")
    if held is not None:
        taking.end(application, held, "taken_over", now=now)
    taking.begin(application, executor, by, by=by, now=now)
    said = f"{held.user.name} → {by.name}. {words}" if held else words
    taking.note(application, "take_over", by=by, now=now, executor=executor, holder=by, words=said)
    if held is not None:
        _tell(application, held.user, "notice.work_taken_over", by=by, now=now, words=words)


# Many at once


@dataclass(frozen=True)
class Verdict:
    """What became of one row: ``refusal`` is None where it was done."""

    number: str
    executor: str
    refusal: AppError | None


Act = Callable[[Application, str], None]


def each(chosen: Iterable[tuple[int, str]], act: Act, *, by: User) -> list[Verdict]:
    """Do ``act`` to each row, application and queue, by itself: one that is refused leaves nothing behind.

    They are done in the order of the applications, so that two people at once never wait for each other, and
    told in the order in which they came.

    Raises:
        Invalid: nothing is chosen, or more than ``MOST_AT_ONCE``.
    """
    rows = list(dict.fromkeys(chosen))
    if not rows:
        raise Invalid.at("row", "queues.err.none_chosen")
    if len(rows) > MOST_AT_ONCE:
        raise Invalid.at("row", "queues.err.too_many", most=MOST_AT_ONCE, n=len(rows))
    verdicts = {row: _one(*row, act, by) for row in sorted(rows)}
    return [verdicts[row] for row in rows]


def _one(ident: int, executor: str, act: Act, by: User) -> Verdict:
    statement = select(Application).where(Application.id == ident, queries.visible_to(by)).with_for_update()
    application = db.session.scalars(statement.options(lazyload(Application.organisation))).one_or_none()
    if application is None:
        return Verdict("", executor, NotFound())
    number = application.number
    try:
        with db.session.begin_nested():
            act(application, executor)
    except AppError as refusal:
        db.session.expire(application, ["holdings"])
        return Verdict(number, executor, refusal)
    return Verdict(number, executor, None)


# Beneath the verbs


def _require_here(application: Application, executor: str) -> None:
    if executor not in queues_here(application):
        raise Conflict("queues.err.not_here")


def _require_seen(held: Holding | None, seen: int) -> None:
    """Refuse what was decided while somebody else held it.

    Raises:
        Held, Conflict: who holds it now, or that nobody does.
    """
    if held is None and seen:
        raise Conflict("queues.err.free_now")
    if held is not None and held.user_id != seen:
        raise taking.Held(held)


def _said(words: str) -> str:
    words = words.strip()
    if len(words) > LONGEST_WORD:
        raise Invalid.at("words", "app.err.comment_long", max=LONGEST_WORD)
    return words


def _tell(
    application: Application,
    user: User,
    message: str,
    *,
    by: User,
    now: datetime,
    words: str = "",
    is_call: bool = False,
    to: str = "",
) -> None:
    process = queries.procedure(application).processes[application.process]
    said: dict[str, object] = {"number": application.number, "process": process.short_title.model_dump()}
    said |= {"who": by.name, "words": words or "–", "to": to}
    about = moves.about(application)
    notifications.notify([user], message, about=about, now=now, params=said, action_required=is_call)
