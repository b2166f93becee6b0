"""A dynamic form: a chain of drop-down lists (platform, sector, category) that leads to a form.

The chain is the tree of its folder.  A next list is offered only where the folder of the path
exists; where the tree ends without a file, no forms are provided.  Its values are entries, one for
each security: ``{"entries": [{"id", "path", "keys", "form", "values"}], "last": 2}``, where ``last``
is the number of the newest entry, so that an id is never given twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field as Setting

from app.definition_files import Definition, Key, Words
from app.errors import Invalid, Problem, Said
from app.forms.carrying import Account, Carried, Piece, carry_values, newly_required, pieces, resting
from app.forms.outline import Part, outline
from app.forms.parts import NOT_EMPTY, Field, Section, examples
from app.forms.paths import find_field, require
from app.forms.reading import Choices, Parsed, first_text, parse_fields
from app.forms.simple import Form
from app.terms import LANGUAGES, say

Path = tuple[str, ...]
"""The options chosen so far, one for each level."""


class Option(Words):
    """An option of a level; ``under`` keeps it to some paths before it (``main``, ``main/shares``)."""

    under: tuple[str, ...] = ()

    def is_offered_after(self, path: Sequence[str]) -> bool:
        """Tell whether the option belongs to the list that follows ``path``."""
        chosen = "/".join(path) + "/"
        return not self.under or any(chosen.startswith(f"{parent}/") for parent in self.under)


class Level(Definition):
    """One drop-down list of the chain."""

    key: Key
    label: Words
    options: Annotated[dict[Key, Option], NOT_EMPTY]


class CriteriaFile(Definition):
    """What stands in ``_criteria.v1.yaml``."""

    form: Key
    version: Annotated[int, Setting(ge=1)]
    title: Words
    note: Words | None = None
    demo_data: bool = False
    add_label: Words
    entry_label: Words
    min_entries: Annotated[int, Setting(ge=0, le=100)] = 0
    levels: Annotated[tuple[Level, ...], NOT_EMPTY]
    keys: tuple[Field, ...] = ()


def level_fields(levels: Sequence[Level]) -> tuple[Field, ...]:
    """Return the drop-down lists as fields, for the expressions that name them."""
    return tuple(
        Field.model_construct(key=level.key, type="choice", label=level.label, options=dict(level.options))
        for level in levels
    )


@dataclass(frozen=True)
class DynamicForm:
    """A dynamic form of one version, with all versions of the forms it leads to."""

    key: str
    version: int
    title: Words
    add_label: Words
    entry_label: Words
    min_entries: int
    levels: tuple[Level, ...]
    keys: tuple[Field, ...]
    demo_data: bool
    sha256: str
    folders: frozenset[Path]
    forms: Mapping[Path, Mapping[int, Form]]
    note: Words | None = None

    @property
    def name(self) -> str:
        """The form and its version: ``extra_listing_requirements.v1``."""
        return f"{self.key}.v{self.version}"

    def offered(self, path: Sequence[str]) -> Level | None:
        """Return the drop-down list that follows ``path``, with the options that belong there.

        None when no list follows: either a form is reached or none is provided.

        Raises:
            Invalid: ``path`` is not one of this chain.
        """
        self.require_path(path)
        if tuple(path) not in self.folders or len(path) >= len(self.levels):
            return None
        options = self._options(path)
        return self.levels[len(path)].model_copy(update={"options": options}) if options else None

    def _options(self, path: Sequence[str]) -> dict[str, Option]:
        options = self.levels[len(path)].options
        return {key: option for key, option in options.items() if option.is_offered_after(path)}

    def require_path(self, path: Sequence[str]) -> None:
        """Refuse a path that the lists cannot lead to.

        Raises:
            Invalid: naming the option that does not belong there.
        """
        for depth, option in enumerate(path):
            if depth >= len(self.levels) or option not in self._options(path[:depth]):
                raise Invalid.at(self.key, "field.err.criteria", option=option)

    def form_at(self, path: Sequence[str]) -> Form | None:
        """Return the newest form where the chain ends; None says that no forms are provided.

        The most specific file wins: ``main/shares`` serves every category of it that has none of its own.
        """
        if self._follows(path):
            return None
        nearest = self.nearest(path)
        versions = self.forms[nearest] if nearest is not None else {}
        return versions[max(versions)] if versions else None

    def nearest(self, path: Sequence[str]) -> Path | None:
        """Return the longest beginning of ``path`` at which a form stands."""
        beginnings = (tuple(path[:length]) for length in range(len(path), 0, -1))
        return next((chain for chain in beginnings if chain in self.forms), None)

    def paths(self) -> tuple[Path, ...]:
        """Return every complete path that leads to a form, in the order of the lists."""
        found: list[Path] = []

        def walk(path: Path) -> None:
            if self._follows(path):
                for option in self._options(path):
                    walk((*path, option))
            elif path and self.nearest(path) is not None:
                found.append(path)

        walk(())
        return tuple(found)

    def _follows(self, path: Sequence[str]) -> bool:
        """Tell whether another list follows ``path``."""
        return tuple(path) in self.folders and len(path) < len(self.levels) and bool(self._options(path))

    def form_of(self, entry: Mapping[str, Any]) -> Form:
        """Return the form of the version that an entry began with.

        Raises:
            Invalid: the entry names no form of this chain.
        """
        form = self.leaf(entry)
        if form is None:
            raise Invalid.at(self.entry_path(entry), "dyn.no_forms")
        return form

    def leaf(self, entry: Mapping[str, Any]) -> Form | None:
        """Return the form of the version that an entry began with, None when it is not there."""
        path = tuple(entry.get("path", ()))
        beginnings = (path[:length] for length in range(len(path), 0, -1))
        forms = (form for chain in beginnings for form in self.forms.get(chain, {}).values())
        return next((form for form in forms if form.name == entry.get("form")), None)

    def path_text(self, path: Sequence[str], language: str) -> str:
        """Return the chosen criteria in words: "Негізгі › Акциялар › Премиум"."""
        chosen = zip(self.levels, path, strict=False)
        return " › ".join(level.options[key][language] for level, key in chosen if key in level.options)

    def entry_path(self, entry: Mapping[str, Any]) -> str:
        """Return what the inputs of an entry begin with: "extra_listing_requirements-e1"."""
        return f"{self.key}-{entry.get('id', '')}"

    def entries(self, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the entries of ``values``."""
        return list(values.get("entries", ()))

    def add(self, values: Mapping[str, Any], path: Sequence[str], keys: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``values`` with a new entry at its end; ``keys`` are canonical values.

        Raises:
            Invalid: ``path`` is no path, leads to no form, or ``keys`` will not do.
        """
        self.require_path(path)
        form = self.form_at(path)
        if form is None:
            raise Invalid.at(self.key, "dyn.no_forms")
        problems = self._judge_keys(keys, path, self.key, "err.required")
        if problems:
            raise Invalid(problems=problems)
        number = int(values.get("last", 0)) + 1
        kept = {asked.key: keys[asked.key] for asked in self.keys if keys.get(asked.key) is not None}
        entry = {"id": f"e{number}", "path": list(path), "keys": kept, "form": form.name, "values": {}}
        return {"entries": [*self.entries(values), entry], "last": number}

    def remove(self, values: Mapping[str, Any], entry_id: str) -> dict[str, Any]:
        """Return ``values`` without one entry.

        Raises:
            Invalid: there is no such entry.
        """
        kept = [entry for entry in self.entries(values) if entry.get("id") != entry_id]
        if len(kept) == len(self.entries(values)):
            raise Invalid.at(f"{self.key}-{entry_id}", "field.err.no_such_field", name=entry_id)
        return {"entries": kept, "last": int(values.get("last", 0))}

    def preview(self, values: Mapping[str, Any], entry_id: str, path: Sequence[str]) -> Carried:
        """Return what changing an entry's criteria to ``path`` would do to its answers; its ``values`` are the change.

        Raises:
            Invalid: there is no such entry, ``path`` is no path, or leads to no form.
        """
        self.require_path(path)
        entries = self.entries(values)
        place = next((place for place, entry in enumerate(entries) if entry.get("id") == entry_id), None)
        if place is None:
            raise Invalid.at(f"{self.key}-{entry_id}", "field.err.no_such_field", name=entry_id)
        form = self.form_at(path)
        if form is None:
            raise Invalid.at(self.key, "dyn.no_forms")
        carried = self.carried_entry(entries[place], self, path, form)
        changed = [*entries[:place], carried.values, *entries[place + 1 :]]
        return replace(carried, values={**values, "entries": changed})

    def change(self, values: Mapping[str, Any], entry_id: str, path: Sequence[str]) -> dict[str, Any]:
        """Return ``values`` with an entry's criteria changed; see ``preview``."""
        return self.preview(values, entry_id, path).values

    def carried_entry(self, entry: Mapping[str, Any], origin: DynamicForm, path: Sequence[str], form: Form) -> Carried:
        """Return an entry of ``origin`` carried to ``form`` of this one at ``path``, and what became of its answers."""
        account, start = Account(), f"{self.entry_path(entry)}-"
        old, rest = origin.leaf(entry), entry.get("parked", {})
        keys, rest = carry_values(origin.keys, self.keys, entry.get("keys", {}), rest, account, start)
        before = old.fields if old else ()
        answers, rest = carry_values(before, form.fields, entry.get("values", {}), rest, account, start)
        moved = {name: held for name, held in entry.items() if name != "parked"}
        moved |= {"path": list(path), "keys": keys, "form": form.name}
        moved |= {"values": form.settled(answers, self.around(moved))} | ({"parked": rest} if rest else {})
        required = newly_required(origin.outline_of(entry), self.outline_of(moved))
        return account.carried(moved, required=required)

    def parked(self, entry: Mapping[str, Any]) -> tuple[Piece, ...]:
        """Return the answers of an entry that rest because its criteria do not ask for them now."""
        start, form = f"{self.entry_path(entry)}-", self.leaf(entry)
        known = (asked for forms in self.forms.values() for each in forms.values() for asked in each.fields)
        inner = resting(entry.get("values", {}), form.fields, start) if form else ()
        return (*pieces(entry.get("parked", {}), start, (*self.keys, *known)), *inner)

    def path_of(self, raw: Mapping[str, Any]) -> Path:
        """Return the options chosen in the lists named "<form>-<level>", up to the first not chosen."""
        path: list[str] = []
        for level in self.levels:
            chosen = first_text(raw.get(f"{self.key}-{level.key}", ""))
            if not chosen:
                break
            path.append(chosen)
        return tuple(path)

    def parse_keys(self, raw: Mapping[str, Any]) -> Parsed:
        """Read the free fields of the chain; their inputs are named "<form>-isin"."""
        return parse_fields(self.keys, raw, self.key)

    def parse(self, raw: Mapping[str, Any], values: Mapping[str, Any], choices: Choices | None = None) -> Parsed:
        """Read what was typed into the entries of ``values``; returns all entries, those untouched too."""
        entries: list[dict[str, Any]] = []
        problems: list[Problem] = []
        unread: frozenset[str] = frozenset()
        for entry in self.entries(values):
            prefix = self.entry_path(entry)
            keys = parse_fields(self.keys, raw, prefix, choices, entry.get("keys", {}))
            form, answers = self.leaf(entry), Parsed(dict(entry.get("values", {})))
            if form is not None:
                around = self._around(entry["path"], keys.values)
                answers = form.parse(raw, prefix, choices, before=answers.values, around=around)
            entries.append({**entry, "keys": keys.values, "values": answers.values})
            problems += [*keys.problems, *answers.problems]
            unread |= keys.unread | answers.unread
        return Parsed({**values, "entries": entries, "last": int(values.get("last", 0))}, tuple(problems), unread)

    def settled(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``values`` as they are kept, computed fields as they are now."""
        entries = []
        for entry in self.entries(values):
            form = self.leaf(entry)
            if form is not None and form.plan.has_computed:
                entry = {**entry, "values": form.settled(entry.get("values", {}), self.around(entry))}
            entries.append(entry)
        return {**values, "entries": entries, "last": int(values.get("last", 0))}

    def around(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the expressions of an entry's form see around it: its criteria by level, its free keys."""
        return self._around(entry.get("path", ()), entry.get("keys", {}))

    def _around(self, path: Sequence[str], keys: Mapping[str, Any]) -> dict[str, Any]:
        return {**{level.key: option for level, option in zip(self.levels, path, strict=False)}, **keys}

    def outline(self, values: Mapping[str, Any]) -> tuple[tuple[dict[str, Any], tuple[Part, ...]], ...]:
        """Return every entry with what is asked in it: the free keys first, then its form.

        Of an entry whose form is not there, only the keys.
        """
        return tuple((entry, self.outline_of(entry)) for entry in self.entries(values))

    def outline_of(self, entry: Mapping[str, Any]) -> tuple[Part, ...]:
        """Return what is asked in one entry; see ``outline``."""
        prefix, around = self.entry_path(entry), self.around(entry)
        keys = outline(self.criteria, entry.get("keys", {}), prefix, around)
        form = self.leaf(entry)
        return (*keys, *form.outline(entry.get("values", {}), prefix, around)) if form else keys

    @cached_property
    def criteria(self) -> Form:
        """The free keys as a form; its expressions may name the levels."""
        title = Words(**{language: say("obj.criterion", language) for language in LANGUAGES})
        section = Section.model_construct(key="keys", title=title, fields=self.keys)
        sections = (section,) if self.keys else ()
        levels = level_fields(self.levels)
        return Form(self.key, self.version, title, sections, self.demo_data, self.sha256, around=levels)

    def _judge_keys(self, keys: Mapping[str, Any], path: Sequence[str], prefix: str, missing: str) -> list[Problem]:
        return list(self.criteria.judged(keys, prefix, self._around(path, keys), missing=missing))

    def check(self, values: Mapping[str, Any], prefix: str = "") -> tuple[Problem, ...]:
        """Judge all entries in full, and whether there are enough of them."""
        return self._judge(values, missing="err.required")

    def gaps(self, values: Mapping[str, Any], prefix: str = "") -> tuple[Problem, ...]:
        """Return what still keeps the entries from being done, as notes to one who saves a draft."""
        return self._judge(values, missing="field.note.missing")

    def _judge(self, values: Mapping[str, Any], *, missing: str) -> tuple[Problem, ...]:
        entries = self.entries(values)
        problems: list[Problem] = []
        if len(entries) < self.min_entries:
            added = Said(self.add_label.model_dump())
            said = {"field": Said(self.title.model_dump()), "button": added, "least": self.min_entries}
            problems.append(Problem(self.key, "field.err.entries", said))
        for entry in entries:
            prefix, form = self.entry_path(entry), self.leaf(entry)
            problems += self._judge_keys(entry.get("keys", {}), entry.get("path", ()), prefix, missing)
            if form is None:
                problems.append(Problem(prefix, "dyn.no_forms"))
            else:
                problems += form.judged(entry.get("values", {}), prefix, self.around(entry), missing=missing)
        return tuple(problems)

    def require_fields(self, paths: Sequence[str], values: Mapping[str, Any]) -> None:
        """Refuse paths that name no entry, and no field of one.

        Raises:
            Invalid: with a problem for each unknown path.
        """
        entries = {str(entry.get("id")): entry for entry in self.entries(values)}

        def is_known(path: str) -> bool:
            form_key, *keys = path.split("-")
            if form_key != self.key or not keys or keys[0] not in entries:
                return False
            form = self.leaf(entries[keys[0]])
            return len(keys) == 1 or find_field((*self.keys, *(form.fields if form else ())), keys[1:]) is not None

        require(paths, is_known)

    def example(self) -> dict[str, Any]:
        """Return valid values with one entry, of the first form of the tree."""
        return self.example_at(self.paths()[0])

    def example_at(self, path: Sequence[str]) -> dict[str, Any]:
        """Return valid values with one entry at ``path``.

        Raises:
            Invalid: no forms are provided there.
        """
        values = self.add({}, path, examples(self.keys))
        form = self.form_at(path)
        values["entries"][0]["values"] = examples(form.fields) if form else {}
        return self.settled(values)
