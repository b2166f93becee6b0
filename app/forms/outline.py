"""What is asked now: the visible fields of a form with their paths and values, in the order of the page.

Whatever shows, prints, compares, comments or judges answers goes through ``outline``, so that all of
them see the same questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from app.errors import Problem, Said
from app.forms.logic import Sheet, operand
from app.forms.parts import Field, Section, joined
from app.terms import LANGUAGES

if TYPE_CHECKING:
    from app.forms.simple import Form

SAME = "field.err.not_unique"
"""The problem of an entry that says again what one before it says."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A visible field: its path with all that stands before its key ("directors-e1-name"), its value or None."""

    field: Field
    path: str
    value: Any
    required: bool

    @property
    def prefix(self) -> str:
        """What stands before the field's key in its path, with the hyphen."""
        return self.path.removesuffix(self.field.key)


@dataclass(frozen=True, slots=True)
class Rows:
    """A visible group with its entries, in their order; ``required``: at least one must be there."""

    field: Field
    path: str
    rows: tuple[Row, ...]
    required: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a group; its ``path`` is "directors-e1"."""

    id: str
    path: str
    items: tuple[Asked | Rows, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A section with what is asked in it."""

    section: Section
    items: tuple[Asked | Rows, ...]


def outline(
    form: Form, values: Mapping[str, Any], prefix: str = "", around: Mapping[str, Any] | None = None
) -> tuple[Part, ...]:
    """Return what ``form`` asks of one who has answered ``values``; a section that asks nothing is left out.

    ``around`` are the free keys and criteria of the entry that the form stands in.
    """
    return outline_sheet(form, form.plan.sheet(values, around), joined(prefix))


def outline_sheet(form: Form, sheet: Sheet, start: str = "") -> tuple[Part, ...]:
    """Return the outline of answers that are laid out already; ``start`` stands before the keys, with its hyphen."""
    parts = (Part(section, _asked_of(section.fields, sheet, start)) for section in form.sections)
    return tuple(part for part in parts if part.items)


def _asked_of(fields: Iterable[Field], sheet: Sheet, start: str) -> tuple[Asked | Rows, ...]:
    items: list[Asked | Rows] = []
    plan = sheet.plan.items
    for asked in fields:
        item = plan[asked.key]
        if not sheet.asks(item):
            continue
        path = f"{start}{asked.key}"
        if asked.fields is None:
            items.append(Asked(asked, path, sheet.value(item), sheet.requires(item)))
        else:
            required = sheet.requires(item) or asked.min_entries > 0
            items.append(Rows(asked, path, _rows(asked, sheet.entries(item), sheet.values, path), required))
    return tuple(items)


def _rows(group: Field, sheets: Sequence[Sheet], values: Mapping[str, Any], path: str) -> tuple[Row, ...]:
    if not sheets:
        return ()
    rows = []
    for entry, sheet in zip(values[group.key]["entries"], sheets, strict=True):
        own = f"{path}-{entry['id']}"
        rows.append(Row(entry["id"], own, _asked_of(group.fields or (), sheet, f"{own}-")))
    return tuple(rows)


def leaves(parts: Iterable[Part]) -> Iterator[Asked]:
    """Yield every visible field, those of groups' entries in their place."""
    for part in parts:
        yield from leaves_of(part.items)


def leaves_of(items: Iterable[Asked | Rows]) -> Iterator[Asked]:
    """Yield every visible field of ``items``."""
    for item in items:
        if isinstance(item, Asked):
            yield item
        else:
            for row in item.rows:
                yield from leaves_of(row.items)


def typed_texts(parts: Iterable[Part]) -> dict[str, str]:
    """Return input name -> what stands in its box; read again, this gives the same values.  Files are no texts."""
    return {
        f"{asked.path}-{part}" if part else asked.path: asked.field.entry(asked.value, part)
        for asked in leaves(parts)
        if asked.field.kind.typed
        for part in asked.field.parts or ("",)
    }


def judge(items: Iterable[Asked | Rows], missing: str) -> Iterator[Problem]:
    """Yield what is wrong with the answers; a required one that is empty is told with the sentence ``missing``."""
    for item in items:
        if isinstance(item, Asked):
            yield from item.field.problems(item.value, item.path, required=item.required, missing=missing)
            continue
        yield from _judge_number(item, missing)
        yield from _judge_totals(item)
        yield from _judge_unique(item)
        for row in item.rows:
            yield from judge(row.items, missing)


def judge_demands(sheet: Sheet, start: str = "") -> Iterator[Problem]:
    """Yield the checks across fields that do not hold; one whose fields are empty or hidden is not judged."""
    plan = sheet.plan
    if not plan.has_demands:
        return
    for demand in plan.demands:
        if sheet.asks(plan.items[demand.check.at]) and sheet.holds(demand.that) is False:
            said: dict[str, object] = {"message": Said(demand.check.message.model_dump())}
            yield Problem(f"{start}{demand.check.at}", "field.err.check", said)
    for key, item in plan.items.items():
        if item.rows is not None and item.rows.has_demands:
            rows = sheet.rows(key)
            entries = sheet.values[key]["entries"] if rows else ()
            for entry, row in zip(entries, rows, strict=True):
                yield from judge_demands(row, f"{start}{key}-{entry['id']}-")


def _judge_number(group: Rows, missing: str) -> Iterator[Problem]:
    field, number = group.field, len(group.rows)
    said = Said(field.label.model_dump())
    least = max(field.min_entries, 1 if group.required else 0)
    if number == 0 and least == 1:
        yield Problem(group.path, missing, {"field": said})
    elif number < least:
        yield Problem(group.path, "field.err.rows_min", {"field": said, "least": least, "stand": number})
    elif number > field.max_entries:
        yield Problem(group.path, "field.err.rows_max", {"field": said, "most": field.max_entries, "stand": number})


def _judge_unique(group: Rows) -> Iterator[Problem]:
    """Yield each entry that says again what an entry before it says, where no two may (``unique``)."""
    for demand in group.field.told_apart:
        seen: dict[tuple[Any, ...], int] = {}
        for number, row in enumerate(group.rows, start=1):
            cells = {item.field.key: item for item in row.items if isinstance(item, Asked)}
            found = [(cells[name], part) for name, part in demand if name in cells]
            said = tuple(_compared(cell, part) for cell, part in found)
            if len(said) < len(demand) or None in said:
                continue
            first = seen.setdefault(said, number)
            if first == number:
                continue
            cell, part = found[0]
            words = {tongue: ", ".join(_told(*each, tongue) for each in found) for tongue in LANGUAGES}
            path = f"{cell.path}-{part}" if part else cell.path
            yield Problem(path, SAME, {"said": Said(words), "first": first})


def _compared(cell: Asked, part: str) -> Any:
    """Return what makes an answer the same as another: capitals and blanks do not; None for no answer."""
    value = cell.value
    if part:
        value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, str) and value:
        return " ".join(value.split()).casefold()
    if isinstance(value, Mapping) and value:
        return tuple(sorted((key, str(held)) for key, held in value.items()))
    return value if isinstance(value, bool) else None


def _told(cell: Asked, part: str, language: str) -> str:
    return (
        cell.field.subfields[part].text(cell.value[part], language) if part else cell.field.text(cell.value, language)
    )


def _judge_totals(group: Rows) -> Iterator[Problem]:
    """Yield the shares of a whole (``percent_of_total``) that come to more than it, or not to all of it."""
    for asked in group.field.fields or ():
        if asked.type != "percent_of_total":
            continue
        cells = [cell for row in group.rows for cell in row.items if isinstance(cell, Asked) and cell.field is asked]
        shares = [share for cell in cells if (share := operand(cell.value, asked)) is not None]
        total = sum(shares, Decimal(0))
        if total > 100 or (asked.total == "exact" and len(shares) == len(cells) > 0 and total != 100):
            said: dict[str, object] = {
                "field": Said(asked.label.model_dump()),
                "sum": asked.kind.text(f"{total:f}", asked, "en"),
            }
            key = "field.err.total_exact" if asked.total == "exact" else "field.err.total_at_most"
            yield Problem(group.path, key, said)
