"""What every template may say: words, dates, the menu, the person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from zoneinfo import ZoneInfo

from flask import Flask, current_app, request, url_for
from flask_login import current_user

from app.config import ROOT
from app.permissions import EXECUTOR_ROLES, Permission
from app.signatures.report import REASONS
from app.terms import LANGUAGES, say
from app.web import here

ZONE = ZoneInfo("Asia/Almaty")
FONTS = ROOT / "static" / "vendor" / "fonts.css"
"""Built by ``./kezen assets``; without it the system's own face serves."""
SUPPORT = {"phones": ("+7 (727) 237 53 24", "+7 (727) 237 53 27"), "email": "listing@kase.kz"}
"""IS2IN-27.b; reading A30: what holds until other contacts are announced."""
BOARD = "kezen.board"
"""Key of ``app.extensions``: what every page asks about announcements (``contacts()``, ``fresh()``)."""


@dataclass(frozen=True)
class MenuItem:
    """One line of the user menu."""

    href: str
    key: str
    current: bool
    count: int | None = None


MENU: tuple[tuple[str, str, Permission], ...] = (
    ("applications.procedures", "nav.procedures", Permission.BEGIN),
    ("applications.queue", "nav.queue", Permission.PROCESS),
    ("applications.arrivals", "nav.registration", Permission.REGISTER),
    ("decisions.calendar", "nav.meetings", Permission.VIEW_MEETINGS),
    ("applications.letters", "nav.letters", Permission.PROCESS),
    ("applications.outages", "paper.nav", Permission.RECEIVE_PAPER),
    ("applications.assisted", "assisted.nav", Permission.ASSIST),
    ("organisations.orgs", "nav.organisations", Permission.VIEW_CLIENTS),
    ("organisations.users", "nav.users", Permission.VIEW_ORGANISATION),
    ("organisations.partnership", "nav.partnership", Permission.VIEW_ORGANISATION),
    ("applications.under_review", "nav.under_review", Permission.VIEW_APPLICATIONS),
    ("applications.archive", "nav.archive", Permission.VIEW_ARCHIVE),
    ("applications.questionnaires", "nav.questionnaires", Permission.FILE),
    ("figures.load", "nav.figures", Permission.VIEW_FIGURES),
    ("accounts.guard", "nav.guard", Permission.GUARD_ACCOUNTS),
    ("library.norms", "nav.normative_base", Permission.VIEW_LIBRARY),
    ("library.insiders", "nav.insiders", Permission.VIEW_LIBRARY),
    ("search.index", "nav.search", Permission.VIEW_APPLICATIONS),
    ("outputs.index", "nav.outputs", Permission.VIEW_OUTPUTS),
    ("rights.index", "nav.rights", Permission.VIEW_RIGHTS),
    ("notifications.mail", "notices.mails", Permission.VIEW_MAIL),
)
"""The user menu of IS2IN-9 in the manual's order; the Exchange's people have a work queue instead of filing."""


def register(app: Flask) -> None:
    """Give the templates of ``app`` their words."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.context_processor(_context)


def word(key: str, **params: object) -> str:
    """Say ``key`` in the language of the page."""
    return say(key, here.language(), **params)


def named(user: Any, office: str = "") -> str:
    """Return who somebody is to the present reader: by name, or, to clients, which unit of the Exchange he is.

    ``office`` is the executor as whom he acted; without it the first that his roles make him.
    """
    reader = current_user
    if not user.is_exchange or not reader or not reader.is_authenticated or reader.is_exchange:
        return str(user.name)
    held = (executor for executor, role in EXECUTOR_ROLES.items() if role in user.roles)
    executor = office or next(held, "")
    return word(f"workflow.executor.{executor}" if executor else "app.exchange")


def date_text(value: date | datetime | str | None) -> str:
    """Return a date as dd.mm.yyyy in Kazakhstan's time."""
    if not value:
        return ""
    if isinstance(value, str):
        value = date.fromisoformat(value[:10])
    if isinstance(value, datetime):
        value = value.astimezone(ZONE)
    return value.strftime("%d.%m.%Y")


def date_time_text(value: datetime | None) -> str:
    """Return a moment as dd.mm.yyyy HH:MM in Kazakhstan's time."""
    return value.astimezone(ZONE).strftime("%d.%m.%Y %H:%M") if value else ""


def moment_text(value: str | None) -> str:
    """Return a moment written as ISO 8601 (in a kept report) as dd.mm.yyyy HH:MM in Kazakhstan's time."""
    return date_time_text(datetime.fromisoformat(value)) if value else ""


STAGES_OF = {code: stage.value for code, (stage, _) in REASONS.items() if stage is not None}
"""To which stage of the judgement a finding about a signature belongs."""


def paper(template: str, language: str, **context: object) -> str:
    """Render a page that becomes paper: in one language, whoever asks, with no request behind it."""

    def words(key: str, **params: object) -> str:
        return say(key, language, **params)

    found = current_app.jinja_env.get_template(template)
    return found.render(
        say=words,
        language=language,
        languages=LANGUAGES,
        date=date_text,
        date_time=date_time_text,
        **context,
    )


def clause_url(clause: str) -> str:
    """Return where a clause of the normative base (``listing_rules#4.1``) is read, as in force on the page's day.

    That is the day on which the application of the page was sent (``here.norms_day``), else today.
    """
    act, _, anchor = clause.partition("#")
    day = here.norms_day()
    on = day.isoformat() if day else None
    return url_for("library.norm", key=act, on=on, _anchor=f"c-{anchor}" if anchor else None)


def _url_for_language(code: str) -> str:
    path, query = _can_be_opened_again()
    return f"{path}?{urlencode({**query, 'lang': code}, doseq=True)}"


def _can_be_opened_again() -> tuple[str, dict[str, list[str]]]:
    """Return path and query of this page; of the one it was sent from where this one only takes what is sent."""
    if request.method in ("GET", "HEAD") or _opens(request.path):
        return request.path, request.args.to_dict(flat=False)
    came_from = urlsplit(request.referrer or "")
    if came_from.netloc == request.host and _opens(came_from.path):
        return came_from.path, parse_qs(came_from.query)
    return "/", {}


def _opens(path: str) -> bool:
    """Tell whether an address answers to its being entered."""
    adapter = current_app.create_url_adapter(request)
    return adapter is not None and adapter.test(path, "GET")


def _menu() -> list[MenuItem]:
    if not current_user.is_authenticated:
        return []
    return [
        MenuItem(url_for(endpoint), key, request.endpoint == endpoint)
        for endpoint, key, permission in MENU
        if current_user.may(permission)
    ]


def _context() -> dict[str, Any]:
    language = here.language()
    functions: dict[str, Callable[..., Any]] = {
        "say": word,
        "named": named,
        "date": date_text,
        "date_time": date_time_text,
        "moment": moment_text,
        "url_for_language": _url_for_language,
        "clause_url": clause_url,
    }
    theme = request.cookies.get("theme", "")
    return {
        **functions,
        "stages_of": STAGES_OF,
        "language": language,
        "languages": LANGUAGES,
        "user": current_user,
        "menu": _menu(),
        "demo": here.config().is_demo,
        "support": current_app.extensions[BOARD].contacts() or SUPPORT,
        "board": current_app.extensions[BOARD],
        "theme": theme if theme in ("light", "dark") else "",
        "theme_choices": ("", "light", "dark"),
        "has_fonts": FONTS.exists(),
    }
