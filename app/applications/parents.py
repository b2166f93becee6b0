"""Applications that belong to another one, an issue to its bond programme: how it stands with either side.

A reader finds here what ``queries.visible_to`` lets him see, and nothing more: an application that belongs to
another one is not seen through it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from app import catalogue, db
from app.accounts.models import User
from app.applications import queries
from app.applications.conditions import Conditions
from app.applications.models import Application
from app.organisations.models import Organisation
from app.workflows.guards import ParentState
from app.workflows.machine import Procedure

FITTING = frozenset({ParentState.WAITING, ParentState.FITS})


def state(application: Application) -> ParentState:
    """Return how it stands with the application to which this one belongs, as its procedure asks."""
    if application.parent is None:
        return ParentState.NONE
    return state_of(queries.procedure(application), application.parent)


def state_of(procedure: Procedure, parent: Application) -> ParentState:
    """Return how it stands with a parent, as a procedure asks: one that ended without a result has failed.

    A decision against it counts once its letter has told of it, not before: nobody learns of it here.
    """
    asked = procedure.parent.when if procedure.parent is not None else None
    has_ended = queries.procedure(parent).processes[parent.process].final
    if has_ended and parent.archived_at is None:
        return ParentState.FAILED
    if asked is None or Conditions(parent)[asked.text] is True:
        return ParentState.FITS
    return ParentState.FAILED if has_ended or _is_told(parent) else ParentState.WAITING


def _is_told(parent: Application) -> bool:
    """Tell whether the organisation has had the letter about the decision."""
    decided = parent.decided_at
    return decided is not None and any(
        item.kind == "letter" and item.delivered_at is not None and item.delivered_at >= decided
        for item in queries.documents(parent)
    )


def choices(procedure: Procedure, companies: Sequence[Organisation], *, user: User) -> list[Application]:
    """Return the applications within which ``user`` may begin a procedure for these companies, newest first.

    They have been sent to the Exchange, and have not failed.
    """
    if procedure.parent is None or not companies:
        return []
    statement = (
        select(Application)
        .where(
            queries.visible_to(user),
            Application.submitted_at.is_not(None),
            Application.procedure.like(f"{procedure.parent.procedure}.v%"),
            Application.organisation_id.in_([item.id for item in companies]),
        )
        .order_by(Application.id.desc())
    )
    found = db.session.scalars(statement).unique()
    return [item for item in found if state_of(procedure, item) in FITTING]


def children(application: Application, *, user: User) -> Sequence[Application]:
    """Return the applications within this one that ``user`` sees anyway, newest first."""
    statement = (
        select(Application)
        .where(Application.parent_id == application.id, queries.visible_to(user))
        .order_by(Application.id.desc())
    )
    return db.session.scalars(statement).unique().all()


def open_children(application: Application) -> int:
    """Return how many applications within this one have been sent and have not ended.

    Those that are still being written hold nobody up: the Exchange does not know of them.
    """
    statement = select(Application).where(
        Application.parent_id == application.id, Application.submitted_at.is_not(None)
    )
    found = db.session.scalars(statement).unique()
    return sum(1 for item in found if not queries.procedure(item).processes[item.process].final)


def procedures_within(procedure: Procedure) -> list[Procedure]:
    """Return the procedures whose applications may belong to one of ``procedure``, in their newest versions."""
    newest = catalogue.present().procedures.newest()
    return [each for each in newest if each.parent is not None and each.parent.procedure == procedure.key]
