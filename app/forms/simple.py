"""A simple form: sections of fields, each asked for in three languages.

``Form.parse`` reads what was typed, ``check`` judges values in full (the button "Done"), ``gaps``
says what is still missing (the button "Save").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ValidationInfo, field_validator
from pydantic import Field as Setting
from pydantic_core import PydanticCustomError

from app.definition_files import Definition, Key, Words
from app.errors import Invalid, Problem, Said
from app.forms.fields import FIELD_TYPES, FieldError, FieldType
from app.terms import LANGUAGES, say

Choices = Mapping[str, Sequence[tuple[str, str]]]
"""Source -> (option key, label): the lists that the room supplies at run time."""

SOURCES = ("partner_advisers",)
"""Lists that a choice field may name instead of its own options."""

_MOST = {"max_length": 100_000, "decimals": 6, "max_files": 50, "max_size_mb": 200}
"""What an example is judged by where the option itself is faulty."""

_UNJUDGED = frozenset({"currency", "languages", "accept", "options"})
"""Without these options, if they are faulty, an example cannot be judged."""


def _fault(problem: str, mend: str) -> PydanticCustomError:
    # The braces of pydantic's templates would be read in the words, so both go in as data.
    return PydanticCustomError("form", "{problem}", {"problem": problem, "mend": mend})


def _say_fault(error: FieldError) -> str:
    try:
        return say(error.key, "en", **error.params)
    except (KeyError, ValueError):  # the term files are faulty themselves
        return error.key


def _not_empty(found: Any) -> Any:
    # Not pydantic's min_length: that counts what remained sound, and tells one fault as two.
    if isinstance(found, list | dict) and not found:
        raise _fault("nothing stands here", "name at least one")
    return found


NOT_EMPTY = BeforeValidator(_not_empty)


class Field(Definition):
    """One question.  Options that its type does not know are refused."""

    key: Key
    type: str
    label: Words
    hint: Words | None = None
    norm: Words | None = None
    required: bool = False
    options: Annotated[dict[Key, Words] | None, NOT_EMPTY] = None
    source: Literal["partner_advisers"] | None = None
    currency: Annotated[str, Setting(pattern=r"^[A-Z]{3}$")] | None = None
    min: str | None = None
    max: str | None = None
    decimals: Annotated[int, Setting(ge=0, le=6)] | None = None
    max_length: Annotated[int, Setting(ge=1, le=100_000)] | None = None
    long: bool = False
    languages: tuple[Literal["kk", "ru", "en"], ...] = ()
    accept: tuple[Annotated[str, Setting(pattern=r"^[a-z0-9]{2,5}$")], ...] = ("pdf", "docx", "xlsx", "jpg", "png")
    max_files: Annotated[int, Setting(ge=1, le=50)] = 1
    max_size_mb: Annotated[int, Setting(ge=1, le=200)] = 20
    example: str | dict[str, str] | tuple[str, ...]

    @field_validator("type")
    @classmethod
    def _known_type(cls, name: str, info: ValidationInfo) -> str:
        if name not in FIELD_TYPES:
            key = info.data.get("key", "?")
            raise _fault(f"field '{key}': type '{name}' is unknown", f"known: {', '.join(sorted(FIELD_TYPES))}")
        return name

    @field_validator("min", "max", "example", mode="before")
    @classmethod
    def _written_as_typed(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool | int | float):
            raise _fault(
                f"field '{info.data.get('key', '?')}': {value} is not a text", f'write it in quotes: "{value}"'
            )
        return value

    @field_validator("source", "currency", "decimals", "max_length", "long", "languages", "options", "min", "max")
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
            raise _fault(f"{place}: a field of type {kind.name} has no '{name}'", f"remove it; its options: {known}")
        if name in ("min", "max"):
            try:
                kind.limit(value)
            except FieldError as error:
                raise _fault(f"{place}: '{value}' is no limit for type {kind.name}", _say_fault(error)) from None
        return value

    @field_validator("example")
    @classmethod
    def _example_will_do(cls, example: Any, info: ValidationInfo) -> Any:
        kind = FIELD_TYPES.get(info.data.get("type", ""))
        if kind is None:
            return example
        faulty = kind.options - info.data.keys()
        if faulty & _UNJUDGED:
            return example
        widest: dict[str, Any] = {name: most for name, most in _MOST.items() if name in faulty}
        asked = cls.model_construct(**widest, **info.data)
        place = f"field '{asked.key if 'key' in info.data else '?'}'"
        if kind.name == "choice" and "source" in info.data:
            if asked.options is None and asked.source is None:
                raise _fault(f"{place}: a choice without options", f"add options, or a source: {', '.join(SOURCES)}")
            if asked.options is not None and asked.source is not None:
                raise _fault(f"{place}: a choice with options and a source", "keep one of them")
        try:
            value = kind.example(example, asked)
            if value is None:
                raise FieldError("err.required")
            kind.check(value, asked)
        except FieldError as error:
            raise _fault(f"{place}: its example {example!r} is not valid", _say_fault(error)) from None
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

    def example_value(self) -> Any:
        """Return the example in its canonical value."""
        return self.kind.example(self.example, self)

    def problem(self, error: FieldError, prefix: str = "") -> Problem:
        """Return ``error`` as a problem at this field; its parameter ``field`` is the label."""
        path = f"{joined(prefix)}{self.key}"
        said = Said(self.label.model_dump())
        return Problem(f"{path}-{error.part}" if error.part else path, error.key, {"field": said, **error.params})

    def problems(self, value: Any, prefix: str = "", *, missing: str = "err.required") -> list[Problem]:
        """Judge ``value`` in full; an empty required one is told with the sentence ``missing``."""
        if is_empty(value):
            if not self.required:
                return []
            return [self.problem(FieldError(missing, part=part), prefix) for part in self.parts or ("",)]
        return [self.problem(fault, prefix) for fault in self.kind.faults(value, self)]


def joined(prefix: str) -> str:
    """Return ``prefix`` ready to be put before a field's key: with a hyphen at its end, or empty."""
    return f"{prefix}-" if prefix and not prefix.endswith("-") else prefix


def is_empty(value: Any) -> bool:
    """Tell whether nothing is answered; ``False`` (the answer "no") is an answer."""
    return value is None or value == "" or value == {} or value == []


class Section(Definition):
    """Fields under one heading."""

    key: Key
    title: Words
    note: Words | None = None
    fields: Annotated[tuple[Field, ...], NOT_EMPTY]


class FormFile(Definition):
    """What stands in the file of a simple form."""

    form: Key
    version: Annotated[int, Setting(ge=1)]
    title: Words
    note: Words | None = None
    demo_data: bool = False
    sections: Annotated[tuple[Section, ...], NOT_EMPTY]

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of all sections, in order."""
        return tuple(asked for section in self.sections for asked in section.fields)


@dataclass(frozen=True)
class Parsed:
    """What was typed, as canonical values, and what could not be read.

    ``values`` holds only the fields that came; one that was emptied is None.  ``unread`` are the
    paths of the fields (without language) that could not be read.
    """

    values: dict[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    unread: frozenset[str] = frozenset()

    def and_judged(self, judged: Iterable[Problem]) -> tuple[Problem, ...]:
        """Return these problems and those ``judged`` since, one field not told of twice."""
        return (*self.problems, *(problem for problem in judged if not self._tells_of(problem.path)))

    def _tells_of(self, path: str) -> bool:
        field_path, _, part = path.rpartition("-")
        return path in self.unread or (part in LANGUAGES and field_path in self.unread)


@dataclass(frozen=True)
class Form:
    """A simple form of one version.

    ``key`` is the file's name, for a form inside a dynamic one with the folders before it
    (``extra_listing_requirements/main/shares/premium``).  ``demo_data`` says that its figures
    are illustrations, to be labelled so.
    """

    key: str
    version: int
    title: Words
    sections: tuple[Section, ...]
    demo_data: bool
    sha256: str
    note: Words | None = None

    @property
    def name(self) -> str:
        """The form and its version: ``issuer.v1``."""
        return f"{self.key}.v{self.version}"

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The fields of all sections, in order."""
        return tuple(asked for section in self.sections for asked in section.fields)

    @cached_property
    def _by_path(self) -> dict[str, Field]:
        return {path: asked for asked in self.fields for path in (asked.key, *asked.paths())}

    def field(self, path: str) -> Field:
        """Return the field at ``path`` ("bin", "name", "name-kk").

        Raises:
            Invalid: there is no such field.
        """
        found = self._by_path.get(path)
        if found is None:
            raise Invalid.at(path, "field.err.no_such_field", name=path)
        return found

    def require_fields(self, paths: Iterable[str]) -> None:
        """Refuse paths that name no field of this form.

        Raises:
            Invalid: with a problem for each unknown path.
        """
        require(paths, self._by_path)

    def parse(self, raw: Mapping[str, Any], prefix: str = "", choices: Choices | None = None) -> Parsed:
        """Read what was typed: input name -> text or texts.

        Fields that did not come are left out.  A choice from a list of the room must be in
        ``choices``.
        """
        return parse_fields(self.fields, raw, prefix, choices)

    def check(self, values: Mapping[str, Any], prefix: str = "") -> tuple[Problem, ...]:
        """Judge ``values`` in full: required fields, formats, ranges.  Empty when all is well."""
        return tuple(found for asked in self.fields for found in asked.problems(values.get(asked.key), prefix))

    def gaps(self, values: Mapping[str, Any], prefix: str = "") -> tuple[Problem, ...]:
        """Return what still keeps the form from being done, as notes to one who saves a draft."""
        return tuple(
            found
            for asked in self.fields
            for found in asked.problems(values.get(asked.key), prefix, missing="field.note.missing")
        )

    def example(self) -> dict[str, Any]:
        """Return complete valid values, made from the fields' examples."""
        return {asked.key: asked.example_value() for asked in self.fields}


def parse_fields(
    fields: Iterable[Field], raw: Mapping[str, Any], prefix: str = "", choices: Choices | None = None
) -> Parsed:
    """Read what was typed into ``fields``; see ``Form.parse``."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    unread: set[str] = set()
    for asked in fields:
        typed = _typed(asked, raw, prefix)
        if typed is None:
            continue
        try:
            value = asked.kind.parse(typed, asked)
            if asked.source and value is not None and choices is not None:
                _require_offered(asked.source, value, choices)
            values[asked.key] = value
        except FieldError as error:
            problems.append(asked.problem(error, prefix))
            unread.add(f"{joined(prefix)}{asked.key}")
    return Parsed(values, tuple(problems), frozenset(unread))


def require(paths: Iterable[str], known: Mapping[str, Field]) -> None:
    """Refuse paths that are not ``known``.

    Raises:
        Invalid: with a problem for each unknown path.
    """
    unknown = [path for path in paths if path not in known]
    if unknown:
        raise Invalid(problems=[Problem(path, "field.err.no_such_field", {"name": path}) for path in unknown])


def _typed(asked: Field, raw: Mapping[str, Any], prefix: str) -> Any:
    """Return what came for a field, None when nothing of it did."""
    if not asked.kind.typed:
        return None
    paths = asked.paths(prefix)
    if not any(path in raw for path in paths):
        return None
    texts = [first_text(raw[path]) if path in raw else "" for path in paths]
    return dict(zip(asked.parts, texts, strict=True)) if asked.parts else texts[0]


def first_text(typed: Any) -> str:
    """Return the first of several texts of one name; a plain text is itself."""
    if isinstance(typed, str):
        return typed
    return str(typed[0]) if typed else ""


def _require_offered(source: str, value: str, choices: Choices) -> None:
    if value not in {key for key, _ in choices.get(source, ())}:
        raise FieldError("field.err.choice")
