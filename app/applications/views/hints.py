"""What the server says of an answer as soon as one has left its box: the sentence that «Дайын» would say.

Nothing is stored; ``static/js/hints.js`` asks, and without scripts «Сақтау» tells the same.
"""

from __future__ import annotations

from flask import Response, jsonify, request

from app.applications import answering, merging, queries
from app.applications.views import frame
from app.applications.views.frame import blueprint
from app.applications.views.questionnaires import require_writable
from app.errors import Problem
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.templating import word

MISSING = "field.note.missing"
"""What is not answered yet is no fault of one who is still answering."""


@blueprint.post("/applications/<number>/stages/<stage>/hints")
@allowed(Permission.FILE, Permission.PROCESS)
def hints(number: str, stage: str) -> Response:
    """Judge what stands on the page; answer input name -> sentence for the inputs named in ``about``, "" where none."""
    application = frame.one(number)
    require_writable(application, stage)
    told = dict.fromkeys(request.form.getlist("about"), "")
    raw = {name: texts for name, texts in request.form.lists() if name != "about"}
    newest = queries.latest(application, stage)
    given = answering.choices(application, here.language())
    for form in answering.forms(application, stage):
        before = newest.values.get(form.key, {}) if newest else {}
        parsed = merging.parse(form, raw, before, given)
        for problem in parsed.and_judged(form.gaps(parsed.values)):
            if problem.key != MISSING and not told.get(problem.path, "-"):
                told[problem.path] = _words(problem)
    return jsonify(told)


def _words(problem: Problem) -> str:
    return word(problem.key, **problem.params)
