"""What the screens of organisations share: the blueprint, the own organisation, the files that come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from flask import Blueprint, request
from flask_login import current_user
from werkzeug.wrappers import Response

from app import db
from app.accounts.models import User
from app.errors import AppError, Invalid, NotFound
from app.files.aside import look_aside
from app.files.findings import Look, Refusal
from app.files.names import ending_of, safe_name
from app.organisations import staffing
from app.organisations.models import Membership, Organisation
from app.storage import Draft, TooLarge
from app.web import here
from app.web.inputs import whole_number
from app.web.templating import word

blueprint = Blueprint("organisations", __name__)
Answer = str | Response | tuple[str, int]

LARGEST_ORDER = 10 * 1024 * 1024
ORDER_KINDS = ("pdf", "jpg", "png")
"""What an order may be: a scan, or a paper that was made as a PDF."""


def own() -> Organisation:
    """Return the organisation of the present user; the Exchange's people have none."""
    user: User = current_user
    if user.organisation is None:
        raise NotFound
    return user.organisation


def site() -> str:
    """Return the address of this installation, as mails give it."""
    return here.config().base_url


def seen() -> int:
    """Return the version that was on the screen."""
    return whole_number(request.form.get("seen")) or 0


def words_of(refusal: AppError) -> str:
    """Return a refusal in the language of the page."""
    return word(refusal.key, **refusal.params)


def person_row(member: Membership) -> dict[str, Any]:
    """Return what a list of people says of each, to the organisation and to the Exchange."""
    flags = {"role.org_admin": member.is_admin, "role.first_head": member.is_first_head}
    return {
        "id": member.user_id,
        "name": member.user.full_name,
        "position": member.works_as,
        "email": member.user.email,
        "phone": member.user.phone,
        "roles": [key for key, has in flags.items() if has],
        "last_sign_in": member.user.last_sign_in,
        "status": "st.active" if staffing.is_on(member) else "user.off",
        "is_head": member.is_first_head,
    }


@dataclass
class Order:
    """A file that has come with a request and may be kept; without one ``sha256`` is empty."""

    name: str = ""
    sha256: str = ""
    draft: Draft | None = None
    is_taken: bool = False

    def keep(self) -> None:
        """Put its bytes into their place when the transaction is committed, and drop them when it is taken back."""
        draft = self.draft
        if draft is not None:
            storage, self.is_taken = here.storage(), True
            db.on_outcome(commit=lambda: storage.keep(draft), rollback=draft.drop)


@contextmanager
def order(field: str) -> Iterator[Order]:
    """Give the file of a field, looked into while no transaction is open; what is not kept leaves nothing behind.

    Raises:
        Invalid: it is too large, not what its name says, or no PDF or picture.
    """
    upload = request.files.get(field)
    if upload is None or not upload.filename:
        yield Order()
        return
    db.session.rollback()
    name = safe_name(upload.filename)
    try:
        draft = here.storage().draft(cast(BinaryIO, upload.stream), most=LARGEST_ORDER)
    except TooLarge:
        raise Invalid.at(field, "order.err.size", mb=LARGEST_ORDER // 1024 // 1024) from None
    found = Order(name, draft.sha256, draft)
    try:
        _require_readable(draft, name, field)
        db.begin_writing(True)
        yield found
    finally:
        if not found.is_taken:
            draft.drop()


def _require_readable(draft: Draft, name: str, field: str) -> None:
    try:
        found: Look | None = look_aside(draft.path, draft.sha256) if draft.size else None
    except Refusal as refusal:
        raise Invalid.at(field, refusal.key, **{"types": _KINDS, **refusal.params}) from None
    if found is None or found.kind not in ORDER_KINDS or found.kind != ending_of(name):
        raise Invalid.at(field, "order.err.kind", types=_KINDS)


_KINDS = "PDF, JPG, PNG"
