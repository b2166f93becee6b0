"""The summary form: what an application says, stage by stage, as screen, review and paper show it.

Everything a field shows anywhere is a ``FieldView``; one macro draws it.
Source: user manual, paragraphs 18, 19 and 25.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app import catalogue
from app.accounts import queries as people
from app.accounts.models import User
from app.applications import queries
from app.applications.models import Answers, Application, Comment
from app.errors import Problem
from app.forms.definitions import DynamicForm, Field, Form
from app.terms import say
from app.workflows.parts import StageKind


@dataclass(frozen=True)
class FileView:
    """A file as a list shows it."""

    id: int
    name: str
    size: str
    url: str | None
    sha256: str


@dataclass(frozen=True)
class CommentView:
    """A comment as a field shows it."""

    id: int
    author: str
    at: object
    text: str
    answer: str
    state: str
    pending: bool


@dataclass(frozen=True)
class FieldView:
    """A field as the one macro draws it.

    ``path`` names the input, ``place`` (``stage.path``) the field within the whole application.
    ``value`` is what stands in the input: a text, or a text for each language; ``words`` what a
    multilingual answer says in each.  ``theirs`` is
    what somebody else saved meanwhile, where that differs.
    """

    path: str
    place: str
    label: str
    kind: str
    text: str = ""
    value: Any = ""
    words: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""
    norm: str = ""
    required: bool = False
    options: Sequence[tuple[str, str]] = ()
    languages: Sequence[str] = ()
    is_long: bool = False
    max_length: int | None = None
    currency: str = ""
    accept: str = ""
    max_files: int | None = None
    errors: Sequence[str] = ()
    note: str = ""
    source: str = ""
    theirs: str = ""
    files: Sequence[FileView] = ()
    comments: Sequence[CommentView] = ()
    may_comment: bool = False


@dataclass(frozen=True)
class SectionView:
    """A group of fields under a heading."""

    title: str
    fields: Sequence[FieldView]


@dataclass(frozen=True)
class SheetView:
    """A filled form, or one entry of a dynamic form (then ``criteria`` are its words)."""

    key: str
    title: str
    sections: Sequence[SectionView]
    criteria: str = ""
    demo_data: bool = False
    entry: str = ""


@dataclass(frozen=True)
class StageView:
    """A stage with its sheets."""

    key: str
    title: str
    status: str
    sheets: Sequence[SheetView]


@dataclass
class Drawing:
    """How fields are to be drawn: language, what may be done, what is said of them."""

    language: str
    comments: Mapping[str, Sequence[Comment]] = field(default_factory=dict)
    may_comment: bool = False
    names: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    raw: Mapping[str, Sequence[str]] | None = None
    problems: Sequence[Problem] = ()
    notes: Sequence[Problem] = ()
    source: str = ""
    file_url: Any = None
    theirs: Mapping[str, Any] | None = None


def size_words(size: int) -> str:
    """Return a file's size in words: 12 KB, 1,4 MB."""
    if size < 1024 * 1024:
        return f"{max(1, round(size / 1024))} KB"
    return f"{size / 1024 / 1024:.1f} MB".replace(".", ",")


def comments_by_place(rows: Iterable[Comment]) -> dict[str, list[Comment]]:
    """Return comments by the field they stand on."""
    found: dict[str, list[Comment]] = {}
    for row in rows:
        found.setdefault(f"{row.stage}.{row.field}", []).append(row)
    return found


def comment_view(row: Comment) -> CommentView:
    """Return a comment as a field shows it."""
    state = {"open": "st.open", "answered": "st.answered", "resolved": "st.resolved"}.get(row.state, "")
    return CommentView(
        row.id, row.by.name, row.published_at or row.at, row.words, row.answer, state, row.published_at is None
    )


def _said(problem: Problem, language: str) -> str:
    return say(problem.key, language, **problem.params)


def field_view(item: Field, value: Any, drawing: Drawing, *, stage: str, prefix: str = "") -> FieldView:
    """Draw one field with its canonical ``value`` (None: not given)."""
    path = f"{prefix}{item.key}"
    place = f"{stage}.{path}"
    language = drawing.language
    names = dict(drawing.names.get(item.source, ())) if item.source else {}
    if item.options is not None:
        options = [(key, words[language]) for key, words in item.options.items()]
    else:
        options = list(names.items())
    if drawing.raw is not None and item.kind.typed:
        shown = _typed_value(drawing.raw, path, item.parts)
    else:
        shown = {part: item.entry(value, part) for part in item.parts} if item.parts else item.entry(value)
    theirs = ""
    if drawing.theirs is not None and drawing.theirs.get(path) != value:
        theirs = item.text(drawing.theirs.get(path), language, names) or say("msg.no_data", language)
    own = {path, *(f"{path}-{part}" for part in item.parts)}
    return FieldView(
        path=path,
        place=place,
        label=item.label[language],
        kind=item.type,
        text=item.text(value, language, names),
        value=shown,
        words=dict(value) if item.parts and value else {},
        hint=item.hint[language] if item.hint else "",
        norm=item.norm[language] if item.norm else "",
        required=item.required,
        options=options,
        languages=item.parts,
        is_long=item.input == "textarea",
        max_length=item.most,
        currency=item.currency or "",
        accept=",".join(f".{name}" for name in item.accept) if item.type == "file" else "",
        max_files=item.max_files,
        errors=list(dict.fromkeys(_said(problem, language) for problem in drawing.problems if problem.path in own)),
        note=next((_said(problem, language) for problem in drawing.notes if problem.path in own), ""),
        source=drawing.source if value is not None else "",
        theirs=theirs,
        files=_files(value, drawing) if item.type == "file" else (),
        comments=[comment_view(row) for row in drawing.comments.get(place, ())],
        may_comment=drawing.may_comment,
    )


def _typed_value(raw: Mapping[str, Sequence[str]], path: str, parts: Sequence[str]) -> Any:
    def first(name: str) -> str:
        return next(iter(raw.get(name, ())), "")

    return {part: first(f"{path}-{part}") for part in parts} if parts else first(path)


def _files(value: Any, drawing: Drawing) -> list[FileView]:
    return [
        FileView(
            file["id"],
            file["name"],
            size_words(file["size"]),
            drawing.file_url(file["id"]) if drawing.file_url else None,
            file["sha256"],
        )
        for file in value or ()
    ]


def form_sheet(
    form: Form, values: Mapping[str, Any], drawing: Drawing, *, stage: str, prefix: str = "", criteria: str = ""
) -> SheetView:
    """Draw a simple form, or the form of one entry."""
    sections = [
        SectionView(
            section.title[drawing.language],
            [field_view(item, values.get(item.key), drawing, stage=stage, prefix=prefix) for item in section.fields],
        )
        for section in form.sections
    ]
    return SheetView(form.key, form.title[drawing.language], sections, criteria, form.demo_data)


def dynamic_sheets(form: DynamicForm, values: Mapping[str, Any], drawing: Drawing, *, stage: str) -> list[SheetView]:
    """Draw every entry of a dynamic form: its criteria and free keys first, then its answers."""
    sheets = []
    for entry in values.get("entries", []):
        prefix = f"{form.key}-{entry['id']}-"
        criteria = form.path_text(entry["path"], drawing.language)
        leaf = form.form_of(entry)
        sheet = form_sheet(leaf, entry.get("values", {}), drawing, stage=stage, prefix=prefix, criteria=criteria)
        keys = [
            field_view(item, entry.get("keys", {}).get(item.key), drawing, stage=stage, prefix=prefix)
            for item in form.keys
        ]
        first = [SectionView(say("obj.criterion", drawing.language), keys)] if keys else []
        sheets.append(
            SheetView(form.key, sheet.title, [*first, *sheet.sections], criteria, sheet.demo_data, str(entry["id"]))
        )
    return sheets


def stage_sheets(application: Application, stage: str, values: Mapping[str, Any], drawing: Drawing) -> list[SheetView]:
    """Draw the forms of a stage with its ``values`` (form key -> values)."""
    library = catalogue.present().forms
    sheets: list[SheetView] = []
    for key in queries.procedure(application).stages[stage].forms:
        form = library.get(key, application.forms.get(key))
        answers = values.get(key, {})
        if isinstance(form, DynamicForm):
            sheets += dynamic_sheets(form, answers, drawing, stage=stage)
        else:
            sheets.append(form_sheet(form, answers, drawing, stage=stage))
    return sheets


def person_names(values: Iterable[Mapping[str, Any]], language: str) -> dict[str, list[tuple[str, str]]]:
    """Return the words of chosen people, whose options a room supplies, wherever they now work."""
    ids = {
        int(value)
        for stage in values
        for form in stage.values()
        for key, value in form.items()
        if key == "adviser" and isinstance(value, str) and value.isdecimal()
    }
    found = people.by_ids(ids)
    return {"partner_advisers": [(str(user.id), person_words(user, language)) for user in found.values()]}


def person_words(user: User, language: str) -> str:
    """Return a person with the organisation he works for."""
    return f"{user.full_name} — {user.organisation.names[language]}" if user.organisation else user.full_name


def stages(
    application: Application,
    drawing: Drawing,
    *,
    as_of: datetime | None = None,
    kinds: Sequence[StageKind] = (StageKind.FILL,),
) -> list[StageView]:
    """Draw all stages of ``kinds`` that have been reached, in the order of the procedure."""
    found = queries.answers(application, as_of=as_of)
    drawing.names = {**person_names((row.values for row in found.values()), drawing.language), **drawing.names}
    procedure = queries.procedure(application)
    standing = queries.position(application)
    views = []
    for key, stage in procedure.stages.items():
        if stage.kind not in kinds or not stage.forms:
            continue
        row: Answers | None = found.get(key)
        status = standing.status(key)
        if row is None and stage.kind is StageKind.WORK:
            continue
        views.append(
            StageView(
                key,
                stage.title[drawing.language],
                f"st.{status}",
                stage_sheets(application, key, row.values if row else {}, drawing),
            )
        )
    return views


def texts(application: Application, *, as_of: datetime | None = None) -> dict[str, str]:
    """Return ``stage.path`` -> the words of every field of the summary form, in the application's language."""
    return {
        view.place: view.text
        for stage in stages(application, Drawing(application.language), as_of=as_of)
        for sheet in stage.sheets
        for section in sheet.sections
        for view in section.fields
    }
