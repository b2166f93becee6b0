"""A dynamic form: a chain of drop-down lists (platform, sector, category) that leads to a form.

The chain is the tree of its folder.  A next list is offered only where the folder of the path
exists; where the tree ends without a file, no forms are provided.  Its values are entries, one for
each security: ``{"entries": [{"id", "path", "keys", "form", "values"}], "last": 2}``, where ``last``
is the number of the newest entry, so that an id is never given twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field as Setting

from app.definition_files import Definition, Key, Words
from app.errors import Invalid, Problem, Said
from app.forms.simple import NOT_EMPTY, Choices, Field, Form, Parsed, first_text, parse_fields, require

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
        """Return the newest form where the chain ends; None says that no forms are provided."""
        versions = self.forms.get(tuple(path))
        return versions[max(versions)] if versions else None

    def form_of(self, entry: Mapping[str, Any]) -> Form:
        """Return the form of the version that an entry began with.

        Raises:
            Invalid: the entry names no form of this chain.
        """
        for form in self.forms.get(tuple(entry.get("path", ())), {}).values():
            if form.name == entry.get("form"):
                return form
        raise Invalid.at(self.entry_path(entry), "dyn.no_forms")

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
        problems = [found for asked in self.keys for found in asked.problems(keys.get(asked.key), self.key)]
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
            keys = parse_fields(self.keys, raw, prefix, choices)
            answers = self.form_of(entry).parse(raw, prefix, choices)
            entries.append(
                {
                    **entry,
                    "keys": without_none({**entry.get("keys", {}), **keys.values}),
                    "values": without_none({**entry.get("values", {}), **answers.values}),
                }
            )
            problems += [*keys.problems, *answers.problems]
            unread |= keys.unread | answers.unread
        return Parsed({"entries": entries, "last": int(values.get("last", 0))}, tuple(problems), unread)

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
            prefix = self.entry_path(entry)
            try:
                form = self.form_of(entry)
            except Invalid as refusal:
                problems += refusal.problems
                continue
            for asked in self.keys:
                problems += asked.problems((entry.get("keys") or {}).get(asked.key), prefix, missing=missing)
            for asked in form.fields:
                problems += asked.problems((entry.get("values") or {}).get(asked.key), prefix, missing=missing)
        return tuple(problems)

    def fields_of(self, values: Mapping[str, Any]) -> dict[str, Field]:
        """Return path -> field for every entry of ``values``, key fields first."""
        found = {}
        for entry in self.entries(values):
            prefix = self.entry_path(entry)
            for asked in (*self.keys, *self.form_of(entry).fields):
                for path in (f"{prefix}-{asked.key}", *asked.paths(prefix)):
                    found[path] = asked
        return found

    def require_fields(self, paths: Sequence[str], values: Mapping[str, Any]) -> None:
        """Refuse paths that name no field of an entry.

        Raises:
            Invalid: with a problem for each unknown path.
        """
        require(paths, self.fields_of(values))

    def example(self) -> dict[str, Any]:
        """Return valid values with one entry, of the first form of the tree."""
        path = sorted(self.forms, key=self._place)[0]
        return self.example_at(path)

    def example_at(self, path: Sequence[str]) -> dict[str, Any]:
        """Return valid values with one entry at ``path``.

        Raises:
            Invalid: no forms are provided there.
        """
        values = self.add({}, path, {asked.key: asked.example_value() for asked in self.keys})
        form = self.form_at(path)
        values["entries"][0]["values"] = form.example() if form else {}
        return values

    def _place(self, path: Path) -> list[int]:
        return [list(level.options).index(key) for level, key in zip(self.levels, path, strict=False)]


def without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``values`` without those that were emptied."""
    return {key: value for key, value in values.items() if value is not None}
