"""A person with an account."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts import policy
from app.db import Record
from app.permissions import EXCHANGE_ROLES, Permission, Role, allows
from app.web import here

if TYPE_CHECKING:
    from app.organisations.models import Membership, Organisation


class User(Record):
    """A person who signs in with an e-mail address and a password.

    ``language`` is empty until it is chosen.  ``exchange_roles`` is empty for people of client
    organisations: what they are follows from their membership.  ``must_change_password`` is set
    while the password is one that was issued.

    Who works for several organisations stands in one of them at a time: ``membership``, ``organisation`` and
    ``roles`` speak of that *place* alone.  Which one it is the login session says; where nobody has signed in,
    it is the ``usual`` one.  Whoever looks from an organisation to its people asks for memberships.
    """

    __tablename__ = "user_account"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    last_name: Mapped[str] = mapped_column(String(100))
    first_name: Mapped[str] = mapped_column(String(100))
    patronymic: Mapped[str] = mapped_column(String(100), default="")
    position: Mapped[str] = mapped_column(String(200), default="")
    phone: Mapped[str] = mapped_column(String(20), default="")
    iin: Mapped[str] = mapped_column(String(12), default="")
    language: Mapped[str] = mapped_column(String(2), default="")
    exchange_roles: Mapped[list[str]] = mapped_column(default=list)
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    password_changed_at: Mapped[datetime | None]
    must_change_password: Mapped[bool] = mapped_column(default=True)
    agreement_version: Mapped[str] = mapped_column(String(20), default="")
    agreement_at: Mapped[datetime | None]
    last_sign_in: Mapped[datetime | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]

    usual: Mapped[Membership | None] = relationship(
        primaryjoin="and_(User.id == Membership.user_id, Membership.is_usual)",
        viewonly=True,
        uselist=False,
        lazy="joined",
    )
    memberships: Mapped[list[Membership]] = relationship(back_populates="user", lazy="select", order_by="Membership.id")

    is_authenticated = True
    is_anonymous = False

    def get_id(self) -> str:
        """Return what the session cookie names beside the secret of the login session."""
        return str(self.id)

    @property
    def name(self) -> str:
        """Surname and first name, as lists show a person."""
        return f"{self.last_name} {self.first_name}"

    @property
    def full_name(self) -> str:
        """Surname, first name and patronymic, as documents show a person."""
        return f"{self.last_name} {self.first_name} {self.patronymic}".strip()

    @property
    def membership(self) -> Membership | None:
        """The place in which this person works now, one that was switched off too; None at the Exchange."""
        place = here.place_of(self.id)
        if place is None or (self.usual is not None and self.usual.id == place):
            return self.usual
        return next((each for each in self.memberships if each.id == place), self.usual)

    @property
    def places(self) -> list[Membership]:
        """The memberships in which this person may work, the oldest first."""
        return [each for each in self.memberships if each.is_active and each.organisation.is_active]

    def member_of(self, organisation_id: int) -> Membership | None:
        """This person's work for one organisation, one that was switched off too, or None."""
        if self.usual is not None and self.usual.organisation_id == organisation_id:
            return self.usual
        return next((each for each in self.memberships if each.organisation_id == organisation_id), None)

    @property
    def organisation(self) -> Organisation | None:
        """The client organisation this person works for now; None for the Exchange's people."""
        return self.membership.organisation if self.membership and self.membership.is_active else None

    @property
    def roles(self) -> frozenset[Role]:
        """What this person is, now."""
        roles = {Role(role) for role in self.exchange_roles}
        if self.membership and self.membership.is_active and self.membership.organisation.is_active:
            roles.add(Role.CLIENT)
            if self.membership.is_admin:
                roles.add(Role.ORG_ADMIN)
            if self.membership.is_first_head or self.membership.stands_for(here.now()) is not None:
                roles.add(Role.FIRST_HEAD)  # who acts for him is it while he acts, and not a second longer (A26)
            if self.membership.organisation.kind == "adviser":
                roles.add(Role.ADVISER)
        return frozenset(roles)

    @property
    def is_exchange(self) -> bool:
        """Whether this is one of the Exchange's own people."""
        return bool(self.roles & EXCHANGE_ROLES)

    def may(self, permission: Permission) -> bool:
        """Tell whether one of this person's roles carries ``permission``."""
        return allows(self.roles, permission)

    def must_renew_password(self, now: datetime) -> bool:
        """Tell whether nothing but a new password may be set now (IS2IN-4.d, 8.2.h)."""
        ends = self.password_ends
        return self.must_change_password or self.password_changed_at is None or (ends is not None and now >= ends)

    @property
    def password_ends(self) -> datetime | None:
        """The second at which the password has run out, None where none is set or none runs out (IS2IN-8.2.h)."""
        life = policy.password_policy().life
        return self.password_changed_at + life if self.password_changed_at and life else None


class Substitution(Record):
    """A colleague who acts for an absent one, from ``starts_at`` until before ``ends_at``, and on what ground.

    The moments are the beginning of the first day and the end of the last, in Kazakhstan's time.  One that
    was ended early has ``ended_at``; none is ever changed or deleted otherwise.
    """

    __tablename__ = "substitution"
    __table_args__ = (
        Index("ix_substitution_user_id", "user_id"),
        Index("ix_substitution_substitute_id", "substitute_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    substitute_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    basis: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))

    user: Mapped[User] = relationship(foreign_keys=[user_id], lazy="joined")
    substitute: Mapped[User] = relationship(foreign_keys=[substitute_id], lazy="joined")
    by: Mapped[User] = relationship(foreign_keys=[by_id], lazy="joined")

    def holds_at(self, now: datetime) -> bool:
        """Tell whether the substitute may act now."""
        return self.ended_at is None and self.starts_at <= now < self.ends_at
