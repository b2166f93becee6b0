"""The catalogue of what people are told: every message's key, its group, and how its group may be told.

A group is what a person chooses for (``docs/notices.md``).  What asks the reader to act, and what concerns the
safety of his account, is mailed at once whatever he chose: ``MANDATORY`` groups, and any message that is written
with ``action_required``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Channel(StrEnum):
    """How one is told beside the cabinet, where every message stands at once."""

    AT_ONCE = "at_once"
    DIGEST = "digest"
    CABINET = "cabinet"


TASK, SECURITY = "task", "security"
MANDATORY = frozenset({TASK, SECURITY})
"""The groups that nobody can mute."""

CHOSEN: Mapping[str, Channel] = {
    "progress": Channel.AT_ONCE,
    "letters": Channel.AT_ONCE,
    "terms": Channel.AT_ONCE,
    "meetings": Channel.AT_ONCE,
    "work": Channel.AT_ONCE,
    "organisation": Channel.AT_ONCE,
    "news": Channel.CABINET,
}
"""The groups that a person chooses for, in the order of the page -> the channel of who has not chosen."""

GROUPS = (*CHOSEN, TASK, SECURITY)


@dataclass(frozen=True)
class Event:
    """One kind of message: the key of its term, and the group it belongs to."""

    key: str
    group: str

    @property
    def is_mandatory(self) -> bool:
        """Whether it is mailed at once whatever was chosen."""
        return self.group in MANDATORY


def _catalogue(groups: Mapping[str, Iterable[str]]) -> dict[str, Event]:
    found: dict[str, Event] = {}
    for group, names in groups.items():
        for name in names:
            key = f"notice.{name}"
            if key in found:
                raise ValueError(f"{key} stands in two groups")
            found[key] = Event(key, group)
    return found


EVENTS = _catalogue(
    {
        "progress": ("created", "moved", "transferred", "conclusion_returned", "assisted_gone"),
        "letters": ("letter",),
        "terms": (
            "term_soon",
            "term_over",
            "term_escalated",
            "term_extended",
            "condition_soon",
            "condition_overdue",
            "condition_met",
        ),
        "meetings": ("meeting_appointed", "meeting_set", "meeting_moved", "meeting_off", "meeting_invited"),
        "work": ("work_given", "work_reassigned", "work_taken_over", "work_given_back", "assisted_confirmed"),
        "organisation": (
            "partner_added",
            "partnership_ended",
            "removal_declined",
            "substitute",
            "substitute_ended",
            "acting",
            "acting_ended",
            "acting_revoked",
            "head_changed",
            "head_registered",
            "head_refused",
            "head_withdrawn",
            "invitation_agreed",
            "invitation_declined",
            "iin_corrected",
        ),
        "news": ("announced",),
        TASK: (
            "your_action",
            "assigned",
            "adviser_chosen",
            "letter_waits",
            "access_waits",
            "removal_asked",
            "invited",
            "invited_head",
            "assisted_offered",
            "assisted_declined",
            "assisted_lapsed",
            "assisted_left",
        ),
        SECURITY: (
            "account_created",
            "locked",
            "locked_address",
            "locked_codes",
            "address_blocked",
            "address_attack",
            "unlocked",
            "recovery",
            "blocked",
            "presence",
            "unblocked",
            "compromised",
            "authenticator_added",
            "authenticator_removed",
            "device_confirmed",
            "device_refused",
            "code_mailed",
            "generator_lost",
            "generator_waits",
            "generator_taken_away",
            "admin_given",
            "admin_withdrawn",
            "switched_on",
            "place_lost",
            "address_bounced",
            "address_tried",
        ),
    }
)


def event(key: str) -> Event:
    """Return the event of a message; one that the catalogue does not know is told at once, as no one may miss it."""
    return EVENTS.get(key) or Event(key, TASK)


def channel(key: str, chosen: Mapping[str, str], *, action_required: bool) -> Channel:
    """Return how a message is told to somebody who chose ``chosen`` (group -> channel)."""
    found = event(key)
    if action_required or found.is_mandatory:
        return Channel.AT_ONCE
    return Channel(chosen.get(found.group, CHOSEN[found.group]))
