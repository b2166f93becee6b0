"""Revocation lists kept on the disk, one file an address: a line about the fetching, then the list itself.

Lists are large and stay true until their nextUpdate.  The file's own time is when its address was
last asked; several processes may use one folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.authorities.addresses import Address
from app.signatures import listed, revocation
from app.signatures.asn1 import Malformed
from app.signatures.revocation import RevocationList

SLACK = timedelta(minutes=5)
"""A list is no longer kept for true this long before it ends."""


@dataclass(frozen=True)
class Kept:
    """A list as it lies here; ``etag`` and ``last_modified`` are the server's own words on it."""

    revoked: RevocationList
    etag: str
    last_modified: str
    asked_at: datetime

    def is_usable_at(self, at: datetime) -> bool:
        """Whether the list is neither from later than ``at`` nor about to end."""
        ends = self.revoked.next_update
        return self.revoked.this_update - at <= listed.CLOCK_SKEW and (ends is None or ends - at > SLACK)

    @property
    def age(self) -> timedelta:
        """Return how long ago its address was last asked, by the machine's clock."""
        return abs(datetime.now(UTC) - self.asked_at)


class KeptLists:
    """The lists in one folder, which is made when the first is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _path(self, address: Address) -> Path:
        return self.folder / f"{hashlib.sha256(str(address).encode()).hexdigest()}.list"

    def addresses(self) -> tuple[str, ...]:
        """Return the addresses of which something is kept, in no order."""
        found = []
        for path in sorted(self.folder.glob("*.list")):
            with suppress(OSError, ValueError, KeyError, TypeError), path.open("rb") as file:
                found.append(str(json.loads(file.readline(4096))["address"]))
        return tuple(found)

    def get(self, address: Address) -> Kept | None:
        """Return the list kept for an address; one that cannot be read is none."""
        try:
            with self._path(address).open("rb") as file:
                head = json.loads(file.readline(4096))
                asked_at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
                found = revocation.read(file.read())
            return Kept(found, str(head["etag"]), str(head["last_modified"]), asked_at)
        except (OSError, ValueError, KeyError, TypeError, Malformed):
            return None

    def keep(self, address: Address, der: bytes, *, etag: str, last_modified: str) -> None:
        """Keep a list in place of the one before; a disk that is full keeps nothing."""
        path = self._path(address)
        head = {"address": str(address), "etag": etag[:200], "last_modified": last_modified[:200]}
        draft = path.with_name(f".{secrets.token_hex(8)}")
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                draft.write_bytes(json.dumps(head).encode() + b"\n" + der)
                draft.rename(path)
            finally:
                draft.unlink(missing_ok=True)

    def asked(self, address: Address) -> None:
        """Note that the address was asked now and has nothing newer."""
        with suppress(OSError):
            os.utime(self._path(address))
