"""Versions of a form: what a new one changes, whether that touches answers, and how a draft moves to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from app.forms.carrying import Account, Carried, Piece, carry_values, newly_required, with_parked
from app.forms.dynamic import DynamicForm
from app.forms.parts import Field
from app.forms.paths import PARKED
from app.forms.simple import Form

AnyForm = Form | DynamicForm


@dataclass(frozen=True)
class Difference:
    """One change between two versions of a form.

    ``place`` is the field's path without entries ("directors.name"), for a form inside a dynamic one
    with its chain before ("main/shares/premium: free_float"); ``kind`` is of the table ``EFFECTS``;
    ``old`` and ``new`` are what stood there, as texts.
    """

    place: str
    kind: str
    old: str = ""
    new: str = ""

    @property
    def is_safe(self) -> bool:
        """Whether no draft can notice it: nothing is lost, refused or demanded that was not before."""
        return EFFECTS[self.kind]

    def __str__(self) -> str:
        change = f" ({self.old or 'nothing'} → {self.new or 'nothing'})" if self.old or self.new else ""
        return f"{self.place}: {self.kind.replace('_', ' ')}{change}: {'safe' if self.is_safe else 'affects data'}"


EFFECTS = {
    "field_added": True,
    "required_field_added": False,
    "field_removed": False,
    "type_changed": False,
    "required_now": False,
    "required_no_more": True,
    "required_if_changed": False,
    "shown_otherwise": False,
    "computed_otherwise": False,
    "options_added": True,
    "options_removed": False,
    "languages_changed": False,
    "currency_changed": False,
    "parts_added": True,
    "parts_removed": False,
    "units_added": True,
    "units_removed": False,
    "kinds_of_files_added": True,
    "kinds_of_files_removed": False,
    "limit_wider": True,
    "limit_stricter": False,
    "entries_wider": True,
    "entries_stricter": False,
    "unique_added": False,
    "unique_removed": True,
    "check_added": False,
    "check_removed": True,
    "moved": True,
    "words_changed": True,
    "path_added": True,
    "path_removed": False,
    "form_added": True,
    "form_removed": False,
    "kind_of_form_changed": False,
}
"""Kind of a change -> whether it is safe."""


def differences(old: AnyForm, new: AnyForm) -> list[Difference]:
    """Return what a new version of a form changes, in the order of its page."""
    if isinstance(old, Form) and isinstance(new, Form):
        return list(_of_forms(old, new, ""))
    if isinstance(old, DynamicForm) and isinstance(new, DynamicForm):
        return list(_of_dynamic_forms(old, new))
    return [Difference(new.key, "kind_of_form_changed")]


def is_safe(found: Iterable[Difference]) -> bool:
    """Tell whether no draft can notice any of the changes."""
    return all(each.is_safe for each in found)


def _of_dynamic_forms(old: DynamicForm, new: DynamicForm) -> Iterator[Difference]:
    yield from _words(old, new, "", ("title", "note", "add_label", "entry_label"))
    yield from _limits("", ("entries_wider", "entries_stricter"), old.min_entries, new.min_entries, is_least=True)
    yield from _of_fields(old.keys, new.keys, "")
    before, after = _chains(old), _chains(new)
    for chain in sorted(before | after):
        place = "/".join(chain)
        was, now = old.form_at(chain) if chain in before else None, new.form_at(chain) if chain in after else None
        if was is None and now is None:
            if chain not in after:
                yield Difference(place, "path_removed")
            elif chain not in before:
                yield Difference(place, "path_added")
        elif was is None or now is None:
            yield Difference(place, "form_removed" if now is None else "form_added")
        else:
            yield from _of_forms(was, now, f"{place}: ")


def _chains(form: DynamicForm) -> set[tuple[str, ...]]:
    """Return every path that the lists lead to."""
    found: set[tuple[str, ...]] = set()
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        chain = waiting.pop()
        level = form.offered(chain)
        for option in level.options if level else ():
            found.add((*chain, option))
            waiting.append((*chain, option))
    return found


def _of_forms(old: Form, new: Form, start: str) -> Iterator[Difference]:
    yield from _words(old, new, start.removesuffix(": ") or new.key, ("title", "note"))
    yield from _of_fields(old.fields, new.fields, start)
    sections = {asked.key: section for section in old.sections for asked in section.fields}
    for section in new.sections:
        for asked in section.fields:
            was = sections.get(asked.key)
            if was is not None and was.show_if != section.show_if:
                yield Difference(f"{start}{asked.key}", "shown_otherwise", was.show_if or "", section.show_if or "")
            elif was is not None and was.key != section.key:
                yield Difference(f"{start}{asked.key}", "moved", was.key, section.key)
    yield from _of_checks(old.checks, new.checks, start)


def _of_fields(old: Sequence[Field], new: Sequence[Field], start: str) -> Iterator[Difference]:
    before, after = {asked.key: asked for asked in old}, {asked.key: asked for asked in new}
    for key, asked in before.items():
        if key not in after and asked.kind.is_answered:
            yield Difference(f"{start}{key}", "field_removed", old=asked.type)
    for key, asked in after.items():
        if key in before:
            yield from _of_field(before[key], asked, f"{start}{key}")
        elif asked.kind.is_answered:
            demanded = asked.required or asked.required_if or asked.min_entries
            yield Difference(f"{start}{key}", "required_field_added" if demanded else "field_added", new=asked.type)
    common = [key for key in before if key in after]
    if common != [key for key in after if key in before]:
        yield Difference(start.removesuffix(".") or "form", "moved")


WORDS_OF_FIELD = ("label", "hint", "norm", "clause", "example", "more_examples", "entry_label", "layout", "long")


def _of_field(old: Field, new: Field, place: str) -> Iterator[Difference]:
    yield from _words(old, new, place, WORDS_OF_FIELD)
    if old.type != new.type:
        yield Difference(place, "type_changed", old.type, new.type)
        return
    if old.required != new.required:
        yield Difference(place, "required_now" if new.required else "required_no_more")
    if old.required_if != new.required_if:
        yield Difference(place, "required_if_changed", old.required_if or "", new.required_if or "")
    if old.show_if != new.show_if:
        yield Difference(place, "shown_otherwise", old.show_if or "", new.show_if or "")
    if (old.value, old.as_) != (new.value, new.as_):
        yield Difference(place, "computed_otherwise", old.value or "", new.value or "")
    if old.source != new.source:
        yield Difference(place, "options_removed", old.source or "", new.source or "")
    yield from _sets(place, "options", old.options or (), new.options or ())
    before, after = old.options or {}, new.options or {}
    if any(before[key] != after[key] for key in before if key in after):
        yield Difference(place, "words_changed", new="options")
    yield from _sets(place, "kinds_of_files", old.accept, new.accept)
    if old.input == "composite":
        yield from _sets(place, "parts", old.parts, new.parts)
        if {name for name, asked in new.subfields.items() if asked.required} - set(old.parts):
            yield Difference(place, "required_now")
    units = ("days", "months", "years")
    yield from _sets(place, "units", old.units or units, new.units or units)
    if old.type == "multilingual" and set(old.parts) != set(new.parts):
        yield Difference(place, "languages_changed", ", ".join(old.parts), ", ".join(new.parts))
    if (old.currency or "KZT") != (new.currency or "KZT"):
        yield Difference(place, "currency_changed", old.currency or "KZT", new.currency or "KZT")
    yield from _limits_of_field(old, new, place)
    if old.fields is not None and new.fields is not None:
        yield from _of_fields(old.fields, new.fields, f"{place}.")
        yield from _of_checks(old.checks, new.checks, f"{place}.")


def _limits_of_field(old: Field, new: Field, place: str) -> Iterator[Difference]:
    kinds = ("limit_wider", "limit_stricter")
    yield from _limits(place, kinds, _ordered(old, old.min), _ordered(new, new.min), is_least=True)
    yield from _limits(place, kinds, _ordered(old, old.max), _ordered(new, new.max))
    if old.kind.typed:
        yield from _limits(place, kinds, old.most, new.most)
    yield from _limits(place, kinds, old.decimals, new.decimals)
    if old.type == "file":
        yield from _limits(place, kinds, old.max_files, new.max_files)
        yield from _limits(place, kinds, old.max_size_mb, new.max_size_mb)
    if old.total != new.total:
        yield Difference(place, "limit_stricter" if new.total == "exact" else "limit_wider", old.total, new.total)
    entries = ("entries_wider", "entries_stricter")
    yield from _limits(place, entries, old.min_entries, new.min_entries, is_least=True)
    yield from _limits(place, entries, old.max_entries, new.max_entries)
    yield from _sets(place, "unique", old.unique, new.unique)


def _ordered(asked: Field, limit: str | None) -> Any:
    """Return a limit so that it can be compared: numbers as such, days as they are written."""
    return None if limit is None else limit if asked.kind.sort == "date" else Decimal(limit)


def _limits(place: str, kinds: tuple[str, str], old: Any, new: Any, *, is_least: bool = False) -> Iterator[Difference]:
    """Yield whether a limit became wider or stricter; without one anything goes."""
    if old == new:
        return
    wider, stricter = kinds
    is_stricter = new is not None and (old is None or (new > old if is_least else new < old))
    words = ["" if limit is None else str(limit) for limit in (old, new)]
    yield Difference(place, stricter if is_stricter else wider, *words)


def _sets(place: str, what: str, old: Iterable[str], new: Iterable[str]) -> Iterator[Difference]:
    before, after = list(old), list(new)
    added, removed = [each for each in after if each not in before], [each for each in before if each not in after]
    if removed:
        yield Difference(place, f"{what}_removed", old=", ".join(removed))
    if added:
        yield Difference(place, f"{what}_added", new=", ".join(added))


def _of_checks(old: Sequence[Any], new: Sequence[Any], start: str) -> Iterator[Difference]:
    before, after = {check.that: check for check in old}, {check.that: check for check in new}
    for that, check in before.items():
        if that not in after:
            yield Difference(f"{start}{check.at}", "check_removed", old=that)
        elif check.at != after[that].at or check.message != after[that].message:
            yield Difference(f"{start}{check.at}", "words_changed", old=that)
    for that, check in after.items():
        if that not in before:
            yield Difference(f"{start}{check.at}", "check_added", new=that)


def _words(old: Any, new: Any, place: str, names: Sequence[str]) -> Iterator[Difference]:
    changed = [name for name in names if getattr(old, name) != getattr(new, name)]
    if changed:
        yield Difference(place or new.key, "words_changed", new=", ".join(changed))


def carry(old: AnyForm, new: AnyForm, values: Mapping[str, Any]) -> Carried:
    """Return how a draft of ``old`` moves to ``new``: nothing is lost, what is no longer asked is parked.

    Entries of a dynamic form move to the newest form of their path; those whose path leads to none
    any more stay as they are and are told as unplaced.
    """
    if isinstance(old, Form) and isinstance(new, Form):
        account = Account()
        answers, rest = carry_values(old.fields, new.fields, values, values.get(PARKED, {}), account)
        moved = with_parked(new.settled(answers), rest)
        return account.carried(moved, required=newly_required(old.outline(values), new.outline(moved)))
    if isinstance(old, DynamicForm) and isinstance(new, DynamicForm):
        return _carry_entries(old, new, values)
    return Carried(dict(values), unplaced=(Piece(new.key, dict(values), None, "form"),))


def _carry_entries(old: DynamicForm, new: DynamicForm, values: Mapping[str, Any]) -> Carried:
    found = Carried({**values})
    entries = []
    known = _chains(new)
    for entry in old.entries(values):
        path = tuple(entry.get("path", ()))
        form = new.form_at(path) if path in known else None
        if form is None:
            entries.append(entry)
            found = replace(found, unplaced=(*found.unplaced, Piece(new.entry_path(entry), entry, None, "form")))
            continue
        carried = new.carried_entry(entry, old, path, form)
        entries.append(carried.values)
        found = Carried(
            found.values,
            (*found.kept, *carried.kept),
            (*found.parked, *carried.parked),
            (*found.restored, *carried.restored),
            found.unplaced,
            (*found.required, *carried.required),
        )
    return replace(found, values={**values, "entries": entries})
