"""An application moved to a newer version of its procedure: shown first, confirmed, one act in the history.

An application keeps the version it began with.  Once it has been sent, the Exchange's staff who hold the
permission may move it; before, only its author, since nobody else sees it.  Where it stands must exist in
the new version; answers of stages and forms that are gone are named before, and stay among its revisions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app import catalogue
from app.accounts.models import User
from app.applications import addressees, document, moves, queries
from app.applications.models import Application
from app.errors import Conflict, NotPermitted
from app.forms.parts import is_empty
from app.notifications import operations as notifications
from app.permissions import Permission
from app.workflows import versions
from app.workflows.machine import Procedure
from app.workflows.versions import Difference, Moved


@dataclass(frozen=True)
class Transfer:
    """What moving to ``new`` would do: what the versions differ in, where the application would stand.

    ``unasked`` maps stages to the forms in them that hold answers and would not be asked any more.
    """

    old: Procedure
    new: Procedure
    changes: list[Difference]
    moved: Moved
    unasked: Mapping[str, tuple[str, ...]]


def newer(application: Application) -> Procedure | None:
    """Return the newest version of the application's procedure, None while that is its own."""
    own = queries.procedure(application)
    newest = catalogue.present().procedures.get(own.key)
    return newest if newest.version > own.version else None


def may_transfer(application: Application, user: User) -> bool:
    """Tell whether ``user`` is the one to move an application that has not ended."""
    process = queries.procedure(application).processes[application.process]
    if process.final:
        return False
    if application.submitted_at is None:
        in_hand = process.executor is not None and queries.acts_as(application, user, process.executor)
        return in_hand and queries.is_author(application, user)
    return user.may(Permission.MOVE_VERSION)


def transfer(application: Application) -> Transfer | None:
    """Return what moving to the newest version would do; None while there is nothing to move to."""
    new = newer(application)
    if new is None:
        return None
    old = queries.procedure(application)
    unasked = {}
    for stage, row in queries.answers(application).items():
        asked = new.stages[stage].forms if stage in new.stages else ()
        held = tuple(form for form, values in row.values.items() if form not in asked and not is_empty(values))
        if held:
            unasked[stage] = held
    moved = versions.moved(old, new, queries.position(application))
    return Transfer(old, new, versions.differences(old, new), moved, unasked)


def carry_out(application: Application, *, seen: int, version: int, by: User, now: datetime) -> Transfer:
    """Move the application to the newest version of its procedure; return what was done.

    ``seen`` is the version of the application on the screen, ``version`` that of the procedure: only what
    was shown is done.  Forms that are asked for anew begin in their newest version, the others stay.

    Raises:
        NotPermitted: it is not ``by`` who moves it.
        Conflict: it has moved meanwhile, there is nothing or something newer to move to, or where it
            stands does not exist in the new version.
    """
    if not may_transfer(application, by):
        raise NotPermitted
    application.require_version(seen)
    found = transfer(application)
    if found is None:
        raise Conflict("transfer.err.nothing")
    if found.new.version != version:
        raise Conflict("transfer.err.newer", version=found.new.version)
    if found.moved.refusal is not None:
        raise Conflict(found.moved.refusal, **found.moved.params)
    document.signed_copy(application)  # it shows what was signed, by the rules of then
    library = catalogue.present().forms
    forms = {**{key: library.get(key).version for key in found.moved.forms}, **application.forms}
    moves.stand_at(
        application,
        found.moved.position,
        act="transfer",
        by=by,
        now=now,
        words=f"{found.old.version} → {found.new.version}",
        also={"procedure": found.new.name, "procedure_sha256": found.new.sha256, "forms": forms},
    )
    told = {person for executor in ("author", *queries.current_executors(application))
            for person in addressees.reached(application, executor) if person.id != by.id}  # fmt: skip
    notifications.notify(told, "notice.transferred", about=moves.about(application), now=now)
    return found
