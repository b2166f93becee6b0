"""What others did to a stage while somebody was filling it: told where it was merged, else shown side by side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash
from flask_login import current_user

from app.applications import answering, merging, queries
from app.applications.answering import StageConflict, Typed
from app.applications.models import Answers, Application
from app.applications.sheets import Theirs
from app.forms.definitions import DynamicForm, Field
from app.forms.merge import Clash
from app.forms.outline import Asked, Rows
from app.forms.parts import is_empty
from app.web import here
from app.web.templating import date_time_text, word

MOST_NAMED = 5
"""Fields that one sentence names; the rest are counted."""


@dataclass(frozen=True)
class Named:
    """A field or a row as a sentence names it; of a row, ``field`` is None."""

    label: str
    field: Field | None = None
    value: Any = None


@dataclass(frozen=True)
class LostRow:
    """A row that somebody took out while something was typed into it.

    ``lines`` are its answers as they were typed, ``inputs`` what would bring them again, ``revision``
    one that has the row.
    """

    path: str
    label: str
    words: str
    lines: Sequence[tuple[str, str]]
    inputs: Sequence[tuple[str, str]]
    revision: int


@dataclass(frozen=True)
class Contest:
    """What is to be chosen on the page: ``raw`` was typed into disputed fields, ``theirs`` stands there.

    It was typed over the revision ``seen``.  ``is_save``: no other button waits for the choice.
    ``has_lost_files``: files came too, and have to be chosen again.  ``disputed`` are path and label of
    the fields, in the order of the page.
    """

    raw: Mapping[str, Sequence[str]]
    theirs: Mapping[str, Theirs]
    seen: int
    is_save: bool
    has_lost_files: bool
    disputed: Sequence[tuple[str, str]]
    said: Sequence[str]
    lost: Sequence[LostRow]


def named(application: Application, stage: str, values: Mapping[str, Any]) -> dict[str, Named]:
    """Return everything of a stage that can be named, by its path; a row is called by what it is and its number."""
    language = here.language()
    found: dict[str, Named] = {}
    for form in answering.forms(application, stage):
        answers = values.get(form.key, {})
        if not isinstance(form, DynamicForm):
            found.update(_named((item for part in form.outline(answers) for item in part.items), ""))
            continue
        found[form.key] = Named(form.title[language])
        for number, (entry, parts) in enumerate(form.outline(answers), start=1):
            keys = [item.text(entry.get("keys", {}).get(item.key), language) for item in form.keys]
            label = ", ".join(filter(None, [f"{number}. {form.path_text(entry['path'], language)}", *keys]))
            found[form.entry_path(entry)] = found[f"{form.entry_path(entry)}-path"] = Named(label)
            found.update(_named((item for part in parts for item in part.items), f"{label} · "))
    return found


def _named(items: Iterable[Asked | Rows], before: str) -> Iterator[tuple[str, Named]]:
    language = here.language()
    for item in items:
        label = f"{before}{item.field.label[language]}"
        if isinstance(item, Asked):
            yield item.path, Named(label, item.field, item.value)
            continue
        yield item.path, Named(label)
        called = item.field.entry_label or item.field.label
        for number, row in enumerate(item.rows, start=1):
            heading = f"{before}{number}. {called[language]}"
            yield row.path, Named(heading)
            yield from _named(row.items, f"{heading} · ")


def said_in(application: Application, known: Named, texts: Mapping[str, str] | None = None) -> str:
    """Return what a field says in words, or what stands in it as a text."""
    item = known.field
    if texts or item is None:
        return ", ".join(filter(None, (texts or {}).values()))
    language = here.language()
    names = dict(answering.choices(application, language).get(item.source, ())) if item.source else None
    return item.text(known.value, language, names) or word("msg.no_data")


def boxes(item: Field, path: str, value: Any, texts: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what stands in the inputs of a field: input name -> text."""
    names = {f"{path}-{part}" if part else path: part for part in item.parts or ("",)}
    return {name: (texts or {}).get(name, item.entry(value, part)) for name, part in names.items()}


def sentences(
    application: Application, stage: str, changed: Mapping[str, Answers], names: Mapping[str, Named]
) -> list[str]:
    """Return who changed which fields and when: a sentence for each revision that came in between, oldest first."""
    found: dict[int, tuple[Answers, list[str]]] = {}
    for path, row in changed.items():
        label = names[path].label if path in names else word("answers.something_removed")
        found.setdefault(row.revision, (row, []))[1].append(label)
    by: dict[int, tuple[Answers, list[str]]] = {}
    for _, (row, labels) in sorted(found.items()):
        _, known = by.setdefault(row.by_id, (row, []))
        by[row.by_id] = (row, [*known, *(label for label in labels if label not in known)])
    return [
        word("answers.merged", user=_who(row), time=date_time_text(row.at), fields=_listed(labels))
        for row, labels in by.values()
    ]


def _who(row: Answers) -> str:
    return word("answers.yourself") if row.by_id == current_user.id else row.by.name


def _listed(labels: Sequence[str]) -> str:
    named_ = "; ".join(labels[:MOST_NAMED])
    more = len(labels) - MOST_NAMED
    return word("answers.and_more", fields=named_, n=more) if more > 0 else named_


def tell(application: Application, stage: str, typed: Typed, before: Answers | None) -> None:
    """Say on the next page what others had changed since the page was drawn, up to ``before``."""
    if before is None or before.revision <= typed.seen:
        return
    changed = merging.who_changed(application, stage, typed.seen, before.revision)
    marks = typed.unsure | ({typed.key} if typed.key else set())  # its own mark: it was sent before
    own = {row.revision for row in merging.marked(application, stage, marks, current_user)}
    changed = {path: row for path, row in changed.items() if row.revision not in own}
    for sentence in sentences(application, stage, changed, named(application, stage, before.values)):
        flash(sentence, "info")


def tell_unreadable(application: Application, stage: str, typed: Typed) -> None:
    """Say on the next page, which shows other fields, what of the typed was kept but could not be read."""
    newest = queries.latest(application, stage)
    if newest is None or not newest.unread:
        return
    values = merging.Values(newest.values, newest.unread)
    found = answering.unreadable(application, stage, values, merging.fields_in(typed.raw))
    names = named(application, stage, values)
    paths = (path if path in names else path.rpartition("-")[0] for path in (problem.path for problem in found))
    labels = list(dict.fromkeys(names[path].label for path in paths if path in names))
    if labels:
        flash(word("answers.unread_there", fields=_listed(labels)), "warning")


def contest(application: Application, stage: str, typed: Typed, conflict: StageConflict, *, is_save: bool) -> Contest:
    """Return what is in dispute as the page shows it; a choice made before is not asked again.

    ``is_save``: nothing but «Сақтау» was pressed, so that nothing more waits for the choice.
    """
    newest = conflict.theirs
    names = named(application, stage, newest.values)
    authors = merging.who_changed(application, stage, typed.seen, newest.revision)
    fields = {clash.path for clash in conflict.clashes if clash.kind == "field"}
    raw = {name: texts for name, texts in typed.raw.items() if name in fields or name.rpartition("-")[0] in fields}
    theirs = {
        path: Theirs(
            said_in(application, names[path], newest.unread.get(path)),
            by_words(authors, path, newest),
            json.dumps(_inputs(names[path], path, newest), ensure_ascii=False),
        )
        for path in names
        if path in fields
    }
    said = [_sentence(clash, names, authors, newest) for clash in conflict.clashes if clash.kind in _SENTENCES]
    gone = [clash for clash in conflict.clashes if clash.kind == "removed_there"]
    lost = _lost(application, stage, typed, gone, authors, newest) if gone else []
    disputed = [(path, names[path].label) for path in theirs]
    return Contest(raw, theirs, typed.seen, is_save, bool(typed.uploads), disputed, said, lost)


def _inputs(known: Named, path: str, row: Answers) -> Mapping[str, str]:
    return boxes(known.field, path, known.value, row.unread.get(path)) if known.field else {}


_SENTENCES = {"removed_here": "answers.removed_here", "criteria": "answers.criteria", "order": "answers.order"}


def _sentence(clash: Clash, names: Mapping[str, Named], authors: Mapping[str, Answers], newest: Answers) -> str:
    row = _author(authors, clash.path, newest)
    label = names[clash.path].label if clash.path in names else ""
    return word(_SENTENCES[clash.kind], what=label, user=_who(row), time=date_time_text(row.at))


def by_words(authors: Mapping[str, Answers], path: str, newest: Answers) -> str:
    """Return who changed what stands at a path last, and when."""
    row = _author(authors, path, newest)
    return f"{_who(row)}, {date_time_text(row.at)}"


def _author(authors: Mapping[str, Answers], path: str, newest: Answers) -> Answers:
    """Return the last revision that changed what stands at ``path``, or in the row there."""
    within = (row for each, row in authors.items() if each == path or each.startswith(f"{path}-"))
    return max(within, key=lambda row: row.revision, default=newest)


def _lost(
    application: Application,
    stage: str,
    typed: Typed,
    clashes: Sequence[Clash],
    authors: Mapping[str, Answers],
    newest: Answers,
) -> list[LostRow]:
    mine = merging.typed_values(application, stage, typed, choices=answering.choices(application), by=current_user)
    names = named(application, stage, mine)
    found = []
    for clash in clashes:
        inside = {path: known for path, known in names.items() if path.startswith(f"{clash.path}-") and known.field}
        label = names[clash.path].label if clash.path in names else ""
        lines = [
            (known.label.removeprefix(f"{label} · "), said_in(application, known, mine.unread.get(path)))
            for path, known in inside.items()
            if not is_empty(known.value) or path in mine.unread
        ]
        inputs = [
            (name, text) for name, texts in typed.raw.items() if name.startswith(f"{clash.path}-") for text in texts
        ]
        row = _author(authors, clash.path, newest)
        words = word("answers.removed_there", user=_who(row), time=date_time_text(row.at))
        found.append(LostRow(clash.path, label, words, lines, inputs, row.revision - 1))
    return found
