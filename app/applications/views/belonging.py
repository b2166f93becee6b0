"""What the page of an application says of what it belongs to, and of what belongs to it."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_login import current_user

from app.applications import filing, parents, queries
from app.applications.models import Application
from app.applications.views import lists
from app.permissions import Permission
from app.web import here
from app.web.templating import word
from app.workflows.guards import ParentState
from app.workflows.machine import Procedure


def panel(application: Application) -> dict[str, Any] | None:
    """Return what is shown, or None where nothing belongs together here.

    ``parent``: the one to which it belongs, with a link only for who sees it; ``choices``: those that may be named
    still; ``children``: as lists show them; ``within``: what the present user may begin within it.
    """
    procedure = queries.procedure(application)
    inner = parents.procedures_within(procedure)
    children = parents.children(application, user=current_user) if inner else ()
    found = {
        "title": procedure.parent.title[here.language()] if procedure.parent else "",
        "is_needed": procedure.parent is not None and procedure.parent.is_needed,
        "parent": _parent(application, procedure),
        "choices": _choices(application, procedure),
        "children": lists.rows(children),
        "within": [item for each in inner for item in _to_begin(application, each)],
    }
    is_empty = not (found["parent"] or found["choices"] or found["children"] or found["within"])
    return None if is_empty else found


def _choices(application: Application, procedure: Procedure) -> list[tuple[str, str]]:
    """Return the applications to which this one may still be said to belong: number, and words."""
    if not filing.may_name_parent(application, current_user):
        return []
    found = parents.choices(procedure, [application.organisation], user=current_user)
    parent = application.parent
    options = [(item.number, lists.words_within(item)) for item in found]
    if parent is not None and parent not in found:  # so that pressing the button unchosen detaches nothing
        words = _in_words(parent)
        is_failed = parents.state(application) is ParentState.FAILED
        options.insert(0, (parent.number, word("parents.is_ended", words=words) if is_failed else words))
    return options


def _in_words(parent: Application) -> str:
    """Return what the list of choices calls one: to who does not see it, its number and title alone."""
    if queries.sees(parent, current_user):
        return lists.words_within(parent)
    return f"{parent.number} · {queries.procedure(parent).title[here.language()]}"


def _parent(application: Application, procedure: Procedure) -> dict[str, Any] | None:
    parent = application.parent
    if parent is None or procedure.parent is None:
        return None
    theirs, sees = queries.procedure(parent), queries.sees(parent, current_user)
    return {
        "number": parent.number,
        "href": url_for("applications.hub", number=parent.number) if sees else None,
        "procedure": theirs.title[here.language()],
        "status": theirs.processes[parent.process].state_key if sees else "",
        "waits": _waits(application, parent, procedure) if sees else "",
    }


def _waits(application: Application, parent: Application, procedure: Procedure) -> str:
    """Return what is said while a parent does not say what is asked of it, or never will; "" where all is well.

    The organisation learns of a decision by its letter: until then nothing here changes for it.
    """
    when = procedure.parent.when if procedure.parent is not None else None
    if when is None or when.otherwise is None or procedure.processes[application.process].final:
        return ""
    if parents.state(application) is ParentState.FAILED:
        return word("parents.ended")
    is_told = current_user.is_exchange or any(
        item.kind == "letter" and item.delivered_at for item in queries.documents(parent)
    )
    waits = parents.state(application) is not ParentState.FITS or not is_told
    return str(when.otherwise[here.language()]) if waits else ""


def _to_begin(application: Application, procedure: Procedure) -> list[dict[str, str]]:
    """Return the link to begin a procedure within this application, where the present user may."""
    if not current_user.may(Permission.BEGIN) or application not in parents.choices(
        procedure, filing.companies(current_user, procedure), user=current_user
    ):
        return []
    href = url_for("applications.new", key=procedure.key, parent=application.number)
    return [{"key": procedure.key, "title": procedure.title[here.language()], "href": href}]
