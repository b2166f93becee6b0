"""Named promises: which targets run for which case, from when, on whose hours, and when silence ends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.business_calendar import clocks
from app.business_calendar.clocks import Pause, Target
from app.business_calendar.hours import ServiceHours
from app.errors import NotFound


@dataclass(frozen=True)
class Case:
    """The targets of one case; None is "not set by the regulation", never zero (R15).

    ``from_receipt``: taken up at once, day and night: acceptance is receipt (R5).
    """

    response: Target | None
    resolution: Target | None
    from_receipt: bool = False


@dataclass(frozen=True)
class Due:
    """The moments of one request, aware; None where there is none."""

    accepted_at: datetime
    response_due: datetime | None
    resolution_due: datetime | None
    auto_close_at: datetime | None


@dataclass(frozen=True)
class Policy:
    """One promise: its hours, its cases, and the target after which an unanswered question closes the request."""

    key: str
    hours: ServiceHours
    cases: Mapping[str, Case]
    auto_close: Target | None = None

    def due(self, case: str, received_at: datetime, pauses: Sequence[Pause]) -> Due:
        """Return when a request of a case is due (R4 to R14).

        ``auto_close_at`` belongs to the last pause, answered or not.  An answer that does not come
        strictly before it ends no pause: the request is closed then, and has no due moment any more.

        Raises:
            NotFound: the policy has no such case.
            CalendarMissing: it is counted through a year without a table.
            Invalid: the pauses overlap, or end before they begin.
        """
        if case not in self.cases:
            raise NotFound
        promised = self.cases[case]
        accepted = received_at if promised.from_receipt else self.hours.accepted(received_at)
        lived: list[Pause] = []
        closes_at = None
        for pause in clocks.in_order(pauses):
            closes_at = self._closes_at(pause)
            is_too_late = closes_at is not None and (pause.end is None or pause.end >= closes_at)
            lived.append(replace(pause, end=None) if is_too_late else pause)
            if is_too_late:
                break
        resolution = promised.resolution
        return Due(
            accepted_at=accepted,
            response_due=promised.response.due(accepted, self.hours) if promised.response else None,
            resolution_due=clocks.read(resolution, accepted, lived, self.hours).due if resolution else None,
            auto_close_at=closes_at,
        )

    def _closes_at(self, pause: Pause) -> datetime | None:
        if self.auto_close is None:
            return None
        return self.auto_close.due(self.hours.accepted(pause.start), self.hours)
