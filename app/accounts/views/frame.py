"""What the screens of accounts share, and what stands before every request: who is there, and what he may open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, Flask, flash, g, redirect, request, session, url_for
from flask_login import LoginManager, current_user, logout_user
from sqlalchemy.exc import OperationalError
from werkzeug.wrappers import Response

from app import db
from app.accounts import agreements, policy, sessions
from app.accounts.models import LoginSession, User
from app.errors import Conflict
from app.permissions import Permission
from app.terms import LANGUAGES
from app.web import clock, here
from app.web.access import allowed
from app.web.errors import MOVED_PLACE
from app.web.templating import word
from app.web.transactions import READING

blueprint = Blueprint("accounts", __name__)
Answer = str | Response | tuple[str, int]

SECRET = "login"  # noqa: S105
"""Under which name the browser's session keeps the secret of the login session."""

WARNING = timedelta(minutes=5)
"""How long before its end a page tells that the session ends."""

PLACE, MOVED = "place", MOVED_PLACE
"""Under which names the browser's session keeps the membership its pages are drawn in, and that it was another once."""

_ALWAYS_OPEN = frozenset({"accounts.logout", "accounts.theme", "accounts.agreement", "static"})
_OPEN_WHILE_RENEWING = _ALWAYS_OPEN | {"accounts.profile", "accounts.password"}
_OPEN_TO_THE_INVITED = frozenset({"organisations.own_places", "organisations.answer_invitation"})
"""What is open to who works nowhere, and has no profile before he has answered, whatever his password."""

_OPEN_BEFORE_AGREEING = _ALWAYS_OPEN | {"accounts.agree"}


def stand_before(app: Flask) -> None:
    """Let ``app`` know who is there, and let nobody go on who must set a password or read the agreement first."""
    manager = LoginManager(app)
    manager.session_protection = None  # the session is a row of its own; an address may change under a phone

    @manager.user_loader  # type: ignore[untyped-decorator]
    def _load(name: str) -> User | None:
        found = sessions.of_secret(session.get(SECRET, ""), now=clock.unmoved())
        if found is None or str(found.user_id) != name:
            g.login_session = None
            return None
        g.login_session = found
        here.work_in(found.user_id, sessions.place_in(found))
        return found.user

    app.before_request(_choose_language)
    app.before_request(_same_place)
    app.before_request(_renew_password_first)
    app.before_request(_agree_first)
    app.before_request(_note_presence)
    app.after_request(_tell_session)
    app.context_processor(_session_end)


def login_session() -> LoginSession:
    """Return the session in which the present request is made; only for who is signed in."""
    found: LoginSession = g.login_session
    return found


def guessed_too_often() -> Response | None:
    """Lead to the door whoever's session has just been ended by his last wrong password; None while it stands."""
    if login_session().ended_at is None:
        return None
    logout_user()
    flash(word("password.err.over"), "error")
    return redirect(url_for("accounts.login"), code=303)


def _choose_language() -> None:
    if request.args.get("lang") in LANGUAGES:
        session["language"] = request.args["lang"]
        g.pop("language", None)


def forget_pages() -> None:
    """Let whatever was drawn before in this browser be too old to be sent: it was drawn in another place."""
    session.pop("csrf_token", None)
    g.pop("csrf_token", None)
    session[MOVED] = True


def _same_place() -> None:
    """Do nothing in another organisation than the one in which the page that was sent had been drawn.

    The browser keeps in which place its pages are drawn.  Where the session has moved meanwhile, they are too old.

    Raises:
        Conflict: something was sent from such a page.
    """
    if request.endpoint == "static" or not current_user.is_authenticated:
        return
    member = current_user.membership
    place = member.id if member is not None else None
    drawn = session.get(PLACE)
    if drawn == place:
        return
    session[PLACE] = place
    if drawn is None:
        return  # nothing was drawn before
    forget_pages()
    if request.method not in READING and request.endpoint not in _ALWAYS_OPEN:
        raise Conflict("place.err.stale")


def _renew_password_first() -> Response | None:
    if (
        current_user.is_authenticated
        and request.endpoint not in _OPEN_WHILE_RENEWING
        and current_user.must_renew_password(here.now())
        and (current_user.roles or request.endpoint not in _OPEN_TO_THE_INVITED)
    ):
        return redirect(url_for("accounts.profile"), code=303)
    return None


def _agree_first() -> Response | None:
    """Show a new version of the user agreement before anything else (IS2IN-4.c, reading A7)."""
    if (
        current_user.is_authenticated
        and request.endpoint not in _OPEN_BEFORE_AGREEING
        and not current_user.must_renew_password(here.now())
        and agreements.is_new_to(current_user)
    ):
        return redirect(url_for("accounts.agreement"), code=303)
    return None


def _note_presence() -> None:
    """Note once a minute that somebody is there; what a page fetches by itself is no presence."""
    if request.endpoint == "static" or not current_user.is_authenticated:
        return
    found, now = login_session(), clock.unmoved()
    by_itself = request.method == "GET" and _is_fetched()
    g.session_left = sessions.left(found, seen=not by_itself, now=now)
    if by_itself or not sessions.is_long_unseen(found, now=now):
        return
    if request.method not in READING:
        sessions.note_presence(found, now=now)
        return
    db.session.rollback()  # a request that reads has begun a transaction that cannot write
    db.begin_writing(True)
    try:
        sessions.note_presence(found, now=now)
        db.session.commit()
    except OperationalError:  # the database is busy: it is noted at the next request
        db.session.rollback()
    finally:
        db.begin_writing(False)


def _is_fetched() -> bool:
    return request.accept_mimetypes.best == "application/json"


def _tell_session(answer: Response) -> Response:
    """Let what a page fetches by itself bring how long the session lasts: no question is asked for that alone."""
    if "session_left" in g and _is_fetched():
        seconds, kind = g.session_left
        answer.headers["Kezen-Session-Left"], answer.headers["Kezen-Session-Ends"] = str(seconds), kind
    return answer


def _session_end() -> dict[str, Any]:
    """Return what the layout tells of the end of the session: ``left`` and ``warning`` in seconds, ``kind``."""
    if "session_left" not in g or not current_user.is_authenticated:
        return {"session_end": None}
    seconds, kind = g.session_left
    return {"session_end": {"left": seconds, "kind": kind, "warning": WARNING.seconds}}


@blueprint.post("/session/stay")
@allowed(Permission.OWN_CABINET)
def stay_signed_in() -> Answer:
    """Be there, which is noted as at every act; the answer tells how long the session lasts now."""
    return "", 204


def new_password() -> dict[str, Any]:
    """Return what ``accounts/_new_password.html`` tells of the rules before anything is typed."""
    given = policy.password_policy()
    manual = (given.shortest, given.longest, given.digit, given.upper_and_lower, given.symbol)
    return {
        "password_rules": given.rules,
        "password_hint": word("msg.password_rules") if manual == (8, 12, True, True, True) else "",
    }
