"""A simple form: sections of fields.

``Form.parse`` reads what was typed, ``check`` judges values in full (the button "Done"), ``gaps``
says what is still missing (the button "Save").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.definition_files import Words
from app.errors import Problem
from app.expressions.language import Figures
from app.forms.carrying import Piece, resting
from app.forms.logic import Plan, compile_form
from app.forms.outline import Part, judge, judge_demands, leaves, outline, outline_sheet
from app.forms.parts import Check, Field, Section, examples, joined
from app.forms.paths import find_field, require, require_field
from app.forms.reading import Choices, Parsed, parse_fields


@dataclass(frozen=True)
class Form:
    """A simple form of one version.

    ``key`` is the file's name, for a form inside a dynamic one with the folders before it
    (``extra_listing_requirements/main/shares/premium``).  ``demo_data`` says that its figures
    are illustrations, to be labelled so.  ``around`` are the free keys and criteria of the entry it
    stands in: its expressions may name them, and the ``figures`` of the rules.
    """

    key: str
    version: int
    title: Words
    sections: tuple[Section, ...]
    demo_data: bool
    sha256: str
    note: Words | None = None
    checks: tuple[Check, ...] = ()
    around: tuple[Field, ...] = ()
    figures: Figures | None = None

    @property
    def name(self) -> str:
        """The form and its version: ``issuer.v1``."""
        return f"{self.key}.v{self.version}"

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The fields of all sections, in order."""
        return tuple(asked for section in self.sections for asked in section.fields)

    def field(self, path: str) -> Field:
        """Return the field at ``path`` ("bin", "name-kk", "directors-e1-name"); of an entry, its group.

        Raises:
            Invalid: there is no such field.
        """
        return require_field(self.fields, path)

    def require_fields(self, paths: Iterable[str]) -> None:
        """Refuse paths that name no field of this form.

        Raises:
            Invalid: with a problem for each unknown path.
        """
        require(paths, lambda path: find_field(self.fields, path.split("-")) is not None)

    @cached_property
    def plan(self) -> Plan:
        """The form's expressions, ready to be laid over answers."""
        return compile_form(self.sections, self.checks, self.around, figures=self.figures)

    def parse(
        self,
        raw: Mapping[str, Any],
        prefix: str = "",
        choices: Choices | None = None,
        *,
        before: Mapping[str, Any] | None = None,
        around: Mapping[str, Any] | None = None,
    ) -> Parsed:
        """Read what was typed: input name -> text or texts; see ``parse_fields``.

        With ``before`` the values are settled, and what cannot be read is told only where it is asked.
        """
        parsed = parse_fields(self.fields, raw, prefix, choices, before)
        if before is None:
            return parsed
        values, problems = self.settled(parsed.values, around), parsed.problems
        if problems and self.plan.has_conditions:
            asked = {found.path for found in leaves(outline(self, values, prefix, around))}
            problems = tuple(found for found in problems if asked & {found.path, found.path.rpartition("-")[0]})
        return Parsed(values, problems, parsed.unread)

    def settled(self, values: Mapping[str, Any], around: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return ``values`` as they are kept: computed fields as they are now, a hidden one not at all."""
        return self.plan.sheet(values, around).settled()

    def outline(
        self, values: Mapping[str, Any], prefix: str = "", around: Mapping[str, Any] | None = None
    ) -> tuple[Part, ...]:
        """Return what is asked of one who has answered ``values``; ``around``: see ``outline.outline``."""
        return outline(self, values, prefix, around)

    def check(
        self, values: Mapping[str, Any], prefix: str = "", around: Mapping[str, Any] | None = None
    ) -> tuple[Problem, ...]:
        """Judge ``values`` in full: required fields, formats, ranges, checks.  Empty when all is well."""
        return self.judged(values, prefix, around, missing="err.required")

    def gaps(
        self, values: Mapping[str, Any], prefix: str = "", around: Mapping[str, Any] | None = None
    ) -> tuple[Problem, ...]:
        """Return what still keeps the form from being done, as notes to one who saves a draft."""
        return self.judged(values, prefix, around, missing="field.note.missing")

    def judged(
        self, values: Mapping[str, Any], prefix: str = "", around: Mapping[str, Any] | None = None, *, missing: str
    ) -> tuple[Problem, ...]:
        """Return every fault of ``values``; a required answer that is empty is told with the sentence ``missing``."""
        sheet, start = self.plan.sheet(values, around), joined(prefix)
        asked = (found for part in outline_sheet(self, sheet, start) for found in judge(part.items, missing))
        return (*asked, *judge_demands(sheet, start))

    def parked(self, values: Mapping[str, Any], prefix: str = "") -> tuple[Piece, ...]:
        """Return the answers that rest because no question asks for them now."""
        return tuple(resting(values, self.fields, joined(prefix)))

    def example(self) -> dict[str, Any]:
        """Return complete valid values, made from the fields' examples."""
        return self.settled(examples(self.fields))
