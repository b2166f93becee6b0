"""Carries answers from the questions they were given to into others: another version, other criteria.

Nothing is lost.  What the new questions do not ask for, or could not show, is *parked*: kept beside the
answers under ``PARKED``, and given back when a question asks for it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.forms.fields import FieldError
from app.forms.outline import Part, leaves
from app.forms.parts import Field, is_empty
from app.forms.paths import PARKED

Values = dict[str, Any]


@dataclass(frozen=True)
class Piece:
    """An answer that was carried: its path in the page, its value, and the question as far as one is known.

    ``reason`` says why it is parked, or why an entry has no place: removed, type, option, currency, parts,
    unit, computed, form; its sentence is the term ``carry.<reason>``.
    """

    path: str
    value: Any
    asked: Field | None = None
    reason: str = ""

    def text(self, language: str) -> str:
        """Return the answer in words."""
        if self.asked is not None and not self.asked.kind.faults(self.value, self.asked):
            return self.asked.text(self.value, language)
        return words_of(self.value)


@dataclass(frozen=True)
class Carried:
    """Answers in their new place, and what became of each.

    ``kept`` stay where they are asked, ``parked`` are no longer asked, ``restored`` were parked before and
    are asked again, ``unplaced`` are entries for which there is no form; ``required`` are the paths of
    questions that must be answered now and need not before.
    """

    values: Values
    kept: tuple[Piece, ...] = ()
    parked: tuple[Piece, ...] = ()
    restored: tuple[Piece, ...] = ()
    unplaced: tuple[Piece, ...] = ()
    required: tuple[str, ...] = ()

    @property
    def is_harmless(self) -> bool:
        """Whether everything typed stays where it is, and nothing more is demanded."""
        return not (self.parked or self.unplaced or self.required)


@dataclass
class Account:
    """What became of each answer, gathered while they are carried."""

    kept: list[Piece] = field(default_factory=list)
    parked: list[Piece] = field(default_factory=list)
    restored: list[Piece] = field(default_factory=list)

    def carried(self, values: Values, **more: Any) -> Carried:
        """Return the account beside the values that came of it."""
        return Carried(values, tuple(self.kept), tuple(self.parked), tuple(self.restored), **more)


def words_of(value: Any) -> str:
    """Return the texts that stand in a value whose question is not known."""
    if isinstance(value, Mapping):
        if "entries" in value:
            return "; ".join(filter(None, (words_of(entry.get("values", {})) for entry in value["entries"])))
        if "sha256" in value:
            return str(value.get("name", ""))
        return ", ".join(filter(None, map(words_of, value.values())))
    if isinstance(value, list):
        return ", ".join(filter(None, map(words_of, value)))
    return "" if value is None else str(value)


def carry_values(
    old: Sequence[Field],
    new: Sequence[Field],
    values: Mapping[str, Any],
    parked: Mapping[str, Any],
    account: Account,
    start: str = "",
) -> tuple[Values, Values]:
    """Return the values for the questions ``new`` and what is parked, of answers to ``old`` and what was parked.

    ``start`` stands before the keys in the account's paths.  Keys of the parked are those of the fields,
    of a second value for the same field with a number ("kind~2").
    """
    before = {asked.key: asked for asked in old}
    computed = {asked.key for asked in before.values() if asked.type == "computed"}
    computed -= {asked.key for asked in new if asked.type == "computed"}  # nobody typed them
    standing = {key: value for key, value in values.items() if key != PARKED and key not in computed}
    resting = dict(parked)
    kept: Values = {}
    for asked in new:
        path = f"{start}{asked.key}"
        value = standing.pop(asked.key, None)
        if not is_empty(value):
            stays, rest, reason = _fitted(before.get(asked.key), asked, value, account, path)
            if stays is not None:
                kept[asked.key] = stays
                if asked.fields is None and asked.type != "computed":  # that nobody answered; it is reckoned anew
                    account.kept.append(Piece(path, stays, asked))
            if rest is not None:
                _park(resting, asked.key, rest)
                account.parked.append(Piece(path, rest, before.get(asked.key), reason))
        elif value is not None:
            kept[asked.key] = value  # an empty group: the number of its last entry stays
        _restore(asked, kept, resting, account, path)
    for key, value in standing.items():
        if not is_empty(value):
            _park(resting, key, value)
            account.parked.append(Piece(f"{start}{key}", value, before.get(key), "removed"))
    return kept, resting


def _fitted(
    before: Field | None, asked: Field, value: Any, account: Account, path: str
) -> tuple[Any | None, Any | None, str]:
    """Return what of ``value`` the question can hold, what must be parked, and why."""
    if asked.fields is not None:
        if (before is not None and before.fields is None) or not isinstance(value, Mapping) or "entries" not in value:
            return None, value, "type"
        return _carried_group(before, asked, value, account, path), None, ""
    if asked.type == "computed":
        same = before is not None and before.type == "computed"
        return (value, None, "") if same else (None, value, "computed")
    if not asked.kind.is_answered:
        return None, value, "removed"
    reason = misfit(asked, value)
    if not reason:
        return value, None, ""
    part = _shown_part(asked, value) if reason == "parts" else None
    return part, value, reason


def _carried_group(before: Field | None, asked: Field, value: Mapping[str, Any], account: Account, path: str) -> Values:
    entries = []
    for entry in value["entries"]:
        inner, rest = carry_values(
            (before.fields if before else None) or (),
            asked.fields or (),
            entry["values"],
            entry["values"].get(PARKED, {}),
            account,
            f"{path}-{entry['id']}-",
        )
        entries.append({**entry, "values": with_parked(inner, rest)})
    return {**value, "entries": entries}


def misfit(asked: Field, value: Any) -> str:
    """Return why a question cannot hold a value, empty when it can.

    What a question can hold is what stands in its box and, typed again, is the value again; a value
    that is out of its limits may stand there, to be refused and mended.
    """
    if asked.type == "file":
        return "" if isinstance(value, list) and all(isinstance(file, Mapping) for file in value) else "type"
    if asked.type == "choice":
        is_option = isinstance(value, str) and (asked.options is None or value in asked.options)
        return "" if is_option else "option" if isinstance(value, str) else "type"
    if asked.parts:
        if not isinstance(value, Mapping) or not all(isinstance(part, str) for part in value.values()):
            return "type"
        if not value.keys() & set(asked.parts):
            return "type"
        if not value.keys() <= set(asked.parts):
            return "parts"
        return _misfit_of_parts(asked, value)
    return "" if _typed_again(asked, value) else _why_not(asked, value)


def _misfit_of_parts(asked: Field, value: Mapping[str, str]) -> str:
    for name, part in value.items():
        inner = asked.subfields.get(name)
        if inner is not None and misfit(inner, part):
            return "unit" if name == "unit" else "option" if inner.type == "choice" else "type"
    return ""


def _typed_again(asked: Field, value: Any) -> bool:
    try:
        typed = asked.entry(value)
    except (LookupError, TypeError, ValueError, AttributeError):
        return False
    try:
        return bool(asked.kind.parse(typed, asked) == value)
    except FieldError:
        # It stands in the box as it was typed, and is told: too long, too many decimals.
        return isinstance(value, str) and asked.kind.sort in ("text", "number") and _is_of_sort(asked, value)


def _is_of_sort(asked: Field, value: str) -> bool:
    if asked.kind.sort == "text":
        return True
    try:
        return asked.kind.operand(value, asked) is not None
    except (ArithmeticError, ValueError):
        return False


def _why_not(asked: Field, value: Any) -> str:
    is_money = isinstance(value, Mapping) and "currency" in value
    return "currency" if is_money and asked.type == "money" else "type"


def _shown_part(asked: Field, value: Mapping[str, str]) -> Any:
    """Return the parts of a value that are still asked for; the whole is parked beside them."""
    part = {name: words for name, words in value.items() if name in asked.parts}
    return part if part and not misfit(asked, part) else None


def _park(resting: Values, key: str, value: Any) -> None:
    """Put a value to rest without covering another that rests under the same key."""
    number, name = 1, key
    while name in resting and resting[name] != value:
        number += 1
        name = f"{key}~{number}"
    resting[name] = value


def _restore(asked: Field, kept: Values, resting: Values, account: Account, path: str) -> None:
    """Give a question the newest of its parked answers that it can hold, if it has none or only some of its parts."""
    present = kept.get(asked.key)
    if asked.type == "computed" or not asked.kind.is_answered or not (is_empty(present) or asked.parts):
        return
    names = sorted((name for name in resting if name.partition("~")[0] == asked.key), key=_age, reverse=True)
    for name in names:
        value = resting[name]
        if asked.fields is not None:
            if not isinstance(value, Mapping) or "entries" not in value:
                continue
            inner = Account()
            group = _carried_group(None, asked, value, inner, path)
            last = max(int(value.get("last", 0)), int((kept.get(asked.key) or {}).get("last", 0)))
            kept[asked.key] = {**group, "last": last}
            account.restored += [*inner.kept, *inner.restored]
            account.parked += inner.parked
        elif misfit(asked, value) or not (is_empty(present) or _is_more(value, present)):
            continue
        else:
            kept[asked.key] = value
            account.restored.append(Piece(path, value, asked))
        del resting[name]
        return


def _is_more(value: Any, part: Any) -> bool:
    return value != part and bool(part.items() <= value.items())


def _age(name: str) -> int:
    return int(name.partition("~")[2] or 1)


def with_parked(values: Mapping[str, Any], parked: Mapping[str, Any]) -> Values:
    """Return values with what is parked beside them."""
    kept = {key: value for key, value in values.items() if key != PARKED}
    return {**kept, PARKED: dict(parked)} if parked else kept


def newly_required(before: Iterable[Part], after: Iterable[Part]) -> tuple[str, ...]:
    """Return the paths of questions that are empty and demanded now, and were not demanded before."""
    demanded = {asked.path for asked in _demanded(before)}
    return tuple(asked.path for asked in _demanded(after) if asked.path not in demanded)


def _demanded(parts: Iterable[Part]) -> Iterator[Any]:
    return (asked for asked in leaves(parts) if asked.required and is_empty(asked.value))


def resting(
    values: Mapping[str, Any], fields: Iterable[Field], start: str = "", known: Iterable[Field] = ()
) -> Iterator[Piece]:
    """Yield what is parked among ``values`` and the entries of their groups; ``known`` are questions it may answer."""
    yield from pieces(values.get(PARKED, {}), start, known)
    for asked in fields:
        for entry in (values.get(asked.key) or {}).get("entries", ()) if asked.fields else ():
            yield from resting(entry["values"], asked.fields or (), f"{start}{asked.key}-{entry['id']}-")


def pieces(parked: Mapping[str, Any], start: str = "", known: Iterable[Field] = ()) -> Iterator[Piece]:
    """Yield parked answers, each with a question of its key that can hold it, if one is known."""
    questions = list(known)
    for name, value in parked.items():
        key = name.partition("~")[0]
        asked = next(
            (each for each in questions if each.key == key and not each.fields and not misfit(each, value)), None
        )
        yield Piece(f"{start}{key}", value, asked)
