"""Whom we trust, and the path from a certificate to one of them (RFC 5280, section 6).

Only configured anchors end a path.  Certificates that travel in a message, or lie beside the
anchors as intermediates, may stand between; they give no trust of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from app.signatures import algorithms, asn1, certificates
from app.signatures.asn1 import Malformed
from app.signatures.certificates import Certificate
from app.signatures.revocation import RevocationList
from app.signatures.revocation import read as read_list

LONGEST_PATH = 8
MOST_CHECKS = 64
"""Issuer signatures computed for one path at most: cross-certified pools can multiply without bound."""

TEST_MARKS = re.compile(r"\b(TEST|SANDBOX)\b", re.IGNORECASE)
SUFFIXES = (".cer", ".crt", ".der", ".pem")


class TestAnchorRefused(Exception):
    """A test anchor in production; the message names it."""

    __test__ = False


class Unreadable(Exception):
    """A file of the trust store that is not what it should be; the message names it."""


@dataclass(frozen=True)
class Anchor:
    """A certificate we trust without proof; ``is_test``: it signs for test identities."""

    certificate: Certificate
    is_test: bool

    @classmethod
    def of(cls, der: bytes, *, is_test: bool = False) -> Anchor:
        """Return the anchor; a name that says TEST or SANDBOX makes it a test anchor wherever it lay."""
        certificate = certificates.read(der)
        return cls(certificate, is_test or bool(TEST_MARKS.search(certificates.display(certificate.subject))))


@dataclass(frozen=True)
class TrustStore:
    """Anchors, intermediates and revocation lists: all that a signature is judged against.

    Raises:
        TestAnchorRefused: ``environment`` is production and an anchor is for tests.
    """

    anchors: tuple[Anchor, ...] = ()
    intermediates: tuple[Certificate, ...] = ()
    lists: tuple[RevocationList, ...] = ()
    environment: str = "production"

    def __post_init__(self) -> None:
        if self.environment == "production":
            for anchor in self.anchors:
                if anchor.is_test:
                    name = certificates.display(anchor.certificate.subject)
                    raise TestAnchorRefused(f"{name!r} is a test anchor and may not be trusted in production")


def read_store(
    anchors: Iterable[Path],
    *,
    intermediates: Iterable[Path] = (),
    lists: Iterable[Path] = (),
    environment: str = "production",
) -> TrustStore:
    """Read a trust store from folders or single files (certificates in DER or PEM, lists ``*.crl``).

    A folder named ``test`` or ``sandbox`` holds test anchors.

    Raises:
        Unreadable: a file is missing or not what it should be.
        TestAnchorRefused: see ``TrustStore``.
    """
    trusted = []
    for place in anchors:
        for path in _files(place, SUFFIXES):
            is_test = bool({"test", "sandbox"} & {part.lower() for part in (place.name, path.parent.name)})
            trusted += [Anchor(found, is_test or Anchor.of(found.der).is_test) for found in _certificates(path)]
    between = [found for place in intermediates for path in _files(place, SUFFIXES) for found in _certificates(path)]
    revoked = []
    for place in lists:
        for path in _files(place, (".crl",)):
            try:
                revoked.append(read_list(_der_blocks(path, "X509 CRL")[0]))
            except (Malformed, IndexError):
                raise Unreadable(f"{path}: not a revocation list") from None
    return TrustStore(tuple(trusted), tuple(between), tuple(revoked), environment)


def _files(place: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise Unreadable(f"{place}: no such file or folder")
    return sorted(path for path in place.iterdir() if path.suffix.lower() in suffixes)


def _certificates(path: Path) -> list[Certificate]:
    try:
        found = [certificates.read(der) for der in _der_blocks(path, "CERTIFICATE")]
    except Malformed:
        found = []
    if not found:
        raise Unreadable(f"{path}: not a certificate")
    return found


def _der_blocks(path: Path, label: str) -> list[bytes]:
    content = path.read_bytes()
    if content[:1] == b"\x30":
        return [content]
    blocks = re.findall(
        rf"-----BEGIN {label}-----\s([A-Za-z0-9+/=\s]*)-----END {label}-----", content.decode("ascii", "replace")
    )
    return [asn1.unbase64(block) for block in blocks]


# --- paths ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TrustPath:
    """A certificate and its issuers up to an anchor, or the best that was found.

    ``certificates`` begin with the signer's; the path ends in an anchor unless ``faults``
    (codes of ``report.REASONS``) say otherwise.  ``detail`` names an algorithm not computed.
    """

    certificates: tuple[Certificate, ...]
    faults: tuple[str, ...]
    detail: str = ""


@dataclass
class _Search:
    store: TrustStore
    pool: Sequence[Certificate]
    at: datetime
    checks: int = 0
    unsupported: str = ""
    tried: set[tuple[str, str]] = field(default_factory=set)

    def paths(self, path: tuple[Certificate, ...]) -> Iterator[tuple[Certificate, ...]]:
        """Yield every path to an anchor in which each name and each signature fits."""
        last = path[-1]
        seen = {certificate.fingerprint for certificate in path}
        anchors = {anchor.certificate.fingerprint for anchor in self.store.anchors}
        if len(path) > LONGEST_PATH:
            return
        candidates = [anchor.certificate for anchor in self.store.anchors]
        candidates += [
            certificate
            for certificate in (*self.store.intermediates, *self.pool)
            if certificate.fingerprint not in anchors
        ]
        named = [certificate for certificate in candidates if same(certificate, last)]
        for issuer in sorted(named, key=lambda certificate: not _key_fits(certificate, last)):
            if issuer.fingerprint in seen or not self._signed(last, issuer):
                continue
            if issuer.fingerprint in anchors:
                yield (*path, issuer)
            else:
                yield from self.paths((*path, issuer))

    def _signed(self, certificate: Certificate, issuer: Certificate) -> bool:
        self.checks += 1
        if self.checks > MOST_CHECKS:
            return False
        try:
            return certificates.is_signed_by(
                certificate.signature_algorithm, certificate.signature, certificate.signed, issuer
            )
        except algorithms.Unsupported as unsupported:
            self.unsupported = unsupported.name
            return False


def same(issuer: Certificate, issued: Certificate) -> bool:
    """Whether ``issuer`` has the name by which ``issued`` calls its issuer."""
    return certificates.same_name(issuer.subject, issued.issuer)


def _key_fits(issuer: Certificate, issued: Certificate) -> bool:
    if issued.issuer_key_identifier is None or issuer.key_identifier is None:
        return True
    return issued.issuer_key_identifier == issuer.key_identifier


def find_path(certificate: Certificate, *, store: TrustStore, pool: Sequence[Certificate], at: datetime) -> TrustPath:
    """Return the first faultless path to an anchor, else the one with the fewest faults.

    ``pool`` are certificates that came with the message; ``at`` is the moment of judgement.
    The signer's own validity and key usage are not part of the path: ``verify`` judges them.
    """
    search = _Search(store, pool, at)
    best: TrustPath | None = None
    for path in search.paths((certificate,)):
        faults = tuple(dict.fromkeys(_faults(path, at)))
        if not faults:
            return TrustPath(path, ())
        if best is None or len(faults) < len(best.faults):
            best = TrustPath(path, faults)
    if best is not None:
        return best
    if search.unsupported:
        return TrustPath((certificate,), ("chain_unsupported",), search.unsupported)
    return TrustPath((certificate,), ("chain_untrusted",))


def _faults(path: tuple[Certificate, ...], at: datetime) -> Iterator[str]:
    between = 0  # issuers below the one looked at, self-issued ones not counted (RFC 5280, 6.1.4 l)
    for position, certificate in enumerate(path):
        if certificate.not_understood:
            yield "chain_critical_extension"
        if position == 0:
            continue
        if certificate.version != 3 or not certificate.is_ca:
            yield "chain_not_ca"
        if certificate.key_usage is not None and "keyCertSign" not in certificate.key_usage:
            yield "chain_key_usage"
        if certificate.path_length is not None and between > certificate.path_length:
            yield "chain_path_length"
        if not certificate.is_valid_at(at):
            yield "chain_expired"
        if not certificate.is_self_issued:
            between += 1
