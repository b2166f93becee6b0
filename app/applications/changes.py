"""What changed between two versions of an application, each change beside the comments it answers.

Whether anybody asked for a change is told by the comments of the rounds between the two versions; one
that nobody asked for is flagged.  Computed answers follow from others and are never flagged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from app import catalogue
from app.accounts.models import User
from app.applications import places, queries, versions
from app.applications.drawing import Drawing, comment_view
from app.applications.models import AnyComment, Application, Comment
from app.applications.places import Names, Place
from app.applications.sheets import CommentView, FileView
from app.applications.versions import Version
from app.forms.compare import Change, compare
from app.forms.definitions import DynamicForm
from app.terms import LANGUAGES, say
from app.terms.sizes import size_words

TERMS = {
    "changed": "st.changed",
    "added": "st.added",
    "removed": "st.removed",
    "moved": "rounds.moved",
    "criteria": "rounds.criteria",
    "file_added": "rounds.file_added",
    "file_removed": "rounds.file_removed",
    "file_replaced": "rounds.file_replaced",
}
"""Kind of change -> the word for it."""

LONGEST_MATCHED = 4000
"""Characters of text whose single words are compared; of longer ones the whole is shown as changed."""

Piece = tuple[bool, str]
"""Whether these words are not in the other text, and the words."""


@dataclass(frozen=True)
class Line:
    """Old and new words of a field, or of one language of it, each in pieces."""

    language: str
    old: Sequence[Piece]
    new: Sequence[Piece]


@dataclass(frozen=True)
class ChangeView:
    """One change as a page shows it; ``text`` is what stands at the place now.

    ``content`` are label and words of all that was answered in a row or entry that came or went.
    """

    place: str
    path: str
    kind: str
    label: str
    context: str
    lines: Sequence[Line] = ()
    files: Sequence[tuple[FileView | None, FileView | None]] = ()
    content: Sequence[tuple[str, str]] = ()
    comments: Sequence[CommentView] = ()
    is_asked: bool = False
    is_computed: bool = False
    text: str = ""
    may_comment: bool = False

    @property
    def term(self) -> str:
        """The key of the word for what happened."""
        return TERMS[self.kind]

    @property
    def is_unasked(self) -> bool:
        """Whether nobody asked for it, and it follows from nothing else."""
        return not self.is_asked and not self.is_computed


@dataclass(frozen=True)
class StageChanges:
    """The changes of one stage.  ``turned``: skipped, resumed, or empty."""

    key: str
    title: str
    changes: Sequence[ChangeView]
    turned: str = ""

    @property
    def unasked(self) -> int:
        """How many of them nobody asked for."""
        return sum(1 for change in self.changes if change.is_unasked)


@dataclass(frozen=True)
class Comparison:
    """What changed from ``old`` to ``new``, and the ``unanswered``: comments whose place did not change."""

    old: Version
    new: Version
    stages: Sequence[StageChanges]
    unanswered: Sequence[AnyComment] = ()

    @property
    def count(self) -> int:
        """How many changes there are."""
        return sum(len(stage.changes) for stage in self.stages)

    @property
    def unasked(self) -> int:
        """How many of them nobody asked for."""
        return sum(stage.unasked for stage in self.stages)


def between(
    application: Application, old: Version, new: Version, *, drawing: Drawing, said: Sequence[AnyComment] = ()
) -> Comparison:
    """Compare two versions, as ``drawing`` shows things and with what the reader may read of what was ``said``."""
    talk = _Talk(said, old, new)
    before, after = versions.values(application, [old, new])
    names = (
        places.names_in(before.values(), drawing.language),
        places.names_in(after.values(), drawing.language),
    )
    procedure = queries.procedure(application)
    stages = []
    for key in queries.applicant_stages(application):
        turned = (
            "skipped" if key in new.skipped - old.skipped else "resumed" if key in old.skipped - new.skipped else ""
        )
        stage = _Stage(application, key, (before.get(key, {}), after.get(key, {})), (old, new), names, drawing, talk)
        changes = stage.views()
        if changes or turned:
            stages.append(StageChanges(key, procedure.stages[key].title[drawing.language], changes, turned))
    return Comparison(old, new, stages, talk.unanswered())


def unheeded(application: Application, said: Sequence[AnyComment], *, user: User) -> list[AnyComment]:
    """Return the comments of ``said`` about which nothing was done: no answer, and nothing changed at their place.

    Each is held against the version in which it was last published or opened again; ``user`` is whose
    versions are compared.
    """
    waiting: dict[int, list[AnyComment]] = {}
    for row in said:
        if isinstance(row, Comment) and row.state in ("open", "reopened"):
            opened = (event.round for event in row.events if event.act in ("published", "reopened"))
            waiting.setdefault(max(opened, default=row.round), []).append(row)
    if not waiting:
        return []
    known = {version.round: version for version in versions.sent(application, user=user)}
    now = versions.now_standing(application)
    left: set[int] = set()
    for round_, rows in waiting.items():
        old = known.get(round_)
        drawing = Drawing(application.language)
        met_no_change = between(application, old, now, drawing=drawing, said=rows).unanswered if old else rows
        left |= {row.id for row in met_no_change}
    return [row for row in said if row.id in left]


class _Talk:
    """Comments by where they stand, and which of them have met a change."""

    def __init__(self, said: Sequence[AnyComment], old: Version, new: Version) -> None:
        self._old, self._new = old, new
        self._at: dict[tuple[str, str], list[AnyComment]] = {}
        self._inside: dict[tuple[str, str], list[AnyComment]] = {}
        self._asking = [row for row in said if self._asks(row)]
        self._met: set[int] = set()
        for row in said:
            self._at.setdefault((row.stage, row.field), []).append(row)
            for outer in _outer(row.field):
                self._inside.setdefault((row.stage, outer), []).append(row)

    def _asks(self, row: AnyComment) -> bool:
        """Tell whether a comment was there to be answered between the two versions."""
        if not isinstance(row, Comment) or row.published_at is None:
            return False

        def is_between(round_: int) -> bool:
            return self._old.round <= round_ and (not self._new.number or round_ < self._new.round)

        if any(event.act in ("published", "reopened") and is_between(event.round) for event in row.events):
            return True
        return row.is_unsettled and row.round < self._new.round

    def about(self, stage: str, path: str) -> list[AnyComment]:
        """Return what was said on a place and on what is inside it."""
        return [*self._at.get((stage, path), ()), *self._inside.get((stage, path), ())]

    def meet(self, stage: str, path: str) -> bool:
        """Note that a place changed; tell whether anybody asked for that, there, around it or inside it."""
        related = [
            *self.about(stage, path),
            *(row for outer in _outer(path) for row in self._at.get((stage, outer), ())),
        ]
        asking = [row for row in related if self._asks(row)]
        self._met |= {row.id for row in asking}
        return bool(asking)

    def unanswered(self) -> list[AnyComment]:
        """Return the unsettled comments that asked for something and met no change."""
        return [row for row in self._asking if row.is_unsettled and row.id not in self._met]


def _outer(path: str) -> Iterable[str]:
    """Yield the paths around a path, outermost first: "directors", "directors-e1"."""
    pieces = path.split("-")
    for depth in range(1, len(pieces)):
        yield "-".join(pieces[:depth])


class _Stage:
    """Draws the changes of one stage."""

    def __init__(
        self,
        application: Application,
        key: str,
        answers: tuple[Mapping[str, Any], Mapping[str, Any]],
        compared: tuple[Version, Version],
        names: tuple[Names, Names],
        drawing: Drawing,
        talk: _Talk,
    ) -> None:
        self._application, self._key, self._answers = application, key, answers
        self._names, self._drawing, self._talk = names, drawing, talk
        before, after = (
            {place.path: place for place in places.of_stage(application, key, said, version.forms)}
            for said, version in zip(answers, compared, strict=True)
        )
        self._forms = tuple(version.forms for version in compared)
        self._places = (before, after)
        self._order = _together(list(before), list(after))

    def views(self) -> list[ChangeView]:
        """Return the changes in the order of the page, those of one field together."""
        before, after = self._places
        asked = (_asked(before), _asked(after))
        together: dict[tuple[str, str], list[Change]] = {}
        for change in compare(*self._answers, asked=asked):
            together.setdefault((change.place, _sort(change)), []).append(change)
        found = sorted(together.items(), key=lambda item: self._order.get(item[0][0], len(self._order)))
        return [self._view(path, sort, changes) for (path, sort), changes in found]

    def _view(self, path: str, sort: str, changes: Sequence[Change]) -> ChangeView:
        language = self._drawing.language
        old, new = (where.get(path) for where in self._places)
        place = new or old
        kind: str = changes[0].kind
        lines: list[Line] = []
        files: list[tuple[FileView | None, FileView | None]] = []
        content: list[tuple[str, str]] = []
        if sort == "value":
            texts = (self._text(old, 0), self._text(new, 1))
            kind = "added" if not texts[0] else "removed" if not texts[1] else "changed"
            if {change.part for change in changes} <= set(LANGUAGES):
                lines = [_line(str(one.old or ""), str(one.new or ""), one.part) for one in changes]
            else:
                lines = [_line(*texts)]
        elif sort == "file":
            files = [(self._file(one.old), self._file(one.new)) for one in changes]
            kind = kind if len({one.kind for one in changes}) == 1 else "changed"
        elif kind == "moved":
            number = [say("rounds.place", language, n=one) for one in (changes[0].old, changes[0].new)]
            lines = [_line(*number)]
        elif kind == "criteria":
            lines = [_line(*(self._chain(changes[0], side) for side in (0, 1)))]
        elif place is not None:
            side = 0 if kind == "removed" else 1
            answered = places.answered(place.items, language, self._names[side])
            content = [(item.field.label[language], words) for item, words in answered]
        return ChangeView(
            place=f"{self._key}.{path}",
            path=path,
            kind=kind,
            label=place.own[language] if place else path,
            context=place.context(language) if place else "",
            lines=lines,
            files=files,
            content=content,
            comments=[comment_view(row) for row in self._talk.about(self._key, path)],
            is_asked=self._talk.meet(self._key, path),
            is_computed=bool(place and place.asked and place.asked.field.type == "computed"),
            text=self._text(new, 1),
            may_comment=self._drawing.may_comment,
        )

    def _text(self, place: Place | None, side: int) -> str:
        return place.text(self._drawing.language, self._names[side]) if place else ""

    def _chain(self, change: Change, side: int) -> str:
        form = catalogue.present().forms.get(change.form, self._forms[side].get(change.form))
        chain = (change.old, change.new)[side] or ()
        return form.path_text(chain, self._drawing.language) if isinstance(form, DynamicForm) else ""

    def _file(self, file: Mapping[str, Any] | None) -> FileView | None:
        if file is None:
            return None
        url = self._drawing.file_url(file["id"]) if self._drawing.file_url else None
        size = size_words(file["size"], self._drawing.language)
        return FileView(file["id"], file["name"], size, url, file["sha256"])


def _asked(found: Mapping[str, Place]) -> set[str]:
    return {path for path, place in found.items() if place.kind in ("field", "group")}


def _sort(change: Change) -> str:
    """Return what the changes of one place are told together by: its value, its files, or the thing that happened."""
    if change.kind.startswith("file_"):
        return "file"
    if change.kind in ("moved", "criteria"):
        return change.kind
    whole = change.old if change.kind == "removed" else change.new
    return "whole" if isinstance(whole, Mapping) and "values" in whole else "value"


def _together(before: Sequence[str], after: Sequence[str]) -> dict[str, int]:
    """Return the place of every path: in the order of the later version, what is gone after what it followed."""
    standing = set(after)
    following: dict[str, list[str]] = {}
    last = ""
    for path in before:
        if path in standing:
            last = path
        else:
            following.setdefault(last, []).append(path)
    order = [*following.get("", ())]
    for path in after:
        order += [path, *following.get(path, ())]
    return {path: number for number, path in enumerate(order)}


def _line(old: str, new: str, language: str = "") -> Line:
    if not old or not new or len(old) + len(new) > LONGEST_MATCHED or " " not in old.strip():
        return Line(language, [(False, old)] if old else [], [(False, new)] if new else [])
    words = re.findall(r"\S+\s*|\s+", old), re.findall(r"\S+\s*|\s+", new)
    matcher = SequenceMatcher(None, *words, autojunk=False)
    if matcher.ratio() < 0.4:  # hardly anything is common: single words would only confuse
        return Line(language, [(False, old)], [(False, new)])
    sides: tuple[list[Piece], list[Piece]] = ([], [])
    for act, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        for side, piece in ((0, words[0][old_from:old_to]), (1, words[1][new_from:new_to])):
            if piece:
                sides[side].append((act != "equal", "".join(piece)))
    return Line(language, *sides)
