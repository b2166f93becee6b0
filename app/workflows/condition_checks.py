"""What is wrong with the conditions and decision tables of a workflow file, beside the forms and tables it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.definition_files import Fault, Source
from app.definition_remains import is_gap, is_told
from app.expressions.language import ExpressionError
from app.workflows.checks import unknown
from app.workflows.conditions import Fields, compiled
from app.workflows.contradictions import contradiction
from app.workflows.formulas import taken_apart
from app.workflows.guards import SYSTEM
from app.workflows.tables import Tables, TableUse, faults_of_fields, faults_of_use, input_of
from app.workflows.texts import ProcedureText

UNREADABLE = object()
"""What a lookup gives for a form whose file is there but cannot be read: that is told elsewhere."""

FormLookup = Callable[[str], object | None]
Place = tuple[str | int, ...]


def fields_of(stages: Mapping[str, Sequence[str]], form: FormLookup) -> dict[str, dict[str, Any]]:
    """Return the fields of stages that conditions may name: those of their simple forms that are sound."""
    return {
        stage: {each.key: each for key in forms for each in getattr(form(key), "fields", ()) if _is_whole(each)}
        for stage, forms in stages.items()
    }


def _is_whole(asked: Any) -> bool:
    try:
        return bool(asked.sort) and not is_gap(asked.key) and not is_gap(asked.options)
    except (AttributeError, LookupError):  # of a faulty field only what remains is there
        return False


def table_uses(text: ProcedureText, tables: Tables) -> Iterator[TableUse]:
    """Yield the tables as a faultless procedure uses them."""
    for key, use in text.tables.items():
        if use.table in tables:
            yield TableUse(key, tables[use.table], {name: input_of(given) for name, given in use.given.items()})


def faults_of_tables(text: ProcedureText, source: Source, tables: Tables) -> Iterator[Fault]:
    """Find what is wrong with the use of tables, whatever the forms say."""
    asked = set()
    for key, use in text.tables.items():
        place: Place = ("tables", key)
        if key in text.stages:
            yield source.fault(place, f"a stage is called '{key}' too", "give the table another key here")
        yield from faults_of_use(place, use.table, use.given, tables, source)
    for path, way in text.declared():
        for number, key in enumerate(getattr(way, "decides", ())):
            asked.add(key)
            if key not in text.tables and not is_told(key, text.tables):
                yield unknown(source, [*path, "decides", number], "table", key, text.tables)
            if way.by == SYSTEM:
                yield source.fault([*path, "decides", number], "the system decides nothing", "remove it")
    for key in text.tables.keys() - asked if not any(map(is_gap, asked)) else ():
        yield source.fault(["tables", key], "no transition asks this table", f"write decides: [{key}] on one")
    for path, _, term, _ in text.term_texts():
        if term.table is None:
            continue
        key, _, output = term.table.partition(".")
        if key not in text.tables:
            yield unknown(source, [*path, "table"], "table", key, text.tables)
        elif (versions := tables.get(text.tables[key].table)) is not None:
            columns = {name: column for version in versions for name, column in version.outputs.items()}
            if output not in columns:
                yield unknown(source, [*path, "table"], "output", output, columns)
            elif columns[output].type != "number":
                yield source.fault([*path, "table"], f"'{output}' is no number", "name an output of type number")


def faults_of_conditions(text: ProcedureText, source: Source, form: FormLookup, tables: Tables) -> Iterator[Fault]:
    """Find what is wrong with conditions beside the forms of their stages, and with the inputs of tables."""
    found = [form(key) for stage in text.stages.values() for key in stage.forms]
    if any(map(is_gap, text.stages)) or any(map(is_gap, text.tables)):
        return  # what is named may stand in what cannot be read
    if UNREADABLE in found or not all(_is_whole(asked) for each in found for asked in getattr(each, "fields", ())):
        return  # a form cannot be read: that is told, and every name may be one of its fields
    places: dict[str, Fields] = dict(fields_of({key: stage.forms for key, stage in text.stages.items()}, form))
    for use in _uses(text, tables):
        places[use.key] = use.fields()
        place = ("tables", use.key)
        yield from faults_of_fields(place, use, lambda stage, name: _found(places, stage, name), source)
    for at, condition in _conditions(text):
        yield from faults_of_condition(at, condition, places, source, dynamic_of(text.stages, form))


def faults_of_condition(
    at: Sequence[str | int],
    condition: str,
    places: Mapping[str, Fields],
    source: Source,
    dynamic: Mapping[str, str],
    of: str = "",
) -> Iterator[Fault]:
    """Find what is wrong with one condition: not of the language, of unknown names, or one that never holds.

    ``dynamic`` maps stages to their dynamic form, whose answers no condition can name; ``of`` says whose stages
    they are, where not the file's own.
    """
    whose = f" of {of}" if of else ""
    try:
        compiled(condition, places)
    except ExpressionError as error:
        problem, mend = error.problem, error.mend
        named = sorted({atom[0] for atom in _names(condition) if atom[0] in dynamic and atom[1] not in places[atom[0]]})
        if named:
            problem = (
                f"'{named[0]}' is filled in by entries of the form '{dynamic[named[0]]}', each of a form of its own"
            )
            mend = "ask a field of a simple form of the stage instead: a condition is of the whole application"
        yield source.fault(at, f"'{condition}'{whose}: {problem}", mend)
        return
    found = contradiction(condition, places)
    if found is not None:
        mend = "correct the comparison, or remove the condition"
        fault = source.fault(at, f"'{condition}'{whose}: {found.words}", mend)
        yield replace(fault, example="; ".join(found.examples))


def dynamic_of(stages: Mapping[str, Any], form: FormLookup) -> dict[str, str]:
    """Return the dynamic form of each stage that has one."""
    return {
        stage: key
        for stage, each in stages.items()
        for key in each.forms
        if hasattr(found := form(key), "levels") and not hasattr(found, "sections")
    }


def _names(condition: str) -> set[tuple[str, str]]:
    """Return the names in a condition, stage and field, as far as it can be read at all."""
    try:
        return {name for atom in taken_apart(condition).atoms() for name in atom.names}
    except (SyntaxError, ValueError, KeyError, AttributeError, RecursionError):
        return set()


def _found(places: Mapping[str, Fields], stage: str, name: str) -> Any:
    key, _, part = name.partition(".")
    field = places.get(stage, {}).get(key)
    return getattr(field, "subfields", {}).get(part) if part else field


def _uses(text: ProcedureText, tables: Tables) -> Iterator[TableUse]:
    try:
        yield from table_uses(text, tables)
    except ValueError:
        return  # told where it stands


def _conditions(text: ProcedureText) -> Iterator[tuple[Place, str]]:
    for path, way in text.declared():
        for number, use in enumerate(way.guards):
            if use.condition is not None:
                yield (*path, "guards", number, "when"), use.condition.text
    for key, standing in text.standing.items():
        for number, use in enumerate(standing.guards):
            if use.condition is not None:
                yield ("standing", key, "guards", number, "when"), use.condition.text
    for key, stage in text.stages.items():
        if stage.when:
            yield ("stages", key, "when"), stage.when
