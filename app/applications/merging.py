"""What was typed into a stage and what others have saved there meanwhile, put together.

Every save says which revision was on the screen; revisions never change, so what the page began
with is always at hand.  ``merged`` reads what was typed into that revision, and merges it with the
newest (``app.forms.merge``).
Source: user manual, paragraph 14; design: a field that one changed is taken, one that both changed is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from app import catalogue, db
from app.accounts.models import User
from app.applications import queries
from app.applications.attachments import Given
from app.applications.models import Answers, Application
from app.errors import Invalid
from app.forms.definitions import DynamicForm, Field, Form
from app.forms.merge import Change, Clash, Keys, Written, merge, numbered_after
from app.forms.paths import put, value_at
from app.forms.reading import Choices, Parsed, first_text
from app.web.inputs import whole_number

LONGEST_KEY = 40
"""Characters of the mark that a page gives its save."""

Act = Callable[[dict[str, Any]], Mapping[str, Any]]
"""What a button does to a stage's values (form key -> values) beside saving them."""


@dataclass(frozen=True)
class Typed:
    """What came with one press of a button in a stage, or from the page by itself.

    ``raw`` maps input names to texts, ``uploads`` field paths to new files, ``removals`` are ids
    of attachments to take out, ``seen`` is the revision that was on the screen (0: none yet).
    ``restored`` are rows that somebody else took out and that are to stand again: path -> a revision
    that has them.  ``unsure`` are the marks of saves that the page has sent and had no answer to:
    what they did was on the screen, too.  ``key`` is the mark of this press.  ``undecided`` are the paths
    of fields in dispute that were shown for a choice and came without one: they stay in dispute.
    """

    raw: Mapping[str, Sequence[str]]
    uploads: Mapping[str, Sequence[Given]] = field(default_factory=dict)
    removals: frozenset[int] = frozenset()
    seen: int = 0
    restored: Mapping[str, int] = field(default_factory=dict)
    unsure: frozenset[str] = frozenset()
    key: str | None = None
    undecided: frozenset[str] = frozenset()


class Values(dict[str, Any]):
    """A stage's values, form key -> values; ``unread`` are the texts beside them that are no values yet."""

    unread: dict[str, dict[str, str]]

    def __init__(self, values: Mapping[str, Any], unread: Mapping[str, Mapping[str, str]] | None = None) -> None:
        super().__init__(values)
        self.unread = {path: dict(texts) for path, texts in (unread or {}).items()}


@dataclass(frozen=True)
class Merging:
    """What a save comes to; ``mine``, ``theirs`` and ``clashes`` as ``app.forms.merge.Merged`` has them."""

    values: Values
    mine: tuple[Change, ...]
    theirs: tuple[Change, ...]
    clashes: tuple[Clash, ...]


def forms(application: Application, stage: str) -> list[Form | DynamicForm]:
    """Return all forms of a stage in the versions the application began with."""
    library = catalogue.present().forms
    return [library.get(key, application.forms.get(key)) for key in queries.procedure(application).stages[stage].forms]


def merged(
    application: Application,
    stage: str,
    typed: Typed,
    *,
    choices: Choices,
    by: User,
    newest: Answers | None,
    act: Act | None = None,
) -> Merging:
    """Merge what was typed, and what ``act`` does to it, with ``newest``.  Files are left to their own acts.

    Raises:
        Invalid: what ``act`` refuses.
    """
    base = _base(application, stage, typed, by=by, newest=newest)
    theirs = _values_of(newest)
    start = _with_restored(application, stage, base, typed)
    mine = _typed(application, stage, start, typed.raw, choices)
    waiting = _undecided(mine, theirs, typed)
    if waiting:
        raw = {name: texts for name, texts in typed.raw.items() if fields_in([name]).isdisjoint(typed.undecided)}
        mine = _typed(application, stage, start, raw, choices)
    if act is not None:
        counted = {key: numbered_after(values, theirs.get(key, {})) for key, values in mine.items()}
        mine = Values(act(counted), mine.unread)
    values = Values({})
    found: list[Any] = [[], [], []]
    for form in forms(application, stage):
        sides = [Written(side.get(form.key, {}), _own(form, side.unread)) for side in (base, mine, theirs)]
        together = merge(*sides, prefix=_prefix(form), derived=derived(form))
        values[form.key] = form.settled(_placed(form, together.values))
        values.unread.update(together.unread)
        for told, brought in zip(found, (together.mine, together.theirs, together.clashes), strict=True):
            told += brought
    found[2] += waiting
    return Merging(values, *(tuple(told) for told in found))


def _undecided(mine: Values, theirs: Values, typed: Typed) -> list[Clash]:
    """Return what stays in dispute: it was typed, it is not what stands, and nobody has chosen."""
    found = []
    for path in sorted(typed.undecided & fields_in(typed.raw)):
        typed_, standing = _at(mine, path), _at(theirs, path)
        if (typed_, mine.unread.get(path)) != (standing, theirs.unread.get(path)):
            found.append(Clash(path, "field", typed_, standing))
    return found


def parse(form: Form | DynamicForm, raw: Mapping[str, Any], before: Mapping[str, Any], choices: Choices) -> Parsed:
    """Read what was typed into a form that says ``before``."""
    if isinstance(form, DynamicForm):
        return form.parse(raw, before, choices)
    return form.parse(raw, choices=choices, before=before)


def readable(form: Form | DynamicForm, values: Values) -> Mapping[str, Any]:
    """Return a form's answers without those in whose place a text stands that is no value yet: no page shows them."""
    found: Mapping[str, Any] = values.get(form.key, {})
    for path in _own(form, values.unread):
        inner = path.removeprefix(_prefix(form))
        if value_at(found, inner) is not None:
            found = put(found, inner, None)
    return found


def texts(row: Answers) -> dict[str, Sequence[str]]:
    """Return the texts of a revision that are no values yet, as they would be typed: input name -> texts."""
    return {name: [text] for found in row.unread.values() for name, text in found.items()}


def fields_in(raw: Iterable[str]) -> set[str]:
    """Return the paths of the fields, and more, that inputs of these names may belong to."""
    names = set(raw)
    return names | {name.rpartition("-")[0] for name in names}


def revision(application: Application, stage: str, number: int) -> Answers | None:
    """Return one revision of a stage's answers, or None."""
    return db.session.scalars(
        select(Answers).where(
            Answers.application_id == application.id, Answers.stage == stage, Answers.revision == number
        )
    ).one_or_none()


def marked(application: Application, stage: str, keys: Collection[str], by: User) -> Sequence[Answers]:
    """Return the revisions that a page of ``by`` saved under these marks, oldest first."""
    if not keys:
        return []
    statement = select(Answers).where(
        Answers.application_id == application.id,
        Answers.stage == stage,
        Answers.by_id == by.id,
        Answers.key.in_(sorted(keys)),
    )
    return db.session.scalars(statement.order_by(Answers.revision)).all()


def autosaves(application: Application, stage: str, by: User, *, since: datetime) -> int:
    """Return how often the pages of ``by`` have saved a stage by themselves since a moment."""
    statement = select(func.count(Answers.id)).where(
        Answers.application_id == application.id,
        Answers.stage == stage,
        Answers.by_id == by.id,
        Answers.is_autosaved,
        Answers.at > since,
    )
    return db.session.scalar(statement) or 0


def who_changed(application: Application, stage: str, seen: int, until: int) -> dict[str, Answers]:
    """Return the paths of all that was changed after the revision ``seen``, with the last revision that did it."""
    found: dict[str, Answers] = {}
    rows = since(application, stage, seen, until + 1)
    older = [*rows[1:], revision(application, stage, seen)]
    for row, before in zip(rows, older, strict=False):
        for change in _changes(application, stage, _values_of(before), _values_of(row)):
            found.setdefault(change.path, row)
    return found


def _changes(application: Application, stage: str, before: Values, after: Values) -> list[Change]:
    found: list[Change] = []
    for form in forms(application, stage):
        old, new = (Written(side.get(form.key, {}), _own(form, side.unread)) for side in (before, after))
        found += merge(old, old, new, prefix=_prefix(form), derived=derived(form)).theirs
    return found


def typed_values(
    application: Application, stage: str, typed: Typed, *, choices: Choices, by: User, newest: Answers | None = None
) -> Values:
    """Return what was typed as the one who typed it has it: over what his page began with, nobody else's in it."""
    base = _base(application, stage, typed, by=by, newest=newest)
    return _typed(application, stage, _with_restored(application, stage, base, typed), typed.raw, choices)


def since(application: Application, stage: str, seen: int, until: int) -> Sequence[Answers]:
    """Return the revisions after ``seen`` and before ``until``, newest first."""
    statement = select(Answers).where(
        Answers.application_id == application.id,
        Answers.stage == stage,
        Answers.revision > seen,
        Answers.revision < until,
    )
    return db.session.scalars(statement.order_by(Answers.revision.desc())).all()


def standing_texts(
    unread: Mapping[str, Mapping[str, str]], before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, dict[str, str]]:
    """Return the texts that still stand for their fields: the row is there, and no other value was put there."""
    kept = {}
    for path, texts in unread.items():
        owner = path.rpartition("-")[0]
        has_row = not owner or row_at(after, owner) is not None
        if has_row and _at(before, path) == _at(after, path):
            kept[path] = dict(texts)
    return kept


def row_at(values: Mapping[str, Any], path: str) -> Mapping[str, Any] | None:
    """Return the entry at a row's ``path`` ("directors-e1") in a stage's values, or None."""
    found = _rows(values, path)
    if found is None:
        return None
    return next((row for row in found.get("entries", ()) if row["id"] == path.rpartition("-")[2]), None)


def derived(form: Form | DynamicForm) -> frozenset[Keys]:
    """Return the fields of a form that are computed from others."""
    fields: list[Field] = []
    if isinstance(form, DynamicForm):
        fields += form.keys
        for leaves in form.forms.values():
            for leaf in leaves.values():
                fields += leaf.fields
    else:
        fields += form.fields
    return frozenset(_derived(fields, ()))


def _derived(fields: Iterable[Field], above: Keys) -> Iterable[Keys]:
    for asked in fields:
        if asked.type == "computed":
            yield (*above, asked.key)
        yield from _derived(asked.fields or (), (*above, asked.key))


def _values_of(row: Answers | None) -> Values:
    return Values(row.values, row.unread) if row is not None else Values({})


def _base(application: Application, stage: str, typed: Typed, *, by: User, newest: Answers | None) -> Values:
    """Return what the page began with: the revision it showed, and what it has itself sent since."""
    if newest is not None and newest.revision == typed.seen:
        return _values_of(newest)
    base = _values_of(revision(application, stage, typed.seen))
    for row in marked(application, stage, typed.unsure, by):
        if row.revision > typed.seen:
            before = _values_of(revision(application, stage, row.revision - 1))
            base = _repeated(application, stage, before, _values_of(row), base)
    return base


def _repeated(application: Application, stage: str, before: Values, after: Values, base: Values) -> Values:
    """Return ``base`` with what led from ``before`` to ``after``."""
    values = Values(base, base.unread)
    for form in forms(application, stage):
        sides = [Written(side.get(form.key, {}), _own(form, side.unread)) for side in (before, after, base)]
        together = merge(*sides, prefix=_prefix(form), derived=derived(form))
        values[form.key] = together.values
        for path in sides[2].unread:
            values.unread.pop(path, None)
        values.unread.update(together.unread)
    return values


def _typed(
    application: Application, stage: str, start: Values, raw: Mapping[str, Sequence[str]], choices: Choices
) -> Values:
    """Read what was typed into what the page began with; what cannot be read stands beside it as a text."""
    mine = Values(start)
    unread: set[str] = set()
    for form in forms(application, stage):
        parsed = parse(form, raw, start.get(form.key, {}), choices)
        mine[form.key] = parsed.values
        unread |= parsed.unread
    came = fields_in(raw)
    mine.unread = {path: texts for path, texts in start.unread.items() if path not in came}
    for name, texts in raw.items():
        path = name if name in unread else name.rpartition("-")[0]
        if path in unread:
            mine.unread.setdefault(path, {})[name] = first_text(texts)
    return mine


def _with_restored(application: Application, stage: str, base: Values, typed: Typed) -> Values:
    """Return what the page began with, and the rows that are to stand again."""
    start = Values(base, base.unread)
    for path, number in typed.restored.items():
        row = row_at(_values_of(revision(application, stage, number)), path)
        rows = _rows(start, path)
        if row is None or rows is None or row_at(start, path) is not None:
            continue
        counted = max(int(rows.get("last", 0)), whole_number(str(row["id"])[1:]) or 0)
        _put_rows(start, path, {**rows, "entries": [*rows.get("entries", ()), row], "last": counted})
    return start


def _place(values: Mapping[str, Any], path: str) -> tuple[str, str]:
    """Return the form that a path belongs to, and the path within the form's values."""
    first, _, rest = path.partition("-")
    if "entries" in values.get(first, {}):
        return first, rest
    return next((key for key, answers in values.items() if first in answers and "entries" not in answers), ""), path


def _at(values: Mapping[str, Any], path: str) -> Any:
    """Return what stands at a field's path."""
    form, inner = _place(values, path)
    return value_at(values[form], inner) if form else None


def _rows(values: Mapping[str, Any], path: str) -> Mapping[str, Any] | None:
    """Return the list that a row's path belongs to."""
    form, inner = _place(values, path)
    if not form:
        return None
    owner = inner.rpartition("-")[0]
    found = value_at(values[form], owner) if owner else values[form]
    return found if isinstance(found, Mapping) and "entries" in found else None


def _put_rows(values: Values, path: str, rows: Mapping[str, Any]) -> None:
    form, inner = _place(values, path)
    owner = inner.rpartition("-")[0]
    values[form] = put(values[form], owner, rows) if owner else dict(rows)


def _prefix(form: Form | DynamicForm) -> str:
    return f"{form.key}-" if isinstance(form, DynamicForm) else ""


def _own(form: Form | DynamicForm, unread: Mapping[str, Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
    """Return the texts of one form's fields."""
    if isinstance(form, DynamicForm):
        return {path: texts for path, texts in unread.items() if path.startswith(f"{form.key}-")}
    keys = {item.key for item in form.fields}
    return {path: texts for path, texts in unread.items() if path.partition("-")[0] in keys}


def _placed(form: Form | DynamicForm, values: Mapping[str, Any]) -> dict[str, Any]:
    """Park what an entry's form does not ask for: an answer may have come while another changed the criteria."""
    if not isinstance(form, DynamicForm):
        return dict(values)
    entries = []
    for entry in form.entries(values):
        try:
            asked = {item.key for item in form.form_of(entry).fields}
        except Invalid:
            entries.append(entry)
            continue
        astray = {key: value for key, value in entry["values"].items() if key not in asked}
        if astray:
            inside = {key: value for key, value in entry["values"].items() if key in asked}
            entry = {**entry, "values": inside, "parked": {**astray, **entry.get("parked", {})}}
        entries.append(entry)
    return {**values, "entries": entries}
