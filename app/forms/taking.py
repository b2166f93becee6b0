"""What answers given elsewhere may fill a form: offered field by field, taken only where chosen.

The old answers may belong to another version of the form.  Where the field means the same it is offered
as it is; where its words have changed it is offered, and not chosen beforehand; what has no place in the
form of today is told.  A row of a group and an entry of a dynamic form are offered whole, and are added
to those that stand there.  Files and chosen people are never taken over.  Source: IS2IN-9.6.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.definition_files import Words
from app.errors import Invalid
from app.forms.compare import compare
from app.forms.definitions import DynamicForm, Form
from app.forms.outline import Asked, Row, Rows
from app.forms.parts import Field, is_empty
from app.forms.values import FieldError

Values = dict[str, Any]

_NEVER = frozenset({"computed", "note"})


@dataclass(frozen=True)
class Offer:
    """An old answer for a field, a row or an entry of today's form.

    ``path`` is the field's on the page; a row or an entry has the path that it had in the old answers.
    ``then`` is what would be taken, in today's shape; ``now`` what stands there.  ``reason`` is the key
    of the sentence why it is not chosen beforehand, empty when it is.
    """

    path: str
    label: Words
    asked: Field | None
    now: Any
    then: Any
    reason: str = ""
    title: str = ""
    """Of a row or an entry: what it says, in the language that was asked for."""
    before: Words | None = None
    """What the field was called where the answer was given, if it was called otherwise."""

    @property
    def is_chosen(self) -> bool:
        """Whether it is taken unless somebody decides otherwise."""
        return not self.reason


@dataclass(frozen=True)
class Left:
    """An old answer that is not taken over, in words, and the key of the sentence why."""

    path: str
    label: str
    text: str
    reason: str


@dataclass
class Offers:
    """All that old answers hold for one form; ``same`` counts the answers that stand there already."""

    offers: list[Offer] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    same: int = 0


def means_the_same(old: Field, new: Field, value: Any) -> bool:
    """Tell whether an answer to ``old`` says the same as an answer to ``new``: type, words, currency, option."""
    if (old.type, old.label, old.currency) != (new.type, new.label, new.currency):
        return False
    if new.options is not None and old.options is not None and isinstance(value, str):
        return old.options.get(value) == new.options.get(value)
    return True


def fitted(old: Field, new: Field, value: Any) -> Any:
    """Return ``value`` as ``new`` would keep it, None when it has no such value.

    A value of another type goes through what stands in the input box.
    """
    if old.type != new.type or old.parts != new.parts or old.currency != new.currency:
        if old.parts or new.parts or not new.kind.typed:
            return None
        try:
            value = new.kind.parse(old.entry(value), new)
        except FieldError:
            return None
    return None if is_empty(value) or new.problems(value) else value


@dataclass
class _Carrying:
    """Answers on their way into today's fields."""

    language: str
    left: list[Left] = field(default_factory=list)
    has_changed: bool = False

    def values(self, items: Iterable[Asked | Rows], fields: Iterable[Field]) -> Values:
        """Return the answers of one row or entry in today's shape; the rest goes to ``left``."""
        by_key = {new.key: new for new in fields}
        taken: Values = {}
        for item in items:
            new = by_key.get(item.field.key)
            if isinstance(item, Rows):
                if new is not None and new.fields is not None and item.rows:
                    entries = [{"id": row.id, "values": self.values(row.items, new.fields)} for row in item.rows]
                    taken[new.key] = {"entries": entries, "last": max(int(row.id[1:]) for row in item.rows)}
                else:
                    self.leave_rows(item, "reuse.gone")
                continue
            value = self.value(item, new)
            if value is not None and new is not None:
                taken[new.key] = value
                self.has_changed |= not means_the_same(item.field, new, value)
        return taken

    def value(self, item: Asked, new: Field | None) -> Any:
        """Return one answer as ``new`` keeps it; None, and told in ``left``, when it cannot."""
        if is_empty(item.value) or item.field.type in _NEVER:
            return None
        reason = ""
        if item.field.type == "file":
            reason = "reuse.file"
        elif new is None or new.type in _NEVER:
            reason = "reuse.gone"
        elif item.field.source or new.source:
            reason = "reuse.person"
        value = None if reason or new is None else fitted(item.field, new, item.value)
        if value is None:
            self.leave(item, reason or "reuse.unfit")
        return value

    def leave(self, item: Asked, reason: str) -> None:
        """Tell an answer that is not taken over."""
        label = item.field.label[self.language]
        self.left.append(Left(item.path, label, item.field.text(item.value, self.language), reason))

    def leave_rows(self, item: Rows, reason: str) -> None:
        """Tell the answers of a whole group."""
        for row in item.rows:
            self.left.append(Left(row.path, item.field.label[self.language], words_of(row, self.language), reason))


def words_of(row: Row, language: str, most: int = 6) -> str:
    """Return what a row says: its first answers."""
    return words_of_items(row.items, language, most)


def words_of_items(items: Sequence[Asked | Rows], language: str, most: int = 6) -> str:
    """Return what some answers say, the first ``most`` of them."""
    said = [
        item.field.text(item.value, language)
        for item in items
        if isinstance(item, Asked) and item.field.type not in _NEVER and not is_empty(item.value)
    ]
    return " · ".join(said[:most]) + (" …" if len(said) > most else "")


def of_form(old: Form, new: Form, then: Mapping[str, Any], now: Mapping[str, Any], language: str) -> Offers:
    """Return what the answers ``then`` of a form hold for ``new``, in which ``now`` stands."""
    found = Offers()
    by_key = {asked.key: asked for asked in new.fields}
    for part in old.outline(then):
        for item in part.items:
            asked = by_key.get(item.field.key)
            if isinstance(item, Rows):
                _offer_rows(item, asked, now, language, found)
                continue
            carrying = _Carrying(language)
            value = carrying.value(item, asked)
            found.left += carrying.left
            if value is None or asked is None:
                continue
            standing = now.get(asked.key)
            if standing == value:
                found.same += 1
                continue
            reason = ""
            if not means_the_same(item.field, asked, value):
                reason = "reuse.meaning"
            elif not is_empty(standing):
                reason = "reuse.filled"
            before = item.field.label if item.field.label != asked.label else None
            found.offers.append(Offer(asked.key, asked.label, asked, standing, value, reason, before=before))
    return found


def _offer_rows(item: Rows, asked: Field | None, now: Mapping[str, Any], language: str, found: Offers) -> None:
    carrying = _Carrying(language)
    if asked is None or asked.fields is None:
        carrying.leave_rows(item, "reuse.gone")
        found.left += carrying.left
        return
    standing = (now.get(asked.key) or {}).get("entries", ())
    for row in item.rows:
        carrying = _Carrying(language)
        values = carrying.values(row.items, asked.fields)
        found.left += carrying.left
        if not values:
            continue
        if any(_says_the_same(entry["values"], values) for entry in standing):
            found.same += 1
            continue
        reason = "reuse.meaning" if carrying.has_changed else "reuse.filled" if standing else ""
        words = words_of(row, language)
        found.offers.append(Offer(row.path, asked.label, asked, None, values, reason, words))


def _says_the_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return not compare({"": one}, {"": other})


def of_dynamic_form(
    old: DynamicForm, new: DynamicForm, then: Mapping[str, Any], now: Mapping[str, Any], language: str
) -> Offers:
    """Return the entries of ``then`` as they would be added to ``now``; see ``of_form``."""
    found = Offers()
    standing = new.entries(now)
    for entry, parts in old.outline(then):
        path = tuple(entry["path"])
        items = [item for part in parts for item in part.items]
        title = old.path_text(path, language)
        said = words_of_items(items, language)
        words = f"{title}: {said}" if said else title
        form = _form_at(new, path)
        own = f"{new.key}-{entry['id']}"
        if form is None:
            found.left.append(Left(own, new.title[language], words, "reuse.no_form"))
            continue
        carrying = _Carrying(language)
        values = carrying.values(items, (*new.keys, *form.fields))
        found.left += carrying.left
        free = {asked.key for asked in new.keys}
        keys = {key: value for key, value in values.items() if key in free}
        answers = {key: value for key, value in values.items() if key not in free}
        taken = {"path": list(path), "keys": keys, "form": form.name, "values": answers}
        alike = [each for each in standing if tuple(each["path"]) == path and each.get("keys", {}) == keys]
        if any(_says_the_same(each["values"], answers) for each in alike):
            found.same += 1
            continue
        if any(asked.problems(keys.get(asked.key)) for asked in new.keys):
            found.left.append(Left(own, new.title[language], words, "reuse.unfit"))
            continue
        reason = "reuse.meaning" if carrying.has_changed else "reuse.alike" if alike else ""
        found.offers.append(Offer(own, new.title, None, None, taken, reason, words))
    return found


def _form_at(form: DynamicForm, path: Sequence[str]) -> Form | None:
    try:
        form.require_path(path)
    except Invalid:
        return None
    return form.form_at(path)


def of_record(new: Form, record: Mapping[str, Any], now: Mapping[str, Any]) -> Offers:
    """Return what a record (field key -> canonical value) holds for ``new``; what does not fit is not of this form."""
    found = Offers()
    for asked in new.fields:
        value = record.get(asked.key)
        if is_empty(value) or not asked.kind.typed or asked.source or asked.problems(value):
            continue
        standing = now.get(asked.key)
        if standing == value:
            found.same += 1
            continue
        found.offers.append(
            Offer(asked.key, asked.label, asked, standing, value, "" if is_empty(standing) else "reuse.filled")
        )
    return found


def take(
    form: Form | DynamicForm, now: Mapping[str, Any], offers: Iterable[Offer], picked: Collection[str]
) -> tuple[Values, list[str]]:
    """Return the answers with the picked offers put in, and the paths that they have there.

    Rows and entries are added at the end with ids of their own.
    """
    values: Values = dict(now)
    paths = []
    for offer in offers:
        if offer.path not in picked:
            continue
        if isinstance(form, DynamicForm):
            values, entry_id = _added(values, offer.then)
            paths.append(f"{form.key}-{entry_id}")
        elif offer.asked is not None and offer.asked.fields is not None:
            group, entry_id = _added(values.get(offer.asked.key) or {}, {"values": offer.then})
            values[offer.asked.key] = group
            paths.append(f"{offer.asked.key}-{entry_id}")
        else:
            values[offer.path] = offer.then
            paths.append(offer.path)
    return form.settled(values), paths


def _added(held: Mapping[str, Any], entry: Mapping[str, Any]) -> tuple[Values, str]:
    number = int(held.get("last", 0)) + 1
    entry_id = f"e{number}"
    return {**held, "entries": [*held.get("entries", ()), {"id": entry_id, **entry}], "last": number}, entry_id
