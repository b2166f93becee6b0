"""How often one address may ask what anybody may ask: guessing is not stopped by it, only made useless."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta

MOST_ADDRESSES = 10_000


class Pace:
    """At most ``most`` questions of an address within ``window``; kept in the memory of one process."""

    def __init__(self, most: int, window: timedelta) -> None:
        self.most, self.window = most, window
        self._asked: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def allows(self, address: str, *, now: datetime) -> bool:
        """Count a question of an address and tell whether it may be answered."""
        with self._lock:
            asked = self._asked.setdefault(address, deque(maxlen=self.most))
            self._asked.move_to_end(address)
            while len(self._asked) > MOST_ADDRESSES:
                self._asked.popitem(last=False)
            while asked and asked[0] <= now - self.window:
                asked.popleft()
            if len(asked) >= self.most:
                return False
            asked.append(now)
            return True

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._asked.clear()
