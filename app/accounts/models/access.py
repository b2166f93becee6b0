"""What is kept of how people get in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models.people import User
from app.db import Record, index_where


class OneTimeLink(Record):
    """A link with which its user sets a password once; only the hash of its secret is kept."""

    __tablename__ = "one_time_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(20))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()

    def works_at(self, now: datetime) -> bool:
        """Tell whether a password may be set with it."""
        return self.used_at is None and self.revoked_at is None and now < self.expires_at and self.user.is_active


class FormerPassword(Record):
    """A password that its user had until a moment; the last ones are not taken again."""

    __tablename__ = "former_password"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    until: Mapped[datetime]


class AgreementAcceptance(Record):
    """One version of the user agreement that a user has accepted, and when (reading A7)."""

    __tablename__ = "agreement_acceptance"
    __table_args__ = (UniqueConstraint("user_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    version: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]


class LoginSession(Record):
    """One sign-in on one device, from ``begun_at`` until it ends by itself or is ended (``ended_at``, ``ending``).

    The browser holds the secret, the row its hash.  ``place_id`` is the membership in which its owner works in it:
    what one browser does leaves the others where they are.  ``opened_at`` to ``code_at`` are of the security session
    within: when it was opened by a code, when a guarded operation last used it, and when a code was last given.
    ``proved_at`` is when a code was last typed here, as against a confirmation on another device: only a device that
    has proved itself so may confirm for another.
    """

    __tablename__ = "login_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    place_id: Mapped[int | None] = mapped_column(ForeignKey("membership.id"))
    address: Mapped[str] = mapped_column(String(45), default="")
    browser: Mapped[str] = mapped_column(String(100), default="")
    way: Mapped[str] = mapped_column(String(10), default="password")
    begun_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ending: Mapped[str] = mapped_column(String(20), default="")
    opened_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    code_at: Mapped[datetime | None]
    proved_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="joined")


class SignInCounter(Record):
    """The failures in a row of one login, existing or not, and until when its door is shut.

    ``login`` is a keyed hash of what was typed; ``user_id`` whose it is, if anybody's.  ``is_told`` is false until
    the owner of a door that was shut has been told.
    """

    __tablename__ = "sign_in_counter"

    login: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(20), default="")
    is_told: Mapped[bool] = mapped_column(default=True)
    last_at: Mapped[datetime]


class SignInAttempt(Record):
    """One try to sign in from an address; kept for a day, for the rule of several logins from one address."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (Index("ix_sign_in_attempt_address_at", "address", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    address: Mapped[str] = mapped_column(String(45))
    at: Mapped[datetime]
    succeeded: Mapped[bool] = mapped_column(default=False)


class AddressBlock(Record):
    """A login whose door is shut for one address, and for no other, until a moment."""

    __tablename__ = "address_block"
    __table_args__ = (Index("ix_address_block_login_address", "login", "address"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    address: Mapped[str] = mapped_column(String(45))
    at: Mapped[datetime]
    until: Mapped[datetime]
    is_told: Mapped[bool] = mapped_column(default=False)


class DeclaredAddress(Record):
    """A network that an organisation has declared its own (``note`` says which): the address rule spares it."""

    __tablename__ = "declared_address"

    id: Mapped[int] = mapped_column(primary_key=True)
    network: Mapped[str] = mapped_column(String(50), unique=True)
    note: Mapped[str] = mapped_column(String(300), default="")
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]


class RecoveryRequest(Record):
    """Somebody's wish for a link to set a password anew; answered later, by the worker, if the account exists."""

    __tablename__ = "recovery_request"
    __table_args__ = (
        Index("ix_recovery_request_login_at", "login", "at"),
        Index("ix_recovery_request_answered_at", "answered_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(64))
    email: Mapped[str] = mapped_column(String(254))
    at: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class Block(Record):
    """An account that is shut until the Exchange opens it again: nobody signs in with it.

    ``kind`` is who wished it: ``self`` (in the cabinet), ``request`` (an officer, for a client he had identified at
    ``identified_at``).  It ends when one officer has recorded the client's personal presence (``presence_by``)
    and a second has confirmed it (``ended_by``).
    """

    __tablename__ = "account_block"
    __table_args__ = (index_where("uq_account_block_standing", "user_id", holds="ended_at IS NULL", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    kind: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(300))
    identified_at: Mapped[datetime | None]
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    presence_at: Mapped[datetime | None]
    presence_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    presence_note: Mapped[str] = mapped_column(String(300), default="")
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))

    user: Mapped[User] = relationship(foreign_keys=[user_id], lazy="joined")


class BlockRequest(Record):
    """A client's wish to be blocked, from the moment an officer has identified him until it is done or dropped."""

    __tablename__ = "block_request"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    identified_at: Mapped[datetime]
    how: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    due_at: Mapped[datetime]
    done_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(foreign_keys=[user_id], lazy="joined")


class Authenticator(Record):
    """A person's generator of one-time codes (TOTP); in force from ``confirmed_at``.

    ``secret`` is encrypted with a key of the installation; ``last_step`` is the last step of 30 seconds whose code
    was used: none is taken twice.
    """

    __tablename__ = "authenticator"

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    secret: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)


class RecoveryCode(Record):
    """A code that stands once for that of the authenticator; only its hash is kept."""

    __tablename__ = "recovery_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None]


class UsedChallenge(Record):
    """A text that was signed to be let in; none opens a door twice.  Kept for a day, though none lives so long."""

    __tablename__ = "used_challenge"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
