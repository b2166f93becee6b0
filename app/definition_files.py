"""Definition files: YAML read with its line numbers into pydantic models, every fault told at once.

The engines (``workflows``, ``forms``) know their models; this file alone knows ruamel.yaml.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq, TaggedScalar
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from app.definition_remains import find_misspelt, remains

LARGEST_FILE = 1_000_000
"""Bytes; a definition file larger than this is refused unread."""

MOST_VALUES = 100_000
"""A file that grows to more than this when its aliases are written out is refused."""


@dataclass(frozen=True, order=True)
class Fault:
    """One fault of a definition file.

    Printed as ``file:line: key: what is wrong; what would do``; ``line`` is 0 where none is known.
    """

    file: str
    line: int
    key: str
    problem: str
    mend: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key or '(file)'}: {self.problem}; {self.mend}"


class FaultyDefinitions(Exception):
    """Definition files that may not be used; ``faults`` holds every fault of every file."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


class Definition(BaseModel):
    """The base of all models of definition files: immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
"""A name in a definition file: small Latin letters, digits, underscores."""


def _plain(text: str) -> str:
    if any(mark in text for mark in ("{{", "{%", "<", ">")):
        raise ValueError("must be plain text, without markup or template signs")
    return text


Sentence = Annotated[
    str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True), AfterValidator(_plain)
]


class Words(Definition):
    """The same words in the three languages; all three are required."""

    kk: Sentence
    ru: Sentence
    en: Sentence

    def __getitem__(self, language: str) -> str:
        return str(getattr(self, language))


M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Source:
    """A definition file as read: its name for faults, its hash, and the lines of its keys."""

    file: str
    sha256: str
    tree: Any

    def line_of(self, *path: str | int) -> int:
        """Return the line (from 1) of the deepest part of ``path`` that exists in the file."""
        node, line = self.tree, 1
        for part in path:
            try:
                if isinstance(node, CommentedMap) and part in node:
                    line = node.lc.key(part)[0] + 1
                elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
                    line = node.lc.item(part)[0] + 1
                else:
                    continue  # a discriminator or a union's branch, not a key of the file
                node = node[part]
            except (AttributeError, KeyError, IndexError, TypeError):
                break
        return line

    def fault(self, path: Sequence[str | int], problem: str, mend: str) -> Fault:
        """Return a fault of this file at ``path``."""
        return Fault(self.file, self.line_of(*path), ".".join(map(str, path)), problem, mend)


@dataclass(frozen=True)
class Reading(Generic[M]):
    """What was read of a file, and the faults of its shape.

    ``text`` has gaps (``definition_remains``) where the file is faulty, so that the checks of its sense
    go on with the rest; None when nothing could be read.  Only without any fault may it be used.
    """

    text: M | None
    source: Source
    faults: tuple[Fault, ...] = ()
    told: frozenset[str] = frozenset()
    """The keys whose values are gaps."""

    def untold(self, found: Iterable[Fault]) -> list[Fault]:
        """Return the faults of sense but those at or under a value whose shape is told already."""
        return [fault for fault in found if not any(f"{fault.key}.".startswith(f"{key}.") for key in self.told)]


def read(path: Path, model: type[M], *, root: Path) -> Reading[M]:
    """Read one definition file into ``model``, with every fault of its shape.

    Nothing of the file is executed: tags are refused, aliases too (they can multiply without
    bound), and a key may stand only once.
    """
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
    raw = path.read_bytes()
    empty = Source(name, hashlib.sha256(raw).hexdigest(), None)
    if len(raw) > LARGEST_FILE:
        fault = Fault(name, 0, "", "the file is too large", f"at most {LARGEST_FILE} bytes")
        return Reading(None, empty, (fault,))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        fault = Fault(name, 0, "", f"byte {error.start} is not UTF-8", "save the file as UTF-8")
        return Reading(None, empty, (fault,))
    found: list[_Refused] = []
    try:
        tree = _parse(text, found)
        data = _plain_data(tree)
    except _Refused as error:
        found.append(error)
        tree = data = None
    faults = [Fault(name, each.line, each.key, each.problem, each.mend) for each in found]
    if data is None:
        return Reading(None, empty, tuple(faults))
    if not isinstance(tree, CommentedMap):
        faults.append(Fault(name, 1, "", "the file holds no mapping", "begin with key: value lines"))
        return Reading(None, empty, tuple(faults))
    return _shaped(model, Source(name, empty.sha256, tree), faults)


def _shaped(model: type[M], source: Source, faults: list[Fault]) -> Reading[M]:
    """Fit a tree into its model; misspelt keys are told, and read as what they mean."""

    def misspelt(path: list[str | int], node: Any, wrong: str, right: str) -> None:
        mend = f"did you mean '{right}'? remove it or correct its spelling"
        faults.append(source.fault([*path, wrong], "this key is unknown", mend))
        node.lc.data[right] = node.lc.data[wrong]
        node[right] = node.pop(wrong)

    tree = source.tree
    find_misspelt(model, tree, misspelt)
    data = _plain_data(tree)
    try:
        return Reading(model.model_validate(data), source, tuple(faults))
    except ValidationError as error:
        told = set()
        for found in error.errors(include_url=False):
            loc = [part for part in found["loc"] if not (isinstance(part, str) and "[" in part)]
            problem = str(found["msg"]).removeprefix("Value error, ")
            fault = source.fault(_known_part(tree, loc), problem, _mend(found))
            faults.append(fault)
            if len(loc) == len(found["loc"]):  # not a faulty key, whose value may be sound
                told.add(fault.key)
        return Reading(remains(model, data), source, tuple(dict.fromkeys(faults)), frozenset(told))


def _known_part(tree: Any, loc: Sequence[str | int]) -> list[str | int]:
    """Drop the parts of a pydantic location that are names of union branches, not keys of the file."""
    kept: list[str | int] = []
    node = tree
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        is_item = isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node)
        if is_item or (isinstance(node, CommentedMap) and part in node):
            node = node[part]
        elif not last:
            continue
        kept.append(part)
    return kept


def _mend(found: Any) -> str:
    kind = found["type"]
    if "mend" in found.get("ctx", {}):  # a check of our own that knows what would do
        return str(found["ctx"]["mend"])
    if kind == "missing":
        return "add this key"
    if kind == "extra_forbidden":
        return "remove it or correct its spelling"
    if kind in ("literal_error", "enum", "union_tag_invalid"):
        context = found.get("ctx", {})
        return f"use one of: {context.get('expected') or context.get('expected_tags')}"
    if kind == "string_pattern_mismatch":
        return "use small Latin letters, digits and underscores"
    return f"found {str(found.get('input'))[:60]!r}; correct the value"


class _Refused(Exception):
    def __init__(self, line: int, problem: str, mend: str, key: str = "") -> None:
        super().__init__(problem)
        self.line, self.problem, self.mend, self.key = line, problem, mend, key


def _parse(text: str, found: list[_Refused]) -> Any:
    """Return the tree of a file; what may not stand in it but hinders no reading goes to ``found``."""
    yaml = YAML(typ="rt")
    yaml.version = (1, 2)  # so that `no` stays a word
    yaml.allow_duplicate_keys = True  # told below; the first one counts
    try:
        found.extend(_unwanted(text))
        found.extend(_doubled(YAML(typ="rt").compose(text), (), set()))
        return yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _Refused(mark.line + 1 if mark else 0, str(error.problem or error.context), "correct the YAML") from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise _Refused(0, f"not readable as YAML ({type(error).__name__})", "correct the YAML") from None


def _unwanted(text: str) -> Iterator[_Refused]:
    """Yield the tags and, once each, the anchors with their aliases."""
    anchors: set[str] = set()
    if not any(sign in text for sign in "&*!"):
        return
    for event in YAML(typ="rt").parse(StringIO(text)):
        line = event.start_mark.line + 1
        anchor = getattr(event, "anchor", None)
        if anchor and anchor not in anchors:
            anchors.add(anchor)
            yield _Refused(line, f"anchors and aliases are not read: '{anchor}'", "write the part out")
        tag = getattr(event, "tag", None)
        if tag is not None and type(event).__name__ != "DocumentStartEvent" and str(tag) not in ("", "!"):
            yield _Refused(line, f"the tag {tag} is not read", "remove it")


def _doubled(node: Any, path: tuple[str, ...], seen: set[int]) -> Iterator[_Refused]:
    """Yield the keys that stand a second time in their mapping."""
    if id(node) in seen:
        return  # the part behind an alias
    seen.add(id(node))
    if isinstance(node, SequenceNode):
        for number, item in enumerate(node.value):
            yield from _doubled(item, (*path, str(number)), seen)
    elif isinstance(node, MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            word = str(key.value) if isinstance(key, ScalarNode) else ""
            place = (*path, word)
            line = key.start_mark.line + 1
            if word in lines:
                problem = f"duplicate key: it stands at line {lines[word]} already"
                yield _Refused(line, problem, "remove one of them", ".".join(place))
            lines.setdefault(word, line)
            yield from _doubled(value, place, seen)


def _plain_data(tree: Any) -> Any:
    """Return the tree as plain values.

    Raises:
        _Refused: aliases make it grow without bound.
    """
    met = count()

    def plain(node: Any) -> Any:
        if next(met) > MOST_VALUES:
            raise RecursionError
        if isinstance(node, CommentedMap):
            return {key: plain(value) for key, value in node.items()}
        if isinstance(node, CommentedSeq):
            return [plain(value) for value in node]
        if isinstance(node, TaggedScalar):
            return node.value
        if isinstance(node, bool):
            return node
        kind = next((kind for kind in (str, int, float) if isinstance(node, kind)), None)
        return kind(node) if kind else node

    try:
        return plain(tree)
    except RecursionError:
        raise _Refused(0, "the aliases grow without bound", "write the parts out") from None
