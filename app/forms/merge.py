"""Puts together what two people did to the same answers, field by field.

``base`` is what both began with, ``mine`` what one made of it, ``theirs`` what stands now.  What
only one of them changed is taken; what both changed the same way is no matter; what they changed
differently is a ``Clash``: of that, ``theirs`` stays until a person has chosen, and nothing else waits.

A field is the unit: the halves of two bank accounts make no account.  Only the languages of a
multilingual answer are apart, since translators work side by side.  Rows and entries are known by
their ids, files by theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from app.terms import LANGUAGES

Keys = tuple[str, ...]
"""The keys that lead to a field, without the ids of rows: ``("directors", "total")``."""

Unread = Mapping[str, Mapping[str, str]]
"""Texts that are no values yet: field path -> name of the input -> text."""

_FILE = frozenset({"id", "name", "sha256"})
_PARKED = "~"
"""Stands in the paths of parked answers: nothing is typed there, and no key is written so."""


@dataclass(frozen=True)
class Written:
    """The answers of one form as one side has them: canonical values, and texts that are none yet."""

    values: Mapping[str, Any] = field(default_factory=dict)
    unread: Unread = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """What one side did.  ``path`` is a field's, a row's, or, for ``moved``, that of the whole list."""

    path: str
    kind: Literal["changed", "added", "removed", "moved"]


@dataclass(frozen=True)
class Clash:
    """What both sides changed, each in its way.

    ``field``: ``mine`` and ``theirs`` are the values, None where emptied.  ``removed_here``: I took
    the row out, they changed it; ``removed_there``: the other way round (both: the entry as each
    side has it, None where it is out).  ``criteria``: the path of options of an entry of a dynamic
    form.  ``order``: the ids of rows in each order.
    """

    path: str
    kind: Literal["field", "removed_here", "removed_there", "criteria", "order"]
    mine: Any
    theirs: Any


@dataclass(frozen=True)
class Merged:
    """Both sides together: ``mine`` and ``theirs`` tell what each has brought that the other had not."""

    values: dict[str, Any]
    unread: dict[str, dict[str, str]]
    mine: tuple[Change, ...]
    theirs: tuple[Change, ...]
    clashes: tuple[Clash, ...]


def merge(base: Written, mine: Written, theirs: Written, *, prefix: str = "", derived: Collection[Keys] = ()) -> Merged:
    """Merge the answers of one form.

    ``prefix`` stands before its paths ("extra_listing_requirements-", or nothing); ``derived`` are
    fields that are computed from others: they are never in dispute, and stand as ``theirs`` until
    the form computes them anew.
    """
    return _Merging(base, mine, theirs, frozenset(derived)).whole(prefix)


def numbered_after(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``mine`` with every list counting on from where ``theirs`` has come to.

    So a row added to it gets an id that nobody else has been given meanwhile.
    """
    counted: dict[str, Any] = {}
    for key, value in mine.items():
        other = theirs.get(key)
        is_list = _is_list(value) and isinstance(other, Mapping)
        counted[key] = numbered_after(value, other) if is_list and isinstance(other, Mapping) else value
    for key, other in theirs.items():
        if _is_list(other) and key not in counted:
            counted[key] = {"entries": [], "last": int(other.get("last", 0))}
    if _is_list(mine) or _is_list(theirs):
        counted["last"] = max(int(mine.get("last", 0)), int(theirs.get("last", 0)))
        others = _by_id(theirs)
        counted["entries"] = [
            {**row, "values": numbered_after(row.get("values") or {}, others[name].get("values") or {})}
            if (name := str(row.get("id"))) in others
            else row
            for row in mine.get("entries", ())
        ]
    return counted


class _Merging:
    """One merge: what it has found so far."""

    def __init__(self, base: Written, mine: Written, theirs: Written, derived: frozenset[Keys]) -> None:
        self.sides = (base, mine, theirs)
        self.derived = derived
        self.beside = [_by_place(side.unread) for side in self.sides]
        self.unread: dict[str, dict[str, str]] = {}
        self.mine: list[Change] = []
        self.theirs: list[Change] = []
        self.clashes: list[Clash] = []

    def whole(self, prefix: str) -> Merged:
        base, mine, theirs = (side.values for side in self.sides)
        if any(_is_list(values) for values in (base, mine, theirs)):
            values = self.rows(prefix.removesuffix("-"), (), base, mine, theirs)
        else:
            values = self.fields(prefix, (), base, mine, theirs)
        return Merged(values, self.unread, tuple(self.mine), tuple(self.theirs), tuple(self.clashes))

    # Fields

    def fields(
        self, prefix: str, keys: Keys, base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Merge the fields of a form or of one row, in the order they stand there now."""
        beside = [texts.get(prefix, {}) for texts in self.beside]
        names = dict.fromkeys((*theirs, *mine, *base, *(name for texts in beside for name in texts)))
        values: dict[str, Any] = {}
        for name in names:
            b, m, t = base.get(name), mine.get(name), theirs.get(name)
            path = f"{prefix}{name}"
            if (*keys, name) in self.derived:
                found = t if t is not None else m
            elif _is_list(b) or _is_list(m) or _is_list(t):
                found = self.rows(path, (*keys, name), b or {}, m or {}, t or {})
            elif _are_files(b) or _are_files(m) or _are_files(t):
                found = self.files(path, b or [], m or [], t or [])
            else:
                found = self.leaf(path, b, m, t, [texts.get(name) for texts in beside])
            if found is not None and found not in ("", [], {}):
                values[name] = found
        return values

    def leaf(self, path: str, base: Any, mine: Any, theirs: Any, texts: Sequence[Mapping[str, str] | None]) -> Any:
        """Merge one field; a text that is no value yet stands for the field as much as a value does."""
        is_text = any(texts)
        b, m, t = (
            (text, None) if text else (None, _essence(value))
            for text, value in zip(texts, (base, mine, theirs), strict=True)
        )
        if m in (t, b):
            if t != b and m != t:
                self.theirs.append(Change(path, _kind(base, theirs)))
            return self._kept(path, theirs, texts[2])
        if t == b:
            self.mine.append(Change(path, _kind(base, mine)))
            return self._kept(path, mine, texts[1])
        if not is_text and all(_is_in_languages(value) for value in (base, mine, theirs)):
            return self.languages(path, base or {}, mine or {}, theirs or {})
        self.clashes.append(Clash(path, "field", dict(texts[1]) if texts[1] else mine, theirs))
        return self._kept(path, theirs, texts[2])

    def _kept(self, path: str, value: Any, text: Mapping[str, str] | None) -> Any:
        if text:
            self.unread[path] = dict(text)
        return value

    def languages(self, path: str, base: Mapping[str, str], mine: Mapping[str, str], theirs: Mapping[str, str]) -> Any:
        """Merge the languages of one answer; in dispute is the answer, with the words of one side where both wrote."""
        together, disputed, brought = {}, False, {"mine": False, "theirs": False}
        own = {}
        for part in LANGUAGES:
            b, m, t = (side.get(part, "") for side in (base, mine, theirs))
            together[part] = own[part] = m if t == b else t
            brought["mine"] |= m not in (b, t) and t == b
            brought["theirs"] |= t not in (b, m) and m == b
            if m != b and t not in (b, m):
                disputed, own[part] = True, m
        if brought["mine"]:
            self.mine.append(Change(path, "changed"))
        if brought["theirs"]:
            self.theirs.append(Change(path, "changed"))
        kept = {part: words for part, words in together.items() if words}
        if disputed:
            shown = {part: words for part, words in own.items() if words}
            self.clashes.append(Clash(path, "field", shown or None, kept or None))
        return kept

    def files(self, path: str, base: Sequence[Any], mine: Sequence[Any], theirs: Sequence[Any]) -> list[Any]:
        """Merge attached files: each stays or goes by itself."""
        ids = [{file["id"] for file in side} for side in (base, mine, theirs)]
        kept = [file for file in theirs if file["id"] in ids[1] or file["id"] not in ids[0]]
        kept += [file for file in mine if file["id"] not in ids[0] | ids[2]]
        if ids[1] != ids[0] and ids[1] != ids[2]:
            self.mine.append(Change(path, "changed"))
        if ids[2] != ids[0] and ids[1] != ids[2]:
            self.theirs.append(Change(path, "changed"))
        return kept

    # Rows

    def rows(
        self, path: str, keys: Keys, base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Merge the entries of a repeating group or of a dynamic form."""
        b, m, t = _by_id(base), _by_id(mine), _by_id(theirs)
        found: dict[str, dict[str, Any]] = {}
        for name in dict.fromkeys((*t, *m, *b)):
            row = f"{path}-{name}"
            old, own, other = b.get(name), m.get(name), t.get(name)
            if own is not None and other is not None:
                found[name] = self.row(row, keys, old or {}, own, other)
            elif old is None:
                found[name] = self._new(row, own, other)
            elif own is None and other is None:
                continue
            elif other is None:
                if not self._is_same(row, keys, (0, old), (1, own)):
                    self.clashes.append(Clash(row, "removed_there", own, None))
                self.theirs.append(Change(row, "removed"))
            elif self._is_same(row, keys, (0, old), (2, other)):
                self.mine.append(Change(row, "removed"))
            else:
                self.clashes.append(Clash(row, "removed_here", None, other))
                found[name] = self._new(row, None, other, told=False)
        order = self._order(path, list(b), list(m), list(t), found)
        last = max(int(side.get("last", 0)) for side in (base, mine, theirs))
        return {"entries": [found[name] for name in order], "last": last}

    def _new(self, row: str, own: Any, other: Any, *, told: bool = True) -> dict[str, Any]:
        """Take a row that only one side has, with its texts."""
        side, brought = (1, self.mine) if other is None else (2, self.theirs)
        if told:
            brought.append(Change(row, "added"))
        for path, texts in self.sides[side].unread.items():
            if path.startswith(f"{row}-"):
                self.unread[path] = dict(texts)
        return dict(own if other is None else other)

    def row(self, path: str, keys: Keys, base: Any, mine: Any, theirs: Any) -> dict[str, Any]:
        """Merge one row; an entry of a dynamic form with its criteria, free keys and parked answers."""
        prefix = f"{path}-"
        merged = {**mine, **theirs}
        sides = (base, mine, theirs)
        if "path" not in theirs:
            merged["values"] = self.fields(prefix, keys, *(side.get("values") or {} for side in sides))
            return merged
        winner = self._criteria(path, base, mine, theirs)
        merged["path"], merged["form"] = winner["path"], winner["form"]
        merged["keys"] = self.fields(prefix, keys, *(side.get("keys") or {} for side in sides))
        if all(_criteria_of(side) == _criteria_of(theirs) for side in (base or theirs, mine)):
            merged["values"] = self.fields(prefix, keys, *(side.get("values") or {} for side in sides))
            parked = self.fields(f"{prefix}{_PARKED}-", keys, *(side.get("parked") or {} for side in sides))
        else:
            answers = self.fields(
                prefix, keys, *({**(side.get("parked") or {}), **(side.get("values") or {})} for side in sides)
            )
            away = set(winner.get("parked") or {}) - set(winner.get("values") or {})
            merged["values"] = {key: value for key, value in answers.items() if key not in away}
            parked = {key: value for key, value in answers.items() if key in away}
            beside = winner.get("parked") or {}
            parked.update({key: beside[key] for key in beside if key in (winner.get("values") or {})})
        merged.pop("parked", None)
        return {**merged, "parked": parked} if parked else merged

    def _criteria(self, path: str, base: Any, mine: Any, theirs: Any) -> Mapping[str, Any]:
        """Return the side whose criteria an entry has."""
        b, m, t = (_criteria_of(side) if side else None for side in (base, mine, theirs))
        if m in (t, b):
            if m != t:
                self.theirs.append(Change(f"{path}-path", "changed"))
            return theirs  # type: ignore[no-any-return]
        if t == b:
            self.mine.append(Change(f"{path}-path", "changed"))
            return mine  # type: ignore[no-any-return]
        self.clashes.append(Clash(f"{path}-path", "criteria", list(mine["path"]), list(theirs["path"])))
        return theirs  # type: ignore[no-any-return]

    def _is_same(self, row: str, keys: Keys, one: tuple[int, Any], other: tuple[int, Any]) -> bool:
        """Tell whether two sides say the same in a row; what is computed does not count."""
        texts = [
            {path: dict(found) for path, found in self.sides[side].unread.items() if path.startswith(f"{row}-")}
            for side, _ in (one, other)
        ]
        return texts[0] == texts[1] and self._bare(one[1], keys) == self._bare(other[1], keys)

    def _bare(self, row: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
        values = {
            name: [self._bare(each, (*keys, name)) for each in value["entries"]] if _is_list(value) else value
            for name, value in (row.get("values") or {}).items()
            if (*keys, name) not in self.derived
        }
        kept = {name: value for name, value in values.items() if value not in (None, "", [], {})}
        return {**row, "values": kept, "keys": row.get("keys") or {}, "parked": row.get("parked") or {}}

    def _order(
        self, path: str, base: list[str], mine: list[str], theirs: list[str], found: Collection[str]
    ) -> list[str]:
        """Return the rows in their order: that of the one who moved any; who was added stays after his neighbour."""
        common = {name for name in base if name in mine and name in theirs}
        b, m, t = ([name for name in side if name in common] for side in (base, mine, theirs))
        chief, other = (theirs, mine)
        if m != b and t == b:
            chief, other = mine, theirs
            self.mine.append(Change(path, "moved"))
        elif m != t and t != b:
            if m != b:
                self.clashes.append(Clash(path, "order", mine, theirs))
            self.theirs.append(Change(path, "moved"))
        order = [name for name in chief if name in found]
        for place, name in enumerate(other):
            if name in found and name not in order:
                before = next((before for before in reversed(other[:place]) if before in order), None)
                order.insert(order.index(before) + 1 if before else 0, name)
        return order


def _by_place(unread: Unread) -> dict[str, dict[str, Mapping[str, str]]]:
    """Return prefix of a row -> key of the field -> its texts."""
    found: dict[str, dict[str, Mapping[str, str]]] = {}
    for path, texts in unread.items():
        before, hyphen, key = path.rpartition("-")
        found.setdefault(f"{before}{hyphen}", {})[key] = texts
    return found


def _by_id(rows: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {str(row["id"]): row for row in rows.get("entries", ())}


def _is_list(value: Any) -> bool:
    return isinstance(value, Mapping) and "entries" in value


def _are_files(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping) and set(value[0]) >= _FILE


def _is_in_languages(value: Any) -> bool:
    return value is None or (isinstance(value, Mapping) and set(value) <= set(LANGUAGES))


def _essence(value: Any) -> Any:
    """Return a value as it is compared: all that is empty is nothing."""
    if isinstance(value, Mapping):
        value = {part: words for part, words in value.items() if words not in (None, "")}
    return None if value in ("", [], {}) else value


def _kind(old: Any, new: Any) -> Literal["changed", "added", "removed"]:
    if _essence(new) is None and _essence(old) is not None:
        return "removed"
    return "added" if _essence(old) is None and _essence(new) is not None else "changed"


def _criteria_of(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return (list(entry.get("path", ())), entry.get("form"))
