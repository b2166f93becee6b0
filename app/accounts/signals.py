"""What happens to accounts, for the rooms above that tell people of it, in the same transaction."""

from __future__ import annotations

from blinker import Signal

locked = Signal("Sent with a user whose door has been shut: ``until`` when, ``reason`` (failures, address), ``now``.")
address_blocked = Signal("Sent with a user whose door has been shut for one ``address`` ``until`` when, ``now``.")
unlocked = Signal("Sent with a user whose shut door has been opened before its time, ``now``.")
recovery_asked = Signal("Sent with a user who asked for a link to set a password: the ``path`` of its page, ``now``.")
blocked = Signal("Sent with a user who has been blocked: the ``reason`` he reads, ``now``.")
unblocked = Signal("Sent with a user whose block has ended, ``now``.")
compromised = Signal("Sent with a user whose password has been reset on suspicion: ``path`` of a new link, ``now``.")
presence_recorded = Signal("Sent with a user whose block waits for a second officer, ``by`` the first, ``now``.")
authenticator_changed = Signal("Sent with a user whose authenticator was added or removed (``added``), ``now``.")
device_confirmed = Signal(
    "Sent with a user who confirmed on another device for ``browser``, ``address``, ``at``; ``now``."
)
device_refused = Signal("Sent with a user whose other device refused ``browser``, ``address``, ``at``; ``now``.")
code_asked = Signal("Sent with a user who asked for a ``code`` by mail, which lives ``minutes``; ``now``.")
generator_lost = Signal("Sent with a user whose lost generator waits for a second officer, ``by`` the first, ``now``.")
generator_taken_away = Signal("Sent with a user whose lost generator was taken away by two officers, ``now``.")
