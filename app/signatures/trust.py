"""Whom we trust: anchors, since when and until when, and what lies beside them.

Only configured anchors end a path (``paths``).  Intermediates may stand between; they give no
trust of their own.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.signatures import asn1, certificates, names, ocsp
from app.signatures.asn1 import Malformed
from app.signatures.certificates import Certificate
from app.signatures.revocation import LARGEST_LIST, RevocationList
from app.signatures.revocation import read as read_list

TEST_MARKS = re.compile(r"\b(TEST|SANDBOX)\b", re.IGNORECASE)
INDEX = "index.csv"
SHIPPED = Path(__file__).parent / "anchors"
SUFFIXES = (".cer", ".crt", ".der", ".pem")
STATUS_SUFFIXES = (".crl", ".ocsp", ".der")


class TestAnchorRefused(Exception):
    """A test anchor in production; the message names it."""

    __test__ = False


class Unreadable(Exception):
    """A file of the trust store that is not what it should be; the message names it."""


@dataclass(frozen=True)
class Anchor:
    """A certificate we trust without proof; ``is_test``: it signs for test identities.

    ``forgets_expired``: the authorities under it are known to take expired certificates off their lists.

    ``trusted_from`` and ``trusted_until`` bound the moments of judgement for which it counts, both
    included; None leaves that end to the certificate's own validity.
    """

    certificate: Certificate
    is_test: bool
    trusted_from: datetime | None = None
    trusted_until: datetime | None = None
    forgets_expired: bool = False

    @classmethod
    def of(cls, der: bytes, *, is_test: bool = False) -> Anchor:
        """Return the anchor; a name that says TEST or SANDBOX makes it a test anchor wherever it lay."""
        certificate = certificates.read(der)
        return cls(certificate, is_test or bool(TEST_MARKS.search(names.display(certificate.subject))))

    def is_trusted_at(self, at: datetime) -> bool:
        """Whether the anchor counts for a moment of judgement; its own validity is another question."""
        return (self.trusted_from is None or self.trusted_from <= at) and (
            self.trusted_until is None or at <= self.trusted_until
        )


@dataclass(frozen=True)
class TrustStore:
    """Anchors, intermediates, revocation lists and OCSP answers: all that a signature is judged against.

    Raises:
        TestAnchorRefused: ``environment`` is production and an anchor is for tests.
    """

    anchors: tuple[Anchor, ...] = ()
    intermediates: tuple[Certificate, ...] = ()
    lists: tuple[RevocationList, ...] = ()
    answers: tuple[ocsp.Answer, ...] = ()
    environment: str = "production"

    def __post_init__(self) -> None:
        if self.environment == "production":
            for anchor in self.anchors:
                if anchor.is_test:
                    name = names.display(anchor.certificate.subject)
                    raise TestAnchorRefused(f"{name!r} is a test anchor and may not be trusted in production")

    def joined(self, other: TrustStore) -> TrustStore:
        """Return a store that trusts what either trusts, in this one's environment."""
        return TrustStore(
            (*self.anchors, *other.anchors),
            (*self.intermediates, *other.intermediates),
            (*self.lists, *other.lists),
            (*self.answers, *other.answers),
            self.environment,
        )


def read_store(
    anchors: Iterable[Path],
    *,
    intermediates: Iterable[Path] = (),
    lists: Iterable[Path] = (),
    environment: str = "production",
) -> TrustStore:
    """Read a trust store from folders or single files (certificates in DER or PEM).

    A folder of anchors with an ``index.csv`` gives what stands in that (``anchors/index.csv`` shows
    how); any other gives all its certificates as anchors.  ``lists`` hold revocation lists and OCSP
    answers; what a file is shows in its bytes.  A folder named ``test`` or ``sandbox`` holds test
    anchors.

    Raises:
        Unreadable: a file is missing or not what it should be.
        TestAnchorRefused: see ``TrustStore``.
    """
    trusted: list[Anchor] = []
    between: list[Certificate] = []
    for place in anchors:
        if (place / INDEX).is_file():
            more, others = _indexed(place, environment)
            trusted, between = [*trusted, *more], [*between, *others]
            continue
        for path in _files(place, SUFFIXES):
            is_test = bool({"test", "sandbox"} & {part.lower() for part in (place.name, path.parent.name)})
            trusted += [Anchor(found, is_test or Anchor.of(found.der).is_test) for found in _certificates(path)]
    between += [found for place in intermediates for path in _files(place, SUFFIXES) for found in _certificates(path)]
    revoked, answers = [], []
    for place in lists:
        for path in _files(place, STATUS_SUFFIXES):
            found = _status(path)
            if isinstance(found, ocsp.Answer):
                answers.append(found)
            elif found is not None:
                revoked.append(found)
            elif path == place or path.suffix.lower() not in SUFFIXES:
                raise Unreadable(f"{path}: neither a revocation list nor an OCSP answer")
    return TrustStore(tuple(trusted), tuple(between), tuple(revoked), tuple(answers), environment)


def shipped(environment: str) -> TrustStore:
    """Return the authorities that come with Kezen: those of production and, outside it, the NCA's test ones too."""
    return read_store([SHIPPED], environment=environment)


def _indexed(folder: Path, environment: str) -> tuple[list[Anchor], list[Certificate]]:
    """Return anchors and intermediates of a folder's index; in production those for tests are passed over.

    The index names each file with the SHA-256 of its certificate: a file that was exchanged is no
    longer the authority that somebody chose to trust.
    """
    anchors: list[Anchor] = []
    between: list[Certificate] = []
    index = folder / INDEX
    with index.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            try:
                is_test = {"production": False, "test": True}[row["environment"]]
                is_anchor = {"anchor": True, "intermediate": False}[row["kind"]]
                since, until = (_day(row[column]) for column in ("trusted_from", "trusted_until"))
                forgets = {"": False, "yes": True}[row.get("forgets_expired") or ""]
                path, fingerprint = folder / row["file"], row["sha256"]
            except (KeyError, TypeError, ValueError) as error:
                raise Unreadable(f"{index}:{number}: {error}") from None
            if is_test and environment == "production":
                continue
            (certificate,) = _certificates(path)[:1]
            if certificate.fingerprint != fingerprint:
                raise Unreadable(f"{path}: its SHA-256 is {certificate.fingerprint}, not that of {index}")
            if is_anchor:
                is_test = is_test or Anchor.of(certificate.der).is_test
                anchors.append(Anchor(certificate, is_test, since, until, forgets))
            else:
                between.append(certificate)
    return anchors, between


def _day(written: str) -> datetime | None:
    """Return the first moment of a day, or the moment that is written; nothing is None.  Without a zone it is UTC."""
    if not written:
        return None
    moment = datetime.fromisoformat(written)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _status(path: Path) -> RevocationList | ocsp.Answer | None:
    """Return the list or the answer in a file; a certificate, say, that lies beside them is neither."""
    try:
        return ocsp.read(_octets(path, ocsp.LARGEST_ANSWER))
    except Malformed:
        pass
    try:
        return read_list(_der_blocks(path, "X509 CRL")[0])
    except (Malformed, IndexError):
        return None


def _files(place: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise Unreadable(f"{place}: no such file or folder")
    return sorted(path for path in place.iterdir() if path.suffix.lower() in suffixes)


def _certificates(path: Path) -> list[Certificate]:
    try:
        found = [certificates.read(der) for der in _der_blocks(path, "CERTIFICATE")]
    except (Malformed, OSError):
        found = []
    if not found:
        raise Unreadable(f"{path}: not a certificate")
    return found


def _octets(path: Path, most: int) -> bytes:
    """Return a file, and of one that is larger than ``most`` an octet more: whoever reads it refuses it."""
    with path.open("rb") as file:
        return file.read(most + 1)


def _der_blocks(path: Path, label: str) -> list[bytes]:
    content = _octets(path, 2 * LARGEST_LIST)
    if content[:1] == b"\x30":
        return [content]
    blocks = re.findall(
        rf"-----BEGIN {label}-----\s([A-Za-z0-9+/=\s]*)-----END {label}-----", content.decode("ascii", "replace")
    )
    return [asn1.unbase64(block) for block in blocks]
