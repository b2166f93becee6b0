"""What the demo's desk of clients has to do: requests that wait, a removal that is asked for, a past acting head.

Told with the rooms' own verbs; the past alone is written as rows, for its time is over.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from app import db
from app.accounts.models import User
from app.organisations import access, admitting, operations, queries
from app.organisations.models import AccessRequest, ActingHead, Organisation
from app.web import here

_NEWCOMERS: tuple[dict[str, Any], ...] = (
    {
        "kind": "initiator", "legal_form": "jsc", "bin": "120740009012",
        "name_kk": "Жайлау Агро", "name_ru": "Жайлау Агро", "name_en": "Jailau Agro",
        "head": ("Омаров", "Серік", "Қанатұлы", "Басқарма төрағасы", "omarov@jailau.example", "710909300208"),
        "contacts": (("Бекова", "Айнұр", "", "Корпоративтік хатшы", "bekova@jailau.example"),),
    },
    {
        "kind": "audit_org", "legal_form": "llp", "bin": "110540008025",
        "name_kk": "Әділет Аудит", "name_ru": "Адилет Аудит", "name_en": "Adilet Audit",
        "head": ("Ким", "Виктор", "", "Директор", "kim@adilet.example", "690325300217"),
        "contacts": (("Ким", "Виктор", "", "Директор", "kim@adilet.example"),),
    },
)  # fmt: skip


def load() -> None:
    """Write what waits, once."""
    with db.transaction() as session:
        if session.scalars(select(AccessRequest.id).limit(1)).first() is not None:
            return
        now, site = here.now(), here.config().base_url
        rows = [
            access.submit(_said(each), language="kk", address="", site=site, now=now - timedelta(hours=hours))
            for each, hours in zip(_NEWCOMERS, (26, 3), strict=True)
        ]
        officer = session.scalars(select(User).where(User.email == "listing@exchange.example")).unique().one()
        admitting.take(rows[0], seen=rows[0].version, by=officer, now=now - timedelta(hours=20))
        _removal(_company("BRKT"), _company("ADIL"))
        _past_acting(_company("ALTN"))


def _company(code: str) -> Organisation:
    return db.session.scalars(select(Organisation).where(Organisation.code == code)).unique().one()


def _said(newcomer: dict[str, Any]) -> dict[str, Any]:
    keys = ("last_name", "first_name", "patronymic", "position", "email", "iin")
    phone = {"phone": "+7 727 237 53 24"}
    head = dict(zip(keys, newcomer["head"], strict=True)) | phone
    contacts = [dict(zip(keys, each, strict=False)) | phone for each in newcomer["contacts"]]
    return newcomer | {"head": head, "contacts": contacts}


def _removal(company: Organisation, partner: Organisation) -> None:
    administrator = next(member.user for member in queries.people(company) if member.is_admin)
    now = here.now()
    added = operations.add_partner(company, partner.id, by=administrator, now=now - timedelta(days=9))
    reason = "Аудит шарты аяқталды"
    operations.request_removal(company, added.id, reason=reason, by=administrator, now=now - timedelta(hours=2))


def _past_acting(company: Organisation) -> None:
    """Write that a colleague acted for the first head some months ago."""
    now, head = here.now(), queries.first_head(company)
    members = queries.people(company)
    member = next(each for each in members if not each.is_admin and not each.is_first_head)
    administrator = next(each.user for each in members if each.is_admin)
    if head is None:
        return
    starts_at = now - timedelta(days=120)
    order = here.storage().put("Бұйрық № 41-Ж (демо)\n".encode())
    row = ActingHead(
        organisation_id=company.id, user=member.user, head=head, starts_at=starts_at,
        ends_at=starts_at + timedelta(days=14), basis="Бұйрық № 41-Ж", file_name="41-zh.txt",
        sha256=order, by=administrator, at=starts_at - timedelta(days=1),
    )  # fmt: skip
    db.session.add(row)
    member.acting_until = row.ends_at
