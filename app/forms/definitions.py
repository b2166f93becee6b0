"""Reads the form files, and reports every fault of every file at once.

``forms/issuer.v1.yaml`` is a simple form.  A dynamic form is a folder: ``_criteria.v1.yaml`` holds
its lists, the tree below is the chain (``main/shares/premium.v1.yaml``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any, Generic, TypeVar

from app.definition_files import Fault, FaultyDefinitions, Reading, Source, Words, read
from app.definition_remains import is_gap, is_told
from app.errors import NotFound
from app.forms.dynamic import CriteriaFile, DynamicForm, Level, Option, Path
from app.forms.simple import Choices, Field, Form, FormFile, Parsed, Section

__all__ = [
    "Choices",
    "DynamicForm",
    "Field",
    "Form",
    "FormLibrary",
    "Level",
    "Option",
    "Parsed",
    "Section",
    "Words",
    "load",
]

CRITERIA = "_criteria"
_FILE_NAME = re.compile(r"(_criteria|[a-z][a-z0-9_]{0,59})\.v([1-9][0-9]{0,3})\.yaml")
_Named = list[tuple[list[str | int], Any]]
"""Parts of a file that carry a key, with their places."""

_FOLDER_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


_Outlines = dict[int, FormFile | CriteriaFile | None]
"""Version -> what can be read of a faulty file."""

F = TypeVar("F", Form, DynamicForm)
T = TypeVar("T", FormFile, CriteriaFile)


@dataclass(frozen=True)
class _Found(Generic[F, T]):
    """A form file: its name, what can be read of it, and the form if there is no fault."""

    key: str
    version: int
    text: T | None = None
    form: F | None = None


class FormLibrary:
    """All forms of all versions, read once and then only read."""

    def __init__(self, forms: Iterable[Form | DynamicForm] = (), faulty: Mapping[str, _Outlines] | None = None) -> None:
        self._faulty = faulty or {}
        self._versions: dict[str, dict[int, Form | DynamicForm]] = {}
        self._named: dict[str, Form | DynamicForm] = {}
        for form in forms:
            self._versions.setdefault(form.key, {})[form.version] = form
            self._named[form.name] = form
            if isinstance(form, DynamicForm):
                self._named.update({leaf.name: leaf for leaves in form.forms.values() for leaf in leaves.values()})

    def keys(self) -> tuple[str, ...]:
        """Return the keys of the forms that stages may name, in the order of the alphabet."""
        return tuple(sorted(self._versions))

    def get(self, key: str, version: int | None = None) -> Form | DynamicForm:
        """Return a form of one version, or the newest.

        Raises:
            NotFound: there is no such form, or not of this version.
        """
        versions = self._versions.get(key, {})
        found = versions.get(max(versions) if version is None and versions else version or 0)
        if found is None:
            raise NotFound()
        return found

    def outline(self, key: str, unreadable: object) -> object | None:
        """Return the newest form of ``key`` for cross-checks, of a faulty one what remains.

        ``unreadable`` is given for a form of which nothing can be read; None says that there is no such form.
        """
        versions = {**self._faulty.get(key, {}), **self._versions.get(key, {})}
        return (versions[max(versions)] or unreadable) if versions else None

    def named(self, name: str) -> Form | DynamicForm:
        """Return the form of a name with its version (``issuer.v1``), forms inside dynamic ones too.

        Raises:
            NotFound: there is none.
        """
        if name not in self._named:
            raise NotFound()
        return self._named[name]

    def all(self) -> tuple[Form | DynamicForm, ...]:
        """Return every form of every version, those inside dynamic forms too."""
        return tuple(self._named[name] for name in sorted(self._named))


def load(folder: FilePath, root: FilePath) -> tuple[FormLibrary, list[Fault]]:
    """Read all form files of ``folder``; faults name files as seen from ``root``.

    The library holds the forms that have no fault, and the outlines of the others.
    """
    faults: list[Fault] = []
    forms: list[Form | DynamicForm] = []
    faulty: dict[str, _Outlines] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith("."):
            continue
        found = _dynamic_forms(path, root, faults) if path.is_dir() else [_simple_form(path, root, faults)]
        for each in found:
            if each.form is None:
                faulty.setdefault(each.key, {})[each.version] = each.text
            else:
                forms.append(each.form)
    return FormLibrary(forms, faulty), sorted(set(faults))


def require_sound(faults: Sequence[Fault]) -> None:
    """Refuse faulty definitions.

    Raises:
        FaultyDefinitions: there is any fault.
    """
    if faults:
        raise FaultyDefinitions(faults)


def _named(path: FilePath, root: FilePath, faults: list[Fault], *, criteria: bool = False) -> tuple[str, int] | None:
    """Return key and version out of a file's name; a fault if it does not have the shape."""
    found = _FILE_NAME.fullmatch(path.name)
    if found is None or (found[1] == CRITERIA) > criteria:
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
        faults.append(Fault(name, 0, "", "the file name is not <form>.v<version>.yaml", "name it like issuer.v1.yaml"))
        return None
    return found[1], int(found[2])


def _own_name_faults(source: Source, form: object, version: object, expected: tuple[str, int]) -> list[Fault]:
    faults = []
    if form != expected[0]:
        faults.append(source.fault(["form"], f"'{form}' is not the file's name", f"write form: {expected[0]}"))
    if version != expected[1]:
        faults.append(
            source.fault(["version"], f"{version} is not the file's version", f"write version: {expected[1]}")
        )
    return faults


def _simple_form(path: FilePath, root: FilePath, faults: list[Fault], prefix: str = "") -> _Found[Form, FormFile]:
    """Read one simple form; ``prefix`` is the chain before a form inside a dynamic one."""
    expected = _named(path, root, faults)
    name, version = expected or (path.name.partition(".")[0].lower(), 0)
    key = f"{prefix}{name}"
    if expected is None and path.suffix not in (".yaml", ".yml"):
        return _Found(key, version)
    reading = read(path, FormFile, root=root)
    file, source = reading.text, reading.source
    if file is None:
        faults += reading.faults
        return _Found(key, version)
    found = _own_name_faults(source, file.form, file.version, expected) if expected else []
    found += _options_faults(file, source)
    found += _twice(source, _places_of_fields(source.tree), "field")
    sections: _Named = [(["sections", n], section) for n, section in _items(source.tree.get("sections"))]
    found += _twice(source, sections, "section")
    found = _all_faults(reading, found)
    faults += found
    if found or expected is None:
        return _Found(key, version, file)
    form = Form(key, file.version, file.title, file.sections, file.demo_data, source.sha256, file.note)
    return _Found(key, version, file, form)


def _all_faults(reading: Reading[Any], sense: Iterable[Fault]) -> list[Fault]:
    found = [*reading.faults, *reading.untold(sense)]
    return [_told_by_keys(fault, reading.source) for fault in found]


def _options_faults(file: FormFile, source: Source) -> list[Fault]:
    """Return the examples that are no option where the options are faulty in other ways, and so nobody judged them."""
    faults = []
    for number, section in enumerate(file.sections):
        for place, asked in enumerate(section.fields):
            if asked.type != "choice" or not isinstance(asked.options, dict) or not isinstance(asked.example, str):
                continue
            if asked.example not in asked.options and not is_told(asked.example, asked.options):
                at: list[str | int] = ["sections", number, "fields", place, "example"]
                problem = f"field '{asked.key}': its example '{asked.example}' is not valid"
                faults.append(source.fault(at, problem, "choose an option of the list"))
    return faults


@dataclass
class _Tree:
    """What the folder of a dynamic form holds."""

    folders: set[Path] = field(default_factory=set)
    forms: dict[Path, dict[int, Form]] = field(default_factory=dict)
    files: dict[Path, list[FormFile]] = field(default_factory=dict)
    """Every chain that ends in a form file, with what can be read of its versions."""


_Criteria = list[tuple[tuple[str, int], Reading[CriteriaFile]]]


def _dynamic_forms(folder: FilePath, root: FilePath, faults: list[Fault]) -> list[_Found[DynamicForm, CriteriaFile]]:
    found: list[Fault] = []
    tree = _Tree()
    criteria: _Criteria = []
    name = folder.relative_to(root).as_posix() if folder.is_relative_to(root) else folder.as_posix()
    if not any(folder.glob(f"{CRITERIA}.*")):
        found.append(Fault(name, 0, "", "a dynamic form without criteria", f"add {name}/{CRITERIA}.v1.yaml"))
    _walk(folder, (), tree, criteria, folder, root, found)
    for expected, reading in criteria:
        if reading.text is None:
            found += reading.faults
        else:
            found += _all_faults(reading, _criteria_faults(reading.text, reading.source, expected, tree, name))
    faults += found
    if not criteria:
        return [_Found(folder.name, 0)]
    if found:
        return [_Found(folder.name, version, reading.text) for (_, version), reading in criteria]
    return [
        _Found(folder.name, version, reading.text, _dynamic_form(reading.text, reading.source, tree))
        for (_, version), reading in criteria
        if reading.text is not None
    ]


def _walk(
    folder: FilePath,
    chain: Path,
    tree: _Tree,
    criteria: _Criteria,
    top: FilePath,
    root: FilePath,
    faults: list[Fault],
) -> None:
    tree.folders.add(chain)
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            if _FOLDER_NAME.fullmatch(path.name) is None:
                place = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
                faults.append(Fault(place, 0, "", "the folder's name is no option key", "use small Latin letters"))
                continue
            _walk(path, (*chain, path.name), tree, criteria, top, root, faults)
        elif folder == top and path.name.startswith(CRITERIA):
            expected = _named(path, root, faults, criteria=True)
            if expected is not None:
                criteria.append(((top.name, expected[1]), read(path, CriteriaFile, root=root)))
        else:
            prefix = "/".join((top.name, *chain)) + "/"
            found = _simple_form(path, root, faults, prefix)
            place_of_form = (*chain, found.key.removeprefix(prefix))
            texts = tree.files.setdefault(place_of_form, [])
            if found.text is not None:
                texts.append(found.text)
            if found.form is not None:
                tree.forms.setdefault(place_of_form, {})[found.version] = found.form


def _criteria_faults(
    file: CriteriaFile, source: Source, expected: tuple[str, int], tree: _Tree, folder: str
) -> list[Fault]:
    named: _Named = [(["levels", n], level) for n, level in _items(source.tree.get("levels"))]
    asked: _Named = [(["keys", n], each) for n, each in _items(source.tree.get("keys"))]
    return [
        *_own_name_faults(source, file.form, file.version, expected),
        *_twice(source, [*named, *asked], "level or key field"),
        *_tree_faults(file, source, tree, folder),
        *_key_faults(file, source, tree),
    ]


def _dynamic_form(file: CriteriaFile, source: Source, tree: _Tree) -> DynamicForm:
    return DynamicForm(
        key=file.form,
        version=file.version,
        title=file.title,
        note=file.note,
        add_label=file.add_label,
        entry_label=file.entry_label,
        min_entries=file.min_entries,
        levels=file.levels,
        keys=file.keys,
        demo_data=file.demo_data,
        sha256=source.sha256,
        folders=frozenset(tree.folders),
        forms=tree.forms,
    )


def _tree_faults(file: CriteriaFile, source: Source, tree: _Tree, folder: str) -> list[Fault]:
    """Return the folders and forms that no choice leads to, and the `under` that name no path."""
    faults = []
    dynamic = _dynamic_form(file, source, tree)
    lost: list[Path] = []
    for chain in sorted(tree.folders | tree.files.keys()):
        if not _leads_to(dynamic, chain) and chain[:-1] not in lost:
            place = f"{folder}/{'/'.join(chain)}"
            faults.append(source.fault(["levels"], f"no choice leads to {place}", "add the option, or move the file"))
        if not _leads_to(dynamic, chain):
            lost.append(chain)
    for chain in sorted(tree.folders & tree.files.keys()):
        place = f"{folder}/{'/'.join(chain)}"
        faults.append(source.fault(["levels"], f"{place} is a folder and a form", "keep one of them"))
    if not tree.files:
        faults.append(source.fault(["levels"], "the folder holds no form", "add one, or remove the folder"))
    for number, level in enumerate(file.levels):
        for key, option in level.options.items():
            at: list[str | int] = ["levels", number, "options", key, "under"]
            faults += [
                source.fault(at, f"'{place}' is no path of the levels before", "write options like main/shares")
                for place in option.under
                if _is_no_path(dynamic, place, number)
                if not is_gap(place) and not any(tuple(place.split("/"))[: len(chain)] == chain for chain in lost)
            ]
    return faults


def _is_no_path(dynamic: DynamicForm, place: str, number: int) -> bool:
    """Tell whether an `under` of the level ``number`` names no path of the levels before."""
    return place.count("/") >= number or not _leads_to(dynamic, tuple(place.split("/")))


def _leads_to(dynamic: DynamicForm, chain: Path) -> bool:
    """Tell whether the lists lead to ``chain``, faulty parts of them granted."""
    if len(chain) > len(dynamic.levels):
        return False
    for depth, key in enumerate(chain):
        options = dynamic.levels[depth].options
        if key not in options:
            if is_told(key, options):
                continue
            return False
        option = options[key]
        is_faulty = any(_is_no_path(dynamic, place, depth) for place in option.under)
        if not is_faulty and not option.is_offered_after(chain[:depth]):
            return False
    return True


def _key_faults(file: CriteriaFile, source: Source, tree: _Tree) -> list[Fault]:
    """Return the free fields whose key stands in a form of the tree too: an entry holds both."""
    faults = []
    forms = [(chain, form) for chain, texts in sorted(tree.files.items()) for form in texts]
    for number, asked in enumerate(file.keys):
        names = [
            f"{file.form}/{'/'.join(chain)}.v{form.version}"
            for chain, form in forms
            if not is_gap(asked.key) and any(asked.key == other.key for other in form.fields)
        ]
        if names:
            problem = f"field '{asked.key}' stands in {', '.join(names)} too"
            faults.append(source.fault(["keys", number, "key"], problem, "rename one of them"))
    return faults


def _items(sequence: Any) -> list[tuple[int, Any]]:
    return list(enumerate(sequence)) if isinstance(sequence, list) else []


def _places_of_fields(tree: Any) -> _Named:
    return [
        (["sections", section, "fields", number], asked)
        for section, content in _items(tree.get("sections"))
        if isinstance(content, Mapping)
        for number, asked in _items(content.get("fields"))
    ]


def _twice(source: Source, named: _Named, what: str) -> list[Fault]:
    """Return a fault for each key that stands a second time; read from the tree, so that other faults hide none."""
    seen: set[object] = set()
    faults = []
    for place, item in named:
        key = item.get("key") if isinstance(item, Mapping) else None
        if isinstance(key, str) and key in seen:
            faults.append(source.fault([*place, "key"], f"{what} '{key}' stands twice", "rename one of them"))
        seen.add(key)
    return faults


def _told_by_keys(fault: Fault, source: Source) -> Fault:
    """Return ``fault`` with the numbers in its key replaced by the keys of what they count."""
    node, told = source.tree, []
    for part in fault.key.split("."):
        try:
            node = node[int(part) if isinstance(node, list) else part]
        except (KeyError, IndexError, ValueError, TypeError):
            node = None
        key = node.get("key") if part.isdigit() and isinstance(node, Mapping) else None
        told.append(str(key) if isinstance(key, str) else part)
    return replace(fault, key=".".join(told))
