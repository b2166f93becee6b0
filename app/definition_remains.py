"""What can still be read of a definition whose shape is faulty, so that one fault hides no other.

Every faulty value gives way to a gap; what is sound around it stays in its place, with its names and numbers.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError

M = TypeVar("M", bound=BaseModel)


class Gap(str):
    """Stands for a faulty value: it could mean anything, and so proves no other fault.

    Empty, so that it is false; among the known names it says that there may be others.
    """

    __slots__ = ()


GAP = Gap()

_WELL_FORMED = re.compile(r"[a-z][a-z0-9_.]*")


def is_gap(value: object) -> bool:
    """Tell whether the value was faulty; that has been told where it stands."""
    return isinstance(value, Gap)


def meant(word: str, known: Collection[str]) -> str | None:
    """Return the known name that a word means, the nearest if it is misspelt; None when it may mean any."""
    if is_gap(word):
        return None
    near = [word] if word in known else difflib.get_close_matches(word, known, n=1)
    return near[0] if near else None


def is_told(word: str, known: Collection[str]) -> bool:
    """Tell whether an unknown word is only the consequence of a fault told at the name it means."""
    if is_gap(word) or any(map(is_gap, known)):
        return True
    near = meant(word, known)
    return near is not None and _WELL_FORMED.fullmatch(near) is None


def remains(model: type[M], data: object) -> M:
    """Return ``data`` as a model in which gaps stand for all that is faulty or missing."""
    found: M = _remains(model, data)
    return found


def _remains(annotation: Any, value: Any) -> Any:
    try:
        return TypeAdapter(annotation).validate_python(value)
    except ValidationError:
        branch = _branch(annotation, value)
    if _is_model(branch):
        return _model_remains(branch, value)
    if get_origin(branch) is dict:
        return {str(key): _remains(get_args(branch)[1], part) for key, part in value.items()} or _gap(branch)
    if branch is not None:
        items = [_remains(get_args(branch)[0], item) for item in value]
        return get_origin(branch)(items) if items else _gap(branch)
    return _gap(annotation)


@cache
def _hints(model: type[BaseModel]) -> dict[str, Any]:
    """Return the annotations of a model: read once, since every part of every file asks for them."""
    return get_type_hints(model, include_extras=True)


def _model_remains(model: type[BaseModel], value: Mapping[str, Any]) -> BaseModel:
    hints = _hints(model)
    found = {}
    for name, info in model.model_fields.items():
        key = info.alias or name
        if key in value:
            found[key] = _remains(hints[name], value[key])
        elif info.is_required():
            found[name] = _gap(hints[name])
    return model.model_construct(**found)


def _gap(annotation: Any, above: tuple[type, ...] = ()) -> Any:
    """Return what stands for a whole value: a model of gaps, a list or mapping of one gap, or a gap.

    A model that may stand within itself (``above``) does not: no gap grows without bound.
    """
    branch = next(_branches(annotation))
    if _is_model(branch):
        hints = _hints(branch)
        within = (*above, branch)
        names = [name for name in branch.model_fields if not _holds(hints[name], within)]
        gaps = {name: _gap(hints[name], within) for name in names}
        return branch.model_construct(**gaps)
    if get_origin(branch) is dict:
        return {GAP: _gap(get_args(branch)[1], above)}
    if get_origin(branch) in (list, tuple):
        return get_origin(branch)([_gap(get_args(branch)[0], above)])
    if dataclasses.is_dataclass(branch):
        asked = [each for each in dataclasses.fields(branch) if each.default is dataclasses.MISSING]
        return branch(**{each.name: GAP for each in asked})  # type: ignore[operator]
    return GAP


def _holds(annotation: Any, models: tuple[type, ...]) -> bool:
    """Tell whether the first branch of the annotation is a list of one of ``models``, or one of them."""
    branch = next(_branches(annotation))
    return branch in models or any(item in models for item in get_args(branch))


def _branches(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _branches(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for each in get_args(annotation):
            yield from _branches(each)
    else:
        yield annotation


def _branch(annotation: Any, value: Any) -> Any:
    """Return the branch of the annotation that a mapping or a list may fill; None for everything else."""
    for branch in _branches(annotation):
        if isinstance(value, Mapping) and (_is_model(branch) or get_origin(branch) is dict):
            return branch
        if isinstance(value, list) and get_origin(branch) in (list, tuple):
            return branch
    return None


def _is_model(branch: Any) -> bool:
    return isinstance(branch, type) and issubclass(branch, BaseModel)


Misspelt = Callable[[list[str | int], Any, str, str], None]
"""Called with the path of a mapping, the mapping, its misspelt key and the key that is meant."""


def find_misspelt(annotation: Any, value: Any, report: Misspelt, path: tuple[str | int, ...] = ()) -> None:
    """Report each unknown key that is near to one which is missing; ``report`` may rename it in the mapping."""
    branch = _branch(annotation, value)
    if branch is None:
        return
    if _is_model(branch):
        _report_keys(branch, value, report, path)
        hints = _hints(branch)
        for name in branch.model_fields.keys() & value.keys():
            find_misspelt(hints[name], value[name], report, (*path, name))
    elif get_origin(branch) is dict:
        for key, part in value.items():
            find_misspelt(get_args(branch)[1], part, report, (*path, key))
    else:
        for number, item in enumerate(value):
            find_misspelt(get_args(branch)[0], item, report, (*path, number))


def _report_keys(model: type[BaseModel], value: Any, report: Misspelt, path: tuple[str | int, ...]) -> None:
    known = {info.alias or name: info for name, info in model.model_fields.items()}
    for key in [key for key in value if isinstance(key, str) and key not in known]:
        missing = [name for name in known if name not in value]
        required = [name for name in missing if known[name].is_required()]
        near = difflib.get_close_matches(key, required, n=1, cutoff=0.5)
        near = near or difflib.get_close_matches(key, missing, n=1, cutoff=0.75)
        if near:
            report([*path], value, key, near[0])
