"""The filled application as a workbook and as JSON, for those who may have it as PDF."""

from __future__ import annotations

from flask_login import current_user
from werkzeug.wrappers import Response

from app.applications import exporting
from app.applications.models import Application
from app.applications.views import frame
from app.applications.views.frame import blueprint
from app.errors import NotFound
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.giving import give

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _own(number: str) -> Application:
    """Return an application of the applicant's side; the Exchange reads what was signed."""
    application = frame.one(number)
    if current_user.is_exchange:
        raise NotFound
    return application


@blueprint.get("/applications/<number>/summary.xlsx")
@allowed(Permission.VIEW_APPLICATIONS)
def workbook(number: str) -> Response:
    application = _own(number)
    content = exporting.as_workbook(application, here.language(), now=here.now())
    return give(content, f"{application.number}.xlsx", XLSX)


@blueprint.get("/applications/<number>/summary.json")
@allowed(Permission.VIEW_APPLICATIONS)
def answers(number: str) -> Response:
    application = _own(number)
    content = exporting.as_json(application, now=here.now())
    return give(content.encode("utf-8"), f"{application.number}.json", "application/json")
