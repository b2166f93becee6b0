"""What a request for access says, and whether it will do: plain values in, faults out (IS2IN-3.e to 3.j)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.errors import Problem
from app.forms import identifiers
from app.organisations.models import KINDS
from app.terms import LANGUAGES, say
from app.web.inputs import is_address, line_fault

FORMS = ("jsc", "llp", "njsc", "state", "other")
"""Legal forms that have a term; of another one the whole name is typed."""
MOST_CONTACTS = 5

DESKS = {"initiator": "listing", "adviser": "listing", "audit_org": "auditors", "candidate": "monitoring"}
"""Which desk of the Exchange a kind of client belongs to (IS2IN-3.b to 3.d)."""
MAILBOXES = {
    "listing": "listing@kase.kz",
    "auditors": "auditor_listing@kase.kz",
    "monitoring": "monitoring@kase.kz",
}

PERSON = {"last_name": 100, "first_name": 100, "patronymic": 100, "position": 200, "email": 254, "phone": 20}
"""What is asked of a person, and how many signs it may have."""
_MAY_LACK = frozenset({"patronymic"})

LONGEST_NAME, LONGEST_WHOLE_NAME = 280, 300
"""Of an organisation without its legal form, and with it."""
_PHONE = re.compile(r"[0-9+()\s\-]+")


def person(given: Mapping[str, str], prefix: str, *, is_head: bool = False) -> dict[str, str]:
    """Return a person as typed under ``prefix`` (``head``, ``contacts-0``)."""
    keys = [*PERSON, *(["iin"] if is_head else [])]
    return {key: " ".join(given.get(f"{prefix}-{key}", "").split()) for key in keys}


def read(given: Mapping[str, str], *, contacts: int) -> dict[str, Any]:
    """Return what was typed: field path -> text, as ``AccessRequest.said`` keeps it."""
    plain = ("kind", "legal_form", "bin", *(f"name_{language}" for language in LANGUAGES))
    said: dict[str, Any] = {key: " ".join(given.get(key, "").split()) for key in plain}
    said["head"] = person(given, "head", is_head=True)
    said["contacts"] = [person(given, f"contacts-{number}") for number in range(contacts)]
    return said


def faults(said: Mapping[str, Any], *, longest: int = LONGEST_NAME) -> list[Problem]:
    """Return what is wrong with a request, by field path; ``longest`` is how many signs a name may have."""
    found = list(_choices(said))
    for language in LANGUAGES:
        found += _text(f"name_{language}", said[f"name_{language}"], longest)
    found += bin_faults("bin", said["bin"])
    found += person_faults(said["head"], "head", is_head=True)
    contacts: Sequence[Mapping[str, str]] = said["contacts"]
    for number, each in enumerate(contacts):
        found += person_faults(each, f"contacts-{number}")
    seen: set[str] = set()
    for number, each in enumerate(contacts):
        address = each["email"].casefold()
        if address and address in seen:
            found.append(Problem(f"contacts-{number}-email", "access.err.same_email"))
        seen.add(address)
    return found


def _choices(said: Mapping[str, Any]) -> Iterator[Problem]:
    if said["kind"] not in KINDS:
        yield Problem("kind", "access.err.kind")
    if said["legal_form"] not in FORMS:
        yield Problem("legal_form", "access.err.legal_form")
    if not 1 <= len(said["contacts"]) <= MOST_CONTACTS:
        yield Problem("contacts-0-last_name", "access.err.contacts", {"most": MOST_CONTACTS})


def person_faults(found: Mapping[str, str], prefix: str, *, is_head: bool = False) -> Iterator[Problem]:
    """Yield what is wrong with one person."""
    for key, most in PERSON.items():
        if key in _MAY_LACK and not found[key]:
            continue
        yield from _text(f"{prefix}-{key}", found[key], most)
    if found["email"] and not is_address(found["email"]):
        yield Problem(f"{prefix}-email", "field.err.email")
    digits = re.sub(r"\D", "", found["phone"])
    if found["phone"] and (not _PHONE.fullmatch(found["phone"]) or not 10 <= len(digits) <= 15):
        yield Problem(f"{prefix}-phone", "field.err.phone")
    if is_head:
        yield from iin_faults(f"{prefix}-iin", found["iin"])


def iin_faults(path: str, number: str) -> Iterator[Problem]:
    """Yield what is wrong with an IIN."""
    if not number:
        yield Problem(path, "err.required")
    elif not identifiers.has_12_digits(number):
        yield Problem(path, "access.err.iin")
    elif identifiers.birth_date(number) is None or not identifiers.control_digit_holds(number):
        yield Problem(path, "access.err.iin_check")


def bin_faults(path: str, number: str) -> Iterator[Problem]:
    """Yield what is wrong with a BIN: its digits, its month, its kind, its check digit."""
    if not number:
        yield Problem(path, "err.required")
    elif not identifiers.has_12_digits(number):
        yield Problem(path, "access.err.bin")
    elif not (
        identifiers.bin_month_holds(number)
        and identifiers.bin_kind_holds(number)
        and identifiers.control_digit_holds(number)
    ):
        yield Problem(path, "access.err.bin_check")


def _text(path: str, text: str, most: int) -> Iterator[Problem]:
    if not text:
        yield Problem(path, "err.required")
    elif len(text) > most:
        yield Problem(path, "access.err.long", {"max": most})
    elif line_fault(text):
        yield Problem(path, line_fault(text))


def full_names(said: Mapping[str, Any]) -> dict[str, str]:
    """Return the organisation's name with its legal form: «Алтындән» АҚ, АО «Алтындән», Altyndan JSC."""
    form = str(said["legal_form"])
    names = {language: str(said[f"name_{language}"]).strip('«»"“” ') for language in LANGUAGES}
    if form == "other":
        return {language: str(said[f"name_{language}"]) for language in LANGUAGES}
    words = {language: say(f"access.form.short.{form}", language) for language in LANGUAGES}
    return {
        "kk": f"«{names['kk']}» {words['kk']}",
        "ru": f"{words['ru']} «{names['ru']}»",
        "en": f"{names['en']} {words['en']}",
    }
