"""The summary form as the present user may read it."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_login import current_user

from app.applications import queries, summary
from app.applications.models import AnyComment, Application
from app.applications.summary import Drawing, StageView
from app.web import here
from app.workflows.parts import StageKind


def file_url(application: Application) -> Any:
    """Return the function that gives a file's address."""
    return lambda attachment_id: url_for(
        "applications.attachment", number=application.number, attachment_id=attachment_id
    )


def said(application: Application) -> list[AnyComment]:
    """Return what has been said of an application, as far as the present user may read it: comments, then notes."""
    notes = queries.notes(application, user=current_user)
    return [*queries.comments(application, user=current_user), *notes]


def drawing(application: Application, *, may_comment: bool = False) -> Drawing:
    """Return how the fields of an application are drawn for the present user."""
    return Drawing(
        here.language(),
        comments=summary.comments_by_place(said(application)),
        may_comment=may_comment,
        file_url=file_url(application),
    )


def reading(application: Application, *, may_comment: bool = False) -> list[StageView]:
    """Return the applicant's stages; the Exchange reads them as they were sent."""
    as_of = application.sent_at if current_user.is_exchange else None
    return summary.stages(application, drawing(application, may_comment=may_comment), as_of=as_of)


def workings(application: Application) -> list[StageView]:
    """Return the Exchange's own stages; its people alone read them."""
    if not current_user.is_exchange:
        return []
    return summary.stages(application, drawing(application), kinds=(StageKind.WORK,))
