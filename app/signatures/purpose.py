"""What a signed content is for, told by its first line.

Keys that sign documents may one day open a door too.  What a person signs to be let in then begins
with ``CHALLENGE``, a line each of host, nonce and moment follow, and it is never accepted for a
document; what is signed as a document here is a PDF, which cannot begin so.
"""

from __future__ import annotations

from app.signatures import cms
from app.signatures.asn1 import Malformed

CHALLENGE = b"kezen sign-in challenge 1\n"


def is_challenge(content: bytes) -> bool:
    """Whether a content was made to be signed at a door and nowhere else."""
    return content.startswith(CHALLENGE)


def holds_challenge(message: bytes) -> bool:
    """Whether a signed message carries such a content; one that cannot be read carries none."""
    try:
        content = cms.read(cms.read_cms(message)).content
    except Malformed:
        return False
    return content is not None and is_challenge(content)
