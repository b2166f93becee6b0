"""What a page of a stage tells as wrong or missing: at the fields, and above them in the order of the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from app.applications import answering, merging, queries
from app.applications.models import Answers, Application
from app.applications.sheets import FieldView, RowsView, SheetView
from app.applications.views import dynamics
from app.applications.views.dynamics import DynamicView
from app.errors import Problem
from app.forms.definitions import DynamicForm
from app.forms.parts import is_empty
from app.forms.paths import is_entry_id
from app.terms import LANGUAGES
from app.web import here
from app.web.templating import word

MOST_FAULTY_ENTRIES = 20
"""Entries that the faults at the top of a page name one by one; the rest are counted."""


def standing(application: Application, stage: str, row: Answers | None, *, entry: str, in_full: bool) -> list[Problem]:
    """Return what is wrong with answers as they stand: texts that cannot be read, or all that «Дайын» refuses.

    ``entry``: only of this one, if the page shows no more.
    """
    values = merging.Values(row.values, row.unread) if row else merging.Values({})
    if in_full:
        found = answering.faults_of(application, stage, values, now=here.now())
    else:
        found = answering.unreadable(application, stage, values)
    if not entry:
        return found
    opened = [f"{form.key}-{own}-" for form, own in _opened(application, stage, values, entry)]
    return [problem for problem in found if any(map(problem.path.startswith, opened))]


def gaps(application: Application, stage: str, values: Mapping[str, Any], entry: str) -> list[Problem]:
    """Return what is missing on the page: in the whole stage, or in its one entry."""
    if not entry:
        return answering.gaps(application, stage, values)
    found: list[Problem] = []
    for form, own in _opened(application, stage, values, entry):
        answers = values[form.key]
        found += form.gaps({**answers, "entries": [item for item in form.entries(answers) if item["id"] == own]})
    return found


def _opened(
    application: Application, stage: str, values: Mapping[str, Any], entry: str
) -> Iterator[tuple[DynamicForm, str]]:
    """Yield the form of the entry that the address names, and the entry's id."""
    for form in answering.forms(application, stage):
        if isinstance(form, DynamicForm) and (own := dynamics.opened_entry(form, values.get(form.key, {}), entry)):
            yield form, own


def notes(
    application: Application,
    stage: str,
    missing: Sequence[Problem],
    values: Mapping[str, Any],
    problems: Sequence[Problem],
) -> list[Problem]:
    """Return which of the gaps are told at their fields: none before «Сақтау» or «Дайын» was pressed once.

    A row in which nothing is answered yet has no need to hear of each question, nor a field that is
    told to be wrong that it is empty.
    """
    if not missing or not queries.was_pressed(application, stage):
        return []
    wrong = {problem.path for problem in problems} - {""}
    blank: dict[str, bool] = {}

    def is_in_blank_row(path: str) -> bool:
        for row in _rows_above(path):
            if row not in blank:
                blank[row] = _is_blank((merging.row_at(values, row) or {}).get("values", {}))
            if blank[row]:
                return True
        return False

    return [gap for gap in missing if not merging.fields_in([gap.path]) & wrong and not is_in_blank_row(gap.path)]


def _rows_above(path: str) -> Iterator[str]:
    """Yield the rows that a path lies in, from the outermost."""
    keys = path.split("-")
    for place, key in enumerate(keys[:-1], start=1):
        if place > 1 and is_entry_id(key):
            yield "-".join(keys[:place])


def _is_blank(value: Any) -> bool:
    """Tell whether nothing is answered in the values of a row, nor in the rows within it."""
    if not isinstance(value, Mapping):
        return is_empty(value)
    rows = value.get("entries")
    return all(map(_is_blank, value.values() if rows is None else (row["values"] for row in rows)))


def labelled(
    problems: Sequence[Problem], sheets: Sequence[SheetView], found: Sequence[DynamicView]
) -> list[dict[str, Any]]:
    """Return problems with the words of what they are about and where that stands, in the order of the page.

    Those of entries that are not on the page are told entry by entry, each leading to its page.
    """
    labels = dict(_labels(sheets))
    for item in found:
        labels |= {line.path: line.name for line in item.lines} if item.is_list else dict(_labels(item.entries))
        labels |= {item.key: ""} | dict(_labels_of(item.keys))
    order = {path: place for place, path in enumerate(labels)}
    elsewhere = [item for item in found if item.is_list]
    listed = {line.path for item in elsewhere for line in item.lines}
    shown = []
    for problem in problems:
        path = problem.path
        if "-".join(path.split("-")[:2]) in listed:
            continue
        label = labels.get(path) or _label_of_part(labels, path)
        shown.append({"path": path, "label": label, "text": word(problem.key, **problem.params), "href": ""})
    faulty = [line for item in elsewhere for line in item.lines if line.errors]
    for line in faulty[:MOST_FAULTY_ENTRIES]:
        text = word("form.entry_fault", n=line.errors)
        shown.append({"path": line.path, "label": line.name, "text": text, "href": line.href})
    shown.sort(key=lambda told: _place(order, str(told["path"])))
    if len(faulty) > MOST_FAULTY_ENTRIES:
        text = word("form.more_entries", n=len(faulty) - MOST_FAULTY_ENTRIES)
        shown.append({"path": "", "label": "", "text": text, "href": ""})
    return shown


def _label_of_part(labels: Mapping[str, str], path: str) -> str:
    """Return what a field is called, with the language where it is asked in several."""
    field, _, part = path.rpartition("-")
    label = labels.get(field, "")
    return f"{label} · {word(f'look.in.{part}')}" if label and part in LANGUAGES else label


def _place(order: Mapping[str, int], path: str) -> int:
    """Return how far down the page something stands: what is said of the whole page comes first."""
    while path and path not in order:
        path = path.rpartition("-")[0]
    return order.get(path, -1)


def _labels(sheets: Iterable[SheetView]) -> Iterator[tuple[str, str]]:
    """Yield path and words of every field, group and row that is drawn: "1. Ахметова А. · ЖСН"."""
    for sheet in sheets:
        for section in sheet.sections:
            yield from _labels_of(section.items)


def _labels_of(items: Iterable[FieldView | RowsView], before: str = "") -> Iterator[tuple[str, str]]:
    for item in items:
        yield item.path, f"{before}{item.label}"
        if isinstance(item, FieldView):
            yield from ((part.path, f"{before}{item.label} · {part.label}") for part in item.parts)
        if isinstance(item, RowsView):
            for row in item.rows:
                yield row.path, f"{before}{row.heading}"
                yield from _labels_of(row.items, f"{before}{row.heading} · ")
