"""Signing: the document is offered, the signature is verified and accepted, then the file may be sent.

The bytes on the page are the bytes that are signed; nothing moves before the server has verified.
With a signature is kept what its verdict relied upon, so that it can be verified again years later.
Source: user manual, paragraphs 21 to 23; readings A25, A26.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select, tuple_

from app import catalogue, db
from app.accounts.models import User
from app.applications import effects, facts, letters, moves, queries, stamping
from app.applications.models import Application, Document, History, Letter, Signature
from app.applications.moves import AUTHORISED
from app.audit import operations as audit
from app.authorities.gathering import judged
from app.errors import Conflict, Invalid, NotPermitted, Problem
from app.organisations import queries as organisations
from app.signatures import purpose
from app.signatures.report import SignatureReport
from app.signatures.who import refusals
from app.terms.sizes import size_said
from app.web import here
from app.workflows.guards import StageStatus
from app.workflows.parts import StageKind

LARGEST_CMS = 256 * 1024

_NEXT = {
    "err.doc_changed": "sign.next.reload",
    "err.cert_org": "sign.next.organisation",
    "err.cert_person": "sign.next.person",
    "sig.refusal.role": "sign.next.person",
    "sig.refusal.one_signer": "sign.next.alone",
    "err.cert_expired": "sign.next.new_key",
    "err.cert_revoked": "sign.next.new_key",
    "sig.reason.not_issued": "sign.next.new_key",
    "sig.reason.chain_revoked": "sign.next.new_key",
    "sig.reason.key_usage": "sign.next.signing_key",
    "sig.reason.key_purpose": "sign.next.signing_key",
    "err.ocsp": "sign.next.later",
    "sig.reason.status_unknown": "sign.next.later",
    "sig.reason.revocation_refused": "sign.next.later",
    "sig.reason.revocation_incomplete": "sign.next.later",
    "sig.reason.timestamp_required": "sign.next.later",
}
"""What may be done about a refusal; about any other: ``sign.next.other``."""


_OF_EXCHANGE = {
    "err.cert_org": "letter.err.cert_org",
    "err.cert_person": "letter.err.cert_person",
    "sign.next.organisation": "sign.next.exchange",
    "sign.next.person": "sign.next.exchange",
}
"""What is said otherwise of the Exchange's own papers: its authorised person signs them, no first head."""


@dataclass(frozen=True)
class Given:
    """A signature that was given, and what is known of it over the document of ``sha256``."""

    cms: bytes
    sha256: str
    report: SignatureReport


def stage_of(application: Application) -> str | None:
    """Return the open signing stage, or None."""
    procedure = queries.procedure(application)
    for stage in procedure.open_stages(queries.position(application), facts.of(application)):
        if procedure.stages[stage].kind is StageKind.SIGNING:
            return stage
    return None


def offered(application: Application, sha256: str) -> Document:
    """Return the document that is offered for signing now, if it is the one that was on the page.

    Raises:
        Conflict: the application does not stand in signing, or another document is offered now.
    """
    if stage_of(application) is None:
        raise Conflict("app.err.stage_not_here")
    found = queries.present_document(application)
    if found is None or found.sha256 != sha256:
        raise Conflict("err.doc_changed")
    return found


def judge(cms: bytes, *, sha256: str, now: datetime) -> Given:
    """Verify a signature over the kept document of a hash.  This may take a while: hold no transaction meanwhile.

    Raises:
        Invalid: there is no signature, it is larger than any, or what was signed is a challenge of a door.
    """
    if not cms:
        raise Invalid.at("cms", "sign.err.no_file")
    if len(cms) > LARGEST_CMS:
        raise Invalid.at("cms", "err.file_size", max=size_said(LARGEST_CMS))
    document = here.storage().get(sha256)
    if purpose.is_challenge(document) or purpose.holds_challenge(cms):
        raise Invalid.at("cms", "sign.err.challenge")
    present = catalogue.present()
    report = judged(cms, document, at=now, trust=present.trust, online=present.online)
    return Given(cms, sha256, report)


def accept(application: Application, given: Given, *, by: User, now: datetime) -> Signature:
    """Accept a signature over the offered document.  Pressing twice signs once.

    Raises:
        Conflict: see ``offered``.
        Invalid: the signature does not hold, or is not by the first head of this organisation;
            each reason is told, nothing has moved.
    """
    document = offered(application, given.sha256)
    stage = stage_of(application)
    assert stage is not None  # offered() has refused otherwise
    executor = queries.procedure(application).executor_of(stage, application.process)
    moves.require_executor(application, by, executor, now=now)
    company, head = application.organisation, queries.acting_for(by, now=now)
    iins = organisations.signing_iins(company, by=by, now=now)
    for_name = head.full_name if head is not None else None
    row, is_new = _kept(document, given, bin=company.bin, iins=iins, by=by, now=now, for_name=for_name)
    if not is_new:
        return row
    after = queries.procedure(application).finish(queries.position(application), stage, facts.of(application))
    moves.stand_at(application, after, act="sign", by=by, now=now, stage=stage)
    audit.record("signed", f"document {document.sha256}", by=by.id, at=now, cms=row.cms_sha256)
    return row


def _kept(
    document: Document,
    given: Given,
    *,
    bin: str,
    iins: Collection[str],
    by: User,
    now: datetime,
    for_name: str | None = None,
    is_exchange: bool = False,
) -> tuple[Signature, bool]:
    """Keep a signature that holds, and tell whether it is new; ``for_name``: for whom the signer acts.

    Raises:
        Invalid: as ``accept``.
    """
    found = refusals(given.report, bin=bin, signing_iins=iins)
    if found:
        raise Invalid(problems=_told(given.report, found, bin=bin, is_exchange=is_exchange))
    signer = given.report.signers[0]
    already = next((item for item in document.signatures if item.signer_iin == signer.iin), None)
    if already is not None:
        return already, False
    for one in signer.evidence:
        here.storage().put(one.der)
    row = Signature(
        document_id=document.id,
        by_id=by.id,
        at=now,
        cms_sha256=here.storage().put(given.cms),
        signer_iin=signer.iin or "",
        signer_bin=signer.bin or "",
        signer_name=signer.name,
        certificate_serial=(signer.serial or "")[:80],
        valid_from=(signer.not_before or now).astimezone(UTC),
        valid_to=(signer.not_after or now).astimezone(UTC),
        report=given.report.to_dict(),
        for_name=for_name,
    )
    if signer.timestamp is not None:
        row.stamp = stamping.row(given.report, given.cms, here.storage(), now=now)
    db.session.add(row)
    db.session.flush()
    db.session.expire(document, ["signatures"])
    return row, True


def awaited(user: User) -> list[tuple[Application, str]]:
    """Return the finished papers that wait for the Exchange's signature, oldest first: application, writing stage."""
    issuing = {
        (procedure.name, process.key)
        for procedure in catalogue.present().procedures.procedures.values()
        for process in procedure.processes.values()
        if any(procedure.stages[stage].kind is StageKind.ISSUING for stage in process.stages)
    }
    standing = tuple_(Application.procedure, Application.process).in_(sorted(issuing))
    rows = db.session.scalars(select(Application).where(standing, queries.visible_to(user)).order_by(Application.id))
    return [(each, stage) for each in rows.unique() if (stage := awaited_in(each)) is not None]


def awaited_in(application: Application) -> str | None:
    """Return the stage whose paper is finished, may be signed now and is not signed yet; or None."""
    stage = letters.issuing_stage(application)
    if stage is None:
        return None
    procedure, position = queries.procedure(application), queries.position(application)
    if stage not in procedure.open_stages(position, facts.of(application)):
        return None
    written = letters.written_in(application, stage)
    newest = queries.latest(application, written)
    if newest is None or newest.is_autosaved or position.status(written) is not StageStatus.FILLED:
        return None
    made = letters.present(application, written)
    return None if made is not None and (made.signatures or made.sent_at) else written


def may_issue(letter: Letter, user: User) -> bool:
    """Tell whether ``user`` is authorised to sign a paper of the Exchange now."""
    if letter.sent_at is not None:
        return False
    if not letter.stage:
        return queries.acts_as(letter.application, user, AUTHORISED)
    stage = letters.issuing_stage(letter.application)
    if stage is None or letters.written_in(letter.application, stage) != letter.stage:
        return False
    if letters.present(letter.application, letter.stage) is not letter:
        return False
    procedure = queries.procedure(letter.application)
    return queries.acts_as(letter.application, user, procedure.executor_of(stage, letter.application.process))


def may_write(letter: Letter, user: User) -> bool:
    """Tell whether ``user`` may word a letter of its template alone: the authorised person, or who wrote it."""
    return queries.acts_as(letter.application, user, AUTHORISED) or user == letter.made_by


def issued(letter: Letter, sha256: str, *, by: User) -> Document:
    """Return the paper's bytes that are signed now, if they are those that were on the page.

    Raises:
        NotPermitted: ``by`` is not the authorised person.
        Conflict: it was sent already, or is written otherwise now.
    """
    if letter.sent_at is not None:
        raise Conflict("letter.err.sent", number=letter.number)
    if not may_issue(letter, by):
        raise NotPermitted("letter.err.not_authorised")
    if letter.document is None or letter.document.sha256 != sha256:
        raise Conflict("err.doc_changed")
    return letter.document


def issue(letter: Letter, given: Given, *, by: User, now: datetime) -> Signature:
    """Accept the Exchange's signature over a paper.  Pressing twice signs once.

    The key must carry the Exchange's number and be the person's own who is signed in.  A paper of a stage
    waits for the sending that its procedure knows; a letter of its template alone goes out at once.

    Raises:
        NotPermitted, Conflict: see ``issued``; or the Exchange's number is not configured.
        Invalid: as ``accept``.
    """
    document, application, bin = issued(letter, given.sha256, by=by), letter.application, here.config().exchange_bin
    if not bin:
        raise Conflict("letter.err.no_bin")
    own = frozenset({by.iin} - {""})
    row, is_new = _kept(document, given, bin=bin, iins=own, by=by, now=now, is_exchange=True)
    if not is_new:
        return row
    audit.record("signed", f"document {document.sha256}", by=by.id, at=now, cms=row.cms_sha256)
    stage = letters.issuing_stage(application) if letter.stage else None
    if stage is not None:
        after = queries.procedure(application).finish(queries.position(application), stage, facts.of(application))
        moves.stand_at(application, after, act="sign_paper", by=by, now=now, stage=stage)
    else:
        db.session.add(History(application_id=application.id, at=now, by_id=by.id, act="sign_paper"))
        effects.send_paper(letter, by=by, now=now)
        moves.tell_of_letter(letter, now=now)
    return row


def _told(report: SignatureReport, found: list[str], *, bin: str, is_exchange: bool) -> list[Problem]:
    """Return a refusal in full: which key it was, what is wrong with it, and what may be done.

    Of the person's number only the end is told: enough to know one's own key by, of no use to others.
    """
    problems = [Problem("cms", _OF_EXCHANGE.get(key, key) if is_exchange else key) for key in found]
    signer = report.signers[0] if len(report.signers) == 1 else None
    if signer is not None and signer.certificate is not None:
        key = "sign.refused.key" if signer.bin else "sign.refused.key_of_person"
        iin = f"••••••••{signer.iin[-4:]}" if signer.iin else "–"
        problems.insert(0, Problem("", key, {"who": signer.name or "–", "iin": iin, "bin": signer.bin or ""}))
    steps = dict.fromkeys(_NEXT.get(key, "sign.next.other") for key in found)
    if "sign.next.organisation" in steps:
        steps.pop("sign.next.person", None)  # it says whose key, too
    if is_exchange:
        steps = dict.fromkeys(_OF_EXCHANGE.get(step, step) for step in steps)
    of_bin = ("sign.next.organisation", "sign.next.exchange")
    return [*problems, *(Problem("", step, {"bin": bin} if step in of_bin else {}) for step in steps)]
