"""What the votes of a body on one matter amount to, by its rules; pure values in, pure values out.

A member with a conflict of interest is out of the matter: he neither votes nor makes up the quorum.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class Choice(StrEnum):
    """How a member votes."""

    FOR = "for"
    AGAINST = "against"
    ABSTAINED = "abstained"


class Presence(StrEnum):
    """Whether a member takes part in a meeting; from afar counts as being there."""

    PRESENT = "present"
    REMOTE = "remote"
    ABSENT = "absent"

    @property
    def is_there(self) -> bool:
        """Whether the member may vote and counts for the quorum."""
        return self is not Presence.ABSENT


class Base(StrEnum):
    """Of whom a share is taken."""

    MEMBERS = "members"  # all who are in office, those with a conflict too
    ENTITLED = "entitled"  # those in office without a conflict
    PRESENT = "present"  # those entitled who are there
    CAST = "cast"  # votes for and against: who abstains is not counted


@dataclass(frozen=True)
class Share:
    """At least, or more than, a fraction of somebody."""

    part: Fraction
    is_more_than: bool
    of: Base

    def needed(self, whole: int) -> int:
        """Return the fewest people who are such a share of ``whole``; never none."""
        exact = self.part * whole
        fewest = -(-exact.numerator // exact.denominator)
        return max(1, fewest + 1 if self.is_more_than and exact == fewest else fewest)


@dataclass(frozen=True)
class Rule:
    """By what a body decides.  ``has_casting_vote``: on equal votes the chair's side wins."""

    quorum: Share
    majority: Share
    has_casting_vote: bool


@dataclass(frozen=True)
class Seat:
    """A member with a vote, as he takes part in one matter; ``choice`` None: not recorded."""

    member: int
    is_chair: bool = False
    is_there: bool = True
    has_conflict: bool = False
    choice: Choice | None = None


class Result(StrEnum):
    """What came of the vote on a proposal."""

    NO_QUORUM = "no_quorum"
    INCOMPLETE = "incomplete"  # somebody's vote is not recorded yet
    ADOPTED = "adopted"
    NOT_ADOPTED = "not_adopted"


@dataclass(frozen=True)
class Tally:
    """The votes counted.  ``quorum`` and ``majority`` are the fewest that were needed."""

    members: int
    entitled: int
    present: int
    quorum: int
    majority: int
    votes_for: int
    votes_against: int
    abstained: int
    missing: tuple[int, ...]
    result: Result
    by_casting_vote: bool = False

    @property
    def has_quorum(self) -> bool:
        """Whether the matter may be voted on."""
        return self.present >= self.quorum


def tally(rule: Rule, seats: Iterable[Seat]) -> Tally:
    """Count the votes of those who may vote; what others are said to have voted is not counted."""
    every = tuple(seats)
    entitled = [seat for seat in every if not seat.has_conflict]
    there = [seat for seat in entitled if seat.is_there]
    count = {choice: sum(1 for seat in there if seat.choice is choice) for choice in Choice}
    cast = count[Choice.FOR] + count[Choice.AGAINST]
    wholes = {Base.MEMBERS: len(every), Base.ENTITLED: len(entitled), Base.PRESENT: len(there), Base.CAST: cast}
    quorum = rule.quorum.needed(wholes[rule.quorum.of])
    majority = rule.majority.needed(wholes[rule.majority.of])
    missing = tuple(seat.member for seat in there if seat.choice is None)
    result, by_casting_vote = Result.NOT_ADOPTED, False
    if len(there) < quorum:
        result = Result.NO_QUORUM
    elif missing:
        result = Result.INCOMPLETE
    elif count[Choice.FOR] >= majority:
        result = Result.ADOPTED
    elif rule.has_casting_vote and count[Choice.FOR] == count[Choice.AGAINST] > 0:
        decisive = next((seat.choice for seat in there if seat.is_chair), None)
        by_casting_vote = decisive in (Choice.FOR, Choice.AGAINST)
        if decisive is Choice.FOR and count[Choice.FOR] + 1 >= majority:
            result = Result.ADOPTED
    return Tally(
        members=len(every),
        entitled=len(entitled),
        present=len(there),
        quorum=quorum,
        majority=majority,
        votes_for=count[Choice.FOR],
        votes_against=count[Choice.AGAINST],
        abstained=count[Choice.ABSTAINED],
        missing=missing,
        result=result,
        by_casting_vote=by_casting_vote,
    )
