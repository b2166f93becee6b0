"""The library of forms: every form file is read, and every fault of every file reported at once.

``forms/issuer.v1.yaml`` is a simple form.  A dynamic form is a folder: ``_criteria.v1.yaml`` holds
its lists, the tree below is the chain (``main/shares/premium.v1.yaml``); ``main/shares.v1.yaml`` serves
every category that has no file of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from app.definition_files import Fault, FaultyDefinitions, Words
from app.errors import NotFound
from app.forms import criteria as criteria_files
from app.forms import figures as figure_files
from app.forms import shared as shared_files
from app.forms.criteria import CriteriaLibrary, load_criteria
from app.forms.dynamic import CriteriaFile, DynamicForm, Level, Option
from app.forms.figures import load_figures
from app.forms.folders import read_dynamic_forms
from app.forms.form_files import Beside, Found, read_simple_form
from app.forms.parts import Field, FormFile, Section
from app.forms.reading import Choices, Parsed
from app.forms.shared import load_shared
from app.forms.simple import Form

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

ASIDE = (shared_files.FOLDER, figure_files.FOLDER, criteria_files.FOLDER)
"""Folders beside the forms that hold no forms."""

_Outlines = dict[int, FormFile | CriteriaFile | None]
"""Version -> what can be read of a faulty file."""


class FormLibrary:
    """All forms of all versions, read once and then only read."""

    def __init__(
        self,
        forms: Iterable[Form | DynamicForm] = (),
        faulty: Mapping[str, _Outlines] | None = None,
        criteria: CriteriaLibrary | None = None,
    ) -> None:
        self._faulty = faulty or {}
        self.criteria = criteria or CriteriaLibrary()
        """The listing criteria by which entries of dynamic forms are judged."""
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
    shared, faults = load_shared(folder / shared_files.FOLDER, root)
    figures, unsound = load_figures(folder / figure_files.FOLDER, root)
    faults += unsound
    beside = Beside(shared, figures)
    forms: list[Form | DynamicForm] = []
    faulty: dict[str, _Outlines] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith(".") or path.name in ASIDE:
            continue
        found: Sequence[Found[Any, Any]] = (
            read_dynamic_forms(path, root, faults, beside)
            if path.is_dir()
            else [read_simple_form(path, root, faults, beside)]
        )
        for each in found:
            if each.form is None:
                faulty.setdefault(each.key, {})[each.version] = each.text
            else:
                forms.append(each.form)
    dynamic = {form.key: form for form in sorted(forms, key=lambda form: form.version) if isinstance(form, DynamicForm)}
    criteria, unsound = load_criteria(folder / criteria_files.FOLDER, root, dynamic, figures, faulty)
    faults += unsound
    return FormLibrary(forms, faulty, criteria), sorted(set(faults))


def require_sound(faults: Sequence[Fault]) -> None:
    """Refuse faulty definitions.

    Raises:
        FaultyDefinitions: there is any fault.
    """
    if faults:
        raise FaultyDefinitions(faults)
