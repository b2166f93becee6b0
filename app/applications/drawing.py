"""A form and its values made into views: what is asked now, in one language, with what is said of it.

What is hidden is not drawn; ``Form.outline`` says what is asked.  Costs grow with what is drawn and
with nothing else: problems and comments are found by their paths.
Source: user manual, paragraphs 16 and 18.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from app.applications import queries
from app.applications.models import AnyComment
from app.applications.sheets import (
    WIDEST_TABLE,
    ColumnView,
    CommentView,
    FieldView,
    FileView,
    RowsView,
    RowView,
    SectionView,
    SheetView,
    Theirs,
)
from app.errors import Problem
from app.forms.carrying import Piece
from app.forms.definitions import DynamicForm, Field, Form
from app.forms.outline import Asked, Part, Rows
from app.terms import say
from app.terms.sizes import size_words
from app.web.templating import named, word


@dataclass
class Drawing:
    """How fields are to be drawn: language, what may be done, what is said of them.

    ``is_reading``: nothing is to be typed, so nothing is prepared for input boxes.  ``gaps`` are all that
    is missing, ``notes`` those of them that are told at their fields.
    """

    language: str
    is_reading: bool = False
    comments: Mapping[str, Sequence[AnyComment]] = field(default_factory=dict)
    may_comment: bool = False
    names: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    raw: Mapping[str, Sequence[str]] | None = None
    problems: Sequence[Problem] = ()
    gaps: Sequence[Problem] = ()
    notes: Sequence[Problem] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    otherwise: Mapping[str, str] = field(default_factory=dict)
    file_url: Callable[[int], str] | None = None
    theirs: Mapping[str, Theirs] = field(default_factory=dict)

    def said_at(self, place: str) -> list[CommentView]:
        """Return what was said on a place: a field, a group, a row or an entry."""
        return [comment_view(row) for row in self.comments.get(place, ())]

    def errors_at(self, *paths: str) -> list[str]:
        """Return what is wrong at ``paths``, each sentence once."""
        if not self._problems:
            return []
        return list(dict.fromkeys(self._said(found) for path in paths for found in self._problems.get(path, ())))

    def note_at(self, *paths: str) -> str:
        """Return the first of what is still missing at ``paths``."""
        if not self._notes:
            return ""
        return next((self._said(found) for path in paths for found in self._notes.get(path, ())), "")

    @cached_property
    def _problems(self) -> dict[str, list[Problem]]:
        return _by_path(self.problems)

    @cached_property
    def _notes(self) -> dict[str, list[Problem]]:
        return _by_path(self.notes)

    def _said(self, problem: Problem) -> str:
        return say(problem.key, self.language, **problem.params)


def _by_path(problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.path, []).append(problem)
    return found


def comments_by_place(rows: Iterable[AnyComment]) -> dict[str, list[AnyComment]]:
    """Return comments by the place they stand on."""
    found: dict[str, list[AnyComment]] = {}
    for row in rows:
        found.setdefault(row.place, []).append(row)
    return found


def _author(row: AnyComment) -> str:
    """Return who wrote a comment; both names where he acted for the first head then (A26)."""
    head = queries.acting_for(row.by, now=row.at) if row.office == "first_head" else None
    return word("acting.who_for_whom", who=row.by.name, whom=head.name) if head else named(row.by, row.office)


def comment_view(row: AnyComment) -> CommentView:
    """Return a comment as a field shows it."""
    return CommentView(
        row.id,
        _author(row),
        row.published_at or row.at,
        row.words,
        row.answer,
        "" if row.state == "pending" else f"st.{row.state}",
        row.published_at is None,
        row.kind,
        row.suggested,
        row.round,
    )


def field_view(
    item: Field,
    value: Any,
    drawing: Drawing,
    *,
    stage: str,
    prefix: str = "",
    path: str = "",
    required: bool | None = None,
) -> FieldView:
    """Draw one field with its canonical ``value`` (None: not given).

    ``path`` is the field's own, or ``prefix`` what stands before its key; ``required`` where that
    depends on other answers.
    """
    path = path or f"{prefix}{item.key}"
    place = f"{stage}.{path}"
    language = drawing.language
    names = dict(drawing.names.get(item.source, ())) if item.source else {}
    if drawing.is_reading:
        options = []
    elif item.options is not None:
        options = [(key, words[language]) for key, words in item.options.items()]
    else:
        options = list(names.items())
    parts = () if item.subfields else item.parts
    own = (path, *(f"{path}-{part}" for part in parts))
    inner = () if drawing.is_reading else _parts(item, value, drawing, stage, path)
    return FieldView(
        path=path,
        place=place,
        key=item.key,
        label=item.label[language],
        kind=item.type,
        text=item.text(value, language, names),
        value="" if drawing.is_reading else _in_boxes(item, value, path, drawing.raw),
        words=dict(value) if item.type == "multilingual" and value else {},
        hint=item.hint[language] if item.hint else "",
        norm=item.norm[language] if item.norm else "",
        clause=item.clause or "",
        required=item.required if required is None else required,
        options=options,
        languages=parts,
        is_long=item.input == "textarea",
        currency=item.currency or "",
        accept=",".join(f".{name}" for name in item.accept) if item.type == "file" else "",
        max_files=item.max_files,
        errors=drawing.errors_at(*own),
        note=drawing.note_at(*own),
        source=drawing.sources.get(path, ""),
        otherwise=drawing.otherwise.get(path, ""),
        theirs=drawing.theirs.get(path),
        files=_files(value, drawing) if item.type == "file" else (),
        comments=drawing.said_at(place),
        may_comment=drawing.may_comment,
        parts=inner,
    )


def _parts(item: Field, value: Any, drawing: Drawing, stage: str, path: str) -> list[FieldView]:
    """Draw the inputs of an answer of several parts; comments, sources and others' values belong to the whole."""
    if not item.subfields:
        return []
    bare = Drawing(drawing.language, raw=drawing.raw, problems=drawing.problems, notes=drawing.notes)
    return [
        field_view(part, (value or {}).get(key), bare, stage=stage, path=f"{path}-{key}")
        for key, part in item.subfields.items()
    ]


def _in_boxes(item: Field, value: Any, path: str, raw: Mapping[str, Sequence[str]] | None) -> Any:
    """Return what stands in the input of a field, or in each of its inputs: what was typed, else what is kept."""

    def box(part: str = "") -> str:
        name = f"{path}-{part}" if part else path
        if raw is not None and name in raw and item.kind.typed:
            return next(iter(raw[name]), "")
        return item.entry(value, part)

    if item.subfields:
        return ""
    return {part: box(part) for part in item.parts} if item.parts else box()


def _files(value: Any, drawing: Drawing) -> list[FileView]:
    return [
        FileView(
            file["id"],
            file["name"],
            size_words(file["size"], drawing.language),
            drawing.file_url(file["id"]) if drawing.file_url else None,
            file["sha256"],
        )
        for file in value or ()
    ]


def items_view(items: Iterable[Asked | Rows], drawing: Drawing, *, stage: str) -> list[FieldView | RowsView]:
    """Draw what is asked now: fields, and groups with their rows; notes only where one fills them in."""
    return [
        rows_view(item, drawing, stage=stage)
        if isinstance(item, Rows)
        else field_view(item.field, item.value, drawing, stage=stage, path=item.path, required=item.required)
        for item in items
        if not (drawing.is_reading and item.field.type == "note")
    ]


def rows_view(group: Rows, drawing: Drawing, *, stage: str) -> RowsView:
    """Draw a repeating group."""
    item, language = group.field, drawing.language
    entry_label = item.entry_label[language] if item.entry_label else ""
    last = len(group.rows)
    rows = []
    for number, row in enumerate(group.rows, start=1):
        inside = items_view(row.items, drawing, stage=stage)
        heading = _heading(number, entry_label, inside)
        place = f"{stage}.{row.path}"
        ends = (number == 1, number == last)
        rows.append(
            RowView(row.id, row.path, place, heading, inside, *ends, drawing.said_at(place), drawing.may_comment)
        )
    return RowsView(
        path=group.path,
        place=f"{stage}.{group.path}",
        key=item.key,
        label=item.label[language],
        entry_label=entry_label,
        hint=item.hint[language] if item.hint else "",
        norm=item.norm[language] if item.norm else "",
        clause=item.clause or "",
        required=group.required,
        rows=rows,
        columns=_columns(item, language),
        may_add=last < item.max_entries,
        errors=drawing.errors_at(group.path),
        note=drawing.note_at(group.path),
        comments=drawing.said_at(f"{stage}.{group.path}"),
        may_comment=drawing.may_comment,
    )


def _heading(number: int, entry_label: str, items: Sequence[FieldView | RowsView]) -> str:
    """Return what tells a row from the others: its number and its first answer, or what a row is called."""
    first = next((item.text for item in items if isinstance(item, FieldView) and item.text), "")
    words = first or entry_label
    return f"{number}. {words}" if words else f"{number}."


def _columns(item: Field, language: str) -> list[ColumnView]:
    """Return the columns of a group that is a table; none for one that is to be cards, or would be too wide."""
    inner = [column for column in item.fields or () if column.type not in ("group", "note")]
    if item.layout != "table" or len(inner) > WIDEST_TABLE:
        return []
    return [
        ColumnView(column.key, column.label[language], column.type, column.required, bool(column.subfields))
        for column in inner
    ]


def sections(parts: Iterable[Part], drawing: Drawing, *, stage: str, of: str) -> list[SectionView]:
    """Draw the sections of a form that ask for anything now; ``of`` is the path of the form or the entry."""
    found = []
    for part in parts:
        note = part.section.note[drawing.language] if part.section.note else ""
        title = part.section.title[drawing.language]
        items = items_view(part.items, drawing, stage=stage)
        found.append(SectionView(title, items, note, f"{of}.{part.section.key}"))
    return [section for section in found if section.items]


def form_sheet(form: Form, values: Mapping[str, Any], drawing: Drawing, *, stage: str) -> SheetView:
    """Draw a simple form."""
    found = sections(form.outline(values), drawing, stage=stage, of=form.key)
    note = form.note[drawing.language] if form.note else ""
    parked = [piece_view(piece, drawing, stage=stage) for piece in form.parked(values)]
    return SheetView(form.key, form.title[drawing.language], found, demo_data=form.demo_data, parked=parked, note=note)


def entry_sheet(
    form: DynamicForm, entry: Mapping[str, Any], parts: Iterable[Part], drawing: Drawing, *, stage: str
) -> SheetView:
    """Draw one entry of a dynamic form: its criteria and free keys first, then its answers, then what is parked."""
    leaf = form.leaf(entry)
    place = f"{stage}.{form.entry_path(entry)}"
    return SheetView(
        form.key,
        leaf.title[drawing.language] if leaf else say("dyn.no_forms", drawing.language),
        sections(parts, drawing, stage=stage, of=form.entry_path(entry)),
        criteria=form.path_text(entry["path"], drawing.language),
        demo_data=leaf.demo_data if leaf else form.demo_data,
        entry=str(entry["id"]),
        parked=[piece_view(piece, drawing, stage=stage) for piece in form.parked(entry)],
        place=place,
        comments=drawing.said_at(place),
        may_comment=drawing.may_comment,
    )


def dynamic_sheets(
    form: DynamicForm, values: Mapping[str, Any], drawing: Drawing, *, stage: str, only: str = ""
) -> list[SheetView]:
    """Draw the entries of a dynamic form, all of them or the one of the id ``only``."""
    if only:
        values = {**values, "entries": [entry for entry in form.entries(values) if entry["id"] == only]}
    return [entry_sheet(form, entry, parts, drawing, stage=stage) for entry, parts in form.outline(values)]


def piece_view(piece: Piece, drawing: Drawing, *, stage: str) -> FieldView:
    """Draw an answer that is set aside, or is to move: only to be read."""
    label = piece.asked.label[drawing.language] if piece.asked else piece.path.rpartition("-")[2]
    kind = piece.asked.type if piece.asked else "text"
    files = _files(piece.value, drawing) if kind == "file" else ()
    text = piece.text(drawing.language)
    return FieldView(piece.path, f"{stage}.{piece.path}", label, kind, text=text, files=files)
