"""What a workflow file may say: the shape of the YAML, nothing of its sense."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PlainValidator, StrictBool, TypeAdapter

from app.definition_files import Definition, Key, Words
from app.workflows.guards import Condition, Outcome
from app.workflows.parts import GuardUse, Order, StageKind

EVERYWHERE = "everywhere"
STAGE_OR_FIELD = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$"


def _prefix(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{1,6}", text):
        raise ValueError("must be one to six capital Latin letters")
    return text


_OTHERWISE: TypeAdapter[Words | None] = TypeAdapter(Words | None)


def _guard(value: object) -> GuardUse:
    """Read ``name``, ``name: stage``, ``name: {stage: …, field: …, value: …}`` or ``when: …, otherwise: {…}``."""
    if isinstance(value, str):
        return GuardUse(value)
    if isinstance(value, dict) and "when" in value and isinstance(value["when"], str) and value["when"]:
        words = _OTHERWISE.validate_python(value.get("otherwise"))
        if not set(value) - {"when", "otherwise"}:
            return GuardUse("when", condition=Condition(value["when"], words))
    if isinstance(value, dict) and len(value) == 1:
        [(name, argument)] = value.items()
        if isinstance(argument, str):
            return GuardUse(str(name), stage=argument)
        is_outcome = isinstance(argument, dict) and set(argument) == {"stage", "field", "value"}
        if is_outcome and all(isinstance(part, str) for part in argument.values()):
            return GuardUse(str(name), outcome=Outcome(**argument))
    raise ValueError(
        "a guard is a name, name: stage, outcome_is: {stage: …, field: …, value: …}, "
        "or when: …, otherwise: {kk: …, ru: …, en: …}"
    )


GuardText = Annotated[GuardUse, PlainValidator(_guard)]


class StageText(Definition):
    title: Words
    kind: StageKind = StageKind.FILL
    forms: list[Key] = []
    executor: str | None = None
    skip_if: str | None = None
    follows: str | None = None
    optional: StrictBool = False
    when: Annotated[str, Field(min_length=1)] | None = None
    otherwise: Words | None = None


class SubprocessText(Definition):
    title: Words
    stages: Annotated[list[str], Field(min_length=1)]
    order: Order = Order.SEQUENCE


class StandingText(Definition):
    """A subprocess declared once that holds in every process while its guards hold."""

    title: Words
    stages: list[str] = []
    offers: list[str] = []
    guards: list[GuardText] = []


class ExtendableText(Definition):
    """How often a term may be made longer, by how many working days each time, and who does it."""

    times: Annotated[int, Field(ge=1, le=20, strict=True)] = 1
    working_days: Annotated[int, Field(ge=1, le=1000, strict=True)]
    by: str


class TermText(Definition):
    """How long a process may take; ``escalate`` is told too once the time is over.

    ``counted_from``: the meeting whose date is recorded, instead of the moment of entering.
    ``table``: the output of a table in use that says the working days once it has been asked.
    """

    working_days: Annotated[int, Field(ge=1, le=1000, strict=True)]
    pauses: Literal["with_applicant"] | None = None
    escalate: str | None = None
    counted_from: Literal["meeting"] | None = None
    extendable: ExtendableText | None = None
    table: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")] | None = None


class TableUseText(Definition):
    """A decision table that the procedure asks, and where its inputs come from."""

    table: Key
    given: dict[Key, str] = {}


class SharedTermText(TermText):
    """A term that runs through several processes."""

    title: Words
    processes: Annotated[list[str], Field(min_length=1)]


class TimerText(Definition):
    """The transition that is taken once a term is over."""

    term: str
    trigger: Key


class ProcessText(Definition):
    title: Words
    short_title: Words | None = None
    executor: str | None = None
    state: Key
    final: StrictBool = False
    term: TermText | None = None
    subprocesses: dict[Key, SubprocessText] = {}

    @property
    def stages(self) -> list[str]:
        return [stage for subprocess in self.subprocesses.values() for stage in subprocess.stages]


class WayText(Definition):
    """What transitions and interruptions have in common."""

    trigger: Key
    target: str
    key: str | None = None
    title: Words | None = None
    by: str | None = None
    guards: list[GuardText] = []
    effects: list[str] = []
    notify: list[str] = []
    confirm: StrictBool = False
    reason_required: StrictBool = False

    def guard_names(self) -> set[str]:
        return {use.name for use in self.guards}


class TransitionText(WayText):
    source: str
    stage: str | None = None
    decides: list[str] = []


class InterruptionText(WayText):
    """A transition declared once for many sources; ``everywhere`` is every process but the final ones."""

    sources: Annotated[list[str], Field(min_length=1)] | Literal["everywhere"]


@dataclass(frozen=True)
class Way:
    """A transition, or an interruption from one of its sources, and where it stands in the file."""

    source: str
    text: WayText
    path: tuple[str | int, ...]
    source_path: tuple[str | int, ...]


class DayText(Definition):
    """A day of each year."""

    month: Annotated[int, Field(ge=1, le=12, strict=True)]
    day: Annotated[int, Field(ge=1, le=31, strict=True)]


class CountedText(Definition):
    """Archived applications of a procedure that count; those only where ``when`` holds."""

    procedure: Key
    when: Annotated[str, Field(min_length=1)] | None = None


class BeginsText(Definition):
    """On which days the calendar begins a procedure, and for which organisations."""

    on: Annotated[list[DayText], Field(min_length=1)]
    admitted_by: Annotated[list[CountedText], Field(min_length=1)]
    ended_by: list[CountedText] = []
    late_days: Annotated[int, Field(ge=0, le=180, strict=True)] = 60


class ParentText(Definition):
    """The procedure of the applications to which those of this one may belong; see ``parents.Parent``."""

    procedure: Key
    title: Words
    needed: StrictBool = False
    when: Annotated[str, Field(min_length=1)] | None = None
    otherwise: Words | None = None
    carries: dict[
        Annotated[str, Field(pattern=STAGE_OR_FIELD)],
        Annotated[str, Field(pattern=STAGE_OR_FIELD)],
    ] = {}


class ProcedureText(Definition):
    procedure: Key
    version: Annotated[int, Field(ge=1, strict=True)]
    category: Literal["listing", "nonlisted", "auditors", "membership", "disclosure"]
    title: Words
    number_prefix: Annotated[str, AfterValidator(_prefix)]
    open_to: Annotated[list[str], Field(min_length=1)]
    initial: str
    processes: Annotated[dict[Key, ProcessText], Field(min_length=1)]
    stages: Annotated[dict[Key, StageText], Field(min_length=1)]
    standing: dict[Key, StandingText] = {}
    transitions: Annotated[list[TransitionText], Field(min_length=1)]
    interruptions: list[InterruptionText] = []
    terms: dict[Key, SharedTermText] = {}
    timers: list[TimerText] = []
    tables: dict[Key, TableUseText] = {}
    begins: BeginsText | None = None
    parent: ParentText | None = None

    def term_texts(self) -> Iterator[tuple[tuple[str | int, ...], str, TermText, list[str]]]:
        """Yield every term with its path, its key and its processes; a process's own has the process's key."""
        for key, process in self.processes.items():
            if process.term is not None:
                yield ("processes", key, "term"), key, process.term, [key]
        for key, term in self.terms.items():
            yield ("terms", key), key, term, term.processes

    def declared(self) -> Iterator[tuple[tuple[str | int, ...], WayText]]:
        """Yield every transition and interruption as it stands in the file, with its path."""
        for index, transition in enumerate(self.transitions):
            yield ("transitions", index), transition
        for index, interruption in enumerate(self.interruptions):
            yield ("interruptions", index), interruption

    def ways(self) -> Iterator[Way]:
        """Yield every transition, and every interruption once for each of its sources."""
        for index, transition in enumerate(self.transitions):
            path = ("transitions", index)
            yield Way(transition.source, transition, path, (*path, "source"))
        for index, interruption in enumerate(self.interruptions):
            path = ("interruptions", index)
            for number, source in enumerate(self.sources_of(interruption)):
                yield Way(source, interruption, path, (*path, "sources", number))

    def sources_of(self, interruption: InterruptionText) -> list[str]:
        """Return the processes in which an interruption may begin."""
        if interruption.sources == EVERYWHERE:
            return [key for key, process in self.processes.items() if not process.final]
        return list(interruption.sources)
