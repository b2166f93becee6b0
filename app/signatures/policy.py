"""The rules by which signatures are judged, as dated data.

The law of the time of signing counts: ``at`` gives the rules that were in force at a moment.
What an installation demands beyond the law is a ``Policy`` of its own.
Source: Digital Code of the RK, article 61, and the rules of checking a digital signature before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from app.signatures.policies import NO_DEMAND, PolicyDemand


class Demand(StrEnum):
    """How much a thing is asked for: not at all, so that its absence is noted, or so that it is needed."""

    NO = "no"
    WARN = "warn"
    YES = "yes"


class Sources(StrEnum):
    """Whose word is asked for that a certificate was not revoked."""

    OCSP = "ocsp"
    CRL = "crl"
    EITHER = "either"
    BOTH = "both"


TSA_POLICIES = frozenset(
    {
        "1.2.398.3.3.2.6.1",  # GOST 34.310-2004
        "1.2.398.3.3.2.6.2",  # RSA
        "1.2.398.3.3.2.6.3",  # GOST 34.310-2004 under its older identifiers
        "1.2.398.3.3.2.6.4",  # GOST R 34.10-2015
    }
)
"""Policies of the time-stamping authority of the NCA.  Source: root.gov.kz/oid."""


@dataclass(frozen=True)
class Policy:
    """What a signature must prove beyond itself.

    ``revocation`` says whose word is needed, ``revocation_wanted`` whose absence is only noted.
    Without ``revocation_required`` a missing proof is noted and no more; a revoked certificate is
    refused in either case.  ``signing_key_required``: the certificate must be one for signing
    (emailProtection, nonRepudiation), as the NCA issues them to persons; ``person_required``: it
    must name a person, and must not be an authority's.  ``ocsp_window`` is how old an OCSP answer
    without nextUpdate may be, ``skew`` how far two clocks may differ.  ``certificate_policies``
    are asked of the path (RFC 5280, 6.1.1).
    """

    name: str
    require_timestamp: Demand = Demand.NO
    revocation: Sources = Sources.EITHER
    revocation_wanted: Sources = Sources.EITHER
    revocation_required: bool = True
    signing_key_required: bool = True
    person_required: bool = True
    ocsp_window: timedelta = timedelta(minutes=5)
    skew: timedelta = timedelta(minutes=5)
    tsa_policies: frozenset[str] = TSA_POLICIES
    certificate_policies: PolicyDemand = NO_DEMAND


STRICT = Policy("strict")
WITHOUT_REVOCATION = Policy("without revocation", revocation_required=False)

LAW: tuple[tuple[datetime, Policy], ...] = (
    # Order 1187 of 9 December 2015: a time-stamp, and both OCSP and CRL, are asked for.
    (
        datetime(1, 1, 1, tzinfo=UTC),
        Policy("order-1187", require_timestamp=Demand.WARN, revocation_wanted=Sources.BOTH),
    ),
    # Rules under article 61 of the Digital Code, in force from 6 September 2026, 00:00 in Astana (UTC+5).
    (datetime(2026, 9, 5, 19, tzinfo=UTC), Policy("digital-code-61")),
)
"""The rules of the law, each from its first moment; earliest first."""


def at(moment: datetime) -> Policy:
    """Return the rules in force at a moment."""
    return next(policy for since, policy in reversed(LAW) if since <= moment)
