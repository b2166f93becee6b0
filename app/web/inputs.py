"""What the fixed screens' inputs share: WTForms classes whose messages are keys of terms."""

from __future__ import annotations

from datetime import date, datetime

from flask import Flask, abort, request
from flask_wtf import FlaskForm
from werkzeug.routing import IntegerConverter

from app.errors import Problem


def register(app: Flask) -> None:
    """Refuse what no keyboard types: a NUL sign, which no PostgreSQL text can hold."""
    app.before_request(_no_nul)


def _no_nul() -> None:
    given = [
        request.path,
        *(text for values in (request.args, request.form) for pair in values.items(multi=True) for text in pair),
    ]
    if any("\0" in text for text in given):
        abort(400)


class ShortNumber(IntegerConverter):
    """An id in an address; one that no database could hold is no address at all."""

    regex = r"\d{1,9}"


def whole_number(text: str | None) -> int | None:
    """Return the whole number that ``text`` writes in plain digits, None for anything else."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= 9 else None


YEARS = range(2000, 2101)
"""The years that a typed day may lie in; further off no term, zone or calendar can be reckoned."""


def day(text: str | None) -> date | None:
    """Return the day that was typed as 18.11.2026, or as a browser's date box sends it.

    None for anything else, and for a day outside ``YEARS``.
    """
    for pattern in ("%Y-%m-%d", "%d.%m.%Y"):
        try:
            found = datetime.strptime((text or "").strip(), pattern).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
        return found if found.year in YEARS else None
    return None


class Input(FlaskForm):  # type: ignore[misc]
    """A fixed form; a validator's message is the key of a term."""

    def problems(self) -> list[Problem]:
        """Return the faults found, by input name."""
        return [Problem(name, str(message)) for name, messages in self.errors.items() for message in messages]
