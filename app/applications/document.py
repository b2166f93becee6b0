"""The documents the system makes: the application as PDF, and its signed copy.

The bytes that are signed are made once a round, kept by their hash, and shown, signed and sent as
they are.  Source: user manual, paragraphs 18, 19, 21, 22 and 25.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import segno
from sqlalchemy.exc import IntegrityError

from app import db, pdf
from app.applications import queries, summary
from app.applications.models import Application, Document, Signature
from app.applications.summary import Drawing
from app.applications.versions import Version
from app.terms import say
from app.web import here
from app.web.templating import date_time_text, paper


def _page(application: Application, *, language: str, version: str = "", signed: Document | None = None) -> str:
    drawing = Drawing(language)
    stages = summary.stages(application, drawing, as_of=signed.at if signed else None)
    signatures = signed.signatures if signed else ()
    document = signed.sha256 if signed else ""
    return paper(
        "pdf/application.html",
        language,
        application=application,
        company=application.organisation.names_at(signed.at if signed else application.sent_at)[language],
        procedure=queries.procedure(application),
        stages=stages,
        version=version,
        signatures=signatures,
        document=document,
        qr=_qr(application, signatures, document) if signatures else "",
        demo_data=any(sheet.demo_data for stage in stages for sheet in stage.sheets),
    )


def _qr(application: Application, signatures: Sequence[Signature], sha256: str) -> str:
    """Return a QR code (an image by value) of what identifies the signed document."""
    lines = [application.number, f"SHA-256 {sha256}"]
    for item in signatures:
        behalf = f" / {item.for_name}" if item.for_name else ""
        lines.append(f"{item.signer_name} IIN {item.signer_iin} {item.at:%Y-%m-%dT%H:%MZ}{behalf}")
    return str(segno.make("\n".join(lines), error="m", micro=False).svg_data_uri(scale=3, border=2))


def draft(application: Application, language: str, *, of: Version | None = None) -> bytes:
    """Return the application as it stands now, as PDF («Құжатты жүктеу»).

    ``of`` is the version that was sent and says the same; without one the paper calls itself a draft.
    """
    return pdf.render(_page(application, language=language, version=_version_words(of, language) if of else ""))


def _version_words(version: Version, language: str) -> str:
    """Return which version this is, to whom it went last, and when."""
    key = "paper.version_exchange" if version.exchange_at else "paper.version_head"
    return say(key, language, n=version.number, at=date_time_text(version.exchange_at or version.at))


def offered(application: Application) -> Document:
    """Return the document of this round that is read and signed; the first call makes it.

    Nothing can change in the answers while the first head has the application, so whenever it is
    made in a round, it says the same.  It is made outside of any transition's transaction,
    because a page of PDF takes longer than others should wait for the database.
    """
    standing = queries.present_document(application)
    if standing is not None:
        return standing
    content = pdf.render(_page(application, language=application.language, version=str(application.round)))
    name = f"{application.number}-{application.round}.pdf"
    return _keep(
        application, "application", content, round_=application.round, name=name, language=application.language
    )


def signed_copy(application: Application) -> Document | None:
    """Return the copy with the visible signature and QR code of the newest signed document, or None."""
    signed = next(
        (item for item in queries.documents(application) if item.kind == "application" and item.signatures), None
    )
    if signed is None:
        return None
    for item in queries.documents(application):
        if item.kind == "signed_copy" and item.round == signed.round:
            return item
    page = _page(application, language=signed.language, version=str(signed.round), signed=signed)
    name = f"{application.number}-{signed.round}-signed.pdf"
    return _keep(application, "signed_copy", pdf.render(page), round_=signed.round, name=name, language=signed.language)


def _keep(
    application: Application,
    kind: str,
    content: bytes,
    *,
    round_: int,
    name: str,
    language: str,
    number: str = "",
    now: datetime | None = None,
) -> Document:
    """Keep a document unless another request has made it meanwhile; then return that one."""
    row = Document(
        application_id=application.id,
        kind=kind,
        round=round_,
        number=number,
        name=name,
        language=language,
        size=len(content),
        sha256=here.storage().put(content),
        at=now or here.now(),
    )
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:
        return next(item for item in queries.documents(application) if item.kind == kind and item.round == round_)
    return row
