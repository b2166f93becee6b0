"""The summary form: what an application says, stage by stage, as screen, review and paper show it.

``sheets`` holds the views, ``drawing`` makes them out of forms and values; here they are put
together for a whole application.
Source: user manual, paragraphs 18, 19 and 25.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from app import catalogue
from app.accounts import queries as people
from app.accounts.models import User
from app.applications import queries
from app.applications.drawing import (
    Drawing,
    comment_view,
    comments_by_place,
    dynamic_sheets,
    field_view,
    form_sheet,
)
from app.applications.models import Answers, Application
from app.applications.sheets import FieldView, SheetView, StageView
from app.forms.definitions import DynamicForm
from app.workflows.guards import StageStatus
from app.workflows.parts import StageKind

__all__ = [
    "Drawing",
    "FieldView",
    "SheetView",
    "StageView",
    "comment_view",
    "comments_by_place",
    "dynamic_sheets",
    "field_view",
    "form_sheet",
    "person_names",
    "person_words",
    "stage_sheets",
    "stages",
    "texts",
]


def stage_sheets(application: Application, stage: str, values: Mapping[str, Any], drawing: Drawing) -> list[SheetView]:
    """Draw the forms of a stage with its ``values`` (form key -> values)."""
    library = catalogue.present().forms
    sheets: list[SheetView] = []
    for key in queries.procedure(application).stages[stage].forms:
        form = library.get(key, application.forms.get(key))
        answers = values.get(key, {})
        if isinstance(form, DynamicForm):
            sheets += dynamic_sheets(form, answers, drawing, stage=stage)
        else:
            sheets.append(form_sheet(form, answers, drawing, stage=stage))
    return sheets


def person_names(values: Iterable[Mapping[str, Any]], language: str) -> dict[str, list[tuple[str, str]]]:
    """Return the words of chosen people, whose options a room supplies, wherever they now work."""
    ids = {
        int(value)
        for stage in values
        for form in stage.values()
        for key, value in form.items()
        if key == "adviser" and isinstance(value, str) and value.isdecimal()
    }
    found = people.by_ids(ids)
    return {"partner_advisers": [(str(user.id), person_words(user, language)) for user in found.values()]}


def person_words(user: User, language: str) -> str:
    """Return a person with the organisation he works for."""
    firms = [each.organisation for each in user.places if each.organisation.kind == "adviser"]
    company = firms[0] if firms else user.organisation
    return f"{user.full_name} — {company.names[language]}" if company else user.full_name


def stages(
    application: Application,
    drawing: Drawing,
    *,
    as_of: datetime | None = None,
    kinds: Sequence[StageKind] = (StageKind.FILL,),
) -> list[StageView]:
    """Draw all stages of ``kinds`` that have been reached, in the order of the procedure."""
    found = queries.answers(application, as_of=as_of)
    drawing.is_reading = True
    drawing.names = {**person_names((row.values for row in found.values()), drawing.language), **drawing.names}
    procedure = queries.procedure(application)
    standing = queries.position(application)
    views = []
    for key, stage in procedure.stages.items():
        if stage.kind not in kinds or not stage.forms:
            continue
        row: Answers | None = found.get(key)
        status = standing.status(key)
        if row is None and stage.kind is StageKind.WORK:
            continue
        views.append(
            StageView(
                key,
                stage.title[drawing.language],
                f"st.{status}",
                stage_sheets(application, key, row.values if row else {}, drawing),
                is_kept=row is not None and status is StageStatus.NOT_STARTED,
            )
        )
    return views


def texts(application: Application, *, as_of: datetime | None = None) -> dict[str, str]:
    """Return ``stage.path`` -> the words of every field of the summary form, in the application's language."""
    return {
        view.place: view.text
        for stage in stages(application, Drawing(application.language), as_of=as_of)
        for sheet in stage.sheets
        for section in sheet.sections
        for view in section.fields
    }
