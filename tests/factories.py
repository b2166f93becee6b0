"""Records to test with.  Applications are led where they stand by the rooms' own verbs, as the demo's are."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app import db, demo
from app.accounts.models import User
from app.accounts.passwords import hash_password
from app.applications import effects, filing, moves, queries
from app.applications.answering import Typed
from app.applications.models import Application
from app.config import Config
from app.demo import stories
from app.demo.people import COMPANIES
from app.demo.stories import STORIES, Story
from app.notifications.models import Mail, Notification
from app.organisations.models import Membership, Organisation, Partnership
from app.sandbox.pki import SandboxPki
from app.web import here
from app.workflows.guards import Position

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PASSWORD = "Jasyl-7qala"
NO_CODES = {"codes": "none"}
"""Whoever acts in a test has a password and no authenticator, unless the test is about that."""


@cache
def _hashed(password: str) -> str:
    return hash_password(password)


def person(key: str) -> User:
    """Return an account of the demo: issuer, clerk, first_head, adviser, chancery, listing …"""
    return demo.user(key)


def company(code: str) -> Organisation:
    """Return an organisation of the demo."""
    return db.session.scalars(select(Organisation).where(Organisation.code == code)).unique().one()


def organisation(code: str = "SYNQ", *, kind: str = "initiator", bin_: str = "", **given: Any) -> Organisation:
    """Return a new organisation."""
    taken = len(db.session.scalars(select(Organisation.id)).all())
    row = Organisation(
        code=code,
        bin=bin_ or f"9{taken:011d}",
        kind=kind,
        **{
            "name_kk": f"«{code}» АҚ",
            "name_ru": f"АО «{code}»",
            "name_en": f"{code} JSC",
            "created_at": NOW,
            "codes": "none",
            **given,
        },
    )
    db.session.add(row)
    db.session.flush()
    return row


def user(
    employer: Organisation | None = None,
    *,
    email: str = "",
    is_admin: bool = False,
    is_first_head: bool = False,
    **given: Any,
) -> User:
    """Return a new person with the password ``PASSWORD``, working for ``employer``."""
    taken = len(db.session.scalars(select(User.id)).all())
    row = User(
        email=email or f"adam{taken}@synaq.example",
        **{
            "last_name": "Сынақбаев",
            "first_name": f"Адам{taken}",
            "iin": f"8{taken:011d}",
            "password_hash": _hashed(PASSWORD),
            "password_changed_at": here.now(),
            "must_change_password": False,
            "created_at": NOW,
            **given,
        },
    )
    db.session.add(row)
    if employer is not None:
        db.session.add(Membership(user=row, organisation=employer, is_admin=is_admin, is_first_head=is_first_head))
    db.session.flush()
    return row


def partnership(issuer: Organisation, partner: Organisation, *, by: User) -> Partnership:
    """Return a standing partnership."""
    row = Partnership(issuer=issuer, partner=partner, added_by_id=by.id, added_at=NOW)
    db.session.add(row)
    db.session.flush()
    return row


def application_at(process: str, company_code: str = "ALTN") -> Application:
    """Return the demo's application of a company that stands in ``process`` (``new``: just begun)."""
    number = next(i for i, told in enumerate(STORIES) if (told.company, told.until) == (company_code, process))
    return db.session.get_one(Application, number + 1)


def refetched(application: Application | str) -> Application:
    """Return an application as it stands in the database now."""
    number = application if isinstance(application, str) else application.number
    db.session.expire_all()
    return db.session.scalars(select(Application).where(Application.number == number)).unique().one()


def new_application(author: str = "issuer", company_code: str = "") -> Application:
    """Return an application that has just been created, for the author's own company or another."""
    by = person(author)
    chosen = company(company_code) if company_code else by.organisation
    assert chosen is not None
    return filing.create("share_listing", company_id=chosen.id, author=by, now=here.now())


def led(author: str, *steps: tuple[str, datetime]) -> Application:
    """Return a new application that entered these processes at these moments, the first one by being created.

    Nothing is filled in or signed: for tests of time, which asks only when it moved.
    """
    (_, created), *further = steps
    by = person(author)
    assert by.organisation is not None
    application = filing.create("share_listing", company_id=by.organisation.id, author=by, now=created)
    effects.assign(application, person("first_head"), "first_head", now=created)
    for process, at in further:
        sent = application.submitted_at or (at if process == "registration" else None)
        position = Position(process, application.stages)
        moves.stand_at(application, position, act="led", by=by, now=at, also={"submitted_at": sent, "sent_at": sent})
    return application


class Teller(stories._Teller):
    """Leads applications by the rooms' verbs, with the words and files of a story of its own."""

    def __init__(self, config: Config, company_code: str = "ALTN", *, with_adviser: bool = True) -> None:
        pki = SandboxPki.open(config.var / "sandbox", environment=config.env)
        super().__init__(Story(company_code, "elsewhere", with_adviser), 77, pki)

    def new(self) -> Application:
        """Return a new application of the company's author."""
        code = next(found.code for found in COMPANIES if found is self.company)
        author = self.person("author")
        return filing.create(stories.PROCEDURE, company_id=company(code).id, author=author, now=self.now)

    def filled(self) -> Application:
        """Return an application whose every stage is filled, ready to be sent to the first head."""
        application = self.new()
        self.fill_half(application)
        db.session.expire(application)
        return application

    def at_first_head(self) -> Application:
        """Return an application that stands at the first head."""
        application = self.filled()
        self.dispatch(application)
        return application


def typed(application: Application, stage: str, **raw: Any) -> Typed:
    """Return what one types into a stage seen as it stands now; write ``name__kk`` for ``name-kk``."""
    newest = queries.latest(application, stage)
    given = {name.replace("__", "-"): [value] if isinstance(value, str) else list(value) for name, value in raw.items()}
    return Typed(given, seen=newest.revision if newest else 0)


def values(application: Application, stage: str) -> dict[str, Any]:
    """Return the newest answers of a stage, all forms together."""
    row = queries.latest(application, stage)
    return {key: value for form in (row.values if row else {}).values() for key, value in form.items()}


def mails_to(email: str) -> list[Mail]:
    """Return the mails to an address, newest first."""
    return list(db.session.scalars(select(Mail).where(Mail.to == email).order_by(Mail.id.desc())))


def messages_of(who: User) -> list[Notification]:
    """Return the messages in a person's cabinet, newest first."""
    return list(
        db.session.scalars(select(Notification).where(Notification.user_id == who.id).order_by(Notification.id.desc()))
    )


def var_files(config: Config) -> set[Path]:
    """Return every file kept by a house."""
    return {path for path in config.var.rglob("*") if path.is_file()}
