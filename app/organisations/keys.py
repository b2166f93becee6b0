"""The test signature: whoever is to sign shows once, with nothing at stake, that his key works and is his.

What is signed begins as ``app.signatures.purpose`` says, so that it can never pass for a document, and names this
purpose, so that it opens no door either.
Source: user manual, paragraph 3 (a valid EDS key of the first head); reading A26.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from app import catalogue
from app.authorities.gathering import judged
from app.errors import Conflict, Invalid, Problem
from app.signatures.purpose import CHALLENGE
from app.signatures.report import SignatureReport
from app.signatures.who import refusals

LIFE = timedelta(hours=2)
"""How long what was given to be signed may come back signed."""
LARGEST_CMS = 256 * 1024
_PURPOSE = "key test"


def challenge(host: str, *, now: datetime) -> str:
    """Return a text to be signed for a test; it is asked for by its own words when it comes back."""
    lines = (host, _PURPOSE, secrets.token_hex(16), now.isoformat())
    return CHALLENGE.decode() + "\n".join(lines) + "\n"


def is_fresh(text: str, *, now: datetime) -> bool:
    """Tell whether a text was given out for this purpose, and not too long ago."""
    lines = text.removeprefix(CHALLENGE.decode()).splitlines()
    if len(lines) != 4 or lines[1] != _PURPOSE:
        return False
    return timedelta() <= now - datetime.fromisoformat(lines[3]) <= LIFE


def judge(cms: bytes, text: str, *, now: datetime) -> SignatureReport:
    """Verify a test signature.  This may take a while: hold no transaction meanwhile.

    Raises:
        Conflict: what was to be signed is too old, or was for something else.
        Invalid: there is no signature, or it is larger than any.
    """
    if not is_fresh(text, now=now):
        raise Conflict("key.err.stale")
    if not cms:
        raise Invalid.at("cms", "sign.err.no_file")
    if len(cms) > LARGEST_CMS:
        raise Invalid.at("cms", "key.err.size")
    present = catalogue.present()
    return judged(cms, text.encode(), at=now, trust=present.trust, online=present.online)


def faults(report: SignatureReport, *, bin: str, iin: str) -> list[Problem]:
    """Return why a test signature does not confirm the key of the person ``iin`` for the organisation ``bin``."""
    found = refusals(report, bin=bin, signing_iins={iin} - {""})
    return [Problem("cms", _OWN_WORDS.get(key, key)) for key in found]


_OWN_WORDS = {
    "err.doc_changed": "key.err.changed",
    "err.cert_org": "key.err.organisation",
    "err.cert_person": "key.err.person",
    "sig.refusal.role": "key.err.role",
}
"""What a refusal is called here, where no document is signed."""


def kept(report: SignatureReport) -> dict[str, Any]:
    """Return what is kept of a good test: whose key it was, until when it is valid, and the whole report."""
    signer = report.signers[0]
    return {
        "name": signer.name,
        "iin": signer.iin,
        "bin": signer.bin,
        "serial": signer.serial,
        "valid_to": signer.not_after.isoformat() if signer.not_after else None,
        "report": report.to_dict(),
    }
