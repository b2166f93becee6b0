"""What a form file consists of: fields in sections, each asked for in three languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ValidationInfo, field_validator
from pydantic import Field as Setting
from pydantic_core import PydanticCustomError

from app.definition_files import Definition, Key, Words
from app.definition_values import refused
from app.errors import Problem, Said
from app.forms.composites import Composite, PartOf
from app.forms.fields import FIELD_TYPES, FieldError, FieldType
from app.terms import LANGUAGES, say

FILE_KINDS = ("pdf", "docx", "xlsx", "jpg", "png", "zip")
"""The kinds of files a field may accept: those that ``app.files`` can look into."""

SOURCES = ("partner_advisers",)
"""Lists that a choice field may name instead of its own options."""

_MOST = {"max_length": 100_000, "decimals": 6, "max_files": 50, "max_size_mb": 200}
"""What an example is judged by where the option itself is faulty."""

_UNJUDGED = frozenset({"currency", "languages", "accept", "options"})
"""Without these options, if they are faulty, an example cannot be judged."""


def _say_fault(error: FieldError) -> str:
    try:
        return say(error.key, "en", **error.params)
    except (KeyError, ValueError):  # the term files are faulty themselves
        return error.key


def _not_empty(found: Any) -> Any:
    # Not pydantic's min_length: that counts what remained sound, and tells one fault as two.
    if isinstance(found, list | dict) and not found:
        raise refused("nothing stands here", "name at least one")
    return found


NOT_EMPTY = BeforeValidator(_not_empty)


def _known_kind(kind: str) -> str:
    if kind not in FILE_KINDS:
        near = [f"did you mean '{each}'?" for each in get_close_matches(kind, FILE_KINDS, n=1)]
        raise refused(
            f"'{kind}' is no kind of file that is taken", " ".join([*near, f"known: {', '.join(FILE_KINDS)}"])
        )
    return kind


FileKind = Annotated[str, AfterValidator(_known_kind)]

ONE_OR_MORE = BeforeValidator(lambda found: [found] if isinstance(found, str) else found)
"""A list that may be written as its one item."""

UNIQUE = r"^[a-z][a-z0-9_]*(\.[a-z_]+)?( *\+ *[a-z][a-z0-9_]*(\.[a-z_]+)?)*$"
"""A field of the group, a part of one ("member.iin"), or several that may not be the same together ("iin + post")."""

Expression = Annotated[str, Setting(min_length=1)]
Clause = Annotated[str, Setting(pattern=r"^[a-z][a-z0-9_]{2,59}(#[a-z0-9][a-z0-9_.-]*)?$")]
"""A clause of the normative base, to which ``norm`` leads: ``securities_market_law#84.5``, or a whole act."""
"""The text of an expression (``expressions``); ``logic`` checks it when the whole form is known."""


class Check(Definition):
    """A demand across fields: what must hold, the field where it is told, and the words for when it does not."""

    that: Expression
    at: Key
    message: Words


class Field(Definition):
    """One question, or a group of questions that repeats.  Options that its type does not know are refused.

    A group has ``fields`` of its own, asked again in each of its entries; in a ``table`` they are columns.
    """

    key: Key
    type: str
    label: Words
    hint: Words | None = None
    norm: Words | None = None
    clause: Clause | None = None
    required: bool = False
    show_if: Expression | None = None
    required_if: Expression | None = None
    value: Expression | None = Setting(default=None, validate_default=True)
    as_: Literal["number", "percent", "money", "date", "yes_no", "text"] | None = Setting(default=None, alias="as")
    fields: Annotated[tuple[Field, ...] | None, NOT_EMPTY] = Setting(default=None, validate_default=True)
    layout: Literal["cards", "table"] = "cards"
    entry_label: Words | None = None
    min_entries: Annotated[int, Setting(ge=0, le=200)] = 0
    max_entries: Annotated[int, Setting(ge=1, le=200)] = 200
    example_entries: Annotated[int, Setting(ge=1, le=200)] = 1
    unique: Annotated[tuple[Annotated[str, Setting(pattern=UNIQUE)], ...], ONE_OR_MORE] = ()
    checks: tuple[Check, ...] = ()
    options: Annotated[dict[Key, Words] | None, NOT_EMPTY] = None
    source: Literal["partner_advisers"] | None = None
    currency: Annotated[str, Setting(pattern=r"^[A-Z]{3}$")] | None = None
    min: str | None = None
    max: str | None = None
    decimals: Annotated[int, Setting(ge=0, le=6)] | None = None
    max_length: Annotated[int, Setting(ge=1, le=100_000)] | None = None
    total: Literal["at_most", "exact"] = "at_most"
    units: tuple[Literal["days", "months", "years"], ...] = ()
    ask_for: tuple[str, ...] = ()
    long: bool = False
    languages: tuple[Literal["kk", "ru", "en"], ...] = ()
    accept: Annotated[tuple[FileKind, ...], NOT_EMPTY] = ("pdf", "docx", "xlsx", "jpg", "png")
    max_files: Annotated[int, Setting(ge=1, le=50)] = 1
    max_size_mb: Annotated[int, Setting(ge=1, le=200)] = 20
    example: str | dict[str, str] | tuple[str, ...] | None = Setting(default=None, validate_default=True)
    more_examples: Annotated[tuple[str | dict[str, str] | tuple[str, ...], ...], NOT_EMPTY] | None = None

    @field_validator("type")
    @classmethod
    def _known_type(cls, name: str, info: ValidationInfo) -> str:
        if name not in FIELD_TYPES:
            key = info.data.get("key", "?")
            near = [f"did you mean '{each}'?" for each in get_close_matches(name, FIELD_TYPES, n=1)]
            mend = " ".join([*near, f"known: {', '.join(sorted(FIELD_TYPES))}"])
            raise refused(f"field '{key}': type '{name}' is unknown", mend)
        return name

    @field_validator("min", "max", "example", mode="before")
    @classmethod
    def _written_as_typed(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool | int | float):
            raise refused(
                f"field '{info.data.get('key', '?')}': {value} is not a text", f'write it in quotes: "{value}"'
            )
        return value

    @field_validator("fields")
    @classmethod
    def _fields_of_a_group(cls, fields: Any, info: ValidationInfo) -> Any:
        if fields is None and info.data.get("type") == "group":
            raise PydanticCustomError("missing", "a group without fields")
        return cls._allowed(fields, info)

    @field_validator("required", "required_if")
    @classmethod
    def _answered(cls, value: Any, info: ValidationInfo) -> Any:
        kind = FIELD_TYPES.get(info.data.get("type", ""))
        place = f"field '{info.data.get('key', '?')}'"
        if value and kind is not None and (kind.name == "computed" or not kind.is_answered):
            raise refused(f"{place}: nobody answers a {kind.name}", "remove it")
        if value and info.field_name == "required_if" and info.data.get("required"):
            raise refused(f"{place}: it is required always and under a condition", "keep one of them")
        return value

    @field_validator("value")
    @classmethod
    def _value_of_computed(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None and info.data.get("type") == "computed":
            raise PydanticCustomError("missing", "a computed field without a value")
        return cls._allowed(value, info)

    @field_validator("as_")
    @classmethod
    def _kind_of_computed(cls, value: Any, info: ValidationInfo) -> Any:
        return cls._allowed(value, info)

    @field_validator("layout", "entry_label", "min_entries", "max_entries", "example_entries", "unique", "checks")
    @classmethod
    def _option_of_groups(cls, value: Any, info: ValidationInfo) -> Any:
        if info.field_name == "max_entries" and value < info.data.get("min_entries", 0):
            raise refused(
                f"field '{info.data.get('key', '?')}': max_entries is less than min_entries", "make it greater"
            )
        return cls._allowed(value, info)

    @field_validator("ask_for")
    @classmethod
    def _known_parts(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        kind = cls._allowed(names, info) and FIELD_TYPES.get(info.data.get("type", ""))
        known = [part.key for part in kind.asks] if isinstance(kind, Composite) else []
        for name in names:
            if kind and (name not in known or names.count(name) > 1):
                place = f"field '{info.data.get('key', '?')}'"
                raise refused(f"{place}: '{name}' is no part, or stands twice", f"known: {', '.join(known)}")
        return names

    @field_validator(
        "total", "units", "source", "currency", "decimals", "max_length", "long", "languages", "options", "min", "max"
    )
    @classmethod
    def _option_of_this_type(cls, value: Any, info: ValidationInfo) -> Any:
        return cls._allowed(value, info)

    @field_validator("accept", "max_files", "max_size_mb")
    @classmethod
    def _option_of_files(cls, value: Any, info: ValidationInfo) -> Any:
        return cls._allowed(value, info)

    @classmethod
    def _allowed(cls, value: Any, info: ValidationInfo) -> Any:
        kind = FIELD_TYPES.get(info.data.get("type", ""))
        name = str(info.field_name)
        if kind is None or value is None:
            return value
        place = f"field '{info.data.get('key', '?')}'"
        if name not in kind.options:
            known = ", ".join(sorted(kind.options)) or "none"
            known = known.replace("as_", "as")
            told = f"{place}: a field of type {kind.name} has no '{name.rstrip('_')}'"
            raise refused(told, f"remove it; its options: {known}")
        if name in ("min", "max"):
            try:
                kind.limit(value)
            except FieldError as error:
                raise refused(f"{place}: '{value}' is no limit for type {kind.name}", _say_fault(error)) from None
        return value

    @field_validator("example")
    @classmethod
    def _example_will_do(cls, example: Any, info: ValidationInfo) -> Any:
        return cls._judged_example(example, info)

    @field_validator("more_examples")
    @classmethod
    def _more_examples_will_do(cls, found: Any, info: ValidationInfo) -> Any:
        for example in found or ():
            cls._judged_example(example, info)
        return found

    @classmethod
    def _judged_example(cls, example: Any, info: ValidationInfo) -> Any:
        kind = FIELD_TYPES.get(info.data.get("type", ""))
        if kind is None:
            return example
        if not kind.has_example:
            if example is not None:
                raise refused(f"field '{info.data.get('key', '?')}': a {kind.name} has no example", "remove it")
            return None
        if example is None:
            raise PydanticCustomError("missing", "Field required")
        faulty = kind.options - info.data.keys()
        if faulty & _UNJUDGED:
            return example
        widest: dict[str, Any] = {name: most for name, most in _MOST.items() if name in faulty}
        asked = cls.model_construct(**widest, **info.data)
        place = f"field '{asked.key if 'key' in info.data else '?'}'"
        if kind.name == "choice" and "source" in info.data:
            if asked.options is None and asked.source is None:
                raise refused(f"{place}: a choice without options", f"add options, or a source: {', '.join(SOURCES)}")
            if asked.options is not None and asked.source is not None:
                raise refused(f"{place}: a choice with options and a source", "keep one of them")
        try:
            value = kind.example(example, asked)
            if value is None:
                raise FieldError("err.required")
            kind.check(value, asked)
        except FieldError as error:
            raise refused(f"{place}: its example {example!r} is not valid", _say_fault(error)) from None
        return example

    @property
    def kind(self) -> FieldType:
        """The type's class."""
        return FIELD_TYPES[self.type]

    @property
    def input(self) -> str:
        """The widget that draws it."""
        return "textarea" if self.long else self.kind.input

    @property
    def subfields(self) -> dict[str, Field]:
        """The parts of a composite answer as questions of their own; none for other types."""
        return _subfields(self.type, self.ask_for, self.units)

    @property
    def sort(self) -> str:
        """What an expression may do with its value; see ``FieldType.sort``."""
        return self.kind.sort_of(self)

    @property
    def unit(self) -> str:
        """What its amounts are counted in: the currency of money, else empty."""
        return self.kind.unit(self)

    def part(self, name: str) -> str | None:
        """Return the sort of one of its parts, None when it has no such part."""
        return self.kind.part_sort(self, name)

    def inner(self, name: str) -> Field | None:
        """Return a field of a group."""
        return next((asked for asked in self.fields or () if asked.key == name), None)

    @property
    def parts(self) -> tuple[str, ...]:
        """The languages that are asked for separately; none for most types."""
        return self.kind.parts(self)

    @property
    def most(self) -> int:
        """How many characters may be typed."""
        return self.kind.most(self)

    def paths(self, prefix: str = "") -> tuple[str, ...]:
        """Return the names of its inputs: "bin", or "name-kk", "name-ru", "name-en"."""
        key = f"{joined(prefix)}{self.key}"
        return tuple(f"{key}-{part}" for part in self.parts) or (key,)

    def text(self, value: Any, language: str, names: Mapping[str, str] | None = None) -> str:
        """Return ``value`` in words; an empty one is the empty string.

        ``names`` are the labels (option key -> label) of a list that the room supplies.
        """
        return "" if is_empty(value) else self.kind.text(value, self, language, names)

    def entry(self, value: Any, part: str = "") -> str:
        """Return what stands in the input box for ``value``."""
        return "" if is_empty(value) else self.kind.entry(value, self, part)

    @property
    def told_apart(self) -> tuple[tuple[tuple[str, str], ...], ...]:
        """What no two entries of a group may share: for each demand the fields that make it up, with their part."""
        return tuple(
            tuple((name, part) for each in demand.split("+") for name, _, part in [each.strip().partition(".")])
            for demand in self.unique
        )

    def example_value(self, entry: int = 0) -> Any:
        """Return the example in its canonical value; of a group, entries of its fields' examples.

        ``entry`` counts the entries of the group around it: where there are ``more_examples``, each has its own.
        """
        if self.fields is None:
            given = [self.example, *(self.more_examples or ())]
            chosen = given[entry] if entry < len(given) else self.example
            return None if chosen is None else self.kind.example(chosen, self)
        count = max(self.example_entries, self.min_entries)
        entries = [{"id": f"e{number + 1}", "values": examples(self.fields, number)} for number in range(count)]
        return {"entries": entries, "last": count}

    def problem(self, error: FieldError, path: str = "") -> Problem:
        """Return ``error`` as a problem at this field's ``path``; its parameter ``field`` is the label."""
        path = path or self.key
        said = Said(self.label.model_dump())
        return Problem(f"{path}-{error.part}" if error.part else path, error.key, {"field": said, **error.params})

    def problems(
        self, value: Any, path: str = "", *, required: bool | None = None, missing: str = "err.required"
    ) -> list[Problem]:
        """Judge ``value`` in full; an empty required one is told with the sentence ``missing``.

        ``path`` is the field's own, with what stands before its key; ``required`` where the form decides.
        """
        if is_empty(value):
            if not (self.required if required is None else required):
                return []
            return [self.problem(FieldError(missing, part=part), path) for part in self.kind.demanded(self) or ("",)]
        return [self.problem(fault, path) for fault in self.kind.faults(value, self)]


@cache
def _subfields(kind_name: str, ask_for: tuple[str, ...], units: tuple[str, ...]) -> dict[str, Field]:
    kind = FIELD_TYPES[kind_name]
    if not isinstance(kind, Composite):
        return {}
    asks = {part.key: part for part in kind.asks}
    return {name: _subfield(kind_name, asks[name], units) for name in ask_for or asks}


def _subfield(kind_name: str, part: PartOf, units: tuple[str, ...]) -> Field:
    at = f"field.{kind_name}.{part.key}"
    named = {option: _words(f"{at}.{option}") for option in part.options if option in units or not units}
    tabled = {option: Words(kk=kk, ru=ru, en=en) for option, (kk, ru, en) in part.table.items()}
    options = {**tabled, **named} or None
    return Field.model_construct(
        key=part.key,
        type=part.type,
        label=_words(at),
        required=part.required,
        max_length=part.max_length,
        options=options,
        decimals=0 if part.key == "amount" else None,
    )


def _words(key: str) -> Words:
    return Words(**{language: say(key, language) for language in LANGUAGES})


def joined(prefix: str) -> str:
    """Return ``prefix`` ready to be put before a field's key: with a hyphen at its end, or empty."""
    return f"{prefix}-" if prefix and not prefix.endswith("-") else prefix


def is_empty(value: Any) -> bool:
    """Tell whether nothing is answered; ``False`` (the answer "no") is an answer, a group without entries is none."""
    if value is None or isinstance(value, str | list):
        return not value
    return isinstance(value, Mapping) and (not value or ("entries" in value and not value["entries"]))


def examples(fields: Iterable[Field], entry: int = 0) -> dict[str, Any]:
    """Return canonical values made from the examples of ``fields``; ``entry``: see ``Field.example_value``."""
    return {asked.key: asked.example_value(entry) for asked in fields if asked.kind.has_example or asked.fields}


class Section(Definition):
    """Fields under one heading."""

    key: Key
    title: Words
    note: Words | None = None
    show_if: Expression | None = None
    fields: Annotated[tuple[Field, ...], NOT_EMPTY]


class SharedFile(Definition):
    """What stands in the file of a shared section (``forms/_shared/rating.v1.yaml``): used by forms, never alone."""

    section: Key
    version: Annotated[int, Setting(ge=1)]
    title: Words
    note: Words | None = None
    show_if: Expression | None = None
    fields: Annotated[tuple[Field, ...], NOT_EMPTY]
    checks: tuple[Check, ...] = ()


class FormFile(Definition):
    """What stands in the file of a simple form."""

    form: Key
    version: Annotated[int, Setting(ge=1)]
    title: Words
    note: Words | None = None
    demo_data: bool = False
    sections: Annotated[tuple[Section, ...], NOT_EMPTY]
    checks: tuple[Check, ...] = ()

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of all sections, in order."""
        return tuple(asked for section in self.sections for asked in section.fields)
