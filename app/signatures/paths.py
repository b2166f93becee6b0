"""The path from a certificate to an anchor (RFC 5280, section 6).

Names, key identifiers and signatures find the way; then every certificate on it is judged as of
one moment.  Both are bounded: a message may bring certificates that were made to multiply.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.signatures import algorithms, certificates, constraints, names, policies
from app.signatures.certificates import Certificate
from app.signatures.constraints import Budget, TooMany
from app.signatures.policies import NO_DEMAND, PolicyDemand
from app.signatures.trust import TrustStore

LONGEST_PATH = 8
MOST_CHECKS = 64
"""Issuer signatures asked for one path at most: cross-certified pools can multiply without bound."""
MOST_PATHS = 16
"""Complete paths judged at most."""


@dataclass(frozen=True)
class TrustPath:
    """A certificate and its issuers up to an anchor, or the best that was found.

    ``certificates`` begin with the signer's; the path ends in an anchor unless ``faults``
    (codes of ``report.REASONS``) say otherwise.  ``detail`` names an algorithm not computed.
    """

    certificates: tuple[Certificate, ...]
    faults: tuple[str, ...]
    detail: str = ""


def find_path(
    certificate: Certificate,
    *,
    store: TrustStore,
    pool: Sequence[Certificate],
    at: datetime,
    demand: PolicyDemand = NO_DEMAND,
) -> TrustPath:
    """Return the first faultless path to an anchor, else the one with the fewest faults.

    ``pool`` are certificates that came with the message; ``at`` is the moment of judgement.
    The certificate's own validity and key usage are not part of the path: those who ask judge them.
    """
    search = _Search(store, pool)
    budget = Budget()
    best: TrustPath | None = None
    for number, path in enumerate(search.paths((certificate,)), start=1):
        faults = tuple(dict.fromkeys(_faults(path, store=store, at=at, demand=demand, budget=budget)))
        if not faults:
            return TrustPath(path, ())
        if best is None or len(faults) < len(best.faults):
            best = TrustPath(path, faults)
        if number == MOST_PATHS:
            break
    if best is not None:
        return best
    if search.unsupported:
        return TrustPath((certificate,), ("chain_unsupported",), search.unsupported)
    return TrustPath((certificate,), ("chain_untrusted",))


# --- finding --------------------------------------------------------------------------------------


@dataclass
class _Search:
    store: TrustStore
    pool: Sequence[Certificate]
    checks: int = 0
    unsupported: str = ""
    anchors: frozenset[Certificate] = field(init=False)
    candidates: tuple[Certificate, ...] = field(init=False)

    def __post_init__(self) -> None:
        trusted = dict.fromkeys(anchor.certificate for anchor in self.store.anchors)
        between = dict.fromkeys((*self.store.intermediates, *self.pool))
        self.anchors = frozenset(trusted)
        self.candidates = (*trusted, *(certificate for certificate in between if certificate not in trusted))

    def paths(self, path: tuple[Certificate, ...]) -> Iterator[tuple[Certificate, ...]]:
        """Yield every path to an anchor in which each name and each signature fits."""
        last = path[-1]
        if len(path) > LONGEST_PATH:
            return
        named = [one for one in self.candidates if one not in path and names.same_name(one.subject, last.issuer)]
        for issuer in sorted(named, key=lambda one: not _key_fits(one, last)):
            if not self._signed(last, issuer):
                continue
            if issuer in self.anchors:
                yield (*path, issuer)
            else:
                yield from self.paths((*path, issuer))

    def _signed(self, certificate: Certificate, issuer: Certificate) -> bool:
        self.checks += 1
        if self.checks > MOST_CHECKS:
            return False
        try:
            return _is_issued_by(certificate, issuer)
        except algorithms.Unsupported as unsupported:
            self.unsupported = unsupported.name
            return False


def _is_issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether the issuer's key signed a certificate; the answer is kept, for the authorities are few."""
    asked = (certificate.fingerprint, issuer.fingerprint)
    known = _known.get(asked)
    if known is None:
        known = certificates.is_signed_by(
            certificate.signature_algorithm, certificate.signature, certificate.signed, issuer
        )
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        _known[asked] = known
    return known


_known: dict[tuple[str, str], bool] = {}
MOST_KNOWN = 4_096


def _key_fits(issuer: Certificate, issued: Certificate) -> bool:
    if issued.issuer_key_identifier is None or issuer.key_identifier is None:
        return True
    return issued.issuer_key_identifier == issuer.key_identifier


# --- judging --------------------------------------------------------------------------------------


def _faults(
    path: tuple[Certificate, ...], *, store: TrustStore, at: datetime, demand: PolicyDemand, budget: Budget
) -> Iterator[str]:
    """Yield what is wrong with a path whose names and signatures fit (RFC 5280, 6.1.3 to 6.1.5)."""
    between = 0  # issuers below the one looked at, self-issued ones not counted (6.1.4 l)
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
    *below, top = path
    if not any(anchor.is_trusted_at(at) for anchor in store.anchors if anchor.certificate == top):
        yield "chain_anchor_term"
    if _breaks_names(path, budget):
        yield "chain_names"
    chain = [(certificate.policy, certificate.is_self_issued) for certificate in reversed(below)]
    if not policies.are_met(chain, anchor=top.policy, demand=demand):
        yield "chain_policy"


def _breaks_names(path: tuple[Certificate, ...], budget: Budget) -> bool:
    """Whether a certificate bears a name that one above it may not certify (6.1.3 b and c)."""
    try:
        for position, certificate in enumerate(path[:-1]):
            if position and certificate.is_self_issued:
                continue
            above = [one.constraints for one in path[position + 1 :] if one.constraints is not None]
            if constraints.are_violated(above, certificate.subject, certificate.alternative_names, budget=budget):
                return True
    except TooMany:
        return True
    return False
