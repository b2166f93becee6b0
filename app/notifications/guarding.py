"""Telling people, and the Exchange, what happens to accounts: shut doors, links, blocks, authenticators."""

from __future__ import annotations

from datetime import datetime

from app.accounts import queries as people
from app.accounts import signals
from app.accounts.models import User
from app.notifications.operations import About, notify
from app.permissions import Role
from app.web import here
from app.web.templating import date_time_text


def tell_locked(user: User, *, until: datetime, reason: str, now: datetime) -> None:
    """Tell the owner of an account that it is locked, why, and until when."""
    message = {"address": "notice.locked_address", "codes": "notice.locked_codes"}.get(reason, "notice.locked")
    notify([user], message, about=About(), params={"time": date_time_text(until)}, now=now)


def tell_address_blocked(user: User, *, address: str, until: datetime, now: datetime) -> None:
    """Tell the owner and the Exchange that an account is shut for one address, and until when."""
    params = {"address": address, "time": date_time_text(until)}
    notify([user], "notice.address_blocked", about=About(), params=params, now=now)
    staff = people.holders(Role.ADMIN)
    notify(staff, "notice.address_attack", about=About(), params={**params, "user": user.name}, now=now)


def tell_unlocked(user: User, *, now: datetime) -> None:
    """Tell the owner of an account that he may sign in again."""
    notify([user], "notice.unlocked", about=About(), now=now)


def send_recovery(user: User, *, path: str, now: datetime) -> None:
    """Mail the link that was asked for; the cabinet tells that it was, and never the link."""
    url = here.config().base_url + path
    notify([user], "notice.recovery", about=About(), mail_only={"mail.recovery": url}, now=now)


def tell_blocked(user: User, *, reason: str, now: datetime) -> None:
    """Tell the owner of an account that it is blocked, why, and how it is opened again."""
    notify([user], "notice.blocked", about=About(), params={"reason": reason}, now=now)


def tell_presence(user: User, *, by: User, now: datetime) -> None:
    """Tell the other officers that an unblocking waits for the second of them."""
    others = [officer for officer in people.holders(Role.ADMIN) if officer.id != by.id]
    about = About(author=by.name)
    notify(others, "notice.presence", about=about, params={"user": user.name}, action_required=True, now=now)


def tell_unblocked(user: User, *, now: datetime) -> None:
    """Tell the owner of an account that he may sign in again."""
    notify([user], "notice.unblocked", about=About(), now=now)


def tell_compromised(user: User, *, path: str, now: datetime) -> None:
    """Mail the owner of an account whose password was reset the link that sets a new one."""
    url = here.config().base_url + path
    notify([user], "notice.compromised", about=About(), mail_only={"mail.recovery": url}, now=now)


def tell_authenticator(user: User, *, added: bool, now: datetime) -> None:
    """Tell the owner of an account that his means of confirming have changed."""
    message = "notice.authenticator_added" if added else "notice.authenticator_removed"
    notify([user], message, about=About(), now=now)


def tell_device(
    user: User, *, browser: str, address: str, at: datetime, now: datetime, message: str = "notice.device_confirmed"
) -> None:
    """Tell the owner of an account what was confirmed on one of his devices for another."""
    params = {"browser": browser or "–", "address": address or "–", "time": date_time_text(at)}
    notify([user], message, about=About(), params=params, now=now)


def tell_device_refused(user: User, *, browser: str, address: str, at: datetime, now: datetime) -> None:
    """Tell the owner of an account that one of his devices refused another."""
    tell_device(user, browser=browser, address=address, at=at, now=now, message="notice.device_refused")


def send_code(user: User, *, code: str, minutes: int, now: datetime) -> None:
    """Mail the code that was asked for; the cabinet tells that it was, and never the code."""
    notify(
        [user], "notice.code_mailed", about=About(), params={"minutes": minutes}, mail_only={"mail.code": code}, now=now
    )


def tell_generator_lost(user: User, *, by: User, now: datetime) -> None:
    """Tell the owner that his generator is to be taken away, and the other officers that the second of them is due."""
    notify([user], "notice.generator_lost", about=About(), now=now)
    others = [officer for officer in people.holders(Role.ADMIN) if officer.id not in (by.id, user.id)]
    params, about = {"user": user.name}, About(author=by.name)
    notify(others, "notice.generator_waits", about=about, params=params, action_required=True, now=now)


def tell_generator_taken_away(user: User, *, now: datetime) -> None:
    """Tell the owner of an account that he sets up a new generator now."""
    about = About(url=f"{here.config().base_url}/profile/authenticator")
    notify([user], "notice.generator_taken_away", about=about, now=now)


def listen() -> None:
    """Hear of what happens to accounts; a second time changes nothing."""
    signals.locked.connect(tell_locked)
    signals.address_blocked.connect(tell_address_blocked)
    signals.unlocked.connect(tell_unlocked)
    signals.recovery_asked.connect(send_recovery)
    signals.blocked.connect(tell_blocked)
    signals.presence_recorded.connect(tell_presence)
    signals.unblocked.connect(tell_unblocked)
    signals.compromised.connect(tell_compromised)
    signals.authenticator_changed.connect(tell_authenticator)
    signals.device_confirmed.connect(tell_device)
    signals.device_refused.connect(tell_device_refused)
    signals.code_asked.connect(send_code)
    signals.generator_lost.connect(tell_generator_lost)
    signals.generator_taken_away.connect(tell_generator_taken_away)
