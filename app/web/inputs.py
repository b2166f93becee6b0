"""What the fixed screens' inputs share: WTForms classes whose messages are keys of terms."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, TypeVar

from flask import Flask, abort, current_app, request
from flask_wtf import FlaskForm
from werkzeug.routing import IntegerConverter
from wtforms import Field, Form, PasswordField, StringField, TextAreaField
from wtforms.validators import ValidationError

from app.errors import Invalid, Problem


def register(app: Flask) -> None:
    """Refuse what no keyboard types: NUL, which no PostgreSQL text can hold, and signs that hide or turn text."""
    app.before_request(_no_nul)
    app.before_request(_no_hidden_signs)


def _no_nul() -> None:
    given = [
        request.path,
        *(text for values in (request.args, request.form) for pair in values.items(multi=True) for text in pair),
    ]
    if any("\0" in text for text in given):
        abort(400)


_HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Controls of C0 and C1 but tab and line breaks, and what turns the reading of the text about it."""
_BREAKS = re.compile("[\r\n\u2028\u2029\u200b]")
"""What a name or a title never holds besides."""
_JUDGING = "judges_signs"
_View = TypeVar("_View", bound=Callable[..., Any])


def judges_signs(view: _View) -> _View:
    """Leave the signs of a form to its own view, which names the field and keeps what was typed."""
    setattr(view, _JUDGING, True)
    return view


def _no_hidden_signs() -> None:
    """Refuse such signs in any form sent; what files hold is judged where files are.

    Raises:
        Invalid: names the sign.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or getattr(view, _JUDGING, False):
        return
    require_plain(text for values in request.form.listvalues() for text in values)


def require_plain(texts: Iterable[str]) -> None:
    """Refuse signs that hide or turn text.

    Raises:
        Invalid: names the sign.
    """
    for text in texts:
        found = _HIDDEN.search(text)
        if found is not None:
            raise Invalid("field.err.control", code=f"U+{ord(found[0]):04X}")


def line_fault(text: str) -> str:
    """Return the key of what is wrong with the one line of a name or a title, "" where nothing is."""
    return "field.err.line" if _BREAKS.search(text.strip()) else ""


_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?!.*=\?){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}")


def is_address(text: str) -> bool:
    """Tell whether a text is a mail address that every server takes: dot-atom and host name (RFC 5321), at most 254.

    What looks like an encoded word (RFC 2047) is none: readers of headers stumble over it.
    """
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def mail_address(_form: Form, field: Field) -> None:
    """Refuse what is no mail address.

    Raises:
        ValidationError: the key of a term.
    """
    if not is_address((field.data or "").strip()):
        raise ValidationError("field.err.email")


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


_ONCE = re.compile(r"[A-Za-z0-9_-]{32,64}")


def once() -> str:
    """Return the hidden field by which a form that is sent twice is known; a page shown again keeps it."""
    given = request.form.get("once", "")
    return given if _ONCE.fullmatch(given) else secrets.token_urlsafe(24)


class Input(FlaskForm):  # type: ignore[misc]
    """A fixed form; a validator's message is the key of a term.  What has no box of several lines takes one line."""

    def validate(self, extra_validators: Any = None) -> bool:
        """Tell whether everything will do; ``problems`` says what does not."""
        is_sound = bool(super().validate(extra_validators))
        for field in self:
            if not isinstance(field, StringField) or isinstance(field, TextAreaField | PasswordField):
                continue
            fault = line_fault(field.data or "")
            if fault and not field.errors:
                field.errors = [fault]
                is_sound = False
        return is_sound

    def problems(self) -> list[Problem]:
        """Return the faults found, by input name."""
        return [Problem(name, str(message)) for name, messages in self.errors.items() for message in messages]


def given_cms() -> bytes:
    """Return the signature that came: from the signing agent in the page, or as a file made elsewhere."""
    file = request.files.get("cms_file")
    if file is not None and file.filename:
        file.seek(0)  # it may be asked for twice
        return bytes(file.read())
    text = request.form.get("cms", "").strip()
    if text.startswith("-----"):
        return text.encode("ascii", "replace")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode("utf-8")
