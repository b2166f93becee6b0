"""Where a comment may stand, and what a change is called: the places of a version and their words.

A place is a field, a repeating group, a row of one or an entry of a dynamic form.  Its labels tell it
from its likes without the page around it: "Directors No. 2 › Name".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app import catalogue
from app.applications import queries
from app.applications.models import WHOLE, AnyComment, Application
from app.applications.summary import person_names
from app.applications.versions import Version, values
from app.definition_files import Words
from app.forms.definitions import DynamicForm, Field
from app.forms.outline import Asked, Part, Rows, leaves_of
from app.terms import LANGUAGES, say

Labels = Mapping[str, str]
"""Language -> words."""

Names = Mapping[str, Mapping[str, str]]
"""Source of a list -> option -> words, in one language."""

LONGEST_QUOTE = 2000
"""Characters that a comment keeps of what its place said."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a stage: its path, what stands around it, its own label, and what is asked there.

    ``items`` are the questions inside a row, entry or group; ``asked`` is the field itself elsewhere.
    """

    stage: str
    path: str
    kind: Literal["field", "group", "row", "entry"]
    around: tuple[Labels, ...]
    own: Labels
    asked: Asked | None = None
    items: tuple[Asked | Rows, ...] = ()

    @property
    def name(self) -> str:
        """The place as comments name it: ``stage.path``."""
        return f"{self.stage}.{self.path}"

    def label(self, language: str) -> str:
        """Return what the place is called, with what stands around it."""
        return " › ".join(label[language] for label in (*self.around, self.own))

    def context(self, language: str) -> str:
        """Return what stands around the place; empty at the top of a form."""
        return " › ".join(label[language] for label in self.around)

    @property
    def labels(self) -> dict[str, str]:
        """The label in every language."""
        return {language: self.label(language) for language in LANGUAGES}

    def text(self, language: str, names: Names) -> str:
        """Return what is answered there in words; of a row or entry, all that is answered in it."""
        if self.asked is not None:
            return said(self.asked, language, names)
        lines = (f"{item.field.label[language]}: {words}" for item, words in answered(self.items, language, names))
        return "\n".join(lines)


def said(asked: Asked, language: str, names: Names) -> str:
    """Return an answer in words, empty if there is none."""
    return asked.field.text(asked.value, language, names.get(asked.field.source or "", {}))


def answered(items: Iterable[Asked | Rows], language: str, names: Names) -> Iterator[tuple[Asked, str]]:
    """Yield the answered fields among ``items``, with their words."""
    for item in leaves_of(items):
        words = said(item, language, names)
        if words:
            yield item, words


def of_stage(application: Application, stage: str, said_: Mapping[str, Any], forms: Mapping[str, int]) -> list[Place]:
    """Return the places of a stage that says ``said_`` (form key -> values), in the order of the page.

    ``forms`` are the versions of the forms.  Only what is asked is a place.
    """
    library = catalogue.present().forms
    found: list[Place] = []
    for key in queries.procedure(application).stages[stage].forms:
        form = library.get(key, forms.get(key))
        answers = said_.get(key) or {}
        if isinstance(form, DynamicForm):
            for number, (entry, parts) in enumerate(form.outline(answers), 1):
                own = _entry_labels(form, entry, number)
                items = tuple(item for part in parts for item in part.items)
                found.append(Place(stage, form.entry_path(entry), "entry", (), own, items=items))
                found += _inside(stage, parts, (own,))
        else:
            found += _inside(stage, form.outline(answers), ())
    return found


def _entry_labels(form: DynamicForm, entry: Mapping[str, Any], number: int) -> dict[str, str]:
    chain = entry.get("path") or ()
    return {
        language: f"{form.path_text(chain, language) or form.entry_label[language]} № {number}"
        for language in LANGUAGES
    }


def _inside(stage: str, parts: Iterable[Part], around: tuple[Labels, ...]) -> Iterator[Place]:
    for part in parts:
        yield from _items(stage, part.items, around)


def _items(stage: str, items: Iterable[Asked | Rows], around: tuple[Labels, ...]) -> Iterator[Place]:
    for item in items:
        own = _labels(item.field.label)
        if isinstance(item, Asked):
            if item.field.type != "note":
                yield Place(stage, item.path, "field", around, own, item)
            continue
        inner = tuple(inside for row in item.rows for inside in row.items)
        yield Place(stage, item.path, "group", around, own, items=inner)
        for number, row in enumerate(item.rows, 1):
            named = _row_labels(item.field, number)
            yield Place(stage, row.path, "row", around, named, items=row.items)
            yield from _items(stage, row.items, (*around, named))


def _labels(words: Words) -> dict[str, str]:
    return {language: words[language] for language in LANGUAGES}


def _row_labels(group: Field, number: int) -> dict[str, str]:
    words = group.entry_label or group.label
    return {language: f"{words[language]} № {number}" for language in LANGUAGES}


def names_in(said_: Iterable[Mapping[str, Any]], language: str) -> Names:
    """Return the words of lists that the room supplies, for the answers of some stages."""
    return {source: dict(options) for source, options in person_names(said_, language).items()}


@dataclass(frozen=True)
class Quote:
    """What a comment keeps of its place: its labels in every language, and what it said in one."""

    labels: Labels
    text: str


def quotes(
    application: Application, versions: Iterable[Version], wanted: Iterable[str], *, language: str
) -> dict[str, Quote]:
    """Return the quotes of the ``wanted`` places (``stage.path``, or ``WHOLE``), of the first version that has each.

    Places that no version has are left out.
    """
    waiting = set(wanted)
    found: dict[str, Quote] = {}
    if WHOLE in waiting:
        found[WHOLE] = Quote({language: say("rounds.whole", language) for language in LANGUAGES}, "")
        waiting.remove(WHOLE)
    stages = queries.applicant_stages(application)
    for version in versions:
        if not waiting:
            break
        [answers] = values(application, [version])
        names = names_in(answers.values(), language)
        for stage in {place.partition(".")[0] for place in waiting} & set(stages):
            for place in of_stage(application, stage, answers.get(stage, {}), version.forms):
                if place.name in waiting:
                    found[place.name] = Quote(place.labels, place.text(language, names)[:LONGEST_QUOTE])
                    waiting.remove(place.name)
    return found


def quoted(
    application: Application, comments: Iterable[AnyComment], versions: Sequence[Version], *, language: str
) -> dict[int, str]:
    """Return what the places of ``comments`` said when these were written, in words of ``language``, by their ids.

    A comment keeps the words of the document's language; for a reader of another they are drawn again
    from the version that was read then (of ``versions``, oldest first), which never changes.
    """
    rows = [row for row in comments if row.quoted]
    found = {row.id: row.quoted for row in rows}
    if language == application.language:
        return found
    by_round: dict[int, list[AnyComment]] = {}
    for row in rows:
        by_round.setdefault(row.round, []).append(row)
    for round_, together in by_round.items():
        read = [version for version in reversed(versions) if version.round <= round_]
        drawn = quotes(application, read, {row.place for row in together}, language=language)
        found |= {row.id: drawn[row.place].text for row in together if row.place in drawn}
    return found
