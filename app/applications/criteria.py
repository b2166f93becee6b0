"""The listing criteria of an application: what judging by the answers came to, and what reviewers say of each.

Nothing computed is kept: the version that was last sent is judged anew every time.  A verdict is kept with the
answers it was given on, and holds while these are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select

from app import catalogue, db
from app.applications import queries
from app.applications.models import Application, ConclusionNote, CriteriaPin, CriterionVerdict
from app.forms.criteria import CriteriaSet, Finding, Judged
from app.forms.definitions import DynamicForm
from app.web.templating import ZONE
from app.workflows.guards import StageStatus

MET, NOT_MET, NOT_APPLICABLE = "met", "not_met", "not_applicable"
VERDICTS = (MET, NOT_MET, NOT_APPLICABLE)

POSITIVE = frozenset({"include", "include_with_conditions", "grant", "grant_with_conditions"})
NEGATIVE = frozenset({"refuse"})
"""The recommendations of a conclusion for and against what is applied for."""


@dataclass(frozen=True)
class Ruling:
    """One criterion of one entry as it stands: what judging came to, and the verdicts on it, newest first."""

    stage: str
    entry: str
    criteria: str
    version: int
    judged: Judged
    verdicts: tuple[CriterionVerdict, ...] = ()

    @property
    def key(self) -> str:
        """What tells it from the others of the application: "equity_package-e1.equity"."""
        return f"{self.entry}.{self.judged.criterion.key}"

    @property
    def place(self) -> str:
        """The field at which a remark on it is written."""
        return f"{self.stage}.{self.judged.at}"

    @property
    def last(self) -> CriterionVerdict | None:
        """The last verdict, whether it still holds or not."""
        return self.verdicts[0] if self.verdicts else None

    @property
    def is_settled(self) -> bool:
        """Whether a verdict holds: what it was given on is what stands now."""
        last, now = self.last, self.judged
        stands = (self.criteria, str(now.finding), now.basis)
        return last is not None and (last.criteria, last.finding, last.basis) == stands

    @property
    def verdict(self) -> str:
        """The verdict that holds, empty where none does."""
        return self.last.verdict if self.last is not None and self.is_settled else ""

    @property
    def changed(self) -> tuple[str, ...]:
        """The names of the answers that are others than those of the last verdict."""
        if self.last is None:
            return ()
        old, new = self.last.basis, self.judged.basis
        return tuple(name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name))


@dataclass(frozen=True)
class Subject:
    """An entry that criteria are for, one security of the application: where it stands, and its criteria."""

    stage: str
    form: DynamicForm
    path: tuple[str, ...]
    keys: Mapping[str, object]
    criteria: CriteriaSet
    rulings: tuple[Ruling, ...]


def of(application: Application, *, as_of: datetime | None = None) -> list[Subject]:
    """Return the criteria of an application as it was last sent, or at the moment ``as_of``; none before it was."""
    sent_at = as_of or application.sent_at
    if sent_at is None:
        return []
    day = (application.submitted_at or sent_at).astimezone(ZONE).date().isoformat()
    pins = {row.criteria: row.version for row in db.session.scalars(_own(application))}
    given: dict[tuple[str, str], list[CriterionVerdict]] = {}
    for row in verdicts(application):
        given.setdefault((row.entry, row.criterion), []).append(row)
    answers, standing = queries.answers(application, as_of=sent_at), queries.position(application)
    library = catalogue.present().forms
    found = []
    for stage in queries.applicant_stages(application):
        if stage not in answers or standing.status(stage) is StageStatus.SKIPPED:
            continue
        for key in queries.procedure(application).stages[stage].forms:
            form = library.get(key, application.forms.get(key))
            if not isinstance(form, DynamicForm):
                continue
            for entry in form.entries(answers[stage].values.get(key, {})):
                path = tuple(entry.get("path", ()))
                criteria = library.criteria.of(key, path, day, pins)
                if criteria is None:
                    continue
                name = form.entry_path(entry)
                rulings = tuple(
                    Ruling(
                        stage,
                        name,
                        criteria.key,
                        criteria.version,
                        each,
                        tuple(given.get((name, each.criterion.key), ())),
                    )
                    for each in criteria.judge(form, entry, day)
                )
                found.append(Subject(stage, form, path, entry.get("keys", {}), criteria, rulings))
    return found


def _own(application: Application) -> Select[CriteriaPin]:
    return select(CriteriaPin).where(CriteriaPin.application_id == application.id)


def pin(application: Application, *, now: datetime) -> None:
    """Keep by which versions the application is judged from now on, at each sending for what is new in it."""
    known = {row.criteria for row in db.session.scalars(_own(application))}
    for subject in of(application, as_of=now):
        key = subject.criteria.key
        if key not in known:
            known.add(key)
            row = CriteriaPin(application_id=application.id, criteria=key, version=subject.criteria.version, at=now)
            db.session.add(row)
    db.session.flush()


def rulings(application: Application) -> list[Ruling]:
    """Return all criteria of an application, of all its securities."""
    return [ruling for subject in of(application) for ruling in subject.rulings]


def verdicts(application: Application) -> Sequence[CriterionVerdict]:
    """Return every verdict that reviewers have given, newest first."""
    statement = select(CriterionVerdict).where(CriterionVerdict.application_id == application.id)
    return db.session.scalars(statement.order_by(CriterionVerdict.id.desc())).unique().all()


def notes(application: Application, act: str) -> Sequence[ConclusionNote]:
    """Return what was said on the draft of the conclusion, newest first: ``argued`` or ``returned``."""
    mine = (ConclusionNote.application_id == application.id, ConclusionNote.act == act)
    return db.session.scalars(select(ConclusionNote).where(*mine).order_by(ConclusionNote.id.desc())).unique().all()


def disagreement(application: Application, recommendation: str | None) -> tuple[str, int] | None:
    """Return how a recommendation differs from the criteria: the term that says it, and how many criteria differ.

    None where it agrees, where there are no criteria, or where reasons were given since the last sending.
    """
    found = rulings(application)
    if not found or recommendation not in POSITIVE | NEGATIVE:
        return None
    if any(application.sent_at is None or row.at >= application.sent_at for row in notes(application, "argued")):
        return None
    failed = [ruling for ruling in found if ruling.verdict == NOT_MET]
    waiting = [ruling for ruling in found if not ruling.is_settled]
    if recommendation in POSITIVE and failed:
        return "review.err.positive_despite", len(failed)
    if recommendation in POSITIVE and waiting:
        return "review.err.positive_unjudged", len(waiting)
    if recommendation in NEGATIVE and not failed and not waiting:
        return "review.err.negative_despite", len(found)
    return None


def default_of(ruling: Ruling) -> str:
    """Return the verdict that judging by the answers gives by itself, empty where a person has to judge."""
    return {Finding.MET: MET, Finding.NOT_MET: NOT_MET}.get(ruling.judged.finding, "")
