"""A draft moved to newer versions of its forms: shown first, confirmed, one act in the history.

An application keeps the versions it began with until its author moves it, and he can only while it is
in his hands.  What the new version does not ask for is parked beside the answers, never dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app import catalogue
from app.accounts.models import User
from app.applications import effects, facts, moves, queries
from app.applications.models import Answers, Application
from app.errors import Conflict, NotPermitted
from app.forms import versions
from app.forms.carrying import Carried
from app.forms.definitions import DynamicForm, Form
from app.forms.versions import Difference
from app.workflows.guards import ANSWERING


@dataclass(frozen=True)
class Renewal:
    """What moving one form would do: its versions, what they change, and what becomes of a stage's answers."""

    stage: str
    old: Form | DynamicForm
    new: Form | DynamicForm
    changes: list[Difference]
    carried: Carried
    revision: int

    @property
    def is_safe(self) -> bool:
        """Whether every answer stays where it is, and nothing more is demanded."""
        return self.carried.is_harmless


def newer(application: Application) -> dict[str, int]:
    """Return the forms of the applicant's stages that have a newer version than the application: key -> version."""
    library = catalogue.present().forms
    procedure = queries.procedure(application)
    keys = {key for stage in queries.applicant_stages(application) for key in procedure.stages[stage].forms}
    newest = {key: library.get(key).version for key in sorted(keys)}
    return {key: version for key, version in newest.items() if version > application.forms.get(key, version)}


def may_renew(application: Application, user: User) -> bool:
    """Tell whether the application is in the hands of ``user`` as who answers for the organisation, and not ended."""
    process = queries.procedure(application).processes[application.process]
    return not process.final and process.executor in ANSWERING and queries.acts_as(application, user, process.executor)


def renewals(application: Application) -> list[Renewal]:
    """Return what moving to the newest versions would do, stage by stage; empty when there is nothing to move to."""
    wanted = newer(application)
    if not wanted:
        return []
    library = catalogue.present().forms
    procedure = queries.procedure(application)
    answers = queries.answers(application)
    found = []
    for stage in queries.applicant_stages(application):
        row = answers.get(stage)
        for key in procedure.stages[stage].forms:
            if key not in wanted:
                continue
            old, new = library.get(key, application.forms.get(key)), library.get(key, wanted[key])
            values = (row.values if row else {}).get(key, {})
            carried = versions.carry(old, new, values)
            changes = versions.differences(old, new)
            found.append(Renewal(stage, old, new, changes, carried, row.revision if row else 0))
    return found


def renew(
    application: Application, *, seen: int, revisions: Mapping[str, int], by: User, now: datetime
) -> list[Renewal]:
    """Move the application to the newest versions of its forms; return what was done.

    ``seen`` is the version of the application on the screen, ``revisions`` those of its stages' answers:
    only what was shown is done.  Filled stages whose form has changed are to be finished again.

    Raises:
        NotPermitted: the application is not in the hands of ``by`` as its author.
        Conflict: it has moved, somebody has saved a stage, or there is nothing to move to.
    """
    if not may_renew(application, by):
        raise NotPermitted
    application.require_version(seen)
    found = renewals(application)
    if not found:
        raise Conflict("renew.err.nothing")
    if {each.stage: each.revision for each in found} != dict(revisions):
        raise Conflict("renew.err.saved_meanwhile")
    position, known = queries.position(application), facts.of(application)
    procedure = queries.procedure(application)
    answers = queries.answers(application)
    for stage in dict.fromkeys(each.stage for each in found):
        row: Answers | None = answers.get(stage)
        if row is None:
            continue
        moved = {
            each.new.key: each.carried.values for each in found if each.stage == stage and each.new.key in row.values
        }
        effects.save_answers(application, stage, {**row.values, **moved}, by=by, now=now)
        if position.status(stage).is_done and stage in procedure.open_stages(position, known):
            position = procedure.save(position, stage, known)
    words = ", ".join(f"{each.old.key}: {each.old.version} → {each.new.version}" for each in found)
    pinned = {**application.forms, **{each.new.key: each.new.version for each in found}}
    moves.stand_at(application, position, act="renew", by=by, now=now, words=words, also={"forms": pinned})
    return found
