"""One-time codes of six digits that change every 30 seconds (TOTP).

Source: RFC 6238 with the HMAC-SHA-1 of RFC 4226, the only form that every generator knows.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote

STEP_SECONDS = 30
DIGITS = 6
SIDEWAYS = 1
"""Steps before and after the present one whose codes are taken: clocks differ, and people type slowly."""


def new_secret() -> str:
    """Return 160 random bits in base 32, as generators take them."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def step_at(moment: datetime) -> int:
    """Return the number of the step of 30 seconds in which ``moment`` lies."""
    return int(moment.timestamp()) // STEP_SECONDS


def code_of(secret: str, step: int) -> str:
    """Return the code of a step (RFC 4226, section 5.3)."""
    digest = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 0x0F
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_of(secret: str, code: str, *, now: datetime, after: int) -> int | None:
    """Return the step whose code this is, None if it is of none near ``now`` or of one not after ``after``."""
    present = step_at(now)
    found = None
    for step in range(present - SIDEWAYS, present + SIDEWAYS + 1):
        is_it = hmac.compare_digest(code_of(secret, step), code) if code.isascii() else False
        if is_it and step > after:
            found = step
    return found


def address_of(secret: str, *, account: str, issuer: str) -> str:
    """Return the otpauth address that a generator reads from the picture."""
    label = f"{quote(issuer)}:{quote(account)}"
    return f"otpauth://totp/{label}?secret={secret}&issuer={quote(issuer)}&algorithm=SHA1&digits={DIGITS}&period=30"
