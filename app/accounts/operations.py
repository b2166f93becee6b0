"""Signing in, accounts, contact data.

Source: user manual, paragraphs 4 and 8; readings A4 to A7, A31.
"""

from __future__ import annotations

from datetime import datetime

from app import db
from app.accounts import agreements, links, lockouts, passwords, queries
from app.accounts.models import User
from app.audit import operations as audit
from app.errors import Conflict


def sign_in(email: str, password: str, *, now: datetime, address: str = "") -> User | None:
    """Return the user whose address and password these are, or None; never say which was wrong.

    ``address`` is where the caller sits, "" where that is not known.  A known login, an unknown one, and one whose
    owner has been switched off take the same way: the same statements, one password hashed.

    Raises:
        Conflict: the password is right, but the account has been blocked; the reason is told.
    Source: e-services rules, paragraphs 20, 21, 29, 42, 43.
    """
    known = queries.credentials(email)
    user_id, hashed = known if known else (None, "")
    attempt = lockouts.begin(email, user_id, address=address, now=now)
    is_right = passwords.matches("" if attempt.is_shut else hashed, password)
    if user_id is None or not is_right:
        lockouts.fail(attempt)
        act = "sign_in_locked" if attempt.is_shut else "sign_in_failed"
        audit.record(act, f"user {user_id}" if user_id else "user unknown", by=None, at=now)
        return None
    lockouts.succeed(attempt)
    user = queries.by_id(user_id)
    if passwords.needs_rehash(hashed):
        user.password_hash = passwords.hash_password(password)
    welcome(user, now=now)
    return user


def welcome(user: User, *, now: datetime) -> None:
    """Let in somebody who has shown who he is, by a password or a key.

    Pressing the button of the sign-in page, on which it stands, accepts the user agreement; a later version of
    it is shown before he goes on (reading A7).

    Raises:
        Conflict: the account has been blocked; the reason is told.
    """
    block = queries.standing_block(user.id)
    if block is not None:
        audit.record("sign_in_blocked", f"user {user.id}", by=user.id, at=now)
        raise Conflict("login.err.blocked", reason=block.reason)
    user.last_sign_in = now
    if not user.agreement_version:
        agreements.accept(user, now=now)
    audit.record("signed_in", f"user {user.id}", by=user.id, at=now)


def update_contacts(
    user: User,
    *,
    last_name: str,
    first_name: str,
    patronymic: str,
    position: str,
    phone: str,
    language: str,
    now: datetime,
) -> None:
    """Store the user's own contact data (IS2IN-8.2.a); the values are checked by the input.

    Raises:
        Conflict: a first head would change his name, which is registered with the Exchange.
    """
    names = (last_name, first_name, patronymic)
    if has_registered_name(user) and names != (user.last_name, user.first_name, user.patronymic):
        raise Conflict("user.err.head_name")
    user.last_name, user.first_name, user.patronymic = last_name, first_name, patronymic
    user.position, user.phone, user.language = position, phone, language
    audit.record("contacts_changed", f"user {user.id}", by=user.id, at=now)


def has_registered_name(user: User) -> bool:
    """Tell whether the name of ``user`` is registered with the Exchange, so that he does not change it himself."""
    return any(member.is_first_head for member in user.memberships)


def create(
    *,
    email: str,
    last_name: str,
    first_name: str,
    patronymic: str = "",
    position: str = "",
    phone: str = "",
    iin: str = "",
    exchange_roles: tuple[str, ...] = (),
    by: int | None,
    now: datetime,
) -> tuple[User, str]:
    """Create an account without a password, and return it with the secret of the link that sets one (reading A31).

    Raises:
        Conflict: the address already has an account.
    """
    if queries.by_email(email) is not None:
        raise Conflict("user.err.exists", email=email)
    user = User(
        email=queries.normalised(email),
        last_name=last_name,
        first_name=first_name,
        patronymic=patronymic,
        position=position,
        phone=phone,
        iin=iin,
        exchange_roles=list(exchange_roles),
        must_change_password=True,
        created_at=now,
    )
    db.session.add(user)
    db.session.flush()
    audit.record("user_created", f"user {user.id}", by=by, at=now)
    return user, links.issue(user, links.FIRST_PASSWORD, now=now, by=by)
