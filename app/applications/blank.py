"""The forms of a procedure on paper, to be filled in by hand while the system cannot be used (IS2IN-27.a)."""

from __future__ import annotations

from dataclasses import dataclass

from app.forms.definitions import DynamicForm, FormLibrary
from app.forms.parts import Field
from app.web.templating import paper
from app.workflows.machine import Procedure
from app.workflows.parts import StageKind


@dataclass(frozen=True)
class Line:
    """One question of the paper; ``depth`` counts the groups around it."""

    label: str
    hint: str
    required: bool
    options: tuple[str, ...]
    is_long: bool
    depth: int = 0
    is_group: bool = False


@dataclass(frozen=True)
class Sheet:
    """One form of the paper; ``criteria``: the lists to choose from, where its questions depend on them."""

    title: str
    sections: tuple[tuple[str, tuple[Line, ...]], ...]
    criteria: tuple[tuple[str, tuple[str, ...]], ...] = ()


def _lines(fields: tuple[Field, ...], language: str, depth: int = 0) -> list[Line]:
    found = []
    for each in fields:
        options = tuple(words[language] for words in (each.options or {}).values())
        is_long = each.type == "long_text" or each.long
        hint = each.hint[language] if each.hint else ""
        found.append(Line(each.label[language], hint, each.required, options, is_long, depth, bool(each.fields)))
        found += _lines(each.fields or (), language, depth + 1)
    return found


def sheets(procedure: Procedure, language: str, *, library: FormLibrary) -> list[tuple[str, list[Sheet]]]:
    """Return what the organisation fills in, by stage."""
    found = []
    for stage in procedure.stages.values():
        if stage.kind is not StageKind.FILL:
            continue
        drawn = []
        for key in stage.forms:
            form = library.get(key)
            if isinstance(form, DynamicForm):
                levels = tuple((level.label[language], ()) for level in form.levels)
                drawn.append(Sheet(form.title[language], (), levels))
                continue
            sections = tuple(
                (section.title[language], tuple(_lines(section.fields, language))) for section in form.sections
            )
            drawn.append(Sheet(form.title[language], sections))
        found.append((stage.title[language], drawn))
    return found


def page(procedure: Procedure, language: str, *, library: FormLibrary) -> str:
    """Return the paper as a page of HTML."""
    return paper(
        "pdf/blank.html",
        language,
        procedure=procedure,
        stages=sheets(procedure, language, library=library),
    )
