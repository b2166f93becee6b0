"""The demo: organisations, people and applications in every process, told with the rooms' own verbs.

Nothing here writes a state that the verbs would not: the demo's applications went the same way as
a user's; only of the year before there are bare courses, for the figures (``past``).  Each
organisation's names, drafts, comments and files carry a word found nowhere else (``belgi…``), so
that a leak between organisations can be seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask import Flask, current_app
from sqlalchemy import select

from app import db
from app.accounts import passwords
from app.accounts import queries as people_queries
from app.accounts.models import User
from app.accounts.views import DEMO_ACCOUNTS
from app.applications.moves import AUTHORISED
from app.config import Config
from app.demo import clients, library, meetings, past, stories, tasks
from app.demo.people import COMPANIES, PASSWORD, PEOPLE, Company, Person
from app.organisations.models import Membership, Organisation, Partnership
from app.permissions import EXECUTOR_ROLES
from app.sandbox.pki import SandboxPki
from app.terms import say
from app.web import here

_FULL_ROLES = ("org_admin", "first_head")


def load(progress: Callable[[int, int], None] = lambda done, total: None) -> bool:
    """Load the demo's data and keys; return False when they are there already."""
    config: Config = current_app.extensions["kezen.config"]
    with db.transaction() as session:
        there = session.scalar(select(User.id).limit(1)) is not None
        if not there:
            _people()
            library.load()
    _enrol(config)
    pki = _pki(config)
    stories.load(pki, progress)
    past.load()
    clients.load()
    meetings.load(pki)
    return not there


def _pki(config: Config) -> SandboxPki:
    return SandboxPki.open(config.var / "sandbox", environment=config.env)


def _people() -> None:
    now = here.now()
    companies = {company.code: _organisation(company) for company in COMPANIES}
    for organisation in companies.values():
        organisation.created_at = now
        db.session.add(organisation)
    hashed = passwords.hash_password(PASSWORD)
    users = {}
    for person in PEOPLE:
        user = User(
            email=person.email,
            last_name=person.last_name,
            first_name=person.first_name,
            patronymic=person.patronymic,
            position=person.position,
            phone="+77272375324",
            iin=person.iin,
            exchange_roles=list(person.roles),
            password_hash=hashed,
            password_changed_at=now,
            must_change_password=False,
            created_at=now,
        )
        db.session.add(user)
        users[person.key] = user
        if person.company:
            db.session.add(
                Membership(
                    user=user,
                    organisation=companies[person.company],
                    is_admin=person.is_admin,
                    is_first_head=person.is_first_head,
                    may_sign=person.is_first_head,
                )
            )
    db.session.flush()
    for code in ("SNIM", "ADIL"):
        db.session.add(
            Partnership(issuer=companies["ALTN"], partner=companies[code], added_by_id=users["issuer"].id, added_at=now)
        )


def _organisation(company: Company) -> Organisation:
    return Organisation(
        code=company.code,
        bin=company.bin,
        kind=company.kind,
        name_kk=company.kk,
        name_ru=company.ru,
        name_en=company.en,
        is_financial=company.is_financial,
        codes="none",  # who tries the demo has a password and no authenticator
    )


def _enrol(config: Config) -> None:
    """Give the people who sign, the Exchange's too, sandbox keys in the certificate profile of the NCA."""
    pki = _pki(config)
    companies = {company.code: company for company in COMPANIES}
    for person in PEOPLE:
        company = companies.get(person.company)
        if company is None and AUTHORISED not in person.roles:
            continue
        pki.enrol(
            person.key,
            name=f"{person.last_name} {person.first_name} {person.patronymic}".strip(),
            iin=person.iin,
            bin=company.bin if company else config.exchange_bin,
            organisation=company.kk if company else say("app.exchange", "kk"),
            roles=["first_head"] if person.is_first_head else ["employee"] if company else ["sign_right"],
        )


def accounts() -> list[dict[str, Any]]:
    """Return the demo's accounts with their passwords, in the order of the list."""
    companies = {company.code: company for company in COMPANIES}
    return [_account(person, companies.get(person.company)) for person in PEOPLE]


def _account(person: Person, company: Company | None) -> dict[str, Any]:
    flags = (person.is_admin, person.is_first_head)
    roles = [role for role, has in zip(_FULL_ROLES, flags, strict=True) if has and company]
    return {
        "key": person.key,
        "email": person.email,
        "password": PASSWORD,
        "name": f"{person.last_name} {person.first_name}",
        "organisation": company.kk if company else say("app.exchange", "kk"),
        "bin": company.bin if company else "",
        "roles": [*person.roles, *([company.kind] if company else []), *roles],
    }


def accounts_in_words() -> list[dict[str, str]]:
    """Return the accounts as the sign-in page of the demo lists them."""
    language = here.language()
    companies = {company.code: company for company in COMPANIES}
    names = {"initiator": "role.issuer", "admin": "role.system_admin", "compliance": "role.compliance"}
    names |= {executor: f"workflow.executor.{executor}" for executor in EXECUTOR_ROLES}
    rows = []
    for person, account in zip(PEOPLE, accounts(), strict=True):
        company = companies.get(person.company)
        roles = [names.get(role, f"role.{role}") for role in account["roles"]]
        rows.append(
            {
                **{key: str(account[key]) for key in ("key", "email", "password", "name")},
                "organisation": getattr(company, language) if company else say("app.exchange", language),
                "roles": ", ".join(say(role, language) for role in roles),
            }
        )
    return rows


def register(app: Flask) -> None:
    """Let the sign-in page of ``app`` list the accounts, and a page the tasks."""
    app.extensions[DEMO_ACCOUNTS] = accounts_in_words
    app.register_blueprint(tasks.blueprint)


def add_extra(count: int) -> list[dict[str, Any]]:
    """Add throwaway issuer accounts for trials of the lock-out, and list them like the others."""
    added = []
    with db.transaction() as session:
        now = here.now()
        company = session.scalars(select(Organisation).where(Organisation.code == "ALTN")).one()
        taken = [
            int(match[1])
            for email in session.scalars(select(User.email).where(User.email.like("extra%")))
            if (match := re.match(r"extra(\d+)@", email))
        ]
        first = max(taken, default=0) + 1
        hashed = passwords.hash_password(PASSWORD)
        for number in range(first, first + count):
            user = User(
                email=f"extra{number}@altn.example",
                last_name="Қосымша",
                first_name=str(number),
                password_hash=hashed,
                password_changed_at=now,
                must_change_password=False,
                created_at=now,
            )
            session.add(Membership(user=user, organisation=company))
            added.append(
                {
                    "key": f"extra{number}",
                    "email": user.email,
                    "password": PASSWORD,
                    "name": user.name,
                    "organisation": company.name_kk,
                    "bin": company.bin,
                    "roles": [company.kind],
                }
            )
    return added


def user(key: str) -> User:
    """Return the account of a key."""
    person = next(found for found in PEOPLE if found.key == key)
    found = people_queries.by_email(person.email)
    if found is None:
        raise LookupError(f"the demo has not been loaded: no {key}")
    return found
