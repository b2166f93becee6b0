"""The formal check: is everything there that was demanded, can it be read, is it signed.

What is demanded is what «Дайын» demands of the applicant; so a gap here is something that came about since: a
document that a reviewer did not accept, a file whose bytes are gone, an answer that a newer rule misses.
"""

from __future__ import annotations

from dataclasses import dataclass

from app import catalogue
from app.applications import attachments, checklist, facts, queries
from app.applications.checklist import Checklist, FileState, Item
from app.applications.models import Application
from app.errors import Problem
from app.workflows.guards import StageStatus


@dataclass(frozen=True)
class Shortfall:
    """An answer that is missing or wrong: the stage, and what is said of it."""

    stage: str
    problem: Problem

    @property
    def place(self) -> str:
        """The field within the whole application."""
        return f"{self.stage}.{self.problem.path}"


@dataclass(frozen=True)
class FormalCheck:
    """What stands in the way of taking an application as complete, of the version that was last sent."""

    documents: Checklist
    unreadable: tuple[tuple[Item, FileState], ...]
    answers: tuple[Shortfall, ...]
    is_signed: bool

    @property
    def missing(self) -> tuple[Item, ...]:
        """The documents that must be there and are not."""
        return self.documents.missing

    @property
    def rejected(self) -> tuple[Item, ...]:
        """The documents that were not accepted."""
        return self.documents.rejected

    @property
    def count(self) -> int:
        """How many gaps stand in the way of taking it as complete.

        Files that cannot be read are among them, though they may be no fault of the applicant: what nobody can open
        nobody has checked.
        """
        found = (self.missing, self.rejected, self.unreadable, self.answers)
        return sum(len(each) for each in found) + (not self.is_signed)


def check(application: Application) -> FormalCheck:
    """Return the formal check of an application as it was last sent."""
    documents = checklist.of(application, as_of=application.sent_at, for_exchange=True)
    unreadable = tuple(
        (item, file) for item in documents.items for file in item.files if not attachments.is_there(file.row.sha256)
    )
    return FormalCheck(documents, unreadable, tuple(_shortfalls(application, documents)), _is_signed(application))


def _is_signed(application: Application) -> bool:
    procedure = queries.procedure(application)
    signs = any("freeze_document" in item.effects for item in procedure.transitions)
    return not signs or facts.of(application).signature_valid


def _shortfalls(application: Application, documents: Checklist) -> list[Shortfall]:
    papers = {item.place for item in documents.items}
    answers, standing = queries.answers(application, as_of=application.sent_at), queries.position(application)
    library, stages = catalogue.present().forms, queries.procedure(application).stages
    found = []
    for stage in queries.applicant_stages(application):
        if standing.status(stage) is StageStatus.SKIPPED or stage not in answers:
            continue
        for key in stages[stage].forms:
            form = library.get(key, application.forms.get(key))
            told = [Shortfall(stage, problem) for problem in form.gaps(answers[stage].values.get(key, {}))]
            found += [each for each in told if each.place not in papers]
    return found
