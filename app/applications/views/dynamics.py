"""What a stage shows of its dynamic forms: the entries, one of them opened, and the lists that add one.

Few entries stand on the page of the stage, ready to be filled in.  Many stand in a table there,
and each opens on a page of its own (``?entry=<form>-e7``; ``e7`` will do).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for

from app.applications import drawing, summary
from app.applications.drawing import Drawing
from app.applications.models import Application
from app.applications.sheets import FieldView, SheetView
from app.errors import NotFound
from app.forms.definitions import DynamicForm
from app.terms import LANGUAGES
from app.web.templating import word

MOST_FIELDS = 150
"""Questions that one page of entries asks at most; beyond them every entry gets a page of its own."""


@dataclass(frozen=True)
class ListView:
    """One drop-down list of the criteria of a dynamic form."""

    name: str
    label: str
    options: list[tuple[str, str]]
    chosen: str


@dataclass(frozen=True)
class ChainView:
    """The chain of lists as far as it is chosen: ``path``; at its end a form, or none is provided."""

    lists: list[ListView]
    path: tuple[str, ...]
    has_more: bool
    no_forms: bool


@dataclass(frozen=True)
class EntryLine:
    """One entry in the table of entries."""

    id: str
    path: str
    number: int
    criteria: str
    keys: str
    href: str
    gaps: int
    errors: int
    comments: int

    @property
    def name(self) -> str:
        """What tells the entry from the others."""
        return f"{self.number}. {' · '.join(filter(None, (self.criteria, self.keys)))}"

    @property
    def state(self) -> str:
        """The word of the code for where the entry stands."""
        return "has_errors" if self.errors else "filling" if self.gaps else "filled"


@dataclass(frozen=True)
class DynamicView:
    """A dynamic form: its entries, and the chain of lists that adds one.

    ``lines`` are all entries; ``entries`` those that are drawn in full.  ``is_list``: the lines are
    shown as a table and no entry in full.  ``opened`` is the line of the entry that the page is for.
    """

    key: str
    title: str
    note: str
    add_label: str
    entry_label: str
    lines: list[EntryLine]
    entries: list[SheetView]
    is_list: bool
    opened: EntryLine | None
    chain: ChainView
    keys: list[FieldView]
    is_choosing: bool
    errors: list[str]

    @property
    def previous(self) -> EntryLine | None:
        """The entry before the opened one."""
        return self.lines[self.opened.number - 2] if self.opened and self.opened.number > 1 else None

    @property
    def next(self) -> EntryLine | None:
        """The entry after the opened one."""
        return self.lines[self.opened.number] if self.opened and self.opened.number < len(self.lines) else None

    def line(self, entry_id: str) -> EntryLine:
        """Return the line of an entry."""
        return next(line for line in self.lines if line.id == entry_id)


def adder_inputs(form: DynamicForm, raw: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return what came from the lists and keys that add an entry: input name -> texts."""
    names = {f"{form.key}-{level.key}" for level in form.levels}
    names |= {path for item in form.keys for path in item.paths(form.key)}
    return {name: texts for name, texts in raw.items() if name in names}


def is_many(form: DynamicForm, values: Mapping[str, Any]) -> bool:
    """Tell whether the entries ask more than one page should."""
    sizes = (len(form.keys) + len(leaf.fields) for leaf in map(form.form_of, form.entries(values)))
    return len(form.entries(values)) > 1 and sum(sizes) > MOST_FIELDS


def opened_entry(form: DynamicForm, values: Mapping[str, Any], entry: str) -> str:
    """Return the id of the entry that the address names by its id or path; empty if it is none of this form's."""
    return next((str(item["id"]) for item in form.entries(values) if entry in (item["id"], form.entry_path(item))), "")


def view(
    application: Application,
    stage: str,
    form: DynamicForm,
    values: Mapping[str, Any],
    draw: Drawing,
    *,
    opened: str = "",
    is_choosing: bool = False,
) -> DynamicView:
    """Draw a dynamic form; ``opened`` is the id of the one entry that the page is for."""
    language = draw.language
    is_list = not opened and is_many(form, values)
    found = lines(application, stage, form, values, draw)
    entries = [] if is_list else drawing.dynamic_sheets(form, values, draw, stage=stage, only=opened)
    return DynamicView(
        key=form.key,
        title=form.title[language],
        note=form.note[language] if form.note else "",
        add_label=form.add_label[language],
        entry_label=form.entry_label[language],
        lines=found,
        entries=entries,
        is_list=is_list,
        opened=next((line for line in found if opened and line.id == opened), None),
        chain=chain(form, draw.raw if is_choosing and draw.raw is not None else {}, language),
        keys=[summary.field_view(item, None, draw, stage=stage, prefix=f"{form.key}-") for item in form.keys],
        is_choosing=is_choosing,
        errors=[word(item.key, **item.params) for item in draw.problems if item.path == form.key],
    )


def chain(form: DynamicForm, chosen: Mapping[str, Sequence[str]], language: str) -> ChainView:
    """Draw the lists named "<form>-<level>", as far as ``chosen`` says what is taken in them."""
    path: list[str] = []
    lists = []
    level = form.offered(())
    while level is not None:
        name = f"{form.key}-{level.key}"
        taken = next(iter(chosen.get(name, ())), "")
        options = [(key, words[language]) for key, words in level.options.items()]
        lists.append(ListView(name, level.label[language], options, taken if taken in level.options else ""))
        if taken not in level.options:
            break
        path.append(taken)
        level = form.offered(path)
    at_end = level is None and bool(path)
    return ChainView(lists, tuple(path), not at_end, at_end and form.form_at(path) is None)


def lines(
    application: Application, stage: str, form: DynamicForm, values: Mapping[str, Any], draw: Drawing
) -> list[EntryLine]:
    """Return a line for each entry, with how much is missing, wrong and said in it."""
    gaps = _counted(form, (problem.path for problem in draw.gaps))
    errors = _counted(form, (problem.path for problem in draw.problems))
    start = f"{stage}."
    places = (place for place, found in draw.comments.items() for _ in found)
    said = [place.removeprefix(start) for place in places if place.startswith(start)]
    comments = _counted(form, said, once=False)
    found = []
    for number, entry in enumerate(form.entries(values), start=1):
        path, entry_id = form.entry_path(entry), str(entry["id"])
        held = entry.get("keys", {})
        found.append(
            EntryLine(
                id=entry_id,
                path=path,
                number=number,
                criteria=form.path_text(entry["path"], draw.language),
                keys=", ".join(filter(None, (item.text(held.get(item.key), draw.language) for item in form.keys))),
                href=url_for("applications.stage_page", number=application.number, stage=stage, entry=path),
                gaps=gaps[entry_id],
                errors=errors[entry_id],
                comments=comments[entry_id],
            )
        )
    return found


def _counted(form: DynamicForm, paths: Iterable[str], *, once: bool = True) -> Counter[str]:
    """Count paths by the entry they lie in; with ``once`` a field counts once, however many languages it lacks."""
    start = f"{form.key}-"
    inside = [path.removeprefix(start) for path in paths if path.startswith(start)]
    if once:
        inside = list(dict.fromkeys(_without_language(path) for path in inside))
    return Counter(path.partition("-")[0] for path in inside)


def _without_language(path: str) -> str:
    field, _, last = path.rpartition("-")
    return field if last in LANGUAGES else path


def require_opened(views: Iterable[DynamicView], entry: str) -> None:
    """Refuse an address that names no entry.

    Raises:
        NotFound: there is none.
    """
    if entry and not any(found.opened for found in views):
        raise NotFound
