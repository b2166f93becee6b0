"""Definition files: YAML read with its line numbers into pydantic models, every fault told at once.

The engines (``workflows``, ``forms``) know their models; this file alone knows PyYAML, and of it only
the parser: which words are numbers or truths is decided here, by the core schema of YAML 1.2 (its
chapter 10.3), so that ``no`` stays a word.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from app.definition_remains import find_misspelt, remains

LARGEST_FILE = 1_000_000
"""Bytes; a definition file larger than this is refused unread."""

MOST_VALUES = 100_000
"""A file that grows to more than this when its aliases are written out is refused."""


@dataclass(frozen=True, order=True)
class Fault:
    """One fault of a definition file.

    Printed as ``file:line: key: what is wrong; what would do``; ``line`` is 0 where none is known.
    ``example`` tells, where there is one, the acts that lead to where the fault shows.
    """

    file: str
    line: int
    key: str
    problem: str
    mend: str
    example: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        shown = f"; for example: {self.example}" if self.example else ""
        return f"{place}: {self.key or '(file)'}: {self.problem}; {self.mend}{shown}"


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


class FileMapping(dict[Any, Any]):
    """A mapping of a file, with the line (from 1) of each key; ``files`` names the file of a key from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[Any, int] = {}
        self.files: dict[Any, str] = {}


class FileSequence(list[Any]):
    """A sequence of a file, with the line (from 1) of each item; ``files`` as those of a mapping, by number."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []
        self.files: dict[int, str] = {}


@dataclass(frozen=True)
class Source:
    """A definition file as read: its name for faults, its hash, and its tree with the lines of its keys."""

    file: str
    sha256: str
    tree: Any

    def line_of(self, *path: str | int) -> int:
        """Return the line (from 1) of the deepest part of ``path`` that exists in the file."""
        return self._place_of(path)[1]

    def _place_of(self, path: Sequence[str | int]) -> tuple[str, int]:
        node, line, file = self.tree, 1, self.file
        for part in path:
            try:
                if isinstance(node, FileMapping):
                    known = part in node
                else:
                    known = isinstance(node, FileSequence) and isinstance(part, int) and part < len(node)
                if known:
                    line = node.lines[part]
                    file = node.files.get(part, file)
                else:
                    continue  # a discriminator or a union's branch, not a key of the file
                node = node[part]
            except (AttributeError, KeyError, IndexError, TypeError):
                break
        return file, line

    def fault(self, path: Sequence[str | int], problem: str, mend: str) -> Fault:
        """Return a fault of this file at ``path``, of the file where that part stands."""
        file, line = self._place_of(path)
        mend = mend if file == self.file else f"{mend} (used by {self.file})"
        return Fault(file, line, ".".join(map(str, path)), problem, mend)


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


Shared = Mapping[str, Source | None]
"""Name of a shared file with its version ("rating.v1") -> the file, None for a faulty one."""

Join = Callable[[Any, Source], Source | None]
"""Puts what a file's tree takes from shared files into their place, given its source without a tree.

Returns None when one of them is faulty; raises ``Refused`` where the file names none that there is.
"""


def name_of(path: Path, root: Path) -> str:
    """Return how faults name a file: as seen from ``root``, whole where it lies elsewhere."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def misnamed(path: Path, root: Path, *, shape: str, like: str) -> Fault:
    """Return the fault of a file whose name is of no such ``shape``; ``like`` is a name that would do."""
    return Fault(name_of(path, root), 0, "", f"the file name is not {shape}", f"name it like {like}")


def named_files(
    folder: Path, pattern: re.Pattern[str], root: Path, faults: list[Fault], *, shape: str, like: str
) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield the files of ``folder``, which need not be there, with the groups of ``pattern`` in their names.

    A name of no such ``shape`` is told in ``faults``, with one it should be ``like``; hidden files are passed over.
    """
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith("."):
            continue
        named = pattern.fullmatch(path.name)
        if named is None:
            faults.append(misnamed(path, root, shape=shape, like=like))
            continue
        yield path, named.groups()


def read(path: Path, model: type[M], *, root: Path, join: Join | None = None) -> Reading[M]:
    """Read one definition file into ``model``, with every fault of its shape.

    ``join`` puts shared files in; a file that uses a faulty one is not read, and has no fault of its
    own for that.

    Nothing of the file is executed: tags are refused, aliases too (they can multiply without
    bound), and a key may stand only once.
    """
    name = name_of(path, root)
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
    found: list[Refused] = []
    try:
        tree = _parse(text, found)
        data = _plain_data(tree)
    except Refused as error:
        found.append(error)
        tree = data = None
    faults = [Fault(name, each.line, each.key, each.problem, each.mend) for each in found]
    if data is None:
        return Reading(None, empty, tuple(faults))
    if not isinstance(tree, FileMapping):
        faults.append(Fault(name, 1, "", "the file holds no mapping", "begin with key: value lines"))
        return Reading(None, empty, tuple(faults))
    try:
        source = join(tree, empty) if join else Source(empty.file, empty.sha256, tree)
    except Refused as error:
        faults.append(Fault(name, error.line, error.key, error.problem, error.mend))
        source = None
    return _shaped(model, source, faults) if source else Reading(None, empty, tuple(faults))


def shared_file(shared: Shared, name: object, what: str, *, line: int, key: str) -> Source | None:
    """Return the shared file of a name, None for a faulty one; ``what`` it is called ("section").

    Raises:
        Refused: there is none; the nearest is named.
    """
    if name not in shared:
        near = difflib.get_close_matches(str(name), shared, n=1)
        known = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(shared)) or 'none'}"
        raise Refused(line, f"there is no shared {what} '{name}'", known, key)
    return shared[str(name)]


def joint_hash(hashes: Sequence[str]) -> str:
    """Return the hash of a definition out of those of its files, of the one file its own."""
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def load_shared(
    folder: Path, root: Path, model: type[BaseModel], *, what: str, example: str
) -> tuple[Shared, list[Fault]]:
    """Read the shared files of ``folder``; a faulty one is known, so that its users are not blamed.

    Each is named ``<key>.v<version>.yaml``, and says both: the key as ``what`` ("section").
    """
    found: dict[str, Source | None] = {}
    faults: list[Fault] = []
    shape = f"<{what}>.v<version>.yaml"
    for path, named in named_files(folder, _SHARED_NAME, root, faults, shape=shape, like=example):
        reading = read(path, model, root=root)
        wrong = list(reading.faults)
        if reading.text is not None and not wrong:
            said = ((what, named[0]), ("version", named[1]))
            wrong += [
                reading.source.fault([key], f"'{own}' is not what the file's name says", f"write {key}: {right}")
                for key, right in said
                if (own := str(getattr(reading.text, key))) != right
            ]
        faults += wrong
        found[f"{named[0]}.v{named[1]}"] = None if wrong else reading.source
    return found, faults


_SHARED_NAME = re.compile(r"([a-z][a-z0-9_]{0,59})\.v([1-9][0-9]{0,3})\.yaml")


def _shaped(model: type[M], source: Source, faults: list[Fault]) -> Reading[M]:
    """Fit a tree into its model; misspelt keys are told, and read as what they mean."""

    def misspelt(path: list[str | int], node: Any, wrong: str, right: str) -> None:
        mend = f"did you mean '{right}'? remove it or correct its spelling"
        faults.append(source.fault([*path, wrong], "this key is unknown", mend))
        node.lines[right] = node.lines[wrong]
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
        is_item = isinstance(node, FileSequence) and isinstance(part, int) and part < len(node)
        if is_item or (isinstance(node, FileMapping) and part in node):
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


class Refused(Exception):
    """A file that cannot be read further than this line."""

    def __init__(self, line: int, problem: str, mend: str, key: str = "") -> None:
        super().__init__(problem)
        self.line, self.problem, self.mend, self.key = line, problem, mend, key


_LOADER: Any = getattr(yaml, "CLoader", yaml.Loader)
"""libyaml's parser where PyYAML was built with it: twenty times as fast. Only events and nodes are asked of it."""

_SCALARS: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"(?:null|Null|NULL|~|)"), lambda text: None),
    (re.compile(r"(?:true|True|TRUE|false|False|FALSE)"), lambda text: text.lower() == "true"),
    (re.compile(r"[-+]?[0-9]{1,4000}"), int),
    (re.compile(r"0o[0-7]{1,4000}"), lambda text: int(text[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]{1,4000}"), lambda text: int(text[2:], 16)),
    (re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"), lambda text: float(text.replace(".", ""))),
)
"""What a plain scalar may be besides a text."""


def _parse(text: str, found: list[Refused]) -> Any:
    """Return the tree of a file; what may not stand in it but hinders no reading goes to ``found``."""
    try:
        found.extend(_unwanted(text))
        root = yaml.compose(text, Loader=_LOADER)
        found.extend(_doubled(root, (), set()))
        return _tree(root, {})
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Refused(mark.line + 1 if mark else 0, str(error.problem or error.context), "correct the YAML") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Refused(0, f"not readable as YAML ({type(error).__name__})", "correct the YAML") from None


def _tree(node: Node | None, met: dict[int, Any]) -> Any:
    """Return mappings, sequences and scalars of a node; the part behind aliases is one and the same each time."""
    if node is None or isinstance(node, ScalarNode):
        return None if node is None else _scalar(node)
    if id(node) in met:
        return met[id(node)]
    if isinstance(node, SequenceNode):
        items = met[id(node)] = FileSequence()
        for item in node.value:
            items.lines.append(_line(item))
            items.append(_tree(item, met))
        return items
    mapping = met[id(node)] = FileMapping()
    for key, value in node.value:
        word, line = _tree(key, met), _line(key)
        if isinstance(word, FileMapping | FileSequence):
            raise Refused(line, "a key that is no word", "write a word before the colon")
        if word not in mapping:  # the first of doubled keys counts
            mapping.lines[word] = line
            mapping[word] = _tree(value, met)
    return mapping


def _line(node: Node | yaml.Event) -> int:
    return node.start_mark.line + 1 if node.start_mark else 0


def _scalar(node: ScalarNode) -> Any:
    text = str(node.value)
    if not node.style:  # neither quoted nor a block
        for pattern, value in _SCALARS:
            if pattern.fullmatch(text):
                return value(text)
    return text


def _unwanted(text: str) -> Iterator[Refused]:
    """Yield the tags and, once each, the anchors with their aliases."""
    anchors: set[str] = set()
    if not any(sign in text for sign in "&*!"):
        return
    for event in yaml.parse(text, Loader=_LOADER):
        line = _line(event)
        anchor = getattr(event, "anchor", None)
        if anchor and anchor not in anchors:
            anchors.add(anchor)
            yield Refused(line, f"anchors and aliases are not read: '{anchor}'", "write the part out")
        tag = getattr(event, "tag", None)
        if tag not in (None, "", "!"):
            yield Refused(line, f"the tag {tag} is not read", "remove it")


def _doubled(node: Any, path: tuple[str, ...], seen: set[int]) -> Iterator[Refused]:
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
            line = _line(key)
            if word in lines:
                problem = f"duplicate key: it stands at line {lines[word]} already"
                yield Refused(line, problem, "remove one of them", ".".join(place))
            lines.setdefault(word, line)
            yield from _doubled(value, place, seen)


def _plain_data(tree: Any) -> Any:
    """Return the tree as plain values.

    Raises:
        Refused: aliases make it grow without bound.
    """
    met = count()

    def plain(node: Any) -> Any:
        if next(met) > MOST_VALUES:
            raise RecursionError
        if isinstance(node, FileMapping):
            return {key: plain(value) for key, value in node.items()}
        if isinstance(node, FileSequence):
            return [plain(value) for value in node]
        return node

    try:
        return plain(tree)
    except RecursionError:
        raise Refused(0, "the aliases grow without bound", "write the parts out") from None
