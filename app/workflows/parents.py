"""Applications that belong to another one, an issue to its bond programme: to which, and what they take over.

The file of the one that belongs says it all under ``parent``; the guards ``parent_fits``, ``parent_failed``,
``parent_not_failed``, ``has_parent`` and ``no_parent`` ask about it there.  The other's
file says ``no_open_children`` where it waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.definition_files import Fault, Source, Words
from app.definition_remains import is_gap, is_told
from app.workflows.checks import spread, unknown
from app.workflows.condition_checks import FormLookup, dynamic_of, faults_of_condition, fields_of
from app.workflows.conditions import Fields
from app.workflows.formulas import taken_apart
from app.workflows.guards import PARENT_GUARDS, Condition
from app.workflows.parts import StageKind

if TYPE_CHECKING:
    from app.workflows.texts import ParentText, ProcedureText

NEED_PARENT = frozenset(PARENT_GUARDS)
NEED_CONDITION = frozenset({"parent_fits", "parent_failed"})
NO_OPEN_CHILDREN = "no_open_children"
Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Carry:
    """What is taken over from the other application: a stage, or one field of it; stage and field, "" for all."""

    source: tuple[str, str]
    target: tuple[str, str]


@dataclass(frozen=True)
class Parent:
    """The applications to which one may belong: those of a procedure, of the same organisation.

    ``title`` is what such an application is called here; ``is_needed``: none is begun by itself.  ``when`` is asked of
    the other's own answers; ``carries`` of what it says as it was sent.
    """

    procedure: str
    title: Words
    is_needed: bool = False
    when: Condition | None = None
    carries: tuple[Carry, ...] = ()


def parent_of(text: ParentText | None) -> Parent | None:
    """Return what a faultless file says under ``parent``."""
    if text is None:
        return None
    when = Condition(text.when, text.otherwise) if text.when else None
    carries = tuple(Carry(_named(there), _named(here)) for here, there in text.carries.items())
    return Parent(text.procedure, text.title, text.needed, when, carries)


def _named(word: str) -> tuple[str, str]:
    stage, _, field = word.partition(".")
    return stage, field


def _uses(text: ProcedureText) -> Iterator[tuple[Place, str]]:
    """Yield every guard of a file by its name, with its place."""
    for path, way in text.declared():
        for number, use in enumerate(way.guards):
            yield (*path, "guards", number), use.name
    for key, standing in text.standing.items():
        for number, use in enumerate(standing.guards):
            yield ("standing", key, "guards", number), use.name
    for key, stage in text.stages.items():
        if stage.skip_if:
            yield ("stages", key, "skip_if"), stage.skip_if


def _own(text: ProcedureText, source: Source) -> Iterator[Fault]:
    """Find what is wrong with ``parent`` and the guards about it, whatever other files say."""
    parent = text.parent
    for place, name in _uses(text):
        if name in NEED_PARENT and parent is None:
            mend = "add parent: {procedure: …, title: …}, or remove the guard"
            yield source.fault(place, f"'{name}' asks about a parent, and none is declared", mend)
        elif name in NEED_CONDITION and parent is not None and parent.when is None:
            mend = "add when and otherwise to parent: what its answers must say"
            yield source.fault(place, f"'{name}' asks what no condition of the parent says", mend)
    if parent is None:
        return
    if (parent.when is None) is not (parent.otherwise is None):
        problem = "when and otherwise go together: the condition, and what is said while it does not hold"
        yield source.fault(["parent"], problem, "write both, or none")
    asking = {name for _, name in _uses(text)}
    if parent.when is not None and not asking & NEED_CONDITION:
        mend = "write parent_fits (or parent_failed) among the guards of a transition, or remove when and otherwise"
        yield source.fault(["parent", "when"], "no transition asks it, so nothing waits for the other", mend)
    if parent.procedure == text.procedure and not is_gap(parent.procedure):
        yield source.fault(["parent", "procedure"], "nothing belongs to its like", "name another procedure")
    if parent.needed and text.begins is not None:
        problem = "the calendar begins it, and can name no parent"
        yield source.fault(["parent", "needed"], problem, "write needed: false, or remove begins")
    for here in parent.carries:
        stage, _ = _named(here)
        if is_gap(here):
            continue
        if stage not in text.stages:
            if not is_told(stage, text.stages):
                yield unknown(source, ["parent", "carries", here], "stage", stage, text.stages)
        elif text.stages[stage].kind is not StageKind.FILL:
            problem = f"stage '{stage}' is not filled in by the applicant"
            yield source.fault(["parent", "carries", here], problem, "name a stage of kind fill")


PARENT_CHECKS: tuple[Callable[[ProcedureText, Source], Iterator[Fault]], ...] = (_own,)


def faults_of_parent(
    text: ProcedureText,
    source: Source,
    others: Mapping[str, Sequence[ProcedureText]],
    beside: Iterable[str],
    form: FormLookup,
) -> Iterator[Fault]:
    """Find what is wrong with ``parent`` beside the other procedures and the forms.

    ``others`` are the procedures read, ``beside`` the names of all there are.
    """
    known = {*others, *beside}
    yield from _without_children(text, source, others, known)
    parent = text.parent
    if parent is None or is_gap(parent.procedure) or parent.procedure == text.procedure:
        return
    if parent.procedure not in known:
        if not is_told(parent.procedure, known):
            yield unknown(source, ["parent", "procedure"], "procedure", parent.procedure, known)
        return
    if not others.get(parent.procedure):
        return
    kinds = {kind for other in others[parent.procedure] for kind in other.open_to}
    if not kinds & set(text.open_to):
        problem = f"no organisation of '{parent.procedure}' is one that this procedure is open to"
        yield source.fault(["parent", "procedure"], problem, "name another procedure, or open this one to them")
    if parent.needed and (circle := _circle(text.procedure, others)):
        problem = f"none could be begun first: {' → '.join(circle)}"
        yield source.fault(["parent", "needed"], problem, "write needed: false in one of them")
    for other in others[parent.procedure]:
        if parent.when:
            yield from _faults_of_condition(parent.when, other, source, form)
        yield from _faults_of_carries(text, other, source, form)


def _without_children(
    text: ProcedureText, source: Source, others: Mapping[str, Sequence[ProcedureText]], known: Iterable[str]
) -> Iterator[Fault]:
    """Find a guard about children where no procedure names this one as its parent; told only where all are read."""
    if set(known) - others.keys():
        return
    named = {each.parent.procedure for texts in others.values() for each in texts if each.parent is not None}
    for place, name in _uses(text):
        if name == NO_OPEN_CHILDREN and not is_told(text.procedure, named) and text.procedure not in named:
            mend = f"remove it, or write parent: {{procedure: {text.procedure}, …}} in a procedure"
            yield source.fault(place, "no procedure names this one as its parent", mend)


def _circle(procedure: str, others: Mapping[str, Sequence[ProcedureText]]) -> list[str]:
    """Return the circle of needed parents that leads back to a procedure, or nothing."""
    met = [procedure]
    while True:
        parents = {
            each.parent.procedure for each in others.get(met[-1], ()) if each.parent is not None and each.parent.needed
        }
        if procedure in parents:
            return [*met, procedure]
        further = sorted(parents - set(met))
        if not further:
            return []
        met.append(further[0])


def _faults_of_condition(condition: str, other: ProcedureText, source: Source, form: FormLookup) -> Iterator[Fault]:
    place = ["parent", "when"]
    places: dict[str, Fields] = dict(fields_of({key: stage.forms for key, stage in other.stages.items()}, form))
    dynamic = dynamic_of(other.stages, form)
    if found := [*faults_of_condition(place, condition, places, source, dynamic, other.procedure)]:
        yield from found
        return
    waiting = _behind_children(other)
    asked = {name[0] for atom in taken_apart(condition).atoms() for name in atom.names}
    for stage in sorted(asked & waiting):
        problem = f"'{stage}' of {other.procedure} is reached only once nothing within it is open: both would wait"
        yield source.fault(place, problem, f"ask an earlier stage, or remove {NO_OPEN_CHILDREN} on the way there")


def _behind_children(other: ProcedureText) -> set[str]:
    """Return the stages of a procedure that nobody reaches while an application within it is open."""
    free = [
        (way.source, way.text.target)
        for way in other.ways()
        if NO_OPEN_CHILDREN not in {use.name for use in way.text.guards}
    ]
    reached = spread([other.initial], free)
    before = {stage for key in reached & other.processes.keys() for stage in other.processes[key].stages}
    return set(other.stages) - before


def _faults_of_carries(text: ProcedureText, other: ProcedureText, source: Source, form: FormLookup) -> Iterator[Fault]:
    """Find what cannot be taken over from this version of the other procedure."""
    assert text.parent is not None
    takes = fields_of({key: stage.forms for key, stage in text.stages.items()}, form)
    gives = fields_of({key: stage.forms for key, stage in other.stages.items()}, form)
    for here, there in text.parent.carries.items():
        if is_gap(here) or is_gap(there):
            continue
        place: Place = ("parent", "carries", here)
        (stage, field), (origin, asked) = _named(here), _named(there)
        if stage not in text.stages:
            continue  # told already
        if origin not in other.stages:
            yield unknown(source, place, f"in '{other.procedure}' the stage", origin, other.stages)
        elif other.stages[origin].kind is not StageKind.FILL:
            problem = f"stage '{origin}' of {other.procedure} is not filled in by the applicant"
            yield source.fault(place, problem, "name a stage of kind fill")
        elif bool(field) is not bool(asked):
            yield source.fault(place, "a stage is carried into a stage, a field into a field", "name two of a kind")
        elif not field:
            if not set(text.stages[stage].forms) & set(other.stages[origin].forms):
                problem = f"'{stage}' and '{origin}' of {other.procedure} have no form in common"
                yield source.fault(place, problem, "name a stage with the same form, or single fields: stage.field")
        elif field not in takes[stage]:
            yield unknown(source, place, f"in stage '{stage}' the field", field, takes[stage])
        elif asked not in gives[origin]:
            yield unknown(source, place, f"in stage '{origin}' of {other.procedure} the field", asked, gives[origin])
        elif takes[stage][field].type != gives[origin][asked].type:
            problem = f"'{here}' is a {takes[stage][field].type}, '{there}' a {gives[origin][asked].type}"
            yield source.fault(place, problem, "name two fields of one type")
