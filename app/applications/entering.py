"""What the Exchange's people may enter for somebody else, from paper or at his request: procedures and companies."""

from __future__ import annotations

from app import catalogue
from app.accounts.models import User
from app.errors import Invalid, Said
from app.organisations import queries as organisations
from app.organisations.models import Organisation
from app.workflows.machine import Procedure

LONGEST_KEY = 300


def procedures() -> list[Procedure]:
    """Return the procedures that organisations file themselves: these may be entered for them.

    Not those that need a parent: they are entered without one, which may be named while it is being entered.
    """
    newest = catalogue.present().procedures.newest()
    return [each for each in newest if each.started_by is None and not (each.parent and each.parent.is_needed)]


def companies(procedure: Procedure | None = None) -> list[Organisation]:
    """Return the organisations in whose name somebody can act, of the kinds a procedure is open to."""
    kinds = procedure.open_to if procedure else {kind for each in procedures() for kind in each.open_to}
    return organisations.answerable(kinds)


def people(procedure: Procedure, company: Organisation) -> list[User]:
    """Return the company's people who could begin a procedure for it themselves, by name."""
    if not company.is_active or company.kind not in procedure.open_to:
        return []
    return [each.user for each in organisations.people(company) if not each.user.is_exchange]


def chosen_procedure(key: str, refusal: str) -> Procedure:
    """Return the procedure of ``procedures`` that was chosen.

    Raises:
        Invalid: at ``procedure``; ``refusal`` is the key of what is said of one that is not among them.
    """
    found = next((each for each in procedures() if each.key == key), None)
    if found is not None:
        return found
    if not key:
        raise Invalid.at("procedure", "paper.err.no_procedure")
    known = next((each for each in catalogue.present().procedures.newest() if each.key == key), None)
    named = Said(dict(known.title)) if known else key[:LONGEST_KEY]
    raise Invalid.at("procedure", refusal, procedure=named)


def chosen_company(procedure: Procedure, ident: int | None) -> Organisation:
    """Return the company that was chosen.

    Raises:
        Invalid: at ``company``; it is none of ``companies``, or the procedure is not open to it.
    """
    found = next((each for each in companies() if each.id == ident), None)
    if found is None:
        raise Invalid.at("company", "app.err.company")
    if found.kind not in procedure.open_to:
        params = {"company": Said(dict(found.names)), "procedure": Said(dict(procedure.title))}
        raise Invalid.at("company", "paper.err.company", **params)
    return found
