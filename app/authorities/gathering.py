"""Fresh evidence for one signature, and the whole judgement with it.

The signature is judged offline first, which also finds the chain; what only the authorities know
is asked online; then it is judged again, offline as before, against all there is.  A signature
that no answer could save sends nobody anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime

from app.authorities import addresses
from app.authorities.online import Online, Unavailable
from app.signatures import certificates, ocsp, paths, revocation
from app.signatures import policy as policies
from app.signatures.certificates import Certificate
from app.signatures.ocsp import Answer, State
from app.signatures.policy import Policy, Sources
from app.signatures.report import FAILS, REASONS, SignatureReport, Stage
from app.signatures.trust import TrustStore
from app.signatures.verify import verify

SECONDS = 15.0
"""For all that one message needs."""
MOST_INQUIRIES = 24
"""Certificates asked about for one message."""
_AT_ONCE = 6
_WORDS = frozenset({State.GOOD, State.REVOKED, State.NOT_ISSUED, State.UNKNOWN})


@dataclass(frozen=True)
class Gathered:
    """What the services gave: OCSP answers and lists as they came, and what could not be had."""

    answers: tuple[bytes, ...] = ()
    lists: tuple[bytes, ...] = ()
    failures: tuple[Unavailable, ...] = ()

    def joined(self, trust: TrustStore) -> TrustStore:
        """Return the store with all of it; that nobody answered is then told by the report too."""
        silent = dict.fromkeys(one.why for one in self.failures)
        return replace(
            trust,
            answers=(*trust.answers, *map(ocsp.read, self.answers), *(Answer(b"", why) for why in silent)),
            lists=(*trust.lists, *map(revocation.read, self.lists)),
        )


def judged(
    message: bytes | str,
    content: bytes | None = None,
    *,
    at: datetime,
    trust: TrustStore,
    policy: Policy | None = None,
    online: Online | None,
) -> SignatureReport:
    """Judge a signed message as ``verify`` does, with what the authorities say of it now.

    May take ``SECONDS`` when they are silent: call it outside of any transaction.  Without
    ``online`` only what ``trust`` holds counts.  The answers relied upon are in the evidence of
    the report.
    """
    report = verify(message, content, at=at, trust=trust, policy=policy)
    if online is None or not _is_open(report):
        return report
    gathered = gather(report, at=at, trust=trust, policy=policy, online=online)
    return verify(message, content, at=at, trust=gathered.joined(trust), policy=policy)


def _is_open(report: SignatureReport) -> bool:
    """Whether the authorities' word could decide: nothing but a revocation speaks against the message."""
    failed = (REASONS[code] for code in report.reasons)
    return bool(report.signers) and not any(
        weight is FAILS and stage is not Stage.REVOCATION for stage, weight in failed
    )


@dataclass(frozen=True)
class _Inquiry:
    """A certificate to ask about; ``ocsp`` and ``list`` say what is asked first, the other only if that is silent."""

    certificate: Certificate
    issuer: Certificate
    ocsp: bool
    list: bool
    may_differ: bool


def gather(
    report: SignatureReport,
    *,
    at: datetime,
    trust: TrustStore,
    policy: Policy | None = None,
    online: Online,
    seconds: float = SECONDS,
) -> Gathered:
    """Ask about the signers of a report, their issuers and their time-stamping authorities.

    Of signers and time-stamping authorities OCSP is asked, and the list where the policy wants it
    or OCSP has no word; of issuers the list, which is short and kept, and OCSP if there is none.
    """
    inquiries = list(dict.fromkeys(_inquiries(report, at=at, trust=trust, policy=policy)))[:MOST_INQUIRIES]
    if not inquiries:
        return Gathered()
    end = time.monotonic() + seconds
    known = tuple(dict.fromkeys((*(one.certificate for one in trust.anchors), *trust.intermediates)))
    threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="authorities")
    asking = [threads.submit(_ask, one, online, at=at, known=known, end=end) for one in inquiries]
    done, late = wait(asking, timeout=seconds)
    threads.shutdown(wait=False, cancel_futures=True)
    found = [one.result() for one in asking if one in done]
    if late:
        found.append(Gathered(failures=(Unavailable("ocsp", "", "timeout"),)))
    return Gathered(
        answers=tuple(dict.fromkeys(answer for one in found for answer in one.answers)),
        lists=tuple(dict.fromkeys(der for one in found for der in one.lists)),
        failures=tuple(dict.fromkeys(failure for one in found for failure in one.failures)),
    )


def _inquiries(
    report: SignatureReport, *, at: datetime, trust: TrustStore, policy: Policy | None
) -> Iterator[_Inquiry]:
    anchors = {anchor.certificate for anchor in trust.anchors}
    for signer in report.signers:
        moment = signer.reference_time or at
        chain = [certificates.read(one.der) for one in signer.evidence if one.kind == "certificate"]
        rules = policy or policies.at(moment)
        for certificate in chain:
            path = paths.find_path(certificate, store=trust, pool=chain, at=moment).certificates
            if certificate not in anchors and len(path) > 1:
                yield _inquiry(certificate, path[1], {rules.revocation, rules.revocation_wanted})


def _inquiry(certificate: Certificate, issuer: Certificate, demands: set[Sources]) -> _Inquiry:
    if certificate.is_ca:
        return _Inquiry(certificate, issuer, ocsp=False, list=True, may_differ=False)
    both = Sources.BOTH in demands or {Sources.OCSP, Sources.CRL} <= demands
    return _Inquiry(
        certificate,
        issuer,
        ocsp=both or Sources.CRL not in demands,
        list=both or Sources.CRL in demands,
        may_differ=not both and Sources.EITHER in demands,
    )


def _ask(inquiry: _Inquiry, online: Online, *, at: datetime, known: tuple[Certificate, ...], end: float) -> Gathered:
    """Ask what is wanted; when that is silent and the policy allows it, the other source."""
    found = Gathered()
    if inquiry.ocsp:
        left = end - time.monotonic()
        found = _by_ocsp(inquiry, online, at=at, seconds=left / 2 if inquiry.may_differ else left)
    if inquiry.list or (inquiry.may_differ and not _is_answered(found, inquiry, at)):
        listed = online.lists_for(
            inquiry.certificate, at=at, signers=(inquiry.issuer, *known), seconds=end - time.monotonic()
        )
        found = Gathered(found.answers, listed[0], (*found.failures, *listed[1]))
    names_responder = addresses.allowed(addresses.responders(inquiry.certificate), online.responders)
    if inquiry.certificate.is_ca and not found.lists and names_responder:
        asked = _by_ocsp(inquiry, online, at=at, seconds=end - time.monotonic())
        found = Gathered(asked.answers, (), (*found.failures, *asked.failures))
    return found


def _by_ocsp(inquiry: _Inquiry, online: Online, *, at: datetime, seconds: float) -> Gathered:
    answer = online.ocsp_answer(inquiry.certificate, inquiry.issuer, at=at, seconds=seconds)
    if isinstance(answer, bytes):
        return Gathered(answers=(answer,))
    return Gathered(failures=(answer,) if answer.host else ())


def _is_answered(found: Gathered, inquiry: _Inquiry, at: datetime) -> bool:
    judgements = (ocsp.judge(answer, inquiry.certificate, inquiry.issuer, at=at) for answer in found.answers)
    return any(one.state in _WORDS for one in judgements)
