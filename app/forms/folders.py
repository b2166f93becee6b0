"""Reads the folder of a dynamic form: its criteria, and the tree of forms that they lead to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath

from app.definition_files import Fault, Reading, Source, name_of, read
from app.definition_remains import is_gap, is_told
from app.forms import logic
from app.forms.dynamic import CriteriaFile, DynamicForm, Path, level_fields
from app.forms.form_files import (
    CRITERIA,
    Beside,
    Found,
    Named,
    all_faults,
    faults_of_twins,
    items_of,
    name_and_version,
    own_name_faults,
    read_simple_form,
    sense_faults,
    told_by_keys,
)
from app.forms.parts import FormFile, Section, examples
from app.forms.simple import Form

_FOLDER_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


def _sense_of_leaves(criteria: CriteriaFile, tree: _Tree) -> list[Fault]:
    """Return what is wrong with the expressions and examples of the forms that the lists lead to."""
    around = (*level_fields(criteria.levels), *criteria.keys)
    given = examples(criteria.keys)
    found: list[Fault] = []
    for chain, files in sorted(tree.sound.items()):
        for path in _served(criteria, tree, chain):
            chosen = {level.key: option for level, option in zip(criteria.levels, path, strict=False)}
            for file, source in files:
                sense = sense_faults(file, source, tree.beside.figures, around, {**chosen, **given})
                found += [told_by_keys(each, source) for each in sense]
    return found


def _served(criteria: CriteriaFile, tree: _Tree, chain: Path) -> list[Path]:
    """Return the complete paths that the form at ``chain`` serves; of one that is never reached, its own."""
    dynamic = _dynamic_form(criteria, Source("", "", None), tree)
    return [path for path in dynamic.paths() if dynamic.nearest(path) == chain] or [chain]


@dataclass
class _Tree:
    """What the folder of a dynamic form holds, and what its forms draw on."""

    beside: Beside
    folders: set[Path] = field(default_factory=set)
    forms: dict[Path, dict[int, Form]] = field(default_factory=dict)
    files: dict[Path, list[FormFile]] = field(default_factory=dict)
    """Every chain that ends in a form file, with what can be read of its versions."""
    sound: dict[Path, list[tuple[FormFile, Source]]] = field(default_factory=dict)


_Criteria = list[tuple[tuple[str, int], Reading[CriteriaFile]]]


def read_dynamic_forms(
    folder: FilePath, root: FilePath, faults: list[Fault], beside: Beside
) -> list[Found[DynamicForm, CriteriaFile]]:
    found: list[Fault] = []
    tree = _Tree(beside)
    criteria: _Criteria = []
    name = name_of(folder, root)
    if not any(folder.glob(f"{CRITERIA}.*")):
        found.append(Fault(name, 0, "", "a dynamic form without criteria", f"add {name}/{CRITERIA}.v1.yaml"))
    _walk(folder, (), tree, criteria, folder, root, found)
    newest = max((reading.text for _, reading in criteria if reading.text), key=lambda text: text.version, default=None)
    if newest is not None and not found:
        found += _sense_of_leaves(newest, tree)
    for expected, reading in criteria:
        if reading.text is None:
            found += reading.faults
        else:
            sense = _criteria_faults(reading.text, reading.source, expected, tree, name)
            found += all_faults(reading, sense if reading.faults else [*sense, *_expressions_of_keys(reading)])
    faults += found
    if not criteria:
        return [Found(folder.name, 0)]
    if found:
        return [Found(folder.name, version, reading.text) for (_, version), reading in criteria]
    return [
        Found(folder.name, version, reading.text, _dynamic_form(reading.text, reading.source, tree))
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
                place = name_of(path, root)
                faults.append(Fault(place, 0, "", "the folder's name is no option key", "use small Latin letters"))
                continue
            _walk(path, (*chain, path.name), tree, criteria, top, root, faults)
        elif folder == top and path.name.startswith(CRITERIA):
            expected = name_and_version(path, root, faults, criteria=True)
            if expected is not None:
                criteria.append(((top.name, expected[1]), read(path, CriteriaFile, root=root)))
        else:
            prefix = "/".join((top.name, *chain)) + "/"
            found = read_simple_form(path, root, faults, tree.beside, prefix)
            place_of_form = (*chain, found.key.removeprefix(prefix))
            texts = tree.files.setdefault(place_of_form, [])
            if found.text is not None:
                texts.append(found.text)
            if found.form is not None:
                tree.forms.setdefault(place_of_form, {})[found.version] = found.form
                if found.text is not None and found.source is not None:
                    tree.sound.setdefault(place_of_form, []).append((found.text, found.source))


def _criteria_faults(
    file: CriteriaFile, source: Source, expected: tuple[str, int], tree: _Tree, folder: str
) -> list[Fault]:
    named: Named = [(["levels", n], level) for n, level in items_of(source.tree.get("levels"))]
    asked: Named = [(["keys", n], each) for n, each in items_of(source.tree.get("keys"))]
    return [
        *own_name_faults(source, file.form, file.version, expected),
        *faults_of_twins(source, [*named, *asked], "level or key field"),
        *_tree_faults(file, source, tree, folder),
        *_key_faults(file, source, tree),
    ]


def _expressions_of_keys(reading: Reading[CriteriaFile]) -> list[Fault]:
    """Return what is wrong with the expressions of the free keys."""
    file, source = reading.text, reading.source
    if file is None:
        return []
    section = Section.model_construct(key="keys", title=file.title, fields=file.keys)
    wrong = logic.faults((section,), (), level_fields(file.levels))
    return [source.fault(["keys", *place[3:]], problem, mend) for place, problem, mend in wrong]


def _dynamic_form(file: CriteriaFile, source: Source, tree: _Tree) -> DynamicForm:
    around = (*level_fields(file.levels), *file.keys)
    forms = {
        chain: {version: replace(form, around=around) for version, form in versions.items()}
        for chain, versions in tree.forms.items()
    }
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
        forms=forms,
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
