"""Where an application stands, what is known of it, and the named conditions over both.

``GUARDS`` and ``EFFECTS`` are closed tables: a workflow file may use their names at once, and
no other.  A new guard is one entry here and one test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from app.definition_files import Words
from app.errors import Said

if TYPE_CHECKING:
    from app.workflows.machine import Procedure


class StageStatus(StrEnum):
    """The stored status of a stage; never guessed from its answers."""

    NOT_STARTED = "not_started"
    FILLING = "filling"
    FILLED = "filled"
    SKIPPED = "skipped"

    @property
    def is_done(self) -> bool:
        """A skipped stage counts as complete (manual, paragraph 14)."""
        return self in (StageStatus.FILLED, StageStatus.SKIPPED)


@dataclass(frozen=True)
class Position:
    """The process an application stands in and the statuses of its stages.

    ``stages`` holds only stages that have been touched; all others are not started.
    """

    process: str
    stages: Mapping[str, StageStatus] = field(default_factory=dict)

    def status(self, stage: str) -> StageStatus:
        """Return the stored status of a stage of any process."""
        return self.stages.get(stage, StageStatus.NOT_STARTED)

    def with_stages(self, changed: Mapping[str, StageStatus]) -> Position:
        """Return the same position with some stages at another status."""
        return Position(self.process, {**self.stages, **changed})

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {"process": self.process, "stages": {stage: str(status) for stage, status in self.stages.items()}}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Position:
        """Read what ``to_dict`` wrote."""
        return cls(stored["process"], {stage: StageStatus(status) for stage, status in stored["stages"].items()})


class ParentState(StrEnum):
    """How it stands with the application to which another one belongs, as far as any guard asks.

    ``WAITING``: it has not come to its end, and what is asked of it does not hold yet; ``FAILED``: it has ended
    so, or its organisation has been told by letter of a decision that is another one.  Without a
    condition in the file every parent fits.
    """

    NONE = "none"
    WAITING = "waiting"
    FITS = "fits"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an application, as far as any guard asks.

    ``answer_sent``: what the applicant's side signs has come to the Exchange, where the Exchange began it too.
    ``meeting_appointed`` holds from the moment a meeting date is recorded (withdrawal ends then).
    ``signature_valid``: the document now offered carries a verified signature of the first head.
    ``comments`` counts the first head's comments of this round, published or pending.
    ``remarks`` counts the reviewers' remarks written in this round and not yet sent; ``open_remarks``
    those sent and not yet answered; ``unresolved_remarks`` all that no reviewer has resolved, sent or not.
    ``unconfirmed`` are the stages whose newest answers the page saved by itself: nobody has pressed a button since.
    ``issued`` are the stages of kind issuing whose paper, as it is written now, carries a verified signature.
    ``answers`` maps stage to field key to canonical value, of the stages whose outcome a guard asks.
    ``conditions`` maps the text of a condition to what it says of the answers, None where that is open.
    ``parent`` is how it stands with the application to which this one belongs; ``open_children`` counts those
    that belong to this one, have been sent and have not ended.
    """

    sent: bool = False
    answer_sent: bool = False
    meeting_appointed: bool = False
    decided: bool = False
    signature_valid: bool = False
    comments: int = 0
    remarks: int = 0
    open_remarks: int = 0
    unresolved_remarks: int = 0
    financial_organisation: bool = False
    adviser_chosen: bool = False
    unconfirmed: frozenset[str] = frozenset()
    issued: frozenset[str] = frozenset()
    answers: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    conditions: Mapping[str, bool | None] = field(default_factory=dict)
    parent: ParentState = ParentState.NONE
    open_children: int = 0


class Argument(StrEnum):
    """What a guard must be given in a workflow file."""

    NONE = "none"
    STAGE = "stage"
    OUTCOME = "outcome"
    CONDITION = "condition"


@dataclass(frozen=True)
class Outcome:
    """The argument of ``outcome_is``: this field of this stage has this value."""

    stage: str
    field: str
    value: str


@dataclass(frozen=True)
class Condition:
    """A condition on answers, and the words for when it does not hold; see ``conditions``."""

    text: str
    otherwise: Words | None = None

    def holds(self, facts: Facts) -> bool:
        """Tell whether it holds; while something is not answered, it does not."""
        return facts.conditions.get(self.text) is True


@dataclass(frozen=True)
class Asked:
    """What a guard looks at."""

    facts: Facts
    position: Position
    procedure: Procedure
    stage: str = ""  # the argument of guards that take a stage
    outcome: Outcome | None = None
    condition: Condition | None = None

    @property
    def words_of_stage(self) -> Said:
        """The title of the stage the guard asks about."""
        stage = self.outcome.stage if self.outcome else self.stage
        return self.procedure.stages[stage].said


def _nothing_else(_: Asked) -> None:
    return None


def _no_params(_: Asked) -> dict[str, object]:
    return {}


@dataclass(frozen=True)
class Guard:
    """A named condition, and the sentence (key of a term) that tells the user why it does not hold.

    ``is_road``: the guard does not hold anybody back, it tells which of several roads is taken.
    ``otherwise``: another sentence, where there is another reason.
    """

    name: str
    holds: Callable[[Asked], bool]
    refusal: str
    params: Callable[[Asked], dict[str, object]] = _no_params
    argument: Argument = Argument.NONE
    is_road: bool = False
    otherwise: Callable[[Asked], str | None] = _nothing_else

    def sentence(self, asked: Asked) -> str:
        """Return the key of the sentence that tells why it does not hold."""
        return self.otherwise(asked) or self.refusal


def _has_outcome(asked: Asked) -> bool:
    wanted = asked.outcome
    return wanted is not None and asked.facts.answers.get(wanted.stage, {}).get(wanted.field) == wanted.value


def _holds(asked: Asked) -> bool:
    return asked.condition is not None and asked.condition.holds(asked.facts)


def _words_of_condition(asked: Asked) -> dict[str, object]:
    words = asked.condition.otherwise if asked.condition else None
    return {"words": Said(words.model_dump() if words else {})}


def _words_of_parent(asked: Asked) -> dict[str, object]:
    parent = asked.procedure.parent
    words = parent.when.otherwise if parent is not None and parent.when is not None else None
    return {"words": Said(words.model_dump() if words else {})}


def _title_of_parent(asked: Asked) -> dict[str, object]:
    parent = asked.procedure.parent
    return {"parent": Said(parent.title.model_dump() if parent is not None else {})}


def _needs_another(asked: Asked) -> str | None:
    parent = asked.procedure.parent
    return "workflow.err.parent_ended_needed" if parent is not None and parent.is_needed else None


def _unconfirmed(asked: Asked) -> tuple[str, ...]:
    """Return the finished stages of the process that have been changed since without any button."""
    own, changed = asked.procedure.process(asked.position).stages, asked.facts.unconfirmed
    return tuple(key for key in own if key in changed and asked.position.status(key) is StageStatus.FILLED)


def _unfinished(asked: Asked) -> dict[str, object]:
    keys = asked.procedure.unfinished(asked.position) or _unconfirmed(asked)
    titles = [asked.procedure.stages[key].said.words for key in keys]
    joined = {language: "; ".join(words[language] for words in titles) for language in ("kk", "ru", "en")}
    return {"stages": Said(joined), "unfinished": keys}


def _by_name(*guards: Guard) -> dict[str, Guard]:
    table = {guard.name: guard for guard in guards}
    if len(table) != len(guards):
        raise ValueError("a guard stands twice")
    return table


PARENT_GUARDS: Mapping[str, frozenset[ParentState]] = {
    "parent_fits": frozenset({ParentState.NONE, ParentState.FITS}),
    "parent_failed": frozenset({ParentState.FAILED}),
    "parent_not_failed": frozenset(ParentState) - {ParentState.FAILED},
    "has_parent": frozenset(ParentState) - {ParentState.NONE},
    "no_parent": frozenset({ParentState.NONE}),
}
"""The guards that ask about the application to which this one belongs, and the states in which each holds."""

GUARDS = _by_name(
    Guard(
        "every_stage_done",
        lambda asked: not (asked.procedure.unfinished(asked.position) or _unconfirmed(asked)),
        "workflow.err.unfinished",
        _unfinished,
        otherwise=lambda asked: None if asked.procedure.unfinished(asked.position) else "workflow.err.unconfirmed",
    ),
    Guard("sent", lambda asked: asked.facts.sent, "workflow.err.not_sent"),
    Guard("not_sent", lambda asked: not asked.facts.sent, "workflow.err.sent"),
    Guard("answer_sent", lambda asked: asked.facts.answer_sent, "workflow.err.answer_not_sent"),
    Guard("meeting_not_appointed", lambda asked: not asked.facts.meeting_appointed, "err.withdraw_late"),
    Guard("not_decided", lambda asked: not asked.facts.decided, "workflow.err.decided"),
    Guard("signed_by_first_head", lambda asked: asked.facts.signature_valid, "workflow.err.unsigned"),
    Guard("has_comments", lambda asked: asked.facts.comments > 0, "err.comment_required"),
    Guard("has_remarks", lambda asked: asked.facts.remarks > 0, "workflow.err.no_remarks"),
    Guard(
        "remarks_answered",
        lambda asked: asked.facts.open_remarks == 0,
        "workflow.err.remarks_unanswered",
        lambda asked: {"count": asked.facts.open_remarks},
    ),
    Guard(
        "no_unresolved_remarks",
        lambda asked: asked.facts.unresolved_remarks == 0,
        "workflow.err.remarks_unresolved",
        lambda asked: {"count": asked.facts.unresolved_remarks},
    ),
    Guard(
        "financial_organisation_without_adviser",
        lambda asked: asked.facts.financial_organisation and not asked.facts.adviser_chosen,
        "workflow.err.cannot_skip",
    ),
    Guard(
        "outcome_is",
        _has_outcome,
        "workflow.err.outcome",
        lambda asked: {"stage": asked.words_of_stage},
        Argument.OUTCOME,
    ),
    Guard(
        "stage_done",
        lambda asked: asked.position.status(asked.stage).is_done,
        "workflow.err.stage_not_done",
        lambda asked: {"stage": asked.words_of_stage},
        Argument.STAGE,
        is_road=True,
    ),
    Guard(
        "stage_not_done",
        lambda asked: not asked.position.status(asked.stage).is_done,
        "workflow.err.stage_done",
        lambda asked: {"stage": asked.words_of_stage},
        Argument.STAGE,
        is_road=True,
    ),
    Guard("when", _holds, "workflow.err.condition", _words_of_condition, Argument.CONDITION),
    Guard(
        "parent_fits",
        lambda asked: asked.facts.parent in PARENT_GUARDS["parent_fits"],
        "workflow.err.condition",
        _words_of_parent,
    ),
    Guard(
        "parent_failed",
        lambda asked: asked.facts.parent in PARENT_GUARDS["parent_failed"],
        "workflow.err.parent_not_failed",
    ),
    Guard(
        "parent_not_failed",
        lambda asked: asked.facts.parent in PARENT_GUARDS["parent_not_failed"],
        "workflow.err.parent_ended",
        _title_of_parent,
        otherwise=_needs_another,
    ),
    Guard(
        "has_parent",
        lambda asked: asked.facts.parent in PARENT_GUARDS["has_parent"],
        "workflow.err.no_parent",
        is_road=True,
    ),
    Guard(
        "no_parent",
        lambda asked: asked.facts.parent in PARENT_GUARDS["no_parent"],
        "workflow.err.has_parent",
        is_road=True,
    ),
    Guard(
        "no_open_children",
        lambda asked: asked.facts.open_children == 0,
        "workflow.err.open_children",
        lambda asked: {"count": asked.facts.open_children},
    ),
)

EFFECTS = frozenset(
    {
        "freeze_document",  # the summary document's bytes are fixed: these will be read and signed
        "assign_first_head",
        "publish_comments",
        "send_file",  # the moment of submission to the Exchange, the first time
        "assign_number",  # the chancery's number and date
        "publish_remarks",
        "record_meeting",
        "record_decision",
        "make_letter",
        "deliver_letter",
        "deliver_conclusion",  # the signed conclusion of the Exchange is given with the letter
        "letter_refused",  # letters by a template alone, for the authorised person to sign: registration refused …
        "letter_incomplete",
        "letter_remarks",
        "letter_withdrawn",
        "letter_discontinued",
        "letter_unanswered",  # … and one that the system sends by itself, unsigned
        "archive",
        "close",  # a final without a result: withdrawn, refused
        "delete",
        "call_respondent",  # what the Exchange has begun comes to the organisation: its people are made executors
    }
)
"""Named consequences of a transition; the room of applications carries them out."""

EXECUTORS = (
    "author",
    "adviser",
    "first_head",
    "respondent",
    "chancery",
    "listing",
    "lawyer",
    "analyst",
    "listing_head",
    "secretary",
)
"""Who may be named executor: four people of the application, then whoever holds the role at the Exchange."""

ANSWERING = frozenset({"author", "respondent"})
"""Executors in whose hands the organisation's answers are: who filed, or who answers what the Exchange has begun."""

APPLICANT = EXECUTORS[:4]
"""The executors of the organisation's side, named people: with them a term may stand still."""

SYSTEM = "system"
"""Stands for ``by`` of a transition that a timer takes and no person."""

EFFECTS_OF_SYSTEM = frozenset({"close", "letter_unanswered"})
"""The effects that need nobody who did it."""

ORGANISATION_KINDS = ("initiator", "adviser", "audit_org", "candidate")
"""The four kinds of client (manual, paragraph 1.2), as in the terms ``role.*``."""

CATEGORIES = ("listing", "nonlisted", "auditors", "membership", "disclosure")
"""The five categories of procedures (manual, paragraph 12), as in the terms ``cat.*``."""
