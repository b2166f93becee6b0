"""Kept revocation lists are fetched anew before they end, so that nobody waits for it while signing.

    refreshing = Refreshing(online)
    refreshing.due(at=now, signers=...)     # from time to time, by one process
    state(folder)                           # by any other: what /health says

An address that gives nothing is asked ever less often, at least once an hour; what is wrong with it
stands in a small file beside the lists, for the other processes, and in the log.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from app.authorities import addresses
from app.authorities.addresses import Address
from app.authorities.kept_lists import Kept
from app.authorities.online import Online, Unavailable
from app.signatures.certificates import Certificate

AGAIN, SOON = timedelta(hours=1), timedelta(minutes=10)
"""Between two questions for a list that is good, and for one about to end of which there is no newer yet."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
"""After the first failure, doubled with each that follows; and at most."""
MOST_LISTS = 64
STATE = "state.json"
SILENT_AFTER = timedelta(hours=3)
"""Without a word for so long, the refreshing itself is no longer at work."""

log = structlog.get_logger()


@dataclass
class _Turn:
    """When an address is asked next (seconds of the clock), and how often it has failed since when."""

    after: float = 0.0
    failures: int = 0
    since: datetime | None = None
    why: str = ""


@dataclass
class Refreshing:
    """The turns of all lists; ``clock`` only measures what passes between two of them."""

    online: Online
    clock: Callable[[], float] = time.monotonic
    _turns: dict[Address, _Turn] = field(default_factory=dict, repr=False)

    def due(self, *, at: datetime, signers: Sequence[Certificate] = ()) -> int:
        """Fetch what is due at the moment ``at``; return how many lists were asked for.

        Lists are those that are configured with their path, and those that certificates named and
        are kept.  A list is taken only if one of ``signers`` signed it; see ``Online.revocation_list``.
        """
        asked = 0
        known = self._addresses()
        for address in known:
            turn = self._turns.setdefault(address, _Turn())
            if self.clock() >= turn.after:
                self._ask(address, turn, at, signers)
                asked += 1
        if asked:
            self._note({address: self._turns[address] for address in known}, at)
        return asked

    def _addresses(self) -> tuple[Address, ...]:
        own = [address for address in self.online.lists if address.path != "/"]
        named = addresses.allowed(self.online.kept.addresses(), self.online.lists)
        return tuple(dict.fromkeys((*own, *named)))[:MOST_LISTS]

    def _ask(self, address: Address, turn: _Turn, at: datetime, signers: Sequence[Certificate]) -> None:
        got = self.online.newest_list(address, at=at, signers=signers)
        kept = self.online.kept.get(address)
        why = got.why if isinstance(got, Unavailable) else ""
        if not why and (kept is None or not kept.is_usable_at(at)):
            why = "ended"  # the authority itself has nothing newer
        if not why:
            if turn.failures:
                log.info("list_fetched_again", host=address.host, path=address.path, failures=turn.failures)
            ends_soon = kept is not None and _ends_soon(kept, at)
            turn.failures, turn.since, turn.why = 0, None, ""
            turn.after = self.clock() + (SOON if ends_soon else AGAIN).total_seconds()
            return
        turn.failures, turn.since, turn.why = turn.failures + 1, turn.since or at, why
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(turn.failures - 1, 10))
        turn.after = self.clock() + pause.total_seconds()
        is_lost = kept is None or not kept.is_usable_at(at)
        tell = log.error if is_lost else log.warning
        tell(
            "list_not_fetched",
            host=address.host,
            path=address.path,
            why=why,
            failures=turn.failures,
            usable=not is_lost,
        )

    def _note(self, turns: dict[Address, _Turn], at: datetime) -> None:
        """Leave word for the other processes; a disk that is full leaves none."""
        failing = {
            str(address): {"since": _written(turn.since), "why": turn.why, "failures": turn.failures}
            for address, turn in turns.items()
            if turn.failures
        }
        folder = self.online.kept.folder
        draft = folder / f".{secrets.token_hex(8)}"
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            draft.write_text(
                json.dumps({"at": _written(at), "written": time.time(), "lists": len(turns), "failing": failing})
            )
            draft.rename(folder / STATE)


def state(folder: Path) -> dict[str, Any]:
    """Return how the refreshing stands: ``{"state": "ok" | "failing" | "silent" | "none", ...}``.

    With ``lists``, how many there are, and ``failing``: address -> since when, why and how often.
    ``none``: it has never had anything to do; ``silent``: it has not been at work for hours.
    """
    try:
        with (folder / STATE).open(encoding="utf-8") as file:
            told = json.loads(file.read(256 * 1024))
        failing, lists = dict(told["failing"]), int(told["lists"])
        is_silent = time.time() - float(told["written"]) > SILENT_AFTER.total_seconds()
    except (OSError, ValueError, KeyError, TypeError):
        return {"state": "none"}
    return {"state": "silent" if is_silent else "failing" if failing else "ok", "lists": lists, "failing": failing}


def _ends_soon(kept: Kept, at: datetime) -> bool:
    """Whether a list is in the last quarter of its life, but never longer than a day before its end."""
    ends = kept.revoked.next_update
    if ends is None:
        return False
    return ends - at <= min((ends - kept.revoked.this_update) / 4, timedelta(days=1))


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")
