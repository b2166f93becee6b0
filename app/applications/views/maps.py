"""The map of an application's procedure: where it stands, which ways lead on, how long each process usually takes."""

from __future__ import annotations

from flask import render_template
from flask_login import current_user

from app.applications import durations, moves, queries
from app.applications.models import Application
from app.applications.views import frame
from app.applications.views.frame import Answer, blueprint
from app.permissions import Permission
from app.terms import terms
from app.web import here
from app.web.access import allowed
from app.web.templating import date_text, word
from app.workflows.graph import draw, words_of
from app.workflows.machine import Procedure


@blueprint.get("/applications/<number>/map")
@allowed(Permission.VIEW_APPLICATIONS)
def map_page(number: str) -> Answer:
    application = frame.one(number)
    procedure = queries.procedure(application)
    drawing = draw(procedure, here.language(), word, here=application.process)
    return render_template(
        "applications/map.html",
        **frame.head(application),
        steps=_steps(application, procedure),
        drawing=drawing,
    )


def _steps(application: Application, procedure: Procedure) -> list[dict[str, object]]:
    """Return every process in words, the ends last, with the ways that lead on from it."""
    language, usual = here.language(), durations.usual(procedure)
    entered = {row.target: row.at for row in reversed(queries.history(application)) if row.target}
    order = sorted(procedure.processes.values(), key=lambda process: process.final)
    return [
        {
            "key": process.key,
            "title": process.short_title[language],
            "who": _who(application, process.executor),
            "at": date_text(entered.get(process.key)),
            "usual": frame.usual_words(usual.get(process.key)),
            "current": process.key == application.process,
            "ways": [
                {
                    "words": words_of(each, language, word),
                    "target": procedure.processes[each.target].short_title[language],
                    "who": _who(application, each.by) if each.by != process.executor else "",
                }
                for each in procedure.transitions
                if each.source == process.key
            ],
        }
        for process in order
    ]


def _who(application: Application, executor: str | None) -> str:
    """Return who an executor is: the person by name, the role at the Exchange, nobody for the end of a term."""
    if executor is None or f"workflow.executor.{executor}" not in terms():
        return ""
    return ", ".join(moves.executor_words(application, (executor,), here.language(), reader=current_user))
