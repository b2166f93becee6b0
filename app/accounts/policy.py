"""The figures of signing in, as data: what a password must be, how long things last.

They stand in ``access_rules.yaml`` beside this file, or in the one that ``KEZEN_ACCESS_RULES`` names, and are
checked when the application starts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated

from flask import Flask, current_app, has_app_context
from pydantic import Field

from app.config import ROOT, BadConfiguration, Config
from app.definition_files import Definition, FaultyDefinitions, Key, read
from app.errors import Problem

SHIPPED = Path(__file__).parent / "access_rules.yaml"
_RULES = "kezen.access_rules"
_LEFT_OVER = 6
"""Characters that must remain of a password without its common words, digits and repetitions."""

Count = Annotated[int, Field(ge=1, le=100_000)]
Some = Annotated[int, Field(ge=0, le=100_000)]


class PasswordPolicy(Definition):
    """What a password must be; ``days`` 0 means that it does not run out."""

    shortest: Annotated[int, Field(ge=8, le=64)]
    longest: Annotated[int, Field(ge=12, le=256)]
    digit: bool
    upper_and_lower: bool
    symbol: bool
    days: Some
    without_login_and_name: bool
    without_common_words: bool
    remembered: Annotated[int, Field(ge=0, le=12)]

    @property
    def life(self) -> timedelta | None:
        """How long a password lives from its last change (reading A5), None for ever."""
        return timedelta(days=self.days) if self.days else None

    @property
    def rules(self) -> dict[str, dict[str, object]]:
        """The rules in the order in which a page tells them: word of the rule -> parameters of its sentence."""
        told: dict[str, dict[str, object]] = {"length": {"shortest": self.shortest, "longest": self.longest}}
        flags = {"digit": self.digit, "case": self.upper_and_lower, "symbol": self.symbol}
        flags |= {"person": self.without_login_and_name, "common": self.without_common_words}
        return told | {name: {} for name, holds in flags.items() if holds}


class Hashing(Definition):
    """The figures of Argon2id."""

    time_cost: Annotated[int, Field(ge=1, le=20)]
    memory_kib: Annotated[int, Field(ge=7168, le=1_048_576)]
    parallelism: Annotated[int, Field(ge=1, le=16)]


class Links(Definition):
    """How long one-time links work."""

    first_password_hours: Count
    recovery_minutes: Count


class Recovery(Definition):
    """How often something that is mailed may be asked for."""

    resend_seconds: Count
    per_hour: Count

    def is_too_soon(self, asked: Sequence[datetime], *, now: datetime) -> bool:
        """Tell whether the last one (``asked``: the moments of the last hour, the newest first) is too near."""
        return bool(asked) and now - asked[0] < timedelta(seconds=self.resend_seconds)

    def is_too_often(self, asked: Sequence[datetime]) -> bool:
        """Tell whether the hour's number is used up."""
        return len(asked) >= self.per_hour


class MailCodes(Recovery):
    """Whether a code by mail may stand for that of a generator, how long it lives, how often it is sent."""

    offered: bool
    life_minutes: Count


class Lockout(Definition):
    """After how many failures in a row the door is shut, and for how long."""

    failures: Annotated[int, Field(ge=2, le=100)]
    minutes: Count


class AddressRule(Definition):
    """How many logins from one address within how long shut the door, and for how long."""

    logins: Annotated[int, Field(ge=2, le=100)]
    window_minutes: Count
    hours: Count


class Sessions(Definition):
    """When a session ends by itself."""

    idle_minutes: Count
    absolute_hours: Count


class SecuritySession(Definition):
    """When a security session ends by itself, and how fresh a code the most sensitive operations need."""

    idle_minutes: Count
    absolute_minutes: Count
    fresh_minutes: Count
    device_minutes: Count


class Block(Definition):
    """Within how long an officer blocks whom he has identified."""

    minutes: Count


class AccountQuestions(Definition):
    """How often within an hour somebody may learn that an address has an account."""

    per_hour: Count


class AccessRules(Definition):
    """One file of figures."""

    passwords: dict[Key, PasswordPolicy]
    common_words: list[str]
    hashing: Hashing
    links: Links
    recovery: Recovery
    lockout: Lockout
    address_rule: AddressRule
    sessions: Sessions
    security_session: SecuritySession
    mail_codes: MailCodes
    account_questions: AccountQuestions
    block: Block


def load(path: Path = SHIPPED) -> AccessRules:
    """Read a file of figures.

    Raises:
        FaultyDefinitions: with every fault.
    """
    reading = read(path, AccessRules, root=ROOT)
    faults = list(reading.faults)
    if reading.text is not None and not faults:
        faults += [
            reading.source.fault(["passwords", name, "longest"], "is less than shortest", "raise it")
            for name, policy in reading.text.passwords.items()
            if policy.longest < policy.shortest
        ]
    if faults or reading.text is None:
        raise FaultyDefinitions(faults)
    return reading.text


def register(app: Flask) -> None:
    """Give ``app`` its figures.

    Raises:
        FaultyDefinitions: the file is faulty.
        BadConfiguration: the chosen password policy is not in the file.
    """
    config: Config = app.extensions["kezen.config"]
    rules = load(config.access_rules or SHIPPED)
    if config.passwords not in rules.passwords:
        raise BadConfiguration(f"KEZEN_PASSWORDS={config.passwords!r}: use one of {', '.join(rules.passwords)}")
    app.extensions[_RULES] = rules


@cache
def _shipped() -> AccessRules:
    return load()


def rules() -> AccessRules:
    """Return the figures in force; outside an application those that are shipped."""
    found: AccessRules = current_app.extensions[_RULES] if has_app_context() else _shipped()
    return found


def password_policy() -> PasswordPolicy:
    """Return what a password must be now."""
    chosen = current_app.extensions["kezen.config"].passwords if has_app_context() else "manual"
    return rules().passwords[chosen]


def faults(password: str, *, login: str = "", names: tuple[str, ...] = (), policy: PasswordPolicy) -> list[Problem]:
    """Return the rules that ``password`` breaks, in the manual's order (IS2IN-8.2.c to g; ESRV-41.1).

    Counted in characters after NFC; a symbol is printable, neither letter nor digit nor space.  ``login`` is an
    e-mail address, whose part before the @ may not occur; of ``names`` no three signs in a row may.
    """
    text = unicodedata.normalize("NFC", password)
    found = []

    def wrong(rule: str, **params: object) -> None:
        found.append(Problem("new_password", f"password.err.{rule}", params))

    if len(text) < policy.shortest:
        wrong("short", n=policy.shortest)
    if len(text) > policy.longest:
        wrong("long", n=policy.longest)
    if policy.digit and not any(sign.isdigit() for sign in text):
        wrong("digit")
    if policy.upper_and_lower and not (any(sign.isupper() for sign in text) and any(sign.islower() for sign in text)):
        wrong("case")
    if policy.symbol and not any(sign.isprintable() and not sign.isalnum() and not sign.isspace() for sign in text):
        wrong("symbol")
    if policy.without_login_and_name and _tells_the_person(text.casefold(), login, names):
        wrong("person")
    if policy.without_common_words and _is_common(text.casefold()):
        wrong("common")
    return found


def _tells_the_person(text: str, login: str, names: tuple[str, ...]) -> bool:
    account = login.casefold().partition("@")[0]
    if len(account) >= 3 and account in text:
        return True
    folded = [unicodedata.normalize("NFC", name).casefold() for name in names]
    return any(name[at : at + 3] in text for name in folded for at in range(len(name) - 2))


def _is_common(text: str) -> bool:
    rest = text
    for piece in sorted(rules().common_words, key=len, reverse=True):
        rest = rest.replace(piece.casefold(), " ")
    rest = re.sub(r"(.+?)\1+", r"\1", re.sub(r"[\W\d_]+", "", rest))
    return len(rest) < _LEFT_OVER
