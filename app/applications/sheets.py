"""What a filled form looks like, before any language of markup: plain views that the macros draw.

A ``SheetView`` has sections, a section has items: a ``FieldView`` (one question) or a ``RowsView``
(a repeating group, whose rows hold items again).  ``app.applications.drawing`` makes them out of
a form and its values; screen, review and paper read them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, ClassVar

WIDEST_TABLE = 6
"""Columns that still read well on a page of A4; a wider group is drawn as cards."""


@dataclass(frozen=True)
class FileView:
    """A file as a list shows it."""

    id: int
    name: str
    size: str
    url: str | None
    sha256: str


@dataclass(frozen=True)
class CommentView:
    """A comment as a field shows it; ``kind``: comment, remark or internal."""

    id: int
    author: str
    at: object
    text: str
    answer: str
    state: str
    pending: bool
    kind: str = ""
    suggested: str = ""
    round: int = 0


@dataclass(frozen=True)
class Theirs:
    """What stands in a field that two have changed: in words, by whom and when, and as its inputs hold it (JSON)."""

    words: str
    by: str
    inputs: str


@dataclass(frozen=True)
class FieldView:
    """A field as the one macro draws it.

    ``path`` names the input, ``place`` (``stage.path``) the field within the whole application.
    ``value`` is what stands in the input: a text, or a text for each language; ``words`` what a
    multilingual answer says in each.  ``parts`` are the inputs of an address, a person and their
    like, each a field of its own.  ``theirs`` says what stands there now, where
    the two are in dispute.
    """

    is_group: ClassVar[bool] = False

    path: str
    place: str
    label: str
    kind: str
    key: str = ""
    text: str = ""
    value: Any = ""
    words: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""
    norm: str = ""
    clause: str = ""
    required: bool = False
    options: Sequence[tuple[str, str]] = ()
    languages: Sequence[str] = ()
    is_long: bool = False
    currency: str = ""
    accept: str = ""
    max_files: int | None = None
    errors: Sequence[str] = ()
    note: str = ""
    source: str = ""
    otherwise: str = ""
    theirs: Theirs | None = None
    files: Sequence[FileView] = ()
    comments: Sequence[CommentView] = ()
    may_comment: bool = False
    parts: Sequence[FieldView] = ()


@dataclass(frozen=True)
class RowView:
    """One row of a repeating group; ``heading`` tells it from the others ("1. Ахметова А.")."""

    id: str
    path: str
    place: str
    heading: str
    items: Sequence[FieldView | RowsView]
    is_first: bool = False
    is_last: bool = False
    comments: Sequence[CommentView] = ()
    may_comment: bool = False
    text: ClassVar[str] = ""

    @property
    def label(self) -> str:
        """What a comment on the row is about."""
        return self.heading

    @property
    def cells(self) -> Mapping[str, FieldView]:
        """The fields of the row by their keys; one that is not asked for here is absent."""
        return {item.key: item for item in self.items if isinstance(item, FieldView)}

    @property
    def groups(self) -> Sequence[RowsView]:
        """The groups inside the row."""
        return [item for item in self.items if isinstance(item, RowsView)]

    @property
    def runs(self) -> list[tuple[bool, list[FieldView | RowsView]]]:
        """Neighbours of one kind together: (whether they are groups, the items)."""
        return runs(self.items)


@dataclass(frozen=True)
class ColumnView:
    """One column of a group that is drawn as a table."""

    key: str
    label: str
    kind: str
    required: bool
    is_composite: bool


@dataclass(frozen=True)
class RowsView:
    """A repeating group with its rows; ``may_add`` is false once it holds all it may.

    ``columns`` are there where the group is drawn as a table.
    """

    is_group: ClassVar[bool] = True

    path: str
    place: str
    label: str
    entry_label: str
    key: str = ""
    hint: str = ""
    norm: str = ""
    clause: str = ""
    required: bool = False
    rows: Sequence[RowView] = ()
    columns: Sequence[ColumnView] = ()
    may_add: bool = True
    errors: Sequence[str] = ()
    note: str = ""
    comments: Sequence[CommentView] = ()
    may_comment: bool = False
    text: ClassVar[str] = ""

    @property
    def is_filled_as_table(self) -> bool:
        """Whether its inputs stand in a table too: an address or a person would not fit into a cell."""
        return bool(self.columns) and not any(column.is_composite for column in self.columns)


@dataclass(frozen=True)
class SectionView:
    """What is asked under one heading; ``key`` tells it from the others of the page."""

    title: str
    items: Sequence[FieldView | RowsView]
    note: str = ""
    key: str = ""

    @property
    def fields(self) -> list[FieldView]:
        """Every field of the section, those of its groups too, in the order of the page."""
        return list(leaves(self.items))

    @property
    def runs(self) -> list[tuple[bool, list[FieldView | RowsView]]]:
        """Neighbours of one kind together: (whether they are groups, the items)."""
        return runs(self.items)


@dataclass(frozen=True)
class SheetView:
    """A filled form, or one entry of a dynamic form (then ``criteria`` are its words).

    ``parked`` are answers of the entry that its present criteria do not ask for; ``place`` is the
    entry's own (``stage.path``), empty for a simple form.
    """

    key: str
    title: str
    sections: Sequence[SectionView]
    criteria: str = ""
    demo_data: bool = False
    entry: str = ""
    parked: Sequence[FieldView] = ()
    note: str = ""
    place: str = ""
    comments: Sequence[CommentView] = ()
    may_comment: bool = False
    text: ClassVar[str] = ""

    @property
    def label(self) -> str:
        """What a comment on the entry is about."""
        return self.criteria or self.title


@dataclass(frozen=True)
class StageView:
    """A stage with its sheets; ``is_kept``: it is not started, but its page has saved answers by itself."""

    key: str
    title: str
    status: str
    sheets: Sequence[SheetView]
    is_kept: bool = False


def leaves(items: Sequence[FieldView | RowsView]) -> Iterator[FieldView]:
    """Yield every field of ``items``, depth first."""
    for item in items:
        if isinstance(item, RowsView):
            for row in item.rows:
                yield from leaves(row.items)
        else:
            yield item


def runs(items: Sequence[FieldView | RowsView]) -> list[tuple[bool, list[FieldView | RowsView]]]:
    """Return neighbours of one kind together: (whether they are groups, the items)."""
    return [(is_group, list(found)) for is_group, found in groupby(items, key=lambda item: item.is_group)]
