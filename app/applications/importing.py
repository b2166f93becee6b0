"""Tables of a spreadsheet taken into a stage's repeating groups: looked at first, stored when confirmed.

Nothing is kept between the look and the confirmation: the page carries the table, and it is read anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app import spreadsheets
from app.accounts.models import User
from app.applications import answering, queries
from app.applications.answering import StageConflict
from app.applications.models import Application
from app.errors import Invalid, NotFound, Problem
from app.forms import headings, tabular
from app.forms.definitions import DynamicForm, Form
from app.forms.headings import Column
from app.forms.interchange import parts_of
from app.forms.outline import SAME, Asked, Rows, leaves_of
from app.forms.parts import Field
from app.forms.paths import put
from app.forms.tabular import Row
from app.spreadsheets import Cell, Sheet
from app.terms import say
from app.terms.sizes import size_said

APPEND, REPLACE = "append", "replace"


@dataclass(frozen=True)
class Target:
    """The group that a table is taken into; ``standing`` is how many rows it has, ``files`` hang on them."""

    form: Form | DynamicForm
    group: Field
    path: str
    standing: int
    files: int

    @property
    def columns(self) -> list[Column]:
        """The columns that a table may have."""
        return headings.columns(self.group.fields or ())

    @property
    def not_in_a_table(self) -> list[Field]:
        """The fields that no cell can hold: files, and groups inside the group."""
        return [asked for asked in self.group.fields or () if asked.type in ("file", "group")]


@dataclass(frozen=True)
class Table:
    """A table as given: its lines, which field each place is chosen for ("" none), whether the first line is headings.

    ``sheet`` is the name of the sheet it was read from, ``others`` those that were not read.
    """

    lines: list[list[str]]
    chosen: list[str]
    is_headed: bool
    sheet: str = ""
    others: Sequence[str] = field(default_factory=tuple)

    @property
    def width(self) -> int:
        """How many places the longest line has."""
        return max(map(len, self.lines), default=0)


def target(application: Application, stage: str, path: str) -> Target:
    """Return the group at ``path`` that the stage asks now.

    Raises:
        NotFound: there is none.
    """
    newest = queries.latest(application, stage)
    values = newest.values if newest else {}
    for form in answering.forms(application, stage):
        for part in parts_of(form, values.get(form.key, {})):
            found = _find(part.items, path)
            if found is not None:
                items = (item for row in found.rows for item in leaves_of(row.items))
                files = sum(len(item.value or ()) for item in items if item.field.type == "file")
                return Target(form, found.field, path, len(found.rows), files)
    raise NotFound


def _find(items: Iterable[Asked | Rows], path: str) -> Rows | None:
    for item in items:
        if not isinstance(item, Rows):
            continue
        if item.path == path:
            return item
        for row in item.rows:
            if path.startswith(f"{row.path}-"):
                return _find(row.items, path)
    return None


def pasted(text: str, goal: Target) -> Table:
    """Return the table that was pasted.

    Raises:
        Invalid: it is too large, or holds nothing.
    """
    return _table(tabular.split(text, goal.columns, pasted=True), goal)


def uploaded(name: str, content: bytes, goal: Target) -> Table:
    """Return the table of a file: XLSX by its content, everything else as CSV.

    Of several sheets the one is read whose first line names the most fields.

    Raises:
        Invalid: it cannot be read, is too large, or holds nothing.
    """
    if len(content) > spreadsheets.LARGEST_FILE:
        raise Invalid.at("file", "table.err.size", max=size_said(spreadsheets.LARGEST_FILE))
    if not content.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        return _table(tabular.split(tabular.decoded(content), goal.columns), goal)
    sheets = spreadsheets.read(content)
    if not sheets:
        raise Invalid.at("file", "table.err.empty")
    best = max(sheets, key=lambda sheet: sum(map(bool, headings.match(_first(sheet.lines), goal.columns))))
    others = [sheet.name for sheet in sheets if sheet is not best]
    return _table(best.lines, goal, sheet=best.name, others=others)


def _first(lines: Sequence[Sequence[str]]) -> Sequence[str]:
    return next((line for line in lines if any(line)), ())


def _table(lines: list[list[str]], goal: Target, *, sheet: str = "", others: Sequence[str] = ()) -> Table:
    while lines and not any(cell.strip() for cell in lines[0]):
        lines = lines[1:]
    require_bounds(lines, goal)
    columns = goal.columns
    is_headed = headings.has_headings(lines[0], columns)
    width = max(map(len, lines))
    if is_headed:
        chosen = headings.match(lines[0], columns)
        chosen += [""] * (width - len(chosen))
    else:
        chosen = [columns[place].key if place < len(columns) else "" for place in range(width)]
    return Table(lines, chosen, is_headed, sheet, others)


def require_bounds(lines: Sequence[Sequence[str]], goal: Target) -> None:
    """Refuse an empty table, and one that is too long or too wide to be looked at.

    Raises:
        Invalid: it is.
    """
    filled = sum(any(cell.strip() for cell in line) for line in lines)
    if not filled:
        raise Invalid.at("text", "table.err.empty")
    if filled > goal.group.max_entries + 2:  # the headings and the example of the template
        raise Invalid.at("text", "table.err.rows", most=goal.group.max_entries, found=filled)
    if max(map(len, lines)) > tabular.MOST_COLUMNS:
        raise Invalid.at("text", "table.err.columns", most=tabular.MOST_COLUMNS)


@dataclass(frozen=True)
class Look:
    """What a table would bring: its rows, and how many lines were only the template's example."""

    rows: list[Row]
    examples: int

    @property
    def faults(self) -> int:
        """How many cells cannot be read."""
        return sum(len(row.faults) for row in self.rows)

    @property
    def notes(self) -> int:
        """How many cells are kept as they stand and will have to be mended."""
        return sum(len(row.notes) for row in self.rows)


def look(application: Application, stage: str, table: Table, goal: Target, *, how: str, language: str) -> Look:
    """Return what a table would bring, with a note at each row that says again what another says already."""
    found = _read(application, table, goal, language)
    newest = queries.latest(application, stage)
    together, first = _together(newest.values if newest else {}, found.rows, goal, how)
    standing = 0 if how == REPLACE else goal.standing
    for problem in goal.form.gaps(together):
        row_id, _, cell = problem.path.removeprefix(f"{goal.path}-").partition("-")
        number = int(row_id[1:]) - first if re.fullmatch(r"e\d+", row_id) else -1
        if problem.key != SAME or not problem.path.startswith(f"{goal.path}-") or number < 0:
            continue
        row, before = found.rows[number], int(str(problem.params["first"])) - standing
        if before > 0:  # the page numbers the lines of the table, not the entries to be
            said = {"said": problem.params["said"], "line": found.rows[before - 1].line}
            problem = Problem(problem.path, "table.note.repeats", said)
        place = next((at for at, key in enumerate(table.chosen) if key and f"{cell}-".startswith(f"{key}-")), None)
        if place is not None and place not in row.faults:
            row.notes.setdefault(place, problem)
    return found


def _together(values: Mapping[str, Any], rows: Sequence[Row], goal: Target, how: str) -> tuple[dict[str, Any], int]:
    """Return the form's answers with the rows in its group, and the number of the first of them."""
    held = _held(values.get(goal.form.key, {}), goal)
    entries = [] if how == REPLACE else list(held.get("entries", ()))
    last = int(held.get("last", 0))
    for number, row in enumerate(rows, start=last + 1):
        entries.append({"id": f"e{number}", "values": row.values})
    group = {**held, "entries": entries, "last": last + len(rows)}
    is_dynamic = isinstance(goal.form, DynamicForm)
    own_path = goal.path.removeprefix(f"{goal.form.key}-") if is_dynamic else goal.path
    return goal.form.settled(put(values.get(goal.form.key, {}), own_path, group)), last + 1


def _read(application: Application, table: Table, goal: Target, language: str) -> Look:
    """Read a table for a group; the line of examples that the template holds is left out."""
    rows = tabular.read(
        table.lines,
        table.chosen,
        goal.columns,
        skip=1 if table.is_headed else 0,
        choices=answering.choices(application, language),
    )
    example = {column.field.key: column.field.example_value() for column in goal.columns}
    kept = [row for row in rows if row.values != example]
    return Look(kept, len(rows) - len(kept))


def take(
    application: Application,
    stage: str,
    path: str,
    table: Table,
    *,
    how: str,
    seen: int,
    by: User,
    now: datetime,
    language: str,
) -> int:
    """Put the rows of a table into a group, after those that stand there or in their stead; return how many.

    Raises:
        NotFound: the stage asks no such group now.
        StageConflict: somebody saved the stage since ``seen``.
        Invalid: a cell cannot be read, a column is chosen twice or none at all, or the rows are too
            many; with a problem at each cell ("cell-<line>-<place>"), and nothing is stored.
        NotPermitted, Conflict: the stage is not this user's, or not open.
    """
    answering.require_stage(application, stage, by)
    newest = queries.latest(application, stage)
    if newest is not None and newest.revision != seen:
        raise StageConflict(newest, by=by)
    goal = target(application, stage, path)
    problems = _columns_problems(table)
    if problems:
        raise Invalid(problems=problems)
    found = _read(application, table, goal, language)
    most = goal.group.max_entries - (0 if how == REPLACE else goal.standing)
    tabular.require_readable(found.rows, most)
    values: dict[str, Any] = dict(newest.values) if newest else {}
    values[goal.form.key], _first_new = _together(values, found.rows, goal, how)
    act = "replace_rows" if how == REPLACE else "import_rows"
    words = f"{goal.group.label[application.language]}: {len(found.rows)}"
    answering.store(application, stage, values, act=act, by=by, now=now, words=words)
    return len(found.rows)


def _columns_problems(table: Table) -> list[Problem]:
    if not any(table.chosen):
        return [Problem("column-0", "table.err.no_columns")]
    return [
        Problem(f"column-{place}", "table.err.column_twice")
        for place, key in enumerate(table.chosen)
        if key and key in table.chosen[:place]
    ]


def _held(values: Mapping[str, Any], goal: Target) -> dict[str, Any]:
    """Return what stands at the group: {"entries", "last"}, or nothing."""
    *owners, key = goal.path.split("-")
    if isinstance(goal.form, DynamicForm):
        owners = owners[1:]
        entry = next(entry for entry in values["entries"] if entry["id"] == owners[0])
        values, owners = entry["values"], owners[1:]
    for owner, row_id in zip(owners[::2], owners[1::2], strict=True):
        values = next(row["values"] for row in values[owner]["entries"] if row["id"] == row_id)
    return dict(values.get(key) or {})


def template(goal: Target, language: str, *, now: datetime) -> bytes:
    """Return an empty table as XLSX: headings, the options of the lists, and a line of examples to be replaced."""
    columns = goal.columns
    rows = Sheet(goal.group.label[language], frozen=1, widths=[max(16, len(c.title(language)) + 4) for c in columns])
    rows.lines = [
        [Cell(column.title(language), "head") for column in columns],
        [Cell(words, "quiet") for words in tabular.example(columns, language)],
    ]
    help_ = Sheet(say("table.help", language), widths=(40, 20, 80), frozen=1)
    heads = ("table.column", "st.required", "table.how")
    help_.lines.append([Cell(say(key, language), "head") for key in heads])
    for column in columns:
        asked = column.field
        how = [asked.hint[language]] if asked.hint else []
        how += [label[language] for label in (asked.options or {}).values()]
        if asked.type in tabular.HOW_TO_WRITE:
            how.append(say(tabular.HOW_TO_WRITE[asked.type], language))
        needed = say("act.yes", language) if asked.required else ""
        help_.lines.append([Cell(column.title(language)), Cell(needed), Cell("\n".join(how))])
    return spreadsheets.write([rows, help_], title=goal.group.label[language], now=now)


def template_csv(goal: Target, language: str) -> bytes:
    """Return the empty table as CSV with a line of examples, in UTF-8 with the mark that spreadsheets look for."""
    columns = goal.columns
    example = {column.field.key: column.field.example_value() for column in columns}
    return tabular.written([example], columns, language).encode("utf-8-sig")
